//! Many clients of a labboard, to measure how fast it answers, how fast people in a room see each other's changes, and what they cost.
//!
//! For rooms the server must be of the same machine and serve the demo. Times are from a client's send to another client's receipt, both
//! in this process. See `benches/README.md` for figures.

mod client;
mod http;
mod scenario;
mod times;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Arguments {
    /// The server, such as 127.0.0.1:3000.
    server: String,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// One change after the other, until everybody has it.
    Fanout {
        #[arg(long, default_value_t = 50)]
        clients: usize,
        #[arg(long, default_value_t = 500)]
        changes: usize,
    },
    /// A crowd in one room: changes and pointers at a steady rate.
    Crowd {
        #[arg(long, default_value_t = 1000)]
        clients: usize,
        /// Changes a second, all together.
        #[arg(long, default_value_t = 20)]
        changes: usize,
        /// People who move their pointer, five times a second each.
        #[arg(long, default_value_t = 50)]
        pointers: usize,
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Connections that do nothing.
    Idle {
        #[arg(long, default_value_t = 10_000)]
        clients: usize,
        /// The server's process, whose memory is read.
        #[arg(long)]
        pid: u32,
    },
    /// Requests from a file, as fast as they are answered.
    Http {
        /// One request in a line: `GET /path`, or `POST /path {"json": ...}`.
        requests: std::path::PathBuf,
        #[arg(long, default_value_t = 1)]
        clients: usize,
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        /// The answers are figures: each has come when its raster has.
        #[arg(long)]
        rasters: bool,
    },
    /// Fills a room with operations, and joins it.
    Join {
        /// Operations to write first; 0 to join a room that was filled before a restart.
        #[arg(long, default_value_t = 100_000)]
        operations: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { server, scenario } = Arguments::parse();
    match scenario {
        Scenario::Fanout { clients, changes } => scenario::fanout(&server, clients, changes).await,
        Scenario::Crowd { clients, changes, pointers, seconds } => scenario::crowd(&server, clients, changes, pointers, seconds).await,
        Scenario::Idle { clients, pid } => scenario::idle(&server, clients, pid).await,
        Scenario::Http { requests, clients, seconds, rasters } => http::run(&server, &requests, clients, seconds, rasters).await,
        Scenario::Join { operations } => scenario::join(&server, operations).await,
    }
}
