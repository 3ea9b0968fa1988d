//! Every run of a task: its score, by flow, the best flow first by the measure's own direction.

use labboard_figure::Empty;
use labboard_figure::evaluations::{Input, Run, draw as draw_evaluations};

use super::{Canvas, Content, Control, Options, Panel, Values, always, first, measure_options, measure_title, page_options, rows_view};
use crate::model::{ControlForm, Span};
use crate::server::source::{TaskSource, higher_is_better};

pub const PANEL: Panel<TaskSource> = Panel {
    name: "evaluations",
    title: "Evaluations",
    span: Span::Wide,
    height: 420,
    controls: &[
        Control { name: "measure", label: "measure", form: ControlForm::Select, options: measures, default: first },
        Control { name: "page", label: "flows", form: ControlForm::Select, options: pages, default: first },
    ],
    suits: always,
    draw,
    probe: None,
};

/// The task's own measure first.
pub(super) fn measures(source: &TaskSource) -> Vec<(String, String)> {
    let names = source.scores.measures().iter().map(|measure| measure.measure.as_str());
    measure_options(names, source.task.measure.as_deref())
}

fn pages(source: &TaskSource) -> Options {
    page_options(source.scores.flows().len())
}

fn draw(source: &TaskSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let measure = values.one("measure");
    let (flows, uploaders) = (source.scores.flows(), source.scores.uploaders());
    let runs = source
        .scores
        .scores(measure)
        .map(|score| {
            let (flow, uploader) = (&flows[score.run.flow], &uploaders[score.run.uploader]);
            Run {
                run_id: u64::try_from(score.run.run_id).unwrap_or(0),
                flow_id: u64::try_from(flow.id).unwrap_or(0),
                flow: &flow.name,
                value: score.value,
                uploader: uploader.name.as_deref().unwrap_or_default(),
            }
        })
        .collect::<Vec<_>>();
    if runs.is_empty() {
        return Err(Empty { reason: "Nobody has published a run on this task yet".to_owned() });
    }
    let title = measure_title(measure);
    let style = canvas.style(&[measure, values.one("page")]);
    let input = Input {
        measure: &title,
        higher_is_better: higher_is_better(measure),
        runs: &runs,
        colour_by_uploader: true,
        highlight: &[],
        view: rows_view(values, canvas, &style),
    };
    let mut drawing = draw_evaluations(&input, &style)?;
    super::link_marks(&mut drawing, "run");
    Ok(drawing.into())
}
