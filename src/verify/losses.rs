//! Loss systems: Erlang B, M/M/c/K, M/D/1/K, and a concurrency limit, which is equivalent to Erlang B.

use super::estimate::Run;
use super::text::{Text, exponential};
use super::{Estimated, Family, Item, measures};

/// Erlang B: c, offered load; then blocking, carried load.
const ERLANG_B: [(u32, f64, f64, f64); 5] = [
    (1, 1.0, 0.5, 0.5),
    (10, 5.0, 0.01838457033664814, 4.908077148316759),
    (20, 20.0, 0.15889196154197155, 16.82216076916057),
    (75, 75.0, 0.08671253843391906, 68.49655961745607),
    (100, 120.0, 0.19626998945511362, 96.44760126538637),
];

/// M/M/c/K: arrival rate, service rate, c, K including calls in service; then blocking, throughput, L, W of accepted
/// calls.
const MMCK: [(f64, f64, u32, u32, [f64; 4]); 4] = [
    (0.9, 1.0, 1, 5, [0.1260225499883686, 0.7865797050104683, 2.194782300628096, 2.790285951503016]),
    (1.5, 1.0, 1, 10, [0.3372320801375222, 0.9941518797937167, 8.128658644538232, 8.176475657044378]),
    (30.0, 10.0, 1, 100, [0.6666666666666666, 10.0, 99.5, 9.95]),
    (12.0, 1.0, 10, 15, [0.20326089889047363, 9.560869213314316, 12.011449109273924, 1.2563135046912857]),
];

/// M/D/1/K with D = 1: arrival rate, K including the call in service; then blocking, wanted half width.
const MD1K: [(f64, u32, f64, f64); 4] = [
    (0.8, 2, 0.19957030636314269, 0.02),
    (0.9, 10, 0.016631747828946452, 0.05),
    (1.0, 10, 0.05084745763072884, 0.03),
    (2.0, 5, 0.5002530829677412, 0.01),
];

/// Concurrency limit: limit, arrival rate per s, mean time to answer in s; then share refused.
const CONCURRENCY: [(u32, f64, f64, f64); 2] =
    [(10, 50.0, 0.1, 0.01838457033664814), (75, 100.0, 0.6, 0.008326990518868439)];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "erlang_b",
            source: "Erlang 1917; blocking does not depend on the service law",
            items: erlang_b(),
        },
        Family { name: "mmck", source: "Gross and Harris, ch. 2", items: mmck() },
        Family {
            name: "md1k_blocking",
            source: "embedded chain; Gross and Harris, sec. 5.1.8",
            items: md1k(),
        },
        Family {
            name: "concurrency_limit",
            source: "M/G/c/c is Erlang B for every law; Sevastyanov 1957",
            items: concurrency(),
        },
    ]
}

fn erlang_b() -> Vec<Item> {
    let one = |name: String, service: String, c: u32, a: f64, exact: (f64, f64), fast, rejects| {
        Item::Estimated(Estimated {
            name,
            build: Box::new(move |f| Text::poisson(a * f).served(c, &service, Some(0)).done()),
            run: Run::Long { pilot_s: 50_000.0 / a },
            wanted: 0.02,
            fast,
            measures: vec![measures::blocking(exact.0), measures::busy("carried", exact.1)],
            rejects,
        })
    };
    let mut items: Vec<Item> = ERLANG_B
        .iter()
        .enumerate()
        .map(|(i, &(c, a, b, carried))| {
            let name = format!("c {c}, a {a}");
            one(name, exponential(1.0), c, a, (b, carried), (i == 2).then_some(0.09), i == 2)
        })
        .collect();
    let (c, a, b, carried) = ERLANG_B[2];
    for (law, service) in [
        ("constant", "\"1s\""),
        ("uniform", "{ uniform = [\"0s\", \"2s\"] }"),
        ("log-normal", "{ log-normal = { median = \"447213595ns\", sigma = 1.26863624117952 } }"),
    ] {
        let name = format!("c {c}, a {a}, {law} service");
        items.push(one(name, service.to_owned(), c, a, (b, carried), None, false));
    }
    items
}

fn mmck() -> Vec<Item> {
    MMCK.iter()
        .enumerate()
        .map(|(i, &(lam, mu, c, k, [blocking, throughput, l, w]))| {
            Item::Estimated(Estimated {
                name: format!("lam {lam}, mu {mu}, c {c}, K {k}"),
                build: Box::new(move |f| {
                    Text::poisson(lam * f).served(c, &exponential(1.0 / mu), Some(k - c)).done()
                }),
                run: Run::Long { pilot_s: 50_000.0 / lam },
                wanted: 0.02,
                fast: (i == 0).then_some(0.06),
                measures: vec![
                    measures::blocking(blocking),
                    measures::throughput(throughput),
                    measures::in_system(l),
                    measures::sojourn(w),
                ],
                rejects: i == 0,
            })
        })
        .collect()
}

fn md1k() -> Vec<Item> {
    MD1K.iter()
        .enumerate()
        .map(|(i, &(lam, k, blocking, wanted))| {
            Item::Estimated(Estimated {
                name: format!("lam {lam}, K {k}"),
                build: Box::new(move |f| Text::poisson(lam * f).served(1, "\"1s\"", Some(k - 1)).done()),
                run: Run::Long { pilot_s: 50_000.0 / lam },
                wanted,
                fast: (i == 0).then_some(0.04),
                measures: vec![measures::blocking(blocking)],
                rejects: i == 0,
            })
        })
        .collect()
}

fn concurrency() -> Vec<Item> {
    let mut items = Vec::new();
    for (i, (c, lam, mean, refused)) in CONCURRENCY.into_iter().enumerate() {
        for law in ["exponential", "constant"] {
            items.push(Item::Estimated(Estimated {
                name: format!("limit {c}, lam {lam}, {law} time to answer {mean} s"),
                build: Box::new(move |f| {
                    let latency =
                        if law == "constant" { super::text::constant(mean) } else { exponential(mean) };
                    Text::poisson(lam * f)
                        .endpoint(&format!("latency = {latency}\nrefused-latency = \"0s\""))
                        .limit(&format!("kind = \"concurrency\"\nlimit = {c}"))
                        .done()
                }),
                run: Run::Long { pilot_s: 100_000.0 / lam },
                wanted: 0.03,
                fast: (i == 0 && law == "constant").then_some(0.12),
                measures: vec![measures::refused(refused)],
                rejects: i == 0 && law == "constant",
            }));
        }
    }
    items
}
