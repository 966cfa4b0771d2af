//! The trials of clients whose server keeps the session: the conditions of the token clients' trials, as far as a scenario of
//! one user says them.

use super::setting::releases;
use super::token::trials::{CALL_EVERY_S, FROM_MIN, LENGTH_MIN, SignedOutKind, TRIALS};
use crate::Study;
use crate::text::number;

/// What differs from the common setting, in the order of [`TRIALS`]: keys of `[fleet]`, and what follows them. `None` where
/// no scenario says the condition of such a client: its tokens live a minute, its models say nothing of wrong clocks and
/// refresh tokens, and an app that asks on events or again after a failure is no habit of a scenario.
const SCENARIOS: [Option<(&str, &str)>; TRIALS.len()] = {
    const APP: &str = "app-get-token = { every = \"5s\" }";
    const BURST: &str = "app-get-token = { every = \"30s\", callers = 20 }";
    [
        Some((APP, "")),
        None,
        None,
        None,
        Some((APP, "[[fault]]\nkind = \"status\"\nstatus = 429\n")),
        Some((APP, "[[fault]]\nkind = \"status\"\nstatus = 429\nretry-after-s = 600\n")),
        None,
        Some((BURST, "[[fault]]\nkind = \"status\"\nstatus = 429\n")),
        Some((APP, "[[fault]]\nkind = \"status\"\nstatus = 500\n")),
        Some((APP, "[[fault]]\nkind = \"status\"\nstatus = 503\n")),
        Some((APP, "[[fault]]\nkind = \"status\"\nstatus = 401\n")),
        Some((APP, "[[fault]]\nkind = \"outage\"\n")),
        Some((APP, "[[fault]]\nkind = \"no-answer\"\n")),
        Some((APP, "[[action]]\nat = \"50m\"\nuser = 0\ndo = \"revoke\"\n")),
        Some(("tabs = 2\nfurther-tab-opens = \"1m\"\napp-get-token = { every = \"5s\" }", "")),
        None,
        Some((BURST, "")),
    ]
};

/// The outcome of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTrial {
    /// Requests to the server in the counted hour.
    pub requests: u64,
    /// Whether the user was signed out, and whether the server still knew the session.
    pub signed_out: Option<SignedOutKind>,
}

impl SessionTrial {
    /// The outcome as a cell of the page's table.
    pub fn cell(&self) -> String {
        format!("{}{}", number::whole(self.requests), SignedOutKind::after(self.signed_out))
    }
}

/// The name of a model and its outcomes. `None` for a trial that no scenario can say.
pub type TriedModel = (String, Vec<Option<SessionTrial>>);

/// The recorded releases, each with its policy as released, and the outcomes in the order of [`TRIALS`].
///
/// # Errors
/// Why a trial cannot run.
pub fn session_trials() -> Result<Vec<TriedModel>, String> {
    let tried = |(release, policy): (&str, &str)| {
        let model = format!("clerk-js-{release}");
        let trials = SCENARIOS.iter().map(|keys| keys.map(|keys| trial(&model, policy, keys)).transpose());
        trials.collect::<Result<Vec<_>, String>>().map(|trials| (model.clone(), trials))
    };
    releases().map(tried).collect()
}

/// Runs one trial. The requests of the counted hour are those of the whole run without those of its begin, which a shorter run
/// of the same seed repeats.
fn trial(model: &str, policy: &str, (fleet, more): (&str, &str)) -> Result<SessionTrial, String> {
    let run = |minutes: u64| {
        // What goes wrong begins with the counted hour. A shorter run ends before it.
        let more = if minutes > FROM_MIN { more } else { "" };
        let fault = if more.starts_with("[[fault]]") {
            format!("endpoints = [\"tokens\"]\nfrom = \"{FROM_MIN}m\"\n")
        } else {
            String::new()
        };
        let text = format!(
            "version = 1\nname = \"trial\"\nreplications = 1\nhorizon = \"{minutes}m\"\nbucket = \"1m\"\npolicies = [\"{policy}\"]\n\
             [client]\nmodel = \"{model}\"\n[fleet]\nusers = 1\n{fleet}\n[backend]\nlatency = \"100ms\"\n{more}{fault}"
        );
        let results = Study::parse(model, &text).and_then(|study| study.run());
        results.map_err(|e| format!("{model}: {e}"))
    };
    let (whole, begin) = (run(LENGTH_MIN)?, run(FROM_MIN)?);
    let mean = |results: &crate::results::Results, name: &str| results.policies[0].metric(name).mean;
    let requests = mean(&whole, "requests_total") - mean(&begin, "requests_total");
    let signed_out = match (mean(&whole, "false_sign_outs") > 0.0, mean(&whole, "true_sign_outs") > 0.0) {
        (true, _) => Some(SignedOutKind::False),
        (false, true) => Some(SignedOutKind::True),
        (false, false) => None,
    };
    Ok(SessionTrial { requests: requests as u64, signed_out })
}

/// What the trials of these clients have in common, beside what differs from the setting of token clients.
pub fn setting() -> String {
    format!(
        "One browser, as above. The app asks for a token every {CALL_EVERY_S} s, from when its page has loaded. Session tokens \
         live 1 minute, and the client also fetches them by itself. The endpoint of the conditions is `/tokens`. Each release \
         follows the policy with which it was released. A condition that a scenario cannot say of this client has a dash."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the recordings of the releases show: a healthy client keeps its session, a revoked one is signed out, and a 429
    /// of `/tokens` signs nobody out.
    #[test]
    fn each_release_has_the_trials_that_a_scenario_can_say() {
        let all = session_trials().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(all.len(), releases().count());
        for (name, trials) in &all {
            let of = |trial: &str| {
                let n = TRIALS.iter().position(|t| t.name == trial).expect("a trial");
                trials[n].unwrap_or_else(|| panic!("{name}: {trial}"))
            };
            let healthy = of("healthy");
            // A token of 60 s serves at least 43 s, so an hour needs at least 60 and at most 84 requests of one tab.
            assert!(
                healthy.signed_out.is_none() && (60..=84).contains(&healthy.requests),
                "{name}: {healthy:?}"
            );
            assert!(of("429").requests > healthy.requests, "{name}: {:?}", of("429"));
            assert_eq!(of("session gone").signed_out, Some(SignedOutKind::True), "{name}");
        }
    }
}
