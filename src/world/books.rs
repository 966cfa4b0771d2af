//! Totals during a run, and the results at its end.

use super::event::{Event, EventKind};
use super::observe::Observer;
use super::totals::Snapshot;
use super::{FinalTab, Run, World};
use crate::client::{Account, Client, Store};
use crate::kernel::Time;
use crate::kernel::queue::Queue;
use crate::protocol::Outcome;

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// All totals up to `now`.
    fn totals(&mut self, now: Time) -> Snapshot {
        Snapshot {
            at: now,
            stations: self.gateway.station_totals(now),
            limits: self.gateway.limit_totals().to_vec(),
            workloads: self.callers.totals().to_vec(),
        }
    }

    /// Gives the observer the totals and schedules the next sample.
    pub(super) fn sample(&mut self) {
        let totals = self.totals(self.now);
        self.observer.sampled(totals);
        if let Some(every) = self.observer.sample_every() {
            self.schedule(self.now.after(every), EventKind::Sample, 0, 0, 0);
        }
    }

    /// Ends the run at the horizon and returns its results. The final state of the pages is filled for an active
    /// observer only.
    pub(super) fn finish(mut self) -> (Run, Vec<FinalTab>) {
        let horizon = self.plan.horizon;
        let open_calls = self.pages.requesting();
        self.now = horizon;
        for id in open_calls {
            self.call_ended(id, Outcome::InFlight);
        }
        let tabs = if O::ACTIVE { self.pages.final_tabs() } else { Vec::new() };
        // Frees memory before the results are computed.
        self.queue = Q::default();
        self.pages.forget_tasks();
        self.callers_in_flight();
        let totals = self.totals(horizon);
        let exercise = self.collector.exercise();
        exercise.struck = self.gateway.struck().to_vec();
        exercise.limits = self.gateway.final_limit_totals();
        exercise.generic_calls = totals.workloads.iter().map(|w| w.calls).sum();
        exercise.generic_served = totals.workloads.iter().map(|w| w.answered).sum();
        exercise.generic_gave_up = totals.workloads.iter().map(|w| w.gave_up).sum();
        exercise.callers_open += totals.workloads.iter().map(|w| w.under_way()).sum::<u64>();
        let accounts = &self.accounts;
        let ended = self.users.clone().map(|user| accounts.ended(user));
        let arm_of = |user| self.plan.arm_of(self.contender, &self.streams.rollout, user);
        let metrics = self.collector.finish(self.plan, self.contender, ended, arm_of);
        let (events, fingerprint) = (self.guard.events(), self.guard.fingerprint());
        let times = self.gateway.times_at_workers().cloned().collect();
        (Run { metrics, events, fingerprint, totals, times }, tabs)
    }
}
