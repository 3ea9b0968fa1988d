//! The values at some ranks of the ascending order, group by group, without sorting.
//!
//! Each pass counts the next binary digits of the values' sort keys, and only of those that share all digits so far with a wanted
//! value. So the memory is the same for any number of rows and any distribution, and no value moves.

use crate::classes::Classes;
use crate::number::{from_sort_key, sort_key};
use crate::parallel::map_rows;

/// Binary digits that a pass finds: its counters fit the second-level cache for a dozen groups.
const DIGITS: u32 = 12;
/// As soon as no more rows than this can be at a wanted rank, they are collected and sorted.
const FEW: u64 = 1 << 14;

/// A group's finite values: how many there are, and those at the wanted ranks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranked {
    pub rows: u64,
    pub values: Vec<f64>,
}

/// The values at the ranks that `wanted` names for each group, given how many finite values it has. Rank 0 is the least. Missing and
/// infinite values have no rank; ranks from the number of values on are left out of the answer. `classes` must be as long as `values`.
pub fn at_ranks(values: &[f64], classes: Option<Classes<'_>>, wanted: impl Fn(u64) -> Vec<u64>) -> Vec<Ranked> {
    let groups = classes.map_or(1, |classes| classes.grouping.len());
    let mut search = Search { values, classes, known: 0, branches: vec![], of_group: vec![] };
    search.set_branches((0..groups).map(|group| Branch { group, prefix: 0, ranks: vec![] }).collect(), groups);
    let mut counts = search.count();
    let mut answers = Vec::with_capacity(groups);
    for (branch, counts) in search.branches.iter_mut().zip(&counts) {
        let rows = counts.iter().sum();
        let ranks: Vec<u64> = wanted(rows).into_iter().filter(|rank| *rank < rows).collect();
        answers.push(Ranked { rows, values: vec![f64::NAN; ranks.len()] });
        branch.ranks = ranks.into_iter().enumerate().map(|(slot, rank)| Wanted { slot, rank }).collect();
    }
    loop {
        let rows = search.descend(&counts, groups);
        if search.known == u64::BITS || rows <= FEW {
            break;
        }
        counts = search.count();
    }
    search.finish(&mut answers);
    answers
}

/// A rank among the values of a branch, and its place in the answer.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    slot: usize,
    rank: u64,
}

/// The values of a group whose keys begin alike, and the ranks wanted among them.
#[derive(Debug)]
struct Branch {
    group: usize,
    prefix: u64,
    ranks: Vec<Wanted>,
}

struct Search<'a> {
    values: &'a [f64],
    classes: Option<Classes<'a>>,
    /// Digits of the keys that are known: the length of the prefixes.
    known: u32,
    /// In order of group and prefix.
    branches: Vec<Branch>,
    /// The branches of a group: from here to the next group's.
    of_group: Vec<usize>,
}

impl Search<'_> {
    fn digits(&self) -> u32 {
        DIGITS.min(u64::BITS - self.known)
    }

    fn set_branches(&mut self, branches: Vec<Branch>, groups: usize) {
        self.of_group = (0..=groups).map(|group| branches.partition_point(|branch| branch.group < group)).collect();
        self.branches = branches;
    }

    /// The branch of a row, and its key.
    #[inline]
    fn branch_of(&self, row: usize) -> Option<(usize, u64)> {
        let value = self.values[row];
        if !value.is_finite() {
            return None;
        }
        let group = self.classes.map_or(0, |classes| classes.group_at(row));
        let key = sort_key(value);
        let prefix = prefix(key, self.known);
        let branches = self.of_group[group]..self.of_group[group + 1];
        let at = self.branches[branches.clone()].iter().position(|branch| branch.prefix == prefix)?;
        Some((branches.start + at, key))
    }

    /// How many values of each branch have which digits next.
    fn count(&self) -> Vec<Vec<u64>> {
        let digits = self.digits();
        let (size, shift) = (1_usize << digits, u64::BITS - self.known - digits);
        let parts = map_rows(self.values.len(), |rows| {
            let mut counts = vec![0_u32; self.branches.len() << digits];
            for row in rows {
                if let Some((branch, key)) = self.branch_of(row) {
                    counts[branch << digits | (key >> shift) as usize & (size - 1)] += 1;
                }
            }
            counts
        });
        let mut total = vec![vec![0; size]; self.branches.len()];
        for part in parts {
            for (total, part) in total.iter_mut().zip(part.chunks(size)) {
                total.iter_mut().zip(part).for_each(|(sum, count)| *sum += u64::from(*count));
            }
        }
        total
    }

    /// Goes on to the branches that hold a wanted rank, and says how many rows these have.
    fn descend(&mut self, counts: &[Vec<u64>], groups: usize) -> u64 {
        let digits = self.digits();
        let (mut next, mut rows): (Vec<Branch>, _) = (vec![], 0);
        for (branch, counts) in self.branches.drain(..).zip(counts) {
            let mut ranks = branch.ranks;
            ranks.sort_unstable_by_key(|wanted| wanted.rank);
            let (mut below, mut digit) = (0, 0);
            for Wanted { slot, rank } in ranks {
                while below + counts[digit] <= rank {
                    below += counts[digit];
                    digit += 1;
                }
                let prefix = branch.prefix << digits | digit as u64;
                let wanted = Wanted { slot, rank: rank - below };
                match next.last_mut() {
                    Some(last) if (last.group, last.prefix) == (branch.group, prefix) => last.ranks.push(wanted),
                    _ => {
                        rows += counts[digit];
                        next.push(Branch { group: branch.group, prefix, ranks: vec![wanted] });
                    }
                }
            }
        }
        self.known += digits;
        self.set_branches(next, groups);
        rows
    }

    /// Answers from what is left of each branch.
    fn finish(&self, answers: &mut [Ranked]) {
        let mut keys = vec![vec![]; self.branches.len()];
        if self.known < u64::BITS {
            let parts = map_rows(self.values.len(), |rows| rows.filter_map(|row| self.branch_of(row)).collect::<Vec<_>>());
            parts.into_iter().flatten().for_each(|(branch, key)| keys[branch].push(key));
        }
        for (branch, keys) in self.branches.iter().zip(&mut keys) {
            keys.sort_unstable();
            for &Wanted { slot, rank } in &branch.ranks {
                answers[branch.group].values[slot] = from_sort_key(keys.get(rank as usize).copied().unwrap_or(branch.prefix));
            }
        }
    }
}

/// The first `known` binary digits.
fn prefix(key: u64, known: u32) -> u64 {
    key.checked_shr(u64::BITS - known).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Grouping;
    use crate::number::tests::number;
    use proptest::prelude::*;

    fn naive(values: &[f64], of_group: impl Fn(usize) -> bool, ranks: &[u64]) -> Ranked {
        let mut sorted: Vec<f64> =
            values.iter().enumerate().filter(|(row, value)| value.is_finite() && of_group(*row)).map(|(_, value)| *value).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let values = ranks.iter().filter_map(|rank| sorted.get(*rank as usize).copied()).collect();
        Ranked { rows: sorted.len() as u64, values }
    }

    #[test]
    fn many_values_take_several_passes_and_threads() {
        // Whole numbers, of which many are equal, and a few far away.
        let values: Vec<f64> =
            (0..300_000_u64).map(|row| (row * 7_919 % 1_013) as f64 + if row % 1_000 == 0 { 1e12 } else { 0.0 }).collect();
        let ranks = vec![0, 299_999, 1, 75_000, 150_000, 299_700, 300_000];
        assert_eq!(at_ranks(&values, None, |_| ranks.clone()), [naive(&values, |_| true, &ranks)]);
        let equal = vec![0.1; 50_000];
        assert_eq!(at_ranks(&equal, None, |rows| vec![rows - 1, 0]), [Ranked { rows: 50_000, values: vec![0.1, 0.1] }]);
        assert_eq!(at_ranks(&[f64::NAN], None, |_| vec![0]), [Ranked::default()]);
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_the_sorted_values(
            rows in prop::collection::vec((number(), 0_u8..3), 0..200),
            ranks in prop::collection::vec(0_u64..220, 0..6),
        ) {
            let (values, groups): (Vec<f64>, Vec<u8>) = rows.into_iter().unzip();
            let levels: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
            let grouping = Grouping::of_counts(&[1, 1, 1], 0, &levels, 3);
            prop_assert_eq!(at_ranks(&values, None, |_| ranks.clone()), [naive(&values, |_| true, &ranks)]);
            let found = at_ranks(&values, Some(grouping.of_groups(&groups)), |_| ranks.clone());
            for (group, found) in found.into_iter().enumerate() {
                prop_assert_eq!(found, naive(&values, |row| usize::from(groups[row]) == group, &ranks));
            }
        }
    }
}
