//! Collects the counts of a run while it executes.

use super::Outcome;
use super::exercise::Exercise;
use super::filling::{Filling, Spent};
use super::grid::Grid;
use super::groups::{GroupCounts, Harms, by_group};
use super::latency::Latencies;
use super::seconds::Seconds;
use super::signed_out::SignedOut;
use super::tally::{RunMetrics, SessionCounts, Tally};
use crate::backend::Endpoint;
use crate::client::TabNumbers;
use crate::client::fact::{Fact, FlowEnd, Status};
use crate::client::family::SessionEnd;
use crate::kernel::{Block, Dur, Time};
use crate::plan::Plan;
use crate::protocol::Token;
use std::ops::Range;

/// Counts of one browser session.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    entries: u32,
    depth: u32,
    requests: u32,
    /// Bit set of the tabs that are signed in.
    signed_in: u16,
    /// Bit set of the tabs in status degraded.
    degraded: u16,
    /// Time without a valid token, up to the last settlement.
    stale: Dur,
    /// Start of the stale time that is not settled yet: the expiry of the token or the last settlement, whichever is
    /// later. Time counts as stale only while the session is signed in.
    stale_from: Time,
    /// First sign-out, and whether the user is signed out now.
    signed_out: SignedOut,
}

/// Entries of one browser session that are recursive, and those that failed.
#[derive(Clone, Copy, Debug, Default)]
struct Losses {
    recursive: u32,
    failed: u32,
}

const _: () = assert!(size_of::<Session>() == 40);
// `Session` has one bit per tab.
const _: () = assert!(crate::fleet::MAX_TABS <= u16::BITS);
/// Size of a session's counts, in bytes.
pub(crate) const SESSION_BYTES: usize = size_of::<Session>();

/// Counts of a run in progress.
pub struct Collector {
    timeline: Filling,
    grid: Grid,
    latencies: Latencies,
    seconds: Seconds,
    exercise: Exercise,
    sessions: Block<Session>,
    /// By user, in the order of `sessions`; empty until the first entry that is recursive or fails.
    losses: Vec<Losses>,
    /// Sign-outs and errors by user, in the order of `sessions`; empty until the first one, and where no group of users is
    /// counted apart.
    harms: Vec<Harms>,
    is_grouped: bool,
    tabs: TabNumbers,
    token_life_s: u32,
    first_attempts: u64,
    /// Nanoseconds in status degraded. Each start is subtracted and each end added, modulo 2^128.
    degraded: u128,
    /// Nanoseconds signed in, by the same method.
    signed_in: u128,
    page_loads: u64,
    page_loads_failed: u64,
    errors: u64,
    /// Callers in app code that wait now.
    app_callers: u64,
    /// Nanoseconds that callers in app code waited, by the same method as `degraded`.
    app_wait: u128,
}

impl Collector {
    /// A collector for these users under a contender, with all counts zero.
    pub fn new(plan: &Plan, contender: usize, users: Range<u32>) -> Collector {
        Collector {
            timeline: Filling::new(plan.scenario.bucket, plan.scenario.horizon),
            grid: Grid::new(plan.scenario.horizon, plan.called()),
            latencies: Latencies::default(),
            seconds: Seconds::new(users.len() < plan.backend.keys.users as usize),
            exercise: Exercise::new(plan),
            sessions: Block::new(users, Session::default()),
            losses: Vec::new(),
            harms: Vec::new(),
            is_grouped: !plan.groupings(contender).is_empty(),
            tabs: plan.tabs,
            token_life_s: plan.scenario.backend.token_life_s(),
            first_attempts: 0,
            degraded: 0,
            signed_in: 0,
            page_loads: 0,
            page_loads_failed: 0,
            errors: 0,
            app_callers: 0,
            app_wait: 0,
        }
    }

    /// Records a call that a user sent. `first` is true if no failed answer caused the call. Returns the number of calls that
    /// the user has sent.
    #[inline]
    pub fn sent(&mut self, user: u32, endpoint: Endpoint, first: bool, now: Time) -> u32 {
        self.any_sent(endpoint, first, now);
        let requests = &mut self.sessions[user as usize].requests;
        *requests += 1;
        *requests
    }

    #[inline(always)]
    fn any_sent(&mut self, endpoint: Endpoint, first: bool, now: Time) {
        self.first_attempts += u64::from(first);
        self.seconds.sent(now);
        self.grid.sent(endpoint, now);
    }

    /// Calls that a user has sent so far.
    #[inline]
    pub(crate) fn requests_of(&self, user: u32) -> u32 {
        self.sessions[user as usize].requests
    }

    /// Records a call that a generic client sent.
    #[inline(always)]
    pub fn generic_sent(&mut self, first: bool, now: Time) {
        self.any_sent(crate::client::workload::GENERIC, first, now);
    }

    /// Records the end of a call. `ended` may be in the future. The timeline counts the call in the bucket of `sent`.
    #[inline(always)]
    pub fn call_ended(&mut self, endpoint: Endpoint, outcome: Outcome, sent: Time, ended: Time) {
        self.timeline.at_sent(sent).calls[endpoint.index()][outcome as usize] += 1;
        self.grid.ended(endpoint, outcome, sent, ended);
        self.latencies.ended(endpoint, outcome, ended.since(sent));
        if outcome.is_failure() {
            self.exercise.failure_at(ended);
        }
    }

    /// The stimuli, for the world to count.
    pub fn exercise(&mut self) -> &mut Exercise {
        &mut self.exercise
    }

    /// Records a fact about a tab of a user. `ended` matters for sign-outs only. Returns true for the first sign-out since a
    /// sign-in.
    #[inline(always)]
    pub fn fact(&mut self, user: u32, tab: u32, fact: Fact, ended: SessionEnd, now: Time) -> bool {
        let tabs = self.tabs;
        let bit = || 1u16 << tabs.within(tab, user);
        match fact {
            Fact::FlowEntered { active: true, depth, .. } => {
                let session = &mut self.sessions[user as usize];
                session.entries += 1;
                session.depth = session.depth.max(depth);
                let bucket = self.timeline.at(now);
                bucket.flow_entries += 1;
                bucket.recursive_entries += u64::from(depth > 1);
                bucket.depth_max = bucket.depth_max.max(depth.into());
                if depth > 1 {
                    self.losses_of(user).recursive += 1;
                }
            }
            Fact::Cookie(token) => {
                let valid_until = token.map_or(Time::ZERO, |t| self.valid_until(t));
                let session = self.settle(user, now);
                session.stale_from = valid_until.max(now);
            }
            Fact::Status(status) => {
                let (degraded, bit) = (status == Status::Degraded, bit());
                self.change_tabs(user, now, |s| {
                    s.degraded = if degraded { s.degraded | bit } else { s.degraded & !bit };
                });
            }
            Fact::SignedIn => {
                self.change_tabs(user, now, |s| s.signed_in |= bit()).signed_out.mark_signed_in();
            }
            Fact::PageGone => {
                self.change_tabs(user, now, |s| s.signed_in &= !bit());
            }
            Fact::SignedOut => {
                let session = self.change_tabs(user, now, |s| s.signed_in &= !bit());
                if session.signed_out.is_signed_out() {
                    return false;
                }
                session.signed_out.mark_signed_out(now, ended == SessionEnd::Alive);
                let bucket = self.timeline.at(now);
                match ended {
                    SessionEnd::Alive => bucket.false_sign_outs += 1,
                    SessionEnd::Revoked => bucket.true_sign_outs += 1,
                    SessionEnd::Reused => bucket.reuse_sign_outs += 1,
                }
                if self.is_grouped {
                    self.harms_of(user).signed_out(ended);
                }
                return true;
            }
            Fact::AppError(_) | Fact::UnhandledRejection(_) => {
                self.errors += 1;
                if self.is_grouped {
                    self.harms_of(user).errors += 1;
                }
            }
            Fact::AppAsked => {
                self.exercise.app_calls += 1;
                self.app_callers += 1;
                self.app_wait = self.app_wait.wrapping_sub(now.0.into());
                self.timeline.begin(Spent::Waiting, now);
            }
            Fact::AppWaited(_) => self.app_callers_leave(1, now),
            // A caller who waits no time adds nothing to any time.
            Fact::AppServed => self.exercise.app_calls += 1,
            Fact::AppLeft(callers) => self.app_callers_leave(callers.into(), now),
            Fact::LoadEnd(status) => {
                self.page_loads += 1;
                self.page_loads_failed += u64::from(matches!(status, Status::Degraded | Status::Error));
            }
            Fact::FlowLeft { levels, end: FlowEnd::Threw(_) | FlowEnd::Dropped } => {
                self.losses_of(user).failed += levels;
            }
            Fact::FlowEntered { .. } | Fact::FlowLeft { .. } | Fact::Judged { .. } | Fact::SignInEnded(_) => {
            }
        }
        false
    }

    fn losses_of(&mut self, user: u32) -> &mut Losses {
        let users = self.sessions.range();
        if self.losses.is_empty() {
            self.losses = vec![Losses::default(); users.len()];
        }
        &mut self.losses[(user - users.start) as usize]
    }

    fn harms_of(&mut self, user: u32) -> &mut Harms {
        let users = self.sessions.range();
        if self.harms.is_empty() {
            self.harms = vec![Harms::default(); users.len()];
        }
        &mut self.harms[(user - users.start) as usize]
    }

    fn valid_until(&self, token: Token) -> Time {
        // Both terms are at most 100 years.
        let until_s = u64::from(token.iat()) + u64::from(self.token_life_s);
        Time(until_s * crate::kernel::time::NS_PER_S)
    }

    /// Adds the stale time since the last change of a session's state.
    fn settle(&mut self, user: u32, now: Time) -> &mut Session {
        let session = &mut self.sessions[user as usize];
        if session.signed_in != 0 {
            session.stale = Dur(session.stale.0 + now.since(session.stale_from).0);
            self.timeline.spend(Spent::WithoutToken, session.stale_from, now);
        }
        session.stale_from = session.stale_from.max(now);
        session
    }

    /// Changes the state of a session's tabs.
    fn change_tabs(&mut self, user: u32, now: Time, change: impl FnOnce(&mut Session)) -> &mut Session {
        let is_degraded = |s: &Session| s.degraded & s.signed_in != 0;
        let session = self.settle(user, now);
        let before = (is_degraded(session), session.signed_in != 0);
        change(session);
        let after = (is_degraded(session), session.signed_in != 0);
        if before != after {
            for (sum, before, after) in
                [(&mut self.degraded, before.0, after.0), (&mut self.signed_in, before.1, after.1)]
            {
                match (before, after) {
                    (false, true) => *sum = sum.wrapping_sub(u128::from(now.0)),
                    (true, false) => *sum = sum.wrapping_add(u128::from(now.0)),
                    (false, false) | (true, true) => {}
                }
            }
        }
        &mut self.sessions[user as usize]
    }

    /// Records that this many app callers no longer wait: their calls have ended, or their page is gone.
    fn app_callers_leave(&mut self, callers: u64, now: Time) {
        self.app_callers -= callers;
        self.app_wait = self.app_wait.wrapping_add(u128::from(callers) * u128::from(now.0));
        self.timeline.end(Spent::Waiting, now, callers);
    }

    /// Completes the counts of a run of a contender. `ended` says for each session, in order, how it ended on the server's
    /// side, and `arm_of` which arm a user follows.
    pub fn finish(
        mut self,
        plan: &Plan,
        contender: usize,
        ended: impl Iterator<Item = SessionEnd> + Clone,
        arm_of: impl Fn(u32) -> usize,
    ) -> RunMetrics {
        for user in self.sessions.range() {
            let session = self.change_tabs(user, plan.horizon, |s| s.degraded = 0);
            if session.signed_in != 0 {
                self.signed_in = self.signed_in.wrapping_add(u128::from(plan.horizon.0));
            }
        }
        self.exercise.errors = self.errors;
        self.exercise.callers_open += self.app_callers;
        self.app_callers_leave(self.app_callers, plan.horizon);
        let mut tally = Tally {
            timeline: self.timeline.finish(),
            grid: self.grid,
            latencies: self.latencies,
            exercise: self.exercise,
            seconds: self.seconds,
            first_attempts: self.first_attempts,
            page_loads: self.page_loads,
            page_loads_failed: self.page_loads_failed,
            degraded_ns: self.degraded,
            signed_in_ns: self.signed_in,
            stale_ns: 0,
            app_wait_ns: self.app_wait,
            errors: self.errors,
            zombies: 0,
            failed_entries: self.losses.iter().map(|losses| u64::from(losses.failed)).sum(),
            sessions_with_entries: 0,
            worst_entries: 0,
            depth_max: 0,
            flows: Vec::new(),
            groups: Vec::new(),
        };
        let (first, sessions) = (self.sessions.range().start, self.sessions.into_items());
        for (session, ended) in sessions.iter().zip(ended.clone()) {
            tally.zombies += u64::from(ended != SessionEnd::Alive && session.signed_in != 0);
            tally.stale_ns += u128::from(session.stale.0);
            tally.sessions_with_entries += u64::from(session.entries > 0);
            tally.worst_entries = tally.worst_entries.max(session.entries);
            tally.depth_max = tally.depth_max.max(session.depth);
        }
        let losses = self.losses.into_iter().chain(std::iter::repeat(Losses::default()));
        let counts = |((s, ended), losses): ((Session, SessionEnd), Losses)| SessionCounts {
            entries: s.entries,
            recursive: losses.recursive,
            failed: losses.failed,
            depth: s.depth,
            requests: s.requests,
            signed_out_at: s.signed_out.at(),
            false_sign_out: s.signed_out.is_false(),
            reuse_sign_out: ended == SessionEnd::Reused
                && s.signed_out.at().is_some()
                && !s.signed_out.is_false(),
            stale: s.stale,
        };
        let zombie = |(s, ended): (&Session, SessionEnd)| ended != SessionEnd::Alive && s.signed_in != 0;
        let grouped = sessions.iter().zip(ended.clone()).filter(|_| self.is_grouped);
        let zombies: Vec<bool> = grouped.map(zombie).collect();
        let sessions: Vec<SessionCounts> = sessions.into_iter().zip(ended).zip(losses).map(counts).collect();
        let family_of = |user: u32| plan.arms[contender].all[arm_of(user)].model.family();
        tally.tell_families_apart(plan.families, (first..).map(family_of).zip(&sessions));
        if self.is_grouped {
            let of_place = |place: usize| {
                let harms = self.harms.get(place).copied().unwrap_or_default();
                let user = first + place as u32;
                let (arm, counts) = (arm_of(user), &sessions[place]);
                (user, arm, GroupCounts::of_user(counts, family_of(user), harms, zombies[place]))
            };
            tally.groups = by_group(plan, contender, (0..sessions.len()).map(of_place));
        }
        RunMetrics { tally, sessions }
    }
}
