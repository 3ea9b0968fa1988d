//! Boxes and violins.

use super::{AddRow, Common, Curve, GroupSpread, Small};
use crate::array;
use crate::axis::{Axis, AxisKind};
use crate::classes::Classes;
use crate::drawing::Cell;
use crate::extend::Extended;
use crate::layout::{axis_suffix, legend_label};
use crate::picture::{Canvas, Marks, Panel};
use crate::text;
use crate::theme::{Colour, Symbol};
use labboard_frame::quartiles::Quartiles;
use plotly::box_plot::BoxPoints;
use plotly::common::{Fill, HoverInfo, Line, Marker, Mode};
use plotly::{BoxPlot, Scatter};
use serde_json::{Value, json};

/// Shares of the room of a class: a box, a box inside a violin, half of a violin at its widest.
const BOX: f64 = 0.56;
const INNER_BOX: f64 = 0.1;
const HALF_VIOLIN: f64 = 0.43;

/// How a feature's values are spread in each class.
pub(super) struct Boxes {
    kind: AxisKind,
    of_class: Vec<Option<GroupSpread>>,
    labels: Vec<String>,
}

impl Boxes {
    pub(super) fn of(groups: &[Option<GroupSpread>], date: bool, classes: Option<&Classes>) -> Self {
        let mut of_class = vec![None; classes.map_or(1, Classes::len).max(1)];
        for (plane, group) in groups.iter().enumerate() {
            let class = classes.map_or(Some(0), |classes| classes.of(plane as u32));
            if let Some(place) = class.and_then(|class| of_class.get_mut(class)) {
                place.clone_from(group);
            }
        }
        let labels = match classes {
            Some(classes) => classes.all().iter().map(|class| class.label.clone()).collect(),
            None => vec!["all rows".to_owned()],
        };
        Self { kind: if date { AxisKind::Date } else { AxisKind::Linear }, of_class, labels }
    }

    fn present(&self) -> impl Iterator<Item = (usize, &GroupSpread)> {
        self.of_class.iter().enumerate().filter_map(|(class, group)| Some((class, group.as_ref()?)))
    }
}

/// The outline of a violin around a class's place, from the least value to the greatest: up its right side, down its left. All violins
/// are as wide at their widest.
fn outline(group: &GroupSpread, curve: &Curve, class: usize) -> Vec<(f64, f64)> {
    let scale = HALF_VIOLIN / curve.heights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let Quartiles { min, max, .. } = group.quartiles;
    let middle = |bin: usize| curve.low + (bin as f64 + 0.5) * curve.width;
    let height =
        |value: f64| curve.heights.get(((value - curve.low) / curve.width) as usize).or(curve.heights.last()).copied().unwrap_or(0.0);
    let between = (0..curve.heights.len()).map(middle).filter(|value| (min..max).contains(value));
    let values: Vec<f64> = [min].into_iter().chain(between).chain([max]).collect();
    let side = |side: f64| move |&value: &f64| (class as f64 + side * height(value) * scale, value);
    let mut points: Vec<(f64, f64)> = values.iter().map(side(1.0)).chain(values.iter().rev().map(side(-1.0))).collect();
    points.extend(points.first().copied());
    points
}

/// The least and the greatest value, if they lie beyond the whiskers.
fn extremes(quartiles: &Quartiles) -> impl Iterator<Item = f64> {
    let &Quartiles { min, max, whiskers: (low, high), .. } = quartiles;
    [(min < low).then_some(min), (max > high).then_some(max)].into_iter().flatten()
}

impl Small for Boxes {
    fn rows_of(&self, class: usize) -> u64 {
        self.of_class.get(class).and_then(Option::as_ref).map_or(0, |group| group.quartiles.rows)
    }

    fn shapes(&self) -> usize {
        self.of_class.len()
    }

    fn axes(&self, _: &Common<'_>, width: f64) -> (Axis, Axis) {
        let ends = self.present().flat_map(|(_, group)| [group.quartiles.min, group.quartiles.max]);
        (Axis::category("", &self.labels).across(width), Axis::around("", self.kind, ends))
    }

    fn traces(&self, _: &str, common: &Common<'_>, index: usize, (_, y): (&Axis, &Axis)) -> Vec<Extended> {
        let (suffix, theme) = (axis_suffix(index), common.style.theme);
        let (x_axis, y_axis) = (format!("x{suffix}"), format!("y{suffix}"));
        let mut traces = Vec::new();
        for (class, group) in self.present() {
            let (quartiles, colour) = (&group.quartiles, theme.hex(common.colour(class)));
            let entry = common.legend.get(class).map_or_else(String::new, |entry| text::text(&legend_label(entry)));
            if let Some(curve) = &group.curve {
                let base = Scatter::<f64, f64>::new(vec![], vec![])
                    .mode(Mode::Lines)
                    .fill(Fill::ToSelf)
                    .name(&entry)
                    .legend_group(class.to_string())
                    .show_legend(index == 0)
                    .hover_info(HoverInfo::Skip)
                    .line(Line::new().width(1.2).color(colour.clone()))
                    .x_axis(&x_axis)
                    .y_axis(&y_axis);
                let (xs, ys): (Vec<f64>, Vec<f64>) = outline(group, curve, class).into_iter().unzip();
                let xs: Vec<f64> = xs.into_iter().map(|x| (x * 1e4).round() / 1e4).collect();
                traces
                    .push(Extended::new(&base).set("x", json!(xs)).set("y", y.data(&ys, 2_000.0)).set("fillcolor", format!("{colour}73")));
            }
            let violin = group.curve.is_some();
            let line = if violin { theme.hex(Colour::Ink2) } else { colour.clone() };
            let base = BoxPlot::<f64, f64>::new(vec![])
                .name(&entry)
                .legend_group(class.to_string())
                .show_legend(index == 0 && !violin)
                .box_points(BoxPoints::Outliers)
                .jitter(0.0)
                .point_pos(0.0)
                .whisker_width(if violin { 0.0 } else { 0.5 })
                .marker(Marker::new().size(4).color(colour.clone()))
                .line(Line::new().width(1.4).color(line))
                .fill_color(if violin { theme.hex(Colour::Surface) } else { format!("{colour}40") })
                .x_axis(&x_axis)
                .y_axis(&y_axis);
            let exact = |values: &[f64]| match self.kind {
                AxisKind::Date => array::dates(values),
                _ => array::numbers(values, array::Precision::Exact),
            };
            let marks: Vec<f64> = extremes(quartiles).collect();
            let drawn = Extended::new(&base);
            // Without a mark plotly.js would leave the box out too.
            let drawn = if marks.is_empty() { drawn } else { drawn.set("y", Value::Array(vec![exact(&marks)])) };
            traces.push(
                drawn
                    .set("orientation", "v")
                    .set("x", json!([class]))
                    .set("q1", exact(&[quartiles.q1]))
                    .set("median", exact(&[quartiles.median]))
                    .set("q3", exact(&[quartiles.q3]))
                    .set("lowerfence", exact(&[quartiles.whiskers.0]))
                    .set("upperfence", exact(&[quartiles.whiskers.1]))
                    .set("width", if violin { INNER_BOX } else { BOX })
                    .set("hoverinfo", "y"),
            );
        }
        traces
    }

    fn paint(&self, canvas: &mut Canvas, panel: Panel, (x, y): (&Axis, &Axis), common: &Common<'_>, _: bool) {
        for (class, group) in self.present() {
            let (quartiles, colour) = (&group.quartiles, common.colour(class));
            let place = |share: f64, value: f64| panel.place(x, y, (class as f64 + share, value));
            let (mut half, mut line) = (BOX / 2.0, colour);
            if let Some(curve) = &group.curve {
                let points: Vec<(f64, f64)> = outline(group, curve, class).into_iter().map(|point| panel.place(x, y, point)).collect();
                canvas.area(&points, colour.into(), 0.45);
                canvas.line(&points, colour.into(), 1.2, "");
                (half, line) = (INNER_BOX / 2.0, Colour::Ink2);
            }
            let corners = [(-half, quartiles.q1), (half, quartiles.q1), (half, quartiles.q3), (-half, quartiles.q3), (-half, quartiles.q1)];
            let corners = corners.map(|(share, value)| place(share, value));
            if group.curve.is_some() {
                canvas.area(&corners, Colour::Surface.into(), 1.0);
            } else {
                canvas.area(&corners, colour.into(), 0.25);
            }
            let mut stroke = |points: &[(f64, f64)]| canvas.line(points, line.into(), 1.4, "");
            stroke(&corners);
            stroke(&[place(-half, quartiles.median), place(half, quartiles.median)]);
            for (from, to) in [(quartiles.q1, quartiles.whiskers.0), (quartiles.q3, quartiles.whiskers.1)] {
                stroke(&[place(0.0, from), place(0.0, to)]);
                if group.curve.is_none() {
                    stroke(&[place(-half / 2.0, to), place(half / 2.0, to)]);
                }
            }
            let points = extremes(quartiles).map(|value| place(0.0, value)).collect();
            canvas.marks(panel, &[Marks { paint: colour.into(), symbol: Symbol::Circle, size: 4.0, points }], 1.0);
        }
    }

    fn table(&self, add: &mut AddRow<'_>) {
        let cell = if self.kind == AxisKind::Date { Cell::date } else { Cell::number };
        for (class, group) in self.present() {
            let Quartiles { rows, min, q1, median, q3, max, .. } = group.quartiles;
            add("all".to_owned(), Some(class), rows, Some([min, q1, median, q3, max].map(cell)));
        }
    }

    fn gist(&self) -> String {
        let axis = Axis::exact("", self.kind, [0.0, 1.0]);
        match self.present().max_by_key(|(class, group)| (group.quartiles.rows, std::cmp::Reverse(*class))) {
            Some((class, GroupSpread { quartiles, .. })) => {
                let [q1, median, q3] = [quartiles.q1, quartiles.median, quartiles.q3].map(|value| axis.reading(value));
                let several = self.present().nth(1).is_some();
                let whose = if several { format!(" in {}", text::quoted(&self.labels[class])) } else { String::new() };
                format!("has its median at {median}{whose}, half of the values from {q1} to {q3}")
            }
            None => "has no values".to_owned(),
        }
    }
}
