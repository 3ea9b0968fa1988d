//! Jobs that a command hands to the server that has its data directory open.

use std::path::Path;

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use labboard_store::{Options, Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// Posts a job to the server at `owner`, such as `http://127.0.0.1:3000/dashboard`, and waits for its answer.
///
/// # Errors
/// The server cannot be reached, or its reason for refusing.
async fn submit<T: DeserializeOwned>(dir: &Path, owner: &str, name: &str, job: &impl Serialize) -> anyhow::Result<T> {
    let key = std::fs::read_to_string(dir.join(KEY_FILE)).context("the running server left no key in the data directory")?;
    // A server that listens everywhere is reached here.
    let reach = owner.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{reach}/_jobs/{name}")).header(KEY_HEADER, key.trim()).json(job);
    let answer = request.send().await.with_context(|| format!("cannot reach the running server at {owner}"))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.json().await?);
    }
    let refusal = answer.json::<serde_json::Value>().await.ok();
    let reason = refusal.as_ref().and_then(|refusal| refusal.get("error")?.as_str());
    bail!(reason.map_or_else(|| format!("the running server refused: {status}"), str::to_owned))
}
