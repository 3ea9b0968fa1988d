//! Tables as tests draw them.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use crate::table::{Feature, MISSING, Table, Values};

/// Text with everything that formats give a meaning to.
pub(crate) fn hostile() -> BoxedStrategy<String> {
    prop_oneof![
        "[a-z?@%{},;'\"\\\\ \t\r\n\u{0}\u{1F}\u{7F}\u{85}\u{A0}\u{2028}é🙂]{0,8}",
        "\\PC{0,8}",
        Just("NA".to_owned()),
        Just("null".to_owned()),
        Just(String::new()),
    ]
    .boxed()
}

/// Tables with every kind of column, missing values, and names and levels from `text`.
pub(crate) fn tables(text: BoxedStrategy<String>) -> impl Strategy<Value = Table> {
    let names = btree_set(text.clone().prop_filter("a name", |name| !name.is_empty()), 1..5);
    (names, 0usize..8, hostile(), hostile(), text_of_lines()).prop_flat_map(move |(names, rows, name, _, description)| {
        let columns = vec(column(rows, text.clone()), names.len());
        let names: Vec<String> = names.into_iter().collect();
        (Just(names), columns, Just(name), Just(description)).prop_map(|(names, columns, name, description)| Table {
            name,
            description,
            features: names.into_iter().zip(columns).map(|(name, values)| Feature { name, values }).collect(),
        })
    })
}

fn text_of_lines() -> impl Strategy<Value = String> {
    "[ a-z%@\n]{0,20}"
}

fn column(rows: usize, text: BoxedStrategy<String>) -> impl Strategy<Value = Values> {
    let numbers = vec(prop_oneof![any::<f64>(), Just(f64::NAN), (-9i32..9).prop_map(f64::from)], rows);
    // The years 0 to 9999, by the millisecond, second or day.
    let dates = (vec(-62_167_219_200_000i64..253_402_300_800_000, rows), select_unit()).prop_map(|(values, unit)| {
        let cut = |value: i64| (value.div_euclid(unit) * unit) as f64;
        values.into_iter().map(cut).collect::<Vec<f64>>()
    });
    let coded = (btree_set(text, 0..5), vec(any::<proptest::sample::Index>(), rows), vec(any::<bool>(), rows));
    prop_oneof![
        numbers.prop_map(Values::Numeric),
        dates.prop_map(Values::Date),
        (coded, any::<bool>()).prop_map(|((levels, picks, missing), nominal)| {
            let levels: Vec<String> = levels.into_iter().collect();
            let codes = picks.iter().zip(missing).map(
                |(pick, missing)| {
                    if missing || levels.is_empty() { MISSING } else { pick.index(levels.len()) as u32 }
                },
            );
            let codes = codes.collect();
            if nominal { Values::Nominal { codes, levels } } else { by_appearance(codes, levels) }
        }),
    ]
}

fn select_unit() -> impl Strategy<Value = i64> {
    prop_oneof![Just(1), Just(1000), Just(86_400_000)]
}

/// A text column: levels in order of first appearance, without those that do not appear.
pub(crate) fn by_appearance(codes: Vec<u32>, levels: Vec<String>) -> Values {
    let mut place = vec![MISSING; levels.len()];
    let mut seen = Vec::new();
    let codes = codes
        .into_iter()
        .map(|code| match place.get_mut(code as usize) {
            None => MISSING,
            Some(place) => {
                if *place == MISSING {
                    *place = seen.len() as u32;
                    seen.push(levels[code as usize].clone());
                }
                *place
            }
        })
        .collect();
    Values::Text { codes, levels: seen }
}
