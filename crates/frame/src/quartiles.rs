//! Box plots: the quartiles of a feature's values and how far the others reach, class by class.

use crate::classes::{Classes, Group};
use crate::column::Column;
use crate::histogram::groups_of;
use crate::number::between;
use crate::parallel::map_rows;
use crate::ranks::{Ranked, at_ranks};

/// Whiskers reach to the last values within so many interquartile ranges of the box (Tukey's rule).
const REACH: f64 = 1.5;
const SHARES: [f64; 3] = [0.25, 0.5, 0.75];

/// The finite values of a group, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quartiles {
    /// Number of values.
    pub rows: u64,
    pub min: f64,
    /// First quartile, interpolated linearly between the two nearest values (Hyndman and Fan's type 7), as are the median and
    /// the third.
    pub q1: f64,
    pub median: f64,
    pub q3: f64,
    pub max: f64,
    /// The least and the greatest value within 1.5 interquartile ranges of the box, or its end if there is none beyond it.
    pub whiskers: (f64, f64),
    /// Values below and above the whiskers.
    pub beyond: (u64, u64),
}

/// Quartiles for each group of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    pub groups: Vec<Group>,
    /// `None` for a group without a finite value.
    pub quartiles: Vec<Option<Quartiles>>,
    pub missing: u64,
    pub infinite: u64,
}

/// The quartiles of numbers or dates, per group of `classes`. `None` for nominal and text columns, and for `classes` of another length.
#[must_use]
pub fn quartiles(column: Column<'_>, classes: Option<Classes<'_>>) -> Option<Spread> {
    let values = column.numbers()?;
    if classes.is_some_and(|classes| classes.len() != values.len()) {
        return None;
    }
    let mut found: Vec<Option<Quartiles>> = at_ranks(values, classes, wanted_ranks).iter().map(Quartiles::of).collect();
    let reaches: Vec<Reach> = found.iter().map(|found| found.as_ref().map_or(Reach::NOTHING, Reach::of)).collect();
    let parts = map_rows(values.len(), |rows| {
        let (mut reaches, mut missing, mut infinite) = (reaches.clone(), 0, 0);
        for row in rows {
            let value = values[row];
            if value.is_finite() {
                reaches[classes.map_or(0, |classes| classes.group_at(row))].add(value);
            } else if value.is_nan() {
                missing += 1;
            } else {
                infinite += 1;
            }
        }
        (reaches, missing, infinite)
    });
    let (mut missing, mut infinite) = (0, 0);
    for (part, without, beyond) in parts {
        found.iter_mut().zip(part).for_each(|(found, reach)| found.iter_mut().for_each(|found| found.extend(&reach)));
        missing += without;
        infinite += beyond;
    }
    Some(Spread { groups: groups_of(classes, values.len()), quartiles: found, missing, infinite })
}

/// The ranks of the least and the greatest of so many values, and those on both sides of each quartile.
pub(crate) fn wanted_ranks(rows: u64) -> Vec<u64> {
    let Some(last) = rows.checked_sub(1) else { return vec![] };
    let around = |share| {
        let below = (share * last as f64) as u64;
        [below, (below + 1).min(last)]
    };
    [0, last].into_iter().chain(SHARES.into_iter().flat_map(around)).collect()
}

impl Quartiles {
    /// From the values at [`wanted_ranks`]; the whiskers are still as long as the box.
    pub(crate) fn of(ranked: &Ranked) -> Option<Self> {
        let &[min, max, ref around @ ..] = ranked.values.as_slice() else { return None };
        let mut quartiles = SHARES.into_iter().zip(around.chunks(2)).filter_map(|(share, around)| {
            let &[below, above] = around else { return None };
            let place = share * (ranked.rows - 1) as f64;
            Some(between(below, above, place - place.floor()))
        });
        let (q1, median, q3) = (quartiles.next()?, quartiles.next()?, quartiles.next()?);
        Some(Self { rows: ranked.rows, min, q1, median, q3, max, whiskers: (q1, q3), beyond: (0, 0) })
    }

    fn extend(&mut self, reach: &Reach) {
        self.whiskers = (self.whiskers.0.min(reach.held.0), self.whiskers.1.max(reach.held.1));
        self.beyond = (self.beyond.0 + reach.beyond.0, self.beyond.1 + reach.beyond.1);
    }
}

/// How far whiskers may reach, and what of it there is.
#[derive(Clone, Debug)]
struct Reach {
    fences: (f64, f64),
    held: (f64, f64),
    beyond: (u64, u64),
}

impl Reach {
    const NOTHING: Self = Self { fences: (f64::INFINITY, f64::NEG_INFINITY), held: (f64::INFINITY, f64::NEG_INFINITY), beyond: (0, 0) };

    fn of(quartiles: &Quartiles) -> Self {
        let reach = REACH * (quartiles.q3 - quartiles.q1);
        Self { fences: (quartiles.q1 - reach, quartiles.q3 + reach), ..Self::NOTHING }
    }

    fn add(&mut self, value: f64) {
        if value < self.fences.0 {
            self.beyond.0 += 1;
        } else if value > self.fences.1 {
            self.beyond.1 += 1;
        } else {
            self.held = (self.held.0.min(value), self.held.1.max(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Grouping;
    use crate::number::quantile;
    use proptest::prelude::*;

    #[test]
    fn whiskers_end_at_the_last_values_within_reach() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 30.0, -20.0, f64::NAN, f64::INFINITY];
        let found = quartiles(Column::Numeric(&values), None).unwrap();
        assert_eq!((found.missing, found.infinite), (1, 1));
        let only = found.quartiles[0].unwrap();
        assert_eq!((only.rows, only.min, only.q1, only.median, only.q3, only.max), (9, -20.0, 2.0, 4.0, 6.0, 30.0));
        assert_eq!((only.whiskers, only.beyond), ((1.0, 7.0), (1, 1)));
    }

    #[test]
    fn groups_without_values_and_other_columns_have_none() {
        let levels: Vec<String> = ["a", "b"].map(str::to_owned).into();
        let codes = [0, 0];
        let grouping = Grouping::new(&codes, &levels, 8);
        let found = quartiles(Column::Numeric(&[1.0, 2.0]), Some(grouping.of(&codes))).unwrap();
        assert!(found.quartiles[0].is_some() && found.quartiles[1].is_none());
        assert!(quartiles(Column::Nominal { codes: &codes, levels: &levels }, None).is_none());
        assert!(quartiles(Column::Numeric(&[1.0]), Some(grouping.of(&codes))).is_none());
        assert_eq!(quartiles(Column::Numeric(&[]), None).unwrap().quartiles, [None]);
        let widest = quartiles(Column::Numeric(&[f64::MIN, f64::MAX]), None).unwrap().quartiles[0].unwrap();
        assert_eq!((widest.whiskers, widest.beyond, widest.median), ((f64::MIN, f64::MAX), (0, 0), 0.0));
    }

    proptest! {
        #[test]
        fn quartiles_are_those_of_the_sorted_values(
            values in prop::collection::vec(prop_oneof![8 => -1e3..1e3f64, 2 => (-5i32..5).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(1e9)], 1..120),
        ) {
            let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let found = quartiles(Column::Date(&values), None).unwrap().quartiles[0];
            prop_assert_eq!(found.is_some(), !sorted.is_empty());
            if let Some(found) = found {
                let expected = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&sorted, p).unwrap());
                prop_assert_eq!([found.min, found.q1, found.median, found.q3, found.max], expected);
                let reach = 1.5 * (found.q3 - found.q1);
                let inside: Vec<f64> = sorted.iter().copied().filter(|v| *v >= found.q1 - reach && *v <= found.q3 + reach).collect();
                prop_assert_eq!(found.beyond.0 + found.beyond.1 + inside.len() as u64, found.rows);
                prop_assert_eq!(found.whiskers.0, inside.first().copied().unwrap_or(found.q1).min(found.q1));
                prop_assert_eq!(found.whiskers.1, inside.last().copied().unwrap_or(found.q3).max(found.q3));
            }
        }
    }
}
