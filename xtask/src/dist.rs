//! `cargo xtask dist`: the binary with licence and checksums in one archive.

use crate::{
    app,
    report::{Outcome, Report},
    stamp, tools,
    workspace::Workspace,
};
use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What goes beside the binary.
const COMPANIONS: [&str; 3] = ["LICENSE", "README.md", "CHANGELOG.md"];

/// Writes target/dist/labboard-VERSION-TRIPLE.tar.gz and SHA256SUMS.
pub fn pack(workspace: &Workspace, report: &mut Report) -> Result<PathBuf> {
    let binary = app::build_release(workspace, report)?;
    let folder = workspace.target().join("dist");
    let mut packed = PathBuf::new();
    report.step("dist", "pack the binary, licence and checksums", || {
        let name = format!("labboard-{}-{}", env!("CARGO_PKG_VERSION"), host(&tools::rustc_version(workspace)?)?);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let mut files = vec![(binary, 0o755)];
        for companion in COMPANIONS {
            let path = workspace.root.join(companion);
            if companion == "CHANGELOG.md" && !path.exists() {
                continue;
            }
            ensure!(path.is_file(), "{companion} is missing");
            files.push((path, 0o644));
        }
        let archive = archive(&name, &files)?;
        let file = format!("{name}.tar.gz");
        packed = folder.join(&file);
        fs::write(&packed, &archive)?;
        let sums = format!("{}  {file}\n", stamp::sha256(&archive));
        fs::write(folder.join("SHA256SUMS"), sums)?;
        Ok(Outcome::Noted(format!("{}, {:.1} MB", workspace.shown(&packed), archive.len() as f64 / 1e6)))
    })?;
    Ok(packed)
}

/// The host triple, from `rustc -vV`.
fn host(rustc: &str) -> Result<&str> {
    rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")
}

/// One folder with the files in it; the same files give the same bytes.
fn archive(folder: &str, files: &[(PathBuf, u32)]) -> Result<Vec<u8>> {
    let encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(encoder);
    for (path, mode) in files {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        let name = path.file_name().context("a file without a name")?;
        archive.append_data(&mut header, Path::new(folder).join(name), &*content)?;
    }
    Ok(archive.into_inner()?.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_holds_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("labboard");
        fs::write(&binary, "x").unwrap();
        let packed = archive("labboard-1", &[(binary, 0o755)]).unwrap();
        let mut reader = tar::Archive::new(flate2::read::GzDecoder::new(&*packed));
        let entry = reader.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap(), Path::new("labboard-1/labboard"));
        assert_eq!(entry.header().mode().unwrap(), 0o755);
    }

    #[test]
    fn the_host_is_found() {
        assert_eq!(host("rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\n").unwrap(), "x86_64-unknown-linux-gnu");
        assert!(host("").is_err());
    }
}
