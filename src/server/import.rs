//! `labboard import`: by itself, or through the server that has the data directory open.

use std::path::PathBuf;

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use labboard_store::{Options, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::cli::ImportArgs;
use super::handover;
use super::ingest::{IngestError, Wishes, counted, import_paths};
use super::source::app_error;
use super::state::State;
use crate::error::AppError;
use crate::model::Entity;

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
            let job = Job { paths, name: wishes.name, target: wishes.target };
            handover::submit::<Done>(&dir, &owner, "/api/import", &job).await?.imported
        }
        Err(error) => return Err(error.into()),
    };
    println!("Imported {}", counted(&imported));
    for entity in imported.iter().take(20) {
        println!("  {}", entity.path());
    }
    Ok(())
}

/// Takes a job from a command on the same machine.
pub async fn accept(Extract(state): Extract<State>, headers: HeaderMap, Json(job): Json<Job>) -> Response {
    if !handover::is_authorised(&state, &headers) {
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
