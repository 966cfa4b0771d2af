//! A browser tab as a pure state machine: (state, input, now) -> actions.
//!
//! The rules are those of `clerk-js.md`; the files beside this one hold one part each: the token cache, `getToken`,
//! touches and `setActive`, the unauthenticated flow, the poller, the page load. Nothing here knows the event queue,
//! the backend or the random streams: a wait says between which bounds it lies, and the world draws.

use super::backoff::{Backoff, Wait};
use super::policy::{FailureBits, Policy, TouchErrors};
pub use super::release::Setup;
use super::session_policy::{SessionLimits, SessionPolicy};
use super::task::{Caller, Kind, NONE, Reply, Stage, Task, TaskId, Tasks, Token, flag};
use crate::backend::Endpoint;
use crate::fleet::AppReaction;
use crate::kernel::{Dur, Time};
use crate::protocol::Failure;

/// What the client knows of a policy: its sets of answers as bits, its back-off as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Which failures enter the unauthenticated flow.
    pub enters: FailureBits,
    /// Which failures `getToken` retries.
    pub retries: FailureBits,
    /// When.
    pub backoff: Backoff,
    /// What becomes of a touch error that does not enter the flow.
    pub touch_errors: TouchErrors,
    /// Limits on the retries of one session, if the policy has any.
    pub limits: Option<SessionLimits>,
}

impl Rules {
    /// The rules of this policy; `codes` is the scenario's list of error codes.
    pub fn of(policy: &Policy, codes: &[String]) -> Rules {
        Rules {
            enters: policy.enters_unauthenticated_flow.compile(codes),
            retries: policy.retry.on.compile(codes),
            backoff: Backoff::new(&policy.retry),
            touch_errors: policy.touch_errors,
            limits: SessionLimits::of(policy),
        }
    }
}

/// What app code does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What, with each new session object.
    pub act: AppReaction,
    /// From when on.
    pub from: Time,
    /// Until when, excluded.
    pub to: Time,
}

/// Status of the client in a tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The page is loading.
    #[default]
    Loading,
    /// Loaded.
    Ready,
    /// A token could not be had; never goes back to ready (`clerk-js.md`, finding 4).
    Degraded,
    /// The load failed.
    Error,
}

/// The entry of the token cache. One session token per tab: templates and organisations are not modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing cached.
    Empty,
    /// A fetch is under way; callers share it.
    Pending(TaskId),
    /// A token, and the second from which its age counts.
    Cached {
        /// The token.
        token: Token,
        /// When its age begins, in seconds.
        from_s: u32,
        /// The armed background refresh of this entry, or [`NONE`].
        refresh: TaskId,
    },
}

/// The same, in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedEntry {
    pub(super) token: Option<Token>,
    pub(super) from_s: u32,
    pub(super) task: TaskId,
}

/// One tab. Between two inputs it lies packed in the [`TabStore`](super::tabs::TabStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tab {
    /// Touches on focus are suppressed until then.
    pub touch_after: Time,
    pub(super) entry: PackedEntry,
    /// Last active token of the current session object.
    pub last_token: Option<Token>,
    /// Last active token of the newest session object.
    pub newest_token: Option<Token>,
    /// Last active token of the session object that listeners know.
    pub shown_token: Option<Token>,
    /// The poller's chain of ticks, or [`NONE`].
    pub poll: TaskId,
    /// Calls of the unauthenticated flow that have not settled.
    pub open_flows: u32,
    /// The number of the current session object.
    pub object: u32,
    /// The number of the newest session object, the client resource's own: a `setActive` that ends late makes an older
    /// one current again. Each page load counts from 0, and each object takes an answer.
    pub newest_object: u32,
    /// Which of the last 64 session objects have no last active token, one bit each by their number.
    pub bare_objects: u64,
    /// The number of the session object that listeners know.
    pub shown_object: u32,
    /// The number of the session object that app code reacted to last; 0 for none.
    pub acted_object: u32,
    /// Number of the page load, from 1 to [`LAST_EPOCH`](super::task::LAST_EPOCH) and from 1 again; 0 before the first.
    pub epoch: u16,
    /// Status.
    pub status: Status,
    /// The page is open.
    pub open: bool,
    /// The client resource is there.
    pub client: bool,
    /// A session is active.
    pub session: bool,
    /// The client resource lists the session.
    pub listed: bool,
    /// Touches on focus are throttled: by the environment in force, which until it is there is the client's own
    /// default, that of a multi-session app.
    pub throttled: bool,
    /// A background refresh is in flight.
    pub refreshing: bool,
    /// Listeners know a session object.
    pub shown: bool,
    /// How often the tab was opened.
    pub visit: u32,
}

impl Default for Tab {
    fn default() -> Tab {
        Tab {
            touch_after: Time::ZERO,
            entry: PackedEntry { token: None, from_s: 0, task: NONE },
            last_token: None,
            newest_token: None,
            shown_token: None,
            poll: NONE,
            open_flows: 0,
            object: 0,
            newest_object: 0,
            bare_objects: 0,
            shown_object: 0,
            acted_object: 0,
            epoch: 0,
            status: Status::Loading,
            open: false,
            client: false,
            session: false,
            listed: false,
            throttled: false,
            refreshing: false,
            shown: false,
            visit: 0,
        }
    }
}

impl Tab {
    /// The token cache.
    #[inline]
    pub fn entry(&self) -> Entry {
        match self.entry {
            PackedEntry { token: Some(token), from_s, task } => {
                Entry::Cached { token, from_s, refresh: task }
            }
            PackedEntry { token: None, task: NONE, .. } => Entry::Empty,
            PackedEntry { token: None, task, .. } => Entry::Pending(task),
        }
    }

    /// Sets the token cache.
    #[inline]
    pub fn set_entry(&mut self, entry: Entry) {
        self.entry = match entry {
            Entry::Empty => PackedEntry { token: None, from_s: 0, task: NONE },
            Entry::Pending(task) => PackedEntry { token: None, from_s: 0, task },
            Entry::Cached { token, from_s, refresh } => {
                PackedEntry { token: Some(token), from_s, task: refresh }
            }
        };
    }
}

/// What the tabs of one browser share.
#[derive(Clone, Copy, Debug)]
pub struct Browser {
    /// The session cookie.
    pub cookie: Option<Token>,
    /// The poller that holds the cross-tab lock, or [`NONE`].
    pub lock: TaskId,
    /// The first poller that waits for it.
    pub lock_queue: TaskId,
    /// The instant until which the kept environment is good, 0 for none, shifted left by two; then whether it throttles
    /// touches on focus, and whether `navigator.onLine` is false. An instant takes 62 bits: a run lasts 100 years at most.
    state: u64,
}

const _: () = assert!(size_of::<Browser>() == 24);
const OFFLINE: u64 = 1;
const THROTTLED: u64 = 2;

/// What the client keeps of an environment, in `localStorage`, for a later page load that cannot have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptEnvironment {
    /// It throttles touches on focus.
    pub throttled: bool,
    /// Until when it is good, included; after the start of the run.
    pub until: Time,
}

impl Default for Browser {
    fn default() -> Browser {
        Browser { cookie: None, lock: NONE, lock_queue: NONE, state: 0 }
    }
}

impl Browser {
    /// `navigator.onLine` is false.
    #[inline]
    pub fn offline(&self) -> bool {
        self.state & OFFLINE != 0
    }

    /// Loses the network, or has it again.
    pub fn set_offline(&mut self, offline: bool) {
        self.state = self.state & !OFFLINE | u64::from(offline);
    }

    /// The environment that a page load kept.
    pub fn environment(&self) -> Option<KeptEnvironment> {
        let until = Time(self.state >> 2);
        (until > Time::ZERO).then_some(KeptEnvironment { throttled: self.state & THROTTLED != 0, until })
    }

    /// Keeps an environment.
    pub fn keep_environment(&mut self, kept: KeptEnvironment) {
        let until = kept.until.0.min(u64::MAX >> 2);
        let throttled = if kept.throttled { THROTTLED } else { 0 };
        self.state = until << 2 | throttled | self.state & OFFLINE;
    }
}

/// When listeners hear of a client resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listeners {
    /// At the same instant.
    Next,
    /// Before anything else gets to run: an answer to /touch carries the client along, a cookie is read.
    SameTask,
    /// At the end of the `setActive` that asked for it.
    Later,
}

/// What happens to a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The page is opened, or loaded anew.
    Open,
    /// The page is closed.
    Close,
    /// The answer to a task's request is there, in the task.
    Answer(TaskId),
    /// A task's timer is due.
    Timer(TaskId),
    /// The cross-tab lock is this poller's.
    Lock(TaskId),
    /// The tab gains focus.
    Focus,
    /// The app calls `getToken`.
    AppGetToken {
        /// So many at once.
        callers: u8,
        /// Passing over the cache.
        skip_cache: bool,
    },
    /// The app calls `setActive` with the current session.
    SetActive {
        /// With a `redirectUrl`.
        navigate: bool,
    },
    /// Another tab of the browser made a token known.
    TokenBroadcast(Token),
    /// Another tab of the browser signed out.
    SignOutBroadcast,
    /// The user fills in the sign-in page.
    SignIn {
        /// Once more, after a failed request.
        again: bool,
    },
}

/// What a page does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Sends a request; the answer goes to the task.
    Send {
        /// The task.
        task: TaskId,
        /// Where to.
        endpoint: Endpoint,
        /// Whether no failed answer caused it.
        first: bool,
    },
    /// Waits; then the task's timer is due.
    Wait {
        /// The task.
        task: TaskId,
        /// The task's generation: it may end in the very step that sets the timer, and its slot change hands.
        generation: u32,
        /// How long.
        wait: Wait,
    },
    /// Tells the browser's other tabs of a token.
    BroadcastToken(Token),
    /// Tells the browser's other tabs of a sign-out.
    BroadcastSignOut,
    /// The cross-tab lock passes to a poller, perhaps another tab's.
    GrantLock {
        /// The poller.
        task: TaskId,
    },
    /// Something to be counted or told, that changes nothing.
    Fact(Fact),
}

/// What is worth counting or telling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// The unauthenticated flow was entered.
    FlowEntered {
        /// Calls of the flow in this tab that have not settled, this one included: `depth` of the recordings.
        open: u32,
        /// A session existed; without one the call settles at once.
        active: bool,
        /// Entries on the causal chain, this one included.
        depth: u32,
        /// The answer that caused it; none for a broadcast.
        cause: Option<Failure>,
    },
    /// Calls of the flow settled.
    FlowLeft {
        /// How many levels at once.
        levels: u32,
        /// How the innermost one ended.
        end: FlowEnd,
    },
    /// The session cookie was written, or removed.
    Cookie(Option<Token>),
    /// The status changed.
    Status(Status),
    /// The page was loaded anew or closed while it had a session.
    PageGone,
    /// The tab lost its session.
    SignedOut,
    /// The tab has a session.
    SignedIn,
    /// The page load ended.
    LoadEnd(Status),
    /// App code saw an error.
    AppError(Failure),
    /// The sign-in request ended: with a new session, or with this failure.
    SignInEnded(Option<Failure>),
    /// A call by app code ended, after so long.
    AppWaited(Dur),
    /// A failure was judged at a call site.
    Judged {
        /// The failure.
        failure: Failure,
        /// What the policy made of it.
        verdict: Judgement,
    },
}

/// How a call of the unauthenticated flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEnd {
    /// The session is still there.
    StillSignedIn,
    /// It is gone.
    SignedOut,
    /// With this error.
    Threw(Failure),
}

/// What a policy made of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Enter the unauthenticated flow.
    EnterFlow,
    /// Status `degraded`.
    Degrade,
    /// Retry.
    Retry,
    /// Hand it to the app.
    Surface,
    /// Nobody hears of it.
    Swallow,
}

/// A page at work: its state, its browser's, and where its actions go.
pub struct Page<'a> {
    /// The tab's number.
    pub id: u32,
    /// Its state.
    pub tab: &'a mut Tab,
    /// What it shares with the browser's other tabs.
    pub browser: &'a mut Browser,
    /// The state of its session's retry limits; used when the policy has limits.
    pub limits: &'a mut SessionPolicy,
    /// Tasks of all tabs.
    pub tasks: &'a mut Tasks,
    /// What is the same for all pages.
    pub setup: &'a Setup,
    /// The user's policy.
    pub rules: &'a Rules,
    /// Now.
    pub now: Time,
    /// Where actions go.
    pub out: &'a mut Vec<Action>,
    /// What matters within the step alone.
    pub passing: Passing,
}

/// What a page knows for the length of one step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passing {
    /// While the callers of one fetch hear of its end: calls of the flow, without a session, that overlap so.
    pub(super) overlapping: Option<u32>,
    /// The cached token has come in this very task of the page's: its age is not known yet.
    pub(super) untimed: bool,
}

impl Page<'_> {
    /// Takes an input.
    pub fn step(&mut self, input: Input) {
        match input {
            Input::Open => self.open(),
            Input::Answer(task) | Input::Timer(task) if self.is_left_over(task) => self.discard(task),
            Input::Lock(task) if self.is_left_over(task) => {
                self.release_lock(task);
                self.discard(task);
            }
            Input::Lock(task) => self.hold_lock(task),
            Input::Answer(task) => self.answered(task),
            Input::Timer(task) => self.timer(task),
            _ if !self.tab.open => {}
            Input::Close => self.close(),
            Input::SignIn { again } => self.sign_in(again),
            Input::Focus => self.focus(),
            Input::AppGetToken { callers, skip_cache } => self.app_get_token(callers, skip_cache),
            Input::SetActive { navigate } => self.set_active(navigate, self.tab.object, 0),
            Input::TokenBroadcast(token) => self.token_broadcast(token),
            Input::SignOutBroadcast => {
                self.enter_flow(NONE, false, 0, None);
            }
        }
    }

    /// Whether the task belongs to a page load that a reload ended.
    fn is_left_over(&self, task: TaskId) -> bool {
        self.tasks.epoch(task) != self.tab.epoch
    }

    /// Ends a task of a page that is gone, and all that wait for it.
    pub(super) fn discard(&mut self, task: TaskId) {
        let Task { kind, parent, levels: last, .. } = self.tasks.get(task);
        self.tasks.end(task);
        if kind == Kind::TokenFetch && last != NONE {
            let mut waiter = self.tasks[last].next;
            loop {
                let next = self.tasks[waiter].next;
                self.discard(waiter);
                if waiter == last {
                    break;
                }
                waiter = next;
            }
        }
        // A load waits for two requests: the second of them to end takes the load along.
        if parent != NONE && self.tasks.kind(parent) == Kind::Load {
            let load = &mut self.tasks[parent];
            load.attempt -= 1;
            if load.attempt > 0 {
                return;
            }
        }
        if parent != NONE {
            self.discard(parent);
        }
    }

    fn answered(&mut self, task: TaskId) {
        match self.tasks[task].reply() {
            Reply::Ok { token, listed } => self.succeeded(task, token, listed),
            Reply::Fail(failure) => self.request_failed(task, failure),
        }
    }

    fn timer(&mut self, task: TaskId) {
        match self.tasks.kind(task) {
            Kind::Refresh => self.refresh_due(task),
            Kind::Poll => self.poll_timer(task),
            Kind::GetToken => {
                self.tasks[task].waits_until(self.now);
                self.try_token(task);
            }
            Kind::LoadEnvironment | Kind::LoadClient | Kind::Flow => self.request(task),
            Kind::TokenFetch | Kind::Touch | Kind::SetActive | Kind::Load | Kind::SignIn => {
                unreachable!("these tasks set no timer")
            }
        }
    }

    /// Starts a task of this tab.
    pub(super) fn start(&mut self, kind: Kind, caller: Caller, parent: TaskId, depth: u32) -> TaskId {
        let id = self.tasks.start(kind, self.id, self.tab.epoch, caller, self.now);
        let task = &mut self.tasks[id];
        task.parent = parent;
        task.depth = depth;
        task.object = self.tab.object;
        id
    }

    /// Sends the request that this task stands for.
    pub(super) fn request(&mut self, id: TaskId) {
        let offline = self.browser.offline();
        let task = &mut self.tasks[id];
        let endpoint = match task.kind {
            Kind::LoadEnvironment => Endpoint::Environment,
            Kind::LoadClient => Endpoint::Client,
            Kind::SignIn => Endpoint::SignIn,
            Kind::TokenFetch => Endpoint::Tokens,
            Kind::Touch => Endpoint::Touch,
            Kind::Flow => match self.setup.release.flow {
                super::release::Flow::Touch { .. } => Endpoint::Touch,
                super::release::Flow::Client => Endpoint::Client,
            },
            Kind::Load | Kind::Poll | Kind::Refresh | Kind::GetToken | Kind::SetActive => {
                unreachable!("these tasks send no request of their own")
            }
        };
        if task.attempt == 0 && offline {
            task.flags |= flag::STARTED_OFFLINE;
        }
        task.stage = Stage::Requesting;
        task.since = self.now;
        let caused = task.flags & (flag::EXPIRED_TOKEN | flag::DEGRADED) != 0;
        let first = task.attempt == 0 && task.depth == 0 && !caused;
        self.out.push(Action::Send { task: id, endpoint, first });
    }

    /// A request failed. The fetch layer sees it first: a repeated GET, an entry of the flow by a 401.
    fn request_failed(&mut self, id: TaskId, failure: Failure) {
        let task = self.tasks[id];
        let is_get = match task.kind {
            Kind::LoadEnvironment | Kind::LoadClient => true,
            Kind::Flow => self.setup.release.flow == super::release::Flow::Client,
            _ => false,
        };
        if failure == Failure::NETWORK {
            // `fapiClient`: tries are counted from the start of the request, whose being online decides how many.
            let tries = if task.flags & flag::STARTED_OFFLINE == 0 {
                super::release::NETWORK_TRIES_ONLINE
            } else {
                super::release::NETWORK_TRIES_OFFLINE
            };
            if is_get && task.attempt + 1 < tries {
                self.tasks[id].attempt += 1;
                self.tasks[id].stage = Stage::Timer;
                self.wait(id, Wait::network_level(task.attempt));
                return;
            }
            if self.browser.offline() {
                // `Base._baseFetch` answers null when the browser is offline: neither news nor an error.
                return self.answered_nothing(id);
            }
        }
        if self.setup.is_session_lost(failure) {
            if task.kind == Kind::Flow {
                return self.flow_recurses(id, failure);
            }
            self.tasks[id].set_reply(Reply::Fail(failure));
            if self.enter_flow(id, true, task.depth, Some(failure)) {
                self.tasks[id].stage = Stage::Waiting;
                return;
            }
        }
        self.failed(id, failure);
    }

    /// The flow that a 401 entered in the fetch layer has settled: its error replaces the 401.
    pub(super) fn fetch_layer_resumes(&mut self, id: TaskId, error: Option<Failure>) {
        let Reply::Fail(own) = self.tasks[id].reply() else {
            unreachable!("only a failed request enters the flow")
        };
        self.failed(id, error.unwrap_or(own));
    }

    fn succeeded(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        match self.tasks[id].kind {
            Kind::TokenFetch => self.token_fetched(id, token),
            Kind::Touch => self.touched(id, token, listed),
            Kind::Flow => self.flow_answered(id, token, listed),
            Kind::LoadEnvironment => self.environment_loaded(id, None),
            Kind::LoadClient => self.client_loaded(id, token, listed),
            Kind::SignIn => self.sign_in_ended(id, None),
            _ => unreachable!("these tasks send no request"),
        }
    }

    fn failed(&mut self, id: TaskId, failure: Failure) {
        match self.tasks[id].kind {
            Kind::TokenFetch => self.token_fetch_failed(id, failure),
            Kind::Touch => self.touch_failed(id, failure),
            Kind::Flow => self.flow_failed(id, failure),
            Kind::LoadEnvironment => self.environment_loaded(id, Some(failure)),
            Kind::LoadClient => self.client_load_failed(id, failure),
            Kind::SignIn => self.sign_in_ended(id, Some(failure)),
            _ => unreachable!("these tasks send no request"),
        }
    }

    fn answered_nothing(&mut self, id: TaskId) {
        match self.tasks[id].kind {
            Kind::TokenFetch => self.token_fetched(id, None),
            Kind::Touch => self.touched_nothing(id),
            Kind::Flow => self.flow_answered_nothing(id),
            Kind::LoadEnvironment => self.environment_answered_nothing(id),
            Kind::LoadClient => self.client_loaded(id, None, false),
            Kind::SignIn => self.sign_in_ended(id, Some(Failure::NETWORK)),
            _ => unreachable!("these tasks send no request"),
        }
    }

    fn sign_in(&mut self, again: bool) {
        if self.tab.session {
            return;
        }
        let id = self.start(Kind::SignIn, Caller::App, NONE, 0);
        self.tasks[id].attempt = u16::from(again);
        self.request(id);
    }

    fn sign_in_ended(&mut self, id: TaskId, failure: Option<Failure>) {
        self.tasks.end(id);
        self.fact(Fact::SignInEnded(failure));
    }

    /// Sets a task's timer.
    pub(super) fn wait(&mut self, task: TaskId, wait: Wait) {
        let generation = self.tasks.generation(task);
        self.out.push(Action::Wait { task, generation, wait });
    }

    /// Tells the observer.
    pub(super) fn fact(&mut self, fact: Fact) {
        self.out.push(Action::Fact(fact));
    }

    /// `TokenUpdate`: the cookie takes the token, or goes.
    pub(super) fn set_cookie(&mut self, token: Option<Token>) {
        if self.browser.cookie != token {
            self.browser.cookie = token;
            self.fact(Fact::Cookie(token));
        }
    }

    /// The status changes.
    pub(super) fn set_status(&mut self, status: Status) {
        if self.tab.status != status {
            self.tab.status = status;
            self.fact(Fact::Status(status));
        }
    }

    /// The session comes or goes; app code sees what there is now.
    pub(super) fn set_session(&mut self, session: bool) {
        if self.tab.session != session {
            self.tab.session = session;
            self.fact(if session { Fact::SignedIn } else { Fact::SignedOut });
        }
    }

    /// A client resource has come: each session in it is a new object, which puts its token into the cache.
    /// Listeners hear of it at once, later, or in the same task of the page's, when nobody knows the token's age yet.
    pub(super) fn client_arrives(
        &mut self,
        token: Option<Token>,
        listed: bool,
        listeners: Listeners,
        depth: u32,
    ) {
        let token = token.filter(|_| listed);
        if listed {
            self.tab.newest_object += 1;
            self.tab.newest_token = token;
            self.note_bare(self.tab.newest_object, token.is_none());
        }
        if let Some(token) = token {
            self.cache_token(token, Some(self.tab.newest_object), true);
        }
        let first = !self.tab.client;
        self.tab.client = true;
        self.tab.listed = listed;
        if self.tab.session || (first && listed) {
            if listed {
                self.tab.object = self.tab.newest_object;
                self.tab.last_token = token;
            }
            self.set_session(listed);
            self.set_cookie(token);
        }
        if listeners != Listeners::Later {
            self.passing.untimed = listeners == Listeners::SameTask && token.is_some();
            self.emit(depth);
            self.passing.untimed = false;
        }
    }

    /// A session object's last active token changes. Of an object that nobody knows any more it only matters whether
    /// its refresh has one to offer.
    pub(super) fn set_object_token(&mut self, object: u32, token: Option<Token>) {
        if object == self.tab.object {
            self.tab.last_token = token;
        }
        if object == self.tab.newest_object {
            self.tab.newest_token = token;
        }
        if object == self.tab.shown_object {
            self.tab.shown_token = token;
        }
        self.note_bare(object, token.is_none());
    }

    fn note_bare(&mut self, object: u32, bare: bool) {
        if self.is_recent(object) {
            let bit = 1 << (object % 64);
            self.tab.bare_objects = self.tab.bare_objects & !bit | if bare { bit } else { 0 };
        }
    }

    /// Whether a session object has a last active token to offer. One that 64 newer ones have followed counts as having
    /// one: what still asks on its behalf, a refresh above all, has it from there.
    pub(super) fn object_has_token(&self, object: u32) -> bool {
        !self.is_recent(object) || self.tab.bare_objects >> (object % 64) & 1 == 0
    }

    fn is_recent(&self, object: u32) -> bool {
        self.tab.newest_object - object < 64
    }

    /// Listeners hear of the resources. They are handed the object they know as long as nothing in it differs
    /// (`memoizeListenerCallback`): same token, same object. App code reacts to an object it has not reacted to.
    pub(super) fn emit(&mut self, depth: u32) {
        if !self.tab.session {
            self.tab.shown = false;
            return;
        }
        let known = self.tab.shown
            && (self.tab.shown_object == self.tab.object || self.tab.shown_token == self.tab.last_token);
        if !known {
            self.tab.shown = true;
            self.tab.shown_object = self.tab.object;
            self.tab.shown_token = self.tab.last_token;
        }
        let reaction = self.setup.reaction;
        if reaction.act == AppReaction::None || self.now < reaction.from || self.now >= reaction.to {
            return;
        }
        let object = self.tab.shown_object;
        if self.tab.acted_object == object {
            return;
        }
        self.tab.acted_object = object;
        match reaction.act {
            AppReaction::None => {}
            AppReaction::SetActive => self.set_active(false, object, depth),
            AppReaction::GetToken => self.get_token_of(object, Caller::App, NONE, 0, depth, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, LATE, OLD, fine, sends, sent_to, waits};
    use super::*;
    use crate::scenario::ClientModel::ClerkJs6_3_3;

    #[test]
    fn a_browser_keeps_its_environment_and_its_being_offline_apart() {
        let mut browser = Browser::default();
        assert_eq!((browser.environment(), browser.offline()), (None, false));
        for (throttled, until) in
            [(true, Time(1)), (false, Time(2)), (true, Time::from_ms(5)), (false, Time(u64::MAX >> 2))]
        {
            for offline in [true, true, false, false, true] {
                let kept = KeptEnvironment { throttled, until };
                browser.keep_environment(kept);
                browser.set_offline(offline);
                assert_eq!((browser.environment(), browser.offline()), (Some(kept), offline));
                browser.keep_environment(kept);
                assert_eq!((browser.environment(), browser.offline()), (Some(kept), offline));
            }
        }
        browser.keep_environment(KeptEnvironment { throttled: true, until: Time::NEVER });
        let latest = KeptEnvironment { throttled: true, until: Time(u64::MAX >> 2) };
        assert_eq!(browser.environment(), Some(latest), "an instant takes 62 bits");
    }

    #[test]
    fn a_closed_page_does_nothing_and_an_opening_is_a_visit() {
        let mut desk = Desk::new(ClerkJs6_3_3, &[]);
        let session = fine(Some(Token::issued(Time::ZERO)));
        desk.load(Time::ZERO, fine(None), session);
        assert_eq!((desk.tab.open, desk.tab.session, desk.tab.visit), (true, true, 1));
        desk.load(Time(1), fine(None), session);
        assert_eq!((desk.tab.visit, desk.tab.epoch), (1, 2), "a reload is no visit");
        assert_eq!(desk.step(Time(2), Input::Close), [Action::Fact(Fact::PageGone)]);
        assert_eq!((desk.tab.open, desk.tab.session), (false, false));
        for input in [Input::Focus, Input::SignIn { again: false }, Input::SetActive { navigate: false }] {
            assert_eq!(desk.step(Time(3), input), [], "{input:?}");
        }
        desk.load(Time(4), fine(None), session);
        assert_eq!(desk.tab.visit, 2);
    }

    #[test]
    fn a_request_that_a_failed_one_caused_is_not_a_first_one() {
        let mut desk = Desk::new(ClerkJs6_3_3, &[]);
        assert_eq!(
            sends(&desk.step(Time::ZERO, Input::Open)),
            [(Endpoint::Environment, true), (Endpoint::Client, true)]
        );
        desk.load(Time(1), fine(None), fine(None));
        for again in [false, true] {
            let actions = desk.step(Time(2), Input::SignIn { again });
            assert_eq!(sends(&actions), [(Endpoint::SignIn, !again)]);
            let Some(Action::Send { task, .. }) = actions.first() else { panic!("a request") };
            desk.tasks[*task].set_reply(Reply::Fail(Failure::status(500)));
            let ended = Fact::SignInEnded(Some(Failure::status(500)));
            assert_eq!(desk.step(Time(3), Input::Answer(*task)), [Action::Fact(ended)]);
        }
    }

    /// `SafeLocalStorage`: 24 hours.
    #[test]
    fn a_kept_environment_is_good_for_a_day() {
        let begin = Time::from_ms(5);
        let end = begin.after(Dur::from_secs(86_400));
        let failing = Reply::Fail(Failure::status(500));
        for (now, throttled) in [(end, true), (end.after(Dur(1)), false)] {
            let mut desk = Desk::new(ClerkJs6_3_3, &[]);
            desk.load(begin, fine(None), fine(None));
            let kept = KeptEnvironment { throttled: true, until: end };
            assert_eq!(desk.browser.environment(), Some(kept));
            desk.load(now, failing, fine(None));
            assert_eq!((desk.tab.throttled, desk.tab.status), (throttled, Status::Degraded), "{now}");
        }
    }

    /// A reload leaves requests in flight behind: each answer ends its task and all that waits for it, nothing else, and
    /// nothing comes of it.
    #[test]
    fn what_a_reload_left_behind_ends_with_its_answer() {
        let mut desk = Desk::signed_in(ClerkJs6_3_3, OLD);
        let poller = desk.tab.poll;
        // Two calls of the app and one of a focus share a fetch; a touch of `setActive`; a flow in a touch's fetch layer.
        let calls = desk.step(LATE, Input::AppGetToken { callers: 2, skip_cache: false });
        let set_active = desk.step(LATE, Input::SetActive { navigate: false });
        let focus = desk.step(LATE, Input::Focus);
        let flow = desk.fail(LATE, sent_to(&focus, Endpoint::Touch), 401);
        assert_eq!(desk.tasks.live(), 1 + (2 + 1 + 1) + 2 + 2);
        let first = desk.step(LATE, Input::Open);
        assert_eq!(desk.tasks.live(), 9 + 4, "a poller, a load and its two requests");
        for (left_over, live) in [
            (sent_to(&calls, Endpoint::Tokens), 9),
            (sent_to(&set_active, Endpoint::Touch), 7),
            (sent_to(&flow, Endpoint::Client), 5),
        ] {
            assert_eq!(desk.answer(LATE, left_over, fine(Some(Token::issued(LATE)))), []);
            assert_eq!(desk.tasks.live(), live);
        }
        assert_eq!(desk.step(LATE, Input::Timer(poller)), []);
        assert_eq!(desk.tasks.live(), 4);
        // A load waits for both its requests.
        desk.step(LATE, Input::Open);
        for (endpoint, live) in [(Endpoint::Environment, 4 + 3), (Endpoint::Client, 4 + 1)] {
            assert_eq!(desk.fail(LATE, sent_to(&first, endpoint), 500), []);
            assert_eq!(desk.tasks.live(), live);
        }
        assert!(!desk.tab.session);
    }

    fn reacting(from: Time, to: Time) -> Desk {
        let mut desk = Desk::signed_in(ClerkJs6_3_3, OLD);
        desk.setup.reaction = Reaction { act: AppReaction::GetToken, from, to };
        desk
    }

    /// A cache entry learns its token's age in a microtask of its own. App code that hears of an answer to /touch is faster
    /// and is served a token of any age; who hears of GET /client is not.
    #[test]
    fn a_token_of_this_very_task_has_no_age_yet() {
        let now = Time::from_ms(100_000);
        let old = fine(Some(Token::issued(Time::from_ms(20_000))));
        let mut desk = reacting(Time(1), Time::NEVER);
        let touch = sent_to(&desk.step(now, Input::SetActive { navigate: false }), Endpoint::Touch);
        let actions = desk.answer(now, touch, old);
        assert_eq!(waits(&actions), 1, "{actions:?}");
        // `setActive` itself asks later, and has to fetch.
        assert_eq!(sends(&actions), [(Endpoint::Tokens, true)]);
        let mut desk = reacting(Time(1), Time::NEVER);
        let flow = sent_to(&desk.step(now, Input::SignOutBroadcast), Endpoint::Client);
        let actions = desk.answer(now, flow, old);
        assert_eq!((waits(&actions), sends(&actions).len()), (0, 1), "{actions:?}");
    }

    #[test]
    fn app_code_reacts_from_the_first_instant_of_its_time_until_before_the_last() {
        let (from, to) = (Time::from_ms(10_000), Time::from_ms(20_000));
        for (now, reacts) in [(Time(from.0 - 1), 0), (from, 1), (Time(to.0 - 1), 1), (to, 0)] {
            let mut desk = reacting(from, to);
            let touch = sent_to(&desk.step(now, Input::SetActive { navigate: false }), Endpoint::Touch);
            let actions = desk.answer(now, touch, fine(Some(Token::issued(now))));
            assert_eq!(waits(&actions), 1 + reacts, "`setActive`, and what reacts at {now}");
        }
    }

    #[test]
    fn a_sign_in_without_an_answer_has_failed() {
        let mut desk = Desk::new(ClerkJs6_3_3, OLD);
        desk.load(Time::ZERO, fine(None), fine(None));
        for offline in [false, true] {
            let sent = desk.step(Time(1), Input::SignIn { again: false });
            desk.browser.set_offline(offline);
            let actions =
                desk.answer(Time(2), sent_to(&sent, Endpoint::SignIn), Reply::Fail(Failure::NETWORK));
            assert_eq!(actions, [Action::Fact(Fact::SignInEnded(Some(Failure::NETWORK)))]);
        }
    }
}
