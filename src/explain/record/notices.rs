//! What a recorder keeps of each notification of an [`Observer`].
//!
//! [`Observer`]: crate::world::Observer

use super::{Recorder, SignedOut};
use crate::backend::Endpoint;
use crate::client::fact::Fact;
use crate::client::family::{self, Activity, Look, Role};
use crate::client::step::{Input, TaskId};
use crate::explain::story::{Call, Effect, Trigger, Waiting};
use crate::kernel::{Dur, Time};
use crate::metrics::Outcome;
use crate::world::Outside;

impl Recorder {
    pub(in crate::explain) fn input(&mut self, now: Time, tab: u32, input: Input, look: &dyn Look) {
        let Some(tab) = self.own(tab) else {
            self.step = None;
            return;
        };
        let trigger = match input {
            Input::Open => Trigger::Opened,
            Input::Close => Trigger::Closed,
            Input::Focus => Trigger::Focus,
            Input::Blur => Trigger::Blur,
            Input::AppGetToken { callers, skip_cache } => Trigger::AppGetToken { callers, skip_cache },
            Input::SetActive { navigate, no_session } => Trigger::SetActive { navigate, no_session },
            Input::Message(message) => Trigger::Message(look.message(message)),
            Input::SignIn { again } => Trigger::SignIn { again },
            Input::Lock(_) => Trigger::Lock,
            // The effects of a step that is left out are left out too.
            Input::Answer(task) => match self.call_of.remove(&task) {
                Some(call) => Trigger::Answer(call),
                None => {
                    self.leaves_out(now);
                    return;
                }
            },
            Input::Timer(task) => match self.wait_of.remove(&task) {
                Some(wait) => {
                    self.end_wait(wait, now);
                    Trigger::Timer(wait)
                }
                None => {
                    self.leaves_out(now);
                    return;
                }
            },
        };
        if matches!(input, Input::Open | Input::Close) {
            self.end_waits_of(tab, now);
        }
        let cause = self.cause(now, tab, input, trigger);
        self.begin(now, Some(tab), trigger, cause);
    }

    pub(in crate::explain) fn sent(
        &mut self,
        now: Time,
        tab: u32,
        id: TaskId,
        doing: Activity,
        endpoint: Endpoint,
        first: bool,
    ) {
        self.sending = None;
        let Some(tab) = self.own(tab) else { return };
        let number = self.totals.requests as usize;
        self.totals.requests += 1;
        self.call_of.remove(&id);
        let Some(by) = self.step else { return };
        let call = Call {
            tab,
            endpoint,
            task: doing.task,
            caller: doing.caller,
            attempt: if doing.task.role == Role::Flow { doing.levels } else { doing.attempt },
            first,
            sent: now,
            ended: None,
            outcome: Outcome::InFlight,
            failure: None,
            fault: None,
            limited: false,
            by,
        };
        self.calls.insert(number, call);
        self.call_of.insert(id, number);
        self.sending = Some(number);
        self.did(Effect::Sends(number));
    }

    pub(in crate::explain) fn struck(&mut self, user: u32, fault: usize) {
        if let Some(call) = self.just_sent(user) {
            call.fault = Some(fault);
        }
    }

    pub(in crate::explain) fn limited(&mut self, user: u32) {
        if let Some(call) = self.just_sent(user) {
            call.limited = true;
        }
    }

    pub(in crate::explain) fn outside(&mut self, now: Time, user: u32, what: Outside) {
        if user == self.session {
            self.revoked |= what == Outside::Revoked;
            // The answer to the request that is being sent says it, so it is no step of its own.
            if what == Outside::Reused {
                self.reused = true;
                return;
            }
            self.begin(now, None, Trigger::Outside(what), None);
        }
    }

    pub(in crate::explain) fn call_ended(
        &mut self,
        now: Time,
        id: TaskId,
        ended: &family::Call,
        outcome: Outcome,
    ) {
        let number = self.own(ended.tab).and_then(|_| self.call_of.get(&id));
        let Some(call) = number.and_then(|number| self.calls.get_mut(number)) else { return };
        call.outcome = outcome;
        call.ended = (outcome != Outcome::InFlight).then_some(now);
        call.failure = ended.failure.filter(|_| !matches!(outcome, Outcome::InFlight | Outcome::Dropped));
    }

    pub(in crate::explain) fn waits(&mut self, now: Time, tab: u32, id: TaskId, doing: Activity, delay: Dur) {
        let Some(tab) = self.own(tab) else { return };
        if let Some(before) = self.wait_of.remove(&id) {
            self.end_wait(before, now);
        }
        let number = self.next_wait;
        self.next_wait += 1;
        let Some(by) = self.step else { return };
        let Activity { task, caller, attempt: retry, .. } = doing;
        let wait = Waiting { tab, task, caller, retry, from: now, length: delay, ended: None, by };
        self.waits.insert(number, wait);
        self.wait_of.insert(id, number);
        self.did(Effect::Waits(number));
    }

    pub(in crate::explain) fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        if self.own(tab).is_none() {
            return;
        }
        let effect = match fact {
            Fact::FlowEntered { active, depth, cause, .. } => {
                self.totals.entries += u32::from(active);
                self.totals.depth = self.totals.depth.max(if active { depth } else { 0 });
                let entry = if active { self.totals.entries } else { 0 };
                Effect::EnteredFlow { entry, depth, cause }
            }
            Fact::FlowLeft { levels, end } => Effect::LeftFlow { levels, end },
            Fact::SignedOut => {
                let (falsely, reused) = (!self.revoked && !self.reused, self.reused && !self.revoked);
                self.totals.signed_out.get_or_insert(SignedOut { at: now, falsely, reused });
                self.totals.sign_outs += u32::from(!self.out);
                self.out = true;
                self.last_sign_out = self.step.or(self.last_sign_out);
                Effect::SignedOut { falsely, reused }
            }
            Fact::SignedIn => Effect::SignedIn,
            Fact::PageGone => Effect::PageGone,
            Fact::Status(status) => Effect::Status(status),
            Fact::AppError(failure) | Fact::UnhandledRejection(failure) => {
                self.totals.errors += 1;
                Effect::AppError(failure)
            }
            Fact::SignInEnded(failure) => {
                if failure.is_none() {
                    self.revoked = false;
                    self.reused = false;
                    self.out = false;
                    self.last_sign_in = self.step;
                }
                Effect::SignInEnded(failure)
            }
            Fact::Judged { failure, verdict } => Effect::Judged { failure, verdict },
            Fact::Cookie(_)
            | Fact::LoadEnd(_)
            | Fact::AppAsked
            | Fact::AppWaited(_)
            | Fact::AppServed
            | Fact::AppLeft(_) => {
                return;
            }
        };
        self.did(effect);
    }
}
