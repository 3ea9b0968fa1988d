//! A simulation that finds nothing proves little: it must find each of these bugs.

use labboard_room::mutation::{self, Mutation};

use crate::runner;

/// Schedules that are enough to find any of them.
const ENOUGH: u64 = 4_000;

fn is_caught(mutation: Mutation) {
    let failure = mutation::with(mutation, || (0..ENOUGH).find_map(|seed| runner::run(seed).err()));
    let failure = failure.unwrap_or_else(|| panic!("{mutation:?} is not caught by {ENOUGH} schedules"));
    println!("{mutation:?}: caught by schedule {}: {}", failure.seed + 1, failure.reason.lines().next().unwrap_or_default());
}

macro_rules! all_are_caught {
    ($($test:ident: $mutation:ident),* $(,)?) => {
        $(#[test]
        fn $test() {
            is_caught(Mutation::$mutation);
        })*

        /// A mutation without a test does not compile.
        const _: fn(Mutation) = |mutation| match mutation {
            $(Mutation::$mutation => {})*
        };
    };
}

all_are_caught! {
    commit_before_durable: CommitBeforeDurable,
    acknowledge_before_durable: AcknowledgeBeforeDurable,
    apply_resend_again: ApplyResendAgain,
    snapshot_forgets_outcomes: SnapshotForgetsOutcomes,
    log_forgets_outcomes: LogForgetsOutcomes,
    restart_reuses_people: RestartReusesPeople,
    refusals_push_out_ordered: RefusalsPushOutOrdered,
    ignore_guard: IgnoreGuard,
    guard_forgets_proposed: GuardForgetsProposed,
    guard_trusts_short_tail: GuardTrustsShortTail,
    abort_keeps_outcome: AbortKeepsOutcome,
    tail_off_by_one: TailOffByOne,
    others_show_over_own: OthersShowOverOwn,
    split_operation: SplitOperation,
    keep_refused: KeepRefused,
    ignore_gap: IgnoreGap,
    ignore_checksum: IgnoreChecksum,
    leave_out_covered: LeaveOutCovered,
    listen_before_welcome: ListenBeforeWelcome,
    forget_to_resend: ForgetToResend,
    snapshot_keeps_history: SnapshotKeepsHistory,
    undo_forgets_others: UndoForgetsOthers,
    undo_does_not_wait: UndoDoesNotWait,
}
