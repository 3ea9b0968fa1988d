//! Control values and their place in URLs.
//!
//! A control is named `panel.control` in rooms and page URLs and `control` inside its
//! panel. A value is a list of strings: one for a dropdown, any number for a checklist,
//! none for "empty". A list of several travels as a repeated query parameter.

use std::collections::BTreeMap;

use labboard_room::{Document, gather};

use crate::view;

/// Control values by name.
pub type Controls = BTreeMap<String, Vec<String>>;

/// Query parameters that are not controls, because they carry no dot.
pub fn is_control(name: &str) -> bool {
    name.split_once('.').is_some_and(|(panel, control)| !panel.is_empty() && !control.is_empty())
}

/// Percent-encodes one component of a query string (RFC 3986 unreserved characters stay).
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// Decodes a component of a query string; `+` is a space and broken escapes stay as they are.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], escaped) {
            (_, Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b'+', None) => {
                out.push(b' ');
                at += 1;
            }
            (byte, None) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The parameters of a query string, in order and decoded.
pub fn parameters(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// Reads the parameters that `keep` accepts; an empty value stands for the empty list.
pub fn from_query(query: &str, keep: impl Fn(&str) -> bool) -> Controls {
    let mut controls = Controls::new();
    for (name, value) in parameters(query).filter(|(name, _)| keep(name)) {
        let values = controls.entry(name).or_default();
        if !value.is_empty() {
            values.push(value);
        }
    }
    controls
}

/// Writes controls as a query string without a leading `?`.
pub fn to_query(controls: &Controls) -> String {
    let mut out = String::new();
    let mut push = |name: &str, value: &str| {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
    };
    for (name, values) in controls {
        if values.is_empty() {
            push(name, "");
        }
        for value in values {
            push(name, value);
        }
    }
    out
}

/// The controls of one panel that its figure depends on, without the panel's name.
pub fn of_panel(controls: &Controls, panel: &str) -> Controls {
    gather(controls.iter().filter_map(|(key, value)| {
        let (owner, name) = key.split_once('.')?;
        (owner == panel && !view::is_look(name)).then(|| (name.to_owned(), value.clone()))
    }))
}

/// A room's document as controls.
pub fn of_document(document: &Document) -> Controls {
    gather(document.iter().filter_map(|(key, value)| Some((key.as_str().to_owned(), from_value(value.as_json())?))))
}

/// A room's value for a control: a string, or an array of strings.
pub fn to_value(values: &[String], many: bool) -> serde_json::Value {
    match values {
        [one] if !many => serde_json::Value::from(one.as_str()),
        _ => serde_json::Value::from(values.to_vec()),
    }
}

/// The inverse of [`to_value`]; anything else is not a control value.
pub fn from_value(value: &serde_json::Value) -> Option<Vec<String>> {
    match value {
        serde_json::Value::String(one) => Some(vec![one.clone()]),
        serde_json::Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_names_panel_and_control() {
        let controls = from_query("?scatter.x=age&scatter.color=class&room=private", is_control);
        assert_eq!(controls.len(), 2);
        assert_eq!(controls["scatter.x"], ["age"]);
        assert_eq!(of_panel(&controls, "scatter")["color"], ["class"]);
    }

    #[test]
    fn broken_escapes_stay_text() {
        assert_eq!(decode("100%25+%zz%"), "100% %zz%");
    }

    proptest! {
        #[test]
        fn query_round_trip(controls in proptest::collection::btree_map("[a-z]{1,6}\\.[a-z]{1,6}",
            proptest::collection::vec("[^\u{0}]{1,12}", 0..4), 0..6)) {
            prop_assert_eq!(from_query(&to_query(&controls), is_control), controls);
        }

        #[test]
        fn value_round_trip(values in proptest::collection::vec(".{0,12}", 0..4), many: bool) {
            prop_assert_eq!(from_value(&to_value(&values, many)), Some(values));
        }
    }
}
