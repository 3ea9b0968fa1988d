//! Rooms and clients under random schedules: edits, undo, redo, stepping out, broken connections, resends, refused
//! operations, a log that fails, a server that restarts. In the end all agree; on the way nobody sees half an operation,
//! nothing is applied twice, and nobody's undo touches what others wrote later.
//!
//! `LABBOARD_SIM_CASES=1000000 cargo test --release -p labboard-room --test simulation` is the long form.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use labboard_room::client::{Event, Mode, Refused, Replica, Status, Step};
use labboard_room::server::{Access, ConnectionId, Entrance, Outbox, Outgoing, Recipient, Record, Room, Snapshot};
use labboard_room::{Changes, ClientId, ClientMessage, Document, Key, RoomId, Seq, ServerMessage, Validate, Value};
use proptest::prelude::*;
use serde_json::json;

const PAIR: [&str; 2] = ["pair.a", "pair.b"];
const SINGLES: [&str; 4] = ["scatter.x", "scatter.y", "scatter.color", "table.sort"];
const TAIL: usize = 5;

fn cases() -> u32 {
    std::env::var("LABBOARD_SIM_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

fn number(n: i64) -> Value {
    Value::new(json!(n)).expect("a value")
}

fn assert_pair(document: &Document) {
    let mut pair = document.iter().filter(|(key, _)| key.panel() == "pair");
    let (a, b) = (pair.next(), pair.next());
    assert_eq!(a.map(|(_, v)| v), b.map(|(_, v)| v), "half an operation");
}

fn room_id() -> RoomId {
    RoomId::new("/data/5", None).expect("a room")
}

/// Refuses every tenth value.
struct Picky;

impl Validate for Picky {
    fn check(&self, _: &Key, value: &Value) -> Result<(), String> {
        match value.as_f64() {
            Some(n) if n % 10.0 == 9.0 => Err("not a feature of this dataset".to_owned()),
            _ => Ok(()),
        }
    }
}

struct Peer {
    replica: Replica,
    client: ClientId,
    connection: Option<ConnectionId>,
    up: VecDeque<String>,
    down: VecDeque<ServerMessage>,
    /// What a page would show that only listens to events.
    page: Document,
    /// Values of accepted edits, and those that were refused later.
    issued: BTreeSet<i64>,
    refused: BTreeSet<i64>,
    /// Numbers of undo and redo operations.
    reverts: BTreeSet<u64>,
}

impl Peer {
    fn take(&mut self, step: Step) {
        for event in step.events {
            match event {
                Event::Changed { values, .. } => {
                    assert!(!values.is_empty(), "an empty change");
                    self.page.apply(&values);
                    let pair = values.keys().filter(|key| key.panel() == "pair").count();
                    assert!(pair == 0 || pair == 2, "half an operation in an event");
                }
                Event::Rejected { set, .. } => {
                    self.refused.extend(set.values().flatten().filter_map(|v| v.as_json().as_i64()));
                }
                Event::Diverged => panic!("a copy came to differ"),
                Event::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
        for message in step.send {
            if let ClientMessage::Submit(op) = &message
                && op.guard.is_some()
            {
                self.reverts.insert(op.n);
            }
            if self.connection.is_some() {
                self.up.push_back(message.encode().expect("short enough"));
            }
        }
    }

    fn check(&self) {
        let view = self.replica.view();
        assert_eq!(self.page, view, "events and view differ");
        assert_pair(&view);
        assert!(self.replica.pending() <= labboard_room::limits::MAX_PENDING);
    }
}

struct World {
    room: Room,
    log: Vec<Record>,
    snapshot: Option<Snapshot>,
    unwritten: Vec<Record>,
    outbox: Outbox,
    peers: Vec<Peer>,
    connections: u64,
    value: i64,
}

impl World {
    fn new(peers: usize) -> World {
        let peer = |i| {
            let client: ClientId = format!("client-{i}").parse().expect("a client id");
            Peer {
                replica: Replica::new(room_id(), client.clone()),
                client,
                connection: None,
                up: VecDeque::new(),
                down: VecDeque::new(),
                page: Document::new(),
                issued: BTreeSet::new(),
                refused: BTreeSet::new(),
                reverts: BTreeSet::new(),
            }
        };
        World {
            room: Room::new(room_id()).with_tail(TAIL),
            log: Vec::new(),
            snapshot: None,
            unwritten: Vec::new(),
            outbox: Outbox::new(),
            peers: (0..peers).map(peer).collect(),
            connections: 0,
            value: 0,
        }
    }

    /// One step of the schedule, chosen by the bits of `word`.
    fn act(&mut self, word: u32) {
        let who = (word >> 8) as usize % self.peers.len();
        let arg = word >> 16;
        match word % 100 {
            0..=24 => self.edit(who, arg),
            25..=33 => self.revert(who, Replica::undo),
            34..=38 => self.revert(who, Replica::redo),
            39..=54 => self.deliver_up(who, 1 + arg as usize % 3),
            55..=70 => self.deliver_down(who, 1 + arg as usize % 4),
            71..=79 => self.write_log(),
            80 => self.fail_log(),
            81..=84 => self.disconnect(who, arg.is_multiple_of(2)),
            85..=90 => self.connect(who),
            91 => self.resend(who),
            92 => self.restart(arg),
            93 => self.snapshot = Some(self.room.snapshot()),
            94 => self.step_out(who, arg),
            95..=96 => self.come_back(who, arg),
            97 => self.reset(who),
            _ => {
                let state = number(i64::from(arg));
                let message = self.peers[who].replica.present(state);
                let send = message.into_iter().collect();
                self.peers[who].take(Step { events: Vec::new(), send });
            }
        }
        self.peers[who].check();
        assert_pair(self.room.document());
    }

    fn edit(&mut self, who: usize, arg: u32) {
        self.value += 1;
        let value = (!arg.is_multiple_of(7)).then(|| number(self.value));
        let mut set = Changes::new();
        if arg & 8 != 0 {
            set.extend(PAIR.map(|name| (key(name), value.clone())));
        }
        for (bit, name) in SINGLES.iter().enumerate() {
            if arg >> (4 + bit) & 1 != 0 {
                set.insert(key(name), value.clone());
            }
        }
        if set.is_empty() {
            set.insert(key(SINGLES[0]), value.clone());
        }
        let peer = &mut self.peers[who];
        let together = peer.replica.mode() == Mode::Together;
        match peer.replica.set(set) {
            Ok(step) => {
                if together && value.is_some() {
                    peer.issued.insert(self.value);
                }
                peer.take(step);
            }
            Err(refused) => assert_eq!(refused, Refused::TooManyPending),
        }
    }

    fn revert(&mut self, who: usize, which: fn(&mut Replica) -> Result<Step, Refused>) {
        let peer = &mut self.peers[who];
        if let Ok(step) = which(&mut peer.replica) {
            peer.take(step);
        }
    }

    fn reset(&mut self, who: usize) {
        let peer = &mut self.peers[who];
        if let Ok(step) = peer.replica.reset() {
            peer.take(step);
        }
    }

    fn step_out(&mut self, who: usize, arg: u32) {
        let peer = &mut self.peers[who];
        if arg.is_multiple_of(2) {
            peer.replica.step_out();
        } else {
            let mut document = peer.replica.view();
            document.set(key(SINGLES[1]), Some(number(-1)));
            let step = peer.replica.open(document);
            peer.take(step);
        }
    }

    fn come_back(&mut self, who: usize, arg: u32) {
        let peer = &mut self.peers[who];
        if arg.is_multiple_of(2) {
            let step = peer.replica.rejoin();
            peer.take(step);
            assert_eq!(peer.replica.view(), peer.replica.room_view());
        } else if let Ok(step) = peer.replica.show_everyone() {
            peer.take(step);
        }
    }

    fn connect(&mut self, who: usize) {
        if self.peers[who].connection.is_some() {
            return;
        }
        self.connections += 1;
        let peer = &mut self.peers[who];
        peer.connection = Some(ConnectionId(self.connections));
        let hello = peer.replica.hello();
        peer.up.push_back(hello.encode().expect("short enough"));
    }

    /// Everything under way is lost. The server may not notice.
    fn disconnect(&mut self, who: usize, is_noticed: bool) {
        let peer = &mut self.peers[who];
        let Some(connection) = peer.connection.take() else {
            return;
        };
        peer.up.clear();
        peer.down.clear();
        let step = peer.replica.disconnected();
        peer.take(step);
        if is_noticed {
            let left = self.room.leave(connection);
            self.outbox.extend(left);
            self.flush();
        }
    }

    /// The network delivers the next message once more.
    fn resend(&mut self, who: usize) {
        let up = &mut self.peers[who].up;
        if let Some(message) = up.front().cloned() {
            up.push_front(message);
        }
    }

    fn deliver_up(&mut self, who: usize, count: usize) {
        for _ in 0..count {
            let peer = &mut self.peers[who];
            let (Some(connection), Some(text)) = (peer.connection, peer.up.pop_front()) else {
                break;
            };
            match ClientMessage::parse(&text).expect("a message") {
                ClientMessage::Hello { client, name, resume, .. } => {
                    let access = Access::Write;
                    let entrance = Entrance { client, name, resume, access };
                    let send = self.room.enter(connection, entrance).expect("room for all");
                    self.outbox.extend(send);
                }
                message => {
                    let effects = self.room.handle(connection, message, &Picky);
                    self.unwritten.extend(effects.persist);
                    self.outbox.extend(effects.send);
                }
            }
        }
        self.flush();
    }

    fn write_log(&mut self) {
        self.log.append(&mut self.unwritten);
        if let Some(last) = self.log.last() {
            let send = self.room.commit(last.seq);
            self.outbox.extend(send);
        }
        self.flush();
    }

    fn fail_log(&mut self) {
        self.unwritten.clear();
        let send = self.room.abort("the disk is full");
        self.outbox.extend(send);
        self.flush();
    }

    fn restart(&mut self, arg: u32) {
        // The crash comes before or after the log was written, in any case before anybody was told.
        if arg.is_multiple_of(2) {
            self.log.append(&mut self.unwritten);
        }
        self.unwritten.clear();
        self.outbox = Outbox::new();
        let snapshot = self.snapshot.clone();
        let from = snapshot.as_ref().map_or(0, |s| match arg % 3 {
            0 => s.seq.0 as usize,
            1 => (s.seq.0 as usize).saturating_sub(TAIL),
            _ => 0,
        });
        let records = self.log[from..].iter().map(|record| {
            let text = serde_json::to_string(record).expect("JSON");
            serde_json::from_str::<Record>(&text).expect("a record")
        });
        self.room = Room::restore(room_id(), snapshot, records).expect("no gaps").with_tail(TAIL);
        for who in 0..self.peers.len() {
            self.disconnect(who, false);
        }
    }

    fn flush(&mut self) {
        for Outgoing { to, message } in self.outbox.take() {
            let text = message.encode().expect("JSON");
            assert_eq!(ServerMessage::parse(&text).expect("a message"), message);
            for peer in &mut self.peers {
                let gets = peer.connection.is_some_and(|connection| match to {
                    Recipient::One(one) => one == connection,
                    Recipient::All => true,
                });
                if gets {
                    peer.down.push_back(message.clone());
                }
            }
        }
    }

    fn deliver_down(&mut self, who: usize, count: usize) {
        for _ in 0..count {
            let peer = &mut self.peers[who];
            let Some(message) = peer.down.pop_front() else {
                break;
            };
            let step = peer.replica.receive(message);
            peer.take(step);
        }
        self.peers[who].check();
    }

    fn settle(&mut self) {
        for who in 0..self.peers.len() {
            self.connect(who);
        }
        loop {
            let is_quiet = self.unwritten.is_empty() && self.peers.iter().all(|p| p.up.is_empty() && p.down.is_empty());
            if is_quiet {
                break;
            }
            for who in 0..self.peers.len() {
                self.deliver_up(who, usize::MAX);
                self.write_log();
                self.deliver_down(who, usize::MAX);
            }
        }
    }

    fn check_agreement(&mut self) {
        self.settle();
        let sum = self.room.checksum();
        self.outbox.push(sum);
        self.flush();
        self.settle();
        let document = self.room.document();
        let mut replayed = Document::new();
        for record in &self.log {
            replayed.apply(&record.set);
        }
        assert_eq!(&replayed, document, "the log is not the document");
        let mut people: Vec<_> = self.room.people();
        people.sort_by_key(|person| person.id);
        for peer in &mut self.peers {
            assert_eq!(peer.replica.status(), Status::Live);
            assert_eq!(peer.replica.pending(), 0, "operations without an answer");
            assert_eq!(peer.replica.confirmed(), document);
            assert_eq!(peer.replica.confirmed().checksum(), document.checksum());
            assert_eq!(peer.replica.seq(), self.room.seq());
            let step = peer.replica.rejoin();
            peer.take(step);
            peer.check();
            assert_eq!(&peer.replica.view(), document);
            let here: Vec<_> = peer.replica.people().cloned().collect();
            assert_eq!(here, people);
        }
        self.check_nothing_lost_or_doubled();
        self.check_reverts();
    }

    fn check_nothing_lost_or_doubled(&self) {
        let mut seen = BTreeSet::new();
        for (i, record) in self.log.iter().enumerate() {
            assert_eq!(record.seq, Seq(i as u64 + 1), "a gap in the order");
            assert!(seen.insert((&record.client, record.n)), "applied twice: {record:?}");
        }
        for peer in &self.peers {
            let written: BTreeSet<i64> = self
                .log
                .iter()
                .filter(|record| record.client == peer.client)
                .flat_map(|record| record.set.values().flatten())
                .filter_map(|value| value.as_json().as_i64())
                .collect();
            let lost: Vec<_> = peer.issued.iter().filter(|value| !written.contains(value) && !peer.refused.contains(value)).collect();
            assert!(lost.is_empty(), "accepted, not refused and not in the log: {lost:?}");
        }
    }

    /// Every property that an undo or redo wrote had last been written by the same client, and what it restored stood
    /// there during that client's uninterrupted writes or right before them.
    fn check_reverts(&self) {
        let mut history: BTreeMap<&Key, Vec<(&ClientId, Option<&Value>)>> = BTreeMap::new();
        for record in &self.log {
            let peer = self.peers.iter().find(|p| p.client == record.client).expect("a peer");
            for (key, value) in &record.set {
                let writes = history.entry(key).or_default();
                if peer.reverts.contains(&record.n) {
                    let own = writes.iter().rev().take_while(|(by, _)| **by == record.client).count();
                    assert!(own > 0, "{record:?} reverts somebody else's change");
                    let start = writes.len() - own;
                    let before = start.checked_sub(1).and_then(|i| writes[i].1);
                    let known = writes[start..].iter().map(|(_, v)| *v).chain([before]);
                    assert!(known.into_iter().any(|v| v == value.as_ref()), "{record:?} restores what never was");
                }
                writes.push((&record.client, value.as_ref()));
            }
        }
    }
}

fn run(peers: usize, schedule: &[u32]) {
    let mut world = World::new(peers);
    for who in 0..peers {
        world.connect(who);
    }
    for &word in schedule {
        world.act(word);
    }
    world.check_agreement();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn everybody_agrees(
        peers in 1_usize..=8,
        schedule in prop::collection::vec(any::<u32>(), 0..120),
    ) {
        run(peers, &schedule);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases() / 4))]

    /// After any history: as many redos as undos leave the document as it was, for whoever does them.
    #[test]
    fn undo_and_redo_cancel_out(
        peers in 1_usize..=4,
        schedule in prop::collection::vec(any::<u32>(), 0..80),
        who in 0_usize..4,
        depth in 1_usize..6,
        is_slow in any::<bool>(),
    ) {
        let mut world = World::new(peers);
        for &word in &schedule {
            world.act(word);
        }
        world.check_agreement();
        let who = who % peers;
        let before = world.room.document().clone();
        let mut done = 0;
        for _ in 0..depth {
            if world.peers[who].replica.can_undo() {
                let seen = world.peers[who].replica.view();
                world.revert(who, Replica::undo);
                done += usize::from(world.peers[who].replica.view() != seen);
            }
            if is_slow {
                world.settle();
            }
        }
        for _ in 0..done {
            world.revert(who, Replica::redo);
            if is_slow {
                world.settle();
            }
        }
        world.check_agreement();
        prop_assert_eq!(world.room.document(), &before);
    }
}
