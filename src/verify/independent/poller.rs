//! The session poller and the lock that the pollers of a browser share (`clerk-js.md`, session poller, poller lock).

use super::clock::{Gone, Promise};
use super::page::Page;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// A lock of one browser: first come, first served.
#[derive(Default)]
pub(super) struct Lock {
    /// The page that holds it.
    holder: Option<Gone>,
    waiting: VecDeque<(Gone, Promise<bool>)>,
}

/// One chain of ticks.
#[derive(Default)]
pub(super) struct Poller {
    began: Cell<bool>,
    /// The next tick, once the first is over; the flag says that it was called off.
    tick: RefCell<Option<Gone>>,
}

/// A tick that waits longer for the lock is skipped.
const PATIENCE: u64 = 4_999_000_000;
/// From the end of a tick to the next.
const INTERVAL: u64 = 5_000_000_000;
/// The same in a page with focus, from 6.25.9 on.
const OFTEN: u64 = 1_500_000_000;

impl Page {
    /// `startPollingForToken`: unless it polls.
    pub(super) fn starts_polling(self: &Rc<Page>) {
        let poller = Rc::clone(self.poller.borrow_mut().get_or_insert_default());
        if !poller.began.replace(true) {
            self.ticks(poller);
        }
    }

    /// `stopPollingForToken`: the next tick is called off, and the poller is done with. A tick under way goes on, and plans
    /// a next one all the same.
    pub(super) fn stops_polling(&self) {
        if let Some(poller) = self.poller.take()
            && let Some(tick) = poller.tick.take()
        {
            tick.set(true);
        }
    }

    fn ticks(self: &Rc<Page>, poller: Rc<Poller>) {
        let page = Rc::clone(self);
        self.spawn(async move {
            if page.takes_lock().await {
                page.refreshes_session_token(false).await;
                page.releases_lock();
            }
            let flag = Gone::default();
            poller.tick.replace(Some(Rc::clone(&flag)));
            let (next, gone) = (Rc::clone(&page), Rc::clone(&page.gone));
            let often = page.is_newest() && page.has_focus();
            page.world.clock.after(if often { OFTEN } else { INTERVAL }, move || {
                if !flag.get() && !gone.get() {
                    next.ticks(poller);
                }
            });
        });
    }

    /// Waits for the lock; whether it came in time.
    fn takes_lock(self: &Rc<Page>) -> Promise<bool> {
        let promise = Promise::new();
        let free = self.user().lock.borrow().holder.is_none();
        if free {
            self.user().lock.borrow_mut().holder = Some(Rc::clone(&self.gone));
            self.is_granted(promise.clone());
            return promise;
        }
        self.user().lock.borrow_mut().waiting.push_back((Rc::clone(&self.gone), promise.clone()));
        let (page, gives_up) = (Rc::clone(self), promise.clone());
        self.world.clock.after(PATIENCE, move || {
            if gives_up.resolve(false) {
                page.user().lock.borrow_mut().waiting.retain(|(_, other)| !other.is_known());
            }
        });
        promise
    }

    /// The grant is a message to the page.
    fn is_granted(self: &Rc<Page>, promise: Promise<bool>) {
        self.world.clock.at_once(move || {
            promise.resolve(true);
        });
    }

    /// The lock goes to the next in line.
    fn releases_lock(self: &Rc<Page>) {
        let next = {
            let mut lock = self.user().lock.borrow_mut();
            let next = lock.waiting.pop_front();
            lock.holder = next.as_ref().map(|(gone, _)| Rc::clone(gone));
            next
        };
        if let Some((_, promise)) = next {
            self.is_granted(promise);
        }
    }

    /// A page that goes away lets go of the lock and leaves its queue.
    pub(super) fn leaves_lock(self: &Rc<Page>) {
        let holds = {
            let mut lock = self.user().lock.borrow_mut();
            lock.waiting.retain(|(gone, _)| !Rc::ptr_eq(gone, &self.gone));
            lock.holder.as_ref().is_some_and(|gone| Rc::ptr_eq(gone, &self.gone))
        };
        if holds {
            self.releases_lock();
        }
    }
}
