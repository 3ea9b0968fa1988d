#![doc = include_str!("../../../docs/collaboration.md")]
//!
//! # The crate
//!
//! [`server::Room`] and [`client::Replica`] are the two ends of the protocol as state machines: no I/O, no clock, no
//! randomness, so a schedule that went wrong can be played again. [`ClientMessage`] and [`ServerMessage`] are what
//! travels between them.

pub mod client;
pub mod limits;
#[cfg(feature = "mutations")]
pub mod mutation;
pub mod server;

mod backoff;
mod checksum;
mod document;
mod gather;
mod id;
mod key;
mod message;
#[cfg(not(feature = "mutations"))]
mod mutation;
mod name;
mod operation;
mod validate;
mod value;

pub use backoff::backoff;
pub use checksum::Checksum;
pub use document::{Changes, Document};
pub use gather::gather;
pub use id::{ClientId, IdError, PersonId, RoomId, Seq};
pub use key::{Key, KeyError};
pub use message::{
    ClientMessage, ClosingReason, Entity, EntityKind, ErrorCode, MessageError, Moved, PROTOCOL, Person, Presence, ServerMessage, Welcome,
};
pub use name::{Name, NameError};
pub use operation::{Committed, Op, Rejected, Rejection, RejectionCode};
pub use validate::{AnyValue, Validate};
pub use value::{Value, ValueError};
