//! What is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream;
use labboard_room::{RoomId, ServerMessage};
use tokio::sync::{Barrier, mpsc};

use crate::client::{self, Reader, Sent, Writer};
use crate::times::Times;

/// Connections that are made at the same time.
const AT_ONCE: usize = 32;

fn room(name: &str) -> Result<RoomId> {
    // A name of its own for each run: an empty room.
    let run = std::process::id();
    RoomId::new("/data/1", Some(&format!("{name}-{run}"))).context("a room")
}

async fn crowd_of(server: &str, room: &RoomId, clients: usize) -> Result<Vec<(Writer, Reader)>> {
    let joined = stream::iter(0..clients)
        .map(|i| async move { client::join(server, room, &format!("load-{i}")).await })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    joined.into_iter().collect()
}

pub async fn fanout(server: &str, clients: usize, changes: usize) -> Result<()> {
    let sent = Sent::default();
    let (heard, mut arrivals) = mpsc::unbounded_channel();
    let mut writers = Vec::new();
    for (writer, mut reader) in crowd_of(server, &room("fanout")?, clients).await? {
        let (sent, heard, me) = (sent.clone(), heard.clone(), writer.me);
        tokio::spawn(async move {
            while let Some(message) = reader.next().await {
                let ServerMessage::Committed { ops } = message else { continue };
                for op in ops {
                    let took = sent.when(op.by, op.n).map(|at| at.elapsed()).unwrap_or_default();
                    let _ = heard.send((op.by == me, took));
                }
            }
        });
        writers.push(writer);
    }
    let (mut acknowledged, mut all) = (Times::default(), Times::default());
    for change in 0..changes {
        let writer = change % writers.len();
        writers[writer].change(&sent).await?;
        let mut slowest = Duration::ZERO;
        for _ in 0..clients {
            let (is_own, took) = arrivals.recv().await.context("a change got lost")?;
            slowest = slowest.max(took);
            if is_own {
                acknowledged.push(took);
            }
        }
        all.push(slowest);
    }
    acknowledged.report("acknowledged to its author");
    all.report(&format!("delivered to all of {clients}"));
    Ok(())
}

pub async fn crowd(server: &str, clients: usize, changes: usize, pointers: usize, seconds: u64) -> Result<()> {
    let sent = Sent::default();
    let start = Instant::now();
    let people = crowd_of(server, &room("crowd")?, clients).await?;
    println!("{clients} clients are in the room after {:.1} s", start.elapsed().as_secs_f64());
    let presence = Arc::new(AtomicUsize::new(0));
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let ready = Arc::new(Barrier::new(clients));
    let mut readers = Vec::new();
    let mut written = Vec::new();
    for (i, (mut writer, mut reader)) in people.into_iter().enumerate() {
        let (of_reader, presence) = (sent.clone(), presence.clone());
        readers.push(tokio::spawn(async move {
            let mut times = Vec::new();
            // What was sent last needs a moment to arrive.
            while let Ok(Some(message)) = tokio::time::timeout_at(end + Duration::from_secs(2), reader.next()).await {
                match message {
                    ServerMessage::Committed { ops } => {
                        times.extend(ops.iter().filter_map(|op| Some(of_reader.when(op.by, op.n)?.elapsed())));
                    }
                    ServerMessage::Presence { people } => {
                        presence.fetch_add(people.len(), Ordering::Relaxed);
                    }
                    _ => {}
                }
            }
            times
        }));
        let (sent, ready) = (sent.clone(), ready.clone());
        written.push(tokio::spawn(async move {
            ready.wait().await;
            // One change a second each, at moments of their own.
            let mut change = interval(Duration::from_secs(1), i, changes);
            let mut point = interval(Duration::from_millis(200), i, pointers);
            let mut count = 0_usize;
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(end) => break,
                    _ = change.tick(), if i < changes => { writer.change(&sent).await?; count += 1; }
                    _ = point.tick(), if i < pointers => writer.point(count as f64).await?,
                }
            }
            // The connection stays until all have read.
            tokio::time::sleep_until(end + Duration::from_secs(3)).await;
            anyhow::Ok(count)
        }));
    }
    let mut times = Times::default();
    let mut fewest = usize::MAX;
    for reader in readers {
        let got = reader.await?;
        fewest = fewest.min(got.len());
        got.into_iter().for_each(|time| times.push(time));
    }
    let mut total = 0;
    for writer in written {
        total += writer.await??;
    }
    println!("{total} changes; who got the fewest got {fewest}");
    println!(
        "{} pointers delivered ({} to each, a second)",
        presence.load(Ordering::Relaxed),
        presence.load(Ordering::Relaxed) / clients / seconds as usize
    );
    times.report("delivery of a change");
    ensure!(fewest == total && times.len() == total * clients, "somebody missed a change");
    Ok(())
}

fn interval(period: Duration, i: usize, of: usize) -> tokio::time::Interval {
    let offset = period.mul_f64((i % of.max(1)) as f64 / of.max(1) as f64);
    let mut interval = tokio::time::interval_at(tokio::time::Instant::now() + offset, period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

pub async fn idle(server: &str, clients: usize, pid: u32) -> Result<()> {
    /// People in one room.
    const TOGETHER: usize = 20;
    let before = resident_kb(pid)?;
    let sockets = stream::iter(0..clients)
        .map(|i| async move {
            let mut socket = client::connect(server).await?;
            client::enter(&mut socket, &room(&format!("idle-{}", i / TOGETHER))?, &format!("load-{i}")).await?;
            anyhow::Ok(socket)
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let sockets = sockets.into_iter().collect::<Result<Vec<_>>>()?;
    let after = resident_kb(pid)?;
    let each = (after - before) / clients as f64;
    println!("{} connections in rooms of {TOGETHER}: {each:.1} kB each ({before:.0} kB before, {after:.0} kB after)", sockets.len());
    Ok(())
}

fn resident_kb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

pub async fn join(server: &str, operations: usize) -> Result<()> {
    /// What one client may write at once.
    const BURST: usize = 190;
    let room = RoomId::new("/data/1", Some("history")).context("a room")?;
    let sent = Sent::default();
    let mut left = operations;
    let mut writers = 0;
    while left > 0 {
        let client = format!("load-{}-{writers}", std::process::id());
        let (mut writer, mut reader) = client::join(server, &room, &client).await?;
        let count = left.min(BURST);
        let mut last = 0;
        for _ in 0..count {
            last = writer.change(&sent).await?;
        }
        'answers: while let Some(message) = reader.next().await {
            match message {
                ServerMessage::Committed { ops } if ops.iter().any(|op| op.by == writer.me && op.n == last) => break 'answers,
                ServerMessage::Rejected(rejected) => anyhow::bail!("{}", rejected.rejection),
                _ => {}
            }
        }
        left -= count;
        writers += 1;
    }
    let mut times = Times::default();
    for i in 0..20 {
        let mut socket = client::connect(server).await?;
        let start = Instant::now();
        let welcome = client::enter(&mut socket, &room, &format!("joins-{i}")).await?;
        let took = start.elapsed();
        if i == 0 {
            println!("the first to join a room of {} operations: {:.2} ms", welcome.seq, took.as_secs_f64() * 1e3);
        }
        times.push(took);
    }
    times.report("joining");
    Ok(())
}
