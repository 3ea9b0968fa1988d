//! Reading a task's scores.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::chunk::{Chunk, Column, Entry, Runs, overlay};
use super::packed::{unpack_runs, unpack_scores};
use super::{ScoredFlow, ScoredUploader, TaskScores};
use crate::catalogue::Store;
use crate::decode::from_row;
use crate::error::StoreError;
use crate::list::{IDS_AT_ONCE, named, push_ids};

pub(super) const EVERY_RUN: RangeInclusive<i64> = i64::MIN..=i64::MAX;
/// Before every revision.
pub(super) const NEVER: i64 = -1;

const PENDING: &str = "SELECT run_id, revision FROM score_pending WHERE task_id = $1 ORDER BY run_id";
const CHUNKS: &str = "SELECT id, first_run, runs FROM score_chunk WHERE task_id = $1 ORDER BY first_run";
// A run may have been deleted and its id used again in another task. The plus keeps
// SQLite from walking through all evaluations of the task.
const RUNS: &str = "SELECT run.id, run.flow_id, run.setup_id, run.uploader, run.upload_ms
    FROM score_pending JOIN run ON run.id = score_pending.run_id AND +run.task_id = score_pending.task_id
    WHERE score_pending.task_id = $1 AND score_pending.run_id BETWEEN $2 AND $3 AND score_pending.revision > $4
    ORDER BY score_pending.run_id";
const ENTRIES: &str = "SELECT evaluation.run_id AS run, evaluation.measure, evaluation.value, evaluation.deviation
    FROM score_pending JOIN evaluation ON evaluation.run_id = score_pending.run_id AND +evaluation.task_id = score_pending.task_id
    WHERE score_pending.task_id = $1 AND score_pending.run_id BETWEEN $2 AND $3 AND score_pending.revision > $4
    ORDER BY score_pending.run_id";

#[cfg(test)]
pub(crate) fn statements() -> [&'static str; 4] {
    [PENDING, CHUNKS, RUNS, ENTRIES]
}

from_row!(Entry { run, measure, value, deviation });

/// A chunk as the catalogue lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) first_run: i64,
    runs: i64,
}

from_row!(Stored { id, first_run, runs });

impl Store {
    /// The scores of all runs of `task` as they are now, with `measures` read.
    ///
    /// What `previous`, an earlier answer of this store, has of them is not read again:
    /// after one more run was published, that one is read.
    ///
    /// # Errors
    /// `Corrupt` if a chunk is not what it should be; `Database`.
    pub async fn task_scores(&self, task: i64, measures: &[&str], previous: Option<&TaskScores>) -> Result<TaskScores, StoreError> {
        let previous = previous.filter(|previous| previous.task == task);
        let mut transaction = self.inner.readers.begin().await?;
        let revision = revision(&mut transaction).await?;
        let pending = pending(&mut transaction, task).await?;
        let known: HashMap<i64, &Arc<Chunk>> =
            previous.iter().flat_map(|previous| &previous.chunks).filter(|chunk| chunk.id > 0).map(|chunk| (chunk.id, chunk)).collect();
        let mut chunks = Vec::new();
        for stored in stored(&mut transaction, task).await? {
            let chunk = match known.get(&stored.id) {
                Some(chunk) => Arc::clone(chunk),
                None => Arc::new(chunk(&mut transaction, stored).await?),
            };
            let has_pending = any_of(&pending, &chunk.runs.ids);
            for (measure, column) in &chunk.columns {
                if has_pending || measures.contains(&measure.as_str()) {
                    read_scores(&mut transaction, &chunk, measure, column).await?;
                }
            }
            chunks.push(chunk);
        }
        let fresh = fresh(&mut transaction, task, &pending, previous).await?;
        let runs: Vec<i64> = pending.iter().map(|(run, _)| *run).collect();
        let mut scores = TaskScores::new(task, revision, chunks, fresh, &runs);
        let flows = flows(&mut transaction, &scores.ids(|runs| &runs.flows)).await?;
        let uploaders = uploaders(&mut transaction, &scores.ids(|runs| &runs.uploaders)).await?;
        scores.name(flows, uploaders);
        Ok(scores)
    }
}

pub(super) async fn revision(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    let found = sqlx::query_scalar("SELECT value FROM counter WHERE name = 'revision'").fetch_optional(conn).await?;
    Ok(found.unwrap_or(0))
}

/// The task's pending runs, each with the revision at which it became so.
pub(super) async fn pending(conn: &mut SqliteConnection, task: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    Ok(sqlx::query_as(PENDING).bind(task).fetch_all(conn).await?)
}

pub(super) async fn stored(conn: &mut SqliteConnection, task: i64) -> Result<Vec<Stored>, StoreError> {
    Ok(sqlx::query_as(CHUNKS).bind(task).fetch_all(conn).await?)
}

/// The rows of the pending runs among `range` that became so after the revision `since`.
pub(super) async fn rows(conn: &mut SqliteConnection, task: i64, range: RangeInclusive<i64>, since: i64) -> Result<Chunk, StoreError> {
    let (first, last) = range.into_inner();
    let found = sqlx::query(RUNS).bind(task).bind(first).bind(last).bind(since).fetch_all(&mut *conn).await?;
    let column = |name: &str| found.iter().map(|row| row.try_get(name)).collect::<Result<Vec<i64>, _>>();
    let runs = Runs {
        ids: column("id")?,
        setups: column("setup_id")?,
        upload_ms: column("upload_ms")?,
        flows: column("flow_id")?.into_iter().collect(),
        uploaders: column("uploader")?.into_iter().collect(),
    };
    let entries = sqlx::query_as(ENTRIES).bind(task).bind(first).bind(last).bind(since).fetch_all(conn).await?;
    Ok(Chunk::of_rows(runs, entries))
}

/// The pending runs. Those that were so already in `previous`, and have not changed
/// since, are taken from there.
async fn fresh(
    conn: &mut SqliteConnection,
    task: i64,
    pending: &[(i64, i64)],
    previous: Option<&TaskScores>,
) -> Result<Arc<Chunk>, StoreError> {
    let Some((previous, known)) = previous.and_then(|previous| Some((previous, previous.chunks.last()?))) else {
        return Ok(Arc::new(rows(conn, task, EVERY_RUN, NEVER).await?));
    };
    let is_pending = |run: &i64| pending.binary_search_by_key(run, |(run, _)| *run).is_ok();
    let mut outdated: Vec<i64> = known.runs.ids.iter().copied().filter(|run| !is_pending(run)).collect();
    outdated.extend(pending.iter().filter(|(_, since)| *since > previous.revision).map(|(run, _)| *run));
    outdated.sort_unstable();
    if outdated.is_empty() {
        return Ok(Arc::clone(known));
    }
    let new = rows(conn, task, EVERY_RUN, previous.revision).await?;
    let spans = overlay(&[&known.runs.ids], &new.runs.ids, &outdated);
    Ok(Arc::new(Chunk::gather(&[known, &new], &spans)))
}

/// Whether one of the pending runs is among `ids`.
fn any_of(pending: &[(i64, i64)], ids: &[i64]) -> bool {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return false };
    let begin = pending.partition_point(|(run, _)| run < first);
    pending[begin..].iter().take_while(|(run, _)| run <= last).any(|(run, _)| ids.binary_search(run).is_ok())
}

/// A chunk without its scores.
async fn chunk(conn: &mut SqliteConnection, stored: Stored) -> Result<Chunk, StoreError> {
    let row = sqlx::query("SELECT data FROM score_chunk WHERE id = $1").bind(stored.id).fetch_one(&mut *conn).await?;
    let runs = usize::try_from(stored.runs).ok().and_then(|runs| unpack_runs(row.try_get("data").ok()?, runs));
    let runs = runs.ok_or_else(|| damaged(stored.id, "its runs"))?;
    let columns: Vec<(String, i64)> =
        sqlx::query_as("SELECT measure, runs FROM score_column WHERE chunk_id = $1").bind(stored.id).fetch_all(conn).await?;
    let mut by_measure = BTreeMap::new();
    for (measure, having) in columns {
        let having = usize::try_from(having).map_err(|_| damaged(stored.id, &measure))?;
        by_measure.insert(measure, Column { runs: having, scores: OnceLock::new() });
    }
    Ok(Chunk { id: stored.id, runs, columns: by_measure })
}

/// A chunk with all scores.
pub(super) async fn whole_chunk(conn: &mut SqliteConnection, stored: Stored) -> Result<Chunk, StoreError> {
    let chunk = chunk(conn, stored).await?;
    for (measure, column) in &chunk.columns {
        read_scores(conn, &chunk, measure, column).await?;
    }
    Ok(chunk)
}

async fn read_scores(conn: &mut SqliteConnection, chunk: &Chunk, measure: &str, column: &Column) -> Result<(), StoreError> {
    if column.scores.get().is_some() {
        return Ok(());
    }
    let row = sqlx::query("SELECT data FROM score_column WHERE chunk_id = $1 AND measure = $2")
        .bind(chunk.id)
        .bind(measure)
        .fetch_one(conn)
        .await?;
    let scores = unpack_scores(row.try_get("data")?, chunk.runs.len());
    let scores = scores.filter(|scores| scores.present.is_none() == (column.runs == chunk.runs.len()));
    let scores = scores.ok_or_else(|| damaged(chunk.id, measure))?;
    // Somebody else may have read the same meanwhile.
    let _ = column.scores.set(scores);
    Ok(())
}

async fn flows(conn: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<ScoredFlow>, StoreError> {
    let mut found = named(conn, "flow", ids).await?;
    let flow = |id: &i64| found.remove(id).map(|(name, version)| ScoredFlow { id: *id, name, version });
    let missing = || StoreError::Corrupt { place: "the catalogue".to_owned(), reason: "a run's flow is not there".to_owned() };
    ids.iter().map(flow).collect::<Option<_>>().ok_or_else(missing)
}

async fn uploaders(conn: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<ScoredUploader>, StoreError> {
    let mut names: HashMap<i64, String> = HashMap::new();
    for ids in ids.chunks(IDS_AT_ONCE) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id, name FROM person WHERE 1 = 1");
        push_ids(&mut query, "id", ids);
        names.extend(query.build_query_as::<(i64, String)>().fetch_all(&mut *conn).await?);
    }
    Ok(ids.iter().map(|id| ScoredUploader { id: *id, name: names.remove(id) }).collect())
}

fn damaged(chunk: i64, what: &str) -> StoreError {
    StoreError::Corrupt { place: format!("the chunk {chunk} of scores"), reason: format!("{what} cannot be read") }
}
