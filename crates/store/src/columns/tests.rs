use labboard_openml::table::Feature;
use proptest::prelude::*;

use super::*;

fn store(dir: &Path, cache_bytes: usize) -> ColumnFiles {
    fs::create_dir_all(dir.join("columns")).unwrap();
    let staging = Arc::new(Staging::open(dir).unwrap());
    ColumnFiles::new(dir.join("columns"), staging, cache_bytes)
}

fn table(features: Vec<(&str, Values)>) -> Table {
    Table {
        name: "t".to_owned(),
        description: String::new(),
        features: features.into_iter().map(|(name, values)| Feature { name: name.to_owned(), values }).collect(),
    }
}

fn strings(levels: &[&str]) -> Vec<String> {
    levels.iter().map(|&level| level.to_owned()).collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn hostile_names_missing_values_and_extremes_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(dir.path(), 1 << 20);
    let numbers = [f64::NAN, -0.0, f64::INFINITY, f64::MIN_POSITIVE, 1e308];
    let hostile = "../../x\0<script>\u{202e}\"'\n{}%_\\";
    let table = table(vec![
        (hostile, Values::Numeric(numbers.to_vec())),
        ("", Values::Date(vec![0.0, -1.0, f64::NAN, 1e12, 8.64e15])),
        ("n", Values::Nominal { codes: vec![MISSING, 1, 0, 1, MISSING], levels: strings(&["", hostile]) }),
        ("n", Values::Text { codes: vec![0; 5], levels: strings(&["a\r\nb"]) }),
    ]);
    let hash = files.write(&table).unwrap();
    let columns = files.open(&hash).unwrap();
    assert_eq!((columns.rows(), columns.len()), (5, 4));
    assert_eq!(columns.name(0), Some(hostile));
    assert_eq!(columns.position("n"), Some(2));
    assert_eq!(columns.kind(1), Some(Kind::Date));
    assert!(columns.feature(4).is_none());
    let Some(ColumnRef::Numeric(values)) = columns.feature(0) else {
        panic!("not numeric");
    };
    assert_eq!(bits(values), bits(&numbers));
    let Some(ColumnRef::Nominal { codes, levels }) = columns.feature(2) else {
        panic!("not nominal");
    };
    assert_eq!(codes, [MISSING, 1, 0, 1, MISSING]);
    assert_eq!(levels, strings(&["", hostile]));
    assert!(matches!(columns.feature(3), Some(ColumnRef::Text { .. })));
}

#[test]
fn equal_content_has_one_hash_and_any_difference_another() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(dir.path(), 1 << 20);
    let of = |name, values: &[f64]| files.write(&table(vec![(name, Values::Numeric(values.to_vec()))])).unwrap();
    let negative_nan = f64::from_bits(0xfff8_0000_0000_0001);
    assert_eq!(of("a", &[1.0, f64::NAN]), of("a", &[1.0, negative_nan]));
    assert_ne!(of("a", &[1.0]), of("b", &[1.0]));
    assert_ne!(of("a", &[1.0]), of("a", &[2.0]));
    let date = table(vec![("a", Values::Date(vec![1.0]))]);
    assert_ne!(of("a", &[1.0]), files.write(&date).unwrap());
}

#[test]
fn tables_without_rows_or_columns() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(dir.path(), 1 << 20);
    for features in [vec![], vec![("a", Values::Numeric(vec![]))]] {
        let columns = files.open(&files.write(&table(features)).unwrap()).unwrap();
        assert_eq!(columns.rows(), 0);
    }
}

#[test]
fn refuses_uneven_columns_and_codes_without_level() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(dir.path(), 1 << 20);
    let uneven = table(vec![("a", Values::Numeric(vec![1.0])), ("b", Values::Numeric(vec![]))]);
    let no_level = table(vec![("a", Values::Nominal { codes: vec![1], levels: strings(&["x"]) })]);
    for table in [uneven, no_level] {
        assert!(matches!(files.write(&table), Err(StoreError::Invalid(_))));
    }
    assert!(files.list().unwrap().is_empty());
}

#[test]
fn damage_is_an_error_not_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(dir.path(), 1 << 20);
    let table = table(vec![("a", Values::Numeric(vec![1.0; 20_000]))]);
    let hash = files.write(&table).unwrap();
    let column = files.path(&hash).join("0.f64");

    assert!(fs::metadata(&column).unwrap().permissions().readonly());
    fs::remove_file(&column).unwrap();
    assert!(matches!(files.open(&hash), Err(StoreError::Io { .. })));
    fs::write(&column, [0; 12]).unwrap();
    assert!(matches!(files.open(&hash), Err(StoreError::Corrupt { .. })));
    fs::remove_file(files.path(&hash).join(MANIFEST)).unwrap();
    assert!(matches!(files.open(&hash), Err(StoreError::NoContent(_))));
}

#[test]
fn cache_keeps_within_its_budget_and_drops_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let files = store(dir.path(), 2_000);
    let write = |value: f64| files.write(&table(vec![("a", Values::Numeric(vec![value; 100]))])).unwrap();
    let (a, b, c) = (write(1.0), write(2.0), write(3.0));
    let first = files.open(&a).unwrap();
    files.open(&b).unwrap();
    assert!(Arc::ptr_eq(&first, &files.open(&a).unwrap()));
    files.open(&c).unwrap();
    let held: Vec<_> = [&a, &b, &c].map(|hash| files.cache.lock().unwrap().entries.contains_key(hash)).into();
    assert_eq!(held, [true, false, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_table_comes_back(
        rows in 0_usize..40,
        names in prop::collection::vec(any::<String>(), 1..4),
        seed in prop::collection::vec(any::<f64>(), 40),
        levels in prop::collection::hash_set(any::<String>(), 1..5),
        codes in prop::collection::vec(prop::option::of(0_u32..5), 40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let files = store(dir.path(), 1 << 20);
        let levels: Vec<String> = levels.into_iter().collect();
        let codes: Vec<u32> = codes[..rows]
            .iter()
            .map(|code| code.map_or(MISSING, |code| code % levels.len() as u32))
            .collect();
        let numbers: Vec<f64> = seed[..rows]
            .iter()
            .map(|value| if value.is_nan() { f64::NAN } else { *value })
            .collect();
        let mut features: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), Values::Numeric(numbers.clone())))
            .collect();
        features.push(("codes", Values::Text { codes: codes.clone(), levels: levels.clone() }));
        let columns = files.open(&files.write(&table(features)).unwrap()).unwrap();
        prop_assert_eq!(columns.rows(), rows);
        for (index, name) in names.iter().enumerate() {
            prop_assert_eq!(columns.name(index), Some(name.as_str()));
            let Some(ColumnRef::Numeric(found)) = columns.feature(index) else {
                return Err(TestCaseError::fail("not numeric"));
            };
            prop_assert_eq!(bits(found), bits(&numbers));
        }
        let Some(ColumnRef::Text { codes: found, levels: named }) = columns.feature(names.len())
        else {
            return Err(TestCaseError::fail("not text"));
        };
        prop_assert_eq!(found, codes);
        prop_assert_eq!(named, levels);
    }
}
