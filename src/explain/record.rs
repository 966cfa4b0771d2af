//! Looking on while a run goes by, and keeping what one session did.

use super::rules::Rules;
use super::story::{Call, Deed, Step, Story, Totals, Trigger, Waiting};
use crate::backend::Endpoint;
use crate::client::page::{Fact, Input};
use crate::client::policy::{Failure, Policy};
use crate::client::task::{Kind, Reply, Task, TaskId, Tasks};
use crate::experiment::model_name;
use crate::experiment::results::FaultWindow;
use crate::kernel::random::{Purpose, Stream, chance};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::world::{Observer, Outside, Plan};
use std::collections::BTreeMap;

/// More steps than this nobody reads; the rest is counted. A loop without latency would fill any memory.
pub const MOST_STEPS: usize = 100_000;

/// Keeps what happens to one user's tabs.
pub struct Recorder {
    session: u32,
    tabs_per_user: u32,
    from: Time,
    to: Time,
    steps: Vec<Step>,
    calls: Vec<Call>,
    waits: Vec<Waiting>,
    left_out: u64,
    totals: Totals,
    revoked: bool,
    /// Signed out, and not in again.
    out: bool,
    /// The step under way, if it is told.
    step: Option<usize>,
    /// The call just sent, if it is told.
    sending: Option<usize>,
    call_of: BTreeMap<TaskId, usize>,
    wait_of: BTreeMap<TaskId, usize>,
    /// The last sign-out and the last good sign-in, which cause what the user does next.
    last_sign_out: Option<usize>,
    last_sign_in: Option<usize>,
    last_tab: u32,
}

impl Recorder {
    /// For this session, from one time to another.
    pub fn new(plan: &Plan, session: u32, from: Time, to: Time) -> Recorder {
        Recorder {
            session,
            tabs_per_user: plan.tabs_per_user,
            from,
            to,
            steps: Vec::new(),
            calls: Vec::new(),
            waits: Vec::new(),
            left_out: 0,
            totals: Totals::default(),
            revoked: false,
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
        (tab / self.tabs_per_user == self.session).then_some(tab % self.tabs_per_user)
    }

    fn begin(&mut self, at: Time, tab: Option<u32>, trigger: Trigger, cause: Option<usize>) {
        self.step = None;
        if at < self.from || at > self.to {
            return;
        }
        if self.steps.len() >= MOST_STEPS {
            self.left_out += 1;
            return;
        }
        self.last_tab = self.last_tab.max(tab.unwrap_or(0));
        self.step = Some(self.steps.len());
        self.steps.push(Step { at, tab, trigger, cause, deeds: Vec::new() });
    }

    fn did(&mut self, deed: Deed) {
        if let Some(step) = self.step {
            self.steps[step].deeds.push(deed);
        }
    }

    /// The newest step of this instant in another tab for which `says` holds: what a message to other tabs comes from.
    fn elsewhere(&self, now: Time, tab: u32, says: impl Fn(&Step) -> bool) -> Option<usize> {
        let recent = self.steps.iter().enumerate().rev().take_while(|(_, step)| step.at == now);
        recent.filter(|(_, step)| step.tab != Some(tab)).find(|(_, step)| says(step)).map(|(i, _)| i)
    }

    fn cause(&self, now: Time, tab: u32, input: Input) -> Option<usize> {
        match input {
            Input::Answer(task) => self.call_of.get(&task).map(|call| self.calls[*call].by),
            Input::Timer(task) => self.wait_of.get(&task).map(|wait| self.waits[*wait].by),
            Input::TokenBroadcast(_) => {
                self.elsewhere(now, tab, |step| matches!(step.trigger, Trigger::Answer(_)))
            }
            Input::SignOutBroadcast => {
                let signs_out = |deed: &Deed| matches!(deed, Deed::SignedOut { .. });
                self.elsewhere(now, tab, |step| step.deeds.iter().any(signs_out))
            }
            Input::SignIn { .. } => self.last_sign_out,
            Input::Open => self.last_sign_in.filter(|step| self.steps[*step].at == now),
            Input::Lock(_)
            | Input::Close
            | Input::Focus
            | Input::AppGetToken { .. }
            | Input::SetActive { .. } => None,
        }
    }

    /// The story of what was seen.
    pub fn finish(self, plan: &Plan, contender: usize, replication: u32, hash: &str) -> Story {
        let policy = policy_of(plan, contender, replication, self.session);
        let scenario = &plan.scenario;
        let limits = Endpoint::ALL.map(|endpoint| {
            plan.limits_of[endpoint as usize]
                .iter()
                .map(|limit| scenario.backend.limits[*limit as usize].in_words())
                .collect()
        });
        let faults = scenario.faults.iter().map(|spec| {
            let name = if spec.name.is_empty() { spec.in_words() } else { spec.name.clone() };
            let to = spec.to.unwrap_or(scenario.horizon).min(scenario.horizon);
            let revokes = spec.kind == crate::fault::FaultKind::Revocation;
            FaultWindow { name, from: spec.from, to: if revokes { spec.from } else { to } }
        });
        Story {
            scenario: scenario.name.clone(),
            client_model: model_name(scenario.client.model).to_owned(),
            scenario_hash: hash.to_owned(),
            seed: scenario.seed,
            replication,
            contender: plan.contenders[contender].name.clone(),
            policy: policy.name.clone(),
            session: self.session,
            horizon: plan.horizon,
            from: self.from,
            to: self.to.min(plan.horizon),
            faults: faults.collect(),
            limits,
            codes: plan.codes.clone(),
            rules: Rules::of(policy, &plan.setup.release),
            tabs: self.last_tab + 1,
            totals: self.totals,
            steps: self.steps,
            calls: self.calls,
            waits: self.waits,
            left_out: self.left_out,
        }
    }
}

/// The policy of a user of a mix: the draw that the world makes.
fn policy_of(plan: &Plan, contender: usize, replication: u32, user: u32) -> &Policy {
    let parts = &plan.contenders[contender].parts;
    let stream = Stream::new(plan.scenario.seed, replication, Purpose::Rollout, 0);
    let mut up_to = 0.0;
    for (policy, share) in parts {
        up_to += share;
        if parts.len() == 1 || chance(stream.bits(u64::from(user), 0), up_to) {
            return policy;
        }
    }
    &parts.last().expect("a contender has at least one policy").0
}

impl Observer for Recorder {
    const ACTIVE: bool = true;

    fn input(&mut self, now: Time, tab: u32, input: Input, _tasks: &Tasks) {
        let Some(tab) = self.own(tab) else {
            self.step = None;
            return;
        };
        let trigger = match input {
            Input::Open => Trigger::Opened,
            Input::Close => Trigger::Closed,
            Input::Focus => Trigger::Focus,
            Input::AppGetToken { callers, skip_cache } => Trigger::AppGetToken { callers, skip_cache },
            Input::SetActive { navigate } => Trigger::SetActive { navigate },
            Input::TokenBroadcast(_) => Trigger::TokenBroadcast,
            Input::SignOutBroadcast => Trigger::SignOutBroadcast,
            Input::SignIn { again } => Trigger::SignIn { again },
            Input::Lock(_) => Trigger::Lock,
            // What was sent or set before the story begins comes from nowhere.
            Input::Answer(task) => match self.call_of.get(&task) {
                Some(call) => Trigger::Answer(*call),
                None => return self.step = None,
            },
            Input::Timer(task) => match self.wait_of.get(&task) {
                Some(wait) => Trigger::Timer(*wait),
                None => return self.step = None,
            },
        };
        let cause = self.cause(now, tab, input);
        self.begin(now, Some(tab), trigger, cause);
    }

    fn sent(&mut self, now: Time, tab: u32, id: TaskId, task: &Task, endpoint: Endpoint, first: bool) {
        self.sending = None;
        let Some(tab) = self.own(tab) else { return };
        self.totals.requests += 1;
        self.call_of.remove(&id);
        let Some(by) = self.step else { return };
        let call = self.calls.len();
        self.calls.push(Call {
            tab,
            endpoint,
            kind: task.kind,
            caller: task.caller,
            attempt: if task.kind == Kind::Flow { task.levels } else { u32::from(task.attempt) },
            first,
            sent: now,
            ended: None,
            outcome: Outcome::InFlight,
            failure: None,
            fault: None,
            limited: false,
            by,
        });
        self.call_of.insert(id, call);
        self.sending = Some(call);
        self.did(Deed::Sends(call));
    }

    fn struck(&mut self, fault: usize) {
        if let Some(call) = self.sending {
            self.calls[call].fault = Some(fault);
        }
    }

    fn limited(&mut self) {
        if let Some(call) = self.sending {
            self.calls[call].limited = true;
        }
    }

    fn outside(&mut self, now: Time, user: u32, what: Outside) {
        if user == self.session {
            self.revoked |= what == Outside::Revoked;
            self.begin(now, None, Trigger::Outside(what), None);
        }
    }

    fn call_ended(
        &mut self,
        now: Time,
        tab: u32,
        id: TaskId,
        _endpoint: Endpoint,
        _sent: Time,
        reply: Reply,
        outcome: Outcome,
    ) {
        let Some(call) = self.own(tab).and_then(|_| self.call_of.get(&id)) else { return };
        let call = &mut self.calls[*call];
        call.outcome = outcome;
        call.ended = (outcome != Outcome::InFlight).then_some(now);
        call.failure = match (outcome, reply) {
            (Outcome::InFlight | Outcome::Dropped, _) | (_, Reply::Ok { .. }) => None,
            (_, Reply::Fail(failure)) => Some(failure),
        };
    }

    fn waits(&mut self, now: Time, tab: u32, id: TaskId, task: &Task, delay: Dur) {
        let Some(tab) = self.own(tab) else { return };
        self.wait_of.remove(&id);
        let Some(by) = self.step else { return };
        let wait = self.waits.len();
        let (kind, caller, retry) = (task.kind, task.caller, u32::from(task.attempt));
        self.waits.push(Waiting { tab, kind, caller, retry, from: now, length: delay, by });
        self.wait_of.insert(id, wait);
        self.did(Deed::Waits(wait));
    }

    fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        if self.own(tab).is_none() {
            return;
        }
        let deed = match fact {
            Fact::FlowEntered { active, depth, cause, .. } => {
                self.totals.entries += u32::from(active);
                self.totals.depth = self.totals.depth.max(if active { depth } else { 0 });
                let entry = if active { self.totals.entries } else { 0 };
                Deed::EnteredFlow { entry, depth, cause }
            }
            Fact::FlowLeft { levels, end } => Deed::LeftFlow { levels, end },
            Fact::SignedOut => {
                self.totals.signed_out.get_or_insert((now, !self.revoked));
                self.totals.sign_outs += u32::from(!self.out);
                self.out = true;
                self.last_sign_out = self.step.or(self.last_sign_out);
                Deed::SignedOut { falsely: !self.revoked }
            }
            Fact::SignedIn => Deed::SignedIn,
            Fact::PageGone => Deed::PageGone,
            Fact::Status(status) => Deed::Status(status),
            Fact::AppError(failure) => {
                self.totals.errors += 1;
                Deed::AppError(failure)
            }
            Fact::SignInEnded(failure) => {
                if failure.is_none() {
                    self.revoked = false;
                    self.out = false;
                    self.last_sign_in = self.step;
                }
                Deed::SignInEnded(failure)
            }
            Fact::Judged { failure, verdict } => Deed::Judged { failure, verdict },
            Fact::Cookie(_) | Fact::LoadEnd(_) | Fact::AppWaited(_) => return,
        };
        self.did(deed);
    }
}

/// A failure that no code belongs to, for tests and words alike.
pub(super) fn code_of(codes: &[String], failure: Failure) -> Option<&str> {
    codes.get(usize::from(failure.code)).map(String::as_str).filter(|code| !code.is_empty())
}
