//! Evaluations of a task: a row for each flow, best first, and a mark for each run.

use crate::classes::Classes;
use crate::drawing::{Cell, Drawing, Empty, Provenance, Rows};
use crate::layout::{Area, Sheet, Style, legend_label};
use crate::picture::{Canvas, Marks};
use crate::rows::{Detail, LABEL, Page, RowChart, SIZE, View, better, draw_cells};
use crate::stats;
use crate::text;
use crate::theme::{Colour, Symbol};
use serde_json::json;
use std::collections::BTreeMap;

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
    /// The page of flows, and where in it people have zoomed.
    pub view: View,
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
    let ids: Vec<u64> = flows.iter().map(|flow| flow.id).collect();
    let page = Page::of(input.view, &ids, &runs, |run| (run.value, run.flow_id));
    let (on_page, points) = (&page.runs, &page.points);
    let classes = input.colour_by_uploader.then(|| uploaders(&runs));
    let legend = classes.as_ref().map_or(Vec::new(), |(classes, _)| {
        let counts: Vec<u64> = classes.all().iter().map(|c| c.count).collect();
        classes.legend(&counts)
    });

    let labels: Vec<String> = flows[page.items.clone()].iter().map(|f| f.label.clone()).collect();
    let rows = RowChart::new(style, &labels, input.measure, points, input.view, &legend, false);
    let legend = if rows.detail == Detail::Cells { Vec::new() } else { legend };
    let mut sheet = Sheet::new(style, rows.frame);
    rows.axes(&mut sheet);
    sheet.legend(&legend);
    let mut canvas = Canvas::new(style, rows.frame);
    let panel = canvas.panel(Area::WHOLE);
    canvas.axes(panel, &rows.x, &rows.y, true);

    let (shown, how) = match &rows.detail {
        Detail::Cells => {
            let about = |run: &Run<'_>| (run.run_id, format!("best of {}", text::shorten(run.flow, 80)));
            let measure = (input.measure, input.higher_is_better);
            let counted = draw_cells(&rows, (&mut sheet, &mut canvas, style), &page, measure, about);
            (counted, "every run counted in cells, a mark for the best run of each flow")
        }
        Detail::Marks(shown) => {
            let mut members = vec![Vec::new(); classes.as_ref().map_or(1, |(classes, _)| classes.len())];
            for &at in shown {
                let class = match &classes {
                    Some((classes, codes)) => codes.get(on_page[at].uploader).and_then(|&code| classes.of(code)),
                    None => Some(0),
                };
                if let Some(members) = class.and_then(|class| members.get_mut(class)) {
                    members.push(at);
                }
            }
            let mut groups = Vec::new();
            for (class, members) in members.iter().enumerate() {
                let look = classes.as_ref().and_then(|(c, _)| c.all().get(class));
                let (colour, symbol) = look.map_or((Colour::Cat1, Symbol::Diamond), |c| (c.colour(), c.symbol()));
                let points: Vec<(f64, usize)> = members.iter().map(|&at| points[at]).collect();
                let ids: Vec<u64> = members.iter().map(|&at| on_page[at].run_id).collect();
                let texts: Vec<String> = members.iter().map(|&at| text::shorten(on_page[at].flow, 80)).collect();
                let mut trace = rows
                    .trace(&points, &ids, &texts, shown.len(), input.measure)
                    .set("marker.color", style.theme.hex(colour))
                    .set("marker.symbol", json!(symbol));
                if let Some(entry) = legend.get(class) {
                    trace = trace.set("name", text::text(&legend_label(entry))).set("uid", text::identifier(&entry.label));
                }
                sheet.trace(&trace);
                groups.push(Marks { paint: colour.into(), symbol, size: SIZE as f64, points: rows.places(&points) });
            }
            canvas.marks(panel, &groups, 0.8);
            (shown.len() as u64, "one mark for each run")
        }
    };
    let ringed: Vec<(f64, usize)> =
        on_page.iter().zip(points).filter(|(run, _)| input.highlight.contains(&run.run_id)).map(|(_, point)| *point).collect();
    if !ringed.is_empty() {
        sheet.trace(&rows.rings(&ringed, style));
    }

    let best = runs.iter().copied().reduce(|a, b| if better(b.value, a.value, input.higher_is_better) { b } else { a });
    let summary = summary(input, &runs, flows.len(), best);
    canvas.legend(style, &legend);

    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table: table(input, &runs),
        picture: canvas.finish(&summary),
        summary,
        provenance: Provenance {
            rows_shown: shown,
            rows_total: input.runs.len() as u64,
            method: format!(
                "exact: {how}; {}flows ordered by their best run, where {} is better",
                page.words("flows"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::ROW;
    use crate::picture::check;
    use crate::text::HOSTILE;

    fn run(run_id: u64, flow_id: u64, flow: &'static str, value: f64) -> Run<'static> {
        Run { run_id, flow_id, flow, value, uploader: if run_id.is_multiple_of(2) { "ada" } else { "grace" } }
    }

    fn input<'a>(runs: &'a [Run<'a>]) -> Input<'a> {
        Input { measure: "predictive_accuracy", higher_is_better: true, runs, colour_by_uploader: false, highlight: &[], view: View::WHOLE }
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
    fn the_height_grows_with_the_flows_of_a_page() {
        let runs: Vec<Run<'_>> = (0..100).map(|i| run(i, i, "f", i as f64)).collect();
        let drawing = draw(&input(&runs[..40]), &Style::default()).unwrap();
        let height = drawing.figure["layout"]["height"].as_f64().unwrap();
        assert!(height > 40.0 * ROW);
        assert_eq!(drawing.figure["layout"]["yaxis"]["ticktext"].as_array().unwrap().len(), 40);
        assert_eq!(f64::from(drawing.picture.height), height);
        // More flows have more pages; the last one is the worst.
        let last = draw(&Input { view: View { page: 2, window: None }, ..input(&runs) }, &Style::default()).unwrap();
        assert_eq!(last.figure["layout"]["yaxis"]["ticktext"].as_array().unwrap().len(), 20);
        assert_eq!(last.figure["data"][0]["customdata"], json!((0..20).collect::<Vec<_>>()));
        assert_eq!((last.provenance.rows_shown, last.provenance.rows_total), (20, 100));
        assert!(last.provenance.method.contains("flows 81 to 100 of 100"), "{}", last.provenance.method);
    }

    #[test]
    fn of_too_many_runs_cells_are_drawn_and_the_best_of_each_flow() {
        let runs: Vec<Run<'_>> = (0..60_000).map(|i| run(i, i % 3, "f", (i % 1_009) as f64 / 1_009.0)).collect();
        let by_uploader = Input { colour_by_uploader: true, ..input(&runs) };
        let drawing = draw(&by_uploader, &Style::default()).unwrap();
        let data = drawing.figure["data"].as_array().unwrap();
        assert_eq!((data.len(), &data[0]["type"]), (2, &json!("heatmap")));
        assert_eq!(data[1]["customdata"].as_array().unwrap().len(), 3);
        assert!(drawing.legend.is_empty() && drawing.figure["layout"]["meta"]["refine"].is_array());
        assert_eq!(drawing.provenance.rows_shown, 60_000);
        assert!(drawing.figure.to_string().len() < 40_000);
        check(&drawing.picture);
        // A window with few enough runs has all of them as marks.
        let view = View { page: 0, window: Some(crate::Window { x: [0.9, 2.0], y: [f64::NEG_INFINITY, f64::INFINITY] }) };
        let near = draw(&Input { view, ..by_uploader }, &Style::default()).unwrap();
        assert_eq!(near.provenance.rows_shown, runs.iter().filter(|run| run.value >= 0.9).count() as u64);
        assert_eq!(near.legend.len(), 2);
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
