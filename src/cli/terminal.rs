//! Standard output and standard error. Every print goes through this module, so that text from outside (a path, a name, a
//! word of a results file) never reaches a terminal as a control character or a mark that changes the reading direction.

use super::exit::{Exit, Failure};
use authstorm::results::{PlaceError, Written};
use authstorm::text::{escape, is_hidden, push_escaped};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// A path for messages: on one line, with hidden characters as escapes.
pub(super) fn shown(path: &Path) -> String {
    escape(&path.display().to_string())
}

/// Message for a results directory that was filled.
pub(super) fn written(place: &Path, written: Written) -> String {
    let place = shown(place);
    match written {
        Written::New => format!("results in {place}"),
        Written::Already => format!("results in {place}: already complete, the same bytes"),
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
    fn hidden_characters_show_and_json_keeps_its_value() {
        let hostile = "a\u{1b}[31m\u{202e}b\u{e0041}\n";
        assert_eq!(visible(hostile), "a\\x1b[31m\\u{202e}b\\u{e0041}\n");
        let json = format!("{:#}\n", serde_json::json!({ "name": hostile }));
        let shown = visible_json(&json);
        assert!(!shown.contains(|c| c != '\n' && is_hidden(c)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON")["name"], hostile);
    }
}
