//! A table on its way from one process of this program to another, column by column.
//!
//! The number of rows and of columns, in 8 bytes each; then each column: its name, kind and levels as JSON, after their length in 8
//! bytes, and its values as they are in memory (little-endian): 8 bytes for a number or a date, 4 bytes for the code of another.

use std::io::{self, Read, Write};

use labboard_openml::table::{Feature, Kind, MISSING, Values};
use serde::{Deserialize, Serialize};

/// Values that are converted at a time.
const PIECE: usize = 1 << 14;

#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    kind: String,
    levels: Vec<String>,
}

/// # Errors
/// What the system says.
pub fn write_size(out: &mut impl Write, rows: usize, columns: usize) -> io::Result<()> {
    out.write_all(&(rows as u64).to_le_bytes())?;
    out.write_all(&(columns as u64).to_le_bytes())
}

/// # Errors
/// What the system says.
pub fn write(out: &mut impl Write, feature: &Feature) -> io::Result<()> {
    let levels = match &feature.values {
        Values::Numeric(_) | Values::Date(_) => Vec::new(),
        Values::Nominal { levels, .. } | Values::Text { levels, .. } => levels.clone(),
    };
    let head = Head { name: feature.name.clone(), kind: feature.values.kind().name().to_owned(), levels };
    let head = serde_json::to_vec(&head)?;
    out.write_all(&(head.len() as u64).to_le_bytes())?;
    out.write_all(&head)?;
    match &feature.values {
        Values::Numeric(values) | Values::Date(values) => write_all(out, values, |value| value.to_le_bytes()),
        Values::Nominal { codes, .. } | Values::Text { codes, .. } => write_all(out, codes, |code| code.to_le_bytes()),
    }
}

fn write_all<T: Copy, const N: usize>(out: &mut impl Write, values: &[T], bytes: impl Fn(T) -> [u8; N]) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(PIECE * N);
    for piece in values.chunks(PIECE) {
        buffer.clear();
        buffer.extend(piece.iter().flat_map(|value| bytes(*value)));
        out.write_all(&buffer)?;
    }
    Ok(())
}

/// Hands out the features one by one, until one is refused.
///
/// # Errors
/// What does not fit together, or why a feature was refused.
pub fn read<E: From<String>>(input: &mut impl Read, mut each: impl FnMut(Feature) -> Result<(), E>) -> Result<(), E> {
    let rows = number(input)?;
    for _ in 0..number(input)? {
        let length = number(input)?;
        let mut head = Vec::new();
        let got = input.take(length as u64).read_to_end(&mut head).map_err(|error| error.to_string())?;
        if got < length {
            return Err(format!("{got} bytes instead of {length}").into());
        }
        let Head { name, kind, levels } = serde_json::from_slice(&head).map_err(|error| error.to_string())?;
        let values = match kind.parse::<Kind>().map_err(|error| error.to_string())? {
            Kind::Numeric => Values::Numeric(numbers(input, rows)?),
            Kind::Date => Values::Date(numbers(input, rows)?),
            Kind::Nominal => Values::Nominal { codes: codes(input, rows, &levels)?, levels },
            Kind::Text => Values::Text { codes: codes(input, rows, &levels)?, levels },
        };
        each(Feature { name, values })?;
    }
    match input.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err("there are bytes too many".to_owned().into()),
        Err(error) => Err(error.to_string().into()),
    }
}

fn number(input: &mut impl Read) -> Result<usize, String> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes).map_err(|error| error.to_string())?;
    usize::try_from(u64::from_le_bytes(bytes)).map_err(|error| error.to_string())
}

/// So many values of `N` bytes; memory grows with what is there, not with what is announced.
fn values<T, const N: usize>(input: &mut impl Read, rows: usize, value: impl Fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    let (mut out, mut buffer) = (Vec::new(), vec![0; PIECE * N]);
    while out.len() < rows {
        let piece = &mut buffer[..PIECE.min(rows - out.len()) * N];
        input.read_exact(piece).map_err(|error| error.to_string())?;
        let (pieces, _) = piece.as_chunks::<N>();
        out.extend(pieces.iter().map(|bytes| value(*bytes)));
    }
    Ok(out)
}

fn numbers(input: &mut impl Read, rows: usize) -> Result<Vec<f64>, String> {
    values(input, rows, f64::from_le_bytes)
}

fn codes(input: &mut impl Read, rows: usize, levels: &[String]) -> Result<Vec<u32>, String> {
    let codes = values(input, rows, u32::from_le_bytes)?;
    match codes.iter().find(|code| **code != MISSING && **code as usize >= levels.len()) {
        Some(code) => Err(format!("the code {code} for {} levels", levels.len())),
        None => Ok(codes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Vec<Feature> {
        let levels = || vec!["a".to_owned(), "“b”\n".to_owned()];
        let feature = |name: &str, values| Feature { name: name.to_owned(), values };
        vec![
            feature("number", Values::Numeric(vec![1.5, -0.0, f64::INFINITY])),
            feature("day", Values::Date(vec![0.0, 1e12, -1.0])),
            feature("class", Values::Nominal { codes: vec![1, MISSING, 0], levels: levels() }),
            feature("text", Values::Text { codes: vec![0, 1, MISSING], levels: levels() }),
        ]
    }

    fn written(features: &[Feature]) -> Vec<u8> {
        let mut out = Vec::new();
        write_size(&mut out, features.first().map_or(0, |feature| feature.values.len()), features.len()).expect("written");
        features.iter().for_each(|feature| write(&mut out, feature).expect("written"));
        out
    }

    fn read_all(mut bytes: &[u8]) -> Result<Vec<Feature>, String> {
        let mut features = Vec::new();
        read(&mut bytes, |feature| {
            features.push(feature);
            Ok::<_, String>(())
        })?;
        Ok(features)
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let long = vec![Feature { name: "long".to_owned(), values: Values::Numeric((0..40_000).map(f64::from).collect()) }];
        for features in [features(), vec![], long] {
            assert_eq!(read_all(&written(&features)), Ok(features));
        }
    }

    #[test]
    fn what_is_cut_or_does_not_fit_is_an_error() {
        let bytes = written(&features());
        for length in 0..bytes.len() {
            assert!(read_all(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(read_all(&[bytes.as_slice(), b"x"].concat()).is_err());
        let mut forged = bytes.clone();
        let last = forged.len() - 4;
        forged[last..].copy_from_slice(&7_u32.to_le_bytes());
        assert_eq!(read_all(&forged), Err("the code 7 for 2 levels".to_owned()));
        let refused = read(&mut bytes.as_slice(), |_| Err("no".to_owned()));
        assert_eq!(refused, Err("no".to_owned()));
    }
}
