//! The evaluation measures that labboard knows.
//!
//! Names are OpenML's. Where OpenML has one name for a score per class and for its average (`f_measure`, `precision`, `recall`,
//! `area_under_roc_curve`), the value of a run is the average over the classes weighted by how often each is the truth.

/// An evaluation measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// OpenML's name, e.g. `predictive_accuracy`.
    pub name: &'static str,
    /// A short title for people, e.g. `Accuracy`.
    pub title: &'static str,
    /// Meaningless if the measure is not [`ranked`](Self::ranked).
    pub higher_is_better: bool,
    /// Whether a higher or lower value is better at all; `number_of_instances` is not ranked.
    pub ranked: bool,
    /// The lowest possible value; may be infinite.
    pub minimum: f64,
    /// The highest possible value; may be infinite.
    pub maximum: f64,
    /// `ms`, or empty for a number without a unit (or in the unit of the target).
    pub unit: &'static str,
    /// How it is computed, in a line. y is the truth, ŷ the prediction, n the number of predictions.
    pub formula: &'static str,
    pub classification: bool,
    pub regression: bool,
    /// Whether OpenML has it too; the others are labboard's own.
    pub openml: bool,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Higher,
    Lower,
}

const SCORE: Measure = Measure {
    name: "",
    title: "",
    higher_is_better: true,
    ranked: true,
    minimum: 0.0,
    maximum: 1.0,
    unit: "",
    formula: "",
    classification: true,
    regression: false,
    openml: true,
};

const ERROR: Measure = Measure { higher_is_better: false, maximum: f64::INFINITY, classification: false, regression: true, ..SCORE };

const TIME: Measure = Measure { unit: "ms", classification: true, ..ERROR };

/// All measures, those that people look at first in front.
pub const MEASURES: &[Measure] = &[
    Measure { name: "predictive_accuracy", title: "Accuracy", formula: "share of predictions with ŷ = y", ..SCORE },
    Measure {
        name: "area_under_roc_curve",
        title: "ROC AUC",
        formula: "one class against the rest, averaged over classes by their share of y",
        ..SCORE
    },
    Measure {
        name: "f_measure",
        title: "F1 (weighted)",
        formula: "2 · precision · recall / (precision + recall) per class, averaged by their share of y",
        ..SCORE
    },
    Measure {
        name: "precision",
        title: "Precision (weighted)",
        formula: "share of ŷ = c with y = c per class, averaged by their share of y",
        ..SCORE
    },
    Measure {
        name: "recall",
        title: "Recall (weighted)",
        formula: "share of y = c with ŷ = c per class, averaged by their share of y",
        ..SCORE
    },
    Measure {
        name: "kappa",
        title: "Cohen's kappa",
        minimum: -1.0,
        formula: "(p − pₑ) / (1 − pₑ), p the accuracy and pₑ that of chance with the same class shares",
        ..SCORE
    },
    Measure {
        name: "balanced_accuracy",
        title: "Balanced accuracy",
        formula: "recall per class, averaged over the classes of y alike",
        openml: false,
        ..SCORE
    },
    Measure {
        name: "matthews_correlation_coefficient",
        title: "Matthews correlation",
        minimum: -1.0,
        formula: "correlation of y and ŷ as indicators of class",
        ..SCORE
    },
    Measure {
        name: "macro_area_under_roc_curve",
        title: "ROC AUC (macro)",
        formula: "one class against the rest, averaged over classes alike",
        openml: false,
        ..SCORE
    },
    Measure {
        name: "log_loss",
        title: "Log loss",
        formula: "mean of −ln(confidence in the class y)",
        openml: false,
        classification: true,
        regression: false,
        ..ERROR
    },
    Measure {
        name: "root_mean_squared_error",
        title: "RMSE",
        formula: "√(mean of (ŷ − y)²); of classes, over confidences and indicators",
        classification: true,
        ..ERROR
    },
    Measure {
        name: "mean_absolute_error",
        title: "MAE",
        formula: "mean of |ŷ − y|; of classes, over confidences and indicators",
        classification: true,
        ..ERROR
    },
    Measure {
        name: "r_squared",
        title: "R²",
        higher_is_better: true,
        minimum: f64::NEG_INFINITY,
        maximum: 1.0,
        formula: "1 − Σ(ŷ − y)² / Σ(y − mean of y)²",
        openml: false,
        ..ERROR
    },
    Measure {
        name: "correlation_coefficient",
        title: "Correlation",
        higher_is_better: true,
        minimum: -1.0,
        maximum: 1.0,
        formula: "Pearson's correlation of ŷ and y",
        ..ERROR
    },
    Measure {
        name: "relative_absolute_error",
        title: "Relative absolute error",
        formula: "Σ|ŷ − y| / Σ|y − mean of y|",
        classification: true,
        ..ERROR
    },
    Measure {
        name: "root_relative_squared_error",
        title: "Root relative squared error",
        formula: "√(Σ(ŷ − y)² / Σ(y − mean of y)²)",
        classification: true,
        ..ERROR
    },
    Measure { name: "usercpu_time_millis", title: "CPU time", formula: "CPU time of training and testing", ..TIME },
    Measure { name: "usercpu_time_millis_training", title: "CPU time of training", formula: "CPU time of training", ..TIME },
    Measure { name: "usercpu_time_millis_testing", title: "CPU time of testing", formula: "CPU time of testing", ..TIME },
    Measure { name: "wall_clock_time_millis", title: "Time", formula: "elapsed time of training and testing", ..TIME },
    Measure { name: "wall_clock_time_millis_training", title: "Time of training", formula: "elapsed time of training", ..TIME },
    Measure { name: "wall_clock_time_millis_testing", title: "Time of testing", formula: "elapsed time of testing", ..TIME },
    Measure {
        name: "number_of_instances",
        title: "Predictions",
        ranked: false,
        maximum: f64::INFINITY,
        formula: "n",
        regression: true,
        ..SCORE
    },
];

/// OpenML's other names for what is in [`MEASURES`].
const SYNONYMS: &[(&str, &str)] = &[
    ("mean_weighted_area_under_roc_curve", "area_under_roc_curve"),
    ("mean_weighted_f_measure", "f_measure"),
    ("mean_weighted_precision", "precision"),
    ("mean_weighted_recall", "recall"),
    ("mean_recall", "balanced_accuracy"),
];

/// The measure of that name, or that OpenML also calls so.
pub fn find(name: &str) -> Option<&'static Measure> {
    let name = SYNONYMS.iter().find(|(synonym, _)| *synonym == name).map_or(name, |(_, name)| name);
    MEASURES.iter().find(|measure| measure.name == name)
}

/// Which way is better, `None` for a measure that is unknown or not ranked.
pub fn direction(name: &str) -> Option<Direction> {
    find(name).filter(|measure| measure.ranked).map(|measure| if measure.higher_is_better { Direction::Higher } else { Direction::Lower })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_measure_is_whole_and_has_its_own_name() {
        let names: HashSet<_> = MEASURES.iter().map(|measure| measure.name).collect();
        let titles: HashSet<_> = MEASURES.iter().map(|measure| measure.title).collect();
        assert_eq!((names.len(), titles.len()), (MEASURES.len(), MEASURES.len()));
        for measure in MEASURES {
            assert!(!measure.name.is_empty() && !measure.title.is_empty() && !measure.formula.is_empty());
            assert!(measure.minimum < measure.maximum, "{}", measure.name);
            assert!(measure.classification || measure.regression, "{}", measure.name);
        }
        assert!(SYNONYMS.iter().all(|(_, name)| names.contains(name)));
    }

    #[test]
    fn directions() {
        assert_eq!(direction("predictive_accuracy"), Some(Direction::Higher));
        assert_eq!(direction("mean_weighted_f_measure"), Some(Direction::Higher));
        assert_eq!(direction("r_squared"), Some(Direction::Higher));
        assert_eq!(direction("usercpu_time_millis_training"), Some(Direction::Lower));
        assert_eq!(direction("log_loss"), Some(Direction::Lower));
        assert_eq!(direction("number_of_instances"), None);
        assert_eq!(direction("nonsense"), None);
    }
}
