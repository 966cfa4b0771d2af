//! All tasks of a group of tabs, and the small timers of idle tabs.

#[cfg(test)]
mod tests;

use super::task::{Caller, Holds, Kind, NONE, Stage, Task};
use crate::client::MOST_CALLS;
use crate::client::step::TaskId;
use crate::client::workload;
use crate::kernel::Time;
use crate::protocol::Failure;

/// A timer that waits while nothing else happens: the poller between two ticks, or an armed refresh. Each idle tab has
/// both, so they have a small type of their own.
#[derive(Clone, Copy, Debug)]
struct Timer {
    tab: u32,
    /// For the poller: the next poller that waits for the lock. For the refresh: the number of its session object. In a
    /// free slot: the next free slot.
    word: u32,
    generation: u16,
    /// The timer's page load, shifted left by three; the lower bits hold its [`TimerState`].
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
/// The page loads of a tab are numbered from 1 to this number, and then from 1 again: see [`Tasks::forget_pages`].
pub(super) const LAST_EPOCH: u16 = u16::MAX >> STATE_BITS;

/// The number of the page load after this one.
pub(super) const fn next_epoch(epoch: u16) -> u16 {
    if epoch == LAST_EPOCH { 1 } else { epoch + 1 }
}

/// The page load of tasks whose own number may be in use again.
const GONE: u16 = 0;

/// A task's slot with a later generation is not reused. A task raises its slot's generation once per answer, so the
/// generation never overflows.
const LAST_GENERATION: u32 = u32::MAX - MOST_CALLS;
/// A timer's slot with a later generation is not reused. A refresh raises the generation only when it ends, so the
/// generation never overflows. A poller also raises it when it gets the cross-tab lock, at most once in 1.5 s, and its
/// events are at most 5 s ahead. When the generation overflows, all events of the first 32,768 generations are over.
const LAST_TIMER_GENERATION: u16 = u16::MAX / 2;
/// Bytes of an idle timer.
pub(super) const TIMER_BYTES: u64 = size_of::<Timer>() as u64;

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
    /// All states by discriminant, for all values of [`STATE_BITS`].
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

/// Ids from this number on belong to timers.
const TIMERS: TaskId = 1 << 31;

/// All tasks of a group of tabs. Slots are reused, so memory follows the number of tasks under way.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    slots: Vec<Task>,
    free: TaskId,
    /// Slots that are not reused: see [`LAST_GENERATION`].
    retired: TaskId,
    timers: Vec<Timer>,
    /// Free slots of pollers. Only pollers reuse them, since events of pollers are never far ahead.
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
    pub(super) fn start(&mut self, kind: Kind, tab: u32, epoch: u16, caller: Caller, now: Time) -> TaskId {
        assert!(!matches!(kind, Kind::Poll | Kind::Refresh), "these are timers");
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
            endpoint: workload::GENERIC,
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
    pub(super) fn start_poller(&mut self, tab: u32, epoch: u16) -> TaskId {
        self.start_timer(tab, epoch, NONE, TimerState::PollWaiting)
    }

    /// Takes a slot for an armed refresh of a session object.
    pub(super) fn start_refresh(&mut self, tab: u32, epoch: u16, object: u32) -> TaskId {
        self.start_timer(tab, epoch, object, TimerState::Refresh)
    }

    /// Handles a tab that has used up the numbers of its page loads. What is left of its earlier pages gets a number
    /// that no page load has, so that no later page takes it for its own. Slow, and rare.
    #[cold]
    pub(super) fn forget_pages(&mut self, tab: u32) {
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

    /// Frees the slot. Events that still name it are stale from now on.
    pub(super) fn end(&mut self, id: TaskId) {
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

    /// Makes the scheduled events of this task stale.
    pub(super) fn rearm(&mut self, id: TaskId) {
        if id >= TIMERS {
            let timer = self.timer_mut(id);
            timer.generation = timer.generation.wrapping_add(1);
        } else {
            self[id].generation += 1;
        }
    }

    /// The generation of the slot: see [`Task::generation`].
    #[inline]
    pub(super) fn generation(&self, id: TaskId) -> u32 {
        self.timer(id).map_or_else(|| self[id].generation, |timer| timer.generation.into())
    }

    /// The tab that a task belongs to.
    #[inline]
    pub(super) fn tab(&self, id: TaskId) -> u32 {
        self.timer(id).map_or_else(|| self[id].tab, |timer| timer.tab)
    }

    /// The page load that a task belongs to.
    #[inline]
    pub(super) fn epoch(&self, id: TaskId) -> u16 {
        self.timer(id).map_or_else(|| self[id].epoch, Timer::epoch)
    }

    /// The kind of a task.
    #[inline]
    pub(super) fn kind(&self, id: TaskId) -> Kind {
        match self.timer(id) {
            None => self[id].kind,
            Some(timer) if timer.state() == TimerState::Refresh => Kind::Refresh,
            Some(_) => Kind::Poll,
        }
    }

    /// A copy of a task of any kind, for observers.
    pub(super) fn get(&self, id: TaskId) -> Task {
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
            endpoint: workload::GENERIC,
            shed: false,
            holds: Holds::Failure,
            since: Time::ZERO,
            word: Failure::NETWORK.bits(),
        }
    }

    /// The number of a refresh's session object.
    pub(super) fn refresh_object(&self, id: TaskId) -> u32 {
        self.timer(id).filter(|timer| timer.state() == TimerState::Refresh).map_or(0, |timer| timer.word)
    }

    /// The stage of a poller.
    pub(super) fn poller_stage(&self, id: TaskId) -> Stage {
        match self.timer(id).map(Timer::state) {
            Some(TimerState::PollTimer) => Stage::Timer,
            Some(TimerState::PollLock) => Stage::Lock,
            _ => Stage::Waiting,
        }
    }

    /// Sets a poller's stage: waiting for its timer, for the lock, or for a tick under way.
    pub(super) fn poller_waits(&mut self, id: TaskId, stage: Stage) {
        self.timer_mut(id).set_state(match stage {
            Stage::Timer => TimerState::PollTimer,
            Stage::Lock => TimerState::PollLock,
            Stage::Waiting | Stage::Requesting => TimerState::PollWaiting,
        });
    }

    /// The next poller in the queue for the lock.
    pub(super) fn next_poller(&self, id: TaskId) -> TaskId {
        self.timer(id).map_or(NONE, |timer| timer.word)
    }

    /// Puts a poller after another one in the queue for the lock.
    pub(super) fn set_next_poller(&mut self, id: TaskId, next: TaskId) {
        self.timer_mut(id).word = next;
    }

    /// Number of slots in use.
    #[cfg(test)]
    pub(super) fn live(&self) -> usize {
        self.slots().count() + self.pollers().count()
    }

    /// Every poller with its tab, page load and stage.
    pub(super) fn pollers(&self) -> impl Iterator<Item = (u32, u16, Stage)> {
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

    /// All tasks in the order of ids, without pollers and refreshes. Used at the end of a run.
    pub(super) fn slots(&self) -> impl Iterator<Item = (TaskId, &Task)> {
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
