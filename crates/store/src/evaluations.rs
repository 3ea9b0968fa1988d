//! Reading evaluations: what every chart of scores is drawn from.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Sqlite};

use crate::catalogue::Store;
use crate::decode::from_row;
use crate::entity::{Evaluation, Fold, Setup, StudyEntity};
use crate::error::StoreError;
use crate::list::{push_collected, push_ids};

/// Which evaluations; an empty list asks for all.
#[derive(Clone, Debug)]
pub struct EvaluationQuery {
    pub measure: String,
    pub tasks: Vec<i64>,
    pub datasets: Vec<i64>,
    pub flows: Vec<i64>,
    pub setups: Vec<i64>,
    pub runs: Vec<i64>,
    pub uploaders: Vec<i64>,
    pub tag: Option<String>,
    /// Only runs that this study collects.
    pub study: Option<i64>,
    /// Read the values per fold too.
    pub folds: bool,
    /// `Some(true)`: the highest value first, `Some(false)`: the lowest first; runs
    /// without a value last. `None`: by run.
    pub highest_first: Option<bool>,
    pub offset: u32,
    pub limit: u32,
}

impl EvaluationQuery {
    /// All evaluations of one measure.
    #[must_use]
    pub fn of(measure: &str) -> Self {
        Self {
            measure: measure.to_owned(),
            tasks: Vec::new(),
            datasets: Vec::new(),
            flows: Vec::new(),
            setups: Vec::new(),
            runs: Vec::new(),
            uploaders: Vec::new(),
            tag: None,
            study: None,
            folds: false,
            highest_first: None,
            offset: 0,
            limit: u32::MAX,
        }
    }
}

/// One run's value of one measure, with what a chart says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationRow {
    pub run_id: i64,
    pub task_id: i64,
    pub dataset_id: i64,
    pub dataset_name: String,
    pub dataset_version: i64,
    pub flow_id: i64,
    pub flow_name: String,
    pub flow_version: i64,
    pub setup_id: i64,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
    /// `None` where the measure is undefined.
    pub value: Option<f64>,
    pub deviation: Option<f64>,
    pub claimed: Option<f64>,
    /// Empty unless they were asked for.
    pub folds: Vec<Fold>,
    /// JSON; `None` unless folds were asked for.
    pub per_class: Option<String>,
}

from_row!(EvaluationRow {
    run_id, task_id, dataset_id, dataset_name, dataset_version, flow_id, flow_name, flow_version,
    setup_id, uploader, uploader_name, upload_ms, value, deviation, claimed, per_class,
} via json { folds });

/// A flow's evaluations and the setups that they were made with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlowEvaluations {
    pub rows: Vec<EvaluationRow>,
    /// By id; every row's setup is here.
    pub setups: BTreeMap<i64, Setup>,
}

/// A measure that runs were evaluated by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureCount {
    pub measure: String,
    /// Runs with a value.
    pub runs: i64,
}

from_row!(MeasureCount { measure, runs });

from_row!(Evaluation { measure, value, deviation, claimed, per_class } via json { folds });

impl Store {
    pub async fn evaluations(&self, query: &EvaluationQuery) -> Result<Vec<EvaluationRow>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT evaluation.run_id, evaluation.task_id, evaluation.dataset_id,
                    dataset.name AS dataset_name, dataset.version AS dataset_version,
                    evaluation.flow_id, flow.name AS flow_name, flow.version AS flow_version,
                    evaluation.setup_id, evaluation.uploader, person.name AS uploader_name,
                    evaluation.upload_ms, evaluation.value, evaluation.deviation,
                    evaluation.claimed, ",
        );
        sql.push(if query.folds { "evaluation.folds, evaluation.per_class" } else { "'[]' AS folds, CAST(NULL AS TEXT) AS per_class" });
        sql.push(
            " FROM evaluation JOIN flow ON flow.id = evaluation.flow_id
              JOIN dataset ON dataset.id = evaluation.dataset_id
              LEFT JOIN person ON person.id = evaluation.uploader
              WHERE evaluation.measure = ",
        );
        sql.push_bind(&query.measure);
        push_ids(&mut sql, "evaluation.task_id", &query.tasks);
        push_ids(&mut sql, "evaluation.dataset_id", &query.datasets);
        push_ids(&mut sql, "evaluation.flow_id", &query.flows);
        push_ids(&mut sql, "evaluation.setup_id", &query.setups);
        push_ids(&mut sql, "evaluation.run_id", &query.runs);
        push_ids(&mut sql, "evaluation.uploader", &query.uploaders);
        if let Some(tag) = &query.tag {
            sql.push(
                " AND evaluation.run_id IN
                  (SELECT entity_id FROM tag WHERE kind = 'run' AND tag = ",
            );
            sql.push_bind(tag).push(")");
        }
        if let Some(study) = query.study {
            push_collected(&mut sql, StudyEntity::Run, "evaluation.run_id", study);
        }
        let narrow = [&query.tasks, &query.datasets, &query.flows].iter().any(|ids| ids.len() > 1);
        sql.push(match query.highest_first {
            // The plus keeps SQLite from walking through all runs of the measure in
            // order where the index on the parents finds the few.
            None if narrow => " ORDER BY +evaluation.run_id",
            None => " ORDER BY evaluation.run_id",
            Some(true) => " ORDER BY evaluation.value DESC NULLS LAST, evaluation.run_id",
            Some(false) => " ORDER BY evaluation.value ASC NULLS LAST, evaluation.run_id",
        });
        sql.push(" LIMIT ").push_bind(i64::from(query.limit));
        sql.push(" OFFSET ").push_bind(i64::from(query.offset));
        let mut conn = self.reader().await?;
        Ok(sql.build_query_as().fetch_all(&mut *conn).await?)
    }

    /// Every run of `task` that has the measure, by run, with its folds.
    pub async fn evaluations_of_task(&self, task: i64, measure: &str) -> Result<Vec<EvaluationRow>, StoreError> {
        self.evaluations(&EvaluationQuery { tasks: vec![task], folds: true, ..EvaluationQuery::of(measure) }).await
    }

    /// Every run of `flow` that has the measure, by run, with its folds.
    pub async fn evaluations_of_flow(&self, flow: i64, measure: &str) -> Result<FlowEvaluations, StoreError> {
        let rows = self.evaluations(&EvaluationQuery { flows: vec![flow], folds: true, ..EvaluationQuery::of(measure) }).await?;
        // Setups are only ever added before the runs that use them.
        let setups = self.setups(Some(flow), &[], 0, u32::MAX).await?;
        let used: std::collections::HashSet<i64> = rows.iter().map(|row| row.setup_id).collect();
        let setups = setups.into_iter().filter(|setup| used.contains(&setup.id)).map(|setup| (setup.id, setup)).collect();
        Ok(FlowEvaluations { rows, setups })
    }

    /// Every measure of a run, by name.
    pub async fn evaluations_of_run(&self, run: i64) -> Result<Vec<Evaluation>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as(
            "SELECT measure, value, deviation, claimed, folds, per_class
             FROM evaluation WHERE run_id = $1 ORDER BY measure",
        )
        .bind(run)
        .fetch_all(&mut *conn)
        .await?;
        Ok(found)
    }

    /// The measures that a task's runs have, those with most values first.
    pub async fn measures_of_task(&self, task: i64) -> Result<Vec<MeasureCount>, StoreError> {
        self.measures(
            "SELECT measure, COUNT(value) AS runs FROM evaluation WHERE task_id = $1
             GROUP BY measure ORDER BY runs DESC, measure",
            task,
        )
        .await
    }

    /// The measures that a flow's runs have, those with most values first.
    pub async fn measures_of_flow(&self, flow: i64) -> Result<Vec<MeasureCount>, StoreError> {
        self.measures(
            "SELECT measure, COUNT(value) AS runs FROM evaluation WHERE flow_id = $1
             GROUP BY measure ORDER BY runs DESC, measure",
            flow,
        )
        .await
    }

    async fn measures(&self, sql: &'static str, id: i64) -> Result<Vec<MeasureCount>, StoreError> {
        let mut conn = self.reader().await?;
        Ok(sqlx::query_as(sql).bind(id).fetch_all(&mut *conn).await?)
    }
}
