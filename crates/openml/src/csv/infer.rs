//! What the columns are, and their values.
//!
//! Two passes over the text: the first checks the structure and finds out the types, the second reads the values. That
//! costs less memory than keeping the fields, and less time than reading a column as one type and then as another.

use std::borrow::Cow;

use crate::date;
use crate::error::{ParseError, shown};
use crate::interner::Interner;
use crate::number;
use crate::table::{Feature, Kind, MISSING, Values};

use super::Options;
use super::records::{Field, Records};

/// No more levels than this, in any case and as a share of the rows.
const FEW_LEVELS: usize = 20;
const MANY_LEVELS: usize = 1000;
const LEVELS_PER_ROW: f64 = 0.05;

pub(super) fn read(records: Records<'_>, header: Vec<String>, options: &Options) -> Result<Vec<Feature>, ParseError> {
    let demanded = demanded(&records, &header, options)?;
    let missing = Missing(&options.missing);
    let (guesses, rows) = guess(records.clone(), &demanded, missing, options)?;
    let mut columns: Vec<Column<'_>> = guesses.iter().map(|guess| guess.column(rows)).collect();
    fill(records, &header, &mut columns, missing)?;
    Ok(header
        .into_iter()
        .zip(columns)
        .zip(demanded)
        .map(|((name, column), demanded)| Feature { name, values: column.finish(demanded, rows) })
        .collect())
}

/// The type of each column that [`Options::kinds`] demands.
fn demanded(records: &Records<'_>, header: &[String], options: &Options) -> Result<Vec<Option<Kind>>, ParseError> {
    let mut demanded = vec![None; header.len()];
    for (name, kind) in &options.kinds {
        match header.iter().position(|column| column == name) {
            Some(at) => demanded[at] = Some(*kind),
            None => return Err(records.error(0, format!("there is no column {}", shown(name)))),
        }
    }
    Ok(demanded)
}

#[derive(Clone, Copy, Debug)]
struct Missing<'o>(&'o [String]);

impl Missing<'_> {
    #[inline]
    fn is_token(self, value: &str) -> bool {
        self.0.iter().any(|token| token == value)
    }

    /// Whether the field of a category is missing: in quotes, only the empty one.
    #[inline]
    fn is_category_missing(self, field: &Field<'_>) -> bool {
        (!field.quoted || field.value.is_empty()) && self.is_token(&field.value)
    }
}

/// What a column can still be.
#[derive(Clone, Copy, Debug)]
struct Guess {
    numeric: bool,
    date: bool,
    /// Whether a value in quotes reads like a missing token: text, if nothing else says that it is not.
    quoted_token: bool,
    seen: bool,
}

impl Guess {
    fn new(demanded: Option<Kind>) -> Self {
        Self {
            numeric: matches!(demanded, None | Some(Kind::Numeric)),
            date: matches!(demanded, None | Some(Kind::Date)),
            quoted_token: false,
            seen: demanded.is_some(),
        }
    }

    #[inline]
    fn see(&mut self, field: &Field<'_>, missing: Missing<'_>) {
        if !self.numeric && !self.date {
            return;
        }
        if missing.is_token(&field.value) {
            self.quoted_token |= field.quoted && !field.value.is_empty();
            return;
        }
        self.seen = true;
        self.numeric = self.numeric && is_number(&field.value);
        self.date = self.date && date::parse_iso(&field.value).is_some();
    }

    fn column<'a>(self, rows: usize) -> Column<'a> {
        let only_tokens = !self.seen && self.quoted_token;
        if self.numeric && !only_tokens {
            Column::Numeric(Vec::with_capacity(rows))
        } else if self.date && !only_tokens {
            Column::Date(Vec::with_capacity(rows))
        } else {
            Column::Category(Vec::with_capacity(rows), Interner::default())
        }
    }
}

/// A decimal number that is not a code: no zeros in front, no integer that a double would change.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    if let [b'0', b'0'..=b'9', ..] = digits {
        return false;
    }
    match number::parse(text) {
        None => false,
        Some(value) if value.is_nan() => false,
        Some(value) => !digits.iter().all(u8::is_ascii_digit) || value.abs() <= number::EXACT_INTEGER as f64,
    }
}

/// The first pass. A demanded type is taken for granted here; the second pass says what contradicts it.
fn guess(
    mut records: Records<'_>,
    demanded: &[Option<Kind>],
    missing: Missing<'_>,
    options: &Options,
) -> Result<(Vec<Guess>, usize), ParseError> {
    let mut guesses: Vec<Guess> = demanded.iter().map(|&kind| Guess::new(kind)).collect();
    let mut fields = Vec::new();
    let mut rows = 0;
    while records.row(&mut fields, demanded.len())? {
        rows += 1;
        if rows * demanded.len() > options.limits.cells {
            let at = fields.first().map_or(0, |field| field.at);
            let reason = format!("the table has more than {} values, the limit", options.limits.cells);
            return Err(records.error(at, reason));
        }
        for ((field, guess), demanded) in fields.iter().zip(&mut guesses).zip(demanded) {
            if demanded.is_none() {
                guess.see(field, missing);
            }
        }
    }
    Ok((guesses, rows))
}

#[derive(Debug)]
enum Column<'a> {
    Numeric(Vec<f64>),
    Date(Vec<f64>),
    Category(Vec<u32>, Interner<'a>),
}

/// The second pass.
fn fill<'a>(mut records: Records<'a>, header: &[String], columns: &mut [Column<'a>], missing: Missing<'_>) -> Result<(), ParseError> {
    let mut fields = Vec::new();
    while records.row(&mut fields, columns.len())? {
        for (at, (field, column)) in fields.iter_mut().zip(columns.iter_mut()).enumerate() {
            let refused = |what: &str| {
                let reason = format!("value {} of {} is not a {what}", shown(&field.value), shown(&header[at]));
                records.error(field.at, reason)
            };
            match column {
                Column::Numeric(values) => values.push(match number::parse(&field.value) {
                    Some(value) => value,
                    None if missing.is_token(&field.value) => f64::NAN,
                    None => return Err(refused("number")),
                }),
                Column::Date(values) => values.push(match date::parse_iso(&field.value) {
                    Some(value) => value,
                    None if missing.is_token(&field.value) => f64::NAN,
                    None => return Err(refused("date such as 2001-12-31")),
                }),
                Column::Category(codes, levels) => {
                    codes.push(if missing.is_category_missing(field) {
                        MISSING
                    } else {
                        levels.intern(std::mem::replace(&mut field.value, Cow::Borrowed(""))).0
                    });
                }
            }
        }
    }
    Ok(())
}

impl Column<'_> {
    fn finish(self, demanded: Option<Kind>, rows: usize) -> Values {
        match self {
            Self::Numeric(values) => Values::Numeric(values),
            Self::Date(values) => Values::Date(values),
            Self::Category(codes, levels) => {
                let levels = levels.into_levels();
                let few = FEW_LEVELS.max((rows as f64 * LEVELS_PER_ROW) as usize).min(MANY_LEVELS);
                let nominal = match demanded {
                    Some(kind) => kind == Kind::Nominal,
                    None => levels.len() <= few,
                };
                if nominal { Values::nominal(codes, levels) } else { Values::Text { codes, levels } }
            }
        }
    }
}
