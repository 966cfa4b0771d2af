//! Whom a caller counts with: the keys of limits, and regions.
//!
//! The callers of each kind of key stand in a list, and a key is the place in it: the shares of callers that faults strike draw
//! with it.

use super::service::Who;
use super::world::World;
use crate::backend::spec::LimitKey;
use crate::fault::{Only, ShareOf};
use crate::kernel::random::{Purpose, chance};

/// Somewhere that several callers share.
#[derive(PartialEq)]
enum Shared<'a> {
    /// By a name, which cohorts share.
    Named(&'a str),
    /// Without one: of which cohort, and which of its places.
    OfCohort(usize, u64),
    OfWorkload(usize, u64),
    /// One of the apps that all cohorts and clients without a name of their own share.
    App(u64),
    /// Where everybody without a name is.
    Nowhere,
}

impl World {
    fn generic_clients(&self) -> u64 {
        self.scenario.workloads.iter().map(|workload| u64::from(workload.clients)).sum()
    }

    /// The place of a cohort of this user, and the user's number within it.
    fn within_cohort(&self, user: u64) -> (usize, u64) {
        let place = self.cohorts.iter().position(|cohort| cohort.users().contains(&user));
        let place = place.expect("each user is of a cohort");
        (place, user - self.cohorts[place].first)
    }

    /// The number of a client within its workload.
    fn within_workload(&self, workload: usize, client: u64) -> u64 {
        client - self.scenario.workloads[..workload].iter().map(|w| u64::from(w.clients)).sum::<u64>()
    }

    /// Addresses with a name come first, then those of the cohorts without one, then those of the workloads.
    fn addresses(&self) -> Vec<Shared<'_>> {
        let mut all = Vec::new();
        for name in self.cohorts.iter().filter_map(|cohort| cohort.network.as_deref()) {
            if !all.contains(&Shared::Named(name)) {
                all.push(Shared::Named(name));
            }
        }
        for (place, cohort) in self.cohorts.iter().enumerate().filter(|(_, of)| of.network.is_none()) {
            let users = u64::from(cohort.fleet.users);
            let addresses = users.div_ceil(u64::from(cohort.fleet.users_per_network));
            all.extend((0..addresses).map(|n| Shared::OfCohort(place, n)));
        }
        for (place, workload) in self.scenario.workloads.iter().enumerate() {
            let addresses = workload.clients.div_ceil(workload.clients_per_network);
            all.extend((0..u64::from(addresses)).map(|n| Shared::OfWorkload(place, n)));
        }
        all
    }

    /// Of which app a cohort without `app`, and the generic clients, have this many.
    fn unnamed_apps(&self) -> u64 {
        let unnamed = self.cohorts.iter().filter(|cohort| cohort.app.is_none());
        unnamed.map(|cohort| u64::from(cohort.fleet.apps)).max().unwrap_or(1)
    }

    /// Apps without a name come first, as many as have a caller.
    fn apps(&self) -> Vec<Shared<'_>> {
        let has_unnamed = self.cohorts.iter().any(|of| of.app.is_none()) || self.generic_clients() > 0;
        let callers = self.users.len() as u64 + self.generic_clients();
        let unnamed = if has_unnamed { self.unnamed_apps().min(callers.max(1)) } else { 0 };
        let mut all: Vec<Shared<'_>> = (0..unnamed).map(Shared::App).collect();
        for name in self.cohorts.iter().filter_map(|cohort| cohort.app.as_deref()) {
            if !all.contains(&Shared::Named(name)) {
                all.push(Shared::Named(name));
            }
        }
        all
    }

    /// The region without a name comes first, if anybody is in it.
    fn regions(&self) -> Vec<Shared<'_>> {
        let of_cohorts = self.cohorts.iter().map(|cohort| &cohort.region);
        let named: Vec<Option<&str>> = of_cohorts
            .chain(self.scenario.workloads.iter().map(|workload| &workload.region))
            .map(|region| region.as_deref())
            .collect();
        let mut all = Vec::new();
        if named.contains(&None) {
            all.push(Shared::Nowhere);
        }
        for name in named.into_iter().flatten() {
            if !all.contains(&Shared::Named(name)) {
                all.push(Shared::Named(name));
            }
        }
        all
    }

    /// The name of the region of a caller.
    fn region(&self, who: Who) -> Option<&str> {
        match who {
            Who::User(user) => self.cohort(user).region.as_deref(),
            Who::Client { workload, .. } => self.scenario.workloads[workload].region.as_deref(),
        }
    }

    /// The key of a caller under a limit.
    pub(super) fn key(&self, key: LimitKey, who: Who) -> u64 {
        let (all, own) = match key {
            LimitKey::Global => return 0,
            LimitKey::User | LimitKey::Session => {
                return match who {
                    Who::User(user) => user,
                    Who::Client { client, .. } => self.users.len() as u64 + client,
                };
            }
            LimitKey::Region => (self.regions(), self.region(who).map_or(Shared::Nowhere, Shared::Named)),
            LimitKey::App => {
                let own = match who {
                    Who::User(user) => {
                        let (place, within) = self.within_cohort(user);
                        let cohort = &self.cohorts[place];
                        let one_of = u64::from(cohort.fleet.apps);
                        cohort.app.as_deref().map_or(Shared::App(within % one_of), Shared::Named)
                    }
                    Who::Client { client, .. } => Shared::App(client % self.unnamed_apps()),
                };
                (self.apps(), own)
            }
            LimitKey::Ip => {
                let own = match who {
                    Who::User(user) => {
                        let (place, within) = self.within_cohort(user);
                        let cohort = &self.cohorts[place];
                        let per_address = u64::from(cohort.fleet.users_per_network);
                        let unnamed = Shared::OfCohort(place, within / per_address);
                        cohort.network.as_deref().map_or(unnamed, Shared::Named)
                    }
                    Who::Client { workload, client } => {
                        let per_address = u64::from(self.scenario.workloads[workload].clients_per_network);
                        Shared::OfWorkload(workload, self.within_workload(workload, client) / per_address)
                    }
                };
                (self.addresses(), own)
            }
        };
        all.iter().position(|other| *other == own).expect("a caller is somewhere") as u64
    }

    /// Whether a caller is in one of these regions; everybody when none is named.
    pub(super) fn is_in(&self, regions: &[String], who: Who) -> bool {
        let is_there = |region: &str| regions.iter().any(|named| named == region);
        regions.is_empty() || self.region(who).is_some_and(is_there)
    }

    /// Whether a caller is of the share that a fault strikes.
    pub(super) fn is_of(&self, only: Option<Only>, who: Who) -> bool {
        only.is_none_or(|Only { share, of }| {
            let (key, which) = match of {
                ShareOf::User => (LimitKey::User, 0),
                ShareOf::Ip => (LimitKey::Ip, 1),
                ShareOf::App => (LimitKey::App, 2),
                ShareOf::Region => (LimitKey::Region, 3),
            };
            chance(self.draws.of(Purpose::Action, (self.key(key, who), which)), share)
        })
    }
}
