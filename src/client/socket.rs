//! The tab's one WebSocket: opens it, keeps it open, and comes back with growing pauses.

use std::cell::RefCell;
use std::time::Duration;

use labboard_room::backoff;
use leptos::prelude::{document, set_timeout, window};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, WebSocket};

use super::session;

#[derive(Default)]
struct Line {
    socket: Option<WebSocket>,
    /// Failed attempts since the last connection that worked.
    attempts: u32,
    /// A reconnect is due; another one need not be planned.
    planned: bool,
    listening: bool,
    /// The server does not want this tab back.
    stopped: bool,
}

thread_local! {
    static LINE: RefCell<Line> = RefCell::new(Line::default());
}

fn url() -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    let base = document().document_element()?.get_attribute("data-base").unwrap_or_default();
    Some(format!("{scheme}://{}{base}/live", location.host().ok()?))
}

/// Opens the socket, unless it is open or about to be.
pub fn open() {
    listen_to_the_network();
    let busy = LINE.with(|line| line.borrow().socket.is_some() || line.borrow().stopped);
    if busy {
        return;
    }
    let Some(socket) = url().and_then(|url| WebSocket::new(&url).ok()) else {
        retry();
        return;
    };
    let on_open = Closure::<dyn FnMut()>::new(|| {
        LINE.with(|line| line.borrow_mut().attempts = 0);
        session::opened();
    });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        if let Some(text) = event.data().as_string() {
            session::received(&text);
        }
    });
    let on_close = Closure::<dyn FnMut()>::new(lost);
    socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    // The browser drops them with the socket.
    on_open.into_js_value();
    on_message.into_js_value();
    on_close.into_js_value();
    LINE.with(|line| line.borrow_mut().socket = Some(socket));
}

pub fn is_open() -> bool {
    LINE.with(|line| line.borrow().socket.as_ref().is_some_and(|socket| socket.ready_state() == WebSocket::OPEN))
}

/// Does not come back by itself.
pub fn stop() {
    LINE.with(|line| line.borrow_mut().stopped = true);
}

pub fn send(text: &str) {
    LINE.with(|line| {
        if let Some(socket) = &line.borrow().socket
            && socket.ready_state() == WebSocket::OPEN
        {
            let _ = socket.send_with_str(text);
        }
    });
}

fn lost() {
    LINE.with(|line| {
        if let Some(socket) = line.borrow_mut().socket.take() {
            socket.set_onopen(None);
            socket.set_onmessage(None);
            socket.set_onclose(None);
            let _ = socket.close();
        }
    });
    session::closed();
    retry();
}

fn retry() {
    let attempt = LINE.with(|line| {
        let mut line = line.borrow_mut();
        if std::mem::replace(&mut line.planned, true) {
            return None;
        }
        line.attempts += 1;
        Some(line.attempts - 1)
    });
    let Some(attempt) = attempt else { return };
    let pause = backoff(attempt, js_sys::Math::random());
    set_timeout(
        || {
            LINE.with(|line| line.borrow_mut().planned = false);
            if window().navigator().on_line() {
                open();
            }
        },
        Duration::from_millis(pause),
    );
}

/// The browser knows before the socket does that the network is gone, and that it is back.
fn listen_to_the_network() {
    let first = LINE.with(|line| !std::mem::replace(&mut line.borrow_mut().listening, true));
    if !first {
        return;
    }
    let offline = Closure::<dyn FnMut()>::new(lost);
    let online = Closure::<dyn FnMut()>::new(open);
    let window = window();
    let _ = window.add_event_listener_with_callback("offline", offline.as_ref().unchecked_ref());
    let _ = window.add_event_listener_with_callback("online", online.as_ref().unchecked_ref());
    offline.into_js_value();
    online.into_js_value();
}
