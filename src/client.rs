//! Browser only: the one place that touches the DOM, plotly.js and the socket by hand.

pub mod drawer;
pub mod fetch;
pub mod look;
pub mod overlay;
pub mod panel;
pub mod pins;
pub mod plotly;
pub mod presence;
pub mod rows;
pub mod session;
pub mod socket;
pub mod theme;
pub mod transfer;

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::app::room::Session;
use crate::app::{App, Base, Build};
use crate::controls::{self, Controls};

fn root_attribute(name: &str) -> String {
    document().document_element().and_then(|root| root.get_attribute(name)).unwrap_or_default()
}

/// Listens on the document, in the capturing phase: a chart may keep an event to itself. It lasts as long as the tab.
pub fn listen_to(event: &str, act: impl FnMut(web_sys::Event) + 'static) {
    let listener = Closure::<dyn FnMut(web_sys::Event)>::new(act);
    let _ = document().add_event_listener_with_callback_and_bool(event, listener.as_ref().unchecked_ref(), true);
    listener.into_js_value();
}

/// The element around an event's target, or it itself, that a selector names.
pub fn closest(event: &web_sys::Event, selector: &str) -> Option<web_sys::Element> {
    event.target()?.dyn_into::<web_sys::Element>().ok()?.closest(selector).ok().flatten()
}

/// The elements that were found.
pub fn elements(found: Result<web_sys::NodeList, JsValue>) -> Vec<web_sys::Element> {
    let Ok(found) = found else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.get(i)?.dyn_into().ok()).collect()
}

/// Calls a method of a JavaScript object with one argument.
pub fn call(object: &JsValue, method: &str, argument: &JsValue) -> Option<JsValue> {
    let method = plotly::dig(object, &[method])?.dyn_into::<js_sys::Function>().ok()?;
    method.call1(object, argument).ok()
}

/// Hydrates the page.
pub fn start() {
    console_error_panic_hook::set_once();
    presence::start();
    let base: &'static str = Box::leak(root_attribute("data-base").into_boxed_str());
    if !base.is_empty() {
        server_fn::client::set_server_url(base);
    }
    let build = root_attribute("data-build");
    if root_attribute("data-reload") == "true" {
        leptos::task::spawn_local(reload_after_build(build.clone()));
    }
    leptos::mount::hydrate_body(move || view! { <App base=Base(base.to_owned()) build_hash=Build(build)/> });
}

/// A colour among the design tokens, as it is in the theme that is shown.
pub fn color(token: &str) -> Option<String> {
    // A token may depend on the theme; only an element that has the colour knows which one it is.
    let probe = document().create_element("span").ok()?.dyn_into::<web_sys::HtmlElement>().ok()?;
    probe.style().set_property("color", &format!("var({token})")).ok()?;
    document().body()?.append_child(&probe).ok()?;
    let style = window().get_computed_style(&probe).ok().flatten();
    let color = style.and_then(|style| style.get_property_value("color").ok());
    probe.remove();
    color
}

/// Marks the document as hydrated, for tests and scripts.
pub fn hydrated() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "true");
    }
}

pub async fn sleep(duration: Duration) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let millis = i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
    });
    let _ = JsFuture::from(promise).await;
}

/// Development only: reloads the page once the server serves another build.
async fn reload_after_build(build: String) {
    let url = format!("{}/build.txt", root_attribute("data-base"));
    loop {
        sleep(Duration::from_millis(700)).await;
        if let Ok(now) = fetch::text(&url, None).await
            && now.trim() != build
        {
            let _ = window().location().reload();
        }
    }
}

/// The page's path with these controls, and with what else its address says: the private room, and that it is embedded.
fn address(values: &Controls) -> String {
    let location = window().location();
    let (path, search) = (location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    let mut all = values.clone();
    all.extend(controls::from_query(&search, |name| matches!(name, "room" | "embed" | "panel")));
    let query = controls::to_query(&all);
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// Puts a link to exactly this view into the clipboard.
pub fn copy_link(values: &Controls, session: Session) {
    let Ok(origin) = window().location().origin() else { return };
    let link = format!("{origin}{}", address(values));
    let values = values.clone();
    leptos::task::spawn_local(async move {
        if copied(&link).await {
            return session.notify("Link copied");
        }
        // Browsers offer the clipboard on secure origins only; elsewhere the address bar must do.
        replace_query(&values);
        session.notify("The browser refused to copy; the link is in the address bar");
    });
}

/// Opens a private room on this page; its name is the key, and whoever has the address may come in.
pub fn enter_private_room() {
    let path = window().location().pathname().unwrap_or_default();
    let _ = window().location().set_href(&format!("{path}?room=team-{}", random_name()));
}

/// 128 bits that nobody can guess, as 32 hexadecimal digits.
pub fn random_name() -> String {
    use std::fmt::Write as _;
    let bytes = js_sys::Uint8Array::new_with_length(16);
    let crypto = js_sys::Reflect::get(&window(), &"crypto".into()).unwrap_or(JsValue::UNDEFINED);
    let _ = call(&crypto, "getRandomValues", &bytes);
    bytes.to_vec().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Copies the text before a copy button, if one was clicked.
pub fn copy_beside(event: &web_sys::MouseEvent, session: Session) {
    let button = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()).filter(|it| it.has_attribute("data-copy"));
    let Some(text) = button.and_then(|button| button.previous_element_sibling()?.text_content()) else { return };
    leptos::task::spawn_local(async move {
        session.notify(if copied(&text).await { "Copied" } else { "The browser refused to copy; select the text instead" });
    });
}

async fn copied(text: &str) -> bool {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into()).unwrap_or(JsValue::UNDEFINED);
    let write = js_sys::Reflect::get(&clipboard, &"writeText".into()).and_then(|write| write.dyn_into::<js_sys::Function>());
    match write.and_then(|write| write.call1(&clipboard, &JsValue::from_str(text))) {
        Ok(promise) => JsFuture::from(js_sys::Promise::from(promise)).await.is_ok(),
        Err(_) => false,
    }
}

/// Writes controls into the address bar without a navigation.
pub fn replace_query(values: &Controls) {
    /// What servers and proxies take as an address.
    const LONGEST: usize = 6_000;
    let url = address(values);
    if url.len() > LONGEST {
        return;
    }
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        let _ = history.replace_state_with_url(&state, "", Some(&url));
    }
}
