//! The second pass over the counts: how each cell looks.

use super::palette::{LOOKS, Look, MIXTURE_STEPS, NOTHING, Palette};
use super::survey::{Band, Survey};
use super::{Groups, Input, cells};
use crate::theme::Rgb;
use labboard_frame::parallel::map_parts;
use labboard_frame::simd::widest;
use std::sync::LazyLock;

/// A cell is of one class alone when at most one row in this many is of another.
const PURE: u32 = 50;
/// Neighbours that are passed over together when none has rows.
pub(super) const RUN: usize = 16;
/// Cells that are mixed at once.
const LANES: usize = 16;
/// The greatest value of linear light.
const LIGHT: u32 = 4_095;

/// A table in place of a power for each cell: linear light to the upper 4 bits of sRGB.
static NIBBLES: LazyLock<[u8; LIGHT as usize + 1]> =
    LazyLock::new(|| std::array::from_fn(|light| Rgb::from_linear([light as f64 / f64::from(LIGHT); 3]).0[0] >> 4));

/// The looks of a band's cells, and how many cells have each.
pub(super) struct Looks {
    pub(super) of_cell: Vec<Look>,
    pub(super) tally: Vec<u32>,
}

/// How cells look by their counts.
pub(super) struct Mixer<'a> {
    groups: &'a Groups,
    palette: &'a Palette,
    /// The step of opacity of each bin, among those of a class and among those of mixtures.
    steps: Vec<(u8, u8)>,
    /// Linear light of each class.
    light: Vec<[f32; 3]>,
    /// The planes of a cell in eights; empty where planes share a class, so that the largest plane is not the largest class.
    planes: Vec<[Plane; 8]>,
}

#[derive(Clone, Copy, Default)]
struct Plane {
    light: [f32; 3],
    /// What makes the first class the greatest of equals: 255 less the class.
    rank: u32,
}

impl<'a> Mixer<'a> {
    pub(super) fn new(stride: usize, groups: &'a Groups, colours: &[Rgb], palette: &'a Palette, steps: &[u8]) -> Self {
        let light: Vec<[f32; 3]> = colours.iter().map(|colour| colour.linear().map(|v| (v * f64::from(LIGHT)) as f32)).collect();
        let apart = groups.of_plane.iter().enumerate().all(|(plane, class)| !groups.of_plane[..plane].contains(class));
        let mut planes = Vec::new();
        if apart && stride > 1 {
            planes = vec![[Plane::default(); 8]; stride / 8];
            for (plane, &class) in groups.of_plane.iter().enumerate() {
                planes[plane / 8][plane % 8] = Plane { light: light[class], rank: 255 - class as u32 };
            }
        }
        let steps = steps.iter().map(|&step| (step, (usize::from(step) * MIXTURE_STEPS / palette.steps) as u8)).collect();
        Self { groups, palette, steps, light, planes }
    }

    /// The looks of all cells, band by band.
    pub(super) fn looks(&self, input: &Input<'_>, survey: &Survey) -> Vec<Looks> {
        map_parts(&survey.bands, |band| {
            widest(
                #[inline(always)]
                || self.looks_of(input.counts, band),
            )
        })
    }

    #[inline(always)]
    fn looks_of(&self, counts: cells::Counts<'_>, band: &Band) -> Looks {
        let mut looks = Looks { of_cell: vec![NOTHING; band.bins.len()], tally: vec![0; LOOKS] };
        if counts.stride == 1 {
            for (look, &bin) in looks.of_cell.iter_mut().zip(&band.bins) {
                *look = if bin == 0 { NOTHING } else { self.palette.pure(0, self.steps[usize::from(bin)].0) };
                looks.tally[usize::from(*look)] += 1;
            }
            return looks;
        }
        match *self.planes {
            [of_first] => self.look_at_many(counts, band, &[of_first], &mut looks),
            [of_first, of_second] => self.look_at_many(counts, band, &[of_first, of_second], &mut looks),
            _ => {
                for (cell, &bin) in band.cells.clone().zip(&band.bins) {
                    let look = if bin == 0 { NOTHING } else { self.look_of(counts.low(cell), bin) };
                    looks.set(cell - band.cells.start, look);
                }
            }
        }
        for cell in counts.overflowing(band.cells.clone()) {
            let at = cell.index() - band.cells.start;
            looks.tally[usize::from(looks.of_cell[at])] -= 1;
            looks.set(at, self.look_of(cell, band.bins[at]));
        }
        looks
    }

    /// The cells that have rows are gathered, and mixed many at once.
    #[inline(always)]
    fn look_at_many<const EIGHTS: usize>(&self, counts: cells::Counts<'_>, band: &Band, planes: &[[Plane; 8]; EIGHTS], looks: &mut Looks) {
        let cells = counts.cells[band.cells.start * EIGHTS * 8..band.cells.end * EIGHTS * 8].as_chunks::<8>().0.as_chunks::<EIGHTS>().0;
        let nibbles = &*NIBBLES;
        let (mut at, mut bins, mut gathered, mut n) = ([0_u32; LANES], [0_u16; LANES], [[0_u64; LANES]; EIGHTS], 0);
        for (run, of_run) in band.bins.chunks(RUN).enumerate() {
            if of_run.iter().fold(0, |any, bin| any | bin) == 0 {
                continue;
            }
            for (cell, &bin) in (run * RUN..).zip(of_run) {
                // Written in any case, and kept if there are rows: no branch to be foretold.
                at[n % LANES] = cell as u32;
                bins[n % LANES] = bin;
                for (gathered, word) in gathered.iter_mut().zip(&cells[cell]) {
                    gathered[n % LANES] = u64::from_le_bytes(*word);
                }
                n += usize::from(bin > 0);
                if n == LANES {
                    self.set(&at, &bins, &mix(&gathered, planes), nibbles, looks);
                    n = 0;
                }
            }
        }
        self.set(&at[..n], &bins, &mix(&gathered, planes), nibbles, looks);
        let filled: u32 = looks.tally.iter().sum();
        looks.tally[usize::from(NOTHING)] = band.bins.len() as u32 - filled;
    }

    #[inline(always)]
    fn set(&self, at: &[u32], bins: &[u16; LANES], mixed: &Mixed, nibbles: &[u8; LIGHT as usize + 1], looks: &mut Looks) {
        let [r, g, b] = mixed.light;
        for (lane, &at) in at.iter().enumerate() {
            let (step, mixture_step) = self.steps[usize::from(bins[lane])];
            let nibble = |light: u32| nibbles[light.min(LIGHT) as usize];
            let mixture = Palette::mixed([nibble(r[lane]), nibble(g[lane]), nibble(b[lane])], mixture_step);
            let pure = self.palette.pure((255 - (mixed.most[lane] & 255)) as usize, step);
            looks.set(at as usize, if mixed.is_pure[lane] { pure } else { mixture });
        }
    }

    /// The look of any cell.
    fn look_of(&self, cell: cells::Cell<'_>, bin: u16) -> Look {
        let mut of_class = vec![0_u32; self.light.len()];
        let (mut light, mut total) = ([0.0_f32; 3], 0_u32);
        cell.each(|plane, count| {
            let Some(&class) = self.groups.of_plane.get(plane) else { return };
            of_class[class] = of_class[class].saturating_add(count);
            total = total.saturating_add(count);
            light.iter_mut().zip(self.light[class]).for_each(|(light, value)| *light += count as f32 * value);
        });
        let (step, mixture_step) = self.steps[usize::from(bin)];
        let most = of_class.iter().enumerate().max_by_key(|(class, rows)| (**rows, std::cmp::Reverse(*class)));
        match most {
            Some((class, &rows)) if is_pure(total, rows) => self.palette.pure(class, step),
            _ => Palette::mixed(light.map(|light| NIBBLES[((light / total as f32) as u32).min(LIGHT) as usize]), mixture_step),
        }
    }
}

/// The mean of the classes' colours, for many cells side by side.
#[inline(always)]
fn mix<const EIGHTS: usize>(gathered: &[[u64; LANES]; EIGHTS], planes: &[[Plane; 8]; EIGHTS]) -> Mixed {
    let (mut sums, mut total, mut most) = ([[0.0_f32; LANES]; 3], [0_u32; LANES], [0_u32; LANES]);
    for (words, planes) in gathered.iter().zip(planes) {
        let mut words = *words;
        for plane in planes {
            let mut counts = [0_u32; LANES];
            for lane in 0..LANES {
                counts[lane] = words[lane] as u32 & 255;
                words[lane] >>= 8;
                total[lane] += counts[lane];
                most[lane] = most[lane].max(counts[lane] << 8 | plane.rank);
            }
            for (sums, colour) in sums.iter_mut().zip(plane.light) {
                for lane in 0..LANES {
                    sums[lane] += counts[lane] as f32 * colour;
                }
            }
        }
    }
    let (mut light, mut is_pure_lane) = ([[0_u32; LANES]; 3], [false; LANES]);
    for lane in 0..LANES {
        is_pure_lane[lane] = is_pure(total[lane], most[lane] >> 8);
    }
    for (light, sums) in light.iter_mut().zip(&sums) {
        for lane in 0..LANES {
            light[lane] = (sums[lane] / total[lane] as f32) as u32;
        }
    }
    Mixed { light, most, is_pure: is_pure_lane }
}

/// Cells side by side.
struct Mixed {
    /// The mean of the classes' colours.
    light: [[u32; LANES]; 3],
    /// The rows of the largest class and its rank.
    most: [u32; LANES],
    is_pure: [bool; LANES],
}

#[inline(always)]
fn is_pure(total: u32, most: u32) -> bool {
    total.saturating_sub(most) <= total / PURE
}

impl Looks {
    #[inline(always)]
    fn set(&mut self, at: usize, look: Look) {
        self.of_cell[at] = look;
        self.tally[usize::from(look)] += 1;
    }
}
