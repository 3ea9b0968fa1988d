//! `labboard import`: by itself, or through the server that has the data directory open.

use std::path::PathBuf;

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::State as Extract;
use axum::response::Response;
use labboard_store::Store;
use serde::{Deserialize, Serialize};

use super::cli::ImportArgs;
use super::handover::{self, Authorised};
use super::ingest::{IngestError, Target, Wishes, counted, import_paths};
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
    let job = Job { paths, name: args.name, target: args.target };
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let Done { imported } = handover::on_store(&dir, "import", &job, async |store, job| Ok(job.run(store).await?)).await?;
    println!("Imported {}", counted(&imported));
    for entity in imported.iter().take(20) {
        println!("  {}", entity.path());
    }
    Ok(())
}

impl Job {
    async fn run(&self, store: &Store) -> Result<Done, IngestError> {
        let target = self.target.clone().map_or(Target::Guessed, Target::Feature);
        let wishes = Wishes { name: self.name.clone(), target, ..Wishes::default() };
        Ok(Done { imported: import_paths(store, &self.paths, &wishes).await? })
    }
}

/// Takes a job from a command on the same machine.
pub async fn accept(_: Authorised, Extract(state): Extract<State>, Json(job): Json<Job>) -> Response {
    handover::answer(job.run(state.store()).await.map_err(|error| match error {
        IngestError::Store(failed) => app_error(failed),
        broken => AppError::BadRequest(broken.to_string()),
    }))
}
