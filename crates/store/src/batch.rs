//! Writing: one transaction at a time, announced after it is durable.

mod dataset;
mod flow;
mod run;
mod study;
mod tag;
mod task;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::catalogue::{Store, now_ms};
use crate::change::{Action, Change, Event, Kind, Topic};
use crate::entity::{Evaluation, NewDataset, NewFlow, NewRun, NewStudy, NewTask, Status};
use crate::error::{ConflictReason, StoreError};
use crate::files::NewFile;
use crate::id_floor;

pub use dataset::DatasetEdit;
pub(crate) use run::setup_fingerprint;

/// A transaction on the catalogue: [`commit`](Self::commit) makes all of it durable
/// and visible at once, dropping it undoes all of it.
#[derive(Debug)]
pub struct Batch {
    transaction: Transaction<'static, Sqlite>,
    pub(crate) store: Store,
    revision: i64,
    now_ms: i64,
    events: Vec<Event>,
    topics: BTreeSet<Topic>,
}

impl Batch {
    pub(crate) async fn begin(store: Store) -> Result<Self, StoreError> {
        let mut transaction = store.inner.writer.begin().await?;
        let revision = next(&mut transaction, "revision", 1).await?;
        Ok(Self { transaction, store, revision, now_ms: now_ms(), events: Vec::new(), topics: BTreeSet::new() })
    }

    /// Makes everything durable, then tells the subscribers.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let added: HashSet<_> =
            self.events.iter().filter(|event| event.action == Action::Added).map(|event| (event.kind, event.id)).collect();
        let mut older = Vec::with_capacity(self.topics.len());
        for topic in &self.topics {
            let (kind, id, sql) = match *topic {
                Topic::Dataset(id) => (Kind::Dataset, id, "UPDATE dataset SET revision = $2 WHERE id = $1"),
                Topic::Task(id) => (Kind::Task, id, "UPDATE task SET revision = $2 WHERE id = $1"),
                Topic::Flow(id) => (Kind::Flow, id, "UPDATE flow SET revision = $2 WHERE id = $1"),
                Topic::Run(id) => (Kind::Run, id, "UPDATE run SET revision = $2 WHERE id = $1"),
                Topic::Study(id) => (Kind::Study, id, "UPDATE study SET revision = $2 WHERE id = $1"),
                Topic::Datasets | Topic::Tasks | Topic::Flows | Topic::Runs | Topic::Studies => continue,
            };
            // What is new carries the revision from its insertion.
            if !added.contains(&(kind, id)) {
                sqlx::query(sql).bind(id).bind(self.revision).execute(&mut *self.transaction).await?;
                older.push(*topic);
            }
        }
        self.transaction.commit().await?;
        self.store.touch(older.into_iter(), self.revision);
        if !self.events.is_empty() {
            // An error only says that nobody listens.
            let _ = self.store.inner.changes.send(Arc::new(Change { revision: self.revision, events: self.events, topics: self.topics }));
        }
        Ok(())
    }

    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// The given id if it is free, or else the next one from the
    /// [floor](Store::set_id_floor) on. Ids are never used twice.
    pub(crate) async fn take_id(&mut self, kind: Kind, wanted: Option<i64>) -> Result<i64, StoreError> {
        let Some(id) = wanted else {
            let floor = if kind.is_shared() { id_floor::read(&mut self.transaction).await? } else { 1 };
            return next(&mut self.transaction, kind.as_str(), floor).await;
        };
        if id < 1 {
            return Err(StoreError::Invalid(format!("{id} is no id")));
        }
        if exists(&mut self.transaction, kind, id).await? {
            return Err(StoreError::Conflict { kind, id, reason: ConflictReason::Exists });
        }
        sqlx::query(
            "INSERT INTO counter (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value
             WHERE excluded.value > counter.value",
        )
        .bind(kind.as_str())
        .bind(id)
        .execute(&mut *self.transaction)
        .await?;
        Ok(id)
    }

    async fn require(&mut self, kind: Kind, id: i64) -> Result<(), StoreError> {
        if exists(&mut self.transaction, kind, id).await? { Ok(()) } else { Err(StoreError::NotFound { kind, id }) }
    }

    fn record<const N: usize>(&mut self, kind: Kind, id: i64, action: Action, topics: [Topic; N]) {
        self.events.push(Event { kind, id, action });
        self.topics.extend(topics);
    }

    async fn add_file(&mut self, file: NewFile) -> Result<i64, StoreError> {
        if !self.store.files().path(&file.hash).is_file() {
            return Err(StoreError::NoContent(file.hash));
        }
        let id = self.take_id(Kind::File, None).await?;
        sqlx::query(
            "INSERT INTO file (id, hash, name, media_type, size, upload_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id)
        .bind(file.hash.as_str())
        .bind(file.name)
        .bind(file.media_type)
        .bind(file.size)
        .bind(self.now_ms)
        .execute(&mut *self.transaction)
        .await?;
        Ok(id)
    }
}

pub(crate) async fn next(conn: &mut SqliteConnection, name: &str, floor: i64) -> Result<i64, StoreError> {
    let value = sqlx::query_scalar(
        "INSERT INTO counter (name, value, first_given) VALUES ($1, $2, $2)
         ON CONFLICT (name) DO UPDATE SET
             value = CASE WHEN counter.value < $2 THEN $2 ELSE counter.value + 1 END,
             first_given = COALESCE(counter.first_given,
                 CASE WHEN counter.value < $2 THEN $2 ELSE counter.value + 1 END)
         RETURNING value",
    )
    .bind(name)
    .bind(floor)
    .fetch_one(conn)
    .await?;
    Ok(value)
}

pub(crate) async fn exists(conn: &mut SqliteConnection, kind: Kind, id: i64) -> Result<bool, StoreError> {
    let sql = match kind {
        Kind::Dataset => "SELECT id FROM dataset WHERE id = $1",
        Kind::Task => "SELECT id FROM task WHERE id = $1",
        Kind::Flow => "SELECT id FROM flow WHERE id = $1",
        Kind::Setup => "SELECT id FROM setup WHERE id = $1",
        Kind::Run => "SELECT id FROM run WHERE id = $1",
        Kind::Study => "SELECT id FROM study WHERE id = $1",
        Kind::File => "SELECT id FROM file WHERE id = $1",
        Kind::Person => "SELECT id FROM person WHERE id = $1",
    };
    let found: Option<i64> = sqlx::query_scalar(sql).bind(id).fetch_optional(conn).await?;
    Ok(found.is_some())
}

fn in_use(kind: Kind, id: i64) -> StoreError {
    StoreError::Conflict { kind, id, reason: ConflictReason::InUse }
}

/// # Errors
/// `Invalid` if a name occurs twice.
fn distinct<'a>(what: &str, names: impl IntoIterator<Item = &'a str>) -> Result<(), StoreError> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(StoreError::Invalid(format!("the {what} {name:?} is given twice"))),
        None => Ok(()),
    }
}

/// The same as on [`Batch`], each in a transaction of its own.
macro_rules! single {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Store {$(
            #[doc = concat!("[`Batch::", stringify!($name), "`] in a transaction of its own.")]
            pub async fn $name(&self, $($argument: $type),*) -> Result<$result, StoreError> {
                let mut batch = self.begin().await?;
                let result = batch.$name($($argument),*).await?;
                batch.commit().await?;
                Ok(result)
            }
        )*}
    };
}

single! {
    add_dataset(dataset: NewDataset) -> i64;
    edit_dataset(id: i64, edit: DatasetEdit) -> ();
    set_dataset_status(id: i64, status: Status) -> ();
    set_ontologies(id: i64, feature: i64, ontologies: &[String]) -> ();
    delete_dataset(id: i64) -> ();
    add_task(task: NewTask) -> i64;
    delete_task(id: i64) -> ();
    add_flow(flow: NewFlow) -> i64;
    delete_flow(id: i64) -> ();
    set_evaluations(run: i64, evaluations: Vec<Evaluation>) -> ();
    delete_run(id: i64) -> ();
    add_study(study: NewStudy) -> i64;
    attach_to_study(id: i64, entities: &[i64]) -> u64;
    detach_from_study(id: i64, entities: &[i64]) -> u64;
    set_study_status(id: i64, status: Status) -> ();
    delete_study(id: i64) -> ();
    add_tag(kind: Kind, id: i64, tag: &str, uploader: i64) -> ();
    remove_tag(kind: Kind, id: i64, tag: &str) -> ();
    hold_back(run: NewRun) -> ();
    publish_next_held() -> Option<i64>;
    hold_back_again() -> u64;
}
