//! The calm bar that says whether this view is shared, and lets one step in and out.

use leptos::prelude::*;

use super::drawer::Drawer;
use crate::app::room::{Mode, Status, use_page, use_session};

#[component]
pub fn RoomBar() -> impl IntoView {
    let page = use_page();
    let session = use_session();
    let own = move || page.mode.get() == Mode::Own;
    let down = move || session.status.get() == Status::Down;
    let others = move || session.people.with(|people| people.iter().filter(|person| !person.me).count());
    let text = move || match (session.status.get(), page.mode.get(), others()) {
        (Status::Down, Mode::Together, _) => "Connection lost. Your changes are kept and shared when it is back".to_owned(),
        (_, Mode::Own, 0) => "On your own: what you change here stays with you".to_owned(),
        (_, Mode::Own, n) => format!("On your own, while {n} {} here share a view", if n == 1 { "other" } else { "others" }),
        (Status::Connecting, Mode::Together, _) => "A shared page".to_owned(),
        (Status::Live, Mode::Together, 0) => "Together: whoever opens this page sees this view".to_owned(),
        (Status::Live, Mode::Together, 1) => "Together: one other sees this view and your changes".to_owned(),
        (Status::Live, Mode::Together, n) => format!("Together: {n} others see this view and your changes"),
    };
    let state = move || match (session.status.get(), page.mode.get()) {
        (Status::Down, _) => "down",
        (_, Mode::Own) => "own",
        (Status::Live, _) => "live",
        (Status::Connecting, _) => "connecting",
    };
    view! {
        <div class="room-bar" data-room=state role="group" aria-label="Shared view">
            <p class="room-state" class:bad=down aria-live="polite"><i aria-hidden="true"></i><span>{text}</span></p>
            <Show
                when=own
                fallback=move || view! {
                    <button type="button" class="ghost" on:click=move |_| page.step_out()>"On my own"</button>
                }
            >
                <button type="button" class="ghost" on:click=move |_| page.rejoin()>"Join the others"</button>
                <button type="button" class="ghost" on:click=move |_| page.show_everyone()>"Show everyone"</button>
            </Show>
            <span class="space"></span>
            <button type="button" class="ghost" title="Ctrl+Z" disabled=move || !page.can_undo.get() on:click=move |_| page.undo()>"Undo"</button>
            <button type="button" class="ghost" title="Ctrl+Shift+Z" disabled=move || !page.can_redo.get() on:click=move |_| page.redo()>"Redo"</button>
            <button type="button" class="ghost" disabled=move || page.values.with(|values| values.is_empty()) on:click=move |_| page.reset()>
                "Reset view"
            </button>
            <button type="button" class="ghost" disabled=move || others() == 0 on:click=move |_| session.bring_everyone()>"Bring everyone here"</button>
            <Drawer/>
            <PrivateRoom/>
            <CopyLink/>
        </div>
        {move || session.following.get().map(|(_, name)| view! {
            <p class="follow" role="status">"Following "<b>{name}</b>", until you do something of your own"</p>
        })}
        {move || session.offer.get().map(|offer| view! {
            <p class="follow" role="alert" data-follow="offer">
                <b>{offer.name}</b>" asks you to come and look"
                <button type="button" class="button primary" on:click=move |_| session.answer(true)>"Go there"</button>
                <button type="button" class="button" on:click=move |_| session.answer(false)>"Not now"</button>
            </p>
        })}
    }
}

/// Leads into a private room on the same page, whose link is for who is to come in, and back.
#[component]
fn PrivateRoom() -> impl IntoView {
    let room = use_page().room.get_value();
    let (page, name) = match room.split_once('#') {
        Some((page, name)) => (page.to_owned(), Some(name.to_owned())),
        None => (room, None),
    };
    let base = crate::app::use_base().0;
    let go = move |_| {
        #[cfg(feature = "hydrate")]
        crate::client::enter_private_room();
    };
    match name {
        Some(name) => view! { <span class="note">"Private room "<b>{name}</b></span><a class="ghost" href=format!("{base}{page}") rel="external">"Leave it"</a> }.into_any(),
        None => view! { <button type="button" class="ghost" on:click=go>"Private room"</button> }.into_any(),
    }
}

/// Copies a link that opens exactly this view, on its own.
#[component]
fn CopyLink() -> impl IntoView {
    let page = use_page();
    let session = use_session();
    let copy = move |_| {
        #[cfg(feature = "hydrate")]
        crate::client::copy_link(&page.values.get_untracked(), session);
        #[cfg(not(feature = "hydrate"))]
        let _ = (page, session);
    };
    view! { <button type="button" class="ghost" on:click=copy>"Copy link"</button> }
}
