use serde::{Deserialize, Serialize};

use crate::files::NewFile;

/// How a task's runs are to be evaluated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Procedure {
    /// OpenML's number of the procedure, such as 1 for 10-fold cross-validation.
    pub id: Option<i64>,
    /// `crossvalidation`, `holdout`, ...
    pub kind: String,
    pub repeats: Option<i64>,
    pub folds: Option<i64>,
    /// Of the rows that are held out.
    pub percentage: Option<f64>,
    pub stratified: bool,
}

/// The parts of a task that are shown but never searched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskAbout {
    /// Row by row, as given; empty for none.
    pub cost_matrix: Vec<Vec<f64>>,
    /// Whether the measure was asked for; otherwise it is the usual one of this type of task. `None`: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_measure_given: Option<bool>,
    /// Inputs that labboard has no field for, by name.
    pub inputs: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct NewTask {
    /// `None` for the next free id.
    pub id: Option<i64>,
    /// OpenML's number: 1 classification, 2 regression, ...
    pub type_id: i64,
    pub name: String,
    pub dataset_id: i64,
    pub target: Option<String>,
    pub procedure: Procedure,
    pub measure: Option<String>,
    pub about: TaskAbout,
    pub splits: Option<NewFile>,
    pub uploader: i64,
    /// `None` for now.
    pub upload_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: i64,
    pub type_id: i64,
    pub name: String,
    pub dataset_id: i64,
    pub dataset_name: String,
    pub dataset_version: i64,
    pub target: Option<String>,
    pub procedure: Procedure,
    pub measure: Option<String>,
    pub about: TaskAbout,
    pub splits_file_id: Option<i64>,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
    /// Grows whenever something about this task or its runs changes.
    pub revision: i64,
}
