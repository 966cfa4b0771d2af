//! Every JSON that the command prints has a schema, and agrees with it.

use crate::common::{authstorm, said, tiny};
use serde_json::Value;
use std::collections::BTreeSet;

/// Where a value disagrees with a schema, in the words of JSON Schema that `authstorm schema` uses.
fn disagreements(schema: &Value, root: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let definition = &root["$defs"][name.trim_start_matches("#/$defs/")];
        assert!(definition.is_object(), "{at}: the schema lacks {name}");
        return disagreements(definition, root, value, at, found);
    }
    for forms in ["anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()) {
        let agrees = |form: &&Value| {
            let mut none = Vec::new();
            disagreements(form, root, value, at, &mut none);
            none.is_empty()
        };
        if forms.iter().any(|form| form.get("$ref").is_some() && agrees(&form)) {
            return;
        }
        let has_form = forms.iter().any(|form| agrees(&form));
        if !has_form {
            found.push(format!("{at}: {value} has none of the allowed forms"));
        }
        // The form names the keys, where the schema names none beside its forms.
        if has_form && value.is_object() && schema["properties"].is_null() {
            return;
        }
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value))
        || schema.get("const").is_some_and(|only| only != value)
    {
        found.push(format!("{at}: {value} is not among the words"));
    }
    let types: BTreeSet<&str> = match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.as_str()]),
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = types.is_empty() || types.contains(is) || is == "integer" && types.contains("number");
    if !fits {
        found.push(format!("{at}: {is}, allowed: {types:?}"));
    }
    if let Value::Array(items) = value {
        for (n, item) in items.iter().enumerate() {
            let of_item = schema["prefixItems"].get(n).or(schema.get("items")).unwrap_or(&Value::Null);
            disagreements(of_item, root, item, &format!("{at}[{n}]"), found);
        }
    }
    let Value::Object(table) = value else { return };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !table.contains_key(required) {
            found.push(format!("{at}: `{required}` is missing"));
        }
    }
    for (key, inner) in table {
        let at = format!("{at}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(property), _) => disagreements(property, root, inner, &at, found),
            (None, Value::Object(_)) => {
                disagreements(&schema["additionalProperties"], root, inner, &at, found)
            }
            (None, _) => found.push(format!("{at}: the schema does not name it")),
        }
    }
}

fn printed(args: &[&str]) -> Value {
    let output = authstorm().args(args).output().expect("the command runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", said(&output)))
}

/// What has a schema and is no output: the file formats.
const FILE_FORMATS: [&str; 2] = ["scenario", "client-profile"];

/// A schema, and a command whose JSON is to agree with it.
const PRINTED: [(&str, &[&str]); 20] = [
    ("estimate", &["run", RL_POLL, "--estimate", SET, "horizon=10s", "--json"]),
    ("sweep-estimate", &["sweep", RL_POLL, "--estimate", VARY, CLIENTS, SET, "horizon=2s", "--json"]),
    (
        "sweep-estimate",
        &[
            "rank",
            RL_POLL,
            "--estimate",
            "--metric",
            "requests_total",
            VARY,
            "horizon=2s..4s",
            VARY,
            "workload[0].clients=1..4",
            "--json",
        ],
    ),
    (
        "sweep-estimate",
        &["rollout", STORM, "--from", "old", "--to", "new", "--steps", "1", SET, FEW, "--estimate", "--json"],
    ),
    (
        "sweep-estimate",
        &[
            "map",
            "tests/fixtures/metastable/database-retries.toml",
            "--load",
            "workload[0].clients=10,20",
            "--trigger",
            "fault[0].to=21s,25s",
            "--estimate",
            "--json",
        ],
    ),
    (
        "find-estimate",
        &[
            "find",
            RL_POLL,
            SET,
            "horizon=2s",
            VARY,
            "workload[0].clients=1..2",
            "--target",
            "new.requests_total>=0",
            "--estimate",
            "--json",
        ],
    ),
    ("story", &["explain", STORM, "--policy", "old", "--session", "worst", SET, FEW, JSON, "json"]),
    (
        "story",
        &["explain", STORM, "--policy", "new", "--session", "0", "--from", "2m", SET, FEW, JSON, "json"],
    ),
    (
        "story",
        &["explain", TOKENS, "--policy", "supabase-js-2.105.4", "--session", "worst", SET, FEW, JSON, "json"],
    ),
    (
        "against",
        &[
            "explain",
            STORM,
            "--policy",
            "old",
            "--against",
            "new",
            "--session",
            "worst",
            SET,
            FEW,
            JSON,
            "json",
        ],
    ),
    (
        "against",
        &[
            "explain",
            STORM,
            "--policy",
            "new",
            "--against",
            "not-429",
            "--session",
            "0",
            SET,
            FEW,
            JSON,
            "json",
        ],
    ),
    ("conform", &["conform", CLERK, AUTH0, "--json"]),
    ("conform", &["conform", AUTH0, "--profile", "scenarios/clients/keycloak-js-26.2.4.toml", "--json"]),
    ("verify", &["verify", "--fast", "--family", "finite_source_retrial", "--json"]),
    ("determinism", &["verify-determinism", STORM, SET, FEW, "--replications", "1", "--json"]),
    ("ties", &["verify-determinism", STORM, SET, FEW, "--replications", "1", "--ties", "--json"]),
    ("keys", &["keys", "--json"]),
    ("keys", &["keys", "answer", "--of", "client-profile", "--format", "json"]),
    ("metrics", &["metrics", "--json"]),
    ("client-report", &["explain-client", "firebase-1.13.9", "--format", "json"]),
];
const RL_POLL: &str = "scenarios/rl-poll.toml";
const STORM: &str = "scenarios/touch-429-cascade.toml";
const TOKENS: &str = "scenarios/supabase-429-sign-out.toml";
const CLERK: &str = "tests/recordings/5.125.3-S1-tokens429.json";
const AUTH0: &str = "tests/recordings/sdks/auth0-spa-js/2.28.3-04-token429-idle.json";
const FEW: &str = "fleet.users=20";
const CLIENTS: &str = "workload[0].clients=1..2/2";
const SET: &str = "--set";
const VARY: &str = "--vary";
const JSON: &str = "--format";

/// Judges what a command prints by its schema.
fn agree(name: &str, args: &[&str]) {
    let (schema, value) = (printed(&["schema", "--of", name]), printed(args));
    let mut found = Vec::new();
    disagreements(&schema, &schema, &value, "", &mut found);
    assert_eq!(found, Vec::<String>::new(), "{name}: {args:?}");
    // The judge itself can say no.
    let mut found = Vec::new();
    disagreements(&schema, &schema, &serde_json::json!({ "unknown": 1 }), "", &mut found);
    assert!(!found.is_empty(), "{name}");
}

#[test]
fn the_json_of_each_command_without_files_agrees_with_its_schema() {
    PRINTED.iter().for_each(|(name, args)| agree(name, args));
}

#[test]
fn every_schema_is_held_against_what_a_command_prints() {
    let unknown = said(&authstorm().args(["schema", "--of", "nothing"]).output().expect("the command runs"));
    let names = unknown.split("[possible values: ").nth(1).and_then(|rest| rest.split(']').next());
    let names: BTreeSet<&str> = names.unwrap_or_default().split(", ").collect();
    let held = PRINTED.iter().map(|(name, _)| *name).chain(WITH_FILES).chain(FILE_FORMATS);
    assert_eq!(names, held.collect());
}

/// The schemas of what commands print that also write files.
const WITH_FILES: [&str; 7] = ["summary", "check", "diff", "find", "sweep", "rank", "map"];

#[test]
fn the_json_of_each_command_with_files_agrees_with_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    assert!(tiny(&a, &[]).status.success());
    assert!(tiny(&b, &["--set", "fleet.users=40"]).status.success());
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    let sweep = folder.path().join("sweep").to_string_lossy().into_owned();
    let map = folder.path().join("map").to_string_lossy().into_owned();
    let find = folder.path().join("find").to_string_lossy().into_owned();
    let rank = folder.path().join("rank").to_string_lossy().into_owned();
    let storm =
        ["check", "scenarios/healthy.toml", "--set", "fleet.users=20", "--replications", "1", "--json"];
    let several = ["check", "scenarios/touch-429-cascade.toml", "--set", "fleet.users=20", "--json"];
    let both = [&storm[..1], &["scenarios/touch-429-cascade.toml"], &storm[1..]].concat();
    for (name, args) in [
        ("summary", &storm[..]),
        ("summary", &several),
        ("check", &both),
        ("diff", &["diff", &a, &b, "--json"]),
        ("diff", &["diff", &a, &a, "--json"]),
        (
            "find",
            &[
                "find",
                "scenarios/rl-poll.toml",
                "--set",
                "workload[0].clients=1",
                "--set",
                "horizon=10s",
                "--vary",
                "workload[0].clients=1..2",
                "--target",
                "new.requests_total>=0",
                "--json",
                "--out",
                &find,
            ],
        ),
        (
            "sweep",
            &[
                "sweep",
                "scenarios/rl-poll.toml",
                "--set",
                "horizon=10s",
                "--vary",
                "workload[0].clients=1..2/2",
                "--vary",
                "backend.limit[0].rate=1/s,10/s",
                "--json",
                "--out",
                &sweep,
            ],
        ),
        (
            "rank",
            &[
                "rank",
                "scenarios/rl-poll.toml",
                "--set",
                "horizon=2s",
                "--metric",
                "requests_total",
                "--vary",
                "workload[0].clients=1..4",
                "--vary",
                "horizon=2s..8s",
                "--rows",
                "2",
                "--json",
                "--out",
                &rank,
            ],
        ),
        (
            "map",
            &[
                "map",
                "tests/fixtures/metastable/database-retries.toml",
                "--set",
                "horizon=40s",
                "--load",
                "workload[0].clients=10,280",
                "--trigger",
                "fault[0].to=21s,25s",
                "--json",
                "--out",
                &map,
            ],
        ),
    ] {
        agree(name, args);
    }
}

/// `merge` prints what the command prints whose parts it merges, in each form. `diff` of two sweeps has the schema of `diff`.
#[test]
fn the_json_of_merged_parts_and_of_compared_sweeps_agrees_with_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let run = |args: &[&str]| {
        let output = authstorm().args(args).output().expect("the command runs");
        // So few runs decide no search.
        let codes = if args.contains(&"--target") || args[0] == "merge" { 0..=1 } else { 0..=0 };
        let code = output.status.code().expect("an exit code");
        assert!(codes.contains(&code), "{args:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let sweep = ["sweep", RL_POLL, SET, "horizon=10s", VARY, CLIENTS];
    let find = ["find", RL_POLL, SET, "horizon=2s", VARY, "workload[0].clients=1..2", "--target"];
    let works: [(&str, Vec<&str>); 3] = [
        ("summary", vec!["run", RL_POLL, SET, "horizon=2s", SET, "replications=2"]),
        ("sweep", sweep.to_vec()),
        ("find", [&find[..], &["new.requests_total>=0"]].concat()),
    ];
    for (name, work) in works {
        let part = |number: u32| {
            let (shard, out) = (format!("{number}/2"), at(&format!("{name}-part-{number}")));
            run(&[&work[..], &["--quiet", "--shard", &shard, "--out", &out]].concat());
            out
        };
        let [first, second] = [part(1), part(2)];
        let merge = ["merge", "--finish", &first, &second];
        let json = at(&format!("{name}-json"));
        agree(name, &[&merge[..], &["--json", "--out", &json]].concat());
        for form in ["csv", "md"] {
            let [whole, merged] = ["whole", "merged"].map(|which| at(&format!("{name}-{form}-{which}")));
            let whole = run(&[&work[..], &["--format", form, "--out", &whole]].concat());
            let merged = run(&[&merge[..], &["--format", form, "--out", &merged]].concat());
            assert_eq!(whole, merged, "{name} {form}");
        }
    }
    let [a, b] = ["a", "b"].map(at);
    run(&[&sweep[..], &["--quiet", "--out", &a]].concat());
    run(&[&sweep[..], &[SET, "backend.limit[0].rate=1/s", "--quiet", "--out", &b]].concat());
    agree("diff", &["diff", &a, &b, "--json"]);
    let json = printed(&["diff", &a, &b, "--json"]);
    let points: BTreeSet<&str> =
        json["metrics"].as_array().expect("rows").iter().filter_map(|row| row["policy"].as_str()).collect();
    assert!(points.len() >= 2, "a row for each point: {points:?}");
}
