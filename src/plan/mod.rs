//! A plan: a scenario made ready to run, with names resolved to indices and failure sets compiled to bits.

use crate::backend::keys::Keys;
use crate::backend::layout::Layout;
use crate::backend::spec::LimitKey;
use crate::client::AnyClient;
use crate::client::app::Reaction;
use crate::client::family::Context;
use crate::client::policy::Policy;
use crate::client::workload::{GENERIC, Workload};
use crate::fault::{Fault, stream_names};
use crate::fleet::Tabs;
use crate::kernel::Time;
use crate::protocol::Endpoint;
use crate::scenario::Scenario;
use crate::scenario::codes::ErrorCodes;
use crate::scenario::users::most_opened;
use std::ops::Range;

/// Users of a part: enough that the fixed costs of a part are small, few enough that their state fits a core's cache.
const PART: u32 = 8_192;

/// A contender of a comparison: one policy, or a mix with the shares of its policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// Its name in results.
    pub name: String,
    /// Its policies and their shares of the users.
    pub parts: Vec<(Policy, f64)>,
}

/// A scenario made ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario.
    pub scenario: Scenario,
    /// The contenders to compare.
    pub contenders: Vec<Contender>,
    /// The client family, with the compiled rules of each contender's policies.
    pub client: AnyClient,
    /// End of a run.
    pub horizon: Time,
    /// The most tabs of a user. The tabs of user `u` are numbered from `u * tabs_per_user`.
    pub tabs_per_user: u32,
    /// The compiled backend: faults, limits and queues by endpoint.
    pub backend: Layout,
    /// The scenario's error codes. Index 0 stands for no code.
    pub codes: Vec<String>,
    /// Generic workloads. Limits number their clients after the fleet's users.
    pub workloads: Vec<Workload>,
}

impl Plan {
    /// Compiles a checked scenario.
    ///
    /// # Panics
    /// When the scenario has more error codes than a run can hold. Loading refuses such a scenario.
    pub fn new(mut scenario: Scenario, mut contenders: Vec<Contender>) -> Plan {
        // The users that a share selects must not depend on the order in which a list names the shares.
        for contender in &mut contenders {
            contender.parts.sort_by(|a, b| a.0.name.cmp(&b.0.name).then(a.1.total_cmp(&b.1)));
        }
        if let Tabs::Shares(shares) = &mut scenario.fleet.tabs {
            shares.sort_by(|a, b| a.tabs.cmp(&b.tabs).then(a.share.total_cmp(&b.share)));
        }
        let policies = contenders.iter().flat_map(|c| &c.parts).map(|(policy, _)| policy);
        let codes = ErrorCodes::of(policies, &scenario.workloads, &scenario.faults)
            .unwrap_or_else(|e| panic!("the scenario was not checked: {} error codes", e.found));
        let streams = stream_names(&scenario.faults, &scenario.client.model().endpoints());
        let faults: Vec<Fault> = scenario
            .faults
            .iter()
            .zip(streams)
            .map(|(spec, stream)| {
                Fault::new(spec, stream, spec.kind.code().map_or(0, |code| codes.byte(code)))
            })
            .collect();
        let begins = faults.iter().filter(|f| f.kind.harms()).map(|f| f.from);
        let begins = begins.chain(scenario.actions.iter().map(|action| Time(action.at.0)));
        let first_fault = begins.min().unwrap_or(Time::NEVER).min(Time(scenario.horizon.0));
        let parts: Vec<Vec<&Policy>> =
            contenders.iter().map(|c| c.parts.iter().map(|(policy, _)| policy).collect()).collect();
        let client = client_of(&scenario, &parts, &codes);
        let codes = codes.into_names();
        let fleet = &scenario.fleet;
        let horizon = Time(scenario.horizon.0);
        let workloads = Workload::all(&scenario.workloads, &codes);
        let keys = Keys {
            users: fleet.users,
            users_per_network: fleet.users_per_network,
            apps: fleet.apps,
            clients: workloads.iter().map(Workload::as_callers).collect(),
        };
        Plan {
            horizon,
            tabs_per_user: fleet.tabs.most() + most_opened(&scenario.actions),
            client,
            contenders,
            backend: Layout::new(&scenario.backend, faults, keys, first_fault, horizon),
            workloads,
            codes,
            scenario,
        }
    }

    /// Whether a run may call an endpoint, by endpoint. Users call those of their family, generic clients their own.
    pub fn called(&self) -> [bool; Endpoint::COUNT] {
        let mut called = [false; Endpoint::COUNT];
        for endpoint in self.scenario.client.model().endpoints() {
            called[endpoint.index()] = match endpoint {
                GENERIC => !self.workloads.is_empty(),
                _ => self.scenario.fleet.users > 0,
            };
        }
        called
    }

    /// Splits the users into independent parts, each of which runs by itself. There is one part when something ties all
    /// users together, or when there are few users. The split depends on the scenario only, so results do not depend on
    /// the number of cores.
    ///
    /// Users are tied together by a limit that is not per IP address, user or session, by a queue, by a fault with a
    /// maximum number of calls, and by generic clients.
    pub fn parts(&self) -> Vec<Range<u32>> {
        parts_of(&self.scenario)
    }

    /// The part that contains a user.
    ///
    /// # Panics
    /// When the scenario has no such user.
    pub fn part_of(&self, user: u32) -> Range<u32> {
        self.parts().into_iter().find(|part| part.contains(&user)).expect("the user belongs to the scenario")
    }
}

/// The scenario's client family, compiled for all contenders.
pub(crate) fn client_of(scenario: &Scenario, contenders: &[Vec<&Policy>], codes: &ErrorCodes) -> AnyClient {
    let fleet = &scenario.fleet;
    let context = Context {
        max_rounds: scenario.client.max_rounds,
        token_life_s: scenario.backend.token_life_s(),
        refresh_token_reuse: scenario.backend.refresh_token_reuse,
        profile: scenario.client.profile.as_ref(),
        objects: scenario.client.objects,
        storage_ignores_removals: scenario.client.storage_ignores_removals,
        multi_session: fleet.multi_session,
        reaction: Reaction {
            act: fleet.app_reaction,
            from: Time(fleet.app_reaction_from.0),
            to: fleet.app_reaction_to.map_or(Time::NEVER, |to| Time(to.0)),
        },
        code: &|code| codes.byte(code),
    };
    match &scenario.client.own {
        Some(own) => own.compile(&context, contenders, codes.names()),
        None => AnyClient::new(scenario.client.model(), &context, contenders, codes.names()),
    }
}

/// Computes [`Plan::parts`].
pub(crate) fn parts_of(scenario: &Scenario) -> Vec<Range<u32>> {
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
