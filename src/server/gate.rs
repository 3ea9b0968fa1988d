//! The invite gate: when others can reach the server, they need the token of the invite link.

use axum::Form;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::state::{State, digest};
use crate::controls::{encode, parameters};

const COOKIE: &str = "labboard_invite";

/// A cookie's value in a request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Compares digests, so that the time taken says nothing about the token.
fn matches(offered: &str, token: &str) -> bool {
    digest(offered.as_bytes()) == digest(token.as_bytes())
}

/// A cookie that lasts and that scripts do not see.
pub fn set_cookie(state: &State, name: &str, value: &str) -> HeaderValue {
    let config = state.config();
    let path = if config.base_path.is_empty() { "/" } else { &config.base_path };
    let secure = if config.public_url.as_deref().is_some_and(|url| url.starts_with("https:")) { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; Path={path}; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}"))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The same address without the token, so that it does not stay in the history.
fn without_token(state: &State, uri: &Uri) -> String {
    let rest = parameters(uri.query().unwrap_or_default())
        .filter(|(name, _)| name != "invite")
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect::<Vec<_>>()
        .join("&");
    let mark = if rest.is_empty() { "" } else { "?" };
    // A path that begins with two slashes would lead to another host.
    format!("{}/{}{mark}{rest}", state.config().base_path, uri.path().trim_start_matches('/'))
}

/// Whether the visitor has come in by an invite link.
pub fn is_invited(state: &State, headers: &HeaderMap) -> bool {
    state.config().invite.as_ref().is_some_and(|token| cookie(headers, COOKIE).is_some_and(|offered| matches(offered, token)))
}

pub async fn invited(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let Some(token) = state.config().invite.clone() else { return next.run(request).await };
    let path = request.uri().path();
    // Handed-over jobs and clients bring keys of their own.
    let open = super::rest::is_api(path)
        || path == "/health"
        || path.starts_with("/_jobs/")
        || path == "/_invite"
        || path.starts_with("/pkg/")
        || path.starts_with("/fonts/");
    if open || is_invited(&state, request.headers()) {
        return next.run(request).await;
    }
    let offered = parameters(request.uri().query().unwrap_or_default()).find_map(|(name, value)| (name == "invite").then_some(value));
    match offered {
        Some(offered) if matches(&offered, &token) => {
            let target = without_token(&state, request.uri());
            ([(header::SET_COOKIE, set_cookie(&state, COOKIE, &token))], Redirect::to(&target)).into_response()
        }
        Some(_) => ask(&state, Some("This invite link is not valid any more.")),
        None => ask(&state, None),
    }
}

#[derive(Debug, Deserialize)]
pub struct Offer {
    invite: String,
}

/// Takes the token from the form of the page that asks for it.
pub async fn accept(Extract(state): Extract<State>, Form(offer): Form<Offer>) -> Response {
    match &state.config().invite {
        Some(token) if matches(offer.invite.trim(), token) => {
            let target = format!("{}/", state.config().base_path);
            ([(header::SET_COOKIE, set_cookie(&state, COOKIE, token))], Redirect::to(&target)).into_response()
        }
        Some(_) => ask(&state, Some("That token is not the right one.")),
        None => Redirect::to(&format!("{}/", state.config().base_path)).into_response(),
    }
}

fn ask(state: &State, problem: Option<&str>) -> Response {
    let base = &state.config().base_path;
    let build = state.build();
    let problem = problem.map(|text| format!("<p role=\"alert\">{text}</p>")).unwrap_or_default();
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Invitation needed · labboard</title><link rel=\"stylesheet\" href=\"{base}/pkg/{build}/labboard.css\"></head>\
         <body><main><section class=\"card error-card\"><h1>Invitation needed</h1>{problem}\
         <p>This labboard is shared by invitation. Open the invite link that a colleague sent you, or enter its token.</p>\
         <form method=\"post\" action=\"{base}/_invite\"><label class=\"field\"><span>Token</span>\
         <input name=\"invite\" required autocomplete=\"off\"></label> <button class=\"button primary\">Come in</button></form>\
         </section></main></body></html>"
    );
    let policy = "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    (StatusCode::UNAUTHORIZED, [(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}
