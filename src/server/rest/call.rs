//! A request to the API: its path, its form and who asks.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use bytes::Bytes;
use labboard_store::{Person, Store};

use super::answer::Format;
use super::refusal::Refusal;
use crate::controls::{decode, parameters};
use crate::server::gate;
use crate::server::state::{State, digest};
use crate::server::upstream::{Upstream, Wanted};

/// A form without files is small.
const MOST_FORM_BYTES: usize = 1 << 20;
/// More parts than any upload has.
const MOST_PARTS: usize = 64;

/// A part of a form: a field, or a file.
#[derive(Clone, Debug)]
pub struct Part {
    pub name: String,
    pub content: Bytes,
}

/// A request that may be answered: its key, if it has one, is valid.
#[derive(Debug)]
pub struct Call {
    pub state: State,
    pub method: Method,
    /// Without the format and without empty segments.
    pub path: Vec<String>,
    /// The server as this client reaches it, with the path at which labboard is mounted.
    pub base: String,
    parts: Vec<Part>,
    person: Option<Person>,
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty()).skip_while(|segment| matches!(*segment, "api" | "v1"))
}

/// XML, unless the path says JSON.
pub fn format_of(path: &str) -> Format {
    if segments(path).next() == Some("json") { Format::Json } else { Format::Xml }
}

/// The server's address as the client spelled it.
fn base_of(state: &State, headers: &HeaderMap) -> String {
    let config = state.config();
    let origin = match (&config.public_url, headers.get(header::HOST).and_then(|host| host.to_str().ok())) {
        (Some(url), _) => url.clone(),
        (None, Some(host)) => format!("http://{host}"),
        (None, None) => "http://localhost".to_owned(),
    };
    format!("{origin}{}", config.base_path)
}

/// Fetches what a request names and is not here from the upstream, if there is one. What that does not have either is
/// answered as it is without an upstream.
///
/// # Errors
/// The upstream fails.
pub async fn read_through(state: &State, wanted: Wanted, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(upstream) = state.upstream() else { return Ok(()) };
    let via = headers.get(header::VIA).and_then(|via| via.to_str().ok()).unwrap_or_default();
    if !Upstream::may_have(wanted) || upstream.is_in(via) {
        return Ok(());
    }
    match upstream.ensure(wanted, via).await {
        Err(error) if !error.is_missing() => {
            Err(Refusal::new(105, "The upstream failed").because(error).with_status(StatusCode::BAD_GATEWAY))
        }
        _ => Ok(()),
    }
}

impl Call {
    /// Reads the form, checks the key, and has fetched from the upstream what is to be read.
    ///
    /// # Errors
    /// A broken or too large form (100, 413), no key where one is needed (102), a wrong one (103), a read-only account (104).
    pub async fn read(state: State, request: Request) -> Result<Self, Refusal> {
        let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        let (headers, uri) = (request.headers().clone(), request.uri().clone());
        let path = segments(uri.path()).map(decode_segment).collect::<Vec<_>>();
        let path = match path.first().map(String::as_str) {
            Some("xml" | "json") => path[1..].to_vec(),
            _ => path,
        };
        let base = base_of(&state, &headers);
        let parts = if method == Method::POST { form(&state, request).await? } else { Vec::new() };
        let named =
            |name: &str| parts.iter().find(|part| part.name == name).map(|part| String::from_utf8_lossy(&part.content).into_owned());
        let key = parameters(uri.query().unwrap_or_default())
            .find_map(|(name, value)| (name == "api_key" && !value.is_empty()).then_some(value))
            .or_else(|| named("api_key"))
            .filter(|key| !key.is_empty());
        let person = match &key {
            Some(key) => Some(person_of(state.store(), key).await?),
            None => None,
        };
        // Where strangers reach the server, reading takes an invitation or a key.
        let invited = state.config().invite.is_none() || gate::is_invited(&state, &headers);
        if person.is_none() && (method != Method::GET || !invited) {
            return Err(Refusal::new(102, "API key required").because("pass api_key; “labboard user add NAME” makes one"));
        }
        if method != Method::GET && person.as_ref().is_some_and(|person| person.role == "reader") {
            return Err(Refusal::new(104, "This is a read-only account, it does not have permission for write operations"));
        }
        if method == Method::GET
            && let Some(wanted) = Wanted::of_path(&path.iter().map(String::as_str).collect::<Vec<_>>())
        {
            read_through(&state, wanted, &headers).await?;
        }
        Ok(Self { state, method, path, base, parts, person })
    }

    pub fn store(&self) -> &Store {
        self.state.store()
    }

    /// Who asks; requests that write always have one.
    ///
    /// # Errors
    /// 102 without a key.
    pub fn person(&self) -> Result<&Person, Refusal> {
        self.person.as_ref().ok_or_else(|| Refusal::new(102, "API key required"))
    }

    /// # Errors
    /// `refusal` unless the person made the thing or may do everything.
    pub fn must_own(&self, uploader: i64, refusal: Refusal) -> Result<(), Refusal> {
        let person = self.person()?;
        if person.id == uploader || person.role == "admin" { Ok(()) } else { Err(refusal) }
    }

    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Every part but the key.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.name != "api_key")
    }

    /// A part as text, if it is there.
    ///
    /// # Errors
    /// The part is not UTF-8.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(part) = self.part(name) else { return Ok(None) };
        match std::str::from_utf8(&part.content) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(error) => Err(Refusal::new(100, "The form cannot be read")
                .because(format!("the part “{name}” is not UTF-8 from byte {}", error.valid_up_to() + 1))),
        }
    }

    /// # Errors
    /// The part is missing or not UTF-8.
    pub fn text(&self, name: &str) -> Result<String, Refusal> {
        self.optional_text(name)?.ok_or_else(|| Refusal::new(100, "The form is incomplete").because(format!("“{name}” is missing")))
    }
}

/// In a path a plus is a plus.
fn decode_segment(segment: &str) -> String {
    decode(&segment.replace('+', "%2B"))
}

async fn person_of(store: &Store, key: &str) -> Result<Person, Refusal> {
    let found = store.person_with_key(&digest(key.as_bytes())).await.map_err(Refusal::store)?;
    found.ok_or_else(|| Refusal::new(103, "Authentication failed").because("this API key is not known here"))
}

async fn form(state: &State, request: Request) -> Result<Vec<Part>, Refusal> {
    let most = usize::try_from(state.config().max_upload).unwrap_or(usize::MAX);
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("multipart/form-data") {
        let multipart = Multipart::from_request(request, &()).await.map_err(|error| broken(error.body_text()))?;
        return files(multipart, most).await;
    }
    let body = to_bytes(request.into_body(), MOST_FORM_BYTES).await.map_err(|error| too_large(MOST_FORM_BYTES).because(error))?;
    let text = std::str::from_utf8(&body).map_err(|error| broken(error.to_string()))?;
    Ok(parameters(text).map(|(name, value)| Part { name, content: Bytes::from(value) }).collect())
}

async fn files(mut multipart: Multipart, most: usize) -> Result<Vec<Part>, Refusal> {
    let mut parts = Vec::new();
    let mut size = 0_usize;
    while let Some(mut field) = multipart.next_field().await.map_err(|error| broken(error.body_text()))? {
        if parts.len() == MOST_PARTS {
            return Err(broken(format!("it has more than {MOST_PARTS} parts")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let mut content = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| broken(error.body_text()))? {
            size += chunk.len();
            if size > most {
                return Err(too_large(most));
            }
            content.extend_from_slice(&chunk);
        }
        parts.push(Part { name, content: Bytes::from(content) });
    }
    Ok(parts)
}

fn broken(reason: String) -> Refusal {
    Refusal::new(100, "The form cannot be read").because(reason)
}

fn too_large(most: usize) -> Refusal {
    Refusal::new(100, "The upload is too large").because(format!("at most {} MB are taken; see max-upload-mb", most >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_forgiving() {
        assert_eq!(segments("/api/v1/xml//setup/1/").collect::<Vec<_>>(), ["xml", "setup", "1"]);
        assert_eq!(format_of("/api/v1/json/data/list"), Format::Json);
        assert_eq!(format_of("/api/v1/data/list"), Format::Xml);
        assert_eq!(decode_segment("a%20b+c%3d"), "a b+c=");
    }
}
