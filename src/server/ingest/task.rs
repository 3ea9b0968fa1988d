//! A task from its description and its splits.

use labboard_openml::document::Task;
use labboard_openml::splits::Splits;
use labboard_store::{NewTask, Procedure, Store, TaskAbout};

use super::{Format, IngestError};

/// What a task is evaluated by where its maker does not say.
pub fn default_measure(type_id: u32) -> Option<&'static str> {
    match type_id {
        1 | 3 | 4 | 6 => Some("predictive_accuracy"),
        2 => Some("mean_absolute_error"),
        _ => None,
    }
}

/// Reads the splits and keeps their file; only the row in the catalogue is left to do. `file` is the splits', for errors.
///
/// # Errors
/// The splits cannot be read or kept.
pub fn new_task(store: &Store, file: &str, document: Task, splits: Option<&[u8]>) -> Result<NewTask, IngestError> {
    let id = document.task_id;
    let splits = match splits {
        Some(content) => {
            Splits::read(content).map_err(|error| IngestError::file(file, error))?;
            Some(store.files().put(&format!("Task_{id}_splits.arff"), Format::Arff.media_type(), content)?)
        }
        None => None,
    };
    let procedure = document.estimation_procedure.unwrap_or_default();
    let parameter = |name: &str| procedure.parameter(name).map(str::to_owned);
    let measure = document.evaluation_measures.into_iter().next();
    Ok(NewTask {
        id: Some(i64::from(id)),
        type_id: i64::from(document.task_type_id),
        name: document.task_name.unwrap_or_default(),
        dataset_id: i64::from(document.source_data.data_set_id),
        target: document.source_data.target_feature,
        procedure: Procedure {
            id: procedure.id.map(i64::from),
            kind: procedure.kind.clone().unwrap_or_default(),
            repeats: parameter("number_repeats").and_then(|text| text.parse().ok()),
            folds: parameter("number_folds").and_then(|text| text.parse().ok()),
            percentage: parameter("percentage").and_then(|text| text.parse().ok()),
            stratified: parameter("stratified_sampling").as_deref() == Some("true"),
        },
        about: TaskAbout { is_measure_given: Some(measure.is_some()), ..TaskAbout::default() },
        measure: measure.or_else(|| default_measure(document.task_type_id).map(str::to_owned)),
        splits,
        uploader: 0,
        upload_ms: None,
    })
}
