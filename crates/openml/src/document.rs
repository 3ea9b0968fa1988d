//! OpenML's XML documents: descriptions of datasets, tasks, flows and runs.
//!
//! Reading matches elements by their local name, whatever the prefix, and ignores elements it does not know; writing gives
//! OpenML's own form, with the prefix `oml:` that its clients look for. An optional element that is empty means the same as
//! one that is absent. Characters that XML cannot hold (most control characters) are written as U+FFFD.

mod dataset;
mod features;
mod flow;
mod qualities;
mod reader;
mod run;
mod task;
mod writer;

use thiserror::Error;

pub use dataset::DatasetDescription;
pub use features::{DataFeatures, FeatureDescription};
pub use flow::{Component, Flow, FlowParameter};
pub use qualities::{DataQualities, Quality};
pub use run::{Evaluation, InputDataset, OutputFile, ParameterSetting, Run};
pub use task::{EstimationProcedure, ProcedureParameter, SourceData, Task, TaskInput, TaskInputs};

/// Why a document could not be read, and where. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct DocumentError {
    pub line: u64,
    pub column: u64,
    pub reason: String,
}
