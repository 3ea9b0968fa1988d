//! Runs: published, evaluated on arrival, read back.

use std::collections::HashMap;
use std::sync::Arc;

use labboard_openml::document::{
    Evaluation as EvaluationDocument, InputDataset, OutputFile, ParameterSetting as SettingDocument, Run as RunDocument, RunList,
    RunRow as RowDocument, Trace,
};
use labboard_openml::fit::{self, Truth};
use labboard_openml::predictions::Predictions;
use labboard_openml::splits::Splits;
use labboard_store::{Kind as StoreKind, NewRun, NewRunFile, RunQuery, Store, StoreError};
use moka::future::Cache;

use super::answer::Answer;
use super::call::{Call, Part};
use super::fields::{id, list_time, short, task_type};
use super::filters::Filters;
use super::setup::settings;
use super::{Outcome, Refusal};
use crate::server::ingest::Format;
use crate::server::ingest::evaluation::evaluations;
use crate::server::ingest::truth::target;
use crate::server::source::described;

pub async fn list(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 514, 511)?;
    let (limit, offset) = filters.page()?;
    let show_errors = filters.text("show_errors").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    let query = RunQuery {
        ids: filters.ids("run")?,
        tasks: filters.ids("task")?,
        flows: filters.ids("flow")?,
        setups: filters.ids("setup")?,
        uploaders: filters.ids("uploader")?,
        study: filters.id("study")?,
        task_type: filters.id("task_type")?,
        tag: filters.text("tag"),
        failed: (!show_errors).then_some(false),
        offset,
        limit,
        ..RunQuery::default()
    };
    filters.finish()?;
    let rows = call.store().run_rows(&query).await.map_err(Refusal::store)?;
    if rows.is_empty() {
        return Err(Refusal::new(512, "No results"));
    }
    let runs = rows
        .into_iter()
        .map(|row| RowDocument {
            run_id: short(row.id),
            task_id: short(row.task_id),
            task_type_id: short(row.task_type_id),
            setup_id: short(row.setup_id),
            flow_id: short(row.flow_id),
            uploader: short(row.uploader),
            upload_time: list_time(row.upload_ms),
            error_message: row.error.unwrap_or_default(),
            run_details: None,
        })
        .collect::<Vec<_>>();
    Ok(Answer::list(runs, |runs| RunList { runs }.write()))
}

fn unknown() -> Refusal {
    Refusal::new(236, "Unknown run")
}

pub async fn get(call: &Call, text: &str) -> Outcome {
    let store = call.store();
    let run = store.run(id(text, unknown())?).await.map_err(|error| Refusal::or_missing(error, unknown()))?;
    let setup = store.setup(run.setup_id).await.map_err(Refusal::store)?;
    let tags = store.tags(StoreKind::Run, run.id).await.map_err(Refusal::store)?;
    let dataset = store.dataset(run.dataset_id).await.map_err(Refusal::store)?;
    let content = super::download::of_dataset(call, &dataset).await?;
    let mut measured = Vec::new();
    for evaluation in store.evaluations_of_run(run.id).await.map_err(Refusal::store)? {
        let of = |value: Option<f64>| EvaluationDocument { name: evaluation.measure.clone(), value, ..EvaluationDocument::default() };
        if evaluation.value.is_some() {
            measured.push(EvaluationDocument { stdev: evaluation.deviation, ..of(evaluation.value) });
        }
        measured.extend(evaluation.folds.iter().filter(|fold| fold.value.is_some()).map(|fold| EvaluationDocument {
            repeat: Some(fold.repeat),
            fold: Some(fold.fold),
            sample: fold.sample,
            ..of(fold.value)
        }));
    }
    let document = RunDocument {
        run_id: Some(short(run.id)),
        uploader: Some(short(run.uploader)),
        uploader_name: Some(run.uploader_name.unwrap_or_else(|| format!("user {}", run.uploader))),
        task_id: Some(short(run.task_id)),
        task_type: Some(task_type(run.task_type_id)),
        task_evaluation_measure: run.task_measure,
        flow_id: short(run.flow_id),
        flow_name: Some(format!("{}({})", run.flow_name, run.flow_version)),
        setup_id: Some(short(run.setup_id)),
        setup_string: run.setup_string,
        error_message: run.error,
        parameter_settings: setup
            .parameters
            .into_iter()
            .map(|setting| SettingDocument { name: setting.name, value: setting.value, component: Some(short(setting.component)) })
            .collect(),
        tags,
        input_data: vec![InputDataset { did: short(run.dataset_id), name: run.dataset_name, url: Some(content.url) }],
        files: run
            .files
            .into_iter()
            .map(|file| OutputFile {
                file_id: Some(short(file.file.id)),
                url: Some(format!("{}/data/download/{}/{}", call.base, file.file.id, file.file.name)),
                name: file.role,
            })
            .collect(),
        evaluations: measured,
        ..RunDocument::default()
    };
    Ok(Answer::plain(document.write()))
}

pub async fn trace(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(571, "Unknown run");
    let run = call.store().run(id(text, missing())?).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    let file = run.file("trace").ok_or_else(|| Refusal::new(572, "No successful trace associated with this run"))?;
    let (files, hash) = (call.store().files().clone(), file.hash.clone());
    let read = tokio::task::spawn_blocking(move || {
        let content = files.read(&hash).map_err(Refusal::store)?;
        Trace::from_arff(&content).map_err(|error| Refusal::new(572, "The trace cannot be read").because(error))
    });
    let trace = read.await.map_err(Refusal::failed)??;
    Ok(Answer::plain(Trace { run_id: Some(short(run.id)), ..trace }.write()))
}

/// Every flow inside a flow, by id, with the names of its parameters.
async fn declared(store: &Store, flow: i64) -> Result<HashMap<i64, Vec<String>>, Refusal> {
    let mut found = HashMap::new();
    let mut open = vec![flow];
    while let Some(next) = open.pop() {
        if found.contains_key(&next) {
            continue;
        }
        let flow = store.flow(next).await.map_err(|error| Refusal::or_missing(error, Refusal::new(205, "Flow does not exist")))?;
        open.extend(flow.components.iter().map(|component| component.flow_id));
        found.insert(next, flow.parameters.into_iter().map(|parameter| parameter.name).collect());
    }
    Ok(found)
}

pub(super) fn misfit(error: fit::Misfit) -> Refusal {
    Refusal::new(219, "The predictions do not fit the task").because(error)
}

/// Checks that predictions are what the task asks for, and gives them the truth where they have none.
fn fitted(mut predictions: Predictions, truth: Truth<'_>, splits: Option<&Splits>) -> Result<Predictions, Refusal> {
    if let Some(splits) = splits {
        fit::check(&predictions, splits, truth).map_err(misfit)?;
    }
    fit::fill_truth(&mut predictions, truth).map_err(misfit)?;
    Ok(predictions)
}

pub async fn publish(call: &Call) -> Outcome {
    let text = call.optional_text("description")?.ok_or_else(|| Refusal::new(201, "Please provide run xml"))?;
    let document =
        RunDocument::read(&text).map_err(|error| Refusal::new(202, "Problem validating uploaded description file").because(error))?;
    if call.part("predictions").is_none() && document.error_message.is_none() {
        return Err(Refusal::new(207, "Please provide predictions").because("a run without predictions needs oml:error_message"));
    }
    let parts = call.parts().cloned().collect();
    let number = add(call.store(), call.state.splits(), call.person()?.id, document, parts).await?;
    Ok(Answer::fields("upload_run", &[("run_id", &number.to_string())]))
}

/// Checks, evaluates and stores a run. `parts` are its files, the description among them.
///
/// # Errors
/// What does not fit: see the codes. Nothing has changed then.
pub(super) async fn add(store: &Store, known: &KnownSplits, person: i64, document: RunDocument, parts: Vec<Part>) -> Result<i64, Refusal> {
    let task_id = document.task_id.map(i64::from).ok_or_else(|| Refusal::new(204, "Unknown task").because("oml:task_id is missing"))?;
    let task = store.task(task_id).await.map_err(|error| Refusal::or_missing(error, Refusal::new(204, "Unknown task").because(task_id)))?;
    let flow = i64::from(document.flow_id);
    let components = declared(store, flow).await?;
    let parameters = settings(flow, document.parameter_settings.clone());
    for setting in &parameters {
        let known = components.get(&setting.component).ok_or_else(|| {
            Refusal::new(213, "Parameter in run xml unknown").because(format!("flow {} is no part of flow {flow}", setting.component))
        })?;
        if !known.contains(&setting.name) {
            let reason = format!("flow {} has no parameter “{}”", setting.component, setting.name);
            return Err(Refusal::new(213, "Parameter in run xml unknown").because(reason));
        }
    }
    if let Some(own) = document.evaluations.iter().find(|own| described(&own.name).is_none()) {
        return Err(Refusal::new(217, "Unknown measure in run xml").because(&own.name));
    }
    let target = target(store, &task).await.map_err(Refusal::store)?;
    let splits = match task.splits_file_id {
        Some(file) => Some(known.get(store, file).await?),
        None => None,
    };
    if let Some(splits) = &splits {
        let (repeats, folds) = (splits.0.repeats(), splits.0.folds());
        let beyond =
            |own: &&EvaluationDocument| own.repeat.is_some_and(|repeat| repeat >= repeats) || own.fold.is_some_and(|fold| fold >= folds);
        if let Some(own) = document.evaluations.iter().find(beyond) {
            let place = format!("{} of repeat {:?}, fold {:?}; the task has {repeats} × {folds}", own.name, own.repeat, own.fold);
            return Err(Refusal::new(216, "Illegal combination of repeat and fold in run xml").because(place));
        }
    }
    let (error, setup_string, tags) = (document.error_message.clone(), document.setup_string.clone(), document.tags.clone());
    let (files, tables) = (store.files().clone(), store.columns().clone());
    let prepared = tokio::task::spawn_blocking(move || {
        let mut predictions = None;
        for part in &parts {
            let broken = |error: &dyn std::fmt::Display| {
                Refusal::new(218, "An uploaded file cannot be read").because(format!("{}: {error}", part.name))
            };
            match part.name.as_str() {
                "predictions" => predictions = Some(Predictions::read(&part.content).map_err(|error| broken(&error))?),
                "trace" => drop(Trace::from_arff(&part.content).map_err(|error| broken(&error))?),
                _ => {}
            }
        }
        if let Some(read) = predictions {
            predictions = Some(match target {
                Some(target) => {
                    let columns = tables.open(&target.table).map_err(Refusal::store)?;
                    fitted(read, target.truth(&columns).map_err(Refusal::store)?, splits.as_deref().map(|(splits, _)| splits))?
                }
                None => read,
            });
        }
        let evaluations = evaluations(&document, predictions.as_ref())
            .map_err(|reason| Refusal::new(219, "The predictions do not fit the task").because(reason))?;
        let stored = parts
            .iter()
            .map(|part| {
                let (name, media_type) = match part.name.as_str() {
                    "description" => ("description.xml".to_owned(), "text/xml; charset=utf-8"),
                    "predictions" | "trace" => (format!("{}.arff", part.name), Format::Arff.media_type()),
                    other => (other.to_owned(), "application/octet-stream"),
                };
                let file = files.put(&name, media_type, &part.content).map_err(Refusal::store)?;
                Ok(NewRunFile { role: part.name.clone(), file })
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        Ok::<_, Refusal>((stored, evaluations))
    });
    let (files, evaluations) = prepared.await.map_err(Refusal::failed)??;
    let run = NewRun {
        id: None,
        task_id,
        flow_id: flow,
        setup_id: None,
        parameters,
        setup_string,
        uploader: person,
        upload_ms: None,
        error,
        files,
        evaluations,
        tags,
    };
    store.add_run(run).await.map_err(Refusal::store)
}

pub async fn delete(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(392, "Run does not exist");
    let number = id(text, missing())?;
    let run = call.store().run(number).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    call.must_own(run.uploader, Refusal::new(393, "Run is not owned by you"))?;
    call.store().delete_run(number).await.map_err(|error| match error {
        StoreError::Conflict { .. } => Refusal::new(394, "Deleting the run failed").because(error),
        other => Refusal::or_missing(other, missing()),
    })?;
    Ok(Answer::id("run_delete", number))
}

/// The splits of tasks to which runs have come lately, by their file.
#[derive(Clone, Debug)]
pub struct KnownSplits(Cache<i64, Arc<(Splits, i64)>>);

impl Default for KnownSplits {
    /// At most about 128 MB: the file is never smaller than what is kept of it.
    fn default() -> Self {
        let weigh = |_: &i64, kept: &Arc<(Splits, i64)>| u32::try_from(kept.1).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(128 << 20).weigher(weigh).build())
    }
}

impl KnownSplits {
    pub(super) async fn get(&self, store: &Store, file: i64) -> Result<Arc<(Splits, i64)>, Refusal> {
        let read = async {
            let file = store.file(file).await.map_err(Refusal::store)?;
            let files = store.files().clone();
            let read = tokio::task::spawn_blocking(move || {
                let content = files.read(&file.hash).map_err(Refusal::store)?;
                let splits = Splits::read(&content).map_err(Refusal::failed)?;
                Ok::<_, Refusal>(Arc::new((splits, file.size)))
            });
            read.await.map_err(Refusal::failed)?
        };
        self.0.try_get_with(file, read).await.map_err(|error: Arc<Refusal>| (*error).clone())
    }
}
