//! Per-session limits on retries: retry budget, circuit breaker, windowed retry.

use super::policy::{Policy, RetryBudget};
use crate::kernel::{Dur, Time};

/// Cost of a retry, in units of the budget.
const RETRY: u64 = 1_000_000;

/// Compiled limits of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    budget: Option<Budget>,
    breaker: Option<Breaker>,
    window: Option<Window>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget {
    deposit: u64,
    most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Breaker {
    failures: u32,
    open: Dur,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    retries: u32,
    length: Dur,
}

/// State of one session with respect to its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Amount taken from the budget, in its units.
    spent: u64,
    /// Consecutive failures. Saturates at the greatest number that opens a breaker.
    failures: u32,
    /// Retries in the current window.
    retries: u32,
    probing: bool,
    open_until: Time,
    window_from: Time,
}

impl Budget {
    fn of(spec: &RetryBudget) -> Budget {
        Budget { deposit: spec.ratio.millionths, most: u64::from(spec.burst) * RETRY }
    }
}

impl SessionLimits {
    /// Limits with a retry budget only, for generic clients, which have no policy.
    pub fn budget_only(budget: &RetryBudget) -> SessionLimits {
        SessionLimits { budget: Some(Budget::of(budget)), breaker: None, window: None }
    }

    /// The limits of a policy; `None` if it has none.
    pub fn of(policy: &Policy) -> Option<SessionLimits> {
        let limits = SessionLimits {
            budget: policy.retry_budget.as_ref().map(Budget::of),
            breaker: policy.circuit_breaker.as_ref().map(|b| Breaker { failures: b.failures, open: b.open }),
            window: policy.windowed_retry.as_ref().map(|w| Window { retries: w.retries, length: w.window }),
        };
        (limits.budget.is_some() || limits.breaker.is_some() || limits.window.is_some()).then_some(limits)
    }

    /// Records a first attempt, which deposits into the budget.
    pub fn first_attempt(&self, session: &mut SessionPolicy) {
        if let Some(budget) = self.budget {
            session.spent = session.spent.saturating_sub(budget.deposit);
        }
    }

    /// Whether a retry is allowed. An allowed retry is charged.
    pub fn take_retry(&self, session: &mut SessionPolicy, now: Time) -> bool {
        if let Some(budget) = self.budget
            && session.spent + RETRY > budget.most
        {
            return false;
        }
        if let Some(window) = self.window {
            if session.retries == 0 || now >= session.window_from.after(window.length) {
                session.window_from = now;
                session.retries = 0;
            }
            if session.retries >= window.retries {
                return false;
            }
            session.retries += 1;
        }
        if self.budget.is_some() {
            session.spent += RETRY;
        }
        true
    }

    /// Whether the circuit breaker lets a call through. The first call after the open time is the probe.
    pub fn lets_through(&self, session: &mut SessionPolicy, now: Time) -> bool {
        let Some(breaker) = self.breaker else { return true };
        if session.failures < breaker.failures {
            return true;
        }
        if now < session.open_until || session.probing {
            return false;
        }
        session.probing = true;
        true
    }

    /// Records the end of a /tokens call.
    pub fn call_ended(&self, session: &mut SessionPolicy, ok: bool, now: Time) {
        let Some(breaker) = self.breaker else { return };
        session.probing = false;
        if ok {
            session.failures = 0;
        } else {
            session.failures = session.failures.saturating_add(1);
            if session.failures >= breaker.failures {
                session.open_until = now.after(breaker.open);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::policy::Decimal;

    fn limits() -> SessionLimits {
        SessionLimits { budget: None, breaker: None, window: None }
    }

    #[test]
    fn a_budget_pays_for_burst_and_then_for_its_share() {
        let limits = SessionLimits { budget: Some(Budget { deposit: 100_000, most: 3 * RETRY }), ..limits() };
        let mut session = SessionPolicy::default();
        let take = |n: u64, session: &mut SessionPolicy| {
            (0..n).filter(|_| limits.take_retry(session, Time::ZERO)).count()
        };
        assert_eq!(take(10, &mut session), 3, "the burst");
        for _ in 0..9 {
            limits.first_attempt(&mut session);
        }
        assert_eq!(take(1, &mut session), 0, "0.9 of a retry is none");
        limits.first_attempt(&mut session);
        assert_eq!(take(2, &mut session), 1, "ten first attempts pay for one");
    }

    /// Tests the greatest burst and deposit that a scenario allows.
    #[test]
    fn a_budget_holds_the_largest_burst_and_deposit() {
        let spec = RetryBudget { ratio: Decimal { millionths: 1_000_000_000_000 }, burst: u32::MAX };
        let limits = SessionLimits::budget_only(&spec);
        let mut session = SessionPolicy::default();
        for _ in 0..10_000 {
            assert!(limits.take_retry(&mut session, Time::ZERO));
        }
        assert_eq!(session.spent, 10_000 * RETRY);
        session.spent = (u64::from(u32::MAX) - 1) * RETRY;
        assert!(limits.take_retry(&mut session, Time::ZERO) && !limits.take_retry(&mut session, Time::ZERO));
        limits.first_attempt(&mut session);
        assert_eq!(session.spent, (u64::from(u32::MAX) - 1_000_000) * RETRY, "a million retries are paid in");
    }

    #[test]
    fn a_breaker_opens_probes_and_closes() {
        let limits =
            SessionLimits { breaker: Some(Breaker { failures: 2, open: Dur::from_secs(10) }), ..limits() };
        let mut s = SessionPolicy::default();
        let at = |t: u64| Time::from_ms(t * 1_000);
        limits.call_ended(&mut s, false, at(0));
        assert!(limits.lets_through(&mut s, at(0)));
        limits.call_ended(&mut s, false, at(1));
        assert!(!limits.lets_through(&mut s, at(10)), "open until 11 s");
        assert!(limits.lets_through(&mut s, at(11)), "the probe");
        assert!(!limits.lets_through(&mut s, at(11)), "one probe only");
        limits.call_ended(&mut s, false, at(12));
        assert!(!limits.lets_through(&mut s, at(21)));
        assert!(limits.lets_through(&mut s, at(22)));
        limits.call_ended(&mut s, true, at(22));
        assert!(limits.lets_through(&mut s, at(22)), "closed");
    }

    #[test]
    fn a_window_begins_with_its_first_retry() {
        let limits =
            SessionLimits { window: Some(Window { retries: 2, length: Dur::from_secs(60) }), ..limits() };
        let mut s = SessionPolicy::default();
        for (t, expected) in
            [(5, true), (6, true), (7, false), (64, false), (65, true), (66, true), (67, false)]
        {
            assert_eq!(limits.take_retry(&mut s, Time::from_ms(t * 1_000)), expected, "at {t} s");
        }
    }

    #[test]
    fn a_policy_has_limits_when_it_names_one() {
        let policy = |limit: &str| -> Policy {
            let rest = "[retry]\non = ['429']\ninitial = '1s'\nfactor = 2\ncap = '5s'\nretries = 2";
            let text = format!("name = 'p'\nenters-unauthenticated-flow = ['401']\n{rest}\n{limit}");
            toml::from_str(&text).unwrap()
        };
        let budget = "[retry-budget]\nratio = 0.1\nburst = 3";
        let breaker = "[circuit-breaker]\nfailures = 2\nopen = '10s'";
        let window = "[windowed-retry]\nretries = 4\nwindow = '60s'";
        assert_eq!(SessionLimits::of(&policy("")), None);
        let none = limits();
        let budgeted = Some(Budget { deposit: RETRY / 10, most: 3 * RETRY });
        let broken = Some(Breaker { failures: 2, open: Dur::from_secs(10) });
        let windowed = Some(Window { retries: 4, length: Dur::from_secs(60) });
        for (text, expected) in [
            (budget, SessionLimits { budget: budgeted, ..none }),
            (breaker, SessionLimits { breaker: broken, ..none }),
            (window, SessionLimits { window: windowed, ..none }),
        ] {
            assert_eq!(SessionLimits::of(&policy(text)), Some(expected), "{text}");
        }
    }
}
