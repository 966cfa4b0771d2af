//! Pollers that share one rate-limit key: capacity, and the queue of periodic arrivals with random phases.

use super::estimate::Run;
use super::text::Text;
use super::{Estimated, Exact, Family, Item, Measure, Number};
use crate::kernel::Dur;

/// Preset, rate as text, burst, refresh period in seconds; then the greatest number of sessions per key.
const CAPACITY: [(&str, &str, u32, u64, u32); 4] = [
    ("Supabase /token per address", "1/2s", 30, 3510, 1755),
    ("Cognito account", "120/s", 120, 3600, 432_000),
    ("Auth0 tenant", "100/s", 100, 3600, 360_000),
    ("Okta user", "4/s", 4, 50, 200),
];

type Periodic = (u32, u64, &'static [(u64, f64)]);

/// Clients, period in service times; then (x, P(V > x)) for some x.
const PERIODIC: [Periodic; 3] = [
    (10, 20, &[(0, 0.49999999999999994), (1, 0.14676948121181638), (2, 0.02846801853671875)]),
    (
        80,
        100,
        &[(0, 0.7999999999999996), (1, 0.5390988162269366), (3, 0.19199831991276547), (5, 0.056445021841855)],
    ),
    (200, 250, &[(0, 0.7999999999999982), (2, 0.3512307593806431), (5, 0.07983190792602908)]),
];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "sessions_per_key_capacity",
            source: "floor(rate x period): rate balance",
            items: CAPACITY.into_iter().map(capacity).collect(),
        },
        Family {
            name: "nDD1_polling_tabs",
            source: "Roberts and Virtamo, IEEE Trans. Commun. 39(2), 1991",
            items: PERIODIC.iter().enumerate().map(|(i, case)| periodic(case, i)).collect(),
        },
    ]
}

/// Runs 10% more sessions than the key can carry. Per period, as many sessions as the key can carry get their token.
fn capacity((name, rate, burst, period, most): (&'static str, &'static str, u32, u64, u32)) -> Item {
    let numbers = move |f: f64| {
        let clients = u64::from(most) * 11 / 10;
        // All sessions of a key refresh at equal distances.
        let every = Dur((period as f64 * f * 1e9) as u64 / clients);
        let text = Text::new(&format!("every = \"{every}\""))
            .limit(&format!("kind = \"token-bucket\"\nrate = \"{rate}\"\nburst = {burst}"))
            .done();
        let period = Dur((period as f64 * f * 1e9) as u64);
        // Overload uses up the burst after ten times the burst's own length, long before the second period ends.
        let at = |periods: u64| record_admitted(&text, Dur(period.0 * periods));
        let (from, to) = if most > 1_000_000 { (1, 2) } else { (2, 3) };
        let served = at(to) - at(from);
        vec![Number {
            name: "sessions served per period".into(),
            ours: served,
            exact: f64::from(most),
            tolerance: 1.0,
        }]
    };
    match Item::rejecting(name, numbers) {
        Item::Exact(exact) => Item::Exact(Exact { fast: most < 10_000, ..exact }),
        other => other,
    }
}

fn record_admitted(text: &str, horizon: Dur) -> f64 {
    super::estimate::totals(text, horizon).limits[0].admitted as f64
}

/// The workload at a random time. With a service time of 1 s it exceeds x when more than x calls are in the station.
fn periodic(case: &Periodic, i: usize) -> Item {
    let &(clients, period, tail) = case;
    let measures = tail.iter().map(|&(x, p)| {
        Measure::new(format!("P(V > {x})"), p, move |samples| {
            // The queue is periodic from the second period on.
            let seen = samples.iter().filter(|s| s.at.0 > period * 1_000_000_000);
            let above = seen.clone().filter(|s| s.stations[0].inside > x).count();
            (above as f64, seen.count() as f64)
        })
    });
    Item::Estimated(Estimated {
        name: format!("{clients} clients, period {period}"),
        build: Box::new(move |f| {
            let service = super::text::constant(f);
            Text::new(&format!(
                "clients = {clients}\nstarts = {{ uniform = [\"0s\", \"{period}s\"] }}\nevery = \"{period}s\""
            ))
            .served(1, &service, None)
            .done()
        }),
        // The sampling times fall on different phases of the period.
        run: Run::Replicated { horizon_s: 2.0 * period as f64, every_s: period as f64 / 39.7, pilot: 200 },
        wanted: 0.03,
        fast: (i == 0).then_some(0.2),
        measures: measures.collect(),
        rejects: i == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::recorder::record;

    #[test]
    fn pollers_call_once_a_period() {
        let text = Text::new("clients = 3\nstarts = { uniform = [\"0s\", \"10s\"] }\nevery = \"10s\"").done();
        let (seen, _) = record(&text, Dur::from_secs(100));
        assert_eq!(seen.ended.len(), 30);
    }
}
