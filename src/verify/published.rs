//! Figures of published simulators: every cell of their tables, with a seed that was fixed before the first run.
//!
//! A cell agrees within its standard error, which both simulations have. At most 1% of all cells may be beyond 3 standard
//! errors, and none beyond 4.5.

mod collapse;
mod occ;

use super::{Family, Item, Number};
use crate::experiment::Study;
use crate::parallel;
use crate::world::{Control, run};

const AWS: &str = include_str!("../../tests/tables/aws_backoff_summary.csv");
const BROOKER: &str = include_str!("../../tests/tables/mb_run_sims.csv");

/// Seed of all runs.
const SEED: u64 = 1;
/// The largest difference of a cell, in standard errors.
const MOST: f64 = 4.5;
/// A difference that at most 1% of the cells may exceed, in standard errors.
const RARE: f64 = 3.0;
/// Replications of each cell of the AWS simulator, and of Brooker's.
const REPLICATIONS: (u64, u32) = (100, 40);

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    let item = |name: &str, fast, cells: fn(f64) -> Vec<Cell>| {
        Item::Exact(super::Exact {
            name: name.to_owned(),
            numbers: Box::new(move |f| numbers(&cells(f))),
            fast,
            rejects: fast,
        })
    };
    vec![Family {
        name: "published_simulators",
        source: "AWS architecture blog's back-off simulator; Brooker's retry and collapse simulators (tests/tables/README.md)",
        items: vec![
            item("all cells", false, |f| {
                let mut cells = aws(u32::MAX, REPLICATIONS.0, f);
                cells.extend(brooker(|_| true, REPLICATIONS.1));
                cells.extend(collapse::cells(REPLICATIONS.1, collapse::SECONDS));
                cells
            }),
            item("AWS, at most 50 clients", true, |f| aws(50, 40, f)),
        ],
    }]
}

/// A compared figure.
struct Cell {
    /// Its row or rows of the verification.
    group: String,
    /// Its place in the group.
    name: String,
    /// The difference, in standard errors.
    z: f64,
}

/// Mean and variance of a sample.
fn moments(sample: &[f64]) -> (f64, f64) {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let squares = sample.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (mean, squares / (n - 1.0))
}

/// The difference of two means with these variances of the means.
fn z(ours: f64, theirs: f64, variance: f64) -> f64 {
    let difference = (ours - theirs).abs();
    if difference < 1e-9 { 0.0 } else { difference / libm::sqrt(variance) }
}

/// The difference of a mean count of so many of their runs and the mean of ours. Counts vary at least as those of a Poisson
/// process, which a sample of rare ones does not show.
fn z_of_counts(ours: &[f64], theirs: f64, their_runs: f64) -> f64 {
    let (mean, variance) = moments(ours);
    let our_runs = ours.len() as f64;
    let pooled = (mean * our_runs + theirs * their_runs) / (our_runs + their_runs);
    z(mean, theirs, variance.max(pooled) * (1.0 / our_runs + 1.0 / their_runs))
}

/// The largest difference of each group, and the number of rare ones.
fn numbers(cells: &[Cell]) -> Vec<Number> {
    let mut groups: Vec<&str> = Vec::new();
    for cell in cells {
        if !groups.contains(&cell.group.as_str()) {
            groups.push(&cell.group);
        }
    }
    let mut numbers = Vec::new();
    for group in groups {
        let of = || cells.iter().filter(|cell| cell.group == group);
        let worst = of().fold(None::<&Cell>, |worst, cell| match worst {
            Some(worst) if worst.z >= cell.z => Some(worst),
            _ => Some(cell),
        });
        let worst = worst.expect("a group has a cell");
        numbers.push(Number {
            name: format!(
                "{group}: largest difference of {} cells, in standard errors ({})",
                of().count(),
                worst.name
            ),
            ours: worst.z,
            exact: 0.0,
            tolerance: MOST,
        });
    }
    numbers.push(Number {
        name: format!("cells of {} that differ by more than {RARE} standard errors", cells.len()),
        ours: cells.iter().filter(|cell| cell.z > RARE).count() as f64,
        exact: 0.0,
        tolerance: (cells.len() / 100) as f64,
    });
    numbers
}

/// A row of a table of figures.
fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// The cells of the AWS simulator with at most so many clients. `f` scales the delays of messages.
fn aws(most_clients: u32, replications: u64, f: f64) -> Vec<Cell> {
    let rows: Vec<_> = rows(AWS).filter(|row| number(row[0]) <= f64::from(most_clients)).collect();
    let of_row = |row: &Vec<&'static str>| {
        let (clients, algorithm) = (number(row[0]) as u32, row[1]);
        let stream = occ::stream(SEED, clients, algorithm);
        let sample: Vec<(f64, f64)> =
            (0..replications).map(|n| occ::run(clients, algorithm, &stream, n, f)).collect();
        let cell = |what: &str, ours: Vec<f64>, mean: &str, sd: &str| {
            let (ours, variance) = moments(&ours);
            let theirs = number(sd) * number(sd) / number(row[2]);
            Cell {
                group: format!("AWS {algorithm}, {what}"),
                name: format!("{clients} clients"),
                z: z(ours, number(mean), variance / replications as f64 + theirs),
            }
        };
        let times = sample.iter().map(|(time, _)| *time).collect();
        let calls = sample.iter().map(|(_, calls)| *calls).collect();
        [cell("time", times, row[3], row[4]), cell("calls", calls, row[6], row[7])]
    };
    parallel::map(&rows, of_row).into_iter().flatten().collect()
}

/// The cells of Brooker's simulator with failure rates of this kind.
fn brooker(is_wanted: fn(f64) -> bool, replications: u32) -> Vec<Cell> {
    let rows: Vec<_> = rows(BROOKER).filter(|row| is_wanted(number(row[0]))).collect();
    let of_row = |row: &Vec<&'static str>| {
        let (rate, strategy) = (row[0], row[4]);
        let plan = Study::parse("published", &open_clients(rate, strategy))
            .unwrap_or_else(|e| panic!("the scenario of a check is invalid: {e}"))
            .plan();
        let all = |n| {
            let part = plan.parts().swap_remove(0);
            let run = run(&plan, 0, n, part, &Control::default()).unwrap_or_else(|e| panic!("{e}"));
            let work = run.totals.workloads[0];
            [work.answered, work.calls + work.retries, work.calls].map(|n| n as f64)
        };
        let sample: Vec<[f64; 3]> = (0..replications).map(all).collect();
        let mut cells = Vec::new();
        for (column, what) in ["successes", "tries", "calls"].into_iter().enumerate() {
            let ours: Vec<f64> = sample.iter().map(|run| run[column]).collect();
            let (mean, variance) = moments(&ours);
            cells.push(Cell {
                group: format!("Brooker {strategy}, {what}"),
                name: format!("failure rate {}", number(rate)),
                z: z(mean, number(row[1 + column]), variance * (1.0 + 1.0 / f64::from(replications))),
            });
        }
        cells
    };
    parallel::map(&rows, of_row).into_iter().flatten().collect()
}

/// 100 open clients of 10 calls/s for 10 s, each leg Exp(10 ms), retries at once.
fn open_clients(rate: &str, strategy: &str) -> String {
    let retry = |retries: u32| {
        format!(
            "retry = {{ on = [\"5xx\"], initial = \"0s\", factor = 1, cap = \"0s\", retries = {retries} }}\n"
        )
    };
    let strategy = match strategy {
        "no_retries" => String::new(),
        "three_retries" => retry(3),
        "adaptive_10pct" => {
            retry(1_000) + "resilience = { brooker-token-bucket = { fill-rate = 0.1, size = 5 } }\n"
        }
        "breaker_10pct" => retry(3) + "resilience = { brooker-breaker = { max-failure-rate = 0.1 } }\n",
        other => panic!("{other} is none of the strategies"),
    };
    format!(
        "version = 1\nname = \"published\"\nseed = {SEED}\nhorizon = \"20s\"\npolicies = [\"new\"]\n\
         [backend.generic]\nlatency = {{ exponential = \"10ms\" }}\n\
         [[fault]]\nkind = \"latency\"\nendpoints = [\"generic\"]\nadd = {{ exponential = \"10ms\" }}\n\
         [[fault]]\nkind = \"status\"\nendpoints = [\"generic\"]\nstatus = 500\nprobability = {rate}\n\
         [[workload]]\nname = \"clients\"\nclients = 100\nstarts = {{ exponential = \"10ms\" }}\n\
         every = {{ exponential = \"100ms\" }}\nuntil = \"10s\"\n{strategy}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few cells with few replications; `verify` compares all.
    #[test]
    fn cells_of_published_simulators_agree() {
        let mut cells = aws(30, 10, 1.0);
        cells.extend(brooker(|rate| (0.3..0.6).contains(&rate), 5));
        // From the spike on, some runs collapse and others do not, which five replications do not show.
        cells.extend(collapse::cells(5, 20));
        assert_eq!(cells.len(), 2 * 8 + 3 * 12 + 4 * 4 * 20);
        for cell in &cells {
            // Five replications give a variance with four degrees of freedom, so the bound is wide.
            assert!(cell.z < 10.0, "{} {}: {}", cell.group, cell.name, cell.z);
        }
    }
}
