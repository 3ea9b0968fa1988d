use serde::Serialize;

use super::reader::Element;
use super::writer::Writer;
use super::{DocumentError, reader, writer};

/// `oml:run`: a flow with its parameter values applied to a task, and how well it did.
///
/// The same document is the upload (task, flow, parameter settings, the client's own evaluations), the question whether a
/// setup exists (flow and parameter settings alone) and the server's answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    pub run_id: Option<u32>,
    pub uploader: Option<u32>,
    pub uploader_name: Option<String>,
    /// When the run was published. OpenML says it in its list of runs only; documents that are imported may have it.
    pub upload_time: Option<String>,
    pub task_id: Option<u32>,
    pub task_type: Option<String>,
    pub task_evaluation_measure: Option<String>,
    pub flow_id: u32,
    pub flow_name: Option<String>,
    pub setup_id: Option<u32>,
    pub setup_string: Option<String>,
    /// What the server could not evaluate.
    pub error: Option<String>,
    /// What went wrong in the run itself.
    pub error_message: Option<String>,
    pub run_details: Option<String>,
    #[serde(rename = "parameter_setting")]
    pub parameter_settings: Vec<ParameterSetting>,
    #[serde(rename = "tag")]
    pub tags: Vec<String>,
    pub input_data: Vec<InputDataset>,
    #[serde(rename = "file")]
    pub files: Vec<OutputFile>,
    #[serde(rename = "evaluation")]
    pub evaluations: Vec<Evaluation>,
}

/// The value of a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ParameterSetting {
    pub name: String,
    /// JSON, if the client writes it so; may be empty.
    pub value: String,
    /// The id of the flow, itself a component perhaps, whose parameter it is.
    pub component: Option<u32>,
}

/// A dataset that went into the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InputDataset {
    pub did: u32,
    pub name: String,
    pub url: Option<String>,
}

/// A file that came out of the run: `description`, `predictions`, `trace`, ...
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutputFile {
    pub file_id: Option<u32>,
    pub name: String,
    pub url: Option<String>,
}

/// A measured value: of the whole run if it has neither repeat nor fold.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    pub repeat: Option<u32>,
    pub fold: Option<u32>,
    pub sample: Option<u32>,
    pub name: String,
    /// Never NaN.
    pub value: Option<f64>,
    pub stdev: Option<f64>,
    /// Values per class, as text: `[0.9,0.8]`.
    pub array_data: Option<String>,
}

const ROOT: &str = "run";

impl Run {
    /// Reads the document; it must have a flow.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            let output = root.child("output_data");
            Ok(Self {
                run_id: root.optional_id("run_id")?,
                uploader: root.optional_id("uploader")?,
                uploader_name: root.optional("uploader_name"),
                upload_time: root.optional("upload_time"),
                task_id: root.optional_id("task_id")?,
                task_type: root.optional("task_type"),
                task_evaluation_measure: root.optional("task_evaluation_measure"),
                flow_id: root.id("flow_id")?,
                flow_name: root.optional("flow_name"),
                setup_id: root.optional_id("setup_id")?,
                setup_string: root.optional("setup_string"),
                error: root.optional("error"),
                error_message: root.optional("error_message"),
                run_details: root.optional("run_details"),
                parameter_settings: collected(Some(root), "parameter_setting", ParameterSetting::read)?,
                tags: root.strings("tag"),
                input_data: collected(root.child("input_data"), "dataset", InputDataset::read)?,
                files: collected(output, "file", OutputFile::read)?,
                evaluations: collected(output, "evaluation", Evaluation::read)?,
            })
        })
    }

    /// Writes the document. With a run id it is the server's answer, in which clients expect a setup string, also an empty one.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            out.optional_number("run_id", self.run_id);
            out.optional_number("uploader", self.uploader);
            out.optional("uploader_name", self.uploader_name.as_deref());
            out.optional("upload_time", self.upload_time.as_deref());
            out.optional_number("task_id", self.task_id);
            out.optional("task_type", self.task_type.as_deref());
            out.optional("task_evaluation_measure", self.task_evaluation_measure.as_deref());
            out.number("flow_id", self.flow_id);
            out.optional("flow_name", self.flow_name.as_deref());
            out.optional_number("setup_id", self.setup_id);
            if self.run_id.is_some() || self.setup_string.is_some() {
                out.text("setup_string", self.setup_string.as_deref().unwrap_or_default());
            }
            out.optional("error", self.error.as_deref());
            out.optional("error_message", self.error_message.as_deref());
            out.optional("run_details", self.run_details.as_deref());
            for setting in &self.parameter_settings {
                setting.write(out);
            }
            out.texts("tag", &self.tags);
            if !self.input_data.is_empty() {
                out.element("input_data", |out| {
                    for dataset in &self.input_data {
                        dataset.write(out);
                    }
                });
            }
            if !self.files.is_empty() || !self.evaluations.is_empty() {
                out.element("output_data", |out| {
                    for file in &self.files {
                        file.write(out);
                    }
                    for evaluation in &self.evaluations {
                        evaluation.write(out);
                    }
                });
            }
        })
    }
}

fn collected<'a, 'input, T>(
    parent: Option<Element<'a, 'input>>,
    name: &'static str,
    read: impl Fn(Element<'a, 'input>) -> Result<T, DocumentError>,
) -> Result<Vec<T>, DocumentError> {
    match parent {
        None => Ok(Vec::new()),
        Some(parent) => parent.children(name).map(read).collect(),
    }
}

impl ParameterSetting {
    fn read(element: Element<'_, '_>) -> Result<Self, DocumentError> {
        Ok(Self { name: element.string("name")?, value: element.required("value")?.text(), component: element.optional_id("component")? })
    }

    fn write(&self, out: &mut Writer) {
        out.element("parameter_setting", |out| {
            out.text("name", &self.name);
            out.text("value", &self.value);
            out.optional_number("component", self.component);
        });
    }
}

impl InputDataset {
    fn read(element: Element<'_, '_>) -> Result<Self, DocumentError> {
        Ok(Self { did: element.id("did")?, name: element.string("name")?, url: element.optional("url") })
    }

    fn write(&self, out: &mut Writer) {
        out.element("dataset", |out| {
            out.number("did", self.did);
            out.text("name", &self.name);
            out.text("url", self.url.as_deref().unwrap_or_default());
        });
    }
}

impl OutputFile {
    fn read(element: Element<'_, '_>) -> Result<Self, DocumentError> {
        Ok(Self { file_id: element.optional_id("file_id")?, name: element.string("name")?, url: element.optional("url") })
    }

    fn write(&self, out: &mut Writer) {
        out.element("file", |out| {
            // A field of the past that clients still read.
            out.text("did", "-1");
            out.optional_number("file_id", self.file_id);
            out.text("name", &self.name);
            out.text("url", self.url.as_deref().unwrap_or_default());
        });
    }
}

impl Evaluation {
    fn read(element: Element<'_, '_>) -> Result<Self, DocumentError> {
        Ok(Self {
            repeat: element.attribute_number("repeat")?,
            fold: element.attribute_number("fold")?,
            sample: element.attribute_number("sample")?,
            name: element.string("name")?,
            value: element.optional_value("value")?,
            stdev: element.optional_value("stdev")?,
            array_data: element.optional("array_data"),
        })
    }

    fn write(&self, out: &mut Writer) {
        let places: Vec<(&str, String)> = [("repeat", self.repeat), ("fold", self.fold), ("sample", self.sample)]
            .into_iter()
            .filter_map(|(name, number)| Some((name, number?.to_string())))
            .collect();
        let attributes: Vec<(&str, &str)> = places.iter().map(|(name, number)| (*name, number.as_str())).collect();
        out.element_with("evaluation", &attributes, |out| {
            out.text("name", &self.name);
            out.optional_value("value", self.value);
            out.optional_value("stdev", self.stdev);
            out.optional("array_data", self.array_data.as_deref());
        });
    }
}
