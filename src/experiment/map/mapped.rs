//! A map as data: map.json.

use super::CONFIDENCE;
use crate::kernel::Dur;
use crate::spec::json::output_schema;
use crate::stats::quantile_ci_order_stats;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a system comes back from a trigger: map.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Map {
    /// Version of authstorm.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario, without the values of the cells.
    pub scenario_hash: String,
    /// Seed of the scenario.
    pub seed: u64,
    /// Replications of each policy at each point.
    pub replications: u32,
    /// The key of the load or the capacity.
    pub load: String,
    /// Whether it is a capacity, so that greater values help.
    pub is_capacity: bool,
    /// The key of the trigger.
    pub trigger: String,
    /// A run that is back within this time of the end of the trigger is back at once.
    pub at_once: Dur,
    /// How long each load of the ramp lasts; absent without a ramp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Dur>,
    /// Confidence of all intervals of shares together, and of each interval of a median.
    pub confidence: f64,
    /// The map of each policy, in the scenario's order.
    pub policies: Vec<PolicyMap>,
    /// Number of runs, without reference runs.
    pub runs: u64,
    /// Events of all runs, reference runs included.
    pub events: u64,
}

/// The map of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyMap {
    /// The policy's name.
    pub name: String,
    /// Each load without any trigger, in the order of the question.
    pub loads: Vec<LoadAlone>,
    /// The cells: those of a load follow each other, with the triggers in the order of the question.
    pub cells: Vec<Cell>,
    /// The hardest load up to which every run without a trigger carries its load: the one at which the system falls by itself lies
    /// beyond. Absent if none does.
    pub keeps_up_to: Option<String>,
    /// The first load beyond it. Absent if the system falls at none.
    pub falls_at: Option<String>,
    /// Each trigger, in the order of the question.
    pub triggers: Vec<TriggerEnds>,
    /// What a load that rises and falls slowly shows; absent without a ramp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<PolicyRamp>,
}

/// What a load that rises and falls slowly shows, without a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyRamp {
    /// The steps, in their order: the loads up to the greatest, and down again.
    pub steps: Vec<RampStep>,
    /// Runs.
    pub runs: u64,
    /// Where runs fall on the way up: the first load that they do not carry.
    pub falls: Turn,
    /// Where the runs that fall come back on the way down: the first load from which on they carry all.
    pub comes_back: Turn,
    /// The load at which a run falls minus the one at which it comes back: the mean over the runs that fall, with its 95% interval.
    /// Absent if none falls, and if one of them does not come back.
    pub hysteresis: Option<[f64; 3]>,
}

/// A step of a ramp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RampStep {
    /// Clients.
    pub load: u32,
    /// Whether the load has risen so far.
    pub rising: bool,
    /// Begin of the step, in seconds of the run.
    pub from_s: f64,
    /// Runs.
    pub runs: u64,
    /// Runs that carry the load: at least 95% of the generic calls that are sent in the second half of the step are answered with
    /// success.
    pub carried: u64,
    /// Lower end of the interval of the share of runs that carry it (Clopper and Pearson 1934), which holds for all steps and policies
    /// together.
    pub carried_low: f64,
    /// Upper end.
    pub carried_high: f64,
}

/// Where runs turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Turn {
    /// Runs that turn, of those that fall.
    pub runs: u64,
    /// The median load over the runs that fall; absent where it lies beyond the ramp.
    pub median: Option<f64>,
    /// The least load; absent where a run does not turn within the ramp.
    pub least: Option<f64>,
    /// The greatest load.
    pub most: Option<f64>,
}

/// Runs of a load without any trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LoadAlone {
    /// The load, as a scenario writes it.
    pub load: String,
    /// The load as a number: of a rate its requests.
    pub number: f64,
    /// Runs.
    pub runs: u64,
    /// Those that serve what is asked for, and in which no failure lasts.
    pub kept: u64,
}

/// What the runs of a cell come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Every run is back at once.
    Stable,
    /// Every run is back before its end, some of them not at once.
    Recovers,
    /// Some runs are back before their end and some are not.
    Mixed,
    /// No run is back before its end.
    NotBack,
    /// Some run without any trigger does not carry the load either: this is overload, not metastable failure.
    Overloaded,
    /// The trigger struck nothing in any run: nothing is shown.
    NotExercised,
}

/// A load with a trigger. Shares and times are of the runs in which the trigger struck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Cell {
    /// The load, as a scenario writes it.
    pub load: String,
    /// The load as a number.
    pub load_number: f64,
    /// The trigger, as a scenario writes it.
    pub trigger: String,
    /// What the runs come to.
    pub kind: Kind,
    /// Runs.
    pub runs: u64,
    /// Runs in which the trigger struck a call, a session or a user.
    pub struck: u64,
    /// Of these, runs that are back at once.
    pub at_once: u64,
    /// Runs that are back later, before their end.
    pub later: u64,
    /// Runs that are not back at their end.
    pub not_back: u64,
    /// Seconds from the end of the last trigger to the end of the run.
    pub within_s: f64,
    /// Lower end of the interval of the share that is not back (Clopper and Pearson 1934), which holds for all cells and policies
    /// together. Absent if the trigger struck in no run.
    pub not_back_low: Option<f64>,
    /// Upper end.
    pub not_back_high: Option<f64>,
    /// Median time to recover; absent if at least half of the runs are not back.
    pub median_s: Option<f64>,
    /// Lower end of its interval from order statistics, pointwise. Absent if there are too few runs.
    pub median_low_s: Option<f64>,
    /// Upper end. Absent if there are too few runs, or if the end lies beyond that of the run.
    pub median_high_s: Option<f64>,
}

/// Up to which load the system comes back from a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TriggerEnds {
    /// The trigger, as a scenario writes it.
    pub trigger: String,
    /// The hidden capacity: the hardest load up to which every run comes back. Absent if it does not at the easiest load.
    pub back_up_to: Option<String>,
    /// The easiest load at which some run does not come back although the system carries the load without a trigger. Absent if there
    /// is none.
    pub not_back_at: Option<String>,
}

/// The JSON Schema of map.json, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Map>("The map of authstorm map"))
}

impl PolicyMap {
    pub(super) fn new(name: String, is_capacity: bool, loads: Vec<LoadAlone>, cells: Vec<Cell>) -> PolicyMap {
        let order = easiest_first(&loads, is_capacity);
        let kept = |load: &&usize| loads[**load].kept == loads[**load].runs;
        let name_of = |load: &usize| loads[*load].load.clone();
        let keeps_up_to = order.iter().take_while(kept).last().map(name_of);
        let falls_at = order.iter().find(|load| !kept(load)).map(name_of);
        let each = cells.len() / loads.len().max(1);
        let ends = |trigger: usize| {
            let cell = |load: &usize| &cells[load * each + trigger];
            let is_back = |load: &&usize| matches!(cell(load).kind, Kind::Stable | Kind::Recovers);
            let is_not = |load: &&usize| matches!(cell(load).kind, Kind::Mixed | Kind::NotBack);
            TriggerEnds {
                trigger: cell(&0).trigger.clone(),
                back_up_to: order.iter().take_while(is_back).last().map(name_of),
                not_back_at: order.iter().find(is_not).map(name_of),
            }
        };
        let triggers = (0..each).map(ends).collect();
        PolicyMap { name, loads, cells, keeps_up_to, falls_at, triggers, ramp: None }
    }
}

/// Loads by index, from the one that is easiest to carry.
pub(crate) fn easiest_first(loads: &[LoadAlone], is_capacity: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..loads.len()).collect();
    order.sort_by(|a, b| {
        let ascending = loads[*a].number.total_cmp(&loads[*b].number);
        if is_capacity { ascending.reverse() } else { ascending }
    });
    order
}

/// The median of times, and the ends of its interval from order statistics; each is absent where it lies beyond the run, or where there
/// are too few times. A time that does not come within the run, `None`, lies beyond all that do, so it counts. With one horizon for all
/// runs this is the median of Kaplan and Meier 1958, and its interval is exact.
pub(super) fn median(times: &[Option<f64>]) -> [Option<f64>; 3] {
    let mut sorted: Vec<f64> = times.iter().map(|time| time.unwrap_or(f64::INFINITY)).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |rank: u64| sorted.get(rank as usize - 1).copied().filter(|time| time.is_finite());
    let n = sorted.len() as u64;
    if n == 0 {
        return [None; 3];
    }
    let ranks = quantile_ci_order_stats(n, 0.5, CONFIDENCE);
    [at(n.div_ceil(2)), ranks.low.and_then(at), ranks.high.and_then(at)]
}

impl Kind {
    /// The kind in a word or two.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Stable => "stable",
            Kind::Recovers => "recovers",
            Kind::Mixed => "mixed",
            Kind::NotBack => "not back",
            Kind::Overloaded => "overloaded",
            Kind::NotExercised => "not exercised",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(load: f64, kind: Kind) -> Cell {
        Cell {
            load: load.to_string(),
            load_number: load,
            trigger: "10s".to_owned(),
            kind,
            runs: 1,
            struck: 1,
            at_once: 0,
            later: 0,
            not_back: 0,
            within_s: 1.0,
            not_back_low: None,
            not_back_high: None,
            median_s: None,
            median_low_s: None,
            median_high_s: None,
        }
    }

    fn map(is_capacity: bool, row: &[(f64, u64, Kind)]) -> (PolicyMap, [Option<String>; 4]) {
        let alone = |(load, kept, _): &(f64, u64, Kind)| LoadAlone {
            load: load.to_string(),
            number: *load,
            runs: 1,
            kept: *kept,
        };
        let cells = row.iter().map(|(load, _, kind)| cell(*load, *kind)).collect();
        let map = PolicyMap::new("new".to_owned(), is_capacity, row.iter().map(alone).collect(), cells);
        let ends = &map.triggers[0];
        let all =
            [&map.keeps_up_to, &map.falls_at, &ends.back_up_to, &ends.not_back_at].map(|load| load.clone());
        (map, all)
    }

    /// The cases of the reference family kaplan_meier that have one horizon: 12 and 6 of 20 runs recover within 600 s. Its intervals are
    /// approximate; these are exact, the 6th and the 15th of 20 values.
    #[test]
    fn a_median_counts_what_is_not_within_the_run() {
        let back = [15.0, 20.0, 22.0, 31.0, 40.0, 41.0, 60.0, 90.0, 120.0, 200.0, 310.0, 580.0];
        let times = |back: &[f64]| -> Vec<Option<f64>> {
            let never = std::iter::repeat_n(None, 20 - back.len());
            back.iter().copied().map(Some).rev().chain(never).collect()
        };
        assert_eq!(median(&times(&back)), [Some(200.0), Some(41.0), None]);
        assert_eq!(median(&times(&back[..6])), [None, Some(41.0), None]);
        assert_eq!(median(&[Some(1.0), None]), [Some(1.0), None, None]);
        assert_eq!(median(&[]), [None; 3]);
    }

    fn said(loads: [Option<&str>; 4]) -> [Option<String>; 4] {
        loads.map(|load| load.map(str::to_owned))
    }

    #[test]
    fn the_ends_of_the_region_are_read_from_the_easiest_load_on() {
        let row = [
            (1.0, 1, Kind::Stable),
            (2.0, 1, Kind::Recovers),
            (3.0, 1, Kind::Mixed),
            (4.0, 1, Kind::NotBack),
            (5.0, 0, Kind::Overloaded),
        ];
        assert_eq!(map(false, &row).1, said([Some("4"), Some("5"), Some("2"), Some("3")]));
        // The order of the question does not matter.
        let mut reversed = row;
        reversed.reverse();
        assert_eq!(map(false, &reversed).1, map(false, &row).1);
        // A greater capacity is easier.
        let row = [(1.0, 0, Kind::Overloaded), (2.0, 1, Kind::NotBack), (3.0, 1, Kind::Stable)];
        assert_eq!(map(true, &row).1, said([Some("2"), Some("1"), Some("3"), Some("2")]));
        // A cell that shows nothing ends what is known, and a gap is not jumped.
        let row = [(1.0, 1, Kind::NotExercised), (2.0, 1, Kind::Stable), (3.0, 1, Kind::Stable)];
        assert_eq!(map(false, &row).1, said([Some("3"), None, None, None]));
        let row = [(1.0, 1, Kind::Stable), (2.0, 1, Kind::NotBack), (3.0, 1, Kind::Stable)];
        assert_eq!(map(false, &row).1, said([Some("3"), None, Some("1"), Some("2")]));
    }
}
