//! What people say about a page and the views that they keep of it, as text that only pages understand.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::catalogue::{Store, now_ms};
use crate::error::StoreError;

/// Something to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewComment {
    pub room: String,
    /// The first comment of the thread; `None` begins one.
    pub thread: Option<i64>,
    /// The digest of the visitor's secret.
    pub owner: String,
    pub author: String,
    pub text: String,
    /// What a new thread is about, and the view in which it is begun.
    pub anchor: String,
    pub view: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment {
    pub id: i64,
    pub room: String,
    pub thread: Option<i64>,
    pub owner: String,
    pub author: String,
    pub text: String,
    pub anchor: String,
    pub view: String,
    /// Milliseconds since 1970, UTC, as all times here.
    pub at_ms: i64,
    pub edited_ms: Option<i64>,
    pub resolved_ms: Option<i64>,
    pub resolved_by: String,
}

/// A view that somebody keeps under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedView {
    /// A few letters and digits, unique.
    pub code: String,
    pub room: String,
    pub name: String,
    pub owner: String,
    pub author: String,
    pub view: String,
    pub at_ms: i64,
    pub changed_ms: i64,
}

/// Comments, and saved views, in one room.
const MOST_COMMENTS: i64 = 10_000;
const MOST_VIEWS: i64 = 1_000;

/// The comments that fit.
macro_rules! comments {
    ($view:literal, $which:literal) => {
        concat!(
            "SELECT id, room, thread, owner, author, text, anchor, ",
            $view,
            " AS view, at_ms, edited_ms, resolved_ms, resolved_by FROM comment ",
            $which
        )
    };
}

/// The saved views that fit.
macro_rules! views {
    ($which:literal) => {
        concat!("SELECT code, room, name, owner, author, view, at_ms, changed_ms FROM saved_view ", $which)
    };
}

impl Store {
    /// Adds a comment and answers its id.
    ///
    /// # Errors
    /// `Invalid` if the thread is not one of the room, or the room has as many comments as it takes.
    pub async fn add_comment(&self, comment: &NewComment) -> Result<i64, StoreError> {
        let NewComment { room, thread, owner, author, text, anchor, view } = comment;
        let added = sqlx::query(
            "INSERT INTO comment (room, thread, owner, author, text, anchor, view, at_ms) SELECT $1, $2, $3, $4, $5, $6, $7, $8
             WHERE ($2 IS NULL OR EXISTS (SELECT 1 FROM comment WHERE id = $2 AND room = $1 AND thread IS NULL))
             AND (SELECT count(*) FROM comment WHERE room = $1) < $9",
        )
        .bind(room)
        .bind(thread)
        .bind(owner)
        .bind(author)
        .bind(text)
        .bind(anchor)
        .bind(view)
        .bind(now_ms())
        .bind(MOST_COMMENTS)
        .execute(&self.inner.rooms)
        .await?;
        match added.rows_affected() {
            0 => Err(StoreError::Invalid(format!("that thread is gone, or the room has {MOST_COMMENTS} comments already"))),
            _ => Ok(added.last_insert_rowid()),
        }
    }

    pub async fn comment(&self, id: i64) -> Result<Option<Comment>, StoreError> {
        let row = sqlx::query(comments!("view", "WHERE id = $1")).bind(id).fetch_optional(&self.inner.rooms).await?;
        row.as_ref().map(comment).transpose()
    }

    /// The comments of the newest threads of a room, each thread in the order in which it was written. Their views are left out.
    pub async fn comments(&self, room: &str, threads: u32) -> Result<Vec<Comment>, StoreError> {
        let query = comments!(
            "''",
            "WHERE room = $1 AND coalesce(thread, id) IN
             (SELECT id FROM comment WHERE room = $1 AND thread IS NULL ORDER BY id DESC LIMIT $2)
             ORDER BY coalesce(thread, id) DESC, id"
        );
        let rows = sqlx::query(query).bind(room).bind(i64::from(threads)).fetch_all(&self.inner.rooms).await?;
        rows.iter().map(comment).collect()
    }

    /// Changes a comment's text; `false` if it is not in the room or not this owner's.
    pub async fn edit_comment(&self, room: &str, id: i64, owner: &str, text: &str) -> Result<bool, StoreError> {
        let query = "UPDATE comment SET text = $3, edited_ms = $4 WHERE id = $1 AND owner = $2 AND room = $5";
        let done = sqlx::query(query).bind(id).bind(owner).bind(text).bind(now_ms()).bind(room).execute(&self.inner.rooms).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Deletes a comment; a thread's first one only while nobody has answered. `false` if it is not there, not this owner's,
    /// or answered.
    pub async fn delete_comment(&self, room: &str, id: i64, owner: &str) -> Result<bool, StoreError> {
        let query = "DELETE FROM comment WHERE id = $1 AND owner = $2 AND room = $3 AND NOT EXISTS (SELECT 1 FROM comment AS answer WHERE answer.thread = $1)";
        let done = sqlx::query(query).bind(id).bind(owner).bind(room).execute(&self.inner.rooms).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Settles a thread, or opens it again; `false` if there is no such one.
    pub async fn resolve_thread(&self, room: &str, id: i64, by: Option<&str>) -> Result<bool, StoreError> {
        let query = "UPDATE comment SET resolved_ms = $2, resolved_by = $3 WHERE id = $1 AND thread IS NULL AND room = $4";
        let at = by.map(|_| now_ms());
        let done = sqlx::query(query).bind(id).bind(at).bind(by.unwrap_or_default()).bind(room).execute(&self.inner.rooms).await?;
        Ok(done.rows_affected() > 0)
    }

    /// The last comment of a room that a visitor has read; 0 for none.
    pub async fn comments_read(&self, room: &str, visitor: &str) -> Result<i64, StoreError> {
        let query = "SELECT up_to FROM comment_read WHERE room = $1 AND visitor = $2";
        let read = sqlx::query_scalar::<_, i64>(query).bind(room).bind(visitor).fetch_optional(&self.inner.rooms).await?;
        Ok(read.unwrap_or(0))
    }

    pub async fn set_comments_read(&self, room: &str, visitor: &str, up_to: i64) -> Result<(), StoreError> {
        let query = "INSERT INTO comment_read (room, visitor, up_to) VALUES ($1, $2, $3)
                     ON CONFLICT (room, visitor) DO UPDATE SET up_to = excluded.up_to WHERE excluded.up_to > comment_read.up_to";
        sqlx::query(query).bind(room).bind(visitor).bind(up_to).execute(&self.inner.rooms).await?;
        Ok(())
    }

    /// Keeps a view. Its times are set here.
    ///
    /// # Errors
    /// `Invalid` if the code is taken.
    pub async fn add_view(&self, view: &SavedView) -> Result<(), StoreError> {
        let query =
            "INSERT INTO saved_view (code, room, name, owner, author, view, at_ms, changed_ms) SELECT $1, $2, $3, $4, $5, $6, $7, $7
                     WHERE (SELECT count(*) FROM saved_view WHERE room = $2) < $8";
        let added = sqlx::query(query)
            .bind(&view.code)
            .bind(&view.room)
            .bind(&view.name)
            .bind(&view.owner)
            .bind(&view.author)
            .bind(&view.view)
            .bind(now_ms())
            .bind(MOST_VIEWS)
            .execute(&self.inner.rooms)
            .await;
        match added {
            Ok(added) if added.rows_affected() > 0 => Ok(()),
            Ok(_) => Err(StoreError::Invalid(format!("the room has {MOST_VIEWS} saved views already"))),
            Err(error) => match error.as_database_error() {
                Some(cause) if cause.is_unique_violation() => Err(StoreError::Invalid("that code is taken".to_owned())),
                _ => Err(error.into()),
            },
        }
    }

    pub async fn view(&self, code: &str) -> Result<Option<SavedView>, StoreError> {
        let row = sqlx::query(views!("WHERE code = $1")).bind(code).fetch_optional(&self.inner.rooms).await?;
        row.as_ref().map(view).transpose()
    }

    /// The views of a room, the one that was changed last first.
    pub async fn views(&self, room: &str, limit: u32) -> Result<Vec<SavedView>, StoreError> {
        let query = views!("WHERE room = $1 ORDER BY changed_ms DESC, code LIMIT $2");
        let rows = sqlx::query(query).bind(room).bind(i64::from(limit)).fetch_all(&self.inner.rooms).await?;
        rows.iter().map(view).collect()
    }

    /// Replaces what is kept under a code; `false` if it is not there or not this owner's.
    pub async fn update_view(&self, code: &str, owner: &str, view: &str) -> Result<bool, StoreError> {
        let query = "UPDATE saved_view SET view = $3, changed_ms = $4 WHERE code = $1 AND owner = $2";
        let done = sqlx::query(query).bind(code).bind(owner).bind(view).bind(now_ms()).execute(&self.inner.rooms).await?;
        Ok(done.rows_affected() > 0)
    }

    /// `false` if it is not there or not this owner's.
    pub async fn delete_view(&self, code: &str, owner: &str) -> Result<bool, StoreError> {
        let query = "DELETE FROM saved_view WHERE code = $1 AND owner = $2";
        let done = sqlx::query(query).bind(code).bind(owner).execute(&self.inner.rooms).await?;
        Ok(done.rows_affected() > 0)
    }
}

fn comment(row: &SqliteRow) -> Result<Comment, StoreError> {
    Ok(Comment {
        id: row.try_get("id")?,
        room: row.try_get("room")?,
        thread: row.try_get("thread")?,
        owner: row.try_get("owner")?,
        author: row.try_get("author")?,
        text: row.try_get("text")?,
        anchor: row.try_get("anchor")?,
        view: row.try_get("view")?,
        at_ms: row.try_get("at_ms")?,
        edited_ms: row.try_get("edited_ms")?,
        resolved_ms: row.try_get("resolved_ms")?,
        resolved_by: row.try_get("resolved_by")?,
    })
}

fn view(row: &SqliteRow) -> Result<SavedView, StoreError> {
    Ok(SavedView {
        code: row.try_get("code")?,
        room: row.try_get("room")?,
        name: row.try_get("name")?,
        owner: row.try_get("owner")?,
        author: row.try_get("author")?,
        view: row.try_get("view")?,
        at_ms: row.try_get("at_ms")?,
        changed_ms: row.try_get("changed_ms")?,
    })
}
