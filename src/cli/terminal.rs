//! Standard output and standard error. Every print goes through this module, so that text from outside (a path, a name, a
//! word of a results file) never reaches a terminal as a control character or a mark that changes the reading direction.

use super::exit::{Exit, Failure};
use authstorm::results::{Judgement, PlaceError, Written, verdicts};
use authstorm::text::{escape, is_hidden, push_escaped};
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

/// Whether a reader of a stream sees colours: a terminal, unless `NO_COLOR` is set to something.
fn has_colours(is_terminal: bool, no_color: Option<OsString>) -> bool {
    is_terminal && no_color.is_none_or(|value| value.is_empty())
}

/// Whether a reader of standard error sees colours.
pub(super) fn complaints_have_colours() -> bool {
    has_colours(std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR"))
}

/// As [`say`], with the word that begins a verdict's line in colour where a reader sees colours.
pub(super) fn say_verdicts(text: &str) -> Result<Exit, Failure> {
    match has_colours(std::io::stdout().is_terminal(), std::env::var_os("NO_COLOR")) {
        true => print(&painted(&visible(text))),
        false => say(text),
    }
}

/// The text with the words of verdicts in colour: green for one that holds, red for one that fails, yellow for others.
fn painted(text: &str) -> String {
    let colours = [
        (Judgement::Passed, 32),
        (Judgement::Failed, 31),
        (Judgement::Vacuous, 33),
        (Judgement::NotJudged, 33),
        (Judgement::NotDecided, 33),
    ];
    let paint = |line: &str| {
        let found = colours.iter().find_map(|(judgement, colour)| {
            let word = verdicts::word(*judgement);
            let rest = line.strip_prefix(word).filter(|rest| rest.starts_with(' '))?;
            Some(format!("\x1b[{colour}m{word}\x1b[0m{rest}"))
        });
        found.unwrap_or_else(|| line.to_owned())
    };
    text.split_inclusive('\n').map(paint).collect()
}

/// Prints a message whose text from outside is already escaped, and which may have colours, to standard error.
pub(super) fn complain_in_colour(message: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(message.trim_end().as_bytes()).and_then(|()| err.write_all(b"\n"));
}

/// A path for messages: on one line, with hidden characters as escapes.
pub(super) fn shown(path: &Path) -> String {
    escape(&path.display().to_string())
}

/// Message for a results directory that was filled.
pub(super) fn written(place: &Path, written: Written) -> String {
    let place = shown(place);
    match written {
        Written::New => format!("results in {place}"),
        Written::Already => format!("results in {place}, unchanged since the last run"),
    }
}

/// Reports leftovers of a place's former results. They do not affect the new ones.
pub(super) fn tidied(tidied: Result<(), PlaceError>) {
    if let Err(error) = tidied {
        Failure::from(error).tell();
    }
}

/// Prints text to standard output, with hidden characters as escapes. A reader that has gone away is not an error. A full
/// device is.
pub(super) fn say(text: &str) -> Result<Exit, Failure> {
    print(&visible(text))
}

/// Prints JSON to standard output. Hidden characters become JSON escapes, so that the value stays the same.
pub(super) fn say_json(json: &str) -> Result<Exit, Failure> {
    print(&visible_json(json))
}

/// Prints a message to standard error, with hidden characters as escapes. Ignores a failure, since there is no other place
/// to report it.
pub(super) fn complain(message: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(visible(message.trim_end()).as_bytes()).and_then(|()| err.write_all(b"\n"));
}

fn print(text: &str) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Yes),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Yes),
        Err(error) => Err(Failure::io("standard output", &error)),
    }
}

/// The text with its line breaks. Every other hidden character becomes an escape.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' {
            out.push(c);
        } else {
            push_escaped(&mut out, c);
        }
    }
    out
}

/// JSON has hidden characters only inside strings, where an escape means the same.
fn visible_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_hidden(c) {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_without_no_color() {
        assert!(has_colours(true, None) && has_colours(true, Some(OsString::new())));
        assert!(!has_colours(false, None) && !has_colours(true, Some(OsString::from("1"))));
    }

    #[test]
    fn only_the_word_of_a_verdict_is_painted() {
        let text = "ok   new.x == 0: observed 0\nFAIL old.x == 0: ok\nokay\n";
        let expected =
            "\x1b[32mok\x1b[0m   new.x == 0: observed 0\n\x1b[31mFAIL\x1b[0m old.x == 0: ok\nokay\n";
        assert_eq!(painted(text), expected);
    }

    #[test]
    fn hidden_characters_show_and_json_keeps_its_value() {
        let hostile = "a\u{1b}[31m\u{202e}b\u{e0041}\n";
        assert_eq!(visible(hostile), "a\\x1b[31m\\u{202e}b\\u{e0041}\n");
        let json = format!("{:#}\n", serde_json::json!({ "name": hostile }));
        let shown = visible_json(&json);
        assert!(!shown.contains(|c| c != '\n' && is_hidden(c)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON")["name"], hostile);
    }
}
