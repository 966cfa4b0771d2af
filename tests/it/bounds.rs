//! Every key of the format at its bounds: a value that loads can be run, and every other value is refused properly.

use crate::common::refusal::{check_refusal, first_nanosecond};
use crate::common::root;
use authstorm::scenario::load_text_in;
use authstorm::text::is_hidden;

/// A scenario with every key and few users.
fn base() -> String {
    let text = include_str!("../fixtures/everything.toml");
    let retry =
        "on = [\"5xx\"]\ninitial = \"1s\"\nfactor = 1.5\ncap = \"9s\"\nretries = 3\noffline-retries = 2\n";
    let again = [
        format!(
            "every = \"1s\"\nuntil = \"5m\"\nretry-budget = {{ ratio = 0.1, burst = 3 }}\n[workload.retry]\n{retry}"
        ),
        "think = \"1s\"\norbit = \"2s\"\n".to_owned(),
        "at = [\"0s\", \"3s\"]\nlayers = { tries = 2, depth = 2 }\n".to_owned(),
    ];
    let workload = |(i, again): (usize, &String)| {
        format!(
            "[[workload]]\nname = \"w{i}\"\nclients = 3\nclients-per-network = 2\nstarts = \"1s\"\n{again}"
        )
    };
    let workloads: String = again.iter().enumerate().map(workload).collect();
    // A generic TOML tree cannot hold the seed of the fixture. Tabs that actions open add to the tabs of a fleet.
    let seed = text.lines().find(|line| line.starts_with("seed = ")).expect("a seed");
    let text = text.replace(seed, "seed = 1").replace("do = \"open-tab\"", "do = \"focus\"");
    text.replace("users = 1_000", "users = 10") + &workloads
}

/// Collects the paths of all values except tables. A list has a path for itself and for each of its elements.
fn paths(value: &toml::Value, path: &str, into: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                paths(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, into);
            }
        }
        toml::Value::Array(list) if list.iter().all(toml::Value::is_table) => {
            list.iter().enumerate().for_each(|(i, value)| paths(value, &format!("{path}[{i}]"), into));
        }
        _ => into.push(path.to_owned()),
    }
}

/// The two numbers of `allowed: 1 to 10000` or `allowed: 0..1`.
fn bounds(message: &str) -> Option<[String; 2]> {
    let allowed = message.split("allowed: ").nth(1)?;
    let (least, most) = allowed.split_once(" to ").or_else(|| allowed.split_once(".."))?;
    let most = most.split([',', ';', ' ']).next()?;
    let most = if most == "2^64" { u64::MAX.to_string() } else { most.to_owned() };
    Some([least.to_owned(), most])
}

/// Values at and next to the bounds of the key. The type and the range come from the key's own error messages.
fn extremes(refused: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let Some(wrong_type) = refused("{ x = 1 }").or_else(|| refused("[[]]")) else { return Vec::new() };
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    let durations = ["0s", "1ns", "36500d", "\"1h\""];
    if wrong_type.contains("expected duration") {
        return words(&durations);
    }
    if wrong_type.contains("expected rate") {
        return words(&["0/s", "1/1ns", "999999999999/1ns", "1/36500d", "7/1d", "999999999989/36500d"]);
    }
    let mut found: Vec<String> = Vec::new();
    if refused("5").is_some_and(|message| message.contains("expected distribution")) {
        found.extend(words(&durations));
        found.extend(words(&[
            "{ exponential = \"36500d\" }",
            "{ exponential = \"1ns\" }",
            "{ uniform = [\"0s\", \"36500d\"] }",
            "{ uniform = [\"36500d\", \"36500d\"] }",
            "{ log-normal = { median = \"36500d\", sigma = 10 } }",
            "{ empirical = [\"36500d\"] }",
        ]));
    }
    found.extend(refused("-1").as_deref().and_then(bounds).into_iter().flatten());
    found
}

#[test]
fn every_key_at_its_bounds_is_refused_or_runs() {
    let text = base();
    let fixtures = root().join("tests/fixtures");
    let load = |set: &[String]| load_text_in("bounds.toml", &text, Some(&fixtures), set);
    load(&[]).unwrap_or_else(|e| panic!("{e}"));
    let mut all = Vec::new();
    paths(&toml::Value::Table(text.parse().expect("it is TOML")), "", &mut all);
    let (mut ran, mut keys) = (0, 0);
    for path in &all {
        let refused = |value: &str| load(&[format!("{path}={value}")]).err().map(|e| e.errors[0].message());
        let values = extremes(refused);
        keys += usize::from(!values.is_empty());
        for value in values {
            let given = format!("{path}={value}");
            assert!(!given.chars().any(is_hidden));
            match load(std::slice::from_ref(&given)) {
                Err(errors) => check_refusal(&given, &errors),
                Ok(loaded) => {
                    let run = std::panic::catch_unwind(|| first_nanosecond(loaded));
                    assert!(run.is_ok(), "{given}");
                    ran += 1;
                }
            }
        }
    }
    // More than half of the paths hold numbers or times. Each of these has a bound that is allowed.
    assert!(2 * keys > all.len() && ran > keys, "{ran} runs of {keys} keys of {}", all.len());
}
