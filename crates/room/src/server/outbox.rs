use std::collections::BTreeMap;

use super::{Outgoing, Recipient};
use crate::id::PersonId;
use crate::limits::MAX_COMMITTED;
use crate::message::{Presence, ServerMessage};
use crate::value::Value;

/// Collects what is to be sent until the next flush, and makes few messages of many: neighbouring commits, people and
/// data changes become one message each, and of each person's presence the last one stays.
///
/// What goes to one connection keeps its order, except that presence comes last.
#[derive(Debug, Default)]
pub struct Outbox {
    messages: Vec<Outgoing>,
    presence: BTreeMap<PersonId, Value>,
}

impl Outbox {
    pub fn new() -> Outbox {
        Outbox::default()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.presence.is_empty()
    }

    pub fn push(&mut self, outgoing: Outgoing) {
        let Outgoing { to, message } = outgoing;
        match (to, message) {
            (Recipient::All, ServerMessage::Presence { people }) => {
                let latest = people.into_iter().map(|p| (p.from, p.state));
                self.presence.extend(latest);
            }
            (to, message) => {
                if let ServerMessage::People { left, .. } = &message {
                    for person in left {
                        self.presence.remove(person);
                    }
                }
                let message = match self.messages.last_mut().filter(|last| last.to == to) {
                    Some(last) => merge(&mut last.message, message),
                    None => Some(message),
                };
                if let Some(message) = message {
                    self.messages.push(Outgoing { to, message });
                }
            }
        }
    }

    pub fn extend(&mut self, outgoing: impl IntoIterator<Item = Outgoing>) {
        for one in outgoing {
            self.push(one);
        }
    }

    /// Takes everything out, to be sent now.
    #[must_use]
    pub fn take(&mut self) -> Vec<Outgoing> {
        let mut messages = std::mem::take(&mut self.messages);
        let people: Vec<Presence> = std::mem::take(&mut self.presence).into_iter().map(|(from, state)| Presence { from, state }).collect();
        if !people.is_empty() {
            messages.push(Outgoing::all(ServerMessage::Presence { people }));
        }
        messages
    }
}

/// Puts `new` into `last` and gives back what did not fit.
fn merge(last: &mut ServerMessage, new: ServerMessage) -> Option<ServerMessage> {
    match (last, new) {
        (ServerMessage::Committed { ops }, ServerMessage::Committed { ops: more }) if ops.len() + more.len() <= MAX_COMMITTED => {
            ops.extend(more);
            None
        }
        (ServerMessage::People { changed, left, moved }, ServerMessage::People { changed: more, left: gone, moved: away }) => {
            changed.retain(|p| !gone.contains(&p.id) && !more.iter().any(|new| new.id == p.id));
            left.retain(|id| !more.iter().any(|new| new.id == *id));
            moved.retain(|moved| left.contains(&moved.id));
            changed.extend(more);
            left.extend(gone);
            moved.extend(away);
            None
        }
        (ServerMessage::Changed { entities }, ServerMessage::Changed { entities: more }) => {
            for entity in more {
                if !entities.contains(&entity) {
                    entities.push(entity);
                }
            }
            None
        }
        (_, new) => Some(new),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::Seq;
    use crate::message::{Entity, EntityKind, Person};
    use crate::operation::Committed;
    use crate::server::ConnectionId;

    fn commit(seq: u64) -> Outgoing {
        Outgoing::all(ServerMessage::Committed {
            ops: vec![Committed { seq: Seq(seq), by: PersonId(1), n: seq, set: crate::Changes::new() }],
        })
    }

    fn presence(from: u64, state: i64) -> Outgoing {
        Outgoing::all(ServerMessage::Presence {
            people: vec![Presence { from: PersonId(from), state: Value::new(json!(state)).expect("a value") }],
        })
    }

    fn people(changed: &[u64], left: &[u64]) -> Outgoing {
        let person = |&id: &u64| Person { id: PersonId(id), name: format!("Guest {id}"), color: 0 };
        Outgoing::all(ServerMessage::People {
            changed: changed.iter().map(person).collect(),
            left: left.iter().copied().map(PersonId).collect(),
            moved: Vec::new(),
        })
    }

    #[test]
    fn merges_neighbours_and_keeps_the_order() {
        let mut outbox = Outbox::new();
        let pong = Outgoing::one(ConnectionId(7), ServerMessage::Pong);
        outbox.extend([commit(1), presence(1, 1), commit(2), pong.clone(), commit(3)]);
        outbox.extend([presence(2, 5), presence(1, 2)]);
        let sent = outbox.take();
        let seqs = |outgoing: &Outgoing| match &outgoing.message {
            ServerMessage::Committed { ops } => ops.iter().map(|op| op.seq.0).collect(),
            _ => Vec::new(),
        };
        assert_eq!(seqs(&sent[0]), [1, 2]);
        assert_eq!(sent[1], pong);
        assert_eq!(seqs(&sent[2]), [3]);
        let ServerMessage::Presence { people } = &sent[3].message else {
            panic!("presence comes last");
        };
        assert_eq!(people.iter().map(|p| p.state.as_f64()).collect::<Vec<_>>(), [Some(2.0), Some(5.0)]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn who_left_has_no_presence_and_who_came_back_is_here() {
        let mut outbox = Outbox::new();
        outbox.extend([people(&[1, 2], &[]), presence(1, 1), people(&[], &[1]), people(&[2], &[])]);
        assert_eq!(outbox.take(), [people(&[2], &[1])]);
        outbox.extend([people(&[], &[1]), people(&[1], &[])]);
        assert_eq!(outbox.take(), [people(&[1], &[])]);
    }

    #[test]
    fn an_entity_is_named_once() {
        let changed = |id| {
            let kind = EntityKind::Task;
            Outgoing::all(ServerMessage::Changed { entities: vec![Entity { kind, id }] })
        };
        let mut outbox = Outbox::new();
        outbox.extend([changed(3), changed(3), changed(4)]);
        let sent = outbox.take();
        assert_eq!(sent.len(), 1);
        assert!(matches!(&sent[0].message, ServerMessage::Changed { entities } if entities.len() == 2));
    }
}
