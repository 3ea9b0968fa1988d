//! Runs that Replay publishes one after the other.

use crate::batch::Batch;
use crate::catalogue::Store;
use crate::change::Kind;
use crate::decode::to_json;
use crate::entity::NewRun;
use crate::error::StoreError;

impl Batch {
    /// Keeps a run back: nothing shows it until
    /// [`publish_next_held`](Self::publish_next_held) comes to it.
    pub async fn hold_back(&mut self, run: NewRun) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO held_back (position, document, run_id, is_published)
             VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM held_back), $1, NULL, 0)",
        )
        .bind(to_json(&run))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Publishes the run that was held back first, as [`add_run`](Self::add_run)
    /// does and with its errors, and says under which id. `None` if there is none.
    pub async fn publish_next_held(&mut self) -> Result<Option<i64>, StoreError> {
        let next: Option<(i64, String, Option<i64>)> = sqlx::query_as(
            "SELECT position, document, run_id FROM held_back
             WHERE is_published = 0 ORDER BY position LIMIT 1",
        )
        .fetch_optional(self.connection())
        .await?;
        let Some((position, document, run_id)) = next else {
            return Ok(None);
        };
        let run = parse(&document)?;
        // Somebody may have published meanwhile and got the id that it was meant to have.
        let wanted = match run_id.or(run.id) {
            Some(id) if !self.contains(Kind::Run, id).await? => Some(id),
            _ => None,
        };
        let id = self.add_run(NewRun { id: wanted, upload_ms: None, ..run }).await?;
        sqlx::query("UPDATE held_back SET run_id = $2, is_published = 1 WHERE position = $1")
            .bind(position)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(Some(id))
    }

    /// Takes the published ones back, so that Replay can start again, and says how
    /// many. Each will get its id again.
    pub async fn hold_back_again(&mut self) -> Result<u64, StoreError> {
        let published: Vec<i64> = sqlx::query_scalar(
            "SELECT run.id FROM held_back JOIN run ON run.id = held_back.run_id
             WHERE is_published = 1",
        )
        .fetch_all(self.connection())
        .await?;
        for id in published {
            self.delete_run(id).await?;
        }
        let again = sqlx::query("UPDATE held_back SET is_published = 0 WHERE is_published = 1").execute(self.connection()).await?;
        Ok(again.rows_affected())
    }
}

impl Store {
    /// How many runs wait.
    pub async fn held_count(&self) -> Result<i64, StoreError> {
        let mut conn = self.reader().await?;
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM held_back WHERE is_published = 0").fetch_one(&mut *conn).await?;
        Ok(count)
    }
}

pub(crate) fn parse(document: &str) -> Result<NewRun, StoreError> {
    serde_json::from_str(document)
        .map_err(|error| StoreError::Corrupt { place: "a run that is held back".to_owned(), reason: error.to_string() })
}
