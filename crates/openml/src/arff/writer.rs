//! Tables to ARFF.

use std::fmt::Write;

use crate::date::{self, Precision};
use crate::number;
use crate::table::{Table, Values};

/// Appends the table as ARFF, which [`read`](super::read) turns into an equal table.
///
/// Names and values are quoted where a reader could take them for something else; control characters travel as escapes. Line
/// ends of the description become `\n`, dates are rounded to milliseconds, and a code without a level is a missing value.
pub fn write(table: &Table, out: &mut String) {
    if !table.description.is_empty() {
        for line in table.description.replace("\r\n", "\n").split(['\n', '\r']) {
            // Without the trailing blank an empty line stays an empty comment.
            out.push_str(if line.is_empty() { "%" } else { "% " });
            out.push_str(line);
            out.push('\n');
        }
    }
    out.push_str("@RELATION ");
    quoted(&table.name, out);
    out.push_str("\n\n");
    for feature in &table.features {
        out.push_str("@ATTRIBUTE ");
        quoted(&feature.name, out);
        out.push(' ');
        domain(&feature.values, out);
        out.push('\n');
    }
    out.push_str("\n@DATA\n");

    let columns: Vec<Cells<'_>> = table.features.iter().map(|feature| Cells::new(&feature.values)).collect();
    for row in 0..table.rows() {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            column.write(row, out);
        }
        out.push('\n');
    }
}

fn domain(values: &Values, out: &mut String) {
    match values {
        Values::Numeric(_) => out.push_str("NUMERIC"),
        Values::Text { .. } => out.push_str("STRING"),
        Values::Date(values) => out.push_str(match Precision::of(values) {
            Precision::Day => "DATE \"yyyy-MM-dd\"",
            Precision::Second => "DATE \"yyyy-MM-dd'T'HH:mm:ss\"",
            Precision::Millisecond => "DATE \"yyyy-MM-dd'T'HH:mm:ss.SSS\"",
        }),
        Values::Nominal { levels, .. } => {
            out.push('{');
            for (at, level) in levels.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quoted(level, out);
            }
            out.push('}');
        }
    }
}

/// A column with all that is worth doing once.
enum Cells<'a> {
    Numeric(&'a [f64]),
    Date(&'a [f64], Precision),
    /// The levels as they are written.
    Coded(&'a [u32], Vec<String>),
}

impl<'a> Cells<'a> {
    fn new(values: &'a Values) -> Self {
        match values {
            Values::Numeric(values) => Self::Numeric(values),
            Values::Date(values) => Self::Date(values, Precision::of(values)),
            Values::Nominal { codes, levels } | Values::Text { codes, levels } => {
                let written = |level: &String| {
                    let mut out = String::with_capacity(level.len() + 2);
                    quoted(level, &mut out);
                    out
                };
                Self::Coded(codes, levels.iter().map(written).collect())
            }
        }
    }

    fn write(&self, row: usize, out: &mut String) {
        let number = |values: &[f64]| values.get(row).copied().filter(|value| !value.is_nan());
        match self {
            Self::Numeric(values) => match number(values) {
                Some(value) => number::write(value, out),
                None => out.push('?'),
            },
            Self::Date(values, precision) => match number(values) {
                Some(value) => date::write_iso(value, *precision, out),
                None => out.push('?'),
            },
            Self::Coded(codes, levels) => {
                let level = codes.get(row).and_then(|&code| levels.get(code as usize));
                out.push_str(level.map_or("?", String::as_str));
            }
        }
    }
}

/// Appends a name or a value, in quotes if it needs them.
pub(crate) fn quoted(text: &str, out: &mut String) {
    let plain = |character: char| {
        !character.is_whitespace() && !character.is_control() && !matches!(character, ',' | '{' | '}' | '\'' | '"' | '%' | '\\' | '@' | '?')
    };
    if !text.is_empty() && text.chars().all(plain) {
        out.push_str(text);
        return;
    }
    out.push('\'');
    for character in text.chars() {
        match character {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                // Writing to a String cannot fail; control characters have at most two hexadecimal digits.
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('\'');
}
