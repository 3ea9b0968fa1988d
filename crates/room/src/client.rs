//! The client's end: the room as one client sees it, with its own changes applied at once.
//!
//! A [`Replica`] does nothing by itself. Each call gives a [`Step`]: what changed for the person, and what to send.

mod history;
mod pending;

use std::collections::{BTreeMap, VecDeque};

use crate::document::{Changes, Document};
use crate::gather::gather;
use crate::id::{ClientId, PersonId, RoomId, Seq};
use crate::key::Key;
use crate::limits::{MAX_KEYS, MAX_MESSAGE_BYTES, MAX_OP_KEYS, MAX_PENDING};
use crate::message::{ClientMessage, ClosingReason, Entity, ErrorCode, PROTOCOL, Person, ServerMessage, Welcome};
use crate::mutation::{self, Mutation};
use crate::operation::{Committed, Op, Rejected, Rejection};
use crate::value::Value;

use history::{History, OwnHistory};
use pending::{Pending, Revert};

/// What a call on a [`Replica`] leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// What changed for the person, in order.
    pub events: Vec<Event>,
    /// What to send, in order.
    pub send: Vec<ClientMessage>,
}

/// Something that changed for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Visible values that changed together: all of one operation, to be applied as one. `None` is the default again.
    Changed {
        values: Changes,
        /// Who did it, if it was one person's doing.
        by: Option<PersonId>,
    },
    /// An own change was refused; a `Changed` that rolls it back follows, where it shows.
    Rejected {
        rejection: Rejection,
        /// What it would have set.
        set: Changes,
    },
    /// An undo or redo left these alone, because others have written them since.
    LeftAlone { keys: Vec<Key> },
    /// The replica is up to date. Data may have changed meanwhile, so figures are to be fetched again if their ETag says so.
    Joined,
    /// The copy had come to differ from the room's and is being fetched anew.
    Diverged,
    /// [`Replica::people`] or [`Replica::me`] changed.
    People,
    /// What somebody else does changed; `None` when they left.
    Presence { from: PersonId, state: Option<Value> },
    /// Somebody goes to another room.
    Moved { id: PersonId, to: RoomId },
    /// Data changed: figures that show one of these are to be fetched again.
    DataChanged { entities: Vec<Entity> },
    /// The server could not do something.
    Error { code: ErrorCode, message: String },
    /// The server closes the connection; without `retry_after_ms` do not come back by yourself.
    Closing { reason: ClosingReason, retry_after_ms: Option<u64> },
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("you may look at this room but not change it")]
    ReadOnly,
    #[error("one operation sets at most {MAX_OP_KEYS} properties")]
    TooManyKeys,
    #[error("a view has at most {MAX_KEYS} properties")]
    DocumentFull,
    #[error("the change is too long to be sent")]
    TooLong,
    #[error("{MAX_PENDING} changes wait for the server already")]
    TooManyPending,
    #[error("somebody has changed it since")]
    Superseded,
}

/// Where the replica stands with its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No connection: own changes are kept.
    Offline,
    /// Waits for the room's `welcome`.
    Joining,
    /// In the room.
    Live,
}

/// Whose view is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Together,
    OnMyOwn,
}

/// The view of somebody who has stepped out.
#[derive(Debug)]
struct Own {
    document: Document,
    history: OwnHistory,
}

/// One client's copy of a room.
#[derive(Debug)]
pub struct Replica {
    room: RoomId,
    client: ClientId,
    name: Option<String>,
    status: Status,
    me: Option<Person>,
    can_write: bool,
    /// The document as the server has ordered it, and the last operation in it.
    base: Document,
    seq: Seq,
    /// Whether `base` came from the room.
    has_base: bool,
    /// Own operations without an answer, in order.
    pending: VecDeque<Pending>,
    last_n: u64,
    history: History,
    own: Option<Own>,
    people: BTreeMap<PersonId, Person>,
    presence: BTreeMap<PersonId, Value>,
}

impl Replica {
    /// A copy that knows nothing yet. `client` is fresh for every replica, see [`ClientId`].
    pub fn new(room: RoomId, client: ClientId) -> Replica {
        Replica {
            room,
            client,
            name: None,
            status: Status::Offline,
            me: None,
            can_write: true,
            base: Document::new(),
            seq: Seq(0),
            has_base: false,
            pending: VecDeque::new(),
            last_n: 0,
            history: History::default(),
            own: None,
            people: BTreeMap::new(),
            presence: BTreeMap::new(),
        }
    }

    /// A copy that starts with what the server rendered: the room's document at `seq`.
    pub fn with_document(room: RoomId, client: ClientId, seq: Seq, document: Document) -> Replica {
        Replica { base: document, seq, has_base: true, ..Replica::new(room, client) }
    }

    // ---- what is

    pub fn room(&self) -> &RoomId {
        &self.room
    }

    pub fn status(&self) -> Status {
        self.status
    }

    pub fn mode(&self) -> Mode {
        match self.own {
            None => Mode::Together,
            Some(_) => Mode::OnMyOwn,
        }
    }

    /// The visible value of a property; `None` is its default.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        match &self.own {
            Some(own) => own.document.get(key),
            None => pending::value(&self.base, self.pending.iter(), key),
        }
    }

    /// What the person sees.
    pub fn view(&self) -> Document {
        match &self.own {
            Some(own) => own.document.clone(),
            None => self.room_view(),
        }
    }

    /// What the person would see together with the others: the room's order and own changes on top.
    pub fn room_view(&self) -> Document {
        let mut document = self.base.clone();
        for pending in &self.pending {
            document.apply(&pending.set);
        }
        document
    }

    /// The document as the server has ordered it, without own changes that have no answer.
    pub fn confirmed(&self) -> &Document {
        &self.base
    }

    /// The last operation in [`confirmed`](Replica::confirmed).
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// What joining the others would change; empty when together.
    pub fn differences(&self) -> Changes {
        match &self.own {
            Some(own) => own.document.difference(&self.room_view()),
            None => Changes::new(),
        }
    }

    /// Own operations without an answer: 0 means that everything is saved.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// This person, once the room has said so.
    pub fn me(&self) -> Option<&Person> {
        self.me.as_ref()
    }

    pub fn can_write(&self) -> bool {
        self.can_write
    }

    /// Everybody in the room, also this person.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// What the others are doing.
    pub fn presence(&self) -> impl Iterator<Item = (PersonId, &Value)> {
        self.presence.iter().map(|(from, state)| (*from, state))
    }

    pub fn can_undo(&self) -> bool {
        match &self.own {
            Some(own) => own.history.can_undo(),
            None => self.history.can_undo(),
        }
    }

    pub fn can_redo(&self) -> bool {
        match &self.own {
            Some(own) => own.history.can_redo(),
            None => self.history.can_redo(),
        }
    }

    // ---- the connection

    /// The first message on a new connection.
    pub fn hello(&mut self) -> ClientMessage {
        self.status = Status::Joining;
        ClientMessage::Hello {
            protocol: PROTOCOL,
            room: self.room.clone(),
            client: self.client.clone(),
            name: self.name.clone(),
            resume: self.has_base.then_some(self.seq),
        }
    }

    /// Instead of [`hello`](Replica::hello), when the connection was in another room.
    pub fn join(&mut self) -> ClientMessage {
        self.status = Status::Joining;
        ClientMessage::Join { room: self.room.clone(), client: self.client.clone(), resume: self.has_base.then_some(self.seq) }
    }

    /// The connection broke. Own changes go on and are sent after the next `welcome`.
    pub fn disconnected(&mut self) -> Step {
        self.status = Status::Offline;
        let mut step = Step::default();
        for (from, _) in std::mem::take(&mut self.presence) {
            step.events.push(Event::Presence { from, state: None });
        }
        step
    }

    /// What this person is doing; `None` while nobody would hear it.
    pub fn present(&self, state: Value) -> Option<ClientMessage> {
        (self.status == Status::Live).then_some(ClientMessage::Presence { state })
    }

    /// Takes another name, now and for later connections.
    pub fn rename(&mut self, name: &str) -> Step {
        self.name = Some(name.to_owned());
        let mut step = Step::default();
        if self.status == Status::Live {
            step.send.push(ClientMessage::Rename { name: name.to_owned() });
        }
        step
    }

    /// Takes a message of the server.
    pub fn receive(&mut self, message: ServerMessage) -> Step {
        let mut step = Step::default();
        let waits = self.status != Status::Live && !mutation::on(Mutation::ListenBeforeWelcome);
        match message {
            ServerMessage::Welcome(welcome) => self.welcome(*welcome, &mut step),
            ServerMessage::Error { code, message } => {
                step.events.push(Event::Error { code, message });
            }
            ServerMessage::Closing { reason, retry_after_ms } => step.events.push(Event::Closing { reason, retry_after_ms }),
            ServerMessage::Pong => {}
            // Whatever comes before the welcome is of another room, or in the welcome, or will be answered again.
            _ if waits => {}
            ServerMessage::Committed { ops } => {
                for op in ops {
                    if !self.advance(op, &mut step) {
                        self.resync(&mut step);
                        break;
                    }
                }
            }
            ServerMessage::Acknowledged { n, seq } => self.acknowledged(n, seq, &mut step),
            ServerMessage::Rejected(rejected) => self.rejected(rejected, &mut step),
            ServerMessage::People { changed, left, moved } => {
                step.events.extend(moved.into_iter().map(|moved| Event::Moved { id: moved.id, to: moved.to }));
                self.people_changed(changed, left, &mut step);
            }
            ServerMessage::Presence { people } => {
                let me = self.me.as_ref().map(|me| me.id);
                for presence in people.into_iter().filter(|p| Some(p.from) != me) {
                    let (from, state) = (presence.from, presence.state);
                    self.presence.insert(from, state.clone());
                    let state = Some(state);
                    step.events.push(Event::Presence { from, state });
                }
            }
            ServerMessage::Changed { entities } => {
                step.events.push(Event::DataChanged { entities });
            }
            ServerMessage::Checksum { seq, sum } => {
                let is_older = seq < self.seq;
                let agrees = seq == self.seq && (sum == self.base.checksum() || mutation::on(Mutation::IgnoreChecksum));
                if !is_older && !agrees {
                    self.resync(&mut step);
                }
            }
        }
        self.flush(&mut step);
        step
    }

    // ---- changes

    /// Sets several properties at once: one gesture, one operation, one undo. Without a visible difference it does nothing.
    ///
    /// # Errors
    /// When it breaks a limit, or this person may not change the room. Nothing has changed then.
    pub fn set(&mut self, set: Changes) -> Result<Step, Refused> {
        let mut step = Step::default();
        if set.len() > MAX_OP_KEYS && self.own.is_none() {
            return Err(Refused::TooManyKeys);
        }
        if set.iter().all(|(key, value)| self.get(key) == value.as_ref()) {
            return Ok(step);
        }
        if self.own.is_none() {
            self.check_pending(1)?;
            self.check_size(&set)?;
        }
        let shown = self.look(set.keys());
        match &mut self.own {
            Some(own) => own.history.edit(&mut own.document, set),
            None => {
                self.push(set);
            }
        }
        self.report(shown, self.my_id(), &mut step);
        self.flush(&mut step);
        Ok(step)
    }

    /// Sets everything back to its default.
    ///
    /// # Errors
    /// As [`set`](Replica::set).
    pub fn reset(&mut self) -> Result<Step, Refused> {
        self.replace(&Document::new())
    }

    /// Makes the view another one: one operation, unless the difference is too large for one.
    ///
    /// # Errors
    /// As [`set`](Replica::set).
    pub fn replace(&mut self, document: &Document) -> Result<Step, Refused> {
        let all = self.view().difference(document);
        if self.own.is_some() {
            return self.set(all);
        }
        let mut step = Step::default();
        let shown = self.look(all.keys());
        self.push_all(all)?;
        self.report(shown, self.my_id(), &mut step);
        self.flush(&mut step);
        Ok(step)
    }

    /// Takes back this person's last operation, as far as nobody else has written its properties since.
    ///
    /// # Errors
    /// [`Refused::Superseded`] when others have written all of them: the next undo is that of the operation before. Else as
    /// [`set`](Replica::set).
    pub fn undo(&mut self) -> Result<Step, Refused> {
        self.revert(Revert::Undo)
    }

    /// Takes back the last undo, by the same rule. Undo and redo together leave the document as it was.
    ///
    /// # Errors
    /// As [`set`](Replica::set).
    pub fn redo(&mut self) -> Result<Step, Refused> {
        self.revert(Revert::Redo)
    }

    /// Steps out: from now on changes are this person's own, and the others' do not show.
    pub fn step_out(&mut self) {
        if self.own.is_none() {
            let document = self.view();
            self.own = Some(Own { document, history: OwnHistory::default() });
        }
    }

    /// Steps out with this view, as a link with controls does.
    pub fn open(&mut self, document: Document) -> Step {
        let mut step = Step::default();
        let before = self.view();
        let values = before.difference(&document);
        self.own = Some(Own { document, history: OwnHistory::default() });
        if !values.is_empty() {
            step.events.push(Event::Changed { values, by: self.my_id() });
        }
        step
    }

    /// Comes back and takes the room's view.
    pub fn rejoin(&mut self) -> Step {
        let mut step = Step::default();
        let values = self.differences();
        self.own = None;
        if !values.is_empty() {
            step.events.push(Event::Changed { values, by: None });
        }
        step
    }

    /// Comes back and gives everyone this person's view: one operation, unless the view is too large for one.
    ///
    /// # Errors
    /// As [`set`](Replica::set); the person is still on their own then.
    pub fn show_everyone(&mut self) -> Result<Step, Refused> {
        let mut step = Step::default();
        if let Some(own) = self.own.take() {
            let mine = self.room_view().difference(&own.document);
            if let Err(refused) = self.push_all(mine) {
                self.own = Some(own);
                return Err(refused);
            }
        }
        self.flush(&mut step);
        Ok(step)
    }

    fn my_id(&self) -> Option<PersonId> {
        self.me.as_ref().map(|me| me.id)
    }

    fn check_pending(&self, more: usize) -> Result<(), Refused> {
        if !self.can_write {
            return Err(Refused::ReadOnly);
        }
        if self.pending.len() + more > MAX_PENDING {
            return Err(Refused::TooManyPending);
        }
        Ok(())
    }

    fn check_size(&self, set: &Changes) -> Result<(), Refused> {
        let new = set.iter().filter(|(key, value)| value.is_some() && self.get(key).is_none());
        if new.count() + self.base.len() > MAX_KEYS {
            return Err(Refused::DocumentFull);
        }
        let op = Op { n: u64::MAX, set: set.clone(), guard: None };
        match ClientMessage::Submit(op).encode() {
            Ok(_) => Ok(()),
            Err(_) => Err(Refused::TooLong),
        }
    }

    /// Puts an own operation behind the others.
    fn push(&mut self, set: Changes) {
        self.last_n += 1;
        self.history.edit(self.last_n, set.keys());
        self.pending.push_back(Pending::edit(self.last_n, set));
    }

    /// Puts any number of properties behind the others, in as few operations as the limits allow.
    fn push_all(&mut self, set: Changes) -> Result<(), Refused> {
        let mut ops = vec![Changes::new()];
        let mut bytes = 0;
        for (key, value) in set {
            let more = key.as_str().len() + value.as_ref().map_or(4, Value::bytes) + 8;
            let last = ops.last().map_or(0, Changes::len);
            if last == MAX_OP_KEYS || (last > 0 && bytes + more > MAX_MESSAGE_BYTES / 2) {
                ops.push(Changes::new());
                bytes = 0;
            }
            bytes += more;
            if let Some(op) = ops.last_mut() {
                op.insert(key, value);
            }
        }
        ops.retain(|op| !op.is_empty());
        if ops.is_empty() {
            return Ok(());
        }
        self.check_pending(ops.len())?;
        for op in &ops {
            self.check_size(op)?;
        }
        for op in ops {
            self.push(op);
        }
        Ok(())
    }

    fn revert(&mut self, which: Revert) -> Result<Step, Refused> {
        let mut step = Step::default();
        if let Some(own) = &mut self.own {
            let before = own.document.clone();
            own.history.revert(&mut own.document, which);
            let values = before.difference(&own.document);
            if !values.is_empty() {
                let by = self.my_id();
                step.events.push(Event::Changed { values, by });
            }
            return Ok(step);
        }
        self.check_pending(1)?;
        while let Some(entry) = self.history.pop(which) {
            if entry.is_void() {
                return Err(Refused::Superseded);
            }
            if !entry.lost.is_empty() {
                step.events.push(Event::LeftAlone { keys: entry.lost });
            }
            let waits_for = (!entry.is_committed).then_some(entry.n);
            let set = match waits_for {
                None => entry.before,
                Some(n) => pending::before(&self.base, &self.pending, n),
            };
            if set.iter().all(|(key, value)| self.get(key) == value.as_ref()) {
                continue;
            }
            let shown = self.look(set.keys());
            self.last_n += 1;
            self.history.reverted(which, self.last_n, set.keys());
            self.pending.push_back(Pending::revert(self.last_n, set, waits_for));
            self.report(shown, self.my_id(), &mut step);
            self.flush(&mut step);
            break;
        }
        Ok(step)
    }

    // ---- what the server says

    fn welcome(&mut self, welcome: Welcome, step: &mut Step) {
        if welcome.room != self.room {
            return;
        }
        let is_snapshot = welcome.snapshot.is_some();
        self.status = Status::Live;
        self.can_write = welcome.can_write;
        self.me = Some(welcome.you);
        self.people = gather(welcome.people.into_iter().map(|p| (p.id, p)));
        let me = self.my_id();
        self.presence = gather(welcome.presence.into_iter().filter(|p| Some(p.from) != me).map(|p| (p.from, p.state)));
        let mut up_to_date = true;
        if let Some(document) = welcome.snapshot {
            self.adopt(document, welcome.seq, step);
        }
        for op in welcome.tail {
            up_to_date = up_to_date && self.advance(op, step);
        }
        up_to_date = up_to_date && self.seq == welcome.seq;
        let agrees = welcome.checksum == self.base.checksum() || mutation::on(Mutation::IgnoreChecksum);
        if !up_to_date || !agrees {
            if !is_snapshot {
                self.resync(step);
                return;
            }
            // A snapshot that does not even agree with itself will not get better by asking again.
            step.events.push(Event::Error {
                code: ErrorCode::Protocol,
                message: "the room and this page count differently: reload the page".to_owned(),
            });
        }
        for pending in &mut self.pending {
            pending.is_sent = pending.is_sent && mutation::on(Mutation::ForgetToResend);
        }
        step.events.push(Event::People);
        for (from, state) in &self.presence {
            step.events.push(Event::Presence { from: *from, state: Some(state.clone()) });
        }
        step.events.push(Event::Joined);
    }

    /// Takes a snapshot. Who wrote what in between is not known, so what was committed before can no longer be undone.
    fn adopt(&mut self, document: Document, seq: Seq, step: &mut Step) {
        let before = self.view();
        let is_continuous = self.has_base && seq == self.seq && document == self.base;
        self.base = document;
        self.seq = seq;
        self.has_base = true;
        if !is_continuous {
            if !mutation::on(Mutation::SnapshotKeepsHistory) {
                self.history.forget_committed();
                self.pending.iter_mut().for_each(Pending::forget);
            }
            self.settle_reverts();
        }
        let values = before.difference(&self.view());
        if !values.is_empty() {
            step.events.push(Event::Changed { values, by: None });
        }
    }

    /// Applies the next operation of the room's order; `false` when it is not the next.
    fn advance(&mut self, mut op: Committed, step: &mut Step) -> bool {
        if op.seq <= self.seq {
            return true;
        }
        if op.seq != self.seq.next() && !mutation::on(Mutation::IgnoreGap) {
            return false;
        }
        let is_mine = Some(op.by) == self.my_id();
        let mine = self.pending.iter().position(|p| is_mine && p.n == op.n);
        let shown = self.look(op.set.keys().chain(self.pending.iter().flat_map(|p| p.set.keys())));
        if let Some(mine) = mine {
            self.pending.remove(mine);
            let before = gather(op.set.keys().map(|key| (key.clone(), self.base.get(key).cloned())));
            for pending in &mut self.pending {
                pending.resolve(op.n, &before);
            }
            self.history.committed(op.n, before);
        } else if !mutation::on(Mutation::UndoForgetsOthers) {
            self.history.foreign(op.set.keys());
            for pending in &mut self.pending {
                pending.foreign(op.set.keys());
            }
        }
        if mutation::on(Mutation::OthersShowOverOwn) && !is_mine {
            self.pending.iter_mut().for_each(|pending| pending.set.retain(|key, _| !op.set.contains_key(key)));
        }
        if mutation::on(Mutation::LeaveOutCovered) && !is_mine {
            op.set.retain(|key, _| !self.pending.iter().any(|pending| pending.set.contains_key(key)));
        }
        self.base.apply(&op.set);
        self.seq = op.seq;
        self.settle_reverts();
        self.report(shown, Some(op.by), step);
        true
    }

    /// Brings what waiting reverts would set up to date, and drops those with nothing left to set.
    fn settle_reverts(&mut self) {
        for i in 0..self.pending.len() {
            if let Some(n) = self.pending[i].waits_for {
                self.pending[i].set = pending::before(&self.base, &self.pending, n);
            }
        }
        let history = &mut self.history;
        self.pending.retain(|pending| {
            let is_void = pending.is_unsent_revert() && pending.set.is_empty();
            if is_void {
                history.remove(pending.n);
            }
            !is_void
        });
    }

    fn rejected(&mut self, rejected: Rejected, step: &mut Step) {
        let Some(pending) = self.drop_pending(rejected.n, step) else {
            return;
        };
        if mutation::on(Mutation::KeepRefused) {
            self.base.apply(&pending.set);
        }
        // The refusal comes before the values that go back.
        let at = step.events.iter().rposition(|event| matches!(event, Event::Changed { .. })).unwrap_or(step.events.len());
        step.events.insert(at, Event::Rejected { rejection: rejected.rejection, set: pending.set });
    }

    /// The operation is in what this replica has, though it did not see where.
    fn acknowledged(&mut self, n: u64, seq: Seq, step: &mut Step) {
        if seq <= self.seq {
            self.drop_pending(n, step);
        } else {
            self.resync(step);
        }
    }

    fn drop_pending(&mut self, n: u64, step: &mut Step) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.n == n)?;
        let shown = self.look(self.pending.iter().flat_map(|p| p.set.keys()));
        let pending = self.pending.remove(at)?;
        self.history.remove(n);
        self.settle_reverts();
        self.report(shown, None, step);
        Some(pending)
    }

    fn people_changed(&mut self, changed: Vec<Person>, left: Vec<PersonId>, step: &mut Step) {
        for id in left {
            self.people.remove(&id);
            if self.presence.remove(&id).is_some() {
                let state = None;
                step.events.push(Event::Presence { from: id, state });
            }
        }
        for person in changed {
            if Some(person.id) == self.my_id() {
                self.me = Some(person.clone());
            }
            self.people.insert(person.id, person);
        }
        step.events.push(Event::People);
    }

    fn resync(&mut self, step: &mut Step) {
        self.status = Status::Joining;
        step.events.push(Event::Diverged);
        step.send.push(ClientMessage::Resync);
    }

    /// Sends what may be sent. A revert waits until everything before it has its answer: only then is it known what it
    /// restores and which changes of others it may not touch.
    fn flush(&mut self, step: &mut Step) {
        if self.status != Status::Live {
            return;
        }
        for (i, pending) in self.pending.iter_mut().enumerate() {
            if pending.is_sent {
                continue;
            }
            if pending.is_unsent_revert() {
                if i > 0 && !mutation::on(Mutation::UndoDoesNotWait) {
                    break;
                }
                pending.guard = Some(self.seq);
            }
            pending.is_sent = true;
            step.send.push(ClientMessage::Submit(Op { n: pending.n, set: pending.set.clone(), guard: pending.guard }));
        }
    }

    // ---- visible differences

    fn look<'a>(&self, keys: impl Iterator<Item = &'a Key>) -> Changes {
        gather(keys.map(|key| (key.clone(), self.get(key).cloned())))
    }

    fn report(&self, shown: Changes, by: Option<PersonId>, step: &mut Step) {
        let values = gather(shown.into_iter().filter_map(|(key, before)| {
            let now = self.get(&key).cloned();
            (now != before).then_some((key, now))
        }));
        if mutation::on(Mutation::SplitOperation) {
            let parts = values.into_iter().map(|(key, value)| Event::Changed { values: Changes::from([(key, value)]), by });
            step.events.extend(parts);
        } else if !values.is_empty() {
            step.events.push(Event::Changed { values, by });
        }
    }
}

#[cfg(test)]
mod tests;
