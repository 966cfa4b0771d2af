//! The cells of Brooker's collapse simulator: a server whose latency grows with the calls under way, and clients with a
//! time-out and retries. The server, the clients and the retries are those of scenarios; only the arrivals are drawn here,
//! because their rate changes during the run.

use super::{Cell, SEED, number, rows, z_of_counts};
use crate::experiment::Study;
use crate::kernel::random::{Purpose, Stream, open_unit};
use crate::kernel::{Dur, Time};
use crate::parallel;
use crate::world::{Control, Observer, Snapshot, observed};

const TABLE: &str = include_str!("../../../tests/tables/mb_simple_collapse.csv");
/// Runs of which the table gives the mean.
const THEIR_RUNS: f64 = 10.0;
/// Length of a run, in seconds. The table has a row for each second.
pub(super) const SECONDS: usize = 80;
/// Columns of the table that are compared, in its order.
const COLUMNS: [&str; 4] = ["starts", "successes", "retries", "time-outs"];

/// The rate of arrivals at a time, in calls/s. The simulator draws each interval with the rate at its start: the rate of the
/// ramp rises from 40/s to 80/s at 25 s and falls to zero, and that of the spike is 80/s from 20 s to 25 s and 40/s otherwise.
fn rate(kind: &str, t: f64) -> f64 {
    match kind {
        "ramp" => 80.0 - 1.6 * (t - 25.0).abs(),
        "spike" if (20.0..=25.0).contains(&t) => 80.0,
        "spike" => 40.0,
        other => panic!("{other} is none of the loads"),
    }
}

/// The arrivals of a replication, in nanoseconds; the first comes at 10 ms.
fn arrivals(kind: &str, replication: u32) -> Vec<u64> {
    let stream = Stream::named(SEED, replication, Purpose::Arrival, kind);
    let (mut all, mut t) = (Vec::new(), 0.01);
    while t < SECONDS as f64 {
        let nanoseconds = (t * 1e9) as u64;
        all.push(nanoseconds);
        let rate = rate(kind, t);
        if rate <= 0.0 {
            break;
        }
        t -= libm::log(open_unit(stream.bits(all.len() as u64, 0))) / rate;
    }
    all
}

/// Each leg takes Exp(100 ms), the service 1 s and 10 ms for each call in service, the client waits 3 s and tries 3 times.
/// The back-off is uniform up to 20 s, then up to 40 s.
fn scenario(has_backoff: bool, arrivals: &[u64]) -> String {
    let at: Vec<String> = arrivals.iter().map(|ns| format!("\"{ns}ns\"")).collect();
    let retry = match has_backoff {
        true => "initial = \"20s\", factor = 2, cap = \"40s\", jitter = \"full\"",
        false => "initial = \"0s\", factor = 1, cap = \"0s\"",
    };
    format!(
        "version = 1\nname = \"collapse\"\nseed = {SEED}\nhorizon = \"{}s\"\npolicies = [\"new\"]\n\
         [backend.generic]\nrequest-latency = {{ exponential = \"100ms\" }}\nlatency = {{ exponential = \"100ms\" }}\n\
         service = \"1s\"\ntimeout = \"3s\"\n\
         [[backend.pool]]\nname = \"server\"\nendpoints = [\"generic\"]\nworkers = 1000000\n\
         service-per-call = \"10ms\"\n\
         [[workload]]\nname = \"clients\"\nretry = {{ on = [\"network\"], {retry}, retries = 2 }}\nat = [{}]\n",
        SECONDS + 1,
        at.join(", ")
    )
}

/// Totals at the end of each second.
#[derive(Default)]
struct EachSecond(Vec<[u64; 4]>);

impl Observer for EachSecond {
    const ACTIVE: bool = true;

    fn sample_every(&self) -> Option<Dur> {
        Some(Dur::from_secs(1))
    }

    fn sampled(&mut self, totals: Snapshot) {
        if self.0.len() < SECONDS {
            assert_eq!(totals.at, Time::ZERO.after(Dur::from_secs(self.0.len() as u64 + 1)));
            let work = totals.workloads[0];
            // The simulator counts a retry when it is decided.
            let retries = work.retries + work.in_orbit;
            self.0.push([work.calls, work.answered, retries, retries + work.gave_up]);
        }
    }
}

/// The counts of each second of a replication.
fn seconds(run_name: &str, replication: u32) -> Vec<[f64; 4]> {
    let (kind, strategy) = run_name.split_once('_').expect("a load and a strategy");
    let text = scenario(strategy == "backoff_and_jitter", &arrivals(kind, replication));
    let study = Study::parse("published", &text)
        .unwrap_or_else(|e| panic!("the scenario of a check is invalid: {e}"));
    let (_, seen, _) = observed(&study.plan(), 0, replication, &Control::default(), EachSecond::default())
        .unwrap_or_else(|e| panic!("{e}"));
    let mut before = [0; 4];
    let mut counts = Vec::new();
    for totals in seen.0 {
        counts.push(std::array::from_fn(|i| (totals[i] - before[i]) as f64));
        before = totals;
    }
    counts
}

/// The cells of the table before this second, each with so many replications.
pub(super) fn cells(replications: u32, before: usize) -> Vec<Cell> {
    let table: Vec<_> = rows(TABLE).collect();
    let runs: Vec<&[Vec<&str>]> = table.chunks(SECONDS).collect();
    let of_run = |rows: &&[Vec<&'static str>]| {
        let name = rows[0][6];
        let sample: Vec<Vec<[f64; 4]>> = (0..replications).map(|n| seconds(name, n)).collect();
        let mut cells = Vec::new();
        for (second, row) in rows.iter().enumerate().take(before) {
            for (column, what) in COLUMNS.into_iter().enumerate() {
                let ours: Vec<f64> = sample.iter().map(|run| run[second][column]).collect();
                cells.push(Cell {
                    group: format!("Brooker's collapse {name}, {what}"),
                    name: format!("second {second}"),
                    z: z_of_counts(&ours, number(row[1 + column]), THEIR_RUNS),
                });
            }
        }
        cells
    };
    parallel::map(&runs, of_run).into_iter().flatten().collect()
}
