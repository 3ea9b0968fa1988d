//! How the chosen features are distributed, alone or by the target.

use labboard_figure::Empty;
use labboard_figure::distribution::{Distribution, Input, Places, Together, draw as draw_distributions};
use labboard_frame::classes::{GroupKind, Grouping};
use labboard_frame::histogram::{Binning, histogram, level_counts};
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
        Control { name: "bars", label: "bars", form: ControlForm::Segments, options: bar_options, default: first },
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
    fixed(&[("stack", "Stacked"), ("group", "Side by side"), ("overlay", "Overlaid")])
}

/// One feature's counts, owned, so that the figure can borrow them.
struct Counted<'a> {
    name: &'a str,
    date: bool,
    edges: Vec<f64>,
    labels: Vec<String>,
    counts: Vec<u64>,
    missing: u64,
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
    let counted = chosen
        .iter()
        .take(MOST)
        .filter_map(|name| {
            let (at, column) = source.column(name)?;
            let described = &source.features[at];
            let missing = described.summary.missing as u64;
            let name = described.feature.name.as_str();
            let date = column.kind() == FeatureKind::Date;
            match column {
                Column::Numeric(_) | Column::Date(_) => {
                    let found = histogram(column, classes, Binning { max_bins: BINS, window: None })?;
                    Some(Counted { name, date, edges: found.edges, labels: Vec::new(), counts: found.counts.concat(), missing })
                }
                Column::Nominal { .. } | Column::Text { .. } => {
                    let found = level_counts(column, classes, LEVELS)?;
                    let mut labels = found.labels;
                    if found.other_levels > 0 {
                        labels.push(format!("{} other levels", found.other_levels));
                    }
                    Some(Counted { name, date, edges: Vec::new(), labels, counts: found.counts.concat(), missing })
                }
            }
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
    let distributions = counted
        .iter()
        .map(|counted| Distribution {
            name: counted.name,
            places: if counted.labels.is_empty() {
                Places::Bins { edges: &counted.edges, date: counted.date }
            } else {
                Places::Levels(&counted.labels)
            },
            counts: &counted.counts,
            missing: counted.missing,
        })
        .collect::<Vec<_>>();
    let input = Input {
        features: &distributions,
        target: if classes.is_some() { target.unwrap_or_default() } else { "" },
        levels: if classes.is_some() { &names } else { &[] },
        together: match values.one("bars") {
            "group" => Together::Group,
            "overlay" => Together::Overlay,
            _ => Together::Stack,
        },
        columns: if canvas.width >= 640 { 2 } else { 1 },
        rows_total: source.columns.rows() as u64,
    };
    draw_distributions(&input, &canvas.style(&[target.unwrap_or_default(), &chosen.join("\u{1f}")])).map(Content::from)
}
