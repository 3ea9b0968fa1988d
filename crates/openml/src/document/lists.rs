//! Lists of entities, one page each: what OpenML answers to `data/list`, `task/list`, ...
//!
//! A list without rows is written as an empty root, but clients expect an error instead of it, and some cannot read a single
//! quality: see [`qualities`].

use std::fmt::Write;

use serde::Serialize;

use super::qualities::Quality;
use super::reader::{self, Element};
use super::task::TaskInput;
use super::writer::{self, Writer};
use super::{DocumentError, task};

/// `oml:data`: datasets.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataList {
    #[serde(rename = "dataset")]
    pub datasets: Vec<DataRow>,
}

/// A dataset in a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataRow {
    pub did: u32,
    pub name: String,
    pub version: u32,
    pub uploader: u32,
    /// `active`, `deactivated` or `in_preparation`.
    pub status: String,
    /// `ARFF` or `Sparse_ARFF`.
    pub format: String,
    pub file_id: Option<u32>,
    /// Written if at least two of them have values.
    #[serde(rename = "quality")]
    pub qualities: Vec<Quality>,
}

impl DataList {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let datasets = rows(text, "data", "dataset", |dataset| {
            Ok(DataRow {
                did: dataset.id("did")?,
                name: dataset.string("name")?,
                version: dataset.id("version")?,
                uploader: dataset.optional_id("uploader")?.unwrap_or_default(),
                status: dataset.string("status")?,
                format: dataset.optional("format").unwrap_or_default(),
                file_id: dataset.optional_id("file_id")?,
                qualities: read_qualities(dataset)?,
            })
        })?;
        Ok(Self { datasets })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("data", |out| {
            for dataset in &self.datasets {
                out.element("dataset", |out| {
                    out.number("did", dataset.did);
                    out.text("name", &dataset.name);
                    out.number("version", dataset.version);
                    out.number("uploader", dataset.uploader);
                    out.text("status", &dataset.status);
                    out.text("format", &dataset.format);
                    out.optional_number("file_id", dataset.file_id);
                    qualities(out, &dataset.qualities);
                });
            }
        })
    }
}

/// `oml:tasks`: tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TaskList {
    #[serde(rename = "task")]
    pub tasks: Vec<TaskRow>,
}

/// A task in a list, with the name, status and format of its dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TaskRow {
    pub task_id: u32,
    pub task_type_id: u32,
    pub task_type: String,
    /// The dataset.
    pub did: u32,
    pub name: String,
    pub status: String,
    pub format: String,
    /// Clients look an `estimation_procedure` up in [`ProcedureList`](super::ProcedureList), so it must be an id from there.
    #[serde(rename = "input")]
    pub inputs: Vec<TaskInput>,
    /// The qualities of the dataset. Written if at least two of them have values.
    #[serde(rename = "quality")]
    pub qualities: Vec<Quality>,
}

impl TaskList {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let tasks = rows(text, "tasks", "task", |row| {
            let inputs = row.children("input").map(|input| Ok(TaskInput { name: task::name_of(input)?, value: input.text() }));
            Ok(TaskRow {
                task_id: row.id("task_id")?,
                task_type_id: row.id("task_type_id")?,
                task_type: row.optional("task_type").unwrap_or_default(),
                did: row.id("did")?,
                name: row.optional("name").unwrap_or_default(),
                status: row.optional("status").unwrap_or_default(),
                format: row.optional("format").unwrap_or_default(),
                inputs: inputs.collect::<Result<_, DocumentError>>()?,
                qualities: read_qualities(row)?,
            })
        })?;
        Ok(Self { tasks })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("tasks", |out| {
            for task in &self.tasks {
                out.element("task", |out| {
                    out.number("task_id", task.task_id);
                    out.number("task_type_id", task.task_type_id);
                    out.text("task_type", &task.task_type);
                    out.number("did", task.did);
                    out.text("name", &task.name);
                    out.text("status", &task.status);
                    out.text("format", &task.format);
                    for input in &task.inputs {
                        out.text_with("input", &[("name", &input.name)], &input.value);
                    }
                    qualities(out, &task.qualities);
                });
            }
        })
    }
}

fn rows<T>(
    text: &str,
    root: &str,
    name: &'static str,
    read: impl Fn(Element<'_, '_>) -> Result<T, DocumentError>,
) -> Result<Vec<T>, DocumentError> {
    reader::read(text, root, |root| root.children(name).map(read).collect())
}

fn read_qualities(row: Element<'_, '_>) -> Result<Vec<Quality>, DocumentError> {
    let known = row.children("quality").filter_map(|quality| Some((quality.attribute("name")?, quality)));
    known.map(|(name, quality)| Ok(Quality { name: name.to_owned(), value: quality.own_value()? })).collect()
}

/// Qualities of a row. Clients take one element alone for no list and fail, so one alone is left out.
fn qualities(out: &mut Writer, qualities: &[Quality]) {
    let known = || qualities.iter().filter_map(|quality| Some((&quality.name, quality.value.filter(|value| !value.is_nan())?)));
    if known().nth(1).is_none() {
        return;
    }
    for (name, value) in known() {
        out.value_with("quality", &[("name", name)], value);
    }
}

/// `oml:flows`: flows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowList {
    #[serde(rename = "flow")]
    pub flows: Vec<FlowRow>,
}

/// A flow in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowRow {
    pub id: u32,
    /// The name with the version in parentheses.
    pub full_name: String,
    pub name: String,
    pub version: u32,
    pub external_version: String,
    pub uploader: u32,
}

impl FlowList {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("flows", |out| {
            for flow in &self.flows {
                out.element("flow", |out| {
                    out.number("id", flow.id);
                    out.text("full_name", &flow.full_name);
                    out.text("name", &flow.name);
                    out.number("version", flow.version);
                    out.text("external_version", &flow.external_version);
                    out.number("uploader", flow.uploader);
                });
            }
        })
    }
}

/// `oml:runs`: runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunList {
    #[serde(rename = "run")]
    pub runs: Vec<RunRow>,
}

/// A run in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunRow {
    pub run_id: u32,
    pub task_id: u32,
    pub task_type_id: u32,
    pub setup_id: u32,
    pub flow_id: u32,
    pub uploader: u32,
    pub upload_time: String,
    /// Empty if nothing went wrong.
    pub error_message: String,
    pub run_details: Option<String>,
}

impl RunList {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let runs = rows(text, "runs", "run", |run| {
            Ok(RunRow {
                run_id: run.id("run_id")?,
                task_id: run.id("task_id")?,
                task_type_id: run.optional_id("task_type_id")?.unwrap_or_default(),
                setup_id: run.id("setup_id")?,
                flow_id: run.id("flow_id")?,
                uploader: run.id("uploader")?,
                upload_time: run.optional("upload_time").unwrap_or_default(),
                error_message: run.optional("error_message").unwrap_or_default(),
                run_details: run.optional("run_details"),
            })
        })?;
        Ok(Self { runs })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("runs", |out| {
            for run in &self.runs {
                out.element("run", |out| {
                    out.number("run_id", run.run_id);
                    out.number("task_id", run.task_id);
                    out.number("task_type_id", run.task_type_id);
                    out.number("setup_id", run.setup_id);
                    out.number("flow_id", run.flow_id);
                    out.number("uploader", run.uploader);
                    out.text("upload_time", &run.upload_time);
                    out.text("error_message", &run.error_message);
                    out.optional("run_details", run.run_details.as_deref());
                });
            }
        })
    }
}

/// `oml:evaluations`: how well runs did by one measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EvaluationList {
    #[serde(rename = "evaluation")]
    pub evaluations: Vec<EvaluationRow>,
}

/// A run's result by one measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EvaluationRow {
    pub run_id: u32,
    pub task_id: u32,
    pub setup_id: u32,
    pub flow_id: u32,
    /// The name with the version in parentheses.
    pub flow_name: String,
    pub data_id: u32,
    pub data_name: String,
    pub evaluation_engine_id: u32,
    /// The measure.
    pub function: String,
    pub uploader: u32,
    pub upload_time: String,
    /// Of the whole run; NaN means the same as none.
    pub value: Option<f64>,
    /// Per fold, in order of repeat and fold; empty unless asked for. Written as a JSON list, in which a value that is not
    /// finite is `null`.
    pub values: Vec<f64>,
    /// Per class, as text: `[0.9,0.8]`.
    pub array_data: Option<String>,
}

impl EvaluationList {
    /// Writes the document.
    pub fn write(&self) -> String {
        let mut list = String::new();
        writer::write("evaluations", |out| {
            out.reserve(self.evaluations.len().saturating_mul(EVALUATION_BYTES));
            for evaluation in &self.evaluations {
                out.element("evaluation", |out| {
                    out.number("run_id", evaluation.run_id);
                    out.number("task_id", evaluation.task_id);
                    out.number("setup_id", evaluation.setup_id);
                    out.number("flow_id", evaluation.flow_id);
                    out.text("flow_name", &evaluation.flow_name);
                    out.number("data_id", evaluation.data_id);
                    out.text("data_name", &evaluation.data_name);
                    out.number("evaluation_engine_id", evaluation.evaluation_engine_id);
                    out.text("function", &evaluation.function);
                    out.number("uploader", evaluation.uploader);
                    out.text("upload_time", &evaluation.upload_time);
                    out.optional_value("value", evaluation.value);
                    if !evaluation.values.is_empty() {
                        json_list(&evaluation.values, &mut list);
                        out.text("values", &list);
                    }
                    out.optional("array_data", evaluation.array_data.as_deref());
                });
            }
        })
    }
}

/// About as much as an evaluation without values per fold takes.
const EVALUATION_BYTES: usize = 640;

fn json_list(values: &[f64], out: &mut String) {
    out.clear();
    for (at, &value) in values.iter().enumerate() {
        out.push(if at == 0 { '[' } else { ',' });
        // Writing to a String cannot fail.
        let _ = if value.is_finite() { write!(out, "{value:?}") } else { write!(out, "null") };
    }
    out.push(']');
}

/// `oml:study_list`: studies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StudyList {
    #[serde(rename = "study")]
    pub studies: Vec<StudyRow>,
}

/// A study in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StudyRow {
    pub id: u32,
    pub alias: Option<String>,
    /// `run` or `task`.
    pub main_entity_type: String,
    /// The suite of tasks that the runs of the study belong to.
    pub benchmark_suite: Option<u32>,
    pub name: String,
    pub status: String,
    pub creation_date: String,
    pub creator: u32,
}

impl StudyList {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("study_list", |out| {
            for study in &self.studies {
                out.element("study", |out| {
                    out.number("id", study.id);
                    out.optional("alias", study.alias.as_deref());
                    out.text("main_entity_type", &study.main_entity_type);
                    out.optional_number("benchmark_suite", study.benchmark_suite);
                    out.text("name", &study.name);
                    out.text("status", &study.status);
                    out.text("creation_date", &study.creation_date);
                    out.number("creator", study.creator);
                });
            }
        })
    }
}

/// `oml:users`: names of users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserList {
    #[serde(rename = "user")]
    pub users: Vec<UserRow>,
}

/// A user in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserRow {
    pub id: u32,
    pub username: String,
}

impl UserList {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let users = rows(text, "users", "user", |user| Ok(UserRow { id: user.id("id")?, username: user.string("username")? }))?;
        Ok(Self { users })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("users", |out| {
            for user in &self.users {
                out.element("user", |out| {
                    out.number("id", user.id);
                    out.text("username", &user.username);
                });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(name: &str, value: Option<f64>) -> Quality {
        Quality { name: name.to_owned(), value }
    }

    #[test]
    fn datasets() {
        let flowers = DataRow {
            did: 7,
            name: "flowers".to_owned(),
            version: 2,
            uploader: 5,
            status: "active".to_owned(),
            format: "ARFF".to_owned(),
            file_id: Some(11),
            qualities: vec![quality("NumberOfInstances", Some(150.0)), quality("Undefined", None), quality("Dimensionality", Some(0.5))],
        };
        let trees = DataRow {
            did: 8,
            name: "trees & more".to_owned(),
            version: 1,
            file_id: None,
            qualities: vec![quality("NumberOfInstances", Some(9.0)), quality("NumberOfFeatures", Some(f64::NAN))],
            ..flowers.clone()
        };
        let expected = r#"<oml:data xmlns:oml="http://openml.org/openml">
  <oml:dataset>
    <oml:did>7</oml:did>
    <oml:name>flowers</oml:name>
    <oml:version>2</oml:version>
    <oml:uploader>5</oml:uploader>
    <oml:status>active</oml:status>
    <oml:format>ARFF</oml:format>
    <oml:file_id>11</oml:file_id>
    <oml:quality name="NumberOfInstances">150</oml:quality>
    <oml:quality name="Dimensionality">0.5</oml:quality>
  </oml:dataset>
  <oml:dataset>
    <oml:did>8</oml:did>
    <oml:name>trees &amp; more</oml:name>
    <oml:version>1</oml:version>
    <oml:uploader>5</oml:uploader>
    <oml:status>active</oml:status>
    <oml:format>ARFF</oml:format>
  </oml:dataset>
</oml:data>
"#;
        let list = DataList { datasets: vec![flowers, trees] };
        assert_eq!(list.write(), expected);
        assert_eq!(DataList::read(expected).expect("a list").write(), expected);
    }

    #[test]
    fn tasks() {
        let task = TaskRow {
            task_id: 3,
            task_type_id: 1,
            task_type: "Supervised Classification".to_owned(),
            did: 7,
            name: "flowers".to_owned(),
            status: "active".to_owned(),
            format: "ARFF".to_owned(),
            inputs: vec![TaskInput { name: "estimation_procedure".to_owned(), value: "1".to_owned() }],
            qualities: vec![quality("NumberOfInstances", Some(150.0)), quality("NumberOfClasses", Some(3.0))],
        };
        let expected = r#"<oml:tasks xmlns:oml="http://openml.org/openml">
  <oml:task>
    <oml:task_id>3</oml:task_id>
    <oml:task_type_id>1</oml:task_type_id>
    <oml:task_type>Supervised Classification</oml:task_type>
    <oml:did>7</oml:did>
    <oml:name>flowers</oml:name>
    <oml:status>active</oml:status>
    <oml:format>ARFF</oml:format>
    <oml:input name="estimation_procedure">1</oml:input>
    <oml:quality name="NumberOfInstances">150</oml:quality>
    <oml:quality name="NumberOfClasses">3</oml:quality>
  </oml:task>
</oml:tasks>
"#;
        let list = TaskList { tasks: vec![task] };
        assert_eq!(list.write(), expected);
        assert_eq!(TaskList::read(expected), Ok(list));
    }

    #[test]
    fn elements_that_must_exist_are_written_empty() {
        let list = RunList { runs: vec![RunRow { run_id: 1, ..RunRow::default() }] };
        let runs = list.write();
        assert_eq!(RunList::read(&runs), Ok(list));
        assert!(runs.contains("    <oml:error_message></oml:error_message>\n"), "{runs}");
        assert!(!runs.contains("run_details"), "{runs}");
        let flows = FlowList { flows: vec![FlowRow::default()] }.write();
        assert!(flows.contains("<oml:external_version></oml:external_version>"), "{flows}");
        let studies = StudyList { studies: vec![StudyRow::default()] }.write();
        assert!(studies.contains("<oml:status></oml:status>") && !studies.contains("alias"), "{studies}");
    }

    #[test]
    fn evaluations() {
        let evaluation = EvaluationRow {
            run_id: 101,
            flow_name: "garden.Tree(1)".to_owned(),
            evaluation_engine_id: 1,
            function: "predictive_accuracy".to_owned(),
            value: Some(0.875),
            values: vec![1.0, 0.75, f64::NAN, 1e-9],
            array_data: Some("[0.9,0.8]".to_owned()),
            ..EvaluationRow::default()
        };
        let none = EvaluationRow { value: Some(f64::NAN), values: Vec::new(), array_data: None, ..evaluation.clone() };
        let text = EvaluationList { evaluations: vec![evaluation, none] }.write();
        assert_eq!(text.matches("<oml:value>").count(), 1);
        assert_eq!(text.matches("<oml:array_data>[0.9,0.8]</oml:array_data>").count(), 1);
        assert!(text.contains("<oml:values>[1.0,0.75,null,1e-9]</oml:values>"), "{text}");
        assert!(text.contains("<oml:evaluation_engine_id>1</oml:evaluation_engine_id>"), "{text}");
    }

    #[test]
    fn users() {
        let users = UserList { users: vec![UserRow { id: 1, username: "gardener".to_owned() }] };
        let expected = "<oml:users xmlns:oml=\"http://openml.org/openml\">\n  <oml:user>\n    <oml:id>1</oml:id>\n    \
                        <oml:username>gardener</oml:username>\n  </oml:user>\n</oml:users>\n";
        assert_eq!(users.write(), expected);
        assert_eq!(UserList::read(expected), Ok(users));
    }
}
