//! Random numbers for the backend.

use crate::backend::keys::Keys;
use crate::backend::layout::Route;
use crate::backend::spec::LimitKey;
use crate::fault::{Fault, Only, ShareOf};
use crate::kernel::Dur;
use crate::kernel::random::{Purpose, Stream, chance};
use crate::protocol::Endpoint;

/// Random numbers for the backend.
#[derive(Clone, Debug)]
pub struct Draws {
    /// Round-trip times.
    pub latency: Stream,
    /// Times on the way to the workers.
    pub request_latency: Stream,
    /// Service times.
    pub service: Stream,
    /// The users, addresses, apps and regions of a share.
    pub shares: Stream,
    /// The streams of one fault after those of another, each with as many: see [`FaultStreams`](crate::fault::FaultStreams).
    faults: Vec<Stream>,
    /// Streams of a fault.
    per_fault: usize,
}

impl Draws {
    /// The streams of one replication.
    pub fn new(seed: u64, replication: u32, faults: &[Fault]) -> Draws {
        let named = |name: &String| Stream::named(seed, replication, Purpose::Fault, name);
        Draws {
            latency: Stream::new(seed, replication, Purpose::Latency, 0),
            request_latency: Stream::new(seed, replication, Purpose::RequestLatency, 0),
            service: Stream::new(seed, replication, Purpose::Service, 0),
            shares: Stream::new(seed, replication, Purpose::Action, 0),
            faults: faults.iter().flat_map(|fault| &fault.streams.names).map(named).collect(),
            per_fault: faults.first().map_or(1, |fault| fault.streams.names.len()),
        }
    }

    /// The stream of a fault, by its place, for calls of an endpoint.
    #[inline]
    pub fn fault(&self, place: usize, fault: &Fault, endpoint: Endpoint) -> &Stream {
        self.fault_of(place, fault.streams.of_endpoints[endpoint.index()].into())
    }

    /// The stream of a fault, by its place, for the clients of a family, by the family's place among those of the scenario.
    #[inline]
    pub fn fault_of(&self, place: usize, family: usize) -> &Stream {
        &self.faults[place * self.per_fault + family]
    }

    /// Whether a fault may strike the calls of this user, or generic client numbered after the users.
    pub fn concerns(&self, fault: &Fault, keys: &Keys, user: u32) -> bool {
        fault.regions.as_ref().is_none_or(|struck| struck.regions[keys.region_of(user) as usize])
            && fault.only.is_none_or(|only| self.is_of_share(only, keys, user))
    }

    fn is_of_share(&self, only: Only, keys: &Keys, user: u32) -> bool {
        // Actions on a share of the users draw with 0.
        let (key, which) = match only.of {
            ShareOf::User => (LimitKey::User, 0),
            ShareOf::Ip => (LimitKey::Ip, 1),
            ShareOf::App => (LimitKey::App, 2),
            ShareOf::Region => (LimitKey::Region, 3),
        };
        chance(self.shares.bits(keys.of(key, user).into(), which), only.share)
    }

    /// The round-trip time of a call of this route.
    #[inline]
    pub fn round_trip(&self, route: &Route, at: (u64, u64)) -> Dur {
        route.latency.sample_with(|| self.latency.bits(at.0, at.1))
    }
}
