//! What a step reads, as one hash, and the note that it succeeded with it.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold results, never inputs.
const NOT_INPUTS: [&str; 7] = [".git", ".venv", "__pycache__", "node_modules", "report", "target", "test-results"];

/// Everything that a step's result depends on.
#[derive(Debug)]
pub struct Inputs(Sha256);

impl Inputs {
    /// Starts with the step's name and the version of its recipe.
    pub fn of(recipe: &str) -> Self {
        let mut inputs = Self(Sha256::new());
        inputs.text(recipe);
        inputs
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Files, and folders with all below them, by name and content. One that is missing counts as such.
    pub fn paths(&mut self, root: &Path, paths: &[&str]) -> Result<&mut Self> {
        for path in paths {
            let full = root.join(path);
            if !full.exists() {
                self.text(path).text("missing");
                continue;
            }
            for file in files(&full)? {
                let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
                self.text(&name);
                let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                self.bytes(&content);
            }
        }
        Ok(self)
    }

    pub fn hash(&self) -> String {
        hex(&self.0.clone().finalize()[..16])
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The file itself, or all files below a folder, in the order of their names.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(path, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && NOT_INPUTS.iter().any(|name| entry.file_name().to_str() == Some(name)) {
            continue;
        }
        collect(&entry.path(), found)?;
    }
    Ok(())
}

/// The note left by a step, if its inputs are what they were then.
pub fn current(workspace: &Workspace, step: &str, hash: &str) -> Option<String> {
    let text = fs::read_to_string(path(workspace, step)).ok()?;
    let (stamped, note) = text.split_once('\n')?;
    (stamped == hash).then(|| note.to_owned())
}

pub fn leave(workspace: &Workspace, step: &str, hash: &str, note: &str) -> Result<()> {
    let path = path(workspace, step);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, format!("{hash}\n{note}")).with_context(|| format!("cannot write {}", path.display()))
}

fn path(workspace: &Workspace, step: &str) -> PathBuf {
    workspace.target().join("stamps").join(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(root: &Path) -> String {
        Inputs::of("test").paths(root, &["src", "absent"]).unwrap().hash()
    }

    #[test]
    fn the_hash_follows_names_and_contents_but_not_results() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("src");
        fs::create_dir_all(source.join("node_modules")).unwrap();
        fs::write(source.join("a.rs"), "one").unwrap();
        let first = hash(folder.path());

        fs::write(source.join("node_modules").join("x"), "ignored").unwrap();
        assert_eq!(hash(folder.path()), first);
        fs::write(source.join("a.rs"), "two").unwrap();
        let second = hash(folder.path());
        assert_ne!(second, first);
        fs::rename(source.join("a.rs"), source.join("b.rs")).unwrap();
        assert_ne!(hash(folder.path()), second);
    }

    #[test]
    fn a_stamp_holds_for_its_inputs_only() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_owned(), cargo_target: folder.path().join("elsewhere") };
        assert_eq!(current(&workspace, "step", "h1"), None);
        leave(&workspace, "step", "h1", "note").unwrap();
        assert_eq!(current(&workspace, "step", "h1").as_deref(), Some("note"));
        assert_eq!(current(&workspace, "step", "h2"), None);
    }
}
