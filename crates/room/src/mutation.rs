//! Bugs that one could well write. The crate's own tests switch them on, one at a time, to see that the simulation
//! catches each; without the feature `mutations`, which nothing else has, [`on`] is always `false`.

/// A way in which the engine can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    // The server's end.
    /// Everybody hears of an operation before it is durable.
    CommitBeforeDurable,
    /// A resend is acknowledged while its operation is still on the way to the disk.
    AcknowledgeBeforeDurable,
    /// The last operation that a client sent again counts as a new one.
    ApplyResendAgain,
    /// A snapshot does not say which operations are in it.
    SnapshotForgetsOutcomes,
    /// A restart does not look at whose operations are in the log.
    LogForgetsOutcomes,
    /// After a restart a new person gets the number of one who has written.
    RestartReusesPeople,
    /// Many refusals make the room forget operations that it has ordered.
    RefusalsPushOutOrdered,
    /// An undo is applied whatever others have written.
    IgnoreGuard,
    /// A guard does not see what is ordered and not durable.
    GuardForgetsProposed,
    /// A guard trusts a tail that does not reach back to it.
    GuardTrustsShortTail,
    /// What the log refused counts as ordered.
    AbortKeepsOutcome,
    /// Who resumes misses one operation.
    TailOffByOne,

    // The client's end.
    /// What others write shows over an own change that has no answer.
    OthersShowOverOwn,
    /// An operation on several properties shows one property after the other.
    SplitOperation,
    /// A refused change stays.
    KeepRefused,
    /// An operation that does not follow the last one is taken as if it did.
    IgnoreGap,
    /// The server's checksum is not compared.
    IgnoreChecksum,
    /// What others write is left out where an own change has no answer, as if that one were sure to come after it.
    LeaveOutCovered,
    /// What others write before the welcome is taken too.
    ListenBeforeWelcome,
    /// What had no answer is not sent again over a new connection.
    ForgetToResend,
    /// What can be undone survives a snapshot, though nobody knows who has written since.
    SnapshotKeepsHistory,
    /// What others write leaves the undo as it is.
    UndoForgetsOthers,
    /// An undo does not wait for the answers to what was before it.
    UndoDoesNotWait,
}

#[cfg(not(feature = "mutations"))]
pub(crate) const fn on(_: Mutation) -> bool {
    false
}

#[cfg(feature = "mutations")]
pub use switch::with;

#[cfg(feature = "mutations")]
pub(crate) use switch::on;

#[cfg(feature = "mutations")]
mod switch {
    use std::cell::Cell;

    use super::Mutation;

    thread_local! {
        static ON: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    pub(crate) fn on(mutation: Mutation) -> bool {
        ON.get() == Some(mutation)
    }

    /// Runs something on this thread with the engine broken in this way, and mends it again. It must not panic.
    pub fn with<T>(mutation: Mutation, run: impl FnOnce() -> T) -> T {
        ON.set(Some(mutation));
        let result = run();
        ON.set(None);
        result
    }
}
