//! Connections with two ends that break at different times.

use std::collections::VecDeque;

use labboard_room::server::ConnectionId;
use labboard_room::{ClientMessage, ServerMessage};

use crate::checks::number;

/// What an altered property becomes.
pub const ALTERED: i64 = -2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    /// As TCP: what arrives is what was sent, in order, up to where the connection breaks.
    Honest,
    /// Loses single messages to clients inside of a connection.
    Losing,
    /// Changes values in messages to clients.
    Altering,
}

/// A message to a client.
#[derive(Clone, Debug)]
pub struct Frame {
    pub message: ServerMessage,
    pub is_altered: bool,
}

#[derive(Debug)]
pub struct Connection {
    pub id: ConnectionId,
    pub who: usize,
    pub up: VecDeque<ClientMessage>,
    pub down: VecDeque<Frame>,
    /// Whether the client still holds its end.
    pub client_holds: bool,
    pub server_holds: bool,
    /// The next operations to arrive at the client are lost or changed.
    pub is_tampered_with: bool,
}

impl Connection {
    pub fn new(id: ConnectionId, who: usize) -> Connection {
        Connection { id, who, up: VecDeque::new(), down: VecDeque::new(), client_holds: true, server_holds: true, is_tampered_with: false }
    }

    /// The next message that arrives at the client.
    pub fn deliver(&mut self, network: NetworkKind) -> Option<Frame> {
        let mut frame = self.down.pop_front()?;
        if self.is_tampered_with
            && let ServerMessage::Committed { ops } = &mut frame.message
        {
            self.is_tampered_with = false;
            match network {
                NetworkKind::Honest => {}
                NetworkKind::Losing => return self.down.pop_front(),
                NetworkKind::Altering => {
                    if let Some((_, value)) = ops.iter_mut().flat_map(|op| &mut op.set).find(|(key, _)| key.panel() != "pair") {
                        *value = Some(number(ALTERED));
                        frame.is_altered = true;
                    }
                }
            }
        }
        Some(frame)
    }

    pub fn send_up(&mut self, message: ClientMessage) {
        if self.server_holds {
            self.up.push_back(message);
        }
    }

    pub fn send_down(&mut self, message: ServerMessage) {
        if self.client_holds {
            self.down.push_back(Frame { message, is_altered: false });
        }
    }

    /// The server's end is gone; the client finds out when it has read what is under way.
    pub fn server_closes(&mut self) {
        self.server_holds = false;
        self.up.clear();
    }

    /// The client's end is gone; the server finds out when it has read what is under way, or later.
    pub fn client_closes(&mut self) {
        self.client_holds = false;
        self.down.clear();
    }

    pub fn is_gone(&self) -> bool {
        !self.client_holds && !self.server_holds
    }

    pub fn is_silent(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }
}
