//! Penalty block: key `penalty`, for a limiter of any kind.
//!
//! After a refusal at t, every request of the key in `[t, t + penalty)` is refused. These requests do not reach the
//! limiter (one that counts refused calls does not count them). The limiter decides again on the first request at or
//! after the end of the block. If it refuses that request, a new block begins. With `penalty-prolonged` each request
//! within a block begins it anew: the key is blocked until it has not called for the length of the penalty
//! (express-rate-limit issue 325).

use crate::kernel::{Dur, Time};

/// The beginning of a block per key.
#[derive(Clone, Debug)]
pub(super) struct Penalty {
    length: Dur,
    prolonged: bool,
    /// Times of the latest refusals by the limiter; [`Time::NEVER`] before the first. An end could exceed the clock's
    /// range.
    begins: Vec<Time>,
}

/// Memory per key, in bytes.
pub(super) const KEY_BYTES: usize = size_of::<Time>();
const _: () = assert!(KEY_BYTES == 8);

impl Penalty {
    /// A penalty without blocked keys.
    pub(super) fn new(length: Dur, prolonged: bool, keys: u32) -> Penalty {
        Penalty { length, prolonged, begins: vec![Time::NEVER; keys as usize] }
    }

    /// A request comes. Returns the rest of the block if the key is blocked: all of it when the request prolongs it.
    #[inline]
    pub(super) fn called(&mut self, key: usize, now: Time) -> Option<Dur> {
        let left = self.left(key, now);
        if left == Dur::ZERO {
            return None;
        }
        if self.prolonged {
            self.start(key, now);
            return Some(self.length);
        }
        Some(left)
    }

    /// Remaining time of the block at `now`; zero if the limiter decides on the key.
    #[inline]
    pub(super) fn left(&self, key: usize, now: Time) -> Dur {
        let begin = self.begins[key];
        if begin <= now { Dur(self.length.0.saturating_sub(now.since(begin).0)) } else { Dur::ZERO }
    }

    /// Starts a block after a refusal by the limiter.
    #[inline]
    pub(super) fn start(&mut self, key: usize, now: Time) {
        self.begins[key] = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_half_open_and_its_key_s_own() {
        let mut penalty = Penalty::new(Dur(10), false, 2);
        assert_eq!(penalty.left(0, Time(0)), Dur::ZERO);
        penalty.start(0, Time(5));
        for (now, left) in [(5, 10), (14, 1), (15, 0), (99, 0)] {
            assert_eq!(penalty.left(0, Time(now)), Dur(left), "at {now}");
            assert_eq!(penalty.left(1, Time(now)), Dur::ZERO, "at {now}");
        }
    }

    #[test]
    fn a_penalty_of_zero_blocks_nothing_and_a_block_may_outlast_the_clock() {
        let mut none = Penalty::new(Dur::ZERO, false, 1);
        none.start(0, Time(5));
        assert_eq!(none.left(0, Time(5)), Dur::ZERO);
        let mut long = Penalty::new(Dur(u64::MAX), false, 1);
        long.start(0, Time(u64::MAX - 3));
        assert_eq!(long.left(0, Time(u64::MAX - 1)), Dur(u64::MAX - 2));
    }
    #[test]
    fn a_call_prolongs_a_block_only_where_the_scenario_says_so() {
        for (prolonged, left) in [(false, [None, Some(4), None]), (true, [None, Some(10), Some(10)])] {
            let mut penalty = Penalty::new(Dur(10), prolonged, 1);
            assert_eq!(penalty.called(0, Time(3)).map(|left| left.0), left[0]);
            penalty.start(0, Time(3));
            assert_eq!(penalty.called(0, Time(9)).map(|left| left.0), left[1], "{prolonged}");
            // The first block ends at 13, the prolonged one at 19.
            assert_eq!(penalty.called(0, Time(13)).map(|left| left.0), left[2], "{prolonged}");
        }
    }
}
