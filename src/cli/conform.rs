//! `authstorm conform`

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::terminal;
use super::terminal::shown;
use authstorm::client::token::{Profile, SHIPPED, shipped};
use authstorm::conform::{Comparison, Outcome, Recording, Request, Status, compare, token};
use authstorm::results::csv;
use authstorm::results::dir::read_regular;
use authstorm::spec::json::output_schema;
use authstorm::text::{escape, number};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Recordings, in the form of tests/recordings/README.md or of tests/recordings/sdks/README.md
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Compare recordings of token clients with this client profile instead of the shipped one of their release
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// The form of what is printed; table is a line for each recording, and what differs below it [default: table]
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Short for --format json
    #[arg(long)]
    json: bool,
}

/// A comparison of either kind of client.
enum Compared {
    Session(Comparison),
    Token(token::Comparison),
}

impl Compared {
    /// The release as named in the summary.
    fn release(&self) -> String {
        match self {
            Compared::Session(c) => c.client.clone(),
            Compared::Token(c) => format!("{} {}", c.sdk, c.version),
        }
    }

    fn matched(&self) -> bool {
        match self {
            Compared::Session(c) => matches!(c.outcome, Outcome::Match { .. }),
            Compared::Token(c) => matches!(c.outcome, token::Outcome::Match { .. }),
        }
    }
}

/// Compares the simulated client with recordings. Exits with 1 if any differs.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let profile = match &args.profile {
        Some(file) => Some(Profile::load(file).map_err(authstorm::Error::Scenario)?.0),
        None => None,
    };
    let mut comparisons = Vec::new();
    for file in &args.files {
        comparisons.push((file.display().to_string(), compare_file(file, profile.as_ref())?));
    }
    let mut releases = BTreeMap::<String, Release>::new();
    for (_, comparison) in &comparisons {
        let release = releases.entry(comparison.release()).or_default();
        release.matches += usize::from(comparison.matched());
        release.recordings += 1;
    }
    match Format::of(args.format, args.json) {
        Format::Table => terminal::say(&words(&comparisons, &releases)),
        Format::Json => terminal::say_json(&json(&comparisons, releases)),
        Format::Csv => {
            let rows: Vec<[String; 6]> = comparisons.iter().map(row).collect();
            terminal::say(&String::from_utf8_lossy(&csv::of(&COLUMNS, &rows)))
        }
        Format::Md => {
            let rows: Vec<Vec<String>> = comparisons.iter().map(|compared| row(compared).to_vec()).collect();
            let table = markdown(&COLUMNS.map(str::to_owned), &rows, COLUMNS.len());
            terminal::say(&format!("{table}\n{}", in_all(&releases, "- ")))
        }
    }?;
    Ok(if comparisons.iter().all(|(_, c)| c.matched()) { Exit::Yes } else { Exit::No })
}

fn compare_file(file: &Path, profile: Option<&Profile>) -> Result<Compared, Failure> {
    let failed = |why: String| Failure::usage(format!("{}: error: {why}", shown(file)));
    let bytes = read_regular(file).map_err(|e| failed(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|e| failed(e.to_string()))?;
    let not_a_recording = |e: String| failed(format!("not a recording: {e}"));
    if !token::is_recording(&text) {
        let recording = Recording::parse(&text).map_err(not_a_recording)?;
        return Ok(Compared::Session(compare(&recording)));
    }
    let recording = token::Recording::parse(&text).map_err(not_a_recording)?;
    let found = match profile {
        Some(profile) => Some(profile.clone()),
        None => shipped(&recording.package, &recording.version),
    };
    let profile = found.ok_or_else(|| {
        let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
        failed(format!(
            "no shipped client profile is for {} {}; shipped: {}; another is given with --profile",
            escape(&recording.package),
            escape(&recording.version),
            names.join(", ")
        ))
    })?;
    Ok(Compared::Token(token::compare(&recording, &profile)))
}

/// What `conform` found.
#[derive(Serialize, JsonSchema)]
struct Found<'a> {
    /// The recordings, in the order of the files.
    recordings: Vec<OfRecording<'a>>,
    /// How many recordings of each release match.
    releases: BTreeMap<String, Release>,
}

/// A recording and the outcome of its comparison.
#[derive(Serialize, JsonSchema)]
struct OfRecording<'a> {
    /// The path, as it was given.
    file: &'a str,
    /// The release that was recorded.
    client: String,
    /// The recording's name.
    scenario: &'a str,
    /// Match, divergence, or why it could not be compared.
    outcome: OfEither<'a>,
    /// Facts that the recording's configuration lacks, and where they were taken from instead.
    notes: &'a [String],
}

/// The outcome of either kind of client.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum OfEither<'a> {
    /// Of a client with a session at the server.
    Session(&'a Outcome),
    /// Of a client with tokens.
    Token(&'a token::Outcome),
}

/// The recordings of a release.
#[derive(Clone, Copy, Default, Serialize, JsonSchema)]
struct Release {
    /// Number of recordings that match.
    matches: usize,
    /// Number of all.
    recordings: usize,
}

/// The JSON Schema of what `conform --json` prints, draft 2020-12, as text.
pub(super) fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Found<'_>>("What `conform --json` prints"))
}

fn json(comparisons: &[(String, Compared)], releases: BTreeMap<String, Release>) -> String {
    let recordings = comparisons.iter().map(|(file, compared)| {
        let (scenario, outcome, notes) = match compared {
            Compared::Session(c) => (&c.scenario, OfEither::Session(&c.outcome), &c.notes[..]),
            Compared::Token(c) => (&c.scenario, OfEither::Token(&c.outcome), &[][..]),
        };
        OfRecording { file, client: compared.release(), scenario, outcome, notes }
    });
    let found = Found { recordings: recordings.collect(), releases };
    format!("{:#}\n", serde_json::json!(found))
}

/// Columns of the CSV and of the table in Markdown.
const COLUMNS: [&str; 6] = ["file", "client", "scenario", "verdict", "at_ms", "detail"];

/// A recording as a row: its verdict, and of a divergence the time and what differs.
fn row((file, compared): &(String, Compared)) -> [String; 6] {
    let counted = |parts: &[(usize, &str, &str)]| {
        let parts = parts.iter().map(|(count, one, many)| number::counted(*count as u64, one, many));
        ("match", String::new(), parts.collect::<Vec<_>>().join(", "))
    };
    let requests = |n: usize| (n, "request", "requests");
    let impossible = |why: &String| ("not compared", String::new(), why.clone());
    let (scenario, (verdict, at, detail)) = match compared {
        Compared::Session(c) => (
            &c.scenario,
            match &c.outcome {
                Outcome::Match { requests: n, entries } => {
                    counted(&[requests(*n), (*entries, "entry", "entries")])
                }
                Outcome::Impossible(why) => impossible(why),
                Outcome::Diverged(d) => {
                    let sides = [("recorded", &d.recorded), ("simulated", &d.simulated)];
                    let sides = sides.map(|(side, next)| format!("{side} next: {}", list(next)));
                    let parts = [d.what.to_owned(), d.detail.clone(), sides.join("; ")];
                    let parts = parts.into_iter().filter(|part| !part.is_empty());
                    ("diverges", d.at_ms.to_string(), parts.collect::<Vec<_>>().join("; "))
                }
            },
        ),
        Compared::Token(c) => (
            &c.scenario,
            match &c.outcome {
                token::Outcome::Match { requests: n, calls, events } => {
                    counted(&[requests(*n), (*calls, "call", "calls"), (*events, "event", "events")])
                }
                token::Outcome::Impossible(why) => impossible(why),
                token::Outcome::Diverged(d) => {
                    let sides = [("recorded", &d.only_recorded), ("simulated", &d.only_simulated)];
                    let sides = sides.map(|(side, entries)| only(side, entries));
                    ("diverges", d.at_ms.to_string(), format!("{}; {}", d.what, sides.join("; ")))
                }
            },
        ),
    };
    let words = [file.clone(), compared.release(), scenario.clone(), verdict.to_owned(), at, detail];
    words.map(|cell| escape(&cell))
}

/// The entries that one side alone has.
fn only(side: &str, entries: &[String]) -> String {
    let entries = if entries.is_empty() { "nothing".to_owned() } else { entries.join("; ") };
    format!("only {side}: {entries}")
}

/// How many recordings of each release match, a line each.
fn in_all(releases: &BTreeMap<String, Release>, before: &str) -> String {
    let line = |(name, Release { matches, recordings }): (&String, &Release)| {
        format!("{before}{}: {matches} of {recordings} recordings match\n", escape(name))
    };
    releases.iter().map(line).collect()
}

fn words(comparisons: &[(String, Compared)], releases: &BTreeMap<String, Release>) -> String {
    let mut text = String::new();
    for (file, comparison) in comparisons {
        let file = escape(file);
        match comparison {
            Compared::Session(c) => session_words(&mut text, &file, c),
            Compared::Token(c) => token_words(&mut text, &file, c),
        }
        text.push('\n');
    }
    text + &in_all(releases, "")
}

fn session_words(text: &mut String, file: &str, comparison: &Comparison) {
    match &comparison.outcome {
        Outcome::Match { requests, entries } => {
            let _ = write!(text, "{file}: match ({requests} requests, {entries} entries of the flow)");
        }
        Outcome::Impossible(why) => {
            let _ = write!(text, "{file}: cannot be compared: {}", escape(why));
        }
        Outcome::Diverged(d) => {
            let _ = write!(text, "{file}: DIVERGES at {} ms in {}", d.at_ms, escape(d.what));
            if !d.detail.is_empty() {
                let _ = write!(text, "\n    {}", escape(&d.detail));
            }
            for (side, requests) in [("recorded", &d.recorded), ("simulated", &d.simulated)] {
                let _ = write!(text, "\n    {side} next: {}", list(requests));
            }
        }
    }
    for note in &comparison.notes {
        let _ = write!(text, "\n    note: {}", escape(note));
    }
}

fn token_words(text: &mut String, file: &str, comparison: &token::Comparison) {
    match &comparison.outcome {
        token::Outcome::Match { requests, calls, events } => {
            let _ = write!(text, "{file}: match ({requests} requests, {calls} calls, {events} events)");
        }
        token::Outcome::Impossible(why) => {
            let _ = write!(text, "{file}: cannot be compared: {}", escape(why));
        }
        token::Outcome::Diverged(d) => {
            let _ = write!(text, "{file}: DIVERGES at {} ms in {}", d.at_ms, d.what);
            for (side, entries) in [("recorded", &d.only_recorded), ("simulated", &d.only_simulated)] {
                let _ = write!(text, "\n    {}", escape(&only(side, entries)));
            }
        }
    }
}

fn list(requests: &[Request]) -> String {
    if requests.is_empty() {
        return "nothing".to_owned();
    }
    let words = requests.iter().map(|r| {
        let status = match &r.status {
            Some(Status::Http(status)) => status.to_string(),
            Some(Status::Word(word)) => escape(word),
            None => "page gone".to_owned(),
        };
        format!("{} ms tab {} /{} {status}", r.t, r.tab, format!("{:?}", r.endpoint).to_lowercase())
    });
    words.collect::<Vec<_>>().join("; ")
}
