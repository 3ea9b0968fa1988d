//! Results kept by the hash of what they were made from. They live in cargo's
//! target directory, so that a fresh clone finds what an earlier one made.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The folder of a result, made by `build` unless it is there. The second value says whether it was made now.
pub fn folder(
    workspace: &Workspace,
    kind: &str,
    key: &str,
    keep: usize,
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<(PathBuf, bool)> {
    let home = workspace.cache().join(kind);
    let folder = home.join(key);
    if folder.is_dir() {
        touch(&folder);
        return Ok((folder, false));
    }
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    // Removed again if `build` fails, or if somebody else finished the same result
    // meanwhile: theirs is as good.
    let unfinished = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(&home)?;
    build(unfinished.path())?;
    if fs::rename(unfinished.path(), &folder).is_ok() {
        let _ = unfinished.keep();
    }
    prune(&home, keep)?;
    Ok((folder, true))
}

/// Removes all but the results used last.
pub fn prune(home: &Path, keep: usize) -> Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    entries.sort();
    let surplus = entries.len().saturating_sub(keep);
    for (_, path) in entries.into_iter().take(surplus) {
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Marks as used now; a read-only cache still serves.
pub fn touch(path: &Path) {
    if let Ok(file) = File::open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_result_is_made_once_and_a_failed_one_leaves_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: temporary.path().to_owned(), cargo_target: temporary.path().join("target") };
        assert!(folder(&workspace, "kind", "k", 2, |_| bail!("broken")).is_err());
        let write = |folder: &Path| Ok(fs::write(folder.join("file"), "x")?);
        let (path, made) = folder(&workspace, "kind", "k", 2, write).unwrap();
        assert!(made && path.join("file").is_file());
        let (_, made) = folder(&workspace, "kind", "k", 2, |_| bail!("not called")).unwrap();
        assert!(!made);
    }

    #[test]
    fn only_the_latest_results_are_kept() {
        let temporary = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: temporary.path().to_owned(), cargo_target: temporary.path().join("target") };
        for key in ["a", "b", "c"] {
            folder(&workspace, "kind", key, 2, |_| Ok(())).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(fs::read_dir(workspace.cache().join("kind")).unwrap().count(), 2);
    }
}
