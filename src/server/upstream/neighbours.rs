//! What a page shows beside its own entity: a dataset its tasks and their runs, a task and a flow their runs.
//!
//! They are fetched in the background, the newest first, while the page is open already: it is live, so that its
//! charts grow as they come. What is here is not fetched again, so that looking again later brings what is new.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use labboard_openml::document::{RunList, TaskList};
use labboard_store::Kind as StoreKind;
use tokio::sync::Semaphore;

use super::error::FetchError;
use super::fetch::{CHUNK, Fetcher, Tell};
use super::{Progress, Upstream, Wanted, few_at_once, here};
use crate::app::panel::thousands;

/// Tasks, and runs, that are fetched for one page.
const MOST: usize = 1_000;
/// Rows of one page of a list, and pages that are read: no task has a million runs.
const ROWS: usize = 10_000;
const PAGES: usize = 100;
/// Tasks that one list of runs is asked about.
const TASKS_PER_LIST: usize = 100;
/// Tasks that are fetched at once.
const AT_ONCE: usize = 2;
/// Pages that are gathered for at once.
const PAGES_AT_ONCE: usize = 3;
/// After this long, a page that is opened looks for new neighbours; sooner where the last look failed.
const FRESH: Duration = Duration::from_secs(300);
const FRESH_FAILURE: Duration = Duration::from_secs(10);
/// Gathering that has said nothing for so long has ended without a word.
const SILENT: Duration = Duration::from_secs(3600);
const MOST_REMEMBERED: usize = 10_000;

/// What is fetched for a page that is open already.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathering {
    pub running: bool,
    pub text: String,
}

/// What is gathered, and what came of it.
#[derive(Debug)]
pub struct Neighbourhoods {
    known: Mutex<HashMap<Wanted, Neighbourhood>>,
    permits: Semaphore,
}

#[derive(Clone, Debug)]
struct Neighbourhood {
    at: Instant,
    is_failed: bool,
    now: Option<Gathering>,
}

impl Neighbourhood {
    fn is_fresh(&self) -> bool {
        let fresh = match &self.now {
            Some(now) if now.running => SILENT,
            _ if self.is_failed => FRESH_FAILURE,
            _ => FRESH,
        };
        self.at.elapsed() < fresh
    }
}

impl Default for Neighbourhoods {
    fn default() -> Self {
        Self { known: Mutex::default(), permits: Semaphore::new(PAGES_AT_ONCE) }
    }
}

impl Neighbourhoods {
    fn known(&self) -> MutexGuard<'_, HashMap<Wanted, Neighbourhood>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, of: Wanted, is_failed: bool, now: Option<Gathering>) {
        let mut known = self.known();
        if known.len() >= MOST_REMEMBERED {
            known.retain(|_, neighbourhood| neighbourhood.is_fresh());
        }
        known.insert(of, Neighbourhood { at: Instant::now(), is_failed, now });
    }
}

/// What was left out of a neighbourhood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Runs that the upstream has.
    runs: usize,
    /// Runs that could not be had.
    skipped: u64,
}

impl Gathered {
    /// What whoever looks at the page should know; `None` if everything is here.
    pub fn note(self, server: &str) -> Option<String> {
        let cut = (self.runs > MOST).then(|| {
            let (most, runs) = (thousands(MOST as u64), thousands(self.runs as u64));
            format!("Of the {runs} runs at {server}, the newest {most} are here.")
        });
        let skipped = (self.skipped > 0)
            .then(|| format!("{} of the runs at {server} cannot be shown; the server's log says why.", thousands(self.skipped)));
        let notes = [cut, skipped].into_iter().flatten().collect::<Vec<_>>();
        (!notes.is_empty()).then(|| notes.join(" "))
    }
}

impl Upstream {
    /// Gathers in the background what belongs to a page, unless that has just been done. Says what the page should say.
    pub fn gather(&self, of: Wanted) -> Option<Gathering> {
        if of.kind == StoreKind::Run || !Self::may_have(of) {
            return None;
        }
        let hoods = &self.0.neighbourhoods;
        if let Some(known) = hoods.known().get(&of).filter(|known| known.is_fresh()) {
            return known.now.clone();
        }
        let server = self.address().to_string();
        let begun = Gathering { running: true, text: format!("Looking for its runs at {server}…") };
        hoods.set(of, false, Some(begun.clone()));
        let upstream = self.clone();
        tokio::spawn(async move { upstream.gather_in_background(of, server).await });
        Some(begun)
    }

    /// How far the gathering for a page is.
    pub fn gathering(&self, of: Wanted) -> Option<Gathering> {
        self.0.neighbourhoods.known().get(&of)?.now.clone()
    }

    async fn gather_in_background(&self, of: Wanted, server: String) {
        let hoods = &self.0.neighbourhoods;
        let permit = hoods.permits.acquire().await;
        let tell = |progress: Progress| {
            let counted = match progress.total {
                Some(total) => format!(": {} of {}", thousands(progress.done), thousands(total)),
                None => String::new(),
            };
            let text = format!("Fetching {} from {server}{counted}", progress.what);
            hoods.set(of, false, Some(Gathering { running: true, text }));
        };
        let fetcher = Fetcher::new(self.clone(), self.0.client.in_background(), "");
        let outcome = self.gather_all(of, &fetcher, &tell).await;
        drop(permit);
        match outcome {
            Ok(gathered) => hoods.set(of, false, gathered.note(&server).map(|text| Gathering { running: false, text })),
            Err(error) => {
                tracing::warn!(%of, %error, "not all that belongs to a page could be fetched");
                let text = format!("Not all of its runs could be fetched: {error}. Reload the page to try again.");
                hoods.set(of, true, Some(Gathering { running: false, text }));
            }
        }
    }

    /// Gathers what belongs to a page, and waits for it.
    ///
    /// # Errors
    /// The upstream fails. What has come until then is kept.
    pub async fn gather_now(&self, of: Wanted, tell: Tell<'_>) -> Result<Gathered, FetchError> {
        if !matches!(of.kind, StoreKind::Dataset | StoreKind::Task | StoreKind::Flow) {
            return Ok(Gathered::default());
        }
        self.gather_all(of, &Fetcher::new(self.clone(), self.0.client.in_background(), ""), tell).await
    }

    async fn gather_all(&self, of: Wanted, fetcher: &Fetcher, tell: Tell<'_>) -> Result<Gathered, FetchError> {
        let mut runs = Newest::default();
        match of.kind {
            StoreKind::Dataset => {
                let tasks = self.tasks_of(of, fetcher, tell).await?;
                for tasks in tasks.chunks(TASKS_PER_LIST) {
                    let tasks = tasks.iter().map(i64::to_string).collect::<Vec<_>>();
                    self.list_runs("task", &tasks.join(","), fetcher, &mut runs).await?;
                }
            }
            kind => self.list_runs(kind.as_str(), &of.id.to_string(), fetcher, &mut runs).await?,
        }
        let mut gathered = Gathered { runs: runs.total, skipped: 0 };
        let missing = fetcher.missing_runs(&runs.ids()).await.map_err(|error| here(of, &error))?;
        let (mut done, total) = (0, Some(missing.len() as u64));
        for chunk in missing.chunks(CHUNK) {
            tell(Progress { what: "runs".to_owned(), done, total });
            gathered.skipped += fetcher.runs(of, chunk, &|_| {}).await?;
            done += chunk.len() as u64;
        }
        tell(Progress { what: "runs".to_owned(), done, total });
        Ok(gathered)
    }

    /// The tasks of a dataset; those that can be had are here then.
    async fn tasks_of(&self, of: Wanted, fetcher: &Fetcher, tell: Tell<'_>) -> Result<Vec<i64>, FetchError> {
        let path = format!("task/list/data_id/{}/status/all/limit/{ROWS}", of.id);
        let list = fetcher.client().list(&path, &format!("the tasks of {of}"), TaskList::read).await?.unwrap_or_default();
        let mut ids = list.tasks.into_iter().map(|task| i64::from(task.task_id)).collect::<Vec<_>>();
        ids.sort_unstable();
        ids.dedup();
        let ids = ids.split_off(ids.len().saturating_sub(MOST));
        let total = Some(ids.len() as u64);
        let work = (0_u64..).zip(&ids).map(|(done, id)| {
            let task = async move {
                tell(Progress { what: "tasks".to_owned(), done, total });
                self.ensure(Wanted::new(StoreKind::Task, *id), "").await
            };
            task.boxed()
        });
        let outcomes = few_at_once(work.collect(), AT_ONCE).await;
        let mut here = Vec::with_capacity(ids.len());
        for (id, outcome) in ids.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => here.push(id),
                Err(error) if error.is_of_one() => tracing::warn!(task = id, %error, "a task of the upstream is left out"),
                Err(error) => return Err(error),
            }
        }
        Ok(here)
    }

    /// The runs of tasks or of a flow, all pages of the list.
    async fn list_runs(&self, by: &str, ids: &str, fetcher: &Fetcher, runs: &mut Newest) -> Result<(), FetchError> {
        for page in 0..PAGES {
            let path = format!("run/list/{by}/{ids}/show_errors/true/limit/{ROWS}/offset/{}", page * ROWS);
            let list = fetcher.client().list(&path, &format!("the runs of {by}/{ids}"), RunList::read).await?.unwrap_or_default();
            let is_last = list.runs.len() < ROWS;
            runs.add(list.runs.into_iter().map(|run| i64::from(run.run_id)));
            if is_last {
                break;
            }
        }
        Ok(())
    }
}

/// The highest of many ids.
#[derive(Debug, Default)]
struct Newest {
    total: usize,
    ids: std::collections::BTreeSet<i64>,
}

impl Newest {
    fn add(&mut self, ids: impl Iterator<Item = i64>) {
        for id in ids {
            self.total += 1;
            self.ids.insert(id);
            if self.ids.len() > MOST {
                self.ids.pop_first();
            }
        }
    }

    /// The newest first.
    fn ids(&self) -> Vec<i64> {
        self.ids.iter().rev().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_runs_are_kept_and_what_is_left_out_is_said() {
        let mut runs = Newest::default();
        runs.add(1..=700);
        runs.add(701..=1500);
        assert_eq!((runs.total, runs.ids().len(), runs.ids()[0], runs.ids()[MOST - 1]), (1500, MOST, 1500, 501));
        let note = Gathered { runs: runs.total, skipped: 2 }.note("http://up").expect("a note");
        assert_eq!(
            note,
            "Of the 1,500 runs at http://up, the newest 1,000 are here. 2 of the runs at http://up cannot be shown; the server's log says why."
        );
        assert_eq!(Gathered { runs: MOST, skipped: 0 }.note("http://up"), None);
    }
}
