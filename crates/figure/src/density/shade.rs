//! From counts to a palette raster.

use super::{Groups, Input, Shade};
use crate::raster::{EncodingError, Raster};
use crate::theme::{Rgb, Theme};
use std::borrow::Cow;

/// The opacity of the cells with the fewest rows.
const FAINTEST: f64 = 0.35;
/// A cell is of one class alone when at most one row in this many is of another.
const PURE: u32 = 50;
/// Palette entries beside the transparent one.
const PALETTE: usize = 254;
/// Cells looked at together, few enough to stay in the fastest cache.
const CHUNK: usize = 2_048;

/// Colours the cells.
pub(super) fn shade(input: &Input<'_>, theme: Theme, planes: &[&[u32]], groups: &Groups) -> Result<Raster, EncodingError> {
    let cells = input.nx * input.ny;
    let merged = merge(planes, groups, cells);
    let planes: Vec<&[u32]> = merged.iter().map(|plane| &**plane).collect();
    let filled = survey(&planes, cells);

    let mut used = vec![false; planes.len()];
    for cell in &filled {
        used[usize::from(cell.class)] = true;
    }
    let mixed_classes: Vec<usize> = (0..planes.len()).filter(|&class| used[class] || planes[class].iter().any(|&c| c > 0)).collect();
    let steps = match mixed_classes.len() {
        0 | 1 => PALETTE,
        2..=6 => 24,
        _ => 12,
    };
    let opacity = Opacity::of(input.shade, filled.iter().map(|f| f.total), steps);
    let colours: Vec<Rgb> = groups.colours.iter().map(|&c| theme.rgb(c)).collect();
    let linear: Vec<[f32; 3]> = colours.iter().map(|c| c.linear().map(|v| v as f32)).collect();
    let mut palette = Palette::new(&mixed_classes, &colours, steps);

    // The key of each filled cell: a class and a step, or a mixture of colours and a step.
    let keys: Vec<u32> = filled
        .iter()
        .map(|filled| {
            let step = opacity.step(filled.total);
            if filled.pure {
                return palette.pure(usize::from(filled.class), step);
            }
            let mut mixed = [0.0_f32; 3];
            for (counts, colour) in planes.iter().zip(&linear) {
                let count = counts[filled.cell as usize];
                if count > 0 {
                    for (m, c) in mixed.iter_mut().zip(colour) {
                        *m += count as f32 * c;
                    }
                }
            }
            let total = filled.total as f32;
            palette.mixed(mixed.map(|m| m / total), step)
        })
        .collect();
    palette.settle();

    let mut pixels = vec![0_u8; cells];
    for (filled, &key) in filled.iter().zip(&keys) {
        pixels[filled.pixel(input.nx, input.ny)] = palette.index(key);
    }
    if input.spread {
        spread(&mut pixels, input.nx, input.ny, &filled);
    }
    Raster::encode(&pixels, input.nx as u32, input.ny as u32, &palette.colours(), input.extents)
}

/// A cell that has rows.
struct Filled {
    cell: u32,
    total: u32,
    /// The class with the most rows, and whether nearly all are of it.
    class: u8,
    pure: bool,
}

impl Filled {
    /// The place in an image, which begins with the top row.
    fn pixel(&self, nx: usize, ny: usize) -> usize {
        let cell = self.cell as usize;
        (ny - 1 - cell / nx) * nx + cell % nx
    }
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

/// The cells that have rows, in order; one pass over the planes.
fn survey(planes: &[&[u32]], cells: usize) -> Vec<Filled> {
    let mut filled = Vec::new();
    let (mut totals, mut most, mut class) = ([0_u32; CHUNK], [0_u32; CHUNK], [0_u32; CHUNK]);
    for start in (0..cells).step_by(CHUNK) {
        let n = CHUNK.min(cells - start);
        totals.fill(0);
        most.fill(0);
        class.fill(0);
        for (index, plane) in (0_u32..).zip(planes) {
            let counts = &plane[start..start + n];
            let state = totals.iter_mut().zip(&mut most).zip(&mut class);
            for (&count, ((total, most), class)) in counts.iter().zip(state) {
                *total = total.saturating_add(count);
                let more = count > *most;
                *class = if more { index } else { *class };
                *most = if more { count } else { *most };
            }
        }
        for i in 0..n {
            if totals[i] > 0 {
                filled.push(Filled {
                    cell: (start + i) as u32,
                    total: totals[i],
                    class: class[i] as u8,
                    pure: totals[i] - most[i] <= totals[i] / PURE,
                });
            }
        }
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
    linear_to_byte: Vec<u8>,
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
        // A table in place of a power for each cell; 12 bits keep dark colours apart.
        let (linear_to_byte, mixtures) = if used.len() > 1 {
            ((0..4096).map(|i| Rgb::from_linear([f64::from(i) / 4095.0; 3]).0[0]).collect(), vec![0; 1 << 14])
        } else {
            (Vec::new(), Vec::new())
        };
        Self { steps, place, entries, mixtures, linear_to_byte }
    }

    fn pure(&self, class: usize, step: u8) -> u32 {
        (self.place[class] * self.steps + usize::from(step)).min(PALETTE - 1) as u32
    }

    fn mixed(&mut self, linear: [f32; 3], step: u8) -> u32 {
        let level = usize::from(step) * 4 / self.steps;
        let key = linear.iter().fold(0_usize, |key, &v| {
            let byte = self.linear_to_byte[((v.clamp(0.0, 1.0) * 4095.0) as usize).min(4095)];
            (key << 4) | usize::from(byte >> 4)
        });
        let key = (key << 2 | level) & 0x3fff;
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
    let lone: Vec<(usize, usize)> = filled
        .iter()
        .map(|filled| filled.pixel(nx, ny))
        .map(|at| (at % nx, at / nx))
        .filter(|&(x, y)| {
            let row = |y: usize, skip_middle: bool| {
                (x.saturating_sub(1)..=(x + 1).min(nx - 1)).any(|x1| pixels[y * nx + x1] > 0 && !(skip_middle && x1 == x))
            };
            // Its own row first: in a dense part that decides at once.
            !row(y, true) && (y == 0 || !row(y - 1, false)) && (y + 1 == ny || !row(y + 1, false))
        })
        .collect();
    for (x, y) in lone {
        let index = pixels[y * nx + x];
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            if let (Some(px), Some(py)) = (x.checked_add_signed(dx), y.checked_add_signed(dy))
                && px < nx
                && py < ny
                && pixels[py * nx + px] == 0
            {
                pixels[py * nx + px] = index;
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
