//! What went wrong, where, and what to do about it.

use leptos::prelude::*;

use super::search::SearchBox;
use crate::error::AppError;

/// A page that could not be shown. Sets the status of the server's answer.
#[component]
pub fn ErrorCard(error: AppError) -> impl IntoView {
    #[cfg(feature = "ssr")]
    set_status(error.status());
    let title = match error {
        AppError::NotFound(_) => "Not found",
        AppError::BadRequest(_) => "That does not work",
        AppError::Forbidden(_) => "Not allowed",
        AppError::Internal(_) => "The server failed",
        AppError::Upstream(_) => "The upstream failed",
        AppError::Busy(_) => "The server is busy",
        AppError::Unreachable(_) => "The server cannot be reached",
    };
    view! {
        <leptos_meta::Title text=title/>
        <section class="card error-card">
            <h1>{title}</h1>
            <p>{error.to_string()}</p>
            <p>"Look for it by name or id:"</p>
            <SearchBox id="error-search"/>
        </section>
    }
}

/// The status of the server's answer, for whoever has no browser.
#[cfg(feature = "ssr")]
pub fn set_status(status: u16) {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>()
        && let Ok(status) = axum::http::StatusCode::from_u16(status)
    {
        response.set_status(status);
    }
}
