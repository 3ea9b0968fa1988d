//! A data directory from a backup.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::archive::{CATALOGUE, Entry, Manifest};
use crate::backup::{agree, open_snapshot};
use crate::columns;
use crate::error::{IoContext, StoreError, blocking};
use crate::files;
use crate::hash::{ContentHash, Hashing};
use crate::mentioned;
use crate::staging::{create_dir_durably, make_read_only, sync_dir};

/// Makes a data directory of a backup. `dir` is either not there or empty; it may be
/// where a volume is mounted. Every content is compared with its hash, and nothing is in
/// `dir` before everything is good.
///
/// # Errors
/// `NotEmpty`; `Corrupt` if the backup is incomplete or is none; `Io`.
pub async fn restore(dir: &Path, input: impl Read + Send + 'static) -> Result<(), StoreError> {
    let target = dir.to_owned();
    let workplace = blocking("restore", dir, move || {
        let workplace = Workplace::of(&target)?;
        extract(&workplace.path, input)?;
        check_tables(&workplace.path)?;
        Ok(workplace)
    })
    .await?;
    check_mentions(&workplace.path).await?;
    blocking("restore", dir, move || workplace.publish()).await
}

/// What every ext4 volume has.
const LOST_AND_FOUND: &str = "lost+found";

/// The unfinished directory, on the file system of the finished one: in it if that is
/// there, which may be where a volume is mounted, otherwise beside it. Removed on drop
/// unless it was published.
struct Workplace {
    path: PathBuf,
    target: PathBuf,
}

impl Workplace {
    fn of(dir: &Path) -> Result<Self, StoreError> {
        let target = std::path::absolute(dir).context("find", dir)?;
        let parent = match fs::read_dir(&target).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(found) if found.iter().all(|entry| entry.file_name() == LOST_AND_FOUND) => Some(target.as_path()),
            Ok(_) => return Err(StoreError::NotEmpty { dir: target }),
            // Folders above the target that are not there yet are made at the end.
            Err(error) if error.kind() == io::ErrorKind::NotFound => target.ancestors().skip(1).find(|folder| folder.is_dir()),
            Err(error) => return Err(error).context("list", &target),
        };
        let Some(parent) = parent else {
            return Err(io::Error::other("it has no parent")).context("restore", &target);
        };
        for number in 0.. {
            let path = parent.join(format!(".labboard-restore-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created.context("create", &path).map(|()| Self { path, target }),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists)).context("create a folder in", parent)
    }

    fn publish(self) -> Result<(), StoreError> {
        sync_folders(&self.path)?;
        if self.path.parent() == Some(self.target.as_path()) {
            return self.move_up();
        }
        let parent = self.target.parent().unwrap_or(&self.target);
        create_dir_durably(parent)?;
        // Takes the place of an empty directory, and of no other.
        fs::rename(&self.path, &self.target).context("create", &self.target)?;
        sync_dir(parent)
    }

    /// The catalogue comes last: without it the rest is nobody's content, and is swept.
    fn move_up(&self) -> Result<(), StoreError> {
        let listed = fs::read_dir(&self.path).and_then(Iterator::collect::<Result<Vec<_>, _>>).context("list", &self.path)?;
        let mut names = listed.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>();
        names.sort_by_key(|name| name == CATALOGUE);
        for name in names {
            let place = self.target.join(&name);
            sync_dir(&self.target)?;
            fs::rename(self.path.join(&name), &place).context("create", &place)?;
        }
        sync_dir(&self.target)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // After publishing there is nothing here; nothing to do about another failure.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn extract(dir: &Path, input: impl Read) -> Result<(), StoreError> {
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 18, input));
    let mut manifest: Option<Manifest> = None;
    let mut databases = 0;
    // Raw: extensions that rename or reshape entries are no entries of a backup.
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut content = entry.map_err(unreadable)?;
        let entry = Entry::parse(&content.path_bytes()).filter(|_| content.header().entry_type().is_file());
        let Some(entry) = entry else {
            return Err(refused(format!("{:?} does not belong there", String::from_utf8_lossy(&content.path_bytes()))));
        };
        let Some(manifest) = &manifest else {
            manifest = Some(read_manifest(&entry, content)?);
            continue;
        };
        let place = dir.join(entry.path());
        let mut hasher = Sha256::new();
        write_file(&place, Hashing::new(&mut content, &mut hasher))?;
        match &entry {
            Entry::Manifest => return Err(refused("it has two manifests".to_owned())),
            Entry::Catalogue => agree(&place, &manifest.catalogue, hasher)?,
            Entry::Rooms => agree(&place, &manifest.rooms, hasher)?,
            Entry::File(hash) => agree(&place, hash, hasher)?,
            // The hash is that of all columns; see `check_tables`.
            Entry::Column(..) => {}
        }
        match &entry {
            Entry::Catalogue | Entry::Rooms => databases += 1,
            Entry::Manifest | Entry::File(_) | Entry::Column(..) => make_content(&place)?,
        }
    }
    if databases == 2 { Ok(()) } else { Err(refused("it has no databases".to_owned())) }
}

fn read_manifest(entry: &Entry, content: impl Read) -> Result<Manifest, StoreError> {
    const MOST: u64 = 1 << 16;
    if *entry != Entry::Manifest {
        return Err(refused("it has no manifest".to_owned()));
    }
    let mut text = Vec::new();
    content.take(MOST).read_to_end(&mut text).map_err(unreadable)?;
    Manifest::parse(&text).map_err(refused)
}

/// Writes what may not be there yet.
fn write_file(place: &Path, mut content: impl Read) -> Result<(), StoreError> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).context("create", folder)?;
    }
    let mut file = File::create_new(place).context("create", place)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        // A failure to read is the backup's fault, a failure to write is not.
        let read = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        io::Write::write_all(&mut file, &buffer[..read]).context("write", place)?;
    }
    file.sync_all().context("sync", place)
}

fn make_content(place: &Path) -> Result<(), StoreError> {
    File::open(place).and_then(|file| make_read_only(&file)).context("protect", place)
}

fn check_tables(dir: &Path) -> Result<(), StoreError> {
    let columns = dir.join("columns");
    if !columns.is_dir() {
        return Ok(());
    }
    for table in files::list(&columns)? {
        let names = columns::file_names(&table.path)?;
        let present = fs::read_dir(&table.path).context("list", &table.path)?.count();
        if present != names.len() {
            return Err(refused(format!("{} has {present} files instead of {}", table.path.display(), names.len())));
        }
        let mut hasher = Sha256::new();
        for name in names {
            let path = table.path.join(name);
            let file = File::open(&path).context("open", &path)?;
            io::copy(&mut Hashing::new(file, &mut hasher), &mut io::sink()).context("read", &path)?;
        }
        agree(&table.path, &table.hash, hasher)?;
    }
    Ok(())
}

/// A backup that was cut off between two entries lacks content.
async fn check_mentions(dir: &Path) -> Result<(), StoreError> {
    const AT_ONCE: u32 = 1000;
    let mut catalogue = open_snapshot(&dir.join(CATALOGUE)).await?;
    let lacks = |folder: &str, hash: &ContentHash| !dir.join(folder).join(hash.prefix()).join(hash.as_str()).exists();
    let missing = |hash: &ContentHash| Err(refused(format!("it lacks the content {hash}")));
    let mut after = String::new();
    loop {
        let hashes = mentioned::files(&mut catalogue, &after, AT_ONCE).await?;
        let Some(last) = hashes.last() else { break };
        last.as_str().clone_into(&mut after);
        if let Some(hash) = hashes.iter().find(|hash| lacks("files", hash)) {
            return missing(hash);
        }
    }
    if let Some(hash) = mentioned::held_files(&mut catalogue).await?.iter().find(|hash| lacks("files", hash)) {
        return missing(hash);
    }
    match mentioned::tables(&mut catalogue).await?.iter().find(|hash| lacks("columns", hash)) {
        Some(hash) => missing(hash),
        None => Ok(()),
    }
}

fn sync_folders(dir: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(dir).context("list", dir)? {
        let path = entry.context("list", dir)?.path();
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    sync_dir(dir)
}

fn unreadable(error: io::Error) -> StoreError {
    refused(error.to_string())
}

fn refused(reason: String) -> StoreError {
    StoreError::Corrupt { place: "the backup".to_owned(), reason }
}
