//! How SQLite finds the rows: no list may read a whole table to show a page of a part
//! of it. Plans do not depend on the rows, as no statistics are kept.

use sqlx::AssertSqlSafe;

use crate::catalogue::{Options, Store};
use crate::evaluations::{EvaluationQuery, MEASURES_OF_FLOW};
use crate::list::{RunQuery, RunSort};

const SORTS: &str = "USE TEMP B-TREE FOR ORDER BY";

async fn plan(store: &Store, sql: &str) -> Vec<String> {
    let rows: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&store.inner.writer).await.unwrap();
    rows.into_iter().map(|(.., detail)| detail).collect()
}

/// The first step, and whether the rows are sorted after they are found.
fn gist(plan: &[String]) -> (&str, bool) {
    (plan[0].split_once("INDEX ").map_or(plan[0].as_str(), |(_, index)| index), plan.iter().any(|step| step == SORTS))
}

async fn open() -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Store::open(dir.path(), Options::default()).await.unwrap(), dir)
}

#[tokio::test]
async fn runs_are_found_by_an_index() {
    let (store, _dir) = open().await;
    let any = RunQuery::default;
    let primary = "sqlite_autoindex_run_1 (id=?)";
    for (query, index, sorted) in [
        (any(), "sqlite_autoindex_run_1", false),
        (RunQuery { after: Some(7), ..any() }, "sqlite_autoindex_run_1 (id>?)", false),
        (RunQuery { descending: true, after: Some(7), ..any() }, "sqlite_autoindex_run_1 (id<?)", false),
        (RunQuery { tasks: vec![1], ..any() }, "run_by_task (task_id=?)", false),
        (RunQuery { tasks: vec![1], after: Some(7), ..any() }, "run_by_task (task_id=? AND id>?)", false),
        (RunQuery { tasks: vec![1, 2], ..any() }, "run_by_task (task_id=?)", true),
        (RunQuery { setups: vec![1], ..any() }, "run_by_setup (setup_id=?)", false),
        (RunQuery { setups: vec![1], tasks: vec![1], ..any() }, "run_by_setup (setup_id=?)", false),
        (RunQuery { flows: vec![1], ..any() }, "run_by_flow (flow_id=?)", false),
        (RunQuery { datasets: vec![1], ..any() }, "run_by_dataset (dataset_id=?)", false),
        (RunQuery { uploaders: vec![1], ..any() }, "run_by_uploader (uploader=?)", false),
        (RunQuery { tag: Some(String::new()), ..any() }, primary, true),
        (RunQuery { study: Some(1), ..any() }, primary, true),
        (RunQuery { ids: vec![1, 2], ..any() }, primary, true),
        (RunQuery { sort: RunSort::Uploaded, descending: true, ..any() }, "run_by_upload", false),
    ] {
        let rows = plan(&store, &query.rows_sql()).await;
        assert_eq!(gist(&rows), (index, sorted), "{query:?}: {rows:#?}");
        let others = rows[1..].iter().filter(|step| step.starts_with("SCAN"));
        assert_eq!(others.count(), 0, "{query:?}: {rows:#?}");
        let count = plan(&store, &query.count_sql()).await;
        assert!(count.iter().all(|step| !step.contains("JOIN")), "{query:?}: {count:#?}");
    }
    let of_study = plan(&store, &RunQuery { study: Some(1), ..any() }.rows_sql()).await;
    assert!(of_study.iter().any(|step| step.ends_with("(study_id=? AND kind=?)")), "{of_study:#?}");
    let tagged = plan(&store, &RunQuery { tag: Some(String::new()), ..any() }.rows_sql()).await;
    assert!(tagged.iter().any(|step| step.ends_with("tag_by_tag (kind=? AND tag=?)")), "{tagged:#?}");
}

#[tokio::test]
async fn evaluations_are_found_by_an_index() {
    let (store, _dir) = open().await;
    let any = || EvaluationQuery::of("kappa");
    let best = || EvaluationQuery { highest_first: Some(true), ..any() };
    for (query, index, sorted) in [
        (any(), "evaluation_by_measure (measure=?)", false),
        (EvaluationQuery { after: Some(7), ..any() }, "evaluation_by_measure (measure=? AND run_id>?)", false),
        (EvaluationQuery { tasks: vec![1], ..any() }, "evaluation_by_task (task_id=? AND measure=?)", false),
        (EvaluationQuery { tasks: vec![1, 2], ..any() }, "evaluation_by_task (task_id=? AND measure=?)", true),
        (EvaluationQuery { flows: vec![1], ..any() }, "evaluation_by_flow (flow_id=? AND measure=?)", false),
        (EvaluationQuery { datasets: vec![1], ..any() }, "evaluation_by_dataset (dataset_id=? AND measure=?)", false),
        (EvaluationQuery { uploaders: vec![1], ..any() }, "evaluation_by_uploader (uploader=? AND measure=?)", false),
        (EvaluationQuery { setups: vec![1], ..any() }, "evaluation_by_measure (measure=? AND run_id=?)", true),
        (EvaluationQuery { tag: Some(String::new()), ..any() }, "evaluation_by_measure (measure=? AND run_id=?)", true),
        (EvaluationQuery { study: Some(1), ..any() }, "evaluation_by_measure (measure=? AND run_id=?)", true),
        (best(), "evaluation_by_value (measure=?)", false),
        (EvaluationQuery { highest_first: Some(false), ..any() }, "evaluation_by_value (measure=?)", false),
        (EvaluationQuery { tasks: vec![1], ..best() }, "evaluation_by_task (task_id=? AND measure=?)", true),
    ] {
        let rows = plan(&store, query.statement().sql().as_str()).await;
        assert_eq!(gist(&rows), (index, sorted), "{query:?}: {rows:#?}");
        assert!(rows.iter().all(|step| !step.starts_with("SCAN")), "{query:?}: {rows:#?}");
    }
    let rows = plan(&store, MEASURES_OF_FLOW).await;
    assert_eq!(rows, ["SEARCH evaluation USING COVERING INDEX evaluation_by_flow (flow_id=?)"]);
}

#[tokio::test]
async fn scores_are_found_by_an_index() {
    let (store, _dir) = open().await;
    for sql in crate::scores::statements() {
        let rows = plan(&store, sql).await;
        assert!(rows.iter().all(|step| step.starts_with("SEARCH")), "{rows:#?}");
        assert!(!rows.iter().any(|step| step.contains("evaluation_by")), "{rows:#?}");
    }
}
