//! Replications until some numbers are known precisely.
//!
//! The rule looks at 30 replications and each time their number has grown by half (30, 45, 68, 102, 153, ...), up to a bound,
//! and stops at the first look at which every number that is asked for is known precisely enough ([`crate::stats::Width`]
//! states the rule, its sources and its measured coverage):
//!
//! - A mean, such as `new.requests_total=5%`: the half width of its Student t interval is at most 5% of the mean, of the true
//!   one, so `g / (1 + g)` of the estimate; or at most the floor, since the relative width of a mean near zero never ends.
//!   `new.requests_total=20` asks for an absolute half width, in the unit of the metric. A sum of metrics is a number of its
//!   own: `new.requests_total - old.requests_total=20` is the paired difference of two policies.
//! - A mean of values that are all equal: at most 5% of runs can have another value, by the interval that holds at any
//!   number of runs. 230 replications show that, and so no event is said to never happen by fewer.
//! - The share of runs that meet a condition, such as `new.false_sign_outs == 0=5%`: the half width of the interval that
//!   holds at any number of runs is at most 5 percentage points. No look spoils this interval.
//! - What does not happen within some run has no mean. A percentage then is the half width of the share of runs in which it
//!   happens; no absolute width can be reached. Such a run counts in every number, and none is ended early.
//!
//! Each interval is for its own number; nothing is shared over several. The intervals of means are those of a number of
//! replications that was chosen by looking, so their coverage is asymptotic; verdicts on expectations that assume a fixed
//! number are approximate for the same reason. Results say so.
//!
//! Metrics that nothing in the first 30 replications can move are not among those that are chosen, so that a harm that the scenario cannot cause
//! does not keep it running.
//!
//! Apart from what they say about the precision, the results are those of a run with as many replications.

use super::gather::Gathering;
use super::judge::{Sides, sides};
use super::{Error, Study};
use crate::metrics::{Kind, Metric, Needs, metrics_of};
use crate::results::{Asked, Estimated, Precise, Results};
use crate::scenario::expect::{Expectation, What, read_sum, read_target};
use crate::stats::{CONFIDENCE, Trials, Width, looks, mean_ci};
use crate::world::Control;
use std::fmt;

/// The most replications, where nothing else is asked.
pub const MOST_REPLICATIONS: u32 = 1_000;
/// The default floor of a mean: a tenth of the unit of the metric.
const FLOOR: f64 = 0.1;
/// The default floor of a metric that is a share: a percentage point.
const FLOOR_OF_SHARE: f64 = 0.01;

/// What is to be known, and how precisely.
///
/// ```
/// use authstorm::experiment::precision::Precision;
/// use authstorm::{Control, Study};
///
/// let study = Study::parse("calls.toml", r#"
///     version = 1
///     name = "calls"
///     horizon = "50s"
///     policies = ["new"]
///     [[workload]]
///     name = "calls"
///     starts = { exponential = "500ms" }
///     every = { exponential = "500ms" }
/// "#)?;
/// // Poisson with mean 100: a half width of 1.96 * 10 / sqrt(n) is below 5% of 105 from n = 18 on, at the first look.
/// let precision = Precision::parse("new.requests_total=5%")?;
/// let results = study.run_to(&precision, &Control::default())?;
/// assert_eq!(results.replications, 30);
/// assert!(results.precision.is_some_and(|precision| precision.reached));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    wishes: Vec<Wish>,
    floor: Option<f64>,
    most: u32,
}

/// A number, or a choice of numbers, with the half width that is asked for.
#[derive(Clone, Debug, PartialEq)]
struct Wish {
    /// As written.
    text: String,
    /// The number; `None` for a choice of numbers.
    of: Option<String>,
    half: Half,
}

/// A half width.
#[derive(Clone, Debug, PartialEq)]
struct Half {
    text: String,
    size: Size,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    /// A share of the mean, or percentage points of a share.
    Relative(f64),
    /// In the unit of the mean, or of a share.
    Absolute(f64),
}

/// Why a text asks for no precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPrecision {
    what: String,
}

impl fmt::Display for BadPrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for BadPrecision {}

fn bad(what: impl Into<String>) -> BadPrecision {
    BadPrecision { what: what.into() }
}

impl Precision {
    /// Reads `NUMBER=WIDTH`, such as `new.requests_total=5%`, or `WIDTH` alone.
    ///
    /// The number is a metric of a policy, a sum of them, or a condition, of which the share of runs that meet it is to be
    /// known. A width alone is that of `requests_total` and of every harm that something in the runs can move, under every
    /// policy. The width is a percentage, or a number in the unit of the metric.
    ///
    /// # Errors
    /// If there is no width, or it is not one.
    pub fn parse(text: &str) -> Result<Precision, BadPrecision> {
        let wish = Wish::parse(text)?;
        Ok(Precision { wishes: vec![wish], floor: None, most: MOST_REPLICATIONS })
    }

    /// Asks for another number too.
    ///
    /// # Errors
    /// As [`Precision::parse`].
    pub fn and(mut self, text: &str) -> Result<Precision, BadPrecision> {
        self.wishes.push(Wish::parse(text)?);
        Ok(self)
    }

    /// The half width of a mean that is enough however small the mean is, in the unit of the metric. The default is a tenth of
    /// the unit, and a hundredth for a metric that is a share.
    ///
    /// # Errors
    /// If it is negative or not finite.
    pub fn floor(mut self, floor: f64) -> Result<Precision, BadPrecision> {
        if !floor.is_finite() || floor < 0.0 {
            return Err(bad("a floor is a number of 0 or more, in the unit of the metric"));
        }
        self.floor = Some(floor);
        Ok(self)
    }

    /// The most replications. The default is [`MOST_REPLICATIONS`].
    ///
    /// # Errors
    /// If it is less than 2, of which no interval comes.
    pub fn at_most(mut self, replications: u32) -> Result<Precision, BadPrecision> {
        if replications < 2 {
            return Err(bad("fewer than 2 replications give no interval"));
        }
        self.most = replications;
        Ok(self)
    }

    /// The most replications.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// What is asked, as results record it.
    pub fn asked(&self) -> Asked {
        let widths = self.wishes.iter().map(|wish| wish.text.clone()).collect();
        Asked { widths, floor: self.floor, max_replications: self.most }
    }
}

impl Wish {
    fn parse(text: &str) -> Result<Wish, BadPrecision> {
        let (of, half) = match text.rsplit_once('=') {
            Some((of, half)) => (Some(of.trim().to_owned()), half.trim()),
            None => (None, text.trim()),
        };
        let (number, unit) = match half.strip_suffix('%') {
            Some(number) => (number, 100.0),
            None => (half, 1.0),
        };
        let is_relative = half.ends_with('%');
        let size = number.parse::<f64>().ok().map(|number| number / unit);
        let size = size.filter(|size| *size > 0.0 && size.is_finite() && !(is_relative && *size >= 1.0));
        let Some(size) = size else {
            return Err(bad(format!(
                "{} has no width; allowed: NUMBER=WIDTH, such as new.requests_total=5%, or WIDTH alone; a width is a \
                 percentage above 0% and below 100%, or a number above 0 in the unit of the metric",
                crate::text::tick(text)
            )));
        };
        let size = match (is_relative, &of) {
            (true, _) => Size::Relative(size),
            (false, Some(_)) => Size::Absolute(size),
            (false, None) => {
                return Err(bad(format!(
                    "the width {} names no number; a width alone is a percentage, and NUMBER=WIDTH gives one number an \
                     absolute width",
                    crate::text::tick(half)
                )));
            }
        };
        Ok(Wish { text: text.to_owned(), of, half: Half { text: half.to_owned(), size } })
    }
}

/// A number that is to be known.
struct Target {
    text: String,
    /// A condition, or a sum as the left side of one.
    of: Expectation,
    is_sum: bool,
    half: Half,
    floor: f64,
    unit: &'static str,
    /// Whether it was not named. It then counts only if something in the runs can move it.
    is_chosen: bool,
}

impl Study {
    /// Runs replications until numbers are known precisely, or the most replications are run. [`Results::precision`] tells
    /// which; apart from that, the results are those of a study with as many replications.
    ///
    /// # Errors
    /// If a number does not exist in the scenario, the scenario cannot have the most replications, or a guard or `control`
    /// stops a run.
    pub fn run_to(&self, precision: &Precision, control: &Control) -> Result<Results, Error> {
        let mut study = self.clone();
        study.replications(precision.most)?;
        let mut targets = self.targets(precision)?;
        let mut gathering = Gathering::begin(&study);
        let (mut looked, mut numbers) = (Vec::new(), Vec::new());
        for look in looks(precision.most) {
            gathering.extend(look, control)?;
            looked.push(look);
            let quantities: Vec<_> = targets.iter().flat_map(|target| target.of.quantities()).collect();
            let observed = gathering.observe(&quantities);
            let known = |target: &Target| target.known(&sides(&target.of, gathering.plan(), &observed));
            numbers = targets.iter().map(known).collect::<Vec<Precise>>();
            if looked.len() == 1 {
                let exercised: Vec<bool> = numbers.iter().map(|number| number.exercised > 0).collect();
                let mut counts = exercised.iter();
                targets.retain(|target| counts.next() == Some(&true) || !target.is_chosen);
                numbers = targets.iter().map(known).collect();
            }
            if numbers.iter().all(|number| number.reached) {
                break;
            }
        }
        study.replications(looked.last().copied().unwrap_or(precision.most))?;
        let reached = numbers.iter().all(|number| number.reached);
        let asked = precision.asked();
        let found =
            crate::results::Precision { asked, reached, looks: looked, confidence: CONFIDENCE, numbers };
        Ok(Results { precision: Some(found), ..gathering.results(&study) })
    }

    /// The numbers that are to be known, each once.
    fn targets(&self, precision: &Precision) -> Result<Vec<Target>, Error> {
        let scenario = &self.loaded.scenario;
        let policies: Vec<String> = self.loaded.policies.iter().map(|policy| policy.name.clone()).collect();
        let mut targets: Vec<Target> = Vec::new();
        for wish in &precision.wishes {
            let named = match &wish.of {
                Some(of) => vec![of.clone()],
                None => self.chosen(&policies),
            };
            for text in named {
                let is_sum = !crate::scenario::expect::is_condition(&text);
                let read = if is_sum { read_sum } else { read_target };
                let of = read("--precision", &text, scenario, &policies)?;
                let what = of.quantities().next().map(|quantity| quantity.what);
                let is_share = matches!(what, Some(What::Metric(def)) if def.kind == Kind::Share);
                let default = if is_share { FLOOR_OF_SHARE } else { FLOOR };
                let target = Target {
                    unit: what.filter(|_| is_sum).map_or("", What::unit),
                    half: wish.half.clone(),
                    floor: precision.floor.unwrap_or(default),
                    is_chosen: wish.of.is_none(),
                    is_sum,
                    of,
                    text,
                };
                // What is named has precedence over what is chosen, and later names over earlier ones.
                let same = targets.iter().position(|other| other.text == target.text);
                match same {
                    Some(place) if !target.is_chosen || targets[place].is_chosen => targets[place] = target,
                    Some(_) => {}
                    None => targets.push(target),
                }
            }
        }
        Ok(targets)
    }

    /// The names of requests and harms under each policy.
    fn chosen(&self, policies: &[String]) -> Vec<String> {
        let plan = self.plan();
        let scenario = &plan.scenario;
        let is_moved = |metric: &Metric| match metric.def().needs {
            Needs::Nothing => true,
            Needs::Users | Needs::RefreshTokens => scenario.users() > 0,
            Needs::Workloads => !scenario.workloads.is_empty(),
        };
        let harms = Metric::by_gravity(plan.families);
        let metrics = std::iter::once(Metric::RequestsTotal).chain(harms).filter(is_moved);
        let names: Vec<&str> = metrics
            .filter_map(|metric| metrics_of(plan.families).iter().find(|def| def.metric == metric))
            .map(|def| def.name)
            .collect();
        let of_each =
            |policy: &String| names.iter().map(|name| format!("{policy}.{name}")).collect::<Vec<_>>();
        policies.iter().flat_map(of_each).collect()
    }
}

impl Target {
    /// How precisely the runs tell it.
    fn known(&self, runs: &[Sides]) -> Precise {
        let values: Vec<f64> =
            runs.iter().map(|run| run.values.map_or(f64::INFINITY, |(left, _)| left)).collect();
        let has = |value: &f64| value.is_finite();
        let without = values.iter().filter(|value| !has(value)).count() as u32;
        let counted = |is: &dyn Fn(&Sides) -> bool| {
            let passes = runs.iter().filter(|run| is(run)).count() as u64;
            Trials { passes, fails: runs.len() as u64 - passes }
        };
        let (what, estimate, width, by_floor) = if !self.is_sum {
            // A value that is not there meets no condition.
            let meets = |run: &Sides| run.values.is_some_and(|(left, right)| self.of.op.holds(left, right));
            let trials = counted(&meets);
            (
                Estimated::Share,
                of_share(trials),
                Width::of_share(trials, self.half.size.size(), CONFIDENCE),
                false,
            )
        } else if without > 0 {
            let trials = counted(&|run: &Sides| run.values.is_some_and(|(left, _)| has(&left)));
            // Half a share of seconds is none.
            let enough = match self.half.size {
                Size::Relative(share) => share,
                Size::Absolute(_) => f64::NEG_INFINITY,
            };
            (Estimated::ShareWithin, of_share(trials), Width::of_share(trials, enough, CONFIDENCE), false)
        } else {
            let width = match self.half.size {
                Size::Relative(share) => Width::relative(&values, share, self.floor, CONFIDENCE),
                Size::Absolute(half) => Width::absolute(&values, half, CONFIDENCE),
            };
            let mean = mean_ci(&values, CONFIDENCE);
            let is_relative = matches!(self.half.size, Size::Relative(_));
            let by_floor = is_relative && width.enough <= self.floor;
            (Estimated::Mean, (mean.mean, mean.ci_low, mean.ci_high), width, by_floor)
        };
        let (value, ci_low, ci_high) = estimate;
        Precise {
            of: self.text.clone(),
            what,
            unit: if what == Estimated::Mean { self.unit.to_owned() } else { String::new() },
            asked: self.half.text.clone(),
            value,
            ci_low,
            ci_high,
            half_width: width.half,
            enough: if width.enough.is_finite() { width.enough } else { f64::INFINITY },
            by_floor,
            reached: width.is_reached(),
            without,
            exercised: runs.iter().filter(|run| run.missing.is_none()).count() as u32,
            may_differ: width.may_differ,
        }
    }
}

impl Size {
    fn size(self) -> f64 {
        match self {
            Size::Relative(size) | Size::Absolute(size) => size,
        }
    }
}

/// A share with its interval.
fn of_share(trials: Trials) -> (f64, f64, f64) {
    let (low, high) = trials.share_at_any_time(CONFIDENCE);
    (trials.passes as f64 / trials.runs() as f64, low, high)
}
