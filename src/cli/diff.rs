//! `authstorm diff`

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::{table, terminal};
use authstorm::diff::{Shown, Verdict, csv, diff, headline, in_words, json, scenario_changes};
use authstorm::experiment::sweep::{self, Sweep};
use authstorm::plot::{Chart, Overlaid, overlaid, to_png};
use authstorm::results::dir::{ReadError, write_new};
use authstorm::results::{DataFile, Results, ResultsDir};
use authstorm::text::clean;
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Reference results: those of a run, or of a sweep or a rollout, whose points are compared
    #[arg(value_name = "DIR_A")]
    a: PathBuf,
    /// Results to compare; every difference is B minus A
    #[arg(value_name = "DIR_B")]
    b: PathBuf,
    /// Show every metric, also those without a difference
    #[arg(long)]
    all: bool,
    /// The form of what is printed; csv has every metric [default: table]
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Short for --format json
    #[arg(long)]
    json: bool,
    /// Write the table, the JSON and one chart of both (diff.txt, diff.json, diff.svg, diff.png; of sweeps
    /// diff.txt, diff.json and diff.csv) into this new directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Compares two results. The answer is no (exit 1) if a metric changed beyond noise.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let is_sweep = [&args.a, &args.b].map(|dir| dir.join(sweep::JSON).is_file());
    let (a, b) = match is_sweep {
        [true, true] => (swept(&args.a)?, swept(&args.b)?),
        [false, false] => (side(&args.a)?, side(&args.b)?),
        [first, _] => {
            let (sweep, run) = if first { (&args.a, &args.b) } else { (&args.b, &args.a) };
            return Err(Failure::usage(format!(
                "error: {} has points of a sweep or a rollout and {} those of a run; allowed: two of one kind",
                terminal::shown(sweep),
                terminal::shown(run)
            )));
        }
    };
    let shown = match (args.all, is_sweep[0]) {
        (true, _) => Shown::All,
        (false, true) => Shown::Most(MOST_CELLS),
        (false, false) => Shown::Differing,
    };
    let keys = scenario_changes(&a.scenario_text, &b.scenario_text).map_err(|wrong| {
        let dir = if wrong.is_second { &args.b } else { &args.a };
        Failure::usage(format!("error: {}: {wrong}", dir.display()))
    })?;
    if a.version != b.version {
        terminal::complain(&format!(
            "warning: written by authstorm {} and {}: a difference may be the program's, not the scenario's",
            clean(&a.version),
            clean(&b.version)
        ));
    }
    let found = diff(&a, &b);
    let words =
        in_words((&a, &b), &keys, &found, shown, |header, rows| table::checks(header, rows.into_iter()));
    let data = json(&a, &b, &keys, &found);
    if let Some(out) = &args.out {
        let mut files =
            vec![DataFile::new("diff.txt", words.as_str()), DataFile::new("diff.json", data.as_str())];
        if is_sweep[0] {
            files.push(DataFile::new("diff.csv", csv(&found)));
        } else {
            let Chart { file_stem, svg } = chart(&args, &headline(&found))?;
            let png = to_png(&svg)?;
            files.push(DataFile::new(format!("{file_stem}.svg"), svg));
            files.push(DataFile::new(format!("{file_stem}.png"), png));
        }
        write_new(out, &files)?;
    }
    match Format::of(args.format, args.json) {
        Format::Table => terminal::say(&words)?,
        Format::Json => terminal::say_json(&data)?,
        Format::Csv => terminal::say(&String::from_utf8_lossy(&csv(&found)))?,
        Format::Md => {
            let table = |header: [&str; 7], rows: Vec<[String; 7]>| {
                let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
                markdown(&header.map(str::to_owned), &rows, 2)
            };
            terminal::say(&in_words((&a, &b), &keys, &found, shown, table))?
        }
    };
    Ok(if found.count(Verdict::Changed) > 0 { Exit::No } else { Exit::Yes })
}

/// Chart of both results on one scale.
fn chart(args: &Args, finding: &str) -> Result<Chart, Failure> {
    let (a, b) = (ResultsDir::open(&args.a)?.results()?, ResultsDir::open(&args.b)?.results()?);
    let name = |which: &str, dir: &Path| {
        let last =
            dir.file_name().map_or_else(|| dir.display().to_string(), |n| n.to_string_lossy().into_owned());
        format!("{which}: {last}")
    };
    let (name_a, name_b) = (name("A", &args.a), name("B", &args.b));
    Ok(overlaid(Overlaid { name: &name_a, results: &a }, Overlaid { name: &name_b, results: &b }, finding))
}

/// The most comparisons of sweeps in a table.
const MOST_CELLS: usize = 30;

/// The points of a sweep or a rollout, each with its policies.
fn swept(dir: &Path) -> Result<Results, Failure> {
    let opened = match ResultsDir::open(dir) {
        Ok(opened) => Some(opened),
        // Version 0.6.0 and earlier wrote no manifest of a sweep.
        Err(ReadError::Missing { .. }) => {
            terminal::complain(&format!(
                "warning: {}: no manifest.json, so its files cannot be checked",
                terminal::shown(dir)
            ));
            None
        }
        Err(error) => return Err(error.into()),
    };
    let read = |name: &str| match &opened {
        Some(opened) => Ok(opened.file(name)?.bytes),
        None => {
            let path = dir.join(name);
            std::fs::read(&path).map_err(|e| Failure::io(terminal::shown(&path), &e))
        }
    };
    let wrong =
        |name: &str, why: String| Failure::usage(format!("error: {}: {name}: {why}", terminal::shown(dir)));
    let sweep: Sweep =
        serde_json::from_slice(&read(sweep::JSON)?).map_err(|e| wrong(sweep::JSON, e.to_string()))?;
    let text =
        String::from_utf8(read("scenario.toml")?).map_err(|e| wrong("scenario.toml", e.to_string()))?;
    Ok(sweep.into_results(text))
}

fn side(dir: &Path) -> Result<Results, Failure> {
    super::report::refuse_answers(dir, "diff", "compares runs, or sweeps and rollouts")?;
    Ok(ResultsDir::open(dir)?.summary()?)
}
