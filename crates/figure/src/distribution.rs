//! Distributions: a small histogram or bar chart for each of several features, alone or by class.

use crate::array;
use crate::axis::{Axis, AxisKind};
use crate::classes::Classes;
use crate::drawing::{Cell, Drawing, Empty, LegendEntry, Provenance, Rows};
use crate::extend::Extended;
use crate::layout::{Area, Frame, Margins, Sheet, Style, axis_suffix, legend_label};
use crate::picture::Canvas;
use crate::text;
use crate::theme::Colour;
use plotly::Bar;
use plotly::common::{Line, Marker};
use plotly::layout::BarMode;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The height of one small chart and the space for its labels, in px.
pub const PLOT_HEIGHT: f64 = 128.0;
const GAP: f64 = 66.0;
const COLUMN_GAP: f64 = 56.0;
const MARGINS: Margins = Margins { left: 52.0, right: 16.0, top: 30.0, bottom: 32.0 };
/// The most bars of a categorical feature.
pub const MOST_BARS: usize = 20;
/// The most rectangles of a picture that still tells classes apart.
const MOST_RECTS: usize = 1_400;

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

/// One feature's counts.
#[derive(Clone, Copy, Debug)]
pub struct Distribution<'a> {
    pub name: &'a str,
    pub places: Places<'a>,
    /// One plane of counts for each class, each as long as there are places: `counts[class * places + place]`. A single
    /// plane without classes.
    pub counts: &'a [u64],
    /// Rows without a value.
    pub missing: u64,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub features: &'a [Distribution<'a>],
    /// The target's name and levels; empty for distributions alone. A last plane beyond the levels is the rows without a level.
    pub target: &'a str,
    pub levels: &'a [String],
    pub together: Together,
    /// 1 or 2 charts side by side.
    pub columns: usize,
    pub rows_total: u64,
}

/// Draws the small charts, as high as they need to be.
///
/// # Errors
/// [`Empty`] when no feature was chosen or none has a value.
pub fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
    if input.features.is_empty() {
        return Err(Empty::new("Choose one or more features to see their distributions."));
    }
    if input.features.iter().all(|f| f.counts.iter().all(|&c| c == 0)) {
        return Err(Empty::new("None of the chosen features has a value."));
    }
    let planes = input.planes();
    let classes = (!input.levels.is_empty()).then(|| {
        let first = &input.features[0];
        let n = first.places.len();
        let sum = |p: usize| first.counts.iter().skip(p * n).take(n).sum::<u64>();
        let counts: Vec<u64> = (0..input.levels.len()).map(sum).collect();
        Classes::new(input.levels, &counts, if planes > input.levels.len() { sum(input.levels.len()) } else { 0 })
    });
    let plots: Vec<Plot> = input.features.iter().map(|f| Plot::of(f, classes.as_ref(), planes)).collect();
    let legend = legend(classes.as_ref(), &plots);

    let columns = input.columns.clamp(1, 2).min(plots.len());
    let lines = plots.len().div_ceil(columns);
    let height = lines as f64 * PLOT_HEIGHT + (lines - 1) as f64 * GAP;
    let frame = Frame::new(style, MARGINS).with_legend(style, &legend).with_plot_height(height);

    let mut sheet = Sheet::new(style, frame);
    let mut canvas = Canvas::new(style, frame);
    let rects: usize = plots.iter().map(|p| p.places() * p.counts.len()).sum();
    for (i, plot) in plots.iter().enumerate() {
        let area = place(i, columns, lines, &frame);
        let width = (area.x[1] - area.x[0]) * frame.plot_width();
        let (x, y) = plot.axes(input.together, width);
        sheet.axes(i, area, &x, &y);
        sheet.heading(area, &plot.heading());
        for (class, counts) in plot.counts.iter().enumerate() {
            sheet.trace(&trace(input, plot, class, counts, i, &legend, style, &x));
        }
        let panel = canvas.panel(area);
        canvas.axes(panel, &x, &y, false);
        canvas.heading(panel, &plot.heading());
        paint(&mut canvas, panel, plot, &x, &y, input.together, rects <= MOST_RECTS);
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
    sheet.legend(&legend);
    canvas.legend(style, &legend);

    let summary = summary(input, &plots);
    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table: table(input, &plots),
        picture: canvas.finish(&summary),
        summary,
        provenance: Provenance {
            rows_shown: plots.iter().map(|p| p.shown()).max().unwrap_or(0),
            rows_total: input.rows_total,
            method: "exact: every row with a value counted; a bin holds its lower edge, the last one also its upper".to_owned(),
            seed: None,
            formula: None,
        },
        legend,
    })
}

impl Input<'_> {
    fn planes(&self) -> usize {
        let most = self.features.iter().map(|f| f.counts.len() / f.places.len().max(1)).max().unwrap_or(1);
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

/// One small chart: its places and each class's counts there.
struct Plot {
    name: String,
    missing: u64,
    /// The edges of bins, in axis units.
    edges: Vec<f64>,
    kind: AxisKind,
    /// The labels of bars; the last may stand for the rest.
    labels: Vec<String>,
    left_out: usize,
    counts: Vec<Vec<u64>>,
    colours: Vec<Colour>,
}

impl Plot {
    fn of(feature: &Distribution<'_>, classes: Option<&Classes>, planes: usize) -> Self {
        let n = feature.places.len();
        let mut counts = vec![vec![0_u64; n]; classes.map_or(1, Classes::len).max(1)];
        for plane in 0..planes {
            let class = classes.map_or(Some(0), |c| c.of(plane as u32));
            let Some(class) = class.and_then(|c| counts.get_mut(c)) else {
                continue;
            };
            for (sum, &count) in class.iter_mut().zip(feature.counts.iter().skip(plane * n)) {
                *sum += count;
            }
        }
        let colours = match classes {
            Some(classes) => classes.all().iter().map(|c| c.colour()).collect(),
            None => vec![Colour::Cat1],
        };
        let mut plot = Self {
            name: feature.name.to_owned(),
            missing: feature.missing,
            edges: Vec::new(),
            kind: AxisKind::Category,
            labels: Vec::new(),
            left_out: 0,
            counts,
            colours,
        };
        match feature.places {
            Places::Bins { edges, date } => {
                plot.edges = edges.to_vec();
                plot.kind = if date { AxisKind::Date } else { AxisKind::Linear };
            }
            Places::Levels(levels) => plot.keep_bars(levels),
        }
        plot
    }

    /// Keeps the most frequent levels in their order and counts the others together.
    fn keep_bars(&mut self, levels: &[String]) {
        self.labels = levels.to_vec();
        if levels.len() <= MOST_BARS {
            return;
        }
        let total = |place: usize| self.counts.iter().map(|c| c[place]).sum::<u64>();
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.sort_by_key(|&l| (std::cmp::Reverse(total(l)), l));
        let (kept, rest) = order.split_at_mut(MOST_BARS - 1);
        kept.sort_unstable();
        for counts in &mut self.counts {
            let mut bars: Vec<u64> = kept.iter().map(|&l| counts[l]).collect();
            bars.push(rest.iter().map(|&l| counts[l]).sum());
            *counts = bars;
        }
        self.labels = kept.iter().map(|&l| levels[l].clone()).collect();
        self.labels.push(format!("{} others", text::count(rest.len() as u64)));
        self.left_out = rest.len();
    }

    fn places(&self) -> usize {
        self.counts.first().map_or(0, Vec::len)
    }

    fn total(&self, place: usize) -> u64 {
        self.counts.iter().map(|c| c[place]).sum()
    }

    fn shown(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    fn heading(&self) -> String {
        let name = text::shorten(&self.name, 40);
        if self.missing > 0 { format!("{name} ({} missing)", text::count(self.missing)) } else { name }
    }

    /// The middle and the width of a place, in axis units.
    fn middle(&self, place: usize) -> (f64, f64) {
        match self.kind {
            AxisKind::Category => (place as f64, 0.8),
            _ => {
                let (from, to) = (self.edges[place], self.edges[place + 1]);
                (from + (to - from) / 2.0, to - from)
            }
        }
    }

    fn place_name(&self, place: usize) -> String {
        match self.kind {
            AxisKind::Category => text::quoted(&self.labels[place]),
            kind => {
                let axis = Axis::exact("", kind, [0.0, 1.0]);
                format!("{} to {}", axis.reading(self.edges[place]), axis.reading(self.edges[place + 1]))
            }
        }
    }

    fn axes(&self, together: Together, width: f64) -> (Axis, Axis) {
        let x = match self.kind {
            AxisKind::Category => Axis::category("", &self.labels),
            kind => match (self.edges.first(), self.edges.last()) {
                (Some(&low), Some(&high)) if high > low => Axis::exact("", kind, [low, high]),
                _ => Axis::around("", kind, self.edges.iter().copied()),
            },
        };
        let highest = (0..self.places())
            .map(|place| match together {
                Together::Stack => self.total(place),
                _ => self.counts.iter().map(|c| c[place]).max().unwrap_or(0),
            })
            .max()
            .unwrap_or(0);
        let y = Axis::exact("", AxisKind::Linear, [0.0, highest.max(1) as f64 * 1.06]);
        (x.across(width), y)
    }
}

/// The place of the `i`-th small chart, row by row from the top.
fn place(i: usize, columns: usize, lines: usize, frame: &Frame) -> Area {
    let (column, line) = (i % columns, i / columns);
    let (w, h) = (frame.plot_width(), lines as f64 * PLOT_HEIGHT + (lines - 1) as f64 * GAP);
    let width = (w - (columns - 1) as f64 * COLUMN_GAP) / columns as f64;
    let left = column as f64 * (width + COLUMN_GAP);
    let top = line as f64 * (PLOT_HEIGHT + GAP);
    Area { x: [left / w, ((left + width) / w).min(1.0)], y: [(1.0 - (top + PLOT_HEIGHT) / h).max(0.0), 1.0 - top / h] }
}

#[expect(clippy::too_many_arguments, reason = "one trace depends on all that the small charts share")]
fn trace(
    input: &Input<'_>,
    plot: &Plot,
    class: usize,
    counts: &[u64],
    index: usize,
    legend: &[LegendEntry],
    style: &Style,
    axis: &Axis,
) -> Extended {
    let suffix = axis_suffix(index);
    let colour = plot.colours.get(class).copied().unwrap_or(Colour::CatOther);
    let edge = Line::new().width(0.5).color(style.theme.hex(Colour::Surface));
    let marker = Marker::new().color(style.theme.hex(colour)).line(edge);
    let opacity = if input.together == Together::Overlay && plot.counts.len() > 1 { 0.55 } else { 1.0 };
    let mut base = Bar::<f64, f64>::new(vec![], vec![])
        .marker(marker)
        .opacity(opacity)
        .x_axis(format!("x{suffix}"))
        .y_axis(format!("y{suffix}"))
        .show_legend(index == 0);
    if let Some(entry) = legend.get(class) {
        base = base.name(text::text(&legend_label(entry))).legend_group(class.to_string());
    }
    let middles: Vec<(f64, f64)> = (0..counts.len()).map(|place| plot.middle(place)).collect();
    let at: Vec<f64> = middles.iter().map(|m| m.0).collect();
    let widths: Vec<f64> = middles.iter().map(|m| m.1).collect();
    let names: Vec<String> = (0..counts.len()).map(|place| text::text(&plot.place_name(place))).collect();
    let label = legend.get(class).map_or(String::new(), |e| text::text(&text::shorten(&e.label, 24)));
    let mut trace = Extended::new(&base)
        .set(
            "x",
            match plot.kind {
                AxisKind::Date => array::dates(&at),
                _ => array::numbers(&at, axis.precision(1000.0)),
            },
        )
        .set("y", json!(counts))
        .set("hovertext", json!(names))
        .set(
            "hovertemplate",
            format!("{}: %{{hovertext}}<br>%{{y}} rows<extra>{label}</extra>", text::text(&text::shorten(&plot.name, 40))),
        );
    if input.together != Together::Group {
        trace = trace.set("width", json!(widths));
    }
    trace
}

/// The same bars in the picture.
fn paint(canvas: &mut Canvas, panel: crate::picture::Panel, plot: &Plot, x: &Axis, y: &Axis, together: Together, by_class: bool) {
    let mut rects: Vec<Vec<(f64, f64, f64, f64)>> = vec![Vec::new(); plot.counts.len()];
    for place in 0..plot.places() {
        let (middle, width) = plot.middle(place);
        let mut add = |class: usize, from: u64, to: u64, left: f64, width: f64| {
            let (x0, top) = panel.place(x, y, (left, to as f64));
            let (x1, bottom) = panel.place(x, y, (left + width, from as f64));
            let gap = if x1 - x0 > 5.0 { 1.0 } else { 0.0 };
            rects[class].push((x0, top, x1 - x0 - gap, bottom - top));
        };
        let left = middle - width / 2.0;
        if !by_class {
            add(0, 0, plot.total(place), left, width);
            continue;
        }
        let (mut below, share) = (0, width / plot.counts.len() as f64);
        for (class, counts) in plot.counts.iter().enumerate() {
            let count = counts[place];
            match together {
                Together::Stack => add(class, below, below + count, left, width),
                Together::Overlay => add(class, 0, count, left, width),
                Together::Group => add(class, 0, count, left + share * class as f64, share),
            }
            below += count;
        }
    }
    let opacity = if together == Together::Overlay && plot.counts.len() > 1 { 0.55 } else { 1.0 };
    for (class, rects) in rects.iter().enumerate() {
        let colour = if by_class { plot.colours.get(class).copied().unwrap_or(Colour::CatOther) } else { Colour::Cat1 };
        canvas.rects(rects, colour.into(), opacity);
    }
}

fn legend(classes: Option<&Classes>, plots: &[Plot]) -> Vec<LegendEntry> {
    let Some(classes) = classes else {
        return Vec::new();
    };
    let shown: Vec<u64> = (0..classes.len())
        .map(|class| {
            let of_plot = |p: &Plot| p.counts.get(class).map_or(0, |c| c.iter().sum());
            plots.iter().map(of_plot).max().unwrap_or(0)
        })
        .collect();
    classes.legend(&shown)
}

fn table(input: &Input<'_>, plots: &[Plot]) -> Rows {
    let class = if input.target.is_empty() { "class" } else { input.target };
    let mut columns = vec!["feature", "value"];
    if !input.levels.is_empty() {
        columns.push(class);
    }
    columns.push("#rows");
    let mut table = Rows::new(&columns);
    let classes = Classes::new(input.levels, &[], u64::from(input.planes() > input.levels.len()));
    for plot in plots {
        for place in 0..plot.places() {
            for (index, counts) in plot.counts.iter().enumerate() {
                if counts[place] == 0 && plot.counts.len() > 1 {
                    continue;
                }
                table.push(|| {
                    let mut row = vec![Cell::Text(plot.name.clone()), Cell::Text(plot.place_name(place))];
                    if !input.levels.is_empty() {
                        row.push(classes.all().get(index).map_or(Cell::Missing, |c| Cell::Text(c.label.clone())));
                    }
                    row.push(Cell::count(counts[place]));
                    row
                });
            }
        }
        if plot.missing > 0 {
            table.push(|| {
                let mut row = vec![Cell::Text(plot.name.clone()), Cell::from("missing")];
                if !input.levels.is_empty() {
                    row.push(Cell::Missing);
                }
                row.push(Cell::count(plot.missing));
                row
            });
        }
    }
    table
}

fn summary(input: &Input<'_>, plots: &[Plot]) -> String {
    let mut out = format!("Distribution of {}", text::plural(plots.len() as u64, "feature", "features"));
    if !input.levels.is_empty() {
        out.push_str(&format!(" by {}", if input.target.is_empty() { "class".to_owned() } else { text::quoted(input.target) }));
    }
    let parts: Vec<String> = plots
        .iter()
        .take(4)
        .map(|plot| {
            let name = text::quoted(&plot.name);
            match (0..plot.places()).max_by_key(|&p| (plot.total(p), std::cmp::Reverse(p))) {
                Some(most) if plot.total(most) > 0 => {
                    let share = text::percent(plot.total(most) as f64 / plot.shown().max(1) as f64);
                    let word = if plot.kind == AxisKind::Category { "most often" } else { "mostly" };
                    format!("{name} is {word} {} ({share})", plot.place_name(most))
                }
                _ => format!("{name} has no values"),
            }
        })
        .collect();
    out.push_str(&format!(": {}", parts.join("; ")));
    if plots.len() > 4 {
        out.push_str("; …");
    }
    out.push('.');
    out
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

    fn input<'a>(features: &'a [Distribution<'a>], levels: &'a [String]) -> Input<'a> {
        Input { features, target: "class", levels, together: Together::Stack, columns: 2, rows_total: 20 }
    }

    #[test]
    fn one_trace_for_each_feature_and_class() {
        let (classes, bars) = (levels(&["a", "b"]), levels(&["u", "v"]));
        let features = [
            Distribution { name: "n", places: Places::Bins { edges: &EDGES, date: false }, counts: &[1, 2, 3, 0, 5, 0], missing: 2 },
            Distribution { name: "c", places: Places::Levels(&bars), counts: &[4, 2, 0, 5], missing: 0 },
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
        let features =
            [Distribution { name: "n", places: Places::Bins { edges: &EDGES, date: true }, counts: &[1, 2, 3, 0, 5, 0], missing: 0 }];
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
        let features = [Distribution { name: "c", places: Places::Levels(&bars), counts: &counts, missing: 0 }];
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
        let none = [Distribution { name: "n", places: Places::Bins { edges: &[], date: false }, counts: &[], missing: 4 }];
        assert!(draw(&input(&none, &[]), &Style::default()).unwrap_err().reason.starts_with("None"));
        let one = [Distribution { name: "n", places: Places::Bins { edges: &[5.0, 5.0], date: false }, counts: &[4], missing: 0 }, none[0]];
        check(&draw(&input(&one, &[]), &Style::default()).unwrap().picture);
        for raw in HOSTILE {
            let bars = levels(&[raw]);
            let features = [Distribution { name: raw, places: Places::Levels(&bars), counts: &[4], missing: 1 }];
            let drawing = draw(&Input { target: raw, ..input(&features, &bars) }, &Style::default()).unwrap();
            let json = drawing.figure.to_string().replace("<br>", "").replace("<extra>", "").replace("</extra>", "");
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }
}
