//! One raw column file as a slice: the only place that maps memory.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::path::Path;

use memmap2::Mmap;

#[cfg(target_endian = "big")]
compile_error!("column files are little-endian and are used as they lie");

/// Below this a column is read: mappings are limited in number (65,530 per process
/// by default on Linux) and a table with many columns has few rows.
const MAP_FROM_BYTES: usize = 64 * 1024;

mod sealed {
    /// # Safety
    /// Every bit pattern is a valid value, and there is no padding.
    pub unsafe trait Plain: Copy {
        fn from_le(bytes: &[u8]) -> Self;
        fn extend_le(&self, bytes: &mut Vec<u8>);
    }

    macro_rules! plain {
        ($($number:ident else $damaged:expr),*) => {$(
            // SAFETY: numbers have no invalid bit pattern and no padding.
            unsafe impl Plain for $number {
                fn from_le(bytes: &[u8]) -> Self {
                    bytes.try_into().map_or($damaged, $number::from_le_bytes)
                }

                fn extend_le(&self, bytes: &mut Vec<u8>) {
                    bytes.extend_from_slice(&self.to_le_bytes());
                }
            }
        )*};
    }
    plain!(f64 else f64::NAN, u32 else u32::MAX, u16 else u16::MAX, u8 else u8::MAX);
}
pub use sealed::Plain;

/// The values of one column file, read or mapped.
#[derive(Debug)]
pub(crate) struct Mapped<T> {
    content: Content<T>,
}

#[derive(Debug)]
enum Content<T> {
    Read(Vec<T>),
    Mapped(Mmap, PhantomData<T>),
}

impl<T: Plain> Mapped<T> {
    /// The `rows` values in the file at `path`.
    ///
    /// # Errors
    /// `InvalidData` if the file has another length; otherwise what the system says.
    pub(crate) fn open(path: &Path, rows: usize) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let bytes = rows.checked_mul(size_of::<T>()).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        let found = file.metadata()?.len();
        if found != bytes as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{found} bytes instead of {bytes}")));
        }
        if bytes < MAP_FROM_BYTES {
            let mut content = Vec::with_capacity(bytes);
            file.read_to_end(&mut content)?;
            if content.len() != bytes {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let values = content.chunks_exact(size_of::<T>()).map(T::from_le);
            return Ok(Self { content: Content::Read(values.collect()) });
        }
        // SAFETY: a mapping is sound as long as nobody changes or shortens the file.
        // Column files are written under another name, made read-only, renamed and
        // never written again, and the directory that they lie in is locked by this
        // process. Removing one (a sweep) does not disturb a mapping.
        let map = unsafe { Mmap::map(&file)? };
        let aligned = map.as_ptr().addr().is_multiple_of(align_of::<T>());
        if map.len() != bytes || !aligned {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Self { content: Content::Mapped(map, PhantomData) })
    }

    pub(crate) fn values(&self) -> &[T] {
        match &self.content {
            Content::Read(values) => values,
            // SAFETY: `open` checked the alignment and that the length is a multiple
            // of the size; `Plain` says that any bytes are values; the slice borrows
            // `self` and so cannot outlive the mapping.
            Content::Mapped(map, _) => unsafe { std::slice::from_raw_parts(map.as_ptr().cast::<T>(), map.len() / size_of::<T>()) },
        }
    }

    /// Bytes held in memory rather than in the page cache.
    pub(crate) fn resident(&self) -> usize {
        match &self.content {
            Content::Read(values) => size_of_val(values.as_slice()),
            Content::Mapped(..) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_files_read_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for rows in [0, 1, 5, MAP_FROM_BYTES / 8 - 1, MAP_FROM_BYTES / 8, 100_000] {
            let path = dir.path().join(rows.to_string());
            let values: Vec<f64> = (0..rows).map(|i| i as f64 * 0.5).collect();
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            std::fs::write(&path, bytes).unwrap();
            let mapped = Mapped::<f64>::open(&path, rows).unwrap();
            assert_eq!(mapped.values(), values);
            assert_eq!(mapped.resident() > 0, (1..MAP_FROM_BYTES / 8).contains(&rows));
        }
    }

    #[test]
    fn another_length_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        std::fs::write(&path, [0; 12]).unwrap();
        assert!(Mapped::<u32>::open(&path, 3).is_ok());
        for rows in [0, 2, 4, usize::MAX] {
            let error = Mapped::<u32>::open(&path, rows).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
