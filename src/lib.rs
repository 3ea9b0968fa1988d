#![doc = include_str!("../ARCHITECTURE.md")]
#![recursion_limit = "256"]

pub mod api;
pub mod app;
#[cfg(feature = "hydrate")]
pub mod client;
mod codec;
pub mod controls;
pub mod error;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
pub mod view;

#[cfg(feature = "ssr")]
pub use server::{Config, router};

/// Takes over the server-rendered page in the browser.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    client::start();
}
