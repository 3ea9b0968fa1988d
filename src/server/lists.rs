//! The lists of datasets, tasks, flows and runs: searched, sorted and paged by the store.

use labboard_figure::text::short_flow;
use labboard_store::{
    DatasetQuery, DatasetRow, DatasetSort, FlowQuery, FlowRow, FlowSort, Page, RunQuery, RunRow, RunSort, Store, StoreError, TaskQuery,
    TaskRow, TaskSort,
};

use super::source::app_error;
use super::state::State;
use super::views::{count, day, score, task_name};
use crate::app::panels::measure_title;
use crate::error::AppError;
use crate::model::{Cell, ColumnHead, Entity, Kind, ListView, Row, TableView};

/// Rows of a list's page.
const PAGE_SIZE: u32 = 50;
/// The longest search that makes sense, in bytes.
const MAX_SEARCH: usize = 200;

/// # Errors
/// The search is too long.
pub fn check_search(search: &str) -> Result<(), AppError> {
    if search.len() > MAX_SEARCH {
        return Err(AppError::BadRequest(format!("a search has at most {MAX_SEARCH} characters")));
    }
    Ok(())
}

/// A column of a list: its head and whether it holds numbers.
type Head = (&'static str, bool);

/// What differs from one kind of list to another.
trait Listed: Sized {
    type Sort;
    const KIND: Kind;
    const HEADS: &'static [Head];
    /// The sorts that the page offers, as (value, label).
    const SORTS: &'static [(&'static str, &'static str)];

    fn sort(column: &str) -> Option<Self::Sort>;
    async fn find(store: &Store, asked: Asked<Self::Sort>) -> Result<Page<Self>, StoreError>;
    fn cells(&self) -> Vec<Cell>;
}

struct Asked<S> {
    within: Within,
    search: String,
    sort: S,
    descending: bool,
    offset: u32,
}

/// What a search may say beside words: `study:14`, `user:3`, `type:1`, `tag:good`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Within {
    study: Option<i64>,
    user: Option<i64>,
    task_type: Option<i64>,
    tag: Option<String>,
}

impl Within {
    /// Takes what a list of this kind knows out of a search; all else is left as words.
    fn take(kind: Kind, search: &str) -> (Self, String) {
        let mut within = Self::default();
        let mut words = Vec::new();
        for word in search.split_whitespace() {
            let Some((name, value)) = word.split_once(':') else {
                words.push(word);
                continue;
            };
            let (id, knows) = (value.parse::<i64>().ok(), |kinds: &[Kind]| kinds.contains(&kind));
            match (name, id) {
                ("study", Some(_)) if knows(&[Kind::Task, Kind::Run]) => within.study = id,
                ("user", Some(_)) if knows(&[Kind::Data, Kind::Flow, Kind::Run]) => within.user = id,
                ("type", Some(_)) if knows(&[Kind::Task, Kind::Run]) => within.task_type = id,
                ("tag", _) if !value.is_empty() => within.tag = Some(value.to_owned()),
                _ => words.push(word),
            }
        }
        (within, words.join(" "))
    }
}

/// One page of a list. `sort` is a column's name, with `-` before it for descending order.
///
/// # Errors
/// The sort is unknown, the search is too long, or the store fails.
pub async fn list(state: &State, kind: Kind, search: &str, sort: &str, page: u64) -> Result<ListView, AppError> {
    let store = state.store();
    match kind {
        Kind::Data => list_of::<DatasetRow>(store, search, sort, page).await,
        Kind::Task => list_of::<TaskRow>(store, search, sort, page).await,
        Kind::Flow => list_of::<FlowRow>(store, search, sort, page).await,
        Kind::Run => list_of::<RunRow>(store, search, sort, page).await,
    }
}

async fn list_of<L: Listed>(store: &Store, search: &str, sort: &str, page: u64) -> Result<ListView, AppError> {
    check_search(search)?;
    // The first sort that a list offers is its own.
    let wanted = if sort.is_empty() { L::SORTS[0].0 } else { sort };
    let (column, descending) = wanted.strip_prefix('-').map_or((wanted, false), |column| (column, true));
    let sort = L::sort(column).ok_or_else(|| AppError::BadRequest(format!("{} cannot be sorted by “{sort}”", L::KIND.plural())))?;
    let offset = u32::try_from((page.max(1) - 1).saturating_mul(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX);
    let (within, search) = Within::take(L::KIND, search);
    let found = L::find(store, Asked { within, search, sort, descending, offset }).await.map_err(app_error)?;
    let table = TableView {
        columns: heads(L::HEADS),
        rows: found.rows.iter().map(|row| Row { cells: row.cells(), ..Row::default() }).collect(),
        total: u64::try_from(found.total).unwrap_or(0),
        chooses: None,
    };
    let sorts = L::SORTS.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect();
    Ok(ListView { kind: L::KIND, table, sorts, page_size: u64::from(PAGE_SIZE) })
}

fn heads(columns: &[Head]) -> Vec<ColumnHead> {
    columns.iter().map(|(name, numeric)| ColumnHead { name: (*name).to_owned(), numeric: *numeric, help: None }).collect()
}

fn counted(number: i64) -> Cell {
    Cell::number(number as f64, count(number))
}

/// A count that is worth a look only when it is not zero.
fn some(number: i64) -> Cell {
    if number > 0 { counted(number) } else { Cell::number(0.0, "–") }
}

fn id(number: i64) -> Cell {
    Cell::number(number as f64, number.to_string())
}

fn measure(name: Option<&str>) -> Cell {
    Cell::text(name.map_or_else(|| "–".to_owned(), measure_title))
}

impl Listed for DatasetRow {
    type Sort = DatasetSort;
    const KIND: Kind = Kind::Data;
    const HEADS: &'static [Head] = &[
        ("Name", false),
        ("Id", true),
        ("Rows", true),
        ("Features", true),
        ("Classes", true),
        ("Missing", true),
        ("Tasks", true),
        ("Runs", true),
        ("Uploaded", false),
    ];
    const SORTS: &'static [(&'static str, &'static str)] = &[
        ("id", "Id"),
        ("name", "Name"),
        ("-rows", "Rows"),
        ("-features", "Features"),
        ("-missing", "Missing"),
        ("-runs", "Runs"),
        ("-uploaded", "Newest"),
    ];

    fn sort(column: &str) -> Option<DatasetSort> {
        DatasetSort::parse(column)
    }

    async fn find(store: &Store, asked: Asked<DatasetSort>) -> Result<Page<Self>, StoreError> {
        let Asked { within, search, sort, descending, offset } = asked;
        store
            .list_datasets(&DatasetQuery {
                tag: within.tag,
                uploader: within.user,
                search,
                sort,
                descending,
                offset,
                limit: PAGE_SIZE,
                ..DatasetQuery::default()
            })
            .await
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::link(self.name.clone(), Entity::new(Kind::Data, self.id)),
            id(self.id),
            counted(self.rows),
            counted(self.features),
            some(self.classes),
            Cell { warn: self.missing > 0, ..some(self.missing) },
            counted(self.tasks),
            counted(self.runs),
            Cell::text(day(self.upload_ms)),
        ]
    }
}

impl Listed for TaskRow {
    type Sort = TaskSort;
    const KIND: Kind = Kind::Task;
    const HEADS: &'static [Head] =
        &[("Task", false), ("Id", true), ("Dataset", false), ("Target", false), ("Measure", false), ("Folds", true), ("Runs", true)];
    const SORTS: &'static [(&'static str, &'static str)] = &[("id", "Id"), ("dataset", "Dataset"), ("target", "Target"), ("-runs", "Runs")];

    fn sort(column: &str) -> Option<TaskSort> {
        TaskSort::parse(column)
    }

    async fn find(store: &Store, asked: Asked<TaskSort>) -> Result<Page<Self>, StoreError> {
        let Asked { within, search, sort, descending, offset } = asked;
        store
            .list_tasks(&TaskQuery {
                tag: within.tag,
                study: within.study,
                type_id: within.task_type,
                search,
                sort,
                descending,
                offset,
                limit: PAGE_SIZE,
                ..TaskQuery::default()
            })
            .await
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::link(task_name(self), Entity::new(Kind::Task, self.id)),
            id(self.id),
            Cell::link(self.dataset_name.clone(), Entity::new(Kind::Data, self.dataset_id)),
            Cell::text(self.target.clone().unwrap_or_default()),
            measure(self.measure.as_deref()),
            some(self.procedure.folds.unwrap_or(0)),
            counted(self.runs),
        ]
    }
}

impl Listed for FlowRow {
    type Sort = FlowSort;
    const KIND: Kind = Kind::Flow;
    const HEADS: &'static [Head] = &[("Flow", false), ("Id", true), ("Version", true), ("Runs", true), ("By", false), ("Uploaded", false)];
    const SORTS: &'static [(&'static str, &'static str)] = &[("id", "Id"), ("name", "Name"), ("-runs", "Runs"), ("-uploaded", "Newest")];

    fn sort(column: &str) -> Option<FlowSort> {
        FlowSort::parse(column)
    }

    async fn find(store: &Store, asked: Asked<FlowSort>) -> Result<Page<Self>, StoreError> {
        let Asked { within, search, sort, descending, offset } = asked;
        store
            .list_flows(&FlowQuery {
                tag: within.tag,
                uploader: within.user,
                search,
                sort,
                descending,
                offset,
                limit: PAGE_SIZE,
                ..FlowQuery::default()
            })
            .await
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::link(short_flow(&self.name), Entity::new(Kind::Flow, self.id)),
            id(self.id),
            id(self.version),
            counted(self.runs),
            Cell::text(self.uploader_name.clone().unwrap_or_default()),
            Cell::text(day(self.upload_ms)),
        ]
    }
}

impl Listed for RunRow {
    type Sort = RunSort;
    const KIND: Kind = Kind::Run;
    const HEADS: &'static [Head] = &[("Run", false), ("Flow", false), ("Data", false), ("Measure", false), ("Value", true), ("By", false)];
    const SORTS: &'static [(&'static str, &'static str)] =
        &[("-id", "Newest"), ("dataset", "Dataset"), ("flow", "Flow"), ("uploader", "By")];

    fn sort(column: &str) -> Option<RunSort> {
        RunSort::parse(column)
    }

    async fn find(store: &Store, asked: Asked<RunSort>) -> Result<Page<Self>, StoreError> {
        let Asked { within, search, sort, descending, offset } = asked;
        store
            .list_runs(&RunQuery {
                tag: within.tag,
                study: within.study,
                task_type: within.task_type,
                uploaders: within.user.into_iter().collect(),
                search,
                sort,
                descending,
                offset,
                limit: PAGE_SIZE,
                ..RunQuery::default()
            })
            .await
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell { number: Some(self.id as f64), ..Cell::link(self.id.to_string(), Entity::new(Kind::Run, self.id)) },
            Cell::link(short_flow(&self.flow_name), Entity::new(Kind::Flow, self.flow_id)),
            Cell::link(self.dataset_name.clone(), Entity::new(Kind::Data, self.dataset_id)),
            measure(self.measure.as_deref()),
            score(self.value),
            Cell::text(self.uploader_name.clone().unwrap_or_default()),
        ]
    }
}

/// Rows of runs, for the start page.
pub fn run_rows(runs: &[RunRow]) -> Vec<Row> {
    runs.iter().map(|run| Row { cells: run.cells(), ..Row::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_say_where_to_look() {
        let (within, words) = Within::take(Kind::Run, "tree study:14 user:3 type:1 tag:good a:b");
        assert_eq!(within, Within { study: Some(14), user: Some(3), task_type: Some(1), tag: Some("good".to_owned()) });
        assert_eq!(words, "tree a:b");
        let (within, words) = Within::take(Kind::Data, "study:14 type:x");
        assert_eq!((within, words.as_str()), (Within::default(), "study:14 type:x"), "what a list does not know are words");
    }
}
