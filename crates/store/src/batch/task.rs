use super::{Batch, in_use};
use crate::change::{Action, Kind, Topic};
use crate::decode::{finite, to_json};
use crate::entity::{NewTask, StudyEntity};
use crate::error::{ConflictReason, StoreError};
use crate::hash::ContentHash;

impl Batch {
    /// # Errors
    /// `NotFound` without its dataset; `Conflict` with the task that asks for the
    /// same already, or that has the id; `NoContent` without its splits.
    pub async fn add_task(&mut self, task: NewTask) -> Result<i64, StoreError> {
        self.require(Kind::Dataset, task.dataset_id).await?;
        let fingerprint = fingerprint(&task);
        let same: Option<i64> =
            sqlx::query_scalar("SELECT id FROM task WHERE fingerprint = $1").bind(&fingerprint).fetch_optional(self.connection()).await?;
        if let Some(id) = same {
            return Err(StoreError::Conflict { kind: Kind::Task, id, reason: ConflictReason::Exists });
        }
        let id = self.take_id(Kind::Task, task.id).await?;
        let splits = match task.splits {
            Some(file) => Some(self.add_file(file).await?),
            None => None,
        };
        let (upload_ms, revision) = (task.upload_ms.unwrap_or(self.now_ms), self.revision);
        sqlx::query(
            "INSERT INTO task (id, type_id, name, dataset_id, target, measure, procedure_id,
                 procedure_kind, repeats, folds, percentage, stratified, about, splits_file_id,
                 uploader, upload_ms, fingerprint, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                 $18)",
        )
        .bind(id)
        .bind(task.type_id)
        .bind(task.name)
        .bind(task.dataset_id)
        .bind(task.target)
        .bind(task.measure)
        .bind(task.procedure.id)
        .bind(task.procedure.kind)
        .bind(task.procedure.repeats)
        .bind(task.procedure.folds)
        .bind(finite(task.procedure.percentage))
        .bind(i64::from(task.procedure.stratified))
        .bind(to_json(&task.about))
        .bind(splits)
        .bind(task.uploader)
        .bind(upload_ms)
        .bind(fingerprint)
        .bind(revision)
        .execute(self.connection())
        .await?;
        self.record(Kind::Task, id, Action::Added, [Topic::Task(id), Topic::Dataset(task.dataset_id), Topic::Tasks]);
        Ok(id)
    }

    /// # Errors
    /// `NotFound`; `Conflict` if the task has a run.
    pub async fn delete_task(&mut self, id: i64) -> Result<(), StoreError> {
        let task: Option<(i64, Option<i64>)> =
            sqlx::query_as("SELECT dataset_id, splits_file_id FROM task WHERE id = $1").bind(id).fetch_optional(self.connection()).await?;
        let Some((dataset, splits)) = task else {
            let kind = Kind::Task;
            return Err(StoreError::NotFound { kind, id });
        };
        let run: Option<i64> =
            sqlx::query_scalar("SELECT id FROM run WHERE task_id = $1 LIMIT 1").bind(id).fetch_optional(self.connection()).await?;
        if run.is_some() {
            return Err(in_use(Kind::Task, id));
        }
        self.leave_studies(StudyEntity::Task, id).await?;
        for sql in [
            "DELETE FROM score_column WHERE chunk_id IN (SELECT id FROM score_chunk WHERE task_id = $1)",
            "DELETE FROM score_chunk WHERE task_id = $1",
            "DELETE FROM score_pending WHERE task_id = $1",
            "DELETE FROM task WHERE id = $1",
        ] {
            sqlx::query(sql).bind(id).execute(self.connection()).await?;
        }
        self.delete_files(splits).await?;
        self.delete_tags(Kind::Task, id).await?;
        self.record(Kind::Task, id, Action::Removed, [Topic::Task(id), Topic::Dataset(dataset), Topic::Tasks]);
        Ok(())
    }
}

/// The same for two tasks that ask for the same.
fn fingerprint(task: &NewTask) -> String {
    let asks = (
        task.type_id,
        task.dataset_id,
        &task.target,
        &task.procedure,
        &task.measure,
        &task.about,
        task.splits.as_ref().map(|file| &file.hash),
    );
    ContentHash::of(to_json(&asks).as_bytes()).into()
}
