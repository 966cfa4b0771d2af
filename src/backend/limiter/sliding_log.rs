//! Sliding log: needs `limit` and `window`, takes `logs-refused`.
//!
//! A request passes if fewer than `limit` logged times of its key lie in the half-open window `(now - W, now]`. A time
//! exactly `W` ago does not count. Without `logs-refused` only admitted requests are logged. Under Poisson arrivals the
//! limiter is then the M/D/L/L loss system. With `logs-refused`, or `counts = "all"`, refused requests are logged too. A
//! call that costs n is logged n times. A client that retries
//! more often than every `W / limit` is then locked out until it pauses. A limit of 0 refuses every request.
//!
//! Only the newest `limit` times matter: the window contains at least `limit` times exactly if it contains the oldest
//! of these.

use super::{Kind, LimitKind, Verdict, law, pilot};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// At most `limit` requests in the `window` before now, by a log of times.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Most requests of a key that pass in a window; 0 refuses everything.
    #[schemars(example = 10, extend("x-unit" = "requests"))]
    pub limit: u32,
    /// Length of a window.
    #[schemars(extend("x-above-zero" = true), example = "10s")]
    pub window: Dur,
    /// Whether refused requests are counted too, which can lock a client out for ever: another way to say
    /// `counts = "all"`.
    #[serde(default)]
    pub logs_refused: bool,
}

/// A ring of the newest `limit` logged times per key.
#[derive(Clone, Debug)]
pub(super) struct SlidingLog {
    limit: u32,
    window: Dur,
    /// The rings of all keys. Zeroed memory takes no space until written, so keys that never ask cost nothing.
    times: Vec<u64>,
    places: Vec<Place>,
}

/// Position of the next write in a key's ring, and the number of times in it.
#[derive(Clone, Copy, Debug)]
struct Place {
    next: u32,
    held: u32,
}

const _: () = assert!(size_of::<Place>() == 8);

/// Memory per key, in bytes.
fn key_bytes(limit: u32) -> u64 {
    size_of::<Place>() as u64 + u64::from(limit) * size_of::<u64>() as u64
}

impl SlidingLog {
    /// Overwrites the oldest time.
    #[inline]
    fn log(&mut self, key: usize, now: Time) {
        let place = &mut self.places[key];
        self.times[key * self.limit as usize + place.next as usize] = now.0;
        place.next = if place.next + 1 == self.limit { 0 } else { place.next + 1 };
        place.held += u32::from(place.held < self.limit);
    }

    /// The logged time that must have left the window before a call of this cost passes: the newest but `limit - cost`.
    /// `None` if so many are not logged. The cost is 1 to `limit`.
    #[inline]
    fn in_the_way(&self, key: usize, cost: u32) -> Option<Time> {
        let Place { next, held } = self.places[key];
        if held <= self.limit - cost {
            return None;
        }
        // In a full ring the next place to write holds the oldest time. One that is not full begins at 0.
        let oldest = if held == self.limit { next } else { 0 };
        let behind = held - (self.limit - cost + 1);
        let place = u64::from(oldest) + u64::from(behind);
        let limit = u64::from(self.limit);
        let place = if place >= limit { place - limit } else { place };
        Some(Time(self.times[key * self.limit as usize + place as usize]))
    }
}

impl Kind for SlidingLog {
    type Spec = Spec;

    fn in_words(spec: &Spec) -> String {
        format!("of {} in {}", spec.limit, spec.window)
    }

    fn rate(spec: &Spec) -> Option<Rate> {
        // Refused requests that are logged leave less than the window's share to pass.
        (!spec.logs_refused).then(|| Rate { count: spec.limit.into(), per: spec.window })
    }

    fn promise(spec: &Spec) -> Option<LimitKind> {
        Some(super::fixed_window::by_clock(spec.limit, spec.window))
    }

    fn key_bytes(spec: &Spec) -> u64 {
        key_bytes(spec.limit)
    }

    fn new(spec: &Spec, keys: u32) -> SlidingLog {
        let slots = u64::from(spec.limit) * u64::from(keys);
        let slots = usize::try_from(slots).expect("the log fits the address space");
        let places = vec![Place { next: 0, held: 0 }; keys as usize];
        SlidingLog { limit: spec.limit, window: spec.window, times: vec![0; slots], places }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        match self.wait(key, now, cost) {
            Dur::ZERO => {
                (0..cost).for_each(|_| self.log(key, now));
                Verdict::Admit { delay: Dur::ZERO }
            }
            wait => Verdict::Refuse { wait },
        }
    }

    #[inline]
    fn wait(&self, key: usize, now: Time, cost: u32) -> Dur {
        if self.limit < cost {
            return Dur(u64::MAX);
        }
        match self.in_the_way(key, cost) {
            None => Dur::ZERO,
            Some(time) => Dur(self.window.0.saturating_sub(now.since(time).0)),
        }
    }

    /// Of a cost beyond the limit, only the newest `limit` entries would matter.
    fn count(&mut self, key: usize, now: Time, cost: u32) {
        (0..cost.min(self.limit)).for_each(|_| self.log(key, now));
    }

    fn scaled(spec: &Spec, share: f64) -> LimitKind {
        LimitKind::SlidingLog(Spec { limit: pilot::count(spec.limit, share), ..spec.clone() })
    }

    fn draw(dice: &mut Dice, horizon_s: u64) -> Spec {
        let (limit, window) = (dice.small(1, 12), Dur::from_secs(dice.number(1, horizon_s / 4)));
        Spec { limit, window, logs_refused: dice.yes(0.5) }
    }

    fn broken_law(spec: &Spec, admitted: &[Time]) -> Option<String> {
        // Half open: a request exactly one window old no longer counts.
        let most = law::most_in_window(admitted, Dur(spec.window.0 - 1));
        let Spec { limit, window, .. } = spec;
        (most > *limit as usize).then(|| format!("{most} in {window}, limit {limit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limiter;
    use super::super::testing::{admits, admitted};
    use super::*;
    use crate::backend::spec::{LimitKey, LimitSpec};
    use crate::protocol::Endpoint;

    fn log(limit: u32, window: Dur, logs_refused: bool) -> Limiter {
        let kind = LimitKind::SlidingLog(Spec { limit, window, logs_refused });
        Limiter::new(&LimitSpec::new(vec![Endpoint::known("tokens")], kind, LimitKey::Global), 1)
    }

    /// 3 of 4 places are taken, at 0, 0 and 6. A call of cost 2 fits when the entries at 0 leave, at 10; one of cost 4
    /// when all have left, at 16; one of cost 5 never.
    #[test]
    fn a_call_that_costs_more_waits_for_more_places() {
        let mut limiter = log(4, Dur(10), false);
        assert!(admits(limiter.ask(0, Time(0), 2)) && admits(limiter.ask(0, Time(6), 1)));
        for (cost, wait) in [(2, 3), (4, 9), (5, u64::MAX)] {
            assert_eq!(limiter.ask(0, Time(7), cost), Verdict::Refuse { wait: Dur(wait) }, "cost {cost}");
        }
        assert!(admits(limiter.ask(0, Time(7), 1)));
        assert!(admits(limiter.ask(0, Time(10), 2)), "the two at 0 have left");
        assert_eq!(limiter.ask(0, Time(10), 2), Verdict::Refuse { wait: Dur(7) });
    }

    #[test]
    fn a_request_exactly_one_window_old_no_longer_counts() {
        let mut limiter = log(2, Dur(10), false);
        for (now, passes) in
            [(0, true), (4, true), (9, false), (10, true), (13, false), (14, true), (19, false)]
        {
            assert_eq!(admits(limiter.ask(0, Time(now), 1)), passes, "at {now}");
        }
        assert_eq!(limiter.ask(0, Time(19), 1), Verdict::Refuse { wait: Dur(1) });
    }

    #[test]
    fn a_logged_refusal_delays_the_next_admission() {
        let mut limiter = log(2, Dur(10), true);
        assert_eq!(admitted([0, 4].map(|t| limiter.ask(0, Time(t), 1))), 2);
        // The log then contains 4 and 9. The next request passes when 4 leaves the window.
        assert_eq!(limiter.ask(0, Time(9), 1), Verdict::Refuse { wait: Dur(5) });
        assert_eq!(limiter.ask(0, Time(13), 1), Verdict::Refuse { wait: Dur(6) });
        assert!(admits(limiter.ask(0, Time(19), 1)));
    }

    #[test]
    fn limit_zero_and_the_end_of_time() {
        let mut closed = log(0, Dur(10), true);
        assert_eq!(closed.ask(0, Time(3), 1), Verdict::Refuse { wait: Dur(u64::MAX) });
        let mut limiter = log(1, Dur(u64::MAX), false);
        assert_eq!(admitted([u64::MAX - 1, u64::MAX].map(|t| limiter.ask(0, Time(t), 1))), 1);
    }

    /// From the oracle limiter_lockout_rejected_logged (derived; observed in LanternOps/breeze pull request 3975):
    /// (limit, window in s, retry period in ms, share of the tail that passes if refusals are logged, and if they are
    /// not).
    const LOCKOUT: [(u32, u64, u64, f64, f64); 4] = [
        (10, 60, 7000, 1.0, 1.0),
        (10, 60, 5900, 0.0, 0.909),
        (10, 60, 1000, 0.0, 0.17),
        (5, 10, 2000, 1.0, 1.0),
    ];

    #[test]
    fn logging_refusals_locks_a_keen_client_out_for_ever() {
        for (limit, window_s, every_ms, with_refusals, without) in LOCKOUT {
            for (logs_refused, share) in [(true, with_refusals), (false, without)] {
                let mut limiter = log(limit, Dur::from_secs(window_s), logs_refused);
                let verdicts: Vec<Verdict> =
                    (0..13_200).map(|i| limiter.ask(0, Time::from_ms(i * every_ms), 1)).collect();
                let tail = &verdicts[6600..];
                let observed = admitted(tail.iter().copied()) as f64 / tail.len() as f64;
                // The source gives three decimals, but 0.17 for 10 in 60.
                assert!(
                    (observed - share).abs() < 0.004,
                    "{every_ms} ms, {logs_refused}: {observed} not {share}"
                );
                assert_eq!(admitted(verdicts[..limit as usize].iter().copied()), limit as usize);
            }
        }
    }
}
