//! The page of a dataset, task, flow or run: its facts, then its panels.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_navigate, use_params_map};

use crate::api::{fetch_head, fetch_page};
use crate::app::components::error_card::ErrorCard;
use crate::app::components::replay::Replay;
use crate::app::components::room_bar::RoomBar;
use crate::app::load;
use crate::app::panel::Panel;
use crate::app::room::{enter, use_session};
use crate::app::{href, use_base};
use crate::error::AppError;
use crate::model::{Entity, Fact, Head, Kind, PageView, Related, Visit};

/// How often the browser asks for what is on its way.
const EVERY: Duration = Duration::from_secs(1);

#[component]
pub fn EntityPage(kind: Kind) -> impl IntoView {
    let params = use_params_map();
    // The query belongs to the link that was opened: turning controls rewrites it without loading again.
    let query = use_location().query;
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    // Each entity's page is built anew, and the one before is dropped at once: while the new one loads,
    // nothing may still show signals that are gone.
    view! {
        <For each=move || [id.get()] key=String::clone let:id>
            <EntityOf kind id query=query.with_untracked(|query| query.to_query_string())/>
        </For>
    }
}

#[component]
fn EntityOf(kind: Kind, id: String, query: String) -> impl IntoView {
    let visit = load(
        || (),
        move |()| {
            let (id, query) = (id.clone(), query.clone());
            async move {
                let number =
                    id.parse::<i64>().ok().filter(|number| *number > 0).ok_or_else(|| {
                        AppError::NotFound(format!("There is no {} “{id}”; ids are whole numbers from 1", kind.singular()))
                    })?;
                fetch_page(kind, number, query).await
            }
        },
    );
    view! {
        <Suspense fallback=|| view! { <p class="page-loading" role="status">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match visit.await {
                    Ok(Visit::Page(view)) => view! { <EntityBody view=*view/> }.into_any(),
                    Ok(Visit::Fetching { html, running }) => view! { <Fetching html running/> }.into_any(),
                    Err(error) => view! { <ErrorCard error/> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn EntityBody(view: PageView) -> AnyView {
    let PageView { entity, head, siblings, panels, room } = view;
    enter(&room);
    let kind = entity.kind;
    let base = use_base().0;
    let Head { title, subtitle, description, .. } = head.clone();
    let head = live_head(entity, head);
    let panels = panels.into_iter().map(|panel| view! { <Panel source=Signal::stored(entity) view=panel/> }).collect_view();
    view! {
        <Title text=title.clone()/>
        <link rel="preload" href=crate::app::components::plotly_url(&base) r#as="script"/>
        <nav class="crumbs" aria-label="You are here">
            <a href=href(&format!("/{}", kind.word()))>{kind.plural()}</a>
            <span aria-hidden="true">"/"</span>
            <b>{title.clone()}</b>
            <span class="space"></span>
            <span class="id">{subtitle}</span>
        </nav>
        <div class="head">
            <div>
                <h1>{title}</h1>
                <p class="description">{description}</p>
            </div>
            <dl class="facts">{move || head.with(|head| head.facts.iter().map(fact_view).collect_view())}</dl>
        </div>
        <RoomBar/>
        {(!siblings.is_empty()).then(|| view! { <DatasetMenu id=entity.id siblings/> })}
        {(kind == Kind::Task).then(|| view! { <Replay task=entity.id/> })}
        <DataChanged entity/>
        <p class="note" role="status" hidden=move || head.with(|head| head.note.is_empty()) data-gathering=move || head.with(|head| head.coming.to_string())>{move || head.with(|head| head.note.clone())}</p>
        <div class="grid">{panels}</div>
        <div class="related">
            {move || head.with(|head| head.related.iter().cloned().map(|related| view! { <RelatedList related/> }).collect_view())}
        </div>
    }
    .into_any()
}

/// An entity that is on its way from the upstream. The server writes how far it is (`server::upstream`).
#[component]
fn Fetching(html: String, running: bool) -> AnyView {
    Effect::new(move |_| {
        if running {
            set_timeout(|| drop(window().location().reload()), EVERY);
        }
    });
    view! { <Title text="Fetching"/><div inner_html=html></div> }.into_any()
}

/// The head as it is now: read again whenever the entity changes, and while something comes for it from the upstream.
fn live_head(entity: Entity, head: Head) -> RwSignal<Head> {
    let session = use_session();
    let head = RwSignal::new(head);
    let again = RwSignal::new(0_u32);
    Effect::new(move |seen: Option<(u64, u32)>| {
        let revision = session.revision(entity);
        let now = (revision, again.get());
        if seen.is_some_and(|seen| seen != now) {
            leptos::task::spawn_local(async move {
                // What comes late is not shown over something newer.
                if let Ok(now) = fetch_head(entity.kind, entity.id).await
                    && session.revisions.with_untracked(|revisions| revisions.get(&entity).copied().unwrap_or(0)) == revision
                {
                    head.try_set(now);
                }
            });
        }
        now
    });
    Effect::new(move |_| {
        if head.with(|head| head.coming) {
            let ask = move || {
                again.try_update(|times| *times += 1);
            };
            set_timeout(ask, EVERY);
        }
    });
    head
}

fn fact_view(fact: &Fact) -> impl IntoView + use<> {
    let Fact { label, value, link } = fact.clone();
    let value = match link {
        Some(link) => view! { <a href=href(&link)>{value}</a> }.into_any(),
        None => value.into_any(),
    };
    view! { <div><dt>{label}</dt><dd>{value}</dd></div> }
}

/// The dropdown that leads from one dataset's page to another's.
#[component]
fn DatasetMenu(id: i64, siblings: Vec<(i64, String)>) -> impl IntoView {
    let navigate = use_navigate();
    let go = move |event| {
        if let Ok(id) = event_target_value(&event).parse() {
            navigate(&Entity::new(Kind::Data, id).path(), leptos_router::NavigateOptions::default());
        }
    };
    let options = siblings
        .into_iter()
        .map(|(sibling, name)| view! { <option value=sibling.to_string() selected=sibling == id>{name}</option> })
        .collect_view();
    view! {
        <div class="controls page-controls">
            <label class="control"><span>"dataset"</span><select name="page.dataset" on:change=go>{options}</select></label>
        </div>
    }
}

/// Says so when the entity changed in a way that only its own page's text shows.
#[component]
fn DataChanged(entity: Entity) -> impl IntoView {
    let session = use_session();
    let count = move || session.revision(entity);
    view! {
        <p class="quiet" role="status">
            {move || match count() { 0 => String::new(), 1 => "Updated once since you opened the page".to_owned(), n => format!("Updated {n} times since you opened the page") }}
        </p>
    }
}

#[component]
fn RelatedList(related: Related) -> impl IntoView {
    let Related { title, entries, total, more } = related;
    let shown = entries.len() as u64;
    let items = entries.into_iter().map(|(entity, name)| view! { <li><a href=href(&entity.path())>{name}</a></li> }).collect_view();
    view! {
        <section class="card">
            <h2>{title}" "<span class="provenance">{total}</span></h2>
            <ul>{items}</ul>
            {more.filter(|_| shown < total).map(|more| view! { <p><a href=href(&more)>"All of them"</a></p> })}
        </section>
    }
}
