//! What a client family is: a state machine per tab, the server's side of it, and the words that readers know it by.
//!
//! A world is built for one family, so nothing is dispatched while it runs. It gives a tab an [`Input`], carries out
//! the tab's [`Action`]s, and lets the family's [`Account`] answer what the gateway lets through. What the fifteen
//! mechanisms of auth clients need is carried so:
//!
//! | mechanism | carried by |
//! | --- | --- |
//! | triggers: ticker, timer before expiry, callers, load, focus | inputs, and waits of tasks |
//! | expiry clock, life of a token, skew | [`Around`], the time of a step, tokens in replies |
//! | sharing of a pending request, per page or object | tasks of the store that wait for another task |
//! | lock: scope, patience, skip, error, steal | [`Action::Grant`], [`Input::Lock`], waits |
//! | retry, schedule, jitter, `Retry-After` | [`Wait`](super::backoff::Wait), [`Failure`] |
//! | cool-down, memory per path, what a caller gets meanwhile | the store; [`Fact::AppError`](super::fact::Fact::AppError) |
//! | sign-out by status, code and state of the token | the store; [`Fact::SignedOut`](super::fact::Fact::SignedOut) |
//! | refresh tokens: rotation, reuse, revocation | [`Account`], with a reply of the family's own |
//! | request chains, fall-backs | one task may send request after request |
//! | time-out | the endpoint's `timeout`; a wait of the task for a client that leaves a request behind |
//! | visibility, several objects in a page, pages without memory | the store |
//! | app behaviour: bursts, loops, reactions | inputs of the fleet's habits; [`Reaction`] |
//! | messages between tabs, shared storage | [`Action::Tell`], [`Message`]; what a browser keeps is part of the store |

use super::app::Reaction;
use super::fact::Status;
use super::policy::Policy;
use super::step::{Action, Input, Message, TaskId};
use crate::backend::{BackendSpec, Endpoint};
use crate::kernel::Time;
use crate::protocol::{EndpointRow, Failure, Token};
use std::fmt::Debug;
use std::ops::Range;

/// A client family.
pub trait Client: Sized + Clone + Debug + Send + Sync + 'static {
    /// Its models, in the order in which they are listed.
    const MODELS: &'static [ModelRow];
    /// The endpoints that it calls, in the order of results.
    const ENDPOINTS: &'static [EndpointRow];
    /// The kinds of messages between tabs.
    const MESSAGES: &'static [MessageRow];
    /// What readers know the flow by that a client enters when it takes a session for lost.
    const FLOW: FlowWords;
    /// Bytes of a session of one idle tab, its tasks and the server's side included.
    const IDLE_BYTES: usize;

    /// What is the same for every page of a run.
    type Setup: Clone + Debug + PartialEq + Send + Sync;
    /// A policy, ready to be asked.
    type Rules: Clone + Debug + PartialEq + Send + Sync;
    /// What the server answers.
    type Reply: Reply;
    /// The pages of a world's users.
    type Store: Store<Reply = Self::Reply>;
    /// The server's side.
    type Account: Account<Reply = Self::Reply> + Clone;

    /// What is the same for every page under this model, a place in [`MODELS`](Client::MODELS).
    fn setup(model: usize, around: &Around<'_>) -> Self::Setup;

    /// The rules of a policy. `codes` are the scenario's error codes; a [`Failure`] names one by its place.
    fn rules(policy: &Policy, codes: &[String]) -> Self::Rules;

    /// Pages that are not open yet. `rules` are all that a user may follow.
    fn store(rules: &[Self::Rules], users: Range<u32>, tabs_per_user: u32) -> Self::Store;

    /// Sessions of which the server knows nothing yet.
    fn account(backend: &BackendSpec, users: Range<u32>) -> Self::Account;

    /// Gives a tab its input. What the tab does is put into `out`, in order.
    fn step(store: &mut Self::Store, who: Who<'_, Self>, input: Input, now: Time, out: &mut Vec<Action>);

    /// Whether the rules name the answer to this task as a reason to sign out. For checkers: stated apart from the machine.
    fn names_sign_out(store: &Self::Store, setup: &Self::Setup, rules: &Self::Rules, task: TaskId) -> bool;

    /// Entries of the family's flow in a row after which a user is signed out whatever is answered; none without a most.
    fn most_rounds(setup: &Self::Setup) -> Option<u32>;

    /// Memory of a user with so many tabs at the height of a storm, in bytes, pending events included. `event` is what
    /// one event takes, `round_trip_s` the mean round-trip time in seconds.
    fn bytes_per_user(setup: &Self::Setup, tabs: u64, event: u64, round_trip_s: f64) -> u64;
}

/// What surrounds the pages of a run.
pub struct Around<'a> {
    /// Entries of the flow in a row after which a user is signed out, where the scenario says so.
    pub max_rounds: Option<u32>,
    /// Life of a session token, in seconds.
    pub token_life_s: u32,
    /// Whether the app is configured for several sessions.
    pub multi_session: bool,
    /// What app code does by itself.
    pub reaction: Reaction,
    /// The number of an error code in the scenario's list; 0 for a code that nothing answers.
    pub code: &'a dyn Fn(&str) -> u8,
}

/// The tab that takes a step.
#[derive(Debug)]
pub struct Who<'a, C: Client> {
    /// Its number.
    pub tab: u32,
    /// Its user.
    pub user: u32,
    /// What is the same for every page.
    pub setup: &'a C::Setup,
    /// The rules that its user follows.
    pub rules: &'a C::Rules,
}

/// An answer of the server.
pub trait Reply: Copy + Debug + From<Failure> {
    /// Why it is no success; none for one.
    fn failure(&self) -> Option<Failure>;
}

/// The server's side of a family: what it knows of a user's session.
pub trait Account {
    /// What it answers.
    type Reply;

    /// The answer to a call that nothing refuses.
    fn answer(&mut self, user: u32, endpoint: Endpoint, now: Time) -> Self::Reply;

    /// Revokes a user's session.
    fn revoke(&mut self, user: u32);

    /// Whether a user's session is revoked.
    fn revoked(&self, user: u32) -> bool;

    /// A user has signed in: a new session begins.
    fn begin(&mut self, user: u32);
}

/// The pages of a range of users: their tabs, what their browsers keep, and the tasks under way.
///
/// Tabs are numbered in the whole fleet: those of user `u` from `u * tabs_per_user`. A task has a generation, which is
/// raised whenever events that name the task have become stale.
pub trait Store: Look + Clone + Debug {
    /// What the server answers.
    type Reply;

    /// Reads a little of what an event of this tab will need, so that its cache misses come early.
    fn warm(&self, tab: u32) -> u32;
    /// Whether the page is open.
    fn open(&self, tab: u32) -> bool;
    /// Whether the page has a session.
    fn session(&self, tab: u32) -> bool;
    /// How often the tab was opened.
    fn visit(&self, tab: u32) -> u32;
    /// Whether a user's browser is offline.
    fn offline(&self, user: u32) -> bool;
    /// A user's browser loses the network, or has it again.
    fn set_offline(&mut self, user: u32, offline: bool);

    /// The tab of a task.
    fn tab(&self, task: TaskId) -> u32;
    /// The generation of a task.
    fn generation(&self, task: TaskId) -> u32;
    /// What tells a draw of this task from other draws of its tab at the same instant: what it does, and which of
    /// several equal tasks it is.
    fn draws(&self, task: TaskId) -> (u8, u8);
    /// A task sends a request to this endpoint. Returns which of several equal calls of one instant it is.
    fn sends(&mut self, task: TaskId, endpoint: Endpoint) -> u8;
    /// An answer is on the way to a task.
    fn set_reply(&mut self, task: TaskId, reply: Self::Reply);
    /// The answer on the way to a task comes from a full queue.
    fn set_shed(&mut self, task: TaskId);
    /// The request of a task that waits for an answer.
    fn call(&self, task: TaskId) -> Call;
    /// A task's request has ended: events that name the task are stale from now on.
    fn end_call(&mut self, task: TaskId);
    /// The tasks that wait for an answer, in the order of their numbers.
    fn requesting(&self) -> Vec<TaskId>;
    /// Since when each caller of app code waits whose page is still there and who does not wait for an answer himself.
    fn app_waits(&self) -> Vec<Time>;
    /// Forgets all tasks, at the end of a run.
    fn forget_tasks(&mut self);
    /// How every page stands, in the order of their numbers.
    fn final_tabs(&self) -> Vec<FinalTab>;
}

/// A request that waits for an answer, or has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The tab that sent it.
    pub tab: u32,
    /// Where it went.
    pub endpoint: Endpoint,
    /// When it was sent.
    pub sent: Time,
    /// What the answer on the way says, where it is no success.
    pub failure: Option<Failure>,
    /// A full queue turned it away.
    pub shed: bool,
    /// Its page is gone.
    pub left_over: bool,
}

/// How a page stands at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalTab {
    /// The page is open.
    pub open: bool,
    /// It has a session.
    pub session: bool,
    /// Its status.
    pub status: Status,
    /// It knows what the server says about sessions.
    pub client: bool,
    /// The session token that the browser keeps.
    pub cookie: Option<Token>,
}

/// What an observer may look up while a run goes on.
pub trait Look {
    /// What a task is doing.
    fn doing(&self, task: TaskId) -> Doing;
    /// What the answer on the way to a task says, where it is no success.
    fn failure(&self, task: TaskId) -> Option<Failure>;
    /// What a message says.
    fn message(&self, message: Message) -> &'static MessageRow;
    /// A law of the family that the pages of this user break at this instant, in words.
    fn broken_law(&self, user: u32) -> Option<String>;
}

/// What a task is doing, in the family's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doing {
    /// What it does.
    pub task: &'static TaskRow,
    /// On whose behalf.
    pub caller: &'static CallerRow,
    /// Tries before this one.
    pub attempt: u32,
    /// Of a request of the flow, the levels of the flow around it; otherwise 0.
    pub levels: u32,
    /// Where its request goes, if it has sent one.
    pub endpoint: Endpoint,
}

/// A model of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelRow {
    /// Its name in scenarios and results.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Whether the scenario may say `max-rounds`.
    pub takes_max_rounds: bool,
}

/// A kind of message between tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its name in data.
    pub id: &'static str,
    /// What a tab hears, as a clause.
    pub words: &'static str,
    /// What makes a tab send it.
    pub cause: MessageCause,
}

/// What makes a tab send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageCause {
    /// An answer.
    Answer,
    /// The tab's own sign-out.
    SignOut,
}

/// A kind of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Its name in data.
    pub id: &'static str,
    /// Its name in the chain of events of an error.
    pub name: &'static str,
    /// What its timer means.
    pub due: Due,
    /// What its request is to a reader.
    pub role: Role,
}

/// What a task's timer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A clock of the client, whose tick begins something new: a clause that says so.
    Tick(&'static str),
    /// A request is repeated: a clause that says so.
    Repeat(&'static str),
    /// The caller's call is tried again, as its policy says.
    Retry,
}

/// What a task's request is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It fetches a token, for its caller.
    Fetch,
    /// It belongs to the flow that the family enters when it takes a session for lost.
    Flow,
    /// It signs the user in.
    SignIn,
    /// Anything else.
    Other,
}

/// What readers know the flow by that a client enters when it takes a session for lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowWords {
    /// Its name, with its article.
    pub name: &'static str,
    /// Its short name, with its article.
    pub short: &'static str,
    /// What a request for it is sent for: ` for the flow`.
    pub purpose: &'static str,
    /// A status that enters the flow without a question to the policy, and what lets it: a clause that ends in `lets it `.
    pub unasked: Option<(u16, &'static str)>,
    /// Statuses that mean the end of the session to every policy.
    pub ends: &'static [u16],
    /// What hands a failure to the app where the policy does not, as a clause.
    pub throws: &'static str,
}

/// On whose behalf a task works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerRow {
    /// Who asks for a token: `the poller's getToken`.
    pub who: &'static str,
    /// What a fetch for it is sent for: ` for the poller`; empty where that goes without saying.
    pub purpose: &'static str,
    /// What a fetch that fails comes to where nobody hears of it, as a clause.
    pub unheard: Option<&'static str>,
}
