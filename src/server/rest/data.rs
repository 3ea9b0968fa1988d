//! Datasets.

use std::sync::Arc;

use labboard_openml::document::{
    DataEdit, DataFeatures, DataList, DataQualities, DataRow, DatasetDescription, FeatureDescription, Quality,
};
use labboard_openml::table::Kind as FeatureKind;
use labboard_store::{
    ColumnRef, Dataset, DatasetEdit, DatasetQuery, Kind as StoreKind, NewDataset, NewFeature, NewFile, Status, StoreError,
};

use super::answer::Answer;
use super::call::Call;
use super::fields::{id, short, time};
use super::filters::Filters;
use super::{Outcome, Refusal, download};
use crate::model::{Entity, Kind};
use crate::server::ingest::dataset::{Unknown, new_dataset};
use crate::server::ingest::{Format, IngestError};
use crate::server::source::{DataSource, Source};
use crate::server::state::State;

/// The qualities that lists show.
pub const BASIC: [&str; 11] = [
    "MajorityClassSize",
    "MaxNominalAttDistinctValues",
    "MinorityClassSize",
    "NumBinaryAtts",
    "NumberOfClasses",
    "NumberOfFeatures",
    "NumberOfInstances",
    "NumberOfInstancesWithMissingValues",
    "NumberOfMissingValues",
    "NumberOfNumericFeatures",
    "NumberOfSymbolicFeatures",
];

/// URLs that name something are short.
const LONGEST_ONTOLOGY: usize = 1024;
const LONGEST_TOPIC: usize = 64;

pub fn unknown() -> Refusal {
    Refusal::new(111, "Unknown dataset")
}

/// Qualities by name as documents have them; NaN is an empty value.
pub fn quality(quality: &labboard_store::Quality) -> Quality {
    Quality { name: quality.name.clone(), value: quality.value }
}

/// The basic ones.
pub fn basic(qualities: Option<&Vec<labboard_store::Quality>>) -> Vec<Quality> {
    let all = qualities.into_iter().flatten();
    all.filter(|one| BASIC.contains(&one.name.as_str()) && one.value.is_some()).map(quality).collect()
}

pub async fn list(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 370, 371)?;
    let (limit, offset) = filters.page()?;
    let status = filters.status(370)?;
    let query = DatasetQuery {
        ids: filters.ids("data_id")?,
        name: filters.text("data_name"),
        version: filters.parsed("data_version", "a version")?,
        status,
        tag: filters.text("tag"),
        uploader: filters.id("uploader")?,
        rows: filters.range("number_instances")?,
        features: filters.range("number_features")?,
        classes: filters.range("number_classes")?,
        missing: filters.range("number_missing_values")?,
        offset,
        limit,
        ..DatasetQuery::default()
    };
    filters.finish()?;
    let rows = call.store().dataset_rows(&query).await.map_err(Refusal::store)?;
    if rows.is_empty() {
        return Err(Refusal::new(372, "No results"));
    }
    let ids = rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let qualities = call.store().qualities_of(&ids).await.map_err(Refusal::store)?;
    let datasets = rows
        .into_iter()
        .map(|row| DataRow {
            did: short(row.id),
            qualities: basic(qualities.get(&row.id)),
            name: row.name,
            version: short(row.version),
            uploader: short(row.uploader),
            status: row.status.to_string(),
            format: download::format(&row.format).to_owned(),
            file_id: row.file_id.map(short),
        })
        .collect::<Vec<_>>();
    Ok(Answer::list(datasets, |datasets| DataList { datasets }.write()))
}

pub async fn get(call: &Call, text: &str) -> Outcome {
    let number = id(text, unknown())?;
    let dataset = call.store().dataset(number).await.map_err(|error| Refusal::or_missing(error, unknown()))?;
    let tags = call.store().tags(StoreKind::Dataset, number).await.map_err(Refusal::store)?;
    let content = download::of_dataset(call, &dataset).await?;
    let about = dataset.about;
    let document = DatasetDescription {
        id: Some(short(dataset.id)),
        name: dataset.name,
        version: Some(short(dataset.version)),
        description: dataset.description,
        description_version: Some(1),
        format: download::format(&dataset.format).to_owned(),
        creators: about.creators,
        contributors: about.contributors,
        collection_date: about.collection_date,
        upload_date: Some(time(dataset.upload_ms)),
        language: about.language,
        licence: about.licence,
        url: Some(content.url),
        parquet_url: download::parquet_url(call, dataset.id, &dataset.format),
        file_id: dataset.file_id.map(short),
        default_target_attribute: dataset.default_target,
        row_id_attribute: dataset.row_id,
        ignore_attributes: dataset.ignored,
        version_label: about.version_label,
        citation: about.citation,
        tags,
        visibility: Some(about.visibility.unwrap_or_else(|| "public".to_owned())),
        original_data_url: about.original_data_url,
        paper_url: about.paper_url,
        update_comment: about.update_comment,
        status: Some(dataset.status.to_string()),
        processing_date: Some(time(dataset.upload_ms)),
        md5_checksum: Some(content.md5),
        ..DatasetDescription::default()
    };
    Ok(Answer::plain(document.write()))
}

/// The dataset with its features and columns.
///
/// # Errors
/// `missing` where there is none.
pub async fn source(state: &State, number: i64, missing: Refusal) -> Result<Arc<Source>, Refusal> {
    let found = state.sources().get(state, Entity::new(Kind::Data, number)).await;
    found.map_err(|error| match error {
        crate::error::AppError::NotFound(_) => missing,
        other => Refusal::failed(other),
    })
}

pub fn data_of(source: &Source) -> Result<&DataSource, Refusal> {
    match source {
        Source::Data(source) => Ok(source),
        _ => Err(Refusal::failed("a dataset's source is of another kind")),
    }
}

pub async fn features(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(271, "Unknown dataset");
    let source = source(&call.state, id(text, missing())?, missing()).await?;
    let source = data_of(&source)?;
    let features = source
        .features
        .iter()
        .enumerate()
        .map(|(at, described)| {
            let feature = &described.feature;
            let nominal_values = match source.columns.feature(at) {
                Some(ColumnRef::Nominal { levels, .. }) => levels.to_vec(),
                _ => Vec::new(),
            };
            FeatureDescription {
                index: at as u32,
                name: feature.name.clone(),
                data_type: feature.kind,
                nominal_values,
                ontologies: feature.ontologies.clone(),
                is_target: feature.is_target,
                is_ignore: feature.is_ignored,
                is_row_identifier: feature.is_row_id,
                number_of_missing_values: u64::try_from(feature.missing).unwrap_or(0),
            }
        })
        .collect();
    Ok(Answer::plain(DataFeatures { features }.write()))
}

pub async fn qualities(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(361, "Unknown dataset");
    let number = id(text, missing())?;
    call.store().dataset(number).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    let found = call.store().qualities(number).await.map_err(Refusal::store)?;
    if found.is_empty() {
        return Err(Refusal::new(362, "No qualities found"));
    }
    Ok(Answer::plain(DataQualities { qualities: found.iter().map(quality).collect() }.write()))
}

pub async fn publish(call: &Call) -> Outcome {
    let person = call.person()?.id;
    let text = call.optional_text("description")?.ok_or_else(|| Refusal::new(135, "Please provide description xml"))?;
    let document = DatasetDescription::read(&text)
        .map_err(|error| Refusal::new(131, "Problem validating uploaded description file").because(error))?;
    let content = match (call.part("dataset"), &document.url) {
        (Some(part), None) => part.content.clone(),
        (Some(_), Some(_)) => {
            return Err(Refusal::new(140, "Uploaded dataset and oml:url given: please give one of them"));
        }
        (None, Some(_)) => {
            return Err(Refusal::new(141, "No uploaded dataset").because("labboard does not fetch from oml:url: upload the file itself"));
        }
        (None, None) => return Err(Refusal::new(141, "No uploaded dataset and no oml:url given")),
    };
    let (store, tags) = (call.store().clone(), document.tags.clone());
    let file = format!("{}.{}", document.name, if Format::of_content(&content) == Format::Parquet { "pq" } else { "arff" });
    let prepared = tokio::task::spawn_blocking(move || {
        let document = DatasetDescription { id: None, version: None, upload_date: None, ..document };
        new_dataset(&store, &file, document, Unknown::Refused, Format::of_content(&content), &content, None)
    });
    let dataset = prepared.await.map_err(Refusal::failed)?.map_err(|error| match error {
        IngestError::Store(error) => Refusal::store(error),
        IngestError::Parse { .. } => Refusal::new(145, "Error parsing dataset ARFF file").because(error),
        IngestError::File { .. } => Refusal::new(131, "Problem validating uploaded description file").because(error),
    })?;
    let number = add(call, NewDataset { uploader: person, ..dataset }, &tags).await?;
    Ok(Answer::id("upload_data_set", number))
}

async fn add(call: &Call, dataset: NewDataset, tags: &[String]) -> Result<i64, Refusal> {
    let uploader = dataset.uploader;
    let mut batch = call.store().begin().await.map_err(Refusal::store)?;
    let number = batch.add_dataset(dataset).await.map_err(Refusal::store)?;
    batch.add_tags(StoreKind::Dataset, number, tags, uploader).await.map_err(Refusal::store)?;
    batch.commit().await.map_err(Refusal::store)?;
    Ok(number)
}

/// The dataset that a form's `data_id` names.
async fn named(call: &Call, missing: Refusal) -> Result<Dataset, Refusal> {
    let number = id(call.text("data_id")?.trim(), missing.clone())?;
    call.store().dataset(number).await.map_err(|error| Refusal::or_missing(error, missing))
}

pub async fn set_status(call: &Call) -> Outcome {
    let word = call.text("status")?;
    let illegal = || Refusal::new(691, "Illegal status");
    let status = word.parse::<Status>().ok().filter(|status| *status != Status::InPreparation).ok_or_else(illegal)?;
    let dataset = named(call, Refusal::new(692, "Dataset does not exist")).await?;
    call.must_own(dataset.uploader, Refusal::new(693, "Dataset is not owned by you"))?;
    if dataset.status == status {
        return Err(Refusal::new(694, "Illegal status transition").because(format!("the dataset is {status} already")));
    }
    call.store().set_dataset_status(dataset.id, status).await.map_err(Refusal::store)?;
    Ok(Answer::fields("data_status_update", &[("id", &dataset.id.to_string()), ("status", status.as_str())]))
}

pub async fn edit(call: &Call) -> Outcome {
    let dataset = named(call, Refusal::new(1061, "Unknown dataset")).await?;
    let text = call.optional_text("edit_parameters")?.ok_or_else(|| Refusal::new(1060, "Edit parameters are missing"))?;
    let edit = DataEdit::read(&text).map_err(|error| Refusal::new(1062, "The edit parameters cannot be read").because(error))?;
    if edit.is_empty() {
        return Err(Refusal::new(1063, "Please provide at least one field to edit"));
    }
    if edit.is_critical() {
        call.must_own(dataset.uploader, Refusal::new(1065, "Critical features can be edited only by the owner of the dataset"))?;
        let tasks = call.store().tasks_of_dataset(dataset.id).await.map_err(Refusal::store)?;
        if !tasks.is_empty() {
            return Err(Refusal::new(1066, "Critical features cannot be edited while the dataset has tasks"));
        }
    }
    let target = edit.default_target_attribute.clone().map(|name| Some(name).filter(|name| !name.is_empty()));
    let row_id = edit.row_id_attribute.clone().map(|name| Some(name).filter(|name| !name.is_empty()));
    let known = call.store().features(dataset.id).await.map_err(Refusal::store)?;
    let named = target.iter().flatten().chain(row_id.iter().flatten()).chain(edit.ignore_attributes.iter().flatten());
    for feature in named {
        if !known.iter().any(|other| other.name == *feature) {
            return Err(Refusal::new(1067, "There is no such feature").because(feature));
        }
    }
    let mut about = dataset.about;
    let text = |old: &mut Option<String>, new: Option<String>| {
        if let Some(new) = new {
            *old = Some(new).filter(|new| !new.is_empty());
        }
    };
    about.creators = edit.creators.unwrap_or(about.creators);
    about.contributors = edit.contributors.unwrap_or(about.contributors);
    text(&mut about.collection_date, edit.collection_date);
    text(&mut about.language, edit.language);
    text(&mut about.citation, edit.citation);
    text(&mut about.original_data_url, edit.original_data_url);
    text(&mut about.paper_url, edit.paper_url);
    let classes = target.as_ref().map(|target| {
        let feature = target.as_ref().and_then(|name| known.iter().find(|feature| feature.name == *name));
        feature.filter(|feature| feature.kind == FeatureKind::Nominal).map_or(0, |feature| feature.distinct)
    });
    let change = DatasetEdit {
        description: edit.description,
        about: Some(about),
        default_target: target,
        row_id,
        ignored: edit.ignore_attributes,
        classes,
    };
    call.store().edit_dataset(dataset.id, change).await.map_err(Refusal::store)?;
    Ok(Answer::id("data_edit", dataset.id))
}

/// Says what a feature stands for, or takes that back.
pub async fn set_ontology(call: &Call, is_there: bool) -> Outcome {
    let dataset = named(call, Refusal::new(1101, "Unknown dataset")).await?;
    let unknown = || Refusal::new(1102, "Unknown feature");
    let index = call.text("index")?.trim().parse::<i64>().map_err(|_| unknown())?;
    let ontology = call.text("ontology")?;
    if !(ontology.starts_with("https://") || ontology.starts_with("http://")) || ontology.len() > LONGEST_ONTOLOGY {
        return Err(Refusal::new(1103, "An ontology is a URL").because(format!("of at most {LONGEST_ONTOLOGY} characters")));
    }
    let features = call.store().features(dataset.id).await.map_err(Refusal::store)?;
    let feature = features.into_iter().find(|feature| feature.index == index).ok_or_else(unknown)?;
    let mut ontologies = feature.ontologies;
    match (is_there, ontologies.iter().position(|known| *known == ontology)) {
        (true, None) => ontologies.push(ontology),
        (true, Some(_)) => return Err(Refusal::new(1105, "The feature has this ontology already")),
        (false, Some(at)) => drop(ontologies.remove(at)),
        (false, None) => return Err(Refusal::new(1106, "The feature does not have this ontology")),
    }
    call.store().set_ontologies(dataset.id, index, &ontologies).await.map_err(Refusal::store)?;
    Ok(Answer::id(if is_there { "data_feature_ontology_add" } else { "data_feature_ontology_remove" }, dataset.id))
}

/// Topics are the administrators' to give.
pub async fn set_topic(call: &Call, is_there: bool) -> Outcome {
    if call.person()?.role != "admin" {
        return Err(Refusal::new(1080, "Only administrators can change topics"));
    }
    let dataset = named(call, Refusal::new(1081, "Unknown dataset")).await?;
    let topic = call.text("topic")?.trim().to_owned();
    if topic.is_empty() || topic.len() > LONGEST_TOPIC || topic.chars().any(char::is_control) {
        return Err(Refusal::new(1082, "This is no topic").because(format!("use 1 to {LONGEST_TOPIC} characters")));
    }
    let mut about = dataset.about;
    match (is_there, about.topics.iter().position(|known| *known == topic)) {
        (true, None) => about.topics.push(topic),
        (true, Some(_)) => return Err(Refusal::new(1083, "The dataset has this topic already")),
        (false, Some(at)) => drop(about.topics.remove(at)),
        (false, None) => return Err(Refusal::new(1084, "The dataset does not have this topic")),
    }
    call.store().edit_dataset(dataset.id, DatasetEdit { about: Some(about), ..DatasetEdit::default() }).await.map_err(Refusal::store)?;
    Ok(Answer::id("data_topic", dataset.id))
}

/// A copy that belongs to whoever asks: the same columns and file, the next version of its name.
pub async fn fork(call: &Call) -> Outcome {
    let person = call.person()?.id;
    let missing = || Refusal::new(1070, "Unknown dataset");
    let dataset = named(call, missing()).await?;
    let store = call.store();
    let features = store.features(dataset.id).await.map_err(Refusal::store)?;
    let qualities = store.qualities(dataset.id).await.map_err(Refusal::store)?;
    let file = match dataset.file_id {
        Some(file) => {
            let file = store.file(file).await.map_err(Refusal::store)?;
            Some(NewFile { hash: file.hash, name: file.name, media_type: file.media_type, size: file.size })
        }
        None => None,
    };
    let copy = NewDataset {
        id: None,
        name: dataset.name,
        version: None,
        description: dataset.description,
        format: dataset.format,
        about: dataset.about,
        default_target: dataset.default_target,
        row_id: dataset.row_id,
        ignored: dataset.ignored,
        status: Status::Active,
        uploader: person,
        upload_ms: None,
        md5: dataset.md5,
        columns: dataset.columns,
        file,
        classes: dataset.classes,
        features: features
            .into_iter()
            .map(|feature| NewFeature {
                name: feature.name,
                kind: feature.kind,
                is_target: feature.is_target,
                is_ignored: feature.is_ignored,
                is_row_id: feature.is_row_id,
                missing: feature.missing,
                distinct: feature.distinct,
                summary: feature.summary,
            })
            .collect(),
        qualities,
    };
    Ok(Answer::id("data_fork", add(call, copy, &[]).await?))
}

pub async fn delete(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(352, "Dataset does not exist");
    let number = id(text, missing())?;
    let dataset = call.store().dataset(number).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    call.must_own(dataset.uploader, Refusal::new(353, "Dataset is not owned by you"))?;
    call.store().delete_dataset(number).await.map_err(|error| match error {
        StoreError::Conflict { .. } => Refusal::new(354, "Dataset is in use by other content. Can not be deleted").because(error),
        other => Refusal::or_missing(other, missing()),
    })?;
    Ok(Answer::id("data_delete", number))
}
