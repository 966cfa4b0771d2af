//! `authstorm rank`

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::memory::Need;
use super::points::{finish, known, lines, save};
use super::run::StudyArgs;
use super::{interrupt, memory, sweep_cost, table, terminal};
use authstorm::Study;
use authstorm::experiment::rank::{Outcomes, Question, Ranker, Ranking, write};
use authstorm::experiment::sweep::{Point, Sweeper};
use authstorm::experiment::vary::Vary;
use authstorm::results::DataFile;
use authstorm::results::dir::Unfinished;
use authstorm::text::shell_word;
use authstorm::{page, plot};
use serde_json::{Map, Value, json};
use std::io;
use std::path::PathBuf;

/// What makes a ranking smaller.
const ADVICE: &str =
    "fewer --trajectories, --rows or --keep, fewer --replications, --policy or a shorter horizon need less";

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    study: StudyArgs,
    /// The metric that the keys are ranked by
    #[arg(long, value_name = "NAME")]
    metric: String,
    /// A key and the range that you hold possible, as in fleet.users=50..500, backend.limit[0].rate=5/s..100/s, horizon=5m..2h or
    /// "fleet.users=10..1000 log" for equal ratios. The ranges decide the ranking. Given at least twice
    #[arg(long, value_name = "KEY=LO..HI", required = true)]
    vary: Vec<String>,
    /// Trajectories of the screening: each takes one point more than there are keys
    #[arg(long, value_name = "N", default_value_t = 10)]
    trajectories: u32,
    /// Rows that share out the variance among the keys above the noise: each takes two points more than there are such keys
    #[arg(long, value_name = "N", default_value_t = 256)]
    rows: u32,
    /// The most keys among which the variance is shared out, those with the greatest effects; 0 for a screening alone
    #[arg(long, value_name = "N", default_value_t = 4)]
    keep: usize,
    /// Write the ranking (rank.csv, values.csv, rank.json, rank.txt, chart, report.html, and the scenario) into this new directory
    /// instead of results/<scenario name>-rank
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue the same ranking where it was interrupted
    #[arg(long)]
    resume: bool,
    /// Run a ranking of more than 10 G events, as small pilots of it tell
    #[arg(long)]
    yes: bool,
    /// Print how many points, runs and events this would be at most and how much time it would take; run and write nothing
    #[arg(long)]
    estimate: bool,
    /// The form of what is printed; csv has a row for each policy and key [default: table]
    #[arg(long, value_enum, conflicts_with = "estimate", conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
}

/// Ranks the keys and writes the ranking.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let read =
        |text: &String| Vary::parse(text).map_err(|bad| Failure::usage(format!("error: --vary: {bad}")));
    let question = Question {
        metric: known(&args.metric)?.to_owned(),
        keys: args.vary.iter().map(read).collect::<Result<Vec<Vary>, Failure>>()?,
        trajectories: args.trajectories,
        rows: args.rows,
        keep: args.keep,
    };
    let base = &args.study.base;
    let study = args.study.study_of_any_size()?;
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let small = memory::threads(base.threads(), Need::default())?;
    let ranker = small.install(|| Ranker::new(&study, &question, &control))?;
    check_memory(&args, ranker.sweeper())?;
    let estimate = sweep_cost::measure(ranker.sweeper(), &small, |_| ranker.estimate(&control))?.at_most();
    if args.estimate {
        return estimate.tell(base, args.yes, ADVICE);
    }
    estimate.check(args.yes, ADVICE)?;
    let pool = memory::threads(base.threads(), check_memory(&args, ranker.sweeper())?)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("results").join(format!("{}-rank", study.loaded().scenario.name)));
    let command = args.study.command(&question.keys.iter().map(Vary::key).collect::<Vec<_>>());
    let work = Unfinished::begin(&out, &what(&args, &study, &command), args.resume)?;
    if !base.quiet {
        estimate.announce(work.count());
    }
    let row = |first: u64| {
        let ranker = &ranker;
        move |point: Point| {
            let outcomes = ranker.outcomes(first, &point);
            (outcomes.point, serde_json::to_string(&outcomes).expect("numbers and lists are JSON"))
        }
    };
    let work = finish((ranker.sweeper(), 0), work, (&pool, base.quiet), &control, row(0))?;
    interrupt::check(&control)?;
    let first = ranker.first_row();
    let kept = ranker.kept(&outcomes(&work, first)?)?;
    let sharing = small.install(|| ranker.sharing(&kept, &control))?;
    drop(small);
    let (work, points) = match &sharing {
        None => (work, first),
        Some(sweeper) => {
            let pool = memory::threads(base.threads(), check_memory(&args, sweeper)?)?;
            let work = finish((sweeper, first), work, (&pool, base.quiet), &control, row(first))?;
            (work, first + sweeper.points().count())
        }
    };
    interrupt::check(&control)?;
    let outcomes = outcomes(&work, points)?;
    let ranking = ranker.ranking(&outcomes, &kept)?;
    let mut words = ranking.in_words();
    words.push(format!("again: {}", command_of_ranking(&args, &command)));
    let stages: Vec<_> = [Some(ranker.sweeper()), sharing.as_ref()]
        .into_iter()
        .flatten()
        .map(|s| s.points().clone())
        .collect();
    let charts = [plot::ranking(&ranking)];
    let text = study.loaded().portable_text();
    let page = page::ranking(&ranking, &words, &charts, &command_of_ranking(&args, &command), &text);
    let mut files = write(&ranking, &stages, &outcomes);
    files.extend(pool.install(|| page::pictures_of(&charts))?);
    files.extend([
        DataFile::new("scenario.toml", text),
        DataFile::new("rank.txt", lines(&words)),
        DataFile::new(page::FILE, page),
    ]);
    let copies = study.loaded().policy_files();
    files.extend(copies.into_iter().map(|file| DataFile::new(file.name, file.text)));
    put(work, files)?;
    print(&args, &ranking, &words, &out)
}

/// Refuses a ranking of which a point needs too much memory, and tells the need of the greatest.
fn check_memory(args: &Args, sweeper: &Sweeper<'_>) -> Result<Need, Failure> {
    let largest = sweeper.study(sweeper.largest())?;
    memory::check(largest.loaded(), args.study.base.max_memory)?;
    Ok(Need::of(&largest, false))
}

/// The first rows of the journal.
fn outcomes(work: &Unfinished, count: u64) -> Result<Vec<Outcomes>, Failure> {
    let read = |number: u64| -> io::Result<Outcomes> { Ok(serde_json::from_str(&work.row(number)?)?) };
    let rows = (0..count).map(read).collect::<io::Result<Vec<Outcomes>>>();
    rows.map_err(|e| Failure::io(terminal::shown(work.path()), &e))
}

/// Puts the files into place in one step.
fn put(work: Unfinished, files: Vec<DataFile>) -> Result<(), Failure> {
    let dir = work.results_dir().map_err(|e| Failure::io(terminal::shown(work.path()), &e))?;
    for file in files {
        save(&dir.join(&file.name), &file.bytes).map_err(|e| Failure::io(terminal::shown(&dir), &e))?;
    }
    Ok(work.finish()?)
}

/// What the work is, the most telling first: work of another kind is refused by the first field that differs.
fn what(args: &Args, study: &Study, command: &str) -> Map<String, Value> {
    let provenance = study.provenance();
    let fields = json!({
        "version": provenance.version, "scenario": provenance.scenario, "seed": provenance.seed,
        "replications": provenance.replications, "policies": provenance.policies, "metric": args.metric, "vary": args.vary,
        "trajectories": args.trajectories, "rows": args.rows, "keep": args.keep, "command": command,
        "scenario-hash": provenance.scenario_hash, "scenario-text": provenance.scenario_text,
        "policy-files": provenance.policy_files,
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// The command that makes the ranking again.
fn command_of_ranking(args: &Args, run: &str) -> String {
    let options = run.strip_prefix("authstorm run").unwrap_or(run);
    let mut command = format!("authstorm rank{options} --metric {}", args.metric);
    args.vary.iter().for_each(|vary| command.push_str(&format!(" --vary {}", shell_word(vary))));
    let (trajectories, rows, keep) = (args.trajectories, args.rows, args.keep);
    command.push_str(&format!(" --trajectories {trajectories} --rows {rows} --keep {keep}"));
    command
}

/// Columns of the table.
const HEADER: [&str; 7] = ["policy", "key", "effect", "95% interval", "noise", "alone", "with others"];

fn print(args: &Args, ranking: &Ranking, words: &[String], out: &std::path::Path) -> Result<Exit, Failure> {
    match Format::of(args.format, args.study.base.json) {
        Format::Json => terminal::say_json(&ranking.json()),
        Format::Csv => terminal::say(&String::from_utf8_lossy(&ranking.csv())),
        Format::Md => {
            let rows: Vec<Vec<String>> = ranking.rows_in_words().into_iter().map(Vec::from).collect();
            let mut text = markdown(&HEADER.map(str::to_owned), &rows, 2);
            words.iter().for_each(|sentence| text.push_str(&format!("\n- {sentence}.")));
            terminal::say(&format!("{text}\n"))
        }
        Format::Table if args.study.base.quiet => Ok(Exit::Yes),
        Format::Table => {
            let table = table::columns(HEADER, ranking.rows_in_words().into_iter(), 2, table::width());
            let page = shell_word(&terminal::shown(&out.join(page::FILE)));
            let place = format!("results in {}\nopen the page in a browser: {page}", terminal::shown(out));
            terminal::say(&format!("{table}\n\n{}{place}\n", lines(words)))
        }
    }
}
