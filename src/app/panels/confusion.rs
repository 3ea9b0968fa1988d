//! Which class was taken for which.

use labboard_figure::Empty;
use labboard_figure::matrix::{Input, Normalise, draw as draw_matrix};
use labboard_frame::evaluate::confusion;
use labboard_openml::predictions::Target;

use super::{Canvas, Content, Control, Panel, Values, first, fixed};
use crate::model::{ControlForm, Span};
use crate::server::source::RunSource;

pub const PANEL: Panel<RunSource> = Panel {
    name: "confusion",
    title: "Confusion matrix",
    span: Span::Half,
    height: 440,
    controls: &[Control { name: "share", label: "show", form: ControlForm::Segments, options: shares, default: first }],
    suits: |source| source.predictions.as_ref().is_some_and(|predictions| matches!(predictions.target, Target::Classification { .. })),
    draw,
    probe: None,
};

fn shares(_: &RunSource) -> Vec<(String, String)> {
    fixed(&[("none", "Counts"), ("truth", "Share of truth"), ("prediction", "Share of prediction")])
}

fn draw(source: &RunSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let target = source.predictions.as_ref().map(|predictions| &predictions.target);
    let Some(Target::Classification { classes, truth, predicted, .. }) = target else {
        return Err(Empty { reason: "Only a classification has a confusion matrix".to_owned() });
    };
    let counts = confusion(classes.len(), truth, predicted);
    let input = Input {
        classes,
        counts: &counts,
        normalise: match values.one("share") {
            "truth" => Normalise::Truth,
            "prediction" => Normalise::Prediction,
            _ => Normalise::None,
        },
        pooled: "all repeats and folds pooled",
    };
    draw_matrix(&input, &canvas.style(&[])).map(Content::from)
}
