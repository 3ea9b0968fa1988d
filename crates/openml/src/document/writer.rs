//! XML in OpenML's form.

use std::fmt::{Display, Write};

use crate::number;

const NAMESPACE: &str = "http://openml.org/openml";

/// Writes one document, indented by two blanks a level.
#[derive(Debug)]
pub(super) struct Writer {
    out: String,
    depth: usize,
}

/// Writes the document whose root is named `root`.
pub(super) fn write(root: &str, body: impl FnOnce(&mut Writer)) -> String {
    let mut writer = Writer { out: String::new(), depth: 0 };
    writer.element_with(root, &[("xmlns:oml", NAMESPACE)], body);
    writer.out
}

impl Writer {
    pub(super) fn element(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.element_with(name, &[], body);
    }

    pub(super) fn element_with(&mut self, name: &str, attributes: &[(&str, &str)], body: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        self.out.push('\n');
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.indent();
        self.close(name);
    }

    /// An element of text, also if that is empty.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.text_with(name, &[], text);
    }

    pub(super) fn text_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        escape(text, false, &mut self.out);
        self.close(name);
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.out.pop();
        self.out.push_str("/>\n");
    }

    /// An element only if there is a text.
    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(name, text);
        }
    }

    /// An element only if there is a text, also if that is empty.
    pub(super) fn given(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Elements for a list that is given: an empty one if that has no texts.
    pub(super) fn all_given(&mut self, name: &str, texts: Option<&[String]>) {
        match texts {
            None => {}
            Some(texts) if texts.iter().all(String::is_empty) => self.text(name, ""),
            Some(texts) => self.texts(name, texts),
        }
    }

    pub(super) fn texts(&mut self, name: &str, texts: &[String]) {
        for text in texts {
            self.optional(name, Some(text));
        }
    }

    /// A number or a truth value, whose text needs no escapes.
    pub(super) fn number(&mut self, name: &str, number: impl Display) {
        self.open(name, &[]);
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{number}");
        self.close(name);
    }

    pub(super) fn numbers(&mut self, name: &str, numbers: &[u32]) {
        for number in numbers {
            self.number(name, number);
        }
    }

    pub(super) fn optional_number(&mut self, name: &str, number: Option<impl Display>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    /// A measured value, by the shortest text that reads back as the same number.
    pub(super) fn optional_value(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| !value.is_nan()) {
            self.value_with(name, &[], value);
        }
    }

    pub(super) fn value_with(&mut self, name: &str, attributes: &[(&str, &str)], value: f64) {
        self.open(name, attributes);
        number::write(value, &mut self.out);
        self.close(name);
    }

    /// Makes room for a text of about that many bytes.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.out.push_str("<oml:");
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, true, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</oml:");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }
}

/// A parser turns line ends and, in attributes, all blanks into others, unless they are written as references.
fn escape(text: &str, attribute: bool, out: &mut String) {
    // Most text has nothing to escape: U+FFFE and U+FFFF are the only others, and their first byte is 0xEF.
    if text.bytes().all(|byte| byte >= b' ' && byte != 0xEF && !matches!(byte, b'<' | b'>' | b'&' | b'"')) {
        out.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            '\n' | '\t' => out.push(character),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            _ => out.push(character),
        }
    }
}
