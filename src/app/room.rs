//! The room on the user interface's side: what panels read and turn, and who is here.
//!
//! A [`Session`] lives as long as the tab; a [`Page`] as long as its page. On the server both
//! only hold values. In the browser `client::session` drives them from the socket.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::controls::{self, Controls};
use crate::model::{Entity, RoomView};

/// A person on the same page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: u64,
    pub name: String,
    /// Index into the palette of people.
    pub color: u8,
    pub me: bool,
}

/// How the tab stands with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not connected yet; nothing to worry about.
    Connecting,
    Live,
    /// The socket is down; changes are kept and sent when it is back.
    Down,
}

/// Whether changes are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Together,
    Own,
}

/// What the tab knows of the others. One per tab, provided at the root.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub status: RwSignal<Status>,
    pub people: RwSignal<Vec<Person>>,
    pub notices: RwSignal<Vec<Notice>>,
    /// Counts up when the entity's data has changed; panels that show it draw again.
    pub revisions: RwSignal<BTreeMap<Entity, u64>>,
    /// Counts up when any list may have changed.
    pub catalogue: RwSignal<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub id: u64,
    pub text: String,
}

/// The shared view of one page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub room: StoredValue<String>,
    /// The room's last operation that the server rendered, and the values then.
    pub start: StoredValue<(u64, Controls)>,
    pub values: RwSignal<Controls>,
    pub mode: RwSignal<Mode>,
    pub can_undo: RwSignal<bool>,
}

pub fn provide_session() -> Session {
    let session = Session {
        status: RwSignal::new(Status::Connecting),
        people: RwSignal::new(Vec::new()),
        notices: RwSignal::new(Vec::new()),
        revisions: RwSignal::new(BTreeMap::new()),
        catalogue: RwSignal::new(0),
    };
    provide_context(session);
    session
}

pub fn use_session() -> Session {
    expect_context()
}

impl Session {
    pub fn notify(self, text: impl Into<String>) {
        let text = text.into();
        self.notices.try_update(|notices| {
            let id = notices.last().map_or(0, |last| last.id + 1);
            notices.push(Notice { id, text });
        });
    }

    /// How often the entity has changed since the page was opened.
    pub fn revision(self, entity: Entity) -> u64 {
        self.revisions.with(|revisions| revisions.get(&entity).copied().unwrap_or(0))
    }

    pub fn rename(self, name: String) {
        #[cfg(feature = "hydrate")]
        crate::client::session::rename(name);
        #[cfg(not(feature = "hydrate"))]
        let _ = name;
    }
}

/// Opens the page's room with the values that the server rendered, and leaves it with the page.
pub fn enter(view: &RoomView) -> Page {
    let page = Page {
        room: StoredValue::new(view.room.clone()),
        start: StoredValue::new((view.seq, if view.own { Controls::new() } else { view.values.clone() })),
        values: RwSignal::new(view.values.clone()),
        mode: RwSignal::new(if view.own { Mode::Own } else { Mode::Together }),
        can_undo: RwSignal::new(false),
    };
    provide_context(page);
    Effect::new(move |_| {
        #[cfg(feature = "hydrate")]
        crate::client::session::enter(page);
    });
    on_cleanup(move || {
        #[cfg(feature = "hydrate")]
        crate::client::session::leave(page);
    });
    page
}

pub fn use_page() -> Page {
    expect_context()
}

/// A gesture: properties set, or taken back to their defaults, at once.
pub type Gesture = Vec<(String, Option<serde_json::Value>)>;

impl Page {
    pub fn set(self, panel: &str, control: &str, values: &[String], many: bool) {
        self.submit(vec![(format!("{panel}.{control}"), Some(controls::to_value(values, many)))]);
    }

    pub fn submit(self, gesture: Gesture) {
        #[cfg(feature = "hydrate")]
        crate::client::session::submit(self, gesture);
        #[cfg(not(feature = "hydrate"))]
        let _ = gesture;
    }

    /// Every control back to its default.
    pub fn reset(self) {
        let gesture = self.values.with_untracked(|values| values.keys().map(|key| (key.clone(), None)).collect());
        self.submit(gesture);
    }

    pub fn step_out(self) {
        #[cfg(feature = "hydrate")]
        crate::client::session::step_out(self);
    }

    pub fn rejoin(self) {
        #[cfg(feature = "hydrate")]
        crate::client::session::rejoin(self);
    }

    pub fn show_everyone(self) {
        #[cfg(feature = "hydrate")]
        crate::client::session::show_everyone(self);
    }

    pub fn undo(self) {
        #[cfg(feature = "hydrate")]
        crate::client::session::undo(self);
    }
}
