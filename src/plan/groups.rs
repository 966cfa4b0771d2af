//! Groups of a run's users: cohorts, policies of a mix, apps, regions, networks. Results count them apart where there are several.

use super::Plan;
use crate::backend::spec::LimitKey;

/// What users of one group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// The cohort.
    Cohort,
    /// The policy, in a mix or where cohorts have policies of their own.
    Policy,
    /// The app.
    App,
    /// The region.
    Region,
    /// The network address.
    Network,
}

impl GroupKind {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            GroupKind::Cohort => "cohort",
            GroupKind::Policy => "policy",
            GroupKind::App => "app",
            GroupKind::Region => "region",
            GroupKind::Network => "network",
        }
    }
}

/// The groups of one kind under a contender.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// The kind.
    pub kind: GroupKind,
    /// Number of groups, at least two.
    pub count: usize,
    /// For groups by policy: the group of each arm.
    of_arms: Vec<usize>,
}

impl Grouping {
    /// The group of a user, who follows this arm.
    pub fn of(&self, plan: &Plan, user: u32, arm: usize) -> usize {
        match self.kind {
            GroupKind::Cohort => plan.cohort_of(user),
            GroupKind::Policy => self.of_arms[arm],
            GroupKind::App => plan.backend.keys.of(LimitKey::App, user) as usize,
            GroupKind::Region => plan.backend.keys.region_of(user) as usize,
            GroupKind::Network => plan.backend.keys.of(LimitKey::Ip, user) as usize,
        }
    }

    /// The name of a group: that of the cohort, the policy, the app, the region or the network, or the number of one
    /// without a name.
    pub fn name(&self, plan: &Plan, contender: usize, group: usize) -> String {
        let named = |name: fn(&crate::scenario::Cohort<'_>) -> Option<String>, key: LimitKey| {
            let cohorts = plan.scenario.cohorts();
            let has = |cohort: &&crate::scenario::Cohort<'_>| {
                !cohort.users.is_empty() && plan.backend.keys.of(key, cohort.users.start) as usize == group
            };
            cohorts.iter().find(has).and_then(name).unwrap_or_else(|| group.to_string())
        };
        match self.kind {
            GroupKind::Cohort => plan.cohorts[group].name.clone(),
            GroupKind::Policy => {
                let arm = self.of_arms.iter().position(|of| *of == group).unwrap_or(0);
                plan.arms[contender].all[arm].policy.name.clone()
            }
            GroupKind::App => named(|cohort| cohort.app.map(str::to_owned), LimitKey::App),
            GroupKind::Region => named(|cohort| cohort.region.map(str::to_owned), LimitKey::Region),
            GroupKind::Network => named(|cohort| cohort.network.map(str::to_owned), LimitKey::Ip),
        }
    }
}

impl Plan {
    /// The kinds of groups of which a contender has several. Networks count where several users share one.
    pub fn groupings(&self, contender: usize) -> Vec<Grouping> {
        let keys = &self.backend.keys;
        if keys.users == 0 {
            return Vec::new();
        }
        let mut names: Vec<&str> = Vec::new();
        let of_arm = |arm: &'_ super::Arm| arm.policy.name.clone();
        let arms: Vec<String> = self.arms[contender].all.iter().map(of_arm).collect();
        let mut of_arms = Vec::new();
        for name in &arms {
            let known = names.iter().position(|known| known == name);
            of_arms.push(known.unwrap_or(names.len()));
            if known.is_none() {
                names.push(name);
            }
        }
        let share_networks = keys.user_networks < keys.users;
        let groupings = [
            (GroupKind::Cohort, self.cohorts.len(), Vec::new()),
            (GroupKind::Policy, names.len(), of_arms),
            (GroupKind::App, keys.apps as usize, Vec::new()),
            (GroupKind::Region, keys.regions as usize, Vec::new()),
            (GroupKind::Network, if share_networks { keys.user_networks as usize } else { 1 }, Vec::new()),
        ];
        let several = groupings.into_iter().filter(|(_, count, _)| *count > 1);
        several.map(|(kind, count, of_arms)| Grouping { kind, count, of_arms }).collect()
    }
}
