//! OpenML's errors: a code that clients know, and words.

use axum::http::StatusCode;
use axum::response::Response;
use labboard_openml::document::Failure;
use labboard_openml::json::Shape;
use labboard_store::StoreError;

use super::answer::{Format, respond};
use super::call::Call;

/// Why a request was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: StatusCode,
    code: u16,
    message: String,
    more: Option<String>,
}

impl Refusal {
    /// What OpenML refuses with status 412.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { status: StatusCode::PRECONDITION_FAILED, code, message: message.into(), more: None }
    }

    /// Says what exactly is wrong, and where.
    #[must_use]
    pub fn because(self, more: impl ToString) -> Self {
        Self { more: Some(more.to_string()), ..self }
    }

    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub fn unknown_path(call: &Call) -> Self {
        let path = call.path.join("/");
        Self::new(100, "Function not valid").because(format!("there is no {} {path}", call.method)).with_status(StatusCode::NOT_FOUND)
    }

    /// What only the server's operator can mend.
    pub fn failed(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request to the API failed");
        // Clients ask again and again on some codes; this is none of them.
        Self::new(105, "Internal error; the server's log says why").with_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn out_of_space(error: StoreError) -> Self {
        tracing::error!(%error, "there is no space left");
        Self::new(105, "The server's disk is full").because("nothing was stored").with_status(StatusCode::INSUFFICIENT_STORAGE)
    }

    /// A failure of the store where what the request named is known to exist.
    pub fn store(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } | StoreError::Conflict { .. } | StoreError::Invalid(_) => {
                Self::new(104, "This cannot be done").because(error)
            }
            full if full.is_out_of_space() => Self::out_of_space(full),
            other => Self::failed(other),
        }
    }

    /// A failure of the store; `missing` is the answer where there is no such thing.
    pub fn or_missing(error: StoreError, missing: Refusal) -> Self {
        match error {
            StoreError::NotFound { .. } => missing,
            other => Self::store(other),
        }
    }

    /// What is wrong, in words alone.
    pub fn reason(&self) -> String {
        match &self.more {
            Some(more) => format!("{}: {more}", self.message),
            None => self.message.clone(),
        }
    }

    pub fn into_response(self, format: Format) -> Response {
        let document = Failure { code: self.code, message: self.message, additional_information: self.more };
        respond(self.status, document.write(), Shape::Plain, format)
    }
}
