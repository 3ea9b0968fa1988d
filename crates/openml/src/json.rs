//! OpenML's documents in JSON, made from their XML.
//!
//! OpenML's server turns its XML into JSON by rule: prefixes are dropped, an element becomes a key, its attributes become the
//! first keys of its object and its text the key `value`, and an element that comes several times becomes an array. Values are
//! strings, an empty element is `[]`. Left alone, that rule gives an array for two rows and an object for one, so what clients
//! take for a list is an array here however many there are. A few lists have forms of their own: see [`Shape`].

use std::fmt::Write;

use crate::document::DocumentError;
use crate::document::reader::{self, Element};
use crate::number;

/// Which of OpenML's two forms of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All values are strings; an empty element is `[]`.
    Plain,
    /// As `data/list`, `task/list`, `flow/list`, `run/list` and `evaluation/list` have it: ids, versions and measured values are
    /// numbers; an empty element is an empty string; inputs, qualities and tags are arrays of objects with `name` and `value`.
    Typed,
}

/// The JSON form of a document, an object whose one key is the name of the root.
///
/// Keys come in the order in which elements come first. Text of nothing but blanks counts as empty if it breaks a line, as
/// indentation does. Where a child has the name of an attribute, the child counts.
///
/// # Errors
/// Text that is not well-formed XML, or elements that are nested more than 256 levels deep.
pub fn from_xml(xml: &str, shape: Shape) -> Result<String, DocumentError> {
    reader::read_any(xml, |root| {
        let mut json = Json { out: String::with_capacity(xml.len()), shape };
        json.out.push('{');
        json.key(root.name());
        json.element(root, 1)?;
        json.out.push('}');
        Ok(json.out)
    })
}

/// Flows nest 64 levels deep with two elements each; nothing else nests.
const DEEPEST: usize = 256;

/// What is always an array, wherever it is. OpenML has the level of a feature with only one bare, which helps nobody.
const ARRAYS: [&str; 3] = ["feature", "nominal_value", "quality"];

/// What is also always an array in typed lists.
const TYPED_ARRAYS: [&str; 3] = ["input", "parameter", "tag"];

/// What is always an array in that parent.
const ARRAYS_IN: [(&str, &str); 20] = [
    ("data", "data_id"),
    ("data", "dataset"),
    ("estimation_procedure", "parameter"),
    ("estimationprocedures", "estimationprocedure"),
    ("evaluations", "evaluation"),
    ("flows", "flow"),
    ("flows", "flow_id"),
    ("measures", "measure"),
    ("runs", "run"),
    ("runs", "run_id"),
    ("setups", "setup"),
    ("setups", "setup_id"),
    ("study_list", "study"),
    ("task", "input"),
    ("task_inputs", "input"),
    ("task_types", "task_type"),
    ("tasks", "task"),
    ("tasks", "task_id"),
    ("trace", "trace_iteration"),
    ("users", "user"),
];

/// What is a whole number in typed lists.
const INTEGERS: [&str; 12] = [
    "data_id",
    "did",
    "evaluation_engine_id",
    "file_id",
    "flow_id",
    "id",
    "run_id",
    "setup_id",
    "task_id",
    "task_type_id",
    "uploader",
    "version",
];

#[derive(Debug)]
struct Json {
    out: String,
    shape: Shape,
}

impl Json {
    fn key(&mut self, name: &str) {
        self.string(name);
        self.out.push(':');
    }

    fn element(&mut self, element: Element<'_, '_>, depth: usize) -> Result<(), DocumentError> {
        if depth > DEEPEST {
            return Err(element.error(format!("elements are nested more than {DEEPEST} levels deep")));
        }
        let children: Vec<(usize, Element<'_, '_>)> = element.elements().enumerate().collect();
        let text = element.borrowed_text();
        let blank = text.trim_start().is_empty() && (!children.is_empty() || text.contains('\n'));
        let text = if blank { "" } else { &text };
        let has_attributes = element.attributes().next().is_some();
        if children.is_empty() && !has_attributes {
            self.leaf(element.name(), text);
            return Ok(());
        }
        self.object(element, children, text, depth)
    }

    fn object(
        &mut self,
        element: Element<'_, '_>,
        mut children: Vec<(usize, Element<'_, '_>)>,
        text: &str,
        depth: usize,
    ) -> Result<(), DocumentError> {
        // Children of one name together, and names in the order in which they come first.
        children.sort_by(|(_, one), (_, other)| one.name().cmp(other.name()));
        let mut groups: Vec<&[(usize, Element<'_, '_>)]> = children.chunk_by(|(_, one), (_, other)| one.name() == other.name()).collect();
        let is_child = |name: &str| groups.binary_search_by(|group| first_name(group).cmp(name)).is_ok();
        let has_text = !text.is_empty() || (self.shape == Shape::Typed && groups.is_empty());

        let mut separator = '{';
        for (name, value) in element.attributes() {
            if is_child(name) || (has_text && name == "value") {
                continue;
            }
            self.out.push(separator);
            separator = ',';
            self.key(name);
            self.string(value);
        }
        let text_has_key = has_text && !is_child("value");
        groups.sort_by_key(|group| group.first().map(|(at, _)| *at));
        for group in groups {
            let name = first_name(group);
            self.out.push(separator);
            separator = ',';
            self.key(name);
            let array = group.len() > 1 || self.is_array(element.name(), name);
            for (at, (_, child)) in group.iter().enumerate() {
                if array {
                    self.out.push(if at == 0 { '[' } else { ',' });
                }
                self.element(*child, depth + 1)?;
            }
            if array {
                self.out.push(']');
            }
        }
        if text_has_key {
            self.out.push(separator);
            self.key("value");
            self.string(text);
        }
        self.out.push('}');
        Ok(())
    }

    fn is_array(&self, parent: &str, name: &str) -> bool {
        ARRAYS.contains(&name) || ARRAYS_IN.contains(&(parent, name)) || (self.shape == Shape::Typed && TYPED_ARRAYS.contains(&name))
    }

    fn leaf(&mut self, name: &str, text: &str) {
        match self.shape {
            Shape::Plain if text.is_empty() => self.out.push_str("[]"),
            Shape::Plain => self.string(text),
            Shape::Typed if INTEGERS.contains(&name) => match text.trim().parse::<i64>() {
                // Writing to a String cannot fail.
                Ok(value) => drop(write!(self.out, "{value}")),
                Err(_) => self.string(text),
            },
            Shape::Typed if name == "value" => self.number_or_string(text),
            Shape::Typed if matches!(name, "values" | "array_data") && is_list(text) => self.list(text),
            Shape::Typed => self.string(text),
        }
    }

    /// JSON has no infinity and no NaN, so they stay text.
    fn number_or_string(&mut self, text: &str) {
        match number::parse(text).filter(|value| value.is_finite()) {
            Some(value) => number::write(value, &mut self.out),
            None => self.string(text),
        }
    }

    /// Writes a list of numbers and words, perhaps of lists, with the words in quotes.
    fn list(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(['[', ',', ']']) {
            self.item(&rest[..at]);
            self.out.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
    }

    fn item(&mut self, text: &str) {
        match text.trim() {
            "" => {}
            "null" => self.out.push_str("null"),
            item => {
                let quoted = item.strip_prefix('"').and_then(|item| item.strip_suffix('"'));
                match quoted {
                    Some(item) => self.string(item),
                    None => self.number_or_string(item),
                }
            }
        }
    }

    fn string(&mut self, text: &str) {
        write_string(text, &mut self.out);
    }
}

/// Appends a text as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    // What needs an escape is ASCII, so bytes will do.
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        // Writing to a String cannot fail.
        let _ = match byte {
            b'"' => write!(out, "\\\""),
            b'\\' => write!(out, "\\\\"),
            b'\n' => write!(out, "\\n"),
            b'\r' => write!(out, "\\r"),
            b'\t' => write!(out, "\\t"),
            _ => write!(out, "\\u{byte:04x}"),
        };
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

fn first_name<'a>(group: &[(usize, Element<'a, '_>)]) -> &'a str {
    group.first().map_or("", |(_, element)| element.name())
}

/// Whether a text is a list, perhaps of lists: each bracket closed, an item or a list between two commas, and no more after
/// the last bracket.
fn is_list(text: &str) -> bool {
    // How many lists are open, and what may come next.
    let mut open = 0usize;
    let mut item = Item::Missing;
    let mut rest = text.trim_end();
    while let Some(at) = rest.find(['[', ',', ']']) {
        let word = !rest[..at].trim().is_empty();
        if word && (open == 0 || matches!(item, Item::Done)) {
            return false;
        }
        if word {
            item = Item::Done;
        }
        match (rest.as_bytes().get(at), item) {
            (Some(b'['), Item::First | Item::Next | Item::Missing) if open < DEEPEST => {
                if open == 0 && rest.len() != text.trim_end().len() {
                    return false;
                }
                open += 1;
                item = Item::First;
            }
            (Some(b','), Item::Done) if open > 0 => item = Item::Next,
            (Some(b']'), Item::First | Item::Done) if open > 0 => {
                open -= 1;
                item = Item::Done;
                if open == 0 {
                    return at + 1 == rest.len();
                }
            }
            _ => return false,
        }
        rest = &rest[at + 1..];
    }
    false
}

/// What is before the next bracket or comma of a list.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// Nothing: the list has not begun.
    Missing,
    /// The bracket that opens a list: it may be closed at once.
    First,
    /// A comma: an item must follow.
    Next,
    /// An item.
    Done,
}

#[cfg(test)]
mod tests;
