//! The binary: the command line, then the server.

use std::process::ExitCode;

use clap::Parser;
use labboard::server::ingest::parquet;
use labboard::server::{backup, bench, cli, import, publish, pull, serve, users};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rendering may wait for data on several workers at once; fewer than four can starve it.
const LEAST_WORKERS: usize = 4;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    if matches!(cli.command, cli::Command::ReadParquet) {
        return parquet::serve();
    }
    parquet::read_apart();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("LABBOARD_LOG").unwrap_or_else(|_| "warn,labboard=info".into()))
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    let workers = std::thread::available_parallelism().map_or(LEAST_WORKERS, |cores| cores.get().max(LEAST_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match cli.command {
                cli::Command::Serve(args) => serve::run(args).await,
                cli::Command::Import(args) => import::run(args).await,
                cli::Command::Publish(args) => publish::run(args).await,
                cli::Command::Pull(args) => pull::run(args).await,
                cli::Command::User(args) => users::run(args).await,
                cli::Command::Backup(args) => backup::backup(args).await,
                cli::Command::Bench(args) => bench::run(args).await,
                cli::Command::Restore(args) => backup::restore(args).await,
                cli::Command::ReadParquet => Ok(()),
            }
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever the causes hold.
            eprintln!("labboard: {}", format!("{error:#}").replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}
