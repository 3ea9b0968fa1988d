//! What pages show: reads the store and the rooms, and puts it into the words of `model`.

use std::sync::Arc;

use labboard_room::{Key, RoomId, Validate};
use labboard_store::{DatasetQuery, DatasetSort, RunQuery, RunSort};

use super::figures::{self, Request};
use super::lists::{check_search, run_rows};
use super::rest::task_type;
use super::source::{DataSource, FlowSource, RunSource, Source, TaskSource, app_error};
use super::state::State;
use super::talk;
use super::upstream::Wanted;
use crate::app::pages::explore::DATASET;
use crate::app::panel::thousands;
use crate::app::panels::{self, measure_title};
use crate::controls::{Controls, from_query, from_value, is_control, of_document, of_panel, parameters};
use crate::error::AppError;
use crate::model::{Cell, Entity, ExploreView, Fact, Head, Hit, HomeView, Kind, PageView, PanelView, Related, RoomView};
use crate::view;

/// Entries of a short list on an entity's page.
const RELATED: usize = 12;
/// Datasets that a dropdown offers.
const SIBLINGS: u32 = 500;

/// The page that shows a task's name, and everything else that has no name of its own.
pub fn task_name(row: &labboard_store::TaskRow) -> String {
    let target = row.target.as_deref().map(|target| format!(", predict {target}")).unwrap_or_default();
    format!("{}{target}", row.dataset_name)
}

/// A task's own name, or OpenML's form of it.
pub fn task_title(task: &labboard_store::Task) -> String {
    if task.name.is_empty() { format!("Task {}: {} ({})", task.id, task.dataset_name, task_type(task.type_id)) } else { task.name.clone() }
}

pub fn score(value: Option<f64>) -> Cell {
    value.map_or_else(|| Cell::text("–"), |value| Cell::number(value, labboard_figure::text::score(value)))
}

pub fn day(ms: i64) -> String {
    labboard_figure::array::date(ms as f64).map_or_else(String::new, |date| date.chars().take(10).collect())
}

/// The room of a page and the view that a visitor gets: the URL's, if it has controls, else the room's.
async fn room(state: &State, page: &str, query: &str) -> Result<RoomView, AppError> {
    let name = parameters(query).find_map(|(name, value)| (name == "room" && !value.is_empty()).then_some(value));
    let id = RoomId::new(page, name.as_deref()).map_err(|error| AppError::BadRequest(error.to_string()))?;
    // A saved view, or that of a comment, is a view of one's own like a link with controls.
    let named = parameters(query).find(|(name, value)| matches!(name.as_str(), "view" | "comment") && !value.is_empty());
    let kept = match &named {
        Some((name, value)) => talk::view_of(state, &id, name, value).await?,
        None => String::new(),
    };
    let own = from_query(if named.is_some() { &kept } else { query }, is_control);
    let (seq, document) = state.hub().document(state.store(), &id).await.map_err(|error| {
        tracing::error!(room = id.as_str(), %error, "a room could not be read");
        AppError::Internal("The shared view could not be read; the server's log says why".to_owned())
    })?;
    let is_own = named.is_some() || !own.is_empty();
    Ok(RoomView { room: id.as_str().to_owned(), seq, values: if is_own { own } else { of_document(&document) }, own: is_own })
}

async fn panel_view(state: &State, entity: Entity, panel: &'static dyn panels::AnyPanel, values: &Controls) -> Result<PanelView, AppError> {
    let wanted = of_panel(values, panel.name());
    figures::view(state, Request::new(entity, panel, wanted)).await.map(Arc::unwrap_or_clone)
}

/// The one panel that an embedded page is to show, if it names one.
fn only_panel(query: &str) -> Option<String> {
    let get = |wanted: &str| parameters(query).find_map(|(name, value)| (name == wanted).then_some(value));
    get("embed").filter(|embed| embed == "1").and_then(|_| get("panel"))
}

/// # Errors
/// There is no such entity, or it cannot be read.
pub async fn page(state: &State, kind: Kind, id: i64, query: &str) -> Result<PageView, AppError> {
    let entity = Entity::new(kind, id);
    let source = source(state, entity).await?;
    let room = room(state, &entity.path(), query).await?;
    let only = only_panel(query);
    let is_wanted = |panel: &&dyn panels::AnyPanel| only.as_deref().is_none_or(|only| only == panel.name());
    let panels = panels::of_page(kind)
        .filter(|panel| panel.suits(&source))
        .filter(is_wanted)
        .map(|panel| panel_view(state, entity, panel, &room.values));
    let panels = futures::future::try_join_all(panels).await?;
    let siblings = if kind == Kind::Data { datasets(state).await? } else { Vec::new() };
    Ok(PageView { entity, head: head_of(state, &source).await?, siblings, panels, room })
}

/// # Errors
/// There is no such entity, or it cannot be read.
pub async fn head(state: &State, kind: Kind, id: i64) -> Result<Head, AppError> {
    head_of(state, &*source(state, Entity::new(kind, id)).await?).await
}

async fn source(state: &State, entity: Entity) -> Result<Arc<Source>, AppError> {
    state.sources().get(state, entity).await.map_err(|error| match error {
        AppError::NotFound(_) => AppError::NotFound(format!("There is no {} {}", entity.kind.singular(), entity.id)),
        other => other,
    })
}

async fn head_of(state: &State, source: &Source) -> Result<Head, AppError> {
    match source {
        Source::Data(source) => data_head(state, source).await,
        Source::Task(source) => Ok(task_head(source)),
        Source::Flow(source) => flow_head(state, source).await,
        Source::Run(source) => Ok(run_head(source)),
    }
}

fn fact(label: &str, value: impl Into<String>) -> Fact {
    Fact { label: label.to_owned(), value: value.into(), link: None }
}

fn linked(label: &str, value: impl Into<String>, link: String) -> Fact {
    Fact { label: label.to_owned(), value: value.into(), link: Some(link) }
}

pub fn count(number: i64) -> String {
    thousands(u64::try_from(number).unwrap_or(0))
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

async fn data_head(state: &State, source: &DataSource) -> Result<Head, AppError> {
    let dataset = &source.dataset;
    let tasks = state.store().tasks_of_dataset(dataset.id).await.map_err(app_error)?;
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
    about.extend((!dataset.about.topics.is_empty()).then(|| dataset.about.topics.join(", ")));
    about.extend((!dataset.about.creators.is_empty()).then(|| format!("by {}", dataset.about.creators.join(", "))));
    let about = about.iter().map(|text| format!(" · {text}")).collect::<String>();
    let related = Related {
        title: "Tasks on this dataset".to_owned(),
        total: tasks.len() as u64,
        entries: tasks
            .iter()
            .take(RELATED)
            .map(|task| (Entity::new(Kind::Task, task.id), format!("task {}: {} ({} runs)", task.id, task_name(task), count(task.runs))))
            .collect(),
        more: Some(format!("/task?search={}", crate::controls::encode(&dataset.name))),
    };
    Ok(Head {
        title: dataset.name.clone(),
        subtitle: format!("dataset {} · version {}{about}", dataset.id, dataset.version),
        description: opening(&dataset.description),
        facts,
        related: vec![related],
        note: String::new(),
        coming: false,
    })
}

fn task_head(source: &TaskSource) -> Head {
    let task = &source.task;
    let target = task.target.as_deref().unwrap_or("no target");
    let procedure = &task.procedure;
    let splits = match (procedure.repeats, procedure.folds) {
        (Some(repeats), Some(folds)) if repeats > 1 => format!("{repeats} × {folds}-fold"),
        (_, Some(folds)) => format!("{folds}-fold"),
        _ => procedure.kind.clone(),
    };
    Head {
        title: format!("Predict {target} on {}", task.dataset_name),
        subtitle: format!("task {}", task.id),
        description: task_title(task),
        facts: vec![
            linked("dataset", task.dataset_name.clone(), Entity::new(Kind::Data, task.dataset_id).path()),
            fact("target", target),
            fact("splits", if procedure.stratified { format!("{splits}, stratified") } else { splits }),
            fact("measure", task.measure.as_deref().map_or_else(|| "–".to_owned(), measure_title)),
            fact("runs", thousands(source.scores.len() as u64)),
        ],
        related: Vec::new(),
        note: String::new(),
        coming: false,
    }
}

async fn flow_head(state: &State, source: &FlowSource) -> Result<Head, AppError> {
    let flow = &source.flow;
    let runs = source.measures.iter().map(|measure| measure.runs).max().unwrap_or(0);
    let mut related = Vec::new();
    if !flow.components.is_empty() {
        let mut entries = Vec::new();
        for component in flow.components.iter().take(RELATED) {
            let part = state.store().flow(component.flow_id).await.map_err(app_error)?;
            let name = format!("{}: {}", component.identifier, labboard_figure::text::short_flow(&part.name));
            entries.push((Entity::new(Kind::Flow, component.flow_id), name));
        }
        related.push(Related { title: "Components".to_owned(), total: flow.components.len() as u64, entries, more: None });
    }
    Ok(Head {
        title: labboard_figure::text::short_flow(&flow.name),
        subtitle: format!("flow {} · version {}", flow.id, flow.version),
        description: if flow.description.is_empty() { flow.name.clone() } else { opening(&flow.description) },
        facts: vec![
            fact("parameters", count(i64::try_from(flow.parameters.len()).unwrap_or(0))),
            fact("components", count(i64::try_from(flow.components.len()).unwrap_or(0))),
            fact("uploaded", day(flow.upload_ms)),
            fact("runs", thousands(runs as u64)),
        ],
        related,
        note: String::new(),
        coming: false,
    })
}

fn run_head(source: &RunSource) -> Head {
    let run = &source.run;
    let flow = labboard_figure::text::short_flow(&run.flow_name);
    let mut facts = vec![
        linked("task", run.task_id.to_string(), Entity::new(Kind::Task, run.task_id).path()),
        linked("dataset", run.dataset_name.clone(), Entity::new(Kind::Data, run.dataset_id).path()),
        linked("flow", flow.clone(), Entity::new(Kind::Flow, run.flow_id).path()),
        fact("by", run.uploader_name.clone().unwrap_or_else(|| "–".to_owned())),
        fact("uploaded", day(run.upload_ms)),
    ];
    if let Some(own) = run.task_measure.as_deref()
        && let Some(value) = source.evaluation(own).and_then(|evaluation| evaluation.value)
    {
        facts.push(fact(&measure_title(own), labboard_figure::text::score(value)));
    }
    Head {
        title: format!("{flow} on {}", run.dataset_name),
        subtitle: format!("run {}", run.id),
        description: run.error.as_ref().map_or_else(String::new, |error| format!("This run failed: {error}")),
        facts,
        related: Vec::new(),
        note: String::new(),
        coming: false,
    }
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
        recent: run_rows(&recent),
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
    check_search(text)?;
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

/// Whether a room's page is there.
///
/// # Errors
/// The store cannot be read.
pub async fn has_room(state: &State, id: &RoomId) -> Result<bool, AppError> {
    let page = id.page();
    let is_list = page == "/" || page == "/explore" || Kind::ALL.iter().any(|kind| page == format!("/{}", kind.word()));
    match entity_of(page) {
        // One page has one room, however its address is written.
        Some(entity) if entity.path() == page => {
            let wanted = Wanted::from(entity);
            state.store().contains(wanted.kind, wanted.id).await.map_err(app_error)
        }
        _ => Ok(is_list),
    }
}

/// The entity whose page that is.
pub fn entity_of(page: &str) -> Option<Entity> {
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
                .filter(|panel| panel.control_names().contains(&control) || panel.looks().contains(&control))
                .ok_or_else(|| format!("this page has no control {key}"))
        };
        let looked = |panel: &dyn panels::AnyPanel| panel.looks().contains(&control).then(|| view::check(control, &values));
        match self {
            PageValidator::None => Ok(()),
            PageValidator::Missing(reason) => Err(reason.clone()),
            PageValidator::Explore(datasets) if key.as_str() == DATASET => values
                .first()
                .and_then(|id| id.parse::<i64>().ok())
                .filter(|id| datasets.contains(id))
                .map(drop)
                .ok_or_else(|| "there is no such dataset".to_owned()),
            PageValidator::Explore(_) => looked(known(Kind::Data)?).unwrap_or(Ok(())),
            PageValidator::Entity(source, kind) => {
                let panel = known(*kind)?;
                if let Some(checked) = looked(panel) {
                    return checked;
                }
                let views = panel.controls(source, &Controls::new());
                let view = views.iter().find(|view| view.name == control).ok_or_else(|| format!("this page has no control {key}"))?;
                panels::allowed(view.form, &view.label, &view.options, &values)
            }
        }
    }
}
