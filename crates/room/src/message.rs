mod frame;

use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;
use crate::document::Document;
use crate::id::{ClientId, PersonId, RoomId, Seq};
use crate::limits::MAX_MESSAGE_BYTES;
use crate::operation::{Committed, Op, Rejected};
use crate::value::Value;

/// The version of the protocol that this crate speaks.
pub const PROTOCOL: u32 = 1;

/// What a client sends; one JSON object per text frame, its kind in `t`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClientMessage {
    /// The first message of a connection: enters a room.
    Hello {
        protocol: u32,
        room: RoomId,
        client: ClientId,
        /// Without a name (or with one that is none) the room gives one, "Guest 3".
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The last place in the order that the client knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<Seq>,
    },
    /// Leaves the room and enters another one over the same connection.
    Join {
        room: RoomId,
        client: ClientId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<Seq>,
    },
    /// Leaves the room; the connection stays.
    Leave,
    /// Asks for a change.
    Submit(Op),
    /// Where this person is and what they are doing: lossy, not in history. At most
    /// [`MAX_PRESENCE_BYTES`](crate::limits::MAX_PRESENCE_BYTES).
    Presence { state: Value },
    /// Changes this person's name.
    Rename { name: String },
    /// Asks for a fresh snapshot.
    Resync,
    /// Asks for a [`ServerMessage::Pong`].
    Ping,
}

/// What the server sends; one JSON object per text frame, its kind in `t`. It is read by [`parse`](Self::parse).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The client is in the room (or asked for a resync), and this is the room.
    Welcome(Box<Welcome>),
    /// Operations, durable, in order and without gaps.
    Committed { ops: Vec<Committed> },
    /// Answers the resend of an operation that had been committed at `seq`.
    Acknowledged { n: u64, seq: Seq },
    /// The client's operation was refused and is to be rolled back.
    Rejected(Rejected),
    /// Who came or has a new name (`changed`), who left, and where to, if others may know.
    People {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        changed: Vec<Person>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        left: Vec<PersonId>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        moved: Vec<Moved>,
    },
    /// What people are doing; also comes back to who sent it, who ignores it.
    Presence { people: Vec<Presence> },
    /// Data changed: figures that show one of these entities are to be fetched again.
    Changed { entities: Vec<Entity> },
    /// The checksum of the document at `seq`.
    Checksum { seq: Seq, sum: Checksum },
    /// Something about the connection was wrong.
    Error { code: ErrorCode, message: String },
    /// Answers a ping.
    Pong,
    /// The server closes the connection. Without `retry_after_ms` the client does not come back by itself.
    Closing {
        reason: ClosingReason,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// The state of a room for someone who comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub protocol: u32,
    pub room: RoomId,
    pub you: Person,
    /// Whether this person may change the room.
    pub can_write: bool,
    /// The place in the order that `snapshot` or `tail` leads to.
    pub seq: Seq,
    /// The document at `seq`; absent when `tail` continues what the client resumes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Document>,
    /// The operations after the client's `resume`, up to `seq`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<Committed>,
    /// Everybody in the room, with you.
    pub people: Vec<Person>,
    /// The last presence of those who have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presence: Vec<Presence>,
    /// Of the document at `seq`.
    pub checksum: Checksum,
}

/// Somebody in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: PersonId,
    pub name: String,
    /// The index of the avatar's colour, below [`COLORS`](crate::limits::COLORS).
    pub color: u8,
}

/// Somebody who left for another room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub id: PersonId,
    pub to: RoomId,
}

/// What one person is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub from: PersonId,
    pub state: Value,
}

/// Something with an id whose data can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    pub kind: EntityKind,
    pub id: u64,
}

/// The kinds of [`Entity`], in OpenML's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Data,
    Task,
    Flow,
    Setup,
    Run,
    Study,
    Comment,
    /// A kind of a later version of the protocol.
    #[serde(other)]
    Other,
}

/// What was wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A version of the protocol that the server does not speak: reload the page.
    Protocol,
    /// No JSON, or none of the messages.
    BadMessage,
    /// Longer than its limit.
    TooLarge,
    /// A message that needs a room came before `hello` or after `leave`.
    NotJoined,
    /// The room has as many people as it takes.
    RoomFull,
    /// There is no such page.
    NotFound,
    /// This person may not enter.
    Forbidden,
    /// A name that is none.
    InvalidName,
    /// More messages than the budget; they were dropped.
    SlowDown,
    /// The server failed.
    Internal,
    /// A code of a later version of the protocol.
    #[serde(other)]
    Other,
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingReason {
    /// The server stops or restarts.
    Shutdown,
    /// The same client came in over another connection.
    Replaced,
    /// The client read too slowly.
    TooSlow,
    /// The client broke the protocol or its limits.
    Misbehaved,
    /// The right to be here ended.
    Forbidden,
    /// A reason of a later version of the protocol.
    #[serde(other)]
    Other,
}

/// Why a text is no message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("a message is at most {MAX_MESSAGE_BYTES} bytes long")]
    TooLarge,
    #[error("not a message: {0}")]
    Json(#[from] serde_json::Error),
}

impl MessageError {
    /// The code under which the server reports it.
    pub fn code(&self) -> ErrorCode {
        match self {
            MessageError::TooLarge => ErrorCode::TooLarge,
            MessageError::Json(_) => ErrorCode::BadMessage,
        }
    }
}

impl ClientMessage {
    /// Reads a client's frame.
    ///
    /// # Errors
    /// When it is too long or none of the messages.
    pub fn parse(text: &str) -> Result<ClientMessage, MessageError> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLarge);
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The frame to send.
    ///
    /// # Errors
    /// When it would be longer than a server reads.
    pub fn encode(&self) -> Result<String, MessageError> {
        let text = serde_json::to_string(self)?;
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLarge);
        }
        Ok(text)
    }
}

impl ServerMessage {
    /// Reads a server's frame. A client ignores what it cannot read: a later server may send more kinds.
    ///
    /// # Errors
    /// When it is none of the messages.
    pub fn parse(text: &str) -> Result<ServerMessage, MessageError> {
        frame::parse(text)
    }

    /// The frame to send.
    ///
    /// # Errors
    /// None in practice: every message has a JSON form.
    pub fn encode(&self) -> Result<String, MessageError> {
        Ok(serde_json::to_string(self)?)
    }
}
