//! `authstorm diff`

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::{table, terminal};
use authstorm::diff::{Verdict, csv, diff, headline, in_words, json, scenario_changes};
use authstorm::plot::{Chart, Overlaid, overlaid, to_png};
use authstorm::results::dir::write_new;
use authstorm::results::{DataFile, Results, ResultsDir};
use authstorm::text::clean;
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Reference results
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
    /// Write the table, the JSON and one chart of both (diff.txt, diff.json, diff.svg, diff.png) into this new directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Compares two results. The answer is no (exit 1) if a metric changed beyond noise.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let (a, b) = (side(&args.a)?, side(&args.b)?);
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
        in_words((&a, &b), &keys, &found, args.all, |header, rows| table::checks(header, rows.into_iter()));
    let data = json(&a, &b, &keys, &found);
    if let Some(out) = &args.out {
        let Chart { file_stem, svg } = chart(&args, &headline(&found))?;
        let png = to_png(&svg)?;
        let files = [
            DataFile::new("diff.txt", words.as_str()),
            DataFile::new("diff.json", data.as_str()),
            DataFile::new(format!("{file_stem}.svg"), svg),
            DataFile::new(format!("{file_stem}.png"), png),
        ];
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
            terminal::say(&in_words((&a, &b), &keys, &found, args.all, table))?
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

fn side(dir: &Path) -> Result<Results, Failure> {
    Ok(ResultsDir::open(dir)?.summary()?)
}
