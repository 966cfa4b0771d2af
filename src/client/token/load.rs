//! The load of a page, the return to a tab, another page's write, and a session that the app restores.

use super::machine::Machine;
use super::ops::{FAILED, LOOKUP, REPLACE, nanos};
use super::pool::Key;
use super::rules::{Endpoint, ExpiryClock, Place};
use super::state::{Done, Held, News, Next, Op, Refreshed, Until};
use super::traits::Ready;
use super::words::{Fact, Storage};

impl Machine<'_> {
    /// Loads or returns to the tab, for a client that keeps the session in the storage.
    pub(super) fn recover(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let Some(held) = self.session(agent) else { return self.end_recovery(task) };
        if self.left(agent, held) >= nanos(self.rules.caller_margin) {
            if self.rules.load.announces {
                self.tell(agent, News::SignedIn);
                if self.agent(agent).traits.listens() {
                    // The listener runs in a turn of its own, so an object without a listener that opened at the same
                    // time goes first.
                    return self.store.soon.push_back(Next::Resume(task, Refreshed::Unanswered));
                }
            }
            self.end_recovery(task);
        } else if self.agent(agent).traits.is_auto() && self.rules.load.refreshes {
            self.refresh(task, Some(held.refresh));
        } else {
            self.end_recovery(task);
        }
    }

    pub(super) fn end_recovery(&mut self, task: Key) {
        let (agent, op) = (self.task(task).agent, self.task(task).op);
        if op == Op::Load {
            self.start_ticker(agent);
            if self.rules.timer.is_some() {
                self.set_alarm(agent);
            }
        }
        self.finish(task, Done::Nothing);
    }

    /// Loads, for a client that keeps a copy in the object: refreshes within the margin, then requests account data,
    /// then sets the user.
    pub(super) fn load_copy(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let browser = self.agent(agent).browser;
        let stored = self.store.browser(browser).stored;
        if self.rules.place == Place::Page {
            // What is stored only marks the user as signed in.
            return match stored {
                Some(_) if self.rules.load.refreshes && self.rules.refreshes_without_token() => {
                    self.refresh(task, None);
                }
                _ => self.end_load(task),
            };
        }
        let mut held = stored;
        if self.rules.clock == ExpiryClock::Measured {
            held = held.map(|held| Held { until: Until::new(i64::MIN), ..held });
        }
        self.store.set_copy(agent, held);
        match held {
            None => self.end_load(task),
            Some(held)
                if self.rules.load.forces
                    || self.rules.load.refreshes
                        && self.left(agent, held) < nanos(self.rules.caller_margin) =>
            {
                self.refresh(task, Some(held.refresh));
            }
            Some(held) => self.look_up(task, held),
        }
    }

    pub(super) fn look_up(&mut self, task: Key, held: Held) {
        self.task_mut(task).stage = LOOKUP;
        if self.rules.load.lookup {
            self.start(task, Endpoint::Lookup, held.refresh);
        } else {
            self.end_load(task);
        }
    }

    pub(super) fn loaded_copy(&mut self, task: Key, refreshed: Refreshed) {
        match refreshed {
            Refreshed::Yes(held) if self.task(task).stage != LOOKUP => self.look_up(task, held),
            Refreshed::Yes(_) => self.end_load(task),
            _ if self.rules.load.fails => self.fail_load(task),
            _ => self.end_load(task),
        }
    }

    pub(super) fn end_load(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let (slot, held, listens) =
            (self.agent(agent).browser, self.store.copy(agent), self.agent(agent).traits.listens());
        self.agent_mut(agent).traits.set_ready(Ready::Yes);
        match held {
            Some(held) => {
                if self.rules.place == Place::Copied {
                    self.save(agent, held);
                }
                self.set_alarm(agent);
            }
            None => {
                if self.rules.place != Place::Page && self.store.browser(slot).stored.is_some() {
                    self.sign_out_at_load(agent);
                }
            }
        }
        if listens {
            self.first_event(agent, held.map(|h| h.exp_s));
        }
        self.finish(task, Done::Nothing);
    }

    /// The load has failed, and the page continues.
    fn fail_load(&mut self, task: Key) {
        let agent = self.task(task).agent;
        self.agent_mut(agent).traits.set_ready(Ready::Yes);
        self.fact(agent, Fact::LoadFailed);
        self.task_mut(task).stage = FAILED;
        self.finish(task, Done::Nothing);
    }

    pub(super) fn sign_out_at_load(&mut self, agent: Key) {
        let listens = self.agent_mut(agent).traits.listen(false);
        self.sign_out(agent, None);
        self.agent_mut(agent).traits.listen(listens);
    }

    /// The load has ended. The operations that waited for it begin. If the load's lock was stolen, the object is
    /// broken.
    pub(super) fn loaded(&mut self, agent: Key, broken: bool, ok: bool) {
        self.agent_mut(agent).traits.set_ready(if broken { Ready::Broken } else { Ready::Yes });
        let parked = match self.busy_if_any(agent) {
            Some(_) => std::mem::take(&mut self.busy(agent).parked),
            None => (None, None),
        };
        self.fact(agent, Fact::Loaded(ok));
        let mut next = parked.0;
        while let Some(task) = next {
            next = self.task_mut(task).link.take();
            self.store.soon.push_back(Next::Begin(task));
        }
        self.rest(agent);
    }

    /// Another page wrote to the storage.
    pub(super) fn storage_changed(&mut self, agent: Key, depth: u16) {
        if self.store.agents.get(agent).is_some() {
            self.depth = depth;
            let task = self.add_task(agent, Op::Copy);
            let it = self.agent(agent);
            let stage = if it.traits.ready() == Ready::No { REPLACE } else { 0 };
            let kept = self.store.browser(it.browser).stored;
            let it = self.task_mut(task);
            (it.kept, it.stage) = (kept, stage);
            self.begin(task);
        }
    }

    /// Copies the storage as it was when its event arrived. An object that was loading then treats the user as new: it
    /// sets its timer again and writes the storage once more.
    pub(super) fn copy(&mut self, task: Key) {
        let (agent, stage, stored) = (self.task(task).agent, self.task(task).stage, self.task(task).kept);
        match (self.store.copy(agent), stored) {
            (old, Some(new)) if old.is_none() || stage == REPLACE => {
                self.save(agent, new);
                self.set_alarm(agent);
                self.tell(agent, if old.is_none() { News::SignedIn } else { News::Refreshed });
            }
            (Some(old), Some(new)) if old.access != new.access => {
                self.store.set_copy(agent, Some(new));
                if self.left(agent, new) < nanos(self.rules.caller_margin) {
                    return self.refresh(task, Some(new.refresh));
                }
                self.fact(agent, Fact::Storage(Storage::Set));
                self.tell(agent, News::Refreshed);
            }
            (Some(_), None) => {
                self.fact(agent, Fact::SignedOut { status: None });
                self.store.set_copy(agent, None);
                self.stop_timers(agent);
                self.tell(agent, News::SignedOut);
            }
            _ => {}
        }
        self.finish(task, Done::Nothing);
    }

    pub(super) fn put_back(&mut self, task: Key) {
        let agent = self.task(task).agent;
        let kept = self.task(task).kept.expect("a restore has a session");
        if self.left(agent, kept) <= 0 {
            self.refresh(task, Some(kept.refresh));
        } else {
            self.task_mut(task).stage = LOOKUP;
            self.start(task, Endpoint::User, kept.refresh);
        }
    }

    pub(super) fn put_back_done(&mut self, task: Key, refreshed: Refreshed) {
        let (agent, stage) = (self.task(task).agent, self.task(task).stage);
        match refreshed {
            Refreshed::Yes(_) if stage == LOOKUP => {
                let kept = self.task(task).kept.expect("a restore has a session");
                self.save(agent, kept);
                self.tell(agent, News::SignedIn);
                self.finish(task, Done::Session(kept.exp_s));
            }
            Refreshed::Yes(held) => self.finish(task, Done::Session(held.exp_s)),
            _ => self.finish(task, self.failure()),
        }
    }
}
