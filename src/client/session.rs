//! The tab's part in its room: drives the replica from the socket and the page's signals from the replica.

use std::cell::RefCell;

use labboard_room::client::{Event, Mode as ReplicaMode, Refused, Replica, Step};
use labboard_room::{Changes, ClientId, ClientMessage, Document, EntityKind, Key, RoomId, Seq, ServerMessage, Value};
use leptos::prelude::*;

use super::{replace_query, socket};
use crate::app::room::{Gesture, Mode, Page, Person, Session, Status};
use crate::controls::{self, Controls};
use crate::model::{Entity, Kind};

/// Where the visitor's name is kept between visits.
const NAME: &str = "labboard-name";

struct Tab {
    session: Session,
    current: Option<(Page, Replica)>,
    /// Whether the connection has introduced itself; later rooms are joined over it.
    greeted: bool,
}

thread_local! {
    static TAB: RefCell<Option<Tab>> = const { RefCell::new(None) };
}

fn with_tab<T>(act: impl FnOnce(&mut Tab) -> T) -> Option<T> {
    TAB.with(|tab| tab.borrow_mut().as_mut().map(act))
}

/// 128 random bits, fresh for every page: the secret by which the room knows this client again.
fn client_id() -> ClientId {
    let random = || (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
    let text = format!("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
    ClientId::try_from(text).expect("hexadecimal digits make a client id")
}

fn stored_name() -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(NAME).ok().flatten()
}

fn document_of(values: &Controls) -> Document {
    values
        .iter()
        .filter_map(|(key, values)| {
            // A stored list stays a list: the panel's own description decides what it means.
            let value = controls::to_value(values, values.len() != 1);
            Some((key.parse::<Key>().ok()?, Value::new(value).ok()?))
        })
        .collect()
}

fn values_of(document: &Document) -> Controls {
    document.iter().filter_map(|(key, value)| Some((key.as_str().to_owned(), controls::from_value(value.as_json())?))).collect()
}

/// Makes the page's room the tab's room.
pub fn enter(page: Page) {
    let Some(session) = use_context::<Session>() else { return };
    let (seq, start) = page.start.get_value();
    let Ok(room) = RoomId::try_from(page.room.get_value()) else { return };
    let mut replica = Replica::with_document(room, client_id(), Seq(seq), document_of(&start));
    if let Some(name) = stored_name() {
        let _ = replica.rename(&name);
    }
    if page.mode.get_untracked() == Mode::Own {
        let _ = replica.open(document_of(&page.values.get_untracked()));
    }
    let message = TAB.with(|tab| {
        let mut tab = tab.borrow_mut();
        let tab = tab.get_or_insert_with(|| Tab { session, current: None, greeted: false });
        let message = tab.greeted.then(|| replica.join());
        tab.current = Some((page, replica));
        message
    });
    match message {
        Some(message) => send(&[message]),
        None => socket::open(),
    }
}

/// Leaves the page's room, unless another page has been entered already.
pub fn leave(page: Page) {
    let left = with_tab(|tab| {
        let ours = tab.current.as_ref().is_some_and(|(current, _)| current.values == page.values);
        if ours {
            tab.current = None;
            tab.session.people.try_set(Vec::new());
        }
        ours && tab.greeted
    });
    if left == Some(true) {
        send(&[ClientMessage::Leave]);
    }
}

fn send(messages: &[ClientMessage]) {
    for message in messages {
        match message.encode() {
            Ok(text) => socket::send(&text),
            Err(error) => leptos::logging::warn!("a message was not sent: {error}"),
        }
    }
}

/// The socket is open: introduces the tab.
pub fn opened() {
    let hello = with_tab(|tab| {
        let hello = tab.current.as_mut().map(|(_, replica)| replica.hello());
        tab.greeted = hello.is_some();
        hello
    });
    if let Some(Some(hello)) = hello {
        send(&[hello]);
    }
}

/// The socket is gone.
pub fn closed() {
    with_tab(|tab| {
        tab.greeted = false;
        if let Some((_, replica)) = &mut tab.current {
            let _ = replica.disconnected();
        }
        tab.session.status.try_set(Status::Down);
    });
}

pub fn received(text: &str) {
    match ServerMessage::parse(text) {
        Ok(message) => run(|replica| Ok(replica.receive(message))),
        Err(error) => leptos::logging::warn!("a message was not understood: {error}"),
    }
}

/// Lets the replica take a step, shows what changed and sends what it says.
fn run(act: impl FnOnce(&mut Replica) -> Result<Step, Refused>) {
    let done = with_tab(|tab| {
        let session = tab.session;
        let (page, replica) = tab.current.as_mut()?;
        let outcome = act(replica);
        let shown = Shown::of(replica);
        Some((session, *page, outcome, shown))
    });
    let Some(Some((session, page, outcome, shown))) = done else { return };
    let step = match outcome {
        Ok(step) => step,
        Err(refused) => {
            session.notify(format!("Not changed: {refused}"));
            Step::default()
        }
    };
    send(&step.send);
    shown.show(page);
    for event in step.events {
        handle(session, event);
    }
}

/// What the page shows of its replica.
struct Shown {
    values: Controls,
    mode: Mode,
    can_undo: bool,
}

impl Shown {
    fn of(replica: &Replica) -> Self {
        let mode = match replica.mode() {
            ReplicaMode::Together => Mode::Together,
            ReplicaMode::OnMyOwn => Mode::Own,
        };
        Self { values: values_of(&replica.view()), mode, can_undo: replica.can_undo() }
    }

    fn show(self, page: Page) {
        if page.can_undo.try_get_untracked().is_some_and(|can| can != self.can_undo) {
            page.can_undo.set(self.can_undo);
        }
        // An own view lives in the address bar, so that reloading keeps it.
        if self.mode == Mode::Own {
            replace_query(&self.values);
        } else if page.mode.try_get_untracked() == Some(Mode::Own) {
            replace_query(&Controls::new());
        }
        if page.mode.try_get_untracked().is_some_and(|mode| mode != self.mode) {
            page.mode.set(self.mode);
        }
        if page.values.try_get_untracked().is_some_and(|values| values != self.values) {
            page.values.set(self.values);
        }
    }
}

fn handle(session: Session, event: Event) {
    match event {
        Event::Joined => {
            session.status.try_set(Status::Live);
            people(session);
        }
        Event::People => people(session),
        Event::Rejected { rejection, .. } => session.notify(format!("Not changed: {rejection}")),
        Event::DataChanged { entities } => {
            session.revisions.try_update(|revisions| {
                for entity in entities.iter().filter_map(entity_of) {
                    *revisions.entry(entity).or_default() += 1;
                }
            });
            session.catalogue.try_update(|count| *count += 1);
        }
        Event::Error { message, .. } => session.notify(message),
        Event::Changed { .. } | Event::Diverged | Event::Presence { .. } | Event::Moved { .. } | Event::Closing { .. } => {}
    }
}

fn entity_of(entity: &labboard_room::Entity) -> Option<Entity> {
    let kind = match entity.kind {
        EntityKind::Data => Kind::Data,
        EntityKind::Task => Kind::Task,
        EntityKind::Flow => Kind::Flow,
        EntityKind::Run => Kind::Run,
        _ => return None,
    };
    i64::try_from(entity.id).ok().map(|id| Entity::new(kind, id))
}

fn people(session: Session) {
    let people = with_tab(|tab| {
        let (_, replica) = tab.current.as_ref()?;
        let me = replica.me().map(|me| me.id);
        let mut people = replica
            .people()
            .map(|person| Person { id: person.id.0, name: person.name.clone(), color: person.color % 8 + 1, me: Some(person.id) == me })
            .collect::<Vec<_>>();
        people.sort_by_key(|person| (person.me, person.id));
        Some(people)
    });
    if let Some(Some(people)) = people {
        session.people.try_set(people);
    }
}

pub fn submit(page: Page, gesture: Gesture) {
    let changes: Option<Changes> = gesture
        .into_iter()
        .map(|(key, value)| {
            let value = value.map(Value::new).transpose().ok()?;
            Some((key.parse::<Key>().ok()?, value))
        })
        .collect();
    let Some(changes) = changes else { return };
    if is_current(page) {
        run(|replica| replica.set(changes));
    }
}

fn is_current(page: Page) -> bool {
    with_tab(|tab| tab.current.as_ref().is_some_and(|(current, _)| current.values == page.values)) == Some(true)
}

pub fn step_out(page: Page) {
    if is_current(page) {
        run(|replica| {
            replica.step_out();
            Ok(Step::default())
        });
    }
}

pub fn rejoin(page: Page) {
    if is_current(page) {
        run(|replica| Ok(replica.rejoin()));
    }
}

pub fn show_everyone(page: Page) {
    if is_current(page) {
        run(Replica::show_everyone);
    }
}

pub fn undo(page: Page) {
    if is_current(page) {
        run(Replica::undo);
    }
}

pub fn rename(name: String) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(NAME, &name);
    }
    run(|replica| Ok(replica.rename(&name)));
}
