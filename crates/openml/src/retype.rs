//! A column read as another data type: what a description or a person knows better than the file.

use std::borrow::Cow;

use crate::date::{self, Precision};
use crate::error::shown;
use crate::interner::Interner;
use crate::number;
use crate::table::{Kind, MISSING, Values};

/// A value does not fit the wanted type. Rows count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value} in data row {} is {reason}", row + 1)]
pub struct RetypeError {
    pub row: usize,
    /// The value, quoted and shortened.
    pub value: String,
    pub reason: &'static str,
}

/// A column of codes, whatever it was before.
struct Coded {
    codes: Vec<u32>,
    levels: Vec<String>,
}

impl Coded {
    fn of(values: Values) -> Self {
        let written = |values: Vec<f64>, write: &dyn Fn(f64, &mut String)| {
            let mut interner = Interner::default();
            let code = |value: f64| {
                if value.is_nan() {
                    return MISSING;
                }
                let mut text = String::new();
                write(value, &mut text);
                interner.intern(Cow::Owned(text)).0
            };
            let codes = values.into_iter().map(code).collect();
            Self { codes, levels: interner.into_levels() }
        };
        match values {
            Values::Nominal { codes, levels } | Values::Text { codes, levels } => Self { codes, levels },
            Values::Numeric(values) => written(values, &number::write),
            Values::Date(values) => {
                let precision = Precision::of(&values);
                written(values, &|value, out| date::write_iso(value, precision, out))
            }
        }
    }

    fn refused(&self, level: usize, reason: &'static str) -> RetypeError {
        let row = self.codes.iter().position(|&code| code as usize == level).unwrap_or(0);
        RetypeError { row, value: shown(&self.levels[level]), reason }
    }

    /// Levels that no row has do not count: they may be anything.
    fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.levels.len()];
        for &code in self.codes.iter().filter(|&&code| code != MISSING) {
            used[code as usize] = true;
        }
        used
    }

    fn numbers(&self, read: impl Fn(&str) -> Option<f64>, reason: &'static str) -> Result<Vec<f64>, RetypeError> {
        let used = self.used();
        let of_level = |(at, level): (usize, &String)| match read(level.trim()) {
            Some(value) => Ok(value),
            None if used[at] => Err(self.refused(at, reason)),
            None => Ok(f64::NAN),
        };
        let numbers = self.levels.iter().enumerate().map(of_level).collect::<Result<Vec<_>, _>>()?;
        Ok(self.codes.iter().map(|&code| numbers.get(code as usize).copied().unwrap_or(f64::NAN)).collect())
    }

    /// The same rows over other levels.
    fn over(self, declared: &[String]) -> Result<Values, RetypeError> {
        let mut interner = Interner::default();
        for level in declared {
            interner.intern(Cow::Borrowed(level));
        }
        let used = self.used();
        let place = |(at, level): (usize, &String)| match interner.find(level) {
            Some(code) => Ok(code),
            None if used[at] => Err(self.refused(at, "none of the declared values")),
            None => Ok(MISSING),
        };
        let places = self.levels.iter().enumerate().map(place).collect::<Result<Vec<_>, _>>()?;
        let codes = self.codes.iter().map(|&code| places.get(code as usize).copied().unwrap_or(MISSING)).collect();
        Ok(Values::Nominal { codes, levels: interner.into_levels() })
    }
}

impl Values {
    /// A nominal column with its levels in order: by number if all are numbers, else by text. Codes that are no level are missing.
    pub fn nominal(mut codes: Vec<u32>, levels: Vec<String>) -> Self {
        let numbers: Option<Vec<f64>> = levels.iter().map(|level| number::parse(level).filter(|number| !number.is_nan())).collect();
        let mut order: Vec<usize> = (0..levels.len()).collect();
        match numbers {
            Some(numbers) => order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]).then_with(|| levels[a].cmp(&levels[b]))),
            None => order.sort_by(|&a, &b| levels[a].cmp(&levels[b])),
        }
        let mut place = vec![MISSING; levels.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new as u32;
        }
        for code in &mut codes {
            *code = place.get(*code as usize).copied().unwrap_or(MISSING);
        }
        let mut levels: Vec<Option<String>> = levels.into_iter().map(Some).collect();
        let levels = order.iter().filter_map(|&old| levels[old].take()).collect();
        Values::Nominal { codes, levels }
    }

    /// The column as another data type; missing values stay missing.
    ///
    /// `levels` are the values of a nominal column in their order; without them those that occur, sorted.
    ///
    /// # Errors
    /// The first value that is none of the type: no number, no date (ISO 8601), none of `levels`.
    pub fn retyped(self, kind: Kind, levels: Option<&[String]>) -> Result<Self, RetypeError> {
        match (kind, levels) {
            (Kind::Nominal, Some(levels)) => Coded::of(self).over(levels),
            (kind, _) if self.kind() == kind => Ok(self),
            (Kind::Nominal, None) => {
                let Coded { codes, levels } = Coded::of(self);
                Ok(Self::nominal(codes, levels))
            }
            (Kind::Text, _) => {
                let Coded { codes, levels } = Coded::of(self);
                let mut interner = Interner::default();
                // Text has no levels but those that occur, in the order in which they do.
                let codes = codes
                    .into_iter()
                    .map(|code| levels.get(code as usize).map_or(MISSING, |level| interner.intern(Cow::Borrowed(level)).0))
                    .collect();
                Ok(Self::Text { codes, levels: interner.into_levels() })
            }
            (Kind::Numeric, _) => Coded::of(self).numbers(number::parse, "no number").map(Self::Numeric),
            (Kind::Date, _) => Coded::of(self).numbers(date::parse_iso, "no date such as 2026-01-31").map(Self::Date),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nominal(codes: &[u32], levels: &[&str]) -> Values {
        Values::Nominal { codes: codes.to_vec(), levels: levels.iter().map(|level| (*level).to_owned()).collect() }
    }

    #[test]
    fn numbers_become_categories_in_their_order() {
        let column = Values::Numeric(vec![10.0, 9.0, f64::NAN, 10.0]);
        assert_eq!(column.clone().retyped(Kind::Nominal, None), Ok(nominal(&[1, 0, MISSING, 1], &["9", "10"])));
        let declared = ["10".to_owned(), "8".to_owned(), "9".to_owned()];
        assert_eq!(column.retyped(Kind::Nominal, Some(&declared)), Ok(nominal(&[0, 2, MISSING, 0], &["10", "8", "9"])));
    }

    #[test]
    fn the_value_that_does_not_fit_is_named() {
        let column = nominal(&[0, 1, 1], &["1", "one"]);
        let error = column.clone().retyped(Kind::Numeric, None).expect_err("no number").to_string();
        assert_eq!(error, "\"one\" in data row 2 is no number");
        let error = column.retyped(Kind::Nominal, Some(&["1".to_owned()])).expect_err("undeclared").to_string();
        assert_eq!(error, "\"one\" in data row 2 is none of the declared values");
    }

    #[test]
    fn levels_without_rows_refuse_nothing() {
        let column = nominal(&[0, 0], &["1", "one"]);
        assert_eq!(column.retyped(Kind::Numeric, None), Ok(Values::Numeric(vec![1.0, 1.0])));
    }

    #[test]
    fn dates_are_read_and_written() {
        let column = nominal(&[0, MISSING], &["1970-01-02"]);
        let dates = column.retyped(Kind::Date, None).expect("a date");
        assert_eq!(dates, Values::Date(vec![86_400_000.0, f64::NAN]));
        let text = Values::Text { codes: vec![0, MISSING], levels: vec!["1970-01-02".to_owned()] };
        assert_eq!(dates.retyped(Kind::Text, None), Ok(text));
    }

    proptest! {
        #[test]
        fn numbers_survive_being_text(values in proptest::collection::vec(prop_oneof![any::<f64>(), Just(f64::NAN), (-9i32..9).prop_map(f64::from)], 0..40)) {
            let column = Values::Numeric(values);
            for kind in [Kind::Text, Kind::Nominal] {
                let there = column.clone().retyped(kind, None).expect("anything is text");
                prop_assert_eq!(there.kind(), kind);
                prop_assert_eq!(&there.retyped(Kind::Numeric, None).expect("numbers"), &column);
            }
        }
    }
}
