//! Turns for work that keeps a processor busy: few at a time, a fair share for each client, and a clear no when too many wait.
//!
//! Whoever stops waiting (a browser that has moved on) loses the place in the queue and costs nothing; work that has begun is given up
//! when nobody waits for it any more. Large work has a queue of its
//! own, so that small work never waits for it; and work that runs beside other work takes one thread instead of all.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use labboard_frame::parallel::{Cancel, with_threads};
use tokio::sync::oneshot;

use super::source::blocking_failed;
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
        let lane = if rows < LARGE_ROWS { &self.small } else { &self.large };
        let turn = Lane::turn(lane, client).await?;
        let (running, processors) = (Arc::clone(&self.running), self.processors);
        let given_up = CancelOnDrop(Cancel::default());
        let cancel = given_up.0.clone();
        let work = move || {
            let _turn = turn;
            let others = running.fetch_add(1, Ordering::Relaxed);
            let _running = Running(running);
            let threads = NonZero::new(processors / (others + 1)).unwrap_or(NonZero::<usize>::MIN);
            with_threads(threads, || cancel.run(work))
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(blocking_failed)?;
        done.ok_or_else(|| AppError::Internal("This was given up".to_owned()))
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

/// So many turns at a time.
#[derive(Debug)]
struct Lane {
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    /// Who waits, each client in order of arrival.
    waiting: HashMap<Client, VecDeque<oneshot::Sender<Turn>>>,
    /// The clients that wait, in order of their next turn.
    order: VecDeque<Client>,
    /// All who wait, also those who have gone since.
    length: usize,
}

/// The right to run; given back on drop, to whoever is next.
#[derive(Debug)]
struct Turn(Option<Arc<Lane>>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(lane) = self.0.take() {
            Lane::pass_on(&lane);
        }
    }
}

impl Lane {
    fn new(turns: usize) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::new(Queue { free: turns, waiting: HashMap::new(), order: VecDeque::new(), length: 0 }) })
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(lane: &Arc<Self>, client: Client) -> Result<Turn, AppError> {
        let next = {
            let mut queue = lane.queue();
            if queue.free > 0 {
                queue.free -= 1;
                return Ok(Turn(Some(Arc::clone(lane))));
            }
            if queue.length >= MOST_WAITING {
                queue.forget_the_gone();
            }
            if queue.length >= MOST_WAITING {
                return Err(AppError::Busy("The server has more to draw than it can; ask again in a moment".to_owned()));
            }
            queue.add(client)
        };
        next.await.map_err(|_| AppError::Internal("The server is stopping".to_owned()))
    }

    fn pass_on(lane: &Arc<Self>) {
        loop {
            let next = {
                let mut queue = lane.queue();
                let Some(next) = queue.take() else {
                    queue.free += 1;
                    return;
                };
                next
            };
            match next.send(Turn(Some(Arc::clone(lane)))) {
                Ok(()) => return,
                // Who does not wait any more; this turn is for the next.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
    }
}

impl Queue {
    fn add(&mut self, client: Client) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        let waiting = self.waiting.entry(client).or_default();
        if waiting.is_empty() {
            self.order.push_back(client);
        }
        waiting.push_back(sender);
        self.length += 1;
        receiver
    }

    /// The first of the client whose turn it is; that client comes last next time.
    fn take(&mut self) -> Option<oneshot::Sender<Turn>> {
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
            waiting.retain(|sender| !sender.is_closed());
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
        self.order.retain(|client| self.waiting.contains_key(client));
        self.length = self.waiting.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Client {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    /// The names of those who get a turn, in order.
    async fn drain(lane: &Arc<Lane>, held: Turn, mut waiting: Vec<(&'static str, oneshot::Receiver<Turn>)>) -> Vec<&'static str> {
        let (mut order, mut held) = (Vec::new(), Some(held));
        while !waiting.is_empty() {
            drop(held.take());
            let at = waiting.iter_mut().position(|(_, turn)| match turn.try_recv() {
                Ok(turn) => {
                    held = Some(turn);
                    true
                }
                Err(_) => false,
            });
            order.push(waiting.remove(at.expect("somebody is next")).0);
        }
        drop(held);
        assert_eq!(lane.queue().free, 1);
        order
    }

    #[tokio::test]
    async fn clients_take_turns_and_who_has_gone_has_none() {
        let lane = Lane::new(1);
        let held = Lane::turn(&lane, client(1)).await.unwrap();
        let wait = |name, last| (name, lane.queue().add(client(last)));
        let mut waiting = vec![wait("a1", 1), wait("a2", 1), wait("a3", 1), wait("b1", 2), wait("gone", 3), wait("c1", 4)];
        drop(waiting.remove(4));
        assert_eq!(drain(&lane, held, waiting).await, ["a1", "b1", "c1", "a2", "a3"]);
        assert_eq!(lane.queue().length, 0);
    }

    #[tokio::test]
    async fn too_many_are_sent_away_until_some_have_gone() {
        let lane = Lane::new(1);
        let _held = Lane::turn(&lane, client(1)).await.unwrap();
        let waiting: Vec<_> = (0..MOST_WAITING).map(|_| lane.queue().add(client(1))).collect();
        assert!(matches!(Lane::turn(&lane, client(2)).await, Err(AppError::Busy(_))));
        drop(waiting);
        let next = Lane::turn(&lane, client(2));
        tokio::pin!(next);
        assert!(futures::poll!(&mut next).is_pending());
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
        assert!(compute.run(None, 1, || panic!("on purpose")).await.is_err());
        assert_eq!(compute.run(None, LARGE_ROWS, || 7).await, Ok(7));
        assert_eq!(compute.running.load(Ordering::Relaxed), 0);
        assert_eq!(compute.small.queue().free, compute.processors);
    }
}
