//! Whether a run's predictions are what its task asks for: of the test rows, all of them, and about the same truth.

use std::collections::HashMap;
use std::fmt;

use thiserror::Error;

use crate::limits::Limits;
use crate::predictions::{Predictions, Target};
use crate::splits::Splits;
use crate::table::MISSING;

/// The target of a dataset, one value per row.
#[derive(Clone, Copy, Debug)]
pub enum Truth<'a> {
    /// Codes are indices into `levels`, or [`MISSING`].
    Classes { codes: &'a [u32], levels: &'a [String] },
    /// NaN = missing.
    Numbers(&'a [f64]),
}

impl Truth<'_> {
    pub fn rows(&self) -> usize {
        match self {
            Self::Classes { codes, .. } => codes.len(),
            Self::Numbers(values) => values.len(),
        }
    }
}

/// A repeat and fold of a task, and the sample if it is a learning curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub repeat: u32,
    pub fold: u32,
    pub sample: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repeat {}, fold {}", self.repeat, self.fold)?;
        match self.sample {
            Some(sample) => write!(f, ", sample {sample}"),
            None => Ok(()),
        }
    }
}

/// Why predictions do not fit a task. Rows are those of the dataset, from 0.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Misfit {
    #[error("the predictions are numbers, but the target is nominal")]
    NumbersForClasses,
    #[error("the predictions are classes, but the target is numeric")]
    ClassesForNumbers,
    #[error("the predictions have no attribute \"sample\", which a learning curve needs")]
    NoSample,
    #[error("the task has no {0}")]
    UnknownPlace(Place),
    #[error("{0} has no predictions")]
    NoPredictions(Place),
    #[error("row {row} is not a test row of {place}")]
    NotTested { row: u32, place: Place },
    #[error("row {row} is predicted twice in {place}")]
    Twice { row: u32, place: Place },
    /// `row` is the first of `count`.
    #[error("{count} of the test rows of {place} are not predicted, row {row} for one")]
    Missing { count: usize, row: u32, place: Place },
    /// The splits and the dataset do not belong together.
    #[error("the task tests row {row}, but the dataset has {rows} rows")]
    OutOfRange { row: u32, rows: usize },
    #[error("row {row} of {place}: the target has no class \"{class}\"")]
    UnknownClass { class: String, row: u32, place: Place },
    #[error("row {row} of {place}: the predictions give \"{given}\" as the truth, but it is \"{actual}\"")]
    Untrue { given: String, actual: String, row: u32, place: Place },
    #[error("predictions and truth look swapped: all predictions are the truth of the dataset, but what is given as the truth is not")]
    Swapped,
    #[error("the confidences of all classes would be more than {0} values, the limit")]
    TooLarge(usize),
}

/// Checks that the predictions are those of the test rows of the task, each once, that their classes are the target's, and that
/// the truth they give is that of the dataset. Time is linear in the rows.
///
/// What is missing is not checked: predictions may be missing, and so may the truth, in the file or in the dataset. Numbers may
/// differ by a millionth of the largest in the target, as text and single precision make them.
///
/// # Errors
/// The first thing that does not fit, with one exception: that predictions and truth look swapped is told rather than that the
/// truth is another.
pub fn check(predictions: &Predictions, splits: &Splits, truth: Truth<'_>) -> Result<(), Misfit> {
    let target = Comparison::new(&predictions.target, truth)?;
    check_rows(predictions, splits, truth.rows())?;
    target.check(Places::new(predictions, splits.samples() > 1))
}

/// Fills in the truth where the predictions miss it, for instance because their file has none. A row that the dataset does not
/// have, or whose target it misses, stays as it is.
///
/// Classes that are true but were never predicted are added to the classes, with confidence 0.
///
/// # Errors
/// Predictions and target of different kinds, and confidences for so many classes that they are more values than the default
/// [`Limits`] allow. The predictions are then as they were.
pub fn fill_truth(predictions: &mut Predictions, truth: Truth<'_>) -> Result<(), Misfit> {
    let row_ids = &predictions.row_id;
    match (&mut predictions.target, truth) {
        (Target::Classification { classes, truth, confidence, .. }, Truth::Classes { codes, levels }) => {
            let known: HashMap<&str, u32> = (0..).zip(classes.iter()).map(|(code, class)| (class.as_str(), code)).collect();
            let mut code_of: Vec<Option<u32>> = levels.iter().map(|level| known.get(level.as_str()).copied()).collect();
            let mut added: Vec<String> = Vec::new();
            let mut filled = truth.clone();
            for (truth, &row) in filled.iter_mut().zip(row_ids).filter(|(truth, _)| **truth == MISSING) {
                let Some(level) = codes.get(row as usize).map(|&code| code as usize).filter(|&code| code < levels.len()) else {
                    continue;
                };
                *truth = *code_of[level].get_or_insert_with(|| {
                    added.push(levels[level].clone());
                    (classes.len() + added.len() - 1) as u32
                });
            }
            if !confidence.is_empty() {
                let most = Limits::default().cells;
                if (classes.len() + added.len()).saturating_mul(row_ids.len()) > most {
                    return Err(Misfit::TooLarge(most));
                }
                confidence.extend(added.iter().map(|_| vec![0.0; row_ids.len()]));
            }
            classes.extend(added);
            *truth = filled;
            Ok(())
        }
        (Target::Regression { truth, .. }, Truth::Numbers(values)) => {
            for (truth, &row) in truth.iter_mut().zip(row_ids).filter(|(truth, _)| truth.is_nan()) {
                if let Some(&value) = values.get(row as usize) {
                    *truth = value;
                }
            }
            Ok(())
        }
        (Target::Regression { .. }, Truth::Classes { .. }) => Err(Misfit::NumbersForClasses),
        (Target::Classification { .. }, Truth::Numbers(_)) => Err(Misfit::ClassesForNumbers),
    }
}

/// Where each prediction belongs.
#[derive(Clone, Copy)]
struct Places<'a> {
    predictions: &'a Predictions,
    with_sample: bool,
}

impl<'a> Places<'a> {
    fn new(predictions: &'a Predictions, with_sample: bool) -> Self {
        Self { predictions, with_sample }
    }

    fn key(&self, at: usize) -> (u32, u32, u32) {
        let number = |values: &[u32]| values.get(at).copied().unwrap_or_default();
        let sample = self.predictions.sample.as_deref().map(number);
        (number(&self.predictions.repeat), number(&self.predictions.fold), sample.unwrap_or_default())
    }

    fn place(&self, at: usize) -> Place {
        self.named(self.key(at))
    }

    /// A sample is worth telling only if there are several, or if the file has one that there is not.
    fn named(&self, (repeat, fold, sample): (u32, u32, u32)) -> Place {
        Place { repeat, fold, sample: (self.with_sample || sample > 0).then_some(sample) }
    }
}

fn check_rows(predictions: &Predictions, splits: &Splits, rows: usize) -> Result<(), Misfit> {
    if splits.samples() > 1 && predictions.sample.is_none() {
        return Err(Misfit::NoSample);
    }
    let places = Places::new(predictions, splits.samples() > 1);
    let numbers: HashMap<(u32, u32, u32), usize> =
        splits.iter().enumerate().map(|(number, split)| ((split.repeat, split.fold, split.sample), number)).collect();

    // The number of each prediction's split, and how many predictions each split has.
    let mut split_of = Vec::with_capacity(predictions.len());
    let mut counts = vec![0usize; splits.iter().len()];
    let mut last = None;
    for at in 0..predictions.len() {
        let key = places.key(at);
        let number = match last {
            Some((last, number)) if last == key => number,
            _ => *numbers.get(&key).ok_or_else(|| Misfit::UnknownPlace(places.named(key)))?,
        };
        last = Some((key, number));
        counts[number] += 1;
        split_of.push(number);
    }
    // The rows that are predicted, split by split.
    let mut ends: Vec<usize> = Vec::with_capacity(counts.len());
    let mut free: Vec<usize> = Vec::with_capacity(counts.len());
    let mut end = 0;
    for count in counts {
        free.push(end);
        end += count;
        ends.push(end);
    }
    let starts = free.clone();
    let mut predicted = vec![0u32; predictions.len()];
    for (&number, &row) in split_of.iter().zip(&predictions.row_id) {
        predicted[free[number]] = row;
        free[number] += 1;
    }

    // What is known of each row: that it tests in a split, and that it is predicted there.
    let mut known = vec![(usize::MAX, false); rows];
    for (number, split) in splits.iter().enumerate() {
        let place = places.named((split.repeat, split.fold, split.sample));
        for &row in split.test {
            *known.get_mut(row as usize).ok_or(Misfit::OutOfRange { row, rows })? = (number, false);
        }
        let predicted = &predicted[starts[number]..ends[number]];
        if predicted.is_empty() && !split.test.is_empty() {
            return Err(Misfit::NoPredictions(place));
        }
        for &row in predicted {
            match known.get_mut(row as usize) {
                Some((tests, seen)) if *tests == number => {
                    if *seen {
                        return Err(Misfit::Twice { row, place });
                    }
                    *seen = true;
                }
                _ => return Err(Misfit::NotTested { row, place }),
            }
        }
        let mut missing = split.test.iter().filter(|&&row| known.get(row as usize).is_none_or(|(_, seen)| !seen));
        if let Some(&row) = missing.next() {
            return Err(Misfit::Missing { count: 1 + missing.count(), row, place });
        }
    }
    Ok(())
}

/// Predictions and truth of one kind.
enum Comparison<'a> {
    Classes { classes: &'a [String], predicted: &'a [u32], given: &'a [u32], codes: &'a [u32], levels: &'a [String] },
    Numbers { predicted: &'a [f64], given: &'a [f64], actual: &'a [f64] },
}

impl<'a> Comparison<'a> {
    fn new(target: &'a Target, truth: Truth<'a>) -> Result<Self, Misfit> {
        match (target, truth) {
            (Target::Classification { classes, predicted, truth, .. }, Truth::Classes { codes, levels }) => {
                Ok(Self::Classes { classes, predicted, given: truth, codes, levels })
            }
            (Target::Regression { predicted, truth }, Truth::Numbers(actual)) => Ok(Self::Numbers { predicted, given: truth, actual }),
            (Target::Regression { .. }, Truth::Classes { .. }) => Err(Misfit::NumbersForClasses),
            (Target::Classification { .. }, Truth::Numbers(_)) => Err(Misfit::ClassesForNumbers),
        }
    }

    fn check(&self, places: Places<'_>) -> Result<(), Misfit> {
        let rows = places.predictions.row_id.as_slice();
        match *self {
            Self::Classes { classes, predicted, given, codes, levels } => {
                let known: HashMap<&str, u32> = (0..).zip(levels).map(|(code, level)| (level.as_str(), code)).collect();
                let code_of: Vec<Option<u32>> = classes.iter().map(|class| known.get(class.as_str()).copied()).collect();
                for (at, ((&row, &predicted), &given)) in rows.iter().zip(predicted).zip(given).enumerate() {
                    for class in [predicted, given] {
                        if let (Some(class), Some(None)) = (classes.get(class as usize), code_of.get(class as usize)) {
                            return Err(Misfit::UnknownClass { class: class.clone(), row, place: places.place(at) });
                        }
                    }
                }
                let code = |class: u32| code_of.get(class as usize).copied().flatten();
                let actual = |row: u32| codes.get(row as usize).copied().filter(|&code| (code as usize) < levels.len());
                let agrees = |class: u32, row: u32| Some(code(class)? == actual(row)?);
                compare(rows, predicted, given, agrees).map_err(|found| match found {
                    Found::Swapped => Misfit::Swapped,
                    Found::Untrue { at, row } => Misfit::Untrue {
                        given: given.get(at).and_then(|&class| classes.get(class as usize)).cloned().unwrap_or_default(),
                        actual: actual(row).and_then(|code| levels.get(code as usize)).cloned().unwrap_or_default(),
                        row,
                        place: places.place(at),
                    },
                })
            }
            Self::Numbers { predicted, given, actual } => {
                let largest = actual.iter().map(|value| value.abs()).filter(|value| value.is_finite()).fold(0.0, f64::max);
                let tolerance = largest * TOLERANCE;
                let actual = |row: u32| actual.get(row as usize).copied().filter(|value| !value.is_nan());
                let agrees = |value: f64, row: u32| {
                    let actual = actual(row)?;
                    (!value.is_nan()).then(|| value == actual || (value - actual).abs() <= tolerance)
                };
                compare(rows, predicted, given, agrees).map_err(|found| match found {
                    Found::Swapped => Misfit::Swapped,
                    Found::Untrue { at, row } => Misfit::Untrue {
                        given: given.get(at).map(f64::to_string).unwrap_or_default(),
                        actual: actual(row).map(|value| value.to_string()).unwrap_or_default(),
                        row,
                        place: places.place(at),
                    },
                })
            }
        }
    }
}

/// How much numbers may differ, as a part of the largest.
const TOLERANCE: f64 = 1e-6;

enum Found {
    Untrue { at: usize, row: u32 },
    Swapped,
}

/// Compares what is given as the truth with what is. `agrees` is `None` where one of the two is missing.
fn compare<T: Copy>(rows: &[u32], predicted: &[T], given: &[T], agrees: impl Fn(T, u32) -> Option<bool>) -> Result<(), Found> {
    let untrue = rows.iter().zip(given).position(|(&row, &value)| agrees(value, row) == Some(false));
    let Some(at) = untrue else {
        return Ok(());
    };
    let mut known = rows.iter().zip(predicted).filter_map(|(&row, &value)| agrees(value, row)).peekable();
    if known.peek().is_some() && known.all(|agrees| agrees) {
        return Err(Found::Swapped);
    }
    Err(Found::Untrue { at, row: rows.get(at).copied().unwrap_or_default() })
}

#[cfg(test)]
mod tests;
