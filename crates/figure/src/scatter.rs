//! Scatter: one mark for each row, by two features of any kind, coloured by a third.

use crate::array;
use crate::axis::{Axis, AxisKind, Window};
use crate::classes::Classes;
use crate::drawing::{Cell, ColumnHead, Drawing, Empty, LegendEntry, Provenance, Rows};
use crate::extend::Extended;
use crate::feature::{Feature, Values};
use crate::layout::{self, Area, COLOUR_BAR, Frame, MARGINS, Sheet, Style, legend_label};
use crate::picture::{Canvas, Marks};
use crate::stats;
use crate::text;
use crate::theme::{Colour, Paint, Scale, Symbol};
use plotly::Scatter;
use plotly::common::{Marker, Mode};
use serde_json::{Value, json};

/// Above this many marks the figure asks for one canvas in place of an element for each mark.
pub const CANVAS_ABOVE: usize = 3_000;
/// How far marks spread around a level, in levels.
const JITTER: f64 = 0.6;
/// The steps of colour in the first picture.
const PICTURE_STEPS: usize = 12;

/// What to draw. The columns are those of the rows given here: all rows, or the rows of a window or a filter.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub x: Feature<'a>,
    pub y: Feature<'a>,
    pub colour: Option<Feature<'a>>,
    /// The row's number in the dataset; without it rows are numbered from 0.
    pub rows: Option<&'a [u32]>,
    /// How many rows the dataset has in all.
    pub rows_total: u64,
    /// The count of each level of a categorical colour over all rows of the dataset, so that colours stay when the rows change.
    pub class_counts: Option<&'a [u64]>,
    /// The part of the plot to show; without it everything.
    pub window: Option<Window>,
    pub x_log: bool,
    pub y_log: bool,
}

impl<'a> Input<'a> {
    /// All rows, linear axes, one colour.
    pub fn new(x: Feature<'a>, y: Feature<'a>) -> Self {
        Self {
            x,
            y,
            colour: None,
            rows: None,
            rows_total: x.len().min(y.len()) as u64,
            class_counts: None,
            window: None,
            x_log: false,
            y_log: false,
        }
    }
}

/// A row that has a place.
struct Point {
    index: usize,
    row: u64,
    x: f64,
    y: f64,
}

/// Draws the marks; a window may have none.
///
/// # Errors
/// [`Empty`] when no row has both values, and there is no window.
pub fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
    let (points, lost) = place(input);
    if points.is_empty() && input.window.is_none() {
        let n = input.x.len().min(input.y.len());
        return Err(Empty::new(match n {
            0 => "There are no rows to draw.".to_owned(),
            _ => format!("No row has a value of both {} and {}.", input.x.quoted(), input.y.quoted()),
        }));
    }
    let x = input.x.axis(input.x_log, points.iter().map(|p| p.x));
    let y = input.y.axis(input.y_log, points.iter().map(|p| p.y));
    let (x, y) = match input.window {
        Some(window) => (x.with_range(window.x), y.with_range(window.y)),
        None => (x, y),
    };
    let colouring = Colouring::of(input, &points);
    let legend = colouring.legend();
    let mut margins = MARGINS;
    if matches!(colouring, Colouring::Scale { .. }) {
        margins.right = COLOUR_BAR;
    }
    let frame = Frame::new(style, margins).with_legend(style, &legend);
    let (x, y) = (x.across(frame.plot_width()), y.along(frame.plot_height(), 7));

    let size = mark_size(points.len());
    let mut sheet = Sheet::new(style, frame);
    sheet.axes(0, Area::WHOLE, &x, &y);
    sheet.set("hoveranywhere", true);
    sheet.legend(&legend);
    let drawn = Drawn { input, points: &points, x: &x, y: &y, frame, size, picture: style.picture };
    let groups = colouring.traces(&drawn, &mut sheet);

    let summary = summary(input, &points, &colouring);
    let mut canvas = Canvas::new(style, frame);
    let panel = canvas.panel(Area::WHOLE);
    canvas.axes(panel, &x, &y, false);
    canvas.marks(panel, &groups, opacity(points.len()));
    canvas.legend(style, &legend);

    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table: table(input, &points),
        picture: canvas.finish(&summary),
        summary,
        provenance: provenance(input, &points, lost),
        legend,
    })
}

/// The rows with a place, and how many have none.
fn place(input: &Input<'_>) -> (Vec<Point>, u64) {
    let n = input.x.len().min(input.y.len());
    let coordinate = |feature: &Feature<'_>, log: bool, index: usize, row: u64, salt: u64| {
        let value = feature.value(index);
        match feature.values {
            Values::Category { .. } => value + (unit_hash(row, salt) - 0.5) * JITTER,
            Values::Numeric(_) if log => value.log10(),
            _ => value,
        }
    };
    let points: Vec<Point> = (0..n)
        .filter_map(|index| {
            let row = input.rows.map_or(index as u64, |rows| rows.get(index).map_or(index as u64, |&r| u64::from(r)));
            let x = coordinate(&input.x, input.x_log, index, row, 1);
            let y = coordinate(&input.y, input.y_log, index, row, 2);
            (x.is_finite() && y.is_finite()).then_some(Point { index, row, x, y })
        })
        .collect();
    let lost = (n - points.len()) as u64;
    (points, lost)
}

/// A number in 0..1 that depends on the row alone, so that a mark keeps its place in every answer (SplitMix64).
fn unit_hash(row: u64, salt: u64) -> f64 {
    let mut z = row.wrapping_add(salt.wrapping_mul(0x5851_f42d_4c95_7f2d)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

fn mark_size(n: usize) -> usize {
    match n {
        0..=800 => 7,
        801..=3_000 => 6,
        3_001..=8_000 => 5,
        _ => 4,
    }
}

fn opacity(n: usize) -> f64 {
    match n {
        0..=800 => 0.85,
        801..=3_000 => 0.75,
        3_001..=8_000 => 0.65,
        _ => 0.55,
    }
}

/// What every trace needs to know.
struct Drawn<'a> {
    input: &'a Input<'a>,
    points: &'a [Point],
    x: &'a Axis,
    y: &'a Axis,
    frame: Frame,
    size: usize,
    picture: bool,
}

impl Drawn<'_> {
    /// A trace of these points (indices into `points`), without colour.
    fn trace(&self, members: &[usize], name: &str, symbol: Symbol) -> Extended {
        let n = self.points.len();
        let marker = Marker::new().size(self.size).opacity(opacity(n));
        let many = n > CANVAS_ABOVE;
        let base = Scatter::<f64, f64>::new(vec![], vec![]).web_gl_mode(many).mode(Mode::Markers).name(text::text(name)).marker(marker);
        let pick = |get: fn(&Point) -> f64, axis: &Axis| -> Vec<f64> {
            members
                .iter()
                .map(|&m| match axis.kind {
                    // Plotly's data is the value itself also where the axis is logarithmic.
                    AxisKind::Log => 10_f64.powf(get(&self.points[m])),
                    _ => get(&self.points[m]),
                })
                .collect()
        };
        let (xs, ys) = (pick(|p| p.x, self.x), pick(|p| p.y, self.y));
        // Plotly leaves a trace without points out of the legend; a gap is a point to it.
        let data = |axis: &Axis, values: &[f64], pixels: f64| match values {
            [] => json!([null]),
            _ => axis.data(values, pixels),
        };
        let ids: Vec<u64> = members.iter().map(|&m| self.points[m].row).collect();
        let mut trace = Extended::new(&base)
            .set("x", data(self.x, &xs, self.frame.plot_width()))
            .set("y", data(self.y, &ys, self.frame.plot_height()))
            .set("customdata", array::ids(&ids))
            .set("marker.symbol", json!(symbol))
            .set("hovertemplate", self.hover(name, many));
        if !many && [self.x, self.y].iter().any(|a| a.kind == AxisKind::Category) {
            let levels: Value = members
                .iter()
                .map(|&m| {
                    let point = &self.points[m];
                    let level = |f: &Feature<'_>| f.level(point.index).map(|l| text::text(&text::shorten(l, 60)));
                    let both: Vec<String> = [level(&self.input.x), level(&self.input.y)].into_iter().flatten().collect();
                    json!(both.join("<br>"))
                })
                .collect();
            trace = trace.set("text", levels);
        }
        trace
    }

    fn hover(&self, name: &str, many: bool) -> String {
        let mut lines = Vec::new();
        for (axis, variable) in [(self.x, "x"), (self.y, "y")] {
            if axis.kind != AxisKind::Category {
                lines.push(format!("{}: %{{{variable}}}", text::text(&text::shorten(&axis.title, 40))));
            }
        }
        if !many && lines.len() < 2 {
            lines.push("%{text}".to_owned());
        }
        lines.push("row %{customdata}".to_owned());
        format!("{}<extra>{}</extra>", lines.join("<br>"), text::text(&text::shorten(name, 24)))
    }

    fn marks(&self, members: &[usize], paint: Paint, symbol: Symbol) -> Marks {
        let panel = crate::picture::Panel::new(&self.frame, Area::WHOLE);
        let members = if self.picture { members } else { &[] };
        let points = members.iter().map(|&m| panel.place(self.x, self.y, (self.points[m].x, self.points[m].y))).collect();
        Marks { paint, symbol, size: self.size as f64, points }
    }
}

/// How colour tells rows apart.
enum Colouring {
    One,
    Classes { classes: Classes, members: Vec<Vec<usize>>, shown: Vec<u64> },
    Scale { name: String, values: Vec<f64>, range: (f64, f64), date: bool },
}

impl Colouring {
    fn of(input: &Input<'_>, points: &[Point]) -> Self {
        let Some(feature) = input.colour else {
            return Self::One;
        };
        match feature.values {
            Values::Category { codes, levels } => {
                let code = |p: &Point| codes.get(p.index).copied().unwrap_or(u32::MAX);
                let missing = points.iter().filter(|p| code(p) as usize >= levels.len()).count() as u64;
                let classes = match input.class_counts {
                    Some(counts) => Classes::new(levels, counts, missing),
                    None => {
                        let mut counts = vec![0_u64; levels.len()];
                        for p in points {
                            if let Some(count) = counts.get_mut(code(p) as usize) {
                                *count += 1;
                            }
                        }
                        Classes::new(levels, &counts, missing)
                    }
                };
                let mut members = vec![Vec::new(); classes.len()];
                for (m, point) in points.iter().enumerate() {
                    if let Some(class) = classes.of(code(point)) {
                        members[class].push(m);
                    }
                }
                let shown = members.iter().map(|m| m.len() as u64).collect();
                Self::Classes { classes, members, shown }
            }
            Values::Numeric(_) | Values::Date(_) => {
                let values: Vec<f64> = points.iter().map(|p| feature.value(p.index)).collect();
                let range =
                    values.iter().filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
                if range.0 > range.1 {
                    return Self::One;
                }
                let date = matches!(feature.values, Values::Date(_));
                Self::Scale { name: feature.name.to_owned(), values, range, date }
            }
        }
    }

    fn legend(&self) -> Vec<LegendEntry> {
        match self {
            Self::Classes { classes, shown, .. } => classes.legend(shown),
            _ => Vec::new(),
        }
    }

    /// Adds the traces and returns the same marks for the picture.
    fn traces(&self, drawn: &Drawn<'_>, sheet: &mut Sheet<'_>) -> Vec<Marks> {
        let theme = sheet.theme();
        let everything: Vec<usize> = (0..drawn.points.len()).collect();
        match self {
            Self::One => {
                let trace = drawn.trace(&everything, "", Symbol::Circle);
                sheet.trace(&trace.set("marker.color", theme.hex(Colour::Cat1)));
                vec![drawn.marks(&everything, Colour::Cat1.into(), Symbol::Circle)]
            }
            Self::Classes { classes, members, shown } => {
                let legend = classes.legend(shown);
                for ((class, members), entry) in classes.all().iter().zip(members).zip(&legend) {
                    let trace = drawn
                        .trace(members, &class.label, class.symbol())
                        .set("name", text::text(&legend_label(entry)))
                        .set("uid", text::identifier(&entry.label))
                        .set("marker.color", theme.hex(class.colour()));
                    sheet.trace(&trace);
                }
                classes
                    .all()
                    .iter()
                    .zip(members)
                    .map(|(class, members)| drawn.marks(members, class.colour().into(), class.symbol()))
                    .collect()
            }
            Self::Scale { name, values, range, date } => {
                let (known, unknown): (Vec<usize>, Vec<usize>) = everything.into_iter().partition(|&m| values[m].is_finite());
                let (low, high) = *range;
                let shown: Vec<f64> = known.iter().map(|&m| values[m]).collect();
                let precision = array::Precision::Linear { per_pixel: (high - low).max(f64::MIN_POSITIVE) / 256.0 };
                let mut bar = layout::colour_bar(theme, name);
                if *date {
                    let at: Vec<f64> = (0..=4).map(|i| low + (high - low) * f64::from(i) / 4.0).collect();
                    let days: Vec<String> = at.iter().filter_map(|&v| array::date(v)).map(|d| d.chars().take(10).collect()).collect();
                    bar["tickvals"] = json!(at);
                    bar["ticktext"] = json!(days);
                }
                let trace = drawn
                    .trace(&known, "", Symbol::Circle)
                    .set("marker.color", array::numbers(&shown, precision))
                    .set("marker.colorscale", layout::colour_scale(theme, Scale::Sequential))
                    .set("marker.cmin", low)
                    .set("marker.cmax", if high > low { high } else { low + 1.0 })
                    .set("marker.showscale", true)
                    .set("marker.colorbar", bar);
                sheet.trace(&trace);
                let mut steps = vec![Vec::new(); PICTURE_STEPS];
                for &m in &known {
                    let t = if high > low { (values[m] - low) / (high - low) } else { 0.0 };
                    steps[((t * PICTURE_STEPS as f64) as usize).min(PICTURE_STEPS - 1)].push(m);
                }
                let mut groups: Vec<Marks> = steps
                    .iter()
                    .enumerate()
                    .map(|(i, members)| {
                        let t = (i as f64 + 0.5) / PICTURE_STEPS as f64;
                        drawn.marks(members, Paint::sequential(t), Symbol::Circle)
                    })
                    .collect();
                if !unknown.is_empty() {
                    let trace = drawn.trace(&unknown, "missing", Symbol::CircleOpen);
                    sheet.trace(&trace.set("marker.color", theme.hex(Colour::CatOther)));
                    groups.push(drawn.marks(&unknown, Colour::CatOther.into(), Symbol::CircleOpen));
                }
                groups
            }
        }
    }
}

fn table(input: &Input<'_>, points: &[Point]) -> Rows {
    let mut table =
        Rows { columns: vec![ColumnHead { name: "row".to_owned(), numeric: true }, input.x.head(), input.y.head()], ..Rows::default() };
    table.columns.extend(input.colour.map(|f| f.head()));
    for point in points {
        table.push(|| {
            let mut row = vec![Cell::count(point.row), input.x.cell(point.index), input.y.cell(point.index)];
            row.extend(input.colour.map(|f| f.cell(point.index)));
            row
        });
    }
    table
}

fn provenance(input: &Input<'_>, points: &[Point], lost: u64) -> Provenance {
    let mut method = "exact: one mark for each row".to_owned();
    if lost > 0 {
        let why =
            if input.x_log || input.y_log { "without a value, or without one above 0 on a logarithmic axis," } else { "without a value" };
        method.push_str(&format!("; {} {why} of {} or {} left out", text::plural(lost, "row", "rows"), input.x.quoted(), input.y.quoted()));
    }
    if input.x.levels().is_some() || input.y.levels().is_some() {
        method.push_str("; marks are spread around their level by a hash of the row, which means nothing");
    }
    Provenance { rows_shown: points.len() as u64, rows_total: input.rows_total, method, seed: None, formula: None }
}

fn summary(input: &Input<'_>, points: &[Point], colouring: &Colouring) -> String {
    let mut out = format!(
        "{} against {} for {} of {}",
        input.y.quoted(),
        input.x.quoted(),
        text::count(points.len() as u64),
        text::plural(input.rows_total, "row", "rows"),
    );
    if points.is_empty() {
        out.push_str("; none of them is in this window");
        return out;
    }
    let shown_classes = match colouring {
        Colouring::Classes { classes, members, .. } => {
            let shown: Vec<_> = classes.all().iter().zip(members).filter(|(c, m)| c.slot.is_some() && !m.is_empty()).collect();
            let levels = input.colour.and_then(|f| f.levels()).map_or(0, <[String]>::len);
            let named = if levels > classes.len() { levels } else { shown.len() } as u64;
            out.push_str(&format!(" in {}", text::plural(named, "class", "classes")));
            shown
        }
        Colouring::Scale { name, range, date, .. } => {
            let read = |v: f64| {
                if *date { array::date(v).unwrap_or_default() } else { text::number(v, 4) }
            };
            out.push_str(&format!(", coloured by {} from {} to {}", text::quoted(name), read(range.0), read(range.1)));
            Vec::new()
        }
        Colouring::One => Vec::new(),
    };
    match (input.x.is_numeric(), input.y.is_numeric()) {
        (true, true) => {
            let pair = |p: &Point| (input.x.value(p.index), input.y.value(p.index));
            match stats::correlation(points.iter().map(pair)) {
                Some(r) => {
                    out.push_str(&format!("; correlation r = {}", fixed(r)));
                    let parts: Vec<String> = shown_classes
                        .iter()
                        .take(6)
                        .filter_map(|(class, members)| {
                            let r = stats::correlation(members.iter().map(|&m| pair(&points[m])))?;
                            Some(format!("{} {}", text::shorten(&text::quoted(&class.label), 24), fixed(r)))
                        })
                        .collect();
                    if parts.len() > 1 {
                        out.push_str(&format!(" overall ({})", parts.join(", ")));
                    }
                }
                None => out.push_str("; no correlation can be computed, because one of them is constant"),
            }
        }
        (true, false) => out.push_str(&medians(&input.x, &input.y, points)),
        (false, true) => out.push_str(&medians(&input.y, &input.x, points)),
        (false, false) => {}
    }
    out.push('.');
    out
}

/// The median of a number at each of the first levels of a category.
fn medians(number: &Feature<'_>, category: &Feature<'_>, points: &[Point]) -> String {
    let Some(levels) = category.levels() else {
        return String::new();
    };
    let parts: Vec<String> = levels
        .iter()
        .take(6)
        .enumerate()
        .filter_map(|(code, level)| {
            let of_level = points.iter().filter(|p| category.value(p.index) == code as f64);
            let sorted = stats::sorted(of_level.map(|p| number.value(p.index)));
            (!sorted.is_empty()).then(|| {
                let median = text::number(stats::quantile(&sorted, 0.5), 4);
                format!("{} {median}", text::shorten(&text::quoted(level), 24))
            })
        })
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    let more = if levels.len() > 6 { ", …" } else { "" };
    format!("; median {}: {}{more}", number.quoted(), parts.join(", "))
}

fn fixed(r: f64) -> String {
    format!("{r:.2}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::check;
    use crate::text::HOSTILE;
    use proptest::prelude::*;

    fn levels(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    fn numeric<'a>(name: &'a str, values: &'a [f64]) -> Feature<'a> {
        Feature::new(name, Values::Numeric(values))
    }

    #[test]
    fn one_trace_for_each_class_with_symbol_and_count() {
        let (x, y) = ([1.0, 2.0, 3.0, f64::NAN, 5.0], [1.0, 2.0, 1.0, 4.0, 5.0]);
        let (codes, names) = ([0, 0, 1, 1, u32::MAX], levels(&["a", "b"]));
        let mut input = Input::new(numeric("x", &x), numeric("y", &y));
        input.colour = Some(Feature::new("class", Values::Category { codes: &codes, levels: &names }));
        input.rows = Some(&[10, 11, 12, 13, 14]);
        let drawing = draw(&input, &Style { uirevision: "xy".to_owned(), ..Style::default() }).unwrap();
        let data = &drawing.figure["data"];
        assert_eq!(data.as_array().unwrap().len(), 3);
        assert_eq!(data[0]["type"], "scatter");
        assert_eq!(data[0]["name"], "a 2");
        assert_eq!(data[0]["x"], json!([1, 2]));
        assert_eq!(data[0]["customdata"], json!([10, 11]));
        assert_eq!(data[1]["marker"]["symbol"], "square");
        assert_eq!(data[1]["customdata"], json!([12]));
        assert_eq!(data[2]["name"], "missing 1");
        assert_eq!(data[2]["marker"]["symbol"], "circle-open");
        assert_eq!(drawing.figure["layout"]["uirevision"], "xy");
        assert_eq!(drawing.figure["layout"]["hoveranywhere"], true);
        assert_eq!(drawing.provenance.rows_shown, 4);
        assert_eq!(drawing.provenance.method, "exact: one mark for each row; 1 row without a value of x or y left out");
        assert_eq!(drawing.table.total, 4);
        assert_eq!(drawing.table.rows[2], vec![Cell::count(12), Cell::number(3.0), Cell::number(1.0), Cell::from("b")]);
        assert_eq!(drawing.legend[1].count, Some(1));
        assert!(drawing.summary.starts_with("y against x for 4 of 5 rows in 2 classes; correlation r = 0."), "{}", drawing.summary);
        check(&drawing.picture);
    }

    #[test]
    fn a_window_without_rows_has_its_axes() {
        let (none, codes) = ([], []);
        let mut input = Input::new(numeric("x", &none), numeric("y", &none));
        let levels = ["a".to_owned(), "b".to_owned()];
        assert!(draw(&input, &Style::default()).is_err());
        input.window = Some(Window { x: [2.0, 3.0], y: [5.0, 7.0] });
        input.rows_total = 9;
        let colours = [None, Some(numeric("c", &none)), Some(Feature::new("c", Values::Category { codes: &codes, levels: &levels }))];
        for colour in colours {
            let drawing = draw(&Input { colour, ..input }, &Style::default()).unwrap();
            assert_eq!(drawing.figure["layout"]["xaxis"]["range"], json!([2.0, 3.0]));
            assert!(drawing.summary.contains("0 of 9 rows; none of them is in this window"), "{}", drawing.summary);
            assert_eq!((drawing.provenance.rows_shown, drawing.table.total), (0, 0));
            check(&drawing.picture);
        }
    }

    #[test]
    fn many_marks_share_a_canvas_and_use_typed_arrays() {
        let x: Vec<f64> = (0..CANVAS_ABOVE + 1).map(|i| (i as f64).sin()).collect();
        let drawing = draw(&Input::new(numeric("x", &x), numeric("y", &x)), &Style::default()).unwrap();
        let trace = &drawing.figure["data"][0];
        assert_eq!(trace["type"], "scattergl");
        assert_eq!(trace["x"]["dtype"], "f4");
        assert_eq!(trace["customdata"]["dtype"], "u2");
        check(&drawing.picture);
    }

    #[test]
    fn a_numeric_colour_is_a_scale_and_its_gaps_are_marked() {
        let x = [1.0, 2.0, 3.0];
        let c = [0.5, f64::NAN, 1.5];
        let mut input = Input::new(numeric("x", &x), numeric("y", &x));
        input.colour = Some(numeric("c", &c));
        let drawing = draw(&input, &Style::default()).unwrap();
        let data = &drawing.figure["data"];
        assert_eq!(data[0]["marker"]["color"], json!([0.5, 1.5]));
        assert_eq!(data[0]["marker"]["colorscale"].as_array().unwrap().len(), 9);
        assert_eq!(data[1]["marker"]["symbol"], "circle-open");
        assert!(drawing.summary.contains("coloured by c from 0.5 to 1.5"), "{}", drawing.summary);
    }

    #[test]
    fn categories_dates_and_logs_have_their_axes() {
        let (dates, x) = ([0.0, 86_400_000.0, 2e9], [1.0, 100.0, -1.0]);
        let (codes, names) = ([1, 0, 1], levels(&["no", "yes"]));
        let mut input = Input::new(Feature::new("when", Values::Date(&dates)), numeric("v", &x));
        input.y_log = true;
        let drawing = draw(&input, &Style::default()).unwrap();
        assert_eq!(drawing.figure["layout"]["xaxis"]["type"], "date");
        assert_eq!(drawing.figure["layout"]["yaxis"]["type"], "log");
        assert_eq!(drawing.figure["data"][0]["x"], json!(["1970-01-01", "1970-01-02"]));
        assert_eq!(drawing.figure["data"][0]["y"], json!([1, 100]));
        let category = Feature::new("c", Values::Category { codes: &codes, levels: &names });
        let drawing = draw(&Input::new(category, numeric("v", &x)), &Style::default()).unwrap();
        let layout = &drawing.figure["layout"];
        assert_eq!(layout["xaxis"]["ticktext"], json!(["no", "yes"]));
        let place = drawing.figure["data"][0]["x"][0].as_f64().unwrap();
        assert!((place - 1.0).abs() <= JITTER / 2.0);
        assert_eq!(drawing.figure["data"][0]["text"], json!(["yes", "no", "yes"]));
        assert!(drawing.summary.contains("median v: no 100, yes 0"), "{}", drawing.summary);
        check(&drawing.picture);
    }

    #[test]
    fn nothing_to_draw_has_a_reason() {
        let nan = [f64::NAN; 3];
        let empty = draw(&Input::new(numeric("x", &[]), numeric("y", &[])), &Style::default()).unwrap_err();
        assert_eq!(empty.reason, "There are no rows to draw.");
        let empty = draw(&Input::new(numeric("x", &nan), numeric("y", &nan)), &Style::default()).unwrap_err();
        assert_eq!(empty.reason, "No row has a value of both x and y.");
        for values in [&[3.0][..], &[3.0, 3.0]] {
            check(&draw(&Input::new(numeric("x", values), numeric("y", values)), &Style::default()).unwrap().picture);
        }
    }

    #[test]
    fn a_window_is_the_range() {
        let x = [1.0, 2.0, 3.0];
        let mut input = Input::new(numeric("x", &x), numeric("y", &x));
        input.window = Some(Window { x: [1.5, 2.5], y: [0.0, 9.0] });
        let drawing = draw(&input, &Style::default()).unwrap();
        assert_eq!(drawing.figure["layout"]["xaxis"]["range"], json!([1.5, 2.5]));
        assert_eq!(drawing.figure["layout"]["yaxis"]["range"], json!([0.0, 9.0]));
    }

    #[test]
    fn hostile_names_are_text_everywhere() {
        for raw in HOSTILE {
            let x = [1.0, 2.0];
            let names = levels(&[raw, raw]);
            let category = Feature::new(raw, Values::Category { codes: &[0, 1], levels: &names });
            for mut input in [Input::new(numeric(raw, &x), numeric(raw, &x)), Input::new(category, numeric(raw, &x))] {
                input.colour = Some(category);
                let drawing = draw(&input, &Style::default()).unwrap();
                let json = drawing.figure.to_string().replace("<br>", "").replace("<extra>", "").replace("</extra>", "");
                assert!(!json.contains(['<', '$']), "{json}");
                let json = json.replace("%{x}", "").replace("%{y}", "").replace("%{text}", "").replace("%{customdata}", "");
                assert!(!json.contains("%{"), "{json}");
                check(&drawing.picture);
            }
        }
    }

    proptest! {
        #[test]
        fn draws_anything(
            rows in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<u32>()), 0..40),
            kinds in (0..3_u8, 0..3_u8, 0..4_u8), logs in any::<(bool, bool)>(),
        ) {
            let xs: Vec<f64> = rows.iter().map(|r| r.0).collect();
            let ys: Vec<f64> = rows.iter().map(|r| r.1).collect();
            let codes: Vec<u32> = rows.iter().map(|r| r.2 % 14).collect();
            let names = levels(&["a"; 12]);
            let feature = |kind: u8, values| match kind {
                0 => Feature::new("n", Values::Numeric(values)),
                1 => Feature::new("d", Values::Date(values)),
                _ => Feature::new("c", Values::Category { codes: &codes, levels: &names }),
            };
            let mut input = Input::new(feature(kinds.0, &xs), feature(kinds.1, &ys));
            input.colour = (kinds.2 < 3).then(|| feature(kinds.2, &xs));
            (input.x_log, input.y_log) = logs;
            if let Ok(drawing) = draw(&input, &Style::default()) {
                check(&drawing.picture);
                prop_assert!(drawing.provenance.rows_shown <= drawing.provenance.rows_total);
                prop_assert_eq!(drawing.table.total, drawing.provenance.rows_shown);
            }
        }
    }
}
