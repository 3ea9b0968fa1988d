//! Flows.

use std::collections::HashMap;

use labboard_openml::document::{Component, Flow as FlowDocument, FlowList, FlowParameter, FlowRow};
use labboard_store::{Flow, FlowQuery, Kind as StoreKind, StoreError};

use super::answer::Answer;
use super::call::Call;
use super::fields::{id, short, time};
use super::filters::Filters;
use super::{Outcome, Refusal};
use crate::server::ingest::IngestError;
use crate::server::ingest::flow::{Uploaders, add_flow};

pub async fn list(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 501, 502)?;
    let (limit, offset) = filters.page()?;
    let query = FlowQuery { tag: filters.text("tag"), uploader: filters.id("uploader")?, offset, limit, ..FlowQuery::default() };
    filters.finish()?;
    let rows = call.store().flow_rows(&query).await.map_err(Refusal::store)?;
    if rows.is_empty() {
        return Err(Refusal::new(500, "No results"));
    }
    let flows = rows
        .into_iter()
        .map(|row| FlowRow {
            id: short(row.id),
            full_name: format!("{}({})", row.name, row.version),
            name: row.name,
            version: short(row.version),
            external_version: row.external_version,
            uploader: short(row.uploader),
        })
        .collect::<Vec<_>>();
    Ok(Answer::list(flows, |flows| FlowList { flows }.write()))
}

/// Pipelines of pipelines have names of a thousand letters, not more.
pub(super) const LONGEST_NAME: usize = 8192;

fn unknown() -> Refusal {
    Refusal::new(181, "Unknown flow")
}

/// A flow with everything that it is made of.
async fn document(call: &Call, number: i64) -> Result<FlowDocument, Refusal> {
    let flow = call.store().flow(number).await.map_err(|error| Refusal::or_missing(error, unknown()))?;
    let tags = call.store().tags(StoreKind::Flow, number).await.map_err(Refusal::store)?;
    let mut components = Vec::with_capacity(flow.components.len());
    for component in &flow.components {
        let inner = Box::pin(document(call, component.flow_id)).await?;
        components.push(Component { identifier: component.identifier.clone(), flow: inner });
    }
    let Flow { id, name, version, external_version, class_name, custom_name, description, language, dependencies, .. } = flow;
    Ok(FlowDocument {
        id: Some(short(id)),
        uploader: Some(short(flow.uploader)),
        name,
        custom_name,
        class_name,
        version: Some(short(version)),
        external_version: Some(external_version),
        description,
        upload_date: Some(time(flow.upload_ms)),
        language,
        dependencies,
        parameters: flow
            .parameters
            .into_iter()
            .map(|parameter| FlowParameter {
                name: parameter.name,
                data_type: parameter.data_type,
                default_value: parameter.default,
                description: parameter.description,
            })
            .collect(),
        components,
        tags,
        ..FlowDocument::default()
    })
}

pub async fn get(call: &Call, text: &str) -> Outcome {
    Ok(Answer::plain(document(call, id(text, unknown())?).await?.write()))
}

pub async fn exists(call: &Call, name: &str, external_version: &str) -> Outcome {
    let found = call.store().find_flow(name, external_version).await.map_err(Refusal::store)?;
    Ok(Answer::exists("flow_exists", found))
}

/// Ids are the server's to give.
fn without_ids(flow: FlowDocument) -> FlowDocument {
    let components =
        flow.components.into_iter().map(|component| Component { flow: without_ids(component.flow), ..component }).collect::<Vec<_>>();
    FlowDocument { id: None, version: None, uploader: None, upload_date: None, components, ..flow }
}

pub async fn publish(call: &Call) -> Outcome {
    let person = call.person()?.id;
    let text = call.optional_text("description")?.ok_or_else(|| Refusal::new(161, "Please provide description xml"))?;
    let flow =
        FlowDocument::read(&text).map_err(|error| Refusal::new(163, "Problem validating uploaded description file").because(error))?;
    let external_version = flow.external_version.clone().unwrap_or_default();
    if flow.name.len().max(external_version.len()) > LONGEST_NAME {
        let reason = format!("a name and an external version have at most {LONGEST_NAME} bytes");
        return Err(Refusal::new(163, "Problem validating uploaded description file").because(reason));
    }
    let mut batch = call.store().begin().await.map_err(Refusal::store)?;
    if let Some(known) = batch.find_flow(&flow.name, &external_version).await.map_err(Refusal::store)? {
        return Err(Refusal::new(171, "Flow already exists").because(format!("matched id(s): [{known}]")));
    }
    let tags = flow.tags.clone();
    let number =
        add_flow(&mut batch, &mut HashMap::new(), without_ids(flow), &Uploaders::only(person), "the flow").await.map_err(|error| {
            match error {
                IngestError::Store(error) => Refusal::store(error),
                other => Refusal::new(163, "Problem validating uploaded description file").because(other),
            }
        })?;
    batch.add_tags(StoreKind::Flow, number, &tags, person).await.map_err(Refusal::store)?;
    batch.commit().await.map_err(Refusal::store)?;
    Ok(Answer::id("upload_flow", number))
}

pub async fn delete(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(322, "Flow does not exist");
    let number = id(text, missing())?;
    let flow = call.store().flow(number).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    call.must_own(flow.uploader, Refusal::new(323, "Flow is not owned by you"))?;
    call.store().delete_flow(number).await.map_err(|error| match error {
        StoreError::Conflict { .. } => Refusal::new(324, "Flow is in use by other content. Can not be deleted").because(error),
        other => Refusal::or_missing(other, missing()),
    })?;
    Ok(Answer::id("flow_delete", number))
}
