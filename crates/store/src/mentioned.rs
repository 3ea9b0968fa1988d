//! The content that a catalogue mentions.

use std::collections::HashSet;

use sqlx::SqliteConnection;

use crate::error::StoreError;
use crate::hash::ContentHash;

/// Uploaded files that entities refer to: the first `limit` whose hash comes after
/// `after`, in order. A catalogue may mention more than memory should hold.
pub(crate) async fn files(conn: &mut SqliteConnection, after: &str, limit: u32) -> Result<Vec<ContentHash>, StoreError> {
    let found: Vec<String> = sqlx::query_scalar("SELECT DISTINCT hash FROM file WHERE hash > $1 ORDER BY hash LIMIT $2")
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    found.into_iter().map(|hash| parse(&hash)).collect()
}

/// Uploaded files of runs that are held back.
pub(crate) async fn held_files(conn: &mut SqliteConnection) -> Result<HashSet<ContentHash>, StoreError> {
    let mut found = HashSet::new();
    for document in sqlx::query_scalar::<_, String>("SELECT document FROM held_back").fetch_all(conn).await? {
        found.extend(crate::held::parse(&document)?.files.into_iter().map(|file| file.file.hash));
    }
    Ok(found)
}

/// Columns of datasets, each once.
pub(crate) async fn tables(conn: &mut SqliteConnection) -> Result<Vec<ContentHash>, StoreError> {
    let found: Vec<String> = sqlx::query_scalar("SELECT DISTINCT columns_hash FROM dataset ORDER BY columns_hash").fetch_all(conn).await?;
    found.into_iter().map(|hash| parse(&hash)).collect()
}

fn parse(hash: &str) -> Result<ContentHash, StoreError> {
    hash.parse().map_err(|error| StoreError::Corrupt { place: format!("the hash {hash:?} in the catalogue"), reason: format!("{error}") })
}
