//! OpenML's REST API, `/api/v1/{xml|json}/...`, for unmodified clients. `docs/openml.md` lists what it answers.
//!
//! Every answer is one of `labboard_openml`'s documents in XML; its JSON form is made from that by rule. Every refusal
//! has OpenML's code: see [`Refusal`].

mod answer;
mod call;
mod data;
mod download;
mod evaluation;
mod fields;
mod filters;
mod flow;
mod predictions;
mod refusal;
mod run;
mod setup;
mod study;
mod tag;
mod task;
mod vocabulary;

use axum::extract::{Request, State as Extract};
use axum::http::Method;
use axum::response::{IntoResponse, Response};

use super::state::State;
use answer::Answer;
use call::Call;
pub use refusal::Refusal;

pub use download::{Tables, file, parquet, splits};
pub use fields::task_type;
pub use predictions::{Published, Wanted, add as add_predictions, parameter};
pub use run::KnownSplits;

/// The paths on which keys are checked instead of invitations.
pub fn is_api(path: &str) -> bool {
    ["/api/v1/", "/api_splits/", "/data/v1/download/", "/data/download/"].iter().any(|prefix| path.starts_with(prefix))
}

type Outcome = Result<Answer, Refusal>;

/// Answers any request below `/api/v1`.
pub async fn handle(Extract(state): Extract<State>, request: Request) -> Response {
    let format = call::format_of(request.uri().path());
    let outcome = match Call::read(state, request).await {
        Ok(call) => route(&call).await,
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(answer) => answer.into_response(format),
        Err(refusal) => refusal.into_response(format),
    }
    .into_response()
}

async fn route(call: &Call) -> Outcome {
    let path = call.path.iter().map(String::as_str).collect::<Vec<_>>();
    match call.method {
        Method::GET => get(call, &path).await,
        Method::POST => post(call, &path).await,
        Method::DELETE => match path[..] {
            ["data", id] => data::delete(call, id).await,
            ["task", id] => task::delete(call, id).await,
            ["flow", id] => flow::delete(call, id).await,
            ["run", id] => run::delete(call, id).await,
            ["study", id] => study::delete(call, id).await,
            _ => Err(Refusal::unknown_path(call)),
        },
        _ => Err(Refusal::unknown_path(call)),
    }
}

async fn get(call: &Call, path: &[&str]) -> Outcome {
    match path {
        ["data", "list", filters @ ..] => data::list(call, filters).await,
        ["data", "qualities", "list"] => Ok(vocabulary::qualities()),
        ["data", "features", id] => data::features(call, id).await,
        ["data", "qualities", id] => data::qualities(call, id).await,
        ["data", id] => data::get(call, id).await,
        ["task", "list", filters @ ..] => task::list(call, filters).await,
        ["task", id] => task::get(call, id).await,
        ["tasktype", "list"] => Ok(vocabulary::task_types()),
        ["tasktype", id] => vocabulary::task_type(id),
        ["estimationprocedure", "list"] => Ok(vocabulary::procedures()),
        ["evaluationmeasure", "list"] => Ok(vocabulary::measures()),
        ["flow", "list", filters @ ..] => flow::list(call, filters).await,
        ["flow", "exists", name, version] => flow::exists(call, name, version).await,
        ["flow", id] => flow::get(call, id).await,
        ["run", "list", filters @ ..] => run::list(call, filters).await,
        ["run", "trace", id] => run::trace(call, id).await,
        ["run", id] => run::get(call, id).await,
        ["setup", "list", filters @ ..] => setup::list(call, filters).await,
        ["setup", id] => setup::get(call, id).await,
        ["evaluation", "list", filters @ ..] => evaluation::list(call, filters).await,
        ["user", "list", filters @ ..] => vocabulary::users(call, filters).await,
        ["study", "list", filters @ ..] => study::list(call, filters).await,
        ["study", id] | ["study", id, "data" | "tasks" | "flows" | "setups" | "runs"] => study::get(call, id).await,
        _ => Err(Refusal::unknown_path(call)),
    }
}

async fn post(call: &Call, path: &[&str]) -> Outcome {
    match path {
        ["data"] => data::publish(call).await,
        ["data", "status", "update"] => data::set_status(call).await,
        ["data", "edit"] => data::edit(call).await,
        ["data", "fork"] => data::fork(call).await,
        ["data", "topicadd"] => data::set_topic(call, true).await,
        ["data", "topicdelete"] => data::set_topic(call, false).await,
        ["data", "feature", "ontology", "add"] => data::set_ontology(call, true).await,
        ["data", "feature", "ontology", "remove"] => data::set_ontology(call, false).await,
        ["task"] => task::publish(call).await,
        ["flow"] => flow::publish(call).await,
        ["flow", "exists"] => flow::exists(call, &call.text("name")?, &call.text("external_version")?).await,
        ["run"] => run::publish(call).await,
        ["predictions"] => predictions::publish(call).await,
        ["setup", "exists"] => setup::exists(call).await,
        ["study"] => study::publish(call).await,
        ["study", "status", "update"] => study::set_status(call).await,
        ["study", id, "attach"] => study::attach(call, id).await,
        ["study", id, "detach"] => study::detach(call, id).await,
        [kind, "tag"] => tag::add(call, kind).await,
        [kind, "untag"] => tag::remove(call, kind).await,
        _ => Err(Refusal::unknown_path(call)),
    }
}
