//! Observes a run and records one session.
//!
//! A part of a run depends on what came before it, so the recorder observes the run from its start. Before the part it keeps
//! only what the part may need: the steps behind calls in flight and waits, and the starts of their chains.

mod notices;

use super::part;
use super::rules::Rules;
use super::run::{RoundsOf, arm_of, change_of, fault_windows};
use super::story::{self, Call, Effect, SignedOut, Step, Story, Totals, Trigger, Waiting};
use crate::backend::Endpoint;
use crate::client::family::MessageCause;
use crate::client::step::{Input, TaskId};
use crate::kernel::Time;
use crate::protocol::Failure;
use crate::world::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The most steps of a story. Further steps are only counted. A loop without latency would fill any memory.
pub const MOST_STEPS: usize = 100_000;
/// Number of steps before the part that are kept without checking whether they are still needed.
const FEW_STEPS: usize = 64;

/// Records the tabs of one user.
pub struct Recorder {
    session: u32,
    /// The tabs of the session, as numbers of the run.
    own_tabs: Range<u32>,
    from: Time,
    to: Time,
    steps: BTreeMap<usize, Step>,
    calls: BTreeMap<usize, Call>,
    waits: BTreeMap<usize, Waiting>,
    /// Numbers of the next step and the next wait. The number of the next call is the number of requests so far.
    next_step: usize,
    next_wait: usize,
    /// Number of recorded steps of the part.
    told: usize,
    left_out: u64,
    /// Number of kept steps above which steps that are no longer needed are removed.
    most_kept: usize,
    totals: Totals,
    revoked: bool,
    /// Whether the client's reuse of a refresh token has ended the session.
    reused: bool,
    /// Whether the user is signed out.
    out: bool,
    /// The current step, if it is kept.
    step: Option<usize>,
    /// The call that was just sent, if it is kept.
    sending: Option<usize>,
    /// Unanswered calls and current waits, by task.
    call_of: BTreeMap<TaskId, usize>,
    wait_of: BTreeMap<TaskId, usize>,
    /// The last sign-out and the last successful sign-in. They cause the user's next actions.
    last_sign_out: Option<usize>,
    last_sign_in: Option<usize>,
    last_tab: u32,
}

impl Recorder {
    /// A recorder for this session and time range.
    pub fn new(plan: &Plan, session: u32, from: Time, to: Time) -> Recorder {
        Recorder {
            session,
            own_tabs: plan.tabs.of(session),
            from,
            to,
            steps: BTreeMap::new(),
            calls: BTreeMap::new(),
            waits: BTreeMap::new(),
            next_step: 0,
            next_wait: 0,
            told: 0,
            left_out: 0,
            most_kept: FEW_STEPS,
            totals: Totals::default(),
            revoked: false,
            reused: false,
            out: false,
            step: None,
            sending: None,
            call_of: BTreeMap::new(),
            wait_of: BTreeMap::new(),
            last_sign_out: None,
            last_sign_in: None,
            last_tab: 0,
        }
    }

    fn own(&self, tab: u32) -> Option<u32> {
        self.own_tabs.contains(&tab).then(|| tab - self.own_tabs.start)
    }

    fn begin(&mut self, at: Time, tab: Option<u32>, trigger: Trigger, cause: Option<usize>) {
        let number = self.next_step;
        if self.leaves_out(at) {
            return;
        }
        self.last_tab = self.last_tab.max(tab.unwrap_or(0));
        let mut step = Step { at, tab, trigger, cause, chain: number, effects: Vec::new() };
        if !story::is_root(&step, |wait| self.waits.get(&wait)) {
            step.chain = cause.and_then(|cause| self.steps.get(&cause)).map_or(number, |cause| cause.chain);
        }
        self.steps.insert(number, step);
        self.step = Some(number);
        if at < self.from && self.steps.len() > self.most_kept {
            self.forget(at);
        }
    }

    /// Counts a step. Returns true if it is left out: it lies after the part, or the part has too many steps.
    fn leaves_out(&mut self, at: Time) -> bool {
        self.step = None;
        self.next_step += 1;
        if at < self.from || at > self.to {
            return at > self.to;
        }
        let too_many = self.told >= MOST_STEPS;
        self.left_out += u64::from(too_many);
        self.told += usize::from(!too_many);
        too_many
    }

    /// Before the part: removes steps on which nothing depends any more.
    fn forget(&mut self, now: Time) {
        // A wait that ended with its page may still be named by its timer.
        let pending: BTreeSet<usize> = self.wait_of.values().copied().collect();
        let lasts = |(number, wait): &(&usize, &Waiting)| wait.ended.is_none() || pending.contains(number);
        let in_flight = self.calls.values().filter(|call| call.ended.is_none());
        let lasting = self.waits.iter().filter(lasts);
        let senders = in_flight.map(|call| call.by).chain(lasting.map(|(_, wait)| wait.by));
        let recent =
            self.steps.iter().rev().take_while(|(_, step)| step.at == now).map(|(number, _)| *number);
        let last = [self.last_sign_out, self.last_sign_in].into_iter().flatten();
        let mut needed: BTreeSet<usize> = senders.chain(recent).chain(last).collect();
        let chains: Vec<usize> =
            needed.iter().filter_map(|number| self.steps.get(number)).map(|step| step.chain).collect();
        needed.extend(chains);
        self.steps.retain(|number, _| needed.contains(number));
        let triggers = || self.steps.values().map(|step| step.trigger);
        let answers: BTreeSet<usize> = triggers().filter_map(Trigger::call).collect();
        let timers: BTreeSet<usize> = triggers().filter_map(Trigger::wait).collect();
        self.calls.retain(|number, call| call.ended.is_none() || answers.contains(number));
        self.waits.retain(|number, wait| lasts(&(number, wait)) || timers.contains(number));
        self.most_kept = 2 * self.steps.len() + FEW_STEPS;
    }

    fn did(&mut self, effect: Effect) {
        if let Some(step) = self.step.and_then(|step| self.steps.get_mut(&step)) {
            // A sign-out that reaches several tabs within a step is one.
            if !(matches!(effect, Effect::SignedOut { .. }) && step.effects.contains(&effect)) {
                step.effects.push(effect);
            }
        }
    }

    /// Ends a wait, because its time has come or its task or page has gone.
    fn end_wait(&mut self, number: usize, now: Time) {
        if let Some(wait) = self.waits.get_mut(&number) {
            wait.ended = Some(wait.until(now));
        }
    }

    /// Ends the waits of a page that goes away.
    fn end_waits_of(&mut self, tab: u32, now: Time) {
        let of_tab = |number: &&usize| self.waits.get(number).is_some_and(|wait| wait.tab == tab);
        let lasting: Vec<usize> = self.wait_of.values().filter(of_tab).copied().collect();
        lasting.into_iter().for_each(|number| self.end_wait(number, now));
    }

    /// The newest step of this instant in another tab for which `says` holds: the origin of a message to other tabs.
    fn elsewhere(&self, now: Time, tab: u32, says: impl Fn(&Step) -> bool) -> Option<usize> {
        let recent = self.steps.iter().rev().take_while(|(_, step)| step.at == now);
        recent
            .filter(|(_, step)| step.tab != Some(tab))
            .find(|(_, step)| says(step))
            .map(|(number, _)| *number)
    }

    fn cause(&self, now: Time, tab: u32, input: Input, trigger: Trigger) -> Option<usize> {
        match input {
            Input::Answer(_) => trigger.call().map(|call| self.calls[&call].by),
            Input::Timer(_) => trigger.wait().map(|wait| self.waits[&wait].by),
            Input::Message(_) => {
                let Trigger::Message(row) = trigger else { return None };
                let signs_out = |effect: &Effect| matches!(effect, Effect::SignedOut { .. });
                self.elsewhere(now, tab, |step| match row.cause {
                    MessageCause::Answer => matches!(step.trigger, Trigger::Answer(_)),
                    MessageCause::SignOut => step.effects.iter().any(signs_out),
                })
            }
            Input::SignIn { .. } => self.last_sign_out,
            Input::Open => {
                self.last_sign_in.filter(|step| self.steps.get(step).is_some_and(|step| step.at == now))
            }
            Input::Lock(_) | Input::Close | Input::Focus | Input::Blur => None,
            Input::AppGetToken { .. } | Input::SetActive { .. } => None,
        }
    }

    /// The call that this user just sent, if it is kept.
    fn just_sent(&mut self, user: u32) -> Option<&mut Call> {
        self.calls.get_mut(&self.sending.filter(|_| user == self.session)?)
    }

    /// The story of the recorded session.
    pub fn finish(self, plan: &Plan, contender: usize, replication: u32, hash: &str) -> Story {
        let place = arm_of(plan, contender, replication, self.session);
        let arm = &plan.arms[contender].all[place];
        let (policy, max_rounds) = (&arm.policy, plan.clients[contender].with(RoundsOf(place)));
        let scenario = &plan.scenario;
        let limits = Endpoint::ALL.map(|endpoint| {
            let limits = plan.backend.route(endpoint).limits.iter();
            limits.map(|limit| scenario.backend.limits[usize::from(limit.number)].in_words()).collect()
        });
        let mut story = Story {
            scenario: scenario.name.clone(),
            client_model: plan.client_in_words(arm),
            scenario_hash: hash.to_owned(),
            seed: scenario.seed,
            replication,
            contender: plan.contenders[contender].name.clone(),
            policy: policy.name.clone(),
            session: self.session,
            cohort: plan.cohorts[plan.cohort_of(self.session)].name.clone(),
            horizon: plan.horizon,
            from: self.from,
            to: self.to.min(plan.horizon),
            faults: fault_windows(scenario),
            limits,
            codes: plan.codes.clone(),
            flow: *arm.model.flow(),
            rules: Rules::of(policy, max_rounds),
            change: change_of(plan, contender, replication, self.session, max_rounds),
            tabs: self.last_tab + 1,
            totals: self.totals,
            steps: self.steps,
            calls: self.calls,
            waits: self.waits,
            earlier: BTreeMap::new(),
            left_out: self.left_out,
        };
        part::leave_earlier(&mut story);
        story
    }
}

/// The error code of a failure; `None` for a failure without a code.
pub(super) fn code_of(codes: &[String], failure: Failure) -> Option<&str> {
    codes.get(usize::from(failure.code)).map(String::as_str).filter(|code| !code.is_empty())
}
