//! Runs the server until it is told to stop.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use super::cli::ServeArgs;
use super::{Config, demo, routes, secret, users};

/// How long open requests may take once the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// # Errors
/// The configuration, the data directory or the address cannot be used.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let start = Instant::now();
    let (mut config, listen) = args.resolve()?;
    let listener = TcpListener::bind(listen.addr).await.with_context(|| format!("cannot listen at {}", listen.addr))?;
    let addr = listener.local_addr()?;
    if !addr.ip().is_loopback() {
        std::fs::create_dir_all(&config.data_dir).with_context(|| format!("cannot make {}", config.data_dir.display()))?;
        config.invite = Some(invite_token(&config.data_dir)?);
    }
    let state = routes::open(config).await?;
    demo::load_into_empty(&state).await?;
    let owner_key = users::ensure_owner(state.store(), &state.config().data_dir).await?;
    let config = state.config();
    let local = format!("http://{addr}");
    state.store().set_owner_address(&format!("{local}{}", config.base_path))?;
    let app = routes::mounted(&state);
    announce(config, &local, start);
    if let Some(key) = owner_key {
        println!("The owner's API key is {key} (kept in {})", config.data_dir.join("owner-key").display());
    }
    if let Some(path) = &listen.port_file {
        std::fs::write(path, addr.port().to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let closing = state.clone();
    let stopped = async move {
        stop_signal().await;
        closing.hub().close();
    };
    // A change is a small message, which the system would otherwise hold back for the client's answer to the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = axum::serve(listener, app.into_make_service_with_connect_info::<std::net::SocketAddr>()).with_graceful_shutdown(stopped);
    let deadline = async {
        stop_signal().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving => served.context("the server failed")?,
        () = deadline => {}
    }
    Ok(())
}

fn announce(config: &Config, local: &str, start: Instant) {
    let base = &config.base_path;
    tracing::info!(data_dir = %config.data_dir.display(), ready_ms = start.elapsed().as_millis() as u64, "serving");
    match (&config.public_url, &config.invite) {
        (Some(url), Some(token)) => {
            println!("labboard is at {url}{base}/");
            println!("Invite others with this link: {url}{base}/?invite={token}");
        }
        _ => println!("labboard is at {local}{base}/"),
    }
}

/// The token stays the same over restarts, so that invite links keep working.
fn invite_token(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join("invite-token");
    if let Ok(known) = std::fs::read_to_string(&path)
        && known.trim().len() >= 32
    {
        return Ok(known.trim().to_owned());
    }
    let token = secret::fresh();
    secret::write(&path, &token).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(token)
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
            return drop(interrupt.await);
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
