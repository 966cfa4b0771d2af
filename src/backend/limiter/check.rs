//! Which keys of `[[backend.limit]]` a kind needs and which it does not take.

use super::token_bucket;
use crate::backend::spec::{LimitKind, LimitSpec};
use crate::kernel::Dur;

/// Requests of a rate are below this, as the text form of a rate allows: products with times then fit 128 bits.
const COUNT_BOUND: u64 = 1_000_000_000_000;

/// Checks that a limit has the keys its kind needs, no others, and that their values can be computed with exactly.
///
/// What concerns every kind (`endpoints`, `key`, `retry-after`, `source`) is not looked at. A limit, burst, rate or
/// penalty of zero is allowed: it is what a sweep or a total outage says.
///
/// # Errors
/// The offending key, as it is written in a scenario, and a message with what is allowed.
pub fn check(spec: &LimitSpec) -> Result<(), (&'static str, String)> {
    let kind = spec.kind.name();
    let takes = keys(spec.kind);
    let given = [
        ("rate", spec.rate.is_some()),
        ("burst", spec.burst.is_some()),
        ("limit", spec.limit.is_some()),
        ("window", spec.window.is_some()),
    ];
    for (key, is_given) in given {
        let form = match key {
            "rate" => "requests per duration, such as \"100/10s\"",
            "window" => "a duration above zero, such as \"10s\"",
            _ => "a whole number of requests, 0 or more",
        };
        match (takes.contains(&key), is_given) {
            (true, false) => return Err((key, format!("a {kind} limit needs {key}; allowed: {form}"))),
            (false, true) => {
                return Err((key, format!("a {kind} limit takes no {key}; allowed: {}", takes.join(", "))));
            }
            _ => {}
        }
    }
    if spec.logs_refused && spec.kind != LimitKind::SlidingLog {
        let message = format!("a {kind} limit takes no logs-refused; allowed: in a sliding-log limit only");
        return Err(("logs-refused", message));
    }
    if spec.window == Some(Dur::ZERO) {
        return Err((
            "window",
            "a window of no length; allowed: a duration above zero, such as \"10s\"".into(),
        ));
    }
    if let Some(rate) = spec.rate {
        if rate.per == Dur::ZERO || rate.count >= COUNT_BOUND {
            let message = "a rate out of range; allowed: fewer than 10^12 requests per duration above zero";
            return Err(("rate", message.into()));
        }
        if spec.kind == LimitKind::TokenBucket
            && token_bucket::capacity(rate, spec.burst.unwrap_or(0)).is_none()
        {
            let message = format!(
                "a burst of {} at {rate} is beyond exact 64-bit credit; allowed: burst times the rate's duration, \
                 both of the rate in lowest terms, below 2^64 ns; a rounder rate, a smaller burst or the kind gcra, \
                 which decides alike",
                spec.burst.unwrap_or(0)
            );
            return Err(("burst", message));
        }
    }
    Ok(())
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
                let (offending, message) = check(&bad).unwrap_err();
                assert_eq!(offending, key, "{kind:?}");
                let told = match (key, keys(kind).contains(&key)) {
                    ("rate", true) => "requests per duration",
                    ("window", true) => "a duration above zero",
                    (_, true) => "a whole number of requests",
                    (_, false) => "allowed",
                };
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
        assert_eq!(check(&log).unwrap_err().0, "window");
        let mut gcra = spec(LimitKind::Gcra);
        gcra.rate = Some(Rate { count: 1, per: Dur::ZERO });
        assert_eq!(check(&gcra).unwrap_err().0, "rate");
        gcra.rate = Some(Rate { count: COUNT_BOUND, per: Dur(1) });
        assert_eq!(check(&gcra).unwrap_err().0, "rate");
        let mut bucket = spec(LimitKind::TokenBucket);
        // 7 divides no power of ten: a day is 8.64e13 units a request, 213_503 of which fit 64 bits.
        bucket.rate = Some(Rate::parse("7/1d").unwrap());
        bucket.burst = Some(213_503);
        assert_eq!(check(&bucket), Ok(()));
        bucket.burst = Some(213_504);
        assert_eq!(check(&bucket).unwrap_err().0, "burst");
        bucket.kind = LimitKind::Gcra;
        assert_eq!(check(&bucket), Ok(()));
    }
}
