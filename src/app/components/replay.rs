//! Replay: publishes the held-back demo runs one by one, so that anybody can watch charts move.

use std::time::Duration;

use leptos::prelude::*;

use super::button::quiet;
use crate::api::{replay_next, replay_reset};
use crate::app::room::use_session;

/// Pause between two runs: long enough to see each arrive.
const PAUSE: Duration = Duration::from_millis(1200);

#[component]
pub fn Replay(
    /// The task on whose page the button is.
    task: i64,
) -> impl IntoView {
    let session = use_session();
    let playing = RwSignal::new(false);
    let left = RwSignal::new(None::<u64>);
    let play = move || {
        leptos::task::spawn_local(async move {
            while playing.try_get_untracked() == Some(true) {
                match replay_next().await {
                    Ok((Some(_), remaining)) => {
                        left.try_set(Some(remaining));
                        #[cfg(feature = "hydrate")]
                        crate::client::sleep(PAUSE).await;
                        #[cfg(not(feature = "hydrate"))]
                        let _ = PAUSE;
                    }
                    Ok((None, _)) => {
                        playing.try_set(false);
                        left.try_set(Some(0));
                    }
                    Err(error) => {
                        playing.try_set(false);
                        session.notify(error.to_string());
                    }
                }
            }
        });
    };
    let toggle = move |_| {
        playing.update(|on| *on = !*on);
        if playing.get_untracked() {
            play();
        }
    };
    let again = move || {
        leptos::task::spawn_local(async move {
            match replay_reset().await {
                Ok(held) => {
                    left.try_set(Some(held));
                }
                Err(error) => session.notify(error.to_string()),
            }
        });
    };
    let label = move || if playing.get() { "Pause replay" } else { "Replay" };
    let text = move || match left.get() {
        None => "Publishes held-back demo runs one by one, to everybody".to_owned(),
        Some(0) => "All held-back runs are published".to_owned(),
        Some(n) => format!("{n} held-back runs left"),
    };
    view! {
        <div class="replay" data-task=task>
            <button type="button" class="button" aria-pressed=move || playing.get().to_string() on:click=toggle disabled=move || left.get() == Some(0)>{label}</button>
            <span class="note" role="status">{text}</span>
            <Show when=move || left.get() == Some(0)>
                {quiet("Hold them back again", again)}
            </Show>
        </div>
    }
}
