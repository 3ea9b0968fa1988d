//! What others do in a chart, drawn over it: pointers, and what they are dragging.
//!
//! It is written as one text and put in place at once: some hundred bytes for each person, thirty times a second.

use std::fmt::Write as _;

use leptos::prelude::document;
use web_sys::{Element, HtmlElement};

use super::look::axes_of;
use super::plotly::dig;
use super::{call, elements, presence};
use crate::app::room::{Doing, Person};

/// After so many milliseconds without a move a pointer fades, and later goes.
const FADES: f64 = 4_000.0;
const GOES: f64 = 8_000.0;

const SVG: &str = "http://www.w3.org/2000/svg";

fn layer(host: &HtmlElement) -> Option<Element> {
    let frame = host.parent_element()?;
    if let Ok(Some(found)) = frame.query_selector("svg.others") {
        return Some(found);
    }
    let layer = document().create_element_ns(Some(SVG), "svg").ok()?;
    let _ = layer.set_attribute("class", "others");
    let _ = layer.set_attribute("aria-hidden", "true");
    frame.append_child(&layer).ok()?;
    Some(layer)
}

/// Where a point of the axes is in the chart, in CSS pixels.
pub fn place(host: &HtmlElement, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
    let at = |axis: &str, value: f64| {
        let axis = dig(host, &["_fullLayout", axis])?;
        Some((dig(&axis, &["_offset"])?.as_f64()? + call(&axis, "l2p", &value.into())?.as_f64()?).round())
    };
    Some([at("xaxis", x)?, at("yaxis", y)?])
}

/// Draws what these people do in the panel.
pub fn draw(host: &HtmlElement, panel: &str, others: &[(Person, Doing)]) {
    let axes = axes_of(host);
    let mut text = String::new();
    for (person, doing) in others.iter().filter(|(_, doing)| doing.panel == panel && doing.axes == axes) {
        let color = person.color;
        let corners = doing.drag.iter().filter_map(|corner| place(host, *corner)).collect::<Vec<_>>();
        if corners.len() > 2 {
            let _ = write!(text, "<polygon class=\"person-{color}\" points=\"");
            for [x, y] in corners {
                let _ = write!(text, "{},{} ", x as i32, y as i32);
            }
            text.push_str("\"/>");
        }
        let age = presence::now() - doing.at;
        if let Some([x, y]) = doing.pointer.filter(|_| age < GOES).and_then(|point| place(host, point)) {
            let fading = if age > FADES { " fading" } else { "" };
            let name = escape(&person.name);
            let _ = write!(
                text,
                "<g class=\"person-{color}{fading}\" data-pointer=\"{}\" transform=\"translate({} {})\">\
                 <path d=\"M0 0l4.5 14 3.2-5.8L14 5.6z\"/><text x=\"12\" y=\"22\">{name}</text></g>",
                person.id, x as i32, y as i32
            );
        }
    }
    if let Some(layer) = layer(host).filter(|layer| layer.inner_html() != text) {
        layer.set_inner_html(&text);
    }
}

/// Marks in the head of each panel who is on it.
pub fn mark_panels(others: &[(Person, Doing)]) {
    for panel in elements(document().query_selector_all("section[data-panel]")) {
        let name = panel.get_attribute("data-panel").unwrap_or_default();
        let mut text = String::new();
        for (person, _) in others.iter().filter(|(_, doing)| doing.panel == name) {
            let _ = write!(text, "<i class=\"person-{}\" title=\"{}\"></i>", person.color, escape(&person.name));
        }
        let place = panel.query_selector(".here").ok().flatten();
        if let Some(place) = place.filter(|place| place.inner_html() != text) {
            place.set_inner_html(&text);
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
