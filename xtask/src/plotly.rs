//! The bundle of plotly.js: only the traces that the panels draw.

use crate::{
    cache, command, compress,
    report::{Outcome, Report},
    stamp::Inputs,
    tools::Packages,
    workspace::Workspace,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder with plotly.min.js, plotly.css and the licences of what is in them.
pub fn bundle(workspace: &Workspace, report: &mut Report) -> Result<PathBuf> {
    let mut folder = None;
    report.step("plotly", "bundle plotly.js with the traces that the panels draw", || {
        let (done, made) = traces(workspace, "full")?;
        folder = Some(done);
        Ok(if made { Outcome::Done } else { Outcome::Unchanged })
    })?;
    folder.context("the plotly step left no folder")
}

fn traces(workspace: &Workspace, set: &str) -> Result<(PathBuf, bool)> {
    let key =
        Inputs::of("plotly 1").text(set).paths(&workspace.npm_sources(), &["package.json", "package-lock.json", "plotly.mjs"])?.hash();
    cache::folder(workspace, "plotly", &key, 4, |out| {
        let packages = Packages::install(workspace)?;
        command::run(packages.own_script(workspace, "plotly.mjs")?.arg(out).arg(set))
    })
}

/// Prints what WebGL scatter costs in bytes.
pub fn print_sizes(workspace: &Workspace, report: &mut Report) -> Result<()> {
    for (set, what) in [("full", "bundle with scattergl"), ("lean", "bundle without scattergl")] {
        report.step("plotly", what, || {
            let (folder, _) = traces(workspace, set)?;
            let size = sizes(&folder.join("plotly.min.js"))?;
            Ok(Outcome::Noted(size))
        })?;
    }
    Ok(())
}

fn sizes(file: &Path) -> Result<String> {
    let raw = fs::read(file)?;
    let (brotli, gzip) = (compress::brotli(&raw)?, compress::gzip(&raw)?);
    Ok(format!("{} bytes, gzip {}, brotli {}", raw.len(), gzip.len(), brotli.len()))
}
