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

/// The level of opacity of each bin, from 0 to 1. `histogram` has the cells of each bin.
pub(super) fn levels_of_bins(shade: Shade, histogram: &[u32]) -> Vec<f64> {
    let filled = || histogram.iter().enumerate().skip(1).filter(|(_, cells)| **cells > 0);
    let Some((largest, _)) = filled().next_back().filter(|(bin, _)| *bin > 1) else {
        // Every cell has one row: all are equally plain to see.
        return vec![0.7; histogram.len()];
    };
    let known = &histogram[..=largest];
    let mut levels: Vec<f64> = match shade {
        Shade::Equalised => {
            let first = filled().next().map_or(0.0, |(_, cells)| f64::from(*cells));
            let rest = (filled().map(|(_, cells)| f64::from(*cells)).sum::<f64>() - first).max(1.0);
            let mut below = -first;
            let cells = known.iter().enumerate().map(|(bin, cells)| if bin == 0 { 0 } else { *cells });
            let rank = cells.map(|cells| {
                below += f64::from(cells);
                (below / rest).clamp(0.0, 1.0)
            });
            rank.collect()
        }
        Shade::Log | Shade::Linear => {
            let scale = |count: f64| if shade == Shade::Log { count.max(1.0).ln() } else { count - 1.0 };
            let top = scale(count_of(largest));
            (0..known.len()).map(|bin| (scale(count_of(bin)) / top).clamp(0.0, 1.0)).collect()
        }
    };
    // No cell has more.
    levels.resize(histogram.len(), 1.0);
    levels
}

/// So many cells side by side may be drawn in different steps for the same level.
pub(super) const PHASES: usize = 4;

/// The phases of cells: along both sides of the grid they go round in steps that make no pattern (the R2 sequence, Roberts 2018).
#[derive(Clone, Copy)]
pub(super) struct Phases {
    /// From a cell to the next, in 2³² to the round.
    turn: u32,
}

impl Phases {
    /// Of a grid with rows of so many cells.
    pub(super) fn new(nx: usize) -> Self {
        const ALONG: f64 = 0.754_877_666;
        const UPWARDS: f64 = 0.569_840_291;
        // The nearest step with which a whole row comes to the step upwards.
        let turn = ((nx as f64 * ALONG).floor() + UPWARDS) / nx as f64;
        Self { turn: (turn * 4_294_967_296.0) as u32 }
    }

    #[inline(always)]
    pub(super) fn of(self, cell: usize) -> usize {
        ((cell as u32).wrapping_mul(self.turn) >> 30) as usize
    }
}

/// The step of each bin, of `steps`, in each phase. Where many counts share a step, phases differ so that there is no edge from one step to the next; where
/// each count has a step of its own, all cells with this count look alike.
pub(super) fn steps_of_levels(levels: &[f64], steps: usize) -> impl Iterator<Item = [u8; PHASES]> {
    let last = steps.saturating_sub(1) as f64;
    (0..levels.len()).map(move |bin| {
        let level = levels[bin] * last;
        let apart = (levels[(bin + 1).min(levels.len() - 1)] - levels[bin.saturating_sub(1)]) * last;
        let rounded_up_from = |phase: usize| if apart > 0.0 && apart < 1.0 { (phase as f64 + 0.5) / PHASES as f64 } else { 0.5 };
        std::array::from_fn(|phase| (level + rounded_up_from(phase)) as u8)
    })
}

/// What levels of opacity stand for: the fewest rows that a cell has, the fewest of the middle level, and the most.
pub(super) fn landmarks(histogram: &[u32], levels: &[f64]) -> Vec<u64> {
    let filled = || (1..histogram.len()).filter(|&bin| histogram[bin] > 0);
    let (Some(fewest), Some(most)) = (filled().next(), filled().next_back()) else { return Vec::new() };
    let middle = filled().find(|&bin| levels[bin] * 2.0 >= levels[fewest] + levels[most]);
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
            let steps: Vec<[u8; PHASES]> = steps_of_levels(&levels_of_bins(shade, &histogram), 12).collect();
            for phase in 0..PHASES {
                let steps = counts.map(|bin| steps[bin][phase]);
                assert!(steps.is_sorted(), "{steps:?}");
                assert_eq!((steps[0], steps[4]), (0, 11));
            }
        }
    }

    #[test]
    fn counts_that_share_a_step_are_between_two_and_others_are_not() {
        let shared: Vec<f64> = (0..=100).map(|bin| f64::from(bin) / 100.0).collect();
        for (steps, level) in steps_of_levels(&shared, 11).zip(&shared) {
            let mean = steps.iter().map(|step| f64::from(*step)).sum::<f64>() / PHASES as f64;
            assert!((mean - level * 10.0).abs() <= 0.125 + 1e-9 && steps[PHASES - 1] - steps[0] <= 1, "{level} {steps:?}");
        }
        let apart = [0.0, 0.13, 0.29, 0.51, 1.0];
        assert!(steps_of_levels(&apart, 11).all(|steps| steps == [steps[0]; PHASES]));
        // So do cells that all have one row.
        let mut one_each = vec![0; BINS];
        one_each[1] = 300;
        assert!(steps_of_levels(&levels_of_bins(Shade::Equalised, &one_each), 10).all(|steps| steps == [steps[0]; PHASES]));
        // Neighbours have different phases, upwards always and along a row nearly so, and all are as frequent.
        for nx in [30, 358, 560, 716, 1600] {
            let phases = Phases::new(nx);
            let (mut cells, mut alike) = ([0_usize; PHASES], 0);
            for cell in 0..100 * nx {
                cells[phases.of(cell)] += 1;
                alike += usize::from(phases.of(cell) == phases.of(cell + 1));
                assert_ne!(phases.of(cell), phases.of(cell + nx), "{nx} {cell}");
            }
            assert!(alike < 4 * nx, "{nx} {alike}");
            assert!(cells.iter().all(|cells| cells.abs_diff(25 * nx) <= nx), "{nx} {cells:?}");
        }
    }

    #[test]
    fn landmarks_go_from_the_fewest_rows_to_the_most() {
        let mut histogram = vec![0; BINS];
        let landmarks = |histogram: &[u32]| landmarks(histogram, &levels_of_bins(Shade::Log, histogram));
        assert!(landmarks(&histogram).is_empty());
        histogram[2] = 9;
        assert!(landmarks(&histogram).is_empty());
        for bin in [40, 50, 1000] {
            histogram[bin] = 1;
        }
        assert_eq!(landmarks(&histogram), [2, 50, 1000]);
    }
}
