use super::{Conditions, Listing, Page, sort};
use crate::catalogue::Store;
use crate::decode::from_row;
use crate::entity::{Status, StudyEntity};
use crate::error::StoreError;

sort!(StudySort {
    Id = "id" => "study.id",
    Name = "name" => "lower(study.name)",
    Kind = "kind" => "study.main_entity",
    Status = "status" => "study.status",
    Creator = "creator" => "lower(person.name)",
    Created = "created" => "study.created_ms",
    Entities = "entities" => "entities",
});

/// Which studies; `None` and an empty list ask for all.
#[derive(Clone, Debug)]
pub struct StudyQuery {
    /// Words of the name or the alias, or the id.
    pub search: String,
    pub ids: Vec<i64>,
    pub main_entity: Option<StudyEntity>,
    pub status: Option<Status>,
    pub uploaders: Vec<i64>,
    pub benchmark_suite: Option<i64>,
    pub sort: StudySort,
    pub descending: bool,
    /// Only what comes after this id, in a list that is sorted by id: the last of the
    /// page before. It costs the same on every page, which an offset does not.
    pub after: Option<i64>,
    pub offset: u32,
    pub limit: u32,
}

impl Default for StudyQuery {
    fn default() -> Self {
        Self {
            search: String::new(),
            ids: Vec::new(),
            main_entity: None,
            status: None,
            uploaders: Vec::new(),
            benchmark_suite: None,
            sort: StudySort::default(),
            descending: false,
            after: None,
            offset: 0,
            limit: 100,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyRow {
    pub id: i64,
    pub alias: Option<String>,
    pub main_entity: StudyEntity,
    pub benchmark_suite: Option<i64>,
    pub name: String,
    pub status: Status,
    pub creator: i64,
    pub creator_name: Option<String>,
    pub created_ms: i64,
    /// How many runs or tasks it collects.
    pub entities: i64,
}

from_row!(StudyRow {
    id, alias, benchmark_suite, name, creator, creator_name, created_ms, entities,
} via parsed { main_entity, status });

impl StudyQuery {
    fn listing(&self) -> Listing {
        Listing {
            select: "study.id, study.alias, study.main_entity, study.benchmark_suite, study.name,
                study.status, study.creator, person.name AS creator_name, study.created_ms,
                (SELECT COUNT(*) FROM study_entity WHERE study_entity.study_id = study.id)
                    AS entities",
            from: "study",
            extra: "LEFT JOIN person ON person.id = study.creator",
            counted: "study",
            id: "study.id",
            sort: self.sort.sql(),
            descending: self.descending,
            after: self.after,
            offset: self.offset,
            limit: self.limit,
        }
    }

    fn conditions(&self, all: &mut Conditions) {
        all.search(&self.search, &["study.name", "study.alias"]);
        all.ids("study.id", &self.ids);
        all.equal("study.main_entity", self.main_entity.map(StudyEntity::as_str));
        all.equal("study.status", self.status.map(Status::as_str));
        all.ids("study.creator", &self.uploaders);
        all.equal("study.benchmark_suite", self.benchmark_suite);
    }
}

impl Store {
    pub async fn list_studies(&self, query: &StudyQuery) -> Result<Page<StudyRow>, StoreError> {
        query.listing().page(self, |all| query.conditions(all)).await
    }

    /// The rows of [`list_studies`](Self::list_studies), without counting the list.
    pub async fn study_rows(&self, query: &StudyQuery) -> Result<Vec<StudyRow>, StoreError> {
        query.listing().rows(self, |all| query.conditions(all)).await
    }

    /// The studies that collect this run or task, by id.
    pub async fn studies_of(&self, entity: StudyEntity, id: i64) -> Result<Vec<StudyRow>, StoreError> {
        let mut conn = self.reader().await?;
        let studies: Vec<i64> = sqlx::query_scalar("SELECT study_id FROM study_entity WHERE kind = $1 AND entity_id = $2")
            .bind(entity.as_str())
            .bind(id)
            .fetch_all(&mut *conn)
            .await?;
        drop(conn);
        if studies.is_empty() {
            return Ok(Vec::new());
        }
        let query = StudyQuery { ids: studies, limit: u32::MAX, ..StudyQuery::default() };
        self.study_rows(&query).await
    }
}
