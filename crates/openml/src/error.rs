//! The error of the text formats: where, and why.

use thiserror::Error;

/// Why a text could not be read, and where.
///
/// Lines and columns count from 1. A column counts characters, not bytes; a line ends with `\n`, `\r\n` or `\r`; a byte order
/// mark does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct ParseError {
    pub line: u64,
    pub column: u64,
    pub reason: String,
}

impl ParseError {
    /// An error at a byte offset of `input`, which must be UTF-8 up to there.
    pub(crate) fn at(input: &[u8], offset: usize, reason: impl Into<String>) -> Self {
        let (line, column) = position(input, offset);
        Self { line, column, reason: reason.into() }
    }
}

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

fn position(input: &[u8], offset: usize) -> (u64, u64) {
    let before = &input[..offset.min(input.len())];
    let mut line = 1;
    let mut line_start = if before.starts_with(BYTE_ORDER_MARK) { 3 } else { 0 };
    for (at, &byte) in before.iter().enumerate() {
        let ends_line = byte == b'\n' || (byte == b'\r' && input.get(at + 1) != Some(&b'\n'));
        if ends_line {
            line += 1;
            line_start = at + 1;
        }
    }
    let characters = before[line_start.min(before.len())..].iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    (line, characters as u64 + 1)
}

/// Checks that `input` is UTF-8; the error points at the first byte that is not.
pub(crate) fn utf8(input: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(input).map_err(|error| {
        let at = error.valid_up_to();
        let byte = input.get(at).copied().unwrap_or_default();
        ParseError::at(input, at, format!("byte 0x{byte:02X} is not valid UTF-8"))
    })
}

/// A value as it appears in a message: in quotes, on one line, and not too long.
pub(crate) fn shown(value: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::from("\"");
    for (count, character) in value.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out.push('"');
    out
}

/// `1 value`, `2 values`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_every_line_end() {
        let text = "\u{FEFF}aé\r\nb\rc\nd".as_bytes();
        let find = |needle: u8| text.iter().position(|&byte| byte == needle).unwrap_or_default();
        assert_eq!(position(text, 3), (1, 1));
        assert_eq!(position(text, find(b'\r')), (1, 3));
        assert_eq!(position(text, find(b'b')), (2, 1));
        assert_eq!(position(text, find(b'c')), (3, 1));
        assert_eq!(position(text, find(b'd')), (4, 1));
        assert_eq!(position(text, text.len()), (4, 2));
    }

    #[test]
    fn bad_utf8_is_found_where_it_is() {
        let error = utf8(b"ab\nc\xC3\xA9\xFFd").expect_err("0xFF is never UTF-8");
        assert_eq!(error.to_string(), "line 2, column 3: byte 0xFF is not valid UTF-8");
    }

    #[test]
    fn shown_values_are_short_and_on_one_line() {
        assert_eq!(shown("a\nb"), "\"a\\nb\"");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 63);
    }
}
