//! Turns for work that keeps a processor busy: few at a time, a fair share for each client, and a clear no when too many wait.
//!
//! Whoever stops waiting (a browser that has moved on) loses the place in the queue and costs nothing; work that has begun is given up
//! when nobody waits for it any more. Large work has a queue of its
//! own, so that small work never waits for it; and work that runs beside other work takes one thread instead of all.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::net::IpAddr;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use labboard_frame::parallel::{Cancel, panic_message, with_threads};
use tokio::sync::oneshot;

use super::source::computation_failed;
use crate::error::AppError;

/// Who asks; `None` where the address is not known. All of these share one turn.
pub type Client = Option<IpAddr>;

/// Rows from which work counts as large.
const LARGE_ROWS: usize = 3_000_000;
/// Who would be later in the queue than this is sent away instead: some seconds of work.
const MOST_WAITING: usize = 256;

/// The queues; cheap to clone.
#[derive(Clone, Debug)]
pub struct Compute {
    small: Arc<Lane>,
    large: Arc<Lane>,
    running: Arc<AtomicUsize>,
    processors: usize,
}

impl Default for Compute {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { small: Lane::new(processors), large: Lane::new(1), running: Arc::default(), processors }
    }
}

impl Compute {
    /// Runs `work`, which reads about so many rows, when it is the client's turn, on a thread that may be busy. Dropping the future gives
    /// the work up.
    ///
    /// # Errors
    /// `Busy` when too many wait already; `Internal` when the work panics.
    pub async fn run<T: Send + 'static>(
        &self,
        client: Client,
        rows: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AppError> {
        let given_up = CancelOnDrop(Cancel::default());
        let (done, answer) = oneshot::channel();
        let (running, processors) = (Arc::clone(&self.running), self.processors);
        let cancel = given_up.0.clone();
        let work = move || {
            let worked = {
                let others = running.fetch_add(1, Ordering::Relaxed);
                let _running = Running(running);
                let threads = NonZero::new(processors / (others + 1)).unwrap_or(NonZero::<usize>::MIN);
                with_threads(threads, || cancel.run(work))
            };
            // Who asked may have gone.
            let _ = done.send(worked);
        };
        let lane = if rows < LARGE_ROWS { &self.small } else { &self.large };
        Lane::submit(lane, client, Job { given_up: given_up.0.clone(), work: Box::new(work) })?;
        answer.await.map_err(|_| computation_failed())?.ok_or_else(|| AppError::Internal("This was given up".to_owned()))
    }
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Work, and whether anybody still waits for it.
struct Job {
    given_up: Cancel,
    work: Box<dyn FnOnce() + Send>,
}

impl Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("given_up", &self.given_up).finish_non_exhaustive()
    }
}

/// So many jobs at a time.
#[derive(Debug)]
struct Lane {
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    /// Jobs that could run beside those that do.
    free: usize,
    /// What waits, each client's jobs in order of arrival.
    waiting: HashMap<Client, VecDeque<Job>>,
    /// The clients that wait, in order of their next turn.
    order: VecDeque<Client>,
    /// All that waits, also for those who have gone since.
    length: usize,
}

impl Lane {
    fn new(jobs: usize) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::new(Queue { free: jobs, waiting: HashMap::new(), order: VecDeque::new(), length: 0 }) })
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(lane: &Arc<Self>, client: Client, job: Job) -> Result<(), AppError> {
        let mut queue = lane.queue();
        if queue.free == 0 {
            if queue.length >= MOST_WAITING {
                queue.forget_the_gone();
            }
            if queue.length >= MOST_WAITING {
                return Err(AppError::Busy("The server has more to draw than it can; ask again in a moment".to_owned()));
            }
            queue.add(client, job);
            return Ok(());
        }
        queue.free -= 1;
        let lane = Arc::clone(lane);
        tokio::task::spawn_blocking(move || lane.work(job));
        Ok(())
    }

    /// Runs a job, and then what waits: a thread that is awake goes on sooner than another begins.
    fn work(&self, first: Job) {
        let mut next = Some(first);
        while let Some(job) = next {
            if !job.given_up.is_cancelled()
                && let Err(panic) = catch_unwind(AssertUnwindSafe(job.work))
            {
                // Who waits for it notices that there is no answer.
                tracing::error!(cause = panic_message(&*panic), "a computation failed");
            }
            next = self.queue().next();
        }
    }
}

impl Queue {
    fn add(&mut self, client: Client, job: Job) {
        let waiting = self.waiting.entry(client).or_default();
        if waiting.is_empty() {
            self.order.push_back(client);
        }
        waiting.push_back(job);
        self.length += 1;
    }

    /// The first job of the client whose turn it is; without one, one more may run.
    fn next(&mut self) -> Option<Job> {
        let next = self.take();
        self.free += usize::from(next.is_none());
        next
    }

    /// The first of the client whose turn it is; that client comes last next time.
    fn take(&mut self) -> Option<Job> {
        let client = self.order.pop_front()?;
        let waiting = self.waiting.get_mut(&client)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&client);
        } else {
            self.order.push_back(client);
        }
        self.length -= 1;
        next
    }

    fn forget_the_gone(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.retain(|job| !job.given_up.is_cancelled());
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
        self.order.retain(|client| self.waiting.contains_key(client));
        self.length = self.waiting.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn client(last: u8) -> Client {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    fn job(work: impl FnOnce() + Send + 'static) -> Job {
        Job { given_up: Cancel::default(), work: Box::new(work) }
    }

    /// A lane for one job, which runs until the sender is dropped.
    fn busy_lane() -> (Arc<Lane>, mpsc::SyncSender<()>) {
        let (release, held) = mpsc::sync_channel(1);
        let lane = Lane::new(1);
        Lane::submit(&lane, client(1), job(move || held.recv().unwrap_or_default())).expect("it is free");
        (lane, release)
    }

    #[tokio::test]
    async fn clients_take_turns_and_who_has_gone_has_none() {
        let (lane, release) = busy_lane();
        let (say, said) = mpsc::sync_channel(8);
        for (name, last) in [("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2), ("gone", 3), ("c1", 4)] {
            let say = say.clone();
            let job = job(move || say.send(name).expect("somebody listens"));
            if name == "gone" {
                job.given_up.cancel();
            }
            Lane::submit(&lane, client(last), job).expect("there is room");
        }
        drop((say, release));
        let order = tokio::task::spawn_blocking(move || said.into_iter().collect::<Vec<_>>()).await.unwrap();
        assert_eq!(order, ["a1", "b1", "c1", "a2", "a3"]);
        assert_eq!(lane.queue().length, 0);
    }

    #[tokio::test]
    async fn too_many_are_sent_away_until_some_have_gone() {
        let (lane, _release) = busy_lane();
        let waiting: Vec<Cancel> = std::iter::repeat_with(Cancel::default).take(MOST_WAITING).collect();
        for given_up in &waiting {
            let job = Job { given_up: given_up.clone(), work: Box::new(|| ()) };
            Lane::submit(&lane, client(1), job).expect("there is room");
        }
        assert!(matches!(Lane::submit(&lane, client(2), job(|| ())), Err(AppError::Busy(_))));
        waiting.iter().for_each(Cancel::cancel);
        Lane::submit(&lane, client(2), job(|| ())).expect("there is room again");
        assert_eq!(lane.queue().length, 1);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_given_up() {
        let compute = Compute::default();
        let (begun, has_begun) = oneshot::channel();
        let endless = compute.run::<()>(None, LARGE_ROWS, move || {
            let _ = begun.send(());
            loop {
                labboard_frame::parallel::check();
            }
        });
        tokio::select! {
            _ = endless => panic!("it has no end"),
            begun = has_begun => begun.expect("it has begun"),
        }
        // There is one turn for large work.
        assert_eq!(compute.run(None, LARGE_ROWS, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_gives_the_turn_back() {
        let compute = Compute::default();
        for _ in 0..=compute.processors {
            assert!(compute.run(None, 1, || panic!("on purpose")).await.is_err());
        }
        let seven = tokio::time::timeout(std::time::Duration::from_secs(10), compute.run(None, 1, || 7)).await;
        assert_eq!(seven, Ok(Ok(7)));
        assert_eq!(compute.running.load(Ordering::Relaxed), 0);
    }
}
