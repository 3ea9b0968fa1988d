//! Evaluations of a task: a row for each flow, best first, and a mark for each run.

use crate::array;
use crate::axis::{Axis, AxisKind};
use crate::classes::Classes;
use crate::drawing::{Cell, Drawing, Empty, LegendEntry, Provenance, Rows};
use crate::extend::Extended;
use crate::layout::{Area, Frame, Margins, ROW, Sheet, Style, legend_label};
use crate::picture::{Canvas, Marks, Panel};
use crate::scatter::WEBGL_ABOVE;
use crate::stats;
use crate::text;
use crate::theme::{Colour, Symbol};
use plotly::Scatter;
use plotly::common::{HoverInfo, Line, Marker, Mode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most characters of a flow's or dataset's label.
const LABEL: usize = 30;
const SIZE: usize = 9;

/// One run's value of the measure.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub run_id: u64,
    pub flow_id: u64,
    /// The flow's full name; the label is its short form.
    pub flow: &'a str,
    pub value: f64,
    pub uploader: &'a str,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub measure: &'a str,
    pub higher_is_better: bool,
    pub runs: &'a [Run<'a>],
    pub colour_by_uploader: bool,
    /// Runs to ring, for example those that have just come in.
    pub highlight: &'a [u64],
}

/// Draws the runs, as high as the flows need.
///
/// # Errors
/// [`Empty`] when no run has a value of the measure.
pub fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
    let runs: Vec<&Run<'_>> = input.runs.iter().filter(|r| r.value.is_finite()).collect();
    if runs.is_empty() {
        return Err(Empty::new(match input.runs.len() {
            0 => "No run has been evaluated yet.".to_owned(),
            _ => format!("No run has a value of {}.", text::quoted(input.measure)),
        }));
    }
    let flows = flows(&runs, input.higher_is_better);
    let mut row_of = BTreeMap::new();
    for (row, flow) in flows.iter().enumerate() {
        row_of.insert(flow.id, row);
    }
    let classes = input.colour_by_uploader.then(|| uploaders(&runs));
    let legend = classes.as_ref().map_or(Vec::new(), |(classes, _)| {
        let counts: Vec<u64> = classes.all().iter().map(|c| c.count).collect();
        classes.legend(&counts)
    });

    let labels: Vec<String> = flows.iter().map(|f| f.label.clone()).collect();
    let rows = RowChart::new(style, &labels, input.measure, runs.iter().map(|r| r.value), &legend);
    let mut sheet = Sheet::new(style, rows.frame);
    rows.axes(&mut sheet);
    sheet.legend(&legend);

    let members: Vec<Vec<&Run<'_>>> = match &classes {
        None => vec![runs.clone()],
        Some((classes, codes)) => {
            let mut members = vec![Vec::new(); classes.len()];
            for run in &runs {
                if let Some(class) = codes.get(run.uploader).and_then(|&code| classes.of(code)) {
                    members[class].push(*run);
                }
            }
            members
        }
    };
    let mut groups = Vec::new();
    for (class, members) in members.iter().enumerate() {
        let look = classes.as_ref().and_then(|(c, _)| c.all().get(class));
        let (colour, symbol) = look.map_or((Colour::Cat1, Symbol::Diamond), |c| (c.colour(), c.symbol()));
        let points: Vec<(f64, usize)> = members.iter().map(|r| (r.value, row_of.get(&r.flow_id).copied().unwrap_or(0))).collect();
        let ids: Vec<u64> = members.iter().map(|r| r.run_id).collect();
        let texts: Vec<String> = members.iter().map(|r| text::shorten(r.flow, 80)).collect();
        let mut trace = rows
            .trace(&points, &ids, &texts, runs.len(), input.measure)
            .set("marker.color", style.theme.hex(colour))
            .set("marker.symbol", json!(symbol));
        if let Some(entry) = legend.get(class) {
            trace = trace.set("name", text::text(&legend_label(entry))).set("uid", text::identifier(&entry.label));
        }
        sheet.trace(&trace);
        groups.push(Marks { paint: colour.into(), symbol, size: SIZE as f64, points: rows.places(&points) });
    }
    let ringed: Vec<(f64, usize)> = runs
        .iter()
        .filter(|r| input.highlight.contains(&r.run_id))
        .map(|r| (r.value, row_of.get(&r.flow_id).copied().unwrap_or(0)))
        .collect();
    if !ringed.is_empty() {
        sheet.trace(&rows.rings(&ringed, style));
    }

    let best = runs.iter().copied().reduce(|a, b| if better(b.value, a.value, input.higher_is_better) { b } else { a });
    let summary = summary(input, &runs, flows.len(), best);
    let mut canvas = Canvas::new(style, rows.frame);
    let panel = canvas.panel(Area::WHOLE);
    canvas.axes(panel, &rows.x, &rows.y, true);
    canvas.marks(panel, &groups, 0.8);
    canvas.legend(style, &legend);

    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table: table(input, &runs),
        picture: canvas.finish(&summary),
        summary,
        provenance: Provenance {
            rows_shown: runs.len() as u64,
            rows_total: input.runs.len() as u64,
            method: format!(
                "exact: one mark for each run; flows ordered by their best run, where {} is better",
                if input.higher_is_better { "higher" } else { "lower" }
            ),
            seed: None,
            formula: None,
        },
        legend,
    })
}

/// A flow with the value that decides its place.
struct Flow {
    id: u64,
    label: String,
    best: f64,
}

/// The flows, best first. Flows that share a short name keep their ids apart.
fn flows(runs: &[&Run<'_>], higher_is_better: bool) -> Vec<Flow> {
    let mut best: BTreeMap<u64, (&str, f64)> = BTreeMap::new();
    for run in runs {
        let entry = best.entry(run.flow_id).or_insert((run.flow, run.value));
        if better(run.value, entry.1, higher_is_better) {
            entry.1 = run.value;
        }
    }
    let mut flows: Vec<Flow> = best.into_iter().map(|(id, (name, best))| Flow { id, label: text::short_flow(name), best }).collect();
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for flow in &flows {
        *uses.entry(text::shorten(&flow.label, LABEL)).or_default() += 1;
    }
    for flow in &mut flows {
        let short = text::shorten(&flow.label, LABEL);
        flow.label = if uses.get(&short).is_some_and(|&n| n > 1) {
            format!("{} ({})", text::shorten(&flow.label, LABEL - 6), flow.id)
        } else {
            short
        };
    }
    flows.sort_by(|a, b| {
        let order = a.best.total_cmp(&b.best);
        if higher_is_better { order.reverse() } else { order }.then(a.id.cmp(&b.id))
    });
    flows
}

pub(crate) fn better(a: f64, b: f64, higher_is_better: bool) -> bool {
    if higher_is_better { a > b } else { a < b }
}

/// The uploaders as classes, and each one's code.
fn uploaders<'a>(runs: &[&Run<'a>]) -> (Classes, BTreeMap<&'a str, u32>) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for run in runs {
        *counts.entry(run.uploader).or_default() += 1;
    }
    let levels: Vec<String> = counts.keys().map(|name| if name.is_empty() { "unknown".to_owned() } else { (*name).to_owned() }).collect();
    let codes = counts.keys().enumerate().map(|(i, &name)| (name, i as u32)).collect();
    let counts: Vec<u64> = counts.values().copied().collect();
    (Classes::new(&levels, &counts, 0), codes)
}

fn table(input: &Input<'_>, runs: &[&Run<'_>]) -> Rows {
    let measure = format!("#{}", input.measure);
    let mut table = Rows::new(&["#run", "flow", &measure, "uploader"]);
    let mut sorted = runs.to_vec();
    sorted.sort_by(|a, b| {
        let order = a.value.total_cmp(&b.value);
        if input.higher_is_better { order.reverse() } else { order }.then(a.run_id.cmp(&b.run_id))
    });
    for run in sorted {
        table.push(|| vec![Cell::count(run.run_id), Cell::from(run.flow), Cell::number(run.value), Cell::from(run.uploader)]);
    }
    table
}

fn summary(input: &Input<'_>, runs: &[&Run<'_>], flows: usize, best: Option<&Run<'_>>) -> String {
    let values = stats::sorted(runs.iter().map(|r| r.value));
    let mut out = format!(
        "{} of {} of {}",
        text::quoted(input.measure),
        text::plural(runs.len() as u64, "run", "runs"),
        text::plural(flows as u64, "flow", "flows")
    );
    if let Some(best) = best {
        out.push_str(&format!(
            ": the best is {} by {} (run {}), the median {}",
            text::score(best.value),
            text::shorten(&text::quoted(&text::short_flow(best.flow)), 40),
            best.run_id,
            text::score(stats::quantile(&values, 0.5))
        ));
    }
    out.push('.');
    out
}

/// A chart with a labelled row for each item and a value axis on top.
pub(crate) struct RowChart {
    pub frame: Frame,
    pub x: Axis,
    pub y: Axis,
}

impl RowChart {
    pub(crate) fn new(style: &Style, labels: &[String], measure: &str, values: impl Iterator<Item = f64>, legend: &[LegendEntry]) -> Self {
        let widest = labels.iter().map(|l| l.chars().count()).max().unwrap_or(0).min(LABEL + 4);
        // On a narrow screen the labels get less than half.
        let left = (widest as f64 * 7.0 + 16.0).clamp(60.0, (f64::from(style.width) * 0.42).max(60.0));
        let chars = ((left - 16.0) / 7.0) as usize;
        let margins = Margins { left, right: 20.0, top: 46.0, bottom: 12.0 };
        let height = labels.len() as f64 * ROW;
        let frame = Frame::new(style, margins).with_legend(style, legend).with_plot_height(height.max(2.0 * ROW));
        let x = Axis::around(measure, AxisKind::Linear, values);
        let y = Axis::category("", labels).reversed().along(height, chars.max(4));
        Self { frame, x, y }
    }

    pub(crate) fn axes(&self, sheet: &mut Sheet<'_>) {
        sheet.axes(0, Area::WHOLE, &self.x, &self.y);
        sheet.set("xaxis.side", "top");
    }

    /// Runs at (value, row) without colour; `texts` are plain.
    pub(crate) fn trace(&self, points: &[(f64, usize)], run_ids: &[u64], texts: &[String], all: usize, measure: &str) -> Extended {
        let base = Scatter::<f64, f64>::new(vec![], vec![])
            .web_gl_mode(all > WEBGL_ABOVE)
            .mode(Mode::Markers)
            .name("")
            .marker(Marker::new().size(SIZE).opacity(0.8));
        let values: Vec<f64> = points.iter().map(|p| p.0).collect();
        let rows: Vec<f64> = points.iter().map(|p| p.1 as f64).collect();
        let texts: Value = texts.iter().map(|t| text::text(t)).collect();
        Extended::new(&base)
            .set("x", self.x.data(&values, self.frame.plot_width()))
            .set("y", self.y.data(&rows, self.frame.plot_height()))
            .set("customdata", array::ids(run_ids))
            .set("text", texts)
            .set(
                "hovertemplate",
                format!("%{{text}}<br>{}: %{{x:.4g}}<br>run %{{customdata}}<extra></extra>", text::text(&text::shorten(measure, 40))),
            )
    }

    /// Rings around marks.
    fn rings(&self, points: &[(f64, usize)], style: &Style) -> Extended {
        let values: Vec<f64> = points.iter().map(|p| p.0).collect();
        let rows: Vec<f64> = points.iter().map(|p| p.1 as f64).collect();
        let base = Scatter::<f64, f64>::new(vec![], vec![])
            .mode(Mode::Markers)
            .name("new")
            .show_legend(false)
            .hover_info(HoverInfo::Skip)
            .marker(Marker::new().size(SIZE + 8).color(style.theme.hex(Colour::Accent)).line(Line::new().width(2.0)));
        Extended::new(&base)
            .set("marker.symbol", json!(Symbol::CircleOpen))
            .set("x", array::numbers(&values, array::Precision::Exact))
            .set("y", array::numbers(&rows, array::Precision::Exact))
    }

    pub(crate) fn places(&self, points: &[(f64, usize)]) -> Vec<(f64, f64)> {
        let panel = Panel::new(&self.frame, Area::WHOLE);
        points.iter().map(|&(v, row)| panel.place(&self.x, &self.y, (v, row as f64))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::check;
    use crate::text::HOSTILE;

    fn run(run_id: u64, flow_id: u64, flow: &'static str, value: f64) -> Run<'static> {
        Run { run_id, flow_id, flow, value, uploader: if run_id.is_multiple_of(2) { "ada" } else { "grace" } }
    }

    fn input<'a>(runs: &'a [Run<'a>]) -> Input<'a> {
        Input { measure: "predictive_accuracy", higher_is_better: true, runs, colour_by_uploader: false, highlight: &[] }
    }

    #[test]
    fn flows_come_best_first_in_the_measures_direction() {
        let runs = [
            run(1, 7, "weka.J48(1)", 0.8),
            run(2, 8, "weka.J48(2)", 0.9),
            run(3, 7, "weka.J48(1)", 0.95),
            run(4, 9, "sklearn.svm.SVC", 0.5),
        ];
        let drawing = draw(&input(&runs), &Style::default()).unwrap();
        let ticks = &drawing.figure["layout"]["yaxis"]["ticktext"];
        assert_eq!(*ticks, json!(["J48 (7)", "J48 (8)", "SVC"]));
        assert_eq!(drawing.figure["data"][0]["y"], json!([0, 1, 0, 2]));
        assert_eq!(drawing.figure["data"][0]["customdata"], json!([1, 2, 3, 4]));
        assert_eq!(drawing.figure["layout"]["yaxis"]["range"], json!([2.5, -0.5]));
        assert_eq!(drawing.table.rows[0][0], Cell::count(3));
        assert_eq!(drawing.summary, "predictive_accuracy of 4 runs of 3 flows: the best is 0.950 by J48 (run 3), the median 0.850.");
        check(&drawing.picture);
        let lower = draw(&Input { higher_is_better: false, ..input(&runs) }, &Style::default()).unwrap();
        assert_eq!(lower.figure["layout"]["yaxis"]["ticktext"], json!(["SVC", "J48 (7)", "J48 (8)"]));
        assert!(lower.summary.contains("the best is 0.500 by SVC"));
    }

    #[test]
    fn uploaders_are_classes_and_new_runs_are_ringed() {
        let runs = [run(1, 7, "a", 0.8), run(2, 8, "b", 0.9), run(3, 8, "b", f64::NAN)];
        let drawing = draw(&Input { colour_by_uploader: true, highlight: &[2], ..input(&runs) }, &Style::default()).unwrap();
        let data = drawing.figure["data"].as_array().unwrap();
        assert_eq!(data.len(), 3);
        assert_eq!(data[0]["name"], "ada 1");
        assert_eq!(data[2]["marker"]["symbol"], "circle-open");
        assert_eq!(data[2]["x"], json!([0.9]));
        assert_eq!((drawing.provenance.rows_shown, drawing.provenance.rows_total), (2, 3));
    }

    #[test]
    fn the_height_grows_with_the_flows() {
        let runs: Vec<Run<'_>> = (0..40).map(|i| run(i, i, "f", i as f64)).collect();
        let drawing = draw(&input(&runs), &Style::default()).unwrap();
        let height = drawing.figure["layout"]["height"].as_f64().unwrap();
        assert!(height > 40.0 * ROW);
        assert_eq!(drawing.figure["layout"]["yaxis"]["ticktext"].as_array().unwrap().len(), 40);
        assert_eq!(f64::from(drawing.picture.height), height);
    }

    #[test]
    fn empties_have_reasons_and_names_are_text() {
        assert_eq!(draw(&input(&[]), &Style::default()).unwrap_err().reason, "No run has been evaluated yet.");
        let runs = [run(1, 7, "a", f64::NAN)];
        assert!(draw(&input(&runs), &Style::default()).unwrap_err().reason.contains("predictive_accuracy"));
        for raw in HOSTILE {
            let runs = [
                Run { run_id: 1, flow_id: 1, flow: raw, value: 0.5, uploader: raw },
                Run { run_id: 2, flow_id: 2, flow: raw, value: 0.5, uploader: "b" },
            ];
            let drawing = draw(&Input { measure: raw, colour_by_uploader: true, ..input(&runs) }, &Style::default()).unwrap();
            let json = drawing.figure.to_string().replace("<br>", "").replace("<extra></extra>", "");
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }
}
