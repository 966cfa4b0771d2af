//! Pools of workers with other rules than first come, first served.

use super::estimate::Run;
use super::text::{Text, constant, exponential, seconds};
use super::{Estimated, Family, Item, Measure, measures};

/// The families of this module.
pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "mm1_impatience",
            source: "P(wait > D) = (1 - r) r a / (1 - r^2 a), a = exp(-(mu - lam) D): Barrer 1957",
            items: vec![
                impatience("max-wait", 0.9, 2.0, |d| (pool(&format!("max-wait = \"{}\"", seconds(d))), None)),
                impatience("max-wait", 0.5, 1.0, |d| (pool(&format!("max-wait = \"{}\"", seconds(d))), None)),
                impatience("deadline", 0.9, 2.0, |d| {
                    let timeout = format!("timeout = \"{}\"", seconds(d));
                    (pool("deadline = \"before-service\""), Some(timeout))
                }),
            ],
        },
        Family {
            name: "queue_disciplines",
            source: "work conservation: Kleinrock, Queueing Systems II (1976), ch. 3; M/M/1/K with r = 1: 1 / (K + 1)",
            items: vec![lifo(), full_queue("newest"), full_queue("oldest"), shared()],
        },
        Family {
            name: "latency_under_load",
            source: "L = lam (b + s) / (1 - lam s): Little's law, and arrivals see time averages (Wolff 1982)",
            items: vec![under_load(40.0, 1.0, 0.01), under_load(60.0, 0.5, 0.005)],
        },
    ]
}

/// A pool of one worker with these keys.
fn pool(keys: &str) -> String {
    pool_of(1, keys)
}

fn pool_of(workers: u32, keys: &str) -> String {
    format!("[[backend.pool]]\nname = \"servers\"\nendpoints = [\"generic\"]\nworkers = {workers}\n{keys}")
}

fn estimated(
    name: String,
    wanted: f64,
    fast: Option<f64>,
    measures: Vec<Measure>,
    build: impl Fn(f64) -> String + Send + Sync + 'static,
) -> Item {
    let rejects = fast.is_some();
    let run = Run::Long { pilot_s: 100_000.0 };
    Item::Estimated(Estimated { name, build: Box::new(build), run, wanted, fast, measures, rejects })
}

/// Calls of rate `lam` at a worker of rate 1, which serves none that has waited `d` seconds.
fn impatience(
    name: &'static str,
    lam: f64,
    d: f64,
    keys: impl Fn(f64) -> (String, Option<String>) + Send + Sync + 'static,
) -> Item {
    let a = libm::exp(-(1.0 - lam) * d);
    let lost = (1.0 - lam) * lam * a / (1.0 - lam * lam * a);
    let fast = (lam > 0.8).then_some(0.025);
    estimated(format!("{name}, lam {lam}, D {d}"), 0.02, fast, vec![measures::unserved(lost)], move |f| {
        let (pool, line) = keys(d);
        let text = Text::poisson(lam * f).endpoint(&format!("service = {}", exponential(1.0)));
        line.iter().fold(text, |text, line| text.endpoint(line)).table(&pool).done()
    })
}

fn served(lam: f64, pool: &str) -> String {
    Text::poisson(lam).endpoint(&format!("service = {}", exponential(1.0))).table(pool).done()
}

/// Last come, first served: the mean wait is that of first come, first served.
fn lifo() -> Item {
    let exact = vec![measures::wait(1.0), measures::in_system(1.0)];
    estimated("M/M/1, lifo, lam 0.5".to_owned(), 0.02, Some(0.04), exact, |f| {
        served(0.5 * f, &pool("order = \"lifo\""))
    })
}

/// With equal rates a full queue sheds one of `K + 1` calls, whichever it sheds.
fn full_queue(which: &'static str) -> Item {
    let exact = vec![measures::blocking(0.2), measures::throughput(0.8)];
    estimated(format!("M/M/1/4, sheds the {which}, lam 1"), 0.02, Some(0.02), exact, move |f| {
        served(f, &pool(&format!("queue = 3\nsheds = \"{which}\"")))
    })
}

/// Five workers: Erlang C, as in the family of queues.
fn shared() -> Item {
    let exact = vec![measures::wait(0.5541125541125543), measures::in_system(6.216450216450218)];
    estimated("M/M/5, lam 4".to_owned(), 0.03, None, exact, |f| served(4.0 * f, &pool_of(5, "")))
}

/// Latency of `b` seconds and `s` more for each call under way, without a limit of workers.
fn under_load(lam: f64, b: f64, s: f64) -> Item {
    let in_system = lam * (b + s) / (1.0 - lam * s);
    let exact = vec![measures::in_system(in_system), measures::sojourn(in_system / lam)];
    let name = format!("lam {lam}, {b} s and {s} s a call");
    estimated(name, 0.01, (b > 0.9).then_some(0.02), exact, move |f| {
        let each = format!("service-per-call = \"{}\"", seconds(s));
        Text::poisson(lam * f)
            .endpoint(&format!("service = {}", constant(b)))
            .table(&pool_of(1_000_000, &each))
            .done()
    })
}
