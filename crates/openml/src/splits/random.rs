//! Random numbers that are the same for ever: a task's splits must not change with a library.

/// SplitMix64, a generator whose state is a counter.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

/// 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator for part number `part`, independent of those for the other parts.
    pub(super) fn for_part(seed: u64, part: u32) -> Self {
        let mut parts = Self::new(seed);
        parts.state = parts.state.wrapping_add(STEP.wrapping_mul(u64::from(part)));
        Self::new(parts.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, all alike; 0 if `end` is.
    fn below(&mut self, end: u32) -> u32 {
        // The upper half of a product falls on each number equally often once the first few lower halves are left out.
        let end = u64::from(end);
        let left_out = if end == 0 { 0 } else { (1 << 32) % end };
        loop {
            let product = (self.next() >> 32) * end;
            if product & 0xFFFF_FFFF >= left_out {
                return (product >> 32) as u32;
            }
        }
    }

    /// Fisher and Yates's shuffle.
    pub(super) fn shuffle(&mut self, rows: &mut [u32]) {
        for at in (1..rows.len()).rev() {
            let other = self.below(u32::try_from(at).map_or(u32::MAX, |at| at.saturating_add(1)));
            rows.swap(at, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        let mut random = Random::new(0);
        assert_eq!(random.next(), 0xE220_A839_7B1D_CDAF);
        let mut random = Random::new(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_below_an_end_come_equally_often() {
        let mut random = Random::new(7);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[random.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        assert_eq!((random.below(0), random.below(1)), (0, 0));
    }

    #[test]
    fn a_shuffle_keeps_all_rows() {
        let mut rows: Vec<u32> = (0..100).collect();
        Random::for_part(1, 2).shuffle(&mut rows);
        assert_ne!(rows, (0..100).collect::<Vec<_>>());
        rows.sort_unstable();
        assert_eq!(rows, (0..100).collect::<Vec<_>>());
    }
}
