//! Bin edges that people can read: round numbers and calendar units.

use labboard_openml::date::{civil_from_days, days_from_civil};

const MILLIS_PER_DAY: f64 = 86_400_000.0;

/// Widths of date bins that are a fixed time, in milliseconds.
const CLOCK_STEPS: [f64; 28] = [
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
    1_000.0,
    2_000.0,
    5_000.0,
    10_000.0,
    15_000.0,
    30_000.0,
    60_000.0,
    120_000.0,
    300_000.0,
    600_000.0,
    900_000.0,
    1_800_000.0,
    3_600_000.0,
    7_200_000.0,
    10_800_000.0,
    21_600_000.0,
    43_200_000.0,
    MILLIS_PER_DAY,
    2.0 * MILLIS_PER_DAY,
];

const WEEK: f64 = 7.0 * MILLIS_PER_DAY;

/// A Monday; weeks count from here.
const FIRST_MONDAY: f64 = -3.0 * MILLIS_PER_DAY;

/// Widths of date bins in months.
const MONTH_STEPS: [i64; 14] = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 2_400, 6_000, 12_000];

/// Years beyond which the calendar is not worth the trouble.
const CALENDAR: std::ops::RangeInclusive<f64> = -62_135_596_800_000.0..=253_402_300_799_999.0;

/// Edges of at most `bins` bins (and at least 1) of equal width that cover `low ..= high`, at multiples of 1, 2, 2.5 or 5 times a
/// power of ten. Both bounds must be finite and `low ≤ high`. Where numbers are too close or too far apart for round edges, the
/// range is cut evenly.
#[must_use]
pub fn nice_edges(low: f64, high: f64, bins: usize) -> Vec<f64> {
    let bins = bins.max(1);
    if low >= high {
        return around(low);
    }
    let width = (high - low) / bins as f64;
    if !width.is_finite() || width < f64::MIN_POSITIVE {
        return even(low, high, bins);
    }
    let smallest = width.log10().floor() as i32 - 1;
    for exponent in smallest..smallest + 4 {
        for digits in [1.0, 2.0, 2.5, 5.0] {
            if let Some(edges) = multiples(low, high, digits, exponent, bins) {
                return edges;
            }
        }
    }
    // A range that straddles a multiple of every width, such as −1 to 1 in one bin.
    even(low, high, bins)
}

/// Edges for whole numbers. With a range below `max_bins`, a bin of width 1 centred on each number; else at most `bins` bins
/// of whole width that start half a unit below a number, so that no value lies on an edge.
pub(super) fn whole_edges(low: f64, high: f64, bins: usize, max_bins: usize) -> Vec<f64> {
    // Half units need a bit to spare.
    if low.abs().max(high.abs()) >= (1u64 << 51) as f64 {
        return nice_edges(low, high, bins);
    }
    let numbers = high - low + 1.0;
    let step = if numbers <= max_bins as f64 { 1.0 } else { whole_step(numbers / bins as f64) };
    let first = if step == 1.0 { low } else { (low / step).floor() * step };
    let mut edges = vec![first - 0.5];
    let mut number = first;
    while number <= high {
        number += step;
        edges.push(number - 0.5);
    }
    // Rounding the start down may have added one bin too many.
    if edges.len() - 1 > bins.max(1) && step > 1.0 {
        let step = whole_step(step + 1.0);
        let first = low;
        let count = ((high - first + 1.0) / step).ceil() as usize;
        return (0..=count).map(|at| first + at as f64 * step - 0.5).collect();
    }
    edges
}

/// The smallest of 1, 2, 5, 10, 20, 25, 50, 100 … that is not below `least`.
fn whole_step(least: f64) -> f64 {
    let mut power = 1.0;
    loop {
        for digits in [1.0, 2.0, 2.5, 5.0] {
            let step: f64 = digits * power;
            if step >= least && step.fract() == 0.0 {
                return step;
            }
        }
        power *= 10.0;
    }
}

/// The multiples of digits·10^exponent around `low ..= high`, if they are distinct and make at most `bins` bins.
fn multiples(low: f64, high: f64, digits: f64, exponent: i32, bins: usize) -> Option<Vec<f64>> {
    // 10^−k is no number, but 10^k is (up to 10^22): dividing by it gives the number nearest to the decimal.
    let edge = |multiple: f64| {
        let number = multiple * digits;
        if exponent < 0 { number / 10f64.powi(-exponent) } else { number * 10f64.powi(exponent) }
    };
    let step = edge(1.0);
    let mut first = (low / step).floor();
    let mut last = (high / step).ceil();
    if edge(first) > low {
        first -= 1.0;
    }
    if edge(last) < high {
        last += 1.0;
    }
    let sane = step.is_normal() && first.is_finite() && last.is_finite();
    if !sane || last - first > bins as f64 {
        return None;
    }
    let edges: Vec<f64> = (0..=(last - first) as usize).map(|at| edge(first + at as f64) + 0.0).collect();
    let covers = edges.first().is_some_and(|&edge| edge <= low) && edges.last().is_some_and(|&edge| edge >= high);
    (covers && ascending(&edges)).then_some(edges)
}

fn ascending(edges: &[f64]) -> bool {
    edges.iter().all(|edge| edge.is_finite()) && edges.windows(2).all(|pair| pair[0] < pair[1])
}

/// `low ..= high` cut into at most `bins` equal parts; fewer where numbers are too close together.
fn even(low: f64, high: f64, bins: usize) -> Vec<f64> {
    let mut edges: Vec<f64> = (0..=bins)
        .map(|at| {
            let share = at as f64 / bins as f64;
            low * (1.0 - share) + high * share
        })
        .collect();
    edges[0] = low;
    edges[bins] = high;
    edges.dedup();
    if ascending(&edges) { edges } else { vec![low, high] }
}

/// One bin around a single value.
fn around(value: f64) -> Vec<f64> {
    let half = if value.abs() < (1u64 << 51) as f64 { 0.5 } else { value.abs() * f64::EPSILON };
    let edges = vec![value - half, value + half];
    if ascending(&edges) { edges } else { vec![value.next_down().max(f64::MIN), value.next_up().min(f64::MAX)] }
}

/// Edges of at most `bins` bins (and at least 1) that cover `low ..= high`, in milliseconds since 1970-01-01 UTC: whole seconds,
/// minutes, hours, days, weeks (from Monday), months, years. Both bounds must be finite and `low ≤ high`.
#[must_use]
pub fn date_edges(low: f64, high: f64, bins: usize) -> Vec<f64> {
    let bins = bins.max(1);
    if !(CALENDAR.contains(&low) && CALENDAR.contains(&high)) {
        return nice_edges(low, high, bins);
    }
    let clock = CLOCK_STEPS.iter().map(|&step| (step, 0.0)).chain([(WEEK, FIRST_MONDAY)]);
    for (step, origin) in clock {
        let first = ((low - origin) / step).floor();
        // The end is open: a value on the last edge gets a bin of its own, as midnight is the start of a day.
        let count = ((high - origin) / step).floor() - first + 1.0;
        if count <= bins as f64 {
            return (0..=count as usize).map(|at| origin + (first + at as f64) * step).collect();
        }
    }
    let (first_month, last_month) = (month_of(low), month_of(high));
    for step in MONTH_STEPS {
        let first = first_month.div_euclid(step);
        let count = last_month.div_euclid(step) - first + 1;
        if count <= bins as i64 {
            return (0..=count).map(|at| month_start((first + at) * step)).collect();
        }
    }
    even(low, high, bins)
}

/// Months since year 0 of the month that holds `millis`, which is within [`CALENDAR`].
fn month_of(millis: f64) -> i64 {
    let (year, month, _) = civil_from_days((millis / MILLIS_PER_DAY).floor() as i64);
    year * 12 + i64::from(month) - 1
}

/// The first millisecond of a month counted from year 0.
fn month_start(month: i64) -> f64 {
    let days = days_from_civil(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1);
    days as f64 * MILLIS_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = MILLIS_PER_DAY;

    #[test]
    fn edges_are_round() {
        assert_eq!(nice_edges(0.13, 0.97, 10), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
        assert_eq!(nice_edges(-3.0, 96.0, 5), [-25.0, 0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(nice_edges(7.0, 7.0, 5), [6.5, 7.5]);
    }

    #[test]
    fn extremes_are_covered() {
        for (low, high) in [
            (f64::MIN, f64::MAX),
            (1e300, 1e301),
            (0.0, f64::MIN_POSITIVE),
            (0.0, 5e-324),
            (1e16, 1e16 + 2.0),
            (1.0, 1.0 + f64::EPSILON),
            (f64::MAX, f64::MAX),
            (-1.0, 1.0),
        ] {
            for bins in [1, 2, 7, 30] {
                for edges in [nice_edges(low, high, bins), date_edges(low, high, bins)] {
                    assert!(ascending(&edges), "{low} {high} {bins}: {edges:?}");
                    assert!(edges[0] <= low && *edges.last().unwrap() >= high, "{low} {high} {bins}: {edges:?}");
                    assert!(edges.len() - 1 <= bins, "{low} {high} {bins}: {edges:?}");
                }
            }
        }
    }

    #[test]
    fn whole_numbers_lie_inside_their_bins() {
        assert_eq!(whole_edges(0.0, 1.0, 5, 30), [-0.5, 0.5, 1.5]);
        for (low, high, bins) in [(0.0, 99.0, 10), (3.0, 1003.0, 30), (-7.0, 777_777.0, 13), (18.0, 90.0, 30)] {
            let edges = whole_edges(low, high, bins, 30);
            assert!(edges.len() - 1 <= bins && edges.iter().all(|edge| edge.fract().abs() == 0.5), "{edges:?}");
            assert!(edges[0] < low && edges[edges.len() - 1] > high, "{edges:?}");
        }
    }

    #[test]
    fn months_start_on_their_first_day() {
        assert_eq!(month_start(1970 * 12), 0.0);
        assert_eq!(month_start(2000 * 12 + 2), 951_868_800_000.0);
        assert_eq!(month_of(951_868_800_000.0 - 1.0), 2000 * 12 + 1);
        assert_eq!(month_of(-1.0), 1969 * 12 + 11);
    }

    #[test]
    fn dates_are_cut_by_the_calendar() {
        let year = date_edges(0.0, 364.0 * DAY, 12);
        assert_eq!(year.len(), 13);
        assert_eq!((year[1], year[12]), (31.0 * DAY, 365.0 * DAY));
        assert_eq!(date_edges(0.0, 3.0 * 3_600_000.0, 4), [0.0, 3_600_000.0, 7_200_000.0, 10_800_000.0, 14_400_000.0]);
        let weeks = date_edges(0.0, 20.0 * DAY, 5);
        assert_eq!(weeks[..2], [-3.0 * DAY, 4.0 * DAY]);
    }
}
