//! The one error that crosses the server functions.

use serde::{Deserialize, Serialize};
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

use crate::codec::CompactBytes;

/// Why a request failed, in terms that the browser can act on.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum AppError {
    /// There is no such thing; the text names it.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense; the text says what and where.
    #[error("{0}")]
    BadRequest(String),
    /// The visitor may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The server failed; details are in its log under the same request.
    #[error("{0}")]
    Internal(String),
    /// The upstream server could not be read; the text says why.
    #[error("{0}")]
    Upstream(String),
    /// The server has too much to do; asking again a little later is worth it.
    #[error("{0}")]
    Busy(String),
    /// The request never reached the server, or the answer never came back.
    #[error("The server cannot be reached: {0}")]
    Unreachable(String),
}

impl AppError {
    /// The HTTP status that says the same.
    pub const fn status(&self) -> u16 {
        match self {
            AppError::NotFound(_) => 404,
            AppError::BadRequest(_) => 400,
            AppError::Forbidden(_) => 403,
            AppError::Internal(_) => 500,
            AppError::Upstream(_) => 502,
            AppError::Busy(_) | AppError::Unreachable(_) => 503,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = CompactBytes;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(reason) => AppError::Unreachable(reason),
            ServerFnErrorErr::Args(reason) | ServerFnErrorErr::MissingArg(reason) => AppError::BadRequest(reason),
            other => AppError::Internal(other.to_string()),
        }
    }
}
