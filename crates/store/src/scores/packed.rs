//! How columns lie in the catalogue: little-endian numbers of 8 bytes, one column after
//! the other.
//!
//! A chunk's runs are the columns run id, setup id, time of upload, flow id and uploader
//! id, all signed integers. A measure is its values and its deviations, both doubles;
//! where not all runs have the measure, a byte per run follows that is 1 if it does.

use super::chunk::{Runs, Scores};

const WORD: usize = 8;
const RUN_COLUMNS: usize = 5;

pub(super) fn pack_runs(runs: &Runs) -> Vec<u8> {
    let mut out = Vec::with_capacity(runs.len() * RUN_COLUMNS * WORD);
    for column in [&runs.ids, &runs.setups, &runs.upload_ms] {
        out.extend(column.iter().flat_map(|number| number.to_le_bytes()));
    }
    for column in [&runs.flows, &runs.uploaders] {
        out.extend((0..runs.len()).flat_map(|row| column.id(row).to_le_bytes()));
    }
    out
}

/// `None` if the bytes are not the columns of so many runs.
pub(super) fn unpack_runs(data: &[u8], runs: usize) -> Option<Runs> {
    let mut columns = Columns::new(data, runs);
    let runs = Runs {
        ids: columns.take(i64::from_le_bytes)?.collect(),
        setups: columns.take(i64::from_le_bytes)?.collect(),
        upload_ms: columns.take(i64::from_le_bytes)?.collect(),
        flows: columns.take(i64::from_le_bytes)?.collect(),
        uploaders: columns.take(i64::from_le_bytes)?.collect(),
    };
    columns.rest.is_empty().then_some(runs)
}

pub(super) fn pack_scores(scores: &Scores) -> Vec<u8> {
    let mut out = Vec::with_capacity(scores.values.len() * (2 * WORD + 1));
    for column in [&scores.values, &scores.deviations] {
        out.extend(column.iter().flat_map(|number| number.to_le_bytes()));
    }
    out.extend(scores.present.iter().flatten().map(|present| u8::from(*present)));
    out
}

/// `None` if the bytes are not the scores of so many runs.
pub(super) fn unpack_scores(data: &[u8], runs: usize) -> Option<Scores> {
    let mut columns = Columns::new(data, runs);
    let values = columns.take(f64::from_le_bytes)?.collect();
    let deviations = columns.take(f64::from_le_bytes)?.collect();
    let present = match columns.rest {
        [] => None,
        flags if flags.len() == runs => Some(flags.iter().map(|flag| *flag == 1).collect()),
        _ => return None,
    };
    Some(Scores { values, deviations, present })
}

/// What has not been unpacked yet.
struct Columns<'a> {
    rest: &'a [u8],
    runs: usize,
}

impl<'a> Columns<'a> {
    fn new(data: &'a [u8], runs: usize) -> Self {
        Self { rest: data, runs }
    }

    fn take<T>(&mut self, number: fn([u8; WORD]) -> T) -> Option<impl Iterator<Item = T> + use<'a, T>> {
        let (column, rest) = self.rest.split_at_checked(self.runs.checked_mul(WORD)?)?;
        self.rest = rest;
        let (words, _) = column.as_chunks::<WORD>();
        Some(words.iter().map(move |word| number(*word)))
    }
}
