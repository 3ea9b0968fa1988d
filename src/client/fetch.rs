//! Requests whose failures are [`AppError`]s.

use std::time::Duration;

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestInit, Response, UrlSearchParams};

use crate::error::AppError;

fn unreachable(error: &JsValue) -> AppError {
    let text = error.dyn_ref::<js_sys::Error>().map_or_else(|| "no answer".to_owned(), |error| String::from(error.message()));
    AppError::Unreachable(text)
}

async fn get(url: &str, abort: Option<&AbortSignal>) -> Result<Response, AppError> {
    let init = RequestInit::new();
    init.set_signal(abort);
    ask(url, &init).await
}

/// Sends a form, and answers the text that comes back.
pub async fn post(url: &str, form: &UrlSearchParams) -> Result<String, AppError> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(form);
    body(&ask(url, &init).await?).await
}

/// How often a server that has too much to do is asked again.
const MOST_TRIES: usize = 30;

async fn ask(url: &str, init: &RequestInit) -> Result<Response, AppError> {
    let mut tries = 0;
    loop {
        let answer = ask_once(url, init).await;
        let Err((error, Some(seconds))) = answer else { return answer.map_err(|(error, _)| error) };
        tries += 1;
        if tries > MOST_TRIES {
            return Err(error);
        }
        // Not all at the same moment.
        super::sleep(Duration::from_secs_f64(seconds.clamp(0.5, 10.0) * (1.0 + js_sys::Math::random()))).await;
    }
}

/// The answer, or why there is none and after how many seconds to ask again, if the server says so.
async fn ask_once(url: &str, init: &RequestInit) -> Result<Response, (AppError, Option<f64>)> {
    let unreachable = |error: &JsValue| (unreachable(error), None);
    let response = JsFuture::from(window().fetch_with_str_and_init(url, init)).await.map_err(|error| unreachable(&error))?;
    let response = response.dyn_into::<Response>().map_err(|error| unreachable(&error))?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let reason = body(&response).await.unwrap_or_default();
    // The server's errors are `{"error": "..."}`; anything else comes from something in between.
    let reason = serde_json::from_str::<serde_json::Value>(&reason)
        .ok()
        .and_then(|value| value.get("error")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("the server answered with status {status}"));
    let error = match status {
        404 => AppError::NotFound(reason),
        400..=499 => AppError::BadRequest(reason),
        503 => AppError::Busy(reason),
        _ => AppError::Internal(reason),
    };
    let again = response.headers().get("retry-after").ok().flatten().map(|seconds| js_sys::parse_float(&seconds));
    Err((error, again.filter(|seconds| seconds.is_finite())))
}

async fn body(response: &Response) -> Result<String, AppError> {
    let promise = response.text().map_err(|error| unreachable(&error))?;
    let text = JsFuture::from(promise).await.map_err(|error| unreachable(&error))?;
    Ok(text.as_string().unwrap_or_default())
}

pub async fn text(url: &str, abort: Option<&AbortSignal>) -> Result<String, AppError> {
    body(&get(url, abort).await?).await
}

/// The answer as a JavaScript value: large figures never pass through Rust's memory.
pub async fn json(url: &str, abort: Option<&AbortSignal>) -> Result<JsValue, AppError> {
    let response = get(url, abort).await?;
    let promise = response.json().map_err(|error| unreachable(&error))?;
    JsFuture::from(promise).await.map_err(|error| unreachable(&error))
}
