use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Sqlite};

use super::{Batch, in_use};
use crate::change::{Action, Kind, Topic};
use crate::entity::{NewStudy, Status, StudyEntity};
use crate::error::{ConflictReason, StoreError};
use crate::list::push_ids;

/// Ids per statement: well below what one statement may bind.
const AT_ONCE: usize = 1000;

/// What must be known of a study to change it.
#[derive(Clone, Copy, Debug)]
struct Header {
    main_entity: StudyEntity,
    status: Status,
}

impl Batch {
    /// # Errors
    /// `Conflict` with the study that has the alias or the id; `NotFound` without an
    /// entity or the suite; `Invalid` if an entity is given twice, if a suite names a
    /// suite, or if the named suite is none.
    pub async fn add_study(&mut self, study: NewStudy) -> Result<i64, StoreError> {
        if let Some(alias) = &study.alias {
            let known: Option<i64> =
                sqlx::query_scalar("SELECT id FROM study WHERE alias = $1").bind(alias).fetch_optional(self.connection()).await?;
            if let Some(id) = known {
                return Err(StoreError::Conflict { kind: Kind::Study, id, reason: ConflictReason::Exists });
            }
        }
        if let Some(suite) = study.benchmark_suite {
            if study.main_entity != StudyEntity::Run {
                return Err(StoreError::Invalid("only a study of runs has a benchmark suite".to_owned()));
            }
            if self.study_header(suite).await?.main_entity != StudyEntity::Task {
                return Err(StoreError::Invalid(format!("study {suite} is no suite of tasks")));
            }
        }
        let entities = self.collectable(study.main_entity, &study.entities).await?;
        let id = self.take_id(Kind::Study, study.id).await?;
        let (created_ms, revision) = (study.created_ms.unwrap_or(self.now_ms), self.revision);
        sqlx::query(
            "INSERT INTO study (id, alias, main_entity, benchmark_suite, name, description, status,
                 creator, created_ms, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(id)
        .bind(study.alias)
        .bind(study.main_entity.as_str())
        .bind(study.benchmark_suite)
        .bind(study.name)
        .bind(study.description)
        .bind(study.status.as_str())
        .bind(study.creator)
        .bind(created_ms)
        .bind(revision)
        .execute(self.connection())
        .await?;
        self.insert_entities(id, study.main_entity, &entities).await?;
        self.record(Kind::Study, id, Action::Added, [Topic::Study(id), Topic::Studies]);
        self.entities_changed(study.main_entity, entities);
        Ok(id)
    }

    /// Adds runs or tasks to a study, all or none, and says how many it has then.
    ///
    /// # Errors
    /// `NotFound` without the study or an entity; `Conflict` with an entity that is
    /// attached already, or with the study if it is no longer in preparation;
    /// `Invalid` if an entity is given twice.
    pub async fn attach_to_study(&mut self, id: i64, entities: &[i64]) -> Result<u64, StoreError> {
        let main_entity = self.study_in_preparation(id).await?;
        let entities = self.collectable(main_entity, entities).await?;
        if let Some(&known) = self.attached(id, &entities).await?.first() {
            return Err(StoreError::Conflict { kind: main_entity.kind(), id: known, reason: ConflictReason::Attached });
        }
        self.insert_entities(id, main_entity, &entities).await?;
        self.study_changed(id);
        self.entities_changed(main_entity, entities);
        self.entity_count(id).await
    }

    /// Takes runs or tasks out of a study, all or none, and says how many it has then.
    ///
    /// # Errors
    /// `NotFound` without the study; `Conflict` with an entity that is not attached,
    /// or with the study if it is no longer in preparation; `Invalid` if an entity is
    /// given twice.
    pub async fn detach_from_study(&mut self, id: i64, entities: &[i64]) -> Result<u64, StoreError> {
        let main_entity = self.study_in_preparation(id).await?;
        let entities = unique(main_entity, entities)?;
        let attached = self.attached(id, &entities).await?;
        if let Some(&other) = entities.difference(&attached).next() {
            return Err(StoreError::Conflict { kind: main_entity.kind(), id: other, reason: ConflictReason::NotAttached });
        }
        for some in in_chunks(&entities) {
            let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM study_entity WHERE study_id = ");
            query.push_bind(id);
            push_ids(&mut query, "entity_id", &some);
            query.build().execute(self.connection()).await?;
        }
        self.study_changed(id);
        self.entities_changed(main_entity, entities);
        self.entity_count(id).await
    }

    /// Which changes make sense is for the caller to say.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_study_status(&mut self, id: i64, status: Status) -> Result<(), StoreError> {
        self.require(Kind::Study, id).await?;
        sqlx::query("UPDATE study SET status = $2 WHERE id = $1").bind(id).bind(status.as_str()).execute(self.connection()).await?;
        self.study_changed(id);
        Ok(())
    }

    /// Removes a study; what it collected stays.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` if it is a suite that a study names, or a suite that is
    /// no longer in preparation.
    pub async fn delete_study(&mut self, id: i64) -> Result<(), StoreError> {
        let Header { main_entity, status } = self.study_header(id).await?;
        if main_entity == StudyEntity::Task && status != Status::InPreparation {
            return Err(StoreError::Conflict { kind: Kind::Study, id, reason: ConflictReason::NotInPreparation });
        }
        let study: Option<i64> = sqlx::query_scalar("SELECT id FROM study WHERE benchmark_suite = $1 LIMIT 1")
            .bind(id)
            .fetch_optional(self.connection())
            .await?;
        if study.is_some() {
            return Err(in_use(Kind::Study, id));
        }
        let entities: Vec<i64> =
            sqlx::query_scalar("SELECT entity_id FROM study_entity WHERE study_id = $1").bind(id).fetch_all(self.connection()).await?;
        for sql in ["DELETE FROM study_entity WHERE study_id = $1", "DELETE FROM study WHERE id = $1"] {
            sqlx::query(sql).bind(id).execute(self.connection()).await?;
        }
        self.delete_tags(Kind::Study, id).await?;
        self.record(Kind::Study, id, Action::Removed, [Topic::Study(id), Topic::Studies]);
        self.entities_changed(main_entity, entities);
        Ok(())
    }

    /// Takes an entity that is about to be deleted out of all studies: being in one
    /// does not keep a run or a task from being deleted.
    pub(super) async fn leave_studies(&mut self, entity: StudyEntity, id: i64) -> Result<(), StoreError> {
        let studies: Vec<i64> = sqlx::query_scalar("SELECT study_id FROM study_entity WHERE kind = $1 AND entity_id = $2")
            .bind(entity.as_str())
            .bind(id)
            .fetch_all(self.connection())
            .await?;
        if studies.is_empty() {
            return Ok(());
        }
        sqlx::query("DELETE FROM study_entity WHERE kind = $1 AND entity_id = $2")
            .bind(entity.as_str())
            .bind(id)
            .execute(self.connection())
            .await?;
        for study in studies {
            self.study_changed(study);
        }
        Ok(())
    }

    async fn study_header(&mut self, id: i64) -> Result<Header, StoreError> {
        let row: Option<(String, String)> =
            sqlx::query_as("SELECT main_entity, status FROM study WHERE id = $1").bind(id).fetch_optional(self.connection()).await?;
        let (main_entity, status) = row.ok_or(StoreError::NotFound { kind: Kind::Study, id })?;
        let damaged = |reason: &dyn ToString| StoreError::Corrupt { place: format!("study {id}"), reason: reason.to_string() };
        Ok(Header {
            main_entity: main_entity.parse().map_err(|error| damaged(&error))?,
            status: status.parse().map_err(|error| damaged(&error))?,
        })
    }

    async fn study_in_preparation(&mut self, id: i64) -> Result<StudyEntity, StoreError> {
        let Header { main_entity, status } = self.study_header(id).await?;
        match status {
            Status::InPreparation => Ok(main_entity),
            Status::Active | Status::Deactivated => {
                Err(StoreError::Conflict { kind: Kind::Study, id, reason: ConflictReason::NotInPreparation })
            }
        }
    }

    /// The given entities, if they exist and each is given once.
    async fn collectable(&mut self, entity: StudyEntity, ids: &[i64]) -> Result<BTreeSet<i64>, StoreError> {
        let wanted = unique(entity, ids)?;
        let mut found = BTreeSet::new();
        for some in in_chunks(&wanted) {
            let mut query = QueryBuilder::<Sqlite>::new(match entity {
                StudyEntity::Run => "SELECT id FROM run WHERE 1 = 1",
                StudyEntity::Task => "SELECT id FROM task WHERE 1 = 1",
            });
            push_ids(&mut query, "id", &some);
            found.extend(query.build_query_scalar::<i64>().fetch_all(self.connection()).await?);
        }
        match wanted.difference(&found).next() {
            Some(&id) => Err(StoreError::NotFound { kind: entity.kind(), id }),
            None => Ok(wanted),
        }
    }

    /// Those of `entities` that the study has.
    async fn attached(&mut self, id: i64, entities: &BTreeSet<i64>) -> Result<BTreeSet<i64>, StoreError> {
        let mut found = BTreeSet::new();
        for some in in_chunks(entities) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT entity_id FROM study_entity WHERE study_id = ");
            query.push_bind(id);
            push_ids(&mut query, "entity_id", &some);
            found.extend(query.build_query_scalar::<i64>().fetch_all(self.connection()).await?);
        }
        Ok(found)
    }

    async fn insert_entities(&mut self, id: i64, entity: StudyEntity, ids: &BTreeSet<i64>) -> Result<(), StoreError> {
        for some in in_chunks(ids) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO study_entity (study_id, kind, entity_id) ");
            query.push_values(some, |mut row, entity_id| {
                row.push_bind(id).push_bind(entity.as_str()).push_bind(entity_id);
            });
            query.build().execute(self.connection()).await?;
        }
        Ok(())
    }

    async fn entity_count(&mut self, id: i64) -> Result<u64, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM study_entity WHERE study_id = $1").bind(id).fetch_one(self.connection()).await?;
        Ok(count.unsigned_abs())
    }

    fn study_changed(&mut self, id: i64) {
        self.record(Kind::Study, id, Action::Changed, [Topic::Study(id), Topic::Studies]);
    }

    /// A run's or a task's page names the studies that it is in.
    fn entities_changed(&mut self, entity: StudyEntity, ids: impl IntoIterator<Item = i64>) {
        let topic = match entity {
            StudyEntity::Run => Topic::Run,
            StudyEntity::Task => Topic::Task,
        };
        self.topics.extend(ids.into_iter().map(topic));
    }
}

fn unique(entity: StudyEntity, ids: &[i64]) -> Result<BTreeSet<i64>, StoreError> {
    let mut seen = BTreeSet::new();
    match ids.iter().find(|&&id| !seen.insert(id)) {
        Some(id) => Err(StoreError::Invalid(format!("the {entity} {id} is given twice"))),
        None => Ok(seen),
    }
}

fn in_chunks(ids: &BTreeSet<i64>) -> impl Iterator<Item = Vec<i64>> {
    let mut rest = ids.iter().copied();
    std::iter::from_fn(move || {
        let some: Vec<i64> = rest.by_ref().take(AT_ONCE).collect();
        (!some.is_empty()).then_some(some)
    })
}
