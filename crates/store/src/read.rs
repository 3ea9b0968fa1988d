//! Reading single entities.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::batch::{Batch, setup_fingerprint};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::decode::{flag, from_row, json, parsed};
use crate::entity::{
    Component, Dataset, Feature, Flow, ParameterSetting, Procedure, Quality, Run, RunFile, Setup, StoredFile, Study, Task,
};
use crate::error::StoreError;

/// How many there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub datasets: i64,
    pub tasks: i64,
    pub flows: i64,
    pub runs: i64,
    pub studies: i64,
}

from_row!(Counts { datasets, tasks, flows, runs, studies });

impl<'r> FromRow<'r, SqliteRow> for Dataset {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            description: row.try_get("description")?,
            format: row.try_get("format")?,
            about: json(row, "about")?,
            default_target: row.try_get("default_target")?,
            row_id: row.try_get("row_id")?,
            ignored: json(row, "ignored")?,
            status: parsed(row, "status")?,
            uploader: row.try_get("uploader")?,
            uploader_name: row.try_get("uploader_name")?,
            upload_ms: row.try_get("upload_ms")?,
            md5: row.try_get("md5")?,
            columns: parsed(row, "columns_hash")?,
            file_id: row.try_get("file_id")?,
            rows: row.try_get("row_count")?,
            feature_count: row.try_get("feature_count")?,
            classes: row.try_get("class_count")?,
            missing: row.try_get("missing_count")?,
            revision: row.try_get("revision")?,
        })
    }
}

impl<'r> FromRow<'r, SqliteRow> for Feature {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            index: row.try_get("position")?,
            name: row.try_get("name")?,
            kind: parsed(row, "kind")?,
            is_target: flag(row, "is_target")?,
            is_ignored: flag(row, "is_ignored")?,
            is_row_id: flag(row, "is_row_id")?,
            missing: row.try_get("missing")?,
            distinct: row.try_get("distinct_count")?,
            summary: row.try_get("summary")?,
            ontologies: json(row, "ontologies")?,
        })
    }
}

from_row!(Quality { name, value });

impl<'r> FromRow<'r, SqliteRow> for Procedure {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("procedure_id")?,
            kind: row.try_get("procedure_kind")?,
            repeats: row.try_get("repeats")?,
            folds: row.try_get("folds")?,
            percentage: row.try_get("percentage")?,
            stratified: flag(row, "stratified")?,
        })
    }
}

impl<'r> FromRow<'r, SqliteRow> for Task {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            type_id: row.try_get("type_id")?,
            name: row.try_get("name")?,
            dataset_id: row.try_get("dataset_id")?,
            dataset_name: row.try_get("dataset_name")?,
            dataset_version: row.try_get("dataset_version")?,
            target: row.try_get("target")?,
            procedure: Procedure::from_row(row)?,
            measure: row.try_get("measure")?,
            about: json(row, "about")?,
            splits_file_id: row.try_get("splits_file_id")?,
            uploader: row.try_get("uploader")?,
            uploader_name: row.try_get("uploader_name")?,
            upload_ms: row.try_get("upload_ms")?,
            revision: row.try_get("revision")?,
        })
    }
}

impl<'r> FromRow<'r, SqliteRow> for Flow {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            external_version: row.try_get("external_version")?,
            class_name: row.try_get("class_name")?,
            custom_name: row.try_get("custom_name")?,
            description: row.try_get("description")?,
            language: row.try_get("language")?,
            dependencies: row.try_get("dependencies")?,
            parameters: json(row, "parameters")?,
            components: Vec::new(),
            uploader: row.try_get("uploader")?,
            uploader_name: row.try_get("uploader_name")?,
            upload_ms: row.try_get("upload_ms")?,
            revision: row.try_get("revision")?,
        })
    }
}

impl<'r> FromRow<'r, SqliteRow> for Study {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            alias: row.try_get("alias")?,
            main_entity: parsed(row, "main_entity")?,
            benchmark_suite: row.try_get("benchmark_suite")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            status: parsed(row, "status")?,
            creator: row.try_get("creator")?,
            creator_name: row.try_get("creator_name")?,
            created_ms: row.try_get("created_ms")?,
            entities: Vec::new(),
            revision: row.try_get("revision")?,
        })
    }
}

from_row!(Component { identifier, flow_id });

from_row!(Setup { id, flow_id } via json { parameters });

from_row!(StoredFile { id, name, media_type, size, upload_ms } via parsed { hash });

impl<'r> FromRow<'r, SqliteRow> for RunFile {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self { role: row.try_get("role")?, file: StoredFile::from_row(row)? })
    }
}

impl<'r> FromRow<'r, SqliteRow> for Run {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            task_id: row.try_get("task_id")?,
            task_name: row.try_get("task_name")?,
            task_type_id: row.try_get("task_type_id")?,
            task_measure: row.try_get("task_measure")?,
            flow_id: row.try_get("flow_id")?,
            flow_name: row.try_get("flow_name")?,
            flow_version: row.try_get("flow_version")?,
            setup_id: row.try_get("setup_id")?,
            setup_string: row.try_get("setup_string")?,
            dataset_id: row.try_get("dataset_id")?,
            dataset_name: row.try_get("dataset_name")?,
            dataset_version: row.try_get("dataset_version")?,
            uploader: row.try_get("uploader")?,
            uploader_name: row.try_get("uploader_name")?,
            upload_ms: row.try_get("upload_ms")?,
            error: row.try_get("error")?,
            files: Vec::new(),
            revision: row.try_get("revision")?,
        })
    }
}

impl Store {
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let mut conn = self.reader().await?;
        let counts = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM dataset) AS datasets,
                    (SELECT COUNT(*) FROM task) AS tasks,
                    (SELECT COUNT(*) FROM flow) AS flows,
                    (SELECT COUNT(*) FROM run) AS runs,
                    (SELECT COUNT(*) FROM study) AS studies",
        )
        .fetch_one(&mut *conn)
        .await?;
        Ok(counts)
    }

    /// The catalogue's revision, which grows with every commit.
    pub async fn revision(&self) -> Result<i64, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_scalar("SELECT value FROM counter WHERE name = 'revision'").fetch_optional(&mut *conn).await?;
        Ok(found.unwrap_or(0))
    }

    /// # Errors
    /// `NotFound`, as of all methods here that take an id.
    pub async fn dataset(&self, id: i64) -> Result<Dataset, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as(
            "SELECT dataset.*, person.name AS uploader_name
             FROM dataset LEFT JOIN person ON person.id = dataset.uploader
             WHERE dataset.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *conn)
        .await?;
        let kind = Kind::Dataset;
        found.ok_or(StoreError::NotFound { kind, id })
    }

    /// Ids and versions of the datasets with exactly this name, the newest version
    /// first.
    pub async fn versions(&self, name: &str) -> Result<Vec<(i64, i64)>, StoreError> {
        versions(&mut *self.reader().await?, name).await
    }

    /// In the order of the columns; empty if there is no such dataset.
    pub async fn features(&self, dataset: i64) -> Result<Vec<Feature>, StoreError> {
        let mut conn = self.reader().await?;
        let found =
            sqlx::query_as("SELECT * FROM feature WHERE dataset_id = $1 ORDER BY position").bind(dataset).fetch_all(&mut *conn).await?;
        Ok(found)
    }

    /// By name; empty if there is no such dataset.
    pub async fn qualities(&self, dataset: i64) -> Result<Vec<Quality>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as("SELECT name, value FROM quality WHERE dataset_id = $1 ORDER BY name")
            .bind(dataset)
            .fetch_all(&mut *conn)
            .await?;
        Ok(found)
    }

    /// The qualities of several datasets at once, for lists.
    pub async fn qualities_of(&self, datasets: &[i64]) -> Result<HashMap<i64, Vec<Quality>>, StoreError> {
        let mut conn = self.reader().await?;
        let mut found: HashMap<i64, Vec<Quality>> = HashMap::new();
        // Stays below the number of values that one statement may bind.
        for ids in datasets.chunks(10_000) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT dataset_id, name, value FROM quality WHERE dataset_id IN (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(*id);
            }
            query.push(") ORDER BY dataset_id, name");
            for row in query.build().fetch_all(&mut *conn).await? {
                let of = found.entry(row.try_get("dataset_id")?).or_default();
                of.push(Quality::from_row(&row)?);
            }
        }
        Ok(found)
    }

    pub async fn task(&self, id: i64) -> Result<Task, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as(
            "SELECT task.*, dataset.name AS dataset_name, dataset.version AS dataset_version,
                    person.name AS uploader_name
             FROM task JOIN dataset ON dataset.id = task.dataset_id
             LEFT JOIN person ON person.id = task.uploader
             WHERE task.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *conn)
        .await?;
        let kind = Kind::Task;
        found.ok_or(StoreError::NotFound { kind, id })
    }

    pub async fn flow(&self, id: i64) -> Result<Flow, StoreError> {
        let mut conn = self.reader().await?;
        let found: Option<Flow> = sqlx::query_as(
            "SELECT flow.*, person.name AS uploader_name
             FROM flow LEFT JOIN person ON person.id = flow.uploader
             WHERE flow.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *conn)
        .await?;
        let kind = Kind::Flow;
        let mut flow = found.ok_or(StoreError::NotFound { kind, id })?;
        flow.components = sqlx::query_as(
            "SELECT identifier, component_id AS flow_id FROM flow_component
             WHERE flow_id = $1 ORDER BY position",
        )
        .bind(id)
        .fetch_all(&mut *conn)
        .await?;
        Ok(flow)
    }

    /// The flow with exactly this name and external version.
    pub async fn find_flow(&self, name: &str, external_version: &str) -> Result<Option<i64>, StoreError> {
        find_flow(&mut *self.reader().await?, name, external_version).await
    }

    pub async fn setup(&self, id: i64) -> Result<Setup, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as("SELECT id, flow_id, parameters FROM setup WHERE id = $1").bind(id).fetch_optional(&mut *conn).await?;
        let kind = Kind::Setup;
        found.ok_or(StoreError::NotFound { kind, id })
    }

    /// The setup of `flow` with exactly these parameters, in any order.
    pub async fn find_setup(&self, flow: i64, mut parameters: Vec<ParameterSetting>) -> Result<Option<i64>, StoreError> {
        parameters.sort();
        let (_, fingerprint) = setup_fingerprint(flow, &parameters);
        let mut conn = self.reader().await?;
        let found = sqlx::query_scalar("SELECT id FROM setup WHERE fingerprint = $1").bind(fingerprint).fetch_optional(&mut *conn).await?;
        Ok(found)
    }

    pub async fn run(&self, id: i64) -> Result<Run, StoreError> {
        let mut conn = self.reader().await?;
        let found: Option<Run> = sqlx::query_as(
            "SELECT run.*, task.name AS task_name, task.type_id AS task_type_id,
                    task.measure AS task_measure, flow.name AS flow_name,
                    flow.version AS flow_version, dataset.name AS dataset_name,
                    dataset.version AS dataset_version, person.name AS uploader_name
             FROM run JOIN task ON task.id = run.task_id
             JOIN flow ON flow.id = run.flow_id
             JOIN dataset ON dataset.id = run.dataset_id
             LEFT JOIN person ON person.id = run.uploader
             WHERE run.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *conn)
        .await?;
        let kind = Kind::Run;
        let mut run = found.ok_or(StoreError::NotFound { kind, id })?;
        run.files = sqlx::query_as(
            "SELECT run_file.role, file.* FROM run_file JOIN file ON file.id = run_file.file_id
             WHERE run_file.run_id = $1 ORDER BY file.id",
        )
        .bind(id)
        .fetch_all(&mut *conn)
        .await?;
        Ok(run)
    }

    pub async fn study(&self, id: i64) -> Result<Study, StoreError> {
        let mut transaction = self.inner.readers.begin().await?;
        let found: Option<Study> = sqlx::query_as(
            "SELECT study.*, person.name AS creator_name
             FROM study LEFT JOIN person ON person.id = study.creator
             WHERE study.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?;
        let kind = Kind::Study;
        let mut study = found.ok_or(StoreError::NotFound { kind, id })?;
        study.entities = sqlx::query_scalar("SELECT entity_id FROM study_entity WHERE study_id = $1 ORDER BY entity_id")
            .bind(id)
            .fetch_all(&mut *transaction)
            .await?;
        Ok(study)
    }

    /// The study with exactly this alias.
    pub async fn find_study(&self, alias: &str) -> Result<Option<i64>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_scalar("SELECT id FROM study WHERE alias = $1").bind(alias).fetch_optional(&mut *conn).await?;
        Ok(found)
    }

    /// Who put the tag there; `None` if it is not there.
    pub async fn tagged_by(&self, kind: Kind, id: i64, tag: &str) -> Result<Option<i64>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_scalar("SELECT uploader FROM tag WHERE kind = $1 AND entity_id = $2 AND tag = $3")
            .bind(kind.as_str())
            .bind(id)
            .bind(tag)
            .fetch_optional(&mut *conn)
            .await?;
        Ok(found)
    }

    /// A file by its number; read it with [`UploadFiles`](crate::UploadFiles).
    pub async fn file(&self, id: i64) -> Result<StoredFile, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_as("SELECT * FROM file WHERE id = $1").bind(id).fetch_optional(&mut *conn).await?;
        let kind = Kind::File;
        found.ok_or(StoreError::NotFound { kind, id })
    }

    pub async fn contains(&self, kind: Kind, id: i64) -> Result<bool, StoreError> {
        crate::batch::exists(&mut *self.reader().await?, kind, id).await
    }

    /// In alphabetical order; empty if there is no such entity.
    pub async fn tags(&self, kind: Kind, id: i64) -> Result<Vec<String>, StoreError> {
        let mut conn = self.reader().await?;
        let found = sqlx::query_scalar("SELECT tag FROM tag WHERE kind = $1 AND entity_id = $2 ORDER BY tag")
            .bind(kind.as_str())
            .bind(id)
            .fetch_all(&mut *conn)
            .await?;
        Ok(found)
    }
}

/// What an import asks about what is there, including what it has just added.
impl Batch {
    /// See [`Store::versions`].
    pub async fn versions(&mut self, name: &str) -> Result<Vec<(i64, i64)>, StoreError> {
        versions(self.connection(), name).await
    }

    /// See [`Store::find_flow`].
    pub async fn find_flow(&mut self, name: &str, external_version: &str) -> Result<Option<i64>, StoreError> {
        find_flow(self.connection(), name, external_version).await
    }

    pub async fn contains(&mut self, kind: Kind, id: i64) -> Result<bool, StoreError> {
        crate::batch::exists(self.connection(), kind, id).await
    }
}

async fn versions(conn: &mut SqliteConnection, name: &str) -> Result<Vec<(i64, i64)>, StoreError> {
    let found = sqlx::query_as("SELECT id, version FROM dataset WHERE name = $1 ORDER BY version DESC").bind(name).fetch_all(conn).await?;
    Ok(found)
}

async fn find_flow(conn: &mut SqliteConnection, name: &str, external_version: &str) -> Result<Option<i64>, StoreError> {
    let found = sqlx::query_scalar("SELECT id FROM flow WHERE name = $1 AND external_version = $2")
        .bind(name)
        .bind(external_version)
        .fetch_optional(conn)
        .await?;
    Ok(found)
}
