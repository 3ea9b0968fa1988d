//! Scores of predictions, recomputed from the predictions themselves, as scikit-learn computes the same measures.
//!
//! [`run`] scores a run as a whole, over all its predictions pooled, and fold by fold. A mean over folds is not the
//! pooled score; both can be had, and [`crate::mean_std`] labels its standard deviations.

pub mod classification;
pub mod curves;
pub mod regression;

use std::collections::BTreeMap;

use labboard_openml::predictions::{Predictions, Target};
use serde::{Deserialize, Serialize};

use crate::number::{MeanStd, mean_std};
use crate::parallel::map_items;

pub use classification::{ClassMeasures, ClassificationMeasures, classification, confusion};
pub use curves::{Curve, Ranking, Thinned, thin};
pub use regression::{RegressionMeasures, regression};

/// Test rows that were predicted together: a fold of a repeat (of a sample, for learning curves).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    pub repeat: u32,
    pub fold: u32,
    /// 0 unless the run is a learning curve.
    pub sample: u32,
    /// Number of predictions.
    pub rows: usize,
}

/// One measure of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureValue {
    /// OpenML's name of the measure, see [`labboard_openml::measure`].
    pub name: String,
    /// Over all predictions pooled.
    pub overall: f64,
    /// Per fold, in the order of [`Evaluation::folds`]; `None` where the measure is not defined, such as the area under a curve
    /// of a fold with a single class.
    pub per_fold: Vec<Option<f64>>,
}

impl MeasureValue {
    /// Mean and standard deviations over the folds in which the measure is defined.
    #[must_use]
    pub fn over_folds(&self) -> Option<MeanStd> {
        mean_std(&self.per_fold.iter().copied().flatten().collect::<Vec<f64>>())
    }
}

/// What is known of a run beyond single numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    Classification {
        classes: Vec<String>,
        measures: Box<ClassificationMeasures>,
        /// Rows at `truth * classes + predicted`, over all predictions pooled.
        confusion: Vec<u64>,
    },
    Regression {
        measures: RegressionMeasures,
    },
}

/// The scores of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Sorted by repeat, fold and sample.
    pub folds: Vec<Fold>,
    /// The measures that are defined over all predictions.
    pub measures: Vec<MeasureValue>,
    pub detail: Detail,
}

impl Evaluation {
    /// The measure of that (OpenML) name.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<&MeasureValue> {
        self.measures.iter().find(|measure| measure.name == name)
    }
}

/// Why predictions cannot be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    #[error("no prediction can be compared with a true value")]
    NothingToCompare,
    #[error("the columns of the predictions differ in length")]
    Lengths,
}

/// Scores a run.
///
/// # Errors
/// When no row has a truth (for regression: a truth and a prediction), or the columns differ in length.
pub fn run(predictions: &Predictions) -> Result<Evaluation, EvaluateError> {
    let rows = predictions.repeat.len();
    let sample = predictions.sample.as_deref();
    let same_length = predictions.fold.len() == rows && sample.is_none_or(|sample| sample.len() == rows);
    if !(same_length && target_has_length(&predictions.target, rows)) {
        return Err(EvaluateError::Lengths);
    }
    let folds = folds(&predictions.repeat, &predictions.fold, sample);

    let (overall, per_fold, detail) = match &predictions.target {
        Target::Classification { classes, predicted, truth, confidence } => {
            let confidence = (!confidence.is_empty()).then_some(confidence.as_slice());
            let measures = classification(classes.len(), truth, predicted, confidence).ok_or(EvaluateError::NothingToCompare)?;
            let per_fold = map_items(folds.len(), rows, |at| {
                let rows = &folds[at].1;
                let confidence = confidence.map(|columns| columns.iter().map(|column| pick(column, rows)).collect::<Vec<_>>());
                classification(classes.len(), &pick(truth, rows), &pick(predicted, rows), confidence.as_deref())
                    .map_or_else(Vec::new, |measures| measures.named())
            });
            let overall = measures.named();
            let confusion = confusion(classes.len(), truth, predicted);
            (overall, per_fold, Detail::Classification { classes: classes.clone(), measures: Box::new(measures), confusion })
        }
        Target::Regression { predicted, truth } => {
            let measures = regression(truth, predicted).ok_or(EvaluateError::NothingToCompare)?;
            let per_fold = map_items(folds.len(), rows, |at| {
                let rows = &folds[at].1;
                regression(&pick(truth, rows), &pick(predicted, rows)).map_or_else(Vec::new, |measures| measures.named())
            });
            (measures.named(), per_fold, Detail::Regression { measures })
        }
    };
    let measures = overall
        .into_iter()
        .map(|(name, overall)| MeasureValue {
            name: name.to_owned(),
            overall,
            per_fold: per_fold.iter().map(|found| found.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)).collect(),
        })
        .collect();
    Ok(Evaluation { folds: folds.into_iter().map(|(fold, _)| fold).collect(), measures, detail })
}

fn target_has_length(target: &Target, rows: usize) -> bool {
    match target {
        Target::Classification { classes, predicted, truth, confidence } => {
            predicted.len() == rows
                && truth.len() == rows
                && (confidence.is_empty() || confidence.len() == classes.len())
                && confidence.iter().all(|column| column.len() == rows)
        }
        Target::Regression { predicted, truth } => predicted.len() == rows && truth.len() == rows,
    }
}

/// The rows of each fold, sorted by repeat, fold and sample. Rows keep their order. The slices are as long as each other.
#[must_use]
pub fn folds(repeat: &[u32], fold: &[u32], sample: Option<&[u32]>) -> Vec<(Fold, Vec<u32>)> {
    let mut groups: BTreeMap<(u32, u32, u32), Vec<u32>> = BTreeMap::new();
    for (row, (&repeat, &fold)) in repeat.iter().zip(fold).enumerate() {
        let sample = sample.and_then(|sample| sample.get(row)).copied().unwrap_or(0);
        groups.entry((repeat, fold, sample)).or_default().push(row as u32);
    }
    groups.into_iter().map(|((repeat, fold, sample), rows)| (Fold { repeat, fold, sample, rows: rows.len() }, rows)).collect()
}

fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}

/// Keeps the measures that are defined.
fn defined(measures: &[(&'static str, Option<f64>)]) -> Vec<(&'static str, f64)> {
    let finite = |&(name, value): &(&'static str, Option<f64>)| Some((name, value.filter(|v| v.is_finite())?));
    measures.iter().filter_map(finite).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use labboard_openml::measure;

    fn classified() -> Predictions {
        Predictions {
            repeat: vec![0; 6],
            fold: vec![1, 0, 0, 1, 0, 1],
            sample: None,
            row_id: (0..6).collect(),
            target: Target::Classification {
                classes: vec!["no".to_owned(), "yes".to_owned()],
                predicted: vec![0, 1, 0, 1, 1, 0],
                truth: vec![0, 1, 0, 0, 1, 0],
                confidence: vec![vec![0.9, 0.2, 0.8, 0.4, 0.3, 0.6], vec![0.1, 0.8, 0.2, 0.6, 0.7, 0.4]],
            },
        }
    }

    #[test]
    fn a_run_is_scored_as_a_whole_and_fold_by_fold() {
        let found = run(&classified()).unwrap();
        assert_eq!(found.folds.iter().map(|fold| (fold.fold, fold.rows)).collect::<Vec<_>>(), [(0, 3), (1, 3)]);
        let accuracy = found.measure("predictive_accuracy").unwrap();
        assert!((accuracy.overall - 5.0 / 6.0).abs() < 1e-15);
        assert_eq!(accuracy.per_fold[0], Some(1.0));
        assert!((accuracy.over_folds().unwrap().mean - 5.0 / 6.0).abs() < 1e-15);
        // The second fold has one class only.
        assert_eq!(found.measure("area_under_roc_curve").unwrap().per_fold, [Some(1.0), None]);
        let Detail::Classification { confusion, .. } = &found.detail else { panic!("classes were predicted") };
        assert_eq!(confusion, &[3, 1, 0, 2]);
    }

    #[test]
    fn measures_have_openml_names() {
        let regressed = Predictions {
            target: Target::Regression { predicted: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], truth: vec![1.5, 2.0, 2.5, 4.0, 5.0, 6.5] },
            ..classified()
        };
        for predictions in [classified(), regressed] {
            let found = run(&predictions).unwrap();
            assert!(found.measures.len() > 5);
            for value in &found.measures {
                assert!(measure::find(&value.name).is_some(), "{}", value.name);
                assert_eq!(value.per_fold.len(), 2);
            }
            let text = serde_json::to_string(&found).unwrap();
            assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap().folds, found.folds);
        }
    }

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let mut predictions = classified();
        predictions.fold.pop();
        assert_eq!(run(&predictions), Err(EvaluateError::Lengths));
        let nothing = Predictions {
            repeat: vec![0],
            fold: vec![0],
            sample: None,
            row_id: vec![0],
            target: Target::Regression { predicted: vec![f64::NAN], truth: vec![1.0] },
        };
        assert_eq!(run(&nothing), Err(EvaluateError::NothingToCompare));
    }
}
