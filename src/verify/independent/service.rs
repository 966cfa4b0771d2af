//! The backend: what becomes of a call on its way through faults, limits and queue, and what the server answers.

use super::answer::Answer;
use super::clock::Promise;
use super::draws::Place;
use super::endpoints::{CLIENT, TOKENS, TOUCH};
use super::limit::Limit;
use super::log::Token;
use super::world::World;
use crate::backend::Endpoint;
use crate::backend::spec::{ClientToken, RevokedSession};
use crate::fault::FaultKind;
use crate::kernel::random::{Purpose, chance, second_word};
use crate::scenario::Scenario;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// All that answers.
pub(super) struct Service {
    limits: Vec<Limit>,
    struck: Vec<u64>,
    stations: Vec<Station>,
}

#[derive(Default)]
struct Station {
    busy: u32,
    waiting: VecDeque<Rc<Call>>,
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
}

impl Service {
    pub(super) fn new(scenario: &Scenario) -> Service {
        Service {
            limits: scenario.backend.limits.iter().cloned().map(Limit::new).collect(),
            struck: vec![0; scenario.faults.len()],
            stations: Endpoint::ALL.iter().map(|_| Station::default()).collect(),
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
    fn all_passed(&self, call: &Call) -> Vec<usize> {
        (0..self.all_limits()).filter(|limit| self.meets(*limit, call)).collect()
    }

    /// These limits take the place back that a call has held.
    fn give_back(&self, call: &Call, limits: &[usize]) {
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
            let begun = now >= fault.from.0 && fault.from < self.scenario.horizon;
            let open = begun && fault.to.is_none_or(|to| now < to.0);
            let bits = self.draws.fault(index, call.place);
            let used = self.service.borrow().struck[index];
            if fault.strikes_sessions()
                || !here
                || !open
                || !(fault.regions.is_empty() || self.is_in(&fault.regions, call.who))
                || fault.count.is_some_and(|count| used >= count)
                || !chance(bits, fault.probability)
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
                FaultKind::Outage(_) => return Struck::Answer(Answer::Network),
                FaultKind::NoAnswer(_) => return Struck::Silent,
                FaultKind::Pass(_) => return Struck::No,
                FaultKind::Latency(of) => {
                    let more = of.add.sample(second_word(bits)).0;
                    call.latency.set(call.latency.get() + more);
                }
                other => unreachable!("{} has no second definition and is not drawn", other.name()),
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
            let at_once = self.scenario.fleet.offline_fails_at_once;
            self.answers(call, if at_once { 0 } else { call.latency.get() }, Answer::Network);
            return self.be_patient(call);
        }
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
            Struck::Silent => return self.be_patient(call),
        }
        let Some(more) = self.passes(call, &of(false), &mut passed) else { return };
        delay = delay.saturating_add(more);
        let spec = self.scenario.backend.endpoint(call.endpoint);
        if spec.workers.is_some() {
            // Its client's patience begins with the call, whenever the queue lets it in.
            self.be_patient(call);
            match delay {
                0 => self.arrives(call),
                _ => {
                    let (world, call) = (Rc::clone(self), Rc::clone(call));
                    self.clock.after(delay, move || world.arrives(&call));
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
                    self.give_back(call, passed);
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
    fn decided(&self, call: &Call, limits: &[usize], success: bool) {
        for &limit in limits {
            let of = &self.scenario.backend.limits[limit];
            let (key, cost) = (self.key(of.key, call.who), of.cost_at(call.endpoint));
            self.service.borrow_mut().limits[limit].decided(key, self.now(), cost, success);
        }
    }

    /// A concurrency limit counts a call until its answer is back.
    fn over_after(self: &Rc<World>, call: &Rc<Call>, delay: u64) {
        let (world, call) = (Rc::clone(self), Rc::clone(call));
        self.clock.after(delay, move || world.give_back(&call, &world.all_passed(&call)));
    }

    fn answers(self: &Rc<World>, call: &Rc<Call>, delay: u64, answer: Answer) {
        let promise = call.answer.clone();
        self.clock.after(delay, move || {
            promise.resolve(answer);
        });
    }

    /// An answer at the very end of a client's patience still counts where it is known that it will come.
    fn be_patient(self: &Rc<World>, call: &Rc<Call>) {
        if let Some(timeout) = self.scenario.backend.endpoint(call.endpoint).timeout {
            self.answers(call, timeout.0, Answer::GivenUp);
        }
    }

    /// A queue does not notice that a client has given up.
    fn arrives(self: &Rc<World>, call: &Rc<Call>) {
        let spec = self.scenario.backend.endpoint(call.endpoint);
        let number = call.endpoint.index();
        let mut service = self.service.borrow_mut();
        let station = &mut service.stations[number];
        if station.busy < spec.workers.unwrap_or(0) {
            drop(service);
            return self.serve(call);
        }
        if spec.queue.is_none_or(|places| station.waiting.len() < places as usize) {
            return station.waiting.push_back(Rc::clone(call));
        }
        drop(service);
        self.give_back(call, &self.all_passed(call));
        self.decided(call, &self.all_passed(call), false);
        let refused = spec.refused_latency.as_ref();
        let latency =
            refused.map_or(call.latency.get(), |dist| self.draws.time(dist, Purpose::Latency, call.place));
        self.answers(
            call,
            latency,
            Answer::Status { status: 503, code: None, retry_after_s: None, shed: true },
        );
    }

    fn serve(self: &Rc<World>, call: &Rc<Call>) {
        let service = self.scenario.backend.endpoint(call.endpoint).service.as_ref();
        let time = service.map_or(0, |dist| self.draws.time(dist, Purpose::Service, call.place));
        self.service.borrow_mut().stations[call.endpoint.index()].busy += 1;
        let (world, call) = (Rc::clone(self), Rc::clone(call));
        self.clock.after(time, move || world.served(&call));
    }

    fn served(self: &Rc<World>, call: &Rc<Call>) {
        let next = {
            let mut service = self.service.borrow_mut();
            let station = &mut service.stations[call.endpoint.index()];
            station.busy -= 1;
            station.waiting.pop_front()
        };
        if let Some(next) = next {
            self.serve(&next);
        }
        let answer = self.served_by_account(call);
        self.over_after(call, call.latency.get());
        self.answers(call, call.latency.get(), answer);
    }

    /// What the server answers to a call that nothing stands against, at the instant at which it serves it.
    ///
    /// A revoked session is missing from /client. Where the server refuses it, it is 401 to /tokens and /touch (`clerk-js.md`,
    /// recording S3k); otherwise it is missing from /touch as well.
    fn served_by_account(&self, call: &Call) -> Answer {
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
