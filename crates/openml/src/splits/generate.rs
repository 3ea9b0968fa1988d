//! Splits drawn for a task.

use thiserror::Error;

use crate::limits::Limits;
use crate::procedure::{Kind, Procedure};

use super::random::Random;
use super::{Part, Splits, SplitsError};

/// Why splits cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GenerateError {
    #[error("{rows} rows cannot be split into {folds} folds")]
    TooFewRows { rows: usize, folds: u32 },
    #[error("{0} rows are too few to train and test")]
    NothingToSplit(usize),
    #[error("splits of the type {0} cannot be drawn, they have to be given")]
    Given(Kind),
    /// The procedure has no percentage from 1 to 99, less than two folds, ...
    #[error("the procedure \"{name}\" has no {what}")]
    Incomplete { name: &'static str, what: &'static str },
    #[error("there are {classes} classes of {rows} rows")]
    Classes { classes: usize, rows: usize },
    #[error("the splits would have {0} rows, more than a splits file may have")]
    TooLarge(u64),
    #[error(transparent)]
    Splits(#[from] SplitsError),
}

/// Draws the splits of a dataset of `rows` rows: the same for the same arguments, for ever.
///
/// `classes` are codes of the target, one per row, if that is nominal. With them, a stratified procedure gives every fold (and
/// every sample of a learning curve) its share of each class, to within a row. Without them it does what the same procedure
/// does that is not stratified. [`MISSING`](crate::table::MISSING) is a class as any other: rows without a target are spread
/// evenly, because clients expect that splits cover the dataset.
///
/// What the procedures do, for each of their repeats:
/// - cross-validation: the folds test, all others train; folds differ in size by at most one row;
/// - leave one out: fold n tests row n;
/// - holdout: one fold tests the percentage, rounded, at least one row and not all; ordered, it tests the last rows;
/// - learning curve: as cross-validation, and sample n of a fold trains on the first 2^(6 + n/2) of the rows that train, the last
///   sample on all of them;
/// - test on training data: one fold, in which all rows train and test.
///
/// Rows are in random order where there is chance in it.
///
/// # Errors
/// More folds than rows, a procedure whose splits have to be given, and splits of more rows than
/// [`Splits::read`] takes by default: leave one out grows with the square of the rows.
pub fn generate(procedure: &Procedure, rows: usize, classes: Option<&[u32]>, seed: u64) -> Result<Splits, GenerateError> {
    if let Some(classes) = classes.filter(|classes| classes.len() != rows) {
        return Err(GenerateError::Classes { classes: classes.len(), rows });
    }
    let per_repeat = rows as u64;
    if per_repeat > most_rows() {
        return Err(GenerateError::TooLarge(per_repeat));
    }
    let classes = classes.filter(|_| procedure.stratified_sampling == Some(true));
    let repeats = procedure.repeats.unwrap_or(1).max(1);
    let folds = || match procedure.folds {
        None | Some(0 | 1) => Err(GenerateError::Incomplete { name: procedure.name, what: "folds" }),
        Some(folds) if rows < folds as usize => Err(GenerateError::TooFewRows { rows, folds }),
        Some(folds) => Ok(folds),
    };
    let tested = || match procedure.percentage {
        Some(percentage @ 1..=99) if rows >= 2 => Ok(share(rows, percentage)),
        Some(1..=99) => Err(GenerateError::NothingToSplit(rows)),
        _ => Err(GenerateError::Incomplete { name: procedure.name, what: "percentage" }),
    };
    let mut drawn = match procedure.kind {
        Kind::Crossvalidation => Drawn::new(u64::from(repeats) * u64::from(folds()?), per_repeat)?,
        Kind::LearningCurve => Drawn::new(u64::from(repeats) * u64::from(folds()?), curve_rows(rows, folds()?))?,
        Kind::LeaveOneOut if rows < 2 => return Err(GenerateError::NothingToSplit(rows)),
        Kind::LeaveOneOut => Drawn::new(u64::from(repeats).saturating_mul(per_repeat), per_repeat)?,
        Kind::Holdout | Kind::OrderedHoldout => Drawn::new(u64::from(repeats), per_repeat)?,
        Kind::TestOnTrainingData if rows == 0 => return Err(GenerateError::NothingToSplit(rows)),
        Kind::TestOnTrainingData => Drawn::new(u64::from(repeats), 2 * per_repeat)?,
        Kind::CustomHoldout | Kind::TestThenTrain | Kind::HoldoutUnlabeled => return Err(GenerateError::Given(procedure.kind)),
    };
    // That many rows have been found to be few enough.
    let all: Vec<u32> = (0..rows as u32).collect();
    for repeat in 0..repeats {
        let mut random = Random::for_part(seed, repeat);
        match procedure.kind {
            Kind::Crossvalidation => {
                let order = shuffled(&all, &mut random);
                drawn.crossvalidation(repeat, folds()?, &order, classes);
            }
            Kind::LearningCurve => {
                let order = shuffled(&all, &mut random);
                drawn.learning_curve(repeat, folds()?, &order, classes, &mut random);
            }
            Kind::LeaveOneOut => {
                for fold in 0..rows as u32 {
                    drawn.part((repeat, fold, 0), all.iter().copied().filter(|&row| row != fold), [fold]);
                }
            }
            Kind::Holdout => {
                let order = shuffled(&all, &mut random);
                drawn.holdout(repeat, tested()?, &order, classes);
            }
            Kind::OrderedHoldout => {
                let (train, test) = all.split_at(rows.saturating_sub(tested()?));
                drawn.part((repeat, 0, 0), train.iter().copied(), test.iter().copied());
            }
            Kind::TestOnTrainingData => drawn.part((repeat, 0, 0), all.iter().copied(), all.iter().copied()),
            Kind::CustomHoldout | Kind::TestThenTrain | Kind::HoldoutUnlabeled => {}
        }
    }
    Ok(Splits::from_parts(drawn.parts, drawn.rows)?)
}

/// How many rows a splits file may have, with its five values a row.
fn most_rows() -> u64 {
    Limits::default().cells as u64 / 5
}

/// That percentage of at least two rows, at least one and not all.
fn share(rows: usize, percentage: u32) -> usize {
    let exact = rows as f64 * f64::from(percentage) / 100.0;
    (exact.round() as usize).clamp(1, rows.saturating_sub(1).max(1))
}

fn shuffled(all: &[u32], random: &mut Random) -> Vec<u32> {
    let mut order = all.to_vec();
    random.shuffle(&mut order);
    order
}

/// How many rows sample `sample` of a learning curve trains on, if there are enough.
fn sample_size(sample: u32) -> usize {
    2f64.powf(6.0 + 0.5 * f64::from(sample)).round() as usize
}

/// The sizes of the samples before the last one, which trains on all: those that every fold has more rows than.
fn sample_sizes(rows: usize, folds: u32) -> Vec<usize> {
    let largest_fold = rows.div_ceil(folds as usize);
    (0..).map(sample_size).take_while(|&size| size < rows - largest_fold).collect()
}

/// No less than what the samples of one fold have together, not much more.
fn curve_rows(rows: usize, folds: u32) -> u64 {
    let sizes = sample_sizes(rows, folds);
    let tested = rows.div_ceil(folds as usize) as u64;
    sizes.iter().map(|&size| size as u64 + tested).sum::<u64>() + rows as u64
}

/// The rows of each class together, otherwise in the same order.
fn by_class(order: &[u32], classes: Option<&[u32]>) -> Vec<u32> {
    let mut dealt = order.to_vec();
    if let Some(classes) = classes {
        dealt.sort_by_key(|&row| classes.get(row as usize));
    }
    dealt
}

#[derive(Debug)]
struct Drawn {
    parts: Vec<Part>,
    rows: Vec<u32>,
}

impl Drawn {
    /// Room for so many parts of so many rows each, which must not be too many.
    fn new(parts: u64, rows_each: u64) -> Result<Self, GenerateError> {
        let rows = parts.saturating_mul(rows_each);
        if rows > most_rows() {
            return Err(GenerateError::TooLarge(rows));
        }
        Ok(Self { parts: Vec::new(), rows: Vec::with_capacity(rows as usize) })
    }

    fn part(&mut self, key: (u32, u32, u32), train: impl IntoIterator<Item = u32>, test: impl IntoIterator<Item = u32>) {
        let start = self.rows.len();
        self.rows.extend(train);
        let middle = self.rows.len();
        self.rows.extend(test);
        self.parts.push(Part { key, start, middle, end: self.rows.len() });
    }

    fn crossvalidation(&mut self, repeat: u32, folds: u32, order: &[u32], classes: Option<&[u32]>) {
        let fold_of = dealt(folds, order, classes);
        for fold in 0..folds {
            let tests = |row: &u32| fold_of[*row as usize] == fold;
            self.part((repeat, fold, 0), order.iter().copied().filter(|row| !tests(row)), order.iter().copied().filter(tests));
        }
    }

    fn learning_curve(&mut self, repeat: u32, folds: u32, order: &[u32], classes: Option<&[u32]>, random: &mut Random) {
        let fold_of = dealt(folds, order, classes);
        let training_order = spread(order, classes, random);
        let sizes = sample_sizes(order.len(), folds);
        for fold in 0..folds {
            let tests = |row: &u32| fold_of[*row as usize] == fold;
            let train: Vec<u32> = training_order.iter().copied().filter(|row| !tests(row)).collect();
            let test: Vec<u32> = order.iter().copied().filter(tests).collect();
            for (sample, size) in (0..).zip(sizes.iter().copied().chain([train.len()])) {
                self.part((repeat, fold, sample), train.iter().copied().take(size), test.iter().copied());
            }
        }
    }

    fn holdout(&mut self, repeat: u32, tested: usize, order: &[u32], classes: Option<&[u32]>) {
        // Every so many-th row tests. Rows of a class are neighbours, so of each class as many do as its share is, to within one.
        let rows = order.len() as u64;
        let mut is_tested = vec![false; order.len()];
        for (at, row) in (0..).zip(by_class(order, classes)) {
            let tested_before = |at: u64| at * tested as u64 / rows;
            is_tested[row as usize] = tested_before(at + 1) > tested_before(at);
        }
        let tests = |row: &u32| is_tested[*row as usize];
        self.part((repeat, 0, 0), order.iter().copied().filter(|row| !tests(row)), order.iter().copied().filter(tests));
    }
}

/// The fold of each row. Rows are dealt out as cards are, one class after the other, so that no fold has more than one row more
/// than another, of all and of each class.
fn dealt(folds: u32, order: &[u32], classes: Option<&[u32]>) -> Vec<u32> {
    let mut fold_of = vec![0; order.len()];
    for (row, fold) in by_class(order, classes).into_iter().zip((0..folds).cycle()) {
        fold_of[row as usize] = fold;
    }
    fold_of
}

/// An order whose every beginning has its share of each class.
fn spread(order: &[u32], classes: Option<&[u32]>, random: &mut Random) -> Vec<u32> {
    let Some(classes) = classes else {
        return order.to_vec();
    };
    let together = by_class(order, Some(classes));
    let mut placed: Vec<(f64, u64, u32)> = Vec::with_capacity(order.len());
    for class in together.chunk_by(|&one, &other| classes.get(one as usize) == classes.get(other as usize)) {
        for (at, &row) in class.iter().enumerate() {
            // The rows of a class are spread evenly from 0 to 1; chance decides between classes of one size.
            placed.push(((at as f64 + 0.5) / class.len() as f64, random.next(), row));
        }
    }
    placed.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    placed.into_iter().map(|(_, _, row)| row).collect()
}

#[cfg(test)]
mod tests;
