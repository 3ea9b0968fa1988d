//! The collaborative platform in one page: a title, a dataset dropdown, a scatter. All of it is
//! shared, the dataset too: choosing another one redraws everybody's chart in place.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::api::fetch_explore;
use crate::app::components::error_card::ErrorCard;
use crate::app::components::room_bar::RoomBar;
use crate::app::load;
use crate::app::panel::Panel;
use crate::app::room::{enter, use_page};
use crate::app::{href, use_base};
use crate::model::{Entity, ExploreView, Kind};

/// The shared control that chooses the dataset.
pub const DATASET: &str = "explore.data";

#[component]
pub fn ExplorePage() -> impl IntoView {
    let query = use_location().query;
    let view = load(|| (), move |()| fetch_explore(query.with_untracked(|query| query.to_query_string())));
    view! {
        <Title text="Explore"/>
        <Transition fallback=|| view! { <p class="page-loading" role="status">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(view) => view! { <Explore view/> }.into_any(),
                    Err(error) => view! { <ErrorCard error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Explore(view: ExploreView) -> AnyView {
    let ExploreView { data: initial, siblings, panel, room } = view;
    enter(&room);
    let page = use_page();
    let base = use_base().0;
    let known = siblings.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let data = Memo::new(move |_| {
        page.values.with(|values| values.get(DATASET)?.first()?.parse::<i64>().ok()).filter(|id| known.contains(id)).unwrap_or(initial)
    });
    // One gesture: another dataset, and axes that its features can answer.
    let choose = move |event| {
        let id = event_target_value(&event);
        let mut gesture = vec![(DATASET.to_owned(), Some(serde_json::Value::from(id)))];
        gesture.extend(["scatter.x", "scatter.y", "scatter.color"].map(|key| (key.to_owned(), None)));
        page.submit(gesture);
    };
    let name = {
        let siblings = siblings.clone();
        move || siblings.iter().find(|(id, _)| *id == data.get()).map(|(_, name)| name.clone())
    };
    let options = siblings
        .into_iter()
        .map(|(id, name)| view! { <option value=id.to_string() selected=move || data.get() == id>{name}</option> })
        .collect_view();
    view! {
        <link rel="preload" href=crate::app::components::plotly_url(&base) r#as="script"/>
        <div class="head">
            <div>
                <h1>"Explore together"</h1>
                <p class="description">"Everybody on this page looks at the same dataset through the same axes. Turn a dropdown, and all charts follow."</p>
            </div>
        </div>
        <RoomBar/>
        <div class="controls page-controls">
            <label class="control">
                <span>"dataset"</span>
                <select name=DATASET prop:value=move || data.get().to_string() on:change=choose>{options}</select>
            </label>
            <a class="button" href=move || href_of(data.get())>"Open "{name}</a>
        </div>
        <div class="grid"><Panel source=Signal::derive(move || Entity::new(Kind::Data, data.get())) view=panel/></div>
    }
    .into_any()
}

fn href_of(id: i64) -> String {
    href(&Entity::new(Kind::Data, id).path())
}
