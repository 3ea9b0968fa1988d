use super::Batch;
use crate::change::{Action, Kind, Topic};
use crate::error::StoreError;

impl Batch {
    /// Adding a tag twice is the same as once.
    ///
    /// # Errors
    /// `NotFound` without the entity.
    pub async fn add_tag(&mut self, kind: Kind, id: i64, tag: &str, uploader: i64) -> Result<(), StoreError> {
        self.require(kind, id).await?;
        let now_ms = self.now_ms;
        sqlx::query(
            "INSERT INTO tag (kind, entity_id, tag, uploader, created_ms)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (kind, entity_id, tag) DO NOTHING",
        )
        .bind(kind.as_str())
        .bind(id)
        .bind(tag)
        .bind(uploader)
        .bind(now_ms)
        .execute(self.connection())
        .await?;
        self.tagged(kind, id);
        Ok(())
    }

    /// The tags that came with an entity.
    ///
    /// # Errors
    /// `NotFound` without the entity.
    pub async fn add_tags(&mut self, kind: Kind, id: i64, tags: &[String], uploader: i64) -> Result<(), StoreError> {
        for tag in tags {
            self.add_tag(kind, id, tag, uploader).await?;
        }
        Ok(())
    }

    /// Removing a tag that is not there is no error.
    ///
    /// # Errors
    /// `NotFound` without the entity.
    pub async fn remove_tag(&mut self, kind: Kind, id: i64, tag: &str) -> Result<(), StoreError> {
        self.require(kind, id).await?;
        sqlx::query("DELETE FROM tag WHERE kind = $1 AND entity_id = $2 AND tag = $3")
            .bind(kind.as_str())
            .bind(id)
            .bind(tag)
            .execute(self.connection())
            .await?;
        self.tagged(kind, id);
        Ok(())
    }

    fn tagged(&mut self, kind: Kind, id: i64) {
        let topics = match kind {
            Kind::Dataset => Some([Topic::Dataset(id), Topic::Datasets]),
            Kind::Task => Some([Topic::Task(id), Topic::Tasks]),
            Kind::Flow => Some([Topic::Flow(id), Topic::Flows]),
            Kind::Run => Some([Topic::Run(id), Topic::Runs]),
            Kind::Study => Some([Topic::Study(id), Topic::Studies]),
            Kind::Setup | Kind::File | Kind::Person => None,
        };
        match topics {
            Some(topics) => self.record(kind, id, Action::Changed, topics),
            None => self.record(kind, id, Action::Changed, []),
        }
    }

    pub(super) async fn delete_tags(&mut self, kind: Kind, id: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM tag WHERE kind = $1 AND entity_id = $2").bind(kind.as_str()).bind(id).execute(self.connection()).await?;
        Ok(())
    }
}
