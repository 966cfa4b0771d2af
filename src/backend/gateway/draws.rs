//! Random numbers for the backend.

use crate::backend::keys::Keys;
use crate::backend::layout::Route;
use crate::backend::spec::LimitKey;
use crate::fault::{Fault, Only, ShareOf};
use crate::kernel::Dur;
use crate::kernel::random::{Purpose, Stream, chance};

/// Random numbers for the backend.
#[derive(Clone, Debug)]
pub struct Draws {
    /// Round-trip times.
    pub latency: Stream,
    /// Times on the way to the workers.
    pub request_latency: Stream,
    /// Service times.
    pub service: Stream,
    /// The users, addresses and apps of a share.
    pub shares: Stream,
    /// One stream per fault, selected by the fault's name.
    pub faults: Vec<Stream>,
}

impl Draws {
    /// The streams of one replication.
    pub fn new(seed: u64, replication: u32, faults: &[Fault]) -> Draws {
        let of_fault = |fault: &Fault| Stream::named(seed, replication, Purpose::Fault, &fault.stream);
        Draws {
            latency: Stream::new(seed, replication, Purpose::Latency, 0),
            request_latency: Stream::new(seed, replication, Purpose::RequestLatency, 0),
            service: Stream::new(seed, replication, Purpose::Service, 0),
            shares: Stream::new(seed, replication, Purpose::Action, 0),
            faults: faults.iter().map(of_fault).collect(),
        }
    }

    /// Whether a share of the callers contains this user, or generic client numbered after the users.
    pub fn concerns(&self, only: Only, keys: &Keys, user: u32) -> bool {
        // Actions on a share of the users draw with 0.
        let (key, which) = match only.of {
            ShareOf::User => (LimitKey::User, 0),
            ShareOf::Ip => (LimitKey::Ip, 1),
            ShareOf::App => (LimitKey::App, 2),
        };
        chance(self.shares.bits(keys.of(key, user).into(), which), only.share)
    }

    /// The round-trip time of a call of this route.
    #[inline]
    pub fn round_trip(&self, route: &Route, at: (u64, u64)) -> Dur {
        route.latency.sample_with(|| self.latency.bits(at.0, at.1))
    }
}
