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

/// Fixed window from a key's first call: arrival rate per s, limit, window in seconds; then share admitted.
const FIRST_CALL: [(f64, u32, u64, f64); 3] =
    [(0.5, 5, 10, 0.7605260727043265), (3.0, 100, 60, 0.5524861878451147), (1.0, 12, 10, 0.9241690811450618)];

/// Fixed window under calls that cost more than one: arrival rate per s, limit, window in seconds, cost; then share
/// admitted.
const COST: [(f64, u32, u64, u32, f64); 2] =
    [(0.5, 6, 10, 2, 0.5656364703046641), (1.0, 10, 10, 3, 0.2996685805127339)];

/// Fixed window that counts failures only, in front of a fault: arrival rate per s, limit, window in seconds, probability of
/// a failure; then share admitted.
const FAILURES: [(f64, u32, u64, f64, f64); 2] =
    [(0.5, 2, 20, 0.3, 0.5836882193868932), (1.0, 3, 10, 0.5, 0.565636470304664)];

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
            name: "fixed_window_first_call_poisson",
            source: "renewal reward: (1 + E[min(N, L - 1)]) / (lam W + 1)",
            items: first_call(),
        },
        Family {
            name: "fixed_window_cost_poisson",
            source: "E[min(N, floor(L / c))] / (lam W)",
            items: cost(),
        },
        Family {
            name: "fixed_window_failures_poisson",
            source: "failures are a thinned Poisson stream: E[min(N p, L)] / (lam p W)",
            items: failures(),
        },
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

/// A fixed window with further lines, and the share that it admits. `fast` is the half width of the fast part, relative to the
/// value; a wrong model is tried where there is one.
fn windowed(
    name: String,
    text: impl Fn(f64) -> Text + Send + Sync + 'static,
    pilot_s: f64,
    admitted: f64,
    fast: Option<f64>,
) -> Item {
    Item::Estimated(Estimated {
        name,
        build: Box::new(move |f| text(f).done()),
        run: Run::Long { pilot_s },
        wanted: 0.01,
        fast,
        measures: vec![measures::admitted(admitted)],
        rejects: fast.is_some(),
    })
}

/// The lines of a fixed window.
fn fixed(limit: u32, window_s: u64, more: &str) -> String {
    format!("kind = \"fixed-window\"\nlimit = {limit}\nwindow = \"{window_s}s\"\n{more}")
}

fn first_call() -> Vec<Item> {
    let item = |(i, &(lam, limit, window, admitted)): (usize, &(f64, u32, u64, f64))| {
        let text = move |f| Text::poisson(lam * f).limit(&fixed(limit, window, "begins = \"first-call\""));
        let name = format!("lam {lam}, {limit} in {window} s from the first call");
        windowed(name, text, 1_000.0 * window as f64, admitted, (i == 0).then_some(0.03))
    };
    FIRST_CALL.iter().enumerate().map(item).collect()
}

fn cost() -> Vec<Item> {
    let item = |(i, &(lam, limit, window, cost, admitted)): (usize, &(f64, u32, u64, u32, f64))| {
        let text = move |f| Text::poisson(lam * f).limit(&fixed(limit, window, &format!("cost = {cost}")));
        let name = format!("lam {lam}, {limit} in {window} s, a call counts as {cost}");
        windowed(name, text, 1_000.0 * window as f64, admitted, (i == 0).then_some(0.03))
    };
    COST.iter().enumerate().map(item).collect()
}

fn failures() -> Vec<Item> {
    // A call more or less changes little here, so the wrong model needs a narrow interval to be told apart.
    let item = |(i, &(lam, limit, window, p, admitted)): (usize, &(f64, u32, u64, f64, f64))| {
        let text = move |f| {
            let lines = fixed(limit, window, "counts = \"failures\"\nin-front = true");
            Text::poisson(lam * f).limit(&lines).failing(p)
        };
        let name = format!("lam {lam}, {limit} failures in {window} s, {p} of the calls fail");
        windowed(name, text, 1_000.0 * window as f64, admitted, (i == 0).then_some(0.01))
    };
    FAILURES.iter().enumerate().map(item).collect()
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
