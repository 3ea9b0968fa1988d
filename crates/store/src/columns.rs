//! Tables as one raw file per column, stored once under the hash of their content.
//!
//! `columns/<first two digits>/<hash>/` holds `manifest.json` (names, kinds, levels)
//! and, per column, `<index>.f64` or `<index>.u32`: the values, little-endian, one
//! after the other. A missing number is NaN, a missing category [`MISSING`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use labboard_openml::table::{Feature, Kind, MISSING, Table, Values};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{IoContext, StoreError};
use crate::files::{Content, list};
use crate::hash::ContentHash;
use crate::mapped::Mapped;
use crate::staging::{Staged, Staging, make_read_only, sync_dir};

const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;

/// One column's values; the slices have one value per row.
#[derive(Clone, Copy, Debug)]
pub enum ColumnRef<'a> {
    /// NaN = missing.
    Numeric(&'a [f64]),
    /// Milliseconds since 1970-01-01 UTC; NaN = missing.
    Date(&'a [f64]),
    /// Codes index `levels`, or are [`MISSING`].
    Nominal { codes: &'a [u32], levels: &'a [String] },
    /// Codes index `levels`, or are [`MISSING`].
    Text { codes: &'a [u32], levels: &'a [String] },
}

/// An open table. Slices are read from disk when they are touched.
#[derive(Debug)]
pub struct Columns {
    rows: usize,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: Kind,
    levels: Vec<String>,
    values: ColumnValues,
}

#[derive(Debug)]
enum ColumnValues {
    Numbers(Mapped<f64>),
    Codes(Mapped<u32>),
}

impl Columns {
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of features.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The feature at `index`, counted from 0 in the dataset's order.
    #[must_use]
    pub fn feature(&self, index: usize) -> Option<ColumnRef<'_>> {
        self.columns.get(index).map(Column::as_ref)
    }

    #[must_use]
    pub fn name(&self, index: usize) -> Option<&str> {
        self.columns.get(index).map(|column| column.name.as_str())
    }

    #[must_use]
    pub fn kind(&self, index: usize) -> Option<Kind> {
        self.columns.get(index).map(|column| column.kind)
    }

    /// The index of the first feature with this name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    fn resident(&self) -> usize {
        let of_column = |column: &Column| {
            let levels: usize = column.levels.iter().map(|level| size_of::<String>() + level.len()).sum();
            levels
                + match &column.values {
                    ColumnValues::Numbers(values) => values.resident(),
                    ColumnValues::Codes(values) => values.resident(),
                }
        };
        self.columns.iter().map(of_column).sum()
    }
}

impl Column {
    fn as_ref(&self) -> ColumnRef<'_> {
        let levels = &self.levels;
        match (&self.values, self.kind) {
            (ColumnValues::Numbers(values), Kind::Date) => ColumnRef::Date(values.values()),
            (ColumnValues::Numbers(values), _) => ColumnRef::Numeric(values.values()),
            (ColumnValues::Codes(codes), Kind::Text) => ColumnRef::Text { codes: codes.values(), levels },
            (ColumnValues::Codes(codes), _) => ColumnRef::Nominal { codes: codes.values(), levels },
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    rows: usize,
    features: Vec<ManifestFeature>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ManifestFeature {
    name: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    levels: Vec<String>,
}

/// Feeds the little-endian bytes of a column to `sink`, piece by piece.
fn emit(values: &Values, mut sink: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    const PIECE: usize = 1 << 15;
    let mut buffer = Vec::with_capacity(PIECE * 8);
    match values {
        Values::Numeric(values) | Values::Date(values) => {
            for piece in values.chunks(PIECE) {
                buffer.clear();
                for value in piece {
                    // One NaN, so that equal tables have equal hashes.
                    let value = if value.is_nan() { f64::NAN } else { *value };
                    buffer.extend_from_slice(&value.to_le_bytes());
                }
                sink(&buffer)?;
            }
        }
        Values::Nominal { codes, .. } | Values::Text { codes, .. } => {
            for piece in codes.chunks(PIECE) {
                buffer.clear();
                for code in piece {
                    buffer.extend_from_slice(&code.to_le_bytes());
                }
                sink(&buffer)?;
            }
        }
    }
    Ok(())
}

fn file_name(index: usize, kind: Kind) -> String {
    match kind {
        Kind::Numeric | Kind::Date => format!("{index}.f64"),
        Kind::Nominal | Kind::Text => format!("{index}.u32"),
    }
}

/// The folder of column files. Its methods block: call them where blocking is
/// allowed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ColumnFiles {
    dir: PathBuf,
    /// Where what is computed from columns is kept.
    index: PathBuf,
    staging: Arc<Staging>,
    cache: Arc<Mutex<Cache>>,
}

impl ColumnFiles {
    pub(crate) fn new(dir: PathBuf, staging: Arc<Staging>, cache_bytes: usize) -> Self {
        let index = dir.with_file_name("index");
        Self { dir, index, staging, cache: Arc::new(Mutex::new(Cache::new(cache_bytes))) }
    }

    pub(crate) fn index_path(&self, hash: &ContentHash) -> PathBuf {
        self.index.join(hash.prefix()).join(hash.as_str())
    }

    pub(crate) fn staging(&self) -> &Staging {
        &self.staging
    }

    /// Stores the columns of `table` durably and returns the hash of their names,
    /// kinds, levels and values. The table's own name and description are not part
    /// of it.
    ///
    /// # Errors
    /// `Invalid` if the columns differ in length or a code has no level; `Io`.
    pub fn write(&self, table: &Table) -> Result<ContentHash, StoreError> {
        let mut writer = self.writer()?;
        table.features.iter().try_for_each(|feature| writer.add(feature))?;
        writer.finish()
    }

    /// Begins a table that comes piece by piece.
    ///
    /// # Errors
    /// `Io`.
    pub fn writer(&self) -> Result<ColumnsWriter, StoreError> {
        let staged = self.staging.reserve();
        fs::create_dir(staged.path()).context("create", staged.path())?;
        Ok(ColumnsWriter { files: self.clone(), staged, begun: 0, features: Vec::new(), rows: None })
    }

    /// Where the columns lie (or would lie). Never write there.
    #[must_use]
    pub fn path(&self, hash: &ContentHash) -> PathBuf {
        self.dir.join(hash.prefix()).join(hash.as_str())
    }

    /// # Errors
    /// `NoContent` if there is nothing with this hash; `Corrupt` if a file has
    /// another length than it should; `Io`.
    pub fn open(&self, hash: &ContentHash) -> Result<Arc<Columns>, StoreError> {
        let cache = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(columns) = cache().get(hash) {
            return Ok(columns);
        }
        let columns = Arc::new(self.open_uncached(hash)?);
        cache().insert(hash.clone(), Arc::clone(&columns));
        Ok(columns)
    }

    fn open_uncached(&self, hash: &ContentHash) -> Result<Columns, StoreError> {
        let dir = self.path(hash);
        let path = dir.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoContent(hash.clone()));
            }
            read => read.context("read", &path)?,
        };
        let damaged =
            |path: &Path, reason: &dyn ToString| StoreError::Corrupt { place: path.display().to_string(), reason: reason.to_string() };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(&path, &error))?;
        if manifest.format != FORMAT {
            return Err(damaged(&path, &format!("format {}", manifest.format)));
        }
        let rows = manifest.rows;
        let open = |(index, feature): (usize, ManifestFeature)| {
            let path = dir.join(file_name(index, feature.kind));
            let values = match feature.kind {
                Kind::Numeric | Kind::Date => Mapped::open(&path, rows).map(ColumnValues::Numbers),
                Kind::Nominal | Kind::Text => Mapped::open(&path, rows).map(ColumnValues::Codes),
            };
            let values = match values {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(damaged(&path, &error));
                }
                opened => opened.context("open", &path)?,
            };
            Ok(Column { name: feature.name, kind: feature.kind, levels: feature.levels, values })
        };
        let columns = manifest.features.into_iter().enumerate().map(open);
        Ok(Columns { rows, columns: columns.collect::<Result<_, _>>()? })
    }

    pub(crate) fn list(&self) -> Result<Vec<Content>, StoreError> {
        list(&self.dir)
    }

    /// The tables of which something computed is kept.
    pub(crate) fn list_derived(&self) -> Result<Vec<Content>, StoreError> {
        list(&self.index)
    }

    pub(crate) fn discard(&self, content: &Content, before: SystemTime) -> Result<bool, StoreError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.entries.remove(&content.hash);
        let discarded = self.staging.discard(&content.path, before)?;
        if discarded {
            let index = self.index_path(&content.hash);
            match fs::remove_dir_all(&index) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).context("remove", &index),
                _ => {}
            }
        }
        Ok(discarded)
    }
}

/// Whether a table may have a file of this name.
pub(crate) fn is_file_name(name: &str) -> bool {
    let is_column = |(index, suffix): (&str, &str)| {
        matches!(suffix, "f64" | "u32") && !index.is_empty() && index.len() < 10 && index.bytes().all(|byte| byte.is_ascii_digit())
    };
    name == MANIFEST || name.split_once('.').is_some_and(is_column)
}

/// The names of the files of the table in `dir`, in the order in which they are hashed.
pub(crate) fn file_names(dir: &Path) -> Result<Vec<String>, StoreError> {
    let path = dir.join(MANIFEST);
    let bytes = fs::read(&path).context("read", &path)?;
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|error| StoreError::Corrupt { place: path.display().to_string(), reason: error.to_string() })?;
    let columns = manifest.features.iter().enumerate().map(|(index, feature)| file_name(index, feature.kind));
    Ok(std::iter::once(MANIFEST.to_owned()).chain(columns).collect())
}

/// A table on its way to the disk: its memory is that of the pieces. What is not finished is removed.
#[derive(Debug)]
pub struct ColumnsWriter {
    files: ColumnFiles,
    staged: Staged,
    begun: usize,
    features: Vec<ManifestFeature>,
    rows: Option<usize>,
}

/// One column on its way to the disk.
#[derive(Debug)]
pub struct ColumnWriter {
    index: usize,
    kind: Kind,
    file: File,
    path: PathBuf,
    rows: usize,
    /// One more than the greatest code.
    codes: usize,
}

impl ColumnsWriter {
    /// Begins the next column. Several may be open at a time; all must be [ended](Self::end), in order.
    ///
    /// # Errors
    /// `Io`.
    pub fn begin(&mut self, kind: Kind) -> Result<ColumnWriter, StoreError> {
        let index = self.begun;
        self.begun += 1;
        let path = self.staged.path().join(file_name(index, kind));
        let file = File::create_new(&path).context("create", &path)?;
        Ok(ColumnWriter { index, kind, file, path, rows: 0, codes: 0 })
    }

    /// Ends a column.
    ///
    /// # Errors
    /// `Invalid` if it has another length than the first, comes out of order, or a code has no level; `Io`.
    pub fn end(&mut self, column: ColumnWriter, name: &str, levels: &[String]) -> Result<(), StoreError> {
        let rows = *self.rows.get_or_insert(column.rows);
        if column.rows != rows {
            return Err(StoreError::Invalid(format!("the feature {name:?} has {} values where the first has {rows}", column.rows)));
        }
        if column.codes > levels.len() {
            return Err(StoreError::Invalid(format!("the feature {name:?} has a code without a level")));
        }
        if column.index != self.features.len() {
            return Err(StoreError::Invalid(format!("the feature {name:?} comes out of order")));
        }
        make_read_only(&column.file).and_then(|()| column.file.sync_all()).context("write", &column.path)?;
        self.features.push(ManifestFeature { name: name.to_owned(), kind: column.kind, levels: levels.to_vec() });
        Ok(())
    }

    /// Adds a whole feature.
    ///
    /// # Errors
    /// As [`end`](Self::end).
    pub fn add(&mut self, feature: &Feature) -> Result<(), StoreError> {
        let mut column = self.begin(feature.values.kind())?;
        column.extend(&feature.values)?;
        let levels = match &feature.values {
            Values::Numeric(_) | Values::Date(_) => &[][..],
            Values::Nominal { levels, .. } | Values::Text { levels, .. } => levels.as_slice(),
        };
        self.end(column, &feature.name, levels)
    }

    /// Publishes the table and returns its hash, as [`ColumnFiles::write`].
    ///
    /// # Errors
    /// `Invalid` if a column was begun and not ended; `Io`.
    pub fn finish(self) -> Result<ContentHash, StoreError> {
        if self.begun != self.features.len() {
            return Err(StoreError::Invalid("a column was begun and not ended".to_owned()));
        }
        let manifest = Manifest { format: FORMAT, rows: self.rows.unwrap_or(0), features: self.features };
        let manifest_bytes = serde_json::to_vec(&manifest).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let dir = self.staged.path();
        let mut hasher = Sha256::new_with_prefix(&manifest_bytes);
        for (index, feature) in manifest.features.iter().enumerate() {
            let path = dir.join(file_name(index, feature.kind));
            File::open(&path).and_then(|mut file| io::copy(&mut file, &mut hasher)).context("hash", &path)?;
        }
        let hash = ContentHash::finish(hasher);
        let place = self.files.path(&hash);
        if self.files.staging.keep(&place)? {
            return Ok(hash);
        }
        write_file(&dir.join(MANIFEST), |file| file.write_all(&manifest_bytes))?;
        sync_dir(dir)?;
        self.staged.publish(&place)?;
        Ok(hash)
    }
}

impl ColumnWriter {
    /// Appends values of the column's kind; of nominal and text values only the codes, the levels come at the end.
    ///
    /// # Errors
    /// `Invalid` for values of another kind; `Io`.
    pub fn extend(&mut self, values: &Values) -> Result<(), StoreError> {
        if values.kind() != self.kind {
            return Err(StoreError::Invalid(format!("values of kind {} in a column of kind {}", values.kind(), self.kind)));
        }
        if let Values::Nominal { codes, .. } | Values::Text { codes, .. } = values {
            let greatest = codes.iter().filter(|code| **code != MISSING).max();
            self.codes = self.codes.max(greatest.map_or(0, |code| *code as usize + 1));
        }
        self.rows += values.len();
        emit(values, |bytes| self.file.write_all(bytes)).context("write", &self.path)
    }
}

pub(crate) fn write_file(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), StoreError> {
    let mut file = File::create_new(path).context("create", path)?;
    write(&mut file).and_then(|()| make_read_only(&file)).and_then(|()| file.sync_all()).context("write", path)
}

/// The open tables that were used last: at most 256, and as many as fit into
/// `budget` bytes of memory (mapped values do not count, the system drops those).
#[derive(Debug)]
struct Cache {
    entries: HashMap<ContentHash, Entry>,
    clock: u64,
    budget: usize,
}

#[derive(Debug)]
struct Entry {
    columns: Arc<Columns>,
    bytes: usize,
    used: u64,
}

impl Cache {
    const MOST: usize = 256;

    fn new(budget: usize) -> Self {
        Self { entries: HashMap::new(), clock: 0, budget }
    }

    fn get(&mut self, hash: &ContentHash) -> Option<Arc<Columns>> {
        self.clock += 1;
        let entry = self.entries.get_mut(hash)?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.columns))
    }

    fn insert(&mut self, hash: ContentHash, columns: Arc<Columns>) {
        self.clock += 1;
        let bytes = columns.resident();
        let used = self.clock;
        self.entries.insert(hash, Entry { columns, bytes, used });
        let mut total: usize = self.entries.values().map(|entry| entry.bytes).sum();
        while self.entries.len() > 1 && (self.entries.len() > Self::MOST || total > self.budget) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(hash) = oldest.map(|(hash, _)| hash.clone()) else {
                break;
            };
            total -= self.entries.remove(&hash).map_or(0, |entry| entry.bytes);
        }
    }
}

#[cfg(test)]
mod tests;
