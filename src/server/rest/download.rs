//! Files: datasets as ARFF and Parquet, splits, and what runs uploaded.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::extract::{Path, Request, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use labboard_openml::arff;
use labboard_openml::table::{Feature, Table, Values};
use labboard_store::{ColumnRef, Dataset, Kind as StoreKind, StoreError};
use moka::future::Cache;

use super::answer::Format as AnswerFormat;
use super::call::{Call, read_through};
use super::data::{data_of, source, unknown};
use super::fields::id;
use super::refusal::Refusal;
use crate::server::ingest::{Format, md5};
use crate::server::source::DataSource;
use crate::server::state::State;
use crate::server::upstream::Wanted;

/// The format that clients are told: what is not ARFF here is ARFF on its way to them.
pub fn format(stored: &str) -> &'static str {
    if is_sparse(stored) { "Sparse_ARFF" } else { "ARFF" }
}

fn is_sparse(stored: &str) -> bool {
    stored.to_ascii_lowercase().contains("sparse")
}

fn is_arff(stored: &str) -> bool {
    stored.to_ascii_lowercase().contains("arff")
}

/// Where a dataset's content is, and its MD5.
pub struct Content {
    pub url: String,
    pub md5: String,
}

/// A table in a format for clients.
#[derive(Debug)]
pub struct Written {
    content: Bytes,
    md5: String,
}

/// Tables that were written for clients lately, by dataset and format.
#[derive(Debug)]
pub struct Tables(Cache<(i64, Format), Arc<Written>>);

impl Default for Tables {
    /// At most 256 MB.
    fn default() -> Self {
        let weigh = |_: &(i64, Format), written: &Arc<Written>| u32::try_from(written.content.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(256 << 20).weigher(weigh).build())
    }
}

fn table_of(source: &DataSource) -> Table {
    let values = |at: usize| match source.columns.feature(at) {
        Some(ColumnRef::Numeric(values)) => Values::Numeric(values.to_vec()),
        Some(ColumnRef::Date(values)) => Values::Date(values.to_vec()),
        Some(ColumnRef::Nominal { codes, levels }) => Values::Nominal { codes: codes.to_vec(), levels: levels.to_vec() },
        Some(ColumnRef::Text { codes, levels }) => Values::Text { codes: codes.to_vec(), levels: levels.to_vec() },
        None => Values::Numeric(Vec::new()),
    };
    let features =
        source.features.iter().enumerate().map(|(at, described)| Feature { name: described.feature.name.clone(), values: values(at) });
    Table { name: source.dataset.name.clone(), features: features.collect(), ..Table::default() }
}

/// A dataset's table in another format than it came in. Its content never changes, so that it is written once.
async fn written(state: &State, dataset: i64, format: Format, missing: Refusal) -> Result<Arc<Written>, Refusal> {
    let found = source(state, dataset, missing).await?;
    let write = async {
        let done = tokio::task::spawn_blocking(move || {
            let table = table_of(data_of(&found)?);
            let content = match format {
                Format::Parquet => labboard_frame::parquet::write(&table.features).map_err(Refusal::failed)?,
                Format::Arff | Format::Csv => {
                    let mut text = String::new();
                    arff::write(&table, &mut text);
                    text.into_bytes()
                }
            };
            Ok::<_, Refusal>(Arc::new(Written { md5: md5(&content), content: Bytes::from(content) }))
        });
        done.await.map_err(Refusal::failed)?
    };
    state.tables().0.try_get_with((dataset, format), write).await.map_err(|error: Arc<Refusal>| (*error).clone())
}

/// Where clients get the dataset: its own file if that is ARFF, else its table written as ARFF.
pub async fn of_dataset(call: &Call, dataset: &Dataset) -> Result<Content, Refusal> {
    let Dataset { id, name, .. } = dataset;
    if let Some(file) = dataset.file_id.filter(|_| is_arff(&dataset.format)) {
        return Ok(Content { url: format!("{}/data/v1/download/{file}/{name}.arff", call.base), md5: dataset.md5.clone() });
    }
    let md5 = written(&call.state, *id, Format::Arff, unknown()).await?.md5.clone();
    Ok(Content { url: format!("{}/data/v1/download/dataset/{id}/{name}.arff", call.base), md5 })
}

fn text(content: impl IntoResponse, media_type: &str) -> Response {
    let media_type = HeaderValue::from_str(media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    // Uploads are data, whatever they claim to be.
    let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"))];
    (StatusCode::OK, headers, content.into_response().into_body()).into_response()
}

/// A file by its id, or `dataset/{id}`: a table as ARFF.
pub async fn file(Extract(state): Extract<State>, Path(path): Path<String>, request: Request) -> Response {
    let outcome = async {
        let call = Call::read(state, request).await?;
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        match (segments.next(), segments.next()) {
            (Some("dataset"), Some(number)) => {
                let written = written(&call.state, id(number, unknown())?, Format::Arff, unknown()).await?;
                Ok(text(written.content.clone(), Format::Arff.media_type()))
            }
            (Some(number), _) => stored(&call, id(number, no_file())?).await,
            (None, _) => Err(no_file()),
        }
    };
    outcome.await.unwrap_or_else(|refusal: Refusal| refusal.into_response(AnswerFormat::Xml))
}

/// Where clients get a dataset as Parquet. They ask for it as they would ask an object store, which takes neither keys
/// nor invitations, no encryption and no path before the bucket.
pub fn parquet_url(call: &Call, dataset: i64, format: &str) -> Option<String> {
    let config = call.state.config();
    let is_open = config.invite.is_none() && config.base_path.is_empty() && call.base.starts_with("http://");
    (is_open && !is_sparse(format)).then(|| format!("{}/parquet/{dataset}/dataset_{dataset}.pq", call.base))
}

/// A dataset as Parquet: `/parquet/{dataset}/dataset_{dataset}.pq`.
pub async fn parquet(Extract(state): Extract<State>, Path((number, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let outcome = async {
        let number = id(&number, no_file())?;
        if name != format!("dataset_{number}.pq") {
            return Err(no_file());
        }
        read_through(&state, Wanted::new(StoreKind::Dataset, number), &headers).await?;
        let dataset = state.store().dataset(number).await.map_err(|error| Refusal::or_missing(error, no_file()))?;
        Ok((dataset.upload_ms, written(&state, number, Format::Parquet, no_file()).await?))
    };
    match outcome.await {
        Ok((uploaded, written)) => {
            let changed = UNIX_EPOCH + Duration::from_millis(u64::try_from(uploaded).unwrap_or(0));
            let headers = [
                (header::CONTENT_TYPE, Format::Parquet.media_type().to_owned()),
                (header::ETAG, format!("\"{}\"", written.md5)),
                (header::LAST_MODIFIED, httpdate::fmt_http_date(changed)),
            ];
            (headers, written.content.clone()).into_response()
        }
        Err(_) => {
            let text =
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>NoSuchKey</Code><Message>Object does not exist</Message></Error>";
            (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
        }
    }
}

fn no_file() -> Refusal {
    Refusal::new(112, "There is no such file").with_status(StatusCode::NOT_FOUND)
}

/// A stored file, from the disk as it is read.
async fn stored(call: &Call, file: i64) -> Result<Response, Refusal> {
    let file = call.store().file(file).await.map_err(|error| match error {
        StoreError::NotFound { .. } => no_file(),
        other => Refusal::store(other),
    })?;
    let files = call.store().files().clone();
    let content = tokio::task::spawn_blocking(move || files.read(&file.hash).map(|content| (content, file.media_type)));
    let (content, media_type) = content.await.map_err(Refusal::failed)?.map_err(Refusal::store)?;
    Ok(text(content, &media_type))
}

/// The splits of a task: `/api_splits/get/{task}/Task_{task}_splits.arff`.
pub async fn splits(Extract(state): Extract<State>, Path((task, _)): Path<(String, String)>, request: Request) -> Response {
    let outcome = async {
        let call = Call::read(state, request).await?;
        let missing = || Refusal::new(151, "Unknown task");
        let task = call.store().task(id(&task, missing())?).await.map_err(|error| Refusal::or_missing(error, missing()))?;
        match task.splits_file_id {
            Some(file) => stored(&call, file).await,
            None => Err(Refusal::new(152, "The task has no splits").with_status(StatusCode::NOT_FOUND)),
        }
    };
    outcome.await.unwrap_or_else(|refusal: Refusal| refusal.into_response(AnswerFormat::Xml))
}
