//! Judgements of a run: recovery, demand, stimuli, and the bounds that the number of runs allows.

use crate::common::authstorm;
use authstorm::Study;
use authstorm::results::Judgement;
use authstorm::results::Results;
use authstorm::results::verdicts;

fn run(file: &str, sets: &[&str]) -> Results {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Study::load_with(path, &sets).and_then(|study| study.run()).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn parsed(text: &str) -> Results {
    Study::parse("t.toml", text).and_then(|study| study.run()).unwrap_or_else(|e| panic!("{e}"))
}

fn values<'a>(results: &'a Results, policy: &str, metric: &str) -> &'a [f64] {
    &results.policies.iter().find(|p| p.name == policy).expect("a policy").metric(metric).values
}

fn recovery(results: &Results, policy: &str) -> f64 {
    values(results, policy, "time_to_recover_s")[0]
}

/// Upper bound of the length of a recovery cell in seconds: a run has at least 1,024 cells.
fn cell_s(results: &Results) -> f64 {
    results.horizon.as_secs_f64() / 1_024.0
}

#[test]
fn a_run_that_keeps_failing_never_recovers() {
    for sets in [
        &[][..],
        &["horizon=40m", "backend.tokens.service=\"227ms\""],
        &["bucket=1s"],
        &["bucket=7m"],
        &["horizon=13m7s"],
    ] {
        let results = run("tests/faults/never-recovers.toml", sets);
        assert!(recovery(&results, "new").is_infinite(), "{sets:?}");
        assert_eq!(results.expectations[0].judgement, Judgement::Failed, "{sets:?}");
    }
    // One call fails every ten seconds. The quiet time in between is no recovery.
    for sets in [&[][..], &["bucket=500ms"], &["horizon=69s"], &["horizon=10m"]] {
        assert!(recovery(&run("tests/faults/tiny-recover.toml", sets), "new").is_infinite(), "{sets:?}");
    }
    // A fault that lasts to the end of the run.
    for bucket in ["bucket=5s", "bucket=7s", "bucket=300s"] {
        assert!(recovery(&run("tests/faults/ttr-open.toml", &[bucket]), "old").is_infinite(), "{bucket}");
    }
}

/// The storm after the fault has 30 times the load before it, and all its calls succeed.
#[test]
fn a_storm_of_successful_calls_is_no_recovery() {
    let results = run("scenarios/touch-429-clerk-js.toml", &["replications=2"]);
    assert!(values(&results, "old", "time_to_recover_s").iter().all(|s| s.is_infinite()));
    // getToken retries a few seconds after the fault.
    assert!(values(&results, "new", "time_to_recover_s").iter().all(|s| *s < 10.0));
}

#[test]
fn faults_without_effect_do_not_change_recovery() {
    let with = run("tests/faults/rv-pass.toml", &[]);
    let text = std::fs::read_to_string(format!("{}/tests/faults/rv-pass.toml", env!("CARGO_MANIFEST_DIR")));
    let text = text.expect("a file");
    let without = parsed(text.rsplit_once("[[fault]]").expect("the fault that never acts").0);
    for policy in ["old", "new"] {
        let seconds = values(&with, policy, "time_to_recover_s");
        assert_eq!(seconds, values(&without, policy, "time_to_recover_s"));
        // The last revoked session learns of it by its poller's next call, at most a token's life later.
        assert!(seconds.iter().all(|s| (30.0..60.0).contains(s)), "{seconds:?}");
    }
}

/// 100 clients call once a second and retry a failed call after 30 s, until it succeeds.
const RETRIES: &str = "version = 1\nreplications = 1\nname = \"t\"\nhorizon = \"20m\"\npolicies = [\"new\"]\n\
    [[workload]]\nname = \"w\"\nclients = 100\nevery = \"1s\"\nstarts = { uniform = [\"0s\", \"1s\"] }\n\
    [workload.retry]\non = [\"network\"]\ninitial = \"30s\"\nfactor = 1\ncap = \"30s\"\nretries = 9\n\
    [backend.generic]\nlatency = \"10ms\"\n\
    [[fault]]\nkind = \"outage\"\nfrom = \"60s\"\nto = \"120s\"\n";

/// Calls that fail in the last 30 s of the outage are retried in the 30 s after it, together with new calls. The load
/// is doubled until 30 s after the outage.
#[test]
fn recovery_ends_with_the_last_wave_of_retries() {
    for bucket in ["1s", "60s", "20m"] {
        let results = parsed(&RETRIES.replace("horizon", &format!("bucket = \"{bucket}\"\nhorizon")));
        let seconds = recovery(&results, "new");
        assert!((seconds - 30.0).abs() <= 2.0 * cell_s(&results), "{seconds}");
    }
    // Without retries, the first answer after the outage ends it, one latency later.
    let lost = RETRIES.replace("retries = 9", "retries = 0");
    let results = parsed(&lost);
    assert!(recovery(&results, "new") <= 2.0 * cell_s(&results));
    // A longer run does not change the time to recover.
    let longer = parsed(&RETRIES.replace("20m", "40m"));
    assert!((recovery(&longer, "new") - 30.0).abs() <= 2.0 * cell_s(&longer));
    // A run that ends less than three windows after the outage does not count as recovered.
    let late = parsed(&RETRIES.replace("\"60s\"\nto = \"120s\"", "\"17m\"\nto = \"18m\""));
    assert!(recovery(&late, "new").is_infinite());
}

/// Random variation alone does not prevent recovery: queues at 70% load and random latencies, after an outage of a
/// second.
#[test]
fn a_healthy_queue_recovers_under_every_seed() {
    let text = "version = 1\nname = \"t\"\nhorizon = \"30m\"\nreplications = 20\npolicies = [\"new\"]\n\
        [[workload]]\nname = \"w\"\nclients = 70\nevery = { exponential = \"10s\" }\n\
        [backend.generic]\nworkers = 1\nservice = { exponential = \"100ms\" }\nlatency = { exponential = \"50ms\" }\n\
        [[fault]]\nkind = \"outage\"\nfrom = \"5m\"\nto = \"5m1s\"\n";
    let results = parsed(text);
    let seconds = values(&results, "new", "time_to_recover_s");
    assert!(seconds.iter().all(|s| *s < 120.0), "{seconds:?}");
}

/// `office-nat`: old sends more than new. Amplification divides by the same demand, so it orders the policies by load.
#[test]
fn amplification_orders_policies_by_their_load() {
    let results = run("scenarios/office-nat.toml", &["replications=1", "horizon=6m", "fleet.users=400"]);
    let of = |policy, metric| values(&results, policy, metric)[0];
    let by_load = of("old", "requests_total") / of("new", "requests_total");
    let by_amplification = of("old", "amplification") / of("new", "amplification");
    assert!((by_load - by_amplification).abs() < 1e-9 * by_load, "{by_load} and {by_amplification}");
    assert!(by_load > 1.0);
}

#[test]
fn the_peak_is_per_second_for_any_bucket() {
    let peaks = ["bucket=100ms", "bucket=1s", "bucket=1m"].map(|bucket| {
        let results = run("scenarios/touch-429-cascade.toml", &[bucket, "replications=1", "fleet.users=60"]);
        values(&results, "old", "peak_requests_per_s")[0]
    });
    assert_eq!(peaks[0].to_bits(), peaks[1].to_bits());
    assert_eq!(peaks[0].to_bits(), peaks[2].to_bits());
}

/// 40,000 clients with tokens of a minute call 667 times a second. Ten workers of 20 ms serve 500 calls a second.
#[test]
fn demand_beyond_capacity_before_any_fault_is_reported() {
    let text = |workers| {
        format!(
            "version = 1\nreplications = 1\nname = \"t\"\nhorizon = \"3m\"\npolicies = [\"new\"]\n\
             [[workload]]\nname = \"tokens\"\nclients = 4000\nevery = \"6s\"\nstarts = {{ uniform = [\"0s\", \"6s\"] }}\n\
             [backend.generic]\nworkers = {workers}\nqueue = 50\nservice = \"20ms\"\n\
             [[fault]]\nkind = \"outage\"\nfrom = \"2m\"\nto = \"2m10s\"\n"
        )
    };
    let said = verdicts::qualifications(&parsed(&text(10)));
    assert!(
        said[0].starts_with(
            "Demand exceeds capacity under new, in the 120 s before the first fault: /generic is offered 667"
        ),
        "{said:?}"
    );
    let enough = verdicts::qualifications(&parsed(&text(20)));
    assert!(!enough.iter().any(|s| s.starts_with("Demand")), "{enough:?}");
    // A limit: 10 clients of one address call 10 times a second, and 5 calls a second are admitted.
    let limited = "version = 1\nreplications = 1\nname = \"t\"\nhorizon = \"2m\"\npolicies = [\"new\"]\n\
        [[workload]]\nname = \"w\"\nclients = 10\nevery = \"1s\"\n\
        [[backend.limit]]\nendpoints = [\"generic\"]\nkind = \"fixed-window\"\nkey = \"global\"\nlimit = 5\nwindow = \"1s\"\n";
    let said = verdicts::qualifications(&parsed(limited));
    assert!(said.iter().any(|s| s.contains("/generic is offered 10")), "{said:?}");
    assert!(said.iter().any(|s| s.contains("limit 1 on /generic") && s.contains("(50%)")), "{said:?}");
    let from_the_start = format!("{limited}[[fault]]\nkind = \"outage\"\nto = \"1s\"\n");
    let said = verdicts::qualifications(&parsed(&from_the_start));
    assert_eq!(said[0], "Demand against capacity is not judged: no request is sent before the first fault");
}

/// Five layers of three tries make 3^5 = 243 requests. A run that ends earlier says that its ratio is not final.
#[test]
fn callers_cut_by_the_horizon_are_counted() {
    let whole = run("tests/faults/layers-3-5.toml", &[]);
    assert_eq!(values(&whole, "new", "requests_total"), [243.0]);
    assert_eq!(values(&whole, "new", "callers_unfinished"), [0.0]);
    let cut = run("tests/faults/layers-3-5.toml", &["horizon=10s"]);
    assert_eq!(values(&cut, "new", "callers_unfinished"), [1.0]);
    let said = verdicts::qualifications(&cut).join("\n");
    assert!(said.contains("Under new, 1 of 1 call still wait or try"), "{said}");
}

/// Three callers ask for a token at 2 m, and no answer ever comes. Their page is reloaded, or closed, at 2 m 30 s. Each
/// of them waits for 30 s, wherever the run ends after that. At the horizon, calls of an open page count until then.
#[test]
fn a_caller_waits_until_its_page_is_gone() {
    let text = |reload: &str, horizon: &str| {
        format!(
            "version = 1\nreplications = 1\nname = \"t\"\nhorizon = \"{horizon}\"\nbucket = \"10s\"\npolicies = [\"new\"]\n\
             [client]\nmodel = \"documented\"\n[fleet]\nusers = 1\nopens = \"0s\"\n[[fault]]\nkind = \"no-answer\"\nfrom = \"10s\"\n\
             [[action]]\nat = \"2m\"\nuser = 0\ndo = \"get-token\"\ncallers = 3\n{reload}"
        )
    };
    let reload = "[[action]]\nat = \"2m30s\"\nuser = 0\ndo = \"reload\"\n";
    for (reload, horizon, waited, open) in [
        (reload, "2m40s", 90.0, 0.0),
        (reload, "20m", 90.0, 0.0),
        ("", "2m40s", 120.0, 3.0),
        ("", "2m30s", 90.0, 3.0),
    ] {
        let results = parsed(&text(reload, horizon));
        assert_eq!(values(&results, "new", "app_wait_s"), [waited], "{horizon} {reload}");
        assert_eq!(values(&results, "new", "callers_unfinished"), [open], "{horizon} {reload}");
    }
}

fn check(file: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = authstorm().arg("check").arg(file).args(more).output().expect("the command runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn a_check_without_stimulus_fails_unless_the_scenario_allows_it() {
    let opens = ["--policy", "new", "--set", "fleet.opens={uniform=[\"9h\",\"9h10m\"]}"];
    let (code, said) = check("tests/faults/nothing-happens.toml", &opens);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.matches("\nVACUOUS").count(), 3, "{said}");
    assert!(said.contains("3 expectations: 3 VACUOUS"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let meant = folder.path().join("meant.toml");
    let text =
        std::fs::read_to_string(format!("{}/tests/faults/nothing-happens.toml", env!("CARGO_MANIFEST_DIR")));
    let text = text.expect("a file").replace("[[expect]]", "[[expect]]\nmay-be-vacuous = true");
    std::fs::write(&meant, text).expect("written");
    let (code, said) = check(meant.to_str().expect("UTF-8"), &opens);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the scenario allows this"), "{said}");
}

#[test]
fn expectations_that_are_not_judged_are_reported_and_counted() {
    let few = ["--set", "fleet.users=40"];
    for verb in ["check", "run"] {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out").display().to_string();
        let run = |policy: &str, file: &str| {
            let mut command = authstorm();
            command.arg(verb).arg(file).args(["--policy", policy]).args(few);
            if verb == "run" {
                command.args(["--force", "--out", &out]);
            }
            let output = command.output().expect("the command runs");
            (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
        };
        let (code, said) = run("new", "tests/faults/dropped-expectation.toml");
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("not judged old.false_sign_outs <= 5: policy old is not run"), "{said}");
        assert!(said.contains("2 expectations: 1 ok, 1 not judged"), "{said}");
        // No expectation of the selected policy can be judged.
        let (code, said) = run("old", "tests/faults/nothing-happens.toml");
        assert_eq!(code, Some(1), "{verb}: {said}");
        assert!(said.contains("3 expectations: 3 not judged"), "{said}");
    }
}

#[test]
fn a_failed_verdict_names_its_run_and_the_explain_command() {
    let (code, said) = check("tests/faults/dropped-expectation.toml", &["--policy", "old", "--seed", "7"]);
    assert_eq!(code, Some(1), "{said}");
    let line = said.lines().find(|line| line.contains("authstorm explain")).expect("a command");
    let mut words = line.split_whitespace().skip(1);
    let output = authstorm().args(&mut words).output().expect("runs");
    assert!(output.status.success(), "{line}");
}
