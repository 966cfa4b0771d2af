//! How a client family describes itself to readers: its messages, tasks, callers, and its flow.

use crate::protocol::MetricWords;

/// A kind of message between tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its name in results.
    pub id: &'static str,
    /// Describes the message for its receiver, as a clause.
    pub words: &'static str,
    /// The cause of the message.
    pub cause: MessageCause,
}

/// The cause of a message between tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageCause {
    /// The answer to a request.
    Answer,
    /// The tab's own sign-out.
    SignOut,
}

/// A kind of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Its name in results.
    pub id: &'static str,
    /// Its name in an error's list of events.
    pub name: &'static str,
    /// The meaning of its timer.
    pub due: Due,
    /// The role of its request, for readers.
    pub role: Role,
}

/// The meaning of a task's timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A clock of the client. A tick begins new work; the clause describes it.
    Tick(&'static str),
    /// A repeated request; the clause describes it.
    Repeat(&'static str),
    /// A retry of the caller's call, under its policy.
    Retry,
}

/// The role of a task's request, for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Fetches a token for the task's caller.
    Fetch,
    /// Belongs to the flow that the family enters when it considers a session lost.
    Flow,
    /// Signs the user in.
    SignIn,
    /// Any other role.
    Other,
}

/// The names of the flow that a client enters when it considers its session lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowWords {
    /// The clients of the family, in the plural: `token clients`.
    pub clients: &'static str,
    /// Its name, with its article.
    pub name: &'static str,
    /// Its short name, with its article.
    pub short: &'static str,
    /// The verb of a session that enters it: `enters the flow`.
    pub enters: &'static str,
    /// The verb of several sessions: `enter the flow`.
    pub enter: &'static str,
    /// Its entries: `entries of the flow`.
    pub entries: &'static str,
    /// One of its entries, where the flow needs no mention: `entry`. The unit of `metrics.entries` is the plural.
    pub entry: &'static str,
    /// Which entries harm.
    pub harm: FlowHarm,
    /// The metrics that count its entries.
    pub metrics: FlowMetrics,
    /// The purpose of its requests: ` for the flow`.
    pub purpose: &'static str,
    /// A status that enters the flow without asking the policy, and the reason: a clause that ends in `lets it `.
    pub unasked: Option<(u16, &'static str)>,
    /// Why a session enters it that no answer lets in: as in `unasked`, or empty where there is nothing to say.
    pub unprompted: &'static str,
    /// Statuses that mean the end of the session under every policy.
    pub ends: &'static [u16],
    /// The code that passes a failure to the app when the policy does not, as a clause.
    pub throws: &'static str,
}

impl FlowWords {
    /// Several entries, where the flow needs no mention: `entries`.
    pub fn plural(&self) -> &'static str {
        self.metrics.entries.unit
    }
}

/// Which entries of a flow harm. Rankings, findings and tables follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowHarm {
    /// Each one: a client that enters considers its session lost.
    Each,
    /// Recursive ones and those that fail. Other entries are a client's ordinary work.
    RecursiveOrFailed,
    /// Those that harm by the flow of the client, where clients of several families run beside each other.
    OfClient,
}

/// The metrics that count a flow's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowMetrics {
    /// Entries while a session exists.
    pub entries: MetricWords,
    /// Browser sessions with at least one entry.
    pub sessions: MetricWords,
    /// Most entries of one browser session.
    pub worst_session: MetricWords,
    /// Entries that the answer to a request of an earlier entry caused.
    pub recursive: MetricWords,
    /// Longest causal chain of entries.
    pub depth_max: MetricWords,
}

/// The caller that a task works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerRow {
    /// Who asks for a token: `the poller's getToken`.
    pub who: &'static str,
    /// The purpose of a fetch for it: ` for the poller`; empty where it needs no mention.
    pub purpose: &'static str,
    /// The consequence of a failed fetch that no caller gets, as a clause.
    pub unheard: Option<&'static str>,
}
