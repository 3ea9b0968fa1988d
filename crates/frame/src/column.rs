//! A borrowed column: one feature of a table, wherever its values live.

use labboard_openml::table::{Feature, Kind, MISSING, Values};

/// The values of one feature, one per row.
///
/// Missing is `NaN` in numbers and [`MISSING`] in codes. A code without a level counts as missing too, so that a damaged
/// column cannot make a reader panic.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Numbers; infinities are values, `NaN` is missing.
    Numeric(&'a [f64]),
    /// Milliseconds since 1970-01-01 UTC.
    Date(&'a [f64]),
    /// Declared levels in declared order; not every level needs to be used.
    Nominal { codes: &'a [u32], levels: &'a [String] },
    /// Distinct strings in order of first appearance.
    Text { codes: &'a [u32], levels: &'a [String] },
}

impl<'a> Column<'a> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numeric(values) | Self::Date(values) => values.len(),
            Self::Nominal { codes, .. } | Self::Text { codes, .. } => codes.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Numeric(_) => Kind::Numeric,
            Self::Date(_) => Kind::Date,
            Self::Nominal { .. } => Kind::Nominal,
            Self::Text { .. } => Kind::Text,
        }
    }

    /// Number of rows without a value.
    #[must_use]
    pub fn missing(&self) -> usize {
        match self {
            Self::Numeric(values) | Self::Date(values) => values.iter().filter(|v| v.is_nan()).count(),
            Self::Nominal { codes, levels } | Self::Text { codes, levels } => {
                let known = levels.len();
                codes.iter().filter(|&&code| code as usize >= known).count()
            }
        }
    }

    /// Whether `row` has no value. A row beyond the end has none.
    #[must_use]
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numeric(_) | Self::Date(_) => self.number(row).is_none(),
            Self::Nominal { .. } | Self::Text { .. } => self.level(row).is_none(),
        }
    }

    /// The numbers, if this is a numeric or a date column.
    #[must_use]
    pub fn numbers(&self) -> Option<&'a [f64]> {
        match *self {
            Self::Numeric(values) | Self::Date(values) => Some(values),
            Self::Nominal { .. } | Self::Text { .. } => None,
        }
    }

    /// The codes and their levels, if this is a nominal or a text column.
    #[must_use]
    pub fn categories(&self) -> Option<(&'a [u32], &'a [String])> {
        match *self {
            Self::Nominal { codes, levels } | Self::Text { codes, levels } => Some((codes, levels)),
            Self::Numeric(_) | Self::Date(_) => None,
        }
    }

    /// The number at `row`, if there is one.
    #[must_use]
    pub fn number(&self, row: usize) -> Option<f64> {
        self.numbers()?.get(row).copied().filter(|v| !v.is_nan())
    }

    /// The level at `row`, if there is one.
    #[must_use]
    pub fn level(&self, row: usize) -> Option<&'a str> {
        let (codes, levels) = self.categories()?;
        levels.get(*codes.get(row)? as usize).map(String::as_str)
    }

    /// Where `row` stands on an axis: the number itself, the code of a category, `NaN` if missing.
    #[must_use]
    pub fn numeric_value(&self, row: usize) -> f64 {
        match self {
            Self::Numeric(values) | Self::Date(values) => values.get(row).copied().unwrap_or(f64::NAN),
            Self::Nominal { codes, levels } | Self::Text { codes, levels } => match codes.get(row) {
                Some(&code) if (code as usize) < levels.len() => f64::from(code),
                _ => f64::NAN,
            },
        }
    }

    /// [`numeric_value`](Self::numeric_value) of every row.
    pub fn numeric_values(self) -> impl Iterator<Item = f64> + 'a {
        (0..self.len()).map(move |row| self.numeric_value(row))
    }

    /// The codes, with those that have no level mapped to [`MISSING`].
    pub(crate) fn clean_codes(self) -> Option<impl Iterator<Item = u32> + 'a> {
        let (codes, levels) = self.categories()?;
        let known = levels.len();
        Some(codes.iter().map(move |&code| if (code as usize) < known { code } else { MISSING }))
    }
}

impl<'a> From<&'a Values> for Column<'a> {
    fn from(values: &'a Values) -> Self {
        match values {
            Values::Numeric(values) => Self::Numeric(values),
            Values::Date(values) => Self::Date(values),
            Values::Nominal { codes, levels } => Self::Nominal { codes, levels },
            Values::Text { codes, levels } => Self::Text { codes, levels },
        }
    }
}

impl<'a> From<&'a Feature> for Column<'a> {
    fn from(feature: &'a Feature) -> Self {
        Self::from(&feature.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_is_nan_or_a_code_without_a_level() {
        let numbers = [1.0, f64::NAN, f64::INFINITY];
        let column = Column::Numeric(&numbers);
        assert_eq!((column.len(), column.missing()), (3, 1));
        assert!(column.is_missing(1) && !column.is_missing(2) && column.is_missing(9));

        let levels = ["a".to_owned(), "b".to_owned()];
        let column = Column::Nominal { codes: &[0, 1, MISSING, 7], levels: &levels };
        assert_eq!(column.missing(), 2);
        assert_eq!(column.level(1), Some("b"));
        assert_eq!(column.level(3), None);
        let positions: Vec<f64> = column.numeric_values().collect();
        assert_eq!(positions[..2], [0.0, 1.0]);
        assert!(positions[2].is_nan() && positions[3].is_nan());
    }
}
