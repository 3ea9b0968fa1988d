//! Histograms and bars.

use super::{AddRow, Common, Places, Small, Together};
use crate::array;
use crate::axis::{Axis, AxisKind};
use crate::classes::Classes;
use crate::extend::Extended;
use crate::layout::{axis_suffix, legend_label};
use crate::picture::{Canvas, Panel};
use crate::text;
use crate::theme::Colour;
use plotly::Bar;
use plotly::common::{Line, Marker};
use serde_json::json;

/// The most bars of a categorical feature.
pub const MOST_BARS: usize = 20;

/// The places and each class's counts there.
pub(super) struct Bars {
    /// The edges of bins, in axis units.
    edges: Vec<f64>,
    kind: AxisKind,
    /// The labels of bars; the last may stand for the rest.
    labels: Vec<String>,
    counts: Vec<Vec<u64>>,
}

impl Bars {
    pub(super) fn of(places: Places<'_>, planes_of_counts: &[u64], classes: Option<&Classes>, planes: usize) -> Self {
        let n = places.len();
        let mut counts = vec![vec![0_u64; n]; classes.map_or(1, Classes::len).max(1)];
        for plane in 0..planes {
            let class = classes.map_or(Some(0), |c| c.of(plane as u32));
            let Some(class) = class.and_then(|c| counts.get_mut(c)) else {
                continue;
            };
            for (sum, &count) in class.iter_mut().zip(planes_of_counts.iter().skip(plane * n)) {
                *sum += count;
            }
        }
        let mut bars = Self { edges: Vec::new(), kind: AxisKind::Category, labels: Vec::new(), counts };
        match places {
            Places::Bins { edges, date } => {
                bars.edges = edges.to_vec();
                bars.kind = if date { AxisKind::Date } else { AxisKind::Linear };
            }
            Places::Levels(levels) => bars.keep(levels),
        }
        bars
    }

    /// Keeps the most frequent levels in their order and counts the others together.
    fn keep(&mut self, levels: &[String]) {
        self.labels = levels.to_vec();
        if levels.len() <= MOST_BARS {
            return;
        }
        let total = |place: usize| self.counts.iter().map(|c| c[place]).sum::<u64>();
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.sort_by_key(|&l| (std::cmp::Reverse(total(l)), l));
        let (kept, rest) = order.split_at_mut(MOST_BARS - 1);
        kept.sort_unstable();
        for counts in &mut self.counts {
            let mut bars: Vec<u64> = kept.iter().map(|&l| counts[l]).collect();
            bars.push(rest.iter().map(|&l| counts[l]).sum());
            *counts = bars;
        }
        self.labels = kept.iter().map(|&l| levels[l].clone()).collect();
        self.labels.push(format!("{} others", text::count(rest.len() as u64)));
    }

    fn places(&self) -> usize {
        self.counts.first().map_or(0, Vec::len)
    }

    fn total(&self, place: usize) -> u64 {
        self.counts.iter().map(|c| c[place]).sum()
    }

    /// The middle and the width of a place, in axis units.
    fn middle(&self, place: usize) -> (f64, f64) {
        match self.kind {
            AxisKind::Category => (place as f64, 0.8),
            _ => {
                let (from, to) = (self.edges[place], self.edges[place + 1]);
                (from + (to - from) / 2.0, to - from)
            }
        }
    }

    fn place_name(&self, place: usize) -> String {
        match self.kind {
            AxisKind::Category => text::quoted(&self.labels[place]),
            kind => {
                let axis = Axis::exact("", kind, [0.0, 1.0]);
                format!("{} to {}", axis.reading(self.edges[place]), axis.reading(self.edges[place + 1]))
            }
        }
    }

    fn trace(&self, name: &str, common: &Common<'_>, index: usize, class: usize, axis: &Axis) -> Extended {
        let (suffix, counts, theme) = (axis_suffix(index), &self.counts[class], common.style.theme);
        let edge = Line::new().width(0.5).color(theme.hex(Colour::Surface));
        let marker = Marker::new().color(theme.hex(common.colour(class))).line(edge);
        let mut base = Bar::<f64, f64>::new(vec![], vec![])
            .marker(marker)
            .opacity(self.opacity(common.together))
            .x_axis(format!("x{suffix}"))
            .y_axis(format!("y{suffix}"))
            .show_legend(index == 0);
        if let Some(entry) = common.legend.get(class) {
            base = base.name(text::text(&legend_label(entry))).legend_group(class.to_string());
        }
        let (at, widths): (Vec<f64>, Vec<f64>) = (0..counts.len()).map(|place| self.middle(place)).unzip();
        let names: Vec<String> = (0..counts.len()).map(|place| text::text(&self.place_name(place))).collect();
        let label = common.label(class);
        let trace = Extended::new(&base)
            .set(
                "x",
                match self.kind {
                    AxisKind::Date => array::dates(&at),
                    _ => array::numbers(&at, axis.precision(1000.0)),
                },
            )
            .set("y", json!(counts))
            .set("hovertext", json!(names))
            .set("hovertemplate", format!("{}: %{{hovertext}}<br>%{{y}} rows<extra>{label}</extra>", text::text(&text::shorten(name, 40))));
        if common.together == Together::Group { trace } else { trace.set("width", json!(widths)) }
    }

    fn opacity(&self, together: Together) -> f64 {
        if together == Together::Overlay && self.counts.len() > 1 { 0.55 } else { 1.0 }
    }
}

impl Small for Bars {
    fn rows_of(&self, class: usize) -> u64 {
        self.counts.get(class).map_or(0, |counts| counts.iter().sum())
    }

    fn shapes(&self) -> usize {
        self.places() * self.counts.len()
    }

    fn axes(&self, common: &Common<'_>, width: f64) -> (Axis, Axis) {
        let x = match self.kind {
            AxisKind::Category => Axis::category("", &self.labels),
            kind => match (self.edges.first(), self.edges.last()) {
                (Some(&low), Some(&high)) if high > low => Axis::exact("", kind, [low, high]),
                _ => Axis::around("", kind, self.edges.iter().copied()),
            },
        };
        let highest = (0..self.places())
            .map(|place| match common.together {
                Together::Stack => self.total(place),
                _ => self.counts.iter().map(|c| c[place]).max().unwrap_or(0),
            })
            .max()
            .unwrap_or(0);
        let y = Axis::exact("", AxisKind::Linear, [0.0, highest.max(1) as f64 * 1.06]);
        (x.across(width), y)
    }

    fn traces(&self, name: &str, common: &Common<'_>, index: usize, (x, _): (&Axis, &Axis)) -> Vec<Extended> {
        (0..self.counts.len()).map(|class| self.trace(name, common, index, class, x)).collect()
    }

    fn paint(&self, canvas: &mut Canvas, panel: Panel, (x, y): (&Axis, &Axis), common: &Common<'_>, by_class: bool) {
        let mut rects: Vec<Vec<(f64, f64, f64, f64)>> = vec![Vec::new(); self.counts.len()];
        for place in 0..self.places() {
            let (middle, width) = self.middle(place);
            let mut add = |class: usize, from: u64, to: u64, left: f64, width: f64| {
                let (x0, top) = panel.place(x, y, (left, to as f64));
                let (x1, bottom) = panel.place(x, y, (left + width, from as f64));
                let gap = if x1 - x0 > 5.0 { 1.0 } else { 0.0 };
                rects[class].push((x0, top, x1 - x0 - gap, bottom - top));
            };
            let left = middle - width / 2.0;
            if !by_class {
                add(0, 0, self.total(place), left, width);
                continue;
            }
            let (mut below, share) = (0, width / self.counts.len() as f64);
            for (class, counts) in self.counts.iter().enumerate() {
                let count = counts[place];
                match common.together {
                    Together::Stack => add(class, below, below + count, left, width),
                    Together::Overlay => add(class, 0, count, left, width),
                    Together::Group => add(class, 0, count, left + share * class as f64, share),
                }
                below += count;
            }
        }
        for (class, rects) in rects.iter().enumerate() {
            let colour = if by_class { common.colour(class) } else { Colour::Cat1 };
            canvas.rects(rects, colour.into(), self.opacity(common.together));
        }
    }

    fn table(&self, add: &mut AddRow<'_>) {
        for place in 0..self.places() {
            for (class, counts) in self.counts.iter().enumerate() {
                if counts[place] > 0 || self.counts.len() == 1 {
                    add(self.place_name(place), Some(class), counts[place], None);
                }
            }
        }
    }

    fn gist(&self) -> String {
        let shown: u64 = self.counts.iter().flatten().sum();
        match (0..self.places()).max_by_key(|&place| (self.total(place), std::cmp::Reverse(place))) {
            Some(most) if self.total(most) > 0 => {
                let share = text::percent(self.total(most) as f64 / shown.max(1) as f64);
                let word = if self.kind == AxisKind::Category { "most often" } else { "mostly" };
                format!("is {word} {} ({share})", self.place_name(most))
            }
            _ => "has no values".to_owned(),
        }
    }
}
