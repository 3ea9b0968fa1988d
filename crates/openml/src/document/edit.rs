use serde::Serialize;

use super::{DocumentError, reader, writer};

/// `oml:data_edit_parameters`: what to change in the description of a dataset.
///
/// `None` leaves a field as it is; a field that is given empty is to be emptied. That sets this document apart from the others,
/// for which empty and absent are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DataEdit {
    pub description: Option<String>,
    #[serde(rename = "creator")]
    pub creators: Option<Vec<String>>,
    #[serde(rename = "contributor")]
    pub contributors: Option<Vec<String>>,
    pub collection_date: Option<String>,
    pub language: Option<String>,
    pub citation: Option<String>,
    pub original_data_url: Option<String>,
    pub paper_url: Option<String>,
    /// The target, the row id and what is ignored may change only while nothing depends on them: see
    /// [`is_critical`](Self::is_critical).
    pub default_target_attribute: Option<String>,
    pub row_id_attribute: Option<String>,
    #[serde(rename = "ignore_attribute")]
    pub ignore_attributes: Option<Vec<String>>,
}

const ROOT: &str = "data_edit_parameters";

impl DataEdit {
    /// Reads the document; nothing in it is required.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            Ok(Self {
                description: root.given("description"),
                creators: root.all_given("creator"),
                contributors: root.all_given("contributor"),
                collection_date: root.given("collection_date"),
                language: root.given("language"),
                citation: root.given("citation"),
                original_data_url: root.given("original_data_url"),
                paper_url: root.given("paper_url"),
                default_target_attribute: root.given("default_target_attribute"),
                row_id_attribute: root.given("row_id_attribute"),
                ignore_attributes: root.all_given("ignore_attribute"),
            })
        })
    }

    /// Writes the document. A list that is to be emptied is one empty element.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            out.given("description", self.description.as_deref());
            out.all_given("creator", self.creators.as_deref());
            out.all_given("contributor", self.contributors.as_deref());
            out.given("collection_date", self.collection_date.as_deref());
            out.given("language", self.language.as_deref());
            out.given("citation", self.citation.as_deref());
            out.given("original_data_url", self.original_data_url.as_deref());
            out.given("paper_url", self.paper_url.as_deref());
            out.given("default_target_attribute", self.default_target_attribute.as_deref());
            out.given("row_id_attribute", self.row_id_attribute.as_deref());
            out.all_given("ignore_attribute", self.ignore_attributes.as_deref());
        })
    }

    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a change would make the tasks on the dataset mean something else.
    pub fn is_critical(&self) -> bool {
        self.default_target_attribute.is_some() || self.row_id_attribute.is_some() || self.ignore_attributes.is_some()
    }
}
