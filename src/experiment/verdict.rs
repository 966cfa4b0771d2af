//! Stimuli of expectations: whether something happened in a run that could have moved a metric.

use crate::client::Families;
use crate::metrics::exercise::Exercise;
use crate::metrics::{MetricDef, Stimulus};
use crate::world::Plan;

/// Number of these runs in which something happened that could move a metric.
pub fn exercised(exercises: &[Exercise], plan: &Plan, contender: usize, metric: &MetricDef) -> u32 {
    if lacks(plan, contender, metric).is_some() {
        return 0;
    }
    exercises.iter().filter(|exercise| missing(exercise, plan, metric.stimulus).is_none()).count() as u32
}

/// Reason for which no run of a contender can judge a metric: its users run clients without it.
pub(super) fn lacks(plan: &Plan, contender: usize, metric: &MetricDef) -> Option<&'static str> {
    let is_of_others =
        metric.of != Families::default() && metric.of.is_apart_from(plan.families_of(contender));
    is_of_others.then_some("no user of this policy runs a client that has the metric")
}

/// Reason for which a run cannot judge what this stimulus moves; `None` if it can.
pub(super) fn missing(exercise: &Exercise, plan: &Plan, stimulus: Stimulus) -> Option<&'static str> {
    if exercise.pages_opened + exercise.generic_calls == 0 {
        return Some("no page is opened and no generic call begins");
    }
    let scenario = &plan.scenario;
    let declares_causes = !plan.backend.faults.is_empty()
        || !scenario.backend.limits.is_empty()
        || !scenario.actions.is_empty();
    let answers_429 = |fault: usize| {
        let failure = plan.backend.faults[fault].kind.failure(0);
        failure.is_some_and(|failure| failure.status == 429) && exercise.has_struck(fault)
    };
    let limits = scenario.backend.limits.iter().zip(&exercise.limits);
    let limit_asked = limits.into_iter().any(|(spec, limit)| spec.answers_429() && limit.asked() > 0);
    let (exercised, why) = match stimulus {
        Stimulus::Traffic => (true, ""),
        Stimulus::Cause => (
            !declares_causes || exercise.any_cause(plan),
            "no fault strikes, no limit is asked and no action finds its user",
        ),
        Stimulus::Revocation => (exercise.revoked > 0, "no session is revoked"),
        Stimulus::App => (exercise.app_calls + exercise.errors > 0, "no app code calls"),
        Stimulus::Caller => {
            (exercise.app_calls + exercise.generic_calls > 0, "no app code and no generic client calls")
        }
        Stimulus::Limit => (
            limit_asked || (0..plan.backend.faults.len()).any(answers_429),
            "no limit that answers 429 is asked and no fault answers 429",
        ),
        Stimulus::Recovery => (
            exercise.first_failure.is_some()
                || exercise.struck.iter().chain(&exercise.acted).any(|count| *count > 0),
            "no call fails and no cause acts",
        ),
    };
    (!exercised).then_some(why)
}

/// The faults, limits and actions of the scenario that acted in none of these runs, one sentence each.
pub fn not_exercised(plan: &Plan, exercises: &[Exercise]) -> Vec<String> {
    let never = |count: &dyn Fn(&Exercise) -> u64| exercises.iter().all(|exercise| count(exercise) == 0);
    let scenario = &plan.scenario;
    let faults = scenario.faults.iter().enumerate().filter(|(i, _)| never(&|e| e.struck[*i]));
    let faults = faults.map(|(i, fault)| format!("fault {} ({}) strikes nothing", i + 1, fault.title()));
    let limits = scenario.backend.limits.iter().enumerate().filter(|(i, _)| never(&|e| e.limits[*i].asked()));
    let limits = limits.map(|(i, spec)| format!("{} is never asked", super::demand::limit_in_words(i, spec)));
    let actions = scenario.actions.iter().enumerate().filter(|(i, _)| never(&|e| e.acted[*i]));
    let actions = actions.map(|(i, action)| format!("action {} (at {}) acts on nobody", i + 1, action.at));
    faults.chain(limits).chain(actions).collect()
}

#[cfg(test)]
mod tests {
    use super::super::judge::judge_all;
    use super::super::observe::Observed;
    use super::*;
    use crate::Study;
    use crate::results::{Assurance, Judgement, Verdict};
    use crate::scenario::ExpectOf;
    use crate::scenario::expect::Expectation;
    use crate::scenario::expect::parse_expectation;

    const QUIET: &str = "version = 1\nname = \"t\"\nhorizon = \"10s\"\npolicies = [\"new\"]\n[client]\nmodel = \"documented\"\n[fleet]\nusers = 1\n";

    fn plan(text: &str) -> Plan {
        Study::parse("t.toml", text).unwrap_or_else(|e| panic!("{e}")).plan()
    }

    fn read(text: &str) -> Expectation {
        parse_expectation(text, ExpectOf::Every).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    fn busy(plan: &Plan) -> Exercise {
        Exercise { pages_opened: 1, ..Exercise::new(plan) }
    }

    /// The verdict on one expectation on one metric, from its values and the stimuli of the runs.
    fn judge(expectation: &Expectation, plan: &Plan, values: &[f64], exercises: &[Exercise]) -> Verdict {
        let quantity = expectation.quantities().next().expect("a quantity");
        let observed = Observed::of_values(quantity, values, plan, exercises);
        judge_all(std::slice::from_ref(expectation), plan, &[observed]).remove(0)
    }

    fn of(expectation: &Expectation, values: &[f64]) -> Verdict {
        let plan = plan(QUIET);
        judge(expectation, &plan, values, &vec![busy(&plan); values.len()])
    }

    #[test]
    fn every_replication_must_hold_and_the_worst_is_reported() {
        for (text, values, observed, worst, passed) in [
            ("p.goodput == 0", &[0.0, 0.0][..], 0.0, 0, true),
            ("p.goodput == 0", &[0.0, -3.0, 2.0], -3.0, 1, false),
            ("p.goodput != 0", &[1.0, 0.0], 0.0, 1, false),
            ("p.goodput != 0", &[5.0, 2.0], 2.0, 1, true),
            ("p.goodput < 3", &[1.0, 3.0], 3.0, 1, false),
            ("p.goodput <= 3", &[1.0, 3.0], 3.0, 1, true),
            ("p.goodput > 1", &[1.0, 3.0], 1.0, 0, false),
            ("p.goodput >= 1", &[1.0, 3.0], 1.0, 0, true),
            ("p.goodput <= 900", &[1.0, f64::INFINITY], f64::INFINITY, 1, false),
        ] {
            let verdict = of(&read(text), values);
            let judgement = if passed { Judgement::Passed } else { Judgement::Failed };
            assert_eq!(
                (verdict.observed.map(f64::to_bits), verdict.replication, verdict.judgement),
                (Some(f64::to_bits(observed)), Some(worst), judgement),
                "{text}"
            );
        }
        assert_eq!(of(&read("p.goodput != 0"), &[1.0, f64::NAN]).judgement, Judgement::Failed);
        let mean = Expectation { of: ExpectOf::Mean, ..read("p.goodput < 3") };
        let verdict = of(&mean, &[1.0, 4.0]);
        assert_eq!((verdict.judgement, verdict.replication), (Judgement::Passed, None));
        assert!(matches!(verdict.assurance, Assurance::Mean(Some((low, high))) if low < 1.0 && high > 4.0));
    }

    /// With five runs that hold, up to 45% of runs may violate: 1 - 0.05^(1/5) = 0.4507.
    #[test]
    fn a_passed_expectation_states_an_upper_bound() {
        for (runs, bound) in [(1, 0.95), (5, 0.4507), (59, 0.0495)] {
            let Assurance::ViolatedAtMost(share) = of(&read("p.sign_outs == 0"), &vec![0.0; runs]).assurance
            else {
                panic!("a passed verdict without its bound")
            };
            assert!((share - bound).abs() < 1e-4, "{share}");
        }
    }

    #[test]
    fn an_expectation_without_stimulus_is_vacuous_unless_it_fails() {
        let plan = plan(&format!(
            "{QUIET}[[fault]]\nkind = \"outage\"\n[[backend.limit]]\nendpoints = [\"touch\"]\nkind = \"fixed-window\"\n\
             key = \"user\"\nlimit = 1\nwindow = \"1s\"\n"
        ));
        let idle = Exercise::new(&plan);
        let opened = busy(&plan);
        let struck = Exercise { struck: vec![1], ..busy(&plan) };
        let mut asked = busy(&plan);
        asked.limits[0].admitted = 1;
        let app = Exercise { app_calls: 1, ..struck.clone() };
        for (text, exercise, expected) in [
            ("p.requests_total == 0", &idle, Judgement::Vacuous),
            ("p.requests_total == 0", &opened, Judgement::Passed),
            ("p.requests_total > 0", &idle, Judgement::Failed),
            ("p.sign_outs == 0", &opened, Judgement::Vacuous),
            ("p.sign_outs == 0", &struck, Judgement::Passed),
            ("p.sign_outs == 0", &asked, Judgement::Passed),
            ("p.responses_429 == 0", &struck, Judgement::Vacuous),
            ("p.responses_429 == 0", &asked, Judgement::Passed),
            ("p.errors_surfaced_to_app == 0", &struck, Judgement::Vacuous),
            ("p.errors_surfaced_to_app == 0", &app, Judgement::Passed),
            ("p.zombie_sessions == 0", &struck, Judgement::Vacuous),
            ("p.callers_gave_up == 0", &struck, Judgement::Vacuous),
            ("p.callers_gave_up == 0", &app, Judgement::Passed),
            ("p.time_to_recover_s == 0", &opened, Judgement::Vacuous),
        ] {
            let verdict = judge(&read(text), &plan, &[0.0], std::slice::from_ref(exercise));
            assert_eq!(verdict.judgement, expected, "{text}: {verdict:?}");
            assert_eq!(verdict.reason.is_empty(), expected != Judgement::Vacuous);
        }
        // One of two runs has the stimulus: the verdict is judged, and the bound counts one run.
        let verdict = judge(&read("p.sign_outs == 0"), &plan, &[0.0, 0.0], &[opened.clone(), struck]);
        assert_eq!((verdict.judgement, verdict.exercised), (Judgement::Passed, 1));
        assert_eq!(
            not_exercised(&plan, &[opened]),
            [
                "fault 1 (every endpoint down) strikes nothing",
                "limit 1 on /touch (fixed-window of 1 in 1s, per user) is never asked"
            ]
        );
    }
}
