//! The server's process: a room and whoever turns its crank. The log is written in steps, and any of them may be the last.

use std::collections::{BTreeMap, BTreeSet};

use labboard_room::server::{Access, ConnectionId, Entrance, Outbox, Outgoing, Recipient, Record, Room};
use labboard_room::{ClientMessage, Key, Seq, ServerMessage, Validate, Value};

use crate::checks::room_id;
use crate::chronicle::Chronicle;
use crate::disk::Disk;
use crate::network::Connection;

/// Refuses every tenth value.
struct Picky;

impl Validate for Picky {
    fn check(&self, _: &Key, value: &Value) -> Result<(), String> {
        match value.as_f64() {
            Some(n) if n % 10.0 == 9.0 => Err("not a feature of this dataset".to_owned()),
            _ => Ok(()),
        }
    }
}

/// The next value after this one that the room refuses.
pub fn next_refused(value: i64) -> i64 {
    (value + 1) / 10 * 10 + 9
}

#[derive(Debug)]
pub struct Server {
    pub room: Room,
    members: BTreeSet<ConnectionId>,
    outbox: Outbox,
    /// Ordered, and not given to the disk.
    unwritten: Vec<Record>,
    /// Given to the disk, and perhaps not durable.
    pub under_way: Vec<Record>,
    /// Durable, and perhaps not committed.
    synced: Seq,
}

impl Server {
    /// Starts with what the disk has.
    pub fn start(disk: &mut Disk, tail: usize) -> Server {
        let contents = disk.open();
        disk.clean_up();
        let room = Room::restore(room_id(), contents.snapshot, contents.records).expect("no gaps").with_tail(tail);
        let synced = room.seq();
        Server { room, members: BTreeSet::new(), outbox: Outbox::new(), unwritten: Vec::new(), under_way: Vec::new(), synced }
    }

    pub fn receive(&mut self, from: ConnectionId, message: ClientMessage) {
        match message {
            ClientMessage::Hello { client, name, resume, .. } => {
                self.members.insert(from);
                let send = self.room.enter(from, Entrance { client, name, resume, access: Access::Write }).expect("room for all");
                self.outbox.extend(send);
            }
            message => {
                let effects = self.room.handle(from, message, &Picky);
                self.unwritten.extend(effects.persist);
                self.outbox.extend(effects.send);
            }
        }
    }

    /// A connection has ended.
    pub fn leave(&mut self, connection: ConnectionId) {
        self.members.remove(&connection);
        let send = self.room.leave(connection);
        self.outbox.extend(send);
    }

    pub fn set_access(&mut self, connection: ConnectionId, access: Access) {
        let send = self.room.set_access(connection, access);
        self.outbox.extend(send);
    }

    /// Sends the checksum of the document, as it is done now and then.
    pub fn send_checksum(&mut self) {
        self.outbox.push(self.room.checksum());
    }

    pub fn append(&mut self, disk: &mut Disk) {
        if !self.unwritten.is_empty() {
            disk.append(&self.unwritten);
            self.under_way.append(&mut self.unwritten);
        }
    }

    pub fn sync(&mut self, disk: &mut Disk, chronicle: &mut Chronicle) {
        disk.sync();
        for record in self.under_way.drain(..) {
            self.synced = record.seq;
            chronicle.append(record);
        }
    }

    pub fn commit(&mut self) {
        let send = self.room.commit(self.synced);
        self.outbox.extend(send);
    }

    /// The disk refuses what it has not been given yet.
    pub fn disk_full(&mut self, disk: &mut Disk, chronicle: &mut Chronicle) {
        self.sync(disk, chronicle);
        self.commit();
        self.unwritten.clear();
        let send = self.room.abort("the disk is full");
        self.outbox.extend(send);
    }

    pub fn is_quiet(&self) -> bool {
        self.unwritten.is_empty() && self.under_way.is_empty() && self.room.seq() == self.synced && self.outbox.is_empty()
    }

    /// Hands out what there is to say.
    pub fn flush(&mut self, connections: &mut BTreeMap<ConnectionId, Connection>, encodes: bool) {
        for Outgoing { to, message } in self.outbox.take() {
            if encodes {
                let text = message.encode().expect("JSON");
                assert_eq!(ServerMessage::parse(&text).expect("a message"), message);
            }
            match to {
                Recipient::One(one) => self.say(connections, one, message),
                Recipient::All => {
                    for member in self.members.clone() {
                        self.say(connections, member, message.clone());
                    }
                }
            }
        }
    }

    fn say(&mut self, connections: &mut BTreeMap<ConnectionId, Connection>, to: ConnectionId, message: ServerMessage) {
        let Some(connection) = connections.get_mut(&to).filter(|connection| connection.server_holds) else {
            return;
        };
        let is_last = matches!(message, ServerMessage::Closing { .. });
        connection.send_down(message);
        if is_last {
            connection.server_closes();
            self.members.remove(&to);
        }
    }
}
