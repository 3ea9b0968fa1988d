//! Single values and people.

use sqlx::{QueryBuilder, Row, Sqlite};

use crate::catalogue::{Store, now_ms};
use crate::change::Kind;
use crate::decode::from_row;
use crate::entity::{NewPerson, Person};
use crate::error::StoreError;
use crate::list::push_ids;

from_row!(Person { id, name, role, created_ms });

impl Store {
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut conn = self.reader().await?;
        let row = sqlx::query("SELECT value FROM setting WHERE name = $1").bind(name).fetch_optional(&mut *conn).await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }

    /// Durable on return.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO setting (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&self.inner.writer)
        .await?;
        Ok(())
    }

    pub async fn remove_setting(&self, name: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM setting WHERE name = $1").bind(name).execute(&self.inner.writer).await?;
        Ok(())
    }

    /// # Errors
    /// `Conflict` with the person who has this name already.
    pub async fn add_person(&self, person: NewPerson) -> Result<i64, StoreError> {
        let mut batch = self.begin().await?;
        if let Some(other) = self.person_named(&person.name).await? {
            return Err(StoreError::Conflict { kind: Kind::Person, id: other.id, reason: crate::ConflictReason::Exists });
        }
        let id = batch.take_id(Kind::Person, person.id).await?;
        sqlx::query(
            "INSERT INTO person (id, name, role, key_hash, created_ms)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(person.name)
        .bind(person.role)
        .bind(person.key_hash)
        .bind(now_ms())
        .execute(batch.connection())
        .await?;
        batch.commit().await?;
        Ok(id)
    }

    /// Replaces a person's API key; `None` takes it away.
    pub async fn set_person_key(&self, id: i64, key_hash: Option<&str>) -> Result<(), StoreError> {
        let changed =
            sqlx::query("UPDATE person SET key_hash = $2 WHERE id = $1").bind(id).bind(key_hash).execute(&self.inner.writer).await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::NotFound { kind: Kind::Person, id });
        }
        Ok(())
    }

    pub async fn person_with_key(&self, key_hash: &str) -> Result<Option<Person>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as("SELECT * FROM person WHERE key_hash = $1").bind(key_hash).fetch_optional(&mut *conn).await?;
        Ok(found)
    }

    pub async fn person_named(&self, name: &str) -> Result<Option<Person>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as("SELECT * FROM person WHERE name = $1").bind(name).fetch_optional(&mut *conn).await?;
        Ok(found)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn person(&self, id: i64) -> Result<Person, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as("SELECT * FROM person WHERE id = $1").bind(id).fetch_optional(&mut *conn).await?;
        let kind = Kind::Person;
        found.ok_or(StoreError::NotFound { kind, id })
    }

    /// Those of `ids` who are people here, by id.
    pub async fn people_by_ids(&self, ids: &[i64]) -> Result<Vec<Person>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM person WHERE 1 = 1");
        push_ids(&mut query, "id", ids);
        query.push(" ORDER BY id");
        let mut conn = self.reader().await?;
        Ok(query.build_query_as().fetch_all(&mut *conn).await?)
    }

    /// Everybody, by id.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as("SELECT * FROM person ORDER BY id").fetch_all(&mut *conn).await?;
        Ok(found)
    }
}
