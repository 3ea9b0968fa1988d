//! ROC and precision-recall curves, one for each class against the rest.

use crate::array::{self, Precision};
use crate::axis::{Axis, AxisKind};
use crate::drawing::{Cell, Drawing, Empty, LegendEntry, Provenance, Rows};
use crate::extend::Extended;
use crate::layout::{Area, Frame, MARGINS, Sheet, Style};
use crate::picture::{Canvas, Panel};
use crate::text;
use crate::theme::{CATEGORIES, Colour, Symbol};
use plotly::Scatter;
use plotly::common::{DashType, Line, LineShape, Mode};
use plotly::layout::{Shape, ShapeLayer, ShapeLine, ShapeType};
use serde::{Deserialize, Serialize};

/// The room at either end of an axis from 0 to 1.
const ROOM: f64 = 0.02;
/// Vertices closer than this many px on both axes are merged.
const MERGE: f64 = 0.25;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// True-positive rate against false-positive rate.
    #[default]
    Roc,
    /// Precision against recall.
    PrecisionRecall,
}

/// One class's curve.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    pub class: &'a str,
    /// False-positive rates, or recalls; in the order of the thresholds.
    pub x: &'a [f64],
    /// True-positive rates, or precisions.
    pub y: &'a [f64],
    /// Area under the ROC curve, or average precision; NaN where it is not defined.
    pub area: f64,
    /// How many predictions are of this class, and how many there are.
    pub positives: u64,
    pub total: u64,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub kind: Kind,
    pub curves: &'a [Curve<'a>],
    /// How the predictions were pooled, for the provenance; for example `all repeats and folds pooled`.
    pub pooled: &'a str,
}

/// Draws the curves on equal axes.
///
/// # Errors
/// [`Empty`] when no class has a curve.
pub fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
    let curves: Vec<(usize, &Curve<'_>)> =
        input.curves.iter().enumerate().filter(|(_, c)| c.x.iter().zip(c.y).any(|(x, y)| x.is_finite() && y.is_finite())).collect();
    if curves.is_empty() {
        return Err(Empty::new("No class has both predictions that are of it and predictions that are not, so there is no curve."));
    }
    let area_name = match input.kind {
        Kind::Roc => "AUC",
        Kind::PrecisionRecall => "AP",
    };
    let legend: Vec<LegendEntry> = curves
        .iter()
        .map(|(i, curve)| LegendEntry {
            label: format!("{} {area_name} {}", text::shorten(curve.class, 24), text::score(curve.area)),
            count: None,
            colour: Colour::category(*i).name().to_owned(),
            symbol: Symbol::category(*i),
        })
        .collect();

    let frame = Frame::new(style, MARGINS).with_legend(style, &legend);
    let (x_title, y_title) = match input.kind {
        Kind::Roc => ("False-positive rate", "True-positive rate"),
        Kind::PrecisionRecall => ("Recall", "Precision"),
    };
    let x = Axis::exact(x_title, AxisKind::Linear, [-ROOM, 1.0 + ROOM]);
    let y = Axis::exact(y_title, AxisKind::Linear, [-ROOM, 1.0 + ROOM]);
    let side = frame.plot_width().min(frame.plot_height());

    let mut sheet = Sheet::new(style, frame);
    sheet.axes(0, Area::WHOLE, &x, &y);
    for axis in ["xaxis", "yaxis"] {
        sheet.set(&format!("{axis}.constrain"), "domain");
    }
    sheet.set("yaxis.scaleanchor", "x");
    sheet.set("yaxis.scaleratio", 1);
    sheet.legend(&legend);
    let guides = guides(input.kind, &curves);
    for &(from, to) in &guides {
        let line = ShapeLine::new().color(style.theme.hex(Colour::LineStrong)).width(1.5).dash(DashType::Dash);
        sheet.shape(
            Shape::new()
                .shape_type(ShapeType::Line)
                .layer(ShapeLayer::Below)
                .x_ref("x")
                .y_ref("y")
                .x0(from.0)
                .y0(from.1)
                .x1(to.0)
                .y1(to.1)
                .line(line),
        );
    }
    let mut canvas = Canvas::new(style, frame);
    let panel = square(canvas.panel(Area::WHOLE));
    canvas.axes(panel, &x, &y, false);
    for &(from, to) in &guides {
        canvas.line(&[panel.place(&x, &y, from), panel.place(&x, &y, to)], Colour::LineStrong.into(), 1.5, "6 4");
    }
    let mut table = Rows::new(&["class", &format!("#{x_title}"), &format!("#{y_title}")]);
    let mut vertices = 0;
    for ((index, curve), entry) in curves.iter().zip(&legend) {
        let points = thin(curve, side);
        vertices += curve.x.len().min(curve.y.len()) as u64;
        sheet.trace(&trace(input.kind, *index, &points, entry, style));
        let places = staircase(input.kind, &points).into_iter().map(|p| panel.place(&x, &y, p)).collect::<Vec<_>>();
        canvas.line(&places, Colour::category(*index).into(), 2.0, "");
        for &(a, b) in &points {
            table.push(|| vec![Cell::from(curve.class), Cell::number(a), Cell::number(b)]);
        }
    }
    canvas.legend(style, &legend);
    let summary = summary(input.kind, &curves);
    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table,
        picture: canvas.finish(&summary),
        summary,
        provenance: Provenance {
            rows_shown: vertices,
            rows_total: input.curves.iter().map(|c| c.x.len().min(c.y.len()) as u64).sum(),
            method: format!(
                "each class against the rest, {}; a vertex for each threshold, vertices closer than {MERGE} px merged",
                if input.pooled.is_empty() { "all predictions pooled" } else { input.pooled }
            ),
            seed: None,
            formula: Some(
                match input.kind {
                    Kind::Roc => "AUC = area under the curve by the trapezoidal rule",
                    Kind::PrecisionRecall => "AP = Σ (Rₙ − Rₙ₋₁) Pₙ",
                }
                .to_owned(),
            ),
        },
        legend,
    })
}

/// The square in the middle of a panel, where Plotly puts axes of equal scale.
fn square(panel: Panel) -> Panel {
    let side = panel.width.min(panel.height);
    Panel { left: panel.left + (panel.width - side) / 2.0, top: panel.top + (panel.height - side) / 2.0, width: side, height: side }
}

type Segment = ((f64, f64), (f64, f64));

/// What a guess would reach: the diagonal, or each distinct base rate.
fn guides(kind: Kind, curves: &[(usize, &Curve<'_>)]) -> Vec<Segment> {
    if kind == Kind::Roc {
        return vec![((0.0, 0.0), (1.0, 1.0))];
    }
    let mut rates: Vec<f64> = curves.iter().filter(|(_, c)| c.total > 0).map(|(_, c)| c.positives as f64 / c.total as f64).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup_by(|a, b| (*a - *b).abs() < 0.005);
    rates.truncate(CATEGORIES);
    rates.into_iter().map(|r| ((0.0, r), (1.0, r))).collect()
}

/// The vertices without those that cannot be told from the one before, first and last always kept.
fn thin(curve: &Curve<'_>, side: f64) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> =
        curve.x.iter().zip(curve.y).filter(|(x, y)| x.is_finite() && y.is_finite()).map(|(&x, &y)| (x, y)).collect();
    let least = MERGE / side.max(1.0);
    let mut out: Vec<(f64, f64)> = Vec::new();
    for (i, &point) in points.iter().enumerate() {
        let near = out.last().is_some_and(|last| (last.0 - point.0).abs() < least && (last.1 - point.1).abs() < least);
        if !near || i + 1 == points.len() {
            out.push(point);
        }
    }
    out
}

/// Precision does not change linearly between thresholds, so its curve is a staircase.
fn staircase(kind: Kind, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if kind == Kind::Roc {
        return points.to_vec();
    }
    let mut out = Vec::with_capacity(points.len() * 2);
    for pair in points.windows(2) {
        out.push(pair[0]);
        out.push((pair[1].0, pair[0].1));
    }
    out.extend(points.last());
    out
}

fn trace(kind: Kind, index: usize, points: &[(f64, f64)], entry: &LegendEntry, style: &Style) -> Extended {
    const DASHES: [DashType; 3] = [DashType::Solid, DashType::Dash, DashType::Dot];
    let dash = DASHES[(index / 4).min(2)].clone();
    let shape = if kind == Kind::Roc { LineShape::Linear } else { LineShape::Hv };
    let line = Line::new().width(2.0).color(style.theme.hex(Colour::category(index))).shape(shape).dash(dash);
    let base = Scatter::<f64, f64>::new(vec![], vec![]).mode(Mode::Lines).name(text::text(&entry.label)).line(line);
    let precision = Precision::Linear { per_pixel: 1.0 / 2_000.0 };
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (x_name, y_name) = match kind {
        Kind::Roc => ("false-positive rate", "true-positive rate"),
        Kind::PrecisionRecall => ("recall", "precision"),
    };
    Extended::new(&base)
        .set("x", array::numbers(&xs, precision))
        .set("y", array::numbers(&ys, precision))
        .set("hovertemplate", format!("{x_name} %{{x:.3f}}<br>{y_name} %{{y:.3f}}<extra>{}</extra>", text::text(&entry.label)))
}

fn summary(kind: Kind, curves: &[(usize, &Curve<'_>)]) -> String {
    let (name, area) = match kind {
        Kind::Roc => ("ROC", "AUC"),
        Kind::PrecisionRecall => ("Precision-recall", "average precision"),
    };
    let what = text::plural(curves.len() as u64, "class", "classes");
    let parts: Vec<String> =
        curves.iter().take(6).map(|(_, c)| format!("{} {}", text::shorten(&text::quoted(c.class), 24), text::score(c.area))).collect();
    let more = if curves.len() > 6 { ", …" } else { "" };
    format!("{name} curves of {what} against the rest; {area}: {}{more}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::check;
    use serde_json::json;

    fn curve<'a>(class: &'a str, x: &'a [f64], y: &'a [f64]) -> Curve<'a> {
        Curve { class, x, y, area: 0.875, positives: 25, total: 100 }
    }

    #[test]
    fn roc_has_a_diagonal_equal_axes_and_the_area() {
        let curves = [curve("yes", &[0.0, 0.0, 0.5, 1.0], &[0.0, 0.75, 1.0, 1.0])];
        let drawing = draw(&Input { kind: Kind::Roc, curves: &curves, pooled: "" }, &Style::default()).unwrap();
        let layout = &drawing.figure["layout"];
        assert_eq!(drawing.figure["data"][0]["name"], "yes AUC 0.875");
        assert_eq!(layout["yaxis"]["scaleanchor"], "x");
        assert_eq!(layout["shapes"].as_array().unwrap().len(), 1);
        assert_eq!(layout["shapes"][0]["y1"], json!(1.0));
        assert_eq!(drawing.summary, "ROC curves of 1 class against the rest; AUC: yes 0.875.");
        assert_eq!(drawing.table.total, 4);
        check(&drawing.picture);
    }

    #[test]
    fn precision_recall_is_a_staircase_with_base_rates() {
        let curves = [curve("a", &[0.0, 0.5, 1.0], &[1.0, 0.8, 0.25]), curve("b", &[0.0, 1.0], &[1.0, 0.25])];
        let drawing = draw(&Input { kind: Kind::PrecisionRecall, curves: &curves, pooled: "" }, &Style::default()).unwrap();
        assert_eq!(drawing.figure["data"][0]["line"]["shape"], "hv");
        assert_eq!(drawing.figure["layout"]["shapes"].as_array().unwrap().len(), 1);
        assert_eq!(drawing.figure["layout"]["shapes"][0]["y0"], json!(0.25));
        assert_eq!(staircase(Kind::PrecisionRecall, &[(0.0, 1.0), (0.5, 0.8)]), [(0.0, 1.0), (0.5, 1.0), (0.5, 0.8)]);
        check(&drawing.picture);
    }

    #[test]
    fn vertices_that_nobody_can_see_are_merged() {
        let x: Vec<f64> = (0..=100_000).map(|i| f64::from(i) / 1e5).collect();
        let curves = vec![curve("a", &x, &x); 12];
        let drawing = draw(&Input { kind: Kind::Roc, curves: &curves, pooled: "" }, &Style::default()).unwrap();
        let kept = drawing.table.total / 12;
        assert!((500..5_000).contains(&kept), "{kept}");
        check(&drawing.picture);
    }

    #[test]
    fn empties_have_reasons_and_names_are_text() {
        let nan = [f64::NAN];
        for curves in [&[][..], &[curve("a", &[], &[])], &[curve("a", &nan, &nan)]] {
            assert!(draw(&Input { kind: Kind::Roc, curves, pooled: "" }, &Style::default()).is_err());
        }
        for raw in crate::text::HOSTILE {
            let curves = [curve(raw, &[0.0, 1.0], &[0.0, 1.0])];
            let drawing = draw(&Input { kind: Kind::Roc, curves: &curves, pooled: "" }, &Style::default()).unwrap();
            let json = drawing.figure.to_string().replace("<br>", "").replace("<extra>", "").replace("</extra>", "");
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }
}
