//! The history of a room: who changed what and when, and how the page looked then.

use std::fmt::Write as _;

use labboard_room::server::Record;
use labboard_room::{Changes, Document, Key, RoomId};
use labboard_store::{LoggedOp, now_ms};

use super::text::{ago, escape};
use crate::app::panels;
use crate::controls::{from_value, of_document, to_query};
use crate::error::AppError;
use crate::model::Kind;
use crate::server::source::app_error;
use crate::server::state::State;
use crate::server::views::entity_of;
use crate::view;

/// Changes that one page of the drawer shows.
const PAGE: u32 = 50;

fn broken(error: &serde_json::Error) -> AppError {
    AppError::Internal(format!("the room's history cannot be read: {error}"))
}

/// One page of the history as HTML, the newest change first.
pub async fn drawer(state: &State, room: &RoomId, before: Option<u64>) -> Result<String, AppError> {
    let ops = state.store().room_history(room.as_str(), before, PAGE).await.map_err(app_error)?;
    let mut out = String::from("<ol class=\"history\">");
    for op in &ops {
        entry(op, room, &mut out)?;
    }
    out.push_str("</ol>");
    if ops.is_empty() {
        out.push_str("<p class=\"note\">Nobody has changed this view yet.</p>");
    }
    if let Some(oldest) = ops.last().filter(|op| ops.len() == PAGE as usize && op.seq > 1) {
        let _ =
            write!(out, "<p><button type=\"button\" class=\"button\" data-get=\"history&amp;before={}\">Earlier</button></p>", oldest.seq);
    }
    Ok(out)
}

fn entry(op: &LoggedOp, room: &RoomId, out: &mut String) -> Result<(), AppError> {
    let record: Record = serde_json::from_str(&op.json).map_err(|error| broken(&error))?;
    let author = if op.author.is_empty() { "Somebody" } else { &op.author };
    let _ = write!(
        out,
        "<li data-seq=\"{seq}\"><p><b>{author}</b> <time>{when}</time></p><p>{what}</p>\
         <button type=\"button\" class=\"ghost\" data-restore=\"{seq}\">Restore this view</button></li>",
        seq = op.seq,
        author = escape(author),
        when = ago(op.at_ms, now_ms()),
        what = escape(&described(&record.set, room)),
    );
    Ok(())
}

/// What was changed, in a few words for each property.
fn described(set: &Changes, room: &RoomId) -> String {
    /// Properties that are named; a reset may have hundreds.
    const FEW: usize = 6;
    let mut parts = set
        .iter()
        .take(FEW)
        .map(|(key, value)| one(key, value.as_ref().and_then(|value| from_value(value.as_json())), room))
        .collect::<Vec<_>>();
    if set.len() > FEW {
        parts.push(format!("and {} more", set.len() - FEW));
    }
    parts.join(", ")
}

fn one(key: &Key, value: Option<Vec<String>>, room: &RoomId) -> String {
    // What `/explore` shows are datasets.
    let kind = entity_of(room.page()).map_or(Kind::Data, |entity| entity.kind);
    let panel = panels::find(kind, key.panel()).map_or_else(|| key.panel().to_owned(), |panel| panel.title().to_owned());
    let text = value.as_ref().map(|values| values.join(", "));
    match (key.control(), text) {
        (view::ZOOM, Some(_)) => format!("zoomed {panel}"),
        (view::ZOOM, None) => format!("zoomed {panel} out"),
        (view::SELECTION, Some(_)) => format!("selected in {panel}"),
        (view::SELECTION, None) => format!("cleared the selection in {panel}"),
        (view::TWIN, on) => format!("{} the table of {panel}", if on.is_some() { "opened" } else { "closed" }),
        (view::SORT, Some(column)) => format!("sorted {panel} by {column}"),
        (view::HIDDEN, Some(names)) => format!("hid {names} in {panel}"),
        (view::HIDDEN, None) => format!("showed everything in {panel}"),
        (control, Some(value)) => format!("{panel}: {control} = {value}"),
        (control, None) => format!("{panel}: {control} as at first"),
    }
}

/// The view after an operation, as a query.
pub async fn moment(state: &State, room: &RoomId, seq: u64) -> Result<String, AppError> {
    let log = state.store().room_moment(room.as_str(), seq).await.map_err(app_error)?;
    let log = log.ok_or_else(|| AppError::NotFound("The history does not go back that far".to_owned()))?;
    let mut document = match log.snapshot {
        Some(snapshot) => serde_json::from_str::<Document>(&snapshot.json).map_err(|error| broken(&error))?,
        None => Document::new(),
    };
    for op in &log.tail {
        let record: Record = serde_json::from_str(&op.json).map_err(|error| broken(&error))?;
        document.apply(&record.set);
    }
    Ok(to_query(&of_document(&document)))
}

#[cfg(test)]
mod tests {
    use labboard_room::Value;
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_described_by_panel() {
        let room = RoomId::new("/data/5", None).expect("a room");
        let set = |key: &str, value: serde_json::Value| -> Changes {
            let value = (!value.is_null()).then(|| Value::new(value).expect("a value"));
            [(key.parse().expect("a key"), value)].into()
        };
        assert_eq!(described(&set("scatter.x", json!("age")), &room), "Scatter: x = age");
        assert_eq!(described(&set("scatter.x", json!(null)), &room), "Scatter: x as at first");
        assert_eq!(described(&set("scatter.zoom", json!("ab;x:0,1")), &room), "zoomed Scatter");
        assert_eq!(described(&set("scatter.twin", json!(["on"])), &room), "opened the table of Scatter");
        let many: Changes = (0..9).map(|i| (format!("scatter.c{i}").parse().expect("a key"), None)).collect();
        assert!(described(&many, &room).ends_with("and 3 more"));
    }
}
