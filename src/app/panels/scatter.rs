//! Scatter: any two features against each other, coloured by a third. Exact marks up to a budget;
//! above it a density raster over all rows, and exact marks again where a window holds few enough.

use std::cell::RefCell;

use labboard_figure::feature::{Feature, Values as FigureValues};
use labboard_figure::{Axis, AxisKind, Empty, Window, density, scatter};
use labboard_frame::classes::{Classes, Grouping};
use labboard_frame::density::{self as counting, Positions};
use labboard_frame::summary::Summary;
use labboard_frame::{Column, Kind as FeatureKind};

use super::{Canvas, Content, Control, Panel, Values, always, off};
use crate::model::{ControlForm, Span};
use crate::server::source::DataSource;

/// Marks that are drawn one by one. Measured: more than this takes longer to paint than to rasterise.
const EXACT_MARKS: usize = 20_000;
/// Room around the values, as a share of their span; as the figure's axes have it.
const PADDING: f64 = 0.04;
/// Distinct values up to which a feature is not chosen by itself while others have more.
const FEW: usize = 31;
/// Groups that a numeric colour is cut into for a raster.
const GROUPS: usize = 6;
thread_local! {
    /// Grids are large; a thread that draws keeps its own for the next drawing.
    static BUFFERS: RefCell<counting::Buffers> = RefCell::default();
}

/// What stands for "no colour".
const NONE: &str = "";

pub const PANEL: Panel<DataSource> = Panel {
    name: "scatter",
    title: "Scatter",
    span: Span::Wide,
    height: 460,
    controls: &[
        Control { name: "x", label: "x", form: ControlForm::Select, options: any_feature, default: first_numeric },
        Control { name: "y", label: "y", form: ControlForm::Select, options: any_feature, default: second_numeric },
        Control { name: "color", label: "colour", form: ControlForm::Select, options: feature_or_none, default: target_or_none },
        Control { name: "log_x", label: "log x", form: ControlForm::Toggle, options: super::no_options, default: off },
        Control { name: "log_y", label: "log y", form: ControlForm::Toggle, options: super::no_options, default: off },
    ],
    suits: always,
    draw,
};

fn any_feature(source: &DataSource) -> Vec<(String, String)> {
    source.features.iter().map(|described| (described.feature.name.clone(), described.feature.name.clone())).collect()
}

fn feature_or_none(source: &DataSource) -> Vec<(String, String)> {
    std::iter::once((NONE.to_owned(), "none".to_owned())).chain(any_feature(source)).collect()
}

/// Numeric features that say something, in their order; the target last, because it is the colour.
fn numeric(source: &DataSource) -> Vec<&str> {
    let target = source.target();
    let is_numeric = |kind| matches!(kind, FeatureKind::Numeric | FeatureKind::Date);
    let mut names = source
        .features
        .iter()
        .filter(|described| is_numeric(described.feature.kind) && described.summary.distinct > 1 && !described.feature.is_row_id)
        .map(|described| described.feature.name.as_str())
        .collect::<Vec<_>>();
    // A feature with few values makes a lattice, which says little at first sight.
    let few = |name: &str| source.features.iter().any(|described| described.feature.name == name && described.summary.distinct <= FEW);
    names.sort_by_key(|name| (Some(*name) == target, few(name)));
    names
}

fn nth(source: &DataSource, n: usize) -> Vec<String> {
    let numeric = numeric(source);
    let name = numeric.get(n).copied().or_else(|| source.features.get(n).map(|described| described.feature.name.as_str()));
    name.or_else(|| source.features.first().map(|described| described.feature.name.as_str())).map(str::to_owned).into_iter().collect()
}

fn first_numeric(source: &DataSource, _: &[(String, String)]) -> Vec<String> {
    nth(source, 0)
}

fn second_numeric(source: &DataSource, _: &[(String, String)]) -> Vec<String> {
    nth(source, 1)
}

fn target_or_none(source: &DataSource, _: &[(String, String)]) -> Vec<String> {
    let nominal = || source.features.iter().find(|described| described.feature.kind == FeatureKind::Nominal);
    let name = source.target().or_else(|| nominal().map(|described| described.feature.name.as_str()));
    vec![name.unwrap_or(NONE).to_owned()]
}

fn draw(source: &DataSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let missing = || Empty { reason: "This dataset has no features to draw".to_owned() };
    let (x_name, y_name, color) = (values.one("x"), values.one("y"), values.one("color"));
    let (x_place, x) = source.column(x_name).ok_or_else(missing)?;
    let (y_place, y) = source.column(y_name).ok_or_else(missing)?;
    let (x_summary, y_summary) = (&source.features[x_place].summary, &source.features[y_place].summary);
    let (x_log, y_log) =
        (values.is_on("log_x") && x.kind() == FeatureKind::Numeric, values.is_on("log_y") && y.kind() == FeatureKind::Numeric);
    let colour = source.column(color);
    let style = canvas.style(&[x_name, y_name, if x_log { "log" } else { "" }, if y_log { "log" } else { "" }]);

    if x.len() <= EXACT_MARKS {
        let input = scatter::Input {
            colour: colour.map(|(_, column)| feature(color, column)),
            x_log,
            y_log,
            ..scatter::Input::new(feature(x_name, x), feature(y_name, y))
        };
        return scatter::draw(&input, &style).map(Content::from);
    }

    // Positions in axis units: the values themselves, their logarithms, or category codes.
    let (x_logs, y_logs) = (logs(x, x_log), logs(y, y_log));
    let (x_at, y_at) = (positions(x, x_logs.as_deref()), positions(y, y_logs.as_deref()));
    let x_axis = axis(x_name, x, x_summary, x_logs.as_deref());
    let y_axis = axis(y_name, y, y_summary, y_logs.as_deref());
    let (Some(x_axis), Some(y_axis)) = (x_axis, y_axis) else {
        return Err(Empty { reason: format!("No row has both {x_name} and {y_name}") });
    };
    let full = Window { x: x_axis.range, y: y_axis.range };
    let window = canvas.window(&style, full);
    let shown = window.unwrap_or(full);

    // A window with few enough rows is exact again.
    if let Some(window) = window {
        let inside = counting::Window { x: (window.x[0], window.x[1]), y: (window.y[0], window.y[1]) };
        if let Some(rows) = counting::select_window(x_at, y_at, inside, EXACT_MARKS) {
            let (x, y) = (picked(x, &rows), picked(y, &rows));
            let picked_colour = colour.map(|(_, column)| picked(column, &rows));
            let counts = colour.and_then(|(at, _)| source.features[at].summary.levels.as_ref()).map(|levels| levels.counts.as_slice());
            let input = scatter::Input {
                colour: picked_colour.as_ref().map(|column| column.feature(color)),
                rows: Some(&rows),
                rows_total: source.columns.rows() as u64,
                class_counts: counts,
                window: Some(window),
                x_log,
                y_log,
                ..scatter::Input::new(x.feature(x_name), y.feature(y_name))
            };
            return scatter::draw(&input, &style).map(|drawing| refinable(drawing, full));
        }
    }

    let plot = labboard_figure::layout::MARGINS;
    let pixels = |side: u32, margins: f64| ((f64::from(side) - margins).max(60.0)) as usize;
    let (nx, ny) = (pixels(canvas.width, plot.left + plot.right), pixels(canvas.height, plot.top + plot.bottom));
    // A numeric colour is cut into groups of about equal size.
    let groups = colour.and_then(|(_, column)| column.numbers()).map(|numbers| labboard_frame::classes::quantile_groups(numbers, GROUPS));
    let (codes, levels): (&[u32], &[String]) = match (&groups, colour) {
        (Some(groups), _) => (&groups.codes, &groups.labels),
        (None, Some((_, column))) => column.categories().unwrap_or((&[], &[])),
        (None, None) => (&[], &[]),
    };
    let known = colour.filter(|_| groups.is_none()).map(|(at, _)| &source.features[at].summary);
    let grouping = match known.and_then(|summary| Some((summary, summary.levels.as_ref()?))) {
        // Of text the summary counts only the most frequent levels.
        Some((summary, counted)) if counted.counts.len() == levels.len() => {
            Grouping::of_counts(&counted.counts, summary.missing as u64, levels, labboard_figure::theme::CATEGORIES)
        }
        _ => Grouping::new(codes, levels, labboard_figure::theme::CATEGORIES),
    };
    let classes: Option<Classes<'_>> = (!levels.is_empty()).then(|| grouping.of(codes));
    let count = |positions, range: [f64; 2], bins| counting::Axis { positions, low: range[0], high: range[1], bins };
    let counted = BUFFERS
        .with_borrow_mut(|buffers| counting::count(&count(x_at, shown.x, nx), &count(y_at, shown.y, ny), classes, buffers))
        .map_err(|error| Empty { reason: error.to_string() })?;
    let group_names = grouping.groups().iter().map(group_name).collect::<Vec<_>>();
    let group_rows = grouping.groups().iter().map(|group| group.rows).collect::<Vec<_>>();
    let grouped = classes.is_some();
    let input = density::Input {
        x: &x_axis.with_range(shown.x),
        y: &y_axis.with_range(shown.y),
        colour: if grouped { color } else { "" },
        levels: if grouped { &group_names } else { &[] },
        class_counts: grouped.then_some(group_rows.as_slice()),
        counts: &counted.counts,
        nx,
        ny,
        extents: shown,
        rows_total: x.len() as u64,
        rows_missing: counted.rows_total - placed((x, x_summary.missing), (y, y_summary.missing)),
        shade: density::Shade::default(),
        spread: true,
    };
    let drawing = density::draw(&input, &style).map(|drawing| refinable(drawing, full));
    BUFFERS.with_borrow_mut(|buffers| buffers.recycle(counted));
    drawing
}

/// Rows that have a value on both axes, given how many each has not.
fn placed((x, x_missing): (Column<'_>, usize), (y, y_missing): (Column<'_>, usize)) -> u64 {
    match (x_missing, y_missing) {
        (0, n) | (n, 0) => (x.len() - n) as u64,
        _ => (0..x.len()).filter(|row| !x.is_missing(*row) && !y.is_missing(*row)).count() as u64,
    }
}

/// Tells the browser that a zoom is worth asking again for, and what the whole view is.
fn refinable(mut drawing: labboard_figure::Drawing, full: Window) -> Content {
    if let Some(layout) = drawing.figure.get_mut("layout").and_then(serde_json::Value::as_object_mut) {
        let meta = layout.entry("meta").or_insert_with(|| serde_json::json!({}));
        meta["refine"] = serde_json::json!([full.x[0], full.x[1], full.y[0], full.y[1]]);
    }
    drawing.into()
}

fn group_name(group: &labboard_frame::classes::Group) -> String {
    use labboard_frame::classes::GroupKind;
    match group.kind {
        GroupKind::Class(_) | GroupKind::All => group.label.clone(),
        GroupKind::Other(levels) => format!("{levels} other levels"),
        GroupKind::Missing => "missing".to_owned(),
    }
}

fn feature<'a>(name: &'a str, column: Column<'a>) -> Feature<'a> {
    Feature::new(
        name,
        match column {
            Column::Numeric(values) => FigureValues::Numeric(values),
            Column::Date(values) => FigureValues::Date(values),
            Column::Nominal { codes, levels } | Column::Text { codes, levels } => FigureValues::Category { codes, levels },
        },
    )
}

/// A column's values at some rows.
enum Picked<'a> {
    Numeric(Vec<f64>),
    Date(Vec<f64>),
    Category(Vec<u32>, &'a [String]),
}

fn picked<'a>(column: Column<'a>, rows: &[u32]) -> Picked<'a> {
    let numbers = |values: &[f64]| rows.iter().map(|row| values[*row as usize]).collect();
    match column {
        Column::Numeric(values) => Picked::Numeric(numbers(values)),
        Column::Date(values) => Picked::Date(numbers(values)),
        Column::Nominal { codes, levels } | Column::Text { codes, levels } => {
            Picked::Category(rows.iter().map(|row| codes[*row as usize]).collect(), levels)
        }
    }
}

impl Picked<'_> {
    fn feature<'a>(&'a self, name: &'a str) -> Feature<'a> {
        Feature::new(
            name,
            match self {
                Picked::Numeric(values) => FigureValues::Numeric(values),
                Picked::Date(values) => FigureValues::Date(values),
                Picked::Category(codes, levels) => FigureValues::Category { codes, levels },
            },
        )
    }
}

fn logs(column: Column<'_>, log: bool) -> Option<Vec<f64>> {
    log.then(|| column.numbers().map(counting::log10)).flatten()
}

fn positions<'a>(column: Column<'a>, logs: Option<&'a [f64]>) -> Positions<'a> {
    match (logs, column) {
        (Some(values), _) | (None, Column::Numeric(values) | Column::Date(values)) => Positions::Numbers(values),
        (None, Column::Nominal { codes, levels } | Column::Text { codes, levels }) => Positions::Codes { codes, categories: levels.len() },
    }
}

/// The axis over all values, with the room around them that exact marks have.
fn axis(name: &str, column: Column<'_>, summary: &Summary, logs: Option<&[f64]>) -> Option<Axis> {
    if let Some((_, levels)) = column.categories() {
        return Some(Axis::category(name, levels));
    }
    let (low, high) = match logs {
        Some(values) => counting::extent(Column::Numeric(values))?,
        None => summary.numbers.as_ref().map(|numbers| (numbers.min, numbers.max))?,
    };
    let room = if high > low { (high - low) * PADDING } else { 0.5 };
    let kind = match column.kind() {
        FeatureKind::Date => AxisKind::Date,
        _ if logs.is_some() => AxisKind::Log,
        _ => AxisKind::Linear,
    };
    Some(Axis::exact(name, kind, [low - room, high + room]))
}
