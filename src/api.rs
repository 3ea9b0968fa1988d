//! Server functions: the browser's typed door to the server. Each is thin: it checks the
//! request, calls `server::views` and maps the error. They live under `/_fn`.
//!
//! All of them read and may be called by whoever passed the invite gate, except
//! [`replay_next`] and [`replay_reset`], which publish demo runs, and [`fetch_again`] and [`fetch_cancel`], which start and
//! end what opening a page starts.

use leptos::prelude::*;
use server_fn::codec::GetUrl;

use crate::codec::Compact;
use crate::error::AppError;
use crate::model::{ExploreView, FetchState, Head, Hit, HomeView, Kind, ListView, Visit};

#[cfg(feature = "ssr")]
use crate::model::Entity;
#[cfg(feature = "ssr")]
use crate::server::State;

#[cfg(feature = "ssr")]
fn state() -> Result<State, AppError> {
    use_context::<State>().ok_or_else(|| AppError::Internal("the server's state is missing".to_owned()))
}

/// An entity's page. `query` is the page's query string: its controls, if it has any, decide the view.
#[server(prefix = "/_fn", endpoint = "page", input = GetUrl, output = Compact)]
pub async fn fetch_page(kind: Kind, id: i64, query: String) -> Result<Visit, AppError> {
    crate::server::upstream::visit::page(&state()?, Entity::new(kind, id), &query).await
}

/// Fetches an entity again that could not be had. With no script at work this is a form's address, which leads back.
#[server(prefix = "/_fn", endpoint = "fetch_again")]
pub async fn fetch_again(kind: Kind, id: i64) -> Result<FetchState, AppError> {
    crate::server::upstream::visit::again(&state()?, Entity::new(kind, id)).await
}

/// Ends the fetch of an entity, for everybody who waits for it.
#[server(prefix = "/_fn", endpoint = "fetch_cancel")]
pub async fn fetch_cancel(kind: Kind, id: i64) -> Result<FetchState, AppError> {
    crate::server::upstream::visit::cancel(&state()?, Entity::new(kind, id)).await
}

/// What an entity's page says before its panels, as of now.
#[server(prefix = "/_fn", endpoint = "head", input = GetUrl, output = Compact)]
pub async fn fetch_head(kind: Kind, id: i64) -> Result<Head, AppError> {
    crate::server::upstream::visit::head(&state()?, Entity::new(kind, id)).await
}

/// The collaborative page; `data` asks for a dataset, otherwise the room's is taken.
#[server(prefix = "/_fn", endpoint = "explore", input = GetUrl, output = Compact)]
pub async fn fetch_explore(query: String) -> Result<ExploreView, AppError> {
    crate::server::views::explore(&state()?, &query).await
}

/// One page of a list. `sort` is a column's name, with `-` before it for descending order.
#[server(prefix = "/_fn", endpoint = "list", input = GetUrl, output = Compact)]
pub async fn fetch_list(kind: Kind, search: String, sort: String, page: u64) -> Result<ListView, AppError> {
    crate::server::lists::list(&state()?, kind, &search, &sort, page).await
}

#[server(prefix = "/_fn", endpoint = "home", input = GetUrl, output = Compact)]
pub async fn fetch_home() -> Result<HomeView, AppError> {
    crate::server::views::home(&state()?).await
}

#[server(prefix = "/_fn", endpoint = "search", input = GetUrl, output = Compact)]
pub async fn search_all(text: String) -> Result<Vec<Hit>, AppError> {
    crate::server::views::search(&state()?, &text).await
}

/// Publishes the next held-back demo run; returns its id and how many are left.
#[server(prefix = "/_fn", endpoint = "replay", output = Compact)]
pub async fn replay_next() -> Result<(Option<i64>, u64), AppError> {
    crate::server::views::replay_next(&state()?).await
}

/// Holds the demo runs back again, so that the replay can be watched once more.
#[server(prefix = "/_fn", endpoint = "replay_reset", output = Compact)]
pub async fn replay_reset() -> Result<u64, AppError> {
    crate::server::views::replay_reset(&state()?).await
}
