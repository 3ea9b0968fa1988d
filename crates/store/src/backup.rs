//! A copy of a running store.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::archive::{CATALOGUE, Entry, Manifest, ROOMS};
use crate::catalogue::Store;
use crate::columns;
use crate::error::{IoContext, StoreError, blocking};
use crate::hash::{ContentHash, Hashing};
use crate::mentioned;
use crate::staging::Staged;

/// Files that are handed over to the blocking side at once.
const AT_ONCE: u32 = 256;

impl Store {
    /// Writes a backup of the store as it is now to `out`, which the caller makes
    /// durable. Others read and write meanwhile; only sweeps wait. The copies of the
    /// databases need as much room in the data directory as the databases themselves.
    ///
    /// [`restore`](crate::restore()) makes a data directory of it.
    ///
    /// # Errors
    /// `Corrupt` if content is not what its hash says, `NoContent` if it is not there;
    /// `Io`; `Database`. What was written is no backup then.
    pub async fn backup(&self, out: impl Write + Send + 'static) -> Result<(), StoreError> {
        let _content = self.inner.content.read().await;
        // Content comes before its mention: what the snapshot mentions is there.
        let catalogue = self.snapshot(CATALOGUE).await?;
        let rooms = self.snapshot(ROOMS).await?;
        let mut mentions = open_snapshot(catalogue.path()).await?;

        let mut archive = self
            .work(move || {
                let mut archive = Archive { tar: tar::Builder::new(BufWriter::with_capacity(1 << 18, out)) };
                archive.add_databases(&catalogue, &rooms)?;
                Ok(archive)
            })
            .await?;
        let mut held = mentioned::held_files(&mut mentions).await?;
        let mut after = String::new();
        loop {
            let hashes = mentioned::files(&mut mentions, &after, AT_ONCE).await?;
            let Some(last) = hashes.last() else { break };
            last.as_str().clone_into(&mut after);
            for hash in &hashes {
                held.remove(hash);
            }
            archive = self.add_files(archive, hashes).await?;
        }
        archive = self.add_files(archive, held.into_iter().collect()).await?;
        for hash in mentioned::tables(&mut mentions).await? {
            let columns = self.columns().clone();
            archive = self.work(move || archive.add_table(&hash, &columns.path(&hash))).await?;
        }
        self.work(move || archive.finish()).await
    }

    async fn add_files<W: Write + Send + 'static>(
        &self,
        mut archive: Archive<W>,
        hashes: Vec<ContentHash>,
    ) -> Result<Archive<W>, StoreError> {
        let files = self.files().clone();
        self.work(move || {
            for hash in hashes {
                archive.add_file(&hash, &files.path(&hash))?;
            }
            Ok(archive)
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> Result<T, StoreError> {
        blocking("back up", self.dir(), work).await
    }

    /// A consistent copy of one of the databases.
    async fn snapshot(&self, database: &str) -> Result<Staged, StoreError> {
        let staged = self.inner.staging.reserve();
        let Some(path) = staged.path().to_str() else {
            return Err(io::Error::other("the path is not UTF-8")).context("create", staged.path());
        };
        // A connection of its own: neither readers nor rooms wait for the copy.
        let options = SqliteConnectOptions::new().filename(self.dir().join(database)).read_only(true).busy_timeout(Duration::from_secs(5));
        let mut conn = SqliteConnection::connect_with(&options).await?;
        sqlx::query("VACUUM INTO $1").bind(path).execute(&mut conn).await?;
        conn.close().await?;
        Ok(staged)
    }
}

/// A database that nobody writes.
pub(crate) async fn open_snapshot(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    Ok(SqliteConnection::connect_with(&options).await?)
}

struct Archive<W: Write> {
    tar: tar::Builder<BufWriter<W>>,
}

impl<W: Write> Archive<W> {
    fn add_databases(&mut self, catalogue: &Staged, rooms: &Staged) -> Result<(), StoreError> {
        let manifest = Manifest::new(hash_of(catalogue.path())?, hash_of(rooms.path())?);
        let text = crate::decode::to_json(&manifest);
        self.append(&Entry::Manifest, text.len() as u64, text.as_bytes())?;
        self.add(&Entry::Catalogue, catalogue.path(), &mut Sha256::new())?;
        self.add(&Entry::Rooms, rooms.path(), &mut Sha256::new())
    }

    fn add_file(&mut self, hash: &ContentHash, path: &Path) -> Result<(), StoreError> {
        let mut hasher = Sha256::new();
        self.add(&Entry::File(hash.clone()), path, &mut hasher).map_err(|error| absent(error, hash))?;
        agree(path, hash, hasher)
    }

    fn add_table(mut self, hash: &ContentHash, dir: &Path) -> Result<Self, StoreError> {
        let mut hasher = Sha256::new();
        for name in columns::file_names(dir).map_err(|error| absent(error, hash))? {
            let path = dir.join(&name);
            self.add(&Entry::Column(hash.clone(), name), &path, &mut hasher)?;
        }
        agree(dir, hash, hasher)?;
        Ok(self)
    }

    fn add(&mut self, entry: &Entry, path: &Path, hasher: &mut Sha256) -> Result<(), StoreError> {
        let file = File::open(path).context("open", path)?;
        let size = file.metadata().context("examine", path)?.len();
        self.append(entry, size, Hashing::new(file, hasher))
    }

    fn append(&mut self, entry: &Entry, size: u64, content: impl Read) -> Result<(), StoreError> {
        let out = Path::new("the backup");
        let mut header = tar::Header::new_gnu();
        header.set_path(entry.path()).context("write", out)?;
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        self.tar.append(&header, content).context("write", out)
    }

    fn finish(self) -> Result<(), StoreError> {
        self.tar.into_inner().and_then(|mut out| out.flush()).context("write", Path::new("the backup"))
    }
}

/// # Errors
/// `Corrupt` if what was hashed is not what `place` is named.
pub(crate) fn agree(place: &Path, hash: &ContentHash, hasher: Sha256) -> Result<(), StoreError> {
    if ContentHash::finish(hasher) == *hash {
        return Ok(());
    }
    Err(StoreError::Corrupt { place: place.display().to_string(), reason: "its content has another hash".to_owned() })
}

fn hash_of(path: &Path) -> Result<ContentHash, StoreError> {
    let mut hasher = Sha256::new();
    let file = File::open(path).context("open", path)?;
    io::copy(&mut Hashing::new(file, &mut hasher), &mut io::sink()).context("read", path)?;
    Ok(ContentHash::finish(hasher))
}

fn absent(error: StoreError, hash: &ContentHash) -> StoreError {
    match error {
        StoreError::Io { cause, .. } if cause.kind() == io::ErrorKind::NotFound => StoreError::NoContent(hash.clone()),
        other => other,
    }
}
