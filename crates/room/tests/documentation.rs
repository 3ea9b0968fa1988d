//! Every example of `docs/collaboration.md` is a message, and every kind of message has an example.

use std::collections::BTreeSet;

use labboard_room::{ClientMessage, ServerMessage};
use serde_json::Value as Json;

const TEXT: &str = include_str!("../../../docs/collaboration.md");

/// The JSON examples of the section with this heading.
fn examples(heading: &str) -> Vec<Json> {
    let (_, section) = TEXT.split_once(heading).expect("the section");
    let section = section.split("\n## ").next().unwrap_or(section);
    section
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or(rest))
        .map(|text| serde_json::from_str(text).expect("JSON"))
        .collect()
}

fn kinds(examples: &[Json]) -> BTreeSet<&str> {
    examples.iter().filter_map(|json| json["t"].as_str()).collect()
}

#[test]
fn client_messages() {
    let examples = examples("## What a client sends");
    for json in &examples {
        let message = ClientMessage::parse(&json.to_string()).expect("a client's message");
        assert_eq!(&serde_json::to_value(&message).expect("JSON"), json);
    }
    let all = ["hello", "join", "leave", "submit", "presence", "rename", "resync", "ping"];
    assert_eq!(kinds(&examples), all.into());
}

#[test]
fn server_messages() {
    let examples = examples("## What the server sends");
    for json in &examples {
        let message = ServerMessage::parse(&json.to_string()).expect("a server's message");
        assert_eq!(&serde_json::to_value(&message).expect("JSON"), json);
    }
    let all = ["welcome", "committed", "acknowledged", "rejected", "people", "presence", "changed", "checksum", "error", "pong", "closing"];
    assert_eq!(kinds(&examples), all.into());
}

#[test]
fn later_codes_are_understood_and_long_messages_refused() {
    let text = r#"{"t": "error", "code": "from_the_future", "message": "", "more": 1}"#;
    assert!(ServerMessage::parse(text).is_ok());
    let text = r#"{"t": "changed", "entities": [{"kind": "from_the_future", "id": 1}]}"#;
    assert!(ServerMessage::parse(text).is_ok());
    let long = format!(r#"{{"t": "rename", "name": "{}"}}"#, "x".repeat(64 * 1024));
    assert!(ClientMessage::parse(&long).is_err());
    for text in ["", "null", "{}", r#"{"t": "submit"}"#, r#"{"t": "submit", "n": -1, "set": {}}"#] {
        assert!(ClientMessage::parse(text).is_err(), "{text}");
    }
}
