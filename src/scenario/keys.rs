//! The keys under which limits count the callers of a scenario: addresses, apps and regions, with and without a name.

use super::{Cohort, Scenario};
use crate::backend::keys::{self, Clients, Keys};
use crate::client::workload::WorkloadSpec;
use crate::fault::Region;

/// The keys under which limits count the callers of a scenario.
pub(crate) fn keys_of(scenario: &Scenario) -> Keys {
    let clients = clients_of(&scenario.workloads);
    let cohorts = scenario.cohorts();
    let named = |name: fn(&Cohort<'_>) -> Option<String>| {
        let mut names: Vec<String> = Vec::new();
        for name in cohorts.iter().filter_map(name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    let networks = named(|cohort| cohort.network.map(str::to_owned));
    let apps = named(|cohort| cohort.app.map(str::to_owned));
    let regions = regions_of(scenario);
    let region_of = |name: Option<&str>| {
        let name = name.unwrap_or_default();
        regions.iter().position(|region| region.name == name).unwrap_or(0) as u32
    };
    let place = |names: &[String], name: &str| names.iter().position(|n| n == name).unwrap_or(0) as u32;
    // Apps without a name come first, because generic clients belong to them.
    let without = || cohorts.iter().filter(|cohort| cohort.app.is_none()).map(|cohort| cohort.fleet.apps);
    let client_apps = without().max().unwrap_or(1);
    let unnamed = if without().next().is_some() || !clients.is_empty() { client_apps } else { 0 };
    // Callers belong to apps in turn, so there are at most as many apps with callers.
    let callers = clients.last().map_or(0, |last| last.first + last.count) + scenario.users();
    let unnamed = unnamed.min(callers.max(1));
    let mut next_network = networks.len() as u32;
    let mut groups = Vec::new();
    for cohort in &cohorts {
        let (first_network, per_network) = match cohort.network {
            Some(name) => (place(&networks, name), u32::MAX),
            None => {
                let first = next_network;
                let per_network = cohort.fleet.users_per_network;
                next_network += cohort.fleet.users.div_ceil(per_network);
                (first, per_network)
            }
        };
        let (first_app, apps) = match cohort.app {
            Some(name) => (unnamed + place(&apps, name), 1),
            None => (0, cohort.fleet.apps),
        };
        let region = region_of(cohort.region);
        let first = cohort.users.start;
        groups.push(keys::Cohort { first, first_network, per_network, first_app, apps, region });
    }
    Keys {
        users: scenario.users(),
        cohorts: groups,
        user_networks: next_network,
        apps: unnamed + apps.len() as u32,
        regions: regions.len() as u32,
        client_apps,
        clients: clients
            .into_iter()
            .zip(&scenario.workloads)
            .map(|(clients, of)| Clients { region: region_of(of.region.as_deref()), ..clients })
            .collect(),
    }
}

/// The regions by number, at least one. That of the callers without a region comes first.
pub(crate) fn regions_of(scenario: &Scenario) -> Vec<Region> {
    let of_cohorts = scenario.cohorts().into_iter().map(|cohort| (cohort.region, cohort.users.len() as u64));
    let of_workloads = scenario.workloads.iter().map(|of| (of.region.as_deref(), u64::from(of.clients)));
    let mut all: Vec<(Option<&str>, u64)> = of_cohorts.chain(of_workloads).collect();
    // A stable sort: named regions stay in the order of the scenario.
    all.sort_by_key(|(name, _)| name.is_some());
    let mut regions: Vec<Region> = Vec::new();
    for (name, callers) in all {
        let name = name.unwrap_or_default();
        match regions.iter_mut().find(|region| region.name == name) {
            Some(region) => region.callers += callers,
            None => regions.push(Region { name: name.to_owned(), callers }),
        }
    }
    regions
}

/// The clients of the workloads, numbered one workload after another. Their regions are not set.
fn clients_of(workloads: &[WorkloadSpec]) -> Vec<Clients> {
    let (mut first, mut first_network) = (0, 0);
    let mut all = Vec::new();
    for spec in workloads {
        let (count, per_network) = (spec.clients, spec.clients_per_network);
        all.push(Clients { first, count, first_network, per_network, region: 0 });
        first += count;
        first_network += count.div_ceil(per_network);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With four clients a network, 5, 3 and 9 clients need 2, 1 and 3 networks.
    #[test]
    fn clients_and_networks_are_numbered_one_workload_after_another() {
        let of = |clients| WorkloadSpec {
            clients,
            clients_per_network: 4,
            ..toml::from_str("name = 'w'").expect("a workload")
        };
        let all = clients_of(&[of(5), of(3), of(9), of(1)]);
        let first: Vec<_> = all.iter().map(|of| (of.first, of.first_network)).collect();
        assert_eq!(first, [(0, 0), (5, 2), (8, 3), (17, 6)]);
    }
}
