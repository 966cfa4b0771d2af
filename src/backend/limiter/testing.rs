//! Helpers for the tests of limiters, and a naive model that stores every event of a key.
//!
//! The model shares no code and no formula with the limiters. It decides on buckets by their arrival envelope, on
//! windows by counting events, and on the shaper by replaying all departures. Rates are unreduced fractions, times have
//! 128 bits.

use super::{
    LimitKind, Limiter, Verdict, concurrency, fixed_window, gcra, leaky_bucket, sliding_counter, sliding_log,
    token_bucket,
};
use crate::backend::rate::Rate;
use crate::backend::spec::{LimitKey, LimitSpec, RetryAfter};
use crate::kernel::{Dur, Time};
use crate::protocol::Endpoint;

/// The kinds that share the numbers of [`Numbers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    TokenBucket,
    Gcra,
    FixedWindow,
    SlidingLog,
    SlidingCounter,
    LeakyBucket,
    Concurrency,
}

/// A limit of any kind. Each kind takes those of the numbers that it has.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) kind: Name,
    pub(super) rate: Rate,
    pub(super) burst: u32,
    pub(super) limit: u32,
    pub(super) window: Dur,
    pub(super) logs_refused: bool,
    pub(super) penalty: Option<Dur>,
}

impl Numbers {
    /// The description of the limit in a scenario.
    pub(super) fn kind(&self) -> LimitKind {
        let Numbers { kind, rate, burst, limit, window, logs_refused, .. } = *self;
        match kind {
            Name::TokenBucket => LimitKind::TokenBucket(token_bucket::Spec { rate, burst }),
            Name::Gcra => LimitKind::Gcra(gcra::Spec { rate, burst }),
            Name::FixedWindow => LimitKind::FixedWindow(fixed_window::Spec { limit, window }),
            Name::SlidingLog => LimitKind::SlidingLog(sliding_log::Spec { limit, window, logs_refused }),
            Name::SlidingCounter => LimitKind::SlidingCounter(sliding_counter::Spec { limit, window }),
            Name::LeakyBucket => LimitKind::LeakyBucket(leaky_bucket::Spec { rate, burst }),
            Name::Concurrency => LimitKind::Concurrency(concurrency::Spec { limit }),
        }
    }

    /// The whole limit.
    pub(super) fn spec(&self) -> LimitSpec {
        LimitSpec {
            endpoints: vec![Endpoint::known("tokens")],
            kind: self.kind(),
            key: LimitKey::User,
            retry_after: RetryAfter::None,
            penalty: self.penalty,
            from: Dur::ZERO,
            to: None,
            source: String::new(),
        }
    }

    pub(super) fn limiter(&self, keys: u32) -> Limiter {
        Limiter::new(&self.spec(), keys)
    }
}

pub(super) const ALL_KINDS: [Name; 7] = [
    Name::TokenBucket,
    Name::Gcra,
    Name::FixedWindow,
    Name::SlidingLog,
    Name::SlidingCounter,
    Name::LeakyBucket,
    Name::Concurrency,
];

/// All kinds but the last, whose verdicts depend on the calls in progress.
pub(super) const TIMED_KINDS: &[Name] = {
    let [timed @ .., Name::Concurrency] = &ALL_KINDS else { panic!("concurrency is the last kind") };
    timed
};

pub(super) const KEYS: u32 = 3;

/// Requests as (key, time), times in order.
pub(super) type Requests = Vec<(u32, Time)>;

/// Decodes a limit and requests from arbitrary bytes of a fuzzer: eight bytes for the limit, then two for each request,
/// at most 64 requests.
fn case_of(bytes: &[u8]) -> (Numbers, Requests) {
    let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or(0));
    let grid = [1, 7, 1_000_000_007, 10_000_000_000_000_000][byte(1) as usize % 4];
    let begin = [0, 12_345, u64::MAX - 400, 1 << 63][byte(1) as usize / 4 % 4];
    let limit = Numbers {
        kind: TIMED_KINDS[byte(0) as usize % TIMED_KINDS.len()],
        rate: Rate { count: byte(2), per: Dur((byte(3) + 1) * grid) },
        burst: byte(4) as u32,
        limit: byte(5) as u32,
        window: Dur((byte(6) + 1) * grid),
        logs_refused: byte(7) & 1 != 0,
        penalty: (byte(7) & 2 != 0).then_some(Dur(byte(7) / 4 * grid)),
    };
    let mut now: u64 = begin;
    let request = |pair: &[u8]| {
        now = now.saturating_add(u64::from(pair[1] / 2) * grid + u64::from(pair[1] % 2)).min(u64::MAX - 1);
        (u32::from(pair[0]) % KEYS, Time(now))
    };
    let requests = bytes.get(8..).unwrap_or_default().chunks_exact(2).take(64).map(request).collect();
    (limit, requests)
}

/// Asserts that verdicts and delays equal the model's, and that each wait is the earliest time at which the model would
/// admit a request. A delay beyond 64 bits, or 584 years, saturates: no run lasts that long.
pub(super) fn agrees_with_the_model(limit: &Numbers, requests: &Requests) {
    let mut limiter = limit.limiter(KEYS);
    let mut models: Vec<Naive> = (0..KEYS).map(|_| Naive::new(limit)).collect();
    for &(key, now) in requests {
        let model = &mut models[key as usize];
        let at = i128::from(now.0);
        let expected = model.ask(at);
        match limiter.ask(key, now) {
            Verdict::Admit { delay } => {
                let told = expected.map(|delay| delay.min(i128::from(u64::MAX)));
                assert_eq!(told, Some(i128::from(delay.0)), "at {at}");
            }
            Verdict::Refuse { wait } => {
                assert_eq!(expected, None, "at {at}");
                if wait == Dur(u64::MAX) {
                    assert!(!model.passes(at + i128::from(u64::MAX)), "the model would pass it, at {at}");
                } else {
                    let then = at + i128::from(wait.0);
                    assert!(!model.passes(then - 1), "too long a wait, {}, at {at}", wait.0);
                    assert!(model.passes(then), "too short a wait, {}, at {at}", wait.0);
                }
            }
        }
    }
}

/// Like [`agrees_with_the_model`], for arbitrary bytes whose limit may be invalid.
pub(super) fn judge(bytes: &[u8]) {
    let (limit, requests) = case_of(bytes);
    if limit.kind().inexact().is_none() {
        agrees_with_the_model(&limit, &requests);
    }
}

pub(super) fn admits(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Admit { .. })
}

pub(super) fn admitted(verdicts: impl IntoIterator<Item = Verdict>) -> usize {
    verdicts.into_iter().filter(|v| admits(*v)).count()
}

/// 3 in 10 s with a burst of 2, or 4 in 10 s, or 4 in progress.
pub(super) fn numbers(kind: Name) -> Numbers {
    Numbers {
        kind,
        rate: Rate::parse("3/10s").unwrap(),
        burst: 2,
        limit: 4,
        window: Dur::from_secs(10),
        logs_refused: false,
        penalty: None,
    }
}

/// All events of one key.
pub(super) struct Naive {
    limit: Numbers,
    /// Times that reached the limiter, not blocked by the penalty, and whether they passed.
    asked: Vec<(i128, bool)>,
}

impl Naive {
    pub(super) fn new(limit: &Numbers) -> Naive {
        Naive { limit: limit.clone(), asked: Vec::new() }
    }

    /// Decides on a request and stores it. Returns the delay of an admitted one.
    pub(super) fn ask(&mut self, now: i128) -> Option<i128> {
        if self.is_blocked(now) {
            return None;
        }
        let passes = self.passes(now);
        self.asked.push((now, passes));
        passes.then(|| if self.limit.kind == Name::LeakyBucket { self.last_delay() } else { 0 })
    }

    /// Whether a request would pass.
    pub(super) fn passes(&self, now: i128) -> bool {
        !self.is_blocked(now) && self.passes_behind(now)
    }

    fn is_blocked(&self, now: i128) -> bool {
        let Some(penalty) = self.limit.penalty else { return false };
        self.asked.iter().any(|(t, passed)| !passed && now < t + i128::from(penalty.0))
    }

    fn passed(&self) -> impl DoubleEndedIterator<Item = i128> + '_ {
        self.asked.iter().filter(|a| a.1).map(|a| a.0)
    }

    fn passes_behind(&self, now: i128) -> bool {
        let limit = i128::from(self.limit.limit);
        let window = i128::from(self.limit.window.0);
        match self.limit.kind {
            // At most burst + rate * (now - s) requests pass in [s, now], for every s (Le Boudec and Thiran 2001,
            // section 1.2).
            Name::TokenBucket | Name::Gcra => {
                let (count, per) = self.rate();
                let burst = i128::from(self.limit.burst);
                let mut within = 1;
                let fits = |within: i128, s: i128| (within - burst) * per <= (now - s) * count;
                fits(1, now)
                    && self.passed().rev().all(|s| {
                        within += 1;
                        fits(within, s)
                    })
            }
            Name::FixedWindow => {
                let same = self.passed().filter(|t| t / window == now / window).count();
                (same as i128) < limit
            }
            Name::SlidingLog => {
                let logged = self.asked.iter().filter(|a| a.1 || self.limit.logs_refused);
                (logged.filter(|a| a.0 > now - window).count() as i128) < limit
            }
            Name::SlidingCounter => {
                let index = now / window;
                let passed_in = |i: i128| self.passed().filter(|t| t / window == i).count() as i128;
                // (previous * left / window + current + 1 <= limit) * window, where `left` decreases with time.
                let left = (index + 1) * window - now;
                passed_in(index - 1) * left <= (limit - 1 - passed_in(index)) * window
            }
            Name::LeakyBucket => {
                let (count, per) = self.rate();
                let departures = self.departures();
                let waiting = departures.iter().filter(|d| **d > now * count).count() as i128;
                let leaves_at_once = departures.last().is_none_or(|d| d + per <= now * count);
                count > 0 && (leaves_at_once || waiting < i128::from(self.limit.burst))
            }
            Name::Concurrency => unreachable!("concurrency limits have their own test"),
        }
    }

    fn rate(&self) -> (i128, i128) {
        let Rate { count, per } = self.limit.rate;
        (i128::from(count), i128::from(per.0))
    }

    /// Departure times, in nanoseconds times the count of the rate.
    fn departures(&self) -> Vec<i128> {
        let (count, per) = self.rate();
        let mut departures: Vec<i128> = Vec::new();
        for t in self.passed() {
            let earliest = departures.last().map_or(t * count, |d| d + per);
            departures.push(earliest.max(t * count));
        }
        departures
    }

    fn last_delay(&self) -> i128 {
        let (count, _) = self.rate();
        let ahead = self.departures().last().unwrap() - self.passed().last().unwrap() * count;
        (ahead + count - 1) / count
    }
}
