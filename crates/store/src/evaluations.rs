//! Reading evaluations: what every chart of scores is drawn from.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::catalogue::Store;
use crate::decode::{from_row, json};
use crate::entity::{Evaluation, Fold, Setup, StudyEntity};
use crate::error::StoreError;
use crate::list::{named, push_collected, push_ids};
use crate::scores::MeasureCount;

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
    pub dataset_name: Arc<str>,
    pub flow_id: i64,
    pub flow_name: Arc<str>,
    pub flow_version: i64,
    pub setup_id: i64,
    pub uploader: i64,
    pub upload_ms: i64,
    /// `None` where the measure is undefined.
    pub value: Option<f64>,
    pub deviation: Option<f64>,
    /// Empty unless they were asked for.
    pub folds: Vec<Fold>,
}

/// A row without the names, of which there are few: for ten thousand rows, each more column counts.
struct Numbers {
    run_id: i64,
    task_id: i64,
    dataset_id: i64,
    flow_id: i64,
    setup_id: i64,
    uploader: i64,
    upload_ms: i64,
    value: Option<f64>,
    deviation: Option<f64>,
}

/// In the order in which [`Numbers::read`] takes them.
const NUMBERS: &str = "evaluation.run_id, evaluation.task_id, evaluation.dataset_id, evaluation.flow_id,
    evaluation.setup_id, evaluation.uploader, evaluation.upload_ms, evaluation.value, evaluation.deviation";

impl Numbers {
    fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            run_id: row.try_get(0)?,
            task_id: row.try_get(1)?,
            dataset_id: row.try_get(2)?,
            flow_id: row.try_get(3)?,
            setup_id: row.try_get(4)?,
            uploader: row.try_get(5)?,
            upload_ms: row.try_get(6)?,
            value: row.try_get(7)?,
            deviation: row.try_get(8)?,
        })
    }
}

/// The names and versions of the flows and datasets that rows are about.
struct Names {
    flows: HashMap<i64, (Arc<str>, i64)>,
    datasets: HashMap<i64, (Arc<str>, i64)>,
}

impl Names {
    async fn of<'a>(conn: &mut SqliteConnection, rows: impl Iterator<Item = &'a Numbers>) -> Result<Self, StoreError> {
        let (flows, datasets): (BTreeSet<i64>, BTreeSet<i64>) = rows.map(|row| (row.flow_id, row.dataset_id)).unzip();
        Ok(Self { flows: shared(conn, "flow", flows).await?, datasets: shared(conn, "dataset", datasets).await? })
    }

    fn row(&self, row: Numbers, folds: Vec<Fold>) -> Result<EvaluationRow, StoreError> {
        let Numbers { run_id, task_id, dataset_id, flow_id, setup_id, uploader, upload_ms, value, deviation } = row;
        let (Some((flow_name, flow_version)), Some((dataset_name, _))) = (self.flows.get(&flow_id), self.datasets.get(&dataset_id)) else {
            let reason = format!("run {run_id} has no flow or no dataset");
            return Err(StoreError::Corrupt { place: "the catalogue".to_owned(), reason });
        };
        let (dataset_name, flow_name, flow_version) = (Arc::clone(dataset_name), Arc::clone(flow_name), *flow_version);
        Ok(EvaluationRow {
            run_id,
            task_id,
            dataset_id,
            dataset_name,
            flow_id,
            flow_name,
            flow_version,
            setup_id,
            uploader,
            upload_ms,
            value,
            deviation,
            folds,
        })
    }
}

async fn shared(conn: &mut SqliteConnection, table: &str, ids: BTreeSet<i64>) -> Result<HashMap<i64, (Arc<str>, i64)>, StoreError> {
    let ids = ids.into_iter().collect::<Vec<_>>();
    let names = named(conn, table, &ids).await?;
    Ok(names.into_iter().map(|(id, (name, version))| (id, (Arc::from(name), version))).collect())
}

from_row!(Evaluation { measure, value, deviation, claimed, per_class } via json { folds });

impl EvaluationQuery {
    pub(crate) fn statement(&self) -> QueryBuilder<Sqlite> {
        let folds = if self.folds { ", evaluation.folds" } else { "" };
        let mut sql = QueryBuilder::new(format!("SELECT {NUMBERS}{folds} FROM evaluation WHERE evaluation.measure = "));
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

/// By what the runs of a flow have been evaluated: binds the flow's id.
pub(crate) const MEASURES_OF_FLOW: &str = "SELECT measure, COUNT(*) FROM evaluation WHERE flow_id = $1 GROUP BY measure ORDER BY measure";

impl Store {
    pub async fn evaluations(&self, query: &EvaluationQuery) -> Result<Vec<EvaluationRow>, StoreError> {
        // One transaction, so that the flow and the dataset of every row are there.
        let mut transaction = self.inner.readers.begin().await?;
        let mut statement = query.statement();
        let read = |row| Ok((Numbers::read(&row)?, if query.folds { json(&row, "folds")? } else { Vec::new() }));
        let rows = statement.build().try_map(read).fetch_all(&mut *transaction).await?;
        let names = Names::of(&mut transaction, rows.iter().map(|(row, _)| row)).await?;
        rows.into_iter().map(|(row, folds)| names.row(row, folds)).collect()
    }

    /// The measures of the runs of `flow`, by name, and the setups that these runs were
    /// made with.
    pub async fn measures_of_flow(&self, flow: i64) -> Result<(Vec<MeasureCount>, BTreeMap<i64, Setup>), StoreError> {
        // One transaction, so that both are of the same runs.
        let mut transaction = self.inner.readers.begin().await?;
        let counted = sqlx::query_as::<_, (String, i64)>(MEASURES_OF_FLOW).bind(flow).fetch_all(&mut *transaction).await?;
        let counted = counted.into_iter().map(|(measure, runs)| MeasureCount { measure, runs: usize::try_from(runs).unwrap_or(0) });
        let measures = counted.collect();
        let setups = sqlx::query_as::<_, Setup>(
            "SELECT id, flow_id, parameters FROM setup WHERE flow_id = $1
             AND EXISTS (SELECT 1 FROM run JOIN evaluation ON evaluation.run_id = run.id
                         WHERE run.setup_id = setup.id)",
        )
        .bind(flow)
        .fetch_all(&mut *transaction)
        .await?;
        Ok((measures, setups.into_iter().map(|setup| (setup.id, setup)).collect()))
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
