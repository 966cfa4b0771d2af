//! Limiters call by call: golden vectors, bounds per window, and the lock-out of a client whose refusals count.

use super::recorder::record;
use super::text::{Text, seconds};
use super::{Family, Item, Number};
use crate::backend::limiter::law::most_in_window;
use crate::kernel::{Dur, Time};

/// GCRA with T = 100 ns and tau = 500 ns (burst 6): arrival times in ns, and 1 for those that conform.
const GCRA: [(&[u64], &[u8]); 2] = [
    (&[0, 100, 110, 120, 130, 140, 150, 160, 170, 180, 1000, 1010], &[1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1]),
    (
        &[
            0, 10, 20, 300, 310, 320, 600, 610, 620, 800, 810, 820, 1000, 1010, 1020, 1200, 1210, 1220, 1400,
            1410, 1420, 1600, 1610, 1620,
        ],
        &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0],
    ),
];

/// Token bucket: rate as text, tokens per second, burst, window in seconds; then the greatest number admitted in any
/// closed window.
const BUCKET_BOUND: [(&str, f64, u32, u64, f64); 3] =
    [("1/2s", 0.5, 30, 60, 60.0), ("100/s", 100.0, 100, 1, 200.0), ("4/s", 4.0, 4, 1, 8.0)];

/// Lock-out: limit, window in s, retry period in s; then the share admitted in the tail if the log holds refusals, and
/// if it does not.
const LOCK_OUT: [(u32, u64, f64, f64, f64); 4] = [
    (10, 60, 7.0, 1.0, 1.0),
    (10, 60, 5.9, 0.0, 10.0 / 11.0),
    (10, 60, 1.0, 0.0, 10.0 / 60.0),
    (5, 10, 2.0, 1.0, 1.0),
];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "gcra_golden_vectors",
            source: "ITU-T I.371 annex A; ATM Forum UNI 3.1",
            items: gcra(),
        },
        Family {
            name: "token_bucket_window_bound",
            source: "b + r w in any closed window: Le Boudec and Thiran 2001, sec. 1.2",
            items: bounds(),
        },
        Family {
            name: "fixed_window_poisson: bound",
            source: "2 L in two halves of adjacent windows (Cloudflare 2017)",
            items: vec![fixed_window_burst()],
        },
        Family {
            name: "sliding_window_counter_golden",
            source: "Cloudflare 2017; here a call passes if estimate + 1 <= limit",
            items: vec![counter()],
        },
        Family {
            name: "limiter_lockout_rejected_logged",
            source: "locked out for ever iff the retry period is below W / L",
            items: lock_out(),
        },
    ]
}

fn scripted(times_ns: impl Iterator<Item = u64>) -> Text {
    let times: Vec<String> = times_ns.map(|t| format!("\"{}\"", Dur(t))).collect();
    Text::new(&format!("at = [{}]", times.join(", ")))
}

fn gcra() -> Vec<Item> {
    let vector = |kind: &'static str, (arrivals, conforming): (&'static [u64], &'static [u8])| {
        let name = format!("{kind}, {} arrivals, T 100, tau 500", arrivals.len());
        let numbers = move |f: f64| {
            let period = (100.0 * f + 0.5) as u64;
            let text = scripted(arrivals.iter().copied())
                .limit(&format!("kind = \"{kind}\"\nrate = \"1/{period}ns\"\nburst = 6"))
                .done();
            let (seen, _) = record(&text, Dur(10_000));
            let wrong = seen.verdicts.iter().zip(conforming).filter(|(v, c)| v.3 != (**c == 1)).count();
            vec![
                Number::equal("verdicts", seen.verdicts.len() as f64, conforming.len() as f64),
                Number::equal("verdicts that differ", wrong as f64, 0.0),
            ]
        };
        // The wrong model, with T 5% longer, decides the longer vector differently but not the shorter one.
        if arrivals.len() > 12 { Item::rejecting(name, numbers) } else { Item::exact(name, numbers) }
    };
    ["gcra", "token-bucket"]
        .into_iter()
        .flat_map(|kind| GCRA.into_iter().map(move |v| vector(kind, v)))
        .collect()
}

fn admitted(text: &str, horizon: Dur) -> Vec<Time> {
    let (seen, _) = record(text, horizon);
    seen.verdicts.iter().filter(|v| v.3).map(|v| v.0).collect()
}

fn bounds() -> Vec<Item> {
    BUCKET_BOUND
        .into_iter()
        .map(|(rate, per_s, burst, window, most)| {
            let name = format!("{rate}, burst {burst}, any {window} s of dense traffic");
            let numbers = move |f: f64| {
                // Sends fifty calls per token, so that every token is taken as soon as it exists.
                let every = seconds(0.02 / per_s);
                let burst = (f64::from(burst) * f + 0.5) as u32;
                let text = Text::new(&format!("every = \"{every}\""))
                    .limit(&format!("kind = \"token-bucket\"\nrate = \"{rate}\"\nburst = {burst}"));
                let times = admitted(&text.done(), Dur::from_secs(4 * window));
                vec![Number::equal(
                    "most admitted",
                    most_in_window(&times, Dur::from_secs(window)) as f64,
                    most,
                )]
            };
            // 5% of a burst of 4 is less than one request.
            if burst > 20 { Item::rejecting(name, numbers) } else { Item::exact(name, numbers) }
        })
        .collect()
}

fn fixed_window_burst() -> Item {
    Item::rejecting("5 in 10 s, calls around a boundary", |f| {
        let limit = (5.0 * f + 0.8) as u32;
        let around = (0..20).map(|i| 9_000_000_000 + i * 100_000_000);
        let text = scripted(around)
            .limit(&format!("kind = \"fixed-window\"\nlimit = {limit}\nwindow = \"10s\""))
            .done();
        let times = admitted(&text, Dur::from_secs(30));
        vec![Number::equal(
            "most admitted in any 10 s",
            most_in_window(&times, Dur::from_secs(10)) as f64,
            10.0,
        )]
    })
}

fn counter() -> Item {
    Item::rejecting("42 in the window before, 18 in this one, limit 50", |f| {
        // The 18 calls come when the estimate has room for them: at 15 s into the window it is 49.5.
        let before = (0..42).map(|i| i * 1_000_000_000);
        let current = (0..18).map(|i| 74_999_000_000 + i * 1_000);
        let limit = (50.0 * f) as u32;
        let text = scripted(before.chain(current).chain([75_000_000_000, 76_000_000_000]))
            .limit(&format!("kind = \"sliding-counter\"\nlimit = {limit}\nwindow = \"60s\""))
            .done();
        let (seen, _) = record(&text, Dur::from_secs(100));
        let passed = |i: usize| f64::from(u8::from(seen.verdicts[i].3));
        vec![
            Number::equal("admitted before", seen.verdicts[..60].iter().filter(|v| v.3).count() as f64, 60.0),
            Number::equal("admitted at 49.5", passed(60), 0.0),
            Number::equal("admitted at 48.8, 1 s later", passed(61), 1.0),
        ]
    })
}

fn lock_out() -> Vec<Item> {
    let mut items = Vec::new();
    for (limit, window, every, logged, admitted_only) in LOCK_OUT {
        for (logs_refused, tail) in [(true, logged), (false, admitted_only)] {
            let name = format!("{limit} in {window} s, every {every} s, refusals logged: {logs_refused}");
            let rejects = (every - 5.9).abs() < 1e-9;
            let numbers = move |f: f64| {
                let period = seconds(every * f);
                let text = Text::new(&format!("every = \"{period}\"")).limit(&format!(
                    "kind = \"sliding-log\"\nlimit = {limit}\nwindow = \"{window}s\"\nlogs-refused = {logs_refused}"
                ));
                // A tail of 1,320 calls contains whole periods of 11 and of 60 calls.
                let calls = 2_640.0;
                let (seen, _) = record(&text.done(), Dur(((calls - 0.5) * every * f * 1e9) as u64));
                let tail_calls = &seen.verdicts[1_320..];
                let admitted = tail_calls.iter().filter(|v| v.3).count() as f64;
                vec![Number::close("admitted in the tail", admitted / tail_calls.len() as f64, tail, 1e-12)]
            };
            items.push(if rejects { Item::rejecting(name, numbers) } else { Item::exact(name, numbers) });
        }
    }
    items
}
