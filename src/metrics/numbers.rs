//! Numbers of a run that expectations name with labels: `new.answer_time_s{endpoint=touch, quantile=p99}`.
//!
//! Each is a value of one run, as a metric is. Results hold the ones that a scenario's expectations name.

use super::definitions::Stimulus;
use crate::plan::GroupKind;
use crate::protocol::Outcome;

/// What a label chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Label {
    /// A `[[cohort]]`, by name: its users only.
    Cohort,
    /// A `[[workload]]`, by name: its clients only.
    Workload,
    /// A policy of a mix, a rollout or the cohorts, by name: the users who are on it only.
    Policy,
    /// An app, by its name or number: its users only.
    App,
    /// A region, by its name or number: its users only.
    Region,
    /// A network address, by its name or number: its users only.
    Network,
    /// An endpoint, by name.
    Endpoint,
    /// How a call ended: an outcome of timeline.csv, or `failed` for every one that is a failure.
    Outcome,
    /// A quantile: `p1` to `p99`.
    Quantile,
    /// A pool of workers: the name of a `[[backend.pool]]`, or of an endpoint with workers of its own.
    Pool,
    /// A `[[backend.limit]]`, by its number in the file, from 1.
    Limit,
}

impl Label {
    /// All labels, in the order in which a name has them.
    pub const ALL: [Label; 11] = [
        Label::Cohort,
        Label::Workload,
        Label::Policy,
        Label::App,
        Label::Region,
        Label::Network,
        Label::Endpoint,
        Label::Outcome,
        Label::Quantile,
        Label::Pool,
        Label::Limit,
    ];

    /// Its name in a condition.
    pub const fn name(self) -> &'static str {
        match self {
            Label::Cohort => "cohort",
            Label::Workload => "workload",
            Label::Policy => "policy",
            Label::App => "app",
            Label::Region => "region",
            Label::Network => "network",
            Label::Endpoint => "endpoint",
            Label::Outcome => "outcome",
            Label::Quantile => "quantile",
            Label::Pool => "pool",
            Label::Limit => "limit",
        }
    }

    /// The kind of group of users that it chooses; `None` if it chooses something else.
    pub const fn users(self) -> Option<GroupKind> {
        match self {
            Label::Cohort => Some(GroupKind::Cohort),
            Label::Policy => Some(GroupKind::Policy),
            Label::App => Some(GroupKind::App),
            Label::Region => Some(GroupKind::Region),
            Label::Network => Some(GroupKind::Network),
            _ => None,
        }
    }

    /// Whether it says whose calls and harms are counted. A number has one such label at most.
    pub const fn says_whose(self) -> bool {
        self.users().is_some() || matches!(self, Label::Workload)
    }
}

/// The word of the label `outcome` for every outcome that is a failure.
pub const FAILED: &str = "failed";

/// Whether calls that ended in this way count for a value of the label `outcome`; no value stands for every outcome.
pub fn is_of_outcome(outcome: Outcome, value: Option<&str>) -> bool {
    match value {
        None => true,
        Some(FAILED) => outcome.is_failure(),
        Some(name) => outcome.name() == name,
    }
}

/// The percentage of a value of the label `quantile`: 99 of `p99`.
pub fn percent_of(quantile: &str) -> Option<u64> {
    let digits = quantile.strip_prefix('p').filter(|digits| !digits.starts_with('0') && digits.len() <= 2)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Fewer values than this have no quantile of their own: their greatest value would stand for it.
pub const fn least_for_quantile(percent: u64) -> u64 {
    100_u64.div_ceil(100 - percent)
}

/// Definition of a number with labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberDef {
    /// The number.
    pub number: Number,
    /// Its name in expectations, without labels.
    pub name: &'static str,
    /// Unit of the values.
    pub unit: &'static str,
    /// Labels that it must have.
    pub needs: &'static [Label],
    /// Labels that it may have.
    pub takes: &'static [Label],
    /// What it counts, as printed.
    pub definition: &'static str,
}

impl NumberDef {
    /// Its name with its labels, those that may be left out in brackets: `calls{[endpoint], [outcome]}`.
    pub fn form(&self) -> String {
        let needs = self.needs.iter().map(|label| label.name().to_owned());
        let takes = self.takes.iter().map(|label| format!("[{}]", label.name()));
        format!("{}{{{}}}", self.name, needs.chain(takes).collect::<Vec<_>>().join(", "))
    }
}

macro_rules! numbers {
    ($($id:ident $name:literal $unit:literal [$($needs:ident)*] [$($takes:ident)*] $definition:literal;)*) => {
        /// A number of a run that has labels.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Number {
            $(#[doc = $definition] $id,)*
        }

        /// Every number with labels.
        pub const NUMBERS: &[NumberDef] = &[$(NumberDef {
            number: Number::$id,
            name: $name,
            unit: $unit,
            needs: &[$(Label::$needs),*],
            takes: &[$(Label::$takes),*],
            definition: $definition,
        },)*];
    };
}

numbers! {
    Calls "calls" "calls" [] [Endpoint Outcome] "Calls of an endpoint, or of all, that ended in this way, or in any.";
    CallRate "calls_per_s" "calls/s" [] [Endpoint Outcome] "Calls of an endpoint, or of all, that ended in this way, or in any, per second of the whole buckets after the scenario's `warm-up`. A run whose warm-up has no end by the rule has no value.";
    AnswerTime "answer_time_s" "s" [Endpoint Quantile] [] "Time from sending a call to its answer, refusals included, at most 3.2% from the exact one. A run with too few answers for the quantile has no value.";
    PoolTime "pool_time_s" "s" [Pool Quantile] [] "Time of a served call at the workers, waiting and in service, at most 3.2% from the exact one. A run with too few served calls for the quantile has no value.";
    PoolOffered "pool_offered" "calls" [Pool] [] "Calls that reached the pool.";
    PoolServed "pool_served" "calls" [Pool] [] "Calls whose service ended.";
    PoolShed "pool_shed" "calls" [Pool] [] "Calls turned away with 503 because the queue was full.";
    PoolExpired "pool_expired" "calls" [Pool] [] "Calls turned away with 503 because they had waited too long.";
    PoolAbandoned "pool_abandoned" "calls" [Pool] [] "Calls left out or stopped because their clients had given up.";
    PoolDropped "pool_dropped" "calls" [Pool] [] "Calls lost in a restart.";
    PoolUtilisation "pool_utilisation" "ratio" [Pool] [] "Share of the workers' time that they are busy.";
    PoolWaiting "pool_waiting" "calls" [Pool] [] "Mean number of waiting calls.";
    PoolMostWaiting "pool_most_waiting" "calls" [Pool] [] "The most waiting calls at once.";
    PoolMeanWait "pool_mean_wait_s" "s" [Pool] [] "Mean wait of the calls whose service began.";
    LimitAsked "limit_asked" "calls" [Limit] [] "Calls that the limit judged.";
    LimitRefused "limit_refused" "calls" [Limit] [] "Calls that the limit refused.";
    LimitKeysRefused "limit_keys_refused" "keys" [Limit] [] "Keys of which any call was refused; the limit needs `report-keys`.";
    LimitCallersRefused "limit_callers_refused" "callers" [Limit] [] "Users or generic clients of which any call was refused; the limit needs `report-keys`.";
    LimitInnocentRefused "limit_innocent_refused" "callers" [Limit] [] "Callers that never asked more than their fair share, and of which any call was refused; the limit needs `report-keys`.";
}

impl Number {
    /// Whether a limit must have `report-keys` for the number.
    pub fn needs_report_keys(self) -> bool {
        matches!(self, Number::LimitKeysRefused | Number::LimitCallersRefused | Number::LimitInnocentRefused)
    }

    /// What must occur for the value to be meaningful, beside what its labels choose.
    pub fn stimulus(self, outcome: Option<&str>) -> Stimulus {
        let traffic = [Outcome::Ok, Outcome::Dropped, Outcome::InFlight].map(Outcome::name);
        match (self, outcome) {
            (Number::Calls | Number::CallRate, Some(name)) if name == Outcome::TooManyRequests.name() => {
                Stimulus::Limit
            }
            (Number::Calls | Number::CallRate, Some(name)) if !traffic.contains(&name) => Stimulus::Cause,
            _ => Stimulus::Traffic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{all_metrics, is_counted_by_group};
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_number_has_a_name_of_its_own_and_a_label() {
        let names: BTreeSet<&str> = NUMBERS.iter().map(|def| def.name).collect();
        assert_eq!(names.len(), NUMBERS.len());
        assert!(all_metrics().iter().all(|def| !names.contains(def.name)));
        assert!(NUMBERS.iter().all(|def| !def.needs.is_empty() || !def.takes.is_empty()));
        assert!(all_metrics().iter().any(|def| is_counted_by_group(def.metric)));
    }

    #[test]
    fn a_form_shows_the_labels() {
        let form = |number: Number| NUMBERS.iter().find(|def| def.number == number).map(NumberDef::form);
        assert_eq!(form(Number::Calls).as_deref(), Some("calls{[endpoint], [outcome]}"));
        assert_eq!(form(Number::AnswerTime).as_deref(), Some("answer_time_s{endpoint, quantile}"));
    }

    #[test]
    fn quantiles_and_outcomes_are_read() {
        let read = ["p1", "p50", "p99", "p0", "p100", "p", "99", "p5x", "p05", "p+5"].map(percent_of);
        assert_eq!(read, [Some(1), Some(50), Some(99), None, None, None, None, None, None, None]);
        // 100 answers for p99, 2 for p50, 20 for p95.
        assert_eq!([99, 50, 95, 1].map(least_for_quantile), [100, 2, 20, 2]);
        let of = |value| Outcome::ALL.into_iter().filter(|outcome| is_of_outcome(*outcome, value)).count();
        assert_eq!((of(None), of(Some("429")), of(Some("000"))), (Outcome::COUNT, 1, 0));
        let failures = Outcome::ALL.into_iter().filter(|outcome| outcome.is_failure()).count();
        assert_eq!(of(Some(FAILED)), failures);
        assert_eq!(Number::Calls.stimulus(Some("429")), Stimulus::Limit);
        assert_eq!(Number::Calls.stimulus(Some("200")), Stimulus::Traffic);
        assert_eq!(Number::Calls.stimulus(Some(FAILED)), Stimulus::Cause);
    }
}
