//! What does an event cost? What a decision of a limiter, of a policy? What the queue alone?
//!
//! `cargo bench -p authstorm-benches`; times are CPU times of one core, per element where a throughput is given.

use authstorm::Study;
use authstorm::backend::limiter::Limiter;
use authstorm::backend::spec::LimitSpec;
use authstorm::client::fact::Fact;
use authstorm::client::family::SessionEnd;
use authstorm::client::policy::FailureSet;
use authstorm::kernel::queue::{Calendar, Heap};
use authstorm::kernel::random::{Purpose, Stream};
use authstorm::kernel::{Dur, Time};
use authstorm::metrics::Outcome;
use authstorm::metrics::collect::Collector;
use authstorm::protocol::Endpoint;
use authstorm::protocol::Failure;
use authstorm::world::{Control, Plan, run};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;

fn scenario(name: &str, overrides: &[String]) -> Study {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(format!("{name}.toml"));
    Study::load_with(path, overrides).expect("a shipped scenario")
}

/// Nanoseconds per event of whole runs: the polling workload and the incident on a measured release.
fn events(c: &mut Criterion) {
    let mut group = c.benchmark_group("event");
    group.sample_size(10);
    for clients in [1_000u64, 10_000, 100_000, 1_000_000] {
        let rate = clients * 9 / 50;
        let study = scenario(
            "rl-poll",
            &[
                format!("workload[0].clients={clients}"),
                format!("backend.limit[0].rate={rate}/s"),
                format!("backend.limit[0].burst={rate}"),
                format!("horizon={}s", (6_000_000 / clients).clamp(6, 600)),
            ],
        );
        one_run(&mut group, BenchmarkId::new("rl-poll", clients), &study.plan(), 0);
    }
    for users in [1_000u64, 10_000, 100_000] {
        let overrides =
            [format!("fleet.users={users}"), format!("horizon={}s", (9_000_000 / users).clamp(65, 300))];
        let plan = scenario("touch-429-clerk-js", &overrides).plan();
        one_run(&mut group, BenchmarkId::new("touch-429-clerk-js", users), &plan, 0);
    }
    group.finish();
}

/// Nanoseconds per event of whole runs of each client that `which-sdk-storms` compares: the token clients beside releases of
/// clerk-js. All have the same users, calls by the app and life of a token. Each runs once without a fault, and once with twelve
/// minutes of 429 where the client gets its tokens.
fn clients(c: &mut Criterion) {
    let mut group = c.benchmark_group("client");
    group.sample_size(10);
    for (name, limited_from) in [("healthy", "20m"), ("429", "8m")] {
        let overrides = [
            "fleet.users=1000".to_owned(),
            "fleet.opens={ uniform = ['0s', '60s'] }".to_owned(),
            "backend.token-life=10m".to_owned(),
            format!("fault[0].from={limited_from}"),
            "horizon=20m".to_owned(),
        ];
        let plan = scenario("which-sdk-storms", &overrides).plan();
        for (place, contender) in plan.contenders.iter().enumerate() {
            one_run(&mut group, BenchmarkId::new(name, &contender.name), &plan, place);
        }
    }
    group.finish();
}

fn one_run(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    id: BenchmarkId,
    plan: &Plan,
    contender: usize,
) {
    let users = || 0..plan.scenario.fleet.users;
    let count = run(plan, contender, 0, users(), &Control::default()).expect("no guard stops it").events;
    group.throughput(Throughput::Elements(count));
    group.bench_function(id, |b| {
        b.iter(|| run(black_box(plan), contender, 0, users(), &Control::default()).map(|r| r.fingerprint));
    });
}

/// The hold model (Vaucher and Duval 1975): take one, put one in, with so many waiting.
fn queues(c: &mut Criterion) {
    let stream = Stream::new(1, 0, Purpose::Generic, 0);
    let delay = |n: u64| Dur(stream.bits(n, 0) % 5_000_000_000);
    let mut group = c.benchmark_group("queue");
    group.throughput(Throughput::Elements(1));
    for waiting in [1_000u64, 100_000, 1_000_000] {
        let (mut calendar, mut heap) = (Calendar::<u64>::default(), Heap::<u64>::default());
        for n in 0..waiting {
            calendar.push(Time(delay(n).0), n);
            heap.push(Time(delay(n).0), n);
        }
        let mut n = waiting;
        group.bench_function(BenchmarkId::new("calendar", waiting), |b| {
            b.iter(|| {
                let (now, _) = calendar.pop(Time::NEVER, |_| {}).expect("as many go in as come out");
                n += 1;
                calendar.push(now.after(delay(n)), n);
            });
        });
        group.bench_function(BenchmarkId::new("heap", waiting), |b| {
            b.iter(|| {
                let (now, _) = heap.pop(Time::NEVER).expect("as many go in as come out");
                n += 1;
                heap.push(now.after(delay(n)), n);
            });
        });
    }
    group.finish();
}

/// One decision of each kind of limiter, among 1,000 keys.
fn limiters(c: &mut Criterion) {
    let mut group = c.benchmark_group("limiter");
    for kind in [
        "kind = 'token-bucket'\nrate = '5/s'\nburst = 10",
        "kind = 'gcra'\nrate = '5/s'\nburst = 10",
        "kind = 'fixed-window'\nlimit = 10\nwindow = '2s'",
        "kind = 'sliding-log'\nlimit = 10\nwindow = '2s'",
        "kind = 'sliding-counter'\nlimit = 10\nwindow = '2s'",
        "kind = 'leaky-bucket'\nrate = '5/s'\nburst = 10",
    ] {
        let text = format!("endpoints = ['touch']\nkey = 'ip'\n{kind}");
        let spec: LimitSpec = toml::from_str(&text).expect("a limit");
        let mut limiter = Limiter::new(&spec, 1_000);
        let mut n = 0u64;
        group.bench_function(spec.kind.name(), |b| {
            b.iter(|| {
                n += 1;
                limiter.ask((n % 1_000) as u32, Time(n * 150_000), 1)
            });
        });
    }
    group.finish();
}

/// What an answer means to a policy.
fn policy(c: &mut Criterion) {
    let rules = FailureSet::parse(&["4xx", "!429", "403:user_banned"]).expect("a set");
    let bits = rules.compile(&[String::new(), "user_banned".to_owned()]);
    let mut status = 400;
    c.bench_function("policy/decision", |b| {
        b.iter(|| {
            status = if status == 599 { 400 } else { status + 1 };
            bits.contains(black_box(Failure::status(status)))
        });
    });
}

/// What counting costs: a call sent and ended, and a fact that moves a session's account of stale time.
fn metrics(c: &mut Criterion) {
    let plan = scenario("touch-429-cascade", &[]).plan();
    let mut group = c.benchmark_group("metrics");
    let mut collector = Collector::new(&plan, 0, 0..plan.scenario.users());
    let mut n = 0u64;
    let mut next = || {
        n += 1;
        ((n % u64::from(plan.scenario.fleet.users)) as u32, Time(n * 1_000 % plan.horizon.0))
    };
    group.bench_function("call", |b| {
        b.iter(|| {
            let (user, now) = next();
            collector.sent(user, Endpoint::known("touch"), true, now);
            collector.call_ended(Endpoint::known("touch"), Outcome::TooManyRequests, now, now);
        });
    });
    group.bench_function("flow entry", |b| {
        b.iter(|| {
            let (user, now) = next();
            let entry = Fact::FlowEntered { active: true, depth: 2, open: 1, cause: None };
            collector.fact(user, 0, entry, SessionEnd::Alive, now)
        });
    });
    group.finish();
}

/// From results to the bytes of every file.
fn writing(c: &mut Criterion) {
    let mut study = scenario("touch-429-cascade", &["fleet.users=200".to_owned()]);
    let results = study.replications(2).and_then(|study| study.run()).expect("no guard stops it");
    let mut group = c.benchmark_group("write");
    group.sample_size(10);
    group.bench_function("csv", |b| {
        b.iter(|| (authstorm::results::csv::timeline(&results), authstorm::results::csv::summary(&results)));
    });
    group.bench_function("charts", |b| b.iter(|| authstorm::plot::charts(&results)));
    group.finish();
}

criterion_group!(benches, events, clients, queues, limiters, policy, metrics, writing);
criterion_main!(benches);
