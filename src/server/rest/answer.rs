//! Documents on their way to the client.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use labboard_openml::document::reply;
use labboard_openml::json::{self, Shape};

/// How the client wants the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Xml,
    Json,
}

/// A document and the form of its JSON.
#[derive(Debug)]
pub struct Answer {
    xml: String,
    shape: Shape,
}

impl Answer {
    pub fn plain(xml: String) -> Self {
        Self { xml, shape: Shape::Plain }
    }

    /// For the lists whose JSON has numbers.
    pub fn typed(xml: String) -> Self {
        Self { xml, shape: Shape::Typed }
    }

    /// A document of a few fields.
    pub fn fields(root: &str, fields: &[(&str, &str)]) -> Self {
        Self::plain(reply(root, fields))
    }

    /// The usual answer to an upload: the id of what was made.
    pub fn id(root: &str, id: i64) -> Self {
        Self::fields(root, &[("id", &id.to_string())])
    }

    /// Whether there is such a thing, and its id if there is.
    pub fn exists(root: &str, found: Option<i64>) -> Self {
        let exists = if found.is_some() { "true" } else { "false" };
        Self::fields(root, &[("exists", exists), ("id", &found.unwrap_or(-1).to_string())])
    }

    pub fn into_response(self, format: Format) -> Response {
        respond(StatusCode::OK, self.xml, self.shape, format)
    }
}

pub fn respond(status: StatusCode, xml: String, shape: Shape, format: Format) -> Response {
    if format == Format::Json {
        match json::from_xml(&xml, shape) {
            Ok(text) => return (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response(),
            Err(error) => tracing::error!(%error, "an answer has no JSON form"),
        }
    }
    (status, [(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response()
}
