use super::{Listing, Page, sort};
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

impl Store {
    pub async fn list_flows(&self, query: &FlowQuery) -> Result<Page<FlowRow>, StoreError> {
        let listing = Listing {
            select: "flow.id, flow.name, flow.custom_name, flow.version, flow.external_version,
                (SELECT COUNT(*) FROM run WHERE run.flow_id = flow.id) AS runs,
                flow.uploader, person.name AS uploader_name, flow.upload_ms",
            from: "flow",
            extra: "LEFT JOIN person ON person.id = flow.uploader",
            id: "flow.id",
            sort: query.sort.sql(),
            descending: query.descending,
            offset: query.offset,
            limit: query.limit,
        };
        listing
            .fetch(self, |all| {
                all.search(&query.search, &["flow.name", "flow.custom_name"]);
                all.ids("flow.id", &query.ids);
                all.equal("flow.uploader", query.uploader);
                all.tagged(Kind::Flow, "flow.id", query.tag.as_deref());
            })
            .await
    }
}
