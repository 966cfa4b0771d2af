//! Restarts of servers, the ends of outages, and the slow start of pools after both.

use super::World;
use super::event::{Event, EventKind};
use super::observe::Observer;
use crate::backend::gateway::Pending;
use crate::client::{Client, Store};
use crate::fault::{Fault, FaultKind, Strikes};
use crate::kernel::queue::Queue;
use crate::kernel::{Dur, Time};
use crate::protocol::{Failure, Outcome};

/// The slow start of each pool that has begun one: how many, and when the last one began. Empty without any.
#[derive(Default)]
pub(super) struct SlowStarts(Vec<(u32, Time)>);

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// Schedules the first restarts, and the first ends of outages after which a pool starts slowly.
    pub(super) fn schedule_restarts(&mut self) {
        let plan = self.plan;
        let has_slow_start = plan.backend.pools.iter().any(|pool| pool.slow_start.is_some());
        for (i, fault) in plan.backend.faults.iter().enumerate() {
            match &fault.kind {
                kind if kind.strikes() == Strikes::Connections && fault.from < plan.horizon => {
                    self.schedule(fault.from, EventKind::Restart, 0, i as u32, 0);
                }
                FaultKind::Outage(_) if has_slow_start => self.schedule_end(i, fault.from),
                _ => {}
            }
        }
    }

    /// Schedules the end of the window that begins at this time.
    fn schedule_end(&mut self, fault: usize, begin: Time) {
        let Fault { to, repeat, .. } = &self.plan.backend.faults[fault];
        let end = repeat.map_or(*to, |repeat| begin.after(repeat.lasts));
        self.schedule(end, EventKind::OutageEnds, 0, fault as u32, 0);
    }

    /// The servers restart: the calls under way are lost. The world has known since they were sent which of those without
    /// workers are.
    pub(super) fn restart(&mut self, fault: usize) {
        let (now, plan) = (self.now, self.plan);
        for call in self.gateway.restart(fault, &self.streams.backend, now) {
            if plan.backend.keys.is_client(call.user) {
                self.deliver_to_caller(call, Dur::ZERO, Some(Outcome::NetworkError));
            } else if self.pages.generation(call.waiter) == call.generation {
                self.pages.set_reply(call.waiter, Failure::NETWORK.into());
                self.schedule_task(Dur::ZERO, EventKind::Answer, 0, call.waiter);
            }
        }
        self.begin_slow_starts(fault);
        for pool in 0..plan.backend.pools.len() {
            self.free_workers(pool);
        }
        if let Some(next) = plan.backend.faults[fault].next_begin(now).filter(|next| *next < plan.horizon) {
            self.schedule(next, EventKind::Restart, 0, fault as u32, 0);
        }
    }

    /// A window of an outage ends.
    pub(super) fn outage_ends(&mut self, fault: usize) {
        self.begin_slow_starts(fault);
        if let Some(next) = self.plan.backend.faults[fault].next_begin(self.now) {
            self.schedule_end(fault, next);
        }
    }

    /// The pools of the endpoints that a fault strikes begin their slow start.
    fn begin_slow_starts(&mut self, fault: usize) {
        let plan = self.plan;
        let struck = &plan.backend.faults[fault].endpoints;
        for (pool, spec) in plan.backend.pools.iter().enumerate() {
            if spec.slow_start.is_some() && spec.endpoints.iter().any(|e| struck[e.index()]) {
                self.slow_starts.0.resize(plan.backend.pools.len(), (0, Time::ZERO));
                let (number, _) = self.slow_starts.0[pool];
                self.slow_starts.0[pool] = (number + 1, self.now);
                self.slow_start_goes_on(pool, number + 1);
            }
        }
    }

    /// A pool in slow start uses more workers.
    pub(super) fn slow_start_goes_on(&mut self, pool: usize, number: u32) {
        let spec = &self.plan.backend.pools[pool];
        let (Some(slow_start), (newest, begin)) = (spec.slow_start, self.slow_starts.0[pool]) else { return };
        if number != newest {
            return;
        }
        let workers = slow_start.workers_at(spec.workers, self.now.since(begin));
        self.gateway.use_workers(pool, workers);
        self.free_workers(pool);
        if workers < spec.workers {
            let next = self.now.after(slow_start.step(spec.workers));
            self.schedule(next, EventKind::SlowStart, 0, pool as u32, number);
        }
    }

    /// The free workers of a pool look at its queue.
    pub(super) fn free_workers(&mut self, pool: usize) {
        while let Some(pending) = self.gateway.next(pool, &self.streams.backend, self.now, &mut self.observer)
        {
            assert!(!matches!(pending, Pending::Delayed(..)), "a call that waits has arrived");
            self.goes_on(pending);
        }
    }
}
