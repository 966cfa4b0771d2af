//! The states of the limits of a fleet's users and processes.

use super::session_policy::{Processes, SessionLimits, SessionPolicy};
use crate::kernel::Block;
use crate::kernel::random::nth_word;
use std::ops::Range;

/// The states of a fleet's users and processes. A process is all users of a cohort who belong to one app and run the
/// same policy.
#[derive(Clone, Debug)]
pub struct LimitStates {
    /// One per user when some policy has limits per session; otherwise a single unused one.
    sessions: Block<SessionPolicy>,
    limited: bool,
    /// One per app of each of `shared`, in its order.
    processes: Vec<SessionPolicy>,
    shared: Vec<Processes>,
    first_user: u32,
    /// Whether a policy has a mechanism of a library.
    named: bool,
}

impl Default for LimitStates {
    /// The states of nobody.
    fn default() -> LimitStates {
        LimitStates::new(std::iter::empty(), 0..0)
    }
}

impl LimitStates {
    /// The states of users who run policies with these limits.
    pub fn new<'a>(
        limits: impl Iterator<Item = Option<&'a SessionLimits>> + Clone,
        users: Range<u32>,
    ) -> LimitStates {
        let limited = limits.clone().flatten().any(|limits| !limits.is_shared());
        let mut shared: Vec<Processes> = Vec::new();
        for processes in limits.clone().flatten().filter_map(SessionLimits::processes) {
            if !shared.contains(&processes) {
                shared.push(processes);
            }
        }
        let named = limits.flatten().any(|limits| limits.has_named());
        LimitStates {
            first_user: users.start,
            sessions: Block::new(if limited { users } else { 0..1 }, SessionPolicy::default()),
            limited,
            processes: vec![SessionPolicy::default(); shared.iter().map(|it| it.apps as usize).sum()],
            shared,
            named,
        }
    }

    /// Gives each state random numbers of its own, if a policy has a mechanism of a library. `bits` gives those of a user.
    pub fn seed(&mut self, bits: &dyn Fn(u32) -> u64) {
        if !self.named {
            return;
        }
        for user in if self.limited { self.sessions.range() } else { 0..0 } {
            self.sessions[user as usize].seed(bits(user));
        }
        let mut states = self.processes.iter_mut();
        for Processes { policy, apps, first_user } in &self.shared {
            for (app, state) in (1..=u64::from(*apps)).zip(&mut states) {
                state.seed(nth_word(bits(*first_user), policy.wrapping_add(app)));
            }
        }
    }

    /// The state of the user with this number among these users.
    pub fn of_place(&mut self, limits: Option<&SessionLimits>, place: u32) -> &mut SessionPolicy {
        self.of(limits, self.first_user + place)
    }

    /// The state of a user under these limits.
    #[inline]
    pub fn of(&mut self, limits: Option<&SessionLimits>, user: u32) -> &mut SessionPolicy {
        // Mostly no policy has limits that users share.
        let processes = if self.shared.is_empty() { None } else { limits.and_then(SessionLimits::processes) };
        let Some(processes) = processes else {
            return &mut self.sessions[if self.limited { user as usize } else { 0 }];
        };
        let mut first = 0;
        for shared in self.shared.iter().take_while(|shared| **shared != processes) {
            first += shared.apps as usize;
        }
        &mut self.processes[first + ((user - processes.first_user) % processes.apps) as usize]
    }
}
