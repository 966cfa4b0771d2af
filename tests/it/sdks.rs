//! Token clients: every recording of a published package matches, each row of a profile is needed for that, and the storms
//! that were measured are there.

use crate::common::root;
use authstorm::client::token::{Profile, SHIPPED, shipped};
use authstorm::conform::token::{Outcome, Recording, compare, replay};
use std::path::PathBuf;

/// The recordings of a folder below `tests/recordings/sdks`, by their file names.
fn recordings(folder: &str) -> Vec<(String, Recording)> {
    let folder = root().join("tests/recordings/sdks").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("readable");
        let recording = Recording::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path.file_name().expect("a file").to_string_lossy().into_owned(), recording)
    };
    files.into_iter().map(read).collect()
}

fn profile(recording: &Recording) -> Profile {
    shipped(&recording.package, &recording.version)
        .unwrap_or_else(|| panic!("no profile for {} {}", recording.package, recording.version))
}

fn assert_all_match(folder: &str, count: usize) {
    let all = recordings(folder);
    let mut parted = Vec::new();
    for (file, recording) in &all {
        match compare(recording, &profile(recording)).outcome {
            Outcome::Match { .. } => {}
            other => parted.push(format!("{file}: {other:?}")),
        }
    }
    assert!(parted.is_empty(), "{} of {} part:\n{}", parted.len(), all.len(), parted.join("\n"));
    assert_eq!(all.len(), count, "{folder}");
}

#[test]
fn every_supabase_recording_matches() {
    assert_all_match("supabase", 54);
    assert_all_match("supabase/node", 123);
}

#[test]
fn every_firebase_recording_matches() {
    assert_all_match("firebase", 21);
    assert_all_match("firebase/node", 33);
}

/// Options of a recording change the profile: no refresh tokens, or the iframe as a fallback.
#[test]
fn every_auth0_recording_matches() {
    assert_all_match("auth0-spa-js", 22);
}

#[test]
fn every_msal_recording_matches() {
    assert_all_match("msal-browser", 20);
}

#[test]
fn every_oidc_recording_matches() {
    assert_all_match("oidc-client-ts", 21);
}

#[test]
fn every_amplify_recording_matches() {
    assert_all_match("aws-amplify", 20);
}

#[test]
fn every_keycloak_recording_matches() {
    assert_all_match("keycloak-js", 20);
}

/// No recording of better-auth exists. What its facts say, as a script: a read at the load; one when the tab becomes visible, but
/// not within 5 s of the last such read, and not offline; a newer read aborts the one in flight; only 401 ends the session.
#[test]
fn better_auth_does_what_its_facts_say() {
    let act = |t: u64, label: &str| format!("{{\"t\": {t}, \"label\": \"{label}\"}}");
    let acts = [
        act(10_000, "visible"),
        act(14_900, "visible"),
        act(15_000, "visible"),
        act(20_000, "offline"),
        act(21_000, "visible"),
        act(25_000, "online"),
        act(30_000, "visible"),
        act(40_000, "visible"),
        act(50_000, "visible"),
        act(60_000, "visible"),
    ];
    let rules = "{\"match\": \"token\", \"from\": 30000, \"to\": 31000, \"hang\": true}, \
                 {\"match\": \"token\", \"from\": 50000, \"to\": 51000, \"status\": 429}, \
                 {\"match\": \"token\", \"from\": 60000, \"status\": 401}";
    let text = format!(
        "{{\"schema\": \"sdk-trace/1\", \"sdk\": \"better-auth\", \"package\": \"better-auth\", \"version\": \"1.7.25\", \
         \"config\": {{\"duration_ms\": 70000, \"rtt_ms\": 100, \"token_life_s\": 10, \"rotation\": \"none\", \"reuse_ms\": 0, \
         \"rules\": [{rules}], \"actions\": [{}], \"poll\": [{{\"every\": 55000, \"from\": 300}}]}}, \
         \"requests\": [], \"calls\": [], \"final\": []}}",
        acts.join(", ")
    );
    let recording = Recording::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let replayed = replay(&recording, &profile(&recording)).unwrap_or_else(|e| panic!("{e}"));
    let sent: Vec<(u64, &str, Option<u64>)> =
        replayed.requests.iter().map(|sent| (sent.0, sent.3.as_str(), sent.4)).collect();
    let expected = [
        (0, "200", Some(100)),
        (10_000, "200", Some(10_100)),
        (15_000, "200", Some(15_100)),
        (30_000, "client_abort", Some(40_000)),
        (40_000, "200", Some(40_100)),
        (50_000, "429", Some(50_100)),
        (60_000, "401", Some(60_100)),
    ];
    assert_eq!(sent, expected);
    // The calls need no request, long after the 10 s of the token.
    assert!(
        replayed.calls.iter().all(|call| call.2 == "token" && call.3 == Some(call.0)),
        "{:?}",
        replayed.calls
    );
    assert!(replayed.sign_outs.iter().map(|out| out.at_ms).eq([60_100]) && !replayed.last[0].signed_in);
}

/// Checks that the comparison can fail, and that a profile holds nothing that no recording needs: without the line, or with
/// another value, at least one recording of the client parts.
#[test]
fn every_mechanism_of_a_profile_is_needed_by_a_recording() {
    let supabase_all: &[(&str, &str)] = &[
        ("expiry-clock = \"server\"", "expiry-clock = \"receipt\""),
        ("kept-in = \"storage\"", "kept-in = \"object-and-storage\""),
        ("shares-refresh = true", "shares-refresh = false"),
        ("broadcasts = true", "broadcasts = false"),
        ("margin = \"90s\"", "margin = \"89s\""),
        ("while-loading = \"waits\"", "while-loading = \"nothing\""),
        ("on-failure = \"nothing\"", "on-failure = \"error\""),
        ("refreshes = true", "refreshes = false"),
        ("announces = true", "announces = false"),
        ("listener-reads = true", "listener-reads = false"),
        ("recovers = true", "recovers = false"),
        ("period = \"30s\"", "period = \"31s\""),
        ("refresh-below = \"120s\"", "refresh-below = \"119s\""),
        ("first = \"200ms\"", "first = \"201ms\""),
        ("factor = 2", "factor = 3"),
        ("within = \"30s\"", "within = \"26s\""),
        ("retry = true", "retry = false"),
        ("accepts-parent = true", "accepts-parent = false"),
    ];
    let old: &[(&str, &str)] =
        &[("clears-again = true", "clears-again = false"), ("\"always\"", "\"if-expired\"")];
    let lock: &[(&str, &str)] = &[
        ("wait = \"5s\"", "wait = \"6s\""),
        ("then = \"steal\"", "then = \"error\""),
        ("reentrant = true", "reentrant = false"),
    ];
    let lockless: &[(&str, &str)] = &[
        ("drops-when-replaced = true", "drops-when-replaced = false"),
        ("skips-when-busy = true", "skips-when-busy = false"),
    ];
    let newest: &[(&str, &str)] = &[
        ("keeps-valid-token = true", "keeps-valid-token = false"),
        ("lasts = \"60s\"", "lasts = \"61s\""),
        ("ended-by-news = true", "ended-by-news = false"),
        ("\"if-expired\"", "\"never\""),
        ("\"500-504\"", "\"502-504\""),
    ];
    let firebase: &[(&str, &str)] = &[
        ("expiry-clock = \"receipt\"", "expiry-clock = \"server\""),
        ("margin = \"300s\"", "margin = \"299s\""),
        ("while-loading = \"nothing\"", "while-loading = \"waits\""),
        ("on-failure = \"error\"", "on-failure = \"nothing\""),
        ("refreshes = true", "refreshes = false"),
        ("lookup = true", "lookup = false"),
        ("before-expiry = \"300s\"", "before-expiry = \"301s\""),
        ("floor = \"0s\"", "floor = \"1s\""),
        ("first = \"30s\"", "first = \"31s\""),
        ("factor = 2", "factor = 3"),
        ("cap = \"960s\"", "cap = \"60s\""),
        ("timeout = \"30s\"", "timeout = \"29s\""),
        ("counts-as-no-answer = true", "counts-as-no-answer = false"),
        ("\"TOKEN_EXPIRED\", \"USER_DISABLED\"", "\"TOKEN_EXPIRED\""),
        (", \"USER_NOT_FOUND\"", ""),
        ("rotates = false", "rotates = true"),
    ];
    let mut idle = Vec::new();
    let keycloak: &[(&str, &str)] = &[
        ("expiry-clock = \"measured\"", "expiry-clock = \"server\""),
        ("kept-in = \"object\"", "kept-in = \"storage\""),
        ("shares-refresh = true", "shares-refresh = false"),
        ("while-loading = \"asks\"", "while-loading = \"waits\""),
        ("on-failure = \"error\"", "on-failure = \"nothing\""),
        ("without-session = \"error\"", "without-session = \"nothing\""),
        ("forces-refresh = true", "forces-refresh = false"),
        ("fails-with-refresh = true", "fails-with-refresh = false"),
        ("does = \"tell\"", "does = \"refresh\""),
        ("computed-in-seconds = true", "computed-in-seconds = false"),
        ("set-by = \"any-refresh\"", "set-by = \"own-refresh\""),
        ("sign-out = \"always\"", "sign-out = \"never\""),
        ("rotates = true", "rotates = false"),
        ("survives-reuse = true", "survives-reuse = false"),
    ];
    let auth0: &[(&str, &str)] = &[
        ("expiry-clock = \"receipt-seconds\"", "expiry-clock = \"receipt\""),
        ("kept-in = \"storage\"", "kept-in = \"object\""),
        ("drops-expired-after = \"60s\"", ""),
        ("margin = \"60s\"", "margin = \"50s\""),
        ("on-failure = \"error\"", "on-failure = \"nothing\""),
        ("refreshes = true", "refreshes = false"),
        ("wait = \"5s\"", "wait = \"6s\""),
        ("then = \"error\"", "then = \"steal\""),
        ("timeout = \"10s\"", "timeout = \"9s\""),
        ("aborts-on-timeout = true", "aborts-on-timeout = false"),
        ("tries = 3", "tries = 2"),
        ("refused-status = 403", "refused-status = 400"),
        ("opens-iframe = true", "opens-iframe = false"),
        ("code = [\"login_required\"]\nsign-out = \"always\"", "code = [\"login_required\"]"),
    ];
    let msal: &[(&str, &str)] = &[
        ("expiry-clock = \"request-seconds\"", "expiry-clock = \"server\""),
        ("kept-in = \"object\"", "kept-in = \"object-and-storage\""),
        ("shares-refresh = true", "shares-refresh = false"),
        ("margin = \"300s\"", "margin = \"299s\""),
        ("on-failure = \"error\"", "on-failure = \"nothing\""),
        ("gets-expiry = true", "gets-expiry = false"),
        ("\"429\", \"500-599\"", "\"500-599\""),
        ("\"500-599\"", "\"500-502\""),
        ("lasts = \"60s\"", "lasts = \"55s\""),
        ("kept-in = \"storage\" ", "kept-in = \"object\" "),
        ("honours-retry-after = true", "honours-retry-after = false"),
        ("cap = \"1h\"", "cap = \"5m\""),
        ("before-read = true", "before-read = false"),
        ("lasts = \"24h\"", "lasts = \"10s\""),
        ("opens-iframe = true", "opens-iframe = false"),
        ("when = \"fallback\"", "when = \"never\""),
        ("timeout = \"10s\"", "timeout = \"9s\""),
        ("tries = 2                       #", "tries = 1 #"),
        ("rotates = false", "rotates = true"),
        ("refresh-started = [\"acquireTokenFromNetworkStart\"]", ""),
        ("refresh-failed = [\"acquireTokenFailure\"]", ""),
    ];
    let oidc: &[(&str, &str)] = &[
        ("expiry-clock = \"receipt-seconds\"", "expiry-clock = \"receipt\""),
        ("kept-in = \"storage\"", "kept-in = \"object\""),
        ("shares-refresh = false", "shares-refresh = true"),
        ("margin = \"1s\"", "margin = \"10s\""),
        ("on-failure = \"error\"", "on-failure = \"nothing\""),
        ("gets-expiry = true", "gets-expiry = false"),
        ("before-expiry = \"60s\"", "before-expiry = \"61s\""),
        ("floor = \"1s\"", "floor = \"2s\""),
        ("set-by = \"read\"", "set-by = \"any-refresh\""),
        ("checks-every = \"5s\"", "checks-every = \"1s\""),
        ("tells-expired-after = \"1s\"", "tells-expired-after = \"6s\""),
        ("[discovery] ", "#"),
        ("rotates = true", "rotates = false"),
        ("timer-failed = [\"silentRenewError\"]", ""),
        ("timer-ended = [\"accessTokenExpiring\"]", ""),
    ];
    let amplify: &[(&str, &str)] = &[
        ("expiry-clock = \"receipt\"", "expiry-clock = \"server\""),
        ("kept-in = \"storage\"", "kept-in = \"object\""),
        ("shares-refresh = true", "shares-refresh = false"),
        ("each-caller-commits = true", "each-caller-commits = false"),
        ("margin = \"5s\"", "margin = \"6s\""),
        ("on-failure = \"error\"", "on-failure = \"nothing\""),
        ("first = \"200ms\"", "first = \"100ms\""),
        ("factor = 2", "factor = 1"),
        ("jitter = \"100ms\"", "jitter = \"10ms\""),
        ("tries = 3", "tries = 2"),
        ("sign-out = \"always\"\ngives-nothing = true", "sign-out = \"always\""),
        ("\"TooManyRequestsException\", ", ""),
        ("\"429\", ", ""),
        ("\"502-504\"", "\"504\""),
    ];
    for (name, edits) in [
        ("aws-amplify-6.22.1", amplify.to_vec()),
        ("auth0-spa-js-2.28.3", auth0.to_vec()),
        ("keycloak-js-26.2.4", keycloak.to_vec()),
        ("supabase-js-2.105.4", [supabase_all, old, lock].concat()),
        ("supabase-js-2.107.0", [supabase_all, old, lockless].concat()),
        ("supabase-js-2.119.1", [supabase_all, lockless, newest].concat()),
        ("firebase-1.13.9", firebase.to_vec()),
        ("msal-browser-5.30.0", msal.to_vec()),
        ("oidc-client-ts-3.5.0", oidc.to_vec()),
    ] {
        let (_, text) = SHIPPED.iter().find(|(n, _)| *n == name).expect("a shipped profile");
        let (right, _) = Profile::parse(text).expect("it is read");
        let folders =
            ["auth0-spa-js", "aws-amplify", "firebase", "keycloak-js", "msal-browser", "oidc-client-ts"];
        let folder = folders.into_iter().find(|f| name.starts_with(f));
        let folder = folder.unwrap_or("supabase");
        let mut all = recordings(folder);
        if ["firebase", "supabase"].contains(&folder) {
            all.extend(recordings(&format!("{folder}/node")));
        }
        all.retain(|(_, recording)| recording.version == right.sdk.version);
        for (from, to) in edits {
            assert!(text.contains(from), "{name}: {from}");
            let (wrong, _) =
                Profile::parse(&text.replace(from, to)).unwrap_or_else(|e| panic!("{name}: {to}: {e}"));
            let parts =
                |(_, r): &(String, Recording)| matches!(compare(r, &wrong).outcome, Outcome::Diverged(_));
            if !all.iter().any(parts) {
                idle.push(format!("{name}: no recording needs {from}"));
            }
        }
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}

/// Requests to the token endpoint per hour of the run, in the storms that `facts.md` and the field's comparison give.
#[test]
fn the_measured_storms_are_there() {
    for (file, per_hour, within) in [
        // A listener that asks for the session, clock 1 h fast, server healthy: one request per round trip.
        ("supabase/node/2.105.4-29-skew1h-onevent.json", 36_000, 100),
        ("supabase/node/2.119.1-29-skew1h-onevent.json", 300, 30),
        // 20 calls at once every 2 s, clock 1 h fast.
        ("supabase/2.105.4-42-skew1h-eager-onEvent-burst.json", 33_100, 50),
        ("supabase/2.119.1-42-skew1h-eager-onEvent-burst.json", 1_900, 50),
        // One call after the other, clock 1 h fast, round trip 50 ms: no release helps.
        ("supabase/node/2.105.4-43-skew1h-serial-rtt50.json", 72_000, 200),
        ("supabase/node/2.119.1-43-skew1h-serial-rtt50.json", 72_000, 200),
        // Token life 60 s: the timer of 1 s, at each load of the user.
        ("oidc-client-ts/3.5.0-38-life60-idle.json", 3_270, 10),
        // The throttle: one request a minute, or as Retry-After asks (2 of 1,460 s).
        ("msal-browser/5.30.0-12-token503-poll5.json", 34, 2),
        ("msal-browser/5.30.0-08-token429-ra600-poll5.json", 4, 1),
        // Tokens that live 300 s: the timer of 0 ms.
        ("firebase/1.13.9-38-life300-idle.json", 36_000, 100),
    ] {
        let path = root().join("tests/recordings/sdks").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
        let recording = Recording::parse(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
        let replayed = replay(&recording, &profile(&recording)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let sent = replayed.requests.iter().filter(|r| r.2 == "token").count() as u64;
        let found = sent * 3_600_000 / recording.config.duration_ms;
        assert!(found.abs_diff(per_hour) <= within, "{file}: {found} per hour, not {per_hour}");
    }
}

/// An entry that the answer to an earlier entry's request causes is recursive; calls that queue are not.
#[test]
fn a_loop_through_the_listener_is_recursive_and_a_queue_of_callers_is_not() {
    let entries = |file: &str| {
        let text =
            std::fs::read_to_string(root().join("tests/recordings/sdks").join(file)).expect("readable");
        let recording = Recording::parse(&text).expect("a recording");
        replay(&recording, &profile(&recording)).expect("it can be replayed").entries
    };
    let (all, recursive) = entries("supabase/node/2.105.4-29-skew1h-onevent.json");
    assert!(recursive > all * 9 / 10, "{recursive} of {all}");
    let (all, recursive) = entries("firebase/1.13.9-38-life300-idle.json");
    assert_eq!((all, recursive), (1_200, 1_199));
    let (all, recursive) = entries("supabase/2.105.4-10-token429-burst20.json");
    assert_eq!((all, recursive), (1, 0));
    let (all, recursive) = entries("firebase/1.13.9-10-token429-burst20.json");
    assert_eq!((all, recursive), (361, 0));
}
