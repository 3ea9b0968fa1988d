//! Where the true values of a task are: in the column of its dataset that it predicts.

use labboard_openml::fit::Truth;
use labboard_store::{ColumnRef, Columns, ContentHash, Store, StoreError, Task};

/// The column that a task predicts.
#[derive(Clone, Debug)]
pub struct Target {
    pub table: ContentHash,
    /// The column, from 0.
    pub column: usize,
}

/// The task's target; `None` if it predicts nothing.
///
/// # Errors
/// The dataset cannot be read, or has no such feature.
pub async fn target(store: &Store, task: &Task) -> Result<Option<Target>, StoreError> {
    let Some(name) = &task.target else { return Ok(None) };
    let table = store.dataset(task.dataset_id).await?.columns;
    let features = store.features(task.dataset_id).await?;
    let column = features.iter().position(|feature| feature.name == *name);
    let column = column.ok_or_else(|| StoreError::Corrupt {
        place: format!("task {}", task.id),
        reason: format!("it predicts “{name}”, which its dataset has not"),
    })?;
    Ok(Some(Target { table, column }))
}

impl Target {
    /// The true values, in the columns of the dataset.
    ///
    /// # Errors
    /// The table has fewer columns than the dataset has features.
    pub fn truth<'a>(&self, columns: &'a Columns) -> Result<Truth<'a>, StoreError> {
        match columns.feature(self.column) {
            Some(ColumnRef::Numeric(values) | ColumnRef::Date(values)) => Ok(Truth::Numbers(values)),
            Some(ColumnRef::Nominal { codes, levels } | ColumnRef::Text { codes, levels }) => Ok(Truth::Classes { codes, levels }),
            None => Err(StoreError::Corrupt {
                place: format!("the table {}", self.table),
                reason: "it has fewer columns than features".to_owned(),
            }),
        }
    }
}
