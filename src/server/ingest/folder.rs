//! A folder of OpenML documents, on disk or packed into the binary (`docs/import.md`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

use super::IngestError;

const MISSING: &str = "the file is missing";

/// Where documents are read from.
#[derive(Debug)]
pub enum Folder {
    Disk(PathBuf),
    /// Content by path, as in an archive.
    Packed(BTreeMap<String, Vec<u8>>),
}

impl Folder {
    pub fn disk(path: PathBuf) -> Self {
        Folder::Disk(path)
    }

    /// Unpacks a `.tar.zst` into memory.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn unpack(archive: &[u8]) -> Result<Self, IngestError> {
        let read = || -> std::io::Result<_> {
            let mut files = BTreeMap::new();
            let mut tar = tar::Archive::new(zstd::Decoder::new(archive)?);
            for entry in tar.entries()? {
                let mut entry = entry?;
                if entry.header().entry_type().is_file() {
                    let path = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
                    let mut content = Vec::with_capacity(usize::try_from(entry.size()).unwrap_or(0));
                    entry.read_to_end(&mut content)?;
                    files.insert(path, content);
                }
            }
            Ok(files)
        };
        read().map(Folder::Packed).map_err(|error| IngestError::file("the packed documents", error))
    }

    /// The ids of the documents of one kind, ascending.
    ///
    /// # Errors
    /// The folder cannot be listed, or holds something that is not an id.
    pub fn ids(&self, kind: &str) -> Result<Vec<i64>, IngestError> {
        let names = match self {
            Folder::Disk(root) => match std::fs::read_dir(root.join(kind)) {
                Ok(entries) => entries
                    .filter_map(Result::ok)
                    .filter(|entry| entry.path().is_dir())
                    .map(|entry| entry.file_name().to_string_lossy().into_owned())
                    .collect::<BTreeSet<_>>(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
                Err(error) => return Err(IngestError::file(self.name(kind), error)),
            },
            Folder::Packed(files) => files
                .keys()
                .filter_map(|path| path.strip_prefix(kind)?.strip_prefix('/')?.split_once('/'))
                .map(|(id, _)| id.to_owned())
                .collect(),
        };
        let mut ids = names
            .iter()
            .map(|name| {
                let id = name.parse::<i64>().ok().filter(|id| *id > 0);
                id.ok_or_else(|| {
                    IngestError::file(self.name(&format!("{kind}/{name}")), "the folder's name is not an id: a whole number from 1")
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// How a path is called in messages.
    pub fn name(&self, path: &str) -> String {
        match self {
            Folder::Disk(root) => root.join(path).display().to_string(),
            Folder::Packed(_) => format!("the demo's {path}"),
        }
    }

    /// A file's content, or `None` if there is no such file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, IngestError> {
        match self {
            Folder::Disk(root) => match std::fs::read(root.join(path)) {
                Ok(content) => Ok(Some(Cow::Owned(content))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(IngestError::file(self.name(path), error)),
            },
            Folder::Packed(files) => Ok(files.get(path).map(|content| Cow::Borrowed(content.as_slice()))),
        }
    }

    /// # Errors
    /// The file is missing or cannot be read.
    pub fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, IngestError> {
        self.find(path)?.ok_or_else(|| IngestError::file(self.name(path), MISSING))
    }

    /// # Errors
    /// As [`find`](Folder::find), or the file is not UTF-8.
    pub fn find_text(&self, path: &str) -> Result<Option<String>, IngestError> {
        let Some(content) = self.find(path)? else { return Ok(None) };
        String::from_utf8(content.into_owned()).map(Some).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            IngestError::file(self.name(path), format!("byte {} is not UTF-8", place + 1))
        })
    }

    /// # Errors
    /// As [`read`](Folder::read), or the file is not UTF-8.
    pub fn text(&self, path: &str) -> Result<String, IngestError> {
        self.find_text(path)?.ok_or_else(|| IngestError::file(self.name(path), MISSING))
    }
}
