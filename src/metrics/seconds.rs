//! The greatest number of calls in one second of a run.

use crate::kernel::{Dur, Time};

/// Counts calls per whole second.
///
/// The calls of a whole run come in order of time, so only the greatest count is stored. A part of a run stores every
/// second, because the seconds of all parts are added.
#[derive(Clone, Debug, Default)]
pub struct Seconds {
    /// Begin of the second that is counted.
    begin: Time,
    count: u64,
    peak: u64,
    is_part: bool,
    /// In a part of a run: completed seconds with calls, in order, with their counts.
    counts: Vec<(u32, u64)>,
}

const SECOND: Dur = Dur::from_secs(1);

/// Size of an entry for one second of a part, in bytes.
pub(crate) const SECOND_BYTES: u64 = size_of::<(u32, u64)>() as u64;

impl PartialEq for Seconds {
    /// Compares the peaks. A whole run stores no more than that.
    fn eq(&self, other: &Seconds) -> bool {
        self.peak() == other.peak()
    }
}

impl Seconds {
    /// No calls yet. `is_part` says whether this is one of several parts of a run.
    pub fn new(is_part: bool) -> Seconds {
        Seconds { is_part, ..Seconds::default() }
    }

    /// Records a sent call. `now` must not be earlier than in the call before.
    #[inline]
    pub fn sent(&mut self, now: Time) {
        if now.since(self.begin) >= SECOND {
            self.close();
            self.begin = Time::from_ms(1_000 * now.whole_seconds());
        }
        self.count += 1;
    }

    fn close(&mut self) {
        self.peak = self.peak.max(self.count);
        if self.is_part && self.count > 0 {
            // A run lasts at most 100 years, which is fewer than 2^32 seconds.
            self.counts.push((self.begin.whole_seconds() as u32, self.count));
        }
        self.count = 0;
    }

    /// Adds the calls of another part of the same run.
    pub fn add(&mut self, other: &Seconds) {
        self.close();
        let mut other = other.clone();
        other.close();
        let mine = std::mem::take(&mut self.counts);
        let (mut mine, mut theirs) = (mine.into_iter().peekable(), other.counts.into_iter().peekable());
        loop {
            let second = match (mine.peek(), theirs.peek()) {
                (None, None) => return,
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((a, _)), None) | (None, Some((a, _))) => *a,
            };
            let of = |side: Option<(u32, u64)>| side.map_or(0, |(_, count)| count);
            let count = of(mine.next_if(|(s, _)| *s == second)) + of(theirs.next_if(|(s, _)| *s == second));
            self.peak = self.peak.max(count);
            self.counts.push((second, count));
        }
    }

    /// The greatest number of calls in one second.
    pub fn peak(&self) -> u64 {
        self.peak.max(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ms: &[u64], is_part: bool) -> Seconds {
        let mut seconds = Seconds::new(is_part);
        ms.iter().for_each(|ms| seconds.sent(Time::from_ms(*ms)));
        seconds
    }

    #[test]
    fn the_peak_covers_one_whole_second() {
        assert_eq!(of(&[], false).peak(), 0);
        assert_eq!(of(&[0, 999, 1_000, 1_001, 1_999, 2_000], false).peak(), 3);
    }

    #[test]
    fn the_counts_of_two_parts_add_up() {
        let all = [0, 1, 500, 1_500, 1_700, 4_000, 9_000, 9_001, 9_002];
        for split in 0..1 << all.len() {
            let side = |bit| {
                let of_side = |(i, _): &(usize, &u64)| (split >> i & 1 == 1) == bit;
                all.iter().enumerate().filter(of_side).map(|(_, ms)| *ms).collect::<Vec<_>>()
            };
            let mut sum = of(&side(true), true);
            sum.add(&of(&side(false), true));
            assert_eq!(sum, of(&all, false));
        }
    }
}
