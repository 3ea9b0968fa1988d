//! The owner of one room: a task that takes what its people say, batch by batch, makes it durable and hands it out.
//!
//! While one batch is being written, the next one gathers, so a room that is busy takes fewer and larger transactions.
//! The owner never waits for a connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use labboard_room::server::{ConnectionId, Entrance, Outbox, Outgoing, Recipient, Record, Room};
use labboard_room::{ClientMessage, ClosingReason, Document, Entity, RoomId, Seq, ServerMessage};
use labboard_store::{LoggedOp, Snapshot, Store, StoreError, now_ms};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::claim::Claim;
use super::mailbox::Mailbox;
use crate::server::views::PageValidator;

/// Commands that may wait for an owner; then whoever has more waits.
pub const QUEUE: usize = 1024;
/// Commands that one batch takes.
const BATCH: usize = 512;
/// A snapshot is taken after this many operations.
const SNAPSHOT_EVERY: u64 = 512;
/// The shortest pause between two rounds of presence.
const PRESENCE_EVERY: Duration = Duration::from_millis(33);
/// What one person more adds to it: a full room hears of pointers five times a second.
const PRESENCE_PER_PERSON: Duration = Duration::from_micros(200);
/// How long a room stays in memory when nobody is there.
const LINGER: Duration = Duration::from_secs(30);

/// What an owner is told.
#[derive(Debug)]
pub enum Command {
    Enter {
        connection: ConnectionId,
        mailbox: Arc<Mailbox>,
        entrance: Entrance,
    },
    /// `left` is answered when nothing of this room comes any more: what follows is the next room's.
    Leave {
        connection: ConnectionId,
        to: Option<RoomId>,
        left: oneshot::Sender<()>,
    },
    /// The validator belongs to the message: what it has to read was read outside of the room.
    Message {
        connection: ConnectionId,
        message: ClientMessage,
        validator: PageValidator,
    },
    /// The connection missed some of it.
    Presence(ConnectionId),
    Changed(Vec<Entity>),
    Look(oneshot::Sender<(Seq, Document)>),
}

/// Takes an owner's room off the table of rooms; only if this says so, which is asked while nobody can look at the table.
pub type Retire = Box<dyn Fn(&dyn Fn() -> bool) -> bool + Send + Sync>;

pub struct Owner {
    room: Room,
    members: HashMap<ConnectionId, Arc<Mailbox>>,
    store: Store,
    retire: Retire,
    claim: Box<dyn Claim>,
    /// Where the last snapshot was taken.
    snapshot: Seq,
    now: Outbox,
    /// Who is here and what they do: everybody hears of it now and then.
    later: Outbox,
    next_later: Instant,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").field("room", self.room.id()).field("members", &self.members.len()).finish_non_exhaustive()
    }
}

/// The room could not go on: it is built anew from its log.
#[derive(Debug)]
struct Lost;

impl Owner {
    pub fn new(room: Room, store: Store, retire: Retire, claim: Box<dyn Claim>) -> Self {
        Self {
            snapshot: room.seq(),
            room,
            members: HashMap::new(),
            store,
            retire,
            claim,
            now: Outbox::new(),
            later: Outbox::new(),
            next_later: Instant::now(),
        }
    }

    /// Runs until nobody can say anything any more, or nobody is there for a while.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut batch = Vec::new();
        let mut since = Instant::now();
        loop {
            let (has_news, is_idle) = (!self.later.is_empty(), self.room.is_idle());
            tokio::select! {
                taken = commands.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        break;
                    }
                    since = Instant::now();
                }
                () = tokio::time::sleep_until(self.next_later), if has_news => {}
                () = tokio::time::sleep_until(since + LINGER), if is_idle => {
                    self.snapshot().await;
                    // Somebody may just have come.
                    if (self.retire)(&|| commands.is_empty()) {
                        break;
                    }
                    since = Instant::now();
                }
            }
            if self.take(&mut batch).await.is_err() {
                (self.retire)(&|| true);
                break;
            }
        }
        // Whoever is still here, or came too late, comes back to a room that was read anew.
        drop(self.claim);
        commands.close();
        while let Some(command) = commands.recv().await {
            if let Command::Enter { mailbox, .. } = command {
                mailbox.close();
            }
        }
        self.members.values().for_each(|mailbox| mailbox.close());
    }

    async fn take(&mut self, batch: &mut Vec<Command>) -> Result<(), Lost> {
        let mut records = Vec::new();
        for command in batch.drain(..) {
            self.handle(command, &mut records);
        }
        self.flush();
        if !records.is_empty() {
            self.persist(&records).await?;
            self.flush();
            if self.room.seq().0 >= self.snapshot.0 + SNAPSHOT_EVERY {
                self.snapshot().await;
            }
        }
        if !self.later.is_empty() && Instant::now() >= self.next_later {
            let pause = PRESENCE_EVERY.max(PRESENCE_PER_PERSON * u32::try_from(self.members.len()).unwrap_or(u32::MAX));
            self.next_later = Instant::now() + pause;
            let outgoing = self.later.take();
            self.deliver(outgoing);
        }
        Ok(())
    }

    fn handle(&mut self, command: Command, records: &mut Vec<(Record, String)>) {
        match command {
            Command::Enter { connection, mailbox, entrance } => {
                self.members.insert(connection, mailbox);
                match self.room.enter(connection, entrance) {
                    Ok(outgoing) => self.post(outgoing),
                    Err(refusal) => {
                        self.deliver(vec![Outgoing { to: Recipient::One(connection), message: refusal }]);
                        self.members.remove(&connection);
                    }
                }
            }
            Command::Leave { connection, to, left } => {
                self.members.remove(&connection);
                let outgoing = match to {
                    Some(to) => self.room.move_on(connection, &to),
                    None => self.room.leave(connection),
                };
                self.post(outgoing);
                let _ = left.send(());
            }
            Command::Message { connection, message, validator } => {
                let effects = self.room.handle(connection, message, &validator);
                // Who wrote may be gone when it is written.
                records.extend(effects.persist.into_iter().map(|record| {
                    let author = self.room.author(&record).to_owned();
                    (record, author)
                }));
                self.post(effects.send);
            }
            Command::Presence(connection) => {
                let people = self.room.presence();
                self.post(vec![Outgoing { to: Recipient::One(connection), message: ServerMessage::Presence { people } }]);
            }
            Command::Changed(entities) => {
                let outgoing = self.room.data_changed(entities);
                self.post(outgoing);
            }
            // Who asked may have gone.
            Command::Look(answer) => drop(answer.send((self.room.seq(), self.room.document().clone()))),
        }
    }

    fn post(&mut self, outgoing: Vec<Outgoing>) {
        for outgoing in outgoing {
            let can_wait = matches!(outgoing.message, ServerMessage::People { .. } | ServerMessage::Presence { .. });
            let outbox = if can_wait && outgoing.to == Recipient::All { &mut self.later } else { &mut self.now };
            outbox.push(outgoing);
        }
    }

    fn flush(&mut self) {
        let outgoing = self.now.take();
        self.deliver(outgoing);
    }

    fn deliver(&mut self, outgoing: Vec<Outgoing>) {
        for Outgoing { to, message } in outgoing {
            let Ok(text) = message.encode() else { continue };
            let text = Utf8Bytes::from(text);
            match to {
                Recipient::One(connection) => {
                    let Some(mailbox) = self.members.get(&connection) else { continue };
                    match message {
                        ServerMessage::Welcome(_) => mailbox.renew(text),
                        ServerMessage::Closing { reason: ClosingReason::Replaced, .. } => {
                            mailbox.finish(text);
                            self.members.remove(&connection);
                        }
                        _ => mailbox.push(text),
                    }
                }
                Recipient::All if matches!(message, ServerMessage::Presence { .. }) => {
                    self.members.values().for_each(|mailbox| mailbox.push_presence(text.clone()));
                }
                Recipient::All => self.members.values().for_each(|mailbox| mailbox.push(text.clone())),
            }
        }
    }

    /// Makes operations durable and says so to everybody.
    async fn persist(&mut self, records: &[(Record, String)]) -> Result<(), Lost> {
        let Some(last) = records.last().map(|(record, _)| record.seq) else { return Ok(()) };
        let outgoing = match self.append(records).await {
            Ok(()) => self.room.commit(last),
            Err(error) => {
                let room = self.room.id().as_str();
                tracing::error!(room, %error, "operations could not be made durable");
                // Only when the log surely has none of them may they be taken back.
                match self.store.last_op(room).await {
                    Ok(seq) if seq == self.room.seq().0 => self.room.abort("the server could not save the change"),
                    _ => return Err(Lost),
                }
            }
        };
        self.post(outgoing);
        Ok(())
    }

    async fn append(&self, records: &[(Record, String)]) -> Result<(), StoreError> {
        let at_ms = now_ms();
        let mut ops = Vec::with_capacity(records.len());
        for (record, author) in records {
            let json = serde_json::to_string(record).map_err(|error| StoreError::Invalid(error.to_string()))?;
            ops.push(LoggedOp { seq: record.seq.0, json, at_ms, author: author.clone() });
        }
        self.store.append_ops(self.room.id().as_str(), &ops).await
    }

    /// Saves the room's state, so that it is soon there again.
    async fn snapshot(&mut self) {
        if self.room.seq() == self.snapshot {
            return;
        }
        let (Ok(json), document) = (serde_json::to_string(&self.room.snapshot()), self.room.document().canonical()) else { return };
        let snapshot = Snapshot { seq: self.room.seq().0, json };
        match self.store.snapshot_room(self.room.id().as_str(), &snapshot, &document, now_ms()).await {
            Ok(()) => self.snapshot = self.room.seq(),
            Err(error) => tracing::warn!(room = self.room.id().as_str(), %error, "a room's state could not be saved"),
        }
    }
}
