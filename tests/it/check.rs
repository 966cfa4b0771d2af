//! `authstorm check`: verdicts on relations, shares of runs, means and numbers with labels, each against a hand calculation.

use crate::common::authstorm;
use authstorm::Study;
use authstorm::results::{Assurance, Judgement, Results, Verdict};
use authstorm::stats::{mean_ci, one_sided, zero_event_upper_bound};

/// The documented incident of README with few users: `old` signs users out, and `new` does not.
const STORM: &str = "version = 1\nname = \"storm\"\nhorizon = \"4m\"\nbucket = \"10s\"\nreplications = 8\npolicies = [\"old\", \"new\"]\n\
    [client]\nmodel = \"documented\"\n\
    [[cohort]]\nname = \"office\"\n[cohort.fleet]\nusers = 12\nopens = { uniform = [\"0s\", \"60s\"] }\nfocus-every = { exponential = \"30s\" }\n\
    [[cohort]]\nname = \"home\"\n[cohort.fleet]\nusers = 8\nopens = { uniform = [\"0s\", \"60s\"] }\nfocus-every = { exponential = \"90s\" }\n\
    [[fault]]\nkind = \"status\"\nendpoints = [\"tokens\"]\nfrom = \"1m\"\nto = \"2m\"\nstatus = 401\n\
    [[fault]]\nkind = \"status\"\nendpoints = [\"touch\"]\nfrom = \"1m\"\nto = \"2m\"\nstatus = 429\n\
    [backend]\nlatency = \"80ms\"\n";

/// Two workers, and 4 calls every 10 s that come at once, with a service of 1 s and room for one: of each four, two are
/// served at once, one after a second, and one is shed. In 100 s, 10 times.
const POOL: &str = "version = 1\nname = \"pool\"\nhorizon = \"100s\"\nreplications = 2\npolicies = [\"new\"]\n\
    [[workload]]\nname = \"four\"\nclients = 4\nevery = \"10s\"\nuntil = \"95s\"\n\
    [backend.generic]\nservice = \"1s\"\nlatency = \"50ms\"\n\
    [[backend.pool]]\nname = \"servers\"\nendpoints = [\"generic\"]\nworkers = 2\nqueue = 1\n\
    [[backend.limit]]\nendpoints = [\"generic\"]\nkind = \"fixed-window\"\nkey = \"global\"\nlimit = 1000\nwindow = \"10s\"\nreport-keys = true\n";

fn expect(that: &str, more: &str) -> String {
    format!("[[expect]]\nthat = \"{that}\"\n{more}\n")
}

fn run(text: &str) -> Results {
    let study = Study::parse("check.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    study.run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// The verdicts on these conditions of the storm.
fn storm(conditions: &[(&str, &str)]) -> (Results, Vec<Verdict>) {
    let expectations: String = conditions.iter().map(|(that, more)| expect(that, more)).collect();
    let results = run(&format!("{STORM}{expectations}"));
    let verdicts = results.expectations.clone();
    (results, verdicts)
}

fn values(results: &Results, policy: &str, metric: &str) -> Vec<f64> {
    results.policy(policy).expect("a policy").metric(metric).values.clone()
}

fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-9), "{what}: {found} is not {expected}");
}

#[test]
fn a_relation_holds_in_each_replication_or_fails_in_its_worst() {
    let (results, verdicts) = storm(&[
        ("new.requests_total <= 1 * old.requests_total", ""),
        ("old.requests_total <= 1.2 * new.requests_total + 3", ""),
        ("new.false_sign_outs <= 0.0005 * users", ""),
        ("old.false_sign_outs - new.false_sign_outs > 0.01 * users", ""),
    ]);
    let (old, new) = (values(&results, "old", "requests_total"), values(&results, "new", "requests_total"));
    // By hand: the worst replication of the second has the greatest left side less right side.
    let over: Vec<f64> = old.iter().zip(&new).map(|(old, new)| old - (1.2 * new + 3.0)).collect();
    let worst = (0..8).fold(0, |a, b| if over[b] > over[a] { b } else { a });
    assert!(over[worst] > 0.0 && old.iter().zip(&new).all(|(old, new)| new <= old), "{old:?} {new:?}");
    let judgements = verdicts.iter().map(|verdict| verdict.judgement).collect::<Vec<_>>();
    assert_eq!(judgements[..3], [Judgement::Passed, Judgement::Failed, Judgement::Passed]);
    assert_eq!(verdicts[1].replication, Some(worst as u32));
    assert_near(verdicts[1].observed.expect("a value"), old[worst], "the left side");
    assert_near(verdicts[1].bound, 1.2 * new[worst] + 3.0, "the right side");
    // 20 users: 0.0005 of them is 0.01.
    assert_near(verdicts[2].bound, 0.01, "a share of the users");
    assert_eq!(verdicts[2].observed, Some(0.0));
    // "Never" with its bound: of 8 clean runs, at most 31.2% of runs violate it.
    let Assurance::ViolatedAtMost(share) = verdicts[0].assurance else { panic!("{verdicts:?}") };
    let missed_twice = (1.0 - share) * (1.0 - share);
    assert_near(missed_twice * missed_twice * missed_twice * missed_twice, 0.05, "0 of 8 runs");
    assert!(verdicts.iter().all(|verdict| verdict.is_relation && verdict.decision.is_none()));
    let (old, new) = (values(&results, "old", "false_sign_outs"), values(&results, "new", "false_sign_outs"));
    let holds = old.iter().zip(&new).all(|(old, new)| old - new > 0.2);
    assert_eq!(verdicts[3].judgement == Judgement::Passed, holds);
    assert!(holds, "old signs users out in each replication: {old:?}");
}

#[test]
fn a_relation_of_means_is_decided_by_the_paired_difference() {
    let conditions = [
        ("new.requests_total <= old.requests_total", "of = \"mean\""),
        ("new.requests_total >= old.requests_total", "of = \"mean\""),
        ("old.page_loads <= new.page_loads", "of = \"mean\""),
    ];
    let (results, verdicts) = storm(&conditions);
    let (old, new) = (values(&results, "old", "requests_total"), values(&results, "new", "requests_total"));
    let d: Vec<f64> = new.iter().zip(&old).map(|(new, old)| new - old).collect();
    let mean = d.iter().sum::<f64>() / 8.0;
    let variance = d.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / 7.0;
    // The quantile of Student's t with 7 degrees of freedom at 97.5%, from a table.
    let half = 2.364_624_251 * (variance / 8.0).sqrt();
    let Assurance::Mean(Some((low, high))) = verdicts[0].assurance else { panic!("{verdicts:?}") };
    assert!((low - (mean - half)).abs() < 1e-6 * half && (high - (mean + half)).abs() < 1e-6 * half);
    assert_near(verdicts[0].observed.expect("a mean"), new.iter().sum::<f64>() / 8.0, "the left mean");
    assert_near(verdicts[0].bound, old.iter().sum::<f64>() / 8.0, "the right mean");
    assert!(high < 0.0, "{low} {high}");
    let judgements = verdicts.iter().map(|verdict| verdict.judgement).collect::<Vec<_>>();
    assert_eq!(judgements[..2], [Judgement::Passed, Judgement::Failed]);
    let decision = verdicts[0].decision.expect("statistics decide");
    assert_eq!(decision.family, 3);
    assert!(decision.p_holds <= 0.05 && decision.p_fails > 0.95, "{decision:?}");
    assert!(!results.passes_check());
}

#[test]
fn means_that_the_runs_do_not_tell_apart_are_not_decided() {
    let (results, verdicts) = storm(&[(
        "old.requests_total{cohort=home} <= 0.3 * old.requests_total{cohort=office}",
        "of = \"mean\"",
    )]);
    let verdict = &verdicts[0];
    let Assurance::Mean(Some((low, high))) = verdict.assurance else { panic!("{verdict:?}") };
    let decision = verdict.decision.expect("statistics decide");
    let by_group = |name: &str| {
        let policy = results.policy("old").expect("a policy");
        let group = policy.groups.iter().find(|g| g.kind == "cohort" && g.group == name).expect("a group");
        group.get("requests_total").expect("a metric").values.clone()
    };
    let (home, office) = (by_group("home"), by_group("office"));
    let d: Vec<f64> = home.iter().zip(&office).map(|(home, office)| home - 0.3 * office).collect();
    let estimate = mean_ci(&d, 0.95);
    assert_near(low, estimate.ci_low, "low end");
    assert_near(high, estimate.ci_high, "high end");
    // One-sided at 5% each way is the 90% interval.
    let ninety = mean_ci(&d, 0.9);
    let expected = match () {
        () if ninety.ci_high <= 0.0 => Judgement::Passed,
        () if ninety.ci_low >= 0.0 => Judgement::Failed,
        () => Judgement::NotDecided,
    };
    assert_eq!(verdict.judgement, expected, "{ninety:?} {decision:?}");
    // One replication shows no mean, and so decides nothing.
    let one = run(&format!(
        "{}{}",
        STORM.replace("replications = 8", "replications = 1"),
        expect("new.requests_total <= old.requests_total", "of = \"mean\"")
    ));
    assert_eq!(one.expectations[0].judgement, Judgement::NotDecided);
    assert!(!one.passes_check(), "not decided is no pass");
}

#[test]
fn numbers_with_labels_are_those_of_the_run() {
    let conditions = [
        "new.calls{endpoint=generic} == 40",
        "new.calls{endpoint=generic, outcome=shed} == 10",
        "new.calls{outcome=200} == 30",
        "new.calls{endpoint=generic, outcome=failed} == 10",
        "new.pool_offered{pool=servers} == 40",
        "new.pool_served{pool=servers} == 30",
        "new.pool_shed{pool=servers} == 10",
        "new.pool_expired{pool=servers} + new.pool_abandoned{pool=servers} + new.pool_dropped{pool=servers} == 0",
        "new.pool_most_waiting{pool=servers} == 1",
        "new.limit_asked{limit=1} == 40",
        "new.limit_refused{limit=1} == 0",
        "new.limit_keys_refused{limit=1} + new.limit_callers_refused{limit=1} + new.limit_innocent_refused{limit=1} == 0",
        "new.callers_begun{workload=four} == 40",
        "new.pool_utilisation{pool=servers} <= 0.1501",
        "new.pool_utilisation{pool=servers} >= 0.1499",
        "new.pool_waiting{pool=servers} == 0.1",
        "new.pool_mean_wait_s{pool=servers} - 0.333333333 <= 0.000000001",
        // Of 30 served calls, 20 take 1 s at the workers, and 10 take 2 s. A class is at most 3.2% wide.
        "new.pool_time_s{pool=servers, quantile=p50} >= 0.968",
        "new.pool_time_s{pool=servers, quantile=p50} <= 1.032",
        "new.pool_time_s{pool=servers, quantile=p90} >= 1.936",
        "new.pool_time_s{pool=servers, quantile=p90} <= 2.064",
        // A shed call is answered after 50 ms: 10 of 40, so p20 is one of them, and p90 waits at the workers.
        "new.answer_time_s{endpoint=generic, quantile=p20} <= 0.0516",
        "new.answer_time_s{endpoint=generic, quantile=p90} >= 1.98",
    ];
    let text: String = conditions.iter().map(|that| expect(that, "")).collect();
    let results = run(&format!("{POOL}{text}"));
    for verdict in &results.expectations {
        assert_eq!(verdict.judgement, Judgement::Passed, "{verdict:?}");
    }
    // What is named is recorded by replication.
    let named = &results.policies[0].named;
    let shed = named.iter().find(|named| named.name == "pool_shed{pool=servers}").expect("it is named");
    assert_eq!((shed.unit.as_str(), &shed.values[..]), ("calls", &[Some(10.0), Some(10.0)][..]));
    assert!(named.iter().all(|named| named.values.len() == 2));
}

/// 40 answers a run are too few for p99, and no call comes to /touch. Nothing could break these conditions.
#[test]
fn a_number_that_no_run_has_is_vacuous() {
    let conditions = [
        ("new.answer_time_s{endpoint=generic, quantile=p99} <= 9", ""),
        ("new.answer_time_s{endpoint=touch, quantile=p50} <= 9", "of = \"95% of runs\""),
        ("new.calls{endpoint=touch, outcome=failed} == 0", "of = \"mean\""),
        ("new.limit_refused{limit=1} == 0", ""),
    ];
    let text: String = conditions.iter().map(|(that, more)| expect(that, more)).collect();
    let results = run(&format!("{POOL}{text}"));
    let judgements: Vec<Judgement> = results.expectations.iter().map(|verdict| verdict.judgement).collect();
    assert_eq!(judgements[..3], [Judgement::Vacuous; 3], "{:?}", results.expectations);
    assert_eq!(judgements[3], Judgement::Passed, "the limit is asked");
    assert_eq!(results.expectations[0].reason, "too few calls are answered for the quantile");
    assert!(!results.passes_check());
    let text = serde_json::to_string(&results).expect("JSON");
    assert_eq!(serde_json::from_str::<Results>(&text).expect("results"), results);
}

/// One call a run, which fails with this probability, in each of so many workloads.
fn coins(probability: f64, count: usize, replications: usize) -> String {
    let workload = |i: usize| format!("[[workload]]\nname = \"w{i}\"\nclients = 1\nevery = \"10s\"\n");
    format!(
        "version = 1\nname = \"coins\"\nhorizon = \"5s\"\nreplications = {replications}\npolicies = [\"new\"]\n\
         [backend.generic]\nlatency = \"10ms\"\n[[fault]]\nkind = \"status\"\nstatus = 500\nendpoints = [\"generic\"]\n\
         probability = {probability}\n{}",
        (0..count).map(workload).collect::<String>()
    )
}

#[test]
fn a_share_of_runs_is_decided_by_exact_tests() {
    let of = |probability: f64, replications: usize, share: &str| {
        let condition = expect("new.callers_gave_up{workload=w0} == 0", &format!("of = \"{share} of runs\""));
        let results = run(&format!("{}{condition}", coins(probability, 1, replications)));
        results.expectations[0].clone()
    };
    // 59 clean runs show 95%, 58 do not: 0.95^59 = 0.0485, 0.95^58 = 0.0510.
    let clean = of(0.0, 59, "95%");
    assert_eq!(clean.judgement, Judgement::Passed, "{clean:?}");
    let Assurance::Runs(runs) = clean.assurance else { panic!("{clean:?}") };
    assert_eq!((runs.meet, runs.of), (59, 59));
    assert_near(runs.at_least, 1.0 - zero_event_upper_bound(59, 0.95), "lower bound");
    assert_eq!(of(0.0, 58, "95%").judgement, Judgement::NotDecided);
    // Every run fails: 0.95 of all runs would, with probability 0.05^2.
    let broken = of(1.0, 2, "95%");
    assert_eq!(broken.judgement, Judgement::Failed, "{broken:?}");
    assert_near(broken.decision.expect("decided").p_fails, 0.0025, "both of two fail");
    // Half of the runs fail: 95% is shown not to hold, 10% is shown to hold.
    let half = of(0.5, 60, "95%");
    let Assurance::Runs(runs) = half.assurance else { panic!("{half:?}") };
    assert!(runs.meet > 15 && runs.meet < 45, "{runs:?}");
    assert_near(runs.at_most, one_sided(runs.meet.into(), 60, 0.95).1, "upper bound");
    assert_eq!(half.judgement, Judgement::Failed);
    assert_eq!(of(0.5, 60, "10%").judgement, Judgement::Passed);
}

/// Twelve runs bound their median by the third and the tenth value: P(B <= 2) = P(B >= 10) = 79/4096 = 1.9% for B
/// binomial(12, 1/2), and P(B <= 3) = 299/4096 = 7.3%. They have no upper end of the 95% quantile: 0.95^12 = 54%.
#[test]
fn a_share_of_runs_has_the_interval_of_its_quantile() {
    let text = "version = 1\nname = \"q\"\nhorizon = \"60s\"\nreplications = 12\npolicies = [\"new\"]\n\
        [[workload]]\nname = \"w\"\nclients = 20\nevery = { exponential = \"10s\" }\n";
    let conditions = [
        ("new.requests_total <= 100", "of = \"50% of runs\""),
        ("new.requests_total <= 100", "of = \"95% of runs\""),
        ("new.requests_total >= 100", "of = \"95% of runs\""),
        ("new.requests_total == 100", "of = \"95% of runs\""),
    ];
    let results =
        run(&format!("{text}{}", conditions.iter().map(|(that, of)| expect(that, of)).collect::<String>()));
    let mut sorted = values(&results, "new", "requests_total");
    sorted.sort_by(f64::total_cmp);
    let quantile = |i: usize| match results.expectations[i].assurance {
        Assurance::Runs(runs) => runs.quantile,
        ref other => panic!("{other:?}"),
    };
    let median = quantile(0).expect("a median");
    assert_near(median.value, sorted[5], "the median of 12");
    assert_eq!((median.low, median.high), (Some(sorted[2]), Some(sorted[9])));
    let high = quantile(1).expect("a quantile");
    assert_near(high.value, sorted[11], "the greatest of 12");
    assert_eq!(high.high, None);
    // At least 100 in 95% of runs: the 5% quantile.
    let low = quantile(2).expect("a quantile");
    assert_near(low.value, sorted[0], "the least of 12");
    assert_eq!((low.low, quantile(3)), (None, None));
}

/// Each of five conditions holds in exactly 95% of all runs, so each "fails" is wrong. A file has a wrong one with a
/// probability of at most 5%: more than 10 of 60 files would have a probability below one in a thousand. Without the
/// correction for five conditions, 40 runs would make one file in five wrong.
#[test]
fn no_true_expectation_fails_beyond_the_level_of_the_file() {
    let conditions: String = (0..5)
        .map(|i| expect(&format!("new.callers_gave_up{{workload=w{i}}} == 0"), "of = \"95% of runs\""))
        .collect();
    let mut study = Study::parse("coins.toml", &format!("{}{conditions}", coins(0.05, 5, 40)))
        .unwrap_or_else(|e| panic!("{e}"));
    let (mut wrong, mut uncorrected) = (0, 0);
    for seed in 1..=60 {
        study.seed(seed).unwrap_or_else(|e| panic!("{e}"));
        let verdicts = study.run().unwrap_or_else(|e| panic!("{e}")).expectations;
        let decisions = || verdicts.iter().map(|verdict| verdict.decision.expect("statistics decide"));
        assert!(decisions().all(|decision| decision.family == 5));
        wrong += u32::from(verdicts.iter().any(|verdict| verdict.judgement == Judgement::Failed));
        // The least p-value is adjusted by the number of all.
        let least = decisions().map(|decision| decision.p_fails).fold(1.0, f64::min) / 5.0;
        uncorrected += u32::from(least <= 0.05);
    }
    assert!(wrong <= 10, "{wrong} of 60 files");
    assert!(uncorrected > 10, "the correction is needed: {uncorrected} of 60 files");
}

#[test]
fn a_file_may_ask_for_another_confidence() {
    let condition = expect("new.callers_gave_up{workload=w0} == 0", "of = \"95% of runs\"");
    let text = format!("{}{condition}", coins(0.0, 1, 59));
    assert_eq!(run(&text).expectations[0].judgement, Judgement::Passed);
    let strict = format!("{text}[check]\nconfidence = 0.99\n");
    let verdict = run(&strict).expectations[0].clone();
    assert_eq!(verdict.judgement, Judgement::NotDecided);
    assert_near(verdict.decision.expect("statistics decide").confidence, 0.99, "confidence");
    // 90 clean runs show 95% with 99% confidence: 0.95^90 = 0.00988.
    assert_eq!(run(&strict.replace("= 59", "= 90")).expectations[0].judgement, Judgement::Passed);
}

/// The mean of one metric that is compared with a number is the observed one, unless the file has a `[check]`.
#[test]
fn a_plain_mean_keeps_its_meaning_without_a_check() {
    let text = format!("{STORM}{}", expect("old.requests_total >= 1", "of = \"mean\""));
    let one = |text: &str| run(&text.replace("replications = 8", "replications = 1")).expectations[0].clone();
    let plain = one(&text);
    assert_eq!((plain.judgement, plain.decision), (Judgement::Passed, None));
    let checked = one(&format!("{text}[check]\n"));
    assert_eq!(checked.judgement, Judgement::NotDecided, "one replication shows nothing of a mean");
    let all = run(&format!("{text}[check]\n")).expectations[0].clone();
    assert_eq!(all.judgement, Judgement::Passed, "{all:?}");
    assert!(!all.is_relation && all.decision.is_some());
}

/// The answer of `find` on a relation of two policies of one run.
#[test]
fn find_takes_relations_and_refuses_baselines() {
    let find = |target: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("coins.toml");
        std::fs::write(&file, coins(0.5, 1, 1).replace("[\"new\"]", "[\"old\", \"new\"]")).expect("written");
        let mut command = authstorm();
        command.arg("find").arg(&file).args(["--vary", "workload[0].clients=1..2", "--target", target]);
        command.args(["--share", "50%", "--confidence", "80%", "--out"]);
        let output = command.arg(folder.path().join("answer")).output().expect("the command runs");
        let said = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), said(output.stdout), said(output.stderr))
    };
    // Generic clients follow no policy, so both policies have the same calls.
    let (code, said, complaint) = find("new.requests_total <= old.requests_total");
    assert_eq!(code, Some(0), "{said}{complaint}");
    let (code, _, complaint) = find("new.requests_total <= baseline(new.requests_total)");
    assert_eq!(code, Some(2));
    assert!(complaint.contains("--target:1:32: error[E601]: a run has no baseline"), "{complaint}");
}
