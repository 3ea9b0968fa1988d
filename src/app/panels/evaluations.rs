//! Every run of a task: its score, by flow, the best flow first by the measure's own direction.

use labboard_figure::Empty;
use labboard_figure::evaluations::{Input, Run, draw as draw_evaluations};

use super::{Canvas, Content, Control, Panel, Values, always, first, measure_options, measure_title};
use crate::model::{ControlForm, Span};
use crate::server::source::{TaskSource, higher_is_better};

pub const PANEL: Panel<TaskSource> = Panel {
    name: "evaluations",
    title: "Evaluations",
    span: Span::Wide,
    height: 420,
    controls: &[Control { name: "measure", label: "measure", form: ControlForm::Select, options: measures, default: first }],
    suits: always,
    draw,
};

/// The task's own measure first.
pub(super) fn measures(source: &TaskSource) -> Vec<(String, String)> {
    measure_options(source.evaluations.keys().map(String::as_str), source.task.measure.as_deref())
}

fn draw(source: &TaskSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let measure = values.one("measure");
    let rows = source.evaluations.get(measure).map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        return Err(Empty { reason: "Nobody has published a run on this task yet".to_owned() });
    }
    let runs = rows
        .iter()
        .map(|row| Run {
            run_id: u64::try_from(row.run_id).unwrap_or(0),
            flow_id: u64::try_from(row.flow_id).unwrap_or(0),
            flow: &row.flow_name,
            value: row.value.unwrap_or(f64::NAN),
            uploader: row.uploader_name.as_deref().unwrap_or_default(),
        })
        .collect::<Vec<_>>();
    let title = measure_title(measure);
    let input =
        Input { measure: &title, higher_is_better: higher_is_better(measure), runs: &runs, colour_by_uploader: true, highlight: &[] };
    let mut drawing = draw_evaluations(&input, &canvas.style(&[measure]))?;
    super::link_marks(&mut drawing, "run");
    Ok(drawing.into())
}
