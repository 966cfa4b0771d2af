//! A rollout of a policy: what happens while a share of the users is on the new policy and the others are on the old one.
//!
//! Each share is a point, a run of the scenario under a mix of the two policies, with the same random numbers. A user who is on
//! the new policy at a share is on it at every greater one. At 0% the run is that of the old policy, and at 100% that of the new
//! one. The users of each policy are counted apart, as totals and for each user, so that one sees who suffers from whom.

use super::find::{Forgetful, Found, Keeper, Question};
use super::sweep::{Axis, Points, PolicyPoint, Sweep, Sweeper};
use super::vary::Vary;
use super::{Error, Study};
use crate::client::policy::Policy;
use crate::kernel::Dur;
use crate::metrics::{Metric, MetricDef, is_counted_by_group, metrics_of};
use crate::plan::GroupKind;
use crate::results::{MetricValues, PolicyResults, Results};
use crate::scenario::expect::read_target;
use crate::scenario::policies::known;
use crate::scenario::{ResolvedPolicy, Rollout as Ramp};
use crate::text::{nearest, tick};
use crate::world::Control;
use std::fmt;

/// The name of the mix of both policies in conditions: `rollout.false_sign_outs == 0`.
pub const NAME: &str = "rollout";
/// The share of the users on the new policy, as a key of a sweep.
pub const SHARE: &str = "share on the new policy";
/// The whole, in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// A rollout of a policy.
///
/// ```
/// use authstorm::experiment::rollout::Rollout;
/// use authstorm::{Control, Study};
///
/// let mut study = Study::load("scenarios/touch-429-cascade.toml")?;
/// study.replications(1)?;
/// # let study = Study::load_with("scenarios/touch-429-cascade.toml", &["fleet.users=40".to_owned(), "replications=1".to_owned()])?;
/// let rollout = Rollout::new("old", "new", 2)?;
/// let sweep = study.rollout(&rollout, &Control::default())?;
/// assert_eq!(sweep.keys[0].values, ["0%", "50%", "100%"]);
/// let entries = |point: usize, arm: &str| {
///     let arm = sweep.points[point].policies.iter().find(|policy| policy.name == arm);
///     arm.and_then(|arm| arm.get("recursive_unauthenticated_events")).map(|values| values.mean)
/// };
/// assert_eq!(entries(2, "rollout"), Some(0.0));
/// assert!(entries(0, "users on old") > entries(1, "users on old"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    from: String,
    to: String,
    /// In hundredths of a percent, ascending.
    shares: Vec<u32>,
    /// When it begins and how long it lasts; `None` if the users are on their policies from the start.
    over: Option<(Dur, Dur)>,
}

/// Why a rollout is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRollout {
    what: String,
}

impl fmt::Display for BadRollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for BadRollout {}

fn bad(what: impl Into<String>) -> BadRollout {
    BadRollout { what: what.into() }
}

impl Rollout {
    /// A rollout from a policy to another in so many equal steps.
    ///
    /// # Errors
    /// If both policies are one, or the steps are not 1 to 1,000.
    pub fn new(from: &str, to: &str, steps: u32) -> Result<Rollout, BadRollout> {
        if !(1..=1_000).contains(&steps) {
            return Err(bad(format!("{steps} steps; allowed: 1 to 1000")));
        }
        let shares = (0..=steps).map(|step| (WHOLE * step + steps / 2) / steps).collect();
        Rollout::at(from, to, shares)
    }

    /// A rollout at these shares, such as `0%,5%,50%,100%`.
    ///
    /// # Errors
    /// If both policies are one, or a share is none.
    pub fn at_shares(from: &str, to: &str, shares: &str) -> Result<Rollout, BadRollout> {
        let read = |text: &str| {
            let percent = text.trim().strip_suffix('%')?.parse::<f64>().ok()?;
            let share = percent * 100.0;
            let is_one =
                (0.0..=f64::from(WHOLE)).contains(&share) && (share - libm::round(share)).abs() < 1e-6;
            is_one.then(|| libm::round(share) as u32)
        };
        let refused = |text: &str| {
            bad(format!("{} is no share; allowed: 0% to 100%, with two decimals at most", tick(text)))
        };
        let shares = shares.split(',').map(|text| read(text).ok_or_else(|| refused(text)));
        Rollout::at(from, to, shares.collect::<Result<Vec<u32>, BadRollout>>()?)
    }

    fn at(from: &str, to: &str, mut shares: Vec<u32>) -> Result<Rollout, BadRollout> {
        if from == to {
            return Err(bad(format!("a rollout from {} to the same policy changes nothing", tick(from))));
        }
        shares.sort_unstable();
        shares.dedup();
        Ok(Rollout { from: from.to_owned(), to: to.to_owned(), shares, over: None })
    }

    /// The same rollout during the run: the share of the users gets the new policy at times that are spread evenly from
    /// `start` over a span of time. Their running pages follow it at once.
    pub fn over(self, start: Dur, span: Dur) -> Rollout {
        Rollout { over: Some((start, span)), ..self }
    }

    /// The names of what is counted apart: all that happens; the users of each policy; one user of all, of the old and of the
    /// new policy in the mean.
    pub fn arms(&self) -> Vec<String> {
        let Rollout { from, to, .. } = self;
        vec![
            NAME.to_owned(),
            format!("users on {from}"),
            format!("users on {to}"),
            "a user".to_owned(),
            format!("a user on {from}"),
            format!("a user on {to}"),
        ]
    }

    pub(super) fn points(&self) -> Points {
        let value = |share: &u32| (in_words(*share), Some(f64::from(*share) / 100.0));
        let axis = Axis {
            option: "--shares",
            key: SHARE.to_owned(),
            log: false,
            values: self.shares.iter().map(value).collect(),
        };
        Points { axes: vec![axis], crossed: true }
    }

    /// The study at a point.
    pub(super) fn study(&self, study: &Study, point: u64) -> Result<Study, Error> {
        self.at_share(study, self.shares[point as usize])
    }

    fn at_share(&self, study: &Study, share: u32) -> Result<Study, Error> {
        let [old, new] = [policy(study, &self.from)?, policy(study, &self.to)?];
        let part = f64::from(share) / f64::from(WHOLE);
        let parts = match share {
            0 => vec![(old, 1.0)],
            WHOLE if self.over.is_none() => vec![(new, 1.0)],
            _ if self.over.is_some() => vec![(old, 1.0), (new, 1.0)],
            _ => vec![(old, f64::from(WHOLE - share) / f64::from(WHOLE)), (new, part)],
        };
        let ramp = |(from, span): (Dur, Dur)| Ramp {
            from,
            to: Dur(from.0.saturating_add(span.0)),
            share: part,
            reload: false,
        };
        let rollout = self.over.filter(|_| share > 0).map(ramp);
        let mut loaded = study.loaded.clone();
        loaded.policies = vec![ResolvedPolicy { name: NAME.to_owned(), parts, rollout }];
        // They are on policies that are not run by themselves.
        loaded.expectations.clear();
        Study::of(loaded)
    }

    /// What happens at a point, to all and to the users of each policy.
    pub(super) fn counted_apart(&self, point: u64, results: Results) -> Vec<PolicyPoint> {
        let families = results.families();
        let all_users = f64::from(results.users);
        let defs = metrics_of(families);
        let Some(policy) = results.policies.into_iter().next() else { return Vec::new() };
        let def_of = |values: &MetricValues| defs.iter().find(|def| def.name == values.name);
        let by_user =
            |values: &&MetricValues| def_of(values).is_some_and(|def| is_counted_by_group(def.metric));
        let of_all: Vec<MetricValues> = policy.metrics.iter().filter(by_user).cloned().collect();
        let each = |metrics: &[MetricValues], users: f64| -> Vec<MetricValues> {
            let one = |values: &MetricValues| {
                let def: &MetricDef = def_of(values)?;
                let shared = values.values.iter().map(|value| value / users).collect();
                Some(MetricValues { exercised: values.exercised, ..MetricValues::of(def, shared) })
            };
            if users > 0.0 { metrics.iter().filter_map(one).collect() } else { Vec::new() }
        };
        let arm = |name: &str, has_all: bool| match group(&policy, name) {
            Some((metrics, users)) => (metrics, users),
            None if has_all => (of_all.clone(), all_users),
            None => (Vec::new(), 0.0),
        };
        let share = self.shares[point as usize];
        let old = arm(&self.from, share == 0);
        let new = arm(&self.to, share == WHOLE);
        let apart = [
            policy.metrics.clone(),
            old.0.clone(),
            new.0.clone(),
            each(&of_all, all_users),
            each(&old.0, old.1),
            each(&new.0, new.1),
        ];
        self.arms().into_iter().zip(apart).map(|(name, metrics)| PolicyPoint { name, metrics }).collect()
    }
}

/// The users of a policy in a mix, with their metrics.
fn group(policy: &PolicyResults, name: &str) -> Option<(Vec<MetricValues>, f64)> {
    let groups = || policy.groups.iter().filter(|group| group.kind == GroupKind::Policy.name());
    let found = groups().find(|group| group.group == name);
    // Where others are counted, a policy without a group has no users.
    found
        .map(|group| (group.metrics.clone(), group.users))
        .or_else(|| groups().next().map(|_| (Vec::new(), 0.0)))
}

fn in_words(share: u32) -> String {
    match (share / 100, share % 100) {
        (whole, 0) => format!("{whole}%"),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
        (whole, part) => format!("{whole}.{part:02}%"),
    }
}

/// The policy of this name: one of the scenario's, or a preset.
fn policy(study: &Study, name: &str) -> Result<Policy, BadRollout> {
    let singles =
        || study.all_policies.iter().filter(|policy| policy.parts.len() == 1 && policy.rollout.is_none());
    if let Some(found) = singles().find(|policy| policy.name == name) {
        return Ok(found.parts[0].0.clone());
    }
    if study.all_policies.iter().any(|policy| policy.name == name) {
        return Err(bad(format!("{} is a mix or a rollout itself; allowed: a policy", tick(name))));
    }
    known(name).ok_or_else(|| {
        let names: Vec<&str> = singles().map(|policy| policy.name.as_str()).collect();
        let meant =
            nearest(name, names.iter().copied()).map(|meant| format!("; did you mean {}?", tick(meant)));
        bad(format!(
            "the scenario has no policy {}{}; allowed: {}, or a preset or a release by its name",
            tick(name),
            meant.unwrap_or_default(),
            names.join(", ")
        ))
    })
}

impl Study {
    /// Runs the scenario at each share of a rollout, on all cores. The result does not depend on their number.
    ///
    /// The policies of the answer are those of [`Rollout::arms`]. What is counted for one user is the sum over the users of the
    /// policy, divided by their mean number.
    ///
    /// # Errors
    /// If a policy does not exist or cannot be mixed with the other, the scenario has no users, or a guard or `control` stops
    /// a run.
    pub fn rollout(&self, rollout: &Rollout, control: &Control) -> Result<Sweep, Error> {
        Sweeper::of_rollout(self, rollout, control)?.all(control)
    }

    /// The target that [`Study::find_rollout`] searches, if the runs have what it names. Without one, it is that no entry of the
    /// flow is recursive: the storm has stopped.
    ///
    /// # Errors
    /// What is wrong with it, or with the rollout.
    pub fn rollout_target(&self, rollout: &Rollout, target: Option<&str>) -> Result<String, Error> {
        let base = rollout.at_share(self, WHOLE)?;
        let defs = metrics_of(base.plan().families);
        let entries = defs.iter().find(|def| def.metric == Metric::RecursiveEntries);
        let target = match (target, entries) {
            (Some(target), _) => target.to_owned(),
            (None, Some(def)) => format!("{NAME}.{} == 0", def.name),
            (None, None) => {
                return Err(bad("no metric of the clients counts recursive entries; give a target").into());
            }
        };
        read_target("--target", &target, &base.loaded.scenario, &[NAME.to_owned()])?;
        Ok(target)
    }

    /// Searches the smallest percentage of users on the new policy at which 95% of runs meet a target, as [`Study::find`] does.
    ///
    /// # Errors
    /// As [`Study::find`] and [`Study::rollout`].
    pub fn find_rollout(&self, rollout: &Rollout, target: &str, control: &Control) -> Result<Found, Error> {
        self.find_rollout_keeping(rollout, target, &Forgetful, control)
    }

    /// As [`Study::find_rollout`]; the runs that end are kept, and those that are kept are not run again.
    ///
    /// # Errors
    /// As [`Study::find_rollout`], and if `keeper` fails.
    pub fn find_rollout_keeping<K: Keeper>(
        &self,
        rollout: &Rollout,
        target: &str,
        keeper: &K,
        control: &Control,
    ) -> Result<Found, K::Error> {
        let vary = Vary::parse("percent-on-new=0..100").map_err(Error::from)?;
        let base = rollout.at_share(self, WHOLE)?;
        let at = |percent: u64| rollout.at_share(self, percent as u32 * 100);
        self.find_among(&base, &Question::new(vary, target), (&at, keeper), control)
    }
}

impl<'a> Sweeper<'a> {
    /// The shares of a rollout as points. Checks every one before the first run.
    ///
    /// # Errors
    /// As [`Study::rollout`].
    pub fn of_rollout(
        study: &'a Study,
        rollout: &'a Rollout,
        control: &Control,
    ) -> Result<Sweeper<'a>, Error> {
        if study.loaded.scenario.users() == 0 {
            return Err(bad("a rollout needs users, and the scenario has none").into());
        }
        Sweeper::with(study, rollout.points(), Some(rollout), control)
    }
}
