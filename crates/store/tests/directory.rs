//! What only a data directory can get wrong: crashes, two servers, old and newer
//! directories, and how fast it is.

#[path = "support/fixture.rs"]
mod fixture;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fixture::*;
use labboard_store::*;

async fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::open(dir, Options::default()).await
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("not/there/yet");
    let store = open(&deep).await.unwrap();
    let (d, t, f) = parents(&store).await;
    store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    store.append_ops("room", &[op(1)]).await.unwrap();
    store.close().await;

    let started = Instant::now();
    let store = open(&deep).await.unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_millis(250), "opening took {took:?}");
    assert_eq!(store.dataset(d).await.unwrap().name, "weather");
    assert_eq!(rows_of_task(&store, t, "kappa").await.len(), 1);
    assert_eq!(store.load_room("room", 0).await.unwrap().tail.len(), 1);
}

#[tokio::test]
async fn a_second_server_is_refused_and_told_where_the_first_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    assert_eq!(Store::owner(dir.path()), None);
    store.set_owner_address("http://127.0.0.1:4321").unwrap();
    assert_eq!(Store::owner(dir.path()).as_deref(), Some("http://127.0.0.1:4321"));
    let error = open(dir.path()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Locked { owner: Some(owner), .. } if owner.ends_with("4321")));
    assert_eq!(error.to_string().lines().count(), 1);
    let clone = store.clone();
    drop(store);
    assert!(open(dir.path()).await.is_err(), "a clone still holds it");
    drop(clone);
    open(dir.path()).await.unwrap();
    assert_eq!(Store::owner(dir.path()), None);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.unwrap().close().await;
    let tmp = dir.path().join("tmp");
    fs::write(tmp.join("0"), b"half a file").unwrap();
    fs::create_dir(tmp.join("1")).unwrap();
    fs::write(tmp.join("1/0.f64"), b"half a table").unwrap();
    let store = open(dir.path()).await.unwrap();
    assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    parents(&store).await;
    assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
}

#[tokio::test]
async fn content_without_a_row_is_removed_after_a_crash_but_not_before_its_row_comes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    let (_, t, f) = parents(&store).await;
    let loose = store.files().put("p", "text/plain", b"its run was never added").unwrap();
    let again = store.files().put("p", "text/plain", b"it is sent again").unwrap();
    let unused = store.columns().write(&labboard_openml::table::Table::default()).unwrap();
    assert_eq!(store.sweep_leftovers().await.unwrap(), Swept::default());
    // The next owner starts later by the file system's clock too.
    let ticks = dir.path().join("ticks");
    let stamp = || {
        fs::write(&ticks, b"").unwrap();
        fs::metadata(&ticks).unwrap().modified().unwrap()
    };
    let written = stamp();
    while stamp() <= written {}
    store.close().await;

    let store = open(dir.path()).await.unwrap();
    assert_eq!(store.files().put("p", "text/plain", b"it is sent again").unwrap(), again);
    let fresh = store.files().put("p", "text/plain", b"of a run that is being added").unwrap();
    assert_eq!(store.sweep_leftovers().await.unwrap(), Swept { files: 1, tables: 1 });
    assert!(store.files().read(&loose.hash).is_err());
    assert!(store.columns().open(&unused).is_err());
    for file in [again, fresh] {
        let files = vec![NewRunFile { role: "predictions".to_owned(), file }];
        store.add_run(NewRun { files, ..run(t, f, 1, 0.5) }).await.unwrap();
    }
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), Swept::default());
    assert!(store.columns().open(&store.dataset(1).await.unwrap().columns).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_takes_nothing_from_those_who_publish_meanwhile() {
    const CONTENTS: u32 = 100;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    let (_, t, f) = parents(&store).await;
    let put = |store: &Store, number: u32| store.files().put("p", "text/plain", &number.to_le_bytes()).unwrap();
    for number in 0..CONTENTS {
        put(&store, number);
    }
    store.close().await;

    // All of it is left over, and comes again while it is being swept.
    let store = open(dir.path()).await.unwrap();
    let sweeper = tokio::spawn({
        let store = store.clone();
        async move { store.sweep_leftovers().await.unwrap() }
    });
    let files = tokio::task::spawn_blocking({
        let store = store.clone();
        move || (0..CONTENTS).map(|number| put(&store, number)).collect::<Vec<_>>()
    });
    let files = files.await.unwrap();
    sweeper.await.unwrap();
    let mut batch = store.begin().await.unwrap();
    for file in files {
        let files = vec![NewRunFile { role: "predictions".to_owned(), file }];
        batch.add_run(NewRun { files, ..run(t, f, 1, 0.5) }).await.unwrap();
    }
    batch.commit().await.unwrap();
}

#[tokio::test]
async fn a_directory_from_a_newer_labboard_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("catalogue.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let error = open(dir.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration { .. }), "{error}");
}

/// The catalogue as the first release left it, with one of everything.
async fn first_release(dir: &Path) {
    use sqlx::migrate::{Migration, MigrationType, Migrator};
    let sql = sqlx::AssertSqlSafe(include_str!("../../../migrations/catalogue/0001_catalogue.sql"));
    let first = Migration::new(1, "catalogue".into(), MigrationType::Simple, sqlx::SqlSafeStr::into_sql_str(sql), false);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("catalogue.sqlite")).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    Migrator::with_migrations(vec![first]).run(&pool).await.unwrap();
    for sql in [
        "INSERT INTO counter VALUES ('revision', 9), ('dataset', 2), ('task', 3), ('flow', 4), ('setup', 5), ('run', 7), ('person', 1)",
        "INSERT INTO setting VALUES ('invite', 'abc')",
        "INSERT INTO person VALUES (1, 'ann', 'admin', 'hash', 1)",
        "INSERT INTO dataset VALUES (2, 'weather', 1, 'd', 'ARFF', '{}', NULL, NULL, '[]', 'active', 1, 1, 'm',
             'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', NULL, 3, 2, 0, 0, 9)",
        "INSERT INTO task VALUES (3, 1, 't', 2, NULL, 'kappa', 1, 'crossvalidation', 1, 10, NULL, 1, '{}', NULL, 1, 1, 'f', 9)",
        "INSERT INTO flow VALUES (4, 'tree', 1, 'x', NULL, NULL, 'd', NULL, NULL, '[]', 1, 1, 9)",
        "INSERT INTO setup VALUES (5, 4, '[]', 'g')",
        "INSERT INTO run VALUES (6, 3, 4, 5, 2, NULL, 1, 1, NULL, 9), (7, 3, 4, 5, 2, NULL, 1, 1, NULL, 9)",
        "INSERT INTO evaluation VALUES (6, 'kappa', 3, 4, 5, 2, 1, 1, 0.5, NULL, NULL, '[]', NULL)",
        "INSERT INTO tag VALUES ('run', 7, 'good', 1, 1)",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;
}

#[tokio::test]
async fn a_directory_of_the_first_release_is_whole_after_the_upgrade() {
    let dir = tempfile::tempdir().unwrap();
    first_release(dir.path()).await;
    for _ in 0..2 {
        let store = open(dir.path()).await.unwrap();
        assert_eq!(store.setting("invite").await.unwrap().as_deref(), Some("abc"));
        assert_eq!(store.person_with_key("hash").await.unwrap().unwrap().name, "ann");
        assert_eq!(store.dataset(2).await.unwrap().name, "weather");
        assert_eq!(store.task(3).await.unwrap().dataset_name, "weather");
        assert_eq!(store.flow(4).await.unwrap().name, "tree");
        assert_eq!(store.setup(5).await.unwrap().flow_id, 4);
        assert_eq!(store.run(6).await.unwrap().uploader_name.as_deref(), Some("ann"));
        assert_eq!(rows_of_task(&store, 3, "kappa").await[0].value, Some(0.5));
        let scores = store.task_scores(3, &["kappa"], None).await.unwrap();
        assert_eq!(values(&scores, "kappa"), [(6, Some(0.5)), (7, None)]);
        let tagged = RunQuery { tag: Some("good".to_owned()), ..RunQuery::default() };
        assert_eq!(store.list_runs(&tagged).await.unwrap().rows[0].id, 7);
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.datasets, counts.tasks, counts.flows, counts.runs), (1, 1, 1, 2));
        store.close().await;
    }
    let store = open(dir.path()).await.unwrap();
    let refused = store.set_id_floor(1_000_000_000).await;
    assert!(matches!(refused, Err(StoreError::LowIds { kind: Kind::Dataset, .. })), "its own ids are not known from others");
    assert_eq!(store.add_run(run(3, 4, 1, 0.5)).await.unwrap(), 8);
    let id = store.add_study(study(StudyEntity::Run, &[6, 8])).await.unwrap();
    assert_eq!(store.study(id).await.unwrap().entities, [6, 8]);
}

#[tokio::test]
async fn a_file_in_the_way_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    fs::write(&path, b"").unwrap();
    assert!(matches!(open(&path).await, Err(StoreError::Io { .. })));
}

#[tokio::test]
async fn a_damaged_database_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("catalogue.sqlite"), vec![7; 8192]).unwrap();
    assert!(open(dir.path()).await.is_err());
    assert!(Store::owner(dir.path()).is_none());
}

/// Run in a process of its own by the test below, which kills it.
#[tokio::test]
#[ignore = "only as the child of killed_at_any_moment"]
async fn child_that_writes() {
    let Ok(dir) = std::env::var("LABBOARD_STORE_TEST_DIR") else {
        return;
    };
    let store = open(Path::new(&dir)).await.unwrap();
    let (_, t, f) = parents(&store).await;
    for i in 0.. {
        let content = format!("predictions {i}").repeat(1000);
        let predictions = store.files().put("p.arff", "text/plain", content.as_bytes()).unwrap();
        let file = NewRunFile { role: "predictions".to_owned(), file: predictions };
        let mut batch = store.begin().await.unwrap();
        for depth in 0..3 {
            let files = vec![file.clone()];
            batch.add_run(NewRun { files, ..run(t, f, depth, 0.5) }).await.unwrap();
        }
        batch.commit().await.unwrap();
        store.append_ops("room", &[op(i + 1)]).await.unwrap();
        println!("acknowledged {i}");
    }
}

/// Runs a test in a process of its own and kills it `later` than it said that it has done
/// so many steps. Says how many it did.
fn kill(child: &str, dir: &Path, steps: i64, later: Duration) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env("LABBOARD_STORE_TEST_DIR", dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let Some((_, number)) = line.split_once("acknowledged ") else {
            continue;
        };
        acknowledged = number.parse::<i64>().unwrap() + 1;
        if acknowledged == steps {
            std::thread::sleep(later);
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged > 0);
    acknowledged
}

#[tokio::test]
async fn killed_at_any_moment() {
    for round in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let acknowledged = kill("child_that_writes", dir.path(), 5 + round * 7, Duration::from_micros(300 * round as u64));

        let store = open(dir.path()).await.unwrap();
        let runs = store.counts().await.unwrap().runs;
        assert!(runs >= 3 * acknowledged, "{runs} runs of {acknowledged} batches");
        assert_eq!(runs % 3, 0, "half a batch");
        let rooms = store.load_room("room", 0).await.unwrap().tail.len() as i64;
        assert!(rooms >= acknowledged && rooms <= runs / 3);
        for row in store.runs_of_task(1).await.unwrap() {
            let run = store.run(row.id).await.unwrap();
            let file = run.file("predictions").unwrap();
            let content = store.files().read(&file.hash).unwrap();
            assert_eq!(ContentHash::of(&content), file.hash);
            assert_eq!(store.evaluations_of_run(row.id).await.unwrap().len(), 2);
        }
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }
}

/// Run in a process of its own by the test below, which kills it.
#[tokio::test]
#[ignore = "only as the child of killed_while_packing"]
async fn child_that_packs() {
    let Ok(dir) = std::env::var("LABBOARD_STORE_TEST_DIR") else {
        return;
    };
    let store = open(Path::new(&dir)).await.unwrap();
    let (_, t, f) = parents(&store).await;
    for round in 0.. {
        let mut batch = store.begin().await.unwrap();
        for depth in 0..260 {
            batch.add_run(NewRun { evaluations: vec![evaluation("kappa", depth as f64)], ..run(t, f, 1, 0.5) }).await.unwrap();
        }
        if round > 0 {
            batch.delete_run(round * 200).await.unwrap();
            batch.set_evaluations(round * 200 + 1, vec![evaluation("kappa", -1.0)]).await.unwrap();
        }
        batch.commit().await.unwrap();
        println!("acknowledged {round}");
        store.pack_scores(t).await.unwrap();
    }
}

#[tokio::test]
async fn killed_while_packing() {
    for round in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let acknowledged = kill("child_that_packs", dir.path(), 1 + round, Duration::from_millis(4 * round as u64));
        let store = open(dir.path()).await.unwrap();
        for _ in 0..2 {
            let rows = rows_of_task(&store, 1, "kappa").await;
            let scores = store.task_scores(1, &["kappa"], None).await.unwrap();
            assert_eq!(values(&scores, "kappa"), rows.iter().map(|row| (row.run_id, row.value)).collect::<Vec<_>>());
            assert!(scores.len() as i64 > 259 * acknowledged);
            store.pack_scores(1).await.unwrap();
        }
    }
}

/// An import of a folder: 130 runs with 10 measures on 10 folds each.
#[tokio::test]
async fn an_import_takes_well_under_a_second() {
    let (store, dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    let measures: Vec<String> = (0..10).map(|i| format!("measure_{i}")).collect();
    let started = Instant::now();
    let mut batch = store.begin().await.unwrap();
    for depth in 0..130 {
        let evaluations = measures.iter().map(|name| evaluation(name, 0.5)).collect();
        let run = NewRun { evaluations, ..run(t, f, depth, 0.5) };
        batch.add_run(run).await.unwrap();
    }
    batch.commit().await.unwrap();
    let imported = started.elapsed();
    let started = Instant::now();
    assert_eq!(rows_of_task(&store, t, "measure_3").await.len(), 130);
    let read = started.elapsed();
    store.close().await;
    let started = Instant::now();
    let store = open(dir.path()).await.unwrap();
    store.counts().await.unwrap();
    let opened = started.elapsed();
    println!("import {imported:?}, evaluations {read:?}, open {opened:?}");
    assert!(imported < Duration::from_secs(1), "{imported:?}");
}

/// Numbers to look at, not a test: `cargo test -- --ignored --nocapture numbers`.
#[tokio::test]
#[ignore = "prints timings"]
async fn numbers() {
    let (store, dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    let started = Instant::now();
    let mut batch = store.begin().await.unwrap();
    for depth in 0..20_000 {
        batch.add_run(run(t, f, depth % 50, 0.5)).await.unwrap();
    }
    batch.commit().await.unwrap();
    println!("20,000 runs added: {:?}", started.elapsed());
    for _ in 0..2 {
        let started = Instant::now();
        let rows = rows_of_task(&store, t, "kappa").await;
        println!("{} evaluations: {:?}", rows.len(), started.elapsed());
    }
    let started = Instant::now();
    let page = store.list_runs(&RunQuery::default()).await.unwrap();
    println!("first of {} runs: {:?}", page.total, started.elapsed());
    let started = Instant::now();
    store.search("tree", 5).await.unwrap();
    println!("search: {:?}", started.elapsed());
    let started = Instant::now();
    for seq in 0..100 {
        store.append_ops("r", &[op(seq)]).await.unwrap();
    }
    println!("one operation durable: {:?}", started.elapsed() / 100);
    store.close().await;
    for _ in 0..5 {
        let started = Instant::now();
        let store = open(dir.path()).await.unwrap();
        println!("open: {:?}", started.elapsed());
        store.close().await;
    }
}

/// How many callers that add one run at a time are served: `cargo test -- --ignored
/// --nocapture single_runs`. It needs a folder on the disk that is meant, as TMPDIR.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints timings"]
async fn single_runs() {
    let (store, _dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    publishing(&store, t, f).await;
}

async fn publishing(store: &Store, t: i64, f: i64) {
    for callers in [1, 8, 64] {
        let each = 1024 / callers;
        let started = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..callers {
            let store = store.clone();
            tasks.spawn(async move {
                for depth in 0..each {
                    store.add_run(run(t, f, depth % 50, 0.5)).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        let per_second = f64::from(1024) / started.elapsed().as_secs_f64();
        println!("{callers} callers: {per_second:.0} runs per second, each durable");
    }
}

/// How long pages take with a million runs: `cargo test --release -- --ignored --nocapture
/// a_million_runs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints timings, takes minutes"]
async fn a_million_runs() {
    let (store, dir) = embedded().await;
    let (d, t, f) = parents(&store).await;
    let r = store.add_run(run(t, f, 0, 0.5)).await.unwrap();
    for index in 1..100 {
        store.add_task(NewTask { name: index.to_string(), measure: Some(format!("m{index}")), ..task(d) }).await.unwrap();
        store.add_run(NewRun { evaluations: vec![], ..run(t, f, index, 0.5) }).await.unwrap();
    }
    store.close().await;
    // Task 1 has a tenth of the runs, the others have equal parts.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("catalogue.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let started = Instant::now();
    for sql in [
        "INSERT INTO run WITH RECURSIVE n (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 1000999)
         SELECT n, CASE WHEN n % 10 = 0 THEN 1 ELSE 2 + n % 99 END, 1, 1 + n % 100, 1, NULL, n % 1000, n, NULL, 1 FROM n",
        "INSERT INTO evaluation SELECT run.id, m.measure, run.task_id, 1, run.setup_id, 1, run.uploader, run.upload_ms,
             abs(random() % 1000000) / 1000000.0, 0.01, NULL, e.folds, NULL
         FROM run CROSS JOIN (SELECT 'kappa' AS measure UNION ALL SELECT 'predictive_accuracy') AS m
         CROSS JOIN (SELECT folds FROM evaluation WHERE run_id = 1 LIMIT 1) AS e WHERE run.id >= 1000",
        "INSERT INTO tag SELECT 'run', id, 'some', 1, 1 FROM run WHERE id % 500 = 0",
        "UPDATE counter SET value = 1000999 WHERE name = 'run'",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;
    println!("filled: {:?}", started.elapsed());
    let store = open(dir.path()).await.unwrap();
    assert_eq!(store.evaluations_of_run(r).await.unwrap().len(), 2);

    let any = || RunQuery { limit: 1000, ..RunQuery::default() };
    for (name, query) in [
        ("all", any()),
        ("the end, by offset", RunQuery { offset: 999_000, ..any() }),
        ("the end, after an id", RunQuery { after: Some(999_000), ..any() }),
        ("a task", RunQuery { tasks: vec![1], ..any() }),
        ("a task, at its end", RunQuery { tasks: vec![1], after: Some(990_000), ..any() }),
        ("three tasks", RunQuery { tasks: vec![1, 2, 3], ..any() }),
        ("a setup", RunQuery { setups: vec![7], ..any() }),
        ("a task's setup", RunQuery { tasks: vec![1], setups: vec![1], ..any() }),
        ("an uploader", RunQuery { uploaders: vec![7], ..any() }),
        ("a tag", RunQuery { tag: Some("some".to_owned()), ..any() }),
        ("newest first", RunQuery { sort: RunSort::Uploaded, descending: true, ..any() }),
    ] {
        let started = Instant::now();
        let rows = store.run_rows(&query).await.unwrap().len();
        let took = started.elapsed();
        let total = store.list_runs(&query).await.unwrap().total;
        println!("runs, {name}: {rows} in {took:?}, counted among {total} in {:?}", started.elapsed().saturating_sub(took * 2));
    }
    let any = || EvaluationQuery { limit: 10_000, ..EvaluationQuery::of("kappa") };
    for (name, query) in [
        ("all", any()),
        ("with folds", EvaluationQuery { folds: true, ..any() }),
        ("the end", EvaluationQuery { after: Some(900_000), ..any() }),
        ("a task", EvaluationQuery { tasks: vec![1], ..any() }),
        ("three tasks", EvaluationQuery { tasks: vec![1, 2, 3], ..any() }),
        ("a setup", EvaluationQuery { setups: vec![7], ..any() }),
        ("an uploader", EvaluationQuery { uploaders: vec![7], ..any() }),
        ("a tag", EvaluationQuery { tag: Some("some".to_owned()), ..any() }),
        ("best", EvaluationQuery { highest_first: Some(true), ..any() }),
        ("best of a task", EvaluationQuery { tasks: vec![1], highest_first: Some(true), ..any() }),
    ] {
        let started = Instant::now();
        let rows = store.evaluations(&query).await.unwrap().len();
        println!("evaluations, {name}: {rows} in {:?}", started.elapsed());
    }
    publishing(&store, t, f).await;
}

/// How fast the scores of a task with 100,000 runs are there: `cargo test --release --
/// --ignored --nocapture a_task_of_100_000_runs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints timings, takes a minute"]
async fn a_task_of_100_000_runs() {
    const MEASURES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "kappa", "g", "h"];
    let (store, dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    let all = || MEASURES.iter().map(|name| evaluation(name, 0.5)).collect();
    for index in 1..200 {
        store.add_flow(flow(&format!("flow {index}"))).await.unwrap();
    }
    for index in 0..50 {
        let name = format!("person {index}");
        store.add_person(NewPerson { id: None, name, role: "member".to_owned(), key_hash: None }).await.unwrap();
    }
    store.add_run(NewRun { evaluations: all(), ..run(t, f, 0, 0.5) }).await.unwrap();
    store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("catalogue.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for sql in [
        "INSERT INTO run WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
         SELECT n, 1, 1 + n % 200, 1, 1, NULL, 1 + n % 50, n, NULL, 1 FROM n",
        "INSERT INTO evaluation SELECT run.id, e.measure, 1, run.flow_id, 1, 1, run.uploader, run.upload_ms,
             abs(random() % 1000000) / 1000000.0, 0.01, NULL, e.folds, NULL
         FROM run CROSS JOIN evaluation AS e WHERE run.id > 1 AND e.run_id = 1",
        "INSERT INTO score_pending SELECT 1, id, 1 FROM run WHERE id > 1",
        "UPDATE counter SET value = 100000 WHERE name = 'run'",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;

    let store = open(dir.path()).await.unwrap();
    let started = Instant::now();
    let rows = rows_of_task(&store, t, "kappa").await;
    println!("one measure as rows: {} in {:?}", rows.len(), started.elapsed());
    drop(rows);
    let started = Instant::now();
    let packed = store.pack_scores(t).await.unwrap();
    println!("{packed} runs packed: {:?}", started.elapsed());
    store.close().await;
    for measures in [&["kappa"][..], &[], &MEASURES] {
        let store = open(dir.path()).await.unwrap();
        let started = Instant::now();
        let scores = store.task_scores(t, measures, None).await.unwrap();
        println!("{} measures of {} runs, just opened: {:?}", measures.len(), scores.len(), started.elapsed());
        let started = Instant::now();
        let sum: f64 = measures.iter().flat_map(|measure| scores.scores(measure)).map(|score| score.value).sum();
        println!("looked at (sum {sum}): {:?}", started.elapsed());
        store.close().await;
    }
    let store = open(dir.path()).await.unwrap();
    let mut scores = store.task_scores(t, &["kappa"], None).await.unwrap();
    let (mut published, mut grown, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut packs, mut packing) = (0, Duration::ZERO);
    for depth in 0..600 {
        let started = Instant::now();
        store.add_run(NewRun { evaluations: all(), ..run(t, f, depth, 0.5) }).await.unwrap();
        published += started.elapsed();
        let started = Instant::now();
        if store.pack_scores(t).await.unwrap() > 0 {
            packs += 1;
            packing += started.elapsed();
        }
        let started = Instant::now();
        scores = store.task_scores(t, &["kappa"], Some(&scores)).await.unwrap();
        grown += started.elapsed();
        slowest = slowest.max(started.elapsed());
    }
    println!("one run published: {:?}, then grown by it: {:?}, at most {slowest:?}", published / 600, grown / 600);
    println!("{packs} times packed: {:?} each", packing / packs);
    store.close().await;
    let store = open(dir.path()).await.unwrap();
    let started = Instant::now();
    let scores = store.task_scores(t, &["kappa"], None).await.unwrap();
    println!("one measure of {} runs, some pending, just opened: {:?}", scores.len(), started.elapsed());
}
