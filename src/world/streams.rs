//! Random streams, one per purpose.
//!
//! Each fault has its own stream, selected by its name. Draws of generic workloads share a stream and differ by their
//! coordinates, which begin at the workload's [origin](crate::client::workload::Workload::origin).

use crate::backend::gateway::Draws;
use crate::fault::Fault;
use crate::kernel::random::{Purpose, Stream};

/// The streams of one replication.
pub(super) struct Streams {
    pub arrival: Stream,
    pub tabs: Stream,
    pub rollout: Stream,
    pub focus: Stream,
    pub focus_lasts: Stream,
    pub jitter: Stream,
    pub app: Stream,
    pub set_active: Stream,
    pub reload: Stream,
    pub offline: Stream,
    pub sign_in: Stream,
    pub generic: Stream,
    pub visit: Stream,
    pub action: Stream,
    pub clock: Stream,
    pub throttle: Stream,
    pub sleep: Stream,
    pub late: Stream,
    pub backend: Draws,
}

impl Streams {
    pub(super) fn new(seed: u64, replication: u32, faults: &[Fault]) -> Streams {
        let one = |purpose| Stream::new(seed, replication, purpose, 0);
        Streams {
            arrival: one(Purpose::Arrival),
            tabs: one(Purpose::Tabs),
            rollout: one(Purpose::Rollout),
            focus: one(Purpose::Focus),
            focus_lasts: one(Purpose::FocusLasts),
            jitter: one(Purpose::Jitter),
            app: one(Purpose::App),
            set_active: one(Purpose::SetActive),
            reload: one(Purpose::Reload),
            offline: one(Purpose::Offline),
            sign_in: one(Purpose::SignIn),
            generic: one(Purpose::Generic),
            visit: one(Purpose::Visit),
            action: one(Purpose::Action),
            clock: one(Purpose::Clock),
            throttle: one(Purpose::Throttle),
            sleep: one(Purpose::Sleep),
            late: one(Purpose::Lateness),
            backend: Draws::new(seed, replication, faults),
        }
    }
}

/// One coordinate for a draw of a tab: the first coordinate of the tab's draws, what it is doing, and the number among equal
/// draws of the instant.
pub(super) fn coordinates(tab: u64, what: u8, ordinal: u8) -> u64 {
    tab << 16 | u64::from(what) << 8 | u64::from(ordinal)
}
