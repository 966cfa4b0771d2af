//! Scenarios that once loaded and then did something other than they say.

use crate::common::refusal::first_nanosecond;
use crate::common::root;
use authstorm::Study;
use authstorm::kernel::Time;
use authstorm::scenario::{Loaded, load, load_text};
use authstorm::verify::swarm;
use authstorm::world::{Control, FinalTab, Observer, Outside, Plan, Run, observed, run};
use std::path::{Path, PathBuf};

fn fault(name: &str) -> PathBuf {
    root().join("tests/faults").join(name)
}

fn study(text: &str) -> Study {
    Study::parse("fault.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// Calls `with` for every scenario of a folder that loads, and returns their number.
fn each_file(folder: &Path, mut with: impl FnMut(Loaded)) -> usize {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let loaded = files.filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let loaded: Vec<Loaded> = loaded.filter_map(|path| load(&path, &[]).ok()).collect();
    let count = loaded.len();
    loaded.into_iter().for_each(&mut with);
    count
}

#[test]
fn every_scenario_that_loads_runs_its_first_nanosecond() {
    assert!(each_file(&root().join("tests/faults"), first_nanosecond) >= 3);
    assert!(each_file(&root().join("scenarios"), first_nanosecond) >= 8);
    for seed in 0..300 {
        let text = swarm::scenario(seed);
        first_nanosecond(load_text("swarm", &text, &[]).unwrap_or_else(|e| panic!("{e}\n{text}")));
    }
}

#[test]
fn scenarios_beyond_the_limits_of_a_run_are_refused_when_loaded() {
    for (file, words) in [
        ("burst-64-bits.toml", "14:9: error[E107]: a burst of 213504 at 7/1d is beyond exact 64-bit credit"),
        ("workload-error-codes.toml", "9:11: error[E109]: too many different error codes; got 300"),
        (
            "action-user.toml",
            "12:1: error[E102]: missing key `user` in [[action]]; add user = 0, or users = \"all\"",
        ),
    ] {
        let said = load(&fault(file), &[]).expect_err(file).to_string();
        assert!(said.contains(words), "{said}");
    }
    let fits = load(&fault("burst-64-bits.toml"), &["backend.limit[0].burst=213503".to_owned()]);
    first_nanosecond(fits.unwrap_or_else(|e| panic!("{e}")));
}

/// Observer that records who is revoked and which actions reach whom.
#[derive(Default)]
struct Watch {
    revoked: Vec<u32>,
    offline: Vec<u32>,
    online: Vec<u32>,
}

impl Observer for Watch {
    const ACTIVE: bool = true;

    fn outside(&mut self, _now: Time, user: u32, what: Outside) {
        match what {
            Outside::Revoked => self.revoked.push(user),
            Outside::Offline => self.offline.push(user),
            Outside::Online => self.online.push(user),
            Outside::Reused => unreachable!("no family with refresh tokens here"),
            Outside::Asleep | Outside::Awake => unreachable!("no device sleeps here"),
        }
    }
}

fn watched(plan: &Plan) -> (Run, Watch, Vec<FinalTab>) {
    observed(plan, 0, 0, &Control::default(), Watch::default()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn an_inserted_fault_without_effect_changes_no_result() {
    let run = |file: &str| {
        let study = Study::load(fault(file)).unwrap_or_else(|e| panic!("{e}"));
        let watch = watched(&study.plan()).1;
        let results = study.run().unwrap_or_else(|e| panic!("{e}"));
        (watch.revoked, results.policies.into_iter().map(|p| (p.metrics, p.sessions)).collect::<Vec<_>>())
    };
    let (a, b) = (run("noop-in-front-a.toml"), run("noop-in-front-b.toml"));
    assert!(!a.0.is_empty() && a.0.len() < 200, "some users, not all: {}", a.0.len());
    assert_eq!(a.0, b.0);
    assert_eq!(format!("{:?}", a.1), format!("{:?}", b.1));
}

/// A fleet of 200 users with these additional tables.
fn fleet(more: &str) -> String {
    format!(
        "version = 1\nreplications = 1\nname = \"f\"\nhorizon = \"1m\"\npolicies = [\"old\"]\n[client]\nmodel = \"documented\"\n\
         [fleet]\nusers = 200\n{more}"
    )
}

fn revoked(more: &str) -> Vec<u32> {
    watched(&study(&fleet(more)).plan()).1.revoked
}

/// Shares are nested: a user drawn for a share of 0.3 is also drawn for 0.5.
#[test]
fn a_fault_keeps_its_draws_when_its_values_change() {
    let with = |name: &str, share: f64| {
        revoked(&format!("[[fault]]\n{name}kind = \"revocation\"\nfrom = \"5s\"\nshare = {share}\n"))
    };
    for name in ["", "name = \"some\"\n"] {
        let (few, more) = (with(name, 0.3), with(name, 0.5));
        assert!(few.len() < more.len() && few.iter().all(|user| more.contains(user)), "{few:?} {more:?}");
    }
    assert_ne!(with("", 0.5), with("name = \"some\"\n", 0.5), "each has its own stream");
    let twice = "[[fault]]\nkind = \"revocation\"\nfrom = \"5s\"\nshare = 0.5\n".repeat(2);
    let both = revoked(&twice);
    let (first, second) = both.split_at(with("", 0.5).len());
    assert_eq!(first, with("", 0.5));
    assert_ne!(first, second, "equal faults have different streams");
}

#[test]
fn the_draws_of_a_workload_do_not_depend_on_its_position() {
    let workload = |name: &str, clients: u32| {
        format!(
            "[[workload]]\nname = \"{name}\"\nclients = {clients}\nstarts = {{ uniform = [\"0s\", \"9s\"] }}\n\
             every = {{ exponential = \"3s\" }}\n\
             retry = {{ on = [\"5xx\"], initial = \"1s\", factor = 2, cap = \"9s\", retries = 3, jitter = \"full\" }}\n"
        )
    };
    let backend = "[backend.generic]\nlatency = { exponential = \"1s\" }\n\
                   [[fault]]\nkind = \"status\"\nstatus = 503\nendpoints = [\"generic\"]\nprobability = 0.4\n";
    let totals = |text: &str, of: usize| {
        let plan = study(text).plan();
        let users = 0..plan.scenario.fleet.users;
        let run = run(&plan, 0, 0, users, &Control::default()).unwrap_or_else(|e| panic!("{e}"));
        run.totals.workloads[of]
    };
    let alone = "version = 1\nreplications = 1\nname = \"f\"\nhorizon = \"1m\"\npolicies = [\"old\"]\n";
    let a = totals(&format!("{alone}{backend}{}", workload("a", 20)), 0);
    assert!(a.retries > 0 && a.gave_up > 0, "{a:?}");
    let behind = format!("{alone}{backend}{}{}", workload("b", 7), workload("a", 20));
    assert_eq!(totals(&behind, 1), a);
    assert_ne!(
        totals(&behind.replace("clients = 7", "clients = 20"), 0),
        a,
        "a workload with another name has other draws"
    );
    let beside = format!("{}{backend}{}", fleet(""), workload("a", 20));
    assert_eq!(totals(&beside, 0), a, "the fleet does not influence the workload");
}

fn action(users: &str) -> String {
    format!("[[action]]\nat = \"10s\"\ndo = \"revoke\"\n{users}\n")
}

#[test]
fn an_action_affects_the_users_that_it_names() {
    for (users, expected) in [
        ("user = 3", vec![3]),
        ("users = \"all\"", (0..200).collect()),
        ("users = { range = [10, 19] }", (10..20).collect()),
        ("users = { range = [199, 199] }", vec![199]),
        ("users = { share = 1 }", (0..200).collect()),
        ("users = { share = 0 }", vec![]),
    ] {
        assert_eq!(revoked(&action(users)), expected, "{users}");
    }
    // A share of 0.3 of 200 users: 60, plus or minus six standard deviations of a binomial count, 6.5 each.
    let some = revoked(&action("users = { share = 0.3 }"));
    assert!((21..=99).contains(&some.len()), "{some:?}");
    let more = revoked(&action("users = { share = 0.4 }"));
    assert!(some.iter().all(|user| more.contains(user)), "a larger share contains a smaller one");
}

/// Two actions on the same share affect the same users: those who go offline come online again. The position of the
/// actions in the list does not matter.
#[test]
fn actions_on_the_same_share_affect_the_same_users() {
    let act = |at: u32, what: &str, users: &str| {
        format!("[[action]]\nat = \"{at}s\"\ndo = \"{what}\"\nusers = {users}\n")
    };
    let share = "{ share = 0.3 }";
    let text = act(1, "focus", share)
        + &act(10, "offline", share)
        + &act(1, "focus", "\"all\"")
        + &act(20, "online", share);
    let watch = watched(&study(&fleet(&text)).plan()).1;
    assert!(!watch.offline.is_empty());
    assert_eq!(watch.offline, watch.online);
}

/// 20,000 independent users run in parts. Each part applies an action to its own users.
#[test]
fn actions_have_the_same_effect_in_parts() {
    let text = fleet(
        "[[action]]\nat = \"10s\"\ndo = \"revoke\"\nusers = { range = [8000, 17000] }\n\
         [[action]]\nat = \"12s\"\ndo = \"get-token\"\nusers = \"all\"\nskip-cache = true\n\
         [[action]]\nat = \"14s\"\ndo = \"offline\"\nusers = { share = 0.25 }\n\
         [[action]]\nat = \"16s\"\ndo = \"focus\"\nuser = 17000\n",
    )
    .replace("users = 200\n", "users = 20000\n");
    let plan = study(&text).plan();
    let whole = run(&plan, 0, 0, 0..20_000, &Control::default()).unwrap_or_else(|e| panic!("{e}")).metrics;
    let parts = plan.parts();
    assert!(parts.len() > 1);
    let mut sessions = Vec::new();
    for part in parts {
        sessions.extend(
            run(&plan, 0, 0, part, &Control::default()).unwrap_or_else(|e| panic!("{e}")).metrics.sessions,
        );
    }
    assert_eq!(format!("{sessions:?}"), format!("{:?}", whole.sessions));
}

#[test]
fn the_retry_after_warning_appears_if_no_client_obeys() {
    let warned = |text: &str| {
        let loaded = load_text("ra.toml", text, &[]).unwrap_or_else(|e| panic!("{e}"));
        loaded.warnings.iter().any(|w| w.contains("nobody obeys this `Retry-After`"))
    };
    let obeyed = std::fs::read_to_string(fault("ra-503.toml")).expect("it is there");
    assert!(!warned(&obeyed), "the workload obeys");
    // The call at 1 s is refused at 1.1 s. With `Retry-After: 30` it is retried at 31.1 s, 61.2 s and 91.3 s; otherwise
    // every 1.1 s. By 60 s there are two tries or four.
    let tries = |text: &str| {
        let plan = study(&text.replace("horizon = \"2m\"", "horizon = \"60s\"")).plan();
        run(&plan, 0, 0, 0..0, &Control::default()).unwrap_or_else(|e| panic!("{e}")).totals.workloads[0]
            .retries
            + 1
    };
    assert_eq!(tries(&obeyed), 2);
    for (old, new) in [
        ("honour-retry-after = true", "honour-retry-after = false"),
        ("on = [\"5xx\"]", "on = [\"5xx\", \"!503\"]"),
        ("retries = 3", "retries = 0"),
        ("endpoints = [\"generic\"]", "endpoints = [\"tokens\"]"),
    ] {
        assert_eq!(obeyed.matches(old).count(), 1, "{old}");
        assert!(warned(&obeyed.replace(old, new)), "{new}");
    }
    let unheard = obeyed.replace("honour-retry-after = true", "honour-retry-after = false");
    assert_eq!(tries(&unheard), 4);
    let on_tokens = |status: u16, honour: bool, endpoint: &str| {
        fleet(&format!(
            "[[policy]]\nname = \"mine\"\nenters-unauthenticated-flow = [\"401\"]\n\
             retry = {{ on = [\"5xx\"], initial = \"1s\", factor = 2, cap = \"9s\", retries = 3, honour-retry-after = {honour} }}\n\
             [[fault]]\nkind = \"status\"\nstatus = {status}\nendpoints = [\"{endpoint}\"]\nretry-after-s = 30\n"
        ))
        .replace("[\"old\"]", "[\"mine\"]")
    };
    assert!(!warned(&on_tokens(503, true, "tokens")));
    assert!(warned(&on_tokens(429, true, "tokens")), "429 is not retried");
    assert!(warned(&on_tokens(503, false, "tokens")));
    assert!(warned(&on_tokens(503, true, "touch")), "only getToken waits");
}

/// A restart at 3 s. One worker serves the first call for 10 s. The second is turned away at 1 s, and its 503 is on the way until 5 s.
/// Both lose their connection, so a client that retries network errors alone sends both again: 4 calls.
///
/// A call that is served at 1.1 s has an answer on the way for 10 s. Its connection breaks at 3 s, and with it its place of a
/// limit of one call at once is free: the call at 3.5 s is served.
#[test]
fn a_restart_breaks_connections_whose_answers_are_on_the_way() {
    let head = "version = 1\nname = 'restart'\nhorizon = '30s'\npolicies = ['new']\n\
                [[fault]]\nkind = 'restart'\nfrom = '3s'\n[[workload]]\nname = 'w'\n";
    let turned_away = "clients = 2\nat = ['1s']\n\
                       retry = { on = ['network'], initial = '1s', factor = 1, cap = '1s', retries = 1 }\n\
                       [backend.generic]\nlatency = '1s'\nrefused-latency = '4s'\nworkers = 1\nqueue = 0\nservice = '10s'\n";
    let results = study(&format!("{head}{turned_away}")).run().expect("a run");
    assert_eq!(results.policies[0].metric("requests_total").mean as u64, 4);
    let served = "at = ['1s', '3500ms']\n[backend.generic]\nlatency = '10s'\nworkers = 1\nservice = '100ms'\n\
                  [[backend.limit]]\nendpoints = ['generic']\nkind = 'concurrency'\nkey = 'global'\nlimit = 1\n";
    let results = study(&format!("{head}{served}")).run().expect("a run");
    let of = |name: &str| results.policies[0].metric(name).mean as u64;
    assert_eq!((of("requests_total"), of("responses_429"), of("callers_served")), (2, 0, 1));
}
