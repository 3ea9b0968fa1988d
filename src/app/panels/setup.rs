//! The parameter values that a run was made with, by component.

use labboard_figure::Empty;

use super::{Canvas, Content, Panel, Values, always};
use crate::model::{Cell, ColumnHead, Entity, Kind, Provenance, Row, Span, TableView};
use crate::server::source::RunSource;

pub const PANEL: Panel<RunSource> =
    Panel { name: "setup", title: "Parameters", span: Span::Half, height: 0, controls: &[], suits: always, draw, probe: None };

fn draw(source: &RunSource, _: &Values, _: &Canvas) -> Result<Content, Empty> {
    let settings = &source.setup.parameters;
    if settings.is_empty() {
        return Err(Empty { reason: "This run sets no parameters".to_owned() });
    }
    let head = |name: &str| ColumnHead { name: name.to_owned(), numeric: false, help: None };
    let rows = settings
        .iter()
        .map(|setting| Row {
            cells: vec![
                Cell::text(setting.name.clone()),
                Cell::text(setting.value.clone()),
                Cell::link(format!("flow {}", setting.component), Entity::new(Kind::Flow, setting.component)),
            ],
            ..Row::default()
        })
        .collect::<Vec<_>>();
    let total = rows.len() as u64;
    Ok(Content::Table {
        table: TableView { columns: vec![head("Parameter"), head("Value"), head("Component")], rows, total, chooses: None },
        summary: String::new(),
        provenance: Provenance::default(),
    })
}
