//! The live socket: connections on one side, rooms on the other, and the data's changes for all.
//!
//! A room is locked while it handles a message, makes it durable and hands out the answers, so
//! that what goes to one connection keeps its order. Lock order: the table of rooms, then a room;
//! never two rooms.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use axum::extract::{State as Extract, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{SinkExt, StreamExt};
use labboard_room::limits::MAX_MESSAGE_BYTES;
use labboard_room::server::{Access, ConnectionId, Entrance, Outgoing, Recipient, Record, Room, Snapshot};
use labboard_room::{
    ClientId, ClientMessage, ClosingReason, Entity as LiveEntity, EntityKind, ErrorCode, PROTOCOL, RoomId, Seq, ServerMessage,
};
use labboard_store::{Change, StoreError, Topic};
use tokio::sync::{Mutex, mpsc, watch};

use super::headers::origin_allowed;
use super::state::{State, entities_of};
use super::views::PageValidator;
use crate::model::{Entity, Kind};

/// Messages that may wait for one connection. One that falls further behind is closed and resumes.
const QUEUE: usize = 256;
/// How often an idle connection is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A room's log is replaced by a snapshot after this many operations.
const COMPACT_EVERY: u64 = 512;

type Sender = mpsc::Sender<Utf8Bytes>;

/// A room and who hears it.
#[derive(Debug)]
struct Hall {
    room: Room,
    members: HashMap<ConnectionId, Sender>,
}

impl Hall {
    fn deliver(&mut self, outgoing: Vec<Outgoing>) {
        for Outgoing { to, message } in outgoing {
            let Ok(text) = message.encode() else { continue };
            let text = Utf8Bytes::from(text);
            match to {
                Recipient::One(connection) => {
                    if let Some(member) = self.members.get(&connection) {
                        let _ = member.try_send(text);
                    }
                }
                Recipient::All => {
                    // Whoever cannot keep up is dropped here, which closes the connection; it resumes by itself.
                    self.members.retain(|_, member| member.try_send(text.clone()).is_ok());
                }
            }
        }
    }
}

/// All rooms of this server.
#[derive(Debug)]
pub struct Hub {
    rooms: SyncMutex<HashMap<RoomId, Arc<Mutex<Hall>>>>,
    next: AtomicU64,
    closing: watch::Sender<bool>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { rooms: SyncMutex::default(), next: AtomicU64::new(1), closing: watch::channel(false).0 }
    }
}

/// Why a room could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the room's log cannot be read: {0}")]
    Log(String),
}

impl Hub {
    /// Tells all connections that the server stops; they come back when it does.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    fn open_halls(&self) -> Vec<(RoomId, Arc<Mutex<Hall>>)> {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.iter().map(|(id, hall)| (id.clone(), hall.clone())).collect()
    }

    fn known(&self, id: &RoomId) -> Option<Arc<Mutex<Hall>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    async fn hall(&self, state: &State, id: &RoomId) -> Result<Arc<Mutex<Hall>>, RoomError> {
        if let Some(hall) = self.known(id) {
            return Ok(hall);
        }
        let room = restore(state, id).await?;
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let hall = rooms.entry(id.clone()).or_insert_with(|| Arc::new(Mutex::new(Hall { room, members: HashMap::new() })));
        Ok(hall.clone())
    }

    /// The room's last operation and its document, for the page that the server renders.
    ///
    /// # Errors
    /// The room's log cannot be read.
    pub async fn document(&self, state: &State, id: &RoomId) -> Result<(u64, labboard_room::Document), RoomError> {
        match self.known(id) {
            Some(hall) => {
                let hall = hall.lock().await;
                Ok((hall.room.seq().0, hall.room.document().clone()))
            }
            // Looking at a page must not keep its room in memory.
            None => {
                let room = restore(state, id).await?;
                Ok((room.seq().0, room.document().clone()))
            }
        }
    }

    async fn forget_if_idle(&self, id: &RoomId) {
        let Some(hall) = self.known(id) else { return };
        if hall.lock().await.room.is_idle() {
            let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            // Two owners: the table and this function. A third has just come in.
            if Arc::strong_count(&hall) == 2 {
                rooms.remove(id);
            }
        }
    }
}

async fn restore(state: &State, id: &RoomId) -> Result<Room, RoomError> {
    let log = state.store().load_room(id.as_str()).await?;
    let broken = |error: serde_json::Error| RoomError::Log(error.to_string());
    let snapshot = match log.snapshot {
        Some(snapshot) => Some(serde_json::from_str::<Snapshot>(&snapshot.json).map_err(broken)?),
        None => None,
    };
    let records = log.tail.iter().map(|(_, json)| serde_json::from_str::<Record>(json)).collect::<Result<Vec<_>, _>>().map_err(broken)?;
    Room::restore(id.clone(), snapshot, records).map_err(|error| RoomError::Log(error.to_string()))
}

/// Opens the socket, for pages of the own origin only.
pub async fn upgrade(Extract(state): Extract<State>, headers: HeaderMap, socket: WebSocketUpgrade) -> Response {
    if !origin_allowed(&headers, state.config().public_url.as_deref()) {
        return (StatusCode::FORBIDDEN, "the socket is for this server's own pages\n").into_response();
    }
    socket.max_message_size(MAX_MESSAGE_BYTES).on_upgrade(move |socket| serve(state, socket))
}

/// One connection and the room that it is in.
struct Connection {
    state: State,
    id: ConnectionId,
    sender: Sender,
    place: Option<(RoomId, Arc<Mutex<Hall>>)>,
}

async fn serve(state: State, socket: WebSocket) {
    let id = ConnectionId(state.hub().next.fetch_add(1, Ordering::Relaxed));
    let mut closing = state.hub().closing.subscribe();
    let (sender, mut queue) = mpsc::channel::<Utf8Bytes>(QUEUE);
    let (mut sink, mut stream) = socket.split();
    let mut connection = Connection { state, id, sender, place: None };
    let mut ping = tokio::time::interval(PING_EVERY);
    ping.reset();
    loop {
        tokio::select! {
            Some(text) = queue.recv() => {
                if sink.send(Message::Text(text)).await.is_err() {
                    break;
                }
            }
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => connection.receive(&text).await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => break,
            },
            _ = ping.tick() => {
                if sink.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                    break;
                }
            }
            _ = closing.changed() => {
                let goodbye = ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after_ms: Some(500) };
                if let Ok(text) = goodbye.encode() {
                    let _ = sink.send(Message::Text(text.into())).await;
                }
                break;
            }
        }
        if connection.was_dropped().await {
            break;
        }
    }
    connection.leave().await;
    let _ = sink.close().await;
}

impl Connection {
    fn say(&self, message: &ServerMessage) {
        if let Ok(text) = message.encode() {
            let _ = self.sender.try_send(text.into());
        }
    }

    fn refuse(&self, code: ErrorCode, message: impl Into<String>) {
        self.say(&ServerMessage::Error { code, message: message.into() });
    }

    /// Whether the room has given this connection up because it did not keep up.
    async fn was_dropped(&self) -> bool {
        match &self.place {
            Some((_, hall)) => !hall.lock().await.members.contains_key(&self.id),
            None => false,
        }
    }

    async fn receive(&mut self, text: &str) {
        match ClientMessage::parse(text) {
            Ok(ClientMessage::Hello { protocol, .. }) if protocol != PROTOCOL => {
                self.refuse(ErrorCode::Protocol, "this page is of another version: reload it");
            }
            Ok(ClientMessage::Hello { room, client, name, resume, .. }) => self.enter(room, client, name, resume).await,
            Ok(ClientMessage::Join { room, client, resume }) => self.enter(room, client, None, resume).await,
            Ok(ClientMessage::Leave) => self.leave().await,
            Ok(message) => self.handle(message).await,
            Err(error) => self.refuse(error.code(), error.to_string()),
        }
    }

    async fn enter(&mut self, id: RoomId, client: ClientId, name: Option<String>, resume: Option<Seq>) {
        self.leave().await;
        if !super::views::is_room(&id) {
            return self.refuse(ErrorCode::NotFound, format!("there is no page {}", id.page()));
        }
        let hall = match self.state.hub().hall(&self.state, &id).await {
            Ok(hall) => hall,
            Err(error) => {
                tracing::error!(room = id.as_str(), %error, "a room could not be opened");
                return self.refuse(ErrorCode::Internal, "the room could not be opened");
            }
        };
        {
            let mut hall = hall.lock().await;
            hall.members.insert(self.id, self.sender.clone());
            let entrance = Entrance { client, name, resume, access: Access::Write };
            match hall.room.enter(self.id, entrance) {
                Ok(outgoing) => hall.deliver(outgoing),
                Err(refusal) => {
                    hall.members.remove(&self.id);
                    self.say(&refusal);
                    return;
                }
            }
        }
        self.place = Some((id, hall));
    }

    async fn leave(&mut self) {
        let Some((id, hall)) = self.place.take() else { return };
        {
            let mut hall = hall.lock().await;
            hall.members.remove(&self.id);
            let outgoing = hall.room.leave(self.id);
            hall.deliver(outgoing);
        }
        drop(hall);
        self.state.hub().forget_if_idle(&id).await;
    }

    async fn handle(&mut self, message: ClientMessage) {
        let Some((id, hall)) = &self.place else {
            return self.refuse(ErrorCode::NotJoined, "say hello first");
        };
        // What the check needs is read before the room is locked: it may have to come from the disk.
        let validator = match &message {
            ClientMessage::Submit(_) => PageValidator::of(&self.state, id).await,
            _ => PageValidator::none(),
        };
        let mut hall = hall.lock().await;
        let effects = hall.room.handle(self.id, message, &validator);
        hall.deliver(effects.send);
        let Some(last) = effects.persist.last().map(|record| record.seq) else { return };
        let ops = effects.persist.iter().filter_map(|record| Some((record.seq.0, serde_json::to_string(record).ok()?))).collect::<Vec<_>>();
        let outgoing = match self.state.store().append_ops(id.as_str(), &ops).await {
            Ok(()) => hall.room.commit(last),
            Err(error) => {
                tracing::error!(room = id.as_str(), %error, "an operation could not be made durable");
                hall.room.abort("the server could not save the change")
            }
        };
        hall.deliver(outgoing);
        if last.0 % COMPACT_EVERY == 0
            && let Ok(snapshot) = serde_json::to_string(&hall.room.snapshot())
            && let Err(error) = self.state.store().compact_room(id.as_str(), last.0, &snapshot).await
        {
            tracing::warn!(room = id.as_str(), %error, "a room's log could not be compacted");
        }
    }
}

/// Passes the store's changes on to the rooms whose pages show them.
pub fn follow_changes(state: &State) {
    let mut changes = state.store().subscribe();
    // The store closes the channel when the last state is gone, and this task must not keep it.
    let state = state.downgrade();
    tokio::spawn(async move {
        loop {
            let change = match changes.recv().await {
                Ok(change) => change,
                Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "changes came faster than they could be passed on");
                    continue;
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            };
            let Some(state) = state.upgrade() else { return };
            let entities = entities_of(&change);
            for (id, hall) in state.hub().open_halls() {
                let shown = shown_on(id.page(), &entities, &change);
                if !shown.is_empty() {
                    let mut hall = hall.lock().await;
                    let outgoing = hall.room.data_changed(shown);
                    hall.deliver(outgoing);
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
