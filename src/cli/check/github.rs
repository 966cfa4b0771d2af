//! What GitHub Actions reads: annotations at the lines of expectations, and a summary of the job.
//!
//! Source: docs.github.com, "Workflow commands for GitHub Actions". A command is a line of standard output or standard
//! error; in its message `%`, CR and LF are escaped, and in its properties `:` and `,` too.

use super::Checked;
use crate::cli::exit::Failure;
use crate::cli::format::code;
use crate::cli::{table, terminal};
use authstorm::Error;
use authstorm::results::{Judgement, Verdict, verdicts};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Whether the command runs in a job of GitHub Actions.
fn is_here() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Tells a job of GitHub Actions of the verdicts; does nothing elsewhere. With `on_output`, annotations are lines of standard
/// output, and else of standard error, where they do not break what is printed for programs.
pub(super) fn tell(all: &[Checked], on_output: bool) -> Result<(), Failure> {
    if is_here() {
        say(&all.iter().flat_map(annotations).collect::<Vec<_>>().concat(), on_output)?;
    }
    let Some(place) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|place| !place.is_empty()) else {
        return Ok(());
    };
    let appended = File::options().create(true).append(true).open(&place);
    let appended = appended.and_then(|mut file| file.write_all(in_markdown(all).as_bytes()));
    appended.map_err(|e| Failure::io(terminal::shown(Path::new(&place)), &e))
}

/// Tells a job of GitHub Actions why a file cannot be checked; does nothing elsewhere.
pub(super) fn tell_unread(path: &Path, error: &Error) -> Result<(), Failure> {
    if !is_here() {
        return Ok(());
    }
    let path = path.display().to_string();
    let commands: Vec<String> = match error {
        Error::Scenario(errors) => {
            let of = |error: &authstorm::scenario::ScenarioError| {
                command("error", &path, error.place(), "not a scenario", &error.message())
            };
            errors.errors.iter().map(of).collect()
        }
        other => vec![command("error", &path, None, "not checked", &other.to_string())],
    };
    say(&commands.concat(), false)
}

fn say(text: &str, on_output: bool) -> Result<(), Failure> {
    match (text.is_empty(), on_output) {
        (true, _) => Ok(()),
        (false, true) => terminal::say(text).map(|_| ()),
        (false, false) => {
            terminal::complain(text);
            Ok(())
        }
    }
}

/// A line for each verdict that is not a pass, and for a file whose run was stopped.
fn annotations(checked: &Checked) -> Vec<String> {
    let results = match &checked.outcome {
        Ok(results) => results,
        Err(error) => return vec![command("error", &checked.path, None, "stopped", error)],
    };
    let places = checked.places.iter().copied().chain(std::iter::repeat(None));
    let of = |(verdict, place): (&Verdict, Option<(usize, usize)>)| {
        let level = match verdict.judgement {
            Judgement::Passed => return None,
            _ if verdict.fails_check() => "error",
            _ => "notice",
        };
        let title = format!("{}: {}", verdicts::word(verdict.judgement), verdict.that);
        let detail = verdicts::detail(verdict, results.replications);
        Some(command(level, &checked.path, place, &title, &detail))
    };
    let mut lines: Vec<String> = results.expectations.iter().zip(places).filter_map(of).collect();
    if lines.is_empty() && !results.passes_check() {
        lines.push(command("error", &checked.path, None, "not checked", "no expectation is judged"));
    }
    lines
}

/// A workflow command of one line.
fn command(level: &str, file: &str, place: Option<(usize, usize)>, title: &str, message: &str) -> String {
    let place = place.map_or(String::new(), |(line, column)| format!(",line={line},col={column}"));
    format!("::{level} file={}{place},title={}::{}\n", property(file), property(title), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The verdicts in Markdown, a table for each file.
fn in_markdown(all: &[Checked]) -> String {
    let mut text = String::new();
    for checked in all {
        let _ = write!(text, "### authstorm check {}\n\n", code(&checked.path));
        let results = match &checked.outcome {
            Ok(results) => results,
            Err(error) => {
                let _ = write!(text, "Stopped: {}\n\n", code(error));
                continue;
            }
        };
        let _ = write!(text, "{}Seed {}.\n\n", table::verdicts_markdown(results), results.seed);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_escapes_what_would_end_its_parts() {
        let found = command("error", "a,b:c%.toml", Some((7, 3)), "FAIL: x", "1\n2\r 3%: 4, 5::");
        assert_eq!(
            found,
            "::error file=a%2Cb%3Ac%25.toml,line=7,col=3,title=FAIL%3A x::1%0A2%0D 3%25: 4, 5::\n"
        );
        assert_eq!(command("notice", "x", None, "t", "m"), "::notice file=x,title=t::m\n");
    }
}
