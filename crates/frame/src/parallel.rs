//! Rows split over a few threads, when there are enough of them to pay for it.

use std::cell::Cell;
use std::num::NonZero;
use std::ops::Range;
use std::thread;

/// Below this many rows a second thread costs more than it saves.
pub(crate) const PARALLEL_ROWS: usize = 200_000;

/// More threads than this share one memory bus and gain little.
const MOST_THREADS: usize = 8;

thread_local! {
    static LIMIT: Cell<usize> = const { Cell::new(MOST_THREADS) };
}

/// Runs `work`, whose passes over rows take at most this many threads. Their results are the same with any number.
pub fn with_threads<T>(threads: NonZero<usize>, work: impl FnOnce() -> T) -> T {
    /// Also when `work` panics.
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            LIMIT.set(self.0);
        }
    }
    let _restore = Restore(LIMIT.replace(threads.get()));
    work()
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

/// Runs `work` on each of a few parts, each in a thread of its own, and returns the results in order.
pub fn map_parts<P: Sync, T: Send>(parts: &[P], work: impl Fn(&P) -> T + Sync) -> Vec<T> {
    let Some((first, others)) = parts.split_first() else { return Vec::new() };
    let work = &work;
    thread::scope(|scope| {
        let handles: Vec<_> = others.iter().map(|part| scope.spawn(move || work(part))).collect();
        std::iter::once(work(first)).chain(handles.into_iter().map(join)).collect()
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
    let work = &work;
    // Interleaved, because neighbours tend to cost the same.
    let mut parts: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> =
            (0..threads).map(|first| scope.spawn(move || (first..items).step_by(threads).map(work).collect::<Vec<T>>())).collect();
        handles.into_iter().map(|handle| join(handle).into_iter()).collect()
    });
    (0..items).filter_map(|item| parts[item % threads].next()).collect()
}

/// Waits for a thread; its panic goes on in the caller.
pub(crate) fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
