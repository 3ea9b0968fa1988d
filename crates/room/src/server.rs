//! The server's end: orders operations, checks them, and says what is to be made durable and what is to be sent.
//!
//! A [`Room`] does nothing by itself. One task owns it and turns this crank:
//!
//! 1. [`Room::handle`] (also several times) gives [`Effects`]: records to make durable, messages to send at once.
//! 2. The records of all of them go to the log, in one transaction.
//! 3. [`Room::commit`] gives the messages that acknowledge them and tell everybody.
//!
//! If the log refuses, and surely wrote nothing, [`Room::abort`] takes back what was not committed. If nobody knows what
//! it wrote, the room is dropped and [restored](Room::restore) from the log: clients resend, and no operation is applied
//! twice.

mod clients;
mod outbox;
mod people;
mod snapshot;

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::document::{Changes, Document};
use crate::id::{ClientId, PersonId, RoomId, Seq};
use crate::key::Key;
use crate::limits::{
    CHECKSUM_EVERY, MAX_COMMITTED, MAX_DOCUMENT_BYTES, MAX_KEYS, MAX_OP_KEYS, MAX_OPERATION_NUMBER, MAX_PEOPLE, MAX_PRESENCE_BYTES,
    MAX_TAIL_BYTES, TAIL,
};
use crate::message::{ClientMessage, ClosingReason, Entity, ErrorCode, Moved, PROTOCOL, Person, Presence, ServerMessage, Welcome};
use crate::mutation::{self, Mutation};
use crate::name::Name;
use crate::operation::{Committed, Op, Rejected, Rejection, RejectionCode};
use crate::validate::Validate;
use crate::value::Value;

use clients::{Clients, Outcome};
pub use outbox::Outbox;
use people::{Member, People};
pub use snapshot::{RememberedClient, RestoreError, Snapshot};

/// A connection, numbered by whoever runs the room; no two at a time have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One line of a room's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub seq: Seq,
    /// The client, a secret between it and the server; it recognises resends after a restart.
    pub client: ClientId,
    /// The client's number of the operation.
    pub n: u64,
    pub by: PersonId,
    pub set: Changes,
}

impl Record {
    fn committed(&self) -> Committed {
        Committed { seq: self.seq, by: self.by, n: self.n, set: self.set.clone() }
    }
}

/// Whether somebody may change the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Write,
    Read,
}

/// Who comes in, as `hello` or `join` said it and as the server knows it.
#[derive(Clone, Debug)]
pub struct Entrance {
    pub client: ClientId,
    /// The account's name, or what the client asks for. One that is no [`Name`] counts as none.
    pub name: Option<String>,
    pub resume: Option<Seq>,
    pub access: Access,
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    One(ConnectionId),
    /// Every connection that is in the room when the message is sent.
    All,
}

/// A message and who gets it. What goes to one connection keeps its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub to: Recipient,
    pub message: ServerMessage,
}

impl Outgoing {
    fn one(connection: ConnectionId, message: ServerMessage) -> Outgoing {
        Outgoing { to: Recipient::One(connection), message }
    }

    fn all(message: ServerMessage) -> Outgoing {
        Outgoing { to: Recipient::All, message }
    }
}

/// What is to be done about a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Effects {
    /// To append to the log before [`Room::commit`] is called.
    pub persist: Vec<Record>,
    /// To send at once.
    pub send: Vec<Outgoing>,
}

impl Effects {
    fn send(to: ConnectionId, message: ServerMessage) -> Effects {
        Effects { persist: Vec::new(), send: vec![Outgoing::one(to, message)] }
    }
}

/// A room: its document, its order, its people.
#[derive(Debug)]
pub struct Room {
    id: RoomId,
    /// The document after all committed operations, and the last of them.
    document: Document,
    seq: Seq,
    /// The document after the proposed ones too: new operations are checked against it.
    head: Document,
    /// Ordered, and not durable yet.
    proposed: VecDeque<Record>,
    /// The last committed ones, for who resumes and for guards.
    tail: VecDeque<Record>,
    tail_limit: usize,
    clients: Clients,
    people: People,
}

impl Room {
    /// A room that nobody has changed yet.
    pub fn new(id: RoomId) -> Room {
        Room {
            id,
            document: Document::new(),
            seq: Seq(0),
            head: Document::new(),
            proposed: VecDeque::new(),
            tail: VecDeque::new(),
            tail_limit: TAIL,
            clients: Clients::default(),
            people: People::default(),
        }
    }

    /// Keeps this many operations for who resumes, instead of [`TAIL`].
    #[must_use]
    pub fn with_tail(mut self, operations: usize) -> Room {
        self.tail_limit = operations;
        self.trim();
        self
    }

    pub fn id(&self) -> &RoomId {
        &self.id
    }

    /// The document after the last committed operation.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The last committed operation.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Everybody in the room.
    pub fn people(&self) -> Vec<Person> {
        self.people.list()
    }

    /// What everybody is doing, as far as they have said.
    pub fn presence(&self) -> Vec<Presence> {
        self.people.presence()
    }

    /// The name of who wrote a record, while they are here.
    pub fn author(&self, record: &Record) -> &str {
        let connection = self.people.connection_of(&record.client);
        connection.and_then(|connection| self.people.get(connection)).map_or("", |member| member.person.name.as_str())
    }

    /// Whether nobody is in the room and nothing waits for the log: it may be dropped and restored later.
    pub fn is_idle(&self) -> bool {
        self.people.is_empty() && self.proposed.is_empty()
    }

    /// Lets somebody in. A connection that is in the room already comes in anew; a client that is in over another
    /// connection moves to this one.
    ///
    /// # Errors
    /// [`ErrorCode::RoomFull`], to be sent to the connection.
    pub fn enter(&mut self, connection: ConnectionId, entrance: Entrance) -> Result<Vec<Outgoing>, ServerMessage> {
        let replaced = self.people.connection_of(&entrance.client);
        let is_inside = replaced.is_some() || self.people.get(connection).is_some();
        if !is_inside && self.people.len() >= MAX_PEOPLE {
            return Err(ServerMessage::Error { code: ErrorCode::RoomFull, message: format!("this room has {MAX_PEOPLE} people already") });
        }
        let mut send = self.leave(connection);
        let replaced = replaced.filter(|old| *old != connection);
        if let Some(old) = replaced {
            self.people.remove(old);
            send.push(Outgoing::one(old, ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after_ms: None }));
        }
        let people = &self.people;
        let known = self.clients.enter(&entrance.client, |other| people.has_client(other));
        if let Some(name) = entrance.name.and_then(|name| Name::new(&name).ok()) {
            known.name = Some(name);
        }
        let person = self.people.add(connection, &entrance.client, known, entrance.access == Access::Write);
        send.push(Outgoing::all(ServerMessage::People { changed: vec![person], left: Vec::new(), moved: Vec::new() }));
        send.extend(self.welcome(connection, entrance.resume));
        Ok(send)
    }

    /// Lets somebody out, also when the connection broke.
    pub fn leave(&mut self, connection: ConnectionId) -> Vec<Outgoing> {
        self.depart(connection, None)
    }

    /// Lets somebody out who enters another room. The others hear which one, unless it is a private room that is not theirs.
    pub fn move_on(&mut self, connection: ConnectionId, to: &RoomId) -> Vec<Outgoing> {
        let is_known = to.name().is_none() || to.name() == self.id.name();
        self.depart(connection, is_known.then_some(to))
    }

    fn depart(&mut self, connection: ConnectionId, to: Option<&RoomId>) -> Vec<Outgoing> {
        let Some(member) = self.people.remove(connection) else {
            return Vec::new();
        };
        let id = member.person.id;
        let moved = to.map(|to| Moved { id, to: to.clone() }).into_iter().collect();
        vec![Outgoing::all(ServerMessage::People { changed: Vec::new(), left: vec![id], moved })]
    }

    /// Takes or gives the right to change the room; the person gets a new `welcome` that says so.
    pub fn set_access(&mut self, connection: ConnectionId, access: Access) -> Vec<Outgoing> {
        let Some(member) = self.people.get_mut(connection) else {
            return Vec::new();
        };
        member.can_write = access == Access::Write;
        self.welcome(connection, Some(self.seq)).into_iter().collect()
    }

    /// Handles a message of somebody in the room. `hello` and `join` choose a room, so they are for whoever runs the
    /// rooms, who calls [`Room::enter`].
    pub fn handle(&mut self, from: ConnectionId, message: ClientMessage, validator: &dyn Validate) -> Effects {
        match message {
            ClientMessage::Ping => Effects::send(from, ServerMessage::Pong),
            ClientMessage::Hello { .. } | ClientMessage::Join { .. } => error(from, ErrorCode::Protocol, "already in a room"),
            _ if self.people.get(from).is_none() => error(from, ErrorCode::NotJoined, "say hello first"),
            ClientMessage::Leave => Effects { persist: Vec::new(), send: self.leave(from) },
            ClientMessage::Submit(op) => self.propose(from, op, validator),
            ClientMessage::Presence { state } => self.present(from, state),
            ClientMessage::Rename { name } => self.rename(from, &name),
            ClientMessage::Resync => Effects { persist: Vec::new(), send: self.welcome(from, None).into_iter().collect() },
        }
    }

    /// Says that every proposed operation up to `through` is durable: applies them and acknowledges them to everybody.
    pub fn commit(&mut self, through: Seq) -> Vec<Outgoing> {
        let before = self.seq;
        let mut ops = Vec::new();
        while let Some(record) = self.proposed.pop_front_if(|record| record.seq <= through) {
            self.document.apply(&record.set);
            self.seq = record.seq;
            ops.push(record.committed());
            self.keep(record);
        }
        if ops.is_empty() {
            return Vec::new();
        }
        let mut send = Vec::new();
        while !ops.is_empty() {
            let rest = ops.split_off(ops.len().min(MAX_COMMITTED));
            send.push(Outgoing::all(ServerMessage::Committed { ops }));
            ops = rest;
        }
        if before.0 / CHECKSUM_EVERY != self.seq.0 / CHECKSUM_EVERY {
            send.push(self.checksum());
        }
        send
    }

    /// Says that the log surely has none of the operations that are not committed yet: takes them back and refuses them.
    pub fn abort(&mut self, reason: &str) -> Vec<Outgoing> {
        self.head = self.document.clone();
        let rejection = Rejection::new(RejectionCode::Storage, reason);
        let mut send = Vec::new();
        for record in std::mem::take(&mut self.proposed) {
            if !mutation::on(Mutation::AbortKeepsOutcome) {
                self.clients.settle(&record.client, record.n, Outcome::Rejected(rejection.clone()));
            }
            if let Some(connection) = self.people.connection_of(&record.client) {
                let rejection = rejection.clone();
                send.push(Outgoing::one(connection, ServerMessage::Rejected(Rejected { n: record.n, rejection })));
            }
        }
        send
    }

    /// Tells everybody that data changed.
    pub fn data_changed(&self, entities: Vec<Entity>) -> Vec<Outgoing> {
        vec![Outgoing::all(ServerMessage::Changed { entities })]
    }

    /// The checksum of the document, to be sent now and then; [`Room::commit`] does it every [`CHECKSUM_EVERY`].
    pub fn checksum(&self) -> Outgoing {
        Outgoing::all(ServerMessage::Checksum { seq: self.seq, sum: self.document.checksum() })
    }

    fn keep(&mut self, record: Record) {
        self.tail.push_back(record);
        self.trim();
    }

    fn trim(&mut self) {
        let excess = self.tail.len().saturating_sub(self.tail_limit);
        self.tail.drain(..excess);
    }

    /// The place before the first operation that the room still knows one by one.
    fn tail_start(&self) -> Seq {
        self.tail.front().map_or(self.seq, |record| Seq(record.seq.0.saturating_sub(1)))
    }

    fn welcome(&self, to: ConnectionId, resume: Option<Seq>) -> Option<Outgoing> {
        let member = self.people.get(to)?;
        let bytes_after = |seq: Seq| -> usize {
            let records = self.tail.iter().rev().take_while(|record| record.seq > seq);
            records.flat_map(|record| &record.set).map(|(key, value)| key.as_str().len() + value.as_ref().map_or(0, Value::bytes)).sum()
        };
        let resume = resume.filter(|seq| (self.tail_start()..=self.seq).contains(seq)).filter(|seq| bytes_after(*seq) <= MAX_TAIL_BYTES);
        let from = resume.map(|seq| if mutation::on(Mutation::TailOffByOne) { seq.next() } else { seq });
        let tail = from.map_or(Vec::new(), |from| self.tail.iter().filter(|record| record.seq > from).map(Record::committed).collect());
        let welcome = Welcome {
            protocol: PROTOCOL,
            room: self.id.clone(),
            you: member.person.clone(),
            can_write: member.can_write,
            seq: self.seq,
            snapshot: resume.is_none().then(|| self.document.clone()),
            tail,
            people: self.people.list(),
            presence: self.people.presence(),
            checksum: self.document.checksum(),
        };
        Some(Outgoing::one(to, ServerMessage::Welcome(Box::new(welcome))))
    }

    fn propose(&mut self, from: ConnectionId, op: Op, validator: &dyn Validate) -> Effects {
        let Some(member) = self.people.get(from) else {
            return Effects::default();
        };
        let (client, n) = (member.client.clone(), op.n);
        if n > MAX_OPERATION_NUMBER {
            return reject(
                from,
                n,
                Rejection::new(RejectionCode::Invalid, format!("operations have numbers up to {MAX_OPERATION_NUMBER}")),
            );
        }
        let last = self.clients.last(&client);
        if n < last || (n == last && !mutation::on(Mutation::ApplyResendAgain)) {
            return self.answer_again(from, &client, n);
        }
        match self.check(member, op, validator) {
            Ok(set) => {
                let seq = self.proposed.back().map_or(self.seq, |last| last.seq).next();
                let record = Record { seq, by: member.person.id, n, set, client };
                self.head.apply(&record.set);
                self.clients.settle(&record.client, n, Outcome::Ordered(seq));
                self.proposed.push_back(record.clone());
                let send = if mutation::on(Mutation::CommitBeforeDurable) { self.commit(seq) } else { Vec::new() };
                Effects { persist: vec![record], send }
            }
            Err(rejection) => {
                self.clients.settle(&client, n, Outcome::Rejected(rejection.clone()));
                reject(from, n, rejection)
            }
        }
    }

    /// A resend gets the outcome it had, and has no other effect.
    fn answer_again(&self, from: ConnectionId, client: &ClientId, n: u64) -> Effects {
        match self.clients.outcome(client, n) {
            // Not durable yet: the answer comes with the commit.
            Some(Outcome::Ordered(seq)) if *seq > self.seq && !mutation::on(Mutation::AcknowledgeBeforeDurable) => Effects::default(),
            Some(Outcome::Ordered(seq)) => Effects::send(from, ServerMessage::Acknowledged { n, seq: *seq }),
            Some(Outcome::Rejected(rejection)) => reject(from, n, rejection.clone()),
            // Refusals are not in the log, so after a restart this is what became of them.
            None => reject(from, n, Rejection::new(RejectionCode::Stale, "the room has moved on since")),
        }
    }

    /// What the operation sets once its guard has been looked at, or why it may not.
    fn check(&self, member: &Member, op: Op, validator: &dyn Validate) -> Result<Changes, Rejection> {
        if !member.can_write {
            return Err(Rejection::new(RejectionCode::ReadOnly, "you may look at this room but not change it"));
        }
        if op.set.len() > MAX_OP_KEYS {
            return Err(Rejection::new(RejectionCode::Limit, format!("one operation sets at most {MAX_OP_KEYS} properties")));
        }
        let mut set = op.set;
        if let Some(guard) = op.guard.filter(|_| !mutation::on(Mutation::IgnoreGuard)) {
            if guard < self.tail_start() && !mutation::on(Mutation::GuardTrustsShortTail) {
                set.clear();
            } else {
                let written = self.written_after(guard);
                set.retain(|key, _| !written.contains(key));
            }
            if set.is_empty() {
                return Err(Rejection::new(RejectionCode::Superseded, "somebody has changed it since"));
            }
        }
        if set.is_empty() {
            return Err(Rejection::new(RejectionCode::Invalid, "the operation sets nothing"));
        }
        for (key, value) in &set {
            if let Some(value) = value {
                validator.check(key, value).map_err(|reason| Rejection::new(RejectionCode::Invalid, reason).at(key))?;
            }
        }
        self.check_size(&set)?;
        Ok(set)
    }

    fn written_after(&self, guard: Seq) -> BTreeSet<&Key> {
        let proposed = self.proposed.iter().filter(|_| !mutation::on(Mutation::GuardForgetsProposed));
        self.tail.iter().chain(proposed).rev().take_while(|record| record.seq > guard).flat_map(|record| record.set.keys()).collect()
    }

    fn check_size(&self, set: &Changes) -> Result<(), Rejection> {
        let (mut keys, mut bytes) = (self.head.len(), self.head.bytes());
        for (key, value) in set {
            if let Some(old) = self.head.get(key) {
                keys -= 1;
                bytes -= key.as_str().len() + old.bytes();
            }
            if let Some(new) = value {
                keys += 1;
                bytes += key.as_str().len() + new.bytes();
            }
        }
        // What makes the document smaller is always right, also when it is too large already.
        let grows = bytes > self.head.bytes();
        if keys > MAX_KEYS && keys > self.head.len() {
            return Err(Rejection::new(RejectionCode::Limit, format!("a room has at most {MAX_KEYS} properties")));
        }
        if bytes > MAX_DOCUMENT_BYTES && grows {
            return Err(Rejection::new(RejectionCode::Limit, format!("a room's view is at most {MAX_DOCUMENT_BYTES} bytes long")));
        }
        Ok(())
    }

    fn present(&mut self, from: ConnectionId, state: Value) -> Effects {
        if state.bytes() > MAX_PRESENCE_BYTES {
            return error(from, ErrorCode::TooLarge, "the presence is too long");
        }
        let Some(member) = self.people.get_mut(from) else {
            return Effects::default();
        };
        member.presence = Some(state.clone());
        let presence = Presence { from: member.person.id, state };
        Effects { persist: Vec::new(), send: vec![Outgoing::all(ServerMessage::Presence { people: vec![presence] })] }
    }

    fn rename(&mut self, from: ConnectionId, name: &str) -> Effects {
        let name = match Name::new(name) {
            Ok(name) => name,
            Err(reason) => return error(from, ErrorCode::InvalidName, &reason.to_string()),
        };
        let Some(member) = self.people.get_mut(from) else {
            return Effects::default();
        };
        member.person.name = name.to_string();
        member.guest = None;
        let person = member.person.clone();
        if let Some(known) = self.clients.get_mut(&member.client) {
            known.name = Some(name);
        }
        Effects {
            persist: Vec::new(),
            send: vec![Outgoing::all(ServerMessage::People { changed: vec![person], left: Vec::new(), moved: Vec::new() })],
        }
    }
}

fn error(to: ConnectionId, code: ErrorCode, message: &str) -> Effects {
    Effects::send(to, ServerMessage::Error { code, message: message.to_owned() })
}

fn reject(to: ConnectionId, n: u64, rejection: Rejection) -> Effects {
    Effects::send(to, ServerMessage::Rejected(Rejected { n, rejection }))
}

#[cfg(test)]
mod tests;
