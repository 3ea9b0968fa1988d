//! Removing content that nothing mentions any more.

use std::collections::HashSet;
use std::time::Duration;

use crate::catalogue::Store;
use crate::entity::NewRun;
use crate::error::{IoContext, StoreError};

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub files: usize,
    pub tables: usize,
}

impl Store {
    /// Removes files and columns that nothing in the catalogue mentions and that
    /// nobody has written for `grace`, which must be longer than any import takes:
    /// content lies there before its row does.
    pub async fn sweep(&self, grace: Duration) -> Result<Swept, StoreError> {
        // An open transaction keeps everybody else from committing a mention.
        let mut writer = self.inner.writer.begin().await?;
        let mut mentioned: HashSet<String> = HashSet::new();
        for sql in ["SELECT hash FROM file", "SELECT columns_hash FROM dataset"] {
            mentioned.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&mut *writer).await?);
        }
        let held = sqlx::query_scalar::<_, String>("SELECT document FROM held_back").fetch_all(&mut *writer).await?;
        for document in held {
            let run = crate::held::parse(&document)?;
            let NewRun { files, .. } = run;
            mentioned.extend(files.into_iter().map(|file| file.file.hash.into()));
        }

        let (files, columns) = (self.files().clone(), self.columns().clone());
        let swept = tokio::task::spawn_blocking(move || {
            let old = |content: &crate::files::Content| {
                let age = content.modified.elapsed().unwrap_or_default();
                age >= grace && !mentioned.contains(content.hash.as_str())
            };
            let mut swept = Swept::default();
            for content in files.list()?.iter().filter(|content| old(content)) {
                files.discard(content)?;
                swept.files += 1;
            }
            for content in columns.list()?.iter().filter(|content| old(content)) {
                columns.discard(content)?;
                swept.tables += 1;
            }
            Ok::<_, StoreError>(swept)
        })
        .await;
        swept.map_err(std::io::Error::other).context("sweep", self.dir())?
    }
}
