//! Huffman codes, written from the lowest bit of each byte to the highest.

pub(super) const SYMBOLS: usize = 256;
/// Bits of the longest code: four of them and what is pending fit into 64.
pub(super) const LONGEST: usize = 14;

/// Which bits stand for each symbol.
pub(super) struct Code {
    /// The bits in the order in which they are written; above [`LENGTH`] how many they are.
    codes: [u32; SYMBOLS],
    /// How many bits each symbol has; 0 for those that do not occur.
    pub(super) lengths: [u8; SYMBOLS],
    /// The only symbol there is, for which nothing is written.
    pub(super) only: Option<u8>,
}

const LENGTH: u32 = 16;

impl Code {
    /// The best code for [`SYMBOLS`] symbols that occur so often.
    pub(super) fn of(frequencies: &[u32]) -> Self {
        Self::with(lengths(frequencies))
    }

    /// The code that has 8 bits for each symbol.
    pub(super) fn flat() -> Self {
        Self::with([8; SYMBOLS])
    }

    /// Codes of a length count up, those of shorter lengths come first, and each is written from its upper bit.
    pub(super) fn with(lengths: [u8; SYMBOLS]) -> Self {
        let mut counts = [0_u32; LONGEST + 1];
        lengths.iter().filter(|length| **length > 0).for_each(|length| counts[usize::from(*length)] += 1);
        if counts.iter().sum::<u32>() <= 1 {
            let only = lengths.iter().position(|length| *length > 0).unwrap_or(0);
            return Self { codes: [0; SYMBOLS], lengths, only: Some(only as u8) };
        }
        let (mut next, mut code) = ([0_u32; LONGEST + 1], 0);
        for length in 1..=LONGEST {
            code = (code + counts[length - 1]) << 1;
            next[length] = code;
        }
        let mut codes = [0; SYMBOLS];
        for (code, &length) in codes.iter_mut().zip(&lengths).filter(|(_, length)| **length > 0) {
            let next = &mut next[usize::from(length)];
            *code = next.reverse_bits() >> (32 - u32::from(length)) | u32::from(length) << LENGTH;
            *next += 1;
        }
        Self { codes, lengths, only: None }
    }
}

/// How many bits each symbol has in a Huffman tree that is not too deep.
fn lengths(frequencies: &[u32]) -> [u8; SYMBOLS] {
    let (mut leaves, mut n) = ([(0_u32, 0_u8); SYMBOLS], 0);
    for (symbol, &frequency) in frequencies.iter().enumerate() {
        leaves[n.min(SYMBOLS - 1)] = (frequency, symbol as u8);
        n += usize::from(frequency > 0);
    }
    let leaves = &mut leaves[..n];
    leaves.sort_unstable();
    let mut out = [0; SYMBOLS];
    if let [(_, only)] = *leaves {
        out[usize::from(only)] = 1;
    }
    if n < 2 {
        return out;
    }
    loop {
        let depths = depths(leaves);
        // The rarest symbol is the deepest.
        if usize::from(depths[0]) <= LONGEST {
            leaves.iter().zip(depths).for_each(|((_, symbol), depth)| out[usize::from(*symbol)] = depth);
            return out;
        }
        // Flatter, until the longest code is short enough.
        leaves.iter_mut().for_each(|(frequency, _)| *frequency = frequency.div_ceil(2));
    }
}

/// How deep each leaf of a Huffman tree is; the lightest come first.
fn depths(leaves: &[(u32, u8)]) -> [u8; 2 * SYMBOLS] {
    // Leaves and joints both come in order of weight: the two lightest are always at the front of one of the two queues. Nodes are
    // numbered as they are made: first the leaves, then the joints.
    let (n, last) = (leaves.len(), 2 * leaves.len() - 2);
    let (mut weights, mut parents) = ([0_u32; 2 * SYMBOLS], [0_u16; 2 * SYMBOLS]);
    weights.iter_mut().zip(leaves).for_each(|(weight, (frequency, _))| *weight = *frequency);
    let (mut leaf, mut joint) = (0, n);
    for made in n..=last {
        let mut weight = 0;
        for _ in 0..2 {
            let is_leaf = leaf < n && (joint == made || weights[leaf] <= weights[joint]);
            let lightest = if is_leaf { &mut leaf } else { &mut joint };
            weight += weights[*lightest];
            parents[*lightest] = made as u16;
            *lightest += 1;
        }
        weights[made] = weight;
    }
    let mut depths = [0_u8; 2 * SYMBOLS];
    for node in (0..last).rev() {
        depths[node] = depths[usize::from(parents[node])] + 1;
    }
    depths
}

/// What has been written.
#[derive(Default)]
pub(super) struct Bits {
    /// Has room beyond [`Self::at`].
    out: Vec<u8>,
    /// Whole bytes written.
    at: usize,
    /// Less than 8 bits between two calls.
    pending: u64,
    n: u32,
}

impl Bits {
    /// At most 56 bits.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, n: u32) {
        self.make_room(8);
        self.pending |= bits << self.n;
        self.n += n;
        self.flush();
    }

    pub(super) fn put_symbol(&mut self, code: &Code, symbol: u8) {
        let code = code.codes[usize::from(symbol)];
        self.put(u64::from(code & 0xffff), code >> LENGTH);
    }

    /// Many symbols of a code that has several.
    #[inline(always)]
    pub(super) fn put_symbols(&mut self, code: &Code, symbols: &[u8]) {
        self.make_room(2 * symbols.len() + 8);
        let (fours, rest) = symbols.as_chunks::<4>();
        for four in fours {
            for &symbol in four {
                let code = code.codes[usize::from(symbol)];
                self.pending |= u64::from(code & 0xffff) << self.n;
                self.n += code >> LENGTH;
            }
            self.flush();
        }
        rest.iter().for_each(|&symbol| self.put_symbol(code, symbol));
    }

    /// What was written elsewhere.
    pub(super) fn append(&mut self, other: &Self) {
        const BYTES: usize = 7;
        self.make_room(other.at + 8);
        let (words, rest) = other.out[..other.at].as_chunks::<BYTES>();
        for word in words {
            let mut bytes = [0; 8];
            bytes[..BYTES].copy_from_slice(word);
            self.put(u64::from_le_bytes(bytes), 8 * BYTES as u32);
        }
        rest.iter().for_each(|&byte| self.put(u64::from(byte), 8));
        self.put(other.pending, other.n);
    }

    /// All bytes; the last is filled with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.put(0, self.n.next_multiple_of(8) - self.n);
        self.out.truncate(self.at);
        self.out
    }

    #[inline(always)]
    fn make_room(&mut self, bytes: usize) {
        if self.out.len() < self.at + bytes {
            self.out.resize((self.at + bytes).next_power_of_two().max(1024), 0);
        }
    }

    /// There must be room for 8 bytes.
    #[inline(always)]
    fn flush(&mut self) {
        self.out[self.at..self.at + 8].copy_from_slice(&self.pending.to_le_bytes());
        self.at += (self.n / 8) as usize;
        self.pending >>= self.n / 8 * 8;
        self.n %= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_never_too_long() {
        // Frequencies like Fibonacci's numbers have the deepest of trees.
        let mut frequencies = [0; SYMBOLS];
        let (mut a, mut b) = (1, 1);
        for frequency in &mut frequencies[..30] {
            *frequency = a;
            (a, b) = (b, a + b);
        }
        assert!(usize::from(lengths(&frequencies)[0]) <= LONGEST);
        assert_eq!(Code::of(&[0; SYMBOLS]).only, Some(0));
        frequencies.fill(0);
        frequencies[77] = 5;
        assert_eq!(Code::of(&frequencies).only, Some(77));
    }

    proptest! {
        #[test]
        fn codes_use_all_bits_and_frequent_symbols_have_short_ones(frequencies in prop::collection::vec(0_u32..2000, 2..256)) {
            let mut all = [0; SYMBOLS];
            all[..frequencies.len()].copy_from_slice(&frequencies);
            let lengths = lengths(&all);
            let used = || (0..SYMBOLS).filter(|&symbol| all[symbol] > 0);
            prop_assert!((0..SYMBOLS).all(|symbol| (lengths[symbol] > 0) == (all[symbol] > 0)));
            if used().count() > 1 {
                let room: u32 = used().map(|symbol| 1 << (LONGEST - usize::from(lengths[symbol]))).sum();
                prop_assert_eq!(room, 1 << LONGEST);
            }
            for (a, b) in used().flat_map(|a| used().map(move |b| (a, b))) {
                prop_assert!(all[a] <= all[b] || lengths[a] <= lengths[b]);
            }
        }
    }

    #[test]
    fn what_was_written_elsewhere_follows_at_once() {
        let write = |bits: &mut Bits, range: std::ops::Range<u64>| range.for_each(|i| bits.put(i, 9));
        let (mut whole, mut first, mut second) = (Bits::default(), Bits::default(), Bits::default());
        write(&mut whole, 0..100);
        write(&mut first, 0..37);
        write(&mut second, 37..100);
        first.append(&second);
        assert_eq!(first.finish(), whole.finish());
    }
}
