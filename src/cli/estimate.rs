//! `--estimate`: the cost of a run. Also refuses a run that would exceed its event budget.

use super::exit::{Exit, Failure};
use super::format::{self, Format};
use super::run::StudyArgs;
use super::{interrupt, memory};
use authstorm::Study;
use authstorm::experiment::cost::{Cost, CostReport, is_large};
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
    let estimate = memory::on(&pool, || estimate(study, &control)).map_err(authstorm::Error::from)?;
    let busy = count.min(2 * estimate.policies.len()) as f64;
    let speed = estimate.pilot_events as f64 / (begin.elapsed().as_secs_f64() * busy).max(1e-9);
    let runs = estimate.policies.len() * estimate.replications as usize;
    Ok(Cost { estimate, speed: speed.max(1.0), at_a_time: count.min(runs) })
}

/// Prints the cost of a run. Runs only the pilot.
pub(super) fn tell(args: &StudyArgs, form: Option<Format>) -> Result<Exit, Failure> {
    let study = args.study_of_any_size()?;
    let cost = measure(args, &study)?;
    let refusals = [memory::refusal(study.loaded(), args.base.max_memory), cost.over_budget(&study)];
    let refusals: Vec<String> = refusals.into_iter().flatten().collect();
    if args.base.quiet {
        return Ok(Exit::Yes);
    }
    let report = cost.report(&study, &refusals);
    let text = || cost.in_words(&study, &refusals);
    format::say(Format::of(form, args.base.json), (&COLUMNS, 2), &rows(&report), text, || {
        serde_json::json!(report)
    })
}

/// Columns of an estimate as CSV and as Markdown.
const COLUMNS: [&str; 4] = ["policy", "quantity", "value", "unit"];

/// An estimate, one fact a row. A row of all policies names none.
fn rows(report: &CostReport) -> Vec<[String; 4]> {
    let of = |policy: &str, quantity: &str, value: String, unit: &str| {
        [policy.to_owned(), quantity.to_owned(), value, unit.to_owned()]
    };
    let mut rows = vec![
        of("", "events", report.events.to_string(), "events"),
        of("", "time", report.seconds.to_string(), "s"),
        of("", "simultaneous runs", report.threads.to_string(), "runs"),
        of("", "speed of a thread", report.events_per_s_per_thread.to_string(), "events/s"),
        of("", "memory", report.memory_bytes.to_string(), "bytes"),
        of("", "memory of a run", report.memory_bytes_per_run.to_string(), "bytes"),
        of("", "replications", report.replications.to_string(), "replications"),
        of("", "sessions of the pilot", report.pilot_sessions.to_string(), "sessions"),
    ];
    for policy in &report.policies {
        let mut row = |quantity: &str, value: String, unit: &str| {
            rows.push(of(&policy.name, quantity, value, unit));
        };
        row("events of a run", policy.events_per_run.to_string(), "events");
        row("disagreement of the pilots", policy.disagreement.to_string(), "share");
        if let Some(at) = policy.extrapolated_from_s {
            row("extrapolated from", at.to_string(), "s");
        }
        if let Some(why) = &policy.stopped {
            row("stopped", why.clone(), "");
        }
        for demand in &policy.demand {
            row(&format!("offered to {}", demand.place), demand.offered_per_s.to_string(), "calls/s");
            row(&format!("served by {}", demand.place), demand.served_per_s.to_string(), "calls/s");
        }
    }
    rows.extend(report.refused.iter().map(|why| of("", "refused", why.clone(), "")));
    rows
}

/// Refuses a large study if one of its runs is expected to exceed its event budget.
pub(super) fn check(args: &StudyArgs, study: &Study) -> Result<(), Failure> {
    if !is_large(&study.loaded().scenario) {
        return Ok(());
    }
    let why = measure(args, study)?.over_budget(study);
    why.map_or(Ok(()), |why| Err(Failure::usage(format!("error: {why}"))))
}
