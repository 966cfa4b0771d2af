//! The compiled backend: for each endpoint the faults and limits of its calls, with no lookups left.

use super::keys::Keys;
use super::spec::{BackendSpec, LimitSpec};
use crate::fault::Fault;
use crate::kernel::{Dist, Dur, Time};
use crate::protocol::Endpoint;

/// The compiled settings of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Round-trip time, without queueing and service.
    pub latency: Dist,
    /// Round-trip time of a call that a limit or a full queue refuses; `latency` when absent.
    pub refused_latency: Option<Dist>,
    /// The number of workers; `None` if calls are served at once.
    pub workers: Option<u32>,
    /// Calls that may wait for a worker; `None` for any number.
    pub queue: Option<u32>,
    /// Service time in a worker; zero when absent.
    pub service: Option<Dist>,
    /// Time after which the client gives up; `None` for never.
    pub timeout: Option<Dur>,
    /// Indices in [`Layout::faults`] of the faults that may strike a call, in order.
    pub faults: Vec<u16>,
    /// Indices in [`Layout::limits`] of the limits that judge a call, in order.
    pub limits: Vec<u16>,
}

/// A backend made ready to run.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The compiled settings, by endpoint.
    pub routes: [Route; Endpoint::COUNT],
    /// Limits, in the scenario's order.
    pub limits: Vec<LimitSpec>,
    /// Faults, in the scenario's order.
    pub faults: Vec<Fault>,
    /// The keys of callers at limits.
    pub keys: Keys,
    /// Begin of the first fault or scripted action; the horizon without one. The verdicts of limits before it are
    /// counted separately, and demand is judged in the time before it.
    pub first_fault: Time,
}

impl Layout {
    /// The layout of this backend. A fault that begins at the horizon or later strikes no call.
    pub fn new(
        spec: &BackendSpec,
        faults: Vec<Fault>,
        keys: Keys,
        first_fault: Time,
        horizon: Time,
    ) -> Layout {
        let strikes = |fault: &Fault, endpoint: Endpoint| {
            !fault.strikes_sessions() && fault.from < horizon && fault.endpoints[endpoint.index()]
        };
        let routes = Endpoint::ALL.map(|endpoint| {
            let own = spec.endpoint(endpoint);
            Route {
                latency: own.latency.as_ref().unwrap_or(&spec.latency).clone(),
                refused_latency: own.refused_latency.clone(),
                workers: own.workers,
                queue: own.queue,
                service: own.service.clone(),
                timeout: own.timeout,
                faults: places(&faults, |fault| strikes(fault, endpoint)),
                limits: places(&spec.limits, |limit| limit.endpoints.contains(&endpoint)),
            }
        });
        Layout { routes, limits: spec.limits.clone(), faults, keys, first_fault }
    }

    /// The compiled settings of an endpoint.
    #[inline]
    pub fn route(&self, endpoint: Endpoint) -> &Route {
        &self.routes[endpoint.index()]
    }
}

/// The indices of the items that satisfy a condition.
fn places<T>(items: &[T], is_meant: impl Fn(&T) -> bool) -> Vec<u16> {
    items.iter().enumerate().filter(|(_, item)| is_meant(item)).map(|(place, _)| place as u16).collect()
}
