//! Calls in each second of a run.

use crate::kernel::Time;

/// Calls by whole second, for the seconds that have any, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seconds {
    counts: Vec<(u32, u64)>,
}

/// Bytes of a second that has calls.
pub(crate) const SECOND_BYTES: u64 = size_of::<(u32, u64)>() as u64;

impl Seconds {
    /// A call was sent; never earlier than the one before.
    #[inline]
    pub fn sent(&mut self, now: Time) {
        // A run lasts 100 years at most, which has fewer than 2^32 seconds.
        let second = now.whole_seconds() as u32;
        match self.counts.last_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.counts.push((second, 1)),
        }
    }

    /// Adds the calls of other sessions of the same run.
    pub fn add(&mut self, other: &Seconds) {
        let mine = std::mem::take(&mut self.counts);
        let (mut mine, mut theirs) = (mine.into_iter().peekable(), other.counts.iter().copied().peekable());
        loop {
            let second = match (mine.peek(), theirs.peek()) {
                (None, None) => return,
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((a, _)), None) | (None, Some((a, _))) => *a,
            };
            let of = |side: Option<(u32, u64)>| side.map_or(0, |(_, count)| count);
            let count = of(mine.next_if(|(s, _)| *s == second)) + of(theirs.next_if(|(s, _)| *s == second));
            self.counts.push((second, count));
        }
    }

    /// Most calls in one second.
    pub fn peak(&self) -> u64 {
        self.counts.iter().map(|(_, count)| *count).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ms: &[u64]) -> Seconds {
        let mut seconds = Seconds::default();
        ms.iter().for_each(|ms| seconds.sent(Time::from_ms(*ms)));
        seconds
    }

    #[test]
    fn the_peak_is_of_a_whole_second() {
        assert_eq!(of(&[]).peak(), 0);
        assert_eq!(of(&[0, 999, 1_000, 1_001, 1_999, 2_000]).peak(), 3);
    }

    #[test]
    fn two_groups_of_sessions_add_up_to_both() {
        let all = [0, 1, 500, 1_500, 1_700, 4_000, 9_000, 9_001, 9_002];
        for split in 0..1 << all.len() {
            let side = |bit| {
                let of_side = |(i, _): &(usize, &u64)| (split >> i & 1 == 1) == bit;
                all.iter().enumerate().filter(of_side).map(|(_, ms)| *ms).collect::<Vec<_>>()
            };
            let mut sum = of(&side(true));
            sum.add(&of(&side(false)));
            assert_eq!(sum, of(&all));
        }
    }
}
