//! The tab's part in its room: drives the replica from the socket and the page's signals from the replica.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use labboard_room::client::{Event, Mode as ReplicaMode, Refused, Replica, Step};
use labboard_room::{Changes, ClientId, ClientMessage, Document, EntityKind, Key, PersonId, RoomId, Seq, ServerMessage, Value};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{presence, replace_query, socket};
use crate::app::room::{Doing, Gesture, Mode, Offer, Page, Person, Session, Status};
use crate::controls::{self, Controls};
use crate::model::{Entity, Kind};

/// Where the visitor's name is kept between visits.
const NAME: &str = "labboard-name";

/// How long the next page may take until this tab leaves the room of the one before.
const LINGERS: Duration = Duration::from_millis(1500);
/// How long an offer to come stands.
const OFFERED: Duration = Duration::from_secs(20);
/// The longest view that is told to who follows; with everything else it fits into a presence.
const LONGEST_VIEW: usize = 2_000;

struct Tab {
    session: Session,
    navigate: Rc<dyn Fn(&str)>,
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
    ClientId::try_from(super::random_name()).expect("hexadecimal digits make a client id")
}

pub fn stored_name() -> Option<String> {
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
    let navigate = use_navigate();
    let navigate: Rc<dyn Fn(&str)> = Rc::new(move |path| navigate(path, NavigateOptions::default()));
    let message = TAB.with(|tab| {
        let mut tab = tab.borrow_mut();
        let tab = tab.get_or_insert_with(|| Tab { session, navigate: navigate.clone(), current: None, greeted: false });
        tab.navigate = navigate;
        let message = tab.greeted.then(|| replica.join());
        tab.current = Some((page, replica));
        message
    });
    match message {
        Some(message) => send(&[message]),
        // The connection may have come back on a page without a room.
        None if socket::is_open() => opened(),
        None => socket::open(),
    }
}

/// Leaves the page's room, unless another page has been entered already or soon is: entering another room says where to.
pub fn leave(page: Page) {
    with_tab(|tab| {
        let ours = tab.current.as_ref().is_some_and(|(current, _)| current.values == page.values);
        if ours {
            tab.current = None;
            tab.session.people.try_set(Vec::new());
            tab.session.doings.try_update(|doings| doings.clear());
            tab.session.offer.try_set(None);
        }
    });
    let leave = || {
        if with_tab(|tab| tab.current.is_none() && tab.greeted) == Some(true) {
            send(&[ClientMessage::Leave]);
        }
    };
    set_timeout(leave, LINGERS);
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
        tab.session.doings.try_update(|doings| doings.clear());
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
        // Pointers come thirty times a second, and change nothing of the view.
        let is_presence = |step: &Step| !step.events.is_empty() && step.events.iter().all(|event| matches!(event, Event::Presence { .. }));
        let shown = (!outcome.as_ref().is_ok_and(is_presence)).then(|| Shown::of(replica));
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
    if let Some(shown) = shown {
        shown.show(page);
    }
    for event in step.events {
        handle(session, event);
    }
}

/// What the page shows of its replica.
struct Shown {
    values: Controls,
    mode: Mode,
    can_undo: bool,
    can_redo: bool,
}

impl Shown {
    fn of(replica: &Replica) -> Self {
        let mode = match replica.mode() {
            ReplicaMode::Together => Mode::Together,
            ReplicaMode::OnMyOwn => Mode::Own,
        };
        Self { values: controls::of_document(&replica.view()), mode, can_undo: replica.can_undo(), can_redo: replica.can_redo() }
    }

    fn show(self, page: Page) {
        if page.can_undo.try_get_untracked().is_some_and(|can| can != self.can_undo) {
            page.can_undo.set(self.can_undo);
        }
        if page.can_redo.try_get_untracked().is_some_and(|can| can != self.can_redo) {
            page.can_redo.set(self.can_redo);
        }
        let own = (self.mode == Mode::Own).then(|| controls::to_query(&self.values));
        // Of a view that is too long to be told the last one stands.
        if own.as_ref().is_none_or(|query| query.len() <= LONGEST_VIEW) {
            presence::change(|doing| doing.own = own);
        }
        // An own view lives in the address bar, so that reloading keeps it. That of a saved view is left alone while it is that view.
        let is_new = page.values.try_get_untracked().is_some_and(|values| values != self.values);
        let was_together = page.mode.try_get_untracked() == Some(Mode::Together);
        if self.mode == Mode::Own && (is_new || was_together) {
            replace_query(&self.values);
        } else if self.mode == Mode::Together && page.mode.try_get_untracked() == Some(Mode::Own) {
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
            presence::repeat();
        }
        Event::People => people(session),
        Event::Rejected { rejection, .. } => session.notify(format!("Not changed: {rejection}")),
        Event::LeftAlone { keys } => {
            let names = keys.iter().map(Key::as_str).collect::<Vec<_>>().join(", ");
            session.notify(format!("Left as it is, because somebody has changed it since: {names}"));
        }
        Event::DataChanged { entities } => {
            session.revisions.try_update(|revisions| {
                for entity in entities.iter().filter_map(entity_of) {
                    *revisions.entry(entity).or_default() += 1;
                }
            });
            if entities.iter().any(|entity| entity.kind == EntityKind::Comment) {
                session.comments.try_update(|count| *count += 1);
            }
            session.catalogue.try_update(|count| *count += 1);
        }
        Event::Error { message, .. } => session.notify(message),
        Event::Changed { values, by: Some(by) } => {
            if let Some(Person { color, .. }) = untrack(|| session.person(|person| person.id == by.0)) {
                session.authors.try_update(|authors| {
                    for key in values.keys() {
                        authors.insert(key.as_str().to_owned(), vec![format!("--person-{color}")]);
                    }
                });
            }
        }
        Event::Presence { from, state } => present_of(session, from, state),
        Event::Moved { id, to } => moved(session, id, &to),
        Event::Closing { retry_after_ms: None, .. } => {
            socket::stop();
            session.notify("The server has closed the connection. Reload the page to come back");
        }
        Event::Changed { .. } | Event::Diverged | Event::Closing { .. } => {}
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
        let known = |person: &labboard_room::Person| Person {
            id: person.id.0,
            name: person.name.clone(),
            color: person.color % 8 + 1,
            me: Some(person.id) == me,
        };
        let mut people = replica.people().map(known).collect::<Vec<_>>();
        // The others come first.
        if let Some(at) = people.iter().position(|person| person.me) {
            let me = people.remove(at);
            people.push(me);
        }
        Some(people)
    });
    if let Some(Some(people)) = people {
        session.people.try_set(people);
    }
}

/// Somebody's presence, or that they are gone.
fn present_of(session: Session, from: PersonId, state: Option<Value>) {
    let Some(doing) = state.map(|state| Doing::from_json(state.as_json(), presence::now())) else {
        session.doings.try_update(|doings| doings.retain(|(id, _)| *id != from.0));
        return;
    };
    let before = untrack(|| session.doing(from.0));
    session.doings.try_update(|doings| {
        doings.retain(|(id, _)| *id != from.0);
        doings.push((from.0, doing.clone()));
    });
    if let Some(n) = doing.offer.filter(|n| before.as_ref().and_then(|before| before.offer) != Some(*n)) {
        let person = untrack(|| session.person(|person| person.id == from.0));
        session.offer.try_set(person.map(|person| Offer { from: from.0, name: person.name, n }));
    }
    if before.as_ref().is_none_or(|before| before.panel != doing.panel) {
        super::overlay::mark_panels(&untrack(|| session.others()));
    }
    if untrack(|| session.follows(&doing)) {
        come_to(&doing, before.as_ref());
    }
}

/// Shows the view of who is followed, and their panel.
fn come_to(doing: &Doing, before: Option<&Doing>) {
    if before.is_none_or(|before| before.own != doing.own) {
        match &doing.own {
            Some(own) => {
                let view = document_of(&controls::from_query(own, controls::is_control));
                run(|replica| Ok(replica.open(view)));
            }
            None => run(|replica| Ok(replica.rejoin())),
        }
    }
    let is_elsewhere = before.is_none_or(|before| before.panel != doing.panel);
    if is_elsewhere
        && let Ok(Some(panel)) = document().query_selector(&format!("[data-panel=\"{}\"]", doing.panel.replace(['"', '\\'], "")))
    {
        panel.scroll_into_view_with_bool(true);
    }
}

/// Goes where somebody went, if they are followed.
fn moved(session: Session, id: PersonId, to: &RoomId) {
    if !untrack(|| session.doing(id.0).is_some_and(|doing| session.follows(&doing))) {
        return;
    }
    let room = to.name().map(|name| format!("?room={name}")).unwrap_or_default();
    // The navigation ends this room, whose step is still being taken.
    if let Some(navigate) = with_tab(|tab| tab.navigate.clone()) {
        let path = format!("{}{room}", to.page());
        set_timeout(move || navigate(&path), Duration::ZERO);
    }
}

pub fn follow(id: u64, name: String) {
    let found = with_tab(|tab| (tab.session, untrack(|| tab.session.doing(id))));
    match found {
        Some((session, Some(doing))) => {
            session.following.set(Some((doing.tab.clone(), name)));
            come_to(&doing, None);
        }
        Some((session, None)) => session.notify(format!("{name} has not said where they are")),
        None => {}
    }
}

/// The person acts for themselves again.
pub fn unfollow() {
    with_tab(|tab| {
        if tab.session.following.with_untracked(Option::is_some) {
            tab.session.following.set(None);
        }
    });
}

pub fn bring_everyone() {
    let n = presence::now() as u64 + 1;
    presence::change(|doing| doing.offer = Some(n));
    set_timeout(move || presence::change(|doing| doing.offer = doing.offer.filter(|other| *other != n)), OFFERED);
    with_tab(|tab| tab.session.notify("Everybody here is asked to come to your view"));
}

pub fn answer(accept: bool) {
    let doing = with_tab(|tab| {
        let offer = tab.session.offer.get_untracked()?;
        tab.session.offer.set(None);
        untrack(|| tab.session.doing(offer.from))
    });
    if let Some(Some(doing)) = doing.filter(|_| accept) {
        come_to(&doing, None);
    }
}

/// Lets what others did a while ago fade.
pub fn fade() {
    with_tab(|tab| {
        if tab.session.doings.with_untracked(|doings| doings.iter().any(|(_, doing)| doing.pointer.is_some())) {
            tab.session.doings.notify();
        }
        super::drawer::typing(tab.session);
        super::overlay::mark_panels(&untrack(|| tab.session.others()));
    });
}

pub fn present(state: Value) {
    if let Some(Some(message)) = with_tab(|tab| tab.current.as_ref()?.1.present(state)) {
        send(&[message]);
    }
}

/// Shows the others an earlier view again, as a change of one's own.
pub fn restore(page: Page, view: &Controls) {
    if is_current(page) {
        run(|replica| replica.replace(&document_of(view)));
    }
}

/// Undo and redo by the keyboard, on whatever page this is.
pub fn revert(is_redo: bool) {
    run(if is_redo { Replica::redo } else { Replica::undo });
}

pub fn submit(page: Page, gesture: Gesture) {
    let mut changes = Changes::new();
    for (key, value) in gesture {
        let (Ok(key), Ok(value)) = (key.parse::<Key>(), value.map(Value::new).transpose()) else { return };
        changes.insert(key, value);
    }
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

pub fn redo(page: Page) {
    if is_current(page) {
        run(Replica::redo);
    }
}

pub fn rename(name: String) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(NAME, &name);
    }
    run(|replica| Ok(replica.rename(&name)));
}
