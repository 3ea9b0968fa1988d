//! From counts to a palette raster.

use super::mixing::{Mixer, RUN};
use super::opacity::{landmarks, levels_of_bins};
use super::palette::{Look, NOTHING, Palette, TRANSPARENT};
use super::survey::Survey;
use super::{Buffers, Groups, Input};
use crate::raster::{EncodingError, Raster};
use crate::theme::{Rgb, Theme};
use labboard_frame::parallel::{cut, map_parts};
use labboard_frame::simd::widest;

/// Coloured cells.
pub(super) struct Shaded {
    pub(super) raster: Raster,
    /// Rows of a cell that has the least, a middle and the greatest opacity.
    pub(super) landmarks: Vec<u64>,
}

/// Colours the cells, of which `buffers` have the bins.
pub(super) fn shade(
    input: &Input<'_>,
    theme: Theme,
    survey: &Survey,
    groups: &Groups,
    buffers: &mut Buffers,
) -> Result<Shaded, EncodingError> {
    let colours: Vec<Rgb> = groups.colours.iter().map(|&colour| theme.rgb(colour)).collect();
    let palette = Palette::new(&colours, &groups.used);
    let levels = levels_of_bins(input.shade, &survey.histogram);
    let landmarks = landmarks(&survey.histogram, &levels);
    let looks = &mut buffers.cells[..];
    let tally = Mixer::new((input.nx, input.counts.stride), groups, &colours, &palette, &levels).look_at(input, &survey.bands, looks);
    let codes = palette.settle(&tally);

    buffers.pixels.resize(looks.len(), TRANSPARENT);
    // An image begins with the top row, the grid with the lowest.
    let bands = survey.bands.iter().rev();
    let pixels = cut(&mut buffers.pixels, bands.clone().map(ExactSizeIterator::len));
    map_parts(bands.zip(pixels), |(band, pixels)| paint(&looks[band.clone()], &codes.of_look, input.nx, pixels));
    if input.spread {
        widest(
            #[inline(always)]
            || spread(&mut buffers.pixels, input.nx),
        );
    }
    let raster = Raster::encode(&buffers.pixels, input.nx as u32, input.ny as u32, &codes.colours, input.extents)?;
    Ok(Shaded { raster, landmarks })
}

/// The codes of looks, the last row first.
fn paint(looks: &[Look], codes: &[u8], nx: usize, pixels: &mut [u8]) {
    for (row, looks) in pixels.chunks_exact_mut(nx).rev().zip(looks.chunks_exact(nx)) {
        for (pixels, looks) in row.chunks_mut(RUN).zip(looks.chunks(RUN)) {
            if looks.iter().fold(NOTHING, |any, look| any | look) == NOTHING {
                pixels.fill(TRANSPARENT);
            } else {
                pixels.iter_mut().zip(looks).for_each(|(pixel, &look)| *pixel = codes[usize::from(look)]);
            }
        }
    }
}

/// Widens pixels all around which there is nothing to a cross of five.
#[inline(always)]
fn spread(pixels: &mut [u8], nx: usize) {
    let ny = pixels.len() / nx;
    // Whether there is something, in three rows with a column more at both ends.
    let mut rows = [vec![0_u8; nx + 2], vec![0; nx + 2], vec![0; nx + 2]];
    mark_row(&mut rows[1], pixels, 0);
    let mut is_lone = vec![0_u8; nx];
    let mut lone = Vec::new();
    for y in 0..ny {
        mark_row(&mut rows[2], pixels, y + 1);
        let [above, row, below] = &rows;
        let (above, row, below) = (&above[..nx + 2], &row[..nx + 2], &below[..nx + 2]);
        for (x, is_lone) in is_lone.iter_mut().enumerate() {
            let beside = (above[x] | row[x] | below[x]) | (above[x + 2] | row[x + 2] | below[x + 2]);
            *is_lone = row[x + 1] & !(beside | above[x + 1] | below[x + 1]);
        }
        for (at, chunk) in is_lone.chunks(64).enumerate() {
            if chunk.iter().fold(0, |any, is_lone| any | is_lone) > 0 {
                lone.extend(chunk.iter().enumerate().filter(|(_, is_lone)| **is_lone > 0).map(|(i, _)| y * nx + at * 64 + i));
            }
        }
        rows.rotate_left(1);
    }
    for at in lone {
        let (x, y) = (at % nx, at / nx);
        let neighbours =
            [(x > 0).then(|| at - 1), (x + 1 < nx).then_some(at + 1), (y > 0).then(|| at - nx), (y + 1 < ny).then_some(at + nx)];
        for neighbour in neighbours.into_iter().flatten() {
            if pixels[neighbour] == TRANSPARENT {
                pixels[neighbour] = pixels[at];
            }
        }
    }
}

/// Marks where there is something in a row, which may be the one after the last; there is a column more at both ends.
#[inline(always)]
fn mark_row(row: &mut [u8], pixels: &[u8], y: usize) {
    let nx = row.len() - 2;
    let pixels = pixels.get(y * nx..(y + 1) * nx).unwrap_or_default();
    row[1..=nx].fill(0);
    row[1..].iter_mut().zip(pixels).for_each(|(some, pixel)| *some = u8::from(*pixel != TRANSPARENT));
}
