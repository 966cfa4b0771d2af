//! After warm-up, the handling of an event never calls the allocator: no allocation, no reallocation, no deallocation.
//!
//! The counter covers the whole process, so the measurement runs in its own process.

use authstorm::Study;
use authstorm::kernel::{Dur, Time};
use authstorm::world::{Control, Observer, observed};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::fmt::Debug;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls of the allocator so far, of all kinds.
fn calls() -> usize {
    let stats = COUNTING.stats();
    stats.allocations + stats.reallocations + stats.deallocations
}

/// Reads the counter at the first event of a time window and at the first event after it.
struct Counter {
    from: Time,
    to: Time,
    /// Number of the next event, and allocator calls before it.
    begins: Option<(u64, usize)>,
    ends: Option<(u64, usize)>,
}

impl Observer for Counter {
    const ACTIVE: bool = true;

    fn event(&mut self, number: u64, time: Time, _user: u32, _kind: &dyn Debug) {
        if time >= self.from && self.begins.is_none() {
            self.begins = Some((number, calls()));
        }
        if time >= self.to && self.ends.is_none() {
            self.ends = Some((number, calls()));
        }
    }
}

/// Before each window, tables grow to their largest size and the queue adapts to the density of events. The windows of
/// the two incidents lie within their storms. In the second incident, the refresh timers that the client leaks
/// (`clerk-js.md`) accumulate for 45 s before the window.
#[test]
#[ignore = "the next test runs it in its own process"]
fn alone() {
    for (name, users, from_s, to_s, at_least) in [
        ("rl-poll", "workload[0].clients=2500", 120, 590, 250_000),
        ("touch-429-clerk-js", "fleet.users=5000", 108, 118, 15_000),
        ("touch-429-cascade", "fleet.users=2500", 180, 298, 25_000),
        ("healthy", "fleet.users=2500", 180, 590, 250_000),
    ] {
        let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let plan = Study::load_with(path, &[users.to_owned()]).unwrap_or_else(|e| panic!("{e}")).plan();
        for (contender, policy) in plan.contenders.iter().enumerate() {
            let at = |s| Time(Dur::from_secs(s).0);
            let counter = Counter { from: at(from_s), to: at(to_s), begins: None, ends: None };
            let ended = observed(&plan, contender, 0, &Control::default(), counter);
            let (_, counter, _) = ended.unwrap_or_else(|e| panic!("{e}"));
            let (Some((first, before)), Some((last, after))) = (counter.begins, counter.ends) else {
                panic!("{name} under {}: the run ends too early", policy.name)
            };
            let run = format!("{name} under {}: {} events", policy.name, last - first);
            assert!(before > 0, "the counter has counted the start of the run");
            assert!(last - first >= at_least, "{run} are too few for a meaningful result");
            assert_eq!(after - before, 0, "{run} from {from_s} s to {to_s} s");
        }
    }
}

#[test]
fn a_running_simulation_does_not_allocate() {
    let program = std::env::current_exe().expect("the path of this program");
    let args = ["--exact", "allocations::alone", "--ignored", "--test-threads", "1"];
    let output = std::process::Command::new(program).args(args).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
