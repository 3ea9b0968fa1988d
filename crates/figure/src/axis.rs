//! Axes: what is shown where, in the units that Plotly, the raster and the picture agree on.

use crate::array;
use crate::extend::{self, AxisTitle, Font};
use crate::text;
use crate::theme::{Colour, TITLE_SIZE, Theme};
use plotly::layout::{AxisRange, AxisType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How an axis maps values to places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AxisKind {
    Linear,
    Log,
    Date,
    Category,
}

/// An axis with its range in *axis units*: the value itself, its decimal logarithm on a logarithmic axis, milliseconds
/// since 1970-01-01 UTC on a date axis, the level's index on a category axis. A range may run backwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The feature's name as it stands in the data.
    pub title: String,
    pub kind: AxisKind,
    pub range: [f64; 2],
    /// The levels of a category axis, in their order.
    pub levels: Vec<String>,
    pub(crate) label_chars: usize,
    pub(crate) most_labels: usize,
}

/// A part of a plot in axis units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    pub x: [f64; 2],
    pub y: [f64; 2],
}

/// A place on an axis with its label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub at: f64,
    pub label: String,
}

const DAY: f64 = 86_400_000.0;
/// Room on either side of the values, as a share of their span.
const PADDING: f64 = 0.04;
/// The greatest number of labels on a category axis, and of characters in one.
const CATEGORY_TICKS: usize = 60;
const CATEGORY_LABEL: usize = 28;

impl Axis {
    /// An axis around the values, which are given in axis units.
    pub fn around(title: &str, kind: AxisKind, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) =
            values.into_iter().filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let range = if low > high {
            [0.0, 1.0]
        } else if low == high {
            let pad = match kind {
                AxisKind::Date => DAY,
                AxisKind::Log => 0.5,
                _ if low == 0.0 => 1.0,
                _ => low.abs() * 0.1,
            };
            [low - pad, high + pad]
        } else {
            let pad = (high - low) * PADDING;
            [low - pad, high + pad]
        };
        let range = if range.iter().all(|v| v.is_finite()) { range } else { [low, high] };
        Self::exact(title, kind, range)
    }

    /// An axis over all levels.
    pub fn category(title: &str, levels: &[String]) -> Self {
        let range = [-0.5, levels.len().max(1) as f64 - 0.5];
        Self { levels: levels.to_vec(), ..Self::exact(title, AxisKind::Category, range) }
    }

    /// An axis with a given range, in axis units.
    pub fn exact(title: &str, kind: AxisKind, range: [f64; 2]) -> Self {
        Self { title: title.to_owned(), kind, range, levels: Vec::new(), label_chars: CATEGORY_LABEL, most_labels: CATEGORY_TICKS }
    }

    /// The same axis for a horizontal place of so many px: its category labels are cut and thinned to fit side by side,
    /// because Plotly would turn them instead and run out of the fixed margin.
    #[must_use]
    pub fn across(mut self, pixels: f64) -> Self {
        let most = ((pixels / 46.0).max(1.0) as usize).min(CATEGORY_TICKS);
        let shown = self.levels.len().clamp(1, most);
        self.most_labels = most;
        self.label_chars = ((pixels / shown as f64 / 7.4) as usize).clamp(3, CATEGORY_LABEL);
        self
    }

    /// The same axis for a vertical place of so many px.
    #[must_use]
    pub fn along(mut self, pixels: f64, label_chars: usize) -> Self {
        self.most_labels = ((pixels / 16.0).max(1.0) as usize).min(400);
        self.label_chars = label_chars;
        self
    }

    /// The same axis with another range, unless that range is empty or not finite.
    #[must_use]
    pub fn with_range(mut self, range: [f64; 2]) -> Self {
        if range.iter().all(|v| v.is_finite()) && range[0] != range[1] {
            self.range = range;
        }
        self
    }

    /// The same axis, running backwards.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.range.reverse();
        self
    }

    /// A value in axis units; `None` where the axis has no place for it.
    pub fn coordinate(&self, value: f64) -> Option<f64> {
        let at = if self.kind == AxisKind::Log { value.log10() } else { value };
        at.is_finite().then_some(at)
    }

    /// Where a coordinate lies, 0 at the range's start and 1 at its end.
    pub fn fraction(&self, coordinate: f64) -> f64 {
        let span = self.range[1] - self.range[0];
        if span == 0.0 { 0.5 } else { (coordinate - self.range[0]) / span }
    }

    /// How exactly data on this axis must arrive when it is `pixels` long.
    pub(crate) fn precision(&self, pixels: f64) -> array::Precision {
        let per_pixel = (self.range[1] - self.range[0]).abs() / pixels.max(1.0);
        match self.kind {
            AxisKind::Log => array::Precision::Log { decades_per_pixel: per_pixel },
            AxisKind::Date => array::Precision::Exact,
            _ => array::Precision::Linear { per_pixel },
        }
    }

    /// Data for this axis: numbers, or strings where they are dates.
    pub(crate) fn data(&self, values: &[f64], pixels: f64) -> Value {
        match self.kind {
            AxisKind::Date => array::dates(values),
            _ => array::numbers(values, self.precision(pixels)),
        }
    }

    /// A coordinate as a layout attribute takes it.
    pub(crate) fn layout_value(&self, coordinate: f64) -> Value {
        match self.kind {
            AxisKind::Date => array::date(coordinate).map_or(Value::Null, Value::String),
            _ => array::number(coordinate, array::Precision::Exact),
        }
    }

    /// A coordinate for reading.
    pub fn reading(&self, coordinate: f64) -> String {
        match self.kind {
            AxisKind::Linear => text::number(coordinate, 4),
            AxisKind::Log => text::number(10_f64.powf(coordinate), 4),
            AxisKind::Date => array::date((coordinate / 1000.0).round() * 1000.0).unwrap_or_else(|| "–".to_owned()),
            AxisKind::Category => self.level(coordinate).map_or_else(|| "–".to_owned(), text::quoted),
        }
    }

    /// The level whose band holds the coordinate.
    pub(crate) fn level(&self, coordinate: f64) -> Option<&str> {
        let index = coordinate.round();
        if index < 0.0 {
            return None;
        }
        self.levels.get(index as usize).map(String::as_str)
    }

    /// The Plotly axis in the common look. Category axes are linear ones with labelled places, so that marks may lie beside
    /// their level and names stay text.
    pub(crate) fn plotly(&self, theme: Theme) -> Map<String, Value> {
        let mut axis = plotly::layout::Axis::new()
            .type_(match self.kind {
                AxisKind::Log => AxisType::Log,
                AxisKind::Date => AxisType::Date,
                AxisKind::Linear | AxisKind::Category => AxisType::Linear,
            })
            .auto_range(false)
            .auto_margin(false)
            .show_grid(true)
            .grid_color(theme.hex(Colour::Line))
            .zero_line(false);
        if self.kind == AxisKind::Category {
            let ticks = self.category_ticks(f64::NEG_INFINITY, f64::INFINITY);
            axis = axis.tick_values(ticks.iter().map(|t| t.at).collect()).tick_text(ticks.iter().map(|t| text::text(&t.label)).collect());
        }
        axis = match self.kind {
            AxisKind::Date => {
                let [from, to] = self.range.map(|at| array::date(at).unwrap_or_else(|| "1970-01-01".to_owned()));
                axis.range(AxisRange::new(from, to))
            }
            _ => axis.range(AxisRange::new(self.range[0], self.range[1])),
        };
        let mut map = extend::object(&axis);
        extend::insert(
            &mut map,
            "tickfont",
            Value::Object(extend::object(&Font {
                family: None,
                size: crate::theme::FONT_SIZE,
                color: theme.hex(Colour::Ink3),
                weight: None,
            })),
        );
        if !self.title.is_empty() {
            let title = AxisTitle {
                text: text::text(&text::shorten(&self.title, 80)),
                font: Font { family: None, size: TITLE_SIZE, color: theme.hex(Colour::Ink2), weight: Some(550) },
                standoff: 10.0,
            };
            extend::insert(&mut map, "title", Value::Object(extend::object(&title)));
        }
        map
    }

    /// Ticks in the range on an axis `pixels` long, about `spacing` px apart: on linear axes the
    /// steps that Plotly would choose.
    pub(crate) fn ticks(&self, pixels: f64, spacing: f64) -> Vec<Tick> {
        let (low, high) = (self.range[0].min(self.range[1]), self.range[0].max(self.range[1]));
        let rough = (high - low) / ((pixels / spacing).clamp(4.0, 9.0) + 1.0);
        match self.kind {
            AxisKind::Category => self.category_ticks(low, high),
            AxisKind::Linear => linear_ticks(low, high, rough),
            AxisKind::Log => log_ticks(low, high, rough),
            AxisKind::Date => date_ticks(low, high, rough),
        }
    }

    fn category_ticks(&self, low: f64, high: f64) -> Vec<Tick> {
        let step = self.levels.len().div_ceil(self.most_labels.max(1)).max(1);
        self.levels
            .iter()
            .enumerate()
            .step_by(step)
            .map(|(i, level)| Tick { at: i as f64, label: text::shorten(level, self.label_chars) })
            .filter(|tick| (low..=high).contains(&tick.at))
            .collect()
    }
}

fn linear_ticks(low: f64, high: f64, rough: f64) -> Vec<Tick> {
    if !(rough.is_finite() && rough > 0.0) {
        return Vec::new();
    }
    let base = 10_f64.powf(rough.log10().floor());
    let step = base * [2.0, 5.0, 10.0].into_iter().find(|m| *m >= rough / base).unwrap_or(10.0);
    let largest = low.abs().max(high.abs());
    let magnitude = (largest.log10() + 0.01).floor();
    let exponent = if magnitude.abs() > 3.0 { 3.0 * ((magnitude - 1.0) / 3.0).round() } else { 0.0 };
    let suffix = match exponent as i32 {
        0 => String::new(),
        -6 => "μ".to_owned(),
        -9 => "n".to_owned(),
        3 => "k".to_owned(),
        6 => "M".to_owned(),
        9 => "B".to_owned(),
        12 => "T".to_owned(),
        e => format!("e{e}"),
    };
    let scale = 10_f64.powf(exponent);
    let decimals = (-(step / scale).log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize;
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    if !(0.0..100.0).contains(&(last - first)) {
        return Vec::new();
    }
    (0..=(last - first) as i64)
        .map(|i| {
            let at = (first + i as f64) * step;
            let label = if at.abs() < step * 1e-6 {
                "0".to_owned()
            } else {
                let number = format!("{:.decimals$}", at / scale);
                format!("{}{suffix}", text::trim_zeros(&number)).replace('-', "−")
            };
            Tick { at, label }
        })
        .filter(|tick| (low..=high).contains(&tick.at))
        .collect()
}

fn log_ticks(low: f64, high: f64, rough: f64) -> Vec<Tick> {
    if high - low < 1.0 {
        // Within a decade round values say more than powers.
        let (from, to) = (10_f64.powf(low), 10_f64.powf(high));
        let mut ticks = linear_ticks(from, to, (to - from) * rough / (high - low));
        for tick in &mut ticks {
            tick.at = tick.at.log10();
        }
        ticks.retain(|tick| (low..=high).contains(&tick.at));
        return ticks;
    }
    let digits: &[f64] = if rough > 0.4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let step = if rough > 0.7 { rough.ceil() as i64 } else { 1 };
    let (first, last) = (low.floor() as i64, high.ceil() as i64);
    if last.saturating_sub(first) > 2_000 {
        return Vec::new();
    }
    (first..=last)
        .filter(|decade| decade.rem_euclid(step) == 0)
        .flat_map(|decade| digits.iter().map(move |d| decade as f64 + d.log10()))
        .filter(|at| (low..=high).contains(at))
        .map(|at| Tick { at, label: text::number(10_f64.powf(at), 3) })
        .collect()
}

fn date_ticks(low: f64, high: f64, rough: f64) -> Vec<Tick> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if !(array::date(low).is_some() && array::date(high).is_some()) {
        return Vec::new();
    }
    let civil = |ms: f64| array::civil((ms / DAY).floor() as i64);
    let start = |year: i64, month: u32| array::days_from_civil(year, month, 1) as f64 * DAY;
    let mut ticks = Vec::new();
    if rough > 20.0 * DAY {
        let months = (rough / (30.4 * DAY)).ceil();
        let step = [1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 60.0, 120.0, 240.0, 600.0, 1200.0, 6000.0]
            .into_iter()
            .find(|m| *m >= months)
            .unwrap_or(12_000.0) as i64;
        let (year, month, _) = civil(low);
        let mut index = (year * 12 + i64::from(month) - 1).div_euclid(step) * step;
        while ticks.len() < 40 {
            let (y, m) = (index.div_euclid(12), index.rem_euclid(12) as u32);
            let at = start(y, m + 1);
            if at > high {
                break;
            }
            let label = if step >= 12 { y.to_string() } else { format!("{} {y}", MONTHS[m as usize]) };
            ticks.push(Tick { at, label });
            index += step;
        }
    } else {
        const STEPS: [f64; 16] =
            [1.0, 10.0, 100.0, 1e3, 5e3, 15e3, 60e3, 300e3, 900e3, 3_600e3, 10_800e3, 21_600e3, DAY, 2.0 * DAY, 7.0 * DAY, 14.0 * DAY];
        let step = STEPS.into_iter().find(|s| *s >= rough).unwrap_or(14.0 * DAY);
        let mut at = (low / step).ceil() * step;
        while at <= high && ticks.len() < 40 {
            let (_, m, d) = civil(at);
            let label = if step >= DAY {
                format!("{} {d}", MONTHS[(m as usize - 1).min(11)])
            } else {
                array::date(at)
                    .and_then(|s| s.split_once(' ').map(|(_, time)| time.to_owned()))
                    .unwrap_or_else(|| format!("{} {d}", MONTHS[(m as usize - 1).min(11)]))
            };
            ticks.push(Tick { at, label });
            at += step;
        }
    }
    ticks.retain(|tick| (low..=high).contains(&tick.at));
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks(600.0, 80.0).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        let axis = Axis::exact("x", AxisKind::Linear, [31.0, 61.0]);
        assert_eq!(labels(&axis), ["35", "40", "45", "50", "55", "60"]);
        let axis = Axis::exact("x", AxisKind::Linear, [-0.1, 0.11]);
        assert!(labels(&axis).contains(&"0".to_owned()));
        assert!(labels(&axis).contains(&"−0.05".to_owned()));
        let axis = Axis::exact("x", AxisKind::Linear, [0.0, 100_000.0]);
        assert_eq!(labels(&axis)[..3], ["0", "20k", "40k"]);
    }

    #[test]
    fn other_kinds_have_ticks() {
        assert_eq!(labels(&Axis::exact("x", AxisKind::Log, [0.0, 4.0])), ["1", "10", "100", "1000", "10,000"]);
        let years = Axis::exact("x", AxisKind::Date, [0.0, 30.0 * 365.25 * DAY]);
        assert_eq!(labels(&years)[..2], ["1970", "1975"]);
        let hours = Axis::exact("x", AxisKind::Date, [0.0, DAY]);
        assert!(labels(&hours).contains(&"12:00".to_owned()), "{:?}", labels(&hours));
        let levels = ["a".to_owned(), "b".to_owned()];
        assert_eq!(labels(&Axis::category("c", &levels)), ["a", "b"]);
    }

    #[test]
    fn odd_values_still_have_a_range() {
        assert_eq!(Axis::around("x", AxisKind::Linear, []).range, [0.0, 1.0]);
        assert_eq!(Axis::around("x", AxisKind::Linear, [f64::NAN]).range, [0.0, 1.0]);
        assert_eq!(Axis::around("x", AxisKind::Linear, [0.0]).range, [-1.0, 1.0]);
        let axis = Axis::around("x", AxisKind::Linear, [5.0, 5.0]);
        assert_eq!(axis.range, [4.5, 5.5]);
        assert_eq!(axis.clone().with_range([f64::NAN, 1.0]).range, axis.range);
        assert_eq!(axis.reversed().range, [5.5, 4.5]);
        let log = Axis::exact("x", AxisKind::Log, [0.0, 1.0]);
        assert_eq!(log.coordinate(-1.0), None);
        assert_eq!(log.coordinate(100.0), Some(2.0));
    }

    #[test]
    fn plotly_axes_escape_names() {
        for raw in crate::text::HOSTILE {
            let levels = [(*raw).to_owned()];
            for axis in [Axis::category(raw, &levels), Axis::exact(raw, AxisKind::Log, [0.0, 1.0])] {
                let json = Value::Object(axis.plotly(Theme::Light)).to_string();
                assert!(!json.contains(['<', '$']), "{json}");
            }
        }
        let date = Axis::exact("d", AxisKind::Date, [0.0, DAY]).plotly(Theme::Dark);
        assert_eq!(date["range"], serde_json::json!(["1970-01-01", "1970-01-02"]));
    }

    proptest! {
        #[test]
        fn ticks_are_few_and_inside(low in -1e12_f64..1e12, span in 1e-9_f64..1e12, kind in 0..3) {
            let kind = [AxisKind::Linear, AxisKind::Log, AxisKind::Date][kind as usize];
            let (low, span) = if kind == AxisKind::Log { (low / 1e10, span / 1e10) } else { (low, span) };
            let axis = Axis::exact("x", kind, [low, low + span]);
            let ticks = axis.ticks(800.0, 80.0);
            prop_assert!(ticks.len() <= 45, "{}", ticks.len());
            prop_assert!(ticks.iter().all(|t| t.at >= low && t.at <= low + span));
        }
    }
}
