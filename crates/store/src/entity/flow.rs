use serde::{Deserialize, Serialize};

/// A parameter that a flow declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub data_type: Option<String>,
    pub default: Option<String>,
    pub description: Option<String>,
}

/// A flow inside a flow, such as a step of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What the outer flow calls it.
    pub identifier: String,
    pub flow_id: i64,
}

#[derive(Clone, Debug)]
pub struct NewFlow {
    /// `None` for the next free id.
    pub id: Option<i64>,
    pub name: String,
    /// `None` for the next version of this name.
    pub version: Option<i64>,
    pub external_version: String,
    pub class_name: Option<String>,
    pub custom_name: Option<String>,
    pub description: String,
    pub language: Option<String>,
    pub dependencies: Option<String>,
    pub parameters: Vec<Parameter>,
    /// Added before the flow itself.
    pub components: Vec<Component>,
    pub uploader: i64,
    /// `None` for now.
    pub upload_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub id: i64,
    pub name: String,
    pub version: i64,
    pub external_version: String,
    pub class_name: Option<String>,
    pub custom_name: Option<String>,
    pub description: String,
    pub language: Option<String>,
    pub dependencies: Option<String>,
    pub parameters: Vec<Parameter>,
    pub components: Vec<Component>,
    pub uploader: i64,
    pub uploader_name: Option<String>,
    pub upload_ms: i64,
    /// Grows whenever something about this flow or its runs changes.
    pub revision: i64,
}
