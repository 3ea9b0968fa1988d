//! Plain user-interface parts that know nothing of experiments.

pub mod button;
pub mod control;
pub mod drawer;
pub mod error_card;
pub mod notices;
pub mod people;
pub mod replay;
pub mod room_bar;
pub mod search;
pub mod table;
pub mod top_bar;
pub mod transfer;

/// Where plotly.js is; preloaded by pages with charts and loaded by the first chart.
pub fn plotly_url(base: &str) -> String {
    format!("{base}/vendor/{}/plotly.min.js", crate::app::build())
}
