//! Publishing without an OpenML client: a CSV of predictions, and the names of the data and the algorithm. Task, flow and setup are
//! found, or made. `docs/publishing.md` is the user's side.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use labboard_openml::document::{ParameterSetting, Run as RunDocument};
use labboard_openml::fit::{self, Truth};
use labboard_openml::predictions::Predictions;
use labboard_openml::procedure::Kind as ProcedureKind;
use labboard_openml::splits::{Split, Splits};
use labboard_openml::table::Kind as FeatureKind;
use labboard_store::{
    ConflictReason, Kind as StoreKind, NewFile, NewFlow, NewTask, Parameter, Procedure, Status, Store, StoreError, TaskAbout, UploadFiles,
};
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::call::{Call, Part};
use super::data;
use super::fields::short;
use super::flow::LONGEST_NAME;
use super::run::{KnownSplits, add as add_run, misfit};
use super::{Outcome, Refusal};
use crate::server::ingest::Format;
use crate::server::ingest::task::default_measure;
use crate::server::ingest::truth::{Target, target};

/// OpenML's procedures for tasks whose splits are given: of classes, and of numbers.
const CUSTOM_HOLDOUT: i64 = 16;
const CUSTOM_CROSSVALIDATION: i64 = 24;
/// Rows that the splits of a new task may name in all.
const MOST_SPLIT_ROWS: usize = 20_000_000;

/// What predictions are of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// The task, if there is one; otherwise the test rows are those that are predicted.
    pub task: Option<i64>,
    pub data: Option<i64>,
    /// The dataset's default target otherwise.
    pub target: Option<String>,
    /// A name, or the id of a flow that there is.
    pub flow: String,
    /// The names of the parameters otherwise: with others it is another version.
    pub flow_version: Option<String>,
    pub parameters: Vec<(String, String)>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Published {
    pub run: i64,
    pub task: i64,
    pub flow: i64,
    pub data: i64,
    /// The run's value of the task's measure.
    pub score: Option<(String, f64)>,
}

/// `POST predictions`: a form with `predictions` (the CSV), `data` or `task`, `target`, `flow`, `flow_version` and any number of
/// `param` (`name=value`).
pub async fn publish(call: &Call) -> Outcome {
    let number = |name: &'static str| -> Result<Option<i64>, Refusal> {
        let Some(text) = call.optional_text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = |_| incomplete(format!("“{name}” is “{text}”, not an id"));
        text.trim().parse().map(Some).map_err(wrong)
    };
    let mut parameters = Vec::new();
    for part in call.parts().filter(|part| part.name == "param") {
        let text = String::from_utf8_lossy(&part.content);
        parameters.push(parameter(&text).map_err(incomplete)?);
    }
    let wanted = Wanted {
        task: number("task")?,
        data: number("data")?,
        target: call.optional_text("target")?.filter(|name| !name.is_empty()),
        flow: call.text("flow")?,
        flow_version: call.optional_text("flow_version")?,
        parameters,
    };
    let content = call.part("predictions").ok_or_else(|| Refusal::new(207, "Please provide predictions"))?.content.clone();
    let published = add(call.store(), call.state.splits(), call.person()?.id, wanted, content).await?;
    let id = |number: i64| number.to_string();
    let (run, task, flow, data) = (id(published.run), id(published.task), id(published.flow), id(published.data));
    let url = format!("{}/run/{run}", call.base);
    Ok(Answer::fields("upload_predictions", &[("run_id", &run), ("task_id", &task), ("flow_id", &flow), ("data_id", &data), ("url", &url)]))
}

/// A parameter as `name=value`.
///
/// # Errors
/// There is no name.
pub fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err(format!("the parameter “{text}” must be written name=value")),
    }
}

fn incomplete(reason: impl ToString) -> Refusal {
    Refusal::new(100, "The form is incomplete").because(reason)
}

/// A task's id and splits.
type KnownTask = (i64, Option<Arc<(Splits, i64)>>);

/// What is predicted.
struct Asked {
    dataset: i64,
    feature: String,
    target: Target,
    /// 1 for classes, 2 for numbers.
    task_type: i64,
    /// The task and its splits.
    task: Option<KnownTask>,
}

async fn asked_of_task(store: &Store, known: &KnownSplits, id: i64) -> Result<Asked, Refusal> {
    let unknown = Refusal::new(204, "Unknown task").because(id);
    let task = store.task(id).await.map_err(|error| Refusal::or_missing(error, unknown))?;
    let none = || Refusal::new(219, "The predictions do not fit the task").because(format!("task {id} predicts no feature"));
    let target = target(store, &task).await.map_err(Refusal::store)?.ok_or_else(none)?;
    let splits = match task.splits_file_id {
        Some(file) => Some(known.get(store, file).await?),
        None => None,
    };
    let feature = task.target.unwrap_or_default();
    Ok(Asked { dataset: task.dataset_id, feature, target, task_type: task.type_id, task: Some((id, splits)) })
}

async fn asked_of_data(store: &Store, id: i64, feature: Option<String>) -> Result<Asked, Refusal> {
    let dataset = store.dataset(id).await.map_err(|error| Refusal::or_missing(error, data::unknown().because(id)))?;
    if dataset.status != Status::Active {
        return Err(Refusal::new(623, "The dataset of the task is not active"));
    }
    let feature = feature.or(dataset.default_target);
    let feature = feature.ok_or_else(|| incomplete(format!("“target” is missing, and dataset {id} has no default target")))?;
    let features = store.features(id).await.map_err(Refusal::store)?;
    let column = features.iter().position(|known| known.name == feature);
    let column = column.ok_or_else(|| incomplete(format!("dataset {id} has no feature “{feature}” to predict")))?;
    let task_type = match features[column].kind {
        FeatureKind::Nominal => 1,
        FeatureKind::Numeric => 2,
        kind => return Err(incomplete(format!("the feature “{feature}” is a {}: only classes and numbers are predicted", kind.name()))),
    };
    Ok(Asked { dataset: id, feature, target: Target { table: dataset.columns, column }, task_type, task: None })
}

/// Publishes predictions as a run.
///
/// # Errors
/// What does not fit, with its row. Nothing has changed then.
pub async fn add(store: &Store, known: &KnownSplits, person: i64, wanted: Wanted, content: Bytes) -> Result<Published, Refusal> {
    let asked = match (wanted.task, wanted.data) {
        (Some(task), _) => asked_of_task(store, known, task).await?,
        (None, Some(data)) => asked_of_data(store, data, wanted.target.clone()).await?,
        (None, None) => return Err(incomplete("say which “data” or “task” was predicted")),
    };
    let flow = find_flow(store, &wanted).await?;
    let splits = asked.task.as_ref().and_then(|(_, splits)| splits.clone());
    let (tables, files, target) = (store.columns().clone(), store.files().clone(), asked.target.clone());
    let file = format!("splits_of_{}.arff", asked.dataset);
    let read = tokio::task::spawn_blocking(move || -> Result<_, Refusal> {
        let columns = tables.open(&target.table).map_err(Refusal::store)?;
        let truth = target.truth(&columns).map_err(Refusal::store)?;
        let (predictions, made) = read(&content, truth, splits.as_deref().map(|(splits, _)| splits))?;
        let given = match made {
            Some(splits) => Some(GivenSplits::keep(&splits, &file, &files)?),
            None => None,
        };
        let mut text = String::new();
        predictions.write("predictions", &mut text);
        Ok((text, given))
    });
    let (predictions, given) = read.await.map_err(Refusal::failed)??;
    let mut batch = store.begin().await.map_err(Refusal::store)?;
    let task = match (&asked.task, given) {
        (Some((task, _)), _) => *task,
        (None, given) => {
            let given = given.ok_or_else(|| Refusal::failed("a new task needs splits"))?;
            match batch.add_task(new_task(&asked, given, person)).await {
                Err(StoreError::Conflict { kind: StoreKind::Task, id, reason: ConflictReason::Exists }) => id,
                other => other.map_err(Refusal::store)?,
            }
        }
    };
    let flow = match flow {
        WantedFlow::Known(id) => id,
        WantedFlow::New(version) => batch.add_flow(new_flow(&wanted, version, person)).await.map_err(Refusal::store)?,
    };
    batch.commit().await.map_err(Refusal::store)?;
    let settings =
        |(name, value): &(String, String)| ParameterSetting { name: name.clone(), value: json(value), component: Some(short(flow)) };
    let document = RunDocument {
        task_id: Some(short(task)),
        flow_id: short(flow),
        parameter_settings: wanted.parameters.iter().map(settings).collect(),
        ..RunDocument::default()
    };
    let part = |name: &str, content: String| Part { name: name.to_owned(), content: Bytes::from(content) };
    let parts = vec![part("description", document.write()), part("predictions", predictions)];
    let run = add_run(store, known, person, document, parts).await?;
    Ok(Published { run, task, flow, data: asked.dataset, score: score(store, task, run).await? })
}

async fn score(store: &Store, task: i64, run: i64) -> Result<Option<(String, f64)>, Refusal> {
    let Some(measure) = store.task(task).await.map_err(Refusal::store)?.measure else { return Ok(None) };
    let evaluations = store.evaluations_of_run(run).await.map_err(Refusal::store)?;
    Ok(evaluations.into_iter().find(|evaluation| evaluation.measure == measure).and_then(|found| Some((measure, found.value?))))
}

/// The predictions, and the splits that they make where there are none.
fn read(content: &[u8], truth: Truth<'_>, splits: Option<&Splits>) -> Result<(Predictions, Option<Splits>), Refusal> {
    let unreadable = |error: String| Refusal::new(218, "An uploaded file cannot be read").because(format!("predictions: {error}"));
    let predictions = Predictions::from_csv(content, truth, splits).map_err(|error| unreadable(error.to_string()))?;
    let made = match splits {
        Some(_) => None,
        None => Some(tested(&predictions, truth.rows()).map_err(unreadable)?),
    };
    if let Some(splits) = splits.or(made.as_ref()) {
        fit::check(&predictions, splits, truth).map_err(misfit)?;
    }
    Ok((predictions, made))
}

/// The splits in which the predicted rows test and all others train.
fn tested(predictions: &Predictions, rows: usize) -> Result<Splits, String> {
    let mut tests = BTreeMap::<(u32, u32), Vec<u32>>::new();
    for (at, &row) in predictions.row_id.iter().enumerate() {
        tests.entry((predictions.repeat[at], predictions.fold[at])).or_default().push(row);
    }
    if tests.len().saturating_mul(rows) > MOST_SPLIT_ROWS {
        return Err(format!("{} folds of {rows} rows are more than labboard keeps splits of", tests.len()));
    }
    let parts = tests
        .into_iter()
        .map(|(place, mut test)| {
            // In one order, so that the same rows are the same task.
            test.sort_unstable();
            let train = (0..rows as u32).filter(|row| test.binary_search(row).is_err()).collect::<Vec<_>>();
            (place, train, test)
        })
        .collect::<Vec<_>>();
    let splits = parts.iter().map(|((repeat, fold), train, test)| Split { repeat: *repeat, fold: *fold, sample: 0, train, test });
    Splits::new(splits).map_err(|error| error.to_string())
}

/// Splits that came with predictions, as a task keeps them.
struct GivenSplits {
    file: NewFile,
    repeats: i64,
    folds: i64,
}

impl GivenSplits {
    fn keep(splits: &Splits, name: &str, files: &UploadFiles) -> Result<Self, Refusal> {
        let mut text = String::new();
        splits.write("splits", &mut text);
        let file = files.put(name, Format::Arff.media_type(), text.as_bytes()).map_err(Refusal::store)?;
        Ok(Self { file, repeats: i64::from(splits.repeats()), folds: i64::from(splits.folds()) })
    }
}

fn new_task(asked: &Asked, given: GivenSplits, uploader: i64) -> NewTask {
    let is_classification = asked.task_type == 1;
    NewTask {
        id: None,
        type_id: asked.task_type,
        name: String::new(),
        dataset_id: asked.dataset,
        target: Some(asked.feature.clone()),
        procedure: Procedure {
            id: Some(if is_classification { CUSTOM_HOLDOUT } else { CUSTOM_CROSSVALIDATION }),
            kind: ProcedureKind::CustomHoldout.name().to_owned(),
            repeats: Some(given.repeats),
            folds: Some(given.folds),
            percentage: None,
            stratified: false,
        },
        measure: default_measure(short(asked.task_type)).map(str::to_owned),
        about: TaskAbout { is_measure_given: Some(false), ..TaskAbout::default() },
        splits: Some(given.file),
        uploader,
        upload_ms: None,
    }
}

/// The flow that was meant.
enum WantedFlow {
    Known(i64),
    /// To be made, with this external version.
    New(String),
}

async fn find_flow(store: &Store, wanted: &Wanted) -> Result<WantedFlow, Refusal> {
    let unknown = || Refusal::new(205, "Flow does not exist").because(&wanted.flow);
    let mut names = wanted.parameters.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(incomplete(format!("the parameter “{}” is given twice", pair[0])));
    }
    let id = match wanted.flow.trim().parse::<i64>() {
        Ok(id) => id,
        Err(_) => {
            let name = wanted.flow.trim();
            if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
                return Err(incomplete(format!("“flow” must be a name of 1 to {LONGEST_NAME} bytes")));
            }
            let version = wanted.flow_version.clone().unwrap_or_else(|| names.join(","));
            match store.find_flow(name, &version).await.map_err(Refusal::store)? {
                Some(id) => id,
                None => return Ok(WantedFlow::New(version)),
            }
        }
    };
    let flow = store.flow(id).await.map_err(|error| Refusal::or_missing(error, unknown()))?;
    if let Some(name) = names.iter().find(|name| flow.parameters.iter().all(|known| known.name != **name)) {
        let reason = format!("flow {id} has no parameter “{name}”; another flow-version may have");
        return Err(Refusal::new(213, "Parameter in run xml unknown").because(reason));
    }
    Ok(WantedFlow::Known(id))
}

fn new_flow(wanted: &Wanted, external_version: String, uploader: i64) -> NewFlow {
    NewFlow {
        id: None,
        name: wanted.flow.trim().to_owned(),
        version: None,
        external_version,
        class_name: None,
        custom_name: None,
        description: "Published without an OpenML client; its predictions are all that is known of it.".to_owned(),
        language: None,
        dependencies: None,
        parameters: wanted.parameters.iter().map(|(name, _)| Parameter { name: name.clone(), ..Parameter::default() }).collect(),
        components: Vec::new(),
        uploader,
        upload_ms: None,
    }
}

/// A parameter's value as OpenML's clients write it: numbers, booleans and lists as they are, everything else as a string.
fn json(value: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(_) => value.to_owned(),
        Err(_) => serde_json::Value::from(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use labboard_openml::predictions::Target as Predicted;

    use super::*;

    fn predictions(rows: &[u32], folds: &[u32]) -> Predictions {
        let target = Predicted::Regression { predicted: vec![0.0; rows.len()], truth: vec![0.0; rows.len()] };
        Predictions { repeat: vec![0; rows.len()], fold: folds.to_vec(), sample: None, row_id: rows.to_vec(), target }
    }

    #[test]
    fn the_predicted_rows_test_and_the_others_train() {
        let splits = tested(&predictions(&[3, 0, 2], &[0, 1, 0]), 4).expect("splits");
        let folds = splits.iter().map(|split| (split.train.to_vec(), split.test.to_vec())).collect::<Vec<_>>();
        assert_eq!(folds, [(vec![0, 1], vec![2, 3]), (vec![1, 2, 3], vec![0])]);
        assert_eq!(tested(&predictions(&[2, 3, 0], &[0, 0, 1]), 4), Ok(splits), "in any order");
    }

    #[test]
    fn a_fold_per_row_of_a_large_dataset_is_refused() {
        let rows = (0..5000).collect::<Vec<_>>();
        assert!(tested(&predictions(&rows, &rows), 5000).expect_err("too many").contains("5000 folds of 5000 rows"));
    }

    #[test]
    fn parameters() {
        assert_eq!(parameter("k = 3"), Ok(("k".to_owned(), "3".to_owned())));
        assert_eq!(parameter("query=a=b"), Ok(("query".to_owned(), "a=b".to_owned())));
        assert!(parameter("k").is_err() && parameter("=3").is_err());
        assert_eq!([json("3"), json("true"), json("rbf"), json("[1]"), json("0x")], ["3", "true", "\"rbf\"", "[1]", "\"0x\""]);
    }
}
