//! Search over datasets, tasks, flows and runs. Without scripts it is a plain form.

use leptos::html;
use leptos::prelude::*;

use crate::api::search_all;
use crate::app::href;
use crate::model::Hit;

#[component]
pub fn SearchBox(
    /// Id of the input element; unique on the page.
    id: &'static str,
    /// Whether Ctrl+K brings the cursor here.
    #[prop(optional)]
    shortcut: bool,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let open = RwSignal::new(false);
    let hits = RwSignal::new(Vec::<Hit>::new());
    let input = NodeRef::<html::Input>::new();
    let list = format!("{id}-hits");

    Effect::new(move |previous: Option<u64>| {
        let wanted = text.get();
        let turn = previous.map_or(0, |turn| turn + 1);
        if wanted.trim().is_empty() {
            hits.set(Vec::new());
        } else {
            leptos::task::spawn_local(async move {
                let found = search_all(wanted.clone()).await.unwrap_or_default();
                // A slower answer to an older text must not replace a newer one.
                if text.try_get_untracked().as_ref() == Some(&wanted) {
                    hits.try_set(found);
                }
            });
        }
        turn
    });
    if shortcut {
        let handle = window_event_listener_once_mounted(move |event| {
            if event.key() == "k" && (event.ctrl_key() || event.meta_key()) {
                event.prevent_default();
                if let Some(input) = input.get_untracked() {
                    let _ = input.focus();
                    input.select();
                }
            }
        });
        on_cleanup(handle);
    }
    let shown = move || open.get() && hits.with(|hits| !hits.is_empty());
    view! {
        <form class="search" role="search" action=href("/data") method="get"
            on:focusout=move |_| set_timeout(move || { open.try_set(false); }, std::time::Duration::from_millis(200))>
            <input
                node_ref=input id=id type="search" name="search" autocomplete="off" placeholder="Search data, tasks, flows, runs"
                aria-label="Search data, tasks, flows and runs" role="combobox" aria-autocomplete="list"
                aria-controls=list.clone() aria-expanded=move || shown().to_string()
                on:focus=move |_| open.set(true)
                on:input=move |event| { open.set(true); text.set(event_target_value(&event)); }
                on:keydown=move |event| if event.key() == "Escape" { open.set(false) }
            />
            {shortcut.then(|| view! { <kbd aria-hidden="true">"Ctrl K"</kbd> })}
            <ul class="hits" id=list role="listbox" aria-label="Found" hidden=move || !shown()>
                <For each=move || hits.get() key=|hit| hit.entity let:hit>
                    <li role="option" aria-selected="false">
                        <a href=href(&hit.entity.path()) tabindex="0" on:click=move |_| { open.set(false); }>
                            <b>{hit.name}</b>
                            <span>{format!("{} {} · {}", hit.entity.kind.singular(), hit.entity.id, hit.detail)}</span>
                        </a>
                    </li>
                </For>
            </ul>
        </form>
    }
}

/// Listens to keys on the whole window, in the browser only; returns what undoes it.
fn window_event_listener_once_mounted(
    handler: impl Fn(leptos::ev::KeyboardEvent) + Clone + Send + Sync + 'static,
) -> impl FnOnce() + Send + Sync + 'static {
    let stored = StoredValue::new(None::<WindowListenerHandle>);
    let handler = StoredValue::new(handler);
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, move |event| {
            if let Some(handler) = handler.try_get_value() {
                handler(event);
            }
        });
        stored.set_value(Some(handle));
    });
    move || {
        if let Some(Some(handle)) = stored.try_update_value(Option::take) {
            handle.remove();
        }
    }
}
