//! Measures of predicted classes.

use serde::{Deserialize, Serialize};

use super::curves::Ranking;
use super::defined;
use crate::MISSING;
use crate::number::sum;
use crate::parallel::map_items;

/// How well one class is told from the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMeasures {
    /// Rows of this class.
    pub support: u64,
    /// Rows predicted to be of this class.
    pub predicted: u64,
    /// Share of the rows predicted to be of this class that are; 0 if there are none.
    pub precision: f64,
    /// Share of the rows of this class that are predicted to be; 0 if there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall, 2·tp / (2·tp + fp + fn); 0 if there are neither.
    pub f1: f64,
    /// Area under the ROC curve of this class against the rest; `None` without confidences, without rows of this class or
    /// without others.
    pub auc: Option<f64>,
    /// Average precision of this class against the rest; `None` without confidences or rows of this class.
    pub average_precision: Option<f64>,
}

/// How well classes are predicted.
///
/// Macro averages are over the classes that occur in the truth or among the predictions (scikit-learn's default), weighted ones
/// weigh a class by its rows. Averages of areas leave out the classes whose area is not defined, and `auc_undefined`
/// names them. With two classes both are averaged too; confidences that sum to one give both the same area, which
/// is then the usual binary one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationMeasures {
    /// Rows that have a truth.
    pub rows: u64,
    /// Those of them without a prediction: they count as wrong, but are no class of their own.
    pub unpredicted: u64,
    pub accuracy: f64,
    /// Mean recall of the classes that occur in the truth.
    pub balanced_accuracy: f64,
    /// Cohen's kappa; `None` if truth and prediction are one class throughout.
    pub kappa: Option<f64>,
    /// Matthews correlation coefficient for any number of classes; 0 if truth or prediction is one class throughout.
    pub matthews: f64,
    pub precision_macro: f64,
    pub precision_weighted: f64,
    pub recall_macro: f64,
    pub recall_weighted: f64,
    pub f1_macro: f64,
    pub f1_weighted: f64,
    pub auc_macro: Option<f64>,
    pub auc_weighted: Option<f64>,
    /// Classes (indices) left out of both averages of areas, when there are confidences.
    pub auc_undefined: Vec<u32>,
    /// Mean of −ln of the confidence in the true class, clipped to [ε, 1 − ε], ε = 2⁻⁵²; confidences are not rescaled. `None`
    /// unless every row has confidences.
    pub log_loss: Option<f64>,
    /// Mean over rows and classes of |confidence − indicator of the truth|; `None` unless every row has confidences.
    pub mae: Option<f64>,
    /// √(mean over rows and classes of (confidence − indicator)²); `None` unless every row has confidences.
    pub rmse: Option<f64>,
    /// `mae` relative to that of predicting each class by its share of the truth; `None` if that is 0.
    pub rae: Option<f64>,
    /// `rmse` relative to that of predicting each class by its share of the truth; `None` if that is 0.
    pub rrse: Option<f64>,
    /// In the order of the classes.
    pub classes: Vec<ClassMeasures>,
}

impl ClassificationMeasures {
    /// The measures that are defined, under OpenML's names, where `precision`, `recall`, `f_measure` and `area_under_roc_curve` are
    /// the weighted averages.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, f64)> {
        defined(&[
            ("predictive_accuracy", Some(self.accuracy)),
            ("area_under_roc_curve", self.auc_weighted),
            ("f_measure", Some(self.f1_weighted)),
            ("precision", Some(self.precision_weighted)),
            ("recall", Some(self.recall_weighted)),
            ("kappa", self.kappa),
            ("balanced_accuracy", Some(self.balanced_accuracy)),
            ("matthews_correlation_coefficient", Some(self.matthews)),
            ("macro_area_under_roc_curve", self.auc_macro),
            ("log_loss", self.log_loss),
            ("root_mean_squared_error", self.rmse),
            ("mean_absolute_error", self.mae),
            ("relative_absolute_error", self.rae),
            ("root_relative_squared_error", self.rrse),
            ("number_of_instances", Some(self.rows as f64)),
        ])
    }
}

/// Rows at `truth * classes + predicted`. Rows without a truth or a prediction are in no cell.
#[must_use]
pub fn confusion(classes: usize, truth: &[u32], predicted: &[u32]) -> Vec<u64> {
    let mut counts = vec![0; classes * classes];
    for (&truth, &predicted) in truth.iter().zip(predicted) {
        let (truth, predicted) = (truth as usize, predicted as usize);
        if truth < classes && predicted < classes {
            counts[truth * classes + predicted] += 1;
        }
    }
    counts
}

/// Scores predicted classes.
///
/// `truth` and `predicted` have a class per row, [`MISSING`] if there is none; rows without a truth are left out. `confidence` has a
/// column per class with a number per row. `None` if no row has a truth, or if a column has another length.
#[must_use]
pub fn classification(classes: usize, truth: &[u32], predicted: &[u32], confidence: Option<&[Vec<f64>]>) -> Option<ClassificationMeasures> {
    let counts = Counts::new(classes, truth, predicted);
    let lengths = confidence.is_none_or(|columns| columns.len() == classes && columns.iter().all(|column| column.len() == truth.len()));
    if counts.rows == 0 || predicted.len() != truth.len() || !lengths {
        return None;
    }
    let areas = match confidence {
        None => vec![(None, None); classes],
        Some(columns) => {
            let truth: Vec<u32> = truth.iter().map(|&t| if (t as usize) < classes { t } else { MISSING }).collect();
            map_items(classes, truth.len().saturating_mul(classes), |class| {
                let ranking = Ranking::of_class(class as u32, &truth, &columns[class]);
                ranking.map_or((None, None), |ranking| (ranking.auc(), ranking.average_precision()))
            })
        }
    };
    let per_class: Vec<ClassMeasures> = areas.into_iter().enumerate().map(|(class, areas)| counts.class(class, areas)).collect();

    let present = || per_class.iter().filter(|class| class.support + class.predicted > 0);
    let weighted =
        |value: fn(&ClassMeasures) -> f64| sum(per_class.iter().map(|class| value(class) * class.support as f64)) / counts.rows as f64;
    let plain = |value: fn(&ClassMeasures) -> f64| sum(present().map(value)) / present().count() as f64;
    let with_support = || per_class.iter().filter(|class| class.support > 0);

    let areas: Vec<(f64, f64)> = per_class.iter().filter_map(|class| Some((class.auc?, class.support as f64))).collect();
    let area_weight: f64 = areas.iter().map(|area| area.1).sum();
    let undefined = per_class.iter().enumerate().filter(|(_, class)| class.auc.is_none()).map(|(at, _)| at as u32);
    let errors = confidence.and_then(|columns| Errors::new(columns, truth, &counts));

    Some(ClassificationMeasures {
        rows: counts.rows,
        unpredicted: counts.rows - counts.predicted.iter().sum::<u64>(),
        accuracy: counts.hits.iter().sum::<u64>() as f64 / counts.rows as f64,
        balanced_accuracy: sum(with_support().map(|class| class.recall)) / with_support().count() as f64,
        kappa: counts.kappa(),
        matthews: counts.matthews(),
        precision_macro: plain(|class| class.precision),
        precision_weighted: weighted(|class| class.precision),
        recall_macro: plain(|class| class.recall),
        recall_weighted: weighted(|class| class.recall),
        f1_macro: plain(|class| class.f1),
        f1_weighted: weighted(|class| class.f1),
        auc_macro: (!areas.is_empty()).then(|| sum(areas.iter().map(|area| area.0)) / areas.len() as f64),
        auc_weighted: (area_weight > 0.0).then(|| sum(areas.iter().map(|area| area.0 * area.1)) / area_weight),
        auc_undefined: if confidence.is_some() { undefined.collect() } else { vec![] },
        log_loss: errors.as_ref().map(|errors| errors.log_loss),
        mae: errors.as_ref().map(|errors| errors.absolute),
        rmse: errors.as_ref().map(|errors| errors.squared.sqrt()),
        rae: errors.as_ref().and_then(|errors| errors.relative_absolute),
        rrse: errors.as_ref().and_then(|errors| errors.relative_squared.map(f64::sqrt)),
        classes: per_class,
    })
}

/// Rows per class: all that measures of predicted classes depend on.
struct Counts {
    rows: u64,
    truth: Vec<u64>,
    predicted: Vec<u64>,
    hits: Vec<u64>,
}

impl Counts {
    fn new(classes: usize, truth: &[u32], predicted: &[u32]) -> Self {
        let mut counts = Self { rows: 0, truth: vec![0; classes], predicted: vec![0; classes], hits: vec![0; classes] };
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            let Some(rows) = counts.truth.get_mut(truth as usize) else {
                continue;
            };
            *rows += 1;
            counts.rows += 1;
            if let Some(rows) = counts.predicted.get_mut(predicted as usize) {
                *rows += 1;
            }
            if truth == predicted {
                counts.hits[truth as usize] += 1;
            }
        }
        counts
    }

    fn class(&self, class: usize, (auc, average_precision): (Option<f64>, Option<f64>)) -> ClassMeasures {
        let (support, predicted, hits) = (self.truth[class], self.predicted[class], self.hits[class]);
        let share = |part: u64, whole: u64| {
            if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
        };
        ClassMeasures {
            support,
            predicted,
            precision: share(hits, predicted),
            recall: share(hits, support),
            f1: share(2 * hits, support + predicted),
            auc,
            average_precision,
        }
    }

    /// Σ over classes of rows of that truth × rows of that prediction. Rows without a prediction agree with no class by chance.
    fn chance(&self) -> f64 {
        sum(self.truth.iter().zip(&self.predicted).map(|(&t, &p)| t as f64 * p as f64))
    }

    fn kappa(&self) -> Option<f64> {
        let n = self.rows as f64;
        let agreed = self.hits.iter().sum::<u64>() as f64;
        let beyond = n * n - self.chance();
        (beyond > 0.0).then(|| (agreed * n - self.chance()) / beyond)
    }

    fn matthews(&self) -> f64 {
        let n = self.rows as f64;
        let squares = |counts: &[u64]| sum(counts.iter().map(|&count| count as f64 * count as f64));
        let unpredicted = n - self.predicted.iter().sum::<u64>() as f64;
        let predicted = n * n - squares(&self.predicted) - unpredicted * unpredicted;
        let truth = n * n - squares(&self.truth);
        if predicted <= 0.0 || truth <= 0.0 {
            return 0.0;
        }
        let agreed = self.hits.iter().sum::<u64>() as f64;
        (agreed * n - self.chance()) / (predicted.sqrt() * truth.sqrt())
    }
}

/// Means of what confidences are off by.
struct Errors {
    log_loss: f64,
    absolute: f64,
    squared: f64,
    relative_absolute: Option<f64>,
    relative_squared: Option<f64>,
}

impl Errors {
    fn new(columns: &[Vec<f64>], truth: &[u32], counts: &Counts) -> Option<Self> {
        let classes = columns.len();
        let rows = || truth.iter().enumerate().filter(|(_, truth)| (**truth as usize) < classes);
        let finite = |column: &Vec<f64>| rows().all(|(row, _)| column[row].is_finite());
        if !columns.iter().all(finite) {
            return None;
        }
        let cells = counts.rows as f64 * classes as f64;
        let off = || {
            columns.iter().enumerate().flat_map(move |(class, column)| {
                let rows = truth.iter().enumerate().filter(move |(_, truth)| (**truth as usize) < classes);
                rows.map(move |(row, &truth)| column[row] - f64::from(u8::from(truth as usize == class)))
            })
        };
        let absolute = sum(off().map(f64::abs)) / cells;
        let squared = sum(off().map(|error| error * error)) / cells;
        // Of a class with share p, a share p of the rows is off by 1 − p and a share 1 − p by p.
        let shares = || counts.truth.iter().map(|&count| count as f64 / counts.rows as f64);
        let prior_absolute = sum(shares().map(|p| 2.0 * p * (1.0 - p))) / classes as f64;
        let prior_squared = sum(shares().map(|p| p * (1.0 - p))) / classes as f64;
        let losses = rows().map(|(row, &truth)| -columns[truth as usize][row].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln());
        Some(Self {
            log_loss: sum(losses) / counts.rows as f64,
            absolute,
            squared,
            relative_absolute: (prior_absolute > 0.0).then(|| absolute / prior_absolute),
            relative_squared: (prior_squared > 0.0).then(|| squared / prior_squared),
        })
    }
}

#[cfg(test)]
mod tests;
