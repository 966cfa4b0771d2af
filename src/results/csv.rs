//! CSV files: one fact per row, plain numbers, and names that are safe to open in a spreadsheet.

use super::Results;
use super::serial::EVENTS;
use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::kernel::time::NS_PER_S;
use crate::metrics::Outcome;
use crate::metrics::timeline::{Bucket, Timeline};

/// Columns of `timeline.csv`.
pub(super) const TIMELINE_COLUMNS: [&str; 6] =
    ["policy", "replication", "t_s", "endpoint", "outcome", "count"];

/// Columns of `flow.csv`.
pub(super) const FLOW_COLUMNS: [&str; 5] = ["policy", "replication", "t_s", "event", "count"];

/// Columns of `pools.csv`.
const POOL_COLUMNS: [&str; 16] = [
    "policy",
    "pool",
    "workers",
    "offered",
    "served",
    "shed",
    "expired",
    "abandoned",
    "dropped",
    "utilisation",
    "waiting",
    "most_waiting",
    "mean_wait_s",
    "p50_s",
    "p95_s",
    "p99_s",
];

/// Columns of `sessions.csv`.
pub(super) const SESSION_COLUMNS: [&str; 12] = [
    "policy",
    "replication",
    "session",
    "entries",
    "depth",
    "requests",
    "signed_out_at_s",
    "sign_out",
    "stale_token_s",
    "recursive_entries",
    "failed_entries",
    CLIENT_COLUMN,
];

/// Columns of a table of every value of every metric.
pub(crate) const VALUE_COLUMNS: [&str; 5] = ["policy", "metric", "unit", "replication", "value"];

/// The column of `sessions.csv` that only results of clients of several families have.
pub(super) const CLIENT_COLUMN: &str = "client";

/// `summary.csv`: every metric of every policy.
pub fn summary(results: &Results) -> Vec<u8> {
    let mut table = Table::new(&["policy", "metric", "unit", "mean", "ci_low", "ci_high", "replications"]);
    for policy in &results.policies {
        for metric in &policy.metrics {
            table.row(&[
                text(&policy.name),
                text(&metric.name),
                text(&metric.unit),
                metric.mean.to_string(),
                metric.ci_low.to_string(),
                metric.ci_high.to_string(),
                metric.values.len().to_string(),
            ]);
        }
    }
    table.bytes()
}

/// `groups.csv`: every metric of every group of every policy.
pub fn groups(results: &Results) -> Vec<u8> {
    let columns = ["policy", "kind", "group", "users", "metric", "unit", "mean", "ci_low", "ci_high"];
    let mut table = Table::new(&columns);
    for policy in &results.policies {
        for group in &policy.groups {
            for metric in &group.metrics {
                table.row(&[
                    text(&policy.name),
                    text(&group.kind),
                    text(&group.group),
                    group.users.to_string(),
                    text(&metric.name),
                    text(&metric.unit),
                    metric.mean.to_string(),
                    metric.ci_low.to_string(),
                    metric.ci_high.to_string(),
                ]);
            }
        }
    }
    table.bytes()
}

/// Every value of every metric: a row per policy, metric and replication. It is printed, and no file of a directory.
pub fn replications(results: &Results) -> Vec<u8> {
    let mut table = Table::new(&VALUE_COLUMNS);
    for policy in &results.policies {
        for metric in &policy.metrics {
            for (replication, value) in metric.values.iter().enumerate() {
                table.row(&[
                    text(&policy.name),
                    text(&metric.name),
                    text(&metric.unit),
                    replication.to_string(),
                    value.to_string(),
                ]);
            }
        }
    }
    table.bytes()
}

/// A table of cells that are safe, as CSV: numbers, words of our own, and names as [`text`] writes them.
pub fn of<const N: usize>(columns: &[&'static str; N], rows: &[[impl AsRef<str>; N]]) -> Vec<u8> {
    let mut table = Table::new(columns);
    rows.iter().for_each(|row| table.row(&row.each_ref().map(AsRef::as_ref)));
    table.bytes()
}

/// A table whose number of columns is known when it is written. Each row has as many cells.
#[cfg(unix)]
pub(crate) fn of_rows(columns: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut table = Table::new(columns);
    rows.iter().for_each(|row| table.row(row));
    table.bytes()
}

/// `timeline.csv`: calls by bucket, endpoint and outcome. Counts of 0 have no row. `t_s` is the begin of the bucket.
pub fn timeline(results: &Results) -> Vec<u8> {
    let mut table = Table::new(&TIMELINE_COLUMNS);
    each_bucket(results, |policy, replication, t, bucket| {
        for endpoint in Endpoint::ALL {
            for outcome in Outcome::ALL {
                let count = bucket.calls[endpoint.index()][outcome as usize];
                if count > 0 {
                    let (endpoint, outcome) = (endpoint.name(), outcome.name());
                    table.row(&[policy, replication, t, endpoint, outcome, &count.to_string()]);
                }
            }
        }
    });
    table.bytes()
}

/// `flow.csv`: events of sessions by bucket: sign-outs, entries of the unauthenticated flow, time without a valid token, and
/// waiting time of app code. Times are nanoseconds, summed over sessions or callers. Counts of 0 have no row.
pub fn flow(results: &Results) -> Vec<u8> {
    let mut table = Table::new(&FLOW_COLUMNS);
    each_bucket(results, |policy, replication, t, bucket| {
        for event in EVENTS {
            let count = (event.get)(bucket);
            if count > 0 {
                table.row(&[policy, replication, t, event.name, &count.to_string()]);
            }
        }
    });
    table.bytes()
}

/// `sessions.csv`: the sessions in the results. The last column is there where clients of several families run.
pub fn sessions(results: &Results) -> Vec<u8> {
    let several = results.families().are_several();
    let (more, all) = (SESSION_COLUMNS.len() - usize::from(!several), SESSION_COLUMNS);
    let mut table = Table::new(&all[..more]);
    for policy in &results.policies {
        let name = text(&policy.name);
        for row in &policy.sessions {
            let sign_out = match (row.signed_out_at_s, row.false_sign_out, row.reuse_sign_out) {
                (None, ..) => "",
                (Some(_), true, _) => "false",
                (Some(_), false, true) => "reuse",
                (Some(_), false, false) => "true",
            };
            let cells = [
                &name,
                &row.replication.to_string(),
                &row.session.to_string(),
                &row.entries.to_string(),
                &row.depth.to_string(),
                &row.requests.to_string(),
                &row.signed_out_at_s.map(|s| s.to_string()).unwrap_or_default(),
                sign_out,
                &row.stale_token_s.to_string(),
                &row.recursive_entries.to_string(),
                &row.failed_entries.to_string(),
                row.client.as_deref().unwrap_or_default(),
            ];
            table.row(&cells[..more]);
        }
    }
    table.bytes()
}

/// `limits.csv`: what each limit did under each policy, over all replications. Cells of a limit that does not report its keys
/// are empty.
pub fn limits(results: &Results) -> Vec<u8> {
    let mut table = Table::new(&[
        "policy",
        "limit",
        "asked",
        "refused",
        "keys",
        "keys_refused",
        "worst_key_asked",
        "worst_key_refused",
        "callers",
        "callers_refused",
        "innocent",
        "innocent_refused",
    ]);
    for policy in &results.policies {
        for limit in &policy.limits {
            let who = limit.who.as_ref();
            let cell = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
            table.row(&[
                text(&policy.name),
                text(&limit.limit),
                limit.asked.to_string(),
                limit.refused.to_string(),
                cell(who.map(|who| who.keys)),
                cell(who.map(|who| who.keys_refused)),
                cell(who.map(|who| who.worst_key_asked)),
                cell(who.map(|who| who.worst_key_refused)),
                cell(who.map(|who| who.callers)),
                cell(who.map(|who| who.callers_refused)),
                cell(who.and_then(|who| who.innocent)),
                cell(who.and_then(|who| who.innocent_refused)),
            ]);
        }
    }
    table.bytes()
}

/// `pools.csv`: what each pool of workers did under each policy, over all replications.
pub fn pools(results: &Results) -> Vec<u8> {
    let mut table = Table::new(&POOL_COLUMNS);
    for policy in &results.policies {
        for pool in &policy.servers {
            table.row(&[
                text(&policy.name),
                text(&pool.pool),
                pool.workers.to_string(),
                pool.offered.to_string(),
                pool.served.to_string(),
                pool.shed.to_string(),
                pool.expired.to_string(),
                pool.abandoned.to_string(),
                pool.dropped.to_string(),
                pool.utilisation.to_string(),
                pool.waiting.to_string(),
                pool.most_waiting.to_string(),
                seconds(pool.mean_wait),
                seconds(pool.p50),
                seconds(pool.p95),
                seconds(pool.p99),
            ]);
        }
    }
    table.bytes()
}

/// Calls `row` with the policy, the replication, the begin and the counts of every bucket.
fn each_bucket(results: &Results, mut row: impl FnMut(&str, &str, &str, &Bucket)) {
    for policy in &results.policies {
        let name = text(&policy.name);
        for (replication, Timeline { bucket, buckets }) in policy.timelines.iter().enumerate() {
            let replication = replication.to_string();
            for (i, counts) in buckets.iter().enumerate() {
                row(&name, &replication, &seconds(Dur(bucket.0.saturating_mul(i as u64))), counts);
            }
        }
    }
}

/// Seconds with all nine decimals, computed without a float and so without rounding.
pub fn seconds(time: Dur) -> String {
    let (whole, rest) = (time.0 / NS_PER_S, time.0 % NS_PER_S);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = format!("{rest:09}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// A name as a cell. Spreadsheets run cells that begin like a formula, and an apostrophe in front makes them text.
pub fn text(name: &str) -> String {
    let begins_formula = name.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let looks_like_number =
        name.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let is_number = looks_like_number && name.parse::<f64>().is_ok();
    if begins_formula && !is_number { format!("'{name}") } else { name.to_owned() }
}

/// A CSV table in memory.
struct Table(::csv::Writer<Vec<u8>>);

impl Table {
    fn new(header: &[&str]) -> Table {
        let mut table = Table(::csv::Writer::from_writer(Vec::new()));
        table.row(header);
        table
    }

    fn row<T: AsRef<[u8]>>(&mut self, cells: &[T]) {
        self.0.write_record(cells).expect("rows have one length and memory takes them");
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("flushing to memory cannot fail")
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn cells_that_begin_like_a_formula_become_text() {
        for (name, cell) in [
            ("old", "old"),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-5", "-5"),
            ("+1.5e3", "+1.5e3"),
            ("-1+1", "'-1+1"),
            ("-inf", "'-inf"),
            ("-", "'-"),
            ("\tx", "'\tx"),
            ("\r", "'\r"),
            ("", ""),
        ] {
            assert_eq!(text(name), cell);
        }
    }

    #[test]
    fn times_are_exact() {
        for (ns, text) in
            [(0, "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (u64::MAX, "18446744073.709551615")]
        {
            assert_eq!(seconds(Dur(ns)), text);
        }
    }

    #[test]
    fn written_cells_read_back() {
        for (case, results) in synthetic::table() {
            let rows = read(&summary(&results));
            assert_eq!(
                rows.len(),
                1 + results.policies.iter().map(|p| p.metrics.len()).sum::<usize>(),
                "{case}"
            );
            for (row, (policy, metric)) in rows[1..]
                .iter()
                .zip(results.policies.iter().flat_map(|p| p.metrics.iter().map(move |m| (p, m))))
            {
                assert_eq!(row[0], text(&policy.name));
                assert_eq!(row[1], metric.name);
                assert_eq!(row[3].parse::<f64>().unwrap().to_bits(), metric.mean.to_bits());
            }
            let rows = read(&timeline(&results));
            let total: u64 = rows[1..].iter().map(|row| row[5].parse::<u64>().unwrap()).sum();
            let runs = results.policies.iter().flat_map(|p| &p.timelines);
            let calls = runs.flat_map(|t| &t.buckets).flat_map(|b| b.calls.iter().flatten());
            assert_eq!(total, calls.sum::<u64>(), "{case}");
            let rows = read(&sessions(&results));
            assert_eq!(
                rows.len(),
                1 + results.policies.iter().map(|p| p.sessions.len()).sum::<usize>(),
                "{case}"
            );
            assert!(read(&flow(&results))[1..].iter().all(|row| row[4] != "0"), "{case}");
        }
    }

    #[test]
    fn a_session_that_was_not_signed_out_has_empty_cells() {
        let rows = read(&sessions(&synthetic::storm(&["old"], 10, 1)));
        assert_eq!(rows[1][6..], ["125.25", "false", "0", "39", "0"]);
        assert_eq!(rows[2][7], "true");
        assert_eq!(rows[3][6..8], ["", ""]);
    }
}
