//! The cost of a sweep or a ranking, known before its first run.

use super::exit::{Exit, Failure};
use super::scenario::RunOptions;
use super::terminal;
use authstorm::experiment::cost::{Cost, count, duration, is_large};
use authstorm::experiment::sweep::{SweepEstimate, Sweeper};
use authstorm::text::number::{counted, whole};
use serde_json::json;
use std::time::Instant;

/// Events above which a sweep must be asked for twice. The bound does not depend on the machine, so that every machine
/// accepts the same sweeps; at 3 M events/s and thread, two threads take half an hour.
const MOST_EVENTS: f64 = 1e10;

/// An estimated sweep, with the speed of its pilots on this machine.
pub(super) struct SweepCost {
    estimate: SweepEstimate,
    /// Events per second of one thread.
    speed: f64,
    threads: usize,
    policies: usize,
    replications: u32,
    /// Why a run would exceed its event budget.
    over_budget: Option<String>,
    /// Whether fewer points may do.
    at_most: bool,
}

/// Runs the pilots of `estimate` and measures their speed.
#[expect(clippy::disallowed_methods, reason = "how fast this machine is; printed, in no result")]
pub(super) fn measure(
    sweeper: &Sweeper<'_>,
    pool: &rayon::ThreadPool,
    estimate: impl Fn(&Sweeper<'_>) -> Result<SweepEstimate, authstorm::Error> + Sync + Send,
) -> Result<SweepCost, Failure> {
    let threads = pool.current_num_threads();
    let begin = Instant::now();
    let estimate = pool.install(|| estimate(sweeper))?;
    let head = sweeper.head();
    let busy = threads.min(2 * sweeper.contenders()) as f64;
    let speed = estimate.pilot_events() as f64 / (begin.elapsed().as_secs_f64() * busy).max(1e-9);
    let speed = speed.max(1.0);
    let mut over_budget = None;
    for (point, sampled) in &estimate.sampled {
        let study = sweeper.study(*point)?;
        if !is_large(&study.loaded().scenario) {
            continue;
        }
        let cost = Cost { estimate: sampled.clone(), speed, at_a_time: threads };
        let why = cost.over_budget(&study);
        let at = || sweeper.points().settings(*point).join(", ");
        over_budget = over_budget.or(why.map(|why| format!("at {}: {why}", at())));
    }
    let (policies, replications) = (sweeper.contenders(), head.replications);
    Ok(SweepCost { estimate, speed, threads, policies, replications, over_budget, at_most: false })
}

impl SweepCost {
    /// The cost of work that may end with fewer points.
    pub(super) fn at_most(self) -> SweepCost {
        SweepCost { at_most: true, ..self }
    }

    fn seconds(&self, events: f64) -> f64 {
        events / self.speed / self.threads as f64
    }

    /// The cost in a sentence, without full stop.
    fn in_words(&self) -> String {
        let SweepEstimate { points, runs, events, .. } = &self.estimate;
        format!(
            "{}{} x {} x {} = {}; about {} events, about {} on {}",
            if self.at_most { "at most " } else { "" },
            counted(*points, "point", "points"),
            counted(self.policies as u64, "policy", "policies"),
            counted(self.replications.into(), "replication", "replications"),
            counted(*runs, "run", "runs"),
            count(*events),
            duration(self.seconds(*events)),
            counted(self.threads as u64, "thread", "threads"),
        )
    }

    /// Why it is not run. `yes`: a large one is asked for twice; `advice`: what makes it smaller.
    fn refusal(&self, yes: bool, advice: &str) -> Option<String> {
        let too_large = || {
            (self.estimate.events > MOST_EVENTS && !yes).then(|| {
                format!("{}; more than {} events need --yes; {advice}", self.in_words(), count(MOST_EVENTS))
            })
        };
        self.over_budget.clone().or_else(too_large)
    }

    /// Refuses work of which a run would exceed its event budget, or that is large and not asked for twice.
    pub(super) fn check(&self, yes: bool, advice: &str) -> Result<(), Failure> {
        self.refusal(yes, advice).map_or(Ok(()), |why| Err(Failure::usage(format!("error: {why}"))))
    }

    /// Says what is about to be run, on standard error.
    pub(super) fn announce(&self, finished: u64) {
        // A search may have rows of its own after the points.
        let finished = match finished.min(self.estimate.points) {
            0 => String::new(),
            n => format!("; {} are finished already", whole(n)),
        };
        terminal::complain(&format!("{}{finished}", self.in_words()));
    }

    /// Prints the cost.
    pub(super) fn tell(&self, options: &RunOptions, yes: bool, advice: &str) -> Result<Exit, Failure> {
        let SweepEstimate { points, runs, events, .. } = &self.estimate;
        let refused: Vec<String> = self.refusal(yes, advice).into_iter().collect();
        if options.json {
            let cost = json!({
                "points": points, "policies": self.policies, "replications": self.replications, "runs": runs,
                "events": events.round(), "seconds": self.seconds(*events), "threads": self.threads,
                "events_per_s_per_thread": self.speed.round(), "refused": refused,
            });
            return terminal::say_json(&format!("{cost:#}\n"));
        }
        if options.quiet {
            return Ok(Exit::Yes);
        }
        let mut text = format!("{}\n", self.in_words());
        refused.iter().for_each(|why| text.push_str(&format!("refused: {why}\n")));
        terminal::say(&text)
    }
}
