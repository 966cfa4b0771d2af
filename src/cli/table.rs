//! The tables of the terminal, at most 100 columns wide.

use authstorm::metrics::{METRICS, Metric, MetricDef};
use authstorm::results::Results;
use authstorm::results::measured;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

/// Columns of the terminal that a table may take.
const WIDTH: u16 = 100;

/// Columns that names and units of metrics take.
const NAMES: usize = 51;
/// Columns that a value with its half width takes.
const VALUE: usize = 18;

/// What the terminal shows below the harms; the rest is in summary.csv.
const MORE: [Metric; 9] = [
    Metric::CallersBegun,
    Metric::CallersServed,
    Metric::CallersUnfinished,
    Metric::TrueSignOuts,
    Metric::UnauthenticatedSessions,
    Metric::UnauthenticatedEventsWorstSession,
    Metric::RecursiveUnauthenticatedEvents,
    Metric::RequestsTotal,
    Metric::Goodput,
];

/// A run's summary: a row per metric that it can move, the gravest harm first, and a column per policy. Policies that do not fit
/// beside each other follow below.
pub fn summary(results: &Results) -> String {
    let column = results.policies.iter().map(|p| p.name.chars().count() + 2).max().unwrap_or(0).max(VALUE);
    let abreast = (usize::from(WIDTH) - NAMES).checked_div(column).unwrap_or(1).max(1);
    let tables = results.policies.chunks(abreast).map(|policies| {
        let mut table = plain();
        let names = policies.iter().map(|p| p.name.clone());
        table.set_header(["metric".to_owned(), "unit".to_owned()].into_iter().chain(names));
        let metrics = Metric::by_gravity().into_iter().chain(MORE);
        for metric in metrics.filter(|metric| measured::can_move(results, *metric)) {
            let def = metric.def();
            let values = policies
                .iter()
                .map(|p| measured::of(p, metric).map_or_else(String::new, measured::with_interval));
            table.add_row([def.name.to_owned(), def.unit.to_owned()].into_iter().chain(values));
        }
        align_right(&mut table, 2);
        table.to_string()
    });
    tables.collect::<Vec<_>>().join("\n\n")
}

/// Every metric with its unit and definition.
pub fn metrics() -> String {
    let mut table = plain();
    table.set_header(["metric", "unit", "definition"]);
    for MetricDef { name, unit, definition, .. } in METRICS {
        table.add_row([*name, *unit, *definition]);
    }
    table.to_string()
}

/// Checks of `verify`: two columns of words, the rest numbers.
pub fn checks<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = plain();
    table.set_width(WIDTH + 40).set_header(header);
    rows.for_each(|row| {
        table.add_row(row);
    });
    align_right(&mut table, 2);
    table.to_string()
}

/// No lines but one under the header.
fn plain() -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule)).set_width(WIDTH);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table
}

fn align_right(table: &mut Table, from: usize) {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
