//! Statistics against golden values, Little's law on sample paths, and the coverage of intervals.

use super::estimate::{self, Run};
use super::recorder::record;
use super::text::{Text, exponential};
use super::{Estimated, Exact, Family, Item, Number, measures};
use crate::kernel::Dur;
use crate::parallel;
use crate::stats::{
    clopper_pearson, mser5, paired_difference, quantile_ci_order_stats, t_quantile, welch_difference,
    zero_event_upper_bound,
};

/// Sample size; then t quantiles at 0.975 and 0.95.
const T: [(f64, f64, f64); 3] = [
    (5.0, 2.7764451051977934, 2.1318467863266495),
    (20.0, 2.0930240544083087, 1.7291328115213682),
    (50.0, 2.0095752371292392, 1.6765508926168535),
];
/// Replications; then upper bounds at 95% and 97.5%.
const ZERO: [(u64, f64, f64); 4] = [
    (10, 0.2588655508930523, 0.30849710781876083),
    (30, 0.09503385285530419, 0.11570330822202779),
    (100, 0.029513049607039932, 0.03621669264517646),
    (1000, 0.0029912495450953314, 0.00368208389686564),
];
/// Events, trials; then the interval.
const CLOPPER: [(u64, u64, f64, f64); 3] = [
    (0, 20, 0.0, 0.1684334709830853),
    (5, 100, 0.016431879182052155, 0.11283491110546275),
    (50, 100, 0.39832112950330095, 0.601678870496699),
];
/// Sample size, quantile; then ranks, coverage.
const RANKS: [(u64, f64, u64, u64, f64); 3] = [
    (100, 0.5, 40, 61, 0.9647997997822952),
    (1000, 0.5, 469, 532, 0.9537088026395018),
    (1000, 0.99, 983, 997, 0.976094763497977),
];
/// Amplitude of the transient; then truncation, mean after it, statistic.
const MSER: [(f64, f64, f64, f64); 2] = [
    (3.0, 135.0, 0.4986134847986364, 4.589927923732338e-05),
    (0.0, 5.0, 0.495009500950095, 3.351308612047704e-05),
];
const A: [f64; 10] = [12.1, 11.8, 13.0, 12.4, 11.9, 12.7, 12.2, 12.9, 11.5, 12.3];
const B: [f64; 10] = [10.2, 10.4, 11.1, 10.9, 9.9, 11.0, 10.3, 11.3, 9.8, 10.6];
/// Relative error allowed for a golden value.
const EXACTLY: f64 = 1e-9;

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "littles_law_sample_path",
            source: "an identity of integers for runs that start and end empty: Little 1961, Stidham 1974",
            items: little(),
        },
        Family {
            name: "ci_coverage_test",
            source: "covering intervals are binomial(R, 0.95); Law, ch. 9",
            items: vec![coverage()],
        },
        golden("t_quantiles", "Law, ch. 4", |f| {
            T.iter()
                .flat_map(|&(n, t975, t95)| {
                    let df = f * n - 1.0;
                    [
                        Number::close(format!("t(0.975, {})", n - 1.0), t_quantile(0.975, df), t975, EXACTLY),
                        Number::close(format!("t(0.95, {})", n - 1.0), t_quantile(0.95, df), t95, EXACTLY),
                    ]
                })
                .collect()
        }),
        golden("zero_event_upper_bound", "Clopper and Pearson 1934; Hanley and Lippman-Hand 1983", |f| {
            ZERO.iter()
                .flat_map(|&(n, u95, u975)| {
                    let more = (n as f64 * f + 0.5) as u64;
                    let of = |confidence| zero_event_upper_bound(more, confidence);
                    [
                        Number::close(format!("none in {n}, 95%"), of(0.95), u95, EXACTLY),
                        Number::close(format!("none in {n}, 97.5%"), of(0.975), u975, EXACTLY),
                    ]
                })
                .collect()
        }),
        golden("clopper_pearson", "Clopper and Pearson 1934", |f| {
            CLOPPER
                .iter()
                .flat_map(|&(k, n, low, high)| {
                    let (a, b) = clopper_pearson(k, (n as f64 * f + 0.5) as u64, 0.95);
                    [
                        Number::close(format!("{k} of {n}, low"), a, low, EXACTLY),
                        Number::close(format!("{k} of {n}, high"), b, high, EXACTLY),
                    ]
                })
                .collect()
        }),
        golden("quantile_ci_order_stats", "Conover; David and Nagaraja", |f| {
            RANKS
                .iter()
                .flat_map(|&(n, p, low, high, coverage)| {
                    let ranks = quantile_ci_order_stats((n as f64 * f + 0.5) as u64, p, 0.95);
                    let rank = |r: Option<u64>| r.unwrap_or(0) as f64;
                    [
                        Number::equal(format!("low rank, n {n}, p {p}"), rank(ranks.low), low as f64),
                        Number::equal(format!("high rank, n {n}, p {p}"), rank(ranks.high), high as f64),
                        Number::close(format!("coverage, n {n}, p {p}"), ranks.coverage, coverage, EXACTLY),
                    ]
                })
                .collect()
        }),
        golden("mser5_golden", "White 1997; White, Cobb and Spratt 2000", |f| {
            MSER.iter()
                .flat_map(|&(amplitude, at, mean, mser)| {
                    let mut decay = amplitude;
                    let series: Vec<f64> = (0..500u32)
                        .map(|i| {
                            let x = f * f64::from(7919 * i % 101) / 101.0 + decay;
                            decay *= 0.97;
                            x
                        })
                        .collect();
                    let cut = mser5(&series);
                    [
                        Number::equal(format!("cut, amplitude {amplitude}"), cut.observations as f64, at),
                        Number::close(
                            format!("mean after, amplitude {amplitude}"),
                            cut.mean_after,
                            mean,
                            EXACTLY,
                        ),
                        Number::close(format!("statistic, amplitude {amplitude}"), cut.mser, mser, 1e-7),
                    ]
                })
                .collect()
        }),
        golden("paired_vs_welch_golden", "Law, ch. 10", |f| {
            let a = A.map(|x| x * f);
            let (paired, welch) = (paired_difference(&a, &B, 0.95), welch_difference(&a, &B, 0.95));
            [
                ("mean difference", paired.mean, 1.7299999999999998),
                ("paired, low", paired.ci_low, 1.5907552887516634),
                ("paired, high", paired.ci_high, 1.8692447112483361),
                ("Welch, low", welch.ci_low, 1.260047037796247),
                ("Welch, high", welch.ci_high, 2.199952962203754),
            ]
            .map(|(name, ours, exact)| Number::close(name, ours, exact, EXACTLY))
            .into()
        }),
    ]
}

fn golden(
    name: &'static str,
    source: &'static str,
    numbers: impl Fn(f64) -> Vec<Number> + Send + Sync + 'static,
) -> Family {
    Family { name, source, items: vec![Item::rejecting("golden", numbers)] }
}

/// Little's law for three kinds of station, each run until it is empty again. Areas and times must agree exactly.
fn little() -> Vec<Item> {
    let orbit = format!("orbit = {}", exponential(2.0));
    let models: [(&str, u32, Option<u32>, Option<String>); 3] = [
        ("M/M/1, lam 0.9", 1, None, None),
        ("M/M/3/5, lam 3", 3, Some(2), None),
        ("M/M/1/1 with orbit, lam 0.5", 1, Some(0), Some(orbit)),
    ];
    let of = |(name, workers, queue, again): (&'static str, u32, Option<u32>, Option<String>)| {
        Item::rejecting(name, move |f| {
            let lam: f64 = name.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("ends in the rate");
            let run = |service_s: f64| {
                let text = Text::poisson(lam).served(workers, &exponential(service_s), queue);
                let text = text.workload("until = \"10000s\"").workload(again.as_deref().unwrap_or(""));
                record(&text.done(), Dur::from_secs(20_000)).1.totals
            };
            // Compares areas of the right model with times of a model whose service time is scaled by `f`.
            let (right, other) = (run(1.0), run(f));
            let (station, times) = (right.stations[0], other.stations[0]);
            let (work, end) = (right.workloads[0], right.at);
            // The comparison is exact in nanoseconds; the table shows seconds.
            let differ = |a: u128, b: u128| a.abs_diff(b) as f64 * 1e-9;
            vec![
                Number::equal("calls left inside", (station.inside + work.under_way()) as f64, 0.0),
                Number::equal(
                    "number x time less sojourns, s",
                    differ(station.system_area, times.sojourns),
                    0.0,
                ),
                Number::equal("waiting x time less waits, s", differ(station.queue_area, times.waits), 0.0),
                Number::equal(
                    "call x time less station and orbit, s",
                    differ(work.call_area(end), station.system_area + work.orbit_area(end)),
                    0.0,
                ),
            ]
        })
    };
    models.map(of).into()
}

/// Coverage of a hundred 95% intervals of L, for M/M/1 with rho 0.5 and L = 1. Fewer than 83 covering intervals have a
/// probability of 1e-5.
fn coverage() -> Item {
    let numbers = |f: f64| {
        let run = |n: u64| {
            let model = Estimated {
                name: String::new(),
                build: Box::new(move |f| Text::poisson(0.5 * f).served(1, &exponential(1.0), None).done()),
                run: Run::Long { pilot_s: 120_000.0 },
                wanted: 1.0,
                fast: None,
                measures: vec![measures::in_system(1.0)],
                rejects: false,
            };
            let sizes = estimate::Sizes { wanted: 1.0, confidence: 0.95, seed: 1_000 + n };
            estimate::estimate(&model, f, 1.0, &sizes).0[0]
        };
        let covering = parallel::map(&Vec::from_iter(0..100), |&n| run(n).contains(1.0))
            .into_iter()
            .filter(|covers| *covers)
            .count();
        vec![Number {
            name: "covering intervals of 100".into(),
            ours: covering as f64,
            exact: 95.0,
            tolerance: 12.0,
        }]
    };
    match Item::rejecting("M/M/1, rho 0.5", numbers) {
        Item::Exact(exact) => Item::Exact(Exact { fast: false, ..exact }),
        other => other,
    }
}
