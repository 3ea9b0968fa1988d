//! Work that many may wait for, done once.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};

/// Work that is under way, by key. Whoever asks for the same waits for the same; when nobody waits any more, the work is dropped.
pub struct Flights<K, T: Clone>(Mutex<HashMap<K, WeakShared<BoxFuture<'static, T>>>>);

/// Ended work is forgotten once there is so much of it.
const MOST_ENDED: usize = 256;

impl<K, T: Clone> Debug for Flights<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Flights").finish_non_exhaustive()
    }
}

impl<K, T: Clone> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, T: Clone> Flights<K, T> {
    /// The work with this key that is under way, or what `begin` makes.
    pub fn join(&self, key: K, begin: impl FnOnce() -> BoxFuture<'static, T>) -> Shared<BoxFuture<'static, T>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        if flights.len() >= MOST_ENDED {
            flights.retain(|_, flight| flight.upgrade().is_some());
        }
        let flight = begin().shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(key, weak);
        }
        flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_is_done_once_even_if_who_asked_first_has_gone() {
        let flights = Flights::<i32, i32>::default();
        let begun = Arc::new(AtomicUsize::new(0));
        let (done, wait) = oneshot::channel();
        let work = |wait: oneshot::Receiver<i32>| {
            let begun = Arc::clone(&begun);
            move || {
                async move {
                    begun.fetch_add(1, Ordering::Relaxed);
                    wait.await.unwrap_or(-1)
                }
                .boxed()
            }
        };
        let mut first = flights.join(1, work(wait));
        assert!(futures::poll!(&mut first).is_pending());
        let second = flights.join(1, work(oneshot::channel().1));
        drop(first);
        done.send(7).expect("somebody waits");
        assert_eq!((second.await, begun.load(Ordering::Relaxed)), (7, 1));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_dropped() {
        let flights = Flights::<i32, i32>::default();
        let (done, wait) = oneshot::channel::<i32>();
        let mut only = flights.join(1, || async { wait.await.unwrap_or(-1) }.boxed());
        assert!(futures::poll!(&mut only).is_pending());
        drop(only);
        assert!(done.is_closed());
        assert_eq!(flights.join(1, || async { 2 }.boxed()).await, 2);
    }
}
