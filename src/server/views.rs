//! What pages show: reads the store and the rooms, and puts it into the words of `model`.

use std::sync::Arc;

use labboard_room::{Key, RoomId, Validate};
use labboard_store::{DatasetQuery, DatasetSort, FlowQuery, FlowSort, RunQuery, RunSort, TaskQuery, TaskSort};

use super::figures::{self, Request};
use super::source::{Source, app_error};
use super::state::State;
use crate::app::pages::explore::DATASET;
use crate::app::panel::thousands;
use crate::app::panels::{self, measure_title};
use crate::controls::{Controls, from_query, from_value, is_control, of_panel, parameters};
use crate::error::AppError;
use crate::model::{
    Cell, ColumnHead, Entity, ExploreView, Fact, Hit, HomeView, Kind, ListView, PageView, PanelView, Related, RoomView, Row, TableView,
};

/// Rows of a list's page.
const PAGE_SIZE: u32 = 50;
/// The longest search that makes sense, in bytes.
const MAX_SEARCH: usize = 200;
/// Entries of a short list on an entity's page.
const RELATED: usize = 12;
/// Datasets that a dropdown offers.
const SIBLINGS: u32 = 500;

/// The page that shows a task's name, and everything else that has no name of its own.
fn task_name(row: &labboard_store::TaskRow) -> String {
    let target = row.target.as_deref().map(|target| format!(", predict {target}")).unwrap_or_default();
    format!("{}{target}", row.dataset_name)
}

fn score(value: Option<f64>) -> Cell {
    value.map_or_else(|| Cell::text("–"), |value| Cell::number(value, labboard_figure::text::score(value)))
}

fn day(ms: i64) -> String {
    labboard_figure::array::date(ms as f64).map_or_else(String::new, |date| date.chars().take(10).collect())
}

/// The room of a page and the view that a visitor gets: the URL's, if it has controls, else the room's.
async fn room(state: &State, page: &str, query: &str) -> Result<RoomView, AppError> {
    let name = parameters(query).find_map(|(name, value)| (name == "room" && !value.is_empty()).then_some(value));
    let id = RoomId::new(page, name.as_deref()).map_err(|error| AppError::BadRequest(error.to_string()))?;
    let own = from_query(query, is_control);
    let (seq, document) = state.hub().document(state, &id).await.map_err(|error| {
        tracing::error!(room = id.as_str(), %error, "a room could not be read");
        AppError::Internal("The shared view could not be read; the server's log says why".to_owned())
    })?;
    let shared = document.iter().filter_map(|(key, value)| Some((key.as_str().to_owned(), from_value(value.as_json())?)));
    let is_own = !own.is_empty();
    Ok(RoomView { room: id.as_str().to_owned(), seq, values: if is_own { own } else { shared.collect() }, own: is_own })
}

async fn panel_view(state: &State, entity: Entity, panel: &'static dyn panels::AnyPanel, values: &Controls) -> Result<PanelView, AppError> {
    let wanted = of_panel(values, panel.name());
    Ok(figures::drawn(state, Request::new(entity, panel, wanted)).await?.view)
}

fn found(kind: Kind, id: i64, error: AppError) -> AppError {
    match error {
        AppError::NotFound(_) => AppError::NotFound(format!("There is no {} {id}", kind.singular())),
        other => other,
    }
}

/// # Errors
/// There is no such entity, or it cannot be read.
pub async fn page(state: &State, kind: Kind, id: i64, query: &str) -> Result<PageView, AppError> {
    let entity = Entity::new(kind, id);
    let source = state.sources().get(state, entity).await.map_err(|error| found(kind, id, error))?;
    let room = room(state, &entity.path(), query).await?;
    let mut panels = Vec::new();
    for panel in panels::of_page(kind).filter(|panel| panel.suits(&source)) {
        panels.push(panel_view(state, entity, panel, &room.values).await?);
    }
    let mut view = match &*source {
        Source::Data(source) => data_page(state, entity, source).await?,
        Source::Task(source) => task_page(entity, source),
        Source::Flow(source) => flow_page(state, entity, source).await?,
        Source::Run(source) => run_page(entity, source),
    };
    view.panels = panels;
    view.room = room;
    Ok(view)
}

fn fact(label: &str, value: impl Into<String>) -> Fact {
    Fact { label: label.to_owned(), value: value.into(), link: None }
}

fn linked(label: &str, value: impl Into<String>, link: String) -> Fact {
    Fact { label: label.to_owned(), value: value.into(), link: Some(link) }
}

fn count(number: i64) -> String {
    thousands(u64::try_from(number).unwrap_or(0))
}

fn plain(entity: Entity, title: String) -> PageView {
    PageView {
        entity,
        subtitle: format!("{} {}", entity.kind.singular(), entity.id),
        title,
        description: String::new(),
        facts: Vec::new(),
        related: Vec::new(),
        siblings: Vec::new(),
        panels: Vec::new(),
        room: RoomView::default(),
    }
}

/// The first sentences of a description that may be pages long.
fn opening(text: &str) -> String {
    const LONGEST: usize = 320;
    let line = text.split("\n\n").map(str::trim).find(|part| !part.is_empty() && !part.starts_with('*')).unwrap_or_default();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    labboard_figure::text::shorten(&line, LONGEST)
}

async fn datasets(state: &State) -> Result<Vec<(i64, String)>, AppError> {
    let query = DatasetQuery { sort: DatasetSort::Name, limit: SIBLINGS, ..DatasetQuery::default() };
    let rows = state.store().list_datasets(&query).await.map_err(app_error)?.rows;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, if row.version > 1 { format!("{} (version {})", row.name, row.version) } else { row.name }))
        .collect())
}

async fn data_page(state: &State, entity: Entity, source: &super::source::DataSource) -> Result<PageView, AppError> {
    let dataset = &source.dataset;
    let tasks = state.store().tasks_of_dataset(entity.id).await.map_err(app_error)?;
    let runs = tasks.iter().map(|task| task.runs).sum::<i64>();
    let cells = (dataset.rows * dataset.feature_count).max(1);
    let mut facts = vec![fact("rows", count(dataset.rows)), fact("features", count(dataset.feature_count))];
    if dataset.classes > 0 {
        facts.push(fact("classes", count(dataset.classes)));
    }
    facts.push(fact(
        "missing",
        if dataset.missing == 0 { "none".to_owned() } else { labboard_figure::text::percent(dataset.missing as f64 / cells as f64) },
    ));
    facts.push(fact("tasks", count(i64::try_from(tasks.len()).unwrap_or(i64::MAX))));
    facts.push(linked("runs", count(runs), format!("/run?search={}", crate::controls::encode(&dataset.name))));
    let mut about = Vec::new();
    about.extend(dataset.about.licence.as_ref().map(|licence| format!("licence {licence}")));
    about.extend((!dataset.about.creators.is_empty()).then(|| format!("by {}", dataset.about.creators.join(", "))));
    let mut view = plain(entity, dataset.name.clone());
    view.subtitle = format!(
        "dataset {} · version {}{}",
        dataset.id,
        dataset.version,
        about.iter().map(|text| format!(" · {text}")).collect::<String>()
    );
    view.description = opening(&dataset.description);
    view.facts = facts;
    view.siblings = datasets(state).await?;
    view.related = vec![Related {
        title: "Tasks on this dataset".to_owned(),
        total: tasks.len() as u64,
        entries: tasks
            .iter()
            .take(RELATED)
            .map(|task| (Entity::new(Kind::Task, task.id), format!("task {}: {} ({} runs)", task.id, task_name(task), count(task.runs))))
            .collect(),
        more: Some(format!("/task?search={}", crate::controls::encode(&dataset.name))),
    }];
    Ok(view)
}

fn task_page(entity: Entity, source: &super::source::TaskSource) -> PageView {
    let task = &source.task;
    let runs = source.evaluations.values().map(Vec::len).max().unwrap_or(0);
    let target = task.target.as_deref().unwrap_or("no target");
    let mut view = plain(entity, format!("Predict {target} on {}", task.dataset_name));
    let procedure = &task.procedure;
    let splits = match (procedure.repeats, procedure.folds) {
        (Some(repeats), Some(folds)) if repeats > 1 => format!("{repeats} × {folds}-fold"),
        (_, Some(folds)) => format!("{folds}-fold"),
        _ => procedure.kind.clone(),
    };
    view.description = if task.name.is_empty() { String::new() } else { task.name.clone() };
    view.facts = vec![
        linked("dataset", task.dataset_name.clone(), Entity::new(Kind::Data, task.dataset_id).path()),
        fact("target", target),
        fact("splits", if procedure.stratified { format!("{splits}, stratified") } else { splits }),
        fact("measure", task.measure.as_deref().map_or_else(|| "–".to_owned(), measure_title)),
        fact("runs", thousands(runs as u64)),
    ];
    view
}

async fn flow_page(state: &State, entity: Entity, source: &super::source::FlowSource) -> Result<PageView, AppError> {
    let flow = &source.flow;
    let runs = source.evaluations.values().map(|evaluations| evaluations.rows.len()).max().unwrap_or(0);
    let mut view = plain(entity, labboard_figure::text::short_flow(&flow.name));
    view.subtitle = format!("flow {} · version {}", flow.id, flow.version);
    view.description = if flow.description.is_empty() { flow.name.clone() } else { opening(&flow.description) };
    view.facts = vec![
        fact("parameters", count(i64::try_from(flow.parameters.len()).unwrap_or(0))),
        fact("components", count(i64::try_from(flow.components.len()).unwrap_or(0))),
        fact("uploaded", day(flow.upload_ms)),
        fact("runs", thousands(runs as u64)),
    ];
    if !flow.components.is_empty() {
        let mut entries = Vec::new();
        for component in flow.components.iter().take(RELATED) {
            let part = state.store().flow(component.flow_id).await.map_err(app_error)?;
            let name = format!("{}: {}", component.identifier, labboard_figure::text::short_flow(&part.name));
            entries.push((Entity::new(Kind::Flow, component.flow_id), name));
        }
        view.related = vec![Related { title: "Components".to_owned(), total: flow.components.len() as u64, entries, more: None }];
    }
    Ok(view)
}

fn run_page(entity: Entity, source: &super::source::RunSource) -> PageView {
    let run = &source.run;
    let flow = labboard_figure::text::short_flow(&run.flow_name);
    let mut view = plain(entity, format!("{flow} on {}", run.dataset_name));
    view.description = run.error.as_ref().map_or_else(String::new, |error| format!("This run failed: {error}"));
    view.facts = vec![
        linked("task", run.task_id.to_string(), Entity::new(Kind::Task, run.task_id).path()),
        linked("dataset", run.dataset_name.clone(), Entity::new(Kind::Data, run.dataset_id).path()),
        linked("flow", flow, Entity::new(Kind::Flow, run.flow_id).path()),
        fact("by", run.uploader_name.clone().unwrap_or_else(|| "–".to_owned())),
        fact("uploaded", day(run.upload_ms)),
    ];
    if let Some(own) = run.task_measure.as_deref()
        && let Some(value) = source.evaluation(own).and_then(|evaluation| evaluation.value)
    {
        view.facts.push(fact(&measure_title(own), labboard_figure::text::score(value)));
    }
    view
}

/// # Errors
/// There is no dataset to explore, or it cannot be read.
pub async fn explore(state: &State, query: &str) -> Result<ExploreView, AppError> {
    let room = room(state, "/explore", query).await?;
    let siblings = datasets(state).await?;
    let wanted = room.values.get(DATASET).and_then(|values| values.first()?.parse::<i64>().ok());
    let data = wanted
        .filter(|id| siblings.iter().any(|(known, _)| known == id))
        .or_else(|| siblings.iter().map(|(id, _)| *id).min())
        .ok_or_else(|| AppError::NotFound("There is no dataset yet: import one with “labboard import FILE”".to_owned()))?;
    let panel = panels::find(Kind::Data, "scatter").ok_or_else(|| AppError::Internal("the scatter is missing".to_owned()))?;
    let mut panel = panel_view(state, Entity::new(Kind::Data, data), panel, &room.values).await?;
    panel.span = crate::model::Span::Full;
    Ok(ExploreView { data, siblings, panel, room })
}

fn heads(columns: &[(&str, bool)]) -> Vec<ColumnHead> {
    columns.iter().map(|(name, numeric)| ColumnHead { name: (*name).to_owned(), numeric: *numeric, help: None }).collect()
}

fn sorts(names: &[(&str, &str)]) -> Vec<(String, String)> {
    names.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
}

/// # Errors
/// The sort is unknown, the search is too long, or the store fails.
pub async fn list(state: &State, kind: Kind, search: &str, sort: &str, page: u64) -> Result<ListView, AppError> {
    if search.len() > MAX_SEARCH {
        return Err(AppError::BadRequest(format!("a search has at most {MAX_SEARCH} characters")));
    }
    let unknown = || AppError::BadRequest(format!("{} cannot be sorted by “{sort}”", kind.plural()));
    let (column, descending) = sort.strip_prefix('-').map_or((sort, false), |column| (column, true));
    let (column, descending) = if column.is_empty() { ("id", kind == Kind::Run) } else { (column, descending) };
    let offset = u32::try_from((page.max(1) - 1).saturating_mul(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX);
    let (search, limit) = (search.to_owned(), PAGE_SIZE);
    let store = state.store();
    let (columns, rows, total, sorts) = match kind {
        Kind::Data => {
            let sort = DatasetSort::parse(column).ok_or_else(unknown)?;
            let found = store
                .list_datasets(&DatasetQuery { search, sort, descending, offset, limit, ..DatasetQuery::default() })
                .await
                .map_err(app_error)?;
            let rows = found
                .rows
                .into_iter()
                .map(|row| {
                    vec![
                        Cell::link(row.name, Entity::new(Kind::Data, row.id)),
                        Cell::number(row.id as f64, row.id.to_string()),
                        Cell::number(row.rows as f64, count(row.rows)),
                        Cell::number(row.features as f64, count(row.features)),
                        Cell::number(row.classes as f64, if row.classes > 0 { count(row.classes) } else { "–".to_owned() }),
                        Cell {
                            warn: row.missing > 0,
                            ..Cell::number(row.missing as f64, if row.missing > 0 { count(row.missing) } else { "–".to_owned() })
                        },
                        Cell::number(row.tasks as f64, count(row.tasks)),
                        Cell::number(row.runs as f64, count(row.runs)),
                        Cell::text(day(row.upload_ms)),
                    ]
                })
                .collect::<Vec<_>>();
            let columns = heads(&[
                ("Name", false),
                ("Id", true),
                ("Rows", true),
                ("Features", true),
                ("Classes", true),
                ("Missing", true),
                ("Tasks", true),
                ("Runs", true),
                ("Uploaded", false),
            ]);
            (
                columns,
                rows,
                found.total,
                sorts(&[
                    ("id", "Id"),
                    ("name", "Name"),
                    ("-rows", "Rows"),
                    ("-features", "Features"),
                    ("-missing", "Missing"),
                    ("-runs", "Runs"),
                    ("-uploaded", "Newest"),
                ]),
            )
        }
        Kind::Task => {
            let sort = TaskSort::parse(column).ok_or_else(unknown)?;
            let found = store
                .list_tasks(&TaskQuery { search, sort, descending, offset, limit, ..TaskQuery::default() })
                .await
                .map_err(app_error)?;
            let rows = found
                .rows
                .into_iter()
                .map(|row| {
                    vec![
                        Cell::link(task_name(&row), Entity::new(Kind::Task, row.id)),
                        Cell::number(row.id as f64, row.id.to_string()),
                        Cell::link(row.dataset_name.clone(), Entity::new(Kind::Data, row.dataset_id)),
                        Cell::text(row.target.clone().unwrap_or_default()),
                        Cell::text(row.measure.as_deref().map_or_else(|| "–".to_owned(), measure_title)),
                        Cell::number(
                            row.procedure.folds.unwrap_or(0) as f64,
                            row.procedure.folds.map_or_else(|| "–".to_owned(), |folds| folds.to_string()),
                        ),
                        Cell::number(row.runs as f64, count(row.runs)),
                    ]
                })
                .collect::<Vec<_>>();
            let columns = heads(&[
                ("Task", false),
                ("Id", true),
                ("Dataset", false),
                ("Target", false),
                ("Measure", false),
                ("Folds", true),
                ("Runs", true),
            ]);
            (columns, rows, found.total, sorts(&[("id", "Id"), ("dataset", "Dataset"), ("target", "Target"), ("-runs", "Runs")]))
        }
        Kind::Flow => {
            let sort = FlowSort::parse(column).ok_or_else(unknown)?;
            let found = store
                .list_flows(&FlowQuery { search, sort, descending, offset, limit, ..FlowQuery::default() })
                .await
                .map_err(app_error)?;
            let rows = found
                .rows
                .into_iter()
                .map(|row| {
                    vec![
                        Cell::link(labboard_figure::text::short_flow(&row.name), Entity::new(Kind::Flow, row.id)),
                        Cell::number(row.id as f64, row.id.to_string()),
                        Cell::number(row.version as f64, row.version.to_string()),
                        Cell::number(row.runs as f64, count(row.runs)),
                        Cell::text(row.uploader_name.unwrap_or_default()),
                        Cell::text(day(row.upload_ms)),
                    ]
                })
                .collect::<Vec<_>>();
            let columns = heads(&[("Flow", false), ("Id", true), ("Version", true), ("Runs", true), ("By", false), ("Uploaded", false)]);
            (columns, rows, found.total, sorts(&[("id", "Id"), ("name", "Name"), ("-runs", "Runs"), ("-uploaded", "Newest")]))
        }
        Kind::Run => {
            let sort = RunSort::parse(column).ok_or_else(unknown)?;
            let found =
                store.list_runs(&RunQuery { search, sort, descending, offset, limit, ..RunQuery::default() }).await.map_err(app_error)?;
            let rows = found.rows.iter().map(run_cells).collect::<Vec<_>>();
            (run_heads(), rows, found.total, sorts(&[("-id", "Newest"), ("dataset", "Dataset"), ("flow", "Flow"), ("uploader", "By")]))
        }
    };
    let rows = rows.into_iter().map(|cells| Row { cells, ..Row::default() }).collect();
    let total = u64::try_from(total).unwrap_or(0);
    Ok(ListView { kind, table: TableView { columns, rows, total, chooses: None }, sorts, page_size: u64::from(PAGE_SIZE) })
}

fn run_heads() -> Vec<ColumnHead> {
    heads(&[("Run", false), ("Flow", false), ("Data", false), ("Measure", false), ("Value", true), ("By", false)])
}

fn run_cells(row: &labboard_store::RunRow) -> Vec<Cell> {
    vec![
        Cell { number: Some(row.id as f64), ..Cell::link(row.id.to_string(), Entity::new(Kind::Run, row.id)) },
        Cell::link(labboard_figure::text::short_flow(&row.flow_name), Entity::new(Kind::Flow, row.flow_id)),
        Cell::link(row.dataset_name.clone(), Entity::new(Kind::Data, row.dataset_id)),
        Cell::text(row.measure.as_deref().map_or_else(|| "–".to_owned(), measure_title)),
        score(row.value),
        Cell::text(row.uploader_name.clone().unwrap_or_default()),
    ]
}

/// # Errors
/// The store fails.
pub async fn home(state: &State) -> Result<HomeView, AppError> {
    const RECENT: u32 = 10;
    const DATASETS: u32 = 8;
    let store = state.store();
    let counts = store.counts().await.map_err(app_error)?;
    let counts = [counts.datasets, counts.tasks, counts.flows, counts.runs].map(|count| u64::try_from(count).unwrap_or(0));
    let recent = RunQuery { sort: RunSort::Id, descending: true, limit: RECENT, ..RunQuery::default() };
    let recent = store.list_runs(&recent).await.map_err(app_error)?.rows;
    let datasets = DatasetQuery { sort: DatasetSort::Runs, descending: true, limit: DATASETS, ..DatasetQuery::default() };
    let datasets = store.list_datasets(&datasets).await.map_err(app_error)?.rows;
    Ok(HomeView {
        counts: Kind::ALL.into_iter().zip(counts).collect(),
        recent: recent.iter().map(|row| Row { cells: run_cells(row), ..Row::default() }).collect(),
        datasets: datasets
            .into_iter()
            .map(|row| (Entity::new(Kind::Data, row.id), row.name, format!("{} rows · {} features", count(row.rows), count(row.features))))
            .collect(),
        held: u64::try_from(store.held_count().await.map_err(app_error)?).unwrap_or(0),
    })
}

/// # Errors
/// The text is too long, or the store fails.
pub async fn search(state: &State, text: &str) -> Result<Vec<Hit>, AppError> {
    const HITS: u32 = 12;
    if text.len() > MAX_SEARCH {
        return Err(AppError::BadRequest(format!("a search has at most {MAX_SEARCH} characters")));
    }
    let hits = state.store().search(text, HITS).await.map_err(app_error)?;
    Ok(hits
        .into_iter()
        .filter_map(|hit| {
            let kind = match hit.kind {
                labboard_store::Kind::Dataset => Kind::Data,
                labboard_store::Kind::Task => Kind::Task,
                labboard_store::Kind::Flow => Kind::Flow,
                labboard_store::Kind::Run => Kind::Run,
                _ => return None,
            };
            let name = if kind == Kind::Flow || kind == Kind::Run { labboard_figure::text::short_flow(&hit.name) } else { hit.name };
            Some(Hit { entity: Entity::new(kind, hit.id), name, detail: hit.detail })
        })
        .collect())
}

/// # Errors
/// The store fails.
pub async fn replay_next(state: &State) -> Result<(Option<i64>, u64), AppError> {
    let run = state.store().publish_next_held().await.map_err(app_error)?;
    let left = state.store().held_count().await.map_err(app_error)?;
    Ok((run, u64::try_from(left).unwrap_or(0)))
}

/// # Errors
/// The store fails.
pub async fn replay_reset(state: &State) -> Result<u64, AppError> {
    state.store().hold_back_again().await.map_err(app_error)
}

/// The pages that have a room.
pub fn is_room(id: &RoomId) -> bool {
    let page = id.page();
    page == "/" || page == "/explore" || Kind::ALL.iter().any(|kind| page == format!("/{}", kind.word())) || entity_of(page).is_some()
}

fn entity_of(page: &str) -> Option<Entity> {
    let (kind, id) = page.strip_prefix('/')?.split_once('/')?;
    Some(Entity::new(Kind::parse(kind)?, id.parse::<i64>().ok().filter(|id| *id > 0)?))
}

/// Checks a room's values against the data: does this feature exist?
#[derive(Debug)]
pub enum PageValidator {
    /// Messages that set nothing need no check.
    None,
    Entity(Arc<Source>, Kind),
    /// The dataset is itself a control there, so its features are checked when they are drawn.
    Explore(Vec<i64>),
    Missing(String),
}

impl PageValidator {
    pub const fn none() -> Self {
        PageValidator::None
    }

    pub async fn of(state: &State, id: &RoomId) -> Self {
        match (id.page(), entity_of(id.page())) {
            ("/explore", _) => match datasets(state).await {
                Ok(known) => PageValidator::Explore(known.into_iter().map(|(id, _)| id).collect()),
                Err(error) => PageValidator::Missing(error.to_string()),
            },
            (_, Some(entity)) => match state.sources().get(state, entity).await {
                Ok(source) => PageValidator::Entity(source, entity.kind),
                Err(error) => PageValidator::Missing(error.to_string()),
            },
            _ => PageValidator::Missing("this page has no controls".to_owned()),
        }
    }
}

impl Validate for PageValidator {
    fn check(&self, key: &Key, value: &labboard_room::Value) -> Result<(), String> {
        let (panel, control) = key.as_str().split_once('.').unwrap_or((key.as_str(), ""));
        let values = from_value(value.as_json()).ok_or_else(|| format!("{key} takes a text or a list of texts"))?;
        let known = |kind: Kind| {
            panels::find(kind, panel)
                .filter(|panel| panel.control_names().contains(&control))
                .ok_or_else(|| format!("this page has no control {key}"))
        };
        match self {
            PageValidator::None => Ok(()),
            PageValidator::Missing(reason) => Err(reason.clone()),
            PageValidator::Explore(datasets) if key.as_str() == DATASET => values
                .first()
                .and_then(|id| id.parse::<i64>().ok())
                .filter(|id| datasets.contains(id))
                .map(drop)
                .ok_or_else(|| "there is no such dataset".to_owned()),
            PageValidator::Explore(_) => known(Kind::Data).map(drop),
            PageValidator::Entity(source, kind) => {
                let views = known(*kind)?.controls(source, &Controls::new());
                let view = views.iter().find(|view| view.name == control).ok_or_else(|| format!("this page has no control {key}"))?;
                panels::allowed(view.form, &view.label, &view.options, &values)
            }
        }
    }
}
