//! A story as data: steps, each with its cause, and the calls and waits between them.
//!
//! Steps, calls and waits bear the numbers that they have in the whole run. A part of a run is therefore a choice among
//! the entries of the whole, and a number that a part does not hold is that of something earlier.

use crate::backend::Endpoint;
use crate::client::fact::{FlowEnd, Judgement, Status};
use crate::client::family::{CallerRow, Due, FlowWords, MessageRow, TaskRow};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::protocol::Failure;
use crate::results::FaultWindow;
use crate::world::Outside;
use std::collections::BTreeMap;

/// Everything that one session did in one run, or in a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// The scenario's name.
    pub scenario: String,
    /// The client model, as named in scenarios.
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
    /// End of the run.
    pub horizon: Time,
    /// Where the story begins...
    pub from: Time,
    /// ...and ends.
    pub to: Time,
    /// Fault windows, in the scenario's order.
    pub faults: Vec<FaultWindow>,
    /// What the limits of each endpoint are, in words; by endpoint.
    pub limits: [Vec<String>; Endpoint::COUNT],
    /// The error codes that a [`Failure`] names.
    pub codes: Vec<String>,
    /// What the flow is called that the client enters when it takes a session for lost.
    pub flow: FlowWords,
    /// What the session's policy says, rule by rule.
    pub rules: super::rules::Rules,
    /// Tabs that did anything: `tab 0` is the user's first.
    pub tabs: u32,
    /// Totals of the whole run, whatever part of it is told.
    pub totals: Totals,
    /// What happened from [`Story::from`] to [`Story::to`], by number: in order.
    pub steps: BTreeMap<usize, Step>,
    /// The requests that were in flight at some time of this part, by number: in the order in which they were sent.
    pub calls: BTreeMap<usize, Call>,
    /// The waits that lasted at some time of this part, by number: in the order in which they began.
    pub waits: BTreeMap<usize, Waiting>,
    /// The steps before this part that its steps, calls and waits come from, by number.
    pub earlier: BTreeMap<usize, Earlier>,
    /// Steps beyond [`super::record::MOST_STEPS`], which are counted and not told.
    pub left_out: u64,
}

/// What a session's story comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries of the unauthenticated flow.
    pub entries: u32,
    /// Longest causal chain of them.
    pub depth: u32,
    /// Requests sent.
    pub requests: u32,
    /// Errors that app code saw.
    pub errors: u32,
    /// How often the user was signed out: each time the first of the tabs was.
    pub sign_outs: u32,
    /// When the user was first signed out, and whether the server still knew the session then.
    pub signed_out: Option<(Time, bool)>,
}

/// One thing that happened to a tab, and what the tab did then.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: Time,
    /// Which tab of the user; none for what happens to the whole browser.
    pub tab: Option<u32>,
    /// What happened.
    pub trigger: Trigger,
    /// The step that caused it: one of [`Story::steps`], or of [`Story::earlier`].
    pub cause: Option<usize>,
    /// The step that its causal chain began with; its own number when it is that step.
    pub chain: usize,
    /// What came of it, in order.
    pub deeds: Vec<Deed>,
}

/// A step before the part that is told, on which the part hangs.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// When.
    pub at: Time,
    /// Which tab of the user; none for what happens to the whole browser.
    pub tab: Option<u32>,
    /// What happened, in words.
    pub happened: String,
    /// When the causal chain of the step began and with what, in words; none when it began with this very step.
    pub began: Option<(Time, String)>,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The page is opened, or loaded anew.
    Opened,
    /// The page was closed.
    Closed,
    /// The tab gains focus.
    Focus,
    /// The app calls `getToken`.
    AppGetToken {
        /// So many at once.
        callers: u8,
        /// Passing over the cache.
        skip_cache: bool,
    },
    /// The app calls `setActive`.
    SetActive {
        /// With a `redirectUrl`.
        navigate: bool,
    },
    /// Another tab sent a message.
    Message(&'static MessageRow),
    /// The user fills in the sign-in page.
    SignIn {
        /// Once more, after a failed request.
        again: bool,
    },
    /// A call ended.
    Answer(usize),
    /// A wait is over.
    Timer(usize),
    /// The cross-tab lock is this tab's.
    Lock,
    /// Something from outside.
    Outside(Outside),
}

impl Trigger {
    /// The call that ended.
    pub const fn call(self) -> Option<usize> {
        match self {
            Trigger::Answer(call) => Some(call),
            _ => None,
        }
    }

    /// The wait that is over.
    pub const fn wait(self) -> Option<usize> {
        match self {
            Trigger::Timer(wait) => Some(wait),
            _ => None,
        }
    }
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A request was sent.
    Sends(usize),
    /// A wait began.
    Waits(usize),
    /// A failure was judged.
    Judged {
        /// The failure.
        failure: Failure,
        /// What the policy made of it.
        verdict: Judgement,
    },
    /// The unauthenticated flow was entered.
    EnteredFlow {
        /// Which entry of the session this is, from 1; 0 without a session, when it settles at once.
        entry: u32,
        /// Entries on the causal chain.
        depth: u32,
        /// The answer that caused it; none for a broadcast.
        cause: Option<Failure>,
    },
    /// Levels of the flow settled.
    LeftFlow {
        /// How many at once.
        levels: u32,
        /// How.
        end: FlowEnd,
    },
    /// The tab lost its session.
    SignedOut {
        /// The server still knew the session.
        falsely: bool,
    },
    /// The tab has a session.
    SignedIn,
    /// The page was loaded anew while it had a session.
    PageGone,
    /// The status changed.
    Status(Status),
    /// App code saw an error.
    AppError(Failure),
    /// The sign-in request ended well, or not.
    SignInEnded(Option<Failure>),
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which tab of the user.
    pub tab: u32,
    /// Where to.
    pub endpoint: Endpoint,
    /// What for.
    pub task: &'static TaskRow,
    /// On whose behalf.
    pub caller: &'static CallerRow,
    /// Retries before it; of the flow's own request, levels around it.
    pub attempt: u32,
    /// No failed answer caused it.
    pub first: bool,
    /// When it was sent.
    pub sent: Time,
    /// When it ended; none when it was in flight at the end of the run.
    pub ended: Option<Time>,
    /// How it ended.
    pub outcome: Outcome,
    /// The failure, if it failed.
    pub failure: Option<Failure>,
    /// The fault that hit it, by its place in the scenario.
    pub fault: Option<usize>,
    /// A limit refused it.
    pub limited: bool,
    /// The step that sent it: one of [`Story::steps`], or of [`Story::earlier`].
    pub by: usize,
}

/// A wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which tab of the user.
    pub tab: u32,
    /// What waits.
    pub task: &'static TaskRow,
    /// On whose behalf.
    pub caller: &'static CallerRow,
    /// The retry that comes after it, from 1.
    pub retry: u32,
    /// When it began.
    pub from: Time,
    /// How long it is.
    pub length: Dur,
    /// When it ended: its time came, or the page or the task that it belongs to did not last so long. None while it lasts.
    pub ended: Option<Time>,
    /// The step in which it began: one of [`Story::steps`], or of [`Story::earlier`].
    pub by: usize,
}

impl Call {
    /// When it ended; the horizon when it never did.
    pub fn until(&self, horizon: Time) -> Time {
        self.ended.unwrap_or(horizon)
    }

    /// How long it took; until the horizon when it never ended.
    pub fn length(&self, horizon: Time) -> Dur {
        self.until(horizon).since(self.sent)
    }

    /// `POST /touch`.
    pub fn name(&self) -> String {
        format!("{} /{}", self.endpoint.row().method.name(), self.endpoint.name())
    }
}

impl Waiting {
    /// When it ended, or would end; the horizon when that is earlier.
    pub fn until(&self, horizon: Time) -> Time {
        self.ended.unwrap_or(self.from.after(self.length)).min(horizon)
    }

    /// Whether it is a wait before trying again, not the rest of a poller or a token.
    pub const fn is_retry(&self) -> bool {
        !matches!(self.task.due, Due::Tick(_))
    }
}

impl Story {
    /// Whether a step begins something new in the eyes of a reader: a poller's tick and a refresh are due by themselves,
    /// a sign-in is the user's own doing.
    pub fn is_root(&self, step: &Step) -> bool {
        is_root(step, |wait| self.waits.get(&wait))
    }

    /// Whether a reader misses a step that is left out: one of which nothing came is a tick of a clock.
    pub fn is_quiet(&self, step: &Step) -> bool {
        let silent = |deed: &Deed| matches!(deed, Deed::Waits(wait) if !self.waits[wait].is_retry());
        let of_note = matches!(
            step.trigger,
            Trigger::Answer(_)
                | Trigger::Outside(_)
                | Trigger::Opened
                | Trigger::Closed
                | Trigger::SignIn { .. }
        );
        !of_note && step.deeds.iter().all(silent)
    }
}

/// [`Story::is_root`], of a story that is not whole yet; `wait` has the waits.
pub(super) fn is_root<'a>(step: &Step, wait: impl Fn(usize) -> Option<&'a Waiting>) -> bool {
    match step.trigger {
        Trigger::Timer(number) => wait(number).is_none_or(|wait| !wait.is_retry()),
        Trigger::SignIn { .. } | Trigger::Lock => true,
        _ => step.cause.is_none(),
    }
}
