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

/// What somebody is doing, as they say themselves. It is lossy and kept nowhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doing {
    /// Names their tab, also on the next page.
    pub tab: String,
    /// The panel under their pointer.
    pub panel: String,
    /// What that panel's axes show, for `pointer` and `drag`.
    pub axes: String,
    /// In axis units.
    pub pointer: Option<[f64; 2]>,
    /// The corners of what they are dragging.
    pub drag: Vec<[f64; 2]>,
    /// The thread of comments in which they write.
    pub typing: Option<String>,
    /// Their view as a query, while they are on their own.
    pub own: Option<String>,
    /// They ask everybody to come; the number tells one time from another.
    pub offer: Option<u64>,
    pub is_idle: bool,
    /// When this tab heard of it, in milliseconds of its own clock.
    pub at: f64,
}

impl Doing {
    pub fn to_json(&self) -> serde_json::Value {
        let mut state = serde_json::Map::new();
        let mut say = |name: &str, value: serde_json::Value| drop(state.insert(name.to_owned(), value));
        say("tab", self.tab.as_str().into());
        for (name, text) in [("panel", &self.panel), ("axes", &self.axes)] {
            if !text.is_empty() {
                say(name, text.as_str().into());
            }
        }
        if let Some([x, y]) = self.pointer {
            say("pointer", vec![x, y].into());
        }
        if self.drag.len() > 2 {
            say("drag", self.drag.iter().map(|corner| corner.to_vec()).collect::<Vec<_>>().into());
        }
        for (name, text) in [("typing", &self.typing), ("own", &self.own)] {
            if let Some(text) = text {
                say(name, text.as_str().into());
            }
        }
        if let Some(n) = self.offer {
            say("offer", n.into());
        }
        if self.is_idle {
            say("idle", true.into());
        }
        serde_json::Value::Object(state)
    }

    /// What of it can be understood.
    pub fn from_json(state: &serde_json::Value, at: f64) -> Doing {
        let text = |name: &str| state.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let pair = |value: &serde_json::Value| Some([value.get(0)?.as_f64()?, value.get(1)?.as_f64()?]);
        Doing {
            tab: text("tab").unwrap_or_default(),
            panel: text("panel").unwrap_or_default(),
            axes: text("axes").unwrap_or_default(),
            pointer: state.get("pointer").and_then(pair),
            drag: state.get("drag").and_then(|drag| drag.as_array()).map(|drag| drag.iter().filter_map(pair).collect()).unwrap_or_default(),
            typing: text("typing"),
            own: text("own"),
            offer: state.get("offer").and_then(|n| n.as_u64()),
            is_idle: state.get("idle").is_some(),
            at,
        }
    }
}

/// Somebody asks everybody to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub from: u64,
    pub name: String,
    pub n: u64,
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
    /// The colours of those who changed a property last, as far as this tab has seen it.
    pub authors: RwSignal<Controls>,
    /// What the others on the page are doing, by person.
    pub doings: RwSignal<Vec<(u64, Doing)>>,
    /// The tab that this one follows, and its person's name.
    pub following: RwSignal<Option<(String, String)>>,
    pub offer: RwSignal<Option<Offer>>,
    /// The part of the drawer that is open.
    pub drawer: RwSignal<Option<&'static str>>,
    /// Comments on the page that this person has not seen.
    pub unread: RwSignal<u32>,
    /// Counts up when somebody comments on the page.
    pub comments: RwSignal<u64>,
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
    pub can_redo: RwSignal<bool>,
}

pub fn provide_session() -> Session {
    let session = Session {
        status: RwSignal::new(Status::Connecting),
        people: RwSignal::new(Vec::new()),
        notices: RwSignal::new(Vec::new()),
        revisions: RwSignal::new(BTreeMap::new()),
        catalogue: RwSignal::new(0),
        authors: RwSignal::new(Controls::new()),
        doings: RwSignal::new(Vec::new()),
        following: RwSignal::new(None),
        offer: RwSignal::new(None),
        drawer: RwSignal::new(None),
        unread: RwSignal::new(0),
        comments: RwSignal::new(0),
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

    /// The colour of who changed a property last: a design token's name, empty if that is not known.
    pub fn author_of(self, key: &str) -> String {
        self.authors.with(|authors| authors.get(key).and_then(|token| token.first().cloned()).unwrap_or_default())
    }

    /// Somebody on the page.
    pub fn person(self, is_it: impl Fn(&Person) -> bool) -> Option<Person> {
        self.people.with(|people| people.iter().find(|person| is_it(person)).cloned())
    }

    /// Whether this tab follows the one that does this.
    pub fn follows(self, doing: &Doing) -> bool {
        self.following.with(|following| following.as_ref().is_some_and(|(tab, _)| *tab == doing.tab))
    }

    /// What one of the others is doing.
    pub fn doing(self, person: u64) -> Option<Doing> {
        self.doings.with(|doings| doings.iter().find(|(id, _)| *id == person).map(|(_, doing)| doing.clone()))
    }

    /// The others who do something on the page.
    pub fn others(self) -> Vec<(Person, Doing)> {
        let others = self.people.get().into_iter().filter(|person| !person.me);
        others.filter_map(|person| Some((person.clone(), self.doing(person.id)?))).collect()
    }

    /// Follows somebody: their page, panel and view, until this person does something of their own.
    pub fn follow(self, person: &Person) {
        #[cfg(feature = "hydrate")]
        crate::client::session::follow(person.id, person.name.clone());
        #[cfg(not(feature = "hydrate"))]
        let _ = person;
    }

    /// Asks everybody on the page to come to this person's panel and view.
    pub fn bring_everyone(self) {
        #[cfg(feature = "hydrate")]
        crate::client::session::bring_everyone();
    }

    /// Answers somebody's offer.
    pub fn answer(self, accept: bool) {
        #[cfg(feature = "hydrate")]
        crate::client::session::answer(accept);
        #[cfg(not(feature = "hydrate"))]
        let _ = accept;
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
        can_redo: RwSignal::new(false),
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
        #[cfg(feature = "hydrate")]
        crate::client::session::restore(self, &Controls::new());
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

    pub fn redo(self) {
        #[cfg(feature = "hydrate")]
        crate::client::session::redo(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_does_comes_back() {
        let doing = Doing {
            tab: "0a".to_owned(),
            panel: "scatter".to_owned(),
            axes: "1b".to_owned(),
            pointer: Some([0.5, -2.0]),
            drag: vec![[0.0, 1.0], [2.0, 1.0], [2.0, 3.0]],
            typing: Some("7".to_owned()),
            own: Some("scatter.x=age".to_owned()),
            offer: Some(3),
            is_idle: true,
            at: 5.0,
        };
        assert_eq!(Doing::from_json(&doing.to_json(), 5.0), doing);
        let nothing = Doing { at: 1.0, ..Doing::default() };
        assert_eq!(Doing::from_json(&serde_json::json!({"pointer": "here", "drag": 5, "own": []}), 1.0), nothing);
    }
}
