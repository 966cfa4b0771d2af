//! Rate limits under Poisson traffic.

use super::estimate::Run;
use super::text::Text;
use super::{Estimated, Family, Item, measures};

/// Token bucket: arrival rate per s, rate as text, burst; then share admitted, wanted half width.
const BUCKET: [(f64, &str, u32, f64, f64); 6] = [
    (0.5, "1/s", 1, 0.6666666666666666, 0.01),
    (2.0, "1/s", 1, 0.3333333333333333, 0.01),
    (1.0, "1/s", 5, 0.8965510587475564, 0.01),
    (0.5, "1/2s", 30, 0.9832402234636871, 0.01),
    (1.0, "1/2s", 30, 0.5, 0.01),
    (120.0, "100/s", 100, 0.8333333333333334, 0.01),
];

/// Fixed window: arrival rate per s, limit, window in seconds; then share admitted.
const WINDOW: [(f64, u32, u64, f64); 4] = [
    (0.5, 5, 10, 0.8245326302321494),
    (90.0, 1000, 10, 0.9999952452154044),
    (105.0, 1000, 10, 0.9515917097010907),
    (3.0, 100, 60, 0.5555555555552014),
];

/// Sliding log: arrival rate per s, limit, window in seconds; then share refused when the log holds admitted calls
/// only, and share admitted when it holds refused calls too.
const LOG: [(f64, u32, u64, f64, f64); 4] = [
    (0.5, 5, 10, 0.2848678213309025, 0.44049328506521257),
    (0.3, 5, 10, 0.11005434782608696, 0.8152632445237722),
    (100.0, 1000, 10, 0.024811917646160406, 0.4957947558197845),
    (0.7, 5, 10, 0.42471949863539876, 0.17299160788207146),
];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "token_bucket_poisson",
            source: "M/D/1 with workload-limited admission (Takacs); GCRA decides alike",
            items: bucket(),
        },
        Family { name: "fixed_window_poisson", source: "E[min(N, L)] / (lam W)", items: window() },
        Family {
            name: "sliding_window_log_poisson",
            source: "M/D/L/L: Erlang B by insensitivity (Sevastyanov 1957)",
            items: log(),
        },
    ]
}

fn bucket() -> Vec<Item> {
    let mut items = Vec::new();
    for kind in ["token-bucket", "gcra"] {
        for (i, &(lam, rate, burst, admitted, wanted)) in BUCKET.iter().enumerate() {
            items.push(Item::Estimated(Estimated {
                name: format!("{kind}, lam {lam}, {rate}, burst {burst}"),
                build: Box::new(move |f| {
                    Text::poisson(lam * f)
                        .limit(&format!("kind = \"{kind}\"\nrate = \"{rate}\"\nburst = {burst}"))
                        .done()
                }),
                run: Run::Long { pilot_s: 100_000.0 / lam },
                wanted,
                fast: (i == 1).then_some(0.03),
                measures: vec![measures::admitted(admitted)],
                rejects: i == 1,
            }));
        }
    }
    items
}

fn window() -> Vec<Item> {
    WINDOW
        .iter()
        .enumerate()
        .map(|(i, &(lam, limit, window, admitted))| {
            Item::Estimated(Estimated {
                name: format!("lam {lam}, {limit} in {window} s"),
                build: Box::new(move |f| {
                    Text::poisson(lam * f)
                        .limit(&format!("kind = \"fixed-window\"\nlimit = {limit}\nwindow = \"{window}s\""))
                        .done()
                }),
                run: Run::Long { pilot_s: 55.0 * window as f64 * 20.0 },
                wanted: 0.005,
                fast: (i == 0).then_some(0.015),
                measures: vec![measures::admitted(admitted)],
                rejects: i == 0,
            })
        })
        .collect()
}

fn log() -> Vec<Item> {
    let mut items = Vec::new();
    for (i, &(lam, limit, window, refused, admitted)) in LOG.iter().enumerate() {
        for logs_refused in [false, true] {
            let what = if logs_refused { "refused ones logged too" } else { "admitted ones logged" };
            items.push(Item::Estimated(Estimated {
                name: format!("lam {lam}, {limit} in {window} s, {what}"),
                build: Box::new(move |f| {
                    Text::poisson(lam * f)
                        .limit(&format!(
                            "kind = \"sliding-log\"\nlimit = {limit}\nwindow = \"{window}s\"\nlogs-refused = {logs_refused}"
                        ))
                        .done()
                }),
                run: Run::Long { pilot_s: 100_000.0 / lam },
                wanted: 0.02,
                fast: (i == 0).then_some(0.04),
                measures: vec![if logs_refused {
                    measures::admitted(admitted)
                } else {
                    measures::refused(refused)
                }],
                rejects: i == 0,
            }));
        }
    }
    items
}
