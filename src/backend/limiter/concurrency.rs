//! Concurrency: needs `limit`.
//!
//! A key has at most `limit` calls in progress. The caller reports the end of each admitted call by `release`. The
//! limiter does not know when a call in progress will end. A refusal therefore gives a wait of zero, which means
//! "unknown". A limit of 0 gives "never".

use super::Verdict;
use crate::kernel::Dur;

/// A count of calls in progress per key.
#[derive(Clone, Debug)]
pub(super) struct Concurrency {
    limit: u32,
    in_progress: Vec<u32>,
}

/// Memory per key, in bytes.
pub(super) const KEY_BYTES: usize = size_of::<u32>();

impl Concurrency {
    /// A limiter without calls in progress.
    pub(super) fn new(limit: u32, keys: u32) -> Concurrency {
        Concurrency { limit, in_progress: vec![0; keys as usize] }
    }

    /// Decides on a request. The caller must release an admitted one.
    #[inline]
    pub(super) fn ask(&mut self, key: usize) -> Verdict {
        if self.in_progress[key] < self.limit {
            self.in_progress[key] += 1;
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait() }
        }
    }

    /// Zero, which means "unknown"; the greatest duration, which means "never", for a limit of 0.
    pub(super) fn wait(&self) -> Dur {
        if self.limit == 0 { Dur(u64::MAX) } else { Dur::ZERO }
    }

    /// Records that an admitted call has been answered.
    ///
    /// # Panics
    /// If the key has no call in progress. This is a bug of the caller.
    #[inline]
    pub(super) fn release(&mut self, key: usize) {
        let left = self.in_progress[key].checked_sub(1);
        self.in_progress[key] = left.expect("a call is released once, after it was admitted");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{admits, admitted};
    use super::*;

    #[test]
    fn a_released_place_is_taken_again() {
        let mut limiter = Concurrency::new(2, 2);
        assert_eq!(admitted((0..5).map(|_| limiter.ask(0))), 2);
        assert_eq!(limiter.ask(0), Verdict::Refuse { wait: Dur::ZERO });
        assert!(admits(limiter.ask(1)), "keys do not share places");
        limiter.release(0);
        assert_eq!(admitted((0..5).map(|_| limiter.ask(0))), 1);
    }

    #[test]
    fn limit_zero_never_passes() {
        assert_eq!(Concurrency::new(0, 1).ask(0), Verdict::Refuse { wait: Dur(u64::MAX) });
    }

    #[test]
    #[should_panic(expected = "released once")]
    fn a_release_without_a_call_in_progress_panics() {
        Concurrency::new(2, 1).release(0);
    }
}
