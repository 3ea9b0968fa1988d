//! Why something could not be fetched, in words for whoever asked for it.

use super::wanted::Wanted;

/// Every text says what was asked, of whom, and what came instead. `server` is the upstream's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("{server} has no {what}")]
    Missing { server: String, what: String },
    #[error("{server} cannot be reached: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("{server} closed the connection after {received} of {what}")]
    BrokenOff { server: String, what: String, received: String },
    #[error("nothing came from {server} for {seconds} s, after {received} of {what}")]
    Stalled { server: String, what: String, received: String, seconds: u64 },
    #[error("{server} refused {what}: {reason}")]
    Refused { server: String, what: String, reason: String },
    #[error("{server} answered {status} when it was asked for {what}, not as an OpenML server does; is the address right?")]
    NotOpenMl { server: String, what: String, status: u16 },
    #[error("{what} is larger than the {most} MB that are taken here; see max-upload-mb")]
    TooLarge { what: String, most: u64 },
    #[error("{what} is not at {server} but at {place}, and is not fetched from there")]
    Elsewhere { server: String, what: String, place: String },
    #[error("{what} of {server} cannot be read: {reason}")]
    Unreadable { server: String, what: String, reason: String },
    #[error("{wanted} of {server} asks for the same as something that is here under another id")]
    Same { server: String, wanted: Wanted },
    #[error("the fetch of {0} was cancelled")]
    Cancelled(Wanted),
    #[error("too much is being fetched already; ask for {0} again later")]
    Busy(Wanted),
    /// The disk or the catalogue here.
    #[error("{wanted} cannot be kept: {reason}")]
    Here { wanted: Wanted, reason: String },
}

impl FetchError {
    /// Whether the upstream answered, and has no such thing.
    pub const fn is_missing(&self) -> bool {
        matches!(self, FetchError::Missing { .. })
    }

    /// Whether it is about the one thing that was asked, so that the next one may come all the same.
    pub const fn is_of_one(&self) -> bool {
        matches!(
            self,
            FetchError::Missing { .. }
                | FetchError::Refused { .. }
                | FetchError::TooLarge { .. }
                | FetchError::Elsewhere { .. }
                | FetchError::Unreadable { .. }
                | FetchError::Same { .. }
        )
    }
}
