//! WebP's lossless format (RFC 9649, section 3) for images with a palette: each tile of the image has a Huffman code of its own.
//!
//! A raster of all rows is noise: looking for repeated pieces finds none. But what a pixel may be depends on where it is, and codes that are made
//! for small squares need two thirds of the bytes of codes for whole rows. See docs/decisions/0008.

use super::huffman::{Bits, Code, SYMBOLS};
use crate::stats::tally;
use labboard_frame::parallel::{map_parts, parts};
use std::ops::Range;
use std::sync::LazyLock;

/// The sides of a tile are so many bits long.
const TILE_BITS: u32 = 6;
const TILE: usize = 1 << TILE_BITS;
/// Pixels from which a second thread is worth it.
const PARALLEL_PIXELS: usize = 200_000;
/// The longest side that fits the format, in pixels.
pub const LONGEST_SIDE: u32 = 1 << 14;
/// With so few colours several pixels would share a byte.
const FEW_COLOURS: usize = 16;

/// The file with these pixels, top row first. Each must be an index into the palette, which has 1 to 256 colours (RGBA); `width` divides the pixels.
/// The result is the same with any number of threads.
pub(super) fn encode(pixels: &[u8], width: usize, palette: &[[u8; 4]]) -> Vec<u8> {
    let height = pixels.len() / width;
    let (across, down) = (width.div_ceil(TILE), height.div_ceil(TILE));
    let shares: Vec<Range<usize>> = parts(down, pixels.len(), PARALLEL_PIXELS).collect();
    let packed = map_parts(&shares, |share| {
        let rows = share.start * TILE * width..(share.end * TILE * width).min(pixels.len());
        pack(&pixels[rows], width)
    });

    let mut bits = Bits::default();
    bits.put(0x2f, 8);
    bits.put(width as u64 - 1, 14);
    bits.put(height as u64 - 1, 14);
    // There is transparency; version 0.
    bits.put(1, 4);
    put_palette(&mut bits, palette);
    // No further transform, no cache of colours.
    bits.put(0, 2);
    put_tiles(&mut bits, across * down);
    packed.iter().for_each(|part| bits.append(&part.codes));
    packed.iter().for_each(|part| bits.append(&part.pixels));
    in_riff(bits.finish())
}

fn in_riff(data: Vec<u8>) -> Vec<u8> {
    let padding = data.len() % 2;
    let mut out = Vec::with_capacity(data.len() + 32);
    out.extend(b"RIFF");
    out.extend((data.len() as u32 + padding as u32 + 12).to_le_bytes());
    out.extend(b"WEBPVP8L");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out.resize(out.len() + padding, 0);
    out
}

/// The transform from indices to colours: each colour as its difference from the last.
fn put_palette(bits: &mut Bits, palette: &[[u8; 4]]) {
    let mut palette = palette.to_vec();
    palette.resize(palette.len().max(FEW_COLOURS + 1), [0; 4]);
    bits.put(1, 1);
    bits.put(3, 2);
    bits.put(palette.len() as u64 - 1, 8);
    let mut last = [0_u8; 4];
    let steps: Vec<_> = palette
        .iter()
        .map(|colour| {
            let step: [u8; 4] = std::array::from_fn(|channel| colour[channel].wrapping_sub(last[channel]));
            last = *colour;
            step
        })
        .collect();
    let codes: [Code; 4] = std::array::from_fn(|channel| Code::of(&tally(steps.iter().map(|step| &step[channel..=channel]), SYMBOLS)));
    // The format's order is green, red, blue and opacity.
    const ORDER: [usize; 4] = [1, 0, 2, 3];
    // No cache of colours.
    bits.put(0, 1);
    for (at, channel) in ORDER.into_iter().enumerate() {
        describe(&codes[channel], if at == 0 { LITERALS_AND_LENGTHS } else { SYMBOLS }, bits);
    }
    describe_nothing(bits, 1);
    for step in steps {
        ORDER.into_iter().for_each(|channel| bits.put_symbol(&codes[channel], step[channel]));
    }
}

/// The image that says which codes a tile has: as many as there are tiles, one after the other.
fn put_tiles(bits: &mut Bits, tiles: usize) {
    bits.put(1, 1);
    bits.put(u64::from(TILE_BITS) - 2, 3);
    bits.put(0, 1);
    // The number's upper byte is red, the lower is green.
    let code = Code::flat();
    describe(&code, LITERALS_AND_LENGTHS, bits);
    describe(&code, SYMBOLS, bits);
    describe_nothing(bits, 3);
    for tile in 0..tiles {
        let [low, high] = (tile as u16).to_le_bytes();
        bits.put_symbol(&code, low);
        bits.put_symbol(&code, high);
    }
}

/// The codes of some tiles, and their pixels.
#[derive(Default)]
struct Packed {
    codes: Bits,
    pixels: Bits,
}

/// Rows of tiles.
fn pack(pixels: &[u8], width: usize) -> Packed {
    let mut out = Packed::default();
    for rows in pixels.chunks(TILE * width) {
        let codes: Vec<Code> = (0..width).step_by(TILE).map(|x| code_of_tile(rows, width, x..width.min(x + TILE))).collect();
        for code in &codes {
            describe(code, LITERALS_AND_LENGTHS, &mut out.codes);
            // Indices are green; the other channels say nothing, and there are no copies.
            describe_nothing(&mut out.codes, 4);
        }
        for row in rows.chunks_exact(width) {
            for (code, pixels) in codes.iter().zip(row.chunks(TILE)) {
                if code.only.is_none() {
                    out.pixels.put_symbols(code, pixels);
                }
            }
        }
    }
    out
}

fn code_of_tile(rows: &[u8], width: usize, columns: Range<usize>) -> Code {
    Code::of(&tally(rows.chunks_exact(width).map(|row| &row[columns.clone()]), SYMBOLS))
}

/// Symbols of the green channel: values, and lengths of copies, which nothing uses.
const LITERALS_AND_LENGTHS: usize = SYMBOLS + 24;

/// How long the codes are of the symbols that describe codes: a length, or so many zeros. The same for all tiles; what is usual in rasters.
const TOKEN_LENGTHS: [u8; TOKENS] = [2, 7, 7, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4, 7, 7, 0, 0, 3, 5];
const TOKENS: usize = 19;
/// The tokens in which [`TOKEN_LENGTHS`] are written.
const TOKEN_ORDER: [usize; TOKENS] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const ZERO: u8 = 0;
/// 3 to 10 zeros, as 3 bits say.
const SOME_ZEROS: u8 = 17;
/// 11 to 138 zeros, as 7 bits say.
const MANY_ZEROS: u8 = 18;

static TOKEN_CODE: LazyLock<Code> = LazyLock::new(|| {
    let mut lengths = [0; SYMBOLS];
    lengths[..TOKENS].copy_from_slice(&TOKEN_LENGTHS);
    Code::with(lengths)
});

/// Writes a code for an alphabet of [`SYMBOLS`] or more symbols.
fn describe(code: &Code, alphabet: usize, bits: &mut Bits) {
    if let Some(only) = code.only {
        // A simple code, of one symbol, which has 8 bits.
        bits.put(0b101, 3);
        bits.put(u64::from(only), 8);
        return;
    }
    bits.put(0, 1);
    bits.put(TOKENS as u64 - 4, 4);
    TOKEN_ORDER.iter().for_each(|&token| bits.put(u64::from(TOKEN_LENGTHS[token]), 3));
    // All of the alphabet follows.
    bits.put(0, 1);
    let mut lengths = [ZERO; LITERALS_AND_LENGTHS];
    lengths[..SYMBOLS].copy_from_slice(&code.lengths);
    let runs = lengths[..alphabet].chunk_by(|a, b| [a, b] == [&ZERO; 2]);
    for run in runs.flat_map(|run| run.chunks(138)) {
        match run.len() as u64 {
            0..3 => run.iter().for_each(|&length| bits.put_symbol(&TOKEN_CODE, length)),
            zeros @ 3..11 => {
                bits.put_symbol(&TOKEN_CODE, SOME_ZEROS);
                bits.put(zeros - 3, 3);
            }
            zeros => {
                bits.put_symbol(&TOKEN_CODE, MANY_ZEROS);
                bits.put(zeros - 11, 7);
            }
        }
    }
}

/// Writes codes of one symbol, 0, for channels of which there is nothing to say.
fn describe_nothing(bits: &mut Bits, codes: u32) {
    (0..codes).for_each(|_| bits.put(0b0001, 4));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::chance;
    use crate::raster::decode;
    use proptest::prelude::*;
    use std::num::NonZero;

    fn palette(colours: usize) -> Vec<[u8; 4]> {
        (0..colours).map(|i| [i as u8, 255 - i as u8, (i * 7) as u8, if i == 0 { 0 } else { 255 }]).collect()
    }

    /// A picture that differs from place to place.
    fn picture(width: usize, height: usize, seed: u64, spread: u64) -> Vec<u8> {
        let pixel = |(at, chance): (usize, u64)| ((at % width / 7) as u64 + (chance >> 33) % (spread + 1)) as u8;
        (0..width * height).zip(chance(seed | 1)).map(pixel).collect()
    }

    proptest! {
        #[test]
        fn another_library_reads_it(width in 1_usize..100, height in 1_usize..100, seed: u64, spread in 0_u64..240, colours in 1_usize..=256) {
            let palette = palette(colours);
            let pixels: Vec<u8> = picture(width, height, seed, spread).iter().map(|at| (usize::from(*at) % colours) as u8).collect();
            let expected: Vec<[u8; 4]> = pixels.iter().map(|at| palette[usize::from(*at)]).collect();
            prop_assert_eq!(decode(&encode(&pixels, width, &palette)), expected);
        }
    }

    #[test]
    fn threads_change_nothing() {
        let (pixels, palette) = (picture(801, 503, 1, 90), palette(250));
        let one = labboard_frame::parallel::with_threads(NonZero::<usize>::MIN, || encode(&pixels, 801, &palette));
        let many = encode(&pixels, 801, &palette);
        assert_eq!(one, many);
        assert_eq!(decode(&one).len(), pixels.len());
    }

    #[test]
    fn empty_tiles_cost_nothing() {
        let mut pixels = vec![0; 1000 * 1000];
        pixels[500_500] = 7;
        let bytes = encode(&pixels, 1000, &palette(250)).len();
        assert!(bytes < 6_500, "{bytes}");
    }

    /// Run in release mode with `--ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn speed() {
        let (width, height) = (716, 412);
        let palette = palette(250);
        // As in a raster of all rows: about what a pixel may be depends on where it is, the rest is chance.
        let mut chances = chance(1).map(|state| (state >> 40) as usize);
        let mut chance = move || chances.next().unwrap();
        let mut pixel = |at: usize| {
            let class = (at % width / 90 + at / width / 52 * 3 + usize::from(chance() % 10 == 0) * (chance() % 8)) % 8;
            1 + class * 30 + chance() % 6 + chance() % 6
        };
        let pixels: Vec<u8> = (0..width * height).map(|at| pixel(at) as u8).collect();
        let coloured: Vec<u8> = pixels.iter().flat_map(|at| palette[usize::from(*at)]).collect();
        let best = |work: &mut dyn FnMut() -> usize| {
            let mut best = (f64::INFINITY, 0);
            for _ in 0..20 {
                let start = std::time::Instant::now();
                let bytes = work();
                best = (best.0.min(start.elapsed().as_secs_f64() * 1e3), bytes);
            }
            best
        };
        let ours = best(&mut || encode(&pixels, width, &palette).len());
        let theirs = best(&mut || {
            let mut out = Vec::new();
            let encoder = image_webp::WebPEncoder::new(&mut out);
            encoder.encode(&coloured, width as u32, height as u32, image_webp::ColorType::Rgba8).unwrap();
            out.len()
        });
        eprintln!("{width} x {height}: {:.2} ms to {} bytes; image-webp {:.2} ms to {} bytes", ours.0, ours.1, theirs.0, theirs.1);
    }
}
