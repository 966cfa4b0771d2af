//! Describes a step in words for an incident review.

use super::record::code_of;
use super::story::{Call, Earlier, Effect, SignedOut, Step, Story, Totals, Trigger, Waiting};
pub use super::times::{clock, span};
use crate::client::fact::{FlowEnd, Judgement, Status};
use crate::client::family::{Due, Role};
use crate::client::token::label;
use crate::kernel::Time;
use crate::metrics::Outcome;
use crate::protocol::Failure;
use crate::results::FaultWindow;
use crate::text::number;
use crate::world::Outside;

/// The trigger of a step, as a clause.
pub fn trigger(story: &Story, step: &Step) -> String {
    match step.trigger {
        Trigger::Opened if step.effects.contains(&Effect::PageGone) => "page reloaded".to_owned(),
        Trigger::Opened => "page opened".to_owned(),
        Trigger::Closed => "page closed".to_owned(),
        Trigger::Focus => "the tab gains focus".to_owned(),
        Trigger::Blur => "the tab's document loses focus".to_owned(),
        Trigger::AppGetToken { callers, skip_cache } => {
            let past = if skip_cache { " past the cache" } else { "" };
            let times = if callers > 1 { format!(", {callers} callers at once") } else { String::new() };
            format!("the app calls getToken{past}{times}")
        }
        Trigger::SetActive { navigate, no_session } => {
            let session = if no_session { " without a session" } else { "" };
            let navigation = if navigate { " with navigation" } else { "" };
            format!("the app calls setActive{session}{navigation}")
        }
        Trigger::Message(row) => row.words.to_owned(),
        Trigger::SignIn { again } => {
            format!("the user signs in{}", if again { " once more" } else { "" })
        }
        Trigger::Answer(call) => answer(story, &story.calls[&call]),
        Trigger::Timer(wait) => timer(&story.waits[&wait]),
        Trigger::Lock => "the session poller gets the cross-tab lock".to_owned(),
        Trigger::Outside(Outside::Revoked) => "the server revokes the session".to_owned(),
        Trigger::Outside(Outside::Reused) => {
            "the server ends the session: a refresh token came again".to_owned()
        }
        Trigger::Outside(Outside::Offline) => "the browser goes offline".to_owned(),
        Trigger::Outside(Outside::Online) => "the browser is online again".to_owned(),
        Trigger::Outside(Outside::Asleep) => "the device goes to sleep".to_owned(),
        Trigger::Outside(Outside::Awake) => "the device wakes, and its timers are due".to_owned(),
    }
}

fn timer(wait: &Waiting) -> String {
    match wait.task.due {
        Due::Tick(words) | Due::Repeat(words) => words.to_owned(),
        Due::Retry => format!("{} tries again", wait.caller.who),
    }
}

/// `POST /touch answered 429 after 350 ms (fault "touch limited")`.
pub fn answer(story: &Story, call: &Call) -> String {
    let after = span(call.length(story.horizon));
    let name = call.name();
    let status = match (call.outcome, call.failure) {
        (Outcome::Ok, _) => format!("answered 200 after {after}"),
        (Outcome::Shed, _) => format!("shed by a full queue, 503 after {after}"),
        (Outcome::Timeout, _) => format!("given up after {after} without an answer"),
        (Outcome::Dropped, _) => format!("outlives its page: dropped after {after}"),
        (Outcome::InFlight, _) => "not answered by the end of the run".to_owned(),
        (_, Some(failure)) if failure.status == 0 => format!("failed after {after} without an answer"),
        (_, Some(failure)) => {
            let code = code_of(&story.codes, failure).map(|code| format!(" {code}")).unwrap_or_default();
            let later = match failure.retry_after.get() {
                None => String::new(),
                Some(s) => format!(", Retry-After {s} s"),
            };
            format!("answered {}{code} after {after}{later}", failure.status)
        }
        (_, None) => format!("ended after {after}"),
    };
    format!("{name} {status}{}", because(story, call))
}

/// `continues from 119.650 s: POST /touch answered 429 after 350 ms; the chain began at 86.200 s: the session poller ticks`.
pub fn continues(earlier: &Earlier) -> String {
    let began = match &earlier.began {
        Some((at, with)) => format!("; the chain began at {}: {with}", clock(*at)),
        None => String::new(),
    };
    format!("continues from {}: {}{began}", clock(earlier.at), earlier.happened)
}

/// `POST /touch, sent at 119.650 s, is in flight until 180.200 s`.
pub fn in_flight(call: &Call) -> String {
    let until = match call.ended {
        Some(at) => format!("until {}", clock(at)),
        None => "until the end of the run".to_owned(),
    };
    format!("{}, sent at {}, is in flight {until}", call.name(), clock(call.sent))
}

/// `since 119.650 s the poller's getToken waits 1 min 30 s (retry 3 of 8)`.
pub fn lasts(story: &Story, wait: &Waiting) -> String {
    let who = if wait.task.due == Due::Retry { wait.caller.who } else { "the request" };
    format!("since {} {who} {}", clock(wait.from), waits(story, wait))
}

/// The fault or the limit behind an answer.
fn because(story: &Story, call: &Call) -> String {
    if call.limited {
        return match &story.limits[call.endpoint.index()][..] {
            [one] => format!(" (limit: {one})"),
            _ => " (one of the limits of this endpoint)".to_owned(),
        };
    }
    match call.fault.and_then(|fault| story.faults.get(fault)) {
        Some(fault) => format!(" ({})", fault_name(fault)),
        None => String::new(),
    }
}

/// `fault "touch limited"`.
pub fn fault_name(fault: &FaultWindow) -> String {
    format!("fault \"{}\"", crate::text::clean(&fault.name))
}

/// `fault "touch limited" lasts since 120.000 s`.
pub fn fault_lasts(fault: &FaultWindow) -> String {
    format!("{} lasts since {}", fault_name(fault), clock(Time(fault.from.0)))
}

/// The effects of a step, a clause for each one that matters to a reader.
pub fn effects(story: &Story, step: &Step) -> Vec<String> {
    told(story, step).into_iter().map(|(_, words)| words).collect()
}

/// As [`effects`], with the effect of each clause.
pub fn told(story: &Story, step: &Step) -> Vec<(Effect, String)> {
    let judged_before = |place: usize| {
        let entering =
            |effect: &Effect| matches!(effect, Effect::Judged { verdict: Judgement::EnterFlow, .. });
        place > 0 && entering(&step.effects[place - 1])
    };
    let mut said: Vec<(Effect, String)> = step
        .effects
        .iter()
        .enumerate()
        .filter_map(|(place, effect)| Some((*effect, clause(story, step, *effect, judged_before(place))?)))
        .collect();
    if let Trigger::Answer(call) = step.trigger
        && step.effects.is_empty()
        && let Call { task, caller, failure: Some(failure), .. } = story.calls[&call]
        && let (Role::Fetch, Some(words)) = (task.role, caller.unheard)
    {
        // A reader of a failed answer expects an effect, so the absence is said.
        said.push((Effect::Judged { failure, verdict: Judgement::Swallow }, words.to_owned()));
    }
    said
}

fn clause(story: &Story, step: &Step, effect: Effect, judged_before: bool) -> Option<String> {
    Some(match effect {
        Effect::Judged { failure, verdict } => judged(story, step, failure, verdict),
        Effect::EnteredFlow { entry, depth, cause } => entered(story, entry, depth, cause, judged_before),
        Effect::LeftFlow { levels, end } => left(story, step, levels, end),
        Effect::SignedOut { falsely: true, .. } => {
            "the user is signed out, although the server still knows the session".to_owned()
        }
        Effect::SignedOut { reused: true, .. } => {
            "the user is signed out; the client had ended the session by using a refresh token again"
                .to_owned()
        }
        Effect::SignedOut { .. } => "the user is signed out; the server had revoked the session".to_owned(),
        Effect::SignedIn => "the tab has a session".to_owned(),
        Effect::Status(Status::Degraded) => "status degraded".to_owned(),
        Effect::Status(Status::Error) => "status error".to_owned(),
        Effect::AppError(failure) => format!("the app sees the error: {}", failure_in_words(story, failure)),
        Effect::SignInEnded(None) => "the user is signed in again".to_owned(),
        Effect::SignInEnded(Some(failure)) => {
            format!("signing in fails: {}", failure_in_words(story, failure))
        }
        Effect::Sends(call) => sends(story, &story.calls[&call]),
        Effect::Waits(wait) if story.waits[&wait].is_retry() => waits(story, &story.waits[&wait]),
        Effect::Waits(_) | Effect::PageGone | Effect::Status(Status::Loading | Status::Ready) => return None,
    })
}

fn sends(story: &Story, call: &Call) -> String {
    let purpose = match call.task.role {
        Role::Flow => story.flow.purpose,
        Role::Fetch => call.caller.purpose,
        Role::SignIn | Role::Other => "",
    };
    format!("sends {}{purpose}", call.name())
}

fn waits(story: &Story, wait: &Waiting) -> String {
    let length = span(wait.length);
    match wait.task.due {
        Due::Retry => {
            format!("waits {length} (retry {} of {})", wait.retry, story.policy_at(wait.from).1.most_retries)
        }
        Due::Tick(_) | Due::Repeat(_) => format!("waits {length} and repeats it"),
    }
}

fn failure_in_words(story: &Story, failure: Failure) -> String {
    if failure == Failure::OFFLINE {
        return "offline".to_owned();
    }
    match (failure.status, code_of(&story.codes, failure)) {
        (0, _) => "no answer".to_owned(),
        (status, None) => status.to_string(),
        (status, Some(code)) => format!("{status} {code}"),
    }
}

/// The rule that decided, in the text of the policy's file.
pub fn rule(story: &Story, step: &Step, verdict: Judgement) -> String {
    let (_, rules) = story.policy_at(step.at);
    let role = match step.trigger {
        Trigger::Answer(call) => Some(story.calls[&call].task.role),
        _ => None,
    };
    match (verdict, role) {
        (Judgement::EnterFlow | Judgement::Degrade, _) => rules.enters.clone(),
        (Judgement::Retry, _) => rules.retry_on.clone(),
        (Judgement::Swallow, Some(Role::Flow)) => rules.enters.clone(),
        (Judgement::Swallow, _) => rules.touch_errors.clone(),
        (Judgement::Surface, _) if rules.touch_errors.contains("surface") => rules.touch_errors.clone(),
        (Judgement::Surface, _) => story.flow.throws.to_owned(),
    }
}

fn judged(story: &Story, step: &Step, failure: Failure, verdict: Judgement) -> String {
    let ((policy, _), what) = (story.policy_at(step.at), failure_in_words(story, failure));
    let rule = rule(story, step, verdict);
    match verdict {
        Judgement::EnterFlow => {
            format!("policy {policy} takes {what} for the end of the session ({rule}){}", spent(story, step))
        }
        Judgement::Degrade => {
            format!(
                "policy {policy} does not enter {} for {what} ({rule}){}",
                story.flow.short,
                spent(story, step)
            )
        }
        Judgement::Retry => format!("policy {policy} retries {what} ({rule})"),
        Judgement::Surface => format!("policy {policy} hands {what} to the app ({rule})"),
        Judgement::Swallow => format!("policy {policy} lets {what} pass ({rule})"),
    }
}

/// Says that retries came before and none is left.
fn spent(story: &Story, step: &Step) -> String {
    let Trigger::Answer(call) = step.trigger else { return String::new() };
    match &story.calls[&call] {
        call if call.task.role != Role::Fetch || call.attempt == 0 => String::new(),
        call if call.attempt >= story.policy_at(step.at).1.most_retries => {
            format!(", after all its retries ({})", story.policy_at(step.at).1.retries)
        }
        call => format!(", after {}", number::counted(call.attempt.into(), "retry", "retries")),
    }
}

fn entered(story: &Story, entry: u32, depth: u32, cause: Option<Failure>, judged: bool) -> String {
    let why = match (cause, story.flow.unasked) {
        _ if judged => "",
        (Some(failure), Some((status, words))) if failure.status == status => words,
        (Some(_), _) => "",
        (None, _) => story.flow.unprompted,
    };
    let enters = if why.is_empty() { story.flow.enters } else { story.flow.enter };
    if entry == 0 {
        return format!("{why}{enters}, which ends at once: there is no session");
    }
    let chain = if depth > 1 { format!(", {depth} in a chain") } else { String::new() };
    format!("{why}{enters} (entry {entry}{chain})")
}

fn left(story: &Story, step: &Step, levels: u32, end: FlowEnd) -> String {
    let flow = story.flow.short;
    let all = if levels > 1 { format!("{levels} levels of {flow} end") } else { format!("{flow} ends") };
    let rounds = match story.rules.max_rounds {
        Some(most)
            if levels >= most
                && !matches!(step.trigger, Trigger::Answer(c) if gone(story, &story.calls[&c])) =>
        {
            format!(", which is the most there are (max-rounds = {most})")
        }
        _ => String::new(),
    };
    match end {
        FlowEnd::StillSignedIn => format!("{all}: the session is still there"),
        FlowEnd::SignedOut => format!("{all}{rounds}"),
        FlowEnd::Dropped => format!("{all}: the client drops the answer"),
        FlowEnd::Threw(failure) => format!("{all} with the error {}", failure_in_words(story, failure)),
    }
}

/// Whether every policy takes an answer for the end of the session.
fn gone(story: &Story, call: &Call) -> bool {
    call.failure.is_some_and(|failure| story.flow.ends.contains(&failure.status))
}

/// The whole story in a sentence.
pub fn headline(story: &Story) -> String {
    let Totals { entries, depth, requests, errors, sign_outs, signed_out } = story.totals;
    let flow = match entries {
        0 => format!("never {}", story.flow.enters),
        n => {
            let chain = if depth > 1 {
                format!(", in a chain of up to {}", number::whole(depth.into()))
            } else {
                String::new()
            };
            format!("{} {}{chain}", story.flow.enters, number::times(n.into()))
        }
    };
    let calls = number::counted(requests.into(), "request", "requests");
    let app = match errors {
        0 => String::new(),
        n => format!(", shows its app {}", number::counted(n.into(), "error", "errors")),
    };
    let when = |at| match sign_outs {
        0 | 1 => format!("at {}", clock(at)),
        n => format!("{}, first at {}", number::times(n.into()), clock(at)),
    };
    let out = match signed_out {
        None => "is not signed out".to_owned(),
        Some(SignedOut { at, falsely: true, .. }) => {
            format!("is signed out {} although the server still knows the session", when(at))
        }
        Some(SignedOut { at, reused: true, .. }) => {
            format!("is signed out {}, its client having used a refresh token twice", when(at))
        }
        Some(SignedOut { at, .. }) => format!("is signed out {}, its session being revoked", when(at)),
    };
    let policy = if story.policy == story.contender {
        label(&story.policy)
    } else {
        let then = match &story.change {
            Some(change) => format!(", then {} from {}", label(&change.policy), clock(change.at)),
            None => String::new(),
        };
        format!("{}{then} (of {})", label(&story.policy), story.contender)
    };
    let cohort = match &story.cohort[..] {
        "" => String::new(),
        name => format!(" (cohort {name})"),
    };
    format!(
        "Session {}{cohort} under policy {policy}, replication {}: sends {calls}{app}, {flow}, and {out}",
        story.session, story.replication
    )
}

/// What is needed to reproduce the story.
pub fn provenance(story: &Story) -> String {
    let hash: String = story.scenario_hash.chars().take(12).collect();
    format!(
        "{} · seed {} · client model {} · authstorm {} · sha256 {hash}",
        story.scenario,
        story.seed,
        label(&story.client_model),
        env!("CARGO_PKG_VERSION")
    )
}
