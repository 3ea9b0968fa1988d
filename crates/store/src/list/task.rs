use std::ops::RangeInclusive;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::{Listing, Page, sort};
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

impl Store {
    pub async fn list_tasks(&self, query: &TaskQuery) -> Result<Page<TaskRow>, StoreError> {
        let listing = Listing {
            select: "task.id, task.type_id, task.name, task.dataset_id,
                dataset.name AS dataset_name, dataset.version AS dataset_version,
                dataset.status, dataset.format, task.target, task.measure, task.procedure_id,
                task.procedure_kind, task.repeats, task.folds, task.percentage, task.stratified,
                (SELECT COUNT(*) FROM run WHERE run.task_id = task.id) AS runs, task.upload_ms",
            from: "task JOIN dataset ON dataset.id = task.dataset_id",
            extra: "",
            id: "task.id",
            sort: query.sort.sql(),
            descending: query.descending,
            offset: query.offset,
            limit: query.limit,
        };
        let dataset_name = query.dataset_name.as_ref().map(|name| name.to_ascii_lowercase());
        listing
            .fetch(self, |all| {
                all.search(&query.search, &["task.name", "dataset.name", "task.target"]);
                all.ids("task.id", &query.ids);
                all.equal("task.type_id", query.type_id);
                all.ids("task.dataset_id", &query.datasets);
                all.equal("lower(dataset.name)", dataset_name.as_deref());
                all.tagged(Kind::Task, "task.id", query.tag.as_deref());
                all.tagged(Kind::Dataset, "task.dataset_id", query.dataset_tag.as_deref());
                all.collected(StudyEntity::Task, "task.id", query.study);
                all.equal("dataset.status", query.dataset_status.map(Status::as_str));
                all.within("dataset.row_count", query.rows.as_ref());
                all.within("dataset.feature_count", query.features.as_ref());
                all.within("dataset.class_count", query.classes.as_ref());
                all.within("dataset.missing_count", query.missing.as_ref());
            })
            .await
    }

    /// By id.
    pub async fn tasks_of_dataset(&self, dataset: i64) -> Result<Vec<TaskRow>, StoreError> {
        let query = TaskQuery { datasets: vec![dataset], limit: u32::MAX, ..TaskQuery::default() };
        Ok(self.list_tasks(&query).await?.rows)
    }
}
