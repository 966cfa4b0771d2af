//! `authstorm sweep`

use super::exit::{Exit, Failure};
use super::format::Format;
use super::memory::Need;
use super::points::{check_memory, finish, known, lines, save, what};
use super::run::StudyArgs;
use super::{interrupt, memory, sweep_cost, terminal};
use authstorm::experiment::sweep::{Design, JSON, Kind, Point, Sweeper, Table, Told, write};
use authstorm::experiment::vary::Vary;
use authstorm::results::dir::Unfinished;
use authstorm::text::{shell_word, tick};
use authstorm::{page, plot};
use serde_json::json;
use std::fs;
use std::io;
use std::path::PathBuf;

/// What makes a sweep smaller.
const ADVICE: &str =
    "fewer steps, --design lhs:N, fewer --replications, --policy or a shorter horizon need less";
/// Metrics that are drawn and told where none is asked for.
const DRAWN: usize = 3;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub study: StudyArgs,
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
    /// Continue the same sweep where it was interrupted
    #[arg(long)]
    resume: bool,
    /// Run a sweep of more than 10 G events, as small pilots of it tell
    #[arg(long)]
    pub yes: bool,
    /// Print how many points, runs and events this would be and how much time it would take; run and write nothing
    #[arg(long)]
    estimate: bool,
    /// The form of what is printed; csv has every cell [default: table]
    #[arg(long, value_enum, conflicts_with = "estimate", conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
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
    let sweeper = small.install(|| Sweeper::new(&study, &design, &control))?;
    let need = check_memory(&args.study, &sweeper)?;
    let estimate = sweep_cost::measure(&sweeper, &small, |sweeper| sweeper.estimate(&control))?;
    if args.estimate {
        return estimate.tell(&args.study.base, args.yes, ADVICE);
    }
    estimate.check(args.yes, ADVICE)?;
    let pool = memory::threads(args.study.base.threads(), need)?;
    drop(small);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("results").join(format!("{}-sweep", study.loaded().scenario.name)));
    let command = args.study.command(&design.keys().iter().map(Vary::key).collect::<Vec<_>>());
    let head = sweeper.head();
    let own = json!({ "vary": args.vary, "design": head.design, "points": head.count });
    let work = Unfinished::begin(&out, &what(&study, own, &command), args.resume)?;
    if !args.study.base.quiet {
        estimate.announce(work.count());
    }
    let row = |point: u64| {
        let point = sweeper.run(point, &control)?;
        Ok(serde_json::to_string(&point).expect("texts, numbers and maps are JSON"))
    };
    let work = finish((0, head.count), work, (&pool, args.study.base.quiet), &control, row)?;
    let stopped = || interrupt::check(&control);
    stopped()?;
    let dir = work.results_dir().map_err(|e| Failure::io(terminal::shown(work.path()), &e))?;
    let failed = |e: io::Error| Failure::io(terminal::shown(&dir), &e);
    let point = |number: u64| -> io::Result<Point> { Ok(serde_json::from_str(&work.row(number)?)?) };
    let written = write(&dir, &head, point).map_err(failed)?;
    stopped()?;
    let ranked = written.metrics.ranked();
    let drawn = drawn(&metrics, &ranked)?;
    let cells_of_each = head.policies.len() * head.count as usize;
    let all = ranked.len();
    let happens = ranked.into_iter().filter(Told::happens);
    let picked: Vec<Told> = happens.take(page::MOST_CELLS / cells_of_each).collect();
    let left_out = all - picked.len();
    let (mut table, mut on_page) = (Table::new(head.clone(), drawn), Table::new(head.clone(), picked));
    for number in 0..head.count {
        let point = point(number).map_err(failed)?;
        table.add(&point);
        on_page.add(&point);
    }
    let words = in_words(&table, written.events, &command);
    let charts = plot::sweep(&table);
    let commands = page::Commands { sweep: command_of_sweep(&args, &command), run: command };
    let text = study.loaded().portable_text();
    let page = page::sweep(&on_page, &words, &charts, &commands, &text, left_out);
    let pictures = pool.install(|| page::pictures_of(&charts))?;
    let mut files = vec![
        ("scenario.toml".to_owned(), text.into_bytes()),
        ("sweep.txt".to_owned(), lines(&words).into_bytes()),
        (page::FILE.to_owned(), page.into_bytes()),
    ];
    files.extend(pictures.into_iter().map(|file| (file.name, file.bytes)));
    let copies = study.loaded().policy_files();
    files.extend(copies.into_iter().map(|file| (file.name, file.text.into_bytes())));
    for (name, bytes) in files {
        save(&dir.join(name), &bytes).map_err(failed)?;
    }
    stopped()?;
    let printed = match Format::of(args.format, args.study.base.json) {
        Format::Json => Some(JSON),
        Format::Csv => Some(authstorm::experiment::sweep::CSV),
        _ => None,
    };
    let printed = printed.map(|name| fs::read_to_string(dir.join(name)).map(|text| (name, text)));
    let printed = printed.transpose().map_err(failed)?;
    work.finish()?;
    match (printed, args.format) {
        (Some((JSON, text)), _) => terminal::say_json(&text),
        (Some((_, text)), _) => terminal::say(&text),
        (None, Some(Format::Md)) => {
            terminal::say(&words.iter().map(|sentence| format!("- {sentence}.\n")).collect::<String>())
        }
        _ if args.study.base.quiet => Ok(Exit::Yes),
        _ => {
            let page = shell_word(&terminal::shown(&out.join(page::FILE)));
            let place = format!("results in {}\nopen the page in a browser: {page}", terminal::shown(&out));
            terminal::say(&format!("{}{place}\n", lines(&words)))
        }
    }
}

/// The metrics that are drawn: those that are asked for, or the gravest that vary.
fn drawn(asked: &[&str], ranked: &[Told]) -> Result<Vec<Told>, Failure> {
    if asked.is_empty() {
        let happens: Vec<&Told> = ranked.iter().filter(|told| told.happens()).collect();
        let varies = happens.iter().filter(|told| told.varies()).count().clamp(1, DRAWN);
        return Ok(happens.into_iter().take(varies).cloned().collect());
    }
    let found = |name: &&str| {
        ranked.iter().find(|told| told.name == *name).cloned().ok_or_else(|| {
            Failure::usage(format!(
                "error: --metric: the client of this scenario has no metric {}",
                tick(name)
            ))
        })
    };
    asked.iter().map(found).collect()
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
