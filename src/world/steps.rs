//! Steps of tabs: gives a tab its input and carries out its actions.

use super::World;
use super::event::{Event, EventKind};
use super::observe::{self, Observer};
use super::streams::coordinates;
use crate::client::backoff::Wait;
use crate::client::fact::Fact;
use crate::client::family::{Look, SessionEnd, Who};
use crate::client::step::{Action, Input, Message, TaskId};
use crate::client::{Account, Client, Store};
use crate::kernel::queue::Queue;
use crate::kernel::random::chance;
use crate::kernel::{Dist, Dur};

impl<C: Client, O: Observer, Q: Queue<Event>> World<'_, C, O, Q> {
    /// Gives a tab an input and carries out the tab's actions.
    pub(super) fn step(&mut self, tab: u32, input: Input) {
        let user = self.plan.tabs.user_of(tab);
        if O::ACTIVE {
            self.observer.input(self.now, tab, input, &self.pages);
        }
        if self.guard.is_close() {
            self.guard.describe(observe::in_words(input, &self.pages));
        }
        let arm = self.policy_of(user);
        let who = Who { tab, user, setup: &self.client.setups[arm], rules: &self.rules[arm] };
        if self.hidden.throttle() {
            self.changes_visibility(tab, input);
        }
        let mut actions = std::mem::take(&mut self.actions);
        C::step(&mut self.pages, who, input, self.now, &mut actions);
        let mut acting = tab;
        for action in &actions {
            match action {
                Action::Of { tab } => acting = *tab,
                action => self.act(acting, user, action),
            }
        }
        actions.clear();
        self.actions = actions;
    }

    /// The place of the family of a user's client among the families of the scenario.
    pub(super) fn family_of(&self, user: u32) -> usize {
        let model = self.plan.arms[self.contender].all[self.policy_of(user)].model;
        self.plan.families.place_of(model.family())
    }

    /// The index of the arm that a user follows. In a rollout it changes once.
    #[inline(always)]
    pub(super) fn policy_of(&self, user: u32) -> usize {
        match self.rules.len() {
            1 => 0,
            _ => self.policy_in_rollout(user),
        }
    }

    fn policy_in_rollout(&self, user: u32) -> usize {
        self.plan.arm_at(self.contender, &self.streams.rollout, user, self.now)
    }

    #[inline]
    fn act(&mut self, tab: u32, user: u32, action: &Action) {
        match *action {
            Action::Send { task, endpoint, first } => self.send(tab, user, task, endpoint, first),
            Action::Wait { task, generation, .. } if self.pages.generation(task) != generation => {}
            Action::Wait { task, wait, .. } => {
                let given = match O::ACTIVE {
                    true => self.observer.given_wait(self.now, tab, self.pages.doing(task), wait),
                    false => None,
                };
                let delay = given.unwrap_or_else(|| self.draw_wait(tab, task, wait));
                let delay = self.with_lateness(tab, task, delay);
                if O::ACTIVE {
                    self.observer.waits(self.now, tab, task, self.pages.doing(task), delay);
                }
                let generation = self.hidden.generation(delay, wait.links);
                let delay = match self.hidden.throttle() {
                    true => self.until_looked_at(task, wait, delay),
                    false => delay,
                };
                self.schedule_task(delay, EventKind::Timer, generation, task);
            }
            Action::Grant { task } => {
                let arg = self.pages.generation(task);
                self.at_once.push_back(Event { kind: EventKind::Lock, generation: 0, id: task, arg });
            }
            Action::Abort { task } => self.schedule_task(Dur::ZERO, EventKind::Answer, 1, task),
            Action::Of { .. } => {}
            Action::Tell(message) => self.tell_other_tabs(tab, user, message),
            Action::Fact(fact) => {
                if O::ACTIVE {
                    match fact {
                        Fact::AppServed => {
                            self.observer.fact(self.now, tab, Fact::AppAsked);
                            self.observer.fact(self.now, tab, Fact::AppWaited(Dur::ZERO));
                        }
                        fact => self.observer.fact(self.now, tab, fact),
                    }
                }
                self.take_note(tab, user, fact);
            }
        }
    }

    /// The length of a task's wait.
    #[inline]
    fn draw_wait(&self, tab: u32, task: TaskId, wait: Wait) -> Dur {
        if wait.is_exact() {
            return wait.of(wait.low);
        }
        let (what, ordinal) = self.pages.draws(task);
        let at = coordinates(self.plan.draws_of_tab(tab), what, ordinal);
        let bits = self.streams.jitter.bits(at, self.now.0);
        wait.of(Dist::uniform(wait.low, wait.high).sample(bits))
    }

    /// Schedules a message to the browser's other tabs. Each tab gets it as an event of its own, as with
    /// `BroadcastChannel`.
    fn tell_other_tabs(&mut self, tab: u32, user: u32, message: Message) {
        let Message { kind: generation, word: arg } = message;
        for other in self.plan.tabs.of(user) {
            if other != tab && self.pages.open(other) {
                self.at_once.push_back(Event { kind: EventKind::Message, generation, id: other, arg });
            }
        }
    }

    fn take_note(&mut self, tab: u32, user: u32, fact: Fact) {
        let ended = match fact {
            Fact::SignedOut => self.accounts.ended(user),
            _ => SessionEnd::Alive,
        };
        let signed_out = self.collector.fact(user, tab, fact, ended, self.now);
        match fact {
            Fact::SignInEnded(None) => {
                self.accounts.begin(user);
                self.step_later(user);
            }
            Fact::SignInEnded(Some(_)) => self.plan_sign_in(tab, user, true),
            Fact::SignedOut if signed_out => self.plan_sign_in(tab, user, false),
            _ => {}
        }
    }

    /// A user who has signed in again goes to the app: every tab that shows the sign-in page loads its page.
    fn step_later(&mut self, user: u32) {
        for other in self.plan.tabs.of(user) {
            if self.pages.open(other) && !self.pages.session(other) {
                self.schedule_in_visit(self.now, EventKind::Reload, other, 0);
            }
        }
    }

    fn plan_sign_in(&mut self, tab: u32, user: u32, again: bool) {
        let Some(spec) = &self.fleet_of(user).sign_in_again else { return };
        let draws = self.plan.draws_of_user(user);
        let will = self.streams.sign_in.bits(draws, u64::MAX);
        if !chance(will, spec.share) {
            return;
        }
        let after = spec.after.sample(self.streams.sign_in.bits(draws, self.now.0));
        self.schedule(self.now.after(after), EventKind::SignIn, 0, tab, u32::from(again));
    }
}
