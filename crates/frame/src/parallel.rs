//! Rows split over a few threads, when there are enough of them to pay for it; and work that can be given up.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::team::with_helpers;

/// Below this many rows a second thread costs more than it saves.
pub(crate) const PARALLEL_ROWS: usize = 200_000;

/// More threads than this share one memory bus and gain little.
const MOST_THREADS: usize = 8;

thread_local! {
    static LIMIT: Cell<usize> = const { Cell::new(MOST_THREADS) };
    static CANCEL: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

/// Tells work in other threads that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

/// With this, work that was given up unwinds.
struct Cancelled;

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Runs `work`; `None` if it was given up, which its passes over rows notice: most within some ten thousand rows, others at their end.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let done = {
            let _restore = Cancelling::set(Some(self.clone()));
            catch_unwind(AssertUnwindSafe(work))
        };
        match done {
            Ok(value) => Some(value),
            Err(panic) if panic.is::<Cancelled>() => None,
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// What a panic says, if it is text.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied())
}

/// Unwinds if this work was given up.
pub fn check() {
    let given_up = CANCEL.with_borrow(|cancel| cancel.as_ref().is_some_and(Cancel::is_cancelled));
    if given_up {
        // Without a message: nothing went wrong.
        resume_unwind(Box::new(Cancelled) as Box<dyn Any + Send>);
    }
}

/// Runs `work`, whose passes over rows take at most this many threads. Their results are the same with any number.
pub fn with_threads<T>(threads: NonZero<usize>, work: impl FnOnce() -> T) -> T {
    let _restore = Limit::set(threads.get());
    work()
}

/// The limit that there was before, also when work panics.
struct Limit(usize);

impl Limit {
    fn set(threads: usize) -> Self {
        Self(LIMIT.replace(threads))
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        LIMIT.set(self.0);
    }
}

/// What work in this thread was given up by before, also when it panics.
struct Cancelling(Option<Cancel>);

impl Cancelling {
    fn set(cancel: Option<Cancel>) -> Self {
        Self(CANCEL.replace(cancel))
    }
}

impl Drop for Cancelling {
    fn drop(&mut self) {
        CANCEL.set(self.0.take());
    }
}

/// How many threads a pass over `rows` rows is worth.
pub(crate) fn threads_for(rows: usize) -> usize {
    threads_of(rows, PARALLEL_ROWS)
}

/// How many threads so much work is worth, if it is worth a second one from `parallel` on.
fn threads_of(work: usize, parallel: usize) -> usize {
    if work <= parallel {
        return 1;
    }
    let available = thread::available_parallelism().map_or(1, NonZero::get);
    available.min(MOST_THREADS).min(LIMIT.get()).min(work / (parallel / 2)).max(1)
}

/// `items` cut into nearly equal ranges for [`map_parts`]: one, unless `work` is more than `parallel`, from which a second thread pays.
pub fn parts(items: usize, work: usize, parallel: usize) -> impl Iterator<Item = Range<usize>> {
    split(items, threads_of(work, parallel))
}

/// Runs `work` on each of a few parts, the first here and each of the others in a thread of its own, and returns the results in order.
pub fn map_parts<P: Send, T: Send>(parts: impl IntoIterator<Item = P>, work: impl Fn(P) -> T + Sync) -> Vec<T> {
    check();
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return Vec::new() };
    let others: Vec<P> = parts.collect();
    if others.is_empty() {
        return vec![work(first)];
    }
    let work = |part: P| {
        // All threads that are to be have begun: what runs in them does not split again.
        let _restore = Limit::set(1);
        check();
        work(part)
    };
    let (work, cancel) = (&work, CANCEL.with_borrow(Clone::clone));
    with_helpers(others.len(), |helpers| {
        let Some(helpers) = helpers else { return std::iter::once(first).chain(others).map(work).collect() };
        let mut done: Vec<Option<T>> = others.iter().map(|_| None).collect();
        // The panic of a thread goes on here.
        let first = helpers.in_place_scope(|scope| {
            for (part, done) in others.into_iter().zip(&mut done) {
                let cancel = cancel.clone();
                scope.spawn(move |_| {
                    let _restore = Cancelling::set(cancel);
                    *done = Some(work(part));
                });
            }
            work(first)
        });
        std::iter::once(first).chain(done.into_iter().flatten()).collect()
    })
}

/// A slice cut into pieces of these lengths, in order; they must not be longer than it together.
pub fn cut<T>(mut slice: &mut [T], lengths: impl IntoIterator<Item = usize>) -> impl Iterator<Item = &mut [T]> {
    lengths.into_iter().map(move |length| {
        let (piece, rest) = std::mem::take(&mut slice).split_at_mut(length);
        slice = rest;
        piece
    })
}

/// `rows` cut into `parts` ranges of nearly equal length, in order.
pub(crate) fn split(rows: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.max(1);
    (0..parts).map(move |part| rows * part / parts..rows * (part + 1) / parts)
}

/// Runs `work` on every range of rows, in parallel if it pays, and returns the results in order of the rows.
pub(crate) fn map_rows<T: Send>(rows: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let ranges: Vec<_> = parts(rows, rows, PARALLEL_ROWS).collect();
    map_parts(&ranges, |range| work(range.clone()))
}

/// Runs `work` for 0, 1, … `items` − 1, in parallel if the `rows` handled in all are worth it, and returns the results in order.
pub(crate) fn map_items<T: Send>(items: usize, rows: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = threads_for(rows).min(items);
    if threads <= 1 {
        return (0..items).map(work).collect();
    }
    // Interleaved, because neighbours tend to cost the same.
    let parts = map_parts(0..threads, |first| (first..items).step_by(threads).map(&work).collect::<Vec<T>>());
    let mut parts: Vec<_> = parts.into_iter().map(Vec::into_iter).collect();
    (0..items).filter_map(|item| parts[item % threads].next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_limited_for_a_while() {
        let one = NonZero::<usize>::MIN;
        assert_eq!(with_threads(one, || map_rows(5_000_000, |rows| rows.len()).len()), 1);
        let _ = std::panic::catch_unwind(|| with_threads(one, || panic!("on purpose")));
        assert_eq!(LIMIT.get(), MOST_THREADS);
    }

    #[test]
    fn work_that_nobody_waits_for_ends_in_all_threads() {
        let cancel = Cancel::default();
        assert_eq!(cancel.run(|| map_rows(500_000, |rows| rows.len()).len()), Some(map_rows(500_000, |rows| rows.len()).len()));
        // Every part works until it is given up.
        let endless = || {
            map_parts(&[1, 2, 3], |part| {
                loop {
                    if *part == 2 {
                        cancel.cancel();
                    }
                    check();
                }
            })
        };
        assert_eq!(cancel.run(endless), None::<Vec<()>>);
        check();
        assert_eq!(cancel.run(|| map_rows(1, |rows| rows.len())), None);
        let other = std::panic::catch_unwind(|| Cancel::default().run(|| panic!("on purpose")));
        assert!(other.is_err());
    }

    #[test]
    fn short_work_does_not_wait_for_long_work() {
        let busy = 2 * thread::available_parallelism().map_or(1, NonZero::get);
        let gate = std::sync::RwLock::new(());
        let closed = gate.write().unwrap();
        let (done, found) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..busy {
                scope.spawn(|| map_parts([1, 2, 3], |_| drop(gate.read())));
            }
            scope.spawn(move || done.send(map_parts([1, 2, 3], |part| part * part)));
            let found = found.recv_timeout(std::time::Duration::from_secs(20));
            drop(closed);
            assert_eq!(found, Ok(vec![1, 4, 9]));
        });
    }

    #[test]
    fn ranges_cover_every_row_once() {
        for (rows, parts) in [(0, 3), (1, 2), (10, 3), (1_000_001, 2)] {
            let ranges: Vec<_> = split(rows, parts).collect();
            assert_eq!(ranges.iter().map(ExactSizeIterator::len).sum::<usize>(), rows);
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
        let sums = map_rows(500_000, |range| range.sum::<usize>());
        assert_eq!(sums.iter().sum::<usize>(), 499_999 * 250_000);
        assert_eq!(map_items(7, 1_000_000, |item| item * item), [0, 1, 4, 9, 16, 25, 36]);
        assert!(map_items(0, 1_000_000, |item| item).is_empty());
    }
}
