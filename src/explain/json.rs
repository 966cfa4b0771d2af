//! A story as JSON: every step, without folding.
//!
//! An `id` is the number of a step, call or wait in the whole run, so a part of a run has entries with the same ids as the
//! whole. A `cause`, `sent_by` or `begun_by` that is not in `steps` is in `earlier`.

use super::record::code_of;
use super::story::{Call, Earlier, Effect, Step, Story, Trigger, Waiting};
use super::told::{OfCall, OfEarlier, OfEffect, OfFailure, OfFault, OfStep, OfTotals, OfWait, Told};
use super::words::{self, headline};
use crate::kernel::Time;
use crate::protocol::Failure;
use crate::results::FaultWindow;
use crate::spec::json::output_schema;
use serde_json::json;

/// Pretty-printed, with a newline at the end.
pub fn json(story: &Story) -> String {
    format!("{:#}\n", json!(told(story)))
}

/// The JSON Schema of a story, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Told>("What `explain --format json` prints"))
}

/// A story as data.
pub(super) fn told(story: &Story) -> Told {
    let fault = |f: &FaultWindow| OfFault {
        name: f.name.clone(),
        from_s: f.from.as_secs_f64(),
        to_s: f.to.as_secs_f64(),
    };
    let totals = story.totals;
    Told {
        headline: headline(story),
        scenario: story.scenario.clone(),
        client_model: story.client_model.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario_hash: story.scenario_hash.clone(),
        seed: story.seed,
        replication: story.replication,
        policy: story.contender.clone(),
        session_policy: story.policy.clone(),
        session: story.session,
        from_s: seconds(story.from),
        to_s: seconds(story.to),
        totals: OfTotals {
            entries: totals.entries,
            depth: totals.depth,
            requests: totals.requests,
            errors_surfaced_to_app: totals.errors,
            sign_outs: totals.sign_outs,
            signed_out_at_s: totals.signed_out.map(|out| seconds(out.at)),
            false_sign_out: totals.signed_out.is_some_and(|out| out.falsely),
        },
        faults: story.faults.iter().map(fault).collect(),
        steps: story.steps.iter().map(|(i, s)| step(story, *i, s)).collect(),
        calls: story.calls.iter().map(|(i, c)| call(story, *i, c)).collect(),
        waits: story.waits.iter().map(|(i, w)| wait(story, *i, w)).collect(),
        earlier: story.earlier.iter().map(|(i, e)| earlier(*i, e)).collect(),
        steps_left_out: story.left_out,
    }
}

fn seconds(at: Time) -> f64 {
    at.as_secs_f64()
}

fn step(story: &Story, id: usize, step: &Step) -> OfStep {
    let (kind, answered) = match step.trigger {
        Trigger::Opened => ("open", None),
        Trigger::Closed => ("close", None),
        Trigger::Focus => ("focus", None),
        Trigger::Blur => ("blur", None),
        Trigger::AppGetToken { .. } => ("app-get-token", None),
        Trigger::SetActive { .. } => ("set-active", None),
        Trigger::Message(row) => (row.id, None),
        Trigger::SignIn { .. } => ("sign-in", None),
        Trigger::Answer(call) => ("answer", Some(call)),
        Trigger::Timer(_) => ("timer", None),
        Trigger::Lock => ("lock", None),
        Trigger::Outside(_) => ("outside", None),
    };
    OfStep {
        id,
        at_s: seconds(step.at),
        tab: step.tab,
        cause: step.cause,
        trigger: kind.to_owned(),
        call: answered,
        happened: words::trigger(story, step),
        came: words::effects(story, step),
        deeds: step.effects.iter().map(|e| effect(story, step, *e)).collect(),
    }
}

fn failure(story: &Story, failure: Failure) -> OfFailure {
    match failure {
        Failure::OFFLINE => OfFailure::Word("offline".to_owned()),
        Failure { status: 0, .. } => OfFailure::Word("network".to_owned()),
        Failure { status, retry_after, .. } => OfFailure::Answer {
            status,
            code: code_of(&story.codes, failure).map(str::to_owned),
            retry_after_s: retry_after.get(),
        },
    }
}

fn effect(story: &Story, step: &Step, effect: Effect) -> OfEffect {
    let of = |f| failure(story, f);
    match effect {
        Effect::Sends(call) => OfEffect::Sends { call },
        Effect::Waits(wait) => {
            let wait = &story.waits[&wait];
            OfEffect::Waits { for_s: wait.length.as_secs_f64(), before: wait.task.id.to_owned() }
        }
        Effect::Judged { failure, verdict } => OfEffect::Judges {
            failure: of(failure),
            verdict: snake(&format!("{verdict:?}")),
            rule: words::rule(story, step, verdict),
        },
        Effect::EnteredFlow { entry, depth, cause } => {
            OfEffect::EntersFlow { entry: (entry > 0).then_some(entry), depth, because_of: cause.map(of) }
        }
        Effect::LeftFlow { levels, end } => {
            let end = snake(format!("{end:?}").split('(').next().unwrap_or(""));
            OfEffect::LeavesFlow { levels, end }
        }
        Effect::SignedOut { falsely, reused } => OfEffect::SignsOut { r#false: falsely, reused },
        Effect::SignedIn => OfEffect::HasSession,
        Effect::PageGone => OfEffect::LeavesThePage,
        Effect::Status(status) => OfEffect::Status { status: snake(&format!("{status:?}")) },
        Effect::AppError(f) => OfEffect::AppError { failure: of(f) },
        Effect::SignInEnded(f) => OfEffect::SignInEnds { failure: f.map(of) },
    }
}

fn call(story: &Story, id: usize, call: &Call) -> OfCall {
    OfCall {
        id,
        tab: call.tab,
        endpoint: call.endpoint.name().to_owned(),
        sent_s: seconds(call.sent),
        ended_s: call.ended.map(seconds),
        outcome: call.outcome.name().to_owned(),
        failure: call.failure.map(|f| failure(story, f)),
        r#for: call.task.id.to_owned(),
        attempt: call.attempt,
        first_attempt: call.first,
        fault: call.fault.map(|f| story.faults[f].name.clone()),
        limited: call.limited,
        sent_by: call.by,
    }
}

fn wait(story: &Story, id: usize, wait: &Waiting) -> OfWait {
    OfWait {
        id,
        tab: wait.tab,
        from_s: seconds(wait.from),
        until_s: seconds(wait.until(story.horizon)),
        before: wait.task.id.to_owned(),
        retry: wait.is_retry().then_some(wait.retry),
        begun_by: wait.by,
    }
}

fn earlier(id: usize, earlier: &Earlier) -> OfEarlier {
    OfEarlier {
        id,
        at_s: seconds(earlier.at),
        tab: earlier.tab,
        happened: earlier.happened.clone(),
        chain_began_at_s: earlier.began.as_ref().map(|(at, _)| seconds(*at)),
        chain_began_with: earlier.began.as_ref().map(|(_, with)| with.clone()),
    }
}

/// `EnterFlow` as `enter-flow`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for (i, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && i > 0 {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
