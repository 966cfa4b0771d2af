//! Counts per bucket of virtual time.

use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::protocol::Outcome;

/// Counts per bucket of virtual time. A call counts in the bucket in which it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Width of a bucket.
    pub bucket: Dur,
    /// The buckets in order of time. The horizon may clip the last one.
    pub buckets: Vec<Bucket>,
}

/// Counts of one bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Calls by `[endpoint][outcome]`.
    pub calls: [[u64; Outcome::COUNT]; Endpoint::COUNT],
    /// Users signed out while the server still knew their session.
    pub false_sign_outs: u64,
    /// Users signed out after the server had revoked their session.
    pub true_sign_outs: u64,
    /// Users signed out after their client's reuse of a refresh token had ended their session.
    pub reuse_sign_outs: u64,
    /// Entries of the unauthenticated flow.
    pub flow_entries: u64,
    /// Recursive entries, included in `flow_entries`.
    pub recursive_entries: u64,
    /// Greatest depth of an entry, or 0 without one.
    pub depth_max: u64,
    /// Nanoseconds without an unexpired token, summed over the signed-in browser sessions.
    pub without_token_ns: u128,
    /// Nanoseconds of waiting, summed over the app callers.
    pub waiting_ns: u128,
}

const EMPTY: Bucket = Bucket {
    calls: [[0; Outcome::COUNT]; Endpoint::COUNT],
    false_sign_outs: 0,
    true_sign_outs: 0,
    reuse_sign_outs: 0,
    flow_entries: 0,
    recursive_entries: 0,
    depth_max: 0,
    without_token_ns: 0,
    waiting_ns: 0,
};

impl Timeline {
    /// A timeline with all counts zero.
    pub fn new(bucket: Dur, horizon: Dur) -> Timeline {
        let count = horizon.0.div_ceil(bucket.0).max(1);
        Timeline {
            bucket,
            buckets: vec![EMPTY; usize::try_from(count).expect("checked against the row limit")],
        }
    }

    /// Adds the counts of other sessions, over the same buckets.
    pub fn add(&mut self, other: &Timeline) {
        for (mine, more) in self.buckets.iter_mut().zip(&other.buckets) {
            for (mine, more) in mine.calls.iter_mut().flatten().zip(more.calls.iter().flatten()) {
                *mine += more;
            }
            mine.false_sign_outs += more.false_sign_outs;
            mine.true_sign_outs += more.true_sign_outs;
            mine.reuse_sign_outs += more.reuse_sign_outs;
            mine.flow_entries += more.flow_entries;
            mine.recursive_entries += more.recursive_entries;
            mine.depth_max = mine.depth_max.max(more.depth_max);
            mine.without_token_ns += more.without_token_ns;
            mine.waiting_ns += more.waiting_ns;
        }
    }
}
