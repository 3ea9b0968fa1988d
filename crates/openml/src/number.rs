//! Numbers in text: fast for the short decimals that fill tables, exact for all.

use std::fmt::Write;

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

/// Integers up to here are exact doubles.
pub(crate) const EXACT_INTEGER: u64 = 1 << 53;

/// The number that `text` spells: decimals with an optional exponent, infinity, NaN in any case.
pub(crate) fn parse(text: &str) -> Option<f64> {
    short_decimal(text.as_bytes()).or_else(|| text.parse().ok())
}

/// A decimal whose digits and whose power of ten are both exact doubles: one division then rounds correctly.
fn short_decimal(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    // 19 digits cannot overflow a u64.
    if digits.len() > 20 {
        return None;
    }
    let mut mantissa = 0u64;
    let mut point = None;
    let mut count = 0;
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' if count < 19 => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    if count == 0 || mantissa > EXACT_INTEGER {
        return None;
    }
    let decimals = point.map_or(0, |at| digits.len() - at - 1);
    let value = mantissa as f64 / EXACT_POWERS.get(decimals)?;
    Some(if negative { -value } else { value })
}

/// Appends the shortest text that reads back as the same number; `?` is the caller's business.
pub(crate) fn write(value: f64, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = if value == f64::INFINITY {
        write!(out, "Infinity")
    } else if value == f64::NEG_INFINITY {
        write!(out, "-Infinity")
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        write!(out, "{value}")
    } else {
        write!(out, "{value:?}")
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms() {
        for (text, value) in [
            ("0", 0.0),
            ("-1", -1.0),
            ("+2.50", 2.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("0.1", 0.1),
            ("123456789012345678901234567890", 123456789012345678901234567890.0),
            ("Infinity", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        assert!(parse("NaN").is_some_and(f64::is_nan));
        for text in ["", "-", ".", "1.2.3", "1,5", "0x10", "1_000", "abc", "1 "] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_no_point() {
        let mut out = String::new();
        for value in [3.0, -0.5, 1e300, 1e-9] {
            write(value, &mut out);
            out.push(' ');
        }
        assert_eq!(out, "3 -0.5 1e300 1e-9 ");
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(value in any::<f64>().prop_filter("missing", |v| !v.is_nan())) {
            let mut out = String::new();
            write(value, &mut out);
            prop_assert_eq!(parse(&out).map(f64::to_bits), Some(value.to_bits()));
        }

        #[test]
        fn agrees_with_the_standard_library(text in "[+-]?[0-9]{0,20}(\\.[0-9]{0,20})?") {
            prop_assert_eq!(parse(&text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }
    }
}
