use sqlx::{QueryBuilder, Sqlite};

use super::{Batch, distinct, in_use};
use crate::change::{Action, Kind, Topic};
use crate::columns::Columns;
use crate::decode::{finite, to_json};
use crate::entity::{About, NewDataset, NewFeature, NewQuality, Status};
use crate::error::{ConflictReason, IoContext, StoreError};

/// What may change about a dataset; its content may not. `None` leaves a thing as
/// it is.
#[derive(Clone, Debug, Default)]
pub struct DatasetEdit {
    pub description: Option<String>,
    pub about: Option<About>,
    /// `Some(None)` takes the target away.
    pub default_target: Option<Option<String>>,
    pub row_id: Option<Option<String>>,
    pub ignored: Option<Vec<String>>,
    /// Classes of the default target.
    pub classes: Option<i64>,
}

impl Batch {
    /// Adds a dataset whose columns are written already.
    ///
    /// # Errors
    /// `Conflict` if the id, or the version of this name, is taken; `NoContent` if
    /// the columns or the file are not there; `Invalid` if the features are not
    /// those of the columns, or a quality is given twice.
    pub async fn add_dataset(&mut self, dataset: NewDataset) -> Result<i64, StoreError> {
        let columns = {
            let (columns, hash) = (self.store.columns().clone(), dataset.columns.clone());
            tokio::task::spawn_blocking(move || columns.open(&hash))
                .await
                .map_err(std::io::Error::other)
                .context("open the columns in", self.store.dir())??
        };
        agree(&columns, &dataset.features)?;
        distinct("quality", dataset.qualities.iter().map(|q| q.name.as_str()))?;

        let siblings: Vec<(i64, i64)> =
            sqlx::query_as("SELECT id, version FROM dataset WHERE name = $1").bind(&dataset.name).fetch_all(self.connection()).await?;
        let version = match dataset.version {
            None => siblings.iter().map(|&(_, version)| version).max().unwrap_or(0) + 1,
            Some(version) => {
                if let Some(&(id, _)) = siblings.iter().find(|&&(_, other)| other == version) {
                    return Err(StoreError::Conflict { kind: Kind::Dataset, id, reason: ConflictReason::Exists });
                }
                version
            }
        };
        let id = self.take_id(Kind::Dataset, dataset.id).await?;
        let file_id = match dataset.file {
            Some(file) => Some(self.add_file(file).await?),
            None => None,
        };
        let missing: i64 = dataset.features.iter().map(|f| f.missing).sum();
        let (upload_ms, revision) = (dataset.upload_ms.unwrap_or(self.now_ms), self.revision);
        sqlx::query(
            "INSERT INTO dataset (id, name, version, description, format, about, default_target,
                 row_id, ignored, status, uploader, upload_ms, md5, columns_hash, file_id,
                 row_count, feature_count, class_count, missing_count, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                 $18, $19, $20)",
        )
        .bind(id)
        .bind(dataset.name)
        .bind(version)
        .bind(dataset.description)
        .bind(dataset.format)
        .bind(to_json(&dataset.about))
        .bind(dataset.default_target)
        .bind(dataset.row_id)
        .bind(to_json(&dataset.ignored))
        .bind(dataset.status.as_str())
        .bind(dataset.uploader)
        .bind(upload_ms)
        .bind(dataset.md5)
        .bind(dataset.columns.as_str())
        .bind(file_id)
        .bind(count(columns.rows()))
        .bind(count(columns.len()))
        .bind(dataset.classes)
        .bind(missing)
        .bind(revision)
        .execute(self.connection())
        .await?;
        self.insert_features(id, dataset.features).await?;
        self.insert_qualities(id, dataset.qualities).await?;

        self.record(Kind::Dataset, id, Action::Added, [Topic::Dataset(id), Topic::Datasets]);
        // An older version's page links to the newest.
        let siblings = siblings.into_iter().map(|(id, _)| Topic::Dataset(id));
        self.topics.extend(siblings);
        Ok(id)
    }

    async fn insert_features(&mut self, id: i64, features: Vec<NewFeature>) -> Result<(), StoreError> {
        let mut index = 0;
        let mut features = features.into_iter().peekable();
        while features.peek().is_some() {
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO feature (dataset_id, position, name, kind, is_target, is_ignored,
                     is_row_id, missing, distinct_count, summary) ",
            );
            query.push_values(features.by_ref().take(100), |mut row, feature| {
                row.push_bind(id)
                    .push_bind(index)
                    .push_bind(feature.name)
                    .push_bind(feature.kind.name())
                    .push_bind(i64::from(feature.is_target))
                    .push_bind(i64::from(feature.is_ignored))
                    .push_bind(i64::from(feature.is_row_id))
                    .push_bind(feature.missing)
                    .push_bind(feature.distinct)
                    .push_bind(feature.summary);
                index += 1;
            });
            query.build().execute(self.connection()).await?;
        }
        Ok(())
    }

    async fn insert_qualities(&mut self, id: i64, qualities: Vec<NewQuality>) -> Result<(), StoreError> {
        let mut qualities = qualities.into_iter().peekable();
        while qualities.peek().is_some() {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO quality (dataset_id, name, value) ");
            query.push_values(qualities.by_ref().take(100), |mut row, quality| {
                row.push_bind(id).push_bind(quality.name).push_bind(finite(quality.value));
            });
            query.build().execute(self.connection()).await?;
        }
        Ok(())
    }

    /// # Errors
    /// `NotFound`; `Invalid` if the target, the row id or an ignored feature does
    /// not exist.
    pub async fn edit_dataset(&mut self, id: i64, edit: DatasetEdit) -> Result<(), StoreError> {
        self.require(Kind::Dataset, id).await?;
        let names: Vec<String> =
            sqlx::query_scalar("SELECT name FROM feature WHERE dataset_id = $1").bind(id).fetch_all(self.connection()).await?;
        let target = edit.default_target.iter().flatten();
        let row_id = edit.row_id.iter().flatten();
        let mut mentioned = target.chain(row_id).chain(edit.ignored.iter().flatten());
        if let Some(name) = mentioned.find(|name| !names.contains(name)) {
            return Err(StoreError::Invalid(format!("there is no feature {name:?}")));
        }

        let mut query = QueryBuilder::<Sqlite>::new("UPDATE dataset SET revision = ");
        query.push_bind(self.revision);
        if let Some(description) = edit.description {
            query.push(", description = ").push_bind(description);
        }
        if let Some(about) = edit.about {
            query.push(", about = ").push_bind(to_json(&about));
        }
        if let Some(target) = &edit.default_target {
            query.push(", default_target = ").push_bind(target.clone());
        }
        if let Some(row_id) = &edit.row_id {
            query.push(", row_id = ").push_bind(row_id.clone());
        }
        if let Some(ignored) = &edit.ignored {
            query.push(", ignored = ").push_bind(to_json(ignored));
        }
        if let Some(classes) = edit.classes {
            query.push(", class_count = ").push_bind(classes);
        }
        query.push(" WHERE id = ").push_bind(id);
        query.build().execute(self.connection()).await?;

        if let Some(target) = edit.default_target {
            sqlx::query(
                "UPDATE feature SET is_target = CASE WHEN name = $2 THEN 1 ELSE 0 END
                 WHERE dataset_id = $1",
            )
            .bind(id)
            .bind(target)
            .execute(self.connection())
            .await?;
        }
        if let Some(row_id) = edit.row_id {
            sqlx::query(
                "UPDATE feature SET is_row_id = CASE WHEN name = $2 THEN 1 ELSE 0 END
                 WHERE dataset_id = $1",
            )
            .bind(id)
            .bind(row_id)
            .execute(self.connection())
            .await?;
        }
        if let Some(ignored) = edit.ignored {
            sqlx::query("UPDATE feature SET is_ignored = 0 WHERE dataset_id = $1").bind(id).execute(self.connection()).await?;
            for name in ignored {
                sqlx::query("UPDATE feature SET is_ignored = 1 WHERE dataset_id = $1 AND name = $2")
                    .bind(id)
                    .bind(name)
                    .execute(self.connection())
                    .await?;
            }
        }
        self.dataset_changed(id);
        Ok(())
    }

    /// # Errors
    /// `NotFound`.
    pub async fn set_dataset_status(&mut self, id: i64, status: Status) -> Result<(), StoreError> {
        self.require(Kind::Dataset, id).await?;
        sqlx::query("UPDATE dataset SET status = $2 WHERE id = $1").bind(id).bind(status.as_str()).execute(self.connection()).await?;
        self.dataset_changed(id);
        Ok(())
    }

    /// Replaces what a feature, by its column from 0, stands for.
    ///
    /// # Errors
    /// `NotFound` without the dataset; `Invalid` without the feature.
    pub async fn set_ontologies(&mut self, id: i64, feature: i64, ontologies: &[String]) -> Result<(), StoreError> {
        self.require(Kind::Dataset, id).await?;
        let changed = sqlx::query("UPDATE feature SET ontologies = $3 WHERE dataset_id = $1 AND position = $2")
            .bind(id)
            .bind(feature)
            .bind(to_json(ontologies))
            .execute(self.connection())
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::Invalid(format!("dataset {id} has no feature {feature}")));
        }
        self.dataset_changed(id);
        Ok(())
    }

    fn dataset_changed(&mut self, id: i64) {
        self.record(Kind::Dataset, id, Action::Changed, [Topic::Dataset(id), Topic::Datasets]);
    }

    /// # Errors
    /// `NotFound`; `Conflict` if a task uses the dataset.
    pub async fn delete_dataset(&mut self, id: i64) -> Result<(), StoreError> {
        self.require(Kind::Dataset, id).await?;
        let task: Option<i64> =
            sqlx::query_scalar("SELECT id FROM task WHERE dataset_id = $1 LIMIT 1").bind(id).fetch_optional(self.connection()).await?;
        if task.is_some() {
            return Err(in_use(Kind::Dataset, id));
        }
        let file: Option<i64> =
            sqlx::query_scalar("SELECT file_id FROM dataset WHERE id = $1").bind(id).fetch_one(self.connection()).await?;
        for sql in
            ["DELETE FROM feature WHERE dataset_id = $1", "DELETE FROM quality WHERE dataset_id = $1", "DELETE FROM dataset WHERE id = $1"]
        {
            sqlx::query(sql).bind(id).execute(self.connection()).await?;
        }
        self.delete_files(file).await?;
        self.delete_tags(Kind::Dataset, id).await?;
        self.record(Kind::Dataset, id, Action::Removed, [Topic::Dataset(id), Topic::Datasets]);
        Ok(())
    }

    /// Forgets files; their content stays until the next sweep.
    pub(super) async fn delete_files(&mut self, files: impl IntoIterator<Item = i64>) -> Result<(), StoreError> {
        for id in files {
            sqlx::query("DELETE FROM file WHERE id = $1").bind(id).execute(self.connection()).await?;
        }
        Ok(())
    }
}

fn agree(columns: &Columns, features: &[NewFeature]) -> Result<(), StoreError> {
    if columns.len() != features.len() {
        return Err(StoreError::Invalid(format!("{} features are described where there are {} columns", features.len(), columns.len())));
    }
    for (index, feature) in features.iter().enumerate() {
        if columns.name(index) != Some(&feature.name) || columns.kind(index) != Some(feature.kind) {
            return Err(StoreError::Invalid(format!("the {} feature {:?} is not the column at its place", feature.kind, feature.name)));
        }
    }
    Ok(())
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
