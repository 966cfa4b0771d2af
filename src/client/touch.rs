//! Touches on focus, and `setActive` (`clerk-js.md`: focus, "The policies").

use super::page::{Fact, Judgement, Listeners, Page};
use super::policy::{Failure, TouchErrors};
use super::release::TOUCH_THROTTLE;
use super::task::{Caller, Kind, NONE, Reply, TaskId, Token, flag};

impl Page<'_> {
    /// The tab gains focus: a touch, unless throttled, and a `getToken` outside the poller's lock.
    pub(super) fn focus(&mut self) {
        if !self.tab.session {
            return;
        }
        // The token listener is the older of the two: it registers before the touch listener does.
        self.get_token(Caller::Focus, NONE, 0, 0, 0);
        if !self.tab.session || (self.tab.throttled && self.tab.touch_after > self.now) {
            return;
        }
        self.tab.touch_after = self.now.after(TOUCH_THROTTLE);
        let touch = self.start(Kind::Touch, Caller::Focus, NONE, 0);
        self.request(touch);
    }

    /// `setActive` with a session object, the current one or an older one that app code knows.
    pub(super) fn set_active(&mut self, navigate: bool, object: u16, depth: u16) {
        if !self.tab.client {
            return self.fact(Fact::AppError(Failure::NETWORK));
        }
        if !self.tab.session {
            // `setActive({ session: null })`: nothing to touch, the cookie goes.
            self.set_cookie(None);
            return;
        }
        let id = self.start(Kind::SetActive, Caller::App, NONE, depth);
        let touch = self.start(Kind::Touch, Caller::Parent, id, depth);
        self.tasks[touch].object = object;
        if navigate {
            self.tasks[id].flags |= flag::NAVIGATE;
            self.tasks[touch].flags |= flag::NAVIGATE;
        }
        self.request(touch);
    }

    /// The touch was answered: the client resource in it takes effect.
    pub(super) fn touched(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        let touch = self.tasks[id];
        // `setActive` with navigation tells listeners only at its end.
        let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
        let listeners = if by_navigation { Listeners::Later } else { Listeners::SameTask };
        self.client_arrives(token, listed, listeners, touch.depth);
        // The object that was touched takes the session of the answer, too.
        self.set_object_token(touch.object, token);
        self.tasks.end(id);
        self.touch_ended(touch.parent, Ok(()));
    }

    /// The touch was answered with nothing, because the browser is offline.
    pub(super) fn touched_nothing(&mut self, id: TaskId) {
        let touch = self.tasks[id];
        let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
        if let Some(token) = self.tab.last_token
            && !by_navigation
        {
            self.set_cookie(Some(token));
        }
        self.tasks.end(id);
        self.touch_ended(touch.parent, Ok(()));
    }

    /// The touch failed: the policy decides.
    pub(super) fn touch_failed(&mut self, id: TaskId, failure: Failure) {
        let touch = self.tasks[id];
        self.tasks.end(id);
        let result = if self.rules.enters.contains(failure) {
            self.fact(Fact::Judged { failure, verdict: Judgement::EnterFlow });
            self.enter_flow(NONE, true, touch.depth, Some(failure));
            Ok(())
        } else {
            let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
            if by_navigation || self.rules.touch_errors == TouchErrors::Surface {
                self.fact(Fact::Judged { failure, verdict: Judgement::Surface });
                Err(failure)
            } else {
                self.fact(Fact::Judged { failure, verdict: Judgement::Swallow });
                Ok(())
            }
        };
        self.touch_ended(touch.parent, result);
    }

    fn touch_ended(&mut self, parent: TaskId, result: Result<(), Failure>) {
        match (parent, result) {
            (NONE, Ok(())) => {}
            // Nobody awaits a touch on focus: an unhandled rejection.
            (NONE, Err(failure)) => self.fact(Fact::AppError(failure)),
            (set_active, Ok(())) if self.tab.listed => {
                // From here on it works on the client's own object, and makes it the current one in the end.
                let object = self.tab.newest_object;
                let task = &mut self.tasks[set_active];
                task.object = object;
                task.set_reply(Reply::Ok { token: self.tab.newest_token, listed: true });
                let depth = task.depth;
                self.get_token_of(object, Caller::Parent, set_active, 0, depth, 0);
            }
            (set_active, Ok(())) => {
                self.set_cookie(None);
                self.set_active_ends(set_active, false);
            }
            (set_active, Err(failure)) => self.set_active_throws(set_active, failure),
        }
    }

    /// The `getToken` of a `setActive` has ended.
    pub(super) fn set_active_has_token(&mut self, id: TaskId, result: Result<Option<Token>, Failure>) {
        match result {
            Ok(token) => {
                if token.is_none() {
                    self.set_cookie(None);
                }
                self.set_active_ends(id, true);
            }
            Err(Failure::OFFLINE) => self.set_active_ends(id, true),
            Err(failure) => self.set_active_throws(id, failure),
        }
    }

    fn set_active_ends(&mut self, id: TaskId, session: bool) {
        let task = self.tasks[id];
        self.tasks.end(id);
        self.fact(Fact::AppWaited(self.now.since(task.since)));
        if task.flags & flag::NAVIGATE != 0 {
            // `setTransitiveState`: while it navigates, listeners are told that there is no session.
            self.tab.shown = false;
        }
        if let Reply::Ok { token, .. } = task.reply()
            && session
            && task.object != self.tab.object
        {
            // Another answer has brought a newer object meanwhile; the older one is current again.
            self.tab.object = task.object;
            self.tab.last_token = token;
        }
        self.set_session(session);
        self.emit(task.depth);
    }

    fn set_active_throws(&mut self, id: TaskId, failure: Failure) {
        let since = self.tasks[id].since;
        self.tasks.end(id);
        self.fact(Fact::AppWaited(self.now.since(since)));
        self.fact(Fact::AppError(failure));
    }
}
