//! Exact counts of rows on a two-dimensional grid, class by class: the kernel under every large scatter plot.
//!
//! All rows are counted; nothing is sampled. A row at position p is in cell i when `edge(i) ≤ p < edge(i + 1)`,
//! and the last cell also holds the upper end of its axis. "Exact" means equal to that naive count, bit for bit: a product
//! or a code finds the cell, and rows so near to an edge that it might be the next one are compared with the edge itself.
//!
//! Counting goes through cells of one byte, every 256th row of a cell being noted in a list, because a grid that fits the cache
//! is several times faster to increment than one of full counters.

mod counter;
mod finder;
mod place;

use std::ops::Range;

use crate::classes::Classes;
use crate::cloud::Cloud;
use crate::column::Column;
use crate::parallel::{check, map_parts, map_rows, split, threads_for};
use counter::Counter;
use finder::{Finder, Runs};

pub use place::{Selected, Shape, Window, count_placed, select, select_cloud, select_window, select_window_cloud};

/// The most cells, classes included, that a grid may have.
pub const MOST_CELLS: usize = 1 << 27;

/// Rows whose cells are found before any is counted: three such blocks fit the first-level cache.
const BLOCK: usize = 2048;

/// Rows side by side that are counted, where not all are: in an index as many as share a line of the cache, since neighbours there are
/// alike; in a table more, since each run costs a page.
const RUN_OF_INDEX: usize = 16;
const RUN_OF_TABLE: usize = 256;

/// Where rows stand along one axis, in the units of the axis (for a logarithmic axis: exponents).
#[derive(Clone, Copy, Debug)]
pub enum Positions<'a> {
    /// A number per row; `NaN` and infinities are never shown.
    Numbers(&'a [f64]),
    /// A number per row that stands at its decimal logarithm; what is not positive has no place.
    Logs(&'a [f64]),
    /// A category per row: code c stands at position c, so n categories reach from −0.5 to n − 0.5. Codes from `categories` on are missing.
    Codes { codes: &'a [u32], categories: usize },
}

impl<'a> Positions<'a> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) | Self::Logs(values) => values.len(),
            Self::Codes { codes, .. } => codes.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of a row, `NaN` if it has none.
    #[must_use]
    pub fn at(&self, row: usize) -> f64 {
        match *self {
            Self::Numbers(values) => values[row],
            // Of zero it is infinite, of what is below it is no number.
            Self::Logs(values) => values[row].log10(),
            Self::Codes { codes, categories } => {
                let code = codes[row];
                if (code as usize) < categories { f64::from(code) } else { f64::NAN }
            }
        }
    }
}

impl<'a> From<Column<'a>> for Positions<'a> {
    fn from(column: Column<'a>) -> Self {
        match column {
            Column::Numeric(values) | Column::Date(values) => Self::Numbers(values),
            Column::Nominal { codes, levels } | Column::Text { codes, levels } => Self::Codes { codes, categories: levels.len() },
        }
    }
}

/// One axis of a grid: positions cut into `bins` equal cells between `low` and `high`.
#[derive(Clone, Copy, Debug)]
pub struct Axis<'a> {
    pub positions: Positions<'a>,
    pub low: f64,
    pub high: f64,
    pub bins: usize,
}

impl Axis<'_> {
    /// The edge below cell `i`; `edge(bins)` is the upper end.
    #[must_use]
    pub fn edge(&self, i: usize) -> f64 {
        if i >= self.bins { self.high } else { self.low + (self.high - self.low) * (i as f64 / self.bins as f64) }
    }

    /// All edges, one more than there are cells.
    #[must_use]
    pub fn edges(&self) -> Vec<f64> {
        (0..=self.bins).map(|i| self.edge(i)).collect()
    }

    fn check(&self, name: &'static str, rows: usize) -> Result<(), DensityError> {
        if self.positions.len() != rows {
            return Err(DensityError::Length { axis: name, rows: self.positions.len(), expected: rows });
        }
        let span = self.high - self.low;
        if !(span > 0.0 && span.is_finite() && (self.bins as f64 / span).is_finite()) {
            return Err(DensityError::Window { axis: name, low: self.low, high: self.high });
        }
        Ok(())
    }
}

/// Why rows cannot be counted on a grid.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DensityError {
    #[error("the {axis} axis has {rows} rows where {expected} are expected")]
    Length { axis: &'static str, rows: usize, expected: usize },
    #[error("the {axis} axis cannot reach from {low} to {high}")]
    Window { axis: &'static str, low: f64, high: f64 },
    #[error("{0} cells are too many or too few (1 to {MOST_CELLS})")]
    Cells(usize),
}

/// Counts of rows per class and cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// Cells along x.
    pub width: usize,
    /// Cells along y.
    pub height: usize,
    /// Number of classes, at least 1.
    pub classes: usize,
    /// Bytes of a cell: one for each class, rounded up so that a cell with several classes is a whole number of eight bytes.
    pub stride: usize,
    /// Rows, modulo 256, at `(y * width + x) * stride + class`; y counts upwards from the low end of its axis.
    pub cells: Vec<u8>,
    /// An index into `cells` for every 256 rows more, ascending.
    pub overflow: Vec<u32>,
    /// Exact ends of the grid along x: what was asked for.
    pub x: (f64, f64),
    /// Exact ends of the grid along y.
    pub y: (f64, f64),
    /// Rows on the grid. The others are outside the window or have no position.
    pub rows_shown: u64,
    pub rows_total: u64,
}

impl Density {
    /// The counts in full: rows at `(class * height + y) * width + x`.
    #[must_use]
    pub fn counts(&self) -> Vec<u32> {
        let plane = self.width * self.height;
        let mut counts = vec![0; plane * self.classes];
        for (cell, bytes) in self.cells.chunks_exact(self.stride).enumerate() {
            for (class, &count) in bytes[..self.classes].iter().enumerate() {
                counts[class * plane + cell] = u32::from(count);
            }
        }
        for &at in &self.overflow {
            let (cell, class) = (at as usize / self.stride, at as usize % self.stride);
            counts[class * plane + cell] += 256;
        }
        counts
    }
}

/// Bytes of a cell with so many classes.
fn stride_of(classes: usize) -> usize {
    if classes == 1 { 1 } else { classes.next_multiple_of(8) }
}

/// Memory for grids that can be used again: with it, counting a million rows allocates nothing.
#[derive(Debug, Default)]
pub struct Buffers {
    threads: Vec<Counter>,
}

impl Buffers {
    /// Gives the memory of a density that is no longer needed back for the next one.
    pub fn recycle(&mut self, density: Density) {
        if let Some(counter) = self.threads.first_mut() {
            counter.cells = density.cells;
            counter.overflow = density.overflow;
        }
    }
}

/// The groups, the bytes of a cell, and those of the grid.
fn sizes(x: &Axis<'_>, y: &Axis<'_>, classes: Option<Classes<'_>>, rows: usize) -> Result<(usize, usize, usize), DensityError> {
    if let Some(classes) = classes
        && classes.len() != rows
    {
        return Err(DensityError::Length { axis: "colour", rows: classes.len(), expected: rows });
    }
    let groups = classes.map_or(1, |classes| classes.grouping.len());
    let stride = stride_of(groups);
    let cells = x.bins.saturating_mul(y.bins).saturating_mul(stride);
    if cells == 0 || cells > MOST_CELLS { Err(DensityError::Cells(cells)) } else { Ok((groups, stride, cells)) }
}

/// Counts rows on the grid of two axes, per group of `classes` if there are any: all of them if `one_of` is 1, or one out of so many, in short runs at
/// equal distances, for a first look at many rows.
///
/// # Errors
/// When the columns differ in length, a window is empty or not finite, or the grid has no or too many cells.
pub fn count(
    one_of: usize,
    x: &Axis<'_>,
    y: &Axis<'_>,
    classes: Option<Classes<'_>>,
    buffers: &mut Buffers,
) -> Result<Density, DensityError> {
    let rows = x.positions.len();
    x.check("x", rows)?;
    y.check("y", rows)?;
    let sizes = sizes(x, y, classes, rows)?;
    // Pieces small enough to share them out evenly.
    let pieces: Vec<Range<usize>> = split(rows, rows.div_ceil(crate::cloud::BLOCK * one_of.max(1))).collect();
    Ok(count_pieces(&pieces, Runs::one_of(one_of, RUN_OF_TABLE), rows, &Finder::new(x), &Finder::new(y), (x, y), classes, sizes, buffers))
}

/// The same out of an index, whose order the classes are in: only what the window touches is read. The positions of the axes are those of the index.
///
/// # Errors
/// As [`count`].
pub fn count_cloud(
    one_of: usize,
    cloud: &Cloud<'_>,
    x: &Axis<'_>,
    y: &Axis<'_>,
    classes: Option<Classes<'_>>,
    buffers: &mut Buffers,
) -> Result<Density, DensityError> {
    let rows = cloud.x.len();
    x.check("x", rows)?;
    y.check("y", rows)?;
    let sizes = sizes(x, y, classes, cloud.len())?;
    let blocks = cloud.blocks((x.low, x.high), (y.low, y.high));
    let (of_x, of_y) = (Finder::of_cloud(x, cloud.along_x()), Finder::of_cloud(y, cloud.along_y()));
    Ok(count_pieces(&blocks, Runs::one_of(one_of, RUN_OF_INDEX), rows, &of_x, &of_y, (x, y), classes, sizes, buffers))
}

#[allow(clippy::too_many_arguments)]
fn count_pieces(
    pieces: &[Range<usize>],
    runs: Runs,
    rows: usize,
    of_x: &Finder<'_>,
    of_y: &Finder<'_>,
    (x, y): (&Axis<'_>, &Axis<'_>),
    classes: Option<Classes<'_>>,
    (groups, stride, cells): (usize, usize, usize),
    buffers: &mut Buffers,
) -> Density {
    let threads = threads_for(runs.among(pieces.iter().map(ExactSizeIterator::len).sum()));
    buffers.threads.resize_with(threads.max(buffers.threads.len()), Counter::default);
    let counters = &mut buffers.threads[..threads];
    let shares = split(pieces.len(), threads).zip(counters.iter_mut());
    map_parts(shares, |(share, counter)| {
        counter.clear(cells);
        for rows in &pieces[share] {
            check();
            counter.count_rows(rows.clone(), runs, of_x, of_y, classes, (x.bins, stride));
        }
    });
    let (first, others) = counters.split_at_mut(1);
    let first = &mut first[0];
    let rows_shown = first.shown + others.iter().map(|counter| counter.shown).sum::<u64>();
    for other in others {
        first.add(other);
    }
    first.overflow.sort_unstable();
    Density {
        width: x.bins,
        height: y.bins,
        classes: groups,
        stride,
        cells: std::mem::take(&mut first.cells),
        overflow: std::mem::take(&mut first.overflow),
        x: (x.low, x.high),
        y: (y.low, y.high),
        rows_shown,
        rows_total: rows as u64,
    }
}

/// The ends of an axis that shows every row of a column: the least and greatest finite number, or half a step beyond the first
/// and the last level. `None` if there is nothing to show.
#[must_use]
pub fn extent(column: Column<'_>) -> Option<(f64, f64)> {
    match column {
        Column::Nominal { levels, .. } | Column::Text { levels, .. } => (!levels.is_empty()).then(|| (-0.5, levels.len() as f64 - 0.5)),
        Column::Numeric(values) | Column::Date(values) => {
            let parts = map_rows(values.len(), |rows| finite_range(&values[rows]));
            let ends = parts.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |a, b| (a.0.min(b.0), a.1.max(b.1)));
            (ends.0 <= ends.1).then_some(ends)
        }
    }
}

/// The ends of a logarithmic axis that shows every positive number of a column: exponents. `None` if there is no such number.
#[must_use]
pub fn extent_of_logs(values: &[f64]) -> Option<(f64, f64)> {
    let parts = map_rows(values.len(), |rows| {
        let positive = values[rows].iter().copied().filter(|value| *value > 0.0 && value.is_finite());
        positive.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)))
    });
    let (low, high) = parts.into_iter().fold((f64::INFINITY, 0.0_f64), |a, b| (a.0.min(b.0), a.1.max(b.1)));
    (low <= high).then(|| (low.log10(), high.log10()))
}

fn finite_range(values: &[f64]) -> (f64, f64) {
    // Eight independent lanes, or each comparison would wait for the last.
    const LANES: usize = 8;
    let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    let mut take = |lane: usize, value: f64| {
        // NaN fails every comparison.
        if value < low[lane] && value > f64::NEG_INFINITY {
            low[lane] = value;
        }
        if value > high[lane] && value < f64::INFINITY {
            high[lane] = value;
        }
    };
    for chunk in chunks {
        for (lane, &value) in chunk.iter().enumerate() {
            take(lane, value);
        }
    }
    rest.iter().for_each(|&value| take(0, value));
    (low.into_iter().fold(f64::INFINITY, f64::min), high.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests;
