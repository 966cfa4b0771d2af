//! Token clients in a world: one user sends the requests of the recordings, and fleets obey closed forms.

use crate::common::root;
use authstorm::backend::Endpoint;
use authstorm::client::Model;
use authstorm::client::family::{Activity, Call};
use authstorm::client::step::TaskId;
use authstorm::client::token::shipped;
use authstorm::conform::token::{Recording, Replayed, Sent, replay};
use authstorm::kernel::Time;
use authstorm::metrics::{Metric, Outcome, metrics_of};
use authstorm::scenario::Act;
use authstorm::world::{Control, Observer, observed};
use authstorm::{Settings, Study};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The options of recordings that a scenario can say.
const OPTIONS: [&str; 8] = [
    "persistence",
    "proactive",
    "roStorage",
    "clients",
    "cacheLocation",
    "automaticSilentRenew",
    "userStore",
    "acquireTokenSilent",
];

fn ms(time: u64) -> String {
    format!("{time}ms")
}

/// The recording's configuration as a scenario of one user; `None` where a scenario cannot say it.
fn scenario(recording: &Recording) -> Option<String> {
    let config = &recording.config;
    let model = Model::names().iter().find(|name| {
        let profile = authstorm::client::token::named(name);
        profile.is_some_and(|p| p.sdk.package == recording.package && p.sdk.version == recording.version)
    })?;
    let is_off = |key: &str| config.options.get(key) == Some(&serde_json::Value::Bool(false));
    let asks_at_load = recording.calls.iter().any(|call| call.2 == "load");
    if config.options.keys().any(|key| !OPTIONS.contains(&key.as_str()))
        || is_off("proactive")
        || asks_at_load
        || config.rules.iter().any(|rule| rule.count.is_some())
        || config
            .poll
            .iter()
            .any(|poll| poll.eager || poll.put_back || poll.every.is_none() && !poll.on_auth_event)
    {
        return None;
    }
    let mut text = format!(
        "version = 1\nreplications = 1\nname = \"recording\"\nhorizon = \"{}\"\nbucket = \"10s\"\npolicies = [\"{model}\"]\n\
         [client]\nmodel = \"{model}\"\n",
        ms(config.duration_ms)
    );
    if config.options.contains_key("roStorage") {
        text += "storage-ignores-removals = true\n";
    }
    if let Some(objects) = config.options.get("clients") {
        let _ = writeln!(text, "objects = {objects}");
    }
    text += "[fleet]\nusers = 1\n";
    if config.poll.iter().any(|poll| poll.on_auth_event) {
        text += "app-reaction = \"get-token\"\n";
    }
    match config.client_skew_ms {
        0 => {}
        skew => {
            let key = if skew > 0 { "ahead" } else { "behind" };
            let _ = writeln!(text, "clock-skew = {{ {key} = \"{}\" }}", ms(skew.unsigned_abs()));
        }
    }
    let _ = writeln!(
        text,
        "[backend]\ntoken-life = \"{}s\"\nlatency = \"{}\"",
        config.token_life_s,
        ms(config.rtt_ms)
    );
    if config.rotation == "rotate" {
        let _ = writeln!(text, "refresh-token-reuse = \"{}\"", ms(config.reuse_ms.try_into().unwrap_or(0)));
    }
    if let Some(limiter) = &config.limiter {
        let _ = writeln!(
            text,
            "[[backend.limit]]\nkind = \"token-bucket\"\nendpoints = [\"token\"]\nkey = \"session\"\n\
             rate = \"{}/h\"\nburst = {}",
            (limiter.rate_per_s * 3_600.0).round(),
            limiter.burst
        );
    }
    for (n, rule) in config.rules.iter().enumerate() {
        let _ = writeln!(text, "[[fault]]\nname = \"rule-{n}\"\nfrom = \"{}\"", ms(rule.from));
        if rule.endpoint != "all" {
            let _ = writeln!(text, "endpoints = [\"{}\"]", rule.endpoint);
        }
        if let Some(to) = rule.to {
            let _ = writeln!(text, "to = \"{}\"", ms(to));
        }
        if let Some((_, seconds)) =
            rule.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
        {
            let _ = writeln!(text, "retry-after-s = {seconds}");
        }
        match (rule.abort, rule.hang) {
            (true, _) => text += "kind = \"outage\"\n",
            (_, true) => text += "kind = \"no-answer\"\n",
            _ => {
                let _ = writeln!(text, "kind = \"status\"\nstatus = {}", rule.status?);
            }
        }
        if let Some(code) = &rule.code {
            let code = authstorm::text::names::is_error_code(code).then_some(code)?;
            let _ = writeln!(text, "code = \"{code}\"");
        }
    }
    let acts = acts(recording)?;
    for (at, tab, act, callers) in acts {
        let _ = writeln!(text, "[[action]]\nat = \"{}\"\nuser = 0\ntab = {tab}\ndo = \"{act}\"", ms(at));
        if callers > 1 {
            let _ = writeln!(text, "callers = {callers}");
        }
    }
    Some(text)
}

/// The acts of the app and the user, with the number of callers, in the order of time.
fn acts(recording: &Recording) -> Option<Vec<(u64, u32, &'static str, u32)>> {
    let config = &recording.config;
    let mut acts = Vec::new();
    let mut opened = vec![0];
    for action in &config.actions {
        let tab = action.tab.unwrap_or(0);
        acts.push(match action.label.as_str() {
            "openTab" => {
                opened.push(action.t);
                (action.t, 0, "open-tab", 1)
            }
            "reload" => (action.t, tab, "reload", 1),
            "offline" => (action.t, tab, "offline", 1),
            "online" => (action.t, tab, "online", 1),
            "getToken" => (action.t, tab, "get-token", 1),
            label => {
                let callers = label.strip_suffix("x getToken").and_then(|n| n.parse().ok())?;
                (action.t, tab, "get-token", callers)
            }
        });
    }
    for poll in config.poll.iter().filter_map(|poll| poll.every.map(|every| (poll, every))) {
        let (poll, every) = poll;
        for (tab, at) in opened.iter().enumerate() {
            // A reload begins the poll anew.
            let reloads =
                config.actions.iter().filter(|a| a.label == "reload" && a.tab.unwrap_or(0) as usize == tab);
            let mut loads: Vec<u64> = reloads.map(|a| a.t).collect();
            loads.insert(0, *at);
            let from = poll.from + if tab > 0 { poll.stagger } else { 0 };
            for (n, load) in loads.iter().enumerate() {
                let end = loads.get(n + 1).copied().unwrap_or(config.duration_ms + 1);
                let mut t = (*load).max(from);
                // A poll and a reload at one instant: the order of the recording is not a scenario's.
                if n + 1 < loads.len() && end >= t && (end - t).is_multiple_of(every) {
                    return None;
                }
                while t < end {
                    acts.push((t, tab as u32, "get-token", 1));
                    t += every;
                }
            }
        }
    }
    acts.sort_by_key(|act| act.0);
    // An act at the horizon or later never happens.
    acts.retain(|act| act.0 < config.duration_ms);
    Some(acts)
}

/// Records requests.
#[derive(Default)]
struct Requests {
    sent: Vec<Sent>,
    open: BTreeMap<TaskId, usize>,
}

fn in_ms(time: Time) -> u64 {
    time.0 / 1_000_000
}

impl Observer for Requests {
    const ACTIVE: bool = true;

    fn sent(&mut self, now: Time, tab: u32, task: TaskId, _: Activity, endpoint: Endpoint, _: bool) {
        self.open.insert(task, self.sent.len());
        self.sent.push((in_ms(now), tab, endpoint.name().to_owned(), "pending".to_owned(), None));
    }

    fn call_ended(&mut self, now: Time, task: TaskId, call: &Call, outcome: Outcome) {
        let Some(place) = self.open.remove(&task) else { return };
        let status = match (outcome, call.failure) {
            (Outcome::InFlight | Outcome::Dropped, _) => return,
            (_, None) => "200".to_owned(),
            (_, Some(failure)) if failure.status == 0 => "network_error".to_owned(),
            (_, Some(failure)) => failure.status.to_string(),
        };
        (self.sent[place].3, self.sent[place].4) = (status, Some(in_ms(now)));
    }
}

fn run(text: &str) -> Vec<Sent> {
    let plan = Study::parse("recording.toml", text).unwrap_or_else(|e| panic!("{text}\n{e}")).plan();
    let (_, requests, _) = observed(&plan, 0, 0, &Control::default(), Requests::default())
        .unwrap_or_else(|stopped| panic!("{stopped}"));
    requests.sent
}

fn recordings(folder: &str) -> Vec<(String, Recording)> {
    let folder = root().join("tests/recordings/sdks").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("readable");
        let recording = Recording::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path.file_name().expect("a file").to_string_lossy().into_owned(), recording)
    };
    files.into_iter().map(read).collect()
}

/// Runs the recordings of a folder that a scenario can say, and returns how many there are.
fn compared(folder: &str) -> usize {
    let mut compared = 0;
    for (file, recording) in recordings(folder) {
        let Some(text) = scenario(&recording) else { continue };
        let profile = shipped(&recording.package, &recording.version).expect("a shipped profile");
        let Replayed { requests: mut expected, .. } = replay(&recording, &profile).expect("the replay runs");
        // The recorder's own discovery request is none of the client's.
        if profile.discovery.as_ref().is_some_and(|discovery| discovery.before_read) {
            expected.remove(0);
        }
        let mut found = run(&text);
        expected.sort();
        found.sort();
        // A scripted act follows the answers of its instant, an app's timer of the recordings precedes them. Where a
        // call and an answer meet, a scenario says something else.
        let answered: BTreeSet<Option<u64>> = expected.iter().map(|sent| sent.4).collect();
        if acts(&recording).into_iter().flatten().any(|(at, ..)| answered.contains(&Some(at))) {
            continue;
        }
        let first = expected.iter().zip(&found).find(|(a, b)| a != b);
        assert_eq!(first, None, "{file}: {} and {} requests\n{text}", expected.len(), found.len());
        assert_eq!(expected.len(), found.len(), "{file}");
        compared += 1;
    }
    compared
}

/// The world and the replay are two drivers of one machine. The replay matches the recordings.
#[test]
fn one_user_sends_the_requests_of_the_recordings() {
    for (folder, least) in [("supabase", 30), ("firebase", 12), ("oidc-client-ts", 12), ("msal-browser", 12)]
    {
        let compared = compared(folder);
        assert!(compared >= least, "{folder}: {compared} recordings");
    }
}

/// The value of a metric of the first replication of a contender.
fn value(study: &Study, metric: Metric) -> f64 {
    let results = study.run().unwrap_or_else(|e| panic!("{e}"));
    let def = metrics_of(study.loaded().scenario.client.model()).iter().find(|def| def.metric == metric);
    let name = def.expect("a metric of the model").name;
    let metric = results.policies[0].metrics.iter().find(|m| m.name == name).expect("in the results");
    metric.values[0]
}

fn healthy(model: &str, more: &str) -> String {
    format!(
        "version = 1\nreplications = 1\nname = \"healthy\"\nhorizon = \"10h\"\nbucket = \"1m\"\npolicies = [\"{model}\"]\n\
         [client]\nmodel = \"{model}\"\n[fleet]\nusers = 20\nopens = {{ uniform = [\"0s\", \"1m\"] }}\n{more}\n\
         [backend]\ntoken-life = \"1h\"\nlatency = \"100ms\""
    )
}

/// A healthy firebase client refreshes 300 s before each expiry: every 3,300 s and a round trip (facts.md, "proactive
/// refresh"). A token's life counts from its receipt.
#[test]
fn a_healthy_timer_refreshes_once_a_life_less_its_margin() {
    let study = Study::parse("t.toml", &healthy("firebase-1.13.9", "")).unwrap_or_else(|e| panic!("{e}"));
    let cycles = (10.0_f64 * 3_600.0 / (3_300.0 + 0.1)).floor();
    let refreshes = value(&study, Metric::FlowEntries);
    // A page that opens up to a minute late has the same number of cycles: 10 h hold 10.9 of them.
    assert!((refreshes - 20.0 * cycles).abs() < f64::EPSILON, "{refreshes} for {cycles} cycles");
    assert_eq!(value(&study, Metric::FalseSignOuts).to_bits(), 0.0_f64.to_bits());
}

/// A healthy supabase ticker refreshes at the first tick with less than 120 s left (facts.md, "ticker refreshes when").
#[test]
fn a_healthy_ticker_refreshes_once_a_life_less_its_margin() {
    let study = Study::parse("t.toml", &healthy("supabase-js-2.119.1", "")).unwrap_or_else(|e| panic!("{e}"));
    let refreshes = value(&study, Metric::FlowEntries) / 20.0;
    let (most, least) = ((36_000.0_f64 / 3_480.0).floor(), (36_000.0_f64 / 3_510.0).floor());
    assert!(least <= refreshes && refreshes <= most, "{refreshes}, allowed: {least} to {most}");
}

/// A closed tab does nothing until its user comes back, and its session stays in the browser. The timer refreshes 55 minutes
/// after the sign-in: a page that closes before does not refresh, one that closes 35 minutes later does so once. A user who
/// returns after the expiry refreshes once per visit: in the page load or by the app's call.
#[test]
fn a_closed_tab_does_nothing_until_its_user_returns() {
    let calls = "app-get-token = { every = \"1m\" }";
    for (more, expected) in [
        ("stays = \"54m\"", 0.0),
        ("stays = \"90m\"", 20.0),
        ("tabs = 2\nstays = \"54m\"", 0.0),
        (&format!("stays = \"54m\"\n{calls}"), 0.0),
        ("stays = \"30m\"\naway = \"2h30m\"", 60.0),
        (&format!("stays = \"30m\"\naway = \"2h30m\"\n{calls}"), 60.0),
    ] {
        let text = healthy("firebase-1.13.9", more);
        let study = Study::parse("t.toml", &text).unwrap_or_else(|e| panic!("{e}"));
        let found = value(&study, Metric::FlowEntries);
        assert_eq!(found.to_bits(), f64::to_bits(expected), "{more}: {found}");
    }
}

/// A key or a client that the family cannot use is refused with one error at its place.
#[test]
fn what_a_model_cannot_use_is_refused() {
    for (set, says) in [
        ("fleet.set-active = { every = \"1m\" }", "has no setActive"),
        ("fleet.multi-session = true", "only false"),
        ("fleet.app-reaction = \"set-active\"", "any value but \"set-active\""),
        ("backend.client-token = \"last\"", "does not call /client"),
        ("backend.touch.latency = \"1s\"", "no client of this scenario calls touch"),
    ] {
        let settings = Settings::from(&[set.replacen(" = ", "=", 1)][..]);
        let path = std::env::temp_dir().join(format!("authstorm-token-{}.toml", std::process::id()));
        std::fs::write(&path, healthy("supabase-js-2.119.1", "")).expect("written");
        let found = Study::load_set(&path, &settings).map(|_| ()).expect_err(set).to_string();
        std::fs::remove_file(&path).expect("removed");
        assert!(found.contains(says), "{set}: {found}");
    }
    let clerk = healthy("supabase-js-2.119.1", "clock-skew = { ahead = \"1h\" }")
        .replace("policies = [\"supabase-js-2.119.1\"]", "policies = [\"new\"]")
        .replace("model = \"supabase-js-2.119.1\"", "model = \"documented\"");
    let found = Study::parse("t.toml", &clerk).map(|_| ()).expect_err("no clock").to_string();
    assert!(found.contains("`clock-skew` is nothing that the model \"documented\" can use"), "{found}");
}

/// A profile of one's own is a policy file: it runs beside shipped clients, enters the hash, and its errors are at its
/// own places.
#[test]
fn a_profile_of_your_own_is_a_policy_file() {
    let folder = std::env::temp_dir().join(format!("authstorm-own-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let shipped = root().join("scenarios/clients/supabase-js-2.119.1.toml");
    let own = std::fs::read_to_string(shipped).expect("readable");
    let own = own.replace("name = \"supabase-js-2.119.1\"", "name = \"my-sdk\"");
    let text = healthy("supabase-js-2.119.1", "")
        .replace("policies = [", "policy-files = [\"my-sdk.toml\"]\npolicies = [\"my-sdk\", ");
    std::fs::write(folder.join("s.toml"), text).expect("written");
    let load = |own: &str| {
        std::fs::write(folder.join("my-sdk.toml"), own).expect("written");
        Study::load(folder.join("s.toml")).map_err(|e| e.to_string())
    };
    let study = load(&own).unwrap_or_else(|e| panic!("{e}"));
    let results = study.run().unwrap_or_else(|e| panic!("{e}"));
    let values = |n: usize| -> Vec<Vec<f64>> {
        results.policies[n].metrics.iter().map(|m| m.values.clone()).collect()
    };
    assert_eq!(values(0), values(1), "the same client under another name");
    let other = own.replace("period = \"30s\"", "period = \"20s\"");
    assert_ne!(load(&other).unwrap_or_else(|e| panic!("{e}")).hash(), study.hash());
    let wrong = own.replace("period = \"30s\"", "period = \"0s\"");
    let line = wrong.lines().position(|line| line.starts_with("period")).expect("a ticker") + 1;
    let found = load(&wrong).map(|_| ()).expect_err("no period");
    assert!(found.contains(&format!("my-sdk.toml:{line}:")), "{found}");
    std::fs::remove_dir_all(folder).expect("removed");
}

/// Every act of a scenario is one that the test can write.
#[test]
fn acts_of_recordings_are_acts_of_scenarios() {
    for act in ["open-tab", "reload", "offline", "online", "get-token"] {
        assert!(serde_json::from_value::<Act>(act.into()).is_ok(), "{act}");
    }
}
