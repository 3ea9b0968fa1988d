//! What this person is doing, for the others: where the pointer is, what is being dragged, whether anybody is there at all.
//!
//! One set of listeners on the document serves all charts. What is said is gathered and sent at most 30 times a second.

use std::cell::RefCell;
use std::time::Duration;

use labboard_room::Value;
use leptos::prelude::{document, set_timeout, window};
use wasm_bindgen::prelude::*;
use web_sys::{Event, HtmlElement, MouseEvent};

use super::look::axes_of;
use super::plotly::dig;
use super::{call, closest, listen_to, pins, random_name, rows, session};
use crate::app::room::Doing;

const EVERY: Duration = Duration::from_millis(34);
/// Who has not touched anything for so long is idle.
const IDLE_AFTER: f64 = 120_000.0;
/// Corners of a lasso that are worth sending.
const MOST_CORNERS: usize = 40;

#[derive(Default)]
struct Mine {
    doing: Doing,
    is_dirty: bool,
    /// Something was said a moment ago; what comes now waits.
    is_waiting: bool,
    /// The chart in which a drag began.
    dragged: Option<HtmlElement>,
    acted: f64,
}

thread_local! {
    static MINE: RefCell<Mine> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut Mine) -> T) -> T {
    MINE.with(|mine| act(&mut mine.borrow_mut()))
}

/// Milliseconds since the page was opened.
pub fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// Changes what is said, and says it soon.
pub fn change(act: impl FnOnce(&mut Doing)) {
    let is_changed = with(|mine| {
        let before = mine.doing.clone();
        act(&mut mine.doing);
        mine.is_dirty |= mine.doing != before;
        mine.is_dirty && !mine.is_waiting
    });
    if is_changed {
        flush();
    }
}

/// Says it again, in a room that does not know it.
pub fn repeat() {
    with(|mine| mine.is_dirty = true);
    flush();
}

fn flush() {
    let state = with(|mine| {
        let state = std::mem::take(&mut mine.is_dirty).then(|| Value::new(mine.doing.to_json()).ok()).flatten();
        mine.is_waiting = state.is_some();
        state
    });
    if let Some(state) = state {
        session::present(state);
        set_timeout(flush, EVERY);
    }
}

/// Begins to listen; once for the tab.
pub fn start() {
    with(|mine| mine.doing.tab = random_name());
    listen_to("pointermove", |event| moved(&event));
    listen_to("pointerdown", |event| {
        acted(&event);
        pressed(&event);
    });
    listen_to("pointerup", |_| released());
    listen_to("pointercancel", |_| released());
    listen_to("keydown", |event| {
        acted(&event);
        revert(&event);
    });
    listen_to("wheel", |event| acted(&event));
    listen_to("visibilitychange", |_| {
        let is_hidden = document().hidden();
        change(|doing| {
            doing.is_idle = is_hidden;
            doing.pointer = doing.pointer.filter(|_| !is_hidden);
        });
    });
    look_again();
}

/// Looks now and then whether this person is still there, and lets what others did fade.
fn look_again() {
    let is_idle = with(|mine| now() - mine.acted > IDLE_AFTER) || document().hidden();
    change(|doing| doing.is_idle = is_idle);
    session::fade();
    pins::draw();
    set_timeout(look_again, Duration::from_secs(1));
}

/// The person does something of their own, which ends that they follow somebody.
fn acted(event: &Event) {
    with(|mine| mine.acted = now());
    if event.is_trusted() && closest(event, "[data-follow]").is_none() {
        session::unfollow();
    }
}

/// Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y, except where a text is being written.
fn revert(event: &Event) {
    let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
    let is_redo = match key.key().as_str() {
        "z" | "Z" => key.shift_key(),
        "y" => true,
        _ => return,
    };
    let is_writing = closest(event, "input:not([type=radio]):not([type=checkbox]), textarea").is_some();
    if (key.ctrl_key() || key.meta_key()) && !is_writing {
        event.prevent_default();
        session::revert(is_redo);
    }
}

fn moved(event: &Event) {
    with(|mine| mine.acted = now());
    let dragged = with(|mine| mine.dragged.clone());
    let host = dragged.or_else(|| closest(event, ".host")?.dyn_into().ok());
    let panel = host
        .as_ref()
        .and_then(|host| host.closest("[data-panel]").ok().flatten())
        .or_else(|| closest(event, "[data-panel]"))
        .and_then(|panel| panel.get_attribute("data-panel"))
        .unwrap_or_default();
    let point = host.as_ref().zip(event.dyn_ref::<MouseEvent>()).and_then(|(host, mouse)| point(host, mouse));
    rows::hover(host.as_ref().zip(point));
    let axes = host.as_ref().map(|host| axes_of(host)).unwrap_or_default();
    let is_lasso = host.as_ref().and_then(|host| dig(host, &["_fullLayout", "dragmode"])).is_some_and(|mode| mode == "lasso");
    change(|doing| {
        doing.pointer = point;
        doing.axes = axes;
        doing.panel = panel;
        if let ([start, ..], Some(end)) = (doing.drag.as_slice(), point) {
            if is_lasso {
                if doing.drag.len() >= MOST_CORNERS {
                    let mut keep = false;
                    doing.drag.retain(|_| {
                        keep = !keep;
                        keep
                    });
                }
                doing.drag.push(end);
            } else {
                let [x, y] = *start;
                doing.drag = vec![[x, y], [end[0], y], end, [x, end[1]]];
            }
        }
    });
}

fn pressed(event: &Event) {
    let Some(host) = closest(event, ".host").and_then(|host| host.dyn_into::<HtmlElement>().ok()) else { return };
    let is_pan = dig(&host, &["_fullLayout", "dragmode"]).is_none_or(|mode| mode == "pan");
    let start = event.dyn_ref::<MouseEvent>().and_then(|mouse| point(&host, mouse));
    if let Some(start) = start.filter(|_| !is_pan) {
        with(|mine| mine.dragged = Some(host));
        change(|doing| doing.drag = vec![start]);
    }
}

fn released() {
    with(|mine| mine.dragged = None);
    change(|doing| doing.drag.clear());
}

/// A point of the window in a chart's axis units, if it is between its axes.
pub fn point(host: &HtmlElement, mouse: &MouseEvent) -> Option<[f64; 2]> {
    let frame = host.get_bounding_client_rect();
    let at = |axis: &str, px: f64| {
        let axis = dig(host, &["_fullLayout", axis])?;
        let (offset, length) = (dig(&axis, &["_offset"])?.as_f64()?, dig(&axis, &["_length"])?.as_f64()?);
        let px = px - offset;
        let number = (0.0..=length).contains(&px).then(|| call(&axis, "p2l", &px.into())?.as_f64()).flatten()?;
        // As precise as a pixel of any screen, and short.
        let digits = js_sys::Number::from(number).to_precision(7).ok()?;
        Some(js_sys::parse_float(&String::from(digits)))
    };
    Some([at("xaxis", f64::from(mouse.client_x()) - frame.left())?, at("yaxis", f64::from(mouse.client_y()) - frame.top())?])
}
