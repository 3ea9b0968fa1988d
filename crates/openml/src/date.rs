//! Dates as milliseconds since 1970-01-01 UTC, in the proleptic Gregorian calendar.
//!
//! [`Format`] is the part of Java's `SimpleDateFormat` that ARFF files use; a date without a zone is UTC, so that a file
//! means the same everywhere. [`parse_iso`] and [`write_iso`] are the ISO 8601 forms of CSV.

mod format;

use std::fmt::Write;

pub use format::{Format, FormatError};

pub const MILLISECONDS_PER_DAY: i64 = 86_400_000;

/// A hundred million days on either side of 1970, what a browser's `Date` holds.
const FURTHEST: f64 = 8.64e15;

/// The days from 1970-01-01 to a date. `month` counts from 1, as does `day`; neither is checked.
///
/// Years are counted from March in eras of 400 years, of 146,097 days each.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The year, month and day, both from 1, that lie `days` after 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A moment by its parts, as a reader collects them.
#[derive(Clone, Copy, Debug)]
struct Moment {
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    millisecond: u32,
    offset_minutes: i64,
}

impl Default for Moment {
    fn default() -> Self {
        Self { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0, offset_minutes: 0 }
    }
}

impl Moment {
    /// `None` if a part is out of its range (there is no 30 February).
    fn milliseconds(self) -> Option<f64> {
        let valid = (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if !valid {
            return None;
        }
        let minutes = i64::from(self.hour * 60 + self.minute) - self.offset_minutes;
        let in_day = (minutes * 60 + i64::from(self.second)) * 1000 + i64::from(self.millisecond);
        let total = days_from_civil(self.year, self.month, self.day) * MILLISECONDS_PER_DAY + in_day;
        Some(total as f64).filter(|total| total.abs() <= FURTHEST)
    }

    fn from_milliseconds(milliseconds: f64) -> Self {
        let total = milliseconds.clamp(-FURTHEST, FURTHEST).round() as i64;
        let (year, month, day) = civil_from_days(total.div_euclid(MILLISECONDS_PER_DAY));
        let in_day = total.rem_euclid(MILLISECONDS_PER_DAY) as u32;
        Self {
            year,
            month,
            day,
            hour: in_day / 3_600_000,
            minute: in_day / 60_000 % 60,
            second: in_day / 1000 % 60,
            millisecond: in_day % 1000,
            offset_minutes: 0,
        }
    }
}

/// Reads `yyyy-mm-dd`, perhaps with a time after `T` or a space (`hh:mm`, `hh:mm:ss`, a fraction of a second), perhaps with `Z`
/// or an offset such as `+02:00` after the time. Fractions are cut to milliseconds.
pub fn parse_iso(text: &str) -> Option<f64> {
    // A cheap refusal of what is plainly no date: columns of text are asked too.
    let bytes = text.as_bytes();
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let mut scan = format::Scan::new(text);
    let mut moment = Moment { year: i64::from(scan.digits(4)?), ..Moment::default() };
    scan.literal('-')?;
    moment.month = scan.digits(2)?;
    scan.literal('-')?;
    moment.day = scan.digits(2)?;
    if !scan.is_done() {
        scan.literal('T').or_else(|| scan.literal(' '))?;
        moment.hour = scan.digits(2)?;
        scan.literal(':')?;
        moment.minute = scan.digits(2)?;
        if scan.literal(':').is_some() {
            moment.second = scan.digits(2)?;
            if scan.literal('.').is_some() {
                moment.millisecond = scan.fraction()?;
            }
        }
        if !scan.is_done() {
            moment.offset_minutes = scan.zone()?;
        }
    }
    if scan.is_done() { moment.milliseconds() } else { None }
}

/// Appends `yyyy-mm-dd`, with ` hh:mm:ss` and milliseconds only if asked for.
pub fn write_iso(milliseconds: f64, precision: Precision, out: &mut String) {
    let moment = Moment::from_milliseconds(milliseconds);
    let sign = if moment.year < 0 { "-" } else { "" };
    // Writing to a String cannot fail.
    let _ = write!(out, "{sign}{:04}-{:02}-{:02}", moment.year.abs(), moment.month, moment.day);
    if precision == Precision::Day {
        return;
    }
    let _ = write!(out, "T{:02}:{:02}:{:02}", moment.hour, moment.minute, moment.second);
    if precision == Precision::Millisecond {
        let _ = write!(out, ".{:03}", moment.millisecond);
    }
}

/// How much of a date is worth writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Day,
    Second,
    Millisecond,
}

impl Precision {
    /// The coarsest that loses nothing of `values`, which are milliseconds; missing values do not count.
    pub fn of(values: &[f64]) -> Self {
        values.iter().fold(Self::Day, |precision, &value| {
            let finer = if value.is_nan() || value % MILLISECONDS_PER_DAY as f64 == 0.0 {
                Self::Day
            } else if value % 1000.0 == 0.0 {
                Self::Second
            } else {
                Self::Millisecond
            };
            precision.max(finer)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 2, 29), 11_016);
        assert_eq!(days_from_civil(1969, 12, 31), -1);
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
    }

    #[test]
    fn iso_forms() {
        let day = parse_iso("2001-04-03").expect("a date");
        assert_eq!(day, 986_256_000_000.0);
        for (text, after) in [
            ("2001-04-03T01:02", 3_720_000.0),
            ("2001-04-03 01:02:03", 3_723_000.0),
            ("2001-04-03T01:02:03.5Z", 3_723_500.0),
            ("2001-04-03T01:02:03.123456", 3_723_123.0),
            ("2001-04-03T01:02+01:00", 120_000.0),
            ("2001-04-03T01:02-0130", 9_120_000.0),
        ] {
            assert_eq!(parse_iso(text), Some(day + after), "{text}");
        }
        for text in ["", "2001", "2001-4-3", "2001-02-29", "2001-13-01", "2001-01-01T25:00", "2001-01-01T", "2001-01-01x", "20é1-01-01"] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_there_and_back(days in -200_000_000i64..200_000_000) {
            let (year, month, day) = civil_from_days(days);
            prop_assert!((1..=days_in_month(year, month)).contains(&day));
            prop_assert_eq!(days_from_civil(year, month, day), days);
        }

        #[test]
        fn iso_there_and_back(value in -62_167_219_200_000i64..253_402_300_800_000) {
            let mut out = String::new();
            write_iso(value as f64, Precision::of(&[value as f64]), &mut out);
            prop_assert_eq!(parse_iso(&out), Some(value as f64));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse_iso(&text);
        }
    }
}
