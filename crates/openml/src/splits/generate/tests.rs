use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::procedure;
use crate::table::MISSING;

fn of(id: u32) -> Procedure {
    *procedure::find(id).expect("a procedure")
}

fn crossvalidation(repeats: u32, folds: u32, stratified: bool) -> Procedure {
    Procedure { repeats: Some(repeats), folds: Some(folds), stratified_sampling: Some(stratified), ..of(1) }
}

fn counts(rows: &[u32], classes: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for &row in rows {
        *counts.entry(classes[row as usize]).or_default() += 1;
    }
    counts
}

/// Whether a part that is that share of the whole has that share of each class, to within a row.
fn is_proportional(part: &[u32], share: f64, classes: &[u32]) -> bool {
    let all: Vec<u32> = (0..classes.len() as u32).collect();
    let in_part = counts(part, classes);
    counts(&all, classes).into_iter().all(|(class, count)| {
        let has = in_part.get(&class).copied().unwrap_or(0) as f64;
        (has - count as f64 * share).abs() < 1.0 + 1e-9
    })
}

fn sorted(mut rows: Vec<u32>) -> Vec<u32> {
    rows.sort_unstable();
    rows
}

fn all(rows: usize) -> Vec<u32> {
    (0..rows as u32).collect()
}

#[test]
fn the_same_for_ever() {
    let splits = generate(&crossvalidation(1, 3, false), 9, None, 42).expect("splits");
    let mut text = String::new();
    for split in splits.iter() {
        text.push_str(&format!("{:?}", split.test));
    }
    assert_eq!(text, "[2, 5, 8][1, 6, 7][4, 0, 3]", "a task's splits must not change between versions");
}

#[test]
fn leave_one_out_tests_row_after_row() {
    let splits = generate(&of(4), 5, Some(&[0, 1, 0, 1, 0]), 1).expect("splits");
    assert_eq!((splits.repeats(), splits.folds(), splits.samples()), (1, 5, 1));
    let third = splits.get(0, 2, 0).expect("a third fold");
    assert_eq!((third.train, third.test), (&[0, 1, 3, 4][..], &[2][..]));
}

#[test]
fn an_ordered_holdout_tests_the_last_rows() {
    let splits = generate(&of(28), 10, None, 1).expect("splits");
    let only = splits.get(0, 0, 0).expect("a split");
    assert_eq!((only.train, only.test), (&[0, 1, 2, 3, 4, 5, 6, 7][..], &[8, 9][..]));
}

#[test]
fn clustering_trains_and_tests_all_rows() {
    let splits = generate(&of(17), 4, None, 1).expect("splits");
    assert_eq!((splits.repeats(), splits.folds()), (50, 1));
    assert!(splits.iter().all(|split| split.train == [0, 1, 2, 3] && split.test == [0, 1, 2, 3]));
    assert_eq!(generate(&of(26), 4, None, 1).map(|splits| splits.repeats()), Ok(1));
}

#[test]
fn a_learning_curve_trains_on_more_and_more() {
    let classes: Vec<u32> = (0..1000).map(|row| u32::from(row % 10 == 0)).collect();
    let splits = generate(&of(13), 1000, Some(&classes), 3).expect("splits");
    assert_eq!((splits.repeats(), splits.folds()), (1, 10));
    let sizes: Vec<usize> = splits.iter().filter(|split| split.fold == 4).map(|split| split.train.len()).collect();
    assert_eq!(sizes, [64, 91, 128, 181, 256, 362, 512, 724, 900]);
    for sample in 0..9 {
        let split = splits.get(0, 4, sample).expect("a sample");
        let full = splits.get(0, 4, 8).expect("the last sample");
        assert_eq!(split.test, full.test);
        assert!(full.train.starts_with(split.train));
        let rare = split.train.iter().filter(|&&row| classes[row as usize] == 1).count();
        assert!(rare.abs_diff(split.train.len() / 10) <= 2, "{rare} of {}", split.train.len());
    }
    assert_eq!(splits.validate(1000, true), Ok(()));
    // Too small for a second sample.
    assert_eq!(generate(&of(13), 50, None, 3).map(|splits| splits.samples()), Ok(1));
}

#[test]
fn rows_without_a_class_are_spread_too() {
    let classes: Vec<u32> = (0..100).map(|row| if row < 20 { MISSING } else { row % 2 }).collect();
    let splits = generate(&of(1), 100, Some(&classes), 3).expect("splits");
    for split in splits.iter() {
        assert_eq!(counts(split.test, &classes).get(&MISSING), Some(&2));
    }
}

#[test]
fn what_cannot_be_split_is_said() {
    let reason =
        |procedure: &Procedure, rows, classes: Option<&[u32]>| generate(procedure, rows, classes, 1).expect_err("an error").to_string();
    assert_eq!(reason(&of(1), 9, None), "9 rows cannot be split into 10 folds");
    assert_eq!(reason(&of(13), 0, None), "0 rows cannot be split into 10 folds");
    assert_eq!(reason(&of(1), 10, Some(&[0; 9])), "there are 9 classes of 10 rows");
    assert_eq!(reason(&of(4), 1, None), "1 rows are too few to train and test");
    assert_eq!(reason(&of(5), 1, None), "1 rows are too few to train and test");
    assert_eq!(reason(&of(17), 0, None), "0 rows are too few to train and test");
    assert_eq!(reason(&of(16), 10, None), "splits of the type customholdout cannot be drawn, they have to be given");
    assert_eq!(reason(&of(15), 10, None), "splits of the type testthentrain cannot be drawn, they have to be given");
    let incomplete = Procedure { folds: Some(1), ..of(1) };
    assert_eq!(reason(&incomplete, 10, None), "the procedure \"10-fold Crossvalidation\" has no folds");
    let incomplete = Procedure { percentage: Some(100), ..of(5) };
    assert_eq!(reason(&incomplete, 10, None), "the procedure \"10% Holdout set\" has no percentage");
    assert_eq!(reason(&of(4), 100_000, None), "the splits would have 10000000000 rows, more than a splits file may have");
    for procedure in procedure::PROCEDURES {
        let endless = Procedure { repeats: Some(u32::MAX), ..*procedure };
        assert!(generate(&endless, usize::MAX / 4, None, 1).is_err(), "{}", procedure.id);
        assert!(generate(procedure, u32::MAX as usize + 1, None, 1).is_err(), "{}", procedure.id);
    }
}

proptest! {
    #[test]
    fn every_row_tests_once_in_a_crossvalidation(
        rows in 2usize..120,
        folds in 2u32..12,
        repeats in 1u32..4,
        levels in 1u32..6,
        stratified: bool,
        seed: u64,
    ) {
        prop_assume!(rows >= folds as usize);
        let classes: Vec<u32> = (0..rows as u32).map(|row| (row * row + row / 3) % levels).collect();
        let procedure = crossvalidation(repeats, folds, stratified);
        let splits = generate(&procedure, rows, Some(&classes), seed).expect("splits");
        prop_assert_eq!((splits.repeats(), splits.folds(), splits.samples()), (repeats, folds, 1));
        prop_assert_eq!(splits.validate(rows, true), Ok(()));
        for repeat in 0..repeats {
            let folds: Vec<_> = splits.iter().filter(|split| split.repeat == repeat).collect();
            prop_assert_eq!(sorted(folds.iter().flat_map(|split| split.test).copied().collect()), all(rows));
            for split in folds {
                prop_assert_eq!(sorted([split.train, split.test].concat()), all(rows));
                prop_assert!(split.test.len().abs_diff(rows / procedure.folds.unwrap_or(1) as usize) <= 1);
                prop_assert!(!stratified || is_proportional(split.test, 1.0 / f64::from(splits.folds()), &classes));
            }
        }
        prop_assert_eq!(generate(&procedure, rows, Some(&classes), seed), Ok(splits));
    }

    #[test]
    fn a_holdout_tests_its_share(
        rows in 2usize..300,
        percentage in 1u32..100,
        levels in 1u32..6,
        stratified: bool,
        seed: u64,
    ) {
        let classes: Vec<u32> = (0..rows as u32).map(|row| (row * row + row / 3) % levels).collect();
        let procedure = Procedure { percentage: Some(percentage), stratified_sampling: Some(stratified), ..of(5) };
        let splits = generate(&procedure, rows, Some(&classes), seed).expect("splits");
        let only = splits.get(0, 0, 0).expect("a split");
        prop_assert_eq!(splits.iter().len(), 1);
        prop_assert!(!only.train.is_empty() && !only.test.is_empty());
        prop_assert!((only.test.len() as f64 - rows as f64 * f64::from(percentage) / 100.0).abs() <= 1.0);
        prop_assert_eq!(sorted([only.train, only.test].concat()), all(rows));
        prop_assert!(!stratified || is_proportional(only.test, only.test.len() as f64 / rows as f64, &classes));
    }

    #[test]
    fn a_learning_curve_is_a_crossvalidation_too(rows in 20usize..400, seed: u64, stratified: bool) {
        let classes: Vec<u32> = (0..rows as u32).map(|row| row % 3).collect();
        let procedure = Procedure { folds: Some(4), repeats: Some(2), ..of(13) };
        let splits = generate(&procedure, rows, stratified.then_some(&classes), seed).expect("splits");
        prop_assert_eq!(splits.validate(rows, true), Ok(()));
        let last = splits.samples() - 1;
        for split in splits.iter() {
            let whole = split.sample == last;
            prop_assert_eq!(split.train.len() + split.test.len() == rows, whole);
            prop_assert!(whole || split.train.len() == sample_size(split.sample));
        }
        prop_assert_eq!(splits.iter().len() as u32, 2 * 4 * splits.samples());
    }

    #[test]
    fn seeds_and_repeats_differ(seed: u64) {
        let procedure = crossvalidation(4, 2, false);
        let splits = generate(&procedure, 60, None, seed).expect("splits");
        let tests: HashSet<Vec<u32>> = splits.iter().map(|split| sorted(split.test.to_vec())).collect();
        prop_assert_eq!(tests.len(), 8);
        prop_assert_ne!(generate(&procedure, 60, None, seed.wrapping_add(1)).expect("splits"), splits.clone());
        // A repeat is the same however many there are.
        let fewer = generate(&crossvalidation(1, 2, false), 60, None, seed).expect("splits");
        prop_assert_eq!(fewer.get(0, 0, 0), splits.get(0, 0, 0));
    }
}
