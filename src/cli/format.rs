//! The forms in which a table is printed.

use super::exit::{Exit, Failure};
use super::terminal;
use authstorm::results::csv;
use authstorm::text::clean;

/// The form of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A table that fits the terminal
    #[default]
    Table,
    /// JSON
    Json,
    /// Comma-separated values, one fact a row
    Csv,
    /// A table in Markdown
    Md,
}

impl Format {
    /// The form that `--format` or its short form `--json` asks for.
    pub(super) fn of(format: Option<Format>, json: bool) -> Format {
        format.unwrap_or(if json { Format::Json } else { Format::Table })
    }
}

/// A table in Markdown: the first `words` columns to the left, the others to the right.
pub(super) fn markdown(header: &[String], rows: &[Vec<String>], words: usize) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<String> =
        (0..header.len()).map(|n| if n < words { "---" } else { "---:" }.to_owned()).collect();
    let lines = [row(header), row(&rule)].into_iter().chain(rows.iter().map(|cells| row(cells)));
    lines.collect()
}

/// A text as code in Markdown, on one line. A backtick would end it.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", clean(text).replace('`', "'"))
}

/// Prints rows of texts as CSV or Markdown, the first `words` columns to the left, or else the text or the JSON that they are made
/// of.
pub(super) fn say<const N: usize>(
    format: Format,
    (columns, words): (&[&'static str; N], usize),
    rows: &[[String; N]],
    text: impl FnOnce() -> String,
    json: impl FnOnce() -> serde_json::Value,
) -> Result<Exit, Failure> {
    match format {
        Format::Table => terminal::say(&text()),
        Format::Json => terminal::say_json(&format!("{:#}\n", json())),
        Format::Csv => terminal::say(&String::from_utf8_lossy(&csv::of(columns, rows))),
        Format::Md => {
            let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
            terminal::say(&markdown(&columns.map(str::to_owned), &rows, words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_on_a_line_and_between_its_backticks() {
        assert_eq!(code("a`b\nc"), "`a'b c`");
    }
}
