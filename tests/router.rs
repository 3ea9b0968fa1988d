//! labboard as a part of another axum application, below a path.
#![cfg(feature = "ssr")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::get;
use labboard::Config;
use tower::ServiceExt;

async fn host() -> (Router, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config { data_dir: dir.path().join("data"), base_path: "/dashboard".to_owned(), demo: false, ..Config::default() };
    let nested = labboard::router(config).await.expect("a router");
    (Router::new().route("/", get(|| async { "the host" })).nest("/dashboard", nested), dir)
}

async fn ask(app: &Router, request: Request<Body>) -> (StatusCode, String, Response<()>) {
    let response = app.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 16 << 20).await.expect("a body");
    (parts.status, String::from_utf8_lossy(&body).into_owned(), Response::from_parts(parts, ()))
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_functions_and_redirects_live_below_the_path() {
    let (app, _dir) = host().await;
    assert_eq!(ask(&app, request("/")).await.1, "the host");

    let (status, page, response) = ask(&app, request("/dashboard/data")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("href=\"/dashboard/explore\""), "links stay below the path");
    assert!(page.contains("src=\"/dashboard/") || page.contains("from '/dashboard/pkg/"), "scripts stay below the path");
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.contains("'nonce-") && !policy.contains("'unsafe-eval'"), "{policy}");

    let (status, list, _) = ask(&app, request("/dashboard/_fn/list?kind=data&search=&sort=&page=1")).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    let (status, _, response) = ask(&app, request("/dashboard/d/5")).await;
    assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(response.headers()[header::LOCATION], "/dashboard/data/5");
    assert_eq!(ask(&app, request("/dashboard/data/5")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&app, request("/dashboard/health")).await.1, "ok\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_socket_is_for_the_own_pages() {
    let (app, _dir) = host().await;
    for origin in ["http://evil.com", "http://127.0.0.1:3000.evil.com", "null"] {
        let upgrade = Request::get("/dashboard/live")
            .header(header::HOST, "127.0.0.1:3000")
            .header(header::ORIGIN, origin)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .body(Body::empty())
            .expect("a request");
        let status = ask(&app, upgrade).await.0;
        assert!(status.is_client_error(), "{origin}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_from_other_origins_are_refused() {
    let (app, _dir) = host().await;
    let post = Request::post("/dashboard/_fn/replay")
        .header(header::HOST, "127.0.0.1:3000")
        .header(header::ORIGIN, "http://evil.com")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(ask(&app, post).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn strangers_need_the_invite() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config {
        data_dir: dir.path().join("data"),
        public_url: Some("http://lab.example.org".to_owned()),
        invite: Some("0123456789abcdef0123456789abcdef".to_owned()),
        demo: false,
        ..Config::default()
    };
    let app = labboard::router(config).await.expect("a router");
    for path in ["/", "/data", "/_fn/home", "/api/figures/data/1/scatter", "/live"] {
        assert_eq!(ask(&app, request(path)).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(ask(&app, request("/?invite=wrong")).await.0, StatusCode::UNAUTHORIZED);
    let (status, _, response) = ask(&app, request("/data?invite=0123456789abcdef0123456789abcdef&search=a")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/data?search=a");
    let cookie = response.headers()[header::SET_COOKIE].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let invited = Request::get("/data").header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    assert_eq!(ask(&app, invited).await.0, StatusCode::OK);
}
