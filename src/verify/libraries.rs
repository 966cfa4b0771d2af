//! Budgets, throttles and breakers of libraries, run in the simulator and compared with their documentations' own numbers.

use super::recorder::record;
use super::text::{Text, seconds};
use super::{Family, Item, Number};
use crate::kernel::Dur;
use crate::world::WorkloadTotals;

/// K, accepts per second of the backend, offered calls per second; then calls sent per second (`oracles.json`).
const THROTTLED: [(f64, u32, u32, f64); 3] =
    [(2.0, 100, 150, 150.0), (2.0, 100, 1_000, 200.0), (1.1, 100, 1_000, 110.0)];

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "retry_budgets_of_libraries",
            source: "gRFC A6; Finagle RetryBudget; tower TpsBudget; Envoy RetryBudget; botocore retries/quota.py",
            items: vec![
                grpc(),
                finagle(),
                tower(),
                envoy(),
                aws("fails", "", 100.0),
                aws("times out", "10ms", 50.0),
            ],
        },
        Family {
            name: "resilience4j_circuit_breaker",
            source: "resilience4j documentation: 100 calls, 50%, 60 s open, 10 calls half-open",
            items: vec![resilience4j()],
        },
        Family {
            name: "sre_adaptive_throttling",
            source: "SRE book ch. 21: K C calls per second are sent where more are offered (fluid limit)",
            items: THROTTLED.map(throttled).into(),
        },
    ]
}

/// Calls, retries and refusals of the client itself, of a run of this workload.
fn totals(workload: &str, more: Text, seconds: u64) -> WorkloadTotals {
    let (_, run) = record(&more.workload(workload).done(), Dur::from_secs(seconds));
    run.totals.workloads[0]
}

fn retry(delay: &str, retries: u32) -> String {
    format!(
        "retry = {{ on = [\"5xx\", \"network\"], initial = \"{delay}\", factor = 1, cap = \"{delay}\", retries = {retries} }}"
    )
}

/// 10 tokens, threshold 5: the first four failures leave more than 5. No success brings tokens back.
fn grpc() -> Item {
    Item::exact("gRPC, 10 tokens, three calls that fail", |_| {
        let budget = "resilience = { grpc-retry-throttling = { max-tokens = 10, token-ratio = 0.1 } }";
        let calls = Text::new("at = [\"0s\", \"1m\", \"2m\"]").failing(1.0);
        let work = totals(&format!("{}\n{budget}", retry("1s", 10)), calls, 180);
        vec![Number::equal("retries", work.retries as f64, 4.0)]
    })
}

/// 900 calls in 9 s: 20% of them, and the reserve of 10 s at 10 per second.
fn finagle() -> Item {
    Item::exact("Finagle, defaults, 100 failing calls/s for 9 s", |_| {
        let calls = Text::new("every = \"10ms\"\nuntil = \"8990ms\"").failing(1.0);
        let budget = "resilience = { finagle-retry-budget = {} }";
        let work = totals(&format!("{}\n{budget}", retry("1ms", 3)), calls, 9);
        let numbers = [("calls", work.calls, 900.0), ("retries", work.retries, 280.0)];
        numbers.map(|(name, ours, exact)| Number::equal(name, ours as f64, exact)).into()
    })
}

/// Nothing succeeds, so there is the reserve only.
fn tower() -> Item {
    Item::exact("tower, defaults, 100 failing calls/s for 9 s", |_| {
        let calls = Text::new("every = \"10ms\"\nuntil = \"8990ms\"").failing(1.0);
        let budget = "resilience = { tower-retry-budget = {} }";
        let work = totals(&format!("{}\n{budget}", retry("1ms", 3)), calls, 9);
        vec![Number::equal("retries", work.retries as f64, 100.0)]
    })
}

/// A hundred calls of one process fail one after another. A retry begins while there are fewer than 20% of the calls that
/// are still under way, or fewer than 3.
fn envoy() -> Item {
    Item::exact("Envoy, defaults, 100 calls at once that fail", |_| {
        let calls = Text::new("clients = 100\nat = [\"0s\"]").failing(1.0).endpoint("latency = \"1s\"");
        let budget = "resilience = { per = \"process\", envoy-retry-budget = {} }";
        let work = totals(&format!("{}\n{budget}", retry("100s", 1)), calls, 50);
        let retries = (0..100u32).fold(0, |retries, ended| {
            let most = ((99 - ended) / 5).max(3);
            if retries < most { retries + 1 } else { retries }
        });
        vec![Number::equal("retries", work.in_orbit as f64, f64::from(retries))]
    })
}

/// 500 tokens pay for 100 retries, or for 50 after time-outs.
fn aws(what: &'static str, timeout: &'static str, retries: f64) -> Item {
    Item::rejecting(format!("AWS SDK, 200 calls, each {what}"), move |f| {
        let calls = Text::new("every = \"1s\"\nuntil = \"199s\"");
        let calls = match timeout {
            "" => calls.failing(1.0),
            timeout => calls.endpoint("latency = \"1h\"").endpoint(&format!("timeout = \"{timeout}\"")),
        };
        let quota = format!("resilience = {{ aws-retry-quota = {{ capacity = {} }} }}", 500.0 * f);
        let work = totals(&format!("{}\n{quota}", retry("1ms", 2)), calls, 300);
        vec![Number::equal("retries", work.retries as f64, retries)]
    })
}

/// A call each second fails. The breaker opens with the hundredth, permits ten calls every 69 s, and opens again.
fn resilience4j() -> Item {
    Item::rejecting("resilience4j, defaults, a failing call each second for 1000 s", |f| {
        let calls = Text::new("every = \"1s\"\nuntil = \"999s\"").failing(1.0);
        let open = seconds(60.0 * f);
        let breaker =
            format!("resilience4j-circuit-breaker = {{ wait-duration-in-open-state = \"{open}\" }}");
        let work = totals(&format!("resilience = {{ {breaker} }}"), calls, 1_000);
        let sent = (0..1_000u64).filter(|t| *t < 100 || *t >= 159 && (t - 159) % 69 < 10).count();
        vec![Number::equal("calls sent", (work.calls - work.unsent) as f64, sent as f64)]
    })
}

/// Poisson calls of one client before a limit. The history of two minutes is full after the first two of five.
fn throttled((k, accepts, offered, sent): (f64, u32, u32, f64)) -> Item {
    let numbers = move |f: f64| {
        let seconds = 300;
        let calls = Text::poisson(f64::from(offered)).limit(&format!(
            "kind = \"token-bucket\"\nrate = \"{}/s\"\nburst = {accepts}",
            f64::from(accepts) * f
        ));
        let throttling = format!("resilience = {{ sre-throttling = {{ k = {k:?} }} }}");
        let (seen, _) = record(&calls.workload(&throttling).done(), Dur::from_secs(seconds));
        let late = seen.ended.iter().filter(|(_, at, _)| at.0 >= 120 * 1_000_000_000).count();
        let rate = late as f64 / (seconds - 120) as f64;
        vec![Number::close("calls sent per second", rate, sent, 0.03)]
    };
    let name = format!("K {k}, C {accepts}, offered {offered}");
    // Where all is sent, the wrong backend changes nothing.
    if sent < f64::from(offered) { Item::rejecting(name, numbers) } else { Item::exact(name, numbers) }
}
