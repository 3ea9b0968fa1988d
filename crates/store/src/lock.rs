//! One data directory belongs to one server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{IoContext, StoreError};

const NAME: &str = "lock";

/// Held as long as the store is open; the system drops it when the process ends,
/// however it ends. The file's text is the address of the owner's server.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
    path: PathBuf,
}

impl DirectoryLock {
    pub(crate) fn acquire(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(NAME);
        let file = open(&path).context("open", &path)?;
        // `owner` holds the lock for an instant when it asks; hence the patience.
        let mut patience = 5;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if patience > 0 => {
                    patience -= 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked { dir: dir.to_owned(), owner: read_address(&file) });
                }
                Err(TryLockError::Error(error)) => return Err(error).context("lock", &path),
            }
        }
        let lock = Self { file, path };
        lock.set_address("")?;
        Ok(lock)
    }

    pub(crate) fn set_address(&self, address: &str) -> Result<(), StoreError> {
        let mut file = &self.file;
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(address.as_bytes()))
            .context("write", &self.path)
    }
}

/// The address of the server that holds `dir`, if one does and has said where it is.
pub(crate) fn owner(dir: &Path) -> Option<String> {
    let file = OpenOptions::new().read(true).open(dir.join(NAME)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_address(&file),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn read_address(mut file: &File) -> Option<String> {
    let mut address = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(4096).read_to_string(&mut address).ok()?;
    let address = address.trim();
    (!address.is_empty()).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_owner_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(owner(dir.path()), None);
        let first = DirectoryLock::acquire(dir.path()).unwrap();
        assert_eq!(owner(dir.path()), None);
        first.set_address("http://127.0.0.1:3000").unwrap();
        assert_eq!(owner(dir.path()).as_deref(), Some("http://127.0.0.1:3000"));

        let message = DirectoryLock::acquire(dir.path()).unwrap_err().to_string();
        assert!(message.contains(&dir.path().display().to_string()));
        assert!(message.ends_with("another labboard server at http://127.0.0.1:3000"));
        assert!(!message.contains('\n'));

        drop(first);
        assert_eq!(owner(dir.path()), None);
        let second = DirectoryLock::acquire(dir.path()).unwrap();
        assert_eq!(owner(dir.path()), None, "a stale address is gone");
        drop(second);
    }
}
