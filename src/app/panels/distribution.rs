//! How the chosen features are distributed, alone or by the target.

use labboard_figure::Empty;
use labboard_figure::distribution::{
    Curve, Distribution, GroupSpread, Input, Places, Together, Values as Shown, draw as draw_distributions,
};
use labboard_frame::classes::{Classes, GroupKind, Grouping};
use labboard_frame::histogram::{counts_between, histogram, level_counts};
use labboard_frame::quartiles::{Quartiles, quartiles};
use labboard_frame::smooth::{bandwidth, smooth};
use labboard_frame::{Column, Kind as FeatureKind};

use super::{Canvas, Content, Control, Panel, Values, always, first, fixed};
use crate::model::{ControlForm, Span};
use crate::server::source::DataSource;

/// Features shown while nobody has chosen.
const SHOWN: usize = 4;
/// Features that can be drawn at once.
const MOST: usize = 24;
const BINS: usize = 24;
const LEVELS: usize = 20;
/// Bins behind a violin: one for about two pixels.
const CURVE_BINS: usize = 96;
/// Parts of such a bin that are counted and smoothed: whole numbers fall into bins of another width in waves that are not in the data.
const FINER: usize = 8;
/// The least bandwidth of a violin, in bins.
const NARROWEST: f64 = 0.6;
/// Groups that a numeric target is cut into.
const QUANTILES: usize = 4;

pub const PANEL: Panel<DataSource> = Panel {
    name: "distribution",
    title: "Distribution",
    span: Span::Full,
    height: 420,
    controls: &[
        Control { name: "features", label: "features", form: ControlForm::Many, options: feature_options, default: default_features },
        Control { name: "by", label: "by", form: ControlForm::Segments, options: by_options, default: first },
        Control { name: "bars", label: "as", form: ControlForm::Segments, options: bar_options, default: first },
    ],
    suits: always,
    draw,
    probe: None,
};

pub(super) fn feature_options(source: &DataSource) -> Vec<(String, String)> {
    source.features.iter().map(|described| (described.feature.name.clone(), described.feature.name.clone())).collect()
}

/// The target and the first features that are worth a look.
pub(super) fn default_features(source: &DataSource, _: &[(String, String)]) -> Vec<String> {
    let target = source.target();
    let rest = source
        .features
        .iter()
        .filter(|described| described.summary.distinct > 1 && !described.feature.is_row_id && !described.feature.is_ignored)
        .map(|described| described.feature.name.as_str())
        .filter(|name| Some(*name) != target);
    target.into_iter().chain(rest).take(SHOWN).map(str::to_owned).collect()
}

fn by_options(source: &DataSource) -> Vec<(String, String)> {
    match source.target() {
        Some(_) => fixed(&[("target", "Target"), ("alone", "Alone")]),
        None => fixed(&[("alone", "Alone")]),
    }
}

fn bar_options(_: &DataSource) -> Vec<(String, String)> {
    fixed(&[("stack", "Stacked"), ("group", "Grouped"), ("overlay", "Overlaid"), ("box", "Box"), ("violin", "Violin")])
}

/// One feature, owned, so that the figure can borrow it.
struct Described<'a> {
    name: &'a str,
    date: bool,
    form: Form,
    missing: u64,
    infinite: u64,
}

enum Form {
    Bins { edges: Vec<f64>, counts: Vec<u64> },
    Levels { labels: Vec<String>, counts: Vec<u64> },
    Spread(Vec<Option<GroupSpread>>),
}

fn draw(source: &DataSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let chosen = values.many("features");
    if chosen.is_empty() {
        return Err(Empty { reason: "Choose features in the list above".to_owned() });
    }
    let target = source.target().filter(|_| values.one("by") == "target");
    let target_column = target.and_then(|name| source.column(name));
    let colour = target_column.and_then(|(at, column)| Some((source.colour(at, QUANTILES)?, column)));
    let classes = colour.as_ref().map(|(colour, column)| colour.classes(*column));
    let bars = values.one("bars");
    let described = chosen
        .iter()
        .take(MOST)
        .filter_map(|name| {
            let (at, column) = source.column(name)?;
            let feature = &source.features[at];
            let missing = feature.summary.missing as u64;
            let infinite = feature.summary.numbers.as_ref().map_or(0, |numbers| numbers.infinite as u64);
            let date = column.kind() == FeatureKind::Date;
            let form = match bars {
                "box" | "violin" if column.numbers().is_some() => spread(column, classes, bars == "violin")?,
                _ => counted(column, classes)?,
            };
            Some(Described { name: feature.feature.name.as_str(), date, form, missing, infinite })
        })
        .collect::<Vec<_>>();
    let no_groups = Grouping::all(0);
    let names = colour
        .as_ref()
        .map_or(&no_groups, |(colour, _)| &colour.grouping)
        .groups()
        .iter()
        .filter(|group| !matches!(group.kind, GroupKind::Missing))
        .map(|group| match group.kind {
            GroupKind::Other(levels) => format!("{levels} other levels"),
            _ => group.label.clone(),
        })
        .collect::<Vec<_>>();
    let distributions = described
        .iter()
        .map(|described| Distribution {
            name: described.name,
            values: match &described.form {
                Form::Bins { edges, counts } => Shown::Counts { places: Places::Bins { edges, date: described.date }, counts },
                Form::Levels { labels, counts } => Shown::Counts { places: Places::Levels(labels), counts },
                Form::Spread(groups) => Shown::Spread { groups, date: described.date },
            },
            missing: described.missing,
            infinite: described.infinite,
        })
        .collect::<Vec<_>>();
    let input = Input {
        features: &distributions,
        target: if classes.is_some() { target.unwrap_or_default() } else { "" },
        levels: if classes.is_some() { &names } else { &[] },
        together: match bars {
            "group" => Together::Group,
            "overlay" => Together::Overlay,
            _ => Together::Stack,
        },
        columns: if canvas.width >= 640 { 2 } else { 1 },
        rows_total: source.columns.rows() as u64,
    };
    // A box has other axes than the bars: a zoom of one means nothing to the other.
    let axes = if matches!(bars, "box" | "violin") { "spread" } else { "" };
    draw_distributions(&input, &canvas.style(&[target.unwrap_or_default(), &chosen.join("\u{1f}"), axes])).map(Content::from)
}

fn counted(column: Column<'_>, classes: Option<Classes<'_>>) -> Option<Form> {
    if column.numbers().is_some() {
        let found = histogram(column, classes, BINS)?;
        return Some(Form::Bins { edges: found.edges, counts: found.counts.concat() });
    }
    let found = level_counts(column, classes, LEVELS)?;
    let mut labels = found.labels;
    if found.other_levels > 0 {
        labels.push(format!("{} other levels", found.other_levels));
    }
    Some(Form::Levels { labels, counts: found.counts.concat() })
}

/// The quartiles of each group, and for violins the curve of its density.
fn spread(column: Column<'_>, classes: Option<Classes<'_>>, curves: bool) -> Option<Form> {
    let found = quartiles(column, classes)?;
    let present = || found.quartiles.iter().flatten();
    let (low, high) = present().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), group| (low.min(group.min), high.max(group.max)));
    let (parts, width) = (CURVE_BINS * FINER, (high - low) / CURVE_BINS as f64);
    let part = width / FINER as f64;
    let counts = if curves && part > 0.0 && part.is_finite() {
        let edges: Vec<f64> = (0..parts).map(|at| low + at as f64 * part).chain([high]).collect();
        counts_between(&edges, column.numbers()?, classes, found.groups.len())
    } else {
        vec![vec![]; found.groups.len()]
    };
    let curve = |counts: &[u64], quartiles: &Quartiles| {
        (!counts.is_empty()).then(|| {
            // Narrower than a bin, a kernel would only show how the bins lie.
            let bandwidth = (bandwidth(counts, part, quartiles) / part).max(NARROWEST * FINER as f64);
            let heights = smooth(counts, bandwidth).chunks(FINER).map(|parts| parts.iter().sum()).collect();
            Curve { low, width, heights }
        })
    };
    let groups = found.quartiles.iter().zip(&counts);
    Some(Form::Spread(
        groups.map(|(found, counts)| found.map(|quartiles| GroupSpread { curve: curve(counts, &quartiles), quartiles })).collect(),
    ))
}
