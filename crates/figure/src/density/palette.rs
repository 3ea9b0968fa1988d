//! At most 255 colours for all looks that cells have.

use super::opacity::alpha;
use crate::theme::Rgb;
use labboard_frame::simd::widest;

/// The code of the transparent colour, which is that of [`NOTHING`].
pub(super) const TRANSPARENT: u8 = 0;
/// Palette entries beside the transparent one.
const ENTRIES: usize = 254;
/// Of these mixtures; more are hardly told apart, and cost more bytes.
const MOST_MIXTURES: usize = 80;
/// Steps of opacity that mixtures have: few, so that there are entries for their colours.
pub(super) const MIXTURE_STEPS: usize = 5;

/// How a cell looks: nothing, a class in one of its steps, or a mixture of 4 bits a channel and 3 bits of opacity.
pub(super) type Look = u16;
pub(super) const NOTHING: Look = 0;
const MIXTURES: Look = 256;
/// More than the largest look.
pub(super) const LOOKS: usize = MIXTURES as usize + (1 << 15);

/// What looks there are.
pub(super) struct Palette {
    pub(super) steps: usize,
    /// The first look of each class, that of its lowest step.
    first: [Look; 256],
    /// The colours of the looks of classes, from look 1 on.
    entries: Vec<[u8; 4]>,
}

/// The colours of an image and the code of each look among them.
pub(super) struct Codes {
    pub(super) colours: Vec<[u8; 4]>,
    pub(super) of_look: Vec<u8>,
}

impl Palette {
    pub(super) fn new(colours: &[Rgb], used: &[bool]) -> Self {
        let steps = match used.iter().filter(|used| **used).count() {
            0 | 1 => 32,
            2..=6 => 16,
            _ => 10,
        };
        let (mut first, mut entries) = ([1; 256], Vec::new());
        for (class, colour) in colours.iter().enumerate().filter(|(class, _)| used[*class]) {
            if class < first.len() && entries.len() + steps <= ENTRIES {
                first[class] = entries.len() as Look + 1;
                let [r, g, b] = colour.0;
                entries.extend((0..steps).map(|step| [r, g, b, alpha(step, steps)]));
            }
        }
        Self { steps, first, entries }
    }

    /// How a class looks in its lowest step.
    #[inline(always)]
    pub(super) fn first(&self, class: usize) -> Look {
        self.first[class % 256]
    }

    /// How a mixture looks in its lowest step. `nibbles` are the channels; what each adds is in bits of its own.
    pub(super) fn mixed(nibbles: [u8; 3]) -> Look {
        let [r, g, b] = nibbles.map(Look::from);
        MIXTURES + (r << 11 | g << 7 | b << 3)
    }

    /// Gives mixtures the free entries: half of them to the kinds (three bits a channel) that most cells are of, so that no kind is missing because its cells
    /// differ a little, the other half to the most frequent mixtures. What is left looks like its kind, or else like the nearest entry. `tally` has
    /// the cells of each look, [`NOTHING`] included.
    pub(super) fn settle(self, tally: &[u32]) -> Codes {
        let mut colours = vec![[0; 4]];
        colours.extend(&self.entries);
        let mut entry_of_look = vec![0_u8; LOOKS];
        for (look, entry) in entry_of_look.iter_mut().enumerate().take(colours.len()) {
            *entry = look as u8;
        }
        let mut mixtures = mixtures_in(tally);
        mixtures.sort_unstable_by_key(|&look| (std::cmp::Reverse(tally[look]), look));
        let free = (ENTRIES - self.entries.len()).min(MOST_MIXTURES);
        let coarse = |look| {
            let ([r, g, b], step) = parts(look);
            (r >> 1) << 9 | (g >> 1) << 6 | (b >> 1) << 3 | step
        };
        let mut cells_of_kind = vec![0_u32; 1 << 12];
        mixtures.iter().for_each(|&look| cells_of_kind[coarse(look)] += tally[look]);
        let mut is_known = vec![false; 1 << 12];
        let mut leaders: Vec<usize> =
            mixtures.iter().copied().filter(|&look| !std::mem::replace(&mut is_known[coarse(look)], true)).collect();
        leaders.sort_by_key(|&look| std::cmp::Reverse(cells_of_kind[coarse(look)]));
        leaders.truncate(free.div_ceil(2));

        let mut like = vec![None; 1 << 12];
        for &look in leaders.iter().chain(&mixtures) {
            if colours.len() - 1 < self.entries.len() + free && entry_of_look[look] == TRANSPARENT {
                entry_of_look[look] = colours.len() as u8;
                like[coarse(look)].get_or_insert(entry_of_look[look]);
                colours.push(mixture(look));
            }
        }
        let entries = Planar::of(&colours);
        widest(
            #[inline(always)]
            || {
                for &look in &mixtures {
                    if entry_of_look[look] == TRANSPARENT {
                        entry_of_look[look] = like[coarse(look)].unwrap_or_else(|| entries.nearest(mixture(look)));
                    }
                }
            },
        );
        Codes { colours, of_look: entry_of_look }
    }
}

/// The mixtures that some cell has: few of all, so that runs without any are passed over.
fn mixtures_in(tally: &[u32]) -> Vec<usize> {
    const RUN: usize = 32;
    let runs = (0..LOOKS).step_by(RUN).zip(tally.chunks(RUN)).skip(usize::from(MIXTURES) / RUN);
    let filled = runs.filter(|(_, run)| run.iter().fold(0, |any, cells| any | cells) > 0);
    filled.flat_map(|(first, run)| (first..).zip(run).filter(|(_, cells)| **cells > 0).map(|(look, _)| look)).collect()
}

/// The 4 bits of each channel of a mixture, and its step of opacity.
fn parts(look: usize) -> ([usize; 3], usize) {
    let bits = look - usize::from(MIXTURES);
    ([11, 7, 3].map(|shift| bits >> shift & 15), bits & 7)
}

/// The colour of a mixture.
fn mixture(look: usize) -> [u8; 4] {
    let (nibbles, step) = parts(look);
    let [r, g, b] = nibbles.map(|nibble| (nibble * 17) as u8);
    [r, g, b, alpha(step, MIXTURE_STEPS)]
}

/// The colours of entries, channel by channel, so that many are compared at once.
struct Planar([[i32; ENTRIES + 2]; 4]);

impl Planar {
    fn of(colours: &[[u8; 4]]) -> Self {
        // The transparent entry, and those that there are not, are farther from every colour than another colour can be.
        let mut planar = [[1_000; ENTRIES + 2]; 4];
        for (entry, colour) in colours.iter().enumerate().skip(1) {
            planar.iter_mut().zip(colour).for_each(|(channel, value)| channel[entry] = i32::from(*value));
        }
        Self(planar)
    }

    /// The entry, not the transparent one, that is most like a colour.
    #[inline(always)]
    fn nearest(&self, colour: [u8; 4]) -> u8 {
        let [r, g, b, opacity] = colour.map(i32::from);
        let mut nearest = u32::MAX;
        for entry in 0..ENTRIES + 2 {
            let apart = |channel: usize, of: i32| (self.0[channel][entry] - of).pow(2) as u32;
            // Another colour is seen sooner than another opacity.
            let distance = 4 * (apart(0, r) + apart(1, g) + apart(2, b)) + apart(3, opacity);
            // The least of these numbers says both, and there is no branch.
            nearest = nearest.min(distance << 8 | entry as u32);
        }
        nearest as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nearest_entry_is_that_of_a_naive_search(
            entries in prop::collection::vec(any::<[u8; 4]>(), 1..=ENTRIES), colours in prop::collection::vec(any::<[u8; 4]>(), 1..20),
        ) {
            let all: Vec<[u8; 4]> = std::iter::once([0; 4]).chain(entries).collect();
            let planar = Planar::of(&all);
            for colour in colours {
                let distance = |entry: &usize| {
                    let apart = |channel: usize| i32::from(all[*entry][channel]).abs_diff(i32::from(colour[channel])).pow(2);
                    4 * (apart(0) + apart(1) + apart(2)) + apart(3)
                };
                let naive = (1..all.len()).min_by_key(distance);
                prop_assert_eq!(Some(usize::from(planar.nearest(colour))), naive);
            }
        }

        #[test]
        fn no_mixture_is_passed_over(cells in prop::collection::btree_map(0..LOOKS, 1_u32..9, 0..60)) {
            let mut tally = vec![0; LOOKS];
            cells.iter().for_each(|(&look, &cells)| tally[look] = cells);
            let naive: Vec<usize> = cells.into_keys().filter(|look| *look >= usize::from(MIXTURES)).collect();
            prop_assert_eq!(mixtures_in(&tally), naive);
        }
    }
}
