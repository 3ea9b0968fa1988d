use std::io;
use std::path::{Path, PathBuf};

use crate::change::Kind;
use crate::hash::ContentHash;

/// What can go wrong in the store.
///
/// Every variant is one decision for the caller: tell the person (`NotFound`,
/// `Conflict`, `LowIds`, `Invalid`, `Locked`,
/// `NotEmpty`) or tell the operator (the others). Messages are
/// one line and complete: they contain their cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{kind} {id} does not exist")]
    NotFound { kind: Kind, id: i64 },

    /// What exists already, or what cannot go because something still needs it.
    #[error("{kind} {id} {reason}")]
    Conflict { kind: Kind, id: i64, reason: ConflictReason },

    #[error("the data directory {dir} has numbered a {kind} {id} itself, below {floor}")]
    LowIds { dir: PathBuf, kind: Kind, id: i64, floor: i64 },

    #[error("{0}")]
    Invalid(String),

    #[error("no content with the hash {0}")]
    NoContent(ContentHash),

    #[error("the data directory {dir} is in use by another labboard server{}", at(.owner))]
    Locked { dir: PathBuf, owner: Option<String> },

    #[error("the directory {dir} is not empty")]
    NotEmpty { dir: PathBuf },

    #[error("cannot {action} {path}: {cause}")]
    Io { action: &'static str, path: PathBuf, cause: io::Error },

    #[error("the catalogue failed: {}{}", .0, room(.0))]
    Database(sqlx::Error),

    #[error("cannot bring {path} up to date: {cause}")]
    Migration { path: PathBuf, cause: sqlx::migrate::MigrateError },

    #[error("{place} is damaged: {reason}")]
    Corrupt { place: String, reason: String },
}

impl StoreError {
    /// Whether the disk is full, or one's share of it: the same succeeds once there is room.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        match self {
            Self::Io { cause, .. } => matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded),
            Self::Database(cause) => is_out_of_space(cause),
            _ => false,
        }
    }
}

/// `SQLITE_FULL`, or `SQLITE_IOERR_SHMSIZE`: the index of its log cannot grow.
fn is_out_of_space(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|cause| matches!(cause.code().as_deref(), Some("13" | "4874")))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConflictReason {
    #[error("exists already")]
    Exists,
    #[error("is still in use")]
    InUse,
    #[error("is in the study already")]
    Attached,
    #[error("is not in the study")]
    NotAttached,
    #[error("is no longer in preparation")]
    NotInPreparation,
}

fn at(owner: &Option<String>) -> String {
    owner.as_ref().map_or_else(String::new, |address| format!(" at {address}"))
}

/// SQLite's own words do not always say it.
fn room(error: &sqlx::Error) -> &'static str {
    if is_out_of_space(error) { "; there is no space left on its disk" } else { "" }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { index, source } => {
                StoreError::Corrupt { place: format!("the catalogue's column {index}"), reason: source.to_string() }
            }
            other => StoreError::Database(other),
        }
    }
}

/// Names the file and the attempt for an I/O error.
pub(crate) trait IoContext<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> IoContext<T> for Result<T, io::Error> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|cause| StoreError::Io { action, path: path.to_owned(), cause })
    }
}

/// Runs `work`, which blocks, where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    action: &'static str,
    path: &Path,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).context(action, path)?
}
