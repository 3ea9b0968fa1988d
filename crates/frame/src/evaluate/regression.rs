//! Measures of predicted numbers.

use serde::{Deserialize, Serialize};

use super::defined;
use crate::number::sum;

/// How far predicted numbers are from the truth. `None` where a measure is not defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionMeasures {
    /// Rows that have a truth and a prediction.
    pub rows: usize,
    /// Rows that have a truth but no prediction: in none of the measures.
    pub unpredicted: usize,
    /// Mean absolute error, mean |p − t|.
    pub mae: f64,
    /// Root mean squared error, √(mean (p − t)²).
    pub rmse: f64,
    /// Coefficient of determination, 1 − Σ(p − t)² / Σ(t − t̄)². As in scikit-learn, for a constant truth 1 if every
    /// prediction is right and 0 otherwise; `None` for fewer than two rows.
    pub r2: Option<f64>,
    /// Relative absolute error, Σ|p − t| / Σ|t̄ − t|, t̄ the mean of the truths evaluated; `None` for a constant truth.
    pub rae: Option<f64>,
    /// Root relative squared error, √(Σ(p − t)² / Σ(t̄ − t)²); `None` for a constant truth.
    pub rrse: Option<f64>,
    /// Pearson's correlation of prediction and truth; `None` if either is constant.
    pub correlation: Option<f64>,
}

impl RegressionMeasures {
    /// The measures that are defined, under OpenML's names.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, f64)> {
        defined(&[
            ("root_mean_squared_error", Some(self.rmse)),
            ("mean_absolute_error", Some(self.mae)),
            ("r_squared", self.r2),
            ("correlation_coefficient", self.correlation),
            ("relative_absolute_error", self.rae),
            ("root_relative_squared_error", self.rrse),
            ("number_of_instances", Some(self.rows as f64)),
        ])
    }
}

/// Scores predicted numbers. Both slices have a number per row, `NaN` if there is none; an infinite one counts as none.
/// `None` if no row has both.
#[must_use]
pub fn regression(truth: &[f64], predicted: &[f64]) -> Option<RegressionMeasures> {
    let known = truth.iter().zip(predicted).filter(|(t, _)| t.is_finite());
    let unpredicted = known.clone().filter(|(_, p)| !p.is_finite()).count();
    let pairs: Vec<(f64, f64)> = known.filter(|(_, p)| p.is_finite()).map(|(&t, &p)| (t, p)).collect();
    if pairs.is_empty() {
        return None;
    }
    let n = pairs.len() as f64;
    let total = |term: &dyn Fn(f64, f64) -> f64| sum(pairs.iter().map(|&(t, p)| term(t, p)));

    let absolute = total(&|t, p| (p - t).abs());
    let squared = total(&|t, p| (p - t) * (p - t));
    let truth_mean = total(&|t, _| t) / n;
    let predicted_mean = total(&|_, p| p) / n;
    let truth_absolute = total(&|t, _| (t - truth_mean).abs());
    let truth_squared = total(&|t, _| (t - truth_mean) * (t - truth_mean));
    let predicted_squared = total(&|_, p| (p - predicted_mean) * (p - predicted_mean));
    let product = total(&|t, p| (t - truth_mean) * (p - predicted_mean));

    let varies = truth_squared > 0.0;
    let r2 = if varies { 1.0 - squared / truth_squared } else { f64::from(u8::from(squared == 0.0)) };
    let scale = truth_squared.sqrt() * predicted_squared.sqrt();
    Some(RegressionMeasures {
        rows: pairs.len(),
        unpredicted,
        mae: absolute / n,
        rmse: (squared / n).sqrt(),
        r2: (pairs.len() > 1).then_some(r2),
        rae: varies.then(|| absolute / truth_absolute),
        rrse: varies.then(|| (squared / truth_squared).sqrt()),
        correlation: (scale > 0.0).then(|| (product / scale).clamp(-1.0, 1.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-12, "{found} instead of {expected}");
    }

    #[test]
    fn as_scikit_learn_has_them() {
        let truth = [3.0, -0.5, 2.0, 7.0, 4.25];
        let predicted = [2.5, 0.0, 2.0, 8.0, 3.5];
        let found = regression(&truth, &predicted).unwrap();
        close(found.mae, 0.55);
        close(found.rmse, 0.642_261_628_933_256_4);
        close(found.r2.unwrap(), 0.932_817_589_576_547_3);
        close(found.rae.unwrap(), 0.277_777_777_777_777_8);
        close(found.rrse.unwrap(), 0.259_195_699_083_632_1);
        close(found.correlation.unwrap(), 0.971_301_395_538_187_3);
    }

    #[test]
    fn constant_truths_have_no_relative_error() {
        let found = regression(&[2.0, 2.0], &[2.0, 2.0]).unwrap();
        assert_eq!((found.r2, found.rae, found.rrse, found.correlation), (Some(1.0), None, None, None));
        assert_eq!(regression(&[2.0, 2.0], &[2.0, 3.0]).unwrap().r2, Some(0.0));
    }

    #[test]
    fn rows_without_a_prediction_are_counted() {
        let found = regression(&[1.0, 2.0, f64::NAN], &[f64::NAN, 2.5, 1.0]).unwrap();
        assert_eq!((found.rows, found.unpredicted, found.mae, found.r2), (1, 1, 0.5, None));
        assert_eq!(regression(&[f64::NAN], &[1.0]), None);
    }
}
