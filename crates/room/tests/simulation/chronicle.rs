//! What really happened: every operation that became durable, from the first on. The engine does not see it.

use labboard_room::server::Record;
use labboard_room::{ClientId, Committed, Document, Seq};

use crate::disk::Contents;

#[derive(Debug)]
pub struct Chronicle {
    records: Vec<Record>,
    /// The document after each operation, first the empty one.
    documents: Vec<Document>,
}

impl Chronicle {
    pub fn new() -> Chronicle {
        Chronicle { records: Vec::new(), documents: vec![Document::new()] }
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub fn seq(&self) -> Seq {
        Seq(self.records.len() as u64)
    }

    pub fn document(&self, seq: Seq) -> &Document {
        self.documents.get(seq.0 as usize).unwrap_or_else(|| panic!("nothing durable has the number {seq}"))
    }

    pub fn append(&mut self, record: Record) {
        assert_eq!(record.seq, self.seq().next(), "a gap in the order");
        let mut document = self.document(self.seq()).clone();
        document.apply(&record.set);
        self.documents.push(document);
        self.records.push(record);
    }

    /// A restarted server has found this. It must have all that was durable, and may have some of what was on its way.
    pub fn recover(&mut self, contents: &Contents, under_way: &[Record]) {
        let found = contents.records.last().map(|record| record.seq).max(contents.snapshot.as_ref().map(|s| s.seq));
        assert!(found.unwrap_or(Seq(0)) >= self.seq(), "the disk has lost what was durable");
        if let Some(snapshot) = &contents.snapshot {
            assert_eq!(&snapshot.document, self.document(snapshot.seq), "a snapshot is not the document");
        }
        for record in &contents.records {
            let expected = self.record(record.seq).or_else(|| under_way.iter().find(|other| other.seq == record.seq));
            assert_eq!(Some(record), expected, "the log has another operation");
            if record.seq > self.seq() {
                self.append(record.clone());
            }
        }
    }

    /// A client was told that this operation is durable.
    pub fn witness(&self, op: &Committed) {
        let Some(record) = self.record(op.seq) else {
            panic!("{op:?} was told before it was durable");
        };
        assert_eq!((op.by, op.n, &op.set), (record.by, record.n, &record.set), "told otherwise than it was");
    }

    /// A client was told that its operation is durable.
    pub fn witness_own(&self, client: &ClientId, n: u64, seq: Seq) {
        let record = self.record(seq).unwrap_or_else(|| panic!("{seq} was acknowledged before it was durable"));
        assert_eq!((client, n), (&record.client, record.n), "acknowledged as somebody else's");
    }

    fn record(&self, seq: Seq) -> Option<&Record> {
        self.records.get((seq.0 as usize).checked_sub(1)?)
    }
}
