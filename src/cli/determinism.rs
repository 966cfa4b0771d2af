//! `authstorm verify-determinism`: whether a run can be repeated and, with `--ties`, which results depend on the order of
//! simultaneous events.

use super::exit::{Exit, Failure};
use super::format::{self, Format};
use super::memory::{self, Need, threads};
use super::run::StudyArgs;
use super::{interrupt, terminal};
use authstorm::experiment::determinism::{Trace, compare, trace};
use authstorm::experiment::ties::{Ties, ties};
use authstorm::spec::json::output_schema;
use authstorm::text::number::short;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    study: StudyArgs,
    /// Also run simultaneous events of different sessions in reverse order, and name the results that change;
    /// exit 1 when a metric does
    #[arg(long)]
    ties: bool,
    /// The form of what is printed; table is a line for each run [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
}

/// What `verify-determinism` found.
#[derive(Serialize, JsonSchema)]
struct Found {
    /// Numbers of threads of the two times that the scenario is run.
    threads: [usize; 2],
    /// The runs on one thread.
    runs: Vec<OfRun>,
    /// The first event that differs; null if none does.
    difference: Option<String>,
}

/// A run: a policy in a replication.
#[derive(Serialize, JsonSchema)]
struct OfRun {
    /// The policy and the replication.
    run: String,
    /// Number of its events.
    events: u64,
    /// Hash of its events in their order, 16 hexadecimal digits.
    fingerprint: String,
}

/// What `verify-determinism --ties` found.
#[derive(Serialize, JsonSchema)]
struct FoundTies {
    /// Number of replications of each policy.
    replications: u32,
    /// The policies.
    policies: Vec<OfTies>,
}

/// What hangs on the order of simultaneous events under a policy.
#[derive(Serialize, JsonSchema)]
struct OfTies {
    /// Name of the policy.
    name: String,
    /// Events of the policy's runs.
    events: u64,
    /// Those at times at which more than one session has an event.
    tied_events: u64,
    /// Number of replications in which any count differs between the orders.
    replications: u32,
    /// Number of sessions whose counts differ, over all replications.
    sessions: u64,
    /// Number of timeline buckets that differ, over all replications.
    buckets: u64,
    /// The metrics that differ, by name.
    metrics: BTreeMap<String, OfMetric>,
}

/// The values of a metric in both orders.
#[derive(Serialize, JsonSchema)]
struct OfMetric {
    /// The value of each replication in the order of scheduling; null where it is infinite.
    values: Vec<Option<f64>>,
    /// The value of each replication in the opposite order.
    opposite: Vec<Option<f64>>,
}

/// The JSON Schema of what `verify-determinism --json` prints, draft 2020-12, as text.
pub(super) fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Found>("What `verify-determinism --json` prints"))
}

/// The JSON Schema of what `verify-determinism --ties --json` prints, draft 2020-12, as text.
pub(super) fn ties_schema() -> String {
    format!("{:#}\n", output_schema::<FoundTies>("What `verify-determinism --ties --json` prints"))
}

/// Runs a scenario twice, on one thread and on several. Exits with 1 if anything differs.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let study = args.study.study()?;
    let plan = study.plan();
    let need = Need::of(&study, false);
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    if args.ties {
        let pool = threads(args.study.base.threads(), need)?;
        let found = memory::on(&pool, || ties(&plan, &control)).map_err(authstorm::Error::from)?;
        return tell_ties(&args, &found, plan.scenario.replications);
    }
    // One thread takes the runs in order. Seven threads shuffle them on any number of cores.
    let second = args.study.base.threads.map_or(7, usize::from).max(2);
    let run = |count: usize| -> Result<Vec<Trace>, Failure> {
        Ok(memory::on(&threads(count, need)?, || trace(&plan, &control)).map_err(authstorm::Error::from)?)
    };
    let (a, b) = (run(1)?, run(second)?);
    let difference = compare((&plan, &a), (&plan, &b), &control).map_err(authstorm::Error::from)?;
    let of_run = |t: &Trace| OfRun {
        run: t.run.to_string(),
        events: t.events,
        fingerprint: format!("{:016x}", t.fingerprint),
    };
    let found = Found {
        threads: [1, second],
        runs: a.iter().map(of_run).collect(),
        difference: difference.as_ref().map(ToString::to_string),
    };
    let form = Format::of(args.format, args.study.base.json);
    // Where runs differ, the text is the complaint below.
    if form != Format::Table || difference.is_none() && !args.study.base.quiet {
        let row = |run: &OfRun| [run.run.clone(), run.events.to_string(), run.fingerprint.clone()];
        let rows: Vec<[String; 3]> = found.runs.iter().map(row).collect();
        let text = || {
            let line =
                |[run, events, print]: &[String; 3]| format!("{run}: {events} events, fingerprint {print}\n");
            let runs: String = rows.iter().map(line).collect();
            format!("{runs}the same on 1 and on {second} threads: events, their order and what was counted\n")
        };
        format::say(form, (&["run", "events", "fingerprint"], 1), &rows, text, || json!(found))?;
    }
    Ok(match difference {
        None => Exit::Yes,
        Some(found) => {
            terminal::complain(&format!("error: not deterministic: {found}; please report it"));
            Exit::No
        }
    })
}

/// Columns of `--ties` as CSV and as Markdown: counts of a policy, and means of its metrics in both orders.
const COLUMNS: [&str; 4] = ["policy", "quantity", "value", "opposite"];

/// Prints what depends on a tie. The answer is no if a metric does.
fn tell_ties(args: &Args, found: &[Ties], replications: u32) -> Result<Exit, Failure> {
    if !args.study.base.quiet {
        let form = Format::of(args.format, args.study.base.json);
        let rows: Vec<[String; 4]> = found.iter().flat_map(rows).collect();
        let text = || found.iter().map(|ties| in_words(ties, replications)).collect();
        let json = || json!(FoundTies { replications, policies: found.iter().map(of_ties).collect() });
        format::say(form, (&COLUMNS, 2), &rows, text, json)?;
    }
    Ok(if found.iter().all(|ties| ties.metrics.is_empty()) { Exit::Yes } else { Exit::No })
}

fn of_ties(ties: &Ties) -> OfTies {
    let finite = |values: &[f64]| values.iter().map(|v| v.is_finite().then_some(*v)).collect();
    let metrics = ties
        .metrics
        .iter()
        .map(|m| (m.def.name.to_owned(), OfMetric { values: finite(&m.own), opposite: finite(&m.opposite) }));
    OfTies {
        name: ties.policy.clone(),
        events: ties.events,
        tied_events: ties.tied,
        replications: ties.replications,
        sessions: ties.sessions,
        buckets: ties.buckets,
        metrics: metrics.collect(),
    }
}

fn rows(ties: &Ties) -> Vec<[String; 4]> {
    let row = |quantity: &str, value: String, opposite: String| {
        [ties.policy.clone(), quantity.to_owned(), value, opposite]
    };
    let counts = [
        ("events", ties.events),
        ("tied events", ties.tied),
        ("replications that differ", ties.replications.into()),
        ("sessions that differ", ties.sessions),
        ("buckets that differ", ties.buckets),
    ];
    let counts = counts.into_iter().map(|(quantity, count)| row(quantity, count.to_string(), String::new()));
    let metrics = ties.metrics.iter().map(|metric| {
        let (own, opposite) = metric.means();
        row(metric.def.name, own.to_string(), opposite.to_string())
    });
    counts.chain(metrics).collect()
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
