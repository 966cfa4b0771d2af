//! One step of a tab: a world's input to the machine, and the machine's output to the world.

use super::store::{Pages, generation};
use super::tasks::{self, Kind, Sent, Tasks, Waiting};
use super::{Token, rows};
use crate::client::Reply as _;
use crate::client::app::{AppReaction, DocumentFocus};
use crate::client::fact::{Fact, FlowEnd, Judgement, Status};
use crate::client::family::Who;
use crate::client::step::{Action, Input, TaskId};
use crate::client::token::pool::{Key, NONE};
use crate::client::token::state::{Agent, Held, Op, Store, Until};
use crate::client::token::{self, Opening, Out, Timer, machine};
use crate::kernel::Time;
use crate::protocol::Failure;
use std::num::NonZeroU32;

/// The list of a step's actions, and the tab whose actions come last in it.
struct ActionList<'a> {
    out: &'a mut Vec<Action>,
    tab: u32,
}

impl ActionList<'_> {
    fn push(&mut self, tab: u32, action: Action) {
        if tab != self.tab {
            self.tab = tab;
            self.out.push(Action::Of { tab });
        }
        self.out.push(action);
    }
}

impl Pages {
    /// Gives a tab its input and appends the actions to `out`.
    pub(super) fn step(&mut self, who: &Who<'_, Token>, input: Input, now: Time, out: &mut Vec<Action>) {
        let mut list = ActionList { out, tab: who.tab };
        let (mut failure, mut ends) = (None, false);
        match input {
            Input::Open => {
                let visible = self.opens_visible(who);
                let reloads = self.first_object(who.tab).is_some();
                self.close(who, now, &mut list);
                self.open(who, visible, now);
                if !reloads {
                    self.hides_others(who, now);
                }
            }
            Input::Close => {
                self.close(who, now, &mut list);
                self.tabs[who.tab as usize].object = NONE;
            }
            Input::Focus => {
                self.hides_others(who, now);
                let visible = who.setup.focus != DocumentFocus::None;
                self.shows(who, who.tab, visible, now);
            }
            Input::Blur => self.shows(who, who.tab, false, now),
            Input::AppGetToken { callers, .. } => {
                if let Some(first) = self.first_object(who.tab) {
                    self.feed(who, first, token::Input::Ask(callers.into()), now);
                }
            }
            Input::Answer(task) => {
                let Sent { agent, request, reply, endpoint, .. } = *self.tasks.take(tasks::parts(task).1);
                failure = reply.failure();
                ends = failure.is_some()
                    && who.rules.is_policed
                    && who.rules.ends_session(rows::machine(endpoint), reply);
                self.feed(who, agent, token::Input::Answer(request, who.rules.seen(reply)), now);
            }
            Input::Timer(task) => {
                let Some((agent, timer)) = self.due(task) else { return };
                self.feed(who, agent, token::Input::Timer(timer), now);
            }
            Input::SetActive { .. } | Input::SignIn { .. } | Input::Lock(_) | Input::Message(_) => {
                unreachable!("a scenario of this family has no such input")
            }
        }
        let answered = matches!(input, Input::Answer(_));
        if let Some(failure) = failure.filter(|_| who.rules.is_policed) {
            judge(failure, ends, &self.out, &mut list, who.tab);
        }
        self.tell(who, &mut list, (answered, failure, now));
    }

    pub(super) fn feed(&mut self, who: &Who<'_, Token>, agent: Key, input: token::Input, now: Time) {
        machine::step(&who.rules.client, &mut self.store, agent, input, now, &mut self.out);
    }

    /// The client object and the timer of a task that is due; `None` for the time-out of a request that has ended, which has
    /// no effect.
    fn due(&mut self, task: TaskId) -> Option<(Key, Timer)> {
        let (kind, index) = tasks::parts(task);
        let timer = match kind {
            Kind::Tick | Kind::FirstTick => {
                let ticker = self.store.clocks[index as usize].tick;
                Timer::Tick { ticker, first: kind == Kind::FirstTick }
            }
            Kind::Alarm => Timer::Alarm(self.store.clocks[index as usize].alarm),
            Kind::Expiry => Timer::Expiry(self.store.checked[index as usize].expiry),
            Kind::Wait => {
                let Waiting { agent, timer, .. } = *self.tasks.waits.at(index);
                self.tasks.waits.free(index);
                return match timer {
                    Timer::TimeOut(request) if !self.store.is_waiting(request) => None,
                    timer => Some((agent, timer)),
                };
            }
            Kind::Call => unreachable!("a request ends with an answer"),
        };
        Some((self.store.agents.key(index), timer))
    }

    /// The first client object of a tab; `None` for a closed tab.
    pub(super) fn first_object(&self, tab: u32) -> Option<Key> {
        let object = self.tabs[tab as usize].object;
        (object != NONE).then(|| self.store.agents.key(object))
    }

    /// The next client object of an object's page, in the order in which they were opened.
    pub(super) fn object_after(&self, object: Key) -> Option<Key> {
        let agents = &self.store.agents;
        let Agent { page, mut next, .. } = *agents.at(object.slot);
        while next != NONE && agents.at(next).page != page {
            next = agents.at(next).next;
        }
        (next != NONE).then(|| agents.key(next))
    }

    /// Opens the client objects of a page. A browser's first page finds the session of a user who has just signed in.
    fn open(&mut self, who: &Who<'_, Token>, visible: bool, now: Time) {
        let number = self.browser_of(who.user);
        if !self.store.browser_mut(number).open() {
            let first = token::Account::new().first(&who.rules.server.rotation, now);
            let until = Until::new(i64::from(first.exp_s) * 1_000_000_000);
            let held = Held { refresh: first.refresh, access: first.access, exp_s: first.exp_s, until };
            self.store.set_stored(number, Some(held));
        }
        let asks = who.setup.reaction.act == AppReaction::GetToken;
        let how = |object| Opening {
            page: who.tab,
            visible,
            auto: true,
            listens: object == 0,
            asks_on_event: object == 0 && asks,
            refreshes_on_expiry: false,
            asks: 0,
        };
        let objects = (0..who.setup.objects).map(how);
        let mut first = None;
        let opened = |key: Key| first = first.or(Some(key.slot));
        machine::open(&who.rules.client, &mut self.store, number, objects, now, (opened, &mut self.out));
        let tab = &mut self.tabs[who.tab as usize];
        if tab.object == NONE {
            tab.count_visit();
        }
        tab.object = first.expect("a page has a client object");
    }

    /// Closes the page of a tab, if it is open.
    fn close(&mut self, who: &Who<'_, Token>, now: Time, list: &mut ActionList<'_>) {
        let first = self.first_object(who.tab);
        let objects = std::iter::successors(first, |object| self.object_after(*object));
        let callers: u32 = objects.map(|object| self.store.callers(object)).sum();
        if let Some(first) = first {
            self.feed(who, first, token::Input::ClosePage, now);
        }
        if callers > 0 {
            list.push(who.tab, Action::Fact(Fact::AppLeft(callers)));
        }
        let tab = &mut self.tabs[who.tab as usize];
        if tab.set_session(false) {
            list.push(who.tab, Action::Fact(Fact::PageGone));
        }
    }

    /// Reports what a step made: facts, then requests and waits.
    fn tell(
        &mut self,
        who: &Who<'_, Token>,
        list: &mut ActionList<'_>,
        (answered, failure, now): (bool, Option<Failure>, Time),
    ) {
        if self.is_served_at_once(who.tab, now) {
            list.push(who.tab, Action::Fact(Fact::AppServed));
            self.out.facts.clear();
        }
        let mut may_change_sessions = false;
        // Most facts of a step are about one object.
        let (mut known, mut of) = (None, None);
        for (agent, fact) in &self.out.facts {
            may_change_sessions |= may_change_session(fact);
            if known != Some(*agent) {
                (known, of) = (Some(*agent), self.store.agents.get(*agent).map(|agent| agent.page));
            }
            let Some(tab) = of else { continue };
            // A page has loaded when its first object has.
            if matches!(fact, token::Fact::Loaded(_)) && self.tabs[tab as usize].object != agent.slot {
                continue;
            }
            told_facts(fact, (answered, failure), now, |fact| list.push(tab, Action::Fact(fact)));
        }
        self.out.facts.clear();
        if let Some(stored) = self.store.replaced.take() {
            let now_stored = self.store.stored(self.browser_of(who.user));
            if now_stored != stored {
                let cookie = now_stored.map(|held| self.token(held));
                list.push(who.tab, Action::Fact(Fact::Cookie(cookie)));
                may_change_sessions = true;
                // An answer during the load ends a session that the page has not shown yet. The page shows the sign-in
                // page.
                if failure.is_some() && now_stored.is_none() && !self.tabs[who.tab as usize].session() {
                    list.push(who.tab, Action::Fact(Fact::SignedOut));
                }
            }
        }
        if may_change_sessions {
            self.tell_sessions(who, list);
        }
        let Pages { store, tasks, out, .. } = self;
        for action in &out.actions {
            act(store, tasks, action, list, now);
        }
        out.actions.clear();
    }

    /// Whether all that a step made is the answer to the call of an app in this tab.
    #[inline]
    fn is_served_at_once(&self, tab: u32, now: Time) -> bool {
        let [(asking, token::Fact::Asked { .. }), (answered, token::Fact::Answered { asked, error, .. })] =
            &self.out.facts[..]
        else {
            return false;
        };
        let object = self.tabs[tab as usize].object;
        *asked == now && !error && asking.slot == object && answered.slot == object
    }

    /// Reports the tabs whose session came or went.
    fn tell_sessions(&mut self, who: &Who<'_, Token>, list: &mut ActionList<'_>) {
        for tab in self.numbers.of(who.user) {
            let object = self.tabs[tab as usize].object;
            if object == NONE {
                continue;
            }
            let session = self.shows_session(object, who.rules.client.place);
            if self.tabs[tab as usize].set_session(session) != session {
                list.push(tab, Action::Fact(if session { Fact::SignedIn } else { Fact::SignedOut }));
            }
        }
    }
}

/// Reports a request or a wait that a step made, under the number of its task.
fn act(store: &mut Store, tasks: &mut Tasks, action: &token::Action, list: &mut ActionList<'_>, now: Time) {
    match *action {
        token::Action::Send { agent, endpoint, refresh, request } => {
            let tab = store.agents.at(agent.slot).page;
            let flight = store.flights.at_mut(request.flight.slot);
            let first = flight.number == 0 && flight.depth == 0;
            let endpoint = rows::backend(endpoint);
            let sent = Sent {
                agent,
                tab,
                request,
                refresh: refresh.map_or(0, NonZeroU32::get),
                attempt: flight.failures,
                endpoint,
                ordinal: flight.ordinal,
                op: flight.op,
                sent: now,
                reply: Sent::UNANSWERED,
                shed: false,
                waits: true,
            };
            let task = tasks::id(Kind::Call, tasks.send(sent));
            flight.ticket = task;
            list.push(tab, Action::Send { task, endpoint, first });
        }
        token::Action::Abort { ticket, .. } => {
            let tab = tasks.sent(tasks::parts(ticket).1).tab;
            list.push(tab, Action::Abort { task: ticket });
        }
        token::Action::Wait { agent, timer, wait } => {
            let Some(it) = store.agents.get(agent) else { return };
            let tab = it.page;
            let clock = |kind| tasks::id(kind, agent.slot);
            let task = match timer {
                Timer::Tick { first: false, .. } => clock(Kind::Tick),
                Timer::Tick { first: true, .. } => clock(Kind::FirstTick),
                Timer::Alarm(_) => clock(Kind::Alarm),
                Timer::Expiry(_) => clock(Kind::Expiry),
                Timer::Retry(request) | Timer::TimeOut(request) => {
                    let flight = store.flights.get(request.flight);
                    let (op, attempt, ordinal) = flight
                        .map_or((Op::Call, 0, 0), |flight| (flight.op, flight.failures, flight.ordinal));
                    tasks.wait(Waiting { agent, tab, timer, ordinal, op, attempt })
                }
                Timer::LockWait(task) => {
                    let op = store.tasks.get(task).map_or(Op::Call, |task| task.op);
                    tasks.wait(Waiting { agent, tab, timer, ordinal: 0, op, attempt: 0 })
                }
            };
            list.push(tab, Action::Wait { task, generation: generation(store, tasks, task), wait });
        }
    }
}

/// Reports what the policy says of a failed answer: the request is retried, or the session has ended. A failure that means
/// neither is the client's own business.
fn judge(failure: Failure, ends: bool, made: &Out, list: &mut ActionList<'_>, tab: u32) {
    let is_retry =
        |action: &token::Action| matches!(action, token::Action::Wait { timer: Timer::Retry(_), .. });
    let verdict = match made.actions.iter().any(is_retry) {
        true => Judgement::Retry,
        false if ends => Judgement::EnterFlow,
        false => return,
    };
    list.push(tab, Action::Fact(Fact::Judged { failure, verdict }));
}

/// Whether a tab may show another session after this fact.
#[inline]
fn may_change_session(fact: &token::Fact) -> bool {
    match fact {
        token::Fact::SignedOut { .. }
        | token::Fact::Storage(_)
        | token::Fact::Loaded(_)
        | token::Fact::Left { ok: true } => true,
        token::Fact::Entered { .. }
        | token::Fact::Left { ok: false }
        | token::Fact::Asked { .. }
        | token::Fact::Answered { .. }
        | token::Fact::Event(..)
        | token::Fact::First(_)
        | token::Fact::LoadFailed
        | token::Fact::Broadcast(_) => false,
    }
}

/// Gives each fact of the world that a fact of the machine means. `answered` says whether the step handles an answer, and
/// `failure` which failure the answer is.
#[inline]
fn told_facts(
    fact: &token::Fact,
    (answered, failure): (bool, Option<Failure>),
    now: Time,
    mut tell: impl FnMut(Fact),
) {
    match *fact {
        token::Fact::Entered { depth, .. } => {
            let depth = u32::from(depth) + 1;
            tell(Fact::FlowEntered { open: 1, active: true, depth, cause: failure });
        }
        token::Fact::Left { ok } => {
            let end = match (ok, failure) {
                (true, _) => FlowEnd::StillSignedIn,
                (false, Some(failure)) => FlowEnd::Threw(failure),
                (false, None) if answered => FlowEnd::Dropped,
                (false, None) => FlowEnd::Threw(Failure::NETWORK),
            };
            tell(Fact::FlowLeft { levels: 1, end });
        }
        token::Fact::Answered { asked, error, .. } => {
            if error {
                tell(Fact::AppError(failure.unwrap_or(Failure::NETWORK)));
            }
            tell(Fact::AppWaited(now.since(asked)));
        }
        token::Fact::Loaded(ok) => tell(Fact::LoadEnd(if ok { Status::Ready } else { Status::Error })),
        token::Fact::Asked { .. } => tell(Fact::AppAsked),
        token::Fact::SignedOut { .. }
        | token::Fact::Event(..)
        | token::Fact::First(_)
        | token::Fact::LoadFailed
        | token::Fact::Broadcast(_)
        | token::Fact::Storage(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_before_one_is_known_is_none() {
        assert_eq!(Sent::UNANSWERED.failure(), Some(Failure::NETWORK));
    }
}
