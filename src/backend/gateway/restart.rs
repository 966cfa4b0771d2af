//! Restarts of the servers: the calls under way lose their connections.
//!
//! A call with workers is lost when the restart comes. Of a call without workers the gateway knows when it is sent whether
//! a restart will come before its answer, because the restarts stand in the scenario.

use super::{Call, Draws, Entry, Gateway, Passage, Stage, Watch};
use crate::backend::station::Inside;
use crate::kernel::Time;
use crate::kernel::random::chance;
use crate::protocol::Failure;

impl Gateway<'_> {
    /// A passage, or what a restart makes of it.
    #[cold]
    pub(super) fn unless_lost<W: Watch>(
        &mut self,
        passage: Passage,
        call: &Call,
        draws: &Draws,
        watch: &mut W,
    ) -> Passage {
        let (due, holds) = match passage {
            Passage::Answered { after, holds, .. } => (call.sent.after(after), holds),
            Passage::Silent => (self.layout.horizon, false),
            Passage::Lost { .. } | Passage::Pending(_) => return passage,
        };
        let Some((at, fault)) = self.lost_at(call, call.sent, due, draws) else { return passage };
        if W::ACTIVE {
            watch.struck(call.user, fault);
        }
        let after = at.since(call.sent);
        match passage {
            Passage::Answered { refusal: None, .. } => Passage::Lost { after, holds },
            _ => Passage::Answered { refusal: Some(Failure::NETWORK), after, holds: false },
        }
    }

    /// When a restart breaks the connection of a call between two times, and which restart, if one does.
    pub fn lost_at(&mut self, call: &Call, from: Time, due: Time, draws: &Draws) -> Option<(Time, usize)> {
        let layout = self.layout;
        let mut first: Option<(Time, usize)> = None;
        for &fault in &layout.route(call.endpoint).restarts {
            let fault = usize::from(fault);
            let until = first.map_or(due, |(at, _)| at);
            let begins = |at: Option<Time>| at.filter(|at| *at < until);
            let mut at = begins(layout.faults[fault].next_begin(from));
            while let Some(instant) = at {
                if self.breaks(fault, call, instant, draws) {
                    first = Some((instant, fault));
                    break;
                }
                at = begins(layout.faults[fault].next_begin(instant));
            }
        }
        let (_, fault) = first?;
        self.struck[fault] += 1;
        first
    }

    /// Whether a restart breaks the connection of a call that is under way at its instant.
    fn breaks(&self, fault: usize, call: &Call, instant: Time, draws: &Draws) -> bool {
        let place = fault;
        let fault = &self.layout.faults[place];
        draws.concerns(fault, &self.layout.keys, call.user)
            && chance(
                draws.fault(place, fault, call.endpoint).bits(call.at.0 ^ instant.0, call.at.1),
                fault.probability,
            )
    }

    /// A restart: the calls that the gateway keeps and that lose their connections.
    pub fn restart(&mut self, fault: usize, draws: &Draws, now: Time) -> Vec<Call> {
        let mut lost = Vec::new();
        for id in 0..self.books.len() as u32 {
            let Entry { call, stage, .. } = self.books[id as usize];
            let is_kept = !matches!(stage, Stage::Free | Stage::Gone);
            let struck = is_kept && self.layout.faults[fault].endpoints[call.endpoint.index()];
            if !struck || call.sent >= now || !self.breaks(fault, &call, now, draws) {
                continue;
            }
            let pool = self.pool_of(call.endpoint);
            let station = &mut self.stations[pool].0;
            match stage {
                Stage::Waiting => {
                    station.drop_call(id, Inside::Waiting, now);
                    self.take(id);
                }
                Stage::InService => {
                    station.drop_call(id, Inside::InService, now);
                    self.books[id as usize].stage = Stage::Gone;
                }
                _ => self.books[id as usize].stage = Stage::Gone,
            }
            self.release(call.endpoint, call.user, now);
            self.struck[fault] += 1;
            lost.push(call);
        }
        lost
    }

    /// Frees the place of a call that was lost in a restart, at the event that was scheduled for the call. Returns whether
    /// it was lost.
    #[inline]
    pub fn was_lost(&mut self, id: u32) -> bool {
        let gone = self.books[id as usize].stage == Stage::Gone;
        if gone {
            self.take(id);
        }
        gone
    }
}
