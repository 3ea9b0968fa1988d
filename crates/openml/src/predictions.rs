//! A run's predictions.
//!
//! OpenML keeps them as ARFF. Of classes: `repeat`, `fold`, perhaps `sample`, `row_id`, `prediction`, `correct` (or `truth`) and
//! `confidence.<class>` for each class; of numbers: `repeat`, `fold`, `row_id`, `prediction`, `truth`. Attributes are matched
//! by name, because older clients order them differently and leave some out.

mod plain;

use std::collections::HashMap;

use thiserror::Error;

use crate::arff;
use crate::error::ParseError;
use crate::limits::Limits;
use crate::number;
use crate::table::{Feature, MISSING, Table, Values};

pub use plain::PlainError;

/// Predictions, one per test row of each repeat, fold and sample. All vectors have the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    pub repeat: Vec<u32>,
    pub fold: Vec<u32>,
    /// Learning curves only.
    pub sample: Option<Vec<u32>>,
    /// The row of the dataset, from 0.
    pub row_id: Vec<u32>,
    pub target: Target,
}

/// What was predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Classification {
        classes: Vec<String>,
        /// Indices into `classes`, [`MISSING`] where there is no prediction.
        predicted: Vec<u32>,
        /// Indices into `classes`, [`MISSING`] where the file does not say.
        truth: Vec<u32>,
        /// Per class, its confidence per prediction; empty if the file has none. A class that alone has no confidences gets 0, a
        /// missing confidence is NaN.
        confidence: Vec<Vec<f64>>,
    },
    /// NaN where there is no prediction, or where the file does not say the truth.
    Regression { predicted: Vec<f64>, truth: Vec<f64> },
}

/// Why predictions cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PredictionsError {
    #[error(transparent)]
    Arff(#[from] ParseError),
    #[error("the predictions have no attribute \"{0}\"")]
    MissingAttribute(&'static str),
    /// `row` counts data rows from 1.
    #[error("row {row} of the predictions: {value} is not a valid {attribute}")]
    Value { row: usize, attribute: &'static str, value: String },
    #[error("the attribute \"{0}\" must be numeric")]
    NotNumeric(String),
    #[error("the predictions are dates")]
    Dates,
    #[error("the predictions have more than {0} confidences, the limit")]
    TooLarge(usize),
    #[error("the predictions have no rows")]
    Empty,
}

const CONFIDENCE: &str = "confidence.";

impl Predictions {
    pub fn len(&self) -> usize {
        self.row_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.row_id.is_empty()
    }

    /// Reads a predictions file.
    pub fn read(input: &[u8]) -> Result<Self, PredictionsError> {
        Self::read_within(input, &Limits::default())
    }

    /// Reads a predictions file of no more values than `limits`.
    pub fn read_within(input: &[u8], limits: &Limits) -> Result<Self, PredictionsError> {
        let table = arff::read_within(input, limits)?;
        if table.rows() == 0 {
            return Err(PredictionsError::Empty);
        }
        let index = |names: &[&'static str]| -> Result<Vec<u32>, PredictionsError> {
            let attribute = names.first().copied().unwrap_or_default();
            let feature = column(&table, names).ok_or(PredictionsError::MissingAttribute(attribute))?;
            crate::index::indices(&feature.values).map_err(|(row, value)| PredictionsError::Value { row, attribute, value })
        };
        let sample = match index(&["sample"]) {
            Ok(sample) => Some(sample),
            Err(PredictionsError::MissingAttribute(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            repeat: index(&["repeat"])?,
            fold: index(&["fold"])?,
            sample,
            row_id: index(&["row_id", "rowid"])?,
            target: target(&table, limits)?,
        })
    }

    /// Appends the predictions as ARFF, in the order in which OpenML's clients write the attributes.
    pub fn write(&self, name: &str, out: &mut String) {
        let index = |name: &str, values: &[u32]| Feature {
            name: name.to_owned(),
            values: Values::Numeric(values.iter().map(|&value| f64::from(value)).collect()),
        };
        let mut features = vec![index("repeat", &self.repeat), index("fold", &self.fold)];
        if let Some(sample) = &self.sample {
            features.push(index("sample", sample));
        }
        features.push(index("row_id", &self.row_id));
        let mut push = |name: &str, values: Values| {
            features.push(Feature { name: name.to_owned(), values });
        };
        match &self.target {
            Target::Classification { classes, predicted, truth, confidence } => {
                for (name, codes) in [("prediction", predicted), ("correct", truth)] {
                    push(name, Values::Nominal { codes: codes.clone(), levels: classes.clone() });
                }
                for (class, values) in classes.iter().zip(confidence) {
                    push(&format!("{CONFIDENCE}{class}"), Values::Numeric(values.clone()));
                }
            }
            Target::Regression { predicted, truth } => {
                push("prediction", Values::Numeric(predicted.clone()));
                push("truth", Values::Numeric(truth.clone()));
            }
        }
        let table = Table { name: name.to_owned(), description: String::new(), features };
        arff::write(&table, out);
    }
}

fn column<'t>(table: &'t Table, names: &[&str]) -> Option<&'t Feature> {
    names.iter().find_map(|name| table.features.iter().find(|feature| feature.name.eq_ignore_ascii_case(name)))
}

fn target(table: &Table, limits: &Limits) -> Result<Target, PredictionsError> {
    let predicted = &column(table, &["prediction"]).ok_or(PredictionsError::MissingAttribute("prediction"))?.values;
    let truth = column(table, &["correct", "truth"]).map(|feature| &feature.values);
    let confidences: Vec<(&str, &Feature)> =
        table.features.iter().filter_map(|feature| Some((confidence_of(&feature.name)?, feature))).collect();
    let categories = |values: &Values| matches!(values, Values::Nominal { .. } | Values::Text { .. });
    if let Values::Date(_) = predicted {
        return Err(PredictionsError::Dates);
    }
    // Classes may look like numbers; confidences or a nominal truth tell that they are none.
    if let Values::Numeric(predicted) = predicted
        && confidences.is_empty()
        && !truth.is_some_and(categories)
    {
        let truth = match truth {
            None => vec![f64::NAN; predicted.len()],
            Some(Values::Numeric(truth)) => truth.clone(),
            Some(_) => return Err(PredictionsError::NotNumeric("truth".to_owned())),
        };
        return Ok(Target::Regression { predicted: predicted.clone(), truth });
    }
    classification(predicted, truth, &confidences, limits)
}

fn confidence_of(name: &str) -> Option<&str> {
    let prefix = name.get(..CONFIDENCE.len())?;
    prefix.eq_ignore_ascii_case(CONFIDENCE).then(|| &name[CONFIDENCE.len()..])
}

fn classification(
    predicted: &Values,
    truth: Option<&Values>,
    confidences: &[(&str, &Feature)],
    limits: &Limits,
) -> Result<Target, PredictionsError> {
    let mut classes = Classes::default();
    // Declared classes come first, in declared order.
    for declared in [Some(predicted), truth].into_iter().flatten() {
        if let Values::Nominal { levels, .. } = declared {
            for level in levels {
                classes.code(level);
            }
        }
    }
    for (class, _) in confidences {
        classes.code(class);
    }
    let predicted = classes.codes(predicted);
    let truth = match truth {
        Some(truth) => classes.codes(truth),
        None => vec![MISSING; predicted.len()],
    };
    let mut confidence = Vec::new();
    if !confidences.is_empty() {
        // Declared classes need no column of their own, so a small file can ask for a large matrix.
        if classes.names.len().saturating_mul(predicted.len()) > limits.cells {
            return Err(PredictionsError::TooLarge(limits.cells));
        }
        confidence = vec![vec![0.0; predicted.len()]; classes.names.len()];
        for (class, feature) in confidences {
            let Values::Numeric(values) = &feature.values else {
                return Err(PredictionsError::NotNumeric(feature.name.clone()));
            };
            confidence[classes.code(class) as usize].clone_from(values);
        }
    }
    Ok(Target::Classification { classes: classes.names, predicted, truth, confidence })
}

#[derive(Debug, Default)]
struct Classes {
    names: Vec<String>,
    index: HashMap<String, u32>,
}

impl Classes {
    fn code(&mut self, class: &str) -> u32 {
        if let Some(&code) = self.index.get(class) {
            return code;
        }
        let code = self.names.len() as u32;
        self.names.push(class.to_owned());
        self.index.insert(class.to_owned(), code);
        code
    }

    /// The classes of a column; numbers count by their shortest spelling.
    fn codes(&mut self, values: &Values) -> Vec<u32> {
        match values {
            Values::Nominal { codes, levels } | Values::Text { codes, levels } => {
                let known: Vec<u32> = levels.iter().map(|level| self.code(level)).collect();
                codes.iter().map(|&code| known.get(code as usize).copied().unwrap_or(MISSING)).collect()
            }
            Values::Numeric(values) | Values::Date(values) => {
                let mut spelled = String::new();
                values
                    .iter()
                    .map(|&value| {
                        if value.is_nan() {
                            return MISSING;
                        }
                        spelled.clear();
                        number::write(value, &mut spelled);
                        self.code(&spelled)
                    })
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Predictions, String> {
        Predictions::read(text.as_bytes()).map_err(|error| error.to_string())
    }

    fn header(attributes: &[&str]) -> String {
        let mut out = "@RELATION p\n".to_owned();
        for attribute in attributes {
            out.push_str("@ATTRIBUTE ");
            out.push_str(attribute);
            out.push('\n');
        }
        out + "@DATA\n"
    }

    #[test]
    fn classes() {
        let text = header(&[
            "repeat NUMERIC",
            "fold NUMERIC",
            "sample NUMERIC",
            "row_id NUMERIC",
            "prediction {'a b',c}",
            "correct {'a b',c}",
            "'confidence.a b' NUMERIC",
            "confidence.c NUMERIC",
        ]) + "0,0,0,7,'a b',c,0.75,0.25\n0,1,0,3,c,c,0,1\n";
        let predictions = read(&text).expect("predictions");
        assert_eq!(predictions.row_id, [7, 3]);
        assert_eq!(predictions.fold, [0, 1]);
        assert_eq!(predictions.sample, Some(vec![0, 0]));
        let expected = Target::Classification {
            classes: vec!["a b".to_owned(), "c".to_owned()],
            predicted: vec![0, 1],
            truth: vec![1, 1],
            confidence: vec![vec![0.75, 0.0], vec![0.25, 1.0]],
        };
        assert_eq!(predictions.target, expected);
        let mut out = String::new();
        predictions.write("p", &mut out);
        assert_eq!(read(&out), Ok(predictions));
        assert_eq!(out, text.replace("@RELATION p\n", "@RELATION p\n\n").replace("@DATA", "\n@DATA"));
    }

    #[test]
    fn numbers() {
        let text = header(&["repeat NUMERIC", "fold NUMERIC", "row_id NUMERIC", "prediction NUMERIC", "truth NUMERIC"]) + "0,0,1,2.5,3\n";
        let predictions = read(&text).expect("predictions");
        let expected = Target::Regression { predicted: vec![2.5], truth: vec![3.0] };
        assert_eq!(predictions.target, expected);
        let mut out = String::new();
        predictions.write("p", &mut out);
        assert_eq!(read(&out), Ok(predictions));
    }

    #[test]
    fn older_clients() {
        let text = header(&["rowid string", "Fold integer", "repeat integer", "confidence.1 real", "prediction string"])
            + "4,0,0,0.9,1\n5,0,0,0.1,2\n";
        let predictions = read(&text).expect("predictions");
        assert_eq!(predictions.row_id, [4, 5]);
        let expected = Target::Classification {
            classes: vec!["1".to_owned(), "2".to_owned()],
            predicted: vec![0, 1],
            truth: vec![MISSING, MISSING],
            confidence: vec![vec![0.9, 0.1], vec![0.0, 0.0]],
        };
        assert_eq!(predictions.target, expected);
        let numeric_classes = header(&["repeat real", "fold real", "row_id real", "prediction real", "correct {0,1}"]) + "0,0,0,1.0,0\n";
        let predictions = read(&numeric_classes).expect("predictions");
        assert!(matches!(predictions.target, Target::Classification { predicted, .. } if predicted == [1]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let reason = |attributes: &[&str], rows: &str| read(&(header(attributes) + rows)).expect_err("an error");
        let index = ["repeat real", "fold real", "row_id real"];
        assert_eq!(reason(&index, "0,0,0\n"), "the predictions have no attribute \"prediction\"");
        assert_eq!(reason(&index[1..], "0,0\n"), "the predictions have no attribute \"repeat\"");
        assert_eq!(reason(&index, ""), "the predictions have no rows");
        assert_eq!(
            reason(&[&index[..], &["prediction real"][..]].concat(), "0,0,-1,0\n"),
            "row 1 of the predictions: -1 is not a valid row_id"
        );
        assert_eq!(
            reason(&[&index[..], &["prediction {a}", "confidence.a string"][..]].concat(), "0,0,0,a,b\n"),
            "the attribute \"confidence.a\" must be numeric"
        );
        assert_eq!(reason(&[&index[..], &["prediction date"][..]].concat(), "0,0,0,?\n"), "the predictions are dates");
    }
}
