//! `authstorm conform`

use super::exit::{Exit, Failure};
use super::terminal;
use super::terminal::shown;
use authstorm::conform::{Comparison, Outcome, Recording, Request, Status, compare};
use authstorm::results::dir::read_regular;
use authstorm::text::escape;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Options.
#[derive(clap::Args)]
pub struct Args {
    /// Recordings, in the form of tests/recordings/README.md
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Compares the simulated client with recordings; exit 1 when any diverges.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let mut comparisons = Vec::new();
    for file in &args.files {
        let failed = |why: String| Failure::usage(format!("{}: error: {why}", shown(file)));
        let bytes = read_regular(file).map_err(|e| failed(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|e| failed(e.to_string()))?;
        let recording = Recording::parse(&text).map_err(|e| failed(format!("not a recording: {e}")))?;
        comparisons.push((file.display().to_string(), compare(&recording)));
    }
    let matched = |c: &Comparison| matches!(c.outcome, Outcome::Match { .. });
    let mut releases = BTreeMap::<&str, (usize, usize)>::new();
    for (_, comparison) in &comparisons {
        let (matches, all) = releases.entry(&comparison.client).or_default();
        *matches += usize::from(matched(comparison));
        *all += 1;
    }
    if args.json {
        terminal::say_json(&json(&comparisons, &releases))?;
    } else {
        terminal::say(&words(&comparisons, &releases))?;
    }
    Ok(if comparisons.iter().all(|(_, c)| matched(c)) { Exit::Yes } else { Exit::No })
}

fn json(comparisons: &[(String, Comparison)], releases: &BTreeMap<&str, (usize, usize)>) -> String {
    let recordings: Vec<_> = comparisons
        .iter()
        .map(|(file, c)| {
            serde_json::json!({
                "file": file, "client": c.client, "scenario": c.scenario, "outcome": c.outcome, "notes": c.notes,
            })
        })
        .collect();
    let releases: serde_json::Map<String, serde_json::Value> = releases
        .iter()
        .map(|(name, (matches, all))| {
            ((*name).to_owned(), serde_json::json!({ "matches": matches, "recordings": all }))
        })
        .collect();
    format!("{:#}\n", serde_json::json!({ "recordings": recordings, "releases": releases }))
}

fn words(comparisons: &[(String, Comparison)], releases: &BTreeMap<&str, (usize, usize)>) -> String {
    let mut text = String::new();
    for (file, comparison) in comparisons {
        let file = escape(file);
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
        text.push('\n');
    }
    for (release, (matches, all)) in releases {
        let _ = writeln!(text, "{}: {matches} of {all} recordings match", escape(release));
    }
    text
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
