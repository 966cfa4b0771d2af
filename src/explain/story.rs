//! A story as data: steps with their causes, and calls and waits between them.
//!
//! Steps, calls and waits have their numbers in the whole run. A part of a run therefore holds some entries of the whole. A
//! number that a part does not hold belongs to something earlier.

use crate::backend::Endpoint;
use crate::client::fact::{FlowEnd, Judgement, Status};
use crate::client::family::{CallerRow, Due, FlowWords, MessageRow, TaskRow};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::protocol::Failure;
use crate::results::FaultWindow;
use crate::world::Outside;
use std::collections::BTreeMap;

/// The record of one session in one run, or in a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// The scenario's name.
    pub scenario: String,
    /// The session's client: the token client that its policy names, else the scenario's model.
    pub client_model: String,
    /// SHA-256 of the scenario's canonical text.
    pub scenario_hash: String,
    /// Seed.
    pub seed: u64,
    /// Replication, from 0.
    pub replication: u32,
    /// The contender: a policy or a mix.
    pub contender: String,
    /// The session's own policy; differs from the contender in a mix.
    pub policy: String,
    /// The user, from 0.
    pub session: u32,
    /// The user's cohort; empty in a scenario without cohorts.
    pub cohort: String,
    /// End of the run.
    pub horizon: Time,
    /// Begin of the part.
    pub from: Time,
    /// End of the part.
    pub to: Time,
    /// Fault windows, in the scenario's order.
    pub faults: Vec<FaultWindow>,
    /// Descriptions of the limits of each endpoint, by endpoint.
    pub limits: [Vec<String>; Endpoint::COUNT],
    /// The error codes that a [`Failure`] names.
    pub codes: Vec<String>,
    /// Name of the flow that the client enters when it takes a session for lost.
    pub flow: FlowWords,
    /// Rules of the session's policy.
    pub rules: super::rules::Rules,
    /// The policy that the session gets in a rollout; absent without one.
    pub change: Option<Change>,
    /// Number of tabs that acted. `tab 0` is the user's first tab.
    pub tabs: u32,
    /// Totals of the whole run, for a part of it too.
    pub totals: Totals,
    /// Steps from [`Story::from`] to [`Story::to`], by number, in order.
    pub steps: BTreeMap<usize, Step>,
    /// Requests in flight at some time of this part, by number, in the order of sending.
    pub calls: BTreeMap<usize, Call>,
    /// Waits that lasted at some time of this part, by number, in the order in which they began.
    pub waits: BTreeMap<usize, Waiting>,
    /// Steps before this part that caused its steps, calls and waits, by number.
    pub earlier: BTreeMap<usize, Earlier>,
    /// Number of steps beyond [`super::record::MOST_STEPS`], which the story leaves out.
    pub left_out: u64,
}

/// Totals of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries of the unauthenticated flow.
    pub entries: u32,
    /// Length of the longest causal chain of entries.
    pub depth: u32,
    /// Requests sent.
    pub requests: u32,
    /// Errors that app code saw.
    pub errors: u32,
    /// Number of sign-outs of the user. A sign-out counts at its first tab.
    pub sign_outs: u32,
    /// The user's first sign-out; absent without one.
    pub signed_out: Option<SignedOut>,
}

/// A sign-out of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedOut {
    /// Time of the sign-out.
    pub at: Time,
    /// Whether the server still knew the session.
    pub falsely: bool,
    /// Whether the client's reuse of a refresh token had ended the session.
    pub reused: bool,
}

/// An event of a tab, and the tab's reaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Time of the step.
    pub at: Time,
    /// Tab of the user; absent for an event of the whole browser.
    pub tab: Option<u32>,
    /// What happened.
    pub trigger: Trigger,
    /// Number of the step that caused it, in [`Story::steps`] or [`Story::earlier`].
    pub cause: Option<usize>,
    /// Number of the first step of its causal chain; its own number if it is the first.
    pub chain: usize,
    /// Effects of the step, in order.
    pub effects: Vec<Effect>,
}

/// A step before the part, on which the part depends.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// Time of the step.
    pub at: Time,
    /// Tab of the user; absent for an event of the whole browser.
    pub tab: Option<u32>,
    /// The event, in words.
    pub happened: String,
    /// Begin of the step's causal chain and its first event in words; absent if this step is the first.
    pub began: Option<(Time, String)>,
}

/// The event of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The page was opened or reloaded.
    Opened,
    /// The page was closed.
    Closed,
    /// The tab gains focus.
    Focus,
    /// The tab's document loses focus.
    Blur,
    /// The app calls `getToken`.
    AppGetToken {
        /// Number of simultaneous calls.
        callers: u8,
        /// Whether the calls skip the cache.
        skip_cache: bool,
    },
    /// The app calls `setActive`.
    SetActive {
        /// Whether it has a `redirectUrl`.
        navigate: bool,
        /// Whether it makes no session the active one.
        no_session: bool,
    },
    /// Another tab sent a message.
    Message(&'static MessageRow),
    /// The user fills in the sign-in page.
    SignIn {
        /// Whether the user tries again after a failed request.
        again: bool,
    },
    /// The call of this number ended.
    Answer(usize),
    /// The wait of this number is over.
    Timer(usize),
    /// The tab got the cross-tab lock.
    Lock,
    /// An event from outside the client.
    Outside(Outside),
}

impl Trigger {
    /// Number of the call that ended.
    pub const fn call(self) -> Option<usize> {
        match self {
            Trigger::Answer(call) => Some(call),
            _ => None,
        }
    }

    /// Number of the wait that is over.
    pub const fn wait(self) -> Option<usize> {
        match self {
            Trigger::Timer(wait) => Some(wait),
            _ => None,
        }
    }
}

/// An effect of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The request of this number was sent.
    Sends(usize),
    /// The wait of this number began.
    Waits(usize),
    /// The policy judged a failure.
    Judged {
        /// The failure.
        failure: Failure,
        /// The policy's decision.
        verdict: Judgement,
    },
    /// The unauthenticated flow was entered.
    EnteredFlow {
        /// Number of the entry in the session, from 1. 0 without a session, when the entry settles at once.
        entry: u32,
        /// Number of entries on the causal chain.
        depth: u32,
        /// The answer that caused the entry; absent for a broadcast.
        cause: Option<Failure>,
    },
    /// Levels of the flow settled.
    LeftFlow {
        /// Number of levels that settled at once.
        levels: u32,
        /// How the flow ended.
        end: FlowEnd,
    },
    /// The tab lost its session.
    SignedOut {
        /// Whether the server still knew the session.
        falsely: bool,
        /// Whether the client's reuse of a refresh token had ended the session.
        reused: bool,
    },
    /// The tab has a session.
    SignedIn,
    /// The page was reloaded while it had a session.
    PageGone,
    /// The status changed.
    Status(Status),
    /// App code saw an error.
    AppError(Failure),
    /// The sign-in request ended, with the failure if it failed.
    SignInEnded(Option<Failure>),
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Tab of the user.
    pub tab: u32,
    /// Where to.
    pub endpoint: Endpoint,
    /// Purpose of the request.
    pub task: &'static TaskRow,
    /// The caller on whose behalf the request was sent.
    pub caller: &'static CallerRow,
    /// Number of retries before it. For the flow's own request, number of levels around it.
    pub attempt: u32,
    /// Whether no failed answer caused the request.
    pub first: bool,
    /// Time of sending.
    pub sent: Time,
    /// Time of its end; absent if the request was in flight at the end of the run.
    pub ended: Option<Time>,
    /// How the request ended.
    pub outcome: Outcome,
    /// The failure, if the request failed.
    pub failure: Option<Failure>,
    /// The fault that hit it, as an index into the scenario's faults.
    pub fault: Option<usize>,
    /// Whether a limit refused it.
    pub limited: bool,
    /// Number of the step that sent it, in [`Story::steps`] or [`Story::earlier`].
    pub by: usize,
}

/// A wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Tab of the user.
    pub tab: u32,
    /// The task that waits.
    pub task: &'static TaskRow,
    /// The caller on whose behalf it waits.
    pub caller: &'static CallerRow,
    /// Number of the retry after the wait, from 1.
    pub retry: u32,
    /// Begin of the wait.
    pub from: Time,
    /// Planned length of the wait.
    pub length: Dur,
    /// End of the wait: its time has come, or its page or task has gone. Absent while it lasts.
    pub ended: Option<Time>,
    /// Number of the step in which it began, in [`Story::steps`] or [`Story::earlier`].
    pub by: usize,
}

impl Call {
    /// End of the call; the horizon if it never ended.
    pub fn until(&self, horizon: Time) -> Time {
        self.ended.unwrap_or(horizon)
    }

    /// Duration of the call; until the horizon if it never ended.
    pub fn length(&self, horizon: Time) -> Dur {
        self.until(horizon).since(self.sent)
    }

    /// `POST /touch`.
    pub fn name(&self) -> String {
        format!("{} /{}", self.endpoint.row().method.name(), self.endpoint.name())
    }
}

impl Waiting {
    /// Actual or planned end of the wait; at most the horizon.
    pub fn until(&self, horizon: Time) -> Time {
        self.ended.unwrap_or(self.from.after(self.length)).min(horizon)
    }

    /// Whether it is a wait before a retry. A poller and an armed token refresh wait for other reasons.
    pub const fn is_retry(&self) -> bool {
        !matches!(self.task.due, Due::Tick(_))
    }
}

/// A change of a session's policy in a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Time of the change.
    pub at: Time,
    /// The policy after it.
    pub policy: String,
    /// Rules of the policy after it.
    pub rules: super::rules::Rules,
}

impl Story {
    /// The policy that the session runs at this time, and its rules.
    pub fn policy_at(&self, at: Time) -> (&str, &super::rules::Rules) {
        match &self.change {
            Some(change) if at >= change.at => (&change.policy, &change.rules),
            _ => (&self.policy, &self.rules),
        }
    }

    /// Whether a reader takes a step for the start of something new. A poller's tick and a token refresh are due by
    /// themselves, and a sign-in is the user's own act.
    pub fn is_root(&self, step: &Step) -> bool {
        is_root(step, |wait| self.waits.get(&wait))
    }

    /// Whether a step can be left out without loss to a reader: a timer's tick without effects.
    pub fn is_quiet(&self, step: &Step) -> bool {
        let silent = |effect: &Effect| matches!(effect, Effect::Waits(wait) if !self.waits[wait].is_retry());
        let of_note = matches!(
            step.trigger,
            Trigger::Answer(_)
                | Trigger::Outside(_)
                | Trigger::Opened
                | Trigger::Closed
                | Trigger::SignIn { .. }
        );
        !of_note && step.effects.iter().all(silent)
    }
}

/// As [`Story::is_root`], for a story under construction. `wait` looks up a wait.
pub(super) fn is_root<'a>(step: &Step, wait: impl Fn(usize) -> Option<&'a Waiting>) -> bool {
    match step.trigger {
        Trigger::Timer(number) => wait(number).is_none_or(|wait| !wait.is_retry()),
        Trigger::SignIn { .. } | Trigger::Lock => true,
        _ => step.cause.is_none(),
    }
}
