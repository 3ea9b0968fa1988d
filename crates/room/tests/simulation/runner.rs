//! Plays many seeds on all processors, and makes a short story of the first failure.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use crate::checks::play;
use crate::schedule::Schedule;

thread_local! {
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
}

/// A schedule that went wrong, and how.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub reason: String,
}

/// Plays the schedule of a seed.
pub fn run(seed: u64) -> Result<(), Failure> {
    attempt(&Schedule::of(seed)).map_err(|reason| Failure { seed, reason })
}

/// The failure as a person reads it: the seed and the fewest steps that were found to lead to it.
pub fn explain(failure: &Failure) -> String {
    let (schedule, reason) = shorten(Schedule::of(failure.seed), failure.reason.clone());
    let steps: Vec<String> = schedule.actions.iter().map(|action| format!("  {action:?}")).collect();
    format!(
        "{reason}\nLABBOARD_SIM_SEED={} plays it; {} steps are enough, in {:?}:\n{}",
        failure.seed,
        schedule.actions.len(),
        schedule.setting,
        steps.join("\n"),
    )
}

/// The first failure among so many seeds, if there is one.
pub fn run_many(first: u64, count: u64) -> Option<Failure> {
    search(first, |played| played < count)
}

/// Plays new seeds for as long, and says now and then how many it were.
pub fn run_for(first: u64, time: Duration) -> Option<Failure> {
    const EVERY: u64 = 20_000;
    let start = Instant::now();
    search(first, |played| {
        if played > 0 && played.is_multiple_of(EVERY) {
            say(&format!("{played} schedules from seed {first} on in {} s", start.elapsed().as_secs()));
        }
        start.elapsed() < time
    })
}

/// Plays seeds while `more` of the number of those begun says so.
fn search(first: u64, more: impl Fn(u64) -> bool + Sync) -> Option<Failure> {
    let begun = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let found: Mutex<Option<Failure>> = Mutex::new(None);
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let played = begun.fetch_add(1, Ordering::Relaxed);
            if !more(played) {
                break;
            }
            if let Err(failure) = run(first.wrapping_add(played)) {
                is_over.store(true, Ordering::Relaxed);
                *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Past the test harness, which keeps to itself what a test prints until it fails.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The reason why a schedule fails.
fn attempt(schedule: &Schedule) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_SILENT.get() {
                loud(info);
            }
        }));
    });
    IS_SILENT.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(|| play(schedule)));
    IS_SILENT.set(false);
    result.map_err(|payload| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().map_or_else(|_| "a panic".to_owned(), |text| (*text).to_owned()),
    })
}

/// The shortest beginning that fails, and of that only the steps without which it does not.
fn shorten(mut schedule: Schedule, mut reason: String) -> (Schedule, String) {
    for length in 0..schedule.actions.len() {
        let beginning = Schedule { actions: schedule.actions[..length].to_vec(), ..schedule.clone() };
        if let Err(other) = attempt(&beginning) {
            (schedule, reason) = (beginning, other);
            break;
        }
    }
    for at in (0..schedule.actions.len()).rev() {
        let mut without = schedule.clone();
        without.actions.remove(at);
        if let Err(other) = attempt(&without) {
            (schedule, reason) = (without, other);
        }
    }
    (schedule, reason)
}
