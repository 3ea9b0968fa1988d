//! From counts to a palette raster.

use super::{BLOCKS, Groups, Input, Shade, cells};
use crate::raster::{EncodingError, Raster};
use crate::theme::{Rgb, Theme};
use std::ops::Range;
use std::sync::LazyLock;

/// The opacity of the cells with the fewest rows.
const FAINTEST: f64 = 0.35;
/// A cell is of one class alone when at most one row in this many is of another.
const PURE: u32 = 50;
/// More classes than a theme has colours.
const MOST_CLASSES: usize = 32;
/// Palette entries beside the transparent one.
const PALETTE: usize = 254;
/// Of these mixtures; more are hardly told apart, and cost twice the bytes.
const MOST_MIXTURES: usize = 96;
/// Cells from which a second thread is worth it.
const PARALLEL_CELLS: usize = 100_000;

/// A table in place of a power for each cell: linear light in 12 bits to the upper 4 bits of sRGB.
static NIBBLES: LazyLock<Vec<u8>> = LazyLock::new(|| (0..4096).map(|i| Rgb::from_linear([f64::from(i) / 4095.0; 3]).0[0] >> 4).collect());

/// The cells that have rows, in order, and how many there are in each block and plane: each of two threads looks at half of a
/// large grid.
pub(super) fn survey(input: &Input<'_>, planes: usize) -> (Vec<Filled>, Vec<u64>) {
    let half = |rows: Range<usize>| survey_rows(input, planes, rows);
    if input.nx * input.ny < PARALLEL_CELLS {
        return half(0..input.ny);
    }
    let middle = input.ny / 2;
    std::thread::scope(|scope| {
        let upper = scope.spawn(|| half(middle..input.ny));
        let (mut filled, mut sums) = half(0..middle);
        let (mut others, more) = upper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        filled.append(&mut others);
        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        (filled, sums)
    })
}

fn survey_rows(input: &Input<'_>, planes: usize, rows: Range<usize>) -> (Vec<Filled>, Vec<u64>) {
    let (bx, by) = (input.nx.min(BLOCKS), input.ny.min(BLOCKS));
    // Runs of neighbouring cells are added up at once.
    let starts: Vec<usize> = (0..=bx).map(|b| (b * input.nx).div_ceil(bx)).collect();
    let mut sums = vec![0_u64; bx * by * planes];
    let mut filled = Vec::with_capacity(rows.len() * input.nx / 2);
    let mut run = vec![0_u32; input.counts.stride];
    for iy in rows {
        let base = iy * by / input.ny * bx;
        let start = iy * input.nx;
        for (block, ends) in starts.windows(2).enumerate() {
            run.fill(0);
            input.counts.visit(start + ends[0]..start + ends[1], |cell, counts| {
                let total = counts.add_to(&mut run);
                filled.push(Filled { cell: cell as u32, total });
            });
            let sums = &mut sums[(base + block) * planes..][..planes];
            sums.iter_mut().zip(&run).for_each(|(sum, &count)| *sum += u64::from(count));
        }
    }
    (filled, sums)
}

/// Colours the cells.
pub(super) fn shade(input: &Input<'_>, theme: Theme, filled: Vec<Filled>, groups: &Groups) -> Result<Raster, EncodingError> {
    let cells = input.nx * input.ny;
    let colours: Vec<Rgb> = groups.colours.iter().map(|&c| theme.rgb(c)).collect();
    let used: Vec<usize> = (0..colours.len()).filter(|&class| groups.used[class]).collect();
    let steps = match used.len() {
        0 | 1 => 32,
        2..=6 => 16,
        _ => 10,
    };
    let opacity = Opacity::of(input.shade, filled.iter().map(|f| f.total), steps);
    let mut palette = Palette::new(&used, &colours, steps);
    let keys = looks(input, groups, &colours, &palette, &opacity, &filled);
    keys.iter().for_each(|&key| palette.count(key));
    palette.settle();

    let mut pixels = vec![0_u8; cells];
    for (filled, &key) in filled.iter().zip(&keys) {
        pixels[filled.cell as usize] = palette.index(key);
    }
    if input.spread {
        spread(&mut pixels, input.nx, input.ny, &filled);
    }
    // An image begins with the top row, the grid with the lowest.
    let mut image = Vec::with_capacity(cells);
    for row in pixels.chunks_exact(input.nx).rev() {
        image.extend_from_slice(row);
    }
    Raster::encode(&image, input.nx as u32, input.ny as u32, &palette.colours(), input.extents)
}

/// A cell that has rows.
pub(super) struct Filled {
    cell: u32,
    total: u32,
}

/// How each of the filled cells looks, as keys of the palette.
fn looks(input: &Input<'_>, groups: &Groups, colours: &[Rgb], palette: &Palette, opacity: &Opacity, filled: &[Filled]) -> Vec<u32> {
    let mixer = Mixer::new(input.counts.stride, groups, colours);
    let part = |filled: &[Filled]| looks_of(input.counts, &mixer, palette, opacity, filled);
    if filled.len() < PARALLEL_CELLS / 4 {
        return part(filled);
    }
    let (lower, upper) = filled.split_at(filled.len() / 2);
    std::thread::scope(|scope| {
        let upper = scope.spawn(|| part(upper));
        let mut looks = part(lower);
        looks.append(&mut upper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        looks
    })
}

/// With the widest vectors that this processor has. The result does not depend on them.
fn looks_of(counts: cells::Counts<'_>, mixer: &Mixer<'_>, palette: &Palette, opacity: &Opacity, filled: &[Filled]) -> Vec<u32> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn wide(counts: cells::Counts<'_>, mixer: &Mixer<'_>, palette: &Palette, opacity: &Opacity, filled: &[Filled]) -> Vec<u32> {
            looks_loop(counts, mixer, palette, opacity, filled)
        }
        #[allow(unsafe_code)]
        // SAFETY: the processor has just said that it has these instructions.
        return unsafe { wide(counts, mixer, palette, opacity, filled) };
    }
    looks_loop(counts, mixer, palette, opacity, filled)
}

#[inline(always)]
fn looks_loop(counts: cells::Counts<'_>, mixer: &Mixer<'_>, palette: &Palette, opacity: &Opacity, filled: &[Filled]) -> Vec<u32> {
    let mut keys = Vec::with_capacity(filled.len());
    let mut rest = filled.iter();
    let nibbles: &[u8] = &NIBBLES;
    counts.visit_some(
        filled.iter().map(|filled| filled.cell as usize),
        #[inline(always)]
        |counts| {
            let Some(filled) = rest.next() else { return };
            let step = opacity.step(filled.total);
            let (class, most, light) = mixer.mix(counts);
            keys.push(if filled.total - most.min(filled.total) <= filled.total / PURE {
                palette.pure(class, step)
            } else {
                let scale = 4095.0 / filled.total as f32;
                let nibble = |light: f32| u16::from(nibbles[((light * scale) as usize).min(4095)]);
                palette.mixed(nibble(light[0]) << 8 | nibble(light[1]) << 4 | nibble(light[2]), step)
            });
        },
    );
    keys
}

/// The plane that has all rows of a cell, and how many, if there is one.
#[inline(always)]
fn alone(words: &[[u8; 8]]) -> Option<(usize, u32)> {
    let mut found = None;
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        if word != 0 {
            let byte = word.trailing_zeros() / 8;
            let count = word >> (byte * 8);
            if count > 0xff || found.is_some() {
                return None;
            }
            found = Some((at * 8 + byte as usize, count as u32));
        }
    }
    found
}

/// Mixes the colours of a cell's classes.
struct Mixer<'a> {
    groups: &'a Groups,
    linear: Vec<[f32; 3]>,
    /// The same eight planes by eight, channel by channel; empty where planes share a class, so that the largest plane is not the
    /// largest class.
    eights: Vec<[[f32; 8]; 3]>,
    /// What makes the first class the greatest of equals.
    ranks: Vec<[u32; 8]>,
}

impl<'a> Mixer<'a> {
    fn new(stride: usize, groups: &'a Groups, colours: &[Rgb]) -> Self {
        let linear: Vec<[f32; 3]> = colours.iter().map(|c| c.linear().map(|v| v as f32)).collect();
        let apart = groups.of_plane.iter().enumerate().all(|(plane, class)| !groups.of_plane[..plane].contains(class));
        let (mut eights, mut ranks) = (Vec::new(), Vec::new());
        if apart && stride > 1 && colours.len() < MOST_CLASSES {
            eights = vec![[[0.0; 8]; 3]; stride / 8];
            ranks = vec![[0; 8]; stride / 8];
            for (plane, &class) in groups.of_plane.iter().enumerate() {
                for (channel, value) in linear[class].iter().enumerate() {
                    eights[plane / 8][channel][plane % 8] = *value;
                }
                ranks[plane / 8][plane % 8] = (MOST_CLASSES - class) as u32;
            }
        }
        Self { groups, linear, eights, ranks }
    }

    /// The class with the most rows (of equals the first), its rows, and the sum of all colours.
    #[inline(always)]
    fn mix(&self, counts: cells::Cell<'_>) -> (usize, u32, [f32; 3]) {
        match counts.eights() {
            Some(words) if !self.eights.is_empty() => match alone(words) {
                // Most cells of most charts.
                Some((plane, count)) => (self.groups.of_plane.get(plane).copied().unwrap_or(0), count, [0.0; 3]),
                None => self.mix_eights(words),
            },
            _ => mix_shared(counts, self.groups, &self.linear),
        }
    }

    #[inline(always)]
    fn mix_eights(&self, words: &[[u8; 8]]) -> (usize, u32, [f32; 3]) {
        let (mut light, mut most) = ([0.0_f32; 3], 0_u32);
        for ((word, colours), ranks) in words.iter().zip(&self.eights).zip(&self.ranks) {
            let counts: [f32; 8] = std::array::from_fn(|i| f32::from(word[i]));
            for (light, colour) in light.iter_mut().zip(colours) {
                let part: [f32; 8] = std::array::from_fn(|i| counts[i] * colour[i]);
                let half: [f32; 4] = std::array::from_fn(|i| part[i] + part[i + 4]);
                *light += (half[0] + half[2]) + (half[1] + half[3]);
            }
            let tagged: [u32; 8] = std::array::from_fn(|i| u32::from(word[i]) << 8 | ranks[i]);
            most = tagged.into_iter().fold(most, u32::max);
        }
        (MOST_CLASSES.saturating_sub((most & 0xff) as usize), most >> 8, light)
    }
}

/// The same where planes share classes.
fn mix_shared(counts: cells::Cell<'_>, groups: &Groups, linear: &[[f32; 3]]) -> (usize, u32, [f32; 3]) {
    let mut of_class = [0_u32; MOST_CLASSES];
    let mut light = [0.0_f32; 3];
    let mut most = 0;
    counts.each(|plane, count| {
        let Some(&class) = groups.of_plane.get(plane) else { return };
        let sum = &mut of_class[class];
        *sum = sum.saturating_add(count);
        if *sum > of_class[most] || (of_class[class] == of_class[most] && class < most) {
            most = class;
        }
        light.iter_mut().zip(linear[class]).for_each(|(light, value)| *light += count as f32 * value);
    });
    (most, of_class[most], light)
}

/// From a count to a step of opacity.
struct Opacity {
    /// The step of each count below the table's end; larger ones by bit length and the next bits.
    table: Vec<u8>,
}

impl Opacity {
    const DIRECT: u32 = 4_096;

    /// A bin for a count: itself where small, then 64 bins for each doubling.
    fn bin(count: u32) -> usize {
        if count < Self::DIRECT {
            return count as usize;
        }
        let bits = 31 - count.leading_zeros();
        let fraction = (count >> (bits - 6)) & 63;
        (Self::DIRECT + (bits - 12) * 64 + fraction) as usize
    }

    fn of(shade: Shade, totals: impl Iterator<Item = u32> + Clone, steps: usize) -> Self {
        let bins = Self::bin(u32::MAX) + 1;
        let last = (steps - 1) as f64;
        let largest = totals.clone().max().unwrap_or(1);
        let mut table = vec![0_u8; bins];
        if largest <= 1 {
            // Every cell has one row: all are equally plain to see.
            table.fill((last * 0.7) as u8);
            return Self { table };
        }
        match shade {
            Shade::Equalised => {
                let mut histogram = vec![0_u32; bins];
                let mut filled = 0_u32;
                for total in totals {
                    histogram[Self::bin(total)] += 1;
                    filled += 1;
                }
                let first = histogram.iter().find(|h| **h > 0).copied().unwrap_or(0);
                let rest = (f64::from(filled) - f64::from(first)).max(1.0);
                let mut below = 0.0;
                for (step, count) in table.iter_mut().zip(histogram) {
                    below += f64::from(count);
                    *step = (last * ((below - f64::from(first)) / rest).clamp(0.0, 1.0)).round() as u8;
                }
            }
            Shade::Log | Shade::Linear => {
                let scale = |c: f64| {
                    if shade == Shade::Log { c.max(1.0).ln() } else { c - 1.0 }
                };
                let top = scale(f64::from(largest));
                for (bin, step) in table.iter_mut().enumerate() {
                    *step = (last * (scale(Self::count_of(bin)) / top).clamp(0.0, 1.0)).round() as u8;
                }
            }
        }
        Self { table }
    }

    /// The least count of a bin.
    fn count_of(bin: usize) -> f64 {
        let direct = Self::DIRECT as usize;
        if bin < direct {
            return bin as f64;
        }
        let (octave, fraction) = ((bin - direct) / 64, (bin - direct) % 64);
        2_f64.powi(octave as i32 + 12) * (1.0 + fraction as f64 / 64.0)
    }

    fn step(&self, total: u32) -> u8 {
        self.table[Self::bin(total)]
    }
}

/// The palette: exact colours for cells of one class, the most frequent mixtures for the others.
struct Palette {
    steps: usize,
    /// The place of each class among those that have entries.
    place: Vec<usize>,
    entries: Vec<[u8; 4]>,
    /// For each mixture (4 bits a channel, 2 bits of opacity) its cells, later its palette index.
    mixtures: Vec<u32>,
}

const MIXTURE: u32 = 1 << 24;

impl Palette {
    fn new(used: &[usize], colours: &[Rgb], steps: usize) -> Self {
        let entries = used
            .iter()
            .flat_map(|&class| (0..steps).map(move |step| (colours[class].0, alpha(step, steps))))
            .map(|([r, g, b], alpha)| [r, g, b, alpha])
            .take(PALETTE)
            .collect();
        let mut place = vec![0; colours.len()];
        for (at, &class) in used.iter().enumerate() {
            place[class] = at;
        }
        Self { steps, place, entries, mixtures: vec![0; 1 << 14] }
    }

    fn pure(&self, class: usize, step: u8) -> u32 {
        (self.place[class] * self.steps + usize::from(step)).min(PALETTE - 1) as u32
    }

    fn mixed(&self, colour: u16, step: u8) -> u32 {
        let level = usize::from(step) * 4 / self.steps;
        MIXTURE | (usize::from(colour) << 2 | level) as u32 & 0x3fff
    }

    /// Notes that a cell has this look.
    fn count(&mut self, key: u32) {
        if key & MIXTURE != 0 {
            self.mixtures[(key & 0x3fff) as usize] += 1;
        }
    }

    fn mixture(key: usize) -> [u8; 4] {
        let channel = |shift: usize| ((key >> shift & 15) * 17) as u8;
        [channel(10), channel(6), channel(2), alpha(key & 3, 4)]
    }

    /// Gives the most frequent mixtures the free entries; the others look like the most frequent one that agrees with them to three bits a
    /// channel, or else like the nearest entry.
    fn settle(&mut self) {
        let mut keys: Vec<usize> = (0..self.mixtures.len()).filter(|&k| self.mixtures[k] > 0).collect();
        keys.sort_by_key(|&k| (std::cmp::Reverse(self.mixtures[k]), k));
        let free = PALETTE.saturating_sub(self.entries.len()).min(MOST_MIXTURES);
        let coarse = |key: usize| (key >> 11 & 7) << 8 | (key >> 7 & 7) << 5 | (key >> 3 & 7) << 2 | key & 3;
        let mut like = vec![None; 1 << 11];
        for (rank, &key) in keys.iter().enumerate() {
            let colour = Self::mixture(key);
            let index = match like[coarse(key)] {
                _ if rank < free => {
                    self.entries.push(colour);
                    self.entries.len() - 1
                }
                Some(index) => index,
                None => {
                    let distance =
                        |e: &[u8; 4]| -> i32 { e.iter().zip(&colour).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum() };
                    let nearest = self.entries.iter().enumerate().min_by_key(|(_, e)| distance(e));
                    nearest.map_or(0, |(i, _)| i)
                }
            };
            like[coarse(key)].get_or_insert(index);
            self.mixtures[key] = index as u32;
        }
    }

    /// The palette index of a key; 0 is transparent.
    fn index(&self, key: u32) -> u8 {
        let entry = if key & MIXTURE == 0 { key } else { self.mixtures[(key & 0x3fff) as usize] };
        entry.min(PALETTE as u32 - 1) as u8 + 1
    }

    fn colours(&self) -> Vec<[u8; 4]> {
        let mut out = vec![[0; 4]];
        out.extend_from_slice(&self.entries);
        out
    }
}

fn alpha(step: usize, steps: usize) -> u8 {
    let t = if steps > 1 { step as f64 / (steps - 1) as f64 } else { 1.0 };
    ((FAINTEST + (1.0 - FAINTEST) * t) * 255.0).round() as u8
}

/// Widens filled pixels that have no filled neighbour to a cross of five.
fn spread(pixels: &mut [u8], nx: usize, ny: usize, filled: &[Filled]) {
    let mut lone = Vec::new();
    let mut rest = filled;
    for y in 0..ny {
        let (from, to) = (y * nx, (y + 1) * nx);
        let (row, above) = rest.split_at(rest.partition_point(|f| (f.cell as usize) < to));
        rest = above;
        for filled in row {
            let at = filled.cell as usize;
            let (left, right) = (at.saturating_sub(1).max(from), (at + 2).min(to));
            // Its own row first: in a dense part that decides at once.
            let beside = (left < at && pixels[left] > 0) || (right > at + 1 && pixels[right - 1] > 0);
            let any = |from: usize, to: usize| pixels[from..to].iter().any(|p| *p > 0);
            if !beside && (y == 0 || !any(left - nx, right - nx)) && (y + 1 == ny || !any(left + nx, right + nx)) {
                lone.push((at, left, right - 1, y));
            }
        }
    }
    for (at, left, right, y) in lone {
        let below = if y > 0 { at - nx } else { at };
        let above = if y + 1 < ny { at + nx } else { at };
        for neighbour in [left, right, below, above] {
            if pixels[neighbour] == 0 {
                pixels[neighbour] = pixels[at];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_every_size_have_a_step() {
        for count in [0, 1, 4_095, 4_096, 4_097, 1 << 20, u32::MAX - 1, u32::MAX] {
            let bin = Opacity::bin(count);
            assert!(Opacity::count_of(bin) <= f64::from(count));
            assert!(Opacity::count_of(bin + 1) > f64::from(count));
        }
        for shade in [Shade::Equalised, Shade::Log, Shade::Linear] {
            let totals = [1, 5, 500, 50_000, u32::MAX];
            let opacity = Opacity::of(shade, totals.into_iter(), 12);
            let steps = totals.map(|t| opacity.step(t));
            assert!(steps.is_sorted(), "{steps:?}");
            assert_eq!((steps[0], steps[4]), (0, 11));
        }
    }
}
