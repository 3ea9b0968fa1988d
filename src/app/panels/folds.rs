//! The chosen measures in every repeat and fold.

use labboard_figure::Empty;
use labboard_figure::folds::{Fold, Measure, draw as draw_folds};

use super::{Canvas, Content, Control, Panel, Values, measure_options, measure_title};
use crate::model::{ControlForm, Span};
use crate::server::source::RunSource;

const SHOWN: usize = 4;

pub const PANEL: Panel<RunSource> = Panel {
    name: "folds",
    title: "Folds",
    span: Span::Wide,
    height: 360,
    controls: &[Control {
        name: "measures",
        label: "measures",
        form: ControlForm::Many,
        options: measure_choices,
        default: default_measures,
    }],
    suits: |source| source.evaluations.iter().any(|evaluation| !evaluation.folds.is_empty()),
    draw,
    probe: None,
};

/// The measures that have fold values; the task's own first.
pub(super) fn measure_choices(source: &RunSource) -> Vec<(String, String)> {
    let with_folds = source.evaluations.iter().filter(|evaluation| !evaluation.folds.is_empty());
    measure_options(with_folds.map(|evaluation| evaluation.measure.as_str()), source.run.task_measure.as_deref())
}

pub(super) fn default_measures(_: &RunSource, options: &[(String, String)]) -> Vec<String> {
    options.iter().take(SHOWN).map(|(value, _)| value.clone()).collect()
}

fn draw(source: &RunSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let chosen = values.many("measures");
    if chosen.is_empty() {
        return Err(Empty { reason: "Choose measures in the list".to_owned() });
    }
    let owned = chosen
        .iter()
        .filter_map(|name| source.evaluation(name))
        .map(|evaluation| {
            let folds = evaluation
                .folds
                .iter()
                .filter_map(|fold| Some(Fold { repeat: fold.repeat, fold: fold.fold, value: fold.value? }))
                .collect::<Vec<_>>();
            (measure_title(&evaluation.measure), folds)
        })
        .collect::<Vec<_>>();
    let measures = owned.iter().map(|(name, folds)| Measure { name, folds }).collect::<Vec<_>>();
    draw_folds(&measures, &canvas.style(&[&chosen.join("\u{1f}")])).map(Content::from)
}
