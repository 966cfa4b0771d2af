//! Retry back-off: a table of delays, and the bounds of their jitter.

use super::policy::{Decimal, Jitter, MAX_RETRIES, Retry, RetryAfterAs};
use crate::kernel::{Dur, time::NS_PER_MS};
use crate::protocol::RetryIn;

/// A wait: a draw, uniform over `[low, high]`, then cut to at most `cap`, then raised to at least `floor`. The world
/// draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Shortest draw.
    pub low: Dur,
    /// Longest draw.
    pub high: Dur,
    /// Upper bound of the drawn delay.
    pub cap: Dur,
    /// Lower bound of the wait, from `Retry-After`. May exceed `cap`.
    pub floor: Dur,
    /// Whether a recording may replace this wait.
    pub recorded: bool,
    /// Timers that the page sets for this wait, each by the one before: 1, or the number of looks of a timer that looks at the
    /// clock now and then, at most 255. Such a wait is exact: its second comes after `low`, and the look that sees it after
    /// `floor`.
    pub links: u8,
}

impl Wait {
    /// A wait of exactly this length.
    pub const fn exactly(d: Dur) -> Wait {
        Wait { low: d, high: d, cap: Dur(u64::MAX), floor: Dur::ZERO, recorded: false, links: 1 }
    }

    /// Whether the wait is random.
    pub fn is_exact(&self) -> bool {
        self.low == self.high
    }

    /// The wait that belongs to a draw of `[low, high]`.
    pub fn of(&self, draw: Dur) -> Dur {
        draw.min(self.cap).max(self.floor)
    }
}

/// A delay that grows by factors, in fixed point with 32 fractional bits. Truncation errs only where the product itself is
/// within 2^-40 of a whole millisecond. A product above 128 bits exceeds every cap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growing(u128);

impl Growing {
    /// The first delay.
    pub(crate) fn from(first: Dur) -> Growing {
        Growing(u128::from(first.0) << 32)
    }

    /// The next delay.
    pub(crate) fn times(self, factor: Decimal) -> Growing {
        let product = self.0.checked_mul(factor.millionths.into());
        Growing(product.map_or(u128::MAX, |product| product.saturating_add(500_000) / 1_000_000))
    }

    /// The delay, at most `cap`, in nanoseconds.
    pub(crate) fn at_most(self, cap: Dur) -> Dur {
        Dur(u64::try_from(self.0 >> 32).unwrap_or(u64::MAX).min(cap.0))
    }
}

/// A duration cut to whole milliseconds, as a browser's timers are (HTML standard, `setTimeout` takes a `long`).
pub(crate) fn in_whole_ms(d: Dur) -> Dur {
    Dur(d.0 / NS_PER_MS * NS_PER_MS)
}

impl Jitter {
    /// The shortest and the longest draw for a delay. `first` is the first delay of the series, `previous` the length of
    /// the last wait.
    pub(crate) fn bounds(self, delay: Dur, first: Dur, previous: Dur) -> (Dur, Dur) {
        match self {
            Jitter::None => (delay, delay),
            Jitter::Full => (Dur::ZERO, delay),
            Jitter::Equal => (Dur(delay.0 / 2), delay),
            Jitter::Decorrelated => (first, Dur(previous.0.saturating_mul(3).max(first.0))),
        }
    }
}

/// How a client obeys `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obedience {
    /// What the header is to the client; `None`: the client ignores it.
    how: Option<RetryAfterAs>,
    /// Longest time that the header may ask for.
    most: Dur,
}

impl Obedience {
    /// The client waits at least as long as the header asks for, or ignores it.
    pub(crate) fn floor_if(honours: bool) -> Obedience {
        Obedience { how: honours.then_some(RetryAfterAs::Floor), most: Dur(u64::MAX) }
    }

    /// What a policy says.
    pub(crate) fn of(retry: &Retry) -> Obedience {
        Obedience {
            how: retry.honour_retry_after.then_some(retry.retry_after_as),
            most: retry.retry_after_cap.unwrap_or(Dur(u64::MAX)),
        }
    }

    /// The wait after an answer with this header, where the back-off alone says `wait`.
    pub(crate) fn after(self, wait: Wait, header: RetryIn) -> Wait {
        let (Some(how), Some(seconds)) = (self.how, header.get()) else { return wait };
        let asked = Dur::from_secs(seconds.into()).min(self.most);
        let later = |d: Dur| Dur(d.0.saturating_add(asked.0));
        match how {
            RetryAfterAs::Floor => Wait { floor: asked, ..wait },
            RetryAfterAs::Instead => Wait::exactly(asked),
            RetryAfterAs::OnTop => {
                Wait { low: later(wait.low), high: later(wait.high), cap: later(wait.cap), ..wait }
            }
        }
    }
}

/// The back-off of a policy's `getToken`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    delays: Vec<Dur>,
    retries: u32,
    offline_retries: u32,
    jitter: Jitter,
    cap: Dur,
    obedience: Obedience,
}

impl Backoff {
    /// Tabulates `min(cap, initial * factor^n)`, cut to whole milliseconds.
    ///
    /// # Panics
    /// When the policy has more than [`MAX_RETRIES`] retries. Reading a scenario refuses such a policy.
    pub fn new(retry: &Retry) -> Backoff {
        assert!(retry.retries.max(retry.offline_retries) <= MAX_RETRIES, "at most {MAX_RETRIES} retries");
        let mut delays = Vec::new();
        let mut growing = Growing::from(retry.initial);
        for _ in 0..retry.retries.max(retry.offline_retries).max(1) {
            let delay = growing.at_most(retry.cap);
            delays.push(in_whole_ms(delay));
            if delay == retry.cap {
                break;
            }
            growing = growing.times(retry.factor);
        }
        Backoff {
            delays,
            retries: retry.retries,
            offline_retries: retry.offline_retries,
            jitter: retry.jitter,
            cap: retry.cap,
            obedience: Obedience::of(retry),
        }
    }

    /// Whether retry number `n`, from 1, is allowed.
    pub fn allows(&self, n: u32, offline: bool) -> bool {
        n <= if offline { self.offline_retries } else { self.retries }
    }

    /// Whether each delay depends on the previous one.
    pub fn remembers(&self) -> bool {
        self.jitter == Jitter::Decorrelated
    }

    /// The delay before retry number `n`, from 1, without jitter.
    pub fn delay(&self, n: u32) -> Dur {
        self.delays[(n.max(1) as usize - 1).min(self.delays.len() - 1)]
    }

    /// The wait before retry number `n`, from 1. `previous` is the length of the last wait; the first retry ignores it.
    pub fn wait(&self, n: u32, previous: Dur, retry_after: RetryIn) -> Wait {
        let d = self.delay(n);
        let first = self.delays[0];
        let (low, high) = self.jitter.bounds(d, first, if n <= 1 { first } else { previous });
        let wait = Wait { low, high, cap: self.cap, floor: Dur::ZERO, recorded: false, links: 1 };
        self.obedience.after(wait, retry_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::policy::FailureSet;

    fn retry(jitter: Jitter) -> Retry {
        Retry {
            on: FailureSet::default(),
            initial: Dur::from_secs(3),
            factor: Decimal { millionths: 1_550_000 },
            cap: Dur::from_secs(50),
            retries: 8,
            offline_retries: 3,
            jitter,
            honour_retry_after: true,
            retry_after_as: RetryAfterAs::Floor,
            retry_after_cap: None,
        }
    }

    /// The series of the fact sheet: gaps between the tries of recording `6.1.0-S9-network-abort-60s`, less the RTT.
    #[test]
    fn the_delays_of_get_token_are_the_recorded_ones() {
        let backoff = Backoff::new(&retry(Jitter::None));
        let series: Vec<u64> = (1..=8).map(|n| backoff.delay(n).0 / NS_PER_MS).collect();
        assert_eq!(series, [3_000, 4_650, 7_207, 11_171, 17_316, 26_839, 41_601, 50_000]);
        assert!(backoff.allows(8, false) && !backoff.allows(9, false));
        assert!(backoff.allows(3, true) && !backoff.allows(4, true));
    }

    #[test]
    fn jitter_bounds() {
        for (jitter, n, previous, low, high) in [
            (Jitter::None, 2, 0, 4_650, 4_650),
            (Jitter::Full, 2, 0, 0, 4_650),
            (Jitter::Equal, 2, 0, 2_325, 4_650),
            (Jitter::Decorrelated, 1, 0, 3_000, 9_000),
            (Jitter::Decorrelated, 2, 3_000, 3_000, 9_000),
            (Jitter::Decorrelated, 5, 40_000, 3_000, 120_000),
        ] {
            let wait = Backoff::new(&retry(jitter)).wait(n, Dur::from_ms(previous), RetryIn::NONE);
            assert_eq!((wait.low, wait.high), (Dur::from_ms(low), Dur::from_ms(high)), "{jitter:?} {n}");
            assert_eq!(wait.of(wait.high), wait.high.min(Dur::from_secs(50)));
        }
    }

    /// 1,000 days times a million twice exceeds 128 bits in the table's fixed point.
    #[test]
    fn a_back_off_beyond_128_bits_is_cut_at_its_cap() {
        let day = 86_400;
        let (initial, cap) = (Dur::from_secs(1_000 * day), Dur::from_secs(36_500 * day));
        let factor = Decimal { millionths: 1_000_000_000_000 };
        let steep = Backoff::new(&Retry { initial, cap, factor, ..retry(Jitter::None) });
        assert_eq!([1, 2, 3, 8].map(|n| steep.delay(n)), [initial, cap, cap, cap]);
    }

    #[test]
    fn retry_after_is_a_floor_above_the_cap() {
        let wait = Backoff::new(&retry(Jitter::None)).wait(1, Dur::ZERO, RetryIn::seconds(120));
        assert_eq!(wait.of(wait.low), Dur::from_secs(120));
    }

    /// What is to be waited follows from the meaning of the words: the later of both, the header alone, or both in turn.
    #[test]
    fn retry_after_is_a_floor_or_a_delay_or_comes_before_one() {
        use RetryAfterAs::{Floor, Instead, OnTop};
        let header = RetryIn::seconds;
        for (how, cap_s, jitter, header, low, high) in [
            (Floor, None, Jitter::Full, header(2), 2_000, 4_650),
            (Floor, None, Jitter::Full, header(0), 0, 4_650),
            (Floor, Some(60), Jitter::None, header(86_400), 60_000, 60_000),
            (Instead, None, Jitter::Full, header(2), 2_000, 2_000),
            (Instead, None, Jitter::None, header(0), 0, 0),
            (Instead, None, Jitter::None, RetryIn::NONE, 4_650, 4_650),
            (Instead, Some(21_600), Jitter::None, header(100_000), 21_600_000, 21_600_000),
            (OnTop, None, Jitter::Full, header(60), 60_000, 64_650),
            (OnTop, None, Jitter::Equal, header(60), 62_325, 64_650),
            (OnTop, Some(1), Jitter::None, header(60), 5_650, 5_650),
            (OnTop, None, Jitter::None, RetryIn::NONE, 4_650, 4_650),
        ] {
            let cap = cap_s.map(Dur::from_secs);
            let retry = Retry { retry_after_as: how, retry_after_cap: cap, ..retry(jitter) };
            let wait = Backoff::new(&retry).wait(2, Dur::ZERO, header);
            let bounds = (wait.of(wait.low), wait.of(wait.high));
            assert_eq!(
                bounds,
                (Dur::from_ms(low), Dur::from_ms(high)),
                "{how:?} {cap_s:?} {jitter:?} {header:?}"
            );
        }
        let deaf = Retry { retry_after_as: Instead, honour_retry_after: false, ..retry(Jitter::None) };
        let wait = Backoff::new(&deaf).wait(1, Dur::ZERO, header(0));
        assert_eq!(wait.of(wait.low), Dur::from_secs(3), "the client ignores the header");
    }

    #[test]
    fn only_decorrelated_jitter_depends_on_the_previous_delay() {
        for jitter in [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
            let remembers = jitter == Jitter::Decorrelated;
            assert_eq!(Backoff::new(&retry(jitter)).remembers(), remembers, "{jitter:?}");
        }
    }
}
