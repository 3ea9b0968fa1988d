//! A client with its person, and the checks of what this person sees.

use std::collections::{BTreeMap, BTreeSet};

use labboard_room::client::{Event, Mode, Refused, Replica, Status, Step};
use labboard_room::limits::MAX_PENDING;
use labboard_room::{Changes, ClientId, ClientMessage, Committed, Document, Key, ServerMessage, Value};

use crate::checks::{PAIR, SINGLES, assert_pair, key, number, room_id};
use crate::chronicle::Chronicle;
use crate::network::{Frame, NetworkKind};

#[derive(Debug)]
pub struct Peer {
    pub replica: Replica,
    pub client: ClientId,
    network: NetworkKind,
    /// What a page would show that only listens to events.
    page: Document,
    /// The copy was spoilt by the network and nobody has noticed yet.
    is_spoilt: bool,
    /// Values of the edits that this page accepted, and those without an answer.
    pub issued: BTreeSet<i64>,
    open: BTreeSet<i64>,
    /// The last own edit of each property, if it is known to be the last thing that this person did to it.
    own: BTreeMap<Key, i64>,
    /// What was sent under each number.
    sent: BTreeMap<u64, Changes>,
    /// Numbers of what was refused.
    pub refused: BTreeSet<u64>,
    /// And the values in it.
    pub refused_values: BTreeSet<i64>,
    /// The undo and redo operations of this client.
    pub reverts: BTreeSet<u64>,
}

impl Peer {
    pub fn new(client: ClientId, network: NetworkKind) -> Peer {
        Peer {
            replica: Replica::new(room_id(), client.clone()),
            client,
            network,
            page: Document::new(),
            is_spoilt: false,
            issued: BTreeSet::new(),
            open: BTreeSet::new(),
            refused: BTreeSet::new(),
            refused_values: BTreeSet::new(),
            own: BTreeMap::new(),
            sent: BTreeMap::new(),
            reverts: BTreeSet::new(),
        }
    }

    /// A page that starts with what the server rendered.
    pub fn rendered(client: ClientId, network: NetworkKind, chronicle: &Chronicle) -> Peer {
        let (seq, document) = (chronicle.seq(), chronicle.document(chronicle.seq()).clone());
        let replica = Replica::with_document(room_id(), client.clone(), seq, document.clone());
        Peer { replica, page: document, ..Peer::new(client, network) }
    }

    // ---- what the person does; each gives the messages to send

    /// Sets some of the properties to `value`, or resets them.
    pub fn edit(&mut self, keys: usize, value: i64, is_reset: bool) -> Vec<ClientMessage> {
        let chosen = |bit: usize| keys >> bit & 1 != 0;
        let mut names: Vec<&str> = SINGLES.iter().enumerate().filter(|(bit, _)| chosen(*bit)).map(|(_, name)| *name).collect();
        if names.is_empty() || chosen(SINGLES.len()) {
            names.extend(PAIR);
        }
        let set: Changes = names.iter().map(|name| (key(name), (!is_reset).then(|| number(value)))).collect();
        let is_together = self.replica.mode() == Mode::Together;
        match self.replica.set(set.clone()) {
            Ok(step) => {
                if is_together {
                    for key in set.keys() {
                        self.own.remove(key);
                    }
                }
                if is_together && !is_reset {
                    self.issued.insert(value);
                    self.open.insert(value);
                    self.own.extend(set.into_keys().map(|key| (key, value)));
                }
                self.take(step)
            }
            Err(refused) => {
                assert!(matches!(refused, Refused::TooManyPending | Refused::ReadOnly), "{refused}");
                Vec::new()
            }
        }
    }

    pub fn change(&mut self, act: impl FnOnce(&mut Replica) -> Result<Step, Refused>) -> Vec<ClientMessage> {
        match act(&mut self.replica) {
            Ok(step) => {
                self.own.clear();
                self.take(step)
            }
            Err(_) => Vec::new(),
        }
    }

    pub fn open(&mut self) -> Vec<ClientMessage> {
        let mut document = self.replica.view();
        document.set(key(SINGLES[1]), Some(number(-1)));
        let step = self.replica.open(document);
        self.take(step)
    }

    pub fn rejoin(&mut self) -> Vec<ClientMessage> {
        let step = self.replica.rejoin();
        assert_eq!(self.replica.view(), self.replica.room_view());
        self.take(step)
    }

    pub fn rename(&mut self) -> Vec<ClientMessage> {
        let step = self.replica.rename("Ada");
        self.take(step)
    }

    pub fn disconnected(&mut self) {
        let step = self.replica.disconnected();
        let send = self.take(step);
        assert!(send.is_empty(), "there is nobody to send to");
    }

    // ---- what the server says

    pub fn receive(&mut self, frame: Frame, chronicle: &Chronicle) -> Vec<ClientMessage> {
        let Frame { message, is_altered } = frame;
        self.is_spoilt = self.is_spoilt || (is_altered && self.replica.status() == Status::Live);
        self.hear(&message, is_altered, chronicle);
        let refused = match &message {
            ServerMessage::Rejected(rejected) => Some(rejected.n),
            _ => None,
        };
        let step = self.replica.receive(message);
        // A refusal before the welcome, or of what has its answer, is left unread.
        if let Some(n) = refused.filter(|_| step.events.iter().any(|event| matches!(event, Event::Rejected { .. }))) {
            self.refused.insert(n);
            self.refused_values.extend(self.sent.get(&n).into_iter().flat_map(numbers));
            self.answered(n);
        }
        let send = self.take(step);
        self.check(chronicle);
        send
    }

    /// Whatever the server says of the order must be so for ever.
    fn hear(&mut self, message: &ServerMessage, is_altered: bool, chronicle: &Chronicle) {
        match message {
            ServerMessage::Welcome(welcome) => {
                let document = chronicle.document(welcome.seq);
                assert_eq!(welcome.checksum, document.checksum(), "a welcome with another checksum");
                if let Some(snapshot) = &welcome.snapshot {
                    assert_eq!(snapshot, document, "a snapshot is not the document");
                    self.is_spoilt = false;
                }
                for op in &welcome.tail {
                    chronicle.witness(op);
                    self.hear_op(op);
                }
            }
            ServerMessage::Committed { ops } => {
                for op in ops {
                    if !is_altered {
                        chronicle.witness(op);
                    }
                    self.hear_op(op);
                }
            }
            ServerMessage::Acknowledged { n, seq } => {
                chronicle.witness_own(&self.client, *n, *seq);
                self.answered(*n);
            }
            ServerMessage::Checksum { seq, sum } => {
                assert_eq!(*sum, chronicle.document(*seq).checksum(), "another checksum");
            }
            _ => {}
        }
    }

    fn hear_op(&mut self, op: &Committed) {
        if self.replica.me().is_some_and(|me| me.id == op.by) {
            self.answered(op.n);
        }
    }

    fn answered(&mut self, n: u64) {
        if let Some(set) = self.sent.get(&n) {
            for value in numbers(set) {
                self.open.remove(&value);
            }
        }
    }

    /// Shows what changed, and gives what is to be sent.
    fn take(&mut self, step: Step) -> Vec<ClientMessage> {
        for event in step.events {
            match event {
                Event::Changed { values, .. } => {
                    assert!(!values.is_empty(), "an empty change");
                    let pair = values.keys().filter(|key| key.panel() == "pair").count();
                    assert!(pair == 0 || pair == 2, "half an operation in an event");
                    self.page.apply(&values);
                }
                Event::Diverged => assert_ne!(self.network, NetworkKind::Honest, "a copy came to differ"),
                Event::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
        for message in &step.send {
            if let ClientMessage::Submit(op) = message {
                self.sent.insert(op.n, op.set.clone());
                if op.guard.is_some() {
                    self.reverts.insert(op.n);
                }
            }
        }
        step.send
    }

    /// What holds at every moment.
    pub fn check(&self, chronicle: &Chronicle) {
        let room_view = self.replica.room_view();
        let own_view = (self.replica.mode() == Mode::OnMyOwn).then(|| self.replica.view());
        let view = own_view.as_ref().unwrap_or(&room_view);
        assert_eq!(&self.page, view, "events and view differ");
        assert_pair(view);
        assert!(self.replica.pending() <= MAX_PENDING);
        if !self.is_spoilt {
            assert_eq!(self.replica.confirmed(), chronicle.document(self.replica.seq()), "not the document in the server's order");
        }
        for (key, value) in self.own.iter().filter(|(_, value)| self.open.contains(value)) {
            let shown = room_view.get(key).and_then(|value| value.as_json().as_i64());
            assert_eq!(shown, Some(*value), "an own change without an answer does not show");
        }
    }
}

pub fn numbers(set: &Changes) -> impl Iterator<Item = i64> {
    set.values().flatten().filter_map(|value: &Value| value.as_json().as_i64())
}
