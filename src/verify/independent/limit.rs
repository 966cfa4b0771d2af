//! Rate limits from their definitions, slow and plain: every time that matters is kept, nothing is folded together.

use crate::backend::limiter::{fixed_window::Begins, sliding_counter::Estimate};
use crate::backend::spec::{Counts, LimitKind, LimitSpec, Rate, RetryAfter};
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
    /// When something counted, as often as it counts.
    counted: Vec<u64>,
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
    pub(super) fn ask(&mut self, key: u64, now: u64, cost: u32) -> Result<u64, u64> {
        let spec = &self.spec;
        let state = self.keys.entry(key).or_default();
        let wait = state.wait(spec, now, cost);
        if now < state.blocked_until {
            let penalty = spec.penalty.map_or(0, |penalty| penalty.0);
            if spec.penalty_prolonged {
                state.blocked_until = now.saturating_add(penalty);
            }
            return Err(wait.max(state.blocked_until - now));
        }
        if wait > 0 {
            if spec.counted() == Counts::All {
                state.count(spec, now, cost);
            }
            let wait = state.wait(spec, now, cost);
            let wait = if matches!(spec.kind, LimitKind::Concurrency(_)) { 0 } else { wait };
            let Some(penalty) = spec.penalty else { return Err(wait) };
            state.blocked_until = now.saturating_add(penalty.0);
            return Err(wait.max(penalty.0));
        }
        if matches!(spec.kind, LimitKind::LeakyBucket(_)) {
            return Ok(state.leave(spec, now));
        }
        state.held += 1;
        if matches!(spec.counted(), Counts::Admitted | Counts::All) {
            state.count(spec, now, cost);
        }
        Ok(0)
    }

    /// The answer to a call that passed is decided.
    pub(super) fn decided(&mut self, key: u64, now: u64, cost: u32, success: bool) {
        let counts = match self.spec.counted() {
            Counts::Successes => success,
            Counts::Failures => !success,
            Counts::Admitted | Counts::All => false,
        };
        if counts {
            self.keys.entry(key).or_default().count(&self.spec, now, cost);
        }
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
            RetryAfter::RoundedDown => Some(wait / 1_000_000_000),
            RetryAfter::Constant => self.spec.retry_after_s.map(u64::from),
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
        LimitKind::IdleWindow(of) => windowed(of.limit, of.window),
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
    /// How long a call that counts as `cost` requests would have to wait to pass if nothing else came; 0 when it passes now.
    fn wait(&self, spec: &LimitSpec, now: u64, cost: u32) -> u64 {
        let Numbers { rate: (count, per), burst, limit, window } = numbers(&spec.kind);
        let scaled_now = u128::from(now) * count;
        let cost = u128::from(cost);
        let in_window = |from: u64| self.counted.iter().filter(|time| **time >= from).count() as u128;
        match &spec.kind {
            LimitKind::TokenBucket(_) => {
                // Tokens times `per`, followed through everything that counted.
                let (mut credit, mut at) = (burst * per, 0);
                for time in &self.counted {
                    credit = (credit + count * u128::from(time - at)).min(burst * per).saturating_sub(per);
                    at = *time;
                }
                let credit = (credit + count * u128::from(now - at)).min(burst * per);
                if burst < cost { NEVER } else { nanoseconds((cost * per).saturating_sub(credit), count) }
            }
            LimitKind::Gcra(_) => {
                if burst < cost {
                    return NEVER;
                }
                let expected = self.departures.last().copied().unwrap_or(0);
                let early = (burst - cost) * per;
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
            _ if limit < cost && !matches!(spec.kind, LimitKind::Concurrency(_)) => NEVER,
            LimitKind::FixedWindow(of) => {
                let start = match of.begins {
                    Begins::Clock => now / window * window,
                    Begins::FirstCall => self
                        .counted
                        .iter()
                        .fold(None, |begin, time| match begin {
                            Some(begin) if *time - begin < window => Some(begin),
                            _ => Some(*time),
                        })
                        .filter(|begin| now - begin < window)
                        .unwrap_or(now),
                };
                // At the very begin of a window of its own a key has nothing against it.
                if in_window(start) + cost <= limit { 0 } else { start + window - now }
            }
            LimitKind::IdleWindow(_) => {
                let mut begin = 0;
                for pair in self.counted.windows(2) {
                    if pair[1] - pair[0] > window {
                        begin = pair[1];
                    }
                }
                match self.counted.last() {
                    Some(last) if now - last <= window && in_window(begin) + cost > limit => {
                        last + window + 1 - now
                    }
                    _ => 0,
                }
            }
            LimitKind::SlidingLog(_) => {
                // All but the newest `limit - cost` must be a window old.
                let room = (limit - cost) as usize;
                match self.counted.iter().rev().nth(room) {
                    Some(in_the_way) => (in_the_way + window).saturating_sub(now),
                    None => 0,
                }
            }
            LimitKind::SlidingCounter(of) => {
                let passes = |at: u64| {
                    let start = at / window * window;
                    let between = |from: u64, to: u64| {
                        self.counted.iter().filter(|time| (from..to).contains(*time)).count() as u128
                    };
                    let current = between(start, start + window);
                    let previous = if start < window { 0 } else { between(start - window, start) };
                    let left = u128::from(window - (at - start));
                    match of.estimate {
                        Estimate::WithCall => {
                            previous * left + (current + cost) * u128::from(window)
                                <= limit * u128::from(window)
                        }
                        // As Upstash writes it, with whole numbers.
                        Estimate::BeforeCall => {
                            previous * left / u128::from(window) + current + cost <= limit
                        }
                    }
                };
                // From now on what is estimated only falls.
                let (mut low, mut high) = (now, now + 3 * window);
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

    /// A request leaves a leaky bucket; its delay.
    fn leave(&mut self, spec: &LimitSpec, now: u64) -> u64 {
        let (count, per) = numbers(&spec.kind).rate;
        let leaves = self.departure(now, count, per);
        self.departures.push(leaves);
        nanoseconds(leaves - u128::from(now) * count, count)
    }

    /// A call counts.
    fn count(&mut self, spec: &LimitSpec, now: u64, cost: u32) {
        self.counted.extend(std::iter::repeat_n(now, cost as usize));
        if matches!(spec.kind, LimitKind::Gcra(_)) {
            let Numbers { rate: (count, per), burst, .. } = numbers(&spec.kind);
            let scaled_now = u128::from(now) * count;
            let expected =
                self.departures.last().copied().unwrap_or(0).max(scaled_now) + u128::from(cost) * per;
            // A refused call cannot take more than the whole burst.
            self.departures.push(expected.min(scaled_now + burst * per));
        }
    }
}
