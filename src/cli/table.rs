//! Tables for the terminal. They fit the width of the terminal. Output to a file or a pipe has
//! [`USUAL_WIDTH`] columns, or the number in `COLUMNS`.

use super::format::{code, markdown};
use authstorm::metrics::{Metric, MetricDef};
use authstorm::results::{Comparisons, PolicyResults, Results, Verdict, groups, measured, verdicts};
use authstorm::stats::Estimate;
use authstorm::text::{clean, number};
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

/// Columns of a table if neither terminal nor `COLUMNS` gives a number.
const USUAL_WIDTH: u16 = 100;

/// The fewest and the most columns of a table, for every terminal.
const WIDTHS: std::ops::RangeInclusive<u16> = 60..=160;

/// Metrics below the harms, shown if they are not zero and no harm of the family. summary.csv has all others.
const CONTEXT: [Metric; 10] = [
    Metric::CallersBegun,
    Metric::CallersServed,
    Metric::CallersUnfinished,
    Metric::TrueSignOuts,
    Metric::FlowEntries,
    Metric::FlowSessions,
    Metric::FlowWorstSession,
    Metric::RecursiveEntries,
    Metric::RequestsTotal,
    Metric::Goodput,
];

/// The greatest width of a table: that of the terminal on standard output, else `COLUMNS`, else [`USUAL_WIDTH`].
pub(super) fn width() -> u16 {
    let terminal = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0);
    let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    terminal.or_else(said).unwrap_or(USUAL_WIDTH).clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// The most tables below each other that policies are spread over. With more policies, each becomes a row.
const MOST_TABLES: usize = 3;

/// The most rows of a table of groups, unless one group has more.
const MOST_GROUP_ROWS: usize = 24;

/// Summary of a run: a row per metric, the gravest harm first, and a column per policy. Below, the differences from the first
/// policy. Many policies have a row each instead, and metrics a column. Leaves out metrics that the runs cannot move, and
/// metrics that are zero because nothing happened that could move them.
pub(super) fn summary(results: &Results, width: u16) -> String {
    let metrics = shown(results);
    let rows: Vec<Vec<String>> = metrics.iter().map(|metric| values(results, *metric)).collect();
    let mut header = vec!["metric".to_owned()];
    header.extend(results.policies.iter().map(|policy| policy.label()));
    let labelled = |unit: bool| -> Vec<Vec<String>> {
        let label =
            |metric: Metric| if unit { label(results, metric) } else { results.def(metric).name.to_owned() };
        let row = |(metric, values): (&Metric, &Vec<String>)| {
            std::iter::once(label(*metric)).chain(values.iter().cloned()).collect()
        };
        metrics.iter().zip(&rows).map(row).collect()
    };
    let with_units = labelled(true);
    let fits = table_width(&header, &with_units) <= usize::from(width);
    let rows_of_metrics = if fits { with_units } else { labelled(false) };
    let mut text = match spread(&header, &rows_of_metrics, width) {
        tables if tables.len() <= MOST_TABLES => tables.join("\n\n"),
        _ => by_policy(results, &metrics, &rows, width),
    };
    let (header, rows) = differences(results, &metrics);
    if !rows.is_empty() {
        let tables = spread(&header, &rows, width);
        if tables.len() <= MOST_TABLES {
            text.push_str(&format!("\n\n{}", tables.join("\n\n")));
        }
    }
    for (kind, rows) in groups::tables(results) {
        let names = results.policies.iter().map(|policy| policy.label());
        let header: Vec<String> = std::iter::once(kind.clone()).chain(names).collect();
        let row = |row: groups::Row| {
            let label = format!("{}: {} ({})", clean(&row.group), row.metric, row.unit);
            std::iter::once(label).chain(row.cells).collect()
        };
        let (rows, left_out) = first_groups(rows, &kind, results);
        let rows: Vec<Vec<String>> = rows.into_iter().map(row).collect();
        let tables = spread(&header, &rows, width);
        if tables.len() <= MOST_TABLES {
            text.push_str(&format!("\n\n{}", tables.join("\n\n")));
            left_out.iter().for_each(|sentence| text.push_str(&format!("\n{sentence}.")));
        }
    }
    text
}

/// The rows of the first groups, and a sentence on the groups that are left out: a table of every network would hide what else is
/// told.
fn first_groups(
    mut rows: Vec<groups::Row>,
    kind: &str,
    results: &Results,
) -> (Vec<groups::Row>, Option<String>) {
    let mut ends: Vec<usize> = (1..rows.len()).filter(|n| rows[*n].group != rows[n - 1].group).collect();
    ends.push(rows.len());
    let shown = ends.iter().filter(|end| **end <= MOST_GROUP_ROWS).count().max(1);
    if shown >= ends.len() {
        return (rows, None);
    }
    rows.truncate(ends[shown - 1]);
    let kinds = kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"));
    let sentence = match kind {
        // Results keep the worst of them.
        "app" | "network" => {
            let policy = results.policies[0].label();
            format!(
                "Of the {kinds}, the {shown} worst under {policy}; --format json and groups.csv have the ten worst under each policy"
            )
        }
        _ => format!("{shown} of {} {kinds}; --format json and groups.csv have all", ends.len()),
    };
    (rows, Some(sentence))
}

/// The rows of [`summary`] as Markdown.
pub(super) fn summary_markdown(results: &Results) -> String {
    let header: Vec<String> =
        std::iter::once("metric".to_owned()).chain(results.policies.iter().map(|p| p.label())).collect();
    let row = |metric: Metric| {
        std::iter::once(label(results, metric)).chain(values(results, metric)).collect::<Vec<String>>()
    };
    markdown(&header, &shown(results).into_iter().map(row).collect::<Vec<_>>(), 1)
}

/// A table of the verdicts in Markdown, with their number and how they are decided below.
pub(super) fn verdicts_markdown(results: &Results) -> String {
    let row = |verdict: &Verdict| {
        let word = verdicts::word(verdict.judgement).to_owned();
        vec![word, code(&verdict.that), clean(&verdicts::detail(verdict, results.replications))]
    };
    let rows: Vec<Vec<String>> = results.expectations.iter().map(row).collect();
    let header = ["verdict", "expectation", "observed"].map(str::to_owned);
    let sentences = std::iter::once(verdicts::count(results)).chain(verdicts::level(results));
    let sentences: String = sentences.map(|sentence| format!("{sentence}.\n")).collect();
    format!("{}\n{sentences}", markdown(&header, &rows, 3))
}

/// A table, or several tables with the same first column, each within the width.
fn spread(header: &[String], rows: &[Vec<String>], width: u16) -> Vec<String> {
    let wide = |column| column_width(header, rows, column);
    let mut tables: Vec<Vec<usize>> = vec![vec![0]];
    let mut taken = wide(0);
    for column in 1..header.len() {
        if taken + wide(column) > usize::from(width) && tables.last().is_some_and(|table| table.len() > 1) {
            tables.push(vec![0]);
            taken = wide(0);
        }
        taken += wide(column);
        tables.last_mut().expect("there is at least one table").push(column);
    }
    let some = |columns: &[usize], of: &[String]| -> Vec<String> {
        columns.iter().map(|column| of.get(*column).cloned().unwrap_or_default()).collect()
    };
    let one = |columns: Vec<usize>| {
        table(&some(&columns, header), rows.iter().map(|row| some(&columns, row)).collect(), width)
    };
    tables.into_iter().map(one).collect()
}

/// The metrics in the table, in its order.
fn shown(results: &Results) -> Vec<Metric> {
    let of_each =
        |metric: Metric| results.policies.iter().filter_map(move |policy| measured::of(policy, metric));
    let is_zero = |metric| of_each(metric).all(|of| of.values.iter().all(|value| value.abs() == 0.0));
    let is_exercised = |metric| of_each(metric).any(|of| of.exercised != Some(0));
    let harms = Metric::by_gravity(results.families());
    let each = CONTEXT.into_iter().flat_map(|metric| metric.of_each(results.families()));
    let context = each.filter(|m| !harms.contains(m) && !is_zero(*m));
    let harmful = harms.iter().copied().filter(|m| is_exercised(*m) || !is_zero(*m));
    harmful.chain(context).filter(|metric| measured::can_move(results, *metric)).collect()
}

fn label(results: &Results, metric: Metric) -> String {
    let MetricDef { name, unit, .. } = results.def(metric);
    format!("{name} ({unit})")
}

/// A metric's mean with its interval, under each policy.
fn values(results: &Results, metric: Metric) -> Vec<String> {
    let value = |policy| measured::of(policy, metric).map_or_else(String::new, measured::with_interval);
    results.policies.iter().map(value).collect()
}

/// A row per policy, a column per metric.
fn by_policy(results: &Results, metrics: &[Metric], rows: &[Vec<String>], width: u16) -> String {
    // A name of several words takes a line per word.
    let heads = metrics.iter().map(|metric| label(results, *metric).replace('_', "_\n").replace(" (", "\n("));
    let header: Vec<String> = std::iter::once("policy".to_owned()).chain(heads).collect();
    let row = |(n, policy): (usize, &PolicyResults)| {
        std::iter::once(policy.label()).chain(rows.iter().map(|values| values[n].clone())).collect()
    };
    let rows: Vec<Vec<String>> = results.policies.iter().enumerate().map(row).collect();
    spread(&header, &rows, width).join("\n\n")
}

/// Differences from the first policy beyond the noise of the replications, a column per other policy, with the intervals that
/// hold for all comparisons together. With one replication there is no interval, so every difference counts.
fn differences(results: &Results, metrics: &[Metric]) -> (Vec<String>, Vec<Vec<String>>) {
    let Some(found) = Comparisons::of(results) else { return (Vec::new(), Vec::new()) };
    let others = &results.policies[1..];
    let mut rows = Vec::new();
    for &metric in metrics {
        let one = |other: &PolicyResults| {
            difference(found.get(&other.name, metric)?.together, results.replications > 1)
        };
        let cells: Vec<Option<String>> = others.iter().map(one).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "≈".to_owned()));
            rows.push(std::iter::once(results.def(metric).name.to_owned()).chain(cells).collect());
        }
    }
    let interval =
        if results.replications > 1 { ", 95% together" } else { "; one replication gives no interval" };
    let mut header = vec![format!("difference to {}{interval}", results.policies[0].label())];
    header.extend(others.iter().map(|other| other.label()));
    (header, rows)
}

/// A paired difference in words; `None` if its interval does not show one.
fn difference(e: Estimate, has_interval: bool) -> Option<String> {
    let differs = if has_interval { e.ci_low > 0.0 || e.ci_high < 0.0 } else { e.mean.abs() > 0.0 };
    if !differs || !e.mean.is_finite() {
        return None;
    }
    let sign = if e.mean > 0.0 { "+" } else { "" };
    let half = (e.ci_high - e.ci_low) / 2.0;
    let interval = if half > 0.0 { format!(" ± {}", number::short(half)) } else { String::new() };
    Some(format!("{sign}{}{interval}", number::short(e.mean)))
}

/// Columns of the terminal that a table's column needs if no cell is broken.
fn column_width(header: &[String], rows: &[Vec<String>], column: usize) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(column)).chain(header.get(column));
    let lines = cells.flat_map(|cell| cell.lines());
    lines.map(|line| line.chars().count()).max().unwrap_or(0) + 2
}

fn table_width(header: &[String], rows: &[Vec<String>]) -> usize {
    (0..header.len()).map(|column| column_width(header, rows, column)).sum()
}

/// A table with names to the left and numbers to the right.
fn table(header: &[String], rows: Vec<Vec<String>>, width: u16) -> String {
    let mut table = plain(width);
    table.set_header(header);
    rows.into_iter().for_each(|row| {
        table.add_row(row);
    });
    align_right(&mut table, 1);
    table.to_string()
}

/// Columns of the list of metrics.
pub(super) const METRIC_COLUMNS: [&str; 3] = ["metric", "unit", "definition"];

/// Every metric with its unit and definition.
pub(super) fn metrics(rows: impl Iterator<Item = [String; 3]>) -> String {
    let mut table = plain(width());
    table.set_header(METRIC_COLUMNS);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// Table of the checks of `verify`: two columns of words, then numbers.
pub(super) fn checks<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    columns(header, rows, 2, width().max(140))
}

/// A table of columns: so many of words, then numbers.
pub(super) fn columns<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    words: usize,
    width: u16,
) -> String {
    let mut table = plain(width);
    table.set_header(header);
    rows.for_each(|row| {
        table.add_row(row);
    });
    align_right(&mut table, words);
    table.to_string()
}

/// A table without lines except under the header.
fn plain(width: u16) -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule)).set_width(width);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table
}

fn align_right(table: &mut Table, from: usize) {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use authstorm::stats::paired_difference;

    /// The mean of +1 and +3 is 2, with a half width of 12.7062 times 1: no difference is shown. For 2 and 2 it is certain.
    #[test]
    fn a_difference_is_shown_where_the_replications_show_one() {
        let of = |a: &[f64], b: &[f64]| difference(paired_difference(a, b, 0.95), a.len() > 1);
        assert_eq!(of(&[2.0, 5.0], &[1.0, 2.0]), None);
        assert_eq!(of(&[3.0, 4.0], &[1.0, 2.0]).as_deref(), Some("+2"));
        assert_eq!(of(&[1.0], &[1234.0]).as_deref(), Some("−1,233"));
        assert_eq!(of(&[f64::INFINITY], &[1.0]), None);
    }

    /// Four networks of ten rows each: two fit. Two groups of twelve rows are left whole.
    #[test]
    fn groups_that_make_a_table_long_are_counted() {
        let results = authstorm::Study::load("scenarios/healthy.toml")
            .and_then(|mut study| {
                study.replications(1)?;
                study.run()
            })
            .expect("a shipped scenario runs");
        let of = |groups: usize, rows: usize| -> Vec<groups::Row> {
            let row = |n: usize| groups::Row {
                group: (n / rows).to_string(),
                metric: format!("metric {}", n % rows),
                unit: "units".to_owned(),
                cells: Vec::new(),
            };
            (0..groups * rows).map(row).collect()
        };
        let (rows, sentence) = first_groups(of(4, 10), "network", &results);
        assert_eq!((rows.len(), rows[19].group.as_str()), (20, "1"));
        let first = results.policies[0].label();
        let expected = format!("Of the networks, the 2 worst under {first}; ");
        assert!(sentence.is_some_and(|sentence| sentence.starts_with(&expected)));
        assert_eq!(first_groups(of(2, 12), "cohort", &results).1, None);
        let (rows, sentence) = first_groups(of(2, 30), "policy", &results);
        assert_eq!(rows.len(), 30);
        assert_eq!(sentence.as_deref(), Some("1 of 2 policies; --format json and groups.csv have all"));
    }

    /// Three columns of 10. The first one is in every table.
    #[test]
    fn columns_that_do_not_fit_stand_in_a_second_table() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let (header, rows) =
            (row(["metric  ", "old     ", "new     "]), [row(["a", "12345678", "87654321"])]);
        assert_eq!(table_width(&header, &rows), 30);
        assert_eq!(spread(&header, &rows, 60).len(), 1);
        let tables = spread(&header, &rows, 29);
        assert_eq!(tables.len(), 2);
        assert!(tables[0].contains("12345678") && !tables[0].contains("87654321"), "{tables:?}");
        assert!(tables[1].contains("metric") && tables[1].contains("87654321"), "{tables:?}");
    }
}
