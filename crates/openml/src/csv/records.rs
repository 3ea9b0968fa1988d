//! Records and fields, without their meaning.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::{ParseError, counted, shown};
use crate::limits::Limits;

/// How many records decide about the delimiter.
const SNIFFED_RECORDS: usize = 50;

/// One field of a record.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    /// Where it starts, in bytes.
    pub(super) at: usize,
    pub(super) value: Cow<'a, str>,
    pub(super) quoted: bool,
}

/// Reads records one after the other.
#[derive(Clone, Debug)]
pub(super) struct Records<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Nothing but blank lines follows from here.
    end: usize,
    delimiter: u8,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str, at: usize, delimiter: u8) -> Self {
        let blank = |character: char| matches!(character, ' ' | '\r' | '\n') || (character == '\t' && delimiter != b'\t');
        Self { text, bytes: text.as_bytes(), at, end: text.trim_end_matches(blank).len(), delimiter }
    }

    pub(super) fn error(&self, at: usize, reason: impl Into<String>) -> ParseError {
        ParseError::at(self.bytes, at, reason)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn end_line(&mut self) {
        match self.peek() {
            Some(b'\r') if self.bytes.get(self.at + 1) == Some(&b'\n') => self.at += 2,
            Some(b'\r' | b'\n') => self.at += 1,
            _ => {}
        }
    }

    /// Reads the next record into `fields`; `false` if there is none. A blank line is a record of one empty field.
    pub(super) fn next(&mut self, fields: &mut Vec<Field<'a>>) -> Result<bool, ParseError> {
        fields.clear();
        if self.at >= self.end {
            return Ok(false);
        }
        loop {
            let field = self.field()?;
            fields.push(field);
            match self.peek() {
                Some(byte) if byte == self.delimiter => self.at += 1,
                _ => break,
            }
        }
        self.end_line();
        Ok(true)
    }

    #[inline]
    fn field(&mut self) -> Result<Field<'a>, ParseError> {
        let at = self.at;
        if self.peek() == Some(b'"') {
            return self.quoted();
        }
        while let Some(byte) = self.peek() {
            if byte == self.delimiter || byte == b'\n' || byte == b'\r' {
                break;
            }
            if byte == b'"' {
                return Err(self.error(self.at, "a quote inside an unquoted value (put the whole value in quotes and double this one)"));
            }
            self.at += 1;
        }
        let value = self.text[at..self.at].trim_matches([' ', '\t']);
        Ok(Field { at, value: Cow::Borrowed(value), quoted: false })
    }

    fn quoted(&mut self) -> Result<Field<'a>, ParseError> {
        let opened = self.at;
        let mut doubled = false;
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.error(opened, "the quote opened here is never closed")),
                Some(b'"') if self.bytes.get(self.at + 1) == Some(&b'"') => {
                    doubled = true;
                    self.at += 2;
                }
                Some(b'"') => break,
                Some(_) => self.at += 1,
            }
        }
        let inside = &self.text[start..self.at];
        self.at += 1;
        match self.peek() {
            None | Some(b'\n' | b'\r') => {}
            Some(byte) if byte == self.delimiter => {}
            Some(_) => return Err(self.error(self.at, "text after the closing quote")),
        }
        let value = if doubled { Cow::Owned(inside.replace("\"\"", "\"")) } else { Cow::Borrowed(inside) };
        Ok(Field { at: opened, value, quoted: true })
    }

    /// The next record, which must have as many fields as there are columns.
    pub(super) fn row(&mut self, fields: &mut Vec<Field<'a>>, columns: usize) -> Result<bool, ParseError> {
        if !self.next(fields)? {
            return Ok(false);
        }
        if fields.len() == columns {
            return Ok(true);
        }
        let first = fields.first().map_or(self.at, |field| field.at);
        let blank = fields.len() == 1 && fields[0].value.is_empty() && !fields[0].quoted;
        if blank {
            return Err(self.error(first, format!("a blank line, expected {columns} values")));
        }
        let at = fields.get(columns).map_or(first, |surplus| surplus.at);
        let reason = format!("row has {}, expected {columns}", counted(fields.len(), "value"));
        Err(self.error(at, reason))
    }
}

/// What a first column without a name is called.
const INDEX: &str = "index";

/// The names of the columns.
pub(super) fn header(records: &mut Records<'_>, limits: &Limits) -> Result<Vec<String>, ParseError> {
    let start = records.at;
    let mut fields = Vec::new();
    if !records.next(&mut fields)? {
        return Err(records.error(start, "the file is empty, expected a row of column names"));
    }
    if fields.len() > limits.columns {
        let reason = format!("there are more than {} columns, the limit", limits.columns);
        return Err(records.error(start, reason));
    }
    // Data frames are written with their index in front, which has no name.
    if let [first, _, ..] = &mut fields[..]
        && first.value.is_empty()
    {
        first.value = INDEX.into();
    }
    let mut seen = HashSet::new();
    for (at, field) in fields.iter().enumerate() {
        if field.value.is_empty() {
            return Err(records.error(field.at, format!("column {} has no name", at + 1)));
        }
        if !seen.insert(field.value.as_ref()) {
            let reason = format!("column name {} comes twice", shown(&field.value));
            return Err(records.error(field.at, reason));
        }
    }
    Ok(fields.into_iter().map(|field| field.value.into_owned()).collect())
}

/// The delimiter that splits the first records into the most fields, always as many; else the one the header has most of.
pub(super) fn sniff(text: &str, start: usize) -> u8 {
    let mut best = (false, 1, b',');
    for delimiter in [b',', b';', b'\t'] {
        let mut records = Records::new(text, start, delimiter);
        let mut fields = Vec::new();
        let mut width = 0;
        let mut even = true;
        for record in 0..SNIFFED_RECORDS {
            match records.next(&mut fields) {
                Ok(true) if record == 0 => width = fields.len(),
                Ok(true) => even &= fields.len() == width,
                Ok(false) => break,
                Err(_) => {
                    even = false;
                    break;
                }
            }
        }
        // One column is no evidence for a delimiter.
        let found = (even && width > 1, width, delimiter);
        if (found.0, found.1) > (best.0, best.1) {
            best = found;
        }
    }
    best.2
}
