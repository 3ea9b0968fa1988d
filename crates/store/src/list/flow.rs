use super::{Conditions, Listing, Page, sort};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::decode::from_row;
use crate::error::StoreError;

sort!(FlowSort {
    Id = "id" => "flow.id",
    Name = "name" => "lower(flow.name)",
    Version = "version" => "flow.version",
    Uploaded = "uploaded" => "flow.upload_ms",
    Runs = "runs" => "runs",
});

/// Which flows; `None` and an empty list ask for all.
#[derive(Clone, Debug)]
pub struct FlowQuery {
    /// Words of the name or the custom name, or the id.
    pub search: String,
    pub ids: Vec<i64>,
    pub uploader: Option<i64>,
    pub tag: Option<String>,
    pub sort: FlowSort,
    pub descending: bool,
    /// Only what comes after this id, in a list that is sorted by id: the last of the
    /// page before. It costs the same on every page, which an offset does not.
    pub after: Option<i64>,
    pub offset: u32,
    pub limit: u32,
}

impl Default for FlowQuery {
    fn default() -> Self {
        Self {
            search: String::new(),
            ids: Vec::new(),
            uploader: None,
            tag: None,
            sort: FlowSort::default(),
            descending: false,
            after: None,
            offset: 0,
            limit: 100,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct FlowRow {
    pub id: i64,
    pub name: String,
    pub custom_name: Option<String>,
    pub version: i64,
    pub external_version: String,
    pub runs: i64,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
}

from_row!(FlowRow { id, name, custom_name, version, external_version, runs, uploader, uploader_name, upload_ms });

impl FlowQuery {
    fn listing(&self) -> Listing {
        Listing {
            select: "flow.id, flow.name, flow.custom_name, flow.version, flow.external_version,
                (SELECT COUNT(*) FROM run WHERE run.flow_id = flow.id) AS runs,
                flow.uploader, person.name AS uploader_name, flow.upload_ms",
            from: "flow",
            extra: "LEFT JOIN person ON person.id = flow.uploader",
            counted: "flow",
            id: "flow.id",
            sort: self.sort.sql(),
            descending: self.descending,
            after: self.after,
            offset: self.offset,
            limit: self.limit,
        }
    }

    fn conditions(&self, all: &mut Conditions) {
        all.search(&self.search, &["flow.name", "flow.custom_name"]);
        all.ids("flow.id", &self.ids);
        all.equal("flow.uploader", self.uploader);
        all.tagged(Kind::Flow, "flow.id", self.tag.as_deref());
    }
}

impl Store {
    pub async fn list_flows(&self, query: &FlowQuery) -> Result<Page<FlowRow>, StoreError> {
        query.listing().page(self, |all| query.conditions(all)).await
    }

    /// The rows of [`list_flows`](Self::list_flows), without counting the list.
    pub async fn flow_rows(&self, query: &FlowQuery) -> Result<Vec<FlowRow>, StoreError> {
        query.listing().rows(self, |all| query.conditions(all)).await
    }
}
