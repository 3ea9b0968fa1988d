//! The lists of datasets, tasks, flows and runs: searched, sorted and paged by the server,
//! with the state in the URL, so that they work without scripts too.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api::fetch_list;
use crate::app::components::error_card::ErrorCard;
use crate::app::components::table::DataTable;
use crate::app::href;
use crate::app::load;
use crate::app::panel::thousands;
use crate::app::room::{enter, use_session};
use crate::controls::encode;
use crate::model::{Kind, ListView, RoomView};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    search: String,
    sort: String,
    page: u64,
}

impl Asked {
    fn url(&self, kind: Kind) -> String {
        let mut parts = Vec::new();
        for (name, value) in [("search", &self.search), ("sort", &self.sort)] {
            if !value.is_empty() {
                parts.push(format!("{name}={}", encode(value)));
            }
        }
        if self.page > 1 {
            parts.push(format!("page={}", self.page));
        }
        let mark = if parts.is_empty() { "" } else { "?" };
        format!("/{}{mark}{}", kind.word(), parts.join("&"))
    }
}

#[component]
pub fn ListPage(kind: Kind) -> impl IntoView {
    let query = use_query_map();
    let session = use_session();
    enter(&RoomView { room: format!("/{}", kind.word()), ..RoomView::default() });
    let asked = Memo::new(move |_| {
        query.with(|query| Asked {
            search: query.get("search").unwrap_or_default(),
            sort: query.get("sort").unwrap_or_default(),
            page: query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1),
        })
    });
    let view =
        load(move || (asked.get(), session.catalogue.get()), move |(asked, _)| fetch_list(kind, asked.search, asked.sort, asked.page));
    let navigate = use_navigate();
    let replace = move |event: leptos::ev::Event| {
        let next = Asked { search: event_target_value(&event), page: 1, ..asked.get_untracked() };
        navigate(&next.url(kind), NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    };
    view! {
        <Title text=kind.plural()/>
        <div class="head"><h1>{kind.plural()}</h1></div>
        <form class="controls page-controls" method="get" action=href(&format!("/{}", kind.word()))>
            <label class="control grow">
                <span>"Find"</span>
                <input type="search" name="search" autocomplete="off" placeholder="name or id"
                    value=asked.get_untracked().search prop:value=move || asked.get().search on:input=replace/>
            </label>
            <noscript><button class="button" type="submit">"Find"</button></noscript>
        </form>
        <Transition fallback=|| view! { <p class="page-loading" role="status">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(view) => view! { <List view asked=asked.get_untracked()/> }.into_any(),
                    Err(error) => view! { <ErrorCard error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn List(view: ListView, asked: Asked) -> AnyView {
    let ListView { kind, table, sorts, page_size } = view;
    let total = table.total;
    let pages = total.div_ceil(page_size.max(1)).max(1);
    let sort_links = sorts
        .into_iter()
        .map(|(value, label)| {
            let here = asked.sort == value;
            let to = Asked { sort: value, page: 1, ..asked.clone() }.url(kind);
            view! { <a href=href(&to) aria-current=here.then_some("true")>{label}</a> }
        })
        .collect_view();
    let step = |page: u64, label: &'static str| {
        ((1..=pages).contains(&page) && page != asked.page).then(|| {
            let to = Asked { page, ..asked.clone() }.url(kind);
            view! { <a class="button" href=href(&to)>{label}</a> }
        })
    };
    let previous = step(asked.page.saturating_sub(1), "Previous");
    let next = step(asked.page + 1, "Next");
    let count = match total {
        0 if asked.search.is_empty() => format!("No {} yet", kind.plural().to_ascii_lowercase()),
        0 => format!("Nothing is called “{}”", asked.search),
        1 => format!("1 {}", kind.singular()),
        n => format!("{} {}", thousands(n), kind.plural().to_ascii_lowercase()),
    };
    let empty = total == 0;
    view! {
        <section class="panel full list" data-list=kind.word()>
            <div class="panel-head">
                <h2>{count}</h2>
                <span class="space"></span>
                <nav class="sorts" aria-label="Sort by">{sort_links}</nav>
            </div>
            {(!empty).then(|| view! { <DataTable table=Signal::stored(table) caption=kind.plural() chooser=None sorter=None/> })}
            <nav class="pager" aria-label="Pages" hidden=pages == 1>
                {previous}
                <span>{format!("Page {} of {}", asked.page, thousands(pages))}</span>
                {next}
            </nav>
        </section>
    }
    .into_any()
}
