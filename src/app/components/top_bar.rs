//! The bar on top of every page.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::people::People;
use super::search::SearchBox;
use crate::app::{
    href,
    theme::{Theme, use_theme},
    use_base,
};

const PAGES: [(&str, &str); 5] = [("/explore", "Explore"), ("/data", "Data"), ("/task", "Tasks"), ("/flow", "Flows"), ("/run", "Runs")];

#[component]
pub fn TopBar() -> impl IntoView {
    let path = use_location().pathname;
    let base = use_base().0;
    let theme = use_theme();
    let links = PAGES
        .map(|(to, label)| {
            let target = format!("{base}{to}");
            let here = {
                let target = target.clone();
                move || path.with(|path| *path == target || path.starts_with(&format!("{target}/"))).then_some("page")
            };
            view! { <a href=target aria-current=here>{label}</a> }
        })
        .collect_view();
    view! {
        <header class="top">
            <a class="brand" href=href("/") aria-label="labboard, start page">
                <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
                    <circle class="a" cx="4.5" cy="16.5" r="3.5"/>
                    <circle class="b" cx="10.5" cy="7" r="3.5"/>
                    <circle class="c" cx="18" cy="13" r="3"/>
                </svg>
                <span>"labboard"</span>
            </a>
            <nav aria-label="Main">{links}</nav>
            <SearchBox id="search" shortcut=true/>
            <a class="ghost icon" href=href("/new") rel="external" aria-label="Add data" title="Add data">
                <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
                    <path d="M9 3v12M3 9h12" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>
                </svg>
            </a>
            <People/>
            <button
                type="button"
                class="ghost icon"
                aria-label=move || if theme.0.get() == Theme::Dark { "Use light colours" } else { "Use dark colours" }
                on:click=move |_| theme.toggle()
            >
                <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
                    <circle cx="9" cy="9" r="6.5" fill="none" stroke="currentColor" stroke-width="1.5"/>
                    <path d="M9 2.5a6.5 6.5 0 0 1 0 13z" fill="currentColor"/>
                </svg>
            </button>
        </header>
    }
}
