//! `authstorm check`

mod github;
mod junit;
mod rows;

use super::exit::{Exit, Failure};
use super::format::Format;
use super::run::{Selection, StudyArgs};
use super::scenario::{RunOptions, ScenarioArgs};
use super::{interrupt, out_file, terminal};
use authstorm::Study;
use authstorm::results::dir::ReadError;
use authstorm::results::summary::{self, summary};
use authstorm::results::{Results, ResultsDir};
use authstorm::scenario::expect::places;
use authstorm::text::number;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Scenario files. All are read before any is run
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    options: RunOptions,
    #[command(flatten)]
    selection: Selection,
    /// Compare with the results in this directory where an expectation names a baseline; of several scenarios, or of a
    /// directory of results directories, with DIR/<scenario name>
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    /// Write the verdicts as JUnit XML into this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The form of what is printed: csv has a row for each expectation of each file [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
}

/// A scenario file that was read.
struct File {
    args: StudyArgs,
    study: Study,
    /// Line and column of each expectation in the file; absent where an override gives it.
    places: Vec<Option<(usize, usize)>>,
}

/// A file that was checked.
struct Checked {
    /// The path, as it was given.
    path: String,
    scenario: String,
    places: Vec<Option<(usize, usize)>>,
    /// The results, or why a run was stopped.
    outcome: Result<Results, String>,
    exit: Exit,
}

/// Checks scenario files. Exits with 1 if an expectation fails or is not decided, and with the worst code of all files.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let form = Format::of(args.format, args.options.json);
    let several = args.scenarios.len() > 1;
    // One document for all files.
    let at_end = form == Format::Csv || several && form == Format::Json;
    if let Some(junit) = &args.junit {
        out_file::check("--junit", junit, &args.scenarios, false, (junit::HEAD, junit::is_own))?;
    }
    let files = match read_all(&args)? {
        Ok(files) => files,
        Err(exit) => return Ok(exit),
    };
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let mut all: Vec<Checked> = Vec::new();
    for file in files {
        let path = file.args.base.scenario.display().to_string();
        if several && !at_end && !args.options.quiet {
            let heading = if form == Format::Md { "## " } else { "" };
            let space = if all.is_empty() { "" } else { "\n" };
            terminal::say(&format!("{space}{heading}{}\n\n", terminal::shown(Path::new(&path))))?;
        }
        let scenario = file.study.loaded().scenario.name.clone();
        let (outcome, exit) = match file.args.results(&file.study) {
            Ok(results) if at_end => {
                let passes = results.passes_check();
                if !passes {
                    file.args.complain(&results);
                }
                (Ok(results), if passes { Exit::Yes } else { Exit::No })
            }
            Ok(results) => {
                let exit = file.args.print(&results, args.format, None)?;
                (Ok(results), exit)
            }
            Err(failure) if control.is_stopped() => return Err(failure),
            Err(failure) => {
                let failure = if several { failure.of_file(&path) } else { failure };
                failure.tell();
                (Err(failure.message().to_owned()), failure.exit())
            }
        };
        all.push(Checked { path, scenario, places: file.places, outcome, exit });
    }
    let exit = all.iter().map(|checked| checked.exit).max().unwrap_or(Exit::Yes);
    if form == Format::Csv {
        terminal::say(&rows::csv(&all))?;
    } else if at_end {
        let list: Vec<Value> = all.iter().map(Checked::json).collect();
        terminal::say_json(&format!("{:#}\n", Value::from(list)))?;
    } else if several && !args.options.quiet {
        terminal::say(&format!("\n{}\n", in_all(&all)))?;
    }
    github::tell(&all, form == Format::Table && !args.options.quiet)?;
    if let Some(place) = &args.junit {
        out_file::replace(place, junit::xml(&all)?.as_bytes())?;
    }
    Ok(exit)
}

/// Reads every file and its baseline, and judges its size. Prints what is wrong with any, and then returns the worst exit code.
fn read_all(args: &Args) -> Result<Result<Vec<File>, Exit>, Failure> {
    let several = args.scenarios.len() > 1;
    let (mut files, mut worst) = (Vec::new(), Exit::Yes);
    for scenario in &args.scenarios {
        match read(args, scenario) {
            Ok(file) => files.push(file),
            Err(failure) => {
                let failure =
                    if several { failure.of_file(&scenario.display().to_string()) } else { failure };
                failure.tell();
                worst = worst.max(failure.exit());
            }
        }
    }
    if worst > Exit::Yes {
        return Ok(Err(worst));
    }
    for file in &files {
        let sized = file.args.check_size(&file.study);
        let of_file = |failure: Failure| failure.of_file(&file.args.base.scenario.display().to_string());
        sized.map_err(|failure| if several { of_file(failure) } else { failure })?;
    }
    Ok(Ok(files))
}

fn read(args: &Args, scenario: &Path) -> Result<File, Failure> {
    let base = ScenarioArgs { scenario: scenario.to_owned(), read_from: None, options: args.options.clone() };
    let study_args = StudyArgs { base, selection: args.selection.clone() };
    let mut study = match study_args.load() {
        Ok(study) => study,
        Err(error) => {
            github::tell_unread(scenario, &error)?;
            return Err(error.into());
        }
    };
    if study.loaded().expectations.is_empty() {
        return Err(Failure::usage("error: the scenario has no [[expect]]: nothing to check"));
    }
    if let Some(dir) = &args.baseline {
        let results = baseline(dir, &study.loaded().scenario.name)?;
        study.baseline(results)?;
    }
    let places = places(scenario, &study.loaded().expectations);
    Ok(File { args: study_args, study, places })
}

/// The earlier results of a scenario: those in a directory of its name in this one, or those of this one.
fn baseline(dir: &Path, scenario: &str) -> Result<Results, Failure> {
    let own = dir.join(scenario);
    let open = |place: &Path| -> Result<Results, ReadError> { ResultsDir::open(place)?.results() };
    if own.symlink_metadata().is_ok() {
        return Ok(open(&own)?);
    }
    let results = open(dir).map_err(|error| {
        let (place, inner) = (terminal::shown(dir), terminal::shown(&own));
        Failure::usage(format!("error: --baseline: neither {place} nor {inner} has results: {error}"))
    })?;
    match results.scenario == scenario {
        true => Ok(results),
        false => Err(Failure::usage(format!(
            "error: --baseline: {} has results of {}; allowed: results of {scenario}, there or in {}",
            terminal::shown(dir),
            results.scenario,
            terminal::shown(&own)
        ))),
    }
}

/// How many of several files pass.
fn in_all(all: &[Checked]) -> String {
    let count = |is: fn(Exit) -> bool| all.iter().filter(|checked| is(checked.exit)).count();
    let (pass, fail) = (count(|exit| exit == Exit::Yes), count(|exit| exit == Exit::No));
    let stopped = match all.len() - pass - fail {
        0 => String::new(),
        n => format!(", {n} stopped"),
    };
    format!("{}: {pass} pass, {fail} do not{stopped}", number::counted(all.len() as u64, "file", "files"))
}

impl Checked {
    /// The file in the JSON list of several.
    fn json(&self) -> Value {
        let (results, error) = match &self.outcome {
            Ok(results) => (serde_json::from_str(&summary(results)).unwrap_or(Value::Null), Value::Null),
            Err(error) => (Value::Null, error.as_str().into()),
        };
        json!({ "file": self.path, "exit": self.exit.code(), "error": error, "results": results })
    }
}

/// The JSON Schema of what `check --json` prints of several scenarios, draft 2020-12, as text.
pub(super) fn json_schema() -> String {
    let mut schema: Value = serde_json::from_str(&summary::json_schema()).expect("a schema is JSON");
    let mut defs = schema["$defs"].take();
    let dialect = schema["$schema"].take();
    if let Some(summary) = schema.as_object_mut() {
        summary.retain(|key, _| key != "$defs" && key != "$schema" && key != "title");
    }
    defs["Results"] = schema;
    let properties = json!({
        "file": { "description": "The path, as it was given.", "type": "string" },
        "exit": { "description": "The exit code of this file.", "type": "integer" },
        "error": { "description": "Why a run was stopped; null if none was.", "type": ["string", "null"] },
        "results": {
            "description": "The results, as in summary.json; null if a run was stopped.",
            "anyOf": [{ "$ref": "#/$defs/Results" }, { "type": "null" }],
        },
    });
    let all = json!({
        "$schema": dialect,
        "title": "What `check --json` prints of several scenarios",
        "type": "array",
        "items": { "type": "object", "properties": properties, "required": ["file", "exit", "error", "results"] },
        "$defs": defs,
    });
    format!("{all:#}\n")
}
