//! The frame around every panel: controls, loading, errors with retry, empty states with their
//! reason, table twin, summary, provenance, downloads, full screen. Written once, here.

use leptos::html;
use leptos::prelude::*;

use crate::app::components::button::plain;
use crate::app::components::control::ControlBar;
use crate::app::components::table::{Chooser, DataTable, Sorter};
use crate::app::room::{use_page, use_session};
use crate::app::theme::use_theme;
use crate::app::use_base;
use crate::controls::{self, Controls};
use crate::error::AppError;
use crate::model::{Entity, PanelView, Span};
use crate::view;

/// How a panel stands; `data-state` on its section, for tests and scripts.
#[derive(Clone, Debug, PartialEq)]
pub enum PanelState {
    Loading,
    Ready,
    Empty(String),
    Error(AppError),
}

impl PanelState {
    const fn word(&self) -> &'static str {
        match self {
            PanelState::Loading => "loading",
            PanelState::Ready => "ready",
            PanelState::Empty(_) => "empty",
            PanelState::Error(_) => "error",
        }
    }
}

/// What a panel draws next: the source of its answer and everything that the answer depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureRequest {
    /// `/api/figures/...` with the controls, below the base path.
    pub url: String,
    /// Changes when the source's data has changed.
    pub revision: u64,
    /// Changes when the visitor asks again after an error.
    pub attempt: u32,
}

/// The address of a panel's answers: `figure`, `csv` or `raster`.
fn address(base: &str, source: Entity, panel: &str, part: &str, values: &Controls, extra: &str) -> String {
    let query = controls::to_query(values);
    let mark = if query.is_empty() && extra.is_empty() { "" } else { "?" };
    let and = if query.is_empty() || extra.is_empty() { "" } else { "&" };
    format!("{base}/api/figures/{}/{}/{panel}{part}{mark}{query}{and}{extra}", source.kind.word(), source.id)
}

#[component]
pub fn Panel(
    /// Whose panel this is; it may change in place, as on the explore page.
    #[prop(into)]
    source: Signal<Entity>,
    /// What the server drew.
    view: PanelView,
) -> impl IntoView {
    let page = use_page();
    let session = use_session();
    let theme = use_theme();
    let base = use_base().0;
    let name = view.name.clone();
    let title = view.title.clone();
    let chart = view.height > 0;
    let picture = view.picture.clone();
    let span = match view.span {
        Span::Full => "full",
        Span::Wide => "wide",
        Span::Side => "side",
        Span::Half => "half",
    };
    let state = RwSignal::new(match &view.empty {
        Some(reason) => PanelState::Empty(reason.clone()),
        None if chart => PanelState::Loading,
        None => PanelState::Ready,
    });
    let shown = RwSignal::new(view);
    let attempt = RwSignal::new(0_u32);
    let section = NodeRef::<html::Section>::new();
    let host = NodeRef::<html::Div>::new();

    let values = {
        let name = name.clone();
        Memo::new(move |_| page.values.with(|values| controls::of_panel(values, &name)))
    };
    let look = {
        let name = name.clone();
        move |property: &str| page.values.with(|values| values.get(&format!("{name}.{property}")).and_then(|value| value.first().cloned()))
    };
    let twin = {
        let look = look.clone();
        Memo::new(move |_| look(view::TWIN).is_some())
    };
    let set_twin = {
        let key = format!("{name}.{}", view::TWIN);
        move |on: bool| {
            if on != twin.get_untracked() {
                page.submit(vec![(key.clone(), on.then(|| "on".into()))]);
            }
        }
    };
    let request = {
        let (base, name, look) = (base.clone(), name.clone(), look.clone());
        Memo::new(move |_| {
            let source = source.get();
            let mut extra = "for=page".to_owned();
            if chart {
                extra.push_str("&theme=");
                extra.push_str(theme.0.get().word());
            }
            if let Some(zoom) = shown.with(|view| view.refines).then(|| look(view::ZOOM)).flatten() {
                extra.push_str("&zoom=");
                extra.push_str(&controls::encode(&zoom));
            }
            FigureRequest {
                url: address(&base, source, &name, "", &values.get(), &extra),
                revision: session.revision(source),
                attempt: attempt.get(),
            }
        })
    };
    #[cfg(feature = "hydrate")]
    crate::client::panel::drive(crate::client::panel::Driven { request, state, shown, page, host, attempt, chart });
    #[cfg(not(feature = "hydrate"))]
    let _ = request;

    let csv = {
        let (base, name) = (base.clone(), name.clone());
        move || address(&base, source.get(), &name, "/csv", &shown.with(PanelView::values), "")
    };
    let rows_known = move || shown.with(|view| view.provenance.rows_total > 0);
    let provenance = move || {
        shown.with(|view| {
            let origin = &view.provenance;
            let rows = if origin.rows_shown == origin.rows_total {
                format!("{} rows", thousands(origin.rows_total))
            } else {
                format!("{} of {} rows", thousands(origin.rows_shown), thousands(origin.rows_total))
            };
            let seed = origin.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
            if origin.method.is_empty() { format!("{rows}{seed}") } else { format!("{rows}, {}{seed}", origin.method) }
        })
    };
    let origin = move || {
        let formula = shown.with(|view| view.provenance.formula.clone());
        formula.map_or_else(provenance, |formula| format!("{}; {formula}", provenance()))
    };
    let image = move |format: &'static str| {
        #[cfg(feature = "hydrate")]
        crate::client::panel::save_image(host, &shown.with_untracked(|view| view.title.clone()), format, session);
        #[cfg(not(feature = "hydrate"))]
        let _ = (format, host);
    };
    let full = move || {
        #[cfg(feature = "hydrate")]
        crate::client::panel::full_screen(section);
        #[cfg(not(feature = "hydrate"))]
        let _ = section;
    };
    let table = Signal::derive(move || shown.with(|view| view.table.clone()));
    let chooser = shown.with_untracked(|view| {
        view.table.chooses.as_ref().and_then(|key| key.split_once('.')).map(|(panel, control)| Chooser {
            page,
            panel: panel.to_owned(),
            control: control.to_owned(),
            default: Signal::derive(move || {
                shown.with(|view| view.control("chosen").map(|chosen| chosen.value.clone()).unwrap_or_default())
            }),
        })
    });
    let has_rows = move || shown.with(|view| !view.table.rows.is_empty());
    let legend = move || shown.with(|view| view.legend.clone());
    let twin_note = move || {
        shown.with(|view| {
            let (here, all) = (view.table.rows.len() as u64, view.table.total);
            (here < all).then(|| format!("The first {} of {} rows; the CSV has all of them", thousands(here), thousands(all)))
        })
    };
    let sorter = Some(Sorter { page, key: format!("{name}.{}", view::SORT) });
    let heading = format!("{name}-title");
    let heading_id = heading.clone();
    // Charts with a row per item are as high as what they show.
    let style = move || format!("--chart-height:{}px", shown.with(|view| view.height));
    view! {
        <section node_ref=section class=format!("panel {span}") data-panel=name.clone()
            data-state=move || state.with(PanelState::word) aria-labelledby=heading>
            <header class="panel-head">
                <h2 id=heading_id>{title.clone()}</h2>
                <span class="provenance" title=origin hidden=move || !rows_known()>{provenance}</span>
                <span class="here"></span>
                <span class="space"></span>
                <div class="tools" role="group" aria-label=format!("{title}: tools")>
                    {chart.then(|| view! {
                        <button type="button" aria-pressed=move || twin.get().to_string() on:click={ let set = set_twin.clone(); move |_| set(!twin.get_untracked()) }>"Table"</button>
                        {plain("", "PNG", move || image("png"))}
                        {plain("", "SVG", move || image("svg"))}
                    })}
                    <a href=csv download=format!("{name}.csv") rel="external">"CSV"</a>
                    {plain("", "Full screen", full)}
                </div>
            </header>
            <ControlBar panel=name.clone() shown/>
            {if chart {
                view! {
                    <figure class="chart" style=style>
                        <div class="picture" aria-hidden="true" inner_html=picture></div>
                        <div class="host" node_ref=host role="img" aria-label=move || shown.with(|view| format!("{}. {}", view.title, view.summary))></div>
                        <Overlay state attempt/>
                        <figcaption class="legend" hidden=move || legend().is_empty()>
                            <For each=legend key=|entry| (entry.label.clone(), entry.count, entry.color.clone()) let:entry>
                                <span><i class=format!("symbol {}", entry.symbol) style=format!("--symbol-color:{}", entry.color)></i>
                                    {entry.label}" "<b>{thousands(entry.count)}</b></span>
                            </For>
                        </figcaption>
                    </figure>
                    <p class="summary" aria-live="polite">{move || shown.with(|view| view.summary.clone())}</p>
                    <details class="twin" prop:open=twin on:toggle=move |event| set_twin(details_open(&event))>
                        <summary>"The same as a table"</summary>
                        <p class="note">{twin_note}</p>
                        <Show when=has_rows>
                            <DataTable table caption=format!("{title}: table") chooser=None sorter=sorter.clone()/>
                        </Show>
                    </details>
                }.into_any()
            } else {
                view! {
                    <Overlay state attempt/>
                    <DataTable table caption=title.clone() chooser=chooser sorter=sorter/>
                    <p class="summary" aria-live="polite" hidden=move || shown.with(|view| view.summary.is_empty())>
                        {move || shown.with(|view| view.summary.clone())}
                    </p>
                }.into_any()
            }}
        </section>
    }
}

/// Whether a `<details>` element has just been opened.
fn details_open(event: &leptos::ev::Event) -> bool {
    #[cfg(feature = "hydrate")]
    {
        event_target::<leptos::web_sys::Element>(event).has_attribute("open")
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = event;
        false
    }
}

/// What lies over a panel that has nothing (new) to show.
#[component]
fn Overlay(state: RwSignal<PanelState>, attempt: RwSignal<u32>) -> impl IntoView {
    view! {
        {move || match state.get() {
            PanelState::Ready => ().into_any(),
            PanelState::Loading => view! { <div class="progress" role="progressbar" aria-label="Loading"></div> }.into_any(),
            PanelState::Empty(reason) => view! { <p class="overlay empty">{reason}</p> }.into_any(),
            PanelState::Error(error) => view! {
                <div class="overlay error" role="alert">
                    <p>{error.to_string()}</p>
                    {plain("button", "Try again", move || attempt.update(|n| *n += 1))}
                </div>
            }.into_any(),
        }}
    }
}

/// A count with thin separators, as people read it: 336,776.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1000), "1,000");
        assert_eq!(thousands(336_776), "336,776");
    }

    #[test]
    fn addresses_carry_only_what_they_have() {
        let source = Entity::new(Kind::Data, 5);
        let none = Controls::new();
        assert_eq!(address("", source, "scatter", "", &none, ""), "/api/figures/data/5/scatter");
        let some = Controls::from([("x".to_owned(), vec!["a b".to_owned()])]);
        assert_eq!(address("/p", source, "scatter", "/csv", &some, "theme=dark"), "/p/api/figures/data/5/scatter/csv?x=a%20b&theme=dark");
    }
}
