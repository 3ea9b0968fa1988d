//! Which rows share a colour: a few groups made of a column's levels.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::parallel::map_rows;
use crate::ranks::at_ranks;
use crate::{MISSING, density};

/// What the rows of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// All rows; there is no class column.
    All,
    /// The level with this code.
    Class(u32),
    /// This many less frequent levels together.
    Other(u32),
    /// No class.
    Missing,
}

/// A group of rows and how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub kind: GroupKind,
    /// The level; empty for all rows, other and missing, whose words belong to the reader's language.
    pub label: String,
    pub rows: u64,
}

/// A partition of the rows into at most 255 groups.
///
/// Levels in declared order, then "other" if there are too many levels, then "missing" if a row has none. When levels must be
/// grouped, the most frequent ones keep a group of their own (on a tie the one declared first). Levels without a row have
/// no group, unless all levels fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    groups: Vec<Group>,
    /// The group of each code; the last entry is for codes that are no level.
    index: Vec<u8>,
}

/// A class column: what says the group of each row, and the groups.
#[derive(Clone, Copy, Debug)]
pub struct Classes<'a> {
    pub codes: ClassCodes<'a>,
    pub grouping: &'a Grouping,
}

#[derive(Clone, Copy, Debug)]
pub enum ClassCodes<'a> {
    /// A level per row.
    Levels(&'a [u32]),
    /// The index of a group per row.
    Groups(&'a [u8]),
}

impl Classes<'_> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.codes {
            ClassCodes::Levels(codes) => codes.len(),
            ClassCodes::Groups(groups) => groups.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The group of a row.
    #[inline]
    #[must_use]
    pub fn group_at(&self, row: usize) -> usize {
        match self.codes {
            ClassCodes::Levels(codes) => self.grouping.group_of(codes[row]),
            ClassCodes::Groups(groups) => usize::from(groups[row]).min(self.grouping.len() - 1),
        }
    }
}

impl Classes<'_> {
    /// Writes the groups of a range of rows.
    #[inline(always)]
    pub(crate) fn fill(&self, rows: Range<usize>, groups: &mut [u8]) {
        let last = (self.grouping.len() - 1) as u8;
        match self.codes {
            ClassCodes::Levels(codes) => {
                for (group, &code) in groups.iter_mut().zip(&codes[rows]) {
                    *group = self.grouping.group_of(code) as u8;
                }
            }
            ClassCodes::Groups(of_row) => {
                for (group, &row) in groups.iter_mut().zip(&of_row[rows]) {
                    *group = row.min(last);
                }
            }
        }
    }
}

impl Grouping {
    /// The most groups of levels there can be; one place is kept for "missing".
    pub const MOST: usize = 254;

    /// A single group of `rows` rows.
    #[must_use]
    pub fn all(rows: usize) -> Self {
        let group = Group { kind: GroupKind::All, label: String::new(), rows: rows as u64 };
        Self { groups: vec![group], index: vec![0] }
    }

    /// Groups the rows by level, in at most `most` groups (between 1 and [`Self::MOST`]) besides "missing".
    #[must_use]
    pub fn new(codes: &[u32], levels: &[String], most: usize) -> Self {
        let mut counts = vec![0u64; levels.len() + 1];
        for &code in codes {
            counts[(code as usize).min(levels.len())] += 1;
        }
        let missing = counts.pop().unwrap_or(0);
        Self::of_counts(&counts, missing, levels, most)
    }

    /// The same where the rows per level, and those without one, are known already.
    #[must_use]
    pub fn of_counts(counts: &[u64], missing: u64, levels: &[String], most: usize) -> Self {
        let most = most.clamp(1, Self::MOST);
        let fits = levels.len() <= most;
        let mut own: Vec<usize> = (0..levels.len()).filter(|&code| fits || counts[code] > 0).collect();
        if own.len() > most {
            own.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), code));
            own.truncate(most - 1);
            own.sort_unstable();
        }

        let mut grouping = Self { groups: Vec::with_capacity(own.len() + 2), index: vec![u8::MAX; levels.len() + 1] };
        for &code in &own {
            grouping.index[code] = grouping.groups.len() as u8;
            grouping.groups.push(Group { kind: GroupKind::Class(code as u32), label: levels[code].clone(), rows: counts[code] });
        }
        let rest: Vec<usize> = (0..levels.len()).filter(|&code| grouping.index[code] == u8::MAX && counts[code] > 0).collect();
        if !rest.is_empty() {
            let other = grouping.groups.len() as u8;
            let rows = rest.iter().map(|&code| counts[code]).sum();
            for &code in &rest {
                grouping.index[code] = other;
            }
            grouping.groups.push(Group { kind: GroupKind::Other(rest.len() as u32), label: String::new(), rows });
        }
        if missing > 0 || grouping.groups.is_empty() {
            let place = grouping.groups.len() as u8;
            grouping.groups.push(Group { kind: GroupKind::Missing, label: String::new(), rows: missing });
            if let Some(last) = grouping.index.last_mut() {
                *last = place;
            }
        }
        // Codes that no row has may be asked for all the same; any group will do.
        for place in &mut grouping.index {
            if *place == u8::MAX {
                *place = 0;
            }
        }
        grouping
    }

    /// The groups, in the order of their indices.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Number of groups, at least 1.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Never: there is always a group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The index of the group a code belongs to; [`MISSING`] and codes without a level belong to "missing".
    #[inline]
    #[must_use]
    pub fn group_of(&self, code: u32) -> usize {
        usize::from(self.index[(code as usize).min(self.index.len() - 1)])
    }

    /// The class column that colours rows by these groups.
    #[must_use]
    pub fn of<'a>(&'a self, codes: &'a [u32]) -> Classes<'a> {
        Classes { codes: ClassCodes::Levels(codes), grouping: self }
    }

    /// The same where the group of each row is known: a quarter of the memory to read when all rows are looked at.
    #[must_use]
    pub fn of_groups<'a>(&'a self, groups: &'a [u8]) -> Classes<'a> {
        Classes { codes: ClassCodes::Groups(groups), grouping: self }
    }
}

/// A numeric column cut into groups of nearly equal size, to be used as a class.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileGroups {
    /// The group of each row.
    pub rows: Vec<u8>,
    /// Named by their interval, ascending: `≤ 3`, `3 – 7.5`, `> 7.5`; then "missing", if a row has no number.
    pub grouping: Grouping,
    /// The values between the groups, ascending: one fewer than there are groups. A value equal to a cut is in the group below it.
    pub cuts: Vec<f64>,
}

/// Cuts `values` at their quantiles into at most `k` groups (at least 1).
///
/// Equal values are always in the same group, so a column with few distinct values has fewer groups, and groups differ in
/// size where values repeat. Infinite values do not move the cuts; they are in the first and the last group.
#[must_use]
pub fn quantile_groups(values: &[f64], k: usize) -> QuantileGroups {
    let k = k.clamp(1, Grouping::MOST);
    let cuts = cuts(values, k);
    let rows = map_rows(values.len(), |rows| {
        let group = |value: f64| if value.is_nan() { u8::MAX } else { cuts.partition_point(|cut| *cut < value) as u8 };
        values[rows].iter().map(|&value| group(value)).collect::<Vec<u8>>()
    });
    let mut rows = rows.concat();
    let mut counts = vec![0_u64; 256];
    rows.iter().for_each(|&group| counts[usize::from(group)] += 1);
    let missing = counts[usize::from(u8::MAX)];
    let labels: Vec<String> = match (cuts.first(), cuts.last()) {
        (Some(first), Some(last)) => {
            let between = cuts.windows(2).map(|pair| format!("{} – {}", short(pair[0]), short(pair[1])));
            [format!("≤ {}", short(*first))].into_iter().chain(between).chain([format!("> {}", short(*last))]).collect()
        }
        _ if missing == rows.len() as u64 => vec![],
        _ => vec![match density::extent(crate::Column::Numeric(values)) {
            Some((low, high)) if low < high => format!("{} – {}", short(low), short(high)),
            Some((low, _)) => short(low),
            None => "infinite".to_owned(),
        }],
    };
    let grouping = Grouping::of_counts(&counts[..labels.len()], missing, &labels, Grouping::MOST);
    if missing > 0 {
        let place = grouping.group_of(MISSING) as u8;
        rows.iter_mut().filter(|group| **group == u8::MAX).for_each(|group| *group = place);
    }
    QuantileGroups { rows, grouping, cuts }
}

/// The cuts are values of the column, so that "≤ cut" reads exactly.
fn cuts(values: &[f64], k: usize) -> Vec<f64> {
    let ranks = |rows: u64| match rows.checked_sub(1) {
        Some(last) => (1..k as u64).map(|part| (rows * part).div_ceil(k as u64).max(1) - 1).chain([last]).collect(),
        None => vec![],
    };
    let mut found = at_ranks(values, None, ranks).pop().unwrap_or_default().values;
    let largest = found.pop();
    found.dedup();
    found.retain(|cut| Some(*cut) < largest);
    found
}

/// A number in at most six significant digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-5..15).contains(&magnitude) {
        return format!("{value:.4e}");
    }
    let digits = (5 - magnitude).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn levels(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn all_levels_keep_their_place_when_they_fit() {
        let grouping = Grouping::new(&[2, 0, 0, MISSING], &levels(&["a", "b", "c"]), 8);
        let shape: Vec<_> = grouping.groups().iter().map(|g| (g.kind, g.rows)).collect();
        assert_eq!(shape, [(GroupKind::Class(0), 2), (GroupKind::Class(1), 0), (GroupKind::Class(2), 1), (GroupKind::Missing, 1)]);
        assert_eq!(grouping.group_of(MISSING), 3);
    }

    #[test]
    fn rare_levels_are_grouped_and_said_to_be() {
        let codes = [0, 1, 1, 1, 2, 3, 3, 4, 4];
        let grouping = Grouping::new(&codes, &levels(&["a", "b", "c", "d", "e"]), 3);
        let shape: Vec<_> = grouping.groups().iter().map(|g| (g.kind, g.rows)).collect();
        assert_eq!(shape, [(GroupKind::Class(1), 3), (GroupKind::Class(3), 2), (GroupKind::Other(3), 4)]);
        assert_eq!(grouping.group_of(0), 2);
        assert_eq!(grouping.group_of(3), 1);
    }

    #[test]
    fn quantile_groups_are_even_and_named() {
        let values: Vec<f64> = (1..=9).map(f64::from).chain([f64::NAN]).collect();
        let found = quantile_groups(&values, 3);
        let labels =
            |found: &QuantileGroups| found.grouping.groups().iter().map(|group| (group.label.clone(), group.rows)).collect::<Vec<_>>();
        assert_eq!(found.cuts, [3.0, 6.0]);
        assert_eq!(found.rows, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
        assert_eq!(labels(&found), [("≤ 3", 3), ("3 – 6", 3), ("> 6", 3), ("", 1)].map(|(label, rows)| (label.to_owned(), rows)));
        assert_eq!(labels(&quantile_groups(&[5.0, 5.0], 4)), [("5".to_owned(), 2)]);
        assert_eq!(quantile_groups(&[f64::NAN], 4).grouping.groups()[0].kind, GroupKind::Missing);
        let infinite = quantile_groups(&[f64::NEG_INFINITY, 1.0, 2.0, f64::INFINITY], 2);
        assert_eq!((infinite.cuts, infinite.rows), (vec![1.0], vec![0, 0, 1, 1]));
        assert_eq!(quantile_groups(&[f64::MIN, 0.0, f64::MAX], 3).cuts, [f64::MIN, 0.0]);
    }

    #[test]
    fn short_numbers_keep_six_digits() {
        for (value, text) in [(0.1 + 0.2, "0.3"), (1234.5678, "1234.57"), (1e20, "1.0000e20"), (-1.5, "-1.5"), (1_234_567.8, "1234568")] {
            assert_eq!(short(value), text);
        }
    }

    proptest! {
        #[test]
        fn groups_partition_the_rows(codes in prop::collection::vec(0u32..12, 0..200), most in 1usize..14) {
            let names: Vec<String> = (0..10).map(|n| n.to_string()).collect();
            let grouping = Grouping::new(&codes, &names, most);
            let mut counts = vec![0u64; grouping.len()];
            for &code in &codes {
                counts[grouping.group_of(code)] += 1;
            }
            let stated: Vec<u64> = grouping.groups().iter().map(|group| group.rows).collect();
            prop_assert_eq!(counts, stated);
            prop_assert!(grouping.len() <= most + 1);
        }

        #[test]
        fn groups_agree_with_the_cuts(values in prop::collection::vec(-20i32..20, 0..100), k in 1usize..8) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let found = quantile_groups(&values, k);
            prop_assert!(found.cuts.len() < k);
            // The cuts are the quantiles of the sorted values.
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let quantiles: Vec<f64> = (1..k).filter_map(|part| sorted.get((sorted.len() * part).div_ceil(k).max(1) - 1).copied()).collect();
            prop_assert!(found.cuts.iter().all(|cut| quantiles.contains(cut)));
            prop_assert!(quantiles.iter().all(|cut| found.cuts.contains(cut) || Some(cut) == sorted.last()));
            for (value, group) in values.iter().zip(&found.rows) {
                let group = usize::from(*group);
                prop_assert!(group == 0 || *value > found.cuts[group - 1]);
                prop_assert!(group == found.cuts.len() || *value <= found.cuts[group]);
            }
        }
    }
}
