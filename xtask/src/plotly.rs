//! The bundle of plotly.js: only the traces that the panels draw.

use crate::{
    cache, command,
    report::{Outcome, Report},
    stamp::Inputs,
    tools::Packages,
    workspace::Workspace,
};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// What makes the bundle; the first is run.
const SCRIPTS: [&str; 3] = ["plotly.mjs", "marks/trace.mjs", "marks/raster.mjs"];

/// The folder with plotly.min.js, plotly.css and the licences of what is in them.
pub fn bundle(workspace: &Workspace, report: &mut Report) -> Result<PathBuf> {
    let mut folder = None;
    report.step("plotly", "bundle plotly.js with the traces that the panels draw", || {
        let sources = workspace.npm_sources();
        let key = Inputs::of("plotly 2").paths(&sources, &["package.json", "package-lock.json"])?.paths(&sources, &SCRIPTS)?.hash();
        let (done, made) = cache::folder(workspace, "plotly", &key, 4, |out| {
            let packages = Packages::install(workspace)?;
            command::run(packages.own_scripts(workspace, &SCRIPTS)?.arg(out))
        })?;
        folder = Some(done);
        Ok(if made { Outcome::Done } else { Outcome::Unchanged })
    })?;
    folder.context("the plotly step left no folder")
}
