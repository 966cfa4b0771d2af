//! The interface of a client family: a state machine per tab, the server's side of a session, and names for reports.
//!
//! A world is compiled for one family, so it needs no dynamic dispatch. Where clients of several registered families run beside each
//! other, that is one more family, which the registration makes of them. A world gives a tab an [`Input`] and carries out the
//! tab's [`Action`]s. The family's [`Account`] answers the calls that the gateway lets through. The interface supports
//! fifteen mechanisms of auth clients as follows:
//!
//! | mechanism | carried by |
//! | --- | --- |
//! | triggers: ticker, timer before expiry, callers, load, focus | inputs, and waits of tasks |
//! | expiry clock, life of a token, skew | [`Context`], the time of a step, tokens in replies |
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

use super::app::{DocumentFocus, Reaction};
use super::fact::Status;
use super::policy::Policy;
pub use super::rows::{
    CallerRow, Due, FlowHarm, FlowMetrics, FlowWords, MessageCause, MessageRow, Role, TaskRow,
};
use super::step::{Action, Input, Message, TaskId};
use super::token::Profile;
use crate::backend::{BackendSpec, Endpoint, UpdatedAt};
use crate::client::TabNumbers;
use crate::kernel::{Dur, Time};
use crate::protocol::{EndpointRow, Failure, Token};
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

/// A client family.
pub trait Client: Sized + Clone + Debug + Send + Sync + 'static {
    /// Its models, in the order of listings.
    const MODELS: &'static [ModelRow];
    /// The endpoints that it calls, in the order of results.
    const ENDPOINTS: &'static [EndpointRow];
    /// The kinds of messages between tabs.
    const MESSAGES: &'static [MessageRow];
    /// The names of the flow that a client enters when it considers its session lost.
    const FLOW: FlowWords;
    /// Whether sessions have refresh tokens, whose reuse may end the session.
    const REFRESH_TOKENS: bool;
    /// What a scenario may say that the models cannot use.
    const UNUSABLE: &'static [Unusable];
    /// Bytes of a session with one idle tab, including its tasks and the server's side.
    const IDLE_BYTES: usize;

    /// Data shared by the pages of an arm.
    type Setup: Clone + Debug + PartialEq + Send + Sync;
    /// A compiled policy.
    type Rules: Clone + Debug + PartialEq + Send + Sync;
    /// An answer of the server.
    type Reply: Reply;
    /// The pages of a world's users.
    type Store: Store<Reply = Self::Reply>;
    /// The server's side.
    type Account: Account<Reply = Self::Reply> + Clone;

    /// The shared data of the pages of an arm under this model. `model` is an index into [`MODELS`](Client::MODELS).
    fn setup(model: usize, context: &Context<'_>) -> Self::Setup;

    /// Compiles a policy. `codes` are the scenario's error codes; a [`Failure`] names a code by its index.
    fn rules(setup: &Self::Setup, policy: &Policy, codes: &[String]) -> Self::Rules;

    /// Closed pages of these users. `setups` and `rules` are those of all arms that a user may follow; there is one arm at
    /// least.
    fn store(setups: &[Self::Setup], rules: &[Self::Rules], users: &Users<'_>) -> Self::Store;

    /// Sessions without any state on the server's side. `rules` are all rules that a user may follow.
    fn account(rules: &[Self::Rules], backend: &BackendSpec, users: &Users<'_>) -> Self::Account;

    /// Gives a tab its input and appends the tab's actions to `out`, in order.
    fn step(store: &mut Self::Store, who: Who<'_, Self>, input: Input, now: Time, out: &mut Vec<Action>);

    /// Whether the rules count the answer to this task as a reason to sign out. Used by checks only, and independent of
    /// the state machine.
    fn names_sign_out(store: &Self::Store, setup: &Self::Setup, rules: &Self::Rules, task: TaskId) -> bool;

    /// Consecutive entries of the family's flow after which a user is signed out whatever the answer; `None` for no
    /// bound.
    fn most_rounds(setup: &Self::Setup) -> Option<u32>;

    /// Bytes of a user with this many tabs at the height of a storm, including pending events. `event` is the size of
    /// an event in bytes, `round_trip_s` the mean round-trip time in seconds.
    fn bytes_per_user(setup: &Self::Setup, tabs: u64, event: u64, round_trip_s: f64) -> u64;
}

/// The users of a world.
pub struct Users<'a> {
    /// Their numbers.
    pub range: Range<u32>,
    /// The numbers of their tabs.
    pub tabs: TabNumbers,
    /// The arm that a user follows when the run begins: an index into the setups and the rules. A user's client stays the
    /// same in all arms that the user may follow.
    pub arm_of: &'a dyn Fn(u32) -> usize,
}

/// What a family needs to know of a scenario to build its shared data.
pub struct Context<'a> {
    /// Consecutive entries of the flow after which a user is signed out; `None` when the scenario does not say.
    pub max_rounds: Option<u32>,
    /// Life of a session token, in seconds.
    pub token_life_s: u32,
    /// How long the server accepts a used refresh token again; `None` where the scenario does not say.
    pub refresh_token_reuse: Option<Dur>,
    /// The scenario's own profile of a token client; `None` where it names a model.
    pub profile: Option<&'a Arc<Profile>>,
    /// Number of apps of the cohort.
    pub apps: u32,
    /// Number of the cohort's first user.
    pub first_user: u32,
    /// Client objects of a page.
    pub objects: u8,
    /// Whether a browser's storage ignores removals.
    pub storage_ignores_removals: bool,
    /// Whether the app is configured for several sessions.
    pub multi_session: bool,
    /// The app code's reaction to a new session object.
    pub reaction: Reaction,
    /// Which tabs have focus.
    pub focus: DocumentFocus,
    /// How the server answers with the session's `updated_at`.
    pub updated_at: UpdatedAt,
    /// Whether the answer to a touch on focus contains the client resource.
    pub focus_touch_with_client: bool,
    /// Returns the index of an error code in the scenario's list; 0 for a code that no fault answers with.
    pub code: &'a dyn Fn(&str) -> u8,
}

/// The tab that takes a step.
#[derive(Debug)]
pub struct Who<'a, C: Client> {
    /// The tab's number.
    pub tab: u32,
    /// The number of its user.
    pub user: u32,
    /// The data shared by all pages.
    pub setup: &'a C::Setup,
    /// The rules that its user follows.
    pub rules: &'a C::Rules,
}

/// An answer of the server.
pub trait Reply: Copy + Debug + From<Failure> {
    /// The failure; `None` for a success.
    fn failure(&self) -> Option<Failure>;
}

/// The server's side of a family: the state of each user's session.
pub trait Account {
    /// An answer of the server.
    type Reply;

    /// Answers a call that no fault, limit or queue refused. `policy` is the index of the user's rules among those given to
    /// [`Client::account`]. `word` is what the request contains: see [`Store::word`].
    fn answer(&mut self, user: u32, policy: usize, endpoint: Endpoint, word: u32, now: Time) -> Self::Reply;

    /// Revokes a user's session.
    fn revoke(&mut self, user: u32);

    /// How a user's session ended on the server's side.
    fn ended(&self, user: u32) -> SessionEnd;

    /// Begins a new session after a user has signed in.
    fn begin(&mut self, user: u32);
}

/// How a session ended on the server's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionEnd {
    /// It has not ended.
    #[default]
    Alive,
    /// It was revoked.
    Revoked,
    /// The client used a refresh token again that the server accepts once.
    Reused,
}

/// The pages of a range of users: their tabs, the state of their browsers, and their tasks.
///
/// Tabs are numbered through the whole fleet: see [`TabNumbers`]. A family numbers its tasks
/// from 0, or from `2^31` for a second kind of them: a world of several families needs some bits for the family. A task has a
/// generation. The store raises it whenever events that name the task become stale.
pub trait Store: Look + Clone + Debug {
    /// An answer of the server.
    type Reply;

    /// Reads a little of the state that an event of this tab needs, so that its cache misses come early.
    fn warm(&self, tab: u32) -> u32;
    /// Whether the page is open.
    fn open(&self, tab: u32) -> bool;
    /// Whether the page has a session.
    fn session(&self, tab: u32) -> bool;
    /// Number of times the tab was opened.
    fn visit(&self, tab: u32) -> u32;
    /// Whether a user's browser is offline.
    fn offline(&self, user: u32) -> bool;
    /// Takes a user's browser offline or online.
    fn set_offline(&mut self, user: u32, offline: bool);
    /// Gives random numbers for what clients decide at random by themselves: `bits` has some for each user.
    fn seed(&mut self, _: &dyn Fn(u32) -> u64) {}
    /// Sets by how many nanoseconds the clock of a user's browser is ahead of the server's.
    fn set_clock(&mut self, user: u32, ahead_ns: i64);

    /// The tab of a task.
    fn tab(&self, task: TaskId) -> u32;
    /// The generation of a task.
    fn generation(&self, task: TaskId) -> u32;
    /// Distinguishes draws of this task from other draws of its tab at the same instant: the task's kind, and its
    /// number among equal tasks.
    fn draws(&self, task: TaskId) -> (u8, u8);
    /// Records that a task sends a request to this endpoint. Returns the request's number among equal calls of the
    /// instant.
    fn sends(&mut self, task: TaskId, endpoint: Endpoint) -> u8;
    /// What the request of a task tells the family's [`Account`]; 0 for nothing.
    fn word(&self, task: TaskId) -> u32;
    /// Stores the answer that is on its way to a task.
    fn set_reply(&mut self, task: TaskId, reply: Self::Reply);
    /// Marks the answer on its way to a task as coming from a full queue.
    fn set_shed(&mut self, task: TaskId);
    /// The request of a task that waits for an answer.
    fn call(&self, task: TaskId) -> Call;
    /// Ends a task's request. Events that name the task are stale from now on.
    fn end_call(&mut self, task: TaskId);
    /// The tasks that wait for an answer, in the order of their numbers.
    fn requesting(&self) -> Vec<TaskId>;
    /// Forgets all tasks, at the end of a run.
    fn forget_tasks(&mut self);
    /// The final state of every page, in the order of tab numbers.
    fn final_tabs(&self) -> Vec<FinalTab>;
}

/// A request that waits for an answer or has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The tab that sent it.
    pub tab: u32,
    /// Its endpoint.
    pub endpoint: Endpoint,
    /// When it was sent.
    pub sent: Time,
    /// The failure in the answer under way; `None` for a success.
    pub failure: Option<Failure>,
    /// Whether a full queue refused it.
    pub shed: bool,
    /// Whether its page is gone.
    pub left_over: bool,
}

/// The state of a page at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalTab {
    /// Whether the page is open.
    pub open: bool,
    /// Whether the page has a session.
    pub session: bool,
    /// The client's status.
    pub status: Status,
    /// Whether the page has loaded the server's list of sessions.
    pub client: bool,
    /// The session token that the browser holds.
    pub cookie: Option<Token>,
}

/// State that an observer may look up during a run.
pub trait Look {
    /// Describes what a task is doing.
    fn doing(&self, task: TaskId) -> Activity;
    /// The failure in the answer under way to a task; `None` for a success.
    fn failure(&self, task: TaskId) -> Option<Failure>;
    /// Describes a message.
    fn message(&self, message: Message) -> &'static MessageRow;
    /// A law of the family that this user's pages violate at this instant, in words; `None` if they violate none.
    fn broken_law(&self, user: u32) -> Option<String>;
}

/// What a task is doing, in the family's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The kind of the task.
    pub task: &'static TaskRow,
    /// The caller that it works for.
    pub caller: &'static CallerRow,
    /// Tries before this one.
    pub attempt: u32,
    /// For a request of the flow, the levels of the flow around it; otherwise 0.
    pub levels: u32,
    /// The endpoint of its request; `None` if it has sent none.
    pub endpoint: Endpoint,
}

/// A model of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelRow {
    /// Its name in scenarios and results.
    pub name: &'static str,
    /// A description, in a sentence.
    pub about: &'static str,
    /// Whether the scenario may set `max-rounds`.
    pub takes_max_rounds: bool,
    /// Whether the model decides on answers by itself: a scenario compares it, as it is, under its name, and a policy is
    /// something over it. Otherwise a policy is a part of the client.
    pub is_contender: bool,
    /// The preset that the release was shipped with: a scenario may compare the release as it is, under its name. `None` for a
    /// model without such a policy.
    pub shipped_with: Option<&'static str>,
}

/// Something that a scenario may say and a family's models cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The key, as a path in the scenario. `[]` stands for each entry of a list: `action[].do`.
    pub key: &'static str,
    /// The values that cannot be used.
    pub values: Values,
    /// Why not, as a clause.
    pub why: &'static str,
}

/// Values of a key, as a file writes them, without quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Every value.
    Any,
    /// This value.
    Only(&'static str),
    /// Every value but this one, which says nothing.
    AllBut(&'static str),
}
