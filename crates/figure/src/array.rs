//! Arrays of numbers for Plotly: short JSON lists, or typed arrays (little-endian bytes in base64).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Number, Value, json};

/// Above this many points an array travels as bytes.
pub const TYPED_ABOVE: usize = 256;

/// How far a person may zoom into a figure before a mark is off by a tenth of a pixel.
const ZOOM: f64 = 100.0;

/// How exactly the values of an array must arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// Every bit.
    Exact,
    /// Within a tenth of a pixel at 100 × zoom, on a linear axis with that many units a pixel.
    Linear { per_pixel: f64 },
    /// The same on a logarithmic axis, with that many decades a pixel.
    Log { decades_per_pixel: f64 },
}

impl Precision {
    fn allows(self, value: f64, stored: f64) -> bool {
        match self {
            Self::Exact => value == stored,
            Self::Linear { per_pixel } => (value - stored).abs() * ZOOM <= 0.1 * per_pixel,
            Self::Log { decades_per_pixel } => {
                value == stored || (value > 0.0 && stored > 0.0 && (value.log10() - stored.log10()).abs() * ZOOM <= 0.1 * decades_per_pixel)
            }
        }
    }
}

/// Numbers as Plotly takes them. Values that are not finite become `null` and keep the array a list, because Plotly
/// does not clean typed arrays.
pub fn numbers(values: &[f64], precision: Precision) -> Value {
    if values.len() > TYPED_ABOVE && values.iter().all(|v| v.is_finite()) {
        return typed(values, precision);
    }
    Value::Array(values.iter().map(|&v| number(v, precision)).collect())
}

/// Row or run ids, typed above [`TYPED_ABOVE`] where they fit 16 or 32 bits.
pub fn ids(values: &[u64]) -> Value {
    if values.len() > TYPED_ABOVE && values.iter().all(|&v| v <= u64::from(u16::MAX)) {
        return packed("u2", values.iter().flat_map(|&v| (v as u16).to_le_bytes()));
    }
    if values.len() > TYPED_ABOVE
        && let Ok(short) = values.iter().map(|&v| u32::try_from(v)).collect::<Result<Vec<_>, _>>()
    {
        return packed("u4", short.iter().flat_map(|v| v.to_le_bytes()));
    }
    json!(values)
}

/// Dates (ms since 1970-01-01 UTC) as the strings that Plotly reads without the browser's time zone; `null` where missing.
pub fn dates(values: &[f64]) -> Value {
    Value::Array(values.iter().map(|&v| date(v).map_or(Value::Null, Value::String)).collect())
}

/// One date as `2024-01-31 12:00:00.000`, without the parts that are zero; `None` outside the years 1 to 9999.
pub fn date(ms: f64) -> Option<String> {
    const DAY: f64 = 86_400_000.0;
    if !ms.is_finite() || !(-62_135_596_800_000.0..253_402_300_800_000.0).contains(&ms) {
        return None;
    }
    let ms = ms.round();
    let days = (ms / DAY).floor();
    let within = (ms - days * DAY) as u32;
    let (year, month, day) = civil(days as i64);
    let mut out = format!("{year:04}-{month:02}-{day:02}");
    if within > 0 {
        let (hour, minute, second, milli) = (within / 3_600_000, within / 60_000 % 60, within / 1_000 % 60, within % 1_000);
        out.push_str(&format!(" {hour:02}:{minute:02}"));
        if second > 0 || milli > 0 {
            out.push_str(&format!(":{second:02}"));
        }
        if milli > 0 {
            out.push_str(&format!(".{milli:03}"));
        }
    }
    Some(out)
}

/// Year, month and day of a day since 1970-01-01 in the proleptic Gregorian calendar; eras of 400 years
/// that begin on 1 March keep the leap day at their end.
pub(crate) fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day since 1970-01-01 of a civil date.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// One number, rounded to seven significant digits where the precision allows it.
pub(crate) fn number(value: f64, precision: Precision) -> Value {
    if !value.is_finite() {
        return Value::Null;
    }
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Value::from(value as i64);
    }
    let rounded = if precision == Precision::Exact { value } else { significant(value, 7) };
    let sent = if precision.allows(value, rounded) { rounded } else { value };
    Number::from_f64(sent).map_or(Value::Null, Value::Number)
}

/// The value with that many significant decimal digits.
pub(crate) fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

fn typed(values: &[f64], precision: Precision) -> Value {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    if values.iter().all(|v| v.fract() == 0.0) && low >= f64::from(i32::MIN) && high <= f64::from(i32::MAX) {
        let whole = values.iter().map(|&v| v as i32);
        return if low >= 0.0 && high <= 255.0 {
            packed("u1", whole.map(|v| v as u8))
        } else if low >= 0.0 && high <= 65_535.0 {
            packed("u2", whole.flat_map(|v| (v as u16).to_le_bytes()))
        } else if low >= -32_768.0 && high <= 32_767.0 {
            packed("i2", whole.flat_map(|v| (v as i16).to_le_bytes()))
        } else {
            packed("i4", whole.flat_map(i32::to_le_bytes))
        };
    }
    if values.iter().all(|&v| precision.allows(v, f64::from(v as f32))) {
        packed("f4", values.iter().flat_map(|&v| (v as f32).to_le_bytes()))
    } else {
        packed("f8", values.iter().flat_map(|v| v.to_le_bytes()))
    }
}

fn packed(dtype: &str, bytes: impl Iterator<Item = u8>) -> Value {
    json!({ "dtype": dtype, "bdata": STANDARD.encode(bytes.collect::<Vec<_>>()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(value: &Value) -> Vec<u8> {
        STANDARD.decode(value["bdata"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn short_arrays_are_lists_without_useless_digits() {
        let got = numbers(&[1.0, 0.1 + 0.2, f64::NAN, f64::INFINITY], Precision::Linear { per_pixel: 0.01 });
        assert_eq!(got, json!([1, 0.3, null, null]));
        let got = numbers(&[0.1 + 0.2], Precision::Exact);
        assert_eq!(got, json!([0.1 + 0.2]));
    }

    #[test]
    fn long_arrays_take_the_smallest_exact_enough_type() {
        let n = TYPED_ABOVE + 1;
        let pixel = Precision::Linear { per_pixel: 1.0 };
        assert_eq!(numbers(&vec![7.0; n], pixel)["dtype"], "u1");
        assert_eq!(numbers(&vec![700.0; n], pixel)["dtype"], "u2");
        assert_eq!(numbers(&vec![-700.0; n], pixel)["dtype"], "i2");
        assert_eq!(numbers(&vec![-70_000.0; n], pixel)["dtype"], "i4");
        assert_eq!(numbers(&vec![0.1; n], pixel)["dtype"], "f4");
        assert_eq!(numbers(&vec![1e9 + 0.1; n], pixel)["dtype"], "f8");
        assert_eq!(numbers(&vec![0.1; n], Precision::Exact)["dtype"], "f8");
        let log = Precision::Log { decades_per_pixel: 0.01 };
        assert_eq!(numbers(&vec![0.1; n], log)["dtype"], "f4");
        assert_eq!(numbers(&vec![1e-300; n], log)["dtype"], "f8");
        assert!(numbers(&[vec![0.1; n], vec![f64::NAN]].concat(), pixel).is_array());
        assert_eq!(bytes(&ids(&vec![3; n]))[..4], [3, 0, 3, 0]);
        assert_eq!(bytes(&ids(&vec![70_000; n]))[..4], 70_000_u32.to_le_bytes());
        assert!(ids(&vec![u64::MAX; n]).is_array());
    }

    #[test]
    fn dates_are_utc_strings() {
        assert_eq!(date(0.0).unwrap(), "1970-01-01");
        assert_eq!(date(1_709_164_800_000.0).unwrap(), "2024-02-29");
        assert_eq!(date(-1.0).unwrap(), "1969-12-31 23:59:59.999");
        assert_eq!(date(90_000.0).unwrap(), "1970-01-01 00:01:30");
        assert_eq!(date(f64::NAN), None);
        assert_eq!(date(1e300), None);
    }

    proptest! {
        #[test]
        fn civil_dates_round_trip(day in -700_000_i64..2_900_000) {
            let (y, m, d) = civil(day);
            prop_assert_eq!(days_from_civil(y, m, d), day);
        }

        #[test]
        fn f4_moves_no_mark_by_a_tenth_of_a_pixel(low in -1e6_f64..1e6, span in 1e-3_f64..1e6, px in 50_f64..4000.0) {
            let values: Vec<f64> = (0..=TYPED_ABOVE).map(|i| low + span * (i as f64 / 1e4).sin()).collect();
            let per_pixel = span / px;
            let got = numbers(&values, Precision::Linear { per_pixel });
            if got["dtype"] == "f4" {
                for (v, b) in values.iter().zip(bytes(&got).chunks_exact(4)) {
                    let sent = f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                    prop_assert!((sent - v).abs() <= 0.1 * per_pixel);
                }
            }
        }
    }
}
