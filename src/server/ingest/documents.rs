//! Imports a folder of OpenML documents: datasets, tasks, flows and runs, in one transaction.

use std::collections::{BTreeMap, HashMap};

use labboard_frame::evaluate;
use labboard_openml::document::{DataFeatures, DatasetDescription, Flow, Run, Task};
use labboard_openml::predictions::Predictions;
use labboard_openml::splits::Splits;
use labboard_openml::table::{Kind as FeatureKind, Table, Values};
use labboard_store::{
    About, Batch, Component, Evaluation, Fold, Kind as StoreKind, NewDataset, NewFlow, NewRun, NewRunFile, NewTask, Parameter,
    ParameterSetting, Procedure, Status, Store, TaskAbout,
};
use serde::Deserialize;

use super::{Format, IngestError, describe, folder::Folder, md5, person, read_table};
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
    super::check_name(&document.name).map_err(fail)?;
    let (name, format) = [("dataset.arff", Format::Arff), ("dataset.pq", Format::Parquet)]
        .into_iter()
        .find_map(|(name, format)| matches!(folder.find(&format!("data/{id}/{name}")), Ok(Some(_))).then_some((name, format)))
        .ok_or_else(|| IngestError::file(folder.name(&format!("data/{id}/dataset.arff")), "the file is missing, and so is dataset.pq"))?;
    let path = format!("data/{id}/{name}");
    let content = folder.read(&path)?;
    let sum = md5(&content);
    if let Some(expected) = &document.md5_checksum
        && !expected.eq_ignore_ascii_case(&sum)
    {
        return Err(IngestError::file(folder.name(&path), format!("its MD5 is {sum}, but the description says {expected}")));
    }
    let mut table = read_table(&folder.name(&path), format, &content)?;
    let features_path = format!("data/{id}/features.xml");
    if let Some(text) = folder.find_text(&features_path)? {
        let fail = |reason: String| IngestError::file(folder.name(&features_path), reason);
        let declared = DataFeatures::read(&text).map_err(|error| fail(error.to_string()))?;
        declare(&mut table, &declared).map_err(fail)?;
    }
    let named = [
        document.default_target_attribute.iter().collect::<Vec<_>>(),
        document.row_id_attribute.iter().collect(),
        document.ignore_attributes.iter().collect(),
    ];
    for feature in named.into_iter().flatten() {
        if table.feature(feature).is_none() {
            return Err(IngestError::file(folder.name(&path), format!("there is no feature “{feature}”, which the description names")));
        }
    }
    let description =
        describe(&table, document.default_target_attribute.as_deref(), document.row_id_attribute.as_deref(), &document.ignore_attributes);
    let columns = store.columns().write(&table)?;
    let stored = store.files().put(&format!("{}.{}", document.name, super::extension(format)), format.media_type(), &content)?;
    let new = NewDataset {
        id: Some(id),
        name: document.name,
        version: document.version.map(i64::from),
        description: document.description,
        format: document.format,
        about: About {
            creators: document.creators,
            contributors: document.contributors,
            collection_date: document.collection_date,
            language: document.language,
            licence: document.licence,
            citation: document.citation,
            version_label: document.version_label,
            visibility: document.visibility,
            original_data_url: document.original_data_url,
            paper_url: document.paper_url,
            update_comment: document.update_comment,
            url: document.url,
        },
        default_target: document.default_target_attribute,
        row_id: document.row_id_attribute,
        ignored: document.ignore_attributes,
        status: Status::Active,
        uploader: 0,
        upload_ms: document.upload_date.as_deref().and_then(timestamp),
        md5: sum,
        columns,
        file: Some(stored),
        classes: description.classes,
        features: description.features,
        qualities: description.qualities,
    };
    Ok((id, folder.name(&path), new))
}

/// Gives the table's columns the types and levels that the document declares.
fn declare(table: &mut Table, declared: &DataFeatures) -> Result<(), String> {
    if declared.features.len() != table.features.len() {
        return Err(format!("it lists {} features, but the table has {} columns", declared.features.len(), table.features.len()));
    }
    for (feature, declared) in table.features.iter_mut().zip(&declared.features) {
        if feature.name != declared.name {
            return Err(format!("feature {} is “{}” here and “{}” in the table", declared.index, declared.name, feature.name));
        }
        let levels =
            (declared.data_type == FeatureKind::Nominal && !declared.nominal_values.is_empty()).then_some(&*declared.nominal_values);
        let values = std::mem::replace(&mut feature.values, Values::Numeric(Vec::new()));
        feature.values = values.retyped(declared.data_type, levels).map_err(|error| format!("feature “{}”: {error}", feature.name))?;
    }
    Ok(())
}

/// Unix milliseconds of a date and time such as `2026-01-12T08:30:00`, taken as UTC.
fn timestamp(text: &str) -> Option<i64> {
    labboard_openml::date::parse_iso(text).map(|ms| ms as i64)
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
    let mut evaluations = client_evaluations(&document);
    if let Some(content) = folder.find(&predictions_path)? {
        let fail = |reason: String| IngestError::file(folder.name(&predictions_path), reason);
        let predictions = Predictions::read(&content).map_err(|error| fail(error.to_string()))?;
        for computed in evaluated(&predictions).map_err(fail)? {
            let claimed = evaluations.remove(&computed.measure).and_then(|own| own.value);
            evaluations.insert(computed.measure.clone(), Evaluation { claimed, ..computed });
        }
        files.push(NewRunFile {
            role: "predictions".to_owned(),
            file: store.files().put("predictions.arff", Format::Arff.media_type(), &content)?,
        });
    }
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
        evaluations: evaluations.into_values().collect(),
    };
    let uploader = document.uploader_name.unwrap_or_else(|| super::OWNER.to_owned());
    Ok(PreparedRun { id, file: folder.name(&path), uploader, new })
}

/// What the client measured itself, by measure: the mean over its folds where it gives no overall value.
fn client_evaluations(document: &Run) -> BTreeMap<String, Evaluation> {
    let mut found = BTreeMap::<String, Evaluation>::new();
    for own in &document.evaluations {
        let entry = found.entry(own.name.clone()).or_insert_with(|| Evaluation { measure: own.name.clone(), ..Evaluation::default() });
        match (own.repeat, own.fold) {
            (Some(repeat), Some(fold)) => entry.folds.push(Fold { repeat, fold, sample: own.sample, value: own.value }),
            _ => entry.value = own.value,
        }
    }
    for evaluation in found.values_mut() {
        let values = evaluation.folds.iter().filter_map(|fold| fold.value).collect::<Vec<_>>();
        let spread = labboard_frame::mean_std(&values);
        evaluation.value = evaluation.value.or(spread.map(|spread| spread.mean));
        evaluation.deviation = spread.map(|spread| spread.population_std);
    }
    found
}

/// What labboard computes from the predictions, overall and per fold.
fn evaluated(predictions: &Predictions) -> Result<Vec<Evaluation>, String> {
    let evaluation = evaluate::run(predictions).map_err(|error| error.to_string())?;
    let folds = &evaluation.folds;
    Ok(evaluation
        .measures
        .iter()
        .map(|measure| Evaluation {
            measure: measure.name.clone(),
            value: measure.overall.is_finite().then_some(measure.overall),
            deviation: measure.over_folds().map(|spread| spread.population_std),
            claimed: None,
            folds: folds
                .iter()
                .zip(&measure.per_fold)
                .map(|(fold, value)| Fold { repeat: fold.repeat, fold: fold.fold, sample: None, value: *value })
                .collect(),
            per_class: None,
        })
        .collect())
}

/// The id that a document gets: its own if it is free, else a new one.
async fn free(batch: &mut Batch, kind: StoreKind, id: i64) -> Result<Option<i64>, IngestError> {
    Ok((!batch.contains(kind, id).await?).then_some(id))
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

/// Adds a flow after its components. One that is known by name and version already is the same flow.
async fn add_flow(batch: &mut Batch, known: &mut HashMap<i64, i64>, flow: Flow, owner: i64, file: &str) -> Result<i64, IngestError> {
    let mut components = Vec::with_capacity(flow.components.len());
    for component in flow.components {
        let flow_id = Box::pin(add_flow(batch, known, component.flow, owner, file)).await?;
        components.push(Component { identifier: component.identifier, flow_id });
    }
    let external_version = flow.external_version.unwrap_or_default();
    let id = flow.id.map(i64::from);
    let stored = match batch.find_flow(&flow.name, &external_version).await? {
        Some(stored) => stored,
        None => {
            let wanted = match id {
                Some(id) => free(batch, StoreKind::Flow, id).await?,
                None => None,
            };
            let parameters = flow
                .parameters
                .into_iter()
                .map(|parameter| Parameter {
                    name: parameter.name,
                    data_type: parameter.data_type,
                    default: parameter.default_value,
                    description: parameter.description,
                })
                .collect();
            let new = NewFlow {
                id: wanted,
                name: flow.name,
                version: None,
                external_version,
                class_name: flow.class_name,
                custom_name: flow.custom_name,
                description: flow.description,
                language: flow.language,
                dependencies: flow.dependencies,
                parameters,
                components,
                uploader: owner,
                upload_ms: flow.upload_date.as_deref().and_then(timestamp),
            };
            batch.add_flow(new).await?
        }
    };
    if let Some(id) = id {
        known.insert(id, stored);
    }
    Ok(stored)
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
