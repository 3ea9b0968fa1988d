//! What a chart kind hands out: the figure, the same facts as rows, a sentence, where it all comes from, and a first picture.

use crate::array;
use crate::picture::Picture;
use crate::raster::Raster;
use crate::theme::Symbol;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// A chart in all its forms.
///
/// Serialised it is the answer of `GET /api/figures`: `figure`, `raster` (a URL or `null`), `table`, `summary`,
/// `provenance`, `legend`. The picture is for server-rendered HTML and is not part of it.
#[derive(Clone, Debug, Serialize)]
pub struct Drawing {
    /// `{"data": [...], "layout": {...}, "config": {...}}`; every string from data is escaped for Plotly.
    pub figure: Value,
    #[serde(serialize_with = "raster_source")]
    pub raster: Option<Raster>,
    /// The facts as rows, for people who do not see the chart and for CSV. Plain text.
    pub table: Rows,
    /// One sentence. Plain text.
    pub summary: String,
    pub provenance: Provenance,
    /// The classes in the order of their traces; empty where colour says nothing or is a scale.
    pub legend: Vec<LegendEntry>,
    #[serde(skip)]
    pub picture: Picture,
}

/// Why there is nothing to draw, in words for the reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Empty {
    pub reason: String,
}

impl Empty {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// A table: its first rows and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rows {
    pub columns: Vec<ColumnHead>,
    pub rows: Vec<Vec<Cell>>,
    pub total: u64,
}

/// The most rows that a table twin carries.
pub const TABLE_ROWS: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnHead {
    pub name: String,
    pub numeric: bool,
}

/// One value of a table; serialised as `null`, a number or a string.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Missing,
    Number(f64),
    Text(String),
}

impl Cell {
    /// A number, missing where it is not finite.
    pub fn number(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Missing }
    }

    /// A count or an id.
    pub fn count(value: u64) -> Self {
        Self::Number(value as f64)
    }

    /// A date, missing where it is not one.
    pub fn date(ms: f64) -> Self {
        array::date(ms).map_or(Self::Missing, Self::Text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Number(v) if v.fract() == 0.0 && v.abs() < 9e15 => serializer.serialize_i64(*v as i64),
            Self::Number(v) => serializer.serialize_f64(*v),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl Rows {
    /// A table with these columns; a name that begins with `#` is a number's.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let columns = columns
            .iter()
            .map(|name| match name.strip_prefix('#') {
                Some(name) => ColumnHead { name: name.to_owned(), numeric: true },
                None => ColumnHead { name: (*name).to_owned(), numeric: false },
            })
            .collect();
        Self { columns, rows: Vec::new(), total: 0 }
    }

    /// Counts a row and keeps it while there is room.
    pub(crate) fn push(&mut self, row: impl FnOnce() -> Vec<Cell>) {
        self.total += 1;
        if self.rows.len() < TABLE_ROWS {
            self.rows.push(row());
        }
    }
}

/// Where a drawing comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Provenance {
    pub rows_shown: u64,
    pub rows_total: u64,
    pub method: String,
    pub seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
}

/// One class of a legend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LegendEntry {
    pub label: String,
    /// How many marks or rows; `None` where a class is a curve.
    pub count: Option<u64>,
    /// The custom property's name, for example `cat-1`.
    pub colour: String,
    pub symbol: Symbol,
}

impl Drawing {
    /// Says where the raster comes from: its URL or a data URI. Without a raster nothing happens.
    pub fn set_raster_source(&mut self, source: &str) {
        let Some(raster) = &mut self.raster else {
            return;
        };
        raster.source = Some(source.to_owned());
        if let Some(image) = self.figure.pointer_mut("/layout/images/0") {
            image["source"] = json!(source);
        }
        self.picture.set_image_source(source);
    }
}

fn raster_source<S: Serializer>(raster: &Option<Raster>, serializer: S) -> Result<S::Ok, S::Error> {
    raster.as_ref().and_then(|r| r.source.as_deref()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_plain_json() {
        let cells = [Cell::Missing, Cell::number(1.5), Cell::number(f64::NAN), Cell::count(3), Cell::from("a"), Cell::date(0.0)];
        assert_eq!(serde_json::to_string(&cells).unwrap(), r#"[null,1.5,null,3,"a","1970-01-01"]"#);
    }

    #[test]
    fn tables_are_bounded_and_say_so() {
        let mut rows = Rows::new(&["name", "#n"]);
        for i in 0..TABLE_ROWS as u64 + 7 {
            rows.push(|| vec![Cell::from("x"), Cell::count(i)]);
        }
        assert_eq!(rows.rows.len(), TABLE_ROWS);
        assert_eq!(rows.total, TABLE_ROWS as u64 + 7);
        assert_eq!(rows.columns[1], ColumnHead { name: "n".to_owned(), numeric: true });
    }
}
