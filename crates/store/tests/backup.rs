//! Backups of a running store, and what must not become a data directory.

#[path = "support/fixture.rs"]
mod fixture;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fixture::*;
use labboard_store::*;

/// A backup in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn backup(store: &Store) -> Vec<u8> {
    let memory = Memory::default();
    store.backup(memory.clone()).await.unwrap();
    let bytes = memory.0.lock().unwrap();
    bytes.clone()
}

async fn restored(dir: &Path, backup: &[u8]) -> Result<(), StoreError> {
    restore(dir, io::Cursor::new(backup.to_vec())).await
}

async fn open(dir: &Path) -> Store {
    Store::open(dir, Options::default()).await.unwrap()
}

fn predictions(store: &Store, text: &str) -> Vec<NewRunFile> {
    let file = store.files().put("predictions.arff", "text/plain", text.as_bytes()).unwrap();
    vec![NewRunFile { role: "predictions".to_owned(), file }]
}

/// A store with something of everything that has content.
async fn filled() -> (Store, tempfile::TempDir) {
    let (store, dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    let r = store.add_run(NewRun { files: predictions(&store, "published"), ..run(t, f, 1, 0.5) }).await.unwrap();
    store.hold_back(NewRun { files: predictions(&store, "held"), ..run(t, f, 2, 0.6) }).await.unwrap();
    store.hold_back(NewRun { files: predictions(&store, "published"), ..run(t, f, 3, 0.7) }).await.unwrap();
    store.add_study(study(StudyEntity::Run, &[r])).await.unwrap();
    store.append_ops("room", &[op(1)]).await.unwrap();
    (store, dir)
}

/// What lies in a folder, hidden or not.
fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn is_corrupt(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Corrupt { .. }))
}

#[tokio::test]
async fn what_is_restored_is_what_was_backed_up() {
    let (store, dir) = filled().await;
    let loose = store.files().put("p", "text/plain", b"loose").unwrap();
    let bytes = backup(&store).await;
    assert_eq!(backup(&store).await.len(), bytes.len());
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);

    let place = tempfile::tempdir().unwrap();
    let deep = place.path().join("not/there/yet");
    restored(&deep, &bytes).await.unwrap();
    let empty = place.path().join("empty");
    // As where a volume is mounted: it can be filled, but nothing can take its place.
    fs::create_dir_all(empty.join("lost+found")).unwrap();
    restored(&empty, &bytes).await.unwrap();
    assert!(names(&empty).iter().all(|name| !name.starts_with('.')), "{:?}", names(&empty));
    assert_eq!(open(&empty).await.run(1).await.unwrap(), store.run(1).await.unwrap());
    assert!(matches!(restored(&empty, &bytes).await, Err(StoreError::NotEmpty { .. })));
    let mut left = names(place.path());
    left.sort();
    assert_eq!(left, ["empty", "not"]);

    let copy = open(&deep).await;
    assert_eq!(copy.counts().await.unwrap(), store.counts().await.unwrap());
    assert_eq!(copy.revision().await.unwrap(), store.revision().await.unwrap());
    assert_eq!(copy.dataset(1).await.unwrap(), store.dataset(1).await.unwrap());
    assert_eq!(copy.run(1).await.unwrap(), store.run(1).await.unwrap());
    assert_eq!(copy.study(1).await.unwrap(), store.study(1).await.unwrap());
    assert_eq!(copy.evaluations_of_run(1).await.unwrap(), store.evaluations_of_run(1).await.unwrap());
    assert_eq!(copy.load_room("room", 0).await.unwrap(), store.load_room("room", 0).await.unwrap());
    let run = copy.run(1).await.unwrap();
    assert_eq!(copy.files().read(&run.file("predictions").unwrap().hash).unwrap(), &b"published"[..]);
    assert!(copy.files().read(&loose.hash).is_err(), "nothing mentions it");
    let columns = copy.columns().open(&copy.dataset(1).await.unwrap().columns).unwrap();
    assert_eq!((columns.rows(), columns.len()), (3, 2));
    assert_eq!(copy.sweep(Duration::ZERO).await.unwrap(), Swept::default());
    assert_eq!(copy.publish_next_held().await.unwrap(), Some(2));
    assert_eq!(copy.publish_next_held().await.unwrap(), Some(3));
}

#[tokio::test]
async fn an_empty_store_can_be_backed_up() {
    let (store, _dir) = embedded().await;
    let place = tempfile::tempdir().unwrap();
    restored(place.path(), &backup(&store).await).await.unwrap();
    assert_eq!(open(place.path()).await.counts().await.unwrap(), Counts::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_moment_of_a_busy_store() {
    let (store, _dir) = embedded().await;
    let (_, t, f) = parents(&store).await;
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, done) = (store.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut added = 0;
            while !done.load(Ordering::Relaxed) {
                let mut batch = store.begin().await.unwrap();
                for _ in 0..3 {
                    let files = predictions(&store, &format!("run {added}"));
                    batch.add_run(NewRun { files, ..run(t, f, added, 0.5) }).await.unwrap();
                    added += 1;
                }
                batch.commit().await.unwrap();
                if added % 30 == 0 {
                    store.delete_run(added - 5).await.unwrap();
                    store.sweep(Duration::from_secs(60)).await.unwrap();
                }
            }
            added
        })
    };
    let mut before = 0;
    for _ in 0..5 {
        // Of two changes in a row, one has added runs.
        let mut changes = store.subscribe();
        for _ in 0..2 {
            changes.recv().await.unwrap();
        }
        let bytes = backup(&store).await;
        let place = tempfile::tempdir().unwrap();
        restored(place.path(), &bytes).await.unwrap();
        let copy = open(place.path()).await;
        let rows = copy.runs_of_task(t).await.unwrap();
        let newest = rows.last().unwrap().id;
        assert_eq!(newest % 3, 0, "half a batch");
        assert!(newest > before);
        before = newest;
        for row in rows {
            let run = copy.run(row.id).await.unwrap();
            let hash = &run.file("predictions").unwrap().hash;
            assert_eq!(ContentHash::of(&copy.files().read(hash).unwrap()), *hash);
        }
    }
    done.store(true, Ordering::Relaxed);
    assert!(writer.await.unwrap() >= before);
}

#[tokio::test]
async fn a_cut_or_damaged_backup_is_refused_and_leaves_nothing() {
    let (store, _dir) = filled().await;
    let bytes = backup(&store).await;
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("data");
    // The two empty blocks at the end carry nothing.
    let end = bytes.len() - 1024;
    let cuts = (0..end).step_by(512).chain((0..end).step_by(7919)).chain([end - 512, end - 700]);
    for cut in cuts {
        let result = restored(&target, &bytes[..cut]).await;
        assert!(is_corrupt(&result), "cut at {cut}: {result:?}");
        assert!(names(place.path()).is_empty(), "cut at {cut}");
    }
    // Every entry has content in its second block.
    let mut at = 0;
    while at < end {
        let size = std::str::from_utf8(&bytes[at + 124..at + 135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap();
        let mut damaged = bytes.clone();
        damaged[at + 512 + size / 2] ^= 1;
        let result = restored(&target, &damaged).await;
        assert!(is_corrupt(&result), "damaged at {at}: {result:?}");
        assert!(names(place.path()).is_empty());
        at += 512 + size.next_multiple_of(512);
    }
    for garbage in [&b""[..], &[0; 4096], &[7; 4096], b"PK\x03\x04"] {
        let result = restored(&target, garbage).await;
        assert!(is_corrupt(&result), "{result:?}");
    }
    assert!(names(place.path()).is_empty());
    restored(&target, &bytes).await.unwrap();
}

/// The backup's own entries, then `more` before the end.
fn with_entry(backup: &[u8], more: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut archive = tar::Archive::new(backup);
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header().clone();
        builder.append(&header, entry).unwrap();
    }
    more(&mut builder);
    builder.into_inner().unwrap()
}

#[tokio::test]
async fn entries_that_lead_elsewhere_are_refused() {
    let (store, _dir) = filled().await;
    let bytes = backup(&store).await;
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("data");
    let outside = place.path().join("x");
    let hash = ContentHash::of(b"evil");
    let header = |path: &str, kind| {
        let mut header = tar::Header::new_gnu();
        // Not `set_path`, which refuses such paths.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(if kind == tar::EntryType::Regular { 4 } else { 0 });
        header
    };
    let file = tar::EntryType::Regular;
    for (path, kind) in [
        ("../x".to_owned(), file),
        (outside.display().to_string(), file),
        ("files/../../x".to_owned(), file),
        (format!("files/{}/../../../x", hash.prefix()), file),
        (format!("files/00/{hash}"), file),
        ("lock".to_owned(), file),
        ("tmp/x".to_owned(), file),
        ("catalogue.sqlite-wal".to_owned(), file),
        ("catalogue.sqlite".to_owned(), file),
        ("backup.json".to_owned(), file),
        (format!("columns/{}/{hash}/0.f64", hash.prefix()), file),
        (format!("files/{}/{hash}", hash.prefix()), tar::EntryType::Symlink),
        (format!("files/{}/{hash}", hash.prefix()), tar::EntryType::Link),
        (format!("files/{}", hash.prefix()), tar::EntryType::Directory),
        ("././@LongLink".to_owned(), tar::EntryType::GNULongName),
    ] {
        let evil = with_entry(&bytes, |builder| {
            let mut header = header(&path, kind);
            header.set_cksum();
            builder.append(&header, &b"evil"[..header.size().unwrap() as usize]).unwrap();
        });
        let result = restored(&target, &evil).await;
        assert!(result.is_err(), "{path}");
        assert!(names(place.path()).is_empty(), "{path}: {:?}", names(place.path()));
    }
    let good = with_entry(&bytes, |builder| {
        let mut header = header(&format!("files/{}/{hash}", hash.prefix()), file);
        header.set_cksum();
        builder.append(&header, &b"evil"[..]).unwrap();
    });
    restored(&target, &good).await.unwrap();
}

#[tokio::test]
async fn damaged_content_is_found_when_it_is_backed_up() {
    let (store, dir) = filled().await;
    let run = store.run(1).await.unwrap();
    let path = store.files().path(&run.file("predictions").unwrap().hash);
    let content = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(store.backup(Memory::default()).await, Err(StoreError::NoContent(_))));
    fs::write(&path, b"other").unwrap();
    assert!(is_corrupt(&store.backup(Memory::default()).await));
    fs::remove_file(&path).unwrap();
    fs::write(&path, content).unwrap();
    store.backup(Memory::default()).await.unwrap();
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_output_that_fails_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (store, dir) = filled().await;
    let error = store.backup(Full).await.unwrap_err();
    assert!(matches!(&error, StoreError::Io { .. }) && error.to_string().starts_with("cannot write the backup: "), "{error}");
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}
