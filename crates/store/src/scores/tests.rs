use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::chunk::{Entry, Scores};
use super::pack::Limits;
use super::packed::{pack_runs, pack_scores, unpack_runs, unpack_scores};
use super::*;
use crate::{Evaluation, EvaluationQuery, NewPerson, NewRun, RunQuery, Store, StoreError};

#[path = "../../tests/support/fixture.rs"]
mod fixture;
use fixture::{embedded, flow, parents, run, task};

/// Small, so that a few runs make many chunks.
const SMALL: Limits = Limits { pending: 3, chunk: 4 };
const MEASURES: [&str; 3] = ["kappa", "predictive_accuracy", "'\0é"];

/// What is known of a run and its score, with bits for numbers: undefined equals undefined.
type Line = (i64, i64, String, i64, i64, Option<String>, i64, u64, u64);

fn bits(number: Option<f64>) -> u64 {
    number.map_or(u64::MAX, f64::to_bits)
}

fn defined(number: f64) -> Option<f64> {
    (!number.is_nan()).then_some(number)
}

/// What the rows say, by measure.
async fn by_rows(store: &Store, task: i64) -> BTreeMap<String, Vec<Line>> {
    let mut found = BTreeMap::new();
    for measure in MEASURES {
        let rows = store.evaluations(&EvaluationQuery { tasks: vec![task], ..EvaluationQuery::of(measure) }).await.unwrap();
        let uploaders = rows.iter().map(|row| row.uploader).collect::<Vec<_>>();
        let people = store.people_by_ids(&uploaders).await.unwrap();
        let line = |row: crate::EvaluationRow| {
            let (value, deviation) = (bits(row.value), bits(row.deviation));
            let (flow, uploader) = (row.flow_id, row.uploader);
            let name = people.iter().find(|person| person.id == uploader).map(|person| person.name.clone());
            (row.run_id, flow, row.flow_name.to_string(), row.setup_id, uploader, name, row.upload_ms, value, deviation)
        };
        if !rows.is_empty() {
            found.insert(measure.to_owned(), rows.into_iter().map(line).collect());
        }
    }
    found
}

fn by_columns(scores: &TaskScores) -> BTreeMap<String, Vec<Line>> {
    let line = |score: Score| {
        let (run, flow, uploader) = (score.run, &scores.flows()[score.run.flow], &scores.uploaders()[score.run.uploader]);
        let (value, deviation) = (bits(defined(score.value)), bits(defined(score.deviation)));
        let name = uploader.name.clone();
        (run.run_id, flow.id, flow.name.clone(), run.setup_id, uploader.id, name, run.upload_ms, value, deviation)
    };
    scores
        .measures()
        .iter()
        .map(|MeasureCount { measure, runs }| {
            assert!(scores.has(measure));
            let lines: Vec<Line> = scores.scores(measure).map(line).collect();
            assert_eq!((lines.len(), lines.is_empty()), (*runs, false), "{measure:?}");
            (measure.clone(), lines)
        })
        .collect()
}

/// The scores, whether read alone or made from `previous`, are what the rows are.
async fn check(store: &Store, task: i64, previous: Option<&TaskScores>) -> TaskScores {
    let expected = by_rows(store, task).await;
    let cold = store.task_scores(task, &MEASURES, None).await.unwrap();
    let grown = store.task_scores(task, &MEASURES, previous).await.unwrap();
    let runs: Vec<i64> = store
        .run_rows(&RunQuery { tasks: vec![task], limit: 1000, ..RunQuery::default() })
        .await
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    for scores in [&cold, &grown] {
        assert_eq!(by_columns(scores), expected);
        assert_eq!(scores.runs().map(|run| run.run_id).collect::<Vec<_>>(), runs);
        assert_eq!((scores.len(), scores.is_empty(), scores.task()), (runs.len(), runs.is_empty(), task));
        assert!(scores.flows().is_sorted_by(|a, b| a.id < b.id) && scores.uploaders().is_sorted_by(|a, b| a.id < b.id));
        assert!(scores.flows().iter().enumerate().all(|(at, _)| scores.runs().any(|run| run.flow == at)), "only those of its runs");
    }
    assert_eq!((cold.flows(), cold.uploaders(), cold.measures()), (grown.flows(), grown.uploaders(), grown.measures()));
    grown
}

#[derive(Clone, Debug)]
enum Step {
    Add {
        id: Option<i64>,
        task: i64,
        flow: i64,
        scores: Vec<(usize, Option<f64>)>,
    },
    Score {
        which: usize,
        scores: Vec<(usize, Option<f64>)>,
    },
    Delete {
        which: usize,
    },
    Hold {
        id: Option<i64>,
        scores: Vec<(usize, Option<f64>)>,
    },
    Publish,
    Reset,
    Join {
        person: i64,
    },
    Pack,
    /// What has been read so far is forgotten.
    Forget,
}

fn scores() -> impl Strategy<Value = Vec<(usize, Option<f64>)>> {
    let value = prop_oneof![3 => (0.0..1.0).prop_map(Some), 1 => Just(None), 1 => Just(Some(-0.0))];
    proptest::collection::btree_map(0..MEASURES.len(), value, 0..=MEASURES.len()).prop_map(|scores| scores.into_iter().collect())
}

fn step() -> impl Strategy<Value = Step> {
    let id = || proptest::option::weighted(0.3, 1_i64..40);
    prop_oneof![
        8 => (id(), 1..=2_i64, 1..=2_i64, scores()).prop_map(|(id, task, flow, scores)| Step::Add { id, task, flow, scores }),
        3 => (any::<usize>(), scores()).prop_map(|(which, scores)| Step::Score { which, scores }),
        3 => any::<usize>().prop_map(|which| Step::Delete { which }),
        2 => (id(), scores()).prop_map(|(id, scores)| Step::Hold { id, scores }),
        2 => Just(Step::Publish),
        1 => Just(Step::Reset),
        1 => (0..3_i64).prop_map(|person| Step::Join { person }),
        4 => Just(Step::Pack),
        1 => Just(Step::Forget),
    ]
}

fn evaluations(scores: &[(usize, Option<f64>)]) -> Vec<Evaluation> {
    let of = |(measure, value): &(usize, Option<f64>)| Evaluation {
        measure: MEASURES[*measure].to_owned(),
        value: *value,
        deviation: value.filter(|value| *value > 0.5),
        ..Evaluation::default()
    };
    scores.iter().map(of).collect()
}

async fn take(store: &Store, step: &Step) -> Result<(), StoreError> {
    let some_run = async |which: usize| {
        let runs = store.run_rows(&RunQuery { limit: 1000, ..RunQuery::default() }).await.unwrap();
        runs.get(which % runs.len().max(1)).map_or(0, |run| run.id)
    };
    match step {
        Step::Add { id, task, flow, scores } => {
            let upload_ms = Some(scores.len() as i64);
            let new = NewRun {
                id: *id,
                evaluations: evaluations(scores),
                uploader: scores.len() as i64,
                upload_ms,
                ..run(*task, *flow, *flow, 0.5)
            };
            store.add_run(new).await.map(drop)
        }
        Step::Score { which, scores } => store.set_evaluations(some_run(*which).await, evaluations(scores)).await,
        Step::Delete { which } => store.delete_run(some_run(*which).await).await,
        Step::Hold { id, scores } => store.hold_back(NewRun { id: *id, evaluations: evaluations(scores), ..run(1, 1, 1, 0.5) }).await,
        Step::Publish => store.publish_next_held().await.map(drop),
        Step::Reset => store.hold_back_again().await.map(drop),
        Step::Join { person } => {
            let new = NewPerson { id: Some(*person), name: format!("person {person}"), role: "member".to_owned(), key_hash: None };
            store.add_person(new).await.map(drop)
        }
        Step::Pack => {
            for task in [1, 2] {
                store.pack_within(task, SMALL).await?;
            }
            Ok(())
        }
        Step::Forget => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn columns_are_what_the_rows_are(steps in proptest::collection::vec(step(), 1..60)) {
        Runtime::new().unwrap().block_on(async {
            let (store, _dir) = embedded().await;
            let (d, t, _) = parents(&store).await;
            store.add_flow(flow("forest")).await.unwrap();
            store.add_task(crate::NewTask { measure: None, ..task(d) }).await.unwrap();
            let mut seen: BTreeMap<i64, TaskScores> = BTreeMap::new();
            for step in &steps {
                match take(&store, step).await {
                    Ok(()) | Err(StoreError::Conflict { .. } | StoreError::NotFound { .. } | StoreError::Invalid(_)) => {}
                    Err(other) => panic!("{other}"),
                }
                if matches!(step, Step::Forget) {
                    seen.clear();
                }
                for task in [t, t + 1] {
                    let scores = check(&store, task, seen.get(&task)).await;
                    seen.insert(task, scores);
                }
            }
            for task in [t, t + 1] {
                store.pack_within(task, Limits { pending: 1, ..SMALL }).await.unwrap();
                let scores = check(&store, task, seen.get(&task)).await;
                prop_assert!(scores.chunks.iter().all(|chunk| chunk.runs.len() <= SMALL.chunk));
                prop_assert_eq!(scores.chunks.last().map(|fresh| fresh.runs.len()), Some(0), "nothing is pending");
            }
            Ok(())
        })?;
    }

    #[test]
    fn packed_columns_come_back(rows in proptest::collection::vec(any::<(i64, [i64; 4], f64, bool)>(), 0..50)) {
        let column = |at: usize| rows.iter().map(move |row| row.1[at]);
        let runs = Runs {
            ids: rows.iter().map(|row| row.0).collect(),
            setups: column(0).collect(),
            upload_ms: column(1).collect(),
            flows: column(2).collect(),
            uploaders: column(3).collect(),
        };
        let bytes = pack_runs(&runs);
        prop_assert_eq!(unpack_runs(&bytes, rows.len()), Some(runs));
        prop_assert!(unpack_runs(&bytes, rows.len() + 1).is_none());
        let values: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let deviations = values.iter().map(|value| value / 2.0).collect();
        let present = rows.iter().any(|row| !row.3).then(|| rows.iter().map(|row| row.3).collect());
        let bytes = pack_scores(&Scores { values, deviations, present });
        let scores = unpack_scores(&bytes, rows.len()).unwrap();
        prop_assert_eq!(pack_scores(&scores), bytes.as_slice());
        prop_assert!((0..rows.len()).all(|row| scores.has(row) == (scores.present.is_none() || rows[row].3)));
        prop_assert!(rows.is_empty() || unpack_scores(&bytes[..8], rows.len()).is_none());
    }
}

#[test]
fn rows_become_columns() {
    let runs = Runs {
        ids: vec![3, 5, 9],
        setups: vec![1; 3],
        upload_ms: vec![0; 3],
        flows: [7, 8, 7].into_iter().collect(),
        uploaders: [1; 3].into_iter().collect(),
    };
    let entry = |run, measure: &str, value| Entry { run, measure: measure.to_owned(), value, deviation: None };
    let chunk = Chunk::of_rows(runs, vec![entry(3, "a", Some(1.0)), entry(9, "a", None), entry(9, "b", Some(2.0))]);
    assert_eq!((chunk.columns["a"].runs, chunk.columns["b"].runs), (2, 1));
    let a = chunk.scores("a").unwrap();
    assert_eq!((a.values[0], a.has(1), a.has(2), a.values[2].is_nan()), (1.0, false, true, true));
    let of = |rows| Chunk::gather(&[&chunk], &[Span { source: 0, rows }]);
    assert_eq!(of(1..3).runs.flows, [8, 7].into_iter().collect());
    assert!(of(0..2).columns.keys().eq(["a"]), "what nobody has is left out");
    assert!(of(2..3).scores("b").unwrap().present.is_none(), "all have it");
}

/// Publishing run after run, with a page that is looked at after each, reads and writes
/// little: most chunks stay as they are.
#[tokio::test]
async fn what_is_there_stays_where_it_is() {
    let (store, _dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    let mut seen = check(&store, t, None).await;
    for depth in 0..30 {
        store.add_run(run(t, f, depth, 0.5)).await.unwrap();
        store.pack_within(t, SMALL).await.unwrap();
        let next = check(&store, t, Some(&seen)).await;
        let stored = seen.chunks.len() - 1;
        for chunk in &seen.chunks[..stored.saturating_sub(1)] {
            assert!(next.chunks.iter().any(|other| Arc::ptr_eq(chunk, other)), "all but the last are shared");
        }
        seen = next;
    }
    assert_eq!(seen.chunks.len(), 9, "30 runs: seven full chunks, one that grows, and the pending ones");
}

/// A run that changes while its chunk is made stays pending.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packing_beside_writers() {
    let (store, _dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    for depth in 0..12 {
        store.add_run(run(t, f, depth, 0.5)).await.unwrap();
    }
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for step in 0..60_i64 {
                let value = step as f64 / 100.0;
                store.set_evaluations(1 + step % 12, evaluations(&[(step as usize % 3, Some(value))])).await.unwrap();
                if step % 5 == 0 {
                    store.add_run(run(t, f, step, value)).await.unwrap();
                }
                if step % 20 == 19 {
                    store.delete_run(13 + step / 20).await.unwrap();
                }
            }
        }
    });
    let mut seen = None;
    while !writer.is_finished() {
        store.pack_within(t, Limits { pending: 1, chunk: 4 }).await.unwrap();
        seen = Some(store.task_scores(t, &MEASURES, seen.as_ref()).await.unwrap());
    }
    writer.await.unwrap();
    check(&store, t, seen.as_ref()).await;
}

#[tokio::test]
async fn a_damaged_chunk_is_an_error() {
    let (store, _dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    for depth in 0..4 {
        store.add_run(run(t, f, depth, 0.5)).await.unwrap();
    }
    store.pack_within(t, SMALL).await.unwrap();
    sqlx::query("UPDATE score_column SET data = x'00' WHERE measure = 'kappa'").execute(&store.inner.writer).await.unwrap();
    assert!(store.task_scores(t, &["predictive_accuracy"], None).await.is_ok());
    let error = store.task_scores(t, &["kappa"], None).await.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { .. }), "{error}");
    sqlx::query("UPDATE score_chunk SET data = x'00'").execute(&store.inner.writer).await.unwrap();
    assert!(matches!(store.task_scores(t, &[], None).await, Err(StoreError::Corrupt { .. })));
}
