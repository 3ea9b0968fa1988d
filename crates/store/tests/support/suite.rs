//! The suite. Each test gets an empty store.

use std::collections::BTreeSet;

use labboard_store::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::fixture::*;

macro_rules! contract {
    ($backend:ident, $open:path) => {
        mod $backend {
            $crate::suite::contract!(@tests $open;
                dataset_comes_back
                versions_and_ids_are_given_out
                dataset_must_agree_with_its_columns
                dataset_can_be_edited
                task_and_flow_come_back
                same_task_or_flow_is_a_conflict
                run_comes_back
                setups_are_shared
                undefined_values
                missing_parents_are_not_found
                what_is_in_use_stays
                deletion_leaves_nothing
                ids_are_never_used_twice
                dropped_batch_leaves_nothing
                batch_is_all_or_nothing
                changes_name_every_page
                revisions_grow
                evaluations_by_task_flow_and_filter
                scores_of_a_task
                scores_before_and_after_packing
                a_deleted_task_leaves_no_scores
                lists_search_sort_and_page
                filters_of_lists
                pages_follow_one_another
                search_over_all_kinds
                study_comes_back
                study_must_make_sense
                studies_are_sets
                studies_lose_what_is_deleted
                studies_filter_lists
                tags
                held_runs_are_invisible_until_published
                a_held_run_whose_id_is_taken_gets_another
                rooms
                room_history
                comments
                saved_views
                settings_and_people
                own_ids_start_at_the_floor
                sweep_removes_only_what_nothing_mentions
                concurrent_writers_do_not_collide
                one_bad_run_spoils_no_other
            );
        }
    };
    (@tests $open:path; $($test:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = $open().await;
            $crate::suite::$test(store).await;
        }
    )*};
}
pub(crate) use contract;

fn not_found<T>(result: Result<T, StoreError>) -> (Kind, i64) {
    match result {
        Err(StoreError::NotFound { kind, id }) => (kind, id),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("found"),
    }
}

fn conflict<T>(result: Result<T, StoreError>) -> (Kind, i64, ConflictReason) {
    match result {
        Err(StoreError::Conflict { kind, id, reason }) => (kind, id, reason),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("no conflict"),
    }
}

fn is_invalid<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Invalid(_)))
}

pub async fn dataset_comes_back(store: Store) {
    let new = dataset(&store, HOSTILE);
    let id = store.add_dataset(new.clone()).await.unwrap();
    let found = store.dataset(id).await.unwrap();
    assert_eq!((found.id, found.version), (1, 1));
    assert_eq!(found.name, HOSTILE);
    assert_eq!(found.about, new.about);
    assert_eq!(found.default_target.as_deref(), Some(HOSTILE));
    assert_eq!(found.upload_ms, 1_700_000_000_000);
    assert_eq!((found.rows, found.feature_count, found.classes, found.missing), (3, 2, 2, 2));
    let file = store.file(found.file_id.unwrap()).await.unwrap();
    assert_eq!(file.name, "weather.arff");
    assert_eq!(store.files().read(&file.hash).unwrap(), &b"@relation weather"[..]);

    let features = store.features(id).await.unwrap();
    assert_eq!(features.iter().map(|f| f.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(features[1].name, HOSTILE);
    assert!(features[1].is_target && !features[0].is_target);
    assert_eq!(features[0].summary, r#"{"min":1.5}"#);
    let qualities = store.qualities(id).await.unwrap();
    assert_eq!(qualities, [quality("ClassEntropy", None), quality("NumberOfInstances", Some(3.0))]);
    assert_eq!(store.qualities_of(&[id, 99]).await.unwrap()[&id], qualities);

    let columns = store.columns().open(&found.columns).unwrap();
    assert_eq!((columns.rows(), columns.len()), (3, 2));
    assert_eq!(not_found(store.dataset(2).await), (Kind::Dataset, 2));
    assert!(store.features(2).await.unwrap().is_empty());
}

pub async fn versions_and_ids_are_given_out(store: Store) {
    let add = async |id, name, version| {
        let new = NewDataset { id, version, ..dataset(&store, name) };
        store.add_dataset(new).await
    };
    assert_eq!(add(None, "a", None).await.unwrap(), 1);
    assert_eq!(add(None, "a", None).await.unwrap(), 2);
    assert_eq!(add(Some(40), "a", Some(7)).await.unwrap(), 40);
    assert_eq!(add(None, "b", None).await.unwrap(), 41);
    assert_eq!(add(Some(5), "a", None).await.unwrap(), 5);
    assert_eq!(add(None, "A", None).await.unwrap(), 42);
    let versions = store.versions("a").await.unwrap();
    assert_eq!(versions, [(5, 8), (40, 7), (2, 2), (1, 1)]);

    let exists = ConflictReason::Exists;
    assert_eq!(conflict(add(Some(5), "c", None).await), (Kind::Dataset, 5, exists));
    assert_eq!(conflict(add(None, "a", Some(7)).await), (Kind::Dataset, 40, exists));
    assert!(is_invalid(add(Some(0), "c", None).await));
}

pub async fn dataset_must_agree_with_its_columns(store: Store) {
    let good = dataset(&store, "a");
    let mut fewer = good.clone();
    fewer.features.pop();
    let mut other = good.clone();
    other.features[0].name = "wind".to_owned();
    let mut twice = good.clone();
    twice.qualities.push(quality("ClassEntropy", None));
    for dataset in [fewer, other, twice] {
        assert!(is_invalid(store.add_dataset(dataset).await));
    }
    let gone = NewDataset { columns: ContentHash::of(b"nothing"), ..good };
    let result = store.add_dataset(gone).await;
    assert!(matches!(result, Err(StoreError::NoContent(_))));
    assert_eq!(store.counts().await.unwrap(), Counts::default());
}

pub async fn dataset_can_be_edited(store: Store) {
    let id = store.add_dataset(dataset(&store, "a")).await.unwrap();
    let edit = DatasetEdit {
        description: Some("New words".to_owned()),
        default_target: Some(None),
        ignored: Some(vec![HOSTILE.to_owned()]),
        classes: Some(0),
        ..DatasetEdit::default()
    };
    store.edit_dataset(id, edit).await.unwrap();
    store.set_dataset_status(id, Status::Deactivated).await.unwrap();
    let found = store.dataset(id).await.unwrap();
    assert_eq!(found.description, "New words");
    assert_eq!((found.default_target, found.classes), (None, 0));
    assert_eq!(found.ignored, [HOSTILE]);
    assert_eq!(found.status, Status::Deactivated);
    assert_eq!(found.about.licence.as_deref(), Some("CC0"));
    let features = store.features(id).await.unwrap();
    assert!(!features[1].is_target && features[1].is_ignored && !features[0].is_ignored);

    let unknown = DatasetEdit { default_target: Some(Some("wind".to_owned())), ..DatasetEdit::default() };
    assert!(is_invalid(store.edit_dataset(id, unknown).await));
    let nobody = store.edit_dataset(9, DatasetEdit::default()).await;
    assert_eq!(not_found(nobody), (Kind::Dataset, 9));
}

pub async fn task_and_flow_come_back(store: Store) {
    let (d, t, f) = parents(&store).await;
    let found = store.task(t).await.unwrap();
    let new = task(d);
    assert_eq!(found.dataset_name, "weather");
    assert_eq!(found.procedure, new.procedure);
    assert_eq!((found.target, found.measure), (new.target, new.measure));
    assert_eq!(found.splits_file_id, None);

    let pipeline = NewFlow { components: vec![Component { identifier: "step".to_owned(), flow_id: f }], ..flow("pipeline(tree)") };
    let p = store.add_flow(pipeline.clone()).await.unwrap();
    let found = store.flow(p).await.unwrap();
    assert_eq!(found.components, pipeline.components);
    assert_eq!(found.parameters, pipeline.parameters);
    assert_eq!((found.version, found.language), (1, pipeline.language));
    assert_eq!(store.find_flow("tree", "sklearn==1.9").await.unwrap(), Some(f));
    assert_eq!(store.find_flow("tree", "other").await.unwrap(), None);
    assert_eq!(not_found(store.flow(9).await), (Kind::Flow, 9));
    assert_eq!(not_found(store.task(9).await), (Kind::Task, 9));
}

pub async fn same_task_or_flow_is_a_conflict(store: Store) {
    let (d, t, f) = parents(&store).await;
    let exists = ConflictReason::Exists;
    let renamed = NewTask { name: "Another name".to_owned(), ..task(d) };
    assert_eq!(conflict(store.add_task(renamed).await), (Kind::Task, t, exists));
    let other = NewTask { measure: Some("kappa".to_owned()), ..task(d) };
    assert_eq!(store.add_task(other).await.unwrap(), t + 1);

    assert_eq!(conflict(store.add_flow(flow("tree")).await), (Kind::Flow, f, exists));
    let newer = NewFlow { external_version: "sklearn==2".to_owned(), ..flow("tree") };
    let newer = store.add_flow(newer).await.unwrap();
    assert_eq!(store.flow(newer).await.unwrap().version, 2);
    let mut twice = flow("twice");
    twice.parameters.extend(twice.parameters.clone());
    assert!(is_invalid(store.add_flow(twice).await));
}

pub async fn run_comes_back(store: Store) {
    let (d, t, f) = parents(&store).await;
    let predictions = store.files().put("predictions.arff", "text/plain", b"p").unwrap();
    let new = NewRun {
        files: vec![NewRunFile { role: "predictions".to_owned(), file: predictions.clone() }],
        error: Some("almost".to_owned()),
        tags: vec!["first".to_owned(), "second".to_owned()],
        ..run(t, f, 3, 0.9)
    };
    let id = store.add_run(new.clone()).await.unwrap();
    let found = store.run(id).await.unwrap();
    assert_eq!((found.task_id, found.flow_id, found.dataset_id), (t, f, d));
    assert_eq!((found.flow_name.as_str(), found.dataset_name.as_str()), ("tree", "weather"));
    assert_eq!(found.error.as_deref(), Some("almost"));
    assert_eq!(store.tags(Kind::Run, id).await.unwrap(), ["first", "second"]);
    assert_eq!(found.file("predictions").unwrap().hash, predictions.hash);
    assert_eq!(found.file("description"), None);
    let setup = store.setup(found.setup_id).await.unwrap();
    assert_eq!(setup.parameters, [setting(f, "depth", "3")]);
    let mut expected = new.evaluations.clone();
    expected.sort_by(|a, b| a.measure.cmp(&b.measure));
    assert_eq!(store.evaluations_of_run(id).await.unwrap(), expected);

    store.set_evaluations(id, vec![evaluation("kappa", 0.5)]).await.unwrap();
    assert_eq!(store.evaluations_of_run(id).await.unwrap(), [evaluation("kappa", 0.5)]);
    let twice = vec![evaluation("kappa", 0.5), evaluation("kappa", 0.6)];
    assert!(is_invalid(store.set_evaluations(id, twice).await));
    assert_eq!(store.evaluations_of_run(id).await.unwrap().len(), 1);
}

pub async fn setups_are_shared(store: Store) {
    let (_, t, f) = parents(&store).await;
    let add = async |parameters: Vec<ParameterSetting>| {
        let new = NewRun { parameters, ..run(t, f, 0, 0.5) };
        let id = store.add_run(new).await?;
        Ok::<i64, StoreError>(store.run(id).await?.setup_id)
    };
    let (a, b) = (setting(f, "a", "1"), setting(f, "b", "2"));
    let both = add(vec![a.clone(), b.clone()]).await.unwrap();
    assert_eq!(add(vec![b.clone(), a.clone()]).await.unwrap(), both);
    assert_ne!(add(vec![a.clone()]).await.unwrap(), both);
    assert_ne!(add(vec![a.clone(), setting(f, "b", "3")]).await.unwrap(), both);
    assert_ne!(add(vec![a.clone(), setting(f + 1, "b", "2")]).await.unwrap(), both);
    assert!(is_invalid(add(vec![a.clone(), setting(f, "a", "2")]).await));
    let found = store.find_setup(f, vec![b.clone(), a.clone()]).await.unwrap();
    assert_eq!(found, Some(both));
    assert_eq!(store.find_setup(f, vec![]).await.unwrap(), None);
    assert_eq!(store.setups(&SetupQuery { flows: vec![f], ..SetupQuery::default() }).await.unwrap().len(), 4);
    assert_eq!(store.setups(&SetupQuery { ids: vec![both], ..SetupQuery::default() }).await.unwrap()[0].id, both);
    assert_eq!(store.setups(&SetupQuery { offset: 3, ..SetupQuery::default() }).await.unwrap().len(), 1);
    store.add_tag(Kind::Setup, both, "good", 1).await.unwrap();
    let tagged = SetupQuery { tag: Some("good".to_owned()), limit: 9, ..SetupQuery::default() };
    assert_eq!(store.setups(&tagged).await.unwrap()[0].id, both);
    assert!(store.setups(&SetupQuery { after: Some(both), ..tagged }).await.unwrap().is_empty());
}

pub async fn undefined_values(store: Store) {
    let (_, t, f) = parents(&store).await;
    let fold = |value| Fold { repeat: 1, fold: 2, sample: Some(3), value };
    let new = NewRun {
        evaluations: vec![Evaluation {
            measure: "area_under_roc_curve".to_owned(),
            value: Some(f64::NAN),
            deviation: None,
            claimed: Some(f64::INFINITY),
            folds: vec![fold(Some(f64::NAN)), fold(Some(0.1 + 0.2))],
            per_class: Some("[null,1]".to_owned()),
        }],
        ..run(t, f, 1, 0.5)
    };
    let id = store.add_run(new).await.unwrap();
    let found = &store.evaluations_of_run(id).await.unwrap()[0];
    assert_eq!((found.value, found.claimed), (None, None));
    assert_eq!(found.folds, [fold(None), fold(Some(0.1 + 0.2))]);
    assert_eq!(found.per_class.as_deref(), Some("[null,1]"));
}

pub async fn missing_parents_are_not_found(store: Store) {
    let (_, t, f) = parents(&store).await;
    assert_eq!(not_found(store.add_task(task(9)).await), (Kind::Dataset, 9));
    assert_eq!(not_found(store.add_run(run(9, f, 1, 0.5)).await), (Kind::Task, 9));
    assert_eq!(not_found(store.add_run(run(t, 9, 1, 0.5)).await), (Kind::Flow, 9));
    assert_eq!(not_found(store.delete_run(9).await), (Kind::Run, 9));
    assert_eq!(not_found(store.delete_task(9).await), (Kind::Task, 9));
    assert_eq!(not_found(store.delete_flow(9).await), (Kind::Flow, 9));
    assert_eq!(not_found(store.delete_dataset(9).await), (Kind::Dataset, 9));
    assert_eq!(not_found(store.set_evaluations(9, vec![]).await), (Kind::Run, 9));
    assert_eq!(not_found(store.add_tag(Kind::Run, 9, "x", 1).await), (Kind::Run, 9));
    assert_eq!(not_found(store.run(9).await), (Kind::Run, 9));
    assert_eq!(not_found(store.setup(9).await), (Kind::Setup, 9));
    assert_eq!(not_found(store.file(9).await), (Kind::File, 9));
}

pub async fn what_is_in_use_stays(store: Store) {
    let (d, t, f) = parents(&store).await;
    let pipeline = NewFlow { components: vec![Component { identifier: "step".to_owned(), flow_id: f }], ..flow("pipeline") };
    let p = store.add_flow(pipeline).await.unwrap();
    let r = store.add_run(run(t, p, 1, 0.5)).await.unwrap();
    let in_use = ConflictReason::InUse;
    assert_eq!(conflict(store.delete_dataset(d).await), (Kind::Dataset, d, in_use));
    assert_eq!(conflict(store.delete_task(t).await), (Kind::Task, t, in_use));
    assert_eq!(conflict(store.delete_flow(p).await), (Kind::Flow, p, in_use));
    assert_eq!(conflict(store.delete_flow(f).await), (Kind::Flow, f, in_use));
    store.delete_run(r).await.unwrap();
    store.delete_flow(p).await.unwrap();
    store.delete_flow(f).await.unwrap();
    store.delete_task(t).await.unwrap();
    store.delete_dataset(d).await.unwrap();
    assert_eq!(store.counts().await.unwrap(), Counts::default());
}

pub async fn deletion_leaves_nothing(store: Store) {
    let (_, t, f) = parents(&store).await;
    let id = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    store.add_tag(Kind::Run, id, "good", 1).await.unwrap();
    store.delete_run(id).await.unwrap();
    assert!(rows_of_task(&store, t, "kappa").await.is_empty());
    assert!(store.evaluations_of_run(id).await.unwrap().is_empty());
    assert!(store.tags(Kind::Run, id).await.unwrap().is_empty());
    assert!(store.runs_of_task(t).await.unwrap().is_empty());
}

pub async fn ids_are_never_used_twice(store: Store) {
    let (_, t, f) = parents(&store).await;
    let first = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    store.delete_run(first).await.unwrap();
    let second = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    assert_eq!((first, second), (1, 2));
}

pub async fn dropped_batch_leaves_nothing(store: Store) {
    let mut changes = store.subscribe();
    let mut batch = store.begin().await.unwrap();
    let d = batch.add_dataset(dataset(&store, "a")).await.unwrap();
    let t = batch.add_task(task(d)).await.unwrap();
    let f = batch.add_flow(flow("tree")).await.unwrap();
    batch.add_run(run(t, f, 1, 0.5)).await.unwrap();
    assert!(batch.contains(Kind::Run, 1).await.unwrap());
    assert_eq!(store.counts().await.unwrap(), Counts::default(), "not before the commit");
    drop(batch);
    assert_eq!(store.counts().await.unwrap(), Counts::default());
    assert_eq!(store.add_dataset(dataset(&store, "a")).await.unwrap(), 1);
    assert_eq!(changes.recv().await.unwrap().events.len(), 1);
}

pub async fn batch_is_all_or_nothing(store: Store) {
    let mut batch = store.begin().await.unwrap();
    let d = batch.add_dataset(dataset(&store, "a")).await.unwrap();
    assert_eq!(batch.versions("a").await.unwrap(), [(d, 1)]);
    let t = batch.add_task(task(d)).await.unwrap();
    let f = batch.add_flow(flow("tree")).await.unwrap();
    assert_eq!(batch.find_flow("tree", "sklearn==1.9").await.unwrap(), Some(f));
    for depth in 0..20 {
        batch.add_run(run(t, f, depth, 0.5)).await.unwrap();
    }
    assert!(batch.add_run(run(t, 99, 1, 0.5)).await.is_err());
    batch.commit().await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.datasets, counts.tasks, counts.flows, counts.runs), (1, 1, 1, 20));
}

pub async fn changes_name_every_page(store: Store) {
    let (d, t, f) = parents(&store).await;
    let mut changes = store.subscribe();
    let r = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    let change = changes.recv().await.unwrap();
    let event = |kind, id, action| Event { kind, id, action };
    assert_eq!(change.events, [event(Kind::Run, r, Action::Added)]);
    let topics = [Topic::Run(r), Topic::Task(t), Topic::Flow(f), Topic::Dataset(d), Topic::Runs];
    assert_eq!(change.topics, BTreeSet::from(topics));
    assert_eq!(store.revision().await.unwrap(), change.revision);

    let newer = store.add_dataset(dataset(&store, "weather")).await.unwrap();
    let change = changes.recv().await.unwrap();
    let topics = [Topic::Dataset(newer), Topic::Dataset(d), Topic::Datasets];
    assert_eq!(change.topics, BTreeSet::from(topics), "the old page links to the new one");

    store.delete_run(r).await.unwrap();
    let change = changes.recv().await.unwrap();
    assert_eq!(change.events, [event(Kind::Run, r, Action::Removed)]);
    assert!(change.topics.contains(&Topic::Task(t)));
    assert!(store.add_run(run(99, f, 1, 0.5)).await.is_err());
    assert!(changes.try_recv().is_err(), "what failed is not announced");
}

pub async fn revisions_grow(store: Store) {
    let (d, t, f) = parents(&store).await;
    let before = (store.dataset(d).await.unwrap().revision, store.task(t).await.unwrap().revision, store.flow(f).await.unwrap().revision);
    let other = store.add_flow(flow("other")).await.unwrap();
    let r = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    let now = store.run(r).await.unwrap().revision;
    let after = (store.dataset(d).await.unwrap().revision, store.task(t).await.unwrap().revision, store.flow(f).await.unwrap().revision);
    assert_eq!(after, (now, now, now));
    assert!(before.0 < now && before.1 < now && before.2 < now);
    assert!(store.flow(other).await.unwrap().revision < now);
}

pub async fn evaluations_by_task_flow_and_filter(store: Store) {
    let (d, t, f) = parents(&store).await;
    let person = NewPerson { id: Some(1), name: "ann".to_owned(), role: "member".to_owned(), key_hash: None };
    store.add_person(person).await.unwrap();
    let other_flow = store.add_flow(flow("forest")).await.unwrap();
    let d2 = store.add_dataset(dataset(&store, "sea")).await.unwrap();
    let t2 = store.add_task(task(d2)).await.unwrap();
    let a = store.add_run(run(t, f, 1, 0.7)).await.unwrap();
    let b = store.add_run(run(t, other_flow, 1, 0.9)).await.unwrap();
    let c = store.add_run(run(t2, f, 2, 0.8)).await.unwrap();

    let of_task = rows_of_task(&store, t, "predictive_accuracy").await;
    assert_eq!(of_task.iter().map(|row| row.run_id).collect::<Vec<_>>(), [a, b]);
    assert_eq!((of_task[1].flow_id, &*of_task[1].flow_name, of_task[1].uploader), (other_flow, "forest", 1));
    assert_eq!(of_task[1].value, Some(0.9));
    assert_eq!(of_task[1].folds.len(), 10);

    let (measures, setups) = store.measures_of_flow(f).await.unwrap();
    let counted = measures.iter().map(|count| (count.measure.as_str(), count.runs)).collect::<Vec<_>>();
    assert_eq!(counted, [("kappa", 2), ("predictive_accuracy", 2)]);
    let of_flow = store.evaluations(&EvaluationQuery { flows: vec![f], ..EvaluationQuery::of("kappa") }).await.unwrap();
    assert_eq!(of_flow.iter().map(|row| row.run_id).collect::<Vec<_>>(), [a, c]);
    assert_eq!((of_flow[1].dataset_id, &*of_flow[1].dataset_name), (d2, "sea"));
    assert_eq!(setups[&of_flow[1].setup_id].parameters, [setting(f, "depth", "2")]);
    assert_eq!(setups.len(), 2);

    let setup = of_flow[1].setup_id;
    let some = EvaluationQuery { setups: vec![setup], ..EvaluationQuery::of("kappa") };
    assert_eq!(store.evaluations(&some).await.unwrap()[0].run_id, c);
    store.add_run(NewRun { evaluations: vec![], ..run(t, f, 9, 0.5) }).await.unwrap();
    assert_eq!(store.measures_of_flow(f).await.unwrap().1.len(), 2, "only setups with a value");

    let best = EvaluationQuery { highest_first: Some(true), limit: 2, ..EvaluationQuery::of("predictive_accuracy") };
    let rows = store.evaluations(&best).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.run_id).collect::<Vec<_>>(), [b, c]);
    assert!(rows[0].folds.is_empty());
    let some = EvaluationQuery { datasets: vec![d, d2], runs: vec![a, c], uploaders: vec![1], offset: 1, ..EvaluationQuery::of("kappa") };
    assert_eq!(store.evaluations(&some).await.unwrap()[0].run_id, c);
    assert!(store.evaluations(&EvaluationQuery::of(HOSTILE)).await.unwrap().is_empty());
}

pub async fn scores_of_a_task(store: Store) {
    let (_, t, f) = parents(&store).await;
    let forest = store.add_flow(flow("forest")).await.unwrap();
    let person = NewPerson { id: Some(1), name: "ann".to_owned(), role: "member".to_owned(), key_hash: None };
    store.add_person(person).await.unwrap();
    let none = store.task_scores(t, &["kappa"], None).await.unwrap();
    assert_eq!((none.len(), none.measures(), none.scores("kappa").count()), (0, &[][..], 0));

    let a = store.add_run(run(t, f, 1, 0.7)).await.unwrap();
    let undefined = Evaluation { value: None, deviation: None, ..evaluation(HOSTILE, 0.0) };
    let new = NewRun { uploader: 9, upload_ms: Some(5), evaluations: vec![evaluation("kappa", 0.8), undefined], ..run(t, forest, 1, 0.9) };
    let b = store.add_run(new).await.unwrap();
    let c = store.add_run(NewRun { evaluations: vec![], ..run(t, f, 2, 0.8) }).await.unwrap();
    let scores = store.task_scores(t, &["kappa", HOSTILE], Some(&none)).await.unwrap();
    assert_eq!((scores.task(), scores.len(), scores.revision()), (t, 3, store.revision().await.unwrap()));
    let counts: Vec<_> = scores.measures().iter().map(|measure| (measure.measure.as_str(), measure.runs)).collect();
    assert_eq!(counts, [(HOSTILE, 1), ("kappa", 2), ("predictive_accuracy", 1)], "by name, also where undefined");
    assert_eq!(scores.flows().iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>(), ["tree", "forest"]);
    assert_eq!(
        scores.uploaders().iter().map(|person| (person.id, person.name.as_deref())).collect::<Vec<_>>(),
        [(1, Some("ann")), (9, None)]
    );
    let setup_id = store.run(b).await.unwrap().setup_id;
    assert_eq!(scores.runs().nth(1), Some(ScoredRun { run_id: b, flow: 1, setup_id, uploader: 1, upload_ms: 5 }));
    assert_eq!(values(&scores, "kappa"), [(a, Some(0.7 - 0.1)), (b, Some(0.8)), (c, None)]);
    let hostile: Vec<Score> = scores.scores(HOSTILE).collect();
    assert_eq!((hostile.len(), hostile[0].run.run_id, hostile[0].value.is_nan(), hostile[0].deviation.is_nan()), (1, b, true, true));
    assert_eq!(scores.scores("kappa").map(|score| score.deviation).collect::<Vec<_>>(), [0.01, 0.01]);
    assert_eq!(scores.scores("no measure").count(), 0);
    assert_eq!(store.task_scores(t + 1, &["kappa"], Some(&scores)).await.unwrap().len(), 0, "of another task nothing is taken over");
}

/// Enough runs for chunks: what is in them and what happened since are one.
pub async fn scores_before_and_after_packing(store: Store) {
    let (d, t, f) = parents(&store).await;
    let other = store.add_task(NewTask { measure: None, ..task(d) }).await.unwrap();
    let mut batch = store.begin().await.unwrap();
    for depth in 0..300 {
        let id = Some(2 * depth + 2);
        batch.add_run(NewRun { id, ..run(t, f, depth % 7, depth as f64) }).await.unwrap();
    }
    batch.commit().await.unwrap();
    store.add_run(run(other, f, 1, 0.5)).await.unwrap();
    let measures = ["predictive_accuracy", "kappa"];
    let before = store.task_scores(t, &measures, None).await.unwrap();
    assert_eq!(store.unpacked_tasks().await.unwrap(), [t]);
    assert_eq!((store.pack_scores(t).await.unwrap(), store.pack_scores(other).await.unwrap()), (300, 0));
    assert_eq!((store.pack_scores(t).await.unwrap(), store.unpacked_tasks().await.unwrap()), (0, vec![]));

    let packed = store.task_scores(t, &["predictive_accuracy"], None).await.unwrap();
    assert_eq!(values(&packed, "predictive_accuracy"), values(&before, "predictive_accuracy"));
    assert!(!packed.has("kappa") && packed.scores("kappa").next().is_none(), "it was not asked for");
    assert_eq!((packed.measures(), packed.len()), (before.measures(), 300));
    let more = store.task_scores(t, &["kappa"], Some(&packed)).await.unwrap();
    assert!(measures.iter().all(|measure| more.has(measure)), "what was read before is still there");

    store.set_evaluations(4, vec![evaluation("new", 0.25)]).await.unwrap();
    store.delete_run(2).await.unwrap();
    store.add_run(NewRun { id: Some(5), ..run(t, f, 1, 0.5) }).await.unwrap();
    store.hold_back(NewRun { id: Some(7), ..run(t, f, 1, 0.75) }).await.unwrap();
    store.publish_next_held().await.unwrap();
    store.add_run(NewRun { id: Some(1000), ..run(t, f, 1, 1.0) }).await.unwrap();
    for previous in [None, Some(&before), Some(&packed), Some(&more)] {
        let now = store.task_scores(t, &["predictive_accuracy", "new"], previous).await.unwrap();
        let accuracy = values(&now, "predictive_accuracy");
        assert_eq!(accuracy[..5], [(4, None), (5, Some(0.5)), (6, Some(2.0)), (7, Some(0.75)), (8, Some(3.0))]);
        assert_eq!((accuracy.len(), accuracy[301]), (302, (1000, Some(1.0))));
        assert_eq!(now.scores("new").map(|score| (score.run.run_id, score.value)).collect::<Vec<_>>(), [(4, 0.25)]);
        let counts: Vec<_> = now.measures().iter().map(|measure| measure.runs).collect();
        assert_eq!(counts, [301, 1, 301], "kappa, new, predictive_accuracy");
    }
    assert_eq!(values(&packed, "predictive_accuracy"), values(&before, "predictive_accuracy"), "what somebody holds does not change");
    store.hold_back_again().await.unwrap();
    let now = store.task_scores(t, &[], Some(&more)).await.unwrap();
    assert!(now.runs().all(|run| run.run_id != 7), "held back again");
}

pub async fn a_deleted_task_leaves_no_scores(store: Store) {
    let (d, t, f) = parents(&store).await;
    let fill = async || {
        let mut batch = store.begin().await.unwrap();
        for id in 1..=300 {
            batch.add_run(NewRun { id: Some(id), ..run(t, f, 1, 0.5) }).await.unwrap();
        }
        batch.commit().await.unwrap();
    };
    fill().await;
    assert_eq!(store.pack_scores(t).await.unwrap(), 300);
    let seen = store.task_scores(t, &["kappa"], None).await.unwrap();
    let mut batch = store.begin().await.unwrap();
    for id in 1..=300 {
        batch.delete_run(id).await.unwrap();
    }
    batch.delete_task(t).await.unwrap();
    batch.commit().await.unwrap();
    assert!(store.unpacked_tasks().await.unwrap().is_empty());
    store.add_task(NewTask { id: Some(t), ..task(d) }).await.unwrap();
    assert!(store.task_scores(t, &["kappa"], Some(&seen)).await.unwrap().is_empty());
    fill().await;
    assert_eq!(store.pack_scores(t).await.unwrap(), 300);
    assert_eq!(store.task_scores(t, &["kappa"], Some(&seen)).await.unwrap().len(), 300);
}

pub async fn lists_search_sort_and_page(store: Store) {
    let mut batch = store.begin().await.unwrap();
    for name in ["iris", "Iris-Setosa", "100%_sure", "back\\slash", "wine"] {
        batch.add_dataset(dataset(&store, name)).await.unwrap();
    }
    batch.commit().await.unwrap();
    let names = async |search: &str, sort, descending, offset, limit| {
        let query = DatasetQuery { search: search.to_owned(), sort, descending, offset, limit, ..DatasetQuery::default() };
        let page = store.list_datasets(&query).await.unwrap();
        let names: Vec<String> = page.rows.into_iter().map(|row| row.name).collect();
        (names.join(" "), page.total)
    };
    let (id, name) = (DatasetSort::Id, DatasetSort::Name);
    assert_eq!(names("IRIS", id, false, 0, 9).await, ("iris Iris-Setosa".to_owned(), 2));
    assert_eq!(names(" setosa iris ", id, false, 0, 9).await.0, "Iris-Setosa");
    assert_eq!(names("%", id, false, 0, 9).await.0, "100%_sure");
    assert_eq!(names("_", id, false, 0, 9).await.0, "100%_sure");
    assert_eq!(names("\\", id, false, 0, 9).await.0, "back\\slash");
    assert_eq!(names("5", id, false, 0, 9).await.0, "wine");
    assert_eq!(names("'", id, false, 0, 9).await, (String::new(), 0));
    assert_eq!(names("", name, true, 0, 2).await, ("wine Iris-Setosa".to_owned(), 5));
    assert_eq!(names("", name, false, 4, 2).await, ("wine".to_owned(), 5));
    assert_eq!(names("", name, false, 9, 2).await, (String::new(), 5));
    for sort in DatasetSort::ALL {
        assert_eq!(DatasetSort::parse(sort.as_str()), Some(*sort));
        assert_eq!(names("", *sort, true, 0, 9).await.1, 5);
    }

    let (t, f) = (store.add_task(task(1)).await.unwrap(), store.add_flow(flow("tree")).await.unwrap());
    for accuracy in [0.5, 0.9, 0.7] {
        store.add_run(run(t, f, 1, accuracy)).await.unwrap();
    }
    let unscored = NewRun { evaluations: vec![], error: Some("stopped".to_owned()), ..run(t, f, 1, 0.0) };
    store.add_run(unscored).await.unwrap();
    for (descending, expected) in [(true, [2, 3, 1, 4]), (false, [1, 3, 2, 4])] {
        let query = RunQuery { sort: RunSort::Value, descending, ..RunQuery::default() };
        let runs = store.list_runs(&query).await.unwrap().rows;
        let ids: Vec<_> = runs.iter().map(|row| row.id).collect();
        assert_eq!(ids, expected, "runs without a value come last");
    }
    for &sort in RunSort::ALL {
        let query = RunQuery { sort, ..RunQuery::default() };
        assert_eq!(store.list_runs(&query).await.unwrap().total, 4);
    }
    for &sort in TaskSort::ALL {
        let query = TaskQuery { sort, search: "weather".to_owned(), ..TaskQuery::default() };
        assert_eq!(store.list_tasks(&query).await.unwrap().rows[0].runs, 4);
    }
    for &sort in FlowSort::ALL {
        let query = FlowQuery { sort, ..FlowQuery::default() };
        assert_eq!(store.list_flows(&query).await.unwrap().rows[0].runs, 4);
    }
}

pub async fn filters_of_lists(store: Store) {
    let (d, t, f) = parents(&store).await;
    let r = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    store.add_tag(Kind::Dataset, d, "small", 1).await.unwrap();
    let some = DatasetQuery {
        ids: vec![d, 99],
        name: Some("WEATHER".to_owned()),
        version: Some(1),
        status: Some(Status::Active),
        tag: Some("small".to_owned()),
        uploader: Some(1),
        rows: Some(2..=10),
        features: Some(2..=2),
        classes: Some(0..=2),
        missing: Some(1..=5),
        ..DatasetQuery::default()
    };
    assert_eq!(store.list_datasets(&some).await.unwrap().total, 1);
    let none = DatasetQuery { rows: Some(4..=10), ..some };
    assert_eq!(store.list_datasets(&none).await.unwrap().total, 0);
    let tasks = TaskQuery {
        type_id: Some(1),
        datasets: vec![d],
        dataset_name: Some("Weather".to_owned()),
        dataset_tag: Some("small".to_owned()),
        dataset_status: Some(Status::Active),
        rows: Some(2..=10),
        features: Some(2..=2),
        classes: Some(0..=2),
        missing: Some(1..=5),
        ..TaskQuery::default()
    };
    assert_eq!(store.list_tasks(&tasks).await.unwrap().rows[0].id, t);
    for none in [
        TaskQuery { dataset_status: Some(Status::Deactivated), ..tasks.clone() },
        TaskQuery { rows: Some(4..=10), ..tasks.clone() },
        TaskQuery { missing: Some(3..=3), ..tasks.clone() },
    ] {
        assert_eq!(store.list_tasks(&none).await.unwrap().total, 0);
    }
    assert_eq!(store.tasks_of_dataset(d).await.unwrap().len(), 1);
    let runs = RunQuery {
        tasks: vec![t],
        flows: vec![f],
        datasets: vec![d],
        uploaders: vec![1, 2],
        task_type: Some(1),
        failed: Some(false),
        ..RunQuery::default()
    };
    assert_eq!(store.list_runs(&runs).await.unwrap().rows[0].id, r);
    let failed = RunQuery { failed: Some(true), ..runs };
    assert_eq!(store.list_runs(&failed).await.unwrap().total, 0);
    assert_eq!(store.runs_of_flow(f).await.unwrap()[0].value, Some(0.5));
    assert_eq!(store.runs_of_dataset(d).await.unwrap().len(), 1);
}

/// However a list is filtered: its pages, one after the other, are the list.
pub async fn pages_follow_one_another(store: Store) {
    let (d, t, f) = parents(&store).await;
    let t2 = store.add_task(NewTask { measure: None, ..task(d) }).await.unwrap();
    let mut batch = store.begin().await.unwrap();
    for depth in 0..30 {
        let id =
            batch.add_run(NewRun { uploader: depth % 3, ..run(if depth % 4 == 0 { t2 } else { t }, f, depth % 5, 0.5) }).await.unwrap();
        if depth % 2 == 0 {
            batch.add_tag(Kind::Run, id, "even", 1).await.unwrap();
        }
    }
    batch.commit().await.unwrap();
    let any = RunQuery::default;
    for query in [
        any(),
        RunQuery { tasks: vec![t], ..any() },
        RunQuery { tasks: vec![t, t2], uploaders: vec![0, 2], ..any() },
        RunQuery { tag: Some("even".to_owned()), setups: vec![1], ..any() },
        RunQuery { uploaders: vec![1], failed: Some(false), ..any() },
        RunQuery { search: "tree".to_owned(), task_type: Some(1), ..any() },
    ] {
        for descending in [false, true] {
            let query = RunQuery { descending, limit: 30, ..query.clone() };
            let whole = store.list_runs(&query).await.unwrap();
            assert!(whole.total > 0 && whole.rows.len() as i64 == whole.total);
            assert!(whole.rows.is_sorted_by(|a, b| (a.id < b.id) != descending));
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = store.list_runs(&RunQuery { after, limit: 4, ..query.clone() }).await.unwrap();
                assert_eq!(page.total, whole.total, "of the whole list");
                let Some(last) = page.rows.last() else { break };
                after = Some(last.id);
                paged.extend(page.rows);
            }
            assert_eq!(paged, whole.rows);
            assert_eq!(store.run_rows(&query).await.unwrap(), whole.rows);
        }
    }
    let query = EvaluationQuery { tasks: vec![t], ..EvaluationQuery::of("kappa") };
    let whole = store.evaluations(&query).await.unwrap();
    let rest = EvaluationQuery { after: Some(whole[3].run_id), limit: 100, ..query };
    assert_eq!(store.evaluations(&rest).await.unwrap(), whole[4..]);
}

pub async fn search_over_all_kinds(store: Store) {
    let (d, t, f) = parents(&store).await;
    let exact = store.add_dataset(dataset(&store, "weather station")).await.unwrap();
    let r = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    let hits = store.search("Weather", 5).await.unwrap();
    let found: Vec<_> = hits.iter().map(|hit| (hit.kind, hit.id)).collect();
    assert_eq!(found, [(Kind::Dataset, d), (Kind::Dataset, exact), (Kind::Task, t), (Kind::Run, r)]);
    assert_eq!(store.search("weather", 1).await.unwrap().len(), 3);
    assert_eq!(store.search("tree", 5).await.unwrap()[0].kind, Kind::Flow);
    let by_id = store.search("2", 5).await.unwrap();
    assert_eq!((by_id[0].kind, by_id[0].id), (Kind::Dataset, exact));
    assert!(store.search("  ", 5).await.unwrap().is_empty());
    // The task's target has this name.
    assert_eq!(store.search(HOSTILE, 5).await.unwrap()[0].kind, Kind::Task);
    assert!(store.search("' OR 1=1 --", 5).await.unwrap().is_empty());
}

pub async fn study_comes_back(store: Store) {
    let (_, t, f) = parents(&store).await;
    let (a, b) = (store.add_run(run(t, f, 1, 0.5)).await.unwrap(), store.add_run(run(t, f, 2, 0.6)).await.unwrap());
    let suite = store.add_study(NewStudy { alias: Some(HOSTILE.to_owned()), ..study(StudyEntity::Task, &[t]) }).await.unwrap();
    let mut changes = store.subscribe();
    let new = NewStudy { benchmark_suite: Some(suite), created_ms: Some(7), ..study(StudyEntity::Run, &[b, a]) };
    let id = store.add_study(new.clone()).await.unwrap();
    let change = changes.recv().await.unwrap();
    assert_eq!(change.events, [Event { kind: Kind::Study, id, action: Action::Added }]);
    assert_eq!(change.topics, BTreeSet::from([Topic::Study(id), Topic::Studies, Topic::Run(a), Topic::Run(b)]));

    let found = store.study(id).await.unwrap();
    assert_eq!((found.name, found.description), (new.name, new.description));
    assert_eq!((found.main_entity, found.benchmark_suite), (StudyEntity::Run, Some(suite)));
    assert_eq!((found.status, found.creator, found.created_ms), (Status::InPreparation, 1, 7));
    assert_eq!((found.alias, found.entities, found.revision), (None, vec![a, b], change.revision));
    assert_eq!(store.find_study(HOSTILE).await.unwrap(), Some(suite));
    assert_eq!(store.find_study("other").await.unwrap(), None);
    assert_eq!(not_found(store.study(9).await), (Kind::Study, 9));

    store.set_study_status(id, Status::Active).await.unwrap();
    assert_eq!(store.study(id).await.unwrap().status, Status::Active);
    store.add_tag(Kind::Study, id, "good", 1).await.unwrap();
    let in_use = ConflictReason::InUse;
    assert_eq!(conflict(store.delete_study(suite).await), (Kind::Study, suite, in_use));
    store.delete_study(id).await.unwrap();
    assert!(store.tags(Kind::Study, id).await.unwrap().is_empty());
    assert_eq!(store.counts().await.unwrap().studies, 1);
    assert_eq!(store.counts().await.unwrap().runs, 2);
    store.set_study_status(suite, Status::Active).await.unwrap();
    assert_eq!(conflict(store.delete_study(suite).await), (Kind::Study, suite, ConflictReason::NotInPreparation));
    store.set_study_status(suite, Status::InPreparation).await.unwrap();
    store.delete_study(suite).await.unwrap();
    assert_eq!(not_found(store.delete_study(suite).await), (Kind::Study, suite));
    assert_eq!(not_found(store.set_study_status(suite, Status::Active).await), (Kind::Study, suite));
}

pub async fn study_must_make_sense(store: Store) {
    let (_, t, f) = parents(&store).await;
    let r = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    let named = NewStudy { alias: Some("good".to_owned()), ..study(StudyEntity::Run, &[r]) };
    let id = store.add_study(named.clone()).await.unwrap();
    assert_eq!(conflict(store.add_study(named).await), (Kind::Study, id, ConflictReason::Exists));
    assert_eq!(not_found(store.add_study(study(StudyEntity::Run, &[r, 9])).await), (Kind::Run, 9));
    assert_eq!(not_found(store.add_study(study(StudyEntity::Task, &[9])).await), (Kind::Task, 9));
    assert!(is_invalid(store.add_study(study(StudyEntity::Run, &[r, r])).await));
    let of = |benchmark_suite, main_entity| NewStudy { benchmark_suite: Some(benchmark_suite), ..study(main_entity, &[]) };
    assert_eq!(not_found(store.add_study(of(9, StudyEntity::Run)).await), (Kind::Study, 9));
    assert!(is_invalid(store.add_study(of(id, StudyEntity::Run)).await), "not a suite");
    let suite = store.add_study(study(StudyEntity::Task, &[t])).await.unwrap();
    assert!(is_invalid(store.add_study(of(suite, StudyEntity::Task)).await), "a suite has none");
    assert_eq!(store.counts().await.unwrap().studies, 2);

    assert_eq!(not_found(store.attach_to_study(9, &[r]).await), (Kind::Study, 9));
    assert_eq!(not_found(store.attach_to_study(id, &[9]).await), (Kind::Run, 9));
    let (attached, absent) = (ConflictReason::Attached, ConflictReason::NotAttached);
    assert_eq!(conflict(store.attach_to_study(id, &[r]).await), (Kind::Run, r, attached));
    assert_eq!(conflict(store.detach_from_study(suite, &[9]).await), (Kind::Task, 9, absent));
    assert!(is_invalid(store.detach_from_study(id, &[r, r]).await));
    store.set_study_status(id, Status::Active).await.unwrap();
    let late = ConflictReason::NotInPreparation;
    assert_eq!(conflict(store.detach_from_study(id, &[r]).await), (Kind::Study, id, late));
    assert_eq!(conflict(store.attach_to_study(id, &[r]).await), (Kind::Study, id, late));
    assert_eq!(store.study(id).await.unwrap().entities, [r]);
}

/// Whatever is attached and detached: a study has what a set would have, and what
/// fails changes nothing.
pub async fn studies_are_sets(store: Store) {
    let (_, t, f) = parents(&store).await;
    let mut batch = store.begin().await.unwrap();
    for depth in 0..6 {
        batch.add_run(run(t, f, depth, 0.5)).await.unwrap();
    }
    let steps = proptest::collection::vec((proptest::bool::ANY, proptest::collection::vec(1_i64..8, 0..4)), 0..24);
    let mut runner = TestRunner::deterministic();
    for _ in 0..24 {
        let id = batch.add_study(study(StudyEntity::Run, &[])).await.unwrap();
        let mut expected = BTreeSet::new();
        for (attach, ids) in steps.new_tree(&mut runner).unwrap().current() {
            let given: BTreeSet<i64> = ids.iter().copied().collect();
            let once = given.len() == ids.len();
            let (done, legal) = if attach {
                let legal = once && given.iter().all(|id| *id <= 6) && given.is_disjoint(&expected);
                (batch.attach_to_study(id, &ids).await, legal)
            } else {
                (batch.detach_from_study(id, &ids).await, once && given.is_subset(&expected))
            };
            assert_eq!(done.is_ok(), legal, "{attach} {ids:?} {expected:?}");
            if let Ok(count) = done {
                expected = if attach { &expected | &given } else { &expected - &given };
                assert_eq!(count, expected.len() as u64);
            }
        }
        let other = batch.add_study(study(StudyEntity::Run, &expected.iter().copied().collect::<Vec<_>>())).await.unwrap();
        assert_eq!(batch.detach_from_study(other, &expected.into_iter().collect::<Vec<_>>()).await.unwrap(), 0);
    }
    batch.commit().await.unwrap();
}

pub async fn studies_lose_what_is_deleted(store: Store) {
    let (_, t, f) = parents(&store).await;
    // A run and a task with the same id: neither takes the other's place.
    let r = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    assert_eq!(r, t);
    let suite = store.add_study(study(StudyEntity::Task, &[t])).await.unwrap();
    let runs = store.add_study(study(StudyEntity::Run, &[r])).await.unwrap();
    let mut changes = store.subscribe();
    store.delete_run(r).await.unwrap();
    let change = changes.recv().await.unwrap();
    assert!(change.topics.contains(&Topic::Study(runs)) && !change.topics.contains(&Topic::Study(suite)));
    let lost = store.study(runs).await.unwrap();
    assert_eq!((lost.entities, lost.revision), (vec![], change.revision));
    assert_eq!(store.study(suite).await.unwrap().entities, [t]);
    store.delete_task(t).await.unwrap();
    assert!(store.study(suite).await.unwrap().entities.is_empty());
}

pub async fn studies_filter_lists(store: Store) {
    let (d, t, f) = parents(&store).await;
    let t2 = store.add_task(NewTask { measure: None, ..task(d) }).await.unwrap();
    let (a, b) = (store.add_run(run(t, f, 1, 0.5)).await.unwrap(), store.add_run(run(t2, f, 2, 0.6)).await.unwrap());
    let suite = store.add_study(NewStudy { status: Status::Active, ..study(StudyEntity::Task, &[t2]) }).await.unwrap();
    let id = store.add_study(NewStudy { benchmark_suite: Some(suite), creator: 2, ..study(StudyEntity::Run, &[b]) }).await.unwrap();
    let all = store.add_study(NewStudy { alias: Some("everything".to_owned()), ..study(StudyEntity::Run, &[a, b]) }).await.unwrap();

    let list = async |query: StudyQuery| {
        let page = store.list_studies(&query).await.unwrap();
        page.rows.into_iter().map(|row| (row.id, row.entities)).collect::<Vec<_>>()
    };
    let any = StudyQuery::default;
    assert_eq!(list(any()).await, [(suite, 1), (id, 1), (all, 2)]);
    assert_eq!(list(StudyQuery { main_entity: Some(StudyEntity::Task), ..any() }).await, [(suite, 1)]);
    assert_eq!(list(StudyQuery { status: Some(Status::Active), ..any() }).await, [(suite, 1)]);
    assert_eq!(list(StudyQuery { uploaders: vec![2], ..any() }).await, [(id, 1)]);
    assert_eq!(list(StudyQuery { benchmark_suite: Some(suite), ..any() }).await, [(id, 1)]);
    assert_eq!(list(StudyQuery { search: "every".to_owned(), ..any() }).await, [(all, 2)]);
    assert_eq!(list(StudyQuery { ids: vec![id, 9], ..any() }).await, [(id, 1)]);
    assert_eq!(list(StudyQuery { offset: 1, limit: 1, ..any() }).await, [(id, 1)]);
    for &sort in StudySort::ALL {
        assert_eq!(list(StudyQuery { sort, ..any() }).await.len(), 3);
    }

    let of = |rows: Vec<StudyRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(of(store.studies_of(StudyEntity::Run, b).await.unwrap()), [id, all]);
    assert_eq!(of(store.studies_of(StudyEntity::Task, t2).await.unwrap()), [suite]);
    assert!(store.studies_of(StudyEntity::Task, t).await.unwrap().is_empty());

    let runs = RunQuery { study: Some(id), ..RunQuery::default() };
    assert_eq!(store.list_runs(&runs).await.unwrap().rows[0].id, b);
    let tasks = TaskQuery { study: Some(suite), ..TaskQuery::default() };
    assert_eq!(store.list_tasks(&tasks).await.unwrap().rows[0].id, t2);
    let runs = RunQuery { study: Some(suite), ..RunQuery::default() };
    assert_eq!(store.list_runs(&runs).await.unwrap().total, 0, "a suite has no runs");
    let scores = EvaluationQuery { study: Some(id), ..EvaluationQuery::of("kappa") };
    let rows = store.evaluations(&scores).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.run_id).collect::<Vec<_>>(), [b]);
}

pub async fn tags(store: Store) {
    let (d, ..) = parents(&store).await;
    for tag in ["b", "a", "b"] {
        store.add_tag(Kind::Dataset, d, tag, 1).await.unwrap();
    }
    assert_eq!(store.tags(Kind::Dataset, d).await.unwrap(), ["a", "b"]);
    store.remove_tag(Kind::Dataset, d, "a").await.unwrap();
    store.remove_tag(Kind::Dataset, d, "a").await.unwrap();
    assert_eq!(store.tags(Kind::Dataset, d).await.unwrap(), ["b"]);
    assert!(store.tags(Kind::Task, d).await.unwrap().is_empty());
}

pub async fn a_held_run_whose_id_is_taken_gets_another(store: Store) {
    let (_, t, f) = parents(&store).await;
    store.hold_back(NewRun { id: Some(1), ..run(t, f, 1, 0.5) }).await.unwrap();
    assert_eq!(store.add_run(run(t, f, 2, 0.6)).await.unwrap(), 1);
    assert_eq!(store.publish_next_held().await.unwrap(), Some(2));
    assert_eq!(store.hold_back_again().await.unwrap(), 1);
    assert_eq!(store.publish_next_held().await.unwrap(), Some(2), "the same address");
}

pub async fn held_runs_are_invisible_until_published(store: Store) {
    let (_, t, f) = parents(&store).await;
    let mut batch = store.begin().await.unwrap();
    let first = NewRun { id: Some(50), upload_ms: Some(1), ..run(t, f, 1, 0.1 + 0.2) };
    batch.hold_back(first).await.unwrap();
    batch.hold_back(run(t, f, 2, 0.6)).await.unwrap();
    batch.commit().await.unwrap();
    assert_eq!(store.held_count().await.unwrap(), 2);
    assert_eq!(store.counts().await.unwrap().runs, 0);
    assert!(rows_of_task(&store, t, "kappa").await.is_empty());
    assert!(store.search("tree", 5).await.unwrap().iter().all(|hit| hit.kind == Kind::Flow));

    let mut changes = store.subscribe();
    assert_eq!(store.publish_next_held().await.unwrap(), Some(50));
    assert!(changes.recv().await.unwrap().topics.contains(&Topic::Task(t)));
    assert!(store.run(50).await.unwrap().upload_ms > 1, "published now");
    let accuracy = rows_of_task(&store, t, "predictive_accuracy").await;
    assert_eq!(accuracy[0].value, Some(0.1 + 0.2));
    assert_eq!(store.publish_next_held().await.unwrap(), Some(51));
    assert_eq!(store.publish_next_held().await.unwrap(), None);
    assert_eq!(store.held_count().await.unwrap(), 0);

    assert_eq!(store.hold_back_again().await.unwrap(), 2);
    assert_eq!(store.counts().await.unwrap().runs, 0);
    assert_eq!(store.held_count().await.unwrap(), 2);
    store.add_run(run(t, f, 3, 0.5)).await.unwrap();
    assert_eq!(store.publish_next_held().await.unwrap(), Some(50), "the same address");
    assert_eq!(store.publish_next_held().await.unwrap(), Some(51));
    store.delete_run(51).await.unwrap();
    assert_eq!(store.hold_back_again().await.unwrap(), 2);
}

pub async fn rooms(store: Store) {
    assert_eq!(store.load_room(HOSTILE, 0).await.unwrap(), RoomLog::default());
    assert_eq!(store.last_op(HOSTILE).await.unwrap(), 0);
    store.append_ops(HOSTILE, &[op(1), op(2)]).await.unwrap();
    store.append_ops("other", &[op(1)]).await.unwrap();
    store.append_ops(HOSTILE, &[op(3)]).await.unwrap();
    store.append_ops(HOSTILE, &[]).await.unwrap();
    let log = store.load_room(HOSTILE, 0).await.unwrap();
    assert_eq!((log.snapshot, log.tail), (None, vec![op(1), op(2), op(3)]));
    assert_eq!(store.last_op(HOSTILE).await.unwrap(), 3);

    let twice = store.append_ops(HOSTILE, &[op(4), op(3)]).await;
    assert!(is_invalid(twice));
    assert_eq!(store.load_room(HOSTILE, 0).await.unwrap().tail.len(), 3, "all or none");

    let snapshot = |seq, json: &str| Snapshot { seq, json: json.to_owned() };
    store.snapshot_room(HOSTILE, &snapshot(2, "{}"), "{}", 2_000).await.unwrap();
    store.snapshot_room(HOSTILE, &snapshot(1, "old"), "{}", 1_000).await.unwrap();
    let log = store.load_room(HOSTILE, 0).await.unwrap();
    assert_eq!((log.snapshot, log.tail), (Some(snapshot(2, "{}")), vec![op(3)]));
    assert_eq!(store.load_room(HOSTILE, 1).await.unwrap().tail, [op(2), op(3)]);
    assert_eq!(store.load_room("other", 9).await.unwrap().tail, [op(1)]);
    let many: Vec<_> = (10..3000).map(op).collect();
    store.append_ops("many", &many).await.unwrap();
    assert_eq!(store.load_room("many", 0).await.unwrap().tail, many);

    let batch = store.begin().await.unwrap();
    store.append_ops("other", &[op(2)]).await.unwrap();
    drop(batch);
}

pub async fn room_history(store: Store) {
    let seqs = |ops: &[LoggedOp]| ops.iter().map(|op| op.seq).collect::<Vec<_>>();
    let document = |seq: u64| format!("document {seq}");
    store.append_ops("r", &(1..=10).map(op).collect::<Vec<_>>()).await.unwrap();
    store.append_ops("young", &[op(1)]).await.unwrap();
    for seq in [3, 6, 9] {
        let snapshot = Snapshot { seq, json: "{}".to_owned() };
        store.snapshot_room("r", &snapshot, &document(seq), 1000 * seq as i64).await.unwrap();
    }
    assert_eq!(seqs(&store.room_history("r", None, 3).await.unwrap()), [10, 9, 8]);
    assert_eq!(store.room_history("r", Some(2), 3).await.unwrap(), [op(1)]);

    let moment = async |seq| {
        let log = store.room_moment("r", seq).await.unwrap()?;
        Some((log.snapshot.map(|snapshot| snapshot.json), seqs(&log.tail)))
    };
    assert_eq!(moment(2).await, Some((None, vec![1, 2])));
    assert_eq!(moment(6).await, Some((Some(document(6)), vec![])));
    assert_eq!(moment(8).await, Some((Some(document(6)), vec![7, 8])));
    assert_eq!(moment(11).await, None, "that has not been yet");

    // What is older than the second document: it stays, and leads to all that is younger.
    assert_eq!(store.prune_rooms(8_000).await.unwrap(), 6);
    assert_eq!(store.prune_rooms(8_000).await.unwrap(), 0);
    assert_eq!(seqs(&store.room_history("r", None, 100).await.unwrap()), [10, 9, 8, 7]);
    assert_eq!(moment(5).await, None);
    assert_eq!(moment(6).await, Some((Some(document(6)), vec![])));
    assert_eq!(moment(10).await, Some((Some(document(9)), vec![10])));
    let log = store.load_room("r", 1_000).await.unwrap();
    assert_eq!((log.snapshot.map(|snapshot| snapshot.seq), seqs(&log.tail)), (Some(9), vec![7, 8, 9, 10]));
    assert_eq!(store.load_room("young", 0).await.unwrap().tail, [op(1)], "no snapshot could take its place");
    assert_eq!(store.prune_rooms(i64::MAX).await.unwrap(), 3);
    assert_eq!(store.last_op("r").await.unwrap(), 10);
}

pub async fn comments(store: Store) {
    let new = |room: &str, thread, text: &str| NewComment {
        room: room.to_owned(),
        thread,
        owner: "ada".to_owned(),
        author: HOSTILE.to_owned(),
        text: text.to_owned(),
        anchor: "{}".to_owned(),
        view: "x".to_owned(),
    };
    let first = store.add_comment(&new("r", None, HOSTILE)).await.unwrap();
    let second = store.add_comment(&new("r", None, "b")).await.unwrap();
    let answer = store.add_comment(&new("r", Some(first), "c")).await.unwrap();
    assert!(is_invalid(store.add_comment(&new("r", Some(answer), "no thread")).await.map(drop)));
    assert!(is_invalid(store.add_comment(&new("other", Some(first), "not here")).await.map(drop)));
    let ids = async |threads| store.comments("r", threads).await.unwrap().iter().map(|comment| comment.id).collect::<Vec<_>>();
    assert_eq!(ids(10).await, [second, first, answer]);
    assert_eq!(ids(1).await, [second]);
    let comment = store.comment(first).await.unwrap().unwrap();
    assert_eq!((comment.text.as_str(), comment.thread, comment.edited_ms), (HOSTILE, None, None));

    assert!(!store.edit_comment("r", first, "ben", "mine").await.unwrap());
    assert!(!store.edit_comment("other", first, "ada", "from elsewhere").await.unwrap());
    assert!(!store.resolve_thread("other", first, Some("Ben")).await.unwrap());
    assert!(store.edit_comment("r", first, "ada", "edited").await.unwrap());
    assert!(store.comment(first).await.unwrap().unwrap().edited_ms.is_some());
    assert!(store.resolve_thread("r", first, Some("Ben")).await.unwrap());
    assert_eq!(store.comment(first).await.unwrap().unwrap().resolved_by, "Ben");
    assert!(store.resolve_thread("r", first, None).await.unwrap());
    assert_eq!(store.comment(first).await.unwrap().unwrap().resolved_ms, None);
    assert!(!store.resolve_thread("r", answer, Some("Ben")).await.unwrap(), "an answer is no thread");

    assert!(!store.delete_comment("r", first, "ada").await.unwrap(), "it was answered");
    assert!(!store.delete_comment("r", answer, "ben").await.unwrap());
    assert!(store.delete_comment("r", answer, "ada").await.unwrap() && store.delete_comment("r", first, "ada").await.unwrap());
    assert_eq!(ids(10).await, [second]);

    assert_eq!(store.comments_read("r", "ben").await.unwrap(), 0);
    for (up_to, is) in [(5, 5), (3, 5), (7, 7)] {
        store.set_comments_read("r", "ben", up_to).await.unwrap();
        assert_eq!(store.comments_read("r", "ben").await.unwrap(), is);
    }
}

pub async fn saved_views(store: Store) {
    let new = |code: &str, name: &str| SavedView {
        code: code.to_owned(),
        room: "/data/5".to_owned(),
        name: name.to_owned(),
        owner: "ada".to_owned(),
        view: HOSTILE.to_owned(),
        ..SavedView::default()
    };
    store.add_view(&new("a", HOSTILE)).await.unwrap();
    store.add_view(&new("b", "second")).await.unwrap();
    assert!(is_invalid(store.add_view(&new("a", "again")).await));
    let view = store.view("a").await.unwrap().unwrap();
    assert_eq!((view.name.as_str(), view.view.as_str(), view.at_ms), (HOSTILE, HOSTILE, view.changed_ms));
    assert_eq!(store.views("/data/5", 10).await.unwrap().len(), 2);
    assert_eq!(store.views("/data/5", 1).await.unwrap().len(), 1);
    assert!(store.views("/data/6", 10).await.unwrap().is_empty());
    assert!(!store.update_view("a", "ben", "mine").await.unwrap());
    assert!(store.update_view("a", "ada", "new").await.unwrap());
    assert_eq!(store.view("a").await.unwrap().unwrap().view, "new");
    assert!(!store.delete_view("a", "ben").await.unwrap());
    assert!(store.delete_view("a", "ada").await.unwrap());
    assert_eq!(store.view("a").await.unwrap(), None);
}

pub async fn settings_and_people(store: Store) {
    assert_eq!(store.setting("invite").await.unwrap(), None);
    store.set_setting("invite", "a").await.unwrap();
    store.set_setting("invite", HOSTILE).await.unwrap();
    assert_eq!(store.setting("invite").await.unwrap().as_deref(), Some(HOSTILE));
    store.remove_setting("invite").await.unwrap();
    assert_eq!(store.setting("invite").await.unwrap(), None);

    let ann = NewPerson { id: None, name: "ann".to_owned(), role: "admin".to_owned(), key_hash: Some("hash".to_owned()) };
    let id = store.add_person(ann.clone()).await.unwrap();
    let exists = ConflictReason::Exists;
    assert_eq!(conflict(store.add_person(ann).await), (Kind::Person, id, exists));
    let found = store.person_with_key("hash").await.unwrap().unwrap();
    assert_eq!((found.id, found.name.as_str(), found.role.as_str()), (id, "ann", "admin"));
    store.set_person_key(id, Some("new")).await.unwrap();
    assert_eq!(store.person_with_key("hash").await.unwrap(), None);
    assert_eq!(store.person_named("ann").await.unwrap().unwrap().id, id);
    assert_eq!(store.people().await.unwrap(), [store.person(id).await.unwrap()]);
    assert_eq!(not_found(store.set_person_key(9, None).await), (Kind::Person, 9));
    assert_eq!(store.person(id).await.unwrap().name, "ann");
    assert_eq!(not_found(store.person(9).await), (Kind::Person, 9));
    let bob = NewPerson { id: Some(7), name: "bob".to_owned(), role: "member".to_owned(), key_hash: None };
    store.add_person(bob).await.unwrap();
    let names = async |ids: &[i64]| store.people_by_ids(ids).await.unwrap().into_iter().map(|person| person.name).collect::<Vec<_>>();
    assert_eq!(names(&[7, 9, id]).await, ["ann", "bob"]);
    assert!(names(&[]).await.is_empty());
    let d = store.add_dataset(dataset(&store, "a")).await.unwrap();
    assert_eq!(store.dataset(d).await.unwrap().uploader_name.as_deref(), Some("ann"));
}

pub async fn own_ids_start_at_the_floor(store: Store) {
    const FLOOR: i64 = 1_000_000_000;
    let brought = store.add_dataset(NewDataset { id: Some(61), ..dataset(&store, "iris") }).await.unwrap();
    let person = NewPerson { id: None, name: "ann".to_owned(), role: "admin".to_owned(), key_hash: None };
    assert_eq!(store.add_person(person).await.unwrap(), 1, "people have no floor");
    assert!(is_invalid(store.set_id_floor(0).await));
    for _ in 0..2 {
        store.set_id_floor(FLOOR).await.unwrap();
    }
    let own = store.add_dataset(dataset(&store, "a")).await.unwrap();
    assert_eq!((brought, own), (61, FLOOR));
    let low = store.add_dataset(NewDataset { id: Some(5), ..dataset(&store, "b") }).await.unwrap();
    assert_eq!((low, store.add_dataset(dataset(&store, "c")).await.unwrap()), (5, FLOOR + 1));
    let t = store.add_task(task(low)).await.unwrap();
    let f = store.add_flow(NewFlow { id: Some(7), ..flow("tree") }).await.unwrap();
    let r = store.add_run(run(t, f, 1, 0.5)).await.unwrap();
    assert_eq!((t, r, store.run(r).await.unwrap().setup_id), (FLOOR, FLOOR, FLOOR));
    let own = store.dataset(FLOOR).await.unwrap();
    assert!(own.file_id.unwrap() < FLOOR && own.revision < FLOOR, "only what has a page");

    store.set_id_floor(FLOOR).await.unwrap();
    store.delete_run(r).await.unwrap();
    match store.set_id_floor(FLOOR + 1).await {
        Err(error @ StoreError::LowIds { kind: Kind::Dataset, id: FLOOR, .. }) => assert_eq!(error.to_string().lines().count(), 1),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.add_run(run(t, f, 1, 0.5)).await.unwrap(), FLOOR + 1, "what was refused changes nothing");
}

pub async fn sweep_removes_only_what_nothing_mentions(store: Store) {
    let (d, t, f) = parents(&store).await;
    let held = store.files().put("p", "text/plain", b"held").unwrap();
    let loose = store.files().put("p", "text/plain", b"loose").unwrap();
    let other = labboard_openml::table::Table::default();
    let unused = store.columns().write(&other).unwrap();
    let run = NewRun { files: vec![NewRunFile { role: "predictions".to_owned(), file: held.clone() }], ..run(t, f, 1, 0.5) };
    store.hold_back(run).await.unwrap();
    let hour = std::time::Duration::from_secs(3600);
    assert_eq!(store.sweep(hour).await.unwrap(), Swept::default());
    let swept = store.sweep(std::time::Duration::ZERO).await.unwrap();
    assert_eq!(swept, Swept { files: 1, tables: 1 });
    assert!(store.files().read(&held.hash).is_ok());
    assert!(store.files().read(&loose.hash).is_err());
    assert!(store.columns().open(&unused).is_err());
    let d = store.dataset(d).await.unwrap();
    assert!(store.columns().open(&d.columns).is_ok());
    assert_eq!(store.columns().write(&other).unwrap(), unused);
    assert!(store.columns().open(&unused).is_ok());
}

pub async fn concurrent_writers_do_not_collide(store: Store) {
    let (_, t, f) = parents(&store).await;
    let mut writers = tokio::task::JoinSet::new();
    for depth in 0..40 {
        let store = store.clone();
        writers.spawn(async move { store.add_run(run(t, f, depth % 5, 0.5)).await.unwrap() });
    }
    let ids: BTreeSet<i64> = writers.join_all().await.into_iter().collect();
    assert_eq!(ids, (1..=40).collect());
    assert_eq!(store.setups(&SetupQuery { flows: vec![f], ..SetupQuery::default() }).await.unwrap().len(), 5);
}

/// Runs that are added at the same time share commits; each succeeds or fails alone.
pub async fn one_bad_run_spoils_no_other(store: Store) {
    let (_, t, f) = parents(&store).await;
    let taken = store.add_run(run(t, f, 0, 0.5)).await.unwrap();
    let mut changes = store.subscribe();
    // While somebody else writes, all others have to wait.
    let batch = store.begin().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for index in 0..60 {
        let store = store.clone();
        let good = run(t, f, index, 0.5);
        let new = match index % 5 {
            0 => NewRun { task_id: 99, ..good },
            1 => NewRun { id: Some(taken), ..good },
            2 => NewRun { evaluations: vec![evaluation("kappa", 0.1), evaluation("kappa", 0.2)], ..good },
            _ => good,
        };
        writers.spawn(async move { (index, store.add_run(new).await) });
    }
    // Callers who do not wait for their answer take nobody else's along.
    for depth in 0..10 {
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(1), store.add_run(run(t, f, 100 + depth, 0.5)));
        assert!(given_up.await.is_err());
    }
    drop(batch);
    let mut ids = BTreeSet::new();
    for (index, added) in writers.join_all().await {
        match index % 5 {
            0 => assert_eq!(not_found(added), (Kind::Task, 99)),
            1 => assert_eq!(conflict(added), (Kind::Run, taken, ConflictReason::Exists)),
            2 => assert!(is_invalid(added)),
            _ => assert!(ids.insert(added.unwrap())),
        }
    }
    assert_eq!(ids.len(), 24);
    let listed = store.runs_of_task(t).await.unwrap();
    assert!(ids.iter().all(|id| listed.iter().any(|row| row.id == *id)));
    for row in &listed {
        assert_eq!(store.evaluations_of_run(row.id).await.unwrap().len(), 2, "whole");
    }
    // What failed left no setup behind, and nothing was announced that did not happen.
    let used: BTreeSet<i64> = listed.iter().map(|row| row.setup_id).collect();
    let setups = store.setups(&SetupQuery { limit: 1000, ..SetupQuery::default() }).await.unwrap();
    assert_eq!(setups.len(), used.len());
    let (mut announced, mut commits) = (BTreeSet::new(), 0);
    while let Ok(change) = changes.try_recv() {
        commits += 1;
        announced.extend(change.events.iter().map(|event| event.id));
    }
    assert_eq!(announced, listed.iter().map(|row| row.id).filter(|id| *id != taken).collect());
    assert!(commits < announced.len(), "{commits} commits");
}
