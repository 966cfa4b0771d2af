//! The forms in which a table is printed.

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
