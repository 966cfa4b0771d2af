//! Changes of a scenario from outside: all ways are checked like a file and change the hash equally.

use crate::common::{authstorm, files, said};
use authstorm::client::policy::Policy;
use authstorm::scenario::policies::preset;
use authstorm::scenario::{Loaded, ResolvedPolicy, Settings, load_text, load_with};
use authstorm::{Error, Study};

/// A scenario of few users. `keys` are inserted at its top.
fn text(keys: &str) -> String {
    format!(
        "{keys}\nversion = 1\nname = \"settings\"\nhorizon = \"1m\"\npolicies = [\"old\", \"new\"]\n\
         [client]\nmodel = \"documented\"\n[fleet]\nusers = 3\n[[expect]]\nthat = \"new.false_sign_outs == 0\"\n"
    )
}

fn loaded(keys: &str) -> Loaded {
    load_text("settings.toml", &text(keys), &[]).unwrap_or_else(|e| panic!("{e}"))
}

fn study(keys: &str) -> Study {
    Study::of(loaded(keys)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_way_to_change_a_setting_gives_the_same_hash() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let wanted = loaded("seed = 7\nreplications = 3").hash();
    for keys in ["", "seed = 2", "replications = 2", "seed = 2\nreplications = 0x2 # two"] {
        let path = dir.path().join("settings.toml");
        std::fs::write(&path, text(keys)).expect("it can be written");
        let by = |set: &[&str], seed, replications| {
            let set = set.iter().map(|s| (*s).to_owned()).collect();
            let settings = Settings { set, seed, replications, ..Settings::default() };
            let loaded = load_with(&path, &settings).unwrap_or_else(|e| panic!("{e}"));
            let again = load_text("again.toml", &loaded.text, &[]).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(again.hash(), loaded.hash());
            loaded.hash()
        };
        assert_eq!(by(&[], Some(7), Some(3)), wanted, "{keys}");
        assert_eq!(by(&["seed=7", "replications=3"], None, None), wanted, "{keys}");
        assert_eq!(by(&["replications=3", "seed=0x7"], None, None), wanted, "{keys}");
        assert_eq!(by(&["replications=3"], Some(7), None), wanted, "{keys}");
        assert_eq!(by(&["seed=9"], Some(7), Some(3)), wanted, "the option overrides --set");
        assert_ne!(by(&[], Some(7), Some(2)), wanted, "{keys}");
        assert_ne!(by(&[], Some(8), Some(3)), wanted, "{keys}");
        let mut study = study(keys);
        study.seed(7).and_then(|s| s.replications(3)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(study.hash(), wanted, "{keys}");
        study.only_policies(&["new".to_owned()]).unwrap_or_else(|e| panic!("{e}"));
        let results = study.run().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((results.scenario_hash, results.seed, results.replications), (wanted.clone(), 7, 3));
        let again = load_text("again.toml", &study.loaded().text, &[]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.hash(), wanted, "the text in the results has the same hash");
    }
}

#[test]
fn every_way_to_change_a_setting_writes_the_same_files() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let run = |name: &str, more: &[&str]| {
        let out = dir.path().join(name);
        let small = ["--set", "fleet.users=10", "--set", "horizon=2m", "--policy", "old", "--quiet"];
        let scenario = ["run", "scenarios/touch-429-cascade.toml"];
        let output = authstorm().args(scenario).args(small).args(more).arg("--out").arg(&out).output();
        let output = output.expect("the command runs");
        assert!(output.status.code().is_some_and(|code| code < 2), "{}", said(&output));
        files(&out)
    };
    let options = run("options", &["--seed", "7", "--replications", "2"]);
    assert_eq!(options, run("set", &["--set", "seed=7", "--set", "replications=2"]));
}

/// 36,000 s have 720,000 buckets of 50 ms. With two policies and seven replications they exceed 10^7 rows.
#[test]
fn replications_from_outside_meet_the_checks_of_the_file() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("settings.toml");
    let long = text("bucket = \"50ms\"\nreplications = 6").replace("horizon = \"1m\"", "horizon = \"10h\"");
    std::fs::write(&path, &long).expect("it can be written");
    let mut study = Study::parse("settings.toml", &long).unwrap_or_else(|e| panic!("{e}"));
    let before = study.loaded().clone();
    for (replications, code, words) in
        [(7, "E301", "10080000 rows"), (0, "E107", "allowed: 1 to 10000"), (10_001, "E107", "1 to 10000")]
    {
        let settings = Settings { replications: Some(replications), ..Settings::default() };
        let errors = load_with(&path, &settings).expect_err("refused").to_string();
        assert!(errors.contains(code) && errors.contains(words), "{replications}: {errors}");
        let set = Settings::from(&[format!("replications={replications}")][..]);
        let by_set = load_with(&path, &set).expect_err("refused");
        assert_eq!(by_set.errors[0].code.to_string(), code);
        let Err(Error::Scenario(errors)) = study.replications(replications).map(|_| ()) else {
            panic!("{replications} are refused")
        };
        assert_eq!(errors.errors[0].code.to_string(), code);
        assert_eq!(*study.loaded(), before, "a refused change changes nothing");
    }
    let settings = Settings { replications: Some(0), ..Settings::default() };
    let errors = load_with(&path, &settings).expect_err("refused").to_string();
    assert!(errors.starts_with("--replications:1:14: error[E107]"), "{errors}");
    let settings = Settings { replications: Some(7), ..Settings::default() };
    let errors = load_with(&path, &settings).expect_err("refused").to_string();
    assert!(errors.contains("10080000 rows"), "{errors}");
}

fn with(change: impl FnOnce(&mut Loaded)) -> Result<Study, Error> {
    let mut loaded = loaded("");
    change(&mut loaded);
    Study::of(loaded)
}

fn one(policy: Policy) -> ResolvedPolicy {
    ResolvedPolicy { name: policy.name.clone(), parts: vec![(policy, 1.0)], rollout: None }
}

fn new_with(retries: u32) -> Policy {
    let mut policy = preset("new").expect("a preset");
    policy.name = "mine".to_owned();
    policy.retry.retries = retries;
    policy
}

#[test]
fn policies_made_in_code_change_the_hash_and_the_text() {
    let with_policies = |policies: Vec<ResolvedPolicy>| {
        with(|l| {
            l.policies = policies;
            l.expectations.clear();
        })
        .unwrap_or_else(|e| panic!("{e}"))
    };
    let of = |retries| with_policies(vec![one(new_with(retries))]);
    assert_ne!(of(1).hash(), of(2).hash());
    assert_eq!(of(1).hash(), of(1).hash());
    assert_eq!(of(1).run().unwrap_or_else(|e| panic!("{e}")).scenario_hash, of(1).hash());
    let mix = ResolvedPolicy {
        name: "half".to_owned(),
        parts: vec![(preset("old").expect("a preset"), 0.5), (new_with(3), 0.5)],
        rollout: None,
    };
    let mixed = with_policies(vec![one(new_with(3)), mix]);
    let again = load_text("again.toml", &mixed.loaded().text, &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again.policies, mixed.loaded().policies);
}

#[test]
fn a_scenario_changed_in_code_meets_the_checks_of_a_file() {
    let refused = |change: fn(&mut Loaded)| match with(change) {
        Ok(_) => panic!("it is refused"),
        Err(error) => error.to_string(),
    };
    for (change, words) in [
        ((|l| l.scenario.bucket = authstorm::kernel::Dur::ZERO) as fn(&mut Loaded), "must be above zero"),
        (|l| l.policies.truncate(1), "`new` is not among the scenario's `policies`"),
        (|l| l.policies.clear(), "too few entries in a list"),
        (|l| l.policies[0].parts[0].0.retry.retries = 3, "`old` is a preset"),
        (|l| l.policies[0].parts[0].1 = 0.5, "shares must add up to 1"),
        (|l| l.scenario.fleet.users = 0, "number out of range"),
    ] {
        let said = refused(change);
        assert!(said.contains(words), "{words}: {said}");
    }
    let fewer = with(|l| {
        l.policies.truncate(1);
        l.expectations.clear();
    });
    assert_eq!(fewer.and_then(|s| s.run()).unwrap_or_else(|e| panic!("{e}")).policies.len(), 1);
}

#[test]
fn a_choice_of_policies_holds_each_once_and_at_least_one() {
    let choose = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        study("").only_policies(&names).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(choose(&["new", "old"]), Ok(()));
    assert_eq!(choose(&["new", "old", "new"]).unwrap_err(), "the policy \"new\" is chosen twice");
    assert!(choose(&[]).unwrap_err().contains("allowed: one or more"));
    assert!(choose(&["newer"]).unwrap_err().contains("allowed: old, new"));
}

/// JSON may write a whole number for a float, as TOML may.
#[test]
fn a_scenario_in_json_may_write_whole_numbers() {
    let scenario = loaded("").scenario;
    let mut json = serde_json::to_value(&scenario).expect("it can be written");
    json["fleet"]["tabs"] = 2.into();
    json["policy"] = serde_json::json!([{
        "name": "mine", "enters-unauthenticated-flow": ["401"],
        "retry": { "on": ["5xx"], "initial": "1s", "factor": 2, "cap": "4s", "retries": 3 },
        "retry-budget": { "ratio": 1, "burst": 3 },
    }]);
    json["fault"] = serde_json::json!([{ "kind": "outage", "probability": 1 }]);
    json["mix"] = serde_json::json!([{ "name": "m", "shares": [{ "policy": "mine", "share": 1 }] }]);
    json["backend"]["latency"] = serde_json::json!({ "log-normal": { "median": "80ms", "sigma": 1 } });
    let read: authstorm::scenario::Scenario = serde_json::from_value(json).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read.inline_policies[0].retry.factor.millionths, 2_000_000);
    assert_eq!(read.fleet.tabs, authstorm::fleet::Tabs::Fixed(2));
    let unitless = serde_json::from_str::<authstorm::kernel::Dist>("5").expect_err("no unit").to_string();
    assert!(unitless.contains("a duration needs a unit"), "{unitless}");
}
