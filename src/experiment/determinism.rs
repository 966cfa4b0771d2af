//! Determinism check: compares two traces of a run and names the first event that differs.
//!
//! A trace stores the hash of the event order every 65,536 events, so a run of 10^9 events takes 15,000 words. Where
//! two traces differ, only that chunk is run again with every event recorded.

use crate::kernel::Time;
use crate::parallel;
use crate::world::{Control, EVENTS_BETWEEN_LOOKS, Observer, Plan, Stopped, observed};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

/// Trace of one run, to be compared with a trace of the same run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Name of the policy and number of the replication, in words.
    pub run: String,
    /// Number of events.
    pub events: u64,
    /// Hash of the order of events.
    pub fingerprint: u64,
    /// SHA-256 over every metric, bucket and session.
    pub results: [u8; 32],
    chunks: Vec<u64>,
}

/// An event taken from the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Number of the event, from 1.
    pub number: u64,
    /// Time of the event.
    pub time: Time,
    /// The user to whom the event belongs; `None` for events of the backend and of the scenario.
    pub user: Option<u32>,
    /// Kind of the event, as its debug text.
    pub kind: String,
}

impl fmt::Display for EventRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at t = {}", self.kind, self.time)?;
        match self.user {
            Some(user) => write!(f, " of user {user}"),
            None => Ok(()),
        }
    }
}

/// Difference between two runs of the same plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the policy and number of the replication, in words.
    pub run: String,
    /// First difference.
    pub point: Point,
}

/// First difference between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// The first event that differs, in the first and the second run. `None` if that run has ended.
    Event(Option<EventRecord>, Option<EventRecord>),
    /// The traces differ after this many events, but recording that chunk twice showed no difference.
    Unreproducible(u64),
    /// The events are equal, but the counts are not.
    Results,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.run)?;
        match &self.point {
            Point::Event(first, second) => {
                let number = first.as_ref().or(second.as_ref()).map_or(0, |e| e.number);
                let words = |e: &Option<EventRecord>| {
                    e.as_ref().map_or("the run has ended".to_owned(), EventRecord::to_string)
                };
                write!(f, "event {number} differs: {} in the first run, ", words(first))?;
                write!(f, "{} in the second", words(second))
            }
            Point::Unreproducible(after) => {
                write!(f, "the order of events differs after event {after}, but not when it is run again")
            }
            Point::Results => f.write_str("the same events in the same order, but what was counted differs"),
        }
    }
}

#[derive(Default)]
struct Tracer(Vec<u64>);

impl Observer for Tracer {
    const ACTIVE: bool = false;

    fn chunk(&mut self, _events: u64, fingerprint: u64) {
        self.0.push(fingerprint);
    }
}

/// Traces every run of a plan on the current thread pool, in the order of policies and replications.
///
/// # Errors
/// If a guard or `control` stops a run.
pub fn trace(plan: &Plan, control: &Control) -> Result<Vec<Trace>, Stopped> {
    let jobs = jobs(plan);
    let traces = parallel::map(&jobs, |&(contender, replication)| {
        let policy = &plan.contenders[contender].name;
        match observed(plan, contender, replication, control, Tracer::default()) {
            Ok((run, tracer, _)) => Ok(Trace {
                run: format!("policy {policy}, replication {replication}"),
                events: run.events,
                fingerprint: run.fingerprint,
                results: digest(&run.metrics),
                chunks: tracer.0,
            }),
            Err(stopped) => Err(stopped.of_run(policy, replication)),
        }
    });
    traces.into_iter().collect()
}

fn jobs(plan: &Plan) -> Vec<(usize, u32)> {
    let replications = plan.scenario.replications;
    (0..plan.contenders.len()).flat_map(|c| (0..replications).map(move |r| (c, r))).collect()
}

/// Hashes the debug text. Rust prints enough digits of a float to identify it, so equal texts mean equal bits.
fn digest(value: &impl fmt::Debug) -> [u8; 32] {
    struct Hashing(Sha256);
    impl fmt::Write for Hashing {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }
    let mut hashing = Hashing(Sha256::new());
    let _ = write!(hashing, "{value:?}");
    hashing.0.finalize().into()
}

/// Compares two traces and describes the first run that differs. `first` and `second` are the plans of the traces. They
/// are the same plan, except in tests that compare two plans.
///
/// # Errors
/// If `control` stops the repeated run of a chunk.
pub fn compare(
    (first, left): (&Plan, &[Trace]),
    (second, right): (&Plan, &[Trace]),
    control: &Control,
) -> Result<Option<Difference>, Stopped> {
    let pairs = jobs(first).into_iter().zip(left.iter().zip(right));
    for ((contender, replication), (a, b)) in pairs {
        if a == b {
            continue;
        }
        let same = a.chunks.iter().zip(&b.chunks).take_while(|(x, y)| x == y).count();
        let point = if a.chunks == b.chunks {
            Point::Results
        } else {
            let chunk = same as u64;
            let a = record_chunk(first, contender, replication, chunk, control)?;
            let b = record_chunk(second, contender, replication, chunk, control)?;
            let at = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
            match (a.get(at), b.get(at)) {
                (None, None) => Point::Unreproducible(chunk * u64::from(EVENTS_BETWEEN_LOOKS)),
                (a, b) => Point::Event(a.cloned(), b.cloned()),
            }
        };
        return Ok(Some(Difference { run: a.run.clone(), point }));
    }
    Ok(None)
}

/// Observer that records the events of one chunk.
struct ChunkRecorder {
    from: u64,
    to: u64,
    events: Vec<EventRecord>,
}

impl Observer for ChunkRecorder {
    const ACTIVE: bool = true;

    fn event(&mut self, number: u64, time: Time, user: u32, kind: &dyn fmt::Debug) {
        if (self.from..=self.to).contains(&number) {
            let user = (user != u32::MAX).then_some(user);
            self.events.push(EventRecord { number, time, user, kind: format!("{kind:?}") });
        }
    }
}

fn record_chunk(
    plan: &Plan,
    contender: usize,
    replication: u32,
    chunk: u64,
    control: &Control,
) -> Result<Vec<EventRecord>, Stopped> {
    let length = u64::from(EVENTS_BETWEEN_LOOKS);
    let recorder = ChunkRecorder { from: chunk * length + 1, to: (chunk + 1) * length, events: Vec::new() };
    observed(plan, contender, replication, control, recorder).map(|(_, recorder, _)| recorder.events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Study;

    fn plan(overrides: &[&str]) -> Plan {
        let overrides: Vec<String> = overrides.iter().map(|s| (*s).to_owned()).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/healthy.toml");
        let all = ["fleet.users=40", "replications=2"].map(str::to_owned).into_iter().chain(overrides);
        Study::load_with(path, &all.collect::<Vec<_>>()).expect("the scenario is valid").plan()
    }

    fn difference(first: &Plan, second: &Plan) -> Option<Difference> {
        let control = Control::default();
        let (a, b) = (trace(first, &control).expect("runs"), trace(second, &control).expect("runs"));
        compare((first, &a), (second, &b), &control).expect("runs")
    }

    #[test]
    fn a_plan_has_no_difference_from_itself() {
        let plan = plan(&[]);
        assert_eq!(difference(&plan, &plan), None);
    }

    #[test]
    fn compare_names_the_first_event_that_differs() {
        let action = "action=[{ at = \"90s\", user = 3, do = \"focus\" }]";
        let (without, with) = (plan(&[]), plan(&[action]));
        let found = difference(&without, &with).expect("the second plan has one more action");
        let Point::Event(Some(first), Some(second)) = &found.point else { panic!("{found:?}") };
        assert_eq!((second.kind.as_str(), second.user), ("Scripted", Some(3)), "{found}");
        assert_eq!(second.time, Time(90_000_000_000));
        assert!(first.number == second.number && first.time >= second.time, "{found}");
        assert!(found.to_string().starts_with("policy old, replication 0: event "), "{found}");
    }

    #[test]
    fn compare_finds_differences_in_a_later_chunk_and_in_counts_alone() {
        let users = ["fleet.users=400"];
        let long = plan(&users);
        let control = Control::default();
        let a = trace(&long, &control).expect("runs");
        assert!(a[0].chunks.len() > 1, "{} events", a[0].events);
        let mut b = a.clone();
        *b[1].chunks.last_mut().expect("one") ^= 1;
        b[1].fingerprint ^= 1;
        let found = compare((&long, &a), (&long, &b), &control).expect("runs").expect("a difference");
        assert!(matches!(found.point, Point::Unreproducible(after) if after > 0), "{found}");
        assert!(found.run.ends_with("replication 1"), "{found}");
        let mut b = a.clone();
        b[0].results[0] ^= 1;
        let found = compare((&long, &a), (&long, &b), &control).expect("runs").expect("a difference");
        assert_eq!(found.point, Point::Results);
    }
}
