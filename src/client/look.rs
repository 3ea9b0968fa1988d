//! How people look at a chart: between the room's properties and plotly.js.
//!
//! The room is the truth. Before a figure is drawn it gets what the room says, and plotly.js is told to keep nothing of its
//! own about it; when somebody zooms, selects or uses the legend, the chart is read and what differs goes to the room.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use super::call;
use super::plotly::{dig, list, relayout, restyle};
use crate::app::room::Gesture;
use crate::controls::{Controls, to_value};
use crate::view::{HIDDEN, SELECTION, ZOOM};

/// What the room says about how a chart is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    pub zoom: Option<String>,
    /// The tag of the axes, then shapes.
    pub selection: Vec<String>,
    pub hidden: Vec<String>,
    /// The colour of who selected, a CSS colour.
    pub color: String,
}

impl Look {
    pub fn of(values: &Controls, panel: &str) -> Self {
        let get = |name: &str| values.get(&format!("{panel}.{name}")).cloned().unwrap_or_default();
        Self { zoom: get(ZOOM).into_iter().next(), selection: get(SELECTION), hidden: get(HIDDEN), color: String::new() }
    }

    /// The zoom, if it was made on these axes.
    fn zoom_on(&self, axes: &str) -> Option<&str> {
        self.zoom.as_deref().filter(|zoom| zoom.split(';').next() == Some(axes))
    }

    /// The hidden names that a figure has, in its order.
    fn hidden_in(&self, host: &HtmlElement) -> Vec<String> {
        let mut names: Vec<String> =
            list(host, "data").iter().map(|trace| key_of(&trace)).filter(|name| self.hidden.contains(name)).collect();
        names.dedup();
        names
    }

    /// The selected shapes, if they were drawn on these axes.
    pub fn shapes_on(&self, axes: &str) -> &[String] {
        match self.selection.split_first() {
            Some((tag, shapes)) if tag == axes => shapes,
            _ => &[],
        }
    }
}

fn set(target: &JsValue, key: &str, value: impl Into<JsValue>) {
    let _ = Reflect::set(target, &key.into(), &value.into());
}

/// The tag of the axes that a figure, or what is drawn of it, has.
pub fn axes_of(figure: &JsValue) -> String {
    dig(figure, &["layout", "meta", "axes"]).and_then(|tag| tag.as_string()).unwrap_or_default()
}

/// The names of the Cartesian axes of a layout: `xaxis`, `yaxis2`, ...
fn axis_names(layout: &JsValue) -> Vec<String> {
    let keys = layout.dyn_ref::<Object>().map(Object::keys).unwrap_or_default();
    let is_axis = |name: &String| name.strip_prefix(['x', 'y']).and_then(|rest| rest.strip_prefix("axis")).is_some();
    keys.iter().filter_map(|key| key.as_string()).filter(is_axis).collect()
}

/// The range that a zoom has for an axis.
fn range_in(zoom: Option<&str>, name: &str) -> Option<JsValue> {
    let axis = name.replace("axis", "");
    let range = zoom?.split(';').find_map(|part| part.strip_prefix(&axis)?.strip_prefix(':'))?;
    Some(range.split(',').map(|end| JsValue::from_f64(js_sys::parse_float(end))).collect::<Array>().into())
}

/// Puts the look into a figure that is about to be drawn.
pub fn put_on(figure: &JsValue, look: &Look) {
    let Some(layout) = dig(figure, &["layout"]) else { return };
    let axes = axes_of(figure);
    let zoom = look.zoom_on(&axes);
    let full = Object::new();
    // A figure of a window says what the whole is.
    let whole = dig(&layout, &["meta", "refine"]).map(|ends| Array::from(&ends));
    for name in axis_names(&layout) {
        let Some(axis) = dig(&layout, &[&name]) else { continue };
        set(&axis, "uirevision", false);
        if let Some(range) = dig(&axis, &["range"]) {
            // plotly.js writes into the array that it was given.
            let ends = match (&whole, name.as_str()) {
                (Some(ends), "xaxis") => ends.slice(0, 2),
                (Some(ends), "yaxis") => ends.slice(2, 4),
                _ => Array::from(&range),
            };
            set(&full, &name, ends);
        }
        if let Some(range) = range_in(zoom, &name) {
            set(&axis, "range", range);
        }
    }
    if dig(&layout, &["meta"]).is_none() {
        set(&layout, "meta", Object::new());
    }
    if let Some(meta) = dig(&layout, &["meta"]) {
        set(&meta, "full", full);
    }
    if dig(&layout, &["legend"]).is_none() {
        set(&layout, "legend", Object::new());
    }
    if let Some(legend) = dig(&layout, &["legend"]) {
        set(&legend, "uirevision", false);
    }
    set(&layout, "selectionrevision", false);
    set(&layout, "selections", shapes(look, &axes));
    for trace in list(figure, "data").iter() {
        if look.hidden.contains(&key_of(&trace)) {
            set(&trace, "visible", "legendonly");
        }
    }
}

fn shapes(look: &Look, axes: &str) -> Array {
    look.shapes_on(axes).iter().filter_map(|text| shape(text, &look.color)).collect()
}

/// The text of a shape as plotly.js takes it.
fn shape(text: &str, color: &str) -> Option<JsValue> {
    let shape = Object::new();
    let mut parts = text.splitn(4, ',');
    let (kind, x, y, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    set(&shape, "type", kind);
    set(&shape, "xref", x);
    set(&shape, "yref", y);
    if kind == "path" {
        set(&shape, "path", rest);
    } else {
        for (name, value) in ["x0", "x1", "y0", "y1"].into_iter().zip(rest.split(',')) {
            // A date stays a text.
            let number = JsValue::from_str(value).unchecked_into_f64();
            set(&shape, name, if number.is_nan() { JsValue::from_str(value) } else { number.into() });
        }
    }
    let line = Object::new();
    set(&line, "width", 2);
    set(&line, "dash", "solid");
    if !color.is_empty() {
        set(&line, "color", color);
    }
    set(&shape, "line", line);
    Some(shape.into())
}

/// The inverse of [`shape`].
fn shape_text(shape: &JsValue) -> Option<String> {
    let part = |name: &str| dig(shape, &[name]).map(|value| String::from(js_sys::Object::from(value).to_string()));
    let (kind, x, y) = (part("type")?, part("xref")?, part("yref")?);
    let rest = match kind.as_str() {
        "path" => part("path")?,
        _ => [part("x0")?, part("x1")?, part("y0")?, part("y1")?].join(","),
    };
    Some([kind, x, y, rest].join(","))
}

/// By what a trace is known to the room: its label's text may carry a count that changes.
fn key_of(trace: &JsValue) -> String {
    ["legendgroup", "uid", "name"].iter().find_map(|name| dig(trace, &[name])?.as_string()).unwrap_or_default()
}

/// Changes what is drawn to another look, without a new figure. What is so already is left alone.
pub fn change(host: &HtmlElement, look: &Look) {
    let Some(layout) = dig(host, &["layout"]) else { return };
    let axes = axes_of(host);
    let update = Object::new();
    let zoom = look.zoom_on(&axes);
    if zoom_of(host).as_deref() != zoom {
        for name in axis_names(&layout) {
            if let Some(range) = range_in(zoom, &name).or_else(|| dig(&layout, &["meta", "full", &name])) {
                set(&update, &format!("{name}.range"), range);
            }
        }
    }
    if selected(host) != look.shapes_on(&axes) {
        set(&update, "selections", shapes(look, &axes));
    }
    if Object::keys(&update).length() > 0 {
        relayout(host, &update);
    }
    if hidden(host) != look.hidden_in(host) {
        let visible = |trace: JsValue| if look.hidden.contains(&key_of(&trace)) { "legendonly".into() } else { JsValue::TRUE };
        let update = Object::new();
        set(&update, "visible", list(host, "data").iter().map(visible).collect::<Array>());
        restyle(host, &update);
    }
}

fn selected(host: &HtmlElement) -> Vec<String> {
    let layout = dig(host, &["layout"]).unwrap_or(JsValue::UNDEFINED);
    list(&layout, "selections").iter().filter_map(|shape| shape_text(&shape)).collect()
}

fn hidden(host: &HtmlElement) -> Vec<String> {
    let is_hidden = |trace: &JsValue| dig(trace, &["visible"]).is_some_and(|visible| visible == "legendonly");
    let mut hidden: Vec<String> = list(host, "data").iter().filter(is_hidden).map(|trace| key_of(&trace)).collect();
    hidden.dedup();
    hidden
}

/// A number as short as it may be and no shorter: the zoom goes into addresses.
pub fn short(number: f64) -> Option<String> {
    let digits = js_sys::Number::from(number).to_precision(12).ok()?;
    let short = js_sys::Number::from(js_sys::parse_float(&String::from(digits)));
    short.to_string_with_radix(10).ok().map(String::from)
}

/// The visitor's zoom, or nothing at full view.
fn zoom_of(host: &HtmlElement) -> Option<String> {
    let layout = dig(host, &["_fullLayout"])?;
    let mut text = axes_of(host);
    let mut is_zoomed = false;
    for name in axis_names(&layout) {
        let Some(axis) = dig(&layout, &[&name]) else { continue };
        let end = |i: &str| dig(&axis, &["_rl", i])?.as_f64();
        let whole = |i: &str| {
            let raw = dig(host, &["layout", "meta", "full", &name, i])?;
            call(&axis, "r2l", &raw)?.as_f64()
        };
        let (Some(low), Some(high), Some(from), Some(to)) = (end("0"), end("1"), whole("0"), whole("1")) else { continue };
        let slack = (to - from).abs() * 1e-6;
        if (low - from).abs() > slack || (high - to).abs() > slack {
            is_zoomed = true;
            text.push_str(&format!(";{}:{},{}", name.replace("axis", ""), short(low)?, short(high)?));
        }
    }
    is_zoomed.then_some(text)
}

/// What the visitor has just done with a chart, as far as it differs from what the room says.
pub fn gesture(host: &HtmlElement, panel: &str, look: &Look) -> Gesture {
    let axes = axes_of(host);
    let mut gesture = Gesture::new();
    let mut say = |name: &str, value: Option<serde_json::Value>| gesture.push((format!("{panel}.{name}"), value));
    let zoom = zoom_of(host);
    if zoom.as_deref() != look.zoom_on(&axes) {
        say(ZOOM, zoom.map(serde_json::Value::from));
    }
    let selected = selected(host);
    if selected != look.shapes_on(&axes) {
        say(SELECTION, (!selected.is_empty()).then(|| to_value(&[vec![axes], selected].concat(), true)));
    }
    let mut hidden = hidden(host);
    let meant = look.hidden_in(host);
    if hidden != meant {
        // Names that this figure does not have stay as they are.
        hidden.extend(look.hidden.iter().filter(|name| !meant.contains(name)).cloned());
        say(HIDDEN, (!hidden.is_empty()).then(|| to_value(&hidden, true)));
    }
    gesture
}
