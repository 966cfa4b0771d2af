//! Your own client: the template, the report of a client's trials, and the facts that the report must show.

use crate::common::{root, run_in as run};
use authstorm::client::token::{Profile, SHIPPED};
use authstorm::conform::token::trials::{ClientReport, SignedOutKind, TRIALS, TrialResult, report};
use std::sync::LazyLock;

/// The reports of all shipped profiles.
pub(crate) fn reports() -> &'static [ClientReport] {
    static REPORTS: LazyLock<Vec<ClientReport>> = LazyLock::new(|| {
        let explain = |(name, text): &(&str, &str)| {
            let (profile, _) = Profile::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            report(&profile).unwrap_or_else(|e| panic!("{name}: {e}"))
        };
        SHIPPED.iter().map(explain).collect()
    });
    &REPORTS
}

fn trial(client: &str, trial: &str) -> &'static TrialResult {
    let report = reports().iter().find(|report| report.name == client).expect("a shipped profile");
    report.trials.iter().find(|result| result.name == trial).unwrap_or_else(|| panic!("no trial {trial}"))
}

fn kind(client: &str, name: &str) -> Option<SignedOutKind> {
    trial(client, name).signed_out.map(|out| out.kind)
}

/// What `facts.md` of the SDKs and the comparison of their recordings say.
#[test]
fn the_trials_show_the_facts() {
    let (old, new) = ("supabase-js-2.105.4", "supabase-js-2.119.1");
    let (firebase, auth0) = ("firebase-1.13.9", "auth0-spa-js-2.28.3");
    let (keycloak, amplify) = ("keycloak-js-26.2.4", "aws-amplify-6.22.1");
    // The first 429 signs out, while the token is valid; from 2.109 on only after expiry, which is at 60 minutes.
    let out = |client| trial(client, "429").signed_out.expect("it signs out");
    assert!(out(old).kind == SignedOutKind::False && out(old).at_ms < 3_600_000);
    assert!(out(new).kind == SignedOutKind::False && out(new).at_ms > 3_600_000);
    assert_eq!(kind(old, "500"), Some(SignedOutKind::False), "500 is not among the retried statuses");
    assert_eq!(kind(new, "500"), None);
    for client in [firebase, auth0, keycloak, amplify] {
        for name in ["429", "500", "503", "no answer"] {
            assert_eq!(kind(client, name), None, "{client}, {name}");
        }
    }
    // A listener that asks, clock an hour fast: one request per round trip, and 300 an hour.
    let requests = |client, name| trial(client, name).requests;
    assert!(requests(old, "fast clock, listener").abs_diff(36_000) <= 100);
    assert!(requests(new, "fast clock, listener").abs_diff(300) <= 60);
    // The timer of 0 ms: one request per round trip, beside the app's calls.
    let calls = trial(firebase, "short tokens").calls;
    assert!(requests(firebase, "short tokens").abs_diff(36_000 + calls) <= 100);
    // A failure is not remembered: a request per call. Amplify retries twice.
    for (client, each) in [(firebase, 1), (auth0, 1), (keycloak, 1), (amplify, 3)] {
        let result = trial(client, "429");
        assert!(result.requests.abs_diff(each * result.calls_without_token) <= 2, "{client}: {result:?}");
    }
    // A failure is shared by callers of one instant, or not.
    for (client, per_burst) in [(firebase, 20), (auth0, 20), (keycloak, 1), (amplify, 3)] {
        let result = trial(client, "429, 20 callers");
        let bursts = result.calls_without_token / 20;
        assert!(result.requests.abs_diff(per_burst * bursts) <= 2, "{client}: {result:?}");
    }
    // The client drops each granted token, for the ID token has expired by its clock.
    let fast = trial(auth0, "fast clock");
    assert!(fast.calls > 0 && fast.calls_without_token == fast.calls, "{fast:?}");
    // Three tries without delay.
    let silent = trial(auth0, "no answer");
    assert!(silent.requests.abs_diff(3 * silent.calls_without_token) <= 2, "{silent:?}");
    // Two tabs that refresh at one instant, where no token is accepted twice: the second request ends the session.
    for client in [old, "supabase-js-2.107.0", new, amplify] {
        let lock = client == old;
        assert_eq!(trial(client, "two tabs, no reuse").revoked_by_reuse, !lock, "{client}: {lock}");
    }
    // The throttle of 60 s: one request a minute from the first on; with Retry-After: 600, one in ten minutes. An app that
    // asks at once changes nothing.
    let msal = "msal-browser-5.30.0";
    for (name, least, most) in [("429", 50, 56), ("429, eager app", 50, 56), ("429, Retry-After", 6, 6)] {
        let found = requests(msal, name);
        assert!((least..=most).contains(&found), "{name}: {found}");
    }
    // A timer that each read sets, and one request per call after the expiry.
    let oidc = trial("oidc-client-ts-3.5.0", "429");
    assert!(oidc.requests.abs_diff(oidc.calls_without_token + 12) <= 3, "{oidc:?}");
    // Nobody signs out when the session is gone.
    assert_eq!(kind(auth0, "session gone"), None);
    for client in [old, new, firebase, keycloak, amplify] {
        assert_eq!(kind(client, "session gone"), Some(SignedOutKind::True), "{client}");
    }
}

#[test]
fn a_healthy_hour_has_one_refresh_and_every_call_gets_its_token() {
    for report in reports() {
        let healthy = &report.trials[0];
        if !report.recorded {
            // better-auth reads its session at the page load only, as long as no tab becomes visible.
            assert_eq!((healthy.requests, healthy.calls, healthy.calls_without_token), (0, 720, 0));
            continue;
        }
        assert_eq!(
            (healthy.requests - discovery(&report.name), healthy.calls, healthy.calls_without_token),
            (1, 720, 0),
            "{}",
            report.name
        );
        assert_eq!(healthy.times_healthy, Some(1.0));
        assert!(report.trials.iter().all(|result| result.stopped_ms.is_none()), "{}", report.name);
        assert!(report.trials.iter().map(|result| result.name.as_str()).eq(TRIALS.iter().map(|t| t.name)));
        // What is said to be prone has a trial that shows it.
        assert!(
            report
                .prone_to
                .iter()
                .all(|harm| TRIALS.iter().any(|t| harm.starts_with(&format!("{}: ", t.name))))
        );
    }
}

/// Requests for metadata that a client makes within the counted hour: one if its first refresh asks for them.
fn discovery(client: &str) -> u64 {
    let profile = authstorm::client::token::named(client).expect("a shipped profile");
    u64::from(profile.discovery.as_ref().is_some_and(|discovery| !discovery.before_read))
}

#[test]
fn a_template_is_written_explained_and_never_overwritten() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (code, said, _) = run(dir.path(), &["new-client", "my-sdk"]);
    assert!(code == Some(0) && said.contains("authstorm explain-client my-sdk.toml"), "{said}");
    let written = std::fs::read_to_string(dir.path().join("my-sdk.toml")).expect("the template");
    let (code, said, _) = run(dir.path(), &["explain-client", "my-sdk.toml"]);
    assert!(
        code == Some(0) && said.contains("A caller refreshes when less than 1m of the token is left."),
        "{said}"
    );
    let (code, _, said) = run(dir.path(), &["new-client", "my-sdk"]);
    assert!(code == Some(2) && said.contains("is there already"), "{said}");
    assert_eq!(std::fs::read_to_string(dir.path().join("my-sdk.toml")).expect("it is there"), written);
    let (code, _, said) = run(dir.path(), &["new-client", "My SDK"]);
    assert!(code == Some(2) && said.contains("allowed: 1 to 64 of a-z"), "{said}");

    let wrong = written.replace("margin = \"60s\"", "margin = 60");
    std::fs::write(dir.path().join("my-sdk.toml"), wrong).expect("writable");
    let (code, out, said) = run(dir.path(), &["explain-client", "my-sdk.toml"]);
    assert!(code == Some(2) && out.is_empty(), "{out}");
    assert!(said.contains("my-sdk.toml:") && said.contains("write \"60s\""), "{said}");
    let (code, _, said) = run(dir.path(), &["explain-client", "supabase-js-2.119.2"]);
    assert!(code == Some(2) && said.contains("did you mean `supabase-js-2.119.1`?"), "{said}");
}

#[test]
fn a_report_is_the_same_in_every_form() {
    let dir = root();
    let explain = |format: &str| {
        let (code, said, _) = run(dir, &["explain-client", "keycloak-js-26.2.4", "--format", format]);
        assert_eq!(code, Some(0));
        said
    };
    let (text, markdown) = (explain("text"), explain("md"));
    let report: serde_json::Value = serde_json::from_str(&explain("json")).expect("JSON");
    let trials = report["trials"].as_array().expect("trials");
    for trial in trials {
        let (name, condition) =
            (trial["name"].as_str().expect("a name"), trial["condition"].as_str().expect("words"));
        assert!(markdown.contains(&format!("| {name} | {condition} |")), "{name}");
        assert!(text.contains(&format!("\n  {name} ")), "{name}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    // The JSON has the keys of its schema, and no others.
    let (_, schema, _) = run(dir, &["schema", "--of", "client-report"]);
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let keys =
        |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&report), keys(&schema["properties"]));
    let known = keys(&schema["$defs"]["TrialResult"]["properties"]);
    assert!(trials.iter().flat_map(keys).all(|key| known.contains(&key)), "{known:?}");
}

/// Words, pictures and the page say "no recordings" after the name of a client that no recording confirms. Commands, data and the
/// text of the scenario hold the name alone.
#[test]
fn results_name_the_client_without_recordings_as_such() {
    const NAME: &str = "better-auth-1.7.25";
    let dir = tempfile::tempdir().expect("a folder");
    let scenario = format!(
        "version = 1\nname = \"unrecorded\"\nseed = 1\nhorizon = \"20m\"\nbucket = \"1m\"\n\
         policies = [\"firebase-1.13.9\", \"{NAME}\"]\n\
         [client]\nmodel = \"firebase-1.13.9\"\n\
         [fleet]\nusers = 20\napp-get-token = {{ every = \"30s\" }}\n\
         [[fault]]\nname = \"down\"\nkind = \"status\"\nstatus = 503\nendpoints = [\"lookup\", \"token\"]\nfrom = \"5m\"\nto = \"8m\"\n"
    );
    std::fs::write(dir.path().join("unrecorded.toml"), scenario).expect("a file");
    let (code, out, err) = run(dir.path(), &["run", "unrecorded.toml", "--out", "results"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(&format!("No recording confirms {NAME}")), "{out}");
    let is_named_so = |text: &str, what: &str| {
        let mut bare = text.split(NAME).skip(1).filter(|after| !after.starts_with(" (no recordings)"));
        assert_eq!(bare.next().map(|after| after.chars().take(80).collect::<String>()), None, "{what}");
    };
    let sentence = format!("No recording confirms {NAME}:");
    for line in out.replace(&sentence, "").lines().filter(|line| !line.contains("authstorm ")) {
        is_named_so(line, line);
    }
    let mut pictures = 0;
    for (name, content) in crate::common::files(&dir.path().join("results")) {
        if name.ends_with(".svg") {
            let text = String::from_utf8(content).expect("an SVG is text");
            pictures += usize::from(text.contains(NAME));
            is_named_so(&text, &name);
        }
    }
    assert!(pictures > 0, "some picture names the client");
    let page = std::fs::read_to_string(dir.path().join("results/report.html")).expect("a page");
    assert!(page.contains(&format!("<bdi>{NAME} (no recordings)</bdi>")), "the page's table names it so");
    // The command's own report of the client does so as well.
    let (_, explained, _) = run(dir.path(), &["explain-client", NAME]);
    assert!(explained.contains(&format!("{NAME} (no recordings)")), "{explained}");
}
