//! Schedules of waits before further tries.

use crate::client::backoff::{Growing, Obedience, Wait, in_whole_ms};
use crate::client::policy::{Decimal, Jitter, Retry};
use crate::kernel::{Dur, Time};
use crate::protocol::RetryIn;

/// The end of a series of tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This many tries in all.
    Tries(u32),
    /// Tries that start within this time of the first one.
    Within(Dur),
    /// No end.
    Endless,
}

/// A schedule of waits: `first`, then each `factor` times the previous, at most `cap`, spread at random, plus up to `jitter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first wait.
    pub first: Dur,
    /// The factor from each wait to the next.
    pub factor: Decimal,
    /// The longest wait.
    pub cap: Dur,
    /// The random spread of a wait.
    pub spread: Jitter,
    /// A uniform random wait from zero up to this is added to each.
    pub jitter: Dur,
    /// How the client obeys `Retry-After`.
    pub obedience: Obedience,
    /// The end of the series.
    pub limit: Limit,
    /// Tries in all while the browser is offline; `None` for the same end as online.
    pub offline_tries: Option<u32>,
}

/// A failed try of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Number of failures before it.
    pub before: u32,
    /// When the series began.
    pub started: Time,
    /// When this try failed.
    pub now: Time,
    /// The wait before this try.
    pub waited: Dur,
    /// The answer's `Retry-After` header.
    pub retry_after: RetryIn,
    /// Whether the browser is offline.
    pub offline: bool,
}

impl Schedule {
    /// The schedule of a policy's retries.
    pub fn of(retry: &Retry) -> Schedule {
        Schedule {
            first: retry.initial,
            factor: retry.factor,
            cap: retry.cap,
            spread: retry.jitter,
            jitter: Dur::ZERO,
            obedience: Obedience::of(retry),
            limit: Limit::Tries(retry.retries + 1),
            offline_tries: Some(retry.offline_retries + 1),
        }
    }

    /// The wait after failure `n` (the first is 0), without jitter, in whole milliseconds.
    pub fn wait(&self, n: u32) -> Dur {
        const ONE: u64 = 1_000_000;
        let mut growing = Growing::from(self.first);
        for _ in 0..if self.factor.millionths == ONE { 0 } else { n } {
            if growing.at_most(self.cap) == self.cap {
                break;
            }
            growing = growing.times(self.factor);
        }
        in_whole_ms(growing.at_most(self.cap))
    }

    /// The wait after a failed try; `None` if no try follows.
    pub fn after(&self, failed: &Failed) -> Option<Wait> {
        let delay = self.wait(failed.before);
        let limit = match self.offline_tries {
            Some(tries) if failed.offline => Limit::Tries(tries),
            _ => self.limit,
        };
        let goes_on = match limit {
            Limit::Tries(tries) => failed.before + 1 < tries,
            Limit::Within(budget) => {
                let exact = self.obedience.after(Wait::exactly(delay), failed.retry_after);
                failed.now.since(failed.started).0.saturating_add(exact.of(exact.low).0) < budget.0
            }
            Limit::Endless => true,
        };
        goes_on.then(|| {
            let first = in_whole_ms(self.first);
            let previous = if failed.before == 0 { first } else { failed.waited };
            let (low, high) = self.spread.bounds(delay, first, previous);
            let cap = if self.spread == Jitter::Decorrelated { self.cap } else { Dur(u64::MAX) };
            let high = Dur(high.0.saturating_add(self.jitter.0));
            let wait = Wait { low, high, cap, floor: Dur::ZERO, recorded: false, links: 1 };
            self.obedience.after(wait, failed.retry_after)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::backoff::Backoff;

    fn retry(jitter: Jitter) -> Retry {
        let text = "on = ['429']\ninitial = '3s'\nfactor = 1.55\ncap = '50s'\nretries = 8\nhonour-retry-after = true";
        Retry { jitter, ..toml::from_str(text).expect("a table") }
    }

    fn failed(before: u32, waited: Dur) -> Failed {
        let (started, now) = (Time::ZERO, Time::from_ms(1_000));
        Failed { before, started, now, waited, retry_after: RetryIn::NONE, offline: false }
    }

    /// A policy means the same waits for `getToken` and for a refresh.
    #[test]
    fn a_policy_has_the_same_waits_in_every_family() {
        for jitter in [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
            let retry = retry(jitter);
            let (schedule, backoff) = (Schedule::of(&retry), Backoff::new(&retry));
            for n in 1..=9 {
                for (waited, header) in [(3_000, None), (20_000, None), (20_000, Some(120)), (0, Some(0))] {
                    let retry_after = header.map_or(RetryIn::NONE, RetryIn::seconds);
                    let waited = Dur::from_ms(waited);
                    let expected = backoff.allows(n, false).then(|| backoff.wait(n, waited, retry_after));
                    let found = schedule.after(&Failed { retry_after, ..failed(n - 1, waited) });
                    let bounds = |wait: Wait| (wait.of(wait.low), wait.of(wait.high));
                    assert_eq!(found.map(bounds), expected.map(bounds), "{jitter:?} {n}");
                }
                let offline = schedule.after(&Failed { offline: true, ..failed(n - 1, Dur::ZERO) });
                assert_eq!(offline.is_some(), backoff.allows(n, true), "{n}");
            }
        }
    }

    #[test]
    fn a_series_within_a_time_counts_what_retry_after_asks_for() {
        let within = |honours, seconds| {
            let limit = Limit::Within(Dur::from_secs(30));
            let obedience = Obedience::floor_if(honours);
            let schedule = Schedule { limit, obedience, ..Schedule::of(&retry(Jitter::None)) };
            let retry_after = RetryIn::seconds(seconds);
            schedule.after(&Failed { retry_after, ..failed(0, Dur::ZERO) }).map(|wait| wait.of(wait.low))
        };
        assert_eq!(within(false, 60), Some(Dur::from_secs(3)));
        assert_eq!(within(true, 20), Some(Dur::from_secs(20)));
        assert_eq!(within(true, 29), None, "the try would come 30 s after the first");
    }

    #[test]
    fn a_wait_doubles_up_to_its_cap_whatever_the_number_of_failures() {
        let schedule = Schedule {
            first: Dur::from_secs(30),
            factor: Decimal { millionths: 2_000_000 },
            cap: Dur::from_secs(960),
            ..Schedule::of(&retry(Jitter::None))
        };
        let waits = [0, 1, 4, 5, 6, 1_000, u32::MAX].map(|n| schedule.wait(n).0 / 1_000_000_000);
        assert_eq!(waits, [30, 60, 480, 960, 960, 960, 960]);
        let same = Schedule { factor: Decimal { millionths: 1_000_000 }, ..schedule };
        assert_eq!(same.wait(u32::MAX), Dur::from_secs(30));
    }
}
