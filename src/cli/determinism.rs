//! `authstorm verify-determinism`: whether a run can be repeated and, with `--ties`, which results depend on the order of
//! simultaneous events.

use super::exit::{Exit, Failure};
use super::memory::{Need, threads};
use super::run::StudyArgs;
use super::{interrupt, terminal};
use authstorm::experiment::determinism::{Trace, compare, trace};
use authstorm::experiment::ties::{Ties, ties};
use authstorm::text::number::short;
use serde_json::json;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    study: StudyArgs,
    /// Also run simultaneous events of different sessions in reverse order, and name the results that change;
    /// exit 1 when a metric does
    #[arg(long)]
    ties: bool,
}

/// Runs a scenario twice, on one thread and on several. Exits with 1 if anything differs.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let study = args.study.study()?;
    let plan = study.plan();
    let need = Need::of(&study, false);
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    if args.ties {
        let pool = threads(args.study.base.threads(), need)?;
        let found = pool.install(|| ties(&plan, &control)).map_err(authstorm::Error::from)?;
        return tell_ties(&args.study, &found, plan.scenario.replications);
    }
    // One thread takes the runs in order. Seven threads shuffle them on any number of cores.
    let second = args.study.base.threads.map_or(7, usize::from).max(2);
    let run = |count: usize| -> Result<Vec<Trace>, Failure> {
        Ok(threads(count, need)?.install(|| trace(&plan, &control)).map_err(authstorm::Error::from)?)
    };
    let (a, b) = (run(1)?, run(second)?);
    let difference = compare((&plan, &a), (&plan, &b), &control).map_err(authstorm::Error::from)?;
    if args.study.base.json {
        let runs: Vec<_> = a
            .iter()
            .map(|t| {
                let fingerprint = format!("{:016x}", t.fingerprint);
                serde_json::json!({ "run": t.run, "events": t.events, "fingerprint": fingerprint })
            })
            .collect();
        let found = difference.as_ref().map(ToString::to_string);
        let json = serde_json::json!({ "threads": [1, second], "runs": runs, "difference": found });
        terminal::say_json(&format!("{json:#}\n"))?;
    } else if difference.is_none() && !args.study.base.quiet {
        let mut text = String::new();
        for t in &a {
            text.push_str(&format!("{}: {} events, fingerprint {:016x}\n", t.run, t.events, t.fingerprint));
        }
        text.push_str(&format!(
            "the same on 1 and on {second} threads: events, their order and what was counted\n"
        ));
        terminal::say(&text)?;
    }
    Ok(match difference {
        None => Exit::Yes,
        Some(found) => {
            terminal::complain(&format!("error: not deterministic: {found}; please report it"));
            Exit::No
        }
    })
}

/// Prints what depends on a tie. The answer is no if a metric does.
fn tell_ties(args: &StudyArgs, found: &[Ties], replications: u32) -> Result<Exit, Failure> {
    if args.base.json {
        let policies: Vec<_> = found.iter().map(ties_json).collect();
        terminal::say_json(&format!(
            "{:#}\n",
            json!({ "replications": replications, "policies": policies })
        ))?;
    } else if !args.base.quiet {
        terminal::say(&found.iter().map(|ties| in_words(ties, replications)).collect::<String>())?;
    }
    Ok(if found.iter().all(|ties| ties.metrics.is_empty()) { Exit::Yes } else { Exit::No })
}

fn ties_json(ties: &Ties) -> serde_json::Value {
    let metrics: serde_json::Map<_, _> = ties
        .metrics
        .iter()
        .map(|m| (m.def.name.to_owned(), json!({ "values": m.own, "opposite": m.opposite })))
        .collect();
    json!({
        "name": ties.policy, "events": ties.events, "tied_events": ties.tied, "replications": ties.replications,
        "sessions": ties.sessions, "buckets": ties.buckets, "metrics": metrics,
    })
}

fn in_words(ties: &Ties, replications: u32) -> String {
    let mut text = format!(
        "policy {}: {} of {} events share their instant with another session's\n",
        ties.policy, ties.tied, ties.events
    );
    if ties.replications == 0 {
        text.push_str("  the opposite order changes nothing that is counted\n");
        return text;
    }
    text.push_str(&format!(
        "  the opposite order changes {} of {replications} replications: {} sessions, {} buckets of time, {} metrics\n",
        ties.replications,
        ties.sessions,
        ties.buckets,
        ties.metrics.len()
    ));
    for metric in &ties.metrics {
        let (own, opposite) = metric.means();
        let sign = if opposite < own { "" } else { "+" };
        text.push_str(&format!(
            "  {}: mean {}, {} in the opposite order ({sign}{})\n",
            metric.def.name,
            short(own),
            short(opposite),
            short(opposite - own)
        ));
    }
    text
}
