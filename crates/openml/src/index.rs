//! Columns of whole numbers from 0: row ids, repeats, folds.

use crate::number;
use crate::table::Values;

/// The values as indices, or the first data row (from 1) whose value is none, with that value.
///
/// Old files declare row ids as strings, so the text of a number will do.
pub(crate) fn indices(values: &Values) -> Result<Vec<u32>, (usize, String)> {
    match values {
        Values::Numeric(values) => {
            values.iter().enumerate().map(|(at, &value)| index(value).ok_or_else(|| (at + 1, spelled(value)))).collect()
        }
        Values::Nominal { codes, levels } | Values::Text { codes, levels } => {
            let known: Vec<Option<u32>> = levels.iter().map(|level| number::parse(level.trim()).and_then(index)).collect();
            codes
                .iter()
                .enumerate()
                .map(|(at, &code)| {
                    known.get(code as usize).copied().flatten().ok_or_else(|| {
                        let level = levels.get(code as usize).map_or("?", String::as_str);
                        (at + 1, level.to_owned())
                    })
                })
                .collect()
        }
        Values::Date(values) => match values.first() {
            None => Ok(Vec::new()),
            Some(_) => Err((1, "a date".to_owned())),
        },
    }
}

fn index(value: f64) -> Option<u32> {
    let whole = value.fract() == 0.0 && (0.0..f64::from(u32::MAX)).contains(&value);
    whole.then_some(value as u32)
}

fn spelled(value: f64) -> String {
    if value.is_nan() {
        return "?".to_owned();
    }
    let mut out = String::new();
    number::write(value, &mut out);
    out
}
