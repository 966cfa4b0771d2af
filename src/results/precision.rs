//! How precisely results were asked for, and what came of it.

use super::serial;
use crate::stats::{MAY_DIFFER, MEASURED_COVERAGE};
use crate::text::number::{NEVER, counted, share, short, upper_share, whole};
use crate::text::tick;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was asked: replications until some numbers are known precisely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// The numbers with their half widths, as written: `new.requests_total=5%`, or `5%` for a choice of numbers.
    pub widths: Vec<String>,
    /// The half width of a mean that is enough however small the mean is, in the unit of the metric; absent where it is the
    /// default of each metric.
    pub floor: Option<f64>,
    /// The most replications.
    pub max_replications: u32,
}

/// Replications until some numbers are known precisely: what was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Precision {
    /// What was asked.
    pub asked: Asked,
    /// Whether every number is known as precisely as was asked.
    pub reached: bool,
    /// Numbers of replications at which the rule looked; the last is the number of replications.
    pub looks: Vec<u32>,
    /// Confidence of each interval by itself.
    pub confidence: f64,
    /// The numbers, in the order in which they were asked for.
    pub numbers: Vec<Precise>,
}

/// How precisely a number is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Precise {
    /// The number: a sum of metrics such as `new.requests_total`, or a condition such as `new.false_sign_outs == 0`.
    pub of: String,
    /// What is estimated.
    pub what: Estimated,
    /// Unit of a mean; empty for a share.
    pub unit: String,
    /// The half width that was asked for, as written: `5%` of a mean, or `20` in its unit.
    pub asked: String,
    /// The estimate.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub value: f64,
    /// Lower end of its interval; equal to the estimate where there is none.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub ci_low: f64,
    /// Upper end.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub ci_high: f64,
    /// Half width of the interval; null where there is none.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub half_width: f64,
    /// The half width that is enough; null where no half width is.
    #[serde(with = "serial::float")]
    #[schemars(with = "Option<f64>")]
    pub enough: f64,
    /// Whether the floor is what is enough, since the mean is small.
    pub by_floor: bool,
    /// Whether the number is known as precisely as was asked.
    pub reached: bool,
    /// Replications without a value: what does not happen within the run, or a quantile of too few calls.
    pub without: u32,
    /// Replications in which something happened that could move the number.
    pub exercised: u32,
    /// Where all replications have one value: the upper bound of the share of runs with another one, at any number of runs.
    pub may_differ: Option<f64>,
}

/// What is estimated of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Estimated {
    /// Its mean over runs, with the interval of Student's t.
    Mean,
    /// The share of runs that meet a condition, with an interval that holds at any number of runs.
    Share,
    /// The share of runs in which it happens, since it does not happen within some runs, so that it has no mean. The interval
    /// holds at any number of runs.
    ShareWithin,
}

/// The most numbers that are told in sentences.
const MOST_TOLD: usize = 8;

impl Precision {
    /// Number of replications.
    pub fn replications(&self) -> u32 {
        self.looks.last().copied().unwrap_or(0)
    }

    /// What was asked and what came of it, a sentence each, without full stops.
    pub fn in_words(&self) -> Vec<String> {
        let numbers = self.numbers.len() as u64;
        let reached = self.numbers.iter().filter(|number| number.reached).count() as u64;
        let runs = counted(self.replications().into(), "replication", "replications");
        let looks: Vec<String> = self.looks.iter().map(|look| whole((*look).into())).collect();
        let looks = format!("looks at {}; at most {}", looks.join(", "), self.asked.max_replications);
        let mut words = vec![match self.reached {
            true => format!(
                "Precision: reached for {} after {runs} ({looks})",
                match numbers {
                    1 => "the number asked for".to_owned(),
                    all => format!("all {} numbers asked for", whole(all)),
                },
            ),
            false => format!(
                "Precision: NOT REACHED for {} of {} after {runs} ({looks})",
                whole(numbers - reached),
                counted(numbers, "number", "numbers"),
            ),
        }];
        let few = self.numbers.len() <= MOST_TOLD;
        let told: Vec<&Precise> = self.numbers.iter().filter(|number| few || !number.reached).collect();
        let told = &told[..told.len().min(MOST_TOLD)];
        words.extend(told.iter().map(|number| number.in_words(self.replications())));
        let more = self.numbers.len() - told.len();
        if more > 0 {
            words.push(format!(
                "{} under `precision` in summary.json",
                counted(more as u64, "more number is", "more numbers are")
            ));
        }
        words.push(format!(
            "Each of these {} intervals is for its own number, not for all together; the rule chose the number of replications \
             by looking: the intervals of means hold asymptotically ({} to {} of them held the mean of values of four kinds with known \
             means), those of shares at any number of runs",
            share(self.confidence),
            share(MEASURED_COVERAGE[0]),
            share(MEASURED_COVERAGE[1])
        ));
        words
    }
}

impl Precise {
    /// The estimate in words: `new.requests_total: 42.1 ± 2.00 requests (4.8%; asked 5%; reached)`.
    fn in_words(&self, runs: u32) -> String {
        let verdict = if self.reached { "reached" } else { "not reached" };
        let asked = format!("asked {}; {verdict}", self.asked);
        let of = tick(&self.of);
        let all = counted(runs.into(), "run", "runs");
        let between = format!("{} to {}", share(self.ci_low), share(self.ci_high));
        let text = match self.what {
            Estimated::Share => {
                format!("{of} in {} of {all} ({between}; {asked})", share(self.value))
            }
            Estimated::ShareWithin => format!(
                "{of}: {NEVER} in {} of {all}, so it has no mean; it happens in {} of runs ({between}; asked {}, in \
                 points of this share; {verdict})",
                whole(self.without.into()),
                share(self.value),
                self.asked,
            ),
            Estimated::Mean => {
                let value = format!("{of}: {}", short(self.value));
                match self.may_differ {
                    Some(bound) => format!(
                        "{value} {} in each of {all} (at most {} of runs differ, 95% at any number of runs; {} is needed; {asked})",
                        self.unit,
                        upper_share(bound),
                        upper_share(MAY_DIFFER),
                    ),
                    None => format!(
                        "{value} ± {} {} ({}{asked})",
                        short(self.half_width),
                        self.unit,
                        self.width()
                    ),
                }
            }
        };
        match self.exercised {
            n if n < runs => format!("{text}; exercised in {} of {all}", whole(n.into())),
            _ => text,
        }
    }

    /// The half width as a share of the mean, and the floor that is enough: `4.8%; `.
    fn width(&self) -> String {
        let relative = self.half_width / self.value.abs();
        let of_mean = if relative.is_finite() { format!("{}; ", share(relative)) } else { String::new() };
        match self.by_floor {
            true => format!("{of_mean}the floor of {} {} is enough; ", short(self.enough), self.unit),
            false => of_mean,
        }
    }
}
