//! The page load: /environment and /client side by side, and the way on when they fail.
//!
//! `clerk-js.md` knows it by its recordings (S12b, S12d, S12f): a 4xx to /client rejects the load; 5xx and network errors
//! fall back to the session in the cookie, whose token is then fetched past the cache while the poller stands still.

use super::page::{Fact, Page, Status, Tab};
use super::policy::Failure;
use super::task::{Caller, Kind, NONE, TaskId, Token, flag};

impl Page<'_> {
    /// Opens the page, or loads it anew: all that the old one was in the middle of is gone.
    pub(super) fn open(&mut self) {
        let visit = self.tab.visit + u16::from(!self.tab.open);
        self.leave();
        self.tab.open = true;
        self.tab.visit = visit;
        self.fact(Fact::Status(Status::Loading));
        self.start_polling();
        let load = self.start(Kind::Load, Caller::Parent, NONE, 0);
        let environment = self.start(Kind::LoadEnvironment, Caller::Parent, load, 0);
        let client = self.start(Kind::LoadClient, Caller::Parent, load, 0);
        self.tasks[load].attempt = 2;
        self.request(environment);
        self.request(client);
    }

    /// Closes the page. Nobody signs out by that: the cookie stays.
    pub(super) fn close(&mut self) {
        self.leave();
    }

    /// Leaves the page behind: its tasks are of an epoch that is over.
    fn leave(&mut self) {
        if self.tab.open {
            self.forget_lock();
        }
        let was_signed_in = self.tab.session;
        *self.tab = Tab {
            epoch: self.tab.epoch.wrapping_add(1),
            visit: self.tab.visit,
            poll: NONE,
            ..Tab::default()
        };
        if was_signed_in {
            self.fact(Fact::PageGone);
        }
    }

    /// /environment is there, or has failed: the page goes on without it, and says `degraded` in the end.
    pub(super) fn environment_loaded(&mut self, id: TaskId, failure: Option<Failure>) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        match failure {
            None => self.tab.environment = true,
            Some(_) => self.tasks[load].flags |= flag::DEGRADED,
        }
        self.part_loaded(load);
    }

    /// /client is there.
    pub(super) fn client_loaded(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        self.client_arrives(token, listed, true, 0);
        self.part_loaded(load);
    }

    /// /client failed: 4xx for good; otherwise the session in the cookie will have to do.
    pub(super) fn client_load_failed(&mut self, id: TaskId, failure: Failure) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        if matches!(failure.status, 400..=499) {
            self.tasks[load].reply = super::task::Reply::Fail(failure);
            self.tasks[load].flags |= flag::CLIENT_DONE;
            return self.part_loaded(load);
        }
        self.tasks[load].flags |= flag::DEGRADED;
        let cookie = self.browser.cookie;
        self.client_arrives(cookie, cookie.is_some(), true, 0);
        self.stop_polling();
        if self.tab.session {
            self.get_token(Caller::Parent, load, flag::SKIP_CACHE, 0, 0);
        } else {
            // Without a session the poller is not started again (the optional chain skips its `finally`).
            self.part_loaded(load);
        }
    }

    /// The token of the session in the cookie is there, or is not to be had.
    pub(super) fn load_has_token(&mut self, load: TaskId) {
        self.start_polling();
        self.part_loaded(load);
    }

    fn part_loaded(&mut self, load: TaskId) {
        self.tasks[load].attempt -= 1;
        if self.tasks[load].attempt > 0 {
            return;
        }
        let task = self.tasks[load];
        self.tasks.end(load);
        if task.flags & flag::CLIENT_DONE != 0 {
            if self.browser.offline {
                // The load ends without a word, and the status stays.
                return self.fact(Fact::LoadEnd(self.tab.status));
            }
            self.set_status(Status::Error);
            self.fact(Fact::LoadEnd(Status::Error));
            if let super::task::Reply::Fail(failure) = task.reply {
                self.fact(Fact::AppError(failure));
            }
            return;
        }
        self.set_status(if task.flags & flag::DEGRADED == 0 { Status::Ready } else { Status::Degraded });
        self.fact(Fact::LoadEnd(self.tab.status));
    }
}
