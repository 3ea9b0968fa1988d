//! HTTP to the upstream: documents and files of OpenML's protocol, with errors that say what came and what did not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use labboard_openml::document::{DocumentError, Failure};
use reqwest::header::{ACCEPT_ENCODING, VIA};
use reqwest::{Response, StatusCode, Url};
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::sync::Semaphore;

use super::Progress;
use super::address::Address;
use super::error::FetchError;
use super::written::size;

const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come before a connection is given up.
const IDLE: Duration = Duration::from_secs(30);
/// Before a request that got no answer is made once more.
const PAUSE: Duration = Duration::from_millis(500);
/// Requests at once for those who wait, and for what is fetched in the background.
const REQUESTS: usize = 4;
/// A list of 10,000 rows has 5 MB, a pipeline of pipelines 1 MB.
const LARGEST_DOCUMENT: u64 = 64 << 20;
const REDIRECTS: usize = 5;

/// OpenML's codes for "there is no such thing", by whatever was asked.
const UNKNOWN: [u16; 12] = [110, 111, 151, 180, 181, 220, 236, 271, 361, 571, 600, 601];
/// For "the list is empty".
const NO_RESULTS: [u16; 7] = [372, 482, 500, 512, 542, 599, 674];

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    shared: Arc<Shared>,
    permits: Arc<Semaphore>,
    /// On whose behalf it asks, this server last: `Via`.
    via: Arc<str>,
}

#[derive(Debug)]
struct Shared {
    address: Address,
    key: Option<String>,
    largest_file: u64,
    background: Arc<Semaphore>,
}

impl Client {
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(address: Address, key: Option<String>, largest_file: u64) -> Result<Self, reqwest::Error> {
        let own = address.clone();
        let redirects = reqwest::redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() >= REDIRECTS {
                attempt.error("too many redirects")
            } else if own.owns(attempt.url()) {
                attempt.follow()
            } else {
                attempt.error("it redirects to another server")
            }
        });
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("labboard/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(IDLE)
            .redirect(redirects);
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        let shared = Shared { address, key, largest_file, background: Arc::new(Semaphore::new(REQUESTS)) };
        Ok(Self { http: builder.build()?, shared: Arc::new(shared), permits: Arc::new(Semaphore::new(REQUESTS)), via: Arc::from("") })
    }

    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    pub fn server(&self) -> String {
        self.shared.address.to_string()
    }

    /// The same for what nobody waits for: it does not stand in the way of those who do.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { permits: self.shared.background.clone(), ..self.clone() }
    }

    /// The same with another `Via`.
    #[must_use]
    pub fn on_behalf_of(&self, via: &str) -> Self {
        Self { via: Arc::from(via), ..self.clone() }
    }

    /// A document of the API, as text. `what` is for errors.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn document(&self, path: &str, what: &str) -> Result<String, FetchError> {
        let _permit = self.permits.acquire().await;
        let response = self.send(self.address().document(path), what, false).await?;
        let status = response.status();
        let mut body = Vec::new();
        let mut incoming = Incoming { client: self, total: response.content_length(), response, what, most: LARGEST_DOCUMENT, received: 0 };
        while let Some(chunk) = incoming.next().await? {
            body.extend_from_slice(&chunk);
        }
        match String::from_utf8(body) {
            Ok(text) if status == StatusCode::OK => Ok(text),
            Ok(text) => Err(self.refused(status, &text, what)),
            Err(_) if status == StatusCode::OK => Err(self.unreadable(what, "it is not UTF-8")),
            Err(_) => Err(self.refused(status, "", what)),
        }
    }

    /// A list: `None` if it is empty.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn list<T>(
        &self,
        path: &str,
        what: &str,
        read: impl FnOnce(&str) -> Result<T, DocumentError>,
    ) -> Result<Option<T>, FetchError> {
        match self.document(path, what).await {
            Ok(text) => self.read(what, read(&text)).map(Some),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Streams a file to `place`, as it is. `what` is for errors and for whoever waits.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn download(&self, url: Url, what: &str, place: &Path, tell: &(dyn Fn(Progress) + Send + Sync)) -> Result<(), FetchError> {
        let _permit = self.permits.acquire().await;
        let response = self.send(url, what, true).await?;
        if response.status() != StatusCode::OK {
            let status = response.status();
            let text = response.text().await.unwrap_or_default();
            return Err(self.refused(status, &text, what));
        }
        let disk = |error: std::io::Error| self.unreadable(what, &format!("it cannot be written here: {error}"));
        let total = response.content_length();
        let mut file = BufWriter::with_capacity(1 << 18, tokio::fs::File::create(place).await.map_err(disk)?);
        let mut incoming = Incoming { client: self, total, response, what, most: self.shared.largest_file, received: 0 };
        while let Some(chunk) = incoming.next().await? {
            tell(Progress { what: what.to_owned(), done: incoming.received, total });
            file.write_all(&chunk).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)
    }

    /// Asks, once more if there was no answer.
    async fn send(&self, mut url: Url, what: &str, is_file: bool) -> Result<Response, FetchError> {
        if let Some(key) = self.shared.key.as_ref().filter(|_| self.address().is_origin_of(&url)) {
            url.query_pairs_mut().append_pair("api_key", key);
        }
        let ask = || {
            let mut request = self.http.get(url.clone());
            if !self.via.is_empty() {
                request = request.header(VIA, &*self.via);
            }
            // As it is, a file has a length, and whoever waits sees how much is left.
            if is_file {
                request = request.header(ACCEPT_ENCODING, "identity");
            }
            request.send()
        };
        let is_passing = |answer: &Result<Response, reqwest::Error>| match answer {
            Ok(response) => matches!(
                response.status(),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            ),
            Err(error) => !error.is_timeout() && !error.is_redirect() && !error.is_builder(),
        };
        let mut answer = ask().await;
        if is_passing(&answer) {
            tokio::time::sleep(PAUSE).await;
            answer = ask().await;
        }
        answer.map_err(|error| {
            if error.is_timeout() && !error.is_connect() {
                self.stalled(what, 0, None)
            } else {
                FetchError::Unreachable { server: self.server(), reason: root(error) }
            }
        })
    }

    fn stalled(&self, what: &str, received: u64, total: Option<u64>) -> FetchError {
        let (server, what) = (self.server(), what.to_owned());
        FetchError::Stalled { server, what, received: amount(received, total), seconds: IDLE.as_secs() }
    }

    /// What an answer that is no success says.
    fn refused(&self, status: StatusCode, body: &str, what: &str) -> FetchError {
        let (server, what) = (self.server(), what.to_owned());
        match Failure::read(body) {
            Ok(failure) if UNKNOWN.contains(&failure.code) || NO_RESULTS.contains(&failure.code) => FetchError::Missing { server, what },
            Ok(Failure { code, message, additional_information }) => {
                let more = additional_information.map(|more| format!(": {more}")).unwrap_or_default();
                FetchError::Refused { server, what, reason: format!("{message}{more} (code {code})") }
            }
            Err(_) => FetchError::NotOpenMl { server, what, status: status.as_u16() },
        }
    }

    pub fn unreadable(&self, what: &str, reason: &str) -> FetchError {
        FetchError::Unreadable { server: self.server(), what: what.to_owned(), reason: reason.to_owned() }
    }

    /// # Errors
    /// The document was broken.
    pub fn read<T>(&self, what: &str, document: Result<T, DocumentError>) -> Result<T, FetchError> {
        document.map_err(|error| self.unreadable(what, &error.to_string()))
    }
}

/// An answer as it comes.
struct Incoming<'a> {
    client: &'a Client,
    response: Response,
    what: &'a str,
    total: Option<u64>,
    /// Bytes that are taken.
    most: u64,
    received: u64,
}

impl Incoming<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        let chunk = match self.response.chunk().await {
            Ok(chunk) => chunk,
            Err(error) if error.is_timeout() => return Err(self.client.stalled(self.what, self.received, self.total)),
            Err(_) => {
                let received = amount(self.received, self.total);
                return Err(FetchError::BrokenOff { server: self.client.server(), what: self.what.to_owned(), received });
            }
        };
        self.received += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if self.received.max(self.total.unwrap_or(0)) > self.most {
            return Err(FetchError::TooLarge { what: self.what.to_owned(), most: self.most >> 20 });
        }
        Ok(chunk)
    }
}

/// `1.2 MB`, or `1.2 MB of the 5.0 MB`.
fn amount(received: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{} of the {}", size(received), size(total)),
        None => size(received),
    }
}

/// The cause at the bottom: the others only say that something failed.
fn root(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
