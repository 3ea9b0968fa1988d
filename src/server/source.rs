//! What panels draw from: an entity with everything that its panels may ask of it, read once
//! and kept while it is unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use labboard_frame::Column;
use labboard_frame::summary::Summary;
use labboard_openml::measure::{self, Measure};
use labboard_openml::predictions::Predictions;
use labboard_store::{
    ColumnRef, Columns, Dataset, Evaluation, EvaluationQuery, EvaluationRow, Feature, Flow, MeasureCount, Run, Setup, StoreError, Task,
    TaskScores,
};
use moka::future::Cache;

use super::index::{AxisOf, Colour, ColourOf, Indexed, Indexes};
use super::state::State;
use crate::error::AppError;
use crate::model::{Entity, Kind};

/// An entity, ready to be drawn.
#[derive(Debug)]
pub enum Source {
    Data(DataSource),
    Task(TaskSource),
    Flow(FlowSource),
    Run(RunSource),
}

#[derive(Debug)]
pub struct DataSource {
    pub dataset: Dataset,
    pub features: Vec<Described>,
    pub columns: Arc<Columns>,
    indexes: Indexes,
}

/// A feature and its summary.
#[derive(Debug)]
pub struct Described {
    pub feature: Feature,
    pub summary: Summary,
}

#[derive(Debug)]
pub struct TaskSource {
    pub task: Task,
    /// The task's runs; what they score by a measure only [`with_measure`](Sources::with_measure).
    pub scores: Arc<TaskScores>,
}

#[derive(Clone, Debug)]
pub struct FlowSource {
    pub flow: Flow,
    /// By what the flow's runs have been evaluated.
    pub measures: Vec<MeasureCount>,
    /// The setups of these runs, by id.
    pub setups: Arc<BTreeMap<i64, Setup>>,
    /// The parameters that these setups set, by component and name, and whether their values differ.
    pub parameters: BTreeMap<(i64, String), bool>,
    /// The names of the flow and its components, by id: parameters are named after their component.
    pub components: BTreeMap<i64, String>,
    /// What the runs score by one measure, only [`with_measure`](Sources::with_measure).
    pub scores: Option<(String, Arc<Vec<EvaluationRow>>)>,
}

#[derive(Debug)]
pub struct RunSource {
    pub run: Run,
    pub setup: Setup,
    pub evaluations: Vec<Evaluation>,
    pub predictions: Option<Predictions>,
}

impl Source {
    /// The rows that a drawing may have to read.
    pub fn rows(&self) -> usize {
        match self {
            Source::Data(data) => data.columns.rows(),
            Source::Task(_) | Source::Flow(_) | Source::Run(_) => 0,
        }
    }
}

/// A stored column as the frame sees it.
pub fn column(column: ColumnRef<'_>) -> Column<'_> {
    match column {
        ColumnRef::Numeric(values) => Column::Numeric(values),
        ColumnRef::Date(values) => Column::Date(values),
        ColumnRef::Nominal { codes, levels } => Column::Nominal { codes, levels },
        ColumnRef::Text { codes, levels } => Column::Text { codes, levels },
    }
}

impl DataSource {
    /// The feature's values and its place among the features.
    pub fn column(&self, name: &str) -> Option<(usize, Column<'_>)> {
        let at = self.features.iter().position(|described| described.feature.name == name)?;
        Some((at, column(self.columns.feature(at)?)))
    }

    /// How a feature colours rows; numbers are cut into so many groups.
    pub fn colour(&self, feature: usize, groups: usize) -> Option<Arc<Colour>> {
        let summary = &self.features.get(feature)?.summary;
        let known = summary.levels.as_ref().map(|levels| (levels.counts.as_slice(), summary.missing as u64));
        self.indexes.colour(&self.dataset.columns, &self.columns, ColourOf { feature, groups }, known)
    }

    /// The index for a chart, if the table is large enough to have one and it is ready.
    pub fn indexed(&self, x: AxisOf, y: AxisOf, colour: Option<(ColourOf, &Arc<Colour>)>) -> Option<Indexed> {
        self.indexes.get(&self.dataset.columns, &self.columns, x, y, colour)
    }

    /// The target by its name, if the dataset has one.
    pub fn target(&self) -> Option<&str> {
        self.dataset.default_target.as_deref().filter(|name| self.features.iter().any(|described| described.feature.name == *name))
    }
}

impl RunSource {
    pub fn evaluation(&self, measure: &str) -> Option<&Evaluation> {
        self.evaluations.iter().find(|evaluation| evaluation.measure == measure)
    }
}

/// The measure's description; a measure that labboard does not know is taken as "more is better".
pub fn described(name: &str) -> Option<&'static Measure> {
    measure::find(name)
}

pub fn higher_is_better(name: &str) -> bool {
    described(name).is_none_or(|measure| measure.higher_is_better)
}

/// Recently drawn sources.
#[derive(Debug)]
pub struct Sources {
    read: Cache<(Entity, i64), Arc<Source>>,
    /// The latest scores of tasks, by task: the next ones take over what has not changed.
    scores: Cache<i64, Arc<TaskScores>>,
    /// The scores of flows by a measure, by flow and revision.
    of_flows: Cache<(i64, i64, String), Arc<Vec<EvaluationRow>>>,
}

/// Sources kept. Columns are mapped, not read, so that a dataset weighs little.
const KEPT: u64 = 64;
/// Rows of flows' scores that are kept, of about 200 bytes each.
const ROWS_KEPT: u64 = 500_000;

impl Default for Sources {
    fn default() -> Self {
        let weight = |_: &(i64, i64, String), rows: &Arc<Vec<EvaluationRow>>| u32::try_from(rows.len()).unwrap_or(u32::MAX);
        Self {
            read: Cache::builder().max_capacity(KEPT).build(),
            scores: Cache::builder().max_capacity(KEPT).build(),
            of_flows: Cache::builder().max_capacity(ROWS_KEPT).weigher(weight).build(),
        }
    }
}

impl Sources {
    /// The entity as of its latest revision. Many who ask at once cost one reading.
    ///
    /// # Errors
    /// There is no such entity, or it cannot be read.
    pub async fn get(&self, state: &State, entity: Entity) -> Result<Arc<Source>, AppError> {
        let key = (entity, state.revision(entity));
        self.read.try_get_with(key, load(state, entity)).await.map_err(|error: Arc<AppError>| (*error).clone())
    }

    /// The source, and if it is a task or a flow with what its runs score by the measure.
    ///
    /// # Errors
    /// The scores cannot be read.
    pub async fn with_measure(&self, state: &State, source: Arc<Source>, measure: &str) -> Result<Arc<Source>, AppError> {
        match &*source {
            Source::Task(TaskSource { task, scores }) if !scores.has(measure) => {
                let scores = self.read_scores(state, task.id, &[measure], Some(scores)).await?;
                Ok(Arc::new(Source::Task(TaskSource { task: task.clone(), scores })))
            }
            Source::Flow(flow) => {
                let rows = self.read_rows(state, flow.flow.id, measure).await?;
                Ok(Arc::new(Source::Flow(FlowSource { scores: Some((measure.to_owned(), rows)), ..flow.clone() })))
            }
            _ => Ok(source),
        }
    }

    async fn read_rows(&self, state: &State, flow: i64, measure: &str) -> Result<Arc<Vec<EvaluationRow>>, AppError> {
        let key = (flow, state.revision(Entity::new(Kind::Flow, flow)), measure.to_owned());
        let query = EvaluationQuery { flows: vec![flow], ..EvaluationQuery::of(measure) };
        let read = async { state.store().evaluations(&query).await.map(Arc::new).map_err(app_error) };
        self.of_flows.try_get_with(key, read).await.map_err(|error: Arc<AppError>| (*error).clone())
    }

    async fn read_scores(
        &self,
        state: &State,
        task: i64,
        measures: &[&str],
        previous: Option<&Arc<TaskScores>>,
    ) -> Result<Arc<TaskScores>, AppError> {
        let scores = state.store().task_scores(task, measures, previous.map(|previous| &**previous)).await.map_err(app_error)?;
        let scores = Arc::new(scores);
        self.scores.insert(task, Arc::clone(&scores)).await;
        Ok(scores)
    }
}

/// The store's errors in the app's terms; what visitors need not know goes to the log.
pub fn app_error(error: StoreError) -> AppError {
    match error {
        StoreError::NotFound { .. } => AppError::NotFound(format!("{error}")),
        StoreError::Conflict { .. } | StoreError::Invalid(_) => AppError::BadRequest(error.to_string()),
        other => {
            tracing::error!(error = %other, "the store failed");
            AppError::Internal("The data could not be read; the server's log says why".to_owned())
        }
    }
}

pub fn blocking_failed(error: tokio::task::JoinError) -> AppError {
    tracing::error!(%error, "a computation failed");
    computation_failed()
}

/// The log has been told why.
pub fn computation_failed() -> AppError {
    AppError::Internal("The computation failed; the server's log says why".to_owned())
}

async fn load(state: &State, entity: Entity) -> Result<Arc<Source>, AppError> {
    let source = match entity.kind {
        Kind::Data => Source::Data(load_data(state, entity.id).await?),
        Kind::Task => Source::Task(load_task(state, entity.id).await?),
        Kind::Flow => Source::Flow(load_flow(state, entity.id).await?),
        Kind::Run => Source::Run(load_run(state, entity.id).await?),
    };
    Ok(Arc::new(source))
}

async fn load_data(state: &State, id: i64) -> Result<DataSource, AppError> {
    let store = state.store();
    let dataset = store.dataset(id).await.map_err(app_error)?;
    let features = store.features(id).await.map_err(app_error)?;
    let (files, hash) = (store.columns().clone(), dataset.columns.clone());
    let columns = tokio::task::spawn_blocking(move || files.open(&hash)).await.map_err(blocking_failed)?.map_err(app_error)?;
    let features = features
        .into_iter()
        .map(|feature| {
            let summary = serde_json::from_str(&feature.summary).map_err(|error| {
                tracing::error!(dataset = id, feature = feature.name, %error, "a summary cannot be read");
                AppError::Internal("A feature's summary cannot be read".to_owned())
            })?;
            Ok(Described { feature, summary })
        })
        .collect::<Result<Vec<_>, AppError>>()?;
    Ok(DataSource { dataset, features, columns, indexes: state.indexes().clone() })
}

async fn load_task(state: &State, id: i64) -> Result<TaskSource, AppError> {
    let task = state.store().task(id).await.map_err(app_error)?;
    let sources = state.sources();
    let previous = sources.scores.get(&id).await;
    let scores = sources.read_scores(state, id, &[], previous.as_ref()).await?;
    Ok(TaskSource { task, scores })
}

async fn load_flow(state: &State, id: i64) -> Result<FlowSource, AppError> {
    let store = state.store();
    let flow = store.flow(id).await.map_err(app_error)?;
    let (measures, setups) = store.measures_of_flow(id).await.map_err(app_error)?;
    let setups = Arc::new(setups);
    let set = Arc::clone(&setups);
    let parameters = tokio::task::spawn_blocking(move || parameters_of(&set)).await.map_err(blocking_failed)?;
    let mut components = BTreeMap::from([(id, flow.name.clone())]);
    let mut open = flow.components.clone();
    while let Some(component) = open.pop() {
        let identifier = component.identifier.clone();
        if components.insert(component.flow_id, identifier).is_none() {
            open.extend(store.flow(component.flow_id).await.map_err(app_error)?.components);
        }
    }
    Ok(FlowSource { flow, measures, setups, parameters, components, scores: None })
}

fn parameters_of(setups: &BTreeMap<i64, Setup>) -> BTreeMap<(i64, String), bool> {
    let mut found = BTreeMap::<(i64, &str), (&str, bool)>::new();
    for setting in setups.values().flat_map(|setup| &setup.parameters) {
        let (first, differs) = found.entry((setting.component, &setting.name)).or_insert((&setting.value, false));
        *differs |= *first != setting.value;
    }
    found.into_iter().map(|((component, name), (_, differs))| ((component, name.to_owned()), differs)).collect()
}

async fn load_run(state: &State, id: i64) -> Result<RunSource, AppError> {
    let store = state.store();
    let run = store.run(id).await.map_err(app_error)?;
    let setup = store.setup(run.setup_id).await.map_err(app_error)?;
    let evaluations = store.evaluations_of_run(id).await.map_err(app_error)?;
    let predictions = match run.file("predictions") {
        Some(file) => {
            let (files, hash) = (store.files().clone(), file.hash.clone());
            let read = tokio::task::spawn_blocking(move || -> Result<_, AppError> {
                let content = files.read(&hash).map_err(app_error)?;
                Predictions::read(&content)
                    .map_err(|error| AppError::Internal(format!("The predictions of run {id} cannot be read: {error}")))
            });
            Some(read.await.map_err(blocking_failed)??)
        }
        None => None,
    };
    Ok(RunSource { run, setup, evaluations, predictions })
}
