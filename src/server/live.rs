//! The live socket: connections on one side, rooms on the other, and the data's changes for all.
//!
//! Each connection is a task with a mailbox, each open room a task, its owner. Connections send commands to owners,
//! owners put messages into mailboxes; neither waits for a slow other.

mod budget;
mod changes;
mod claim;
mod connection;
mod mailbox;
mod owner;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::extract::{State as Extract, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use labboard_room::limits::TAIL;
use labboard_room::server::{Record, Room, Snapshot};
use labboard_room::{Document, Entity, RoomId};
use labboard_store::{Store, StoreError};
use tokio::sync::{OnceCell, mpsc, oneshot, watch};

pub use changes::follow_changes;

use super::headers::origin_allowed;
use super::state::State;
use claim::{Claims, OneServer};
use owner::{Command, Owner, QUEUE};

/// Bytes that a connection reads at once, and gathers before it writes: most of them are idle, and there may be thousands.
const SOCKET_BUFFER: usize = 4 << 10;
/// Bytes that may wait in a socket which does not take them.
const MOST_UNWRITTEN: usize = 32 << 20;

type Table = Mutex<HashMap<RoomId, Arc<OnceCell<mpsc::Sender<Command>>>>>;

/// All rooms of this server.
#[derive(Debug)]
pub struct Hub {
    rooms: Arc<Table>,
    claims: Box<dyn Claims>,
    next: AtomicU64,
    closing: watch::Sender<bool>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { rooms: Arc::default(), claims: Box::new(OneServer), next: AtomicU64::new(1), closing: watch::channel(false).0 }
    }
}

/// Why a room could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the room's log cannot be read: {0}")]
    Log(String),
    #[error("the room is on another server, {0}")]
    Elsewhere(String),
}

impl Hub {
    /// Tells all connections that the server stops; they come back when it does.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    fn open_rooms(&self) -> Vec<(RoomId, mpsc::Sender<Command>)> {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.iter().filter_map(|(id, owner)| Some((id.clone(), owner.get()?.clone()))).collect()
    }

    fn known(&self, id: &RoomId) -> Option<mpsc::Sender<Command>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).get(id)?.get().cloned()
    }

    /// The room's owner; the room is opened if it is not. Many who ask at once wait for one.
    async fn owner(&self, state: &State, id: &RoomId) -> Result<mpsc::Sender<Command>, RoomError> {
        let cell = {
            let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            // An owner that broke down could not take itself off.
            if rooms.get(id).and_then(|cell| cell.get()).is_some_and(mpsc::Sender::is_closed) {
                rooms.remove(id);
            }
            rooms.entry(id.clone()).or_default().clone()
        };
        let opened = cell.get_or_try_init(|| self.open(state.store(), id)).await;
        opened.cloned().inspect_err(|_| {
            let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            // Two have it, the table and this call: nobody else is opening the room.
            if rooms.get(id).is_some_and(|known| Arc::ptr_eq(known, &cell) && Arc::strong_count(&cell) == 2) {
                rooms.remove(id);
            }
        })
    }

    async fn open(&self, store: &Store, id: &RoomId) -> Result<mpsc::Sender<Command>, RoomError> {
        let claim = self.claims.claim(id).map_err(RoomError::Elsewhere)?;
        let room = restore(store, id, TAIL as u64).await?;
        let (sender, commands) = mpsc::channel(QUEUE);
        let retire = retire(Arc::downgrade(&self.rooms), id.clone(), sender.downgrade());
        tokio::spawn(Owner::new(room, store.clone(), retire, claim).run(commands));
        Ok(sender)
    }

    /// Tells everybody on a page's room that something changed there.
    pub async fn tell_changed(&self, id: &RoomId, entity: Entity) {
        if let Some(owner) = self.known(id) {
            let _ = owner.send(Command::Changed(vec![entity])).await;
        }
    }

    /// The room's last operation and its document, for the page that the server renders.
    ///
    /// # Errors
    /// The room's log cannot be read.
    pub async fn document(&self, store: &Store, id: &RoomId) -> Result<(u64, Document), RoomError> {
        if let Some(owner) = self.known(id) {
            let (answer, document) = oneshot::channel();
            if owner.send(Command::Look(answer)).await.is_ok()
                && let Ok((seq, document)) = document.await
            {
                return Ok((seq.0, document));
            }
        }
        // Looking at a page must not keep its room in memory.
        let room = restore(store, id, 0).await?;
        Ok((room.seq().0, room.document().clone()))
    }
}

/// Takes a room off the table, if it is still that of this owner.
fn retire(rooms: Weak<Table>, id: RoomId, own: mpsc::WeakSender<Command>) -> owner::Retire {
    Box::new(move |may| {
        let Some(rooms) = rooms.upgrade() else { return true };
        let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let may = may();
        let is_own = |known: &mpsc::Sender<Command>| own.upgrade().is_some_and(|own| own.same_channel(known));
        if may && rooms.get(&id).and_then(|cell| cell.get()).is_some_and(is_own) {
            rooms.remove(&id);
        }
        may
    })
}

/// The room as its log has it, with so many operations from before its snapshot for who resumes.
async fn restore(store: &Store, id: &RoomId, before: u64) -> Result<Room, RoomError> {
    let log = store.load_room(id.as_str(), before).await?;
    let broken = |error: serde_json::Error| RoomError::Log(error.to_string());
    let snapshot = match log.snapshot {
        Some(snapshot) => Some(serde_json::from_str::<Snapshot>(&snapshot.json).map_err(broken)?),
        None => None,
    };
    let records = log.tail.iter().map(|op| serde_json::from_str::<Record>(&op.json)).collect::<Result<Vec<_>, _>>().map_err(broken)?;
    Room::restore(id.clone(), snapshot, records).map_err(|error| RoomError::Log(error.to_string()))
}

/// Opens the socket, for pages of the own origin only.
pub async fn upgrade(Extract(state): Extract<State>, headers: HeaderMap, socket: WebSocketUpgrade) -> Response {
    if !origin_allowed(&headers, state.config().public_url.as_deref()) {
        return (StatusCode::FORBIDDEN, "the socket is for this server's own pages\n").into_response();
    }
    socket
        .max_message_size(connection::MOST_READ)
        .max_frame_size(connection::MOST_READ)
        .read_buffer_size(SOCKET_BUFFER)
        .write_buffer_size(SOCKET_BUFFER)
        .max_write_buffer_size(MOST_UNWRITTEN)
        .on_upgrade(move |socket| connection::serve(state, socket))
}
