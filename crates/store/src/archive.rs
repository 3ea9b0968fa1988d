//! What a backup looks like: a tar archive of a data directory's files under their own
//! paths, preceded by a manifest that says what follows.

use serde::{Deserialize, Serialize};

use crate::columns;
use crate::hash::ContentHash;

pub(crate) const CATALOGUE: &str = "catalogue.sqlite";
pub(crate) const ROOMS: &str = "rooms.sqlite";
const MANIFEST: &str = "backup.json";
const FORMAT: u32 = 1;

/// The archive's first entry. The content has its hashes for names; the databases
/// have theirs here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    pub(crate) catalogue: ContentHash,
    pub(crate) rooms: ContentHash,
}

impl Manifest {
    pub(crate) fn new(catalogue: ContentHash, rooms: ContentHash) -> Self {
        Self { format: FORMAT, catalogue, rooms }
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if manifest.format != FORMAT {
            return Err(format!("it has the format {}, which this labboard does not know", manifest.format));
        }
        Ok(manifest)
    }
}

/// What an entry is. There are no other entries, so a path can lead nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Manifest,
    Catalogue,
    Rooms,
    File(ContentHash),
    /// One file of a table.
    Column(ContentHash, String),
}

impl Entry {
    /// The entry's path in the archive and, but for the manifest, in a data directory.
    pub(crate) fn path(&self) -> String {
        match self {
            Entry::Manifest => MANIFEST.to_owned(),
            Entry::Catalogue => CATALOGUE.to_owned(),
            Entry::Rooms => ROOMS.to_owned(),
            Entry::File(hash) => format!("files/{}/{hash}", hash.prefix()),
            Entry::Column(hash, name) => format!("columns/{}/{hash}/{name}", hash.prefix()),
        }
    }

    pub(crate) fn parse(path: &[u8]) -> Option<Self> {
        let path = std::str::from_utf8(path).ok()?;
        let parts: Vec<&str> = path.split('/').collect();
        let entry = match parts[..] {
            [MANIFEST] => Entry::Manifest,
            [CATALOGUE] => Entry::Catalogue,
            [ROOMS] => Entry::Rooms,
            ["files", _, hash] => Entry::File(hash.parse().ok()?),
            ["columns", _, hash, name] if columns::is_file_name(name) => Entry::Column(hash.parse().ok()?, name.to_owned()),
            _ => return None,
        };
        (entry.path() == path).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_their_paths_and_nothing_else_is_one() {
        let hash = ContentHash::of(b"a");
        for entry in [
            Entry::Manifest,
            Entry::Catalogue,
            Entry::Rooms,
            Entry::File(hash.clone()),
            Entry::Column(hash.clone(), "manifest.json".to_owned()),
            Entry::Column(hash.clone(), "12.f64".to_owned()),
        ] {
            assert_eq!(Entry::parse(entry.path().as_bytes()), Some(entry));
        }
        let prefix = hash.prefix();
        for path in [
            String::new(),
            "lock".to_owned(),
            "/catalogue.sqlite".to_owned(),
            "./catalogue.sqlite".to_owned(),
            "../catalogue.sqlite".to_owned(),
            "catalogue.sqlite/".to_owned(),
            format!("files/{hash}"),
            format!("files/../{hash}"),
            format!("/files/{prefix}/{hash}"),
            format!("files//{prefix}/{hash}"),
            format!("files/{prefix}/{hash}/x"),
            format!("files/00/{hash}"),
            format!("columns/{prefix}/{hash}"),
            format!("columns/{prefix}/{hash}/../0.f64"),
            format!("columns/{prefix}/{hash}/.."),
            format!("columns/{prefix}/{hash}/0.exe"),
            format!("columns/{prefix}/{hash}/.f64"),
        ] {
            assert_eq!(Entry::parse(path.as_bytes()), None, "{path}");
        }
        assert_eq!(Entry::parse(b"files/\xff"), None);
    }
}
