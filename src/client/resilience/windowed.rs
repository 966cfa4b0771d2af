//! A sum over the last seconds, kept in slices: the bucket behind Finagle's and tower's budgets.

use crate::kernel::{Dur, Time};

/// A sum that forgets. A slice is closed by the first look after its time, and then begins anew at that look.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Windowed<const CLOSED: usize> {
    closed: [i64; CLOSED],
    place: usize,
    open: i64,
    since: Time,
}

impl<const CLOSED: usize> Default for Windowed<CLOSED> {
    fn default() -> Self {
        Windowed { closed: [0; CLOSED], place: 0, open: 0, since: Time::ZERO }
    }
}

impl<const CLOSED: usize> Windowed<CLOSED> {
    /// Closes the slice under way if its time is over. `skipped` says how many slices passed without a look, from the time
    /// since the slice began and the length of a slice in nanoseconds.
    pub(super) fn turn(&mut self, now: Time, slice: Dur, skipped: impl Fn(u64, u64) -> u64) {
        let time = now.since(self.since).0;
        if time < slice.0 {
            return;
        }
        self.closed[self.place] = std::mem::take(&mut self.open);
        self.place = (self.place + 1) % CLOSED;
        for _ in 0..skipped(time, slice.0).min(CLOSED as u64) {
            self.closed[self.place] = 0;
            self.place = (self.place + 1) % CLOSED;
        }
        self.since = now;
    }

    /// The sum.
    pub(super) fn sum(&self) -> i64 {
        self.closed.iter().sum::<i64>() + self.open
    }

    /// Adds to the slice under way.
    pub(super) fn add(&mut self, amount: i64) {
        self.open += amount;
    }
}
