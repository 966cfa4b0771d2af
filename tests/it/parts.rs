//! Independent users run in parts. The sum of the parts equals the whole run.

use authstorm::Study;
use authstorm::metrics::tally::Tally;
use authstorm::results::Results;
use authstorm::scenario::load_text;
use authstorm::world::{Control, Silent, observed, run};

/// Every feature that keeps users independent. 17,000 users make three parts.
const SCENARIO: &str = r#"
version = 1
name = "parts"
seed = 11
horizon = "40s"
replications = 2
policies = ["old", "new"]

[client]
model = "clerk-js-6.3.3"

[fleet]
users = 17000
users-per-network = 7
tabs = [{ tabs = 1, share = 0.7 }, { tabs = 2, share = 0.3 }]
opens = { uniform = ["0s", "10s"] }
focus-every = { exponential = "9s" }
reload-every = { exponential = "90s" }
sign-in-again = { share = 0.8, after = { uniform = ["1s", "5s"] } }
offline = { every = { exponential = "40s" }, lasts = { uniform = ["1s", "9s"] } }

[backend]
latency = { exponential = "80ms" }

[[backend.limit]]
endpoints = ["touch"]
kind = "token-bucket"
key = "ip"
rate = "1/s"
burst = 2

[[backend.limit]]
endpoints = ["tokens"]
kind = "fixed-window"
key = "session"
limit = 2
window = "20s"

[[fault]]
kind = "status"
endpoints = ["client"]
from = "12s"
to = "25s"
status = 500
probability = 0.3

[[fault]]
kind = "revocation"
from = "20s"
share = 0.1

[[action]]
at = "15s"
user = 16999
do = "get-token"
"#;

fn study(changes: &[&str]) -> Study {
    let changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
    let loaded = load_text("parts.toml", SCENARIO, &changes).unwrap_or_else(|e| panic!("{e}"));
    Study::of(loaded).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn parts_add_up_to_the_whole_run() {
    let plan = study(&[]).plan();
    let parts = plan.parts();
    assert_eq!(parts.len(), 3);
    assert!(parts[..2].iter().all(|part| part.end % 7 == 0), "a network is not cut: {parts:?}");
    let control = Control::default();
    for contender in 0..2 {
        let (whole, _, _) = observed(&plan, contender, 0, &control, Silent).expect("no guard");
        let (mut tally, mut sessions, mut events) = (None::<Tally>, Vec::new(), 0);
        for part in &parts {
            let run = run(&plan, contender, 0, part.clone(), &control).expect("no guard");
            match &mut tally {
                Some(tally) => tally.add(&run.metrics.tally),
                none => *none = Some(run.metrics.tally),
            }
            sessions.extend(run.metrics.sessions);
            events += run.events;
        }
        let tally = tally.expect("three parts");
        assert!(tally == whole.metrics.tally, "counts of policy {contender} differ");
        assert!(sessions == whole.metrics.sessions, "sessions of policy {contender} differ");
        // The revocation is one event in each part.
        assert_eq!(events, whole.events + 2);
        let values = tally.values(&plan, None);
        assert!(
            values.iter().filter(|v| **v > 0.0).count() > 12,
            "the scenario is not a quiet one: {values:?}"
        );
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let study = study(&["horizon=15s"]);
    let on = |threads: usize| -> Results {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| study.run()).expect("no guard")
    };
    let one = on(1);
    assert_eq!(one.engine.parts, 3);
    for threads in [2, 5] {
        let other = on(threads);
        assert_eq!(one.engine, other.engine);
        for (a, b) in one.policies.iter().zip(&other.policies) {
            assert!(a.metrics.iter().zip(&b.metrics).all(|(a, b)| a.values == b.values));
            assert!(a.timelines == b.timelines && a.entries_distribution == b.entries_distribution);
            let rows = |p: &authstorm::results::PolicyResults| format!("{:?}", p.sessions);
            assert_eq!(rows(a), rows(b));
        }
    }
}

#[test]
fn dependent_users_run_in_one_part() {
    for (changes, parts) in [
        (&[][..], 3),
        (&["fleet.users=8197", "action[0].user=3"], 1),
        (&["fleet.users=8198", "action[0].user=3"], 2),
        (&["backend.limit[0].key=\"global\""], 1),
        (&["backend.limit[1].key=\"app\""], 1),
        (&["backend.limit[1].key=\"user\""], 3),
        (&["fleet.users-per-network=20000"], 1),
        (&["fault[0].count=5"], 1),
        (&["backend.touch.workers=3", "backend.touch.service=\"5ms\""], 1),
    ] {
        assert_eq!(study(changes).plan().parts().len(), parts, "{changes:?}");
    }
}

/// A story repeats the run of the users that are tied together, and no other. It is the story of the whole run: a user has the same
/// session there.
#[test]
fn tied_users_run_alone_as_in_the_whole_run() {
    let plan = study(&["fleet.users=60", "horizon=1m", "action[0].user=3"]).plan();
    let control = Control::default();
    for contender in 0..2 {
        let (whole, _, _) = observed(&plan, contender, 1, &control, Silent).expect("no guard");
        for user in 0..60 {
            let users = plan.tied_to(user);
            assert_eq!(users, user / 7 * 7..(user / 7 * 7 + 7).min(60));
            let alone = run(&plan, contender, 1, users.clone(), &control).expect("no guard");
            let of_whole = &whole.metrics.sessions[users.start as usize..users.end as usize];
            assert!(alone.metrics.sessions == of_whole, "user {user} of policy {contender}");
        }
    }
    for (changes, users) in [
        (&["backend.limit[0].key=\"user\""][..], 20..21),
        (&["backend.limit[0].key=\"global\""], 0..17_000),
        (&["fault[0].count=5"], 0..17_000),
    ] {
        assert_eq!(study(changes).plan().tied_to(20), users, "{changes:?}");
    }
}

#[test]
fn the_event_budget_applies_to_the_sum_of_all_parts() {
    let study = study(&["guard.max-events=200000"]);
    let said = study.run().expect_err("each part has about 100,000 events of its own").to_string();
    assert!(said.contains("more than 200000 events"), "{said}");
}
