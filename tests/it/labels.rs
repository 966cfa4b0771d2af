//! Conditions on groups of users, and on rates after a warm-up.

use authstorm::Study;
use authstorm::results::{Judgement, Results};

/// Half of the users are on each policy. All touches are refused for a minute, which `old` takes for the end of the session.
const MIXED: &str = "version = 1\nname = \"mixed\"\nhorizon = \"100s\"\nreplications = 3\npolicies = [\"half\", \"old\"]\n\
     [[mix]]\nname = \"half\"\nshares = [{ policy = \"old\", share = 0.5 }, { policy = \"new\", share = 0.5 }]\n\
     [client]\nmodel = \"documented\"\n\
     [[cohort]]\nname = \"desk\"\napp = \"mail\"\nregion = \"eu\"\nnetwork = \"office\"\n\
     fleet = { users = 12, opens = { uniform = [\"0s\", \"5s\"] }, focus-every = { exponential = \"10s\" } }\n\
     [[cohort]]\nname = \"home\"\napp = \"wiki\"\nregion = \"us\"\nnetwork = \"lab\"\n\
     fleet = { users = 8, opens = { uniform = [\"0s\", \"5s\"] }, focus-every = { exponential = \"10s\" } }\n\
     [[fault]]\nkind = \"status\"\nendpoints = [\"touch\"]\nfrom = \"20s\"\nto = \"80s\"\nstatus = 429\n";

fn run(text: &str) -> Result<Results, String> {
    Study::parse("t.toml", text).and_then(|study| study.run()).map_err(|e| e.to_string())
}

fn with(conditions: &[&str]) -> Result<Results, String> {
    let expect = |that: &&str| format!("[[expect]]\nthat = \"{that}\"\n");
    run(&format!("{MIXED}{}", conditions.iter().map(expect).collect::<String>()))
}

fn judgements(results: &Results) -> Vec<Judgement> {
    results.expectations.iter().map(|verdict| verdict.judgement).collect()
}

/// Users of one policy of a mix, of an app, a region and a network: parts add up to the whole, and only users on `old` are harmed.
#[test]
fn conditions_name_groups_of_users() {
    let results = with(&[
        "half.false_sign_outs{policy=new} == 0",
        "half.false_sign_outs{policy=old} > 0",
        "half.false_sign_outs{policy=old} + half.false_sign_outs{policy=new} == half.false_sign_outs",
        "half.requests_total{app=mail} + half.requests_total{app=wiki} == half.requests_total",
        "half.requests_total{region=eu} == half.requests_total{app=mail}",
        "half.requests_total{network=lab} == half.requests_total{cohort=home}",
        "old.requests_total{policy=old} == old.requests_total",
    ]);
    let results = results.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(judgements(&results), [Judgement::Passed; 7], "{:?}", results.expectations);
    // The groups of the results have the same numbers.
    let group = |kind: &str, name: &str, metric: &str| -> Vec<f64> {
        let groups = &results.policies[0].groups;
        let found = groups.iter().find(|group| group.kind == kind && group.group == name);
        found.and_then(|group| group.get(metric)).map(|values| values.values.clone()).unwrap_or_default()
    };
    assert_eq!(group("policy", "new", "false_sign_outs"), [0.0; 3]);
    assert_eq!(group("app", "mail", "requests_total"), group("cohort", "desk", "requests_total"));
}

#[test]
fn groups_that_are_not_there_are_refused_with_what_is_allowed() {
    for (that, says) in [
        ("half.false_sign_outs{policy=nwe} == 0", &["no policy of users is named `nwe`", "new"][..]),
        (
            "half.false_sign_outs{app=mial} == 0",
            &["no app is named `mial`", "mail, wiki, or a number from 0"],
        ),
        ("half.false_sign_outs{region=EU} == 0", &["no region is named `EU`", "eu, us"]),
        ("half.amplification{app=mail} == 0", &["amplification` is not counted by app"]),
        ("half.false_sign_outs{app=mail, cohort=desk} == 0", &["counted by cohort and app at once"]),
        ("half.calls_per_s{app=mail} == 0", &["calls_per_s"]),
    ] {
        let why = with(&[that]).err().unwrap_or_default();
        for word in says {
            assert!(why.contains(word), "{that}: {word}: {why}");
        }
    }
    // A number that no app has is known when the users are: the condition then has no value.
    let results = with(&["half.false_sign_outs{app=7} == 0"]).unwrap_or_else(|e| panic!("{e}"));
    assert_ne!(judgements(&results), [Judgement::Passed]);
    assert!(!results.passes_check());
}

/// 40 clients that call once a second from half a second after the first minute on.
fn pollers(warm_up: &str, horizon: &str) -> String {
    format!(
        "version = 1\nname = \"pollers\"\nhorizon = \"{horizon}\"\nreplications = 2\npolicies = [\"new\"]\n{warm_up}\n\
         [[workload]]\nname = \"pollers\"\nclients = 40\nstarts = \"60500ms\"\nevery = \"1s\"\n\
         [[expect]]\nthat = \"new.calls_per_s{{endpoint=generic}} >= 40\"\n"
    )
}

/// By hand: 40 calls in each second after the first minute, none before it. The rule cuts the minute, or finds no end of it.
#[test]
fn a_rate_is_that_after_the_warm_up() {
    for (warm_up, horizon, rate, cut) in [
        ("", "2m", Some(20.0), Some(0.0)),
        ("warm-up = \"1m\"", "2m", Some(40.0), Some(60.0)),
        ("warm-up = \"90s\"", "2m", Some(40.0), Some(90.0)),
        // A warm-up within a bucket ends with it.
        ("warm-up = \"60500ms\"", "2m", Some(40.0), Some(61.0)),
        ("warm-up = \"rule\"", "4m", Some(40.0), Some(60.0)),
        // More than half of the run is no warm-up that the rule could tell, and 20 buckets are too few.
        ("warm-up = \"rule\"", "110s", None, None),
        ("warm-up = \"rule\"\nbucket = \"10s\"", "4m", None, None),
    ] {
        let results = run(&pollers(warm_up, horizon)).unwrap_or_else(|e| panic!("{e}"));
        let named = &results.policies[0].named[0];
        assert_eq!((named.name.as_str(), named.unit.as_str()), ("calls_per_s{endpoint=generic}", "calls/s"));
        assert_eq!(named.values, [rate; 2], "{warm_up} {horizon}");
        let told = &results.warm_up[0];
        assert_eq!((told.of.as_str(), &told.cut_s), ("new.calls_per_s{endpoint=generic}", &vec![cut; 2]));
        let passes = rate.is_some_and(|rate| rate >= 40.0);
        assert_eq!(results.passes_check(), passes, "{warm_up} {horizon}");
    }
}
