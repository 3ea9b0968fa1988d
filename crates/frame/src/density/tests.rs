use proptest::prelude::*;

use super::*;
use crate::MISSING;
use crate::classes::Grouping;

/// The definition: every row compared with every edge.
fn naive(x: &Axis<'_>, y: &Axis<'_>, classes: Option<Classes<'_>>) -> (Vec<u32>, u64) {
    let cell = |axis: &Axis<'_>, row: usize| {
        let position = axis.positions.at(row);
        let inside = position >= axis.low && position <= axis.high;
        inside.then(|| (1..axis.bins).take_while(|&i| position >= axis.edge(i)).count())
    };
    let planes = classes.map_or(1, |classes| classes.grouping.len());
    let mut counts = vec![0; planes * x.bins * y.bins];
    let mut shown = 0;
    for row in 0..x.positions.len() {
        if let (Some(cx), Some(cy)) = (cell(x, row), cell(y, row)) {
            let class = classes.map_or(0, |classes| classes.grouping.group_of(classes.codes[row]));
            counts[(class * y.bins + cy) * x.bins + cx] += 1;
            shown += 1;
        }
    }
    (counts, shown)
}

fn noise(rows: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..rows).map(|_| next() + next() + next()).collect()
}

#[test]
fn the_upper_end_belongs_to_the_last_cell() {
    let x = [0.0, 0.5, 1.0, 1.5, f64::NAN, f64::INFINITY];
    let y = [0.0; 6];
    let axis = |values, low, high, bins| Axis { positions: Positions::Numbers(values), low, high, bins };
    let found = count(&axis(&x, 0.0, 1.0, 2), &axis(&y, 0.0, 1.0, 1), None, &mut Buffers::default()).unwrap();
    assert_eq!(found.counts, [1, 2]);
    assert_eq!((found.rows_shown, found.rows_total), (3, 6));
}

#[test]
fn categories_stand_on_whole_numbers() {
    let codes = [0, 1, 1, MISSING, 2, 9];
    let positions = Positions::Codes { codes: &codes, categories: 3 };
    let x = Axis { positions, low: -0.5, high: 2.5, bins: 3 };
    let y = Axis { positions, low: 0.5, high: 1.5, bins: 1 };
    let found = count(&x, &y, None, &mut Buffers::default()).unwrap();
    assert_eq!(found.counts, [0, 2, 0]);
}

#[test]
fn crowded_cells_do_not_wrap() {
    for rows in [255, 256, 1_000, 250_001] {
        let x = vec![0.25; rows];
        let axis = Axis { positions: Positions::Numbers(&x), low: 0.0, high: 1.0, bins: 3 };
        let found = count(&axis, &axis, None, &mut Buffers::default()).unwrap();
        assert_eq!(found.counts[0], rows as u32);
        assert_eq!(found.counts.iter().sum::<u32>(), rows as u32);
    }
}

#[test]
fn threads_and_recycled_memory_change_nothing() {
    let rows = 300_003;
    let (x, y) = (noise(rows, 1), noise(rows, 2));
    let codes: Vec<u32> = (0..rows as u32).map(|row| if row % 7 == 6 { MISSING } else { row % 7 }).collect();
    let levels: Vec<String> = (0..6).map(|n| n.to_string()).collect();
    let grouping = Grouping::new(&codes, &levels, 8);
    let x = Axis { positions: Positions::Numbers(&x), low: 0.1, high: 2.7, bins: 37 };
    let y = Axis { positions: Positions::Numbers(&y), low: 0.0, high: 3.0, bins: 23 };
    let classes = Some(grouping.of(&codes));
    let (counts, shown) = naive(&x, &y, classes);
    let mut buffers = Buffers::default();
    for _ in 0..2 {
        let found = count(&x, &y, classes, &mut buffers).unwrap();
        assert_eq!((&found.counts, found.rows_shown), (&counts, shown));
        buffers.recycle(found);
    }
    let small = count(&Axis { bins: 2, ..x }, &y, None, &mut buffers).unwrap();
    assert_eq!(small.counts, naive(&Axis { bins: 2, ..x }, &y, None).0);
}

#[test]
fn impossible_grids_are_refused() {
    let values = [1.0, 2.0];
    let good = Axis { positions: Positions::Numbers(&values), low: 0.0, high: 1.0, bins: 4 };
    let refused = |x: Axis<'_>, y: Axis<'_>| count(&x, &y, None, &mut Buffers::default()).is_err();
    assert!(refused(Axis { low: 1.0, ..good }, good));
    assert!(refused(Axis { high: f64::NAN, ..good }, good));
    assert!(refused(Axis { low: f64::MIN, high: f64::MAX, ..good }, good));
    assert!(refused(good, Axis { bins: 0, ..good }));
    assert!(refused(Axis { bins: usize::MAX, ..good }, good));
    assert!(refused(good, Axis { positions: Positions::Numbers(&values[..1]), ..good }));
}

#[test]
fn extents_are_finite() {
    let values = [f64::NAN, 3.0, f64::INFINITY, -2.0, f64::NEG_INFINITY, 0.0, 1.0, 2.0, 2.5, 9.0];
    assert_eq!(extent(Column::Numeric(&values)), Some((-2.0, 9.0)));
    assert_eq!(extent(Column::Numeric(&[f64::NAN])), None);
    let levels = ["a".to_owned(), "b".to_owned()];
    assert_eq!(extent(Column::Nominal { codes: &[], levels: &levels }), Some((-0.5, 1.5)));
}

#[test]
fn logarithms_exist_for_positive_numbers() {
    let found = log10(&[100.0, 0.0, -1.0, f64::NAN]);
    assert_eq!(found[0], 2.0);
    assert!(found[1..].iter().all(|v| v.is_nan()));
}

#[test]
fn a_window_with_too_many_rows_is_not_selected() {
    let rows = 300_000;
    let (x, y) = (noise(rows, 3), noise(rows, 4));
    let window = Window { x: (1.0, 1.1), y: (1.0, 1.1) };
    let expected: Vec<u32> =
        (0..rows).filter(|&row| (1.0..=1.1).contains(&x[row]) && (1.0..=1.1).contains(&y[row])).map(|row| row as u32).collect();
    let (x, y) = (Positions::Numbers(&x), Positions::Numbers(&y));
    assert_eq!(select_window(x, y, window, expected.len()), Some(expected.clone()));
    assert_eq!(select_window(x, y, window, expected.len() - 1), None);
    let all = Window { x: (f64::NEG_INFINITY, f64::INFINITY), y: (f64::NEG_INFINITY, f64::INFINITY) };
    let odd = [1.0, f64::INFINITY, f64::NAN];
    assert_eq!(select_window(Positions::Numbers(&odd), Positions::Numbers(&odd), all, 9), Some(vec![0]));
}

fn position() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0f64,
        4 => (-40i32..40).prop_map(|n| f64::from(n) / 8.0),
        2 => (-40i32..40).prop_map(|n| f64::from(n) * 0.1),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

proptest! {
    #[test]
    fn counts_equal_the_naive_count(
        points in prop::collection::vec((position(), position(), 0u32..6), 0..300),
        x_low in -5i32..3, x_span in 1i32..40, x_bins in 1usize..50,
        y_low in -5.0..3.0f64, y_span in 0.001..20.0f64, y_bins in 1usize..50,
        shift in prop_oneof![Just(0.0), Just(1e6), Just(-1e12), Just(1e15)],
    ) {
        // A large shift leaves few digits for the position in a cell, where rounding matters most.
        let x_values: Vec<f64> = points.iter().map(|point| point.0 + shift).collect();
        let y_values: Vec<f64> = points.iter().map(|point| point.1).collect();
        let codes: Vec<u32> = points.iter().map(|point| point.2).collect();
        let levels: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        let grouping = Grouping::new(&codes, &levels, 3);
        let low = f64::from(x_low) / 8.0 + shift;
        let x = Axis { positions: Positions::Numbers(&x_values), low, high: low + f64::from(x_span) / 8.0, bins: x_bins };
        let y = Axis { positions: Positions::Numbers(&y_values), low: y_low, high: y_low + y_span, bins: y_bins };
        let codes_axis = Axis {
            positions: Positions::Codes { codes: &codes, categories: 5 },
            low: -0.5,
            high: 4.5,
            bins: y_bins,
        };
        prop_assume!(x.high > x.low);
        let mut buffers = Buffers::default();
        for y in [y, codes_axis] {
            for classes in [None, Some(grouping.of(&codes))] {
                let found = count(&x, &y, classes, &mut buffers).unwrap();
                let (counts, shown) = naive(&x, &y, classes);
                prop_assert_eq!(&found.counts, &counts);
                prop_assert_eq!(found.rows_shown, shown);
                buffers.recycle(found);
            }
        }
    }
}
