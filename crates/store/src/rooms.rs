//! The rooms' log: what was said in a room, in order, as text that only the room
//! understands.

use sqlx::{QueryBuilder, Row, Sqlite};

use crate::catalogue::Store;
use crate::error::StoreError;

/// A room's document after the operation `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub seq: u64,
    pub json: String,
}

/// What a room is rebuilt from: the snapshot, then the operations after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomLog {
    pub snapshot: Option<Snapshot>,
    /// Ascending.
    pub tail: Vec<(u64, String)>,
}

impl Store {
    /// Appends operations, all or none; they are durable on return.
    ///
    /// # Errors
    /// `Invalid` if the room has an operation with one of these numbers already:
    /// somebody else owns the room.
    pub async fn append_ops(&self, room: &str, ops: &[(u64, String)]) -> Result<(), StoreError> {
        // Stays below the number of values that one statement may bind.
        const AT_ONCE: usize = 1000;
        let mut transaction = self.inner.rooms.begin().await?;
        for ops in ops.chunks(AT_ONCE) {
            let mut rows = Vec::with_capacity(ops.len());
            for (seq, json) in ops {
                rows.push((to_db(*seq)?, json.as_str()));
            }
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO room_op (room, seq, op) ");
            query.push_values(rows, |mut row, (seq, json)| {
                row.push_bind(room).push_bind(seq).push_bind(json);
            });
            let inserted = query.build().execute(&mut *transaction).await;
            inserted.map_err(|error| match error.as_database_error() {
                Some(cause) if cause.is_unique_violation() => {
                    StoreError::Invalid(format!("the room {room:?} has another operation with this number"))
                }
                _ => error.into(),
            })?;
        }
        Ok(transaction.commit().await?)
    }

    /// Empty for a room that nobody has changed.
    pub async fn load_room(&self, room: &str) -> Result<RoomLog, StoreError> {
        let mut transaction = self.inner.rooms.begin().await?;
        let snapshot =
            sqlx::query("SELECT seq, snapshot FROM room_snapshot WHERE room = $1").bind(room).fetch_optional(&mut *transaction).await?;
        let snapshot = match snapshot {
            Some(row) => Some(Snapshot { seq: from_db(row.try_get("seq")?), json: row.try_get("snapshot")? }),
            None => None,
        };
        let after = snapshot.as_ref().map_or(Ok(-1), |s| to_db(s.seq))?;
        let tail = sqlx::query_as::<_, (i64, String)>("SELECT seq, op FROM room_op WHERE room = $1 AND seq > $2 ORDER BY seq")
            .bind(room)
            .bind(after)
            .fetch_all(&mut *transaction)
            .await?;
        Ok(RoomLog { snapshot, tail: tail.into_iter().map(|(seq, json)| (from_db(seq), json)).collect() })
    }

    /// Replaces everything up to and including the operation `seq` by `snapshot`. A
    /// snapshot that is older than the room's is ignored.
    pub async fn compact_room(&self, room: &str, seq: u64, snapshot: &str) -> Result<(), StoreError> {
        let seq = to_db(seq)?;
        let mut transaction = self.inner.rooms.begin().await?;
        sqlx::query(
            "INSERT INTO room_snapshot (room, seq, snapshot) VALUES ($1, $2, $3)
             ON CONFLICT (room) DO UPDATE SET seq = excluded.seq, snapshot = excluded.snapshot
             WHERE excluded.seq >= room_snapshot.seq",
        )
        .bind(room)
        .bind(seq)
        .bind(snapshot)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM room_op WHERE room = $1
             AND seq <= (SELECT seq FROM room_snapshot WHERE room = $1)",
        )
        .bind(room)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

fn to_db(seq: u64) -> Result<i64, StoreError> {
    i64::try_from(seq).map_err(|_| StoreError::Invalid(format!("{seq} is too large a number")))
}

fn from_db(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
