//! Whole runs with results that are computed by hand: restarts, slow starts, faults that come back, blocks, rollouts.

use crate::Study;
use crate::results::Results;
use crate::world::{Control, Run, run};

fn study(text: &str) -> Study {
    let text = format!("version = 1\nname = \"run\"\n{text}");
    Study::parse("run", &text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn first_run(text: &str) -> Run {
    let plan = study(&format!("policies = [\"new\"]\n{text}")).plan();
    let part = plan.parts()[0].clone();
    run(&plan, 0, 0, part, &Control::default()).unwrap_or_else(|stopped| panic!("{stopped}"))
}

/// Ten calls, one a second.
const TEN: &str = "horizon = \"20s\"\n[[workload]]\nname = \"ten\"\nevery = \"1s\"\nuntil = \"9s\"\n";

/// The call of the 5th second is under way when the servers restart at 5.2 s: without workers, in service, on the way to the
/// workers, on the way back, or without an answer at all. It is the only one that fails.
#[test]
fn a_restart_breaks_the_connections_that_are_open() {
    let pool = "[[backend.pool]]\nname = \"servers\"\nendpoints = [\"generic\"]\nworkers = 1\n";
    let restart = "[[fault]]\nkind = \"restart\"\nfrom = \"5200ms\"\n";
    let silent = "[[fault]]\nkind = \"no-answer\"\nfrom = \"5s\"\nto = \"5500ms\"\n";
    let cases = [
        ("latency = \"400ms\"\n".to_owned(), None),
        (format!("latency = \"0s\"\nservice = \"400ms\"\n{pool}"), Some((9, 1))),
        (format!("latency = \"0s\"\nrequest-latency = \"300ms\"\nservice = \"100ms\"\n{pool}"), Some((9, 0))),
        (format!("latency = \"300ms\"\nservice = \"100ms\"\n{pool}"), Some((10, 0))),
        (format!("latency = \"10ms\"\n{silent}"), None),
    ];
    for (backend, station) in cases {
        let run = first_run(&format!("{TEN}[backend.generic]\n{backend}{restart}"));
        let work = run.totals.workloads[0];
        assert_eq!((work.calls, work.answered, work.gave_up), (10, 9, 1), "{backend}");
        let found = run.totals.stations.first().map(|t| (t.served, t.dropped));
        assert_eq!(found, station, "{backend}");
        let struck = run.metrics.tally.exercise.struck.last().copied();
        assert_eq!(struck, Some(1), "{backend}");
    }
}

/// After the outage one worker of ten serves, and `floor(1 + 0.9 k)` after `k` seconds. With a service of 1 s they serve
/// 1 + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 calls in ten seconds; without a slow start, 100.
#[test]
fn workers_come_back_slowly_after_an_outage() {
    for (slow_start, served) in [("slow-start = { lasts = \"10s\", from = 0.1 }", 46), ("", 100)] {
        let text = format!(
            "horizon = \"20s\"\n[[workload]]\nname = \"herd\"\nclients = 500\nat = [\"10s\"]\n\
             [backend.generic]\nlatency = \"0s\"\nservice = \"1s\"\n\
             [[backend.pool]]\nname = \"servers\"\nendpoints = [\"generic\"]\nworkers = 10\n{slow_start}\n\
             [[fault]]\nkind = \"outage\"\nto = \"10s\"\n"
        );
        assert_eq!(first_run(&text).totals.stations[0].served, served, "{slow_start}");
    }
}

/// A poller of one call a second loses 6 of each 60 calls, three times.
#[test]
fn a_fault_comes_back() {
    let text = "horizon = \"600s\"\n[[workload]]\nname = \"poller\"\nevery = \"1s\"\nuntil = \"599s\"\n\
                [[fault]]\nkind = \"outage\"\nfrom = \"30s\"\nto = \"36s\"\nrepeat-every = \"1m\"\nrepeat-until = \"3m\"\n";
    let work = first_run(text).totals.workloads[0];
    assert_eq!((work.calls, work.gave_up), (600, 18));
}

/// Of 2,000 clients, 600 are struck; five standard deviations of a binomial count are 102. Clients behind one address are
/// struck together.
#[test]
fn a_fault_strikes_a_share_of_the_callers() {
    for of in ["user", "ip"] {
        let text = format!(
            "horizon = \"10s\"\n[[workload]]\nname = \"one\"\nclients = 2000\nclients-per-network = 5\nat = [\"1s\", \"2s\"]\n\
             [[fault]]\nkind = \"outage\"\nonly = {{ share = 0.3, of = \"{of}\" }}\n"
        );
        let lost = first_run(&text).totals.workloads[0].gave_up;
        assert_eq!(lost % if of == "ip" { 10 } else { 2 }, 0, "{of}: {lost}");
        let most = if of == "ip" { 2 * 230 } else { 2 * 102 };
        assert!(lost.abs_diff(1_200) < most, "{of}: {lost}");
    }
}

/// An operator blocks client 2 from 3 s to 6 s: the calls of those seconds are judged, and three of them refused.
#[test]
fn a_block_is_lifted_again() {
    let text = "horizon = \"20s\"\n[[workload]]\nname = \"six\"\nclients = 6\nevery = \"1s\"\nuntil = \"9s\"\n\
                [[backend.limit]]\nendpoints = [\"generic\"]\nkind = \"block\"\nkey = \"user\"\nnumbers = [2]\n\
                from = \"3s\"\nto = \"6s\"\n";
    let totals = first_run(text).totals.limits[0];
    assert_eq!((totals.admitted, totals.refused), (15, 3));
}

/// An operator lowers a limit at 5 s: ten calls a second pass before, two a second after.
#[test]
fn a_limit_is_lowered() {
    let limit = "[[backend.limit]]\nendpoints = [\"generic\"]\nkind = \"fixed-window\"\nkey = \"global\"\nwindow = \"1s\"\n";
    let text = format!(
        "horizon = \"10s\"\n[[workload]]\nname = \"all\"\nclients = 20\nevery = \"1s\"\nstarts = \"100ms\"\nuntil = \"9900ms\"\n\
         {limit}limit = 10\nto = \"5s\"\n{limit}limit = 2\nfrom = \"5s\"\n"
    );
    let [before, after] = first_run(&text).totals.limits[..] else { panic!("two limits") };
    assert_eq!((before.admitted, before.refused, after.admitted, after.refused), (50, 50, 10, 90));
}

/// A fleet whose sessions /tokens and /touch refuse, so that the policies differ.
const FLEET: &str = "horizon = \"10m\"\n[client]\nmodel = \"documented\"\n[fleet]\nusers = 60\nopens = { uniform = [\"0s\", \"30s\"] }\n\
    focus-every = { exponential = \"40s\" }\n\
    [[fault]]\nkind = \"status\"\nendpoints = [\"tokens\", \"touch\"]\nfrom = \"1m\"\nto = \"9m\"\nprobability = 0.2\nstatus = 429\n";

fn results(head: &str, tables: &str) -> Results {
    study(&format!("{head}\n{FLEET}{tables}")).run().unwrap_or_else(|e| panic!("{e}"))
}

fn rollout(name: &str, keys: &str) -> String {
    format!("[[rollout]]\nname = \"{name}\"\nold = \"old\"\nnew = \"new\"\n{keys}\n")
}

/// A rollout that reaches nobody is the old policy, one that has reached all at the start the new one, and one at 5 min is the
/// old policy until then.
#[test]
fn a_rollout_changes_the_policy_of_each_user_at_its_time() {
    let tables = [
        rollout("none", "from = \"0s\"\nto = \"0s\"\nshare = 0.0"),
        rollout("all", "from = \"0s\"\nto = \"0s\""),
        rollout("later", "from = \"5m\"\nto = \"5m\""),
        rollout("reload", "from = \"5m\"\nto = \"7m\"\nreload = true"),
    ];
    let policies = "policies = [\"old\", \"new\", \"none\", \"all\", \"later\", \"reload\"]";
    let results = results(policies, &tables.concat());
    let of = |name: &str| results.policy(name).unwrap_or_else(|| panic!("{name}"));
    let events = |name: &str| of(name).metric("unauthenticated_events").mean;
    assert_eq!(of("none").timelines, of("old").timelines);
    assert_eq!(of("all").timelines, of("new").timelines);
    let buckets = |name: &str| &of(name).timelines[0].buckets;
    assert_eq!(buckets("later")[..299], buckets("old")[..299]);
    assert_ne!(buckets("later")[300..], buckets("old")[300..]);
    assert!(events("new") < events("later") && events("later") < events("old"));
    assert_eq!(buckets("reload")[..299], buckets("old")[..299]);
    assert_ne!(of("reload").timelines, of("later").timelines, "pages reload");
}

/// A spread that is the same for all users is a later action.
#[test]
fn an_action_spreads_over_its_users() {
    let reload = |keys: &str| format!("[[action]]\ndo = \"reload\"\nusers = \"all\"\n{keys}\n");
    let of = |keys: &str| results("policies = [\"new\"]", &reload(keys)).policies[0].timelines.clone();
    assert_eq!(of("at = \"20s\"\nspread = \"10s\""), of("at = \"30s\""));
    assert_ne!(of("at = \"20s\"\nspread = { uniform = [\"0s\", \"20s\"] }"), of("at = \"30s\""));
}

/// The scenarios of restarts and rollouts show what their expectations say.
#[test]
fn shipped_scenarios_show_their_findings() {
    for name in ["deploy-restart", "rollout-in-time"] {
        let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let mut study = Study::load(path).unwrap_or_else(|e| panic!("{e}"));
        study.replications(1).unwrap_or_else(|e| panic!("{e}"));
        let results = study.run().unwrap_or_else(|e| panic!("{e}"));
        let shown: Vec<String> = results
            .policies
            .iter()
            .flat_map(|p| p.metrics.iter().map(move |m| format!("{}.{} {:?}", p.name, m.name, m.values)))
            .collect();
        let servers: Vec<_> = results.policies.iter().map(|p| &p.servers).collect();
        assert!(results.passes_check(), "{name}: {:#?}\n{shown:#?}\n{servers:#?}", results.expectations);
    }
}
