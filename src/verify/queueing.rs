//! Queues with unlimited room: M/M/1, M/M/c, M/G/1.

use super::estimate::Run;
use super::text::{Text, exponential, seconds};
use super::{Estimated, Family, Item, measures};

/// M/M/1: arrival rate, service rate, wanted half width.
const MM1: [(f64, f64, f64); 3] = [(0.5, 1.0, 0.02), (0.9, 1.0, 0.06), (280.0, 300.0, 0.08)];
/// Exact values for [`MM1`]: L, Lq, W, Wq, p0.
const MM1_EXACT: [[f64; 5]; 3] = [
    [1.0, 0.5, 2.0, 1.0, 0.5],
    [9.000000000000002, 8.100000000000003, 10.000000000000002, 9.000000000000002, 0.09999999999999998],
    [14.000000000000004, 13.06666666666667, 0.05, 0.04666666666666667, 0.06666666666666665],
];
/// M/M/1 with arrival rate 0.5 and service rate 1: a time in s and the probability that a sojourn exceeds it.
const MM1_TAIL: [(f64, f64); 3] =
    [(1.3862943611198906, 0.5), (5.991464547107982, 0.05), (9.210340371976182, 0.01)];

/// M/M/c: c, arrival rate, wanted half width; then P(wait), Wq, W, Lq, L.
const MMC: [(u32, f64, f64, [f64; 5]); 4] = [
    (1, 0.8, 0.05, [0.8, 4.000000000000001, 5.000000000000001, 3.200000000000001, 4.000000000000001]),
    (
        5,
        4.0,
        0.03,
        [0.5541125541125543, 0.5541125541125543, 1.5541125541125544, 2.2164502164502173, 6.216450216450218],
    ),
    (
        10,
        9.5,
        0.1,
        [0.8255855781256987, 1.6511711562513973, 2.6511711562513973, 15.686125984388275, 25.186125984388276],
    ),
    (
        100,
        95.0,
        0.1,
        [0.5064568539130203, 0.10129137078260406, 1.101291370782604, 9.622680224347386, 104.62268022434739],
    ),
];

/// M/G/1: name of the service law, its text, arrival rate, wanted half width; then Wq, W, Lq, L.
const MG1: [(&str, &str, f64, f64, [f64; 4]); 6] = [
    ("constant", "\"1s\"", 0.5, 0.02, [0.5, 1.5, 0.25, 0.75]),
    (
        "constant",
        "\"1s\"",
        0.9,
        0.06,
        [4.500000000000001, 5.500000000000001, 4.050000000000002, 4.950000000000002],
    ),
    (
        "uniform",
        UNIFORM,
        0.5,
        0.02,
        [0.6666666666666666, 1.6666666666666665, 0.3333333333333333, 0.8333333333333333],
    ),
    (
        "uniform",
        UNIFORM,
        0.9,
        0.06,
        [6.000000000000001, 7.000000000000001, 5.400000000000001, 6.300000000000002],
    ),
    ("log-normal, SCV 4", LOG_NORMAL, 0.5, 0.04, [2.5, 3.5, 1.25, 1.75]),
    (
        "log-normal, SCV 4",
        LOG_NORMAL,
        0.9,
        0.15,
        [22.500000000000004, 23.500000000000004, 20.250000000000007, 21.150000000000006],
    ),
];
const UNIFORM: &str = "{ uniform = [\"0s\", \"2s\"] }";
/// Mean 1 s and squared coefficient of variation 4: the median is exp(-ln 5 / 2) s, sigma is the square root of ln 5.
const LOG_NORMAL: &str = "{ log-normal = { median = \"447213595ns\", sigma = 1.26863624117952 } }";

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family { name: "mm1", source: "Kleinrock, Queueing Systems I (1975), ch. 3", items: mm1() },
        Family { name: "mmc_erlang_c", source: "Erlang C; Kleinrock I", items: mmc() },
        Family {
            name: "mg1_pollaczek_khinchine",
            source: "Wq = lam E[S^2] / (2 (1 - rho)): Pollaczek 1930, Khinchine 1932",
            items: mg1(),
        },
    ]
}

/// Customers of a pilot. Wide intervals are wanted for queues with long correlation times. Their pilots must also be
/// long, to estimate the variance.
fn pilot(wanted: f64) -> f64 {
    if wanted > 0.055 { 1_000_000.0 } else { 100_000.0 }
}

fn mm1() -> Vec<Item> {
    let mut items: Vec<Item> = MM1
        .iter()
        .zip(MM1_EXACT)
        .enumerate()
        .map(|(i, (&(lam, mu, wanted), [l, lq, w, wq, p0]))| {
            Item::Estimated(Estimated {
                name: format!("lam {lam}, mu {mu}"),
                build: Box::new(move |f| {
                    Text::poisson(lam * f).served(1, &exponential(1.0 / mu), None).done()
                }),
                run: Run::Long { pilot_s: pilot(wanted) / lam },
                wanted,
                fast: (i == 0).then_some(0.1),
                measures: vec![
                    measures::in_system(l),
                    measures::in_queue(lq),
                    measures::sojourn(w),
                    measures::wait(wq),
                    measures::idle(p0),
                ],
                rejects: i == 0,
            })
        })
        .collect();
    // The client timeout counts sojourns that exceed it. It does not remove the call from the queue.
    items.extend(MM1_TAIL.iter().map(|&(time, tail)| {
        Item::Estimated(Estimated {
            name: "lam 0.5, mu 1".to_owned(),
            build: Box::new(move |f| {
                let text = Text::poisson(0.5 * f).served(1, &exponential(1.0), None);
                text.endpoint(&format!("timeout = \"{}\"", seconds(time))).done()
            }),
            run: Run::Long { pilot_s: 200_000.0 },
            wanted: 0.02,
            fast: None,
            measures: vec![measures::gave_up(&format!("P(W > {time:.3})"), tail)],
            rejects: false,
        })
    }));
    items
}

fn mmc() -> Vec<Item> {
    MMC.iter()
        .enumerate()
        .map(|(i, &(c, lam, wanted, [p_wait, wq, w, lq, l]))| {
            Item::Estimated(Estimated {
                name: format!("c {c}, lam {lam}"),
                build: Box::new(move |f| Text::poisson(lam * f).served(c, &exponential(1.0), None).done()),
                run: Run::Long { pilot_s: pilot(wanted) / lam },
                wanted,
                fast: (i == 1).then_some(0.2),
                measures: vec![
                    measures::waits(p_wait),
                    measures::wait(wq),
                    measures::sojourn(w),
                    measures::in_queue(lq),
                    measures::in_system(l),
                ],
                rejects: i == 1,
            })
        })
        .collect()
}

fn mg1() -> Vec<Item> {
    MG1.iter()
        .enumerate()
        .map(|(i, &(law, service, lam, wanted, [wq, w, lq, l]))| {
            Item::Estimated(Estimated {
                name: format!("{law}, lam {lam}"),
                build: Box::new(move |f| Text::poisson(lam * f).served(1, service, None).done()),
                run: Run::Long { pilot_s: pilot(wanted) / lam },
                wanted,
                fast: (i == 0).then_some(0.08),
                measures: vec![
                    measures::wait(wq),
                    measures::sojourn(w),
                    measures::in_queue(lq),
                    measures::in_system(l),
                ],
                rejects: i == 0,
            })
        })
        .collect()
}
