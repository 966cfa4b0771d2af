//! Whom a caller counts with: the keys of limits, and regions.

use super::service::Who;
use super::world::World;
use crate::backend::spec::LimitKey;

impl World {
    /// The key of a caller under a limit.
    pub(super) fn key(&self, key: LimitKey, who: Who) -> u64 {
        let fleet = &self.scenario.fleet;
        let number = match who {
            Who::User(user) => user,
            Who::Client { client, .. } => u64::from(fleet.users) + client,
        };
        match key {
            LimitKey::Global => 0,
            LimitKey::Region => match who {
                Who::User(_) => 0,
                Who::Client { workload, .. } => {
                    let all = &self.scenario.workloads;
                    let region = &all[workload].region;
                    // By the first workload that names it. Users have none.
                    let first = all.iter().position(|other| region.is_some() && other.region == *region);
                    first.map_or(0, |first| first as u64 + 1)
                }
            },
            LimitKey::App => match who {
                Who::User(number) | Who::Client { client: number, .. } => number % u64::from(fleet.apps),
            },
            LimitKey::User | LimitKey::Session => number,
            LimitKey::Ip => match who {
                Who::User(user) => user / u64::from(fleet.users_per_network),
                // Networks of different workloads are different ones.
                Who::Client { workload, client } => {
                    let before = &self.scenario.workloads[..workload];
                    let within = client - before.iter().map(|w| u64::from(w.clients)).sum::<u64>();
                    let per_network = u64::from(self.scenario.workloads[workload].clients_per_network);
                    ((workload as u64 + 1) << 32) | (within / per_network)
                }
            },
        }
    }

    /// Whether a caller is in one of these regions. Users are in none.
    pub(super) fn is_in(&self, regions: &[String], who: Who) -> bool {
        match who {
            Who::User(_) => false,
            Who::Client { workload, .. } => self.scenario.workloads[workload]
                .region
                .as_ref()
                .is_some_and(|region| regions.contains(region)),
        }
    }
}
