//! Opening a store, its connections and its small change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock as SyncRwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqlSafeStr, Sqlite, SqlitePool};
use tokio::sync::{Mutex, RwLock, broadcast};

use crate::batch::Batch;
use crate::change::{Change, Topic};
use crate::columns::ColumnFiles;
use crate::error::{IoContext, StoreError};
use crate::files::UploadFiles;
use crate::group::RunQueue;
use crate::lock::{self, DirectoryLock};
use crate::staging::{Staging, create_dir_durably};

const CATALOGUE: &[(i64, &str, &str)] = &[
    (1, "catalogue", include_str!("../../../migrations/catalogue/0001_catalogue.sql")),
    (2, "studies", include_str!("../../../migrations/catalogue/0002_studies.sql")),
    (3, "order", include_str!("../../../migrations/catalogue/0003_order.sql")),
    (4, "id_floor", include_str!("../../../migrations/catalogue/0004_id_floor.sql")),
    (5, "ontologies", include_str!("../../../migrations/catalogue/0005_ontologies.sql")),
    (6, "scores", include_str!("../../../migrations/catalogue/0006_scores.sql")),
];

const ROOMS: &[(i64, &str, &str)] = &[
    (1, "rooms", include_str!("../../../migrations/rooms/0001_rooms.sql")),
    (2, "history", include_str!("../../../migrations/rooms/0002_history.sql")),
    (3, "talk", include_str!("../../../migrations/rooms/0003_talk.sql")),
];

/// Rows of the catalogue that are read before they are taken.
const ROWS_AHEAD: usize = 1024;

/// What can be tuned; the defaults suit a team's server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections that read at the same time.
    pub readers: u32,
    /// Memory for open tables, in bytes; mapped values do not count.
    pub column_cache_bytes: usize,
    /// Changes that a slow subscriber may fall behind before it misses some.
    pub change_backlog: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, column_cache_bytes: 256 << 20, change_backlog: 1024 }
    }
}

/// The catalogue, the columns and the files of one data directory.
///
/// Cheap to clone; all clones are one store. The directory stays locked until the
/// last clone is gone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

// Field order is drop order: the lock goes last.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    /// The rooms' log, one connection: an import never delays a room.
    pub(crate) rooms: SqlitePool,
    columns: ColumnFiles,
    files: UploadFiles,
    pub(crate) changes: broadcast::Sender<Arc<Change>>,
    /// The revision of the last commit that touched a page which was there before, since the store was opened.
    pub(crate) touched: SyncRwLock<HashMap<Topic, i64>>,
    /// Held for writing while content is removed, for reading while it must stay.
    pub(crate) content: RwLock<()>,
    pub(crate) staging: Arc<Staging>,
    pub(crate) runs: RunQueue,
    /// Held by the one that writes chunks of scores.
    pub(crate) packing: Mutex<()>,
    dir: PathBuf,
    lock: DirectoryLock,
}

impl Store {
    /// Opens the data directory `dir`, which is created if it is not there, brings
    /// it up to date and removes what a crash left unfinished.
    ///
    /// # Errors
    /// `Locked` if another server has the directory; `Migration` if a newer labboard
    /// wrote it; `Io`; `Database`.
    pub async fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        let data_dir = dir.to_owned();
        let prepared = tokio::task::spawn_blocking(move || prepare(&data_dir)).await;
        let (lock, staging) = prepared.map_err(std::io::Error::other).context("prepare", dir)??;
        let staging = Arc::new(staging);

        let catalogue = dir.join("catalogue.sqlite");
        let rooms = dir.join("rooms.sqlite");
        let (writer, rooms) = tokio::try_join!(open_database(&catalogue, CATALOGUE), open_database(&rooms, ROOMS),)?;
        let readers = SqlitePoolOptions::new()
            .min_connections(0)
            .max_connections(options.readers.max(1))
            .test_before_acquire(false)
            .connect_lazy_with(reading(&catalogue));
        Ok(Self {
            inner: Arc::new(Inner {
                writer,
                readers,
                rooms,
                columns: ColumnFiles::new(dir.join("columns"), Arc::clone(&staging), options.column_cache_bytes),
                files: UploadFiles::new(dir.join("files"), Arc::clone(&staging)),
                changes: broadcast::channel(options.change_backlog.max(1)).0,
                touched: SyncRwLock::default(),
                content: RwLock::new(()),
                staging,
                runs: RunQueue::default(),
                packing: Mutex::new(()),
                dir: dir.to_owned(),
                lock,
            }),
        })
    }

    /// The address of the server that has `dir`, if one does and has said so.
    #[must_use]
    pub fn owner(dir: &Path) -> Option<String> {
        lock::owner(dir)
    }

    /// Tells others where to reach this store's server; see [`owner`](Self::owner).
    pub fn set_owner_address(&self, address: &str) -> Result<(), StoreError> {
        self.inner.lock.set_address(address)
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    #[must_use]
    pub fn columns(&self) -> &ColumnFiles {
        &self.inner.columns
    }

    #[must_use]
    pub fn files(&self) -> &UploadFiles {
        &self.inner.files
    }

    /// The revision of the last commit since the store was opened that may have changed a page; 0 if there was none. When a
    /// commit returns, this has it: what is kept of a page under this number is never older than what has been acknowledged.
    pub fn touched(&self, topic: Topic) -> i64 {
        self.inner.touched.read().unwrap_or_else(PoisonError::into_inner).get(&topic).copied().unwrap_or(0)
    }

    pub(crate) fn touch(&self, topics: impl Iterator<Item = Topic>, revision: i64) {
        let mut touched = self.inner.touched.write().unwrap_or_else(PoisonError::into_inner);
        touched.extend(topics.map(|topic| (topic, revision)));
    }

    /// One message per commit, after it is durable. A receiver that falls too far
    /// behind is told how many it missed and should then look at everything again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Change>> {
        self.inner.changes.subscribe()
    }

    /// Starts a transaction: everything or nothing. Only one is open at a time,
    /// others wait for it, so do slow work (parsing, writing columns) before.
    /// Dropping the batch undoes it.
    pub async fn begin(&self) -> Result<Batch, StoreError> {
        Batch::begin(self.clone()).await
    }

    /// Closes the databases in order. Dropping the last clone is as safe, only the
    /// next start has a little more to do.
    pub async fn close(self) {
        self.inner.readers.close().await;
        self.inner.rooms.close().await;
        self.inner.writer.close().await;
    }

    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.inner.readers.acquire().await?)
    }
}

fn prepare(dir: &Path) -> Result<(DirectoryLock, Staging), StoreError> {
    create_dir_durably(dir)?;
    let lock = DirectoryLock::acquire(dir)?;
    let staging = Staging::open(dir)?;
    create_dir_durably(&dir.join("columns"))?;
    create_dir_durably(&dir.join("files"))?;
    Ok((lock, staging))
}

/// How a database is opened for reading.
fn reading(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(Duration::from_secs(5))
        // Rows are read ahead of whoever takes them, so that neither thread waits for the other at each one.
        .row_buffer_size(ROWS_AHEAD)
}

/// A database with its single writing connection.
async fn open_database(path: &Path, migrations: &[(i64, &'static str, &'static str)]) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // Whoever waits here waits for another import.
        .acquire_timeout(Duration::from_secs(600))
        .test_before_acquire(false)
        // On a full disk SQLite itself ends a transaction. sqlx still counts it then, and
        // would make the next ones savepoints in it, whose commits commit nothing.
        .before_acquire(|connection, _| {
            let is_fresh = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_fresh) })
        })
        .connect_with(options)
        .await?;
    let migrations = migrations.iter().map(|&(version, description, sql)| {
        let kind = MigrationType::Simple;
        Migration::new(version, description.into(), kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
        .run(&pool)
        .await
        .map_err(|cause| StoreError::Migration { path: path.to_owned(), cause })?;
    Ok(pool)
}

/// Milliseconds since 1970, UTC, by this machine's clock.
#[must_use]
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::NewFlow;

    fn flow(number: usize) -> NewFlow {
        NewFlow {
            id: None,
            name: number.to_string(),
            version: None,
            external_version: "1".to_owned(),
            class_name: None,
            custom_name: None,
            description: "long ".repeat(500),
            language: None,
            dependencies: None,
            parameters: Vec::new(),
            components: Vec::new(),
            uploader: 1,
            upload_ms: None,
        }
    }

    #[tokio::test]
    async fn what_a_commit_touches_is_known_when_it_returns() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).await.unwrap();
        let id = store.add_flow(flow(1)).await.unwrap();
        assert_eq!(store.touched(Topic::Flow(id)), 0, "nobody can have kept anything of it");
        store.delete_flow(id).await.unwrap();
        assert_eq!(store.touched(Topic::Flow(id)), store.revision().await.unwrap());
    }

    async fn let_grow_to(store: &Store, pages: u32) {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(sql).execute(&store.inner.writer).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_catalogue_says_so_and_goes_on_when_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).await.unwrap();
        let mut added = 0;
        let refused = loop {
            let_grow_to(&store, 100).await;
            match store.add_flow(flow(added)).await {
                Ok(_) => added += 1,
                Err(error) => break error,
            }
        };
        assert!(refused.is_out_of_space() && refused.to_string().ends_with("no space left on its disk"), "{refused}");
        for _ in 0..3 {
            let_grow_to(&store, 100).await;
            assert!(store.add_flow(flow(added)).await.unwrap_err().is_out_of_space());
        }
        assert_eq!(store.counts().await.unwrap().flows, added as i64, "what was refused is not there");

        let_grow_to(&store, 10_000).await;
        let mut given_up = store.begin().await.unwrap();
        given_up.add_flow(flow(added)).await.unwrap();
        drop(given_up);
        let next = store.add_flow(flow(added)).await.unwrap();
        assert_eq!(store.counts().await.unwrap().flows, added as i64 + 1, "what was acknowledged is there");
        store.close().await;
        let store = Store::open(dir.path(), Options::default()).await.unwrap();
        assert_eq!(store.flow(next).await.unwrap().name, added.to_string());
    }
}
