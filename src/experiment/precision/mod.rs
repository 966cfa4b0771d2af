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

mod ask;

pub use ask::{BadPrecision, Precision};

use super::gather::Gathering;
use super::judge::{Sides, sides};
use super::observe::warm_ups;
use super::replications::Replication;
use super::{Error, Keeper, Study};
use crate::metrics::{Kind, Metric, Needs, metrics_of};
use crate::results::{Estimated, Precise, Results};
use crate::scenario::expect::{Expectation, What, read_sum, read_target};
use crate::stats::{CONFIDENCE, Trials, Width, looks, mean_ci};
use crate::world::Control;
use ask::{Half, Size};
use std::ops::Range;

/// The most replications, where nothing else is asked.
pub const MOST_REPLICATIONS: u32 = 1_000;
/// The default floor of a mean: a tenth of the unit of the metric.
const FLOOR: f64 = 0.1;
/// The default floor of a metric that is a share: a percentage point.
const FLOOR_OF_SHARE: f64 = 0.01;

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
        self.run_looking(precision, &mut |gathering, look| gathering.extend(look, None, control))
    }

    /// As [`Study::run_to`], with replications that are run elsewhere: `replicate` gives those of a range of numbers, in order. What
    /// they show decides whether more are asked for.
    ///
    /// ```
    /// use authstorm::experiment::precision::Precision;
    /// use authstorm::experiment::replications::Replicator;
    /// use authstorm::{Control, Error, Study};
    ///
    /// let study = Study::load_with("scenarios/healthy.toml", &["fleet.users=5".to_owned(), "horizon=1m".to_owned()])?;
    /// let (replicator, control) = (Replicator::new(&study), Control::default());
    /// let precision = Precision::parse("new.requests_total=50%")?;
    /// let apart = study.run_to_from(&precision, &mut |range| {
    ///     range.map(|number| replicator.run(number, &control)).collect::<Result<_, Error>>()
    /// })?;
    /// assert_eq!(apart, study.run_to(&precision, &control)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Study::run_to`], and those of `replicate`.
    pub fn run_to_from<E: From<Error>>(
        &self,
        precision: &Precision,
        replicate: &mut dyn FnMut(Range<u32>) -> Result<Vec<Replication>, E>,
    ) -> Result<Results, E> {
        self.run_looking(precision, &mut |gathering, look| {
            let more = replicate(gathering.replications()..look)?;
            more.into_iter().for_each(|replication| gathering.take(replication));
            Ok(())
        })
    }

    /// Checks before the first run that the numbers are there and that the scenario can have the most replications.
    ///
    /// # Errors
    /// What is wrong, as [`Study::run_to`].
    pub fn check_precision(&self, precision: &Precision) -> Result<(), Error> {
        self.clone().replications(precision.most)?;
        self.targets(precision).map(|_| ())
    }

    /// As [`Study::run_to`]; the runs that end are kept, and those that are kept are not run again. The results do not depend on
    /// which are kept.
    ///
    /// # Errors
    /// As [`Study::run_to`], and if `keeper` fails.
    pub fn run_to_keeping(
        &self,
        precision: &Precision,
        keeper: &dyn Keeper,
        control: &Control,
    ) -> Result<Results, Error> {
        self.run_looking(precision, &mut |gathering, look| gathering.extend(look, Some(keeper), control))
    }

    /// Looks at more and more replications, which `extend` adds.
    fn run_looking<E: From<Error>>(
        &self,
        precision: &Precision,
        extend: &mut dyn FnMut(&mut Gathering, u32) -> Result<(), E>,
    ) -> Result<Results, E> {
        let mut study = self.clone();
        study.replications(precision.most)?;
        let mut targets = self.targets(precision)?;
        let mut gathering = Gathering::begin(&study);
        let (mut looked, mut numbers, mut cuts) = (Vec::new(), Vec::new(), Vec::new());
        for look in looks(precision.most) {
            extend(&mut gathering, look)?;
            looked.push(look);
            let quantities: Vec<_> = targets.iter().flat_map(|target| target.of.quantities()).collect();
            let observed = gathering.observe(&quantities);
            cuts = warm_ups(&observed, gathering.plan());
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
        let mut results = Results { precision: Some(found), ..gathering.results(&study) };
        cuts.retain(|cut| results.warm_up.iter().all(|known| known.of != cut.of));
        results.warm_up.extend(cuts);
        Ok(results)
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

/// A share with its interval.
fn of_share(trials: Trials) -> (f64, f64, f64) {
    let (low, high) = trials.share_at_any_time(CONFIDENCE);
    (trials.passes as f64 / trials.runs() as f64, low, high)
}
