//! Concurrency: needs `limit`.
//!
//! At most `limit` calls of a key are being answered at once; the caller gives each admitted one back by `release`.
//! When a place becomes free depends on calls in progress, which the limiter does not know: a refusal says to wait
//! zero, meaning "unknown". Only a limit of 0 says "never".

use super::Verdict;
use crate::kernel::Dur;

/// One count per key.
#[derive(Clone, Debug)]
pub(super) struct Concurrency {
    limit: u32,
    in_progress: Vec<u32>,
}

/// Bytes per key.
pub(super) const KEY_BYTES: usize = size_of::<u32>();

impl Concurrency {
    /// Nothing is in progress.
    pub(super) fn new(limit: u32, keys: u32) -> Concurrency {
        Concurrency { limit, in_progress: vec![0; keys as usize] }
    }

    /// The verdict on a request; an admitted one must be released.
    #[inline]
    pub(super) fn ask(&mut self, key: usize) -> Verdict {
        if self.in_progress[key] < self.limit {
            self.in_progress[key] += 1;
            Verdict::Admit { delay: Dur::ZERO }
        } else {
            Verdict::Refuse { wait: self.wait() }
        }
    }

    /// Unknown, said as zero; "never" for a limit of 0.
    pub(super) fn wait(&self) -> Dur {
        if self.limit == 0 { Dur(u64::MAX) } else { Dur::ZERO }
    }

    /// An admitted call has been answered.
    ///
    /// # Panics
    /// When none of this key is in progress: a bug of the caller.
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
    fn a_call_too_many_released_is_a_bug() {
        Concurrency::new(2, 1).release(0);
    }
}
