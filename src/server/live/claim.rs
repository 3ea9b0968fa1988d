//! Who may own a room: one server at a time, because the owner alone numbers its operations.

use labboard_room::RoomId;

/// The right to own a room, for as long as it is held.
pub trait Claim: Send + Sync + std::fmt::Debug {}

/// Gives claims. With several servers on one store this is a table of leases; see `docs/decisions/0004-one-owner-per-room.md`.
pub trait Claims: Send + Sync + std::fmt::Debug {
    /// # Errors
    /// The address of the server that owns the room.
    fn claim(&self, room: &RoomId) -> Result<Box<dyn Claim>, String>;
}

/// The data directory is locked, so its one server owns all rooms.
#[derive(Debug)]
pub struct OneServer;

impl Claims for OneServer {
    fn claim(&self, _: &RoomId) -> Result<Box<dyn Claim>, String> {
        Ok(Box::new(OneServer))
    }
}

impl Claim for OneServer {}
