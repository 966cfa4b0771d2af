//! Random numbers for the backend.

use crate::backend::layout::Route;
use crate::fault::Fault;
use crate::kernel::Dur;
use crate::kernel::random::{Purpose, Stream};

/// Random numbers for the backend.
#[derive(Clone, Debug)]
pub struct Draws {
    /// Round-trip times.
    pub latency: Stream,
    /// Service times.
    pub service: Stream,
    /// One stream per fault, selected by the fault's name.
    pub faults: Vec<Stream>,
}

impl Draws {
    /// The streams of one replication.
    pub fn new(seed: u64, replication: u32, faults: &[Fault]) -> Draws {
        let of_fault = |fault: &Fault| Stream::named(seed, replication, Purpose::Fault, &fault.stream);
        Draws {
            latency: Stream::new(seed, replication, Purpose::Latency, 0),
            service: Stream::new(seed, replication, Purpose::Service, 0),
            faults: faults.iter().map(of_fault).collect(),
        }
    }

    /// The round-trip time of a call of this route.
    #[inline]
    pub fn round_trip(&self, route: &Route, at: (u64, u64)) -> Dur {
        route.latency.sample_with(|| self.latency.bits(at.0, at.1))
    }
}
