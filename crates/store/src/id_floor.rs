//! Where a directory's own ids start.
//!
//! A directory that takes entities over from another server keeps their ids. Its own
//! start far above those, so that the two never meet.

use sqlx::SqliteConnection;

use crate::catalogue::Store;
use crate::change::Kind;
use crate::error::StoreError;

const SETTING: &str = "id_floor";

impl Store {
    /// From now on the ids that the store gives out to datasets, tasks, flows, setups,
    /// runs and studies are `floor` or above; ids that are brought along may be any.
    /// Durable on return, and no change if it is so already.
    ///
    /// # Errors
    /// `LowIds` if the store has given out an id below the floor, even one that is
    /// deleted since; `Invalid` if the floor is no id.
    pub async fn set_id_floor(&self, floor: i64) -> Result<(), StoreError> {
        if floor < 1 {
            return Err(StoreError::Invalid(format!("{floor} is no id")));
        }
        let mut transaction = self.inner.writer.begin().await?;
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_shared()) {
            let first: Option<i64> = sqlx::query_scalar("SELECT first_given FROM counter WHERE name = $1 AND first_given < $2")
                .bind(kind.as_str())
                .bind(floor)
                .fetch_optional(&mut *transaction)
                .await?;
            if let Some(id) = first {
                return Err(StoreError::LowIds { dir: self.dir().to_owned(), kind, id, floor });
            }
        }
        sqlx::query(
            "INSERT INTO setting (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(SETTING)
        .bind(floor.to_string())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

pub(crate) async fn read(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    let floor: Option<String> = sqlx::query_scalar("SELECT value FROM setting WHERE name = $1").bind(SETTING).fetch_optional(conn).await?;
    let Some(floor) = floor else { return Ok(1) };
    floor.parse().map_err(|_| StoreError::Corrupt { place: format!("the setting {SETTING}"), reason: format!("{floor:?} is no number") })
}
