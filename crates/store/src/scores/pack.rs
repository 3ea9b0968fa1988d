//! Putting pending runs into chunks.

use super::chunk::{Chunk, Span, overlay};
use super::packed::{pack_runs, pack_scores};
use super::read::{self, NEVER, Stored};
use crate::batch::{exists, next};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::error::StoreError;

/// How many runs are worth writing a chunk for, and how many a chunk has at most.
///
/// The one bounds the rows that a page reads, the other what is written anew when a
/// chunk grows: with nine measures about 1.5 kB for each run in the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) pending: usize,
    pub(super) chunk: usize,
}

const LIMITS: Limits = Limits { pending: 256, chunk: 4096 };

/// What takes the place of a chunk, or comes after all others.
#[derive(Debug)]
struct Repacked {
    replaced: Option<i64>,
    chunks: Vec<Chunk>,
    /// The first and the last of the pending runs that are in the chunks now.
    first: i64,
    last: i64,
    runs: usize,
    /// The revision of the catalogue that the chunks were made from.
    revision: i64,
}

impl Store {
    /// Writes the task's pending runs into chunks if there are enough of them to be
    /// worth it, and says how many it wrote. Worth calling after a commit that concerns
    /// the task; nothing depends on it but how fast [`task_scores`](Self::task_scores) is.
    ///
    /// Reads beside the writers, and keeps them waiting only while it writes one chunk.
    pub async fn pack_scores(&self, task: i64) -> Result<usize, StoreError> {
        self.pack_within(task, LIMITS).await
    }

    /// The tasks that [`pack_scores`](Self::pack_scores) would write a chunk for.
    pub async fn unpacked_tasks(&self) -> Result<Vec<i64>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_scalar("SELECT task_id FROM score_pending GROUP BY task_id HAVING COUNT(*) >= $1 ORDER BY task_id")
            .bind(LIMITS.pending as i64)
            .fetch_all(&mut *conn)
            .await?;
        Ok(found)
    }

    pub(super) async fn pack_within(&self, task: i64, limits: Limits) -> Result<usize, StoreError> {
        let _packing = self.inner.packing.lock().await;
        let mut packed = 0;
        while let Some(repacked) = self.repack(task, limits).await? {
            let runs = repacked.runs;
            if !self.replace(task, repacked).await? {
                break;
            }
            packed += runs;
        }
        Ok(packed)
    }

    /// The chunk that most pending runs belong to, with these. `None` if there are too
    /// few of them.
    async fn repack(&self, task: i64, limits: Limits) -> Result<Option<Repacked>, StoreError> {
        let mut transaction = self.inner.readers.begin().await?;
        let revision = read::revision(&mut transaction).await?;
        let pending: Vec<i64> = read::pending(&mut transaction, task).await?.into_iter().map(|(run, _)| run).collect();
        if pending.len() < limits.pending.max(1) {
            return Ok(None);
        }
        let stored = read::stored(&mut transaction, task).await?;
        let (base, pending) = largest_share(&stored, &pending);
        let pending = &pending[..pending.len().min(limits.chunk)];
        let (Some(&first), Some(&last)) = (pending.first(), pending.last()) else { return Ok(None) };
        let old = match base {
            Some(at) => read::whole_chunk(&mut transaction, stored[at]).await?,
            None => Chunk::default(),
        };
        let fresh = read::rows(&mut transaction, task, first..=last, NEVER).await?;
        let is_last = base.is_none_or(|at| at + 1 == stored.len());
        let spans = overlay(&[&old.runs.ids], &fresh.runs.ids, pending);
        let runs = spans.iter().map(|span| span.rows.len()).sum();
        let chunks = cut(spans, chunk_size(runs, is_last, limits.chunk)).map(|spans| Chunk::gather(&[&old, &fresh], &spans)).collect();
        Ok(Some(Repacked { replaced: base.map(|at| stored[at].id), chunks, first, last, runs: pending.len(), revision }))
    }

    /// False if the task was deleted after the chunks were made: then nothing is written.
    async fn replace(&self, task: i64, repacked: Repacked) -> Result<bool, StoreError> {
        let Repacked { replaced, chunks, first, last, runs, revision } = repacked;
        let mut transaction = self.inner.writer.begin().await?;
        // Pending runs only vanish with their task, or by what this does.
        let still: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM score_pending WHERE task_id = $1 AND run_id BETWEEN $2 AND $3")
            .bind(task)
            .bind(first)
            .bind(last)
            .fetch_one(&mut *transaction)
            .await?;
        if still < runs as i64 || !exists(&mut transaction, Kind::Task, task).await? {
            return Ok(false);
        }
        if let Some(id) = replaced {
            sqlx::query("DELETE FROM score_column WHERE chunk_id = $1").bind(id).execute(&mut *transaction).await?;
            let deleted = sqlx::query("DELETE FROM score_chunk WHERE id = $1").bind(id).execute(&mut *transaction).await?;
            if deleted.rows_affected() == 0 {
                return Ok(false);
            }
        }
        for chunk in chunks {
            let Some(&first_run) = chunk.runs.ids.first() else { continue };
            let id = next(&mut transaction, "score_chunk", 1).await?;
            sqlx::query("INSERT INTO score_chunk (id, task_id, first_run, runs, data) VALUES ($1, $2, $3, $4, $5)")
                .bind(id)
                .bind(task)
                .bind(first_run)
                .bind(chunk.runs.len() as i64)
                .bind(pack_runs(&chunk.runs))
                .execute(&mut *transaction)
                .await?;
            for (measure, column) in &chunk.columns {
                let Some(scores) = column.scores.get() else { continue };
                sqlx::query("INSERT INTO score_column (chunk_id, measure, runs, data) VALUES ($1, $2, $3, $4)")
                    .bind(id)
                    .bind(measure)
                    .bind(column.runs as i64)
                    .bind(pack_scores(scores))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        // Runs that changed after the revision stay pending.
        sqlx::query("DELETE FROM score_pending WHERE task_id = $1 AND run_id BETWEEN $2 AND $3 AND revision <= $4")
            .bind(task)
            .bind(first)
            .bind(last)
            .bind(revision)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// The chunk to which most of `pending` belong, and those. A run belongs to the last
/// chunk that begins with it or before it, or to the first.
fn largest_share<'a>(stored: &[Stored], pending: &'a [i64]) -> (Option<usize>, &'a [i64]) {
    let share = |at: usize| {
        let begin = if at == 0 { 0 } else { pending.partition_point(|run| *run < stored[at].first_run) };
        let end = stored.get(at + 1).map_or(pending.len(), |next| pending.partition_point(|run| *run < next.first_run));
        (Some(at), &pending[begin..end])
    };
    (0..stored.len()).map(share).max_by_key(|(_, share)| share.len()).unwrap_or((None, pending))
}

/// Runs per chunk. What comes last grows on and fills its chunks; elsewhere the parts are
/// equal, so that runs between others do not leave tiny chunks.
fn chunk_size(runs: usize, is_last: bool, most: usize) -> usize {
    if is_last { most } else { runs.div_ceil(runs.div_ceil(most).max(1)).max(1) }
}

/// The spans in pieces of `size` rows; the last piece has what is left.
fn cut(spans: Vec<Span>, size: usize) -> impl Iterator<Item = Vec<Span>> {
    let mut spans = spans.into_iter();
    let mut rest: Option<Span> = None;
    std::iter::from_fn(move || {
        let (mut piece, mut room) = (Vec::new(), size);
        while room > 0 {
            let Some(mut span) = rest.take().or_else(|| spans.next()) else { break };
            if span.rows.len() > room {
                let at = span.rows.start + room;
                rest = Some(Span { source: span.source, rows: at..span.rows.end });
                span.rows.end = at;
            }
            room -= span.rows.len();
            piece.push(span);
        }
        (!piece.is_empty()).then_some(piece)
    })
}
