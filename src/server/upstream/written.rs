//! The page of an entity that is not here yet, as HTML: ordinary forms, and a browser that loads it again until it is.

use leptos::prelude::*;

use crate::app::components::error_card::set_status;
use crate::model::{Entity, FetchState, Visit};
use crate::server::state::State;

/// Bytes as people read them: `512 B`, `3.4 kB`, `1.2 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// How far the fetch of an entity is, or why it failed.
pub fn fetching(state: &State, entity: Entity, server: &str, fetch: &FetchState) -> Visit {
    let name = format!("{} {}", entity.kind.singular(), entity.id);
    let base = &state.config().base_path;
    match fetch {
        FetchState::Running { what, done, total } => {
            set_status(202);
            let html = view! {
                <section class="card error-card fetching" data-fetch="running" aria-busy="true">
                    <h1>{format!("Fetching {name} from {server}")}</h1>
                    <p role="status">{what.clone()}</p>
                    <progress aria-label="Progress" max="1" value=share(*done, *total)></progress>
                    <p class="note">{received(*done, *total)}</p>
                    // Only whoever runs no scripts reads this.
                    <noscript>
                        <meta http-equiv="refresh" content="3"/>
                        <p>"The page loads again every three seconds until it is here."</p>
                    </noscript>
                    {button(base, "fetch_cancel", entity, "Cancel", "button")}
                </section>
            };
            Visit::Fetching { html: html.to_html(), running: true }
        }
        FetchState::Here | FetchState::Missing(_) | FetchState::Failed(_) => {
            set_status(502);
            let reason = match fetch {
                FetchState::Failed(reason) | FetchState::Missing(reason) => reason.as_str(),
                FetchState::Here | FetchState::Running { .. } => "It was here, and is gone again",
            };
            let html = view! {
                <section class="card error-card fetching" data-fetch="failed">
                    <h1>{format!("Could not fetch {name} from {server}")}</h1>
                    <p role="alert">{format!("{reason}.")}</p>
                    <p class="note">"Nothing of it has been kept."</p>
                    {button(base, "fetch_again", entity, "Retry", "button primary")}
                </section>
            };
            Visit::Fetching { html: html.to_html(), running: false }
        }
    }
}

/// A form that asks for something about the entity, and leads back to its page.
fn button(base: &str, function: &str, entity: Entity, label: &'static str, class: &'static str) -> impl IntoView + use<> {
    view! {
        <form method="post" action=format!("{base}/_fn/{function}")>
            <input type="hidden" name="kind" value=entity.kind.word()/>
            <input type="hidden" name="id" value=entity.id/>
            <button class=class>{label}</button>
        </form>
    }
}

/// How much of the file that comes now is here, from 0 to 1; `None` where that is not known.
fn share(done: u64, total: Option<u64>) -> Option<String> {
    total.filter(|total| *total > 0).map(|total| format!("{:.3}", done as f64 / total as f64))
}

fn received(done: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{} of {}", size(done), size(total)),
        None if done > 0 => size(done),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (999_960, "1.0 MB"), (5_000_000_000, "5.0 GB")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_share_is_known_with_the_length() {
        assert_eq!(share(25, Some(100)).as_deref(), Some("0.250"));
        assert_eq!((share(25, None), share(25, Some(0))), (None, None));
    }
}
