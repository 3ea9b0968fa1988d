//! Files appear whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::error::{IoContext, StoreError};

/// The folder for unfinished files and folders, on the same file system as their
/// final places. Whatever lies here at the start is left from a crash.
#[derive(Debug)]
pub(crate) struct Staging {
    dir: PathBuf,
    next: AtomicU64,
    opened: SystemTime,
    /// Held while content is kept or taken away, so that not both happen at once.
    keeping: Mutex<()>,
}

impl Staging {
    /// Needs the directory lock to be held: it removes everybody's leftovers.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let dir = data_dir.join("tmp");
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context("clear", &dir);
            }
            _ => {}
        }
        fs::create_dir_all(&dir).context("create", &dir)?;
        let opened = modified(&dir)?;
        Ok(Self { dir, next: AtomicU64::new(0), opened, keeping: Mutex::new(()) })
    }

    /// What is older than this was not written since the store was opened. By the
    /// clock of the file system, which lags behind the process's.
    pub(crate) fn opened(&self) -> SystemTime {
        self.opened
    }

    /// A path that nobody else uses. Removed on drop unless it was moved away.
    pub(crate) fn reserve(&self) -> Staged {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Staged(self.dir.join(number.to_string()))
    }

    /// Whether there is content at `place`. It is durable then and counts as written
    /// just now: no sweep takes it away before its mention comes.
    pub(crate) fn keep(&self, place: &Path) -> Result<bool, StoreError> {
        let keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        match File::open(place).and_then(|content| content.set_modified(SystemTime::now())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            touched => touched.context("touch", place)?,
        }
        drop(keeping);
        // Whoever moved it there may not have come to this yet.
        place.parent().map_or(Ok(()), sync_dir)?;
        Ok(true)
    }

    /// Takes away content that nobody has written or kept since `before`, at once,
    /// however long removing it takes.
    pub(crate) fn discard(&self, place: &Path, before: SystemTime) -> Result<bool, StoreError> {
        let staged = self.reserve();
        let _keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        if modified(place)? >= before {
            return Ok(false);
        }
        fs::rename(place, staged.path()).context("remove", place)?;
        Ok(true)
    }
}

fn modified(path: &Path) -> Result<SystemTime, StoreError> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).context("examine", path)
}

#[derive(Debug)]
pub(crate) struct Staged(PathBuf);

impl Staged {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Moves the finished and synced file or folder to `place`, durably. Content
    /// is immutable, so one that is there already is as good.
    pub(crate) fn publish(self, place: &Path) -> Result<(), StoreError> {
        let Some(parent) = place.parent() else {
            return Err(io::Error::other("no parent")).context("publish", place);
        };
        create_dir_durably(parent)?;
        match fs::rename(&self.0, place) {
            Err(_) if place.exists() => {}
            renamed => renamed.context("publish", place)?,
        }
        sync_dir(parent)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Nothing to do about a failure here; the next start clears the folder.
        if fs::remove_file(&self.0).is_err() && self.0.is_dir() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    // The parent of a relative path of one part is spelled "".
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir).and_then(|file| file.sync_all()).context("sync", dir)
}

pub(crate) fn create_dir_durably(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).context("create", dir)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

/// Content never changes, so nobody should be able to change it by accident.
pub(crate) fn make_read_only(file: &File) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(true);
    file.set_permissions(permissions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_of_a_relative_path_can_be_synced() {
        let parent = Path::new("labboard-data").parent().expect("a parent");
        sync_dir(parent).expect("the working directory");
    }

    #[test]
    fn what_is_kept_is_not_discarded() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path()).unwrap();
        let place = dir.path().join("content");
        assert!(!staging.keep(&place).unwrap());
        fs::write(&place, b"content").unwrap();
        let long_ago = staging.opened() - std::time::Duration::from_secs(60);
        File::open(&place).unwrap().set_modified(long_ago).unwrap();

        assert!(!staging.discard(&place, long_ago).unwrap());
        assert!(staging.keep(&place).unwrap());
        assert!(!staging.discard(&place, staging.opened()).unwrap());
        File::open(&place).unwrap().set_modified(long_ago).unwrap();
        assert!(staging.discard(&place, staging.opened()).unwrap());
        assert!(!place.exists());
    }

    #[test]
    fn what_is_written_after_opening_is_not_older_than_that() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            let staging = Staging::open(dir.path()).unwrap();
            let staged = staging.reserve();
            fs::write(staged.path(), b"").unwrap();
            assert!(!staging.discard(staged.path(), staging.opened()).unwrap());
        }
    }
}
