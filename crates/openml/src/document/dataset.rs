use serde::Serialize;

use super::{DocumentError, reader, writer};

/// `oml:data_set_description`: what is known about a dataset, apart from its content.
///
/// The same document describes a dataset to the server (without what the server gives: id, version, dates, status, ...) and
/// the server's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DatasetDescription {
    pub id: Option<u32>,
    pub name: String,
    pub version: Option<u32>,
    pub description: String,
    pub description_version: Option<u32>,
    /// `ARFF` or `Sparse_ARFF`.
    pub format: String,
    #[serde(rename = "creator")]
    pub creators: Vec<String>,
    #[serde(rename = "contributor")]
    pub contributors: Vec<String>,
    pub collection_date: Option<String>,
    /// ISO 8601 with `T`.
    pub upload_date: Option<String>,
    pub language: Option<String>,
    pub licence: Option<String>,
    /// Where the ARFF is. An upload has it only if it brings no file.
    pub url: Option<String>,
    pub parquet_url: Option<String>,
    pub file_id: Option<u32>,
    /// Several names are separated by commas.
    pub default_target_attribute: Option<String>,
    pub row_id_attribute: Option<String>,
    /// Old descriptions have several names in one element, separated by commas: see [`ignores`](Self::ignores).
    #[serde(rename = "ignore_attribute")]
    pub ignore_attributes: Vec<String>,
    pub version_label: Option<String>,
    pub citation: Option<String>,
    #[serde(rename = "tag")]
    pub tags: Vec<String>,
    pub visibility: Option<String>,
    pub original_data_url: Option<String>,
    pub paper_url: Option<String>,
    pub update_comment: Option<String>,
    /// `active`, `deactivated` or `in_preparation`.
    pub status: Option<String>,
    pub processing_date: Option<String>,
    pub error: Option<String>,
    pub warning: Option<String>,
    pub md5_checksum: Option<String>,
}

const ROOT: &str = "data_set_description";

impl DatasetDescription {
    /// Reads the document; it must have a name and a format.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            Ok(Self {
                id: root.optional_id("id")?,
                name: root.string("name")?,
                version: root.optional_id("version")?,
                description: root.optional("description").unwrap_or_default(),
                description_version: root.optional_id("description_version")?,
                format: root.string("format")?,
                creators: root.strings("creator"),
                contributors: root.strings("contributor"),
                collection_date: root.optional("collection_date"),
                upload_date: root.optional("upload_date"),
                language: root.optional("language"),
                licence: root.optional("licence"),
                url: root.optional("url"),
                // Servers had this under another name before.
                parquet_url: root.optional("parquet_url").or_else(|| root.optional("minio_url")),
                file_id: root.optional_id("file_id")?,
                default_target_attribute: root.optional("default_target_attribute"),
                row_id_attribute: root.optional("row_id_attribute"),
                ignore_attributes: root.strings("ignore_attribute"),
                version_label: root.optional("version_label"),
                citation: root.optional("citation"),
                tags: root.strings("tag"),
                visibility: root.optional("visibility"),
                original_data_url: root.optional("original_data_url"),
                paper_url: root.optional("paper_url"),
                update_comment: root.optional("update_comment"),
                status: root.optional("status"),
                processing_date: root.optional("processing_date"),
                error: root.optional("error"),
                warning: root.optional("warning"),
                md5_checksum: root.optional("md5_checksum"),
            })
        })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            out.optional_number("id", self.id);
            out.text("name", &self.name);
            out.optional_number("version", self.version);
            out.text("description", &self.description);
            out.optional_number("description_version", self.description_version);
            out.text("format", &self.format);
            out.texts("creator", &self.creators);
            out.texts("contributor", &self.contributors);
            out.optional("collection_date", self.collection_date.as_deref());
            out.optional("upload_date", self.upload_date.as_deref());
            out.optional("language", self.language.as_deref());
            out.optional("licence", self.licence.as_deref());
            out.optional("url", self.url.as_deref());
            out.optional("parquet_url", self.parquet_url.as_deref());
            out.optional_number("file_id", self.file_id);
            out.optional("default_target_attribute", self.default_target_attribute.as_deref());
            out.optional("row_id_attribute", self.row_id_attribute.as_deref());
            out.texts("ignore_attribute", &self.ignore_attributes);
            out.optional("version_label", self.version_label.as_deref());
            out.optional("citation", self.citation.as_deref());
            out.texts("tag", &self.tags);
            out.optional("visibility", self.visibility.as_deref());
            out.optional("original_data_url", self.original_data_url.as_deref());
            out.optional("paper_url", self.paper_url.as_deref());
            out.optional("update_comment", self.update_comment.as_deref());
            out.optional("status", self.status.as_deref());
            out.optional("processing_date", self.processing_date.as_deref());
            out.optional("error", self.error.as_deref());
            out.optional("warning", self.warning.as_deref());
            out.optional("md5_checksum", self.md5_checksum.as_deref());
        })
    }

    /// Whether a feature is to be left out of models: named by an element of its own or in a list with commas.
    pub fn ignores(&self, feature: &str) -> bool {
        self.ignore_attributes.iter().any(|names| names == feature || names.split(',').any(|name| name.trim() == feature))
    }
}
