//! Cohorts: their users are independent, share networks and apps by name, follow policies of their own, and are counted
//! apart.

use authstorm::Study;
use authstorm::kernel::Dur;
use authstorm::results::{PolicyResults, Results};
use authstorm::scenario::load;
use std::path::Path;

fn run(text: &str) -> Results {
    let study = Study::parse("cohorts.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    study.run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// The value of a metric in the first replication.
fn total(policy: &PolicyResults, metric: &str) -> f64 {
    policy.metric(metric).values[0]
}

/// The value of a metric of a group in the first replication.
fn of(policy: &PolicyResults, kind: &str, group: &str, metric: &str) -> f64 {
    let found = policy.groups.iter().find(|g| g.kind == kind && g.group == group);
    let found = found.unwrap_or_else(|| panic!("no {kind} {group} among {:?}", names(policy)));
    found.get(metric).unwrap_or_else(|| panic!("no {metric} of {kind} {group}")).values[0]
}

fn names(policy: &PolicyResults) -> Vec<(String, String)> {
    policy.groups.iter().map(|g| (g.kind.clone(), g.group.clone())).collect()
}

const HEAD: &str = "version = 1\nname = \"cohorts\"\nhorizon = \"10m\"\nbucket = \"10s\"\n";
const CLERK: &str = "[client]\nmodel = \"documented\"\n";
/// The incident of README: from the second to the fifth minute each call of /tokens gets 401 and each touch 429. `old` then signs
/// users out, and `new` does not.
const LIMITED: &str = "[[fault]]\nkind = \"status\"\nendpoints = [\"tokens\"]\nfrom = \"2m\"\nto = \"5m\"\nstatus = 401\n\
     [[fault]]\nkind = \"status\"\nendpoints = [\"touch\"]\nfrom = \"2m\"\nto = \"5m\"\nstatus = 429\n";
const HABITS: &str = "opens = { uniform = [\"0s\", \"60s\"] }\nfocus-every = { exponential = \"30s\" }\n";

fn cohort(name: &str, users: u32, more: &str) -> String {
    format!("[[cohort]]\nname = \"{name}\"\n{more}[cohort.fleet]\nusers = {users}\n{HABITS}")
}

/// A scenario without randomness has the same results as one cohort and as a fleet.
#[test]
fn one_cohort_is_a_fleet() {
    let constant = "users = 5\nopens = \"1s\"\nfocus-every = \"20s\"\n";
    let rest =
        format!("{HEAD}policies = [\"old\", \"new\"]\n{CLERK}{LIMITED}[backend]\nlatency = \"80ms\"\n");
    let fleet = run(&format!("{rest}[fleet]\n{constant}"));
    let cohort = run(&format!("{rest}[[cohort]]\nname = \"all\"\n[cohort.fleet]\n{constant}"));
    for (a, b) in fleet.policies.iter().zip(&cohort.policies) {
        assert_eq!(
            (&a.metrics, &a.timelines, &a.sessions),
            (&b.metrics, &b.timelines, &b.sessions),
            "{}",
            a.name
        );
        assert!(b.groups.is_empty(), "one group is not counted apart");
    }
    assert!(total(&fleet.policies[0], "false_sign_outs") > 0.0, "the scenario has a storm");
}

/// Sums over the groups of each kind are the totals: each user is in one group of each kind.
#[test]
fn groups_add_up_to_all_users() {
    let text = format!(
        "{HEAD}policies = [\"half\"]\n[[mix]]\nname = \"half\"\nshares = [{{ policy = \"old\", share = 0.5 }}, \
         {{ policy = \"new\", share = 0.5 }}]\n{CLERK}{LIMITED}{}{}app-get-token = {{ every = \"20s\" }}\n\
         users-per-network = 4\napps = 3\n",
        cohort("office", 20, "network = \"nat\"\napp = \"intranet\"\nregion = \"eu\"\n"),
        cohort("home", 24, ""),
    );
    let results = run(&text);
    let policy = &results.policies[0];
    let kinds = ["cohort", "policy", "app", "region", "network"];
    for metric in [
        "requests_total",
        "false_sign_outs",
        "sign_outs",
        "unauthenticated_events",
        "recursive_unauthenticated_events",
        "unauthenticated_sessions",
        "errors_surfaced_to_app",
        "stale_token_session_s",
    ] {
        assert!(total(policy, metric) > 0.0, "{metric}");
        for kind in kinds {
            let groups = policy.groups.iter().filter(|group| group.kind == kind);
            let sum: f64 = groups.map(|group| group.get(metric).expect("a metric of groups").values[0]).sum();
            let all = total(policy, metric);
            // Times of a group are cut to whole microseconds.
            assert!((sum - all).abs() < 1e-4, "{metric} by {kind}: {sum} of {all}");
        }
    }
    let users = |kind: &str| -> f64 {
        policy.groups.iter().filter(|group| group.kind == kind).map(|group| group.users).sum()
    };
    assert_eq!(kinds.map(|kind| users(kind) as u64), [44; 5]);
    // One address for the office, six for the homes; three apps without a name, and the intranet.
    let count = |kind: &str| policy.groups.iter().filter(|group| group.kind == kind).count();
    assert_eq!(kinds.map(count), [2, 2, 4, 2, 7]);
    // Only `old` signs users out for a 429.
    assert!(of(policy, "policy", "old", "false_sign_outs") > 0.0);
    assert_eq!(of(policy, "policy", "new", "false_sign_outs").to_bits(), 0.0f64.to_bits());
}

/// The users of a cohort with a policy of its own do the same whatever is compared.
#[test]
fn a_pinned_policy_stays_while_the_compared_one_changes() {
    let text = format!(
        "{HEAD}policies = [\"old\", \"new\"]\n{CLERK}{LIMITED}{}{}",
        cohort("pinned", 30, "policy = \"old\"\n"),
        cohort("compared", 30, "")
    );
    let results = run(&text);
    let [old, new] = &results.policies[..] else { panic!("two policies") };
    for metric in ["requests_total", "false_sign_outs", "unauthenticated_events"] {
        let [a, b] = [old, new].map(|policy| of(policy, "cohort", "pinned", metric));
        assert!(a > 0.0 && (a - b).abs() < 0.5, "{metric}: {a} and {b}");
    }
    assert!(of(old, "cohort", "compared", "false_sign_outs") > 0.0);
    assert_eq!(of(new, "cohort", "compared", "false_sign_outs").to_bits(), 0.0f64.to_bits());
}

/// Clients of one family run beside each other: 2.105.4 keeps tabs apart with a lock, 2.119.1 has none, so that three tabs
/// which open at once end their session when the server accepts no token twice (`rotation-three-tabs`).
#[test]
fn each_cohort_runs_its_own_client() {
    let cohort = |name: &str, model: &str| {
        format!(
            "[[cohort]]\nname = \"{name}\"\npolicy = \"{model}\"\nclient = {{ model = \"{model}\" }}\n\
             fleet = {{ users = 10, tabs = 3, further-tab-opens = \"0s\" }}\n"
        )
    };
    let text = format!(
        "version = 1\nname = \"two\"\nhorizon = \"3h\"\nbucket = \"1m\"\npolicies = [\"new\"]\n\
         [backend]\ntoken-life = \"1h\"\nlatency = {{ log-normal = {{ median = \"80ms\", sigma = 0.4 }} }}\n\
         refresh-token-reuse = \"0s\"\n{}{}",
        cohort("locked", "supabase-js-2.105.4"),
        cohort("unlocked", "supabase-js-2.119.1"),
    );
    let results = run(&text);
    assert_eq!(results.client_model, "supabase-js-2.105.4 and supabase-js-2.119.1");
    let policy = &results.policies[0];
    let sign_outs = ["locked", "unlocked"].map(|name| of(policy, "cohort", name, "reuse_sign_outs"));
    assert_eq!(sign_outs.map(|n| n as u64), [0, 10]);
}

/// A limit of ten calls per address: two cohorts of one network share it, and two cohorts without share nothing.
#[test]
fn cohorts_share_a_network_by_its_name() {
    let text = |network: &str| {
        let limit = "[[backend.limit]]\nendpoints = [\"tokens\"]\nkind = \"fixed-window\"\nkey = \"ip\"\nlimit = 10\nwindow = \"10m\"\n";
        let cohort = |name: &str| {
            format!(
                "[[cohort]]\nname = \"{name}\"\n{network}fleet = {{ users = 1, app-get-token = {{ every = \"20s\", skip-cache = true }} }}\n"
            )
        };
        // No call is in flight at this horizon, and the window of the limit has not ended.
        let head = HEAD.replace("\"10m\"", "\"595s\"");
        format!("{head}policies = [\"new\"]\n{CLERK}{limit}{}{}", cohort("a"), cohort("b"))
    };
    let admitted = |network: &str| {
        let results = run(&text(network));
        total(&results.policies[0], "requests_tokens") - total(&results.policies[0], "responses_429")
    };
    assert_eq!(admitted("network = \"office\"\n") as u64, 10);
    assert_eq!(admitted("") as u64, 20);
}

/// A scenario split into two equal cohorts keeps the totals in distribution. The bound is four standard errors of the difference of two
/// means of 20 replications, which chance exceeds once in 16,000 metrics.
#[test]
fn a_split_fleet_keeps_the_totals() {
    let rest = format!("{HEAD}replications = 20\npolicies = [\"old\"]\n{CLERK}{LIMITED}");
    let whole = run(&format!("{rest}[fleet]\nusers = 60\n{HABITS}"));
    let split = run(&format!("{rest}{}{}", cohort("a", 30, ""), cohort("b", 30, "")));
    for metric in ["requests_total", "false_sign_outs", "unauthenticated_events"] {
        let moments = |results: &Results| {
            let values = &results.policies[0].metric(metric).values;
            let mean = values.iter().sum::<f64>() / 20.0;
            (mean, values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (19.0 * 20.0))
        };
        let ((a, var_a), (b, var_b)) = (moments(&whole), moments(&split));
        let bound = 4.0 * (var_a + var_b).sqrt();
        assert!((a - b).abs() <= bound && bound < 0.2 * a, "{metric}: {a} and {b}, bound {bound}");
    }
}

/// Numbers of users in an action count within its cohort.
#[test]
fn an_action_of_a_cohort_concerns_its_users() {
    let text = format!(
        "{HEAD}policies = [\"new\"]\n{CLERK}{}{}[[action]]\nat = \"3m\"\ncohort = \"b\"\nusers = {{ range = [1, 2] }}\ndo = \"revoke\"\n",
        cohort("a", 5, ""),
        cohort("b", 5, "")
    );
    let policy = run(&text).policies.remove(0);
    assert_eq!(["a", "b"].map(|name| of(&policy, "cohort", name, "true_sign_outs") as u64), [0, 2]);
}

/// An expectation of a cohort compares the value of its users.
#[test]
fn an_expectation_may_name_a_cohort() {
    let text = format!(
        "{HEAD}policies = [\"old\"]\n{CLERK}{LIMITED}{}{}\
         [[expect]]\nthat = \"old.false_sign_outs > 0\"\ncohort = \"hurt\"\n\
         [[expect]]\nthat = \"old.false_sign_outs == 0\"\ncohort = \"spared\"\n",
        cohort("hurt", 20, ""),
        cohort("spared", 20, "policy = \"new\"\n")
    );
    let results = run(&text);
    assert!(results.passes_check(), "{:?}", results.expectations);
    let moved = text.replace("cohort = \"hurt\"", "cohort = \"spared\"");
    assert!(!run(&moved).passes_check());
}

/// Results of groups are data: summary.json has them, and groups.csv lists them.
#[test]
fn groups_are_kept() {
    let text = format!("{HEAD}policies = [\"old\"]\n{CLERK}{}{}", cohort("a", 2, ""), cohort("b", 3, ""));
    let results = run(&text);
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let place = folder.path().join("kept");
    results.write(&place).unwrap_or_else(|e| panic!("{e}"));
    let kept = authstorm::results::ResultsDir::open(&place).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(kept.results().unwrap_or_else(|e| panic!("{e}")), results);
    let csv = std::fs::read_to_string(place.join("groups.csv")).unwrap_or_else(|e| panic!("{e}"));
    assert!(csv.starts_with("policy,kind,group,users,metric,unit,mean,ci_low,ci_high\n"), "{csv}");
    assert!(csv.contains("old,cohort,b,3,requests_total,requests,"), "{csv}");
    let page = std::fs::read_to_string(place.join("report.html")).unwrap_or_default();
    assert!(page.is_empty() || page.contains("Results by cohort"));
    // The text that results keep runs again.
    let again = Study::parse("again", &results.scenario_text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again.hash(), results.scenario_hash);
}

/// A program may change a loaded scenario of cohorts. The changed scenario is checked as a file is.
#[test]
fn a_changed_scenario_of_cohorts_runs() {
    let mut loaded = load(Path::new("scenarios/office-wakes-up.toml"), &[]).unwrap_or_else(|e| panic!("{e}"));
    loaded.scenario.replications = 1;
    loaded.scenario.horizon = Dur::from_secs(60);
    let results = Study::of(loaded).and_then(|study| study.run()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(results.users, 400);
}

/// Users belong to apps in turn, so three users have at most three apps. Results take no memory for the others.
#[test]
fn apps_and_networks_without_users_are_no_groups() {
    for (key, groups) in [("apps", 3), ("users-per-network", 0)] {
        let fleet = format!("[fleet]\nusers = 3\n{key} = {}\n{HABITS}", u32::MAX);
        let results = run(&format!("{HEAD}policies = [\"old\"]\n{CLERK}{fleet}"));
        assert_eq!(results.policies[0].groups.len(), groups, "{key}: {:?}", names(&results.policies[0]));
    }
}

/// A fault of a region strikes the users of that region as a fault of all does, and the others as none does.
#[test]
fn a_fault_of_a_region_leaves_the_others_alone() {
    let run_with = |regions: &str| {
        let fault = LIMITED.replace("[[fault]]\n", &format!("[[fault]]\n{regions}"));
        let eu = cohort("eu", 20, "region = \"eu\"\n");
        let us = cohort("us", 24, "region = \"us\"\n");
        run(&format!("{HEAD}policies = [\"old\"]\n{CLERK}{fault}{eu}{us}{}", cohort("none", 8, "")))
    };
    let (everywhere, eu, share) =
        (run_with(""), run_with("regions = [\"eu\"]\n"), run_with("regions = [\"eu\"]\nprobability = 0\n"));
    for (cohort, like) in [("eu", &everywhere), ("us", &share), ("none", &share)] {
        for metric in ["requests_total", "false_sign_outs", "unauthenticated_events"] {
            let of = |results: &Results| of(&results.policies[0], "cohort", cohort, metric);
            assert_eq!(of(&eu).to_bits(), of(like).to_bits(), "{metric} of {cohort}");
        }
    }
    let signed_out = |region: &str| of(&eu.policies[0], "region", region, "false_sign_outs");
    assert!(signed_out("eu") > 0.0 && signed_out("us") + signed_out("0") < 0.5);
    assert!(of(&everywhere.policies[0], "region", "us", "false_sign_outs") > 0.0);
}

/// Each of 16 regions has a fault of half of the regions, or has not: all of its calls fail, or none.
#[test]
fn a_share_of_the_regions_strikes_whole_regions() {
    let workload = |n: u32| {
        format!(
            "[[workload]]\nname = \"w{n}\"\nregion = \"r{n}\"\nclients = 5\nat = [\"0s\", \"1s\", \"2s\"]\n"
        )
    };
    let fault = "[[fault]]\nkind = \"status\"\nstatus = 500\nonly = { share = 0.5, of = \"region\" }\n";
    let all: String = (0..16).map(workload).collect();
    let results = run(&format!("{HEAD}policies = [\"new\"]\n{fault}{all}"));
    let served: Vec<f64> =
        (0..16).map(|n| of(&results.policies[0], "workload", &format!("w{n}"), "callers_served")).collect();
    let whole = served.iter().filter(|served| **served > 14.5).count();
    let none = served.iter().filter(|served| **served < 0.5).count();
    assert!(whole + none == 16 && whole >= 2 && none >= 2, "{served:?}");
}

/// Ten calls in each of two regions and ten without one come at one instant: 6 pass in each region of its own.
#[test]
fn a_limit_per_region_counts_each_region_apart() {
    let workload = |name: &str, region: &str| {
        format!("[[workload]]\nname = \"{name}\"\n{region}clients = 10\nat = [\"0s\"]\n")
    };
    for (key, refused) in [("region", 3.0 * 4.0), ("global", 30.0 - 6.0)] {
        let limit = format!(
            "[[backend.limit]]\nendpoints = [\"generic\"]\nkind = \"fixed-window\"\nlimit = 6\nwindow = \"1m\"\nkey = \"{key}\"\n"
        );
        let text = format!(
            "{HEAD}policies = [\"new\"]\n{}{}{}{limit}",
            workload("a", "region = \"eu\"\n"),
            workload("b", "region = \"us\"\n"),
            workload("c", "")
        );
        let policy = &run(&text).policies[0];
        assert_eq!(total(policy, "responses_429").to_bits(), f64::to_bits(refused), "{key}");
    }
}
