//! What people say about a page and keep of it: comments, saved views, the history of the view. The page's drawer shows each as a
//! piece of HTML; a form in it is answered with the piece as it is then.
//!
//! Who may come in may read all of it and write. What somebody wrote, only they may change: their browser has a cookie with a
//! secret, of which the store knows the digest.

mod comments;
mod history;
pub(super) mod text;
mod views;

use std::collections::HashMap;

use axum::Form;
use axum::extract::{Path, Query, State as Extract};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use labboard_room::{Entity as LiveEntity, EntityKind, RoomId};

use super::figures::error_response;
use super::gate::{self, cookie};
use super::source::app_error;
use super::state::{State, digest};
use super::{secret, views as pages};
use crate::error::AppError;

const COOKIE: &str = "labboard_visitor";
/// Bytes of a view, as a query.
const LONGEST_VIEW: usize = 256 << 10;

type Fields = HashMap<String, String>;

/// Who asks.
struct Visitor {
    /// Digest of their secret; empty for who has none yet.
    owner: String,
    /// What they call themselves.
    name: String,
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

async fn room_of(state: &State, fields: &Fields) -> Result<RoomId, AppError> {
    let room = RoomId::try_from(field(fields, "room").to_owned()).map_err(|error| AppError::BadRequest(error.to_string()))?;
    if pages::has_room(state, &room).await? { Ok(room) } else { Err(AppError::NotFound(format!("There is no page {}", room.page()))) }
}

fn visitor(fields: &Fields, secret: Option<&str>) -> Result<Visitor, AppError> {
    let name = match field(fields, "me") {
        "" => "Guest".to_owned(),
        name => labboard_room::Name::new(name).map_err(|error| AppError::BadRequest(error.to_string()))?.to_string(),
    };
    Ok(Visitor { owner: secret.map(|secret| digest(secret.as_bytes())).unwrap_or_default(), name })
}

fn id_in(fields: &Fields, name: &str) -> Result<i64, AppError> {
    field(fields, name).parse().map_err(|_| AppError::BadRequest(format!("“{name}” is a number")))
}

fn view_in(fields: &Fields) -> Result<&str, AppError> {
    let view = field(fields, "view");
    if view.len() <= LONGEST_VIEW { Ok(view) } else { Err(AppError::BadRequest(format!("A view has at most {LONGEST_VIEW} bytes"))) }
}

/// `GET /_room/{part}`: a piece of the drawer.
pub async fn show(Extract(state): Extract<State>, Path(part): Path<String>, Query(fields): Query<Fields>, headers: HeaderMap) -> Response {
    match piece(&state, &part, &fields, &headers).await {
        Ok(html) => ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => error_response(&error),
    }
}

async fn piece(state: &State, part: &str, fields: &Fields, headers: &HeaderMap) -> Result<String, AppError> {
    let room = room_of(state, fields).await?;
    let visitor = visitor(fields, cookie(headers, COOKIE))?;
    match part {
        "history" => {
            let before = field(fields, "before");
            history::drawer(state, &room, before.parse().ok()).await
        }
        "moment" => {
            let seq = field(fields, "seq").parse().map_err(|_| AppError::BadRequest("“seq” is a number".to_owned()))?;
            history::moment(state, &room, seq).await
        }
        "comments" => comments::drawer(state, &room, &visitor).await,
        "views" => views::drawer(state, &room, &visitor).await,
        _ => Err(AppError::NotFound(format!("There is no “{part}” of a room"))),
    }
}

/// `POST /_room/{action}`: does something, and answers the piece as it is then.
pub async fn act(Extract(state): Extract<State>, Path(action): Path<String>, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    let known = cookie(&headers, COOKIE).map(str::to_owned);
    let secret = known.clone().unwrap_or_else(secret::fresh);
    match done(&state, &action, &fields, &secret).await {
        Ok(html) => {
            let mut response = ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response();
            if known.is_none() {
                response.headers_mut().insert(header::SET_COOKIE, gate::set_cookie(&state, COOKIE, &secret));
            }
            response
        }
        Err(error) => error_response(&error),
    }
}

async fn done(state: &State, action: &str, fields: &Fields, secret: &str) -> Result<String, AppError> {
    let room = room_of(state, fields).await?;
    let visitor = visitor(fields, Some(secret))?;
    let comment = match action {
        "comment" => {
            let thread = match field(fields, "thread") {
                "" => None,
                _ => Some(id_in(fields, "thread")?),
            };
            let (text, anchor) = (field(fields, "text"), field(fields, "anchor"));
            comments::add(state, &room, &visitor, thread, text, anchor, view_in(fields)?).await?
        }
        "edit" => {
            let id = id_in(fields, "id")?;
            comments::edit(state, &room, &visitor, id, field(fields, "text")).await?;
            id
        }
        "delete" => {
            let id = id_in(fields, "id")?;
            comments::delete(state, &room, &visitor, id).await?;
            id
        }
        "resolve" => {
            let id = id_in(fields, "id")?;
            let by = (field(fields, "open") != "1").then_some(visitor.name.as_str());
            if !state.store().resolve_thread(room.as_str(), id, by).await.map_err(app_error)? {
                return Err(AppError::NotFound("That thread is gone".to_owned()));
            }
            id
        }
        "read" => {
            state.store().set_comments_read(room.as_str(), &visitor.owner, id_in(fields, "up_to")?).await.map_err(app_error)?;
            return comments::drawer(state, &room, &visitor).await;
        }
        "save-view" => {
            views::save(state, &room, &visitor, field(fields, "name"), view_in(fields)?).await?;
            return views::drawer(state, &room, &visitor).await;
        }
        "update-view" => {
            views::update(state, &visitor, field(fields, "code"), view_in(fields)?).await?;
            return views::drawer(state, &room, &visitor).await;
        }
        "delete-view" => {
            views::delete(state, &visitor, field(fields, "code")).await?;
            return views::drawer(state, &room, &visitor).await;
        }
        _ => return Err(AppError::NotFound(format!("Nobody can “{action}” in a room"))),
    };
    let entity = LiveEntity { kind: EntityKind::Comment, id: u64::try_from(comment).unwrap_or(0) };
    state.hub().tell_changed(&room, entity).await;
    comments::drawer(state, &room, &visitor).await
}

/// `GET /v/{code}`: the page of a saved view, with that view.
pub async fn open(Extract(state): Extract<State>, Path(code): Path<String>) -> Response {
    let found = match state.store().view(&code).await {
        Ok(Some(view)) => RoomId::try_from(view.room).map_err(|error| AppError::Internal(error.to_string())),
        Ok(None) => Err(AppError::NotFound("There is no such view; perhaps it was deleted".to_owned())),
        Err(error) => Err(app_error(error)),
    };
    match found {
        Ok(room) => {
            let name = room.name().map(|name| format!("&room={name}")).unwrap_or_default();
            Redirect::temporary(&format!("{}{}?view={code}{name}", state.config().base_path, room.page())).into_response()
        }
        Err(error) => error_response(&error),
    }
}

/// The view that an address asks for by a saved view's code or a comment's id, as a query.
///
/// # Errors
/// There is no such one on this page.
pub async fn view_of(state: &State, room: &RoomId, name: &str, value: &str) -> Result<String, AppError> {
    let missing = || AppError::NotFound(format!("There is no such {name} on this page"));
    let (of, view) = match name {
        "view" => {
            let view = state.store().view(value).await.map_err(app_error)?.ok_or_else(missing)?;
            (view.room, view.view)
        }
        _ => {
            let id = value.parse().map_err(|_| missing())?;
            let comment = state.store().comment(id).await.map_err(app_error)?.ok_or_else(missing)?;
            let first = match comment.thread {
                Some(first) => state.store().comment(first).await.map_err(app_error)?.ok_or_else(missing)?,
                None => comment,
            };
            (first.room, first.view)
        }
    };
    if of == room.as_str() { Ok(view) } else { Err(missing()) }
}
