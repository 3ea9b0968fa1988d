//! A task's data splits: which rows train and which rows test, per repeat, fold and sample.
//!
//! OpenML keeps them as ARFF with the attributes `type` (TRAIN or TEST), `rowid`, `repeat`, `fold` and, for learning curves,
//! `sample`; all count from 0.

mod generate;
mod random;

use std::collections::HashMap;
use std::fmt::Write;

use thiserror::Error;

use crate::arff;
use crate::error::ParseError;
use crate::limits::Limits;
use crate::table::{Table, Values};

pub use generate::{GenerateError, generate};

/// Data splits. Row ids are stored once, in one block, four bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splits {
    repeats: u32,
    folds: u32,
    samples: u32,
    /// Sorted by repeat, fold, sample.
    parts: Vec<Part>,
    rows: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    key: Key,
    /// The TRAIN rows are `rows[start..middle]`, the TEST rows `rows[middle..end]`.
    start: usize,
    middle: usize,
    end: usize,
}

type Key = (u32, u32, u32);

/// The rows of one repeat, fold and sample, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split<'a> {
    pub repeat: u32,
    pub fold: u32,
    pub sample: u32,
    pub train: &'a [u32],
    pub test: &'a [u32],
}

/// Why splits cannot be read or are not valid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SplitsError {
    #[error(transparent)]
    Arff(#[from] ParseError),
    #[error("the splits have no attribute \"{0}\"")]
    MissingAttribute(&'static str),
    /// `row` counts data rows from 1.
    #[error("row {row} of the splits: {value} is not a valid {attribute}")]
    Value { row: usize, attribute: &'static str, value: String },
    #[error("the splits have no rows")]
    Empty,
    #[error("repeat {repeat}, fold {fold}, sample {sample} comes twice")]
    Twice { repeat: u32, fold: u32, sample: u32 },
    #[error("repeat {repeat}, fold {fold}, sample {sample} has no TEST rows")]
    NoTestRows { repeat: u32, fold: u32, sample: u32 },
    #[error("row {row} in repeat {repeat}, fold {fold} is out of range, the dataset has {rows} rows")]
    OutOfRange { row: u32, repeat: u32, fold: u32, rows: usize },
    #[error("row {row} is in TEST twice in repeat {repeat}, the second time in fold {fold}")]
    TestedTwice { row: u32, repeat: u32, fold: u32 },
    #[error("row {row} is in both TRAIN and TEST of repeat {repeat}, fold {fold}")]
    TrainedAndTested { row: u32, repeat: u32, fold: u32 },
}

impl Splits {
    /// Collects splits, in any order.
    ///
    /// # Errors
    /// [`SplitsError::Empty`] and [`SplitsError::Twice`].
    pub fn new<'a>(splits: impl IntoIterator<Item = Split<'a>>) -> Result<Self, SplitsError> {
        let mut parts = Vec::new();
        let mut rows = Vec::new();
        for split in splits {
            let start = rows.len();
            rows.extend_from_slice(split.train);
            let middle = rows.len();
            rows.extend_from_slice(split.test);
            parts.push(Part { key: (split.repeat, split.fold, split.sample), start, middle, end: rows.len() });
        }
        Self::from_parts(parts, rows)
    }

    fn from_parts(mut parts: Vec<Part>, rows: Vec<u32>) -> Result<Self, SplitsError> {
        parts.sort_by_key(|part| part.key);
        for pair in parts.windows(2) {
            if let [first, second] = pair
                && first.key == second.key
            {
                let (repeat, fold, sample) = second.key;
                return Err(SplitsError::Twice { repeat, fold, sample });
            }
        }
        let count = |of: fn(&Part) -> u32| parts.iter().map(of).max().map(|last| last.saturating_add(1));
        Ok(Self {
            repeats: count(|part| part.key.0).ok_or(SplitsError::Empty)?,
            folds: count(|part| part.key.1).ok_or(SplitsError::Empty)?,
            samples: count(|part| part.key.2).ok_or(SplitsError::Empty)?,
            parts,
            rows,
        })
    }

    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    pub fn folds(&self) -> u32 {
        self.folds
    }

    /// 1 unless the task is a learning curve.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// The splits in order of repeat, fold and sample.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Split<'_>> {
        self.parts.iter().map(|part| self.split(part))
    }

    /// The split of one repeat, fold and sample.
    pub fn get(&self, repeat: u32, fold: u32, sample: u32) -> Option<Split<'_>> {
        let at = self.parts.binary_search_by_key(&(repeat, fold, sample), |part| part.key).ok()?;
        self.parts.get(at).map(|part| self.split(part))
    }

    fn split(&self, part: &Part) -> Split<'_> {
        let (repeat, fold, sample) = part.key;
        Split { repeat, fold, sample, train: &self.rows[part.start..part.middle], test: &self.rows[part.middle..part.end] }
    }

    /// Checks the splits against a dataset of `rows` rows: every split tests something, every row exists. In a cross-validation,
    /// also that no row is in TEST twice in one repeat (and sample) and none in both TRAIN and TEST of a split.
    pub fn validate(&self, rows: usize, crossvalidation: bool) -> Result<(), SplitsError> {
        for split in self.iter() {
            let Split { repeat, fold, sample, .. } = split;
            if split.test.is_empty() {
                return Err(SplitsError::NoTestRows { repeat, fold, sample });
            }
            let out_of_range = split.train.iter().chain(split.test).find(|&&row| row as usize >= rows);
            if let Some(&row) = out_of_range {
                return Err(SplitsError::OutOfRange { row, repeat, fold, rows });
            }
        }
        if crossvalidation {
            self.validate_crossvalidation(rows)?;
        }
        Ok(())
    }

    /// Needs rows in range.
    fn validate_crossvalidation(&self, rows: usize) -> Result<(), SplitsError> {
        // For each row, the number of the last split that tested it.
        let mut tested_in = vec![usize::MAX; rows];
        let mut tested: Vec<(u32, u32, u32)> = Vec::new();
        for (number, split) in self.iter().enumerate() {
            let Split { repeat, fold, .. } = split;
            for &row in split.test {
                tested_in[row as usize] = number;
            }
            if let Some(&row) = split.train.iter().find(|&&row| tested_in[row as usize] == number) {
                return Err(SplitsError::TrainedAndTested { row, repeat, fold });
            }
            tested.extend(split.test.iter().map(|&row| (split.sample, row, fold)));
            let is_last_of_repeat = self.parts.get(number + 1).is_none_or(|next| next.key.0 != repeat);
            if is_last_of_repeat {
                tested.sort_unstable();
                let twice = tested.windows(2).find_map(|pair| match pair {
                    [first, second] if (first.0, first.1) == (second.0, second.1) => Some(*second),
                    _ => None,
                });
                if let Some((_, row, fold)) = twice {
                    return Err(SplitsError::TestedTwice { row, repeat, fold });
                }
                tested.clear();
            }
        }
        Ok(())
    }

    /// Reads a splits file; attributes are matched by name, in any order and case.
    pub fn read(input: &[u8]) -> Result<Self, SplitsError> {
        Self::read_within(input, &Limits::default())
    }

    /// Reads a splits file of no more values than `limits`.
    pub fn read_within(input: &[u8], limits: &Limits) -> Result<Self, SplitsError> {
        let table = arff::read_within(input, limits)?;
        let tested = types(&table)?;
        let row_ids = required(&table, &["rowid", "row_id"])?;
        let repeats = required(&table, &["repeat"])?;
        let folds = required(&table, &["fold"])?;
        let samples = indices(&table, &["sample"])?;

        // First number the splits and count their rows, then put every row into its place.
        let mut numbers: HashMap<Key, usize> = HashMap::new();
        let mut counts: Vec<(Key, usize, usize)> = Vec::new();
        let mut split_of = Vec::with_capacity(row_ids.len());
        let mut last: Option<(Key, usize)> = None;
        for (at, ((&repeat, &fold), &is_test)) in repeats.iter().zip(&folds).zip(&tested).enumerate() {
            let key = (repeat, fold, samples.as_ref().map_or(0, |samples| samples[at]));
            let number = match last {
                Some((last, number)) if last == key => number,
                _ => *numbers.entry(key).or_insert_with(|| {
                    counts.push((key, 0, 0));
                    counts.len() - 1
                }),
            };
            last = Some((key, number));
            if is_test {
                counts[number].2 += 1;
            } else {
                counts[number].1 += 1;
            }
            split_of.push(number);
        }
        let mut parts = Vec::with_capacity(counts.len());
        let mut start = 0;
        for (key, train, test) in counts {
            let (middle, end) = (start + train, start + train + test);
            parts.push(Part { key, start, middle, end });
            start = end;
        }
        let mut free: Vec<(usize, usize)> = parts.iter().map(|part| (part.start, part.middle)).collect();
        let mut rows = vec![0; row_ids.len()];
        for ((&number, &is_test), &row) in split_of.iter().zip(&tested).zip(&row_ids) {
            let (train, test) = &mut free[number];
            let place = if is_test { test } else { train };
            rows[*place] = row;
            *place += 1;
        }
        Self::from_parts(parts, rows)
    }

    /// Appends the splits as ARFF, with a `sample` only if there are several.
    pub fn write(&self, name: &str, out: &mut String) {
        out.push_str("@RELATION ");
        arff::quoted(name, out);
        out.push_str("\n\n@ATTRIBUTE type {TRAIN,TEST}\n@ATTRIBUTE rowid INTEGER\n@ATTRIBUTE repeat INTEGER\n@ATTRIBUTE fold INTEGER\n");
        let with_sample = self.samples > 1;
        if with_sample {
            out.push_str("@ATTRIBUTE sample INTEGER\n");
        }
        out.push_str("\n@DATA\n");
        for split in self.iter() {
            let mut place = format!(",{},{}", split.repeat, split.fold);
            if with_sample {
                // Writing to a String cannot fail.
                let _ = write!(place, ",{}", split.sample);
            }
            for (part, rows) in [("TRAIN", split.train), ("TEST", split.test)] {
                for row in rows {
                    let _ = writeln!(out, "{part},{row}{place}");
                }
            }
        }
    }
}

/// Whether each row is a TEST row.
fn types(table: &Table) -> Result<Vec<bool>, SplitsError> {
    let (Values::Nominal { codes, levels } | Values::Text { codes, levels }) = &column(table, &["type"])?.1 else {
        return Err(SplitsError::MissingAttribute("type"));
    };
    let is_test: Vec<Option<bool>> = levels
        .iter()
        .map(|level| match level.to_ascii_uppercase().as_str() {
            "TRAIN" => Some(false),
            "TEST" => Some(true),
            _ => None,
        })
        .collect();
    let mut out = Vec::with_capacity(codes.len());
    for (at, &code) in codes.iter().enumerate() {
        let known = is_test.get(code as usize).copied().flatten();
        out.push(known.ok_or_else(|| SplitsError::Value {
            row: at + 1,
            attribute: "type",
            value: levels.get(code as usize).map_or("?", String::as_str).to_owned(),
        })?);
    }
    Ok(out)
}

fn column<'t>(table: &'t Table, names: &[&'static str]) -> Result<(&'static str, &'t Values), SplitsError> {
    let found = names.iter().find_map(|name| {
        let feature = table.features.iter().find(|feature| feature.name.eq_ignore_ascii_case(name))?;
        Some((*name, &feature.values))
    });
    found.ok_or(SplitsError::MissingAttribute(names.first().copied().unwrap_or_default()))
}

fn required(table: &Table, names: &[&'static str]) -> Result<Vec<u32>, SplitsError> {
    let (attribute, values) = column(table, names)?;
    crate::index::indices(values).map_err(|(row, value)| SplitsError::Value { row, attribute, value })
}

fn indices(table: &Table, names: &[&'static str]) -> Result<Option<Vec<u32>>, SplitsError> {
    match required(table, names) {
        Ok(values) => Ok(Some(values)),
        Err(SplitsError::MissingAttribute(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TWO_FOLDS: &str = "@relation s\n@attribute FOLD integer\n@attribute type {TRAIN,TEST}\n@attribute repeat integer\n\
        @attribute rowid string\n@data\n0,TRAIN,0,0\n0,TRAIN,0,1\n0,TEST,0,2\n0,TEST,0,3\n1,TEST,0,0\n1,TEST,0,1\n1,TRAIN,0,3\n1,TRAIN,0,2\n";

    #[test]
    fn attributes_are_matched_by_name() {
        let splits = Splits::read(TWO_FOLDS.as_bytes()).expect("splits");
        assert_eq!((splits.repeats(), splits.folds(), splits.samples()), (1, 2, 1));
        let split = splits.get(0, 1, 0).expect("a second fold");
        assert_eq!((split.train, split.test), (&[3, 2][..], &[0, 1][..]));
        assert_eq!(splits.get(1, 0, 0), None);
        assert_eq!(splits.validate(4, true), Ok(()));
    }

    #[test]
    fn written_as_openml_does() {
        let splits = Splits::new([Split { repeat: 0, fold: 0, sample: 0, train: &[1], test: &[0] }]);
        let mut out = String::new();
        splits.expect("splits").write("iris splits", &mut out);
        assert_eq!(
            out,
            "@RELATION 'iris splits'\n\n@ATTRIBUTE type {TRAIN,TEST}\n@ATTRIBUTE rowid INTEGER\n@ATTRIBUTE repeat INTEGER\n\
             @ATTRIBUTE fold INTEGER\n\n@DATA\nTRAIN,1,0,0\nTEST,0,0,0\n"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let read = |text: &str| Splits::read(text.as_bytes()).map_err(|error| error.to_string());
        let header = "@relation s\n@attribute type {TRAIN,TEST}\n@attribute rowid integer\n@attribute repeat integer\n";
        assert_eq!(read(&format!("{header}@data\nTRAIN,0,0\n")), Err("the splits have no attribute \"fold\"".to_owned()));
        let header = format!("{header}@attribute fold integer\n@data\n");
        assert_eq!(read(&header), Err("the splits have no rows".to_owned()));
        assert_eq!(read(&format!("{header}TRAIN,0,0,0\nTRAIN,1.5,0,0\n")), Err("row 2 of the splits: 1.5 is not a valid rowid".to_owned()));
        assert_eq!(read(&format!("{header}?,0,0,0\n")), Err("row 1 of the splits: ? is not a valid type".to_owned()));
        assert!(read(&format!("{header}TRAIN,0,-1,0\n")).is_err());
        assert!(read(&format!("{header}NONE,0,0,0\n")).is_err_and(|reason| reason.starts_with("line 7, column 1:")));

        let validate = |text: &str, rows| {
            let splits = read(&format!("{header}{text}")).expect("splits");
            splits.validate(rows, true).map_err(|error| error.to_string())
        };
        assert!(validate("TRAIN,0,0,0\n", 9).is_err_and(|reason| reason.ends_with("has no TEST rows")));
        assert_eq!(validate("TEST,9,0,0\n", 9), Err("row 9 in repeat 0, fold 0 is out of range, the dataset has 9 rows".to_owned()));
        assert_eq!(
            validate("TEST,1,0,0\nTEST,1,0,1\n", 9),
            Err("row 1 is in TEST twice in repeat 0, the second time in fold 1".to_owned())
        );
        assert_eq!(validate("TEST,1,0,0\nTRAIN,1,0,0\n", 9), Err("row 1 is in both TRAIN and TEST of repeat 0, fold 0".to_owned()));
        assert_eq!(validate("TEST,1,0,0\nTEST,1,1,0\n", 9), Ok(()));
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(
            parts in proptest::collection::btree_map(
                (0u32..3, 0u32..3, 0u32..3),
                (proptest::collection::vec(0u32..50, 1..9), proptest::collection::vec(0u32..50, 1..9)),
                1..9,
            ),
            name in "\\PC*",
        ) {
            let splits = Splits::new(parts.iter().map(|(&(repeat, fold, sample), (train, test))| {
                Split { repeat, fold, sample, train, test }
            })).expect("distinct splits");
            let mut out = String::new();
            splits.write(&name, &mut out);
            let read = Splits::read(out.as_bytes()).expect("what was written");
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), splits.iter().collect::<Vec<_>>());
        }
    }
}
