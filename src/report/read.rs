//! Results read back from the files of a results directory: what `report` and `diff` rest on.

use super::csv::text;
use crate::backend::Endpoint;
use crate::experiment::demand::Demand;
use crate::experiment::results::{FaultWindow, MetricValues, PolicyResults, Results, SessionRow};
use crate::experiment::verdict::{Assurance, Judgement, Verdict};
use crate::kernel::Dur;
use crate::metrics::timeline::{Bucket, Timeline};
use crate::metrics::{METRICS, Outcome};
use serde_json::Value;
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
    /// Its line, from 1, where one is to blame.
    pub line: Option<u64>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.why),
            None => write!(f, "{}: {}", self.file, self.why),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads results.
///
/// # Errors
/// When a file is not what `run` writes: the first place where it is not.
pub fn read(files: Files<'_>) -> Result<Results, Unreadable> {
    let mut results = summary(files.summary)?;
    let cells: Vec<String> = results.policies.iter().map(|policy| text(&policy.name)).collect();
    let header = "policy,replication,t_s,endpoint,outcome,count";
    rows("timeline.csv", files.timeline, header, |row| {
        let endpoint = Endpoint::ALL.into_iter().find(|e| e.name() == &row[3]).ok_or("no such endpoint")?;
        let outcome = Outcome::ALL.into_iter().find(|o| o.name() == &row[4]).ok_or("no such outcome")?;
        let count = number(&row[5])?;
        bucket(&mut results, &cells, row)?.calls[endpoint.index()][outcome as usize] = count;
        Ok(())
    })?;
    rows("flow.csv", files.flow, "policy,replication,t_s,event,count", |row| {
        let bucket = bucket(&mut results, &cells, row)?;
        let count = &row[4];
        match &row[3] {
            "false_sign_out" => bucket.false_sign_outs = number(count)?,
            "true_sign_out" => bucket.true_sign_outs = number(count)?,
            "flow_entry" => bucket.flow_entries = number(count)?,
            "recursive_entry" => bucket.recursive_entries = number(count)?,
            "depth_max" => bucket.depth_max = number(count)?,
            "without_token_ns" => bucket.without_token_ns = number(count)?,
            "waiting_ns" => bucket.waiting_ns = number(count)?,
            _ => return Err("no such event".to_owned()),
        }
        Ok(())
    })?;
    let header = "policy,replication,session,entries,depth,requests,signed_out_at_s,sign_out,stale_token_s";
    rows("sessions.csv", files.sessions, header, |row| {
        let policy = policy(&cells, &row[0])?;
        let signed_out =
            row[6].parse().map(Some).or(if row[6].is_empty() { Ok(None) } else { Err("not a time") });
        results.policies[policy].sessions.push(SessionRow {
            replication: number(&row[1])?,
            session: number(&row[2])?,
            entries: number(&row[3])?,
            depth: number(&row[4])?,
            requests: number(&row[5])?,
            signed_out_at_s: signed_out?,
            false_sign_out: &row[7] == "false",
            stale_token_s: row[8].parse().map_err(|_| "not a number of seconds")?,
        });
        Ok(())
    })?;
    Ok(results)
}

fn policy(cells: &[String], cell: &str) -> Result<usize, String> {
    cells.iter().position(|name| name == cell).ok_or_else(|| format!("summary.json knows no policy {cell:?}"))
}

fn number<N: std::str::FromStr>(cell: &str) -> Result<N, String> {
    cell.parse().map_err(|_| format!("not a count: {cell:?}"))
}

/// The bucket that a row of timeline.csv or flow.csv speaks of.
fn bucket<'a>(
    results: &'a mut Results,
    cells: &[String],
    row: &::csv::StringRecord,
) -> Result<&'a mut Bucket, String> {
    let policy = &mut results.policies[policy(cells, &row[0])?];
    let replication: usize = number(&row[1])?;
    let timeline = policy.timelines.get_mut(replication).ok_or("there is no such replication")?;
    let time = Dur::parse(&format!("{}s", &row[2])).map_err(|_| "not a time in seconds")?;
    if !time.0.is_multiple_of(timeline.bucket.0) {
        return Err("no bucket begins at this time".to_owned());
    }
    let index = usize::try_from(time.0 / timeline.bucket.0).unwrap_or(usize::MAX);
    timeline.buckets.get_mut(index).ok_or_else(|| "the time is beyond the horizon".to_owned())
}

/// Calls `row` with every record after the header, which must be this one.
fn rows(
    file: &'static str,
    bytes: &[u8],
    header: &str,
    mut row: impl FnMut(&::csv::StringRecord) -> Result<(), String>,
) -> Result<(), Unreadable> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(true).from_reader(bytes);
    let broken = |line, why: String| Unreadable { file, line, why };
    let found = reader.headers().map_err(|e| broken(Some(1), e.to_string()))?;
    let found = found.iter().collect::<Vec<_>>().join(",");
    if found != header {
        return Err(broken(Some(1), format!("the columns are {found:?}; expected: {header}")));
    }
    let mut record = ::csv::StringRecord::new();
    loop {
        let more = reader.read_record(&mut record).map_err(|e| {
            let line = e.position().map(::csv::Position::line);
            broken(line, e.to_string())
        })?;
        if !more {
            return Ok(());
        }
        row(&record).map_err(|why| broken(record.position().map(::csv::Position::line), why))?;
    }
}

fn summary(bytes: &[u8]) -> Result<Results, Unreadable> {
    let file = "summary.json";
    let value: Value = serde_json::from_slice(bytes).map_err(|e| Unreadable {
        file,
        line: Some(e.line() as u64),
        why: e.to_string(),
    })?;
    parse(&value).map_err(|why| Unreadable { file, line: None, why })
}

fn parse(value: &Value) -> Result<Results, String> {
    let horizon = duration(value, "horizon")?;
    let replications = count(value, "replications")?;
    let bucket = match &value["bucket"] {
        Value::Null => horizon,
        _ => duration(value, "bucket")?,
    };
    if bucket == Dur::ZERO || horizon.0 / bucket.0 > MOST_BUCKETS || replications > MOST_REPLICATIONS {
        return Err("more buckets than any run has".to_owned());
    }
    let faults = list(value, "faults")?.iter().map(|fault| {
        Ok(FaultWindow {
            name: word(fault, "name")?,
            from: duration(fault, "from")?,
            to: duration(fault, "to")?,
        })
    });
    let expectations = list(value, "expectations")?.iter().map(verdict);
    let policies = value["policies"].as_object().ok_or("`policies` is missing")?;
    let policies = policies.iter().map(|(name, policy)| {
        let timelines = (0..replications).map(|_| Timeline::new(bucket, horizon)).collect();
        policy_of(name, policy, timelines).map_err(|why| format!("policy {name:?}: {why}"))
    });
    let fingerprint = word(&value["engine"], "fingerprint")?;
    Ok(Results {
        scenario: word(value, "scenario")?,
        about: word(value, "about")?,
        client_model: word(value, "client_model")?,
        scenario_hash: word(value, "scenario_hash")?,
        seed: value["seed"].as_u64().ok_or("`seed` is missing")?,
        replications,
        horizon,
        users: count(value, "users")?,
        faults: faults.collect::<Result<_, String>>()?,
        policies: policies.collect::<Result<_, String>>()?,
        expectations: expectations.collect::<Result<_, String>>()?,
        events: value["engine"]["events"].as_u64().ok_or("`engine.events` is missing")?,
        fingerprint: u64::from_str_radix(&fingerprint, 16).map_err(|_| "`engine.fingerprint` is not one")?,
        parts: count(&value["engine"], "parts")?,
    })
}

/// A file that claims more than this would only fill the memory.
const MOST_BUCKETS: u64 = 10_000_000;
const MOST_REPLICATIONS: u32 = 10_000;

fn verdict(verdict: &Value) -> Result<Verdict, String> {
    let judgement = word(verdict, "judgement")?;
    let judgement = Judgement::ALL.into_iter().find(|known| known.name() == judgement);
    let interval = || Some((verdict["mean_interval"][0].as_f64()?, verdict["mean_interval"][1].as_f64()?));
    let assurance = match verdict["violated_at_most"].as_f64() {
        Some(share) => Assurance::ViolatedAtMost(share),
        None if verdict["of_mean"].as_bool() == Some(true) && judgement != Some(Judgement::NotJudged) => {
            Assurance::Mean(interval())
        }
        None => Assurance::None,
    };
    Ok(Verdict {
        that: word(verdict, "that")?,
        policy: word(verdict, "policy")?,
        judgement: judgement.ok_or("no such judgement")?,
        observed: match &verdict["observed"] {
            Value::Null if judgement != Some(Judgement::NotJudged) => f64::INFINITY,
            observed => float(observed)?,
        },
        replication: match &verdict["replication"] {
            Value::Null => None,
            _ => Some(count(verdict, "replication")?),
        },
        same_in_all: verdict["same_in_all"].as_bool().ok_or("`same_in_all` is missing")?,
        bound: float(&verdict["bound"])?,
        exercised: count(verdict, "exercised")?,
        assurance,
        reason: word(verdict, "reason")?,
        may_be_vacuous: verdict["may_be_vacuous"].as_bool().ok_or("`may_be_vacuous` is missing")?,
    })
}

fn demand(demand: &Value) -> Result<Demand, String> {
    Ok(Demand {
        place: word(demand, "place")?,
        time: duration(demand, "time")?,
        offered: float(&demand["offered"])?,
        served: float(&demand["served"])?,
    })
}

fn policy_of(name: &str, policy: &Value, timelines: Vec<Timeline>) -> Result<PolicyResults, String> {
    let metrics = METRICS.iter().map(|def| {
        let metric = &policy["metrics"][def.name];
        let values = metric["values"].as_array().ok_or_else(|| {
            format!("the metric {} is missing: written by another version of authstorm?", def.name)
        })?;
        if values.len() != timelines.len() {
            return Err(format!("the metric {} must have a value per replication", def.name));
        }
        Ok(MetricValues {
            def: *def,
            values: values.iter().map(float).collect::<Result<_, _>>()?,
            mean: float(&metric["mean"])?,
            ci_low: float(&metric["ci_low"])?,
            ci_high: float(&metric["ci_high"])?,
        })
    });
    let distribution = list(policy, "entries_distribution")?.iter().map(|pair| {
        let entries = pair[0].as_u64().and_then(|n| u32::try_from(n).ok());
        entries.zip(pair[1].as_u64()).ok_or("`entries_distribution` is not pairs of counts")
    });
    Ok(PolicyResults {
        name: name.to_owned(),
        metrics: metrics.collect::<Result<_, String>>()?,
        timelines,
        sessions: Vec::new(),
        entries_distribution: distribution.collect::<Result<_, _>>()?,
        demand: list(policy, "demand")?.iter().map(demand).collect::<Result<_, _>>()?,
        not_exercised: list(policy, "not_exercised")?
            .iter()
            .map(|sentence| sentence.as_str().map(str::to_owned).ok_or("`not_exercised` holds sentences"))
            .collect::<Result<_, _>>()?,
    })
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    value[key].as_array().ok_or_else(|| format!("`{key}` is missing"))
}

fn word(value: &Value, key: &str) -> Result<String, String> {
    value[key].as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` is missing"))
}

fn duration(value: &Value, key: &str) -> Result<Dur, String> {
    Dur::parse(&word(value, key)?).map_err(|why| format!("`{key}`: {why}"))
}

fn count(value: &Value, key: &str) -> Result<u32, String> {
    value[key].as_u64().and_then(|n| u32::try_from(n).ok()).ok_or_else(|| format!("`{key}` is missing"))
}

/// JSON has no word for infinity, what never happens within the run; null stands for it.
fn float(value: &Value) -> Result<f64, String> {
    if value.is_null() { Ok(f64::INFINITY) } else { value.as_f64().ok_or_else(|| "not a number".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::{charts, csv, json, synthetic};
    use super::*;
    use crate::stats::paired_difference;

    fn written(results: &Results) -> (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>) {
        let paired = |a: &[f64], b: &[f64]| {
            let e = paired_difference(a, b, 0.95);
            (e.mean, e.ci_low, e.ci_high)
        };
        let summary = json::summary(results, paired).into_bytes();
        (summary, csv::timeline(results), csv::flow(results), csv::sessions(results))
    }

    #[test]
    fn what_is_written_reads_back_whole() {
        for (case, results) in synthetic::table() {
            if matches!(case, "many-buckets" | "no-runs") {
                // The one takes long; the other has no timeline, as no run has.
                continue;
            }
            let (summary, timeline, flow, sessions) = written(&results);
            let files = Files { summary: &summary, timeline: &timeline, flow: &flow, sessions: &sessions };
            let back = read(files).unwrap_or_else(|e| panic!("{case}: {e}"));
            assert_eq!(back, results, "{case}");
            assert_eq!(charts(&back), charts(&results), "{case}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let results = synthetic::storm(&["old"], 10, 2);
        let (summary, timeline, flow, sessions) = written(&results);
        let whole = Files { summary: &summary, timeline: &timeline, flow: &flow, sessions: &sessions };
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
            ("summary", "{}".to_owned(), "`horizon` is missing"),
            ("timeline", String::new(), "the columns are"),
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
            ("flow", "policy,replication,t_s,event,count\nold,0,0,storm,1\n".to_owned(), "no such event"),
        ] {
            let said = with(file, bytes.as_bytes());
            assert!(said.contains(message), "{file} {bytes:?}: {said}");
        }
    }
}
