//! A table on its way from one process of this program to another.
//!
//! A header as JSON, after its length in 8 bytes; then the columns, one after the other, as their numbers are in memory
//! (little-endian): 8 bytes a value for numbers and dates, 4 bytes a code for the others.

use labboard_openml::table::{Feature, Kind, MISSING, Table, Values};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Header {
    rows: usize,
    features: Vec<Head>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    kind: String,
    levels: Vec<String>,
}

/// The features of a table; its name and description are not kept.
pub fn write(table: &Table) -> Vec<u8> {
    let head = |feature: &Feature| {
        let levels = match &feature.values {
            Values::Numeric(_) | Values::Date(_) => Vec::new(),
            Values::Nominal { levels, .. } | Values::Text { levels, .. } => levels.clone(),
        };
        Head { name: feature.name.clone(), kind: feature.values.kind().name().to_owned(), levels }
    };
    let header = Header { rows: table.rows(), features: table.features.iter().map(head).collect() };
    let header = serde_json::to_vec(&header).unwrap_or_default();
    let mut out = Vec::with_capacity(8 + header.len() + table.features.len() * table.rows() * 8);
    out.extend((header.len() as u64).to_le_bytes());
    out.extend(header);
    for feature in &table.features {
        match &feature.values {
            Values::Numeric(values) | Values::Date(values) => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Values::Nominal { codes, .. } | Values::Text { codes, .. } => out.extend(codes.iter().flat_map(|code| code.to_le_bytes())),
        }
    }
    out
}

/// # Errors
/// What does not fit together.
pub fn read(bytes: &[u8]) -> Result<Table, String> {
    let mut rest = bytes;
    let length = usize::from_le_bytes(*array(take(&mut rest, 8)?));
    let header = serde_json::from_slice::<Header>(take(&mut rest, length)?).map_err(|error| error.to_string())?;
    let rows = header.rows;
    let mut column = |width: usize| take(&mut rest, rows.checked_mul(width).ok_or("too many rows")?);
    let mut features = Vec::with_capacity(header.features.len());
    for Head { name, kind, levels } in header.features {
        let kind = kind.parse::<Kind>().map_err(|error| error.to_string())?;
        let values = match kind {
            Kind::Numeric => Values::Numeric(numbers(column(8)?)),
            Kind::Date => Values::Date(numbers(column(8)?)),
            Kind::Nominal => Values::Nominal { codes: codes(column(4)?, &levels)?, levels },
            Kind::Text => Values::Text { codes: codes(column(4)?, &levels)?, levels },
        };
        features.push(Feature { name, values });
    }
    if rest.is_empty() { Ok(Table { features, ..Table::default() }) } else { Err(format!("{} bytes too many", rest.len())) }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, left) = rest.split_at_checked(length).ok_or_else(|| format!("{} bytes instead of {length}", rest.len()))?;
    *rest = left;
    Ok(taken)
}

/// Of a slice that has that length.
fn array<const N: usize>(bytes: &[u8]) -> &[u8; N] {
    bytes.first_chunk().unwrap_or(&[0; N])
}

fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|value| f64::from_le_bytes(*array(value))).collect()
}

fn codes(bytes: &[u8], levels: &[String]) -> Result<Vec<u32>, String> {
    let codes = bytes.chunks_exact(4).map(|code| u32::from_le_bytes(*array(code))).collect::<Vec<_>>();
    match codes.iter().find(|code| **code != MISSING && **code as usize >= levels.len()) {
        Some(code) => Err(format!("the code {code} for {} levels", levels.len())),
        None => Ok(codes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let levels = || vec!["a".to_owned(), "“b”\n".to_owned()];
        let feature = |name: &str, values| Feature { name: name.to_owned(), values };
        let features = vec![
            feature("number", Values::Numeric(vec![1.5, -0.0, f64::INFINITY])),
            feature("day", Values::Date(vec![0.0, 1e12, -1.0])),
            feature("class", Values::Nominal { codes: vec![1, MISSING, 0], levels: levels() }),
            feature("text", Values::Text { codes: vec![0, 1, MISSING], levels: levels() }),
        ];
        Table { features, ..Table::default() }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        for table in [table(), Table::default()] {
            assert_eq!(read(&write(&table)), Ok(table));
        }
    }

    #[test]
    fn what_is_cut_or_does_not_fit_is_an_error() {
        let bytes = write(&table());
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(read(&[bytes.as_slice(), b"x"].concat()).is_err());
        let mut forged = bytes.clone();
        let last = forged.len() - 4;
        forged[last..].copy_from_slice(&7_u32.to_le_bytes());
        assert_eq!(read(&forged), Err("the code 7 for 2 levels".to_owned()));
    }
}
