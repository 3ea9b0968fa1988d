//! Removes content that nothing mentions: at the start what a crash left, later what was given up or deleted.

use std::time::Duration;

use labboard_store::{StoreError, Swept, now_ms};

use super::state::State;

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Longer than any import takes.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Sweeps now and then as long as there is a state, which this does not keep.
pub fn keep_swept(state: &State) {
    let (store, state) = (state.store().clone(), state.downgrade());
    tokio::spawn(async move {
        report(store.sweep_leftovers().await);
        drop(store);
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(state) = state.upgrade() else { return };
            report(state.store().sweep(GRACE).await);
            prune(&state).await;
        }
    });
}

/// Removes what the history of rooms has from before the time for which it is kept.
async fn prune(state: &State) {
    let kept = i64::from(state.config().history_days) * 24 * 60 * 60 * 1000;
    match state.store().prune_rooms(now_ms().saturating_sub(kept)).await {
        Ok(0) => {}
        Ok(changes) => tracing::info!(changes, "removed old history of rooms"),
        Err(error) => tracing::error!(%error, "old history of rooms could not be removed"),
    }
}

fn report(swept: Result<Swept, StoreError>) {
    match swept {
        Ok(Swept { files: 0, tables: 0 }) => {}
        Ok(Swept { files, tables }) => tracing::info!(files, tables, "removed content that nothing mentions"),
        Err(error) => tracing::error!(%error, "content that nothing mentions could not be removed"),
    }
}
