//! The machine: one input, and everything that follows from it within the instant.

use super::pool::{Key, NONE};
use super::rules::{Place, Rules};
use super::state::{Agent, Busy, Flight, Held, News, Next, Op, Ready, Refreshed, Store, Task};
use super::words::{Action, Fact, Input, Opening, Out, Reply, Storage, Timer};
use crate::kernel::{Dur, Time};

/// One step of one browser.
pub(super) struct Machine<'a> {
    pub store: &'a mut Store,
    pub rules: &'a Rules,
    pub now: Time,
    pub out: &'a mut Out,
    /// Depth of an entry that begins now: one more than that of the entry whose answer is being heard.
    pub depth: u16,
}

/// Opens client objects in a browser, all at once: a page loads. Their keys are appended to `keys`.
pub fn open(
    rules: &Rules,
    store: &mut Store,
    browser: Key,
    objects: &[Opening],
    now: Time,
    (keys, out): (&mut Vec<Key>, &mut Out),
) {
    let mut machine = Machine { store, rules, now, out, depth: 0 };
    for how in objects {
        let agent = machine.add_agent(browser, *how);
        keys.push(agent);
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

/// One input for one client object, and everything that follows from it at this instant. An input for an object that
/// has been closed does nothing.
pub fn step(rules: &Rules, store: &mut Store, agent: Key, input: Input, now: Time, out: &mut Out) {
    let mut machine = Machine { store, rules, now, out, depth: 0 };
    if machine.store.agents.get(agent).is_none() {
        return;
    }
    match input {
        Input::Visible => machine.becomes_visible(agent),
        Input::Hidden => {
            let it = machine.agent_mut(agent);
            it.visible = false;
            it.tick = it.tick.wrapping_add(1);
        }
        Input::Ask(times) => (0..times).for_each(|_| machine.ask(agent)),
        Input::Restore(kept) => machine.restore(agent, kept),
        Input::Answer(request, reply) => machine.answer(request, reply),
        Input::Timer(timer) => machine.timer(agent, timer),
        Input::Close => machine.close(agent),
    }
    machine.settle();
}

impl Machine<'_> {
    /// Runs what follows, until nothing does: first the client's own continuations, then the browser's messages.
    fn settle(&mut self) {
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

    fn add_agent(&mut self, browser: Key, how: Opening) -> Key {
        let agent = self.store.agents.insert(Agent {
            browser: browser.slot,
            page: how.page,
            next: NONE,
            busy: NONE,
            tick: 0,
            alarm: 0,
            held: None,
            alarm_depth: 0,
            alarm_failures: 0,
            ready: Ready::No,
            visible: how.visible,
            auto: how.auto,
            listens: how.listens,
            asks_on_event: how.asks_on_event,
        });
        let first = self.store.browsers.at(browser.slot).first;
        if first == NONE {
            self.store.browsers.at_mut(browser.slot).first = agent.slot;
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
        }
    }

    fn timer(&mut self, agent: Key, timer: Timer) {
        match timer {
            Timer::Tick { ticker, first } => self.tick(agent, ticker, first),
            Timer::Alarm(alarm) => self.alarm(agent, alarm),
            Timer::Retry(request) => self.retry(request),
            Timer::TimeOut(request) => self.timed_out(request),
            Timer::LockWait(task) => self.waited_for_lock(task),
        }
    }

    pub fn agent(&self, agent: Key) -> &Agent {
        self.store.agents.at(agent.slot)
    }

    pub fn agent_mut(&mut self, agent: Key) -> &mut Agent {
        self.store.agents.at_mut(agent.slot)
    }

    /// What is under way at a client object; made when first needed.
    pub fn busy(&mut self, agent: Key) -> &mut Busy {
        let slot = self.store.agents.at(agent.slot).busy;
        let slot = if slot == NONE {
            let key = self.store.busy.insert(Busy::default());
            self.store.agents.at_mut(agent.slot).busy = key.slot;
            key.slot
        } else {
            slot
        };
        self.store.busy.at_mut(slot)
    }

    /// What is under way, if anything is.
    pub fn busy_if_any(&self, agent: Key) -> Option<&Busy> {
        let slot = self.agent(agent).busy;
        if slot == NONE { None } else { Some(self.store.busy.at(slot)) }
    }

    /// Gives the slot back when nothing is under way.
    pub fn rest(&mut self, agent: Key) {
        let Some(it) = self.store.agents.get(agent) else { return };
        if it.busy != NONE && self.store.busy.at(it.busy).is_idle() {
            let key = self.store.busy.key(it.busy);
            self.store.busy.remove(key);
            self.agent_mut(agent).busy = NONE;
        }
    }

    pub fn add_task(&mut self, agent: Key, op: Op) -> Key {
        let (depth, started) = (self.depth, self.now);
        let after = self.busy(agent).tasks;
        let task = self.store.tasks.insert(Task {
            agent,
            op,
            stage: 0,
            call: 0,
            depth,
            started,
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

    /// An operation has ended.
    pub fn remove_task(&mut self, task: Key) {
        let it = self.store.tasks.remove(task).expect("an operation ends once");
        match it.before {
            Some(before) => self.task_mut(before).after = it.after,
            None => self.busy(it.agent).tasks = it.after,
        }
        if let Some(after) = it.after {
            self.task_mut(after).before = it.before;
        }
        self.rest(it.agent);
    }

    pub fn fact(&mut self, agent: Key, fact: Fact) {
        self.out.facts.push((agent, fact));
    }

    pub fn wait(&mut self, agent: Key, timer: Timer, at: Time, jitter: Dur) {
        self.out.actions.push(Action::Wait { agent, timer, at, jitter });
    }

    /// The client's own clock, in nanoseconds since the start of the run by the server's.
    pub fn clock(&self, agent: Key) -> i64 {
        let skew = self.store.browsers.at(self.agent(agent).browser).skew;
        i64::try_from(self.now.0).expect("a run is shorter than 292 years").saturating_add(skew)
    }

    /// How long the client takes the access token for good; negative when it has expired.
    pub fn left(&self, agent: Key, held: Held) -> i64 {
        held.until - self.clock(agent)
    }

    /// The session as the object reads it.
    pub fn session(&self, agent: Key) -> Option<Held> {
        match self.rules.place {
            Place::Storage => self.store.browsers.at(self.agent(agent).browser).stored,
            Place::Copied | Place::Memory => self.agent(agent).held,
        }
    }

    /// Stores a refreshed session and tells about it.
    pub fn save(&mut self, agent: Key, held: Held) {
        let (browser, ready) = (self.agent(agent).browser, self.agent(agent).ready);
        match self.rules.place {
            Place::Storage => {
                self.store.browsers.at_mut(browser).stored = Some(held);
                self.fact(agent, Fact::Storage(Storage::Set));
            }
            Place::Copied => {
                self.agent_mut(agent).held = Some(held);
                if ready == Ready::Yes {
                    let before = self.store.browsers.at_mut(browser).stored.replace(held);
                    self.fact(agent, Fact::Storage(Storage::Set));
                    // A browser tells the other pages of a change, not of the same value written again.
                    if before != Some(held) {
                        self.tell_pages(agent);
                    }
                }
            }
            Place::Memory => self.agent_mut(agent).held = Some(held),
        }
    }

    /// Removes the session, tells about it, and forgets a remembered failure.
    pub fn sign_out(&mut self, agent: Key, status: Option<u16>) {
        let (slot, busy) = (self.agent(agent).browser, self.agent(agent).busy);
        if busy != NONE {
            self.store.busy.at_mut(busy).cool = None;
        }
        if self.session(agent).is_some() {
            self.fact(agent, Fact::SignedOut { status });
        }
        self.agent_mut(agent).held = None;
        self.stop_alarm(agent);
        if self.rules.place != Place::Memory {
            let browser = self.store.browsers.at_mut(slot);
            if !browser.removals_stick {
                self.fact(agent, Fact::Storage(Storage::RemovalIgnored));
            } else if browser.stored.take().is_some() {
                self.fact(agent, Fact::Storage(Storage::Removed));
                self.tell_pages(agent);
            }
        }
        self.tell(agent, News::SignedOut);
    }

    /// A storage event for every other page of the browser, where clients keep their own copies.
    fn tell_pages(&mut self, agent: Key) {
        if self.rules.place != Place::Copied {
            return;
        }
        let (page, depth) = (self.agent(agent).page, self.depth);
        let mut other = self.store.browsers.at(self.agent(agent).browser).first;
        while other != NONE {
            let it = self.store.agents.at(other);
            let next = it.next;
            if it.page != page {
                let agent = self.store.agents.key(other);
                self.store.later.push_back(Next::Changed { agent, depth });
            }
            other = next;
        }
    }

    /// An event, for the object's listeners and for the browser's other objects.
    pub fn tell(&mut self, agent: Key, news: News) {
        if self.agent(agent).ready == Ready::No {
            if self.rules.load.holds_events {
                let held = &mut self.busy(agent).held_events;
                let free = usize::from(held[0].is_some());
                held[free] = Some(news);
                return;
            }
            if self.rules.place == Place::Copied {
                return;
            }
        }
        if self.rules.broadcasts {
            self.fact(agent, Fact::Broadcast(news));
            let depth = self.depth;
            let mut other = self.store.browsers.at(self.agent(agent).browser).first;
            while other != NONE {
                let next = self.store.agents.at(other).next;
                if other != agent.slot {
                    let agent = self.store.agents.key(other);
                    self.store.later.push_back(Next::Deliver { agent, news, depth });
                }
                other = next;
            }
        }
        self.notify(agent, news);
    }

    /// An event from another object of the browser.
    fn hear(&mut self, agent: Key, news: News, depth: u16) {
        if self.store.agents.get(agent).is_none() {
            return;
        }
        if news != News::SignedOut && self.rules.cooldown.is_some_and(|c| c.ended_by_news) {
            let slot = self.agent(agent).busy;
            if slot != NONE {
                self.store.busy.at_mut(slot).cool = None;
                self.rest(agent);
            }
        }
        self.depth = depth;
        self.notify(agent, news);
    }

    /// The object's own listeners.
    pub fn notify(&mut self, agent: Key, news: News) {
        let session = if news == News::SignedOut { None } else { self.session(agent) };
        let it = self.agent(agent);
        if it.listens {
            let asks = it.asks_on_event;
            self.fact(agent, Fact::Event(news, session.map(|s| s.exp_s)));
            if asks {
                self.ask(agent);
            }
        }
    }

    /// A page goes away: its operations and requests end without a word, its lock is free.
    fn close(&mut self, agent: Key) {
        let mut next = self.busy_if_any(agent).and_then(|b| b.tasks);
        while let Some(task) = next {
            next = self.task(task).after;
            self.leave_lock(task);
            if let Some(flight) = self.task(task).flight {
                self.store.flights.remove(flight);
            }
            self.store.tasks.remove(task);
        }
        let it = self.store.agents.remove(agent).expect("a page that closes is open");
        if it.busy != NONE {
            let key = self.store.busy.key(it.busy);
            self.store.busy.remove(key);
        }
        let browser = self.store.browsers.at_mut(it.browser);
        if browser.first == agent.slot {
            browser.first = it.next;
        } else {
            let mut before = browser.first;
            while self.store.agents.at(before).next != agent.slot {
                before = self.store.agents.at(before).next;
            }
            self.store.agents.at_mut(before).next = it.next;
        }
        self.pump_lock(it.browser);
    }

    pub fn task(&self, task: Key) -> &Task {
        self.store.tasks.at(task.slot)
    }

    pub fn task_mut(&mut self, task: Key) -> &mut Task {
        self.store.tasks.at_mut(task.slot)
    }

    pub fn flight(&self, flight: Key) -> &Flight {
        self.store.flights.at(flight.slot)
    }

    /// Appends a task to a list of waiting ones.
    pub fn append(&mut self, list: (Option<Key>, Option<Key>), task: Key) -> (Option<Key>, Option<Key>) {
        self.task_mut(task).link = None;
        match list {
            (Some(first), Some(last)) => {
                self.task_mut(last).link = Some(task);
                (Some(first), Some(task))
            }
            _ => (Some(task), Some(task)),
        }
    }

    /// Passes a result to everybody in a list, in order, after what is already to follow.
    pub fn resume_all(&mut self, list: (Option<Key>, Option<Key>), refreshed: Refreshed) {
        let mut next = list.0;
        while let Some(task) = next {
            next = self.task_mut(task).link.take();
            self.store.soon.push_back(Next::Resume(task, refreshed));
        }
    }

    /// Whether an answer is a session's end by a reply of the server.
    pub fn reply_status(reply: Reply) -> Option<u16> {
        match reply {
            Reply::Error(status, _) => Some(status),
            Reply::Ok(_) | Reply::NoAnswer => None,
        }
    }
}
