//! The limits of the protocol. Both sides check them; the server decides.

/// Bytes of one client message (UTF-8 JSON). Server messages may be longer: a snapshot is as long as its document.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Bytes of one value in its canonical encoding: half a message, so that every legal value can be sent.
pub const MAX_VALUE_BYTES: usize = 32 * 1024;

/// Levels of arrays and objects in one value; a plain string has none.
pub const MAX_VALUE_DEPTH: usize = 16;

/// Bytes of a key, `panel.control`.
pub const MAX_KEY_BYTES: usize = 64;

/// Properties that one operation may set.
pub const MAX_OP_KEYS: usize = 64;

/// Properties in one room's document.
pub const MAX_KEYS: usize = 500;

/// Bytes of one room's document: keys and canonical values together.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// Bytes of one presence state in its canonical encoding.
pub const MAX_PRESENCE_BYTES: usize = 4 * 1024;

/// Presence messages per second that one client may send; of what exceeds it the transport keeps the last, because presence is lossy.
pub const PRESENCE_PER_SECOND: u32 = 30;

/// Operations per second that one client may send, averaged over [`BURST_SECONDS`]; a gesture is one operation.
pub const SUBMITS_PER_SECOND: u32 = 20;

/// Messages per second that one client may send, averaged over [`BURST_SECONDS`]; what exceeds it is dropped, and who goes on is
/// sent away.
pub const MESSAGES_PER_SECOND: u32 = 100;

/// Seconds over which rates are averaged.
pub const BURST_SECONDS: u32 = 10;

/// The largest number of an operation: what a JavaScript number holds exactly.
pub const MAX_OPERATION_NUMBER: u64 = (1 << 53) - 1;

/// People in one room.
pub const MAX_PEOPLE: usize = 1_000;

/// Characters of a person's name.
pub const MAX_NAME_CHARS: usize = 40;

/// Bytes of a room id: page and private name together.
pub const MAX_ROOM_BYTES: usize = 256;

/// Bytes of a client id.
pub const MAX_CLIENT_ID_BYTES: usize = 64;

/// Operations that a client may have without an answer, and outcomes of each kind that a room remembers per client: because
/// they are the same number, every operation that a client resends still has its outcome.
pub const MAX_PENDING: usize = 128;

/// Clients whose outcomes a room remembers; the one that has been away longest is forgotten first.
pub const MAX_CLIENTS: usize = 1_024;

/// Operations a room keeps for clients that resume; who was away for longer gets a snapshot.
pub const TAIL: usize = 1_000;

/// Operations in one message of the server.
pub const MAX_COMMITTED: usize = 64;

/// Bytes of keys and values in a tail; who missed more gets a snapshot.
pub const MAX_TAIL_BYTES: usize = 1024 * 1024;

/// Steps that one person can undo.
pub const MAX_HISTORY: usize = 200;

/// A checksum travels each time this many operations have been committed.
pub const CHECKSUM_EVERY: u64 = 64;

/// Colours of avatars: [`Person::color`](crate::Person::color) is below it.
pub const COLORS: u8 = 12;
