use std::ops::RangeInclusive;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::{Conditions, Listing, Page, sort};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::decode::parsed;
use crate::entity::{Procedure, Status, StudyEntity};
use crate::error::StoreError;

sort!(TaskSort {
    Id = "id" => "task.id",
    Name = "name" => "lower(task.name)",
    Type = "type" => "task.type_id",
    Dataset = "dataset" => "lower(dataset.name)",
    Target = "target" => "lower(task.target)",
    Measure = "measure" => "task.measure",
    Procedure = "procedure" => "task.procedure_kind",
    Uploaded = "uploaded" => "task.upload_ms",
    Runs = "runs" => "runs",
});

/// Which tasks; `None` and an empty list ask for all.
#[derive(Clone, Debug)]
pub struct TaskQuery {
    /// Words of the name, the dataset's name or the target, or the id.
    pub search: String,
    pub ids: Vec<i64>,
    pub type_id: Option<i64>,
    pub tag: Option<String>,
    /// Only tasks that this suite collects.
    pub study: Option<i64>,
    pub datasets: Vec<i64>,
    /// The dataset's whole name; ASCII letters match in either case.
    pub dataset_name: Option<String>,
    pub dataset_tag: Option<String>,
    pub dataset_status: Option<Status>,
    pub rows: Option<RangeInclusive<i64>>,
    pub features: Option<RangeInclusive<i64>>,
    pub classes: Option<RangeInclusive<i64>>,
    pub missing: Option<RangeInclusive<i64>>,
    pub sort: TaskSort,
    pub descending: bool,
    /// Only what comes after this id, in a list that is sorted by id: the last of the
    /// page before. It costs the same on every page, which an offset does not.
    pub after: Option<i64>,
    pub offset: u32,
    pub limit: u32,
}

impl Default for TaskQuery {
    fn default() -> Self {
        Self {
            search: String::new(),
            ids: Vec::new(),
            type_id: None,
            tag: None,
            study: None,
            datasets: Vec::new(),
            dataset_name: None,
            dataset_tag: None,
            dataset_status: None,
            rows: None,
            features: None,
            classes: None,
            missing: None,
            sort: TaskSort::default(),
            descending: false,
            after: None,
            offset: 0,
            limit: 100,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TaskRow {
    pub id: i64,
    pub type_id: i64,
    pub name: String,
    pub dataset_id: i64,
    pub dataset_name: String,
    pub dataset_version: i64,
    /// The dataset's.
    pub status: Status,
    /// The dataset's.
    pub format: String,
    pub target: Option<String>,
    pub measure: Option<String>,
    pub procedure: Procedure,
    pub runs: i64,
    pub upload_ms: i64,
}

impl<'r> FromRow<'r, SqliteRow> for TaskRow {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            type_id: row.try_get("type_id")?,
            name: row.try_get("name")?,
            dataset_id: row.try_get("dataset_id")?,
            dataset_name: row.try_get("dataset_name")?,
            dataset_version: row.try_get("dataset_version")?,
            status: parsed(row, "status")?,
            format: row.try_get("format")?,
            target: row.try_get("target")?,
            measure: row.try_get("measure")?,
            procedure: Procedure::from_row(row)?,
            runs: row.try_get("runs")?,
            upload_ms: row.try_get("upload_ms")?,
        })
    }
}

const FROM: &str = "task LEFT JOIN dataset ON dataset.id = task.dataset_id";

impl TaskQuery {
    fn listing(&self) -> Listing {
        Listing {
            select: "task.id, task.type_id, task.name, task.dataset_id,
                dataset.name AS dataset_name, dataset.version AS dataset_version,
                dataset.status, dataset.format, task.target, task.measure, task.procedure_id,
                task.procedure_kind, task.repeats, task.folds, task.percentage, task.stratified,
                (SELECT COUNT(*) FROM run WHERE run.task_id = task.id) AS runs, task.upload_ms",
            from: FROM,
            extra: "",
            counted: FROM,
            id: "task.id",
            sort: self.sort.sql(),
            descending: self.descending,
            after: self.after,
            offset: self.offset,
            limit: self.limit,
        }
    }

    fn conditions(&self, all: &mut Conditions) {
        let dataset_name = self.dataset_name.as_ref().map(|name| name.to_ascii_lowercase());
        all.search(&self.search, &["task.name", "dataset.name", "task.target"]);
        all.ids("task.id", &self.ids);
        all.equal("task.type_id", self.type_id);
        all.ids("task.dataset_id", &self.datasets);
        all.equal("lower(dataset.name)", dataset_name.as_deref());
        all.tagged(Kind::Task, "task.id", self.tag.as_deref());
        all.tagged(Kind::Dataset, "task.dataset_id", self.dataset_tag.as_deref());
        all.collected(StudyEntity::Task, "task.id", self.study);
        all.equal("dataset.status", self.dataset_status.map(Status::as_str));
        all.within("dataset.row_count", self.rows.as_ref());
        all.within("dataset.feature_count", self.features.as_ref());
        all.within("dataset.class_count", self.classes.as_ref());
        all.within("dataset.missing_count", self.missing.as_ref());
    }
}

impl Store {
    pub async fn list_tasks(&self, query: &TaskQuery) -> Result<Page<TaskRow>, StoreError> {
        query.listing().page(self, |all| query.conditions(all)).await
    }

    /// The rows of [`list_tasks`](Self::list_tasks), without counting the list.
    pub async fn task_rows(&self, query: &TaskQuery) -> Result<Vec<TaskRow>, StoreError> {
        query.listing().rows(self, |all| query.conditions(all)).await
    }

    /// By id.
    pub async fn tasks_of_dataset(&self, dataset: i64) -> Result<Vec<TaskRow>, StoreError> {
        let query = TaskQuery { datasets: vec![dataset], limit: u32::MAX, ..TaskQuery::default() };
        self.task_rows(&query).await
    }
}
