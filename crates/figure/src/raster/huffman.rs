//! Deflate with Huffman codes alone, in zlib's wrapping (RFC 1950 and 1951).
//!
//! A raster of all rows is noise: looking for repeated pieces finds none, while codes made for each part of the image save a third of the
//! bytes that fixed ones need. See docs/decisions/0007.

use crate::stats::tally;
use labboard_frame::parallel::{map_parts, parts};
use std::cmp::Reverse;

/// Symbols that share a code, about: few enough to follow the picture, and enough to pay for the 137 bytes beside the codes.
const BLOCK: usize = 16_384;
/// Bytes from which a second thread is worth it.
const PARALLEL_BYTES: usize = 200_000;
/// The bytes and the end of a block.
const SYMBOLS: usize = 257;
const END: usize = 256;
const LONGEST: u32 = 15;

/// Compresses rows of `width` bytes, each behind a byte that says `prefix`. The result is the same with any number of threads.
pub(crate) fn compress(bytes: &[u8], width: usize, prefix: u8) -> Vec<u8> {
    let width = width.max(1);
    let rows_of_block = (BLOCK / (width + 1)).max(1);
    let blocks: Vec<&[u8]> = bytes.chunks(rows_of_block * width).collect();
    let shares: Vec<_> = parts(blocks.len(), bytes.len(), PARALLEL_BYTES).collect();
    let packed = map_parts(&shares, |share| {
        let mut bits = Bits::default();
        blocks[share.clone()].iter().for_each(|block| pack(block, width, prefix, &mut bits));
        bits.out
    });
    // 32 KiB of window, which nothing uses; the fastest of levels.
    let mut out = vec![0x78, 0x01];
    out.reserve(packed.iter().map(Vec::len).sum::<usize>() + 9);
    packed.iter().for_each(|part| out.extend_from_slice(part));
    // An empty stored block is the last.
    out.extend([1, 0, 0, 0xff, 0xff]);
    let mut sum = simd_adler32::Adler32::new();
    for row in bytes.chunks(width) {
        sum.write(&[prefix]);
        sum.write(row);
    }
    out.extend(sum.finish().to_be_bytes());
    out
}

/// Adds a block, up to a whole byte.
fn pack(bytes: &[u8], width: usize, prefix: u8, bits: &mut Bits) {
    let code = Code::of(&frequencies(bytes, width, prefix));
    // No code is longer than two bytes.
    bits.make_room(2 * (bytes.len() + bytes.len().div_ceil(width)) + 256);
    bits.put(2 << 1, 3);
    code.describe(bits);
    for row in bytes.chunks(width) {
        bits.put_symbols(&[prefix], &code);
        bits.put_symbols(row, &code);
    }
    bits.put_symbol(&code, END);
    // An empty stored block ends at a whole byte.
    bits.put(0, 3);
    bits.align();
    bits.put(0xffff_0000, 32);
    bits.out.truncate(bits.at);
}

fn frequencies(bytes: &[u8], width: usize, prefix: u8) -> [u32; SYMBOLS] {
    let mut out = [0; SYMBOLS];
    out[..END].copy_from_slice(&tally(bytes, END));
    out[usize::from(prefix)] += bytes.len().div_ceil(width) as u32;
    out[END] = 1;
    out
}

/// The bits of each symbol.
struct Code {
    bits: [u16; SYMBOLS],
    lengths: [u8; SYMBOLS],
}

impl Code {
    fn of(frequencies: &[u32; SYMBOLS]) -> Self {
        let mut frequencies = *frequencies;
        let lengths = loop {
            let lengths = lengths(&frequencies);
            if lengths.iter().all(|length| u32::from(*length) <= LONGEST) {
                break lengths;
            }
            // Flatter, until the longest code is short enough.
            frequencies.iter_mut().for_each(|frequency| *frequency = frequency.div_ceil(2));
        };
        // Codes of a length count up, the shorter lengths first (RFC 1951, 3.2.2), and are sent from their upper bit.
        let (mut bits, mut next) = ([0; SYMBOLS], 0_u32);
        for length in 1..=LONGEST {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, of)| u32::from(**of) == length) {
                bits[symbol] = (next.reverse_bits() >> (32 - length)) as u16;
                next += 1;
            }
            next <<= 1;
        }
        Self { bits, lengths }
    }

    /// The lengths of all codes, each in four bits, and those of two distances, which nothing uses.
    fn describe(&self, out: &mut Bits) {
        out.put(0, 5);
        out.put(1, 5);
        out.put(15, 4);
        // The lengths of the codes of lengths: none for repetitions (16, 17, 18), four bits for 0 to 15.
        for _ in 0..3 {
            out.put(0, 3);
        }
        for _ in 0..16 {
            out.put(4, 3);
        }
        for &length in self.lengths.iter().chain(&[1, 1]) {
            out.put(u64::from(length.reverse_bits() >> 4), 4);
        }
    }
}

/// How long the code of each symbol is in a Huffman tree; 0 for symbols that do not occur.
fn lengths(frequencies: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut order: Vec<usize> = (0..SYMBOLS).filter(|&symbol| frequencies[symbol] > 0).collect();
    order.sort_unstable_by_key(|&symbol| Reverse(frequencies[symbol]));
    let mut lengths = [0; SYMBOLS];
    if let [only] = *order {
        lengths[only] = 1;
        return lengths;
    }
    // Leaves and joints both come in order of weight: the two lightest are always at the front of one of the two queues. Nodes are numbered as
    // they are made: first the leaves, then the joints.
    let leaves = order.len();
    let mut weights: Vec<u64> = order.iter().rev().map(|&symbol| u64::from(frequencies[symbol])).collect();
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut joint) = (0, leaves);
    for made in leaves..2 * leaves - 1 {
        let mut lightest = || {
            let is_leaf = leaf < leaves && (joint >= weights.len() || weights[leaf] <= weights[joint]);
            let next = if is_leaf { &mut leaf } else { &mut joint };
            parents[*next] = made;
            *next += 1;
            weights[*next - 1]
        };
        let weight = lightest() + lightest();
        weights.push(weight);
    }
    let mut depths = vec![0_u8; 2 * leaves - 1];
    for node in (0..2 * leaves - 2).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    for (&symbol, &depth) in order.iter().rev().zip(&depths) {
        lengths[symbol] = depth;
    }
    lengths
}

/// Bits from the lowest to the highest of each byte.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    /// Whole bytes written.
    at: usize,
    pending: u64,
    n: u32,
}

impl Bits {
    fn make_room(&mut self, bytes: usize) {
        self.out.resize(self.at + bytes, 0);
    }

    /// Leaves less than 8 bits pending.
    #[inline(always)]
    fn flush(&mut self) {
        self.out[self.at..self.at + 8].copy_from_slice(&self.pending.to_le_bytes());
        self.at += (self.n / 8) as usize;
        self.pending >>= self.n / 8 * 8;
        self.n %= 8;
    }

    fn put(&mut self, bits: u64, n: u32) {
        self.pending |= bits << self.n;
        self.n += n;
        self.flush();
    }

    fn put_symbol(&mut self, code: &Code, symbol: usize) {
        self.put(u64::from(code.bits[symbol]), u32::from(code.lengths[symbol]));
    }

    #[inline]
    fn put_symbols(&mut self, symbols: &[u8], code: &Code) {
        // Three codes and what is pending fit into 64 bits.
        let (threes, rest) = symbols.as_chunks::<3>();
        for three in threes {
            for &symbol in three {
                self.pending |= u64::from(code.bits[usize::from(symbol)]) << self.n;
                self.n += u32::from(code.lengths[usize::from(symbol)]);
            }
            self.flush();
        }
        rest.iter().for_each(|&symbol| self.put_symbol(code, usize::from(symbol)));
    }

    fn align(&mut self) {
        self.n = self.n.next_multiple_of(8);
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inflated(packed: &[u8], room: usize) -> Vec<u8> {
        let mut out = vec![0; room];
        let (bytes, code) = zlib_rs::decompress_slice(&mut out, packed, zlib_rs::InflateConfig::default());
        assert_eq!(code, zlib_rs::ReturnCode::Ok);
        bytes.to_vec()
    }

    fn rows(bytes: &[u8], width: usize) -> Vec<u8> {
        bytes.chunks(width).flat_map(|row| std::iter::once(7).chain(row.iter().copied())).collect()
    }

    proptest! {
        #[test]
        fn another_library_reads_it(bytes in prop::collection::vec(any::<u8>(), 0..3000), width in 1_usize..200, few in 0_u32..8) {
            let bytes: Vec<u8> = bytes.iter().map(|byte| byte >> few).collect();
            let expected = rows(&bytes, width);
            prop_assert_eq!(inflated(&compress(&bytes, width, 7), expected.len() + 1), expected);
        }
    }

    #[test]
    fn codes_are_never_too_long_and_threads_change_nothing() {
        // Frequencies like Fibonacci's numbers have the deepest of trees.
        let (mut a, mut b, mut steep) = (1_usize, 1, Vec::new());
        for symbol in 0..22_u8 {
            steep.extend(std::iter::repeat_n(symbol, a));
            (a, b) = (b, a + b);
        }
        let mut frequencies = [0; SYMBOLS];
        steep.iter().for_each(|&symbol| frequencies[usize::from(symbol)] += 1);
        assert!(lengths(&frequencies).iter().any(|&length| u32::from(length) > LONGEST));
        assert!(Code::of(&frequencies).lengths.iter().all(|&length| u32::from(length) <= LONGEST));
        let large: Vec<u8> = steep.iter().copied().cycle().take(600_000).collect();
        for width in [1000, 600_000] {
            let expected = rows(&large, width);
            assert_eq!(inflated(&compress(&large, width, 7), expected.len() + 1), expected);
        }
        let one = labboard_frame::parallel::with_threads(std::num::NonZero::<usize>::MIN, || compress(&large, 1000, 7));
        assert_eq!(one, compress(&large, 1000, 7));
    }

    /// Run in release mode with `--ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn speed() {
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..400_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as u8 & (state >> 50) as u8).min(150)
            })
            .collect();
        let best = |work: &mut dyn FnMut() -> usize| {
            let mut best = (f64::INFINITY, 0);
            for _ in 0..20 {
                let start = std::time::Instant::now();
                let bytes = work();
                best = (best.0.min(start.elapsed().as_secs_f64() * 1e3), bytes);
            }
            best
        };
        let ours = best(&mut || compress(&noise, 800, 0).len());
        let mut out = vec![0; 1_000_000];
        let config = zlib_rs::DeflateConfig { strategy: zlib_rs::Strategy::HuffmanOnly, ..zlib_rs::DeflateConfig::new(1) };
        let theirs = best(&mut || zlib_rs::compress_slice(&mut out, &noise, config).0.len());
        eprintln!("400,000 bytes: {:.2} ms to {} bytes; zlib-rs {:.2} ms to {} bytes", ours.0, ours.1, theirs.0, theirs.1);
    }
}
