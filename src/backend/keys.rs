//! The keys under which limits count the calls of a user or of a generic client. Callers with the same key share a
//! limit.
//!
//! Generic clients are numbered after the users. Apps are assigned to the users of a cohort and to clients in turn. Networks
//! are filled one after another, first with the users of each cohort, then with the clients of each workload. The networks
//! that several cohorts share come before those of one cohort. A cohort and a workload are in one region. Callers without a
//! region of their own are in the first one, if there are such callers.

use super::spec::LimitKey;
use std::ops::Range;

/// The callers of a run, as limits count them.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// Users of all cohorts.
    pub users: u32,
    /// The users, one entry per cohort, at least one.
    pub cohorts: Vec<Cohort>,
    /// Networks of users.
    pub user_networks: u32,
    /// Apps of users, at least 1.
    pub apps: u32,
    /// Regions of users and of generic clients, at least 1.
    pub regions: u32,
    /// Apps of generic clients, at least 1: the first ones. The clients belong to them in turn.
    pub client_apps: u32,
    /// Generic clients, one entry per workload.
    pub clients: Vec<Clients>,
}

/// The users of one cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// The number of its first user.
    pub first: u32,
    /// The number of its first network.
    pub first_network: u32,
    /// Users behind one network address, at least 1. [`u32::MAX`] for a cohort of one network.
    pub per_network: u32,
    /// The number of its first app.
    pub first_app: u32,
    /// Its apps, at least 1.
    pub apps: u32,
    /// The number of its region.
    pub region: u32,
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
    /// The number of their region.
    pub region: u32,
}

impl Keys {
    /// The keys of users in one cohort and of generic clients.
    pub fn of_one(users: u32, users_per_network: u32, apps: u32, clients: Vec<Clients>) -> Keys {
        let cohort = Cohort {
            first: 0,
            first_network: 0,
            per_network: users_per_network,
            first_app: 0,
            apps,
            region: 0,
        };
        let user_networks = users.div_ceil(users_per_network);
        Keys { users, cohorts: vec![cohort], user_networks, apps, regions: 1, client_apps: apps, clients }
    }

    /// Number of generic clients of all workloads.
    pub fn all_clients(&self) -> u32 {
        self.clients.last().map_or(0, |c| c.first + c.count)
    }

    /// Whether this number belongs to a generic client.
    #[inline]
    pub fn is_client(&self, user: u32) -> bool {
        user >= self.users
    }

    /// The index of a user's cohort.
    #[inline]
    pub fn cohort_of(&self, user: u32) -> usize {
        match &self.cohorts[..] {
            [_] => 0,
            cohorts => cohorts.partition_point(|cohort| cohort.first <= user) - 1,
        }
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
            LimitKey::Region => self.regions,
            LimitKey::Ip => self.user_networks + client_networks,
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
            LimitKey::Ip if users.is_empty() => 0..0,
            LimitKey::Ip => self.of(key, users.start)..self.of(key, users.end - 1) + 1,
            LimitKey::Global | LimitKey::App | LimitKey::Region => {
                unreachable!("these limits tie all users together")
            }
        }
    }

    /// Number of the callers of a part: its users, and all generic clients if it has all users.
    pub fn callers_of_part(&self, users: &Range<u32>) -> u32 {
        let all = users.len() as u32 == self.users;
        users.len() as u32 + if all { self.all_clients() } else { 0 }
    }

    /// The key of a user, or of a generic client numbered after the users.
    #[inline]
    pub fn of(&self, key: LimitKey, user: u32) -> u32 {
        match key {
            LimitKey::Global => 0,
            LimitKey::App if self.is_client(user) => (user - self.users) % self.client_apps,
            LimitKey::App => {
                let cohort = &self.cohorts[self.cohort_of(user)];
                cohort.first_app + (user - cohort.first) % cohort.apps
            }
            LimitKey::Region => self.region_of(user),
            LimitKey::Ip if !self.is_client(user) => {
                let cohort = &self.cohorts[self.cohort_of(user)];
                cohort.first_network + (user - cohort.first) / cohort.per_network
            }
            LimitKey::Ip => self.network_of_client(user - self.users),
            LimitKey::User | LimitKey::Session => user,
        }
    }

    /// The region of a user, or of a generic client numbered after the users.
    #[inline]
    pub fn region_of(&self, user: u32) -> u32 {
        if self.is_client(user) {
            self.clients[self.workload_of(user - self.users)].region
        } else {
            self.cohorts[self.cohort_of(user)].region
        }
    }

    fn network_of_client(&self, client: u32) -> u32 {
        let clients = &self.clients[self.workload_of(client)];
        self.user_networks + clients.first_network + (client - clients.first) / clients.per_network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workloads() -> Vec<Clients> {
        let clients = |first, count, first_network, per_network| Clients {
            first,
            count,
            first_network,
            per_network,
            region: 0,
        };
        vec![clients(0, 5, 0, 2), clients(5, 2, 3, 1)]
    }

    fn keys() -> Keys {
        Keys::of_one(10, 4, 3, workloads())
    }

    /// Users 0 to 3 and 8 and 9 are behind address 0, users 4 to 7 behind two addresses of their own. Users 4 to 7 belong to
    /// app 0 in turn with app 1, the others to app 2. Users 4 to 9 are in region 1, the clients of the second workload in region 2.
    fn cohorts() -> Keys {
        let cohort = |first, first_network, per_network, first_app, apps, region| Cohort {
            first,
            first_network,
            per_network,
            first_app,
            apps,
            region,
        };
        Keys {
            users: 10,
            cohorts: vec![
                cohort(0, 0, u32::MAX, 2, 1, 0),
                cohort(4, 1, 2, 0, 2, 1),
                // A cohort without users.
                cohort(8, 3, 5, 0, 1, 0),
                cohort(8, 0, u32::MAX, 2, 1, 1),
            ],
            user_networks: 3,
            apps: 3,
            regions: 3,
            client_apps: 2,
            clients: workloads()
                .into_iter()
                .zip([0, 2])
                .map(|(all, region)| Clients { region, ..all })
                .collect(),
        }
    }

    #[test]
    fn every_caller_has_a_key_and_every_key_a_caller() {
        for keys in [keys(), cohorts()] {
            let callers = keys.users + keys.all_clients();
            assert_eq!(callers, 17);
            for key in LimitKey::ALL {
                let mut seen: Vec<u32> = (0..callers).map(|user| keys.of(key, user)).collect();
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen, (0..keys.count(key)).collect::<Vec<_>>(), "{key:?}");
            }
        }
    }

    /// Users 0 to 9 fill three networks; clients of two workloads fill three and two more.
    #[test]
    fn networks_are_filled_one_after_another() {
        let networks: Vec<u32> = (0..17).map(|user| keys().of(LimitKey::Ip, user)).collect();
        assert_eq!(networks, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7]);
    }

    #[test]
    fn cohorts_share_a_network_and_an_app() {
        let of = |key| (0..10).map(|user| cohorts().of(key, user)).collect::<Vec<u32>>();
        assert_eq!(of(LimitKey::Ip), [0, 0, 0, 0, 1, 1, 2, 2, 0, 0]);
        assert_eq!(of(LimitKey::App), [2, 2, 2, 2, 0, 1, 0, 1, 2, 2]);
        assert_eq!(of(LimitKey::Region), [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_part_has_the_keys_of_its_users() {
        let keys = keys();
        assert_eq!(keys.of_part(LimitKey::Ip, &(0..10)), 0..8);
        assert_eq!(keys.of_part(LimitKey::Ip, &(4..10)), 1..3);
        assert_eq!(keys.of_part(LimitKey::Session, &(4..8)), 4..8);
    }
}
