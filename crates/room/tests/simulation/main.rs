//! Clients, network, server and disk under random schedules: edits, undo, redo, stepping out, connections that break or
//! linger, resends, refused operations, a full disk, a server that crashes between any two steps, torn writes. In the end
//! all agree; on the way nobody sees half an operation, nothing is applied twice, what anybody was told is durable stays,
//! and nobody's undo touches what others wrote later.
//!
//! A schedule is one number. `LABBOARD_SIM_SEED=123 cargo test -p labboard-room --test simulation` plays that one, and
//! `LABBOARD_SIM_SECONDS=3600` plays new ones for an hour.

mod checks;
mod chronicle;
mod disk;
mod mutations;
mod network;
mod peer;
mod random;
mod runner;
mod schedule;
mod server;
mod world;

use std::time::{Duration, SystemTime};

/// Seeds that once failed, and what they showed. They are true as long as `Schedule::of` stays as it is.
const FAILED_ONCE: [(u64, &str); 1] =
    [(1_074, "many refusals made the room forget an operation, and its resend was refused though it was in the log")];

const SCHEDULES: u64 = 20_000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn everybody_agrees() {
    let failure = match (variable("LABBOARD_SIM_SEED"), variable("LABBOARD_SIM_SECONDS")) {
        (Some(seed), _) => runner::run(seed).err(),
        (None, Some(seconds)) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
            let first = now.as_millis() as u64 * 1_000_000;
            runner::say(&format!("playing from seed {first} on for {seconds} s"));
            runner::run_for(first, Duration::from_secs(seconds))
        }
        (None, None) => runner::run_many(0, SCHEDULES),
    };
    if let Some(failure) = failure {
        panic!("{}", runner::explain(&failure));
    }
}

#[test]
fn what_failed_once_does_not_fail_again() {
    for (seed, showed) in FAILED_ONCE {
        if let Err(failure) = runner::run(seed) {
            panic!("{showed}: {}", runner::explain(&failure));
        }
    }
}
