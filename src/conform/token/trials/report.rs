//! What a profile does, and the outcome of its trials.

use super::conditions::{FROM_MIN, LENGTH_MIN, SETTING, TRIALS, Trial};
use crate::client::token::{Profile, Refusal};
use crate::conform::token::replay::{Replayed, drive};
use crate::spec::json;
use crate::text::number;
use schemars::JsonSchema;
use serde::Serialize;

/// A client profile explained.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "the top level")]
pub struct ClientReport {
    /// Name of the profile.
    pub name: String,
    /// The package.
    pub package: String,
    /// The version of the package.
    pub version: String,
    /// Whether recordings of the package confirm the profile.
    pub recorded: bool,
    /// What the client does, in sentences.
    pub does: Vec<String>,
    /// What all trials have in common.
    pub setting: String,
    /// The trials in which the client does harm, in sentences. A harm is a false sign-out, a session lost by the client's own reuse of a token,
    /// calls without a token from a healthy server, or at least ten times the requests of the healthy trial.
    pub prone_to: Vec<String>,
    /// The trials.
    pub trials: Vec<TrialResult>,
}

/// The outcome of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TrialResult {
    /// Name of the trial.
    pub name: String,
    /// How it differs from the common setting.
    pub condition: String,
    /// Requests to the server in the counted hour.
    pub requests: u64,
    /// Requests as a multiple of those that the condition needs by the healthy trial. Absent if that trial has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times_healthy: Option<f64>,
    /// The most requests of one minute of the counted hour.
    pub worst_minute: u64,
    /// Calls of the app in the counted hour.
    pub calls: u64,
    /// Those that got an error, no session, or no answer.
    pub calls_without_token: u64,
    /// The first sign-out. Absent if the client signs nobody out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_out: Option<SignedOut>,
    /// Whether the server had ended the session by the end of the trial because the client used a refresh token a second time.
    pub revoked_by_reuse: bool,
    /// Time at which the trial was stopped because the client loops without a bound, in ms. Absent if it ran to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_ms: Option<u64>,
}

/// A sign-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignedOut {
    /// Time from the start of the trial, in ms.
    pub at_ms: u64,
    /// Whether the server still knew the session.
    pub kind: SignedOutKind,
}

/// Whether the server still knew the session at a sign-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignedOutKind {
    /// The server had ended the session.
    True,
    /// The session was alive.
    False,
    /// The server had ended the session because the client used a refresh token a second time.
    RevokedByReuse,
}

/// The JSON Schema of a report, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", json::output_schema::<ClientReport>("What a client is prone to"))
}

/// The least multiple of the healthy trial's requests that counts as a storm.
const STORM: f64 = 10.0;

/// Explains a profile: says what it does, and runs its trials.
///
/// # Errors
/// The value of the profile that the rig cannot use.
pub fn report(profile: &Profile) -> Result<ClientReport, String> {
    let mut trials: Vec<TrialResult> = Vec::new();
    for trial in &TRIALS {
        let replayed = drive(&trial.config(profile), &[], false, profile)?;
        let healthy = trials.first().map(|first| first.requests);
        trials.push(result(trial, &replayed, healthy));
    }
    let prone_to = TRIALS.iter().zip(&trials).filter_map(|(trial, result)| harm(trial, result)).collect();
    Ok(ClientReport {
        name: profile.sdk.name.clone(),
        package: profile.sdk.package.clone(),
        version: profile.sdk.version.clone(),
        recorded: !profile.sdk.unrecorded,
        does: profile.sentences().map_err(|e| e.to_string())?,
        setting: SETTING.to_owned(),
        prone_to,
        trials,
    })
}

fn result(trial: &Trial, replayed: &Replayed, healthy: Option<u64>) -> TrialResult {
    let hour = FROM_MIN * 60_000..LENGTH_MIN * 60_000;
    let mut minutes = [0; (LENGTH_MIN - FROM_MIN) as usize];
    for sent in replayed.requests.iter().filter(|r| hour.contains(&r.0)) {
        minutes[((sent.0 - hour.start) / 60_000) as usize] += 1;
    }
    let calls: Vec<_> = replayed.calls.iter().filter(|c| hour.contains(&c.0)).collect();
    let requests = minutes.iter().sum();
    let base = healthy.unwrap_or(requests) * trial.needs;
    TrialResult {
        name: trial.name.to_owned(),
        condition: trial.condition.to_owned(),
        requests,
        times_healthy: (base > 0).then(|| requests as f64 / base as f64),
        worst_minute: minutes.into_iter().max().unwrap_or(0),
        calls: calls.len() as u64,
        calls_without_token: calls.iter().filter(|c| c.2 != "token").count() as u64,
        signed_out: replayed.sign_outs.first().map(|out| SignedOut {
            at_ms: out.at_ms,
            kind: match out.ended {
                None => SignedOutKind::False,
                Some(Refusal::Gone) => SignedOutKind::True,
                Some(Refusal::Reused) => SignedOutKind::RevokedByReuse,
            },
        }),
        revoked_by_reuse: replayed.ended == Some(Refusal::Reused),
        stopped_ms: replayed.stopped_ms,
    }
}

/// The harm that a client does in a trial, as a sentence without its last stop.
fn harm(trial: &Trial, result: &TrialResult) -> Option<String> {
    let mut harms = Vec::new();
    if let Some(ms) = result.stopped_ms {
        harms.push(format!("loops without a bound; stopped after {}", minutes(ms)));
    }
    if let Some(times) = result.times_healthy.filter(|times| *times >= STORM) {
        let times = number::whole((times + 0.5) as u64);
        harms.push(format!(
            "{} requests in 1 h, {times} times the healthy ones",
            number::whole(result.requests)
        ));
    }
    match result.signed_out {
        Some(SignedOut { at_ms, kind: SignedOutKind::False }) => {
            harms.push(format!("signs the user out falsely after {}", minutes(at_ms)));
        }
        Some(SignedOut { at_ms, kind: SignedOutKind::RevokedByReuse }) => {
            harms.push(format!("loses the session by its own reuse of a token, after {}", minutes(at_ms)));
        }
        _ if result.revoked_by_reuse => {
            harms.push("the server ends the session because of the client's own reuse of a token".to_owned());
        }
        _ => {}
    }
    if trial.server_is_healthy && result.calls_without_token > 0 {
        harms.push(format!(
            "{} of {} calls get no token from a healthy server",
            number::whole(result.calls_without_token),
            number::whole(result.calls)
        ));
    }
    (!harms.is_empty()).then(|| format!("{}: {}.", trial.name, harms.join("; ")))
}

/// A time in minutes, seconds and tenths of a second: `58m30.1s`.
pub(super) fn minutes(ms: u64) -> String {
    format!("{}m{:02}.{}s", ms / 60_000, ms % 60_000 / 1_000, ms % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::token::SHIPPED;

    /// A client that ticks at almost one instant is stopped, and the report says so.
    #[test]
    fn a_trial_of_a_client_that_loops_ends() {
        let (_, text) = SHIPPED.iter().find(|(name, _)| *name == "supabase-js-2.119.1").expect("shipped");
        let text = text.replace("period = \"30s\"", "period = \"1us\"");
        let (profile, _) = Profile::parse(&text).unwrap_or_else(|e| panic!("{e}"));
        let replayed = drive(&TRIALS[0].config(&profile), &[], false, &profile).expect("it is set up");
        let result = result(&TRIALS[0], &replayed, None);
        assert!(result.stopped_ms.is_some_and(|ms| ms < 10_000), "{result:?}");
        let said = harm(&TRIALS[0], &result).expect("a harm");
        assert!(said.contains("loops without a bound; stopped after 0m00."), "{said}");
    }
}
