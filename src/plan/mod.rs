//! A plan: a scenario made ready to run, with names resolved to indices and failure sets compiled to bits.

mod cohorts;
mod groups;

pub use cohorts::{Acting, Arm, Arms, Cohort};
pub use groups::{GroupKind, Grouping};

use crate::backend::layout::Layout;
use crate::backend::spec::{LimitKey, LimitKind};
use crate::client::TabNumbers;
use crate::client::app::Reaction;
use crate::client::family::Context;
use crate::client::policy::Policy;
use crate::client::resilience::Per;
use crate::client::workload::{GENERIC, Workload};
use crate::client::{AnyClient, ArmSpec, AsIs, Families, Model};
use crate::fault::{Fault, FaultSpec, FaultStreams, stream_names};
use crate::kernel::Time;
use crate::kernel::random::Stream;
use crate::protocol::Endpoint;
use crate::scenario::codes::ErrorCodes;
use crate::scenario::keys::{keys_of, regions_of};
use crate::scenario::users::most_opened;
use crate::scenario::{self, Rollout, Scenario};
use cohorts::sort_shares;
use std::ops::Range;

/// Users of a part: enough that the fixed costs of a part are small, few enough that their state fits a core's cache.
pub(crate) const PART: u32 = 8_192;

/// A contender of a comparison: one policy, or a mix with the shares of its policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// Its name in results.
    pub name: String,
    /// Its policies and their shares of the users.
    pub parts: Vec<(Policy, f64)>,
    /// When users change from the first of the two policies to the second; absent without a rollout.
    pub rollout: Option<Rollout>,
}

impl Contender {
    /// Users that all run one policy.
    pub fn of(name: impl Into<String>, policy: Policy) -> Contender {
        Contender { name: name.into(), parts: vec![(policy, 1.0)], rollout: None }
    }
}

/// A scenario made ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario.
    pub scenario: Scenario,
    /// The contenders to compare.
    pub contenders: Vec<Contender>,
    /// The client family of each contender, with the data and the compiled rules of its arms.
    pub clients: Vec<AnyClient>,
    /// The families of all clients of the scenario.
    pub families: Families,
    /// The cohorts, in the order of their users.
    pub cohorts: Vec<Cohort>,
    /// The arms of each contender.
    pub arms: Vec<Arms>,
    /// The users whom each scripted action concerns, in the scenario's order.
    pub acting: Vec<Acting>,
    /// End of a run.
    pub horizon: Time,
    /// The numbers of the users' tabs.
    pub tabs: TabNumbers,
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
    pub fn new(scenario: Scenario, mut contenders: Vec<Contender>) -> Plan {
        for contender in contenders.iter_mut().filter(|contender| contender.rollout.is_none()) {
            sort_shares(&mut contender.parts);
        }
        let arms: Vec<Arms> =
            contenders.iter().map(|c| Arms::of(&scenario, &c.parts, c.rollout.is_some())).collect();
        let followed = || arms.iter().flat_map(|arms| &arms.all).map(|arm| &arm.policy);
        let codes =
            ErrorCodes::of(followed(), &scenario.workloads, &scenario.faults, &scenario.backend.limits)
                .unwrap_or_else(|e| panic!("the scenario was not checked: {} error codes", e.found));
        let families = scenario.families(arms.iter().flat_map(|arms| &arms.all).map(|arm| arm.model));
        let streams = streams_of(&scenario.faults, families);
        let regions = regions_of(&scenario);
        let faults: Vec<Fault> = scenario
            .faults
            .iter()
            .zip(streams)
            .map(|(spec, streams)| {
                let code = spec.kind.code().map_or(0, |code| codes.byte(code));
                Fault::new(spec, streams, code, Time(scenario.horizon.0), &regions)
            })
            .collect();
        let begins = faults.iter().filter(|f| f.kind.harms()).map(|f| f.from);
        let begins = begins.chain(scenario.actions.iter().map(|action| Time(action.at.0)));
        let first_fault = begins.min().unwrap_or(Time::NEVER).min(Time(scenario.horizon.0));
        let clients = arms.iter().map(|arms| client_of(&scenario, arms, &codes)).collect();
        let limit_codes = codes.clone();
        let codes = codes.into_names();
        let horizon = Time(scenario.horizon.0);
        let workloads = Workload::all(&scenario.workloads, &codes);
        let keys = keys_of(&scenario);
        let most_tabs = scenario.fleets().map(|fleet| fleet.tabs.most()).max().unwrap_or(1);
        Plan {
            horizon,
            tabs: TabNumbers::new(most_tabs + most_opened(&scenario.actions)),
            clients,
            families,
            cohorts: Cohort::all(&scenario),
            arms,
            acting: scenario.actions.iter().map(|action| Acting::of(action, &scenario)).collect(),
            contenders,
            backend: Layout::new(
                &scenario.backend,
                &|code| limit_codes.byte(code),
                faults,
                keys,
                first_fault,
                horizon,
            ),
            workloads,
            codes,
            scenario,
        }
    }

    /// The index of a user's cohort.
    #[inline]
    pub fn cohort_of(&self, user: u32) -> usize {
        self.backend.keys.cohort_of(user)
    }

    /// The first coordinate of a user's draws.
    #[inline]
    pub fn draws_of_user(&self, user: u32) -> u64 {
        if self.scenario.cohorts.is_empty() {
            return u64::from(user);
        }
        self.cohorts[self.cohort_of(user)].draws_of_user(user)
    }

    /// The first coordinate of a tab's draws.
    #[inline]
    pub fn draws_of_tab(&self, tab: u32) -> u64 {
        if self.scenario.cohorts.is_empty() {
            return u64::from(tab);
        }
        self.cohorts[self.cohort_of(self.tabs.user_of(tab))].draws_of_tab(tab, self.tabs)
    }

    /// The place of a user's arm among [`Plan::arms`] of a contender.
    #[inline]
    pub fn arm_of(&self, contender: usize, rollout: &Stream, user: u32) -> usize {
        self.arms[contender].arm_of(self.cohort_of(user), rollout, self.draws_of_user(user))
    }

    /// When a user gets a policy in the contender's rollout, and the arm of that policy. `None` for a user whom none reaches.
    #[inline]
    pub fn shipped_to(&self, contender: usize, rollout: &Stream, user: u32) -> Option<(Time, usize)> {
        let ramp = self.contenders[contender].rollout?;
        let arm = self.arm_of(contender, rollout, user);
        let at = || ramp.when(rollout, self.draws_of_user(user));
        self.arms[contender].all[arm].is_shipped.then(|| (at(), arm))
    }

    /// The arm whose policy a user follows at a time: in a rollout the one in front of the user's own until it reaches the
    /// user.
    #[inline]
    pub fn arm_at(&self, contender: usize, rollout: &Stream, user: u32, now: Time) -> usize {
        if self.contenders[contender].rollout.is_none() {
            return self.arm_of(contender, rollout, user);
        }
        match self.shipped_to(contender, rollout, user) {
            Some((at, arm)) if now < at => arm - 1,
            _ => self.arm_of(contender, rollout, user),
        }
    }

    /// The client of a user: the same in all arms that the user may follow.
    pub fn model_of(&self, contender: usize, rollout: &Stream, user: u32) -> Model {
        self.arms[contender].all[self.arm_of(contender, rollout, user)].model
    }

    /// The client of the users of an arm, in words.
    pub fn client_in_words(&self, arm: &Arm) -> String {
        let cohorts = self.scenario.cohorts();
        let client = cohorts[arm.cohort].client;
        match (&arm.policy.client, &client.profile) {
            (Some(client), _) => client.name().to_owned(),
            (None, Some(profile)) => profile.sdk.name.clone(),
            (None, None) => client.in_words(),
        }
    }

    /// The names of the clients of a contender's users that no recording confirms, each once.
    pub fn unrecorded(&self, contender: usize) -> Vec<String> {
        let cohorts = self.scenario.cohorts();
        let mut names: Vec<String> = Vec::new();
        for arm in &self.arms[contender].all {
            let unrecorded = match &arm.policy.client {
                Some(client) => client.unrecorded(),
                None => cohorts[arm.cohort].client.unrecorded(),
            };
            names.extend(unrecorded.filter(|name| !names.contains(name)));
        }
        names
    }

    /// The families of the clients of a contender's users.
    pub fn families_of(&self, contender: usize) -> Families {
        match self.scenario.users() {
            0 => self.families,
            _ => self.arms[contender].all.iter().map(|arm| arm.model).collect(),
        }
    }

    /// Whether a run may call an endpoint, by endpoint. Users call those of their families, generic clients their own.
    pub fn called(&self) -> [bool; Endpoint::COUNT] {
        let mut called = [false; Endpoint::COUNT];
        for endpoint in self.families.endpoints() {
            called[endpoint.index()] = match endpoint {
                GENERIC => !self.workloads.is_empty(),
                _ => self.scenario.users() > 0,
            };
        }
        called
    }

    /// Splits the users into independent parts, each of which runs by itself. There is one part when something ties all
    /// users together, or when there are few users. The split depends on the scenario only, so results do not depend on
    /// the number of cores.
    ///
    /// Users are tied together by a limit that is not per IP address, user or session, by a block of numbered keys, by a
    /// queue, by a fault with a maximum number of calls, by generic clients, and by a policy whose limits belong to a process.
    pub fn parts(&self) -> Vec<Range<u32>> {
        parts_of(&self.scenario, &self.arms)
    }

    /// The fewest users that run by themselves and contain this one: whom limits of its IP address tie to it, or all users where
    /// something ties all together.
    ///
    /// # Panics
    /// When the scenario has no such user.
    pub fn tied_to(&self, user: u32) -> Range<u32> {
        let Some(units) = units_of(&self.scenario, &self.arms) else { return 0..self.scenario.users() };
        let (cohort, unit) = units
            .into_iter()
            .find(|(users, _)| users.contains(&user))
            .expect("the user belongs to the scenario");
        let start = user - (user - cohort.start) % unit;
        start..start.saturating_add(unit).min(cohort.end)
    }
}

/// The client family of a contender, compiled for its arms.
pub(crate) fn client_of(scenario: &Scenario, arms: &Arms, codes: &ErrorCodes) -> AnyClient {
    let code = |code: &str| codes.byte(code);
    let cohorts = scenario.cohorts();
    let mut specs: Vec<ArmSpec<'_>> = Vec::new();
    for arm in &arms.all {
        let scenario::Cohort { client, fleet, app, users, .. } = &cohorts[arm.cohort];
        let own = arm.policy.client.as_ref().and_then(AsIs::profile);
        let context = Context {
            max_rounds: client.max_rounds,
            token_life_s: scenario.backend.token_life_s(),
            refresh_token_reuse: scenario.backend.refresh_token_reuse,
            profile: own.or(client.profile.as_ref()),
            apps: if app.is_some() { 1 } else { fleet.apps },
            first_user: users.start,
            objects: client.objects,
            storage_ignores_removals: client.storage_ignores_removals,
            multi_session: fleet.multi_session,
            reaction: Reaction {
                act: fleet.app_reaction,
                from: Time(fleet.app_reaction_from.0),
                to: fleet.app_reaction_to.map_or(Time::NEVER, |to| Time(to.0)),
            },
            focus: fleet.document_focus,
            updated_at: scenario.backend.session_updated_at,
            focus_touch_with_client: scenario.backend.focus_touch_with_client,
            code: &code,
        };
        specs.push(ArmSpec { model: arm.model, context, policy: &arm.policy });
    }
    match &scenario.client.own {
        Some(own) => own.compile(&specs, codes.names()),
        None => AnyClient::new(&specs, codes.names()),
    }
}

/// The names of the random streams of each fault, one per family of the scenario's clients: a fault strikes the clients of a family
/// as it does where no other family is. Also returns which of them the calls of each endpoint have.
fn streams_of(faults: &[FaultSpec], families: Families) -> Vec<FaultStreams> {
    let mut of_endpoints = [0; Endpoint::COUNT];
    for endpoint in Endpoint::ALL {
        of_endpoints[endpoint.index()] = families.caller_of(endpoint) as u8;
    }
    let mut all: Vec<FaultStreams> =
        faults.iter().map(|_| FaultStreams { names: Vec::new(), of_endpoints }).collect();
    for family in families.iter() {
        let names = stream_names(faults, &Families::one(family).endpoints());
        all.iter_mut().zip(names).for_each(|(streams, name)| streams.names.push(name));
    }
    all
}

/// Computes [`Plan::parts`].
pub(crate) fn parts_of<'a>(scenario: &Scenario, arms: impl IntoIterator<Item = &'a Arms>) -> Vec<Range<u32>> {
    let Some(units) = units_of(scenario, arms) else {
        return std::iter::once(0..scenario.users()).collect();
    };
    let mut parts: Vec<Range<u32>> = Vec::new();
    for (Range { start, end }, unit) in units {
        let size = PART.div_ceil(unit).saturating_mul(unit);
        let starts = (0..(end - start).div_ceil(size)).map(|n| start + n * size);
        parts.extend(starts.map(|start| start..start.saturating_add(size).min(end)));
    }
    // A run without users has one empty part.
    if parts.is_empty() {
        parts.push(0..0);
    }
    parts
}

/// The users of each cohort, and how many of them, one after another, are tied together. `None` when something ties all users
/// together: see [`Plan::parts`].
fn units_of<'a>(
    scenario: &Scenario,
    arms: impl IntoIterator<Item = &'a Arms>,
) -> Option<Vec<(Range<u32>, u32)>> {
    let mut policies = arms.into_iter().flat_map(|arms| &arms.all).map(|arm| &arm.policy);
    let backend = &scenario.backend;
    let cohorts = scenario.cohorts();
    let by_network = backend.limits.iter().any(|limit| limit.key == LimitKey::Ip);
    let shared_key = |key| matches!(key, LimitKey::Global | LimitKey::App | LimitKey::Region);
    let tied = !scenario.workloads.is_empty()
        || backend
            .limits
            .iter()
            .any(|limit| shared_key(limit.key) || matches!(limit.kind, LimitKind::Block(_)))
        || (by_network && cohorts.iter().any(|cohort| cohort.network.is_some()))
        || !backend.all_pools().is_empty()
        || scenario.faults.iter().any(|fault| fault.count.is_some())
        || policies.any(|policy| policy.resilience.as_ref().is_some_and(|it| it.per == Per::Process));
    if tied {
        return None;
    }
    let unit_of = |cohort: scenario::Cohort<'_>| {
        (cohort.users, if by_network { cohort.fleet.users_per_network.max(1) } else { 1 })
    };
    Some(cohorts.into_iter().map(unit_of).collect())
}
