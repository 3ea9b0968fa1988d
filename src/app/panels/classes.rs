//! How many rows each level of a nominal feature has.

use labboard_figure::Empty;

use super::{Canvas, Content, Control, Panel, Values, always, first};
use crate::model::{Cell, ColumnHead, ControlForm, Provenance, Row, Span, TableView};
use crate::server::source::DataSource;

pub const PANEL: Panel<DataSource> = Panel {
    name: "classes",
    title: "Classes",
    span: Span::Half,
    height: 0,
    controls: &[Control { name: "feature", label: "feature", form: ControlForm::Select, options: nominal, default: first }],
    suits: always,
    draw,
    probe: None,
};

fn nominal(source: &DataSource) -> Vec<(String, String)> {
    let with_levels = source.features.iter().filter(|described| described.summary.levels.is_some());
    with_levels.map(|described| (described.feature.name.clone(), described.feature.name.clone())).collect()
}

fn draw(source: &DataSource, values: &Values, _: &Canvas) -> Result<Content, Empty> {
    let found = source
        .column(values.one("feature"))
        .and_then(|(at, column)| Some((source.features[at].summary.levels.as_ref()?, column.categories()?.1)));
    let Some((counts, levels)) = found else {
        return Err(Empty { reason: "This dataset has no nominal feature".to_owned() });
    };
    let rows = levels.iter().zip(&counts.counts).map(|(level, count)| Row {
        cells: vec![Cell::text(level.clone()), Cell::number(*count as f64, count.to_string())],
        ..Row::default()
    });
    let rows = rows.collect::<Vec<_>>();
    let head = |name: &str, numeric| ColumnHead { name: name.to_owned(), numeric, help: None };
    Ok(Content::Table {
        summary: format!("{} has {} levels.", values.one("feature"), rows.len()),
        table: TableView { columns: vec![head("Level", false), head("Rows", true)], total: rows.len() as u64, rows, chooses: None },
        provenance: Provenance::default(),
    })
}
