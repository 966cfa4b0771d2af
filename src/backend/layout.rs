//! A backend made ready to run: what stands in the way of a call of each endpoint, with nothing left to look up.

use super::keys::Keys;
use super::spec::{BackendSpec, LimitSpec};
use crate::fault::Fault;
use crate::kernel::{Dist, Dur, Time};
use crate::protocol::Endpoint;

/// What every call of one endpoint meets.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Round-trip time, without queueing and service.
    pub latency: Dist,
    /// Round-trip time of a call that a limit or a full queue refuses; `latency` when absent.
    pub refused_latency: Option<Dist>,
    /// Workers; without them a call is served at once.
    pub workers: Option<u32>,
    /// Calls that may wait for a worker; any number when absent.
    pub queue: Option<u32>,
    /// Service time in a worker; zero when absent.
    pub service: Option<Dist>,
    /// How long the client waits for an answer; for ever when absent.
    pub timeout: Option<Dur>,
    /// Faults that may strike a call, by their places in [`Layout::faults`], in order.
    pub faults: Vec<u16>,
    /// Limits that a call meets, by their places in [`Layout::limits`], in order.
    pub limits: Vec<u16>,
}

/// A backend made ready to run.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What calls meet, by endpoint.
    pub routes: [Route; Endpoint::COUNT],
    /// Limits, in the scenario's order.
    pub limits: Vec<LimitSpec>,
    /// Faults, in the scenario's order.
    pub faults: Vec<Fault>,
    /// Who shares a limit.
    pub keys: Keys,
    /// When the first fault or scripted action begins; the horizon without one. Verdicts of limits are counted apart
    /// before it, and demand is judged in the time before it.
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

    /// What calls of this endpoint meet.
    #[inline]
    pub fn route(&self, endpoint: Endpoint) -> &Route {
        &self.routes[endpoint.index()]
    }
}

/// The places of the items that are meant.
fn places<T>(items: &[T], is_meant: impl Fn(&T) -> bool) -> Vec<u16> {
    items.iter().enumerate().filter(|(_, item)| is_meant(item)).map(|(place, _)| place as u16).collect()
}
