//! Exact counts of rows on a two-dimensional grid, class by class: the kernel under every large scatter plot.
//!
//! All rows are counted; nothing is sampled or quantised. A row at position p is in cell i when `edge(i) ≤ p < edge(i + 1)`,
//! and the last cell also holds the upper end of its axis. "Exact" means equal to that naive count, bit for bit: a product
//! finds the cell, and rows so near to an edge that rounding might have moved them are compared with the edge itself.
//!
//! Counting goes through cells of one byte, 256 rows at a time being noted in a list, because a grid that fits the cache is
//! several times faster to increment than one of full counters.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::classes::Classes;
use crate::column::Column;
use crate::parallel::{join, map_rows, split, threads_for};

/// The most cells, classes included, that a grid may have.
pub const MOST_CELLS: usize = 1 << 27;

/// Rows whose cells are found before any is counted: three such blocks fit the first-level cache.
const BLOCK: usize = 2048;

/// The cell of a row that is not on the grid.
const OUTSIDE: u32 = u32::MAX;

/// Where rows stand along one axis, in the units of the axis (for a logarithmic axis: exponents, see [`log10`]).
#[derive(Clone, Copy, Debug)]
pub enum Positions<'a> {
    /// A number per row; `NaN` and infinities are never shown.
    Numbers(&'a [f64]),
    /// A category per row: code c stands at position c, so n categories reach from −0.5 to n − 0.5. Codes from `categories` on are missing.
    Codes { codes: &'a [u32], categories: usize },
}

impl<'a> Positions<'a> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Codes { codes, .. } => codes.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of a row, `NaN` if it has none.
    fn at(&self, row: usize) -> f64 {
        match *self {
            Self::Numbers(values) => values[row],
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
    /// Rows per cell at `(class * height + y) * width + x`; y counts upwards from the low end of its axis.
    pub counts: Vec<u32>,
    /// Exact ends of the grid along x: what was asked for.
    pub x: (f64, f64),
    /// Exact ends of the grid along y.
    pub y: (f64, f64),
    /// Rows on the grid. The others are outside the window or have no position.
    pub rows_shown: u64,
    pub rows_total: u64,
}

impl Density {
    /// The counts of one class, row by row from the low end of y.
    #[must_use]
    pub fn plane(&self, class: usize) -> &[u32] {
        let cells = self.width * self.height;
        self.counts.get(class * cells..(class + 1) * cells).unwrap_or_default()
    }
}

/// Memory for grids that can be used again: with it, counting a million rows allocates nothing.
#[derive(Debug, Default)]
pub struct Buffers {
    threads: Vec<Counter>,
    counts: Vec<u32>,
}

impl Buffers {
    /// Gives the memory of a density that is no longer needed back for the next one.
    pub fn recycle(&mut self, density: Density) {
        self.counts = density.counts;
    }
}

/// Counts all rows on the grid of two axes, per group of `classes` if there are any.
///
/// # Errors
/// When the columns differ in length, a window is empty or not finite, or the grid has no or too many cells.
pub fn count(x: &Axis<'_>, y: &Axis<'_>, classes: Option<Classes<'_>>, buffers: &mut Buffers) -> Result<Density, DensityError> {
    let rows = x.positions.len();
    x.check("x", rows)?;
    y.check("y", rows)?;
    if let Some(classes) = classes
        && classes.codes.len() != rows
    {
        return Err(DensityError::Length { axis: "colour", rows: classes.codes.len(), expected: rows });
    }
    let planes = classes.map_or(1, |classes| classes.grouping.len());
    let cells = x.bins.saturating_mul(y.bins).saturating_mul(planes);
    if cells == 0 || cells > MOST_CELLS {
        return Err(DensityError::Cells(cells));
    }

    let (x_finder, y_finder) = (Finder::new(x), Finder::new(y));
    let threads = threads_for(rows);
    buffers.threads.resize_with(threads.max(buffers.threads.len()), Counter::default);
    let counters = &mut buffers.threads[..threads];
    let pass = |counter: &mut Counter, rows: Range<usize>| {
        counter.clear(cells);
        counter.count_rows(rows, &x_finder, &y_finder, classes, (x.bins, x.bins * y.bins));
    };
    let mut counts = std::mem::take(&mut buffers.counts);
    // Every cell is written by the merge, so old counts may stay.
    counts.resize(cells, 0);

    if let [counter] = counters {
        pass(counter, 0..rows);
        counter.write_into(&mut counts);
    } else {
        std::thread::scope(|scope| {
            let handles: Vec<_> =
                split(rows, threads).zip(counters.iter_mut()).map(|(range, counter)| scope.spawn(move || pass(counter, range))).collect();
            handles.into_iter().for_each(join);
        });
        let counters = &*counters;
        std::thread::scope(|scope| {
            let part = cells.div_ceil(threads);
            let handles: Vec<_> =
                counts.chunks_mut(part).enumerate().map(|(at, chunk)| scope.spawn(move || merge(counters, chunk, at * part))).collect();
            handles.into_iter().for_each(join);
        });
        for counter in counters {
            counter.add_overflow(&mut counts);
        }
    }
    Ok(Density {
        width: x.bins,
        height: y.bins,
        classes: planes,
        counts,
        x: (x.low, x.high),
        y: (y.low, y.high),
        rows_shown: counters.iter().map(|counter| counter.shown).sum(),
        rows_total: rows as u64,
    })
}

fn merge(counters: &[Counter], counts: &mut [u32], start: usize) {
    let end = start + counts.len();
    let Some((first, rest)) = counters.split_first() else {
        return;
    };
    // Two threads are the common case: one pass that only writes.
    if let [second] = rest {
        let pairs = first.cells[start..end].iter().zip(&second.cells[start..end]);
        for (count, (&a, &b)) in counts.iter_mut().zip(pairs) {
            *count = u32::from(a) + u32::from(b);
        }
        return;
    }
    for (count, &cell) in counts.iter_mut().zip(&first.cells[start..end]) {
        *count = u32::from(cell);
    }
    for counter in rest {
        for (count, &cell) in counts.iter_mut().zip(&counter.cells[start..end]) {
            *count += u32::from(cell);
        }
    }
}

/// One thread's grid.
#[derive(Debug, Default)]
struct Counter {
    cells: Vec<u8>,
    /// A cell for every 256 rows that it wrapped around for.
    overflow: Vec<u32>,
    shown: u64,
}

impl Counter {
    fn clear(&mut self, cells: usize) {
        self.cells.clear();
        self.cells.resize(cells, 0);
        self.overflow.clear();
        self.shown = 0;
    }

    /// Counts with the widest vectors that this processor has. The result does not depend on them.
    fn count_rows(&mut self, rows: Range<usize>, x: &Finder<'_>, y: &Finder<'_>, classes: Option<Classes<'_>>, sizes: (usize, usize)) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[target_feature(enable = "avx2")]
            fn wide(
                counter: &mut Counter,
                rows: Range<usize>,
                x: &Finder<'_>,
                y: &Finder<'_>,
                classes: Option<Classes<'_>>,
                sizes: (usize, usize),
            ) {
                counter.count_loops(rows, x, y, classes, sizes);
            }
            #[allow(unsafe_code)]
            // SAFETY: the processor has just said that it has these instructions.
            return unsafe { wide(self, rows, x, y, classes, sizes) };
        }
        self.count_loops(rows, x, y, classes, sizes);
    }

    #[inline(always)]
    fn count_loops(
        &mut self,
        rows: Range<usize>,
        x: &Finder<'_>,
        y: &Finder<'_>,
        classes: Option<Classes<'_>>,
        (width, plane): (usize, usize),
    ) {
        let (mut xs, mut ys) = ([0u32; BLOCK], [0u32; BLOCK]);
        let (width, plane) = (width as u32, plane as u32);
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + BLOCK);
            let (xs, ys) = (&mut xs[..end - start], &mut ys[..end - start]);
            x.find(start..end, xs);
            y.find(start..end, ys);
            match classes {
                None => {
                    for (&x, &y) in xs.iter().zip(&*ys) {
                        if x != OUTSIDE && y != OUTSIDE {
                            self.increment(y * width + x);
                        }
                    }
                }
                Some(classes) => {
                    for ((&x, &y), &code) in xs.iter().zip(&*ys).zip(&classes.codes[start..end]) {
                        if x != OUTSIDE && y != OUTSIDE {
                            self.increment(classes.grouping.group_of(code) as u32 * plane + y * width + x);
                        }
                    }
                }
            }
            start = end;
        }
    }

    #[inline(always)]
    fn increment(&mut self, cell: u32) {
        let count = &mut self.cells[cell as usize];
        *count = count.wrapping_add(1);
        self.shown += 1;
        if *count == 0 {
            self.overflow.push(cell);
        }
    }

    fn write_into(&self, counts: &mut [u32]) {
        merge(std::slice::from_ref(self), counts, 0);
        self.add_overflow(counts);
    }

    fn add_overflow(&self, counts: &mut [u32]) {
        for &cell in &self.overflow {
            counts[cell as usize] += 256;
        }
    }
}

/// Finds the cells of rows along one axis.
#[derive(Debug)]
enum Finder<'a> {
    Numbers {
        values: &'a [f64],
        edges: Vec<f64>,
        per_unit: f64,
        /// A product this close to a whole number may be on the wrong side of an edge.
        doubt: f64,
    },
    /// The cell of every code; the last is for codes that are missing.
    Codes { codes: &'a [u32], cells: Vec<u32> },
}

impl<'a> Finder<'a> {
    fn new(axis: &Axis<'a>) -> Self {
        let edges = axis.edges();
        match axis.positions {
            Positions::Numbers(values) => {
                let per_unit = axis.bins as f64 / (axis.high - axis.low);
                // Four times the rounding of an edge (in cells) and of the product.
                let largest = axis.low.abs().max(axis.high.abs());
                let doubt = (largest * per_unit + axis.bins as f64) * (8.0 * f64::EPSILON);
                Self::Numbers { values, edges, per_unit, doubt }
            }
            Positions::Codes { codes, categories } => {
                let cell = |code: usize| {
                    let position = code as f64;
                    let inside = position >= axis.low && position <= axis.high;
                    if inside { exact_cell(&edges, position, 0) } else { OUTSIDE }
                };
                Self::Codes { codes, cells: (0..categories).map(cell).chain([OUTSIDE]).collect() }
            }
        }
    }

    /// Writes the cells of a range of rows.
    #[inline(always)]
    fn find(&self, rows: Range<usize>, cells: &mut [u32]) {
        match self {
            Self::Codes { codes, cells: of_code } => {
                let last = of_code.len() - 1;
                for (cell, &code) in cells.iter_mut().zip(&codes[rows]) {
                    *cell = of_code[(code as usize).min(last)];
                }
            }
            Self::Numbers { values, edges, per_unit, doubt } => {
                let values = &values[rows];
                let (low, high) = (edges[0], edges[edges.len() - 1]);
                let mut doubtful = false;
                for (cell, &value) in cells.iter_mut().zip(values) {
                    let place = (value - low) * per_unit;
                    let whole = place as i32;
                    let rest = place - f64::from(whole);
                    let inside = (value >= low) & (value <= high);
                    *cell = if inside { whole as u32 } else { OUTSIDE };
                    doubtful |= inside & !((rest > *doubt) & (rest < 1.0 - *doubt));
                }
                if doubtful {
                    for (cell, &value) in cells.iter_mut().zip(values) {
                        if *cell != OUTSIDE {
                            *cell = exact_cell(edges, value, *cell);
                        }
                    }
                }
            }
        }
    }
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

/// Decimal logarithms, for a logarithmic axis. Numbers that are not positive have none and become `NaN`.
#[must_use]
pub fn log10(values: &[f64]) -> Vec<f64> {
    values.iter().map(|&value| if value > 0.0 { value.log10() } else { f64::NAN }).collect()
}

/// A rectangle in the units of two axes; its edges belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub x: (f64, f64),
    pub y: (f64, f64),
}

/// The rows inside a window, ascending, or `None` as soon as there turn out to be more than `limit` (or the axes differ in length).
#[must_use]
pub fn select_window(x: Positions<'_>, y: Positions<'_>, window: Window, limit: usize) -> Option<Vec<u32>> {
    let rows = x.len();
    if y.len() != rows || u32::try_from(rows).is_err() {
        return None;
    }
    let found = AtomicUsize::new(0);
    let parts = map_rows(rows, |rows| {
        let mut inside = Vec::new();
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + BLOCK);
            let before = inside.len();
            for row in start..end {
                let (px, py) = (x.at(row), y.at(row));
                let within = (px >= window.x.0) & (px <= window.x.1) & (py >= window.y.0) & (py <= window.y.1) & (px - py).is_finite();
                if within {
                    inside.push(row as u32);
                }
            }
            let new = inside.len() - before;
            if found.fetch_add(new, Ordering::Relaxed) + new > limit {
                return None;
            }
            start = end;
        }
        Some(inside)
    });
    let parts: Vec<Vec<u32>> = parts.into_iter().collect::<Option<_>>()?;
    Some(parts.concat())
}

#[cfg(test)]
mod tests;
