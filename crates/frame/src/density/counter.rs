//! One thread's grid.

use std::ops::Range;

use super::finder::{Finder, OUTSIDE, Runs, SURE};
use super::{BLOCK, Classes};
use crate::simd::widest;

/// In place of the cell of a row about which there is a doubt; beyond all cells, as is [`OUTSIDE`].
const UNSURE: u32 = OUTSIDE - 1;

#[derive(Debug, Default)]
pub(super) struct Counter {
    pub(super) cells: Vec<u8>,
    /// A cell for every 256 rows that it wrapped around for.
    pub(super) overflow: Vec<u32>,
    pub(super) shown: u64,
}

/// Counts a row in a cell, and notes the cell when it wraps around.
#[inline(always)]
fn increment(count: &mut u8, cell: u32, overflow: &mut Vec<u32>) {
    *count = count.wrapping_add(1);
    if *count == 0 {
        overflow.push(cell);
    }
}

/// Counts the rows that have a cell; says how many there is a doubt about, whose places are in `unsure` then, and how many have none
/// yet. Not inlined, so that all that it needs stays in registers.
#[inline(never)]
fn count_keys(keys: &[u32], cells: &mut [u8], overflow: &mut Vec<u32>, unsure: &mut [u16; BLOCK]) -> (usize, usize) {
    let (mut n_unsure, mut elsewhere) = (0, 0);
    for (i, &key) in keys.iter().enumerate() {
        if let Some(count) = cells.get_mut(key as usize) {
            increment(count, key, overflow);
        } else {
            elsewhere += 1;
            if key == UNSURE {
                unsure[n_unsure] = i as u16;
                n_unsure += 1;
            }
        }
    }
    (n_unsure, elsewhere)
}

impl Counter {
    pub(super) fn clear(&mut self, cells: usize) {
        self.cells.clear();
        self.cells.resize(cells, 0);
        self.overflow.clear();
        self.shown = 0;
    }

    /// Counts those of these rows that are in runs; `sizes` are the cells along x and the bytes of a cell.
    pub(super) fn count_rows(
        &mut self,
        rows: Range<usize>,
        runs: Runs,
        x: &Finder<'_>,
        y: &Finder<'_>,
        classes: Option<Classes<'_>>,
        sizes: (usize, usize),
    ) {
        widest(
            #[inline(always)]
            || self.count_loops(rows, runs, x, y, classes, sizes),
        );
    }

    #[inline(always)]
    fn count_loops(
        &mut self,
        rows: Range<usize>,
        runs: Runs,
        x: &Finder<'_>,
        y: &Finder<'_>,
        classes: Option<Classes<'_>>,
        (width, stride): (usize, usize),
    ) {
        let (mut xs, mut ys, mut keys, mut groups) = ([0_u32; BLOCK], [0_u32; BLOCK], [0_u32; BLOCK], [0_u8; BLOCK]);
        let (width, stride) = (width as u32, stride as u32);
        let cells = &mut self.cells[..];
        let overflow = &mut self.overflow;
        let mut unsure = [0_u16; BLOCK];
        let mut shown = 0_u64;
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + runs.span());
            let runs = runs.from(start);
            let n = runs.among(end - start);
            let (xs, ys, keys, groups) = (&mut xs[..n], &mut ys[..n], &mut keys[..n], &mut groups[..n]);
            x.find(runs, xs);
            y.find(runs, ys);
            if let Some(classes) = classes {
                runs.each(groups).for_each(|(rows, groups)| classes.fill(rows, groups));
            }
            // One loop without a branch, so that the compiler makes vectors of it.
            let mut all_outside = true;
            for (((key, &x), &y), &group) in keys.iter_mut().zip(&*xs).zip(&*ys).zip(&*groups) {
                let is_sure = (x | y) < SURE;
                let is_outside = (x == OUTSIDE) | (y == OUTSIDE);
                let cell = y.wrapping_mul(width).wrapping_add(x).wrapping_mul(stride).wrapping_add(u32::from(group));
                let other = if is_outside { OUTSIDE } else { UNSURE };
                *key = if is_sure { cell } else { other };
                all_outside &= is_outside;
            }
            if all_outside {
                start = end;
                continue;
            }
            let (n_unsure, elsewhere) = count_keys(keys, cells, overflow, &mut unsure);
            shown += (n - elsewhere) as u64;
            let unsure = &unsure[..n_unsure];
            x.settle(runs, unsure, xs);
            y.settle(runs, unsure, ys);
            for i in unsure.iter().map(|i| usize::from(*i)) {
                if xs[i] != OUTSIDE && ys[i] != OUTSIDE {
                    let key = (ys[i] * width + xs[i]) * stride + u32::from(groups[i]);
                    increment(&mut cells[key as usize], key, overflow);
                    shown += 1;
                }
            }
            start = end;
        }
        self.shown += shown;
    }

    /// Adds the counts of another thread.
    pub(super) fn add(&mut self, other: &Self) {
        const PIECE: usize = 4096;
        self.overflow.extend_from_slice(&other.overflow);
        let overflow = &mut self.overflow;
        for (piece, (sums, counts)) in self.cells.chunks_mut(PIECE).zip(other.cells.chunks(PIECE)).enumerate() {
            let mut wrapped = false;
            for (sum, &count) in sums.iter_mut().zip(counts) {
                *sum = sum.wrapping_add(count);
                wrapped |= *sum < count;
            }
            if wrapped {
                let at = sums.iter().zip(counts).enumerate().filter(|(_, (sum, count))| sum < count);
                overflow.extend(at.map(|(i, _)| (piece * PIECE + i) as u32));
            }
        }
    }
}
