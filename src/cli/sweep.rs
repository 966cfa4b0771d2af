//! `authstorm sweep`

use super::exit::{Exit, Failure};
use super::grid::Grid;
use super::memory::Need;
use super::points::{WorkArgs, check_memory, known, what};
use super::run::StudyArgs;
use super::shard::{ShardArgs, Task, default_out};
use super::{interrupt, memory, sweep_cost};
use authstorm::experiment::sweep::{Design, Kind, Sweeper, Table};
use authstorm::experiment::vary::Vary;
use authstorm::page;
use authstorm::results::dir::Unfinished;
use authstorm::text::shell_word;
use serde_json::json;
use std::path::PathBuf;

/// What makes a sweep smaller.
const ADVICE: &str =
    "fewer steps, --design lhs:N, fewer --replications, --policy or a shorter horizon need less";

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub study: StudyArgs,
    #[command(flatten)]
    pub shard: ShardArgs,
    /// A key and its values: a range with a number of steps, as in fleet.users=50..500/10, or in equal ratios, as in
    /// "horizon=1m..2h/5 log"; or a list, as in backend.limit[0].limit=10,20,50 or fleet.app-reaction=none,get-token. May be
    /// given several times
    #[arg(long, value_name = "KEY=VALUES", required = true)]
    vary: Vec<String>,
    /// Which points to visit: factorial for every combination, lhs:N for N points of a Latin hypercube
    #[arg(long, value_name = "DESIGN", default_value = "factorial", value_parser = Kind::parse)]
    design: Kind,
    /// Draw and tell this metric; may be given several times [default: the three gravest that vary]
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// Write the map (sweep.csv, values.csv, sweep.json, sweep.txt, charts, report.html, and the scenario) into this new
    /// directory instead of results/<scenario name>-sweep
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs the sweep and writes its map.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let read =
        |text: &String| Vary::parse(text).map_err(|bad| Failure::usage(format!("error: --vary: {bad}")));
    let keys = args.vary.iter().map(read).collect::<Result<Vec<Vary>, Failure>>()?;
    let design = Design::new(keys, args.design).map_err(authstorm::Error::from)?;
    let metrics =
        args.metric.iter().map(|name| known(name)).collect::<Result<Vec<&'static str>, Failure>>()?;
    let study = args.study.study_of_any_size()?;
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let small = memory::threads(args.study.base.threads(), Need::default())?;
    let sweeper = memory::on(&small, || Sweeper::new(&study, &design, &control))?;
    let need = check_memory(&args.study, &sweeper)?;
    // The points of parts that are merged have been run.
    let estimate = match &args.shard.parts {
        Some(_) => None,
        None => Some(sweep_cost::measure(&sweeper, &small, |sweeper| sweeper.estimate(&control))?),
    };
    if let Some(estimate) = &estimate {
        if args.work.estimate {
            return estimate.tell(&args.study.base, args.work.format, args.work.yes, ADVICE);
        }
        estimate.check(args.work.yes, ADVICE)?;
    }
    let pool = memory::threads(args.study.base.threads(), need)?;
    drop(small);
    let name = &study.loaded().scenario.name;
    let command = args.study.command(&design.keys().iter().map(Vary::key).collect::<Vec<_>>());
    let head = sweeper.head();
    let own = json!({ "vary": args.vary, "design": head.design, "points": head.count });
    let what = what("sweep", &study, own, &command);
    if let Some(shard) = args.shard.shard {
        let task = Task {
            shard,
            round: 1,
            after: String::new(),
            verb: "sweep",
            words: &args.shard.words,
            what,
            study: &study,
            options: &args.study.base,
            out: args.out.clone().unwrap_or_else(|| default_out(name, "-sweep", shard)),
        };
        return task.run(head.count, &pool, args.work.resume, |point| sweeper.row(point, &control));
    }
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("results").join(format!("{name}-sweep")));
    let work = match &args.shard.parts {
        Some(parts) => parts.begin(&out, &what, head.count)?,
        None => Unfinished::begin(&out, &what, args.work.resume)?,
    };
    if let Some(estimate) = estimate.filter(|_| !args.study.base.quiet) {
        estimate.announce(work.count());
    }
    let commands = page::Commands {
        what: "sweep",
        cell: page::OfCell::Set,
        again: command_of_sweep(&args, &command),
        run: command.clone(),
    };
    let words = |tables: &[Table], events: u64| in_words(&tables[0], events, &command);
    let grid = Grid {
        sweeper: &sweeper,
        study: &study,
        options: &args.study.base,
        format: args.work.format,
        out: &out,
        metrics: &metrics,
        commands: &commands,
        drawn: std::slice::from_ref(&head.policies),
        words: &words,
    };
    grid.make(work, &pool, &control, |_| Ok(Vec::new()))
}

/// The sweep in sentences.
fn in_words(table: &Table, events: u64, command: &str) -> Vec<String> {
    let Table { sweep, .. } = table;
    let mut words = vec![sweep.headline()];
    words.extend(table.in_words());
    words.extend(sweep.cautions());
    words.push(authstorm::experiment::sweep::cost_in_words(sweep, events));
    let sets = table.points.settings(0).into_iter().map(|set| format!(" --set {}", shell_word(&set)));
    words.push(format!("the first cell again: {command}{}", sets.collect::<String>()));
    words
}

/// The command that makes the sweep again.
fn command_of_sweep(args: &Args, run: &str) -> String {
    let options = run.strip_prefix("authstorm run").unwrap_or(run);
    let mut command = format!("authstorm sweep{options}");
    args.vary.iter().for_each(|vary| command.push_str(&format!(" --vary {}", shell_word(vary))));
    if let Kind::LatinHypercube(points) = args.design {
        command.push_str(&format!(" --design lhs:{points}"));
    }
    args.metric.iter().for_each(|name| command.push_str(&format!(" --metric {name}")));
    command
}
