//! Collects the counts of a run while it executes.

use super::definitions::Metric;
use super::exercise::Exercise;
use super::grid::Grid;
use super::seconds::Seconds;
use super::timeline::{Spent, Timeline};
use super::{Outcome, recovery};
use crate::backend::Endpoint;
use crate::client::fact::{Fact, Status};
use crate::kernel::{Block, Dur, Time};
use crate::protocol::Token;
use crate::world::Plan;
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

const _: () = assert!(size_of::<Session>() == 40);
// `Session` has one bit per tab.
const _: () = assert!(crate::fleet::MAX_TABS <= u16::BITS);
/// Size of a session's counts, in bytes.
pub(crate) const SESSION_BYTES: usize = size_of::<Session>();

/// Time of a user's first sign-out, shifted left by two, or 0 without one. Bit 1: that sign-out was false. Bit 0: the
/// user is signed out now.
#[derive(Clone, Copy, Debug, Default)]
struct SignedOut(u64);

impl SignedOut {
    const OUT: u64 = 1;
    const FALSE: u64 = 2;

    fn is_signed_out(self) -> bool {
        self.0 & SignedOut::OUT != 0
    }

    fn mark_signed_in(&mut self) {
        self.0 &= !SignedOut::OUT;
    }

    fn mark_signed_out(&mut self, now: Time, is_false: bool) {
        if self.at().is_none() {
            // A time fits in 62 bits, because a run lasts at most 100 years.
            self.0 = now.0.max(1) << 2 | if is_false { SignedOut::FALSE } else { 0 };
        }
        self.0 |= SignedOut::OUT;
    }

    fn at(self) -> Option<Time> {
        Some(Time(self.0 >> 2)).filter(|at| *at > Time::ZERO)
    }

    fn is_false(self) -> bool {
        self.0 & SignedOut::FALSE != 0
    }
}

/// Counts of a finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunMetrics {
    /// Sums over all sessions.
    pub tally: Tally,
    /// Counts per browser session, in the order of users.
    pub sessions: Vec<SessionCounts>,
}

/// Sums over a group of sessions. All are integers. The sums of two independent groups add up to those of both groups,
/// in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Counts per bucket of time.
    pub timeline: Timeline,
    /// Calls on the grid that decides recovery and demand.
    pub grid: Grid,
    /// Stimuli of the run.
    pub exercise: Exercise,
    seconds: Seconds,
    first_attempts: u64,
    page_loads: u64,
    page_loads_failed: u64,
    degraded_ns: u128,
    signed_in_ns: u128,
    stale_ns: u128,
    app_wait_ns: u128,
    errors: u64,
    zombies: u64,
    sessions_with_entries: u64,
    worst_entries: u32,
    depth_max: u32,
}

/// Counts of the reference run: the same replication without faults, triggers and limits. See
/// [`crate::experiment::reference`].
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Calls on the grid.
    pub grid: Grid,
    /// Calls that no failed answer caused: the demand of the users.
    pub first_attempts: u64,
}

/// Counts of one browser session at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionCounts {
    /// Entries of the unauthenticated flow.
    pub entries: u32,
    /// Greatest depth of an entry.
    pub depth: u32,
    /// Sent calls.
    pub requests: u32,
    /// Time of the first sign-out; `None` without one.
    pub signed_out_at: Option<Time>,
    /// Whether the first sign-out was false: the server still knew the session.
    pub false_sign_out: bool,
    /// Time without a valid token while signed in.
    pub stale: Dur,
}

/// Counts of a run in progress.
pub struct Collector {
    timeline: Timeline,
    grid: Grid,
    seconds: Seconds,
    exercise: Exercise,
    sessions: Block<Session>,
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
    /// A collector for these users, with all counts zero.
    pub fn new(plan: &Plan, users: Range<u32>) -> Collector {
        Collector {
            timeline: Timeline::new(plan.scenario.bucket, plan.scenario.horizon),
            grid: Grid::new(plan.scenario.horizon, plan.called()),
            seconds: Seconds::new(users.len() < plan.scenario.fleet.users as usize),
            exercise: Exercise::new(plan),
            sessions: Block::new(users, Session::default()),
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

    /// Records a call that a user sent. `first` is true if no failed answer caused the call.
    #[inline]
    pub fn sent(&mut self, user: u32, endpoint: Endpoint, first: bool, now: Time) {
        self.sessions[user as usize].requests += 1;
        self.any_sent(endpoint, first, now);
    }

    #[inline]
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
    #[inline]
    pub fn generic_sent(&mut self, first: bool, now: Time) {
        self.any_sent(crate::client::workload::GENERIC, first, now);
    }

    /// Records the end of a call. `ended` may be in the future. The timeline counts the call in the bucket of `sent`.
    #[inline]
    pub fn call_ended(&mut self, endpoint: Endpoint, outcome: Outcome, sent: Time, ended: Time) {
        self.timeline.at(sent).calls[endpoint.index()][outcome as usize] += 1;
        self.grid.ended(endpoint, outcome, sent, ended);
        if outcome.is_failure() {
            self.exercise.failure_at(ended);
        }
    }

    /// The stimuli, for the world to count.
    pub fn exercise(&mut self) -> &mut Exercise {
        &mut self.exercise
    }

    /// Records a fact. `revoked` matters for sign-outs only. Returns true for the first sign-out since a sign-in.
    pub fn fact(&mut self, user: u32, tab: u32, fact: Fact, revoked: bool, now: Time) -> bool {
        let bit = 1u16 << tab;
        match fact {
            Fact::FlowEntered { active: true, depth, .. } => {
                let session = &mut self.sessions[user as usize];
                session.entries += 1;
                session.depth = session.depth.max(depth);
                let bucket = self.timeline.at(now);
                bucket.flow_entries += 1;
                bucket.recursive_entries += u64::from(depth > 1);
                bucket.depth_max = bucket.depth_max.max(depth.into());
            }
            Fact::Cookie(token) => {
                let valid_until = token.map_or(Time::ZERO, |t| self.valid_until(t));
                let session = self.settle(user, now);
                session.stale_from = valid_until.max(now);
            }
            Fact::Status(status) => {
                let degraded = status == Status::Degraded;
                self.change_tabs(user, now, |s| {
                    s.degraded = if degraded { s.degraded | bit } else { s.degraded & !bit };
                });
            }
            Fact::SignedIn => {
                self.change_tabs(user, now, |s| s.signed_in |= bit).signed_out.mark_signed_in();
            }
            Fact::PageGone => {
                self.change_tabs(user, now, |s| s.signed_in &= !bit);
            }
            Fact::SignedOut => {
                let session = self.change_tabs(user, now, |s| s.signed_in &= !bit);
                if session.signed_out.is_signed_out() {
                    return false;
                }
                session.signed_out.mark_signed_out(now, !revoked);
                let bucket = self.timeline.at(now);
                if revoked {
                    bucket.true_sign_outs += 1;
                } else {
                    bucket.false_sign_outs += 1;
                }
                return true;
            }
            Fact::AppError(_) => self.errors += 1,
            Fact::AppAsked => {
                self.exercise.app_calls += 1;
                self.app_callers += 1;
                self.app_wait = self.app_wait.wrapping_sub(now.0.into());
                self.timeline.begin(Spent::Waiting, now);
            }
            Fact::AppWaited(_) => self.app_callers_leave(1, now),
            Fact::AppLeft(callers) => self.app_callers_leave(callers.into(), now),
            Fact::LoadEnd(status) => {
                self.page_loads += 1;
                self.page_loads_failed += u64::from(matches!(status, Status::Degraded | Status::Error));
            }
            Fact::FlowEntered { .. } | Fact::FlowLeft { .. } | Fact::Judged { .. } | Fact::SignInEnded(_) => {
            }
        }
        false
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

    /// Completes the counts. `revoked` says for each session, in order, whether the server has revoked it.
    pub fn finish(mut self, plan: &Plan, revoked: impl Iterator<Item = bool>) -> RunMetrics {
        for user in self.sessions.range() {
            let session = self.change_tabs(user, plan.horizon, |s| s.degraded = 0);
            if session.signed_in != 0 {
                self.signed_in = self.signed_in.wrapping_add(u128::from(plan.horizon.0));
            }
        }
        self.exercise.errors = self.errors;
        self.exercise.callers_open += self.app_callers;
        self.app_callers_leave(self.app_callers, plan.horizon);
        self.timeline.sum_spent();
        let mut tally = Tally {
            timeline: self.timeline,
            grid: self.grid,
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
            sessions_with_entries: 0,
            worst_entries: 0,
            depth_max: 0,
        };
        let sessions = self.sessions.into_items();
        for (session, revoked) in sessions.iter().zip(revoked) {
            tally.zombies += u64::from(revoked && session.signed_in != 0);
            tally.stale_ns += u128::from(session.stale.0);
            tally.sessions_with_entries += u64::from(session.entries > 0);
            tally.worst_entries = tally.worst_entries.max(session.entries);
            tally.depth_max = tally.depth_max.max(session.depth);
        }
        let counts = |s: Session| SessionCounts {
            entries: s.entries,
            depth: s.depth,
            requests: s.requests,
            signed_out_at: s.signed_out.at(),
            false_sign_out: s.signed_out.is_false(),
            stale: s.stale,
        };
        RunMetrics { tally, sessions: sessions.into_iter().map(counts).collect() }
    }
}

impl Tally {
    /// Adds the sums of other sessions of the same run.
    pub fn add(&mut self, other: &Tally) {
        self.timeline.add(&other.timeline);
        self.grid.add(&other.grid);
        self.exercise.add(&other.exercise);
        self.seconds.add(&other.seconds);
        self.first_attempts += other.first_attempts;
        self.page_loads += other.page_loads;
        self.page_loads_failed += other.page_loads_failed;
        self.degraded_ns += other.degraded_ns;
        self.signed_in_ns += other.signed_in_ns;
        self.stale_ns += other.stale_ns;
        self.app_wait_ns += other.app_wait_ns;
        self.errors += other.errors;
        self.zombies += other.zombies;
        self.sessions_with_entries += other.sessions_with_entries;
        self.worst_entries = self.worst_entries.max(other.worst_entries);
        self.depth_max = self.depth_max.max(other.depth_max);
    }

    /// Converts a reference run into what other runs are compared with.
    pub fn into_reference(mut self) -> Reference {
        self.grid.shrink();
        Reference { grid: self.grid, first_attempts: self.first_attempts }
    }

    /// One value per metric, in the order of [`super::METRICS`]. Without a reference the run is compared with itself.
    pub fn values(&self, plan: &Plan, reference: Option<&Reference>) -> Vec<f64> {
        let (grid, asked_for) = match reference {
            Some(reference) => (&reference.grid, reference.first_attempts),
            None => (&self.grid, self.first_attempts),
        };
        let mut values = vec![0.0; Metric::COUNT];
        let mut set = |metric: Metric, value: f64| values[metric as usize] = value;
        let totals = Totals::of(&self.timeline);
        let count = |n: u64| n as f64;
        let seconds = |ns: u128| (ns / 1_000) as f64 / 1e6;
        set(Metric::SignOuts, count(totals.false_sign_outs + totals.true_sign_outs));
        set(Metric::FalseSignOuts, count(totals.false_sign_outs));
        set(Metric::TrueSignOuts, count(totals.true_sign_outs));
        set(Metric::ZombieSessions, count(self.zombies));
        set(Metric::UnauthenticatedEvents, count(totals.entries));
        set(Metric::UnauthenticatedSessions, count(self.sessions_with_entries));
        set(Metric::UnauthenticatedEventsWorstSession, f64::from(self.worst_entries));
        set(Metric::RecursiveUnauthenticatedEvents, count(totals.recursive));
        set(Metric::UnauthenticatedDepthMax, f64::from(self.depth_max));
        let requests: u64 = totals.calls.iter().flatten().sum();
        set(Metric::RequestsTotal, count(requests));
        for (metric, endpoint) in [
            (Metric::RequestsTokens, Endpoint::known("tokens")),
            (Metric::RequestsTouch, Endpoint::known("touch")),
            (Metric::RequestsClient, Endpoint::known("client")),
            (Metric::RequestsEnvironment, Endpoint::known("environment")),
            (Metric::RequestsSignIn, Endpoint::known("sign-in")),
            (Metric::RequestsGeneric, crate::client::workload::GENERIC),
        ] {
            set(metric, count(totals.calls[endpoint.index()].iter().sum()));
        }
        let of = |outcome: Outcome| totals.calls.iter().map(|c| c[outcome as usize]).sum::<u64>();
        set(Metric::Responses429, count(of(Outcome::TooManyRequests)));
        let failed: u64 = Outcome::ALL.into_iter().filter(|o| o.is_failure()).map(of).sum();
        set(Metric::ResponsesFailed, count(failed));
        set(Metric::FirstAttempts, count(self.first_attempts));
        set(Metric::Amplification, if asked_for == 0 { 0.0 } else { count(requests) / count(asked_for) });
        set(Metric::PeakRequestsPerS, count(self.seconds.peak()));
        set(Metric::Goodput, count(of(Outcome::Ok)) / plan.scenario.horizon.as_secs_f64());
        let recovered = recovery::time_to_recover(self, grid, plan);
        set(Metric::TimeToRecoverS, recovered.map_or(f64::INFINITY, crate::kernel::Dur::as_secs_f64));
        set(Metric::TimeToRecoverCensored, f64::from(u8::from(recovered.is_none())));
        set(Metric::CallsUnfinished, count(of(Outcome::InFlight)));
        set(Metric::CallersBegun, count(self.exercise.callers()));
        set(Metric::CallersServed, count(self.exercise.generic_served));
        set(Metric::CallersGaveUp, count(self.exercise.generic_gave_up));
        set(Metric::CallersUnfinished, count(self.exercise.callers_open));
        set(Metric::PageLoads, count(self.page_loads));
        set(Metric::PageLoadsFailed, count(self.page_loads_failed));
        set(Metric::SignedInSessionS, seconds(self.signed_in_ns));
        set(Metric::DegradedSessionS, seconds(self.degraded_ns));
        set(Metric::StaleTokenSessionS, seconds(self.stale_ns));
        set(Metric::ErrorsSurfacedToApp, count(self.errors));
        set(Metric::AppWaitS, seconds(self.app_wait_ns));
        values
    }
}

struct Totals {
    calls: [[u64; Outcome::COUNT]; Endpoint::COUNT],
    false_sign_outs: u64,
    true_sign_outs: u64,
    entries: u64,
    recursive: u64,
}

impl Totals {
    fn of(timeline: &Timeline) -> Totals {
        let mut totals = Totals {
            calls: [[0; Outcome::COUNT]; Endpoint::COUNT],
            false_sign_outs: 0,
            true_sign_outs: 0,
            entries: 0,
            recursive: 0,
        };
        for bucket in &timeline.buckets {
            for (total, counts) in totals.calls.iter_mut().zip(&bucket.calls) {
                for (total, count) in total.iter_mut().zip(counts) {
                    *total += count;
                }
            }
            totals.false_sign_outs += bucket.false_sign_outs;
            totals.true_sign_outs += bucket.true_sign_outs;
            totals.entries += bucket.flow_entries;
            totals.recursive += bucket.recursive_entries;
        }
        totals
    }
}
