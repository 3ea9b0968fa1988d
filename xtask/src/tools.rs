//! The tools that a fresh machine lacks: checked for, installed where possible, named where not.

use crate::{
    cache, command,
    report::{Outcome, Report},
    stamp::Inputs,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";
const OLDEST_NODE: u32 = 20;

/// Identifies the compiler: what it makes is reused only with the same one.
pub fn rustc_version(workspace: &Workspace) -> Result<String> {
    command::capture(Command::new("rustc").arg("-vV").current_dir(&workspace.root))
}

/// Makes sure that Rust can compile for the browser and that Node is there.
pub fn set_up(workspace: &Workspace, report: &mut Report) -> Result<()> {
    report.step("setup", "the WASM target of Rust, and Node", || {
        check_node()?;
        if has_wasm_target(workspace)? {
            return Ok(Outcome::Unchanged);
        }
        command::run(Command::new("rustup").args(["target", "add", WASM_TARGET]).current_dir(&workspace.root))
            .with_context(|| format!("Rust's {WASM_TARGET} target is missing: run `rustup target add {WASM_TARGET}`"))?;
        Ok(Outcome::Done)
    })
}

fn has_wasm_target(workspace: &Workspace) -> Result<bool> {
    let libraries =
        command::capture(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM_TARGET]).current_dir(&workspace.root))?;
    Ok(Path::new(libraries.trim()).is_dir())
}

fn check_node() -> Result<()> {
    let version = command::capture(Command::new("node").arg("--version"))?;
    match major(&version) {
        Some(OLDEST_NODE..) => Ok(()),
        _ => bail!("Node.js {} is too old: install Node.js {OLDEST_NODE} or newer", version.trim()),
    }
}

fn major(version: &str) -> Option<u32> {
    version.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Installs what the lock file beside `package.json` names.
pub fn npm_ci(folder: &Path) -> Result<()> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    // Without install scripts: none is needed, and some would download browsers or compile C++.
    command::run(
        Command::new(npm)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
            .current_dir(folder),
    )
    .with_context(|| format!("cannot install the npm packages of {}", folder.display()))
}

/// The npm packages of `xtask/npm`, installed once per lock file beside the other cached results.
#[derive(Debug)]
pub struct Packages(PathBuf);

impl Packages {
    pub fn install(workspace: &Workspace) -> Result<Self> {
        let sources = workspace.npm_sources();
        let key = Inputs::of("npm 1").paths(&sources, &["package.json", "package-lock.json"])?.hash();
        let (folder, _) = cache::folder(workspace, "npm", &key, 2, |folder| {
            println!("   npm: installing the front-end packages");
            for file in ["package.json", "package-lock.json"] {
                fs::copy(sources.join(file), folder.join(file)).with_context(|| format!("cannot copy xtask/npm/{file}"))?;
            }
            npm_ci(folder)
        })?;
        Ok(Self(folder))
    }

    /// A script of an installed package, to be run by Node.
    pub fn script(&self, path: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.0.join("node_modules").join(path));
        command
    }

    /// The first of these scripts of the workspace, placed with the others where they find the packages.
    pub fn own_scripts(&self, workspace: &Workspace, names: &[&str]) -> Result<Command> {
        for name in names {
            let placed = self.0.join(name);
            let copied =
                placed.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(workspace.npm_sources().join(name), &placed));
            copied.with_context(|| format!("cannot copy xtask/npm/{name}"))?;
        }
        let mut command = Command::new("node");
        command.args(names.first().map(|first| self.0.join(first)));
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("nonsense"), None);
    }
}
