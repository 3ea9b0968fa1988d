//! `cargo xtask test`: every check and every test, all of them even after a failure.

use crate::{
    app, browser, checks, clients, demo,
    report::Report,
    rust_tests, site, tools,
    workspace::{Flavour, Workspace},
};
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::{env, process::ExitCode};

#[derive(Debug, Args)]
pub struct Options {
    /// Run these steps only, with what they need
    #[arg(long, value_enum, value_name = "STEP", value_delimiter = ',')]
    pub only: Vec<Step>,
    /// Also run the long forms: ignored Rust tests, and whatever reads LABBOARD_LONG
    #[arg(long)]
    pub long: bool,
    /// Leave the browser tests out
    #[arg(long)]
    pub no_browser: bool,
    /// Leave the tests with Python clients out
    #[arg(long)]
    pub no_clients: bool,
    /// Run also what passed on the same inputs before; CI=true does the same
    #[arg(long)]
    pub all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    Fmt,
    Clippy,
    Boundaries,
    /// The browser side, its compressed forms and the budget of a first visit
    Site,
    Rust,
    Doc,
    Browser,
    /// OpenML's Python clients
    Clients,
}

impl Options {
    fn wants(&self, step: Step) -> bool {
        if (step == Step::Browser && self.no_browser) || (step == Step::Clients && self.no_clients) {
            return false;
        }
        self.only.is_empty() || self.only.contains(&step)
    }
}

pub fn run(workspace: &Workspace, report: &mut Report, options: &Options) -> Result<ExitCode> {
    let options =
        &Options { all: options.all || env::var("CI").is_ok_and(|value| value == "true"), only: options.only.clone(), ..*options };
    // Every error is already in the report; the later steps run all the same where they can.
    let _ = all(workspace, report, options);
    let tally = report.summarise();
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn all(workspace: &Workspace, report: &mut Report, options: &Options) -> Result<()> {
    let mut result = tools::set_up(workspace, report);
    let mut note = |step: Result<()>| {
        if result.is_ok() {
            result = step;
        }
    };
    if options.wants(Step::Fmt) {
        note(checks::format(workspace, report, options.all));
    }
    if options.wants(Step::Boundaries) {
        note(checks::boundaries(workspace, report));
    }
    if options.wants(Step::Clippy) {
        note(checks::clippy(workspace, report, options.all));
    }
    let tests = [Step::Rust, Step::Browser, Step::Clients].into_iter().any(|step| options.wants(step));
    let mut site = Ok(());
    if options.wants(Step::Site) || tests {
        site = site::build(workspace, report, Flavour::Release).map(drop);
        if site.is_ok() {
            note(checks::budget(workspace, report));
        }
    }
    if tests {
        let built = demo::pack(workspace, report).map(drop).and_then(|()| app::build_for_tests(workspace, report));
        if built.is_ok() && options.wants(Step::Rust) {
            note(rust_tests::rust(workspace, report, options));
        }
        if built.is_ok() && site.is_ok() && options.wants(Step::Browser) {
            note(browser::test(workspace, report, options));
        }
        if built.is_ok() && site.is_ok() && options.wants(Step::Clients) {
            note(clients::test(workspace, report, options));
        }
        note(built);
    }
    if options.wants(Step::Doc) {
        note(rust_tests::doc(workspace, report, options));
    }
    note(site);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(only: &[Step], no_browser: bool) -> Options {
        Options { only: only.to_vec(), long: false, no_browser, no_clients: false, all: false }
    }

    #[test]
    fn only_the_wanted_steps_run() {
        assert!(options(&[], false).wants(Step::Browser));
        assert!(!options(&[], true).wants(Step::Browser));
        assert!(options(&[Step::Fmt], false).wants(Step::Fmt));
        assert!(!options(&[Step::Fmt], false).wants(Step::Rust));
    }
}
