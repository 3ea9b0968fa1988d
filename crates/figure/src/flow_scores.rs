//! Scores of one flow: a row for each dataset, a mark for each run, coloured by a parameter of the run's setup.

use crate::array;
use crate::classes::Classes;
use crate::drawing::{Cell, Drawing, Empty, LegendEntry, Provenance, Rows};
use crate::layout::{Area, Sheet, Style, colour_bar, colour_scale, legend_label};
use crate::picture::{Canvas, Marks};
use crate::rows::{Detail, Page, RowChart, View, draw_cells};
use crate::stats;
use crate::text;
use crate::theme::{Colour, Paint, Scale, Symbol};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PICTURE_STEPS: usize = 12;

/// One run's score on a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Score<'a> {
    pub run_id: u64,
    pub dataset_id: u64,
    pub dataset: &'a str,
    pub value: f64,
    /// The parameter's value as the setup writes it; `None` where the run's setup lacks it.
    pub parameter: Option<&'a str>,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub measure: &'a str,
    pub higher_is_better: bool,
    /// The parameter's name; empty for one colour.
    pub parameter: &'a str,
    pub scores: &'a [Score<'a>],
    /// The page of datasets, and where in it people have zoomed.
    pub view: View,
}

/// Draws the scores, as high as the datasets need.
///
/// # Errors
/// [`Empty`] when no run has a value of the measure.
pub fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
    let scores: Vec<&Score<'_>> = input.scores.iter().filter(|s| s.value.is_finite()).collect();
    if scores.is_empty() {
        return Err(Empty::new(match input.scores.len() {
            0 => "This flow has no evaluated runs yet.".to_owned(),
            _ => format!("No run of this flow has a value of {}.", text::quoted(input.measure)),
        }));
    }
    let datasets = datasets(&scores, input.higher_is_better);
    let ids: Vec<u64> = datasets.iter().map(|dataset| dataset.0).collect();
    let page = Page::of(input.view, &ids, &scores, |score| (score.value, score.dataset_id));
    let (on_page, points) = (&page.runs, &page.points);
    let labels: Vec<String> = datasets[page.items.clone()].iter().map(|d| d.1.clone()).collect();
    let parameter = Parameter::of(input, on_page);
    let legend = parameter.legend(on_page);
    let rows = RowChart::new(style, &labels, input.measure, points, input.view, &legend, matches!(parameter, Parameter::Numeric { .. }));
    let legend = if rows.detail == Detail::Cells { Vec::new() } else { legend };
    let mut sheet = Sheet::new(style, rows.frame);
    rows.axes(&mut sheet);
    sheet.legend(&legend);
    let mut canvas = Canvas::new(style, rows.frame);
    let panel = canvas.panel(Area::WHOLE);
    canvas.axes(panel, &rows.x, &rows.y, true);

    let (shown, how) = match &rows.detail {
        Detail::Cells => {
            let about = |score: &Score<'_>| (score.run_id, format!("best on {}", hover(input, score)));
            let measure = (input.measure, input.higher_is_better);
            let counted = draw_cells(&rows, (&mut sheet, &mut canvas, style), &page, measure, about);
            (counted, "every run counted in cells, a mark for the best run on each dataset")
        }
        Detail::Marks(shown) => {
            let groups = marks(input, style, &rows, on_page, points, shown, &parameter, &legend, &mut sheet);
            canvas.marks(panel, &groups, 0.8);
            (shown.len() as u64, "one mark for each run")
        }
    };

    let summary = summary(input, &scores, &datasets, &parameter);
    canvas.legend(style, &legend);
    let log = rows.detail != Detail::Cells && matches!(parameter, Parameter::Numeric { log: true, .. });
    Ok(Drawing {
        figure: sheet.finish(),
        raster: None,
        table: table(input, &scores),
        picture: canvas.finish(&summary),
        summary,
        provenance: Provenance {
            rows_shown: shown,
            rows_total: input.scores.len() as u64,
            method: format!(
                "exact: {how}; {}datasets ordered by their median score{}",
                page.words("datasets"),
                if log { "; colour on a logarithmic scale" } else { "" }
            ),
            seed: None,
            formula: None,
        },
        legend,
    })
}

/// Adds the traces of the marks that are shown, coloured by the parameter, and returns them for the picture.
#[expect(clippy::too_many_arguments, reason = "marks depend on everything that the chart is made of")]
fn marks(
    input: &Input<'_>,
    style: &Style,
    rows: &RowChart,
    scores: &[&Score<'_>],
    points: &[(f64, usize)],
    shown: &[usize],
    parameter: &Parameter,
    legend: &[LegendEntry],
    sheet: &mut Sheet<'_>,
) -> Vec<Marks> {
    let trace = |members: &[usize]| {
        let points: Vec<(f64, usize)> = members.iter().map(|&m| points[m]).collect();
        let ids: Vec<u64> = members.iter().map(|&m| scores[m].run_id).collect();
        let texts: Vec<String> = members.iter().map(|&m| hover(input, scores[m])).collect();
        (rows.trace(&points, &ids, &texts, shown.len(), input.measure), rows.places(&points))
    };
    let mut groups = Vec::new();
    match parameter {
        Parameter::None => {
            let (made, points) = trace(shown);
            sheet.trace(&made.set("marker.color", style.theme.hex(Colour::Cat1)).set("marker.symbol", json!(Symbol::Diamond)));
            groups.push(Marks { paint: Colour::Cat1.into(), symbol: Symbol::Diamond, size: 9.0, points });
        }
        Parameter::Nominal { classes, codes } => {
            let mut members = vec![Vec::new(); classes.len()];
            for &m in shown {
                if let Some(class) = classes.of(codes[m]) {
                    members[class].push(m);
                }
            }
            for ((class, members), entry) in classes.all().iter().zip(&members).zip(legend) {
                let (made, points) = trace(members);
                sheet.trace(
                    &made
                        .set("name", text::text(&legend_label(entry)))
                        .set("uid", text::identifier(&entry.label))
                        .set("marker.color", style.theme.hex(class.colour()))
                        .set("marker.symbol", json!(class.symbol())),
                );
                groups.push(Marks { paint: class.colour().into(), symbol: class.symbol(), size: 9.0, points });
            }
        }
        Parameter::Numeric { values, log } => {
            let (known, unknown): (Vec<usize>, Vec<usize>) = shown.iter().partition(|&&m| values[m].is_finite());
            let at = |m: usize| if *log { values[m].log10() } else { values[m] };
            let colours: Vec<f64> = known.iter().map(|&m| at(m)).collect();
            // A colour means the same wherever one looks.
            let all = (0..values.len()).map(at).filter(|value| value.is_finite());
            let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            let (made, _) = trace(&known);
            sheet.trace(
                &made
                    .set("marker.color", array::numbers(&colours, array::Precision::Exact))
                    .set("marker.symbol", json!(Symbol::Diamond))
                    .set("marker.colorscale", colour_scale(style.theme, Scale::Sequential))
                    .set("marker.cmin", low)
                    .set("marker.cmax", if high > low { high } else { low + 1.0 })
                    .set("marker.showscale", true)
                    .set("marker.colorbar", bar(input, style, *log, low, high)),
            );
            let mut steps = vec![Vec::new(); PICTURE_STEPS];
            for &m in &known {
                let t = if high > low { (at(m) - low) / (high - low) } else { 0.0 };
                steps[((t * PICTURE_STEPS as f64) as usize).min(PICTURE_STEPS - 1)].push(m);
            }
            for (i, members) in steps.iter().enumerate() {
                let paint = Paint::sequential((i as f64 + 0.5) / PICTURE_STEPS as f64);
                groups.push(Marks { paint, symbol: Symbol::Diamond, size: 9.0, points: trace(members).1 });
            }
            if !unknown.is_empty() {
                let (made, points) = trace(&unknown);
                let made = made.set("marker.color", style.theme.hex(Colour::CatOther)).set("marker.symbol", json!(Symbol::CircleOpen));
                sheet.trace(&made.set("name", "not set"));
                groups.push(Marks { paint: Colour::CatOther.into(), symbol: Symbol::CircleOpen, size: 9.0, points });
            }
        }
    }

    groups
}

/// How the parameter colours the runs.
enum Parameter {
    None,
    /// NaN where the run's setup lacks it.
    Numeric {
        values: Vec<f64>,
        log: bool,
    },
    Nominal {
        classes: Classes,
        codes: Vec<u32>,
    },
}

impl Parameter {
    /// Numeric when every value that is set is a number and there are several; logarithmic when positive over more than two decades.
    fn of(input: &Input<'_>, scores: &[&Score<'_>]) -> Self {
        if input.parameter.is_empty() {
            return Self::None;
        }
        let parsed: Vec<Option<f64>> =
            scores.iter().map(|s| s.parameter.and_then(|p| p.trim().parse::<f64>().ok()).filter(|v| v.is_finite())).collect();
        let is_set = |s: &Score<'_>| s.parameter.is_some_and(|p| !matches!(p.trim(), "" | "null" | "None"));
        let values: Vec<f64> = parsed.iter().map(|p| p.unwrap_or(f64::NAN)).collect();
        let all_numbers = scores.iter().zip(&parsed).all(|(s, p)| p.is_some() || !is_set(s));
        let known = stats::sorted(values.iter().copied());
        if all_numbers && let (Some(&low), Some(&high)) = (known.first(), known.last()) {
            return Self::Numeric { values, log: low > 0.0 && high / low > 100.0 };
        }
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for value in scores.iter().filter_map(|s| s.parameter) {
            *counts.entry(value).or_default() += 1;
        }
        let levels: Vec<String> = counts.keys().map(|v| (*v).to_owned()).collect();
        let code_of: BTreeMap<&str, u32> = counts.keys().enumerate().map(|(i, &v)| (v, i as u32)).collect();
        let codes: Vec<u32> = scores.iter().map(|s| s.parameter.and_then(|p| code_of.get(p).copied()).unwrap_or(u32::MAX)).collect();
        let missing = codes.iter().filter(|&&c| c == u32::MAX).count() as u64;
        let counts: Vec<u64> = counts.into_values().collect();
        Self::Nominal { classes: Classes::new(&levels, &counts, missing), codes }
    }

    fn legend(&self, scores: &[&Score<'_>]) -> Vec<LegendEntry> {
        match self {
            Self::Nominal { classes, codes } => {
                let mut shown = vec![0; classes.len()];
                for &code in codes.iter().take(scores.len()) {
                    if let Some(class) = classes.of(code) {
                        shown[class] += 1;
                    }
                }
                classes.legend(&shown)
            }
            _ => Vec::new(),
        }
    }
}

/// The datasets with their label and median score, best first.
fn datasets(scores: &[&Score<'_>], higher_is_better: bool) -> Vec<(u64, String, f64)> {
    let mut values: BTreeMap<u64, (&str, Vec<f64>)> = BTreeMap::new();
    for score in scores {
        values.entry(score.dataset_id).or_insert((score.dataset, Vec::new())).1.push(score.value);
    }
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in values.values() {
        *uses.entry(name).or_default() += 1;
    }
    let mut out: Vec<(u64, String, f64)> = values
        .into_iter()
        .map(|(id, (name, values))| {
            let label = if uses.get(name).is_some_and(|&n| n > 1) {
                format!("{} ({id})", text::shorten(name, 24))
            } else {
                text::shorten(name, 30)
            };
            (id, label, stats::quantile(&stats::sorted(values), 0.5))
        })
        .collect();
    out.sort_by(|a, b| {
        let order = a.2.total_cmp(&b.2);
        if higher_is_better { order.reverse() } else { order }.then(a.0.cmp(&b.0))
    });
    out
}

fn bar(input: &Input<'_>, style: &Style, log: bool, low: f64, high: f64) -> Value {
    let mut bar = colour_bar(style.theme, input.parameter);
    if log {
        let decades: Vec<i32> = (low.ceil() as i32..=high.floor() as i32).collect();
        let step = decades.len().div_ceil(8).max(1);
        let shown: Vec<i32> = decades.into_iter().step_by(step).collect();
        bar["tickvals"] = json!(shown);
        bar["ticktext"] = shown.iter().map(|&d| text::number(10_f64.powi(d), 3)).collect();
    }
    bar
}

fn hover(input: &Input<'_>, score: &Score<'_>) -> String {
    let name = text::shorten(score.dataset, 60);
    if input.parameter.is_empty() {
        return name;
    }
    let value = score.parameter.map_or("not set".to_owned(), |v| text::shorten(v, 40));
    format!("{name}, {} = {value}", text::shorten(input.parameter, 40))
}

fn table(input: &Input<'_>, scores: &[&Score<'_>]) -> Rows {
    let measure = format!("#{}", input.measure);
    let mut columns = vec!["#run", "dataset", &measure];
    if !input.parameter.is_empty() {
        columns.push(input.parameter);
    }
    let mut table = Rows::new(&columns);
    for score in scores {
        table.push(|| {
            let mut row = vec![Cell::count(score.run_id), Cell::from(score.dataset), Cell::number(score.value)];
            if !input.parameter.is_empty() {
                row.push(score.parameter.map_or(Cell::Missing, Cell::from));
            }
            row
        });
    }
    table
}

fn summary(input: &Input<'_>, scores: &[&Score<'_>], datasets: &[(u64, String, f64)], parameter: &Parameter) -> String {
    let mut out = format!(
        "{} of {} on {}",
        text::quoted(input.measure),
        text::plural(scores.len() as u64, "run", "runs"),
        text::plural(datasets.len() as u64, "dataset", "datasets")
    );
    if let (Some(best), Some(worst)) = (datasets.first(), datasets.last()) {
        out.push_str(&format!("; the median is best on {} ({})", text::quoted(&best.1), text::score(best.2)));
        if datasets.len() > 1 {
            out.push_str(&format!(" and worst on {} ({})", text::quoted(&worst.1), text::score(worst.2)));
        }
    }
    match parameter {
        Parameter::Numeric { values, .. } => {
            let known = stats::sorted(values.iter().copied());
            if let (Some(&low), Some(&high)) = (known.first(), known.last()) {
                let name = text::quoted(input.parameter);
                out.push_str(&format!("; coloured by {name} from {} to {}", text::number(low, 4), text::number(high, 4)));
            }
        }
        Parameter::Nominal { classes, .. } => {
            let values = text::plural(classes.all().iter().filter(|c| c.slot.is_some()).count() as u64, "value", "values");
            out.push_str(&format!("; coloured by {} ({values})", text::quoted(input.parameter)));
        }
        Parameter::None => {}
    }
    out.push('.');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::check;
    use crate::text::HOSTILE;

    fn score<'a>(run_id: u64, dataset_id: u64, value: f64, parameter: Option<&'a str>) -> Score<'a> {
        Score { run_id, dataset_id, dataset: if dataset_id == 1 { "iris" } else { "anneal" }, value, parameter }
    }

    fn input<'a>(scores: &'a [Score<'a>]) -> Input<'a> {
        Input { measure: "f_measure", higher_is_better: true, parameter: "C", scores, view: View::WHOLE }
    }

    #[test]
    fn a_wide_numeric_parameter_is_a_log_scale() {
        let scores =
            [score(1, 1, 0.9, Some("0.001")), score(2, 2, 0.8, Some("10")), score(3, 1, 0.95, Some("1000")), score(4, 1, 0.2, None)];
        let drawing = draw(&input(&scores), &Style::default()).unwrap();
        let data = &drawing.figure["data"];
        assert_eq!(data[0]["marker"]["color"], json!([-3, 1, 3]));
        assert_eq!(data[0]["marker"]["colorbar"]["ticktext"][0], "0.001");
        assert_eq!(data[1]["name"], "not set");
        assert_eq!(drawing.figure["layout"]["yaxis"]["ticktext"], json!(["iris", "anneal"]));
        assert!(drawing.provenance.method.contains("logarithmic"));
        assert!(drawing.summary.contains("coloured by C from 0.001 to 1000"), "{}", drawing.summary);
        check(&drawing.picture);
    }

    #[test]
    fn a_narrow_numeric_parameter_keeps_its_order() {
        let scores = [score(1, 1, 0.9, Some("2")), score(2, 2, 0.8, Some("10")), score(3, 2, 0.8, Some("null"))];
        let drawing = draw(&input(&scores), &Style::default()).unwrap();
        assert_eq!(drawing.figure["data"][0]["marker"]["color"], json!([2, 10]));
        assert_eq!(drawing.figure["data"][0]["marker"]["cmin"], json!(2.0));
    }

    #[test]
    fn a_nominal_parameter_is_classes_and_none_is_one_colour() {
        let scores = [score(1, 1, 0.9, Some("rbf")), score(2, 2, 0.8, Some("3")), score(3, 2, 0.8, None)];
        let drawing = draw(&input(&scores), &Style::default()).unwrap();
        let names: Vec<_> = drawing.legend.iter().map(|e| e.label.as_str()).collect();
        assert_eq!(names, ["3", "rbf", "missing"]);
        let one = draw(&Input { parameter: "", ..input(&scores) }, &Style::default()).unwrap();
        assert_eq!(one.figure["data"].as_array().unwrap().len(), 1);
        assert_eq!(one.table.columns.len(), 3);
    }

    #[test]
    fn of_too_many_runs_cells_are_drawn_and_pages_of_datasets() {
        let scores: Vec<Score<'_>> =
            (0..90_000).map(|i| Score { parameter: Some(if i % 2 == 0 { "1" } else { "7" }), ..score(i, i % 3, i as f64, None) }).collect();
        let drawing = draw(&input(&scores), &Style::default()).unwrap();
        let data = drawing.figure["data"].as_array().unwrap();
        assert_eq!((data.len(), &data[0]["type"], drawing.provenance.rows_shown), (2, &json!("heatmap"), 90_000));
        assert_eq!(data[1]["customdata"], json!([89_999, 89_998, 89_997]));
        check(&drawing.picture);
        // In a window the colours are those of all runs.
        let view = View { page: 0, window: Some(crate::Window { x: [0.0, 0.5], y: [f64::NEG_INFINITY, f64::INFINITY] }) };
        let near = draw(&Input { view, ..input(&scores) }, &Style::default()).unwrap();
        assert_eq!((near.provenance.rows_shown, &near.figure["data"][0]["marker"]["cmax"]), (1, &json!(7.0)));
        let many: Vec<Score<'_>> = (0..50).map(|i| score(i, i, i as f64, None)).collect();
        let last = draw(&Input { view: View { page: 1, window: None }, ..input(&many) }, &Style::default()).unwrap();
        assert_eq!(last.provenance.rows_shown, 10);
        assert!(last.provenance.method.contains("datasets 41 to 50 of 50"), "{}", last.provenance.method);
    }

    #[test]
    fn empties_have_reasons_and_names_are_text() {
        assert!(draw(&input(&[]), &Style::default()).unwrap_err().reason.contains("no evaluated runs"));
        let scores = [score(1, 1, f64::NAN, None)];
        assert!(draw(&input(&scores), &Style::default()).unwrap_err().reason.contains("f_measure"));
        for raw in HOSTILE {
            let scores = [Score { dataset: raw, ..score(1, 1, 0.5, Some(raw)) }];
            let drawing = draw(&Input { measure: raw, parameter: raw, ..input(&scores) }, &Style::default()).unwrap();
            let json = drawing.figure.to_string().replace("<br>", "").replace("<extra></extra>", "");
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }
}
