//! Density: all rows as a raster of counts for each class, under exact axes.
//!
//! A cell's colour is the mean of its classes' colours, weighted by their shares of its rows; its opacity says how many rows it
//! has. Both are quantised to a palette of at most 254 colours; a cell of one class has exactly the legend's colour. Where many counts share a step of
//! opacity, neighbours take turns between two, so that there are no contours where the data has none.

mod cells;
mod mixing;
mod opacity;
mod palette;
mod shade;
mod survey;

use crate::axis::{Axis, Window};
use crate::classes::Classes;
use crate::drawing::{Cell, Drawing, Empty, LegendEntry, Provenance, Rows};
use crate::layout::{Area, Frame, MARGINS, Sheet, Style};
use crate::picture::Canvas;
use crate::text;
use crate::theme::{Colour, FONT_SIZE, Symbol, TITLE_SIZE};
pub use cells::Counts;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shade::Shaded;
use std::collections::HashMap;

/// How counts become opacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shade {
    /// By rank among the cells that have rows: equal shares of cells for equal steps of opacity.
    #[default]
    Equalised,
    Log,
    Linear,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The axes with the range that is shown.
    pub x: &'a Axis,
    pub y: &'a Axis,
    /// The colouring feature's name; empty without one.
    pub colour: &'a str,
    /// The levels of the colouring feature; empty without one.
    pub levels: &'a [String],
    /// The rows in each level over the whole dataset, so that colours stay when the window changes.
    pub class_counts: Option<&'a [u64]>,
    /// Rows per cell, in one plane for each level and one more for rows without a level (which may be left out); without levels
    /// in a single plane.
    pub counts: Counts<'a>,
    pub nx: usize,
    pub ny: usize,
    /// What the cells cover, in axis units, exact to the outer edges.
    pub extents: Window,
    /// How many rows the dataset has in all, and how many have no place on the axes.
    pub rows_total: u64,
    pub rows_missing: u64,
    pub shade: Shade,
    /// Draws cells without neighbours three cells wide, so that lone rows stay visible.
    pub spread: bool,
    /// One out of so many rows was counted; 1 where all were.
    pub one_of: u64,
}

/// Memory for drawings, which is large: the next one uses it again.
#[derive(Debug, Default)]
pub struct Buffers {
    /// The bin of each cell's rows, then how the cell looks.
    cells: Vec<u16>,
    pixels: Vec<u8>,
}

/// Draws the raster.
///
/// # Errors
/// [`Empty`] when no cell has a row or the planes do not fit the grid.
pub fn draw(input: &Input<'_>, style: &Style, buffers: &mut Buffers) -> Result<Drawing, Empty> {
    let cells = input.nx.saturating_mul(input.ny);
    if cells == 0 || !input.counts.fit(cells) {
        return Err(Empty::new("There are no rows to draw."));
    }
    let planes = (input.levels.len() + usize::from(!input.levels.is_empty())).clamp(1, input.counts.stride);
    buffers.cells.resize(cells, 0);
    let mut survey = survey::survey(input, planes, &mut buffers.cells);
    // Of a first look everything but the provenance says what the counted rows stand for.
    survey.sums.iter_mut().for_each(|rows| *rows *= input.one_of);
    let blocks = blocks(input, planes, &survey.sums);
    let sums: Vec<u64> = (0..planes).map(|plane| blocks.iter().map(|b| b.counts[plane]).sum()).collect();
    let shown: u64 = sums.iter().sum();
    if shown == 0 {
        return Err(Empty::new(format!(
            "No row has a value of both {} and {} in this window.",
            text::quoted(&input.x.title),
            text::quoted(&input.y.title)
        )));
    }
    let groups = Groups::of(input.levels, input.class_counts, &sums);
    let Shaded { raster, landmarks } =
        shade::shade(input, style.theme, &survey, &groups, buffers).map_err(|error| Empty::new(error.to_string()))?;

    let legend = groups.legend.clone();
    let frame = Frame::new(style, MARGINS).with_legend(style, &legend);
    let (x, y) = (input.x.clone().across(frame.plot_width()), input.y.clone().along(frame.plot_height(), 7));
    let mut sheet = Sheet::new(style, frame);
    sheet.axes(0, Area::WHOLE, &x, &y);
    sheet.set("hoveranywhere", true);
    sheet.set("images", json!([raster.layer(&x, &y)]));
    sheet.legend(&legend);
    if legend.is_empty() {
        // Plotly needs a trace to draw axes of a given type.
        let entry = LegendEntry { label: "rows".to_owned(), count: Some(shown), colour: "cat-1".to_owned(), symbol: Symbol::Circle };
        sheet.legend_trace(&entry, Colour::Cat1, 8);
    }
    for (entry, colour) in legend.iter().zip(&groups.colours) {
        sheet.legend_trace(entry, *colour, 8);
    }
    // Beside the axis title, or not at all.
    let beside = (frame.plot_width() - text::width(&x.title, TITLE_SIZE)) / 2.0;
    let landmarks: Vec<u64> = landmarks.iter().map(|rows| rows * input.one_of).collect();
    let note = note(&landmarks).filter(|note| text::width(note, FONT_SIZE) < beside);
    note.iter().for_each(|note| sheet.note(note));

    let summary = summary(input, shown, &groups, &blocks);
    let mut canvas = Canvas::new(style, frame);
    let panel = canvas.panel(Area::WHOLE);
    canvas.axes(panel, &x, &y, false);
    let (left, top) = panel.place(&x, &y, (input.extents.x[0], input.extents.y[1]));
    let (right, bottom) = panel.place(&x, &y, (input.extents.x[1], input.extents.y[0]));
    canvas.image((left, top, right - left, bottom - top), panel);
    canvas.legend(style, &legend);
    note.iter().for_each(|note| canvas.note(panel, note));

    let counted = match input.one_of {
        1 => "every row counted".to_owned(),
        one_of => format!("a first look, about one row in {one_of} counted; all of them follow;"),
    };
    let mut method = format!(
        "density: {counted} in {} × {} cells; colour mixes the classes by their shares, opacity is {}",
        input.nx,
        input.ny,
        match input.shade {
            Shade::Equalised => "the rank of the cell's count",
            Shade::Log => "the logarithm of the cell's count",
            Shade::Linear => "the cell's count",
        }
    );
    if input.spread {
        method.push_str("; lone cells are drawn three cells wide");
    }
    if input.rows_missing > 0 {
        let missing = text::plural(input.rows_missing, "row has", "rows have");
        method.push_str(&format!("; {missing} no place on these axes"));
    }
    Ok(Drawing {
        figure: sheet.finish(),
        raster: Some(raster),
        table: table(input, &blocks, &groups),
        picture: canvas.finish(&summary),
        summary,
        provenance: Provenance { rows_shown: shown / input.one_of, rows_total: input.rows_total, method, seed: None, formula: None },
        legend,
    })
}

/// The pixels of the plot along both axes, below a legend of classes with so many rows.
pub fn plot_pixels(levels: &[String], rows: &[u64], style: &Style) -> (usize, usize) {
    let legend = Groups::of(levels, Some(rows), rows).legend;
    let frame = Frame::new(style, MARGINS).with_legend(style, &legend);
    (frame.plot_width().round() as usize, frame.plot_height().round() as usize)
}

/// What the opacities of an image stand for; nothing where all cells are alike.
fn note(landmarks: &[u64]) -> Option<String> {
    let shades = if landmarks.len() > 2 { "░▒█" } else { "░█" };
    let steps = shades.chars().zip(landmarks).map(|(shade, rows)| format!("{shade} {}", text::count(*rows)));
    let steps = steps.collect::<Vec<_>>().join("  ");
    (!steps.is_empty()).then(|| format!("{steps} rows a cell"))
}

/// The planes as classes.
struct Groups {
    of_plane: Vec<usize>,
    /// Whether a class has a row in the window.
    used: Vec<bool>,
    labels: Vec<String>,
    colours: Vec<Colour>,
    legend: Vec<LegendEntry>,
}

impl Groups {
    fn of(levels: &[String], class_counts: Option<&[u64]>, sums: &[u64]) -> Self {
        if levels.is_empty() {
            return Self {
                of_plane: vec![0; sums.len()],
                used: vec![true],
                labels: vec!["rows".to_owned()],
                colours: vec![Colour::Cat1],
                legend: Vec::new(),
            };
        }
        let n = levels.len();
        let missing = sums.get(n).copied().unwrap_or(0);
        let known = &sums[..n.min(sums.len())];
        let classes = Classes::new(levels, class_counts.unwrap_or(known), missing);
        let last = classes.len() - 1;
        let of_plane: Vec<usize> =
            (0..sums.len()).map(|plane| classes.of(if plane < n { plane as u32 } else { u32::MAX }).unwrap_or(last)).collect();
        let mut shown = vec![0; classes.len()];
        for (plane, &sum) in sums.iter().enumerate() {
            shown[of_plane[plane]] += sum;
        }
        Self {
            of_plane,
            used: shown.iter().map(|rows| *rows > 0).collect(),
            labels: classes.all().iter().map(|c| c.label.clone()).collect(),
            colours: classes.all().iter().map(|c| c.colour()).collect(),
            legend: classes.legend(&shown),
        }
    }
}

/// A part of the grid with its counts, for the table and the summary.
struct Block {
    x: [f64; 2],
    y: [f64; 2],
    rows: u64,
    /// The plane with the most rows, and the rows of each plane.
    largest: usize,
    counts: Vec<u64>,
}

/// Blocks along each side of the grid, at most.
const BLOCKS: usize = 10;

/// The blocks that have rows, the fullest first. `sums` are the rows of each block and plane.
fn blocks(input: &Input<'_>, planes: usize, sums: &[u64]) -> Vec<Block> {
    let (bx, by) = (input.nx.min(BLOCKS), input.ny.min(BLOCKS));
    let edge = |range: [f64; 2], n: usize, blocks: usize, block: usize| {
        let at = |b: usize| range[0] + (range[1] - range[0]) * (b * n).div_ceil(blocks) as f64 / n as f64;
        [at(block), at(block + 1)]
    };
    let mut out: Vec<Block> = sums
        .chunks_exact(planes)
        .enumerate()
        .filter_map(|(i, counts)| {
            let rows: u64 = counts.iter().sum();
            let largest = counts.iter().enumerate().max_by_key(|(p, c)| (**c, std::cmp::Reverse(*p)))?.0;
            (rows > 0).then_some(Block {
                x: edge(input.extents.x, input.nx, bx, i % bx),
                y: edge(input.extents.y, input.ny, by, i / bx),
                rows,
                largest,
                counts: counts.to_vec(),
            })
        })
        .collect();
    out.sort_by_key(|b| std::cmp::Reverse(b.rows));
    out
}

fn table(input: &Input<'_>, blocks: &[Block], groups: &Groups) -> Rows {
    let (x, y) = (&input.x.title, &input.y.title);
    let names = [format!("{x} from"), format!("{x} to"), format!("{y} from"), format!("{y} to"), "#rows".to_owned()];
    let mut columns: Vec<&str> = names.iter().map(String::as_str).collect();
    let largest = format!("most frequent {}", input.colour);
    if !input.levels.is_empty() {
        columns.push(&largest);
    }
    let mut table = Rows::new(&columns);
    // Blocks share their edges.
    let mut readings = [input.x, input.y].map(|axis| (axis, HashMap::new()));
    for block in blocks {
        table.push(|| {
            let edges = readings.iter_mut().zip([block.x, block.y]).flat_map(|((axis, known), range)| {
                range.map(|at| Cell::Text(known.entry(at.to_bits()).or_insert_with(|| axis.reading(at)).clone()))
            });
            let mut row: Vec<Cell> = edges.collect();
            row.push(Cell::count(block.rows));
            if !input.levels.is_empty() {
                row.push(Cell::Text(groups.labels[groups.of_plane[block.largest]].clone()));
            }
            row
        });
    }
    table
}

fn summary(input: &Input<'_>, shown: u64, groups: &Groups, blocks: &[Block]) -> String {
    let mut out = format!(
        "{} against {} for {} of {}",
        text::quoted(&input.y.title),
        text::quoted(&input.x.title),
        // What a first look stands for is an estimate.
        text::count(shown.min(input.rows_total)),
        text::plural(input.rows_total, "row", "rows")
    );
    if !input.levels.is_empty() {
        let classes = text::plural(input.levels.len() as u64, "class", "classes");
        out.push_str(&format!(" in {classes}"));
        if let Some(most) = groups.legend.iter().max_by_key(|e| e.count) {
            let name = text::shorten(&text::quoted(&most.label), 24);
            out.push_str(&format!(", most of them {name} ({})", text::percent(most.count.unwrap_or(0) as f64 / shown as f64)));
        }
    }
    if let Some(fullest) = blocks.first() {
        let middle = |axis: &Axis, range: [f64; 2]| axis.reading((range[0] + range[1]) / 2.0);
        out.push_str(&format!(
            "; densest around {} = {}, {} = {}",
            text::quoted(&input.x.title),
            middle(input.x, fullest.x),
            text::quoted(&input.y.title),
            middle(input.y, fullest.y)
        ));
    }
    out.push('.');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::AxisKind;
    use crate::chance::chance;
    use crate::picture::check;
    use crate::raster::decode;
    use crate::theme::Theme;
    use proptest::prelude::*;

    fn draw(input: &Input<'_>, style: &Style) -> Result<Drawing, Empty> {
        super::draw(input, style, &mut Buffers::default())
    }

    fn axis(title: &str) -> Axis {
        Axis::exact(title, AxisKind::Linear, [0.0, 10.0])
    }

    /// Counts as cells of bytes, from planes: `counts[(plane * ny + iy) * nx + ix]`.
    #[derive(Debug)]
    struct Packed {
        cells: Vec<u8>,
        stride: usize,
        overflow: Vec<u32>,
    }

    fn packed(counts: &[u32], size: usize) -> Packed {
        let planes = counts.len() / size.max(1);
        let stride = if planes <= 1 { 1 } else { planes.next_multiple_of(8) };
        let mut packed = Packed { cells: vec![0; size * stride], stride, overflow: Vec::new() };
        for (i, &count) in counts.iter().enumerate() {
            let at = i % size * stride + i / size;
            packed.cells[at] = count as u8;
            packed.overflow.extend((0..count / 256).map(|_| at as u32));
        }
        packed.overflow.sort_unstable();
        packed
    }

    fn input<'a>(x: &'a Axis, y: &'a Axis, levels: &'a [String], packed: &'a Packed, nx: usize, ny: usize) -> Input<'a> {
        let counts = Counts { cells: &packed.cells, stride: packed.stride, overflow: &packed.overflow };
        Input {
            x,
            y,
            colour: "class",
            levels,
            class_counts: None,
            counts,
            nx,
            ny,
            extents: Window { x: [0.0, 10.0], y: [0.0, 10.0] },
            rows_total: 100,
            rows_missing: 3,
            shade: Shade::Equalised,
            spread: false,
            one_of: 1,
        }
    }

    #[test]
    fn pixels_are_the_classes_colours_from_the_top() {
        let (x, y, levels) = (axis("x"), axis("y"), ["a".to_owned(), "b".to_owned()]);
        // Two classes on 2 x 2 cells, lowest row first: a alone, empty; both, b alone.
        let counts = [1, 0, 2, 0, /* b */ 0, 0, 2, 8];
        let drawing = draw(&input(&x, &y, &levels, &packed(&counts, 2 * 2), 2, 2), &Style::default()).unwrap();
        let raster = drawing.raster.as_ref().unwrap();
        let pixels = decode(&raster.image);
        let (a, b) = (Theme::Light.rgb(Colour::Cat1).0, Theme::Light.rgb(Colour::Cat2).0);
        assert_eq!(pixels[2][..3], a);
        assert_eq!(pixels[1][..3], b);
        assert_eq!(pixels[3], [0; 4]);
        for channel in 0..3 {
            let mixed = i32::from(pixels[0][channel]);
            let (low, high) = (a[channel].min(b[channel]), a[channel].max(b[channel]));
            assert!(mixed >= i32::from(low) - 9 && mixed <= i32::from(high) + 9, "{pixels:?}");
        }
        assert_eq!(pixels[1][3], 255);
        assert!(pixels[2][3] < pixels[0][3] && pixels[0][3] < pixels[1][3]);
        assert_eq!(drawing.provenance.rows_shown, 13);
        assert_eq!(drawing.legend[1].count, Some(10));
        assert_eq!(drawing.table.rows[0][4], Cell::count(8));
        assert_eq!(drawing.table.rows[0][5], Cell::from("b"));
        assert!(drawing.summary.contains("for 13 of 100 rows in 2 classes, most of them b (76.9 %)"), "{}", drawing.summary);
        check(&drawing.picture);
    }

    #[test]
    fn the_image_lies_under_exact_axes_and_gets_its_source() {
        let (x, y) = (axis("x"), axis("y"));
        let counts = [1, 0, 2, 5];
        let mut drawing = draw(&input(&x, &y, &[], &packed(&counts, 2 * 2), 2, 2), &Style::default()).unwrap();
        let image = &drawing.figure["layout"]["images"][0];
        assert_eq!((&image["x"], &image["y"]), (&json!(0), &json!(10)));
        assert_eq!((&image["sizex"], &image["sizey"]), (&json!(10.0), &json!(10.0)));
        assert_eq!(drawing.figure["layout"]["hoveranywhere"], true);
        assert_eq!(serde_json::to_value(&drawing).unwrap()["raster"], json!(null));
        drawing.set_raster_source("/r/1?a=1&b=\"2");
        assert_eq!(drawing.figure["layout"]["images"][0]["source"], "/r/1?a=1&b=\"2");
        assert_eq!(serde_json::to_value(&drawing).unwrap()["raster"], "/r/1?a=1&b=\"2");
        assert!(drawing.picture.svg.contains("href=\"/r/1?a=1&amp;b=&quot;2\""));
        check(&drawing.picture);
    }

    #[test]
    fn a_class_alone_in_a_window_keeps_its_colour() {
        let (x, y, levels) = (axis("x"), axis("y"), ["a".to_owned(), "b".to_owned()]);
        let drawing = draw(&input(&x, &y, &levels, &packed(&[0, 0, 1, 9], 2), 2, 1), &Style::default()).unwrap();
        let pixels = decode(&drawing.raster.unwrap().image);
        assert_eq!(pixels[1][..3], Theme::Light.rgb(Colour::Cat2).0);
        assert_eq!(pixels[0][..3], Theme::Light.rgb(Colour::Cat2).0);
    }

    #[test]
    fn lone_cells_are_widened_and_others_not() {
        let (x, y) = (axis("x"), axis("y"));
        let mut counts = vec![0; 64];
        counts[9] = 1;
        counts[36] = 1;
        counts[37] = 1;
        let lone = packed(&counts, 64);
        let spread = Input { spread: true, ..input(&x, &y, &[], &lone, 8, 8) };
        let drawing = draw(&spread, &Style::default()).unwrap();
        let filled = decode(&drawing.raster.unwrap().image).iter().filter(|p| p[3] > 0).count();
        assert_eq!(filled, 5 + 2);
        assert_eq!(drawing.provenance.rows_shown, 3);
    }

    #[test]
    fn the_pixels_of_the_plot_are_those_below_the_legend() {
        let (x, y, levels) = (axis("x"), axis("y"), ["a".to_owned(), "b".to_owned()]);
        let counts = packed(&[1, 0, 2, 0, /* b */ 0, 0, 2, 8], 2 * 2);
        for levels in [&levels[..], &[]] {
            let style = Style { width: 300, height: 240, ..Style::default() };
            let drawing = draw(&input(&x, &y, levels, &counts, 2, 2), &style).unwrap();
            let layout = &drawing.figure["layout"];
            let side = |margins: [&str; 2], side: u32| {
                f64::from(side) - margins.iter().map(|margin| layout["margin"][margin].as_f64().unwrap()).sum::<f64>()
            };
            let (nx, ny) = plot_pixels(levels, &[3, 10], &style);
            assert_eq!([nx as f64, ny as f64], [side(["l", "r"], style.width), side(["t", "b"], style.height)]);
        }
    }

    #[test]
    fn a_first_look_says_so_and_counts_what_it_stands_for() {
        let (x, y) = (axis("x"), axis("y"));
        let counts = packed(&[1, 0, 5, 9], 4);
        let all = input(&x, &y, &[], &counts, 4, 1);
        let texts = |input: &Input<'_>| {
            let drawing = draw(input, &Style::default()).unwrap();
            assert_eq!(drawing.provenance.rows_shown, 15);
            (drawing.provenance.method, drawing.figure["layout"]["annotations"].to_string(), drawing.summary)
        };
        let (method, note, summary) = texts(&all);
        assert!(method.contains("every row counted") && note.contains("█ 9 rows a cell"), "{method} {note}");
        assert!(summary.contains("for 15 of"), "{summary}");
        let (method, note, summary) = texts(&Input { one_of: 4, ..all });
        assert!(method.contains("one row in 4 counted") && note.contains("█ 36 rows a cell"), "{method} {note}");
        assert!(summary.contains("for 60 of"), "{summary}");
    }

    #[test]
    fn many_classes_and_many_mixtures_fit_the_palette() {
        let levels: Vec<String> = (0..14).map(|i| format!("l{i}")).collect();
        let (x, y) = (axis("x"), axis("y"));
        let (nx, ny) = (60, 40);
        let counts: Vec<u32> = (0..(15 * nx * ny) as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 27).saturating_sub(20)).collect();
        let packed = packed(&counts, nx * ny);
        for theme in [Theme::Light, Theme::Dark] {
            let style = Style { theme, ..Style::default() };
            let drawing = draw(&input(&x, &y, &levels, &packed, nx, ny), &style).unwrap();
            assert_eq!(drawing.legend.len(), 12);
            assert_eq!(decode(&drawing.raster.unwrap().image).len(), nx * ny);
            check(&drawing.picture);
        }
    }

    #[test]
    fn mixtures_of_each_class_keep_their_hue() {
        // Eight classes side by side, each with some rows of the others among its own, as chance has it.
        let levels: Vec<String> = (0..8).map(|i| format!("l{i}")).collect();
        let (x, y) = (axis("x"), axis("y"));
        let (nx, ny) = (400, 100);
        let (mut counts, mut chances) = (vec![0_u32; 8 * nx * ny], chance(1));
        let mut chance = |n: u64| ((chances.next().unwrap() >> 33) % n) as usize;
        for cell in 0..nx * ny {
            let class = cell % nx * 8 / nx;
            counts[class * nx * ny + cell] = 4 + chance(9) as u32;
            (0..chance(4)).for_each(|_| counts[chance(8) * nx * ny + cell] += 1);
        }
        let drawing = draw(&input(&x, &y, &levels, &packed(&counts, nx * ny), nx, ny), &Style::default()).unwrap();
        let pixels = decode(&drawing.raster.unwrap().image);
        let light: Vec<[f64; 3]> = (0..8).map(|class| Theme::Light.rgb(Colour::category(class)).linear()).collect();
        for (at, pixel) in pixels.iter().enumerate() {
            let cell = (ny - 1 - at / nx) * nx + at % nx;
            let rows: Vec<f64> = (0..8).map(|class| f64::from(counts[class * nx * ny + cell])).collect();
            let mean = std::array::from_fn(|channel| {
                light.iter().zip(&rows).map(|(light, rows)| light[channel] * rows).sum::<f64>() / rows.iter().sum::<f64>()
            });
            let expected = crate::theme::Rgb::from_linear(mean).0;
            let apart = (0..3).map(|channel| (i32::from(expected[channel]) - i32::from(pixel[channel])).abs()).max();
            assert!(apart <= Some(60), "{expected:?} is drawn as {pixel:?}");
        }
    }

    #[test]
    fn nothing_to_draw_has_a_reason_and_names_are_text() {
        let (x, y) = (axis("x"), axis("y"));
        assert!(draw(&input(&x, &y, &[], &packed(&[0; 4], 2 * 2), 2, 2), &Style::default()).unwrap_err().reason.contains("in this window"));
        assert!(draw(&input(&x, &y, &[], &packed(&[], 4), 2, 2), &Style::default()).is_err());
        assert!(draw(&input(&x, &y, &[], &packed(&[], 0), 0, 0), &Style::default()).is_err());
        for raw in crate::text::HOSTILE {
            let (x, levels) = (axis(raw), [(*raw).to_owned(), "b".to_owned()]);
            let drawing = draw(&input(&x, &x, &levels, &packed(&[1; 8], 2 * 2), 2, 2), &Style::default()).unwrap();
            let json = drawing.figure.to_string();
            assert!(!json.contains(['<', '$']), "{json}");
            check(&drawing.picture);
        }
    }

    proptest! {
        #[test]
        fn every_cell_with_rows_is_painted(
            nx in 1_usize..24, ny in 1_usize..24, classes in 0_usize..14, seed in any::<u32>(), shade in 0..3_usize,
        ) {
            let (x, y) = (axis("x"), axis("y"));
            let levels: Vec<String> = (0..classes).map(|i| format!("l{i}")).collect();
            let counts: Vec<u32> = (0..((classes + 1) * nx * ny) as u32)
                .map(|i| i.wrapping_mul(2_654_435_761).wrapping_add(seed))
                .map(|v| if v & 7 == 0 { (v >> (v >> 8 & 31)) & 0xffff } else { 0 })
                .collect();
            let packed = packed(&counts, nx * ny);
            let shade = [Shade::Equalised, Shade::Log, Shade::Linear][shade];
            let input = Input { shade, ..input(&x, &y, &levels, &packed, nx, ny) };
            let shown: u64 = counts.iter().map(|&c| u64::from(c)).sum();
            match draw(&input, &Style::default()) {
                Err(_) => prop_assert_eq!(shown, 0),
                Ok(drawing) => {
                    prop_assert_eq!(drawing.provenance.rows_shown, shown);
                    let pixels = decode(&drawing.raster.unwrap().image);
                    for cell in 0..nx * ny {
                        let filled = counts.iter().skip(cell).step_by(nx * ny).any(|&c| c > 0);
                        let pixel = pixels[(ny - 1 - cell / nx) * nx + cell % nx];
                        prop_assert_eq!(pixel[3] > 0, filled);
                    }
                }
            }
        }
    }

    /// Run in release mode with `--ignored --nocapture`: the goal is 3 ms at 800 x 500.
    #[test]
    #[ignore = "a measurement"]
    fn speed() {
        let levels: Vec<String> = (0..8).map(|i| format!("l{i}")).collect();
        let (x, y) = (axis("x"), axis("y"));
        let (nx, ny) = (800, 500);
        let mut counts = vec![0_u32; 8 * nx * ny];
        for state in chance(1).take(1_000_000) {
            let u = |shift: u64| ((state >> shift) & 1023) as f64 / 1024.0;
            let class = (state >> 61) as usize;
            let ix = ((u(10) + u(20) + u(30)) / 3.0 * nx as f64) as usize;
            let iy = ((u(40) + u(15) + u(50)) / 3.0 * ny as f64) as usize;
            counts[(class * ny + iy) * nx + (ix + class * 30) % nx] += 1;
        }
        let packed = packed(&counts, nx * ny);
        let input = Input { spread: true, ..input(&x, &y, &levels, &packed, nx, ny) };
        let mut best = f64::INFINITY;
        let mut bytes = 0;
        let mut buffers = Buffers::default();
        for _ in 0..20 {
            let start = std::time::Instant::now();
            let drawing = super::draw(&input, &Style::default(), &mut buffers).unwrap();
            best = best.min(start.elapsed().as_secs_f64());
            bytes = drawing.raster.unwrap().image.len();
        }
        eprintln!("800 x 500 x 8: {:.2} ms, {bytes} bytes", best * 1e3);
    }
}
