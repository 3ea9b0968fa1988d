//! Rows that a chart does not draw one by one: what is under the pointer, and what is selected. The server counts.

use std::cell::RefCell;

use js_sys::Array;
use leptos::prelude::document;
use web_sys::{Element, HtmlElement};

use super::look::{Look, axes_of};
use super::plotly::dig;
use super::{fetch, overlay};

/// Where a chart's answers about rows are to be had, on its host.
const ADDRESS: &str = "data-rows";

/// A chart, and a point of its axes.
type Place = (HtmlElement, [f64; 2]);

thread_local! {
    /// What is asked for, and whether an answer is under way: there is one question at a time, and the newest is next.
    static ASKED: RefCell<(Option<Place>, bool)> = RefCell::default();
}

/// Remembers where a figure came from, if rows of it can be asked for.
pub fn remember(host: &HtmlElement, url: &str) {
    if dig(host, &["layout", "meta", "rows"]).is_some() {
        let _ = host.set_attribute(ADDRESS, url);
    } else {
        let _ = host.remove_attribute(ADDRESS);
    }
    tip(host, None);
}

fn address(host: &HtmlElement, part: &str, extra: &str) -> Option<String> {
    let url = host.get_attribute(ADDRESS)?;
    let (path, query) = url.split_once('?')?;
    Some(format!("{path}/{part}?{query}{extra}"))
}

/// An element of this class in the frame of a chart.
fn piece(host: &HtmlElement, class: &str) -> Option<Element> {
    let frame = host.parent_element()?;
    if let Some(found) = frame.get_elements_by_class_name(class).item(0) {
        return Some(found);
    }
    let made = document().create_element("div").ok()?;
    made.set_class_name(class);
    frame.append_child(&made).ok()?;
    Some(made)
}

/// The pointer is at a point of a chart, or at none.
pub fn hover(host: Option<(&HtmlElement, [f64; 2])>) {
    // Marks speak for themselves.
    let host = host.filter(|(host, _)| host.has_attribute(ADDRESS) && dig(host, &["layout", "images", "0"]).is_some());
    let is_asking = ASKED.with_borrow_mut(|(asked, is_asking)| {
        if let Some((before, _)) = asked.take_if(|(before, _)| host.is_none_or(|(host, _)| host != before)) {
            tip(&before, None);
        }
        *asked = host.map(|(host, point)| (host.clone(), point));
        std::mem::replace(is_asking, *is_asking || asked.is_some())
    });
    if !is_asking && host.is_some() {
        leptos::task::spawn_local(ask());
    }
}

async fn ask() {
    loop {
        let Some((host, point)) = ASKED.with_borrow(|(asked, _)| asked.clone()) else { break };
        let cells = dig(&host, &["layout", "meta", "cells"]).map(|cells| String::from(Array::from(&cells).to_string())).unwrap_or_default();
        let Some(url) = address(&host, "at", &format!("&point={},{}&cells={cells}", point[0], point[1])) else { break };
        let answer = fetch::text(&url, None).await;
        let now = ASKED.with_borrow(|(asked, _)| asked.clone());
        if let (Ok(text), true) = (answer, now.as_ref().is_some_and(|(now, _)| *now == host)) {
            tip(&host, overlay::place(&host, point).map(|place| (place, text)));
        }
        if now == Some((host, point)) {
            break;
        }
    }
    ASKED.with_borrow_mut(|(_, is_asking)| *is_asking = false);
}

fn tip(host: &HtmlElement, what: Option<([f64; 2], String)>) {
    let Some(tip) = piece(host, "rows-tip") else { return };
    let Some(([x, y], text)) = what else {
        tip.set_inner_html("");
        return;
    };
    tip.set_inner_html(&text);
    // On the side where there is room.
    let side = if x > f64::from(host.client_width()) / 2.0 { "left" } else { "right" };
    let _ = tip.set_attribute("style", &format!("left:{x}px;top:{y}px"));
    let _ = tip.set_attribute("data-side", side);
}

/// Says how many rows the selection of a chart holds.
pub fn count_selected(host: &HtmlElement, look: &Look) {
    let Some(line) = piece(host, "rows-selected") else { return };
    let shapes = look.shapes_on(&axes_of(host));
    let extra = shapes.iter().map(|shape| format!("&shape={}", crate::controls::encode(shape))).collect::<String>();
    let url = address(host, "select", &extra).filter(|_| !shapes.is_empty()).unwrap_or_default();
    if line.get_attribute("data-of").unwrap_or_default() == url {
        return;
    }
    let _ = line.set_attribute("data-of", &url);
    if url.is_empty() {
        line.set_inner_html("");
        return;
    }
    leptos::task::spawn_local(async move {
        let text = fetch::text(&url, None).await.unwrap_or_else(|error| error.to_string().replace('<', "&lt;"));
        if line.get_attribute("data-of").as_deref() == Some(&url) {
            line.set_inner_html(&text);
        }
    });
}
