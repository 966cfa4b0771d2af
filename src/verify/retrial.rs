//! Retrial queues: a call that finds all servers busy joins an orbit and retries after a random time.

use super::estimate::Run;
use super::text::{Text, exponential};
use super::{Estimated, Family, Item, measures};

/// M/M/1 with orbit: arrival rate, service rate, retrial rate per customer in orbit; then busy servers, mean orbit,
/// retries per customer; wanted half width.
const MM1: [(f64, f64, f64, [f64; 3], f64); 6] = [
    (0.3, 1.0, 0.5, [0.3, 0.3857142857142857, 0.6428571428571428], 0.02),
    (0.5, 1.0, 0.1, [0.5, 5.5, 1.1], 0.02),
    (0.8, 1.0, 0.2, [0.8, 19.200000000000006, 4.800000000000002], 0.05),
    (0.9, 1.0, 0.5, [0.9, 24.300000000000008, 13.500000000000004], 0.08),
    (9.5, 10.0, 1.0 / 3.0, [0.95, 559.5499999999995, 19.633333333333315], 0.1),
    (8.0, 10.0, 0.2, [0.8, 163.20000000000005, 4.080000000000001], 0.03),
];

/// M/G/1 with orbit: name of the service law, its text, arrival rate, retrial rate per customer; then mean orbit.
const MG1: [(&str, &str, f64, f64, f64); 3] = [
    ("constant", "\"1s\"", 0.5, 1.0, 0.75),
    ("constant", "\"1s\"", 0.8, 0.2, 17.60000000000001),
    ("exponential", "{ exponential = \"1s\" }", 0.8, 1.0, 6.400000000000003),
];

/// M/M/c with orbit: arrival rate, c, retrial rate per customer; then mean orbit, mean busy, retries per customer.
const MMC: [(f64, u32, f64, [f64; 3]); 3] = [
    (1.6, 2, 1.0, [6.047026377065783, 1.6000000000000012, 3.779391485666114]),
    (4.0, 5, 0.1, [30.871171116397296, 3.999999999999999, 0.7717792779099324]),
    (0.8, 1, 0.2, [19.200000000000006, 0.7999999999999994, 4.800000000000002]),
];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "mm1_retrial",
            source: "E[N] = rho^2/(1-rho) + lam rho/(theta(1-rho)): Falin and Templeton 1997, sec. 1.2",
            items: mm1(),
        },
        Family { name: "mg1_retrial", source: "Falin and Templeton 1997, sec. 1.3", items: mg1() },
        Family {
            name: "mmc_retrial_numeric",
            source: "stationary law of (busy, orbit), truncated; Falin and Templeton 1997, ch. 2",
            items: mmc(),
        },
    ]
}

fn text(lam: f64, workers: u32, service: &str, theta: f64) -> String {
    Text::poisson(lam)
        .served(workers, service, Some(0))
        .workload(&format!("orbit = {}", exponential(1.0 / theta)))
        .done()
}

fn mm1() -> Vec<Item> {
    MM1.iter()
        .enumerate()
        .map(|(i, &(lam, mu, theta, [busy, orbit, retries], wanted))| {
            Item::Estimated(Estimated {
                name: format!("lam {lam}, mu {mu}, theta {theta:.3}"),
                build: Box::new(move |f| text(lam * f, 1, &exponential(1.0 / mu), theta)),
                run: Run::Long { pilot_s: if wanted > 0.045 { 600_000.0 } else { 60_000.0 } / lam },
                wanted,
                fast: (i == 0).then_some(0.07),
                measures: vec![
                    measures::orbit(orbit),
                    measures::retries(retries),
                    measures::busy("server busy", busy),
                ],
                rejects: i == 0,
            })
        })
        .collect()
}

fn mg1() -> Vec<Item> {
    MG1.iter()
        .enumerate()
        .map(|(i, &(law, service, lam, theta, orbit))| {
            Item::Estimated(Estimated {
                name: format!("{law}, lam {lam}, theta {theta}"),
                build: Box::new(move |f| text(lam * f, 1, service, theta)),
                run: Run::Long { pilot_s: 200_000.0 / lam },
                wanted: 0.03,
                fast: (i == 0).then_some(0.09),
                measures: vec![measures::orbit(orbit), measures::retries(orbit * theta / lam)],
                rejects: i == 0,
            })
        })
        .collect()
}

fn mmc() -> Vec<Item> {
    MMC.iter()
        .enumerate()
        .map(|(i, &(lam, c, theta, [orbit, busy, retries]))| {
            Item::Estimated(Estimated {
                name: format!("lam {lam}, c {c}, theta {theta}"),
                build: Box::new(move |f| text(lam * f, c, &exponential(1.0), theta)),
                run: Run::Long { pilot_s: 200_000.0 / lam },
                wanted: 0.04,
                fast: (i == 0).then_some(0.2),
                measures: vec![
                    measures::orbit(orbit),
                    measures::retries(retries),
                    measures::busy("servers busy", busy),
                ],
                rejects: i == 0,
            })
        })
        .collect()
}
