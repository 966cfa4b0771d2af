//! Touches on focus, and `setActive` (`clerk-js.md`: focus, "The policies").

#[cfg(test)]
mod tests;

use super::page::Page;
use super::release::TOUCH_THROTTLE;
use super::resource::Listeners;
use super::task::{Caller, Kind, NONE, Reply, flag};
use crate::client::app::DocumentFocus;
use crate::client::fact::{Fact, Judgement};
use crate::client::policy::TouchErrors;
use crate::client::step::TaskId;
use crate::protocol::Failure;
use crate::protocol::Token;

impl Page<'_> {
    /// The tab gains focus. It touches unless throttled, and calls `getToken` outside the poller's lock.
    pub(super) fn focus(&mut self) {
        self.take_focus();
        if !self.tab.session() {
            return;
        }
        // The token listener registers before the touch listener, so it runs first.
        self.get_token(Caller::Focus, NONE, 0, 0, 0);
        if !self.tab.session() || (self.tab.throttled() && self.tab.touch_after > self.now) {
            return;
        }
        self.tab.touch_after = self.now.after(TOUCH_THROTTLE);
        let touch = self.start(Kind::Touch, Caller::Focus, NONE, 0);
        self.request(touch);
    }

    /// `document.hasFocus()` is true in this tab from now on, where at most one tab of a browser has focus.
    pub(super) fn take_focus(&mut self) {
        if self.setup.focus == DocumentFocus::One {
            self.browser.set_focus(Some(self.within));
        }
    }

    /// The tab's window loses focus. The client does not listen for that.
    pub(super) fn blur(&mut self) {
        if self.browser.focus() == Some(self.within) {
            self.browser.set_focus(None);
        }
    }

    /// `setActive({ session: null })` by app code. It sends nothing and tells no other tab.
    pub(super) fn set_none_active(&mut self, navigate: bool) {
        if !self.tab.client() {
            return self.fact(Fact::AppError(Failure::NETWORK));
        }
        self.set_cookie(None);
        if navigate {
            self.tab.set_shown(false);
        }
        self.set_session(false);
        self.emit(0);
    }

    /// `setActive` with a session object: the current one, or an older one that app code holds.
    pub(super) fn set_active(&mut self, navigate: bool, object: u32, depth: u32) {
        if !self.tab.client() {
            return self.fact(Fact::AppError(Failure::NETWORK));
        }
        if !self.tab.session() {
            // `setActive({ session: null })`: there is nothing to touch, and the cookie is removed.
            self.set_cookie(None);
            return;
        }
        let id = self.start(Kind::SetActive, Caller::App, NONE, depth);
        self.app_asks();
        if !self.has_focus() {
            // A tab without focus sends no touch (`clerk-js.md`, "Newer releases", last paragraph). The hook that
            // `setActive` awaits first lets the cache learn its token's age.
            if navigate {
                self.tasks[id].flags |= flag::NAVIGATE;
            }
            let untimed = std::mem::take(&mut self.scratch.untimed);
            self.wait_for_token(id, object);
            self.get_token_of(object, Caller::Parent, id, 0, depth, 0);
            self.scratch.untimed = untimed;
            return;
        }
        let touch = self.start(Kind::Touch, Caller::Parent, id, depth);
        self.tasks[touch].object = object;
        if navigate {
            self.tasks[id].flags |= flag::NAVIGATE;
            self.tasks[touch].flags |= flag::NAVIGATE;
        }
        self.request(touch);
    }

    /// The touch was answered. The client resource in the answer takes effect.
    pub(super) fn touched(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        let touch = self.tasks[id];
        // `setActive` with navigation tells listeners only at its end.
        let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
        let lacks_client = self.setup.focus_touch_lacks_client && touch.parent == NONE;
        if !lacks_client {
            let listeners = if by_navigation { Listeners::Later } else { Listeners::SameTask };
            self.client_arrives(token, listed, listeners, touch.depth);
        }
        // The touched object also takes the session of the answer.
        self.set_object_token(touch.object, token);
        if listed && self.setup.updated_at_moves {
            self.note_touched(touch.object, !lacks_client);
        }
        // The code that writes the cookie after an empty answer (recording O6) writes it after any answer, even for a
        // tab that has signed out meanwhile.
        if token.is_some() && !by_navigation {
            self.set_cookie(token);
        }
        self.tasks.end(id);
        self.touch_ended(touch.parent, Ok(()));
    }

    /// The touch got an empty answer, because the browser is offline.
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

    /// The touch failed. The policy decides.
    pub(super) fn touch_failed(&mut self, id: TaskId, failure: Failure) {
        let touch = self.tasks[id];
        self.tasks.end(id);
        let result = if self.rules.enters.contains(failure) {
            self.fact(Fact::Judged { failure, verdict: Judgement::EnterFlow });
            self.enter_flow(NONE, true, touch.depth, Some(failure));
            Ok(())
        } else {
            let by_navigation = touch.flags & flag::NAVIGATE != 0 && self.setup.release.navigation_touch;
            let caught = self.setup.release.focus_touch_errors_are_caught && touch.parent == NONE;
            if by_navigation || (self.rules.touch_errors == TouchErrors::Surface && !caught) {
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
            // No code awaits a touch on focus, so its error is an unhandled rejection.
            (NONE, Err(failure)) => self.fact(Fact::UnhandledRejection(failure)),
            (set_active, Ok(())) if self.tab.listed() => {
                // From here on `setActive` works on the client's own object and makes it current at the end.
                let object = self.tab.newest_object;
                self.wait_for_token(set_active, object);
                let depth = self.tasks[set_active].depth;
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
        self.waits_no_more(id);
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
        self.app_hears(task.since);
        if task.flags & flag::NAVIGATE != 0 {
            // `setTransitiveState`: during navigation, listeners are told that there is no session.
            self.tab.set_shown(false);
        }
        if let Reply::Ok { token, .. } = task.reply()
            && session
            && task.object != self.rest.object
        {
            // Another answer brought a newer object meanwhile. The older object becomes current again, with the token
            // that was fetched for it since and the `updated_at` of its last touch.
            self.make_current(task.object, token);
            self.rest.object_age += u64::from(task.attempt);
        }
        self.set_session(session);
        self.emit(task.depth);
    }

    fn set_active_throws(&mut self, id: TaskId, failure: Failure) {
        let since = self.tasks[id].since;
        self.tasks.end(id);
        self.app_hears(since);
        self.fact(Fact::AppError(failure));
    }
}
