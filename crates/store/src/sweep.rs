//! Removing content that nothing mentions any more.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use sqlx::SqliteConnection;

use crate::catalogue::Store;
use crate::error::{StoreError, blocking};
use crate::files::Content;
use crate::hash::ContentHash;
use crate::mentioned;

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
        self.sweep_before(SystemTime::now().checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH)).await
    }

    /// The same for what nobody has written since the store was opened, so that no
    /// import is under way for it: what a crash left, and what was given up or deleted
    /// before.
    pub async fn sweep_leftovers(&self) -> Result<Swept, StoreError> {
        self.sweep_before(self.inner.staging.opened()).await
    }

    async fn sweep_before(&self, before: SystemTime) -> Result<Swept, StoreError> {
        // Where there is much content, looking for what is loose takes long. Nobody waits for that.
        let mut loose = self.old_content(before).await?;
        loose.retain_loose(&Mentions::read(&mut *self.reader().await?).await?);
        if loose.is_empty() {
            return Ok(Swept::default());
        }
        let _content = self.inner.content.write().await;
        // An open transaction keeps everybody else from committing a mention.
        let mut writer = self.inner.writer.begin().await?;
        loose.retain_loose(&Mentions::read(&mut writer).await?);
        let (files, columns) = (self.files().clone(), self.columns().clone());
        blocking("sweep", self.dir(), move || {
            let mut swept = Swept::default();
            for content in &loose.files {
                swept.files += usize::from(files.discard(content, before)?);
            }
            for content in &loose.tables {
                swept.tables += usize::from(columns.discard(content, before)?);
            }
            Ok(swept)
        })
        .await
    }

    async fn old_content(&self, before: SystemTime) -> Result<OldContent, StoreError> {
        let (files, columns) = (self.files().clone(), self.columns().clone());
        blocking("list", self.dir(), move || {
            let mut old = OldContent { files: files.list()?, tables: columns.list()? };
            old.files.retain(|content| content.modified < before);
            old.tables.retain(|content| content.modified < before);
            Ok(old)
        })
        .await
    }
}

#[derive(Debug)]
struct OldContent {
    files: Vec<Content>,
    tables: Vec<Content>,
}

impl OldContent {
    fn retain_loose(&mut self, mentions: &Mentions) {
        self.files.retain(|content| !mentions.files.contains(&content.hash));
        self.tables.retain(|content| !mentions.tables.contains(&content.hash));
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.tables.is_empty()
    }
}

#[derive(Debug)]
struct Mentions {
    files: HashSet<ContentHash>,
    tables: HashSet<ContentHash>,
}

impl Mentions {
    async fn read(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        let mut files = mentioned::held_files(conn).await?;
        files.extend(mentioned::files(conn, "", u32::MAX).await?);
        Ok(Self { files, tables: mentioned::tables(conn).await?.into_iter().collect() })
    }
}
