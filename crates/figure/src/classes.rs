//! Which class has which colour and symbol: the same everywhere a feature is shown.

use crate::drawing::LegendEntry;
use crate::text;
use crate::theme::{CATEGORIES, Colour, Symbol};

/// One class as drawn: a level, the rest of the levels, or the rows without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Plain text.
    pub label: String,
    pub count: u64,
    /// The place in the palette; `None` for the rest and for the missing.
    pub slot: Option<usize>,
}

impl Class {
    pub fn colour(&self) -> Colour {
        self.slot.map_or(Colour::CatOther, Colour::category)
    }

    pub fn symbol(&self) -> Symbol {
        self.slot.map_or(Symbol::CircleOpen, Symbol::category)
    }
}

/// The classes of a categorical feature. Up to ten levels have a colour and symbol each, in their order; of more, the ten
/// most frequent do and the others share one grey class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    of_level: Vec<usize>,
    missing: Option<usize>,
    classes: Vec<Class>,
}

impl Classes {
    /// Classes from each level's count over *all* rows, so that colours stay when a window or filter changes what is shown.
    /// `counts` may be shorter than `levels`; what lacks counts as 0.
    pub fn new(levels: &[String], counts: &[u64], missing: u64) -> Self {
        let count = |level: usize| counts.get(level).copied().unwrap_or(0);
        let mut chosen: Vec<usize> = (0..levels.len()).collect();
        if chosen.len() > CATEGORIES {
            chosen.sort_by_key(|&level| (std::cmp::Reverse(count(level)), level));
            chosen.truncate(CATEGORIES);
            chosen.sort_unstable();
        }
        let mut classes: Vec<Class> = chosen
            .iter()
            .enumerate()
            .map(|(slot, &level)| Class { label: levels[level].clone(), count: count(level), slot: Some(slot) })
            .collect();
        let rest = classes.len();
        let mut of_level = vec![rest; levels.len()];
        for (slot, &level) in chosen.iter().enumerate() {
            of_level[level] = slot;
        }
        let others = levels.len() - chosen.len();
        if others > 0 {
            let shared = (0..levels.len()).filter(|&level| of_level[level] == rest).map(count).sum();
            let label = format!("{} other levels", text::count(others as u64));
            classes.push(Class { label, count: shared, slot: None });
        }
        let missing = (missing > 0).then(|| {
            classes.push(Class { label: "missing".to_owned(), count: missing, slot: None });
            classes.len() - 1
        });
        Self { of_level, missing, classes }
    }

    /// Counts the codes first. Codes without a level count as missing.
    pub fn of_codes(codes: &[u32], levels: &[String]) -> Self {
        let mut counts = vec![0_u64; levels.len()];
        let mut missing = 0;
        for &code in codes {
            match counts.get_mut(code as usize) {
                Some(count) => *count += 1,
                None => missing += 1,
            }
        }
        Self::new(levels, &counts, missing)
    }

    /// The class of a level's code; `None` for a missing value where no class for it exists.
    pub fn of(&self, code: u32) -> Option<usize> {
        self.of_level.get(code as usize).copied().or(self.missing)
    }

    pub fn all(&self) -> &[Class] {
        &self.classes
    }

    pub fn len(&self) -> usize {
        self.classes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The legend with these counts instead of the counts over all rows.
    pub fn legend(&self, shown: &[u64]) -> Vec<LegendEntry> {
        self.classes
            .iter()
            .enumerate()
            .map(|(i, class)| LegendEntry {
                label: class.label.clone(),
                count: Some(shown.get(i).copied().unwrap_or(0)),
                colour: class.colour().name().to_owned(),
                symbol: class.symbol(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("l{i}")).collect()
    }

    #[test]
    fn few_levels_keep_their_order_and_missing_is_a_class() {
        let classes = Classes::of_codes(&[1, 1, 0, u32::MAX], &levels(2));
        let seen: Vec<_> = classes.all().iter().map(|c| (c.label.as_str(), c.count, c.slot)).collect();
        assert_eq!(seen, [("l0", 1, Some(0)), ("l1", 2, Some(1)), ("missing", 1, None)]);
        assert_eq!(classes.of(1), Some(1));
        assert_eq!(classes.of(u32::MAX), Some(2));
        assert_eq!(Classes::of_codes(&[0], &levels(1)).of(9), None);
    }

    #[test]
    fn many_levels_share_a_class() {
        let counts: Vec<u64> = (0..14).collect();
        let classes = Classes::new(&levels(14), &counts, 0);
        assert_eq!(classes.len(), 11);
        assert_eq!(classes.all()[0].label, "l4");
        assert_eq!(classes.of(0), Some(10));
        assert_eq!(classes.all()[10].count, 1 + 2 + 3);
        assert_eq!(classes.all()[10].label, "4 other levels");
        assert_eq!(classes.all()[10].symbol(), Symbol::CircleOpen);
    }

    #[test]
    fn no_levels_no_classes() {
        assert!(Classes::of_codes(&[], &[]).is_empty());
    }
}
