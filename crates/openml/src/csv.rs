//! CSV as RFC 4180 says, with a header row; the types of the columns are inferred.
//!
//! The reader is strict about structure, because a misread quote silently shifts a whole table, and tolerant about dialect: the
//! delimiter is found out, lines may end with `\n`, `\r\n` or `\r`, a byte order mark and blank lines at the end are read over,
//! and blanks around an unquoted value do not count. A first column without a name, the index of a data frame, is called `index`.
//!
//! # Types
//! - *numeric* if every value is a decimal number. Numbers that are codes (`00501`, integers that a double cannot hold) make
//!   the column a category, so that nothing is lost. A column without values is numeric;
//! - *date* if every value is an ISO 8601 date, perhaps with a time;
//! - *nominal* if there are at most max(20, 5 % of the rows) and at most 1000 distinct values; levels are sorted, by their
//!   number if all are numbers;
//! - *string* otherwise.
//!
//! # Missing values
//! A missing token is missing wherever it stands unquoted. In quotes only the empty one is: `"NA"` is the text NA (unless the
//! column is otherwise numeric or dates).

mod infer;
mod records;
mod writer;

use crate::error::{BYTE_ORDER_MARK, ParseError, utf8};
use crate::limits::Limits;
use crate::table::{Kind, Table};

pub use writer::write;

/// How to read a CSV file.
#[derive(Clone, Debug)]
pub struct Options {
    /// Any ASCII character but a quote or a line end. `None` finds out whether it is a comma, a semicolon or a tab.
    pub delimiter: Option<u8>,
    /// The tokens that mean a missing value, exactly as written.
    pub missing: Vec<String>,
    /// The types of columns, by name, that are not to be inferred.
    pub kinds: Vec<(String, Kind)>,
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            delimiter: None,
            missing: ["", "?", "NA", "N/A", "NaN", "null", "None"].map(str::to_owned).to_vec(),
            kinds: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Reads a table; its name and description are empty, since CSV has none.
///
/// # Errors
/// The first thing that is not CSV, at its line and column: bytes that are not UTF-8, no header, a name that is empty or comes
/// twice, a row with the wrong number of values, a quote that is not closed (where it opened), text after a closing quote, a
/// value that is not of the type that [`Options::kinds`] demands.
pub fn read(input: &[u8], options: &Options) -> Result<Table, ParseError> {
    let text = utf8(input)?;
    let start = if input.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let delimiter = match options.delimiter {
        None => records::sniff(text, start),
        Some(delimiter) if delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\r' | b'\n') => delimiter,
        Some(_) => {
            let reason = "the delimiter must be an ASCII character, not a quote and not a line end";
            return Err(ParseError::at(input, 0, reason));
        }
    };
    let mut records = records::Records::new(text, start, delimiter);
    let header = records::header(&mut records, &options.limits)?;
    let features = infer::read(records, header, options)?;
    Ok(Table { name: String::new(), description: String::new(), features })
}

#[cfg(test)]
mod tests;
