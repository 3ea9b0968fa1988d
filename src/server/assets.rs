//! The site's files: embedded in the binary, or read from `target/site` in development.
//!
//! Each file lies there with `.br` and `.gz` twins, compressed once at build time. A URL with
//! the build's hash in it may be cached for ever; every other file is asked for again by its ETag.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

#[cfg(feature = "embed")]
mod files {
    use std::borrow::Cow;

    /// Changes with the site's content, so that cargo compiles this again.
    const _: Option<&str> = option_env!("LABBOARD_BUILD");

    #[derive(rust_embed::RustEmbed)]
    #[folder = "$LABBOARD_SITE"]
    struct Site;

    pub(super) fn read(path: &str) -> Option<Cow<'static, [u8]>> {
        Site::get(path).map(|file| file.data)
    }

    pub(super) fn demo() -> Option<Cow<'static, [u8]>> {
        Some(Cow::Borrowed(include_bytes!(env!("LABBOARD_DEMO"))))
    }
}

#[cfg(not(feature = "embed"))]
mod files {
    use std::borrow::Cow;
    use std::path::{Component, Path, PathBuf};

    fn target() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
    }

    pub(super) fn read(path: &str) -> Option<Cow<'static, [u8]>> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let site = std::env::var_os("LABBOARD_SITE").map_or_else(|| target().join("site"), PathBuf::from);
        plain.then(|| std::fs::read(site.join(path)).ok()).flatten().map(Cow::Owned)
    }

    pub(super) fn demo() -> Option<Cow<'static, [u8]>> {
        let demo = std::env::var_os("LABBOARD_DEMO").map_or_else(|| target().join("demo.tar.zst"), PathBuf::from);
        std::fs::read(demo).ok().map(Cow::Owned)
    }
}

/// The packed demo experiments, if this build has them.
pub fn demo() -> Option<Cow<'static, [u8]>> {
    files::demo()
}

/// The content hash of the site's files; `none` where the site has not been built.
pub fn build_hash() -> String {
    files::read("build.txt")
        .and_then(|text| String::from_utf8(text.into_owned()).ok())
        .map_or_else(|| "none".to_owned(), |text| text.trim().to_owned())
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Whether a client takes an encoding: named in `Accept-Encoding` and not refused with `q=0`.
pub fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(
        |offer| {
            let mut parts = offer.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
            named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        },
    )
}

/// Answers with the file at `path` (below the site's root), or `None` if there is none.
///
/// `build` is the hash in the URL, if it had one: the file may be cached for ever when it is this build's.
pub fn serve(path: &str, build: Option<&str>, headers: &HeaderMap) -> Option<Response<Body>> {
    let (encoding, content) = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(encoding, _)| accepts(headers, encoding))
        .find_map(|(encoding, ending)| Some((Some(encoding), files::read(&format!("{path}{ending}"))?)))
        .or_else(|| Some((None, files::read(path)?)))?;
    let tag = format!("\"{}\"", &crate::server::state::digest(&content)[..16]);
    let fresh = build.is_some_and(|build| build == build_hash());
    let cache = if fresh { "public, max-age=31536000, immutable" } else { "no-cache" };
    let builder = Response::builder()
        .header(header::CACHE_CONTROL, cache)
        .header(header::ETAG, &tag)
        .header(header::VARY, HeaderValue::from_static("accept-encoding"));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return builder.status(StatusCode::NOT_MODIFIED).body(Body::empty()).ok();
    }
    let mut builder = builder.header(header::CONTENT_TYPE, media_type(path)).header(header::CONTENT_LENGTH, content.len());
    if let Some(encoding) = encoding {
        builder = builder.header(header::CONTENT_ENCODING, encoding);
    }
    let body = match content {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    builder.body(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_negotiated() {
        let with = |value: &'static str| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        assert!(accepts(&with("gzip, br;q=0.8"), "br"));
        assert!(!accepts(&with("gzip, br;q=0"), "br"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn paths_cannot_climb() {
        assert!(serve("../Cargo.toml", None, &HeaderMap::new()).is_none());
        assert!(serve("/etc/passwd", None, &HeaderMap::new()).is_none());
    }
}
