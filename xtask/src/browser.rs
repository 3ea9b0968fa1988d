//! The browser tests: Playwright with a Chromium that is already there.

use crate::{
    app, clients, command,
    report::{Outcome, Report, Tally},
    rust_tests,
    stamp::{self, Inputs},
    test::Options,
    tools,
    workspace::{Flavour, Workspace},
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const INPUTS: [&str; 9] = ["end2end", "src", "crates", "migrations", "demo/data", "Cargo.toml", "Cargo.lock", "Leptos.toml", ".cargo"];

/// Runs Playwright against the server that the Rust tests used too.
pub fn test(workspace: &Workspace, report: &mut Report, options: &Options) -> Result<()> {
    packages(workspace, report)?;
    let chromium = chromium(report)?;
    // A failure is in the report; the test that needs Python is skipped then.
    let python = if options.no_clients { None } else { clients::environment(workspace, report).ok() };
    report.step("browser", "the browser tests", || {
        rust_tests::unless_passed(workspace, "browser", options, &INPUTS, || playwright(workspace, &chromium, python.as_deref(), options))
    })
}

fn packages(workspace: &Workspace, report: &mut Report) -> Result<()> {
    let folder = workspace.end2end();
    report.step("end2end", "install the npm packages of end2end", || {
        let hash = Inputs::of("end2end").paths(&folder, &["package.json", "package-lock.json"])?.hash();
        let installed = folder.join("node_modules").join("@playwright").is_dir();
        if installed && stamp::current(workspace, "end2end", &hash).is_some() {
            return Ok(Outcome::Unchanged);
        }
        tools::npm_ci(&folder)?;
        stamp::leave(workspace, "end2end", &hash, "")?;
        Ok(Outcome::Done)
    })
}

/// A Chromium: the one named by `LABBOARD_CHROMIUM`, one of the system, or a new one from Debian.
fn chromium(report: &mut Report) -> Result<PathBuf> {
    let mut found = None;
    report.step("chromium", "find a browser", || {
        if let Some(named) = env::var_os("LABBOARD_CHROMIUM") {
            let named = PathBuf::from(named);
            ensure!(named.is_file(), "LABBOARD_CHROMIUM names {}, which is no file", named.display());
            return Ok(say(found.insert(named)));
        }
        if let Some(path) = of_the_system() {
            return Ok(say(found.insert(path)));
        }
        install()?;
        match of_the_system() {
            Some(path) => Ok(say(found.insert(path))),
            None => bail!(NO_CHROMIUM),
        }
    })?;
    found.context(NO_CHROMIUM)
}

const NO_CHROMIUM: &str = "no Chromium found: install Chromium or Chrome, or name one with LABBOARD_CHROMIUM=/path/to/it";

fn say(path: &mut PathBuf) -> Outcome {
    let version = Command::new(&path)
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    Outcome::Noted(format!("{} ({version})", path.display()))
}

fn of_the_system() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    let fixed = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
    let folders: Vec<PathBuf> = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))))
        .chain(fixed.iter().map(PathBuf::from))
        .find(|path| path.is_file())
}

fn install() -> Result<()> {
    let root = cfg!(unix) && Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !root || !command::exists("apt-get") {
        bail!(NO_CHROMIUM);
    }
    println!("   chromium: installing Debian's chromium");
    command::run(Command::new("apt-get").args(["update", "-qq"]))?;
    command::run(
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn playwright(workspace: &Workspace, chromium: &Path, python: Option<&Path>, options: &Options) -> Result<Tally> {
    let folder = workspace.end2end();
    ensure!(folder.join("playwright.config.ts").is_file(), "end2end/playwright.config.ts is missing");
    // A copy: a build that runs meanwhile must not replace the server under test.
    let binary = workspace.target().join("browser").join(format!("labboard{}", env::consts::EXE_SUFFIX));
    app::place(&workspace.executable("debug"), &binary)?;
    let results = workspace.target().join("browser").join("results.json");
    if results.exists() {
        fs::remove_file(&results)?;
    }
    let mut node = Command::new("node");
    node.arg("node_modules/@playwright/test/cli.js")
        .args(["test", "--reporter=list,json"])
        .current_dir(&folder)
        .envs(app::environment(workspace, Flavour::Release))
        .env("LABBOARD_BIN", &binary)
        .env("LABBOARD_CHROMIUM", chromium)
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &results)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    if let Some(python) = python {
        node.env("LABBOARD_CLIENTS_PYTHON", python);
    }
    if options.long {
        node.env("LABBOARD_LONG", "1");
    }
    let ended = command::run(&mut node);
    let text = match fs::read_to_string(&results) {
        Ok(text) => text,
        Err(error) => {
            ended?;
            bail!("Playwright left no results: {error}");
        }
    };
    let tally = tally(&serde_json::from_str(&text)?)?;
    // Playwright also fails for what is no test's fault, such as a file that does not compile.
    if tally.failed == 0 {
        ended?;
    }
    Ok(tally)
}

/// Reads the `stats` of Playwright's JSON report; a test that passed on retry has passed.
fn tally(report: &Value) -> Result<Tally> {
    let count = |name: &str| report["stats"][name].as_u64().with_context(|| format!("Playwright's report has no stats.{name}"));
    let flaky = count("flaky")?;
    if flaky > 0 {
        println!("   browser: {flaky} passed only when tried again");
    }
    Ok(Tally { passed: count("expected")? + flaky, failed: count("unexpected")?, skipped: count("skipped")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playwrights_report_is_read() {
        let report = serde_json::json!({ "stats": { "expected": 7, "unexpected": 1, "flaky": 2, "skipped": 3 } });
        let expected = Tally { passed: 9, failed: 1, skipped: 3 };
        assert_eq!(tally(&report).unwrap(), expected);
        assert!(tally(&serde_json::json!({})).is_err());
    }
}
