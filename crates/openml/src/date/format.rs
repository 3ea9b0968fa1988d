//! The part of Java's `SimpleDateFormat` that ARFF files use.

use thiserror::Error;

use super::Moment;

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A date pattern of an ARFF header, such as `yyyy-MM-dd'T'HH:mm:ss`.
///
/// Understands `y M d E H k K h a m s S z Z X`, quoted literals and any punctuation. Two-digit years from 69 on are of the last
/// century. Names of months and days are English, whole or by three letters. `S` is a decimal fraction of a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    parts: Vec<Part>,
}

/// Why a pattern is not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    #[error("the date pattern has the letter '{0}', which is not supported")]
    Letter(char),
    #[error("the date pattern has a quote that is not closed")]
    Quote,
    #[error("the date pattern is empty")]
    Empty,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// The width counts only if the next part is a number too (`yyyyMMdd`).
    Number {
        field: Field,
        width: Option<usize>,
    },
    MonthName,
    DayName,
    HalfOfDay,
    Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    HourFrom1,
    HalfHour,
    HalfHourFrom1,
    Minute,
    Second,
    Fraction,
}

impl Default for Format {
    /// ARFF's own: `yyyy-MM-dd'T'HH:mm:ss`.
    fn default() -> Self {
        let number = |field| Part::Number { field, width: None };
        Self {
            parts: vec![
                number(Field::Year),
                Part::Literal('-'),
                number(Field::Month),
                Part::Literal('-'),
                number(Field::Day),
                Part::Literal('T'),
                number(Field::Hour),
                Part::Literal(':'),
                number(Field::Minute),
                Part::Literal(':'),
                number(Field::Second),
            ],
        }
    }
}

impl Format {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Result<Self, FormatError> {
        let mut parts = Vec::new();
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            if character == '\'' {
                literal(&mut characters, &mut parts)?;
            } else if character.is_ascii_alphabetic() {
                let mut width = 1;
                while characters.next_if_eq(&character).is_some() {
                    width += 1;
                }
                parts.push(letter(character, width)?);
            } else {
                parts.push(Part::Literal(character));
            }
        }
        if parts.is_empty() {
            return Err(FormatError::Empty);
        }
        let adjacent: Vec<bool> = parts.windows(2).map(|pair| matches!(pair, [Part::Number { .. }, Part::Number { .. }])).collect();
        for (part, adjacent) in parts.iter_mut().zip(adjacent.into_iter().chain([false])) {
            if let Part::Number { width, .. } = part
                && !adjacent
            {
                *width = None;
            }
        }
        Ok(Self { parts })
    }

    /// The milliseconds since 1970-01-01 UTC, or `None` if the text does not follow the pattern or is no date.
    pub fn read(&self, text: &str) -> Option<f64> {
        let mut scan = Scan::new(text);
        let mut moment = Moment::default();
        let mut afternoon = None;
        for part in &self.parts {
            match part {
                Part::Literal(character) => scan.literal(*character)?,
                Part::MonthName => moment.month = scan.name(&MONTHS)?,
                Part::DayName => {
                    scan.name(&DAYS)?;
                }
                Part::HalfOfDay => afternoon = Some(scan.name(&["am", "pm"])? == 2),
                Part::Zone => moment.offset_minutes = scan.zone()?,
                Part::Number { field, width } => number(&mut scan, *field, *width, &mut moment)?,
            }
        }
        if let Some(afternoon) = afternoon {
            moment.hour = moment.hour % 12 + if afternoon { 12 } else { 0 };
        }
        if scan.is_done() { moment.milliseconds() } else { None }
    }
}

fn literal(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, parts: &mut Vec<Part>) -> Result<(), FormatError> {
    // Two quotes are one, inside and outside of a literal.
    if characters.next_if_eq(&'\'').is_some() {
        parts.push(Part::Literal('\''));
        return Ok(());
    }
    loop {
        match characters.next() {
            None => return Err(FormatError::Quote),
            Some('\'') if characters.next_if_eq(&'\'').is_none() => return Ok(()),
            Some(character) => parts.push(Part::Literal(character)),
        }
    }
}

fn letter(letter: char, width: usize) -> Result<Part, FormatError> {
    let field = match letter {
        'y' | 'u' if width == 2 => Field::ShortYear,
        'y' | 'u' => Field::Year,
        'M' | 'L' if width >= 3 => return Ok(Part::MonthName),
        'M' | 'L' => Field::Month,
        'd' => Field::Day,
        'H' => Field::Hour,
        'k' => Field::HourFrom1,
        'K' => Field::HalfHour,
        'h' => Field::HalfHourFrom1,
        'm' => Field::Minute,
        's' => Field::Second,
        'S' => Field::Fraction,
        'E' => return Ok(Part::DayName),
        'a' => return Ok(Part::HalfOfDay),
        'z' | 'Z' | 'X' => return Ok(Part::Zone),
        other => return Err(FormatError::Letter(other)),
    };
    Ok(Part::Number { field, width: Some(width) })
}

fn number(scan: &mut Scan<'_>, field: Field, width: Option<usize>, moment: &mut Moment) -> Option<()> {
    if field == Field::Fraction {
        moment.millisecond = scan.fraction()?;
        return Some(());
    }
    let negative = field == Field::Year && width.is_none() && scan.literal('-').is_some();
    let value = match width {
        Some(width) => scan.digits(width)?,
        None => scan.some_digits()?,
    };
    match field {
        Field::Year => moment.year = i64::from(value) * if negative { -1 } else { 1 },
        Field::ShortYear if value < 69 => moment.year = 2000 + i64::from(value),
        Field::ShortYear if value < 100 => moment.year = 1900 + i64::from(value),
        Field::ShortYear => moment.year = i64::from(value),
        Field::Month => moment.month = value,
        Field::Day => moment.day = value,
        Field::Hour | Field::HalfHour => moment.hour = value,
        Field::HourFrom1 => moment.hour = if value == 24 { 0 } else { value },
        Field::HalfHourFrom1 => moment.hour = if value == 12 { 0 } else { value },
        Field::Minute => moment.minute = value,
        Field::Second => moment.second = value,
        Field::Fraction => {}
    }
    Some(())
}

/// A text under a reading head. Nothing moves when a reading fails.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn literal(&mut self, character: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(character)?;
        Some(())
    }

    /// Exactly `width` digits.
    pub(super) fn digits(&mut self, width: usize) -> Option<u32> {
        let digits = self.rest.get(..width)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value = digits.parse().ok()?;
        self.rest = &self.rest[width..];
        Some(value)
    }

    /// As many digits as there are.
    fn some_digits(&mut self) -> Option<u32> {
        let width = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        // Nine digits fit a u32, and no part of a date has more.
        if width > 9 { None } else { self.digits(width) }
    }

    /// The digits of a fraction of a second, cut to milliseconds.
    pub(super) fn fraction(&mut self) -> Option<u32> {
        let width = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if width == 0 {
            return None;
        }
        let used = width.min(3);
        let value: u32 = self.rest[..used].parse().ok()?;
        self.rest = &self.rest[width..];
        Some(value * [100, 10, 1][used - 1])
    }

    /// `Z`, `UTC`, `GMT`, or an offset `+hh`, `+hhmm`, `+hh:mm`, in minutes.
    pub(super) fn zone(&mut self) -> Option<i64> {
        for name in ["UTC", "GMT", "Z"] {
            if let Some(rest) = self.rest.strip_prefix(name) {
                self.rest = rest;
                return Some(0);
            }
        }
        let sign = if self.literal('+').is_some() {
            1
        } else {
            self.literal('-')?;
            -1
        };
        let hours = self.digits(2)?;
        let minutes = if self.literal(':').is_some() { self.digits(2)? } else { self.digits(2).unwrap_or(0) };
        (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes))
    }

    /// One of `names`, whole or by its first three letters, in any case; counts from 1.
    fn name(&mut self, names: &[&str]) -> Option<u32> {
        for (at, name) in names.iter().enumerate() {
            for length in [name.len(), 3] {
                let whole_or_short =
                    name.get(..length).is_some_and(|name| self.rest.get(..length).is_some_and(|text| text.eq_ignore_ascii_case(name)));
                if whole_or_short {
                    self.rest = &self.rest[length..];
                    return Some(at as u32 + 1);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_iso;
    use super::*;

    fn read(pattern: &str, text: &str) -> Option<f64> {
        Format::new(pattern).expect("a pattern").read(text)
    }

    #[test]
    fn the_default_is_what_arff_says() {
        assert_eq!(Format::default(), Format::new("yyyy-MM-dd'T'HH:mm:ss").expect("a pattern"));
    }

    #[test]
    fn patterns() {
        for (pattern, text, iso) in [
            ("yyyy-MM-dd HH:mm:ss", "2001-04-03 12:12:12", "2001-04-03T12:12:12"),
            ("yyyyMMdd", "20010403", "2001-04-03"),
            ("dd/MM/yy", "3/4/99", "1999-04-03"),
            ("dd/MM/yy", "03/04/01", "2001-04-03"),
            ("dd MMM yyyy", "03 Apr 2001", "2001-04-03"),
            ("EEE, d MMMM yyyy", "Tue, 3 April 2001", "2001-04-03"),
            ("yyyy-MM-dd hh:mm a", "2001-04-03 12:30 AM", "2001-04-03T00:30"),
            ("yyyy-MM-dd hh:mm a", "2001-04-03 12:30 pm", "2001-04-03T12:30"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2001-04-03T12:12:12.250+01:00", "2001-04-03T11:12:12.250"),
            ("HH 'o''clock'", "07 o'clock", "1970-01-01T07:00"),
            ("yyyy", "1999", "1999-01-01"),
        ] {
            assert_eq!(read(pattern, text), parse_iso(iso), "{pattern}");
            assert!(read(pattern, text).is_some(), "{pattern}");
        }
    }

    #[test]
    fn what_does_not_follow_the_pattern_is_no_date() {
        for (pattern, text) in [
            ("yyyy-MM-dd", "2001-02-30"),
            ("yyyy-MM-dd", "2001-02"),
            ("yyyy-MM-dd", "2001-02-03 "),
            ("yyyyMMdd", "2001é403"),
            ("yyyy", "99999999999999999999"),
            ("HH:mm", "24:00"),
        ] {
            assert_eq!(read(pattern, text), None, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_that_are_not_understood() {
        assert_eq!(Format::new("yyyy-ww"), Err(FormatError::Letter('w')));
        assert_eq!(Format::new("yyyy'T"), Err(FormatError::Quote));
        assert_eq!(Format::new(""), Err(FormatError::Empty));
    }
}
