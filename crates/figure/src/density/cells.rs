//! Counts as they come from the grid: a byte for each cell and plane, and what did not fit into it.

use std::ops::Range;

/// Rows per cell and plane.
#[derive(Clone, Copy, Debug)]
pub struct Counts<'a> {
    /// Rows, modulo 256, at `(iy * nx + ix) * stride + plane`; the lowest y comes first.
    pub cells: &'a [u8],
    /// Bytes of a cell: 1, or a multiple of 8.
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
        (self.stride == 1 || (self.stride > 0 && self.stride.is_multiple_of(8))) && self.cells.len() == cells.saturating_mul(self.stride)
    }

    /// Visits the cells of a range that have rows, in order.
    #[inline]
    pub(super) fn visit(&self, cells: Range<usize>, mut each: impl FnMut(usize, Cell<'a>)) {
        let mut overflow = self.overflow_of(cells.clone());
        let bytes = &self.cells[cells.start * self.stride..cells.end * self.stride];
        for (cell, bytes) in cells.zip(bytes.chunks_exact(self.stride)) {
            let first = cell * self.stride;
            let none = match bytes {
                [count] => *count == 0,
                _ => bytes.as_chunks::<8>().0.iter().all(|word| u64::from_ne_bytes(*word) == 0),
            };
            let more = if overflow.first().is_some_and(|&at| (at as usize) < first + self.stride) {
                let (more, rest) = overflow.split_at(overflow.iter().take_while(|at| (**at as usize) < first + self.stride).count());
                overflow = rest;
                more
            } else if none {
                continue;
            } else {
                &[]
            };
            each(cell, Cell { bytes, first, overflow: more });
        }
    }

    /// Visits these cells, which must be in order.
    #[inline(always)]
    pub(super) fn visit_some(&self, cells: impl Iterator<Item = usize>, mut each: impl FnMut(Cell<'a>)) {
        let mut cells = cells.peekable();
        let Some(&start) = cells.peek() else { return };
        let mut overflow = &self.overflow[self.overflow.partition_point(|at| (*at as usize) < start * self.stride)..];
        for cell in cells {
            let first = cell * self.stride;
            let mut more: &[u32] = &[];
            if !overflow.is_empty() {
                overflow = &overflow[overflow.iter().take_while(|at| (**at as usize) < first).count()..];
                (more, overflow) = overflow.split_at(overflow.iter().take_while(|at| (**at as usize) < first + self.stride).count());
            }
            each(Cell { bytes: &self.cells[first..first + self.stride], first, overflow: more });
        }
    }

    fn overflow_of(&self, cells: Range<usize>) -> &'a [u32] {
        let place = |cell: usize| self.overflow.partition_point(|at| (*at as usize) < cell * self.stride);
        &self.overflow[place(cells.start)..place(cells.end)]
    }
}

impl Cell<'_> {
    /// Adds the counts to those of other cells, and returns their sum.
    #[inline]
    pub(super) fn add_to(&self, sums: &mut [u32]) -> u32 {
        let more = self.overflow.len() as u32;
        self.overflow.iter().for_each(|at| sums[*at as usize - self.first] += 256);
        if let [count] = self.bytes {
            sums[0] += u32::from(*count);
            return u32::from(*count).saturating_add(more.saturating_mul(256));
        }
        let mut total = more.saturating_mul(256);
        for (bytes, sums) in self.bytes.as_chunks::<8>().0.iter().zip(sums.as_chunks_mut::<8>().0) {
            for (sum, &count) in sums.iter_mut().zip(bytes) {
                *sum += u32::from(count);
            }
            // The eight bytes as four pairs, then as one sum.
            let word = u64::from_ne_bytes(*bytes);
            let pairs = (word & 0x00ff_00ff_00ff_00ff) + (word >> 8 & 0x00ff_00ff_00ff_00ff);
            total = total.saturating_add((pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as u32);
        }
        total
    }

    /// The counts eight by eight, where all fit into a byte and there are several planes.
    #[inline(always)]
    pub(super) fn eights(&self) -> Option<&[[u8; 8]]> {
        (self.overflow.is_empty() && self.bytes.len() > 1).then_some(self.bytes.as_chunks::<8>().0)
    }

    /// Hands out the planes that have rows, and how many.
    #[inline]
    pub(super) fn each(&self, mut each: impl FnMut(usize, u32)) {
        if !self.overflow.is_empty() {
            for (plane, &count) in self.bytes.iter().enumerate() {
                let more = self.overflow.iter().filter(|at| **at as usize == self.first + plane).count() as u32;
                if count > 0 || more > 0 {
                    each(plane, u32::from(count).saturating_add(more.saturating_mul(256)));
                }
            }
            return;
        }
        if let [count] = self.bytes {
            return each(0, u32::from(*count));
        }
        for (word, bytes) in self.bytes.as_chunks::<8>().0.iter().enumerate() {
            let mut rest = u64::from_le_bytes(*bytes);
            while rest != 0 {
                let byte = rest.trailing_zeros() / 8;
                each(word * 8 + byte as usize, (rest >> (byte * 8) & 0xff) as u32);
                rest &= !(0xff << (byte * 8));
            }
        }
    }
}
