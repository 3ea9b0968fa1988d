//! A table: columns of one of OpenML's four data types.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The code of a missing category. No column has that many levels.
pub const MISSING: u32 = u32::MAX;

/// A dataset's content. All columns have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub name: String,
    /// Free text; may have several lines.
    pub description: String,
    pub features: Vec<Feature>,
}

impl Table {
    /// The number of rows, 0 without columns.
    pub fn rows(&self) -> usize {
        self.features.first().map_or(0, |feature| feature.values.len())
    }

    /// The first feature of that name.
    pub fn feature(&self, name: &str) -> Option<&Feature> {
        self.features.iter().find(|feature| feature.name == name)
    }
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    pub name: String,
    pub values: Values,
}

/// The values of a column, one per row.
///
/// A missing value is a sentinel (NaN or [`MISSING`]): OpenML's formats know no NaN that is not "missing". Two columns are
/// equal when they miss the same values and agree on the others.
#[derive(Clone, Debug)]
pub enum Values {
    /// NaN = missing.
    Numeric(Vec<f64>),
    /// Milliseconds since 1970-01-01 UTC; NaN = missing.
    Date(Vec<f64>),
    /// Indices into the declared levels, which are distinct and in declared order.
    Nominal { codes: Vec<u32>, levels: Vec<String> },
    /// Indices into the distinct strings, in order of first appearance.
    Text { codes: Vec<u32>, levels: Vec<String> },
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::Numeric(values) | Self::Date(values) => values.len(),
            Self::Nominal { codes, .. } | Self::Text { codes, .. } => codes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Numeric(_) => Kind::Numeric,
            Self::Date(_) => Kind::Date,
            Self::Nominal { .. } => Kind::Nominal,
            Self::Text { .. } => Kind::Text,
        }
    }

    /// How many rows have no value.
    pub fn missing(&self) -> usize {
        match self {
            Self::Numeric(values) | Self::Date(values) => values.iter().filter(|value| value.is_nan()).count(),
            Self::Nominal { codes, .. } | Self::Text { codes, .. } => codes.iter().filter(|&&code| code == MISSING).count(),
        }
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        fn same(a: &[f64], b: &[f64]) -> bool {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
        }
        match (self, other) {
            (Self::Numeric(a), Self::Numeric(b)) | (Self::Date(a), Self::Date(b)) => same(a, b),
            (Self::Nominal { codes, levels }, Self::Nominal { codes: other_codes, levels: other_levels })
            | (Self::Text { codes, levels }, Self::Text { codes: other_codes, levels: other_levels }) => {
                codes == other_codes && levels == other_levels
            }
            _ => false,
        }
    }
}

/// A feature's data type, by OpenML's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "numeric")]
    Numeric,
    #[serde(rename = "nominal")]
    Nominal,
    #[serde(rename = "string")]
    Text,
    #[serde(rename = "date")]
    Date,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Numeric, Self::Nominal, Self::Text, Self::Date];

    /// OpenML's name of the data type: `numeric`, `nominal`, `string` or `date`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Nominal => "nominal",
            Self::Text => "string",
            Self::Date => "date",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names none of OpenML's data types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown data type \"{0}\", expected numeric, nominal, string or date")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_equal_to_each_other() {
        let column = Values::Numeric(vec![1.0, f64::NAN]);
        assert_eq!(column, column.clone());
        assert_ne!(column, Values::Numeric(vec![1.0, 2.0]));
        assert_ne!(column, Values::Date(vec![1.0, f64::NAN]));
        assert_eq!(column.missing(), 1);
    }

    #[test]
    fn kinds_have_openml_names() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("Numeric".parse::<Kind>().is_err());
    }
}
