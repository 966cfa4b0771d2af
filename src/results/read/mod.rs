//! Reads results from the data files of a results directory of any version.
//!
//! Data that this version does not know is left out, and data that is missing stays empty. [`Results::gaps`] lists both. Only
//! data that no version writes is an error.

mod error;
mod table;
#[cfg(test)]
mod tests;

pub use error::{Reason, Unreadable};

use super::csv::{self, text};
use super::serial::{EVENTS, MOST_BUCKETS};
use super::{Gap, PolicyResults, Results, SessionRow, Verdict};
use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::metrics::timeline::{Bucket, Timeline};
use crate::metrics::{Outcome, metrics_of};
use serde::Deserialize;
use serde_json::Value;
use table::{Table, Unknown};

/// The contents of the files that hold every number.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `summary.json`.
    pub summary: &'a [u8],
    /// `timeline.csv`.
    pub timeline: &'a [u8],
    /// `flow.csv`.
    pub flow: &'a [u8],
    /// `sessions.csv`.
    pub sessions: &'a [u8],
}

/// Reads results. Other files hold the scenario's text and the stories.
///
/// # Errors
/// When a file does not have the form of any version. The error names the first such place.
pub fn read(files: Files<'_>) -> Result<Results, Unreadable> {
    let mut results = summary(files.summary)?;
    if results.bucket.is_some_and(|bucket| results.horizon.0.div_ceil(bucket.0) > MOST_BUCKETS) {
        return Err(Unreadable { file: SUMMARY, line: None, why: Reason::TooManyBuckets });
    }
    let bucket = results.bucket.unwrap_or(results.horizon);
    for policy in &mut results.policies {
        policy.timelines =
            (0..results.replications).map(|_| Timeline::new(bucket, results.horizon)).collect();
    }
    let cells: Vec<String> = results.policies.iter().map(|policy| text(&policy.name)).collect();
    let mut gaps = Vec::new();
    timeline(files.timeline, &mut results, &cells, &mut gaps)?;
    flow(files.flow, &mut results, &cells, &mut gaps)?;
    sessions(files.sessions, &mut results, &cells, &mut gaps)?;
    results.gaps.append(&mut gaps);
    Ok(results)
}

fn timeline(
    bytes: &[u8],
    results: &mut Results,
    cells: &[String],
    gaps: &mut Vec<Gap>,
) -> Result<(), Unreadable> {
    const FILE: &str = "timeline.csv";
    let table = Table::of(FILE, bytes, csv::TIMELINE_COLUMNS, gaps)?;
    let mut unknown = Unknown::default();
    table.rows(|row| {
        let [policy, replication, t, endpoint, outcome, count] = row;
        let bucket = bucket(results, cells, policy, replication, t)?;
        let count = whole(count)?;
        let Some(endpoint) = Endpoint::ALL.into_iter().find(|e| e.name() == endpoint) else {
            unknown.count("endpoint", endpoint);
            return Ok(());
        };
        let Some(outcome) = Outcome::ALL.into_iter().find(|o| o.name() == outcome) else {
            unknown.count("outcome", outcome);
            return Ok(());
        };
        bucket.calls[endpoint.index()][outcome as usize] = count;
        Ok(())
    })?;
    unknown.tell(FILE, gaps);
    Ok(())
}

fn flow(
    bytes: &[u8],
    results: &mut Results,
    cells: &[String],
    gaps: &mut Vec<Gap>,
) -> Result<(), Unreadable> {
    const FILE: &str = "flow.csv";
    let table = Table::of(FILE, bytes, csv::FLOW_COLUMNS, gaps)?;
    let mut unknown = Unknown::default();
    table.rows(|row| {
        let [policy, replication, t, event, count] = row;
        let bucket = bucket(results, cells, policy, replication, t)?;
        let number = whole(count)?;
        match EVENTS.iter().find(|known| known.name == event) {
            Some(known) => (known.set)(bucket, number).ok_or_else(|| Reason::NotACount(count.to_owned()))?,
            None => unknown.count("event", event),
        }
        Ok(())
    })?;
    unknown.tell(FILE, gaps);
    Ok(())
}

fn sessions(
    bytes: &[u8],
    results: &mut Results,
    cells: &[String],
    gaps: &mut Vec<Gap>,
) -> Result<(), Unreadable> {
    let table = Table::of("sessions.csv", bytes, csv::SESSION_COLUMNS, gaps)?;
    table.rows(|row| {
        let [
            policy,
            replication,
            session,
            entries,
            depth,
            requests,
            signed_out_at,
            sign_out,
            stale,
            more @ ..,
        ] = row;
        let [recursive, failed, client] = more;
        let seconds = |cell: &str| cell.parse().map_err(|_| Reason::NotATime(cell.to_owned()));
        let row = SessionRow {
            replication: whole(replication)?,
            session: whole(session)?,
            client: (!client.is_empty()).then(|| client.to_owned()),
            entries: whole(entries)?,
            recursive_entries: whole(recursive)?,
            failed_entries: whole(failed)?,
            depth: whole(depth)?,
            requests: whole(requests)?,
            signed_out_at_s: (!signed_out_at.is_empty()).then(|| seconds(signed_out_at)).transpose()?,
            false_sign_out: sign_out == "false",
            reuse_sign_out: sign_out == "reuse",
            stale_token_s: seconds(stale)?,
        };
        results.policies[position(cells, policy)?].sessions.push(row);
        Ok(())
    })?;
    // Other versions may rank sessions in another order.
    let flow = results.flow();
    results.policies.iter_mut().for_each(|policy| policy.sessions.sort_by_key(|row| row.rank(flow)));
    Ok(())
}

fn position(cells: &[String], cell: &str) -> Result<usize, Reason> {
    cells.iter().position(|name| name == cell).ok_or_else(|| Reason::NoSuchPolicy(cell.to_owned()))
}

fn whole<N: std::str::FromStr>(cell: &str) -> Result<N, Reason> {
    cell.parse().map_err(|_| Reason::NotACount(cell.to_owned()))
}

/// The bucket of a row of timeline.csv or flow.csv.
fn bucket<'a>(
    results: &'a mut Results,
    cells: &[String],
    policy: &str,
    replication: &str,
    t: &str,
) -> Result<&'a mut Bucket, Reason> {
    let policy = &mut results.policies[position(cells, policy)?];
    let replication: usize = whole(replication)?;
    let timeline = policy.timelines.get_mut(replication).ok_or(Reason::NoSuchReplication(replication))?;
    let time = Dur::parse(&format!("{t}s")).map_err(|_| Reason::NotATime(t.to_owned()))?;
    if !time.0.is_multiple_of(timeline.bucket.0) {
        return Err(Reason::NoSuchBucket);
    }
    let index = usize::try_from(time.0 / timeline.bucket.0).unwrap_or(usize::MAX);
    timeline.buckets.get_mut(index).ok_or(Reason::BeyondHorizon)
}

const SUMMARY: &str = "summary.json";
/// The most replications of a file. More would only fill the memory.
const MOST_REPLICATIONS: u32 = 10_000;
/// Fields of results and of policies that may be absent. The rest is read.
const OPTIONAL: [&str; 7] =
    ["about", "client_model", "version", "bucket", "faults", "engine", "expectations"];
const OPTIONAL_OF_POLICY: [&str; 3] = ["entries_distribution", "demand", "not_exercised"];

/// Reads summary.json: results without timelines and sessions.
///
/// # Errors
/// When it does not have the form of any version.
pub fn summary(bytes: &[u8]) -> Result<Results, Unreadable> {
    let broken = |line, why| Unreadable { file: SUMMARY, line, why };
    let mut value: Value = serde_json::from_slice(bytes)
        .map_err(|e| broken(Some(e.line() as u64), Reason::Malformed(e.to_string())))?;
    let mut gaps = missing_fields(&value);
    if let Some(list) = value.get_mut("expectations").and_then(Value::as_array_mut) {
        let all = list.len();
        list.retain(|verdict| Verdict::deserialize(verdict).is_ok());
        if list.len() < all {
            gaps.push(Gap::UnreadableExpectations(all - list.len()));
        }
    }
    let mut results =
        Results::deserialize(&value).map_err(|e| broken(None, Reason::Malformed(e.to_string())))?;
    let bucket = results.bucket.unwrap_or(results.horizon);
    if bucket == Dur::ZERO || results.replications > MOST_REPLICATIONS {
        return Err(broken(None, Reason::TooManyBuckets));
    }
    for policy in &results.policies {
        if let Some(metric) = policy.metrics.iter().find(|m| m.values.len() != results.replications as usize)
        {
            let (policy, metric) = (policy.name.clone(), metric.name.clone());
            return Err(broken(None, Reason::Values { policy, metric, replications: results.replications }));
        }
    }
    other_metrics(&results, &mut gaps);
    results.gaps = gaps;
    Ok(results)
}

fn missing_fields(value: &Value) -> Vec<Gap> {
    let gap = |field: &&str| Gap::NoField { file: SUMMARY, field: (*field).to_owned() };
    let of_results = OPTIONAL.iter().filter(|field| value.get(field).is_none());
    let first = value["policies"].as_object().and_then(|policies| policies.values().next());
    let of_policy = OPTIONAL_OF_POLICY.iter().filter(|field| first.is_some_and(|p| p.get(field).is_none()));
    of_results.chain(of_policy).map(gap).collect()
}

/// Metrics that every policy lacks, and metrics of any policy that this version does not know.
fn other_metrics(results: &Results, gaps: &mut Vec<Gap>) {
    let policies = &results.policies;
    let lacks = |policy: &PolicyResults, name: &str| policy.get(name).is_none();
    let missing = metrics_of(results.families())
        .iter()
        .filter(|def| policies.iter().any(|policy| lacks(policy, def.name)));
    let missing: Vec<String> = missing.map(|def| def.name.to_owned()).collect();
    let mut unknown: Vec<String> = Vec::new();
    for metric in policies.iter().flat_map(|policy| &policy.metrics).filter(|metric| metric.def().is_none()) {
        if !unknown.contains(&metric.name) {
            unknown.push(metric.name.clone());
        }
    }
    if !missing.is_empty() {
        gaps.push(Gap::NoMetrics(missing));
    }
    if !unknown.is_empty() {
        gaps.push(Gap::UnknownMetrics(unknown));
    }
}
