//! `authstorm conform`

use super::exit::{Exit, Failure};
use super::terminal;
use super::terminal::shown;
use authstorm::client::token::{Profile, SHIPPED, shipped};
use authstorm::conform::{Comparison, Outcome, Recording, Request, Status, compare, token};
use authstorm::results::dir::read_regular;
use authstorm::text::escape;
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
    /// Print JSON instead of text
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
    let mut releases = BTreeMap::<String, (usize, usize)>::new();
    for (_, comparison) in &comparisons {
        let (matches, all) = releases.entry(comparison.release()).or_default();
        *matches += usize::from(comparison.matched());
        *all += 1;
    }
    if args.json {
        terminal::say_json(&json(&comparisons, &releases))?;
    } else {
        terminal::say(&words(&comparisons, &releases))?;
    }
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

fn json(comparisons: &[(String, Compared)], releases: &BTreeMap<String, (usize, usize)>) -> String {
    let recordings: Vec<_> = comparisons
        .iter()
        .map(|(file, compared)| match compared {
            Compared::Session(c) => serde_json::json!({
                "file": file, "client": c.client, "scenario": c.scenario, "outcome": c.outcome, "notes": c.notes,
            }),
            Compared::Token(c) => serde_json::json!({
                "file": file, "client": compared.release(), "scenario": c.scenario, "outcome": c.outcome,
            }),
        })
        .collect();
    let releases: serde_json::Map<String, serde_json::Value> = releases
        .iter()
        .map(|(name, (matches, all))| {
            (name.clone(), serde_json::json!({ "matches": matches, "recordings": all }))
        })
        .collect();
    format!("{:#}\n", serde_json::json!({ "recordings": recordings, "releases": releases }))
}

fn words(comparisons: &[(String, Compared)], releases: &BTreeMap<String, (usize, usize)>) -> String {
    let mut text = String::new();
    for (file, comparison) in comparisons {
        let file = escape(file);
        match comparison {
            Compared::Session(c) => session_words(&mut text, &file, c),
            Compared::Token(c) => token_words(&mut text, &file, c),
        }
        text.push('\n');
    }
    for (release, (matches, all)) in releases {
        let _ = writeln!(text, "{}: {matches} of {all} recordings match", escape(release));
    }
    text
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
                let entries = if entries.is_empty() { "nothing".to_owned() } else { entries.join("; ") };
                let _ = write!(text, "\n    only {side}: {}", escape(&entries));
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
