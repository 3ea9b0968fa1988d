//! A run's measures: what labboard computes from the predictions, and what the client measured.

use labboard_figure::{Empty, text};

use super::{Canvas, Content, Control, Panel, Values, always, folds, measure_title};
use crate::model::{Cell, ColumnHead, ControlForm, Provenance, Row, Span, TableView};
use crate::server::source::{RunSource, described};

pub const PANEL: Panel<RunSource> = Panel {
    name: "measures",
    title: "Measures",
    span: Span::Side,
    height: 0,
    controls: &[Control {
        name: "chosen",
        label: "shown as boxes",
        form: ControlForm::Rows,
        options: folds::measure_choices,
        default: folds::default_measures,
    }],
    suits: always,
    draw,
    probe: None,
};

fn draw(source: &RunSource, _: &Values, _: &Canvas) -> Result<Content, Empty> {
    if source.evaluations.is_empty() {
        return Err(Empty { reason: "This run has no predictions and no measures".to_owned() });
    }
    let own = source.run.task_measure.as_deref();
    let mut order = source.evaluations.iter().collect::<Vec<_>>();
    let unranked = |name: &str| described(name).is_none_or(|measure| !measure.ranked);
    order.sort_by_key(|evaluation| {
        let name = evaluation.measure.as_str();
        (Some(name) != own, unranked(name), name.contains("millis"), name)
    });
    let head =
        |name: &str, numeric, help: &str| ColumnHead { name: name.to_owned(), numeric, help: (!help.is_empty()).then(|| help.to_owned()) };
    let columns = vec![
        head("Measure", false, ""),
        head("Overall", true, "Over all predictions together"),
        head("Mean ± std", true, "Over all repeats and folds; the standard deviation of the population"),
        head("Better", false, ""),
        head("Client", true, "What the client said, where it said something"),
    ];
    let score = |value: Option<f64>| value.map_or_else(|| Cell::text("–"), |value| Cell::number(value, text::score(value)));
    let rows = order
        .iter()
        .map(|evaluation| {
            let values = evaluation.folds.iter().filter_map(|fold| fold.value).collect::<Vec<_>>();
            let spread = labboard_frame::mean_std(&values).map_or_else(
                || Cell::text("–"),
                |spread| Cell::number(spread.mean, format!("{} ± {}", text::score(spread.mean), text::score(spread.population_std))),
            );
            let better = described(&evaluation.measure).filter(|measure| measure.ranked);
            let better = better.map_or("", |measure| if measure.higher_is_better { "higher" } else { "lower" });
            Row {
                key: Some(evaluation.measure.clone()),
                mark: (Some(evaluation.measure.as_str()) == own).then(|| "task's".to_owned()),
                cells: vec![
                    Cell::text(measure_title(&evaluation.measure)),
                    score(evaluation.value),
                    spread,
                    Cell::text(better),
                    score(evaluation.claimed),
                ],
            }
        })
        .collect::<Vec<_>>();
    let predictions = source.predictions.as_ref().map_or(0, |predictions| predictions.row_id.len() as u64);
    let total = rows.len() as u64;
    Ok(Content::Table {
        table: TableView { columns, rows, total, chooses: Some("folds.measures".to_owned()) },
        summary: String::new(),
        provenance: Provenance {
            rows_shown: predictions,
            rows_total: predictions,
            method: "recomputed from the predictions".to_owned(),
            ..Provenance::default()
        },
    })
}
