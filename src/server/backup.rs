//! `labboard backup` and `labboard restore`: a data directory as one archive, also while a server runs on it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::State as Extract;
use axum::response::Response;
use labboard_store::Store;
use serde::{Deserialize, Serialize};

use super::cli::{BackupArgs, RestoreArgs};
use super::handover::{self, Authorised};
use super::state::State;
use crate::error::AppError;

/// A backup that another process makes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// Absolute.
    file: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Done {
    bytes: u64,
}

/// # Errors
/// One line: the data directory or the file cannot be used. A file of that name is left as it was.
pub async fn backup(args: BackupArgs) -> anyhow::Result<()> {
    let dir = args.data.dir()?;
    if !dir.is_dir() {
        bail!("there is no data directory {}", dir.display());
    }
    let file = std::path::absolute(&args.file).with_context(|| args.file.display().to_string())?;
    let job = Job { file };
    let Done { bytes } = handover::on_store(&dir, "backup", &job, async |store, job| write(store, &job.file).await).await?;
    println!("Wrote {} ({:.1} MB)", job.file.display(), bytes as f64 / 1e6);
    Ok(())
}

/// # Errors
/// One line: the directory is not empty, or the file is no whole backup. The directory is left as it was.
pub async fn restore(args: RestoreArgs) -> anyhow::Result<()> {
    let dir = args.data.dir()?;
    let input = File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    labboard_store::restore(&dir, input).await.with_context(|| args.file.display().to_string())?;
    println!("Restored {} into {}", args.file.display(), dir.display());
    Ok(())
}

/// Writes beside the file first, so that it is whole or not there.
async fn write(store: &Store, file: &Path) -> anyhow::Result<Done> {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let out = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let kept = out.try_clone()?;
    let done = async {
        store.backup(out).await?;
        kept.sync_all()?;
        fs::rename(&part, file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Done { bytes: kept.metadata()?.len() })
    };
    let done = done.await;
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

/// Takes a job from a command on the same machine.
pub async fn accept(_: Authorised, Extract(state): Extract<State>, Json(job): Json<Job>) -> Response {
    handover::answer(write(state.store(), &job.file).await.map_err(|error| AppError::BadRequest(format!("{error:#}"))))
}
