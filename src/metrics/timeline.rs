//! Counts per bucket of virtual time.

use crate::backend::Endpoint;
use crate::kernel::{Dur, Time};
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

/// Selects a time that buckets sum over sessions or callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// [`Bucket::without_token_ns`]
    WithoutToken,
    /// [`Bucket::waiting_ns`]
    Waiting,
}

impl Bucket {
    #[inline]
    fn spent(&mut self, what: Spent) -> &mut u128 {
        match what {
            Spent::WithoutToken => &mut self.without_token_ns,
            Spent::Waiting => &mut self.waiting_ns,
        }
    }
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

    /// Adds the time from `from` to `to` of one session or caller.
    ///
    /// This writes at most four buckets, even if the time spans more. Until [`Timeline::sum_spent`] each bucket holds
    /// its difference from the one before.
    #[inline]
    pub fn spend(&mut self, what: Spent, from: Time, to: Time) {
        if from < to {
            self.begin(what, from);
            self.end(what, to, 1);
        }
    }

    /// Adds the time from `from` on of one session or caller, until [`Timeline::end`].
    #[inline]
    pub fn begin(&mut self, what: Spent, from: Time) {
        self.spend_from(what, from, u128::wrapping_add);
    }

    /// Ends the time of this many sessions or callers at `to`.
    #[inline]
    pub fn end(&mut self, what: Spent, to: Time, count: u64) {
        self.spend_from(what, to, |sum, time| sum.wrapping_sub(time * u128::from(count)));
    }

    /// Applies `change` for time from `from` without end: to the rest of its bucket and to all later ones.
    #[inline]
    fn spend_from(&mut self, what: Spent, from: Time, change: impl Fn(u128, u128) -> u128) {
        let width = self.bucket.0;
        let (index, begun) = ((from.0 / width) as usize, from.0 % width);
        if let Some(bucket) = self.buckets.get_mut(index) {
            let spent = bucket.spent(what);
            *spent = change(*spent, u128::from(width - begun));
        }
        if let Some(bucket) = self.buckets.get_mut(index + 1) {
            let spent = bucket.spent(what);
            *spent = change(*spent, u128::from(begun));
        }
    }

    /// Converts the differences that [`Timeline::spend`] left into the time per bucket. Call it once, after the last
    /// `spend`.
    pub fn sum_spent(&mut self) {
        for what in [Spent::WithoutToken, Spent::Waiting] {
            let mut sum = 0u128;
            for bucket in &mut self.buckets {
                let spent = bucket.spent(what);
                sum = sum.wrapping_add(*spent);
                *spent = sum;
            }
        }
    }

    /// The bucket of time `t`. The horizon belongs to the last one.
    #[inline]
    pub fn at(&mut self, t: Time) -> &mut Bucket {
        let index = (t.0 / self.bucket.0) as usize;
        let last = self.buckets.len() - 1;
        &mut self.buckets[index.min(last)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spend_adds_the_time_to_every_bucket_that_it_spans() {
        // Buckets of 10 ns, the last one clipped at 35 ns. By hand: 3 to 27 adds 7, 10 and 7; 12 to 14 adds 2 to the
        // second; 30 to 35 adds 5 to the last; 20 to 20 adds nothing; 10 to 20 fills the second.
        let mut timeline = Timeline::new(Dur(10), Dur(35));
        for (from, to) in [(3, 27), (12, 14), (30, 35), (20, 20), (10, 20)] {
            timeline.spend(Spent::WithoutToken, Time(from), Time(to));
        }
        // Three callers from 0, of which two leave at 10 and one at 35.
        (0..3).for_each(|_| timeline.begin(Spent::Waiting, Time(0)));
        timeline.end(Spent::Waiting, Time(10), 2);
        timeline.end(Spent::Waiting, Time(35), 1);
        timeline.sum_spent();
        let of = |value: fn(&Bucket) -> u128| timeline.buckets.iter().map(value).collect::<Vec<_>>();
        assert_eq!(of(|b| b.without_token_ns), [7, 22, 7, 5]);
        assert_eq!(of(|b| b.waiting_ns), [30, 10, 10, 5]);
    }
}
