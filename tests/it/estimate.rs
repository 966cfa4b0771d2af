//! Estimates of events are close to the events of real runs.

use crate::common::root;
use authstorm::Study;
use authstorm::experiment::estimate::estimate;
use authstorm::world::{Control, run};

/// Greatest ratio between the events of a run and its estimate, for every shipped scenario and policy.
const FACTOR: f64 = 1.25;

#[test]
fn estimates_of_shipped_scenarios_are_close() {
    let folder = root().join("scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    paths.sort();
    assert!(paths.len() > 5);
    let mut off = Vec::new();
    for path in &paths {
        let study = Study::load(path).unwrap_or_else(|e| panic!("{e}"));
        let estimated = estimate(&study, &Control::default()).expect("not interrupted");
        let plan = study.plan();
        for (contender, expected) in estimated.policies.iter().enumerate() {
            let name = format!("{} under {}", plan.scenario.name, expected.name);
            match run(&plan, contender, 0, 0..plan.scenario.users(), &Control::default()) {
                Ok(run) => {
                    let ratio = run.events as f64 / expected.events;
                    println!(
                        "{name}: {} events, estimated {:.0} +- {:.0}%, cut at {:?}",
                        run.events,
                        expected.events,
                        expected.disagreement * 100.0,
                        expected.cut_at
                    );
                    if !(1.0 / FACTOR..FACTOR).contains(&ratio) {
                        off.push(format!("{name}: {} events, estimated {:.0}", run.events, expected.events));
                    }
                }
                Err(_) => assert!(expected.stopped.is_some(), "{name}: the pilot foresees the guard"),
            }
        }
    }
    assert_eq!(off, Vec::<String>::new());
}
