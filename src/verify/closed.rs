//! Finite populations: machine repair, and the finite source with an orbit.

use super::estimate::Run;
use super::text::{Text, exponential};
use super::{Estimated, Family, Item, Measure, measures};

/// Finite source with orbit: N, think rate, service rate, retrial rate per customer in orbit; then utilisation,
/// throughput, mean orbit, amplification.
const FINITE: [(u32, f64, f64, f64, [f64; 4]); 3] = [
    (10, 0.1, 1.0, 0.5, [0.6611822713148172, 0.6611822713148172, 2.7269950155370113, 3.0622112342139407]),
    (100, 0.02, 1.0, 0.33, [0.9468280038079212, 0.9468280038079212, 51.71177180579615, 19.02321501611884]),
    (
        500,
        1.0 / 60.0,
        10.0,
        1.0 / 3.0,
        [0.7310274344207166, 7.310274344207166, 60.65251191314937, 3.7656286233731584],
    ),
];

/// Machine repair: N, mean think time in s, mean service time in s; then throughput, response time.
const REPAIR: [(u32, f64, f64, [f64; 2]); 3] = [
    (10, 5.0, 1.0, [0.9816154296633519, 5.18728892987097]),
    (100, 60.0, 1.0, [0.9999993870107665, 40.00006129896092]),
    (2000, 60.0, 0.05, [20.0, 40.00000000000001]),
];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "finite_source_retrial",
            source: "chain solved exactly; Falin and Templeton 1997, ch. 4",
            items: finite(),
        },
        Family {
            name: "machine_repair_closed",
            source: "X = U / S, R = N / X - Z: Lazowska et al., Quantitative System Performance (1984)",
            items: repair(),
        },
    ]
}

fn clients(n: u32, think_s: f64) -> Text {
    let think = exponential(think_s);
    Text::new(&format!("clients = {n}\nstarts = {think}\nthink = {think}"))
}

fn finite() -> Vec<Item> {
    FINITE
        .iter()
        .enumerate()
        .map(|(i, &(n, a, mu, theta, [utilisation, throughput, orbit, amplification]))| {
            Item::Estimated(Estimated {
                name: format!("N {n}, think rate {a:.3}, mu {mu}, theta {theta:.3}"),
                build: Box::new(move |f| {
                    clients(n, 1.0 / a)
                        .served(1, &exponential(1.0 / (mu * f)), Some(0))
                        .workload(&format!("orbit = {}", exponential(1.0 / theta)))
                        .done()
                }),
                run: Run::Long { pilot_s: 50_000.0 / throughput },
                wanted: 0.02,
                fast: (i == 0).then_some(0.04),
                measures: vec![
                    measures::busy("utilisation", utilisation),
                    measures::throughput(throughput),
                    measures::orbit(orbit),
                    measures::tries("amplification", amplification),
                ],
                rejects: i == 0,
            })
        })
        .collect()
}

fn repair() -> Vec<Item> {
    REPAIR
        .iter()
        .enumerate()
        .map(|(i, &(n, z, s, [throughput, response]))| {
            let mut measures = vec![measures::throughput(throughput), measures::sojourn(response)];
            if i == 0 {
                measures.push(measures::busy("utilisation", throughput * s));
                measures.push(cycle(n, z + response));
            }
            Item::Estimated(Estimated {
                name: format!("N {n}, Z {z}, S {s}"),
                build: Box::new(move |f| clients(n, z).served(1, &exponential(s * f), None).done()),
                run: Run::Long { pilot_s: 50_000.0 * s },
                wanted: 0.01,
                fast: (i == 0).then_some(0.03),
                measures,
                rejects: i == 0,
            })
        })
        .collect()
}

/// Mean time from one call of a client to its next: N clients divided by the calls begun per second.
fn cycle(n: u32, exact: f64) -> Measure {
    Measure::new("cycle time", exact, move |p| {
        let (from, to) = (&p[0], &p[p.len() - 1]);
        let seconds = to.at.since(from.at).as_secs_f64();
        (f64::from(n) * seconds, (to.workloads[0].calls - from.workloads[0].calls) as f64)
    })
}
