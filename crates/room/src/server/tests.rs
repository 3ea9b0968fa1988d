use serde_json::json;

use super::*;
use crate::key::Key;
use crate::limits::{COLORS, MAX_CLIENTS, MAX_PENDING};
use crate::validate::AnyValue;

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

fn value(text: &str) -> Value {
    Value::text(text).expect("a value")
}

fn room_id() -> RoomId {
    RoomId::new("/data/5", None).expect("a room")
}

fn entrance(client: &str, resume: Option<u64>) -> Entrance {
    Entrance { client: client.parse().expect("a client id"), name: None, resume: resume.map(Seq), access: Access::Write }
}

fn enter(room: &mut Room, connection: u64, client: &str) -> Welcome {
    resume(room, connection, client, None)
}

fn resume(room: &mut Room, connection: u64, client: &str, seq: Option<u64>) -> Welcome {
    let send = room.enter(ConnectionId(connection), entrance(client, seq)).expect("room for one more");
    match send.into_iter().last() {
        Some(Outgoing { to: Recipient::One(to), message: ServerMessage::Welcome(welcome) }) if to == ConnectionId(connection) => *welcome,
        other => panic!("{other:?} instead of a welcome"),
    }
}

fn op(n: u64, set: &[(&str, Option<&str>)], guard: Option<u64>) -> ClientMessage {
    ClientMessage::Submit(Op { n, set: set.iter().map(|(name, text)| (key(name), text.map(value))).collect(), guard: guard.map(Seq) })
}

fn x(n: u64, text: &str) -> ClientMessage {
    op(n, &[("a.x", Some(text))], None)
}

fn handle(room: &mut Room, connection: u64, message: ClientMessage) -> Effects {
    room.handle(ConnectionId(connection), message, &AnyValue)
}

/// Proposes and commits.
fn write(room: &mut Room, connection: u64, message: ClientMessage) -> Record {
    let effects = handle(room, connection, message);
    let record = effects.persist.into_iter().next().expect("accepted");
    let _ = room.commit(record.seq);
    record
}

fn code(effects: &Effects) -> Option<RejectionCode> {
    match effects.send.first().map(|outgoing| &outgoing.message) {
        Some(ServerMessage::Rejected(rejected)) => Some(rejected.rejection.code),
        _ => None,
    }
}

#[test]
fn nothing_shows_before_it_is_durable() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    let effects = handle(&mut room, 1, x(1, "age"));
    assert_eq!((effects.persist.len(), effects.send.len()), (1, 0));
    assert_eq!((room.seq(), room.document().len()), (Seq(0), 0));
    assert!(enter(&mut room, 2, "bob").snapshot.is_some_and(|s| s.is_empty()));

    let send = room.commit(Seq(1));
    assert!(matches!(
        &send[..],
        [Outgoing { to: Recipient::All, message: ServerMessage::Committed { ops } }] if ops.len() == 1
    ));
    assert_eq!(room.document().get(&key("a.x")), Some(&value("age")));
    assert!(room.commit(Seq(1)).is_empty());
}

#[test]
fn several_are_committed_together_and_in_parts() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    for n in 1..=3 {
        assert_eq!(handle(&mut room, 1, x(n, &n.to_string())).persist[0].seq, Seq(n));
    }
    let _ = room.commit(Seq(2));
    assert_eq!(room.document().get(&key("a.x")), Some(&value("2")));
    let send = room.abort("the disk is full");
    assert!(matches!(
        &send[..],
        [Outgoing { to: Recipient::One(ConnectionId(1)), message: ServerMessage::Rejected(r) }]
            if r.n == 3 && r.rejection.code == RejectionCode::Storage
    ));
    assert_eq!(write(&mut room, 1, x(4, "4")).seq, Seq(3));
}

#[test]
fn a_resend_gets_its_first_outcome() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    let _ = handle(&mut room, 1, x(1, "age"));
    // Not durable yet, so there is nothing to say.
    assert_eq!(handle(&mut room, 1, x(1, "age")), Effects::default());
    let _ = room.commit(Seq(1));
    let again = handle(&mut room, 1, x(1, "age"));
    assert_eq!(again, Effects::send(ConnectionId(1), ServerMessage::Acknowledged { n: 1, seq: Seq(1) }));
    let refused = handle(&mut room, 1, op(2, &[], None));
    assert_eq!(code(&refused), Some(RejectionCode::Invalid));
    assert_eq!(handle(&mut room, 1, x(2, "bmi")), refused);
    // The same number of somebody else is another operation.
    enter(&mut room, 2, "bob");
    assert_eq!(write(&mut room, 2, x(1, "bp")).seq, Seq(2));
}

#[test]
fn a_restart_forgets_no_outcome() {
    let mut room = Room::new(room_id());
    let ada = enter(&mut room, 1, "ada").you;
    let mut log = vec![write(&mut room, 1, x(1, "age"))];
    let snapshot = room.snapshot();
    let _ = handle(&mut room, 1, op(2, &[], None));
    log.push(write(&mut room, 1, x(3, "bmi")));
    // Durable, but the server stopped before it could say so.
    log.extend(handle(&mut room, 1, x(4, "bp")).persist);

    for (snapshot, from) in [(None, 0), (Some(snapshot.clone()), 1), (Some(snapshot), 0)] {
        let mut room = Room::restore(room_id(), snapshot, log[from..].to_vec()).expect("no gaps");
        assert_eq!(room.document().get(&key("a.x")), Some(&value("bp")));
        assert_eq!(resume(&mut room, 7, "ada", Some(1)).tail.len(), 2);
        assert_eq!(room.people()[0].id, ada.id);
        for (n, seq) in [(1, 1), (3, 2), (4, 3)] {
            let answer = ServerMessage::Acknowledged { n, seq: Seq(seq) };
            assert_eq!(handle(&mut room, 7, x(n, "?")), Effects::send(ConnectionId(7), answer));
        }
        assert_eq!(code(&handle(&mut room, 7, x(2, "?"))), Some(RejectionCode::Stale));
        assert_ne!(enter(&mut room, 8, "bob").you.id, ada.id);
    }
}

#[test]
fn a_log_with_a_gap_gives_no_room() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    let log: Vec<Record> = (1..=3).map(|n| write(&mut room, 1, x(n, "v"))).collect();
    let gap = |expected, found| Some(RestoreError::Gap { expected: Seq(expected), found: Seq(found) });
    let restore = |snapshot, log: Vec<Record>| Room::restore(room_id(), snapshot, log).err();
    assert_eq!(restore(None, log[1..].to_vec()), gap(1, 2));
    assert_eq!(restore(None, vec![log[0].clone(), log[2].clone()]), gap(2, 3));
    let snapshot = Snapshot { seq: Seq(1), ..Snapshot::default() };
    assert_eq!(restore(Some(snapshot), log[2..].to_vec()), gap(2, 3));
}

#[test]
fn who_was_away_too_long_gets_a_snapshot() {
    let mut room = Room::new(room_id()).with_tail(3);
    enter(&mut room, 1, "ada");
    for n in 1..=5 {
        write(&mut room, 1, x(n, &n.to_string()));
    }
    for (seq, tail) in [(Some(5), Some(0)), (Some(2), Some(3)), (Some(1), None), (Some(6), None), (None, None)] {
        let welcome = resume(&mut room, 2, "bob", seq);
        assert_eq!(welcome.snapshot.is_none().then_some(welcome.tail.len()), tail, "{seq:?}");
        assert_eq!((welcome.seq, welcome.checksum), (Seq(5), room.document().checksum()));
    }
}

#[test]
fn a_guard_leaves_out_what_was_written_later() {
    let mut room = Room::new(room_id()).with_tail(3);
    enter(&mut room, 1, "ada");
    enter(&mut room, 2, "bob");
    write(&mut room, 1, op(1, &[("a.x", Some("1")), ("a.y", Some("1"))], None));
    write(&mut room, 2, x(1, "2"));
    let undo = |n| op(n, &[("a.x", None), ("a.y", None)], Some(1));
    let record = write(&mut room, 1, undo(2));
    assert_eq!(record.set, Changes::from([(key("a.y"), None)]));
    assert_eq!(code(&handle(&mut room, 1, undo(3))), Some(RejectionCode::Superseded));
    // Also what is not durable yet counts.
    let _ = handle(&mut room, 2, op(2, &[("a.z", Some("2"))], None));
    let late = handle(&mut room, 1, op(4, &[("a.z", None)], Some(3)));
    assert_eq!(code(&late), Some(RejectionCode::Superseded));
    // And what the room no longer knows might have been written by anybody.
    let _ = room.commit(Seq(4));
    write(&mut room, 2, x(3, "3"));
    let late = handle(&mut room, 1, op(5, &[("b.x", None)], Some(1)));
    assert_eq!(code(&late), Some(RejectionCode::Superseded));
}

/// A hundred refusals may come between an operation and the disk.
#[test]
fn what_is_not_durable_yet_is_not_forgotten() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    let first = handle(&mut room, 1, x(1, "age")).persist.remove(0);
    for n in 2..=MAX_PENDING as u64 + 2 {
        assert_eq!(code(&handle(&mut room, 1, op(n, &[], None))), Some(RejectionCode::Invalid));
    }
    assert_eq!(handle(&mut room, 1, x(1, "age")), Effects::default());
    let _ = room.commit(first.seq);
    let again = handle(&mut room, 1, x(1, "age"));
    assert_eq!(again, Effects::send(ConnectionId(1), ServerMessage::Acknowledged { n: 1, seq: first.seq }));
}

struct OnlyAge;

impl Validate for OnlyAge {
    fn check(&self, key: &Key, value: &Value) -> Result<(), String> {
        match value.as_str() {
            Some("age") => Ok(()),
            _ => Err(format!("{key} has no {value:?}")),
        }
    }
}

#[test]
fn one_wrong_value_refuses_all_of_the_operation() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    let both = op(1, &[("a.x", Some("age")), ("a.y", Some("none"))], None);
    let effects = room.handle(ConnectionId(1), both, &OnlyAge);
    assert!(effects.persist.is_empty());
    let Some(ServerMessage::Rejected(rejected)) = effects.send.first().map(|o| &o.message) else { panic!("not refused") };
    assert_eq!(rejected.rejection.key, Some(key("a.y")));
    assert_eq!(rejected.rejection.reason, "a.y has no \"none\"");
}

#[test]
fn limits_hold() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    let keys = |from: usize, to: usize| -> Changes { (from..to).map(|i| (key(&format!("a.c{i}")), Some(value("v")))).collect() };
    let submit = |n, set| ClientMessage::Submit(Op { n, set, guard: None });
    assert_eq!(code(&handle(&mut room, 1, submit(1, keys(0, MAX_OP_KEYS + 1)))), Some(RejectionCode::Limit));
    for i in 0..10 {
        write(&mut room, 1, submit(2 + i, keys(50 * i as usize, 50 * (i as usize + 1))));
    }
    assert_eq!(room.document().len(), MAX_KEYS);
    assert_eq!(code(&handle(&mut room, 1, x(20, "one more"))), Some(RejectionCode::Limit));
    // Exchanging one for another fits.
    write(&mut room, 1, op(21, &[("a.c0", None), ("a.x", Some("v"))], None));

    // What was taken back does not count.
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    for (n, first) in (1..).zip((0..1_000).step_by(50)) {
        let effects = handle(&mut room, 1, submit(n, keys(first, first + 50)));
        assert_eq!(effects.persist.len(), 1);
        if first == 450 {
            let _ = room.abort("the disk is full");
        }
    }

    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    let long = "x".repeat(crate::limits::MAX_VALUE_BYTES - 2);
    let refused = (1..=40).find(|n| {
        let name = format!("a.c{n}");
        let effects = handle(&mut room, 1, op(*n, &[(&name, Some(&long))], None));
        code(&effects) == Some(RejectionCode::Limit)
    });
    assert_eq!(refused, Some(32));
}

#[test]
fn a_reader_is_refused() {
    let mut room = Room::new(room_id());
    let reader = Entrance { access: Access::Read, ..entrance("ada", None) };
    let _ = room.enter(ConnectionId(1), reader);
    assert_eq!(code(&handle(&mut room, 1, x(1, "age"))), Some(RejectionCode::ReadOnly));
    let send = room.set_access(ConnectionId(1), Access::Write);
    assert!(matches!(
        &send[..],
        [Outgoing { message: ServerMessage::Welcome(w), .. }] if w.can_write && w.snapshot.is_none()
    ));
    write(&mut room, 1, x(2, "age"));
}

#[test]
fn people_have_the_lowest_free_color_and_guest_number() {
    let mut room = Room::new(room_id());
    let you = |room: &mut Room, connection, client: &str| {
        let you = enter(room, connection, client).you;
        (you.id.0, you.name, you.color)
    };
    assert_eq!(you(&mut room, 1, "ada"), (1, "Guest 1".to_owned(), 0));
    assert_eq!(you(&mut room, 2, "bob"), (2, "Guest 2".to_owned(), 1));
    let _ = room.leave(ConnectionId(1));
    assert_eq!(you(&mut room, 3, "cem"), (3, "Guest 1".to_owned(), 0));
    // Who comes back is the same person; the colour is taken.
    assert_eq!(you(&mut room, 4, "ada"), (1, "Guest 3".to_owned(), 2));
    let effects = handle(&mut room, 4, ClientMessage::Rename { name: " Ada\u{202e} ".to_owned() });
    assert!(matches!(
        &effects.send[0].message,
        ServerMessage::People { changed, .. } if changed[0].name == "Ada"
    ));
    let _ = room.leave(ConnectionId(4));
    assert_eq!(you(&mut room, 5, "ada"), (1, "Ada".to_owned(), 2));
    let bad = handle(&mut room, 5, ClientMessage::Rename { name: "\n".to_owned() });
    assert!(matches!(bad.send[0].message, ServerMessage::Error { code: ErrorCode::InvalidName, .. }));
    for i in 0..u64::from(COLORS) {
        let color = you(&mut room, 100 + i, &format!("c{i}")).2;
        assert_eq!(u64::from(color), (i + 3) % u64::from(COLORS));
    }
}

#[test]
fn a_client_moves_to_its_new_connection() {
    let mut room = Room::new(room_id());
    let first = enter(&mut room, 1, "ada").you;
    let send = room.enter(ConnectionId(2), entrance("ada", None)).expect("in");
    let closing = ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after_ms: None };
    assert_eq!(send[0], Outgoing::one(ConnectionId(1), closing));
    assert_eq!(room.people(), [first]);
    assert!(room.leave(ConnectionId(1)).is_empty());
    assert!(matches!(handle(&mut room, 1, x(1, "age")).send[0].message, ServerMessage::Error { code: ErrorCode::NotJoined, .. }));
}

#[test]
fn a_full_room_says_so_and_lets_its_people_back_in() {
    let mut room = Room::new(room_id());
    for i in 0..MAX_PEOPLE as u64 {
        let _ = room.enter(ConnectionId(i), entrance(&format!("c{i}"), None));
    }
    let refused = room.enter(ConnectionId(5_000), entrance("late", None));
    assert!(matches!(refused, Err(ServerMessage::Error { code: ErrorCode::RoomFull, .. })));
    assert!(room.enter(ConnectionId(5_000), entrance("c7", None)).is_ok());
    assert_eq!(room.people().len(), MAX_PEOPLE);
}

#[test]
fn memory_is_bounded() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    for n in 1..=MAX_PENDING as u64 + 5 {
        write(&mut room, 1, x(n, "v"));
    }
    assert_eq!(room.snapshot().clients[0].ops.len(), MAX_PENDING);
    assert_eq!(code(&handle(&mut room, 1, x(1, "v"))), Some(RejectionCode::Stale));
    for i in 0..MAX_CLIENTS + 10 {
        let connection = 10 + i as u64;
        enter(&mut room, connection, &format!("c{i}"));
        write(&mut room, connection, x(1, "v"));
        let _ = room.leave(ConnectionId(connection));
    }
    let clients = room.snapshot().clients;
    assert_eq!(clients.len(), MAX_CLIENTS);
    // Ada is still here, so she is not forgotten.
    assert_eq!(clients[0].client.as_str(), "ada");
}

#[test]
fn presence_is_passed_on_and_kept_for_who_comes_later() {
    let mut room = Room::new(room_id());
    let ada = enter(&mut room, 1, "ada").you.id;
    let state = Value::new(json!({"panel": "scatter", "pointer": {"x": 1.5, "y": "b"}})).expect("a value");
    let effects = handle(&mut room, 1, ClientMessage::Presence { state: state.clone() });
    assert_eq!((effects.persist.len(), effects.send.len()), (0, 1));
    assert_eq!(enter(&mut room, 2, "bob").presence, [Presence { from: ada, state }]);
    let long = value(&"x".repeat(MAX_PRESENCE_BYTES));
    let effects = handle(&mut room, 1, ClientMessage::Presence { state: long });
    assert!(matches!(effects.send[0].message, ServerMessage::Error { code: ErrorCode::TooLarge, .. }));
}

#[test]
fn a_checksum_travels_now_and_then() {
    let mut room = Room::new(room_id());
    enter(&mut room, 1, "ada");
    for n in 1..=2 * CHECKSUM_EVERY {
        let record = handle(&mut room, 1, x(n, &n.to_string())).persist.remove(0);
        let with_sum = room.commit(record.seq).len() == 2;
        assert_eq!(with_sum, n % CHECKSUM_EVERY == 0);
    }
}

#[test]
fn every_message_needs_a_room_but_ping() {
    let mut room = Room::new(room_id());
    let messages = [
        x(1, "age"),
        ClientMessage::Leave,
        ClientMessage::Resync,
        ClientMessage::Rename { name: "Ada".to_owned() },
        ClientMessage::Presence { state: Value::from(true) },
    ];
    for message in messages {
        let effects = handle(&mut room, 1, message);
        assert!(effects.persist.is_empty());
        assert!(matches!(&effects.send[..], [Outgoing { message: ServerMessage::Error { code: ErrorCode::NotJoined, .. }, .. }]));
    }
    let effects = handle(&mut room, 1, ClientMessage::Ping);
    assert_eq!(effects.send[0].message, ServerMessage::Pong);
    assert!(room.is_idle());
}
