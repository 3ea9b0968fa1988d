use proptest::prelude::*;

use super::*;
use crate::MISSING;
use crate::classes::Grouping;
use crate::cloud::{self, Bounds, Made};

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
            let class = classes.map_or(0, |classes| classes.group_at(row));
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
    let found = count(1, &axis(&x, 0.0, 1.0, 2), &axis(&y, 0.0, 1.0, 1), None, &mut Buffers::default()).unwrap();
    assert_eq!(found.counts(), [1, 2]);
    assert_eq!((found.rows_shown, found.rows_total), (3, 6));
}

#[test]
fn categories_stand_on_whole_numbers() {
    let codes = [0, 1, 1, MISSING, 2, 9];
    let positions = Positions::Codes { codes: &codes, categories: 3 };
    let x = Axis { positions, low: -0.5, high: 2.5, bins: 3 };
    let y = Axis { positions, low: 0.5, high: 1.5, bins: 1 };
    let found = count(1, &x, &y, None, &mut Buffers::default()).unwrap();
    assert_eq!(found.counts(), [0, 2, 0]);
}

#[test]
fn crowded_cells_do_not_wrap() {
    for rows in [255, 256, 1_000, 250_001] {
        let x = vec![0.25; rows];
        let axis = Axis { positions: Positions::Numbers(&x), low: 0.0, high: 1.0, bins: 3 };
        let found = count(1, &axis, &axis, None, &mut Buffers::default()).unwrap();
        assert_eq!(found.counts()[0], rows as u32);
        assert_eq!(found.counts().iter().sum::<u32>(), rows as u32);
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
        let found = count(1, &x, &y, classes, &mut buffers).unwrap();
        assert_eq!((found.counts(), found.rows_shown), (counts.clone(), shown));
        buffers.recycle(found);
    }
    let small = count(1, &Axis { bins: 2, ..x }, &y, None, &mut buffers).unwrap();
    assert_eq!(small.counts(), naive(&Axis { bins: 2, ..x }, &y, None).0);
}

#[test]
fn impossible_grids_are_refused() {
    let values = [1.0, 2.0];
    let good = Axis { positions: Positions::Numbers(&values), low: 0.0, high: 1.0, bins: 4 };
    let refused = |x: Axis<'_>, y: Axis<'_>| count(1, &x, &y, None, &mut Buffers::default()).is_err();
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

#[test]
fn one_out_of_many_rows_is_about_its_share_of_every_cell() {
    fn axis(values: &[f64], low: f64, high: f64, bins: usize) -> Axis<'_> {
        Axis { positions: Positions::Numbers(values), low, high, bins }
    }
    let rows = 300_000;
    let (x, y) = (noise(rows, 5), noise(rows, 6));
    let codes: Vec<u32> = (0..rows as u32).map(|row| row % 3).collect();
    let levels = ["a", "b", "c"].map(str::to_owned);
    let grouping = Grouping::new(&codes, &levels, 8);
    let (along_x, along_y) = (axis(&x, 0.2, 2.9, 12), axis(&y, 0.3, 2.8, 9));
    let mut buffers = Buffers::default();
    let all = count(1, &along_x, &along_y, Some(grouping.of(&codes)), &mut buffers).unwrap();
    let (made, bounds) = indexed(along_x.positions, along_y.positions).unwrap();
    let cloud = Cloud { parts: made.parts(), bounds: &bounds, x: along_x.positions, y: along_y.positions };
    let groups: Vec<u8> = made.rows.iter().map(|row| codes[*row as usize] as u8).collect();
    for one_of in [2, 8] {
        let some = [
            count(one_of, &along_x, &along_y, Some(grouping.of(&codes)), &mut buffers).unwrap(),
            count_cloud(one_of, &cloud, &along_x, &along_y, Some(grouping.of_groups(&groups)), &mut buffers).unwrap(),
        ];
        for some in some {
            assert_eq!(some.rows_shown, some.counts().iter().map(|count| u64::from(*count)).sum::<u64>());
            let share = all.rows_shown as f64 / some.rows_shown as f64;
            assert!((share - one_of as f64).abs() < 0.05 * one_of as f64, "{share}");
            for (some, all) in some.counts().iter().zip(all.counts()) {
                let expected = f64::from(all) / one_of as f64;
                assert!((f64::from(*some) - expected).abs() < 6.0 * expected.sqrt() + 2.0, "{some} of {all}");
            }
        }
    }
    // The rows that are counted are those whose places in their runs say so.
    let numbered: Vec<f64> = (0..5_000).map(|row| f64::from(row) + 0.5).collect();
    let (along, one) = (
        axis(&numbered, 0.0, 5_000.0, 5_000),
        Axis { positions: Positions::Codes { codes: &vec![0; 5_000], categories: 1 }, low: -0.5, high: 0.5, bins: 1 },
    );
    let found = count(4, &along, &one, None, &mut buffers).unwrap();
    let pieces: Vec<usize> = (0..5_000).filter(|row| row % (4 * RUN_OF_TABLE) < RUN_OF_TABLE).collect();
    let counted: Vec<usize> = found.counts().iter().enumerate().filter(|(_, count)| **count > 0).map(|(cell, _)| cell).collect();
    assert!(counted == pieces);
}

fn position() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0f64,
        4 => (-40i32..40).prop_map(|n| f64::from(n) / 8.0),
        2 => (-40i32..40).prop_map(|n| f64::from(n) * 0.1),
        // Far from all others.
        1 => -1e6..1e6f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

proptest! {
    #[test]
    fn counts_equal_the_naive_count(
        points in prop::collection::vec((position(), position(), 0u32..6), 0..300),
        x_low in -5i32..3, x_span in 1i32..40, x_bins in 1usize..50,
        y_low in prop_oneof![3 => -5.0..3.0f64, 1 => -2e6..2e6], y_span in prop_oneof![3 => 0.001..20.0f64, 1 => 0.001..2e6], y_bins in 1usize..50,
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
                let found = count(1, &x, &y, classes, &mut buffers).unwrap();
                let (counts, shown) = naive(&x, &y, classes);
                prop_assert_eq!(&found.counts(), &counts);
                prop_assert_eq!(found.rows_shown, shown);
                prop_assert_eq!(found.counts().iter().map(|&count| u64::from(count)).sum::<u64>(), shown);
                // An index, and bytes instead of levels, change nothing.
                if let Some((made, bounds)) = indexed(x.positions, y.positions) {
                    let cloud = Cloud { parts: made.parts(), bounds: &bounds, x: x.positions, y: y.positions };
                    let groups: Vec<u8> = made.rows.iter().map(|row| grouping.group_of(codes[*row as usize]) as u8).collect();
                    let classes = classes.map(|_| grouping.of_groups(&groups));
                    prop_assert_eq!(&count_cloud(1, &cloud, &x, &y, classes, &mut buffers).unwrap(), &found);
                    let window = Window { x: (x.low, x.high), y: (y.low, y.high) };
                    let selected = select_window_cloud(&cloud, window, points.len()).unwrap();
                    prop_assert_eq!(selected.len() as u64, shown);
                    prop_assert_eq!(selected, select_window(x.positions, y.positions, window, points.len()).unwrap());
                    prop_assert_eq!(select_window_cloud(&cloud, window, (shown as usize).saturating_sub(1)).is_some(), shown == 0);
                    prop_assert_eq!(cloud.len() as u64, count_placed(x.positions, y.positions));
                }
                buffers.recycle(found);
            }
        }
    }

    #[test]
    fn a_logarithmic_axis_counts_exponents(
        values in prop::collection::vec(prop_oneof![6 => 1e-6..1e6f64, 1 => Just(0.0), 1 => Just(-3.0), 1 => Just(f64::NAN), 1 => Just(1000.0)], 1..200),
        low in -7.0..4.0f64, span in 0.01..12.0f64, bins in 1usize..60,
    ) {
        let logs: Vec<f64> = values.iter().map(|value| value.log10()).collect();
        let numbers = Axis { positions: Positions::Numbers(&logs), low, high: low + span, bins };
        let axis = Axis { positions: Positions::Logs(&values), ..numbers };
        let codes = vec![0; values.len()];
        let one = Axis { positions: Positions::Codes { codes: &codes, categories: 1 }, low: -0.5, high: 0.5, bins: 1 };
        let mut buffers = Buffers::default();
        let expected = count(1, &numbers, &one, None, &mut buffers).unwrap();
        prop_assert_eq!(&count(1, &axis, &one, None, &mut buffers).unwrap(), &expected);
        if let Some((made, bounds)) = indexed(axis.positions, one.positions) {
            let cloud = Cloud { parts: made.parts(), bounds: &bounds, x: axis.positions, y: one.positions };
            prop_assert_eq!(&count_cloud(1, &cloud, &axis, &one, None, &mut buffers).unwrap(), &expected);
        }
    }

    #[test]
    fn a_lasso_holds_the_rows_that_a_naive_count_finds(
        points in prop::collection::vec((position(), position(), 0u32..6), 0..300),
        lassos in prop::collection::vec(prop::collection::vec((-11.0..11.0f64, -11.0..11.0f64), 0..9), 1..3),
        keep in 0usize..20,
    ) {
        let x: Vec<f64> = points.iter().map(|point| point.0).collect();
        let y: Vec<f64> = points.iter().map(|point| point.1).collect();
        let codes: Vec<u32> = points.iter().map(|point| point.2).collect();
        let levels: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        let grouping = Grouping::new(&codes, &levels, 8);
        // The winding of each side around the point, added up as angles, is odd inside.
        let inside = |lasso: &[(f64, f64)], (x, y): (f64, f64)| {
            let mut crossings = 0;
            for i in 0..lasso.len() {
                let ((ax, ay), (bx, by)) = (lasso[i], lasso[(i + 1) % lasso.len()]);
                if (ay > y) != (by > y) && x < ax + (bx - ax) / (by - ay) * (y - ay) {
                    crossings += 1;
                }
            }
            crossings % 2 == 1
        };
        let expected: Vec<u32> = (0..points.len())
            .filter(|&row| x[row].is_finite() && y[row].is_finite() && lassos.iter().any(|lasso| inside(lasso, (x[row], y[row]))))
            .map(|row| row as u32)
            .collect();
        let shapes: Vec<Shape> = lassos.into_iter().map(Shape::Polygon).collect();
        let classes = Some(grouping.of(&codes));
        let found = select(Positions::Numbers(&x), Positions::Numbers(&y), &shapes, classes, keep);
        prop_assert_eq!(found.rows, expected.len() as u64);
        prop_assert_eq!(&found.first[..], &expected[..keep.min(expected.len())]);
        let mut by_group = vec![0; grouping.len()];
        expected.iter().for_each(|&row| by_group[grouping.group_of(codes[row as usize])] += 1);
        prop_assert_eq!(&found.by_group, &by_group);
        let (x, y) = (Positions::Numbers(&x), Positions::Numbers(&y));
        if let Some((made, bounds)) = indexed(x, y) {
            let cloud = Cloud { parts: made.parts(), bounds: &bounds, x, y };
            let groups: Vec<u8> = made.rows.iter().map(|row| grouping.group_of(codes[*row as usize]) as u8).collect();
            prop_assert_eq!(select_cloud(&cloud, &shapes, Some(grouping.of_groups(&groups)), keep), found);
        }
    }
}

fn indexed(x: Positions<'_>, y: Positions<'_>) -> Option<(Made, Bounds)> {
    let made = cloud::make(x, y)?;
    let bounds = Bounds::of(made.parts(), x, y)?;
    Some((made, bounds))
}

#[test]
fn an_index_of_other_columns_is_refused() {
    let (x, y) = ([1.0, 2.0, 3.0], [3.0, 2.0, f64::NAN]);
    let (x, y) = (Positions::Numbers(&x), Positions::Numbers(&y));
    let made = cloud::make(x, y).unwrap();
    assert_eq!(made.rows.len(), 2);
    assert!(Bounds::of(made.parts(), x, y).is_some());
    let short = Positions::Numbers(&[1.0]);
    assert!(Bounds::of(made.parts(), short, short).is_none());
    assert!(Bounds::of(cloud::Parts { lower: &[], ..made.parts() }, x, y).is_none());
    assert!(cloud::make(x, short).is_none());
    assert!(cloud::make(Positions::Numbers(&[f64::NAN]), short).is_none());
}

#[test]
fn threads_change_nothing_about_an_index_and_selections() {
    let rows = 500_003;
    let (x, even) = (noise(rows, 5), noise(rows, 6));
    // Most values are near 1.5, and the farthest a hundred thousand times as far away as those.
    let uneven: Vec<f64> = even.iter().map(|value| 1.5 + 0.1 * (value * 2.0 + 0.1).tan()).collect();
    let x = Positions::Numbers(&x);
    for y in [Positions::Numbers(&even), Positions::Numbers(&uneven)] {
        let (made, bounds) = indexed(x, y).unwrap();
        let cloud = Cloud { parts: made.parts(), bounds: &bounds, x, y };
        let axis = |positions, low, high, bins| Axis { positions, low, high, bins };
        let mut buffers = Buffers::default();
        for (low, high) in [(0.0, 3.0), (1.0, 1.01), (1.2, 1.9), (-5.0, 9.0), (2.99, 3.5), (1.5, 1.500_000_1), (-1e9, 1e9)] {
            let (along_x, along_y) = (axis(x, low, high, 700), axis(y, low, high, 420));
            let expected = count(1, &along_x, &along_y, None, &mut buffers).unwrap();
            let found = count_cloud(1, &cloud, &along_x, &along_y, None, &mut buffers).unwrap();
            assert!(found == expected, "{low} to {high}");
            let inside = |at: f64| (low..=high).contains(&at);
            let naive: Vec<u32> = (0..rows).filter(|&row| inside(x.at(row)) && inside(y.at(row))).map(|row| row as u32).collect();
            assert_eq!(found.rows_shown, naive.len() as u64);
            let window = Window { x: (low, high), y: (low, high) };
            assert_eq!(select_window_cloud(&cloud, window, naive.len().saturating_sub(1)).is_some(), naive.is_empty());
            assert!(select_window_cloud(&cloud, window, rows) == Some(naive));
        }
    }
    assert_eq!(indexed(x, Positions::Numbers(&uneven)).unwrap().1.y.is_cut(), (true, true));
}

/// Run in release mode with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    for rows in [100_000, 1_000_000, 10_000_000] {
        let (x, y) = (noise(rows, 7), noise(rows, 8));
        let (x, y) = (Positions::Numbers(&x), Positions::Numbers(&y));
        let codes: Vec<u32> = (0..rows).map(|row| ((row * 2_654_435_761) >> 7 & 7) as u32).collect();
        let levels: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let grouping = Grouping::new(&codes, &levels, 12);
        let start = std::time::Instant::now();
        let (made, bounds) = indexed(x, y).unwrap();
        eprintln!("{rows} rows, indexed in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
        let cloud = Cloud { parts: made.parts(), bounds: &bounds, x, y };
        let groups: Vec<u8> = made.rows.iter().map(|row| codes[*row as usize] as u8).collect();
        let mut buffers = Buffers::default();
        let mut best = |what: &str, low: f64, high: f64, count: &dyn Fn(&Axis<'_>, &Axis<'_>, &mut Buffers) -> Density| {
            let axis = |positions, bins| Axis { positions, low, high, bins };
            let mut best = f64::INFINITY;
            for _ in 0..15 {
                let start = std::time::Instant::now();
                let found = count(&axis(x, 700), &axis(y, 420), &mut buffers);
                best = best.min(start.elapsed().as_secs_f64());
                buffers.recycle(found);
            }
            eprintln!("{rows} rows, {what}, {low} to {high}: {:.2} ms", best * 1e3);
        };
        for (low, high) in [(0.0, 3.0), (1.0, 2.0), (1.4, 1.6), (1.49, 1.51)] {
            best("columns", low, high, &|x, y, buffers| count(1, x, y, Some(grouping.of(&codes)), buffers).unwrap());
            best("index", low, high, &|x, y, buffers| count_cloud(1, &cloud, x, y, Some(grouping.of_groups(&groups)), buffers).unwrap());
        }
    }
}
