//! Keeps the columns of tasks' scores up with their runs, so that pages of tasks with many runs open fast.

use labboard_store::Topic;
use tokio::sync::broadcast::error::RecvError;

use super::state::State;

/// Packs the scores of tasks whose runs have changed, and first of those that were left over at the last stop.
pub fn follow_changes(state: &State) {
    let mut changes = state.store().subscribe();
    // The store closes the channel when the last state is gone, and this task must not keep it.
    let state = state.downgrade();
    tokio::spawn(async move {
        if let Some(state) = state.upgrade() {
            pack_all(&state).await;
        }
        loop {
            let change = changes.recv().await;
            let Some(state) = state.upgrade() else { return };
            match change {
                Ok(change) => {
                    for topic in &change.topics {
                        if let Topic::Task(task) = *topic {
                            pack(&state, task).await;
                        }
                    }
                }
                Err(RecvError::Lagged(_)) => pack_all(&state).await,
                Err(RecvError::Closed) => return,
            }
        }
    });
}

async fn pack_all(state: &State) {
    match state.store().unpacked_tasks().await {
        Ok(tasks) => {
            for task in tasks {
                pack(state, task).await;
            }
        }
        Err(error) => tracing::warn!(%error, "the tasks with unpacked scores could not be listed"),
    }
}

async fn pack(state: &State, task: i64) {
    // Pages read the rows instead: slower, and as right.
    if let Err(error) = state.store().pack_scores(task).await {
        tracing::warn!(task, %error, "a task's scores could not be packed");
    }
}
