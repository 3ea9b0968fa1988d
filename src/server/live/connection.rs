//! One connection: reads what a client says, within its limits, and writes what its mailbox has.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures::stream::SplitSink;
use futures::{SinkExt, StreamExt};
use labboard_room::limits::{BURST_SECONDS, MAX_MESSAGE_BYTES, MESSAGES_PER_SECOND, PRESENCE_PER_SECOND, SUBMITS_PER_SECOND};
use labboard_room::server::{Access, ConnectionId, Entrance};
use labboard_room::{
    ClientId, ClientMessage, ClosingReason, ErrorCode, MessageError, Op, PROTOCOL, Rejected, Rejection, RejectionCode, RoomId, Seq,
    ServerMessage, Value,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::budget::Budget;
use super::mailbox::{Mailbox, Next};
use super::owner::Command;
use crate::server::state::State;
use crate::server::views::{PageValidator, has_room};

/// How often an idle connection is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Who has said nothing for this long, not even to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(50);
/// How long a client may take to read what is sent to it.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How long the end of a connection may take.
const PARTING: Duration = Duration::from_secs(3);
/// A text of a client beyond this ends the connection before it is read; up to here it is refused with a reason.
pub const MOST_READ: usize = 4 * MAX_MESSAGE_BYTES;
/// Messages over its budget after which a client is sent away.
const PATIENCE: u32 = MESSAGES_PER_SECOND * BURST_SECONDS;

type Sink = SplitSink<WebSocket, Message>;

/// The connection is over.
#[derive(Debug)]
struct Over;

struct Connection {
    state: State,
    id: ConnectionId,
    mailbox: Arc<Mailbox>,
    place: Option<(RoomId, mpsc::Sender<Command>)>,
    /// What the person is called, also in the next room.
    name: Option<String>,
    messages: Budget,
    submits: Budget,
    presence: Budget,
    /// The latest presence that the budget did not allow yet.
    late: Option<Value>,
    dropped: u32,
}

/// Serves a socket to its end.
pub async fn serve(state: State, socket: WebSocket) {
    let id = ConnectionId(state.hub().next.fetch_add(1, Ordering::Relaxed));
    let mut closing = state.hub().closing.subscribe();
    let (mut sink, mut stream) = socket.split();
    let now = Instant::now();
    let mut connection = Connection {
        state,
        id,
        mailbox: Arc::default(),
        place: None,
        name: None,
        messages: Budget::new(MESSAGES_PER_SECOND, BURST_SECONDS, now),
        submits: Budget::new(SUBMITS_PER_SECOND, BURST_SECONDS, now),
        presence: Budget::new(PRESENCE_PER_SECOND, 1, now),
        late: None,
        dropped: 0,
    };
    let mailbox = connection.mailbox.clone();
    let mut ping = tokio::time::interval(PING_EVERY);
    ping.reset();
    let mut heard = now;
    loop {
        let done = tokio::select! {
            next = mailbox.next() => connection.forward(next, &mut sink).await,
            message = stream.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => connection.receive(&text).await,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                    Some(Ok(Message::Binary(_))) => {
                        connection.refuse(ErrorCode::BadMessage, "messages are JSON in text frames");
                        Ok(())
                    }
                    Some(Err(_)) => {
                        let reason = format!("messages are UTF-8 text of at most {MAX_MESSAGE_BYTES} bytes");
                        let close = CloseFrame { code: close_code::POLICY, reason: reason.into() };
                        // Nobody hears it if the connection is what failed.
                        let _ = write(&mut sink, [Message::Close(Some(close))]).await;
                        Err(Over)
                    }
                    Some(Ok(Message::Close(_))) | None => Err(Over),
                }
            }
            () = tokio::time::sleep_until(connection.presence.next()), if connection.late.is_some() => connection.present_late().await,
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE { Err(Over) } else { write(&mut sink, [Message::Ping(bytes::Bytes::new())]).await }
            }
            _ = closing.changed() => {
                connection.part(ClosingReason::Shutdown, Some(500));
                Ok(())
            }
        };
        if done.is_err() {
            break;
        }
    }
    connection.leave(None).await;
    let end = async {
        let _ = sink.close().await;
        // Were something left unread, the system would throw away what has just been sent.
        while let Some(Ok(_)) = stream.next().await {}
    };
    let _ = tokio::time::timeout(PARTING, end).await;
}

async fn write(sink: &mut Sink, messages: impl IntoIterator<Item = Message>) -> Result<(), Over> {
    let all = async {
        for message in messages {
            sink.feed(message).await?;
        }
        sink.flush().await
    };
    match tokio::time::timeout(WRITE_WITHIN, all).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Over),
    }
}

impl Connection {
    async fn forward(&mut self, next: Next, sink: &mut Sink) -> Result<(), Over> {
        match next {
            Next::Send(texts) => write(sink, texts.into_iter().map(Message::Text)).await,
            Next::Resync => self.pass_on(ClientMessage::Resync, PageValidator::none()).await,
            Next::Presence => self.tell(Command::Presence(self.id)).await,
            Next::Close => Err(Over),
        }
    }

    fn say(&self, message: &ServerMessage) {
        if let Ok(text) = message.encode() {
            self.mailbox.push(text.into());
        }
    }

    fn part(&self, reason: ClosingReason, retry_after_ms: Option<u64>) {
        match (ServerMessage::Closing { reason, retry_after_ms }).encode() {
            Ok(text) => self.mailbox.finish(text.into()),
            Err(_) => self.mailbox.close(),
        }
    }

    fn refuse(&self, code: ErrorCode, message: impl Into<String>) {
        self.say(&ServerMessage::Error { code, message: message.into() });
    }

    fn reject(&self, op: &Op, reason: String) {
        let rejection = Rejection::new(RejectionCode::Limit, reason);
        self.say(&ServerMessage::Rejected(Rejected { n: op.n, rejection }));
    }

    async fn receive(&mut self, text: &Utf8Bytes) -> Result<(), Over> {
        let message = ClientMessage::parse(text);
        if !self.messages.take(Instant::now()) {
            self.drop_message(message);
            return Ok(());
        }
        match message {
            Ok(ClientMessage::Hello { protocol, .. }) if protocol != PROTOCOL => {
                self.refuse(ErrorCode::Protocol, "this page is of another version: reload it");
            }
            Ok(ClientMessage::Hello { room, client, name, resume, .. }) => {
                self.name = name;
                self.enter(room, client, resume).await;
            }
            Ok(ClientMessage::Join { room, client, resume }) => self.enter(room, client, resume).await,
            Ok(ClientMessage::Rename { name }) => {
                self.name = Some(name.clone());
                return self.pass_on(ClientMessage::Rename { name }, PageValidator::none()).await;
            }
            Ok(ClientMessage::Leave) => self.leave(None).await,
            Ok(ClientMessage::Submit(op)) => return self.submit(op).await,
            Ok(ClientMessage::Presence { state }) => {
                if self.presence.take(Instant::now()) {
                    self.late = None;
                    return self.pass_on(ClientMessage::Presence { state }, PageValidator::none()).await;
                }
                // Only the last one matters, and that one arrives.
                self.late = Some(state);
            }
            Ok(message) => return self.pass_on(message, PageValidator::none()).await,
            Err(error) => self.refuse(error.code(), error.to_string()),
        }
        Ok(())
    }

    /// A message over the budget. An operation gets its answer all the same, so that the client takes it back.
    fn drop_message(&mut self, message: Result<ClientMessage, MessageError>) {
        if self.dropped == 0 {
            let often = format!("at most {MESSAGES_PER_SECOND} messages a second; some were dropped");
            self.refuse(ErrorCode::SlowDown, often);
        }
        self.dropped += 1;
        if let Ok(ClientMessage::Submit(op)) = &message {
            self.reject(op, format!("at most {MESSAGES_PER_SECOND} messages a second"));
        }
        if self.dropped > PATIENCE {
            self.part(ClosingReason::Misbehaved, None);
        }
    }

    async fn submit(&mut self, op: Op) -> Result<(), Over> {
        if !self.submits.take(Instant::now()) {
            self.reject(&op, format!("at most {SUBMITS_PER_SECOND} changes a second"));
            return Ok(());
        }
        // What the check needs is read before the room has the message: it may have to come from the disk.
        let validator = match &self.place {
            Some((id, _)) => PageValidator::of(&self.state, id).await,
            None => PageValidator::none(),
        };
        self.pass_on(ClientMessage::Submit(op), validator).await
    }

    async fn present_late(&mut self) -> Result<(), Over> {
        if !self.presence.take(Instant::now()) {
            return Ok(());
        }
        match self.late.take() {
            Some(state) => self.pass_on(ClientMessage::Presence { state }, PageValidator::none()).await,
            None => Ok(()),
        }
    }

    async fn enter(&mut self, id: RoomId, client: ClientId, resume: Option<Seq>) {
        let is_there = has_room(&self.state, &id).await;
        // Nobody is led to a page that is not there.
        self.leave(matches!(is_there, Ok(true)).then(|| id.clone())).await;
        match is_there {
            Ok(true) => {}
            Ok(false) => return self.refuse(ErrorCode::NotFound, format!("there is no page {}", id.page())),
            Err(error) => return self.refuse(ErrorCode::Internal, error.to_string()),
        }
        let mut command = Command::Enter {
            connection: self.id,
            mailbox: self.mailbox.clone(),
            entrance: Entrance { client, name: self.name.clone(), resume, access: Access::Write },
        };
        loop {
            let owner = match self.state.hub().owner(&self.state, &id).await {
                Ok(owner) => owner,
                Err(error) => {
                    tracing::error!(room = id.as_str(), %error, "a room could not be opened");
                    return self.refuse(ErrorCode::Internal, "the room could not be opened");
                }
            };
            match owner.send(command).await {
                Ok(()) => {
                    self.place = Some((id, owner));
                    return;
                }
                // It has just been put away.
                Err(mpsc::error::SendError(unsent)) => command = unsent,
            }
        }
    }

    async fn leave(&mut self, to: Option<RoomId>) {
        self.late = None;
        if let Some((_, owner)) = self.place.take() {
            let (left, done) = oneshot::channel();
            if owner.send(Command::Leave { connection: self.id, to, left }).await.is_ok() {
                // An owner that is gone says nothing any more either.
                let _ = done.await;
            }
        }
    }

    async fn pass_on(&mut self, message: ClientMessage, validator: PageValidator) -> Result<(), Over> {
        self.tell(Command::Message { connection: self.id, message, validator }).await
    }

    async fn tell(&mut self, command: Command) -> Result<(), Over> {
        let Some((_, owner)) = &self.place else {
            self.refuse(ErrorCode::NotJoined, "say hello first");
            return Ok(());
        };
        // A room that is gone was lost; the client comes back to it anew.
        owner.send(command).await.map_err(|_| Over)
    }
}
