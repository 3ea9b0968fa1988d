//! OpenML's formats and documents, read and written without any I/O.
//!
//! labboard speaks OpenML's language to files and to clients, and this crate is where that language is spelled: tables in
//! ARFF and CSV ([`arff`], [`csv`]) become a [`table::Table`] and back; the two ARFF files that belong to tasks and runs,
//! data splits and predictions, have types of their own ([`splits`], [`predictions`]); the XML descriptions of datasets,
//! tasks, flows and runs are plain structs ([`document`]); and [`measure`] lists the evaluation measures labboard knows.
//! Everything takes bytes or text and gives values or an error that names the line, the column and the reason. Nothing here
//! panics on input, opens a file or keeps state, so that the server, the command line and the tests share it unchanged.
//!
//! | module | what it is |
//! |---|---|
//! | [`table`] | columns of one of OpenML's four data types, with missing values as sentinels |
//! | [`arff`] | reader and writer for ARFF, dense and sparse |
//! | [`csv`] | strict reader with type inference, and writer, for RFC 4180 |
//! | [`date`] | calendar arithmetic and the date formats that ARFF declares |
//! | [`measure`] | evaluation measures: name, title, direction, range |
//! | [`procedure`] | the types of tasks and their estimation procedures, by id |
//! | [`splits`] | TRAIN and TEST rows of a task's repeats, folds and samples, read or drawn |
//! | [`predictions`] | a run's predictions of a class or a number |
//! | [`fit`] | whether predictions are what a task asks for |
//! | [`document`] | descriptions of datasets, tasks, flows, runs and studies, lists of them and small answers in XML |
//! | [`json`] | the same documents in JSON |

pub mod arff;
pub mod csv;
pub mod date;
pub mod document;
mod error;
pub mod fit;
mod index;
mod interner;
pub mod json;
mod limits;
pub mod measure;
mod number;
pub mod predictions;
pub mod procedure;
mod retype;
pub mod splits;
pub mod table;
#[cfg(test)]
mod testing;

pub use document::DocumentError;
pub use error::ParseError;
pub use limits::Limits;
pub use retype::RetypeError;
