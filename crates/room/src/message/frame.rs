//! Reading a server's frame: first its kind, then the rest as that kind.
//!
//! serde's own way to a tag inside an object keeps the whole message in a form of its own, whose code is a thirtieth of the browser build.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ClosingReason, Entity, ErrorCode, MessageError, Moved, Person, Presence, ServerMessage};
use crate::checksum::Checksum;
use crate::id::{PersonId, Seq};
use crate::key::Key;
use crate::operation::{Committed, Rejected, Rejection, RejectionCode};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Welcome,
    Committed,
    Acknowledged,
    Rejected,
    People,
    Presence,
    Changed,
    Checksum,
    Error,
    Pong,
    Closing,
}

#[derive(Deserialize)]
struct Tagged {
    t: Kind,
}

#[derive(Deserialize)]
struct Operations {
    ops: Vec<Committed>,
}

#[derive(Deserialize)]
struct Place {
    n: u64,
    seq: Seq,
}

#[derive(Deserialize)]
struct Refused {
    n: u64,
    code: RejectionCode,
    reason: String,
    key: Option<Key>,
}

#[derive(Deserialize)]
struct Arrivals {
    #[serde(default)]
    changed: Vec<Person>,
    #[serde(default)]
    left: Vec<PersonId>,
    #[serde(default)]
    moved: Vec<Moved>,
}

#[derive(Deserialize)]
struct Doings {
    people: Vec<Presence>,
}

#[derive(Deserialize)]
struct Entities {
    entities: Vec<Entity>,
}

#[derive(Deserialize)]
struct Sum {
    seq: Seq,
    sum: Checksum,
}

#[derive(Deserialize)]
struct Problem {
    code: ErrorCode,
    message: String,
}

#[derive(Deserialize)]
struct Goodbye {
    reason: ClosingReason,
    retry_after_ms: Option<u64>,
}

pub(super) fn parse(text: &str) -> Result<ServerMessage, MessageError> {
    fn read<T: DeserializeOwned>(text: &str) -> Result<T, MessageError> {
        Ok(serde_json::from_str(text)?)
    }
    Ok(match read::<Tagged>(text)?.t {
        Kind::Welcome => ServerMessage::Welcome(read(text)?),
        Kind::Committed => {
            let Operations { ops } = read(text)?;
            ServerMessage::Committed { ops }
        }
        Kind::Acknowledged => {
            let Place { n, seq } = read(text)?;
            ServerMessage::Acknowledged { n, seq }
        }
        Kind::Rejected => {
            let Refused { n, code, reason, key } = read(text)?;
            ServerMessage::Rejected(Rejected { n, rejection: Rejection { code, reason, key } })
        }
        Kind::People => {
            let Arrivals { changed, left, moved } = read(text)?;
            ServerMessage::People { changed, left, moved }
        }
        Kind::Presence => {
            let Doings { people } = read(text)?;
            ServerMessage::Presence { people }
        }
        Kind::Changed => {
            let Entities { entities } = read(text)?;
            ServerMessage::Changed { entities }
        }
        Kind::Checksum => {
            let Sum { seq, sum } = read(text)?;
            ServerMessage::Checksum { seq, sum }
        }
        Kind::Error => {
            let Problem { code, message } = read(text)?;
            ServerMessage::Error { code, message }
        }
        Kind::Pong => ServerMessage::Pong,
        Kind::Closing => {
            let Goodbye { reason, retry_after_ms } = read(text)?;
            ServerMessage::Closing { reason, retry_after_ms }
        }
    })
}
