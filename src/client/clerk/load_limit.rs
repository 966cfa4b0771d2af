//! The page load from 6.25.3 on (`clerk-js.md`, "Newer releases"; published package 6.40.0, `#loadInStandardBrowser`).
//!
//! GET /client is given 7 s. If it fails with anything but a 4xx, or takes longer, the page fetches a token for the session
//! in the cookie, for 7 s at most. It shows the session with that token, or with the cookie's own, and asks GET /client
//! again in the background without a limit.

use super::page::Page;
use super::release::LOAD_LIMIT;
use super::resource::Listeners;
use super::task::{Caller, Kind, NONE, Stage, Task, flag};
use crate::client::backoff::Wait;
use crate::client::step::{Action, TaskId};
use crate::protocol::{Failure, Token};

impl Page<'_> {
    /// Limits the time of a task of a page load.
    pub(super) fn limit_load(&mut self, load: TaskId, limited: TaskId) {
        let id = self.start(Kind::LoadLimit, Caller::Parent, NONE, 0);
        self.tasks[id].next = limited;
        self.tasks[id].levels = load;
        self.tasks[load].next = id;
        self.tasks[id].stage = Stage::Timer;
        self.wait(id, Wait::exactly(LOAD_LIMIT));
    }

    /// Ends the limit of a page load, if one runs.
    pub(super) fn end_limit(&mut self, load: TaskId) {
        let limit = std::mem::replace(&mut self.tasks[load].next, NONE);
        if limit != NONE {
            self.tasks.end(limit);
        }
    }

    /// The time is over. GET /client is aborted, also between two tries of the network level; `getToken` goes on, and
    /// nobody waits for it any more.
    pub(super) fn load_limit_due(&mut self, id: TaskId) {
        let Task { next: limited, levels: load, .. } = self.tasks[id];
        self.end_limit(load);
        if self.tasks.kind(limited) == Kind::GetToken {
            self.tasks[limited].parent = NONE;
            return self.cookie_s_session_has_token(load, Err(Failure::NETWORK));
        }
        if self.tasks[limited].stage == Stage::Requesting {
            self.tasks[limited].flags |= flag::ABORTED;
            // The answer that may be due at this instant comes too late.
            self.tasks.rearm(limited);
            self.out.push(Action::Abort { task: limited });
        } else {
            self.client_load_aborted(limited);
        }
    }

    /// GET /client of the page load has been aborted.
    pub(super) fn client_load_aborted(&mut self, id: TaskId) {
        let load = self.tasks[id].parent;
        self.tasks.end(id);
        self.load_by_cookie(load);
    }

    /// Fetches a token for the session in the cookie. The page has no session meanwhile, and does not poll.
    pub(super) fn load_by_cookie(&mut self, load: TaskId) {
        self.tasks[load].flags |= flag::DEGRADED;
        self.stop_polling();
        let Some(cookie) = self.browser.cookie else { return self.load_shows(load, None) };
        self.tab.newest_object += 1;
        let object = self.tab.newest_object;
        self.set_object_token(object, Some(cookie));
        self.clear_cache();
        self.limit_load(load, NONE);
        let (limit, generation) = (self.tasks[load].next, self.tasks.generation(self.tasks[load].next));
        let call = self.get_token_of(object, Caller::Parent, load, flag::DEGRADED, 0, 0);
        // The call may have ended at once, and the limit with it.
        if self.tasks.generation(limit) == generation {
            self.tasks[limit].next = call;
        }
    }

    /// The `getToken` for the cookie's session has ended or taken too long. Without a token of its own the session is
    /// shown with the token that the cookie holds by now.
    pub(super) fn cookie_s_session_has_token(
        &mut self,
        load: TaskId,
        result: Result<Option<Token>, Failure>,
    ) {
        self.end_limit(load);
        let token = result.ok().flatten().or_else(|| {
            self.clear_cache();
            self.browser.cookie
        });
        self.load_shows(load, token);
    }

    /// Shows the session of a token, or none, polls again, and asks GET /client in the background.
    fn load_shows(&mut self, load: TaskId, token: Option<Token>) {
        self.client_arrives(token, token.is_some(), Listeners::SameTask, 0);
        self.start_polling();
        let again = self.start(Kind::LoadAgain, Caller::Background, NONE, 0);
        self.tasks[again].flags |= flag::DEGRADED;
        self.request(again);
        self.part_loaded(load);
    }

    /// The background GET /client was answered.
    pub(super) fn client_loaded_again(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        self.tasks.end(id);
        self.client_arrives(token, listed, Listeners::Next, 0);
    }

    /// The background GET /client got an empty answer, because the browser is offline.
    pub(super) fn client_answered_nothing_again(&mut self, id: TaskId) {
        self.tasks.end(id);
        self.client_stays(0);
    }
}
