use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Batch, distinct};
use crate::change::{Action, Kind, Topic};
use crate::decode::{finite, to_json};
use crate::entity::{Evaluation, Fold, NewRun, ParameterSetting, StudyEntity};
use crate::error::StoreError;
use crate::hash::ContentHash;

/// The run's columns that its evaluations repeat.
#[derive(Clone, Copy, Debug)]
struct Parents {
    run: i64,
    task: i64,
    flow: i64,
    setup: i64,
    dataset: i64,
    uploader: i64,
    upload_ms: i64,
}

impl Parents {
    fn topics(&self) -> [Topic; 5] {
        [Topic::Run(self.run), Topic::Task(self.task), Topic::Flow(self.flow), Topic::Dataset(self.dataset), Topic::Runs]
    }
}

impl Batch {
    /// Adds a run, and its setup if it is the first with it.
    ///
    /// # Errors
    /// `NotFound` without its task or flow; `Conflict` if the id is taken;
    /// `NoContent` without a file; `Invalid` if a parameter, a file or a measure is
    /// given twice.
    pub async fn add_run(&mut self, run: NewRun) -> Result<i64, StoreError> {
        distinct("file", run.files.iter().map(|file| file.role.as_str()))?;
        let dataset: Option<i64> =
            sqlx::query_scalar("SELECT dataset_id FROM task WHERE id = $1").bind(run.task_id).fetch_optional(self.connection()).await?;
        let dataset = dataset.ok_or(StoreError::NotFound { kind: Kind::Task, id: run.task_id })?;
        self.require(Kind::Flow, run.flow_id).await?;
        let setup = self.ensure_setup(run.flow_id, run.setup_id, run.parameters).await?;
        let parents = Parents {
            run: self.take_id(Kind::Run, run.id).await?,
            task: run.task_id,
            flow: run.flow_id,
            setup,
            dataset,
            uploader: run.uploader,
            upload_ms: run.upload_ms.unwrap_or(self.now_ms),
        };
        let revision = self.revision;
        sqlx::query(
            "INSERT INTO run (id, task_id, flow_id, setup_id, dataset_id, setup_string, uploader,
                 upload_ms, error, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(parents.run)
        .bind(parents.task)
        .bind(parents.flow)
        .bind(parents.setup)
        .bind(parents.dataset)
        .bind(run.setup_string)
        .bind(parents.uploader)
        .bind(parents.upload_ms)
        .bind(run.error)
        .bind(revision)
        .execute(self.connection())
        .await?;
        for file in run.files {
            let file_id = self.add_file(file.file).await?;
            sqlx::query("INSERT INTO run_file (run_id, role, file_id) VALUES ($1, $2, $3)")
                .bind(parents.run)
                .bind(file.role)
                .bind(file_id)
                .execute(self.connection())
                .await?;
        }
        self.insert_evaluations(&parents, run.evaluations).await?;
        self.outdate_scores(&parents).await?;
        self.record(Kind::Run, parents.run, Action::Added, parents.topics());
        self.add_tags(Kind::Run, parents.run, &run.tags, parents.uploader).await?;
        Ok(parents.run)
    }

    async fn ensure_setup(&mut self, flow: i64, wanted: Option<i64>, mut parameters: Vec<ParameterSetting>) -> Result<i64, StoreError> {
        parameters.sort();
        let same = |pair: &[ParameterSetting]| pair[0].component == pair[1].component && pair[0].name == pair[1].name;
        if let Some(pair) = parameters.windows(2).find(|pair| same(pair)) {
            return Err(StoreError::Invalid(format!("the parameter {:?} is given twice", pair[0].name)));
        }
        let (text, fingerprint) = setup_fingerprint(flow, &parameters);
        let known: Option<i64> =
            sqlx::query_scalar("SELECT id FROM setup WHERE fingerprint = $1").bind(&fingerprint).fetch_optional(self.connection()).await?;
        if let Some(id) = known {
            return Ok(id);
        }
        let id = self.take_id(Kind::Setup, wanted).await?;
        sqlx::query("INSERT INTO setup (id, flow_id, parameters, fingerprint) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(flow)
            .bind(text)
            .bind(fingerprint)
            .execute(self.connection())
            .await?;
        Ok(id)
    }

    async fn insert_evaluations(&mut self, parents: &Parents, evaluations: Vec<Evaluation>) -> Result<(), StoreError> {
        distinct("measure", evaluations.iter().map(|e| e.measure.as_str()))?;
        let mut evaluations = evaluations.into_iter().peekable();
        while evaluations.peek().is_some() {
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO evaluation (run_id, measure, task_id, flow_id, setup_id, dataset_id,
                     uploader, upload_ms, value, deviation, claimed, folds, per_class) ",
            );
            query.push_values(evaluations.by_ref().take(100), |mut row, evaluation| {
                row.push_bind(parents.run)
                    .push_bind(evaluation.measure)
                    .push_bind(parents.task)
                    .push_bind(parents.flow)
                    .push_bind(parents.setup)
                    .push_bind(parents.dataset)
                    .push_bind(parents.uploader)
                    .push_bind(parents.upload_ms)
                    .push_bind(finite(evaluation.value))
                    .push_bind(finite(evaluation.deviation))
                    .push_bind(finite(evaluation.claimed))
                    .push_bind(folds_text(&evaluation.folds))
                    .push_bind(evaluation.per_class);
            });
            query.build().execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Replaces all evaluations of a run.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if a measure is given twice.
    pub async fn set_evaluations(&mut self, run: i64, evaluations: Vec<Evaluation>) -> Result<(), StoreError> {
        let parents = self.parents(run).await?;
        sqlx::query("DELETE FROM evaluation WHERE run_id = $1").bind(run).execute(self.connection()).await?;
        self.insert_evaluations(&parents, evaluations).await?;
        self.outdate_scores(&parents).await?;
        self.record(Kind::Run, run, Action::Changed, parents.topics());
        Ok(())
    }

    /// Removes a run with its evaluations, also from the studies that it is in. Its
    /// setup stays.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_run(&mut self, id: i64) -> Result<(), StoreError> {
        let parents = self.parents(id).await?;
        self.leave_studies(StudyEntity::Run, id).await?;
        let files: Vec<i64> =
            sqlx::query_scalar("SELECT file_id FROM run_file WHERE run_id = $1").bind(id).fetch_all(self.connection()).await?;
        for sql in ["DELETE FROM evaluation WHERE run_id = $1", "DELETE FROM run_file WHERE run_id = $1", "DELETE FROM run WHERE id = $1"] {
            sqlx::query(sql).bind(id).execute(self.connection()).await?;
        }
        self.outdate_scores(&parents).await?;
        self.delete_files(files).await?;
        self.delete_tags(Kind::Run, id).await?;
        self.record(Kind::Run, id, Action::Removed, parents.topics());
        Ok(())
    }

    /// From now on the run's rows count, not what its task's chunks of
    /// [scores](crate::TaskScores) say.
    async fn outdate_scores(&mut self, parents: &Parents) -> Result<(), StoreError> {
        let revision = self.revision;
        sqlx::query(
            "INSERT INTO score_pending (task_id, run_id, revision) VALUES ($1, $2, $3)
             ON CONFLICT (task_id, run_id) DO UPDATE SET revision = excluded.revision",
        )
        .bind(parents.task)
        .bind(parents.run)
        .bind(revision)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn parents(&mut self, run: i64) -> Result<Parents, StoreError> {
        let row = sqlx::query(
            "SELECT task_id, flow_id, setup_id, dataset_id, uploader, upload_ms
             FROM run WHERE id = $1",
        )
        .bind(run)
        .fetch_optional(self.connection())
        .await?;
        let row = row.ok_or(StoreError::NotFound { kind: Kind::Run, id: run })?;
        Ok(Parents {
            run,
            task: row.try_get("task_id")?,
            flow: row.try_get("flow_id")?,
            setup: row.try_get("setup_id")?,
            dataset: row.try_get("dataset_id")?,
            uploader: row.try_get("uploader")?,
            upload_ms: row.try_get("upload_ms")?,
        })
    }
}

/// The canonical text of sorted parameters, and the setup's identity.
pub(crate) fn setup_fingerprint(flow: i64, sorted: &[ParameterSetting]) -> (String, String) {
    let text = to_json(sorted);
    let identity = format!("{flow} {text}");
    (text, ContentHash::of(identity.as_bytes()).into())
}

fn folds_text(folds: &[Fold]) -> String {
    let finite = |fold: &Fold| Fold { value: finite(fold.value), ..*fold };
    to_json(&folds.iter().map(finite).collect::<Vec<_>>())
}
