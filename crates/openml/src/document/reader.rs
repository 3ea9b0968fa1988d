//! Elements by their local names, with errors that say where and what.

use std::borrow::Cow;
use std::str::FromStr;

use roxmltree::{Document, Node, ParsingOptions};

use super::DocumentError;

/// More than any document of OpenML has, by far; keeps a hostile one from filling the memory.
const MOST_NODES: u32 = 5_000_000;

/// Parses `text` and reads its root, which must be named `root`.
pub(super) fn read<T>(text: &str, root: &str, read: impl FnOnce(Element<'_, '_>) -> Result<T, DocumentError>) -> Result<T, DocumentError> {
    read_any(text, |element| {
        if element.name() != root {
            return Err(element.error(format!("expected oml:{root}, found oml:{}", element.name())));
        }
        read(element)
    })
}

/// Parses `text` and reads its root, whatever its name.
pub(crate) fn read_any<T>(text: &str, read: impl FnOnce(Element<'_, '_>) -> Result<T, DocumentError>) -> Result<T, DocumentError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| DocumentError {
        line: u64::from(error.pos().row),
        column: u64::from(error.pos().col),
        reason: format!("not well-formed XML: {error}"),
    })?;
    read(Element { node: document.root_element() })
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a, 'input> {
    node: Node<'a, 'input>,
}

impl<'a, 'input> Element<'a, 'input> {
    pub(crate) fn name(self) -> &'a str {
        self.node.tag_name().name()
    }

    pub(crate) fn error(self, reason: String) -> DocumentError {
        let position = self.node.document().text_pos_at(self.node.range().start);
        DocumentError { line: u64::from(position.row), column: u64::from(position.col), reason }
    }

    /// All children that are elements.
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        self.node.children().filter(Node::is_element).map(|node| Self { node })
    }

    /// Names and values of the attributes, without declarations of namespaces.
    pub(crate) fn attributes(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.node.attributes().map(|attribute| (attribute.name(), attribute.value()))
    }

    /// The children of that name.
    pub(super) fn children(self, name: &'static str) -> impl Iterator<Item = Self> {
        self.node.children().filter(move |child| child.is_element() && child.tag_name().name() == name).map(|node| Self { node })
    }

    pub(super) fn child(self, name: &'static str) -> Option<Self> {
        self.children(name).next()
    }

    pub(super) fn required(self, name: &'static str) -> Result<Self, DocumentError> {
        self.child(name).ok_or_else(|| self.error(format!("oml:{name} is missing in oml:{}", self.name())))
    }

    /// The element's own text, as it stands.
    pub(super) fn text(self) -> String {
        self.borrowed_text().into_owned()
    }

    /// The element's own text, as it stands; borrowed unless comments or elements divide it.
    pub(crate) fn borrowed_text(self) -> Cow<'a, str> {
        let mut texts = self.node.children().filter(Node::is_text).filter_map(|node| node.text());
        let first = texts.next().unwrap_or_default();
        match texts.next() {
            None => Cow::Borrowed(first),
            Some(second) => Cow::Owned([first, second].into_iter().chain(texts).collect()),
        }
    }

    /// The text of a child that must be there and must not be blank.
    pub(super) fn string(self, name: &'static str) -> Result<String, DocumentError> {
        let child = self.required(name)?;
        let text = child.text();
        if text.trim().is_empty() {
            return Err(child.error(format!("oml:{name} is empty in oml:{}", self.name())));
        }
        Ok(text)
    }

    /// The text of a child, `None` if it is empty or absent.
    pub(super) fn optional(self, name: &'static str) -> Option<String> {
        self.child(name).map(Self::text).filter(|text| !text.is_empty())
    }

    /// The text of a child, also if that is empty; `None` if the child is absent.
    pub(super) fn given(self, name: &'static str) -> Option<String> {
        self.child(name).map(Self::text)
    }

    /// The texts of all children of that name that are not empty; `None` if there is no such child.
    pub(super) fn all_given(self, name: &'static str) -> Option<Vec<String>> {
        self.child(name).map(|_| self.strings(name))
    }

    /// The texts of all children of that name that are not empty.
    pub(super) fn strings(self, name: &'static str) -> Vec<String> {
        self.children(name).map(Self::text).filter(|text| !text.is_empty()).collect()
    }

    /// The number in a child that must be there.
    pub(super) fn number<T: FromStr>(self, name: &'static str, what: &str) -> Result<T, DocumentError> {
        let child = self.required(name)?;
        parsed(child, &child.text(), &format!("oml:{name}"), what)
    }

    /// The number in a child, `None` if it is blank or absent.
    pub(super) fn optional_number<T: FromStr>(self, name: &'static str, what: &str) -> Result<Option<T>, DocumentError> {
        self.child(name).map_or(Ok(None), |child| child.own_number(what))
    }

    /// The number that is the element's own text, `None` if it is blank.
    fn own_number<T: FromStr>(self, what: &str) -> Result<Option<T>, DocumentError> {
        let text = self.text();
        if text.trim().is_empty() {
            return Ok(None);
        }
        parsed(self, &text, &format!("oml:{}", self.name()), what).map(Some)
    }

    pub(super) fn id(self, name: &'static str) -> Result<u32, DocumentError> {
        self.number(name, WHOLE)
    }

    /// The whole number that is the element's own text.
    pub(super) fn own_id(self) -> Result<u32, DocumentError> {
        parsed(self, &self.text(), &format!("oml:{}", self.name()), WHOLE)
    }

    pub(super) fn optional_id(self, name: &'static str) -> Result<Option<u32>, DocumentError> {
        self.optional_number(name, WHOLE)
    }

    /// A measured value: not a number means the same as none.
    pub(super) fn optional_value(self, name: &'static str) -> Result<Option<f64>, DocumentError> {
        self.child(name).map_or(Ok(None), Self::own_value)
    }

    /// The measured value that is the element's own text: not a number, or nothing, means the same as none.
    pub(super) fn own_value(self) -> Result<Option<f64>, DocumentError> {
        let value: Option<f64> = self.own_number("a number")?;
        Ok(value.filter(|value| !value.is_nan()))
    }

    /// `true`, `false`, `1` or `0`; `false` if it is empty or absent.
    pub(super) fn flag(self, name: &'static str) -> Result<bool, DocumentError> {
        let Some(child) = self.child(name) else {
            return Ok(false);
        };
        match child.text().trim() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" => Ok(false),
            other => Err(child.error(format!("oml:{name} is \"{}\", expected true or false", short(other)))),
        }
    }

    /// The whole number in an attribute, `None` if it is blank or absent.
    pub(super) fn attribute_number(self, name: &'static str) -> Result<Option<u32>, DocumentError> {
        match self.attribute(name).filter(|text| !text.trim().is_empty()) {
            None => Ok(None),
            Some(text) => parsed(self, text, &format!("the attribute {name}"), WHOLE).map(Some),
        }
    }

    pub(super) fn attribute(self, name: &'static str) -> Option<&'a str> {
        self.node.attributes().find(|attribute| attribute.name() == name).map(|attribute| attribute.value())
    }
}

const WHOLE: &str = "a whole number";

fn parsed<T: FromStr>(element: Element<'_, '_>, text: &str, name: &str, what: &str) -> Result<T, DocumentError> {
    let text = text.trim();
    text.parse().map_err(|_| element.error(format!("{name} is \"{}\", expected {what}", short(text))))
}

/// Enough of a value to recognise it.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
