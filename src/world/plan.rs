//! A scenario made ready to run: names resolved, sets of answers as bits, nothing left to look up.

use crate::backend::spec::{EndpointSpec, LimitKey};
use crate::backend::{BackendSpec, Endpoint};
use crate::client::generic::Workload;
use crate::client::page::{CODES_NOT_TAKEN_FOR_A_LOST_SESSION, Reaction, Rules, Setup};
use crate::client::policy::Policy;
use crate::client::release::{DEFAULT_MAX_ROUNDS, Release};
use crate::fault::{FaultKind, FaultSpec, stream_names};
use crate::kernel::{Dist, Dur, Time};
use crate::scenario::Scenario;
use crate::scenario::codes::ErrorCodes;
use crate::scenario::users::most_opened;
use std::ops::Range;

/// The error code that makes the client ask /tokens again with its expired token (`Session`, `MissingExpiredTokenError`).
pub const MISSING_EXPIRED_TOKEN: &str = "missing_expired_token";

/// Users of a part: so many that the fixed costs of a part do not show, so few that their state stays in a core's cache.
const PART: u32 = 8_192;

/// One policy of a comparison: a single one, or a mix with the shares of its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// Its name in results.
    pub name: String,
    /// Its policies and their shares of the users.
    pub parts: Vec<(Policy, f64)>,
}

/// A fault, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What it does.
    pub kind: FaultKind,
    /// Which endpoints it hits, by number.
    pub endpoints: [bool; Endpoint::COUNT],
    /// Its window, the end excluded.
    pub from: Time,
    /// The end of its window.
    pub to: Time,
    /// How likely it hits.
    pub probability: f64,
    /// How often it hits at most.
    pub count: u64,
    /// `status`: what is answered.
    pub failure: crate::client::policy::Failure,
    /// `latency`: what is added.
    pub add: Dist,
    /// `revocation`: which share.
    pub share: f64,
    /// The name of its random stream.
    pub stream: String,
}

/// A scenario made ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario.
    pub scenario: Scenario,
    /// The policies to compare.
    pub contenders: Vec<Contender>,
    /// The rules of each contender's parts.
    pub rules: Vec<Vec<Rules>>,
    /// What is the same for all pages.
    pub setup: Setup,
    /// End of a run.
    pub horizon: Time,
    /// Tabs of a user at most; the tabs of user `u` are numbered from `u * tabs_per_user`.
    pub tabs_per_user: u32,
    /// Faults in the scenario's order.
    pub faults: Vec<Fault>,
    /// When the first fault or scripted action begins; the horizon without one. Demand is judged in the time before it.
    pub first_fault: Time,
    /// Which faults may hit a call of an endpoint, and whether any does.
    pub faults_of: [Vec<u16>; Endpoint::COUNT],
    /// Which limits a call of an endpoint meets, in order.
    pub limits_of: [Vec<u16>; Endpoint::COUNT],
    /// Error codes; index 0 stands for none.
    pub codes: Vec<String>,
    /// Generic workloads. To limits their clients are users numbered after the fleet's.
    pub workloads: Vec<Workload>,
}

impl Plan {
    /// Makes a checked scenario ready.
    ///
    /// # Panics
    /// When the scenario has more error codes than a run can hold, which no scenario that loads has.
    pub fn new(scenario: Scenario, contenders: Vec<Contender>) -> Plan {
        let policies = contenders.iter().flat_map(|c| &c.parts).map(|(policy, _)| policy);
        let codes = ErrorCodes::of(policies, &scenario.workloads, &scenario.faults)
            .unwrap_or_else(|e| panic!("a scenario that was not checked: {} error codes", e.found));
        let streams = stream_names(&scenario.faults);
        let faults: Vec<Fault> = scenario
            .faults
            .iter()
            .zip(streams)
            .map(|(spec, stream)| compile_fault(spec, stream, &codes))
            .collect();
        let begins = faults.iter().filter(|f| f.kind != FaultKind::Pass).map(|f| f.from);
        let begins = begins.chain(scenario.actions.iter().map(|action| Time(action.at.0)));
        let first_fault = begins.min().unwrap_or(Time::NEVER).min(Time(scenario.horizon.0));
        let missing_expired_token = codes.byte(MISSING_EXPIRED_TOKEN);
        let not_taken_for_a_lost_session = CODES_NOT_TAKEN_FOR_A_LOST_SESSION.map(|code| codes.byte(code));
        let codes = codes.into_names();
        let rules = contenders
            .iter()
            .map(|c| c.parts.iter().map(|(policy, _)| Rules::of(policy, &codes)).collect())
            .collect();
        let by_endpoint = |hits: &dyn Fn(usize, Endpoint) -> bool, count: usize| {
            Endpoint::ALL.map(|e| (0..count).filter(|i| hits(*i, e)).map(|i| i as u16).collect::<Vec<u16>>())
        };
        let faults_of = by_endpoint(
            &|i, e| {
                let fault: &Fault = &faults[i];
                // The horizon is the last instant of a run, and no longer one of its faults.
                let begins = fault.from < Time(scenario.horizon.0);
                fault.kind != FaultKind::Revocation && begins && fault.endpoints[e as usize]
            },
            faults.len(),
        );
        let limits = &scenario.backend.limits;
        let limits_of = by_endpoint(&|i, e| limits[i].endpoints.contains(&e), limits.len());
        let fleet = &scenario.fleet;
        let setup = Setup {
            release: Release::of(
                scenario.client.model,
                scenario.client.max_rounds.unwrap_or(DEFAULT_MAX_ROUNDS),
            ),
            token_life_s: u32::try_from(scenario.backend.token_life.0 / crate::kernel::time::NS_PER_S)
                .unwrap_or(u32::MAX),
            multi_session: fleet.multi_session,
            reaction: Reaction {
                act: fleet.app_reaction,
                from: Time(fleet.app_reaction_from.0),
                to: fleet.app_reaction_to.map_or(Time::NEVER, |to| Time(to.0)),
            },
            missing_expired_token,
            not_taken_for_a_lost_session,
        };
        Plan {
            horizon: Time(scenario.horizon.0),
            tabs_per_user: fleet.tabs.most() + most_opened(&scenario.actions),
            setup,
            rules,
            contenders,
            faults,
            first_fault,
            faults_of,
            limits_of,
            workloads: Workload::all(&scenario.workloads, &codes),
            codes,
            scenario,
        }
    }

    /// What the scenario says about the backend.
    pub fn backend(&self) -> &BackendSpec {
        &self.scenario.backend
    }

    /// What the scenario says about an endpoint.
    pub fn endpoint(&self, endpoint: Endpoint) -> &EndpointSpec {
        self.scenario.backend.endpoint(endpoint)
    }

    /// Which endpoints somebody may call: generic clients their own, users the others.
    pub fn called(&self) -> [bool; Endpoint::COUNT] {
        Endpoint::ALL.map(|endpoint| match endpoint {
            Endpoint::Generic => !self.workloads.is_empty(),
            _ => self.scenario.fleet.users > 0,
        })
    }

    /// Generic clients, of all workloads.
    pub fn clients(&self) -> u32 {
        self.workloads.last().map_or(0, |w| w.first_client + w.clients)
    }

    /// How many keys a limit of this kind of key has.
    pub fn keys(&self, key: LimitKey) -> u32 {
        let fleet = &self.scenario.fleet;
        let networks = |w: Option<&Workload>| {
            w.map_or(0, |w| w.first_network + w.clients.div_ceil(w.clients_per_network))
        };
        match key {
            LimitKey::Global => 1,
            LimitKey::App => fleet.apps,
            LimitKey::Ip => fleet.users.div_ceil(fleet.users_per_network) + networks(self.workloads.last()),
            LimitKey::User | LimitKey::Session => fleet.users + self.clients(),
        }
    }

    /// The keys of these users for a limit of this kind of key: all, or those of a part that shares none with others.
    pub(super) fn keys_of(&self, key: LimitKey, users: &Range<u32>) -> Range<u32> {
        if users.len() as u32 == self.scenario.fleet.users {
            return 0..self.keys(key);
        }
        match key {
            LimitKey::User | LimitKey::Session => users.clone(),
            LimitKey::Ip => {
                let per_network = self.scenario.fleet.users_per_network;
                users.start / per_network..users.end.div_ceil(per_network)
            }
            LimitKey::Global | LimitKey::App => unreachable!("these limits tie all users together"),
        }
    }

    /// The users in parts that have nothing to do with each other, each to be run by itself: one part when something
    /// ties all users together, or when they are few. It depends on the scenario alone, so results do not depend on how
    /// many cores there are.
    ///
    /// Users are tied together by a limit that is not per IP address, user or session, by a queue, by a fault that hits
    /// so many calls at most, and by generic clients.
    pub fn parts(&self) -> Vec<Range<u32>> {
        parts_of(&self.scenario)
    }

    /// The part that a user belongs to.
    ///
    /// # Panics
    /// When the scenario has no such user.
    pub fn part_of(&self, user: u32) -> Range<u32> {
        self.parts().into_iter().find(|part| part.contains(&user)).expect("the user is one of the scenario's")
    }

    /// The key of a user, or of a generic client numbered after the users, for a limit of this kind of key: apps are
    /// dealt in turn, networks filled one after another.
    #[inline]
    pub fn key(&self, key: LimitKey, user: u32) -> u32 {
        let fleet = &self.scenario.fleet;
        match key {
            LimitKey::Global => 0,
            LimitKey::App => user % fleet.apps,
            LimitKey::Ip if user < fleet.users => user / fleet.users_per_network,
            LimitKey::Ip => self.network_of_client(user - fleet.users),
            LimitKey::User | LimitKey::Session => user,
        }
    }

    fn network_of_client(&self, client: u32) -> u32 {
        let fleet = &self.scenario.fleet;
        let workload = &self.workloads[self.workload_of(client)];
        let within = (client - workload.first_client) / workload.clients_per_network;
        fleet.users.div_ceil(fleet.users_per_network) + workload.first_network + within
    }

    /// The workload of a generic client.
    #[inline]
    pub fn workload_of(&self, client: u32) -> usize {
        self.workloads.partition_point(|w| w.first_client <= client) - 1
    }
}

/// See [`Plan::parts`].
pub(super) fn parts_of(scenario: &Scenario) -> Vec<Range<u32>> {
    let Scenario { fleet, backend, .. } = scenario;
    let shared_key = |key| matches!(key, LimitKey::Global | LimitKey::App);
    let tied = !scenario.workloads.is_empty()
        || backend.limits.iter().any(|limit| shared_key(limit.key))
        || Endpoint::ALL.into_iter().any(|endpoint| backend.endpoint(endpoint).workers.is_some())
        || scenario.faults.iter().any(|fault| fault.count.is_some());
    let by_network = backend.limits.iter().any(|limit| limit.key == LimitKey::Ip);
    let unit = if by_network { fleet.users_per_network.max(1) } else { 1 };
    let size = PART.div_ceil(unit).saturating_mul(unit);
    let size = if tied { fleet.users } else { size.min(fleet.users) }.max(1);
    let starts = (0..fleet.users.div_ceil(size).max(1)).map(|n| n * size);
    starts.map(|start| start..start.saturating_add(size).min(fleet.users)).collect()
}

fn compile_fault(spec: &FaultSpec, stream: String, codes: &ErrorCodes) -> Fault {
    let everywhere = spec.endpoints.is_empty();
    Fault {
        kind: spec.kind,
        endpoints: Endpoint::ALL.map(|e| everywhere || spec.endpoints.contains(&e)),
        from: Time(spec.from.0),
        to: spec.to.map_or(Time::NEVER, |to| Time(to.0)),
        probability: spec.probability,
        count: spec.count.unwrap_or(u64::MAX),
        failure: crate::client::policy::Failure {
            status: spec.status.unwrap_or(0),
            code: spec.code.as_deref().map_or(0, |code| codes.byte(code)),
            retry_after_s: spec.retry_after_s.unwrap_or(0),
        },
        add: spec.add.clone().unwrap_or(Dist::Constant(Dur::ZERO)),
        share: spec.share.unwrap_or(0.0),
        stream,
    }
}
