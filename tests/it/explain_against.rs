//! `explain --against`: one session under two policies.

use crate::common::authstorm;
use serde_json::Value;

fn said(scenario: &str, more: &[&str]) -> String {
    let output = authstorm().args(["explain", scenario]).args(more).output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(scenario: &str, more: &[&str]) -> Value {
    serde_json::from_str(&said(scenario, &[more, &["--format", "json"]].concat())).expect("JSON")
}

/// The whole stories, told one by one, are the same before the first difference and differ at it.
#[test]
fn the_stories_are_the_same_until_the_first_difference() {
    for (scenario, one, other, kind) in [
        ("scenarios/touch-429-cascade.toml", "old", "new", "decision"),
        ("scenarios/tokens-429-outage.toml", "old", "not-429", "decision"),
    ] {
        let once = ["--replications", "1"];
        let against = json(
            scenario,
            &[&["--policy", one, "--against", other, "--session", "worst"][..], &once].concat(),
        );
        assert_eq!(against["differs"], kind, "{scenario}");
        let at = against["first_difference_s"].as_f64().expect("a time");
        let session = against["stories"][0]["session"].to_string();
        assert_eq!(against["stories"][1]["session"].to_string(), session);
        let whole = |policy| {
            let story = json(scenario, &[&["--policy", policy, "--session", &session][..], &once].concat());
            story["steps"].as_array().expect("steps").clone()
        };
        let (a, b) = (whole(one), whole(other));
        // The words of a step name its policy, so the steps are compared without them.
        let plain = |step: &Value| {
            let mut step = step.clone();
            let fields = step.as_object_mut().expect("an object");
            fields.remove("came");
            for deed in fields["deeds"].as_array_mut().expect("deeds") {
                deed.as_object_mut().expect("an object").remove("rule");
            }
            step
        };
        let before = |steps: &[Value]| -> Vec<Value> {
            steps.iter().filter(|s| s["at_s"].as_f64().expect("a time") < at).map(plain).collect()
        };
        assert_eq!(before(&a), before(&b), "{scenario}");
        assert!(!before(&a).is_empty());
        let alike = against["steps_alike"].as_u64().expect("a number") as usize;
        assert!(a[..alike].iter().map(plain).eq(b[..alike].iter().map(plain)), "{scenario}");
        assert_ne!(plain(&a[alike]), plain(&b[alike]), "{scenario}");
    }
}

#[test]
fn both_sides_name_the_rule_that_decided() {
    let text = said(
        "scenarios/touch-429-cascade.toml",
        &["--policy", "old", "--against", "new", "--session", "worst", "--replications", "1"],
    );
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("because the policies decide differently"), "{text}");
    let side = |right: bool| -> String {
        let sides = text.lines().filter_map(|line| line.split_once(" │"));
        let side = sides.map(|(left, rest)| if right { rest.trim() } else { left.trim() });
        side.collect::<Vec<_>>().join(" ")
    };
    assert!(side(false).contains("(enters-unauthenticated-flow = [\"4xx\"])"), "{text}");
    assert!(side(true).contains("(enters-unauthenticated-flow = [\"401\", \"422\"])"), "{text}");
    assert!(side(false).contains("the user is signed out") && !side(true).contains("the user is signed out"));
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}

/// The loop of the real client does not depend on the policy.
#[test]
fn policies_that_do_the_same_have_no_difference() {
    let text = said(
        "scenarios/client-401-recursion.toml",
        &["--policy", "old", "--against", "new", "--session", "worst", "--replications", "1"],
    );
    assert!(text.contains("No difference: the same "), "{text}");
}

#[test]
fn a_policy_is_not_compared_with_itself_nor_drawn() {
    for more in
        [&["--against", "old"][..], &["--against", "nwe"], &["--against", "new", "--format", "mermaid"]]
    {
        let output = authstorm()
            .args(["explain", "scenarios/touch-429-cascade.toml", "--policy", "old", "--session", "1"])
            .args(more)
            .output()
            .expect("the command runs");
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{more:?}");
    }
}

#[test]
fn a_comparison_is_written_again_to_its_own_file() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for name in ["story.json", "story.txt"] {
        let out = dir.path().join(name).display().to_string();
        for _ in 0..2 {
            let more =
                ["--policy", "old", "--against", "new", "--session", "7", "--to", "10s", "--out", &out];
            assert!(said("scenarios/tokens-429-outage.toml", &more).contains("under policy new"));
        }
    }
}
