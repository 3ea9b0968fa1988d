use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_CLIENT_ID_BYTES, MAX_NAME_CHARS, MAX_ROOM_BYTES};

/// A place in a room's total order. The first operation has 1; 0 is the empty room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Someone in a room, as the others see them. The room assigns it, and gives the same one to a client that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub u64);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a string is no [`RoomId`] or [`ClientId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("a room is a page's path such as `/data/5`, or `/data/5#name` for a private room")]
    Room,
    #[error("a client id is 1 to {MAX_CLIENT_ID_BYTES} characters of A-Z, a-z, 0-9, `_` and `-`")]
    Client,
}

/// One open page of one person: the secret by which a room recognises a client that comes back.
///
/// Invariant: 1 to [`MAX_CLIENT_ID_BYTES`] characters of `[A-Za-z0-9_-]`. Take 128 random bits, fresh for every
/// [`Replica`](crate::client::Replica) and kept in memory only: a duplicated tab copies the session storage, and two
/// clients with one id would take each other for a resend. It never travels to other clients.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientId {
    /// Only the beginning: it is a secret and must not end up in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({}..)", self.0.get(..4).unwrap_or(""))
    }
}

impl TryFrom<String> for ClientId {
    type Error = IdError;

    fn try_from(text: String) -> Result<ClientId, IdError> {
        let length = 1..=MAX_CLIENT_ID_BYTES;
        if length.contains(&text.len()) && text.bytes().all(word) { Ok(ClientId(text)) } else { Err(IdError::Client) }
    }
}

impl FromStr for ClientId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<ClientId, IdError> {
        ClientId::try_from(text.to_owned())
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> String {
        id.0
    }
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// A page, and perhaps the name of a private room on it: `/data/5` or `/data/5#team-a`.
///
/// Invariant: the page starts with `/` and consists of printable ASCII without `#`; the name is 1 to
/// [`MAX_NAME_CHARS`] characters of `[A-Za-z0-9_-]`; at most [`MAX_ROOM_BYTES`] bytes together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomId(String);

impl RoomId {
    /// The room of a page, or with a name a private one on the same page.
    ///
    /// # Errors
    /// When the page or the name has another form.
    pub fn new(page: &str, name: Option<&str>) -> Result<RoomId, IdError> {
        match name {
            None => RoomId::try_from(page.to_owned()),
            Some(name) => RoomId::try_from(format!("{page}#{name}")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn page(&self) -> &str {
        self.0.split_once('#').map_or(self.0.as_str(), |(page, _)| page)
    }

    /// The private room's name, `None` for the room that everyone on the page shares.
    pub fn name(&self) -> Option<&str> {
        self.0.split_once('#').map(|(_, name)| name)
    }
}

impl TryFrom<String> for RoomId {
    type Error = IdError;

    fn try_from(text: String) -> Result<RoomId, IdError> {
        let (page, name) = match text.split_once('#') {
            Some((page, name)) => (page, Some(name)),
            None => (text.as_str(), None),
        };
        let page_fits = text.len() <= MAX_ROOM_BYTES && page.starts_with('/') && page.bytes().all(|b| b.is_ascii_graphic());
        let name_fits = name.is_none_or(|name| (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(word));
        if page_fits && name_fits { Ok(RoomId(text)) } else { Err(IdError::Room) }
    }
}

impl FromStr for RoomId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<RoomId, IdError> {
        RoomId::try_from(text.to_owned())
    }
}

impl From<RoomId> for String {
    fn from(room: RoomId) -> String {
        room.0
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_a_page_and_perhaps_a_name() {
        let room = RoomId::new("/data/5", None).expect("a page");
        assert_eq!((room.page(), room.name()), ("/data/5", None));
        let room = RoomId::new("/compare?runs=1,2", Some("team-a")).expect("a private room");
        assert_eq!((room.page(), room.name()), ("/compare?runs=1,2", Some("team-a")));
        assert_eq!(room.as_str().parse(), Ok(room.clone()));
    }

    #[test]
    fn refuses_other_rooms() {
        for text in ["", "data/5", "/a b", "/a#", "/a#b#c", "/a#b c", "/\u{e4}", "/a\n"] {
            assert_eq!(text.parse::<RoomId>(), Err(IdError::Room), "{text:?}");
        }
        assert!(format!("/{}", "a".repeat(MAX_ROOM_BYTES)).parse::<RoomId>().is_err());
    }

    #[test]
    fn a_client_id_stays_out_of_logs() {
        let id: ClientId = "0123456789abcdef".parse().expect("a client id");
        assert_eq!(format!("{id:?}"), "ClientId(0123..)");
        assert!("".parse::<ClientId>().is_err());
        assert!("a b".parse::<ClientId>().is_err());
    }
}
