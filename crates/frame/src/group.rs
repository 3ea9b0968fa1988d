//! Results ranked by group: the leaderboard of a task, the best run of each flow.

use std::collections::HashMap;
use std::hash::Hash;

use labboard_openml::measure::Direction;
use serde::{Deserialize, Serialize};

use crate::number::quantile;

fn better(direction: Direction, a: f64, b: f64) -> bool {
    match direction {
        Direction::Higher => a > b,
        Direction::Lower => a < b,
    }
}

/// A group's place among the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing<K> {
    /// 1 for the best; groups with equal best values share a rank and the next ones are skipped (1, 1, 3).
    pub rank: usize,
    pub group: K,
    pub best: f64,
    /// Position among the rows given of the first row with the best value.
    pub best_row: usize,
    /// Median of the group's values, the mean of the middle two if their number is even.
    pub median: f64,
    pub worst: f64,
    /// Number of values.
    pub count: usize,
    /// Rows of the group without a value (`NaN`): left out of everything else.
    pub undefined: usize,
}

/// Best, median and worst value of each group, sorted with the best group first; groups that tie keep the order in which they
/// first appeared. Groups without a single value are left out.
pub fn leaderboard<K: Eq + Hash + Clone>(rows: impl IntoIterator<Item = (K, f64)>, direction: Direction) -> Vec<Standing<K>> {
    struct Entries<K> {
        group: K,
        values: Vec<f64>,
        best_row: usize,
        best: f64,
        undefined: usize,
    }

    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Entries<K>> = Vec::new();
    for (row, (group, value)) in rows.into_iter().enumerate() {
        let place = *places.entry(group).or_insert_with_key(|group| {
            let entries = Entries { group: group.clone(), values: vec![], best_row: row, best: f64::NAN, undefined: 0 };
            groups.push(entries);
            groups.len() - 1
        });
        let entries = &mut groups[place];
        if value.is_nan() {
            entries.undefined += 1;
            continue;
        }
        if entries.values.is_empty() || better(direction, value, entries.best) {
            (entries.best, entries.best_row) = (value, row);
        }
        entries.values.push(value);
    }

    let mut standings: Vec<Standing<K>> = groups
        .into_iter()
        .filter_map(|mut entries| {
            entries.values.sort_unstable_by(f64::total_cmp);
            let (low, high) = (*entries.values.first()?, *entries.values.last()?);
            Some(Standing {
                rank: 0,
                group: entries.group,
                best: entries.best,
                best_row: entries.best_row,
                median: quantile(&entries.values, 0.5)?,
                worst: if direction == Direction::Higher { low } else { high },
                count: entries.values.len(),
                undefined: entries.undefined,
            })
        })
        .collect();
    standings.sort_by(|a, b| match direction {
        Direction::Higher => b.best.total_cmp(&a.best),
        Direction::Lower => a.best.total_cmp(&b.best),
    });
    let mut rank = 0;
    let mut previous = f64::NAN;
    for (place, standing) in standings.iter_mut().enumerate() {
        if standing.best != previous {
            rank = place + 1;
        }
        (standing.rank, previous) = (rank, standing.best);
    }
    standings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_share_a_rank() {
        let rows = [("a", 0.5), ("b", 0.9), ("a", 0.7), ("c", 0.9), ("d", f64::NAN), ("a", f64::NAN), ("a", 0.1)];
        let found = leaderboard(rows, Direction::Higher);
        let places: Vec<_> = found.iter().map(|s| (s.rank, s.group, s.best)).collect();
        assert_eq!(places, [(1, "b", 0.9), (1, "c", 0.9), (3, "a", 0.7)]);
        assert_eq!((found[2].median, found[2].worst, found[2].best_row), (0.5, 0.1, 2));
        assert_eq!((found[2].count, found[2].undefined), (3, 1));
    }

    #[test]
    fn errors_are_better_when_low() {
        let found = leaderboard([(1, 3.0), (2, 2.0), (1, 1.0), (2, 4.0)], Direction::Lower);
        let places: Vec<_> = found.iter().map(|s| (s.rank, s.group, s.best, s.median, s.worst)).collect();
        assert_eq!(places, [(1, 1, 1.0, 2.0, 3.0), (2, 2, 2.0, 3.0, 4.0)]);
    }
}
