//! The reading head: lines, blanks and quotes.

use std::borrow::Cow;

use crate::error::ParseError;

#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, bytes: text.as_bytes(), at }
    }

    pub(super) fn error(&self, at: usize, reason: impl Into<String>) -> ParseError {
        ParseError::at(self.bytes, at, reason)
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | 0x0B | 0x0C)) {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn is_line_end(&self) -> bool {
        matches!(self.peek(), None | Some(b'\n' | b'\r'))
    }

    /// Moves over `\n`, `\r\n` or `\r`.
    #[inline]
    pub(super) fn end_line(&mut self) {
        match self.peek() {
            Some(b'\r') if self.bytes.get(self.at + 1) == Some(&b'\n') => self.at += 2,
            Some(b'\n' | b'\r') => self.at += 1,
            _ => {}
        }
    }

    /// The rest of the line, without its end; moves to the next line.
    pub(super) fn rest_of_line(&mut self) -> &'a str {
        let start = self.at;
        while !self.is_line_end() {
            self.at += 1;
        }
        let rest = &self.text[start..self.at];
        self.end_line();
        rest
    }

    /// The text up to, not including, the first of `stops` or the end of the line; without trailing blanks.
    #[inline]
    pub(super) fn until(&mut self, stops: &[u8]) -> &'a str {
        let start = self.at;
        while let Some(byte) = self.peek() {
            if byte == b'\n' || byte == b'\r' || stops.contains(&byte) {
                break;
            }
            self.at += 1;
        }
        self.text[start..self.at].trim_end_matches(|character: char| character.is_ascii_whitespace())
    }

    /// The text between the quote under the head and its partner on the same line, with escapes resolved.
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, str>, ParseError> {
        let opened = self.at;
        let quote = self.bytes[opened];
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek() {
                None | Some(b'\n' | b'\r') => {
                    return Err(self.error(opened, "the quote opened here is not closed on this line"));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    if !self.is_line_end() {
                        self.at += 1;
                    }
                }
                Some(byte) if byte == quote => break,
                Some(_) => self.at += 1,
            }
        }
        let inside = &self.text[start..self.at];
        self.at += 1;
        Ok(if escaped { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) })
    }
}

/// Resolves `\n \r \t \b \f`, `\uXXXX`, octal `\0` to `\377`, and a backslash before a quote, `%` or another backslash.
/// Before anything else a backslash stands for itself.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (character, used) = match after.as_bytes().first() {
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{C}', 1),
            Some(&byte @ (b'\\' | b'\'' | b'"' | b'%')) => (char::from(byte), 1),
            Some(b'u') => numbered(after, 1, 4, 16).unwrap_or(('\\', 0)),
            Some(b'0'..=b'7') => {
                let width = after.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                numbered(after, 0, width, 8).unwrap_or(('\\', 0))
            }
            _ => ('\\', 0),
        };
        out.push(character);
        rest = &after[used..];
    }
    out.push_str(rest);
    out
}

/// The character whose number is spelled by `width` digits from `start`, and the length of all of it.
fn numbered(text: &str, start: usize, width: usize, radix: u32) -> Option<(char, usize)> {
    let digits = text.get(start..start + width)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).ok()?;
    Some((char::from_u32(number)?, start + width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (text, meaning) in [
            (r"a\'b", "a'b"),
            (r"\n\r\t\\\%", "\n\r\t\\%"),
            (r"\u00e9\u001E", "é\u{1E}"),
            (r"\101", "A"),
            (r"C:\data", r"C:\data"),
            (r"\u12", r"\u12"),
            (r"\ud800", r"\ud800"),
            (r"é\é", r"é\é"),
        ] {
            assert_eq!(unescape(text), meaning, "{text}");
        }
    }
}
