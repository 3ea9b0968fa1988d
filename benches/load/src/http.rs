//! Requests to any web server, as fast as so many clients get answers: each sends its next request when it has the last one's answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What one client saw.
#[derive(Default)]
struct Seen {
    times: Vec<f64>,
    bytes: Vec<usize>,
    busy: usize,
    failed: usize,
}

/// Sends the requests of a file, one in a line (`GET /path` or `POST /path {"json": ...}`), and prints what came of it as JSON. With
/// `rasters`, a figure has come when its raster has, as in a page.
pub async fn run(server: &str, requests: &std::path::Path, clients: usize, seconds: f64, rasters: bool) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(requests).with_context(|| format!("{} cannot be read", requests.display()))?;
    let requests = text.lines().filter(|line| !line.is_empty()).map(|line| message(server, line)).collect::<anyhow::Result<Vec<_>>>()?;
    anyhow::ensure!(!requests.is_empty(), "there are no requests");
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let start = Instant::now();
    let tasks = (0..clients).map(|_| {
        let (server, requests, next) = (server.to_owned(), Arc::clone(&requests), Arc::clone(&next));
        tokio::spawn(async move {
            let mut seen = Seen::default();
            while Instant::now() < end {
                if let Err(_error) = client(&server, &requests, &next, end, rasters, &mut seen).await {
                    seen.failed += 1;
                }
            }
            seen
        })
    });
    let mut all = Seen::default();
    for task in tasks.collect::<Vec<_>>() {
        let seen = task.await?;
        all.times.extend(seen.times);
        all.bytes.extend(seen.bytes);
        all.busy += seen.busy;
        all.failed += seen.failed;
    }
    let elapsed = start.elapsed().as_secs_f64();
    all.times.sort_by(f64::total_cmp);
    all.bytes.sort_unstable();
    let at = |share: f64| all.times.get(((all.times.len() as f64 * share) as usize).min(all.times.len().saturating_sub(1))).copied();
    let report = serde_json::json!({
        "answered": all.times.len(), "busy": all.busy, "failed": all.failed, "seconds": elapsed,
        "per_second": all.times.len() as f64 / elapsed, "p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99), "max_ms": at(1.0),
        "bytes": all.bytes.get(all.bytes.len() / 2),
    });
    println!("{report}");
    Ok(())
}

/// What of a figure matters here.
#[derive(serde::Deserialize)]
struct Figure {
    raster: Option<String>,
}

fn message(server: &str, line: &str) -> anyhow::Result<Vec<u8>> {
    let mut parts = line.splitn(3, ' ');
    let (Some(method), Some(path)) = (parts.next(), parts.next()) else { bail!("“{line}” is not a request") };
    let body = parts.next().unwrap_or_default();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nAccept-Encoding: identity\r\n");
    let content =
        if body.is_empty() { String::new() } else { format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()) };
    Ok(format!("{head}{content}\r\n{body}").into_bytes())
}

/// One connection, until it ends or the time is over.
async fn client(
    server: &str,
    requests: &[Vec<u8>],
    next: &AtomicUsize,
    end: Instant,
    rasters: bool,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    let mut body = Vec::new();
    while Instant::now() < end {
        let request = &requests[next.fetch_add(1, Ordering::Relaxed) % requests.len()];
        let start = Instant::now();
        stream.get_mut().write_all(request).await?;
        let mut status = answer(&mut stream, &mut body).await?;
        let mut bytes = body.len();
        if status == 200
            && rasters
            && let Some(raster) = serde_json::from_slice::<Figure>(&body)?.raster
        {
            stream.get_mut().write_all(&message(server, &format!("GET {raster}"))?).await?;
            status = answer(&mut stream, &mut body).await?;
            bytes += body.len();
        }
        match status {
            200 => {
                seen.times.push(start.elapsed().as_secs_f64() * 1e3);
                seen.bytes.push(bytes);
            }
            503 => {
                seen.busy += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            _ => seen.failed += 1,
        }
    }
    Ok(())
}

/// Reads one answer into `body`, and returns its status.
async fn answer(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> anyhow::Result<u16> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    let (mut length, mut chunked) = (0, false);
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
    }
    body.clear();
    if !chunked {
        body.resize(length, 0);
        stream.read_exact(body).await?;
        return Ok(status);
    }
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16)?;
        let start = body.len();
        body.resize(start + size + 2, 0);
        stream.read_exact(&mut body[start..]).await?;
        body.truncate(start + size);
        if size == 0 {
            return Ok(status);
        }
    }
}
