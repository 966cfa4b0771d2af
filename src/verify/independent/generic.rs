//! Generic clients: each call a job that tries until it is answered or given up.

use super::answer::{Answer, delay, listed, obeying};
use super::draws::Own;
use super::endpoints::GENERIC;
use super::retries::Retries;
use super::service::{Ended, Who};
use super::world::World;
use crate::client::workload::WorkloadSpec;
use crate::kernel::{Dist, Dur};
use std::cell::RefCell;
use std::rc::Rc;

/// One client of a workload.
#[derive(Clone)]
struct Client {
    world: Rc<World>,
    workload: usize,
    number: u64,
    budget: Rc<RefCell<Retries>>,
}

/// Every client plans its first call.
pub(super) fn begin(world: &Rc<World>) {
    let mut number = 0;
    for (workload, spec) in world.scenario.workloads.iter().enumerate() {
        for _ in 0..spec.clients {
            let client = Client { world: Rc::clone(world), workload, number, budget: Rc::default() };
            let start = client.start();
            if spec.think.is_some() {
                client.thinks_until(start, 0);
            } else {
                let first = if spec.every.is_some() { 0 } else { times(spec)[0] };
                client.begins_at(start + first, 0);
            }
            number += 1;
        }
    }
}

/// The times of a scripted client, in order.
fn times(spec: &WorkloadSpec) -> Vec<u64> {
    let mut times: Vec<u64> = spec.at.iter().map(|at| at.0).collect();
    times.sort_unstable();
    times
}

impl Client {
    fn spec(&self) -> &WorkloadSpec {
        &self.world.scenario.workloads[self.workload]
    }

    fn draw(&self, dist: &Dist, what: Own, key: u64) -> u64 {
        dist.sample(self.world.draws.client(self.number, what, key)).0
    }

    fn start(&self) -> u64 {
        self.draw(&self.spec().starts, Own::Start, 0)
    }

    /// No call begins after `until`.
    fn may_begin(&self, at: u64) -> bool {
        self.spec().until.is_none_or(|until| at <= until.0)
    }

    /// A closed client begins its call then.
    fn thinks_until(&self, at: u64, call: u64) {
        if self.may_begin(at) {
            let client = self.clone();
            self.world.clock.at(at, move || client.calls(call));
        }
    }

    /// An open or scripted client begins its call then, and first plans the next.
    fn begins_at(&self, at: u64, call: u64) {
        if self.may_begin(at) {
            let client = self.clone();
            self.world.clock.at(at, move || {
                let spec = client.spec();
                if let Some(every) = &spec.every {
                    let gap = client.draw(every, Own::Gap, call);
                    client.begins_at(client.world.now().saturating_add(gap), call + 1);
                } else if let Some(time) = times(spec).get(call as usize + 1) {
                    client.begins_at(client.start() + time, call + 1);
                }
                client.calls(call);
            });
        }
    }

    fn calls(&self, call: u64) {
        let client = self.clone();
        self.world.clock.spawn(None, async move {
            client.tries(call).await;
            if let Some(think) = &client.spec().think {
                let time = client.draw(think, Own::Gap, call + 1);
                client.thinks_until(client.world.now().saturating_add(time), call + 1);
            }
        });
    }

    /// Tries until a try is answered or nothing is left to try.
    async fn tries(&self, call: u64) {
        let world = &self.world;
        self.budget.borrow_mut().first_attempt(self.spec().retry_budget.as_ref());
        let (mut attempt, mut drawn) = (0, 0);
        loop {
            let place = world.draws.of_try(self.number, call, attempt);
            let who = Who::Client { workload: self.workload, client: self.number };
            let name = (format!("client {}", self.number), "generic".to_owned());
            let (answer, ended) = world.send(who, GENERIC, place, name);
            let answer = answer.await;
            ended.replace(Ended::Then(answer.clone()));
            if answer == Answer::OK {
                return;
            }
            attempt += 1;
            let Some(delay) = self.delay(call, attempt, &mut drawn, &answer) else { return };
            if !self.budget.borrow_mut().pays(self.spec().retry_budget.as_ref()) {
                return;
            }
            world.clock.sleep(delay).await;
        }
    }

    /// The delay before retry number `n`, if there is one. `drawn` is what was drawn before the retry before: what
    /// `Retry-After` adds does not count.
    fn delay(&self, call: u64, n: u64, drawn: &mut u64, answer: &Answer) -> Option<u64> {
        let spec = self.spec();
        let draw = |dist: &Dist| self.draw(dist, Own::Retry, call << 16 | n);
        if let Some(orbit) = &spec.orbit {
            return Some(draw(orbit));
        }
        if let Some(layers) = spec.layers {
            return (n < u64::from(layers.tries.pow(layers.depth))).then_some(0);
        }
        let retry = spec.retry.as_ref()?;
        if n > u64::from(retry.retries) || !listed(&retry.on, answer) {
            return None;
        }
        let between = |(low, high)| draw(&Dist::uniform(Dur(low), Dur(high)));
        *drawn = delay(retry, n, *drawn, between);
        Some(obeying(retry, *drawn, answer))
    }
}
