//! The drawer beside a page: comments, saved views, history. The server writes each as HTML with forms in it; here they are
//! fetched, sent and put in place. Comments are always there, also while the drawer is closed: pins and counts come from them.

use std::cell::Cell;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, FormData, HtmlElement, HtmlFormElement, HtmlInputElement, UrlSearchParams};

use super::{closest, elements, fetch, listen_to, pins, presence, root_attribute, session};
use crate::app::room::{Page, Session};
use crate::controls::{self, encode};

/// Where the server's HTML goes.
pub const COMMENTS: &str = "drawer-comments";
pub const OTHER: &str = "drawer-other";

thread_local! {
    static NOTICED: Cell<u32> = const { Cell::new(0) };
    static LISTENS: Cell<bool> = const { Cell::new(false) };
    static ASKED: Cell<u32> = const { Cell::new(0) };
    static SHOWN: Cell<bool> = const { Cell::new(false) };
}

fn container(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

fn me(session: Session) -> String {
    let known = untrack(|| session.person(|person| person.me)).map(|person| person.name);
    // On a new page the room has not said it yet.
    known.or_else(session::stored_name).unwrap_or_default()
}

fn address(part: &str, page: Page, session: Session) -> String {
    let room = page.room.get_value();
    let (name, rest) = part.split_once('&').unwrap_or((part, ""));
    format!("{}/_room/{name}?room={}&me={}&{rest}", root_attribute("data-base"), encode(&room), encode(&me(session)))
}

/// Numbers what is asked for a container, so that a late answer does not take the place of a newer one.
fn asked() -> u32 {
    ASKED.with(|asked| {
        asked.set(asked.get() + 1);
        asked.get()
    })
}

/// Fetches a part of the drawer and shows it.
pub fn load(part: String, page: Page, session: Session) {
    let number = asked();
    leptos::task::spawn_local(async move {
        match fetch::text(&address(&part, page, session), None).await {
            Ok(html) => fill(if part == "comments" { COMMENTS } else { OTHER }, &html, number, page, session),
            Err(error) => session.notify(error.to_string()),
        }
    });
}

fn all(container: &Element, selector: &str) -> Vec<Element> {
    elements(container.query_selector_all(selector))
}

fn text_in(field: &Element, property: &str) -> String {
    js_sys::Reflect::get(field, &property.into()).ok().and_then(|value| value.as_string()).unwrap_or_default()
}

fn write_in(field: &Element, text: &str) {
    let _ = js_sys::Reflect::set(field, &"value".into(), &text.into());
}

/// Puts HTML in place; what is being written in it stays.
fn fill(id: &str, html: &str, number: u32, page: Page, session: Session) {
    let Some(container) = container(id) else { return };
    let attribute = "data-number";
    if container.get_attribute(attribute).and_then(|last| last.parse().ok()).is_some_and(|last: u32| last > number) {
        return;
    }
    let _ = container.set_attribute(attribute, &number.to_string());
    let name = |field: &Element| field.get_attribute("data-draft").unwrap_or_default();
    let active = document().active_element();
    let fields = all(&container, "[data-draft]");
    let focused = fields.iter().find(|field| active.as_ref() == Some(*field)).map(name);
    let is_written = |field: &&Element| text_in(field, "value") != text_in(field, "defaultValue");
    let written = fields.iter().filter(is_written).map(|field| (name(field), text_in(field, "value"))).collect::<Vec<_>>();
    let label = container.query_selector("[data-anchor]").ok().flatten().and_then(|label| label.text_content());
    container.set_inner_html(html);
    for field in all(&container, "[data-draft]") {
        if let Some((_, text)) = written.iter().find(|(written, _)| *written == name(&field)) {
            write_in(&field, text);
            if let Ok(Some(details)) = field.closest("details") {
                let _ = details.set_attribute("open", "");
            }
        }
        if focused.as_ref() == Some(&name(&field))
            && let Some(field) = field.dyn_ref::<HtmlElement>()
        {
            let _ = field.focus();
        }
    }
    if let (Some(label), Ok(Some(place))) = (label, container.query_selector("[data-anchor]")) {
        place.set_text_content(Some(&label));
    }
    if id == COMMENTS {
        counted(&container, page, session);
    }
}

fn counted(container: &HtmlElement, page: Page, session: Session) {
    let threads = container.query_selector(".threads").ok().flatten();
    let number = |name: &str| threads.as_ref().and_then(|threads| threads.get_attribute(name)?.parse::<u32>().ok()).unwrap_or(0);
    session.unread.try_set(number("data-unread"));
    let mentioned = number("data-mentioned");
    if mentioned > NOTICED.replace(mentioned.max(NOTICED.get())) {
        session.notify("Somebody has mentioned you in a comment");
    }
    pins::draw();
    typing(session);
    let is_open = session.drawer.try_get_untracked().flatten() == Some("comments");
    if is_open && !document().hidden() {
        read(page, session);
    }
    // The address of a comment leads to it, once.
    if let Some(comment) = wanted().filter(|_| !SHOWN.replace(true)) {
        session.drawer.try_set(Some("comments"));
        show_thread(&comment);
    }
}

/// Says who writes where.
pub fn typing(session: Session) {
    let others = untrack(|| session.others());
    for place in elements(document().query_selector_all("[data-typing-here]")) {
        let thread = place.get_attribute("data-typing-here");
        let names =
            others.iter().filter(|(_, doing)| doing.typing.is_some() && doing.typing == thread).map(|(person, _)| person.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        let text = if names.is_empty() { String::new() } else { format!("{names} is typing…") };
        if place.text_content().as_ref() != Some(&text) {
            place.set_text_content(Some(&text));
        }
    }
}

/// A button in the server's HTML.
pub fn clicked(event: &Event, page: Page, session: Session) {
    if let Some(part) = closest(event, "[data-get]").and_then(|button| button.get_attribute("data-get")) {
        load(part, page, session);
    } else if let Some(seq) = closest(event, "[data-restore]").and_then(|button| button.get_attribute("data-restore")) {
        leptos::task::spawn_local(async move {
            match fetch::text(&address(&format!("moment&seq={seq}"), page, session), None).await {
                Ok(query) => session::restore(page, &controls::from_query(&query, controls::is_control)),
                Err(error) => session.notify(error.to_string()),
            }
        });
    } else if closest(event, "[data-point]").is_some() {
        pins::point(true);
    }
}

/// A form in the server's HTML. It is sent with the view that is shown.
pub fn submitted(event: &Event, page: Page, session: Session) {
    let Some(form) = closest(event, "form[data-post]").and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else { return };
    event.prevent_default();
    let action = form.get_attribute("data-post").unwrap_or_default();
    let Ok(body) = FormData::new_with_form(&form).and_then(|data| UrlSearchParams::new_with_record_from_str_to_str(&data)) else { return };
    presence::change(|doing| doing.typing = None);
    body.set("view", &page.values.with_untracked(controls::to_query));
    send(action, body, page, session, Some(form));
}

fn send(action: String, body: UrlSearchParams, page: Page, session: Session, form: Option<HtmlFormElement>) {
    body.set("room", &page.room.get_value());
    body.set("me", &me(session));
    let number = asked();
    if let Some(form) = &form {
        let _ = form.set_attribute("inert", "");
    }
    leptos::task::spawn_local(async move {
        let id = if action.ends_with("-view") { OTHER } else { COMMENTS };
        match fetch::post(&format!("{}/_room/{action}", root_attribute("data-base")), &body).await {
            Ok(html) => {
                // What was written has been sent, also if the form has been put in place anew meanwhile.
                let drafts = form.map(|form| all(&form, "[data-draft]")).unwrap_or_default();
                let drafts = drafts.iter().filter_map(|field| field.get_attribute("data-draft")).collect::<Vec<_>>();
                for draft in &drafts {
                    for field in container(id).map(|container| all(&container, &format!("[data-draft=\"{draft}\"]"))).unwrap_or_default() {
                        write_in(&field, &text_in(&field, "defaultValue"));
                    }
                }
                if drafts.iter().any(|draft| draft == "anchor")
                    && let Some(label) = container(id).and_then(|container| container.query_selector("[data-anchor]").ok()?)
                {
                    label.set_text_content(None);
                }
                fill(id, &html, number, page, session);
            }
            Err(error) => {
                if let Some(form) = form {
                    let _ = form.remove_attribute("inert");
                }
                session.notify(error.to_string());
            }
        }
    });
}

/// Notes that all comments have been seen.
pub fn read(page: Page, session: Session) {
    let last = container(COMMENTS).and_then(|comments| comments.query_selector("[data-last]").ok()??.get_attribute("data-last"));
    if let (Some(last), Ok(body)) = (last, UrlSearchParams::new())
        && session.unread.get_untracked() > 0
    {
        body.set("up_to", &last);
        send("read".to_owned(), body, page, session, None);
    }
}

/// Shows a comment.
pub fn show_thread(comment: &str) {
    let selector = format!("[data-comment=\"{}\"]", comment.replace(['"', '\\'], ""));
    // The drawer opens first.
    let show = move || {
        if let Ok(Some(comment)) = document().query_selector(&selector) {
            comment.scroll_into_view();
            if let Ok(Some(thread)) = comment.closest("[data-thread]") {
                let _ = thread.set_attribute("data-shown", "true");
            }
        }
    };
    set_timeout(show, Duration::from_millis(60));
}

/// The comment whose address was opened.
fn wanted() -> Option<String> {
    let query = window().location().search().ok()?;
    controls::parameters(&query).find_map(|(name, value)| (name == "comment").then_some(value))
}

/// Listens for what is written, for pins, and for what is pointed at; once for the tab.
pub fn start(session: Session) {
    if LISTENS.replace(true) {
        return;
    }
    listen_to("input", |event| {
        let thread = closest(&event, "[data-typing]").and_then(|form| form.get_attribute("data-typing"));
        if thread.is_some() {
            presence::change(|doing| doing.typing = thread);
        }
    });
    listen_to("focusout", |_| presence::change(|doing| doing.typing = None));
    listen_to("click", move |event| {
        let pin = ["data-thread-pin", "data-pin"].into_iter().find_map(|name| closest(&event, &format!("[{name}]"))?.get_attribute(name));
        if let Some(thread) = pin {
            event.prevent_default();
            session.drawer.set(Some("comments"));
            show_thread(&thread);
        }
    });
    pins::start();
}

/// Writes what is pointed at into the form for a new thread.
pub fn set_anchor(anchor: &serde_json::Value, label: &str) {
    let Some(comments) = container(COMMENTS) else { return };
    if let Ok(Some(input)) = comments.query_selector("input[name=anchor]")
        && let Ok(input) = input.dyn_into::<HtmlInputElement>()
    {
        input.set_value(&anchor.to_string());
    }
    if let Ok(Some(note)) = comments.query_selector("[data-anchor]") {
        note.set_text_content(Some(label));
    }
    if let Ok(Some(text)) = comments.query_selector("textarea")
        && let Ok(text) = text.dyn_into::<HtmlElement>()
    {
        let _ = text.focus();
    }
}
