//! Sums, quantiles and means that keep their digits.

use serde::{Deserialize, Serialize};

/// Neumaier's compensated sum: the error does not grow with the number of terms.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let total = self.total + value;
        self.lost += if self.total.abs() >= value.abs() { (self.total - total) + value } else { (value - total) + self.total };
        self.total = total;
    }

    pub(crate) fn value(self) -> f64 {
        // An infinite total has a meaningless (NaN) compensation.
        if self.total.is_finite() { self.total + self.lost } else { self.total }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::default();
        for value in values {
            sum.add(value);
        }
        sum
    }
}

pub(crate) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().collect::<Sum>().value()
}

/// Mean of finite numbers; `None` of none.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| sum(values.iter().copied()) / values.len() as f64)
}

/// A mean with both standard deviations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanStd {
    /// Number of values that were finite.
    pub count: usize,
    pub mean: f64,
    /// Square root of the mean squared deviation (divides by n): what OpenML shows after ±.
    pub population_std: f64,
    /// Divides by n − 1; `None` for a single value.
    pub sample_std: Option<f64>,
}

/// Mean and standard deviations of the finite values; `None` if there are none.
#[must_use]
pub fn mean_std(values: &[f64]) -> Option<MeanStd> {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let count = finite().count();
    if count == 0 {
        return None;
    }
    let n = count as f64;
    let mean = sum(finite()) / n;
    let squares = sum(finite().map(|v| (v - mean) * (v - mean)));
    Some(MeanStd { count, mean, population_std: (squares / n).sqrt(), sample_std: (count > 1).then(|| (squares / (n - 1.0)).sqrt()) })
}

/// The `p`-quantile (0 ≤ p ≤ 1) of sorted numbers, interpolated linearly between the two nearest (Hyndman and Fan's type 7,
/// the default of numpy and R). `None` of an empty slice.
#[must_use]
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = p.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let share = place - below as f64;
    let (a, b) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(between(a, b, share))
}

/// The number so far on the way from `a` to `b`; `a` itself at the share 0.
pub(crate) fn between(a: f64, b: f64, share: f64) -> f64 {
    if share == 0.0 || a == b { a } else { a * (1.0 - share) + b * share }
}

/// Maps a number to an integer with the same order. Both zeros map to the same key; `NaN` must not be passed.
pub(crate) fn sort_key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The inverse of [`sort_key`].
pub(crate) fn from_sort_key(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Entropy in bits, −Σ p log₂ p, of counts with the given total.
pub(crate) fn entropy_bits(counts: impl IntoIterator<Item = u64>, total: u64) -> f64 {
    if total == 0 {
        return 0.0;
    }
    let total = total as f64;
    let terms = counts.into_iter().filter(|&count| count > 0).map(|count| {
        let p = count as f64 / total;
        -p * p.log2()
    });
    // A single value gives −1 · 0 = −0.
    sum(terms) + 0.0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers among which many are equal, and some are at the ends of what there is.
    pub(crate) fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => -1e3..1e3f64,
            2 => (-9i32..9).prop_map(f64::from),
            1 => prop::sample::select(vec![
                f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MIN_POSITIVE, 5e-324, 1e300, -1e300, f64::MIN, f64::MAX,
            ]),
        ]
    }

    #[test]
    fn a_compensated_sum_keeps_what_a_plain_one_loses() {
        assert_eq!(sum([1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum([f64::INFINITY, 1.0]), f64::INFINITY);
    }

    #[test]
    fn quantiles_interpolate_as_numpy_does() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 1.0), Some(8.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn both_standard_deviations_are_labelled() {
        let found = mean_std(&[1.0, 2.0, 3.0, 4.0, f64::NAN]).unwrap();
        assert_eq!((found.count, found.mean), (4, 2.5));
        assert!((found.population_std - 1.118_033_988_749_895).abs() < 1e-15);
        assert!((found.sample_std.unwrap() - 1.290_994_448_735_805_6).abs() < 1e-15);
        assert_eq!(mean_std(&[f64::NAN]), None);
        assert_eq!(mean_std(&[3.0]).unwrap().sample_std, None);
    }

    proptest! {
        #[test]
        fn keys_keep_the_order(a in proptest::num::f64::ANY, b in proptest::num::f64::ANY) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(a.partial_cmp(&b), Some(sort_key(a).cmp(&sort_key(b))));
            prop_assert_eq!(from_sort_key(sort_key(a)), a);
        }
    }
}
