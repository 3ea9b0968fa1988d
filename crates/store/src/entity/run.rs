use serde::{Deserialize, Serialize};

use crate::files::NewFile;
use crate::hash::ContentHash;

/// The value that a run gives to one parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ParameterSetting {
    /// The flow that declares the parameter: the run's own or a component.
    pub component: i64,
    pub name: String,
    /// As the client wrote it, usually JSON.
    pub value: String,
}

/// A flow with its parameter values. Two runs of one flow share a setup exactly if
/// they set the same parameters to the same values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    pub id: i64,
    pub flow_id: i64,
    /// Sorted by component, then name.
    pub parameters: Vec<ParameterSetting>,
}

/// One measure's value on one fold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    #[serde(rename = "r")]
    pub repeat: u32,
    #[serde(rename = "f")]
    pub fold: u32,
    /// Only on learning curves.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<u32>,
    /// `None` where the measure is undefined.
    #[serde(rename = "v")]
    pub value: Option<f64>,
}

/// One measure of one run. Values that are not finite are stored as `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// OpenML's name, such as `predictive_accuracy`.
    pub measure: String,
    /// `None` where the measure is undefined.
    pub value: Option<f64>,
    /// Standard deviation over the folds.
    pub deviation: Option<f64>,
    /// What the uploader said that the value is.
    pub claimed: Option<f64>,
    pub folds: Vec<Fold>,
    /// JSON: values per class, a confusion matrix, ...
    pub per_class: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRunFile {
    /// The name of the upload's part: `description`, `predictions`, `trace`, ...
    pub role: String,
    pub file: NewFile,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// `None` for the next free id.
    pub id: Option<i64>,
    pub task_id: i64,
    pub flow_id: i64,
    /// The id for the setup if it is a new one; `None` for the next free id.
    pub setup_id: Option<i64>,
    pub parameters: Vec<ParameterSetting>,
    pub setup_string: Option<String>,
    pub uploader: i64,
    /// `None` for now. A run that was held back gets the time at which it is published.
    pub upload_ms: Option<i64>,
    pub error: Option<String>,
    pub files: Vec<NewRunFile>,
    pub evaluations: Vec<Evaluation>,
    #[serde(default)]
    pub tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: i64,
    pub task_id: i64,
    pub task_name: String,
    pub task_type_id: i64,
    pub task_measure: Option<String>,
    pub flow_id: i64,
    pub flow_name: String,
    pub flow_version: i64,
    pub setup_id: i64,
    pub setup_string: Option<String>,
    pub dataset_id: i64,
    pub dataset_name: String,
    pub dataset_version: i64,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
    pub error: Option<String>,
    pub files: Vec<RunFile>,
    /// Grows whenever something about this run changes.
    pub revision: i64,
}

impl Run {
    /// The file that was uploaded as `role`.
    #[must_use]
    pub fn file(&self, role: &str) -> Option<&StoredFile> {
        let found = self.files.iter().find(|file| file.role == role);
        found.map(|file| &file.file)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFile {
    pub role: String,
    pub file: StoredFile,
}

/// A file that an entity refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub id: i64,
    pub hash: ContentHash,
    pub name: String,
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    pub upload_ms: i64,
}
