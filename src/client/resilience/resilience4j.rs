//! resilience4j's circuit breaker.

use super::{Ended, Mechanism};
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// resilience4j's `CircuitBreaker` with a count-based window (its documentation, "Create and configure a CircuitBreaker").
/// Each failed try is a failure. A try that the breaker does not permit has failed without an answer. A half-open breaker
/// permits so many tries and decides when all of them have ended: one that never ends keeps it half-open.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "resilience4j-circuit-breaker")]
pub struct Resilience4jCircuitBreaker {
    /// Share of failures at which the breaker opens.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percent"))]
    pub failure_rate_threshold: f64,
    /// Number of the last tries whose failures count while the breaker is closed.
    #[schemars(range(min = 1, max = 100_000), extend("x-unit" = "tries"))]
    pub sliding_window_size: u32,
    /// Tries that must have ended before the share of failures counts; at most `sliding-window-size` of them.
    #[schemars(range(min = 1, max = 100_000), extend("x-unit" = "tries"))]
    pub minimum_number_of_calls: u32,
    /// How long the breaker stays open.
    #[schemars(extend("x-above-zero" = true))]
    pub wait_duration_in_open_state: Dur,
    /// Tries that a half-open breaker permits.
    #[schemars(range(min = 1, max = 100_000), extend("x-unit" = "tries"))]
    pub permitted_number_of_calls_in_half_open_state: u32,
    /// After this time a half-open breaker opens again; 0s: it waits for its tries.
    pub max_wait_duration_in_half_open_state: Dur,
}

impl Default for Resilience4jCircuitBreaker {
    /// The defaults of `CircuitBreakerConfig`.
    fn default() -> Self {
        Resilience4jCircuitBreaker {
            failure_rate_threshold: 50.0,
            sliding_window_size: 100,
            minimum_number_of_calls: 100,
            wait_duration_in_open_state: Dur::from_secs(60),
            permitted_number_of_calls_in_half_open_state: 10,
            max_wait_duration_in_half_open_state: Dur::ZERO,
        }
    }
}

/// The state of a breaker.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Breaker {
    phase: Phase,
    /// Whether the last tries of this phase failed, oldest first.
    window: VecDeque<bool>,
    failures: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Phase {
    #[default]
    Closed,
    /// Until then.
    Open(Time),
    /// How many tries it still permits, and when it began.
    HalfOpen(u32, Time),
}

impl Breaker {
    fn becomes(&mut self, phase: Phase) {
        *self = Breaker { phase, ..Breaker::default() };
    }
}

impl Resilience4jCircuitBreaker {
    fn opens(&self, breaker: &mut Breaker, now: Time) {
        breaker.becomes(Phase::Open(now.after(self.wait_duration_in_open_state)));
    }

    /// What time alone changes.
    fn turn(&self, breaker: &mut Breaker, now: Time) {
        let longest = self.max_wait_duration_in_half_open_state;
        if let Phase::HalfOpen(_, since) = breaker.phase
            && longest > Dur::ZERO
            && now >= since.after(longest)
        {
            self.opens(breaker, since.after(longest));
        }
        if let Phase::Open(until) = breaker.phase
            && now >= until
        {
            breaker.becomes(Phase::HalfOpen(self.permitted_number_of_calls_in_half_open_state, now));
        }
    }
}

impl Mechanism for Resilience4jCircuitBreaker {
    type State = Breaker;

    fn list_bytes(&self) -> u64 {
        u64::from(self.sliding_window_size.max(self.permitted_number_of_calls_in_half_open_state))
    }

    fn lets_through(&self, state: &mut Breaker, now: Time, _: impl FnOnce() -> u64) -> bool {
        self.turn(state, now);
        match &mut state.phase {
            Phase::Closed => true,
            Phase::Open(_) | Phase::HalfOpen(0, _) => false,
            Phase::HalfOpen(permits, _) => {
                *permits -= 1;
                true
            }
        }
    }

    fn ended(&self, state: &mut Breaker, ended: &Ended, now: Time) {
        let (size, least) = match state.phase {
            Phase::Open(_) => return,
            Phase::Closed => {
                (self.sliding_window_size, self.minimum_number_of_calls.min(self.sliding_window_size))
            }
            Phase::HalfOpen(..) => {
                let permitted = self.permitted_number_of_calls_in_half_open_state;
                (permitted, permitted)
            }
        };
        if state.window.len() == size as usize {
            state.failures -= u32::from(state.window.pop_front().unwrap_or(false));
        }
        let failed = ended.failure.is_some();
        state.window.push_back(failed);
        state.failures += u32::from(failed);
        let seen = state.window.len() as u32;
        if seen < least {
            return;
        }
        if f64::from(state.failures) * 100.0 >= self.failure_rate_threshold * f64::from(seen) {
            self.opens(state, now);
        } else if let Phase::HalfOpen(..) = state.phase {
            state.becomes(Phase::Closed);
        }
    }

    /// `releasePermission`: a try that nobody waits for gives its permission back.
    fn abandoned(&self, state: &mut Breaker) {
        if let Phase::HalfOpen(permits, _) = &mut state.phase {
            *permits = (*permits + 1).min(self.permitted_number_of_calls_in_half_open_state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failed, succeeded};
    use super::*;

    fn permits(breaker: &Resilience4jCircuitBreaker, state: &mut Breaker, at_s: u64) -> bool {
        breaker.lets_through(state, Time::from_ms(at_s * 1_000), || unreachable!("a breaker draws nothing"))
    }

    /// The documentation: with a minimum of 10 calls, 9 failures do not open the breaker. A rate that is equal to the
    /// threshold does.
    #[test]
    fn a_breaker_opens_at_its_threshold_and_not_before_its_minimum() {
        let breaker = Resilience4jCircuitBreaker {
            minimum_number_of_calls: 10,
            ..Resilience4jCircuitBreaker::default()
        };
        let mut state = Breaker::default();
        (0..9).for_each(|_| breaker.ended(&mut state, &failed(500), Time::ZERO));
        assert!(permits(&breaker, &mut state, 0), "9 failures of 9 calls");
        breaker.ended(&mut state, &succeeded(), Time::ZERO);
        assert!(!permits(&breaker, &mut state, 0), "9 failures of 10 calls");
        let mut state = Breaker::default();
        for n in 0..100 {
            let ended = if n % 2 == 0 { succeeded() } else { failed(500) };
            assert!(permits(&Resilience4jCircuitBreaker::default(), &mut state, 0), "{n} calls of 100");
            Resilience4jCircuitBreaker::default().ended(&mut state, &ended, Time::ZERO);
        }
        assert!(!permits(&Resilience4jCircuitBreaker::default(), &mut state, 0), "50 failures of 100 calls");
    }

    #[test]
    fn the_window_forgets_the_oldest_call() {
        let breaker = Resilience4jCircuitBreaker {
            sliding_window_size: 4,
            minimum_number_of_calls: 4,
            failure_rate_threshold: 75.0,
            ..Resilience4jCircuitBreaker::default()
        };
        let mut state = Breaker::default();
        for ended in [failed(500), failed(500), succeeded(), succeeded(), failed(500), failed(500)] {
            breaker.ended(&mut state, &ended, Time::ZERO);
            assert!(permits(&breaker, &mut state, 0));
        }
        breaker.ended(&mut state, &failed(500), Time::ZERO);
        assert!(!permits(&breaker, &mut state, 0), "3 of the last 4");
    }

    #[test]
    fn a_half_open_breaker_permits_ten_calls_and_decides_when_all_have_ended() {
        let breaker = Resilience4jCircuitBreaker::default();
        for (failures, closes) in [(4, true), (5, false)] {
            let mut state = Breaker::default();
            (0..100).for_each(|_| breaker.ended(&mut state, &failed(500), Time::ZERO));
            assert!(!permits(&breaker, &mut state, 59));
            let permitted = (0..20).filter(|_| permits(&breaker, &mut state, 60)).count();
            assert_eq!(permitted, 10);
            for n in 0..10 {
                assert!(!permits(&breaker, &mut state, 61), "{n} of 10 have ended");
                let ended = if n < failures { failed(500) } else { succeeded() };
                breaker.ended(&mut state, &ended, Time::from_ms(61_000));
            }
            assert_eq!(permits(&breaker, &mut state, 61), closes, "{failures} of 10 failed");
        }
    }

    /// resilience4j 935: a call that never returns keeps the breaker half-open for ever, unless
    /// `maxWaitDurationInHalfOpenState` ends it.
    #[test]
    fn a_probe_that_never_returns_keeps_the_breaker_half_open() {
        for (longest, at_s, expected) in [(0, 1_000_000, false), (30, 149, false), (30, 150, true)] {
            let breaker = Resilience4jCircuitBreaker {
                permitted_number_of_calls_in_half_open_state: 1,
                max_wait_duration_in_half_open_state: Dur::from_secs(longest),
                ..Resilience4jCircuitBreaker::default()
            };
            let mut state = Breaker::default();
            (0..100).for_each(|_| breaker.ended(&mut state, &failed(500), Time::ZERO));
            assert!(permits(&breaker, &mut state, 60), "the probe");
            assert_eq!(permits(&breaker, &mut state, at_s), expected, "{longest} {at_s}");
        }
    }
}
