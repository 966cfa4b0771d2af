//! Generic clients: calls without tokens, sessions or tabs, with retries.
//!
//! They generate the traffic of queueing theory: open arrivals, finite sources, pollers, herds. Each is a state machine
//! whose draws come from outside. A caller takes 16 bytes and has one pending event at a time.

mod spec;

pub use spec::{Layers, MAX_CLIENTS, MAX_LAYERED_TRIES, TokenSpec, WorkloadSpec};

use crate::client::backoff::Backoff;
use crate::client::policy::FailureBits;
use crate::client::resilience::Cause;
use crate::client::session_policy::{LimitSpecs, SessionLimits, SessionPolicy};
use crate::kernel::random::origin;
use crate::kernel::{Dist, Dur, Time};
use crate::protocol::{Endpoint, EndpointRow, Failure, Method, MetricWords, RetryIn};

/// The endpoint that generic clients call.
pub const GENERIC: Endpoint = Endpoint::known("generic");

/// The endpoint's description for readers.
pub(super) const ENDPOINT: EndpointRow = EndpointRow {
    name: "generic",
    method: Method::Post,
    about: "Calls of generic clients, which know nothing of tokens.",
    draws: 5,
    retried: false,
    calls: MetricWords::calls("requests_generic", "Calls of generic clients."),
};

/// The purpose of a draw of a generic client, which is part of the draw's coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Draw {
    /// The start time of the client.
    Start = 0,
    /// The time to the client's next call.
    Gap = 1,
    /// The delay of a retry.
    Retry = 2,
    /// Whether a client refuses its own call.
    Throttle = 3,
}

/// Determines when calls of a client begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// This long after the previous call began.
    Every(Dist),
    /// This long after the previous call ended.
    Think(Dist),
    /// At these times, ascending.
    At(Vec<Dur>),
}

/// Determines when a failed call is retried.
#[derive(Clone, Debug, PartialEq)]
enum RetryRule {
    Never,
    Backoff { on: FailureBits, backoff: Backoff },
    Orbit(Dist),
    AtOnce { tries: u32 },
}

/// A workload made ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// First coordinates of its random numbers. They follow from the workload's name, so they depend neither on its
    /// place among the workloads nor on the rest of the scenario.
    pub origin: u64,
    /// The number of its first client, over all workloads.
    pub first_client: u32,
    /// Number of its clients.
    pub clients: u32,
    /// The place of its first caller. Closed workloads have one caller per client.
    pub first_caller: u32,
    /// The start time of a client.
    pub starts: Dist,
    /// Determines when its calls begin.
    pub pace: Pace,
    /// No call begins after this time.
    pub until: Time,
    /// The token that each client holds; `None` if its calls need none.
    pub token: Option<TokenSpec>,
    /// Limits on retries and calls; `None` for no limit.
    pub limits: Option<SessionLimits>,
    retry: RetryRule,
}

impl Workload {
    /// Compiles the workloads of a scenario and numbers their clients one workload after another.
    pub fn all(specs: &[WorkloadSpec], codes: &[String]) -> Vec<Workload> {
        let (mut client, mut caller) = (0, 0);
        let mut all = Vec::new();
        for spec in specs {
            all.push(Workload::new(spec, codes, client, caller));
            client += spec.clients;
            caller += if spec.think.is_some() || spec.fetches_ahead() { spec.clients } else { 0 };
        }
        all
    }

    fn new(spec: &WorkloadSpec, codes: &[String], client: u32, caller: u32) -> Workload {
        let pace = match (&spec.every, &spec.think) {
            (Some(every), _) => Pace::Every(every.clone()),
            (None, Some(think)) => Pace::Think(think.clone()),
            (None, None) if spec.at.is_empty() && spec.token.is_some() => {
                let token = spec.token.as_ref();
                Pace::Think(Dist::Constant(
                    token.map_or(Dur::ZERO, |t| Dur(t.life.0.saturating_sub(t.lead.0))),
                ))
            }
            (None, None) => {
                let mut at = spec.at.clone();
                at.sort();
                Pace::At(at)
            }
        };
        let retry = if let Some(retry) = &spec.retry {
            RetryRule::Backoff { on: retry.on.compile(codes), backoff: Backoff::new(retry) }
        } else if let Some(delay) = &spec.orbit {
            RetryRule::Orbit(delay.clone())
        } else if let Some(layers) = spec.layers {
            RetryRule::AtOnce { tries: layers.total().unwrap_or(MAX_LAYERED_TRIES) }
        } else {
            RetryRule::Never
        };
        Workload {
            origin: origin(&spec.name),
            first_client: client,
            clients: spec.clients,
            first_caller: caller,
            starts: spec.starts.clone(),
            pace,
            until: spec.until.map_or(Time::NEVER, |until| Time(until.0)),
            token: spec.token.clone().filter(|_| !spec.fetches_ahead()),
            limits: LimitSpecs {
                name: &spec.name,
                budget: spec.retry_budget.as_ref(),
                breaker: spec.circuit_breaker.as_ref(),
                window: spec.windowed_retry.as_ref(),
                resilience: spec.resilience.as_ref(),
            }
            .compile(),
            retry,
        }
    }

    /// Whether a failure is one that its clients retry.
    pub fn retries(&self, failure: Failure) -> bool {
        match &self.retry {
            RetryRule::Never => false,
            RetryRule::Orbit(_) | RetryRule::AtOnce { .. } => true,
            RetryRule::Backoff { on, .. } => on.contains(failure),
        }
    }

    /// Number of the client that holds the limits' state for a client: the first of all where they share one process.
    #[inline]
    pub fn holder(&self, client: u32) -> u32 {
        if self.limits.as_ref().is_some_and(SessionLimits::is_shared) { self.first_client } else { client }
    }

    /// The first coordinate of a client's own draws.
    #[inline]
    pub fn draw(&self, client: u32, what: Draw) -> u64 {
        self.origin.wrapping_add(u64::from(client - self.first_client) << 8 | what as u64)
    }

    /// The first coordinate of the draws for a client's call: latency, service, faults.
    #[inline]
    pub fn call(&self, client: u32) -> u64 {
        self.origin.wrapping_add(u64::from(client - self.first_client))
    }

    /// Decides on a failed try. Returns the delay before the next try, or `None` if the call is given up, and counts
    /// the try.
    ///
    /// `state` is that of the workload's limits, used when it has any. `bits` gives the draws of a retry, by its
    /// number from 1.
    pub fn failed(
        &self,
        caller: &mut Caller,
        state: &mut SessionPolicy,
        (failure, cause): (Failure, Cause),
        now: Time,
        bits: impl Fn(u32) -> u64,
    ) -> Option<Dur> {
        let n = caller.attempt + 1;
        let delay = match &self.retry {
            RetryRule::Never => return None,
            RetryRule::Orbit(delay) => delay.sample_with(|| bits(n)),
            RetryRule::AtOnce { tries } if n < *tries => Dur::ZERO,
            RetryRule::AtOnce { .. } => return None,
            RetryRule::Backoff { on, backoff } => {
                if !on.contains(failure) || !backoff.allows(n, false) {
                    return None;
                }
                delay_of(backoff, n, failure.retry_after, bits)
            }
        };
        if let Some(limits) = &self.limits
            && !limits.take_retry(state, cause, now)
        {
            return None;
        }
        caller.attempt = n;
        Some(delay)
    }
}

/// The delay before retry `n`. With decorrelated jitter a delay depends on the previous one. The function draws the
/// chain again from the first retry, so that a caller need not store it.
fn delay_of(backoff: &Backoff, n: u32, retry_after: RetryIn, bits: impl Fn(u32) -> u64) -> Dur {
    let mut previous = Dur::ZERO;
    let first = if backoff.remembers() { 1 } else { n };
    for retry in first..=n {
        let wait = backoff.wait(retry, previous, if retry == n { retry_after } else { RetryIn::NONE });
        let draw =
            if wait.is_exact() { wait.low } else { Dist::uniform(wait.low, wait.high).sample(bits(retry)) };
        previous = wait.of(draw);
    }
    previous
}

/// A call under way, or a closed client between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The number of its client, over all workloads.
    pub client: u32,
    /// The number of the call among its client's calls; in a free place, the next free place.
    pub number: u32,
    /// Retries so far, at most [`MOST_CALLS`](crate::client::MOST_CALLS), like `number`.
    pub attempt: u32,
    /// Raised whenever a try ends, so that an event with an older generation is stale. A call whose place has used up
    /// the 16 bits moves to another place.
    pub generation: u16,
    /// The index of its workload.
    pub workload: u16,
}

const _: () = assert!(size_of::<Caller>() == 16);

impl Caller {
    /// Distinguishes the try from every other try of its client: the second coordinate of its draws.
    #[inline]
    pub fn try_key(&self) -> u64 {
        try_key(self.number, self.attempt)
    }
}

/// Combines the number of a call and of its try into 64 bits: the call's number is between the two halves of the try's.
#[inline]
pub fn try_key(number: u32, attempt: u32) -> u64 {
    let (high, low) = (u64::from(attempt >> 16), u64::from(attempt & 0xFFFF));
    high << 48 | u64::from(number) << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::policy::{Decimal, FailureSet, Jitter, Retry, RetryAfterAs, RetryBudget};
    use crate::kernel::random::{Purpose, Stream};

    fn spec() -> WorkloadSpec {
        toml::from_str("name = 'w'\nthink = '1s'").unwrap()
    }

    fn delays(spec: &WorkloadSpec, failure: Failure, most: usize) -> Vec<Dur> {
        let workload = &Workload::all(std::slice::from_ref(spec), &[String::new()])[0];
        let mut caller = Caller { client: 0, number: 0, attempt: 0, generation: 0, workload: 0 };
        let mut budget = SessionPolicy::default();
        let stream = Stream::new(1, 0, Purpose::Generic, 0);
        let mut delays = Vec::new();
        while delays.len() < most {
            let bits = |n: u32| stream.bits(7, u64::from(n));
            match workload.failed(&mut caller, &mut budget, (failure, Cause::Failed), Time::ZERO, bits) {
                Some(delay) => delays.push(delay),
                None => break,
            }
        }
        delays
    }

    fn backoff(jitter: Jitter) -> Retry {
        Retry {
            on: FailureSet::parse(&["429"]).unwrap(),
            initial: Dur::from_secs(1),
            factor: Decimal { millionths: 2_000_000 },
            cap: Dur::from_secs(5),
            retries: 4,
            offline_retries: 0,
            jitter,
            honour_retry_after: true,
            retry_after_as: RetryAfterAs::Floor,
            retry_after_cap: None,
        }
    }

    #[test]
    fn a_failed_call_is_lost_or_retried_as_its_workload_says() {
        let refused = Failure { retry_after: RetryIn::seconds(3), ..Failure::status(429) };
        assert_eq!(delays(&spec(), refused, 9), [], "lost");
        let layered = WorkloadSpec { layers: Some(Layers { tries: 3, depth: 2 }), ..spec() };
        assert_eq!(delays(&layered, refused, 99).len(), 8, "nine tries in all");
        let orbit = WorkloadSpec { orbit: Some(Dist::Constant(Dur(7))), ..spec() };
        assert_eq!(delays(&orbit, refused, 70_000).len(), 70_000, "no limit");
        let retrying = WorkloadSpec { retry: Some(backoff(Jitter::None)), ..spec() };
        assert_eq!(delays(&retrying, refused, 9), [3, 3, 4, 5].map(Dur::from_secs), "Retry-After is a floor");
        assert_eq!(delays(&retrying, Failure::status(500), 9), [], "not in `on`");
    }

    #[test]
    fn a_budget_limits_retries() {
        let budget = RetryBudget { ratio: Decimal { millionths: 100_000 }, burst: 3 };
        let spec = WorkloadSpec { orbit: Some(Dist::default()), retry_budget: Some(budget), ..spec() };
        assert_eq!(delays(&spec, Failure::status(500), 9).len(), 3);
    }

    #[test]
    fn decorrelated_delays_follow_from_the_one_before() {
        let spec = WorkloadSpec { retry: Some(backoff(Jitter::Decorrelated)), ..spec() };
        let waits = delays(&spec, Failure::status(429), 9);
        assert!((Dur::from_secs(1)..=Dur::from_secs(3)).contains(&waits[0]), "{waits:?}");
        for pair in waits.windows(2) {
            let most = Dur(3 * pair[0].0).min(Dur::from_secs(5));
            assert!((Dur::from_secs(1)..=most).contains(&pair[1]), "{waits:?}");
        }
    }

    /// For tries below 2^16 the key is the same as in earlier versions.
    #[test]
    fn every_try_has_a_key_of_its_own() {
        assert_eq!(try_key(7, 65_535), 7 << 16 | 65_535);
        let numbers = [0, 1, 65_535, 65_536, u32::MAX];
        let keys: std::collections::BTreeSet<u64> =
            numbers.iter().flat_map(|number| numbers.map(|attempt| try_key(*number, attempt))).collect();
        assert_eq!(keys.len(), numbers.len() * numbers.len());
    }

    #[test]
    fn layers_with_too_many_tries_are_refused() {
        assert_eq!(Layers { tries: 3, depth: 5 }.total(), Some(243));
        assert_eq!(Layers { tries: 2, depth: 16 }.total(), None);
        assert_eq!(Layers { tries: 10, depth: 40 }.total(), None);
    }

    #[test]
    fn workloads_are_numbered_one_after_another() {
        let of = |clients, think: bool| WorkloadSpec {
            clients,
            clients_per_network: 4,
            think: think.then(Dist::default),
            every: (!think).then(Dist::default),
            ..spec()
        };
        let all = Workload::all(&[of(5, true), of(3, false), of(9, true), of(1, true)], &[String::new()]);
        let first: Vec<_> = all.iter().map(|w| (w.first_client, w.first_caller)).collect();
        // Open workloads have no fixed callers.
        assert_eq!(first, [(0, 0), (5, 5), (8, 5), (17, 14)]);
    }
}
