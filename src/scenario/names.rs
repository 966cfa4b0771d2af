//! Names that become file names, and texts that become labels: what they may hold.

use super::error::{Code, ScenarioError};
use super::source::Source;
use super::text::{is_hidden, push_escaped, quote};
use std::ops::Range;
use std::sync::Arc;

/// What a name may be, for messages.
pub const NAME_RULE: &str = "1 to 64 of a-z, 0-9, '.', '_' and '-', a letter or digit first";

/// Why this is not a name, if it is none. Names become file and directory names on every platform.
pub fn why_not_a_name(name: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let well_formed = (1..=64).contains(&name.len())
        && name.bytes().enumerate().all(|(i, b)| plain(b) || i > 0 && b"._-".contains(&b));
    if !well_formed {
        return Some("not a name".into());
    }
    if name.ends_with('.') {
        return Some("a name that ends with a dot".into());
    }
    let stem = name.split('.').next().unwrap_or(name);
    let numbered = stem.len() == 4
        && (stem.starts_with("com") || stem.starts_with("lpt"))
        && stem.ends_with(|c: char| c.is_ascii_digit());
    if numbered || ["con", "prn", "aux", "nul"].contains(&stem) {
        return Some(format!("`{stem}` is a device name on Windows, not a file name"));
    }
    None
}

/// Checks a name.
pub fn check_name(source: &Arc<Source>, span: Range<usize>, name: &str) -> Option<ScenarioError> {
    let why = why_not_a_name(name)?;
    let lower = name.to_ascii_lowercase();
    let error = ScenarioError::new(Code::BadName, source, span, why).found(quote(name)).allowed(NAME_RULE);
    Some(if lower != name && why_not_a_name(&lower).is_none() {
        error.fix(format!("write \"{lower}\""))
    } else {
        error
    })
}

/// Checks a text: at most `max` characters, none of them hidden; line breaks only where `lines` says so.
pub fn check_text(
    source: &Arc<Source>,
    span: Range<usize>,
    text: &str,
    max: usize,
    lines: bool,
) -> Option<ScenarioError> {
    let count = text.chars().count();
    if count > max {
        let error = ScenarioError::new(Code::LongText, source, span, "text too long");
        return Some(error.found(format!("{count} characters")).allowed(format!("at most {max}")));
    }
    let bad = text.chars().find(|&c| is_hidden(c) && !(lines && c == '\n'))?;
    let mut shown = String::new();
    push_escaped(&mut shown, bad);
    let at = place_in_literal(&source.text, &span, bad);
    let error = ScenarioError::new(Code::BadText, source, at, "control or format character in a text");
    Some(error.found(shown).allowed("characters that print").fix("remove it"))
}

/// Where in the literal the character stands, when it stands there as itself and not as an escape.
fn place_in_literal(text: &str, span: &Range<usize>, c: char) -> Range<usize> {
    let found = text.get(span.clone()).and_then(|literal| literal.find(c));
    found.map_or(span.clone(), |at| span.start + at..span.start + at + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names_everywhere() {
        for good in ["a", "old", "not-429", "v1.2_x", "console", "com", "lpt10", &"a".repeat(64)] {
            assert_eq!(why_not_a_name(good), None, "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "../../etc/passwd",
            "/abs",
            "a/b",
            "a\\b",
            "c:x",
            "CON",
            "con",
            "nul.csv",
            "aux",
            "com1",
            "lpt9.txt",
            "a.",
            "a ",
            "-rf",
            "--force",
            "_a",
            ".a",
            "é",
            "Old",
            "a\u{0}b",
            &"a".repeat(65),
        ] {
            assert!(why_not_a_name(bad).is_some(), "{bad:?}");
        }
    }
}
