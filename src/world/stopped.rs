//! The reason why a run was stopped, and its place.

use crate::client::MOST_CALLS;
use crate::kernel::Time;
use std::fmt;

/// Reports a run that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Virtual time of the last event.
    pub at: Time,
    /// The reason.
    pub reason: StopReason,
    /// The last events of the session that caused the stop, newest first; of all sessions when no single session caused
    /// it.
    pub chain: Vec<String>,
    /// The run; `None` until the code that started the run fills it in.
    pub run: Option<StoppedRun>,
}

/// Identifies the run of a study that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedRun {
    /// The contender's name.
    pub policy: String,
    /// The replication, from 0.
    pub replication: u32,
}

/// The reason for a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// [`crate::world::Control::stop`] was called.
    Interrupted,
    /// The run has more events than `guard.max-events` allows.
    EventBudget {
        /// The most events allowed.
        max_events: u64,
    },
    /// The parts of the run together have more events than `guard.max-events` allows, although no single part has.
    EventBudgetOfParts {
        /// The most events allowed.
        max_events: u64,
    },
    /// A session has reached the maximum of one of its counts.
    CountFull {
        /// The session.
        session: u32,
        /// What is counted.
        what: &'static str,
    },
    /// One session has too many events at one instant.
    SessionLivelock {
        /// The session.
        session: u32,
        /// The most events of one session allowed at one instant.
        most: u64,
    },
    /// All sessions together have too many events at one instant.
    InstantLivelock {
        /// Users of the run.
        users: u32,
        /// The most events of all sessions allowed at one instant.
        most: u64,
        /// The session with the most events at this instant; `None` when no event belongs to a session.
        busiest: Option<u32>,
        /// A lower bound of that session's events at this instant.
        at_least: u64,
    },
}

impl StopReason {
    /// The session that caused the stop; `None` when no single session did.
    pub fn session(self) -> Option<u32> {
        match self {
            StopReason::CountFull { session, .. } | StopReason::SessionLivelock { session, .. } => {
                Some(session)
            }
            StopReason::InstantLivelock { busiest, .. } => busiest,
            StopReason::Interrupted
            | StopReason::EventBudget { .. }
            | StopReason::EventBudgetOfParts { .. } => None,
        }
    }

    /// Whether the run ended because its event budget was used up, not because of a loop at one instant.
    pub fn is_event_budget(self) -> bool {
        matches!(self, StopReason::EventBudget { .. } | StopReason::EventBudgetOfParts { .. })
    }
}

impl Stopped {
    pub(super) fn interrupted(at: Time) -> Stopped {
        Stopped { at, reason: StopReason::Interrupted, chain: Vec::new(), run: None }
    }

    /// Adds the run to this stop.
    pub(crate) fn of_run(self, policy: &str, replication: u32) -> Stopped {
        Stopped { run: Some(StoppedRun { policy: policy.to_owned(), replication }), ..self }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match self.reason {
            StopReason::Interrupted => f.write_str("interrupted")?,
            StopReason::EventBudget { max_events } => write!(
                f,
                "event budget: more than {max_events} events by t = {at}; guard.max-events raises it"
            )?,
            StopReason::EventBudgetOfParts { max_events } => {
                write!(f, "event budget: more than {max_events} events; guard.max-events raises it")?;
            }
            StopReason::CountFull { session, what } => write!(
                f,
                "count: session {session} has more {what} by t = {at} than the {MOST_CALLS} that are counted"
            )?,
            StopReason::SessionLivelock { session, most } => write!(
                f,
                "livelock: session {session} made more than {most} events at t = {at} without time moving; \
                 guard.max-events-at-one-instant raises it"
            )?,
            StopReason::InstantLivelock { users, most, busiest, at_least } => write!(
                f,
                "livelock: {users} sessions made more than {most} events at t = {at} without time moving, session {} \
                 the most: at least {at_least}",
                busiest.unwrap_or(0)
            )?,
        }
        if let Some(StoppedRun { policy, replication }) = &self.run {
            write!(f, " (policy {policy}, replication {replication})")?;
        }
        if !self.chain.is_empty() {
            write!(f, "; chain: {}", self.chain.join(" <- "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Stopped {}
