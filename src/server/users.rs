//! Who may publish: people and their API keys. Only hashes of keys are in the catalogue.

use std::path::Path;

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::State as Extract;
use axum::response::Response;
use labboard_store::{NewPerson, Store};
use serde::{Deserialize, Serialize};

use super::cli::{UserArgs, UserCommand};
use super::handover::{self, Authorised};
use super::ingest::{OWNER, person};
use super::secret;
use super::state::{State, digest};
use crate::error::AppError;

/// Where the owner's key is, for whoever can read the data directory.
const OWNER_KEY_FILE: &str = "owner-key";

/// A person to add, or whose key to replace.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    name: String,
    role: String,
    /// Replace the key of a person that there is.
    again: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Done {
    key: String,
}

/// # Errors
/// One line: the name is taken or unknown, or the data directory cannot be used.
pub async fn run(args: UserArgs) -> anyhow::Result<()> {
    let (data, job) = match args.command {
        UserCommand::Add { data, name, role } => (data, Job { name, role: role.word().to_owned(), again: false }),
        UserCommand::Key { data, name } => (data, Job { name, role: String::new(), again: true }),
    };
    let dir = data.dir()?;
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let Done { key } = handover::on_store(&dir, "users", &job, change).await?;
    println!("The API key of {} is {key}", job.name);
    Ok(())
}

async fn change(store: &Store, job: &Job) -> anyhow::Result<Done> {
    let key = secret::fresh();
    let key_hash = digest(key.as_bytes());
    let known = store.person_named(&job.name).await?;
    match known {
        Some(person) if job.again => store.set_person_key(person.id, Some(&key_hash)).await?,
        Some(_) => bail!("there is a user {} already; “labboard user key {}” makes a new key", job.name, job.name),
        None if job.again => bail!("there is no user {}", job.name),
        None => {
            let name = job.name.trim();
            if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
                bail!("a user's name has 1 to 64 characters");
            }
            let new = NewPerson { id: None, name: name.to_owned(), role: job.role.clone(), key_hash: Some(key_hash) };
            store.add_person(new).await?;
        }
    }
    Ok(Done { key })
}

/// Takes a job from a command on the same machine.
pub async fn accept(_: Authorised, Extract(state): Extract<State>, Json(job): Json<Job>) -> Response {
    handover::answer(change(state.store(), &job).await.map_err(|error| AppError::BadRequest(error.to_string())))
}

/// The owner's key, if it is known on this machine.
pub fn owner_key(dir: &Path) -> Option<String> {
    std::fs::read_to_string(dir.join(OWNER_KEY_FILE)).ok().map(|key| key.trim().to_owned())
}

/// Gives the owner a key at the first start, and says which one it is.
///
/// # Errors
/// The key cannot be stored.
pub async fn ensure_owner(store: &Store, dir: &Path) -> anyhow::Result<Option<String>> {
    if let Some(known) = owner_key(dir)
        && store.person_with_key(&digest(known.as_bytes())).await?.is_some()
    {
        return Ok(None);
    }
    let path = dir.join(OWNER_KEY_FILE);
    let owner = person(store, OWNER).await?;
    let key = secret::fresh();
    secret::write(&path, &key).with_context(|| format!("cannot write {}", path.display()))?;
    store.set_person_key(owner, Some(&digest(key.as_bytes()))).await?;
    Ok(Some(key))
}
