//! The few functions of plotly.js that labboard calls.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::{document, window};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

use crate::error::AppError;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Plotly, catch)]
    fn react(host: &HtmlElement, data: &JsValue, layout: &JsValue, config: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = Plotly, js_name = relayout, catch)]
    fn relayout_chart(host: &HtmlElement, update: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = Plotly, js_name = restyle, catch)]
    fn restyle_chart(host: &HtmlElement, update: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = Plotly)]
    fn near(host: &HtmlElement) -> Promise;
    #[wasm_bindgen(js_namespace = Plotly, js_name = purge, catch)]
    fn purge_chart(host: &HtmlElement) -> Result<(), JsValue>;
    #[wasm_bindgen(js_namespace = Plotly, js_name = addTraces, catch)]
    fn add_traces(host: &HtmlElement, trace: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = Plotly, js_name = deleteTraces, catch)]
    fn delete_traces(host: &HtmlElement, place: u32) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = Plotly, js_name = downloadImage, catch)]
    fn download_image(host: &HtmlElement, options: &JsValue) -> Result<Promise, JsValue>;
}

thread_local! {
    static LOADING: RefCell<Option<Promise>> = const { RefCell::new(None) };
}

fn failed(error: &JsValue) -> AppError {
    let text = error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.message()));
    AppError::Internal(format!("the chart could not be drawn: {text}"))
}

/// Loads plotly.js once, at the first chart.
pub async fn load(url: &str) -> Result<(), AppError> {
    if Reflect::has(&window(), &"Plotly".into()).unwrap_or(false) {
        return Ok(());
    }
    let promise = LOADING.with(|loading| loading.borrow_mut().get_or_insert_with(|| script(url)).clone());
    JsFuture::from(promise).await.map(drop).map_err(|_| {
        LOADING.with(|loading| loading.borrow_mut().take());
        AppError::Unreachable("plotly.js did not load".to_owned())
    })
}

fn script(url: &str) -> Promise {
    Promise::new(&mut |resolve, reject| {
        let element = document().create_element("script").ok().and_then(|element| element.dyn_into::<HtmlElement>().ok());
        let Some((element, head)) = element.zip(document().head()) else {
            let _ = reject.call0(&JsValue::NULL);
            return;
        };
        let _ = element.set_attribute("src", url);
        element.set_onload(Some(&resolve));
        element.set_onerror(Some(&reject));
        let _ = head.append_child(&element);
    })
}

/// Resolves when the chart is less than two screens away. plotly.js must have been loaded.
pub async fn come_near(host: &HtmlElement) {
    let _ = JsFuture::from(near(host)).await;
}

/// Draws a figure, in place of the one before.
pub async fn draw(host: &HtmlElement, figure: &JsValue) -> Result<(), AppError> {
    let part = |name: &str| Reflect::get(figure, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let promise = react(host, &part("data"), &part("layout"), &part("config")).map_err(|error| failed(&error))?;
    JsFuture::from(promise).await.map(drop).map_err(|error| failed(&error))
}

/// Changes attributes of the layout of what is drawn.
pub fn relayout(host: &HtmlElement, update: &JsValue) {
    let _ = relayout_chart(host, update);
}

/// Changes attributes of the traces of what is drawn: one value for each.
pub fn restyle(host: &HtmlElement, update: &JsValue) {
    let _ = restyle_chart(host, update);
}

pub fn clear(host: &HtmlElement) {
    if Reflect::has(&window(), &"Plotly".into()).unwrap_or(false) {
        let _ = purge_chart(host);
    }
}

pub async fn download(host: &HtmlElement, name: &str, format: &str) -> Result<(), AppError> {
    let options = js_sys::Object::new();
    for (key, value) in [
        ("format", JsValue::from_str(format)),
        ("filename", JsValue::from_str(name)),
        ("width", JsValue::from_f64(f64::from(host.client_width()))),
        ("height", JsValue::from_f64(f64::from(host.client_height()))),
        ("scale", JsValue::from_f64(if format == "png" { 2.0 } else { 1.0 })),
    ] {
        let _ = Reflect::set(&options, &key.into(), &value);
    }
    let promise = download_image(host, &options).map_err(|error| failed(&error))?;
    JsFuture::from(promise).await.map(drop).map_err(|error| failed(&error))
}

/// Listens to one of plotly.js's events; the chart must have been drawn.
pub fn on(host: &HtmlElement, event: &str, listener: &Function) {
    if let Ok(on) = Reflect::get(host, &"on".into()).and_then(|on| on.dyn_into::<Function>()) {
        let _ = on.call2(host, &event.into(), listener);
    }
}

/// Follows a path of keys and indices through a JavaScript value.
pub fn dig(value: &JsValue, path: &[&str]) -> Option<JsValue> {
    path.iter()
        .try_fold(value.clone(), |value, key| {
            if value.is_null() || value.is_undefined() {
                return None;
            }
            Reflect::get(&value, &JsValue::from_str(key)).ok()
        })
        .filter(|value| !value.is_null() && !value.is_undefined())
}

/// A list, or typed array, in a JavaScript value; empty if it is not there.
pub fn list(value: &JsValue, name: &str) -> js_sys::Array {
    dig(value, &[name]).map(|list| js_sys::Array::from(&list)).unwrap_or_default()
}

/// How long a new mark is ringed, and how many new marks are worth it.
const RINGED: Duration = Duration::from_millis(2500);
const MOST_RINGS: usize = 60;
/// The name of the trace of rings, by which it is found again.
const RINGS: &str = "new marks";

/// The traces whose marks are entities, as plotly.js has read them.
fn linked_traces(host: &HtmlElement) -> Vec<JsValue> {
    list(host, "_fullData").iter().filter(|trace| dig(trace, &["meta", "link"]).is_some()).collect()
}

/// The id in a mark's custom data, alone or first in a list.
pub fn id_of(customdata: &JsValue) -> Option<u64> {
    customdata.as_f64().or_else(|| dig(customdata, &["0"])?.as_f64()).map(|id| id as u64)
}

/// The entities that are drawn as marks, by id.
pub fn marks(host: &HtmlElement) -> HashSet<u64> {
    linked_traces(host).iter().flat_map(|trace| list(trace, "customdata").iter().filter_map(|id| id_of(&id)).collect::<Vec<_>>()).collect()
}

/// Puts rings around the marks that were not among `before`, for a moment.
pub async fn ring(host: &HtmlElement, before: &HashSet<u64>, color: &str) {
    let (xs, ys) = (js_sys::Array::new(), js_sys::Array::new());
    for trace in linked_traces(host) {
        let (ids, x, y) = (list(&trace, "customdata"), list(&trace, "x"), list(&trace, "y"));
        for (at, id) in (0..).zip(ids.iter()) {
            if id_of(&id).is_some_and(|id| !before.contains(&id)) {
                xs.push(&x.get(at));
                ys.push(&y.get(at));
            }
        }
    }
    if before.is_empty() || xs.length() == 0 || xs.length() as usize > MOST_RINGS {
        return;
    }
    let object = |pairs: &[(&str, JsValue)]| {
        let object = js_sys::Object::new();
        for (key, value) in pairs {
            let _ = Reflect::set(&object, &(*key).into(), value);
        }
        JsValue::from(object)
    };
    let line = object(&[("width", 2.5.into()), ("color", color.into())]);
    let marker = object(&[("symbol", "circle-open".into()), ("size", 18.into()), ("color", color.into()), ("line", line)]);
    let rings = object(&[
        ("type", "scatter".into()),
        ("mode", "markers".into()),
        ("name", RINGS.into()),
        ("x", xs.into()),
        ("y", ys.into()),
        ("marker", marker),
        ("hoverinfo", "skip".into()),
        ("showlegend", false.into()),
    ]);
    let Ok(drawn) = add_traces(host, &rings) else { return };
    let _ = JsFuture::from(drawn).await;
    super::sleep(RINGED).await;
    // A newer drawing has no rings any more.
    let place =
        (0..).zip(list(host, "data").iter()).find(|(_, trace)| dig(trace, &["name"]).is_some_and(|name| name == RINGS)).map(|(at, _)| at);
    if let Some(place) = place
        && host.is_connected()
    {
        let _ = delete_traces(host, place);
    }
}
