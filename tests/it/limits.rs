//! Extreme scenarios: each ends in a result or in an error that names the cause.

use authstorm::kernel::dist::{Exponential, LogNormal};
use authstorm::kernel::queue::Calendar;
use authstorm::kernel::{Dist, Dur, Time};
use authstorm::results::Results;
use authstorm::{Error, Study};

/// A scenario of one policy with this fleet and these additional tables.
fn scenario(horizon: &str, fleet: &str, rest: &str) -> String {
    format!(
        "version = 1\nreplications = 1\nname = \"limits\"\nhorizon = \"{horizon}\"\nbucket = \"{horizon}\"\npolicies = [\"old\"]\n\
         [client]\nmodel = \"clerk-js-6.1.0\"\n[fleet]\n{fleet}\n{rest}\n"
    )
}

fn run(text: &str) -> Result<Results, Error> {
    Study::parse("limits.toml", text).unwrap_or_else(|e| panic!("{e}")).run()
}

/// Requests of a run that must end in a result.
fn requests(text: &str) -> f64 {
    let results = run(text).unwrap_or_else(|e| panic!("{e}"));
    results.policies[0].metric("requests_total").mean
}

fn stopped(text: &str) -> String {
    match run(text) {
        Err(Error::Stopped(stopped)) => stopped.to_string(),
        other => panic!("it was to be stopped: {:?}", other.map(|r| r.engine.events)),
    }
}

/// A global limit connects the users, so they are simulated together.
#[test]
fn a_million_simultaneous_users_are_allowed() {
    let tie = "[backend]\nlatency = \"100ms\"\n[[backend.limit]]\nendpoints = [\"tokens\"]\nkind = \"fixed-window\"\n\
               key = \"global\"\nlimit = 4000000\nwindow = \"1s\"\nsource = \"made up\"";
    let text = scenario("2s", "users = 1000000", tie);
    let results = run(&text).unwrap_or_else(|e| panic!("{e}"));
    assert!(results.engine.events >= 3_000_000, "{} events", results.engine.events);
    assert_eq!(results.policies[0].metric("sign_outs").mean.to_bits(), 0);
}

/// The queue alone: a million simultaneous events come in scheduling order.
#[test]
fn a_million_simultaneous_events_keep_their_order() {
    let mut queue = Calendar::default();
    (0..1_000_000u32).for_each(|n| queue.push(Time(7), n));
    for n in 0..1_000_000u32 {
        assert_eq!(queue.pop(Time(7), |_| {}), Some((Time(7), n)));
    }
    assert!(queue.is_empty());
}

#[test]
fn time_saturates_instead_of_wrapping() {
    let mut queue = Calendar::default();
    queue.push(Time(u64::MAX - 1), 1);
    queue.push(Time(u64::MAX - 1), 2);
    assert_eq!(queue.pop(Time(u64::MAX - 2), |_| {}), None);
    assert_eq!(queue.pop(Time(u64::MAX - 1), |_| {}), Some((Time(u64::MAX - 1), 1)));
    assert_eq!(
        Time(u64::MAX - 1).after(Dur(5)),
        Time(u64::MAX).after(Dur(5)),
        "the latest time is the maximum"
    );
    // Draws from the ends of the unit interval fit the clock.
    for bits in [0, 1, u64::MAX, 1 << 11, 1 << 63] {
        let huge = Dist::LogNormal(LogNormal { median: Dur(1 << 62), sigma: 10.0 });
        assert!(huge.sample(bits) <= Dur(1 << 63));
        assert!(Dist::Exponential(Exponential(Dur(u64::MAX))).sample(bits) <= Dur(1 << 63));
        assert!(Dist::uniform(Dur(0), Dur(u64::MAX)).sample(bits) <= Dur(u64::MAX));
    }
}

#[test]
fn a_run_of_a_hundred_years_with_few_events_ends() {
    let visit = "users = 2\nopens = { uniform = [\"36499d\", \"36500d\"] }\nstays = \"1h\"";
    assert!(requests(&scenario("36500d", visit, "")) > 10.0);
    let refused = Study::parse("limits.toml", &scenario("36600d", "users = 1", ""));
    assert!(matches!(refused, Err(Error::Scenario(_))), "beyond a hundred years");
}

#[test]
fn answers_beyond_the_horizon_never_arrive() {
    let text = scenario(
        "1h",
        "users = 3",
        "[backend]\nlatency = \"18000d\"\n[[fault]]\nkind = \"latency\"\nadd = { log-normal = { median = \"14000d\", sigma = 10 } }",
    );
    let results = run(&text).unwrap_or_else(|e| panic!("{e}"));
    let policy = &results.policies[0];
    assert!(policy.metric("requests_total").mean > 0.0, "calls in flight at the end are counted");
}

#[test]
fn queues_at_their_bounds_shed_and_end() {
    for (workers, queue) in [(1, 0), (1, 1), (1, 1_000_000), (1_000, 0)] {
        let backend = format!("[backend.client]\nworkers = {workers}\nqueue = {queue}\nservice = \"30s\"");
        let text = scenario("2m", "users = 500", &backend);
        assert!(requests(&text) >= 500.0, "{workers} workers, {queue} waiting");
    }
}

#[test]
fn limits_at_their_extremes_end() {
    let year = "window = \"36500d\"";
    for limit in [
        "kind = \"token-bucket\"\nrate = \"1/36500d\"\nburst = 1",
        "kind = \"gcra\"\nrate = \"1/36500d\"\nburst = 1000000",
        "kind = \"gcra\"\nrate = \"999999999999/1ns\"\nburst = 1",
        "kind = \"leaky-bucket\"\nrate = \"1/36500d\"\nburst = 100",
        &format!("kind = \"fixed-window\"\nlimit = 1\n{year}"),
        &format!("kind = \"sliding-log\"\nlimit = 1\n{year}"),
        &format!("kind = \"sliding-counter\"\nlimit = 1\n{year}"),
        "kind = \"fixed-window\"\nlimit = 4000000000\nwindow = \"1ns\"",
        "kind = \"sliding-counter\"\nlimit = 4000000000\nwindow = \"1ns\"",
        "kind = \"concurrency\"\nlimit = 1",
    ] {
        let text = scenario(
            "3m",
            "users = 50\nfocus-every = \"1s\"",
            &format!("[[backend.limit]]\nendpoints = [\"touch\", \"tokens\"]\nkey = \"global\"\n{limit}"),
        );
        match Study::parse("limits.toml", &text) {
            Ok(study) => {
                let results = study.run().unwrap_or_else(|e| panic!("{limit}: {e}"));
                assert!(results.engine.events > 0, "{limit}");
            }
            Err(Error::Scenario(errors)) => {
                assert!(errors.to_string().contains("allowed"), "{limit}: {errors}");
            }
            Err(other) => panic!("{limit}: {other}"),
        }
    }
}

/// A loop of steps of one nanosecond. Time advances, so the livelock guard is silent and the event budget stops the
/// run.
#[test]
fn a_loop_of_nanosecond_steps_exceeds_the_event_budget() {
    let rest = "[backend]\nlatency = \"1ns\"\n[[fault]]\nkind = \"status\"\nendpoints = [\"tokens\", \"client\"]\nstatus = 401\n\
                from = \"30s\"\n[guard]\nmax-events = 200000";
    let said = stopped(&scenario("1h", "users = 5", rest));
    assert!(said.contains("event budget: more than 200000 events"), "{said}");
    assert!(said.contains("policy old, replication 0"), "{said}");
}

/// Tabs of one browser wake each other without delay. The guard counts the events of one time over all sessions.
#[test]
fn a_loop_without_delay_is_reported_with_its_session() {
    let rest = "[backend]\nlatency = \"0s\"\n[[fault]]\nkind = \"status\"\nendpoints = [\"tokens\", \"client\"]\nstatus = 401\n\
                from = \"30s\"";
    for fleet in ["users = 1", "users = 1\ntabs = 4", "users = 200\ntabs = 2"] {
        let said = stopped(&scenario("1h", fleet, rest));
        assert!(said.contains("livelock") && said.contains("without time moving"), "{fleet}: {said}");
        assert!(said.contains("chain: #"), "{fleet}: {said}");
    }
}
