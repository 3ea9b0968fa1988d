//! Chance that is the same in every run, for tests.

/// The states of a linear congruential generator (Knuth's MMIX) after a seed; upper bits are better than lower ones.
pub(crate) fn chance(seed: u64) -> impl Iterator<Item = u64> {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next).skip(1)
}
