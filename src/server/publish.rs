//! `labboard publish`: predictions become a run, in the data directory on this machine or on a server elsewhere.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::Json;
use axum::extract::State as Extract;
use axum::response::Response;
use labboard_store::Store;
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};

use super::cli::PublishArgs;
use super::handover::{self, Authorised};
use super::ingest::{OWNER, person};
use super::rest::{KnownSplits, Published, Wanted, add_predictions};
use super::state::State;
use crate::error::AppError;

/// Predictions in a file on this machine.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    predictions: PathBuf,
    wanted: Wanted,
}

impl Job {
    async fn run(&self, store: &Store, known: &KnownSplits) -> Result<Published, String> {
        let file = self.predictions.display();
        let content = tokio::fs::read(&self.predictions).await.map_err(|error| format!("{file}: {error}"))?;
        let owner = person(store, OWNER).await.map_err(|error| error.to_string())?;
        let added = add_predictions(store, known, owner, self.wanted.clone(), content.into()).await;
        added.map_err(|refusal| format!("{file}: {}", refusal.reason()))
    }
}

/// # Errors
/// One line that says what is wrong with the predictions, with the row.
pub async fn run(args: PublishArgs) -> anyhow::Result<()> {
    let wanted = Wanted {
        task: args.task,
        data: args.data,
        target: args.target,
        flow: args.flow,
        flow_version: args.flow_version,
        parameters: args.parameters,
    };
    let file = args.predictions.canonicalize().with_context(|| args.predictions.display().to_string())?;
    if let (Some(server), Some(key)) = (args.server, args.api_key) {
        println!("Published {}", upload(&server, key, &file, wanted).await?);
        return Ok(());
    }
    let job = Job { predictions: file, wanted };
    let act = async |store: &Store, job: &Job| job.run(store, &KnownSplits::default()).await.map_err(anyhow::Error::msg);
    let Published { run, task, flow, score, .. } = handover::on_store(&args.directory.dir()?, "publish", &job, act).await?;
    println!("Published /run/{run} (task {task}, flow {flow})");
    if let Some((measure, value)) = score {
        println!("  {measure} {value:.4}");
    }
    Ok(())
}

/// Publishes to a server over its API; returns the run's address.
async fn upload(server: &str, key: String, file: &Path, wanted: Wanted) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Answer {
        upload_predictions: Option<Uploaded>,
        error: Option<Refused>,
    }
    #[derive(Deserialize)]
    struct Uploaded {
        url: String,
    }
    #[derive(Deserialize)]
    struct Refused {
        message: String,
        additional_information: Option<String>,
    }
    let content = tokio::fs::read(file).await.with_context(|| file.display().to_string())?;
    let mut form = Form::new().text("api_key", key).text("flow", wanted.flow);
    let ids = [("task", wanted.task), ("data", wanted.data)].map(|(name, id)| (name, id.map(|id| id.to_string())));
    let texts = ids.into_iter().chain([("target", wanted.target), ("flow_version", wanted.flow_version)]);
    for (name, value) in texts.filter_map(|(name, value)| Some((name, value?))) {
        form = form.text(name, value);
    }
    for (name, value) in wanted.parameters {
        form = form.text("param", format!("{name}={value}"));
    }
    form = form.part("predictions", Part::bytes(content).file_name("predictions.csv"));
    let address = format!("{}/api/v1/json/predictions", server.trim_end_matches('/'));
    let answer = reqwest::Client::new().post(&address).multipart(form).send().await.with_context(|| format!("cannot reach {server}"))?;
    let status = answer.status();
    let answer = answer.json::<Answer>().await.with_context(|| format!("{server} answered {status}, and not as a labboard does"))?;
    match (answer.upload_predictions, answer.error) {
        (Some(uploaded), _) => Ok(uploaded.url),
        (None, Some(refused)) => match refused.additional_information {
            Some(more) => bail!("{}: {}: {more}", file.display(), refused.message),
            None => bail!("{}: {}", file.display(), refused.message),
        },
        (None, None) => bail!("{server} answered {status}, and not as a labboard does"),
    }
}

/// Takes a job from a command on the same machine.
pub async fn accept(_: Authorised, Extract(state): Extract<State>, Json(job): Json<Job>) -> Response {
    handover::answer(job.run(state.store(), state.splits()).await.map_err(AppError::BadRequest))
}
