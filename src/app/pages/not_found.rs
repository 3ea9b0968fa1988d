//! An address that leads nowhere.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::app::components::error_card::ErrorCard;
use crate::error::AppError;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    let path = use_location().pathname.get_untracked();
    view! { <ErrorCard error=AppError::NotFound(format!("There is no page at {path}"))/> }
}
