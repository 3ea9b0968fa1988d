//! The browser side in WebAssembly: cargo, the bindings, then wasm-opt.

mod prune;

use crate::{
    cache, command,
    report::{Outcome, Report},
    stamp::Inputs,
    tools::{Packages, WASM_TARGET, rustc_version},
    workspace::{Flavour, Workspace},
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};
use wasm_bindgen_cli_support::Bindgen;

/// What the compiled library depends on.
const SOURCES: [&str; 6] = ["src", "crates", "Cargo.toml", "Cargo.lock", ".cargo", "Leptos.toml"];

/// What rustc emits by default, which wasm-opt must be told to accept.
const WASM_OPT: [&str; 8] = [
    // The second pass finds what the first one uncovers.
    "-Oz",
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-sign-ext",
    "--enable-mutable-globals",
];

/// The folder with labboard.js and labboard_bg.wasm.
pub fn build(workspace: &Workspace, report: &mut Report, flavour: Flavour) -> Result<PathBuf> {
    let mut folder = None;
    report.step("wasm", "compile the browser side, make its bindings, shrink it", || {
        let sources =
            Inputs::of("wasm 4").text(&format!("{flavour:?}")).text(&rustc_version(workspace)?).paths(&workspace.root, &SOURCES)?.hash();
        // The sources lead to a compiled module, the module to the result: an edit that
        // only touches the server ends at the same module and costs no wasm-opt.
        let known = known_module(workspace, &sources);
        if let Some(done) = known.and_then(|module| finished(workspace, &module)) {
            folder = Some(done);
            return Ok(Outcome::Unchanged);
        }
        let compiled = compile(workspace, flavour)?;
        let module = Inputs::of("bindings 4")
            .text(&format!("{flavour:?}"))
            .text(&bindings_version(workspace)?)
            .paths(&workspace.npm_sources(), &["package.json", "package-lock.json"])?
            .bytes(&fs::read(&compiled).with_context(|| format!("cargo made no {}: is the library a cdylib?", compiled.display()))?)
            .hash();
        let (done, _) = cache::folder(workspace, "wasm", &module, 6, |out| {
            bind(&compiled, out, flavour)?;
            match flavour {
                Flavour::Dev => Ok(()),
                Flavour::Release => shrink(workspace, out),
            }
        })?;
        cache::folder(workspace, "wasm-sources", &sources, 12, |out| Ok(fs::write(out.join("module"), &module)?))?;
        let size = fs::metadata(done.join("labboard_bg.wasm"))?.len();
        folder = Some(done);
        Ok(Outcome::Noted(format!("{} kB of WASM", size / 1000)))
    })?;
    folder.context("the WASM step left no folder")
}

fn known_module(workspace: &Workspace, sources: &str) -> Option<String> {
    let folder = workspace.cache().join("wasm-sources").join(sources);
    fs::read_to_string(folder.join("module")).ok()
}

fn finished(workspace: &Workspace, module: &str) -> Option<PathBuf> {
    let folder = workspace.cache().join("wasm").join(module);
    folder.is_dir().then(|| {
        cache::touch(&folder);
        folder
    })
}

/// The lock file's line for wasm-bindgen, so that another version makes the bindings anew.
fn bindings_version(workspace: &Workspace) -> Result<String> {
    let lock = fs::read_to_string(workspace.root.join("Cargo.lock")).context("no Cargo.lock")?;
    let after = lock.split("name = \"wasm-bindgen\"\n").nth(1).unwrap_or_default();
    Ok(after.lines().next().unwrap_or_default().to_owned())
}

fn compile(workspace: &Workspace, flavour: Flavour) -> Result<PathBuf> {
    let (profile, folder) = match flavour {
        Flavour::Release => ("wasm-release", "wasm-release"),
        Flavour::Dev => ("dev", "debug"),
    };
    command::run(command::cargo(&workspace.root).args([
        "build",
        "--package=labboard",
        "--lib",
        "--no-default-features",
        "--features=hydrate",
        "--target",
        WASM_TARGET,
        "--profile",
        profile,
    ]))?;
    Ok(workspace.cargo_target.join(WASM_TARGET).join(folder).join("labboard.wasm"))
}

fn bind(compiled: &Path, out: &Path, flavour: Flavour) -> Result<()> {
    let mut output = Bindgen::new()
        .input_path(compiled)
        .web(true)?
        .typescript(false)
        .debug(flavour == Flavour::Dev)
        .keep_debug(false)
        .remove_name_section(flavour == Flavour::Release)
        .remove_producers_section(true)
        .out_name("labboard")
        .generate_output()
        .context("wasm-bindgen cannot make the bindings")?;
    if flavour == Flavour::Release {
        let pruned = prune::prune(output.wasm_mut());
        anyhow::ensure!(pruned > 0, "nothing was pruned: is the profile stripped of names, or were Leptos's functions renamed?");
        println!("   pruned {pruned} functions");
    }
    output.emit(out).context("the bindings cannot be written")
}

fn shrink(workspace: &Workspace, out: &Path) -> Result<()> {
    let packages = Packages::install(workspace)?;
    let wasm = out.join("labboard_bg.wasm");
    let before = fs::metadata(&wasm)?.len();
    command::run(packages.script("binaryen/bin/wasm-opt").args(WASM_OPT).arg(&wasm).arg("-o").arg(&wasm))?;
    let after = fs::metadata(&wasm)?.len();
    println!("   wasm-opt: {} kB to {} kB", before / 1000, after / 1000);
    let script = out.join("labboard.js");
    command::run(
        packages
            .script("esbuild/bin/esbuild")
            .arg(&script)
            .args(["--minify", "--format=esm", "--log-level=warning", "--allow-overwrite"])
            .arg(format!("--outfile={}", script.display())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wasm_bindgen_is_read_from_the_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_owned(), cargo_target: folder.path().join("target") };
        let lock = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        fs::write(folder.path().join("Cargo.lock"), lock).unwrap();
        assert_eq!(bindings_version(&workspace).unwrap(), "version = \"0.2.130\"");
    }
}
