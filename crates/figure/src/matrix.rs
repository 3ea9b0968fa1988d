//! Confusion matrix: how often each class was predicted as which, truth down the side, prediction along the bottom.

use crate::axis::Axis;
use crate::drawing::{Cell, Drawing, Empty, Provenance, Rows};
use crate::extend::Extended;
use crate::layout::{Area, Frame, Margins, Sheet, Style, colour_scale};
use crate::picture::{Canvas, ink_over};
use crate::text;
use crate::theme::{Paint, Scale};
use plotly::HeatMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Above this many classes the cells are too small for their counts.
pub const TEXT_UP_TO: usize = 30;
const MARGINS: Margins = Margins { left: 120.0, right: 16.0, top: 10.0, bottom: 52.0 };
const TINTS: usize = 16;

/// What a cell's colour and text say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// Counts.
    #[default]
    None,
    /// Shares of the true class: the diagonal is recall.
    Truth,
    /// Shares of the predicted class: the diagonal is precision.
    Prediction,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub classes: &'a [String],
    /// Row by row: `counts[truth * classes + prediction]`.
    pub counts: &'a [u64],
    pub normalise: Normalise,
    /// How the predictions were pooled, for the provenance.
    pub pooled: &'a str,
}

/// Draws the matrix.
///
/// # Errors
/// [`Empty`] when there are no predictions or the counts do not fit the classes.
pub fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
    let n = input.classes.len();
    if n == 0 || input.counts.len() < n * n {
        return Err(Empty::new("There are no classes to compare."));
    }
    let counts = &input.counts[..n * n];
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return Err(Empty::new("There are no predictions to compare."));
    }
    let shares = shares(counts, n, input.normalise);
    let largest = shares.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let top = if input.normalise == Normalise::None { largest } else { 1.0 };

    let mut margins = MARGINS;
    let widest = input.classes.iter().map(|c| c.chars().count()).max().unwrap_or(0).min(20);
    margins.left = (widest as f64 * 7.0 + 40.0).clamp(64.0, (f64::from(style.width) * 0.4).max(64.0));
    let frame = Frame::new(style, margins);
    let chars = ((margins.left - 40.0) / 7.0) as usize;
    let x = Axis::category("Predicted", input.classes).across(frame.plot_width());
    let y = Axis::category("True", input.classes).reversed().along(frame.plot_height(), chars.max(3));
    let words: Option<Vec<String>> = (n <= TEXT_UP_TO).then(|| {
        (0..n * n)
            .map(|i| match input.normalise {
                Normalise::None => text::count(counts[i]),
                _ if counts[i] == 0 => "0".to_owned(),
                _ => format!("{:.0} %", shares[i] * 100.0),
            })
            .collect()
    });

    let mut sheet = Sheet::new(style, frame);
    sheet.axes(0, Area::WHOLE, &x, &y);
    for axis in ["xaxis", "yaxis"] {
        sheet.set(&format!("{axis}.showgrid"), false);
    }
    sheet.set("yaxis.title.standoff", 4);
    sheet.trace(&trace(input, counts, &shares, top, words.as_deref(), style));

    let mut canvas = Canvas::new(style, frame);
    let panel = canvas.panel(Area::WHOLE);
    canvas.axes(panel, &x, &y, false);
    let mut tints = vec![Vec::new(); TINTS];
    let (w, h) = (panel.width / n as f64, panel.height / n as f64);
    for (i, &share) in shares.iter().enumerate() {
        let (left, top_px) = (panel.left + (i % n) as f64 * w, panel.top + (i / n) as f64 * h);
        let tint = ((share / top * (TINTS - 1) as f64).round() as usize).min(TINTS - 1);
        // Cells without rows all look like the ground, which is drawn once.
        if tint > 0 {
            tints[tint].push((left, top_px, w - 1.0, h - 1.0));
        }
    }
    tints[0].push((panel.left, panel.top, panel.width, panel.height));
    for (tint, rects) in tints.iter().enumerate() {
        canvas.rects(rects, Paint::tint(tint as f64 / (TINTS - 1) as f64), 1.0);
    }
    if let Some(words) = words.as_ref().filter(|_| n <= 12) {
        for (i, word) in words.iter().enumerate() {
            let at = (panel.left + ((i % n) as f64 + 0.5) * w, panel.top + ((i / n) as f64 + 0.5) * h);
            canvas.word(at, ink_over(shares[i] / top), word);
        }
    }

    let summary = summary(input, counts, total);
    let mut table = Rows::new(&["true", "predicted", "#predictions", "#share of true class"]);
    for truth in 0..n {
        let row = &counts[truth * n..(truth + 1) * n];
        let of_truth: u64 = row.iter().sum();
        for (prediction, &count) in row.iter().enumerate() {
            if count > 0 || n <= 12 {
                table.push(|| {
                    vec![
                        Cell::from(input.classes[truth].as_str()),
                        Cell::from(input.classes[prediction].as_str()),
                        Cell::count(count),
                        Cell::number(count as f64 / of_truth as f64),
                    ]
                });
            }
        }
    }
    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table,
        picture: canvas.finish(&summary),
        summary,
        provenance: Provenance {
            rows_shown: total,
            rows_total: total,
            method: format!(
                "exact: every prediction counted, {}",
                if input.pooled.is_empty() { "all repeats and folds pooled" } else { input.pooled }
            ),
            seed: None,
            formula: match input.normalise {
                Normalise::None => None,
                Normalise::Truth => Some("share of the true class".to_owned()),
                Normalise::Prediction => Some("share of the predicted class".to_owned()),
            },
        },
        legend: Vec::new(),
    })
}

/// What each cell's colour says.
fn shares(counts: &[u64], n: usize, normalise: Normalise) -> Vec<f64> {
    let of = |i: usize| -> u64 {
        match normalise {
            Normalise::None => 1,
            Normalise::Truth => counts[i / n * n..(i / n + 1) * n].iter().sum(),
            Normalise::Prediction => counts.iter().skip(i % n).step_by(n).sum(),
        }
    };
    (0..counts.len())
        .map(|i| match of(i) {
            0 => 0.0,
            sum => counts[i] as f64 / sum as f64,
        })
        .collect()
}

fn trace(input: &Input<'_>, counts: &[u64], shares: &[f64], top: f64, words: Option<&[String]>, style: &Style) -> Extended {
    let n = input.classes.len();
    let grid = |cell: &dyn Fn(usize) -> Value| -> Value {
        (0..n).map(|row| (0..n).map(|column| cell(row * n + column)).collect::<Value>()).collect()
    };
    let names: Vec<String> = input.classes.iter().map(|c| text::text(&text::shorten(c, 40))).collect();
    let base = HeatMap::<f64, f64, Vec<f64>>::new_z(vec![]).show_scale(false).zmin(0.0).zmax(top).x_gap(1).y_gap(1);
    let mut trace = Extended::new(&base)
        .set("z", grid(&|i| crate::array::number(shares[i], crate::array::Precision::Linear { per_pixel: top / 100.0 })))
        .set("colorscale", colour_scale(style.theme, Scale::Tint))
        .set("hovertemplate", "%{hovertext}<extra></extra>");
    // Names in every cell are worth their bytes only while there are few.
    trace = if n <= TEXT_UP_TO {
        trace.set("hovertext", grid(&|i| json!(format!("{} predicted as {}: {}", names[i / n], names[i % n], text::count(counts[i])))))
    } else {
        trace.set("hovertext", grid(&|i| json!(text::count(counts[i]))))
    };
    if let Some(words) = words {
        trace = trace.set("text", grid(&|i| json!(words[i]))).set("texttemplate", "%{text}");
    }
    trace
}

fn summary(input: &Input<'_>, counts: &[u64], total: u64) -> String {
    let n = input.classes.len();
    let right: u64 = (0..n).map(|i| counts[i * n + i]).sum();
    let mut out =
        format!("{} of {} are right", text::percent(right as f64 / total as f64), text::plural(total, "prediction", "predictions"));
    let worst = (0..n * n).filter(|i| i / n != i % n && counts[*i] > 0).max_by_key(|&i| (counts[i], std::cmp::Reverse(i)));
    match worst {
        Some(i) => out.push_str(&format!(
            "; the most frequent confusion is {} predicted as {} ({})",
            text::quoted(&input.classes[i / n]),
            text::quoted(&input.classes[i % n]),
            text::count(counts[i])
        )),
        None => out.push_str("; no class is taken for another"),
    }
    out.push('.');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::check;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("c{i}")).collect()
    }

    fn input<'a>(classes: &'a [String], counts: &'a [u64], normalise: Normalise) -> Input<'a> {
        Input { classes, counts, normalise, pooled: "" }
    }

    #[test]
    fn truth_is_down_the_side_and_counts_are_text() {
        let classes = names(2);
        let drawing = draw(&input(&classes, &[8, 2, 1, 9], Normalise::None), &Style::default()).unwrap();
        let trace = &drawing.figure["data"][0];
        assert_eq!(trace["z"], json!([[8, 2], [1, 9]]));
        assert_eq!(trace["text"], json!([["8", "2"], ["1", "9"]]));
        assert_eq!(trace["hovertext"][0][1], "c0 predicted as c1: 2");
        let layout = &drawing.figure["layout"];
        assert_eq!(layout["yaxis"]["title"]["text"], "True");
        assert_eq!(layout["yaxis"]["range"], json!([1.5, -0.5]));
        assert_eq!(drawing.summary, "85.0 % of 20 predictions are right; the most frequent confusion is c0 predicted as c1 (2).");
        assert_eq!(drawing.table.total, 4);
        check(&drawing.picture);
    }

    #[test]
    fn shares_are_of_the_row_or_the_column() {
        assert_eq!(shares(&[8, 2, 1, 9], 2, Normalise::Truth), [0.8, 0.2, 0.1, 0.9]);
        assert_eq!(shares(&[8, 2, 2, 6], 2, Normalise::Prediction), [0.8, 0.25, 0.2, 0.75]);
        assert_eq!(shares(&[0, 0, 0, 1], 2, Normalise::Truth), [0.0, 0.0, 0.0, 1.0]);
        let classes = names(2);
        let drawing = draw(&input(&classes, &[8, 2, 1, 9], Normalise::Truth), &Style::default()).unwrap();
        assert_eq!(drawing.figure["data"][0]["text"][0], json!(["80 %", "20 %"]));
    }

    #[test]
    fn many_classes_drop_the_text() {
        let classes = names(60);
        let counts: Vec<u64> = (0..3600).map(|i| i % 61).collect();
        let drawing = draw(&input(&classes, &counts, Normalise::None), &Style::default()).unwrap();
        assert!(drawing.figure["data"][0].get("text").is_none());
        assert_eq!(drawing.table.rows.len(), crate::drawing::TABLE_ROWS);
        check(&drawing.picture);
    }

    #[test]
    fn empties_have_reasons_and_names_are_text() {
        assert!(draw(&input(&[], &[], Normalise::None), &Style::default()).is_err());
        let one = names(1);
        assert!(draw(&input(&one, &[0], Normalise::None), &Style::default()).is_err());
        let drawing = draw(&input(&one, &[3], Normalise::None), &Style::default()).unwrap();
        assert!(drawing.summary.contains("no class is taken for another"));
        for raw in crate::text::HOSTILE {
            let classes = [(*raw).to_owned(), "b".to_owned()];
            let drawing = draw(&input(&classes, &[1, 2, 3, 4], Normalise::Prediction), &Style::default()).unwrap();
            let json = drawing.figure.to_string().replace("<extra></extra>", "");
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }
}
