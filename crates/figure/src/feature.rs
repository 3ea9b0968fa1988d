//! Columns as the charts take them: plain slices.

use crate::axis::{Axis, AxisKind};
use crate::drawing::{Cell, ColumnHead};
use crate::text;

/// A column's values. Missing is NaN, or a code without a level.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    Numeric(&'a [f64]),
    /// Milliseconds since 1970-01-01 UTC.
    Date(&'a [f64]),
    /// Nominal features and strings: an index into the levels for each row.
    Category {
        codes: &'a [u32],
        levels: &'a [String],
    },
}

/// A named column.
#[derive(Clone, Copy, Debug)]
pub struct Feature<'a> {
    pub name: &'a str,
    pub values: Values<'a>,
}

impl<'a> Feature<'a> {
    pub fn new(name: &'a str, values: Values<'a>) -> Self {
        Self { name, values }
    }

    pub fn len(&self) -> usize {
        match self.values {
            Values::Numeric(v) | Values::Date(v) => v.len(),
            Values::Category { codes, .. } => codes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value as a number (a level's index), NaN where missing.
    pub(crate) fn value(&self, row: usize) -> f64 {
        match self.values {
            Values::Numeric(v) | Values::Date(v) => v.get(row).copied().unwrap_or(f64::NAN),
            Values::Category { codes, levels } => match codes.get(row) {
                Some(&code) if (code as usize) < levels.len() => f64::from(code),
                _ => f64::NAN,
            },
        }
    }

    pub(crate) fn cell(&self, row: usize) -> Cell {
        match self.values {
            Values::Numeric(_) => Cell::number(self.value(row)),
            Values::Date(_) => Cell::date(self.value(row)),
            Values::Category { .. } => self.level(row).map_or(Cell::Missing, Cell::from),
        }
    }

    pub(crate) fn level(&self, row: usize) -> Option<&'a str> {
        match self.values {
            Values::Category { codes, levels } => codes.get(row).and_then(|&code| levels.get(code as usize)).map(String::as_str),
            _ => None,
        }
    }

    pub(crate) fn levels(&self) -> Option<&'a [String]> {
        match self.values {
            Values::Category { levels, .. } => Some(levels),
            _ => None,
        }
    }

    pub(crate) fn is_numeric(&self) -> bool {
        matches!(self.values, Values::Numeric(_))
    }

    pub(crate) fn head(&self) -> ColumnHead {
        ColumnHead { name: self.name.to_owned(), numeric: self.is_numeric() }
    }

    /// The name as one reads it in a sentence.
    pub(crate) fn quoted(&self) -> String {
        text::quoted(self.name)
    }

    pub(crate) fn axis_kind(&self, log: bool) -> AxisKind {
        match self.values {
            Values::Numeric(_) if log => AxisKind::Log,
            Values::Numeric(_) => AxisKind::Linear,
            Values::Date(_) => AxisKind::Date,
            Values::Category { .. } => AxisKind::Category,
        }
    }

    /// The axis around these coordinates (in axis units).
    pub(crate) fn axis(&self, log: bool, coordinates: impl IntoIterator<Item = f64>) -> Axis {
        match self.values {
            Values::Category { levels, .. } => Axis::category(self.name, levels),
            _ => Axis::around(self.name, self.axis_kind(log), coordinates),
        }
    }
}
