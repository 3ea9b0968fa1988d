//! The rows, dense and sparse.

use std::borrow::Cow;

use crate::date::Format;
use crate::error::{ParseError, counted, shown};
use crate::interner::Interner;
use crate::limits::Limits;
use crate::number;
use crate::table::{Feature, MISSING, Values};

use super::cursor::Cursor;
use super::header::{Attribute, Domain};

/// Reads all rows into columns.
pub(super) fn read<'a>(cursor: &mut Cursor<'a>, attributes: Vec<Attribute<'a>>, limits: &Limits) -> Result<Vec<Feature>, ParseError> {
    let mut columns: Vec<Column<'a>> = attributes.into_iter().map(Column::new).collect();
    // The row that last set each column of a sparse row, counted from 1.
    let mut set_by: Vec<usize> = Vec::new();
    let mut rows = 0;
    while !cursor.is_done() {
        cursor.skip_blanks();
        match cursor.peek() {
            None => break,
            Some(b'\n' | b'\r') => cursor.end_line(),
            Some(b'%') => {
                cursor.rest_of_line();
            }
            Some(byte) => {
                rows += 1;
                if rows * columns.len() > limits.cells {
                    let reason = format!("the table has more than {} values, the limit", limits.cells);
                    return Err(cursor.error(cursor.at, reason));
                }
                if byte == b'{' {
                    set_by.resize(columns.len(), 0);
                    sparse_row(cursor, &mut columns, &mut set_by, rows)?;
                } else {
                    dense_row(cursor, &mut columns)?;
                }
                cursor.end_line();
            }
        }
    }
    Ok(columns.into_iter().map(Column::finish).collect())
}

fn dense_row<'a>(cursor: &mut Cursor<'a>, columns: &mut [Column<'a>]) -> Result<(), ParseError> {
    let expected = columns.len();
    for (done, column) in columns.iter_mut().enumerate() {
        if done > 0 && !delimiter(cursor)? {
            let reason = format!("row has {}, expected {expected}", counted(done, "value"));
            return Err(cursor.error(cursor.at, reason));
        }
        cursor.skip_blanks();
        let at = cursor.at;
        let value = value(cursor, b",\t")?;
        column.push(value).map_err(|reason| cursor.error(at, reason))?;
    }
    if !delimiter(cursor)? || weight(cursor) {
        return Ok(());
    }
    let surplus = cursor.at;
    let mut count = expected + 1;
    value(cursor, b",\t")?;
    while delimiter(cursor)? {
        count += 1;
        value(cursor, b",\t")?;
    }
    let reason = format!("row has {}, expected {expected}", counted(count, "value"));
    Err(cursor.error(surplus, reason))
}

/// A value up to one of `stops` or the end of the line; `None` if it is missing.
#[inline]
fn value<'a>(cursor: &mut Cursor<'a>, stops: &[u8]) -> Result<Option<Cow<'a, str>>, ParseError> {
    cursor.skip_blanks();
    if matches!(cursor.peek(), Some(b'\'' | b'"')) {
        return cursor.quoted().map(Some);
    }
    let value = cursor.until(stops);
    Ok((!value.is_empty() && value != "?").then_some(Cow::Borrowed(value)))
}

/// Moves over a comma or a tab and the blanks around it; `false` at the end of the line.
#[inline]
fn delimiter(cursor: &mut Cursor<'_>) -> Result<bool, ParseError> {
    let mut tab = false;
    while let Some(byte @ (b' ' | b'\t')) = cursor.peek() {
        tab |= byte == b'\t';
        cursor.at += 1;
    }
    if cursor.is_line_end() {
        return Ok(false);
    }
    if cursor.peek() == Some(b',') {
        cursor.at += 1;
        cursor.skip_blanks();
        return Ok(true);
    }
    if tab {
        return Ok(true);
    }
    Err(cursor.error(cursor.at, "text after the closing quote"))
}

/// Moves over `{number}` if that is the rest of the line.
fn weight(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at;
    if cursor.peek() == Some(b'{') {
        cursor.at += 1;
        let number = cursor.until(b"}").trim_start_matches(' ');
        if cursor.peek() == Some(b'}') && number::parse(number).is_some() {
            cursor.at += 1;
            cursor.skip_blanks();
            if cursor.is_line_end() {
                return true;
            }
        }
    }
    cursor.at = start;
    false
}

fn sparse_row<'a>(cursor: &mut Cursor<'a>, columns: &mut [Column<'a>], set_by: &mut [usize], row: usize) -> Result<(), ParseError> {
    let opened = cursor.at;
    let not_closed = "the sparse row opened here is not closed on this line";
    for column in columns.iter_mut() {
        column.push_absent();
    }
    cursor.at += 1;
    cursor.skip_blanks();
    let mut open = cursor.peek() != Some(b'}');
    while open {
        cursor.skip_blanks();
        let at = cursor.at;
        if cursor.is_line_end() {
            return Err(cursor.error(opened, not_closed));
        }
        let text = cursor.until(b" \t,}");
        let index: usize = text.parse().map_err(|_| cursor.error(at, format!("{} is not the index of an attribute", shown(text))))?;
        let Some(column) = columns.get_mut(index) else {
            let reason = format!("index {index} is out of range, there are {} and the first is 0", counted(set_by.len(), "attribute"));
            return Err(cursor.error(at, reason));
        };
        if set_by[index] == row {
            return Err(cursor.error(at, format!("index {index} is given twice in this row")));
        }
        set_by[index] = row;
        cursor.skip_blanks();
        let at = cursor.at;
        if matches!(cursor.peek(), Some(b',' | b'}')) {
            return Err(cursor.error(at, format!("index {index} has no value")));
        }
        let value = value(cursor, b",}")?;
        column.replace_last(value).map_err(|reason| cursor.error(at, reason))?;
        cursor.skip_blanks();
        match cursor.peek() {
            Some(b',') => cursor.at += 1,
            Some(b'}') => open = false,
            None | Some(b'\n' | b'\r') => return Err(cursor.error(opened, not_closed)),
            Some(_) => return Err(cursor.error(cursor.at, "text after the closing quote")),
        }
    }
    cursor.at += 1;
    cursor.skip_blanks();
    if cursor.peek() == Some(b',') {
        cursor.at += 1;
        cursor.skip_blanks();
        weight(cursor);
    }
    if cursor.is_line_end() { Ok(()) } else { Err(cursor.error(cursor.at, "text after the closing brace")) }
}

/// A column that is being read.
#[derive(Debug)]
struct Column<'a> {
    name: String,
    values: Growing<'a>,
}

#[derive(Debug)]
enum Growing<'a> {
    Numeric(Vec<f64>),
    Date(Vec<f64>, Format),
    Nominal(Vec<u32>, Interner<'a>),
    Text(Vec<u32>, Interner<'a>),
}

impl<'a> Column<'a> {
    fn new(attribute: Attribute<'a>) -> Self {
        Self {
            name: attribute.name,
            values: match attribute.domain {
                Domain::Numeric => Growing::Numeric(Vec::new()),
                Domain::Text => Growing::Text(Vec::new(), Interner::default()),
                Domain::Date(format) => Growing::Date(Vec::new(), format),
                Domain::Nominal(levels) => Growing::Nominal(Vec::new(), levels),
            },
        }
    }

    #[inline]
    fn push(&mut self, value: Option<Cow<'a, str>>) -> Result<(), String> {
        match (&mut self.values, value) {
            (Growing::Numeric(values) | Growing::Date(values, _), None) => values.push(f64::NAN),
            (Growing::Nominal(codes, _) | Growing::Text(codes, _), None) => codes.push(MISSING),
            (Growing::Numeric(values), Some(value)) => match number::parse(&value) {
                Some(number) => values.push(number),
                None => {
                    return Err(format!("value {} of {} is not a number", shown(&value), shown(&self.name)));
                }
            },
            (Growing::Text(codes, levels), Some(value)) => codes.push(levels.intern(value).0),
            (Growing::Nominal(codes, levels), Some(value)) => match levels.find(&value) {
                Some(code) => codes.push(code),
                None => {
                    return Err(format!(
                        "value {} is not one of the {} of {}",
                        shown(&value),
                        counted(levels.len(), "declared value"),
                        shown(&self.name)
                    ));
                }
            },
            (Growing::Date(values, format), Some(value)) => match format.read(&value) {
                Some(date) => values.push(date),
                None => {
                    return Err(format!("value {} of {} is not a date in the declared form", shown(&value), shown(&self.name)));
                }
            },
        }
        Ok(())
    }

    /// What a sparse row means by not naming the column.
    fn push_absent(&mut self) {
        match &mut self.values {
            Growing::Numeric(values) | Growing::Date(values, _) => values.push(0.0),
            Growing::Nominal(codes, levels) => {
                codes.push(if levels.len() == 0 { MISSING } else { 0 });
            }
            Growing::Text(codes, _) => codes.push(MISSING),
        }
    }

    fn replace_last(&mut self, value: Option<Cow<'a, str>>) -> Result<(), String> {
        match &mut self.values {
            Growing::Numeric(values) | Growing::Date(values, _) => {
                values.pop();
            }
            Growing::Nominal(codes, _) | Growing::Text(codes, _) => {
                codes.pop();
            }
        }
        self.push(value)
    }

    fn finish(self) -> Feature {
        Feature {
            name: self.name,
            values: match self.values {
                Growing::Numeric(values) => Values::Numeric(values),
                Growing::Date(values, _) => Values::Date(values),
                Growing::Nominal(codes, levels) => Values::Nominal { codes, levels: levels.into_levels() },
                Growing::Text(codes, levels) => Values::Text { codes, levels: levels.into_levels() },
            },
        }
    }
}
