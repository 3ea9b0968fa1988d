//! The start page: what is here, what is new, where to begin.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::fetch_home;
use crate::app::components::error_card::ErrorCard;
use crate::app::components::search::SearchBox;
use crate::app::components::table::DataTable;
use crate::app::href;
use crate::app::load;
use crate::app::panel::thousands;
use crate::app::room::{enter, use_session};
use crate::model::{ColumnHead, HomeView, RoomView, TableView};

#[component]
pub fn HomePage() -> impl IntoView {
    let session = use_session();
    enter(&RoomView { room: "/".to_owned(), ..RoomView::default() });
    let view = load(move || session.catalogue.get(), |_| fetch_home());
    view! {
        <Title text=""/>
        <div class="hero">
            <h1>"Look at models together"</h1>
            <p>"Every dataset, task, flow and run has a live page that your team shares."</p>
            <SearchBox id="home-search"/>
        </div>
        <Transition fallback=|| view! { <p class="page-loading" role="status">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(view) => view! { <Home view/> }.into_any(),
                    Err(error) => view! { <ErrorCard error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Home(view: HomeView) -> AnyView {
    let counts = view
        .counts
        .iter()
        .map(|(kind, count)| {
            view! {
                <a class="card count" href=href(&format!("/{}", kind.word()))>
                    <b>{thousands(*count)}</b>
                    <span>{kind.plural()}</span>
                </a>
            }
        })
        .collect_view();
    let datasets = view
        .datasets
        .into_iter()
        .map(|(entity, name, detail)| {
            view! {
                <li><a href=href(&entity.path())><b>{name}</b><span>{detail}</span></a></li>
            }
        })
        .collect_view();
    let heads = ["Run", "Flow", "Data", "Measure", "Value", "By"];
    let recent = TableView {
        columns: heads.iter().map(|name| ColumnHead { name: (*name).to_owned(), numeric: *name == "Value", help: None }).collect(),
        total: view.recent.len() as u64,
        rows: view.recent,
        chooses: None,
    };
    view! {
        <div class="counts">{counts}</div>
        <div class="grid">
            <section class="panel wide">
                <div class="panel-head"><h2>"Latest runs"</h2></div>
                <DataTable table=Signal::stored(recent) caption="Latest runs" chooser=None sorter=None/>
            </section>
            <section class="panel side">
                <div class="panel-head"><h2>"Start here"</h2></div>
                <p class="note">"Open a dataset, or "<a href=href("/explore")>"explore one together"</a>": send the page's address to a colleague and turn a dropdown."</p>
                <ul class="tiles">{datasets}</ul>
                <p class="note">"Have data of your own? Drop a file onto any page, or see "<a href=href("/new") rel="external">"all ways to bring it in"</a>"."</p>
            </section>
        </div>
    }
    .into_any()
}
