use serde::Serialize;

use super::reader::Element;
use super::writer::Writer;
use super::{DocumentError, reader, writer};

/// `oml:flow`: an algorithm or a pipeline, with its parameters and the flows it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flow {
    pub id: Option<u32>,
    pub uploader: Option<u32>,
    pub name: String,
    pub custom_name: Option<String>,
    pub class_name: Option<String>,
    pub version: Option<u32>,
    /// With the name, what makes a flow the same flow.
    pub external_version: Option<String>,
    pub description: String,
    #[serde(rename = "creator")]
    pub creators: Vec<String>,
    #[serde(rename = "contributor")]
    pub contributors: Vec<String>,
    /// ISO 8601 with `T`.
    pub upload_date: Option<String>,
    pub licence: Option<String>,
    pub language: Option<String>,
    pub full_description: Option<String>,
    pub installation_notes: Option<String>,
    pub dependencies: Option<String>,
    #[serde(rename = "parameter")]
    pub parameters: Vec<FlowParameter>,
    #[serde(rename = "component")]
    pub components: Vec<Component>,
    #[serde(rename = "tag")]
    pub tags: Vec<String>,
}

/// A parameter of a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowParameter {
    pub name: String,
    pub data_type: Option<String>,
    /// JSON, if the client writes it so.
    pub default_value: Option<String>,
    pub description: Option<String>,
}

/// A flow inside a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Component {
    pub identifier: String,
    pub flow: Flow,
}

const ROOT: &str = "flow";

/// How deep flows may nest. Real pipelines have a handful of levels.
const DEEPEST: usize = 64;

impl Flow {
    /// Reads the document; every flow in it must have a name.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| Self::from_element(root, 1))
    }

    fn from_element(element: Element<'_, '_>, depth: usize) -> Result<Self, DocumentError> {
        if depth > DEEPEST {
            return Err(element.error(format!("flows are nested more than {DEEPEST} levels deep")));
        }
        Ok(Self {
            id: element.optional_id("id")?,
            uploader: element.optional_id("uploader")?,
            name: element.string("name")?,
            custom_name: element.optional("custom_name"),
            class_name: element.optional("class_name"),
            version: element.optional_id("version")?,
            external_version: element.optional("external_version"),
            description: element.optional("description").unwrap_or_default(),
            creators: element.strings("creator"),
            contributors: element.strings("contributor"),
            upload_date: element.optional("upload_date"),
            licence: element.optional("licence"),
            language: element.optional("language"),
            full_description: element.optional("full_description"),
            installation_notes: element.optional("installation_notes"),
            dependencies: element.optional("dependencies"),
            parameters: element
                .children("parameter")
                .map(|parameter| {
                    Ok(FlowParameter {
                        name: parameter.string("name")?,
                        data_type: parameter.optional("data_type"),
                        default_value: parameter.optional("default_value"),
                        description: parameter.optional("description"),
                    })
                })
                .collect::<Result<_, DocumentError>>()?,
            components: element
                .children("component")
                .map(|component| {
                    Ok(Component {
                        identifier: component.string("identifier")?,
                        flow: Self::from_element(component.required("flow")?, depth + 1)?,
                    })
                })
                .collect::<Result<_, DocumentError>>()?,
            tags: element.strings("tag"),
        })
    }

    /// Writes the document. A parameter has all its elements, also the empty ones.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| self.write_inside(out))
    }

    fn write_inside(&self, out: &mut Writer) {
        out.optional_number("id", self.id);
        out.optional_number("uploader", self.uploader);
        out.text("name", &self.name);
        out.optional("custom_name", self.custom_name.as_deref());
        out.optional("class_name", self.class_name.as_deref());
        out.optional_number("version", self.version);
        out.optional("external_version", self.external_version.as_deref());
        out.text("description", &self.description);
        out.texts("creator", &self.creators);
        out.texts("contributor", &self.contributors);
        out.optional("upload_date", self.upload_date.as_deref());
        out.optional("licence", self.licence.as_deref());
        out.optional("language", self.language.as_deref());
        out.optional("full_description", self.full_description.as_deref());
        out.optional("installation_notes", self.installation_notes.as_deref());
        out.optional("dependencies", self.dependencies.as_deref());
        for parameter in &self.parameters {
            out.element("parameter", |out| {
                out.text("name", &parameter.name);
                out.text("data_type", parameter.data_type.as_deref().unwrap_or_default());
                out.text("default_value", parameter.default_value.as_deref().unwrap_or_default());
                out.text("description", parameter.description.as_deref().unwrap_or_default());
            });
        }
        for component in &self.components {
            out.element("component", |out| {
                out.text("identifier", &component.identifier);
                out.element("flow", |out| component.flow.write_inside(out));
            });
        }
        out.texts("tag", &self.tags);
    }
}
