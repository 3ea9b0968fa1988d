//! `labboard pull`: fetches from an upstream ahead of time, by itself or through the server that has the data directory.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::State as Extract;
use axum::response::Response;
use labboard_store::Store;
use serde::{Deserialize, Serialize};

use super::cli::PullArgs;
use super::handover::{self, Authorised, Teller};
use super::state::State;
use super::upstream::{Progress, Upstream, Wanted, size};
use crate::app::panel::thousands;

/// How often the same thing is told again.
const EVERY: Duration = Duration::from_secs(1);
const NO_UPSTREAM: &str = "say from where with --upstream, such as --upstream https://www.openml.org/api/v1";

/// What to pull, for the process that does it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    wanted: Vec<String>,
    alone: bool,
    /// The running server's own if it is left out.
    upstream: Option<String>,
    upstream_key: Option<String>,
    max_upload: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    pulled: Vec<String>,
}

/// # Errors
/// One line: what could not be had, and why. What was named before it is here.
pub async fn run(args: PullArgs) -> anyhow::Result<()> {
    let config = args.resolve()?;
    for wanted in &args.wanted {
        wanted.parse::<Wanted>().map_err(anyhow::Error::msg)?;
    }
    std::fs::create_dir_all(&config.data_dir).with_context(|| format!("cannot make {}", config.data_dir.display()))?;
    let job = Job {
        wanted: args.wanted,
        alone: args.alone,
        upstream: config.upstream,
        upstream_key: config.upstream_key,
        max_upload: config.max_upload,
    };
    let tell = Teller::new(|line| eprintln!("{line}"));
    let act = async |store: &Store, job: &Job, tell: &Teller| {
        let address = job.upstream.as_ref().context(NO_UPSTREAM)?;
        let upstream = Upstream::open(store.clone(), address, job.upstream_key.clone(), job.max_upload).await?;
        pull(&upstream, job, tell).await
    };
    let Done { pulled } = handover::on_store_telling(&config.data_dir, "pull", &job, &tell, act).await?;
    println!("Pulled {}", pulled.join(", "));
    Ok(())
}

async fn pull(upstream: &Upstream, job: &Job, tell: &Teller) -> anyhow::Result<Done> {
    let mut pulled = Vec::new();
    for text in &job.wanted {
        let wanted = text.parse::<Wanted>().map_err(anyhow::Error::msg)?;
        if !Upstream::may_have(wanted) {
            bail!("{wanted} is an id of this directory's own");
        }
        let steps = Steps::new(wanted, tell);
        upstream.forgive(wanted);
        upstream.ensure_telling(wanted, |progress| steps.tell(&progress, size)).await?;
        if !job.alone {
            let gathered = upstream.gather_now(wanted, &|progress| steps.tell(&progress, thousands)).await?;
            if let Some(note) = gathered.note(&upstream.address().to_string()) {
                tell.tell(format!("{wanted}: {note}"));
            }
        }
        pulled.push(wanted.to_string());
    }
    Ok(Done { pulled })
}

/// Says what is being fetched when that changes, and now and then how much of it has come.
struct Steps<'a> {
    wanted: Wanted,
    tell: &'a Teller,
    last: Mutex<(String, Instant)>,
}

impl<'a> Steps<'a> {
    fn new(wanted: Wanted, tell: &'a Teller) -> Self {
        Self { wanted, tell, last: Mutex::new((String::new(), Instant::now())) }
    }

    fn tell(&self, progress: &Progress, shown: fn(u64) -> String) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last = progress.total == Some(progress.done);
        if last.0 == progress.what && last.1.elapsed() < EVERY && !is_last {
            return;
        }
        *last = (progress.what.clone(), Instant::now());
        let amount = match progress.total {
            Some(total) => format!(", {} of {}", shown(progress.done), shown(total)),
            None if progress.done > 0 => format!(", {}", shown(progress.done)),
            None => String::new(),
        };
        self.tell.tell(format!("{}: {}{amount}", self.wanted, progress.what));
    }
}

/// Takes a job from a command on the same machine.
pub async fn accept(_: Authorised, Extract(state): Extract<State>, Json(job): Json<Job>) -> Response {
    handover::telling(move |tell| async move {
        let other = job.upstream.as_ref().filter(|address| state.upstream().is_none_or(|own| own.address().to_string() != **address));
        let upstream = match (other, state.upstream()) {
            (Some(address), _) => Upstream::open(state.store().clone(), address, job.upstream_key.clone(), job.max_upload).await?,
            (None, Some(own)) => own.clone(),
            (None, None) => bail!(NO_UPSTREAM),
        };
        pull(&upstream, &job, &tell).await
    })
}
