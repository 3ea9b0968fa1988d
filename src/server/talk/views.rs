//! Saved views: a room's view under a name, and an address that is short however much it holds.

use std::fmt::Write as _;

use labboard_room::RoomId;
use labboard_store::{SavedView, now_ms};

use super::Visitor;
use super::text::{ago, escape};
use crate::error::AppError;
use crate::server::source::app_error;
use crate::server::state::State;

/// Characters of a view's name.
const LONGEST_NAME: usize = 80;
/// Views that the drawer shows.
const SHOWN: u32 = 200;
/// Letters and digits that are not mistaken for each other.
const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

fn code() -> String {
    (0..7).map(|_| char::from(LETTERS[usize::from(rand::random::<u8>()) % LETTERS.len()])).collect()
}

/// Keeps a view, and answers its code.
pub async fn save(state: &State, room: &RoomId, visitor: &Visitor, name: &str, view: &str) -> Result<String, AppError> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(AppError::BadRequest(format!("A view's name has 1 to {LONGEST_NAME} characters")));
    }
    let saved = SavedView {
        code: code(),
        room: room.as_str().to_owned(),
        name,
        owner: visitor.owner.clone(),
        author: visitor.name.clone(),
        view: view.to_owned(),
        ..SavedView::default()
    };
    state.store().add_view(&saved).await.map_err(app_error)?;
    Ok(saved.code)
}

fn not_mine(is_done: bool) -> Result<(), AppError> {
    if is_done { Ok(()) } else { Err(AppError::Forbidden("Only who saved a view may change it".to_owned())) }
}

pub async fn update(state: &State, visitor: &Visitor, code: &str, view: &str) -> Result<(), AppError> {
    not_mine(state.store().update_view(code, &visitor.owner, view).await.map_err(app_error)?)
}

pub async fn delete(state: &State, visitor: &Visitor, code: &str) -> Result<(), AppError> {
    not_mine(state.store().delete_view(code, &visitor.owner).await.map_err(app_error)?)
}

/// The room's views as HTML.
pub async fn drawer(state: &State, room: &RoomId, visitor: &Visitor) -> Result<String, AppError> {
    let views = state.store().views(room.as_str(), SHOWN).await.map_err(app_error)?;
    let mut out = String::from(
        "<form data-post=\"save-view\"><label class=\"field\"><span>Name of the view that you see now</span><input name=\"name\" required maxlength=\"80\" autocomplete=\"off\"></label>\
         <div class=\"actions\"><button class=\"button primary\">Save this view</button></div></form><ul class=\"views\">",
    );
    for view in &views {
        let link = format!("{}/v/{}", state.config().base_path, view.code);
        let _ = write!(
            out,
            "<li data-view=\"{code}\"><p><a href=\"{link}\" rel=\"external\">{name}</a></p><p class=\"by\">{author} <time>{when}</time> <code>{link}</code><button type=\"button\" class=\"ghost\" data-copy>Copy</button></p>",
            code = escape(&view.code),
            name = escape(&view.name),
            author = escape(&view.author),
            when = ago(view.changed_ms, now_ms()),
        );
        if view.owner == visitor.owner {
            let hidden = format!("<input type=\"hidden\" name=\"code\" value=\"{}\">", escape(&view.code));
            let _ = write!(
                out,
                "<form data-post=\"update-view\">{hidden}<button class=\"ghost\">Replace by what I see now</button></form>\
                 <form data-post=\"delete-view\">{hidden}<button class=\"ghost\">Delete</button></form>"
            );
        }
        out.push_str("</li>");
    }
    out.push_str("</ul>");
    if views.is_empty() {
        out.push_str("<p class=\"note\">No view has been saved here yet.</p>");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_and_plain() {
        let codes = (0..100).map(|_| code()).collect::<std::collections::BTreeSet<_>>();
        assert!(codes.len() > 95 && codes.iter().all(|code| code.len() == 7 && code.bytes().all(|byte| LETTERS.contains(&byte))));
    }
}
