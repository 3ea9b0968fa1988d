//! What must hold once everything is quiet, and the small vocabulary that all parts share.

use std::collections::{BTreeMap, BTreeSet};

use labboard_room::client::Status;
use labboard_room::server::Room;
use labboard_room::{ClientId, Document, Key, RoomId, Value};
use serde_json::json;

use crate::network::{ALTERED, NetworkKind};
use crate::peer::numbers;
use crate::schedule::{Ending, Schedule};
use crate::world::World;

/// Properties that are only ever written together, with one value.
pub const PAIR: [&str; 2] = ["pair.a", "pair.b"];
pub const SINGLES: [&str; 4] = ["scatter.x", "scatter.y", "scatter.color", "table.sort"];

pub fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

pub fn number(n: i64) -> Value {
    Value::new(json!(n)).expect("a value")
}

pub fn room_id() -> RoomId {
    RoomId::new("/data/5", None).expect("a room")
}

pub fn assert_pair(document: &Document) {
    let mut pair = document.iter().filter(|(key, _)| key.panel() == "pair");
    let (a, b) = (pair.next(), pair.next());
    assert_eq!(a.map(|(_, v)| v), b.map(|(_, v)| v), "half an operation");
}

/// Plays a schedule and panics when something is not as it must be.
pub fn play(schedule: &Schedule) {
    let mut world = World::new(&schedule.setting);
    for action in &schedule.actions {
        world.act(*action);
    }
    agree(&mut world);
    if let Ending::UndoAndRedo { who, depth, waits } = schedule.setting.ending {
        undo_and_redo(&mut world, who, depth, waits);
    }
}

/// After any history: as many redos as undos leave the document as it was, for whoever does them.
fn undo_and_redo(world: &mut World, who: usize, depth: usize, waits: bool) {
    let before = world.server.room.document().clone();
    let mut done = 0;
    for _ in 0..depth {
        let seen = world.peers[who].replica.view();
        world.undo(who);
        done += usize::from(world.peers[who].replica.view() != seen);
        if waits {
            world.settle();
        }
    }
    for _ in 0..done {
        world.redo(who);
        if waits {
            world.settle();
        }
    }
    agree(world);
    assert_eq!(world.server.room.document(), &before, "undo and redo do not cancel out");
}

/// Everything arrives, and then all agree.
fn agree(world: &mut World) {
    world.settle();
    world.recover_from_loss();
    let document = world.server.room.document().clone();
    for peer in &world.peers {
        assert_eq!(peer.replica.confirmed(), &document, "somebody has another document");
    }
    if world.setting.network != NetworkKind::Honest {
        world.reconnect_all();
    }
    assert_eq!(world.server.room.seq(), world.chronicle.seq());
    check_server(world);
    for who in 0..world.peers.len() {
        check_peer(world, who);
    }
    check_nothing_lost_or_doubled(world);
    check_reverts(world);
}

fn check_server(world: &mut World) {
    let document = world.server.room.document();
    assert_eq!(world.chronicle.document(world.server.room.seq()), document, "the log is not the document");
    let contents = world.disk.open();
    let restored = Room::restore(room_id(), contents.snapshot, contents.records).expect("no gaps");
    assert_eq!((restored.seq(), restored.document()), (world.server.room.seq(), document), "a restart changes the room");
}

fn check_peer(world: &mut World, who: usize) {
    world.come_together(who);
    let mut people = world.server.room.people();
    people.sort_by_key(|person| person.id);
    let replica = &world.peers[who].replica;
    assert_eq!(replica.status(), Status::Live);
    assert_eq!(replica.pending(), 0, "operations without an answer");
    assert_eq!(replica.seq(), world.server.room.seq());
    assert_eq!(&replica.view(), world.server.room.document(), "somebody sees something else");
    let here: Vec<_> = replica.people().cloned().collect();
    assert_eq!(here, people);
}

fn check_nothing_lost_or_doubled(world: &World) {
    let mut written: BTreeMap<&ClientId, BTreeMap<u64, BTreeSet<i64>>> = BTreeMap::new();
    for record in world.chronicle.records() {
        let before = written.entry(&record.client).or_default().insert(record.n, numbers(&record.set).collect());
        assert!(before.is_none(), "applied twice: {record:?}");
    }
    let nothing = BTreeMap::new();
    for peer in &world.peers {
        let written = written.get(&peer.client).unwrap_or(&nothing);
        let values: BTreeSet<i64> = written.values().flatten().copied().collect();
        let lost: Vec<_> = peer.issued.difference(&values).filter(|value| !peer.refused_values.contains(value)).collect();
        assert!(lost.is_empty(), "accepted, not refused and not in the log: {lost:?}");
        let both: Vec<_> = written.keys().filter(|n| peer.refused.contains(n)).collect();
        assert!(both.is_empty(), "refused, and yet in the log: {both:?}");
    }
}

/// Every property that an undo or redo wrote had last been written by the same client, and what it restored stood there
/// during that client's uninterrupted writes or right before them.
fn check_reverts(world: &World) {
    let mut history: BTreeMap<&Key, Vec<(&ClientId, Option<&Value>)>> = BTreeMap::new();
    for record in world.chronicle.records() {
        let is_revert = world.reverts.contains(&(record.client.clone(), record.n));
        for (key, value) in &record.set {
            let writes = history.entry(key).or_default();
            if is_revert {
                let own = writes.iter().rev().take_while(|(by, _)| **by == record.client).count();
                assert!(own > 0, "{record:?} reverts somebody else's change");
                let start = writes.len() - own;
                let before = start.checked_sub(1).and_then(|i| writes[i].1);
                let known = writes[start..].iter().map(|(_, v)| *v).chain([before]);
                // Whoever was shown an altered value may well restore it.
                let is_altered = world.setting.network == NetworkKind::Altering && value.as_ref() == Some(&number(ALTERED));
                assert!(is_altered || known.into_iter().any(|v| v == value.as_ref()), "{record:?} restores what never was");
            }
            writes.push((&record.client, value.as_ref()));
        }
    }
}
