//! The session poller and its cross-tab lock (`clerk-js.md`: session poller, poller lock).

use super::page::Page;
use super::release::{FOCUSED_POLL_INTERVAL, LOCK_PATIENCE, POLL_INTERVAL};
use super::task::{Caller, NONE, Stage};
use crate::client::backoff::Wait;
use crate::client::step::Action;
use crate::client::step::TaskId;

impl Page<'_> {
    /// Starts the poller unless it runs. The first tick comes at once.
    pub(super) fn start_polling(&mut self) {
        if self.tab.poll != NONE {
            return;
        }
        let id = self.tasks.start_poller(self.id, self.tab.epoch);
        self.tab.poll = id;
        self.tick(id);
    }

    /// Stops the poller. As in the client, a tick under way continues and sets its next timer.
    pub(super) fn stop_polling(&mut self) {
        let id = self.tab.poll;
        if id == NONE {
            return;
        }
        self.tab.poll = NONE;
        if self.tasks.poller_stage(id) == Stage::Timer {
            self.tasks.end(id);
        }
    }

    /// The poller's timer is due: for its next tick, or because it waited too long for the lock.
    pub(super) fn poll_timer(&mut self, id: TaskId) {
        if self.tasks.poller_stage(id) == Stage::Lock {
            self.leave_lock_queue(id);
            return self.rest(id);
        }
        self.tick(id);
    }

    fn tick(&mut self, id: TaskId) {
        if self.browser.lock == NONE {
            return self.hold_lock(id);
        }
        self.tasks.poller_waits(id, Stage::Lock);
        self.tasks.set_next_poller(id, NONE);
        let mut at = self.browser.lock_queue;
        if at == NONE {
            self.browser.lock_queue = id;
        } else {
            while self.tasks.next_poller(at) != NONE {
                at = self.tasks.next_poller(at);
            }
            self.tasks.set_next_poller(at, id);
        }
        self.wait(id, Wait::exactly(LOCK_PATIENCE));
    }

    /// The poller gets the lock: `refreshSessionToken`.
    pub(super) fn hold_lock(&mut self, id: TaskId) {
        self.browser.lock = id;
        self.tasks.poller_waits(id, Stage::Waiting);
        if self.tab.session() {
            self.get_token(Caller::Poller, id, 0, 0, 0);
        } else {
            self.poll_ended(id);
        }
    }

    /// A tick has ended. The lock goes to the next poller in the queue.
    pub(super) fn poll_ended(&mut self, id: TaskId) {
        self.release_lock(id);
        self.rest(id);
    }

    fn rest(&mut self, id: TaskId) {
        self.tasks.poller_waits(id, Stage::Timer);
        let focused = self.setup.release.heeds_focus && self.has_focus();
        self.wait(id, Wait::exactly(if focused { FOCUSED_POLL_INTERVAL } else { POLL_INTERVAL }));
    }

    /// Releases the lock, if this poller holds it.
    pub(super) fn release_lock(&mut self, id: TaskId) {
        if self.browser.lock != id {
            return;
        }
        let next = self.browser.lock_queue;
        self.browser.lock = NONE;
        if next != NONE {
            self.browser.lock_queue = self.tasks.next_poller(next);
            self.tasks.set_next_poller(next, NONE);
            // Reserves the lock for the next poller, whose limit on waiting no longer applies.
            self.browser.lock = next;
            self.tasks.rearm(next);
            self.out.push(Action::Grant { task: next });
        }
    }

    fn leave_lock_queue(&mut self, id: TaskId) {
        let next = self.tasks.next_poller(id);
        if self.browser.lock_queue == id {
            self.browser.lock_queue = next;
            return;
        }
        let mut at = self.browser.lock_queue;
        while at != NONE {
            if self.tasks.next_poller(at) == id {
                self.tasks.set_next_poller(at, next);
                return;
            }
            at = self.tasks.next_poller(at);
        }
    }

    /// Releases the lock for the pollers of a page that goes away, and removes them from the queue.
    pub(super) fn forget_lock(&mut self) {
        let mine = |page: &Self, id: TaskId| page.tasks.tab(id) == page.id;
        let mut at = self.browser.lock_queue;
        while at != NONE {
            let next = self.tasks.next_poller(at);
            if mine(self, at) {
                self.leave_lock_queue(at);
            }
            at = next;
        }
        let holder = self.browser.lock;
        if holder != NONE && mine(self, holder) {
            self.release_lock(holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{NEW, TestBench};
    use super::super::release::Model::ClerkJs6_3_3;
    use super::*;
    use crate::client::step::Input;
    use crate::kernel::Time;

    /// The pollers of a browser's tabs that wait for the lock, in queue order.
    fn queue(bench: &TestBench) -> Vec<TaskId> {
        let mut at = bench.browser.lock_queue;
        std::iter::from_fn(|| {
            let found = at;
            at = if at == NONE { NONE } else { bench.tasks.next_poller(at) };
            (found != NONE).then_some(found)
        })
        .collect()
    }

    /// `navigator.locks`: first come, first served. A poller that leaves after 4,999 ms does not change the order of
    /// the others.
    #[test]
    fn the_queue_for_the_lock_keeps_its_order_whoever_leaves() {
        for gone in 0..5 {
            let mut bench = TestBench::new(ClerkJs6_3_3, NEW);
            let pollers: Vec<TaskId> = (0..5).map(|tab| bench.tasks.start_poller(tab, 0)).collect();
            for &poller in &pollers {
                let waits = bench.at(Time::ZERO, |page| page.tick(poller));
                // The first poller gets the lock, has nothing to do without a session, and waits for its next tick.
                let wait = if poller == pollers[0] { POLL_INTERVAL } else { LOCK_PATIENCE };
                let expected = Action::Wait { task: poller, generation: 0, wait: Wait::exactly(wait) };
                assert_eq!(waits, [expected]);
                bench.browser.lock = pollers[0];
            }
            assert_eq!(queue(&bench), pollers[1..]);
            bench.at(Time::ZERO, |page| page.leave_lock_queue(pollers[gone]));
            let mut left = pollers[1..].to_vec();
            left.retain(|poller| *poller != pollers[gone]);
            assert_eq!(queue(&bench), left, "{gone} has gone");
        }
    }

    /// A page reloads between the grant of the lock and its use. The old page's poller is gone and holds nothing.
    #[test]
    fn a_lock_granted_to_a_page_that_is_gone_is_free() {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
        let elsewhere = bench.tasks.start_poller(7, 0);
        bench.browser.lock = elsewhere;
        let own = bench.tab.poll;
        bench.step(Time::from_ms(5_000), Input::Timer(own));
        assert_eq!(queue(&bench), [own]);
        let granted = bench.at(Time::from_ms(5_100), |page| page.release_lock(elsewhere));
        assert_eq!(granted, [Action::Grant { task: own }]);
        bench.step(Time::from_ms(5_100), Input::Open);
        let live = bench.tasks.live();
        assert_eq!(bench.step(Time::from_ms(5_100), Input::Lock(own)), []);
        assert_eq!((bench.browser.lock, bench.tasks.live()), (NONE, live - 1));
    }
}
