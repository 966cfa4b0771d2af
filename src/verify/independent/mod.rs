//! A second simulation.

mod answer;
mod clock;
mod drawn_users;
mod draws;
mod engine;
mod flow;
mod generic;
mod limit;
mod load;
mod log;
mod page;
mod people;
mod poller;
#[cfg(test)]
mod recorded;
mod retries;
mod scenario;
mod service;
mod token;
mod world;

use crate::experiment::Study;
pub use scenario::scenario;
use world::World;

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// A guard stopped the engine: the scenario is too large.
    Stopped,
    /// Both do the same: so many calls.
    Same(u64),
    /// They do not, or the scenario does not load.
    Unlike(String),
}

/// Holds the engine against the second simulation on the scenario of a seed.
pub fn compared(seed: u64) -> Compared {
    compare(&scenario(seed), 0)
}

/// More acts than the engine may have events: one of its events is at most one act and one message here.
const MOST_ACTS: u64 = 10_000_000;

/// `spoilt` changes the seed of the second simulation, so that the two must differ.
pub fn compare(text: &str, spoilt: u64) -> Compared {
    let study = match Study::parse("independent", text) {
        Ok(study) => study,
        Err(error) => return Compared::Unlike(format!("a drawn scenario does not load: {error}")),
    };
    let plan = study.plan();
    let mut lines = 0;
    for (contender, of) in plan.contenders.iter().enumerate() {
        let Some(engine) = engine::engine(&plan, contender) else { return Compared::Stopped };
        let mut scenario = plan.scenario.clone();
        scenario.seed += spoilt;
        let world = World::new(scenario, of.parts.clone(), None);
        if !world.run(MOST_ACTS) {
            return Compared::Unlike(format!("{}: the second simulation does not end", of.name));
        }
        let own = world.log.take();
        lines += own.lines.values().sum::<u64>();
        if let Some(((time, who, what), ours, theirs)) = own.first_difference(&engine) {
            return Compared::Unlike(format!(
                "{}: at {time} ns, {who}: \"{what}\" happens {theirs} times in the engine and {ours} times in the second \
                 simulation\n{text}",
                of.name
            ));
        }
    }
    Compared::Same(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWN: u64 = 150;

    #[test]
    fn the_engine_agrees_with_the_second_simulation() {
        let (mut calls, mut stopped) = (0, 0);
        for seed in 0..DRAWN {
            match compared(seed) {
                Compared::Same(more) => calls += more,
                Compared::Stopped => stopped += 1,
                Compared::Unlike(what) => panic!("authstorm verify --swarm-seed {seed}: {what}"),
            }
        }
        // Enough calls that every mechanism has its share, and few scenarios that nobody looked at.
        assert!(calls > 100 * DRAWN && stopped < DRAWN / 10, "{calls} calls, {stopped} stopped");
    }

    #[test]
    fn another_seed_is_told_apart() {
        let unlike = |seed: &u64| matches!(compare(&scenario(*seed), 1), Compared::Unlike(_));
        let told = (0..20).filter(unlike).count();
        assert!(told >= 15, "{told} of 20");
    }
}
// TEMP
pub fn trace(text: &str, name: &str, from: u64, to: u64) {
    let plan = Study::parse("independent", text).unwrap().plan();
    let c = plan.contenders.iter().position(|c| c.name == name).unwrap();
    let engine = engine::engine(&plan, c).unwrap();
    let world = World::new(plan.scenario.clone(), plan.contenders[c].parts.clone(), None);
    world.run(MOST_ACTS);
    let own = world.log.take();
    let keys: std::collections::BTreeSet<_> = own.lines.keys().chain(engine.lines.keys()).filter(|k| k.0 >= from && k.0 <= to).collect();
    for k in keys {
        let (e, o) = (engine.lines.get(k).unwrap_or(&0), own.lines.get(k).unwrap_or(&0));
        println!("{} {e} {o} {} {} {}", if e == o { "  " } else { "!!" }, k.0, k.1, k.2);
    }
}
