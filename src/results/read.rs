//! Results read back from the data files of a results directory, whichever version wrote them.
//!
//! What this version does not know is left out, and what it does not find stays empty; [`Results::gaps`] says both. An error is
//! what cannot be a result of any version.

use super::csv::text;
use super::serial::{EVENTS, MOST_BUCKETS};
use super::{Gap, PolicyResults, Results, SessionRow, Verdict};
use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::metrics::timeline::{Bucket, Timeline};
use crate::metrics::{METRICS, Outcome};
use crate::text::clean;
use ::csv::StringRecord;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

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

/// Why files are not results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which file.
    pub file: &'static str,
    /// The file's line, from 1, where one is to blame.
    pub line: Option<u64>,
    /// What is wrong.
    pub why: Reason,
}

/// What is wrong with a file of results.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The text is not JSON, CSV or UTF-8, or a value is missing or of another type.
    Malformed(String),
    /// A column is missing, without which rows say nothing.
    NoColumn(&'static str),
    /// A cell is not a count.
    NotACount(String),
    /// A cell is not a time in seconds.
    NotATime(String),
    /// A policy that summary.json does not have.
    NoSuchPolicy(String),
    /// A replication that summary.json does not have.
    NoSuchReplication(usize),
    /// A time at which no bucket begins.
    NoSuchBucket,
    /// A time beyond the end of the run.
    BeyondHorizon,
    /// More buckets than any run has: they would only fill the memory.
    TooManyBuckets,
    /// A metric of which there is not one value per replication.
    Values {
        /// The policy.
        policy: String,
        /// The metric.
        metric: String,
        /// Replications.
        replications: u32,
    },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.why),
            None => write!(f, "{}: {}", self.file, self.why),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Malformed(why) => f.write_str(&clean(why)),
            Reason::NoColumn(column) => write!(f, "the column {column} is missing"),
            Reason::NotACount(cell) => write!(f, "not a count: {cell:?}"),
            Reason::NotATime(cell) => write!(f, "not a time in seconds: {cell:?}"),
            Reason::NoSuchPolicy(name) => write!(f, "summary.json knows no policy {name:?}"),
            Reason::NoSuchReplication(number) => write!(f, "there is no such replication: {number}"),
            Reason::NoSuchBucket => f.write_str("no bucket begins at this time"),
            Reason::BeyondHorizon => f.write_str("the time is beyond the horizon"),
            Reason::TooManyBuckets => f.write_str("more buckets than any run has"),
            Reason::Values { policy, metric, replications } => write!(
                f,
                "policy {policy:?}: `values` of {metric:?} must be {replications} numbers, one per replication"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads results. The scenario's text and the stories are in other files.
///
/// # Errors
/// When a file is not what any version writes: the first place where it is not.
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
    let table =
        Table::of(FILE, bytes, ["policy", "replication", "t_s", "endpoint", "outcome", "count"], gaps)?;
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
        bucket.calls[endpoint as usize][outcome as usize] = count;
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
    let table = Table::of(FILE, bytes, ["policy", "replication", "t_s", "event", "count"], gaps)?;
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
    let columns = [
        "policy",
        "replication",
        "session",
        "entries",
        "depth",
        "requests",
        "signed_out_at_s",
        "sign_out",
        "stale_token_s",
    ];
    let table = Table::of("sessions.csv", bytes, columns, gaps)?;
    table.rows(|row| {
        let [policy, replication, session, entries, depth, requests, signed_out_at, sign_out, stale] = row;
        let seconds = |cell: &str| cell.parse().map_err(|_| Reason::NotATime(cell.to_owned()));
        let row = SessionRow {
            replication: whole(replication)?,
            session: whole(session)?,
            entries: whole(entries)?,
            depth: whole(depth)?,
            requests: whole(requests)?,
            signed_out_at_s: (!signed_out_at.is_empty()).then(|| seconds(signed_out_at)).transpose()?,
            false_sign_out: sign_out == "false",
            stale_token_s: seconds(stale)?,
        };
        results.policies[position(cells, policy)?].sessions.push(row);
        Ok(())
    })
}

fn position(cells: &[String], cell: &str) -> Result<usize, Reason> {
    cells.iter().position(|name| name == cell).ok_or_else(|| Reason::NoSuchPolicy(cell.to_owned()))
}

fn whole<N: std::str::FromStr>(cell: &str) -> Result<N, Reason> {
    cell.parse().map_err(|_| Reason::NotACount(cell.to_owned()))
}

/// The bucket that a row of timeline.csv or flow.csv speaks of.
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

/// Rows that speak of something unknown, by what and which.
#[derive(Default)]
struct Unknown(BTreeMap<(&'static str, String), u64>);

impl Unknown {
    fn count(&mut self, what: &'static str, name: &str) {
        *self.0.entry((what, name.to_owned())).or_default() += 1;
    }

    fn tell(self, file: &'static str, gaps: &mut Vec<Gap>) {
        let rows = self.0.into_iter();
        gaps.extend(rows.map(|((what, name), rows)| Gap::UnknownRows { file, what, name, rows }));
    }
}

/// What stands in for a column that a file does not have; absent where rows say nothing without it.
fn stand_in(column: &str) -> Option<&'static str> {
    match column {
        "entries" | "depth" | "requests" | "stale_token_s" => Some("0"),
        "signed_out_at_s" | "sign_out" => Some(""),
        _ => None,
    }
}

/// A table whose columns are known by their names, in whatever order they come.
struct Table<'a, const N: usize> {
    file: &'static str,
    reader: ::csv::Reader<&'a [u8]>,
    /// Where each column is, or what stands in for it.
    places: [Result<usize, &'static str>; N],
}

impl<'a, const N: usize> Table<'a, N> {
    fn of(
        file: &'static str,
        bytes: &'a [u8],
        columns: [&'static str; N],
        gaps: &mut Vec<Gap>,
    ) -> Result<Table<'a, N>, Unreadable> {
        let mut reader = ::csv::ReaderBuilder::new().has_headers(true).from_reader(bytes);
        let broken = |why| Unreadable { file, line: Some(1), why };
        let header = reader.headers().map_err(|e| broken(Reason::Malformed(e.to_string())))?.clone();
        let mut places = [Err(""); N];
        for (place, column) in places.iter_mut().zip(columns) {
            *place = match header.iter().position(|name| name == column) {
                Some(at) => Ok(at),
                None => {
                    let cell = stand_in(column).ok_or_else(|| broken(Reason::NoColumn(column)))?;
                    gaps.push(Gap::NoColumn { file, column });
                    Err(cell)
                }
            };
        }
        let unknown: Vec<String> =
            header.iter().filter(|name| !columns.contains(name)).map(str::to_owned).collect();
        if !unknown.is_empty() {
            gaps.push(Gap::UnknownColumns { file, columns: unknown });
        }
        Ok(Table { file, reader, places })
    }

    /// Calls `row` with the known cells of every row.
    fn rows(mut self, mut row: impl FnMut([&str; N]) -> Result<(), Reason>) -> Result<(), Unreadable> {
        let file = self.file;
        let broken = |line, why| Unreadable { file, line, why };
        let mut record = StringRecord::new();
        loop {
            let more = self.reader.read_record(&mut record).map_err(|e| {
                broken(e.position().map(::csv::Position::line), Reason::Malformed(e.to_string()))
            })?;
            if !more {
                return Ok(());
            }
            let cell = |place: Result<usize, &'static str>| match place {
                Ok(at) => record.get(at).unwrap_or_default(),
                Err(stand_in) => stand_in,
            };
            row(self.places.map(cell))
                .map_err(|why| broken(record.position().map(::csv::Position::line), why))?;
        }
    }
}

const SUMMARY: &str = "summary.json";
/// A file that claims more than this would only fill the memory.
const MOST_REPLICATIONS: u32 = 10_000;
/// Fields of results and of their policies without which the rest can still be read.
const OPTIONAL: [&str; 7] =
    ["about", "client_model", "version", "bucket", "faults", "engine", "expectations"];
const OPTIONAL_OF_POLICY: [&str; 3] = ["entries_distribution", "demand", "not_exercised"];

/// Reads summary.json alone: results without timelines and sessions.
///
/// # Errors
/// When it is not what any version writes.
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

/// Metrics that every policy lacks, or that one has beyond those of this version.
fn other_metrics(results: &Results, gaps: &mut Vec<Gap>) {
    let policies = &results.policies;
    let lacks = |policy: &PolicyResults, name: &str| policy.get(name).is_none();
    let missing = METRICS.iter().filter(|def| policies.iter().any(|policy| lacks(policy, def.name)));
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

#[cfg(test)]
mod tests {
    use super::super::{csv, summary, synthetic};
    use super::*;

    fn written(results: &Results) -> [Vec<u8>; 4] {
        let summary = summary::summary(results).into_bytes();
        [summary, csv::timeline(results), csv::flow(results), csv::sessions(results)]
    }

    fn read_back(results: &Results) -> Results {
        let [summary, timeline, flow, sessions] = &written(results);
        read(Files { summary, timeline, flow, sessions }).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn what_is_written_reads_back_whole() {
        for (case, results) in synthetic::table() {
            if matches!(case, "many-buckets" | "no-runs") {
                // The one takes long; the other has no timeline, as no run has.
                continue;
            }
            assert_eq!(read_back(&results), results, "{case}");
            let json = serde_json::to_string(&results).unwrap();
            assert_eq!(serde_json::from_str::<Results>(&json).unwrap(), results, "{case}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let results = synthetic::storm(&["old"], 10, 2);
        let [summary, timeline, flow, sessions] = &written(&results);
        let whole = Files { summary, timeline, flow, sessions };
        let with = |name: &str, to: &[u8]| {
            let mut files = whole;
            let to = to.to_vec().leak();
            match name {
                "summary" => files.summary = to,
                "timeline" => files.timeline = to,
                "flow" => files.flow = to,
                _ => files.sessions = to,
            }
            read(files).unwrap_err().to_string()
        };
        let head = "policy,replication,t_s,endpoint,outcome,count\n";
        for (file, bytes, message) in [
            ("summary", "{".to_owned(), "summary.json, line 1"),
            ("summary", "{}".to_owned(), "missing field `scenario`"),
            ("timeline", String::new(), "timeline.csv, line 1: the column policy is missing"),
            ("timeline", format!("{head}old,0,0,touch,200,x\n"), "timeline.csv, line 2: not a count"),
            (
                "timeline",
                format!("{head}old,0,0,touch,200,1\nnew,0,0,touch,200,1\n"),
                "line 3: summary.json knows no",
            ),
            ("timeline", format!("{head}old,2,0,touch,200,1\n"), "no such replication"),
            ("timeline", format!("{head}old,0,0.5,touch,200,1\n"), "no bucket begins"),
            ("timeline", format!("{head}old,0,600,touch,200,1\n"), "beyond the horizon"),
            ("timeline", format!("{head}old,0,0\n"), "timeline.csv, line 2"),
            ("flow", "policy,replication,t_s,event,count\nold,0,0,flow_entry,-1\n".to_owned(), "not a count"),
            ("sessions", "policy,session\n".to_owned(), "the column replication is missing"),
        ] {
            let said = with(file, bytes.as_bytes());
            assert!(said.contains(message), "{file} {bytes:?}: {said}");
        }
    }

    /// Results of a version that lacks a metric, a field and a column, and that has others: all that both know is read, and the
    /// rest is said.
    #[test]
    fn results_of_another_version_are_read_and_gaps_are_said() {
        let results = synthetic::storm(&["old", "new"], 10, 2);
        let [summary, timeline, flow, sessions] = written(&results);
        let mut value: Value = serde_json::from_slice(&summary).unwrap();
        value["weather"] = "fine".into();
        value.as_object_mut().unwrap().remove("faults");
        value["expectations"][0].as_object_mut().unwrap().remove("policy");
        for policy in ["old", "new"] {
            let metrics = value["policies"][policy]["metrics"].as_object_mut().unwrap();
            let other = metrics.remove("goodput").unwrap();
            metrics.insert("serenity".to_owned(), other);
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (timeline, flow) = (text(timeline), text(flow));
        let head = timeline.lines().next().unwrap();
        let moved = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{}", cells[5], cells[..5].join(","))
        };
        let reordered: Vec<String> = timeline.lines().map(moved).collect();
        assert_ne!(reordered[0], head);
        let timeline = format!("{}\n3,old,0,0,passkeys,200\n", reordered.join("\n"));
        let flow = format!("{flow}old,0,0,joy,1\n");
        let sessions = text(sessions);
        let with_weather = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},x", cells[..8].join(","))
        };
        let sessions: Vec<String> = sessions.lines().map(with_weather).collect();
        let back = read(Files {
            summary: value.to_string().as_bytes(),
            timeline: timeline.as_bytes(),
            flow: flow.as_bytes(),
            sessions: sessions.join("\n").as_bytes(),
        })
        .unwrap_or_else(|e| panic!("{e}"));
        let old = &back.policies[0];
        assert_eq!(
            old.timelines, results.policies[0].timelines,
            "what both know is read, in any order of columns"
        );
        assert_eq!(old.get("goodput"), None);
        assert_eq!(old.metric("serenity").values, results.policies[0].metric("goodput").values);
        assert_eq!(old.sessions.len(), results.policies[0].sessions.len());
        assert_eq!(back.expectations, results.expectations[1..]);
        let (file, name) = ("summary.json", |name: &str| vec![name.to_owned()]);
        let rows = |file, what, name: &str| Gap::UnknownRows { file, what, name: name.to_owned(), rows: 1 };
        assert_eq!(
            back.gaps,
            [
                Gap::NoField { file, field: "faults".to_owned() },
                Gap::UnreadableExpectations(1),
                Gap::NoMetrics(name("goodput")),
                Gap::UnknownMetrics(name("serenity")),
                rows("timeline.csv", "endpoint", "passkeys"),
                rows("flow.csv", "event", "joy"),
                Gap::NoColumn { file: "sessions.csv", column: "stale_token_s" },
                Gap::UnknownColumns { file: "sessions.csv", columns: name("x") },
            ]
        );
        let said = super::super::verdicts::qualifications(&back).join("\n");
        assert!(said.contains("Not in these results: goodput;"), "{said}");
    }
}
