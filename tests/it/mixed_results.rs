//! Results of clients of several families: each family in its own words, nothing dropped, nothing counted twice.

use crate::common::{authstorm, root, said};
use authstorm::Study;
use authstorm::client::AnyClient;
use authstorm::explain::{Session, Wanted, tell};
use authstorm::metrics::{FlowMetric, Metric, metrics_of};
use authstorm::plot::charts;
use authstorm::results::{Judgement, PolicyResults, Results, ResultsDir, finding};
use authstorm::world::Control;

fn study(text: &str) -> Study {
    Study::parse("mixed.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn run(text: &str) -> Results {
    study(text).run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// The values of a metric by replication.
fn values<'a>(policy: &'a PolicyResults, metric: &str) -> &'a [f64] {
    &policy.metric(metric).values
}

fn of_group(policy: &PolicyResults, kind: &str, group: &str, metric: &str) -> Option<Vec<f64>> {
    let group = policy.groups.iter().find(|g| g.kind == kind && g.group == group).expect("a group");
    group.get(metric).map(|found| found.values.clone())
}

/// All that is said of each policy.
fn all_clauses(results: &Results) -> Vec<String> {
    let groups = finding::groups(results, usize::MAX);
    groups.into_iter().map(|group| format!("{}: {}", group.who, group.clauses.join("; "))).collect()
}

const HEAD: &str = "version = 1\nname = \"mixed\"\nhorizon = \"10m\"\nbucket = \"10s\"\nreplications = 2\n";
const HABITS: &str = "users = 40\nopens = { uniform = [\"0s\", \"60s\"] }\nfocus-every = { exponential = \"30s\" }\n\
     app-get-token = { every = \"20s\" }\n";
const FAULT: &str = "[backend]\ntoken-life = \"6m\"\n[[fault]]\nkind = \"status\"\nendpoints = [\"tokens\", \"touch\", \"token\"]\n\
     from = \"2m\"\nto = \"6m\"\nstatus = 429\n";

/// Two cohorts: Clerk's client under the compared policies, and a token client as it is.
fn cohorts(policies: &str, more: &str) -> String {
    format!(
        "{HEAD}policies = {policies}\n{FAULT}[[cohort]]\nname = \"web\"\nclient = {{ model = \"clerk-js-6.0.0\" }}\nnetwork = \"nat\"\n\
         [cohort.fleet]\n{HABITS}[[cohort]]\nname = \"docs\"\npolicy = \"supabase-js-2.119.1\"\nnetwork = \"nat\"\n\
         client = {{ model = \"supabase-js-2.119.1\" }}\n[cohort.fleet]\n{HABITS}{more}"
    )
}

/// The five sums are those of the families, the cohorts add up to them, and the sums over the buckets of the timeline agree.
#[test]
fn sums_are_those_of_the_families_and_of_the_cohorts() {
    let results = run(&cohorts("[\"old\"]", ""));
    let policy = &results.policies[0];
    let [all, clerk, token] = [
        ["flow_entries", "unauthenticated_events", "refreshes"],
        ["flow_sessions", "unauthenticated_sessions", "refreshing_sessions"],
        ["recursive_flow_entries", "recursive_unauthenticated_events", "recursive_refreshes"],
    ]
    .iter()
    .fold([0.0; 3], |sums, names| {
        for replication in 0..2 {
            let [all, clerk, token] = names.map(|name| values(policy, name)[replication]);
            assert!((all - clerk - token).abs() < 0.5, "{names:?}: {all} of {clerk} and {token}");
        }
        [0, 1, 2].map(|i| sums[i] + values(policy, names[i])[0])
    });
    assert!(clerk > 50.0 && token > 50.0 && all > 100.0, "{clerk} and {token}");
    for (all, clerk, token) in [
        ("flow_entries_worst_session", "unauthenticated_events_worst_session", "refreshes_worst_session"),
        ("flow_depth_max", "unauthenticated_depth_max", "refresh_depth_max"),
    ] {
        let [all, clerk, token] = [all, clerk, token].map(|name| values(policy, name)[0]);
        assert!(
            (all - f64::max(clerk, token)).abs() < 0.5 && clerk > 0.0 && token > 0.0,
            "{all}, {clerk}, {token}"
        );
    }
    let bucketed: u64 = policy.timelines[0].buckets.iter().map(|bucket| bucket.flow_entries).sum();
    assert_eq!(bucketed as f64 as u64, values(policy, "flow_entries")[0] as u64);
    // A cohort has its own words only, and its own values.
    for (cohort, own, others) in [
        ("web", "unauthenticated_events", ["refreshes", "failed_refreshes", "reuse_sign_outs"]),
        (
            "docs",
            "refreshes",
            ["unauthenticated_events", "unauthenticated_sessions", "recursive_unauthenticated_events"],
        ),
    ] {
        assert_eq!(of_group(policy, "cohort", cohort, own).as_deref(), Some(values(policy, own)), "{cohort}");
        assert_eq!(
            of_group(policy, "cohort", cohort, "flow_entries").as_deref(),
            Some(values(policy, own)),
            "{cohort}"
        );
        for other in others {
            assert_eq!(of_group(policy, "cohort", cohort, other), None, "{cohort}: {other}");
        }
    }
    assert_eq!(
        of_group(policy, "cohort", "docs", "failed_refreshes").as_deref(),
        Some(values(policy, "failed_refreshes"))
    );
    let of_web: Vec<String> = authstorm::results::groups::tables(&results)
        .into_iter()
        .filter(|(kind, _)| kind == "cohort")
        .flat_map(|(_, rows)| rows)
        .filter(|row| row.group == "web")
        .map(|row| row.metric)
        .collect();
    assert!(of_web.contains(&"unauthenticated_events".to_owned()), "{of_web:?}");
    assert!(!of_web.contains(&"flow_entries".to_owned()), "the same number twice: {of_web:?}");
    let requests =
        ["requests_tokens", "requests_touch", "requests_client", "requests_environment", "requests_token"];
    let sum: f64 = requests.iter().map(|name| values(policy, name)[0]).sum();
    assert!((sum - values(policy, "requests_total")[0]).abs() < 0.5, "every request counts once");
    assert!(results.def(Metric::FailedEntries).definition.ends_with("Of token clients only."));
}

/// A contender whose users run clients of one family has the world of that family, in whatever scenario it stands.
#[test]
fn a_contender_of_one_family_has_no_mixed_world() {
    let mix = "[[mix]]\nname = \"half\"\nshares = [{ policy = \"clerk-js-6.3.3\", share = 0.5 }, { policy = \"firebase-1.13.9\", share = 0.5 }]\n";
    let text = format!(
        "{HEAD}policies = [\"firebase-1.13.9\", \"clerk-js-6.3.3\", \"new\", \"half\"]\n{mix}{FAULT}[client]\nmodel = \"supabase-js-2.119.1\"\n[fleet]\n{HABITS}"
    );
    let plan = study(&text).plan();
    let kinds = plan.clients.iter().map(|client| match client {
        AnyClient::Clerk(_) => "clerk",
        AnyClient::Token(_) => "token",
        AnyClient::Mixed(_) => "mixed",
        AnyClient::Own(_) => "own",
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["token", "clerk", "token", "mixed"]);
}

/// A release as it is does what its model does under the policy that it was shipped with, beside whatever other contenders and
/// over whatever model of the scenario: its requests, sessions and reference are its own.
#[test]
fn a_release_as_it_is_is_its_model_under_its_policy() {
    let alone = |model: &str, policy: &str, endpoints: &str| {
        run(&format!(
            "{HEAD}policies = [\"{policy}\"]\n{}[client]\nmodel = \"{model}\"\n[fleet]\n{HABITS}",
            FAULT.replace(", \"token\"]", endpoints)
        ))
    };
    let of = |name: &str, contenders: &str, model: &str| {
        let results = run(&format!(
            "{HEAD}policies = [{contenders}]\n{FAULT}[client]\nmodel = \"{model}\"\n[fleet]\n{HABITS}"
        ));
        results.policy(name).expect("a contender").clone()
    };
    for (model, policy) in
        [("clerk-js-5.125.3", "old"), ("clerk-js-6.1.0", "new"), ("clerk-js-6.40.0", "new-and-banned")]
    {
        let expected = alone(model, policy, "]").policies.remove(0);
        let beside = of(model, &format!("\"firebase-1.13.9\", \"{model}\""), "firebase-1.13.9");
        assert_eq!(beside.timelines, expected.timelines, "{model}");
        let rows = |policy: &PolicyResults| -> Vec<_> {
            policy
                .sessions
                .iter()
                .map(|s| (s.replication, s.session, s.entries, s.requests, s.depth))
                .collect()
        };
        let [mut a, mut b] = [rows(&beside), rows(&expected)];
        a.sort_unstable();
        b.sort_unstable();
        assert_eq!(a, b, "{model}");
        for metric in &expected.metrics {
            assert_eq!(values(&beside, &metric.name), metric.values, "{model}: {}", metric.name);
        }
        assert!(values(&expected, "amplification")[0] > 0.0);
    }
}

/// In a mix of clients of two families, users do what they do when everybody runs their client.
#[test]
fn users_of_a_mix_do_what_all_do_who_run_their_client() {
    let mix = "[[mix]]\nname = \"half\"\nshares = [{ policy = \"clerk-js-6.3.3\", share = 0.5 }, { policy = \"firebase-1.13.9\", share = 0.5 }]\n";
    let text = format!(
        "{HEAD}policies = [\"half\", \"clerk-js-6.3.3\", \"firebase-1.13.9\"]\n{mix}{FAULT}[client]\nmodel = \"firebase-1.13.9\"\n[fleet]\n{HABITS}tabs = 2\n"
    );
    let results = {
        let mut study = study(&text);
        study.all_sessions(true);
        study.run().unwrap_or_else(|e| panic!("{e}"))
    };
    let half = results.policy("half").expect("the mix");
    let mut counts = [0, 0];
    for row in &half.sessions {
        let client = row.client.as_deref().expect("sessions say their clients");
        let alone = results.policy(client).expect("a contender of this name");
        let same = alone
            .sessions
            .iter()
            .find(|other| (other.replication, other.session) == (row.replication, row.session));
        assert_eq!(same, Some(row));
        counts[usize::from(client == "firebase-1.13.9")] += 1;
    }
    // Of 80 sessions, 40 in the mean with a standard deviation of 4.5.
    assert!(counts[0] + counts[1] == 80 && counts.iter().all(|n| *n >= 20), "{counts:?}");
    for (policy, own, other) in [
        ("clerk-js-6.3.3", "requests_total", "refreshes"),
        ("firebase-1.13.9", "refreshes", "unauthenticated_events"),
    ] {
        assert!(of_group(half, "policy", policy, own).is_some_and(|values| values[0] > 0.0), "{policy}");
        assert_eq!(of_group(half, "policy", policy, other), None, "{policy}");
    }
}

/// A zero of users who run other clients is vacuous, and no finding counts it as the absence of a harm.
#[test]
fn a_metric_says_nothing_where_no_client_has_it() {
    let expectations = "[[expect]]\nthat = \"firebase-1.13.9.unauthenticated_events == 0\"\n[[expect]]\nthat = \"clerk-js-6.1.0.failed_refreshes == 0\"\n\
                        [[expect]]\nthat = \"clerk-js-6.1.0.recursive_unauthenticated_events == 0\"\n";
    let results = run(&format!(
        "{HEAD}policies = [\"firebase-1.13.9\", \"clerk-js-6.1.0\"]\n{FAULT}[client]\nmodel = \"firebase-1.13.9\"\n[fleet]\n{HABITS}{expectations}"
    ));
    let judged: Vec<Judgement> = results.expectations.iter().map(|verdict| verdict.judgement).collect();
    assert_eq!(judged, [Judgement::Vacuous, Judgement::Vacuous, Judgement::Passed]);
    let clauses = all_clauses(&results);
    let firebase = &clauses[0];
    assert!(!firebase.contains("unauthenticated flow") && firebase.contains("refreshes fail"), "{firebase}");
    let clerk = &clauses[1];
    assert!(!clerk.contains("refresh causes") && !clerk.contains("refreshes fail"), "{clerk}");
    let nowhere = finding::nowhere(&results).unwrap_or_default();
    assert!(!nowhere.contains("flow") && !nowhere.contains("refresh"), "{nowhere}");
}

/// Findings, stories, charts, the page and the data files speak of each family in its own words, and results are read as written.
#[test]
fn everything_is_said_in_the_words_of_the_family() {
    let study = study(&cohorts("[\"old\", \"new\"]", ""));
    let mut results = study.run().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(results.client_model, "clerk-js-6.0.0 and supabase-js-2.119.1");
    let old = &all_clauses(&results)[0];
    assert!(
        old.contains("sessions enter the unauthenticated flow") && old.contains("refreshes fail"),
        "{old}"
    );
    let story = |session| {
        let wanted = Wanted::whole(0, Some(0), Session::Number(session));
        tell(&study, wanted, &Control::default()).unwrap_or_else(|e| panic!("{e}")).digest().headline
    };
    let (web, docs) = (story(0), story(40));
    assert!(web.contains("unauthenticated flow") && !web.contains("refresh"), "{web}");
    assert!(docs.contains("refreshes its token") && !docs.contains("unauthenticated"), "{docs}");
    authstorm::explain::tell_worst(&study, &mut results, &Control::default())
        .unwrap_or_else(|e| panic!("{e}"));
    let flow =
        charts(&results).into_iter().find(|chart| chart.file_stem == "flow").expect("a chart of entries").svg;
    assert!(flow.contains("entries of the flows of all clients"), "the sum says what it sums");
    assert!(flow.contains("entries of the unauthenticated flow, ") && flow.contains(" refreshes"), "{flow}");
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let place = folder.path().join("kept");
    results.write(&place).unwrap_or_else(|e| panic!("{e}"));
    let kept = ResultsDir::open(&place)
        .unwrap_or_else(|e| panic!("{e}"))
        .results()
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(kept, results);
    let sessions = std::fs::read_to_string(place.join("sessions.csv")).unwrap_or_else(|e| panic!("{e}"));
    assert!(
        sessions.starts_with("policy,")
            && sessions.lines().next().is_some_and(|head| head.ends_with(",client"))
    );
    assert!(sessions.contains(",clerk-js-6.0.0\n") && sessions.contains(",supabase-js-2.119.1\n"));
    let page = std::fs::read_to_string(place.join("report.html")).unwrap_or_default();
    assert!(
        page.is_empty() || page.contains("entries <small>clerk-js-6.0.0</small>"),
        "the worst sessions say their clients"
    );
    // A run of one family has no such column.
    let one =
        run(&format!("{HEAD}policies = [\"new\"]\n[client]\nmodel = \"clerk-js-6.0.0\"\n[fleet]\n{HABITS}"));
    assert!(one.policies[0].sessions.iter().all(|row| row.client.is_none()));
    let head = String::from_utf8(authstorm::results::csv::sessions(&one)).unwrap_or_default();
    assert!(head.lines().next().is_some_and(|head| head.ends_with(",failed_entries")), "{head}");
}

/// A scenario of one family has the metrics that it always had.
#[test]
fn the_metrics_of_one_family_are_no_more() {
    for model in authstorm::client::Model::all() {
        let table = metrics_of(model);
        assert!(
            table.iter().all(
                |def| FlowMetric::of(def.metric).is_none() || !matches!(def.metric, Metric::OfFamily(..))
            )
        );
        assert!(
            table.iter().all(|def| !def.name.starts_with("flow_") && !def.definition.contains("only.")),
            "{model}"
        );
    }
}

/// The new scenario gives the same events on 1 and on 7 threads, and passes its own expectations.
#[test]
fn two_sdks_behind_one_address_are_deterministic() {
    let scenario = root().join("scenarios/two-sdks-one-address.toml");
    let run = |command: &str, more: &[&str]| {
        let output = authstorm().arg(command).arg(&scenario).args(more).output().expect("the command runs");
        assert!(output.status.success(), "{command}: {}", said(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let same = run("verify-determinism", &["--set", "replications=1"]);
    assert!(same.contains("the same on 1 and on 7 threads"), "{same}");
    let checked = run("check", &["--set", "replications=2"]);
    assert!(checked.contains("6 expectations: 6 ok"), "{checked}");
}

/// The habits of the users are those of the contenders' clients. The scenario's own client, which no contender runs, need not be
/// able to do what they do.
#[test]
fn a_client_that_no_contender_runs_limits_nothing() {
    for (client, contender, habit) in [
        ("clerk-js-6.3.3", "supabase-js-2.105.4", "clock-skew = { ahead = \"1h\", share = 0.5 }\n"),
        ("supabase-js-2.105.4", "clerk-js-6.3.3", "set-active = { every = \"20s\", navigate = true }\n"),
    ] {
        let results = run(&format!(
            "{HEAD}policies = [\"{contender}\"]\n[client]\nmodel = \"{client}\"\n[fleet]\n{HABITS}{habit}{}",
            FAULT
                .replace("[\"tokens\", \"touch\", \"token\"]", "[\"generic\"]")
                .replace("[[fault]]", "[[workload]]\nname = \"w\"\nevery = \"1s\"\n[[fault]]")
        ));
        assert!(values(&results.policies[0], "amplification")[0] > 0.0, "{contender}");
    }
}
