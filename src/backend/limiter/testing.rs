//! Helpers for the tests of limiters, and a naive model that stores every event of a key.
//!
//! The model shares no code and no formula with the limiters. It decides on buckets by their arrival envelope, on
//! windows by counting events, and on the shaper by replaying all departures. Rates are unreduced fractions, times have
//! 128 bits.

use super::fixed_window::Begins;
use super::sliding_counter::Estimate;
use super::{
    LimitKind, Limiter, Verdict, concurrency, fixed_window, gcra, idle_window, leaky_bucket, sliding_counter,
    sliding_log, token_bucket,
};
use crate::backend::rate::Rate;
use crate::backend::spec::{Counts, LimitKey, LimitSpec};
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
    IdleWindow,
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
    /// Which calls count; kinds that count no calls take no notice.
    pub(super) counts: Counts,
    /// How many requests a call counts as; kinds that count no calls take no notice.
    pub(super) cost: u32,
    /// Whether a fixed window begins with the first call, or the estimate is compared before the call.
    pub(super) other: bool,
    pub(super) penalty: Option<Dur>,
    pub(super) prolonged: bool,
}

impl Numbers {
    /// The description of the limit in a scenario.
    pub(super) fn kind(&self) -> LimitKind {
        let Numbers { kind, rate, burst, limit, window, counts, other, .. } = *self;
        let begins = if other { Begins::FirstCall } else { Begins::Clock };
        let estimate = if other { Estimate::BeforeCall } else { Estimate::WithCall };
        // A log says in two ways that it counts refused calls.
        let logs_refused = other && counts == Counts::All;
        match kind {
            Name::TokenBucket => LimitKind::TokenBucket(token_bucket::Spec { rate, burst }),
            Name::Gcra => LimitKind::Gcra(gcra::Spec { rate, burst }),
            Name::FixedWindow => LimitKind::FixedWindow(fixed_window::Spec { limit, window, begins }),
            Name::SlidingLog => LimitKind::SlidingLog(sliding_log::Spec { limit, window, logs_refused }),
            Name::SlidingCounter => {
                LimitKind::SlidingCounter(sliding_counter::Spec { limit, window, estimate })
            }
            Name::IdleWindow => LimitKind::IdleWindow(idle_window::Spec { limit, window }),
            Name::LeakyBucket => LimitKind::LeakyBucket(leaky_bucket::Spec { rate, burst }),
            Name::Concurrency => LimitKind::Concurrency(concurrency::Spec { limit }),
        }
    }

    /// The whole limit.
    pub(super) fn spec(&self) -> LimitSpec {
        LimitSpec {
            counts: if self.kind().counts_calls() { self.counts } else { Counts::Admitted },
            cost: self.cost(),
            penalty: self.penalty,
            penalty_prolonged: self.prolonged,
            ..LimitSpec::new(vec![Endpoint::known("tokens")], self.kind(), LimitKey::User)
        }
    }

    /// How many requests a call counts as.
    pub(super) fn cost(&self) -> u32 {
        if self.kind().counts_calls() { self.cost } else { 1 }
    }

    pub(super) fn limiter(&self, keys: u32) -> Limiter {
        Limiter::new(&self.spec(), keys)
    }
}

pub(super) const ALL_KINDS: [Name; 8] = [
    Name::TokenBucket,
    Name::Gcra,
    Name::FixedWindow,
    Name::SlidingLog,
    Name::SlidingCounter,
    Name::IdleWindow,
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

/// Whether the answer to a call that passes is a success: to every third call it is a failure.
pub(super) fn succeeds(number: usize) -> bool {
    !number.is_multiple_of(3)
}

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
        counts: [Counts::Admitted, Counts::All, Counts::Failures, Counts::Successes]
            [byte(1) as usize / 16 % 4],
        cost: 1 + (byte(1) / 64) as u32 % 4,
        other: byte(7) & 1 != 0,
        prolonged: byte(0) / 32 % 2 != 0,
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
    for (number, &(key, now)) in requests.iter().enumerate() {
        let model = &mut models[key as usize];
        let at = i128::from(now.0);
        let expected = model.ask(at, succeeds(number));
        match limiter.ask(key, now, limit.cost()) {
            Verdict::Admit { delay } => {
                let told = expected.map(|delay| delay.min(i128::from(u64::MAX)));
                assert_eq!(told, Some(i128::from(delay.0)), "at {at}");
                limiter.settle(key, now, limit.cost(), succeeds(number));
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
        counts: Counts::Admitted,
        cost: 1,
        other: false,
        penalty: None,
        prolonged: false,
    }
}

/// All events of one key.
pub(super) struct Naive {
    limit: Numbers,
    /// Every call.
    asked: Vec<Asked>,
}

/// A call.
struct Asked {
    at: i128,
    /// Whether it came within a penalty.
    blocked: bool,
    passed: bool,
    /// Whether it counts.
    counts: bool,
}

impl Naive {
    pub(super) fn new(limit: &Numbers) -> Naive {
        Naive { limit: limit.clone(), asked: Vec::new() }
    }

    /// Decides on a request and stores it. Returns the delay of an admitted one.
    pub(super) fn ask(&mut self, now: i128, succeeds: bool) -> Option<i128> {
        let blocked = self.is_blocked(now);
        let passes = self.passes(now);
        let counts = match self.limit.spec().counted() {
            Counts::Admitted => passes,
            Counts::All => !blocked,
            Counts::Failures => passes && !succeeds,
            Counts::Successes => passes && succeeds,
        };
        self.asked.push(Asked { at: now, blocked, passed: passes, counts });
        passes.then(|| if self.limit.kind == Name::LeakyBucket { self.last_delay() } else { 0 })
    }

    /// Whether a request would pass.
    pub(super) fn passes(&self, now: i128) -> bool {
        !self.is_blocked(now) && self.passes_behind(now)
    }

    fn is_blocked(&self, now: i128) -> bool {
        let Some(penalty) = self.limit.penalty else { return false };
        let begins = |a: &&Asked| !a.passed && (!a.blocked || self.limit.prolonged);
        self.asked.iter().filter(begins).any(|a| now < a.at + i128::from(penalty.0))
    }

    /// The times of the requests that passed.
    fn passed(&self) -> impl DoubleEndedIterator<Item = i128> + '_ {
        self.asked.iter().filter(|a| a.passed).map(|a| a.at)
    }

    /// The times of the requests that count, each as often as it counts.
    fn counted(&self) -> impl DoubleEndedIterator<Item = i128> + '_ {
        let several = |a: &Asked| std::iter::repeat_n(a.at, self.limit.cost() as usize);
        self.asked.iter().filter(|a| a.counts).flat_map(several)
    }

    /// Tokens of a full bucket that are left, times the duration of the rate, when all that counts has taken what it
    /// found.
    fn tokens(&self, now: i128) -> i128 {
        let (count, per) = self.rate();
        let full = i128::from(self.limit.burst) * per;
        let (mut tokens, mut at) = (full, 0);
        for time in self.counted() {
            tokens = ((time - at) * count + tokens).min(full);
            tokens = (tokens - per).max(0);
            at = time;
        }
        ((now - at) * count + tokens).min(full)
    }

    /// Where the window of a key that contains `now` begins.
    fn begin(&self, now: i128) -> i128 {
        let window = i128::from(self.limit.window.0);
        if !self.limit.other {
            return now / window * window;
        }
        let mut begin = None;
        for time in self.counted() {
            if begin.is_none_or(|begin| time >= begin + window) {
                begin = Some(time);
            }
        }
        begin.filter(|begin| now < begin + window).unwrap_or(now)
    }

    fn passes_behind(&self, now: i128) -> bool {
        let limit = i128::from(self.limit.limit);
        let window = i128::from(self.limit.window.0);
        let cost = i128::from(self.limit.cost());
        match self.limit.kind {
            Name::TokenBucket | Name::Gcra if self.limit.counts != Counts::Admitted || cost > 1 => {
                let (_, per) = self.rate();
                self.tokens(now) >= cost * per
            }
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
                let begin = self.begin(now);
                let same = self.counted().filter(|t| *t >= begin).count();
                same as i128 + cost <= limit
            }
            Name::SlidingLog => {
                let logged = self.counted().filter(|t| *t > now - window).count();
                logged as i128 + cost <= limit
            }
            Name::SlidingCounter => {
                let index = now / window;
                let counted_in = |i: i128| self.counted().filter(|t| t / window == i).count() as i128;
                let left = (index + 1) * window - now;
                let room = limit - cost - counted_in(index);
                if self.limit.other {
                    // Rounded down.
                    return counted_in(index - 1) * left / window <= room;
                }
                // (previous * left / window + current + cost <= limit) * window, where `left` decreases with time.
                counted_in(index - 1) * left <= room * window
            }
            Name::IdleWindow => {
                let (mut counted, mut last) = (0, None::<i128>);
                for time in self.counted() {
                    counted = if last.is_some_and(|last| time - last > window) { 1 } else { counted + 1 };
                    last = Some(time);
                }
                let forgotten = last.is_none_or(|last| now - last > window);
                (if forgotten { 0 } else { counted }) + cost <= limit
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
