//! Imports a folder of OpenML documents: datasets, tasks, flows and runs, in one transaction.

use labboard_openml::document::{DataFeatures, DatasetDescription, Flow, Run, Task};
use labboard_openml::predictions::Predictions;
use labboard_store::{NewDataset, NewRun, Store};
use serde::Deserialize;

use super::dataset::{Unknown, new_dataset};
use super::folder::Folder;
use super::prepared::{Ids, Prepared, PreparedDataset, PreparedFlow, PreparedRun, PreparedTask, store_all};
use super::run::{RunFile, new_run};
use super::task::new_task;
use super::{Format, IngestError};
use crate::model::{Entity, Kind};

/// `demo.json`: what turns an import into the demo.
#[derive(Debug, Default, Deserialize)]
struct Manifest {
    /// Runs that are held back, in the order in which Replay publishes them.
    #[serde(default)]
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
    store_all(store, prepared, Ids::OfFolder).await
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
        Ok(PreparedFlow { file: folder.name(&path), flow })
    })?;
    progress(&format!("{} tasks and {} flows", tasks.len(), flows.len()));
    let runs = in_parallel(&folder.ids("run")?, |id| run(store, folder, id))?;
    progress(&format!("{} runs", runs.len()));
    if datasets.is_empty() && tasks.is_empty() && flows.is_empty() && runs.is_empty() {
        return Err(IngestError::file(folder.name("."), "there are no documents: see docs/import.md for the form of the folder"));
    }
    Ok(Prepared { datasets, tasks, flows, runs, replay: manifest.replay, ..Prepared::default() })
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

fn dataset(store: &Store, folder: &Folder, id: i64) -> Result<PreparedDataset, IngestError> {
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
    let tags = document.tags.clone();
    let new = new_dataset(store, &folder.name(&path), document, Unknown::Refused, format, &content, declared.as_ref())?;
    Ok(PreparedDataset { new: NewDataset { id: Some(id), ..new }, uploader: None, tags })
}

fn task(store: &Store, folder: &Folder, id: i64) -> Result<PreparedTask, IngestError> {
    let path = format!("task/{id}/task.xml");
    let document = Task::read(&folder.text(&path)?).map_err(|error| IngestError::file(folder.name(&path), error))?;
    same_id(folder, &path, id, Some(document.task_id))?;
    let splits_path = format!("task/{id}/splits.arff");
    let splits = folder.find(&splits_path)?;
    let tags = document.tags.clone();
    let new = new_task(store, &folder.name(&splits_path), document, splits.as_deref())?;
    Ok(PreparedTask { file: folder.name(&path), new, tags })
}

fn run(store: &Store, folder: &Folder, id: i64) -> Result<PreparedRun, IngestError> {
    let path = format!("run/{id}/description.xml");
    let text = folder.text(&path)?;
    let document = Run::read(&text).map_err(|error| IngestError::file(folder.name(&path), error))?;
    same_id(folder, &path, id, document.run_id)?;
    if document.task_id.is_none() {
        return Err(IngestError::file(folder.name(&path), "oml:task_id is missing in oml:run"));
    }
    let predictions_path = format!("run/{id}/predictions.arff");
    let content = folder.find(&predictions_path)?;
    let predictions = match &content {
        Some(content) => Some(Predictions::read(content).map_err(|error| IngestError::file(folder.name(&predictions_path), error))?),
        None => None,
    };
    let mut files = vec![RunFile { role: "description", content: text.as_bytes() }];
    files.extend(content.as_deref().map(|content| RunFile { role: "predictions", content }));
    let new = new_run(store, &folder.name(&predictions_path), &document, predictions.as_ref(), &files)?;
    let uploader = document.uploader_name.unwrap_or_else(|| super::OWNER.to_owned());
    Ok(PreparedRun { file: folder.name(&path), new: NewRun { id: Some(id), ..new }, uploader })
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
