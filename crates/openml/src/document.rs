//! OpenML's XML documents: descriptions of datasets, tasks, flows, runs and studies, the lists of them, and small answers.
//!
//! Reading matches elements by their local name, whatever the prefix, and ignores elements it does not know; writing gives
//! OpenML's own form, with the prefix `oml:` that its clients look for. An optional element that is empty means the same as
//! one that is absent. Characters that XML cannot hold (most control characters) are written as U+FFFD.

mod dataset;
mod edit;
mod features;
mod flow;
mod lists;
mod qualities;
pub(crate) mod reader;
mod reply;
mod run;
mod setup;
mod study;
mod task;
mod trace;
mod vocabulary;
mod writer;

use thiserror::Error;

pub use dataset::DatasetDescription;
pub use edit::DataEdit;
pub use features::{DataFeatures, FeatureDescription};
pub use flow::{Component, Flow, FlowParameter};
pub use lists::{DataList, DataRow, EvaluationList, EvaluationRow, FlowList, FlowRow, RunList, RunRow, StudyList, StudyRow};
pub use lists::{TaskList, TaskRow, UserList, UserRow};
pub use qualities::{DataQualities, Quality};
pub use reply::{Failure, reply};
pub use run::{Evaluation, InputDataset, OutputFile, ParameterSetting, Run};
pub use setup::{SetupList, SetupParameter, SetupParameters};
pub use study::Study;
pub use task::{EstimationProcedure, ProcedureParameter, SourceData, Task, TaskInput, TaskInputs};
pub use trace::{Trace, TraceError, TraceIteration};
pub use vocabulary::{MeasureList, ProcedureList, ProcedureRow, QualityNames, TaskType, TaskTypeList};

/// Why a document could not be read, and where. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct DocumentError {
    pub line: u64,
    pub column: u64,
    pub reason: String,
}
