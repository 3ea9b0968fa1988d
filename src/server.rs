//! Server only: configuration, routes, the live socket, assets, headers, the invite gate.

pub mod assets;
pub mod backup;
pub mod bench;
pub mod cli;
mod compute;
pub mod config;
pub mod demo;
pub mod figures;
mod flight;
pub mod gate;
mod handover;
pub mod headers;
pub mod import;
pub mod index;
pub mod ingest;
pub mod lists;
pub mod live;
pub mod publish;
pub mod pull;
pub mod rest;
pub mod routes;
mod scores;
mod secret;
pub mod serve;
pub mod source;
pub mod start;
pub mod state;
mod sweep;
mod talk;
pub mod uploads;
pub mod upstream;
pub mod users;
pub mod views;

pub use config::Config;
pub use routes::router;
pub use state::State;
