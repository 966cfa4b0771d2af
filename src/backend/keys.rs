//! The keys under which limits count the calls of a user or of a generic client. Callers with the same key share a
//! limit.
//!
//! Generic clients are numbered after the users of the fleet. Apps are assigned to users and clients in turn. Networks
//! are filled one after another, first with users, then with the clients of each workload.

use super::spec::LimitKey;
use std::ops::Range;

/// The callers of a run, as limits count them.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// Users of the fleet.
    pub users: u32,
    /// Users behind one network address, at least 1.
    pub users_per_network: u32,
    /// Apps, at least 1.
    pub apps: u32,
    /// Generic clients, one entry per workload.
    pub clients: Vec<Clients>,
}

/// The clients of one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clients {
    /// The number of its first client, over all workloads.
    pub first: u32,
    /// Number of its clients.
    pub count: u32,
    /// The number of its first network, over all workloads.
    pub first_network: u32,
    /// Clients behind one network address, at least 1.
    pub per_network: u32,
}

impl Keys {
    /// Number of generic clients of all workloads.
    pub fn all_clients(&self) -> u32 {
        self.clients.last().map_or(0, |c| c.first + c.count)
    }

    /// Whether this number belongs to a generic client.
    #[inline]
    pub fn is_client(&self, user: u32) -> bool {
        user >= self.users
    }

    /// The index of a generic client's workload. The client is numbered over all workloads.
    #[inline]
    pub fn workload_of(&self, client: u32) -> usize {
        self.clients.partition_point(|c| c.first <= client) - 1
    }

    /// Number of keys of a limit with this kind of key.
    pub fn count(&self, key: LimitKey) -> u32 {
        let client_networks =
            self.clients.last().map_or(0, |c| c.first_network + c.count.div_ceil(c.per_network));
        match key {
            LimitKey::Global => 1,
            LimitKey::App => self.apps,
            LimitKey::Ip => self.user_networks() + client_networks,
            LimitKey::User | LimitKey::Session => self.users + self.all_clients(),
        }
    }

    /// The keys of these users: all keys for all users, otherwise those of a part that shares none with other users.
    ///
    /// # Panics
    /// When the users are a part and the key ties all users together.
    pub fn of_part(&self, key: LimitKey, users: &Range<u32>) -> Range<u32> {
        if users.len() as u32 == self.users {
            return 0..self.count(key);
        }
        match key {
            LimitKey::User | LimitKey::Session => users.clone(),
            LimitKey::Ip => users.start / self.users_per_network..users.end.div_ceil(self.users_per_network),
            LimitKey::Global | LimitKey::App => unreachable!("these limits tie all users together"),
        }
    }

    /// The key of a user, or of a generic client numbered after the users.
    #[inline]
    pub fn of(&self, key: LimitKey, user: u32) -> u32 {
        match key {
            LimitKey::Global => 0,
            LimitKey::App => user % self.apps,
            LimitKey::Ip if !self.is_client(user) => user / self.users_per_network,
            LimitKey::Ip => self.network_of_client(user - self.users),
            LimitKey::User | LimitKey::Session => user,
        }
    }

    fn user_networks(&self) -> u32 {
        self.users.div_ceil(self.users_per_network)
    }

    fn network_of_client(&self, client: u32) -> u32 {
        let clients = &self.clients[self.workload_of(client)];
        self.user_networks() + clients.first_network + (client - clients.first) / clients.per_network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let clients =
            |first, count, first_network, per_network| Clients { first, count, first_network, per_network };
        Keys {
            users: 10,
            users_per_network: 4,
            apps: 3,
            clients: vec![clients(0, 5, 0, 2), clients(5, 2, 3, 1)],
        }
    }

    #[test]
    fn every_caller_has_a_key_and_every_key_a_caller() {
        let keys = keys();
        let callers = keys.users + keys.all_clients();
        assert_eq!(callers, 17);
        for key in [LimitKey::Global, LimitKey::App, LimitKey::Ip, LimitKey::User, LimitKey::Session] {
            let mut seen: Vec<u32> = (0..callers).map(|user| keys.of(key, user)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..keys.count(key)).collect::<Vec<_>>(), "{key:?}");
        }
    }

    /// Users 0 to 9 fill three networks; clients of two workloads fill three and two more.
    #[test]
    fn networks_are_filled_one_after_another() {
        let networks: Vec<u32> = (0..17).map(|user| keys().of(LimitKey::Ip, user)).collect();
        assert_eq!(networks, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7]);
    }

    #[test]
    fn a_part_has_the_keys_of_its_users() {
        let keys = keys();
        assert_eq!(keys.of_part(LimitKey::Ip, &(0..10)), 0..8);
        assert_eq!(keys.of_part(LimitKey::Ip, &(4..10)), 1..3);
        assert_eq!(keys.of_part(LimitKey::Session, &(4..8)), 4..8);
    }
}
