//! `authstorm find`

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::memory::Need;
use super::progress::Progress;
use super::scenario::ScenarioArgs;
use super::{interrupt, memory, table, terminal};
use authstorm::Study;
use authstorm::experiment::find::{Found, Question, Verdict};
use authstorm::experiment::vary::Vary;
use authstorm::plot::{Chart, pass_rates, to_png};
use authstorm::results::DataFile;
use authstorm::results::dir::write_new;
use authstorm::text::{number, shell_word};
use std::path::PathBuf;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    base: ScenarioArgs,
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
    /// The form of what is printed; csv has the runs of each value [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
    /// Write the answer, the runs of each value and their chart (find.txt, find.json, find.csv, find.svg, find.png, and the
    /// scenario) into this new directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
    let study = Study::load_set(&args.base.scenario, &args.base.settings())?;
    study.loaded().warnings.iter().for_each(|warning| terminal::complain(warning));
    let mut need = Need::default();
    for end in [0, question.vary.len() - 1] {
        let at_end = study.at(&question.vary, end)?;
        memory::check(at_end.loaded(), args.base.max_memory)?;
        need = need.most(Need::of(&at_end, false));
    }
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let pool = memory::threads(args.base.threads(), need)?;
    let progress = Progress::of_runs(&control, args.base.quiet);
    let found = pool.install(|| study.find(&question, &control));
    drop(progress);
    let found = found?;
    let words = in_words(&args, &found);
    if let Some(out) = &args.out {
        let Chart { file_stem, svg } = pass_rates(&found);
        let png = to_png(&svg)?;
        let mut files = vec![
            DataFile::new("scenario.toml", study.loaded().portable_text()),
            DataFile::new("find.txt", words.as_str()),
            DataFile::new("find.json", found.json()),
            DataFile::new("find.csv", found.csv()),
            DataFile::new(format!("{file_stem}.svg"), svg),
            DataFile::new(format!("{file_stem}.png"), png),
        ];
        let copies = study.loaded().policy_files();
        files.extend(copies.into_iter().map(|file| DataFile::new(file.name, file.text)));
        write_new(out, &files)?;
    }
    match Format::of(args.format, args.base.json) {
        Format::Json => terminal::say_json(&found.json()),
        Format::Csv => terminal::say(&String::from_utf8_lossy(&found.csv())),
        Format::Md => {
            let mut text = markdown(&HEADER.map(str::to_owned), &rows(&found), 1);
            found.in_words().iter().for_each(|sentence| text.push_str(&format!("\n- {sentence}.")));
            terminal::say(&format!("{text}\n"))
        }
        Format::Table if args.base.quiet => Ok(Exit::Yes),
        Format::Table => terminal::say(&words),
    }?;
    Ok(match found.verdict {
        Verdict::Bracket | Verdict::Neighbours | Verdict::Everywhere => Exit::Yes,
        _ => Exit::No,
    })
}

/// Columns of the table of pass rates.
const HEADER: [&str; 5] = ["value", "runs", "meet it", "share", "95% interval, pointwise"];
/// Rows of the table on a terminal.
const ROWS: usize = 8;

fn rows(found: &Found) -> Vec<Vec<String>> {
    let row = |rate: &authstorm::experiment::find::Rate| {
        vec![
            rate.value.clone(),
            number::whole(rate.runs),
            number::whole(rate.meet),
            number::share(rate.meet as f64 / rate.runs as f64),
            format!("{} to {}", number::share(rate.low), number::share(rate.high)),
        ]
    };
    found.rates.iter().map(row).collect()
}

/// The answer, the values with most runs, and the command that judges the answer anew.
fn in_words(args: &Args, found: &Found) -> String {
    let mut text = String::new();
    found.in_words().iter().for_each(|sentence| text.push_str(&format!("{sentence}.\n")));
    let mut most: Vec<(usize, u64)> = found.rates.iter().map(|rate| rate.runs).enumerate().collect();
    most.sort_by_key(|(i, runs)| (std::cmp::Reverse(*runs), *i));
    let mut shown: Vec<usize> = most.iter().take(ROWS).map(|(i, _)| *i).collect();
    shown.sort_unstable();
    let all = rows(found);
    let few = shown.len() < all.len();
    let some: Vec<[String; 5]> = shown.into_iter().filter_map(|i| all[i].clone().try_into().ok()).collect();
    text.push_str(&format!("\n{}\n", table::columns(HEADER, some.into_iter(), 0, table::width())));
    if few {
        text.push_str(&format!("The {ROWS} values with most runs; --format csv has all {}.\n", all.len()));
    }
    if let Some(claim) = &found.enough {
        let scenario = shell_word(&terminal::shown(&args.base.scenario));
        let set = shell_word(&format!("{}={}", found.key, claim.value));
        text.push_str(&format!(
            "Judge it on a fresh seed: authstorm run {scenario} --set {set} --seed {} --replications 59 --out judged\n",
            found.seed.wrapping_add(1)
        ));
    }
    text
}
