//! An upstream: another OpenML server, openml.org or a labboard, from which unknown ids are fetched, once, and kept.
//!
//! What somebody asks for is fetched by [`fetch`], one entity at a time and whole or not at all, with what it cannot be
//! without: a run needs its task, flow and dataset. All who ask for the same share one fetch, and hear how far it is.
//! What a page shows beside its entity (a dataset's tasks, their runs) is gathered in the background by [`neighbours`].
//! `docs/upstream.md` says what is kept and what is not.

mod address;
mod client;
mod error;
mod fetch;
mod neighbours;
mod scratch;
pub mod visit;
mod wanted;
mod written;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use labboard_store::{Store, StoreError};
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub use address::{Address, InvalidAddress};
pub use error::FetchError;
pub use wanted::Wanted;
pub use written::size;

use super::secret;
use client::Client;
use fetch::Fetcher;
use neighbours::Neighbourhoods;

/// A directory with an upstream numbers its own entities from here, and asks the upstream for lower ids only.
pub const ID_FLOOR: i64 = 1_000_000_000;

/// How long a failure is remembered: whoever asks meanwhile hears of it, and the upstream does not.
const REMEMBERED: Duration = Duration::from_secs(10);
const MOST_REMEMBERED: usize = 10_000;
/// Things that are fetched at once. What one of them needs does not count.
const MOST_FETCHES: usize = 64;

/// How far a fetch is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is being fetched now, such as `the table of data/5`.
    pub what: String,
    /// Bytes of it that have come.
    pub done: u64,
    pub total: Option<u64>,
}

/// A fetch as those who wait for it see it.
#[derive(Clone, Debug)]
pub enum Status {
    Running(Progress),
    Done(Result<(), FetchError>),
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Upstream(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    store: Store,
    /// By which this server knows itself in a chain of upstreams that leads back to it.
    name: String,
    fetches: Mutex<Fetches>,
    neighbourhoods: Neighbourhoods,
    people: Mutex<HashMap<u32, String>>,
}

#[derive(Debug, Default)]
struct Fetches {
    running: HashMap<Wanted, Running>,
    failed: HashMap<Wanted, (Instant, FetchError)>,
}

impl Fetches {
    /// A fetch and all that it waits for, and those for theirs.
    fn needed_by(&self, wanted: Wanted) -> HashSet<Wanted> {
        let mut found = HashSet::new();
        let mut open = vec![wanted];
        while let Some(next) = open.pop() {
            if found.insert(next)
                && let Some(running) = self.running.get(&next)
            {
                open.extend(&running.needs);
            }
        }
        found
    }
}

#[derive(Debug)]
struct Running {
    status: watch::Receiver<Status>,
    /// What it waits for itself.
    needs: HashSet<Wanted>,
    task: Option<AbortHandle>,
}

/// Why a directory cannot have an upstream.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    #[error("{0}: an upstream needs a data directory whose own ids start at {ID_FLOOR}, so begin with an empty one")]
    LowIds(StoreError),
    #[error(transparent)]
    Store(StoreError),
    #[error("no requests can be made: {0}")]
    Http(#[from] reqwest::Error),
}

impl Upstream {
    /// From now on the directory numbers its own entities from [`ID_FLOOR`].
    ///
    /// # Errors
    /// The directory has numbered entities itself already, or the address is none.
    pub async fn open(store: Store, address: &str, key: Option<String>, largest_file: u64) -> Result<Self, UpstreamError> {
        let address = Address::parse(address)?;
        store.set_id_floor(ID_FLOOR).await.map_err(|error| match error {
            StoreError::LowIds { .. } => UpstreamError::LowIds(error),
            other => UpstreamError::Store(other),
        })?;
        let name = format!("labboard-{}", &secret::fresh()[..12]);
        let client = Client::new(address, key, largest_file)?.on_behalf_of(&format!("1.1 {name}"));
        Ok(Self(Arc::new(Inner {
            client,
            store,
            name,
            fetches: Mutex::default(),
            neighbourhoods: Neighbourhoods::default(),
            people: Mutex::default(),
        })))
    }

    pub fn address(&self) -> &Address {
        self.0.client.address()
    }

    /// Whether an id could be the upstream's: those from the floor on are this directory's own.
    pub const fn may_have(wanted: Wanted) -> bool {
        wanted.id < ID_FLOOR
    }

    /// Whether a request has come by this server already, so that asking the upstream would go round in circles.
    pub fn is_in(&self, via: &str) -> bool {
        via.contains(&self.0.name)
    }

    fn fetches(&self) -> MutexGuard<'_, Fetches> {
        self.0.fetches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn is_here(&self, wanted: Wanted) -> Result<bool, FetchError> {
        self.0.store.contains(wanted.kind, wanted.id).await.map_err(|error| here(wanted, &error))
    }

    /// Fetches what is not here, and waits until it is. `via` says who asked this server, if that was another one.
    ///
    /// # Errors
    /// Why it cannot be had; also one that was found out a moment ago.
    pub async fn ensure(&self, wanted: Wanted, via: &str) -> Result<(), FetchError> {
        self.awaited(wanted, via, |_| {}).await
    }

    /// As [`ensure`](Self::ensure), for somebody who wants to hear how far it is.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn ensure_telling(&self, wanted: Wanted, tell: impl Fn(Progress)) -> Result<(), FetchError> {
        self.awaited(wanted, "", tell).await
    }

    async fn awaited(&self, wanted: Wanted, via: &str, tell: impl Fn(Progress)) -> Result<(), FetchError> {
        if self.is_here(wanted).await? {
            return Ok(());
        }
        finished(self.begin(wanted, via)?, tell).await.unwrap_or(Err(FetchError::Cancelled(wanted)))
    }

    /// Joins the fetch of something, or starts it.
    ///
    /// # Errors
    /// It failed a moment ago, or too much is being fetched.
    pub fn begin(&self, wanted: Wanted, via: &str) -> Result<watch::Receiver<Status>, FetchError> {
        self.join(wanted, via, MOST_FETCHES)
    }

    fn join(&self, wanted: Wanted, via: &str, most: usize) -> Result<watch::Receiver<Status>, FetchError> {
        let mut fetches = self.fetches();
        if let Some(running) = fetches.running.get(&wanted) {
            return Ok(running.status.clone());
        }
        if let Some((_, error)) = fetches.failed.get(&wanted).filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return Err(error.clone());
        }
        if fetches.running.len() >= most {
            return Err(FetchError::Busy(wanted));
        }
        let (sender, status) =
            watch::channel(Status::Running(Progress { what: format!("the description of {wanted}"), ..Progress::default() }));
        fetches.running.insert(wanted, Running { status: status.clone(), needs: HashSet::new(), task: None });
        drop(fetches);
        let client =
            if via.is_empty() { self.0.client.clone() } else { self.0.client.on_behalf_of(&format!("{via}, 1.1 {}", self.0.name)) };
        let task = tokio::spawn(self.clone().run(wanted, Fetcher::new(self.clone(), client, via), sender));
        if let Some(running) = self.fetches().running.get_mut(&wanted) {
            running.task = Some(task.abort_handle());
        }
        Ok(status)
    }

    /// One fetch. Boxed, because a fetch starts others.
    fn run(self, wanted: Wanted, fetcher: Fetcher, sender: watch::Sender<Status>) -> BoxFuture<'static, ()> {
        async move {
            let mut ending = Ending { upstream: self, wanted, outcome: Err(FetchError::Cancelled(wanted)) };
            let tell = |progress: Progress| drop(sender.send_replace(Status::Running(progress)));
            ending.outcome = fetcher.fetch(wanted, &tell).await;
            let outcome = ending.outcome.clone();
            if let Err(error) = &outcome
                && !error.is_missing()
            {
                tracing::warn!(%wanted, %error, "a fetch from the upstream failed");
            }
            drop(ending);
            sender.send_replace(Status::Done(outcome));
        }
        .boxed()
    }

    /// What is known of a fetch: running, or failed a moment ago.
    pub fn status(&self, wanted: Wanted) -> Option<Status> {
        let fetches = self.fetches();
        let running = fetches.running.get(&wanted).map(|running| running.status.borrow().clone());
        running.or_else(|| {
            let (_, error) = fetches.failed.get(&wanted)?;
            Some(Status::Done(Err(error.clone())))
        })
    }

    /// Forgets that something could not be had.
    pub fn forgive(&self, wanted: Wanted) {
        self.fetches().failed.remove(&wanted);
    }

    /// Ends a fetch, and that of what it waits for. Nothing of them is kept.
    pub fn cancel(&self, wanted: Wanted) {
        let fetches = self.fetches();
        let all = fetches.needed_by(wanted);
        let tasks = all.iter().filter_map(|wanted| fetches.running.get(wanted)?.task.clone()).collect::<Vec<_>>();
        drop(fetches);
        for task in tasks {
            task.abort();
        }
    }

    /// Has something fetched that another fetch cannot be without.
    async fn need(&self, by: Wanted, wanted: Wanted, via: &str, tell: &(dyn Fn(Progress) + Send + Sync)) -> Result<(), FetchError> {
        if self.is_here(wanted).await? {
            return Ok(());
        }
        let status = self.join(wanted, via, usize::MAX)?;
        {
            let mut fetches = self.fetches();
            if fetches.needed_by(wanted).contains(&by) {
                let (server, what) = (self.address().to_string(), by.to_string());
                return Err(FetchError::Unreadable { server, what, reason: "it needs itself".to_owned() });
            }
            if let Some(running) = fetches.running.get_mut(&by) {
                running.needs.insert(wanted);
            }
        }
        let outcome = finished(status, tell).await.unwrap_or(Err(FetchError::Cancelled(wanted)));
        if let Some(running) = self.fetches().running.get_mut(&by) {
            running.needs.remove(&wanted);
        }
        outcome
    }

    fn people(&self) -> MutexGuard<'_, HashMap<u32, String>> {
        self.0.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the end of a fetch; `None` if it was cancelled.
async fn finished(mut status: watch::Receiver<Status>, tell: impl Fn(Progress)) -> Option<Result<(), FetchError>> {
    loop {
        match status.borrow_and_update().clone() {
            Status::Running(progress) => tell(progress),
            Status::Done(outcome) => return Some(outcome),
        }
        status.changed().await.ok()?;
    }
}

/// Takes a fetch off the list however it ends: finished, cancelled or by a panic.
struct Ending {
    upstream: Upstream,
    wanted: Wanted,
    outcome: Result<(), FetchError>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut fetches = self.upstream.fetches();
        fetches.running.remove(&self.wanted);
        if let Err(error) = &self.outcome {
            if fetches.failed.len() >= MOST_REMEMBERED {
                fetches.failed.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
            }
            fetches.failed.insert(self.wanted, (Instant::now(), error.clone()));
        }
    }
}

/// Does some work, a few pieces of it at a time; what comes of each, in order.
async fn few_at_once<T>(work: Vec<BoxFuture<'_, T>>, few: usize) -> Vec<T> {
    stream::iter(work).buffered(few).collect().await
}

/// A failure of this server's own disk or catalogue.
fn here(wanted: Wanted, error: &dyn std::fmt::Display) -> FetchError {
    FetchError::Here { wanted, reason: error.to_string() }
}
