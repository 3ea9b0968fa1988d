//! A flow and the flows that it is made of.

use std::collections::HashMap;

use labboard_openml::document::Flow;
use labboard_store::{Batch, Component, ConflictReason, Kind as StoreKind, NewFlow, Parameter, StoreError};

use super::{IngestError, timestamp};

/// Who is behind the numbers that documents give to uploaders.
#[derive(Debug)]
pub struct Uploaders {
    pub known: HashMap<u32, i64>,
    /// Everybody else.
    pub otherwise: i64,
}

impl Uploaders {
    pub fn only(person: i64) -> Self {
        Self { known: HashMap::new(), otherwise: person }
    }

    pub fn of(&self, number: Option<u32>) -> i64 {
        number.and_then(|number| self.known.get(&number).copied()).unwrap_or(self.otherwise)
    }
}

/// Adds a flow after its components. One that is known by name and version already is the same flow.
pub async fn add_flow(
    batch: &mut Batch,
    known: &mut HashMap<i64, i64>,
    flow: Flow,
    uploaders: &Uploaders,
    file: &str,
) -> Result<i64, IngestError> {
    let mut components = Vec::with_capacity(flow.components.len());
    for component in flow.components {
        let flow_id = Box::pin(add_flow(batch, known, component.flow, uploaders, file)).await?;
        components.push(Component { identifier: component.identifier, flow_id });
    }
    let external_version = flow.external_version.unwrap_or_default();
    let id = flow.id.map(i64::from);
    let stored = match batch.find_flow(&flow.name, &external_version).await? {
        Some(stored) => stored,
        None => {
            let wanted = match id {
                Some(id) => free(batch, StoreKind::Flow, id).await?,
                None => None,
            };
            let parameters = flow
                .parameters
                .into_iter()
                .map(|parameter| Parameter {
                    name: parameter.name,
                    data_type: parameter.data_type,
                    default: parameter.default_value,
                    description: parameter.description,
                })
                .collect();
            let new = NewFlow {
                id: wanted,
                name: flow.name,
                version: flow.version.map(i64::from),
                external_version,
                class_name: flow.class_name,
                custom_name: flow.custom_name,
                description: flow.description,
                language: flow.language,
                dependencies: flow.dependencies,
                parameters,
                components,
                uploader: uploaders.of(flow.uploader),
                upload_ms: flow.upload_date.as_deref().and_then(timestamp),
            };
            match batch.add_flow(new.clone()).await {
                // Another flow of this name has the version.
                Err(StoreError::Conflict { kind: StoreKind::Flow, reason: ConflictReason::Exists, .. }) if new.version.is_some() => {
                    batch.add_flow(NewFlow { version: None, ..new }).await?
                }
                stored => stored?,
            }
        }
    };
    if let Some(id) = id {
        known.insert(id, stored);
    }
    Ok(stored)
}

/// The id that a document gets: its own if it is free, else a new one.
pub async fn free(batch: &mut Batch, kind: StoreKind, id: i64) -> Result<Option<i64>, IngestError> {
    Ok((!batch.contains(kind, id).await?).then_some(id))
}
