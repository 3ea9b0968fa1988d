//! The second pass over the counts: how each cell looks.

use super::opacity::{PHASES, Phases, steps_of_levels};
use super::palette::{LOOKS, Look, MIXTURE_STEPS, NOTHING, Palette};
use super::{Groups, Input, cells};
use crate::theme::Rgb;
use labboard_frame::parallel::{cut, map_parts};
use labboard_frame::simd::widest;
use std::ops::Range;
use std::sync::LazyLock;

/// A cell is of one class alone when at most one row in this many is of another.
const PURE: u32 = 50;
/// Neighbours that are passed over together when none has rows.
pub(super) const RUN: usize = 16;
/// Cells that are mixed at once.
const LANES: usize = 16;
/// Planes that are looked at together, a byte each.
const EIGHT: usize = 8;
/// Pairs of planes of the cells that are mixed at once.
const PAIRS: usize = LANES * EIGHT / 2;
/// The values of linear light.
const LIGHTS: usize = 1024;

/// What linear light, red, green and blue, adds to the look of a mixture: its upper 4 bits in sRGB. A table in place of a power for each cell.
static SHARES: LazyLock<[[Look; LIGHTS]; 3]> = LazyLock::new(|| {
    let nibble = |light: usize| Rgb::from_linear([light as f64 / (LIGHTS - 1) as f64; 3]).0[0] >> 4;
    std::array::from_fn(|channel| {
        std::array::from_fn(|light| {
            let mut nibbles = [0; 3];
            nibbles[channel] = nibble(light);
            Palette::mixed(nibbles) - Palette::mixed([0; 3])
        })
    })
});

/// How cells look by their counts.
pub(super) struct Mixer<'a> {
    groups: &'a Groups,
    palette: &'a Palette,
    /// The step of opacity of each bin in each phase, among those of a class and among those of mixtures.
    steps: Vec<[[u8; 2]; PHASES]>,
    phases: Phases,
    /// Linear light of each class.
    light: Vec<[u16; 3]>,
    /// The planes of a cell; empty where some planes share a class, since the largest plane need not be of the largest class then.
    planes: Vec<Planes>,
}

/// What there is to know of eight planes, as often as there are cells at once: first of those with even numbers, then of the others.
#[derive(Clone, Copy)]
struct Planes {
    light: [[[i16; PAIRS]; 3]; 2],
    /// What makes the first class the greatest of equals: 255 less the class.
    rank: [[u16; PAIRS]; 2],
    /// How the class of each plane looks in its lowest step.
    first: [Look; EIGHT],
}

impl<'a> Mixer<'a> {
    pub(super) fn new((nx, stride): (usize, usize), groups: &'a Groups, colours: &[Rgb], palette: &'a Palette, levels: &[f64]) -> Self {
        let light: Vec<[u16; 3]> = colours.iter().map(|colour| colour.linear().map(|v| (v * (LIGHTS - 1) as f64).round() as u16)).collect();
        let apart = groups.of_plane.iter().enumerate().all(|(plane, class)| !groups.of_plane[..plane].contains(class));
        let eights = if apart { stride / EIGHT } else { 0 };
        let planes = (0..eights).map(|eight| {
            let class = |plane: usize| groups.of_plane.get(eight * EIGHT + plane).copied();
            let plane = |odd: usize, pair: usize| pair % (EIGHT / 2) * 2 + odd;
            let light =
                |odd, channel: usize| std::array::from_fn(|pair| class(plane(odd, pair)).map_or(0, |class| light[class][channel] as i16));
            let rank = |odd| std::array::from_fn(|pair| class(plane(odd, pair)).map_or(0, |class| 255 - class as u16));
            Planes {
                light: [0, 1].map(|odd| [0, 1, 2].map(|channel| light(odd, channel))),
                rank: [0, 1].map(rank),
                first: std::array::from_fn(|plane| class(plane).map_or(NOTHING, |class| palette.first(class))),
            }
        });
        let planes = planes.collect();
        let steps = steps_of_levels(levels, palette.steps).zip(steps_of_levels(levels, MIXTURE_STEPS));
        let steps = steps.map(|(of_class, of_mixture)| std::array::from_fn(|phase| [of_class[phase], of_mixture[phase]])).collect();
        Self { groups, palette, steps, phases: Phases::new(nx), light, planes }
    }

    /// Puts the looks of all cells in place of their bins, and says how many cells have each.
    pub(super) fn look_at(&self, input: &Input<'_>, bands: &[Range<usize>], bins: &mut [u16]) -> Vec<u32> {
        let bins = cut(bins, bands.iter().map(ExactSizeIterator::len));
        let tallies = map_parts(bands.iter().zip(bins), |(band, bins)| {
            widest(
                #[inline(always)]
                || self.look_at_band(input.counts, band.clone(), bins),
            )
        });
        let sum = |mut all: Vec<u32>, more: Vec<u32>| {
            all.iter_mut().zip(&more).for_each(|(sum, cells)| *sum += cells);
            all
        };
        tallies.into_iter().reduce(sum).unwrap_or_default()
    }

    #[inline(always)]
    fn look_at_band(&self, counts: cells::Counts<'_>, band: Range<usize>, bins: &mut [u16]) -> Vec<u32> {
        // What overflows has its bins still, however the others look.
        let overflowing: Vec<(cells::Cell<'_>, u16)> =
            counts.overflowing(band.clone()).map(|cell| (cell, bins[cell.index() - band.start])).collect();
        let mut looks = Looks { start: band.start, of_cell: bins, tally: vec![0; LOOKS] };
        if counts.stride == 1 {
            let first = self.palette.first(0);
            for (cell, look) in band.clone().zip(&mut *looks.of_cell) {
                *look = if *look == 0 { NOTHING } else { first + Look::from(self.steps_in(cell, *look)[0]) };
                looks.tally[usize::from(*look)] += 1;
            }
        } else {
            let bytes = &counts.cells[band.start * counts.stride..band.end * counts.stride];
            match &*self.planes {
                [first] => self.look_at_many(bytes, &[*first], &mut looks),
                [first, second] => self.look_at_many(bytes, &[*first, *second], &mut looks),
                _ => {
                    for cell in band.clone() {
                        let bin = looks.of_cell[cell - band.start];
                        looks.set(cell - band.start, if bin == 0 { NOTHING } else { self.look_of(counts.low(cell), bin) });
                    }
                }
            }
        }
        for (cell, bin) in overflowing {
            let at = cell.index() - band.start;
            looks.tally[usize::from(looks.of_cell[at])] -= 1;
            looks.set(at, self.look_of(cell, bin));
        }
        looks.tally
    }

    #[inline(always)]
    fn steps_in(&self, cell: usize, bin: u16) -> [u8; 2] {
        self.steps[usize::from(bin)][self.phases.of(cell)]
    }

    /// Cells with rows of one plane look like its class; the others are gathered, and mixed many at once.
    #[inline(always)]
    fn look_at_many<const EIGHTS: usize>(&self, bytes: &[u8], planes: &[Planes; EIGHTS], looks: &mut Looks<'_>) {
        let cells = bytes.as_chunks::<EIGHT>().0.as_chunks::<EIGHTS>().0;
        let shares = &*SHARES;
        let (mut at, mut bins, mut gathered, mut n) = ([0_u32; LANES], [0_u16; LANES], [[0_u8; LANES * EIGHT]; EIGHTS], 0);
        let mut filled = 0;
        for run in (0..looks.of_cell.len()).step_by(RUN) {
            let mut left = filled_of(&looks.of_cell[run..]);
            filled += left.count_ones();
            while left != 0 {
                let cell = run + left.trailing_zeros() as usize;
                left &= left - 1;
                let (bin, words) = (looks.of_cell[cell], &cells[cell]);
                let (first, is_alone) = alone(words, planes);
                // Written in any case, and kept if it is meant: no branch to be foretold.
                let look = first + Look::from(self.steps_in(looks.start + cell, bin)[0]);
                looks.of_cell[cell] = look;
                looks.tally[usize::from(look)] += u32::from(is_alone);
                (at[n % LANES], bins[n % LANES]) = (cell as u32, bin);
                for (gathered, word) in gathered.iter_mut().zip(words) {
                    gathered.as_chunks_mut::<EIGHT>().0[n % LANES] = *word;
                }
                n += usize::from(!is_alone);
                if n == LANES {
                    self.set(&at, &bins, &mix(&gathered, planes), shares, looks);
                    n = 0;
                }
            }
        }
        self.set(&at[..n], &bins, &mix(&gathered, planes), shares, looks);
        looks.tally[usize::from(NOTHING)] = looks.of_cell.len() as u32 - filled;
    }

    #[inline(always)]
    fn set(&self, at: &[u32], bins: &[u16; LANES], mixed: &Mixed, shares: &[[Look; LIGHTS]; 3], looks: &mut Looks<'_>) {
        let [r, g, b] = &mixed.light;
        for (lane, &at) in at.iter().enumerate() {
            let [step, mixture_step] = self.steps_in(looks.start + at as usize, bins[lane]);
            let mixture = mixture(shares, [r[lane], g[lane], b[lane]]) + Look::from(mixture_step);
            let pure = self.palette.first(usize::from(255 - (mixed.most[lane] & 255))) + Look::from(step);
            looks.set(at as usize, if mixed.is_pure[lane] { pure } else { mixture });
        }
    }

    /// The look of any cell.
    fn look_of(&self, cell: cells::Cell<'_>, bin: u16) -> Look {
        let mut of_class = vec![0_u32; self.light.len()];
        let (mut light, mut total) = ([0_u64; 3], 0_u32);
        cell.each(|plane, count| {
            let Some(&class) = self.groups.of_plane.get(plane) else { return };
            of_class[class] = of_class[class].saturating_add(count);
            total = total.saturating_add(count);
            light.iter_mut().zip(self.light[class]).for_each(|(light, value)| *light += u64::from(count) * u64::from(value));
        });
        let [step, mixture_step] = self.steps_in(cell.index(), bin);
        let most = of_class.iter().enumerate().max_by_key(|(class, rows)| (**rows, std::cmp::Reverse(*class)));
        match most {
            Some((class, &rows)) if is_pure(total, rows) => self.palette.first(class) + Look::from(step),
            _ => mixture(&SHARES, light.map(|light| mean(light as f32, 1.0 / total as f32))) + Look::from(mixture_step),
        }
    }
}

/// Which of the first cells have rows, a bit for each.
#[inline(always)]
fn filled_of(bins: &[u16]) -> u32 {
    // With a length that is known, it becomes a vector.
    let run = bins.first_chunk::<RUN>().copied().unwrap_or_else(
        #[inline(always)]
        || {
            let mut run = [0; RUN];
            run.iter_mut().zip(bins).for_each(|(to, bin)| *to = *bin);
            run
        },
    );
    let mut bits = 0;
    for (i, bin) in run.iter().enumerate() {
        bits |= u32::from(*bin > 0) << i;
    }
    bits
}

/// How the class looks of the first plane of a cell that has rows, and whether it is the only one.
#[inline(always)]
fn alone<const EIGHTS: usize>(words: &[[u8; EIGHT]; EIGHTS], planes: &[Planes; EIGHTS]) -> (Look, bool) {
    let (mut first, mut others) = (planes[0].first[0], 0);
    let mut before = 0;
    for (word, planes) in words.iter().zip(planes) {
        let word = u64::from_le_bytes(*word);
        let plane = (word.trailing_zeros() as usize / EIGHT) % EIGHT;
        others |= if before > 0 { word } else { (word >> (plane * 8)) >> 8 };
        if before == 0 {
            first = planes.first[plane];
        }
        before |= word;
    }
    (first, others == 0)
}

#[inline(always)]
fn mixture(shares: &[[Look; LIGHTS]; 3], light: [u32; 3]) -> Look {
    let [r, g, b] = std::array::from_fn(|channel| shares[channel][light[channel] as usize % LIGHTS]);
    Palette::mixed([0; 3]) + (r | g | b)
}

/// The mean of light, rounded; `of_one` is the share of a row.
#[inline(always)]
fn mean(light: f32, of_one: f32) -> u32 {
    // Above 2²³ there is no room for a fraction, and the last bits are the whole number: a cast would be a branch.
    (light * of_one + 8_388_608.0).to_bits() & (LIGHTS as u32 - 1)
}

/// The mean of the classes' colours, for many cells side by side.
#[inline(always)]
fn mix<const EIGHTS: usize>(gathered: &[[u8; LANES * EIGHT]; EIGHTS], planes: &[Planes; EIGHTS]) -> Mixed {
    let (mut sums, mut totals, mut mosts) = ([[0_i32; PAIRS / 2]; 3], [0_u16; PAIRS], [0_u16; PAIRS]);
    for (bytes, planes) in gathered.iter().zip(planes) {
        let mut pairs = [0_u16; PAIRS];
        pairs.iter_mut().zip(bytes.as_chunks::<2>().0).for_each(|(pair, bytes)| *pair = u16::from_le_bytes(*bytes));
        for (odd, (light, rank)) in planes.light.iter().zip(&planes.rank).enumerate() {
            let mut counts = [0_u16; PAIRS];
            for i in 0..PAIRS {
                counts[i] = if odd == 0 { pairs[i] & 255 } else { pairs[i] >> 8 };
                totals[i] += counts[i];
                mosts[i] = mosts[i].max(counts[i] << 8 | rank[i]);
            }
            for (sums, light) in sums.iter_mut().zip(light) {
                for (i, sum) in sums.iter_mut().enumerate() {
                    let product = |at: usize| i32::from(counts[at] as i16) * i32::from(light[at]);
                    *sum += product(2 * i) + product(2 * i + 1);
                }
            }
        }
    }
    let mut mixed = Mixed { light: [[0; LANES]; 3], most: [0; LANES], is_pure: [false; LANES] };
    let mut of_one = [0.0_f32; LANES];
    for (lane, (totals, mosts)) in totals.as_chunks::<{ EIGHT / 2 }>().0.iter().zip(mosts.as_chunks::<{ EIGHT / 2 }>().0).enumerate() {
        let total = u32::from(totals[0]) + u32::from(totals[1]) + u32::from(totals[2]) + u32::from(totals[3]);
        mixed.most[lane] = mosts[0].max(mosts[1]).max(mosts[2].max(mosts[3]));
        mixed.is_pure[lane] = is_pure(total, u32::from(mixed.most[lane] >> 8));
        of_one[lane] = 1.0 / total as f32;
    }
    for (light, sums) in mixed.light.iter_mut().zip(&sums) {
        // Both halves of a cell as one number, or they would be gathered one by one.
        let mut halves = [0_u64; LANES];
        halves
            .iter_mut()
            .zip(sums.as_chunks::<2>().0)
            .for_each(|(halves, [a, b])| *halves = u64::from(*a as u32) | u64::from(*b as u32) << 32);
        for lane in 0..LANES {
            light[lane] = mean((halves[lane] as i32 + (halves[lane] >> 32) as i32) as f32, of_one[lane]);
        }
    }
    mixed
}

/// Cells side by side.
struct Mixed {
    /// The mean of the classes' colours.
    light: [[u32; LANES]; 3],
    /// The rows of the largest class and its rank.
    most: [u16; LANES],
    is_pure: [bool; LANES],
}

#[inline(always)]
fn is_pure(total: u32, most: u32) -> bool {
    total.saturating_sub(most) <= total / PURE
}

/// The looks of a band's cells, and how many cells have each.
struct Looks<'a> {
    /// The band's first cell.
    start: usize,
    of_cell: &'a mut [Look],
    tally: Vec<u32>,
}

impl Looks<'_> {
    #[inline(always)]
    fn set(&mut self, at: usize, look: Look) {
        self.of_cell[at] = look;
        self.tally[usize::from(look)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::density::opacity::{self, BINS};
    use crate::theme::{Colour, Theme};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_look_the_same_alone_and_side_by_side(
            planes in 2_usize..=16, seed: u64, sparse in 0_u32..5, largest in prop_oneof![Just(1_u64), Just(3), Just(40), Just(255)],
        ) {
            let stride = planes.next_multiple_of(EIGHT);
            let groups = Groups {
                of_plane: (0..planes).collect(),
                used: vec![true; planes],
                labels: vec![String::new(); planes],
                colours: (0..planes).map(Colour::category).collect(),
                legend: Vec::new(),
            };
            let colours: Vec<Rgb> = groups.colours.iter().map(|&colour| Theme::Light.rgb(colour)).collect();
            let palette = Palette::new(&colours, &groups.used);
            let levels: Vec<f64> = (0..BINS).map(|bin| (bin % 977) as f64 / 976.0).collect();
            let mut chances = chance(seed | 1);
            let mut cells = vec![0_u8; 333 * stride];
            for cell in cells.chunks_exact_mut(stride) {
                for count in &mut cell[..planes] {
                    let state = chances.next().unwrap();
                    *count = if (state >> 32).trailing_zeros() >= sparse { ((state >> 40) % (largest + 1)) as u8 } else { 0 };
                }
            }
            let totals = cells.chunks_exact(stride).map(|cell| opacity::bin(cell.iter().map(|count| u32::from(*count)).sum()));
            let bins: Vec<u16> = totals.collect();
            let counts = cells::Counts { cells: &cells, stride, overflow: &[] };
            let mixer = Mixer::new((37, stride), &groups, &colours, &palette, &levels);
            prop_assert!(!mixer.planes.is_empty());

            let mut looks = bins.clone();
            let tally = mixer.look_at_band(counts, 0..333, &mut looks);
            let mut expected = vec![0; LOOKS];
            for (cell, &bin) in bins.iter().enumerate() {
                let look = if bin == 0 { NOTHING } else { mixer.look_of(counts.low(cell), bin) };
                prop_assert_eq!(looks[cell], look);
                expected[usize::from(look)] += 1;
            }
            prop_assert_eq!(tally, expected);
        }
    }
}
