//! Back-off series, jitter, and the number of tries per call.

use super::estimate::Run;
use super::recorder::record;
use super::text::{Text, constant};
use super::{Estimated, Family, Item, Measure, Number, measures};
use crate::kernel::Dur;

type Series = (&'static str, f64, f64, f64, u32, &'static [f64]);

/// Back-off: name, initial delay in s, factor, cap in s, retries; then delays in seconds.
const SERIES: [Series; 4] = [
    (
        "getToken without its cap",
        3.0,
        1.55,
        1e6,
        8,
        &[3.0, 4.65, 7.2075, 11.171625, 17.31601875, 26.8398290625, 41.601735046875, 64.48268932265625],
    ),
    (
        "getToken with its cap of 50 s",
        3.0,
        1.55,
        50.0,
        8,
        &[3.0, 4.65, 7.2075, 11.171625, 17.31601875, 26.8398290625, 41.601735046875, 50.0],
    ),
    ("network level, nominal", 0.7, 2.0, 5.0, 3, &[0.7, 1.4, 2.8]),
    ("generic", 1.0, 2.0, 32.0, 6, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
];

/// Probability of failure, retries; then tries per call, probability of success.
const RETRIES: [(f64, u32, f64, f64); 6] = [
    (0.0, 3, 1.0, 1.0),
    (0.1, 3, 1.111, 0.9999),
    (0.3, 3, 1.417, 0.9919),
    (0.5, 3, 1.875, 0.9375),
    (0.75, 3, 2.734375, 0.68359375),
    (1.0, 3, 4.0, 0.0),
];

/// Tries of each layer, layers; then tries in all.
const LAYERS: [(u32, u32, f64); 3] = [(3, 5, 243.0), (3, 3, 27.0), (4, 2, 16.0)];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    let mut series: Vec<Item> = SERIES.into_iter().map(backoff).collect();
    series.extend([("full", 0.5), ("equal", 0.75)].map(|(jitter, share)| jittered(jitter, share)));
    vec![
        Family {
            name: "backoff_series",
            source: "sum of min(cap, base f^k); full jitter has half, equal jitter 3/4 of it (AWS blog)",
            items: series,
        },
        Family {
            name: "n_retries_iid",
            source: "(1 - p^(n+1)) / (1 - p) tries",
            items: RETRIES.map(iid).into(),
        },
        Family {
            name: "layered_retries",
            source: "k^d: AWS Builders' Library (243), Google SRE book ch. 22",
            items: LAYERS.map(layers).into(),
        },
        Family {
            name: "retry_token_bucket",
            source: "at most (1 + q) N + B tries; Brooker 2022",
            items: vec![budget()],
        },
    ]
}

fn retry(initial: f64, factor: f64, cap: f64, retries: u32, jitter: &str) -> String {
    format!(
        "[workload.retry]\non = [\"5xx\"]\ninitial = {}\nfactor = {factor}\ncap = {}\nretries = {retries}\njitter = \"{jitter}\"",
        constant(initial),
        constant(cap)
    )
}

fn backoff((name, initial, factor, cap, retries, delays): Series) -> Item {
    Item::rejecting(name, move |f| {
        let text = Text::new("at = [\"0s\"]").workload(&retry(initial * f, factor, cap * f, retries, "none"));
        let (seen, _) = record(&text.failing(1.0).done(), Dur::from_secs(10_000));
        let sent: Vec<f64> = seen.ended.iter().map(|e| e.1.as_secs_f64()).collect();
        // Timers run in whole milliseconds, so each delay is shortened by less than one millisecond.
        let off = sent
            .windows(2)
            .zip(delays)
            .map(|(pair, delay)| delay - (pair[1] - pair[0]))
            .fold(0.0f64, |a, b| if b.abs() > a.abs() { b } else { a });
        let total: f64 = delays.iter().sum();
        vec![
            Number::equal("tries", sent.len() as f64, delays.len() as f64 + 1.0),
            Number {
                name: "largest error of a delay, s".into(),
                ours: off,
                exact: 0.0005,
                tolerance: 0.00051,
            },
            Number {
                name: "sum, s".into(),
                ours: sent[sent.len() - 1],
                exact: total,
                tolerance: 0.001 * delays.len() as f64,
            },
        ]
    })
}

/// Each of many clients makes one call that fails until it gives up. Checks the time this takes, as a share of the
/// nominal 63 s.
fn jittered(jitter: &'static str, share: f64) -> Item {
    Item::Estimated(Estimated {
        name: format!("generic, {jitter} jitter"),
        build: Box::new(move |f| {
            Text::new("clients = 200\nat = [\"0s\"]")
                .workload(&retry(f, 2.0, 32.0 * f, 6, jitter))
                .failing(1.0)
                .done()
        }),
        run: Run::Replicated { horizon_s: 100.0, every_s: 100.0, pilot: 30 },
        wanted: 0.01,
        fast: Some(0.03),
        measures: vec![Measure::new("mean sum, s", 63.0 * share, |p| {
            let end = &p[p.len() - 1];
            let work = &end.workloads[0];
            (work.orbit_area(end.at) as f64 * 1e-9, work.calls as f64)
        })],
        rejects: jitter == "full",
    })
}

fn iid((p, n, tries, success): (f64, u32, f64, f64)) -> Item {
    let text = move |f: f64| {
        Text::new("think = \"1s\"")
            .workload(if p * (1.0 - p) > 0.0 { "" } else { "until = \"9000s\"" })
            .workload(&retry(1.0, 1.0, 1.0, n, "none"))
            .failing((p * f).min(1.0))
            .done()
    };
    let name = format!("p {p}, {n} retries");
    if p * (1.0 - p) > 0.0 {
        return Item::Estimated(Estimated {
            name,
            build: Box::new(text),
            run: Run::Long { pilot_s: 100_000.0 },
            wanted: 0.005,
            fast: ((p - 0.5).abs() < 0.1).then_some(0.015),
            measures: vec![measures::tries("tries per call", tries), measures::success("success", success)],
            rejects: (p - 0.5).abs() < 0.1,
        });
    }
    Item::exact(name, move |f| {
        let (_, run) = record(&text(f), Dur::from_secs(10_000));
        let work = run.totals.workloads[0];
        vec![
            Number::equal("calls under way at the end", work.under_way() as f64, 0.0),
            Number::equal("tries per call", (work.calls + work.retries) as f64 / work.calls as f64, tries),
            Number::equal("success", work.answered as f64 / work.calls as f64, success),
        ]
    })
}

fn layers((tries, depth, total): (u32, u32, f64)) -> Item {
    let name = format!("{tries} tries in each of {depth} layers");
    let numbers = move |f: f64| {
        // In the wrong model 5% of the tries succeed. 243 tries nearly always include one; 16 may not.
        let text =
            Text::new("at = [\"0s\"]").workload(&format!("layers = {{ tries = {tries}, depth = {depth} }}"));
        let (seen, _) = record(&text.failing(1.0 / f).done(), Dur::from_secs(1));
        vec![Number::equal("tries", seen.ended.len() as f64, total)]
    };
    if total > 200.0 { Item::rejecting(name, numbers) } else { Item::exact(name, numbers) }
}

fn budget() -> Item {
    Item::rejecting("q 0.1, B 10, everything fails", |f| {
        let calls = 100_000u64;
        let text = Text::new(&format!("every = \"1s\"\nuntil = \"{}s\"", calls - 1))
            .workload(&format!("orbit = \"100ms\"\nretry-budget = {{ ratio = {:?}, burst = 10 }}", 0.1 * f));
        let (seen, run) = record(&text.failing(1.0).done(), Dur::from_secs(calls + 100));
        let tries = seen.ended.len() as f64;
        let n = run.totals.workloads[0].calls as f64;
        // The burst allows ten tries beyond the share.
        vec![
            Number::equal("calls", n, calls as f64),
            Number { name: "tries per call".into(), ours: tries / n, exact: 1.1, tolerance: 10.5 / n },
        ]
    })
}
