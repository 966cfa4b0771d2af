//! A herd of clients that wait exactly as long as `Retry-After` says, against a fixed window.

use super::recorder::record;
use super::text::Text;
use super::{Family, Item, Number};
use crate::kernel::Dur;
use crate::metrics::Outcome;

/// Clients, limit, window in seconds; then windows to drain, time of the last success in s, requests, refusals,
/// amplification.
const HERD: [(u32, u32, u64, [f64; 5]); 3] = [
    (1000, 100, 10, [10.0, 90.0, 5500.0, 4500.0, 5.5]),
    (60, 5, 10, [12.0, 110.0, 390.0, 330.0, 6.5]),
    (250, 100, 10, [3.0, 20.0, 450.0, 200.0, 1.8]),
];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    let items = HERD.into_iter().map(|(clients, limit, window, exact)| herd(clients, limit, window, exact));
    vec![Family {
        name: "synchronised_herd_fixed_window",
        source: "ceil(N / L) windows, sum over k of N - k L requests",
        items: items.collect(),
    }]
}

fn herd(clients: u32, limit: u32, window: u64, exact: [f64; 5]) -> Item {
    Item::rejecting(format!("{clients} clients, {limit} in {window} s"), move |f| {
        let clients = (f64::from(clients) * f) as u32;
        let text = Text::new(&format!("clients = {clients}\nat = [\"0s\"]"))
            .workload(
                "[workload.retry]\non = [\"429\"]\ninitial = \"0s\"\nfactor = 1\ncap = \"0s\"\nretries = 1000\n\
                 honour-retry-after = true",
            )
            .limit(&format!(
                "kind = \"fixed-window\"\nlimit = {limit}\nwindow = \"{window}s\"\nretry-after = \"seconds\""
            ))
            .done();
        let (seen, run) = record(&text, Dur::from_secs(1_000));
        let last = seen.ended.iter().filter(|e| e.2 == Outcome::Ok).map(|e| e.1).max().unwrap_or_default();
        let work = run.totals.workloads[0];
        let requests = (work.calls + work.retries) as f64;
        let [windows, last_success, total, refused, amplification] = exact;
        vec![
            Number::equal("windows to drain", (last.whole_seconds() / window + 1) as f64, windows),
            Number::equal("last success, s", last.as_secs_f64(), last_success),
            Number::equal("requests", requests, total),
            Number::equal("refused", run.totals.limits[0].refused as f64, refused),
            Number::equal("amplification", requests / f64::from(clients), amplification),
        ]
    })
}
