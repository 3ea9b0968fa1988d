//! `cargo xtask bench`: the release binary and the load generator, handed to benches/figures.mjs.

use crate::{app, command, report::Report, tools::Packages, workspace::Workspace};
use anyhow::Result;
use std::process::{Command, ExitCode};

pub fn run(workspace: &Workspace, report: &mut Report, arguments: &[String]) -> Result<ExitCode> {
    let labboard = app::build_release(workspace, report)?;
    command::run(command::cargo(&workspace.root).args(["build", "--release", "--package=labboard-load"]))?;
    let load = workspace.cargo_target.join("release").join("labboard-load");
    Packages::install(workspace)?;
    let script = workspace.root.join("benches/figures.mjs");
    command::run(Command::new("node").arg(script).arg(labboard).arg(load).args(arguments).current_dir(&workspace.root))?;
    Ok(ExitCode::SUCCESS)
}
