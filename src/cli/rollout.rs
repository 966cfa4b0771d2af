//! `authstorm rollout`

use super::exit::{Exit, Failure};
use super::find::{Journal, search};
use super::grid::{Grid, More};
use super::memory::Need;
use super::points::{WorkArgs, check_memory, known, what};
use super::run::StudyArgs;
use super::{interrupt, memory, sweep_cost, terminal};
use authstorm::experiment::rollout::{NAME, Rollout};
use authstorm::experiment::sweep::{Sweeper, Table};
use authstorm::kernel::Dur;
use authstorm::plot::{Chart, pass_rates, to_png};
use authstorm::results::dir::Unfinished;
use authstorm::text::number::counted;
use authstorm::text::shell_word;
use authstorm::{Control, Study, page};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// What makes a rollout smaller.
const ADVICE: &str = "fewer --steps or --shares, fewer --replications or a shorter horizon need less";

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    study: StudyArgs,
    /// The policy that users leave: one of the scenario's, a preset or a release
    #[arg(long, value_name = "POLICY")]
    from: String,
    /// The policy that users get
    #[arg(long, value_name = "POLICY")]
    to: String,
    /// Number of steps from 0% to 100% of the users
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "shares")]
    steps: u32,
    /// Shares of the users on the new policy instead, as in 0%,1%,5%,25%,100%
    #[arg(long, value_name = "LIST")]
    shares: Option<String>,
    /// Users get the policy during the run, spread evenly over this time; without it, they are on their policies from the
    /// start
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    over: Option<Dur>,
    /// When the first user may get it
    #[arg(long, value_name = "DURATION", requires = "over", default_value = "0s", value_parser = duration)]
    start: Dur,
    /// Also search the smallest percentage on the new policy at which 95% of runs meet the target, as authstorm find does; it
    /// takes thousands of runs
    #[arg(long)]
    find: bool,
    /// The target of --find, as in "rollout.false_sign_outs == 0" [default: no entry of the flow is recursive]
    #[arg(long, value_name = "CONDITION", requires = "find")]
    target: Option<String>,
    /// Draw and tell this metric; may be given several times [default: the three gravest that vary]
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// Write the files of a sweep (sweep.csv, values.csv, sweep.json, rollout.txt, charts, report.html, and the scenario) into
    /// this new directory instead of results/<scenario name>-rollout
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    work: WorkArgs,
}

fn duration(text: &str) -> Result<Dur, String> {
    Dur::parse(text).map_err(|_| "allowed: a duration such as 90s, 10m or 1h30m".to_owned())
}

/// Runs the rollout and writes its results.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    args.study.selection.refuse_policies("a rollout runs the policies of --from and --to")?;
    let rollout = match &args.shares {
        Some(shares) => Rollout::at_shares(&args.from, &args.to, shares),
        None => Rollout::new(&args.from, &args.to, args.steps),
    };
    let rollout = rollout.map_err(authstorm::Error::from)?;
    let rollout = match args.over {
        Some(over) => rollout.over(args.start, over),
        None => rollout,
    };
    let metrics =
        args.metric.iter().map(|name| known(name)).collect::<Result<Vec<&'static str>, Failure>>()?;
    let study = args.study.study_of_any_size()?;
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let small = memory::threads(args.study.base.threads(), Need::default())?;
    let sweeper = memory::on(&small, || Sweeper::of_rollout(&study, &rollout, &control))?;
    let target = match args.find {
        true => Some(study.rollout_target(&rollout, args.target.as_deref())?),
        false => None,
    };
    let need = check_memory(&args.study, &sweeper)?;
    let estimate = sweep_cost::measure(&sweeper, &small, |sweeper| sweeper.estimate(&control))?;
    if args.work.estimate {
        return estimate.tell(&args.study.base, args.work.format, args.work.yes, ADVICE);
    }
    estimate.check(args.work.yes, ADVICE)?;
    let pool = memory::threads(args.study.base.threads(), need)?;
    drop(small);
    let name = format!("{}-rollout", study.loaded().scenario.name);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("results").join(name));
    let head = sweeper.head();
    let command = command(&args);
    let own = json!({ "shares": head.keys[0].values, "target": target });
    let work = Unfinished::begin(&out, &what("rollout", &study, own, &command), args.work.resume)?;
    if !args.study.base.quiet {
        estimate.announce(work.count());
    }
    let commands = page::Commands {
        what: "rollout",
        cell: page::OfCell::Shares,
        again: command_with(&args, &command),
        run: command.clone(),
    };
    let arms = rollout.arms();
    let words = |tables: &[Table], events: u64| {
        let mut words = vec![head.headline()];
        words.extend(tables.iter().flat_map(Table::in_words));
        words.extend(head.cautions());
        words.push(format!(
            "a user who is on {} at a share is on it at every greater one; what is told of a user is the sum over the users of \
             a policy, divided by their mean number",
            args.to
        ));
        if !args.find {
            words.push("the share at which the storm stops is not searched; --find does".to_owned());
        }
        let runs = head.count * u64::from(head.replications);
        words.push(format!("{} took {}", counted(runs, "run", "runs"), counted(events, "event", "events")));
        words
    };
    let grid = Grid {
        sweeper: &sweeper,
        study: &study,
        options: &args.study.base,
        format: args.work.format,
        out: &out,
        metrics: &metrics,
        commands: &commands,
        drawn: &[arms[3..].to_vec(), vec![NAME.to_owned()]],
        words: &words,
    };
    grid.make(work, &pool, &control, |work| match &target {
        None => Ok(Vec::new()),
        Some(target) => {
            let found = found(&args, (&study, &rollout, target), (&pool, &control), (work, head.count));
            found.map(|found| vec![found])
        }
    })
}

/// The answer of the search, in sentences and files. It is a row of the journal, so that it is not searched again.
fn found(
    args: &Args,
    (study, rollout, target): (&Study, &Rollout, &str),
    (pool, control): (&rayon::ThreadPool, &Arc<Control>),
    (work, row): (&mut Unfinished, u64),
) -> Result<(Vec<String>, Vec<More>), Failure> {
    let place = terminal::shown(work.path());
    let failed = |e: std::io::Error| Failure::io(&place, &e);
    if !work.has(row) {
        let journal = Journal::of(&mut *work, row + 1, None);
        let found = search(journal, (pool, args.study.base.quiet), control, |journal| {
            study.find_rollout_keeping(rollout, target, journal, control)
        })?;
        let Chart { file_stem, svg } = pass_rates(&found);
        let answer = json!({
            "words": found.in_words(), "json": found.json(), "csv": String::from_utf8_lossy(&found.csv()),
            "chart": file_stem, "svg": svg,
        });
        work.add(row, &answer.to_string()).map_err(failed)?;
    }
    let answer: Value =
        serde_json::from_str(&work.row(row).map_err(failed)?).map_err(|e| failed(e.into()))?;
    let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
    let words = answer["words"].as_array().into_iter().flatten();
    let words = words.filter_map(Value::as_str).map(str::to_owned).collect();
    let png = to_png(&text("svg"))?;
    let stem = text("chart");
    let files = vec![
        ("find.json".to_owned(), text("json").into_bytes()),
        ("curve.csv".to_owned(), text("csv").into_bytes()),
        (format!("{stem}.svg"), text("svg").into_bytes()),
        (format!("{stem}.png"), png),
    ];
    Ok((words, files))
}

/// The command without the shares.
fn command(args: &Args) -> String {
    let run = args.study.command(&[]);
    let options = run.strip_prefix("authstorm run").unwrap_or(&run);
    let mut command =
        format!("authstorm rollout{options} --from {} --to {}", shell_word(&args.from), shell_word(&args.to));
    if let Some(over) = args.over {
        command.push_str(&format!(" --over {over} --start {}", args.start));
    }
    command
}

/// The command that makes the rollout again.
fn command_with(args: &Args, command: &str) -> String {
    let mut command = match &args.shares {
        Some(shares) => format!("{command} --shares {}", shell_word(shares)),
        None => format!("{command} --steps {}", args.steps),
    };
    if args.find {
        command.push_str(" --find");
    }
    args.target.iter().for_each(|target| command.push_str(&format!(" --target {}", shell_word(target))));
    args.metric.iter().for_each(|name| command.push_str(&format!(" --metric {name}")));
    command
}
