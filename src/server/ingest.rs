//! From files to the catalogue: tables are described, predictions are evaluated, and everything
//! is checked before anything is stored. One import is one transaction.

pub mod dataset;
mod documents;
pub mod evaluation;
pub mod flow;
mod folder;
pub mod parquet;
mod piped;
pub mod prepared;
pub mod run;
pub mod task;
pub mod truth;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use labboard_frame::summary::summarise_all;
use labboard_openml::table::{Feature, Kind as FeatureKind, Table};
use labboard_openml::{ParseError, arff, csv};
use labboard_store::{About, ColumnFiles, ContentHash, NewDataset, NewFeature, NewQuality, Status, Store, StoreError};
use md5::{Digest, Md5};

pub use documents::{counted, import_documents};
pub use folder::Folder;

use crate::model::{Entity, Kind};

/// Why a file was not imported. The text names the file and, where there is one, the place in it.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("{file}: {source}")]
    Parse { file: String, source: ParseError },
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IngestError {
    pub fn file(file: impl Into<String>, reason: impl ToString) -> Self {
        IngestError::File { file: file.into(), reason: reason.to_string() }
    }
}

/// What the user says about a table beside its file.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    pub name: Option<String>,
    /// Otherwise the feature that is most likely to be predicted.
    pub target: Target,
    pub description: Option<String>,
    pub licence: Option<String>,
    /// Types of features, by name, that are not what the file makes of them.
    pub kinds: Vec<(String, FeatureKind)>,
}

/// What a dataset is used to predict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The feature that is most likely meant.
    #[default]
    Guessed,
    Feature(String),
    Nothing,
}

/// The person to whom local imports belong.
pub const OWNER: &str = "owner";

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Csv,
    Arff,
    Parquet,
}

impl Format {
    /// By the file's ending.
    pub fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => Some(Format::Csv),
            "arff" => Some(Format::Arff),
            "parquet" | "pq" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// Parquet says so in its first bytes; everything else is read as ARFF.
    pub fn of_content(content: &[u8]) -> Format {
        if content.starts_with(b"PAR1") { Format::Parquet } else { Format::Arff }
    }

    const fn word(self) -> &'static str {
        match self {
            Format::Csv => "CSV",
            Format::Arff => "ARFF",
            Format::Parquet => "parquet",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv",
            Format::Arff => "text/plain; charset=utf-8",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// Reads a table; `file` is for the error.
///
/// # Errors
/// The place in the file and the reason.
pub fn read_table(file: &str, format: Format, content: &[u8]) -> Result<Table, IngestError> {
    read_table_as(file, format, content, &[])
}

/// A dataset's features and qualities, as OpenML derives them.
#[derive(Debug)]
pub struct Description {
    pub features: Vec<NewFeature>,
    pub qualities: Vec<NewQuality>,
    pub classes: i64,
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Describes a stored table. Qualities count all features, as OpenML's do, also those that are ignored or number the rows.
///
/// # Errors
/// The columns cannot be read.
pub fn describe(
    store: &ColumnFiles,
    hash: &ContentHash,
    target: Option<&str>,
    row_id: Option<&str>,
    ignored: &[String],
) -> Result<Description, StoreError> {
    let table = store.open(hash)?;
    let named = (0..table.len()).filter_map(|at| Some((table.name(at)?, super::source::column(table.feature(at)?)))).collect::<Vec<_>>();
    let summaries = summarise_all(&named.iter().map(|(_, column)| *column).collect::<Vec<_>>());
    let is_ignored = |name: &str| ignored.iter().any(|other| other == name);
    let qualities = labboard_frame::qualities::qualities(&named, target)
        .into_iter()
        .map(|(name, value)| NewQuality { name: name.to_owned(), value: value.is_finite().then_some(value) })
        .collect::<Vec<_>>();
    let classes = target
        .and_then(|name| named.iter().zip(&summaries).find(|((feature, _), _)| *feature == name))
        .filter(|(_, summary)| summary.kind == FeatureKind::Nominal)
        .map_or(0, |(_, summary)| number(summary.distinct));
    let features = named
        .iter()
        .zip(summaries)
        .map(|(&(name, _), summary)| NewFeature {
            name: name.to_owned(),
            kind: summary.kind,
            is_target: target == Some(name),
            is_ignored: is_ignored(name),
            is_row_id: row_id == Some(name),
            missing: number(summary.missing),
            distinct: number(summary.distinct),
            summary: serde_json::to_string(&summary).unwrap_or_default(),
        })
        .collect();
    Ok(Description { features, qualities, classes })
}

/// A dataset name that OpenML takes: letters, digits and `_-.(),`.
pub fn dataset_name(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = stem.chars().map(|c| if c.is_ascii_alphanumeric() || "_-.(),".contains(c) { c } else { '_' }).collect::<String>();
    if name.is_empty() { "dataset".to_owned() } else { name }
}

pub fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.(),".contains(c);
    if !name.is_empty() && name.len() <= 128 && name.chars().all(plain) {
        Ok(())
    } else {
        Err(format!("“{name}” is not a dataset name: use up to 128 letters, digits and _ - . ( ) ,"))
    }
}

/// The id of a person with this name; made if there is none.
pub async fn person(store: &Store, name: &str) -> Result<i64, StoreError> {
    match store.person_named(name).await? {
        Some(person) => Ok(person.id),
        None => {
            let new = labboard_store::NewPerson {
                id: None,
                name: name.to_owned(),
                role: if name == OWNER { "admin" } else { "user" }.to_owned(),
                key_hash: None,
            };
            match store.add_person(new).await {
                // Somebody else has just made them.
                Err(StoreError::Conflict { kind: labboard_store::Kind::Person, id, .. }) => Ok(id),
                made => made,
            }
        }
    }
}

/// Unix milliseconds of a date and time such as `2026-01-12T08:30:00`, taken as UTC.
pub fn timestamp(text: &str) -> Option<i64> {
    labboard_openml::date::parse_iso(text).map(|ms| ms as i64)
}

/// Reads a table with the types that the user wants; `file` is for the error.
///
/// # Errors
/// The place in the file and the reason.
pub fn read_table_as(file: &str, format: Format, content: &[u8], kinds: &[(String, FeatureKind)]) -> Result<Table, IngestError> {
    let parse = |source| IngestError::Parse { file: file.to_owned(), source };
    let mut table = match format {
        Format::Csv => {
            let options = csv::Options { kinds: kinds.to_vec(), ..csv::Options::default() };
            return csv::read(content, &options).map_err(parse);
        }
        Format::Arff => arff::read(content).map_err(parse)?,
        Format::Parquet => parquet::read(content).map_err(|reason| IngestError::file(file, reason))?,
    };
    for (name, kind) in kinds {
        let at = table.features.iter().position(|feature| feature.name == *name);
        let at = at.ok_or_else(|| IngestError::file(file, format!("there is no feature “{name}”")))?;
        let feature = table.features.remove(at);
        table.features.insert(at, retyped(feature, *kind).map_err(|reason| IngestError::file(file, reason))?);
    }
    Ok(table)
}

/// Imports one table file as a new dataset (or a new version of the dataset of that name).
///
/// # Errors
/// The file cannot be read or parsed, or a wish does not fit it. Nothing has changed then.
pub async fn import_file(store: &Store, path: &Path, wishes: &Wishes) -> Result<Entity, IngestError> {
    let file = path.display().to_string();
    let format = Format::of(path).ok_or_else(|| IngestError::file(&file, ENDINGS))?;
    add_table(store, file, format, path, wishes.clone()).await
}

/// What is said of a file that is no table by its name.
pub const ENDINGS: &str = "the ending is none of .csv, .tsv, .arff, .parquet and .pq";

/// Adds the table in `path` as a dataset of the owner; `file` is what the user calls it.
///
/// # Errors
/// As [`import_file`].
pub async fn add_table(store: &Store, file: String, format: Format, path: &Path, wishes: Wishes) -> Result<Entity, IngestError> {
    let (columns, files, path) = (store.columns().clone(), store.files().clone(), path.to_owned());
    let prepared = tokio::task::spawn_blocking(move || -> Result<_, IngestError> {
        let name = wishes.name.clone().unwrap_or_else(|| dataset_name(Path::new(&file)));
        check_name(&name).map_err(|reason| IngestError::file(&file, reason))?;
        let open = || std::fs::File::open(&path).map_err(|error| IngestError::file(&file, error));
        let Stored { hash, target, description: text } = store_table(&columns, &file, format, open()?, &wishes)?;
        let description = describe(&columns, &hash, target.as_deref(), None, &[])?;
        let stored = files.put_from(&format!("{name}.{}", extension(format)), format.media_type(), open()?)?;
        let md5 = md5_of(open()?).map_err(|error| IngestError::file(&file, error))?;
        Ok(NewDataset {
            id: None,
            name,
            version: None,
            description: wishes.description.unwrap_or(text),
            format: format.word().to_owned(),
            about: About { licence: wishes.licence, ..About::default() },
            default_target: target,
            row_id: None,
            ignored: Vec::new(),
            status: Status::Active,
            uploader: 0,
            upload_ms: None,
            md5,
            columns: hash,
            file: Some(stored),
            classes: description.classes,
            features: description.features,
            qualities: description.qualities,
        })
    });
    let mut dataset = prepared.await.map_err(|error| IngestError::file("the import", error))??;
    dataset.uploader = person(store, OWNER).await?;
    let id = store.add_dataset(dataset).await?;
    Ok(Entity::new(Kind::Data, id))
}

/// A table whose columns are stored.
struct Stored {
    hash: ContentHash,
    target: Option<String>,
    /// What the file itself says about the table.
    description: String,
}

/// Stores the columns of a file; those of Parquet one by one.
fn store_table(columns: &ColumnFiles, file: &str, format: Format, mut content: File, wishes: &Wishes) -> Result<Stored, IngestError> {
    let mut writer = columns.writer()?;
    let mut names = Vec::new();
    let mut add = |feature: &Feature| {
        names.push((feature.name.clone(), feature.values.kind()));
        writer.add(feature)
    };
    let mut description = String::new();
    match format {
        Format::Parquet => {
            let kind_of = |name: &str| wishes.kinds.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
            let each = |feature: Feature| {
                let feature = match kind_of(&feature.name) {
                    Some(kind) => retyped(feature, kind).map_err(Refused::Reason)?,
                    None => feature,
                };
                add(&feature).map_err(Refused::Store)
            };
            parquet::read_file(content, each).map_err(|refused| match refused {
                Refused::Reason(reason) => IngestError::file(file, reason),
                Refused::Store(error) => error.into(),
            })?;
            if let Some((name, _)) = wishes.kinds.iter().find(|(name, _)| names.iter().all(|(known, _)| known != name)) {
                return Err(IngestError::file(file, format!("there is no feature “{name}”")));
            }
        }
        Format::Csv | Format::Arff => {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(|error| IngestError::file(file, error))?;
            let table = read_table_as(file, format, &bytes, &wishes.kinds)?;
            drop(bytes);
            table.features.iter().try_for_each(&mut add)?;
            description = table.description;
        }
    }
    let target = match &wishes.target {
        Target::Guessed => default_target(&names),
        Target::Nothing => None,
        Target::Feature(name) if names.iter().any(|(known, _)| known == name) => Some(name.clone()),
        Target::Feature(name) => return Err(IngestError::file(file, format!("there is no feature “{name}” to predict"))),
    };
    Ok(Stored { hash: writer.finish()?, target, description })
}

/// Why a column is not stored.
enum Refused {
    Reason(String),
    Store(StoreError),
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

fn retyped(feature: Feature, kind: FeatureKind) -> Result<Feature, String> {
    let Feature { name, values } = feature;
    match values.retyped(kind, None) {
        Ok(values) => Ok(Feature { name, values }),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

pub const fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Arff => "arff",
        Format::Parquet => "pq",
    }
}

/// The feature that is most likely to be predicted: one that is called so, else the last one if it is nominal.
pub fn default_target(features: &[(String, FeatureKind)]) -> Option<String> {
    const NAMES: [&str; 4] = ["class", "target", "label", "y"];
    let named = NAMES.into_iter().find_map(|name| features.iter().find(|(feature, _)| feature.eq_ignore_ascii_case(name)));
    let last = features.last().filter(|(_, kind)| *kind == FeatureKind::Nominal);
    named.or(last).map(|(feature, _)| feature.clone())
}

/// OpenML identifies files by their MD5, which nothing here relies on for safety.
pub fn md5(content: &[u8]) -> String {
    hex(&Md5::digest(content))
}

fn md5_of(mut content: impl Read) -> std::io::Result<String> {
    let mut hasher = Md5::new();
    std::io::copy(&mut content, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Imports files and folders in the order given.
///
/// # Errors
/// The first file that cannot be imported. What comes before it in the list has been imported; a
/// folder is imported whole or not at all.
pub async fn import_paths(store: &Store, paths: &[PathBuf], wishes: &Wishes) -> Result<Vec<Entity>, IngestError> {
    let mut imported = Vec::new();
    for path in paths {
        if path.is_dir() {
            let folder = Folder::disk(path.clone());
            imported.extend(import_documents(store, folder, |_| {}).await?);
        } else {
            imported.push(import_file(store, path, wishes).await?);
        }
    }
    Ok(imported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_files_and_are_plain() {
        assert_eq!(dataset_name(Path::new("/tmp/my data(1).csv")), "my_data(1)");
        assert_eq!(dataset_name(Path::new("é.csv")), "_");
        assert!(check_name("a/b").is_err() && check_name("").is_err() && check_name("iris-2.0").is_ok());
    }

    #[test]
    fn md5_is_openmls() {
        assert_eq!(md5(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn a_broken_quote_says_where() {
        let error = read_table("x.csv", Format::Csv, b"a,b\n1,\"2\n3,4\n").expect_err("broken").to_string();
        assert!(error.starts_with("x.csv: line 2, column 3"), "{error}");
    }

    #[test]
    fn a_wrong_nominal_value_says_where() {
        let text = b"@relation r\n@attribute c {red, green}\n@data\nred\nblu\n";
        let error = read_table("x.arff", Format::Arff, text).expect_err("broken").to_string();
        assert!(error.contains("line 5, column 1") && error.contains("blu"), "{error}");
    }
}
