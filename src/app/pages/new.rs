//! Ways to bring data in. The server alone writes what the page says (`server::start`); in the browser it only gets its handlers.

use leptos::html;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::app::components::transfer::Transfer;
use crate::app::room::use_session;

#[component]
pub fn NewPage() -> AnyView {
    #[cfg(feature = "ssr")]
    let written = crate::server::start::page();
    #[cfg(not(feature = "ssr"))]
    let written = String::new();
    let transfer = expect_context::<Transfer>();
    let session = use_session();
    let page = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        // Somebody has come here without a request to the server, with the browser's back button perhaps.
        if page.get().is_some_and(|page| !page.has_child_nodes()) {
            let _ = window().location().reload();
        }
    });
    // A chosen file is sent at once, and what stands beside a copy button is copied.
    let choose = move |event: leptos::ev::Event| {
        #[cfg(feature = "hydrate")]
        crate::client::transfer::send_chosen(transfer, &event);
        #[cfg(not(feature = "hydrate"))]
        let _ = (transfer, event);
    };
    let copy = move |event: leptos::ev::MouseEvent| {
        #[cfg(feature = "hydrate")]
        crate::client::copy_beside(&event, session);
        #[cfg(not(feature = "hydrate"))]
        let _ = (session, event);
    };
    view! {
        <Title text="Add data"/>
        <div class="new" node_ref=page inner_html=written on:change=choose on:click=copy></div>
    }
    .into_any()
}
