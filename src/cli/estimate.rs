//! `--estimate`: the cost of a run. Also refuses a run that would exceed its event budget.

use super::exit::{Exit, Failure};
use super::run::StudyArgs;
use super::{interrupt, memory, terminal};
use authstorm::Study;
use authstorm::experiment::cost::{Cost, is_large};
use authstorm::experiment::estimate::estimate;
use std::time::Instant;

/// Runs the pilot of a study and measures its speed.
#[expect(clippy::disallowed_methods, reason = "how fast this machine is; printed, in no result")]
fn measure(args: &StudyArgs, study: &Study) -> Result<Cost, Failure> {
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    // A pilot is small for every study.
    let pool = memory::threads(args.base.threads(), memory::Need::default())?;
    let count = pool.current_num_threads();
    let begin = Instant::now();
    let estimate = pool.install(|| estimate(study, &control)).map_err(authstorm::Error::from)?;
    let busy = count.min(2 * estimate.policies.len()) as f64;
    let speed = estimate.pilot_events as f64 / (begin.elapsed().as_secs_f64() * busy).max(1e-9);
    let runs = estimate.policies.len() * estimate.replications as usize;
    Ok(Cost { estimate, speed: speed.max(1.0), at_a_time: count.min(runs) })
}

/// Prints the cost of a run. Runs only the pilot.
pub(super) fn tell(args: &StudyArgs) -> Result<Exit, Failure> {
    let study = args.study_of_any_size()?;
    let cost = measure(args, &study)?;
    let refusals = [memory::refusal(study.loaded(), args.base.max_memory), cost.over_budget(&study)];
    let refusals: Vec<String> = refusals.into_iter().flatten().collect();
    if args.base.json {
        terminal::say_json(&format!("{:#}\n", cost.json(&study, &refusals)))?;
    } else if !args.base.quiet {
        terminal::say(&cost.in_words(&study, &refusals))?;
    }
    Ok(Exit::Yes)
}

/// Refuses a large study if one of its runs is expected to exceed its event budget.
pub(super) fn check(args: &StudyArgs, study: &Study) -> Result<(), Failure> {
    if !is_large(&study.loaded().scenario) {
        return Ok(());
    }
    let why = measure(args, study)?.over_budget(study);
    why.map_or(Ok(()), |why| Err(Failure::usage(format!("error: {why}"))))
}
