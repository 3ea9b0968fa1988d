//! The tests with OpenML's Python clients, unmodified, from PyPI.

use crate::{
    app, cache, command,
    report::{Outcome, Report, Tally},
    rust_tests,
    stamp::Inputs,
    test::Options,
    workspace::{Flavour, Workspace},
};
use anyhow::{Context, Result, bail, ensure};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

const INPUTS: [&str; 7] = ["end2end/clients", "src", "crates", "migrations", "Cargo.toml", "Cargo.lock", "Leptos.toml"];

/// Runs pytest against the server that the other tests used too.
pub fn test(workspace: &Workspace, report: &mut Report, options: &Options) -> Result<()> {
    let python = environment(workspace, report)?;
    report.step("clients", "OpenML's Python clients against the server", || {
        rust_tests::unless_passed(workspace, "clients", options, &INPUTS, || pytest(workspace, &python, options))
    })
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.end2end().join("clients")
}

/// A virtual environment with the pinned clients.
pub fn environment(workspace: &Workspace, report: &mut Report) -> Result<PathBuf> {
    let mut found = None;
    report.step("python", "a virtual environment with the pinned clients", || {
        let python = python()?;
        let key = Inputs::of("python 1").text(&python.1).paths(&folder(workspace), &["requirements.txt"])?.hash();
        let (home, is_new) = cache::folder(workspace, "python", &key, 2, |out| {
            let venv = out.join("venv");
            command::run(Command::new(&python.0).args(["-m", "venv"]).arg(&venv))?;
            let requirements = folder(workspace).join("requirements.txt");
            command::run(
                Command::new(interpreter(out))
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
                    .arg(requirements),
            )
        })?;
        found = Some(interpreter(&home));
        Ok(if is_new { Outcome::Noted(python.1) } else { Outcome::Unchanged })
    })?;
    found.context("the Python step left no interpreter")
}

fn interpreter(home: &Path) -> PathBuf {
    home.join("venv").join("bin").join("python")
}

/// A Python that can make virtual environments, and its version. `LABBOARD_PYTHON` names one.
fn python() -> Result<(String, String)> {
    let names = env::var("LABBOARD_PYTHON").map_or_else(|_| vec!["python3.11".to_owned(), "python3".to_owned()], |name| vec![name]);
    for name in &names {
        let able = Command::new(name).args(["-c", "import ensurepip, venv"]).output().is_ok_and(|output| output.status.success());
        if able {
            let version = Command::new(name).arg("--version").output().context("Python has no version")?;
            return Ok((name.clone(), String::from_utf8_lossy(&version.stdout).trim().to_owned()));
        }
    }
    bail!(
        "no Python 3.11 with venv found: install python3 and python3-venv, name one with LABBOARD_PYTHON, or leave these tests out with --no-clients"
    )
}

fn pytest(workspace: &Workspace, python: &Path, options: &Options) -> Result<Tally> {
    // A copy: a build that runs meanwhile must not replace the server under test.
    let binary = workspace.target().join("clients").join(format!("labboard{}", env::consts::EXE_SUFFIX));
    app::place(&workspace.executable("debug"), &binary)?;
    let mut pytest = Command::new(python);
    pytest
        .args(["-m", "pytest", "--quiet", "--color=no", "--tb=short", "-p", "no:cacheprovider"])
        .current_dir(folder(workspace))
        .envs(app::environment(workspace, Flavour::Release))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("LABBOARD_BINARY", &binary);
    if options.long {
        pytest.env("LABBOARD_LONG", "1");
    }
    let (status, text) = command::watch(&mut pytest)?;
    let tally = tally(&text).context("pytest left no summary")?;
    ensure!(status.success() || tally.failed > 0, "pytest could not run to the end");
    Ok(tally)
}

/// Reads pytest's closing line: `6 failed, 377 passed, 2 skipped, 2 errors in 29.34s`.
fn tally(text: &str) -> Option<Tally> {
    let line = text
        .lines()
        .rev()
        .find(|line| line.contains(" in ") && (line.contains("passed") || line.contains("failed") || line.contains("error")))?;
    let (counts, _) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
    let mut tally = Tally::default();
    for part in counts.split(", ") {
        let (count, word) = part.split_once(' ')?;
        let count = count.parse::<u64>().ok()?;
        match word {
            "passed" => tally.passed += count,
            "skipped" => tally.skipped += count,
            "failed" | "error" | "errors" => tally.failed += count,
            _ => {}
        }
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pytests_summary_is_read() {
        let read = |text: &str| tally(text);
        assert_eq!(read("....\n383 passed in 22.40s\n"), Some(Tally { passed: 383, failed: 0, skipped: 0 }));
        let all = "== 6 failed, 377 passed, 1 skipped, 3 warnings, 2 errors in 29.34s ==\n";
        assert_eq!(read(all), Some(Tally { passed: 377, failed: 8, skipped: 1 }));
        assert_eq!(read("Traceback: no such file\n"), None);
    }
}
