use super::{Batch, distinct, in_use};
use crate::change::{Action, Kind, Topic};
use crate::decode::to_json;
use crate::entity::NewFlow;
use crate::error::{ConflictReason, StoreError};

impl Batch {
    /// # Errors
    /// `Conflict` with the flow of this name and external version (or version), or
    /// that has the id; `NotFound` without a component; `Invalid` if a parameter or
    /// a component is given twice.
    pub async fn add_flow(&mut self, flow: NewFlow) -> Result<i64, StoreError> {
        distinct("parameter", flow.parameters.iter().map(|p| p.name.as_str()))?;
        distinct("component", flow.components.iter().map(|c| c.identifier.as_str()))?;
        for component in &flow.components {
            self.require(Kind::Flow, component.flow_id).await?;
        }
        let siblings: Vec<(i64, i64, String)> = sqlx::query_as("SELECT id, version, external_version FROM flow WHERE name = $1")
            .bind(&flow.name)
            .fetch_all(self.connection())
            .await?;
        let taken = siblings.iter().find(|(_, version, external)| *external == flow.external_version || Some(*version) == flow.version);
        if let Some(&(id, ..)) = taken {
            return Err(StoreError::Conflict { kind: Kind::Flow, id, reason: ConflictReason::Exists });
        }
        let newest = siblings.iter().map(|&(_, version, _)| version).max();
        let version = flow.version.unwrap_or(newest.unwrap_or(0) + 1);

        let id = self.take_id(Kind::Flow, flow.id).await?;
        let (upload_ms, revision) = (flow.upload_ms.unwrap_or(self.now_ms), self.revision);
        sqlx::query(
            "INSERT INTO flow (id, name, version, external_version, class_name, custom_name,
                 description, language, dependencies, parameters, uploader, upload_ms, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(id)
        .bind(flow.name)
        .bind(version)
        .bind(flow.external_version)
        .bind(flow.class_name)
        .bind(flow.custom_name)
        .bind(flow.description)
        .bind(flow.language)
        .bind(flow.dependencies)
        .bind(to_json(&flow.parameters))
        .bind(flow.uploader)
        .bind(upload_ms)
        .bind(revision)
        .execute(self.connection())
        .await?;
        for (position, component) in (0_i64..).zip(flow.components) {
            sqlx::query(
                "INSERT INTO flow_component (flow_id, position, identifier, component_id)
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(id)
            .bind(position)
            .bind(component.identifier)
            .bind(component.flow_id)
            .execute(self.connection())
            .await?;
        }
        self.record(Kind::Flow, id, Action::Added, [Topic::Flow(id), Topic::Flows]);
        Ok(id)
    }

    /// Removes a flow with its setups.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` if the flow has a run or is part of another flow.
    pub async fn delete_flow(&mut self, id: i64) -> Result<(), StoreError> {
        self.require(Kind::Flow, id).await?;
        for sql in ["SELECT id FROM run WHERE flow_id = $1 LIMIT 1", "SELECT flow_id FROM flow_component WHERE component_id = $1 LIMIT 1"] {
            let user: Option<i64> = sqlx::query_scalar(sql).bind(id).fetch_optional(self.connection()).await?;
            if user.is_some() {
                return Err(in_use(Kind::Flow, id));
            }
        }
        for sql in
            ["DELETE FROM setup WHERE flow_id = $1", "DELETE FROM flow_component WHERE flow_id = $1", "DELETE FROM flow WHERE id = $1"]
        {
            sqlx::query(sql).bind(id).execute(self.connection()).await?;
        }
        self.delete_tags(Kind::Flow, id).await?;
        self.record(Kind::Flow, id, Action::Removed, [Topic::Flow(id), Topic::Flows]);
        Ok(())
    }
}
