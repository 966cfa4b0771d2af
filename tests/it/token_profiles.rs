//! A client profile of one's own, from the template to the page: as a scenario's model, under policies, in results.

use crate::common::{root, run_in as run};
use authstorm::Study;
use authstorm::metrics::Metric;
use authstorm::results::{ResultsDir, finding};
use std::fs;
use std::path::Path;

/// A scenario whose model is `model`, with policies and more keys of `[client]`.
fn scenario(model: &str, policies: &str, more: &str) -> String {
    format!(
        "version = 1\nname = \"own\"\nhorizon = \"2h\"\nbucket = \"1m\"\npolicies = [{policies}]\n\
         [client]\nmodel = \"{model}\"\n{more}\n[fleet]\nusers = 50\nopens = {{ uniform = [\"0s\", \"1h\"] }}\n\
         [backend]\ntoken-life = \"1h\"\n[[fault]]\nkind = \"status\"\nstatus = 429\nendpoints = [\"token\"]\n\
         from = \"70m\"\nto = \"75m\"\n"
    )
}

/// The profile of a shipped client under another name.
fn own(name: &str) -> String {
    let shipped = root().join("scenarios/clients/supabase-js-2.119.1.toml");
    let text = fs::read_to_string(shipped).expect("readable");
    text.replace("name = \"supabase-js-2.119.1\"", &format!("name = \"{name}\""))
}

fn load(dir: &Path, text: &str) -> Result<Study, String> {
    fs::write(dir.join("s.toml"), text).expect("written");
    Study::load(dir.join("s.toml")).map_err(|e| e.to_string())
}

fn good(dir: &Path, text: &str) -> Study {
    load(dir, text).unwrap_or_else(|e| panic!("{e}"))
}

/// The same client under another name does the same, as it is and under a policy. Its metrics have the words of its family.
#[test]
fn a_profile_is_a_model_like_a_shipped_one() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(dir.path().join("sdks")).expect("a folder");
    fs::write(dir.path().join("sdks/mine.toml"), own("my-sdk")).expect("written");
    let study = good(dir.path(), &scenario("./sdks/mine.toml", "\"my-sdk\", \"old\", \"new\"", ""));
    let results = study.run().unwrap_or_else(|e| panic!("{e}"));
    let shipped =
        good(dir.path(), &scenario("supabase-js-2.119.1", "\"supabase-js-2.119.1\", \"old\", \"new\"", ""));
    let shipped = shipped.run().unwrap_or_else(|e| panic!("{e}"));
    for (mine, theirs) in results.policies.iter().zip(&shipped.policies) {
        let values = |policy: &authstorm::results::PolicyResults| -> Vec<(String, Vec<u64>)> {
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
            policy.metrics.iter().map(|m| (m.name.clone(), bits(&m.values))).collect()
        };
        assert_eq!(values(mine), values(theirs), "{}", mine.name);
    }
    assert_eq!(results.client_model, "profile my-sdk");
    assert!(results.policies[1].metric("false_sign_outs").mean > 0.0, "old takes a 429 for the end");
    assert!(finding(&results)[0].contains("refreshes fail"), "{:?}", finding(&results));

    // Results keep the profile, and their scenario gives the same results again.
    let place = dir.path().join("results");
    results.write(&place).unwrap_or_else(|e| panic!("{e}"));
    let back = ResultsDir::open(&place).and_then(|dir| dir.results()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(back, results);
    assert_eq!(back.def(Metric::FlowEntries).name, "refreshes");
    assert!(place.join("mine.toml").exists());
    let again = Study::load(place.join("scenario.toml")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again.hash(), study.hash());
    assert_eq!(
        again.run().unwrap_or_else(|e| panic!("{e}")),
        Study::load(place.join("scenario.toml")).expect("loads").run().expect("runs")
    );
    assert_eq!(again.run().expect("it runs").policies, results.policies);
}

/// The profile's content enters the hash; its path does not.
#[test]
fn the_hash_is_that_of_the_profile_and_not_of_its_path() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let hash = |file: &str, text: &str| {
        fs::write(dir.path().join(file), text).expect("written");
        good(dir.path(), &scenario(file, "\"my-sdk\"", "")).hash()
    };
    let first = hash("a.toml", &own("my-sdk"));
    assert_eq!(hash("b.toml", &own("my-sdk")), first);
    let other = own("my-sdk").replace("lasts = \"60s\"", "lasts = \"61s\"");
    assert_ne!(hash("a.toml", &other), first);
}

/// Each mistake is one error at its place.
#[test]
fn a_model_that_is_no_profile_is_refused_at_its_place() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::write(dir.path().join("mine.toml"), own("my-sdk")).expect("written");
    fs::write(dir.path().join("wrong.toml"), own("my-sdk").replace("margin = \"90s\"", "margin = 90"))
        .expect("written");
    let policy = root().join("scenarios/policies/new.toml");
    fs::copy(policy, dir.path().join("policy.toml")).expect("copied");
    let line = own("").lines().position(|line| line.starts_with("margin")).expect("a margin") + 1;
    for (model, policies, more, says) in [
        ("./none.toml", "\"new\"", "", "s.toml:7:9: error[E001]: cannot read the client profile"),
        ("../mine.toml", "\"new\"", "", "only relative paths inside the scenario's directory"),
        ("policy.toml", "\"new\"", "", "a policy file, which is no client"),
        ("wrong.toml", "\"new\"", "", &format!("wrong.toml:{line}:")),
        ("mine.toml", "\"my-sdk2\"", "", "did you mean `my-sdk`?"),
        ("mine.toml", "\"new\"", "max-rounds = 3", "`max-rounds` belongs to model = \"documented\""),
        ("profile", "\"new\"", "", "unknown word"),
        ("my-sdk", "\"new\"", "", "./my-sdk.toml"),
    ] {
        let found = load(dir.path(), &scenario(model, policies, more)).map(|_| ()).expect_err(model);
        assert!(found.contains(says), "{model}: {found}");
        assert!(found.contains("1 error") || !found.contains(" errors"), "{model}: {found}");
    }
    let text = scenario("./mine.toml", "\"my-sdk\"", "");
    let found = Study::parse("s.toml", &text).map(|_| ()).expect_err("no directory").to_string();
    assert!(found.contains("this scenario has no directory"), "{found}");
}

/// What the README tells a newcomer, command by command.
#[test]
fn a_newcomer_models_an_sdk_in_a_few_commands() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let dir = dir.path();
    let (code, said, wrong) = run(dir, &["new-client", "my-sdk"]);
    assert!(code == Some(0) && said.contains("explain-client my-sdk.toml"), "{said}{wrong}");
    let (code, said, wrong) = run(dir, &["explain-client", "my-sdk.toml"]);
    assert!(code == Some(0) && said.contains("authstorm new mine --model my-sdk.toml"), "{said}{wrong}");
    let (code, said, wrong) = run(dir, &["new", "mine", "--model", "my-sdk.toml", "--users", "200"]);
    assert!(code == Some(0) && said.contains("authstorm run mine.toml"), "{said}{wrong}");
    let text = fs::read_to_string(dir.join("mine.toml")).expect("the scenario");
    for line in [
        "model = \"my-sdk.toml\"",
        "policies = [\"my-sdk\"]",
        "endpoints = [\"token\"]",
        "token-life = \"1h\"",
        "app-get-token = { every = \"1m\" }",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    let (code, said, wrong) = run(dir, &["validate", "mine.toml"]);
    assert!(code == Some(0), "{said}{wrong}");
    let (code, said, wrong) = run(dir, &["run", "mine.toml", "--replications", "1"]);
    assert!(matches!(code, Some(0 | 1)) && said.contains("Under my-sdk, "), "{said}{wrong}");
    assert!(said.contains("refreshes fail") && !said.contains("Not exercised"), "the fault strikes: {said}");
    assert!(said.contains("report.html") && !said.contains("unauthenticated"), "{said}");
    let page = fs::read_to_string(dir.join("results/mine/report.html")).expect("a page");
    assert!(
        page.contains("profile my-sdk") && !page.contains("unauthenticated_events"),
        "the page has the family's words"
    );
    let (code, said, wrong) = run(dir, &["explain", "mine.toml", "--policy", "my-sdk", "--session", "worst"]);
    assert!(code == Some(0) && said.contains("client model my-sdk ·"), "{said}{wrong}");
    // From the results, with the copy of the profile beside.
    let results = dir.join("results/mine");
    let (code, said, wrong) =
        run(&results, &["run", "scenario.toml", "--replications", "1", "--out", "again"]);
    assert!(matches!(code, Some(0 | 1)), "{said}{wrong}");
    let data = |place: &Path| fs::read(place.join("summary.json")).expect("a summary");
    assert_eq!(data(&results.join("again")), data(&results));
}
