use serde_json::json;

use super::*;
use crate::checksum::Checksum;
use crate::limits::MAX_VALUE_BYTES;
use crate::operation::RejectionCode;

const ME: PersonId = PersonId(1);
const OTHER: PersonId = PersonId(2);

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

fn value(text: &str) -> Value {
    Value::text(text).expect("a value")
}

/// `"a.x=age b.y"` sets one property and resets another.
fn changes(text: &str) -> Changes {
    text.split_whitespace()
        .map(|one| match one.split_once('=') {
            Some((name, text)) => (key(name), Some(value(text))),
            None => (key(one), None),
        })
        .collect()
}

fn document(text: &str) -> Document {
    let mut document = Document::new();
    document.apply(&changes(text));
    document
}

fn person(id: PersonId) -> Person {
    Person { id, name: format!("Guest {id}"), color: 0 }
}

fn welcome(seq: u64, snapshot: Option<&str>, tail: Vec<Committed>, sum: &str) -> ServerMessage {
    ServerMessage::Welcome(Box::new(Welcome {
        protocol: PROTOCOL,
        room: RoomId::new("/data/5", None).expect("a room"),
        you: person(ME),
        can_write: true,
        seq: Seq(seq),
        snapshot: snapshot.map(document),
        tail,
        people: vec![person(ME), person(OTHER)],
        presence: Vec::new(),
        checksum: document(sum).checksum(),
    }))
}

fn op(seq: u64, by: PersonId, n: u64, set: &str) -> Committed {
    Committed { seq: Seq(seq), by, n, set: changes(set) }
}

fn committed(seq: u64, by: PersonId, n: u64, set: &str) -> ServerMessage {
    ServerMessage::Committed { ops: vec![op(seq, by, n, set)] }
}

fn rejected(n: u64) -> ServerMessage {
    ServerMessage::Rejected(Rejected { n, rejection: Rejection::new(RejectionCode::Invalid, "no such feature") })
}

fn offline() -> Replica {
    Replica::new(RoomId::new("/data/5", None).expect("a room"), "me".parse().expect("a client id"))
}

/// In the room, at 1 with `a.x=age`.
fn live() -> Replica {
    let mut replica = offline();
    let _ = replica.hello();
    let _ = replica.receive(welcome(1, Some("a.x=age"), Vec::new(), "a.x=age"));
    replica
}

fn submits(step: &Step) -> Vec<(u64, Changes, Option<u64>)> {
    step.send
        .iter()
        .filter_map(|message| match message {
            ClientMessage::Submit(op) => Some((op.n, op.set.clone(), op.guard.map(|seq| seq.0))),
            _ => None,
        })
        .collect()
}

fn changed(step: &Step) -> Vec<Changes> {
    step.events
        .iter()
        .filter_map(|event| match event {
            Event::Changed { values, .. } => Some(values.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn an_own_change_shows_at_once_and_wins_until_it_is_answered() {
    let mut replica = live();
    let step = replica.set(changes("a.x=bmi a.y=sex")).expect("a change");
    assert_eq!(changed(&step), [changes("a.x=bmi a.y=sex")]);
    assert_eq!(submits(&step), [(1, changes("a.x=bmi a.y=sex"), None)]);

    let step = replica.receive(committed(2, OTHER, 1, "a.x=bp a.z=s1"));
    assert_eq!(changed(&step), [changes("a.z=s1")]);
    let step = replica.receive(committed(3, ME, 1, "a.x=bmi a.y=sex"));
    assert_eq!(changed(&step), [] as [Changes; 0]);
    assert_eq!(replica.pending(), 0);
    assert_eq!(replica.view(), document("a.x=bmi a.y=sex a.z=s1"));
}

#[test]
fn a_change_without_a_difference_is_none() {
    let mut replica = live();
    assert_eq!(replica.set(changes("a.x=age b.x")), Ok(Step::default()));
    assert!(!replica.can_undo());
}

#[test]
fn a_refused_change_rolls_back_with_the_reason() {
    let mut replica = live();
    let _ = replica.set(changes("a.x=nonsense"));
    let step = replica.receive(rejected(1));
    assert!(matches!(
        &step.events[..],
        [Event::Rejected { set, .. }, Event::Changed { values, by: None }]
            if *set == changes("a.x=nonsense") && *values == changes("a.x=age")
    ));
    assert!(!replica.can_undo());
}

#[test]
fn what_was_changed_offline_is_sent_after_the_welcome() {
    let mut replica = live();
    let _ = replica.disconnected();
    let step = replica.set(changes("a.x=bmi")).expect("a change");
    assert!(step.send.is_empty());
    assert!(matches!(replica.hello(), ClientMessage::Hello { resume: Some(Seq(1)), .. }));
    let tail = vec![op(2, OTHER, 1, "a.x=bp")];
    let step = replica.receive(welcome(2, None, tail, "a.x=bp"));
    assert_eq!(submits(&step), [(1, changes("a.x=bmi"), None)]);
    assert_eq!(replica.get(&key("a.x")), Some(&value("bmi")));
}

#[test]
fn a_resend_that_had_been_committed_is_not_shown_twice() {
    let mut replica = live();
    let _ = replica.set(changes("a.x=bmi"));
    let _ = replica.disconnected();
    let _ = replica.hello();
    // The tail has the own operation: nothing to resend.
    let tail = vec![op(2, ME, 1, "a.x=bmi"), op(3, OTHER, 1, "a.x=bp")];
    let step = replica.receive(welcome(3, None, tail, "a.x=bp"));
    assert!(submits(&step).is_empty());
    assert_eq!(changed(&step), [changes("a.x=bp")]);

    // A snapshot does not tell; the acknowledgement does.
    let _ = replica.set(changes("a.x=s1"));
    let _ = replica.hello();
    let step = replica.receive(welcome(99, Some("a.x=s2"), Vec::new(), "a.x=s2"));
    assert_eq!(submits(&step), [(2, changes("a.x=s1"), None)]);
    let step = replica.receive(ServerMessage::Acknowledged { n: 2, seq: Seq(50) });
    assert_eq!(changed(&step), [changes("a.x=s2")]);
    assert_eq!(replica.pending(), 0);
}

#[test]
fn undo_restores_what_stood_in_the_order_not_what_was_seen() {
    let mut replica = live();
    let _ = replica.set(changes("a.x=bmi"));
    // Never seen, because the own change covered it; still it must come back.
    let _ = replica.receive(committed(2, OTHER, 1, "a.x=bp"));
    let _ = replica.receive(committed(3, ME, 1, "a.x=bmi"));
    let step = replica.undo().expect("an undo");
    assert_eq!(submits(&step), [(2, changes("a.x=bp"), Some(3))]);
    let _ = replica.receive(committed(4, ME, 2, "a.x=bp"));
    let step = replica.redo().expect("a redo");
    assert_eq!(submits(&step), [(3, changes("a.x=bmi"), Some(4))]);
}

#[test]
fn undo_waits_until_it_is_known_what_it_restores() {
    let mut replica = live();
    let _ = replica.set(changes("a.x=bmi"));
    let step = replica.undo().expect("an undo");
    assert!(step.send.is_empty());
    assert_eq!(changed(&step), [changes("a.x=age")]);
    // What is set after the undo waits behind it.
    let step = replica.set(changes("a.y=sex")).expect("a change");
    assert!(step.send.is_empty());
    let step = replica.receive(committed(2, OTHER, 1, "a.x=bp"));
    assert_eq!(changed(&step), [changes("a.x=bp")]);
    let step = replica.receive(committed(3, ME, 1, "a.x=bmi"));
    assert_eq!(submits(&step), [(2, changes("a.x=bp"), Some(3)), (3, changes("a.y=sex"), None)]);
    assert_eq!(replica.view(), document("a.x=bp a.y=sex"));
}

#[test]
fn undo_leaves_alone_what_others_wrote_later() {
    let mut replica = live();
    let _ = replica.set(changes("a.x=bmi a.y=sex"));
    let _ = replica.receive(committed(2, ME, 1, "a.x=bmi a.y=sex"));
    let _ = replica.receive(committed(3, OTHER, 1, "a.x=bp"));
    let step = replica.undo().expect("an undo");
    assert_eq!(step.events.first(), Some(&Event::LeftAlone { keys: vec![key("a.x")] }));
    assert_eq!(submits(&step), [(2, changes("a.y"), Some(3))]);
    // While it is under way somebody writes that property too: theirs shows, whatever the server answers.
    let step = replica.receive(committed(4, OTHER, 2, "a.y=s6"));
    assert_eq!(changed(&step), [changes("a.y=s6")]);
    let _ = replica.receive(rejected(2));
    assert!(!replica.can_undo() && !replica.can_redo());
}

#[test]
fn undo_says_when_others_have_overwritten_it_and_goes_on_from_there() {
    let mut replica = live();
    let _ = replica.set(changes("a.y=sex"));
    let _ = replica.receive(committed(2, ME, 1, "a.y=sex"));
    let _ = replica.set(changes("a.x=bmi"));
    let _ = replica.receive(committed(3, ME, 2, "a.x=bmi"));
    let _ = replica.receive(committed(4, OTHER, 1, "a.x=bp"));
    assert_eq!(replica.undo(), Err(Refused::Superseded));
    let step = replica.undo().expect("an undo");
    assert_eq!(submits(&step), [(3, changes("a.y"), Some(4))]);
}

#[test]
fn the_undo_of_a_refused_change_disappears_with_it() {
    let mut replica = live();
    let _ = replica.set(changes("a.x=nonsense"));
    let _ = replica.undo();
    let _ = replica.redo();
    let step = replica.receive(rejected(1));
    assert_eq!(replica.pending(), 0);
    assert!(step.send.is_empty());
    assert_eq!(replica.view(), document("a.x=age"));
    assert!(!replica.can_undo() && !replica.can_redo());
}

#[test]
fn on_their_own_nothing_is_sent_and_nothing_shows() {
    let mut replica = live();
    replica.step_out();
    let step = replica.set(changes("a.x=bmi")).expect("a change");
    assert!(step.send.is_empty());
    let step = replica.receive(committed(2, OTHER, 1, "a.y=sex"));
    assert!(changed(&step).is_empty());
    assert_eq!(replica.differences(), changes("a.x=age a.y=sex"));

    let _ = replica.undo();
    assert_eq!(replica.view(), document("a.x=age"));
    let _ = replica.redo();
    assert_eq!(changed(&replica.rejoin()), [changes("a.x=age a.y=sex")]);
    assert_eq!(replica.mode(), Mode::Together);
}

#[test]
fn a_link_opens_a_view_on_their_own_and_never_writes() {
    let mut replica = offline();
    let step = replica.open(document("a.x=bmi"));
    assert_eq!(changed(&step), [changes("a.x=bmi")]);
    let _ = replica.hello();
    let step = replica.receive(welcome(1, Some("a.y=sex"), Vec::new(), "a.y=sex"));
    assert!(submits(&step).is_empty() && changed(&step).is_empty());

    let step = replica.show_everyone().expect("a change");
    assert_eq!(submits(&step), [(1, changes("a.x=bmi a.y"), None)]);
    let _ = replica.receive(committed(2, ME, 1, "a.x=bmi a.y"));
    let step = replica.undo().expect("an undo");
    assert_eq!(submits(&step), [(2, changes("a.x a.y=sex"), Some(2))]);
}

#[test]
fn a_large_view_is_shown_in_as_few_operations_as_fit() {
    let mut replica = live();
    replica.step_out();
    let many = (0..100).map(|i| (key(&format!("a.c{i}")), Some(value("v"))));
    let _ = replica.set(many.collect());
    let step = replica.show_everyone().expect("changes");
    let sizes: Vec<usize> = submits(&step).iter().map(|(_, set, _)| set.len()).collect();
    assert_eq!(sizes, [64, 36]);
}

#[test]
fn reset_takes_everything_back_to_its_default() {
    let mut replica = live();
    let step = replica.reset().expect("a change");
    assert_eq!(submits(&step), [(1, changes("a.x"), None)]);
    assert!(replica.view().is_empty());
}

#[test]
fn limits_refuse_without_a_trace() {
    let mut replica = live();
    let many: Changes = (0..65).map(|i| (key(&format!("a.c{i}")), Some(value("v")))).collect();
    assert_eq!(replica.set(many), Err(Refused::TooManyKeys));
    let long = value(&"x".repeat(MAX_VALUE_BYTES - 2));
    let too_long: Changes = ["a.a", "a.b"].map(|k| (key(k), Some(long.clone()))).into();
    assert_eq!(replica.set(too_long), Err(Refused::TooLong));
    assert_eq!((replica.pending(), replica.can_undo()), (0, false));
    for i in 0..MAX_PENDING {
        let _ = replica.set(changes(&format!("a.x={i}"))).expect("a change");
    }
    assert_eq!(replica.set(changes("a.x=more")), Err(Refused::TooManyPending));
    assert_eq!(replica.undo(), Err(Refused::TooManyPending));
}

#[test]
fn a_wrong_checksum_or_a_gap_forces_a_resync() {
    let mut replica = live();
    let good = document("a.x=age").checksum();
    let step = replica.receive(ServerMessage::Checksum { seq: Seq(1), sum: good });
    assert_eq!(step, Step::default());
    let _ = replica.set(changes("a.y=sex"));
    let step = replica.receive(ServerMessage::Checksum { seq: Seq(1), sum: Checksum(1) });
    assert_eq!(step.events, [Event::Diverged]);
    assert_eq!(step.send, [ClientMessage::Resync]);
    // Until the answer everything else is left unread; afterwards what is open is sent again.
    assert_eq!(replica.receive(committed(2, OTHER, 1, "a.x=bp")), Step::default());
    let step = replica.receive(welcome(2, Some("a.x=bp"), Vec::new(), "a.x=bp"));
    assert_eq!(submits(&step), [(1, changes("a.y=sex"), None)]);

    let step = replica.receive(committed(4, OTHER, 3, "a.x=s1"));
    assert_eq!(step.send, [ClientMessage::Resync]);
}

#[test]
fn a_tail_that_does_not_lead_to_the_checksum_forces_a_resync_and_a_snapshot_ends_it() {
    let mut replica = live();
    let _ = replica.hello();
    let step = replica.receive(welcome(2, None, vec![op(2, OTHER, 1, "a.x=bp")], "a.x=s1"));
    assert_eq!(step.send, [ClientMessage::Resync]);
    let step = replica.receive(welcome(2, Some("a.x=s1"), Vec::new(), "a.x=s2"));
    assert!(step.send.is_empty());
    assert!(matches!(step.events.as_slice(), [.., Event::Error { .. }, _, Event::Joined]));
}

#[test]
fn messages_of_another_room_are_left_unread() {
    let mut replica = offline();
    let _ = replica.set(changes("a.x=bmi"));
    let _ = replica.join();
    assert_eq!(replica.receive(rejected(1)), Step::default());
    assert_eq!(replica.receive(committed(1, OTHER, 1, "a.x=bp")), Step::default());
    let ServerMessage::Welcome(mut other) = welcome(9, Some("b.x=1"), Vec::new(), "b.x=1") else { unreachable!() };
    other.room = RoomId::new("/data/6", None).expect("a room");
    assert_eq!(replica.receive(ServerMessage::Welcome(other)), Step::default());
    assert_eq!((replica.status(), replica.pending()), (Status::Joining, 1));
}

#[test]
fn people_and_presence_come_and_go() {
    let mut replica = live();
    let state = Value::new(json!({"panel": "scatter"})).expect("a value");
    let presence = |from| crate::message::Presence { from, state: state.clone() };
    let step = replica.receive(ServerMessage::Presence { people: vec![presence(ME), presence(OTHER)] });
    assert_eq!(step.events, [Event::Presence { from: OTHER, state: Some(state.clone()) }]);
    let step = replica.receive(ServerMessage::People { changed: vec![person(PersonId(3))], left: vec![OTHER], moved: Vec::new() });
    assert_eq!(step.events, [Event::Presence { from: OTHER, state: None }, Event::People]);
    assert_eq!(replica.people().map(|p| p.id.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(replica.presence().count(), 0);
}

#[test]
fn a_reader_cannot_change_the_room_but_look_on_their_own() {
    let mut replica = offline();
    let _ = replica.hello();
    let ServerMessage::Welcome(mut reader) = welcome(1, Some("a.x=age"), Vec::new(), "a.x=age") else { unreachable!() };
    reader.can_write = false;
    let _ = replica.receive(ServerMessage::Welcome(reader));
    assert_eq!(replica.set(changes("a.x=bmi")), Err(Refused::ReadOnly));
    replica.step_out();
    assert!(replica.set(changes("a.x=bmi")).is_ok());
    assert_eq!(replica.show_everyone(), Err(Refused::ReadOnly));
    assert_eq!(replica.mode(), Mode::OnMyOwn);
}

#[test]
fn starts_with_what_the_server_rendered() {
    let mut replica = Replica::with_document(
        RoomId::new("/data/5", None).expect("a room"),
        "me".parse().expect("a client id"),
        Seq(1),
        document("a.x=age"),
    );
    assert!(matches!(replica.hello(), ClientMessage::Hello { resume: Some(Seq(1)), .. }));
    let step = replica.receive(welcome(1, None, Vec::new(), "a.x=age"));
    assert!(changed(&step).is_empty());
    assert_eq!(replica.status(), Status::Live);
}

#[test]
fn after_a_snapshot_nothing_from_before_is_reverted() {
    let mut replica = live();
    let _ = replica.set(changes("a.x=bmi"));
    let _ = replica.receive(committed(2, ME, 1, "a.x=bmi"));
    let _ = replica.set(changes("a.y=sex"));
    // The undo of the open operation waits for it, and the undo of the committed one waits behind that.
    let _ = replica.undo();
    let _ = replica.undo();
    assert_eq!(replica.pending(), 3);
    let _ = replica.hello();
    let step = replica.receive(welcome(99, Some("a.x=bp"), Vec::new(), "a.x=bp"));
    assert_eq!(submits(&step), [(2, changes("a.y=sex"), None)]);
    assert_eq!(replica.view(), document("a.x=bp"));
    // What has its place after the snapshot can be undone as ever.
    let step = replica.receive(committed(100, ME, 2, "a.y=sex"));
    assert_eq!(submits(&step), [(3, changes("a.y"), Some(100))]);
    assert!(!replica.can_undo());

    let mut replica = live();
    let _ = replica.set(changes("a.x=bmi"));
    let _ = replica.receive(committed(2, ME, 1, "a.x=bmi"));
    let _ = replica.hello();
    let _ = replica.receive(welcome(99, Some("a.x=bmi"), Vec::new(), "a.x=bmi"));
    assert!(!replica.can_undo());
}
