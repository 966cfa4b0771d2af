//! Rate limits from their definitions, slow and plain: every time that matters is kept, nothing is folded together.

use crate::backend::spec::{LimitKind, LimitSpec, Rate, RetryAfter};
use crate::kernel::Dur;
use std::collections::BTreeMap;

/// A limit, and what each key of it has seen.
pub(super) struct Limit {
    pub spec: LimitSpec,
    keys: BTreeMap<u64, Key>,
}

/// What one key has seen; times in nanoseconds, departures in nanoseconds times the rate's count.
#[derive(Default)]
struct Key {
    /// When something passed.
    passed: Vec<u64>,
    /// What a log holds.
    logged: Vec<u64>,
    /// Departures from a leaky bucket, or theoretical arrival times.
    departures: Vec<u128>,
    /// Calls that hold a place.
    held: u64,
    blocked_until: u64,
}

/// Without end.
const NEVER: u64 = u64::MAX;

impl Limit {
    pub(super) fn new(spec: LimitSpec) -> Limit {
        Limit { spec, keys: BTreeMap::new() }
    }

    /// The delay of a call that passes, or the wait that a refused one is told.
    pub(super) fn ask(&mut self, key: u64, now: u64) -> Result<u64, u64> {
        let spec = &self.spec;
        let state = self.keys.entry(key).or_default();
        let wait = state.wait(spec, now);
        if now < state.blocked_until {
            return Err(wait.max(state.blocked_until - now));
        }
        if wait > 0 {
            if matches!(&spec.kind, LimitKind::SlidingLog(log) if log.logs_refused) {
                state.logged.push(now);
            }
            let wait = state.wait(spec, now);
            let wait = if matches!(spec.kind, LimitKind::Concurrency(_)) { 0 } else { wait };
            let Some(penalty) = spec.penalty else { return Err(wait) };
            state.blocked_until = now.saturating_add(penalty.0);
            return Err(wait.max(penalty.0));
        }
        Ok(state.pass(spec, now))
    }

    /// A call gives its place back.
    pub(super) fn release(&mut self, key: u64) {
        if matches!(self.spec.kind, LimitKind::Concurrency(_)) {
            self.keys.entry(key).or_default().held -= 1;
        }
    }

    /// `Retry-After` in seconds for a wait.
    pub(super) fn told(&self, wait: u64) -> Option<u64> {
        let seconds = wait.div_ceil(1_000_000_000).min(65_535);
        match self.spec.retry_after {
            RetryAfter::None => None,
            RetryAfter::Seconds => Some(seconds),
            RetryAfter::TooSmall => Some(seconds / 2),
        }
    }
}

/// The numbers of a limit; what its kind does not have is nothing.
#[derive(Default)]
struct Numbers {
    /// Requests of the rate, and the nanoseconds that they take.
    rate: (u128, u128),
    burst: u128,
    limit: u128,
    window: u64,
}

fn numbers(kind: &LimitKind) -> Numbers {
    let paced = |rate: Rate, burst: u32| Numbers {
        rate: (u128::from(rate.count), u128::from(rate.per.0)),
        burst: burst.into(),
        ..Numbers::default()
    };
    let windowed =
        |limit: u32, window: Dur| Numbers { limit: limit.into(), window: window.0, ..Numbers::default() };
    match kind {
        LimitKind::TokenBucket(of) => paced(of.rate, of.burst),
        LimitKind::Gcra(of) => paced(of.rate, of.burst),
        LimitKind::LeakyBucket(of) => paced(of.rate, of.burst),
        LimitKind::FixedWindow(of) => windowed(of.limit, of.window),
        LimitKind::SlidingLog(of) => windowed(of.limit, of.window),
        LimitKind::SlidingCounter(of) => windowed(of.limit, of.window),
        LimitKind::Concurrency(of) => windowed(of.limit, Dur(1)),
        #[allow(unreachable_patterns, reason = "kinds that are not defined here are not drawn")]
        other => unreachable!("{} has no second definition", other.name()),
    }
}

fn nanoseconds(scaled: u128, count: u128) -> u64 {
    if count == 0 { NEVER } else { u64::try_from(scaled.div_ceil(count)).unwrap_or(NEVER) }
}

impl Key {
    /// How long a request would have to wait to pass if nothing else came; 0 when it passes now.
    fn wait(&self, spec: &LimitSpec, now: u64) -> u64 {
        let Numbers { rate: (count, per), burst, limit, window } = numbers(&spec.kind);
        let scaled_now = u128::from(now) * count;
        match spec.kind {
            LimitKind::TokenBucket(_) => {
                // Tokens times `per`, followed through everything that passed.
                let (mut credit, mut at) = (burst * per, 0);
                for time in &self.passed {
                    credit = (credit + count * u128::from(time - at)).min(burst * per) - per;
                    at = *time;
                }
                let credit = (credit + count * u128::from(now - at)).min(burst * per);
                if burst == 0 { NEVER } else { nanoseconds(per.saturating_sub(credit), count) }
            }
            LimitKind::Gcra(_) => {
                let expected = self.departures.last().copied().unwrap_or(0);
                let early = (burst.max(1) - 1) * per;
                if burst == 0 {
                    return NEVER;
                }
                nanoseconds(expected.saturating_sub(early).saturating_sub(scaled_now), count)
            }
            LimitKind::LeakyBucket(_) => {
                if count == 0 {
                    return NEVER;
                }
                if self.departure(now, count, per) <= scaled_now {
                    return 0;
                }
                // The last `burst` departures must be all that is still ahead.
                let at = self.departures.len() as u128;
                if at < burst {
                    return 0;
                }
                let leaves = if burst == 0 {
                    self.departure(now, count, per)
                } else {
                    self.departures[(at - burst) as usize]
                };
                nanoseconds(leaves.saturating_sub(scaled_now), count)
            }
            LimitKind::FixedWindow(_) => {
                let start = now / window * window;
                let passed = self.passed.iter().filter(|time| **time >= start).count();
                match limit {
                    0 => NEVER,
                    _ if (passed as u128) < limit => 0,
                    _ => start + window - now,
                }
            }
            LimitKind::SlidingLog(_) => {
                if limit == 0 {
                    return NEVER;
                }
                if (self.logged.len() as u128) < limit {
                    return 0;
                }
                let oldest = self.logged[self.logged.len() - limit as usize];
                (oldest + window).saturating_sub(now)
            }
            LimitKind::SlidingCounter(_) => {
                if limit == 0 {
                    return NEVER;
                }
                let passes = |at: u64| {
                    let start = at / window * window;
                    let between = |from: u64, to: u64| {
                        self.passed.iter().filter(|time| (from..to).contains(*time)).count() as u128
                    };
                    let current = between(start, start + window);
                    let previous = if start < window { 0 } else { between(start - window, start) };
                    let left = u128::from(window - (at - start));
                    previous * left + (current + 1) * u128::from(window) <= limit * u128::from(window)
                };
                // From now on what is estimated only falls.
                let (mut low, mut high) = (now, now + 2 * window);
                if passes(low) {
                    return 0;
                }
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    if passes(middle) { high = middle } else { low = middle }
                }
                high - now
            }
            LimitKind::Concurrency(_) => u64::from(u128::from(self.held) >= limit),
            #[allow(unreachable_patterns, reason = "kinds that are not defined here are not drawn")]
            _ => unreachable!("told by `numbers`"),
        }
    }

    /// When the next request would leave a leaky bucket, times `count`.
    fn departure(&self, now: u64, count: u128, per: u128) -> u128 {
        let scaled_now = u128::from(now) * count;
        self.departures.last().map_or(scaled_now, |last| (last + per).max(scaled_now))
    }

    /// A request passes; its delay.
    fn pass(&mut self, spec: &LimitSpec, now: u64) -> u64 {
        let (count, per) = numbers(&spec.kind).rate;
        self.passed.push(now);
        self.logged.push(now);
        self.held += 1;
        match spec.kind {
            LimitKind::Gcra(_) => {
                let expected = self.departures.last().copied().unwrap_or(0);
                self.departures.push(expected.max(u128::from(now) * count) + per);
                0
            }
            LimitKind::LeakyBucket(_) => {
                let leaves = self.departure(now, count, per);
                self.departures.push(leaves);
                nanoseconds(leaves - u128::from(now) * count, count)
            }
            _ => 0,
        }
    }
}
