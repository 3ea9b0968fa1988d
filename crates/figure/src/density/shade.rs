//! From counts to a palette raster.

use super::{Groups, Input, Shade};
use crate::raster::{EncodingError, Raster};
use crate::theme::{Rgb, Theme};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// The opacity of the cells with the fewest rows.
const FAINTEST: f64 = 0.35;
/// A cell is of one class alone when at most one row in this many is of another.
const PURE: u32 = 50;
/// Palette entries beside the transparent one.
const PALETTE: usize = 254;
/// Cells looked at together, few enough to stay in the fastest cache.
const CHUNK: usize = 1_024;
/// Counts, over all planes, that are worth a second thread.
const PARALLEL_COUNTS: usize = 500_000;
/// A count and its class share a number, so that the greatest one names the class: 27 bits and 4 bits. Counts beyond that
/// look alike; sums over at most 15 classes cannot overflow.
const CLASS_BITS: i32 = 4;
const MOST_CLASSES: i32 = (1 << CLASS_BITS) - 1;
const MOST_COUNT: u32 = (1 << 27) - 1;

/// A table in place of a power for each cell: linear light in 12 bits to the upper 4 bits of sRGB.
static NIBBLES: LazyLock<Vec<u8>> = LazyLock::new(|| (0..4096).map(|i| Rgb::from_linear([f64::from(i) / 4095.0; 3]).0[0] >> 4).collect());

/// Colours the cells.
pub(super) fn shade(input: &Input<'_>, theme: Theme, planes: &[&[u32]], groups: &Groups) -> Result<Raster, EncodingError> {
    let cells = input.nx * input.ny;
    let merged = merge(planes, groups, cells);
    let planes: Vec<&[u32]> = merged.iter().map(|plane| &**plane).collect();
    let colours: Vec<Rgb> = groups.colours.iter().map(|&c| theme.rgb(c)).collect();
    let used: Vec<usize> = (0..planes.len()).filter(|&class| planes[class].iter().any(|&c| c > 0)).collect();
    let steps = match used.len() {
        0 | 1 => PALETTE,
        2..=6 => 24,
        _ => 12,
    };
    let filled = survey(&planes, &colours, cells);
    let opacity = Opacity::of(input.shade, filled.iter().map(|f| f.total), steps);
    let mut palette = Palette::new(&used, &colours, steps);
    let keys: Vec<u32> = filled
        .iter()
        .map(|filled| {
            let step = opacity.step(filled.total);
            match filled.look {
                Look::Pure(class) => palette.pure(usize::from(class), step),
                Look::Mixed(colour) => palette.mixed(colour, step),
            }
        })
        .collect();
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
struct Filled {
    cell: u32,
    total: u32,
    look: Look,
}

enum Look {
    /// Nearly all rows are of this class.
    Pure(u8),
    /// A mixture, four bits a channel.
    Mixed(u16),
}

/// One plane for each class: the levels that share a class are added up.
fn merge<'a>(planes: &[&'a [u32]], groups: &Groups, cells: usize) -> Vec<Cow<'a, [u32]>> {
    let classes = groups.colours.len();
    let mut out: Vec<Cow<'a, [u32]>> = vec![Cow::Borrowed(&[]); classes];
    for (plane, &class) in planes.iter().zip(&groups.of_plane) {
        if out[class].is_empty() {
            out[class] = Cow::Borrowed(plane);
        } else {
            for (sum, &count) in out[class].to_mut().iter_mut().zip(*plane) {
                *sum = sum.saturating_add(count);
            }
        }
    }
    for plane in &mut out {
        if plane.is_empty() {
            *plane = Cow::Owned(vec![0; cells]);
        }
    }
    out
}

/// The cells that have rows, in order: each of two threads looks at half of a large grid.
fn survey(planes: &[&[u32]], colours: &[Rgb], cells: usize) -> Vec<Filled> {
    if cells * planes.len() < PARALLEL_COUNTS {
        return survey_part(planes, colours, 0..cells);
    }
    let middle = (cells / 2).next_multiple_of(CHUNK).min(cells);
    std::thread::scope(|scope| {
        let upper = scope.spawn(|| survey_part(planes, colours, middle..cells));
        let mut filled = survey_part(planes, colours, 0..middle);
        filled.append(&mut upper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        filled
    })
}

/// One pass over the planes, with the widest vectors that this processor has. The result does not depend on them.
fn survey_part(planes: &[&[u32]], colours: &[Rgb], cells: Range<usize>) -> Vec<Filled> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn wide(planes: &[&[u32]], colours: &[Rgb], cells: Range<usize>) -> Vec<Filled> {
            survey_loops(planes, colours, cells)
        }
        #[allow(unsafe_code)]
        // SAFETY: the processor has just said that it has these instructions.
        return unsafe { wide(planes, colours, cells) };
    }
    survey_loops(planes, colours, cells)
}

#[inline(always)]
fn survey_loops(planes: &[&[u32]], colours: &[Rgb], cells: Range<usize>) -> Vec<Filled> {
    let linear: Vec<[f32; 3]> = colours.iter().map(|c| c.linear().map(|v| v as f32)).collect();
    let nibbles: &[u8] = &NIBBLES;
    let mut filled = Vec::new();
    let (mut totals, mut most, mut light) = ([0_u32; CHUNK], [0_i32; CHUNK], [[0.0_f32; CHUNK]; 3]);
    let (mut clamped, mut floats, mut places) = ([0_u32; CHUNK], [0.0_f32; CHUNK], [0_u32; CHUNK]);
    for start in cells.clone().step_by(CHUNK) {
        let n = CHUNK.min(cells.end - start);
        totals.fill(0);
        most.fill(0);
        light.iter_mut().for_each(|channel| channel.fill(0.0));
        // Each of these loops does one thing without a branch, so that the compiler makes vectors of it.
        for (class, (plane, colour)) in planes.iter().zip(&linear).enumerate() {
            let tag = MOST_CLASSES - class as i32;
            for (clamped, &count) in clamped.iter_mut().zip(&plane[start..start + n]) {
                *clamped = count.min(MOST_COUNT);
            }
            for (total, &count) in totals.iter_mut().zip(&clamped) {
                *total = total.wrapping_add(count);
            }
            for (most, &count) in most.iter_mut().zip(&clamped) {
                *most = (*most).max((count as i32) << CLASS_BITS | tag);
            }
            for (float, &count) in floats.iter_mut().zip(&clamped) {
                *float = count as i32 as f32;
            }
            for (channel, &value) in light.iter_mut().zip(colour) {
                for (light, &count) in channel.iter_mut().zip(&floats) {
                    *light += count * value;
                }
            }
        }
        let mut found = 0;
        for (i, &total) in (0_u32..).zip(&totals[..n]) {
            places[found] = i;
            found += usize::from(total > 0);
        }
        filled.extend(places[..found].iter().map(|&place| {
            let i = place as usize;
            let (total, count) = (totals[i], (most[i] >> CLASS_BITS) as u32);
            let look = if total - count <= total / PURE {
                Look::Pure((MOST_CLASSES - (most[i] & MOST_CLASSES)) as u8)
            } else {
                let scale = 4095.0 / total as f32;
                Look::Mixed(light.iter().fold(0, |key, channel| key << 4 | u16::from(nibbles[((channel[i] * scale) as usize).min(4095)])))
            };
            Filled { cell: start as u32 + place, total, look }
        }));
    }
    filled
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

    fn mixed(&mut self, colour: u16, step: u8) -> u32 {
        let level = usize::from(step) * 4 / self.steps;
        let key = (usize::from(colour) << 2 | level) & 0x3fff;
        self.mixtures[key] += 1;
        MIXTURE | key as u32
    }

    fn mixture(key: usize) -> [u8; 4] {
        let channel = |shift: usize| ((key >> shift & 15) * 17) as u8;
        [channel(10), channel(6), channel(2), alpha(key & 3, 4)]
    }

    /// Gives the most frequent mixtures the free entries, the others the nearest entry.
    fn settle(&mut self) {
        let mut keys: Vec<usize> = (0..self.mixtures.len()).filter(|&k| self.mixtures[k] > 0).collect();
        keys.sort_by_key(|&k| (std::cmp::Reverse(self.mixtures[k]), k));
        let free = PALETTE.saturating_sub(self.entries.len());
        for (rank, &key) in keys.iter().enumerate() {
            let colour = Self::mixture(key);
            let index = if rank < free {
                self.entries.push(colour);
                self.entries.len() - 1
            } else {
                let distance = |e: &[u8; 4]| -> i32 { e.iter().zip(&colour).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum() };
                let nearest = self.entries.iter().enumerate().min_by_key(|(_, e)| distance(e));
                nearest.map_or(0, |(i, _)| i)
            };
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
