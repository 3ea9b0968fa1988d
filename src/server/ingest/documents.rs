//! Imports a folder of OpenML documents: datasets, tasks, flows and runs, in one transaction.

use std::collections::HashMap;

use labboard_openml::document::{DataFeatures, DatasetDescription, Flow, Run, Task};
use labboard_openml::predictions::Predictions;
use labboard_openml::splits::Splits;
use labboard_store::{Kind as StoreKind, NewDataset, NewRun, NewRunFile, NewTask, ParameterSetting, Procedure, Store, TaskAbout};
use serde::Deserialize;

use super::dataset::new_dataset;
use super::evaluation::evaluations;
use super::flow::{add_flow, free};
use super::folder::Folder;
use super::{Format, IngestError, person, timestamp};
use crate::model::{Entity, Kind};

/// `demo.json`: what turns an import into the demo.
#[derive(Debug, Default, Deserialize)]
struct Manifest {
    /// Runs that are held back, in the order in which Replay publishes them.
    #[serde(default)]
    replay: Vec<i64>,
}

/// A run that has been read and evaluated. Ids are the documents' own.
struct PreparedRun {
    id: i64,
    file: String,
    uploader: String,
    new: NewRun,
}

struct Prepared {
    datasets: Vec<(i64, String, NewDataset)>,
    tasks: Vec<(i64, String, NewTask)>,
    flows: Vec<(String, Flow)>,
    runs: Vec<PreparedRun>,
    replay: Vec<i64>,
}

/// Reads, checks and evaluates everything, then stores it at once. `progress` hears what has been read.
///
/// # Errors
/// The first document that is broken or refers to something missing. Nothing has changed then.
pub async fn import_documents(
    store: &Store,
    folder: Folder,
    progress: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Vec<Entity>, IngestError> {
    let reading = store.clone();
    let prepared = tokio::task::spawn_blocking(move || prepare(&reading, &folder, &progress))
        .await
        .map_err(|error| IngestError::file("the import", error))??;
    store_all(store, prepared).await
}

fn prepare(store: &Store, folder: &Folder, progress: &(dyn Fn(&str) + Send + Sync)) -> Result<Prepared, IngestError> {
    let manifest = match folder.find("demo.json")? {
        Some(text) => serde_json::from_slice::<Manifest>(&text).map_err(|error| IngestError::file(folder.name("demo.json"), error))?,
        None => Manifest::default(),
    };
    let datasets = in_parallel(&folder.ids("data")?, |id| dataset(store, folder, id))?;
    progress(&format!("{} datasets", datasets.len()));
    let tasks = in_parallel(&folder.ids("task")?, |id| task(store, folder, id))?;
    let flows = in_parallel(&folder.ids("flow")?, |id| {
        let path = format!("flow/{id}/flow.xml");
        let flow = Flow::read(&folder.text(&path)?).map_err(|error| IngestError::file(folder.name(&path), error))?;
        Ok((folder.name(&path), flow))
    })?;
    progress(&format!("{} tasks and {} flows", tasks.len(), flows.len()));
    let runs = in_parallel(&folder.ids("run")?, |id| run(store, folder, id))?;
    progress(&format!("{} runs", runs.len()));
    if datasets.is_empty() && tasks.is_empty() && flows.is_empty() && runs.is_empty() {
        return Err(IngestError::file(folder.name("."), "there are no documents: see docs/import.md for the form of the folder"));
    }
    Ok(Prepared { datasets, tasks, flows, runs, replay: manifest.replay })
}

/// Maps ids on all cores, in order; the first error wins.
fn in_parallel<T: Send>(ids: &[i64], read: impl Fn(i64) -> Result<T, IngestError> + Sync) -> Result<Vec<T>, IngestError> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(ids.len().max(1));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut slots = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(id) = ids.get(at) else { return done };
                done.push((at, read(*id)));
            }
        };
        let handles = (0..workers).map(|_| scope.spawn(work)).collect::<Vec<_>>();
        let mut all = Vec::with_capacity(ids.len());
        for handle in handles {
            match handle.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    slots.sort_by_key(|(at, _)| *at);
    slots.into_iter().map(|(_, outcome)| outcome).collect()
}

fn same_id(folder: &Folder, path: &str, of_folder: i64, of_document: Option<u32>) -> Result<(), IngestError> {
    match of_document {
        Some(id) if i64::from(id) != of_folder => {
            Err(IngestError::file(folder.name(path), format!("the document's id is {id}, but its folder is {of_folder}")))
        }
        _ => Ok(()),
    }
}

fn dataset(store: &Store, folder: &Folder, id: i64) -> Result<(i64, String, NewDataset), IngestError> {
    let path = format!("data/{id}/description.xml");
    let fail = |reason: String| IngestError::file(folder.name(&path), reason);
    let document = DatasetDescription::read(&folder.text(&path)?).map_err(|error| fail(error.to_string()))?;
    same_id(folder, &path, id, document.id)?;
    let (name, format) = [("dataset.arff", Format::Arff), ("dataset.pq", Format::Parquet)]
        .into_iter()
        .find_map(|(name, format)| matches!(folder.find(&format!("data/{id}/{name}")), Ok(Some(_))).then_some((name, format)))
        .ok_or_else(|| IngestError::file(folder.name(&format!("data/{id}/dataset.arff")), "the file is missing, and so is dataset.pq"))?;
    let path = format!("data/{id}/{name}");
    let content = folder.read(&path)?;
    let features_path = format!("data/{id}/features.xml");
    let declared = match folder.find_text(&features_path)? {
        Some(text) => Some(DataFeatures::read(&text).map_err(|error| IngestError::file(folder.name(&features_path), error))?),
        None => None,
    };
    let new = new_dataset(store, &folder.name(&path), document, format, &content, declared.as_ref())?;
    Ok((id, folder.name(&path), NewDataset { id: Some(id), ..new }))
}

fn task(store: &Store, folder: &Folder, id: i64) -> Result<(i64, String, NewTask), IngestError> {
    let path = format!("task/{id}/task.xml");
    let document = Task::read(&folder.text(&path)?).map_err(|error| IngestError::file(folder.name(&path), error))?;
    same_id(folder, &path, id, Some(document.task_id))?;
    let splits_path = format!("task/{id}/splits.arff");
    let splits = match folder.find(&splits_path)? {
        Some(content) => {
            Splits::read(&content).map_err(|error| IngestError::file(folder.name(&splits_path), error))?;
            Some(store.files().put(&format!("Task_{id}_splits.arff"), Format::Arff.media_type(), &content)?)
        }
        None => None,
    };
    let procedure = document.estimation_procedure.unwrap_or_default();
    let parameter = |name: &str| procedure.parameter(name).map(str::to_owned);
    let new = NewTask {
        id: Some(id),
        type_id: i64::from(document.task_type_id),
        name: document.task_name.unwrap_or_default(),
        dataset_id: i64::from(document.source_data.data_set_id),
        target: document.source_data.target_feature,
        procedure: Procedure {
            id: procedure.id.map(i64::from),
            kind: procedure.kind.clone().unwrap_or_default(),
            repeats: parameter("number_repeats").and_then(|text| text.parse().ok()),
            folds: parameter("number_folds").and_then(|text| text.parse().ok()),
            percentage: parameter("percentage").and_then(|text| text.parse().ok()),
            stratified: parameter("stratified_sampling").as_deref() == Some("true"),
        },
        measure: document.evaluation_measures.first().cloned(),
        about: TaskAbout::default(),
        splits,
        uploader: 0,
        upload_ms: None,
    };
    Ok((id, folder.name(&path), new))
}

fn run(store: &Store, folder: &Folder, id: i64) -> Result<PreparedRun, IngestError> {
    let path = format!("run/{id}/description.xml");
    let text = folder.text(&path)?;
    let document = Run::read(&text).map_err(|error| IngestError::file(folder.name(&path), error))?;
    same_id(folder, &path, id, document.run_id)?;
    let task = document.task_id.ok_or_else(|| IngestError::file(folder.name(&path), "oml:task_id is missing in oml:run"))?;
    let mut files = vec![NewRunFile {
        role: "description".to_owned(),
        file: store.files().put("description.xml", "text/xml; charset=utf-8", text.as_bytes())?,
    }];
    let predictions_path = format!("run/{id}/predictions.arff");
    let fail = |reason: String| IngestError::file(folder.name(&predictions_path), reason);
    let predictions = match folder.find(&predictions_path)? {
        Some(content) => {
            let file = store.files().put("predictions.arff", Format::Arff.media_type(), &content)?;
            files.push(NewRunFile { role: "predictions".to_owned(), file });
            Some(Predictions::read(&content).map_err(|error| fail(error.to_string()))?)
        }
        None => None,
    };
    let evaluations = evaluations(&document, predictions.as_ref()).map_err(fail)?;
    let flow = i64::from(document.flow_id);
    let parameters = document
        .parameter_settings
        .into_iter()
        .map(|setting| ParameterSetting { component: setting.component.map_or(flow, i64::from), name: setting.name, value: setting.value })
        .collect();
    let new = NewRun {
        id: Some(id),
        task_id: i64::from(task),
        flow_id: flow,
        setup_id: None,
        parameters,
        setup_string: document.setup_string,
        uploader: 0,
        upload_ms: document.upload_time.as_deref().and_then(timestamp),
        error: document.error_message.filter(|message| !message.is_empty()).or(document.error),
        files,
        evaluations,
        tags: Vec::new(),
    };
    let uploader = document.uploader_name.unwrap_or_else(|| super::OWNER.to_owned());
    Ok(PreparedRun { id, file: folder.name(&path), uploader, new })
}

fn mapped(ids: &HashMap<i64, i64>, id: i64, file: &str, what: &str) -> Result<i64, IngestError> {
    ids.get(&id).copied().ok_or_else(|| IngestError::file(file, format!("it refers to {what} {id}, which is not in the folder")))
}

async fn store_all(store: &Store, prepared: Prepared) -> Result<Vec<Entity>, IngestError> {
    let owner = person(store, super::OWNER).await?;
    let mut people = HashMap::new();
    for run in &prepared.runs {
        if !people.contains_key(&run.uploader) {
            people.insert(run.uploader.clone(), person(store, &run.uploader).await?);
        }
    }
    let mut imported = Vec::new();
    let (mut datasets, mut tasks, mut flows) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut batch = store.begin().await?;
    for (id, _, mut new) in prepared.datasets {
        new.id = free(&mut batch, StoreKind::Dataset, id).await?;
        new.uploader = owner;
        let taken = batch.versions(&new.name).await?;
        new.version = new.version.filter(|version| taken.iter().all(|(_, other)| other != version));
        let stored = batch.add_dataset(new).await?;
        datasets.insert(id, stored);
        imported.push(Entity::new(Kind::Data, stored));
    }
    for (id, file, mut new) in prepared.tasks {
        new.id = free(&mut batch, StoreKind::Task, id).await?;
        new.dataset_id = mapped(&datasets, new.dataset_id, &file, "dataset")?;
        new.uploader = owner;
        let stored = batch.add_task(new).await?;
        tasks.insert(id, stored);
        imported.push(Entity::new(Kind::Task, stored));
    }
    for (file, flow) in prepared.flows {
        let stored = add_flow(&mut batch, &mut flows, flow, owner, &file).await?;
        imported.push(Entity::new(Kind::Flow, stored));
    }
    let mut held = HashMap::new();
    for PreparedRun { id, file, uploader, mut new } in prepared.runs {
        new.task_id = mapped(&tasks, new.task_id, &file, "task")?;
        new.flow_id = mapped(&flows, new.flow_id, &file, "flow")?;
        for setting in &mut new.parameters {
            setting.component = mapped(&flows, setting.component, &file, "flow")?;
        }
        new.uploader = people.get(&uploader).copied().unwrap_or(owner);
        new.id = free(&mut batch, StoreKind::Run, id).await?;
        if prepared.replay.contains(&id) {
            // It is published later: then, not at some time in the past.
            held.insert(id, NewRun { upload_ms: None, ..new });
        } else {
            imported.push(Entity::new(Kind::Run, batch.add_run(new).await?));
        }
    }
    for id in prepared.replay {
        if let Some(run) = held.remove(&id) {
            batch.hold_back(run).await?;
        }
    }
    batch.commit().await?;
    Ok(imported)
}

/// Counts for messages: how many of each kind.
pub fn counted(imported: &[Entity]) -> String {
    let of = |kind: Kind| imported.iter().filter(|entity| entity.kind == kind).count();
    let parts = Kind::ALL
        .into_iter()
        .map(|kind| (of(kind), kind))
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {}{}", kind.singular(), if count == 1 { "" } else { "s" }))
        .collect::<Vec<_>>();
    parts.join(", ")
}
