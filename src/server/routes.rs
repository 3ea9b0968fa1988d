//! Every route, in one place, with who may use it.
//!
//! All of them are behind the invite gate (`gate::invited`), except `/health`, the gate's own
//! form and the files that its page needs. What changes something also passes `headers::same_origin`.

use axum::body::Body;
use axum::extract::{Path, Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Router, handler::Handler};
use labboard_store::{Options, Store, StudyEntity};
use leptos::prelude::*;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use super::config::{Config, ConfigError};
use super::state::State;
use super::upstream::{Upstream, UpstreamError};
use super::{assets, backup, figures, gate, headers, import, live, publish, pull, rest, scores, sweep, talk, uploads, users};
use crate::app::{Base, ShellOptions, shell};

/// Why an instance could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] labboard_store::StoreError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// Opens the data directory and starts what runs beside the requests.
pub(crate) async fn open(config: Config) -> Result<State, OpenError> {
    config.check()?;
    // Pages are rendered on the tokio runtime; a host application may have said so already.
    let _ = any_spawner::Executor::init_tokio();
    let store = Store::open(&config.data_dir, Options::default()).await?;
    let upstream = match &config.upstream {
        Some(address) => Some(Upstream::open(store.clone(), address, config.upstream_key.clone(), config.max_upload).await?),
        None => None,
    };
    let state = State::new(config, store, upstream);
    uploads::clear(&state).await;
    live::follow_changes(&state);
    scores::follow_changes(&state);
    sweep::keep_swept(&state);
    Ok(state)
}

/// labboard as a part of another axum application: nest it at `config.base_path`.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = labboard::Config { base_path: "/dashboard".to_owned(), ..Default::default() };
/// let app: axum::Router = axum::Router::new().nest("/dashboard", labboard::router(config).await?);
/// # Ok(()) }
/// ```
///
/// # Errors
/// The configuration cannot be used, or the data directory is in use by another server.
pub async fn router(config: Config) -> Result<Router, OpenError> {
    Ok(inner(&open(config).await?))
}

/// The router at its base path, for the binary.
pub(crate) fn mounted(state: &State) -> Router {
    let base = state.config().base_path.clone();
    if base.is_empty() {
        return inner(state);
    }
    let home = format!("{base}/");
    Router::new().route("/", get(move || async move { Redirect::to(&home) })).nest(&base, inner(state))
}

fn inner(state: &State) -> Router {
    let compressible = SizeAbove::new(256)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new("application/wasm"));
    let rendered = Router::new()
        .route("/api/figures/{kind}/{id}/{panel}", get(figures::figure))
        .route("/api/figures/{kind}/{id}/{panel}/csv", get(figures::csv))
        .route("/api/figures/{kind}/{id}/{panel}/raster", get(figures::raster))
        .route("/api/figures/{kind}/{id}/{panel}/at", get(figures::at))
        .route("/api/figures/{kind}/{id}/{panel}/select", get(figures::select))
        .route("/_jobs/import", post(import::accept).layer(axum::extract::DefaultBodyLimit::disable()))
        .route("/_jobs/publish", post(publish::accept))
        .route("/_jobs/users", post(users::accept))
        .route("/_jobs/backup", post(backup::accept))
        .route("/new/file", post(uploads::receive).layer(axum::extract::DefaultBodyLimit::disable()))
        .route("/new/dataset", post(uploads::add))
        .route("/_fn/{*function}", get(server_function).post(server_function))
        .route("/_invite", post(gate::accept))
        .route("/_room/{part}", get(talk::show).post(talk::act))
        .route("/v/{code}", get(talk::open))
        .route("/d/{id}", get(short::<'d'>))
        .route("/t/{id}", get(short::<'t'>))
        .route("/f/{id}", get(short::<'f'>))
        .route("/r/{id}", get(short::<'r'>))
        .route("/s/{id}", get(study))
        .route("/u/{id}", get(user))
        .route("/tt/{id}", get(task_type))
        .route("/dashboard/{kind}", get(old_list))
        .route("/dashboard/{kind}/{id}", get(old_page))
        .fallback(page)
        .layer(CompressionLayer::new().br(true).gzip(true).quality(tower_http::CompressionLevel::Precise(4)).compress_when(compressible));
    // Clients of OpenML complain of every answer that is not compressed, and ask for what they cannot read.
    let documents = Router::new()
        .route("/api/v1/{*call}", any(rest::handle).layer(axum::extract::DefaultBodyLimit::disable()))
        .route("/data/v1/download/{*file}", get(rest::file))
        .route("/data/download/{*file}", get(rest::file))
        .route("/api_splits/get/{task}/{name}", get(rest::splits))
        .layer(
            CompressionLayer::new().gzip(true).br(false).quality(tower_http::CompressionLevel::Fastest).compress_when(SizeAbove::new(0)),
        );
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/live", get(live::upgrade))
        // Its lines are for now, not for when a compressor's buffer is full.
        .route("/_jobs/pull", post(pull::accept))
        .route("/parquet/{dataset}/{file}", get(rest::parquet))
        .route("/pkg/{build}/{*file}", get(asset::<true>))
        .route("/vendor/{build}/{*file}", get(asset::<true>))
        .route("/fonts/{*file}", get(asset::<false>))
        .route("/favicon.svg", get(asset::<false>))
        .route("/robots.txt", get(asset::<false>))
        .route("/build.txt", get(asset::<false>))
        .merge(rendered)
        .merge(documents)
        .layer(from_fn_with_state(state.clone(), headers::same_origin))
        .layer(from_fn_with_state(state.clone(), gate::invited))
        .layer(from_fn(headers::secure))
        .layer(CatchPanicLayer::new())
        .with_state(state.clone())
}

/// A file of the site; `HASHED` routes carry the build's hash as their second part.
async fn asset<const HASHED: bool>(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let found = if HASHED {
        let mut parts = path.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(folder), Some(build), Some(file)) => assets::serve(&format!("{folder}/{file}"), Some(build), &headers),
            _ => None,
        }
    } else {
        assets::serve(path, None, &headers)
    };
    found.unwrap_or_else(|| (StatusCode::NOT_FOUND, "no such file\n").into_response())
}

fn redirect(state: &State, path: &str) -> Response {
    Redirect::permanent(&format!("{}{path}", state.config().base_path)).into_response()
}

/// OpenML's short forms: `/d/5` is `/data/5`.
async fn short<const LETTER: char>(Extract(state): Extract<State>, Path(id): Path<String>) -> Response {
    let kind = match LETTER {
        'd' => "data",
        't' => "task",
        'f' => "flow",
        _ => "run",
    };
    redirect(&state, &format!("/{kind}/{}", crate::controls::encode(&id)))
}

/// What a study or suite collects. It has no page of its own.
async fn study(Extract(state): Extract<State>, Path(id): Path<String>) -> Response {
    let known = match id.parse::<i64>() {
        Ok(number) => state.store().study(number).await.ok(),
        Err(_) => None,
    };
    let list = if known.is_some_and(|study| study.main_entity == StudyEntity::Run) { "run" } else { "task" };
    Redirect::temporary(&format!("{}/{list}?search=study:{}", state.config().base_path, crate::controls::encode(&id))).into_response()
}

async fn user(Extract(state): Extract<State>, Path(id): Path<String>) -> Response {
    redirect(&state, &format!("/run?search=user:{}", crate::controls::encode(&id)))
}

async fn task_type(Extract(state): Extract<State>, Path(id): Path<String>) -> Response {
    redirect(&state, &format!("/task?search=type:{}", crate::controls::encode(&id)))
}

async fn old_list(Extract(state): Extract<State>, Path(kind): Path<String>) -> Response {
    redirect(&state, &format!("/{}", crate::controls::encode(&kind)))
}

async fn old_page(Extract(state): Extract<State>, Path((kind, id)): Path<(String, String)>) -> Response {
    redirect(&state, &format!("/{}/{}", crate::controls::encode(&kind), crate::controls::encode(&id)))
}

/// A server function. Leptos finds it by its whole path, which starts at the base path's end.
async fn server_function(Extract(state): Extract<State>, request: Request) -> Response {
    leptos_axum::handle_server_fns_with_context(move || provide_context(state.clone()), request).await.into_response()
}

/// Every page of the app.
async fn page(Extract(state): Extract<State>, mut request: Request) -> Response {
    let theme = gate::cookie(request.headers(), "theme").filter(|theme| matches!(*theme, "light" | "dark")).unwrap_or_default();
    let options = ShellOptions {
        base: Base(state.config().base_path.clone()),
        build: state.build().to_owned(),
        theme: theme.to_owned(),
        reload: state.config().reload,
        embed: crate::controls::parameters(request.uri().query().unwrap_or_default()).any(|(name, value)| name == "embed" && value == "1"),
    };
    // The router in the app matches whole paths; nesting has taken the base path off.
    if !state.config().base_path.is_empty()
        && let Ok(uri) = whole_uri(&state, request.uri())
    {
        *request.uri_mut() = uri;
    }
    let render = leptos_axum::render_app_async_with_context(
        {
            let state = state.clone();
            move || provide_context(state.clone())
        },
        move || {
            set_page_headers(&use_context::<State>());
            shell(options.clone())
        },
    );
    let mut response: Response<Body> = Handler::call(render, request, ()).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("no-store"));
    response
}

fn whole_uri(state: &State, uri: &Uri) -> Result<Uri, axum::http::uri::InvalidUri> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{}{path}", state.config().base_path).parse()
}

/// The content security policy carries the nonce that leptos made for this answer.
fn set_page_headers(state: &Option<State>) {
    let (Some(state), Some(response), Some(nonce)) = (state, use_context::<leptos_axum::ResponseOptions>(), leptos::nonce::use_nonce())
    else {
        return;
    };
    let policy = headers::page_policy(&nonce, &state.config().frame_ancestors);
    if let Ok(policy) = header::HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
