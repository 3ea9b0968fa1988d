//! The user interface, compiled into both sides: the shell, the routes and what every page shares.

pub mod components;
pub mod pages;
pub mod panel;
#[cfg(feature = "ssr")]
pub mod panels;
pub mod room;
pub mod theme;

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{ParamSegment, SsrMode, StaticSegment};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::CompactBytes;
use crate::model::Kind;
use components::top_bar::TopBar;
use pages::{entity::EntityPage, explore::ExplorePage, home::HomePage, list::ListPage, new::NewPage, not_found::NotFoundPage};

/// Where labboard is mounted: empty, or a path such as `/dashboard`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base(pub String);

/// A link to a page of labboard, below the path at which it is mounted.
pub fn href(path: &str) -> String {
    format!("{}{path}", use_base().0)
}

/// What a page shows: read on the server for its HTML, carried along for the browser, and read again when `source` changes.
pub fn load<S, T, Read>(
    source: impl Fn() -> S + Send + Sync + 'static,
    read: impl Fn(S) -> Read + Send + Sync + 'static,
) -> Resource<T, CompactBytes>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    Read: Future<Output = T> + Send + 'static,
{
    Resource::new_with_options(source, read, false)
}

pub fn use_base() -> Base {
    use_context().unwrap_or_default()
}

/// Content hash of the site's files, in the URLs of everything that may be cached for ever.
#[derive(Clone, Debug, Default)]
pub struct Build(pub String);

pub fn build() -> String {
    use_context::<Build>().unwrap_or_default().0
}

/// What the shell needs to know about this build and this request.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default)]
pub struct ShellOptions {
    pub base: Base,
    /// Content hash of the site's files; part of their URLs, so that they may be cached for ever.
    pub build: String,
    /// `light`, `dark`, or empty for the visitor's system setting.
    pub theme: String,
    /// Whether a development server should reload the page after a build.
    pub reload: bool,
    /// Whether the page stands in somebody else's, without its frame.
    pub embed: bool,
}

/// The HTML document around the app.
#[cfg(feature = "ssr")]
pub fn shell(options: ShellOptions) -> impl IntoView {
    let nonce = leptos::nonce::use_nonce();
    let base = options.base.0.clone();
    let pkg = format!("{base}/pkg/{}", options.build);
    let script = format!("{pkg}/labboard.js");
    let wasm = format!("{pkg}/labboard_bg.wasm");
    let start = format!("import init,{{hydrate}} from '{script}';init({{module_or_path:'{wasm}'}}).then(hydrate)");
    let vendor = format!("{base}/vendor/{}", options.build);
    let build = options.build.clone();
    view! {
        <!DOCTYPE html>
        <html
            lang="en"
            data-theme=(!options.theme.is_empty()).then(|| options.theme.clone())
            data-base=base.clone()
            data-build=options.build.clone()
            data-reload=options.reload.then_some("true")
            data-embed=options.embed.then_some("true")
        >
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href=format!("{base}/favicon.svg") type="image/svg+xml"/>
                <link rel="preload" href=format!("{base}/fonts/inter.woff2") r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                // plotly.js writes into this element instead of making one that the policy would refuse.
                <style id="plotly.js-style-global" class="no-inline-styles" nonce=nonce.clone()></style>
                <link rel="stylesheet" href=format!("{pkg}/labboard.css")/>
                <link rel="stylesheet" href=format!("{vendor}/plotly.css")/>
                <link rel="modulepreload" href=script nonce=nonce.clone()/>
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script type="module" nonce=nonce inner_html=start></script>
                <MetaTags/>
            </head>
            <body>
                <App base=options.base build_hash=Build(build)/>
            </body>
        </html>
    }
}

/// The app: everything inside `<body>`.
#[component]
pub fn App(base: Base, build_hash: Build) -> impl IntoView {
    provide_meta_context();
    provide_context(build_hash);
    provide_context(base.clone());
    let session = room::provide_session();
    components::transfer::provide_transfer();
    theme::provide_theme();
    // Browser only: says that handlers are attached, for tests and scripts.
    Effect::new(move |_| {
        #[cfg(feature = "hydrate")]
        crate::client::hydrated();
    });
    view! {
        <Title formatter=|title: String| if title.is_empty() { "labboard".to_owned() } else { format!("{title} · labboard") } text=""/>
        <Router base=base.0>
            <a class="skip" href="#main">"Skip to content"</a>
            <TopBar/>
            <main id="main" tabindex="-1">
                <Routes fallback=NotFoundPage>
                    <Route path=StaticSegment("") view=HomePage ssr=SsrMode::Async/>
                    <Route path=StaticSegment("explore") view=ExplorePage ssr=SsrMode::Async/>
                    <Route path=StaticSegment("new") view=NewPage ssr=SsrMode::Async/>
                    <Route path=StaticSegment("data") view=|| view! { <ListPage kind=Kind::Data/> } ssr=SsrMode::Async/>
                    <Route path=StaticSegment("task") view=|| view! { <ListPage kind=Kind::Task/> } ssr=SsrMode::Async/>
                    <Route path=StaticSegment("flow") view=|| view! { <ListPage kind=Kind::Flow/> } ssr=SsrMode::Async/>
                    <Route path=StaticSegment("run") view=|| view! { <ListPage kind=Kind::Run/> } ssr=SsrMode::Async/>
                    <Route path=(StaticSegment("data"), ParamSegment("id")) view=|| view! { <EntityPage kind=Kind::Data/> } ssr=SsrMode::Async/>
                    <Route path=(StaticSegment("task"), ParamSegment("id")) view=|| view! { <EntityPage kind=Kind::Task/> } ssr=SsrMode::Async/>
                    <Route path=(StaticSegment("flow"), ParamSegment("id")) view=|| view! { <EntityPage kind=Kind::Flow/> } ssr=SsrMode::Async/>
                    <Route path=(StaticSegment("run"), ParamSegment("id")) view=|| view! { <EntityPage kind=Kind::Run/> } ssr=SsrMode::Async/>
                </Routes>
            </main>
            <components::notices::Notices notices=session.notices/>
            <components::transfer::TransferCard/>
        </Router>
    }
}
