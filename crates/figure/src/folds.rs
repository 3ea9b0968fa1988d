//! Values of each fold: a box with its points for every chosen measure, each on its own axis.

use crate::axis::{Axis, AxisKind};
use crate::drawing::{Cell, Drawing, Empty, Provenance, Rows};
use crate::extend::Extended;
use crate::layout::{Area, Frame, Margins, Sheet, Style, axis_suffix};
use crate::picture::{Canvas, Marks, Panel};
use crate::stats;
use crate::text;
use crate::theme::{Colour, Symbol};
use plotly::BoxPlot;
use plotly::box_plot::{BoxPoints, QuartileMethod};
use plotly::common::{Line, Marker};
use serde_json::json;

const MARGINS: Margins = Margins { left: 56.0, right: 16.0, top: 32.0, bottom: 16.0 };
/// Space between two boxes, for the tick labels of the right one, in px.
const GAP: f64 = 60.0;
/// The least width of a box's plot, in px; what does not fit goes to the next line.
const LEAST_WIDTH: f64 = 110.0;
const LINE_GAP: f64 = 44.0;
/// The height of a line of boxes, in px.
pub const PLOT_HEIGHT: f64 = 210.0;

/// One fold's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fold {
    pub repeat: u32,
    pub fold: u32,
    pub value: f64,
}

/// One measure's values over all repeats and folds.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    pub name: &'a str,
    pub folds: &'a [Fold],
}

/// Draws the boxes side by side, as high as they need to be.
///
/// # Errors
/// [`Empty`] when no measure was chosen or none has values.
pub fn draw(measures: &[Measure<'_>], style: &Style) -> Result<Drawing, Empty> {
    if measures.is_empty() {
        return Err(Empty::new("Choose one or more measures to see their values in each fold."));
    }
    let known: Vec<(&Measure<'_>, Vec<Fold>)> = measures
        .iter()
        .map(|m| (m, m.folds.iter().copied().filter(|f| f.value.is_finite()).collect::<Vec<_>>()))
        .filter(|(_, folds)| !folds.is_empty())
        .collect();
    if known.is_empty() {
        return Err(Empty::new("This run has no values for single folds."));
    }
    let width = Frame::new(style, MARGINS).plot_width();
    let columns = (((width + GAP) / (LEAST_WIDTH + GAP)) as usize).clamp(1, known.len());
    let lines = known.len().div_ceil(columns);
    let height = lines as f64 * PLOT_HEIGHT + (lines - 1) as f64 * LINE_GAP;
    let frame = Frame::new(style, MARGINS).with_plot_height(height);
    let mut sheet = Sheet::new(style, frame);
    let mut canvas = Canvas::new(style, frame);
    for (i, (measure, folds)) in known.iter().enumerate() {
        let area = place(i, columns, lines, &frame);
        let x = Axis::exact("", AxisKind::Linear, [-1.0, 1.0]);
        let y = Axis::around("", AxisKind::Linear, folds.iter().map(|f| f.value));
        let suffix = axis_suffix(i);
        sheet.axes(i, area, &x, &y);
        sheet.set(&format!("xaxis{suffix}.visible"), false);
        sheet.set(&format!("xaxis{suffix}.fixedrange"), true);
        sheet.heading(area, &text::shorten(measure.name, 30));
        sheet.trace(&trace(measure, folds, &suffix, style, &y, &frame));
        let panel = canvas.panel(area);
        let blank = Axis { range: [0.0, 0.0], ..x.clone() };
        canvas.axes(panel, &blank, &y, false);
        canvas.heading(panel, &text::shorten(measure.name, 30));
        paint(&mut canvas, panel, &x, &y, folds);
    }
    let summary = summary(&known);
    let mut table = Rows::new(&["measure", "#repeat", "#fold", "#value"]);
    for (measure, folds) in &known {
        for fold in folds {
            table.push(|| {
                vec![
                    Cell::from(measure.name),
                    Cell::count(u64::from(fold.repeat)),
                    Cell::count(u64::from(fold.fold)),
                    Cell::number(fold.value),
                ]
            });
        }
    }
    let all: usize = measures.iter().map(|m| m.folds.len()).sum();
    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        provenance: Provenance {
            rows_shown: table.total,
            rows_total: all as u64,
            method: "exact: one point for each fold of each repeat; points are spread sideways, which means nothing".to_owned(),
            seed: None,
            formula: Some(
                "box: quartiles by linear interpolation; whiskers: the furthest values within 1.5 interquartile ranges; ±: population standard deviation"
                    .to_owned(),
            ),
        },
        table,
        picture: canvas.finish(&summary),
        summary,
        legend: Vec::new(),
    })
}

fn place(i: usize, columns: usize, lines: usize, frame: &Frame) -> Area {
    let (column, line) = (i % columns, i / columns);
    let (w, h) = (frame.plot_width(), frame.plot_height());
    let width = (w - (columns - 1) as f64 * GAP) / columns as f64;
    let left = column as f64 * (width + GAP);
    let height = (h - (lines - 1) as f64 * LINE_GAP) / lines as f64;
    let top = line as f64 * (height + LINE_GAP);
    Area { x: [left / w, ((left + width) / w).min(1.0)], y: [(1.0 - (top + height) / h).max(0.0), 1.0 - top / h] }
}

fn trace(measure: &Measure<'_>, folds: &[Fold], suffix: &str, style: &Style, y: &Axis, frame: &Frame) -> Extended {
    let theme = style.theme;
    let base = BoxPlot::<f64, f64>::new(vec![])
        .name(text::text(&text::shorten(measure.name, 30)))
        .box_points(BoxPoints::All)
        .quartile_method(QuartileMethod::Linear)
        .jitter(0.5)
        .point_pos(0.0)
        .marker(Marker::new().size(6).opacity(0.75).color(theme.hex(Colour::Cat1)))
        .line(Line::new().width(1.4).color(theme.hex(Colour::Ink3)))
        .fill_color("rgba(0,0,0,0)")
        .show_legend(false)
        .x_axis(format!("x{suffix}"))
        .y_axis(format!("y{suffix}"));
    let values: Vec<f64> = folds.iter().map(|f| f.value).collect();
    let which: Vec<[u32; 2]> = folds.iter().map(|f| [f.repeat, f.fold]).collect();
    Extended::new(&base)
        .set("x", json!(vec![0; folds.len()]))
        .set("y", y.data(&values, frame.plot_height()))
        .set("width", 1.0)
        .set("hoveron", "points")
        .set("customdata", json!(which))
        .set("hovertemplate", "repeat %{customdata[0]}, fold %{customdata[1]}: %{y:.4g}<extra></extra>")
}

fn paint(canvas: &mut Canvas, panel: Panel, x: &Axis, y: &Axis, folds: &[Fold]) {
    let sorted = stats::sorted(folds.iter().map(|f| f.value));
    let [q1, median, q3] = [0.25, 0.5, 0.75].map(|q| stats::quantile(&sorted, q));
    let reach = 1.5 * (q3 - q1);
    let low = sorted.iter().copied().find(|v| *v >= q1 - reach).unwrap_or(q1);
    let high = sorted.iter().rev().copied().find(|v| *v <= q3 + reach).unwrap_or(q3);
    let at = |dx: f64, v: f64| panel.place(x, y, (dx, v));
    let mut stroke = |points: &[(f64, f64)]| canvas.line(points, Colour::Ink3.into(), 1.4, "");
    stroke(&[at(-0.5, q1), at(0.5, q1), at(0.5, q3), at(-0.5, q3), at(-0.5, q1)]);
    stroke(&[at(-0.5, median), at(0.5, median)]);
    stroke(&[at(0.0, q1), at(0.0, low)]);
    stroke(&[at(0.0, q3), at(0.0, high)]);
    let n = folds.len().max(2) as f64;
    let points = folds.iter().enumerate().map(|(i, f)| at((i as f64 / (n - 1.0) - 0.5) * 0.5, f.value)).collect();
    let marks = Marks { paint: Colour::Cat1.into(), symbol: Symbol::Circle, size: 6.0, points };
    canvas.marks(panel, &[marks], 0.75);
}

/// Measures are quoted with three decimals, times and sizes with as many digits as mean something.
fn reading(value: f64) -> String {
    if value.abs() < 10.0 { text::score(value) } else { text::number(value, 4) }
}

fn summary(known: &[(&Measure<'_>, Vec<Fold>)]) -> String {
    let parts: Vec<String> = known
        .iter()
        .take(5)
        .filter_map(|(measure, folds)| {
            let values: Vec<f64> = folds.iter().map(|f| f.value).collect();
            let (mean, deviation) = stats::mean_and_deviation(&values)?;
            Some(format!(
                "{} {} ± {} over {}",
                text::quoted(measure.name),
                reading(mean),
                reading(deviation),
                text::plural(folds.len() as u64, "fold", "folds")
            ))
        })
        .collect();
    let more = if known.len() > 5 { "; …" } else { "" };
    format!("Values in each fold: {}{more}.", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::check;

    fn folds(values: &[f64]) -> Vec<Fold> {
        values.iter().enumerate().map(|(i, &value)| Fold { repeat: 0, fold: i as u32, value }).collect()
    }

    #[test]
    fn one_box_with_points_for_each_measure() {
        let (a, b) = (folds(&[0.8, 0.9, 0.85]), folds(&[120.0, f64::NAN, 180.0]));
        let measures = [Measure { name: "predictive_accuracy", folds: &a }, Measure { name: "usercpu_time_millis", folds: &b }];
        let drawing = draw(&measures, &Style::default()).unwrap();
        let data = &drawing.figure["data"];
        assert_eq!(data[0]["type"], "box");
        assert_eq!(data[0]["boxpoints"], "all");
        assert_eq!(data[0]["customdata"], json!([[0, 0], [0, 1], [0, 2]]));
        assert_eq!(data[1]["yaxis"], "y2");
        assert_eq!(data[1]["y"], json!([120, 180]));
        assert_eq!((drawing.provenance.rows_shown, drawing.provenance.rows_total), (5, 6));
        assert_eq!(
            drawing.summary,
            "Values in each fold: predictive_accuracy 0.850 ± 0.041 over 3 folds; usercpu_time_millis 150 ± 30 over 2 folds."
        );
        check(&drawing.picture);
    }

    #[test]
    fn many_measures_wrap() {
        let values = folds(&[1.0]);
        let measures = vec![Measure { name: "m", folds: &values }; 9];
        let drawing = draw(&measures, &Style { width: 400, ..Style::default() }).unwrap();
        assert!(drawing.figure["layout"]["height"].as_f64().unwrap() > 3.0 * PLOT_HEIGHT);
        check(&drawing.picture);
    }

    #[test]
    fn empties_have_reasons_and_names_are_text() {
        assert!(draw(&[], &Style::default()).unwrap_err().reason.starts_with("Choose"));
        let none = folds(&[f64::NAN]);
        assert!(draw(&[Measure { name: "m", folds: &none }], &Style::default()).is_err());
        for raw in crate::text::HOSTILE {
            let values = folds(&[1.0, 1.0]);
            let drawing = draw(&[Measure { name: raw, folds: &values }], &Style::default()).unwrap();
            let json = drawing.figure.to_string().replace("<extra></extra>", "");
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }
}
