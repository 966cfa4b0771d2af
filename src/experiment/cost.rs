//! The cost of a study on a machine, in words and as data: events, time, memory, demand.

use super::Study;
use super::estimate::{Estimate, PolicyEstimate};
use crate::fleet::Tabs;
use crate::results::verdicts;
use crate::scenario::Scenario;
use crate::spec::json::output_schema;
use crate::text::number::counted;
use crate::text::size;
use crate::world::memory_estimate;
use schemars::JsonSchema;
use serde::Serialize;

/// Seconds of sessions plus calls of open workloads above which a run is worth a pilot. The guard stops a smaller run soon
/// enough.
const LARGE: f64 = 1e9;

/// An estimate of a study, with the speed of its pilot on a machine.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The estimate, which does not depend on the machine.
    pub estimate: Estimate,
    /// Events per second of one thread.
    pub speed: f64,
    /// Number of simultaneous runs.
    pub at_a_time: usize,
}

/// The cost of a study as data.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CostReport {
    /// Name of the scenario.
    pub scenario: String,
    /// Events of all runs.
    pub events: f64,
    /// Number of replications of each policy.
    pub replications: u32,
    /// The policies, in the study's order.
    pub policies: Vec<PolicyCost>,
    /// Seconds that the study takes on this machine, at the speed of the pilot.
    pub seconds: f64,
    /// Number of simultaneous runs.
    pub threads: usize,
    /// Speed of the pilot: events per second of one thread.
    pub events_per_s_per_thread: f64,
    /// The most memory of all simultaneous runs, in bytes.
    pub memory_bytes: u64,
    /// The most memory of one run, in bytes.
    pub memory_bytes_per_run: u64,
    /// Sessions of the larger pilot.
    pub pilot_sessions: u64,
    /// Events of all pilots.
    pub pilot_events: u64,
    /// Why the study would be refused. Empty if it would not.
    pub refused: Vec<String>,
}

/// The cost of one policy.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PolicyCost {
    /// Name of the policy.
    pub name: String,
    /// Events of one run.
    pub events_per_run: f64,
    /// Difference to the estimate of a pilot of half the size, as a share of the events.
    pub disagreement: f64,
    /// Demand before the first fault. Empty if no request is sent before it, or if the pilot was cut short.
    pub demand: Vec<DemandAt>,
    /// Time up to which the pilot ran, in seconds; null if it reached the end of the run.
    pub extrapolated_from_s: Option<f64>,
    /// Message of the guard that stopped the pilot and would stop the run; null if none did.
    pub stopped: Option<String>,
}

/// Demand at an endpoint or a limit.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DemandAt {
    /// The endpoint or the limit.
    pub place: String,
    /// Calls sent to it per second.
    pub offered_per_s: f64,
    /// Calls that it served per second.
    pub served_per_s: f64,
    /// Whether it is offered more than it serves, beyond chance.
    pub exceeds: bool,
}

/// The JSON Schema of [`CostReport`], draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<CostReport>("What `run --estimate --json` prints"))
}

/// Whether a run of the scenario may take so long that it is worth a pilot.
pub fn is_large(scenario: &Scenario) -> bool {
    size_of_run(scenario) >= LARGE
}

impl Cost {
    /// Seconds that the study takes.
    pub fn seconds(&self) -> f64 {
        self.estimate.events() / self.speed / self.at_a_time as f64
    }

    /// Memory of all simultaneous runs, in bytes.
    fn memory(&self, study: &Study) -> (u64, u64) {
        let per_run = memory_estimate(study.loaded()).bytes;
        (per_run, per_run.saturating_mul(self.at_a_time as u64))
    }

    /// Says that one of the study's runs is expected to exceed its event budget; `None` if none is.
    pub fn over_budget(&self, study: &Study) -> Option<String> {
        let limit = study.loaded().scenario.guard.max_events;
        let largest = self.estimate.largest();
        if largest.events <= limit as f64 {
            return None;
        }
        Some(format!(
            "a run of policy {} is expected to have about {} events, at {} events/s about {}; limit {}; \
             --set guard.max-events=N raises it",
            largest.name,
            count(largest.events),
            count(self.speed),
            duration(largest.events / self.speed),
            count(limit as f64),
        ))
    }

    /// The cost as data. `refusals` say why the study would be refused.
    pub fn report(&self, study: &Study, refusals: &[String]) -> CostReport {
        let estimate = &self.estimate;
        let (per_run, at_once) = self.memory(study);
        let policy = |p: &PolicyEstimate| PolicyCost {
            name: p.name.clone(),
            events_per_run: p.events.round(),
            disagreement: p.disagreement,
            demand: p
                .demand
                .iter()
                .map(|d| DemandAt {
                    place: d.place.clone(),
                    offered_per_s: d.offered_per_s(),
                    served_per_s: d.served_per_s(),
                    exceeds: d.exceeds(),
                })
                .collect(),
            extrapolated_from_s: p.cut_at.map(|t| t.as_secs_f64()),
            stopped: p.stopped.clone(),
        };
        CostReport {
            scenario: study.loaded().scenario.name.clone(),
            events: estimate.events().round(),
            replications: estimate.replications,
            policies: estimate.policies.iter().map(policy).collect(),
            seconds: self.seconds(),
            threads: self.at_a_time,
            events_per_s_per_thread: self.speed.round(),
            memory_bytes: at_once,
            memory_bytes_per_run: per_run,
            pilot_sessions: estimate.sessions,
            pilot_events: estimate.pilot_events,
            refused: refusals.to_vec(),
        }
    }

    /// The cost in words. `refusals` say why the study would be refused.
    pub fn in_words(&self, study: &Study, refusals: &[String]) -> String {
        let Cost { estimate, speed, at_a_time } = self;
        let scenario = &study.loaded().scenario;
        let sessions = sessions(scenario);
        let (per_run, at_once) = self.memory(study);
        let mut text = format!(
            "{}: {}, {}, {}, {}\n  events  about {} in all\n",
            scenario.name,
            counted(estimate.policies.len() as u64, "policy", "policies"),
            counted(u64::from(estimate.replications), "replication", "replications"),
            counted(sessions, "session", "sessions"),
            scenario.horizon,
            count(estimate.events()),
        );
        for policy in &estimate.policies {
            let events = count(policy.events);
            let more = match (&policy.stopped, policy.cut_at) {
                (Some(why), _) => format!("; a guard stops it: {why}"),
                (None, Some(at)) => format!(", at the pace of its first {at}"),
                (None, None) => String::new(),
            };
            text.push_str(&format!("          {} {events} a run{more}\n", policy.name));
        }
        text.push_str(&format!(
            "  time    about {}, {} at a time, at the {} events/s and thread of the pilot; longer where the \
             sessions do not fit the processor's caches\n",
            duration(self.seconds()),
            counted(*at_a_time as u64, "run", "runs"),
            count(*speed),
        ));
        text.push_str(&format!(
            "  memory  about {} at most, {} a run\n",
            size::in_words(at_once),
            size::in_words(per_run)
        ));
        let worst = estimate.policies.iter().map(|p| p.disagreement).fold(0.0, f64::max);
        text.push_str(&format!(
            "  pilot   {} of {sessions} sessions, limits and workers cut down alike; one of half that size disagrees by {:.0}% \
             at most\n",
            estimate.sessions,
            worst * 100.0
        ));
        for policy in &estimate.policies {
            for demand in policy.demand.iter().filter(|demand| demand.exceeds()) {
                text.push_str(&format!(
                    "  demand  {}\n",
                    verdicts::exceeded(&policy.name, demand, scenario.horizon)
                ));
            }
        }
        if estimate.policies.iter().all(|policy| policy.demand.is_empty()) {
            text.push_str(
                "  demand  not judged against capacity: no request is sent before the first fault, or the pilot was cut short\n",
            );
        }
        refusals.iter().for_each(|why| text.push_str(&format!("  refused {why}\n")));
        text
    }
}

fn sessions(scenario: &Scenario) -> u64 {
    u64::from(scenario.users()) + scenario.workloads.iter().map(|w| u64::from(w.clients)).sum::<u64>()
}

/// Seconds of sessions, counted per tab, plus calls of open workloads.
fn size_of_run(scenario: &Scenario) -> f64 {
    let tabs = scenario.fleets().map(|fleet| {
        let each = match &fleet.tabs {
            Tabs::Fixed(n) => f64::from(*n),
            Tabs::Shares(shares) => shares.iter().map(|s| f64::from(s.tabs) * s.share).sum(),
        };
        f64::from(fleet.users) * each
    });
    let horizon_s = scenario.horizon.as_secs_f64();
    let open = scenario.workloads.iter().filter_map(|w| {
        let gap_s = w.every.as_ref()?.mean_s();
        Some(f64::from(w.clients) * horizon_s / gap_s.max(1e-9))
    });
    let clients: f64 = scenario.workloads.iter().map(|w| f64::from(w.clients)).sum();
    (tabs.sum::<f64>() + clients) * horizon_s + open.sum::<f64>()
}

/// A number with two digits and a unit.
pub fn count(number: f64) -> String {
    let (factor, unit) = match number {
        n if n >= 1e15 => return format!("{n:.1e}"),
        n if n >= 1e12 => (1e12, " T"),
        n if n >= 1e9 => (1e9, " G"),
        n if n >= 1e6 => (1e6, " M"),
        n if n >= 1e4 => (1e3, " k"),
        _ => (1.0, ""),
    };
    let shown = number / factor;
    if shown < 10.0 && factor > 1.0 { format!("{shown:.1}{unit}") } else { format!("{shown:.0}{unit}") }
}

/// A time with one unit that fits.
pub fn duration(seconds: f64) -> String {
    const YEAR: f64 = 365.25 * 86_400.0;
    let (factor, unit) = match seconds {
        s if s >= 2.0 * YEAR => (YEAR, "years"),
        s if s >= 2.0 * 86_400.0 => (86_400.0, "days"),
        s if s >= 2.0 * 3_600.0 => (3_600.0, "hours"),
        s if s >= 120.0 => (60.0, "minutes"),
        s if s < 10.0 => return format!("{s:.1} s"),
        _ => (1.0, "s"),
    };
    format!("{:.0} {unit}", seconds / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_have_a_unit_that_fits() {
        for (number, text) in [
            (7.0, "7"),
            (9_999.0, "9999"),
            (12_345.0, "12 k"),
            (1_250_000.0, "1.2 M"),
            (43e6, "43 M"),
            (1e10, "10 G"),
            (2.5e12, "2.5 T"),
            (1e15, "1.0e15"),
        ] {
            assert_eq!(count(number), text);
        }
        for (seconds, text) in [
            (0.25, "0.2 s"),
            (42.0, "42 s"),
            (600.0, "10 minutes"),
            (7_200.0, "2 hours"),
            (864_000.0, "10 days"),
            (2e8, "6 years"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
