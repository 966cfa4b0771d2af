//! Whether a run can be repeated: two traces of it compared, and the first event that differs named.
//!
//! A trace keeps the hash of the event order every 65,536 events, so that a run of 10^9 events leaves 15,000 words. Where
//! two traces part, that stretch alone is run again with every event written down.

use crate::kernel::Time;
use crate::parallel;
use crate::world::{Control, EVENTS_BETWEEN_LOOKS, Observer, Plan, Stopped, observed};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

/// What one run left: enough to find where another one parts from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Which policy, and which replication.
    pub run: String,
    /// Events in all.
    pub events: u64,
    /// The hash of their order.
    pub fingerprint: u64,
    /// SHA-256 over every metric, bucket and session.
    pub results: [u8; 32],
    chunks: Vec<u64>,
}

/// An event as it was taken from the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub time: Time,
    /// The user it belongs to, if any.
    pub user: Option<u32>,
    /// Its kind.
    pub kind: String,
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at t = {}", self.kind, self.time)?;
        match self.user {
            Some(user) => write!(f, " of user {user}"),
            None => Ok(()),
        }
    }
}

/// How two runs differ that should be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which policy, and which replication.
    pub run: String,
    /// Where.
    pub place: Place,
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this event of the first and of the second; none where a run has ended.
    Event(Option<Happened>, Option<Happened>),
    /// After so many events, but running that stretch again twice showed no difference.
    Unsteady(u64),
    /// The events are the same, what was counted is not.
    Results,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.run)?;
        match &self.place {
            Place::Event(first, second) => {
                let number = first.as_ref().or(second.as_ref()).map_or(0, |e| e.number);
                let words = |e: &Option<Happened>| {
                    e.as_ref().map_or("the run has ended".to_owned(), Happened::to_string)
                };
                write!(f, "event {number} differs: {} in the first run, ", words(first))?;
                write!(f, "{} in the second", words(second))
            }
            Place::Unsteady(after) => {
                write!(f, "the order of events differs after event {after}, but not when it is run again")
            }
            Place::Results => f.write_str("the same events in the same order, but what was counted differs"),
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

/// Traces every run of a plan, on the threads of the pool it is called in; in the order of policies and replications.
///
/// # Errors
/// When a guard or `control` stops a run.
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

/// Rust writes a float with as many digits as tell it from every other, so the text is as good as the bits.
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

/// Compares two traces of what should be the same runs, and looks closer where they part: the first run that differs.
/// `first` and `second` are the plans they came from, the same one unless two are to be told apart.
///
/// # Errors
/// When `control` stops the closer look.
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
        let place = if a.chunks == b.chunks {
            Place::Results
        } else {
            let chunk = same as u64;
            let a = closer(first, contender, replication, chunk, control)?;
            let b = closer(second, contender, replication, chunk, control)?;
            let at = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
            match (a.get(at), b.get(at)) {
                (None, None) => Place::Unsteady(chunk * u64::from(EVENTS_BETWEEN_LOOKS)),
                (a, b) => Place::Event(a.cloned(), b.cloned()),
            }
        };
        return Ok(Some(Difference { run: a.run.clone(), place }));
    }
    Ok(None)
}

/// Writes down the events of one stretch.
struct Closer {
    from: u64,
    to: u64,
    events: Vec<Happened>,
}

impl Observer for Closer {
    const ACTIVE: bool = false;
    const EACH_EVENT: bool = true;

    fn event(&mut self, number: u64, time: Time, user: u32, kind: &dyn fmt::Debug) {
        if (self.from..=self.to).contains(&number) {
            let user = (user != u32::MAX).then_some(user);
            self.events.push(Happened { number, time, user, kind: format!("{kind:?}") });
        }
    }
}

fn closer(
    plan: &Plan,
    contender: usize,
    replication: u32,
    chunk: u64,
    control: &Control,
) -> Result<Vec<Happened>, Stopped> {
    let length = u64::from(EVENTS_BETWEEN_LOOKS);
    let closer = Closer { from: chunk * length + 1, to: (chunk + 1) * length, events: Vec::new() };
    observed(plan, contender, replication, control, closer).map(|(_, closer, _)| closer.events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Study;

    fn plan(overrides: &[&str]) -> Plan {
        let overrides: Vec<String> = overrides.iter().map(|s| (*s).to_owned()).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/healthy.toml");
        let all = ["fleet.users=40", "replications=2"].map(str::to_owned).into_iter().chain(overrides);
        Study::load_with(path, &all.collect::<Vec<_>>()).expect("valid").plan()
    }

    fn difference(first: &Plan, second: &Plan) -> Option<Difference> {
        let control = Control::default();
        let (a, b) = (trace(first, &control).expect("runs"), trace(second, &control).expect("runs"));
        compare((first, &a), (second, &b), &control).expect("runs")
    }

    #[test]
    fn a_run_repeats_itself() {
        let plan = plan(&[]);
        assert_eq!(difference(&plan, &plan), None);
    }

    #[test]
    fn the_first_event_that_differs_is_named() {
        let action = "action=[{ at = \"90s\", user = 3, do = \"focus\" }]";
        let (without, with) = (plan(&[]), plan(&[action]));
        let found = difference(&without, &with).expect("one has an action more");
        let Place::Event(Some(first), Some(second)) = &found.place else { panic!("{found:?}") };
        assert_eq!((second.kind.as_str(), second.user), ("Scripted", Some(3)), "{found}");
        assert_eq!(second.time, Time(90_000_000_000));
        assert!(first.number == second.number && first.time >= second.time, "{found}");
        assert!(found.to_string().starts_with("policy old, replication 0: event "), "{found}");
    }

    #[test]
    fn a_difference_past_the_first_stretch_and_one_in_counts_alone_are_found() {
        let users = ["fleet.users=400"];
        let long = plan(&users);
        let control = Control::default();
        let a = trace(&long, &control).expect("runs");
        assert!(a[0].chunks.len() > 1, "{} events", a[0].events);
        let mut b = a.clone();
        *b[1].chunks.last_mut().expect("one") ^= 1;
        b[1].fingerprint ^= 1;
        let found = compare((&long, &a), (&long, &b), &control).expect("runs").expect("a difference");
        assert!(matches!(found.place, Place::Unsteady(after) if after > 0), "{found}");
        assert!(found.run.ends_with("replication 1"), "{found}");
        let mut b = a.clone();
        b[0].results[0] ^= 1;
        let found = compare((&long, &a), (&long, &b), &control).expect("runs").expect("a difference");
        assert_eq!(found.place, Place::Results);
    }
}
