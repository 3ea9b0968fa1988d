//! The first picture: a static SVG in the server's HTML, drawn from the same marks with the same margins as the
//! figure, so that a chart is visible before any script runs and nothing jumps when Plotly takes over.
//!
//! Its colours are custom properties, so one picture serves both themes. It is bounded: marks that fall on one pixel are
//! drawn once, and on a coarser grid where there are still too many.

use crate::axis::{Axis, Tick};
use crate::drawing::LegendEntry;
use crate::layout::{Area, Frame, LEGEND_ROW, Style, has_legend, legend_label, legend_rows};
use crate::text;
use crate::theme::{Colour, FONT_SIZE, Paint, Symbol, TITLE_SIZE};
use std::fmt::Write as _;

/// The most marks that a picture draws.
pub const MOST_MARKS: usize = 3_500;
/// Marks up to this many keep their symbol; more are drawn as discs or squares.
const MOST_SYMBOLS: usize = 700;
/// About how long a picture may become, in bytes.
pub const MOST_BYTES: usize = 40_000;
const PENDING_IMAGE: &str = "about:blank#raster";

/// A finished picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// An `<svg>` element with every string escaped, to be put into HTML as it is.
    pub svg: String,
    pub width: u32,
    pub height: u32,
}

impl Picture {
    pub(crate) fn set_image_source(&mut self, source: &str) {
        if self.svg.contains(PENDING_IMAGE) {
            self.svg = self.svg.replace(PENDING_IMAGE, &text::xml(source));
        }
    }
}

/// A rectangle in px, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Panel {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Panel {
    pub(crate) fn new(frame: &Frame, area: Area) -> Self {
        let (w, h) = (frame.plot_width(), frame.plot_height());
        Self {
            left: frame.margins.left + area.x[0] * w,
            top: frame.margins.top + (1.0 - area.y[1]) * h,
            width: (area.x[1] - area.x[0]) * w,
            height: (area.y[1] - area.y[0]) * h,
        }
    }

    /// Where a point lies, given as shares of the two axes.
    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * self.width, self.top + (1.0 - y) * self.height)
    }

    /// Where a point in axis units lies.
    pub(crate) fn place(&self, x: &Axis, y: &Axis, point: (f64, f64)) -> (f64, f64) {
        self.at(x.fraction(point.0), y.fraction(point.1))
    }

    fn holds(&self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.left + self.width).contains(&x) && (self.top..=self.top + self.height).contains(&y)
    }
}

/// Marks of one look; the points are px.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    pub paint: Paint,
    pub symbol: Symbol,
    pub size: f64,
    pub points: Vec<(f64, f64)>,
}

/// A picture in the making.
#[derive(Debug)]
pub(crate) struct Canvas {
    frame: Frame,
    body: String,
    /// Nobody will look at it: everything that costs is left out.
    blank: bool,
}

impl Canvas {
    pub(crate) fn new(style: &Style, frame: Frame) -> Self {
        Self { frame, body: String::new(), blank: !style.picture }
    }

    pub(crate) fn panel(&self, area: Area) -> Panel {
        Panel::new(&self.frame, area)
    }

    /// Grid lines, tick labels and titles; `above` puts the x axis on top.
    pub(crate) fn axes(&mut self, panel: Panel, x: &Axis, y: &Axis, above: bool) {
        if self.blank {
            return;
        }
        let Panel { left, top, width, height } = panel;
        let (bottom, right) = (top + height, left + width);
        let xs: Vec<(f64, Tick)> = x.ticks(width, 80.0).into_iter().map(|t| (left + x.fraction(t.at) * width, t)).collect();
        let ys: Vec<(f64, Tick)> = y.ticks(height, 40.0).into_iter().map(|t| (bottom - y.fraction(t.at) * height, t)).collect();
        let mut grid = String::new();
        for (at, _) in &xs {
            push_args(&mut grid, format_args!("M{} {}V{}", px(*at), px(top), px(bottom)));
        }
        for (at, _) in &ys {
            push_args(&mut grid, format_args!("M{} {}H{}", px(left), px(*at), px(right)));
        }
        self.add(&format!(r#"<path d="{grid}" fill="none" stroke="var(--line)"/>"#));
        let mut labels = format!(r#"<g fill="var(--ink-3)" font-size="{FONT_SIZE}">"#);
        labels.push_str(r#"<g text-anchor="middle">"#);
        let baseline = if above { top - 7.0 } else { bottom + 17.0 };
        for (at, tick) in &xs {
            push_args(&mut labels, format_args!(r#"<text x="{}" y="{}">{}</text>"#, px(*at), px(baseline), text::xml(&tick.label)));
        }
        labels.push_str(r#"</g><g text-anchor="end">"#);
        for (at, tick) in &ys {
            push_args(&mut labels, format_args!(r#"<text x="{}" y="{}">{}</text>"#, px(left - 4.0), px(at + 4.4), text::xml(&tick.label)));
        }
        labels.push_str("</g></g>");
        self.add(&labels);
        if !x.title.is_empty() {
            let at = if above { top - 28.0 } else { bottom + 40.0 };
            self.title(left + width / 2.0, at, "", &x.title);
        }
        if !y.title.is_empty() {
            let (cx, cy) = (left - self.frame.margins.left + 18.0, top + height / 2.0);
            let turn = format!(r#" transform="rotate(-90 {} {})""#, px(cx), px(cy));
            self.title(cx, cy, &turn, &y.title);
        }
    }

    /// The heading of a subplot.
    pub(crate) fn heading(&mut self, panel: Panel, heading: &str) {
        self.add(&format!(
            r#"<text x="{}" y="{}" fill="var(--ink-2)" font-size="{TITLE_SIZE}" font-weight="550">{}</text>"#,
            px(panel.left),
            px(panel.top - 7.0),
            text::xml(&text::shorten(heading, 60))
        ));
    }

    /// A few words below the right end of the x axis.
    pub(crate) fn note(&mut self, panel: Panel, note: &str) {
        if self.blank {
            return;
        }
        self.add(&format!(
            r#"<text x="{}" y="{}" text-anchor="end" fill="var(--ink-3)" font-size="{FONT_SIZE}">{}</text>"#,
            px(panel.left + panel.width),
            px(panel.top + panel.height + self.frame.margins.bottom - 15.0),
            text::xml(note)
        ));
    }

    /// The legend above the plot, where the figure draws it.
    pub(crate) fn legend(&mut self, style: &Style, legend: &[LegendEntry]) {
        if self.blank || !has_legend(style, legend) {
            return;
        }
        let rows = legend_rows(legend, self.frame.plot_width());
        let first = 2.0;
        let mut marks = String::new();
        let mut labels = format!(r#"<g fill="var(--ink-2)" font-size="{FONT_SIZE}">"#);
        for (r, row) in rows.iter().enumerate() {
            let y = first + LEGEND_ROW * (r as f64 + 0.5);
            for &(x, i) in row {
                let Some(entry) = legend.get(i) else { continue };
                let x = self.frame.margins.left + x;
                push_args(
                    &mut marks,
                    format_args!(
                        r#"<path d="{}" {}/>"#,
                        outline(entry.symbol, 8.0, (x + 16.0, y)),
                        finish_of(entry.symbol, &format!("var(--{})", text::xml(&entry.colour)))
                    ),
                );
                push_args(
                    &mut labels,
                    format_args!(r#"<text x="{}" y="{}">{}</text>"#, px(x + 32.0), px(y + 4.4), text::xml(&legend_label(entry))),
                );
            }
        }
        labels.push_str("</g>");
        self.add(&marks);
        self.add(&labels);
    }

    /// Marks inside a panel, one path for each look.
    pub(crate) fn marks(&mut self, panel: Panel, groups: &[Marks], opacity: f64) {
        if self.blank {
            return;
        }
        let all: usize = groups.iter().map(|g| g.points.len()).sum();
        let mut step = 1.0;
        let placed = loop {
            let placed: Vec<Vec<(i32, i32)>> = groups.iter().map(|g| on_grid(panel, &g.points, step)).collect();
            let total: usize = placed.iter().map(Vec::len).sum();
            if total <= MOST_MARKS || step > 64.0 {
                break placed;
            }
            step += 1.0;
        };
        for (group, points) in groups.iter().zip(placed) {
            if points.is_empty() {
                continue;
            }
            let colour = group.paint.css();
            let size = group.size.max(step);
            let mut path = String::new();
            if all <= MOST_SYMBOLS && !matches!(group.symbol, Symbol::Circle | Symbol::Square) {
                for (x, y) in points {
                    path.push_str(&outline(group.symbol, group.size, (f64::from(x), f64::from(y))));
                }
                let finish = finish_of(group.symbol, &colour);
                self.add(&format!(r#"<path d="{path}" {finish} opacity="{opacity}"/>"#));
            } else {
                // A round or square cap on a line of no length is the shortest disc or square there is.
                let (mut lx, mut ly) = (0, 0);
                for (x, y) in points {
                    push_args(&mut path, format_args!("m{} {}h0", x - lx, y - ly));
                    (lx, ly) = (x, y);
                }
                let path = path.replace(" -", "-");
                let cap = if group.symbol == Symbol::Square { "square" } else { "round" };
                self.add(&format!(
                    r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{}" stroke-linecap="{cap}" opacity="{opacity}"/>"#,
                    px(if cap == "square" { size * 0.9 } else { size })
                ));
            }
        }
    }

    /// Rectangles of one colour, as (left, top, width, height) in px.
    pub(crate) fn rects(&mut self, rects: &[(f64, f64, f64, f64)], paint: Paint, opacity: f64) {
        let mut path = String::new();
        for &(x, y, w, h) in rects.iter().filter(|r| r.2 > 0.0 && r.3 > 0.0) {
            push_args(&mut path, format_args!("M{} {}h{}v{}h-{}z", px(x), px(y), px(w), px(h), px(w)));
        }
        if !path.is_empty() {
            self.add(&format!(r#"<path d="{path}" fill="{}" opacity="{opacity}"/>"#, paint.css()));
        }
    }

    /// The area within points in px.
    pub(crate) fn area(&mut self, points: &[(f64, f64)], paint: Paint, opacity: f64) {
        let mut path = String::new();
        for (i, &(x, y)) in points.iter().enumerate() {
            push_args(&mut path, format_args!("{}{} {}", if i == 0 { 'M' } else { 'L' }, px(x), px(y)));
        }
        if !path.is_empty() {
            self.add(&format!(r#"<path d="{path}z" fill="{}" opacity="{opacity}"/>"#, paint.css()));
        }
    }

    /// A line through points in px; those that lie within half a pixel of the last are left out.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], paint: Paint, width: f64, dash: &str) {
        let mut path = String::new();
        let mut last: Option<(f64, f64)> = None;
        for &(x, y) in points {
            if !(x.is_finite() && y.is_finite()) {
                last = None;
                continue;
            }
            match last {
                Some((lx, ly)) if (x - lx).abs() < 0.5 && (y - ly).abs() < 0.5 => continue,
                Some(_) => push_args(&mut path, format_args!("L{} {}", px(x), px(y))),
                None => push_args(&mut path, format_args!("M{} {}", px(x), px(y))),
            }
            last = Some((x, y));
        }
        if !path.is_empty() {
            let dash = if dash.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dash}""#) };
            self.add(&format!(
                r#"<path d="{path}" fill="none" stroke="{}" stroke-width="{width}" stroke-linejoin="round"{dash}/>"#,
                paint.css()
            ));
        }
    }

    /// A centred word, for example a count in its cell.
    pub(crate) fn word(&mut self, (x, y): (f64, f64), paint: Paint, word: &str) {
        self.add(&format!(
            r#"<text x="{}" y="{}" text-anchor="middle" font-size="{FONT_SIZE}" fill="{}">{}</text>"#,
            px(x),
            px(y + 4.4),
            paint.css(),
            text::xml(word)
        ));
    }

    /// An image whose source is set later.
    pub(crate) fn image(&mut self, (x, y, w, h): (f64, f64, f64, f64), clip: Panel) {
        self.add(&format!(
            r#"<svg x="{}" y="{}" width="{}" height="{}" overflow="hidden"><image href="{PENDING_IMAGE}" x="{}" y="{}" width="{}" height="{}" preserveAspectRatio="none"/></svg>"#,
            px(clip.left),
            px(clip.top),
            px(clip.width),
            px(clip.height),
            px(x - clip.left),
            px(y - clip.top),
            px(w),
            px(h)
        ));
    }

    /// The picture, named by its summary.
    pub(crate) fn finish(self, summary: &str) -> Picture {
        let (width, height) = (self.frame.width.round() as u32, self.frame.height.round() as u32);
        if self.blank {
            return Picture { svg: String::new(), width, height };
        }
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img" aria-label="{}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid meet">{}</svg>"#,
            text::xml(summary),
            self.body
        );
        Picture { svg, width, height }
    }

    fn title(&mut self, x: f64, y: f64, turn: &str, title: &str) {
        self.add(&format!(
            r#"<text x="{}" y="{}"{turn} text-anchor="middle" font-size="{TITLE_SIZE}" font-weight="550" fill="var(--ink-2)">{}</text>"#,
            px(x),
            px(y),
            text::xml(&text::shorten(title, 80))
        ));
    }

    fn add(&mut self, element: &str) {
        if !self.blank && self.body.len() + element.len() <= MOST_BYTES {
            self.body.push_str(element);
        }
    }
}

/// The distinct grid places of the points inside the panel, in order.
fn on_grid(panel: Panel, points: &[(f64, f64)], step: f64) -> Vec<(i32, i32)> {
    let snap = |v: f64| ((v / step).round() * step) as i32;
    let mut out: Vec<(i32, i32)> = points.iter().filter(|p| panel.holds(**p)).map(|&(x, y)| (snap(x), snap(y))).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// A symbol's outline around a place, as the commands of a path.
fn outline(symbol: Symbol, size: f64, (x, y): (f64, f64)) -> String {
    let r = size / 2.0;
    let (x, y) = (px(x), px(y));
    let [full, half, third] = [px(size), px(r), px(size / 3.0)];
    match symbol {
        Symbol::Circle | Symbol::CircleOpen => {
            format!("M{x} {y}m-{half} 0a{half} {half} 0 1 0 {full} 0a{half} {half} 0 1 0-{full} 0")
        }
        Symbol::Square => format!("M{x} {y}m-{half}-{half}h{full}v{full}h-{full}z"),
        Symbol::TriangleUp => format!("M{x} {y}m0-{half}l{half} {full}h-{full}z"),
        Symbol::TriangleDown => format!("M{x} {y}m0 {half}l{half}-{full}h-{full}z"),
        Symbol::Diamond => {
            format!("M{x} {y}m0-{half}l{half} {half}l-{half} {half}l-{half}-{half}z")
        }
        Symbol::Cross => format!("M{x} {y}m-{half} 0h{full}m-{half}-{half}v{full}"),
        Symbol::X => format!("M{x} {y}m-{third}-{third}l{full} {full}m0-{full}l-{full} {full}"),
        Symbol::Star => format!("M{x} {y}m-{half} 0h{full}m-{half}-{half}v{full}m-{third}-{full}l{half} {half}m0-{half}l-{half} {half}"),
        Symbol::Pentagon => {
            format!("M{x} {y}m0-{half}l{half} {third}l-{third} {half}h-{third}l-{third}-{half}z")
        }
        Symbol::Hourglass => format!("M{x} {y}m-{half}-{half}h{full}l-{full} {full}h{full}z"),
    }
}

/// Whether a symbol is filled or drawn with a line.
fn finish_of(symbol: Symbol, colour: &str) -> String {
    match symbol {
        Symbol::Cross | Symbol::X | Symbol::Star | Symbol::CircleOpen => {
            format!(r#"fill="none" stroke="{colour}" stroke-width="1.8""#)
        }
        _ => format!(r#"fill="{colour}""#),
    }
}

/// A length with at most one decimal.
fn px(value: f64) -> f64 {
    if value.is_finite() {
        let rounded = (value * 10.0).round() / 10.0;
        if rounded == 0.0 { 0.0 } else { rounded }
    } else {
        0.0
    }
}

fn push_args(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(args);
}

/// The colour of text over a ground that runs from the surface to the first category's colour.
pub(crate) fn ink_over(t: f64) -> Paint {
    use crate::theme::Theme;
    let over = |theme: Theme| {
        let ground = theme.tint(t);
        let (ink, surface) = (theme.rgb(Colour::Ink), theme.rgb(Colour::Surface));
        if ground.contrast(ink) >= ground.contrast(surface) { ink } else { surface }
    };
    Paint::Both { light: over(Theme::Light), dark: over(Theme::Dark) }
}

/// Checks of every picture, for the tests of the chart kinds.
#[cfg(test)]
pub(crate) fn check(picture: &Picture) {
    assert!(picture.svg.starts_with("<svg ") && picture.svg.ends_with("</svg>"));
    assert!(picture.svg.len() <= MOST_BYTES + 4_000, "{} bytes", picture.svg.len());
    let said = picture.svg.replace("infinite", "");
    for forbidden in ["<script", "<img", "onerror=alert(1)>", "javascript:alert(1)\"", "NaN", "inf", "<a "] {
        assert!(!said.contains(forbidden), "{forbidden} in {said}");
    }
    // Every element that is opened is closed: a picture is put into HTML as it is.
    let mut open = Vec::new();
    for tag in picture.svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.to_owned()));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap().to_owned());
        }
    }
    assert!(open.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::AxisKind;
    use crate::layout::MARGINS;

    fn canvas() -> Canvas {
        Canvas::new(&Style::default(), Frame::new(&Style::default(), MARGINS))
    }

    #[test]
    fn many_marks_stay_small() {
        let mut canvas = canvas();
        let panel = canvas.panel(Area::WHOLE);
        let points: Vec<(f64, f64)> = (0..200_000_u32)
            .map(|i| {
                let (a, b) = (i.wrapping_mul(2_654_435_761), i.wrapping_mul(2_246_822_519));
                panel.at(f64::from(a) / f64::from(u32::MAX), f64::from(b) / f64::from(u32::MAX))
            })
            .collect();
        let marks = Marks { paint: Colour::Cat1.into(), symbol: Symbol::Circle, size: 4.0, points };
        canvas.marks(panel, &[marks], 0.8);
        let picture = canvas.finish("many");
        check(&picture);
        assert!(picture.svg.len() > 5_000);
    }

    #[test]
    fn marks_on_one_pixel_are_drawn_once_and_outside_ones_not() {
        let mut canvas = canvas();
        let panel = canvas.panel(Area::WHOLE);
        let points = vec![(100.0, 100.0), (100.2, 100.1), (1.0, 1.0), (f64::NAN, 100.0)];
        canvas.marks(panel, &[Marks { paint: Colour::Cat2.into(), symbol: Symbol::Circle, size: 6.0, points }], 1.0);
        let svg = canvas.finish("x").svg;
        assert_eq!(svg.matches("h0").count(), 1);
        assert!(svg.contains("m100 100h0") && svg.contains("var(--cat-2)"));
    }

    #[test]
    fn everything_from_data_is_escaped() {
        for raw in crate::text::HOSTILE {
            let mut canvas = canvas();
            let panel = canvas.panel(Area::WHOLE);
            let axis = Axis::category(raw, &[(*raw).to_owned()]);
            canvas.axes(panel, &axis, &Axis::exact(raw, AxisKind::Linear, [0.0, 1.0]), false);
            canvas.heading(panel, raw);
            canvas.word((10.0, 10.0), ink_over(0.5), raw);
            let entry = LegendEntry { label: (*raw).to_owned(), count: Some(1), colour: "cat-1".to_owned(), symbol: Symbol::Star };
            canvas.legend(&Style::default(), &[entry.clone(), entry]);
            check(&canvas.finish(raw));
        }
    }

    #[test]
    fn every_symbol_has_an_outline() {
        for slot in 0..=10 {
            let path = outline(Symbol::category(slot), 8.0, (10.0, 20.0));
            assert!(path.starts_with("M10 20m"), "{path}");
        }
    }
}
