//! Estimates the memory of a run before the run allocates any.

use crate::backend::limiter::Limiter;
use crate::backend::limiter::report::{CALLER_BYTES, KEY_BYTES};
use crate::backend::spec::LimitKey;
use crate::client::own::OwnFamily;
use crate::client::resilience::Resilience;
use crate::client::session_policy::SessionPolicy;
use crate::client::workload::Caller;
use crate::client::{Client, ForFamily, Prepared};
use crate::fleet::FleetSpec;
use crate::kernel::time::NS_PER_S;
use crate::metrics::grid::Grid;
use crate::metrics::latency::Latencies;
use crate::metrics::seconds::SECOND_BYTES;
use crate::metrics::tally::SessionCounts;
use crate::metrics::timeline::Bucket;
use crate::plan::{Arms, client_of, parts_of};
use crate::scenario::Loaded;
use crate::scenario::codes::ErrorCodes;
use crate::text::size;

/// A pending event, with its share of the memory of the queue.
const ENTRY: u64 = 18;
/// The token of a generic client.
const HELD_TOKEN: u64 = size_of::<super::callers::HeldToken>() as u64;
/// Sizes of [`SessionCounts`] per user: one for the collector's count of the session, one for selecting the worst
/// sessions.
const COUNTS: u64 = 2;

/// An estimate of the memory of one run, or of one part when the run has [parts](super::Plan::parts). Each core at work
/// needs this much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes per user, included in `bytes`.
    pub per_user: u64,
    /// Bytes that do not depend on the number of users alone: limits, timelines, queues of endpoints.
    pub fixed: u64,
}

impl MemoryEstimate {
    /// Says that a run needs more than this limit, in bytes; `None` if it fits.
    pub fn refusal(&self, users: u32, limit: u64) -> Option<String> {
        (self.bytes > limit).then(|| {
            format!(
                "a run needs about {}: {users} users at about {} bytes, {} for limits and timelines; limit {}",
                size::in_words(self.bytes),
                self.per_user,
                size::in_words(self.fixed),
                size::in_words(limit),
            )
        })
    }
}

/// Estimates the memory of one run: an upper bound for a quiet run, about right for a storm. The estimate depends on
/// the scenario only, not on the machine.
pub fn memory_estimate(loaded: &Loaded) -> MemoryEstimate {
    let scenario = &loaded.scenario;
    let arms: Vec<Arms> = loaded
        .policies
        .iter()
        .map(|policy| Arms::of(scenario, &policy.parts, policy.rollout.is_some()))
        .collect();
    let followed = arms.iter().flat_map(|arms| &arms.all).filter_map(|arm| arm.policy.resilience.as_ref());
    let tabs: Vec<u64> = scenario.fleets().map(|fleet| u64::from(fleet.tabs.most())).collect();
    let policies = arms.iter().flat_map(|arms| &arms.all).map(|arm| &arm.policy);
    let limits = &scenario.backend.limits;
    // Loading refuses a scenario with more codes than a run can hold.
    let codes = ErrorCodes::of(policies, &scenario.workloads, &scenario.faults, limits).unwrap_or_default();
    let of_arms = |arms: &Arms| {
        let tabs = arms.all.iter().map(|arm| tabs[arm.cohort]).collect();
        let of_user = OfUser { tabs, round_trip_s: scenario.backend.latency.mean_s() };
        client_of(scenario, arms, &codes).with(of_user)
    };
    let per_user = arms.iter().map(of_arms).max().unwrap_or(0)
        + COUNTS * size_of::<SessionCounts>() as u64
        + followed.map(Resilience::bytes).max().unwrap_or(0);
    // Parts of one core run one after another.
    let users = parts_of(scenario, &arms).iter().map(|part| part.len() as u64).max().unwrap_or(0);
    let clients: u64 = scenario.workloads.iter().map(|w| u64::from(w.clients)).sum();
    let named = scenario
        .workloads
        .iter()
        .map(|w| u64::from(w.clients) * w.resilience.as_ref().map_or(0, Resilience::bytes));
    let tokens = clients * if scenario.workloads.iter().any(|w| w.token.is_some()) { HELD_TOKEN } else { 0 };
    let callers = tokens
        + named.sum::<u64>()
        + clients * (size_of::<Caller>() as u64 + size_of::<SessionPolicy>() as u64 + ENTRY);
    let networks =
        |fleet: &FleetSpec| users.min(fleet.users.into()).div_ceil(u64::from(fleet.users_per_network).max(1));
    let keys = |key| match key {
        LimitKey::Global => 1,
        LimitKey::Region => (scenario.cohorts.len() + scenario.workloads.len()) as u64 + 1,
        LimitKey::App => scenario.fleets().map(|fleet| u64::from(fleet.apps)).sum(),
        LimitKey::Ip => scenario.fleets().map(networks).sum::<u64>() + clients,
        LimitKey::User | LimitKey::Session => users + clients,
    };
    let limits = scenario.backend.limits.iter();
    let limits = limits.map(|l| {
        let (of_key, of_caller) = if l.report_keys { (KEY_BYTES, CALLER_BYTES) } else { (0, 0) };
        let of_keys = keys(l.key).saturating_mul(Limiter::bytes_per_key(l).saturating_add(of_key as u64));
        of_keys.saturating_add((users + clients).saturating_mul(of_caller as u64))
    });
    let buckets = scenario.horizon.0.div_ceil(scenario.bucket.0.max(1));
    let timeline = buckets.saturating_mul(size_of::<Bucket>() as u64);
    let is_part = users < u64::from(scenario.users());
    let seconds = (scenario.horizon.0 / NS_PER_S).min(scenario.guard.max_events).saturating_mul(SECOND_BYTES);
    let seconds = if is_part { seconds } else { 0 };
    let timeline = timeline.saturating_add(Grid::MOST_BYTES + Latencies::MOST_BYTES).saturating_add(seconds);
    let fixed = limits.fold(timeline.saturating_add(callers), u64::saturating_add);
    MemoryEstimate { bytes: users.saturating_mul(per_user).saturating_add(fixed), per_user, fixed }
}

/// Memory of a user of the arm that needs most. `tabs` has the tabs of a user of each arm.
struct OfUser {
    tabs: Vec<u64>,
    round_trip_s: f64,
}

impl ForFamily for OfUser {
    type Output = u64;

    fn with<C: Client>(self, client: &Prepared<C>) -> u64 {
        let arms = client.setups.iter().zip(self.tabs);
        let each = arms.map(|(setup, tabs)| C::bytes_per_user(setup, tabs, ENTRY, self.round_trip_s));
        each.max().unwrap_or(0)
    }

    fn with_own(self, client: &dyn OwnFamily) -> u64 {
        let arms = self.tabs.into_iter().enumerate();
        let each = arms.map(|(arm, tabs)| client.bytes_per_user(arm, tabs, ENTRY, self.round_trip_s));
        each.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_text;

    #[test]
    fn the_estimate_grows_with_users_tabs_keys_and_buckets() {
        let base = include_str!("../../tests/bad_inputs/base.toml");
        let estimate = |set: &[&str]| {
            let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
            memory_estimate(&load_text("base.toml", base, &set).unwrap_or_else(|e| panic!("{e}")))
        };
        let small = estimate(&["fleet.users=1000"]);
        assert!((500..20_000).contains(&small.per_user), "{small:?}");
        let large = estimate(&["fleet.users=100000"]);
        assert_eq!(large.bytes - large.fixed, 100 * (small.bytes - small.fixed));
        assert!(estimate(&["fleet.users=1000", "fleet.tabs=8"]).per_user > 2 * small.per_user);
        let limited = |reports: bool| {
            let reports = format!("backend.limit[0].report-keys={reports}");
            estimate(&["fleet.users=1000", "backend.limit[0].key=user", &reports])
        };
        assert_eq!(limited(true).bytes - limited(false).bytes, 1_000 * (12 + 17));
        assert!(estimate(&["fleet.users=1000", "bucket=10ms"]).fixed > 10 * small.fixed);
    }
}
