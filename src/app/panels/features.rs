//! The features of a dataset, with what is in them; the rows choose what the distributions show.

use labboard_figure::{Empty, text};
use labboard_frame::Kind as FeatureKind;

use super::{Canvas, Content, Control, Panel, Values, always, distribution};
use crate::model::{Cell, ColumnHead, ControlForm, Provenance, Row, Span, TableView};
use crate::server::source::{DataSource, Described};

pub const PANEL: Panel<DataSource> = Panel {
    name: "features",
    title: "Features",
    span: Span::Side,
    height: 0,
    controls: &[Control {
        name: "chosen",
        label: "shown below",
        form: ControlForm::Rows,
        options: distribution::feature_options,
        default: distribution::default_features,
    }],
    suits: always,
    draw,
    probe: None,
};

fn draw(source: &DataSource, _: &Values, _: &Canvas) -> Result<Content, Empty> {
    if source.features.is_empty() {
        return Err(Empty { reason: "This dataset has no features".to_owned() });
    }
    let target = source.target();
    let mut order = source.features.iter().collect::<Vec<_>>();
    order.sort_by_key(|described| Some(described.feature.name.as_str()) != target);
    let head = |name: &str, numeric: bool, help: &str| ColumnHead {
        name: name.to_owned(),
        numeric,
        help: (!help.is_empty()).then(|| help.to_owned()),
    };
    let columns = vec![
        head("Feature", false, ""),
        head("Type", false, ""),
        head("Distinct", true, "Different values, missing ones not counted"),
        head("Missing", true, "Rows without a value"),
        head("Mean", true, ""),
        head("Bits", true, "Entropy over the distinct values: the sum of -p log2 p"),
        head("Shape", false, "Where the values lie"),
    ];
    let rows = order.iter().map(|described| row(described, target)).collect::<Vec<_>>();
    let total = source.features.len() as u64;
    let incomplete = source.features.iter().filter(|described| described.summary.missing > 0).count();
    let summary = match (incomplete, target) {
        (0, Some(target)) => format!("No value is missing. The target is {target}."),
        (0, None) => "No value is missing. There is no target.".to_owned(),
        (n, Some(target)) => format!("{} missing values. The target is {target}.", text::plural(n as u64, "feature has", "features have")),
        (n, None) => format!("{} missing values. There is no target.", text::plural(n as u64, "feature has", "features have")),
    };
    Ok(Content::Table {
        table: TableView { columns, rows, total, chooses: Some("distribution.features".to_owned()) },
        summary,
        provenance: Provenance {
            rows_shown: source.columns.rows() as u64,
            rows_total: source.columns.rows() as u64,
            method: "exact".to_owned(),
            formula: Some("entropy in bits: -Σ p log2 p over the distinct values".to_owned()),
            ..Provenance::default()
        },
    })
}

fn row(described: &Described, target: Option<&str>) -> Row {
    let Described { feature, summary } = described;
    let kind = match feature.kind {
        FeatureKind::Numeric => "numeric",
        FeatureKind::Nominal => "nominal",
        FeatureKind::Text => "string",
        FeatureKind::Date => "date",
    };
    let missing = if summary.missing == 0 {
        Cell::number(0.0, "–")
    } else {
        let share = summary.missing as f64 / summary.rows.max(1) as f64;
        Cell { warn: true, ..Cell::number(share, text::percent(share)) }
    };
    let mean = match (&summary.numbers, feature.kind) {
        (Some(numbers), FeatureKind::Numeric) => Cell::number(numbers.mean, text::number(numbers.mean, 4)),
        _ => Cell::text("–"),
    };
    let spark = summary.numbers.as_ref().map(|numbers| numbers.spark.counts.clone()).or_else(|| {
        const MOST: usize = 16;
        let mut counts = summary.levels.as_ref()?.counts.clone();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts.truncate(MOST);
        Some(counts)
    });
    let most = spark.as_ref().and_then(|counts| counts.iter().max().copied()).unwrap_or(1).max(1);
    // Heights only: a count of millions need not travel.
    let spark = spark.unwrap_or_default().iter().map(|count| (*count as f64 / most as f64 * 100.0).ceil() as u32).collect();
    let mark = if Some(feature.name.as_str()) == target {
        Some("target")
    } else if feature.is_row_id {
        Some("row id")
    } else if feature.is_ignored {
        Some("ignored")
    } else {
        None
    };
    Row {
        key: Some(feature.name.clone()),
        mark: mark.map(str::to_owned),
        cells: vec![
            Cell::text(feature.name.clone()),
            Cell::text(kind),
            Cell::number(summary.distinct as f64, text::count(summary.distinct as u64)),
            missing,
            mean,
            Cell::number(summary.entropy, format!("{:.2}", summary.entropy)),
            Cell { spark, ..Cell::default() },
        ],
    }
}
