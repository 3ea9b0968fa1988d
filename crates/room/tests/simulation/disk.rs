//! A disk that forgets what was not synced, and may keep a part of it.

use labboard_room::server::{Record, Snapshot};
use labboard_room::{Checksum, Seq};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskKind {
    /// A write is there as a whole or not at all, and none without those before it: a database.
    Transactions,
    /// Log and snapshots are two files of lines. Neither waits for the other, and the last line may be half written.
    Records,
}

/// How the server ends.
#[derive(Clone, Copy, Debug)]
pub struct Crash {
    /// Otherwise the process is killed and the system writes what it was given.
    pub is_power_loss: bool,
    /// The seed of everything that is left to chance.
    pub chance: u64,
}

#[derive(Debug)]
enum Write {
    Append(Vec<String>),
    Snapshot(String),
    /// Removes the records up to this one, and the snapshots before the last whole one.
    Remove(Seq),
    /// A snapshot, and the removal of what it replaces, at once.
    Compact(String, Seq),
}

/// What the disk has, as whoever opens it finds it.
#[derive(Debug)]
pub struct Contents {
    pub snapshot: Option<Snapshot>,
    pub records: Vec<Record>,
}

#[derive(Debug)]
pub struct Disk {
    kind: DiskKind,
    log: Vec<String>,
    snapshots: Vec<String>,
    /// Not durable yet.
    writes: Vec<Write>,
}

impl Disk {
    pub fn new(kind: DiskKind) -> Disk {
        Disk { kind, log: Vec::new(), snapshots: Vec::new(), writes: Vec::new() }
    }

    pub fn append(&mut self, records: &[Record]) {
        self.writes.push(Write::Append(records.iter().map(line).collect()));
    }

    pub fn write_snapshot(&mut self, snapshot: &Snapshot) {
        self.writes.push(match self.kind {
            DiskKind::Transactions => Write::Compact(line(snapshot), snapshot.seq),
            DiskKind::Records => Write::Snapshot(line(snapshot)),
        });
    }

    /// Removes what lies before the durable snapshot, but for the last `keep` records.
    pub fn remove_old(&mut self, keep: u64) {
        let snapshot: Option<Snapshot> = self.snapshots.last().and_then(|text| read(text));
        if let Some(snapshot) = snapshot {
            self.writes.push(Write::Remove(Seq(snapshot.seq.0.saturating_sub(keep))));
        }
    }

    /// Makes durable all that was written.
    pub fn sync(&mut self) {
        for write in std::mem::take(&mut self.writes) {
            self.apply(write);
        }
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::Append(lines) => self.log.extend(lines),
            Write::Snapshot(text) => self.snapshots.push(text),
            Write::Remove(through) => {
                self.log.retain(|text| read::<Record>(text).is_none_or(|record| record.seq > through));
                let last_whole = self.snapshots.iter().rposition(|text| read::<Snapshot>(text).is_some());
                self.snapshots.drain(..last_whole.unwrap_or(0));
            }
            Write::Compact(text, through) => {
                self.snapshots.push(text);
                self.apply(Write::Remove(through));
            }
        }
    }

    /// Of what was not synced some is there and some is lost.
    pub fn crash(&mut self, is_power_loss: bool, random: &mut Random) {
        let writes = std::mem::take(&mut self.writes);
        let count = writes.len();
        let mut survivors = || if is_power_loss { random.below(count + 1) } else { count };
        let (of_log, of_snapshots) = match self.kind {
            DiskKind::Transactions => {
                let both = survivors();
                (both, both)
            }
            DiskKind::Records => (survivors(), survivors()),
        };
        for (i, write) in writes.into_iter().enumerate() {
            let limit = if matches!(write, Write::Snapshot(_)) { of_snapshots } else { of_log };
            // A killed process may have been in the middle of its last write.
            let was_interrupted = !is_power_loss && i + 1 == count && random.chance(30);
            match self.kind {
                DiskKind::Records if i == limit || was_interrupted => self.tear(write, random),
                _ if i < limit => self.apply(write),
                _ => {}
            }
        }
    }

    /// A write of which only the beginning is there.
    fn tear(&mut self, write: Write, random: &mut Random) {
        match write {
            Write::Append(mut lines) => {
                lines.truncate(1 + random.below(lines.len()));
                if let Some(last) = lines.last_mut() {
                    last.truncate(random.below(last.len()));
                }
                self.log.extend(lines);
            }
            Write::Snapshot(mut text) => {
                text.truncate(random.below(text.len()));
                self.snapshots.push(text);
            }
            Write::Remove(Seq(through)) => {
                let first = self.log.first().and_then(|text| read::<Record>(text)).map_or(through, |record| record.seq.0);
                let some = first + random.below((through.saturating_sub(first) + 1) as usize) as u64;
                self.log.retain(|text| read::<Record>(text).is_none_or(|record| record.seq.0 >= some));
            }
            Write::Compact(..) => {}
        }
    }

    /// Reads what is there, and leaves out the torn end.
    pub fn open(&self) -> Contents {
        let snapshot = self.snapshots.iter().rev().find_map(|text| read::<Snapshot>(text));
        let mut records: Vec<Record> = self.log.iter().map_while(|text| read(text)).collect();
        if let (DiskKind::Transactions, Some(snapshot)) = (self.kind, &snapshot) {
            records.retain(|record| record.seq > snapshot.seq);
        }
        Contents { snapshot, records }
    }

    /// Takes the torn end away, so that what is appended next can be read, and makes sure of the rest.
    pub fn clean_up(&mut self) {
        let whole = self.log.iter().take_while(|text| read::<Record>(text).is_some()).count();
        self.log.truncate(whole);
        self.snapshots.retain(|text| read::<Snapshot>(text).is_some());
    }
}

/// A checksum and what it is of.
fn line<T: Serialize>(content: &T) -> String {
    let json = serde_json::to_string(content).expect("JSON");
    format!("{} {json}", Checksum::of(json.as_bytes()))
}

/// `None` when the line was not written wholly.
fn read<T: DeserializeOwned>(line: &str) -> Option<T> {
    let (sum, json) = line.split_once(' ')?;
    let is_whole = Checksum::of(json.as_bytes()).to_string() == sum;
    is_whole.then(|| serde_json::from_str(json).expect("what was written"))
}
