//! Every text of the site once more in brotli and gzip, so that the server never compresses it.

use crate::{
    cache,
    report::{Outcome, Report},
    stamp,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

const COMPRESSIBLE: [&str; 11] = ["css", "html", "ico", "js", "json", "map", "mjs", "svg", "txt", "wasm", "webmanifest"];
/// Below one network packet there is nothing to win.
const SMALLEST: usize = 1_000;
/// Compressed results kept in the cache.
const KEPT: usize = 400;

pub fn is_compressed(path: &Path) -> bool {
    matches!(path.extension().and_then(OsStr::to_str), Some("br" | "gz"))
}

/// Writes `.br` and `.gz` beside each file of the site that gains from it.
pub fn site(workspace: &Workspace, report: &mut Report, site: &Path) -> Result<()> {
    report.step("compress", "brotli and gzip beside each file", || {
        let files: Vec<PathBuf> = stamp::files(site)?.into_iter().filter(|path| gains(path)).collect();
        let (next, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let failure = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match file(workspace, path) {
                            Ok(count) => {
                                made.fetch_add(count, Ordering::Relaxed);
                            }
                            Err(error) => {
                                if let Ok(mut failure) = failure.lock() {
                                    *failure = Some(error);
                                }
                            }
                        }
                    }
                });
            }
        });
        if let Ok(Some(error)) = failure.into_inner() {
            return Err(error);
        }
        let made = made.into_inner();
        if made == 0 {
            return Ok(Outcome::Unchanged);
        }
        cache::prune(&workspace.cache().join("compressed"), KEPT)?;
        Ok(Outcome::Noted(format!("{made} files made")))
    })
}

fn gains(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| COMPRESSIBLE.contains(&extension))
        && path.file_name() != Some(OsStr::new("build.txt"))
}

/// How many compressed files had to be made anew.
fn file(workspace: &Workspace, path: &Path) -> Result<usize> {
    let raw = fs::read(path)?;
    if raw.len() < SMALLEST {
        return Ok(0);
    }
    let home = workspace.cache().join("compressed");
    fs::create_dir_all(&home)?;
    let key = stamp::sha256(&raw);
    let mut made = 0;
    for (extension, compress) in [("br", brotli as fn(&[u8]) -> Result<Vec<u8>>), ("gz", gzip)] {
        let kept = home.join(format!("{key}.{extension}"));
        if kept.is_file() {
            cache::touch(&kept);
        } else {
            let mut unfinished = tempfile::NamedTempFile::new_in(&home)?;
            unfinished.write_all(&compress(&raw)?)?;
            unfinished.persist(&kept)?;
            made += 1;
        }
        let beside = with_suffix(path, extension);
        if fs::metadata(&kept)?.len() < raw.len() as u64 {
            copy_if_different(&kept, &beside)?;
        }
    }
    Ok(made)
}

pub fn with_suffix(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// Leaves a file alone that is already the same, so that nothing rebuilds for its time stamp.
pub fn copy_if_different(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    write_if_different(to, &content)
}

pub fn write_if_different(to: &Path, content: &[u8]) -> Result<()> {
    if fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, content).with_context(|| format!("cannot write {}", to.display()))
}

pub fn brotli(raw: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: raw.len(), ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*raw, &mut out, &parameters)?;
    Ok(out)
}

pub fn gzip(raw: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(raw)?;
    Ok(encoder.finish()?)
}

/// What a first visit transfers of the site, in bytes: everything once, compressed as browsers ask for it.
pub fn first_visit(site: &Path) -> Result<u64> {
    let mut total = 0;
    for path in site_files(site)? {
        // Licences, icons for installing and the like are not part of a page.
        let on_the_page = matches!(path.extension().and_then(OsStr::to_str), Some("css" | "js" | "wasm" | "woff2"));
        if on_the_page {
            let brotli = with_suffix(&path, "br");
            total += fs::metadata(if brotli.is_file() { &brotli } else { &path })?.len();
        }
    }
    Ok(total)
}

/// Prints each file of the site with its sizes.
pub fn print_sizes(site: &Path) -> Result<()> {
    println!("{:>10} {:>10} {:>10}  file", "raw", "gzip", "brotli");
    for path in site_files(site)? {
        let size = |path: &Path| fs::metadata(path).map_or_else(|_| "-".to_owned(), |file| file.len().to_string());
        println!(
            "{:>10} {:>10} {:>10}  {}",
            size(&path),
            size(&with_suffix(&path, "gz")),
            size(&with_suffix(&path, "br")),
            path.strip_prefix(site).unwrap_or(&path).display()
        );
    }
    println!("a first visit transfers {} bytes of it", first_visit(site)?);
    Ok(())
}

fn site_files(site: &Path) -> Result<Vec<PathBuf>> {
    if !site.is_dir() {
        bail!("{} is missing: run `cargo xtask site`", site.display());
    }
    let mut files = stamp::files(site)?;
    files.retain(|path| !is_compressed(path));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn both_forms_decode_to_the_same_bytes() {
        let raw = b"labboard ".repeat(1000);
        let mut out = Vec::new();
        brotli::BrotliDecompress(&mut &*brotli(&raw).unwrap(), &mut out).unwrap();
        assert_eq!(out, raw);
        out.clear();
        flate2::read::GzDecoder::new(&*gzip(&raw).unwrap()).read_to_end(&mut out).unwrap();
        assert_eq!(out, raw);
    }

    #[test]
    fn fonts_and_pictures_are_left_alone() {
        assert!(gains(Path::new("pkg/labboard_bg.wasm")));
        assert!(!gains(Path::new("fonts/inter.woff2")));
        assert!(!gains(Path::new("build.txt")));
    }

    #[test]
    fn a_first_visit_counts_the_compressed_form_and_no_licences() {
        let site = tempfile::tempdir().unwrap();
        fs::write(site.path().join("a.js"), "0123456789").unwrap();
        fs::write(site.path().join("a.js.br"), "012").unwrap();
        fs::write(site.path().join("a.js.gz"), "0123").unwrap();
        fs::write(site.path().join("a.woff2"), "01").unwrap();
        fs::write(site.path().join("licences.txt"), "0123456789").unwrap();
        assert_eq!(first_visit(site.path()).unwrap(), 5);
    }
}
