//! A timeline of a run in progress.

use super::timeline::{Bucket, Timeline};
use crate::kernel::{Dur, Time};

/// Selects a time that buckets sum over sessions or callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
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

/// A timeline that the events of a run fill, most of them in order of time.
pub(super) struct Filling {
    timeline: Timeline,
    /// The bucket of the last event. The next one is mostly in the same bucket, so it needs no division.
    last: Place,
    /// The bucket in which the last ended call was sent, for the same reason. It is mostly earlier than `last`.
    last_sent: Place,
}

/// A bucket: its number, and when it begins.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    index: usize,
    begin: u64,
}

impl Place {
    /// Moves to the bucket of time `t`, which may lie beyond the run. Returns its number, and the time since its begin.
    #[inline]
    fn find(&mut self, t: Time, width: Dur) -> (usize, u64) {
        let since = t.0.wrapping_sub(self.begin);
        if since < width.0 {
            return (self.index, since);
        }
        let begun = t.0 % width.0;
        *self = Place { index: (t.0 / width.0) as usize, begin: t.0 - begun };
        (self.index, begun)
    }
}

impl Filling {
    /// A timeline with all counts zero.
    pub(super) fn new(bucket: Dur, horizon: Dur) -> Filling {
        Filling {
            timeline: Timeline::new(bucket, horizon),
            last: Place::default(),
            last_sent: Place::default(),
        }
    }

    /// The bucket of time `t`. The horizon belongs to the last one.
    #[inline]
    pub(super) fn at(&mut self, t: Time) -> &mut Bucket {
        let (index, _) = self.last.find(t, self.timeline.bucket);
        self.bucket(index)
    }

    /// As [`Filling::at`], for the time at which a call was sent.
    #[inline]
    pub(super) fn at_sent(&mut self, t: Time) -> &mut Bucket {
        let (index, _) = self.last_sent.find(t, self.timeline.bucket);
        self.bucket(index)
    }

    #[inline]
    fn bucket(&mut self, index: usize) -> &mut Bucket {
        let last = self.timeline.buckets.len() - 1;
        &mut self.timeline.buckets[index.min(last)]
    }

    /// Adds the time from `from` to `to` of one session or caller.
    ///
    /// This writes at most four buckets, even if the time spans more. Until [`Filling::finish`] each bucket holds its
    /// difference from the one before.
    #[inline]
    pub(super) fn spend(&mut self, what: Spent, from: Time, to: Time) {
        if from < to {
            self.begin(what, from);
            self.end(what, to, 1);
        }
    }

    /// Adds the time from `from` on of one session or caller, until [`Filling::end`].
    #[inline]
    pub(super) fn begin(&mut self, what: Spent, from: Time) {
        self.spend_from(what, from, u128::wrapping_add);
    }

    /// Ends the time of this many sessions or callers at `to`.
    #[inline]
    pub(super) fn end(&mut self, what: Spent, to: Time, count: u64) {
        self.spend_from(what, to, |sum, time| sum.wrapping_sub(time * u128::from(count)));
    }

    /// Applies `change` for time from `from` without end: to the rest of its bucket and to all later ones.
    #[inline]
    fn spend_from(&mut self, what: Spent, from: Time, change: impl Fn(u128, u128) -> u128) {
        let (index, begun) = self.last.find(from, self.timeline.bucket);
        let Timeline { bucket, buckets } = &mut self.timeline;
        if let Some(place) = buckets.get_mut(index) {
            let spent = place.spent(what);
            *spent = change(*spent, u128::from(bucket.0 - begun));
        }
        if let Some(place) = buckets.get_mut(index + 1) {
            let spent = place.spent(what);
            *spent = change(*spent, u128::from(begun));
        }
    }

    /// The timeline. Converts the differences that [`Filling::spend`] left into the time per bucket.
    pub(super) fn finish(mut self) -> Timeline {
        for what in [Spent::WithoutToken, Spent::Waiting] {
            let mut sum = 0u128;
            for bucket in &mut self.timeline.buckets {
                let spent = bucket.spent(what);
                sum = sum.wrapping_add(*spent);
                *spent = sum;
            }
        }
        self.timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spend_adds_the_time_to_every_bucket_that_it_spans() {
        // Buckets of 10 ns, the last one clipped at 35 ns. By hand: 3 to 27 adds 7, 10 and 7; 12 to 14 adds 2 to the
        // second; 30 to 35 adds 5 to the last; 20 to 20 adds nothing; 10 to 20 fills the second.
        let mut timeline = Filling::new(Dur(10), Dur(35));
        for (from, to) in [(3, 27), (12, 14), (30, 35), (20, 20), (10, 20)] {
            timeline.spend(Spent::WithoutToken, Time(from), Time(to));
        }
        // Three callers from 0, of which two leave at 10 and one at 35.
        (0..3).for_each(|_| timeline.begin(Spent::Waiting, Time(0)));
        timeline.end(Spent::Waiting, Time(10), 2);
        timeline.end(Spent::Waiting, Time(35), 1);
        let timeline = timeline.finish();
        let of = |value: fn(&Bucket) -> u128| timeline.buckets.iter().map(value).collect::<Vec<_>>();
        assert_eq!(of(|b| b.without_token_ns), [7, 22, 7, 5]);
        assert_eq!(of(|b| b.waiting_ns), [30, 10, 10, 5]);
    }

    /// Times in any order find the buckets that a division finds; the horizon is in the last one.
    #[test]
    fn every_time_finds_its_bucket() {
        let mut filling = Filling::new(Dur(7), Dur(100));
        for step in 0..1_000u64 {
            let t = step * 37 % 101;
            assert_eq!(filling.last.find(Time(t), Dur(7)), ((t / 7) as usize, t % 7), "{t}");
            let bucket = if step % 2 == 0 { filling.at(Time(t)) } else { filling.at_sent(Time(t)) };
            bucket.flow_entries += 1;
        }
        let counts: Vec<u64> = filling.finish().buckets.iter().map(|bucket| bucket.flow_entries).collect();
        assert_eq!(counts.iter().sum::<u64>(), 1_000);
        assert_eq!(counts.len(), 15);
    }
}
