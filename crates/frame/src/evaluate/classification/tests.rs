use proptest::prelude::*;

use super::*;

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12, "{found} instead of {expected}");
}

fn columns(rows: &[[f64; 4]]) -> Vec<Vec<f64>> {
    (0..4).map(|class| rows.iter().map(|row| row[class]).collect()).collect()
}

const TRUTH: [u32; 12] = [0, 1, 2, 2, 1, 0, 0, 2, 1, 2, 0, 1];
const PREDICTED: [u32; 12] = [0, 1, 2, 1, 1, 0, 2, 2, 0, 2, 0, 3];
const CONFIDENCE: [[f64; 4]; 12] = [
    [0.7, 0.2, 0.1, 0.0],
    [0.1, 0.6, 0.2, 0.1],
    [0.1, 0.1, 0.7, 0.1],
    [0.2, 0.4, 0.3, 0.1],
    [0.25, 0.5, 0.15, 0.1],
    [0.8, 0.1, 0.05, 0.05],
    [0.3, 0.1, 0.5, 0.1],
    [0.0, 0.1, 0.9, 0.0],
    [0.5, 0.3, 0.1, 0.1],
    [0.1, 0.2, 0.6, 0.1],
    [0.6, 0.2, 0.1, 0.1],
    [0.1, 0.3, 0.2, 0.4],
];

#[test]
fn as_scikit_learn_has_them() {
    let confidence = columns(&CONFIDENCE);
    let found = classification(4, &TRUTH, &PREDICTED, Some(&confidence)).unwrap();
    close(found.accuracy, 2.0 / 3.0);
    close(found.balanced_accuracy, 2.0 / 3.0);
    close(found.kappa.unwrap(), 0.52);
    close(found.matthews, 0.525_493_854_245_388_2);
    // The fourth class is predicted but never true: it is part of the macro averages.
    close(found.precision_macro, 0.541_666_666_666_666_6);
    close(found.recall_macro, 0.5);
    close(found.f1_macro, 0.517_857_142_857_142_8);
    close(found.precision_weighted, 0.722_222_222_222_222_2);
    close(found.recall_weighted, 2.0 / 3.0);
    close(found.f1_weighted, 0.690_476_190_476_190_4);
    close(found.auc_macro.unwrap(), 0.958_333_333_333_333_4);
    close(found.auc_weighted.unwrap(), 0.958_333_333_333_333_4);
    assert_eq!(found.auc_undefined, [3]);
    close(found.classes[1].auc.unwrap(), 0.9375);
    close(found.classes[0].average_precision.unwrap(), 0.95);
    close(found.classes[1].average_precision.unwrap(), 0.9);
    close(found.log_loss.unwrap(), 0.673_614_102_000_930_2);
    close(found.mae.unwrap(), 0.225);
    close(found.rmse.unwrap(), 0.297_909_382_195_324_6);
    close(found.rae.unwrap(), 0.675);
    close(found.rrse.unwrap(), 0.729_725_975_966_321_2);
    assert_eq!(found.classes[3].average_precision, None);
}

#[test]
fn two_classes_have_one_area() {
    let truth = [0, 0, 1, 1, 0, 1, 1, 0];
    let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.7, 0.6, 0.65];
    let confidence = [scores.map(|score| 1.0 - score).to_vec(), scores.to_vec()];
    let predicted = scores.map(|score| u32::from(score > 0.5));
    let found = classification(2, &truth, &predicted, Some(&confidence)).unwrap();
    close(found.auc_weighted.unwrap(), 0.75);
    close(found.auc_macro.unwrap(), 0.75);
    close(found.classes[1].average_precision.unwrap(), 0.830_357_142_857_142_8);
    close(found.log_loss.unwrap(), 0.539_662_516_400_762);
}

#[test]
fn rows_without_a_prediction_are_wrong_and_without_a_truth_left_out() {
    let found = classification(2, &[0, 0, 1, MISSING], &[0, MISSING, 1, 1], None).unwrap();
    assert_eq!((found.rows, found.unpredicted), (3, 1));
    close(found.accuracy, 2.0 / 3.0);
    close(found.recall_macro, 0.75);
    close(found.precision_macro, 1.0);
    assert_eq!((found.auc_macro, found.log_loss), (None, None));
    assert!(found.auc_undefined.is_empty());
}

#[test]
fn what_is_not_defined_is_said_to_be() {
    let found = classification(2, &[1, 1], &[1, 1], Some(&[vec![0.0, 0.1], vec![1.0, 0.9]])).unwrap();
    assert_eq!((found.kappa, found.matthews, found.auc_macro), (None, 0.0, None));
    assert_eq!(found.auc_undefined, [0, 1]);
    assert_eq!(found.rae, None);
    close(found.balanced_accuracy, 1.0);
    let gap = classification(2, &[0, 1], &[0, 1], Some(&[vec![0.9, f64::NAN], vec![0.1, 0.8]])).unwrap();
    assert_eq!((gap.log_loss, gap.classes[0].auc, gap.classes[1].auc), (None, None, Some(1.0)));
    assert_eq!(classification(2, &[MISSING], &[0], None), None);
    assert_eq!(classification(2, &[0, 1], &[0], None), None);
    assert_eq!(classification(2, &[0], &[0], Some(&[vec![0.5]])), None);
    assert_eq!(classification(0, &[], &[], None), None);
}

proptest! {
    #[test]
    fn confusion_and_measures_agree(rows in prop::collection::vec((0u32..4, 0u32..5), 1..80)) {
        let truth: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let predicted: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let found = classification(4, &truth, &predicted, None).unwrap();
        let cells = confusion(4, &truth, &predicted);
        prop_assert_eq!(cells.iter().sum::<u64>(), found.rows - found.unpredicted);
        let diagonal: u64 = (0..4).map(|class| cells[class * 5]).sum();
        prop_assert!((found.accuracy - diagonal as f64 / rows.len() as f64).abs() < 1e-15);
        prop_assert!((found.recall_weighted - found.accuracy).abs() < 1e-12);
        prop_assert!(found.matthews.abs() <= 1.0 + 1e-12);
    }
}
