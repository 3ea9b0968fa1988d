use serde::Serialize;

use super::reader::Element;
use super::writer::Writer;
use super::{DocumentError, reader, writer};

/// `oml:task`: a dataset, what to predict and how to evaluate it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Task {
    pub task_id: u32,
    pub task_name: Option<String>,
    /// 1 supervised classification, 2 supervised regression, 3 learning curve, 5 clustering, ...
    pub task_type_id: u32,
    pub task_type: String,
    pub source_data: SourceData,
    pub estimation_procedure: Option<EstimationProcedure>,
    /// `Some("")` is written as an empty element, which classification tasks have on OpenML.
    pub cost_matrix: Option<String>,
    pub evaluation_measures: Vec<String>,
    #[serde(rename = "tag")]
    pub tags: Vec<String>,
}

/// The dataset of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceData {
    pub data_set_id: u32,
    /// Clustering has none.
    pub target_feature: Option<String>,
}

/// How the data is split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EstimationProcedure {
    pub id: Option<u32>,
    /// `crossvalidation`, `holdout`, `leaveoneout`, `learningcurve`, ...
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub data_splits_url: Option<String>,
    #[serde(rename = "parameter")]
    pub parameters: Vec<ProcedureParameter>,
}

/// `number_repeats`, `number_folds`, `percentage` or `stratified_sampling`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProcedureParameter {
    pub name: String,
    /// May be empty.
    pub value: String,
}

impl EstimationProcedure {
    /// The value of a parameter, `None` if it is empty or absent.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
            .map(|parameter| parameter.value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn read(element: Element<'_, '_>) -> Result<Self, DocumentError> {
        Ok(Self {
            id: element.optional_id("id")?,
            kind: element.optional("type"),
            data_splits_url: element.optional("data_splits_url"),
            parameters: element
                .children("parameter")
                .map(|parameter| Ok(ProcedureParameter { name: name_of(parameter)?, value: parameter.text() }))
                .collect::<Result<_, DocumentError>>()?,
        })
    }

    fn write(&self, out: &mut Writer) {
        out.element("estimation_procedure", |out| {
            out.optional_number("id", self.id);
            out.optional("type", self.kind.as_deref());
            out.optional("data_splits_url", self.data_splits_url.as_deref());
            for parameter in &self.parameters {
                out.text_with("parameter", &[("name", &parameter.name)], &parameter.value);
            }
        });
    }
}

pub(super) fn name_of(element: Element<'_, '_>) -> Result<String, DocumentError> {
    element
        .attribute("name")
        .map(str::to_owned)
        .ok_or_else(|| element.error(format!("the attribute name is missing in oml:{}", element.name())))
}

const ROOT: &str = "task";

const REPEAT: (&str, &str) = ("repeat", "integer");
const FOLD: (&str, &str) = ("fold", "integer");
const ROW: (&str, &str) = ("row_id", "integer");
const CONFIDENCE: (&str, &str) = ("confidence.classname", "numeric");
const PREDICTION: (&str, &str) = ("prediction", "string");

/// What the predictions of a type of task consist of, by the name and type that OpenML announces.
fn predicted(task_type_id: u32) -> &'static [(&'static str, &'static str)] {
    match task_type_id {
        // Supervised classification, and a challenge, which is that with hidden classes.
        1 | 6 => &[REPEAT, FOLD, ROW, CONFIDENCE, PREDICTION],
        // Supervised regression.
        2 => &[REPEAT, FOLD, ROW, PREDICTION],
        // Learning curve.
        3 => &[REPEAT, FOLD, ("sample", "integer"), ROW, CONFIDENCE, PREDICTION],
        // Supervised data stream classification.
        4 => &[ROW, CONFIDENCE, PREDICTION],
        // Clustering.
        5 => &[("repeat", "numeric"), ("row_id", "numeric"), ("cluster", "numeric")],
        _ => &[],
    }
}

impl Task {
    /// Reads the document; it must have an id, a type and a dataset.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            let input = |name: &str| root.children("input").find(|input| input.attribute("name") == Some(name));
            let source_data = input("source_data")
                .ok_or_else(|| root.error("the input source_data is missing in oml:task".to_owned()))?
                .required("data_set")?;
            let estimation_procedure = input("estimation_procedure")
                .and_then(|input| input.child("estimation_procedure"))
                .map(EstimationProcedure::read)
                .transpose()?;
            let evaluation_measures = input("evaluation_measures")
                .and_then(|input| input.child("evaluation_measures"))
                .map(|measures| measures.strings("evaluation_measure"))
                .unwrap_or_default();
            Ok(Self {
                task_id: root.id("task_id")?,
                task_name: root.optional("task_name"),
                task_type_id: root.id("task_type_id")?,
                task_type: root.string("task_type")?,
                source_data: SourceData {
                    data_set_id: source_data.id("data_set_id")?,
                    target_feature: source_data.optional("target_feature"),
                },
                estimation_procedure,
                cost_matrix: input("cost_matrix").and_then(|input| input.child("cost_matrix")).map(Element::text),
                evaluation_measures,
                tags: root.strings("tag"),
            })
        })
    }

    /// Writes the document, with the predictions that its type expects.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            out.number("task_id", self.task_id);
            out.optional("task_name", self.task_name.as_deref());
            out.number("task_type_id", self.task_type_id);
            out.text("task_type", &self.task_type);
            out.element_with("input", &[("name", "source_data")], |out| {
                out.element("data_set", |out| {
                    out.number("data_set_id", self.source_data.data_set_id);
                    out.optional("target_feature", self.source_data.target_feature.as_deref());
                });
            });
            if let Some(procedure) = &self.estimation_procedure {
                out.element_with("input", &[("name", "estimation_procedure")], |out| {
                    procedure.write(out);
                });
            }
            if let Some(costs) = &self.cost_matrix {
                out.element_with("input", &[("name", "cost_matrix")], |out| {
                    out.text("cost_matrix", costs);
                });
            }
            if !self.evaluation_measures.is_empty() {
                out.element_with("input", &[("name", "evaluation_measures")], |out| {
                    out.element("evaluation_measures", |out| {
                        out.texts("evaluation_measure", &self.evaluation_measures);
                    });
                });
            }
            let predicted = predicted(self.task_type_id);
            if !predicted.is_empty() {
                out.element_with("output", &[("name", "predictions")], |out| {
                    out.element("predictions", |out| {
                        out.text("format", "ARFF");
                        for (name, kind) in predicted {
                            out.empty("feature", &[("name", name), ("type", kind)]);
                        }
                    });
                });
            }
            out.texts("tag", &self.tags);
        })
    }
}

/// `oml:task_inputs`: a task as a client asks the server to make it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskInputs {
    pub task_type_id: u32,
    #[serde(rename = "input")]
    pub inputs: Vec<TaskInput>,
    #[serde(rename = "tag")]
    pub tags: Vec<String>,
}

/// `source_data`, `target_feature`, `estimation_procedure`, `evaluation_measures`, ...
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskInput {
    pub name: String,
    pub value: String,
}

const INPUTS_ROOT: &str = "task_inputs";

impl TaskInputs {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, INPUTS_ROOT, |root| {
            Ok(Self {
                task_type_id: root.id("task_type_id")?,
                inputs: root.children("input").map(|input| Ok(TaskInput { name: name_of(input)?, value: input.text() })).collect::<Result<
                    _,
                    DocumentError,
                >>(
                )?,
                tags: root.strings("tag"),
            })
        })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write(INPUTS_ROOT, |out| {
            out.number("task_type_id", self.task_type_id);
            for input in &self.inputs {
                out.text_with("input", &[("name", &input.name)], &input.value);
            }
            out.texts("tag", &self.tags);
        })
    }

    /// The value of an input, `None` if it is empty or absent.
    pub fn input(&self, name: &str) -> Option<&str> {
        self.inputs.iter().find(|input| input.name == name).map(|input| input.value.as_str()).filter(|value| !value.is_empty())
    }
}
