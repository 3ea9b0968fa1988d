//! What is computed from a table's columns and kept beside them, to be read instead of computed again.
//!
//! `index/<first two digits>/<hash>/<name>` holds values, little-endian. Whatever is missing or damaged is
//! computed again, so that nothing of it is backed up; it goes with its table.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::columns::{ColumnFiles, write_file};
use crate::error::{IoContext, StoreError};
use crate::hash::ContentHash;
use crate::mapped::{Mapped, Plain};

/// Computed values, mapped like a column.
#[derive(Debug)]
pub struct Derived<T>(Mapped<T>);

impl<T: Plain> Derived<T> {
    #[must_use]
    pub fn values(&self) -> &[T] {
        self.0.values()
    }
}

/// A file of computed values.
#[derive(Clone, Debug)]
pub struct DerivedFile {
    /// Of the table.
    pub hash: ContentHash,
    pub name: String,
    pub bytes: u64,
    pub modified: SystemTime,
}

impl ColumnFiles {
    /// All that is kept, in no order. Blocks.
    ///
    /// # Errors
    /// `Io`
    pub fn derived_files(&self) -> Result<Vec<DerivedFile>, StoreError> {
        let mut files = Vec::new();
        for table in self.list_derived()? {
            for entry in std::fs::read_dir(&table.path).context("list", &table.path)? {
                let entry = entry.context("list", &table.path)?;
                let about = entry.metadata().context("read", &entry.path())?;
                let modified = about.modified().context("read", &entry.path())?;
                let name = entry.file_name().to_string_lossy().into_owned();
                files.push(DerivedFile { hash: table.hash.clone(), name, bytes: about.len(), modified });
            }
        }
        Ok(files)
    }

    /// Removes what is kept under a name. Who has it open goes on reading it.
    ///
    /// # Errors
    /// `Io`
    pub fn forget_derived(&self, hash: &ContentHash, name: &str) -> Result<(), StoreError> {
        let path = self.derived_path(hash, name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove", &path),
            _ => Ok(()),
        }
    }

    fn derived_path(&self, hash: &ContentHash, name: &str) -> PathBuf {
        self.index_path(hash).join(name)
    }

    /// What was kept under this name, or `None`. Blocks.
    ///
    /// # Errors
    /// `Io`
    pub fn derived<T: Plain>(&self, hash: &ContentHash, name: &str) -> Result<Option<Derived<T>>, StoreError> {
        let path = self.derived_path(hash, name);
        let bytes = std::fs::metadata(&path).map(|metadata| metadata.len() as usize);
        match bytes.and_then(|bytes| Mapped::open(&path, bytes / size_of::<T>())) {
            Ok(values) => Ok(Some(Derived(values))),
            // Of another size: a version of labboard that kept something else under this name.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(None),
            Err(error) => Err(error).context("open", &path),
        }
    }

    /// Keeps values in place of what was there. Blocks.
    ///
    /// # Errors
    /// `Io`
    pub fn keep_derived<T: Plain>(&self, hash: &ContentHash, name: &str, values: &[T]) -> Result<Derived<T>, StoreError> {
        const PIECE: usize = 1 << 16;
        let path = self.derived_path(hash, name);
        let staged = self.staging().reserve();
        let mut bytes = Vec::with_capacity(PIECE * size_of::<T>());
        write_file(staged.path(), |file| {
            for piece in values.chunks(PIECE) {
                bytes.clear();
                piece.iter().for_each(|value| value.extend_le(&mut bytes));
                file.write_all(&bytes)?;
            }
            Ok(())
        })?;
        staged.publish(&path)?;
        Mapped::open(&path, values.len()).map(Derived).context("open", &path)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use labboard_openml::table::{Feature, Table, Values};

    use super::*;
    use crate::staging::Staging;

    #[test]
    fn what_is_kept_is_found_again_and_goes_with_its_table() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Arc::new(Staging::open(dir.path()).unwrap());
        let files = ColumnFiles::new(dir.path().join("columns"), Arc::clone(&staging), 1 << 20);
        let feature = Feature { name: "x".to_owned(), values: Values::Numeric(vec![1.0, 2.0, 3.0]) };
        let table = Table { features: vec![feature], ..Table::default() };
        let hash = files.write(&table).unwrap();
        assert!(files.derived::<u16>(&hash, "0.linear").unwrap().is_none());
        assert_eq!(files.keep_derived(&hash, "0.linear", &[7_u16, 8, 9]).unwrap().values(), [7, 8, 9]);
        assert_eq!(files.derived::<u16>(&hash, "0.linear").unwrap().unwrap().values(), [7, 8, 9]);
        assert!(files.derived::<f64>(&hash, "0.linear").unwrap().is_none(), "six bytes are no number of doubles");
        let many: Vec<u8> = (0..200_000_u32).map(|row| row as u8).collect();
        assert_eq!(files.keep_derived(&hash, "0.group", &many).unwrap().values(), many);

        let mut kept: Vec<_> = files.derived_files().unwrap().into_iter().map(|file| (file.hash, file.name, file.bytes)).collect();
        kept.sort_by(|a, b| a.1.cmp(&b.1));
        assert_eq!(kept, [(hash.clone(), "0.group".to_owned(), 200_000), (hash.clone(), "0.linear".to_owned(), 6)]);
        files.forget_derived(&hash, "0.group").unwrap();
        files.forget_derived(&hash, "0.group").unwrap();
        assert!(files.derived::<u8>(&hash, "0.group").unwrap().is_none());

        let content = files.list().unwrap().pop().unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        assert!(files.discard(&content, later).unwrap());
        assert!(files.derived::<u16>(&hash, "0.linear").unwrap().is_none());
    }
}
