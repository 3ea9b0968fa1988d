//! Pins of comments: where their threads point, in charts and tables, and pointing for a new one.
//!
//! A thread's anchor stands in its HTML. A pin on a mark follows the mark wherever it is drawn; one on a place stays with its axes.

use std::cell::RefCell;
use std::fmt::Write as _;

use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, HtmlElement, MouseEvent};

use super::look::{axes_of, short};
use super::plotly::{dig, id_of, list};
use super::{call, closest, drawer, elements, listen_to, overlay, presence};

/// Pixels from a mark within which it is meant.
const NEAR: f64 = 14.0;
/// Pixels that make a click a region.
const DRAGGED: f64 = 8.0;

thread_local! {
    /// Where pointing began: the chart and a point of its axes.
    static BEGUN: RefCell<Option<(HtmlElement, [f64; 2])>> = const { RefCell::new(None) };
}

fn all(selector: &str) -> Vec<Element> {
    elements(document().query_selector_all(selector))
}

fn number(element: &Element, name: &str) -> Option<f64> {
    element.get_attribute(name).map(|text| js_sys::parse_float(&text)).filter(|number| !number.is_nan())
}

/// The marks of a chart that have an id, with their places in axis units.
fn marks(host: &HtmlElement, mut see: impl FnMut(u64, [f64; 2]) -> bool) {
    let axis = |name: &str| dig(host, &["_fullLayout", name]);
    let (Some(x_axis), Some(y_axis)) = (axis("xaxis"), axis("yaxis")) else { return };
    for trace in list(host, "_fullData").iter() {
        let (ids, xs, ys) = (list(&trace, "customdata"), list(&trace, "x"), list(&trace, "y"));
        for (at, id) in (0..).zip(ids.iter()) {
            let place = |axis: &JsValue, values: &js_sys::Array| call(axis, "d2l", &values.get(at))?.as_f64();
            if let (Some(id), Some(x), Some(y)) = (id_of(&id), place(&x_axis, &xs), place(&y_axis, &ys))
                && see(id, [x, y])
            {
                return;
            }
        }
    }
}

fn place_of_mark(host: &HtmlElement, mark: f64) -> Option<[f64; 2]> {
    let mut found = None;
    marks(host, |id, place| {
        let is_it = id as f64 == mark;
        if is_it {
            found = Some(place);
        }
        is_it
    });
    found
}

/// Draws all pins anew.
pub fn draw() {
    let threads = all("[data-thread]");
    for row in all("[data-pin]") {
        let _ = row.remove_attribute("data-pin");
    }
    for panel in all("[data-panel]") {
        let name = panel.get_attribute("data-panel");
        let here = threads.iter().filter(|thread| thread.get_attribute("data-on") == name).collect::<Vec<_>>();
        let host = panel.query_selector(".host[data-drawn]").ok().flatten().and_then(|host| host.dyn_into::<HtmlElement>().ok());
        match host {
            Some(host) => in_chart(&host, &here),
            None => here.into_iter().for_each(|thread| in_table(&panel, thread)),
        }
    }
}

fn say_where(thread: &Element, text: &str) {
    if let Ok(Some(place)) = thread.query_selector(".where") {
        place.set_text_content(Some(text));
    }
}

fn is_open(thread: &Element) -> bool {
    thread.get_attribute("data-resolved").as_deref() != Some("true")
}

fn in_chart(host: &HtmlElement, threads: &[&Element]) {
    let axes = axes_of(host);
    let mut text = String::new();
    for thread in threads {
        let said = number(thread, "data-x").zip(number(thread, "data-y")).map(|(x, y)| [x, y]);
        let is_here = thread.get_attribute("data-axes").as_ref() == Some(&axes);
        let now = match number(thread, "data-mark") {
            Some(mark) => {
                let now = place_of_mark(host, mark);
                let has_moved = is_here
                    && now.zip(said).is_some_and(|(now, said)| (0..2).any(|i| (now[i] - said[i]).abs() > 1e-9 * said[i].abs().max(1.0)));
                let text = match now {
                    None => "gone",
                    Some(_) if has_moved => "moved",
                    Some(_) => "",
                };
                say_where(thread, text);
                now
            }
            None => {
                say_where(thread, if said.is_some() && !is_here { "on other axes" } else { "" });
                said.filter(|_| is_here)
            }
        };
        let Some([x, y]) = now.filter(|_| is_open(thread)).and_then(|place| overlay::place(host, place)) else { continue };
        let id = thread.get_attribute("data-thread").unwrap_or_default();
        if let Some([x1, y1]) = number(thread, "data-x1").zip(number(thread, "data-y1")).and_then(|(x1, y1)| overlay::place(host, [x1, y1]))
        {
            let (left, top, width, height) = (x.min(x1) as i32, y.min(y1) as i32, (x - x1).abs() as i32, (y - y1).abs() as i32);
            let _ = write!(text, "<i style=\"left:{left}px;top:{top}px;width:{width}px;height:{height}px\"></i>");
        }
        let _ = write!(
            text,
            "<a class=\"pin\" href=\"#comment-{id}\" data-thread-pin=\"{id}\" style=\"left:{}px;top:{}px\" aria-label=\"Comment {id}\"></a>",
            x as i32, y as i32
        );
    }
    let Some(frame) = host.parent_element() else { return };
    let layer = frame.query_selector(".pins").ok().flatten().or_else(|| {
        let layer = document().create_element("div").ok()?;
        layer.set_class_name("pins");
        frame.append_child(&layer).ok()?;
        Some(layer)
    });
    if let Some(layer) = layer.filter(|layer| layer.inner_html() != text) {
        layer.set_inner_html(&text);
    }
}

fn in_table(panel: &Element, thread: &Element) {
    let Some(name) = thread.get_attribute("data-row") else { return };
    let row = elements(panel.query_selector_all("tbody tr")).into_iter().find(|row| row_name(row).as_ref() == Some(&name));
    say_where(thread, if row.is_some() { "" } else { "gone" });
    if let Some(row) = row.filter(|_| is_open(thread)) {
        let _ = row.set_attribute("data-pin", &thread.get_attribute("data-thread").unwrap_or_default());
    }
}

fn row_name(row: &Element) -> Option<String> {
    row.query_selector("th").ok()??.text_content().map(|text| text.trim().to_owned())
}

/// Begins or ends pointing: the next click says what the new thread is about.
pub fn point(is_on: bool) {
    let Some(root) = document().document_element() else { return };
    let _ = if is_on { root.set_attribute("data-pointing", "true") } else { root.remove_attribute("data-pointing") };
}

fn is_pointing() -> bool {
    document().document_element().is_some_and(|root| root.has_attribute("data-pointing"))
}

pub fn start() {
    listen_to("pointerdown", |event| {
        if is_pointing()
            && let Some(host) = chart(&event)
        {
            event.prevent_default();
            event.stop_propagation();
            let begun = event.dyn_ref::<MouseEvent>().and_then(|mouse| presence::point(&host, mouse)).map(|place| (host, place));
            BEGUN.with(|cell| cell.replace(begun));
        }
    });
    listen_to("pointerup", |event| {
        if is_pointing() && pointed(&event) {
            point(false);
        }
    });
    listen_to("click", |event| {
        // The click that ends pointing opens nothing.
        if BEGUN.with(RefCell::take).is_some() {
            event.prevent_default();
            event.stop_propagation();
        }
    });
    listen_to("keydown", |event| {
        if event.dyn_ref::<web_sys::KeyboardEvent>().is_some_and(|key| key.key() == "Escape") {
            point(false);
        }
    });
}

/// The chart under the pointer.
fn chart(event: &Event) -> Option<HtmlElement> {
    closest(event, "[data-panel] .chart")?.query_selector(".host[data-drawn]").ok()??.dyn_into().ok()
}

/// Takes what was pointed at; `false` where there is nothing.
fn pointed(event: &Event) -> bool {
    let Some(panel) = closest(event, "[data-panel]") else { return false };
    let name = panel.get_attribute("data-panel").unwrap_or_default();
    let title = panel.query_selector("h2").ok().flatten().and_then(|title| title.text_content()).unwrap_or_default();
    let mut anchor = serde_json::Map::new();
    let mut label = title;
    let mut say = |name: &str, text: String| drop(anchor.insert(name.to_owned(), text.into()));
    say("panel", name);
    if let Some(row) = closest(event, "tbody tr") {
        let row = row_name(&row).unwrap_or_default();
        label = format!("{label}: {row}");
        say("row", row);
    } else if let Some(host) = chart(event)
        && let Some(end) = event.dyn_ref::<MouseEvent>().and_then(|mouse| presence::point(&host, mouse))
    {
        say("axes", axes_of(&host));
        let begun = BEGUN.with(|cell| cell.borrow().clone()).filter(|(begun, _)| *begun == host).map_or(end, |(_, begun)| begun);
        let (from, to) = (overlay::place(&host, begun), overlay::place(&host, end));
        let apart = from.zip(to).map_or(0.0, |(from, to)| (from[0] - to[0]).abs().max((from[1] - to[1]).abs()));
        let mut place = begun;
        if apart > DRAGGED {
            label = format!("{label}: a region");
            say("x1", short(end[0]).unwrap_or_default());
            say("y1", short(end[1]).unwrap_or_default());
        } else if let Some((mark, at)) = nearest(&host, end) {
            label = format!("{label}: mark {mark}");
            say("mark", mark.to_string());
            place = at;
        } else {
            label = format!("{label}: a place");
        }
        say("x", short(place[0]).unwrap_or_default());
        say("y", short(place[1]).unwrap_or_default());
    }
    say("label", label.clone());
    drawer::set_anchor(&anchor.into(), &label);
    true
}

/// The mark next to a point, if there is one near.
fn nearest(host: &HtmlElement, point: [f64; 2]) -> Option<(u64, [f64; 2])> {
    let here = overlay::place(host, point)?;
    let (mut least, mut found) = (NEAR, None);
    marks(host, |id, at| {
        if let Some(place) = overlay::place(host, at) {
            let apart = (place[0] - here[0]).abs().max((place[1] - here[1]).abs());
            if apart < least {
                (least, found) = (apart, Some((id, at)));
            }
        }
        false
    });
    found
}
