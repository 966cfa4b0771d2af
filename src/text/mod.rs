//! How text is written: decimal numbers, names, the nearest of known names, and text from outside made safe to show. Nothing that a user
//! gives reaches a terminal as a control character.

mod decimal;
pub mod names;
mod nearest;
pub mod number;
pub mod size;

pub use decimal::Decimal;
pub use nearest::nearest;

use std::fmt::Write;

/// Format characters (Unicode category Cf) and noncharacters, as inclusive ranges. They are invisible, reorder the
/// text around them, or make an SVG ill-formed, so no text of a file may hold them.
const INVISIBLE: [(u32, u32); 23] = [
    (0x00AD, 0x00AD),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xFDD0, 0xFDEF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0x1FFFE, 0x1FFFF),
    (0xE0000, 0xE007F),
    (0x10FFFE, 0x10FFFF),
];

/// Whether a character shows nothing of itself: control, format and separator characters, and noncharacters.
pub fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    c.is_control()
        || code & 0xFFFE == 0xFFFE
        || INVISIBLE.iter().any(|&(first, last)| (first..=last).contains(&code))
}

/// The text with every hidden character written as an escape.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    out
}

/// A word in the form of a POSIX shell. A word with hidden characters needs a shell that knows `$'...'`.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.contains(is_hidden) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let letter = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if is_hidden(c) => format!("\\U{:08x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("$'{}'", word.chars().map(letter).collect::<String>())
}

/// Appends a character. A hidden character becomes an escape.
pub fn push_escaped(out: &mut String, c: char) {
    match c {
        c if !is_hidden(c) => out.push(c),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if u32::from(c) < 0x100 => {
            write!(out, "\\x{:02x}", u32::from(c)).expect("writing to a String cannot fail")
        }
        c => write!(out, "\\u{{{:x}}}", u32::from(c)).expect("writing to a String cannot fail"),
    }
}

/// Appends a text, broken between words so that no line has more than `width` columns. `first` begins the first line and
/// `later` each further one. A longer word has a line of its own.
pub fn push_wrapped(out: &mut String, (first, later): (&str, &str), text: &str, width: usize) {
    out.push_str(first);
    let mut column = first.chars().count();
    for (n, word) in text.split_whitespace().enumerate() {
        let long = word.chars().count();
        if n > 0 && column + 1 + long > width {
            out.push('\n');
            out.push_str(later);
            column = later.chars().count();
        } else if n > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
    }
    out.push('\n');
}

/// A name or a text from outside on one line, with hidden characters as escapes. XML forbids some of them, and others
/// change how their neighbours are read.
pub fn clean(text: &str) -> String {
    escape(&text.replace('\n', " "))
}

/// A sentence with a capital letter and its full stop. A name of a key or a metric at its begin stays as it is. A sentence that ends with
/// a command (`again: authstorm ...`) has no full stop, so that a reader can copy the command.
pub fn ended(sentence: &str) -> String {
    let mut words = sentence.split_whitespace();
    let is_name =
        words.next().is_some_and(|first| first.trim_end_matches(['.', ':', ',']).contains(['_', '.', '[']))
            || words.next() == Some("=");
    let begun = if is_name { sentence.to_owned() } else { capitalised(sentence) };
    if sentence.contains(": authstorm ") { begun } else { format!("{begun}.") }
}

/// At most `most` characters of the text, escaped. `...` marks the cut.
pub fn shorten(text: &str, most: usize) -> String {
    let mut cut = text.chars();
    let head: String = cut.by_ref().take(most).collect();
    let tail = if cut.next().is_some() { "..." } else { "" };
    escape(&head) + tail
}

/// At most 40 characters of the text, escaped, in double quotes: the form of found values in messages.
pub fn quote(text: &str) -> String {
    format!("\"{}\"", shorten(text, 40))
}

/// At most 40 characters of the name, escaped, in back quotes: the form of names in messages.
pub fn tick(name: &str) -> String {
    format!("`{}`", shorten(name, 40))
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub fn list_in_words(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// The text with a capital first letter, as at the begin of a sentence or a heading.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_with_a_capital_and_commands_can_be_copied() {
        for (sentence, expected) in [
            ("under old, nothing comes back", "Under old, nothing comes back."),
            ("12 points", "12 points."),
            ("refused: the share falls", "Refused: the share falls."),
            ("fleet.users = 3 is enough", "fleet.users = 3 is enough."),
            ("backend.limit[0].burst comes first", "backend.limit[0].burst comes first."),
            ("horizon = 2m is enough", "horizon = 2m is enough."),
            ("again: authstorm find a.toml", "Again: authstorm find a.toml"),
            ("the first cell again: authstorm run a.toml", "The first cell again: authstorm run a.toml"),
        ] {
            assert_eq!(ended(sentence), expected);
        }
    }

    #[test]
    fn hidden_characters_show_as_escapes() {
        for (text, shown) in [
            ("plain é 漢", "plain é 漢"),
            ("\u{1b}[31m", "\\x1b[31m"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{85}", "\\x85"),
            ("\u{feff}\u{200b}", "\\u{feff}\\u{200b}"),
            ("\u{2fffe}", "\\u{2fffe}"),
            ("\r\n\t", "\\r\\n\\t"),
        ] {
            assert_eq!(escape(text), shown);
        }
        assert_eq!(quote(&"x".repeat(50)), format!("\"{}...\"", "x".repeat(40)));
    }
}
