//! Stops a run that has too many events in all, of one session at one instant, or of all sessions at one instant.

use super::Plan;
use super::stopped::{StopReason, Stopped};
use crate::kernel::Time;
use crate::plan::PART;
use std::collections::VecDeque;

/// Combines a hash and a word with both halves of a 64 x 64 bit product, so that the highest and lowest input bits
/// count too.
#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * 0x9E37_79B9_7F4A_7C15_u128;
    (product as u64) ^ ((product >> 64) as u64).wrapping_add(word)
}

/// The most events of a session that an error shows.
const CHAIN: usize = 8;

/// Counts events. The counts per session start once an instant has more events than one session may have.
pub(super) struct Guard {
    events: u64,
    fingerprint: u64,
    instant: Time,
    at_instant: u64,
    max_events: u64,
    max_of_session: u64,
    max_of_all: u64,
    per_session: Vec<u64>,
    counted: Vec<u32>,
    chain: VecDeque<(u64, u32, u8, String)>,
    full: Option<(u32, &'static str)>,
}

/// The limit that a run exceeded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    Events,
    Session(u32),
    Instant,
}

impl Guard {
    /// A guard for a run of this many users. A story repeats the run of fewer users than a part has, and must not stop where the
    /// run that it repeats goes on.
    pub(super) fn new(plan: &Plan, users: u32) -> Guard {
        let guard = &plan.scenario.guard;
        let users = users.max(PART.min(plan.backend.keys.users));
        Guard {
            events: 0,
            fingerprint: 0xcbf2_9ce4_8422_2325,
            instant: Time::ZERO,
            at_instant: 0,
            max_events: guard.max_events,
            max_of_session: guard.max_events_at_one_instant.into(),
            // Two sessions that wake each other exceed no limit per session, but exceed this limit. Simultaneous events
            // of all sessions stay far below this limit.
            max_of_all: 100
                * (u64::from(users) * u64::from(plan.tabs.per_user())
                    + u64::from(plan.backend.keys.all_clients()))
                + 10_000,
            per_session: Vec::new(),
            counted: Vec::new(),
            chain: VecDeque::new(),
            full: None,
        }
    }

    /// The queue is empty. The run fails if a session's count reached its maximum at the last event.
    pub(super) fn ended(&self, plan: &Plan) -> Result<(), Stopped> {
        if self.full.is_some() { Err(self.explain(Limit::Events, plan)) } else { Ok(()) }
    }

    /// A session's count has reached its maximum. The run stops before its next event.
    #[cold]
    pub(super) fn is_full(&mut self, session: u32, what: &'static str) {
        self.full.get_or_insert((session, what));
        self.max_events = self.events;
    }

    #[inline(always)]
    pub(super) fn count(&mut self, time: Time, session: u32, kind: u8) -> Result<(), Limit> {
        self.events += 1;
        let word = time.0 ^ u64::from(session).rotate_left(24) ^ u64::from(kind).rotate_left(56);
        self.fingerprint = mix(self.fingerprint, word);
        if self.events > self.max_events {
            return Err(Limit::Events);
        }
        if time != self.instant {
            self.instant = time;
            self.at_instant = 0;
            if !self.counted.is_empty() {
                self.forget();
            }
        }
        self.at_instant += 1;
        if self.at_instant > self.max_of_session {
            return self.count_closely(session, kind);
        }
        Ok(())
    }

    fn forget(&mut self) {
        for session in self.counted.drain(..) {
            self.per_session[session as usize] = 0;
        }
        self.chain.clear();
    }

    #[cold]
    fn count_closely(&mut self, session: u32, kind: u8) -> Result<(), Limit> {
        if self.at_instant > self.max_of_all {
            return Err(Limit::Instant);
        }
        if session == u32::MAX {
            return Ok(());
        }
        if self.per_session.len() <= session as usize {
            self.per_session.resize(session as usize + 1, 0);
        }
        let count = &mut self.per_session[session as usize];
        if *count == 0 {
            self.counted.push(session);
        }
        *count += 1;
        let over = *count > self.max_of_session;
        self.chain.push_front((self.events, session, kind, String::new()));
        self.chain.truncate(4 * CHAIN);
        if over { Err(Limit::Session(session)) } else { Ok(()) }
    }

    /// Whether events are counted per session, so that the chain needs descriptions.
    #[inline]
    pub(super) fn is_close(&self) -> bool {
        !self.chain.is_empty()
    }

    /// Adds a description to the last event.
    pub(super) fn describe(&mut self, what: String) {
        if let Some(last) = self.chain.front_mut() {
            if !last.3.is_empty() {
                last.3.push_str(", ");
            }
            last.3.push_str(&what);
        }
    }

    pub(super) fn explain(&self, limit: Limit, plan: &Plan) -> Stopped {
        let reason = match (limit, self.full) {
            (Limit::Events, Some((session, what))) => StopReason::CountFull { session, what },
            (Limit::Events, None) => StopReason::EventBudget { max_events: self.max_events },
            (Limit::Session(session), _) => {
                StopReason::SessionLivelock { session, most: self.max_of_session }
            }
            (Limit::Instant, _) => {
                let count = |session: &u32| self.per_session[*session as usize];
                let busiest = self.counted.iter().copied().max_by_key(|s| (count(s), std::cmp::Reverse(*s)));
                let at_least = busiest.map_or(0, |s| count(&s));
                let users = plan.backend.keys.users;
                StopReason::InstantLivelock { users, most: self.max_of_all, busiest, at_least }
            }
        };
        let session = reason.session();
        // The named session may have no described event in the chain. The error then shows the events of all sessions.
        let told = |of: u32| session.is_none_or(|s| s == of);
        let quiet = !self.chain.iter().any(|(_, of, _, what)| !what.is_empty() && told(*of));
        let chain = self
            .chain
            .iter()
            .filter(|(_, of, _, what)| !what.is_empty() && (quiet || told(*of)))
            .take(CHAIN)
            .map(|(number, _, _, what)| format!("#{number} {what}"))
            .collect();
        Stopped { at: self.instant, reason, chain, run: None }
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Study;

    fn plan(users: u32) -> Plan {
        let text = format!(
            "version = 1\nname = \"g\"\nhorizon = \"1m\"\npolicies = [\"old\"]\n[client]\nmodel = \"documented\"\n[fleet]\nusers = {users}\n"
        );
        Study::parse("g.toml", &text).unwrap_or_else(|e| panic!("{e}")).plan()
    }

    /// The number of events at one instant that pass when these sessions take turns, and the limit that stops them.
    fn until_stopped(plan: &Plan, sessions: u32) -> (u64, Option<Limit>) {
        let mut guard = Guard::new(plan, plan.backend.keys.users);
        for n in 0..10_000_000u64 {
            if let Err(limit) = guard.count(Time(5), (n % u64::from(sessions)) as u32, 1) {
                return (n, Some(limit));
            }
        }
        (10_000_000, None)
    }

    #[test]
    fn one_session_or_two_that_wake_each_other_are_stopped_at_one_instant() {
        let plan = plan(1_000);
        let most = u64::from(plan.scenario.guard.max_events_at_one_instant);
        // Counts per session start once the instant as a whole has had as many events as one session may have.
        let (passed, limit) = until_stopped(&plan, 1);
        assert!(
            matches!(limit, Some(Limit::Session(0))) && (most..=2 * most).contains(&passed),
            "{passed} {limit:?}"
        );
        let (passed, limit) = until_stopped(&plan, 2);
        assert!(matches!(limit, Some(Limit::Session(_))) && passed <= 3 * most + 2, "{passed} {limit:?}");
    }

    #[test]
    fn many_sessions_that_wake_each_other_meet_the_limit_of_the_instant() {
        // A thousand users who wake each other in turn exceed no limit per session. Only the limit of the instant stops
        // them.
        let plan = plan(1_000);
        let (passed, limit) = until_stopped(&plan, 900);
        assert!(matches!(limit, Some(Limit::Instant)), "{passed} {limit:?}");
        assert!(passed >= 100 * 1_000, "a legal herd passes");
    }

    /// A session that runs alone for its story may have as many events at one instant as in the whole run.
    #[test]
    fn a_story_meets_no_other_limit_of_the_instant_than_its_run() {
        let plan = plan(3);
        let of = |users: u32| Guard::new(&plan, users).max_of_all;
        assert_eq!((of(1), of(2)), (of(3), of(3)));
    }

    #[test]
    fn a_full_count_stops_the_run_and_is_reported_as_such() {
        let plan = plan(10);
        let mut guard = Guard::new(&plan, 10);
        guard.count(Time(1), 3, 1).expect("far below every limit");
        assert_eq!(guard.ended(&plan), Ok(()));
        guard.is_full(3, "calls of one session");
        assert!(guard.ended(&plan).is_err());
        guard.is_full(4, "offline periods of one browser");
        let limit = guard.count(Time(2), 5, 1).expect_err("stopped before the next event");
        let stopped = guard.explain(limit, &plan);
        let what = "calls of one session";
        assert_eq!(stopped.reason, StopReason::CountFull { session: 3, what });
        assert!(stopped.to_string().contains("4000000000"), "{stopped}");
    }

    #[test]
    fn counts_restart_when_time_moves_and_the_hash_depends_on_every_word() {
        let plan = plan(10);
        let mut guard = Guard::new(&plan, plan.backend.keys.users);
        for n in 0..50_000u64 {
            guard.count(Time(n / 900), 3, 1).expect("each instant is within its limit");
        }
        let print = |events: &[(u64, u32, u8)]| {
            let mut guard = Guard::new(&plan, plan.backend.keys.users);
            events.iter().for_each(|(t, s, k)| guard.count(Time(*t), *s, *k).expect("few"));
            guard.fingerprint()
        };
        let base = [(1, 2, 3), (4, 5, 6)];
        for other in
            [[(0, 2, 3), (4, 5, 6)], [(1, 1, 3), (4, 5, 6)], [(1, 2, 2), (4, 5, 6)], [(4, 5, 6), (1, 2, 3)]]
        {
            assert_ne!(print(&base), print(&other), "{other:?}");
        }
    }
}
