//! The registry of panels, on the server: every plot and table that a page shows.
//!
//! A panel is one file: its name, its controls, and a pure function from a source and the
//! values of its controls to a drawing. `docs/adding-a-panel.md` adds one, step by step. The
//! browser knows no panel by name: it draws what the server describes.

mod classes;
mod confusion;
mod curves;
mod distribution;
mod evaluations;
mod features;
mod flow_scores;
mod folds;
mod leaderboard;
mod measures;
mod scatter;
mod setup;

use std::fmt::Debug;

use labboard_figure::{Drawing, Empty, LegendPlace, Style, Window};
use labboard_frame::density::Shape;

use crate::controls::Controls;
use crate::model::{ControlForm, ControlView, Kind, Provenance, Span, TableView};
use crate::server::source::{DataSource, FlowSource, RunSource, Source, TaskSource};
use crate::view::{self, Zoom};

/// Every panel, in the order of its page.
pub static PANELS: &[&dyn AnyPanel] = &[
    &scatter::PANEL,
    &features::PANEL,
    &distribution::PANEL,
    &classes::PANEL,
    &evaluations::PANEL,
    &leaderboard::PANEL,
    &flow_scores::PANEL,
    &measures::PANEL,
    &folds::PANEL,
    &curves::ROC,
    &curves::PRECISION_RECALL,
    &confusion::PANEL,
    &setup::PANEL,
];

/// The panels of a kind of page.
pub fn of_page(kind: Kind) -> impl Iterator<Item = &'static dyn AnyPanel> {
    PANELS.iter().copied().filter(move |panel| panel.kind() == kind)
}

pub fn find(kind: Kind, name: &str) -> Option<&'static dyn AnyPanel> {
    of_page(kind).find(|panel| panel.name() == name)
}

/// Choices: (value, label).
pub type Options = Vec<(String, String)>;

/// What is in force while nobody has chosen, given the choices.
pub type DefaultOf<S> = fn(&S, &[(String, String)]) -> Vec<String>;

/// A value that a person can turn.
#[derive(Debug)]
pub struct Control<S> {
    /// Name within the panel; `panel.control` in URLs and rooms.
    pub name: &'static str,
    pub label: &'static str,
    pub form: ControlForm,
    /// What the source allows: (value, label). Ignored for toggles; where there is nothing to choose, the control is left out.
    pub options: fn(&S) -> Options,
    /// What is in force while nobody has chosen, given the options.
    pub default: DefaultOf<S>,
}

/// A plot or a table.
#[derive(Debug)]
pub struct Panel<S: 'static> {
    /// Unique on its page; `data-panel`, and the first part of its controls' names.
    pub name: &'static str,
    pub title: &'static str,
    pub span: Span,
    /// Height of the chart in CSS pixels; 0 for a table.
    pub height: u32,
    pub controls: &'static [Control<S>],
    /// Whether the panel says anything about this source; panels that do not are left out of the page.
    pub suits: fn(&S) -> bool,
    /// Pure: the same source, values and canvas give the same content.
    pub draw: fn(&S, &Values, &Canvas) -> Result<Content, Empty>,
    /// What the chart says about rows that it does not draw one by one.
    pub probe: Option<Probe<S>>,
}

/// A place that is pointed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// In units of the axes.
    pub at: (f64, f64),
    /// The cells along both axes that the figure says it has (`meta.cells`); without them cells are pixels.
    pub cells: Option<(usize, usize)>,
}

/// The rows at a point of a chart.
pub type At<S> = fn(&S, &Values, &Canvas, Point) -> Result<Found, Empty>;

/// Answers about the rows behind a chart, in the units of its axes.
#[derive(Debug)]
pub struct Probe<S: 'static> {
    /// The rows of the cell at a point.
    pub at: At<S>,
    /// The rows in any of some shapes; on a logarithmic axis these are in the data's own units.
    pub select: fn(&S, &Values, &[Shape]) -> Result<Found, Empty>,
    /// From so many rows on a first look counts some of them only, see [`Canvas::first`].
    pub first_look_from: usize,
}

/// Rows that were asked for by their place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub rows: u64,
    pub rows_total: u64,
    /// The colour's feature, if there is one, and the rows of each of its groups.
    pub colour: String,
    pub groups: Vec<(String, u64)>,
    /// Where exactly rows were counted, when a point was asked for.
    pub window: Option<Window>,
    /// The same in words, and what else is known.
    pub readings: Vec<String>,
    /// The numbers of the first rows.
    pub first: Vec<u32>,
}

/// What a panel drew.
#[derive(Debug)]
pub enum Content {
    Chart(Box<Drawing>),
    Table { table: TableView, summary: String, provenance: Provenance },
}

impl From<Drawing> for Content {
    fn from(drawing: Drawing) -> Self {
        Content::Chart(Box::new(drawing))
    }
}

/// The values in force: each is one that the source allows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Controls);

impl Values {
    /// The value of a dropdown; empty if there was nothing to choose.
    pub fn one(&self, name: &str) -> &str {
        self.many(name).first().map_or("", String::as_str)
    }

    pub fn many(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn is_on(&self, name: &str) -> bool {
        !self.many(name).is_empty()
    }
}

/// What a drawing is made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Canvas {
    pub theme: labboard_figure::Theme,
    /// CSS pixels.
    pub width: u32,
    pub height: u32,
    /// Where people have zoomed; see [`window`](Self::window).
    pub zoom: Option<Zoom>,
    /// Whether the first picture is wanted: it goes into pages, not into answers.
    pub picture: bool,
    /// Whether a first look at some of the rows is enough where all would take long; the figure says so as `meta.follows`.
    pub first: bool,
}

impl Canvas {
    /// The figure's style; `axes` names what the zoom belongs to, and keeps it while unchanged.
    pub fn style(&self, axes: &[&str]) -> Style {
        Style {
            theme: self.theme,
            width: self.width,
            height: self.height,
            uirevision: axes.join("\u{1f}"),
            legend: LegendPlace::Figure,
            picture: self.picture,
        }
    }

    /// The visible part of the axes, if somebody has zoomed on axes like these.
    pub fn window(&self, style: &Style, full: Window) -> Option<Window> {
        let zoom = self.zoom.as_ref().filter(|zoom| zoom.axes.is_empty() || zoom.axes == axes_tag(&style.uirevision))?;
        let range = |axis: &str, full: [f64; 2]| zoom.ranges.get(axis).map_or(full, |[a, b]| [a.min(*b), a.max(*b)]);
        Some(Window { x: range("x", full.x), y: range("y", full.y) })
    }
}

/// A short name of what axes show.
pub(crate) fn axes_tag(uirevision: &str) -> String {
    let hash = xxhash_rust::xxh3::xxh3_64(uirevision.as_bytes());
    format!("{:08x}", hash as u32)
}

/// A kind of source that panels can be made for.
pub trait PanelSource: Sized + Debug {
    const KIND: Kind;
    fn of(source: &Source) -> Option<&Self>;
}

macro_rules! panel_source {
    ($($source:ident $variant:ident $kind:ident),*) => {$(
        impl PanelSource for $source {
            const KIND: Kind = Kind::$kind;

            fn of(source: &Source) -> Option<&Self> {
                match source {
                    Source::$variant(source) => Some(source),
                    _ => None,
                }
            }
        }
    )*};
}

panel_source!(DataSource Data Data, TaskSource Task Task, FlowSource Flow Flow, RunSource Run Run);

/// A panel of any source, so that pages, rooms, URLs and tests can enumerate them.
pub trait AnyPanel: Debug + Sync {
    fn kind(&self) -> Kind;
    fn name(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn span(&self) -> Span;
    fn height(&self) -> u32;
    fn control_names(&self) -> Vec<&'static str>;
    /// What people share of how they look at the panel, besides its controls.
    fn looks(&self) -> &'static [&'static str] {
        if self.height() > 0 { &view::OF_CHART } else { &view::OF_TABLE }
    }
    fn suits(&self, source: &Source) -> bool;
    /// The controls with their choices, and the wanted values where they are among them.
    fn controls(&self, source: &Source, wanted: &Controls) -> Vec<ControlView>;
    /// # Errors
    /// Why there is nothing to draw.
    fn draw(&self, source: &Source, values: &Values, canvas: &Canvas) -> Result<Content, Empty>;
    /// From how many rows on a first look is small work; beyond all of them where there is none.
    fn first_look_from(&self) -> usize;
    /// See [`Probe::at`].
    ///
    /// # Errors
    /// The panel has no rows to ask for.
    fn at(&self, source: &Source, values: &Values, canvas: &Canvas, point: Point) -> Result<Found, Empty>;
    /// See [`Probe::select`].
    ///
    /// # Errors
    /// As [`at`](Self::at).
    fn select(&self, source: &Source, values: &Values, shapes: &[Shape]) -> Result<Found, Empty>;
}

impl<S: PanelSource> AnyPanel for Panel<S> {
    fn kind(&self) -> Kind {
        S::KIND
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn span(&self) -> Span {
        self.span
    }

    fn height(&self) -> u32 {
        self.height
    }

    fn control_names(&self) -> Vec<&'static str> {
        self.controls.iter().map(|control| control.name).collect()
    }

    fn suits(&self, source: &Source) -> bool {
        S::of(source).is_some_and(self.suits)
    }

    fn controls(&self, source: &Source, wanted: &Controls) -> Vec<ControlView> {
        let Some(source) = S::of(source) else { return Vec::new() };
        let views = self.controls.iter().map(|control| control.view(source, wanted.get(control.name)));
        views.filter(|view| !view.options.is_empty()).collect()
    }

    fn draw(&self, source: &Source, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
        match S::of(source) {
            Some(source) => (self.draw)(source, values, canvas),
            None => Err(Empty { reason: "This panel is for another kind of page".to_owned() }),
        }
    }

    fn first_look_from(&self) -> usize {
        self.probe.as_ref().map_or(usize::MAX, |probe| probe.first_look_from)
    }

    fn at(&self, source: &Source, values: &Values, canvas: &Canvas, point: Point) -> Result<Found, Empty> {
        let (source, probe) = S::of(source).zip(self.probe.as_ref()).ok_or_else(no_rows)?;
        (probe.at)(source, values, canvas, point)
    }

    fn select(&self, source: &Source, values: &Values, shapes: &[Shape]) -> Result<Found, Empty> {
        let (source, probe) = S::of(source).zip(self.probe.as_ref()).ok_or_else(no_rows)?;
        (probe.select)(source, values, shapes)
    }
}

fn no_rows() -> Empty {
    Empty { reason: "The marks of this panel are no rows of a table that could be asked for".to_owned() }
}

impl<S> Control<S> {
    fn view(&self, source: &S, wanted: Option<&Vec<String>>) -> ControlView {
        let options = if self.form == ControlForm::Toggle { fixed(&[("on", "on")]) } else { (self.options)(source) };
        let value =
            wanted.filter(|values| self.allows(&options, values).is_ok()).cloned().unwrap_or_else(|| (self.default)(source, &options));
        ControlView { name: self.name.to_owned(), label: self.label.to_owned(), form: self.form, value, options }
    }

    fn allows(&self, options: &[(String, String)], values: &[String]) -> Result<(), String> {
        allowed(self.form, self.label, options, values)
    }
}

/// Whether a control takes these values; the reason, for the person who turned it, if not.
///
/// # Errors
/// A sentence that names the value.
pub fn allowed(form: ControlForm, label: &str, options: &[(String, String)], values: &[String]) -> Result<(), String> {
    match (form, values) {
        (ControlForm::Toggle, []) => Ok(()),
        (ControlForm::Toggle, [one]) if known(label, options, one).is_ok() => Ok(()),
        (ControlForm::Toggle, _) => Err(format!("{label} is on or off")),
        (ControlForm::Select | ControlForm::Segments, [one]) => known(label, options, one),
        // `color=` in an address: nothing, where that is one of the choices.
        (ControlForm::Select | ControlForm::Segments, []) if known(label, options, "").is_ok() => Ok(()),
        (ControlForm::Select | ControlForm::Segments, _) => Err(format!("{label} takes exactly one value")),
        (ControlForm::Many | ControlForm::Rows, several) => several.iter().try_for_each(|one| known(label, options, one)),
    }
}

fn known(label: &str, options: &[(String, String)], value: &str) -> Result<(), String> {
    if options.iter().any(|(option, _)| option == value) {
        Ok(())
    } else {
        Err(format!("“{value}” is not one of the choices for {label}"))
    }
}

/// The values in force, by name.
pub fn values_of(controls: &[ControlView]) -> Values {
    Values(controls.iter().map(|control| (control.name.clone(), control.value.clone())).collect())
}

/// Choices that are the same for every source.
pub(crate) fn fixed(options: &[(&str, &str)]) -> Vec<(String, String)> {
    options.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
}

pub(crate) fn first<S>(_: &S, options: &[(String, String)]) -> Vec<String> {
    options.first().map(|(value, _)| value.clone()).into_iter().collect()
}

pub(crate) fn off<S>(_: &S, _: &[(String, String)]) -> Vec<String> {
    Vec::new()
}

pub(crate) fn no_options<S>(_: &S) -> Vec<(String, String)> {
    Vec::new()
}

pub(crate) fn always<S>(_: &S) -> bool {
    true
}

/// Lets the marks of a drawing lead to the pages of a kind: their `customdata` begins with the id.
pub(crate) fn link_marks(drawing: &mut Drawing, kind: &str) {
    let traces = drawing.figure.get_mut("data").and_then(serde_json::Value::as_array_mut);
    for trace in traces.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        if trace.contains_key("customdata") {
            trace.insert("meta".to_owned(), serde_json::json!({ "link": kind }));
        }
    }
}

/// The pages of a chart with a row for each of so many items, as choices.
pub(crate) fn page_options(items: usize) -> Options {
    labboard_figure::rows::pages(items).into_iter().map(|(page, label)| (page.to_string(), label)).collect()
}

/// The page that is chosen, and where in it people have zoomed.
pub(crate) fn rows_view(values: &Values, canvas: &Canvas, style: &Style) -> labboard_figure::rows::View {
    let anywhere = [f64::NEG_INFINITY, f64::INFINITY];
    labboard_figure::rows::View {
        page: values.one("page").parse().unwrap_or(0),
        window: canvas.window(style, Window { x: anywhere, y: anywhere }),
    }
}

/// Measures as choices: the wanted one first if it is there, then quality before cost, each with its title.
pub(crate) fn measure_options<'a>(names: impl Iterator<Item = &'a str>, first: Option<&str>) -> Vec<(String, String)> {
    let mut names = names.collect::<Vec<_>>();
    let unranked = |name: &str| crate::server::source::described(name).is_none_or(|measure| !measure.ranked);
    names.sort_by_key(|name| (Some(*name) != first, unranked(name), name.contains("millis"), *name));
    names.into_iter().map(|name| (name.to_owned(), measure_title(name))).collect()
}

pub(crate) fn measure_title(name: &str) -> String {
    crate::server::source::described(name).map_or_else(|| name.replace('_', " "), |measure| measure.title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_on_their_page() {
        let mut seen = BTreeSet::new();
        for panel in PANELS {
            assert!(seen.insert((panel.kind(), panel.name())), "{} twice", panel.name());
            let names = panel.control_names();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{}", panel.name());
            let plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
            assert!(plain(panel.name()) && names.iter().all(|name| plain(name)), "{}", panel.name());
            assert!(!names.iter().any(|name| view::is_look(name)), "{}: a control has the name of a look", panel.name());
        }
    }

    #[test]
    fn values_outside_the_choices_are_refused_by_name() {
        let options = fixed(&[("a", "A")]);
        let one = |text: &str| vec![text.to_owned()];
        assert!(allowed(ControlForm::Select, "x", &options, &one("a")).is_ok());
        assert!(allowed(ControlForm::Select, "x", &options, &[]).is_err());
        assert!(allowed(ControlForm::Select, "x", &fixed(&[("", "none"), ("a", "A")]), &[]).is_ok());
        assert!(allowed(ControlForm::Select, "x", &options, &one("b")).expect_err("refused").contains("“b”"));
        assert!(allowed(ControlForm::Many, "x", &options, &[]).is_ok());
        let on = fixed(&[("on", "on")]);
        assert!(allowed(ControlForm::Toggle, "x", &on, &one("on")).is_ok());
        assert!(allowed(ControlForm::Toggle, "x", &on, &[]).is_ok());
        assert!(allowed(ControlForm::Toggle, "x", &on, &one("true")).is_err());
    }
}
