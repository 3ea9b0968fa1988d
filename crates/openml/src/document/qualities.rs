use serde::Serialize;

use super::{DocumentError, reader, writer};

/// `oml:data_qualities`: numbers that describe a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataQualities {
    #[serde(rename = "quality")]
    pub qualities: Vec<Quality>,
}

/// One quality, such as `NumberOfInstances`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quality {
    pub name: String,
    /// `None` if it is not defined for the dataset. Never NaN.
    pub value: Option<f64>,
}

const ROOT: &str = "data_qualities";

impl DataQualities {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            let qualities = root
                .children("quality")
                .map(|quality| Ok(Quality { name: quality.string("name")?, value: quality.optional_value("value")? }));
            Ok(Self { qualities: qualities.collect::<Result<_, DocumentError>>()? })
        })
    }

    /// Writes the document; a quality without a value has an empty one.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            for quality in &self.qualities {
                out.element("quality", |out| {
                    out.text("name", &quality.name);
                    match quality.value.filter(|value| !value.is_nan()) {
                        Some(value) => out.optional_value("value", Some(value)),
                        None => out.text("value", ""),
                    }
                });
            }
        })
    }

    /// The value of a quality.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.qualities.iter().find(|quality| quality.name == name)?.value
    }
}
