//! Reading evaluations: what every chart of scores is drawn from.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, FromRow, QueryBuilder, Row, Sqlite, SqliteConnection};

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
    /// Only runs after this one, in the order of runs: the last of the page before.
    pub after: Option<i64>,
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
            after: None,
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

from_row!(Evaluation { measure, value, deviation, claimed, per_class } via json { folds });

/// What an [`EvaluationRow`] is read from, without its folds. The joins are outer ones
/// on primary keys: they neither add nor drop rows, and SQLite does not start with them.
const ROW: &str = "evaluation.run_id, evaluation.task_id, evaluation.dataset_id,
    dataset.name AS dataset_name, dataset.version AS dataset_version, evaluation.flow_id,
    flow.name AS flow_name, flow.version AS flow_version, evaluation.setup_id,
    evaluation.uploader, person.name AS uploader_name, evaluation.upload_ms, evaluation.value,
    evaluation.deviation, evaluation.claimed";
const FROM: &str = "evaluation LEFT JOIN flow ON flow.id = evaluation.flow_id
    LEFT JOIN dataset ON dataset.id = evaluation.dataset_id
    LEFT JOIN person ON person.id = evaluation.uploader";
const WITH_FOLDS: &str = "evaluation.folds, evaluation.per_class";
const WITHOUT_FOLDS: &str = "'[]' AS folds, CAST(NULL AS TEXT) AS per_class";

impl EvaluationQuery {
    pub(crate) fn statement(&self) -> QueryBuilder<Sqlite> {
        let folds = if self.folds { WITH_FOLDS } else { WITHOUT_FOLDS };
        let mut sql = QueryBuilder::new(format!("SELECT {ROW}, {folds} FROM {FROM} WHERE evaluation.measure = "));
        sql.push_bind(self.measure.clone());
        for (column, ids) in [
            ("evaluation.task_id", &self.tasks),
            ("evaluation.dataset_id", &self.datasets),
            ("evaluation.flow_id", &self.flows),
            ("evaluation.run_id", &self.runs),
            ("evaluation.uploader", &self.uploaders),
        ] {
            push_ids(&mut sql, column, ids);
        }
        if !self.setups.is_empty() {
            sql.push(" AND evaluation.run_id IN (SELECT id FROM run WHERE 1 = 1");
            push_ids(&mut sql, "setup_id", &self.setups);
            sql.push(")");
        }
        if let Some(tag) = &self.tag {
            sql.push(" AND evaluation.run_id IN (SELECT entity_id FROM tag WHERE kind = 'run' AND tag = ");
            sql.push_bind(tag.clone()).push(")");
        }
        if let Some(study) = self.study {
            push_collected(&mut sql, StudyEntity::Run, "evaluation.run_id", study);
        }
        if let Some(after) = self.after {
            sql.push(" AND evaluation.run_id > ").push_bind(after);
        }
        sql.push(match self.highest_first {
            // The plus keeps SQLite from walking through all runs of the measure in
            // that order where an index finds the few.
            None if self.is_narrow() => " ORDER BY +evaluation.run_id",
            None => " ORDER BY evaluation.run_id",
            Some(true) if self.is_filtered() => " ORDER BY +evaluation.value DESC NULLS LAST, evaluation.run_id",
            Some(false) if self.is_filtered() => " ORDER BY +evaluation.value ASC NULLS LAST, evaluation.run_id",
            Some(true) => " ORDER BY evaluation.value DESC NULLS LAST, evaluation.run_id",
            Some(false) => " ORDER BY evaluation.value ASC NULLS LAST, evaluation.run_id",
        });
        sql.push(" LIMIT ").push_bind(i64::from(self.limit));
        sql.push(" OFFSET ").push_bind(i64::from(self.offset));
        sql
    }

    /// Whether an index leads to the rows.
    fn is_filtered(&self) -> bool {
        self.is_narrow() || [&self.tasks, &self.datasets, &self.flows, &self.runs, &self.uploaders].iter().any(|ids| !ids.is_empty())
    }

    /// Whether an index leads to the rows, but not in the order of the runs.
    fn is_narrow(&self) -> bool {
        let several = [&self.tasks, &self.datasets, &self.flows, &self.runs, &self.uploaders].iter().any(|ids| ids.len() > 1);
        several || !self.setups.is_empty() || self.tag.is_some() || self.study.is_some()
    }
}

/// Every measure of a flow's runs: binds the flow's id. The index on it has this order.
pub(crate) fn by_measure_statement() -> String {
    format!(
        "SELECT evaluation.measure, {ROW}, {WITH_FOLDS} FROM {FROM}
         WHERE evaluation.flow_id = $1 ORDER BY evaluation.measure, evaluation.run_id"
    )
}

impl Store {
    pub async fn evaluations(&self, query: &EvaluationQuery) -> Result<Vec<EvaluationRow>, StoreError> {
        let mut conn = self.reader().await?;
        Ok(query.statement().build_query_as().fetch_all(&mut *conn).await?)
    }

    /// Every measure of every run of `flow`: by run, with the folds; and the setups
    /// that these runs were made with.
    pub async fn evaluations_by_measure_of_flow(
        &self,
        flow: i64,
    ) -> Result<(BTreeMap<String, Vec<EvaluationRow>>, BTreeMap<i64, Setup>), StoreError> {
        // One transaction, so that every row's setup is there.
        let mut transaction = self.inner.readers.begin().await?;
        let rows = by_measure(&mut transaction, flow).await?;
        let setups = sqlx::query_as::<_, Setup>(
            "SELECT id, flow_id, parameters FROM setup WHERE flow_id = $1
             AND EXISTS (SELECT 1 FROM run JOIN evaluation ON evaluation.run_id = run.id
                         WHERE run.setup_id = setup.id)",
        )
        .bind(flow)
        .fetch_all(&mut *transaction)
        .await?;
        Ok((rows, setups.into_iter().map(|setup| (setup.id, setup)).collect()))
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
}

async fn by_measure(conn: &mut SqliteConnection, flow: i64) -> Result<BTreeMap<String, Vec<EvaluationRow>>, StoreError> {
    let found = sqlx::query(AssertSqlSafe(by_measure_statement())).bind(flow).fetch_all(conn).await?;
    let mut all: BTreeMap<String, Vec<EvaluationRow>> = BTreeMap::new();
    for row in found {
        let evaluation = EvaluationRow::from_row(&row)?;
        let measure: &str = row.try_get("measure")?;
        match all.get_mut(measure) {
            Some(rows) => rows.push(evaluation),
            None => {
                all.insert(measure.to_owned(), vec![evaluation]);
            }
        }
    }
    Ok(all)
}
