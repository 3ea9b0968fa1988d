//! The rooms' log: what was said in a room, in order, as text that only the room
//! understands.
//!
//! Operations stay in the log behind the snapshot that makes them unnecessary, as the
//! room's history, until [`Store::prune_rooms`] removes the old ones.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::catalogue::Store;
use crate::error::StoreError;

/// A room's state after the operation `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub seq: u64,
    pub json: String,
}

/// An operation in a room's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedOp {
    pub seq: u64,
    pub json: String,
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// The name that the person had.
    pub author: String,
}

/// What a room is rebuilt from: a snapshot, and operations without a gap that end the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomLog {
    pub snapshot: Option<Snapshot>,
    /// Ascending; the first ones may lie before the snapshot.
    pub tail: Vec<LoggedOp>,
}

impl Store {
    /// Appends operations, all or none; they are durable on return.
    ///
    /// # Errors
    /// `Invalid` if the room has an operation with one of these numbers already:
    /// somebody else owns the room.
    pub async fn append_ops(&self, room: &str, ops: &[LoggedOp]) -> Result<(), StoreError> {
        // Stays below the number of values that one statement may bind.
        const AT_ONCE: usize = 1000;
        if ops.len() <= AT_ONCE {
            // One statement is a transaction by itself.
            return append(&mut *self.inner.rooms.acquire().await?, room, ops).await;
        }
        let mut transaction = self.inner.rooms.begin().await?;
        for ops in ops.chunks(AT_ONCE) {
            append(&mut transaction, room, ops).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The snapshot, the operations after it, and `before` more, as far as the log still has them. Empty for a room that
    /// nobody has changed.
    pub async fn load_room(&self, room: &str, before: u64) -> Result<RoomLog, StoreError> {
        let mut transaction = self.inner.rooms.begin().await?;
        let snapshot =
            sqlx::query("SELECT seq, snapshot FROM room_snapshot WHERE room = $1").bind(room).fetch_optional(&mut *transaction).await?;
        let snapshot = match snapshot {
            Some(row) => Some(Snapshot { seq: from_db(row.try_get("seq")?), json: row.try_get("snapshot")? }),
            None => None,
        };
        let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq).saturating_sub(before);
        let tail = ops_between(&mut transaction, room, after, u64::MAX).await?;
        Ok(RoomLog { snapshot, tail })
    }

    /// The number of the room's last operation; 0 when nobody has changed it.
    pub async fn last_op(&self, room: &str) -> Result<u64, StoreError> {
        let last = sqlx::query_scalar::<_, Option<i64>>(
            "SELECT max(seq) FROM (SELECT seq FROM room_op WHERE room = $1 UNION ALL SELECT seq FROM room_snapshot WHERE room = $1) AS known",
        )
        .bind(room)
        .fetch_one(&self.inner.rooms)
        .await?;
        Ok(last.map_or(0, from_db))
    }

    /// Keeps the room's state and its document after the operation `seq`, so that the log need not be read from its
    /// beginning. A snapshot that is older than the room's is ignored.
    pub async fn snapshot_room(&self, room: &str, snapshot: &Snapshot, document: &str, at_ms: i64) -> Result<(), StoreError> {
        let seq = to_db(snapshot.seq)?;
        let mut transaction = self.inner.rooms.begin().await?;
        sqlx::query(
            "INSERT INTO room_snapshot (room, seq, snapshot) VALUES ($1, $2, $3)
             ON CONFLICT (room) DO UPDATE SET seq = excluded.seq, snapshot = excluded.snapshot
             WHERE excluded.seq >= room_snapshot.seq",
        )
        .bind(room)
        .bind(seq)
        .bind(&snapshot.json)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO room_moment (room, seq, at_ms, document) VALUES ($1, $2, $3, $4) ON CONFLICT (room, seq) DO NOTHING")
            .bind(room)
            .bind(seq)
            .bind(at_ms)
            .bind(document)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The room's operations below the number `before`, the newest first, at most `limit`.
    pub async fn room_history(&self, room: &str, before: Option<u64>, limit: u32) -> Result<Vec<LoggedOp>, StoreError> {
        let before = before.map_or(Ok(i64::MAX), to_db)?;
        let rows = sqlx::query("SELECT seq, op, at_ms, author FROM room_op WHERE room = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3")
            .bind(room)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(&self.inner.rooms)
            .await?;
        rows.iter().map(logged).collect()
    }

    /// What the room's document after the operation `seq` is made of: an earlier document (JSON; none is the empty one)
    /// and the operations after it. `None` when the history does not go back that far.
    pub async fn room_moment(&self, room: &str, seq: u64) -> Result<Option<RoomLog>, StoreError> {
        let mut transaction = self.inner.rooms.begin().await?;
        let row = sqlx::query("SELECT seq, document FROM room_moment WHERE room = $1 AND seq <= $2 ORDER BY seq DESC LIMIT 1")
            .bind(room)
            .bind(to_db(seq)?)
            .fetch_optional(&mut *transaction)
            .await?;
        let snapshot = match row {
            Some(row) => Some(Snapshot { seq: from_db(row.try_get("seq")?), json: row.try_get("document")? }),
            None => None,
        };
        let start = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        let tail = ops_between(&mut transaction, room, start, seq).await?;
        let is_whole = tail.len() as u64 == seq - start;
        Ok(is_whole.then_some(RoomLog { snapshot, tail }))
    }

    /// Removes history from before a time: operations that no snapshot needs and the documents between them.
    pub async fn prune_rooms(&self, before_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.inner.rooms.begin().await?;
        let removed = sqlx::query(
            "DELETE FROM room_op WHERE seq <=
             (SELECT max(seq) FROM room_moment WHERE room_moment.room = room_op.room AND room_moment.at_ms < $1)",
        )
        .bind(before_ms)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM room_moment WHERE seq <
             (SELECT max(seq) FROM room_moment AS later WHERE later.room = room_moment.room AND later.at_ms < $1)",
        )
        .bind(before_ms)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(removed.rows_affected())
    }
}

async fn append(connection: &mut SqliteConnection, room: &str, ops: &[LoggedOp]) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(ops.len());
    for op in ops {
        rows.push((to_db(op.seq)?, op));
    }
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO room_op (room, seq, op, at_ms, author) ");
    query.push_values(rows, |mut row, (seq, op)| {
        row.push_bind(room).push_bind(seq).push_bind(op.json.as_str()).push_bind(op.at_ms).push_bind(op.author.as_str());
    });
    let inserted = query.build().execute(connection).await;
    inserted.map(drop).map_err(|error| match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => {
            StoreError::Invalid(format!("the room {room:?} has another operation with this number"))
        }
        _ => error.into(),
    })
}

/// The operations after `start`, up to `end`.
async fn ops_between(connection: &mut SqliteConnection, room: &str, start: u64, end: u64) -> Result<Vec<LoggedOp>, StoreError> {
    let rows = sqlx::query("SELECT seq, op, at_ms, author FROM room_op WHERE room = $1 AND seq > $2 AND seq <= $3 ORDER BY seq")
        .bind(room)
        .bind(to_db(start)?)
        .bind(i64::try_from(end).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(logged).collect()
}

fn logged(row: &SqliteRow) -> Result<LoggedOp, StoreError> {
    let (seq, json) = (from_db(row.try_get("seq")?), row.try_get("op")?);
    Ok(LoggedOp { seq, json, at_ms: row.try_get("at_ms")?, author: row.try_get("author")? })
}

fn to_db(seq: u64) -> Result<i64, StoreError> {
    i64::try_from(seq).map_err(|_| StoreError::Invalid(format!("{seq} is too large a number")))
}

fn from_db(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
