//! A story as JSON: every step, without folding.
//!
//! An `id` is the number of a step, call or wait in the whole run, so a part of a run has entries with the same ids as the
//! whole. A `cause`, `sent_by` or `begun_by` that is not in `steps` is in `earlier`.

use super::record::code_of;
use super::story::{Call, Earlier, Effect, Step, Story, Trigger, Waiting};
use super::words::{self, headline};
use crate::kernel::Time;
use crate::protocol::Failure;
use serde_json::{Value, json};

/// Pretty-printed, keys in a fixed order, with a newline at the end. Times are seconds of virtual time.
pub fn json(story: &Story) -> String {
    format!("{:#}\n", value(story))
}

/// A story as a JSON object, keys in a fixed order.
pub(super) fn value(story: &Story) -> Value {
    let faults: Vec<Value> = story
        .faults
        .iter()
        .map(|f| json!({ "name": f.name, "from_s": f.from.as_secs_f64(), "to_s": f.to.as_secs_f64() }))
        .collect();
    let totals = story.totals;
    json!({
        "headline": headline(story),
        "scenario": story.scenario,
        "client_model": story.client_model,
        "version": env!("CARGO_PKG_VERSION"),
        "scenario_hash": story.scenario_hash,
        "seed": story.seed,
        "replication": story.replication,
        "policy": story.contender,
        "session_policy": story.policy,
        "session": story.session,
        "from_s": story.from.as_secs_f64(),
        "to_s": story.to.as_secs_f64(),
        "totals": {
            "entries": totals.entries,
            "depth": totals.depth,
            "requests": totals.requests,
            "errors_surfaced_to_app": totals.errors,
            "sign_outs": totals.sign_outs,
            "signed_out_at_s": totals.signed_out.map(|out| out.at.as_secs_f64()),
            "false_sign_out": totals.signed_out.is_some_and(|out| out.falsely),
        },
        "faults": faults,
        "steps": story.steps.iter().map(|(i, s)| step(story, *i, s)).collect::<Vec<_>>(),
        "calls": story.calls.iter().map(|(i, c)| call(story, *i, c)).collect::<Vec<_>>(),
        "waits": story.waits.iter().map(|(i, w)| wait(story, *i, w)).collect::<Vec<_>>(),
        "earlier": story.earlier.iter().map(|(i, e)| earlier(*i, e)).collect::<Vec<_>>(),
        "steps_left_out": story.left_out,
    })
}

fn seconds(at: Time) -> f64 {
    at.as_secs_f64()
}

fn step(story: &Story, id: usize, step: &Step) -> Value {
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
    json!({
        "id": id,
        "at_s": seconds(step.at),
        "tab": step.tab,
        "cause": step.cause,
        "trigger": kind,
        "call": answered,
        "happened": words::trigger(story, step),
        "came": words::effects(story, step),
        "deeds": step.effects.iter().map(|d| effect(story, step, *d)).collect::<Vec<_>>(),
    })
}

fn failure(story: &Story, failure: Failure) -> Value {
    match failure {
        Failure::OFFLINE => json!("offline"),
        Failure { status: 0, .. } => json!("network"),
        Failure { status, retry_after, .. } => json!({
            "status": status,
            "code": code_of(&story.codes, failure),
            "retry_after_s": retry_after.get(),
        }),
    }
}

fn effect(story: &Story, step: &Step, effect: Effect) -> Value {
    match effect {
        Effect::Sends(call) => json!({ "does": "sends", "call": call }),
        Effect::Waits(wait) => {
            let wait = &story.waits[&wait];
            json!({ "does": "waits", "for_s": wait.length.as_secs_f64(), "before": wait.task.id })
        }
        Effect::Judged { failure: f, verdict } => json!({
            "does": "judges",
            "failure": failure(story, f),
            "verdict": snake(&format!("{verdict:?}")),
            "rule": words::rule(story, step, verdict),
        }),
        Effect::EnteredFlow { entry, depth, cause } => json!({
            "does": "enters-flow",
            "entry": (entry > 0).then_some(entry),
            "depth": depth,
            "because_of": cause.map(|f| failure(story, f)),
        }),
        Effect::LeftFlow { levels, end } => json!({
            "does": "leaves-flow", "levels": levels, "end": snake(format!("{end:?}").split('(').next().unwrap_or("")),
        }),
        Effect::SignedOut { falsely, reused: true } => {
            json!({ "does": "signs-out", "false": falsely, "reused": true })
        }
        Effect::SignedOut { falsely, .. } => json!({ "does": "signs-out", "false": falsely }),
        Effect::SignedIn => json!({ "does": "has-session" }),
        Effect::PageGone => json!({ "does": "leaves the page" }),
        Effect::Status(status) => json!({ "does": "status", "status": snake(&format!("{status:?}")) }),
        Effect::AppError(f) => json!({ "does": "app-error", "failure": failure(story, f) }),
        Effect::SignInEnded(f) => json!({ "does": "sign-in-ends", "failure": f.map(|f| failure(story, f)) }),
    }
}

fn call(story: &Story, id: usize, call: &Call) -> Value {
    json!({
        "id": id,
        "tab": call.tab,
        "endpoint": call.endpoint.name(),
        "sent_s": seconds(call.sent),
        "ended_s": call.ended.map(seconds),
        "outcome": call.outcome.name(),
        "failure": call.failure.map(|f| failure(story, f)),
        "for": call.task.id,
        "attempt": call.attempt,
        "first_attempt": call.first,
        "fault": call.fault.map(|f| story.faults[f].name.as_str()),
        "limited": call.limited,
        "sent_by": call.by,
    })
}

fn wait(story: &Story, id: usize, wait: &Waiting) -> Value {
    json!({
        "id": id,
        "tab": wait.tab,
        "from_s": seconds(wait.from),
        "until_s": seconds(wait.until(story.horizon)),
        "before": wait.task.id,
        "retry": wait.is_retry().then_some(wait.retry),
        "begun_by": wait.by,
    })
}

fn earlier(id: usize, earlier: &Earlier) -> Value {
    json!({
        "id": id,
        "at_s": seconds(earlier.at),
        "tab": earlier.tab,
        "happened": earlier.happened,
        "chain_began_at_s": earlier.began.as_ref().map(|(at, _)| seconds(*at)),
        "chain_began_with": earlier.began.as_ref().map(|(_, with)| with.as_str()),
    })
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
