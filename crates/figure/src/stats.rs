//! The few numbers that summaries quote.

/// How often each value below `end` occurs in all of these.
pub(crate) fn tally<'a, T: Copy + Into<usize> + 'a>(runs: impl IntoIterator<Item = &'a [T]>, end: usize) -> Vec<u32> {
    // Neighbours are often equal, and one count would wait for the other.
    let mut lanes = vec![[0_u32; 4]; end];
    for values in runs {
        let (fours, rest) = values.as_chunks::<4>();
        for four in fours {
            for (lane, &value) in four.iter().enumerate() {
                lanes[value.into()][lane] += 1;
            }
        }
        rest.iter().for_each(|&value| lanes[value.into()][0] += 1);
    }
    lanes.into_iter().map(|lanes| lanes.into_iter().sum()).collect()
}

/// Pearson's correlation coefficient; `None` for fewer than two pairs or where a side is constant.
pub(crate) fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
    let (mut n, mut sx, mut sy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs.clone() {
        n += 1.0;
        sx += x;
        sy += y;
    }
    let (mx, my) = (sx / n, sy / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mx) * (x - mx);
        yy += (y - my) * (y - my);
        xy += (x - mx) * (y - my);
    }
    let r = xy / (xx.sqrt() * yy.sqrt());
    (n >= 2.0 && r.is_finite()).then(|| r.clamp(-1.0, 1.0))
}

/// The quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996) of sorted values.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = q.clamp(0.0, 1.0) * last as f64;
    let below = (at.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

/// The finite values in ascending order.
pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut out: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    out.sort_by(f64::total_cmp);
    out
}

/// Mean and population standard deviation; `None` of nothing.
pub(crate) fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    Some((mean, variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_of_lines_and_constants() {
        let line = |slope: f64| (0..5).map(move |i| (f64::from(i), slope * f64::from(i)));
        assert!(correlation(line(2.0)).is_some_and(|r| (r - 1.0).abs() < 1e-12));
        assert!(correlation(line(-2.0)).is_some_and(|r| (r + 1.0).abs() < 1e-12));
        assert_eq!(correlation(line(0.0)), None);
        assert_eq!(correlation(std::iter::empty()), None);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
        assert!(quantile(&[], 0.5).is_nan());
        assert_eq!(mean_and_deviation(&[1.0, 3.0]), Some((2.0, 1.0)));
        assert_eq!(sorted([2.0, f64::NAN, 1.0]), [1.0, 2.0]);
    }
}
