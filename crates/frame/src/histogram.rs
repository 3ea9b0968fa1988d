//! Distributions: rows counted in bins or per level, class by class.

mod bins;
pub mod edges;

use serde::{Deserialize, Serialize};

use crate::classes::{Classes, Group, Grouping};
use crate::column::Column;
use crate::parallel::map_rows;
use crate::simd::widest;
use bins::Bins;

pub use edges::{date_edges, nice_edges};

/// Counts of numbers or dates in bins.
///
/// A value is in bin i when `edges[i] ≤ value < edges[i + 1]`; the last bin also holds its upper edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Ascending, one more than there are bins; empty if no value was counted.
    pub edges: Vec<f64>,
    pub groups: Vec<Group>,
    /// Rows, `counts[group][bin]`.
    pub counts: Vec<Vec<u64>>,
    /// Rows counted.
    pub shown: u64,
    pub missing: u64,
    pub infinite: u64,
}

/// Counts of levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelCounts {
    /// The codes of the levels shown: declared order when all are shown, else the most frequent first.
    pub codes: Vec<u32>,
    /// Their names.
    pub labels: Vec<String>,
    /// Levels that are counted together as "other": the last bar, if there are any.
    pub other_levels: usize,
    pub groups: Vec<Group>,
    /// Rows, `counts[group][bar]`; a bar per label, then one for "other" if `other_levels > 0`.
    pub counts: Vec<Vec<u64>>,
    /// Rows counted.
    pub shown: u64,
    pub missing: u64,
}

/// Counts the numbers or dates of a column in bins with nice edges, per group of `classes`.
///
/// The number of bins follows Rice's rule, 2·∛n, within `max_bins` (at least 1), then grows or shrinks to the next nice width. Whole numbers
/// get bins of whole width; few distinct whole numbers get a bin each, centred on the number. `None` for nominal and text
/// columns, and for `classes` of another length.
#[must_use]
pub fn histogram(column: Column<'_>, classes: Option<Classes<'_>>, max_bins: usize) -> Option<Histogram> {
    let values = column.numbers()?;
    if classes.is_some_and(|classes| classes.len() != values.len()) {
        return None;
    }
    let scan = map_rows(values.len(), |rows| {
        widest(
            #[inline(always)]
            || Seen::of(&values[rows]),
        )
    });
    let seen = scan.into_iter().fold(Seen::NOTHING, Seen::merge);

    let bins = ((2.0 * (seen.rows as f64).cbrt()).ceil() as usize).clamp(1, max_bins.max(1));
    let edges = match (seen.rows, column) {
        (0, _) => vec![],
        (_, Column::Date(_)) => date_edges(seen.low, seen.high, bins.max(max_bins.min(12))),
        _ if seen.whole => edges::whole_edges(seen.low, seen.high, bins, max_bins),
        _ => nice_edges(seen.low, seen.high, bins),
    };
    let groups = groups_of(classes, values.len());
    let counts = counts_between(&edges, values, classes, groups.len());
    let infinite = values.len() as u64 - seen.rows - seen.missing;
    Some(Histogram { edges, groups, counts, shown: seen.rows, missing: seen.missing, infinite })
}

/// Counts the values between ascending edges, `counts[group][bin]`; values beyond the ends are in no bin.
#[must_use]
pub fn counts_between(edges: &[f64], values: &[f64], classes: Option<Classes<'_>>, groups: usize) -> Vec<Vec<u64>> {
    Bins::new(edges).map_or_else(|| vec![vec![]; groups], |bins| bins.count(values, classes, groups))
}

/// Counts the levels of a nominal or text column, per group of `classes`: every level in declared order if there are at most `top`
/// declared ones, else the `top` most frequent and the rest together. `None` for numbers and dates, and for `classes` of
/// another length.
#[must_use]
pub fn level_counts(column: Column<'_>, classes: Option<Classes<'_>>, top: usize) -> Option<LevelCounts> {
    let (codes, levels) = column.categories()?;
    if classes.is_some_and(|classes| classes.len() != codes.len()) {
        return None;
    }
    let totals = map_rows(codes.len(), |rows| {
        let mut totals = vec![0u64; levels.len() + 1];
        codes[rows].iter().for_each(|&code| totals[(code as usize).min(levels.len())] += 1);
        totals
    });
    let mut totals = sum(totals);
    let missing = totals.pop().unwrap_or(0);
    let mut order: Vec<usize> = (0..levels.len()).collect();
    let top = top.max(1);
    if levels.len() > top {
        order.retain(|&code| totals[code] > 0);
        order.sort_by_key(|&code| (std::cmp::Reverse(totals[code]), code));
    }
    let other_levels = order.len().saturating_sub(top);
    order.truncate(top);

    let bars = order.len() + usize::from(other_levels > 0);
    // The last is for codes without a level.
    let mut bar_of = vec![order.len(); levels.len()];
    for (bar, &code) in order.iter().enumerate() {
        bar_of[code] = bar;
    }
    bar_of.push(bars);
    let groups = groups_of(classes, codes.len());
    let counts = map_rows(codes.len(), |rows| {
        let mut counts = vec![0; groups.len() * (bars + 1)];
        for row in rows {
            counts[group_at(classes, row) * (bars + 1) + bar_of[(codes[row] as usize).min(levels.len())]] += 1;
        }
        counts
    });
    let counts = planes(counts, bars);
    Some(LevelCounts {
        labels: order.iter().map(|&code| levels[code].clone()).collect(),
        codes: order.iter().map(|&code| code as u32).collect(),
        other_levels,
        groups,
        counts,
        shown: codes.len() as u64 - missing,
        missing,
    })
}

pub(crate) fn groups_of(classes: Option<Classes<'_>>, rows: usize) -> Vec<Group> {
    match classes {
        Some(classes) => classes.grouping.groups().to_vec(),
        None => Grouping::all(rows).groups().to_vec(),
    }
}

/// The counts of all parts, group by group; the last of each group, beyond so many places, is what has no place.
fn planes(parts: Vec<Vec<u64>>, places: usize) -> Vec<Vec<u64>> {
    sum(parts).chunks(places + 1).map(|counts| counts[..places].to_vec()).collect()
}

/// The sums of the counts of all parts.
fn sum(parts: Vec<Vec<u64>>) -> Vec<u64> {
    let add = |mut sums: Vec<u64>, part: Vec<u64>| {
        sums.iter_mut().zip(part).for_each(|(sum, count)| *sum += count);
        sums
    };
    parts.into_iter().reduce(add).unwrap_or_default()
}

fn group_at(classes: Option<Classes<'_>>, row: usize) -> usize {
    classes.map_or(0, |classes| classes.group_at(row))
}

/// What a first pass must know before edges can be chosen.
#[derive(Clone, Copy, Debug)]
struct Seen {
    low: f64,
    high: f64,
    whole: bool,
    /// Finite values.
    rows: u64,
    missing: u64,
}

impl Seen {
    const NOTHING: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY, whole: true, rows: 0, missing: 0 };

    /// A few lanes that do not wait for each other.
    #[inline(always)]
    fn of(values: &[f64]) -> Self {
        const LANES: usize = 8;
        let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let (mut parts, mut rows, mut missing) = ([0_u64; LANES], [0_u64; LANES], [0_u64; LANES]);
        let (chunks, rest) = values.as_chunks::<LANES>();
        let mut last = [f64::NAN; LANES];
        last[..rest.len()].copy_from_slice(rest);
        for chunk in chunks.iter().chain([&last]) {
            for lane in 0..LANES {
                let value = chunk[lane];
                let finite = value.abs() <= f64::MAX;
                low[lane] = if finite & (value < low[lane]) { value } else { low[lane] };
                high[lane] = if finite & (value > high[lane]) { value } else { high[lane] };
                parts[lane] |= u64::from(finite & (value.trunc() != value));
                rows[lane] += u64::from(finite);
                missing[lane] += u64::from(value.is_nan());
            }
        }
        Self {
            low: low.into_iter().fold(f64::INFINITY, f64::min),
            high: high.into_iter().fold(f64::NEG_INFINITY, f64::max),
            whole: parts.iter().all(|part| *part == 0),
            rows: rows.iter().sum(),
            missing: missing.iter().sum::<u64>() - (LANES - rest.len()) as u64,
        }
    }

    fn merge(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            whole: self.whole && other.whole,
            rows: self.rows + other.rows,
            missing: self.missing + other.missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MISSING;
    use proptest::prelude::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn few_whole_numbers_get_a_bin_each() {
        let values: Vec<f64> = [1.0, 2.0, 2.0, 4.0].repeat(20);
        let found = histogram(Column::Numeric(&values), None, 30).unwrap();
        assert_eq!(found.edges, [0.5, 1.5, 2.5, 3.5, 4.5]);
        assert_eq!(found.counts, [[20, 40, 0, 20]]);
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let values = [0.5, f64::NAN, f64::INFINITY, 3.0, 9.0];
        let found = histogram(Column::Numeric(&values), None, 30).unwrap();
        assert_eq!((found.shown, found.missing, found.infinite), (3, 1, 1));
        let none = histogram(Column::Numeric(&[f64::NAN]), None, 30).unwrap();
        assert!(none.edges.is_empty() && none.counts == [Vec::<u64>::new()]);
    }

    #[test]
    fn classes_are_counted_apart() {
        let levels = names(&["no", "yes"]);
        let codes = [0, 1, 1, MISSING];
        let grouping = Grouping::new(&codes, &levels, 8);
        let found = histogram(Column::Numeric(&[1.0, 1.0, 2.0, 2.0]), Some(grouping.of(&codes)), 30).unwrap();
        assert_eq!(found.counts, [[1, 0], [1, 1], [0, 1]]);
        assert!(histogram(Column::Numeric(&[1.0]), Some(grouping.of(&codes)), 30).is_none());
    }

    #[test]
    fn levels_keep_their_order_until_there_are_too_many() {
        let levels = names(&["a", "b", "c", "d"]);
        let codes = [3, 3, 3, 1, 1, 0, MISSING];
        let column = Column::Nominal { codes: &codes, levels: &levels };
        let all = level_counts(column, None, 10).unwrap();
        assert_eq!((all.labels, all.counts), (levels.clone(), vec![vec![1, 2, 0, 3]]));
        let top = level_counts(column, None, 1).unwrap();
        assert_eq!((top.labels, top.counts, top.other_levels, top.missing), (names(&["d"]), vec![vec![3, 3]], 2, 1));
    }

    proptest! {
        #[test]
        fn counts_equal_the_naive_count_on_the_stated_edges(
            values in prop::collection::vec(
                prop_oneof![-1e3..1e3f64, (-50i32..50).prop_map(f64::from), Just(f64::NAN), proptest::num::f64::NORMAL],
                0..200,
            ),
            max_bins in 1usize..40,
        ) {
            for column in [Column::Numeric(&values), Column::Date(&values)] {
                let found = histogram(column, None, max_bins).unwrap();
                let bins = found.edges.len().saturating_sub(1);
                prop_assert!(found.edges.windows(2).all(|pair| pair[0] < pair[1]));
                let mut naive = vec![0u64; bins];
                for value in values.iter().filter(|v| v.is_finite()) {
                    let bin = (0..bins).find(|&bin| {
                        *value >= found.edges[bin]
                            && (*value < found.edges[bin + 1] || (bin + 1 == bins && *value == found.edges[bins]))
                    });
                    prop_assert!(bin.is_some(), "{} is outside {:?}", value, found.edges);
                    naive[bin.unwrap()] += 1;
                }
                prop_assert_eq!(&found.counts[0], &naive);
                prop_assert!(bins <= max_bins.max(1) + 1, "{} bins", bins);
            }
        }
    }
}
