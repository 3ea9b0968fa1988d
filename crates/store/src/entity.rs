//! What the catalogue holds. `New*` is what the app hands in, the plain name what
//! it gets back. Times are unix milliseconds; ids are positive.

mod dataset;
mod flow;
mod person;
mod run;
mod study;
mod task;

pub use dataset::{About, Dataset, Feature, NewDataset, NewFeature, NewQuality, Quality, Status, UnknownStatus};
pub use flow::{Component, Flow, NewFlow, Parameter};
pub use person::{NewPerson, Person};
pub use run::{Evaluation, Fold, NewRun, NewRunFile, ParameterSetting, Run, RunFile, Setup, StoredFile};
pub use study::{NewStudy, Study, StudyEntity, UnknownStudyEntity};
pub use task::{NewTask, Procedure, Task, TaskAbout};
