//! Headers that every answer carries, and the checks that every request passes.

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::config::authority;
use super::state::State;

/// The policy of pages: scripts from the origin or with the nonce only, and no request off the origin.
/// plotly.js needs inline style attributes and `data:`/`blob:` images.
pub fn page_policy(nonce: &str, frame_ancestors: &[String]) -> String {
    let ancestors = if frame_ancestors.is_empty() { "'none'".to_owned() } else { frame_ancestors.join(" ") };
    format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    )
}

const ALWAYS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds what is missing; pages set their own policy, everything else may load nothing at all.
pub async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Whether a `host:port` names this machine to itself.
pub fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a request with this `Origin` may change something or open the socket: the origin is
/// exactly the public URL, or the loopback name and port that the request itself was sent to.
pub fn origin_allowed(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    // Of several a browser sends none, and which one counts would be anybody's guess.
    let only = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let Some(origin) = only(header::ORIGIN) else { return false };
    if public_url == Some(origin) {
        return true;
    }
    // What a proxy makes of it is known by the public URL only, so this is plain HTTP.
    let host = only(header::HOST).unwrap_or_default();
    authority(origin).is_some_and(|authority| origin.starts_with("http://") && authority == host && is_loopback(authority))
}

/// Refuses unsafe requests from other origins. A request without `Origin` and without a cookie
/// does not come from a page: command-line clients pass.
pub async fn same_origin(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let headers = request.headers();
    let from_a_page = headers.contains_key(header::ORIGIN) || headers.contains_key(header::COOKIE);
    if !safe && from_a_page && !origin_allowed(headers, state.config().public_url.as_deref()) {
        return (StatusCode::FORBIDDEN, "requests from other origins are refused\n").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: &str, host: &str) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).expect("a header value");
        HeaderMap::from_iter([(header::ORIGIN, value(origin)), (header::HOST, value(host))])
    }

    #[test]
    fn the_own_origin_passes() {
        assert!(origin_allowed(&headers("http://127.0.0.1:3000", "127.0.0.1:3000"), None));
        assert!(origin_allowed(&headers("http://localhost:3000", "localhost:3000"), None));
        assert!(origin_allowed(&headers("http://[::1]:3000", "[::1]:3000"), None));
        assert!(origin_allowed(&headers("https://lab.example.org", "anything"), Some("https://lab.example.org")));
    }

    #[test]
    fn hostile_origins_are_refused() {
        let public = Some("https://lab.example.org");
        for origin in [
            "null",
            "",
            "https://lab.example.org.evil.com",
            "https://evil-lab.example.org",
            "https://evil.com",
            "http://lab.example.org",
            "https://lab.example.org:444",
            "https://lab.example.org.",
            "https://LAB.example.org",
            "https://lab.example.org/",
            "https://user@lab.example.org",
            "http://127.0.0.1:3001",
            "https://127.0.0.1:3000",
            "http://127.0.0.1.evil.com:3000",
            "http://localhost.evil.com:3000",
            "file://",
            "http://127.0.0.1:3000/",
            "http://127.0.0.1:30000",
            "chrome-extension://x",
        ] {
            assert!(!origin_allowed(&headers(origin, "127.0.0.1:3000"), public), "{origin}");
        }
        // DNS rebinding: the page and the request agree on a foreign name.
        assert!(!origin_allowed(&headers("http://evil.com:3000", "evil.com:3000"), public));
        assert!(!origin_allowed(&HeaderMap::new(), public));
        let mut twice = headers("http://127.0.0.1:3000", "127.0.0.1:3000");
        twice.append(header::ORIGIN, HeaderValue::from_static("http://127.0.0.1:3000"));
        assert!(!origin_allowed(&twice, public));
    }
}
