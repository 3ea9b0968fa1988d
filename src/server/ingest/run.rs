//! A run from its description and its files.

use labboard_openml::document::Run;
use labboard_openml::predictions::Predictions;
use labboard_store::{NewRun, NewRunFile, ParameterSetting, Store};

use super::evaluation::evaluations;
use super::{Format, IngestError, timestamp};

/// A file that came with a run.
#[derive(Clone, Copy, Debug)]
pub struct RunFile<'a> {
    /// `description`, `predictions`, `trace`, ...
    pub role: &'a str,
    pub content: &'a [u8],
}

/// Evaluates the predictions and keeps the files; only the row in the catalogue is left to do. `document` has what the
/// client measured itself; `file` is the predictions', for errors.
///
/// # Errors
/// The predictions cannot be evaluated, or a file cannot be kept.
pub fn new_run(
    store: &Store,
    file: &str,
    document: &Run,
    predictions: Option<&Predictions>,
    files: &[RunFile<'_>],
) -> Result<NewRun, IngestError> {
    let evaluations = evaluations(document, predictions).map_err(|reason| IngestError::file(file, reason))?;
    let files = files.iter().map(|file| {
        let (name, media_type) = match file.role {
            "description" => ("description.xml".to_owned(), "text/xml; charset=utf-8"),
            "predictions" | "trace" => (format!("{}.arff", file.role), Format::Arff.media_type()),
            other => (other.to_owned(), "application/octet-stream"),
        };
        Ok(NewRunFile { role: file.role.to_owned(), file: store.files().put(&name, media_type, file.content)? })
    });
    let flow = i64::from(document.flow_id);
    let parameters = document.parameter_settings.iter().map(|setting| ParameterSetting {
        component: setting.component.map_or(flow, i64::from),
        name: setting.name.clone(),
        value: setting.value.clone(),
    });
    Ok(NewRun {
        id: document.run_id.map(i64::from),
        task_id: document.task_id.map(i64::from).ok_or_else(|| IngestError::file(file, "oml:task_id is missing in oml:run"))?,
        flow_id: flow,
        setup_id: None,
        parameters: parameters.collect(),
        setup_string: document.setup_string.clone(),
        uploader: 0,
        upload_ms: document.upload_time.as_deref().and_then(timestamp),
        error: document.error_message.clone().filter(|message| !message.is_empty()).or_else(|| document.error.clone()),
        files: files.collect::<Result<_, IngestError>>()?,
        evaluations,
        tags: document.tags.clone(),
    })
}
