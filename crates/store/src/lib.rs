//! The catalogue of datasets, tasks, flows and runs, and the files beside it.
//!
//! A [`Store`] is one data directory:
//!
//! | path | what it is |
//! |---|---|
//! | `catalogue.sqlite` | every dataset, task, flow, setup, run, evaluation and study; tasks' scores as columns ([`TaskScores`]) |
//! | `rooms.sqlite` | the rooms' log, comments, saved views |
//! | `columns/` | tables as raw column files, by content hash ([`ColumnFiles`]) |
//! | `index/` | what is computed from columns and may be computed again ([`Derived`]) |
//! | `files/` | uploads, by content hash ([`UploadFiles`]) |
//! | `tmp/` | what is being written; emptied at the start |
//! | `lock` | held by the server that owns the directory, with its address |
//!
//! Content comes first and its row in the catalogue second: a file is written under
//! another name, synced, renamed and its folder synced before the transaction that
//! mentions it commits. So a crash at any moment leaves either nothing or everything,
//! and at worst complete content that nobody mentions, which
//! [`sweep_leftovers`](Store::sweep_leftovers) removes at the next start.
//!
//! Adding a dataset therefore takes two steps:
//!
//! ```no_run
//! # use labboard_store::*;
//! # async fn add(store: Store, table: labboard_openml::table::Table, dataset: NewDataset) -> Result<(), StoreError> {
//! let columns = store.columns().write(&table)?; // blocks: in a blocking task
//! let id = store.add_dataset(NewDataset { columns, ..dataset }).await?;
//! # Ok(()) }
//! ```
//!
//! [`Store::backup`] writes all of it, as it is at one moment, to one archive; [`restore`](restore())
//! makes a data directory of that.
//!
//! After a commit [subscribers](Store::subscribe) hear of it, once per commit, with
//! every page that it concerns.

// The fixtures of the tests beside this crate are used by those inside it too.
#[cfg(test)]
extern crate self as labboard_store;

mod archive;
mod backup;
mod batch;
mod catalogue;
mod change;
mod columns;
mod decode;
mod derived;
mod entity;
mod error;
mod evaluations;
mod files;
mod group;
mod hash;
mod held;
mod id_floor;
mod list;
mod lock;
mod mapped;
mod mentioned;
#[cfg(test)]
mod plans;
mod read;
mod restore;
mod rooms;
mod scores;
mod settings;
mod staging;
mod sweep;
mod talk;

pub use batch::{Batch, DatasetEdit};
pub use catalogue::{Options, Store, now_ms};
pub use change::{Action, Change, Event, Kind, Topic};
pub use columns::{ColumnFiles, ColumnRef, ColumnWriter, Columns, ColumnsWriter};
pub use derived::{Derived, DerivedFile};
pub use entity::*;
pub use error::{ConflictReason, StoreError};
pub use evaluations::{EvaluationQuery, EvaluationRow};
pub use files::{NewFile, UploadFiles};
pub use hash::{ContentHash, InvalidHash};
pub use list::{
    DatasetQuery, DatasetRow, DatasetSort, FlowQuery, FlowRow, FlowSort, Hit, Page, RunQuery, RunRow, RunSort, SetupQuery, StudyQuery,
    StudyRow, StudySort, TaskQuery, TaskRow, TaskSort,
};
pub use read::Counts;
pub use restore::restore;
pub use rooms::{LoggedOp, RoomLog, Snapshot};
pub use scores::{MeasureCount, Score, ScoredFlow, ScoredRun, ScoredUploader, TaskScores};
pub use sweep::Swept;
pub use talk::{Comment, NewComment, SavedView};
