//! Distributions: a small chart for each of several features, alone or by class: histograms, bars, boxes or violins.

mod bars;
mod boxes;

use crate::axis::Axis;
use crate::classes::Classes;
use crate::drawing::{Cell, Drawing, Empty, LegendEntry, Provenance, Rows};
use crate::extend::Extended;
use crate::layout::{Area, Frame, Margins, Sheet, Style};
use crate::picture::{Canvas, Panel};
use crate::text;
use crate::theme::Colour;
use bars::Bars;
use boxes::Boxes;
use labboard_frame::quartiles::Quartiles;
use plotly::layout::BarMode;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use bars::MOST_BARS;

/// The height of one small chart of bars or boxes and the space for its labels, in px.
pub const BARS_HEIGHT: f64 = 128.0;
pub const BOXES_HEIGHT: f64 = 184.0;
const GAP: f64 = 66.0;
const COLUMN_GAP: f64 = 56.0;
const MARGINS: Margins = Margins { left: 52.0, right: 16.0, top: 30.0, bottom: 32.0 };
/// The most shapes of a picture that still tells classes apart.
const MOST_SHAPES: usize = 1_400;

/// How the bars of several classes share a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Together {
    /// On top of each other.
    #[default]
    Stack,
    /// Behind each other, translucent.
    Overlay,
    /// Beside each other.
    Group,
}

/// Where the values are counted.
#[derive(Clone, Copy, Debug)]
pub enum Places<'a> {
    /// Histogram: the edges of the bins, one more than there are bins.
    Bins { edges: &'a [f64], date: bool },
    /// Bars: one for each level.
    Levels(&'a [String]),
}

/// What is known of a feature's values.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// One plane of counts for each class, each as long as there are places: `counts[class * places + place]`. A single
    /// plane without classes.
    Counts { places: Places<'a>, counts: &'a [u64] },
    /// A box for each class; a single one without classes.
    Spread { groups: &'a [Option<GroupSpread>], date: bool },
}

/// How the values of one class are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSpread {
    pub quartiles: Quartiles,
    /// For a violin.
    pub curve: Option<Curve>,
}

/// A density over equal bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The lower end of the first bin.
    pub low: f64,
    /// The width of a bin, in units of the values.
    pub width: f64,
    /// Rows in each bin, smoothed.
    pub heights: Vec<f64>,
}

/// One feature.
#[derive(Clone, Copy, Debug)]
pub struct Distribution<'a> {
    pub name: &'a str,
    pub values: Values<'a>,
    /// Rows without a value.
    pub missing: u64,
    /// Rows whose value is infinite.
    pub infinite: u64,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub features: &'a [Distribution<'a>],
    /// The target's name and levels; empty for distributions alone. A last plane or box beyond the levels is the rows without a level.
    pub target: &'a str,
    pub levels: &'a [String],
    pub together: Together,
    /// 1 or 2 charts side by side.
    pub columns: usize,
    pub rows_total: u64,
}

/// What the small charts share.
struct Common<'a> {
    style: &'a Style,
    legend: &'a [LegendEntry],
    classes: Option<&'a Classes>,
    together: Together,
}

impl Common<'_> {
    fn colour(&self, class: usize) -> Colour {
        self.classes.map_or(Colour::Cat1, |classes| classes.all().get(class).map_or(Colour::CatOther, crate::classes::Class::colour))
    }

    fn label(&self, class: usize) -> String {
        self.legend.get(class).map_or_else(String::new, |entry| text::text(&text::shorten(&entry.label, 24)))
    }
}

/// Adds a row to the table: the value, the class's index, the number of rows, and the least value, the quartiles and the greatest.
type AddRow<'a> = dyn FnMut(String, Option<usize>, u64, Option<[Cell; 5]>) + 'a;

/// One small chart.
trait Small {
    /// Rows drawn of a class; of all without classes.
    fn rows_of(&self, class: usize) -> u64;
    /// Shapes in a picture that tells classes apart.
    fn shapes(&self) -> usize;
    /// Axes for a place so many px wide.
    fn axes(&self, common: &Common<'_>, width: f64) -> (Axis, Axis);
    /// The traces for the `index`-th subplot.
    fn traces(&self, name: &str, common: &Common<'_>, index: usize, axes: (&Axis, &Axis)) -> Vec<Extended>;
    /// The same in the picture.
    fn paint(&self, canvas: &mut Canvas, panel: Panel, axes: (&Axis, &Axis), common: &Common<'_>, by_class: bool);
    fn table(&self, add: &mut AddRow<'_>);
    /// What there is to say, after the feature's name.
    fn gist(&self) -> String;
}

/// Draws the small charts, as high as they need to be.
///
/// # Errors
/// [`Empty`] when no feature was chosen or none has a value.
pub fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
    if input.features.is_empty() {
        return Err(Empty::new("Choose one or more features to see their distributions."));
    }
    if input.features.iter().all(|feature| feature.values.is_empty()) {
        return Err(Empty::new("None of the chosen features has a value."));
    }
    let planes = input.planes();
    let classes = (!input.levels.is_empty()).then(|| {
        // A feature without a value in some rows may lack a whole class.
        let rows = |plane| input.features.iter().map(|feature| feature.values.rows_of(plane)).max().unwrap_or(0);
        let counts: Vec<u64> = (0..input.levels.len()).map(rows).collect();
        Classes::new(input.levels, &counts, if planes > input.levels.len() { rows(input.levels.len()) } else { 0 })
    });
    let plots: Vec<Plot> = input.features.iter().map(|feature| Plot::of(feature, classes.as_ref(), planes)).collect();
    let legend = legend(classes.as_ref(), &plots);

    let columns = input.columns.clamp(1, 2).min(plots.len());
    let boxes = input.features.iter().any(|feature| matches!(feature.values, Values::Spread { .. }));
    let grid = Grid { columns, lines: plots.len().div_ceil(columns), height: if boxes { BOXES_HEIGHT } else { BARS_HEIGHT } };
    let frame = Frame::new(style, MARGINS).with_legend(style, &legend).with_plot_height(grid.total());

    let common = Common { style, legend: &legend, classes: classes.as_ref(), together: input.together };
    let mut sheet = Sheet::new(style, frame);
    let mut canvas = Canvas::new(style, frame);
    let shapes: usize = plots.iter().map(|plot| plot.small.shapes()).sum();
    for (i, plot) in plots.iter().enumerate() {
        let area = grid.place(i, &frame);
        let width = (area.x[1] - area.x[0]) * frame.plot_width();
        let (x, y) = plot.small.axes(&common, width);
        sheet.axes(i, area, &x, &y);
        sheet.heading(area, &plot.heading());
        plot.small.traces(&plot.name, &common, i, (&x, &y)).iter().for_each(|trace| sheet.trace(trace));
        let panel = canvas.panel(area);
        canvas.axes(panel, &x, &y, false);
        canvas.heading(panel, &plot.heading());
        plot.small.paint(&mut canvas, panel, (&x, &y), &common, shapes <= MOST_SHAPES);
    }
    sheet.set(
        "barmode",
        json!(match input.together {
            Together::Stack => BarMode::Stack,
            Together::Overlay => BarMode::Overlay,
            Together::Group => BarMode::Group,
        }),
    );
    sheet.set("bargap", 0.2);
    sheet.set("boxmode", "overlay");
    sheet.legend(&legend);
    canvas.legend(style, &legend);

    let summary = summary(input, &plots);
    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table: table(input, &plots, boxes),
        picture: canvas.finish(&summary),
        summary,
        provenance: provenance(input, &plots),
        legend,
    })
}

impl Values<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Counts { counts, .. } => counts.iter().all(|count| *count == 0),
            Self::Spread { groups, .. } => groups.iter().all(Option::is_none),
        }
    }

    fn planes(&self) -> usize {
        match self {
            Self::Counts { places, counts } => counts.len() / places.len().max(1),
            Self::Spread { groups, .. } => groups.len(),
        }
    }

    fn rows_of(&self, plane: usize) -> u64 {
        match self {
            Self::Counts { places, counts } => counts.iter().skip(plane * places.len()).take(places.len()).sum(),
            Self::Spread { groups, .. } => groups.get(plane).and_then(Option::as_ref).map_or(0, |group| group.quartiles.rows),
        }
    }
}

impl Input<'_> {
    fn planes(&self) -> usize {
        let most = self.features.iter().map(|feature| feature.values.planes()).max().unwrap_or(1);
        if self.levels.is_empty() { 1 } else { most.clamp(1, self.levels.len() + 1) }
    }
}

impl Places<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bins { edges, .. } => edges.len().saturating_sub(1),
            Self::Levels(levels) => levels.len(),
        }
    }
}

struct Plot {
    name: String,
    missing: u64,
    infinite: u64,
    small: Box<dyn Small>,
}

impl Plot {
    fn of(feature: &Distribution<'_>, classes: Option<&Classes>, planes: usize) -> Self {
        let small: Box<dyn Small> = match feature.values {
            Values::Counts { places, counts } => Box::new(Bars::of(places, counts, classes, planes)),
            Values::Spread { groups, date } => Box::new(Boxes::of(groups, date, classes)),
        };
        Self { name: feature.name.to_owned(), missing: feature.missing, infinite: feature.infinite, small }
    }

    fn heading(&self) -> String {
        let name = text::shorten(&self.name, 40);
        let said: Vec<String> = [(self.missing, "missing"), (self.infinite, "infinite")]
            .into_iter()
            .filter(|(rows, _)| *rows > 0)
            .map(|(rows, what)| format!("{} {what}", text::count(rows)))
            .collect();
        if said.is_empty() { name } else { format!("{name} ({})", said.join(", ")) }
    }

    fn shown(&self, classes: usize) -> u64 {
        (0..classes.max(1)).map(|class| self.small.rows_of(class)).sum()
    }
}

/// Where the small charts stand.
struct Grid {
    columns: usize,
    lines: usize,
    /// Of one chart, in px.
    height: f64,
}

impl Grid {
    fn total(&self) -> f64 {
        self.lines as f64 * self.height + (self.lines - 1) as f64 * GAP
    }

    /// The place of the `i`-th small chart, row by row from the top.
    fn place(&self, i: usize, frame: &Frame) -> Area {
        let (column, line) = (i % self.columns, i / self.columns);
        let (w, h) = (frame.plot_width(), self.total());
        let width = (w - (self.columns - 1) as f64 * COLUMN_GAP) / self.columns as f64;
        let left = column as f64 * (width + COLUMN_GAP);
        let top = line as f64 * (self.height + GAP);
        Area { x: [left / w, ((left + width) / w).min(1.0)], y: [(1.0 - (top + self.height) / h).max(0.0), 1.0 - top / h] }
    }
}

fn legend(classes: Option<&Classes>, plots: &[Plot]) -> Vec<LegendEntry> {
    let Some(classes) = classes else {
        return Vec::new();
    };
    let rows = |class| plots.iter().map(|plot| plot.small.rows_of(class)).max().unwrap_or(0);
    classes.legend(&(0..classes.len()).map(rows).collect::<Vec<u64>>())
}

fn table(input: &Input<'_>, plots: &[Plot], boxes: bool) -> Rows {
    let class = if input.target.is_empty() { "class" } else { input.target };
    let mut columns = vec!["feature", "value"];
    if !input.levels.is_empty() {
        columns.push(class);
    }
    columns.push("#rows");
    if boxes {
        columns.extend(["#minimum", "#first quartile", "#median", "#third quartile", "#maximum"]);
    }
    let mut table = Rows::new(&columns);
    let classes = Classes::new(input.levels, &[], u64::from(input.planes() > input.levels.len()));
    for plot in plots {
        let mut add = |value: String, class: Option<usize>, rows: u64, quartiles: Option<[Cell; 5]>| {
            table.push(|| {
                let mut row = vec![Cell::Text(plot.name.clone()), Cell::Text(value)];
                if !input.levels.is_empty() {
                    let class = class.and_then(|class| classes.all().get(class));
                    row.push(class.map_or(Cell::Missing, |class| Cell::Text(class.label.clone())));
                }
                row.push(Cell::count(rows));
                if boxes {
                    row.extend(quartiles.unwrap_or([const { Cell::Missing }; 5]));
                }
                row
            });
        };
        plot.small.table(&mut add);
        for (rows, what) in [(plot.missing, "missing"), (plot.infinite, "infinite")] {
            if rows > 0 {
                add(what.to_owned(), None, rows, None);
            }
        }
    }
    table
}

fn summary(input: &Input<'_>, plots: &[Plot]) -> String {
    let mut out = format!("Distribution of {}", text::plural(plots.len() as u64, "feature", "features"));
    if !input.levels.is_empty() {
        out.push_str(&format!(" by {}", if input.target.is_empty() { "class".to_owned() } else { text::quoted(input.target) }));
    }
    let parts: Vec<String> = plots.iter().take(4).map(|plot| format!("{} {}", text::quoted(&plot.name), plot.small.gist())).collect();
    out.push_str(&format!(": {}", parts.join("; ")));
    if plots.len() > 4 {
        out.push_str("; …");
    }
    out.push('.');
    out
}

fn provenance(input: &Input<'_>, plots: &[Plot]) -> Provenance {
    let classes = input.levels.len() + 1;
    let has = |wanted: fn(&Values<'_>) -> bool| input.features.iter().any(|feature| wanted(&feature.values));
    let mut methods = Vec::new();
    if has(|values| matches!(values, Values::Counts { .. })) {
        methods.push("every row with a value counted; a bin holds its lower edge, the last one also its upper");
    }
    if has(|values| matches!(values, Values::Spread { .. })) {
        methods.push("quartiles of all values; whiskers reach to the last value within 1.5 interquartile ranges, marks are the least and the greatest");
    }
    let violins =
        has(|values| matches!(values, Values::Spread { groups, .. } if groups.iter().flatten().any(|group| group.curve.is_some())));
    Provenance {
        rows_shown: plots.iter().map(|plot| plot.shown(classes)).max().unwrap_or(0),
        rows_total: input.rows_total,
        method: format!("exact: {}", methods.join("; ")),
        seed: None,
        formula: violins.then(|| {
            "violins: counts in equal bins, smoothed by a Gaussian kernel with Silverman's bandwidth 0.9 · min(σ, IQR/1.34) · n^(−1/5); all are as wide at their widest".to_owned()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::check;
    use crate::text::HOSTILE;

    const EDGES: [f64; 4] = [0.0, 1.0, 2.0, 3.0];

    fn levels(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    fn counted<'a>(name: &'a str, places: Places<'a>, counts: &'a [u64], missing: u64) -> Distribution<'a> {
        Distribution { name, values: Values::Counts { places, counts }, missing, infinite: 0 }
    }

    fn input<'a>(features: &'a [Distribution<'a>], levels: &'a [String]) -> Input<'a> {
        Input { features, target: "class", levels, together: Together::Stack, columns: 2, rows_total: 20 }
    }

    #[test]
    fn one_trace_for_each_feature_and_class() {
        let (classes, bars) = (levels(&["a", "b"]), levels(&["u", "v"]));
        let features = [
            counted("n", Places::Bins { edges: &EDGES, date: false }, &[1, 2, 3, 0, 5, 0], 2),
            counted("c", Places::Levels(&bars), &[4, 2, 0, 5], 0),
        ];
        let drawing = draw(&input(&features, &classes), &Style::default()).unwrap();
        let (data, layout) = (&drawing.figure["data"], &drawing.figure["layout"]);
        assert_eq!(data.as_array().unwrap().len(), 4);
        assert_eq!(data[0]["x"], json!([0.5, 1.5, 2.5]));
        assert_eq!(data[0]["y"], json!([1, 2, 3]));
        assert_eq!(data[0]["name"], "a 6");
        assert_eq!(data[3]["xaxis"], "x2");
        assert_eq!(data[3]["showlegend"], false);
        assert_eq!(layout["barmode"], "stack");
        assert_eq!(layout["xaxis2"]["ticktext"], json!(["u", "v"]));
        assert_eq!(layout["annotations"][0]["text"], "n (2 missing)");
        assert_eq!(layout["yaxis"]["range"], json!([0.0, 7.0 * 1.06]));
        assert_eq!(drawing.legend[1].count, Some(5));
        assert!(drawing.summary.starts_with("Distribution of 2 features by class: n is mostly 1 to 2 (63.6 %)"), "{}", drawing.summary);
        assert_eq!(drawing.table.rows.last().unwrap(), &vec![Cell::from("c"), Cell::from("v"), Cell::from("b"), Cell::count(5)]);
        check(&drawing.picture);
    }

    #[test]
    fn rows_without_a_class_are_a_class() {
        let classes = levels(&["a"]);
        let features = [counted("n", Places::Bins { edges: &EDGES, date: true }, &[1, 2, 3, 0, 5, 0], 0)];
        for together in [Together::Stack, Together::Overlay, Together::Group] {
            let drawing = draw(&Input { together, ..input(&features, &classes) }, &Style::default()).unwrap();
            assert_eq!(drawing.legend[1].label, "missing");
            assert_eq!(drawing.legend[1].count, Some(5));
            assert_eq!(drawing.table.total, 4);
            check(&drawing.picture);
        }
    }

    #[test]
    fn many_levels_are_cut_and_the_rest_is_counted() {
        let bars: Vec<String> = (0..50).map(|i| format!("l{i}")).collect();
        let counts: Vec<u64> = (0..50).collect();
        let features = [counted("c", Places::Levels(&bars), &counts, 0)];
        let drawing = draw(&input(&features, &[]), &Style::default()).unwrap();
        let y = drawing.figure["data"][0]["y"].as_array().unwrap();
        assert_eq!(y.len(), MOST_BARS);
        assert_eq!(y[MOST_BARS - 1], (0..31).sum::<u64>());
        assert!(drawing.legend.is_empty());
        assert_eq!(drawing.provenance.rows_shown, (0..50).sum::<u64>());
        check(&drawing.picture);
    }

    #[test]
    fn odd_inputs_are_drawn_or_have_a_reason() {
        assert!(draw(&input(&[], &[]), &Style::default()).unwrap_err().reason.starts_with("Choose"));
        let none = [counted("n", Places::Bins { edges: &[], date: false }, &[], 4)];
        assert!(draw(&input(&none, &[]), &Style::default()).unwrap_err().reason.starts_with("None"));
        let one = [counted("n", Places::Bins { edges: &[5.0, 5.0], date: false }, &[4], 0), none[0]];
        check(&draw(&input(&one, &[]), &Style::default()).unwrap().picture);
        for raw in HOSTILE {
            let bars = levels(&[raw]);
            let features = [counted(raw, Places::Levels(&bars), &[4], 1)];
            let drawing = draw(&Input { target: raw, ..input(&features, &bars) }, &Style::default()).unwrap();
            let json = drawing.figure.to_string().replace("<br>", "").replace("<extra>", "").replace("</extra>", "");
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }

    #[test]
    fn boxes_and_violins_have_one_trace_for_each_class_with_values() {
        let classes = levels(&["a", "b", "c"]);
        let quartiles = Quartiles { rows: 9, min: -20.0, q1: 2.0, median: 4.0, q3: 6.0, max: 8.0, whiskers: (1.0, 8.0), beyond: (1, 0) };
        let curve = Curve { low: -20.0, width: 7.0, heights: vec![1.0, 0.0, 2.0, 6.0] };
        for (curve, traces) in [(None, 2), (Some(curve), 4)] {
            let with = GroupSpread { quartiles, curve };
            let groups = [Some(with.clone()), None, Some(with), None];
            let features = [
                Distribution { name: "n", values: Values::Spread { groups: &groups, date: false }, missing: 3, infinite: 1 },
                Distribution { name: "d", values: Values::Spread { groups: &groups, date: true }, missing: 0, infinite: 0 },
            ];
            let drawing = draw(&input(&features, &classes), &Style::default()).unwrap();
            let data = drawing.figure["data"].as_array().unwrap();
            assert_eq!(data.len(), 2 * traces);
            let of_c = data.iter().rfind(|trace| trace["type"] == "box" && trace["yaxis"] == "y").unwrap();
            assert_eq!((&of_c["x"], &of_c["median"], &of_c["lowerfence"]), (&json!([2]), &json!([4]), &json!([1])));
            // Only what lies beyond the whiskers has a mark.
            assert_eq!(of_c["y"], json!([[-20]]));
            assert_eq!(drawing.figure["layout"]["annotations"][0]["text"], "n (3 missing, 1 infinite)");
            assert_eq!(drawing.figure["layout"]["xaxis"]["ticktext"], json!(["a", "b", "c"]));
            assert_eq!(drawing.provenance.rows_shown, 18);
            assert!(drawing.summary.contains("n has its median at 4 in a, half of the values from 2 to 6"), "{}", drawing.summary);
            assert_eq!(drawing.table.rows[0][2..5], [Cell::from("a"), Cell::count(9), Cell::number(-20.0)]);
            check(&drawing.picture);
        }
        let alone = [Distribution {
            name: "n",
            values: Values::Spread { groups: &[Some(GroupSpread { quartiles, curve: None })], date: false },
            missing: 0,
            infinite: 0,
        }];
        assert_eq!(draw(&input(&alone, &[]), &Style::default()).unwrap().figure["data"][0]["type"], "box");
    }
}
