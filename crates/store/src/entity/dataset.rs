use std::fmt;
use std::str::FromStr;

use labboard_openml::table::Kind as FeatureKind;
use serde::{Deserialize, Serialize};

use crate::files::NewFile;
use crate::hash::ContentHash;

/// Whether a dataset may be used, in OpenML's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Active,
    Deactivated,
    InPreparation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a status is active, deactivated or in_preparation")]
pub struct UnknownStatus;

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Deactivated => "deactivated",
            Status::InPreparation => "in_preparation",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        match text {
            "active" => Ok(Status::Active),
            "deactivated" => Ok(Status::Deactivated),
            "in_preparation" => Ok(Status::InPreparation),
            _ => Err(UnknownStatus),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The parts of a dataset description that are shown but never searched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    pub creators: Vec<String>,
    pub contributors: Vec<String>,
    pub collection_date: Option<String>,
    pub language: Option<String>,
    pub licence: Option<String>,
    pub citation: Option<String>,
    pub version_label: Option<String>,
    pub visibility: Option<String>,
    /// Where the content was first published.
    pub original_data_url: Option<String>,
    pub paper_url: Option<String>,
    pub update_comment: Option<String>,
    /// Where the uploader says that the file can be had.
    pub url: Option<String>,
    /// What the dataset is about, said by the administrators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
}

/// A dataset to add. Its columns are written first, with
/// [`ColumnFiles::write`](crate::ColumnFiles::write).
#[derive(Clone, Debug)]
pub struct NewDataset {
    /// `None` for the next free id.
    pub id: Option<i64>,
    pub name: String,
    /// `None` for the next version of this name.
    pub version: Option<i64>,
    pub description: String,
    /// `ARFF`, `Sparse_ARFF`, ...
    pub format: String,
    pub about: About,
    pub default_target: Option<String>,
    pub row_id: Option<String>,
    pub ignored: Vec<String>,
    pub status: Status,
    pub uploader: i64,
    /// `None` for now.
    pub upload_ms: Option<i64>,
    /// Of the source file, in hexadecimal.
    pub md5: String,
    pub columns: ContentHash,
    /// The file as it was uploaded.
    pub file: Option<NewFile>,
    /// Classes of the default target, 0 unless it is nominal.
    pub classes: i64,
    /// In the order of the columns.
    pub features: Vec<NewFeature>,
    pub qualities: Vec<NewQuality>,
}

#[derive(Clone, Debug)]
pub struct NewFeature {
    pub name: String,
    pub kind: FeatureKind,
    pub is_target: bool,
    pub is_ignored: bool,
    pub is_row_id: bool,
    pub missing: i64,
    pub distinct: i64,
    /// JSON, whatever the app wants to show without opening the columns.
    pub summary: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewQuality {
    pub name: String,
    /// `None` or not finite: could not be computed.
    pub value: Option<f64>,
}

/// What a dataset is described by: a name and a number.
pub type Quality = NewQuality;

#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub id: i64,
    pub name: String,
    pub version: i64,
    pub description: String,
    pub format: String,
    pub about: About,
    pub default_target: Option<String>,
    pub row_id: Option<String>,
    pub ignored: Vec<String>,
    pub status: Status,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
    pub md5: String,
    pub columns: ContentHash,
    /// The id of the file as it was uploaded.
    pub file_id: Option<i64>,
    pub rows: i64,
    pub feature_count: i64,
    pub classes: i64,
    /// Cells without a value.
    pub missing: i64,
    /// Grows whenever something about this dataset, its tasks or their runs changes.
    pub revision: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// From 0, in the order of the columns.
    pub index: i64,
    pub name: String,
    pub kind: FeatureKind,
    pub is_target: bool,
    pub is_ignored: bool,
    pub is_row_id: bool,
    pub missing: i64,
    pub distinct: i64,
    pub summary: String,
    /// What the feature stands for, as URLs.
    pub ontologies: Vec<String>,
}
