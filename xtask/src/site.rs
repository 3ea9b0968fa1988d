//! target/site: all that the server hands to browsers.

use crate::{
    compress, plotly,
    report::{Outcome, Report},
    stamp::{self, Inputs},
    styles, wasm,
    workspace::{Flavour, Workspace},
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub const BUILD_FILE: &str = "build.txt";

/// Builds the site and returns the hash of its contents. The tools must be set up.
/// The name of a development build is for the caller to announce, once its server runs.
pub fn build(workspace: &Workspace, report: &mut Report, flavour: Flavour) -> Result<String> {
    let styles = styles::compile(workspace, report)?;
    let plotly = plotly::bundle(workspace, report)?;
    let wasm = wasm::build(workspace, report, flavour)?;

    let site = workspace.site(flavour);
    let mut wanted = BTreeMap::new();
    add(&mut wanted, "pkg", &wasm)?;
    add(&mut wanted, "pkg", &styles)?;
    add(&mut wanted, "vendor", &plotly)?;
    let public = workspace.root.join("public");
    if public.is_dir() {
        add(&mut wanted, "", &public)?;
    }
    report.step("assets", "gather the site and public/", || {
        let before = fs::read(site.join(BUILD_FILE)).ok();
        gather(&site, &wanted, flavour)?;
        let hash = content_hash(&site)?;
        let same = before.is_some_and(|before| before.starts_with(hash.as_bytes()));
        Ok(if same { Outcome::Unchanged } else { Outcome::Done })
    })?;
    let hash = content_hash(&site)?;
    if flavour == Flavour::Release {
        compress::site(workspace, report, &site)?;
        announce(&site, &hash)?;
    }
    Ok(hash)
}

/// Names the build. Done last: who polls the file sees a site that is whole.
pub fn announce(site: &Path, build: &str) -> Result<()> {
    compress::write_if_different(&site.join(BUILD_FILE), build.as_bytes())
}

fn add(wanted: &mut BTreeMap<PathBuf, PathBuf>, below: &str, folder: &Path) -> Result<()> {
    for file in stamp::files(folder)? {
        let name = file.strip_prefix(folder)?;
        wanted.insert(Path::new(below).join(name), file);
    }
    Ok(())
}

/// Makes the site hold exactly the wanted files.
fn gather(site: &Path, wanted: &BTreeMap<PathBuf, PathBuf>, flavour: Flavour) -> Result<()> {
    fs::create_dir_all(site).with_context(|| format!("cannot create {}", site.display()))?;
    for file in stamp::files(site)? {
        let name = file.strip_prefix(site)?;
        let raw = if compress::is_compressed(name) { name.with_extension("") } else { name.to_owned() };
        let stays =
            name == Path::new(BUILD_FILE) || wanted.contains_key(name) || (flavour == Flavour::Release && wanted.contains_key(&raw));
        if !stays {
            fs::remove_file(&file)?;
        }
    }
    for (name, source) in wanted {
        let target = site.join(name);
        // A compressed form of other content must not outlive it.
        if fs::read(&target).ok() != Some(fs::read(source)?) {
            for extension in ["br", "gz"] {
                let stale = compress::with_suffix(&target, extension);
                if stale.is_file() {
                    fs::remove_file(stale)?;
                }
            }
            compress::copy_if_different(source, &target)?;
        }
    }
    Ok(())
}

/// The first 12 hex digits of the hash over names and contents.
fn content_hash(site: &Path) -> Result<String> {
    let mut inputs = Inputs::of("site");
    for file in stamp::files(site)? {
        let name = file.strip_prefix(site)?;
        if name != Path::new(BUILD_FILE) && !compress::is_compressed(name) {
            inputs.text(&name.to_string_lossy().replace('\\', "/"));
            inputs.bytes(&fs::read(&file)?);
        }
    }
    Ok(inputs.hash()[..12].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_holds_exactly_what_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let (source, site) = (folder.path().join("public"), folder.path().join("site"));
        fs::create_dir_all(&source).unwrap();
        fs::create_dir_all(&site).unwrap();
        fs::write(source.join("a.svg"), "new").unwrap();
        for (name, content) in [("a.svg", "old"), ("a.svg.br", "old"), ("b.js", "x")] {
            fs::write(site.join(name), content).unwrap();
        }
        let mut wanted = BTreeMap::new();
        add(&mut wanted, "", &source).unwrap();
        gather(&site, &wanted, Flavour::Release).unwrap();

        assert_eq!(fs::read_to_string(site.join("a.svg")).unwrap(), "new");
        assert!(!site.join("a.svg.br").exists() && !site.join("b.js").exists());
    }

    #[test]
    fn the_hash_ignores_compressed_forms() {
        let site = tempfile::tempdir().unwrap();
        fs::write(site.path().join("a.js"), "x").unwrap();
        let hash = content_hash(site.path()).unwrap();
        assert_eq!(hash.len(), 12);
        fs::write(site.path().join("a.js.br"), "y").unwrap();
        assert_eq!(content_hash(site.path()).unwrap(), hash);
        fs::write(site.path().join("a.js"), "z").unwrap();
        assert_ne!(content_hash(site.path()).unwrap(), hash);
    }
}
