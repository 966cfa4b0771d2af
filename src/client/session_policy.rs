//! Limits on retries and calls, of a session or of a process: retry budget, circuit breaker, windowed retry, and the
//! mechanisms of libraries.

use super::policy::{CircuitBreaker, Policy, RetryBudget, WindowedRetry};
use super::resilience::{Cause, Ended, Per, Resilience, State};
use crate::kernel::random::origin;
use crate::kernel::{Dur, Time};

/// Cost of a retry, in units of the budget.
const RETRY: u64 = 1_000_000;

/// Compiled limits of a policy or a workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionLimits {
    budget: Option<Budget>,
    breaker: Option<Breaker>,
    window: Option<Window>,
    resilience: Option<Box<Resilience>>,
    /// The processes that share one state each; `None` for a state per session.
    process: Option<Processes>,
}

/// The processes of a policy in a cohort: all users of one app are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Processes {
    /// The policy or workload, as a number.
    pub policy: u64,
    /// Number of apps.
    pub apps: u32,
    /// Number of the cohort's first user.
    pub first_user: u32,
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

/// State of one session or process with respect to its limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionPolicy {
    /// Amount taken from the budget, in its units.
    spent: u64,
    /// Consecutive failures. Saturates at the greatest number that opens a breaker.
    failures: u32,
    /// Retries in the current window.
    retries: u32,
    /// [`Time::NEVER`] while the probe is under way.
    open_until: Time,
    window_from: Time,
    /// What the mechanisms of libraries remember.
    named: Option<Box<State>>,
}

/// 40 bytes of each session whose policy has a limit.
const _: () = assert!(size_of::<SessionPolicy>() == 40);

impl SessionPolicy {
    /// Gives the state random numbers of its own.
    pub fn seed(&mut self, seed: u64) {
        self.named = Some(Box::new(State::new(seed)));
    }

    fn named(&mut self) -> &mut State {
        self.named.get_or_insert_with(Box::default)
    }
}

/// What a policy or a workload says of its limits.
#[derive(Clone, Copy, Debug)]
pub struct LimitSpecs<'a> {
    /// Whose they are.
    pub name: &'a str,
    /// The retry budget.
    pub budget: Option<&'a RetryBudget>,
    /// The circuit breaker.
    pub breaker: Option<&'a CircuitBreaker>,
    /// The windowed retry.
    pub window: Option<&'a WindowedRetry>,
    /// The mechanisms of libraries.
    pub resilience: Option<&'a Resilience>,
}

impl LimitSpecs<'_> {
    /// Compiles the limits; `None` if there are none.
    pub fn compile(&self) -> Option<SessionLimits> {
        let budget = self
            .budget
            .map(|budget| Budget { deposit: budget.ratio.millionths, most: u64::from(budget.burst) * RETRY });
        let breaker = self.breaker.map(|b| Breaker { failures: b.failures, open: b.open });
        let window = self.window.map(|w| Window { retries: w.retries, length: w.window });
        let named = self.resilience.filter(|named| !named.keys().is_empty());
        let some = budget.is_some() || breaker.is_some() || window.is_some() || named.is_some();
        let shared = self.resilience.is_some_and(|it| it.per == Per::Process);
        some.then(|| SessionLimits {
            budget,
            breaker,
            window,
            resilience: named.cloned().map(Box::new),
            process: shared.then(|| Processes { policy: origin(self.name), apps: 1, first_user: 0 }),
        })
    }
}

impl SessionLimits {
    /// The limits of a policy; `None` if it has none.
    pub fn of(policy: &Policy) -> Option<SessionLimits> {
        let specs = LimitSpecs {
            name: &policy.name,
            budget: policy.retry_budget.as_ref(),
            breaker: policy.circuit_breaker.as_ref(),
            window: policy.windowed_retry.as_ref(),
            resilience: policy.resilience.as_ref(),
        };
        specs.compile()
    }

    /// The processes that share one state each; `None` for a state per session.
    pub(super) fn processes(&self) -> Option<Processes> {
        self.process
    }

    /// The limits for the users of a cohort: how many apps it has, and the number of its first user.
    pub(super) fn in_cohort(mut self, apps: u32, first_user: u32) -> SessionLimits {
        self.process = self.process.map(|it| Processes { apps, first_user, ..it });
        self
    }

    /// Whether a mechanism of a library is among the limits.
    pub(super) fn has_named(&self) -> bool {
        self.resilience.is_some()
    }

    /// Whether the users of a process share one state.
    pub fn is_shared(&self) -> bool {
        self.process.is_some()
    }

    /// Records a first try, which deposits into the budget.
    pub fn first_attempt(&self, session: &mut SessionPolicy, now: Time) {
        if let Some(budget) = self.budget {
            session.spent = session.spent.saturating_sub(budget.deposit);
        }
        if let Some(named) = &self.resilience {
            named.first_try(session.named(), now);
        }
    }

    /// Whether a retry is allowed. An allowed retry is charged.
    pub fn take_retry(&self, session: &mut SessionPolicy, cause: Cause, now: Time) -> bool {
        if let Some(budget) = self.budget
            && session.spent + RETRY > budget.most
        {
            return false;
        }
        if let Some(named) = &self.resilience
            && !named.affords(session.named(), cause, now)
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
        if let Some(named) = &self.resilience {
            named.pays(session.named(), cause);
        }
        true
    }

    /// Whether a try may be sent. The first after the open time of the circuit breaker is the probe.
    pub fn lets_through(&self, session: &mut SessionPolicy, now: Time) -> bool {
        if let Some(named) = &self.resilience
            && !named.lets_through(session.named(), now)
        {
            return false;
        }
        if let Some(breaker) = self.breaker
            && session.failures >= breaker.failures
        {
            if now < session.open_until {
                return false;
            }
            session.open_until = Time::NEVER;
        }
        true
    }

    /// Records that a try is sent.
    pub fn sent(&self, session: &mut SessionPolicy) {
        if let Some(named) = &self.resilience {
            named.sent(session.named());
        }
    }

    /// Records the end of a try that was sent.
    pub fn call_ended(&self, session: &mut SessionPolicy, ended: &Ended, now: Time) {
        if let Some(named) = &self.resilience {
            named.ended(session.named(), ended, now);
        }
        let Some(breaker) = self.breaker else { return };
        if ended.failure.is_none() {
            session.failures = 0;
        } else {
            session.failures = session.failures.saturating_add(1);
            if session.failures >= breaker.failures {
                session.open_until = now.after(breaker.open);
            }
        }
    }

    /// Records that a try that was sent ends without anybody who looks at its answer: its page is gone.
    pub fn abandoned(&self, session: &mut SessionPolicy) {
        if let Some(named) = &self.resilience {
            named.abandoned(session.named());
        }
    }

    /// Records that a retry is over, with its wait and its try.
    pub fn retry_over(&self, session: &mut SessionPolicy) {
        if let Some(named) = &self.resilience {
            named.retry_over(session.named());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::policy::Decimal;

    fn limits() -> SessionLimits {
        SessionLimits::default()
    }

    fn ended(ok: bool) -> Ended {
        let failure = (!ok).then_some(crate::protocol::Failure::NETWORK);
        Ended { failure, retryable: true, retries: None }
    }

    #[test]
    fn a_budget_pays_for_burst_and_then_for_its_share() {
        let limits = SessionLimits { budget: Some(Budget { deposit: 100_000, most: 3 * RETRY }), ..limits() };
        let mut session = SessionPolicy::default();
        let take = |n: u64, session: &mut SessionPolicy| {
            (0..n).filter(|_| limits.take_retry(session, Cause::Failed, Time::ZERO)).count()
        };
        assert_eq!(take(10, &mut session), 3, "the burst");
        for _ in 0..9 {
            limits.first_attempt(&mut session, Time::ZERO);
        }
        assert_eq!(take(1, &mut session), 0, "0.9 of a retry is none");
        limits.first_attempt(&mut session, Time::ZERO);
        assert_eq!(take(2, &mut session), 1, "ten first attempts pay for one");
    }

    /// Tests the greatest burst and deposit that a scenario allows.
    #[test]
    fn a_budget_holds_the_largest_burst_and_deposit() {
        let spec = RetryBudget { ratio: Decimal { millionths: 1_000_000_000_000 }, burst: u32::MAX };
        let specs =
            LimitSpecs { name: "p", budget: Some(&spec), breaker: None, window: None, resilience: None };
        let limits = specs.compile().expect("a budget");
        let mut session = SessionPolicy::default();
        for _ in 0..10_000 {
            assert!(limits.take_retry(&mut session, Cause::Failed, Time::ZERO));
        }
        assert_eq!(session.spent, 10_000 * RETRY);
        session.spent = (u64::from(u32::MAX) - 1) * RETRY;
        assert!(
            limits.take_retry(&mut session, Cause::Failed, Time::ZERO)
                && !limits.take_retry(&mut session, Cause::Failed, Time::ZERO)
        );
        limits.first_attempt(&mut session, Time::ZERO);
        assert_eq!(session.spent, (u64::from(u32::MAX) - 1_000_000) * RETRY, "a million retries are paid in");
    }

    #[test]
    fn a_breaker_opens_probes_and_closes() {
        let limits =
            SessionLimits { breaker: Some(Breaker { failures: 2, open: Dur::from_secs(10) }), ..limits() };
        let mut s = SessionPolicy::default();
        let at = |t: u64| Time::from_ms(t * 1_000);
        limits.call_ended(&mut s, &ended(false), at(0));
        assert!(limits.lets_through(&mut s, at(0)));
        limits.call_ended(&mut s, &ended(false), at(1));
        assert!(!limits.lets_through(&mut s, at(10)), "open until 11 s");
        assert!(limits.lets_through(&mut s, at(11)), "the probe");
        assert!(!limits.lets_through(&mut s, at(11)), "one probe only");
        limits.call_ended(&mut s, &ended(false), at(12));
        assert!(!limits.lets_through(&mut s, at(21)));
        assert!(limits.lets_through(&mut s, at(22)));
        limits.call_ended(&mut s, &ended(true), at(22));
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
            assert_eq!(
                limits.take_retry(&mut s, Cause::Failed, Time::from_ms(t * 1_000)),
                expected,
                "at {t} s"
            );
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
        let budgeted = Some(Budget { deposit: RETRY / 10, most: 3 * RETRY });
        let broken = Some(Breaker { failures: 2, open: Dur::from_secs(10) });
        let windowed = Some(Window { retries: 4, length: Dur::from_secs(60) });
        for (text, expected) in [
            (budget, SessionLimits { budget: budgeted, ..limits() }),
            (breaker, SessionLimits { breaker: broken, ..limits() }),
            (window, SessionLimits { window: windowed, ..limits() }),
        ] {
            assert_eq!(SessionLimits::of(&policy(text)), Some(expected), "{text}");
        }
    }
}
