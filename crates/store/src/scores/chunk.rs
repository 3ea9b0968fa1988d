//! Runs of one task and their scores, as columns.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::OnceLock;

/// What is known of each run beside its scores. All columns have one length; the ids
/// ascend.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Runs {
    pub(super) ids: Vec<i64>,
    pub(super) setups: Vec<i64>,
    pub(super) upload_ms: Vec<i64>,
    pub(super) flows: Coded,
    pub(super) uploaders: Coded,
}

impl Runs {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

/// A column of ids of which many are the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Coded {
    /// Each id once, in the order in which they appear.
    pub(super) ids: Vec<i64>,
    /// Per row, the place of its id.
    pub(super) codes: Vec<u32>,
}

impl Coded {
    pub(super) fn id(&self, row: usize) -> i64 {
        self.ids[self.codes[row] as usize]
    }
}

impl FromIterator<i64> for Coded {
    fn from_iter<I: IntoIterator<Item = i64>>(column: I) -> Self {
        let mut places: HashMap<i64, u32> = HashMap::new();
        let mut coded = Self::default();
        for id in column {
            // A chunk has far fewer runs than a code has values.
            let code = *places.entry(id).or_insert_with(|| {
                coded.ids.push(id);
                (coded.ids.len() - 1) as u32
            });
            coded.codes.push(code);
        }
        coded
    }
}

/// One measure of each run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scores {
    /// `NaN` where the measure is undefined.
    pub(super) values: Vec<f64>,
    /// `NaN` where there is none.
    pub(super) deviations: Vec<f64>,
    /// Which runs have the measure at all; `None` if all do.
    pub(super) present: Option<Vec<bool>>,
}

impl Scores {
    fn absent(runs: usize) -> Self {
        Self { values: vec![f64::NAN; runs], deviations: vec![f64::NAN; runs], present: Some(vec![false; runs]) }
    }

    fn set(&mut self, row: usize, value: f64, deviation: f64) {
        (self.values[row], self.deviations[row]) = (value, deviation);
        if let Some(present) = &mut self.present {
            present[row] = true;
        }
    }

    pub(super) fn has(&self, row: usize) -> bool {
        self.present.as_ref().is_none_or(|present| present[row])
    }
}

/// A measure of a chunk: its scores are read when somebody wants them.
#[derive(Debug)]
pub(super) struct Column {
    /// How many runs have the measure.
    pub(super) runs: usize,
    pub(super) scores: OnceLock<Scores>,
}

impl From<Scores> for Column {
    fn from(mut scores: Scores) -> Self {
        let all = scores.values.len();
        let runs = scores.present.as_ref().map_or(all, |present| present.iter().filter(|present| **present).count());
        if runs == all {
            scores.present = None;
        }
        Self { runs, scores: scores.into() }
    }
}

/// Some runs of a task. What is stored as a chunk never changes.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// 0 for what is not stored as a chunk.
    pub(super) id: i64,
    pub(super) runs: Runs,
    pub(super) columns: BTreeMap<String, Column>,
}

impl Chunk {
    /// The scores, if the chunk's runs have the measure and it has been read.
    pub(super) fn scores(&self, measure: &str) -> Option<&Scores> {
        self.columns.get(measure)?.scores.get()
    }
}

/// A run's score as a row of the catalogue has it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) run: i64,
    pub(super) measure: String,
    pub(super) value: Option<f64>,
    pub(super) deviation: Option<f64>,
}

impl Chunk {
    /// What the rows say; the scores come in the order of the runs.
    pub(super) fn of_rows(runs: Runs, entries: Vec<Entry>) -> Self {
        let mut columns: BTreeMap<String, Scores> = BTreeMap::new();
        let mut row = 0;
        for entry in entries {
            row += runs.ids[row..].partition_point(|id| *id < entry.run);
            if !columns.contains_key(&entry.measure) {
                columns.insert(entry.measure.clone(), Scores::absent(runs.len()));
            }
            if let Some(scores) = columns.get_mut(&entry.measure) {
                scores.set(row, entry.value.unwrap_or(f64::NAN), entry.deviation.unwrap_or(f64::NAN));
            }
        }
        let columns = columns.into_iter().map(|(measure, scores)| (measure, scores.into())).collect();
        Self { id: 0, runs, columns }
    }

    /// The runs in `spans`, one after the other. Measures that have not been read stay behind.
    pub(super) fn gather(sources: &[&Chunk], spans: &[Span]) -> Self {
        let rows = || spans.iter().flat_map(|span| span.rows.clone().map(|row| (sources[span.source], row)));
        let runs = Runs {
            ids: rows().map(|(chunk, row)| chunk.runs.ids[row]).collect(),
            setups: rows().map(|(chunk, row)| chunk.runs.setups[row]).collect(),
            upload_ms: rows().map(|(chunk, row)| chunk.runs.upload_ms[row]).collect(),
            flows: rows().map(|(chunk, row)| chunk.runs.flows.id(row)).collect(),
            uploaders: rows().map(|(chunk, row)| chunk.runs.uploaders.id(row)).collect(),
        };
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        for measure in sources.iter().flat_map(|chunk| chunk.columns.keys()) {
            if columns.contains_key(measure) {
                continue;
            }
            let mut gathered = Scores::absent(runs.len());
            let mut at = 0;
            for span in spans {
                let scores = sources[span.source].scores(measure);
                for row in span.rows.clone() {
                    if let Some(scores) = scores.filter(|scores| scores.has(row)) {
                        gathered.set(at, scores.values[row], scores.deviations[row]);
                    }
                    at += 1;
                }
            }
            columns.insert(measure.clone(), gathered.into());
        }
        columns.retain(|_, column| column.runs > 0);
        Self { id: 0, runs, columns }
    }
}

/// Rows of one of several chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) source: usize,
    pub(super) rows: Range<usize>,
}

/// Where the runs lie, in the order of their ids: in `chunks`, but for the `pending`
/// ones, which are in `fresh` or nowhere. Everything ascends; `fresh` counts as the
/// source after the chunks.
pub(super) fn overlay(chunks: &[&[i64]], fresh: &[i64], pending: &[i64]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut push = |source, rows: Range<usize>| match spans.last_mut() {
        _ if rows.is_empty() => {}
        Some(last) if last.source == source && last.rows.end == rows.start => last.rows.end = rows.end,
        _ => spans.push(Span { source, rows }),
    };
    let mut pending = pending.iter().peekable();
    let mut taken = 0;
    for (source, ids) in chunks.iter().enumerate() {
        let mut at = 0;
        while let Some(run) = pending.next_if(|run| ids.last().is_some_and(|last| *run <= last)) {
            let before = at + ids[at..].partition_point(|id| id < run);
            push(source, at..before);
            at = before + usize::from(ids.get(before) == Some(run));
            if fresh.get(taken) == Some(run) {
                push(chunks.len(), taken..taken + 1);
                taken += 1;
            }
        }
        push(source, at..ids.len());
    }
    push(chunks.len(), taken..fresh.len());
    spans
}
