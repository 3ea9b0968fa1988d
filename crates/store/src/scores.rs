//! The scores of a task's runs as columns: what its page is drawn from however many
//! runs it has.
//!
//! The catalogue keeps the runs of a task in chunks, a binary column for each measure,
//! beside the rows that they are derived from. Whatever writes those rows notes, in the
//! same transaction, the run as *pending*: until [`pack_scores`](crate::Store::pack_scores) has put
//! it into a chunk, its rows count and what a chunk says of it does not. So the columns
//! are what the rows are at every moment, also after a crash, and publishing a run
//! writes no column.
//!
//! In memory it is the same again: a [`TaskScores`] shares its chunks with the one before
//! it and has the pending runs in a small chunk of its own.

mod chunk;
mod pack;
mod packed;
mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chunk::{Chunk, Coded, Runs, Span, overlay};

#[cfg(test)]
pub(crate) use read::statements;

/// A flow that runs of the task were made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoredFlow {
    pub id: i64,
    pub name: String,
    pub version: i64,
}

/// Somebody who uploaded runs of the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoredUploader {
    pub id: i64,
    /// `None` if it is nobody here.
    pub name: Option<String>,
}

/// A measure of a task's or a flow's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureCount {
    pub measure: String,
    /// Runs that have it, also those for which it is undefined.
    pub runs: usize,
}

/// A run of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoredRun {
    pub run_id: i64,
    /// Place among [`flows`](TaskScores::flows).
    pub flow: usize,
    pub setup_id: i64,
    /// Place among [`uploaders`](TaskScores::uploaders).
    pub uploader: usize,
    pub upload_ms: i64,
}

/// A run and what it scored by one measure.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    pub run: ScoredRun,
    /// `NaN` where the measure is undefined.
    pub value: f64,
    /// Standard deviation over the folds, `NaN` if there is none.
    pub deviation: f64,
}

/// The runs of a task and their scores at one moment, by run.
///
/// Cheap to make from the one before it; see [`Store::task_scores`](crate::Store::task_scores).
#[derive(Debug)]
pub struct TaskScores {
    task: i64,
    revision: i64,
    /// In the order of the runs. The last one has the runs that are pending.
    chunks: Vec<Arc<Chunk>>,
    /// The rows of the chunks that count, in the order of the runs.
    spans: Vec<Span>,
    /// For each chunk, where its flows and uploaders are among those of the task.
    places: Vec<Places>,
    runs: usize,
    flows: Vec<ScoredFlow>,
    uploaders: Vec<ScoredUploader>,
    measures: Vec<MeasureCount>,
}

#[derive(Debug)]
struct Places {
    flows: Vec<usize>,
    uploaders: Vec<usize>,
}

impl TaskScores {
    /// `chunks` are those that are stored, `fresh` has those of the `pending` runs that
    /// are there. All columns of a chunk with a pending run have been read. The names
    /// follow by [`name`](Self::name).
    fn new(task: i64, revision: i64, mut chunks: Vec<Arc<Chunk>>, fresh: Arc<Chunk>, pending: &[i64]) -> Self {
        let ids: Vec<&[i64]> = chunks.iter().map(|chunk| chunk.runs.ids.as_slice()).collect();
        let spans = overlay(&ids, &fresh.runs.ids, pending);
        chunks.push(fresh);
        let runs = spans.iter().map(|span| span.rows.len()).sum();
        let mut scores = Self {
            task,
            revision,
            chunks,
            spans,
            places: Vec::new(),
            runs,
            flows: Vec::new(),
            uploaders: Vec::new(),
            measures: Vec::new(),
        };
        scores.measures = scores.count();
        scores
    }

    fn name(&mut self, flows: Vec<ScoredFlow>, uploaders: Vec<ScoredUploader>) {
        let flow_ids: Vec<i64> = flows.iter().map(|flow| flow.id).collect();
        let uploader_ids: Vec<i64> = uploaders.iter().map(|uploader| uploader.id).collect();
        let of = |chunk: &Arc<Chunk>| Places {
            flows: places(&chunk.runs.flows, &flow_ids),
            uploaders: places(&chunk.runs.uploaders, &uploader_ids),
        };
        self.places = self.chunks.iter().map(of).collect();
        (self.flows, self.uploaders) = (flows, uploaders);
    }

    /// The chunks, each with its rows that count, or `None` if all do.
    fn counting(&self) -> impl Iterator<Item = (&Chunk, Option<impl Iterator<Item = usize>>)> {
        let mut counting = vec![0; self.chunks.len()];
        for span in &self.spans {
            counting[span.source] += span.rows.len();
        }
        self.chunks.iter().zip(counting).enumerate().map(|(source, (chunk, counting))| {
            let rows = || self.spans.iter().filter(move |span| span.source == source).flat_map(|span| span.rows.clone());
            (&**chunk, (counting < chunk.runs.len()).then(rows))
        })
    }

    /// The ids in a column of the runs, ascending.
    fn ids(&self, column: fn(&Runs) -> &Coded) -> Vec<i64> {
        let mut ids = BTreeSet::new();
        for (chunk, rows) in self.counting() {
            let column = column(&chunk.runs);
            match rows {
                None => ids.extend(column.ids.iter().copied()),
                Some(rows) => ids.extend(rows.map(|row| column.id(row))),
            }
        }
        ids.into_iter().collect()
    }

    fn count(&self) -> Vec<MeasureCount> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (chunk, rows) in self.counting() {
            let rows: Option<Vec<usize>> = rows.map(Iterator::collect);
            for (measure, column) in &chunk.columns {
                let runs = match (&rows, column.scores.get()) {
                    (Some(rows), Some(scores)) => rows.iter().filter(|row| scores.has(**row)).count(),
                    _ => column.runs,
                };
                if runs > 0 {
                    *counts.entry(measure).or_default() += runs;
                }
            }
        }
        counts.into_iter().map(|(measure, runs)| MeasureCount { measure: measure.to_owned(), runs }).collect()
    }

    #[must_use]
    pub fn task(&self) -> i64 {
        self.task
    }

    /// The revision of the catalogue that these are the scores of.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Number of runs, also of those without a score.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs == 0
    }

    /// By id.
    #[must_use]
    pub fn flows(&self) -> &[ScoredFlow] {
        &self.flows
    }

    /// By id.
    #[must_use]
    pub fn uploaders(&self) -> &[ScoredUploader] {
        &self.uploaders
    }

    /// The measures that at least one run has, by name.
    #[must_use]
    pub fn measures(&self) -> &[MeasureCount] {
        &self.measures
    }

    /// Every run, by id.
    pub fn runs(&self) -> impl Iterator<Item = ScoredRun> {
        self.spans.iter().flat_map(|span| span.rows.clone().map(|row| self.run(span.source, row)))
    }

    /// Whether the measure has been read; also if no run has it.
    #[must_use]
    pub fn has(&self, measure: &str) -> bool {
        self.chunks.iter().all(|chunk| chunk.columns.get(measure).is_none_or(|column| column.scores.get().is_some()))
    }

    /// Every run that has the measure, by id. Empty unless the measure
    /// [has been read](Self::has).
    pub fn scores(&self, measure: &str) -> impl Iterator<Item = Score> {
        let spans: &[Span] = if self.has(measure) { &self.spans } else { &[] };
        let of = |span: &Span| self.chunks[span.source].scores(measure).map(|scores| (span.source, span.rows.clone(), scores));
        spans.iter().filter_map(of).flat_map(move |(source, rows, scores)| {
            rows.filter(|row| scores.has(*row)).map(move |row| Score {
                run: self.run(source, row),
                value: scores.values[row],
                deviation: scores.deviations[row],
            })
        })
    }

    fn run(&self, source: usize, row: usize) -> ScoredRun {
        let (runs, places) = (&self.chunks[source].runs, &self.places[source]);
        ScoredRun {
            run_id: runs.ids[row],
            flow: places.flows[runs.flows.codes[row] as usize],
            setup_id: runs.setups[row],
            uploader: places.uploaders[runs.uploaders.codes[row] as usize],
            upload_ms: runs.upload_ms[row],
        }
    }
}

/// Where the ids of `column` are among `all`, which ascends and has each that a row that
/// counts has.
fn places(column: &Coded, all: &[i64]) -> Vec<usize> {
    column.ids.iter().map(|id| all.partition_point(|other| other < id)).collect()
}
