//! The style sheet.

use crate::{
    cache, command,
    report::{Outcome, Report},
    stamp::Inputs,
    tools::Packages,
    workspace::Workspace,
};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

/// The folder with labboard.css.
pub fn compile(workspace: &Workspace, report: &mut Report) -> Result<PathBuf> {
    let mut folder = None;
    report.step("styles", "compile style/main.scss", || {
        let main = workspace.root.join("style").join("main.scss");
        ensure!(main.is_file(), "style/main.scss is missing");
        let key = Inputs::of("styles 1")
            .paths(&workspace.npm_sources(), &["package.json", "package-lock.json"])?
            .paths(&workspace.root, &["style"])?
            .hash();
        let (done, made) = cache::folder(workspace, "styles", &key, 8, |out| {
            command::run(
                Packages::install(workspace)?
                    .script("sass/sass.js")
                    .args(["--no-source-map", "--style=compressed", "--charset"])
                    .arg(&main)
                    .arg(out.join("labboard.css")),
            )
        })?;
        folder = Some(done);
        Ok(if made { Outcome::Done } else { Outcome::Unchanged })
    })?;
    folder.context("the styles step left no folder")
}
