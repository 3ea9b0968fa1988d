//! Small entities to test with.
#![allow(dead_code)]

use std::collections::BTreeMap;

use labboard_openml::table::{Feature, Kind as FeatureKind, MISSING, Table, Values};
use labboard_store::*;
use tempfile::TempDir;

/// An empty embedded store, and what keeps its folder alive.
pub async fn embedded() -> (Store, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).await.unwrap();
    (store, dir)
}

pub const HOSTILE: &str = "'; DROP TABLE run; -- %_\\ <b>\u{202e}\"\n\0é";

pub fn table() -> Table {
    Table {
        name: "weather".to_owned(),
        description: String::new(),
        features: vec![
            Feature { name: "temperature".to_owned(), values: Values::Numeric(vec![1.5, f64::NAN, 3.0]) },
            Feature {
                name: HOSTILE.to_owned(),
                values: Values::Nominal { codes: vec![0, MISSING, 1], levels: vec!["yes".to_owned(), "no".to_owned()] },
            },
        ],
    }
}

pub fn dataset(store: &Store, name: &str) -> NewDataset {
    let feature = |name: &str, kind, is_target| NewFeature {
        name: name.to_owned(),
        kind,
        is_target,
        is_ignored: false,
        is_row_id: false,
        missing: 1,
        distinct: 2,
        summary: r#"{"min":1.5}"#.to_owned(),
    };
    NewDataset {
        id: None,
        name: name.to_owned(),
        version: None,
        description: "Whether to play".to_owned(),
        format: "ARFF".to_owned(),
        about: About { creators: vec!["A. Person".to_owned()], licence: Some("CC0".to_owned()), ..About::default() },
        default_target: Some(HOSTILE.to_owned()),
        row_id: None,
        ignored: Vec::new(),
        status: Status::Active,
        uploader: 1,
        upload_ms: Some(1_700_000_000_000),
        md5: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        columns: store.columns().write(&table()).unwrap(),
        file: Some(store.files().put("weather.arff", "text/plain", b"@relation weather").unwrap()),
        classes: 2,
        features: vec![feature("temperature", FeatureKind::Numeric, false), feature(HOSTILE, FeatureKind::Nominal, true)],
        qualities: vec![quality("NumberOfInstances", Some(3.0)), quality("ClassEntropy", Some(f64::NAN))],
    }
}

pub fn quality(name: &str, value: Option<f64>) -> NewQuality {
    NewQuality { name: name.to_owned(), value }
}

pub fn task(dataset_id: i64) -> NewTask {
    NewTask {
        id: None,
        type_id: 1,
        name: "Supervised Classification on weather".to_owned(),
        dataset_id,
        target: Some(HOSTILE.to_owned()),
        procedure: Procedure {
            id: Some(1),
            kind: "crossvalidation".to_owned(),
            repeats: Some(1),
            folds: Some(10),
            percentage: None,
            stratified: true,
        },
        measure: Some("predictive_accuracy".to_owned()),
        about: TaskAbout::default(),
        splits: None,
        uploader: 1,
        upload_ms: None,
    }
}

pub fn flow(name: &str) -> NewFlow {
    NewFlow {
        id: None,
        name: name.to_owned(),
        version: None,
        external_version: "sklearn==1.9".to_owned(),
        class_name: Some("sklearn.tree.Tree".to_owned()),
        custom_name: None,
        description: "A tree".to_owned(),
        language: Some("English".to_owned()),
        dependencies: None,
        parameters: vec![Parameter {
            name: "depth".to_owned(),
            data_type: Some("int".to_owned()),
            default: Some("3".to_owned()),
            description: None,
        }],
        components: Vec::new(),
        uploader: 1,
        upload_ms: None,
    }
}

pub fn setting(component: i64, name: &str, value: &str) -> ParameterSetting {
    ParameterSetting { component, name: name.to_owned(), value: value.to_owned() }
}

pub fn evaluation(measure: &str, value: f64) -> Evaluation {
    Evaluation {
        measure: measure.to_owned(),
        value: Some(value),
        deviation: Some(0.01),
        claimed: None,
        folds: (0..10).map(|fold| Fold { repeat: 0, fold, sample: None, value: Some(value + f64::from(fold) / 1000.0) }).collect(),
        per_class: None,
    }
}

pub fn run(task_id: i64, flow_id: i64, depth: i64, accuracy: f64) -> NewRun {
    NewRun {
        id: None,
        task_id,
        flow_id,
        setup_id: None,
        parameters: vec![setting(flow_id, "depth", &depth.to_string())],
        setup_string: None,
        uploader: 1,
        upload_ms: None,
        error: None,
        files: Vec::new(),
        evaluations: vec![evaluation("predictive_accuracy", accuracy), evaluation("kappa", accuracy - 0.1)],
        tags: Vec::new(),
    }
}

pub fn study(main_entity: StudyEntity, entities: &[i64]) -> NewStudy {
    NewStudy {
        id: None,
        alias: None,
        main_entity,
        benchmark_suite: None,
        name: "A comparison".to_owned(),
        description: "Of trees".to_owned(),
        status: Status::InPreparation,
        creator: 1,
        created_ms: None,
        entities: entities.to_vec(),
    }
}

/// One dataset, task and flow: their ids.
pub async fn parents(store: &Store) -> (i64, i64, i64) {
    let d = store.add_dataset(dataset(store, "weather")).await.unwrap();
    let t = store.add_task(task(d)).await.unwrap();
    let f = store.add_flow(flow("tree")).await.unwrap();
    (d, t, f)
}

/// Every run of the task that has the measure, by run, with its folds.
pub async fn rows_of_task(store: &Store, task: i64, measure: &str) -> Vec<EvaluationRow> {
    store.evaluations(&EvaluationQuery { tasks: vec![task], folds: true, ..EvaluationQuery::of(measure) }).await.unwrap()
}

/// Every run of the task with its value of the measure, if it has the measure at all.
pub fn values(scores: &TaskScores, measure: &str) -> Vec<(i64, Option<f64>)> {
    assert!(scores.has(measure));
    let values: BTreeMap<i64, f64> = scores.scores(measure).map(|score| (score.run.run_id, score.value)).collect();
    scores.runs().map(|run| (run.run_id, values.get(&run.run_id).copied())).collect()
}

/// An operation of a room.
pub fn op(seq: u64) -> LoggedOp {
    LoggedOp { seq, json: seq.to_string(), at_ms: 1000 * seq as i64, author: HOSTILE.to_owned() }
}
