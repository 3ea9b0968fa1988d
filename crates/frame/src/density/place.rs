//! Rows by their place: inside a window, inside what somebody drew around them, or with any place at all.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{BLOCK, Positions};
use crate::classes::Classes;
use crate::cloud::Cloud;
use crate::parallel::{check, map_items, map_rows};
use crate::simd::widest;

/// A rectangle in the units of two axes; its edges belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub x: (f64, f64),
    pub y: (f64, f64),
}

impl Window {
    fn contains(&self, (x, y): (f64, f64)) -> bool {
        x >= self.x.0 && x <= self.x.1 && y >= self.y.0 && y <= self.y.1 && (x - y).is_finite()
    }
}

/// What somebody drew around rows, in the units of two axes.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Window(Window),
    /// Its corners; the last is joined to the first. Where it crosses itself, what is enclosed twice is outside.
    Polygon(Vec<(f64, f64)>),
}

impl Shape {
    /// The smallest window around it; nothing is in the window of no corners.
    fn bounds(&self) -> Window {
        match self {
            Self::Window(window) => *window,
            Self::Polygon(corners) => {
                let nothing = (f64::INFINITY, f64::NEG_INFINITY);
                corners.iter().fold(Window { x: nothing, y: nothing }, |w, &(x, y)| Window {
                    x: (w.x.0.min(x), w.x.1.max(x)),
                    y: (w.y.0.min(y), w.y.1.max(y)),
                })
            }
        }
    }

    /// Whether a point is inside. A polygon counts the sides that a ray to the right crosses; of a point on a side nothing is promised.
    #[must_use]
    pub fn contains(&self, point: (f64, f64)) -> bool {
        match self {
            Self::Window(window) => window.contains(point),
            Self::Polygon(corners) => {
                let (x, y) = point;
                let sides = corners.iter().zip(corners.iter().cycle().skip(1));
                let crossed = sides.filter(|((x0, y0), (x1, y1))| (*y0 > y) != (*y1 > y) && x < (x1 - x0) * (y - y0) / (y1 - y0) + x0);
                crossed.count() % 2 == 1
            }
        }
    }
}

impl Shape {
    /// Whether a point is inside wherever it is within the slack of `at`; `None` if that cannot be said.
    fn surely_contains(&self, at: (f64, f64), slack: (f64, f64)) -> Option<bool> {
        let apart = |a: f64, b: f64, slack: f64| ((a - b).abs() > slack).then_some(a > b);
        match self {
            Self::Window(window) => {
                let (x, y) = at;
                let inside = [
                    apart(x, window.x.0, slack.0)?,
                    apart(window.x.1, x, slack.0)?,
                    apart(y, window.y.0, slack.1)?,
                    apart(window.y.1, y, slack.1)?,
                ];
                Some(inside.iter().all(|inside| *inside))
            }
            Self::Polygon(corners) => {
                let (x, y) = at;
                let mut crossed = 0;
                for (&(x0, y0), &(x1, y1)) in corners.iter().zip(corners.iter().cycle().skip(1)) {
                    if apart(y0, y, slack.1)? != apart(y1, y, slack.1)? {
                        let slope = (x1 - x0) / (y1 - y0);
                        let side = slope * (y - y0) + x0;
                        let rounding = (side.abs() + x0.abs() + (slope * (y - y0)).abs()) * 1e-14;
                        crossed += u32::from(apart(side, x, slack.0 + slope.abs() * slack.1 + rounding)?);
                    }
                }
                Some(crossed % 2 == 1)
            }
        }
    }
}

/// The rows in some shapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    pub rows: u64,
    /// Rows for each group of the classes; one number without classes.
    pub by_group: Vec<u64>,
    /// The first of them, ascending, as many as were wanted.
    pub first: Vec<u32>,
}

/// Marks the rows of a block that may lie between two positions: all that do, and few that do not.
#[inline(always)]
fn mark(positions: &Positions<'_>, (low, high): (f64, f64), rows: Range<usize>, marks: &mut [u8]) {
    match positions {
        Positions::Numbers(values) => {
            for (mark, &value) in marks.iter_mut().zip(&values[rows]) {
                *mark &= u8::from((value >= low) & (value <= high));
            }
        }
        Positions::Logs(values) => {
            for (mark, &value) in marks.iter_mut().zip(&values[rows]) {
                let position = value.log10();
                *mark &= u8::from((position >= low) & (position <= high));
            }
        }
        Positions::Codes { codes, categories } => {
            for (mark, &code) in marks.iter_mut().zip(&codes[rows]) {
                let position = f64::from(code);
                *mark &= u8::from((position >= low) & (position <= high) & ((code as usize) < *categories));
            }
        }
    }
}

/// Hands out the rows of a range that are in the window, block by block; ends when `each` says so.
fn within(x: &Positions<'_>, y: &Positions<'_>, window: Window, rows: Range<usize>, mut each: impl FnMut(&[(u32, f64, f64)]) -> bool) {
    let mut marks = [0_u8; BLOCK];
    let mut found = Vec::new();
    let mut start = rows.start;
    while start < rows.end {
        check();
        let end = rows.end.min(start + BLOCK);
        let marks = &mut marks[..end - start];
        let any = widest(
            #[inline(always)]
            || {
                marks.fill(1);
                mark(x, window.x, start..end, marks);
                mark(y, window.y, start..end, marks);
                marks.iter().fold(0, |any, mark| any | mark) > 0
            },
        );
        if any {
            found.clear();
            let marked = marks.iter().enumerate().filter(|(_, mark)| **mark > 0).map(|(i, _)| start + i);
            found.extend(marked.map(|row| (row as u32, x.at(row), y.at(row))).filter(|&(_, x, y)| window.contains((x, y))));
            if !each(&found) {
                return;
            }
        }
        start = end;
    }
}

/// The rows inside a window, ascending, or `None` as soon as there turn out to be more than `limit` (or the axes differ in length).
#[must_use]
pub fn select_window(x: Positions<'_>, y: Positions<'_>, window: Window, limit: usize) -> Option<Vec<u32>> {
    let rows = x.len();
    if y.len() != rows || u32::try_from(rows).is_err() {
        return None;
    }
    let total = AtomicUsize::new(0);
    let parts = map_rows(rows, |rows| {
        let mut inside = Vec::new();
        within(&x, &y, window, rows, |found| {
            inside.extend(found.iter().map(|(row, _, _)| *row));
            total.fetch_add(found.len(), Ordering::Relaxed) + found.len() <= limit
        });
        inside
    });
    (total.into_inner() <= limit).then(|| parts.concat())
}

/// The same out of an index, which reads only what the window touches.
#[must_use]
pub fn select_window_cloud(cloud: &Cloud<'_>, window: Window, limit: usize) -> Option<Vec<u32>> {
    if cloud.surely_within(window.x, window.y) > limit {
        return None;
    }
    let blocks = cloud.blocks(window.x, window.y);
    let total = AtomicUsize::new(0);
    let parts = map_pieces(&blocks, |rows| {
        if total.load(Ordering::Relaxed) > limit {
            return Vec::new();
        }
        let inside: Vec<u32> =
            near(cloud, window, rows).filter(|near| near.is_in(cloud, &Shape::Window(window))).map(|near| near.row).collect();
        total.fetch_add(inside.len(), Ordering::Relaxed);
        inside
    });
    (total.into_inner() <= limit).then(|| {
        let mut rows = parts.concat();
        rows.sort_unstable();
        rows
    })
}

/// The smallest window around some shapes.
fn bounds_of(shapes: &[Shape]) -> Option<Window> {
    let union = |a: Window, b: Window| Window { x: (a.x.0.min(b.x.0), a.x.1.max(b.x.1)), y: (a.y.0.min(b.y.0), a.y.1.max(b.y.1)) };
    shapes.iter().map(Shape::bounds).reduce(union)
}

impl Selected {
    fn none(classes: Option<Classes<'_>>) -> Self {
        Self { by_group: vec![0; classes.map_or(1, |classes| classes.grouping.len())], ..Self::default() }
    }

    fn add(&mut self, row: u32, group: usize) {
        self.rows += 1;
        self.by_group[group] += 1;
        self.first.push(row);
    }

    /// Takes over the rows of another part, and keeps the least row numbers of both.
    fn join(mut self, other: Self, keep: usize) -> Self {
        self.rows += other.rows;
        self.by_group.iter_mut().zip(other.by_group).for_each(|(sum, count)| *sum += count);
        self.first.extend(other.first);
        self.trim(keep);
        self
    }

    fn trim(&mut self, keep: usize) {
        self.first.sort_unstable();
        self.first.truncate(keep);
    }
}

/// The rows inside any of the shapes: how many there are, in all and in each group, and the first `keep` of them.
///
/// Nothing is selected where the axes or the classes differ in length.
#[must_use]
pub fn select(x: Positions<'_>, y: Positions<'_>, shapes: &[Shape], classes: Option<Classes<'_>>, keep: usize) -> Selected {
    let rows = x.len();
    let fits = y.len() == rows && u32::try_from(rows).is_ok() && classes.is_none_or(|classes| classes.len() == rows);
    let Some(bounds) = bounds_of(shapes).filter(|_| fits) else { return Selected::none(classes) };
    let parts = map_rows(rows, |rows| {
        let mut part = Selected::none(classes);
        within(&x, &y, bounds, rows, |found| {
            for &(row, x, y) in found.iter().filter(|(_, x, y)| shapes.iter().any(|shape| shape.contains((*x, *y)))) {
                debug_assert!((x - y).is_finite());
                part.add(row, classes.map_or(0, |classes| classes.group_at(row as usize)));
            }
            if part.first.len() > 2 * keep {
                part.trim(keep);
            }
            true
        });
        part
    });
    parts.into_iter().fold(Selected::none(classes), |all, part| all.join(part, keep))
}

/// The same out of an index, whose order the classes are in.
#[must_use]
pub fn select_cloud(cloud: &Cloud<'_>, shapes: &[Shape], classes: Option<Classes<'_>>, keep: usize) -> Selected {
    let fits = classes.is_none_or(|classes| classes.len() == cloud.len());
    let Some(bounds) = bounds_of(shapes).filter(|_| fits) else { return Selected::none(classes) };
    let blocks = cloud.blocks(bounds.x, bounds.y);
    let parts = map_pieces(&blocks, |rows| {
        let mut part = Selected::none(classes);
        for near in near(cloud, bounds, rows) {
            if shapes.iter().any(|shape| near.is_in(cloud, shape)) {
                part.add(near.row, classes.map_or(0, |classes| classes.group_at(near.entry)));
            }
        }
        part.trim(keep);
        part
    });
    parts.into_iter().fold(Selected::none(classes), |all, part| all.join(part, keep))
}

/// [`map_rows`] over blocks of an index.
fn map_pieces<T: Send>(blocks: &[Range<usize>], work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let rows = blocks.iter().map(ExactSizeIterator::len).sum();
    map_items(blocks.len(), rows, |block| work(blocks[block].clone()))
}

/// An entry of an index that may be in a window, and about where it is.
struct Near {
    entry: usize,
    row: u32,
    at: (f64, f64),
    /// How far it may be from there.
    slack: (f64, f64),
}

impl Near {
    fn is_in(&self, cloud: &Cloud<'_>, shape: &Shape) -> bool {
        let exactly = || shape.contains((cloud.x.at(self.row as usize), cloud.y.at(self.row as usize)));
        shape.surely_contains(self.at, self.slack).unwrap_or_else(exactly)
    }
}

/// The entries of a block whose upper halves do not say that they are outside.
fn near(cloud: &Cloud<'_>, window: Window, block: Range<usize>) -> impl Iterator<Item = Near> {
    let (along_x, along_y) = (cloud.along_x(), cloud.along_y());
    let ((x0, x1), (y0, y1)) = (along_x.coding.halves(window.x), along_y.coding.halves(window.y));
    let step = |along: &crate::cloud::Along<'_>| {
        // Twice the step of a code, and what rounding may add to it.
        (along.coding.high - along.coding.low) * 2.0 / 4_294_967_296.0 + along.coding.low.abs().max(along.coding.high.abs()) * 1e-15
    };
    let slack = (step(&along_x), step(&along_y));
    // A code that stands for all that is far says nothing of where that is.
    let (cut_x, cut_y) = (along_x.coding.is_cut(), along_y.coding.is_cut());
    let slack_of = |half: i32, (below, above): (bool, bool), slack: f64| {
        if (below && half == 0) || (above && half == 0xffff) { f64::INFINITY } else { slack }
    };
    let place = |along: &crate::cloud::Along<'_>, entry: usize| {
        let per_unit = along.coding.per_unit();
        if per_unit > 0.0 { along.coding.low + along.code(entry) as f64 / per_unit } else { along.coding.low }
    };
    block.filter_map(move |entry| {
        let halves = along_x.parts.upper[entry];
        let (x, y) = ((halves & 0xffff) as i32, (halves >> 16) as i32);
        (x >= x0 && x <= x1 && y >= y0 && y <= y1).then(|| Near {
            entry,
            row: along_x.parts.rows[entry],
            at: (place(&along_x, entry), place(&along_y, entry)),
            slack: (slack_of(x, cut_x, slack.0), slack_of(y, cut_y, slack.1)),
        })
    })
}

/// How many rows have a place on both axes.
#[must_use]
pub fn count_placed(x: Positions<'_>, y: Positions<'_>) -> u64 {
    let parts = map_rows(x.len().min(y.len()), |rows| rows.filter(|&row| (x.at(row) - y.at(row)).is_finite()).count() as u64);
    parts.into_iter().sum()
}
