//! The demo data in one archive: a tar of demo/data, compressed with zstd.

use crate::{
    cache,
    compress::copy_if_different,
    report::{Outcome, Report},
    stamp::{self, Inputs},
    workspace::Workspace,
};
use anyhow::{Context, Result, ensure};
use std::{fs, path::Path};

const LEVEL: i32 = 19;
const ARCHIVE: &str = "demo.tar.zst";

/// Writes target/demo.tar.zst and returns the hash of what is in it.
pub fn pack(workspace: &Workspace, report: &mut Report) -> Result<String> {
    let data = workspace.root.join("demo").join("data");
    let mut hash = String::new();
    report.step("demo", "pack demo/data into target/demo.tar.zst", || {
        ensure!(data.is_dir(), "demo/data is missing");
        hash = Inputs::of("demo 1").paths(&data, &["."])?.hash();
        let (folder, made) = cache::folder(workspace, "demo", &hash, 3, |out| {
            fs::write(out.join(ARCHIVE), archive(&data)?).context("cannot write the archive")
        })?;
        let archive = workspace.demo_archive();
        copy_if_different(&folder.join(ARCHIVE), &archive)?;
        if !made {
            return Ok(Outcome::Unchanged);
        }
        let size = fs::metadata(archive)?.len();
        Ok(Outcome::Noted(format!("{} kB", size / 1000)))
    })?;
    Ok(hash)
}

/// The same data gives the same bytes: sorted names, no owners, no times.
fn archive(data: &Path) -> Result<Vec<u8>> {
    let encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    let mut archive = tar::Builder::new(encoder);
    for file in stamp::files(data)? {
        let content = fs::read(&file)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, file.strip_prefix(data)?, &*content)?;
    }
    Ok(archive.into_inner()?.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_archive_is_the_same_each_time_and_reads_back() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("b")).unwrap();
        fs::write(data.path().join("b").join("iris.arff"), "@relation iris").unwrap();
        fs::write(data.path().join("a.json"), "{}").unwrap();
        let first = archive(data.path()).unwrap();
        assert_eq!(first, archive(data.path()).unwrap());

        let mut reader = tar::Archive::new(zstd::Decoder::new(&*first).unwrap());
        let mut found = Vec::new();
        for entry in reader.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            found.push((entry.path().unwrap().display().to_string(), content));
        }
        assert_eq!(found, [("a.json".to_owned(), "{}".to_owned()), ("b/iris.arff".to_owned(), "@relation iris".to_owned())]);
    }
}
