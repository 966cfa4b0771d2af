//! `authstorm rank`

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::memory::Need;
use super::points::{WorkArgs, check_memory, finish, known, lines, put, rows, what};
use super::run::StudyArgs;
use super::{interrupt, memory, sweep_cost, table, terminal};
use authstorm::experiment::rank::{Outcomes, Question, Ranker, Ranking, write};
use authstorm::experiment::sweep::Sweeper;
use authstorm::experiment::vary::Vary;
use authstorm::results::DataFile;
use authstorm::results::dir::Unfinished;
use authstorm::text::{ended, shell_word};
use authstorm::{page, plot};
use serde_json::json;
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
    #[command(flatten)]
    work: WorkArgs,
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
    let ranker = memory::on(&small, || Ranker::new(&study, &question, &control))?;
    check_memory(&args.study, ranker.sweeper())?;
    let estimate = sweep_cost::measure(ranker.sweeper(), &small, |_| ranker.estimate(&control))?.at_most();
    if args.work.estimate {
        return estimate.tell(base, args.work.format, args.work.yes, ADVICE);
    }
    estimate.check(args.work.yes, ADVICE)?;
    let pool = memory::threads(base.threads(), check_memory(&args.study, ranker.sweeper())?)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("results").join(format!("{}-rank", study.loaded().scenario.name)));
    let command = args.study.command(&question.keys.iter().map(Vary::key).collect::<Vec<_>>());
    let own = json!({
        "metric": args.metric, "vary": args.vary, "trajectories": args.trajectories, "rows": args.rows, "keep": args.keep,
    });
    let work = Unfinished::begin(&out, &what("rank", &study, own, &command), args.work.resume)?;
    if !base.quiet {
        estimate.announce(work.count());
    }
    let first = ranker.first_row();
    let row = |sweeper: &Sweeper<'_>, first: u64, point: u64| {
        let outcomes = ranker.outcomes(first, &sweeper.run(point - first, &control)?);
        Ok(serde_json::to_string(&outcomes).expect("numbers and lists are JSON"))
    };
    let screen = |point| row(ranker.sweeper(), 0, point);
    let work = finish((0, first), work, (&pool, base.quiet), &control, screen)?;
    interrupt::check(&control)?;
    let kept = ranker.kept(&rows(&work, first)?)?;
    let sharing = memory::on(&small, || ranker.sharing(&kept, &control))?;
    drop(small);
    let (work, points) = match &sharing {
        None => (work, first),
        Some(sweeper) => {
            let pool = memory::threads(base.threads(), check_memory(&args.study, sweeper)?)?;
            let count = sweeper.points().count();
            let share = |point| row(sweeper, first, point);
            (finish((first, count), work, (&pool, base.quiet), &control, share)?, first + count)
        }
    };
    interrupt::check(&control)?;
    let outcomes: Vec<Outcomes> = rows(&work, points)?;
    let ranking = ranker.ranking(&outcomes, &kept)?;
    let mut words = ranking.in_words();
    let again = command_of_ranking(&args, &command);
    words.push(format!("again: {again}"));
    let stages: Vec<_> = [Some(ranker.sweeper()), sharing.as_ref()]
        .into_iter()
        .flatten()
        .map(|s| s.points().clone())
        .collect();
    let charts = [plot::ranking(&ranking)];
    let text = study.loaded().portable_text();
    let page = page::ranking(&ranking, &words, &charts, &again, &text);
    let mut files = write(&ranking, &stages, &outcomes);
    files.extend(memory::on(&pool, || page::pictures_of(&charts))?);
    files.extend([
        DataFile::new("scenario.toml", text),
        DataFile::new("rank.txt", lines(&words)),
        DataFile::new(page::FILE, page),
    ]);
    let copies = study.loaded().policy_files();
    files.extend(copies.into_iter().map(|file| DataFile::new(file.name, file.text)));
    put(work, files, &again)?;
    print(&args, &ranking, &words, &out)
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
    match Format::of(args.work.format, args.study.base.json) {
        Format::Json => terminal::say_json(&ranking.json()),
        Format::Csv => terminal::say(&String::from_utf8_lossy(&ranking.csv())),
        Format::Md => {
            let rows: Vec<Vec<String>> = ranking.rows_in_words().into_iter().map(Vec::from).collect();
            let mut text = markdown(&HEADER.map(str::to_owned), &rows, 2);
            words.iter().for_each(|sentence| text.push_str(&format!("\n- {}", ended(sentence))));
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
