//! Short messages that pass: a refused change, a finished download.

use leptos::prelude::*;

use crate::app::room::Notice;

/// The live region. It is empty in the server's HTML, because a region must exist before its messages.
#[component]
pub fn Notices(notices: RwSignal<Vec<Notice>>) -> impl IntoView {
    let dismiss = move |id: u64| notices.update(|notices| notices.retain(|notice| notice.id != id));
    view! {
        <div class="notices" role="status" aria-live="polite">
            <For each=move || notices.get() key=|notice| notice.id let:notice>
                <p class="notice">
                    <span>{notice.text}</span>
                    <button type="button" class="ghost" aria-label="Dismiss" on:click=move |_| dismiss(notice.id)>"×"</button>
                </p>
            </For>
        </div>
    }
}
