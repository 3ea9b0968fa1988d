//! The common look of every figure, and the frame that the first picture shares with it so that nothing jumps.

use crate::axis::Axis;
use crate::drawing::LegendEntry;
use crate::extend::{self, Extended, Font};
use crate::text;
use crate::theme::{Colour, FONT, FONT_SIZE, TITLE_SIZE, Theme};
use plotly::common::{Anchor, HoverInfo, Marker, Mode, Orientation, Title};
use plotly::configuration::ModeBarButtonName;
use plotly::layout::{Annotation, DragMode, HoverMode, Legend, Margin, Shape};
use plotly::{Configuration, Layout, Scatter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Who draws the legend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LegendPlace {
    /// Plotly, above the plot.
    #[default]
    Figure,
    /// The page, from [`crate::Drawing::legend`].
    Page,
}

/// How a figure is to look, whatever it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    pub theme: Theme,
    /// Changes exactly when zoom and selection should be forgotten: when the axes' features change.
    pub uirevision: String,
    /// Size in CSS px. Charts with one row per item take the height that they need instead.
    pub width: u32,
    pub height: u32,
    pub legend: LegendPlace,
    /// Whether the first picture is wanted: only pages show it.
    pub picture: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { theme: Theme::Light, uirevision: String::new(), width: 800, height: 500, legend: LegendPlace::Figure, picture: true }
    }
}

/// Space around the plot area, in px. The same in Plotly and in the first picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// The margins of a plot with two titled axes.
pub const MARGINS: Margins = Margins { left: 64.0, right: 16.0, top: 10.0, bottom: 52.0 };
/// The right margin where a colour bar stands.
pub const COLOUR_BAR: f64 = 96.0;
/// The height of one row of a legend, in px.
pub const LEGEND_ROW: f64 = 22.0;
/// The height of one row of a chart with a row per flow or dataset, in px.
pub const ROW: f64 = 26.0;

/// The part of a legend's row that is between rows, in px.
const LEGEND_GAP: u32 = 3;
/// Plotly's symbol and gaps beside a legend's name, in px.
const LEGEND_SYMBOL: f64 = 40.0;

/// The outer size of a figure and its margins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    pub width: f64,
    pub height: f64,
    pub margins: Margins,
    /// The height of the legend at the very top, which the top margin includes; 0 without one.
    pub legend: f64,
}

impl Frame {
    pub fn new(style: &Style, margins: Margins) -> Self {
        Self { width: f64::from(style.width.max(120)), height: f64::from(style.height.max(100)), margins, legend: 0.0 }
    }

    /// The same width with a plot area of this height.
    #[must_use]
    pub fn with_plot_height(mut self, height: f64) -> Self {
        self.height = height + self.margins.top + self.margins.bottom;
        self
    }

    /// Makes room above the plot for a legend, when the figure has one.
    #[must_use]
    pub fn with_legend(self, style: &Style, legend: &[LegendEntry]) -> Self {
        if has_legend(style, legend) {
            let rows = legend_rows(legend, self.plot_width()).len();
            self.with_legend_rows(rows)
        } else {
            self
        }
    }

    /// Makes room for a legend of that many rows.
    pub(crate) fn with_legend_rows(mut self, rows: usize) -> Self {
        self.legend = LEGEND_ROW * rows as f64 + 4.0;
        self.margins.top += self.legend;
        self
    }

    /// Where a legend's lower edge lies in shares of the plot's height.
    pub(crate) fn legend_bottom(&self) -> f64 {
        1.0 + (self.margins.top - self.legend) / self.plot_height()
    }

    pub fn plot_width(&self) -> f64 {
        (self.width - self.margins.left - self.margins.right).max(40.0)
    }

    pub fn plot_height(&self) -> f64 {
        (self.height - self.margins.top - self.margins.bottom).max(40.0)
    }
}

/// A part of the plot area as shares of it, y upwards: Plotly's `domain`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub x: [f64; 2],
    pub y: [f64; 2],
}

impl Area {
    pub const WHOLE: Self = Self { x: [0.0, 1.0], y: [0.0, 1.0] };
}

/// Whether the figure draws a legend: where it may, and where there is something to tell apart or to read.
pub(crate) fn has_legend(style: &Style, legend: &[LegendEntry]) -> bool {
    let says_more = legend.iter().any(|entry| entry.count.is_none());
    style.legend == LegendPlace::Figure && (legend.len() > 1 || says_more)
}

/// The legend's entries in rows, as Plotly wraps them: in equal columns once they do not fit one row.
pub(crate) fn legend_rows(legend: &[LegendEntry], width: f64) -> Vec<Vec<(f64, usize)>> {
    let widths: Vec<f64> = legend.iter().map(|entry| LEGEND_SYMBOL + text::width(&legend_label(entry), FONT_SIZE)).collect();
    if widths.iter().sum::<f64>() <= width {
        let mut x = 0.0;
        let row = widths
            .iter()
            .enumerate()
            .map(|(i, w)| {
                let at = x;
                x += w;
                (at, i)
            })
            .collect();
        return vec![row];
    }
    let widest = widths.iter().copied().fold(1.0, f64::max);
    let columns = ((width / widest).floor() as usize).max(1);
    (0..legend.len())
        .collect::<Vec<_>>()
        .chunks(columns)
        .map(|row| row.iter().enumerate().map(|(c, &i)| (c as f64 * widest, i)).collect())
        .collect()
}

/// A class's name with its count, if it has one, as the legend writes it. Plain text.
pub(crate) fn legend_label(entry: &LegendEntry) -> String {
    match entry.count {
        Some(count) => format!("{} {}", text::shorten(&entry.label, 24), text::count(count)),
        None => text::shorten(&entry.label, 44),
    }
}

/// A figure in the making.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    style: &'a Style,
    frame: Frame,
    data: Vec<Value>,
    layout: Map<String, Value>,
    annotations: Vec<Annotation>,
    shapes: Vec<Shape>,
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(style: &'a Style, frame: Frame) -> Self {
        let theme = style.theme;
        let margins = frame.margins;
        let base = Layout::new()
            .auto_size(true)
            .height(frame.height.round() as usize)
            .margin(
                Margin::new()
                    .left(margins.left.round() as usize)
                    .right(margins.right.round() as usize)
                    .top(margins.top.round() as usize)
                    .bottom(margins.bottom.round() as usize)
                    .pad(0)
                    .auto_expand(false),
            )
            .paper_background_color("rgba(0,0,0,0)")
            .plot_background_color("rgba(0,0,0,0)")
            .hover_mode(HoverMode::Closest)
            .drag_mode(DragMode::Zoom)
            .show_legend(false);
        let mut layout = extend::object(&base);
        let font = |colour, size| Value::Object(extend::object(&Font { family: Some(FONT), size, color: theme.hex(colour), weight: None }));
        layout.insert("font".to_owned(), font(Colour::Ink2, FONT_SIZE));
        extend::insert(&mut layout, "hoverlabel.bgcolor", json!(theme.hex(Colour::Surface)));
        extend::insert(&mut layout, "hoverlabel.bordercolor", json!(theme.hex(Colour::LineStrong)));
        extend::insert(&mut layout, "hoverlabel.font", font(Colour::Ink, FONT_SIZE));
        extend::insert(&mut layout, "hoverlabel.align", json!("left"));
        extend::insert(&mut layout, "modebar.bgcolor", json!("rgba(0,0,0,0)"));
        extend::insert(&mut layout, "modebar.color", json!(theme.hex(Colour::Ink3)));
        extend::insert(&mut layout, "modebar.activecolor", json!(theme.hex(Colour::Accent)));
        for revision in ["uirevision", "selectionrevision"] {
            layout.insert(revision.to_owned(), json!(style.uirevision));
        }
        Self { style, frame, data: Vec::new(), layout, annotations: Vec::new(), shapes: Vec::new() }
    }

    pub(crate) fn theme(&self) -> Theme {
        self.style.theme
    }

    /// Sets a layout attribute by its path.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<Value>) {
        extend::insert(&mut self.layout, path, value.into());
    }

    /// Adds the x and the y axis of the `index`-th subplot (from 0).
    pub(crate) fn axes(&mut self, index: usize, area: Area, x: &Axis, y: &Axis) {
        let suffix = axis_suffix(index);
        for (letter, axis, domain, anchor) in [("x", x, area.x, "y"), ("y", y, area.y, "x")] {
            let mut map = axis.plotly(self.theme());
            map.insert("domain".to_owned(), json!(domain));
            map.insert("anchor".to_owned(), json!(format!("{anchor}{suffix}")));
            self.layout.insert(format!("{letter}axis{suffix}"), Value::Object(map));
        }
    }

    pub(crate) fn trace(&mut self, trace: &impl Serialize) {
        self.data.push(Value::Object(extend::object(trace)));
    }

    pub(crate) fn shape(&mut self, shape: Shape) {
        self.shapes.push(shape);
    }

    /// A heading above a subplot; plain text.
    pub(crate) fn heading(&mut self, area: Area, heading: &str) {
        self.annotate(heading, (TITLE_SIZE, Colour::Ink2), (area.x[0], area.y[1]), Anchor::Left, 4.0);
    }

    /// A few words below the right end of the x axis; plain text.
    pub(crate) fn note(&mut self, note: &str) {
        let lowered = 10.0 - self.frame.margins.bottom;
        self.annotate(note, (FONT_SIZE, Colour::Ink3), (1.0, 0.0), Anchor::Right, lowered);
    }

    /// Words at a place in shares of the plot, raised by so many px.
    fn annotate(&mut self, words: &str, (size, colour): (f64, Colour), (x, y): (f64, f64), anchor: Anchor, raised: f64) {
        let font = plotly::common::Font::new().size(size as usize).color(self.theme().hex(colour));
        self.annotations.push(
            Annotation::new()
                .text(text::text(words))
                .font(font)
                .show_arrow(false)
                .x_ref("paper")
                .y_ref("paper")
                .x(x)
                .y(y)
                .x_anchor(anchor)
                .y_anchor(Anchor::Bottom)
                .y_shift(raised),
        );
    }

    /// Shows Plotly's legend, unless the page draws it.
    pub(crate) fn legend(&mut self, legend: &[LegendEntry]) {
        if !has_legend(self.style, legend) {
            return;
        }
        let plotly_legend = Legend::new()
            .orientation(Orientation::Horizontal)
            .background_color("rgba(0,0,0,0)")
            .x(0.0)
            .x_anchor(Anchor::Left)
            .y(self.frame.legend_bottom())
            .y_anchor(Anchor::Bottom);
        let mut plotly_legend = extend::object(&plotly_legend);
        // Rows of grouped entries are as high as others.
        extend::insert(&mut plotly_legend, "tracegroupgap", json!(LEGEND_GAP));
        self.layout.insert("legend".to_owned(), Value::Object(plotly_legend));
        self.layout.insert("showlegend".to_owned(), json!(true));
    }

    /// The trace that stands for a class in the legend where its marks are not a trace of their own.
    pub(crate) fn legend_trace(&mut self, entry: &LegendEntry, colour: Colour, size: usize) {
        let marker = Marker::new().size(size).color(self.theme().hex(colour));
        let trace = Scatter::<f64, f64>::new(vec![], vec![])
            .mode(Mode::Markers)
            .name(text::text(&legend_label(entry)))
            .marker(marker)
            .hover_info(HoverInfo::Skip);
        self.trace(
            &Extended::new(&trace)
                .set("uid", text::identifier(&entry.label))
                .set("x", json!([null]))
                .set("y", json!([null]))
                .set("marker.symbol", json!(entry.symbol)),
        );
    }

    /// The figure: data, layout and configuration.
    pub(crate) fn finish(mut self) -> Value {
        if !self.annotations.is_empty() {
            self.layout.insert("annotations".to_owned(), json!(self.annotations));
        }
        if !self.shapes.is_empty() {
            self.layout.insert("shapes".to_owned(), json!(self.shapes));
        }
        json!({ "data": self.data, "layout": self.layout, "config": config() })
    }
}

/// `""`, `"2"`, `"3"`, ...: how Plotly numbers subplots.
pub(crate) fn axis_suffix(index: usize) -> String {
    if index == 0 { String::new() } else { (index + 1).to_string() }
}

/// A colour bar's attributes for a numeric colour; `title` is plain text.
pub(crate) fn colour_bar(theme: Theme, title: &str) -> Value {
    let bar = plotly::common::ColorBar::new()
        .outline_width(0)
        .thickness(12)
        .x_pad(8.0)
        .title(Title::with_text(text::text(&text::shorten(title, 36))));
    let mut map = extend::object(&bar);
    // Beside the bar a name has room that it lacks above it.
    extend::insert(&mut map, "title.side", json!("right"));
    extend::insert(&mut map, "tickfont.color", json!(theme.hex(Colour::Ink3)));
    extend::insert(&mut map, "tickfont.size", json!(FONT_SIZE));
    Value::Object(map)
}

/// A colour scale as Plotly takes it.
pub(crate) fn colour_scale(theme: Theme, scale: crate::theme::Scale) -> Value {
    theme.anchors(scale).into_iter().map(|(at, colour)| json!([at, colour.to_string()])).collect()
}

fn config() -> Value {
    let config =
        Configuration::new().display_logo(false).show_send_to_cloud(false).responsive(true).scroll_zoom(false).mode_bar_buttons_to_remove(
            vec![
                ModeBarButtonName::SendDataToCloud,
                ModeBarButtonName::ToImage,
                ModeBarButtonName::ZoomIn2d,
                ModeBarButtonName::ZoomOut2d,
                ModeBarButtonName::AutoScale2d,
                ModeBarButtonName::ToggleSpikelines,
                ModeBarButtonName::HoverClosestCartesian,
                ModeBarButtonName::HoverCompareCartesian,
            ],
        );
    Value::Object(extend::object(&config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Symbol;

    fn entry(label: &str) -> LegendEntry {
        LegendEntry { label: label.to_owned(), count: Some(5), colour: "cat-1".to_owned(), symbol: Symbol::Circle }
    }

    #[test]
    fn the_frame_makes_room_for_a_legend() {
        let style = Style::default();
        let one = Frame::new(&style, MARGINS).with_legend(&style, &[entry("a"), entry("b")]);
        assert_eq!(one.margins.top, MARGINS.top + LEGEND_ROW + 4.0);
        let many: Vec<_> = (0..11).map(|i| entry(&format!("a rather long name {i}"))).collect();
        assert!(Frame::new(&style, MARGINS).with_legend(&style, &many).margins.top > one.margins.top);
        let page = Style { legend: LegendPlace::Page, ..Style::default() };
        assert_eq!(Frame::new(&page, MARGINS).with_legend(&page, &many).margins, MARGINS);
    }

    #[test]
    fn the_layout_never_moves_by_itself() {
        let style = Style { uirevision: "x=a y=b".to_owned(), ..Style::default() };
        let mut sheet = Sheet::new(&style, Frame::new(&style, MARGINS));
        let axis = Axis::exact("a", crate::AxisKind::Linear, [0.0, 1.0]);
        sheet.axes(0, Area::WHOLE, &axis, &axis);
        sheet.axes(9, Area::WHOLE, &axis, &axis);
        let figure = sheet.finish();
        let layout = &figure["layout"];
        assert_eq!(layout["uirevision"], "x=a y=b");
        assert_eq!(layout["margin"]["autoexpand"], false);
        assert_eq!(layout["margin"]["l"], 64);
        assert_eq!(layout["xaxis"]["autorange"], false);
        assert_eq!(layout["xaxis10"]["anchor"], "y10");
        assert_eq!(figure["config"]["displaylogo"], false);
        assert_eq!(figure["config"]["showSendToCloud"], false);
    }

    #[test]
    fn legend_traces_escape_names() {
        let style = Style::default();
        for raw in crate::text::HOSTILE {
            let mut sheet = Sheet::new(&style, Frame::new(&style, MARGINS));
            sheet.legend_trace(&entry(raw), Colour::Cat1, 8);
            sheet.heading(Area::WHOLE, raw);
            let json = sheet.finish().to_string();
            assert!(!json.contains(['<', '$']), "{json}");
        }
    }
}
