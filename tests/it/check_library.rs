//! The check from the library: an error in words, and a test over many seeds.

use super::check_files::{EACH, each};
use crate::common::{binary, root};
use authstorm::Study;
use authstorm::experiment::seeds::over_seeds;
use authstorm::results::{Judgement, Results};
use authstorm::scenario::Settings;
use std::process::Command;

#[test]
fn the_library_checks_in_the_same_words() {
    let results = Study::parse("each.toml", &each(&EACH))
        .and_then(|study| study.run())
        .unwrap_or_else(|e| panic!("{e}"));
    let failed = results.check().expect_err("three do not pass");
    assert_eq!(failed.failed.len(), 3);
    let text = failed.to_string();
    assert!(
        text.starts_with(
            "3 of 6 expectations of pollers fail the check, with seed 1\nFAIL new.requests_total <= 0.5"
        ),
        "{text}"
    );
    assert!(
        text.contains("\nNOT DECIDED new.responses_failed == 0: ") && format!("{failed:?}") == text,
        "{text}"
    );
    let good = Study::parse("each.toml", &each(&EACH[..1]))
        .and_then(|study| study.run())
        .unwrap_or_else(|e| panic!("{e}"));
    good.check().unwrap_or_else(|e| panic!("{e}"));
    let judgements: Vec<Judgement> = results.expectations.iter().map(|verdict| verdict.judgement).collect();
    assert_eq!(judgements.len(), 6);
    let only = Study::parse("each.toml", &each(&EACH[5..]))
        .and_then(|study| study.run())
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        only.check().expect_err("no pass").to_string(),
        "none of 1 expectation of pollers is judged, with seed 1"
    );
}

/// A test that holds for the scenario's seed and fails for another ends with a command that can be pasted.
#[test]
fn a_test_over_seeds_ends_with_the_story_of_its_failure() {
    let scenario = root().join("scenarios/touch-429-cascade.toml");
    let small =
        ["fleet.users=20", "replications=2", "horizon=3m", "expect[0].that=old.false_sign_outs < 1e9"];
    let settings = Settings { set: small.map(str::to_owned).to_vec(), ..Settings::default() };
    over_seeds(&scenario, &settings, 3..5, Results::check).unwrap_or_else(|e| panic!("{e}"));
    let failed = over_seeds(&scenario, &settings, 3..9, |results: &Results| match results.seed {
        5 => Err("five"),
        _ => Ok(()),
    });
    let text = failed.expect_err("seed 5 fails").to_string();
    assert!(
        text.starts_with("the test fails with seed 5, after 2 seeds that pass: five\nreplication "),
        "{text}"
    );
    // An expectation that fails names its own policy and replication.
    let mut settings = settings;
    settings.set[3] = "expect[0].that=new.requests_total == 0".to_owned();
    let failed = over_seeds(&scenario, &settings, [7], Results::check).expect_err("calls are sent");
    let text = failed.to_string();
    let mut study = Study::load_set(&scenario, &settings).unwrap_or_else(|e| panic!("{e}"));
    study.seed(7).unwrap_or_else(|e| panic!("{e}"));
    let verdict = study.run().unwrap_or_else(|e| panic!("{e}")).expectations.remove(0);
    let replication = verdict.replication.expect("the worst one");
    assert!(text.contains("FAIL new.requests_total == 0: observed "), "{text}");
    let command = text.lines().last().expect("a command").trim();
    assert!(
        command.contains(&format!("--policy new --seed 7 --replication {replication} --session ")),
        "{command}"
    );
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("\"$AUTHSTORM\" {}", command.strip_prefix("authstorm ").expect("the command")))
        .env("AUTHSTORM", binary())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}
