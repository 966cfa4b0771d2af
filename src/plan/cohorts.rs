//! Cohorts made ready to run, and the policies that their users follow.

use crate::client::TabNumbers;
use crate::client::policy::Policy;
use crate::client::{AsIs, Model};
use crate::fleet::{FleetSpec, MAX_TABS, Tabs};
use crate::kernel::random::{Stream, chance, origin};
use crate::scenario::{ActionSpec, Scenario, Users};
use std::ops::Range;

/// A cohort made ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort {
    /// Its name; empty for the one cohort of a scenario without `[[cohort]]`.
    pub name: String,
    /// The numbers of its users.
    pub users: Range<u32>,
    /// Its users' habits.
    pub fleet: FleetSpec,
    /// First coordinate of the cohort's draws. Unused in a scenario without `[[cohort]]`, whose draws begin with the numbers
    /// of users and tabs.
    origin: u64,
}

impl Cohort {
    /// The cohorts of a scenario.
    pub(super) fn all(scenario: &Scenario) -> Vec<Cohort> {
        let cohort = |spec: crate::scenario::Cohort<'_>| Cohort {
            name: spec.name.to_owned(),
            users: spec.users,
            fleet: with_sorted_shares(spec.fleet),
            origin: origin(spec.name),
        };
        scenario.cohorts().into_iter().map(cohort).collect()
    }

    /// The first coordinate of a user's draws.
    #[inline]
    pub fn draws_of_user(&self, user: u32) -> u64 {
        self.origin.wrapping_add(u64::from(user - self.users.start))
    }

    /// The first coordinate of a tab's draws. It does not depend on the number of tabs that users of other cohorts have.
    #[inline]
    pub fn draws_of_tab(&self, tab: u32, tabs: TabNumbers) -> u64 {
        let user = tabs.user_of(tab);
        let within = tabs.within(tab, user);
        self.origin.wrapping_add(u64::from(user - self.users.start) * u64::from(MAX_TABS) + u64::from(within))
    }
}

/// The users that a share selects must not depend on the order in which a list names the shares.
fn with_sorted_shares(fleet: &FleetSpec) -> FleetSpec {
    let mut fleet = fleet.clone();
    if let Tabs::Shares(shares) = &mut fleet.tabs {
        shares.sort_by(|a, b| a.tabs.cmp(&b.tabs).then(a.share.total_cmp(&b.share)));
    }
    fleet
}

/// Sorts the policies of a mix: see [`with_sorted_shares`].
pub(super) fn sort_shares(parts: &mut [(Policy, f64)]) {
    parts.sort_by(|a, b| a.0.name.cmp(&b.0.name).then(a.1.total_cmp(&b.1)));
}

/// An arm: users of one cohort who follow one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// The index of the cohort.
    pub cohort: usize,
    /// The client of the users: that of the policy, else the cohort's.
    pub model: Model,
    /// The policy.
    pub policy: Policy,
    /// Share of the cohort's users.
    pub share: f64,
    /// Whether the users get the policy in the contender's rollout; before, they follow that of the arm in front.
    pub is_shipped: bool,
}

/// The arms of a contender, by cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct Arms {
    /// All arms. Those of a cohort follow one another.
    pub all: Vec<Arm>,
    /// The arms of each cohort, as places in `all`.
    pub of_cohorts: Vec<Range<usize>>,
}

impl Arms {
    /// The arms of a contender of these policies, in a scenario.
    pub(crate) fn of(scenario: &Scenario, compared: &[(Policy, f64)], is_rollout: bool) -> Arms {
        let mut arms = Arms { all: Vec::new(), of_cohorts: Vec::new() };
        for (index, cohort) in scenario.cohorts().into_iter().enumerate() {
            let of_cohort = cohort.client.model();
            let is_pinned = !cohort.pinned.is_empty();
            let mut parts = if is_pinned { cohort.pinned } else { compared }.to_vec();
            let first = arms.all.len();
            let ships = is_rollout && !is_pinned;
            if !ships {
                sort_shares(&mut parts);
            }
            let newest = parts.len().saturating_sub(1);
            let parts = parts.into_iter().enumerate();
            let arm = |(n, (policy, share)): (usize, (Policy, f64))| {
                let model = policy.client.as_ref().map_or(of_cohort, AsIs::model);
                Arm { cohort: index, model, policy, share, is_shipped: ships && n == newest }
            };
            arms.all.extend(parts.map(arm));
            arms.of_cohorts.push(first..arms.all.len());
        }
        arms
    }

    /// The arm of a user of this cohort. Where a cohort has several, one draw per user selects it. `draws` is the first
    /// coordinate of the user's draws.
    #[inline]
    pub fn arm_of(&self, cohort: usize, rollout: &Stream, draws: u64) -> usize {
        let arms = &self.of_cohorts[cohort];
        if arms.len() == 1 {
            return arms.start;
        }
        let bits = rollout.bits(draws, 0);
        let mut up_to = 0.0;
        for arm in arms.clone() {
            up_to += self.all[arm].share;
            if chance(bits, up_to) {
                return arm;
            }
        }
        arms.end - 1
    }
}

/// The users whom an action concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// The smallest known range that contains them.
    pub users: Range<u32>,
    /// The one user of an action that names one.
    pub one: Option<u32>,
}

impl Acting {
    pub(super) fn of(action: &ActionSpec, scenario: &Scenario) -> Acting {
        let cohorts = scenario.cohorts();
        let named =
            action.cohort.as_ref().and_then(|name| cohorts.iter().find(|cohort| cohort.name == *name));
        let within = named.map_or(0..scenario.users(), |cohort| cohort.users.clone());
        let shifted = match action.whom() {
            Users::Range(first, last) => {
                Users::Range(first.saturating_add(within.start), last.saturating_add(within.start))
            }
            whom => whom,
        };
        Acting {
            users: shifted.among(&within),
            one: action.user.map(|user| user.saturating_add(within.start)),
        }
    }
}
