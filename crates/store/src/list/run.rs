use super::{Conditions, Listing, Page, sort};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::decode::from_row;
use crate::entity::StudyEntity;
use crate::error::StoreError;

sort!(RunSort {
    Id = "id" => "run.id",
    Task = "task" => "run.task_id",
    Dataset = "dataset" => "lower(dataset.name)",
    Flow = "flow" => "lower(flow.name)",
    Uploader = "uploader" => "lower(person.name)",
    Uploaded = "uploaded" => "run.upload_ms",
    Value = "value" => "evaluation.value",
});

/// Which runs; `None` and an empty list ask for all.
#[derive(Clone, Debug)]
pub struct RunQuery {
    /// Words of the flow's or the dataset's name, or the id.
    pub search: String,
    pub ids: Vec<i64>,
    pub tasks: Vec<i64>,
    pub datasets: Vec<i64>,
    pub flows: Vec<i64>,
    pub setups: Vec<i64>,
    pub uploaders: Vec<i64>,
    pub task_type: Option<i64>,
    pub tag: Option<String>,
    /// Only runs that this study collects.
    pub study: Option<i64>,
    /// `Some(true)`: only runs that failed; `Some(false)`: only those that did not.
    pub failed: Option<bool>,
    pub sort: RunSort,
    pub descending: bool,
    /// Only what comes after this id, in a list that is sorted by id: the last of the
    /// page before. It costs the same on every page, which an offset does not.
    pub after: Option<i64>,
    pub offset: u32,
    pub limit: u32,
}

impl Default for RunQuery {
    fn default() -> Self {
        Self {
            search: String::new(),
            ids: Vec::new(),
            tasks: Vec::new(),
            datasets: Vec::new(),
            flows: Vec::new(),
            setups: Vec::new(),
            uploaders: Vec::new(),
            task_type: None,
            tag: None,
            study: None,
            failed: None,
            sort: RunSort::default(),
            descending: false,
            after: None,
            offset: 0,
            limit: 100,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: i64,
    pub task_id: i64,
    pub task_type_id: i64,
    pub dataset_id: i64,
    pub dataset_name: String,
    pub flow_id: i64,
    pub flow_name: String,
    pub setup_id: i64,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
    pub error: Option<String>,
    /// The task's own measure.
    pub measure: Option<String>,
    /// The run's value of that measure.
    pub value: Option<f64>,
}

from_row!(RunRow {
    id,
    task_id,
    task_type_id,
    dataset_id,
    dataset_name,
    flow_id,
    flow_name,
    setup_id,
    uploader,
    uploader_name,
    upload_ms,
    error,
    measure,
    value,
});

const PARENTS: &str = "run
    LEFT JOIN task ON task.id = run.task_id
    LEFT JOIN dataset ON dataset.id = run.dataset_id
    LEFT JOIN flow ON flow.id = run.flow_id";

impl RunQuery {
    fn listing(&self) -> Listing {
        let alone = self.search.trim().is_empty() && self.task_type.is_none();
        Listing {
            select: "run.id, run.task_id, task.type_id AS task_type_id, run.dataset_id,
                dataset.name AS dataset_name, run.flow_id, flow.name AS flow_name, run.setup_id,
                run.uploader, person.name AS uploader_name, run.upload_ms, run.error,
                task.measure, evaluation.value",
            from: PARENTS,
            extra: "LEFT JOIN person ON person.id = run.uploader
                LEFT JOIN evaluation ON evaluation.run_id = run.id
                    AND evaluation.measure = task.measure",
            counted: if alone { "run" } else { PARENTS },
            id: "run.id",
            sort: self.sort.sql(),
            descending: self.descending,
            after: self.after,
            offset: self.offset,
            limit: self.limit,
        }
    }

    fn conditions(&self, all: &mut Conditions) {
        all.search(&self.search, &["flow.name", "dataset.name"]);
        all.ids("run.id", &self.ids);
        all.ids("run.task_id", &self.tasks);
        all.ids("run.dataset_id", &self.datasets);
        all.ids("run.flow_id", &self.flows);
        all.ids("run.setup_id", &self.setups);
        all.ids("run.uploader", &self.uploaders);
        all.equal("task.type_id", self.task_type);
        all.tagged(Kind::Run, "run.id", self.tag.as_deref());
        all.collected(StudyEntity::Run, "run.id", self.study);
        match self.failed {
            None => {}
            Some(true) => {
                all.sql.push(" AND run.error IS NOT NULL");
            }
            Some(false) => {
                all.sql.push(" AND run.error IS NULL");
            }
        }
    }
}

#[cfg(test)]
impl RunQuery {
    pub(crate) fn rows_sql(&self) -> String {
        self.listing().select(&|all: &mut Conditions| self.conditions(all)).sql().as_str().to_owned()
    }

    pub(crate) fn count_sql(&self) -> String {
        self.listing().count(&|all: &mut Conditions| self.conditions(all)).sql().as_str().to_owned()
    }
}

impl Store {
    pub async fn list_runs(&self, query: &RunQuery) -> Result<Page<RunRow>, StoreError> {
        query.listing().page(self, |all| query.conditions(all)).await
    }

    /// The rows of [`list_runs`](Self::list_runs), without counting the list.
    pub async fn run_rows(&self, query: &RunQuery) -> Result<Vec<RunRow>, StoreError> {
        query.listing().rows(self, |all| query.conditions(all)).await
    }

    /// By id.
    pub async fn runs_of_task(&self, task: i64) -> Result<Vec<RunRow>, StoreError> {
        self.all_runs(RunQuery { tasks: vec![task], ..RunQuery::default() }).await
    }

    /// By id.
    pub async fn runs_of_flow(&self, flow: i64) -> Result<Vec<RunRow>, StoreError> {
        self.all_runs(RunQuery { flows: vec![flow], ..RunQuery::default() }).await
    }

    /// By id.
    pub async fn runs_of_dataset(&self, dataset: i64) -> Result<Vec<RunRow>, StoreError> {
        self.all_runs(RunQuery { datasets: vec![dataset], ..RunQuery::default() }).await
    }

    async fn all_runs(&self, query: RunQuery) -> Result<Vec<RunRow>, StoreError> {
        let query = RunQuery { limit: u32::MAX, ..query };
        self.run_rows(&query).await
    }
}
