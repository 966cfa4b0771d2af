//! The scenarios of token clients: rankings, findings and suggestions name the client that did the harm, not the one that
//! refreshes most.

use crate::common::{authstorm, root};
use authstorm::Study;
use authstorm::explain::tell_worst;
use authstorm::metrics::Metric;
use authstorm::results::{Results, finding, measured};

/// A scenario with one replication, and with the stories of its worst sessions if they are asked for.
fn run(scenario: &str, stories: bool) -> Results {
    let path = root().join("scenarios").join(format!("{scenario}.toml"));
    let mut study = Study::load(&path).unwrap_or_else(|e| panic!("{e}"));
    study.replications(1).expect("one replication");
    let mut results = study.run().unwrap_or_else(|e| panic!("{e}"));
    if stories {
        tell_worst(&study, &mut results, &Default::default()).unwrap_or_else(|e| panic!("{e}"));
    }
    results
}

/// The policy of the worst session of all, and the beginning of its finding after the name.
fn gravest(results: &Results) -> (String, String) {
    let (policy, row) = results.worst().expect("a session");
    assert!(row.is_harmed(results.flow()), "{row:?}");
    let place = results.policies.iter().position(|p| p.name == policy.name).expect("a policy");
    let says = finding::of_policy(results, &results.policies[place]);
    let (_, says) = says.split_once(", ").expect("a name and a harm");
    (policy.name.clone(), says.split(';').next().unwrap_or_default().to_owned())
}

/// 2.119.1 keeps its sessions, so it refreshes more often than 2.105.4, which is signed out.
#[test]
fn a_429_that_signs_out_is_graver_than_refreshes() {
    let results = run("supabase-429-sign-out", true);
    let (policy, says) = gravest(&results);
    assert_eq!(policy, "supabase-js-2.105.4");
    assert!(says.contains("whose session is valid are signed out"), "{says}");
    let row = results.policies[0].worst().expect("a session");
    assert!(row.false_sign_out && row.failed_entries > 0, "{row:?}");
    let most = |n: usize| measured::greatest(results.policies[n].metric("refreshes_worst_session"));
    assert!(most(0) < most(1), "the healthy client has the session with most refreshes");
    // The header names the client of the story, and the first story shown is that of the harm.
    for (story, policy) in results.stories.iter().zip(&results.policies) {
        assert!(
            story.provenance.contains(&format!("client model {} ·", policy.name)),
            "{}",
            story.provenance
        );
    }
    let worst = results.worst_story().expect("a story");
    assert!(worst.headline.contains("although the server still knows the session"), "{}", worst.headline);
    // A refresh by itself is no harm. It stands below the harms.
    let order = Metric::by_gravity(results.families());
    assert!(!order.contains(&Metric::FlowEntries) && order.contains(&Metric::FailedEntries), "{order:?}");
}

#[test]
fn a_loop_under_a_fast_clock_is_the_gravest_finding() {
    let results = run("supabase-clock-skew", false);
    let (policy, says) = gravest(&results);
    assert_eq!(policy, "supabase-js-2.105.4");
    assert!(says.contains("are caused by the answer to another, in chains of up to"), "{says}");
}

#[test]
fn the_storm_of_one_address_is_that_of_the_old_client() {
    let results = run("supabase-2145", false);
    let (policy, says) = gravest(&results);
    assert_eq!(policy, "supabase-js-2.105.4");
    // The browser keeps the session that the client removes, so nobody is signed out: the app gets the errors.
    assert!(says.contains("the backend does not recover"), "{says}");
    let worst = results.policy(&policy).expect("a policy");
    assert!(
        finding::of_policy(&results, worst).contains("app code gets"),
        "{:?}",
        finding::of_policy(&results, worst)
    );
    let row = worst.worst().expect("a session");
    assert!(row.failed_entries > row.entries / 2, "{row:?}");
}

#[test]
fn a_timer_of_no_wait_is_the_gravest_finding() {
    let (policy, says) = gravest(&run("firebase-short-tokens", false));
    assert_eq!(policy, "firebase-1.13.9");
    assert!(says.contains("are caused by the answer to another, in chains of up to"), "{says}");
}

/// 2.105.4 does no harm here. Its finding has no refreshes among the harms.
#[test]
fn a_session_that_its_client_ended_is_the_gravest_finding() {
    let results = run("rotation-three-tabs", true);
    let (policy, says) = gravest(&results);
    // Both clients without a lock end every session.
    assert!(["supabase-js-2.107.0", "supabase-js-2.119.1"].contains(&policy.as_str()), "{policy}");
    assert!(says.contains("their client used a refresh token twice"), "{says}");
    let worst = results.worst_story().expect("a story");
    assert!(worst.headline.contains("its client having used a refresh token twice"), "{}", worst.headline);
    let healthy = finding::of_policy(&results, &results.policies[0]);
    assert!(!healthy.contains("refresh its token") && !healthy.contains("refresh their token"), "{healthy}");
}

/// The command suggests the story of the client that did the harm.
#[test]
fn the_suggestion_names_the_client_that_did_the_harm() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let out = dir.path().join("out");
    let output = authstorm()
        .args(["run", "scenarios/supabase-429-sign-out.toml", "--replications", "1", "--out"])
        .arg(&out)
        .output()
        .expect("the command runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let suggested = said.lines().find(|line| line.starts_with("the worst session: ")).unwrap_or_default();
    assert!(suggested.contains("--policy supabase-js-2.105.4 --session worst"), "{said}");
}
