use serde::{Deserialize, Serialize};

use super::clients::Outcome;
use super::{Record, Room};
use crate::document::Document;
use crate::id::{ClientId, PersonId, RoomId, Seq};
use crate::mutation::{self, Mutation};

/// A room's durable state, so that its log need not be read from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub seq: Seq,
    pub document: Document,
    /// Who has written lately, the one that has been away longest first.
    pub clients: Vec<RememberedClient>,
}

/// What a snapshot knows of a client, so that a resend has no second effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedClient {
    pub client: ClientId,
    pub person: PersonId,
    /// The client's latest operations: its number and the place in the order.
    pub ops: Vec<(u64, Seq)>,
}

/// Why a log does not give a room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    #[error("the log lacks operation {expected}: {found} follows")]
    Gap { expected: Seq, found: Seq },
}

impl Room {
    /// The committed state.
    pub fn snapshot(&self) -> Snapshot {
        let clients = self.clients.iter().filter_map(|(client, known)| {
            let ops: Vec<(u64, Seq)> = known
                .outcomes
                .iter()
                .filter_map(|(n, outcome)| match outcome {
                    Outcome::Ordered(seq) if *seq <= self.seq => Some((*n, *seq)),
                    _ => None,
                })
                .collect();
            (!ops.is_empty() && !mutation::on(Mutation::SnapshotForgetsOutcomes)).then(|| RememberedClient {
                client: client.clone(),
                person: known.person,
                ops,
            })
        });
        Snapshot { seq: self.seq, document: self.document.clone(), clients: clients.collect() }
    }

    /// The room that a snapshot and the log behind it give. The log may start before the snapshot; keep the last
    /// [`TAIL`](crate::limits::TAIL) records beside it, so that clients can resume.
    ///
    /// # Errors
    /// When the log has a gap, or one lies between snapshot and log.
    pub fn restore(id: RoomId, snapshot: Option<Snapshot>, log: impl IntoIterator<Item = Record>) -> Result<Room, RestoreError> {
        let mut room = Room::new(id);
        if let Some(snapshot) = snapshot {
            room.seq = snapshot.seq;
            room.document = snapshot.document;
            for remembered in snapshot.clients {
                room.clients.remember(&remembered.client, remembered.person);
                for (n, seq) in remembered.ops {
                    room.clients.settle(&remembered.client, n, Outcome::Ordered(seq));
                }
            }
        }
        let snapshot_seq = room.seq;
        for record in log {
            let last = room.tail.back().map(|last| last.seq);
            let expected = last.map_or(snapshot_seq, |last| last).next();
            let fits = record.seq == expected || (last.is_none() && record.seq < expected);
            if !fits {
                return Err(RestoreError::Gap { expected, found: record.seq });
            }
            if record.seq > snapshot_seq {
                room.document.apply(&record.set);
                room.seq = record.seq;
            }
            room.clients.remember(&record.client, record.by);
            if !mutation::on(Mutation::LogForgetsOutcomes) {
                room.clients.settle(&record.client, record.n, Outcome::Ordered(record.seq));
            }
            room.keep(record);
        }
        // A log that ends before its snapshot says nothing about what lies between.
        if room.tail.back().is_some_and(|last| last.seq < snapshot_seq) {
            room.tail.clear();
        }
        room.head = room.document.clone();
        Ok(room)
    }
}
