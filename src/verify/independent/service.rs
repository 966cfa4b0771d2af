//! The backend: what becomes of a call on its way through faults, limits and queue, and what the server answers.

use super::answer::Answer;
use super::clock::Promise;
use super::draws::Place;
use super::endpoints::{CLIENT, TOKENS, TOUCH};
use super::limit::Limit;
use super::log::Token;
use super::workers::{Station, Where, stations};
use super::world::World;
use crate::backend::Endpoint;
use crate::backend::spec::{ClientToken, RevokedSession};
use crate::fault::FaultKind;
use crate::kernel::random::{Purpose, chance, second_word};
use crate::scenario::Scenario;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// All that answers.
pub(super) struct Service {
    limits: Vec<Limit>,
    struck: Vec<u64>,
    pub stations: Vec<Station>,
    /// Every call whose connection has been opened and was not broken by a restart, in the order of their sending.
    pub connections: Vec<Rc<Call>>,
    /// Answers that are known.
    answers: u64,
    /// Desks that there have been, and those that nobody is at: see [`World::takes_desk`].
    pub desks: u32,
    pub free_desks: Vec<u32>,
}

/// A call, to be written down when the run is over.
pub(super) struct Sent {
    pub at: u64,
    pub who: String,
    pub what: String,
    pub ended: Rc<RefCell<Ended>>,
}

/// How a call ended.
pub(super) enum Ended {
    InFlight,
    /// Nobody was there to hear the answer.
    Dropped,
    At(u64, Answer),
    /// At a time that the engine does not tell of.
    Then(Answer),
}

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    /// A user.
    User(u64),
    /// A generic client, by its number over all workloads.
    Client { workload: usize, client: u64 },
}

/// A call on its way.
pub(super) struct Call {
    pub who: Who,
    pub endpoint: Endpoint,
    pub place: Place,
    pub sent: u64,
    pub latency: Cell<u64>,
    pub answer: Promise<Answer>,
    /// Where it is on the server's side.
    pub is: Cell<Where>,
    /// Which answer in the whole run its answer is; none until it is known.
    pub known: Cell<Option<u64>>,
    pub desk: Cell<u32>,
    /// It has a place of each limit that it has passed.
    pub holds: Cell<bool>,
}

impl Service {
    pub(super) fn new(scenario: &Scenario) -> Service {
        Service {
            limits: scenario.backend.limits.iter().cloned().map(Limit::new).collect(),
            struck: vec![0; scenario.faults.len()],
            stations: stations(&scenario.backend),
            connections: Vec::new(),
            answers: 0,
            desks: 0,
            free_desks: Vec::new(),
        }
    }
}

/// What the faults make of a call.
enum Struck {
    No,
    Answer(Answer),
    Silent,
}

impl World {
    /// Whether a limit judges this call: of its endpoint, and within its time when the call is sent.
    fn meets(&self, limit: usize, call: &Call) -> bool {
        let spec = &self.scenario.backend.limits[limit];
        let lasts = call.sent >= spec.from.0 && spec.to.is_none_or(|to| call.sent < to.0);
        spec.endpoints.contains(&call.endpoint) && lasts
    }

    /// The limits that a call has passed when nothing stopped it.
    pub(super) fn all_passed(&self, call: &Call) -> Vec<usize> {
        (0..self.all_limits()).filter(|limit| self.meets(*limit, call)).collect()
    }

    /// The limits that a call has passed take its place back, once.
    pub(super) fn give_back(&self, call: &Call) {
        if call.holds.replace(false) {
            self.give_back_of(call, &self.all_passed(call));
        }
    }

    fn give_back_of(&self, call: &Call, limits: &[usize]) {
        for &limit in limits {
            let key = self.key(self.scenario.backend.limits[limit].key, call.who);
            self.service.borrow_mut().limits[limit].release(key);
        }
    }

    fn all_limits(&self) -> usize {
        self.scenario.backend.limits.len()
    }

    fn strike(&self, call: &Call) -> Struck {
        let now = self.now();
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            let here = fault.endpoints.is_empty() || fault.endpoints.contains(&call.endpoint);
            // What begins at the horizon or later strikes nobody.
            let begun = self.begins(fault).take_while(|begin| *begin <= now).last();
            let lasts = fault.to.map_or(u64::MAX, |to| to.0 - fault.from.0);
            let Some(since) = begun.map(|begin| now - begin).filter(|since| *since < lasts) else { continue };
            let bits = self.draws.fault(index, call.place);
            let used = self.service.borrow().struck[index];
            // A probability that changes does so in a straight line, without `to` until the horizon.
            let until = fault.to.unwrap_or(self.scenario.horizon);
            let probability = fault.probability_to.map_or(fault.probability, |last| {
                let whole = (until.0 - fault.from.0) as f64;
                fault.probability + (last - fault.probability) * (since as f64 / whole)
            });
            let flaps = match &fault.kind {
                FaultKind::Flapping(of) => since % of.every.0 < of.lasts.0,
                _ => true,
            };
            if fault.is_instant()
                || !here
                || !flaps
                || !self.is_in(&fault.regions, call.who)
                || !self.is_of(fault.only, call.who)
                || fault.count.is_some_and(|count| used >= count)
                || !chance(bits, probability)
            {
                continue;
            }
            self.service.borrow_mut().struck[index] += 1;
            match &fault.kind {
                FaultKind::Status(of) => {
                    return Struck::Answer(Answer::Status {
                        status: of.status,
                        code: of.code.as_deref().map(Rc::from),
                        retry_after_s: of.retry_after_s.map(u64::from),
                        shed: false,
                    });
                }
                FaultKind::Outage(_) | FaultKind::Flapping(_) => return Struck::Answer(Answer::Network),
                FaultKind::NoAnswer(_) => return Struck::Silent,
                FaultKind::Pass(_) => return Struck::No,
                FaultKind::Latency(of) => {
                    let more = of.add.sample(second_word(bits)).0;
                    call.latency.set(call.latency.get() + more);
                }
                FaultKind::Revocation(_) | FaultKind::Restart(_) => unreachable!("no fault of calls"),
            }
        }
        Struck::No
    }

    /// Sends a call. `what` it is stands in the log when the run is over, with its outcome.
    pub(super) fn send(
        self: &Rc<World>,
        who: Who,
        endpoint: Endpoint,
        place: Place,
        (name, what): (String, String),
    ) -> (Promise<Answer>, Rc<RefCell<Ended>>) {
        let backend = &self.scenario.backend;
        let spec = backend.endpoint(endpoint);
        let latency = spec.latency.as_ref().unwrap_or(&backend.latency);
        let call = Rc::new(Call {
            who,
            endpoint,
            place,
            sent: self.now(),
            latency: Cell::new(self.draws.time(latency, Purpose::Latency, place)),
            answer: Promise::new(),
            is: Cell::new(Where::Outside),
            known: Cell::default(),
            desk: Cell::default(),
            holds: Cell::new(false),
        });
        let ended = Rc::new(RefCell::new(Ended::InFlight));
        self.sent.borrow_mut().push(Sent { at: self.now(), who: name, what, ended: Rc::clone(&ended) });
        self.goes(&call);
        (call.answer.clone(), ended)
    }

    fn goes(self: &Rc<World>, call: &Rc<Call>) {
        if let Who::User(user) = call.who
            && self.users[user as usize].offline.get()
        {
            let at_once = self.fleet(user).offline_fails_at_once;
            self.answers(call, if at_once { 0 } else { call.latency.get() }, Answer::Network);
            return self.be_patient(call);
        }
        self.service.borrow_mut().connections.push(Rc::clone(call));
        // First the limits in front of the faults, then the faults, then the other limits.
        let of = |in_front: bool| {
            let limits = &self.scenario.backend.limits;
            let here = |limit: &usize| self.meets(*limit, call) && limits[*limit].in_front == in_front;
            (0..self.all_limits()).filter(here).collect::<Vec<usize>>()
        };
        let mut passed: Vec<usize> = Vec::new();
        let Some(mut delay) = self.passes(call, &of(true), &mut passed) else { return };
        match self.strike(call) {
            Struck::No => {}
            Struck::Answer(answer) => {
                self.decided(call, &passed, false);
                self.answers(call, delay.saturating_add(call.latency.get()), answer);
                return self.be_patient(call);
            }
            Struck::Silent => {
                self.is_known(call);
                return self.be_patient(call);
            }
        }
        let Some(more) = self.passes(call, &of(false), &mut passed) else { return };
        delay = delay.saturating_add(more);
        call.holds.set(true);
        let spec = self.scenario.backend.endpoint(call.endpoint);
        if let Some(station) = self.station_of(call.endpoint) {
            let way = spec.request_latency.as_ref();
            let way = way.map_or(0, |dist| self.draws.time(dist, Purpose::RequestLatency, call.place));
            // Its client's patience begins with the call, whenever the queue lets it in.
            self.be_patient(call);
            self.takes_desk(call);
            match delay.saturating_add(way) {
                0 => self.arrives(station, call),
                delay => {
                    let (world, call) = (Rc::clone(self), Rc::clone(call));
                    self.clock.after(delay, move || world.arrives(station, &call));
                }
            }
        } else {
            let answer = self.served_by_account(call);
            let total = delay.saturating_add(call.latency.get());
            self.over_after(call, total);
            self.answers(call, total, answer);
            self.be_patient(call);
        }
    }

    /// Asks limits one after another. `None` when one refuses, which then answers; otherwise the delay of those that delay.
    fn passes(self: &Rc<World>, call: &Rc<Call>, limits: &[usize], passed: &mut Vec<usize>) -> Option<u64> {
        let spec = self.scenario.backend.endpoint(call.endpoint);
        let mut delay = 0u64;
        for &limit in limits {
            let of = &self.scenario.backend.limits[limit];
            let key = self.key(of.key, call.who);
            let asked =
                self.service.borrow_mut().limits[limit].ask(key, self.now(), of.cost_at(call.endpoint));
            match asked {
                Ok(more) => delay = delay.saturating_add(more),
                Err(wait) => {
                    let retry_after_s = self.service.borrow().limits[limit].told(wait);
                    self.give_back_of(call, passed);
                    self.decided(call, passed, false);
                    let refused = spec.refused_latency.as_ref();
                    let latency = refused.map_or(call.latency.get(), |dist| {
                        self.draws.time(dist, Purpose::Latency, call.place)
                    });
                    let answer = match of.readable {
                        false => Answer::Network,
                        true => {
                            let code = of.code.as_deref().map(Rc::from);
                            Answer::Status { status: of.status, code, retry_after_s, shed: false }
                        }
                    };
                    self.answers(call, latency, answer);
                    self.be_patient(call);
                    return None;
                }
            }
            passed.push(limit);
        }
        Some(delay)
    }

    /// The answer to a call that these limits let pass is decided.
    pub(super) fn decided(&self, call: &Call, limits: &[usize], success: bool) {
        for &limit in limits {
            let of = &self.scenario.backend.limits[limit];
            let (key, cost) = (self.key(of.key, call.who), of.cost_at(call.endpoint));
            self.service.borrow_mut().limits[limit].decided(key, self.now(), cost, success);
        }
    }

    /// A concurrency limit counts a call until its answer is back.
    pub(super) fn over_after(self: &Rc<World>, call: &Rc<Call>, delay: u64) {
        let (world, call) = (Rc::clone(self), Rc::clone(call));
        self.clock.after(delay, move || world.give_back(&call));
    }

    /// What becomes of a call is known, be it that no answer comes.
    fn is_known(&self, call: &Call) {
        let mut service = self.service.borrow_mut();
        service.answers += 1;
        call.known.set(Some(service.answers));
    }

    /// The server's answer comes after this time, and with it the connection is closed, unless a restart breaks it before.
    pub(super) fn answers(self: &Rc<World>, call: &Rc<Call>, delay: u64, answer: Answer) {
        self.is_known(call);
        let call = Rc::clone(call);
        self.clock.after(delay, move || {
            if call.is.replace(Where::Closed) != Where::Closed {
                call.answer.resolve(answer);
            }
        });
    }

    /// An answer at the very end of a client's patience still counts where it is known that it will come. The server does
    /// not learn that a client has given up.
    fn be_patient(self: &Rc<World>, call: &Rc<Call>) {
        if let Some(timeout) = self.scenario.backend.endpoint(call.endpoint).timeout {
            let promise = call.answer.clone();
            self.clock.after(timeout.0, move || {
                promise.resolve(Answer::GivenUp);
            });
        }
    }

    /// What the server answers to a call that nothing stands against, at the instant at which it serves it.
    ///
    /// A revoked session is missing from /client. Where the server refuses it, it is 401 to /tokens and /touch (`clerk-js.md`,
    /// recording S3k); otherwise it is missing from /touch as well.
    pub(super) fn served_by_account(&self, call: &Call) -> Answer {
        let answer = self.account_says(call);
        self.decided(call, &self.all_passed(call), matches!(answer, Answer::Ok { .. }));
        answer
    }

    fn account_says(&self, call: &Call) -> Answer {
        let Who::User(user) = call.who else { return Answer::OK };
        let user = &self.users[user as usize];
        let now = self.now();
        let refuses = self.scenario.backend.revoked_session == RevokedSession::Refused;
        let answers = |token: Option<Token>| Answer::Ok { token, listed: true };
        match call.endpoint {
            CLIENT if user.revoked.get() => Answer::Ok { token: None, listed: false },
            TOUCH if user.revoked.get() && !refuses => Answer::Ok { token: None, listed: false },
            TOKENS | TOUCH if user.revoked.get() && refuses => Answer::status(401),
            TOKENS => answers(Some(user.issue(now))),
            TOUCH | CLIENT => match self.scenario.backend.client_token {
                ClientToken::Fresh => answers(Some(user.issue(now))),
                ClientToken::Last => answers(Some(user.newest.get().unwrap_or_else(|| user.issue(now)))),
                ClientToken::None => answers(None),
            },
            _ => Answer::OK,
        }
    }
}
