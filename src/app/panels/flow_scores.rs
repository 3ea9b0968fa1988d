//! A flow's scores on each dataset, coloured by one of its parameters.

use std::collections::HashSet;

use labboard_figure::Empty;
use labboard_figure::flow_scores::{Input, Score, draw as draw_scores};

use super::{Canvas, Content, Control, Options, Panel, Values, always, first, measure_options, measure_title, page_options, rows_view};
use crate::model::{ControlForm, Span};
use crate::server::source::{FlowSource, higher_is_better};

/// What stands for "no parameter".
const NONE: &str = "";
/// Between a component's id and a parameter's name, in a choice's value.
const SEPARATOR: char = '/';

pub const PANEL: Panel<FlowSource> = Panel {
    name: "scores",
    title: "Score per dataset",
    span: Span::Full,
    height: 420,
    controls: &[
        Control { name: "measure", label: "measure", form: ControlForm::Select, options: measures, default: first },
        Control {
            name: "parameter",
            label: "colour by parameter",
            form: ControlForm::Select,
            options: parameters,
            default: first_that_varies,
        },
        Control { name: "page", label: "datasets", form: ControlForm::Select, options: pages, default: first },
    ],
    suits: always,
    draw,
    probe: None,
};

fn measures(source: &FlowSource) -> Vec<(String, String)> {
    // What most runs have says most about the flow.
    let most = source.measures.iter().filter(|count| !count.measure.contains("millis")).max_by_key(|count| count.runs);
    let names = || source.measures.iter().map(|count| count.measure.as_str());
    let preferred = ["predictive_accuracy", "root_mean_squared_error"].into_iter().find(|name| names().any(|known| known == *name));
    let wanted = preferred.or_else(|| most.map(|count| count.measure.as_str()));
    measure_options(names(), wanted)
}

/// Parameters that some run sets, by component; those whose value differs between runs first.
fn parameters(source: &FlowSource) -> Vec<(String, String)> {
    let mut options = source
        .parameters
        .iter()
        .map(|((component, name), differs)| {
            let owner = source.components.get(component).map_or("", String::as_str);
            let label = if *component == source.flow.id || owner.is_empty() { name.clone() } else { format!("{name} ({owner})") };
            (!differs, format!("{component}{SEPARATOR}{name}"), label)
        })
        .collect::<Vec<_>>();
    options.sort();
    std::iter::once((NONE.to_owned(), "none".to_owned())).chain(options.into_iter().map(|(_, value, label)| (value, label))).collect()
}

fn first_that_varies(source: &FlowSource, options: &[(String, String)]) -> Vec<String> {
    // Those that vary come first, after "none".
    let found = options.get(1).filter(|_| source.parameters.values().any(|differs| *differs));
    vec![found.map_or(NONE, |(value, _)| value.as_str()).to_owned()]
}

fn pages(source: &FlowSource) -> Options {
    let rows = source.scores.iter().flat_map(|(_, rows)| rows.iter());
    page_options(rows.filter(|row| row.value.is_some_and(f64::is_finite)).map(|row| row.dataset_id).collect::<HashSet<_>>().len())
}

fn draw(source: &FlowSource, values: &Values, canvas: &Canvas) -> Result<Content, Empty> {
    let (measure, parameter) = (values.one("measure"), values.one("parameter"));
    let Some((_, found)) = source.scores.as_ref().filter(|(name, found)| name == measure && !found.is_empty()) else {
        return Err(Empty { reason: "Nobody has published a run of this flow yet".to_owned() });
    };
    let wanted = parameter.split_once(SEPARATOR);
    let value_of = |setup: i64| {
        let (component, name) = wanted?;
        let component = component.parse::<i64>().ok()?;
        let settings = &source.setups.get(&setup)?.parameters;
        settings.iter().find(|setting| setting.component == component && setting.name == name).map(|setting| setting.value.as_str())
    };
    let scores = found
        .iter()
        .map(|row| Score {
            run_id: u64::try_from(row.run_id).unwrap_or(0),
            dataset_id: u64::try_from(row.dataset_id).unwrap_or(0),
            dataset: &row.dataset_name,
            value: row.value.unwrap_or(f64::NAN),
            parameter: value_of(row.setup_id),
        })
        .collect::<Vec<_>>();
    let title = measure_title(measure);
    let style = canvas.style(&[measure, values.one("page")]);
    let input = Input {
        measure: &title,
        higher_is_better: higher_is_better(measure),
        parameter: wanted.map_or("", |(_, name)| name),
        scores: &scores,
        view: rows_view(values, canvas, &style),
    };
    let mut drawing = draw_scores(&input, &style)?;
    super::link_marks(&mut drawing, "run");
    Ok(drawing.into())
}
