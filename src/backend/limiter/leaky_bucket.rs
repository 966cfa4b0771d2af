//! Leaky bucket as a queue: needs `rate` and `burst`.
//!
//! Requests leave a key's shaper in order, at least 1 / rate apart. A request leaves at once if no other is waiting and
//! the last one left 1 / rate or more ago. Any other request waits. At most `burst` requests wait; the next one is
//! refused. A request waits if it leaves later than now. Requests that leave in this nanosecond, or have left, do not
//! count. Of simultaneous requests, `burst + 1` pass: one at once and `burst` after it. The verdicts equal those of a
//! token bucket with one more token. A rate of 0 refuses every request, because none would ever leave.

use super::pace::Pace;
use super::{Kind, LimitKind, Verdict, law, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests leave one by one at `rate`; `burst` may wait, the next is refused. Waiting delays a request.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Rate at which requests pass in the long run; 0 refuses everything once the burst is used.
    pub rate: Rate,
    /// Requests that may wait.
    #[schemars(range(min = 1), example = 10, extend("x-unit" = "requests"))]
    pub burst: u32,
}

/// A departure time per key.
#[derive(Clone, Debug)]
pub(super) struct LeakyBucket {
    pace: Pace,
    /// Greatest distance from now to the next departure, in scaled time.
    reach: u128,
    /// Earliest next departures, in scaled time: nanoseconds times [`Pace::per_ns`]. In scaled time 1 / rate is the
    /// integer [`Pace::cost`]. Only returned delays are rounded up to nanoseconds, so rounding errors do not
    /// accumulate.
    departures: Vec<u128>,
}

/// Memory per key, in bytes.
const KEY_BYTES: usize = size_of::<u128>();
const _: () = assert!(KEY_BYTES <= 16);

impl Kind for LeakyBucket {
    type Spec = Spec;
    const COUNTS_CALLS: bool = false;

    fn in_words(spec: &Spec) -> String {
        format!("of {}, burst {}", spec.rate, spec.burst)
    }

    fn rate(spec: &Spec) -> Option<Rate> {
        Some(spec.rate)
    }

    fn promise(spec: &Spec) -> Option<LimitKind> {
        let burst = spec.burst.saturating_add(1);
        Some(LimitKind::Gcra(super::gcra::Spec { rate: spec.rate, burst }))
    }

    fn key_bytes(_: &Spec) -> u64 {
        KEY_BYTES as u64
    }

    fn new(spec: &Spec, keys: u32) -> LeakyBucket {
        let pace = Pace::new(spec.rate);
        LeakyBucket { pace, reach: pace.units_of(spec.burst), departures: vec![0; keys as usize] }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        let scaled_now = self.pace.units_at(now);
        let ahead = self.departures[key].saturating_sub(scaled_now);
        // Waiting departures are `cost` apart. More than `burst` of them wait exactly if the next possible departure is
        // more than `burst * cost` ahead.
        if ahead <= self.reach && self.pace.per_ns > 0 {
            self.departures[key] = scaled_now + ahead + u128::from(self.pace.cost);
            Verdict::Admit { delay: self.pace.time_for(ahead) }
        } else {
            Verdict::Refuse { wait: self.wait(key, now, cost) }
        }
    }

    fn wait(&self, key: usize, now: Time, _: u32) -> Dur {
        if self.pace.per_ns == 0 {
            return Dur(u64::MAX);
        }
        let scaled_now = self.pace.units_at(now);
        self.pace.time_for(self.departures[key].saturating_sub(scaled_now + self.reach))
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::LeakyBucket(Spec {
            rate: pilot::rate(spec.rate, share),
            burst: pilot::count(spec.burst, share),
        })
    }

    fn draw(dice: &mut Dice, _: u64) -> Spec {
        let rate = Rate { count: dice.number(1, 9), per: Dur::from_secs(dice.number(1, 13)) };
        Spec { rate, burst: dice.small(1, 8) }
    }

    fn broken_law(spec: &Spec, admitted: &[Time]) -> Option<String> {
        law::envelope(spec.rate, spec.burst + 1, admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::admits;
    use super::*;

    fn shaper(rate: &str, burst: u32) -> LeakyBucket {
        LeakyBucket::new(&Spec { rate: Rate::parse(rate).unwrap(), burst }, 1)
    }

    #[test]
    fn a_herd_leaves_one_by_one_without_drift() {
        let mut shaper = shaper("3/10ns", 4);
        // Departures at 0, 10/3, 20/3, 10 and 40/3 ns, rounded up one by one.
        for delay in [0, 4, 7, 10, 14] {
            assert_eq!(shaper.ask(0, Time(0), 1), Verdict::Admit { delay: Dur(delay) });
        }
        // Four wait until the first of them leaves at 10/3 ns.
        assert_eq!(shaper.ask(0, Time(0), 1), Verdict::Refuse { wait: Dur(4) });
        assert_eq!(shaper.ask(0, Time(3), 1), Verdict::Refuse { wait: Dur(1) });
        // The next departs at 50/3 ns.
        assert_eq!(shaper.ask(0, Time(4), 1), Verdict::Admit { delay: Dur(13) });
    }

    #[test]
    fn without_a_queue_requests_too_close_are_refused() {
        let mut shaper = shaper("1/10ns", 0);
        for (now, passes) in [(5, true), (5, false), (14, false), (15, true), (24, false), (99, true)] {
            assert_eq!(admits(shaper.ask(0, Time(now), 1)), passes, "at {now}");
        }
    }

    #[test]
    fn rate_zero_and_the_end_of_time() {
        assert_eq!(shaper("0/s", 9).ask(0, Time::NEVER, 1), Verdict::Refuse { wait: Dur(u64::MAX) });
        let mut slow = shaper("1/36500d", 1);
        assert_eq!(slow.ask(0, Time::NEVER, 1), Verdict::Admit { delay: Dur::ZERO });
        assert_eq!(slow.ask(0, Time::NEVER, 1), Verdict::Admit { delay: Dur::parse("36500d").unwrap() });
        assert_eq!(slow.ask(0, Time::NEVER, 1), Verdict::Refuse { wait: Dur::parse("36500d").unwrap() });
    }
}
