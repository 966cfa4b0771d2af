//! The second simulation itself: a list of events in order of time, and every call with all that is known of it.

use super::Counts;
use super::answer::{Answer, backoff, floored, listed};
use super::limit::Limit;
use crate::backend::spec::LimitKey;
use crate::client::policy::Jitter;
use crate::client::workload::{GENERIC, WorkloadSpec};
use crate::fault::{FaultKind, stream_names};
use crate::kernel::random::{Purpose, Stream, chance, origin, second_word};
use crate::kernel::{Dist, Dur};
use crate::scenario::Scenario;
use std::collections::{BTreeMap, VecDeque};

/// What the random numbers of generic clients are keyed by: the contract with the kernel's streams.
struct Draws {
    generic: Stream,
    latency: Stream,
    service: Stream,
    faults: Vec<Stream>,
    /// The first client of each workload, and where its coordinates begin.
    origins: Vec<(u64, u64)>,
}

const START: u64 = 0;
const GAP: u64 = 1;
const RETRY: u64 = 2;

impl Draws {
    fn new(scenario: &Scenario) -> Draws {
        let stream = |purpose, index| Stream::new(scenario.seed, 0, purpose, index);
        let named = |name: &str| Stream::named(scenario.seed, 0, Purpose::Fault, name);
        let mut first = 0;
        let origins = scenario.workloads.iter().map(|workload| {
            let place = (first, origin(&workload.name));
            first += u64::from(workload.clients);
            place
        });
        let origins = origins.collect();
        Draws {
            generic: stream(Purpose::Generic, 0),
            latency: stream(Purpose::Latency, 0),
            service: stream(Purpose::Service, 0),
            faults: stream_names(&scenario.faults, &scenario.client.model.endpoints())
                .iter()
                .map(|name| named(name))
                .collect(),
            origins,
        }
    }

    /// The number of a client within its workload, and where the workload's coordinates begin.
    fn place(&self, client: u64) -> (u64, u64) {
        let (first, origin) =
            self.origins.iter().rev().find(|(first, _)| *first <= client).expect("a workload");
        (client - first, *origin)
    }

    fn client(&self, client: u64, what: u64, key: u64) -> u64 {
        let (within, origin) = self.place(client);
        self.generic.bits(origin.wrapping_add(within << 8 | what), key)
    }

    /// The coordinates of a try's draws.
    fn coordinates(&self, client: u64, number: u64, attempt: u64) -> (u64, u64) {
        let (within, origin) = self.place(client);
        (origin.wrapping_add(within), try_coordinate(number, attempt))
    }
}

/// The second coordinate of a try's draws; attempts of these scenarios stay below 2^16.
fn try_coordinate(number: u64, attempt: u64) -> u64 {
    number << 16 | attempt
}

/// One try of a call.
struct Try {
    workload: usize,
    client: u64,
    number: u64,
    attempt: u64,
    sent: u64,
    latency: u64,
    answer: Option<Answer>,
}

#[derive(Clone, Copy)]
enum Event {
    /// An open or scripted client begins this call.
    Begins { workload: usize, client: u64, number: u64 },
    /// A call is tried.
    Tries { workload: usize, client: u64, number: u64, attempt: u64 },
    /// The answer reaches the client.
    Answered { of: usize, answer: Answer },
    /// The try reaches the queue.
    Arrives { of: usize },
    /// A worker has served it.
    Served { of: usize },
    /// It is no longer being answered.
    Over { of: usize },
}

struct Simulation<'a> {
    scenario: &'a Scenario,
    draws: Draws,
    events: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    now: u64,
    tries: Vec<Try>,
    limits: Vec<Limit<'a>>,
    struck: Vec<u64>,
    busy: u32,
    waiting: VecDeque<usize>,
    /// Millionths of retries that a client may still spend.
    budgets: BTreeMap<u64, u64>,
    first_attempts: u64,
}

/// What happens in a scenario of generic workloads.
pub(super) fn simulate(scenario: &Scenario) -> Counts {
    let limits = scenario.backend.limits.iter().filter(|limit| limit.endpoints.contains(&GENERIC));
    let mut simulation = Simulation {
        scenario,
        draws: Draws::new(scenario),
        events: BTreeMap::new(),
        scheduled: 0,
        now: 0,
        tries: Vec::new(),
        limits: limits.map(Limit::new).collect(),
        struck: vec![0; scenario.faults.len()],
        busy: 0,
        waiting: VecDeque::new(),
        budgets: BTreeMap::new(),
        first_attempts: 0,
    };
    simulation.begin();
    while let Some(((at, _), event)) = simulation.events.pop_first() {
        simulation.now = at;
        simulation.happen(event);
    }
    simulation.count()
}

impl Simulation<'_> {
    fn schedule(&mut self, at: u64, event: Event) {
        if at <= self.scenario.horizon.0 {
            self.scheduled += 1;
            self.events.insert((at, self.scheduled), event);
        }
    }

    /// The workload's clients are numbered after those of the workloads before it.
    fn first_client(&self, workload: usize) -> u64 {
        self.scenario.workloads[..workload].iter().map(|w| u64::from(w.clients)).sum()
    }

    fn begin(&mut self) {
        for workload in 0..self.scenario.workloads.len() {
            let spec = &self.scenario.workloads[workload];
            for client in self.first_client(workload)..self.first_client(workload) + u64::from(spec.clients) {
                let start = spec.starts.sample(self.draws.client(client, START, 0)).0;
                if spec.think.is_some() {
                    self.begin_call(start, workload, client, 0, true);
                } else {
                    let first = if spec.every.is_some() { 0 } else { times(spec)[0] };
                    self.begin_call(start + first, workload, client, 0, false);
                }
            }
        }
    }

    /// No call begins after `until`.
    fn begin_call(&mut self, at: u64, workload: usize, client: u64, number: u64, closed: bool) {
        let until = self.scenario.workloads[workload].until.map_or(u64::MAX, |until| until.0);
        if at > until {
            return;
        }
        let event = if closed {
            Event::Tries { workload, client, number, attempt: 0 }
        } else {
            Event::Begins { workload, client, number }
        };
        self.schedule(at, event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Begins { workload, client, number } => {
                let spec = &self.scenario.workloads[workload];
                if let Some(every) = &spec.every {
                    let gap = every.sample(self.draws.client(client, GAP, number)).0;
                    self.begin_call(self.now.saturating_add(gap), workload, client, number + 1, false);
                } else if let Some(time) = times(spec).get(number as usize + 1) {
                    let start = spec.starts.sample(self.draws.client(client, START, 0)).0;
                    self.begin_call(start + time, workload, client, number + 1, false);
                }
                self.send(workload, client, number, 0);
            }
            Event::Tries { workload, client, number, attempt } => {
                self.send(workload, client, number, attempt)
            }
            Event::Answered { of, answer } => self.answered(of, answer),
            Event::Arrives { of } => self.arrives(of),
            Event::Served { of } => {
                self.busy -= 1;
                if let Some(next) = self.waiting.pop_front() {
                    self.serve(next);
                }
                let latency = self.tries[of].latency;
                self.schedule(self.now + latency, Event::Over { of });
                self.schedule(self.now + latency, Event::Answered { of, answer: Answer::Ok });
            }
            Event::Over { of } => self.over(of, self.limits.len()),
        }
    }

    fn user(&self, client: u64) -> u64 {
        u64::from(self.scenario.fleet.users) + client
    }

    /// The key of a client under a limit.
    fn key(&self, key: LimitKey, workload: usize, client: u64) -> u64 {
        match key {
            LimitKey::Global => 0,
            LimitKey::App => self.user(client) % u64::from(self.scenario.fleet.apps),
            LimitKey::User | LimitKey::Session => client,
            // Networks of different workloads are different ones.
            LimitKey::Ip => {
                let within = client - self.first_client(workload);
                let per_network = u64::from(self.scenario.workloads[workload].clients_per_network);
                ((workload as u64) << 32) | (within / per_network)
            }
        }
    }

    /// The first so many limits take the place back that the try has held.
    fn over(&mut self, of: usize, asked: usize) {
        let (workload, client) = (self.tries[of].workload, self.tries[of].client);
        for limit in 0..asked {
            let key = self.key(self.limits[limit].spec.key, workload, client);
            self.limits[limit].release(key);
        }
    }

    fn send(&mut self, workload: usize, client: u64, number: u64, attempt: u64) {
        if attempt == 0 {
            self.first_attempts += 1;
            if let Some(budget) = &self.scenario.workloads[workload].retry_budget {
                let most = u64::from(budget.burst) * 1_000_000;
                let left = self.budgets.entry(client).or_insert(most);
                *left = (*left + budget.ratio.millionths).min(most);
            }
        }
        let (of, now) = (self.tries.len(), self.now);
        let at = self.draws.coordinates(client, number, attempt);
        let backend = &self.scenario.backend;
        let spec = &backend.generic;
        let sample = |dist: &Dist| dist.sample(self.draws.latency.bits(at.0, at.1)).0;
        let refused = spec.refused_latency.as_ref().map(sample);
        let mut latency = sample(spec.latency.as_ref().unwrap_or(&backend.latency));
        let (mut answer, mut silent) = (None, false);
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            let here = fault.endpoints.is_empty() || fault.endpoints.contains(&GENERIC);
            let open = now >= fault.from.0 && fault.to.is_none_or(|to| now < to.0);
            let bits = self.draws.faults[index].bits(at.0, at.1);
            if fault.strikes_sessions()
                || !here
                || !open
                || fault.count.is_some_and(|count| self.struck[index] >= count)
                || !chance(bits, fault.probability)
            {
                continue;
            }
            self.struck[index] += 1;
            match &fault.kind {
                FaultKind::Status(of) => {
                    let status = of.status;
                    let retry_after_s = u64::from(of.retry_after_s.unwrap_or(0));
                    answer = Some(Answer::Status { status, retry_after_s, shed: false });
                }
                FaultKind::Outage(_) => answer = Some(Answer::Network),
                FaultKind::NoAnswer(_) => silent = true,
                FaultKind::Pass(_) => {}
                FaultKind::Latency(of) => {
                    latency += of.add.sample(second_word(bits)).0;
                    continue;
                }
                other => unreachable!("{} has no second definition", other.name()),
            }
            break;
        }
        self.tries.push(Try { workload, client, number, attempt, sent: now, latency, answer: None });
        // The client's patience begins with the call, and an answer at its very end still counts.
        let patience = spec.timeout.map(|timeout| now + timeout.0);
        if silent || answer.is_some() {
            if let Some(answer) = answer {
                self.schedule(now + latency, Event::Answered { of, answer });
            }
            return self.be_patient(of, patience);
        }
        let mut delay = 0u64;
        for limit in 0..self.limits.len() {
            let key = self.key(self.limits[limit].spec.key, workload, client);
            match self.limits[limit].ask(key, now) {
                Ok(more) => delay = delay.saturating_add(more),
                Err(wait) => {
                    let retry_after_s = self.limits[limit].told(wait);
                    let answer = Answer::Status { status: 429, retry_after_s, shed: false };
                    self.over(of, limit);
                    self.schedule(now + refused.unwrap_or(latency), Event::Answered { of, answer });
                    return self.be_patient(of, patience);
                }
            }
        }
        if spec.workers.is_some() {
            self.be_patient(of, patience);
            match delay {
                0 => self.arrives(of),
                _ => self.schedule(now.saturating_add(delay), Event::Arrives { of }),
            }
        } else {
            let due = now.saturating_add(delay).saturating_add(latency);
            self.schedule(due, Event::Over { of });
            self.schedule(due, Event::Answered { of, answer: Answer::Ok });
            self.be_patient(of, patience);
        }
    }

    fn be_patient(&mut self, of: usize, until: Option<u64>) {
        if let Some(until) = until {
            self.schedule(until, Event::Answered { of, answer: Answer::GivenUp });
        }
    }

    /// A queue does not notice that a client has given up.
    fn arrives(&mut self, of: usize) {
        let spec = &self.scenario.backend.generic;
        if self.busy < spec.workers.unwrap_or(0) {
            self.serve(of);
        } else if spec.queue.is_none_or(|places| self.waiting.len() < places as usize) {
            self.waiting.push_back(of);
        } else {
            self.over(of, self.limits.len());
            let one = &self.tries[of];
            let at = self.draws.coordinates(one.client, one.number, one.attempt);
            let refused = spec.refused_latency.as_ref();
            let latency =
                refused.map_or(one.latency, |dist| dist.sample(self.draws.latency.bits(at.0, at.1)).0);
            let answer = Answer::Status { status: 503, retry_after_s: 0, shed: true };
            self.schedule(self.now + latency, Event::Answered { of, answer });
        }
    }

    fn serve(&mut self, of: usize) {
        self.busy += 1;
        let one = &self.tries[of];
        let at = self.draws.coordinates(one.client, one.number, one.attempt);
        let service = self.scenario.backend.generic.service.as_ref();
        let time = service.map_or(0, |dist| dist.sample(self.draws.service.bits(at.0, at.1)).0);
        self.schedule(self.now + time, Event::Served { of });
    }

    fn answered(&mut self, of: usize, answer: Answer) {
        if self.tries[of].answer.is_some() {
            return;
        }
        self.tries[of].answer = Some(answer);
        let Try { workload, client, number, attempt, .. } = self.tries[of];
        let spec = &self.scenario.workloads[workload];
        if answer != Answer::Ok
            && let Some(delay) = self.delay(spec, client, number, attempt + 1, answer)
            && self.pays(spec, client)
        {
            let again = Event::Tries { workload, client, number, attempt: attempt + 1 };
            return self.schedule(self.now.saturating_add(delay), again);
        }
        if let Some(think) = &spec.think {
            let time = think.sample(self.draws.client(client, GAP, number + 1)).0;
            self.begin_call(self.now.saturating_add(time), workload, client, number + 1, true);
        }
    }

    /// A retry costs one of the budget, where there is one.
    fn pays(&mut self, spec: &WorkloadSpec, client: u64) -> bool {
        let Some(budget) = &spec.retry_budget else { return true };
        let left = self.budgets.entry(client).or_insert(u64::from(budget.burst) * 1_000_000);
        let enough = *left >= 1_000_000;
        *left -= if enough { 1_000_000 } else { 0 };
        enough
    }

    /// The delay before retry number `n`, if there is one.
    fn delay(&self, spec: &WorkloadSpec, client: u64, number: u64, n: u64, answer: Answer) -> Option<u64> {
        let bits = self.draws.client(client, RETRY, number << 16 | n);
        if let Some(orbit) = &spec.orbit {
            return Some(orbit.sample(bits).0);
        }
        if let Some(layers) = spec.layers {
            return (n < u64::from(layers.tries.pow(layers.depth))).then_some(0);
        }
        let retry = spec.retry.as_ref()?;
        if n > u64::from(retry.retries) || !listed(&retry.on, answer) {
            return None;
        }
        let whole = backoff(retry, n);
        let (low, high) = match retry.jitter {
            Jitter::None => return Some(floored(retry, whole, answer)),
            Jitter::Full => (0, whole),
            Jitter::Equal => (whole / 2, whole),
            Jitter::Decorrelated => unreachable!("not drawn"),
        };
        Some(floored(retry, Dist::uniform(Dur(low), Dur(high)).sample(bits).0, answer))
    }

    fn count(self) -> Counts {
        let bucket = self.scenario.bucket.0;
        let last = (self.scenario.horizon.0.div_ceil(bucket) - 1) * bucket;
        let mut counts = Counts { first_attempts: self.first_attempts, ..Counts::default() };
        for one in &self.tries {
            let outcome = one.answer.map_or("in-flight", Answer::outcome);
            *counts.calls.entry(((one.sent / bucket * bucket).min(last), outcome)).or_default() += 1;
        }
        counts
    }
}

/// The times of a scripted client, in order.
fn times(spec: &WorkloadSpec) -> Vec<u64> {
    let mut times: Vec<u64> = spec.at.iter().map(|at| at.0).collect();
    times.sort_unstable();
    times
}
