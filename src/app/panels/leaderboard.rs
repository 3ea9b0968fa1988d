//! The best run of every flow on a task.

use labboard_figure::{Empty, text};
use labboard_frame::group::leaderboard;
use labboard_openml::measure::Direction;

use super::{Canvas, Content, Control, Panel, Values, always, evaluations, first, measure_title};
use crate::model::{Cell, ColumnHead, ControlForm, Entity, Kind, Provenance, Row, Span, TableView};
use crate::server::source::{TaskSource, higher_is_better};

pub const PANEL: Panel<TaskSource> = Panel {
    name: "leaderboard",
    title: "Leaderboard",
    span: Span::Side,
    height: 0,
    controls: &[Control { name: "measure", label: "measure", form: ControlForm::Select, options: evaluations::measures, default: first }],
    suits: always,
    draw,
    probe: None,
};

fn draw(source: &TaskSource, values: &Values, _: &Canvas) -> Result<Content, Empty> {
    let measure = values.one("measure");
    let (flows, uploaders) = (source.scores.flows(), source.scores.uploaders());
    let rows = source.scores.scores(measure).collect::<Vec<_>>();
    let direction = if higher_is_better(measure) { Direction::Higher } else { Direction::Lower };
    let standings = leaderboard(rows.iter().map(|row| (row.run.flow, row.value)), direction);
    if standings.is_empty() {
        return Err(Empty { reason: "Nobody has published a run on this task yet".to_owned() });
    }
    let head = |name: &str, numeric| ColumnHead { name: name.to_owned(), numeric, help: None };
    let columns = vec![
        head("Rank", true),
        head("Flow", false),
        head("Best", true),
        head("± folds", true),
        head("Median", true),
        head("Runs", true),
        head("By", false),
    ];
    let table_rows = standings
        .iter()
        .map(|standing| {
            let best = &rows[standing.best_row];
            let flow = &flows[standing.group];
            let spread =
                if best.deviation.is_nan() { Cell::text("–") } else { Cell::number(best.deviation, text::score(best.deviation)) };
            Row {
                cells: vec![
                    Cell::number(standing.rank as f64, standing.rank.to_string()),
                    Cell::link(text::short_flow(&flow.name), Entity::new(Kind::Flow, flow.id)),
                    Cell { number: Some(standing.best), ..Cell::link(text::score(standing.best), Entity::new(Kind::Run, best.run.run_id)) },
                    spread,
                    Cell::number(standing.median, text::score(standing.median)),
                    Cell::number(standing.count as f64, text::count(standing.count as u64)),
                    Cell::text(uploaders[best.run.uploader].name.clone().unwrap_or_default()),
                ],
                ..Row::default()
            }
        })
        .collect::<Vec<_>>();
    let summary = format!(
        "{} leads {} with {} {} ({} is better).",
        text::short_flow(&flows[standings[0].group].name),
        text::plural(standings.len() as u64, "flow", "flows"),
        measure_title(measure),
        text::score(standings[0].best),
        if higher_is_better(measure) { "higher" } else { "lower" },
    );
    let total = table_rows.len() as u64;
    Ok(Content::Table {
        table: TableView { columns, rows: table_rows, total, chooses: None },
        summary,
        provenance: Provenance {
            rows_shown: rows.len() as u64,
            rows_total: rows.len() as u64,
            method: "the best run of each flow".to_owned(),
            ..Provenance::default()
        },
    })
}
