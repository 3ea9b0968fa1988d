//! labboard's measures are scikit-learn's: every demo run against `demo/golden.json`, which the demo
//! script computed with scikit-learn from the same predictions.
#![cfg(feature = "ssr")]

use std::path::Path;

use labboard_frame::evaluate::{self, Detail};
use labboard_openml::predictions::Predictions;
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * b.abs().max(1.0)
}

/// labboard's name of one of the golden file's measures.
fn own_name(golden: &str) -> Option<&'static str> {
    Some(match golden {
        "predictive_accuracy" => "predictive_accuracy",
        "area_under_roc_curve_weighted" => "area_under_roc_curve",
        "area_under_roc_curve_macro" => "macro_area_under_roc_curve",
        "f_measure_weighted" => "f_measure",
        "precision_weighted" => "precision",
        "recall_weighted" => "recall",
        "kappa" => "kappa",
        "mean_absolute_error" => "mean_absolute_error",
        "root_mean_squared_error" => "root_mean_squared_error",
        "r2" => "r_squared",
        _ => return None,
    })
}

#[test]
fn every_demo_run_equals_scikit_learn() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo");
    let golden = std::fs::read(demo.join("golden.json")).expect("the golden file");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let runs = golden["runs"].as_object().expect("runs");
    assert!(runs.len() >= 100, "{} runs", runs.len());
    let mut compared = 0;
    for (id, expected) in runs {
        let content = std::fs::read(demo.join(format!("data/run/{id}/predictions.arff"))).expect("predictions");
        let evaluation = evaluate::run(&Predictions::read(&content).expect("predictions")).expect("an evaluation");
        for (name, values) in expected["measures"].as_object().expect("measures") {
            let Some(own) = own_name(name) else { continue };
            let found = evaluation.measure(own).unwrap_or_else(|| panic!("run {id} has no {own}"));
            let pooled = values["value"].as_f64().expect("a number");
            assert!(close(found.overall, pooled), "run {id}, {name}: {} is not {pooled}", found.overall);
            let folds = found.over_folds().expect("folds");
            let (mean, std) = (values["mean"].as_f64().expect("a number"), values["std"].as_f64().expect("a number"));
            assert!(close(folds.mean, mean), "run {id}, mean of {name}: {} is not {mean}", folds.mean);
            assert!(close(folds.population_std, std), "run {id}, std of {name}: {} is not {std}", folds.population_std);
            compared += 3;
        }
        if let Detail::Classification { classes, measures, confusion } = &evaluation.detail {
            for (class, of_class) in classes.iter().zip(&measures.classes) {
                if let (Some(found), Some(wanted)) = (of_class.average_precision, expected["average_precision"][class].as_f64()) {
                    assert!(close(found, wanted), "run {id}, average precision of {class}: {found} is not {wanted}");
                    compared += 1;
                }
            }
            let wanted = expected["confusion"].as_array().expect("a matrix").iter().flat_map(|row| row.as_array().expect("a row"));
            let wanted = wanted.map(|count| count.as_u64().expect("a count")).collect::<Vec<_>>();
            assert_eq!(confusion, &wanted, "run {id}");
        }
    }
    assert!(compared > 3_000, "{compared} values compared");
}
