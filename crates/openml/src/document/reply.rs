//! The small answers: ids, confirmations, errors.

use serde::Serialize;

use super::{DocumentError, reader, writer};

/// An answer of single elements, in order, whose root is named `root`: `reply("upload_data_set", &[("id", "7")])`. All elements
/// are written, also the empty ones; a name may come again, as the tags in `oml:data_tag` do.
pub fn reply(root: &str, fields: &[(&str, &str)]) -> String {
    writer::write(root, |out| {
        for (name, text) in fields {
            out.text(name, text);
        }
    })
}

/// `oml:error`: why the server does not do what it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// One of OpenML's, by which clients tell what is wrong.
    pub code: u16,
    pub message: String,
    pub additional_information: Option<String>,
}

impl Failure {
    /// Reads the document.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, "error", |root| {
            Ok(Self {
                code: root.number("code", "a code")?,
                message: root.optional("message").unwrap_or_default(),
                additional_information: root.optional("additional_information"),
            })
        })
    }

    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("error", |out| {
            out.number("code", self.code);
            out.text("message", &self.message);
            out.optional("additional_information", self.additional_information.as_deref());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies() {
        let expected = r#"<oml:data_tag xmlns:oml="http://openml.org/openml">
  <oml:id>7</oml:id>
  <oml:tag>a&lt;b</oml:tag>
  <oml:tag></oml:tag>
</oml:data_tag>
"#;
        assert_eq!(reply("data_tag", &[("id", "7"), ("tag", "a<b"), ("tag", "")]), expected);
    }

    #[test]
    fn failures() {
        let failure = Failure { code: 111, message: "Unknown dataset".to_owned(), additional_information: None };
        let expected = r#"<oml:error xmlns:oml="http://openml.org/openml">
  <oml:code>111</oml:code>
  <oml:message>Unknown dataset</oml:message>
</oml:error>
"#;
        assert_eq!(failure.write(), expected);
        assert_eq!(Failure::read(expected), Ok(failure.clone()));
        let failure = Failure { additional_information: Some("matched id(s): [3]".to_owned()), ..failure };
        assert!(failure.write().contains("<oml:additional_information>matched id(s): [3]</oml:additional_information>"));
    }
}
