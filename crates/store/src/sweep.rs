//! Removing content that nothing mentions any more.

use std::collections::HashSet;
use std::time::Duration;

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
        let _content = self.inner.content.write().await;
        // An open transaction keeps everybody else from committing a mention.
        let mut writer = self.inner.writer.begin().await?;
        let tables: HashSet<ContentHash> = mentioned::tables(&mut writer).await?.into_iter().collect();
        let mut uploads = mentioned::held_files(&mut writer).await?;
        uploads.extend(mentioned::files(&mut writer, "", u32::MAX).await?);

        let (files, columns) = (self.files().clone(), self.columns().clone());
        blocking("sweep", self.dir(), move || {
            let old = |content: &Content, mentioned: &HashSet<ContentHash>| {
                let age = content.modified.elapsed().unwrap_or_default();
                age >= grace && !mentioned.contains(&content.hash)
            };
            let mut swept = Swept::default();
            for content in files.list()?.iter().filter(|content| old(content, &uploads)) {
                files.discard(content)?;
                swept.files += 1;
            }
            for content in columns.list()?.iter().filter(|content| old(content, &tables)) {
                columns.discard(content)?;
                swept.tables += 1;
            }
            Ok(swept)
        })
        .await
    }
}
