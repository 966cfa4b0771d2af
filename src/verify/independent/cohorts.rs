//! Cohorts: who the users are, where they are, and which policy each follows.
//!
//! Users are numbered one cohort after another. What a user draws is keyed by the cohort's name and the user's number within
//! it; in a scenario without `[[cohort]]` by the user's number alone.

use super::draws::Place;
use super::world::World;
use crate::client::policy::Policy;
use crate::fleet::FleetSpec;
use crate::kernel::random::{Purpose, chance, origin};
use crate::scenario::{ClientSpec, Scenario};

/// The users of one cohort.
pub(super) struct Cohort {
    pub name: String,
    pub client: ClientSpec,
    pub fleet: FleetSpec,
    /// The policies that its users follow, and their shares, by the names of the policies: the order in the scenario changes
    /// nothing.
    policies: Vec<(Policy, f64)>,
    pub network: Option<String>,
    pub app: Option<String>,
    pub region: Option<String>,
    /// The number of its first user.
    pub first: u64,
}

/// How far apart the draws of two neighbours' tabs are in a scenario with cohorts: the most tabs of a user.
const TABS: u64 = 16;

/// The cohorts of a scenario; `compared` are the policies of those without a policy of their own.
pub(super) fn cohorts(scenario: &Scenario, compared: &[(Policy, f64)]) -> Vec<Cohort> {
    let by_name = |policies: &[(Policy, f64)]| {
        let mut policies = policies.to_vec();
        policies.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        policies
    };
    if scenario.cohorts.is_empty() {
        return vec![Cohort {
            name: String::new(),
            client: scenario.client.clone(),
            fleet: scenario.fleet.clone(),
            policies: by_name(compared),
            network: None,
            app: None,
            region: None,
            first: 0,
        }];
    }
    let mut first = 0;
    let cohort = |spec: &crate::scenario::CohortSpec| {
        let cohort = Cohort {
            name: spec.name.clone(),
            client: spec.client.clone().unwrap_or_else(|| scenario.client.clone()),
            fleet: spec.fleet.clone(),
            policies: by_name(if spec.policy.is_some() { &spec.pinned } else { compared }),
            network: spec.network.clone(),
            app: spec.app.clone(),
            region: spec.region.clone(),
            first,
        };
        first += u64::from(spec.fleet.users);
        cohort
    };
    scenario.cohorts.iter().map(cohort).collect()
}

impl Cohort {
    /// The numbers of its users.
    pub(super) fn users(&self) -> std::ops::Range<u64> {
        self.first..self.first + u64::from(self.fleet.users)
    }
}

impl World {
    /// The cohort of a user.
    pub(super) fn cohort(&self, user: u64) -> &Cohort {
        self.cohorts.iter().find(|cohort| cohort.users().contains(&user)).expect("each user is of a cohort")
    }

    /// The habits of a user.
    pub(super) fn fleet(&self, user: u64) -> &FleetSpec {
        &self.cohort(user).fleet
    }

    /// Draw number `which` of a user.
    pub(super) fn draws_of(&self, user: u64, which: u64) -> Place {
        let cohort = self.cohort(user);
        match self.scenario.cohorts.is_empty() {
            true => (user, which),
            false => (origin(&cohort.name).wrapping_add(user - cohort.first), which),
        }
    }

    /// The first coordinate of a tab's draws.
    pub(super) fn tab_draws(&self, tab: u64) -> u64 {
        if self.scenario.cohorts.is_empty() {
            return tab;
        }
        let (user, within) = (tab / self.tabs_per_user, tab % self.tabs_per_user);
        let cohort = self.cohort(user);
        origin(&cohort.name).wrapping_add((user - cohort.first) * TABS).wrapping_add(within)
    }

    /// The policy of a user: in a mix, that of the user's share.
    pub(super) fn policy(&self, user: u64) -> &Policy {
        let policies = &self.cohort(user).policies;
        let bits = self.draws.of(Purpose::Rollout, self.draws_of(user, 0));
        let mut up_to = 0.0;
        for (policy, share) in policies {
            up_to += share;
            if chance(bits, up_to) {
                return policy;
            }
        }
        &policies.last().expect("at least one policy").0
    }

    /// The release that a user's browser runs: one that the user's policy brings, otherwise the cohort's.
    pub(super) fn release(&self, user: u64) -> &str {
        match &self.policy(user).client {
            Some(brought) => brought.name(),
            None => self.cohort(user).client.model().name(),
        }
    }
}
