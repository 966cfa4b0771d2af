//! The cost of a sweep or a ranking, known before its first run.

use super::exit::{Exit, Failure};
use super::format::{self, Format};
use super::memory;
use super::scenario::RunOptions;
use super::terminal;
use authstorm::experiment::cost::{Cost, count, duration, is_large};
use authstorm::experiment::sweep::{SweepEstimate, Sweeper};
use authstorm::spec::json::output_schema;
use authstorm::text::capitalised;
use authstorm::text::number::{counted, whole};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Instant;

/// Events above which a sweep must be asked for twice. The bound does not depend on the machine, so that every machine
/// accepts the same sweeps; at 3 M events/s and thread, two threads take half an hour.
pub(super) const MOST_EVENTS: f64 = 1e10;

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
    let estimate = memory::on(pool, || estimate(sweeper))?;
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
    pub(super) fn tell(
        &self,
        options: &RunOptions,
        form: Option<Format>,
        yes: bool,
        advice: &str,
    ) -> Result<Exit, Failure> {
        if options.quiet {
            return Ok(Exit::Yes);
        }
        let SweepEstimate { points, runs, events, .. } = self.estimate;
        let refused: Vec<String> = self.refusal(yes, advice).into_iter().collect();
        let report = Report {
            points,
            at_most: self.at_most,
            policies: self.policies,
            replications: self.replications,
            runs,
            events: events.round(),
            seconds: self.seconds(events),
            threads: self.threads,
            events_per_s_per_thread: self.speed.round(),
            refused,
        };
        let text = || {
            let refused = report.refused.iter().map(|why| format!("refused: {why}\n"));
            format!("{}\n{}", capitalised(&self.in_words()), refused.collect::<String>())
        };
        let rows = report.rows();
        format::say(Format::of(form, options.json), (&COLUMNS, 1), &rows, text, || serde_json::json!(report))
    }
}

/// The cost of a sweep, a ranking, a map or a rollout as data.
#[derive(Serialize, JsonSchema)]
struct Report {
    /// Number of points.
    points: u64,
    /// Whether the work may end with fewer points.
    at_most: bool,
    /// Number of policies at each point.
    policies: usize,
    /// Number of replications of each policy.
    replications: u32,
    /// Number of runs.
    runs: u64,
    /// Events of all runs, as small pilots tell.
    events: f64,
    /// Seconds that the work takes on this machine.
    seconds: f64,
    /// Number of threads.
    threads: usize,
    /// Speed of the pilots: events per second of one thread.
    events_per_s_per_thread: f64,
    /// Why the work would be refused. Empty if it would not.
    refused: Vec<String>,
}

/// Columns of a cost as CSV and as Markdown.
pub(super) const COLUMNS: [&str; 3] = ["quantity", "value", "unit"];

impl Report {
    /// One fact a row.
    fn rows(&self) -> Vec<[String; 3]> {
        let of = |quantity: &str, value: String, unit: &str| [quantity.to_owned(), value, unit.to_owned()];
        let most =
            |quantity: &str| if self.at_most { format!("{quantity}, at most") } else { quantity.into() };
        let mut rows = vec![
            of(&most("points"), self.points.to_string(), "points"),
            of("policies", self.policies.to_string(), "policies"),
            of("replications", self.replications.to_string(), "replications"),
            of(&most("runs"), self.runs.to_string(), "runs"),
            of(&most("events"), self.events.to_string(), "events"),
            of(&most("time"), self.seconds.to_string(), "s"),
            of("threads", self.threads.to_string(), "threads"),
            of("speed of a thread", self.events_per_s_per_thread.to_string(), "events/s"),
        ];
        rows.extend(self.refused.iter().map(|why| of("refused", why.clone(), "")));
        rows
    }
}

/// The JSON Schema of what `--estimate --json` of a verb with points prints, draft 2020-12, as text.
pub(super) fn json_schema() -> String {
    format!(
        "{:#}\n",
        output_schema::<Report>("What `--estimate --json` of sweep, rank, map and rollout prints")
    )
}
