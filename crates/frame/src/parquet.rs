//! Parquet files, read into tables and written from them. The only module that uses polars.
//!
//! | in the file | in the table |
//! |---|---|
//! | integers, floats, decimals | numeric (integers beyond 2⁵³ are rounded) |
//! | booleans | nominal with the levels `false` and `true` |
//! | dates, timestamps | date; timestamps with a time zone are points in time, those without are read as UTC |
//! | times of day, durations | numeric, in milliseconds |
//! | strings | nominal with sorted levels if they are few, by the rule of CSV files; else text |
//! | dictionaries of strings | nominal; declared order where the file keeps it, else sorted |
//! | lists, structures, maps, bytes | refused with an error that names the column |
//!
//! Damage is an error as far as it can be noticed, panics of the decoder included. A forged page can still demand more memory
//! than there is, which ends the process: files that are not trusted belong into a child process.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::parallel::panic_message;
use labboard_openml::Limits;
use labboard_openml::table::{Feature, MISSING, Table, Values};
use polars::datatypes::{ArrowDataType, ArrowTimeUnit, DataType, FrozenCategories, TimeUnit};
use polars::frame::DataFrame;
use polars::io::SerReader as _;
use polars::io::mmap::MmapBytesReader;
use polars::prelude::{IntoColumn as _, NamedFrom as _, ParquetCompression, ParquetReader, ParquetWriter, PolarsError, Series};

/// The rule by which strings are categories, the same as for CSV: at most 20 distinct ones, or 5 % of the rows, never more than
/// 1,000.
const FEW_LEVELS: usize = 20;
const MANY_LEVELS: usize = 1000;
const LEVELS_PER_ROW: f64 = 0.05;

const MILLIS_PER_DAY: f64 = 86_400_000.0;

/// Why a Parquet file cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParquetError {
    #[error("this is not a Parquet file: it does not start and end with \"PAR1\"; perhaps it was cut short")]
    NotParquet,
    #[error("the Parquet file has no columns")]
    NoColumns,
    #[error("the table is too large: {rows} rows in {columns} columns")]
    TooLarge { rows: usize, columns: usize },
    #[error("the column \"{column}\" has the type {found}, which a dataset cannot hold")]
    Type { column: String, found: String },
    #[error("the Parquet file is damaged: {0}")]
    Damaged(String),
    #[error("the columns cannot be written as Parquet: {0}")]
    Unwritable(String),
}

impl From<PolarsError> for ParquetError {
    fn from(error: PolarsError) -> Self {
        Self::Damaged(first_line(&error.to_string()))
    }
}

/// Reads a Parquet file.
///
/// # Errors
/// When the bytes are no Parquet file or a damaged one, or a column has a type that no feature can have.
pub fn read(bytes: impl AsRef<[u8]>) -> Result<Table, ParquetError> {
    read_within(bytes, &Limits::default())
}

/// Reads a Parquet file of no more values than `limits`.
///
/// # Errors
/// As [`read`], and when the file declares a larger table.
pub fn read_within(bytes: impl AsRef<[u8]>, limits: &Limits) -> Result<Table, ParquetError> {
    let file = ParquetFile::of_bytes(bytes.as_ref(), limits)?;
    let mut features = Vec::with_capacity(file.columns());
    for columns in file.batches() {
        features.extend(file.read(columns)?);
    }
    Ok(Table { features, ..Table::default() })
}

/// Values that are decoded at a time, if a column has fewer.
const BATCH: usize = 1 << 24;

/// A Parquet file whose columns are read a few at a time, so that memory is that of a few columns.
#[derive(Debug)]
pub struct ParquetFile<'a> {
    source: Source<'a>,
    rows: usize,
    columns: usize,
}

#[derive(Debug)]
enum Source<'a> {
    Bytes(&'a [u8]),
    /// The reader maps it.
    File(File),
}

impl<'a> ParquetFile<'a> {
    /// # Errors
    /// As [`read_within`], but for damage that only the values show.
    pub fn of_bytes(bytes: &'a [u8], limits: &Limits) -> Result<Self, ParquetError> {
        if bytes.len() < 12 || !bytes.starts_with(b"PAR1") || !bytes.ends_with(b"PAR1") {
            return Err(ParquetError::NotParquet);
        }
        Self::of(Source::Bytes(bytes), limits)
    }

    /// Of a file that nobody changes meanwhile.
    ///
    /// # Errors
    /// As [`of_bytes`](Self::of_bytes), and when the file cannot be read.
    pub fn of_file(mut file: File, limits: &Limits) -> Result<Self, ParquetError> {
        let mut ends = [0; 8];
        let read = (|| {
            file.seek(SeekFrom::Start(0))?;
            file.read_exact(&mut ends[..4])?;
            file.seek(SeekFrom::End(-4))?;
            file.read_exact(&mut ends[4..])
        })();
        if read.is_err() || &ends != b"PAR1PAR1" {
            return Err(ParquetError::NotParquet);
        }
        Self::of(Source::File(file), limits)
    }

    fn of(source: Source<'a>, limits: &Limits) -> Result<Self, ParquetError> {
        let (rows, columns) = match &source {
            Source::Bytes(bytes) => size(ParquetReader::new(Cursor::new(*bytes)), limits)?,
            Source::File(file) => size(ParquetReader::new(copy(file)?), limits)?,
        };
        Ok(Self { source, rows, columns })
    }

    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The columns in parts that are worth to be read at a time.
    pub fn batches(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (columns, at_once) = (self.columns, (BATCH / self.rows.max(1)).max(1));
        (0..columns).step_by(at_once).map(move |first| first..columns.min(first + at_once))
    }

    /// Reads some columns.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn read(&self, columns: Range<usize>) -> Result<Vec<Feature>, ParquetError> {
        match &self.source {
            Source::Bytes(bytes) => features(ParquetReader::new(Cursor::new(*bytes)), columns, self.rows),
            Source::File(file) => features(ParquetReader::new(copy(file)?), columns, self.rows),
        }
    }
}

fn copy(file: &File) -> Result<File, ParquetError> {
    file.try_clone().map_err(|error| ParquetError::Damaged(error.to_string()))
}

/// A damaged file can trip an assertion of the reader, which must not take a server's thread along.
fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    unpanicked(work).unwrap_or_else(|reason| Err(ParquetError::Damaged(reason)))
}

/// The rows and columns, if they can be read.
fn size<R: MmapBytesReader>(mut reader: ParquetReader<R>, limits: &Limits) -> Result<(usize, usize), ParquetError> {
    guarded(|| {
        let schema = reader.schema()?;
        let (rows, columns) = (reader.num_rows()?, schema.len());
        if columns == 0 {
            return Err(ParquetError::NoColumns);
        }
        let fits = rows.checked_mul(columns).is_some_and(|cells| cells <= limits.cells);
        if columns > limits.columns || !fits || rows >= MISSING as usize {
            return Err(ParquetError::TooLarge { rows, columns });
        }
        for (name, field) in schema.iter() {
            if let Some(found) = unsupported(&field.dtype) {
                return Err(ParquetError::Type { column: name.to_string(), found });
            }
        }
        Ok((rows, columns))
    })
}

fn features<R: MmapBytesReader>(reader: ParquetReader<R>, columns: Range<usize>, rows: usize) -> Result<Vec<Feature>, ParquetError> {
    guarded(|| {
        let frame = reader.with_projection(Some(columns.collect())).finish()?;
        let features = frame.columns().iter().map(|column| {
            let values = values(column.as_materialized_series())?;
            if values.len() == rows {
                Ok(Feature { name: column.name().to_string(), values })
            } else {
                Err(ParquetError::Damaged(format!("the column \"{}\" has {} of {rows} rows", column.name(), values.len())))
            }
        });
        features.collect()
    })
}

/// The name of a type that no feature can have.
fn unsupported(kind: &ArrowDataType) -> Option<String> {
    use ArrowDataType as T;
    match kind {
        T::Null
        | T::Boolean
        | T::Int8
        | T::Int16
        | T::Int32
        | T::Int64
        | T::UInt8
        | T::UInt16
        | T::UInt32
        | T::UInt64
        | T::Float32
        | T::Float64
        | T::Decimal(..)
        | T::Timestamp(..)
        | T::Date32
        | T::Date64
        | T::Time32(ArrowTimeUnit::Second | ArrowTimeUnit::Millisecond)
        | T::Time64(ArrowTimeUnit::Microsecond | ArrowTimeUnit::Nanosecond)
        | T::Duration(_)
        | T::Utf8
        | T::LargeUtf8
        | T::Utf8View => None,
        T::Dictionary(_, values, _) if matches!(**values, T::Utf8 | T::LargeUtf8 | T::Utf8View) => None,
        T::Dictionary(_, values, _) => Some(format!("dictionary of {}", name_of(values))),
        other => Some(name_of(other)),
    }
}

fn name_of(kind: &ArrowDataType) -> String {
    use ArrowDataType as T;
    match kind {
        T::List(item) | T::LargeList(item) => format!("list of {}", name_of(&item.dtype)),
        T::FixedSizeList(item, length) => format!("list of {length} {}", name_of(&item.dtype)),
        T::Struct(_) => "structure".to_owned(),
        T::Map(..) => "map".to_owned(),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "bytes".to_owned(),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "string".to_owned(),
        other => first_line(&format!("{other:?}")).to_lowercase(),
    }
}

fn values(series: &Series) -> Result<Values, ParquetError> {
    // Numbers per millisecond.
    let per_milli = |unit: TimeUnit| match unit {
        TimeUnit::Nanoseconds => 1e6,
        TimeUnit::Microseconds => 1e3,
        TimeUnit::Milliseconds => 1.0,
    };
    Ok(match series.dtype() {
        DataType::Boolean => Values::Nominal {
            codes: series.bool()?.iter().map(|value| value.map_or(MISSING, u32::from)).collect(),
            levels: vec!["false".to_owned(), "true".to_owned()],
        },
        DataType::String => {
            let (codes, levels) = encoded(series)?;
            let few = FEW_LEVELS.max((codes.len() as f64 * LEVELS_PER_ROW) as usize).min(MANY_LEVELS);
            if levels.len() <= few { Values::nominal(codes, levels) } else { Values::Text { codes, levels } }
        }
        DataType::Enum(categories, _) => {
            let declared: Vec<String> = categories.categories().values_iter().map(str::to_owned).collect();
            let (codes, used) = encoded(&series.cast(&DataType::String)?)?;
            let places: HashMap<&str, u32> = declared.iter().enumerate().map(|(at, level)| (level.as_str(), at as u32)).collect();
            let codes = codes
                .into_iter()
                .map(|code| used.get(code as usize).and_then(|level| places.get(level.as_str())))
                .map(|place| place.copied().unwrap_or(MISSING))
                .collect();
            drop(places);
            Values::Nominal { codes, levels: declared }
        }
        DataType::Categorical(..) => {
            let (codes, levels) = encoded(&series.cast(&DataType::String)?)?;
            Values::nominal(codes, levels)
        }
        DataType::Date => Values::Date(scaled(series, |days| days * MILLIS_PER_DAY)?),
        DataType::Datetime(unit, _) => {
            let per_milli = per_milli(*unit);
            Values::Date(scaled(series, |count| count / per_milli)?)
        }
        DataType::Duration(unit) => {
            let per_milli = per_milli(*unit);
            Values::Numeric(scaled(series, |count| count / per_milli)?)
        }
        DataType::Time => Values::Numeric(scaled(series, |count| count / 1e6)?),
        kind if kind.is_primitive_numeric() || kind.is_decimal() || kind.is_null() => Values::Numeric(scaled(series, |value| value)?),
        kind => {
            return Err(ParquetError::Type { column: series.name().to_string(), found: first_line(&kind.to_string()) });
        }
    })
}

/// The numbers that a column is stored as, scaled; `NaN` for none.
fn scaled(series: &Series, scale: impl Fn(f64) -> f64) -> Result<Vec<f64>, ParquetError> {
    let decimal = series.dtype().is_decimal();
    let stored = if decimal { series.clone() } else { series.to_physical_repr().into_owned() };
    let numbers = stored.cast(&DataType::Float64)?;
    Ok(numbers.f64()?.iter().map(|value| value.map_or(f64::NAN, &scale)).collect())
}

/// Codes of strings in order of first appearance.
fn encoded(series: &Series) -> Result<(Vec<u32>, Vec<String>), ParquetError> {
    let strings = series.str()?;
    let mut codes_of: HashMap<&str, u32> = HashMap::new();
    let mut levels = Vec::new();
    let codes = strings
        .iter()
        .map(|value| {
            let Some(value) = value else { return MISSING };
            *codes_of.entry(value).or_insert_with(|| {
                levels.push(value.to_owned());
                (levels.len() - 1) as u32
            })
        })
        .collect();
    Ok((codes, levels))
}

/// Writes features as a Parquet file compressed with zstd. Reading it gives the same features back, except that text with few
/// distinct strings reads as nominal, and that dates are kept to the microsecond.
///
/// # Errors
/// When columns differ in length, two have the same name, or a nominal feature declares a level twice.
pub fn write(features: &[Feature]) -> Result<Vec<u8>, ParquetError> {
    unpanicked(|| write_checked(features)).unwrap_or_else(Err).map_err(|reason| ParquetError::Unwritable(first_line(&reason)))
}

fn write_checked(features: &[Feature]) -> Result<Vec<u8>, String> {
    let columns = features.iter().map(|feature| Ok(series(feature)?.into_column()));
    let columns = columns.collect::<Result<Vec<_>, PolarsError>>().map_err(|error| error.to_string())?;
    let rows = features.first().map_or(0, |feature| feature.values.len());
    let mut frame = DataFrame::new(rows, columns).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .finish(&mut frame)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn series(feature: &Feature) -> Result<Series, PolarsError> {
    let name = feature.name.as_str().into();
    match &feature.values {
        Values::Numeric(values) => {
            let values: Vec<Option<f64>> = values.iter().map(|&value| (!value.is_nan()).then_some(value)).collect();
            Ok(Series::new(name, values))
        }
        Values::Date(values) => {
            let whole = values.iter().all(|value| value.is_nan() || value.fract() == 0.0);
            let (unit, scale) = if whole { (TimeUnit::Milliseconds, 1.0) } else { (TimeUnit::Microseconds, 1_000.0) };
            let counts: Vec<Option<i64>> = values.iter().map(|value| value.is_finite().then(|| (value * scale).round() as i64)).collect();
            Series::new(name, counts).cast(&DataType::Datetime(unit, None))
        }
        Values::Nominal { codes, levels } => {
            let categories = FrozenCategories::new(levels.iter().map(String::as_str))?;
            strings(name, codes, levels).strict_cast(&DataType::from_frozen_categories(categories))
        }
        Values::Text { codes, levels } => Ok(strings(name, codes, levels)),
    }
}

fn strings(name: polars::prelude::PlSmallStr, codes: &[u32], levels: &[String]) -> Series {
    let values: Vec<Option<&str>> = codes.iter().map(|&code| levels.get(code as usize).map(String::as_str)).collect();
    Series::new(name, values)
}

/// Turns a panic into its message.
fn unpanicked<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| first_line(panic_message(&*panic).unwrap_or("it cannot be decoded")))
}

/// The reason without the hints that follow it.
fn first_line(text: &str) -> String {
    const LONGEST: usize = 200;
    text.lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn feature(name: &str, values: Values) -> Feature {
        Feature { name: name.to_owned(), values }
    }

    fn features() -> Vec<Feature> {
        let texts: Vec<String> = (0..30).map(|n| format!("word {n}")).collect();
        vec![
            feature("x", Values::Numeric((0..30).map(|n| if n == 3 { f64::NAN } else { f64::from(n) / 7.0 }).collect())),
            feature("when", Values::Date((0..30).map(|n| if n == 5 { f64::NAN } else { -1e12 + f64::from(n) }).collect())),
            feature("fine", Values::Date((0..30).map(|n| f64::from(n) + 0.125).collect())),
            feature(
                "class",
                Values::Nominal {
                    codes: (0..30).map(|n| if n == 7 { MISSING } else { n % 2 * 2 }).collect(),
                    levels: names(&["z", "unused", "ä \"quoted\""]),
                },
            ),
            feature("empty", Values::Nominal { codes: vec![MISSING; 30], levels: vec![] }),
            feature("text", Values::Text { codes: (0..30).collect(), levels: texts }),
        ]
    }

    #[test]
    fn features_survive_a_round_trip() {
        let written = write(&features()).unwrap();
        let table = read(&written).unwrap();
        assert_eq!(table.features, features());
        assert_eq!(read(write(&features()[..1]).unwrap()).unwrap().rows(), 30);
    }

    #[test]
    fn few_strings_are_levels_in_order() {
        let text = Values::Text { codes: vec![0, 1, 2, 0, MISSING], levels: names(&["10", "9", "-1.5"]) };
        let table = read(write(&[feature("t", text)]).unwrap()).unwrap();
        let expected = Values::Nominal { codes: vec![2, 1, 0, 2, MISSING], levels: names(&["-1.5", "9", "10"]) };
        assert_eq!(table.features[0].values, expected);
    }

    #[test]
    fn other_types_become_numbers_dates_and_levels() {
        let columns = vec![
            Series::new("flag".into(), [Some(true), None, Some(false)]).into_column(),
            Series::new("tiny".into(), [Some(-3i8), None, Some(4)]).into_column(),
            Series::new("large".into(), [1u64 << 40, 2, 3]).into_column(),
            Series::new("single".into(), [0.5f32, f32::NAN, 2.0]).into_column(),
            Series::new("day".into(), [Some(1i32), None, Some(-1)]).cast(&DataType::Date).unwrap().into_column(),
            Series::new("nanos".into(), [1_500_000i64, 0, -1_000_000])
                .cast(&DataType::Datetime(TimeUnit::Nanoseconds, None))
                .unwrap()
                .into_column(),
            Series::new("span".into(), [2_000i64, 0, 1]).cast(&DataType::Duration(TimeUnit::Microseconds)).unwrap().into_column(),
            Series::new("price".into(), [1.25f64, 2.5, 3.0]).cast(&DataType::Decimal(10, 2)).unwrap().into_column(),
            Series::full_null("nothing".into(), 3, &DataType::Null).into_column(),
        ];
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(3, columns).unwrap()).unwrap();
        let table = read(&bytes).unwrap();
        let of = |name: &str| table.feature(name).unwrap().values.clone();
        assert_eq!(of("flag"), Values::Nominal { codes: vec![1, MISSING, 0], levels: names(&["false", "true"]) });
        assert_eq!(of("tiny"), Values::Numeric(vec![-3.0, f64::NAN, 4.0]));
        assert_eq!(of("large"), Values::Numeric(vec![1_099_511_627_776.0, 2.0, 3.0]));
        assert_eq!(of("single"), Values::Numeric(vec![0.5, f64::NAN, 2.0]));
        assert_eq!(of("day"), Values::Date(vec![MILLIS_PER_DAY, f64::NAN, -MILLIS_PER_DAY]));
        assert_eq!(of("nanos"), Values::Date(vec![1.5, 0.0, -1.0]));
        assert_eq!(of("span"), Values::Numeric(vec![2.0, 0.0, 0.001]));
        assert_eq!(of("price"), Values::Numeric(vec![1.25, 2.5, 3.0]));
        assert_eq!(of("nothing").missing(), 3);
    }

    #[test]
    fn lists_and_bytes_are_refused_by_name() {
        let list = Series::new("tags".into(), [Series::new("".into(), [1i32, 2]), Series::new("".into(), [3i32])]);
        let bytes_column = Series::new("blob".into(), [&b"a"[..], b"b"]);
        for (series, message) in [
            (list, "the column \"tags\" has the type list of int32, which a dataset cannot hold"),
            (bytes_column, "the column \"blob\" has the type bytes, which a dataset cannot hold"),
        ] {
            let mut bytes = Vec::new();
            let mut frame = DataFrame::new(2, vec![series.into_column()]).unwrap();
            ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
            assert_eq!(read(&bytes).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_cut_or_damaged_file_is_an_error() {
        let good = write(&features()).unwrap();
        assert_eq!(read(b""), Err(ParquetError::NotParquet));
        for cut in [4, 11, 12, good.len() / 2, good.len() - 1] {
            assert!(read(&good[..cut]).is_err());
            let sewn = [&good[..cut], b"PAR1"].concat();
            assert!(read(&sewn).is_err(), "cut at {cut}");
        }
        // Every byte of the footer, damaged one at a time: a table or an error, never a panic.
        let length = u32::from_le_bytes(good[good.len() - 8..][..4].try_into().unwrap()) as usize;
        for at in good.len() - 8 - length..good.len() - 4 {
            let mut damaged = good.clone();
            damaged[at] ^= 0x55;
            let _ = read(&damaged);
        }
    }

    #[test]
    fn limits_hold_before_anything_is_decoded() {
        let good = write(&features()).unwrap();
        let limits = Limits { columns: 6, cells: 179 };
        assert_eq!(read_within(&good, &limits), Err(ParquetError::TooLarge { rows: 30, columns: 6 }));
    }

    #[test]
    fn columns_that_contradict_each_other_are_not_written() {
        let x = |values: &[f64]| feature("x", Values::Numeric(values.to_vec()));
        assert!(matches!(write(&[x(&[1.0]), x(&[2.0])]), Err(ParquetError::Unwritable(_))));
        let longer = feature("y", Values::Numeric(vec![1.0, 2.0]));
        assert!(matches!(write(&[x(&[1.0]), longer]), Err(ParquetError::Unwritable(_))));
        let twice = Values::Nominal { codes: vec![0], levels: names(&["a", "a"]) };
        assert!(matches!(write(&[feature("x", twice)]), Err(ParquetError::Unwritable(_))));
    }
}
