//! What the limiters' tests share: short forms, and a naive model that remembers every event of a key.
//!
//! The model shares no code and no formula with the limiters: buckets are judged by their arrival envelope, windows by
//! counting events, the shaper by replaying all departures; rates stay unreduced fractions, times are 128 bits wide.

use super::Verdict;
use crate::backend::spec::{Endpoint, LimitKey, LimitKind, LimitSpec, Rate, RetryAfter};
use crate::kernel::Dur;

pub(super) const ALL_KINDS: [LimitKind; 7] = [
    LimitKind::TokenBucket,
    LimitKind::Gcra,
    LimitKind::FixedWindow,
    LimitKind::SlidingLog,
    LimitKind::SlidingCounter,
    LimitKind::LeakyBucket,
    LimitKind::Concurrency,
];

pub(super) fn admits(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Admit { .. })
}

pub(super) fn admitted(verdicts: impl IntoIterator<Item = Verdict>) -> usize {
    verdicts.into_iter().filter(|v| admits(*v)).count()
}

/// A valid spec: 3 in 10 s with 2 at once, or 4 in 10 s, or 4 at once.
pub(super) fn spec(kind: LimitKind) -> LimitSpec {
    let paced = matches!(kind, LimitKind::TokenBucket | LimitKind::Gcra | LimitKind::LeakyBucket);
    let windowed = matches!(kind, LimitKind::FixedWindow | LimitKind::SlidingLog | LimitKind::SlidingCounter);
    LimitSpec {
        endpoints: vec![Endpoint::Tokens],
        kind,
        key: LimitKey::User,
        rate: paced.then(|| Rate::parse("3/10s").unwrap()),
        burst: paced.then_some(2),
        limit: (!paced).then_some(4),
        window: windowed.then_some(Dur::from_secs(10)),
        logs_refused: false,
        retry_after: RetryAfter::Seconds,
        penalty: None,
        source: String::new(),
    }
}

/// Everything that ever happened to one key.
pub(super) struct Naive {
    spec: LimitSpec,
    /// Times that reached the limiter behind the penalty, and whether they passed.
    asked: Vec<(i128, bool)>,
}

impl Naive {
    pub(super) fn new(spec: &LimitSpec) -> Naive {
        Naive { spec: spec.clone(), asked: Vec::new() }
    }

    /// Judges a request and remembers it: its delay if it passes.
    pub(super) fn ask(&mut self, now: i128) -> Option<i128> {
        if self.is_blocked(now) {
            return None;
        }
        let passes = self.passes(now);
        self.asked.push((now, passes));
        passes.then(|| if self.spec.kind == LimitKind::LeakyBucket { self.last_delay() } else { 0 })
    }

    /// Whether a request would pass.
    pub(super) fn passes(&self, now: i128) -> bool {
        !self.is_blocked(now) && self.passes_behind(now)
    }

    fn is_blocked(&self, now: i128) -> bool {
        let Some(penalty) = self.spec.penalty else { return false };
        self.asked.iter().any(|(t, passed)| !passed && now < t + i128::from(penalty.0))
    }

    fn passed(&self) -> impl DoubleEndedIterator<Item = i128> + '_ {
        self.asked.iter().filter(|a| a.1).map(|a| a.0)
    }

    fn passes_behind(&self, now: i128) -> bool {
        let limit = i128::from(self.spec.limit.unwrap_or(0));
        let window = i128::from(self.spec.window.unwrap_or_default().0);
        match self.spec.kind {
            // At most burst + rate * (now - s) pass in [s, now], for every s (Le Boudec and Thiran 2001, section 1.2).
            LimitKind::TokenBucket | LimitKind::Gcra => {
                let (count, per) = self.rate();
                let burst = i128::from(self.spec.burst.unwrap());
                let mut within = 1;
                let fits = |within: i128, s: i128| (within - burst) * per <= (now - s) * count;
                fits(1, now)
                    && self.passed().rev().all(|s| {
                        within += 1;
                        fits(within, s)
                    })
            }
            LimitKind::FixedWindow => {
                let same = self.passed().filter(|t| t / window == now / window).count();
                (same as i128) < limit
            }
            LimitKind::SlidingLog => {
                let logged = self.asked.iter().filter(|a| a.1 || self.spec.logs_refused);
                (logged.filter(|a| a.0 > now - window).count() as i128) < limit
            }
            LimitKind::SlidingCounter => {
                let index = now / window;
                let passed_in = |i: i128| self.passed().filter(|t| t / window == i).count() as i128;
                // (previous * left / window + current + 1 <= limit) * window, where left runs down with time.
                let left = (index + 1) * window - now;
                passed_in(index - 1) * left <= (limit - 1 - passed_in(index)) * window
            }
            LimitKind::LeakyBucket => {
                let (count, per) = self.rate();
                let departures = self.departures();
                let waiting = departures.iter().filter(|d| **d > now * count).count() as i128;
                let leaves_at_once = departures.last().is_none_or(|d| d + per <= now * count);
                count > 0 && (leaves_at_once || waiting < i128::from(self.spec.burst.unwrap()))
            }
            LimitKind::Concurrency => unreachable!("has its own test"),
        }
    }

    fn rate(&self) -> (i128, i128) {
        let Rate { count, per } = self.spec.rate.unwrap();
        (i128::from(count), i128::from(per.0))
    }

    /// Departures in nanoseconds times the rate's count.
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
