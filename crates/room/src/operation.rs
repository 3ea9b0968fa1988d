use serde::{Deserialize, Serialize};

use crate::document::Changes;
use crate::id::{PersonId, Seq};
use crate::key::Key;

/// A change that a client asks for: several properties at once, all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// The client's own number of the operation: 1, 2, 3, ... A resend has the same number and is not applied twice.
    pub n: u64,
    /// New values; `null` in JSON resets a property to its default.
    pub set: Changes,
    /// For undo and redo: properties that anybody has written after this place in the order are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Seq>,
}

/// An operation in its place in the room's order, durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    pub seq: Seq,
    /// Who did it.
    pub by: PersonId,
    /// Their number of it.
    pub n: u64,
    /// What was set: for a guarded operation perhaps less than was asked for.
    pub set: Changes,
}

/// A refused operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The client's number of it.
    pub n: u64,
    #[serde(flatten)]
    pub rejection: Rejection,
}

/// Why an operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub struct Rejection {
    pub code: RejectionCode,
    /// For the person: one sentence.
    pub reason: String,
    /// The property at fault, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

/// The kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// The value does not fit the control or the data.
    Invalid,
    /// This person may look but not change.
    ReadOnly,
    /// One of the [`limits`](crate::limits).
    Limit,
    /// An undo or redo, and others have written all of its properties since.
    Superseded,
    /// A number that the room has passed already and whose outcome it no longer knows.
    Stale,
    /// The operation could not be made durable.
    Storage,
    /// A code of a later version of the protocol.
    #[serde(other)]
    Other,
}

impl Rejection {
    pub fn new(code: RejectionCode, reason: impl Into<String>) -> Rejection {
        Rejection { code, reason: reason.into(), key: None }
    }

    #[must_use]
    pub fn at(mut self, key: &Key) -> Rejection {
        self.key = Some(key.clone());
        self
    }
}
