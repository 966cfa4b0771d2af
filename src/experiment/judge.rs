//! Judges the expectations of a file: the observed values, and what the number of runs can prove.

use super::CONFIDENCE;
use super::observe::Observed;
use crate::results::{Assurance, Decision, Judgement, RunsMeeting, RunsQuantile, Verdict};
use crate::scenario::ExpectOf;
use crate::scenario::expect::{Expectation, Op, Quantity, What};
use crate::stats::{
    Claims, Estimate, at_most, difference, holm, mean_below_zero, mean_ci, mean_is_zero, one_sided,
    share_at_least, threshold_ranks,
};
use crate::world::Plan;

/// An expectation before those of its file are decided together.
struct Opinion {
    verdict: Verdict,
    /// What the runs show; absent if the observation alone decides.
    shown: Option<Shown>,
}

/// What the runs show of an expectation that statistics decide.
#[derive(Clone, Copy)]
struct Shown {
    claims: Claims,
    /// Whether it holds in what was observed.
    holds: bool,
}

/// Judges the expectations of a file. `observed` holds what the runs, and the baseline, show of their quantities.
///
/// Each of the two families of claims, that expectations hold and that they do not, is decided by Holm's method at the level
/// of the file: so no expectation passes wrongly with at least its confidence, and none fails wrongly, however the
/// expectations depend on each other.
pub(super) fn judge_all(expectations: &[Expectation], plan: &Plan, observed: &[Observed]) -> Vec<Verdict> {
    let check = plan.scenario.check;
    let confidence = check.unwrap_or_default().confidence;
    let opinions: Vec<Opinion> = expectations
        .iter()
        .map(|expectation| opinion(expectation, plan, observed, check.is_some()))
        .collect();
    let adjusted = |p: fn(Claims) -> f64| {
        holm(
            &opinions
                .iter()
                .filter_map(|opinion| opinion.shown)
                .map(|shown| p(shown.claims))
                .collect::<Vec<_>>(),
        )
    };
    let (holds, fails) = (adjusted(|claims| claims.holds), adjusted(|claims| claims.fails));
    let family = holds.len() as u32;
    let mut adjusted = holds.into_iter().zip(fails);
    let decided = |Opinion { verdict, shown }: Opinion| match shown.zip(shown.and_then(|_| adjusted.next())) {
        None => verdict,
        Some((shown, (p_holds, p_fails))) => {
            let level = 1.0 - confidence;
            let judgement = match verdict.exercised {
                _ if p_fails <= level => Judgement::Failed,
                0 if shown.holds => Judgement::Vacuous,
                _ if p_holds <= level => Judgement::Passed,
                _ => Judgement::NotDecided,
            };
            let (reason, assurance) = match judgement {
                Judgement::Vacuous => (verdict.reason, Assurance::None),
                _ => (String::new(), verdict.assurance),
            };
            let decision = Some(Decision { confidence, family, p_holds, p_fails });
            Verdict { judgement, reason, assurance, decision, ..verdict }
        }
    };
    opinions.into_iter().map(decided).collect()
}

/// Why an expectation cannot be judged: the first of its quantities that nothing is known of.
fn unknown(expectation: &Expectation, plan: &Plan, observed: &[Observed]) -> Option<String> {
    let known = |quantity: &Quantity| observed.iter().any(|observed| observed.is_of(quantity));
    let quantity = expectation.quantities().find(|quantity| !known(quantity))?;
    let is_run = plan.contenders.iter().any(|contender| contender.name == quantity.policy);
    Some(match quantity.of_baseline {
        true => format!("no baseline is given that has {} of policy {}", quantity.name(), quantity.policy),
        false if is_run => format!("{} of policy {} is not known", quantity.name(), quantity.policy),
        false => format!("policy {} is not run", quantity.policy),
    })
}

/// The two sides of an expectation in a run, and why the run cannot judge them.
pub(super) struct Sides {
    /// The left side and the right one; absent where a quantity has no value.
    pub(super) values: Option<(f64, f64)>,
    pub(super) missing: Option<&'static str>,
}

/// The sides in each run.
pub(super) fn sides(expectation: &Expectation, plan: &Plan, observed: &[Observed]) -> Vec<Sides> {
    let of = |quantity: &Quantity| observed.iter().find(|observed| observed.is_of(quantity));
    let all: Vec<&Observed> = expectation.quantities().filter_map(of).collect();
    let runs = all.iter().map(|observed| observed.readings.len()).min().unwrap_or(0);
    let users = |cohort: Option<&str>| users_of(plan, cohort);
    let sides = |run: usize| {
        let value = |quantity: &Quantity| of(quantity)?.readings[run].value;
        let values = expectation.left.value(&users, &value).zip(expectation.right.value(&users, &value));
        Sides { values, missing: all.iter().find_map(|observed| observed.readings[run].missing) }
    };
    (0..runs).map(sides).collect()
}

/// Number of users, of a cohort or of all.
fn users_of(plan: &Plan, cohort: Option<&str>) -> f64 {
    let of =
        |name: &str| plan.scenario.cohorts().iter().find(|cohort| cohort.name == name).map(|c| c.users.len());
    match cohort.and_then(of) {
        Some(users) => users as f64,
        None => f64::from(plan.scenario.users()),
    }
}

fn opinion(expectation: &Expectation, plan: &Plan, observed: &[Observed], has_check: bool) -> Opinion {
    let plain = expectation.plain();
    let policy = expectation.policies().first().map_or(String::new(), |name| (*name).to_owned());
    let open = Verdict {
        that: expectation.in_words(),
        policy,
        judgement: Judgement::NotJudged,
        observed: None,
        replication: None,
        same_in_all: false,
        bound: plain.map_or(f64::INFINITY, |(_, bound)| bound),
        is_relation: plain.is_none(),
        exercised: 0,
        assurance: Assurance::None,
        decision: None,
        reason: String::new(),
        may_be_vacuous: expectation.may_be_vacuous,
    };
    if let Some(reason) = unknown(expectation, plan, observed) {
        return Opinion { verdict: Verdict { reason, ..open }, shown: None };
    }
    let sides = sides(expectation, plan, observed);
    let runs: Vec<Run> = (0..).zip(&sides).filter_map(|(number, sides)| Run::of(number, sides)).collect();
    let reason = sides.iter().find_map(|sides| sides.missing).unwrap_or_default().to_owned();
    if runs.is_empty() {
        // No run has a value. What is not there is written as infinity is.
        let verdict =
            Verdict { judgement: Judgement::Vacuous, observed: Some(f64::INFINITY), reason, ..open };
        return Opinion { verdict, shown: None };
    }
    let exercised = sides.iter().filter(|sides| sides.missing.is_none()).count() as u32;
    let op = expectation.op;
    let holds = |run: &Run| op.holds(run.left, run.right);
    let d: Vec<f64> = runs.iter().map(Run::difference).collect();
    let mean = |of: fn(&Run) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
    // A number in the file stays that number: a sum of it, divided, may differ in the last digit.
    let means = (mean(|run| run.left), plain.map_or_else(|| mean(|run| run.right), |(_, bound)| bound));
    // NaN satisfies no expectation, not even `!=`.
    let broken = runs.iter().find(|run| run.left.is_nan() || run.right.is_nan());
    let worst = broken.unwrap_or_else(|| worst(&runs, expectation));
    let seen = match expectation.of {
        ExpectOf::Mean if broken.is_none() => (means.0, means.1, None),
        _ => (worst.left, worst.right, Some(worst.number)),
    };
    let verdict = Verdict {
        observed: Some(if broken.is_some() { f64::NAN } else { seen.0 }),
        bound: seen.1,
        replication: seen.2,
        same_in_all: same(&runs),
        exercised,
        reason,
        ..open
    };
    let of_observation = |holds: bool, verdict: Verdict| {
        let judgement = match exercised {
            _ if !holds => Judgement::Failed,
            0 => Judgement::Vacuous,
            _ => Judgement::Passed,
        };
        let reason = if judgement == Judgement::Vacuous { verdict.reason } else { String::new() };
        let assurance = match (judgement, expectation.of) {
            (Judgement::Passed, ExpectOf::Every) => Assurance::ViolatedAtMost(at_most(exercised)),
            (Judgement::Passed | Judgement::Failed, ExpectOf::Mean) => verdict.assurance,
            _ => Assurance::None,
        };
        Opinion { verdict: Verdict { judgement, reason, assurance, ..verdict }, shown: None }
    };
    match expectation.of {
        _ if broken.is_some() => of_observation(false, verdict),
        ExpectOf::Every => of_observation(runs.iter().all(holds), verdict),
        ExpectOf::Mean => {
            let assurance = Assurance::Mean(interval(expectation, &runs, &d));
            let verdict = Verdict { assurance, ..verdict };
            match plain.is_some() && !has_check {
                true => of_observation(op.holds(means.0, means.1), verdict),
                false => {
                    let shown = Shown { claims: claims_of_mean(op, &d), holds: op.holds(means.0, means.1) };
                    Opinion { verdict, shown: Some(shown) }
                }
            }
        }
        ExpectOf::Runs(percent) => {
            // A run that cannot judge the condition is no evidence for it, and none against it.
            let violates = |sides: &&Sides| sides.values.is_some_and(|(left, right)| !op.holds(left, right));
            let shows = |sides: &&Sides| {
                sides.missing.is_none() && sides.values.is_some_and(|(left, right)| op.holds(left, right))
            };
            let all = sides.len() as u32;
            let (shown, meet) = (
                sides.iter().filter(shows).count() as u32,
                all - sides.iter().filter(violates).count() as u32,
            );
            let bounds = |k: u32| one_sided(k.into(), all.into(), CONFIDENCE);
            let quantile = quantile(expectation, &runs, sides.len(), percent / 100.0);
            let (at_least, at_most) = (bounds(shown).0, bounds(meet).1);
            let runs = RunsMeeting { meet, shown, of: all, at_least, at_most, quantile };
            let claims = share_at_least(shown.into(), meet.into(), all.into(), percent / 100.0);
            let verdict = Verdict { assurance: Assurance::Runs(runs), ..verdict };
            Opinion { verdict, shown: Some(Shown { claims, holds: meet == all }) }
        }
    }
}

/// The quantile over runs that an inequality of one value and a number asks for, with its interval.
fn quantile(expectation: &Expectation, runs: &[Run], all: usize, share: f64) -> Option<RunsQuantile> {
    let share = match expectation.op {
        Op::Less | Op::AtMost => share,
        Op::More | Op::AtLeast => 1.0 - share,
        Op::Equal | Op::Unequal => return None,
    };
    let is_constant = runs.iter().all(|run| run.right.to_bits() == runs[0].right.to_bits());
    if !is_constant || runs.len() < all || expectation.quantities().count() != 1 {
        return None;
    }
    let mut values: Vec<f64> = runs.iter().map(|run| run.left).collect();
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as u64;
    let of = |rank: u64| Some(values[rank as usize - 1]).filter(|value| value.is_finite());
    let (low, high) = threshold_ranks(n, share, (1.0 - CONFIDENCE) / 2.0);
    let value = of((libm::ceil(share * n as f64) as u64).clamp(1, n))?;
    Some(RunsQuantile { share, value, low: low.and_then(of), high: high.and_then(of) })
}

/// The two sides in a run that has both.
struct Run {
    /// The number of the replication.
    number: u32,
    left: f64,
    right: f64,
}

impl Run {
    fn of(number: u32, sides: &Sides) -> Option<Run> {
        sides.values.map(|(left, right)| Run { number, left, right })
    }

    fn difference(&self) -> f64 {
        difference(self.left, self.right)
    }
}

/// The first of the runs that are the farthest from meeting the condition.
fn worst<'a>(runs: &'a [Run], expectation: &Expectation) -> &'a Run {
    let badness = |run: &Run| match expectation.plain() {
        Some((_, bound)) => expectation.op.badness(run.left, bound),
        None => expectation.op.badness(run.difference(), 0.0),
    };
    runs.iter().reduce(|a, b| if badness(b) > badness(a) { b } else { a }).expect("there is a run")
}

/// Whether every run has the same values on both sides.
fn same(runs: &[Run]) -> bool {
    let bits = |run: &Run| (run.left.to_bits(), run.right.to_bits());
    runs.iter().all(|run| bits(run) == bits(&runs[0]))
}

/// The interval of the mean of one metric, or of the mean difference of the sides.
fn interval(expectation: &Expectation, runs: &[Run], d: &[f64]) -> Option<(f64, f64)> {
    let Estimate { ci_low, ci_high, .. } = match expectation.plain() {
        Some((Quantity { what: What::Metric(def), .. }, _)) => {
            // The same interval as in the results.
            let values: Vec<f64> = runs.iter().map(|run| run.left).collect();
            mean_ci(&values, CONFIDENCE).within(def.kind.range())
        }
        _ => mean_ci(d, CONFIDENCE),
    };
    (d.len() > 1 && ci_low.is_finite()).then_some((ci_low, ci_high))
}

/// The claims that a comparison holds of the mean, from the differences of the sides.
fn claims_of_mean(op: Op, d: &[f64]) -> Claims {
    let negative = || d.iter().map(|d| -d).collect::<Vec<_>>();
    match op {
        Op::AtMost => mean_below_zero(d, false),
        Op::Less => mean_below_zero(d, true),
        Op::AtLeast => mean_below_zero(&negative(), false),
        Op::More => mean_below_zero(&negative(), true),
        Op::Equal => mean_is_zero(d),
        Op::Unequal => mean_is_zero(d).opposite(),
    }
}
