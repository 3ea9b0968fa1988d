//! Predictions as people have them who use no OpenML client: a CSV with `y_pred`, and what else they know.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::{Predictions, Target, column};
use crate::csv;
use crate::error::{ParseError, shown};
use crate::fit::Truth;
use crate::index::indices;
use crate::number;
use crate::splits::Splits;
use crate::table::{Kind, MISSING, Table, Values};

const PREDICTION: [&str; 4] = ["y_pred", "prediction", "predicted", "pred"];
const TRUTH: [&str; 4] = ["y_true", "truth", "correct", "actual"];
const ROW: [&str; 4] = ["row_id", "rowid", "row", "index"];
const CONFIDENCE: [&str; 4] = ["confidence.", "proba_", "proba.", "prob_"];
/// Classes that a message lists.
const LISTED: usize = 10;

/// Why a CSV holds no predictions. Rows count data rows from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlainError {
    #[error(transparent)]
    Csv(#[from] ParseError),
    #[error("there is no column y_pred (or prediction)")]
    NoPrediction,
    #[error("the file has no rows")]
    Empty,
    #[error("row {row}: {value} in the column {column} is {wanted}")]
    Value { row: usize, column: String, value: String, wanted: String },
    #[error("the column {0} is for a class that the target has not; its classes are {1}")]
    UnknownClass(String, String),
    #[error(
        "the file has {rows} rows, the dataset {expected}: say in a column row_id which row of the dataset, from 0, each is about \
         (a data frame that is written with its index does)"
    )]
    NoRowIds { rows: usize, expected: usize },
    #[error("row {row}: the dataset has no row {row_id}; it has {expected}, counted from 0")]
    NoSuchRow { row: usize, row_id: u32, expected: usize },
    #[error("row {row}: row {row_id} of the dataset is not among the task's test rows")]
    NotTested { row: usize, row_id: u32 },
    #[error("row {row}: row {row_id} of the dataset is predicted twice; a column repeat or fold would tell the two apart")]
    Twice { row: usize, row_id: u32 },
    #[error("the task tests rows more than once: the columns repeat and fold must say which test each prediction is of")]
    NoFolds,
}

impl Predictions {
    /// Reads a CSV with a column `y_pred`, and perhaps
    /// - `y_true`: the truth, to be checked against the dataset;
    /// - `row_id` (or `index`, or a first column without a name): the row of the dataset, from 0. Without it the rows are those of
    ///   the dataset, all of them, in order;
    /// - `repeat` and `fold`, from 0. Without them the task's splits tell, if there are any;
    /// - `confidence.<class>` or `proba_<class>` for classes: how likely each is.
    ///
    /// `truth` is the dataset's target: its classes are the classes of the predictions, in its order. A class may be spelled as
    /// another number of the same value, such as `1.0` for `1`.
    ///
    /// # Errors
    /// The first thing that cannot be what it says, with its row.
    pub fn from_csv(input: &[u8], truth: Truth<'_>, splits: Option<&Splits>) -> Result<Self, PlainError> {
        let table = csv::read(input, &csv::Options::default())?;
        if table.rows() == 0 {
            return Err(PlainError::Empty);
        }
        let target = target(&table, truth)?;
        let row_id = row_ids(&table, truth.rows())?;
        let (repeat, fold) = places(&table, &row_id, splits)?;
        let predictions = Self { repeat, fold, sample: None, row_id, target };
        predictions.check_once()?;
        Ok(predictions)
    }

    fn check_once(&self) -> Result<(), PlainError> {
        let mut seen = HashSet::with_capacity(self.len());
        for (at, &row_id) in self.row_id.iter().enumerate() {
            if !seen.insert((self.repeat[at], self.fold[at], row_id)) {
                return Err(PlainError::Twice { row: at + 1, row_id });
            }
        }
        Ok(())
    }
}

fn row_ids(table: &Table, expected: usize) -> Result<Vec<u32>, PlainError> {
    let Some(feature) = column(table, &ROW) else {
        let rows = table.rows();
        return if rows == expected { Ok((0..rows as u32).collect()) } else { Err(PlainError::NoRowIds { rows, expected }) };
    };
    let ids = whole_numbers(&feature.name, &feature.values)?;
    match ids.iter().position(|&id| id as usize >= expected) {
        Some(at) => Err(PlainError::NoSuchRow { row: at + 1, row_id: ids[at], expected }),
        None => Ok(ids),
    }
}

fn whole_numbers(name: &str, values: &Values) -> Result<Vec<u32>, PlainError> {
    indices(values).map_err(|(row, value)| PlainError::Value {
        row,
        column: name.to_owned(),
        value: shown(&value),
        wanted: "no whole number from 0".to_owned(),
    })
}

/// The repeat and fold of every prediction.
fn places(table: &Table, row_ids: &[u32], splits: Option<&Splits>) -> Result<(Vec<u32>, Vec<u32>), PlainError> {
    let given = |name: &'static str| column(table, &[name]).map(|feature| whole_numbers(name, &feature.values)).transpose();
    let (repeats, folds) = (given("repeat")?, given("fold")?);
    let zeros = || vec![0; row_ids.len()];
    if let Some(folds) = folds {
        return Ok((repeats.unwrap_or_else(zeros), folds));
    }
    let Some(splits) = splits else { return Ok((repeats.unwrap_or_else(zeros), zeros())) };
    let mut tested: HashMap<(u32, u32), u32> = HashMap::with_capacity(row_ids.len());
    for split in splits.iter() {
        for &row in split.test {
            if tested.insert((split.repeat, row), split.fold).is_some() {
                return Err(PlainError::NoFolds);
            }
        }
    }
    let repeats = match repeats {
        None if splits.repeats() > 1 => return Err(PlainError::NoFolds),
        repeats => repeats.unwrap_or_else(zeros),
    };
    let fold_of =
        |at: usize, repeat: u32, row_id: u32| tested.get(&(repeat, row_id)).copied().ok_or(PlainError::NotTested { row: at + 1, row_id });
    let folds =
        row_ids.iter().zip(&repeats).enumerate().map(|(at, (&row_id, &repeat))| fold_of(at, repeat, row_id)).collect::<Result<_, _>>()?;
    Ok((repeats, folds))
}

fn target(table: &Table, truth: Truth<'_>) -> Result<Target, PlainError> {
    let predicted = column(table, &PREDICTION).ok_or(PlainError::NoPrediction)?;
    let told = column(table, &TRUTH);
    match truth {
        Truth::Numbers(_) => {
            let numbers = |name: &str, values: &Values| match values.clone().retyped(Kind::Numeric, None) {
                Ok(Values::Numeric(numbers)) => Ok(numbers),
                _ => Err(first_wrong(name, values, is_no_number, "no number, as the target needs")),
            };
            let truth = match told {
                Some(told) => numbers(&told.name, &told.values)?,
                None => vec![f64::NAN; table.rows()],
            };
            Ok(Target::Regression { predicted: numbers(&predicted.name, &predicted.values)?, truth })
        }
        Truth::Classes { levels, .. } => {
            let classes = Classes::of(levels);
            let truth = match told {
                Some(told) => classes.codes(&told.name, &told.values)?,
                None => vec![MISSING; table.rows()],
            };
            Ok(Target::Classification {
                classes: levels.to_vec(),
                predicted: classes.codes(&predicted.name, &predicted.values)?,
                truth,
                confidence: confidences(table, &classes)?,
            })
        }
    }
}

/// Per class its column, and zeros for a class that alone has none.
fn confidences(table: &Table, classes: &Classes<'_>) -> Result<Vec<Vec<f64>>, PlainError> {
    let mut confidence = Vec::new();
    for feature in &table.features {
        let name = feature.name.to_ascii_lowercase();
        let Some(prefix) = CONFIDENCE.iter().find(|prefix| name.starts_with(**prefix)) else { continue };
        let class = &feature.name[prefix.len()..];
        let code = classes.code(class).ok_or_else(|| PlainError::UnknownClass(shown(&feature.name), classes.listed()))?;
        let Values::Numeric(values) = &feature.values else {
            return Err(first_wrong(&feature.name, &feature.values, is_no_number, "no number"));
        };
        if confidence.is_empty() {
            confidence = vec![vec![0.0; table.rows()]; classes.levels.len()];
        }
        confidence[code as usize].clone_from(values);
    }
    Ok(confidence)
}

fn is_no_number(text: &str) -> bool {
    number::parse(text).is_none()
}

/// The first value of a column that is wrong.
fn first_wrong(column: &str, values: &Values, is_wrong: impl Fn(&str) -> bool, wanted: &str) -> PlainError {
    let spelled = values.clone().retyped(Kind::Text, None);
    let found = match &spelled {
        Ok(Values::Text { codes, levels }) => codes.iter().enumerate().find_map(|(at, &code)| {
            let text = levels.get(code as usize)?;
            is_wrong(text).then_some((at, text.as_str()))
        }),
        _ => None,
    };
    let (at, value) = found.unwrap_or_default();
    PlainError::Value { row: at + 1, column: column.to_owned(), value: shown(value), wanted: wanted.to_owned() }
}

/// The classes of a target, found by their spelling or by their number.
struct Classes<'a> {
    levels: &'a [String],
    by_text: HashMap<&'a str, u32>,
    by_number: HashMap<u64, u32>,
}

impl<'a> Classes<'a> {
    fn of(levels: &'a [String]) -> Self {
        let by_text = (0..).zip(levels).map(|(code, level)| (level.as_str(), code)).collect();
        let by_number = (0..).zip(levels).filter_map(|(code, level)| Some((key(number::parse(level)?), code))).collect();
        Self { levels, by_text, by_number }
    }

    fn code(&self, class: &str) -> Option<u32> {
        let same_number = || self.by_number.get(&key(number::parse(class)?)).copied();
        self.by_text.get(class).copied().or_else(same_number)
    }

    fn listed(&self) -> String {
        let more = if self.levels.len() > LISTED { ", …" } else { "" };
        format!("{}{more}", self.levels.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", "))
    }

    fn codes(&self, column: &str, values: &Values) -> Result<Vec<u32>, PlainError> {
        let unknown = || {
            let wanted = format!("none of the target's classes: {}", self.listed());
            first_wrong(column, values, |text| self.code(text).is_none(), &wanted)
        };
        let Ok(Values::Text { codes, levels }) = values.clone().retyped(Kind::Text, None) else { return Err(unknown()) };
        let known = levels.iter().map(|level| self.code(level)).collect::<Option<Vec<_>>>().ok_or_else(unknown)?;
        Ok(codes.iter().map(|&code| known.get(code as usize).copied().unwrap_or(MISSING)).collect())
    }
}

/// Equal for equal numbers, whatever the sign of zero.
fn key(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splits::Split;

    const CODES: [u32; 4] = [0, 1, 1, 0];

    fn levels(names: [&str; 2]) -> Vec<String> {
        names.map(str::to_owned).to_vec()
    }

    fn read(text: &str, splits: Option<&Splits>) -> Result<Predictions, String> {
        let levels = levels(["no", "yes"]);
        Predictions::from_csv(text.as_bytes(), Truth::Classes { codes: &CODES, levels: &levels }, splits).map_err(|error| error.to_string())
    }

    #[test]
    fn all_rows_in_order() {
        let predictions = read("y_true,y_pred\nno,no\nyes,no\nyes,yes\nno,?\n", None).expect("predictions");
        assert_eq!(predictions.row_id, [0, 1, 2, 3]);
        assert_eq!((predictions.repeat, predictions.fold), (vec![0; 4], vec![0; 4]));
        let expected = Target::Classification {
            classes: levels(["no", "yes"]),
            predicted: vec![0, 0, 1, MISSING],
            truth: CODES.to_vec(),
            confidence: Vec::new(),
        };
        assert_eq!(predictions.target, expected);
    }

    #[test]
    fn a_data_frame_with_its_index() {
        let predictions = read(",Y_Pred,proba_no,proba_yes\n3,no,0.9,0.1\n1,yes,0.2,0.8\n", None).expect("predictions");
        assert_eq!(predictions.row_id, [3, 1]);
        let Target::Classification { predicted, truth, confidence, .. } = predictions.target else { panic!("classes") };
        assert_eq!((predicted, truth), (vec![0, 1], vec![MISSING; 2]));
        assert_eq!(confidence, [[0.9, 0.2], [0.1, 0.8]]);
    }

    #[test]
    fn classes_that_are_numbers() {
        let levels = levels(["0", "1"]);
        let truth = Truth::Classes { codes: &CODES, levels: &levels };
        let predictions = Predictions::from_csv(b"y_pred\n1.0\n0.0\n-0\n1\n", truth, None).expect("predictions");
        assert!(matches!(predictions.target, Target::Classification { predicted, .. } if predicted == [1, 0, 0, 1]));
    }

    #[test]
    fn numbers() {
        let truth = [1.0, 2.0];
        let of = |text: &str| Predictions::from_csv(text.as_bytes(), Truth::Numbers(&truth), None).map_err(|error| error.to_string());
        let predictions = of("y_pred,y_true\n1.5,1\n2,2\n").expect("predictions");
        assert_eq!(predictions.target, Target::Regression { predicted: vec![1.5, 2.0], truth: vec![1.0, 2.0] });
        assert_eq!(of("y_pred\n1.5\nx\n"), Err("row 2: \"x\" in the column y_pred is no number, as the target needs".to_owned()));
    }

    #[test]
    fn splits_tell_the_folds() {
        let split = |fold, train: &'static [u32], test: &'static [u32]| Split { repeat: 0, fold, sample: 0, train, test };
        let splits = Splits::new([split(0, &[0, 1], &[2, 3]), split(1, &[2, 3], &[0, 1])]).expect("splits");
        let predictions = read("row_id,y_pred\n0,no\n2,yes\n3,no\n1,yes\n", Some(&splits)).expect("predictions");
        assert_eq!(predictions.fold, [1, 0, 0, 1]);
        let half = Splits::new([split(0, &[0, 1], &[2, 3])]).expect("splits");
        let error = read("row_id,y_pred\n0,no\n", Some(&half)).expect_err("not tested");
        assert_eq!(error, "row 1: row 0 of the dataset is not among the task's test rows");
        let again = |repeat| Split { repeat, fold: 0, sample: 0, train: &[], test: &[0] };
        let twice = Splits::new([again(0), again(1)]).expect("splits");
        assert!(read("row_id,y_pred\n0,no\n", Some(&twice)).expect_err("ambiguous").contains("the columns repeat and fold"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_row() {
        for (text, reason) in [
            ("a,b\n1,2\n", "there is no column y_pred (or prediction)"),
            ("y_pred\n", "the file has no rows"),
            ("y_pred\nno\nyes\n", "the file has 2 rows, the dataset 4"),
            ("row_id,y_pred\n4,no\n", "row 1: the dataset has no row 4; it has 4, counted from 0"),
            ("row_id,y_pred\n-1,no\n", "row 1: \"-1\" in the column row_id is no whole number from 0"),
            ("row_id,y_pred\n1,no\n1,no\n", "row 2: row 1 of the dataset is predicted twice"),
            ("row_id,y_pred\n1,no\n2,maybe\n", "row 2: \"maybe\" in the column y_pred is none of the target's classes: no, yes"),
            ("row_id,y_pred,proba_maybe\n1,no,1\n", "the column \"proba_maybe\" is for a class that the target has not"),
            ("row_id,y_pred,proba_no\n1,no,x\n", "row 1: \"x\" in the column proba_no is no number"),
            ("y_pred\nno,yes\n", "line 2"),
        ] {
            let error = read(text, None).expect_err(text);
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }
}
