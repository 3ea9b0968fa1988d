//! The first pass over the counts: the rows of each cell, and those of each block of cells.

use super::opacity::{self, BINS};
use super::{BLOCKS, Input};
use crate::stats::tally;
use labboard_frame::parallel::{cut, map_parts, parts};
use labboard_frame::simd::widest;
use std::ops::Range;

/// Cells from which a second thread is worth it.
const PARALLEL_CELLS: usize = 100_000;
/// Bytes that a lane of 16 bits can add up.
const SUMMED_AT_ONCE: usize = 257;
/// Every second byte of eight.
const EVEN: u64 = 0x00ff_00ff_00ff_00ff;

/// What the first pass finds.
pub(super) struct Survey {
    /// The cells of neighbouring rows of the grid, from the lowest.
    pub(super) bands: Vec<Range<usize>>,
    /// How many cells are in each bin.
    pub(super) histogram: Vec<u32>,
    /// Rows of each block and plane.
    pub(super) sums: Vec<u64>,
}

struct Found {
    histogram: Vec<u32>,
    sums: Vec<u64>,
}

/// Writes the bin of each cell's rows, 0 where there are none.
pub(super) fn survey(input: &Input<'_>, planes: usize, bins: &mut [u16]) -> Survey {
    let rows: Vec<Range<usize>> = parts(input.ny, input.nx * input.ny, PARALLEL_CELLS).collect();
    let bands: Vec<Range<usize>> = rows.iter().map(|rows| rows.start * input.nx..rows.end * input.nx).collect();
    let bins = cut(bins, bands.iter().map(ExactSizeIterator::len));
    let found = map_parts(rows.iter().zip(bins), |(rows, bins)| {
        widest(
            #[inline(always)]
            || survey_band(input, planes, rows.clone(), bins),
        )
    });
    let blocks = input.nx.min(BLOCKS) * input.ny.min(BLOCKS);
    let mut out = Survey { bands, histogram: vec![0; BINS], sums: vec![0; blocks * planes] };
    for found in found {
        out.histogram.iter_mut().zip(&found.histogram).for_each(|(sum, more)| *sum += more);
        out.sums.iter_mut().zip(&found.sums).for_each(|(sum, more)| *sum += more);
    }
    out
}

#[inline(always)]
fn survey_band(input: &Input<'_>, planes: usize, rows: Range<usize>, all_bins: &mut [u16]) -> Found {
    let (nx, stride) = (input.nx, input.counts.stride);
    let (bx, by) = (nx.min(BLOCKS), input.ny.min(BLOCKS));
    // Runs of neighbouring cells are added up at once.
    let starts: Vec<usize> = (0..=bx).map(|block| (block * nx).div_ceil(bx)).collect();
    let cells = rows.start * nx..rows.end * nx;
    let mut sums = vec![0_u64; bx * by * planes];
    let mut run = vec![0_u64; stride];
    for (iy, bins) in rows.clone().zip(all_bins.chunks_exact_mut(nx)) {
        let bytes = &input.counts.cells[iy * nx * stride..][..nx * stride];
        let base = iy * by / input.ny * bx;
        for (block, ends) in starts.windows(2).enumerate() {
            run.fill(0);
            add_up(&bytes[ends[0] * stride..ends[1] * stride], stride, &mut bins[ends[0]..ends[1]], &mut run);
            let sums = &mut sums[(base + block) * planes..][..planes];
            sums.iter_mut().zip(&run).for_each(|(sum, count)| *sum += count);
        }
    }
    if stride * 255 >= opacity::DIRECT as usize {
        all_bins.iter_mut().for_each(|bin| *bin = opacity::bin(u32::from(*bin)));
    }
    for cell in input.counts.overflowing(cells.clone()) {
        all_bins[cell.index() - cells.start] = opacity::bin(cell.total());
        let (ix, iy) = (cell.index() % nx, cell.index() / nx);
        let block = iy * by / input.ny * bx + ix * bx / nx;
        for plane in cell.overflowing_planes() {
            sums[block * planes + plane] += 256;
        }
    }
    Found { histogram: tally([&*all_bins], BINS), sums }
}

/// The totals of cells, without what overflows, and what they add up to plane by plane.
#[inline(always)]
fn add_up(bytes: &[u8], stride: usize, totals: &mut [u16], sums: &mut [u64]) {
    if stride == 1 {
        for (total, &count) in totals.iter_mut().zip(bytes) {
            *total = u16::from(count);
        }
        sums[0] += totals.iter().map(|total| u64::from(*total)).sum::<u64>();
        return;
    }
    let words = bytes.as_chunks::<8>().0;
    match stride / 8 {
        1 => add_up_words(words, 1, totals, sums),
        2 => add_up_words(words, 2, totals, sums),
        step => add_up_words(words, step, totals, sums),
    }
}

/// With a `step` that is known where this is inlined, it becomes vectors.
#[inline(always)]
fn add_up_words(words: &[[u8; 8]], step: usize, totals: &mut [u16], sums: &mut [u64]) {
    for (words, totals) in words.chunks(SUMMED_AT_ONCE * step).zip(totals.chunks_mut(SUMMED_AT_ONCE)) {
        totals.fill(0);
        for (at, sums) in sums.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let (mut even, mut odd) = (0_u64, 0_u64);
            for (total, words) in totals.iter_mut().zip(words.chunks_exact(step)) {
                let word = u64::from_le_bytes(words[at]);
                let (evens, odds) = (word & EVEN, word >> 8 & EVEN);
                even += evens;
                odd += odds;
                let pairs = evens + odds;
                *total += (pairs + (pairs >> 16) + (pairs >> 32) + (pairs >> 48)) as u16;
            }
            for (plane, sum) in sums.iter_mut().enumerate() {
                let of = if plane % 2 == 0 { even } else { odd };
                *sum += of >> (plane / 2 * 16) & 0xffff;
            }
        }
    }
}
