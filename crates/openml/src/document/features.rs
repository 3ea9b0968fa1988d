use serde::Serialize;

use crate::table::Kind;

use super::{DocumentError, reader, writer};

/// `oml:data_features`: the features of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DataFeatures {
    #[serde(rename = "feature")]
    pub features: Vec<FeatureDescription>,
}

/// One feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeatureDescription {
    /// The column, from 0.
    pub index: u32,
    pub name: String,
    pub data_type: Kind,
    /// The levels of a nominal feature.
    #[serde(rename = "nominal_value")]
    pub nominal_values: Vec<String>,
    #[serde(rename = "ontology")]
    pub ontologies: Vec<String>,
    pub is_target: bool,
    pub is_ignore: bool,
    pub is_row_identifier: bool,
    pub number_of_missing_values: u64,
}

const ROOT: &str = "data_features";

impl DataFeatures {
    /// Reads the document. Levels are kept as they stand, also with blanks around them.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            let features = root.children("feature").map(|feature| {
                let kind = feature.required("data_type")?;
                let nominal_values = feature.children("nominal_value").map(reader::Element::text).collect();
                Ok(FeatureDescription {
                    index: feature.id("index")?,
                    name: feature.required("name")?.text(),
                    data_type: kind.text().trim().parse().map_err(|error| kind.error(format!("oml:data_type: {error}")))?,
                    nominal_values,
                    ontologies: feature.strings("ontology"),
                    is_target: feature.flag("is_target")?,
                    is_ignore: feature.flag("is_ignore")?,
                    is_row_identifier: feature.flag("is_row_identifier")?,
                    number_of_missing_values: feature.optional_number("number_of_missing_values", "a whole number")?.unwrap_or(0),
                })
            });
            Ok(Self { features: features.collect::<Result<_, DocumentError>>()? })
        })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            for feature in &self.features {
                out.element("feature", |out| {
                    out.number("index", feature.index);
                    out.text("name", &feature.name);
                    out.text("data_type", feature.data_type.name());
                    for level in &feature.nominal_values {
                        out.text("nominal_value", level);
                    }
                    out.texts("ontology", &feature.ontologies);
                    out.number("is_target", feature.is_target);
                    out.number("is_ignore", feature.is_ignore);
                    out.number("is_row_identifier", feature.is_row_identifier);
                    out.number("number_of_missing_values", feature.number_of_missing_values);
                });
            }
        })
    }
}
