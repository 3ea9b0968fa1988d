//! The server: built for tests, for use, and started.

use crate::{
    command, demo,
    report::{Outcome, Report},
    site,
    stamp::{self, Inputs},
    tools,
    workspace::{Flavour, Workspace},
};
use anyhow::{Context, Result, ensure};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// What the server is told about the files that it reads from disk, and embeds when it is packed.
pub fn environment(workspace: &Workspace, flavour: Flavour) -> [(&'static str, OsString); 2] {
    [("LABBOARD_SITE", workspace.site(flavour).into()), ("LABBOARD_DEMO", workspace.demo_archive().into())]
}

/// Compiles the server and all Rust tests in the one profile that tests and browser share.
///
/// Both in one command: dev-dependencies take part in choosing the features of
/// dependencies, and a server built apart from them would compile those twice.
pub fn build_for_tests(workspace: &Workspace, report: &mut Report) -> Result<()> {
    report.step("compile", "the server and all Rust tests", || {
        command::run(
            command::cargo(&workspace.root)
                .args(["build", "--features=ssr", "--lib", "--bins", "--tests"])
                .envs(environment(workspace, Flavour::Release)),
        )?;
        Ok(Outcome::Done)
    })
}

/// Compiles the server alone, unoptimised, reading its files from disk.
pub fn build_dev(workspace: &Workspace) -> Result<PathBuf> {
    // `--examples` (there are none) lets dev-dependencies take part as in the test build,
    // so that the two share every compiled dependency.
    command::run(command::cargo(&workspace.root).args(["build", "--features=ssr", "--lib", "--bins", "--examples"]))?;
    Ok(workspace.executable("debug"))
}

/// Builds target/release/labboard with everything inside.
pub fn build_release(workspace: &Workspace, report: &mut Report) -> Result<PathBuf> {
    let site_hash = site::build(workspace, report, Flavour::Release)?;
    let demo_hash = demo::pack(workspace, report)?;
    let binary = workspace.target().join("release").join(format!("labboard{}", env::consts::EXE_SUFFIX));
    report.step("server", "compile the self-contained server", || {
        let hash = Inputs::of("server 1")
            .text(&tools::rustc_version(workspace)?)
            .text(&site_hash)
            .text(&demo_hash)
            .paths(&workspace.root, &["src", "crates", "migrations", "docs", "Cargo.toml", "Cargo.lock", "Leptos.toml", ".cargo"])?
            .hash();
        let made = stamp::current(workspace, "server", &hash);
        if made.is_some_and(|sum| matches!(file_hash(&binary), Ok(there) if there == sum)) {
            return Ok(Outcome::Unchanged);
        }
        command::run(
            command::cargo(&workspace.root)
                .args(["build", "--release", "--package=labboard", "--bin=labboard", "--features=embed"])
                .envs(environment(workspace, Flavour::Release))
                // Read by `option_env!` in the server, so that cargo compiles it anew for another site.
                .env("LABBOARD_BUILD", &Inputs::of(&site_hash).text(&demo_hash).hash()[..12]),
        )?;
        let built = workspace.executable("release");
        if built != binary {
            place(&built, &binary)?;
        }
        stamp::leave(workspace, "server", &hash, &file_hash(&binary)?)?;
        let size = fs::metadata(&binary)?.len();
        Ok(Outcome::Noted(format!("{:.1} MB", size as f64 / 1e6)))
    })?;
    Ok(binary)
}

fn file_hash(path: &Path) -> Result<String> {
    Ok(stamp::sha256(&fs::read(path)?))
}

/// A copy that stays what it is when cargo builds the original anew.
pub fn place(built: &Path, target: &Path) -> Result<()> {
    ensure!(built.is_file(), "cargo made no {}", built.display());
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    if target.exists() {
        fs::remove_file(target)?;
    }
    if fs::hard_link(built, target).is_err() {
        fs::copy(built, target).with_context(|| format!("cannot copy {} to {}", built.display(), target.display()))?;
    }
    Ok(())
}

/// Builds everything and starts labboard in the foreground.
pub fn run(workspace: &Workspace, report: &mut Report, dev: bool, arguments: &[String]) -> Result<ExitCode> {
    let binary = if dev {
        site::build(workspace, report, Flavour::Release)?;
        demo::pack(workspace, report)?;
        let mut binary = PathBuf::new();
        report.step("server", "compile the server without optimisation", || {
            binary = build_dev(workspace)?;
            Ok(Outcome::Done)
        })?;
        binary
    } else {
        build_release(workspace, report)?
    };
    println!("== labboard serve {}", arguments.join(" "));
    let mut server = Command::new(&binary);
    server.arg("serve").args(arguments);
    if dev {
        server.envs(environment(workspace, Flavour::Release));
    }
    let status = server.status().with_context(|| format!("cannot start {}", binary.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placed_file_survives_a_new_build() {
        let folder = tempfile::tempdir().unwrap();
        let (built, placed) = (folder.path().join("b"), folder.path().join("x").join("p"));
        assert!(place(&built, &placed).is_err());
        fs::write(&built, "first").unwrap();
        place(&built, &placed).unwrap();
        fs::remove_file(&built).unwrap();
        fs::write(&built, "second").unwrap();
        assert_eq!(fs::read_to_string(&placed).unwrap(), "first");
        place(&built, &placed).unwrap();
        assert_eq!(fs::read_to_string(&placed).unwrap(), "second");
    }
}
