//! Judges on random scenarios: each seed draws a scenario, every policy runs it, and no run may break a law.
//!
//! 1. Every call has exactly one outcome, and outcomes add up to the calls sent.
//! 2. No limit admits more than its kind allows, in any window, or counts more, if it counts failures or successes only.
//!    Nothing is admitted during a penalty. What a limit reports of its keys is what happened to them.
//! 3. A signed-out tab begins nothing but a sign-in. Running background refresh chains and retries continue, as the
//!    recordings show, and so do the timers of a page's other client objects.
//! 4. At most one poller of a browser is in a tick at a time.
//! 5. Time never goes backward.
//! 6. Little's law holds on every queue, to the nanosecond.
//! 7. Events from outside (openings, focus, app calls) are the same under every policy, and so is the effect of faults
//!    on the same question.
//!
//! The swarm then checks relations between runs, a third of them on each scenario (see `relations`). It sets keys that the
//! seed draws to their bounds (see `bounds`). A second simulation must do the same as the engine on a scenario of the seed
//! (see [`super::independent`]).

mod bounds;
mod draw;
mod judge;
mod populations;
mod relations;
mod servers;

pub use bounds::broken_bounds;
pub use draw::scenario;

use crate::backend::{Endpoint, LimitSpec};
use crate::client::step::Input;
use crate::experiment::Study;
use crate::parallel;
use crate::verify::independent::{self, Compared, compared};
use crate::world::{Control, Plan, Run, observed};
use judge::{Judge, broken_bound};

/// Result of one seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// The seed.
    pub seed: u64,
    /// Events of all its runs.
    pub events: u64,
    /// Calls of all its runs.
    pub calls: u64,
    /// Whether a guard stopped one of its runs, which was then not judged to its end.
    pub stopped: bool,
    /// Relations between runs that held.
    pub relations: u64,
    /// Calls that the second simulation makes in the same way as the engine.
    pub calls_of_both: u64,
    /// Violations of laws, and relations that did not hold.
    pub violations: Vec<String>,
}

impl Draw {
    /// The command that reproduces it.
    pub fn command(&self) -> String {
        format!("authstorm verify --swarm-seed {}", self.seed)
    }
}

/// Judges the scenarios of these seeds.
pub fn swarm(seeds: std::ops::Range<u64>) -> Vec<Draw> {
    parallel::map(&Vec::from_iter(seeds), |&seed| judge(seed))
}

/// Judges the scenario of one seed.
pub fn judge(seed: u64) -> Draw {
    let text = scenario(seed);
    let mut draw = Draw { seed, ..Draw::default() };
    laws(&text, &mut draw);
    laws(&servers::scenario(seed), &mut draw);
    laws(&populations::scenario(seed), &mut draw);
    laws(&independent::scenario(seed), &mut draw);
    let asked = relations::ask(seed);
    draw.relations = asked.held;
    let broken = asked.broken.iter().map(|(name, broken)| format!("relation \"{name}\": {}", broken.what));
    draw.violations.extend(broken);
    draw.violations.extend(bounds::extremes(seed));
    match compared(seed) {
        Compared::Stopped => {}
        Compared::Same(calls) => draw.calls_of_both = calls,
        Compared::Unlike(what) => draw.violations.push(what),
    }
    draw
}

/// The relations that the scenario of one seed breaks, each with the smallest pair of scenarios found that breaks it.
pub fn broken_relations(seed: u64) -> Vec<String> {
    let asked = relations::ask(seed);
    let smallest = |(name, broken): &(&str, relations::Broken)| {
        let broken = relations::smallest(seed, name).unwrap_or_else(|| broken.clone());
        format!(
            "relation \"{name}\": {}\n# the scenario\n{}\n# and this one\n{}",
            broken.what, broken.first, broken.second
        )
    };
    asked.broken.iter().map(smallest).collect()
}

/// Name and domain of each relation between runs. Relations that are not expected to hold are left out.
pub fn relations() -> impl Iterator<Item = (&'static str, &'static str)> {
    relations::RELATIONS.iter().filter(|r| r.expected).map(|r| (r.name, r.domain))
}

/// Judges a scenario under each of its policies.
fn laws(text: &str, draw: &mut Draw) {
    let plan = match Study::parse("swarm", text) {
        Ok(study) => study.plan(),
        Err(error) => {
            draw.violations.push(format!("a drawn scenario does not load: {error}"));
            return;
        }
    };
    let mut seen: Vec<Judge> = Vec::new();
    for contender in 0..plan.contenders.len() {
        let name = &plan.contenders[contender].name;
        match observed(&plan, contender, 0, &Control::default(), Judge::new(&plan)) {
            // A storm may be too large for the judges. A stop by the guard is a result, not a violation.
            Err(_) => {
                draw.stopped = true;
                return;
            }
            Ok((run, mut judge, _)) => {
                draw.events += run.events;
                draw.calls += judge.sent.iter().sum::<u64>() + judge.generic_ended;
                conserve(&run, &mut judge);
                little(&run, &mut judge);
                bounds(&plan, &mut judge);
                reports(&plan, &run, &mut judge);
                draw.violations.extend(judge.violations.iter().map(|what| format!("{name}: {what}")));
                seen.push(judge);
            }
        }
    }
    compare(&plan, &seen, &mut draw.violations);
}

fn conserve(run: &Run, judge: &mut Judge) {
    let mut outcomes = [0u64; Endpoint::COUNT];
    for bucket in &run.metrics.tally.timeline.buckets {
        for (sum, counts) in outcomes.iter_mut().zip(&bucket.calls) {
            *sum += counts.iter().sum::<u64>();
        }
    }
    let generic: u64 = run.totals.workloads.iter().map(|w| w.calls + w.retries - w.unsent).sum();
    let mut sent = judge.sent;
    sent[crate::client::workload::GENERIC.index()] += generic;
    if sent != outcomes {
        judge.violations.push(format!("sent {sent:?}, outcomes {outcomes:?}"));
    }
    if judge.still_open() > 0 || judge.generic_ended != generic {
        let what = format!(
            "{} calls without an outcome, {} generic outcomes for {generic} generic calls",
            judge.still_open(),
            judge.generic_ended
        );
        judge.violations.push(what);
    }
}

fn little(run: &Run, judge: &mut Judge) {
    for (pool, t) in run.totals.stations.iter().enumerate() {
        let queue_holds = t.waiting > 0 || t.queue_area == t.waits + t.lost_waits;
        let ended = t.served + t.shed + t.expired + t.abandoned + t.dropped;
        if t.system_area != t.sojourns || !queue_holds || t.arrivals != ended + t.inside {
            judge.violations.push(format!("Little's law at pool {pool}: {t:?}"));
        }
    }
}

fn bounds(plan: &Plan, judge: &mut Judge) {
    let limits = &plan.backend.limits;
    let at_once = |limit: &LimitSpec| {
        limit.endpoints.iter().all(|endpoint| plan.backend.route(*endpoint).pool.is_none())
    };
    let broken: Vec<String> = judge
        .verdicts
        .iter()
        .filter_map(|((limit, key), verdicts)| {
            let spec = &limits[*limit as usize];
            let what = broken_bound(spec, verdicts, at_once(spec))?;
            Some(format!("limit {limit}, key {key}: {what}"))
        })
        .collect();
    judge.violations.extend(broken);
}

/// What a limit reports of its keys is what the judge has seen of them.
fn reports(plan: &Plan, run: &Run, judge: &mut Judge) {
    let totals = plan.backend.limits.iter().zip(&run.metrics.tally.exercise.limits).enumerate();
    for (number, (spec, totals)) in totals.filter(|(_, (spec, _))| spec.report_keys) {
        let of_limit = judge.verdicts.iter().filter(|((limit, _), _)| usize::from(*limit) == number);
        let keys: Vec<(u64, u64)> = of_limit
            .map(|(_, verdicts)| {
                let refused = verdicts.judged.iter().filter(|(_, admitted, _)| !admitted).count() as u64;
                (verdicts.judged.len() as u64, refused)
            })
            .collect();
        let who = totals.who;
        let expected = (
            keys.iter().filter(|(asked, _)| *asked > 0).count() as u64,
            keys.iter().filter(|(_, refused)| *refused > 0).count() as u64,
            keys.iter().map(|(_, refused)| *refused).max().unwrap_or(0),
        );
        let found = (who.keys, who.keys_refused, who.worst_key_refused);
        let is_ordered = who.innocent_refused <= who.callers_refused.min(who.innocent)
            && who.innocent.max(who.callers_refused) <= who.callers
            && who.keys <= who.callers;
        if found != expected || !is_ordered {
            let what =
                format!("limit {number} ({}) reports {who:?}, the judge saw {expected:?}", spec.in_words());
            judge.violations.push(what);
        }
    }
}

/// Compares every policy's run with the first one's.
fn compare(plan: &Plan, seen: &[Judge], violations: &mut Vec<String>) {
    let Some((first, others)) = seen.split_first() else { return };
    let scenario = &plan.scenario;
    let signs_in = scenario.fleets().any(|fleet| fleet.sign_in_again.is_some());
    // The scenario decides when pages open and apps call, except for page loads after a sign-in and those that bring a policy.
    let ships = plan.contenders.iter().any(|of| of.rollout.is_some_and(|rollout| rollout.reload));
    let loads_differ = signs_in || ships;
    let outside = |judge: &Judge| {
        let events = judge.exogenous.iter().filter(|(_, _, input)| !loads_differ || *input != Input::Open);
        events.copied().collect::<Vec<_>>()
    };
    // Limits, queues and counted faults depend on the other callers. A sign-in makes a session valid again.
    let same_question = scenario.backend.limits.is_empty()
        && Endpoint::ALL.iter().all(|e| plan.backend.route(*e).pool.is_none())
        && scenario.faults.iter().all(|fault| fault.count.is_none())
        && !signs_in;
    for (number, judge) in others.iter().enumerate() {
        let name = &plan.contenders[number + 1].name;
        let (ours, theirs) = (outside(first), outside(judge));
        if ours != theirs {
            let at =
                ours.iter().zip(&theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
            violations.push(format!(
                "{name}: event {at} from outside is {:?}, under the first policy {:?}",
                theirs.get(at),
                ours.get(at)
            ));
        }
        if same_question {
            let differ = |(question, status): &(&(u32, u8, crate::kernel::Time), &u16)| {
                first.answers.get(question).is_some_and(|s| s != *status)
            };
            if let Some((question, status)) = judge.answers.iter().find(differ) {
                violations.push(format!("{name}: the same call {question:?} is answered {status} here"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that no drawn scenario has, and why. Each is set to its bounds all the same (see `bounds`).
    const NEVER_DRAWN: &[(&str, &str)] = &[
        ("backend.limit.limiter", "a program that uses the library brings it"),
        ("backend.limit.numbers", "of a limiter that a program brings"),
        ("backend.limit.source", "a text for readers"),
        ("check.confidence", "no run depends on it; tests/it/check.rs"),
        ("client.sdk", "a program that uses the library brings it"),
        ("client.storage-ignores-removals", "recordings of two supabase-js releases check it"),
        ("expect.cohort", "no run depends on a condition; tests/it/cohorts.rs"),
        ("expect.may-be-vacuous", "no run depends on a condition"),
        ("expect.of", "no run depends on a condition"),
        ("expect.that", "no run depends on a condition"),
        ("policy-files", "a scenario from text has no directory to look for files in"),
    ];

    /// Every key of the format is in a scenario that the laws judge.
    #[test]
    fn every_key_is_drawn() {
        use crate::spec::{Table, Ty};
        use std::collections::BTreeSet;
        fn keys(table: &'static Table, path: &str, all: &mut BTreeSet<String>) {
            for key in &table.keys {
                let path = format!("{path}{}", key.name);
                match key.ty.entry().unwrap_or(&key.ty) {
                    Ty::Table(inner) => keys(inner, &format!("{path}."), all),
                    _ => _ = all.insert(general(&path)),
                }
            }
        }
        /// A fleet is a fleet wherever it stands, and so are a client, a retry and an endpoint.
        fn general(path: &str) -> String {
            let mut path = path.replace("cohort.fleet.", "fleet.").replace("cohort.client.", "client.");
            for part in ["retry.", "retry-budget.", "resilience.", "circuit-breaker.", "windowed-retry."] {
                path = path.replace(&format!("workload.{part}"), &format!("policy.{part}"));
            }
            let of = |path: String, endpoint: &Endpoint| {
                let path = path.replace(&format!("backend.{endpoint}."), "backend.tokens.");
                path.replace(&format!("cost-of.{endpoint}"), "cost-of.tokens")
            };
            Endpoint::ALL.iter().fold(path, of)
        }
        fn drawn(value: &toml::Value, path: &str, all: &mut BTreeSet<String>) {
            match value {
                toml::Value::Table(table) => table.iter().for_each(|(key, value)| {
                    let path = format!("{path}{key}");
                    all.insert(general(&path));
                    drawn(value, &format!("{path}."), all);
                }),
                toml::Value::Array(entries) => entries.iter().for_each(|entry| drawn(entry, path, all)),
                _ => {}
            }
        }
        let (mut all, mut seen) = (BTreeSet::new(), BTreeSet::new());
        keys(crate::scenario::format::scenario(), "", &mut all);
        for seed in 0..200 {
            let texts = [
                scenario(seed),
                servers::scenario(seed),
                populations::scenario(seed),
                independent::scenario(seed),
            ];
            for text in texts {
                drawn(&toml::Value::Table(text.parse().expect("a scenario is TOML")), "", &mut seen);
            }
        }
        let missing: Vec<&str> = all.difference(&seen).map(String::as_str).collect();
        assert_eq!(missing, NEVER_DRAWN.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    }

    #[test]
    fn drawn_populations_break_no_law() {
        let judged = |seed: u64| {
            let mut draw = Draw { seed, ..Draw::default() };
            laws(&populations::scenario(seed), &mut draw);
            laws(&independent::scenario(seed), &mut draw);
            draw
        };
        let draws: Vec<Draw> = parallel::map(&Vec::from_iter(0..60), |&seed| judged(seed));
        assert!(draws.iter().map(|draw| draw.calls).sum::<u64>() > 20_000);
        for draw in draws {
            assert!(draw.violations.is_empty(), "{}: {:#?}", draw.command(), draw.violations);
        }
    }

    #[test]
    fn thirty_random_scenarios_break_no_law() {
        let draws = swarm(140..170);
        assert!(draws.iter().map(|d| d.calls).sum::<u64>() > 10_000);
        assert!(draws.iter().map(|d| d.relations).sum::<u64>() > 50);
        for draw in draws {
            assert!(draw.violations.is_empty(), "{}: {:#?}", draw.command(), draw.violations);
        }
    }
}
