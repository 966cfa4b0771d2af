//! `authstorm map`

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::memory::Need;
use super::points::{WorkArgs, check_memory, finish, lines, put, rows, what};
use super::run::StudyArgs;
use super::{interrupt, memory, sweep_cost, table, terminal};
use authstorm::experiment::map::{Map, Mapper, Outcomes, Question, write};
use authstorm::experiment::vary::Vary;
use authstorm::kernel::Dur;
use authstorm::results::DataFile;
use authstorm::results::dir::Unfinished;
use authstorm::text::{ended, shell_word};
use authstorm::{page, plot};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What makes a map smaller.
const ADVICE: &str = "fewer values, fewer --replications, --policy or a shorter horizon need less";

/// Options.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("axis").required(true).args(["load", "capacity"])))]
pub(super) struct Args {
    #[command(flatten)]
    study: StudyArgs,
    /// The key of the load and its values, as in workload[0].clients=100..300/5 or fleet.users=100,200,400: greater values are
    /// harder to carry
    #[arg(long, value_name = "KEY=VALUES")]
    load: Option<String>,
    /// The key of a capacity instead, as in backend.pool[0].workers=4..16/4: greater values help
    #[arg(long, value_name = "KEY=VALUES")]
    capacity: Option<String>,
    /// A key of the fault or the action that strikes the system, and its values, as in fault[0].to=70s,90s,120s
    #[arg(long, value_name = "KEY=VALUES")]
    trigger: String,
    /// A run that is back within this time of the end of the trigger is back at once
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = Dur::parse)]
    at_once: Dur,
    /// Also let the load rise and fall within a run, without the trigger: each load lasts this long, up to the greatest and down
    /// again. Tells at which load the system falls and at which it comes back (hysteresis); for --load workload[N].clients
    #[arg(long, value_name = "DURATION", value_parser = Dur::parse, conflicts_with = "capacity")]
    ramp: Option<Dur>,
    /// Write the map (map.csv, values.csv, map.json, map.txt, chart, report.html, and the scenario) into this new directory instead
    /// of results/<scenario name>-map
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    work: WorkArgs,
}

/// Draws the map.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let read = |option: &str, text: &str| {
        Vary::parse(text).map_err(|bad| Failure::usage(format!("error: {option}: {bad}")))
    };
    let load = match (&args.load, &args.capacity) {
        (_, Some(text)) => read("--capacity", text)?,
        (text, None) => read("--load", text.as_deref().unwrap_or_default())?,
    };
    let question = Question {
        load,
        is_capacity: args.capacity.is_some(),
        trigger: read("--trigger", &args.trigger)?,
        at_once: args.at_once,
        ramp: args.ramp,
    };
    let base = &args.study.base;
    let study = args.study.study_of_any_size()?;
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let small = memory::threads(base.threads(), Need::default())?;
    let mapper = memory::on(&small, || Mapper::new(&study, &question, &control))?;
    let need = check_memory(&args.study, mapper.sweeper())?;
    let estimate = sweep_cost::measure(mapper.sweeper(), &small, |_| mapper.estimate(&control))?;
    if args.work.estimate {
        return estimate.tell(base, args.work.format, args.work.yes, ADVICE);
    }
    estimate.check(args.work.yes, ADVICE)?;
    let pool = memory::threads(base.threads(), need)?;
    drop(small);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("results").join(format!("{}-map", study.loaded().scenario.name)));
    let command = args.study.command(&[question.load.key(), question.trigger.key()]);
    let own = json!({
        "load": args.load, "capacity": args.capacity, "trigger": args.trigger, "at_once": args.at_once,
        "ramp": args.ramp,
    });
    let work = Unfinished::begin(&out, &what("map", &study, own, &command), args.work.resume)?;
    if !base.quiet {
        estimate.announce(work.count());
    }
    let row = |point: u64| {
        let outcomes = mapper.run(point, &control)?;
        Ok(serde_json::to_string(&outcomes).expect("numbers and lists are JSON"))
    };
    let work = finish((0, mapper.count()), work, (&pool, base.quiet), &control, row)?;
    interrupt::check(&control)?;
    let outcomes: Vec<Outcomes> = rows(&work, mapper.count())?;
    let map = mapper.mapped(&outcomes);
    let again = command_of_map(&args, &command);
    let mut words = map.in_words();
    words.push(format!("again: {again}"));
    let charts = [plot::map(&map)];
    let text = study.loaded().portable_text();
    let page = page::map(&map, &words, &charts, &again, &text);
    let mut files = write(&map, &outcomes);
    files.extend(memory::on(&pool, || page::pictures_of(&charts))?);
    files.extend([
        DataFile::new("scenario.toml", text),
        DataFile::new("map.txt", lines(&words)),
        DataFile::new(page::FILE, page),
    ]);
    let copies = study.loaded().policy_files();
    files.extend(copies.into_iter().map(|file| DataFile::new(file.name, file.text)));
    put(work, files, &again)?;
    print(&args, &map, &words, &out)
}

/// The command that makes the map again.
fn command_of_map(args: &Args, run: &str) -> String {
    let options = run.strip_prefix("authstorm run").unwrap_or(run);
    let mut command = format!("authstorm map{options}");
    for (option, value) in [("load", &args.load), ("capacity", &args.capacity)] {
        command.extend(value.iter().map(|value| format!(" --{option} {}", shell_word(value))));
    }
    command.push_str(&format!(" --trigger {} --at-once {}", shell_word(&args.trigger), args.at_once));
    command.extend(args.ramp.map(|ramp| format!(" --ramp {ramp}")));
    command
}

fn print(args: &Args, map: &Map, words: &[String], out: &Path) -> Result<Exit, Failure> {
    let header =
        ["policy".to_owned(), map.load.clone(), map.trigger.clone(), "outcome".to_owned(), "runs".to_owned()];
    match Format::of(args.work.format, args.study.base.json) {
        Format::Json => terminal::say_json(&map.json()),
        Format::Csv => terminal::say(&String::from_utf8_lossy(&map.csv())),
        Format::Md => {
            let rows: Vec<Vec<String>> = map.rows_in_words().into_iter().map(Vec::from).collect();
            let mut text = markdown(&header, &rows, header.len());
            words.iter().for_each(|sentence| text.push_str(&format!("\n- {}", ended(sentence))));
            terminal::say(&format!("{text}\n"))
        }
        Format::Table if args.study.base.quiet => Ok(Exit::Yes),
        Format::Table => {
            let header = header.each_ref().map(String::as_str);
            let table = table::columns(header, map.rows_in_words().into_iter(), 5, table::width());
            let page = shell_word(&terminal::shown(&out.join(page::FILE)));
            let place = format!("results in {}\nopen the page in a browser: {page}", terminal::shown(out));
            terminal::say(&format!("{table}\n\n{}{place}\n", lines(words)))
        }
    }
}
