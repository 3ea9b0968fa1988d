//! The drawer beside a page: comments, saved views, history. What is in it the server writes (`server::talk`).

use leptos::prelude::*;

use crate::app::room::{Status, use_page, use_session};

const PARTS: [(&str, &str); 3] = [("comments", "Comments"), ("views", "Views"), ("history", "History")];

/// The buttons that open the drawer, and the drawer.
#[component]
pub fn Drawer() -> impl IntoView {
    let page = use_page();
    let session = use_session();
    let open = session.drawer;
    // Comments are fetched when the room is there, and whenever somebody says something.
    Effect::new(move |_| {
        let is_live = session.status.get() == Status::Live;
        session.comments.track();
        #[cfg(feature = "hydrate")]
        if is_live {
            crate::client::drawer::start(session);
            crate::client::drawer::load("comments".to_owned(), page, session);
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = (is_live, page);
    });
    Effect::new(move |_| {
        #[cfg(feature = "hydrate")]
        match open.get() {
            Some("comments") => crate::client::drawer::read(page, session),
            Some(part) => crate::client::drawer::load(part.to_owned(), page, session),
            None => {}
        }
    });
    let buttons = PARTS
        .map(|(part, label)| {
            let toggle = move |_| open.update(|open| *open = if *open == Some(part) { None } else { Some(part) });
            let unread = move || Some(session.unread.get()).filter(|count| part == "comments" && *count > 0);
            view! {
                <button type="button" class="ghost" aria-expanded=move || (open.get() == Some(part)).to_string() on:click=toggle>
                    {label}{move || unread().map(|count| view! { " "<b class="badge">{count}<span class="quiet">" unread"</span></b> })}
                </button>
            }
        })
        .collect_view();
    let title = move || PARTS.iter().find(|(part, _)| open.get() == Some(part)).map_or("", |(_, label)| label);
    let clicked = move |event: leptos::ev::MouseEvent| {
        #[cfg(feature = "hydrate")]
        {
            crate::client::drawer::clicked(&event, page, session);
            crate::client::copy_beside(&event, session);
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = event;
    };
    let submitted = move |event: leptos::ev::SubmitEvent| {
        #[cfg(feature = "hydrate")]
        crate::client::drawer::submitted(&event, page, session);
        #[cfg(not(feature = "hydrate"))]
        let _ = event;
    };
    view! {
        {buttons}
        <aside class="drawer" aria-label=title hidden=move || open.get().is_none() on:click=clicked on:submit=submitted>
            <header><h2>{title}</h2><button type="button" class="ghost" aria-label="Close" on:click=move |_| open.set(None)>"×"</button></header>
            <div id="drawer-comments" hidden=move || open.get() != Some("comments")></div>
            <div id="drawer-other" hidden=move || open.get() == Some("comments")></div>
        </aside>
    }
}
