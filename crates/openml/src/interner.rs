//! Strings to codes, borrowing the keys from the input.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::table::MISSING;

/// Below this many levels a scan is faster than a hash.
const SCANNED: usize = 8;

/// The distinct strings of a column, numbered in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Interner<'a> {
    levels: Vec<String>,
    index: HashMap<Cow<'a, str>, u32>,
}

impl<'a> Interner<'a> {
    pub(crate) fn len(&self) -> usize {
        self.levels.len()
    }

    pub(crate) fn find(&self, value: &str) -> Option<u32> {
        if self.levels.len() <= SCANNED {
            return self.levels.iter().position(|level| level == value).map(|at| at as u32);
        }
        self.index.get(value).copied()
    }

    /// The code of `value`, and whether it is new.
    pub(crate) fn intern(&mut self, value: Cow<'a, str>) -> (u32, bool) {
        if let Some(code) = self.find(&value) {
            return (code, false);
        }
        // More distinct strings than codes would need an input of many gigabytes; such a value reads as missing.
        let code = u32::try_from(self.levels.len()).unwrap_or(MISSING);
        if code != MISSING {
            self.levels.push(value.clone().into_owned());
            self.index.insert(value, code);
        }
        (code, true)
    }

    pub(crate) fn into_levels(self) -> Vec<String> {
        self.levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_order_of_arrival() {
        let mut interner = Interner::default();
        let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
        for (at, name) in names.iter().enumerate() {
            assert_eq!(interner.intern(Cow::Borrowed(name)), (at as u32, true));
        }
        for (at, name) in names.iter().enumerate() {
            assert_eq!(interner.intern(Cow::Borrowed(name)), (at as u32, false));
            assert_eq!(interner.find(name), Some(at as u32));
        }
        assert_eq!(interner.find("absent"), None);
        assert_eq!(interner.into_levels(), names);
    }
}
