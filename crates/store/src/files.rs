//! Uploaded files, each stored once under the hash of its content.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{IoContext, StoreError};
use crate::hash::ContentHash;
use crate::staging::{Staging, make_read_only};

/// A file whose bytes are safe on disk. It belongs to nothing until an entity
/// that names it is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFile {
    pub hash: ContentHash,
    /// The name to offer when somebody downloads it, such as `iris.arff`.
    pub name: String,
    pub media_type: String,
    /// Bytes.
    pub size: i64,
}

/// The folder of uploaded files. Its methods block: call them where blocking is
/// allowed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UploadFiles {
    dir: PathBuf,
    staging: Arc<Staging>,
}

impl UploadFiles {
    pub(crate) fn new(dir: PathBuf, staging: Arc<Staging>) -> Self {
        Self { dir, staging }
    }

    /// Stores `content` durably and says under which hash.
    pub fn put(&self, name: &str, media_type: &str, content: &[u8]) -> Result<NewFile, StoreError> {
        self.put_from(name, media_type, content)
    }

    /// As [`put`](Self::put), for content that should not be held in memory.
    pub fn put_from(&self, name: &str, media_type: &str, mut content: impl Read) -> Result<NewFile, StoreError> {
        let staged = self.staging.reserve();
        let mut file = File::create_new(staged.path()).context("create", staged.path())?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        let mut size = 0_i64;
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("read the content of", staged.path()),
            };
            hasher.update(&buffer[..read]);
            file.write_all(&buffer[..read]).context("write", staged.path())?;
            size += read as i64;
        }
        let hash = ContentHash::finish(hasher);
        let place = self.path(&hash);
        if !self.staging.keep(&place)? {
            make_read_only(&file).and_then(|()| file.sync_all()).context("sync", staged.path())?;
            staged.publish(&place)?;
        }
        Ok(NewFile { hash, name: name.to_owned(), media_type: media_type.to_owned(), size })
    }

    /// Where the content lies (or would lie). Never write there.
    #[must_use]
    pub fn path(&self, hash: &ContentHash) -> PathBuf {
        self.dir.join(hash.prefix()).join(hash.as_str())
    }

    pub fn open(&self, hash: &ContentHash) -> Result<File, StoreError> {
        let path = self.path(hash);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::NoContent(hash.clone())),
            opened => opened.context("open", &path),
        }
    }

    pub fn read(&self, hash: &ContentHash) -> Result<Bytes, StoreError> {
        let mut file = self.open(hash)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).context("read", &self.path(hash))?;
        Ok(content.into())
    }

    /// Every content here with its path and age; for the sweep.
    pub(crate) fn list(&self) -> Result<Vec<Content>, StoreError> {
        list(&self.dir)
    }

    pub(crate) fn discard(&self, content: &Content, before: SystemTime) -> Result<bool, StoreError> {
        self.staging.discard(&content.path, before)
    }
}

/// A file or folder that is named by its hash.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) hash: ContentHash,
    pub(crate) path: PathBuf,
    pub(crate) modified: SystemTime,
}

pub(crate) fn list(dir: &std::path::Path) -> Result<Vec<Content>, StoreError> {
    let mut found = Vec::new();
    for folder in fs::read_dir(dir).context("list", dir)? {
        let folder = folder.context("list", dir)?.path();
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).context("list", &folder)? {
            let entry = entry.context("list", &folder)?;
            let Some(hash) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let path = entry.path();
            let modified = entry.metadata().and_then(|metadata| metadata.modified()).context("examine", &path)?;
            found.push(Content { hash, path, modified });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(dir: &std::path::Path) -> UploadFiles {
        fs::create_dir_all(dir.join("files")).unwrap();
        UploadFiles::new(dir.join("files"), Arc::new(Staging::open(dir).unwrap()))
    }

    #[test]
    fn same_content_is_stored_once() {
        let dir = tempfile::tempdir().unwrap();
        let files = files(dir.path());
        let a = files.put("a.arff", "text/plain", b"@relation a").unwrap();
        let b = files.put("../b", "text/plain", b"@relation a").unwrap();
        assert_eq!(a.hash, b.hash);
        assert_eq!(a.size, 11);
        assert_eq!(files.read(&a.hash).unwrap(), &b"@relation a"[..]);
        assert_eq!(files.list().unwrap().len(), 1);
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn failed_upload_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the line went dead"))
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let files = files(dir.path());
        assert!(files.put_from("a", "text/plain", b"some".chain(Broken)).is_err());
        assert_eq!(files.list().unwrap().len(), 0);
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn unknown_content_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let hash = ContentHash::of(b"nothing");
        let error = files(dir.path()).read(&hash).unwrap_err();
        assert!(matches!(error, StoreError::NoContent(h) if h == hash));
    }
}
