//! Passes the store's changes on to the rooms whose pages show them.

use labboard_room::{Entity as LiveEntity, EntityKind};
use labboard_store::{Change, Topic};
use tokio::sync::broadcast::error::RecvError;

use super::owner::Command;
use crate::model::{Entity, Kind};
use crate::server::state::{State, entities_of};

/// Follows the store for as long as there is a state, which this does not keep.
pub fn follow_changes(state: &State) {
    let mut changes = state.store().subscribe();
    let state = state.downgrade();
    tokio::spawn(async move {
        loop {
            let change = match changes.recv().await {
                Ok(change) => change,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "changes came faster than they could be passed on");
                    continue;
                }
                Err(RecvError::Closed) => return,
            };
            let Some(state) = state.upgrade() else { return };
            let entities = entities_of(&change);
            for (id, owner) in state.hub().open_rooms() {
                let shown = shown_on(id.page(), &entities, &change);
                if !shown.is_empty() {
                    // A room that has just been closed shows nothing to anybody.
                    let _ = owner.send(Command::Changed(shown)).await;
                }
            }
        }
    });
}

/// The changed entities that a page shows: its own, or for a list the ones of its kind.
fn shown_on(page: &str, entities: &[Entity], change: &Change) -> Vec<LiveEntity> {
    /// A list is read again as a whole; it need not hear every name.
    const ENOUGH: usize = 16;
    let topic = |kind: Kind| match kind {
        Kind::Data => Topic::Datasets,
        Kind::Task => Topic::Tasks,
        Kind::Flow => Topic::Flows,
        Kind::Run => Topic::Runs,
    };
    let listed = |entity: &&Entity| change.topics.contains(&topic(entity.kind));
    entities
        .iter()
        .filter(|entity| entity.path() == page || ((page == "/" || page == format!("/{}", entity.kind.word())) && listed(entity)))
        .take(ENOUGH)
        .filter_map(|entity| {
            let kind = match entity.kind {
                Kind::Data => EntityKind::Data,
                Kind::Task => EntityKind::Task,
                Kind::Flow => EntityKind::Flow,
                Kind::Run => EntityKind::Run,
            };
            Some(LiveEntity { kind, id: u64::try_from(entity.id).ok()? })
        })
        .collect()
}
