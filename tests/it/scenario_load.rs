//! Valid scenarios: what they load as, and that no part of them is lost.

use authstorm::protocol::Endpoint;
use authstorm::scenario::{Loaded, Scenario, load, load_text, load_text_in};
use std::path::Path;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

fn everything(overrides: &[&str]) -> Loaded {
    let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
    load(&Path::new(FIXTURES).join("everything.toml"), &overrides).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_scenario_with_every_key_loads() {
    let loaded = everything(&[]);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let names: Vec<&str> = loaded.policies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["old", "new", "half", "mine", "breaker", "not-429"]);
    let half: Vec<(&str, f64)> =
        loaded.policies[2].parts.iter().map(|(p, s)| (p.name.as_str(), *s)).collect();
    assert_eq!(half, [("old", 0.5), ("narrowed-retry-all", 0.5)]);
    assert_eq!(loaded.hash().len(), 64);
    assert_eq!(loaded.expectations.len(), 3);
}

#[test]
fn a_written_scenario_loads_to_the_same_value() {
    let scenario = everything(&[]).scenario;
    let text = toml::to_string(&scenario).expect("every part can be written");
    let again = load_text_in("again.toml", &text, Some(Path::new(FIXTURES)), &[]);
    assert_eq!(again.unwrap_or_else(|e| panic!("{text}\n{e}")).scenario, scenario);
}

/// The fixture contains every key that a written scenario can have.
#[test]
fn the_fixture_names_every_key_of_the_specs() {
    fn keys(value: &toml::Value, path: &str, into: &mut std::collections::BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    into.insert(format!("{path}.{key}"));
                    keys(value, &format!("{path}.{key}"), into);
                }
            }
            toml::Value::Array(list) => list.iter().for_each(|value| keys(value, path, into)),
            _ => {}
        }
    }
    // A generic TOML tree cannot hold the seed of the fixture.
    let loaded = everything(&["seed=1"]);
    let tree = |text: &str| toml::Value::Table(text.parse().expect("it is TOML"));
    let (mut written, mut given) = Default::default();
    keys(&tree(&toml::to_string(&loaded.scenario).expect("it can be written")), "", &mut written);
    keys(&tree(&loaded.text), "", &mut given);
    let missing: Vec<&String> = written.difference(&given).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn line_ends_and_byte_order_marks_do_not_change_a_scenario() {
    let text = std::fs::read_to_string(format!("{FIXTURES}/everything.toml")).expect("the fixture is there");
    let read = |text: &str| {
        load_text_in("e.toml", text, Some(Path::new(FIXTURES)), &[]).unwrap_or_else(|e| panic!("{e}"))
    };
    let plain = read(&text);
    assert_eq!(plain, read(&text.replace('\n', "\r\n")));
    assert_eq!(plain, read(&format!("\u{feff}{text}")));
    let zero = text.replace("share = 0.8", "share = 0.0");
    assert_eq!(read(&zero), read(&zero.replace("share = 0.0", "share = -0.0")));
    assert_ne!(plain.hash(), read(&zero).hash());
}

#[test]
fn the_hash_covers_the_policies_in_use() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let policy = std::fs::read_to_string(format!("{FIXTURES}/policies/breaker.toml")).expect("it is there");
    let scenario = small("policies = [\"breaker\"]\npolicy-files = [\"p.toml\"]");
    let hash = |policy: &str| {
        std::fs::write(dir.path().join("p.toml"), policy).expect("it can be written");
        load_text_in("s.toml", &scenario, Some(dir.path()), &[]).unwrap_or_else(|e| panic!("{e}")).hash()
    };
    assert_ne!(hash(&policy), hash(&policy.replace("retries = 5", "retries = 6")));
    let of =
        |policies: &str| load_text("s.toml", &small(policies), &[]).unwrap_or_else(|e| panic!("{e}")).hash();
    assert_eq!(of("policies = [\"old\"]"), of("policies = [\"old\"]"));
    assert_ne!(of("policies = [\"old\"]"), of("policies = [\"new\"]"));
}

#[test]
fn overrides_change_the_text_and_the_text_loads_to_the_same_scenario() {
    for (given, check) in [
        ("seed=7", (|s| s.seed == 7) as fn(&Scenario) -> bool),
        ("horizon=20m", |s| s.horizon.as_secs_f64() > 1_199.0),
        ("fleet.tabs=2", |s| s.fleet.tabs == authstorm::fleet::Tabs::Fixed(2)),
        ("fleet.tabs[1].tabs=4", |s| format!("{:?}", s.fleet.tabs).contains("tabs: 4")),
        (
            "backend.limit[0].burst=99",
            |s| matches!(&s.backend.limits[0].kind, authstorm::backend::limiter::LimitKind::TokenBucket(of) if of.burst == 99),
        ),
        ("backend.touch.timeout=9s", |s| s.backend.endpoint(Endpoint::known("touch")).timeout.is_some()),
        ("backend.tokens.latency={ exponential = \"1s\" }", |s| {
            format!("{:?}", s.backend).contains("Exponential")
        }),
        ("fault[2].name=a bare word", |s| s.faults[2].name == "a bare word"),
        ("fault[0].name=\"5\"", |s| s.faults[0].name == "5"),
        ("policy[0].retry.jitter=none", |s| format!("{:?}", s.inline_policies).contains("jitter: None")),
        ("client.max-rounds=1", |s| s.client.max_rounds == Some(1)),
    ] {
        let loaded = everything(&[given]);
        assert!(check(&loaded.scenario), "{given}");
        let again = load_text_in("e.toml", &loaded.text, Some(Path::new(FIXTURES)), &[]);
        assert_eq!(again.unwrap_or_else(|e| panic!("{given}: {e}")), loaded, "{given}");
    }
}

#[test]
fn unusual_settings_give_warnings() {
    let text = small("policies = [\"old\"]\n[[fault]]\nkind = \"outage\"\nfrom = \"1h\"\n");
    let loaded = load_text("s.toml", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        loaded.warnings,
        ["s.toml:9:8: warning: this fault begins at or after the horizon and never acts"]
    );
}

/// A scenario with required keys only. `more` begins with its policies and may end with tables.
fn small(more: &str) -> String {
    format!(
        "version = 1\nname = \"small\"\nhorizon = \"1m\"\nclient = {{ model = \"documented\" }}\n\
         fleet = {{ users = 10 }}\n{more}\n"
    )
}
