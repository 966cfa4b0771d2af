//! A commented profile to start from, written from the description of the format.

use super::format;
use crate::spec::{Key, Table, Ty};
use crate::text::names::{NAME_RULE, why_not_a_name};
use crate::text::{push_wrapped, quote};
use std::fmt::Write;

/// Columns of a comment.
const WIDTH: usize = 100;

/// The keys that the template sets: a client that refreshes 60 s before expiry, by callers and page loads. All other keys
/// are commented out.
const SET: [(&str, &str); 12] = [
    ("sdk.package", "\"@example/auth\""),
    ("sdk.version", "\"1.0.0\""),
    ("session.expiry-clock", "\"receipt\""),
    ("session.kept-in", "\"storage\""),
    ("session.shares-refresh", "true"),
    ("caller.margin", "\"60s\""),
    ("load.refreshes", "true"),
    ("request.timeout", "\"30s\""),
    ("request.retry.first", "\"200ms\""),
    ("request.retry.tries", "3"),
    ("answer.retry", "true"),
    ("answer.status", "[\"no-answer\", \"timeout\", \"502-504\"]"),
];

/// What stands after the first row of answers, which retries.
const SECOND_ROW: &str =
    "\n[[answer]]\nendpoint = \"token\"\nstatus = [\"400\", \"401\", \"403\"]\nsign-out = \"always\"\n";

/// A commented profile of this name, valid as it stands.
///
/// # Errors
/// Why the name is none, with what is allowed.
pub fn template(name: &str) -> Result<String, String> {
    if let Some(why) = why_not_a_name(name) {
        return Err(format!("{why}; got {}; allowed: {NAME_RULE}", quote(name)));
    }
    let mut out = format!(
        "# {name}: a client profile of authstorm, a token client described by data.\n\
         #\n\
         # Change what differs in your client. A line that begins with # and a key shows a key that is not set: take the #\n\
         # away to set it. `authstorm explain-client FILE` says what the profile does and what it is prone to.\n\
         # A scenario in this directory runs it with `model = \"{name}.toml\"`: `authstorm new mine --model {name}.toml`
         # writes one. Its `policies` name the client as it is, \"{name}\", and policies that run over it, such as \"new\".
         # `authstorm keys --of client-profile` prints every key; `authstorm schema --of client-profile > schema.json`\n\
         # writes the schema for editors, which a first line `#:schema ./schema.json` then names.\n"
    );
    for key in &format::profile().keys {
        let Some(table) = key.ty.table() else { continue };
        write_table(&mut out, name, table, &key.name, &key.about, matches!(key.ty, Ty::List(..)));
    }
    Ok(out)
}

fn write_table(out: &mut String, name: &str, table: &'static Table, path: &str, about: &str, is_list: bool) {
    // A table with a key that must be there is left out as a whole, unless the template sets that key.
    let is_set = |key: &Key| value(name, &format!("{path}.{}", key.name)).is_some();
    let on = table.keys.iter().all(|key| !key.required || is_set(key));
    let (mark, end) = if is_list { ("[[", "]]") } else { ("[", "]") };
    out.push('\n');
    push_wrapped(out, ("# ", "# "), about, WIDTH);
    let _ = writeln!(out, "{}{mark}{path}{end}", if on { "" } else { "#" });
    for key in table.keys.iter().filter(|key| key.ty.table().is_none()) {
        match &key.ty {
            Ty::Word(words) => {
                push_wrapped(out, ("# ", "# "), &format!("{} ({})", key.about, key.presence()), WIDTH);
                words.iter().for_each(|word| {
                    push_wrapped(
                        out,
                        ("#   ", "#     "),
                        &format!("\"{}\": {}", word.word, word.about),
                        WIDTH,
                    )
                });
            }
            ty => push_wrapped(
                out,
                ("# ", "# "),
                &format!("{} ({}; {})", key.about, ty.in_words(), key.presence()),
                WIDTH,
            ),
        }
        let _ = match value(name, &format!("{path}.{}", key.name)) {
            Some(value) => writeln!(out, "{} = {value}", key.name),
            None => writeln!(out, "#{} = {}", key.name, key.example),
        };
    }
    if is_list {
        out.push_str(SECOND_ROW);
    }
    for key in &table.keys {
        if let Some(inner) = key.ty.table() {
            write_table(out, name, inner, &format!("{path}.{}", key.name), &key.about, false);
        }
    }
}

/// The value that the template gives a key, if it sets it.
fn value(name: &str, path: &str) -> Option<String> {
    match path {
        "sdk.name" => Some(format!("\"{name}\"")),
        _ => SET.iter().find(|(key, _)| *key == path).map(|(_, value)| (*value).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::token::Profile;

    fn parse(text: &str) -> Profile {
        Profile::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}")).0
    }

    #[test]
    fn the_template_is_valid_as_it_stands_and_with_every_key() {
        let text = template("my-sdk").expect("a name");
        assert_eq!(parse(&text).sdk.name, "my-sdk");
        // `tries` and `within` exclude each other, as do sharing a refresh and ending it for a newer one.
        let on = |line: &str| match line.strip_prefix('#') {
            Some(key) if ![" ", "within", "newest-refresh-only"].iter().any(|out| key.starts_with(out)) => {
                key.to_owned()
            }
            _ => line.to_owned(),
        };
        let all: Vec<String> = text.lines().map(on).collect();
        let profile = parse(&all.join("\n"));
        assert!(profile.timer.is_some() && profile.lock.is_some() && profile.cooldown.is_some());
        assert_eq!(profile.answer.len(), 2);
    }

    #[test]
    fn the_template_has_every_key_of_the_format() {
        fn check(text: &str, table: &'static Table) {
            for key in &table.keys {
                let there =
                    |line: &str| line.trim_start_matches('#').starts_with(&format!("{} = ", key.name));
                match key.ty.table() {
                    Some(inner) => check(text, inner),
                    None => assert!(text.lines().any(there), "{}", key.name),
                }
            }
        }
        check(&template("my-sdk").expect("a name"), format::profile());
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let why = template("My SDK").expect_err("upper case and a space");
        assert!(why.contains("\"My SDK\"") && why.contains(NAME_RULE), "{why}");
    }
}
