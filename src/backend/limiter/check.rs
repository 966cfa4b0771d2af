//! What a limit must say: which keys its kind needs, which it does not take, and which values it computes with exactly.

use super::token_bucket;
use crate::backend::spec::{LimitKind, LimitSpec, RetryAfter};
use crate::kernel::Dur;
use std::fmt;

/// Requests of a rate are below this, as the text form of a rate allows: products with times then fit 128 bits.
const COUNT_BOUND: u64 = 1_000_000_000_000;

/// Something that keeps a limit from being built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The key, as a scenario writes it.
    pub key: &'static str,
    /// In which way it is wrong.
    pub wrong: Wrong,
    /// What is wrong, in words.
    pub what: String,
    /// What is allowed; for a key that is missing, how it is written.
    pub allowed: String,
}

/// In which way a key of a limit is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The kind needs it, and it is not there.
    Missing,
    /// The kind does not take it.
    Foreign,
    /// Its value is out of range.
    Value,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; allowed: {}", self.what, self.allowed)
    }
}

/// Checks that a limit has the keys its kind needs, no others, and that their values can be computed with exactly.
///
/// A limit, burst, rate or penalty of zero is allowed: it is what a sweep or a total outage says.
///
/// # Errors
/// The first of its [`misfits`].
pub fn check(spec: &LimitSpec) -> Result<(), Misfit> {
    misfits(spec).into_iter().next().map_or(Ok(()), Err)
}

/// Everything that keeps a limit from being built; nothing for a limit that [`super::Limiter::new`] takes.
pub fn misfits(spec: &LimitSpec) -> Vec<Misfit> {
    let mut found = Vec::new();
    let mut add = |key, wrong, what: String, allowed: String| {
        found.push(Misfit { key, wrong, what, allowed });
    };
    let kind = spec.kind.name();
    let takes = keys(spec.kind);
    let given = [
        ("rate", spec.rate.is_some(), "requests per duration, such as \"100/10s\""),
        ("burst", spec.burst.is_some(), "a whole number of requests, such as 10"),
        ("limit", spec.limit.is_some(), "a whole number of requests, such as 10"),
        ("window", spec.window.is_some(), "a duration above zero, such as \"10s\""),
    ];
    for (key, is_given, form) in given {
        match (takes.contains(&key), is_given) {
            (true, false) => add(key, Wrong::Missing, format!("a {kind} needs `{key}`"), form.to_owned()),
            (false, true) => {
                add(key, Wrong::Foreign, format!("`{key}` is no key of a {kind}"), takes.join(", "));
            }
            _ => {}
        }
    }
    if spec.logs_refused && spec.kind != LimitKind::SlidingLog {
        let what = format!("a {kind} keeps no log: `logs-refused` belongs to a sliding-log");
        add("logs-refused", Wrong::Foreign, what, "in a sliding-log limit only".to_owned());
    }
    if spec.kind == LimitKind::Concurrency && spec.retry_after != RetryAfter::None {
        let what = "a concurrency limit cannot know when a call will end, so it has no `retry-after`";
        add("retry-after", Wrong::Foreign, what.to_owned(), "none".to_owned());
    }
    if spec.window == Some(Dur::ZERO) {
        let allowed = "a duration above zero, such as \"10s\"";
        add("window", Wrong::Value, "a window of no length".to_owned(), allowed.to_owned());
    }
    if let Some(rate) = spec.rate {
        if rate.per == Dur::ZERO || rate.count >= COUNT_BOUND {
            let allowed = "fewer than 10^12 requests per duration above zero";
            add("rate", Wrong::Value, "a rate out of range".to_owned(), allowed.to_owned());
        } else if spec.kind == LimitKind::TokenBucket
            && let Some(burst) = spec.burst
            && token_bucket::capacity(rate, burst).is_none()
        {
            let what = format!("a burst of {burst} at {rate} is beyond exact 64-bit credit");
            let allowed = "burst times the rate's duration, both of the rate in lowest terms, below 2^64 ns; a rounder \
                           rate, a smaller burst or the kind gcra, which decides alike";
            add("burst", Wrong::Value, what, allowed.to_owned());
        }
    }
    found
}

/// The keys a kind needs; it takes no other of the optional ones, besides `penalty`.
fn keys(kind: LimitKind) -> &'static [&'static str] {
    match kind {
        LimitKind::TokenBucket | LimitKind::Gcra | LimitKind::LeakyBucket => &["rate", "burst"],
        LimitKind::FixedWindow | LimitKind::SlidingLog | LimitKind::SlidingCounter => &["limit", "window"],
        LimitKind::Concurrency => &["limit"],
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ALL_KINDS, spec};
    use super::*;
    use crate::backend::spec::Rate;

    #[test]
    fn each_kind_takes_its_own_keys_and_misses_each_of_them() {
        for kind in ALL_KINDS {
            let good = spec(kind);
            assert_eq!(check(&good), Ok(()), "{kind:?}");
            for key in ["rate", "burst", "limit", "window", "logs-refused"] {
                let mut bad = good.clone();
                let present = match key {
                    "rate" => flip(&mut bad.rate, Rate::parse("5/s").unwrap()),
                    "burst" => flip(&mut bad.burst, 5),
                    "limit" => flip(&mut bad.limit, 5),
                    "window" => flip(&mut bad.window, Dur(5)),
                    _ => {
                        bad.logs_refused = true;
                        kind != LimitKind::SlidingLog
                    }
                };
                if key == "logs-refused" && !present {
                    assert_eq!(check(&bad), Ok(()));
                    continue;
                }
                let misfits = misfits(&bad);
                let [misfit] = &misfits[..] else { panic!("{kind:?} {key}: {misfits:?}") };
                assert_eq!(misfit.key, key, "{kind:?}");
                let (wrong, told) = match (key, keys(kind).contains(&key)) {
                    ("rate", true) => (Wrong::Missing, "requests per duration"),
                    ("window", true) => (Wrong::Missing, "a duration above zero"),
                    (_, true) => (Wrong::Missing, "a whole number of requests"),
                    (_, false) => (Wrong::Foreign, "allowed"),
                };
                assert_eq!(misfit.wrong, wrong, "{kind:?} {key}");
                let message = misfit.to_string();
                assert!(message.contains(kind.name()) && message.contains(told), "{message}");
            }
        }
    }

    /// Takes a given value away or gives one that is missing; whether it was missing.
    fn flip<T>(value: &mut Option<T>, given: T) -> bool {
        let missing = value.is_none();
        *value = if missing { Some(given) } else { None };
        missing
    }

    #[test]
    fn names_are_those_of_scenarios() {
        for kind in ALL_KINDS {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn values_out_of_range() {
        let mut log = spec(LimitKind::SlidingLog);
        log.window = Some(Dur::ZERO);
        assert_eq!(check(&log).unwrap_err().key, "window");
        let mut gcra = spec(LimitKind::Gcra);
        gcra.rate = Some(Rate { count: 1, per: Dur::ZERO });
        assert_eq!(check(&gcra).unwrap_err().key, "rate");
        gcra.rate = Some(Rate { count: COUNT_BOUND, per: Dur(1) });
        assert_eq!(check(&gcra).unwrap_err().key, "rate");
        let mut bucket = spec(LimitKind::TokenBucket);
        // 7 divides no power of ten: a day is 8.64e13 units a request, 213_503 of which fit 64 bits.
        bucket.rate = Some(Rate::parse("7/1d").unwrap());
        bucket.burst = Some(213_503);
        assert_eq!(check(&bucket), Ok(()));
        bucket.burst = Some(213_504);
        assert_eq!(check(&bucket).unwrap_err().key, "burst");
        bucket.kind = LimitKind::Gcra;
        assert_eq!(check(&bucket), Ok(()));
    }
}
