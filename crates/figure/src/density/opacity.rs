//! From the rows of a cell to its opacity.

use super::Shade;

/// The opacity of the cells with the fewest rows.
const FAINTEST: f64 = 0.35;
/// Counts below this have a bin of their own; then there are 64 bins for each doubling.
pub(super) const DIRECT: u32 = 4_096;
const DIRECT_BITS: u32 = DIRECT.trailing_zeros();
pub(super) const BINS: usize = DIRECT as usize + (32 - DIRECT_BITS as usize) * 64;

/// The bin of a count.
pub(super) fn bin(count: u32) -> u16 {
    if count < DIRECT {
        return count as u16;
    }
    let bits = 31 - count.leading_zeros();
    let fraction = (count >> (bits - 6)) & 63;
    (DIRECT + (bits - DIRECT_BITS) * 64 + fraction) as u16
}

/// The least count of a bin.
fn count_of(bin: usize) -> f64 {
    let direct = DIRECT as usize;
    if bin < direct {
        return bin as f64;
    }
    let (octave, fraction) = ((bin - direct) / 64, (bin - direct) % 64);
    2_f64.powi((octave as u32 + DIRECT_BITS) as i32) * (1.0 + fraction as f64 / 64.0)
}

/// The step of opacity of each bin, of `steps`. `histogram` has the cells of each bin.
pub(super) fn steps_of_bins(shade: Shade, histogram: &[u32], steps: usize) -> Vec<u8> {
    let last = steps.saturating_sub(1) as f64;
    let step = |share: f64| (last * share.clamp(0.0, 1.0)).round() as u8;
    let filled = || histogram.iter().enumerate().skip(1).filter(|(_, cells)| **cells > 0);
    let Some((largest, _)) = filled().next_back().filter(|(bin, _)| *bin > 1) else {
        // Every cell has one row: all are equally plain to see.
        return vec![(last * 0.7) as u8; histogram.len()];
    };
    let known = &histogram[..=largest];
    let mut out: Vec<u8> = match shade {
        Shade::Equalised => {
            let first = filled().next().map_or(0.0, |(_, cells)| f64::from(*cells));
            let rest = (filled().map(|(_, cells)| f64::from(*cells)).sum::<f64>() - first).max(1.0);
            let mut below = -first;
            let cells = known.iter().enumerate().map(|(bin, cells)| if bin == 0 { 0 } else { *cells });
            let rank = cells.map(|cells| {
                below += f64::from(cells);
                step(below / rest)
            });
            rank.collect()
        }
        Shade::Log | Shade::Linear => {
            let scale = |count: f64| if shade == Shade::Log { count.max(1.0).ln() } else { count - 1.0 };
            let top = scale(count_of(largest));
            (0..known.len()).map(|bin| step(scale(count_of(bin)) / top)).collect()
        }
    };
    // No cell has more.
    out.resize(histogram.len(), last as u8);
    out
}

/// What steps of opacity stand for: the fewest rows that a cell has, the fewest of the middle step, and the most.
pub(super) fn landmarks(histogram: &[u32], steps: &[u8]) -> Vec<u64> {
    let filled = || (1..histogram.len()).filter(|&bin| histogram[bin] > 0);
    let (Some(fewest), Some(most)) = (filled().next(), filled().next_back()) else { return Vec::new() };
    let middle = filled().find(|&bin| u16::from(steps[bin]) * 2 >= u16::from(steps[fewest]) + u16::from(steps[most]));
    let mut bins: Vec<usize> = [Some(fewest), middle, Some(most)].into_iter().flatten().collect();
    bins.dedup();
    if bins.len() == 1 {
        // All cells are alike.
        return Vec::new();
    }
    bins.into_iter().map(|bin| count_of(bin) as u64).collect()
}

/// The opacity of a step.
pub(super) fn alpha(step: usize, steps: usize) -> u8 {
    let share = if steps > 1 { step as f64 / (steps - 1) as f64 } else { 1.0 };
    ((FAINTEST + (1.0 - FAINTEST) * share) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_every_size_have_a_step() {
        for count in [0, 1, 4_095, 4_096, 4_097, 1 << 20, u32::MAX - 1, u32::MAX] {
            let bin = usize::from(bin(count));
            assert!(count_of(bin) <= f64::from(count));
            assert!(count_of(bin + 1) > f64::from(count));
        }
        let counts = [1, 5, 500, 50_000, u32::MAX].map(|count| usize::from(bin(count)));
        let mut histogram = vec![0; BINS];
        counts.iter().for_each(|&bin| histogram[bin] = 1);
        for shade in [Shade::Equalised, Shade::Log, Shade::Linear] {
            let steps = steps_of_bins(shade, &histogram, 12);
            let steps = counts.map(|bin| steps[bin]);
            assert!(steps.is_sorted(), "{steps:?}");
            assert_eq!((steps[0], steps[4]), (0, 11));
        }
    }

    #[test]
    fn landmarks_go_from_the_fewest_rows_to_the_most() {
        let mut histogram = vec![0; BINS];
        let landmarks = |histogram: &[u32]| landmarks(histogram, &steps_of_bins(Shade::Log, histogram, 11));
        assert!(landmarks(&histogram).is_empty());
        histogram[2] = 9;
        assert!(landmarks(&histogram).is_empty());
        for bin in [40, 50, 1000] {
            histogram[bin] = 1;
        }
        assert_eq!(landmarks(&histogram), [2, 50, 1000]);
    }
}
