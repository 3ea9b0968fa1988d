//! Who is in the room, with their avatars and presence.

use std::collections::BTreeMap;

use super::ConnectionId;
use super::clients::Known;
use crate::id::ClientId;
use crate::limits::COLORS;
use crate::message::{Person, Presence};
use crate::name::Name;
use crate::value::Value;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) client: ClientId,
    pub(super) person: Person,
    pub(super) can_write: bool,
    pub(super) presence: Option<Value>,
    /// The number in "Guest 3", for who has no other name.
    pub(super) guest: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct People {
    members: BTreeMap<ConnectionId, Member>,
    connections: BTreeMap<ClientId, ConnectionId>,
}

impl People {
    pub(super) fn add(&mut self, connection: ConnectionId, client: &ClientId, known: &mut Known, can_write: bool) -> Person {
        let color = self.color(known.color);
        known.color = Some(color);
        let guest = known.name.is_none().then(|| self.guest());
        let name = match (&known.name, guest) {
            (Some(name), _) => name.clone(),
            (None, number) => Name::guest(number.unwrap_or(0)),
        };
        let person = Person { id: known.person, name: name.to_string(), color };
        self.connections.insert(client.clone(), connection);
        self.members.insert(connection, Member { client: client.clone(), person: person.clone(), can_write, presence: None, guest });
        person
    }

    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<Member> {
        let member = self.members.remove(&connection)?;
        self.connections.remove(&member.client);
        Some(member)
    }

    pub(super) fn get(&self, connection: ConnectionId) -> Option<&Member> {
        self.members.get(&connection)
    }

    pub(super) fn get_mut(&mut self, connection: ConnectionId) -> Option<&mut Member> {
        self.members.get_mut(&connection)
    }

    pub(super) fn connection_of(&self, client: &ClientId) -> Option<ConnectionId> {
        self.connections.get(client).copied()
    }

    pub(super) fn has_client(&self, client: &ClientId) -> bool {
        self.connections.contains_key(client)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn list(&self) -> Vec<Person> {
        self.members.values().map(|m| m.person.clone()).collect()
    }

    pub(super) fn presence(&self) -> Vec<Presence> {
        self.members.values().filter_map(|member| Some(Presence { from: member.person.id, state: member.presence.clone()? })).collect()
    }

    /// The colour that the person had, if it is free; else the lowest that the fewest people have.
    fn color(&self, wish: Option<u8>) -> u8 {
        let mut used = [0_usize; COLORS as usize];
        for member in self.members.values() {
            if let Some(count) = used.get_mut(usize::from(member.person.color)) {
                *count += 1;
            }
        }
        let is_free = |color: &u8| used.get(usize::from(*color)) == Some(&0);
        wish.filter(is_free).unwrap_or_else(|| (0..COLORS).min_by_key(|&color| used[usize::from(color)]).unwrap_or(0))
    }

    /// The lowest number that no guest has.
    fn guest(&self) -> u32 {
        let mut numbers: Vec<u32> = self.members.values().filter_map(|m| m.guest).collect();
        numbers.sort_unstable();
        numbers.into_iter().fold(1, |free, number| if number == free { free + 1 } else { free })
    }
}
