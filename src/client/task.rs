//! Tasks: what a page is in the middle of. Each waits for one thing (an answer, a timer, another task).

use crate::backend::Endpoint;
use crate::kernel::{Dur, Time};
use crate::protocol::Failure;

/// A task's place in the [`Tasks`].
pub type TaskId = u32;
/// No task.
pub const NONE: TaskId = u32::MAX;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The page load.
    Load,
    /// GET /environment of a page load.
    LoadEnvironment,
    /// GET /client of a page load.
    LoadClient,
    /// The session poller: one chain of ticks.
    Poll,
    /// An armed background refresh.
    Refresh,
    /// One call of `getToken` with its retries.
    GetToken,
    /// POST /tokens: the pending promise that callers of `getToken` share.
    TokenFetch,
    /// POST /touch of a focus event or of `setActive`.
    Touch,
    /// `setActive`.
    SetActive,
    /// The unauthenticated flow, all levels of its own recursion.
    Flow,
    /// The sign-in request of a signed-out user.
    SignIn,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Waiting for an answer of the backend.
    Requesting,
    /// Waiting for a timer.
    Timer,
    /// Waiting for another task.
    Waiting,
    /// Waiting for the cross-tab lock.
    Lock,
}

/// Who called `getToken` or touched, hence who hears of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Caller {
    /// The session poller; `parent` is its task.
    Poller,
    /// A focus event.
    Focus,
    /// The app.
    App,
    /// The parent task: `setActive` or the page load.
    Parent,
    /// The background refresh timer.
    Background,
}

/// Flags of a task.
pub mod flag {
    /// A fetch: the session object had a last active token when it was sent.
    pub const HAD_TOKEN: u8 = 1;
    /// `getToken` passes over the cache.
    pub const SKIP_CACHE: u8 = 2;
    /// `setActive` navigates.
    pub const NAVIGATE: u8 = 4;
    /// The flow tells the browser's other tabs of a sign-out.
    pub const BROADCAST: u8 = 8;
    /// The request started while the browser was offline.
    pub const STARTED_OFFLINE: u8 = 16;
    /// /tokens is asked again with the expired token, after 422 `missing_expired_token`.
    pub const EXPIRED_TOKEN: u8 = 32;
    /// A page load found /environment or /client failing and went on; or the fetch of a token by which it did.
    pub const DEGRADED: u8 = 64;
    /// A page load has its /client part behind it, for good or bad.
    pub const CLIENT_DONE: u8 = 128;
}

/// One task.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The tab it belongs to.
    pub tab: u32,
    /// The task that hears of the result, or [`NONE`].
    pub parent: TaskId,
    /// The next task that waits for the same fetch, after the last the first again; in a free slot, the next free one. A
    /// fetch waits for no other: of it, `iat` of the token that another tab made known last meanwhile, plus one; 0 for
    /// none.
    pub next: TaskId,
    /// The flow: levels of its recursion so far. Otherwise the last of the tasks that wait for this one, or [`NONE`].
    pub levels: u32,
    /// Entries of the unauthenticated flow on the causal chain that led here.
    pub depth: u32,
    /// The number of the session object that it belongs to; of `setActive`, the one that it makes the current one.
    pub object: u32,
    /// Raised whenever the slot changes hands or its timer is set anew: an event that names an older one is stale.
    pub generation: u32,
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub stage: Stage,
    /// Retries so far, or tries of the network level.
    pub attempt: u16,
    /// See [`flag`].
    pub flags: u8,
    /// Who hears of the result.
    pub caller: Caller,
    /// The page load it belongs to: a reload changes the tab's. See [`Tasks::forget_pages`].
    pub epoch: u16,
    /// Which of several equal calls of one instant it is.
    pub ordinal: u8,
    /// Where its request went last.
    pub endpoint: Endpoint,
    /// The answer under way comes from a full queue.
    pub shed: bool,
    /// What `word` holds.
    holds: Holds,
    /// When the request in flight was sent, or when the task began.
    pub since: Time,
    word: u64,
}

const _: () = assert!(size_of::<Task>() <= 56);

/// A request has an answer under way; `getToken`, which sends none of its own, remembers its last wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Holds {
    /// 2xx that lists the session: the bits of its token, 0 for none.
    Listed,
    /// 2xx that does not list it: likewise.
    Unlisted,
    /// Another answer: `Retry-After`, status and error code, from the high bits down.
    Failure,
    /// The instant at which the wait under way began.
    WaitFrom,
    /// How long the last wait was.
    Waited,
}

impl Task {
    /// The answer under way to it.
    #[inline]
    pub fn reply(&self) -> Reply {
        match self.holds {
            Holds::Listed => Reply::Ok { token: Token::from_bits(self.word), listed: true },
            Holds::Unlisted => Reply::Ok { token: Token::from_bits(self.word), listed: false },
            Holds::Failure => Reply::Fail(Failure::from_bits(self.word)),
            Holds::WaitFrom | Holds::Waited => Reply::Fail(Failure::NETWORK),
        }
    }

    /// An answer is under way to it.
    #[inline]
    pub fn set_reply(&mut self, reply: Reply) {
        (self.holds, self.word) = match reply {
            Reply::Ok { token, listed } => {
                (if listed { Holds::Listed } else { Holds::Unlisted }, token.map_or(0, Token::bits))
            }
            Reply::Fail(failure) => (Holds::Failure, failure.bits()),
        };
    }

    /// `getToken`: how long its last wait was, requests not counted; zero before the first.
    pub fn waited(&self) -> Dur {
        if self.holds == Holds::Waited { Dur(self.word) } else { Dur::ZERO }
    }

    /// `getToken` begins to wait.
    pub fn waits_from(&mut self, now: Time) {
        (self.holds, self.word) = (Holds::WaitFrom, now.0);
    }

    /// `getToken` has waited.
    pub fn waits_until(&mut self, now: Time) {
        if self.holds == Holds::WaitFrom {
            (self.holds, self.word) = (Holds::Waited, now.since(Time(self.word)).0);
        }
    }
}

/// A timer that stands by itself for as long as nothing happens: the poller between two ticks, an armed refresh. Each
/// idle tab has both, so they are kept small and by themselves.
#[derive(Clone, Copy, Debug)]
struct Timer {
    tab: u32,
    /// The poller: the next one that waits for the lock. The refresh: the number of the session object it belongs to. In
    /// a free slot, the next free one.
    word: u32,
    generation: u16,
    /// The page load it belongs to, shifted left by three; then its [`TimerState`].
    epoch_and_state: u16,
}

const _: () = assert!(size_of::<Timer>() == 12);

impl Timer {
    fn new(tab: u32, word: u32, generation: u16, epoch: u16, state: TimerState) -> Timer {
        Timer { tab, word, generation, epoch_and_state: epoch << STATE_BITS | state as u16 }
    }

    #[inline]
    fn epoch(&self) -> u16 {
        self.epoch_and_state >> STATE_BITS
    }

    #[inline]
    fn state(&self) -> TimerState {
        TimerState::ALL[usize::from(self.epoch_and_state & ((1 << STATE_BITS) - 1))]
    }

    fn set_state(&mut self, state: TimerState) {
        *self = Timer::new(self.tab, self.word, self.generation, self.epoch(), state);
    }
}

/// Bits of a timer's state.
const STATE_BITS: u32 = 3;
/// The page loads of a tab are numbered from 1 to this, and then from 1 again: see [`Tasks::forget_pages`].
pub const LAST_EPOCH: u16 = u16::MAX >> STATE_BITS;

/// The number of the page load after this one.
pub const fn next_epoch(epoch: u16) -> u16 {
    if epoch == LAST_EPOCH { 1 } else { epoch + 1 }
}

/// The number of every page load that is long gone.
const GONE: u16 = 0;

/// The most calls that one session or one generic client may make; a run is stopped there. So 32 bits hold whatever a
/// session counts no more than once a call.
pub const MOST_CALLS: u32 = 4_000_000_000;
/// A task's slot whose generation is beyond this is not used again. A task raises its slot's generation once an answer,
/// so it never comes round.
const LAST_GENERATION: u32 = u32::MAX - MOST_CALLS;
/// The same for a timer's slot. A refresh raises the generation when it ends and at no other time, so it never comes
/// round. A poller also raises it when it is given the cross-tab lock, at most once in 5 s, and no event of a poller's slot
/// is more than 5 s ahead: by the time it comes round, all events of its first 32,768 generations are over.
const LAST_TIMER_GENERATION: u16 = u16::MAX / 2;
/// Bytes of an idle timer.
pub(crate) const TIMER_BYTES: u64 = size_of::<Timer>() as u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
enum TimerState {
    Free,
    Refresh,
    PollTimer,
    PollWaiting,
    PollLock,
}

impl TimerState {
    /// By discriminant, for all values of [`STATE_BITS`].
    const ALL: [TimerState; 1 << STATE_BITS] = [
        TimerState::Free,
        TimerState::Refresh,
        TimerState::PollTimer,
        TimerState::PollWaiting,
        TimerState::PollLock,
        TimerState::Free,
        TimerState::Free,
        TimerState::Free,
    ];
}

/// Ids from here on are timers'.
const TIMERS: TaskId = 1 << 31;

/// What the backend answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 2xx.
    Ok {
        /// `iat` of the session token in the answer.
        token: Option<Token>,
        /// Whether the answer lists the session, where it lists sessions.
        listed: bool,
    },
    /// Anything else.
    Fail(Failure),
}

/// A session token, told apart by the instant of its issue; its `iat` is that in whole seconds, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(std::num::NonZeroU64);

impl Token {
    /// The token issued at this time.
    pub fn issued(at: Time) -> Token {
        Token(std::num::NonZeroU64::MIN.saturating_add(at.0))
    }

    /// The token issued at this time, told apart from one that was issued at the same instant.
    pub fn issued_after(at: Time, newest: Option<Token>) -> Token {
        let next = newest.map_or(0, |newest| newest.0.get());
        Token(Token::issued(at).0.max(std::num::NonZeroU64::MIN.saturating_add(next)))
    }

    /// The token that another tab made known by its `iat` alone; its age and order are the original's.
    pub fn known_by_iat(iat: u32) -> Token {
        Token::issued(Time(u64::from(iat) * crate::kernel::time::NS_PER_S))
    }

    /// The token as 63 bits other than zero.
    pub(crate) fn bits(self) -> u64 {
        self.0.get()
    }

    /// The token of these bits; none for zero.
    pub(crate) fn from_bits(bits: u64) -> Option<Token> {
        std::num::NonZeroU64::new(bits).map(Token)
    }

    /// `iat`: seconds since the start of the run. Saturates after 136 years, past any horizon.
    pub fn iat(self) -> u32 {
        u32::try_from(Time(self.0.get() - 1).whole_seconds()).unwrap_or(u32::MAX)
    }
}

/// All tasks of a group of tabs: slots that are used again, so that memory follows what is going on at once.
#[derive(Clone, Debug)]
pub struct Tasks {
    slots: Vec<Task>,
    free: TaskId,
    /// Slots that are not used again: see [`LAST_GENERATION`].
    retired: TaskId,
    timers: Vec<Timer>,
    /// Slots of pollers stay with pollers, for their events are never far ahead.
    free_poller: u32,
    free_refresh: u32,
}

impl Default for Tasks {
    fn default() -> Tasks {
        Tasks {
            slots: Vec::new(),
            free: NONE,
            retired: NONE,
            timers: Vec::new(),
            free_poller: NONE,
            free_refresh: NONE,
        }
    }
}

impl Tasks {
    /// Takes a slot for a task of this tab and page load, other than a poller or a refresh.
    pub fn start(&mut self, kind: Kind, tab: u32, epoch: u16, caller: Caller, now: Time) -> TaskId {
        debug_assert!(!matches!(kind, Kind::Poll | Kind::Refresh), "these are timers");
        let mut task = Task {
            tab,
            parent: NONE,
            next: if kind == Kind::TokenFetch { 0 } else { NONE },
            levels: NONE,
            depth: 0,
            object: 0,
            generation: 0,
            kind,
            stage: Stage::Waiting,
            attempt: 0,
            flags: 0,
            caller,
            epoch,
            ordinal: 0,
            endpoint: Endpoint::Generic,
            shed: false,
            holds: Holds::Failure,
            since: now,
            word: Failure::NETWORK.bits(),
        };
        if self.free == NONE {
            assert!(self.slots.len() < TIMERS as usize, "tasks beyond 2^31 take more than 100 GB");
            self.slots.push(task);
            return (self.slots.len() - 1) as TaskId;
        }
        let id = self.free;
        let slot = &mut self.slots[id as usize];
        self.free = slot.next;
        task.generation = slot.generation;
        *slot = task;
        id
    }

    fn free_timer(&mut self, state: TimerState) -> &mut u32 {
        if state == TimerState::Refresh { &mut self.free_refresh } else { &mut self.free_poller }
    }

    fn start_timer(&mut self, tab: u32, epoch: u16, word: u32, state: TimerState) -> TaskId {
        let place = *self.free_timer(state);
        if place == NONE {
            assert!(self.timers.len() < TIMERS as usize - 1, "timers beyond 2^31 take more than 25 GB");
            self.timers.push(Timer::new(tab, word, 0, epoch, state));
            return TIMERS + (self.timers.len() - 1) as u32;
        }
        let slot = &mut self.timers[place as usize];
        let next = slot.word;
        *slot = Timer::new(tab, word, slot.generation, epoch, state);
        *self.free_timer(state) = next;
        TIMERS + place
    }

    /// Takes a slot for a poller.
    pub fn start_poller(&mut self, tab: u32, epoch: u16) -> TaskId {
        self.start_timer(tab, epoch, NONE, TimerState::PollWaiting)
    }

    /// Takes a slot for an armed refresh of a session object.
    pub fn start_refresh(&mut self, tab: u32, epoch: u16, object: u32) -> TaskId {
        self.start_timer(tab, epoch, object, TimerState::Refresh)
    }

    /// A tab has used up the numbers of its page loads and begins anew: what is left of its earlier pages takes a number
    /// that no page load has, so that none of it is taken for a later page's. Slow, and rare.
    #[cold]
    pub fn forget_pages(&mut self, tab: u32) {
        for task in self.slots.iter_mut().filter(|task| task.tab == tab) {
            task.epoch = GONE;
        }
        for timer in self.timers.iter_mut().filter(|timer| timer.tab == tab) {
            *timer = Timer::new(tab, timer.word, timer.generation, GONE, timer.state());
        }
    }

    #[inline]
    fn timer(&self, id: TaskId) -> Option<&Timer> {
        if id < TIMERS { None } else { Some(&self.timers[(id - TIMERS) as usize]) }
    }

    #[inline]
    fn timer_mut(&mut self, id: TaskId) -> &mut Timer {
        &mut self.timers[(id - TIMERS) as usize]
    }

    /// Gives the slot back. Events that still name it are stale from now on.
    pub fn end(&mut self, id: TaskId) {
        self.rearm(id);
        if id >= TIMERS {
            let state = self.timer_mut(id).state();
            let free = *self.free_timer(state);
            let slot = self.timer_mut(id);
            slot.set_state(TimerState::Free);
            if slot.generation <= LAST_TIMER_GENERATION {
                slot.word = free;
                *self.free_timer(state) = id - TIMERS;
            }
        } else {
            let slot = &mut self.slots[id as usize];
            let list = if slot.generation <= LAST_GENERATION { &mut self.free } else { &mut self.retired };
            slot.next = *list;
            *list = id;
        }
    }

    /// Makes events that were scheduled for this task stale.
    pub fn rearm(&mut self, id: TaskId) {
        if id >= TIMERS {
            let timer = self.timer_mut(id);
            timer.generation = timer.generation.wrapping_add(1);
        } else {
            self[id].generation += 1;
        }
    }

    /// The generation of the slot: see [`Task::generation`].
    #[inline]
    pub fn generation(&self, id: TaskId) -> u32 {
        self.timer(id).map_or_else(|| self[id].generation, |timer| timer.generation.into())
    }

    /// The tab that a task belongs to.
    #[inline]
    pub fn tab(&self, id: TaskId) -> u32 {
        self.timer(id).map_or_else(|| self[id].tab, |timer| timer.tab)
    }

    /// The page load that a task belongs to.
    #[inline]
    pub fn epoch(&self, id: TaskId) -> u16 {
        self.timer(id).map_or_else(|| self[id].epoch, Timer::epoch)
    }

    /// What a task does.
    #[inline]
    pub fn kind(&self, id: TaskId) -> Kind {
        match self.timer(id) {
            None => self[id].kind,
            Some(timer) if timer.state() == TimerState::Refresh => Kind::Refresh,
            Some(_) => Kind::Poll,
        }
    }

    /// A task as a whole, of whatever kind: for those who look on.
    pub fn get(&self, id: TaskId) -> Task {
        let Some(timer) = self.timer(id) else { return self[id] };
        let kind = self.kind(id);
        Task {
            tab: timer.tab,
            parent: NONE,
            next: NONE,
            levels: NONE,
            depth: 0,
            object: self.refresh_object(id),
            generation: timer.generation.into(),
            kind,
            stage: if kind == Kind::Poll { self.poller_stage(id) } else { Stage::Timer },
            attempt: 0,
            flags: 0,
            caller: if kind == Kind::Poll { Caller::Poller } else { Caller::Background },
            epoch: timer.epoch(),
            ordinal: 0,
            endpoint: Endpoint::Generic,
            shed: false,
            holds: Holds::Failure,
            since: Time::ZERO,
            word: Failure::NETWORK.bits(),
        }
    }

    /// The number of the session object that a refresh belongs to.
    pub fn refresh_object(&self, id: TaskId) -> u32 {
        self.timer(id).filter(|timer| timer.state() == TimerState::Refresh).map_or(0, |timer| timer.word)
    }

    /// Where a poller stands.
    pub fn poller_stage(&self, id: TaskId) -> Stage {
        match self.timer(id).map(Timer::state) {
            Some(TimerState::PollTimer) => Stage::Timer,
            Some(TimerState::PollLock) => Stage::Lock,
            _ => Stage::Waiting,
        }
    }

    /// A poller waits: for its timer, the lock, or a tick under way.
    pub fn poller_waits(&mut self, id: TaskId, stage: Stage) {
        self.timer_mut(id).set_state(match stage {
            Stage::Timer => TimerState::PollTimer,
            Stage::Lock => TimerState::PollLock,
            Stage::Waiting | Stage::Requesting => TimerState::PollWaiting,
        });
    }

    /// The poller that waits for the lock after this one.
    pub fn next_poller(&self, id: TaskId) -> TaskId {
        self.timer(id).map_or(NONE, |timer| timer.word)
    }

    /// Puts a poller after another one in the queue for the lock.
    pub fn set_next_poller(&mut self, id: TaskId, next: TaskId) {
        self.timer_mut(id).word = next;
    }

    /// How many slots are in use.
    pub fn live(&self) -> usize {
        self.slots().count() + self.pollers().count()
    }

    /// Whether this id names a slot, used or free.
    pub fn contains(&self, id: TaskId) -> bool {
        if id < TIMERS {
            (id as usize) < self.slots.len()
        } else {
            ((id - TIMERS) as usize) < self.timers.len()
        }
    }

    /// Every poller with its tab, page load and stage.
    pub fn pollers(&self) -> impl Iterator<Item = (u32, u16, Stage)> {
        let poller = |t: &&Timer| !matches!(t.state(), TimerState::Free | TimerState::Refresh);
        self.timers.iter().filter(poller).map(|t| {
            let stage = match t.state() {
                TimerState::PollTimer => Stage::Timer,
                TimerState::PollLock => Stage::Lock,
                _ => Stage::Waiting,
            };
            (t.tab, t.epoch(), stage)
        })
    }

    /// Every task in the order of ids, pollers and refreshes aside: for the end of a run.
    pub fn slots(&self) -> impl Iterator<Item = (TaskId, &Task)> {
        let mut free = vec![false; self.slots.len()];
        for mut at in [self.free, self.retired] {
            while at != NONE {
                free[at as usize] = true;
                at = self.slots[at as usize].next;
            }
        }
        self.slots.iter().enumerate().filter(move |(id, _)| !free[*id]).map(|(id, task)| (id as TaskId, task))
    }
}

impl std::ops::Index<TaskId> for Tasks {
    type Output = Task;
    #[inline]
    fn index(&self, id: TaskId) -> &Task {
        &self.slots[id as usize]
    }
}

impl std::ops::IndexMut<TaskId> for Tasks {
    #[inline]
    fn index_mut(&mut self, id: TaskId) -> &mut Task {
        &mut self.slots[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_used_again_makes_old_events_stale() {
        let mut tasks = Tasks::default();
        let first = tasks.start(Kind::Touch, 7, 0, Caller::Focus, Time::ZERO);
        let generation = tasks[first].generation;
        tasks.end(first);
        let second = tasks.start(Kind::Flow, 8, 0, Caller::Parent, Time::ZERO);
        assert_eq!(first, second);
        assert_ne!(tasks[second].generation, generation);
        assert_eq!((tasks.live(), tasks.slots().count()), (1, 1));
    }

    /// An event that names a slot and its generation names one task and no other, however often the slot is used.
    #[test]
    fn no_two_tasks_are_named_alike() {
        let mut tasks = Tasks::default();
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..200_000u32 {
            for id in [
                tasks.start(Kind::Touch, 7, 1, Caller::Focus, Time::ZERO),
                tasks.start_refresh(7, 1, n),
                tasks.start_poller(7, 1),
            ] {
                assert!(seen.insert((id, tasks.generation(id))), "{id} {n}");
                tasks.end(id);
            }
        }
        assert_eq!((tasks.live(), tasks.slots().count(), tasks.pollers().count()), (0, 0, 0));
        // A timer's slot has 32,768 generations, of which a use takes one.
        assert_eq!((tasks.slots.len(), tasks.timers.len()), (1, 2 * 200_000_usize.div_ceil(32_768)));
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_left_alone() {
        let mut tasks = Tasks::default();
        let first = tasks.start(Kind::Touch, 7, 1, Caller::Focus, Time::ZERO);
        tasks[first].generation = LAST_GENERATION;
        tasks.end(first);
        let second = tasks.start(Kind::Touch, 7, 1, Caller::Focus, Time::ZERO);
        assert_ne!(first, second);
        assert_eq!((tasks.live(), tasks[second].generation), (1, 0));
    }

    #[test]
    fn what_is_left_of_a_tabs_earlier_pages_is_of_no_page() {
        let mut tasks = Tasks::default();
        let of = |tasks: &mut Tasks, tab| {
            [
                tasks.start(Kind::Touch, tab, LAST_EPOCH, Caller::Focus, Time::ZERO),
                tasks.start_refresh(tab, LAST_EPOCH, 3),
                tasks.start_poller(tab, LAST_EPOCH),
            ]
        };
        let (own, others) = (of(&mut tasks, 7), of(&mut tasks, 8));
        tasks.poller_waits(own[2], Stage::Lock);
        tasks.forget_pages(7);
        assert_eq!(own.map(|id| tasks.epoch(id)), [GONE; 3]);
        assert_eq!(others.map(|id| tasks.epoch(id)), [LAST_EPOCH; 3]);
        assert_eq!((tasks.refresh_object(own[1]), tasks.poller_stage(own[2])), (3, Stage::Lock));
        assert_eq!([LAST_EPOCH - 1, LAST_EPOCH].map(next_epoch), [LAST_EPOCH, 1], "never that of no page");
    }

    #[test]
    fn a_slot_is_contained_once_it_has_been_taken() {
        let mut tasks = Tasks::default();
        assert!(!tasks.contains(0) && !tasks.contains(TIMERS));
        let task = tasks.start(Kind::Touch, 7, 0, Caller::Focus, Time::ZERO);
        assert!(tasks.contains(task) && !tasks.contains(task + 1) && !tasks.contains(TIMERS));
        let poller = tasks.start_poller(7, 0);
        assert!(tasks.contains(poller) && !tasks.contains(poller + 1) && !tasks.contains(task + 1));
        let other = tasks.start_poller(8, 0);
        assert!(tasks.contains(other) && !tasks.contains(other + 1));
        tasks.end(task);
        assert!(tasks.contains(task), "a free slot is named by stale events");
    }

    #[test]
    fn the_living_are_counted_and_refreshes_are_not() {
        let mut tasks = Tasks::default();
        let touch = tasks.start(Kind::Touch, 7, 0, Caller::Focus, Time::ZERO);
        tasks.start(Kind::Flow, 7, 0, Caller::Parent, Time::ZERO);
        let poller = tasks.start_poller(7, 0);
        let refresh = tasks.start_refresh(7, 0, 3);
        assert_eq!(tasks.live(), 3);
        let seen = |id| (tasks.get(id).kind, tasks.get(id).stage, tasks.get(id).caller, tasks.get(id).object);
        assert_eq!(seen(poller), (Kind::Poll, Stage::Waiting, Caller::Poller, 0));
        assert_eq!(seen(refresh), (Kind::Refresh, Stage::Timer, Caller::Background, 3));
        tasks.end(touch);
        tasks.end(poller);
        assert_eq!(tasks.live(), 1);
    }

    #[test]
    fn get_token_remembers_how_long_its_last_wait_was() {
        let mut tasks = Tasks::default();
        let id = tasks.start(Kind::GetToken, 7, 0, Caller::App, Time::ZERO);
        assert_eq!(tasks[id].waited(), Dur::ZERO);
        tasks[id].waits_from(Time(5));
        tasks[id].waits_until(Time(12));
        tasks[id].waits_until(Time(13));
        assert_eq!(tasks[id].waited(), Dur(7), "from 5 to 12, whatever comes later");
    }

    #[test]
    fn a_task_gives_back_the_answer_that_it_was_given() {
        let mut tasks = Tasks::default();
        let id = tasks.start(Kind::Touch, 7, 0, Caller::Focus, Time::ZERO);
        assert_eq!(tasks[id].reply(), Reply::Fail(Failure::NETWORK));
        let latest = Token::issued(Time(u64::MAX >> 2));
        let extreme = Failure { status: u16::MAX, code: u8::MAX, retry_after_s: u32::MAX };
        for reply in [
            Reply::Ok { token: Some(latest), listed: true },
            Reply::Ok { token: Some(latest), listed: false },
            Reply::Ok { token: None, listed: true },
            Reply::Ok { token: None, listed: false },
            Reply::Fail(extreme),
            Reply::Fail(Failure { status: 429, code: 1, retry_after_s: 86_400 }),
            Reply::Fail(Failure::OFFLINE),
        ] {
            tasks[id].set_reply(reply);
            assert_eq!(tasks[id].reply(), reply);
        }
    }

    /// RFC 7519, section 4.1.6: `iat` is a NumericDate, here cut to whole seconds.
    #[test]
    fn iat_is_the_second_of_issue() {
        let second = crate::kernel::time::NS_PER_S;
        for (at, iat) in [(0, 0), (second - 1, 0), (second, 1), (2 * second - 2, 1), (2 * second - 1, 1)] {
            assert_eq!(Token::issued(Time(at)).iat(), iat, "at {at}");
        }
        assert_eq!(Token::known_by_iat(7).iat(), 7);
    }
}
