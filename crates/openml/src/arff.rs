//! ARFF, the attribute-relation file format of OpenML's datasets, splits and predictions.
//!
//! The reader takes what OpenML's files hold: keywords in any case, names and values in either quote with backslash escapes,
//! nominal lists, `string`, `date` with a pattern, `?` for missing values, sparse rows, comments, a byte order mark and any
//! line end. It is one pass over the bytes that borrows all it can.
//!
//! Where ARFF leaves a choice:
//! - an empty value between delimiters is missing, and so is `NaN` in a numeric attribute;
//! - values are delimited by commas or tabs; spaces inside an unquoted value belong to it;
//! - an absent value of a sparse row is 0, the first nominal level, or, for strings, missing;
//! - weights of instances (`{5}` after a row) are read over;
//! - the comments before the first declaration are the table's description.

mod cursor;
mod data;
mod header;
mod writer;

use crate::error::{BYTE_ORDER_MARK, ParseError, utf8};
use crate::limits::Limits;
use crate::table::Table;

use cursor::Cursor;

pub(crate) use writer::quoted;
pub use writer::write;

/// Reads a table within the default [`Limits`].
///
/// # Errors
/// The first thing that is not ARFF, at its line and column: bytes that are not UTF-8, an unknown type, a value that its
/// attribute does not declare, a row with too few or too many values, a quote that is not closed (where it opened), ...
pub fn read(input: &[u8]) -> Result<Table, ParseError> {
    read_within(input, &Limits::default())
}

/// Reads a table that may have no more columns and cells than `limits`.
pub fn read_within(input: &[u8], limits: &Limits) -> Result<Table, ParseError> {
    let text = utf8(input)?;
    let start = if input.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut cursor = Cursor::new(text, start);
    let header = header::read(&mut cursor, limits)?;
    let features = data::read(&mut cursor, header.attributes, limits)?;
    Ok(Table { name: header.name, description: header.description, features })
}

#[cfg(test)]
mod tests;
