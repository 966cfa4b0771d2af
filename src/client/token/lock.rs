//! The lock. It has one holder in the browser. The holder's object has a queue, which must be empty before the lock is
//! released.
//!
//! An operation whose own object holds the lock queues behind the object's last operation and runs within the lock. Any
//! other operation asks the browser for the lock. The holder's caller gets its answer only when the object's queue is
//! empty.

use super::machine::Machine;
use super::pool::{Key, NONE};
use super::state::{Busy, Done, Lock, Next, Op};
use super::words::Timer;
use crate::client::backoff::Wait;

impl Machine<'_> {
    /// Takes the lock for an operation, if the client has a lock, and runs the operation.
    pub(super) fn acquire(&mut self, task: Key) {
        let (agent, op) = (self.task(task).agent, self.task(task).op);
        let Some(lock) = self.rules.lock.filter(|_| op != Op::Initial) else { return self.run(task) };
        if lock.reentrant && self.busy_if_any(agent).is_some_and(|b| b.locked) {
            self.task_mut(task).in_queue = true;
            match self.enqueue(agent, task) {
                Some(last) => self.task_mut(last).successor = Some(task),
                None => self.store.soon.push_back(Next::Run(task)),
            }
            return;
        }
        self.task_mut(task).in_lock = true;
        if op != Op::Tick {
            self.wait(agent, Timer::LockWait(task), Wait::exactly(lock.wait));
        }
        self.store.later.push_back(Next::AskLock(task));
    }

    pub(super) fn ask_lock(&mut self, task: Key) {
        let Some(it) = self.store.tasks.get(task) else { return };
        let (agent, op) = (it.agent, it.op);
        let browser = self.agent(agent).browser;
        let slot = self.store.browser(browser).lock();
        if op == Op::Tick && slot != NONE {
            self.task_mut(task).in_lock = false;
            return self.finish(task, Done::Nothing);
        }
        let slot = if slot == NONE {
            let slot = self.store.locks.insert(Lock::default()).slot;
            self.store.browser_mut(browser).set_lock(slot);
            slot
        } else {
            slot
        };
        let queue = self.append(self.store.locks.at(slot).queue, task);
        self.store.locks.at_mut(slot).queue = queue;
        self.pump_lock(browser);
    }

    /// Grants a free lock to the first operation that waits. Removes the lock when none waits.
    pub(super) fn pump_lock(&mut self, browser: u32) {
        let slot = self.store.browser(browser).lock();
        if slot == NONE || self.store.locks.at(slot).holder.is_some() {
            return;
        }
        let (first, last) = self.store.locks.at(slot).queue;
        match first {
            Some(task) => {
                let next = self.task_mut(task).link.take();
                let lock = self.store.locks.at_mut(slot);
                lock.queue = if next.is_some() { (next, last) } else { (None, None) };
                self.grant(slot, task);
            }
            None => {
                self.store.locks.free(slot);
                self.store.browser_mut(browser).set_lock(NONE);
            }
        }
    }

    fn grant(&mut self, slot: u32, task: Key) {
        self.store.locks.at_mut(slot).holder = Some(task);
        self.task_mut(task).granted = true;
        let agent = self.task(task).agent;
        self.enqueue(agent, task);
        let busy = self.busy(agent);
        busy.locked = true;
        match busy.holders {
            None => busy.holders = Some(task),
            Some(first) => {
                let mut last = first;
                while let Some(next) = self.task(last).next_holder {
                    last = next;
                }
                self.task_mut(last).next_holder = Some(task);
            }
        }
        self.store.soon.push_back(Next::Run(task));
    }

    /// Adds an operation to the object's own queue. Returns the last operation before it that has not ended.
    fn enqueue(&mut self, agent: Key, task: Key) -> Option<Key> {
        let busy = self.busy(agent);
        let place = busy.queued;
        busy.queued += 1;
        let last = busy.tail.replace(task);
        self.task_mut(task).place = place;
        last
    }

    /// An operation has waited too long for the lock.
    pub(super) fn waited_for_lock(&mut self, task: Key) {
        let Some(rules) = self.rules.lock else { return };
        let Some(it) = self.store.tasks.get(task) else { return };
        if !it.in_lock || !self.is_queued(task) {
            return;
        }
        self.leave_lock(task);
        if rules.steal {
            self.store.later.push_back(Next::Steal(task));
        } else {
            self.task_mut(task).in_lock = false;
            self.finish(task, Done::Failed);
        }
    }

    pub(super) fn steal(&mut self, task: Key) {
        let Some(it) = self.store.tasks.get(task) else { return };
        let browser = self.agent(it.agent).browser;
        let mut slot = self.store.browser(browser).lock();
        if slot == NONE {
            slot = self.store.locks.insert(Lock::default()).slot;
            self.store.browser_mut(browser).set_lock(slot);
        }
        if let Some(holder) = self.store.locks.at_mut(slot).holder.take() {
            self.task_mut(holder).stolen = true;
            self.answer_caller(holder, Done::Failed);
        }
        self.grant(slot, task);
    }

    /// Whether an operation that begins now would get the lock at once: no operation holds it or waits for it, and the object
    /// has none under way.
    pub(super) fn finds_lock_free(&self, agent: Key) -> bool {
        self.store.browser(self.agent(agent).browser).lock() == NONE
            && self.busy_if_any(agent).is_none_or(|busy| busy.tasks.is_none())
    }

    fn is_queued(&self, task: Key) -> bool {
        let slot = self.store.browser(self.agent(self.task(task).agent).browser).lock();
        let mut next = if slot == NONE { None } else { self.store.locks.at(slot).queue.0 };
        while let Some(waiting) = next {
            if waiting == task {
                return true;
            }
            next = self.task(waiting).link;
        }
        false
    }

    /// Removes an operation that goes away from the lock's queue, or from the lock.
    pub(super) fn leave_lock(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let slot = self.store.browser(self.agent(agent).browser).lock();
        if slot == NONE || !self.task(task).in_lock {
            return;
        }
        if self.store.locks.at(slot).holder == Some(task) {
            self.store.locks.at_mut(slot).holder = None;
            return;
        }
        let mut kept = (None, None);
        let mut next = self.store.locks.at(slot).queue.0;
        while let Some(waiting) = next {
            next = self.task_mut(waiting).link.take();
            if waiting != task {
                kept = self.append(kept, waiting);
            }
        }
        self.store.locks.at_mut(slot).queue = kept;
    }

    /// Ends an operation. Its caller gets the answer at once, unless the operation holds the lock; then the caller gets
    /// it when the object's queue is empty.
    pub(super) fn finish(&mut self, task: Key, done: Done) {
        let it = self.task(task);
        let (agent, in_lock, in_queue, successor) = (it.agent, it.in_lock, it.in_queue, it.successor);
        if !in_lock && !in_queue {
            self.answer_caller(task, done);
            return self.remove_task(task);
        }
        self.task_mut(task).done = Some(done);
        let tail = &mut self.busy(agent).tail;
        if *tail == Some(task) {
            *tail = None;
        }
        if let Some(next) = successor {
            self.store.soon.push_back(Next::Run(next));
        }
        if in_queue {
            self.answer_caller(task, done);
            self.remove_task(task);
        }
        self.drain(agent);
    }

    /// Lets the holders whose own operation has ended wait for the object's queue. Each holder waits for all operations
    /// in the queue, removes as many from it, and checks again. The holder that finds the queue empty releases the
    /// lock. After a theft there are several holders, and one may remove operations that have not ended (source,
    /// `_acquireLock`: `splice(0, waitOn.length)`).
    fn drain(&mut self, agent: Key) {
        if let Some(holder) = self.lone_holder(agent) {
            // It waits for nobody, so it finds the queue empty at its second look.
            let busy = self.busy(agent);
            busy.front = busy.queued;
            return self.give_back(agent, holder);
        }
        while let Some(holder) = self.next_to_drain(agent) {
            let Busy { front, queued, .. } = *self.busy(agent);
            match self.task_mut(holder).drains.take() {
                Some((from, to, _)) => self.busy(agent).front = (front + (to - from)).min(queued),
                None if front == queued => self.give_back(agent, holder),
                None => {
                    let number = self.store.drains;
                    self.store.drains = number.wrapping_add(1);
                    self.task_mut(holder).drains = Some((front, queued, number));
                }
            }
        }
    }

    /// The holder of the lock, if it has ended, waits for no operation yet, and is the object's only operation.
    fn lone_holder(&self, agent: Key) -> Option<Key> {
        let busy = self.busy_if_any(agent)?;
        let holder = busy.holders.filter(|holder| busy.tasks == Some(*holder))?;
        let it = self.task(holder);
        let is_lone = it.after.is_none() && it.next_holder.is_none();
        (is_lone && it.done.is_some() && it.drains.is_none()).then_some(holder)
    }

    /// The holder that can continue and has waited longest.
    fn next_to_drain(&self, agent: Key) -> Option<Key> {
        let busy = self.busy_if_any(agent)?;
        let (mut next, mut best) = (busy.holders, None);
        while let Some(holder) = next {
            let it = self.task(holder);
            next = it.next_holder;
            let waits_since = match it.drains {
                _ if it.done.is_none() => continue,
                None => return Some(holder),
                Some((from, to, number)) if self.all_ended(agent, from, to) => number,
                Some(_) => continue,
            };
            if best.is_none_or(|(number, _)| waits_since < number) {
                best = Some((waits_since, holder));
            }
        }
        best.map(|(_, holder)| holder)
    }

    /// Whether all operations at these places of the object's queue have ended.
    fn all_ended(&self, agent: Key, from: u32, to: u32) -> bool {
        let mut next = self.busy_if_any(agent).and_then(|b| b.tasks);
        while let Some(task) = next {
            let it = self.task(task);
            if (it.in_lock || it.in_queue)
                && it.done.is_none()
                && self.is_placed(task)
                && (from..to).contains(&it.place)
            {
                return false;
            }
            next = it.after;
        }
        true
    }

    /// Whether an operation is in its object's own queue and no longer in the browser's.
    fn is_placed(&self, task: Key) -> bool {
        self.task(task).in_queue || self.task(task).granted
    }

    /// Releases the lock, and gives the holder's caller the answer.
    fn give_back(&mut self, agent: Key, task: Key) {
        let browser = self.agent(agent).browser;
        let next = self.task(task).next_holder;
        let busy = self.busy(agent);
        busy.locked = false;
        if busy.holders == Some(task) {
            busy.holders = next;
        } else {
            let mut before = busy.holders.expect("a holder is in its object's list");
            while self.task(before).next_holder != Some(task) {
                before = self.task(before).next_holder.expect("a holder is in its object's list");
            }
            self.task_mut(before).next_holder = next;
        }
        let slot = self.store.browser(browser).lock();
        if slot != NONE && self.store.locks.at(slot).holder == Some(task) {
            self.store.locks.at_mut(slot).holder = None;
        }
        let done = self.task(task).done.expect("a holder ends before its queue is empty");
        if !self.task(task).stolen {
            self.answer_caller(task, done);
        }
        self.remove_task(task);
        self.pump_lock(browser);
    }
}
