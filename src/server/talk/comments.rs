//! Comments: threads about a panel, a mark, a row, or a place among the data.

use std::fmt::Write as _;

use labboard_room::RoomId;
use labboard_store::{Comment, NewComment, now_ms};
use serde_json::Value;

use super::Visitor;
use super::text::{ago, escape, html, mentions};
use crate::error::AppError;
use crate::server::source::app_error;
use crate::server::state::State;

/// Characters of a comment.
const LONGEST: usize = 8_000;
/// Threads that the drawer shows, the newest.
const THREADS: u32 = 200;
/// Members of an anchor, each a short text: the panel, what its axes show, a mark's id, a row's name, and a place or its corners.
const ANCHOR: [&str; 9] = ["panel", "axes", "mark", "row", "x", "y", "x1", "y1", "label"];

fn bad(reason: &str) -> AppError {
    AppError::BadRequest(reason.to_owned())
}

fn checked_text(text: &str) -> Result<String, AppError> {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    match text.chars().count() {
        0 => Err(bad("A comment needs a text")),
        1..=LONGEST => Ok(text),
        _ => Err(bad("A comment has at most 8000 characters")),
    }
}

fn checked_anchor(text: &str) -> Result<String, AppError> {
    let anchor: Value = if text.is_empty() {
        Value::Object(Default::default())
    } else {
        serde_json::from_str(text).map_err(|_| bad("The anchor is no JSON"))?
    };
    let members = anchor.as_object().ok_or_else(|| bad("The anchor is no JSON object"))?;
    let fits = |(name, value): (&String, &Value)| ANCHOR.contains(&name.as_str()) && value.as_str().is_some_and(|text| text.len() <= 256);
    if members.iter().all(fits) {
        Ok(anchor.to_string())
    } else {
        Err(bad("An anchor has texts for panel, axes, mark, row, x, y, x1, y1 and label only"))
    }
}

/// Begins a thread, or answers in one.
pub async fn add(
    state: &State,
    room: &RoomId,
    visitor: &Visitor,
    thread: Option<i64>,
    text: &str,
    anchor: &str,
    view: &str,
) -> Result<i64, AppError> {
    let comment = NewComment {
        room: room.as_str().to_owned(),
        thread,
        owner: visitor.owner.clone(),
        author: visitor.name.clone(),
        text: checked_text(text)?,
        anchor: if thread.is_none() { checked_anchor(anchor)? } else { String::new() },
        view: if thread.is_none() { view.to_owned() } else { String::new() },
    };
    let id = state.store().add_comment(&comment).await.map_err(app_error)?;
    // Who writes has read what was there.
    state.store().set_comments_read(room.as_str(), &visitor.owner, id).await.map_err(app_error)?;
    Ok(id)
}

/// Changes one's own comment.
pub async fn edit(state: &State, room: &RoomId, visitor: &Visitor, id: i64, text: &str) -> Result<(), AppError> {
    let is_done = state.store().edit_comment(room.as_str(), id, &visitor.owner, &checked_text(text)?).await.map_err(app_error)?;
    if is_done { Ok(()) } else { Err(AppError::Forbidden("Only who wrote a comment may change it".to_owned())) }
}

/// Deletes one's own comment.
pub async fn delete(state: &State, room: &RoomId, visitor: &Visitor, id: i64) -> Result<(), AppError> {
    let is_done = state.store().delete_comment(room.as_str(), id, &visitor.owner).await.map_err(app_error)?;
    let reason = "Only who wrote a comment may delete it, and the first of a thread only before it is answered";
    if is_done { Ok(()) } else { Err(AppError::Forbidden(reason.to_owned())) }
}

/// All threads of a room as HTML. Each carries its anchor, from which the page makes its pins.
pub async fn drawer(state: &State, room: &RoomId, visitor: &Visitor) -> Result<String, AppError> {
    let comments = state.store().comments(room.as_str(), THREADS).await.map_err(app_error)?;
    let read = state.store().comments_read(room.as_str(), &visitor.owner).await.map_err(app_error)?;
    let is_new = |comment: &&Comment| comment.id > read && comment.owner != visitor.owner;
    let unread = comments.iter().filter(is_new).count();
    let last = comments.iter().map(|comment| comment.id).max().unwrap_or(0);
    let mentioned = comments
        .iter()
        .filter(is_new)
        .filter(|comment| mentions(&comment.text, &visitor.name))
        .map(|comment| comment.id)
        .max()
        .unwrap_or(0);
    let mut out = format!("<div class=\"threads\" data-unread=\"{unread}\" data-last=\"{last}\" data-mentioned=\"{mentioned}\">");
    out.push_str(&form("comment", None, "Write about this page, or point at something", "Comment"));
    for thread in comments.chunk_by(|a, b| a.thread.unwrap_or(a.id) == b.thread.unwrap_or(b.id)) {
        if let Some(first) = thread.first() {
            thread_html(state, room, visitor, first, thread, read, &mut out);
        }
    }
    if comments.is_empty() {
        out.push_str("<p class=\"note\">Nobody has said anything about this page yet.</p>");
    }
    out.push_str("</div>");
    Ok(out)
}

fn form(action: &str, thread: Option<i64>, hint: &str, button: &str) -> String {
    let hidden = thread.map(|id| format!("<input type=\"hidden\" name=\"thread\" value=\"{id}\">")).unwrap_or_default();
    let label = thread.map_or_else(|| "new".to_owned(), |id| id.to_string());
    let point = if thread.is_none() {
        "<input name=\"anchor\" data-draft=\"anchor\" hidden><button type=\"button\" class=\"button\" data-point>Point at something</button><span class=\"note\" data-anchor></span>"
    } else {
        ""
    };
    format!(
        "<form data-post=\"{action}\" data-typing=\"{label}\">{hidden}<textarea name=\"text\" data-draft=\"{label}\" rows=\"2\" maxlength=\"{LONGEST}\" required placeholder=\"{hint}\" aria-label=\"{hint}\"></textarea>\
         <div class=\"actions\">{point}<button class=\"button primary\">{button}</button></div><p class=\"note typing\" data-typing-here=\"{label}\"></p></form>"
    )
}

fn thread_html(state: &State, room: &RoomId, visitor: &Visitor, first: &Comment, thread: &[Comment], read: i64, out: &mut String) {
    let anchor: Value = serde_json::from_str(&first.anchor).unwrap_or_default();
    let resolved = first.resolved_ms.is_some();
    let _ = write!(out, "<article class=\"thread\" id=\"comment-{0}\" data-thread=\"{0}\" data-resolved=\"{resolved}\"", first.id);
    for name in ANCHOR {
        if let Some(text) = anchor.get(name).and_then(Value::as_str) {
            // `data-panel` is that of the panel itself.
            let attribute = if name == "panel" { "on" } else { name };
            let _ = write!(out, " data-{attribute}=\"{}\"", escape(text));
        }
    }
    out.push('>');
    let about = anchor.get("label").or_else(|| anchor.get("panel")).and_then(Value::as_str).unwrap_or("this page");
    let name = room.name().map(|name| format!("&amp;room={name}")).unwrap_or_default();
    let link = format!("{}{}?comment={}{name}", state.config().base_path, room.page(), first.id);
    let _ = write!(
        out,
        "<p class=\"about\"><a href=\"{}\" rel=\"external\" title=\"The exact view in which this was written\">{}</a> <span class=\"where\"></span></p>",
        link,
        escape(about)
    );
    for comment in thread {
        let is_mine = comment.owner == visitor.owner;
        let mut class = String::from("comment");
        if comment.id > read && !is_mine {
            class.push_str(" unread");
        }
        if mentions(&comment.text, &visitor.name) {
            class.push_str(" mentions");
        }
        let edited = if comment.edited_ms.is_some() { " (edited)" } else { "" };
        let _ = write!(
            out,
            "<div class=\"{class}\" data-comment=\"{id}\"><p class=\"by\"><b>{author}</b> <time>{when}{edited}</time></p>{text}",
            id = comment.id,
            author = escape(&comment.author),
            when = ago(comment.at_ms, now_ms()),
            text = html(&comment.text),
        );
        if is_mine {
            let _ = write!(
                out,
                "<details class=\"own\"><summary>Edit</summary><form data-post=\"edit\"><input type=\"hidden\" name=\"id\" value=\"{id}\">\
                 <textarea name=\"text\" data-draft=\"edit-{id}\" rows=\"3\" maxlength=\"{LONGEST}\" required aria-label=\"Your comment\">{raw}</textarea><div class=\"actions\"><button class=\"button\">Save</button></div></form>\
                 <form data-post=\"delete\"><input type=\"hidden\" name=\"id\" value=\"{id}\"><button class=\"ghost\">Delete</button></form></details>",
                id = comment.id,
                raw = escape(&comment.text),
            );
        }
        out.push_str("</div>");
    }
    if resolved {
        let _ = write!(out, "<p class=\"note\">Settled by {}</p>", escape(&first.resolved_by));
    } else {
        out.push_str(&form("comment", Some(first.id), "Answer", "Answer"));
    }
    let (label, open) = if resolved { ("Open again", "1") } else { ("Settle", "0") };
    let _ = write!(
        out,
        "<form data-post=\"resolve\"><input type=\"hidden\" name=\"id\" value=\"{}\"><input type=\"hidden\" name=\"open\" value=\"{open}\"><button class=\"ghost\">{label}</button></form></article>",
        first.id
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_anchors_have_limits() {
        assert_eq!(checked_text(" a\r\nb ").expect("a text"), "a\nb");
        assert!(checked_text(" \n ").is_err() && checked_text(&"x".repeat(LONGEST + 1)).is_err());
        assert!(checked_anchor("").is_ok() && checked_anchor(r#"{"panel":"scatter","x":"1.5"}"#).is_ok());
        for anchor in ["[]", "no", r#"{"other":"x"}"#, r#"{"x":1}"#, &format!(r#"{{"row":"{}"}}"#, "x".repeat(300))] {
            assert!(checked_anchor(anchor).is_err(), "{anchor}");
        }
    }
}
