//! One person's undo and redo: what stood before each of their operations, as long as it may be restored.

use std::collections::VecDeque;

use super::pending::Revert;
use crate::document::{Changes, Document};
use crate::gather::gather;
use crate::key::Key;
use crate::limits::MAX_HISTORY;

/// An own operation that can be taken back.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) n: u64,
    /// Whether the operation has its place in the room's order. Before that `before` is only known by its keys.
    pub(super) is_committed: bool,
    /// What stood in the order right before the operation. Properties that others have written since are taken out.
    pub(super) before: Changes,
    /// Those that were taken out.
    pub(super) lost: Vec<Key>,
}

impl Entry {
    /// Whether others have written all of it since.
    pub(super) fn is_void(&self) -> bool {
        self.before.is_empty()
    }
}

/// Two stacks of entries, with the room's rule: never revert somebody else's later change.
#[derive(Debug, Default)]
pub(super) struct History {
    undo: VecDeque<Entry>,
    redo: VecDeque<Entry>,
}

impl History {
    pub(super) fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    pub(super) fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// A new operation of this person; there is nothing to redo after it.
    pub(super) fn edit<'a>(&mut self, n: u64, keys: impl Iterator<Item = &'a Key>) {
        self.redo.clear();
        push(&mut self.undo, entry(n, keys));
    }

    /// The last entry of a stack.
    pub(super) fn pop(&mut self, which: Revert) -> Option<Entry> {
        match which {
            Revert::Undo => self.undo.pop_back(),
            Revert::Redo => self.redo.pop_back(),
        }
    }

    /// The operation `n` is this undo (or redo), so taking it back is a redo (or undo).
    pub(super) fn reverted<'a>(&mut self, which: Revert, n: u64, keys: impl Iterator<Item = &'a Key>) {
        match which {
            Revert::Undo => push(&mut self.redo, entry(n, keys)),
            Revert::Redo => push(&mut self.undo, entry(n, keys)),
        }
    }

    /// The operation has its place, and this is what stood there before it.
    pub(super) fn committed(&mut self, n: u64, before: Changes) {
        if let Some(entry) = self.entries().find(|entry| entry.n == n) {
            entry.is_committed = true;
            entry.before = before;
        }
    }

    /// Others have written these properties.
    pub(super) fn foreign<'a>(&mut self, keys: impl Iterator<Item = &'a Key>) {
        for key in keys {
            for entry in self.entries().filter(|entry| entry.is_committed) {
                if entry.before.remove(key).is_some() {
                    entry.lost.push(key.clone());
                }
            }
        }
    }

    /// The operation never came to be.
    pub(super) fn remove(&mut self, n: u64) {
        self.retain(|entry| entry.n != n);
    }

    /// It is not known any more who has written what since.
    pub(super) fn forget_committed(&mut self) {
        self.retain(|entry| !entry.is_committed);
    }

    fn entries(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.undo.iter_mut().chain(&mut self.redo)
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        self.undo.retain(&keep);
        self.redo.retain(&keep);
    }
}

fn entry<'a>(n: u64, keys: impl Iterator<Item = &'a Key>) -> Entry {
    Entry { n, is_committed: false, before: gather(keys.map(|key| (key.clone(), None))), lost: Vec::new() }
}

fn push<T>(stack: &mut VecDeque<T>, item: T) {
    stack.push_back(item);
    if stack.len() > MAX_HISTORY {
        stack.pop_front();
    }
}

/// The history of somebody on their own: nobody else is there.
#[derive(Debug, Default)]
pub(super) struct OwnHistory {
    undo: VecDeque<Changes>,
    redo: VecDeque<Changes>,
}

impl OwnHistory {
    pub(super) fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    pub(super) fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    pub(super) fn edit(&mut self, document: &mut Document, set: Changes) {
        self.redo.clear();
        push(&mut self.undo, exchange(document, &set));
    }

    pub(super) fn revert(&mut self, document: &mut Document, which: Revert) {
        let (from, to) = match which {
            Revert::Undo => (&mut self.undo, &mut self.redo),
            Revert::Redo => (&mut self.redo, &mut self.undo),
        };
        if let Some(set) = from.pop_back() {
            push(to, exchange(document, &set));
        }
    }
}

/// Applies the changes and gives back what stood there.
fn exchange(document: &mut Document, set: &Changes) -> Changes {
    let before = gather(set.keys().map(|key| (key.clone(), document.get(key).cloned())));
    document.apply(set);
    before
}
