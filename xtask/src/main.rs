//! `cargo xtask`: everything that builds, checks, starts and packs labboard.
//!
//! It needs rustup's Rust, a C compiler and Node; whatever else is missing it
//! installs, or names in one line. Every step hashes what it reads, so a step
//! whose inputs did not change is skipped, also in a fresh clone that shares
//! `CARGO_TARGET_DIR` with an earlier one.

mod app;
mod bench;
mod browser;
mod cache;
mod checks;
mod clients;
mod command;
mod compress;
mod demo;
mod dev;
mod dist;
mod plotly;
mod report;
mod rust_tests;
mod site;
mod stamp;
mod styles;
mod test;
mod tools;
mod wasm;
mod workspace;

use clap::{Parser, Subcommand};
use report::Report;
use std::process::ExitCode;
use workspace::{Flavour, Workspace};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Build, check, start and pack labboard")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Set up, build and start labboard with the demo data
    Run {
        /// Build the server without optimisation: quicker to build, slower to run
        #[arg(long)]
        dev: bool,
        /// Arguments for `labboard serve`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Start labboard, rebuild and reload the browser whenever a file changes
    Dev {
        /// Arguments for `labboard serve`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run every check and every test
    Test(test::Options),
    /// Build the browser side into target/site and the demo archive
    Site,
    /// Build the one self-contained binary target/release/labboard
    Build,
    /// Pack the binary with licence and checksums into target/dist
    Dist,
    /// Measure figures on large tables; `-- --peers DIR` measures other dashboards beside it
    Bench {
        /// Arguments for benches/figures.mjs
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::locate()?;
    let mut report = Report::default();
    if !matches!(task, Task::Test(_)) {
        tools::set_up(&workspace, &mut report)?;
    }
    match task {
        Task::Run { dev, arguments } => app::run(&workspace, &mut report, dev, &arguments),
        Task::Dev { arguments } => dev::watch(&workspace, &mut report, &arguments),
        Task::Test(options) => test::run(&workspace, &mut report, &options),
        Task::Site => {
            site::build(&workspace, &mut report, Flavour::Release)?;
            demo::pack(&workspace, &mut report)?;
            compress::print_sizes(&workspace.site(Flavour::Release))?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Build => {
            let binary = app::build_release(&workspace, &mut report)?;
            println!("built {}", workspace.shown(&binary));
            Ok(ExitCode::SUCCESS)
        }
        Task::Dist => {
            dist::pack(&workspace, &mut report)?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Bench { arguments } => bench::run(&workspace, &mut report, &arguments),
    }
}
