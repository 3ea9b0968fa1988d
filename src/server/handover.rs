//! Jobs that a command hands to the server that has its data directory open.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Json;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use labboard_store::{Options, Store, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::figures::error_response;
use super::secret;
use super::state::{State, digest};
use crate::error::AppError;

/// The secret that a command shows to the server of its data directory: whoever can read the directory may hand jobs over.
const KEY_FILE: &str = "handover-key";
const KEY_HEADER: &str = "x-labboard-handover";

/// Writes the handover key of a data directory.
///
/// # Errors
/// The file cannot be written.
pub fn write_key(dir: &Path) -> std::io::Result<String> {
    let key = secret::fresh();
    secret::write(&dir.join(KEY_FILE), &key)?;
    Ok(key)
}

/// A request of a command that can read the data directory; all others are refused.
#[derive(Debug)]
pub struct Authorised;

impl FromRequestParts<State> for Authorised {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let offered = parts.headers.get(KEY_HEADER).map(|key| digest(key.as_bytes()));
        if offered.is_some() && offered.as_deref() == state.handover() {
            return Ok(Self);
        }
        Err(error_response(&AppError::Forbidden("this is for commands on the server's machine".to_owned())))
    }
}

/// What came of a job, for the command that handed it over.
pub fn answer<T: Serialize>(outcome: Result<T, AppError>) -> Response {
    match outcome {
        Ok(done) => Json(done).into_response(),
        Err(error) => error_response(&error),
    }
}

/// Does a job on the store of a data directory: by itself, or through the server that has it open.
///
/// # Errors
/// The directory cannot be used, or why the job failed, here or there.
pub async fn on_store<J: Serialize, T: DeserializeOwned>(
    dir: &Path,
    name: &str,
    job: &J,
    act: impl AsyncFnOnce(&Store, &J) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    match Store::open(dir, Options::default()).await {
        Ok(store) => {
            let done = act(&store, job).await;
            store.close().await;
            done
        }
        Err(StoreError::Locked { owner: Some(owner), .. }) => submit(dir, &owner, name, job).await,
        Err(error) => Err(error.into()),
    }
}

/// Hears, line by line, how far a job is.
#[derive(Clone)]
pub struct Teller(Arc<dyn Fn(String) + Send + Sync>);

impl Teller {
    pub fn new(hear: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    pub fn tell(&self, line: String) {
        (self.0)(line);
    }
}

/// What the server answers to a job that takes its time: JSON, one value per line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<T> {
    Progress(String),
    Done(T),
    Failed(String),
}

/// As [`on_store`], for a job that tells how far it is.
///
/// # Errors
/// The directory cannot be used, or why the job failed, here or there.
pub async fn on_store_telling<J: Serialize, T: DeserializeOwned>(
    dir: &Path,
    name: &str,
    job: &J,
    tell: &Teller,
    act: impl AsyncFnOnce(&Store, &J, &Teller) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    match Store::open(dir, Options::default()).await {
        Ok(store) => {
            let done = act(&store, job, tell).await;
            store.close().await;
            done
        }
        Err(StoreError::Locked { owner: Some(owner), .. }) => listen(post(dir, &owner, name, job).await?, tell).await,
        Err(error) => Err(error.into()),
    }
}

/// Reads the lines of a job that another process does.
async fn listen<T: DeserializeOwned>(mut answer: reqwest::Response, tell: &Teller) -> anyhow::Result<T> {
    let gone = "the running server went away";
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.context(gone)? {
        text.extend_from_slice(&chunk);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line = text.drain(..=end).collect::<Vec<_>>();
            match serde_json::from_slice(&line)? {
                Line::Progress(line) => tell.tell(line),
                Line::Done(done) => return Ok(done),
                Line::Failed(reason) => bail!(reason),
            }
        }
    }
    bail!(gone)
}

/// Does a job for a command that listens; when it stops listening, the job ends.
pub fn telling<T: Serialize + Send + Sync + 'static, F: Future<Output = anyhow::Result<T>> + Send + 'static>(
    job: impl FnOnce(Teller) -> F,
) -> Response {
    let (sender, receiver) = mpsc::channel::<String>(64);
    let line = |line: &Line<T>| serde_json::to_string(line).map(|text| text + "\n").unwrap_or_default();
    let progress = sender.clone();
    // Whoever reads too slowly misses lines, not the end.
    let work = job(Teller::new(move |text| drop(progress.try_send(line(&Line::Progress(text))))));
    tokio::spawn(async move {
        tokio::select! {
            outcome = work => {
                let last = outcome.map_or_else(|error| Line::Failed(format!("{error:#}")), Line::Done);
                let _ = sender.send(line(&last)).await;
            }
            () = sender.closed() => {}
        }
    });
    let lines = futures::stream::unfold(receiver, |mut receiver| async move {
        let line = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), receiver))
    });
    let lines = lines.fuse();
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// Posts a job to the server at `owner`, such as `http://127.0.0.1:3000/dashboard`, and waits for its answer.
///
/// # Errors
/// The server cannot be reached, or its reason for refusing.
async fn submit<T: DeserializeOwned>(dir: &Path, owner: &str, name: &str, job: &impl Serialize) -> anyhow::Result<T> {
    Ok(post(dir, owner, name, job).await?.json().await?)
}

async fn post(dir: &Path, owner: &str, name: &str, job: &impl Serialize) -> anyhow::Result<reqwest::Response> {
    let key = std::fs::read_to_string(dir.join(KEY_FILE)).context("the running server left no key in the data directory")?;
    // A server that listens everywhere is reached here.
    let reach = owner.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{reach}/_jobs/{name}")).header(KEY_HEADER, key.trim()).json(job);
    let answer = request.send().await.with_context(|| format!("cannot reach the running server at {owner}"))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let refusal = answer.json::<serde_json::Value>().await.ok();
    let reason = refusal.as_ref().and_then(|refusal| refusal.get("error")?.as_str());
    bail!(reason.map_or_else(|| format!("the running server refused: {status}"), str::to_owned))
}
