//! What the user interface and the figures ask: an entity that may have to come from the upstream first.

use std::sync::Arc;
use std::time::Duration;

use super::neighbours::Gathering;
use super::{FetchError, Progress, Status, Upstream, Wanted, finished, written};
use crate::error::AppError;
use crate::model::{Entity, FetchState, Head, Visit};
use crate::server::source::Source;
use crate::server::state::State;
use crate::server::views;

/// What has come after this long is shown at once; for everything else there is a page that says how far it is.
const AT_ONCE: Duration = Duration::from_millis(250);

/// The upstream, if the id could be one of its.
fn upstream_of(state: &State, entity: Entity) -> Option<&Upstream> {
    state.upstream().filter(|_| Upstream::may_have(entity.into()))
}

fn app_error(error: &FetchError, entity: Entity) -> AppError {
    match error {
        FetchError::Missing { server, .. } => {
            AppError::NotFound(format!("There is no {} {}, neither here nor at {server}", entity.kind.singular(), entity.id))
        }
        FetchError::Same { .. } => AppError::NotFound(sentence(error)),
        other => AppError::Upstream(sentence(other)),
    }
}

/// An error as a sentence of its own.
fn sentence(error: &FetchError) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !text.starts_with("http") => first.to_uppercase().chain(characters).collect(),
        _ => text,
    }
}

fn state_of(status: Result<Status, FetchError>, entity: Entity) -> FetchState {
    match status {
        Ok(Status::Running(Progress { what, done, total })) => FetchState::Running { what, done, total },
        Ok(Status::Done(Ok(()))) => FetchState::Here,
        Ok(Status::Done(Err(error))) | Err(error) => match app_error(&error, entity) {
            AppError::NotFound(text) => FetchState::Missing(text),
            other => FetchState::Failed(other.to_string()),
        },
    }
}

/// An entity's page, or how far it is on its way here. Opening the page starts the fetch, and looks for what belongs
/// to the page.
///
/// # Errors
/// There is no such entity, here or there, or it cannot be read.
pub async fn page(state: &State, entity: Entity, query: &str) -> Result<Visit, AppError> {
    let wanted = Wanted::from(entity);
    let Some(upstream) = upstream_of(state, entity) else {
        return Ok(Visit::Page(Box::new(views::page(state, entity.kind, entity.id, query).await?)));
    };
    if !upstream.is_here(wanted).await.map_err(|error| app_error(&error, entity))? {
        let fetch = upstream.begin(wanted, "");
        if let Ok(status) = &fetch {
            let _ = tokio::time::timeout(AT_ONCE, finished(status.clone(), |_| {})).await;
        }
        match state_of(fetch.map(|status| status.borrow().clone()), entity) {
            FetchState::Here => {}
            FetchState::Missing(text) => return Err(AppError::NotFound(text)),
            on_its_way => return Ok(written::fetching(state, entity, &upstream.address().to_string(), &on_its_way)),
        }
    }
    // Asked before the page is read: one that says that nothing more comes has all of it.
    let gathering = upstream.gather(wanted);
    let mut view = views::page(state, entity.kind, entity.id, query).await?;
    view.head = with_gathering(view.head, gathering);
    Ok(Visit::Page(Box::new(view)))
}

/// What an entity's page says before its panels, with what still comes for it.
///
/// # Errors
/// There is no such entity, or it cannot be read.
pub async fn head(state: &State, entity: Entity) -> Result<Head, AppError> {
    let gathering = upstream_of(state, entity).and_then(|upstream| upstream.gathering(entity.into()));
    Ok(with_gathering(views::head(state, entity.kind, entity.id).await?, gathering))
}

fn with_gathering(head: Head, gathering: Option<Gathering>) -> Head {
    match gathering {
        Some(Gathering { running, text }) => Head { note: text, coming: running, ..head },
        None => head,
    }
}

/// How far the fetch of an entity is.
async fn now(state: &State, entity: Entity) -> Result<FetchState, AppError> {
    let wanted = Wanted::from(entity);
    let upstream = asked(state, entity)?;
    if upstream.is_here(wanted).await.map_err(|error| app_error(&error, entity))? {
        return Ok(FetchState::Here);
    }
    // Somebody waits for it: what was cut short by a restart goes on.
    let status = upstream.status(wanted).map_or_else(|| upstream.begin(wanted, "").map(|status| status.borrow().clone()), Ok);
    Ok(state_of(status, entity))
}

/// # Errors
/// There is no upstream that could have it.
pub async fn again(state: &State, entity: Entity) -> Result<FetchState, AppError> {
    let upstream = asked(state, entity)?;
    upstream.forgive(entity.into());
    now(state, entity).await
}

/// # Errors
/// There is no upstream that could have it.
pub async fn cancel(state: &State, entity: Entity) -> Result<FetchState, AppError> {
    let wanted = Wanted::from(entity);
    let upstream = asked(state, entity)?;
    if let Some(Status::Running(_)) = upstream.status(wanted) {
        upstream.cancel(wanted);
        return Ok(state_of(Err(FetchError::Cancelled(wanted)), entity));
    }
    now(state, entity).await
}

fn asked(state: &State, entity: Entity) -> Result<&Upstream, AppError> {
    let missing = || AppError::NotFound(format!("There is no {} {}", entity.kind.singular(), entity.id));
    upstream_of(state, entity).ok_or_else(missing)
}

/// An entity ready to be drawn; one that is not here is waited for.
///
/// # Errors
/// There is no such entity, here or there, or it cannot be had or read.
pub async fn source(state: &State, entity: Entity) -> Result<Arc<Source>, AppError> {
    let found = state.sources().get(state, entity).await;
    match (&found, upstream_of(state, entity)) {
        (Err(AppError::NotFound(_)), Some(upstream)) => {
            upstream.ensure(entity.into(), "").await.map_err(|error| app_error(&error, entity))?;
            state.sources().get(state, entity).await
        }
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn what_the_upstream_lacks_is_missing_and_all_else_can_be_tried_again() {
        let entity = Entity::new(Kind::Data, 5);
        let server = || "http://up:3000".to_owned();
        let missing = state_of(Err(FetchError::Missing { server: server(), what: "data/5".to_owned() }), entity);
        assert_eq!(missing, FetchState::Missing("There is no dataset 5, neither here nor at http://up:3000".to_owned()));
        let broken = FetchError::Stalled {
            server: server(),
            what: "the table of data/5".to_owned(),
            received: "1.2 MB of the 5.0 MB".to_owned(),
            seconds: 30,
        };
        let text = "Nothing came from http://up:3000 for 30 s, after 1.2 MB of the 5.0 MB of the table of data/5";
        assert_eq!(state_of(Ok(Status::Done(Err(broken))), entity), FetchState::Failed(text.to_owned()));
    }
}
