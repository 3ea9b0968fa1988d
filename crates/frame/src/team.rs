//! Threads that help another one with its work, and that run on other processors than it does.
//!
//! A thread that has just begun or woken up is put where the system finds an idle processor. On virtual machines one that sleeps does not count as
//! idle, because the host says that it does not run, and the helper waits behind the very thread that it should help until the system balances
//! its load, some milliseconds later. So helpers are told to keep off the processor of the thread that they help.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Teams without work, to be used again. There are no more than callers at the same time.
static IDLE: Mutex<Vec<Team>> = Mutex::new(Vec::new());

fn idle() -> MutexGuard<'static, Vec<Team>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Helpers of one caller at a time, so that what is short never waits behind what is long.
struct Team {
    pool: ThreadPool,
    places: places::Places,
}

impl Team {
    fn of(helpers: usize) -> Option<Self> {
        let known = idle().pop().filter(|team| team.pool.current_num_threads() >= helpers);
        known.or_else(|| {
            let builder = ThreadPoolBuilder::new().num_threads(helpers).thread_name(|_| "helper".to_owned());
            let (pool, places) = places::started(helpers, builder)?;
            Some(Self { pool, places })
        })
    }
}

/// A team that goes back when its work has ended, also by a panic.
struct Lent(Option<Team>);

impl Drop for Lent {
    fn drop(&mut self) {
        idle().extend(self.0.take());
    }
}

/// Runs `work` with at least so many helpers, or with none if the system has no more threads.
pub(crate) fn with_helpers<T>(helpers: usize, work: impl FnOnce(Option<&ThreadPool>) -> T) -> T {
    let mut lent = Lent(Team::of(helpers));
    if let Some(team) = &mut lent.0 {
        team.places.keep_off_this_processor();
    }
    work(lent.0.as_ref().map(|team| &team.pool))
}

#[cfg(target_os = "linux")]
mod places {
    use std::sync::mpsc::sync_channel;

    use rayon::{ThreadPool, ThreadPoolBuilder};
    use rustix::thread::{Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// Where helpers may run.
    pub(super) struct Places {
        helpers: Vec<Pid>,
        /// The processor that they keep off.
        kept_off: Option<usize>,
    }

    impl Places {
        pub(super) fn keep_off_this_processor(&mut self) {
            let here = sched_getcpu();
            if self.kept_off == Some(here) {
                return;
            }
            let Ok(mut others) = sched_getaffinity(None) else { return };
            others.unset(here);
            // Where there is no other it stays as it is. It is no more than advice: that it fails changes nothing but the speed.
            if others.count() > 0 && self.helpers.iter().all(|helper| sched_setaffinity(Some(*helper), &others).is_ok()) {
                self.kept_off = Some(here);
            }
        }
    }

    pub(super) fn started(helpers: usize, pool: ThreadPoolBuilder) -> Option<(ThreadPool, Places)> {
        let (tell, told) = sync_channel(helpers);
        let pool = pool.start_handler(move |_| tell.send(gettid()).unwrap_or_default()).build().ok()?;
        Some((pool, Places { helpers: told.iter().take(helpers).collect(), kept_off: None }))
    }
}

#[cfg(not(target_os = "linux"))]
mod places {
    use rayon::{ThreadPool, ThreadPoolBuilder};

    pub(super) struct Places;

    impl Places {
        pub(super) fn keep_off_this_processor(&mut self) {}
    }

    pub(super) fn started(_: usize, pool: ThreadPoolBuilder) -> Option<(ThreadPool, Places)> {
        Some((pool.build().ok()?, Places))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::thread::sched_getaffinity;

    #[test]
    fn helpers_keep_off_the_processor_of_their_caller() {
        let allowed = || sched_getaffinity(None).map(|processors| processors.count()).unwrap_or_default();
        let all = allowed();
        let mut of_helpers = [0; 3];
        with_helpers(of_helpers.len(), |helpers| {
            helpers.unwrap().in_place_scope(|scope| of_helpers.iter_mut().for_each(|of_helper| scope.spawn(|_| *of_helper = allowed())));
        });
        assert_eq!(of_helpers, [(all - 1).max(1); 3]);
    }

    #[test]
    fn the_panic_of_a_helper_goes_on_and_leaves_the_next_work_alone() {
        let work = |helpers: Option<&ThreadPool>| helpers.unwrap().in_place_scope(|scope| scope.spawn(|_| panic!("on purpose")));
        assert!(std::panic::catch_unwind(|| with_helpers(1, work)).is_err());
        let sum = with_helpers(2, |helpers| helpers.unwrap().install(|| 1 + 1));
        assert_eq!(sum, 2);
    }
}
