//! Unit, integration and doc tests.

use crate::{
    app, command,
    report::{Outcome, Report, Tally},
    stamp::{self, Inputs},
    test::Options,
    tools,
    workspace::{Flavour, Workspace},
};
use anyhow::{Result, bail};
use std::process::Command;

/// What Rust's tests depend on besides the site.
const INPUTS: [&str; 13] = [
    "src",
    "crates",
    "xtask",
    "tests",
    "benches",
    "migrations",
    "docs",
    "demo/data",
    "Cargo.toml",
    "Cargo.lock",
    "Leptos.toml",
    ".cargo",
    ".config",
];

/// Runs tests unless they passed on the same inputs.
pub fn unless_passed(
    workspace: &Workspace,
    step: &'static str,
    options: &Options,
    inputs: &[&str],
    test: impl FnOnce() -> Result<Tally>,
) -> Result<Outcome> {
    let site = workspace.site(Flavour::Release);
    let hash = Inputs::of(step)
        .text(&tools::rustc_version(workspace)?)
        .text(if options.long { "long" } else { "short" })
        .paths(&site, &[crate::site::BUILD_FILE])?
        .paths(&workspace.root, inputs)?
        .hash();
    if !options.all
        && let Some(note) = stamp::current(workspace, step, &hash)
        && let Some(tally) = parse_note(&note)
    {
        return Ok(Outcome::TestsUnchanged(tally));
    }
    let tally = test()?;
    if tally.failed == 0 {
        let note = format!("{} {}", tally.passed, tally.skipped);
        stamp::leave(workspace, step, &hash, &note)?;
    }
    Ok(Outcome::Tests(tally))
}

fn parse_note(note: &str) -> Option<Tally> {
    let (passed, skipped) = note.trim().split_once(' ')?;
    Some(Tally { passed: passed.parse().ok()?, failed: 0, skipped: skipped.parse().ok()? })
}

/// Unit and integration tests of the application and its crates, then of xtask.
pub fn rust(workspace: &Workspace, report: &mut Report, options: &Options) -> Result<()> {
    let nextest = nextest(report)?;
    let application = report.step("rust", "unit and integration tests", || {
        unless_passed(workspace, "rust", options, &INPUTS, || tests(workspace, options, nextest, &["--features=ssr"]))
    });
    let xtask = report.step("xtask", "tests of xtask", || {
        unless_passed(workspace, "xtask", options, &["xtask", "Cargo.lock"], || tests(workspace, options, nextest, &["--package=xtask"]))
    });
    application.and(xtask)
}

/// Whether nextest is there, or can be installed; plain `cargo test` does otherwise.
fn nextest(report: &mut Report) -> Result<bool> {
    let there = || Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if there() {
        return Ok(true);
    }
    report.step("nextest", "install the test runner", || {
        let installed = command::run(Command::new("cargo").args(["install", "--locked", "cargo-nextest"]));
        Ok(match installed {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Noted(format!("{error:#}; `cargo test` runs the tests instead")),
        })
    })?;
    Ok(there())
}

fn tests(workspace: &Workspace, options: &Options, nextest: bool, which: &[&str]) -> Result<Tally> {
    let mut cargo = command::cargo(&workspace.root);
    if nextest {
        cargo.args(["nextest", "run", "--no-fail-fast", "--no-tests=pass"]);
        if options.long {
            cargo.args(["--profile=long", "--run-ignored=all"]);
        }
        cargo.args(which);
    } else {
        cargo.args(["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
        cargo.args(which);
        if options.long {
            cargo.args(["--", "--include-ignored"]);
        }
    }
    set_environment(&mut cargo, workspace, options);
    let (status, text) = command::watch(&mut cargo)?;
    let tally = if nextest { nextest_tally(&text) } else { libtest_tally(&text) };
    conclude(status.success(), tally)
}

/// The examples in the documentation, which nextest does not run.
pub fn doc(workspace: &Workspace, report: &mut Report, options: &Options) -> Result<()> {
    report.step("doc", "the examples in the documentation", || {
        unless_passed(workspace, "doc", options, &INPUTS, || {
            let mut cargo = command::cargo(&workspace.root);
            cargo.args(["test", "--doc", "--no-fail-fast", "--features=ssr"]);
            set_environment(&mut cargo, workspace, options);
            let (status, text) = command::watch(&mut cargo)?;
            conclude(status.success(), libtest_tally(&text))
        })
    })
}

fn set_environment(command: &mut Command, workspace: &Workspace, options: &Options) {
    command.envs(app::environment(workspace, Flavour::Release));
    command.env("CARGO_TERM_COLOR", "never");
    if options.long {
        command.env("LABBOARD_LONG", "1");
    }
}

/// A runner that failed without a failed test did not compile, or broke down.
fn conclude(success: bool, tally: Option<Tally>) -> Result<Tally> {
    match tally {
        Some(tally) if success || tally.failed > 0 => Ok(tally),
        Some(_) | None if !success => bail!("the tests could not be run to the end"),
        _ => Ok(tally.unwrap_or_default()),
    }
}

/// Reads nextest's closing line: `Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
fn nextest_tally(text: &str) -> Option<Tally> {
    let line = text.lines().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
    let (_, counts) = line.split_once(" run: ")?;
    let mut tally = Tally::default();
    for part in counts.split(", ") {
        let mut words = part.split_whitespace();
        let Some(count) = words.next().and_then(|word| word.parse::<u64>().ok()) else {
            continue;
        };
        match words.next() {
            Some("passed") => tally.passed += count,
            Some("skipped") => tally.skipped += count,
            // failed, timed out, failed to start: all that is neither passed nor skipped
            Some("failed" | "timed" | "exec") => tally.failed += count,
            _ => {}
        }
    }
    Some(tally)
}

/// Adds up libtest's lines: `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
fn libtest_tally(text: &str) -> Option<Tally> {
    let mut total = None;
    for line in text.lines() {
        let Some(counts) = line.trim_start().strip_prefix("test result: ") else {
            continue;
        };
        let tally: &mut Tally = total.get_or_insert_default();
        let words: Vec<&str> = counts.split_whitespace().collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed;" => tally.passed += count,
                "failed;" => tally.failed += count,
                "ignored;" => tally.skipped += count,
                _ => {}
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextests_summary_is_read() {
        let text = "    Starting 9 tests\n     Summary [   1.2s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 4 skipped\nerror: test run failed\n";
        let expected = Tally { passed: 6, failed: 3, skipped: 4 };
        assert_eq!(nextest_tally(text), Some(expected));
        assert_eq!(nextest_tally("error: could not compile"), None);
    }

    #[test]
    fn libtests_results_are_added_up() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let expected = Tally { passed: 4, failed: 2, skipped: 1 };
        assert_eq!(libtest_tally(text), Some(expected));
    }

    #[test]
    fn a_run_that_broke_down_is_an_error() {
        let clean = Tally { passed: 1, ..Tally::default() };
        assert!(conclude(false, None).is_err());
        assert!(conclude(false, Some(clean)).is_err());
        assert_eq!(conclude(true, Some(clean)).unwrap(), clean);
        let failed = Tally { failed: 1, ..clean };
        assert_eq!(conclude(false, Some(failed)).unwrap(), failed);
    }

    #[test]
    fn a_note_is_read_back() {
        let tally = Tally { passed: 12, failed: 0, skipped: 3 };
        assert_eq!(parse_note("12 3"), Some(tally));
        assert_eq!(parse_note(""), None);
    }
}
