use super::{DatasetQuery, DatasetSort, FlowQuery, FlowSort, RunQuery, RunSort, TaskQuery, TaskSort};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::error::StoreError;

/// Something that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub kind: Kind,
    pub id: i64,
    pub name: String,
    /// What tells it apart from its namesakes.
    pub detail: String,
}

impl Store {
    /// At most `limit` hits of each kind: datasets, tasks, flows and runs. The one
    /// with the id that was asked for comes first, then those whose name is the
    /// text, then those whose name starts with it, then the most used or newest.
    pub async fn search(&self, text: &str, limit: u32) -> Result<Vec<Hit>, StoreError> {
        if text.trim().is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        // More than are asked for, so that the order below has a choice.
        let fetched = limit.saturating_mul(4).max(50);
        let search = || text.to_owned();
        let datasets =
            DatasetQuery { search: search(), sort: DatasetSort::Runs, descending: true, limit: fetched, ..DatasetQuery::default() };
        let tasks = TaskQuery { search: search(), sort: TaskSort::Runs, descending: true, limit: fetched, ..TaskQuery::default() };
        let flows = FlowQuery { search: search(), sort: FlowSort::Runs, descending: true, limit: fetched, ..FlowQuery::default() };
        let runs = RunQuery { search: search(), sort: RunSort::Id, descending: true, limit: fetched, ..RunQuery::default() };
        let (datasets, tasks, flows, runs) =
            tokio::try_join!(self.dataset_rows(&datasets), self.task_rows(&tasks), self.flow_rows(&flows), self.run_rows(&runs))?;

        let best = |hits: Vec<Hit>| first(hits, text, limit);
        let mut found = best(
            datasets
                .into_iter()
                .map(|row| Hit {
                    kind: Kind::Dataset,
                    id: row.id,
                    detail: format!("version {}, {} rows", row.version, row.rows),
                    name: row.name,
                })
                .collect(),
        );
        found.extend(best(
            tasks
                .into_iter()
                .map(|row| Hit {
                    kind: Kind::Task,
                    id: row.id,
                    detail: format!("on {}, {} runs", row.dataset_name, row.runs),
                    name: row.name,
                })
                .collect(),
        ));
        found.extend(best(
            flows
                .into_iter()
                .map(|row| Hit {
                    kind: Kind::Flow,
                    id: row.id,
                    detail: format!("version {}, {} runs", row.version, row.runs),
                    name: row.name,
                })
                .collect(),
        ));
        found.extend(best(
            runs.into_iter()
                .map(|row| Hit {
                    kind: Kind::Run,
                    id: row.id,
                    detail: format!("on {}, task {}", row.dataset_name, row.task_id),
                    name: row.flow_name,
                })
                .collect(),
        ));
        Ok(found)
    }
}

fn first(mut hits: Vec<Hit>, text: &str, limit: u32) -> Vec<Hit> {
    let text = text.trim().to_ascii_lowercase();
    let id = text.parse::<i64>().ok();
    hits.sort_by_key(|hit| {
        let name = hit.name.to_ascii_lowercase();
        let better = Some(hit.id) == id;
        (!better, name != text, !name.starts_with(&text))
    });
    hits.truncate(limit as usize);
    hits
}
