//! What a room remembers of each client, so that a resend has no second effect and a returning person is the same one.

use std::collections::{BTreeMap, VecDeque};
use std::mem::discriminant;

use crate::id::{ClientId, PersonId, Seq};
use crate::limits::{MAX_CLIENTS, MAX_PENDING};
use crate::mutation::{self, Mutation};
use crate::name::Name;
use crate::operation::Rejection;

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has this place in the order, durable or about to be.
    Ordered(Seq),
    Rejected(Rejection),
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) person: PersonId,
    pub(super) name: Option<Name>,
    pub(super) color: Option<u8>,
    /// The highest number that has an outcome.
    pub(super) last: u64,
    /// The latest outcomes of each kind, by number.
    pub(super) outcomes: VecDeque<(u64, Outcome)>,
    /// When it was here last, in the order of all entrances and operations.
    touched: u64,
}

#[derive(Debug, Default)]
pub(super) struct Clients {
    known: BTreeMap<ClientId, Known>,
    next_person: u64,
    clock: u64,
}

impl Clients {
    /// The client that comes in; a new one pushes out the one that has been away longest.
    pub(super) fn enter(&mut self, client: &ClientId, is_here: impl Fn(&ClientId) -> bool) -> &mut Known {
        if !self.known.contains_key(client) && self.known.len() >= MAX_CLIENTS {
            let longest_away = self
                .known
                .iter()
                .filter(|(other, _)| !is_here(other))
                .min_by_key(|(_, known)| known.touched)
                .map(|(other, _)| other.clone());
            if let Some(other) = longest_away {
                self.known.remove(&other);
            }
        }
        self.clock += 1;
        let next_person = &mut self.next_person;
        let known = self.known.entry(client.clone()).or_insert_with(|| {
            *next_person += 1;
            Known { person: PersonId(*next_person), name: None, color: None, last: 0, outcomes: VecDeque::new(), touched: 0 }
        });
        known.touched = self.clock;
        known
    }

    /// Restores that a client has been here as this person.
    pub(super) fn remember(&mut self, client: &ClientId, person: PersonId) {
        self.enter(client, |_| false).person = person;
        if !mutation::on(Mutation::RestartReusesPeople) {
            self.next_person = self.next_person.max(person.0);
        }
    }

    pub(super) fn get_mut(&mut self, client: &ClientId) -> Option<&mut Known> {
        self.known.get_mut(client)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ClientId, &Known)> {
        // The one that has been away longest first, so that a restored room forgets in the same order.
        let mut all: Vec<_> = self.known.iter().collect();
        all.sort_by_key(|(_, known)| known.touched);
        all.into_iter()
    }

    pub(super) fn last(&self, client: &ClientId) -> u64 {
        self.known.get(client).map_or(0, |known| known.last)
    }

    pub(super) fn outcome(&self, client: &ClientId, n: u64) -> Option<&Outcome> {
        let outcomes = &self.known.get(client)?.outcomes;
        let at = outcomes.binary_search_by_key(&n, |(n, _)| *n).ok()?;
        outcomes.get(at).map(|(_, outcome)| outcome)
    }

    /// Keeps the outcome of an operation; a second one for the same number replaces the first.
    pub(super) fn settle(&mut self, client: &ClientId, n: u64, outcome: Outcome) {
        self.clock += 1;
        let Some(known) = self.known.get_mut(client) else {
            return;
        };
        known.touched = self.clock;
        known.last = known.last.max(n);
        let kind = discriminant(&outcome);
        match known.outcomes.binary_search_by_key(&n, |(n, _)| *n) {
            Ok(at) => known.outcomes[at].1 = outcome,
            Err(at) => known.outcomes.insert(at, (n, outcome)),
        }
        // Refusals are told at once and overtake the operations that wait for the disk, so they do not push those out.
        let alike = |(_, other): &&(u64, Outcome)| discriminant(other) == kind || mutation::on(Mutation::RefusalsPushOutOrdered);
        if known.outcomes.iter().filter(alike).count() > MAX_PENDING
            && let Some(oldest) = known.outcomes.iter().position(|outcome| alike(&outcome))
        {
            known.outcomes.remove(oldest);
        }
    }
}
