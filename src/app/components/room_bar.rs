//! The calm bar that says whether this view is shared, and lets one step in and out.

use leptos::prelude::*;

use super::button::{plain, quiet, quiet_unless};
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
                fallback=move || quiet("On my own", move || page.step_out())
            >
                {quiet("Join the others", move || page.rejoin())}
                {quiet("Show everyone", move || page.show_everyone())}
            </Show>
            <span class="space"></span>
            {quiet_unless("Undo", "Ctrl+Z", Signal::derive(move || !page.can_undo.get()), move || page.undo())}
            {quiet_unless("Redo", "Ctrl+Shift+Z", Signal::derive(move || !page.can_redo.get()), move || page.redo())}
            {quiet_unless("Reset view", "", Signal::derive(move || page.values.with(|values| values.is_empty())), move || page.reset())}
            {quiet_unless("Bring everyone here", "", Signal::derive(move || others() == 0), move || session.bring_everyone())}
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
                {plain("button primary", "Go there", move || session.answer(true))}
                {plain("button", "Not now", move || session.answer(false))}
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
    let go = move || {
        #[cfg(feature = "hydrate")]
        crate::client::enter_private_room();
    };
    match name {
        Some(name) => view! { <span class="note">"Private room "<b>{name}</b></span><a class="ghost" href=format!("{base}{page}") rel="external">"Leave it"</a> }.into_any(),
        None => quiet("Private room", go),
    }
}

/// Copies a link that opens exactly this view, on its own.
#[component]
fn CopyLink() -> impl IntoView {
    let page = use_page();
    let session = use_session();
    let copy = move || {
        #[cfg(feature = "hydrate")]
        crate::client::copy_link(&page.values.get_untracked(), session);
        #[cfg(not(feature = "hydrate"))]
        let _ = (page, session);
    };
    quiet("Copy link", copy)
}
