//! Tables to CSV.

use crate::date::{self, Precision};
use crate::number;
use crate::table::{Table, Values};

use super::Options;

/// Appends the table as RFC 4180 says, with a header row, commas and `\r\n`.
///
/// A missing value is an empty field. Text that would read as a missing token or as blanks is put in quotes; only the
/// empty text cannot be told from a missing value. Dates are ISO 8601 in UTC.
pub fn write(table: &Table, out: &mut String) {
    let missing = Options::default().missing;
    for (at, feature) in table.features.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        field(&feature.name, &missing, out);
    }
    out.push_str("\r\n");
    let columns: Vec<Cells<'_>> = table.features.iter().map(|feature| Cells::new(&feature.values, &missing)).collect();
    for row in 0..table.rows() {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let start = out.len();
            column.write(row, out);
            // A record of one empty field would be a blank line.
            if columns.len() == 1 && out.len() == start {
                out.push_str("\"\"");
            }
        }
        out.push_str("\r\n");
    }
}

enum Cells<'a> {
    Numeric(&'a [f64]),
    Date(&'a [f64], Precision),
    /// The levels as they are written.
    Coded(&'a [u32], Vec<String>),
}

impl<'a> Cells<'a> {
    fn new(values: &'a Values, missing: &[String]) -> Self {
        match values {
            Values::Numeric(values) => Self::Numeric(values),
            Values::Date(values) => Self::Date(values, Precision::of(values)),
            Values::Nominal { codes, levels } | Values::Text { codes, levels } => {
                let written = |level: &String| {
                    let mut out = String::with_capacity(level.len());
                    field(level, missing, &mut out);
                    out
                };
                Self::Coded(codes, levels.iter().map(written).collect())
            }
        }
    }

    fn write(&self, row: usize, out: &mut String) {
        let number = |values: &[f64]| values.get(row).copied().filter(|value| !value.is_nan());
        match self {
            Self::Numeric(values) => {
                if let Some(value) = number(values) {
                    number::write(value, out);
                }
            }
            Self::Date(values, precision) => {
                if let Some(value) = number(values) {
                    date::write_iso(value, *precision, out);
                    if *precision > Precision::Day {
                        out.push('Z');
                    }
                }
            }
            Self::Coded(codes, levels) => {
                if let Some(level) = codes.get(row).and_then(|&code| levels.get(code as usize)) {
                    out.push_str(level);
                }
            }
        }
    }
}

fn field(text: &str, missing: &[String], out: &mut String) {
    let special = |character: char| matches!(character, ',' | ';' | '\t' | '"' | '\r' | '\n');
    let quoted =
        text.contains(special) || text.starts_with([' ', '\u{FEFF}']) || text.ends_with(' ') || missing.iter().any(|token| token == text);
    if quoted {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}
