//! The compiled backend: for each endpoint the faults and limits of its calls, with no lookups left.

use super::keys::Keys;
use super::pool::PoolSpec;
use super::spec::{BackendSpec, LimitSpec};
use crate::fault::{Fault, Strikes};
use crate::kernel::{Dist, Dur, Time};
use crate::protocol::{Endpoint, Failure};

/// The compiled settings of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Round-trip time, without queueing and service.
    pub latency: Dist,
    /// Round-trip time of a call that a limit or a full queue refuses; `latency` when absent.
    pub refused_latency: Option<Dist>,
    /// Time on the way to the workers; none when absent.
    pub request_latency: Option<Dist>,
    /// Index in [`Layout::pools`] of the workers; `None` if calls are served at once.
    pub pool: Option<u16>,
    /// Service time in a worker; zero when absent.
    pub service: Option<Dist>,
    /// Time after which the client gives up; `None` for never.
    pub timeout: Option<Dur>,
    /// Indices in [`Layout::faults`] of the faults that may strike a call, in order.
    pub faults: Vec<u16>,
    /// Indices in [`Layout::faults`] of the restarts that break its connections.
    pub restarts: Vec<u16>,
    /// The limits that judge a call, in order: first those in front of the faults.
    pub limits: Vec<RouteLimit>,
    /// Number of the limits in front of the faults.
    pub front: usize,
    /// Whether one of the limits counts a call when its answer is decided.
    pub settles: bool,
    /// Whether nothing stands in the way of a call: no limit, fault, restart or worker.
    pub is_plain: bool,
}

/// A limit that judges the calls of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteLimit {
    /// Its index in [`Layout::limits`].
    pub number: u16,
    /// How many requests a call counts as.
    pub cost: u32,
}

/// A backend made ready to run.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The compiled settings, by endpoint.
    pub routes: [Route; Endpoint::COUNT],
    /// Pools of workers, in the order of [`BackendSpec::all_pools`].
    pub pools: Vec<PoolSpec>,
    /// Limits, in the scenario's order.
    pub limits: Vec<LimitSpec>,
    /// What a refusal by each limit answers, without its `Retry-After`.
    pub refusals: Vec<Failure>,
    /// Faults, in the scenario's order.
    pub faults: Vec<Fault>,
    /// The keys of callers at limits.
    pub keys: Keys,
    /// Begin of the first fault or scripted action; the horizon without one. The verdicts of limits before it are
    /// counted separately, and demand is judged in the time before it.
    pub first_fault: Time,
    /// End of a run.
    pub horizon: Time,
}

impl Layout {
    /// The layout of this backend. A fault that begins at the horizon or later strikes no call. `codes` gives the bytes of
    /// error codes.
    pub fn new(
        spec: &BackendSpec,
        codes: &dyn Fn(&str) -> u8,
        faults: Vec<Fault>,
        keys: Keys,
        first_fault: Time,
        horizon: Time,
    ) -> Layout {
        let strikes = |fault: &Fault, endpoint: Endpoint, what: Strikes| {
            fault.kind.strikes() == what && fault.from < horizon && fault.endpoints[endpoint.index()]
        };
        let pools = spec.all_pools();
        let routes = Endpoint::ALL.map(|endpoint| {
            let own = spec.endpoint(endpoint);
            let limits = limits_of(spec, endpoint);
            let spec_of = |limit: &RouteLimit| &spec.limits[usize::from(limit.number)];
            let mut route = Route {
                latency: own.latency.as_ref().unwrap_or(&spec.latency).clone(),
                refused_latency: own.refused_latency.clone(),
                request_latency: own.request_latency.clone(),
                pool: pools.iter().position(|pool| pool.endpoints.contains(&endpoint)).map(|at| at as u16),
                service: own.service.clone(),
                timeout: own.timeout,
                faults: places(&faults, |fault| strikes(fault, endpoint, Strikes::Calls)),
                restarts: places(&faults, |fault| strikes(fault, endpoint, Strikes::Connections)),
                front: limits.iter().filter(|limit| spec_of(limit).in_front).count(),
                settles: limits.iter().any(|limit| spec_of(limit).counted().is_settled()),
                limits,
                is_plain: false,
            };
            route.is_plain = route.limits.is_empty()
                && route.faults.is_empty()
                && route.restarts.is_empty()
                && route.pool.is_none();
            route
        });
        let refusal = |limit: &LimitSpec| match limit.readable {
            false => Failure::NETWORK,
            true => Failure { code: limit.code.as_deref().map_or(0, codes), ..Failure::status(limit.status) },
        };
        let refusals = spec.limits.iter().map(refusal).collect();
        Layout { routes, pools, limits: spec.limits.clone(), refusals, faults, keys, first_fault, horizon }
    }

    /// The compiled settings of an endpoint.
    #[inline]
    pub fn route(&self, endpoint: Endpoint) -> &Route {
        &self.routes[endpoint.index()]
    }
}

/// The limits of an endpoint in the order in which they judge.
fn limits_of(spec: &BackendSpec, endpoint: Endpoint) -> Vec<RouteLimit> {
    let here = |limit: &LimitSpec| limit.endpoints.contains(&endpoint);
    let mut limits: Vec<RouteLimit> = places(&spec.limits, here)
        .into_iter()
        .map(|number| RouteLimit { number, cost: spec.limits[usize::from(number)].cost_at(endpoint) })
        .collect();
    limits.sort_by_key(|limit| !spec.limits[usize::from(limit.number)].in_front);
    limits
}

/// The indices of the items that satisfy a condition.
fn places<T>(items: &[T], is_meant: impl Fn(&T) -> bool) -> Vec<u16> {
    items.iter().enumerate().filter(|(_, item)| is_meant(item)).map(|(place, _)| place as u16).collect()
}
