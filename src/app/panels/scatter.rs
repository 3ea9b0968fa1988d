//! Scatter: any two features against each other, coloured by a third. Exact marks up to a budget;
//! above it a density raster over all rows, and exact marks again where a window holds few enough.

use std::sync::{Arc, Mutex, PoisonError};

use labboard_figure::feature::{Feature, Values as FigureValues};
use labboard_figure::{Axis, AxisKind, Empty, Window, density, scatter};
use labboard_frame::classes::Classes;
use labboard_frame::cloud::Cloud;
use labboard_frame::density::{self as counting, Density, DensityError, Positions, Shape};
use labboard_frame::summary::Summary;
use labboard_frame::{Column, Kind as FeatureKind};

use super::{Canvas, Content, Control, Found, Panel, Point, Probe, Values, always, off};
use crate::model::{ControlForm, Span};
use crate::server::index::{AxisOf, Colour, ColourOf, Indexed};
use crate::server::source::DataSource;

/// Marks that are drawn one by one. Measured: more than this takes longer to paint than to rasterise.
const EXACT_MARKS: usize = labboard_figure::rows::MOST_MARKS;
/// Rows that are counted in some 20 ms, as a table has them and out of an index: a first look has as many, and less than twice as many.
const FIRST_LOOK: usize = 2_000_000;
const FIRST_LOOK_INDEXED: usize = 3_000_000;
/// A first look has a row out of so many at the most: of a block of an index, a run of 16.
const LEAST_SHARE: usize = 256;
/// Room around the values, as a share of their span; as the figure's axes have it.
const PADDING: f64 = 0.04;
/// Distinct values up to which a feature is not chosen by itself while others have more.
const FEW: usize = 31;
/// Groups that a numeric colour is cut into for a raster.
const GROUPS: usize = 6;
/// Memory for grids and pictures, which is large, handed from one drawing to the next. There is no more of it than drawings at the same time.
struct Spare(Buffers);

type Buffers = (counting::Buffers, density::Buffers);

static SPARE: Mutex<Vec<Buffers>> = Mutex::new(Vec::new());
/// As many are kept while nobody draws.
const MOST_SPARE: usize = 4;

impl Spare {
    fn take() -> Self {
        Self(SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default())
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_SPARE {
            spare.push(std::mem::take(&mut self.0));
        }
    }
}

/// Numbers of rows that an answer about rows has.
const FIRST_ROWS: usize = 100;

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
        Control { name: "shade", label: "shade", form: ControlForm::Select, options: shades, default: super::first },
    ],
    suits: always,
    draw,
    probe: Some(Probe { at, select, first_look_from: 2 * FIRST_LOOK_INDEXED }),
};

fn any_feature(source: &DataSource) -> Vec<(String, String)> {
    source.features.iter().map(|described| (described.feature.name.clone(), described.feature.name.clone())).collect()
}

fn feature_or_none(source: &DataSource) -> Vec<(String, String)> {
    std::iter::once((NONE.to_owned(), "none".to_owned())).chain(any_feature(source)).collect()
}

/// How the rows of a pixel become opacity, where single rows are not drawn.
fn shades(source: &DataSource) -> Vec<(String, String)> {
    if source.columns.rows() <= EXACT_MARKS {
        return Vec::new();
    }
    super::fixed(&[("equalised", "by rank"), ("log", "logarithmic"), ("linear", "linear")])
}

fn shade(values: &Values) -> density::Shade {
    match values.one("shade") {
        "log" => density::Shade::Log,
        "linear" => density::Shade::Linear,
        _ => density::Shade::Equalised,
    }
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

/// The columns that the controls name, and where their rows stand.
struct Axes<'a> {
    source: &'a DataSource,
    x: Along<'a>,
    y: Along<'a>,
    colour: Option<(ColourOf, Arc<Colour>, Column<'a>)>,
    indexed: Option<Indexed>,
}

struct Along<'a> {
    name: &'a str,
    of: AxisOf,
    column: Column<'a>,
    summary: &'a Summary,
    positions: Positions<'a>,
}

impl<'a> Along<'a> {
    fn of(source: &'a DataSource, name: &'a str, log: bool) -> Option<Self> {
        let (feature, column) = source.column(name)?;
        let of = AxisOf { feature, log: log && column.kind() == FeatureKind::Numeric };
        let summary = &source.features[feature].summary;
        Some(Self { name, of, column, summary, positions: of.positions(&source.columns)? })
    }

    /// The axis over all values.
    fn axis(&self) -> Option<Axis> {
        axis(self.name, self.column, self.summary, self.of.log)
    }

    /// A part of it in so many cells.
    fn cells(&self, [low, high]: [f64; 2], bins: usize) -> counting::Axis<'a> {
        counting::Axis { positions: self.positions, low, high, bins }
    }
}

impl<'a> Axes<'a> {
    fn of(source: &'a DataSource, values: &'a Values) -> Result<Self, Empty> {
        let missing = || Empty { reason: "This dataset has no features to draw".to_owned() };
        let along = |name: &str, log: &str| Along::of(source, values.one(name), values.is_on(log)).ok_or_else(missing);
        Ok(Self { source, x: along("x", "log_x")?, y: along("y", "log_y")?, colour: None, indexed: None })
    }

    /// With what is needed to count rows.
    fn counting(mut self, color: &str) -> Self {
        self.colour = self.source.column(color).and_then(|(feature, column)| {
            let of = ColourOf { feature, groups: GROUPS };
            Some((of, self.source.colour(feature, GROUPS)?, column))
        });
        self.indexed = self.source.indexed(self.x.of, self.y.of, self.colour.as_ref().map(|(of, colour, _)| (*of, colour)));
        self
    }

    /// The index over its columns, with the classes of its entries.
    fn cloud(&self) -> Option<(Cloud<'_>, Option<Classes<'_>>)> {
        let indexed = self.indexed.as_ref()?;
        let groups = indexed.groups.as_ref().map(|groups| groups.values());
        let classes = self.colour.as_ref().zip(groups).map(|((_, colour, _), groups)| colour.grouping.of_groups(groups));
        Some((indexed.pair.cloud(self.x.positions, self.y.positions), classes))
    }

    /// The classes that the colour has, and their rows in the whole dataset.
    fn groups(&self) -> (Vec<String>, Vec<u64>) {
        let groups = self.colour.iter().flat_map(|(_, colour, _)| colour.grouping.groups());
        groups.map(|group| (group_name(group), group.rows)).unzip()
    }

    fn classes(&self) -> Option<Classes<'_>> {
        self.colour.as_ref().map(|(_, colour, column)| colour.classes(*column))
    }

    /// The rows in some shapes, in axis units.
    fn select(&self, shapes: &[Shape], values: &Values) -> Found {
        let selected = match self.cloud() {
            Some((cloud, classes)) => counting::select_cloud(&cloud, shapes, classes, FIRST_ROWS),
            None => counting::select(self.x.positions, self.y.positions, shapes, self.classes(), FIRST_ROWS),
        };
        let (groups, _) = self.groups();
        Found {
            rows: selected.rows,
            rows_total: self.source.columns.rows() as u64,
            colour: self.colour.as_ref().map(|_| values.one("color").to_owned()).unwrap_or_default(),
            groups: groups.into_iter().zip(selected.by_group).collect(),
            first: selected.first,
            ..Found::default()
        }
    }
}

/// What is counted for a raster.
struct View<'a> {
    axes: &'a Axes<'a>,
    cloud: Option<&'a (Cloud<'a>, Option<Classes<'a>>)>,
    shown: Window,
    pixels: (usize, usize),
}

impl View<'_> {
    /// The rows that counting reads.
    fn near(&self) -> usize {
        let Window { x, y } = self.shown;
        self.cloud.map_or(self.axes.x.positions.len(), |(cloud, _)| cloud.near((x[0], x[1]), (y[0], y[1])))
    }

    /// The rows of each cell, of all rows or one out of so many. Cells are pixels, or two by two where there are fewer rows than pixels: most of
    /// these would be empty then, and the colours of the others chance.
    fn count(&self, one_of: usize, buffers: &mut counting::Buffers) -> Result<Density, DensityError> {
        let are_few = |rows: usize| rows < self.pixels.0 * self.pixels.1;
        let large = (self.pixels.0 / 2, self.pixels.1 / 2);
        if are_few(self.near()) {
            return self.count_in(large, one_of, buffers);
        }
        // Few of the many that are read may be in view. These alone decide what is drawn.
        let counted = self.count_in(self.pixels, one_of, buffers)?;
        if !are_few(counted.rows_shown as usize * one_of) {
            return Ok(counted);
        }
        buffers.recycle(counted);
        self.count_in(large, one_of, buffers)
    }

    fn count_in(&self, cells: (usize, usize), one_of: usize, buffers: &mut counting::Buffers) -> Result<Density, DensityError> {
        let (x, y) = (self.axes.x.cells(self.shown.x, cells.0), self.axes.y.cells(self.shown.y, cells.1));
        match self.cloud {
            Some((cloud, classes)) => counting::count_cloud(one_of, cloud, &x, &y, *classes, buffers),
            None => counting::count(one_of, &x, &y, self.axes.classes(), buffers),
        }
    }
}

fn style(axes: &Axes<'_>, canvas: &Canvas) -> labboard_figure::Style {
    let log = |along: &Along<'_>| if along.of.log { "log" } else { "" };
    canvas.style(&[axes.x.name, axes.y.name, log(&axes.x), log(&axes.y)])
}

/// The window of both axes that shows all rows.
fn full(axes: &Axes<'_>) -> Result<(Axis, Axis, Window), Empty> {
    let (Some(x), Some(y)) = (axes.x.axis(), axes.y.axis()) else {
        return Err(Empty { reason: format!("No row has both {} and {}", axes.x.name, axes.y.name) });
    };
    let window = Window { x: x.range, y: y.range };
    Ok((x, y, window))
}

fn at(source: &DataSource, values: &Values, canvas: &Canvas, point: Point) -> Result<Found, Empty> {
    let axes = Axes::of(source, values)?.counting(values.one("color"));
    let (x, y, full) = full(&axes)?;
    let style = style(&axes, canvas);
    let shown = canvas.window(&style, full).unwrap_or(full);
    let (groups, group_rows) = axes.groups();
    let (nx, ny) = point.cells.unwrap_or_else(|| density::plot_pixels(&groups, &group_rows, &style));
    // The cell that is drawn there and, where it is empty, its neighbours: lone rows are drawn wider, and hard to hit.
    let around = |range: [f64; 2], bins: usize, at: f64, wider: f64| {
        let width = (range[1] - range[0]) / bins as f64;
        let cell = ((at - range[0]) / width).floor();
        (range[0] + (cell - wider) * width, (range[0] + (cell + 1.0 + wider) * width).next_down())
    };
    let look = |wider: f64| {
        let window = counting::Window { x: around(shown.x, nx, point.at.0, wider), y: around(shown.y, ny, point.at.1, wider) };
        let found = axes.select(&[Shape::Window(window)], values);
        let readings = [(&x, window.x), (&y, window.y)].map(|(axis, at)| format!("{}: {}", axis.title, axis.reading((at.0 + at.1) / 2.0)));
        Found { window: Some(Window { x: [window.x.0, window.x.1], y: [window.y.0, window.y.1] }), readings: readings.to_vec(), ..found }
    };
    let found = look(0.0);
    Ok(if found.rows > 0 { found } else { look(1.0) })
}

fn select(source: &DataSource, values: &Values, shapes: &[Shape]) -> Result<Found, Empty> {
    let axes = Axes::of(source, values)?.counting(values.one("color"));
    // Shapes are in the data's own units.
    let place = |log: bool, at: f64| if log { at.max(0.0).log10() } else { at };
    let (x, y) = (axes.x.of.log, axes.y.of.log);
    let shapes = shapes.iter().map(|shape| match shape {
        Shape::Window(window) => Shape::Window(counting::Window {
            x: (place(x, window.x.0), place(x, window.x.1)),
            y: (place(y, window.y.0), place(y, window.y.1)),
        }),
        Shape::Polygon(corners) => Shape::Polygon(corners.iter().map(|corner| (place(x, corner.0), place(y, corner.1))).collect()),
    });
    Ok(axes.select(&shapes.collect::<Vec<_>>(), values))
}

fn draw(source: &DataSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let color = values.one("color");
    let axes = Axes::of(source, values)?;
    let style = style(&axes, canvas);
    let (x_name, x, x_log) = (axes.x.name, axes.x.column, axes.x.of.log);
    let (y_name, y, y_log) = (axes.y.name, axes.y.column, axes.y.of.log);
    let colour = source.column(color);

    if x.len() <= EXACT_MARKS {
        let input = scatter::Input {
            colour: colour.map(|(_, column)| feature(color, column)),
            x_log,
            y_log,
            ..scatter::Input::new(feature(x_name, x), feature(y_name, y))
        };
        return scatter::draw(&input, &style).map(|drawing| probed(drawing, None, false));
    }

    let axes = axes.counting(color);
    let (x_axis, y_axis, full) = full(&axes)?;
    let window = canvas.window(&style, full);
    let shown = window.unwrap_or(full);
    let (x_at, y_at) = (axes.x.positions, axes.y.positions);
    let cloud = axes.cloud();

    // A window with few enough rows is exact again.
    if let Some(window) = window {
        let inside = counting::Window { x: (window.x[0], window.x[1]), y: (window.y[0], window.y[1]) };
        let rows = match &cloud {
            Some((cloud, _)) => counting::select_window_cloud(cloud, inside, EXACT_MARKS),
            None => counting::select_window(x_at, y_at, inside, EXACT_MARKS),
        };
        if let Some(rows) = rows {
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
            return scatter::draw(&input, &style).map(|drawing| probed(drawing, Some(full), false));
        }
    }

    let (groups, group_rows) = axes.groups();
    let placed = || match &cloud {
        Some((cloud, _)) => cloud.len() as u64,
        None => placed((x_at, axes.x.summary, x_log), (y_at, axes.y.summary, y_log)),
    };
    let view = View { axes: &axes, cloud: cloud.as_ref(), shown, pixels: density::plot_pixels(&groups, &group_rows, &style) };
    let mut spare = Spare::take();
    let (buffers, picture_buffers) = &mut spare.0;
    let (x_axis, y_axis) = (x_axis.with_range(shown.x), y_axis.with_range(shown.y));
    let mut drawn = |one_of: usize| {
        let counted = view.count(one_of, buffers).map_err(|error| Empty { reason: error.to_string() })?;
        let input = density::Input {
            x: &x_axis,
            y: &y_axis,
            colour: color,
            levels: &groups,
            class_counts: Some(&group_rows),
            counts: density::Counts { cells: &counted.cells, stride: counted.stride, overflow: &counted.overflow },
            nx: counted.width,
            ny: counted.height,
            extents: shown,
            rows_total: x.len() as u64,
            // To know it may take as long as to count all rows.
            rows_missing: if one_of > 1 { 0 } else { counted.rows_total - placed() },
            shade: shade(values),
            spread: counted.width == view.pixels.0,
            one_of: one_of as u64,
        };
        let drawing = density::draw(&input, &style, picture_buffers).map(|drawing| probed(drawing, Some(full), one_of > 1));
        buffers.recycle(counted);
        drawing
    };
    let one_of = match &cloud {
        _ if !canvas.first => 1,
        Some(_) => share(view.near(), FIRST_LOOK_INDEXED),
        None => share(view.near(), FIRST_LOOK),
    };
    match drawn(one_of) {
        // It may be that no row was among those that were counted.
        Err(_) if one_of > 1 => drawn(1),
        drawing => drawing,
    }
}

/// One out of how many rows a first look counts, of so many that would be read and so many that are quick: a power of two, so that every
/// block of an index has its share.
fn share(rows: usize, quick: usize) -> usize {
    1 << (rows / quick).clamp(1, LEAST_SHARE).ilog2()
}

/// Rows that have a place on both axes.
fn placed(x: (Positions<'_>, &Summary, bool), y: (Positions<'_>, &Summary, bool)) -> u64 {
    // What the summary says is enough where all have a place but for missing values on one axis.
    let lost = |(positions, summary, log): (Positions<'_>, &Summary, bool)| match &summary.numbers {
        Some(numbers) if numbers.infinite == 0 && !(log && numbers.min <= 0.0) => Some(summary.missing),
        Some(_) => None,
        None => matches!(positions, Positions::Codes { .. }).then_some(summary.missing),
    };
    match (lost(x), lost(y)) {
        (Some(0), Some(n)) | (Some(n), Some(0)) => (x.0.len() - n) as u64,
        _ => counting::count_placed(x.0, y.0),
    }
}

/// Tells the browser that the panel answers about rows by their place, what the whole view is where a zoom is worth asking again for, the
/// cells of a raster, and whether this is a first look that a figure of all rows follows.
fn probed(mut drawing: labboard_figure::Drawing, full: Option<Window>, follows: bool) -> Content {
    if let Some(layout) = drawing.figure.get_mut("layout").and_then(serde_json::Value::as_object_mut) {
        let meta = layout.entry("meta").or_insert_with(|| serde_json::json!({}));
        meta["rows"] = true.into();
        if let Some(full) = full {
            meta["refine"] = serde_json::json!([full.x[0], full.x[1], full.y[0], full.y[1]]);
        }
        if let Some(raster) = &drawing.raster {
            meta["cells"] = serde_json::json!([raster.width, raster.height]);
        }
        if follows {
            meta["follows"] = true.into();
        }
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

/// The axis over all values, with the room around them that exact marks have.
fn axis(name: &str, column: Column<'_>, summary: &Summary, log: bool) -> Option<Axis> {
    if let Some((_, levels)) = column.categories() {
        return Some(Axis::category(name, levels));
    }
    let numbers = summary.numbers.as_ref()?;
    let (low, high) = match column.numbers().filter(|_| log) {
        None => (numbers.min, numbers.max),
        // The least positive number is known unless there are others.
        Some(_) if numbers.min > 0.0 => (numbers.min.log10(), numbers.max.log10()),
        Some(values) => counting::extent_of_logs(values)?,
    };
    let room = if high > low { (high - low) * PADDING } else { 0.5 };
    let kind = match column.kind() {
        FeatureKind::Date => AxisKind::Date,
        _ if log => AxisKind::Log,
        _ => AxisKind::Linear,
    };
    Some(Axis::exact(name, kind, [low - room, high + room]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_look_counts_about_as_many_rows_as_are_quick() {
        let quick = 4_000_000;
        for (rows, one_of) in [(0, 1), (quick, 1), (2 * quick - 1, 1), (2 * quick, 2), (100_000_000, 16), (usize::MAX, LEAST_SHARE)] {
            assert_eq!(share(rows, quick), one_of);
        }
    }
}
