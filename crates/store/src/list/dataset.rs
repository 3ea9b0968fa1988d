use std::ops::RangeInclusive;

use super::{Conditions, Listing, Page, sort};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::decode::from_row;
use crate::entity::Status;
use crate::error::StoreError;

sort!(DatasetSort {
    Id = "id" => "dataset.id",
    Name = "name" => "lower(dataset.name)",
    Version = "version" => "dataset.version",
    Rows = "rows" => "dataset.row_count",
    Features = "features" => "dataset.feature_count",
    Classes = "classes" => "dataset.class_count",
    Missing = "missing" => "dataset.missing_count",
    Uploaded = "uploaded" => "dataset.upload_ms",
    Tasks = "tasks" => "tasks",
    Runs = "runs" => "runs",
});

/// Which datasets; `None` and an empty list ask for all.
#[derive(Clone, Debug)]
pub struct DatasetQuery {
    /// Words of the name, or the id.
    pub search: String,
    pub ids: Vec<i64>,
    /// The whole name; ASCII letters match in either case.
    pub name: Option<String>,
    pub version: Option<i64>,
    pub status: Option<Status>,
    pub tag: Option<String>,
    pub uploader: Option<i64>,
    pub rows: Option<RangeInclusive<i64>>,
    pub features: Option<RangeInclusive<i64>>,
    pub classes: Option<RangeInclusive<i64>>,
    pub missing: Option<RangeInclusive<i64>>,
    pub sort: DatasetSort,
    pub descending: bool,
    /// Only what comes after this id, in a list that is sorted by id: the last of the
    /// page before. It costs the same on every page, which an offset does not.
    pub after: Option<i64>,
    pub offset: u32,
    pub limit: u32,
}

impl Default for DatasetQuery {
    fn default() -> Self {
        Self {
            search: String::new(),
            ids: Vec::new(),
            name: None,
            version: None,
            status: None,
            tag: None,
            uploader: None,
            rows: None,
            features: None,
            classes: None,
            missing: None,
            sort: DatasetSort::default(),
            descending: false,
            after: None,
            offset: 0,
            limit: 100,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct DatasetRow {
    pub id: i64,
    pub name: String,
    pub version: i64,
    pub format: String,
    pub status: Status,
    pub default_target: Option<String>,
    pub file_id: Option<i64>,
    pub rows: i64,
    pub features: i64,
    pub classes: i64,
    pub missing: i64,
    pub tasks: i64,
    pub runs: i64,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
}

from_row!(DatasetRow {
    id, name, version, format, default_target, file_id, rows, features, classes, missing, tasks,
    runs, uploader, uploader_name, upload_ms,
} via parsed { status });

impl DatasetQuery {
    fn listing(&self) -> Listing {
        Listing {
            select: "dataset.id, dataset.name, dataset.version, dataset.format, dataset.status,
                dataset.default_target, dataset.file_id, dataset.row_count AS rows,
                dataset.feature_count AS features, dataset.class_count AS classes,
                dataset.missing_count AS missing,
                (SELECT COUNT(*) FROM task WHERE task.dataset_id = dataset.id) AS tasks,
                (SELECT COUNT(*) FROM run WHERE run.dataset_id = dataset.id) AS runs,
                dataset.uploader, person.name AS uploader_name, dataset.upload_ms",
            from: "dataset",
            extra: "LEFT JOIN person ON person.id = dataset.uploader",
            counted: "dataset",
            id: "dataset.id",
            sort: self.sort.sql(),
            descending: self.descending,
            after: self.after,
            offset: self.offset,
            limit: self.limit,
        }
    }

    fn conditions(&self, all: &mut Conditions) {
        let name = self.name.as_ref().map(|name| name.to_ascii_lowercase());
        all.search(&self.search, &["dataset.name"]);
        all.ids("dataset.id", &self.ids);
        all.equal("lower(dataset.name)", name.as_deref());
        all.equal("dataset.version", self.version);
        all.equal("dataset.status", self.status.map(Status::as_str));
        all.tagged(Kind::Dataset, "dataset.id", self.tag.as_deref());
        all.equal("dataset.uploader", self.uploader);
        all.within("dataset.row_count", self.rows.as_ref());
        all.within("dataset.feature_count", self.features.as_ref());
        all.within("dataset.class_count", self.classes.as_ref());
        all.within("dataset.missing_count", self.missing.as_ref());
    }
}

impl Store {
    pub async fn list_datasets(&self, query: &DatasetQuery) -> Result<Page<DatasetRow>, StoreError> {
        query.listing().page(self, |all| query.conditions(all)).await
    }

    /// The rows of [`list_datasets`](Self::list_datasets), without counting the list.
    pub async fn dataset_rows(&self, query: &DatasetQuery) -> Result<Vec<DatasetRow>, StoreError> {
        query.listing().rows(self, |all| query.conditions(all)).await
    }
}
