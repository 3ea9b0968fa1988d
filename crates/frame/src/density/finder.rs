//! Finds the cells of rows along one axis.

use std::ops::Range;

use super::{Axis, BLOCK, Positions};
use crate::cloud::Along;
use crate::simd::{floor, floor_f64};

/// The cell of a row that is not on the grid.
pub(super) const OUTSIDE: u32 = u32::MAX;
/// Cells below this are found; what is not below is in doubt, see [`Finder::settle`].
pub(super) const SURE: u32 = 1 << 31;
/// Codes that are read before any is looked at, so that the processor waits for many of them at once.
const AHEAD: usize = 32;

/// Rows that are counted together: runs of so many rows, so far from each other. Each has a place among them.
#[derive(Clone, Copy)]
pub(super) struct Runs {
    start: usize,
    length: usize,
    apart: usize,
}

impl Runs {
    /// One out of so many rows, in runs of this length, which divides a block; all rows where it is one out of one.
    pub(super) fn one_of(rows: usize, length: usize) -> Self {
        let length = if rows <= 1 { BLOCK } else { length };
        Self { start: 0, length, apart: length * rows.max(1) }
    }

    /// The same from another row on.
    pub(super) fn from(self, start: usize) -> Self {
        Self { start, ..self }
    }

    /// From the first row of a block of them to the first of the next.
    pub(super) fn span(self) -> usize {
        BLOCK / self.length * self.apart
    }

    /// How many there are among so many rows.
    pub(super) fn among(self, rows: usize) -> usize {
        rows / self.apart * self.length + self.length.min(rows % self.apart)
    }

    /// The row at a place.
    #[inline(always)]
    fn row(self, place: usize) -> usize {
        let run = if place < self.length { 0 } else { place / self.length };
        self.start + run * (self.apart - self.length) + place
    }

    /// The rows of each run, with what there is for each of its places.
    #[inline(always)]
    pub(super) fn each<T>(self, places: &mut [T]) -> impl Iterator<Item = (Range<usize>, &mut [T])> {
        places.chunks_mut(self.length).enumerate().map(
            #[inline(always)]
            move |(run, places)| {
                let first = self.start + run * self.apart;
                (first..first + places.len(), places)
            },
        )
    }
}

#[derive(Debug)]
pub(super) struct Finder<'a> {
    edges: Vec<f64>,
    per_unit: f64,
    rows: Rows<'a>,
}

#[derive(Debug)]
enum Rows<'a> {
    Numbers {
        values: &'a [f64],
        /// A product this close to a whole number may be on the wrong side of an edge.
        doubt: f64,
    },
    /// Decimal logarithms, which are too costly to be computed twice.
    Logs(&'a [f64]),
    Indexed {
        along: Along<'a>,
        /// The upper halves of the codes of the ends. Rows with one outside are outside, those with one of these may be either.
        ends: (i32, i32),
        /// Cells for each upper half, and the place of the lower end's.
        per_code: f32,
        first: f32,
        doubt: f32,
        /// The code of each edge.
        edges: Vec<i64>,
        /// About where codes are: the cell of code 0, and cells for each code.
        settled: (f64, f64),
    },
    /// The cell of every code; the last is for codes that are missing.
    Codes { codes: &'a [u32], cells: Vec<u32> },
}

impl<'a> Finder<'a> {
    /// The axis must have passed its check.
    pub(super) fn new(axis: &Axis<'a>) -> Self {
        let edges = axis.edges();
        let bins = axis.bins as f64;
        let per_unit = bins / (axis.high - axis.low);
        let largest = axis.low.abs().max(axis.high.abs());
        let rows = match axis.positions {
            Positions::Numbers(values) => Rows::Numbers { values, doubt: rounding(largest, per_unit, bins) },
            Positions::Logs(values) => Rows::Logs(values),
            Positions::Codes { codes, categories } => {
                let cell = |code: usize| {
                    let position = code as f64;
                    let inside = position >= axis.low && position <= axis.high;
                    if inside { exact_cell(&edges, position, 0) } else { OUTSIDE }
                };
                Rows::Codes { codes, cells: (0..categories).map(cell).chain([OUTSIDE]).collect() }
            }
        };
        Self { edges, per_unit, rows }
    }

    /// The same out of an index.
    pub(super) fn of_cloud(axis: &Axis<'a>, along: Along<'a>) -> Self {
        let edges = axis.edges();
        let bins = axis.bins as f64;
        let per_unit = bins / (axis.high - axis.low);
        let coding = along.coding;
        let ends = coding.halves((axis.low, axis.high));
        let halves_per_unit = coding.per_unit() / 65_536.0;
        let per_code = per_unit / halves_per_unit;
        let first = (coding.low + f64::from(ends.0) / halves_per_unit - axis.low) * per_unit;
        let largest = axis.low.abs().max(axis.high.abs()).max(coding.low.abs()).max(coding.high.abs());
        // The place of a half is computed in 24 bits.
        let doubt = rounding(largest, per_unit, bins) + 4.0 * f64::from(f32::EPSILON) * (bins + 2.0);
        let (per_code, first, doubt) = if per_code + 2.0 * doubt < 0.5 && first.is_finite() {
            (per_code as f32, first as f32, doubt as f32)
        } else {
            // So few halves for each cell that they only say who is surely outside.
            (0.0, 0.0, 2.0)
        };
        let codes = edges.iter().map(|edge| coding.code_of_edge(*edge)).collect();
        let settled = ((coding.low - axis.low) * per_unit, per_unit / coding.per_unit());
        Self { edges, per_unit, rows: Rows::Indexed { along, ends, per_code, first, doubt, edges: codes, settled } }
    }

    /// Writes the cells of rows.
    #[inline(always)]
    pub(super) fn find(&self, runs: Runs, cells: &mut [u32]) {
        match &self.rows {
            Rows::Codes { codes, cells: of_code } => {
                let last = of_code.len() - 1;
                for (rows, cells) in runs.each(cells) {
                    for (cell, &code) in cells.iter_mut().zip(&codes[rows]) {
                        *cell = of_code[(code as usize).min(last)];
                    }
                }
            }
            Rows::Numbers { values, doubt } => {
                let (low, high) = self.ends();
                for (rows, cells) in runs.each(cells) {
                    for (cell, &value) in cells.iter_mut().zip(&values[rows]) {
                        let place = (value - low) * self.per_unit;
                        let (whole, below) = floor_f64(place);
                        let rest = place - below;
                        let sure = (rest > *doubt) & (rest < 1.0 - *doubt);
                        let found = if sure { whole as u32 } else { SURE };
                        *cell = if (value >= low) & (value <= high) { found } else { OUTSIDE };
                    }
                }
            }
            Rows::Logs(values) => {
                let (low, high) = self.ends();
                for (rows, cells) in runs.each(cells) {
                    for (cell, &value) in cells.iter_mut().zip(&values[rows]) {
                        let position = value.log10();
                        let inside = position >= low && position <= high;
                        *cell = if inside { exact_cell(&self.edges, position, ((position - low) * self.per_unit) as u32) } else { OUTSIDE };
                    }
                }
            }
            Rows::Indexed { along, ends, per_code, first, doubt, .. } => {
                let (low, high) = *ends;
                let most = 1.0 - doubt;
                for (rows, cells) in runs.each(cells) {
                    for (cell, &halves) in cells.iter_mut().zip(&along.parts.upper[rows]) {
                        let code = (halves >> along.shift & 0xffff) as i32;
                        let place = (code - low) as f32 * per_code + first;
                        let (whole, below) = floor(place);
                        let rest = place - below;
                        let sure = (code > low) & (code < high) & (rest >= *doubt) & (rest + per_code <= most);
                        let found = if sure { whole as u32 } else { SURE };
                        *cell = if (code >= low) & (code <= high) { found } else { OUTSIDE };
                    }
                }
            }
        }
    }

    fn ends(&self) -> (f64, f64) {
        (self.edges[0], self.edges[self.edges.len() - 1])
    }

    /// Settles the doubts that [`find`](Self::find) left about the rows at some places.
    pub(super) fn settle(&self, runs: Runs, unsure: &[u16], cells: &mut [u32]) {
        let at = |i: &u16| usize::from(*i);
        let doubtful = |cell: u32| cell >= SURE && cell != OUTSIDE;
        match &self.rows {
            Rows::Numbers { values, .. } => {
                for i in unsure.iter().map(at) {
                    if doubtful(cells[i]) {
                        cells[i] = self.exactly(values[runs.row(i)]);
                    }
                }
            }
            Rows::Indexed { along, edges, settled, .. } => {
                for unsure in unsure.chunks(AHEAD) {
                    let mut codes = [0_i64; AHEAD];
                    for (code, i) in codes.iter_mut().zip(unsure.iter().map(at)) {
                        *code = along.code(runs.row(i));
                    }
                    for (&code, i) in codes.iter().zip(unsure.iter().map(at)) {
                        if doubtful(cells[i]) {
                            let by_code = cell_of_code(edges, code, settled.0 + code as f64 * settled.1);
                            cells[i] = by_code.unwrap_or_else(|| self.exactly(along.position(runs.row(i))));
                        }
                    }
                }
            }
            Rows::Logs(_) | Rows::Codes { .. } => {}
        }
    }

    fn exactly(&self, position: f64) -> u32 {
        let (low, high) = self.ends();
        let inside = position >= low && position <= high;
        // The cast saturates.
        if inside { exact_cell(&self.edges, position, ((position - low) * self.per_unit) as u32) } else { OUTSIDE }
    }
}

/// The cell of an entry, if its whole code differs from the codes of the edges around it; `guess` is near it.
fn cell_of_code(edges: &[i64], code: i64, guess: f64) -> Option<u32> {
    let last = edges.len() - 1;
    if code < edges[0] || code > edges[last] {
        return Some(OUTSIDE);
    }
    // The cast saturates.
    let mut cell = (guess as usize).min(last - 1);
    while cell > 0 && code < edges[cell] {
        cell -= 1;
    }
    while cell + 1 < last && code > edges[cell + 1] {
        cell += 1;
    }
    (code > edges[cell] && code < edges[cell + 1]).then_some(cell as u32)
}

/// Four times the rounding of an edge (in cells) and of the product.
fn rounding(largest: f64, per_unit: f64, bins: f64) -> f64 {
    (largest * per_unit + bins) * (8.0 * f64::EPSILON)
}

/// The last cell whose lower edge is not above `position`, starting from a guess. `position` is within the edges.
#[inline]
fn exact_cell(edges: &[f64], position: f64, guess: u32) -> u32 {
    let last = edges.len() - 2;
    let mut cell = (guess as usize).min(last);
    while cell > 0 && position < edges[cell] {
        cell -= 1;
    }
    while cell < last && position >= edges[cell + 1] {
        cell += 1;
    }
    cell as u32
}
