//! Drives a panel in the browser: asks for its figure when its controls, its data or the
//! theme change, and hands the answer to plotly.js.

use js_sys::Reflect;
use leptos::html;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, HtmlElement};

use super::look::{self, Look};
use super::{fetch, overlay, plotly, rows};
use crate::app::components::plotly_url;
use crate::app::panel::{FigureRequest, PanelState};
use crate::app::room::{Page, Session, Status};
use crate::app::use_base;
use crate::error::AppError;
use crate::model::PanelView;
use crate::view::SELECTION;

/// Widths for which figures are asked, so that people share answers; the one below the panel's own, so that legends fit.
const WIDTHS: [i32; 11] = [320, 400, 480, 560, 640, 720, 840, 960, 1120, 1320, 1600];

/// The handles through which the driver reads and moves a panel.
#[derive(Clone, Copy, Debug)]
pub struct Driven {
    pub request: Memo<FigureRequest>,
    pub state: RwSignal<PanelState>,
    pub shown: RwSignal<PanelView>,
    pub page: Page,
    pub host: NodeRef<html::Div>,
    /// Counts the times that the visitor, or the way back of the network, asked again.
    pub attempt: RwSignal<u32>,
    /// Whether the panel draws a chart, or is a table only.
    pub chart: bool,
}

pub fn drive(driven: Driven) {
    let plotly = plotly_url(&use_base().0);
    let navigate = use_navigate();
    let running = StoredValue::new_local(None::<AbortController>);
    let listening = StoredValue::new_local(Vec::<Closure<dyn FnMut(JsValue)>>::new());
    let session = expect_context::<Session>();
    let look = Memo::new(move |_| {
        let name = driven.shown.with(|view| view.name.clone());
        let mut look = driven.page.values.with(|values| Look::of(values, &name));
        if !look.selection.is_empty() {
            look.color = super::color(&session.author_of(&format!("{name}.{SELECTION}"))).unwrap_or_default();
        }
        look
    });
    let drawn = move || driven.host.get_untracked().filter(|host| host.has_attribute("data-drawn"));
    // However often it changes, a chart is drawn once a frame, as it is then.
    let in_frame = StoredValue::new(false);
    Effect::new(move |_| {
        look.track();
        if in_frame.get_value() {
            return;
        }
        in_frame.set_value(true);
        request_animation_frame(move || {
            // The panel may be gone by then.
            let (Some(()), Some(look)) = (in_frame.try_update_value(|waits| *waits = false), look.try_get_untracked()) else { return };
            if let Some(host) = drawn() {
                look::change(&host, &look);
                rows::count_selected(&host, &look);
            }
        });
    });
    Effect::new(move |_| {
        session.doings.track();
        if let Some(host) = drawn() {
            show_others(&host, driven, session);
        }
    });
    let listen = move |host: &HtmlElement| {
        if !listening.with_value(Vec::is_empty) {
            return;
        }
        let navigate = navigate.clone();
        let click = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
            if let Some(path) = target_of(&event) {
                navigate(&path, NavigateOptions::default());
            }
        });
        let element = host.clone();
        let looked = Closure::<dyn FnMut(JsValue)>::new(move |_| {
            let Some(look) = look.try_get_untracked() else { return };
            let name = driven.shown.with_untracked(|view| view.name.clone());
            let gesture = look::gesture(&element, &name, &look);
            if !gesture.is_empty() {
                driven.page.submit(gesture);
            }
        });
        let element = host.clone();
        let drawn = Closure::<dyn FnMut(JsValue)>::new(move |_| {
            show_others(&element, driven, session);
            super::pins::draw();
        });
        plotly::on(host, "plotly_afterplot", drawn.as_ref().unchecked_ref());
        plotly::on(host, "plotly_click", click.as_ref().unchecked_ref());
        for event in ["plotly_relayout", "plotly_restyle", "plotly_deselect"] {
            plotly::on(host, event, looked.as_ref().unchecked_ref());
        }
        listening.update_value(|listening| listening.extend([click, looked, drawn]));
    };
    let listen = StoredValue::new_local(listen);
    // The effect keeps what was asked last; before the host is there, nothing was.
    Effect::new(move |asked: Option<Option<FigureRequest>>| {
        let asked = asked.flatten();
        let request = driven.request.get();
        let Some(host) = driven.host.get().map(HtmlElement::from).or_else(|| (!driven.chart).then(blank)) else {
            return asked;
        };
        // A table's first rows came with the page.
        let known = !driven.chart && asked.is_none();
        if known || asked.as_ref() == Some(&request) {
            return Some(request);
        }
        running.update_value(|running| {
            if let Some(before) = running.take() {
                before.abort();
            }
            *running = AbortController::new().ok();
        });
        let signal = running.with_value(|running| running.as_ref().map(AbortController::signal));
        driven.state.set(PanelState::Loading);
        let news = asked.as_ref().is_some_and(|asked| asked.url == request.url && asked.revision != request.revision);
        let (url, plotly_url) = (sized(&request.url, &host, driven), plotly.clone());
        leptos::task::spawn_local(async move {
            let superseded = || signal.as_ref().is_some_and(web_sys::AbortSignal::aborted);
            // What nobody is about to see is not asked for.
            if driven.chart && is_far(&host) && plotly::load(&plotly_url).await.is_ok() {
                plotly::come_near(&host).await;
            }
            if superseded() {
                return;
            }
            // Where all rows take long, a first look at some of them comes before.
            let mut first = if driven.chart { "&first=on" } else { "" };
            loop {
                let answer = fetch::json(&format!("{url}{first}"), signal.as_ref()).await;
                if superseded() {
                    return;
                }
                let outcome = async {
                    let (view, figure) = split(answer?)?;
                    if driven.chart && view.empty.is_none() {
                        plotly::load(&plotly_url).await?;
                        if superseded() || !host.is_connected() {
                            return Ok(None);
                        }
                        // What came with new data is ringed; another view is not news.
                        let before = news.then(|| plotly::marks(&host));
                        // The panel may be gone whenever something was waited for.
                        let Some(wanted) = look.try_get_untracked() else { return Ok(None) };
                        look::put_on(&figure, &wanted);
                        plotly::draw(&host, &figure).await?;
                        let Some(wanted) = look.try_get_untracked() else { return Ok(None) };
                        let _ = host.set_attribute("data-drawn", "true");
                        rows::remember(&host, &url);
                        rows::count_selected(&host, &wanted);
                        if let Some(before) = before {
                            let host = host.clone();
                            leptos::task::spawn_local(async move {
                                plotly::ring(&host, &before, &super::color("--accent").unwrap_or_default()).await;
                            });
                        }
                        listen.try_with_value(|listen| listen(&host));
                    } else if driven.chart {
                        plotly::clear(&host);
                        let _ = host.remove_attribute("data-drawn");
                    }
                    Ok(Some((view, plotly::dig(&figure, &["layout", "meta", "follows"]).is_some())))
                }
                .await;
                match outcome {
                    Ok(Some((view, follows))) => {
                        if superseded() {
                            return;
                        }
                        let state = view.empty.clone().map_or(PanelState::Ready, PanelState::Empty);
                        driven.shown.try_set(view);
                        if follows {
                            first = "";
                            continue;
                        }
                        driven.state.try_set(state);
                    }
                    Ok(None) => {}
                    Err(error) => {
                        driven.state.try_set(PanelState::Error(error));
                    }
                }
                return;
            }
        });
        Some(request)
    });
    // What failed while the server was away is asked again when it is back.
    Effect::new(move |_| {
        let failed = driven.state.with_untracked(|state| matches!(state, PanelState::Error(AppError::Unreachable(_))));
        if session.status.get() == Status::Live && failed {
            driven.attempt.update(|attempt| *attempt += 1);
        }
    });
    on_cleanup(move || {
        if let Some(Some(running)) = running.try_update_value(Option::take) {
            running.abort();
        }
        if let Some(host) = driven.host.get_untracked() {
            plotly::clear(&host.into());
        }
    });
}

/// Whether a chart is so many screens below that it is not drawn yet.
fn is_far(host: &HtmlElement) -> bool {
    let screen = f64::from(document().document_element().map_or(0, |root| root.client_height()));
    host.get_bounding_client_rect().top() > 3.0 * screen
}

fn show_others(host: &HtmlElement, driven: Driven, session: Session) {
    let Some(name) = driven.shown.try_with_untracked(|view| view.name.clone()) else { return };
    overlay::draw(host, &name, &untrack(|| session.others()));
}

/// A stand-in for the host of a panel that draws no chart.
fn blank() -> HtmlElement {
    document().body().expect("a hydrated document has a body")
}

fn sized(url: &str, host: &HtmlElement, driven: Driven) -> String {
    if !driven.chart {
        return url.to_owned();
    }
    let width = host.client_width();
    let width = WIDTHS.into_iter().rev().find(|step| *step <= width).unwrap_or(WIDTHS[0]);
    let height = driven.shown.with_untracked(|view| view.height);
    format!("{url}&size={width}x{height}")
}

/// Parts an answer into its text and its figure.
fn split(answer: JsValue) -> Result<(PanelView, JsValue), AppError> {
    let bad = |reason: String| AppError::Internal(format!("the server's answer could not be read: {reason}"));
    let figure = Reflect::get(&answer, &"figure".into()).unwrap_or(JsValue::NULL);
    let text = plotly::dig(&answer, &["view"]).and_then(|view| view.as_string()).unwrap_or_default();
    // The browser's own way from base64 gives a character for each byte.
    let bytes = window().atob(&text).unwrap_or_default().chars().map(|c| c as u8).collect::<Vec<_>>();
    let view = postcard::from_bytes(&bytes).map_err(|error| bad(error.to_string()))?;
    Ok((view, figure))
}

/// The page that a clicked mark stands for, where the figure says what its marks are.
fn target_of(event: &JsValue) -> Option<String> {
    let point = plotly::dig(event, &["points", "0"])?;
    let kind = plotly::dig(&point, &["fullData", "meta", "link"])?.as_string()?;
    let id = plotly::id_of(&plotly::dig(&point, &["customdata"])?)?;
    Some(format!("/{kind}/{id}"))
}

pub fn save_image(host: NodeRef<html::Div>, title: &str, format: &'static str, session: Session) {
    let Some(host) = host.get_untracked() else { return };
    let name = title.to_ascii_lowercase().replace(' ', "-");
    leptos::task::spawn_local(async move {
        if let Err(error) = plotly::download(&host.into(), &name, format).await {
            session.notify(error.to_string());
        }
    });
}

pub fn full_screen(section: NodeRef<html::Section>) {
    let Some(section) = section.get_untracked() else { return };
    if document().fullscreen_element().is_some() {
        document().exit_fullscreen();
    } else {
        let _ = section.request_fullscreen();
    }
}
