//! The model of the AWS back-off simulator: clients that update one row under optimistic concurrency.
//!
//! An attempt reads the row's version, then writes it, and fails if another write came between. The back-off and its jitter
//! are those of policies, the delays of messages those of scenarios; only the row and its clients are made here.

use crate::client::backoff::Backoff;
use crate::client::policy::{Decimal, FailureSet, Jitter, Retry, RetryAfterAs};
use crate::kernel::random::{Purpose, Stream};
use crate::kernel::{Dist, Dur, Time};
use crate::protocol::RetryIn;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The stream of a cell.
pub(super) fn stream(seed: u64, clients: u32, algorithm: &str) -> Stream {
    Stream::named(seed, 0, Purpose::Latency, &format!("occ {clients} {algorithm}"))
}

/// The delay of one message: abs(N(10, 2)) ms.
const DELAY: &str = r#"{"folded-normal":{"mean":"10ms","sd":"2ms"}}"#;

/// The back-off of an algorithm: base 5 ms, cap 2,000 ms. The simulator's first delay is `base * 2^1`, but for decorrelated
/// jitter, which begins with the base.
fn backoff(algorithm: &str) -> Option<Backoff> {
    let (jitter, initial) = match algorithm {
        "None" => return None,
        "Exponential" => (Jitter::None, 10),
        "EqualJitter" => (Jitter::Equal, 10),
        "FullJitter" => (Jitter::Full, 10),
        "Decorr" => (Jitter::Decorrelated, 5),
        other => panic!("{other} is none of the algorithms"),
    };
    Some(Backoff::new(&Retry {
        on: FailureSet::default(),
        initial: Dur::from_ms(initial),
        factor: Decimal { millionths: 2_000_000 },
        cap: Dur::from_ms(2_000),
        retries: 1_000,
        offline_retries: 0,
        jitter,
        honour_retry_after: false,
        retry_after_as: RetryAfterAs::Floor,
        retry_after_cap: None,
    }))
}

/// A client.
#[derive(Clone, Default)]
struct Client {
    /// Attempts that have failed.
    failed: u32,
    /// Length of its last back-off.
    waited: Dur,
    /// The version that its attempt under way has read; `None` before it has read.
    read: Option<u64>,
    /// Random numbers drawn so far.
    drawn: u64,
}

/// One replication with message delays times `f`: the time until every client has written, in milliseconds, and the number of
/// writes that were tried.
pub(super) fn run(clients: u32, algorithm: &str, stream: &Stream, replication: u64, f: f64) -> (f64, f64) {
    let delay: Dist = serde_json::from_str(DELAY).expect("a distribution");
    let delay = delay.slower(f);
    let backoff = backoff(algorithm);
    let mut all = vec![Client::default(); clients as usize];
    // Arrivals of messages at the server, by time and client.
    let mut queue = BinaryHeap::new();
    let draw = |of: u32, client: &mut Client, dist: &Dist| {
        client.drawn += 1;
        dist.sample(stream.bits(replication << 32 | u64::from(of), client.drawn))
    };
    for (of, client) in (0..).zip(&mut all) {
        queue.push(Reverse((Time::ZERO.after(draw(of, client, &delay)), of)));
    }
    let (mut version, mut calls, mut end) = (0u64, 0u64, Time::ZERO);
    while let Some(Reverse((now, of))) = queue.pop() {
        let client = &mut all[of as usize];
        let answered = now.after(draw(of, client, &delay));
        let Some(read) = client.read.take() else {
            client.read = Some(version);
            queue.push(Reverse((answered.after(draw(of, client, &delay)), of)));
            continue;
        };
        calls += 1;
        if read == version {
            version += 1;
            end = end.max(answered);
            continue;
        }
        client.failed += 1;
        if let Some(backoff) = &backoff {
            let wait = backoff.wait(client.failed, client.waited, RetryIn::NONE);
            let drawn = match wait.is_exact() {
                true => wait.low,
                false => draw(of, client, &Dist::uniform(wait.low, wait.high)),
            };
            client.waited = wait.of(drawn);
        }
        let again = answered.after(client.waited).after(draw(of, client, &delay));
        queue.push(Reverse((again, of)));
    }
    (end.0 as f64 / 1e6, calls as f64)
}
