//! What a policy or a workload lets one session spend on retries: a budget, a circuit breaker, a window.

use crate::client::policy::{CircuitBreaker, Policy, RetryBudget};

/// A whole retry, in a budget's units.
const WHOLE: u64 = 1_000_000;

/// Where one session stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Retries {
    /// What is left of the budget; full until somebody spends.
    left: Option<u64>,
    /// Failures of /tokens in a row.
    failures: u64,
    open_until: u64,
    probing: bool,
    /// When the window under way began, and the retries in it.
    window: Option<(u64, u32)>,
}

impl Retries {
    /// A first attempt pays in.
    pub(super) fn first_attempt(&mut self, budget: Option<&RetryBudget>) {
        if let Some(budget) = budget {
            let most = u64::from(budget.burst) * WHOLE;
            let left = self.left.unwrap_or(most);
            self.left = Some((left + budget.ratio.millionths).min(most));
        }
    }

    /// Whether there is a retry left in the budget.
    fn affords(&self, budget: Option<&RetryBudget>) -> bool {
        let full = |budget: &RetryBudget| u64::from(budget.burst) * WHOLE;
        budget.is_none_or(|budget| self.left.unwrap_or_else(|| full(budget)) >= WHOLE)
    }

    /// A retry costs one of the budget, where there is one; whether it can be paid.
    pub(super) fn pays(&mut self, budget: Option<&RetryBudget>) -> bool {
        let affords = self.affords(budget);
        if let Some(budget) = budget
            && affords
        {
            self.left = Some(self.left.unwrap_or(u64::from(budget.burst) * WHOLE) - WHOLE);
        }
        affords
    }

    /// Whether a policy grants a retry now: at most so many in a window that a retry began, and each paid for.
    pub(super) fn grants(&mut self, policy: &Policy, now: u64) -> bool {
        if !self.affords(policy.retry_budget.as_ref()) {
            return false;
        }
        if let Some(limit) = &policy.windowed_retry {
            let (began, used) = match self.window {
                Some((began, used)) if now < began + limit.window.0 => (began, used),
                _ => (now, 0),
            };
            if used >= limit.retries {
                return false;
            }
            self.window = Some((began, used + 1));
        }
        self.pays(policy.retry_budget.as_ref())
    }

    /// Whether the breaker lets a call through; after its time open, one, which decides.
    pub(super) fn lets_through(&mut self, breaker: Option<&CircuitBreaker>, now: u64) -> bool {
        let Some(breaker) = breaker else { return true };
        if self.failures < u64::from(breaker.failures) {
            return true;
        }
        let lets = now >= self.open_until && !self.probing;
        self.probing |= lets;
        lets
    }

    /// A call of /tokens ended.
    pub(super) fn call_ended(&mut self, breaker: Option<&CircuitBreaker>, ok: bool, now: u64) {
        let Some(breaker) = breaker else { return };
        self.probing = false;
        self.failures = if ok { 0 } else { self.failures + 1 };
        if self.failures >= u64::from(breaker.failures) {
            self.open_until = now + breaker.open.0;
        }
    }
}
