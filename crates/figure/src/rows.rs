//! Charts with a labelled row for each item and a mark for each run: a page of the items, and counts in place of marks that are too many.

use crate::array;
use crate::axis::{Axis, AxisKind, Window};
use crate::drawing::LegendEntry;
use crate::extend::Extended;
use crate::layout::{Area, COLOUR_BAR, Frame, Margins, ROW, Sheet, Style, colour_bar, colour_scale};
use crate::picture::{Canvas, Marks, Panel};
use crate::scatter::CANVAS_ABOVE;
use crate::text;
use crate::theme::{Colour, Paint, Scale, Symbol};
use plotly::common::{HoverInfo, Line, Marker, Mode};
use plotly::{HeatMap, Scatter};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::Range;

/// The most items of a chart; the others are on its next pages.
pub const PAGE: usize = 40;
/// The most marks; of more, runs are counted in cells until a window has few enough.
pub const MOST_MARKS: usize = 20_000;
/// The most characters of an item's label.
pub(crate) const LABEL: usize = 30;
pub(crate) const SIZE: usize = 9;
/// The width of a cell and the space between two rows of them, in px.
const CELL: f64 = 6.0;
const CELL_GAP: f64 = 9.0;
/// Cells of the picture are so many times as wide, in this many colours.
const PICTURE_CELLS: usize = 3;
const PICTURE_STEPS: usize = 12;

/// What part of a chart is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// From 0; a page beyond the last is the last.
    pub page: usize,
    /// Where people have zoomed in the page, in values and rows; infinite where they have not.
    pub window: Option<Window>,
}

impl View {
    pub const WHOLE: Self = Self { page: 0, window: None };

    /// The items of the page out of so many.
    pub(crate) fn items(&self, all: usize) -> Range<usize> {
        let page = self.page.min(all.saturating_sub(1) / PAGE);
        page * PAGE..all.min((page + 1) * PAGE)
    }
}

/// A page of the items, and the runs on it.
pub(crate) struct Page<'a, T> {
    /// Of all items.
    pub items: Range<usize>,
    pub runs: Vec<&'a T>,
    /// Each run's value and row.
    pub points: Vec<(f64, usize)>,
    all: usize,
}

impl<'a, T> Page<'a, T> {
    /// `ids` are those of all items, in order; `place` says a run's value and its item.
    pub(crate) fn of(view: View, ids: &[u64], runs: &[&'a T], place: impl Fn(&T) -> (f64, u64)) -> Self {
        let items = view.items(ids.len());
        let row_of: HashMap<u64, usize> = ids[items.clone()].iter().enumerate().map(|(row, id)| (*id, row)).collect();
        let on_page = runs.iter().filter_map(|run| {
            let (value, item) = place(run);
            Some((*run, (value, *row_of.get(&item)?)))
        });
        let (runs, points) = on_page.unzip();
        Self { items, runs, points, all: ids.len() }
    }

    /// Which items these are, for the provenance; nothing if they are all.
    pub(crate) fn words(&self, what: &str) -> String {
        if self.items.len() == self.all {
            return String::new();
        }
        format!("{what} {} to {} of {}, ", self.items.start + 1, self.items.end, text::count(self.all as u64))
    }
}

/// The pages for so many items: a number for [`View::page`] and words; none where one is enough.
pub fn pages(items: usize) -> Vec<(usize, String)> {
    if items <= PAGE {
        return Vec::new();
    }
    (0..items.div_ceil(PAGE))
        .map(|page| {
            (
                page,
                format!(
                    "{}–{} of {}",
                    text::count((page * PAGE + 1) as u64),
                    text::count(items.min((page + 1) * PAGE) as u64),
                    text::count(items as u64)
                ),
            )
        })
        .collect()
}

/// How runs are shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Detail {
    /// A mark for each of these.
    Marks(Vec<usize>),
    /// Counts in cells.
    Cells,
}

/// The frame and the axes: values on top, items down the side.
pub(crate) struct RowChart {
    pub frame: Frame,
    pub x: Axis,
    pub y: Axis,
    /// Both axes before anybody zoomed, where a zoom is worth asking again for.
    refine: Option<[f64; 4]>,
    pub detail: Detail,
}

impl RowChart {
    /// For runs at (value, row); `colours` makes room for a colour bar.
    pub(crate) fn new(
        style: &Style,
        labels: &[String],
        measure: &str,
        points: &[(f64, usize)],
        view: View,
        legend: &[LegendEntry],
        colours: bool,
    ) -> Self {
        let widest = labels.iter().map(|l| l.chars().count()).max().unwrap_or(0).min(LABEL + 4);
        // On a narrow screen the labels get less than half.
        let left = (widest as f64 * 7.0 + 16.0).clamp(60.0, (f64::from(style.width) * 0.42).max(60.0));
        let chars = ((left - 16.0) / 7.0) as usize;
        let height = labels.len() as f64 * ROW;
        let mut x = Axis::around(measure, AxisKind::Linear, points.iter().map(|point| point.0));
        let mut y = Axis::category("", labels).reversed().along(height, chars.max(4));

        let mut refine = None;
        let mut detail = Detail::Marks((0..points.len()).collect());
        if points.len() > MOST_MARKS {
            refine = Some([x.range[0], x.range[1], y.range[0], y.range[1]]);
            detail = Detail::Cells;
            if let Some(window) = view.window {
                let within = |range: [f64; 2], at: f64| (range[0]..=range[1]).contains(&at);
                let inside = |point: &(f64, usize)| within(window.x, point.0) && within(window.y, point.1 as f64);
                let shown: Vec<usize> = points.iter().enumerate().filter(|(_, point)| inside(point)).map(|(i, _)| i).collect();
                if shown.len() <= MOST_MARKS {
                    detail = Detail::Marks(shown);
                }
                x = x.with_range(window.x);
                y = y.with_range([window.y[1], window.y[0]]);
            }
        }
        let right = if colours || detail == Detail::Cells { COLOUR_BAR } else { 20.0 };
        let margins = Margins { left, right, top: 46.0, bottom: 12.0 };
        let legend = if detail == Detail::Cells { &[] } else { legend };
        let frame = Frame::new(style, margins).with_legend(style, legend).with_plot_height(height.max(2.0 * ROW));
        Self { frame, x, y, refine, detail }
    }

    pub(crate) fn axes(&self, sheet: &mut Sheet<'_>) {
        sheet.axes(0, Area::WHOLE, &self.x, &self.y);
        sheet.set("xaxis.side", "top");
        if let Some(whole) = self.refine {
            sheet.set("meta.refine", json!(whole));
        }
    }

    /// Runs at (value, row) without colour; `texts` are plain.
    pub(crate) fn trace(&self, points: &[(f64, usize)], run_ids: &[u64], texts: &[String], all: usize, measure: &str) -> Extended {
        let base = Scatter::<f64, f64>::new(vec![], vec![])
            .web_gl_mode(all > CANVAS_ABOVE)
            .mode(Mode::Markers)
            .name("")
            .marker(Marker::new().size(SIZE).opacity(0.8));
        let values: Vec<f64> = points.iter().map(|p| p.0).collect();
        let rows: Vec<f64> = points.iter().map(|p| p.1 as f64).collect();
        let texts: Value = texts.iter().map(|t| text::text(t)).collect();
        Extended::new(&base)
            .set("x", self.x.data(&values, self.frame.plot_width()))
            .set("y", self.y.data(&rows, self.frame.plot_height()))
            .set("customdata", array::ids(run_ids))
            .set("text", texts)
            .set(
                "hovertemplate",
                format!("%{{text}}<br>{}: %{{x:.4g}}<br>run %{{customdata}}<extra></extra>", text::text(&text::shorten(measure, 40))),
            )
    }

    /// Rings around marks.
    pub(crate) fn rings(&self, points: &[(f64, usize)], style: &Style) -> Extended {
        let values: Vec<f64> = points.iter().map(|p| p.0).collect();
        let rows: Vec<f64> = points.iter().map(|p| p.1 as f64).collect();
        let base = Scatter::<f64, f64>::new(vec![], vec![])
            .mode(Mode::Markers)
            .name("new")
            .show_legend(false)
            .hover_info(HoverInfo::Skip)
            .marker(Marker::new().size(SIZE + 8).color(style.theme.hex(Colour::Accent)).line(Line::new().width(2.0)));
        Extended::new(&base)
            .set("marker.symbol", json!(Symbol::CircleOpen))
            .set("x", array::numbers(&values, array::Precision::Exact))
            .set("y", array::numbers(&rows, array::Precision::Exact))
    }

    pub(crate) fn places(&self, points: &[(f64, usize)]) -> Vec<(f64, f64)> {
        let panel = Panel::new(&self.frame, Area::WHOLE);
        points.iter().map(|&(v, row)| panel.place(&self.x, &self.y, (v, row as f64))).collect()
    }

    /// Counts of the runs in cells of the visible values, row by row.
    pub(crate) fn cells(&self, points: &[(f64, usize)], rows: usize) -> Cells {
        let columns = ((self.frame.plot_width() / CELL) as usize).clamp(PICTURE_CELLS, 400) / PICTURE_CELLS * PICTURE_CELLS;
        let mut counts = vec![0_u64; columns * rows];
        for &(value, row) in points {
            let at = self.x.fraction(value);
            if (0.0..=1.0).contains(&at) && row < rows {
                counts[row * columns + ((at * columns as f64) as usize).min(columns - 1)] += 1;
            }
        }
        Cells { columns, counts }
    }
}

/// Runs counted in cells, `counts[row * columns + column]`.
pub(crate) struct Cells {
    columns: usize,
    counts: Vec<u64>,
}

impl Cells {
    /// Runs in all cells.
    pub(crate) fn runs(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn most(&self) -> f64 {
        (self.counts.iter().copied().max().unwrap_or(1).max(2) as f64).log10()
    }

    /// A strip for each row, coloured by the logarithm of the counts.
    pub(crate) fn trace(&self, chart: &RowChart, style: &Style) -> Extended {
        let [low, high] = chart.x.range;
        let width = (high - low) / self.columns as f64;
        let colour = |count: &u64| if *count > 0 { json!((((*count as f64).log10()) * 1e3).round() / 1e3) } else { Value::Null };
        let table = |cell: &dyn Fn(&u64) -> Value| -> Value {
            self.counts.chunks(self.columns).map(|row| row.iter().map(cell).collect::<Value>()).collect()
        };
        let mut bar = colour_bar(style.theme, "runs in a cell");
        let decades: Vec<i32> = (0..=self.most().floor() as i32).collect();
        bar["ticktext"] = decades.iter().map(|&decade| text::number(10_f64.powi(decade), 3)).collect();
        bar["tickvals"] = json!(decades);
        let base = HeatMap::<f64, f64, f64>::new(vec![], vec![], vec![]).show_legend(false).name("");
        Extended::new(&base)
            .set("x0", low + width / 2.0)
            .set("dx", width)
            .set("y0", 0)
            .set("dy", 1)
            .set("x", Value::Null)
            .set("y", Value::Null)
            .set("z", table(&colour))
            .set("text", table(&|count| json!(count)))
            .set("zmin", 0)
            .set("zmax", self.most())
            .set("ygap", CELL_GAP)
            .set("hoverongaps", false)
            .set("colorscale", colour_scale(style.theme, Scale::Sequential))
            .set("colorbar", bar)
            .set("hovertemplate", "%{text} runs near %{x:.4g}<extra></extra>")
    }

    /// The same in the picture.
    pub(crate) fn paint(&self, canvas: &mut Canvas, panel: Panel, chart: &RowChart) {
        let most = self.most();
        let columns = self.columns / PICTURE_CELLS;
        let width = panel.width / columns as f64;
        let mut steps = vec![Vec::new(); PICTURE_STEPS];
        for (row, counts) in self.counts.chunks(self.columns).enumerate() {
            let (_, middle) = panel.place(&chart.x, &chart.y, (chart.x.range[0], row as f64));
            for (column, counts) in counts.chunks(PICTURE_CELLS).enumerate() {
                let count = counts.iter().copied().max().unwrap_or(0);
                if count > 0 && (panel.top..panel.top + panel.height).contains(&middle) {
                    let step = ((count as f64).log10() / most * PICTURE_STEPS as f64) as usize;
                    let (left, height) = (panel.left + column as f64 * width, ROW - CELL_GAP);
                    steps[step.min(PICTURE_STEPS - 1)].push((left, middle - height / 2.0, width, height));
                }
            }
        }
        for (step, rects) in steps.iter().enumerate() {
            canvas.rects(rects, Paint::sequential((step as f64 + 0.5) / PICTURE_STEPS as f64), 1.0);
        }
    }
}

/// The index of the best run of each row that has one.
fn best_of(points: &[(f64, usize)], rows: usize, higher_is_better: bool) -> Vec<usize> {
    let mut best: Vec<Option<usize>> = vec![None; rows];
    for (at, &(value, row)) in points.iter().enumerate() {
        if best[row].is_none_or(|known| better(value, points[known].0, higher_is_better)) {
            best[row] = Some(at);
        }
    }
    best.into_iter().flatten().collect()
}

pub(crate) fn better(a: f64, b: f64, higher_is_better: bool) -> bool {
    if higher_is_better { a > b } else { a < b }
}

/// Draws the runs of a page as cells, with a mark for the best run of each row; returns how many runs are in the cells. `about` says a
/// run's id and the words about it.
pub(crate) fn draw_cells<T>(
    chart: &RowChart,
    (sheet, canvas, style): (&mut Sheet<'_>, &mut Canvas, &Style),
    page: &Page<'_, T>,
    (measure, higher_is_better): (&str, bool),
    about: impl Fn(&T) -> (u64, String),
) -> u64 {
    let cells = chart.cells(&page.points, page.items.len());
    let best = best_of(&page.points, page.items.len(), higher_is_better);
    let points: Vec<(f64, usize)> = best.iter().map(|&at| page.points[at]).collect();
    let (ids, texts): (Vec<u64>, Vec<String>) = best.iter().map(|&at| about(page.runs[at])).unzip();
    sheet.trace(&cells.trace(chart, style));
    sheet.trace(
        &chart
            .trace(&points, &ids, &texts, 0, measure)
            .set("name", "best")
            .set("showlegend", false)
            .set("marker.color", style.theme.hex(Colour::Ink))
            .set("marker.opacity", 1.0)
            .set("marker.symbol", json!(Symbol::Diamond)),
    );
    let panel = canvas.panel(Area::WHOLE);
    cells.paint(canvas, panel, chart);
    let points = chart.places(&points);
    canvas.marks(panel, &[Marks { paint: Colour::Ink.into(), symbol: Symbol::Diamond, size: SIZE as f64, points }], 1.0);
    cells.runs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_all_items() {
        assert!(pages(PAGE).is_empty());
        let labels: Vec<String> = pages(PAGE * 2 + 1).into_iter().map(|page| page.1).collect();
        assert_eq!(labels, ["1–40 of 81", "41–80 of 81", "81–81 of 81"]);
        let items = |page, all| View { page, ..View::WHOLE }.items(all);
        assert_eq!((items(0, 0), items(0, 3), items(1, 41), items(9, 41)), (0..0, 0..3, 40..41, 40..41));
    }

    #[test]
    fn every_run_is_in_a_cell_and_windows_have_marks_again() {
        let labels = ["a", "b"].map(str::to_owned);
        let points: Vec<(f64, usize)> = (0..50_000).map(|i| (f64::from(i % 1_000) / 1_000.0, (i % 2) as usize)).collect();
        let style = Style::default();
        let chart = |window| RowChart::new(&style, &labels, "m", &points, View { page: 0, window }, &[], false);
        let whole = chart(None);
        assert_eq!(whole.detail, Detail::Cells);
        let cells = whole.cells(&points, 2);
        assert_eq!(cells.runs(), 50_000);
        let trace = Value::Object(crate::extend::object(&cells.trace(&whole, &style)));
        let z = trace["z"].as_array().unwrap();
        assert_eq!((z.len(), z[0].as_array().unwrap().len()), (2, cells.columns));

        let window = Window { x: [0.5, 0.6], y: [f64::NEG_INFINITY, f64::INFINITY] };
        let near = chart(Some(window));
        let Detail::Marks(shown) = near.detail else { panic!("a few thousand runs are marks") };
        assert_eq!(shown.len(), points.iter().filter(|point| (0.5..=0.6).contains(&point.0)).count());
        assert_eq!((near.x.range, near.y.range), ([0.5, 0.6], [1.5, -0.5]));
        assert!(near.refine.is_some() && chart(Some(Window { x: [0.0, 0.9], ..window })).detail == Detail::Cells);
    }
}
