//! A folder for files on their way here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use labboard_store::Store;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// In the data directory's `tmp`, which is emptied at the start; gone with the value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// # Errors
    /// The folder cannot be made.
    pub async fn new(store: &Store) -> std::io::Result<Self> {
        let path = store.dir().join("tmp").join(format!("upstream-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        tokio::fs::create_dir_all(&path).await?;
        Ok(Self(path))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// What cannot be removed now goes at the next start.
fn remove(path: &Path) {
    let _ = std::fs::remove_dir_all(path);
}
