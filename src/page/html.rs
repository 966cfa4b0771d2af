//! Text made safe for HTML and for a shell.

use crate::results::PolicyResults;
use crate::text::{clean, push_escaped};
use std::fmt::Write;

/// Escapes a name or a line of text for content and for attributes in double quotes.
pub(super) fn escaped(text: &str) -> String {
    marked(&clean(text))
}

/// Escapes text of several lines. Shows hidden characters as escapes, because they could disguise a scenario's text.
pub(super) fn escaped_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push('\n'),
            '\t' => shown.push_str("    "),
            '\r' => {}
            letter => push_escaped(&mut shown, letter),
        }
    }
    marked(&shown)
}

fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// Begins a table that scrolls, up to its first row: a column with this heading, and a column for each policy. The table's
/// label is text of the page itself.
pub(super) fn begin_policy_table(label: &str, heading: &str, policies: &[PolicyResults], out: &mut String) {
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}, a table\">\n\
         <table class=\"summary\">\n<thead><tr><th scope=\"col\">{heading}</th>"
    );
    for policy in policies {
        let _ = write!(out, "<th scope=\"col\"><bdi>{}</bdi></th>", escaped(&policy.label()));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
}

/// Makes JSON safe inside a script element: nothing in it ends the element or begins a comment.
pub(super) fn json_in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
