//! Own operations that the server has not answered.

use std::collections::VecDeque;

use crate::document::{Changes, Document};
use crate::gather::gather;
use crate::id::Seq;
use crate::key::Key;
use crate::value::Value;

/// Which of the two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revert {
    Undo,
    Redo,
}

#[derive(Debug)]
pub(super) struct Pending {
    pub(super) n: u64,
    pub(super) set: Changes,
    is_revert: bool,
    /// The pending operation that a revert takes back: `set` is an estimate until that one has its place.
    pub(super) waits_for: Option<u64>,
    /// Of a revert, once it has been sent.
    pub(super) guard: Option<Seq>,
    pub(super) is_sent: bool,
}

impl Pending {
    pub(super) fn edit(n: u64, set: Changes) -> Pending {
        Pending { n, set, is_revert: false, waits_for: None, guard: None, is_sent: false }
    }

    pub(super) fn revert(n: u64, set: Changes, waits_for: Option<u64>) -> Pending {
        Pending { is_revert: true, waits_for, ..Pending::edit(n, set) }
    }

    /// A revert that has not been sent, whether or not it is known what it restores.
    pub(super) fn is_unsent_revert(&self) -> bool {
        self.is_revert && self.guard.is_none()
    }

    /// It is not known any more who has written what since, so a revert that is not guarded yet must set nothing. One
    /// that waits is safe: what it takes back has no place in the order yet.
    pub(super) fn forget(&mut self) {
        if self.is_unsent_revert() && self.waits_for.is_none() {
            self.set.clear();
        }
    }

    /// The operation that this one takes back has its place, and this is what stood there before it.
    pub(super) fn resolve(&mut self, n: u64, before: &Changes) {
        if self.waits_for == Some(n) {
            self.waits_for = None;
            self.set = before.clone();
        }
    }

    /// Others have written these properties after what this revert takes back, so it leaves them alone; the server would
    /// leave them out as well. A revert that still waits takes back an operation that comes after theirs.
    pub(super) fn foreign<'a>(&mut self, keys: impl Iterator<Item = &'a Key>) {
        if self.is_revert && self.waits_for.is_none() {
            for key in keys {
                self.set.remove(key);
            }
        }
    }
}

/// The value of a property after the document and these operations.
pub(super) fn value<'a>(base: &'a Document, pending: impl DoubleEndedIterator<Item = &'a Pending>, key: &Key) -> Option<&'a Value> {
    match pending.rev().find_map(|pending| pending.set.get(key)) {
        Some(value) => value.as_ref(),
        None => base.get(key),
    }
}

/// What stands before the pending operation `n` in the properties that it sets; nothing when there is no such one.
pub(super) fn before(base: &Document, pending: &VecDeque<Pending>, n: u64) -> Changes {
    let Some(at) = pending.iter().position(|pending| pending.n == n) else {
        return Changes::new();
    };
    gather(pending[at].set.keys().map(|key| {
        let value = value(base, pending.iter().take(at), key);
        (key.clone(), value.cloned())
    }))
}
