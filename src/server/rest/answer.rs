//! Documents on their way to the client.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use labboard_openml::document::{DocumentError, reply};
use labboard_openml::json::{self, Shape};

/// Rows of a list that are written at once.
const PART: usize = 500;
/// Parts that are written while the one before them is sent.
const AHEAD: usize = 2;

/// How the client wants the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Xml,
    Json,
}

/// A document and the form of its JSON.
pub struct Answer {
    content: Content,
    shape: Shape,
}

enum Content {
    Whole(String),
    Parts(Parts),
}

/// Documents that have the rows of a list between them, each made when it is called.
type Parts = Vec<Box<dyn FnOnce() -> String + Send>>;

impl Answer {
    pub fn plain(xml: String) -> Self {
        Self { content: Content::Whole(xml), shape: Shape::Plain }
    }

    /// A list whose JSON has numbers. A long one is written part by part while it is sent: `write` makes the document of
    /// some of its rows, in which everything but the first and the last line is about a row.
    pub fn list<R: Send + 'static>(rows: Vec<R>, write: impl Fn(Vec<R>) -> String + Clone + Send + 'static) -> Self {
        if rows.len() <= PART {
            return Self { content: Content::Whole(write(rows)), shape: Shape::Typed };
        }
        let mut parts = Parts::with_capacity(rows.len().div_ceil(PART));
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let (part, write) = (rows.by_ref().take(PART).collect::<Vec<_>>(), write.clone());
            parts.push(Box::new(move || write(part)));
        }
        Self { content: Content::Parts(parts), shape: Shape::Typed }
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
        match self.content {
            Content::Whole(xml) => respond(StatusCode::OK, xml, self.shape, format),
            Content::Parts(parts) => ([(header::CONTENT_TYPE, format.media_type())], streamed(parts, self.shape, format)).into_response(),
        }
    }
}

impl Format {
    const fn media_type(self) -> &'static str {
        match self {
            Format::Xml => "text/xml; charset=utf-8",
            Format::Json => "application/json; charset=utf-8",
        }
    }
}

pub fn respond(status: StatusCode, xml: String, shape: Shape, format: Format) -> Response {
    if format == Format::Json {
        match json::from_xml(&xml, shape) {
            Ok(text) => return (status, [(header::CONTENT_TYPE, format.media_type())], text).into_response(),
            Err(error) => tracing::error!(%error, "an answer has no JSON form"),
        }
    }
    (status, [(header::CONTENT_TYPE, Format::Xml.media_type())], xml).into_response()
}

/// The parts as one document. A part that cannot be written ends the answer in its middle, which the client sees.
fn streamed(parts: Parts, shape: Shape, format: Format) -> Body {
    let last = parts.len() - 1;
    let write = move |(at, make): (usize, Box<dyn FnOnce() -> String + Send>)| async move {
        let write = move || written(make(), shape, format).map(|text| cut(&text, format, at == 0, at == last));
        tokio::task::spawn_blocking(write).await.map_err(std::io::Error::other)?.map_err(std::io::Error::other)
    };
    Body::from_stream(stream::iter(parts.into_iter().enumerate()).map(write).buffered(AHEAD))
}

fn written(xml: String, shape: Shape, format: Format) -> Result<String, DocumentError> {
    match format {
        Format::Xml => Ok(xml),
        Format::Json => json::from_xml(&xml, shape),
    }
}

/// What a document of some rows is within that of all: its rows, with what opens the list before the first and what
/// closes it after the last.
fn cut(document: &str, format: Format, is_first: bool, is_last: bool) -> String {
    let (opened, closes) = match format {
        Format::Xml => (document.find('\n'), document.trim_end().rfind('\n').map(|at| at + 1)),
        Format::Json => (document.find('['), document.rfind(']')),
    };
    let start = opened.filter(|_| !is_first).map_or(0, |at| at + 1);
    let end = closes.filter(|_| !is_last).unwrap_or(document.len());
    let separator = if format == Format::Json && !is_first { "," } else { "" };
    format!("{separator}{}", document.get(start..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use labboard_openml::document::{RunList, RunRow};
    use proptest::prelude::*;

    use super::*;

    fn list(rows: Vec<RunRow>) -> String {
        RunList { runs: rows }.write()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_list_is_the_same_in_parts_as_whole(count in 1..(3 * PART), json in any::<bool>()) {
            let format = if json { Format::Json } else { Format::Xml };
            let row = |id: usize| RunRow { run_id: u32::try_from(id).unwrap_or(0), error_message: "[a]\n</b>".to_owned(), ..RunRow::default() };
            let rows = (0..count).map(row).collect::<Vec<_>>();
            let whole = written(list(rows.clone()), Shape::Typed, format).expect("a document");
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let text = runtime.block_on(async {
                let response = Answer::list(rows, list).into_response(format);
                assert_eq!(response.headers()[header::CONTENT_TYPE], format.media_type());
                to_bytes(response.into_body(), usize::MAX).await.expect("a body")
            });
            prop_assert_eq!(std::str::from_utf8(&text).expect("UTF-8"), whole);
        }
    }
}
