//! Counts as they come from the grid: a byte for each cell and plane, and what did not fit into it.

use std::ops::Range;

/// Rows per cell and plane.
#[derive(Clone, Copy, Debug)]
pub struct Counts<'a> {
    /// Rows, modulo 256, at `(iy * nx + ix) * stride + plane`; the lowest y comes first.
    pub cells: &'a [u8],
    /// Bytes of a cell: 1, or a multiple of 8 up to 256.
    pub stride: usize,
    /// An index into `cells` for every 256 rows more, ascending.
    pub overflow: &'a [u32],
}

/// The counts of one cell.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    bytes: &'a [u8],
    /// Index of the first byte.
    first: usize,
    overflow: &'a [u32],
}

impl<'a> Counts<'a> {
    /// Whether they are the counts of so many cells.
    pub(super) fn fit(&self, cells: usize) -> bool {
        let whole = self.stride == 1 || (self.stride.is_multiple_of(8) && (8..=256).contains(&self.stride));
        whole && self.cells.len() == cells.saturating_mul(self.stride)
    }

    /// The cells of a range with more rows in a plane than fit into a byte, in order.
    pub(super) fn overflowing(&self, cells: Range<usize>) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        let Self { cells: bytes, stride, overflow } = *self;
        let place = |cell: usize| overflow.partition_point(|at| (*at as usize) < cell * stride);
        let of_cell = move |a: &u32, b: &u32| *a as usize / stride == *b as usize / stride;
        overflow[place(cells.start)..place(cells.end)].chunk_by(of_cell).map(move |overflow| {
            let first = overflow[0] as usize / stride * stride;
            Cell { bytes: &bytes[first..first + stride], first, overflow }
        })
    }

    /// A cell without what overflows.
    pub(super) fn low(&self, cell: usize) -> Cell<'a> {
        let first = cell * self.stride;
        Cell { bytes: &self.cells[first..first + self.stride], first, overflow: &[] }
    }
}

impl<'a> Cell<'a> {
    pub(super) fn index(&self) -> usize {
        self.first / self.bytes.len()
    }

    pub(super) fn total(&self) -> u32 {
        let low: u32 = self.bytes.iter().map(|count| u32::from(*count)).sum();
        low.saturating_add((self.overflow.len() as u32).saturating_mul(256))
    }

    /// The plane of every 256 rows that overflowed.
    pub(super) fn overflowing_planes(&self) -> impl Iterator<Item = usize> + use<'a> {
        let first = self.first;
        self.overflow.iter().map(move |at| *at as usize - first)
    }

    /// Hands out the planes that have rows, and how many.
    pub(super) fn each(&self, mut each: impl FnMut(usize, u32)) {
        let mut overflow = self.overflow;
        for (plane, &count) in self.bytes.iter().enumerate() {
            let more = overflow.iter().take_while(|at| **at as usize == self.first + plane).count();
            overflow = &overflow[more..];
            if count > 0 || more > 0 {
                each(plane, u32::from(count).saturating_add((more as u32).saturating_mul(256)));
            }
        }
    }
}
