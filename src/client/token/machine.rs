//! The state machine: handles one input and all its consequences at that instant.

use super::browser::Copied;
use super::pool::{Key, NONE};
use super::rules::Rules;
use super::state::{Agent, Busy, Clock, Flight, Next, Op, Store, Task};
use super::traits::Traits;
use super::words::{Action, Fact, Input, Opening, Out, Timer};
use crate::client::backoff::Wait;
use crate::kernel::Time;

/// One step of one browser.
pub(super) struct Machine<'a> {
    pub store: &'a mut Store,
    pub rules: &'a Rules,
    pub now: Time,
    pub out: &'a mut Out,
    /// Depth of an entry that begins now: one more than the depth of the entry whose answer is being handled.
    pub depth: u16,
}

/// Opens client objects in a browser at once, as a page load does. Gives their keys to `opened`, in order.
pub fn open(
    rules: &Rules,
    store: &mut Store,
    browser: u32,
    objects: impl IntoIterator<Item = Opening>,
    now: Time,
    (mut opened, out): (impl FnMut(Key), &mut Out),
) {
    let mut machine = Machine { store, rules, now, out, depth: 0 };
    for how in objects {
        let agent = machine.add_agent(browser, how);
        opened(agent);
        let load = machine.add_task(agent, Op::Load);
        machine.begin(load);
        if how.listens && rules.load.listener_reads {
            let first = machine.add_task(agent, Op::Listener);
            machine.begin(first);
        }
        (0..how.asks).for_each(|_| machine.ask(agent));
    }
    machine.settle();
}

/// Handles an input of a client object and all its consequences at this instant. An input of a closed object has no
/// effect.
pub fn step(rules: &Rules, store: &mut Store, agent: Key, input: Input, now: Time, out: &mut Out) {
    let mut machine = Machine { store, rules, now, out, depth: 0 };
    if machine.store.agents.get(agent).is_none() {
        return;
    }
    match input {
        Input::Visible => machine.becomes_visible(agent),
        Input::Hidden => {
            machine.agent_mut(agent).traits.set_visible(false);
            machine.stop_ticker(agent);
        }
        Input::Ask(1) => machine.ask_alone(agent),
        Input::Ask(times) => (0..times).for_each(|_| machine.ask(agent)),
        Input::Restore(kept) => machine.restore(agent, kept),
        Input::Answer(request, reply) => machine.answer(request, reply),
        Input::Timer(timer) => machine.timer(agent, timer),
        Input::Close => {
            let browser = machine.agent(agent).browser;
            machine.close(agent);
            machine.pump_lock(browser);
        }
        Input::ClosePage => machine.close_page(agent),
    }
    machine.settle();
}

impl Machine<'_> {
    /// Runs all consequences: first the client's own continuations, then the browser's messages.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(next) = self.store.soon.pop_front() {
                self.follow(next);
            }
            self.depth = 0;
            match self.store.later.pop_front() {
                Some(next) => self.follow(next),
                None => break,
            }
        }
    }

    fn add_agent(&mut self, browser: u32, how: Opening) -> Key {
        let agent = self.store.agents.insert(Agent {
            browser,
            page: how.page,
            next: NONE,
            busy: NONE,
            copy: Copied::NONE,
            alarm_depth: 0,
            alarm_failures: 0,
            traits: Traits::new(&how),
        });
        let slot = agent.slot as usize;
        if self.store.clocks.len() <= slot {
            self.store.clocks.push(Clock::default());
        }
        // The slot's earlier object may have left these.
        if let Some(known) = self.store.discovered.get_mut(slot) {
            *known = None;
        }
        if let Some(checked) = self.store.checked.get_mut(slot) {
            (checked.alarm_at, checked.expiry_at, checked.visible_at) = (None, None, None);
        }
        let first = self.store.browser(browser).first;
        if first == NONE {
            self.store.browser_mut(browser).first = agent.slot;
        } else {
            let mut last = first;
            while self.store.agents.at(last).next != NONE {
                last = self.store.agents.at(last).next;
            }
            self.store.agents.at_mut(last).next = agent.slot;
        }
        agent
    }

    fn follow(&mut self, next: Next) {
        match next {
            Next::Begin(task) => self.begin(task),
            Next::Run(task) => self.run(task),
            Next::Resume(task, refreshed) => self.resume(task, refreshed),
            Next::AskLock(task) => self.ask_lock(task),
            Next::Steal(task) => self.steal(task),
            Next::Deliver { agent, news, depth } => self.hear(agent, news, depth),
            Next::Changed { agent, depth } => self.storage_changed(agent, depth),
            Next::Throttled(flight) => self.throttled(flight),
        }
    }

    fn timer(&mut self, agent: Key, timer: Timer) {
        match timer {
            Timer::Tick { ticker, first } => self.tick(agent, ticker, first),
            Timer::Alarm(alarm) => self.alarm(agent, alarm),
            Timer::Expiry(number) => self.expiry(agent, number),
            Timer::Retry(request) => self.retry(request),
            Timer::TimeOut(request) => self.timed_out(request),
            Timer::LockWait(task) => self.waited_for_lock(task),
        }
    }

    #[inline]
    pub(super) fn agent(&self, agent: Key) -> &Agent {
        self.store.agents.at(agent.slot)
    }

    #[inline]
    pub(super) fn agent_mut(&mut self, agent: Key) -> &mut Agent {
        self.store.agents.at_mut(agent.slot)
    }

    /// The object's work under way. Created on first use.
    #[inline]
    pub(super) fn busy(&mut self, agent: Key) -> &mut Busy {
        let slot = self.agent(agent).busy;
        let slot = if slot == NONE { self.becomes_busy(agent) } else { slot };
        self.store.busy.at_mut(slot)
    }

    /// Takes a slot for the object's work.
    #[inline(never)]
    fn becomes_busy(&mut self, agent: Key) -> u32 {
        let slot = self.store.busy.insert(Busy::default()).slot;
        self.agent_mut(agent).busy = slot;
        slot
    }

    /// The object's work under way, if any.
    pub(super) fn busy_if_any(&self, agent: Key) -> Option<&Busy> {
        let slot = self.agent(agent).busy;
        if slot == NONE { None } else { Some(self.store.busy.at(slot)) }
    }

    /// Frees the slot when no work is under way.
    pub(super) fn rest(&mut self, agent: Key) {
        let Some(it) = self.store.agents.get_mut(agent) else { return };
        if it.busy != NONE && self.store.busy.at(it.busy).is_idle() {
            self.store.busy.free(it.busy);
            it.busy = NONE;
        }
    }

    pub(super) fn add_task(&mut self, agent: Key, op: Op) -> Key {
        let (depth, started) = (self.depth, self.now);
        let after = self.busy(agent).tasks;
        let task = self.store.tasks.insert(Task {
            agent,
            op,
            stage: 0,
            call: 0,
            depth,
            started,
            asked: started,
            kept: None,
            stolen: false,
            in_lock: false,
            granted: false,
            in_queue: false,
            place: 0,
            drains: None,
            next_holder: None,
            before: None,
            after,
            flight: None,
            done: None,
            successor: None,
            link: None,
        });
        if let Some(after) = after {
            self.task_mut(after).before = Some(task);
        }
        self.busy(agent).tasks = Some(task);
        task
    }

    /// Removes an operation that has ended.
    pub(super) fn remove_task(&mut self, task: Key) {
        let Task { agent, before, after, .. } = *self.task(task);
        self.store.tasks.free(task.slot);
        match before {
            Some(before) => self.task_mut(before).after = after,
            None => self.busy(agent).tasks = after,
        }
        if let Some(after) = after {
            self.task_mut(after).before = before;
        }
        self.rest(agent);
    }

    #[inline]
    pub(super) fn fact(&mut self, agent: Key, fact: Fact) {
        self.out.facts.push((agent, fact));
    }

    #[inline]
    pub(super) fn wait(&mut self, agent: Key, timer: Timer, wait: Wait) {
        self.out.actions.push(Action::Wait { agent, timer, wait });
    }

    /// Closes the page of an object. All its objects go before the lock passes on, so that none of them gets it.
    fn close_page(&mut self, agent: Key) {
        let (browser, page) = (self.agent(agent).browser, self.agent(agent).page);
        let mut next = self.store.browser(browser).first;
        while next != NONE {
            let it = self.store.agents.at(next);
            let (slot, of_page) = (next, it.page == page);
            next = it.next;
            if of_page {
                self.close(self.store.agents.key(slot));
            }
        }
        self.pump_lock(browser);
    }

    /// Closes an object. Its operations and requests end without answers, and they leave the lock.
    fn close(&mut self, agent: Key) {
        let mut next = self.busy_if_any(agent).and_then(|b| b.tasks);
        while let Some(task) = next {
            next = self.task(task).after;
            self.leave_lock(task);
            if let Some(flight) = self.task(task).flight {
                self.drop_flight(flight);
            }
            self.store.tasks.free(task.slot);
        }
        self.stop_ticker(agent);
        self.stop_timers(agent);
        self.store.set_copy(agent, None);
        let it = self.store.agents.remove(agent).expect("a page that closes is open");
        if it.busy != NONE {
            self.store.busy.free(it.busy);
        }
        let browser = self.store.browser_mut(it.browser);
        if browser.first == agent.slot {
            browser.first = it.next;
        } else {
            let mut before = browser.first;
            while self.store.agents.at(before).next != agent.slot {
                before = self.store.agents.at(before).next;
            }
            self.store.agents.at_mut(before).next = it.next;
        }
    }

    #[inline]
    pub(super) fn task(&self, task: Key) -> &Task {
        self.store.tasks.at(task.slot)
    }

    #[inline]
    pub(super) fn task_mut(&mut self, task: Key) -> &mut Task {
        self.store.tasks.at_mut(task.slot)
    }

    #[inline]
    pub(super) fn flight(&self, flight: Key) -> &Flight {
        self.store.flights.at(flight.slot)
    }

    /// Appends a task to a list of waiting tasks.
    pub(super) fn append(
        &mut self,
        list: (Option<Key>, Option<Key>),
        task: Key,
    ) -> (Option<Key>, Option<Key>) {
        self.task_mut(task).link = None;
        match list {
            (Some(first), Some(last)) => {
                self.task_mut(last).link = Some(task);
                (Some(first), Some(task))
            }
            _ => (Some(task), Some(task)),
        }
    }
}
