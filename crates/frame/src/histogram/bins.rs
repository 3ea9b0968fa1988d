//! Counts values between given edges.

use std::ops::Range;

use super::planes;
use crate::classes::Classes;
use crate::parallel::{check, map_rows};
use crate::simd::{floor_f64, widest};

/// Equal parts of the range of the edges. Nearly all of them lie in one bin.
const PARTS: usize = 1 << 13;
/// Rows whose bins are found before any is counted.
const BLOCK: usize = 2048;
/// In place of a bin: an edge is in the part or next to it, so that the value itself decides.
const UNSURE: u16 = u16::MAX;

/// Bins between edges that do not descend: bin i holds `edges[i] ≤ value < edges[i + 1]`, the last one also its upper edge.
pub(super) struct Bins<'a> {
    edges: &'a [f64],
    per_unit: f64,
    /// The bin of each part, then that of values without one.
    of_part: Vec<u16>,
}

impl<'a> Bins<'a> {
    /// `None` without a bin, and where there are too many.
    pub(super) fn new(edges: &'a [f64]) -> Option<Self> {
        let (low, high) = (*edges.first()?, *edges.last()?);
        let bins = edges.len() - 1;
        if bins == 0 || bins >= usize::from(UNSURE) {
            return None;
        }
        let per_unit = PARTS as f64 / (high - low);
        let mut bins = Self { edges, per_unit, of_part: vec![bins as u16; PARTS + 1] };
        let parts: Vec<usize> = edges.iter().map(|&edge| bins.part(edge)).collect();
        for (bin, ends) in parts.windows(2).enumerate() {
            bins.of_part[ends[0]..ends[1].max(ends[0])].fill(bin as u16);
        }
        // Rounding may put a value one part beside that of an edge.
        for &part in &parts {
            bins.of_part[part.saturating_sub(1)..(part + 2).min(PARTS)].fill(UNSURE);
        }
        Some(bins)
    }

    /// The part of a value between the ends.
    #[inline(always)]
    fn part(&self, value: f64) -> usize {
        (floor_f64((value - self.edges[0]) * self.per_unit).0 as usize).min(PARTS - 1)
    }

    /// The bin of a value between the ends.
    fn settle(&self, value: f64) -> usize {
        let last = self.edges.len() - 2;
        self.edges.partition_point(|edge| *edge <= value).saturating_sub(1).min(last)
    }

    /// Rows in each group's bins.
    pub(super) fn count(&self, values: &[f64], classes: Option<Classes<'_>>, groups: usize) -> Vec<Vec<u64>> {
        let bins = self.edges.len() - 1;
        let parts = map_rows(values.len(), |rows| {
            widest(
                #[inline(always)]
                || self.count_rows(values, rows, classes, groups),
            )
        });
        planes(parts, bins)
    }

    #[inline(always)]
    fn count_rows(&self, values: &[f64], rows: Range<usize>, classes: Option<Classes<'_>>, groups: usize) -> Vec<u64> {
        let (low, high) = (self.edges[0], self.edges[self.edges.len() - 1]);
        let stride = self.edges.len();
        let mut counts = vec![0_u64; groups * stride];
        let (mut bins, mut of_rows) = ([0_u16; BLOCK], [0_u8; BLOCK]);
        let mut start = rows.start;
        while start < rows.end {
            check();
            let end = rows.end.min(start + BLOCK);
            let values = &values[start..end];
            let (bins, of_rows) = (&mut bins[..values.len()], &mut of_rows[..values.len()]);
            let mut any_unsure = false;
            for (bin, &value) in bins.iter_mut().zip(values) {
                let inside = (value >= low) & (value <= high);
                let part = if inside { self.part(value) } else { PARTS };
                *bin = self.of_part[part];
                any_unsure |= *bin == UNSURE;
            }
            if any_unsure {
                for (bin, &value) in bins.iter_mut().zip(values).filter(|(bin, _)| **bin == UNSURE) {
                    *bin = self.settle(value) as u16;
                }
            }
            if let Some(classes) = classes {
                classes.fill(start..end, of_rows);
            }
            for (&bin, &group) in bins.iter().zip(&*of_rows) {
                counts[usize::from(group) * stride + usize::from(bin)] += 1;
            }
            start = end;
        }
        counts
    }
}
