//! Turns a recording's release, server script and acts into a scenario of one user.

use super::recording::{Config, Endpoint, HasFocus, Recording, Status};
use super::script::{RecordedAct, Rule};
use crate::backend::{BackendSpec, Endpoint as Place, RevokedSession, UpdatedAt};
use crate::client::Model;
use crate::client::app::{AppReaction, DocumentFocus};
use crate::client::policy::Policy;
use crate::fault::{self, FaultKind, FaultSpec, Outage, Pass};
use crate::kernel::{Dist, Dur};
use crate::scenario::policies::preset;
use crate::scenario::{Act, ActionSpec, Scenario};

/// A recording's release, server script and acts, as a scenario of one user.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The scenario.
    pub scenario: Scenario,
    /// The policy of the release.
    pub policy: Policy,
    /// Facts that the recording's configuration lacks and where they were taken from instead.
    pub notes: Vec<String>,
}

/// Turns a recording into a scenario.
///
/// # Errors
/// The part of the recording that cannot be set up.
pub(crate) fn setting(recording: &Recording) -> Result<Setting, String> {
    let mut notes = Vec::new();
    let scenario = scenario_of(recording, &mut notes)?;
    Ok(Setting { scenario, policy: policy_of(recording)?, notes })
}

/// What the names of the recorded releases begin with.
const CLERK_JS: &str = "clerk-js-";

/// The recorded releases, each with the policy that it was shipped with.
pub(super) fn releases() -> impl Iterator<Item = (&'static str, &'static str)> {
    Model::all().filter_map(|model| Some((model.name().strip_prefix(CLERK_JS)?, model.row().shipped_with?)))
}

fn release_of(recording: &Recording) -> Result<(&'static str, &'static str), String> {
    let client = recording.client.as_str();
    releases().find(|(release, _)| *release == client).ok_or_else(|| {
        let known = releases().map(|(release, _)| release).collect::<Vec<_>>().join(", ");
        format!("unknown release {client:?}; allowed: {known}")
    })
}

fn model_of(recording: &Recording) -> Result<Model, String> {
    let (release, _) = release_of(recording)?;
    Ok(Model::named(&format!("{CLERK_JS}{release}")).expect("every recorded release is registered"))
}

fn policy_of(recording: &Recording) -> Result<Policy, String> {
    let (_, policy) = release_of(recording)?;
    Ok(preset(policy).expect("the presets are built in"))
}

fn scenario_of(recording: &Recording, notes: &mut Vec<String>) -> Result<Scenario, String> {
    let config = &recording.config;
    let model = model_of(recording)?;
    let mut actions = Vec::new();
    let no_session = match config.set_active_session {
        Some(None) => true,
        _ if recording.about.contains(NO_SESSION) => {
            notes.push("setActive without a session, read from its description".to_owned());
            true
        }
        _ => false,
    };
    for action in &config.actions {
        let tabs = tabs_of(recording, action);
        for tab in tabs {
            actions.push(action_of(action, tab, (config, no_session))?);
        }
    }
    if let Some((at_ms, how)) = revocation(recording) {
        notes.push(format!("session revoked from {at_ms} ms on, read from {how}"));
        actions.push(ActionSpec {
            at: Dur::from_ms(at_ms),
            act: Act::Revoke,
            cohort: None,
            user: Some(0),
            users: None,
            spread: None,
            tab: 0,
            callers: 1,
            skip_cache: false,
            navigate: false,
            no_session: false,
        });
    }
    for key in config.other.keys() {
        notes.push(format!("config.{key} is not understood"));
    }
    let (reaction, from) = reaction_of(recording)?;
    let mut fleet: crate::fleet::FleetSpec =
        serde_json::from_value(serde_json::json!({ "users": 1 })).expect("every other key has a default");
    fleet.multi_session = config.multi_session;
    fleet.offline_fails_at_once = config.offline_fetch.as_deref() == Some("immediate");
    fleet.document_focus = match config.has_focus {
        None | Some(HasFocus::All) => DocumentFocus::All,
        Some(HasFocus::One) => DocumentFocus::One,
        Some(HasFocus::None) => DocumentFocus::None,
    };
    fleet.app_reaction = reaction;
    fleet.app_reaction_from = from;
    let faults = config.rules.iter().map(fault_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Scenario {
        named_clients: Vec::new(),
        version: crate::scenario::FORMAT_VERSION,
        name: "recording".to_owned(),
        about: recording.about.clone(),
        seed: 0,
        replications: 1,
        horizon: Dur::from_ms(config.duration_ms),
        bucket: Dur::from_ms(config.duration_ms.max(1)),
        warm_up: None,
        policies: Vec::new(),
        policy_files: Vec::new(),
        inline_policies: Vec::new(),
        mixes: Vec::new(),
        rollouts: Vec::new(),
        client: crate::scenario::ClientSpec { name: model.into(), ..Default::default() },
        fleet,
        cohorts: Vec::new(),
        workloads: Vec::new(),
        backend: BackendSpec {
            client_token: config.client_token.unwrap_or_default(),
            session_updated_at: updated_at(config),
            focus_touch_with_client: !config.focus_touch_without_client,
            revoked_session: match config.revoke_at_ms {
                Some(_) => RevokedSession::Unlisted,
                None => RevokedSession::Refused,
            },
            latency: Dist::Constant(Dur::from_ms(config.rtt_ms)),
            ..BackendSpec::default()
        },
        faults,
        actions,
        expectations: Vec::new(),
        check: None,
        guard: crate::scenario::GuardSpec { max_events: 1_000_000, ..Default::default() },
    })
}

/// How the server moves the session's `updated_at`. A recording of the newer form, which always states the focus, means a
/// moving one where it does not say. The server of the older form answered with a constant one.
fn updated_at(config: &Config) -> UpdatedAt {
    let newer_form = config.has_focus.is_some();
    config.session_updated_at.unwrap_or(if newer_form { UpdatedAt::Moving } else { UpdatedAt::Constant })
}

/// How the description of a recording says that its `setActive` makes no session the active one, where the configuration
/// does not.
const NO_SESSION: &str = "setActive({session:null})";

/// The tab of an act: as the act states, else as the recording's events show, else the first tab.
fn tabs_of(recording: &Recording, action: &RecordedAct) -> Vec<u32> {
    if let Some(tab) = action.tab {
        return vec![tab];
    }
    let seen = |kind: &str, label: Option<&str>| -> Vec<u32> {
        let mut tabs: Vec<u32> = recording
            .events
            .iter()
            .filter(|e| e.t == action.t && e.kind == kind && e.label.as_deref() == label)
            .map(|e| e.tab)
            .collect();
        tabs.sort_unstable();
        tabs.dedup();
        tabs
    };
    for tabs in [seen(&action.label, None), seen("action", Some(&action.label))] {
        if !tabs.is_empty() && action.label != "openTab" {
            return tabs;
        }
    }
    vec![0]
}

/// `focus`, `setActive`, `app getToken`, `20x getToken skipCache`, `openTab`, `reload`, `offline`, `online`.
fn action_of(
    action: &RecordedAct,
    tab: u32,
    (config, no_session): (&Config, bool),
) -> Result<ActionSpec, String> {
    let mut words: Vec<&str> = action.label.split_whitespace().filter(|w| *w != "app").collect();
    let mut callers = 1;
    if let Some(count) = words.first().and_then(|w| w.strip_suffix('x')).and_then(|n| n.parse::<u8>().ok()) {
        callers = count;
        words.remove(0);
    }
    let skip_cache = words.iter().any(|w| w.trim_matches(|c: char| !c.is_alphabetic()) == "skipCache");
    let name = words.first().map(|w| w.split(['(', '{']).next().unwrap_or(w));
    let act = match name {
        Some("focus") => Act::Focus,
        Some("setActive") => Act::SetActive,
        Some("getToken") => Act::GetToken,
        Some("openTab") => Act::OpenTab,
        Some("reload") => Act::Reload,
        Some("offline") => Act::Offline,
        Some("online") => Act::Online,
        _ => return Err(format!("unknown action {:?} at {} ms", action.label, action.t)),
    };
    Ok(ActionSpec {
        at: Dur::from_ms(action.t),
        cohort: None,
        user: Some(0),
        users: None,
        spread: None,
        tab: u8::try_from(tab).map_err(|_| format!("tab {tab} is out of range"))?,
        act,
        callers,
        skip_cache,
        navigate: config.set_active_redirects,
        no_session: no_session && act == Act::SetActive,
    })
}

/// `"setActive on each new session object, from 70000 ms on"`
fn reaction_of(recording: &Recording) -> Result<(AppReaction, Dur), String> {
    let Some(text) = &recording.config.app_reaction else { return Ok((AppReaction::None, Dur::ZERO)) };
    let act = match text.split_whitespace().next() {
        Some("setActive") => AppReaction::SetActive,
        Some("getToken") => AppReaction::GetToken,
        _ => return Err(format!("unknown app reaction {text:?}")),
    };
    let from = number_before(text, "ms").unwrap_or(0);
    Ok((act, Dur::from_ms(from)))
}

/// The whole number before a word.
fn number_before(text: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.windows(2).find(|w| w[1] == word).and_then(|w| w[0].parse().ok())
}

fn fault_of(rule: &Rule) -> Result<FaultSpec, String> {
    let endpoints = match rule.endpoint.as_str() {
        "all" => Vec::new(),
        name => match Place::named(name).filter(|place| recorded(*place).is_some()) {
            Some(place) => vec![place],
            None => return Err(format!("unknown endpoint {name:?} in a rule")),
        },
    };
    let answers_ok = !rule.abort && rule.status.is_some_and(|s| s < 400);
    let retry_after = rule.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case("retry-after"));
    // A rule that answers 2xx hides later rules. An added latency of zero would not, so this is a kind of its own.
    let kind = match (rule.abort, answers_ok) {
        (true, _) => FaultKind::Outage(Outage {}),
        (false, true) => FaultKind::Pass(Pass {}),
        (false, false) => FaultKind::Status(fault::Status {
            status: rule.status.unwrap_or(500),
            code: rule.code.clone(),
            retry_after_s: retry_after.and_then(|(_, v)| v.trim().parse().ok()),
        }),
    };
    Ok(FaultSpec {
        from: Dur::from_ms(rule.from),
        to: rule.to.map(Dur::from_ms),
        count: rule.count,
        ..FaultSpec::of(kind, endpoints)
    })
}

/// When the server revokes the session. The configuration of the recordings does not state it. Their description does,
/// and their events show it: GET /client answered 200 and the flow found no session in it.
fn revocation(recording: &Recording) -> Option<(u64, &'static str)> {
    let config = &recording.config;
    if let Some(at) = config.revoke_at_ms.or(config.revoked_at_ms) {
        return Some((at, "its configuration"));
    }
    if let Some(rest) = recording.about.split("revoked at ").nth(1)
        && let Some(seconds) = number_before(rest, "s")
    {
        return Some((seconds * 1_000, "its description"));
    }
    recording
        .events
        .iter()
        .filter(|e| e.kind == "handleUnauthenticated.end" && e.outcome.as_deref() == Some("signed_out"))
        .filter(|e| {
            // An entry without a session settles at once and reveals nothing about the server.
            recording.events.iter().any(|entry| {
                entry.kind == "handleUnauthenticated"
                    && (entry.tab, entry.n) == (e.tab, e.n)
                    && entry.active == Some(true)
            })
        })
        .find_map(|e| {
            recording.requests.iter().find(|r| {
                r.4 == Some(e.t) && r.1 == e.tab && r.2 == Endpoint::Client && r.3 == Status::Http(200)
            })
        })
        .map(|r| (r.0, "the answer that signed the user out"))
}

/// The endpoint of a recording that a call goes to, if recordings have it.
pub(super) fn recorded(endpoint: Place) -> Option<Endpoint> {
    match endpoint.name() {
        "tokens" => Some(Endpoint::Tokens),
        "touch" => Some(Endpoint::Touch),
        "client" => Some(Endpoint::Client),
        "environment" => Some(Endpoint::Environment),
        _ => None,
    }
}
