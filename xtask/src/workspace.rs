//! Where things are.

use anyhow::{Context, Result};
use std::{
    env,
    path::{Path, PathBuf},
};

/// How the browser side is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Small and precompressed: what is shipped and tested.
    Release,
    /// Quick to build: what `cargo xtask dev` serves.
    Dev,
}

#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    /// Cargo's target directory; outlives the clone in CI.
    pub cargo_target: PathBuf,
}

impl Workspace {
    pub fn locate() -> Result<Self> {
        // Asked at run time: clones that share a target directory may share this executable.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir.parent().context("xtask has no parent directory")?.to_owned();
        let cargo_target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => env::current_dir()?.join(dir),
            None => root.join("target"),
        };
        Ok(Self { root, cargo_target })
    }

    /// The workspace's own output directory.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    pub fn site(&self, flavour: Flavour) -> PathBuf {
        self.target().join(match flavour {
            Flavour::Release => "site",
            Flavour::Dev => "site-dev",
        })
    }

    pub fn demo_archive(&self) -> PathBuf {
        self.target().join("demo.tar.zst")
    }

    /// Results by the hash of what they were made from.
    pub fn cache(&self) -> PathBuf {
        self.cargo_target.join("xtask-cache")
    }

    pub fn npm_sources(&self) -> PathBuf {
        self.root.join("xtask").join("npm")
    }

    pub fn end2end(&self) -> PathBuf {
        self.root.join("end2end")
    }

    /// The executable that cargo leaves for a profile's directory (`debug`, `release`).
    pub fn executable(&self, profile_dir: &str) -> PathBuf {
        self.cargo_target.join(profile_dir).join(format!("labboard{}", env::consts::EXE_SUFFIX))
    }

    /// A path as a person wants to read it.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}
