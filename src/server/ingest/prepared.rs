//! What has been read and checked, and only has to be stored: all of it in one transaction.

use std::collections::HashMap;

use labboard_openml::document::Flow;
use labboard_store::{Batch, ConflictReason, Kind as StoreKind, NewDataset, NewRun, NewStudy, NewTask, Store, StoreError};

use super::flow::{Uploaders, add_flow, free};
use super::{IngestError, OWNER, person};
use crate::model::{Entity, Kind};

/// What the documents' ids mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// They connect the documents with each other. They are kept where they are free.
    OfFolder,
    /// The upstream gave them, and they are kept: what has one of them here already is the same thing, and documents may
    /// refer to it.
    OfUpstream,
}

/// Documents that fit each other. Their ids are the documents' own.
#[derive(Debug, Default)]
pub struct Prepared {
    pub datasets: Vec<PreparedDataset>,
    pub tasks: Vec<PreparedTask>,
    pub flows: Vec<PreparedFlow>,
    pub runs: Vec<PreparedRun>,
    pub studies: Vec<NewStudy>,
    /// Runs that are held back, in the order in which Replay publishes them.
    pub replay: Vec<i64>,
    /// The names of the uploaders that documents name by number. Whoever has none here is the owner.
    pub names: HashMap<u32, String>,
}

#[derive(Debug)]
pub struct PreparedDataset {
    pub new: NewDataset,
    pub uploader: Option<u32>,
    pub tags: Vec<String>,
}

#[derive(Debug)]
pub struct PreparedTask {
    /// For errors, as in the others.
    pub file: String,
    pub new: NewTask,
    pub tags: Vec<String>,
}

#[derive(Debug)]
pub struct PreparedFlow {
    pub file: String,
    pub flow: Flow,
}

#[derive(Clone, Debug)]
pub struct PreparedRun {
    pub file: String,
    pub new: NewRun,
    pub uploader: String,
}

/// Where documents have come to: here, by their own ids.
#[derive(Debug, Default)]
struct Places {
    datasets: HashMap<i64, i64>,
    tasks: HashMap<i64, i64>,
    flows: HashMap<i64, i64>,
}

/// Stores everything or nothing, and says what is new.
///
/// # Errors
/// The first document that refers to something missing.
pub async fn store_all(store: &Store, prepared: Prepared, ids: Ids) -> Result<Vec<Entity>, IngestError> {
    let owner = person(store, OWNER).await?;
    let mut people = HashMap::new();
    for name in prepared.runs.iter().map(|run| &run.uploader).chain(prepared.names.values()) {
        if !people.contains_key(name) {
            people.insert(name.clone(), person(store, name).await?);
        }
    }
    let uploaders =
        Uploaders { known: prepared.names.iter().filter_map(|(id, name)| Some((*id, *people.get(name)?))).collect(), otherwise: owner };
    let mut added = Vec::new();
    let mut places = Places::default();
    let mut batch = store.begin().await?;
    for PreparedDataset { mut new, uploader, tags } in prepared.datasets {
        let id = new.id.unwrap_or_default();
        if ids == Ids::OfUpstream && batch.contains(StoreKind::Dataset, id).await? {
            continue;
        }
        new.id = free(&mut batch, StoreKind::Dataset, id).await?;
        new.uploader = uploaders.of(uploader);
        let uploader = new.uploader;
        let taken = batch.versions(&new.name).await?;
        new.version = new.version.filter(|version| taken.iter().all(|(_, other)| other != version));
        let stored = batch.add_dataset(new).await?;
        batch.add_tags(StoreKind::Dataset, stored, &tags, uploader).await?;
        places.datasets.insert(id, stored);
        added.push(Entity::new(Kind::Data, stored));
    }
    for PreparedTask { file, mut new, tags } in prepared.tasks {
        let id = new.id.unwrap_or_default();
        if ids == Ids::OfUpstream && batch.contains(StoreKind::Task, id).await? {
            continue;
        }
        new.id = free(&mut batch, StoreKind::Task, id).await?;
        new.dataset_id = place(&mut batch, ids, &places.datasets, StoreKind::Dataset, new.dataset_id, &file).await?;
        new.uploader = owner;
        let stored = batch.add_task(new).await?;
        batch.add_tags(StoreKind::Task, stored, &tags, owner).await?;
        places.tasks.insert(id, stored);
        added.push(Entity::new(Kind::Task, stored));
    }
    for PreparedFlow { file, flow } in prepared.flows {
        let (tags, uploader) = (flow.tags.clone(), uploaders.of(flow.uploader));
        let stored = add_flow(&mut batch, &mut places.flows, flow, &uploaders, &file).await?;
        batch.add_tags(StoreKind::Flow, stored, &tags, uploader).await?;
        added.push(Entity::new(Kind::Flow, stored));
    }
    let mut held = HashMap::new();
    for PreparedRun { file, mut new, uploader } in prepared.runs {
        let id = new.id.unwrap_or_default();
        if ids == Ids::OfUpstream && batch.contains(StoreKind::Run, id).await? {
            continue;
        }
        new.task_id = place(&mut batch, ids, &places.tasks, StoreKind::Task, new.task_id, &file).await?;
        new.flow_id = place(&mut batch, ids, &places.flows, StoreKind::Flow, new.flow_id, &file).await?;
        for setting in &mut new.parameters {
            setting.component = place(&mut batch, ids, &places.flows, StoreKind::Flow, setting.component, &file).await?;
        }
        new.uploader = people.get(&uploader).copied().unwrap_or(owner);
        new.id = free(&mut batch, StoreKind::Run, id).await?;
        if let Some(setup) = new.setup_id {
            new.setup_id = free(&mut batch, StoreKind::Setup, setup).await?;
        }
        if prepared.replay.contains(&id) {
            // It is published later: then, not at some time in the past.
            held.insert(id, NewRun { upload_ms: None, ..new });
        } else {
            added.push(Entity::new(Kind::Run, batch.add_run(new).await?));
        }
    }
    for id in prepared.replay {
        if let Some(run) = held.remove(&id) {
            batch.hold_back(run).await?;
        }
    }
    for study in prepared.studies {
        add_study(&mut batch, study, &uploaders).await?;
    }
    batch.commit().await?;
    Ok(added)
}

/// A study by its id at the upstream, unless it is here already; its creator is the upstream's number. Its alias stays
/// with the one that had it first.
async fn add_study(batch: &mut Batch, study: NewStudy, uploaders: &Uploaders) -> Result<(), IngestError> {
    let id = study.id.unwrap_or_default();
    if batch.contains(StoreKind::Study, id).await? {
        return Ok(());
    }
    let study = NewStudy { creator: uploaders.of(u32::try_from(study.creator).ok()), ..study };
    match batch.add_study(study.clone()).await {
        Err(StoreError::Conflict { kind: StoreKind::Study, reason: ConflictReason::Exists, .. }) if study.alias.is_some() => {
            batch.add_study(NewStudy { alias: None, ..study }).await?;
        }
        stored => drop(stored?),
    }
    Ok(())
}

/// Where the thing is that a document refers to.
async fn place(batch: &mut Batch, ids: Ids, places: &HashMap<i64, i64>, kind: StoreKind, id: i64, file: &str) -> Result<i64, IngestError> {
    if let Some(place) = places.get(&id) {
        return Ok(*place);
    }
    match ids {
        Ids::OfFolder => Err(IngestError::file(file, format!("it refers to {kind} {id}, which is not in the folder"))),
        Ids::OfUpstream if batch.contains(kind, id).await? => Ok(id),
        Ids::OfUpstream => Err(IngestError::file(file, format!("it refers to {kind} {id}, which is not here"))),
    }
}
