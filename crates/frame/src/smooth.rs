//! Smooth curves of density out of counts in equal bins.

use crate::quartiles::Quartiles;

/// Kernels reach this many bandwidths to either side; beyond it a Gaussian is below 1/2,900 of its height.
const REACH: f64 = 4.0;

/// The bandwidth for a Gaussian kernel by Silverman's rule of thumb, 0.9 · min(σ, IQR/1.34) · n^(−1/5), in units of the values. σ is
/// that of the counts in bins of this width, so that no further pass over the rows is needed. 0 where all values are equal.
///
/// Silverman, *Density Estimation for Statistics and Data Analysis*, 1986, equation 3.31.
#[must_use]
pub fn bandwidth(counts: &[u64], width: f64, quartiles: &Quartiles) -> f64 {
    let rows = counts.iter().sum::<u64>() as f64;
    let moment = |power: i32, about: f64| -> f64 {
        counts.iter().enumerate().map(|(bin, count)| *count as f64 * (bin as f64 - about).powi(power)).sum::<f64>() / rows.max(1.0)
    };
    let std = moment(2, moment(1, 0.0)).sqrt() * width;
    let range = (quartiles.q3 - quartiles.q1) / 1.34;
    let spread = if range > 0.0 { std.min(range) } else { std };
    0.9 * spread * rows.max(1.0).powf(-0.2)
}

/// The counts spread over their neighbours by a Gaussian kernel with this bandwidth in bins: a value for each bin, in rows for each bin.
/// What falls beyond the ends is left out.
#[must_use]
pub fn smooth(counts: &[u64], bandwidth: f64) -> Vec<f64> {
    let reach = (REACH * bandwidth).ceil().min(counts.len() as f64) as usize;
    let weight = |distance: usize| (-0.5 * (distance as f64 / bandwidth).powi(2)).exp();
    let mut kernel: Vec<f64> = if bandwidth > 0.0 { (0..=reach).map(weight).collect() } else { vec![1.0] };
    let total = 2.0 * kernel.iter().sum::<f64>() - kernel[0];
    kernel.iter_mut().for_each(|weight| *weight /= total);
    let mut out = vec![0.0; counts.len()];
    for (bin, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (from, to) = (bin.saturating_sub(kernel.len() - 1), (bin + kernel.len()).min(counts.len()));
        for (at, sum) in out.iter_mut().enumerate().take(to).skip(from) {
            *sum += count as f64 * kernel[at.abs_diff(bin)];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Column;
    use crate::histogram::counts_between;
    use crate::quartiles::quartiles;
    use proptest::prelude::*;

    #[test]
    fn a_normal_sample_has_its_bandwidth_and_shape() {
        // Quantiles of the logistic distribution, which has σ = π/√3 and an interquartile range of 2 ln 3.
        let values: Vec<f64> = (1..10_000).map(|i| f64::from(i) / 10_000.0).map(|p| (p / (1.0 - p)).ln()).collect();
        let spread = quartiles(Column::Numeric(&values), None).unwrap().quartiles[0].unwrap();
        let edges: Vec<f64> = (0..=200).map(|i| -10.0 + f64::from(i) * 0.1).collect();
        let counts = counts_between(&edges, &values, None, 1).remove(0);
        let found = bandwidth(&counts, 0.1, &spread);
        let expected = 0.9 * (2.0 * 3_f64.ln() / 1.34) * 9_999_f64.powf(-0.2);
        assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
        let curve = smooth(&counts, found / 0.1);
        // The density in the middle is 1/4 at its height.
        assert!((curve[100] / (9_999.0 * 0.1) - 0.25).abs() < 0.01, "{}", curve[100]);
    }

    proptest! {
        #[test]
        fn no_row_is_lost_between_the_ends(inner in prop::collection::vec(0_u64..1_000, 1..80), bandwidth in 0.0..9.0_f64) {
            let margin = vec![0; 36];
            let counts = [margin.clone(), inner, margin].concat();
            let total: f64 = smooth(&counts, bandwidth).iter().sum();
            let rows = counts.iter().sum::<u64>() as f64;
            prop_assert!((total - rows).abs() <= 1e-9 * rows.max(1.0), "{} {}", total, rows);
        }
    }
}
