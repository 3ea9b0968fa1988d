//! Reads and keeps the visitor's choice between light and dark.

use leptos::prelude::{document, window};
use wasm_bindgen::JsCast;

use crate::app::theme::Theme;

/// The choice that the document carries, else the system's.
pub fn current() -> Theme {
    let chosen = document().document_element().and_then(|root| root.get_attribute("data-theme"));
    let dark = match chosen.as_deref() {
        Some("dark") => true,
        Some("light") => false,
        _ => window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|query| query.matches()),
    };
    if dark { Theme::Dark } else { Theme::Light }
}

/// Applies the choice and keeps it for a year, in a cookie that the server reads.
pub fn choose(theme: Theme) {
    let Some(root) = document().document_element() else { return };
    let _ = root.set_attribute("data-theme", theme.word());
    let path = root.get_attribute("data-base").filter(|base| !base.is_empty()).unwrap_or_else(|| "/".to_owned());
    if let Ok(html) = document().dyn_into::<web_sys::HtmlDocument>() {
        let _ = html.set_cookie(&format!("theme={}; path={path}; max-age=31536000; samesite=lax", theme.word()));
    }
}
