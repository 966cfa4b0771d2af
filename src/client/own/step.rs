//! One step of a tab: a world's input to the SDK, through its page, and back.

use super::page::{Cause, Event, Page};
use super::store::{Pages, Stored};
use super::tasks::{Callers, State, Task};
use super::words::{self, Rules, SIGNED_OUT, Setup};
use super::{MOST_BYTES, Sdk};
use crate::backend::BackendSpec;
use crate::client::Reply as _;
use crate::client::fact::{Fact, FlowEnd, Status};
use crate::client::family::{
    Client, Context, FlowWords, MessageRow, ModelRow, Store as _, Unusable, Users, Who,
};
use crate::client::policy::Policy;
use crate::client::step::{Action, Input, Message, TaskId};
use crate::client::token::pool::NONE;
use crate::client::token::{self, ServerReply as Reply, Sessions, Token};
use crate::kernel::Time;
use crate::protocol::{EndpointRow, Failure};
use std::marker::PhantomData;

/// The client family of an [`Sdk`].
#[derive(Clone, Debug)]
pub struct Own<S>(PhantomData<S>);

impl<S: Sdk> Client for Own<S> {
    const MODELS: &'static [ModelRow] = &[ModelRow {
        name: S::NAME,
        about: S::ABOUT,
        takes_max_rounds: false,
        is_contender: false,
        shipped_with: None,
    }];
    const ENDPOINTS: &'static [EndpointRow] = Token::ENDPOINTS;
    const MESSAGES: &'static [MessageRow] = &words::MESSAGES;
    const FLOW: FlowWords = Token::FLOW;
    const REFRESH_TOKENS: bool = true;
    const UNUSABLE: &'static [Unusable] = &words::UNUSABLE;
    const IDLE_BYTES: usize = Pages::<S>::IDLE_BYTES + token::SESSION_BYTES;

    type Setup = Setup;
    type Rules = Rules;
    type Reply = Reply;
    type Store = Pages<S>;
    type Account = Sessions;

    fn setup(_: usize, context: &Context<'_>) -> Setup {
        const { assert!(size_of::<S>() <= MOST_BYTES, "the state of a tab takes more bytes than MOST_BYTES") };
        Setup::new::<S>(context)
    }

    fn rules(setup: &Setup, policy: &Policy, codes: &[String]) -> Rules {
        Rules::new(setup, policy, codes)
    }

    fn store(setups: &[Setup], _: &[Rules], users: &Users<'_>) -> Pages<S> {
        // The life of a token is the same in all arms.
        Pages::new(setups[0].token_life_s, users.range.clone(), users.tabs)
    }

    fn account(rules: &[Rules], _: &BackendSpec, users: &Users<'_>) -> Sessions {
        Sessions::new(rules.iter().map(|rules| rules.server), users.range.clone())
    }

    #[inline]
    fn step(pages: &mut Pages<S>, who: Who<'_, Own<S>>, input: Input, now: Time, out: &mut Vec<Action>) {
        pages.step(&who, input, now, out);
    }

    fn names_sign_out(pages: &Pages<S>, _: &Setup, rules: &Rules, task: TaskId) -> bool {
        pages.call(task).failure.is_some_and(|failure| rules.ends.contains(failure))
    }

    fn most_rounds(_: &Setup) -> Option<u32> {
        None
    }

    fn bytes_per_user(_: &Setup, tabs: u64, event: u64, _: f64) -> u64 {
        Pages::<S>::bytes_per_user(tabs, event) + token::SESSION_BYTES as u64
    }
}

impl<S: Sdk> Pages<S> {
    fn step(&mut self, who: &Who<'_, Own<S>>, input: Input, now: Time, out: &mut Vec<Action>) {
        let tab = who.tab as usize;
        let cause = match input {
            Input::Open => Cause::Opened,
            Input::Focus => Cause::Visible,
            Input::AppGetToken { .. } => Cause::Asked,
            Input::Timer(_) => Cause::Timer,
            Input::Message(_) => Cause::Told,
            _ => Cause::Answer,
        };
        let Pages { core, sdks } = self;
        let mut page = Page {
            core,
            rules: who.rules,
            out,
            tab: who.tab,
            user: who.user,
            now,
            cause,
            depth: 0,
            failure: None,
            failed: None,
        };
        let event = match input {
            Input::Open => {
                page.close();
                page.open();
                sdks[tab] = S::default();
                Some(Event::Opened)
            }
            Input::Close => {
                page.close();
                page.core.tabs[tab].open = false;
                sdks[tab] = S::default();
                None
            }
            Input::Focus => Some(Event::Visible),
            Input::AppGetToken { callers, .. } => page.asked(callers.into()),
            Input::Timer(task) => page.due(task),
            Input::Message(message) => page.told(message),
            Input::Answer(task) => return page.answered(task, &mut sdks[tab]),
            Input::Blur | Input::SetActive { .. } | Input::SignIn { .. } | Input::Lock(_) => {
                unreachable!("a scenario of this family has no such input")
            }
        };
        if let Some(event) = event {
            page.hand(event, &mut sdks[tab]);
        }
    }
}

impl Page<'_> {
    /// Gives the SDK an event, if the tab is open and its user signed in.
    fn hand<S: Sdk>(&mut self, event: Event, sdk: &mut S) {
        let tab = self.core.tabs[self.tab as usize];
        if tab.open && tab.session {
            sdk.on(event, self);
        }
    }

    /// Ends what a page waits for that is reloaded or closed.
    fn close(&mut self) {
        self.core.remove_timers(self.tab, |_| true);
        let mut next = std::mem::replace(&mut self.core.tabs[self.tab as usize].requests, NONE);
        while next != NONE {
            let request = self.core.tasks.request_mut(next);
            let (index, state) = (next, request.state);
            next = std::mem::replace(&mut request.next, NONE);
            match state {
                // Its answer still comes, and nobody waits for it.
                State::Sent => request.left_over = true,
                State::Answered | State::Waits => self.core.tasks.remove(index),
            }
        }
        let (mut group, mut callers) = (self.core.tabs[self.tab as usize].callers, 0);
        while group != NONE {
            let key = self.core.tasks.callers.key(group);
            let ended = self.core.tasks.callers.remove(key).expect("callers leave once");
            callers += ended.count;
            group = ended.next;
        }
        self.core.tabs[self.tab as usize].callers = NONE;
        if callers > 0 {
            self.fact(Fact::AppLeft(callers));
        }
        if std::mem::take(&mut self.core.tabs[self.tab as usize].session) {
            self.fact(Fact::PageGone);
        }
    }

    /// Opens a page. A browser's first page finds the session of a user who has just signed in.
    fn open(&mut self) {
        let browser = &mut self.core.browsers[self.user as usize];
        if !std::mem::replace(&mut browser.opened, true) {
            let first = token::Account::new().first(&self.rules.server.rotation, self.now);
            browser.stored = Some(Stored { refresh: first.refresh, exp_s: first.exp_s });
            let token = self.core.token(self.user);
            self.fact(Fact::Cookie(token));
        }
        let session = self.core.browsers[self.user as usize].stored.is_some();
        let tab = &mut self.core.tabs[self.tab as usize];
        tab.visit += u32::from(!tab.open);
        (tab.open, tab.session) = (true, session);
        self.fact(Fact::LoadEnd(Status::Ready));
        if session {
            self.fact(Fact::SignedIn);
        }
    }

    /// App code asks. Without a session it gets an empty answer at once.
    fn asked(&mut self, count: u32) -> Option<Event> {
        (0..count).for_each(|_| self.fact(Fact::AppAsked));
        let tab = &mut self.core.tabs[self.tab as usize];
        tab.callers =
            self.core.tasks.callers.insert(Callers { asked: self.now, count, next: tab.callers }).slot;
        if tab.session {
            return Some(Event::Asked);
        }
        self.answer_callers();
        None
    }

    /// A timer is due, or a retry.
    fn due(&mut self, task: TaskId) -> Option<Event> {
        match Task::of(task) {
            Task::Timer(slot) => {
                let timer = self.core.take_timer(slot);
                self.depth = timer.depth;
                Some(Event::Timer(timer.number))
            }
            Task::Request(index) => {
                let request = self.core.tasks.request_mut(index);
                request.waited = self.now.since(request.since);
                self.send(index);
                None
            }
        }
    }

    /// Another tab sent a message.
    fn told(&mut self, message: Message) -> Option<Event> {
        if message.kind == SIGNED_OUT {
            self.session_is_gone();
            return None;
        }
        self.depth = message.word;
        let word = u8::try_from(message.kind).expect("every other kind is a word of the SDK");
        Some(Event::Told(word))
    }

    /// A refresh was answered, or got no answer in time.
    fn answered<S: Sdk>(&mut self, task: TaskId, sdk: &mut S) {
        let Task::Request(index) = Task::of(task) else { unreachable!("a timer has no answer") };
        let request = *self.core.tasks.request(index);
        if request.left_over {
            return self.core.tasks.remove(index);
        }
        let dropped = self.core.browsers[self.user as usize].stored.is_none();
        self.depth = request.depth + 1;
        if let (false, Some(failure)) = (dropped, request.reply.failure()) {
            return self.refused(index, failure, sdk);
        }
        self.core.remove_request(self.tab, index);
        let end = if dropped { FlowEnd::Dropped } else { FlowEnd::StillSignedIn };
        if let (false, Reply::Ok(Some(issued))) = (dropped, request.reply) {
            let stored = Stored { refresh: issued.refresh, exp_s: issued.exp_s };
            self.core.browsers[self.user as usize].stored = Some(stored);
            let token = self.core.token(self.user);
            self.fact(Fact::FlowLeft { levels: 1, end });
            self.fact(Fact::Cookie(token));
            self.hand(Event::Refreshed, sdk);
        } else {
            self.fact(Fact::FlowLeft { levels: 1, end });
        }
    }

    /// A refresh failed. It ends, unless the SDK repeats it.
    fn refused<S: Sdk>(&mut self, index: u32, failure: Failure, sdk: &mut S) {
        self.core.tasks.request_mut(index).failures += 1;
        (self.failure, self.failed) = (Some(failure), Some(index));
        let at = self.out.len();
        self.hand(Event::Failed(failure), sdk);
        if self.failed.take().is_some() {
            self.core.remove_request(self.tab, index);
            let signed_out = self.core.browsers[self.user as usize].stored.is_none();
            let end = if signed_out { FlowEnd::SignedOut } else { FlowEnd::Threw(failure) };
            // The refresh ends before its consequences begin.
            self.out.insert(at, Action::Fact(Fact::FlowLeft { levels: 1, end }));
        }
    }
}
