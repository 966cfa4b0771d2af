//! `authstorm find`

use super::exit::{Exit, Failure};
use super::find_cost::FindCost;
use super::format::{Format, markdown};
use super::memory::Need;
use super::points::{lines, put, what};
use super::progress::Progress;
use super::scenario::ScenarioArgs;
use super::shard::{Parts, ShardArgs, Task, default_out};
use super::{interrupt, memory, merge, table, terminal};
use authstorm::experiment::find::search::{Asked, Stage, Trial};
use authstorm::experiment::find::share::Known;
use authstorm::experiment::find::{Finder, Found, Keeper, Question, Ran, Verdict, write};
use authstorm::experiment::vary::Vary;
use authstorm::results::DataFile;
use authstorm::results::dir::Unfinished;
use authstorm::text::{ended, shell_word};
use authstorm::world::Control;
use authstorm::{page, plot};
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub base: ScenarioArgs,
    #[command(flatten)]
    pub shard: ShardArgs,
    /// The parts of all earlier rounds, for a further round that authstorm merge asks for
    #[arg(long, value_name = "PART", num_args = 1.., requires = "shard")]
    after: Vec<PathBuf>,
    /// The key and its range, as in backend.limit[0].limit=10..2000 or backend.limit[0].rate=5/s..100/s
    #[arg(long, value_name = "KEY=LO..HI")]
    vary: String,
    /// What a run is to meet, as in "new.false_sign_outs == 0"
    #[arg(long, value_name = "CONDITION")]
    target: String,
    /// Find the largest value that meets the target, for keys of which small values meet it
    #[arg(long)]
    largest: bool,
    /// The share of runs that is to meet the target, strictly between 0% and 100%
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = share)]
    share: f64,
    /// The probability that the whole answer is right, strictly between 0% and 100%
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = share)]
    confidence: f64,
    /// Distance of neighbouring values in percent of the value; at least a unit of the last digit [default: every value of
    /// a range of numbers, 1% for durations]
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    tolerance: Option<f64>,
    /// Explore with 400 runs instead of 100, for a narrower bracket
    #[arg(long)]
    fine: bool,
    /// Write the answer (runs.csv, curve.csv, find.json, find.txt, chart, report.html, and the scenario) into this new directory
    /// instead of results/<scenario name>-find
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue the same search where it was interrupted
    #[arg(long)]
    resume: bool,
    /// Run a search of more than 10 G events, as small pilots at both ends of the range tell
    #[arg(long)]
    yes: bool,
    /// Print how many runs and events this would be, about; run and write nothing
    #[arg(long)]
    estimate: bool,
    /// The form of what is printed; csv has a row for each value that was looked at [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
}

/// Reads a share such as `95%` or `0.95`.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let share = number.parse::<f64>().map(|number| number / unit);
    share.ok().filter(|share| *share > 0.0 && *share < 1.0).ok_or_else(|| {
        "allowed: a percentage strictly between 0% and 100%, such as 95%, or a number between 0 and 1"
            .to_owned()
    })
}

/// Searches the value. The answer is no (exit 1) if no value is shown to be enough.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let vary = Vary::parse(&args.vary).map_err(|bad| Failure::usage(format!("error: --vary: {bad}")))?;
    let vary = match args.tolerance {
        Some(tolerance) => {
            vary.spaced(tolerance).map_err(|bad| Failure::usage(format!("error: --tolerance: {bad}")))?
        }
        None => vary,
    };
    let question = Question {
        vary,
        target: args.target.clone(),
        largest: args.largest,
        share: args.share,
        confidence: args.confidence,
        fine: args.fine,
    };
    let study = args.base.load(&args.base.settings())?;
    study.loaded().warnings.iter().for_each(|warning| terminal::complain(warning));
    let mut need = Need::default();
    for end in [0, question.vary.len() - 1] {
        let at_end = study.at(&question.vary, end)?;
        memory::check(at_end.loaded(), args.base.max_memory)?;
        need = need.most(Need::of(&at_end, false));
    }
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let pool = memory::threads(args.base.threads(), need)?;
    let finder = Finder::new(&study, &question, &control)?;
    if args.shard.parts.is_none() {
        let cost = FindCost::measure(&study, &question, (&pool, &control))?;
        if args.estimate {
            return cost.tell(&args.base, args.format, args.yes);
        }
        cost.check(args.yes)?;
    }
    let name = &study.loaded().scenario.name;
    let again = command_of_find(&args);
    let own = json!({
        "vary": args.vary, "target": args.target, "largest": args.largest, "share": args.share, "confidence": args.confidence,
        "tolerance": args.tolerance, "fine": args.fine,
    });
    let what = what("find", &study, own, &again);
    if let Some(shard) = args.shard.shard {
        let earlier = if args.after.is_empty() { None } else { Some(Parts::read(&args.after)?) };
        earlier.iter().try_for_each(|parts| parts.check(&what))?;
        let task = Task {
            shard,
            round: earlier.as_ref().map_or(1, Parts::next_round),
            after: earlier.as_ref().map_or_else(String::new, Parts::hash),
            verb: "find",
            words: &args.shard.words,
            what,
            study: &study,
            options: &args.base,
            out: args.out.clone().unwrap_or_else(|| default_out(name, "-find", shard)),
        };
        let known = earlier.as_ref().map(known).transpose()?.unwrap_or_default();
        let mut work = task.begin(args.resume)?;
        let journal = Journal::of(&mut work, 0, None);
        let share = |journal: &Journal<'_>| finder.share(known, shard, journal).map(|_| ());
        search(journal, (&pool, args.base.quiet), &control, share)?;
        return task.end(work);
    }
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("results").join(format!("{name}-find")));
    let merged = args.shard.parts.as_ref();
    merged.iter().try_for_each(|parts| parts.check(&what))?;
    let known = merged.map(known).transpose()?;
    if let (Some(parts), Some(known), false) = (merged, &known, args.shard.finish)
        && finder.lacks(known)
    {
        return merge::asks_for_more(parts);
    }
    let mut work = Unfinished::begin(&out, &what, args.resume || merged.is_some())?;
    let journal = Journal::of(&mut work, 0, known);
    let (found, runs) = search(journal, (&pool, args.base.quiet), &control, |journal| finder.find(journal))?;
    interrupt::check(&control)?;
    let mut words = found.in_words();
    words.extend(judge_anew(&args, &found));
    words.push(format!("again: {again}"));
    let charts = [plot::pass_rates(&found)];
    let text = study.loaded().portable_text();
    let page = page::found(&found, &words, &charts, &again, &text);
    let mut files = write(&found, &question, &runs);
    files.extend(memory::on(&pool, || page::pictures_of(&charts))?);
    files.extend([
        DataFile::new("scenario.toml", text),
        DataFile::new("find.txt", lines(&words)),
        DataFile::new(page::FILE, page),
    ]);
    let copies = study.loaded().policy_files();
    files.extend(copies.into_iter().map(|file| DataFile::new(file.name, file.text)));
    put(work, files, &again)?;
    print(&args, &found, &words, &out)?;
    Ok(match found.verdict {
        Verdict::Bracket | Verdict::Neighbours | Verdict::Everywhere => Exit::Yes,
        Verdict::NotDecided if found.enough.is_some() => Exit::Yes,
        _ => Exit::No,
    })
}

/// The runs of parts.
fn known(parts: &Parts) -> Result<Known, Failure> {
    let mut known = Known::default();
    parts.data::<Ran>()?.into_iter().for_each(|ran| known.add(ran));
    Ok(known)
}

/// Keeps runs in the journal of unfinished work.
pub(super) struct Journal<'a> {
    work: Mutex<&'a mut Unfinished>,
    /// The row of the first run.
    first: u64,
    place: String,
    /// Runs of parts that are merged.
    known: Option<Known>,
    /// The stage, its runs that are done, and the most it has.
    stage: Arc<Mutex<(&'static str, u64, u64)>>,
}

impl<'a> Journal<'a> {
    /// A journal whose runs are rows from `first` on.
    pub(super) fn of(work: &'a mut Unfinished, first: u64, known: Option<Known>) -> Journal<'a> {
        let place = terminal::shown(work.path());
        let stage = Arc::new(Mutex::new(("beginning", 0, 1)));
        Journal { work: Mutex::new(work), first, place, known, stage }
    }
}

impl Keeper for Journal<'_> {
    type Error = Failure;

    fn begins(&self, asked: &Asked<'_>) {
        let name = match asked.stage {
            Stage::Explore => "stage 1 of 4 (exploring)",
            Stage::Enough => "stage 2 of 4 (what is enough)",
            Stage::NotEnough => "stage 3 of 4 (what is not enough)",
            Stage::Beyond => "stage 4 of 4 (beyond)",
        };
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = (name, asked.done, asked.most);
    }

    fn kept(&self, number: u64, trial: Trial) -> Result<Option<Ran>, Failure> {
        if let Some(ran) = self.known.as_ref().and_then(|known| known.get(trial)) {
            return Ok(Some(*ran));
        }
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |row: io::Result<String>| -> io::Result<Ran> { Ok(serde_json::from_str(&row?)?) };
        let row = self.first + number;
        let kept = work.has(row).then(|| read(work.row(row))).transpose();
        kept.map_err(|e| Failure::io(&self.place, &e))
    }

    fn keep(&self, number: u64, ran: &Ran) -> Result<(), Failure> {
        let text = serde_json::to_string(ran).expect("numbers and words are JSON");
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.add(self.first + number, &text).map_err(|e| Failure::io(&self.place, &e))
    }
}

/// Searches, with progress on the terminal. Finished runs stay in the journal.
pub(super) fn search<T: Send>(
    journal: Journal<'_>,
    (pool, quiet): (&rayon::ThreadPool, bool),
    control: &Arc<Control>,
    search: impl FnOnce(&Journal<'_>) -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let progress = Progress::of_stages(&journal.stage, control, quiet);
    let ended = memory::on(pool, || search(&journal));
    drop(progress);
    if ended.is_err() {
        let work = journal.work.into_inner().unwrap_or_else(PoisonError::into_inner);
        terminal::complain(&format!(
            "{} runs are finished and stay in {}; the same command with --resume continues",
            work.count() - journal.first.min(work.count()),
            journal.place
        ));
    }
    ended
}

/// The scenario and the options that change it, apart from those that set this key.
fn scenario_of(args: &Args, key: &str) -> (String, Vec<String>) {
    let is_other = |set: &&String| set.split_once('=').is_none_or(|(set, _)| set.trim() != key);
    let sets = args.base.overrides.iter().filter(is_other).map(|set| format!(" --set {}", shell_word(set)));
    (shell_word(&terminal::shown(&args.base.scenario)), sets.collect())
}

/// The command that finds the answer again.
fn command_of_find(args: &Args) -> String {
    let (scenario, sets) = scenario_of(args, "");
    let mut command = format!("authstorm find {scenario}");
    command.extend(args.base.seed.map(|seed| format!(" --seed {seed}")));
    command.extend(sets);
    command.push_str(&format!(" --vary {} --target {}", shell_word(&args.vary), shell_word(&args.target)));
    command.push_str(if args.largest { " --largest" } else { "" });
    command.push_str(&format!(" --share {} --confidence {}", args.share, args.confidence));
    command.extend(args.tolerance.map(|tolerance| format!(" --tolerance {tolerance}")));
    command.push_str(if args.fine { " --fine" } else { "" });
    command
}

/// The command that judges the answer on a fresh seed.
fn judge_anew(args: &Args, found: &Found) -> Option<String> {
    let claim = found.enough.as_ref()?;
    let (scenario, sets) = scenario_of(args, &found.key);
    let set = shell_word(&format!("{}={}", found.key, claim.value));
    let seed = match found.key.as_str() {
        "seed" => String::new(),
        _ => format!(" --seed {}", found.seed.wrapping_add(1)),
    };
    Some(format!(
        "judge it on a fresh seed: authstorm run {scenario}{} --set {set}{seed} --replications 59 --out judged",
        sets.concat()
    ))
}

/// Rows of the table on a terminal.
const ROWS: usize = 8;

fn print(args: &Args, found: &Found, words: &[String], out: &Path) -> Result<Exit, Failure> {
    match Format::of(args.format, args.base.json) {
        Format::Json => terminal::say_json(&found.json()),
        Format::Csv => terminal::say(&String::from_utf8_lossy(&found.csv())),
        Format::Md => {
            let rows: Vec<Vec<String>> = found.rows_in_words().into_iter().map(Vec::from).collect();
            let mut text = markdown(&Found::COLUMNS.map(str::to_owned), &rows, 1);
            words.iter().for_each(|sentence| text.push_str(&format!("\n- {}", ended(sentence))));
            terminal::say(&format!("{text}\n"))
        }
        Format::Table if args.base.quiet => Ok(Exit::Yes),
        Format::Table => {
            let page = shell_word(&terminal::shown(&out.join(page::FILE)));
            let place = format!("results in {}\nopen the page in a browser: {page}", terminal::shown(out));
            terminal::say(&format!("{}\n{}{place}\n", lines(words), rows_with_most_runs(found)))
        }
    }
}

/// The values with most runs, as a table.
fn rows_with_most_runs(found: &Found) -> String {
    let runs = found.rates.iter().map(|rate| rate.fresh + rate.explored).enumerate();
    let mut most: Vec<(usize, u64)> = runs.collect();
    most.sort_by_key(|(i, runs)| (std::cmp::Reverse(*runs), *i));
    let mut shown: Vec<usize> = most.iter().take(ROWS).map(|(i, _)| *i).collect();
    shown.sort_unstable();
    let all = found.rows_in_words();
    let rows: Vec<[String; 6]> = shown.into_iter().map(|i| all[i].clone()).collect();
    let mut text = format!("{}\n", table::columns(Found::COLUMNS, rows.into_iter(), 0, table::width()));
    if all.len() > ROWS {
        text.push_str(&format!("The {ROWS} values with most runs; curve.csv has all {}.\n", all.len()));
    }
    text
}
