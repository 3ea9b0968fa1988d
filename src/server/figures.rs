//! The figure function: one source, one panel, one set of control values, one drawing; and its
//! door for the browser and for scripts, `GET /api/figures/{kind}/{id}/{panel}`.
//!
//! An answer is computed once however many ask for it at the same time, kept while there is
//! room, and compressed once. Its ETag is the hash of its content.

mod rows;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::FutureExt as _;
use labboard_figure::{Drawing, Rows, Theme};
use moka::future::Cache;
use serde::Serialize;
use serde_json::Value;

use super::assets::accepts;
use super::compute::Client;
use super::flight::Flights;
use super::source::{Source, blocking_failed};
use super::state::State;
use super::upstream;
use crate::app::panels::{self, AnyPanel, Canvas, Content};
use crate::controls::{Controls, encode, parameters, to_query};
use crate::error::AppError;
use crate::model::{Cell, ColumnHead, Entity, Kind, PanelView, Provenance, Row, TableView};
use crate::view::Zoom;

/// Rows of a table twin that travel with a page or a figure; the CSV has all.
const TWIN_ROWS: usize = 20;
pub use rows::{at, select};

/// Sides of a figure in CSS pixels.
const SIDES: std::ops::RangeInclusive<u32> = 120..=4000;
const DEFAULT_WIDTH: u32 = 720;

/// A request for a panel's drawing, with everything that the drawing depends on.
#[derive(Clone, Debug)]
pub struct Request {
    pub entity: Entity,
    pub panel: &'static dyn AnyPanel,
    /// The wanted values; what the source does not allow falls back to its default.
    pub wanted: Controls,
    pub canvas: Canvas,
    /// Puts a raster into the figure as a data URI instead of its URL.
    pub inline: bool,
    /// Answers everything but the figure in the form that labboard's own pages read.
    pub for_page: bool,
    /// Rows of the table that are wanted: few beside a chart, all in a CSV.
    pub rows: usize,
    /// Who asks, for a fair share.
    pub client: Client,
}

impl Request {
    pub fn new(entity: Entity, panel: &'static dyn AnyPanel, wanted: Controls) -> Self {
        let canvas = Canvas { theme: Theme::Light, width: DEFAULT_WIDTH, height: panel.height(), zoom: None, picture: true, first: false };
        Self { entity, panel, wanted, canvas, inline: false, for_page: false, rows: TWIN_ROWS, client: None }
    }

    fn parse(kind: &str, id: &str, panel: &str, query: &str) -> Result<Self, AppError> {
        Self::of(kind, id, panel, parameters(query))
    }

    fn of(kind: &str, id: &str, panel: &str, parameters: impl Iterator<Item = (String, String)>) -> Result<Self, AppError> {
        let kind = Kind::parse(kind).ok_or_else(|| AppError::NotFound(format!("“{kind}” is not one of data, task, flow and run")))?;
        let id = id.parse::<i64>().map_err(|_| AppError::NotFound(format!("There is no {} “{id}”", kind.singular())))?;
        let panel = panels::find(kind, panel).ok_or_else(|| AppError::NotFound(format!("A {} has no panel “{panel}”", kind.singular())))?;
        let mut request = Self::new(Entity::new(kind, id), panel, Controls::new());
        request.canvas.picture = false;
        let names = panel.control_names();
        for (name, value) in parameters {
            match name.as_str() {
                "size" => (request.canvas.width, request.canvas.height) = size(&value)?,
                "window" => request.canvas.zoom = Some(window(&value)?),
                "zoom" => {
                    let zoom = Zoom::parse(&value)
                        .ok_or_else(|| AppError::BadRequest(format!("zoom is TAG;x:LOW,HIGH;y:LOW,HIGH, not “{value}”")))?;
                    request.canvas.zoom = Some(zoom);
                }
                "theme" => {
                    request.canvas.theme = match value.as_str() {
                        "light" => Theme::Light,
                        "dark" => Theme::Dark,
                        _ => return Err(AppError::BadRequest(format!("theme is light or dark, not “{value}”"))),
                    };
                }
                "raster" => request.inline = value == "inline",
                "for" => request.for_page = value == "page",
                "first" => request.canvas.first = value == "on",
                // Part of URLs so that they may be cached; the source is always the newest.
                "v" => {}
                name if names.contains(&name) => {
                    let values = request.wanted.entry(name.to_owned()).or_default();
                    if !value.is_empty() {
                        values.push(value);
                    }
                }
                other => {
                    let known = names.join(", ");
                    return Err(AppError::BadRequest(format!(
                        "“{other}” is not a control of {} ({known}), nor size, window, zoom, theme, first or raster",
                        panel.name()
                    )));
                }
            }
        }
        Ok(request)
    }

    /// The same drawing has the same text.
    fn key(&self) -> String {
        let Canvas { theme, width, height, zoom, first, .. } = &self.canvas;
        let zoom = zoom.as_ref().map(Zoom::to_string).unwrap_or_default();
        format!(
            "{}/{}?{}&{theme:?}&{width}x{height}&{zoom}&{first}&{}",
            self.entity.path(),
            self.panel.name(),
            to_query(&self.wanted),
            if self.for_page {
                "page"
            } else if self.inline {
                "inline"
            } else {
                ""
            }
        )
    }

    /// The address of the drawing's raster; `follows` says that it is a first look.
    fn raster_url(&self, base: &str, hash: &str, follows: bool) -> String {
        let Canvas { theme, width, height, zoom, .. } = &self.canvas;
        let first = if follows { "&first=on" } else { "" };
        let theme = if *theme == Theme::Dark { "dark" } else { "light" };
        let query = to_query(&self.wanted);
        let and = if query.is_empty() { "" } else { "&" };
        let zoom = zoom.as_ref().map(|zoom| format!("&zoom={}", encode(&zoom.to_string()))).unwrap_or_default();
        let path = format!("{base}/api/figures{}/{}/raster", self.entity.path(), encode(self.panel.name()));
        format!("{path}?{query}{and}theme={theme}&size={width}x{height}{zoom}{first}&v={hash}")
    }
}

fn size(text: &str) -> Result<(u32, u32), AppError> {
    text.split_once('x')
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .filter(|(width, height)| SIDES.contains(width) && SIDES.contains(height))
        .ok_or_else(|| {
            AppError::BadRequest(format!("size is WIDTHxHEIGHT with sides from {} to {}, not “{text}”", SIDES.start(), SIDES.end()))
        })
}

fn window(text: &str) -> Result<Zoom, AppError> {
    let numbers = text.split(',').map(str::parse::<f64>).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    match numbers.as_slice() {
        &[x0, x1, y0, y1] if numbers.iter().all(|number| number.is_finite()) && x0 != x1 && y0 != y1 => {
            Ok(Zoom::window([x0, x1], [y0, y1]))
        }
        _ => Err(AppError::BadRequest(format!("window is x0,x1,y0,y1 with four different finite numbers, not “{text}”"))),
    }
}

/// A drawing in all its forms.
#[derive(Debug)]
pub struct Drawn {
    pub view: PanelView,
    /// `data`, `layout` and `config`; null for tables and empty panels.
    pub figure: Value,
    pub raster: Option<labboard_figure::Raster>,
}

/// The figure function.
pub fn draw(source: &Source, request: &Request, base: &str) -> Drawn {
    let panel = request.panel;
    let controls = panel.controls(source, &request.wanted);
    let values = panels::values_of(&controls);
    let mut view = PanelView {
        name: panel.name().to_owned(),
        title: panel.title().to_owned(),
        span: panel.span(),
        height: panel.height(),
        controls,
        // Who has asked for a window asks for it again, also where it is empty.
        refines: request.canvas.zoom.is_some(),
        ..PanelView::default()
    };
    let content = match panel.draw(source, &values, &request.canvas) {
        Ok(content) => content,
        Err(empty) => {
            view.empty = Some(empty.reason);
            return Drawn { view, figure: Value::Null, raster: None };
        }
    };
    match content {
        Content::Chart(drawing) => chart(*drawing, view, request, base),
        Content::Table { table, summary, provenance } => {
            view.summary = summary;
            view.provenance = provenance;
            view.table = table;
            Drawn { view, figure: Value::Null, raster: None }
        }
    }
}

/// Whether a figure is a first look, which the figure of all rows follows.
pub fn follows(figure: &Value) -> bool {
    figure.pointer("/layout/meta/follows").is_some()
}

fn chart(mut drawing: Drawing, mut view: PanelView, request: &Request, base: &str) -> Drawn {
    if let Some(raster) = &drawing.raster {
        let source = if request.inline { raster.data_uri() } else { request.raster_url(base, &raster.hash, follows(&drawing.figure)) };
        drawing.set_raster_source(&source);
    }
    // Charts with a row per item decide their height themselves.
    if let Some(height) = drawing.figure.pointer("/layout/height").and_then(Value::as_f64) {
        view.height = height as u32;
    }
    if let Some(layout) = drawing.figure.get_mut("layout").and_then(Value::as_object_mut) {
        view.axes = panels::axes_tag(layout.get("uirevision").and_then(Value::as_str).unwrap_or_default());
        let meta = layout.entry("meta").or_insert_with(|| serde_json::json!({}));
        view.refines = meta.get("refine").is_some();
        meta["axes"] = view.axes.as_str().into();
    }
    view.summary = drawing.summary;
    view.provenance = Provenance {
        rows_shown: drawing.provenance.rows_shown,
        rows_total: drawing.provenance.rows_total,
        method: drawing.provenance.method,
        seed: drawing.provenance.seed,
        formula: drawing.provenance.formula,
    };
    view.picture = drawing.picture.svg;
    view.table = table_view(&drawing.table, request.rows);
    Drawn { view, figure: drawing.figure, raster: drawing.raster }
}

fn table_view(rows: &Rows, most: usize) -> TableView {
    let cell = |cell: &labboard_figure::Cell| match cell {
        labboard_figure::Cell::Missing => Cell::text("–"),
        labboard_figure::Cell::Number(value) => Cell::number(*value, labboard_figure::text::number(*value, 6)),
        labboard_figure::Cell::Text(text) => Cell::text(text.clone()),
    };
    TableView {
        columns: rows.columns.iter().map(|head| ColumnHead { name: head.name.clone(), numeric: head.numeric, help: None }).collect(),
        rows: rows.rows.iter().take(most).map(|cells| Row { cells: cells.iter().map(cell).collect(), ..Row::default() }).collect(),
        total: rows.total,
        chooses: None,
    }
}

/// An answer, ready to be sent.
#[derive(Debug)]
struct Answer {
    /// Hash of the content.
    tag: String,
    plain: Bytes,
    /// Compressed when the first client asks for it.
    gzip: std::sync::OnceLock<Bytes>,
    raster: Option<Bytes>,
    /// Whether this is a first look, which the answer of all rows follows.
    follows: bool,
}

/// Kept answers, and what pages show of their panels before they ask for a figure.
#[derive(Debug)]
pub struct Figures {
    answers: Cache<(i64, String), Arc<Answer>>,
    /// Answers that somebody waits for.
    under_way: Flights<(i64, String), Result<Arc<Answer>, AppError>>,
    views: Cache<(i64, String), Arc<PanelView>>,
}

/// Of the memory for answers, what views may take beside it.
const SHARE_OF_VIEWS: u64 = 8;
/// About what a view takes beside its picture: its table has few rows.
const VIEW_BYTES: usize = 8 << 10;

impl Figures {
    /// `room` is the memory for kept answers, in bytes.
    pub fn new(room: u64) -> Self {
        let weigh = |(_, key): &(i64, String), answer: &Arc<Answer>| {
            let bytes = key.len() + answer.plain.len() * 2 + answer.raster.as_ref().map_or(0, Bytes::len);
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let weigh_view = |(_, key): &(i64, String), view: &Arc<PanelView>| {
            u32::try_from(VIEW_BYTES + key.len() + view.picture.len()).unwrap_or(u32::MAX)
        };
        Self {
            answers: Cache::builder().max_capacity(room).weigher(weigh).build(),
            under_way: Flights::default(),
            views: Cache::builder().max_capacity(room / SHARE_OF_VIEWS).weigher(weigh_view).build(),
        }
    }

    /// The answer of all rows, or else a first look at them; both have the same key where no first look was asked for.
    async fn kept(&self, whole: &(i64, String), first: &(i64, String)) -> Option<Arc<Answer>> {
        match self.answers.get(whole).await {
            None if first != whole => self.answers.get(first).await,
            kept => kept,
        }
    }
}

/// What a request draws from.
async fn source_of(state: &State, request: &Request) -> Result<Arc<Source>, AppError> {
    let source = upstream::visit::source(state, request.entity).await?;
    let values = panels::values_of(&request.panel.controls(&source, &request.wanted));
    state.sources().with_measure(state, source, values.one("measure")).await
}

/// Draws in a thread that may be busy for a while.
///
/// # Errors
/// The source cannot be read, or too many wait already.
pub async fn drawn(state: &State, request: Request) -> Result<Drawn, AppError> {
    let source = source_of(state, &request).await?;
    let base = state.config().base_path.clone();
    // A first look is small work, however many rows there are, and does not wait for what is large.
    let is_first_look = request.canvas.first && source.rows() >= request.panel.first_look_from();
    let rows = if is_first_look { 0 } else { source.rows() };
    state.compute().run(request.client, rows, move || draw(&source, &request, &base)).await
}

/// What a page shows of a panel before it asks for its figure.
///
/// # Errors
/// The source cannot be read.
pub async fn view(state: &State, request: Request) -> Result<Arc<PanelView>, AppError> {
    let key = (state.revision(request.entity), request.key());
    let draw = async { Ok(Arc::new(drawn(state, request).await?.view)) };
    state.figures().views.try_get_with(key, draw).await.map_err(|error: Arc<AppError>| (*error).clone())
}

async fn answer(state: &State, request: Request) -> Result<Arc<Answer>, AppError> {
    let revision = state.revision(request.entity);
    let key = (revision, request.key());
    // Where all rows were counted already, or are as soon as some, there is no first look.
    let whole = match request.canvas.first {
        true => (revision, Request { canvas: Canvas { first: false, ..request.canvas.clone() }, ..request.clone() }.key()),
        false => key.clone(),
    };
    if let Some(known) = state.figures().kept(&whole, &key).await {
        return Ok(known);
    }
    let begin = || {
        let (state, key) = (state.clone(), key.clone());
        async move {
            // It may have come since.
            if let Some(known) = state.figures().kept(&whole, &key).await {
                return Ok(known);
            }
            let answer = Arc::new(made(&state, request).await?);
            state.figures().answers.insert(if answer.follows { key } else { whole }, Arc::clone(&answer)).await;
            Ok(answer)
        }
        .boxed()
    };
    state.figures().under_way.join(key.clone(), begin).await
}

/// The text of an answer, with the facts of the drawing as an object.
#[derive(Serialize)]
struct Plain<'a, V> {
    #[serde(flatten)]
    view: V,
    raster: Option<&'a str>,
    figure: &'a Value,
}

/// The facts as pages read them, which costs them less code than JSON.
#[derive(Serialize)]
struct Encoded {
    view: String,
}

async fn made(state: &State, request: Request) -> Result<Answer, AppError> {
    let (inline, for_page) = (request.inline, request.for_page);
    let drawn = drawn(state, request).await?;
    let follows = follows(&drawn.figure);
    let (view, figure) = (&drawn.view, &drawn.figure);
    let raster = drawn.raster.as_ref().filter(|_| !inline).and_then(|raster| raster.source.as_deref());
    let failed = |error: &dyn std::fmt::Display| AppError::Internal(error.to_string());
    let plain = if for_page {
        let view = postcard::to_allocvec(view).map_err(|error| failed(&error))?;
        serde_json::to_vec(&Plain { view: Encoded { view: STANDARD.encode(view) }, raster, figure })
    } else {
        serde_json::to_vec(&Plain { view, raster, figure })
    };
    let plain = Bytes::from(plain.map_err(|error| failed(&error))?);
    let raster = drawn.raster.map(|raster| Bytes::from(raster.image));
    Ok(Answer { tag: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&plain)), plain, gzip: std::sync::OnceLock::new(), raster, follows })
}

fn gzip(plain: &[u8]) -> Bytes {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(plain.len() / 3), flate2::Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default().into()
}

/// An error as JSON: `{"error": "..."}`, with the status that says the same.
pub fn error_response(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(serde_json::json!({ "error": error.to_string() }))).into_response();
    if matches!(error, AppError::Busy(_)) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

type Place = Path<(String, String, String)>;
/// The other end of the connection, where the server says so.
type Peer = Option<axum::Extension<axum::extract::ConnectInfo<std::net::SocketAddr>>>;

fn client(peer: Peer) -> Client {
    peer.map(|peer| peer.0.0.ip())
}

pub async fn figure(
    Extract(state): Extract<State>,
    Path((kind, id, panel)): Place,
    RawQuery(query): RawQuery,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let found = match Request::parse(&kind, &id, &panel, query.as_deref().unwrap_or_default()) {
        Ok(request) => answer(&state, Request { client: client(peer), ..request }).await,
        Err(error) => Err(error),
    };
    let answer = match found {
        Ok(answer) => answer,
        Err(error) => return error_response(&error),
    };
    let tag = format!("\"{}\"", answer.tag);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let common = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".to_owned()), (header::VARY, "accept-encoding".to_owned())];
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if accepts(&headers, "gzip") && answer.plain.len() > 1024 {
        // A megabyte takes some milliseconds: off the threads that serve.
        let compressing = answer.clone();
        let body = tokio::task::spawn_blocking(move || compressing.gzip.get_or_init(|| gzip(&compressing.plain)).clone()).await;
        return match body {
            Ok(body) => (common, [json, (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))], body).into_response(),
            Err(error) => error_response(&blocking_failed(error)),
        };
    }
    (common, [json], answer.plain.clone()).into_response()
}

pub async fn raster(Extract(state): Extract<State>, Path((kind, id, panel)): Place, RawQuery(query): RawQuery, peer: Peer) -> Response {
    let query = query.unwrap_or_default();
    let named = parameters(&query).any(|(name, _)| name == "v");
    let found = match Request::parse(&kind, &id, &panel, &query) {
        Ok(request) => answer(&state, Request { client: client(peer), ..request }).await,
        Err(error) => Err(error),
    };
    match found.map(|answer| answer.raster.clone()) {
        Ok(Some(image)) => {
            let cache = if named { "public, max-age=31536000, immutable" } else { "no-cache" };
            ([(header::CONTENT_TYPE, labboard_figure::raster::MEDIA_TYPE), (header::CACHE_CONTROL, cache)], image).into_response()
        }
        Ok(None) => error_response(&AppError::NotFound("This drawing has no raster: its marks are exact".to_owned())),
        Err(error) => error_response(&error),
    }
}

pub async fn csv(Extract(state): Extract<State>, Path((kind, id, panel)): Place, RawQuery(query): RawQuery, peer: Peer) -> Response {
    let found = match Request::parse(&kind, &id, &panel, query.as_deref().unwrap_or_default()) {
        Ok(mut request) => {
            request.canvas.first = false;
            drawn(&state, Request { rows: usize::MAX, client: client(peer), ..request }).await
        }
        Err(error) => Err(error),
    };
    match found {
        Ok(drawn) => {
            let name = format!("attachment; filename=\"{kind}-{id}-{panel}.csv\"");
            let body = Body::from(to_csv(&drawn.view.table));
            let headers: [(HeaderName, String); 2] =
                [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
            (headers, body).into_response()
        }
        Err(error) => error_response(&error),
    }
}

/// RFC 4180, with text that a spreadsheet would take for a formula made plain by a quote before it.
fn to_csv(table: &TableView) -> String {
    let mut out = String::new();
    let field = |out: &mut String, text: &str, is_number: bool| {
        let formula = !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if formula || text.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            if formula {
                out.push('\'');
            }
            out.push_str(&text.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(text);
        }
    };
    for (i, head) in table.columns.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        field(&mut out, &head.name, false);
    }
    out.push_str("\r\n");
    for row in &table.rows {
        for (i, cell) in row.cells.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            match cell.number {
                Some(number) => field(&mut out, &number.to_string(), true),
                None => field(&mut out, if cell.text == "–" { "" } else { &cell.text }, false),
            }
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_parameters_are_named() {
        let message = |query: &str| Request::parse("data", "1", "scatter", query).expect_err("refused").to_string();
        assert!(message("colour=a").contains("“colour” is not a control of scatter"));
        assert!(message("size=9x9").contains("WIDTHxHEIGHT"));
        assert!(message("window=0,0,1,2").contains("x0,x1,y0,y1"));
        assert!(message("theme=blue").contains("light or dark"));
        assert!(matches!(Request::parse("data", "x", "scatter", ""), Err(AppError::NotFound(_))));
        assert!(matches!(Request::parse("data", "1", "nothing", ""), Err(AppError::NotFound(_))));
        assert!(matches!(Request::parse("user", "1", "scatter", ""), Err(AppError::NotFound(_))));
    }

    #[test]
    fn a_first_look_is_another_drawing() {
        let of = |query: &str| Request::parse("data", "1", "scatter", query).expect("good");
        let (first, all) = (of("x=a&first=on"), of("x=a"));
        assert!(first.canvas.first && !all.canvas.first);
        assert_ne!(first.key(), all.key());
        assert!(first.raster_url("", "h", true).contains("&first=on&v=h") && !first.raster_url("", "h", false).contains("first"));
    }

    #[test]
    fn csv_is_quoted_and_formulas_are_text() {
        let table = TableView {
            columns: vec![ColumnHead { name: "a,b".to_owned(), numeric: false, help: None }],
            rows: ["=1+1", "x\"y", "-"].map(|text| Row { cells: vec![Cell::text(text)], ..Row::default() }).to_vec(),
            ..TableView::default()
        };
        assert_eq!(to_csv(&table), "\"a,b\"\r\n\"'=1+1\"\r\n\"x\"\"y\"\r\n\"'-\"\r\n");
    }
}
