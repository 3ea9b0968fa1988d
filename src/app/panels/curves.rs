//! ROC and precision-recall curves, one for each class against the rest.

use labboard_figure::Empty;
use labboard_figure::curves::{Curve, Input, Kind as CurveKind, draw as draw_curves};
use labboard_frame::evaluate::{Ranking, curves::thin};
use labboard_openml::predictions::Target;

use super::{Canvas, Content, Panel, Values};
use crate::model::Span;
use crate::server::source::RunSource;

/// Points of a curve that are worth sending.
const POINTS: usize = 400;

pub const ROC: Panel<RunSource> = Panel {
    name: "roc",
    title: "ROC",
    span: Span::Half,
    height: 420,
    controls: &[],
    suits: has_confidences,
    draw: |source, values, canvas| draw(source, values, canvas, CurveKind::Roc),
    probe: None,
};

pub const PRECISION_RECALL: Panel<RunSource> = Panel {
    name: "precision_recall",
    title: "Precision and recall",
    span: Span::Half,
    height: 420,
    controls: &[],
    suits: has_confidences,
    draw: |source, values, canvas| draw(source, values, canvas, CurveKind::PrecisionRecall),
    probe: None,
};

fn has_confidences(source: &RunSource) -> bool {
    source
        .predictions
        .as_ref()
        .is_some_and(|predictions| matches!(&predictions.target, Target::Classification { confidence, .. } if !confidence.is_empty()))
}

fn draw(source: &RunSource, _: &Values, canvas: &Canvas, kind: CurveKind) -> Result<Content, Empty> {
    let target = source.predictions.as_ref().map(|predictions| &predictions.target);
    let Some(Target::Classification { classes, truth, confidence, .. }) = target else {
        return Err(Empty { reason: "These curves need a classification with confidences".to_owned() });
    };
    let owned = classes
        .iter()
        .zip(confidence)
        .zip(0_u32..)
        .filter_map(|((class, scores), code)| {
            let ranking = Ranking::of_class(code, truth, scores)?;
            let (curve, area) = match kind {
                CurveKind::Roc => (ranking.roc()?, ranking.auc()),
                CurveKind::PrecisionRecall => (ranking.precision_recall()?, ranking.average_precision()),
            };
            Some((class, thin(&curve, POINTS), area.unwrap_or(f64::NAN), ranking.positives(), ranking.positives() + ranking.negatives()))
        })
        .collect::<Vec<_>>();
    let curves = owned
        .iter()
        .map(|(class, curve, area, positives, total)| Curve {
            class,
            x: &curve.curve.x,
            y: &curve.curve.y,
            area: *area,
            positives: *positives,
            total: *total,
        })
        .collect::<Vec<_>>();
    let input = Input { kind, curves: &curves, pooled: "all repeats and folds pooled" };
    draw_curves(&input, &canvas.style(&[])).map(Content::from)
}
