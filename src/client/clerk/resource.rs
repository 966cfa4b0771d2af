//! The client resource of a page. It creates and removes session objects, and listeners are told of them.

use super::page::Page;
use super::tab::Tab;
use super::task::{Caller, NONE, Reply, Task};
use crate::client::app::AppReaction;
use crate::client::step::TaskId;
use crate::protocol::Token;

/// The time at which listeners are told of a client resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listeners {
    /// At the same instant.
    Next,
    /// In the same task of the page: for an answer to /touch, which contains the client, and for a cookie.
    SameTask,
    /// At the end of the `setActive` that asked for it.
    Later,
}

impl Page<'_> {
    /// A client resource has arrived. Each session in it is a new object, which puts its token into the cache.
    /// Listeners are told at once, later, or in the same task of the page, before the cache knows the token's age.
    pub(super) fn client_arrives(
        &mut self,
        token: Option<Token>,
        listed: bool,
        listeners: Listeners,
        depth: u32,
    ) {
        let token = token.filter(|_| listed);
        if listed {
            self.tab.newest_object += 1;
            self.rest.newest_token = token;
            self.note_bare(self.tab.newest_object, token.is_none());
        }
        if let Some(token) = token {
            self.cache_token(token, Some(self.tab.newest_object), true);
        }
        let first = !self.tab.client();
        self.tab.set_client(true);
        self.tab.set_listed(listed);
        if self.tab.session() || (first && listed) {
            if listed {
                self.make_current(self.tab.newest_object, token);
            }
            self.set_session(listed);
            self.set_cookie(token);
        }
        if listeners != Listeners::Later {
            self.scratch.untimed = listeners == Listeners::SameTask && token.is_some();
            self.emit(depth);
            self.scratch.untimed = false;
        }
    }

    /// Makes a session object the current one. `token` is its last active token.
    pub(super) fn make_current(&mut self, object: u32, token: Option<Token>) {
        self.rest.object = object;
        self.rest.object_age = Tab::age_of(object);
        self.tab.last_token = token;
    }

    /// `updateClient` with the client resource as it is.
    pub(super) fn client_stays(&mut self, depth: u32) {
        if self.tab.session() && self.tab.listed() {
            self.make_current(self.tab.newest_object, self.rest.newest_token);
            self.set_cookie(self.tab.last_token);
        }
        self.emit(depth);
    }

    /// The touched object takes `updated_at` from the answer to its touch: that of the newest object, or a later one if
    /// the answer brought no object.
    pub(super) fn note_touched(&mut self, object: u32, brought_object: bool) {
        let age = Tab::age_of(self.tab.newest_object) + u64::from(!brought_object);
        self.for_waiting(object, |task| task.attempt = later_by(object, age));
        if object == self.rest.object {
            self.rest.object_age = age;
        }
        if object == self.tab.shown_object {
            self.rest.shown_age = age;
        }
    }

    /// The last active token of a session object that app code holds.
    fn token_of(&self, object: u32) -> Option<Token> {
        if object == self.tab.newest_object {
            self.rest.newest_token
        } else if object == self.rest.object {
            self.tab.last_token
        } else {
            self.rest.shown_token
        }
    }

    /// How new a session object is that app code holds.
    fn age_known(&self, object: u32) -> u64 {
        if object == self.rest.object {
            self.rest.object_age
        } else if object == self.tab.shown_object {
            self.rest.shown_age
        } else {
            Tab::age_of(object)
        }
    }

    /// Sets a session object's last active token, also for each `setActive` that waits with it. For an object
    /// that is no longer known, only whether it has a token matters, because its refresh may offer one.
    pub(super) fn set_object_token(&mut self, object: u32, token: Option<Token>) {
        if object == self.rest.object {
            self.tab.last_token = token;
        }
        if object == self.tab.newest_object {
            self.rest.newest_token = token;
        }
        if object == self.tab.shown_object {
            self.rest.shown_token = token;
        }
        self.for_waiting(object, |task| task.set_reply(Reply::Ok { token, listed: true }));
        self.note_bare(object, token.is_none());
    }

    /// A `setActive` begins to wait for the token of a session object. The waiting calls of a page form a list, the
    /// newest first.
    pub(super) fn wait_for_token(&mut self, id: TaskId, object: u32) {
        let token = self.token_of(object);
        let age = self.age_known(object);
        let next = std::mem::replace(&mut self.rest.set_active, id);
        if next != NONE {
            self.tasks[next].levels = id;
        }
        let task = &mut self.tasks[id];
        task.object = object;
        task.next = next;
        task.levels = NONE;
        task.attempt = later_by(object, age);
        task.set_reply(Reply::Ok { token, listed: true });
    }

    /// Changes each waiting `setActive` of this session object.
    fn for_waiting(&mut self, object: u32, change: impl Fn(&mut Task)) {
        let mut id = self.rest.set_active;
        while id != NONE {
            let task = &mut self.tasks[id];
            if task.object == object {
                change(task);
            }
            id = task.next;
        }
    }

    /// Removes a `setActive` from the list of those that wait.
    pub(super) fn waits_no_more(&mut self, id: TaskId) {
        let Task { next, levels: newer, .. } = self.tasks[id];
        if next != NONE {
            self.tasks[next].levels = newer;
        }
        if newer == NONE {
            self.rest.set_active = next;
        } else {
            self.tasks[newer].next = next;
        }
    }

    fn note_bare(&mut self, object: u32, bare: bool) {
        if self.is_recent(object) {
            let bit = 1 << (object % 64);
            self.rest.bare_objects = self.rest.bare_objects & !bit | if bare { bit } else { 0 };
        }
    }

    /// Whether a session object has a last active token to offer. An object with 64 or more newer ones counts as having
    /// one, since what still asks on its behalf, above all a refresh, got it from there.
    pub(super) fn object_has_token(&self, object: u32) -> bool {
        !self.is_recent(object) || self.rest.bare_objects >> (object % 64) & 1 == 0
    }

    fn is_recent(&self, object: u32) -> bool {
        self.tab.newest_object - object < 64
    }

    /// Tells listeners of the resources. Listeners keep the object they know while nothing in it differs
    /// (`memoizeListenerCallback`): same token and no later `updated_at`, same object. App code reacts to an object only once.
    pub(super) fn emit(&mut self, depth: u32) {
        if !self.tab.session() {
            self.tab.set_shown(false);
            return;
        }
        let newer = self.setup.updated_at_moves && self.rest.shown_age < self.rest.object_age;
        let same = self.rest.shown_token == self.tab.last_token && !newer;
        let known = self.tab.shown() && (self.tab.shown_object == self.rest.object || same);
        if !known {
            self.tab.set_shown(true);
            self.tab.shown_object = self.rest.object;
            self.rest.shown_age = self.rest.object_age;
            self.rest.shown_token = self.tab.last_token;
        }
        let reaction = self.setup.reaction;
        if reaction.act == AppReaction::None || self.now < reaction.from || self.now >= reaction.to {
            return;
        }
        let object = self.tab.shown_object;
        if self.rest.acted_object == object {
            return;
        }
        self.rest.acted_object = object;
        match reaction.act {
            AppReaction::None => {}
            AppReaction::SetActive => self.set_active(false, object, depth),
            AppReaction::GetToken => {
                self.get_token_of(object, Caller::App, NONE, 0, depth, 0);
            }
        }
    }
}

/// By how much a session object of this age is newer than a new object of its number.
fn later_by(object: u32, age: u64) -> u16 {
    u16::try_from(age - Tab::age_of(object)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::bench::{OLD, TestBench, fine, sends, sent_to, sets_active, waits};
    use super::super::endpoints;
    use super::super::messages;
    use super::super::release::Model::ClerkJs6_3_3;
    use super::*;
    use crate::client::app::Reaction;
    use crate::client::step::Input;
    use crate::kernel::Time;

    fn reacting(from: Time, to: Time) -> TestBench {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
        bench.setup.reaction = Reaction { act: AppReaction::GetToken, from, to };
        bench
    }

    /// A cache entry learns its token's age in a microtask of its own. App code that reacts to an answer to /touch runs
    /// earlier and gets a token of any age. App code that reacts to GET /client runs later.
    #[test]
    fn the_cache_does_not_know_the_age_of_a_token_in_its_first_task() {
        let now = Time::from_ms(100_000);
        let old = fine(Some(Token::issued(Time::from_ms(20_000))));
        let mut bench = reacting(Time(1), Time::NEVER);
        let touch = sent_to(&bench.step(now, sets_active(false)), endpoints::TOUCH);
        let actions = bench.answer(now, touch, old);
        assert_eq!(waits(&actions), 1, "{actions:?}");
        // `setActive` itself asks later and has to fetch.
        assert_eq!(sends(&actions), [(endpoints::TOKENS, true)]);
        let mut bench = reacting(Time(1), Time::NEVER);
        let flow = sent_to(&bench.step(now, Input::Message(messages::SIGN_OUT)), endpoints::CLIENT);
        let actions = bench.answer(now, flow, old);
        assert_eq!((waits(&actions), sends(&actions).len()), (0, 1), "{actions:?}");
    }

    #[test]
    fn app_code_reacts_from_the_first_instant_of_its_time_until_before_the_last() {
        let (from, to) = (Time::from_ms(10_000), Time::from_ms(20_000));
        for (now, reacts) in [(Time(from.0 - 1), 0), (from, 1), (Time(to.0 - 1), 1), (to, 0)] {
            let mut bench = reacting(from, to);
            let touch = sent_to(&bench.step(now, sets_active(false)), endpoints::TOUCH);
            let actions = bench.answer(now, touch, fine(Some(Token::issued(now))));
            assert_eq!(waits(&actions), 1 + reacts, "`setActive`, and what reacts at {now}");
        }
    }
}
