use proptest::prelude::*;

use super::*;
use crate::procedure;
use crate::splits::{Split, generate};

fn levels() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).to_vec()
}

/// Two folds of three rows each.
fn two_folds() -> Splits {
    let split = |fold, train, test| Split { repeat: 0, fold, sample: 0, train, test };
    Splits::new([split(0, &[3, 4, 5], &[0, 1, 2]), split(1, &[0, 1, 2], &[3, 4, 5])]).expect("splits")
}

const CODES: &[u32] = &[0, 1, 2, 0, 1, MISSING];

/// Predictions that fit [`two_folds`] and [`CODES`], by the classes b, a, c.
fn classes() -> Predictions {
    Predictions {
        repeat: vec![0; 6],
        fold: vec![1, 0, 0, 0, 1, 1],
        sample: None,
        row_id: vec![3, 0, 1, 2, 4, 5],
        target: Target::Classification {
            classes: ["b", "a", "c"].map(str::to_owned).to_vec(),
            predicted: vec![1, 1, 1, 1, MISSING, 1],
            truth: vec![1, 1, 0, 2, MISSING, 0],
            confidence: Vec::new(),
        },
    }
}

fn numbers() -> Predictions {
    let target = Target::Regression { predicted: vec![1.0; 6], truth: vec![0.3, 0.0, 0.1, 0.2, f64::NAN, 7.0] };
    Predictions { target, ..classes() }
}

const NUMBERS: &[f64] = &[0.0, 0.1, 0.2, 0.300_000_1, 0.4, f64::NAN];

fn reason(predictions: &Predictions, splits: &Splits) -> String {
    let levels = levels();
    let truth = match predictions.target {
        Target::Classification { .. } => Truth::Classes { codes: CODES, levels: &levels },
        Target::Regression { .. } => Truth::Numbers(NUMBERS),
    };
    check(predictions, splits, truth).map_or_else(|misfit| misfit.to_string(), |()| "fits".to_owned())
}

#[test]
fn what_fits() {
    assert_eq!(reason(&classes(), &two_folds()), "fits");
    assert_eq!(reason(&numbers(), &two_folds()), "fits");
    assert_eq!(reason(&Predictions { sample: Some(vec![0; 6]), ..classes() }, &two_folds()), "fits");
}

#[test]
fn rows_that_do_not_fit() {
    let change = |change: &dyn Fn(&mut Predictions)| {
        let mut predictions = classes();
        change(&mut predictions);
        reason(&predictions, &two_folds())
    };
    assert_eq!(change(&|it| it.row_id[1] = 3), "row 3 is not a test row of repeat 0, fold 0");
    assert_eq!(change(&|it| it.row_id[1] = 999), "row 999 is not a test row of repeat 0, fold 0");
    assert_eq!(change(&|it| it.row_id[1] = 2), "row 2 is predicted twice in repeat 0, fold 0");
    assert_eq!(change(&|it| it.fold[1] = 2), "the task has no repeat 0, fold 2");
    assert_eq!(change(&|it| it.repeat[1] = 1), "the task has no repeat 1, fold 0");
    assert_eq!(change(&|it| it.sample = Some(vec![0, 1, 0, 0, 0, 0])), "the task has no repeat 0, fold 0, sample 1");
    let fewer = |kept: &[usize]| {
        let all = classes();
        let pick = |values: &[u32]| kept.iter().map(|&at| values[at]).collect::<Vec<u32>>();
        let Target::Classification { classes, predicted, truth, .. } = &all.target else { return String::new() };
        let target =
            Target::Classification { classes: classes.clone(), predicted: pick(predicted), truth: pick(truth), confidence: Vec::new() };
        let fewer = Predictions { repeat: pick(&all.repeat), fold: pick(&all.fold), sample: None, row_id: pick(&all.row_id), target };
        reason(&fewer, &two_folds())
    };
    assert_eq!(fewer(&[0, 2, 4, 5]), "2 of the test rows of repeat 0, fold 0 are not predicted, row 0 for one");
    assert_eq!(fewer(&[1, 2, 3]), "repeat 0, fold 1 has no predictions");
    assert_eq!(fewer(&[]), "repeat 0, fold 0 has no predictions");
    let beyond = Splits::new([Split { repeat: 0, fold: 0, sample: 0, train: &[0], test: &[9] }]).expect("splits");
    assert_eq!(reason(&Predictions { fold: vec![0; 6], ..classes() }, &beyond), "the task tests row 9, but the dataset has 6 rows");
}

#[test]
fn learning_curves_need_samples() {
    let split = |sample| Split { repeat: 0, fold: 0, sample, train: &[0], test: &[1] };
    let splits = Splits::new([split(0), split(1)]).expect("splits");
    let target = Target::Regression { predicted: vec![0.0; 2], truth: vec![f64::NAN; 2] };
    let predictions = Predictions { repeat: vec![0; 2], fold: vec![0; 2], sample: None, row_id: vec![1; 2], target };
    assert_eq!(reason(&predictions, &splits), "the predictions have no attribute \"sample\", which a learning curve needs");
    let with = |sample: Vec<u32>| reason(&Predictions { sample: Some(sample), ..predictions.clone() }, &splits);
    assert_eq!(with(vec![1, 0]), "fits");
    assert_eq!(with(vec![1, 1]), "repeat 0, fold 0, sample 0 has no predictions");
}

#[test]
fn targets_that_do_not_fit() {
    let with = |of_classes: [&str; 3], predicted: [u32; 6], truth: [u32; 6]| {
        let classes_of = of_classes.map(str::to_owned).to_vec();
        let target =
            Target::Classification { classes: classes_of, predicted: predicted.to_vec(), truth: truth.to_vec(), confidence: Vec::new() };
        reason(&Predictions { target, ..classes() }, &two_folds())
    };
    let (predicted, truth) = ([1, 1, 1, 1, 1, 1], [1, 1, 0, 2, 0, MISSING]);
    assert_eq!(with(["b", "a", "c"], predicted, truth), "fits");
    assert_eq!(with(["b", "z", "c"], predicted, truth), "row 3 of repeat 0, fold 1: the target has no class \"z\"");
    // A class that nothing is said to be is no harm.
    assert_eq!(with(["z", "a", "c"], predicted, [1, 1, MISSING, 2, MISSING, 9]), "fits");
    assert_eq!(
        with(["b", "a", "c"], predicted, [1, 1, 0, 0, 0, 0]),
        "row 2 of repeat 0, fold 0: the predictions give \"b\" as the truth, but it is \"c\""
    );
    assert!(with(["b", "a", "c"], [1, 1, 0, 2, 0, MISSING], [1, 1, 0, 0, 0, 0]).starts_with("predictions and truth look swapped"));

    let target = |predicted: &[f64], truth: &[f64]| Target::Regression { predicted: predicted.to_vec(), truth: truth.to_vec() };
    let with = |target| reason(&Predictions { target, ..classes() }, &two_folds());
    let actual = [0.3, 0.0, 0.1, 0.2, 0.4, 0.5];
    assert_eq!(
        with(target(&[1.0; 6], &[0.3, 0.0, 0.1, 0.25, 0.4, 0.5])),
        "row 2 of repeat 0, fold 0: the predictions give \"0.25\" as the truth, but it is \"0.2\""
    );
    assert!(with(target(&actual, &[1.0; 6])).starts_with("predictions and truth look swapped"));
    // Good predictions are no sign of anything.
    assert_eq!(with(target(&actual, &actual)), "fits");
    assert!(with(target(&[f64::NAN; 6], &[1.0; 6])).contains("but it is"));
}

#[test]
fn kinds_must_be_the_same() {
    let levels = levels();
    let nominal = Truth::Classes { codes: CODES, levels: &levels };
    assert_eq!(check(&numbers(), &two_folds(), nominal), Err(Misfit::NumbersForClasses));
    assert_eq!(check(&classes(), &two_folds(), Truth::Numbers(NUMBERS)), Err(Misfit::ClassesForNumbers));
    assert_eq!(fill_truth(&mut numbers(), nominal), Err(Misfit::NumbersForClasses));
    assert_eq!(fill_truth(&mut classes(), Truth::Numbers(NUMBERS)), Err(Misfit::ClassesForNumbers));
}

#[test]
fn a_missing_truth_is_filled_in() {
    let levels = levels();
    let mut predictions = Predictions {
        target: Target::Classification {
            classes: vec!["c".to_owned()],
            predicted: vec![0; 6],
            truth: vec![MISSING, MISSING, 0, MISSING, MISSING, MISSING],
            confidence: vec![vec![1.0; 6]],
        },
        ..classes()
    };
    assert_eq!(fill_truth(&mut predictions, Truth::Classes { codes: CODES, levels: &levels }), Ok(()));
    let expected = Target::Classification {
        classes: ["c", "a", "b"].map(str::to_owned).to_vec(),
        predicted: vec![0; 6],
        truth: vec![1, 1, 0, 0, 2, MISSING],
        confidence: vec![vec![1.0; 6], vec![0.0; 6], vec![0.0; 6]],
    };
    assert_eq!(predictions.target, expected);

    let mut predictions = numbers();
    assert_eq!(fill_truth(&mut predictions, Truth::Numbers(&NUMBERS[..5])), Ok(()));
    let expected = Target::Regression { predicted: vec![1.0; 6], truth: vec![0.3, 0.0, 0.1, 0.2, 0.4, 7.0] };
    assert_eq!(predictions.target, expected);
}

#[test]
fn small_files_cannot_ask_for_many_confidences() {
    let rows = 20_000;
    let levels: Vec<String> = (0..rows).map(|row| row.to_string()).collect();
    let codes: Vec<u32> = (0..rows).collect();
    let mut predictions = Predictions {
        repeat: vec![0; rows as usize],
        fold: vec![0; rows as usize],
        sample: None,
        row_id: codes.clone(),
        target: Target::Classification {
            classes: vec!["0".to_owned()],
            predicted: vec![0; rows as usize],
            truth: vec![MISSING; rows as usize],
            confidence: vec![vec![1.0; rows as usize]],
        },
    };
    let before = predictions.clone();
    let filled = fill_truth(&mut predictions, Truth::Classes { codes: &codes, levels: &levels });
    assert_eq!(filled, Err(Misfit::TooLarge(Limits::default().cells)));
    assert_eq!(predictions, before);
}

proptest! {
    #[test]
    fn what_is_drawn_and_filled_in_fits(rows in 10usize..80, id in 1u32..=14, seed: u64, cut in any::<proptest::sample::Index>()) {
        let procedure = procedure::find(id).expect("a procedure");
        let codes: Vec<u32> = (0..rows as u32).map(|row| row % 3).collect();
        let levels = levels();
        let splits = generate(procedure, rows, Some(&codes), seed).expect("splits");
        let mut predictions = Predictions {
            repeat: Vec::new(),
            fold: Vec::new(),
            sample: Some(Vec::new()),
            row_id: Vec::new(),
            target: Target::Regression { predicted: Vec::new(), truth: Vec::new() },
        };
        for split in splits.iter() {
            predictions.repeat.extend(split.test.iter().map(|_| split.repeat));
            predictions.fold.extend(split.test.iter().map(|_| split.fold));
            predictions.sample.get_or_insert_default().extend(split.test.iter().map(|_| split.sample));
            predictions.row_id.extend_from_slice(split.test);
        }
        let count = predictions.len();
        predictions.target = Target::Classification {
            classes: vec!["b".to_owned()],
            predicted: vec![0; count],
            truth: vec![MISSING; count],
            confidence: Vec::new(),
        };
        let truth = Truth::Classes { codes: &codes, levels: &levels };
        prop_assert_eq!(fill_truth(&mut predictions, truth), Ok(()));
        prop_assert_eq!(check(&predictions, &splits, truth), Ok(()));
        // No prediction is another's, and none may be missing.
        let cut = cut.index(count);
        let row = predictions.row_id[cut];
        predictions.row_id[cut] = row + 1;
        prop_assert!(check(&predictions, &splits, truth).is_err());
    }
}
