//! Clients, network, server and disk together, and what can happen to them.

use std::collections::{BTreeMap, BTreeSet};

use labboard_room::client::{Replica, Status};
use labboard_room::limits::MAX_PENDING;
use labboard_room::server::{Access, ConnectionId};
use labboard_room::{ClientId, ClientMessage};

use crate::checks::{assert_pair, number};
use crate::chronicle::Chronicle;
use crate::disk::{Crash, Disk};
use crate::network::Connection;
use crate::peer::Peer;
use crate::random::Random;
use crate::schedule::{Action, Setting};
use crate::server::{Server, next_refused};

/// More rounds than any world needs to become quiet.
const PATIENCE: usize = 200;

#[derive(Debug)]
pub struct World {
    pub setting: Setting,
    pub server: Server,
    pub disk: Disk,
    pub chronicle: Chronicle,
    pub peers: Vec<Peer>,
    /// The undo and redo operations of all clients, also of pages that are gone.
    pub reverts: BTreeSet<(ClientId, u64)>,
    connections: BTreeMap<ConnectionId, Connection>,
    next_connection: u64,
    next_client: u64,
    next_value: i64,
}

impl World {
    pub fn new(setting: &Setting) -> World {
        let mut disk = Disk::new(setting.disk);
        let mut world = World {
            setting: setting.clone(),
            server: Server::start(&mut disk, setting.tail),
            disk,
            chronicle: Chronicle::new(),
            peers: Vec::new(),
            reverts: BTreeSet::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            next_client: 0,
            next_value: 0,
        };
        for who in 0..setting.peers {
            let client = world.new_client();
            world.peers.push(Peer::new(client, setting.network));
            world.connect(who);
        }
        world
    }

    fn new_client(&mut self) -> ClientId {
        self.next_client += 1;
        format!("client-{}", self.next_client).parse().expect("a client id")
    }

    pub fn act(&mut self, action: Action) {
        match action {
            Action::Edit { who, keys, is_reset } => {
                self.next_value += 1;
                let value = self.next_value;
                self.person(who, |peer| peer.edit(keys, value, is_reset));
            }
            Action::Blunder { who } => self.blunder(who),
            Action::Undo { who } => self.undo(who),
            Action::Redo { who } => self.redo(who),
            Action::Reset { who } => self.person(who, |peer| peer.change(Replica::reset)),
            Action::StepOut { who } => self.peers[who].replica.step_out(),
            Action::Open { who } => self.person(who, Peer::open),
            Action::Rejoin { who } => self.person(who, Peer::rejoin),
            Action::ShowEveryone { who } => self.person(who, |peer| peer.change(Replica::show_everyone)),
            Action::Present { who, state } => self.person(who, |peer| peer.replica.present(number(state as i64)).into_iter().collect()),
            Action::Rename { who } => self.person(who, Peer::rename),
            Action::Reload { who } => self.reload(who),
            Action::Connect { who } => self.connect(who),
            Action::Break { who } => {
                if let Some(connection) = self.hang_up(who) {
                    connection.up.clear();
                }
            }
            Action::Abandon { who } => {
                self.hang_up(who);
            }
            Action::TimeOut { who } => self.time_out(who),
            Action::Send { who, count } => self.send(who, count),
            Action::Receive { who, count } => self.receive(who, count),
            Action::Exchange { who } => self.exchange(who),
            Action::Straggle { which } => self.straggle(which),
            Action::Repeat { who } => {
                if let Some(connection) = self.connection(who)
                    && let Some(message) = connection.up.front().cloned()
                {
                    connection.up.push_front(message);
                }
            }
            Action::Tamper { who } => {
                if let Some(connection) = self.connection(who) {
                    connection.is_tampered_with = true;
                }
            }
            Action::Append => self.server.append(&mut self.disk),
            Action::Sync => self.server.sync(&mut self.disk, &mut self.chronicle),
            Action::Commit => self.server.commit(),
            Action::Write => self.write(),
            Action::Flush => self.flush(),
            Action::DiskFull => self.server.disk_full(&mut self.disk, &mut self.chronicle),
            Action::WriteSnapshot => self.disk.write_snapshot(&self.server.room.snapshot()),
            Action::RemoveOld { keep } => self.disk.remove_old(keep as u64),
            Action::Crash(crash) => self.crash(crash),
            Action::Access { who, may_write } => {
                if let Some(id) = self.connection(who).map(|connection| connection.id) {
                    self.server.set_access(id, if may_write { Access::Write } else { Access::Read });
                }
            }
        }
        if !self.setting.hesitates {
            self.flush();
        }
        assert_pair(self.server.room.document());
    }

    // ---- people

    /// Lets a person do something, and sends what comes of it.
    fn person(&mut self, who: usize, act: impl FnOnce(&mut Peer) -> Vec<ClientMessage>) {
        let send = act(&mut self.peers[who]);
        self.peers[who].check(&self.chronicle);
        self.submit(who, send);
    }

    fn blunder(&mut self, who: usize) {
        // In two parts: a client has only so many operations without an answer.
        for _ in 0..2 {
            for _ in 0..MAX_PENDING / 2 + 1 {
                self.next_value = next_refused(self.next_value);
                let send = self.peers[who].edit(1, self.next_value, false);
                self.submit(who, send);
            }
            self.send(who, usize::MAX);
            self.flush();
            self.receive(who, usize::MAX);
        }
    }

    pub fn undo(&mut self, who: usize) {
        self.person(who, |peer| peer.change(Replica::undo));
    }

    pub fn redo(&mut self, who: usize) {
        self.person(who, |peer| peer.change(Replica::redo));
    }

    fn submit(&mut self, who: usize, messages: Vec<ClientMessage>) {
        let client = &self.peers[who].client;
        for message in &messages {
            if let ClientMessage::Submit(op) = message
                && op.guard.is_some()
            {
                self.reverts.insert((client.clone(), op.n));
            }
        }
        let encodes = self.setting.encodes;
        if let Some(connection) = self.connection(who) {
            for message in messages {
                if encodes {
                    let text = message.encode().expect("short enough");
                    assert_eq!(ClientMessage::parse(&text).expect("a message"), message);
                }
                connection.send_up(message);
            }
        }
    }

    fn reload(&mut self, who: usize) {
        self.hang_up(who);
        let client = self.new_client();
        let network = self.setting.network;
        // The page comes with the document, or was in the browser's cache and has none.
        self.peers[who] = match self.next_client % 2 {
            0 => Peer::rendered(client, network, &self.chronicle),
            _ => Peer::new(client, network),
        };
    }

    // ---- connections

    /// The connection that the client holds.
    fn connection(&mut self, who: usize) -> Option<&mut Connection> {
        self.connections.values_mut().find(|connection| connection.who == who && connection.client_holds)
    }

    pub fn connect(&mut self, who: usize) {
        if self.connection(who).is_some() {
            return;
        }
        self.next_connection += 1;
        let id = ConnectionId(self.next_connection);
        self.connections.insert(id, Connection::new(id, who));
        let hello = self.peers[who].replica.hello();
        self.submit(who, vec![hello]);
    }

    /// The client gives its connection up.
    pub fn hang_up(&mut self, who: usize) -> Option<&mut Connection> {
        let id = self.connection(who)?.id;
        self.peers[who].disconnected();
        let connection = self.connections.get_mut(&id)?;
        connection.client_closes();
        Some(connection)
    }

    fn time_out(&mut self, who: usize) {
        let Some(connection) = self.connection(who).filter(|connection| connection.server_holds) else {
            return;
        };
        connection.server_closes();
        let id = connection.id;
        self.server.leave(id);
    }

    fn send(&mut self, who: usize, count: usize) {
        for _ in 0..count {
            let Some(connection) = self.connection(who) else { break };
            let id = connection.id;
            let Some(message) = connection.up.pop_front() else { break };
            self.server.receive(id, message);
        }
    }

    fn receive(&mut self, who: usize, count: usize) {
        let network = self.setting.network;
        for _ in 0..count {
            let Some(connection) = self.connection(who) else { break };
            let is_open = connection.server_holds;
            match connection.deliver(network) {
                Some(frame) => {
                    let send = self.peers[who].receive(frame, &self.chronicle);
                    self.submit(who, send);
                }
                None if is_open => break,
                None => {
                    self.hang_up(who);
                }
            }
        }
        self.connections.retain(|_, connection| !connection.is_gone());
    }

    fn exchange(&mut self, who: usize) {
        self.connect(who);
        self.send(who, usize::MAX);
        self.write();
        self.flush();
        self.receive(who, usize::MAX);
    }

    fn straggle(&mut self, which: usize) {
        let abandoned: Vec<ConnectionId> = self.connections.values().filter(|c| !c.client_holds).map(|c| c.id).collect();
        if !abandoned.is_empty() {
            self.deliver_late(abandoned[which % abandoned.len()]);
        }
    }

    /// The next message of a connection that its client has given up, or its end.
    fn deliver_late(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.up.pop_front() {
            Some(message) => self.server.receive(id, message),
            None => {
                self.server.leave(id);
                self.connections.remove(&id);
            }
        }
    }

    fn flush(&mut self) {
        self.server.flush(&mut self.connections, self.setting.encodes);
    }

    // ---- the server

    fn write(&mut self) {
        self.server.append(&mut self.disk);
        self.server.sync(&mut self.disk, &mut self.chronicle);
        self.server.commit();
    }

    fn crash(&mut self, crash: Crash) {
        let mut random = Random::new(crash.chance);
        self.disk.crash(crash.is_power_loss, &mut random);
        self.chronicle.recover(&self.disk.open(), &self.server.under_way);
        self.server = Server::start(&mut self.disk, self.setting.tail);
        // A system that lives on still delivers what the process has sent.
        let loses_all = crash.is_power_loss || random.chance(50);
        for connection in self.connections.values_mut() {
            connection.server_closes();
            if loses_all {
                connection.down.clear();
            }
        }
        self.connections.retain(|_, connection| !connection.is_gone());
    }

    /// Nothing breaks any more and everything arrives.
    pub fn settle(&mut self) {
        for connection in self.connections.values_mut() {
            connection.is_tampered_with = false;
        }
        for _ in 0..PATIENCE {
            if self.is_quiet() {
                return;
            }
            let abandoned: Vec<ConnectionId> = self.connections.values().filter(|c| !c.client_holds).map(|c| c.id).collect();
            for id in abandoned {
                while self.connections.contains_key(&id) {
                    self.deliver_late(id);
                }
            }
            for who in 0..self.peers.len() {
                self.exchange(who);
            }
        }
        panic!("no quiet after {PATIENCE} rounds");
    }

    fn is_quiet(&self) -> bool {
        let is_connected = |who| self.connections.values().any(|c| c.who == who && c.client_holds && c.server_holds);
        self.server.is_quiet()
            && self.connections.values().all(|connection| connection.client_holds && connection.is_silent())
            && (0..self.peers.len()).all(is_connected)
    }

    /// After a hostile network: whoever waits for a message that was lost comes in anew, the others find out by a checksum.
    pub fn recover_from_loss(&mut self) {
        for who in 0..self.peers.len() {
            if self.peers[who].replica.status() != Status::Live {
                self.hang_up(who);
            }
        }
        self.server.send_checksum();
        self.settle();
    }

    pub fn come_together(&mut self, who: usize) {
        self.person(who, |peer| {
            let send = peer.rejoin();
            assert!(send.is_empty(), "coming back changes nothing for the others");
            send
        });
    }

    /// Everybody comes in anew: what the network has lost of the answers is asked for again.
    pub fn reconnect_all(&mut self) {
        for who in 0..self.peers.len() {
            self.hang_up(who);
        }
        self.settle();
    }
}
