//! Steps of tabs: an input goes to a tab, and its actions are carried out.

use super::World;
use super::event::{Event, EventKind};
use super::observe::{self, Observer};
use super::streams::coordinates;
use crate::client::page::{Action, Fact, Input, Rules};
use crate::kernel::Dist;
use crate::kernel::queue::Queue;
use crate::kernel::random::chance;

impl<'a, O: Observer, Q: Queue<Event>> World<'a, O, Q> {
    /// Gives a tab its input and carries out what it does.
    pub(super) fn step(&mut self, tab: u32, input: Input) {
        let user = tab / self.plan.tabs_per_user;
        if O::ACTIVE {
            self.observer.input(self.now, tab, input, self.pages.tasks());
        }
        if self.guard.is_close() {
            self.guard.describe(observe::in_words(input, self.pages.tasks()));
        }
        let rules = self.rules_of(user);
        let mut actions = std::mem::take(&mut self.actions);
        self.pages.step(tab, user, rules, input, self.now, &mut actions);
        for action in &actions {
            self.act(tab, user, *action);
        }
        actions.clear();
        self.actions = actions;
    }

    fn rules_of(&self, user: u32) -> &'a Rules {
        if self.rules.len() == 1 {
            return &self.rules[0];
        }
        let bits = self.streams.rollout.bits(u64::from(user), 0);
        let mut up_to = 0.0;
        for (rules, share) in self.rules.iter().zip(&self.shares) {
            up_to += share;
            if chance(bits, up_to) {
                return rules;
            }
        }
        self.rules.last().expect("a contender has at least one policy")
    }

    fn act(&mut self, tab: u32, user: u32, action: Action) {
        match action {
            Action::Send { task, endpoint, first } => self.send(tab, user, task, endpoint, first),
            Action::Wait { task, generation, .. } if self.pages.tasks().generation(task) != generation => {}
            Action::Wait { task, wait, .. } => {
                let tasks = self.pages.tasks();
                let delay = match self.observer.given_wait(self.now, tab, &tasks.get(task), wait) {
                    Some(given) => given,
                    None if wait.is_exact() => wait.of(wait.low),
                    None => {
                        let t = &tasks[task];
                        let bits =
                            self.streams.jitter.bits(coordinates(tab, t.kind as u8, t.ordinal), self.now.0);
                        wait.of(Dist::uniform(wait.low, wait.high).sample(bits))
                    }
                };
                if O::ACTIVE {
                    self.observer.waits(self.now, tab, task, &self.pages.tasks().get(task), delay);
                }
                self.schedule_task(delay, EventKind::Timer, 0, task);
            }
            Action::GrantLock { task } => {
                let generation = self.pages.tasks().generation(task);
                self.at_once.push_back(Event {
                    kind: EventKind::Lock,
                    generation: 0,
                    id: task,
                    arg: generation,
                });
            }
            Action::BroadcastToken(token) => {
                self.post_to_other_tabs(tab, user, EventKind::TokenBroadcast, token.iat());
            }
            Action::BroadcastSignOut => self.post_to_other_tabs(tab, user, EventKind::SignOutBroadcast, 0),
            Action::Fact(fact) => {
                if O::ACTIVE {
                    self.observer.fact(self.now, tab, fact);
                }
                self.take_note(tab, user, fact);
            }
        }
    }

    /// A message to the browser's other tabs: a task of its own, as `BroadcastChannel` has it.
    fn post_to_other_tabs(&mut self, tab: u32, user: u32, kind: EventKind, arg: u32) {
        let first = user * self.plan.tabs_per_user;
        for other in first..first + self.plan.tabs_per_user {
            if other != tab && self.pages.open(other) {
                self.at_once.push_back(Event { kind, generation: 0, id: other, arg });
            }
        }
    }

    fn take_note(&mut self, tab: u32, user: u32, fact: Fact) {
        let within = tab % self.plan.tabs_per_user;
        let revoked = fact == Fact::SignedOut && self.accounts.revoked(user);
        let signed_out = self.collector.fact(user, within, fact, revoked, self.now);
        match fact {
            Fact::SignInEnded(None) => {
                self.accounts.begin(user);
                self.step_later(tab);
            }
            Fact::SignInEnded(Some(_)) => self.plan_sign_in(tab, user, true),
            Fact::SignedOut if signed_out => self.plan_sign_in(tab, user, false),
            _ => {}
        }
    }

    /// A user who has signed in again is sent to the app: a page load in every tab that shows the sign-in page.
    fn step_later(&mut self, tab: u32) {
        let first = tab / self.plan.tabs_per_user * self.plan.tabs_per_user;
        for other in first..first + self.plan.tabs_per_user {
            if self.pages.open(other) && !self.pages.session(other) {
                self.schedule_in_visit(self.now, EventKind::Reload, other, 0);
            }
        }
    }

    fn plan_sign_in(&mut self, tab: u32, user: u32, again: bool) {
        let Some(spec) = &self.plan.scenario.fleet.sign_in_again else { return };
        let will = self.streams.sign_in.bits(u64::from(user), u64::MAX);
        if !chance(will, spec.share) {
            return;
        }
        let after = spec.after.sample(self.streams.sign_in.bits(u64::from(user), self.now.0));
        self.schedule(self.now.after(after), EventKind::SignIn, 0, tab, u32::from(again));
    }
}
