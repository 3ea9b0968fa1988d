//! What one feature looks like, in a few numbers.

use serde::{Deserialize, Serialize};

use crate::Kind;
use crate::column::Column;
use crate::histogram::counts_between;
use crate::number::{Sum, entropy_bits, from_sort_key, mean_std, sort_key};
use crate::parallel::map_items;
use crate::quartiles::{Quartiles, wanted_ranks};
use crate::ranks::{Ranked, at_ranks};

/// Bars in a [`Spark`], unless the column is constant.
pub const SPARK_BINS: usize = 16;

/// A feature in a few numbers. Missing values are counted and otherwise left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub kind: Kind,
    pub rows: usize,
    pub missing: usize,
    /// Number of distinct values; −0 and 0 are one value.
    pub distinct: usize,
    /// Shannon entropy of the values in bits: −Σ p log₂ p over the distinct values, p = share of the rows that have a value.
    pub entropy: f64,
    /// Rows that have the most frequent value.
    pub mode_count: usize,
    /// Of numeric and date features that have a finite value.
    pub numbers: Option<Numbers>,
    /// Of nominal and text features.
    pub levels: Option<Levels>,
}

/// Statistics of the finite values. Of dates, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Values that are not finite: counted here, left out of everything else in this struct.
    pub infinite: usize,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// Sample standard deviation (divides by n − 1); `None` for a single value.
    pub std: Option<f64>,
    /// First quartile, interpolated linearly (numpy's default), as are the median and the third.
    pub q1: f64,
    pub median: f64,
    pub q3: f64,
    /// The most frequent value, the smallest on a tie.
    pub mode: f64,
    pub spark: Spark,
}

/// Counts of the finite values in equal bins between the smallest and the largest; the last bin includes its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spark {
    pub counts: Vec<u64>,
}

/// How rows spread over the levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels {
    /// Levels that are declared.
    pub declared: usize,
    /// Levels that a row has.
    pub used: usize,
    /// The code of the most frequent level, the first declared on a tie; `None` if no row has a value.
    pub mode: Option<u32>,
    /// Rows per level, in declared order. Of text features only the [`SPARK_BINS`] most frequent, descending.
    pub counts: Vec<u64>,
}

/// Summarises a feature. Sorting dominates: about 20 ms for a million numbers. Of many numbers only a part is sorted at a time, which
/// takes at most about 250 MB.
#[must_use]
pub fn summarise(column: Column<'_>) -> Summary {
    match column {
        Column::Numeric(values) | Column::Date(values) => summarise_numbers(column.kind(), values),
        Column::Nominal { codes, levels } | Column::Text { codes, levels } => summarise_codes(column.kind(), codes, levels.len()),
    }
}

/// Summarises many features, in parallel when there are many values.
#[must_use]
pub fn summarise_all(columns: &[Column<'_>]) -> Vec<Summary> {
    let values = columns.iter().map(Column::len).sum();
    map_items(columns.len(), values, |at| summarise(columns[at]))
}

/// Numbers that are sorted at a time.
const SORTED: u64 = 1 << 24;

fn summarise_numbers(kind: Kind, values: &[f64]) -> Summary {
    summarise_in_parts(kind, values, SORTED)
}

/// `part` is how many values are sorted at a time.
fn summarise_in_parts(kind: Kind, values: &[f64], part: u64) -> Summary {
    let (mut missing, mut low, mut high) = (0, 0, 0);
    for value in values {
        missing += usize::from(value.is_nan());
        low += usize::from(*value == f64::NEG_INFINITY);
        high += usize::from(*value == f64::INFINITY);
    }
    let present = values.len() - missing;
    let rows = (present - low - high) as u64;
    let mut runs = Runs::of(rows);
    if low > 0 {
        runs.add(f64::NEG_INFINITY, low);
    }
    // The values at which the parts meet.
    let cuts = match rows.div_ceil(part) {
        0 | 1 => vec![],
        parts => at_ranks(values, None, |_| (1..parts).map(|cut| cut * part).collect()).pop().unwrap_or_default().values,
    };
    let mut from = f64::NEG_INFINITY;
    for cut in cuts.into_iter().chain([f64::INFINITY]) {
        let mut keys: Vec<u64> = values.iter().filter(|value| **value > from && **value < cut).map(|&value| sort_key(value)).collect();
        keys.sort_unstable();
        for run in keys.chunk_by(|a, b| a == b) {
            runs.add(from_sort_key(run[0]), run.len());
        }
        drop(keys);
        // Equal values may be more than a part: they are only counted.
        if cut > from && cut < f64::INFINITY {
            runs.add(cut, values.iter().filter(|value| **value == cut).count());
        }
        from = cut;
    }
    if high > 0 {
        runs.add(f64::INFINITY, high);
    }
    let numbers = mean_std(values).zip(Quartiles::of(&runs.ranked)).map(|(moments, quartiles)| Numbers {
        infinite: low + high,
        min: quartiles.min,
        max: quartiles.max,
        mean: moments.mean,
        std: moments.sample_std,
        q1: quartiles.q1,
        median: quartiles.median,
        q3: quartiles.q3,
        mode: runs.mode.0,
        spark: spark(values, quartiles.min, quartiles.max),
    });
    Summary {
        kind,
        rows: values.len(),
        missing,
        distinct: runs.distinct,
        entropy: runs.entropy(present as f64),
        mode_count: runs.longest,
        numbers,
        levels: None,
    }
}

/// Runs of equal values, in ascending order.
struct Runs {
    distinct: usize,
    longest: usize,
    /// The longest run of a finite value.
    mode: (f64, usize),
    /// Σ n log₂ n over the runs' lengths n.
    weighted: Sum,
    /// The finite values around the quartiles, as far as they have come.
    ranked: Ranked,
    /// Their ranks, descending, each with its place among them.
    awaited: Vec<(u64, usize)>,
    /// Finite values so far.
    below: u64,
}

impl Runs {
    /// For so many finite values.
    fn of(rows: u64) -> Self {
        let mut awaited: Vec<(u64, usize)> = wanted_ranks(rows).into_iter().zip(0..).collect();
        awaited.sort_unstable_by(|a, b| b.cmp(a));
        let ranked = Ranked { rows, values: vec![f64::NAN; awaited.len()] };
        Self { distinct: 0, longest: 0, mode: (0.0, 0), weighted: Sum::default(), ranked, awaited, below: 0 }
    }

    fn add(&mut self, value: f64, length: usize) {
        self.distinct += 1;
        self.longest = self.longest.max(length);
        if value.is_finite() {
            if length > self.mode.1 {
                self.mode = (value, length);
            }
            self.below += length as u64;
            while let Some((_, place)) = self.awaited.pop_if(|(rank, _)| *rank < self.below) {
                self.ranked.values[place] = value;
            }
        }
        // Most runs of real numbers have length one.
        if length > 1 {
            self.weighted.add(length as f64 * (length as f64).log2());
        }
    }

    /// −Σ p log₂ p = log₂ N − (Σ n log₂ n) / N.
    fn entropy(&self, rows: f64) -> f64 {
        if rows > 0.0 { (rows.log2() - self.weighted.value() / rows).max(0.0) } else { 0.0 }
    }
}

/// Counts the finite values in equal bins between the least and the greatest.
fn spark(values: &[f64], low: f64, high: f64) -> Spark {
    if low == high {
        return Spark { counts: vec![values.iter().filter(|value| value.is_finite()).count() as u64] };
    }
    // Not low + (high − low) · share, which overflows for the widest ranges.
    let edge = |bin: usize| low * (1.0 - bin as f64 / SPARK_BINS as f64) + high * (bin as f64 / SPARK_BINS as f64);
    let mut edges = vec![low];
    for bin in 1..SPARK_BINS {
        // Between neighbours rounding may lead back, or out.
        edges.push(edge(bin).clamp(edges[bin - 1], high));
    }
    edges.push(high);
    Spark { counts: counts_between(&edges, values, None, 1).concat() }
}

fn summarise_codes(kind: Kind, codes: &[u32], levels: usize) -> Summary {
    let mut counts = vec![0u64; levels + 1];
    for &code in codes {
        counts[(code as usize).min(levels)] += 1;
    }
    let missing = counts.pop().unwrap_or(0) as usize;
    let used = counts.iter().filter(|&&count| count > 0).count();
    let mode = (0..levels).max_by_key(|&code| (counts[code], std::cmp::Reverse(code)));
    let mode = mode.filter(|&code| counts[code] > 0);
    let mode_count = mode.map_or(0, |code| counts[code] as usize);
    let entropy = entropy_bits(counts.iter().copied(), (codes.len() - missing) as u64);
    if kind == Kind::Text {
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts.truncate(SPARK_BINS);
    }
    Summary {
        kind,
        rows: codes.len(),
        missing,
        distinct: used,
        entropy,
        mode_count,
        numbers: None,
        levels: Some(Levels { declared: levels, used, mode: mode.map(|code| code as u32), counts }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MISSING;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn numbers_as_numpy_has_them() {
        let values = [3.0, 1.0, f64::NAN, 2.0, 2.0, 10.0, f64::INFINITY];
        let found = summarise(Column::Numeric(&values));
        assert_eq!((found.rows, found.missing, found.distinct, found.mode_count), (7, 1, 5, 2));
        let numbers = found.numbers.unwrap();
        assert_eq!((numbers.min, numbers.max, numbers.infinite, numbers.mode), (1.0, 10.0, 1, 2.0));
        assert!(close(numbers.mean, 3.6));
        assert!(close(numbers.std.unwrap(), 3.646_916_505_762_094));
        assert_eq!((numbers.q1, numbers.median, numbers.q3), (2.0, 2.0, 3.0));
        assert_eq!(numbers.spark.counts.iter().sum::<u64>(), 5);
        assert_eq!((numbers.spark.counts[0], numbers.spark.counts[15]), (1, 1));
        // Four values once and one twice, of six.
        assert!(close(found.entropy, 4.0 / 6.0 * 6f64.log2() + 2.0 / 6.0 * 3f64.log2()));
    }

    #[test]
    fn zeros_are_one_value_and_extremes_do_not_overflow() {
        let found = summarise(Column::Numeric(&[0.0, -0.0]));
        assert_eq!((found.distinct, found.entropy, found.mode_count), (1, 0.0, 2));
        let found = summarise(Column::Numeric(&[-1e308, 1e308, 1.7e308])).numbers.unwrap();
        assert!(found.spark.counts.iter().sum::<u64>() == 3 && found.median.is_finite() && found.mean.is_finite());
        let none = summarise(Column::Numeric(&[f64::NAN, f64::INFINITY]));
        assert_eq!((none.numbers, none.distinct, none.missing), (None, 1, 1));
        assert_eq!(summarise(Column::Date(&[])).rows, 0);
    }

    #[test]
    fn levels_are_counted_whether_used_or_not() {
        let levels: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let found = summarise(Column::Nominal { codes: &[2, 0, 2, MISSING], levels: &levels });
        assert_eq!((found.missing, found.distinct, found.mode_count), (1, 2, 2));
        assert!(close(found.entropy, 0.918_295_834_054_489_6));
        assert_eq!(found.levels, Some(Levels { declared: 3, used: 2, mode: Some(2), counts: vec![1, 0, 2] }));
        let empty = summarise(Column::Nominal { codes: &[], levels: &levels });
        assert_eq!(empty.levels.unwrap().mode, None);
    }

    #[test]
    fn many_features_keep_their_order() {
        let columns: Vec<Vec<f64>> = (0..5).map(|n| (0..100_000).map(|row| f64::from(row % (n + 2))).collect()).collect();
        let columns: Vec<Column<'_>> = columns.iter().map(|values| Column::Numeric(values)).collect();
        let distinct: Vec<usize> = summarise_all(&columns).iter().map(|summary| summary.distinct).collect();
        assert_eq!(distinct, [2, 3, 4, 5, 6]);
    }

    #[test]
    fn numbers_that_differ_by_their_last_bits_are_counted() {
        for (low, steps) in [(0.3, 1), (1.1, 2), (0.1, 17), (-7.3, 5), (5e-324, 3), (1e300, 1)] {
            let mut high: f64 = low;
            (0..steps).for_each(|_| high = high.next_up());
            let spark = summarise(Column::Numeric(&[low, high, low, high, high])).numbers.unwrap().spark;
            assert_eq!((spark.counts.len(), spark.counts.iter().sum::<u64>()), (SPARK_BINS, 5), "{low} and {steps} steps");
        }
        let noise = summarise(Column::Numeric(&[0.3, 0.1 + 0.2])).numbers.unwrap();
        assert_eq!(noise.spark.counts.iter().sum::<u64>(), 2);
    }

    #[test]
    fn parts_of_any_size_say_the_same() {
        let values: Vec<f64> = (0..900_u32)
            .map(|row| match row % 17 {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2..9 => 5.0,
                rest => f64::from(row * 7_919 % 101) - f64::from(rest),
            })
            .chain([f64::NEG_INFINITY, -0.0, 0.0])
            .collect();
        let whole = summarise_in_parts(Kind::Numeric, &values, u64::MAX);
        let mut distinct: Vec<u64> = values.iter().filter(|value| !value.is_nan()).map(|value| sort_key(*value)).collect();
        distinct.sort_unstable();
        let mode = distinct.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap();
        distinct.dedup();
        assert_eq!((whole.distinct, whole.mode_count), (distinct.len(), mode));
        for part in [1, 2, 50, 333] {
            assert_eq!(summarise_in_parts(Kind::Numeric, &values, part), whole, "parts of {part}");
        }
    }

    #[test]
    fn a_summary_survives_json() {
        let found = summarise(Column::Numeric(&[1.0]));
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), found);
    }
}
