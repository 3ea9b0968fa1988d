use std::collections::HashSet;

use serde::Serialize;
use thiserror::Error;

use crate::date::{self, Precision};
use crate::error::ParseError;
use crate::limits::Limits;
use crate::table::{Feature, Table, Values};
use crate::{arff, json, number};

use super::{DocumentError, reader, writer};

/// `oml:trace`: the parameter values that a run tried on its way to the best ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trace {
    /// A file of a run that is not published yet does not know it.
    pub run_id: Option<u32>,
    #[serde(rename = "trace_iteration")]
    pub iterations: Vec<TraceIteration>,
}

/// Parameter values that were tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TraceIteration {
    pub repeat: u32,
    pub fold: u32,
    pub iteration: u32,
    /// A JSON object whose keys are `parameter_` and the name of a parameter, and whose values are strings of JSON.
    pub setup_string: String,
    /// By the measure that the search used. Never NaN.
    pub evaluation: Option<f64>,
    /// Whether these values were the best ones of the fold.
    pub selected: bool,
}

/// Why the file of a trace cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TraceError {
    #[error(transparent)]
    Arff(#[from] ParseError),
    #[error("the trace has no attribute \"{0}\"")]
    MissingAttribute(&'static str),
    /// `row` counts data rows from 1.
    #[error("row {row} of the trace: {value} is not a valid {attribute}")]
    Value { row: usize, attribute: &'static str, value: String },
    #[error("iteration {iteration} of repeat {repeat}, fold {fold} comes twice in the trace")]
    Twice { repeat: u32, fold: u32, iteration: u32 },
    #[error("the parameter values of the trace are longer than {0} bytes, the limit")]
    TooLarge(usize),
    #[error("the trace has no rows")]
    Empty,
}

const ROOT: &str = "trace";

const PARAMETER: &str = "parameter_";

/// How long all setup strings may be together. Sparse rows repeat a value without having it, so a small file can ask for more.
const LONGEST: usize = 1 << 28;

impl Trace {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            let iterations = root.children("trace_iteration").map(|iteration| {
                Ok(TraceIteration {
                    repeat: iteration.id("repeat")?,
                    fold: iteration.id("fold")?,
                    iteration: iteration.id("iteration")?,
                    setup_string: iteration.optional("setup_string").unwrap_or_default(),
                    evaluation: iteration.optional_value("evaluation")?,
                    selected: iteration.flag("selected")?,
                })
            });
            Ok(Self { run_id: root.optional_id("run_id")?, iterations: iterations.collect::<Result<_, DocumentError>>()? })
        })
    }

    /// Writes the document. An evaluation that is missing is NaN, because clients expect a number.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            out.optional_number("run_id", self.run_id);
            for iteration in &self.iterations {
                out.element("trace_iteration", |out| {
                    out.number("repeat", iteration.repeat);
                    out.number("fold", iteration.fold);
                    out.number("iteration", iteration.iteration);
                    out.text("setup_string", &iteration.setup_string);
                    match iteration.evaluation {
                        Some(value) if !value.is_nan() => out.value_with("evaluation", &[], value),
                        _ => out.text("evaluation", "NaN"),
                    }
                    out.number("selected", iteration.selected);
                });
            }
        })
    }

    /// Reads the file that a client uploads with a run: ARFF with `repeat`, `fold`, `iteration`, `evaluation`, `selected` and a
    /// `parameter_<name>` for each parameter, matched by name. A parameter without a value is left out of the setup string.
    pub fn from_arff(input: &[u8]) -> Result<Self, TraceError> {
        Self::from_arff_within(input, &Limits::default())
    }

    /// Reads the file of a trace of no more values than `limits`.
    pub fn from_arff_within(input: &[u8], limits: &Limits) -> Result<Self, TraceError> {
        let table = arff::read_within(input, limits)?;
        if table.rows() == 0 {
            return Err(TraceError::Empty);
        }
        let repeats = indices(&table, "repeat")?;
        let folds = indices(&table, "fold")?;
        let numbers = indices(&table, "iteration")?;
        let evaluations = evaluations(&column(&table, "evaluation")?.values)?;
        let selected = flags(&column(&table, "selected")?.values)?;
        let parameters: Vec<Parameter<'_>> = table.features.iter().filter_map(Parameter::new).collect();

        let mut seen = HashSet::with_capacity(repeats.len());
        let mut length = 0usize;
        let mut iterations = Vec::with_capacity(repeats.len());
        for (row, (((&repeat, &fold), &iteration), (&evaluation, &selected))) in
            repeats.iter().zip(&folds).zip(&numbers).zip(evaluations.iter().zip(&selected)).enumerate()
        {
            if !seen.insert((repeat, fold, iteration)) {
                return Err(TraceError::Twice { repeat, fold, iteration });
            }
            let setup_string = setup_string(&parameters, row);
            length += setup_string.len();
            if length > LONGEST {
                return Err(TraceError::TooLarge(LONGEST));
            }
            iterations.push(TraceIteration { repeat, fold, iteration, setup_string, evaluation, selected });
        }
        Ok(Self { run_id: None, iterations })
    }
}

fn column<'t>(table: &'t Table, name: &'static str) -> Result<&'t Feature, TraceError> {
    table.features.iter().find(|feature| feature.name.eq_ignore_ascii_case(name)).ok_or(TraceError::MissingAttribute(name))
}

fn indices(table: &Table, attribute: &'static str) -> Result<Vec<u32>, TraceError> {
    let values = &column(table, attribute)?.values;
    crate::index::indices(values).map_err(|(row, value)| TraceError::Value { row, attribute, value })
}

/// Measured values, as numbers or as their text.
fn evaluations(values: &Values) -> Result<Vec<Option<f64>>, TraceError> {
    let known = |value: f64| (!value.is_nan()).then_some(value);
    match values {
        Values::Numeric(values) | Values::Date(values) => Ok(values.iter().copied().map(known).collect()),
        Values::Nominal { codes, levels } | Values::Text { codes, levels } => {
            let numbers: Vec<Option<f64>> = levels.iter().map(|level| number::parse(level.trim())).collect();
            let value = |(at, &code): (usize, &u32)| match numbers.get(code as usize) {
                None => Ok(None),
                Some(&Some(value)) => Ok(known(value)),
                Some(None) => Err(invalid(at, "evaluation", levels, code)),
            };
            codes.iter().enumerate().map(value).collect()
        }
    }
}

fn flags(values: &Values) -> Result<Vec<bool>, TraceError> {
    match values {
        Values::Nominal { codes, levels } | Values::Text { codes, levels } => {
            let flags: Vec<Option<bool>> = levels
                .iter()
                .map(|level| match level.trim() {
                    "1" => Some(true),
                    "0" => Some(false),
                    word => word.to_ascii_lowercase().parse().ok(),
                })
                .collect();
            let flag = |(at, &code): (usize, &u32)| {
                flags.get(code as usize).copied().flatten().ok_or_else(|| invalid(at, "selected", levels, code))
            };
            codes.iter().enumerate().map(flag).collect()
        }
        Values::Numeric(values) | Values::Date(values) => {
            let flag = |(at, &value): (usize, &f64)| match value {
                1.0 => Ok(true),
                0.0 => Ok(false),
                other => Err(TraceError::Value { row: at + 1, attribute: "selected", value: other.to_string() }),
            };
            values.iter().enumerate().map(flag).collect()
        }
    }
}

fn invalid(at: usize, attribute: &'static str, levels: &[String], code: u32) -> TraceError {
    let value = levels.get(code as usize).map_or("?", String::as_str).to_owned();
    TraceError::Value { row: at + 1, attribute, value }
}

/// A column of parameter values, with what is worth doing once.
struct Parameter<'t> {
    /// As a key of JSON, with the colon.
    key: String,
    values: &'t Values,
    /// The levels as strings of JSON, if there are levels.
    levels: Vec<String>,
    precision: Precision,
}

impl<'t> Parameter<'t> {
    fn new(feature: &'t Feature) -> Option<Self> {
        let prefix = feature.name.get(..PARAMETER.len())?;
        if !prefix.eq_ignore_ascii_case(PARAMETER) {
            return None;
        }
        let mut key = String::new();
        json::write_string(&format!("{PARAMETER}{}", &feature.name[PARAMETER.len()..]), &mut key);
        key.push(':');
        let (levels, precision) = match &feature.values {
            Values::Nominal { levels, .. } | Values::Text { levels, .. } => (levels.as_slice(), Precision::Day),
            Values::Date(values) => (&[][..], Precision::of(values)),
            Values::Numeric(_) => (&[][..], Precision::Day),
        };
        let quoted = |level: &String| {
            let mut out = String::with_capacity(level.len() + 2);
            json::write_string(level, &mut out);
            out
        };
        Some(Self { key, values: &feature.values, levels: levels.iter().map(quoted).collect(), precision })
    }

    /// Appends key and value, if there is a value.
    fn write(&self, row: usize, separator: &mut char, out: &mut String) {
        let number = |values: &[f64]| values.get(row).copied().filter(|value| !value.is_nan());
        let mut begin = || {
            out.push(*separator);
            *separator = ',';
            out.push_str(&self.key);
        };
        match self.values {
            Values::Nominal { codes, .. } | Values::Text { codes, .. } => {
                if let Some(level) = codes.get(row).and_then(|&code| self.levels.get(code as usize)) {
                    begin();
                    out.push_str(level);
                }
            }
            Values::Numeric(values) => {
                if let Some(value) = number(values) {
                    begin();
                    out.push('"');
                    number::write(value, out);
                    out.push('"');
                }
            }
            // A date is not JSON of its own, so it is a string in a string.
            Values::Date(values) => {
                if let Some(value) = number(values) {
                    begin();
                    out.push_str("\"\\\"");
                    date::write_iso(value, self.precision, out);
                    out.push_str("\\\"\"");
                }
            }
        }
    }
}

fn setup_string(parameters: &[Parameter<'_>], row: usize) -> String {
    let mut out = String::new();
    let mut separator = '{';
    for parameter in parameters {
        parameter.write(row, &mut separator, &mut out);
    }
    if out.is_empty() {
        out.push('{');
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "@relation trace\n@attribute repeat numeric\n@attribute fold numeric\n@attribute iteration numeric\n\
        @attribute evaluation numeric\n@attribute selected {true,false}\n";

    fn read(text: &str) -> Result<Trace, String> {
        Trace::from_arff(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_of_a_client() {
        let text = format!(
            "{HEADER}@attribute parameter_C numeric\n@attribute parameter_svc__kernel string\n@attribute parameter_day date yyyy-MM-dd\n\
             @attribute 'parameter_a \"b' string\n@data\n0,0,0,0.5,false,1,'\"rbf\"',2001-04-03,?\n0,0,1,0.75,true,0.1,'null',?,'[1, 2]'\n0,1,0,?,TRUE,?,?,?,?\n"
        )
        .replace("{true,false}", "string");
        let trace = read(&text).expect("a trace");
        let strings: Vec<&str> = trace.iterations.iter().map(|iteration| iteration.setup_string.as_str()).collect();
        assert_eq!(
            strings,
            [
                r#"{"parameter_C":"1","parameter_svc__kernel":"\"rbf\"","parameter_day":"\"2001-04-03\""}"#,
                r#"{"parameter_C":"0.1","parameter_svc__kernel":"null","parameter_a \"b":"[1, 2]"}"#,
                "{}",
            ]
        );
        let second = &trace.iterations[1];
        assert_eq!((second.iteration, second.evaluation, second.selected), (1, Some(0.75), true));
        assert_eq!((trace.iterations[2].evaluation, trace.iterations[2].selected), (None, true));
    }

    #[test]
    fn written_as_openml_does() {
        let text = format!("{HEADER}@attribute parameter_C numeric\n@data\n0,3,7,?,true,1\n");
        let trace = Trace { run_id: Some(101), ..read(&text).expect("a trace") };
        let expected = r#"<oml:trace xmlns:oml="http://openml.org/openml">
  <oml:run_id>101</oml:run_id>
  <oml:trace_iteration>
    <oml:repeat>0</oml:repeat>
    <oml:fold>3</oml:fold>
    <oml:iteration>7</oml:iteration>
    <oml:setup_string>{&quot;parameter_C&quot;:&quot;1&quot;}</oml:setup_string>
    <oml:evaluation>NaN</oml:evaluation>
    <oml:selected>true</oml:selected>
  </oml:trace_iteration>
</oml:trace>
"#;
        assert_eq!(trace.write(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let data = |rows: &str| read(&format!("{HEADER}@data\n{rows}"));
        let reason = |rows: &str| data(rows).expect_err("an error");
        assert_eq!(reason(""), "the trace has no rows");
        assert_eq!(reason("0,0,-1,0,true\n"), "row 1 of the trace: -1 is not a valid iteration");
        assert_eq!(reason("0,0,0,0,true\n0,0,1,0,?\n"), "row 2 of the trace: ? is not a valid selected");
        assert_eq!(reason("0,0,1,0,true\n0,0,1,0,false\n"), "iteration 1 of repeat 0, fold 0 comes twice in the trace");
        assert_eq!(read("@relation t\n@attribute fold real\n@data\n1\n"), Err("the trace has no attribute \"repeat\"".to_owned()));
        let text = HEADER.replace("evaluation numeric", "evaluation string");
        assert_eq!(read(&format!("{text}@data\n0,0,0,good,true\n")), Err("row 1 of the trace: good is not a valid evaluation".to_owned()));
        assert!(Trace::read("<run/>").is_err() && Trace::read("<trace><trace_iteration/></trace>").is_err());
    }

    #[test]
    fn small_files_cannot_ask_for_much() {
        let level = "x".repeat(1 << 20);
        let rows: String = (0..300).map(|row| format!("{{2 {row}}}\n")).collect();
        let text = format!("{HEADER}@attribute parameter_x {{{level}}}\n@data\n{rows}");
        assert!(read(&text).is_err_and(|reason| reason.ends_with("the limit")));
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(
            run_id: Option<u32>,
            iterations in proptest::collection::vec((any::<[u32; 3]>(), "[^\u{0}-\u{1F}\u{FFFE}\u{FFFF}]{0,9}", any::<Option<f64>>(), any::<bool>()), 0..4),
        ) {
            let iteration = |([repeat, fold, iteration], setup_string, evaluation, selected): ([u32; 3], String, Option<f64>, bool)| {
                let evaluation = evaluation.filter(|value| !value.is_nan());
                TraceIteration { repeat, fold, iteration, setup_string, evaluation, selected }
            };
            let trace = Trace { run_id, iterations: iterations.into_iter().map(iteration).collect() };
            prop_assert_eq!(Trace::read(&trace.write()), Ok(trace));
        }

        #[test]
        fn no_file_panics(rows in "([0-9?,{} ]|true|\n){0,40}", domain in "(numeric|string|date|\\{true,a\\})") {
            let _ = read(&format!("{HEADER}@attribute parameter_x {domain}\n@data\n{rows}"));
        }
    }
}
