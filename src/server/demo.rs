//! The demo experiments: loaded into an empty data directory at the first start.

use std::time::Instant;

use super::assets;
use super::ingest::{Folder, counted, import_documents};
use super::state::State;

/// Loads the demo if this build has it, the configuration wants it and there is no data yet.
///
/// # Errors
/// The demo cannot be stored.
pub async fn load_into_empty(state: &State) -> anyhow::Result<()> {
    let counts = state.store().counts().await?;
    if !state.config().demo || counts.datasets + counts.tasks + counts.flows + counts.runs > 0 {
        return Ok(());
    }
    let Some(archive) = assets::demo() else {
        tracing::warn!("this build has no demo experiments");
        return Ok(());
    };
    let start = Instant::now();
    eprintln!("Loading the demo experiments…");
    let folder = tokio::task::spawn_blocking(move || Folder::unpack(&archive)).await??;
    let imported = import_documents(state.store(), folder, |read| eprintln!("  read {read}")).await?;
    eprintln!("  stored {} in {:.1} s", counted(&imported), start.elapsed().as_secs_f64());
    Ok(())
}
