//! The events of a replay that are due at a time.

use crate::client::token::{Key, Reply, Request, Timer};
use crate::kernel::Time;

/// Kind of a due event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    Timer(Key, Timer),
    /// An answer. The number is the request's index in the list.
    Answer(Key, Request, Reply, usize, AsRecorded),
    /// A poll of a page: tab, load of the tab, index.
    Poll(u32, u32, usize),
    /// An action, by its index.
    Act(usize),
    /// The answer to the recorder's own discovery request, by its index.
    PutIn(usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum AsRecorded {
    Status(u16),
    NetworkError,
}

/// A due event. Order: by time, then actions last, then in the order of scheduling.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub t: Time,
    pub action: bool,
    pub number: u64,
    pub due: Due,
}

impl At {
    fn key(&self) -> (Time, bool, u64) {
        (self.t, self.action, self.number)
    }
}
impl PartialEq for At {
    fn eq(&self, other: &At) -> bool {
        self.key() == other.key()
    }
}
impl Eq for At {}
impl PartialOrd for At {
    fn partial_cmp(&self, other: &At) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for At {
    fn cmp(&self, other: &At) -> std::cmp::Ordering {
        other.key().cmp(&self.key())
    }
}
