//! Tables that visitors bring: a file is received, shown with what labboard makes of it, corrected, and added as a dataset. All by
//! ordinary forms, so that it works without scripts; these only add the dropping and the progress.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{FromRequest, Multipart, Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use labboard_frame::Column;
use labboard_frame::summary::{Summary, summarise_all};
use labboard_openml::table::{Kind as FeatureKind, Table, Values};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use super::figures::error_response;
use super::ingest::{ENDINGS, Format, IngestError, Target, Wishes, add_table, dataset_name, default_target, read_table};
use super::secret;
use super::source::{app_error, blocking_failed};
use super::state::State;
use crate::controls::{encode, parameters};
use crate::error::AppError;

/// Uploads that wait for their visitors; the oldest goes first.
const MOST_WAITING: usize = 16;
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Values of a feature that are shown.
const SAMPLES: usize = 4;
/// A form about a table: a choice per feature.
const MOST_FORM_BYTES: usize = 4 << 20;

/// What labboard makes of a table.
#[derive(Debug)]
pub struct Preview {
    pub rows: usize,
    pub features: Vec<PreviewFeature>,
}

#[derive(Debug)]
pub struct PreviewFeature {
    pub name: String,
    pub kind: FeatureKind,
    pub missing: usize,
    pub distinct: usize,
    /// The first different values, in one line.
    pub samples: String,
}

/// A file that waits to be added, and what the visitor has said about it.
#[derive(Clone, Debug)]
pub struct Upload {
    /// As the visitor calls it.
    pub file: String,
    pub format: Format,
    pub preview: Arc<Preview>,
    pub wishes: Wishes,
    /// Why it could not be added, the last time.
    pub problem: Option<String>,
    path: Arc<TempPath>,
    since: Instant,
}

/// The uploads that wait.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<HashMap<String, Upload>>);

impl Uploads {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, Upload>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn get(&self, id: &str) -> Option<Upload> {
        self.with(|waiting| waiting.get(id).cloned())
    }

    fn add(&self, upload: Upload) -> String {
        let id = secret::fresh();
        self.with(|waiting| {
            waiting.retain(|_, upload| upload.since.elapsed() < LONGEST_WAIT);
            while waiting.len() >= MOST_WAITING
                && let Some(oldest) = waiting.iter().min_by_key(|(_, upload)| upload.since).map(|(id, _)| id.clone())
            {
                waiting.remove(&oldest);
            }
            waiting.insert(id.clone(), upload);
        });
        id
    }

    fn remove(&self, id: &str) {
        self.with(|waiting| waiting.remove(id));
    }

    fn keep(&self, id: &str, wishes: Wishes, problem: String) {
        self.with(|waiting| {
            if let Some(upload) = waiting.get_mut(id) {
                upload.wishes = wishes;
                upload.problem = Some(problem);
            }
        });
    }
}

/// The page that shows an upload, or says that it is gone.
fn page_of(id: &str) -> String {
    format!("/new?upload={}", encode(id))
}

/// Where uploads wait.
fn folder(state: &State) -> PathBuf {
    state.store().dir().join("waiting")
}

/// `POST /new/file`: a form with one file. A script is answered with the address of the page that shows it, or with the error.
pub async fn receive(Extract(state): Extract<State>, request: Request) -> Response {
    let is_script = accepts_json(request.headers());
    let base = state.config().base_path.clone();
    let received = receive_file(&state, request).await.map(|id| format!("{base}{}", page_of(&id)));
    match (received, is_script) {
        (Ok(page), true) => Json(serde_json::json!({ "page": page })).into_response(),
        (Ok(page), false) => Redirect::to(&page).into_response(),
        (Err(error), true) => error_response(&error),
        (Err(error), false) => {
            let text = format!("{error}\n\nGo back to choose another file.\n");
            (StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST), text).into_response()
        }
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("application/json"))
}

async fn receive_file(state: &State, request: Request) -> Result<String, AppError> {
    let broken = |reason: String| AppError::BadRequest(format!("The upload broke off: {reason}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(error.body_text()))?;
    while let Some(mut field) = form.next_field().await.map_err(|error| broken(error.body_text()))? {
        if field.name() != Some("file") {
            continue;
        }
        let file = field.file_name().map(plain_name).filter(|name| !name.is_empty());
        let file = file.ok_or_else(|| AppError::BadRequest("No file was chosen".to_owned()))?;
        let format = Format::of(Path::new(&file)).ok_or_else(|| AppError::BadRequest(format!("{file}: {ENDINGS}")))?;
        let path = waiting_file(state).await?;
        let mut out = tokio::fs::OpenOptions::new().write(true).open(&path).await.map_err(cannot_keep)?;
        let (mut size, most) = (0_u64, state.config().max_upload);
        while let Some(chunk) = field.chunk().await.map_err(|error| broken(error.body_text()))? {
            size += chunk.len() as u64;
            if size > most {
                let reason = format!("{file} is larger than the {} MB that are taken; see max-upload-mb", most >> 20);
                return Err(AppError::BadRequest(reason));
            }
            out.write_all(&chunk).await.map_err(cannot_keep)?;
        }
        out.flush().await.map_err(cannot_keep)?;
        return look_at(state, file, format, path).await;
    }
    Err(AppError::BadRequest("No file was chosen".to_owned()))
}

/// The last part of a name that may be a path, or anything.
fn plain_name(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect()
}

fn cannot_keep(error: std::io::Error) -> AppError {
    tracing::error!(%error, "an upload could not be kept");
    AppError::Internal("The upload could not be kept; the server's log says why".to_owned())
}

async fn waiting_file(state: &State) -> Result<TempPath, AppError> {
    let folder = folder(state);
    let made = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        tempfile::NamedTempFile::new_in(folder)
    });
    Ok(made.await.map_err(blocking_failed)?.map_err(cannot_keep)?.into_temp_path())
}

/// Removes what an earlier server has left.
pub async fn clear(state: &State) {
    let _ = tokio::fs::remove_dir_all(folder(state)).await;
}

/// Reads a received file, and lets it wait.
async fn look_at(state: &State, file: String, format: Format, path: TempPath) -> Result<String, AppError> {
    let looked = tokio::task::spawn_blocking(move || -> Result<Upload, IngestError> {
        let content = std::fs::read(&path).map_err(|error| IngestError::file(&file, error))?;
        let table = read_table(&file, format, &content)?;
        let kinds: Vec<_> = table.features.iter().map(|feature| (feature.name.clone(), feature.values.kind())).collect();
        let target = default_target(&kinds).map_or(Target::Nothing, Target::Feature);
        let name = Some(dataset_name(Path::new(&file)));
        let description = Some(table.description.clone()).filter(|text| !text.is_empty());
        let wishes = Wishes { name, target, description, ..Wishes::default() };
        let preview = Arc::new(preview(&table));
        Ok(Upload { file, format, preview, wishes, problem: None, path: Arc::new(path), since: Instant::now() })
    });
    let upload = looked.await.map_err(blocking_failed)?.map_err(|error| AppError::BadRequest(error.to_string()))?;
    Ok(state.uploads().add(upload))
}

fn preview(table: &Table) -> Preview {
    let columns = table.features.iter().map(|feature| Column::from(&feature.values)).collect::<Vec<_>>();
    let features = table
        .features
        .iter()
        .zip(summarise_all(&columns))
        .map(|(feature, Summary { kind, missing, distinct, .. })| PreviewFeature {
            name: feature.name.clone(),
            kind,
            missing,
            distinct,
            samples: samples(&feature.values),
        })
        .collect();
    Preview { rows: table.rows(), features }
}

/// The first few different values.
fn samples(values: &Values) -> String {
    const LONGEST: usize = 80;
    /// Rows in which they are looked for.
    const LOOKED_AT: usize = 200;
    let mut found: Vec<String> = Vec::new();
    for row in 0..values.len().min(LOOKED_AT) {
        let text = match values {
            Values::Numeric(numbers) => Some(numbers[row]).filter(|number| !number.is_nan()).map(|number| number.to_string()),
            Values::Date(dates) => labboard_figure::array::date(dates[row]),
            Values::Nominal { codes, levels } | Values::Text { codes, levels } => levels.get(codes[row] as usize).cloned(),
        };
        if let Some(text) = text
            && !found.contains(&text)
        {
            found.push(text);
            if found.len() == SAMPLES {
                break;
            }
        }
    }
    labboard_figure::text::shorten(&found.join(", "), LONGEST)
}

/// `POST /new/dataset`: adds an upload, with the corrections of the form.
pub async fn add(Extract(state): Extract<State>, request: Request) -> Response {
    let base = state.config().base_path.clone();
    match add_upload(&state, request).await {
        Ok(page) => Redirect::to(&format!("{base}{page}")).into_response(),
        Err(error) => error_response(&error),
    }
}

/// Returns the page to go to: the dataset's, or the form again, which says what is wrong.
async fn add_upload(state: &State, request: Request) -> Result<String, AppError> {
    let body = axum::body::to_bytes(request.into_body(), MOST_FORM_BYTES).await;
    let body = body.map_err(|error| AppError::BadRequest(format!("The form cannot be read: {error}")))?;
    let form = parameters(std::str::from_utf8(&body).unwrap_or_default()).collect::<Vec<_>>();
    let field = |name: &str| form.iter().find_map(|(key, value)| (key == name).then(|| value.trim()));
    let id = field("upload").unwrap_or_default();
    let Some(upload) = state.uploads().get(id) else { return Ok(page_of(id)) };
    if field("cancel").is_some() {
        state.uploads().remove(id);
        return Ok("/new".to_owned());
    }
    let text = |name: &str| field(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let kinds = upload
        .preview
        .features
        .iter()
        .enumerate()
        .filter_map(|(at, feature)| {
            let kind = field(&format!("kind{at}"))?.parse::<FeatureKind>().ok()?;
            (kind != feature.kind).then(|| (feature.name.clone(), kind))
        })
        .collect();
    let target = match field("target") {
        None => upload.wishes.target.clone(),
        Some("") => Target::Nothing,
        Some(name) => Target::Feature(name.to_owned()),
    };
    let wishes = Wishes { name: text("name"), target, description: text("description"), licence: text("licence"), kinds };
    match add_table(state.store(), upload.file, upload.format, &upload.path, wishes.clone()).await {
        Ok(dataset) => {
            state.uploads().remove(id);
            Ok(dataset.path())
        }
        Err(IngestError::Store(error)) => Err(app_error(error)),
        Err(error) => {
            state.uploads().keep(id, wishes, error.to_string());
            Ok(page_of(id))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_last_part_of_paths() {
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("C:\\data\\iris.csv"), "iris.csv");
        assert_eq!(plain_name("a\0b\n.csv"), "ab.csv");
    }

    #[test]
    fn previews_show_the_first_different_values() {
        let table = read_table("x.csv", Format::Csv, b"a,b,c\n1,x,2020-01-01\n1,,2020-01-02\n2,y,\n").expect("a table");
        let preview = preview(&table);
        assert_eq!(preview.rows, 3);
        let samples = preview.features.iter().map(|feature| (feature.samples.as_str(), feature.missing)).collect::<Vec<_>>();
        assert_eq!(samples, [("1, 2", 0), ("x, y", 1), ("2020-01-01, 2020-01-02", 1)]);
    }
}
