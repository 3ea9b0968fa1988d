//! `labboard import`: by itself, or through the server that has the data directory open.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use labboard_store::{Options, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::cli::ImportArgs;
use super::ingest::{IngestError, Wishes, counted, import_paths};
use super::secret;
use super::source::app_error;
use super::state::{State, digest};
use crate::error::AppError;
use crate::model::Entity;

/// The secret that a command hands to the server of its data directory: whoever can read the directory may import.
const KEY_FILE: &str = "handover-key";
const KEY_HEADER: &str = "x-labboard-handover";

/// An import that another process does.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    paths: Vec<PathBuf>,
    name: Option<String>,
    target: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Done {
    imported: Vec<Entity>,
}

/// # Errors
/// One line: which file, where in it, and why. Nothing of that file has been stored.
pub async fn run(args: ImportArgs) -> anyhow::Result<()> {
    let dir = args.data.dir()?;
    if args.paths.len() > 1 && args.name.is_some() {
        bail!("--name is for one file, and here are {}", args.paths.len());
    }
    let paths =
        args.paths.iter().map(|path| path.canonicalize().with_context(|| path.display().to_string())).collect::<Result<Vec<_>, _>>()?;
    let wishes = Wishes { name: args.name, target: args.target };
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let imported = match Store::open(&dir, Options::default()).await {
        Ok(store) => {
            let outcome = import_paths(&store, &paths, &wishes).await;
            store.close().await;
            outcome?
        }
        Err(StoreError::Locked { owner: Some(owner), .. }) => {
            hand_over(&dir, &owner, &Job { paths, name: wishes.name, target: wishes.target }).await?
        }
        Err(error) => return Err(error.into()),
    };
    println!("Imported {}", counted(&imported));
    for entity in imported.iter().take(20) {
        println!("  {}", entity.path());
    }
    Ok(())
}

/// Writes the handover key of a data directory.
///
/// # Errors
/// The file cannot be written.
pub fn write_key(dir: &Path) -> std::io::Result<String> {
    let key = secret::fresh();
    secret::write(&dir.join(KEY_FILE), &key)?;
    Ok(key)
}

/// Gives the job to the server at `owner`, such as `http://127.0.0.1:3000/dashboard`, and waits for it.
async fn hand_over(dir: &Path, owner: &str, job: &Job) -> anyhow::Result<Vec<Entity>> {
    let key = std::fs::read_to_string(dir.join(KEY_FILE)).context("the running server left no key in the data directory")?;
    let rest = owner.strip_prefix("http://").with_context(|| format!("the running server's address “{owner}” is unknown"))?;
    let (host, base) = rest.split_once('/').map_or((rest, String::new()), |(host, base)| (host, format!("/{base}")));
    // A server that listens everywhere is reached here.
    let reach = host.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
    let mut stream = TcpStream::connect(&reach).await.with_context(|| format!("cannot reach the running server at {host}"))?;
    let body = serde_json::to_vec(job)?;
    let head = format!(
        "POST {base}/api/import HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {KEY_HEADER}: {}\r\nContent-Length: {}\r\n\r\n",
        key.trim(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the running server gave no answer")?;
    if head.split_whitespace().nth(1) == Some("200") {
        return Ok(serde_json::from_str::<Done>(body)?.imported);
    }
    let reason = serde_json::from_str::<serde_json::Value>(body).ok().and_then(|value| value.get("error")?.as_str().map(str::to_owned));
    bail!(reason.unwrap_or_else(|| format!("the running server refused: {}", head.lines().next().unwrap_or_default())))
}

/// Takes a job from a command on the same machine.
pub async fn accept(Extract(state): Extract<State>, headers: HeaderMap, Json(job): Json<Job>) -> Response {
    let offered = headers.get(KEY_HEADER).map(|key| digest(key.as_bytes()));
    if offered.is_none() || offered.as_deref() != state.handover() {
        return error(StatusCode::FORBIDDEN, "imports are for commands on the server's machine");
    }
    let wishes = Wishes { name: job.name, target: job.target };
    match import_paths(state.store(), &job.paths, &wishes).await {
        Ok(imported) => Json(Done { imported }).into_response(),
        Err(IngestError::Store(failed)) => match app_error(failed) {
            AppError::BadRequest(reason) => error(StatusCode::BAD_REQUEST, &reason),
            other => error(StatusCode::INTERNAL_SERVER_ERROR, &other.to_string()),
        },
        Err(broken) => error(StatusCode::BAD_REQUEST, &broken.to_string()),
    }
}

fn error(status: StatusCode, reason: &str) -> Response {
    (status, Json(serde_json::json!({ "error": reason }))).into_response()
}
